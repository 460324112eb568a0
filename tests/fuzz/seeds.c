// SPDX-License-Identifier: MIT
/*
 * Copyright (c) 2026 the npu authors
 *
 * Usage: seeds DATA OUT
 *
 * What fuzzing begins with, made of ONNX' test vectors in DATA: OUT/onnx has the small models, with
 * all inputs but the first as initializers (which shapes and axes must be), and OUT/image what they
 * compile to. Test vectors are of one node or two, so there are some chains of convolutions and
 * pools beside them, in floats and in integers.
 */
#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "onnx.h"
#include "onnx.pb-c.h"

#define MAX_MODEL 3000u
#define MAX_IMAGE 12000u

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

/* ---- Chains ---------------------------------------------------------------------------------- */

#define CHAIN_LAYERS 6u
#define CHAIN_NAMES  (CHAIN_LAYERS * 2 + 8)

/* A message of a chain, in memory that the process's end frees. */
#define NEW(type, init)                         \
	({                                      \
		type *m = malloc(sizeof(type)); \
		init(m);                        \
		m;                              \
	})

struct chain {
	Onnx__GraphProto *g;
	Onnx__NodeProto *node[CHAIN_LAYERS];
	Onnx__TensorProto *tensor[CHAIN_NAMES];
	Onnx__ValueInfoProto *input[1], *output[1];
	bool integers;
};

static char *name_of(const char *what, unsigned int i)
{
	char *s;

	return asprintf(&s, "%s%u", what, i) < 0 ? NULL : s;
}

/* Bytes that ascend, or floats of them. */
static char *add_tensor(struct chain *c, char *name, int32_t type, unsigned int dims,
			const int64_t *shape)
{
	Onnx__TensorProto *t = NEW(Onnx__TensorProto, onnx__tensor_proto__init);
	bool floats = type == ONNX__TENSOR_PROTO__DATA_TYPE__FLOAT;
	size_t count = 1, i;

	t->name = name;
	t->data_type = type;
	t->has_data_type = 1;
	t->n_dims = dims;
	t->dims = malloc((dims + 1) * sizeof(*t->dims));
	for (i = 0; i < dims; i++)
		count *= (size_t)(t->dims[i] = shape[i]);
	t->has_raw_data = 1;
	t->raw_data.len = count * (floats ? 4 : 1);
	t->raw_data.data = malloc(t->raw_data.len);
	for (i = 0; i < count; i++) {
		float v = 0.125f * (float)(i % 7 + 1);

		if (floats)
			memcpy(t->raw_data.data + 4 * i, &v, 4);
		else
			t->raw_data.data[i] = (uint8_t)(i % 7 + 1);
	}
	c->tensor[c->g->n_initializer++] = t;
	return name;
}

static Onnx__AttributeProto *ints(const char *name, unsigned int n, int64_t v)
{
	Onnx__AttributeProto *a = NEW(Onnx__AttributeProto, onnx__attribute_proto__init);

	a->name = strdup(name);
	a->has_type = 1;
	a->type = ONNX__ATTRIBUTE_PROTO__ATTRIBUTE_TYPE__INTS;
	a->n_ints = n;
	a->ints = malloc(n * sizeof(*a->ints));
	while (n)
		a->ints[--n] = v;
	return a;
}

/* Convolution of 3 x 3 or 1 x 1, from @in to @out channels, or a pool (@out 0). */
static void add_layer(struct chain *c, unsigned int i, int64_t in, int64_t out, int64_t kernel,
		      int64_t stride)
{
	Onnx__NodeProto *n = NEW(Onnx__NodeProto, onnx__node_proto__init);
	int32_t type = c->integers ? ONNX__TENSOR_PROTO__DATA_TYPE__UINT8 :
				     ONNX__TENSOR_PROTO__DATA_TYPE__FLOAT;
	char **inputs = calloc(8, sizeof(*inputs)), *w;

	n->op_type = strdup(!out ? "MaxPool" : c->integers ? "QLinearConv" : "Conv");
	n->n_input = out ? 2 : 1;
	n->input = inputs;
	inputs[0] = name_of("v", i);
	if (out) {
		w = add_tensor(c, name_of("w", i), type, 4, (int64_t[]){ out, in, kernel, kernel });
		inputs[1] = w;
		if (c->integers) {
			n->n_input = 8;
			inputs[1] = inputs[4] = inputs[6] = strdup("scale");
			inputs[2] = inputs[5] = inputs[7] = strdup("zero");
			inputs[3] = w;
		}
	}
	n->n_output = 1;
	n->output = malloc(sizeof(*n->output));
	n->output[0] = name_of("v", i + 1);
	n->attribute = malloc(3 * sizeof(*n->attribute));
	n->attribute[n->n_attribute++] = ints("kernel_shape", 2, kernel);
	n->attribute[n->n_attribute++] = ints("pads", 4, kernel / 2);
	n->attribute[n->n_attribute++] = ints("strides", 2, stride);
	c->node[c->g->n_node++] = n;
}

