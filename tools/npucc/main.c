// SPDX-License-Identifier: MIT
/*
 * Copyright (c) 2026 the npu authors
 *
 * npucc: ONNX models to .npu images.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "compile.h"
#include "complain.h"
#include "fold.h"
#include "options.h"

static bool write_to(const char *path, const void *data, size_t size)
{
	FILE *f = fopen(path, "we");
	bool ok = f && fwrite(data, 1, size, f) == size;

	if (f && fclose(f))
		ok = false;
	return ok;
}

/*
 * Whole, or not at all: written beside and renamed. What is no file stays what it is: /dev/null, or a link, which
 * /dev/stdout is.
 */
static int write_file(const char *path, const void *data, size_t size)
{
	struct stat st;
	char *tmp;
	bool ok;

	if (!lstat(path, &st) && !S_ISREG(st.st_mode))
		return write_to(path, data, size) ? EXIT_SUCCESS :
						    complain("%s: %s", path, strerror(errno));
	if (asprintf(&tmp, "%s.%d", path, (int)getpid()) < 0)
		return complain("out of memory");
	ok = write_to(tmp, data, size) && !rename(tmp, path);
	if (!ok) {
		complain("%s: %s", path, strerror(errno));
		unlink(tmp);
	}
	free(tmp);
	return ok ? EXIT_SUCCESS : EXIT_FAILURE;
}

static int compile_folded(const struct settings *s, const struct npu_graph *g,
			  struct npu_device *dev, void **image, size_t *size)
{
	struct npu_graph *folded = NULL;
	int ret = fold_products(g, s->graph.float_type, &folded);

	if (ret)
		ret = complain("%s", ret == -ENOMEM ? "out of memory" : npu_error());
	else
		ret = compile_graph(folded, npu_device_caps(dev), &s->graph, s->input, image, size);
	npu_graph_free(folded);
	return ret;
}

static int compile(const struct settings *s, struct npu_graph *g, struct npu_device *dev)
{
	void *image = NULL;
	size_t size;
	int ret;

	/* What could not be read is told by compiling. */
	if (npu_graph_issues(g))
		ret = compile_graph(g, npu_device_caps(dev), &s->graph, s->input, &image, &size);
	else if (s->quantize)
		ret = quantize(g, dev, &s->graph, &s->quant, stdout, &image, &size);
	else
		ret = compile_folded(s, g, dev, &image, &size);
	if (!ret)
		ret = write_file(s->output, image, size);
	free(image);
	return ret;
}

int main(int argc, char **argv)
{
	struct npu_graph *g = NULL;
	struct npu_device *dev = NULL;
	const void *data = NULL;
	struct settings s;
	char error[256];
	size_t size;
	int ret = settings_parse(&s, argc, argv);

	if (ret)
		goto out;
	ret = EXIT_FAILURE;
	data = map_file(s.input, &size);
	if (!data)
		goto out;
	g = npu_graph_create();
	if (!g)
		complain("out of memory");
	else if (npu_open(&dev, s.target))
		complain("%s: %s", s.target, npu_error());
	else if (onnx_load(g, data, size, &s.onnx, error, sizeof(error)))
		complain("%s: %s", s.input, error);
	else
		ret = compile(&s, g, dev);
	npu_graph_free(g);
	npu_close(dev);
	munmap((void *)data, size);
out:
	settings_free(&s);
	return ret;
}
