// SPDX-License-Identifier: MIT
/*
 * Copyright (c) 2026 the npu authors
 *
 * See compile.h.
 */
#include "compile.h"

#include <stdio.h>
#include <stdlib.h>

#include "complain.h"

int compile_graph(struct npu_graph *g, const struct npu_caps *caps,
		  const struct npu_graph_options *options, const char *what, void **image,
		  size_t *size)
{
	int ret = npu_graph_compile(g, caps, options, image, size);
	unsigned int i;

	if (!npu_graph_issues(g))
		return ret ? complain("%s: %s", what, npu_error()) : EXIT_SUCCESS;
	complain("%s cannot be compiled:", what);
	for (i = 0; i < npu_graph_issues(g); i++)
		fprintf(stderr, "  %s\n", npu_graph_issue(g, i));
	free(*image);
	*image = NULL;
	return EXIT_FAILURE;
}
