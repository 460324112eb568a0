/* SPDX-License-Identifier: MIT */
/*
 * Copyright (c) 2026 the npu authors
 *
 * A graph to an image, or all reasons why not.
 */
#ifndef NPUCC_COMPILE_H
#define NPUCC_COMPILE_H

#include "npu/graph.h"

/** compile_graph() - as npu_graph_compile(); 0, or EXIT_FAILURE having said why @what cannot be */
int compile_graph(struct npu_graph *g, const struct npu_caps *caps,
		  const struct npu_graph_options *options, const char *what, void **image,
		  size_t *size);

#endif