static Onnx__ValueInfoProto *value(const struct chain *c, unsigned int number, unsigned int dims,
				   const int64_t *shape)
{
	Onnx__ValueInfoProto *v = NEW(Onnx__ValueInfoProto, onnx__value_info_proto__init);
	Onnx__TypeProto *type = NEW(Onnx__TypeProto, onnx__type_proto__init);
	Onnx__TypeProto__Tensor *t = NEW(Onnx__TypeProto__Tensor, onnx__type_proto__tensor__init);
	unsigned int i;

	v->name = name_of("v", number);
	v->type = type;
	type->value_case = ONNX__TYPE_PROTO__VALUE_TENSOR_TYPE;
	type->tensor_type = t;
	t->has_elem_type = 1;
	t->elem_type = c->integers ? ONNX__TENSOR_PROTO__DATA_TYPE__UINT8 :
				     ONNX__TENSOR_PROTO__DATA_TYPE__FLOAT;
	t->shape = NEW(Onnx__TensorShapeProto, onnx__tensor_shape_proto__init);
	t->shape->dim = malloc(dims * sizeof(*t->shape->dim));
	for (i = 0; i < dims; i++) {
		Onnx__TensorShapeProto__Dimension *d =
			NEW(Onnx__TensorShapeProto__Dimension,
			    onnx__tensor_shape_proto__dimension__init);

		d->value_case = ONNX__TENSOR_SHAPE_PROTO__DIMENSION__VALUE_DIM_VALUE;
		d->dim_value = shape[i];
		t->shape->dim[t->shape->n_dim++] = d;
	}
	return v;
}

static bool make_chain(struct npu_device *dev, const char *out, bool integers)
{
	/* Channels in, channels out (0: a pool), kernel, stride. */
	static const int64_t layers[CHAIN_LAYERS][4] = { { 3, 4, 3, 1 }, { 4, 4, 1, 1 },
							 { 4, 0, 2, 2 }, { 4, 6, 3, 1 },
							 { 6, 4, 1, 2 }, { 4, 2, 1, 1 } };
	const char *name = integers ? "chain_integers" : "chain_floats";
	Onnx__ModelProto *m = NEW(Onnx__ModelProto, onnx__model_proto__init);
	Onnx__OperatorSetIdProto *opset =
		NEW(Onnx__OperatorSetIdProto, onnx__operator_set_id_proto__init);
	struct chain c = { .integers = integers };
	unsigned int i;
	size_t size;
	void *packed;

	c.g = m->graph = NEW(Onnx__GraphProto, onnx__graph_proto__init);
	opset->has_version = 1;
	opset->version = 13;
	m->n_opset_import = 1;
	m->opset_import = &opset;
	add_tensor(&c, strdup("scale"), ONNX__TENSOR_PROTO__DATA_TYPE__FLOAT, 0, NULL);
	add_tensor(&c, strdup("zero"), ONNX__TENSOR_PROTO__DATA_TYPE__UINT8, 0, NULL);
	for (i = 0; i < CHAIN_LAYERS; i++)
		add_layer(&c, i, layers[i][0], layers[i][1], layers[i][2], layers[i][3]);
	c.input[0] = value(&c, 0, 4, (int64_t[]){ 1, 3, 12, 12 });
	c.output[0] = value(&c, CHAIN_LAYERS, 1, (int64_t[]){ 1 });
	c.g->node = c.node;
	c.g->initializer = c.tensor;
	c.g->n_input = c.g->n_output = 1;
	c.g->input = c.input;
	c.g->output = c.output;
	size = onnx__model_proto__get_packed_size(m);
	packed = malloc(size);
	onnx__model_proto__pack(m, packed);
	return write_file(out, "onnx", name, packed, size) &&
	       make_image(dev, out, name, packed, size);
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
	ok = make_chain(dev, argv[2], false) && make_chain(dev, argv[2], true) && ok;
	npu_close(dev);
	return !ok;
}
