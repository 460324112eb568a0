// SPDX-License-Identifier: MIT
/*
 * Copyright (c) 2026 the npu authors
 *
 * Usage: seeds DATA OUT
 *
 * What fuzzing begins with, made of ONNX' test vectors in DATA: OUT/onnx has the small models, with
 * all inputs but the first as initializers (which shapes and axes must be), and OUT/image what they
 * compile to.
 */
#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "onnx.h"
#include "onnx.pb-c.h"

#define MAX_MODEL 3000u
#define MAX_IMAGE 10000u

static void *read_file(const char *path, size_t *size)
{
	FILE *f = fopen(path, "re");
	static uint8_t data[1 << 16];

	if (!f)
		return NULL;
	*size = fread(data, 1, sizeof(data), f);
	fclose(f);
	return *size && *size < sizeof(data) ? data : NULL;
}

static bool write_file(const char *dir, const char *kind, const char *name, const void *data,
		       size_t size)
{
	char path[1024];
	FILE *f;
	bool ok;

	snprintf(path, sizeof(path), "%s/%s/%s", dir, kind, name);
	f = fopen(path, "we");
	ok = f && fwrite(data, 1, size, f) == size;
	if (!f || fclose(f) || !ok) {
		perror(path);
		return false;
	}
	return true;
}

/* Test vectors of inputs 1 and on become initializers. */
static void fix_inputs(Onnx__ModelProto *m, const char *dir)
{
	Onnx__GraphProto *g = m->graph;
	size_t i, size;

	for (i = 1; i < g->n_input; i++) {
		char path[1024];
		Onnx__TensorProto *t = NULL, **list;
		void *data;

		snprintf(path, sizeof(path), "%s/test_data_set_0/input_%zu.pb", dir, i);
		data = read_file(path, &size);
		if (data)
			t = onnx__tensor_proto__unpack(NULL, size, data);
		list = t ? realloc(g->initializer, (g->n_initializer + 1) * sizeof(*list)) : NULL;
		if (!list)
			continue;
		free(t->name);
		t->name = strdup(g->input[i]->name);
		g->initializer = list;
		list[g->n_initializer++] = t;
	}
}

static bool make_image(struct npu_device *dev, const char *out, const char *name, const void *data,
		       size_t size)
{
	struct npu_graph *g = npu_graph_create();
	struct onnx_options options = { .dims = 0 };
	char error[256];
	void *image = NULL;
	size_t image_size;
	bool ok = true;

	if (!onnx_load(g, data, size, &options, error, sizeof(error)) &&
	    !npu_graph_compile(g, npu_device_caps(dev), NULL, &image, &image_size) &&
	    image_size <= MAX_IMAGE)
		ok = write_file(out, "image", name, image, image_size);
	free(image);
	npu_graph_free(g);
	return ok;
}

static bool make_seeds(struct npu_device *dev, const char *data, const char *out, const char *name)
{
	Onnx__ModelProto *m = NULL;
	char dir[512], path[600];
	uint8_t *model;
	size_t size;
	void *packed;
	bool ok = true;

	snprintf(dir, sizeof(dir), "%s/%s", data, name);
	snprintf(path, sizeof(path), "%s/model.onnx", dir);
	model = read_file(path, &size);
	if (model)
		m = onnx__model_proto__unpack(NULL, size, model);
	if (!m)
		return true;
	fix_inputs(m, dir);
	size = onnx__model_proto__get_packed_size(m);
	packed = malloc(size);
	if (packed && size <= MAX_MODEL) {
		onnx__model_proto__pack(m, packed);
		ok = write_file(out, "onnx", name, packed, size) &&
		     make_image(dev, out, name, packed, size);
	}
	free(packed);
	onnx__model_proto__free_unpacked(m, NULL);
	return ok;
}

int main(int argc, char **argv)
{
	static const char *const kinds[] = { "onnx", "image" };
	struct dirent **entries;
	struct npu_device *dev;
	char path[512];
	bool ok = true;
	unsigned int k;
	int n;

	n = argc == 3 ? scandir(argv[1], &entries, NULL, alphasort) : -1;
	if (n < 3 || npu_open(&dev, "sim:spm=256K,acc=64K")) {
		fprintf(stderr, "usage: seeds DATA OUT; DATA has a folder a test\n");
		return 2;
	}
	for (k = 0; k < 2; k++) {
		snprintf(path, sizeof(path), "%s/%s", argv[2], kinds[k]);
		mkdir(path, 0777);
	}
	while (n--) {
		if (entries[n]->d_name[0] != '.')
			ok = make_seeds(dev, argv[1], argv[2], entries[n]->d_name) && ok;
		free(entries[n]);
	}
	free(entries);
	npu_close(dev);
	return !ok;
}
