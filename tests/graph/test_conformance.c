// SPDX-License-Identifier: MIT
/*
 * Copyright (c) 2026 the npu authors
 *
 * ONNX' own test vectors: test_conformance DATA UNSUPPORTED [CASE...]
 *
 * Every case under DATA whose operators are those that are supported is compiled and run twice:
 * with all inputs as inputs, and with all but the first as constants (that too if it is int64: a
 * shape); each way on one core and on two, and each as npucc compiles it, folded, and where that makes
 * another image as it is read as well. A way may fail to compile; one must not, and whatever
 * runs must be right. Folding must not fail, nor take away what compiles. UNSUPPORTED lists the cases that cannot, one a line, with the reason: one
 * listed that passes, or one that is not listed and does not, is a failure.
 *
 * Tolerances: integers are exact. Floats of one node that is no product: 1e-5 of the value plus
 * 1e-6 of the largest. Products, and graphs of many nodes, compute and keep fp16: 4e-3 of the value
 * plus 2e-3 of the largest.
 */
#include <dirent.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "fold.h"
#include "onnx.h"
#include "onnx.pb-c.h"
#include "run.h"

#define MAX_TENSORS 64u

struct test {
	char dir[1024];
	const char *name;
	void *model;
	size_t model_size;
	struct tensor in[MAX_TENSORS], want[MAX_TENSORS];
	unsigned int ins, wants;
	bool loose;
	char reason[512];
};

enum verdict { PASSED, WRONG, IMPOSSIBLE };

static struct npu_device *device[2];

static void *read_file(const char *path, size_t *size)
{
	FILE *f = fopen(path, "re");
	void *data = NULL;
	long n;

	if (!f)
		return NULL;
	if (!fseek(f, 0, SEEK_END) && (n = ftell(f)) > 0) {
		rewind(f);
		data = malloc((size_t)n);
		*size = fread(data, 1, (size_t)n, f);
	}
	fclose(f);
	return data;
}

/*
 * Number @i of "input" or "output"; false: there is none, or of a type that does not matter here.
 */
static bool read_tensor(struct test *t, const char *kind, unsigned int i, struct tensor *out,
			bool *there)
{
	char path[1280], error[128];
	size_t size;
	void *data;
	int ret;

	snprintf(path, sizeof(path), "%s/test_data_set_0/%s_%u.pb", t->dir, kind, i);
	data = read_file(path, &size);
	*there = data;
	if (!data)
		return false;
	memset(out, 0, sizeof(*out));
	ret = onnx_tensor(data, size, &out->type, &out->dims, out->shape, &out->data, error,
			  sizeof(error));
	free(data);
	if (ret)
		snprintf(t->reason, sizeof(t->reason), "%s %u: %s", kind, i, error);
	return !ret;
}

static bool close_enough(const struct tensor *got, const struct tensor *want, bool loose, char *why,
			 size_t size)
{
	bool floats = want->type == NPU_FP32 || want->type == NPU_FP16 || want->type == NPU_BF16;
	double most = 0, rel = loose ? 4e-3 : 1e-5, abs = loose ? 2e-3 : 1e-6;
	uint64_t i, n = tensor_count(want);

	if (!got->data || got->type != want->type || tensor_count(got) != n ||
	    got->dims != want->dims ||
	    memcmp(got->shape, want->shape, want->dims * sizeof(*want->shape))) {
		snprintf(why, size, "output of another type or shape");
		return false;
	}
	if (want->type == NPU_FP16 || want->type == NPU_BF16)
		rel = 8e-3;
	for (i = 0; i < n; i++)
		if (isfinite(tensor_get(want, i)))
			most = fmax(most, fabs(tensor_get(want, i)));
	for (i = 0; i < n; i++) {
		double a = tensor_get(got, i), b = tensor_get(want, i);

		if (a == b || (isnan(a) && isnan(b)))
			continue;
		if (!floats || !(fabs(a - b) <= rel * fabs(b) + abs * most)) {
			snprintf(why, size, "element %llu is %.9g, not %.9g", (unsigned long long)i,
				 a, b);
			return false;
		}
	}
	return true;
}

struct image {
	void *data;
	size_t size;
};

static enum verdict compile(struct test *t, struct npu_graph *g, unsigned int dev,
			    struct image *image)
{
	struct npu_graph_options options = { .float_type = NPU_FP16 };

	*image = (struct image){ NULL, 0 };
	if (!npu_graph_compile(g, npu_device_caps(device[dev]), &options, &image->data,
			       &image->size))
		return PASSED;
	snprintf(t->reason, sizeof(t->reason), "%s",
		 npu_graph_issues(g) ? npu_graph_issue(g, 0) : npu_error());
	return IMPOSSIBLE;
}

static enum verdict run(struct test *t, const struct image *image, unsigned int dev)
{
	struct tensor out[MAX_TENSORS] = { 0 };
	enum verdict v = PASSED;
	unsigned int i;

	for (i = 0; i < t->wants; i++)
		memcpy(out[i].name, t->want[i].name, sizeof(out[i].name));
	if (run_image(device[dev], image->data, image->size, t->in, t->ins, out, t->wants)) {
		snprintf(t->reason, sizeof(t->reason), "running: %s", npu_error());
		v = WRONG;
	}
	for (i = 0; i < t->wants && v == PASSED; i++)
		if (!close_enough(&out[i], &t->want[i], t->loose, t->reason, sizeof(t->reason)))
			v = WRONG;
	for (i = 0; i < t->wants; i++)
		free(out[i].data);
	return v;
}

static unsigned int twice;

/* Folded, and unfolded if that is another image. */
static enum verdict run_both(struct test *t, struct npu_graph *g, unsigned int dev)
{
	struct npu_graph *folded = NULL;
	struct image plain, image = { NULL, 0 };
	enum verdict v = compile(t, g, dev, &plain);

	if (v == PASSED && fold_products(g, NPU_FP16, &folded)) {
		snprintf(t->reason, sizeof(t->reason), "folding: %s", npu_error());
		v = WRONG;
	}
	if (v == PASSED && compile(t, folded, dev, &image))
		v = WRONG;
	if (v == PASSED)
		v = run(t, &image, dev);
	if (v == PASSED &&
	    (image.size != plain.size || memcmp(image.data, plain.data, plain.size))) {
		v = run(t, &plain, dev);
		twice++;
	}
	free(plain.data);
	free(image.data);
	npu_graph_free(folded);
	return v;
}

static enum verdict run_way(struct test *t, bool fixed, unsigned int dev)
{
	struct onnx_fixed fix[MAX_TENSORS];
	struct onnx_options onnx = { .fixed = fix };
	struct npu_graph *g = npu_graph_create();
	enum verdict v = IMPOSSIBLE;
	unsigned int i;

	for (i = t->in[0].type != NPU_S64; fixed && i < t->ins; i++) {
		struct onnx_fixed *f = &fix[onnx.fixed_count++];

		*f = (struct onnx_fixed){ .name = t->in[i].name,
					  .type = t->in[i].type,
					  .dims = t->in[i].dims,
					  .data = t->in[i].data };
		memcpy(f->shape, t->in[i].shape, sizeof(f->shape));
	}
	if (!onnx_load(g, t->model, t->model_size, &onnx, t->reason, sizeof(t->reason)))
		v = run_both(t, g, dev);
	npu_graph_free(g);
	return v;
}

static enum verdict run_case(struct test *t)
{
	enum verdict best = IMPOSSIBLE, v;
	unsigned int way;

	for (way = 0; way < 4; way++) {
		v = run_way(t, way & 1, way / 2);
		if (v == WRONG)
			return WRONG;
		if (v == PASSED)
			best = PASSED;
	}
	return best;
}

/* ---- Cases ----------------------------------------------------------------------------------- */

/* The operators of issue and page: docs/onnx.md. A case with any other is none of this test's. */
static const char *const supported[] = {
	"Abs",
	"Add",
	"AveragePool",
	"BatchNormalization",
	"Cast",
	"Ceil",
	"Clip",
	"Concat",
	"Constant",
	"ConstantOfShape",
	"Conv",
	"ConvInteger",
	"ConvTranspose",
	"DequantizeLinear",
	"Div",
	"Dropout",
	"DynamicQuantizeLinear",
	"Erf",
	"Exp",
	"Expand",
	"Flatten",
	"Floor",
	"Gather",
	"Gelu",
	"Gemm",
	"GlobalAveragePool",
	"GlobalMaxPool",
	"HardSigmoid",
	"HardSwish",
	"Identity",
	"InstanceNormalization",
	"LayerNormalization",
	"LeakyRelu",
	"Log",
	"MatMul",
	"MatMulInteger",
	"Max",
	"MaxPool",
	"Min",
	"Mul",
	"Neg",
	"PRelu",
	"Pad",
	"Pow",
	"QLinearConv",
	"QLinearMatMul",
	"QuantizeLinear",
	"Reciprocal",
	"ReduceMax",
	"ReduceMean",
	"ReduceMin",
	"ReduceSum",
	"Relu",
	"Reshape",
	"Resize",
	"Round",
	"Shape",
	"Sigmoid",
	"Size",
	"Slice",
	"Softmax",
	"Split",
	"Sqrt",
	"Squeeze",
	"Sub",
	"Sum",
	"Tanh",
	"Transpose",
	"Unsqueeze",
	"Upsample",
};

static bool is_supported(const char *op)
{
	size_t i;

	for (i = 0; i < sizeof(supported) / sizeof(supported[0]); i++)
		if (!strcmp(op, supported[i]))
			return true;
	return false;
}

static bool is_product(const char *op)
{
	return strstr(op, "Conv") || strstr(op, "MatMul") || !strcmp(op, "Gemm");
}

/* false: not a case of this test's. Vectors that cannot be read leave a reason. */
static bool read_model(struct test *t)
{
	Onnx__ModelProto *m;
	char path[1280];
	bool there = true, ours = true;
	size_t i;

	snprintf(path, sizeof(path), "%s/model.onnx", t->dir);
	t->model = read_file(path, &t->model_size);
	m = t->model ? onnx__model_proto__unpack(NULL, t->model_size, t->model) : NULL;
	if (!m)
		return false;
	t->loose = m->graph->n_node > 1;
	for (i = 0; i < m->graph->n_node; i++) {
		ours = ours && is_supported(m->graph->node[i]->op_type) &&
		       !(m->graph->node[i]->domain && *m->graph->node[i]->domain);
		t->loose = t->loose || is_product(m->graph->node[i]->op_type);
	}
	if (!m->graph->n_node)
		ours = false;
	/* Vectors go by the inputs that are not initializers. */
	for (i = 0; i < m->graph->n_input && ours; i++) {
		size_t k;

		for (k = 0; k < m->graph->n_initializer; k++)
			if (!strcmp(m->graph->initializer[k]->name, m->graph->input[i]->name))
				break;
		if (k < m->graph->n_initializer || t->ins == MAX_TENSORS)
			continue;
		if (read_tensor(t, "input", t->ins, &t->in[t->ins], &there))
			snprintf(t->in[t->ins].name, sizeof(t->in[t->ins].name), "%s",
				 m->graph->input[i]->name);
		t->ins++;
	}
	for (i = 0; i < m->graph->n_output && ours && i < MAX_TENSORS; i++) {
		if (read_tensor(t, "output", t->wants, &t->want[t->wants], &there))
			snprintf(t->want[t->wants].name, sizeof(t->want[0].name), "%s",
				 m->graph->output[i]->name);
		t->wants++;
	}
	onnx__model_proto__free_unpacked(m, NULL);
	return ours;
}

static void free_test(struct test *t)
{
	unsigned int i;

	for (i = 0; i < t->ins; i++)
		free(t->in[i].data);
	for (i = 0; i < t->wants; i++)
		free(t->want[i].data);
	free(t->model);
}

/* Is the case listed as impossible? */
static bool listed(const char *list, const char *name)
{
	size_t n = strlen(name);
	const char *p;

	for (p = list; p && *p; p = strchr(p, '\n') ? strchr(p, '\n') + 1 : NULL)
		if (!strncmp(p, name, n) && (p[n] == ':' || p[n] == ' '))
			return true;
	return false;
}

static unsigned int passed, failed, impossible;

static void test_dir(const char *dir, const char *group, const char *name, const char *list)
{
	struct test *t = calloc(1, sizeof(*t));
	char id[300];
	enum verdict v;

	snprintf(id, sizeof(id), "%s/%s", group, name);
	snprintf(t->dir, sizeof(t->dir), "%s/%s", dir, name);
	t->name = name;
	if (read_model(t)) {
		v = *t->reason ? IMPOSSIBLE : run_case(t);
		if (v == PASSED && !listed(list, id)) {
			passed++;
		} else if (v == IMPOSSIBLE && listed(list, id)) {
			impossible++;
		} else {
			failed++;
			printf("%s %s: %s\n",
			       v == PASSED ? "passes, but is listed:" :
			       v == WRONG  ? "WRONG" :
					     "impossible",
			       id, v == PASSED ? "" : t->reason);
		}
	}
	free_test(t);
	free(t);
}

static int by_name(const struct dirent **a, const struct dirent **b)
{
	return strcmp((*a)->d_name, (*b)->d_name);
}

int main(int argc, char **argv)
{
	static const char *const groups[] = { "node", "simple", "pytorch-operator",
					      "pytorch-converted" };
	char path[512], *list;
	size_t size = 0;
	unsigned int g;
	int i, k, n;

	if (argc < 3 || npu_open(&device[0], "sim:cores=1") || npu_open(&device[1], "sim:")) {
		fprintf(stderr, "usage: test_conformance DATA UNSUPPORTED [CASE...]; %s\n",
			npu_error());
		return 2;
	}
	list = read_file(argv[2], &size);
	list = realloc(list, size + 1);
	list[size] = 0;
	for (g = 0; g < sizeof(groups) / sizeof(groups[0]); g++) {
		struct dirent **entries;

		snprintf(path, sizeof(path), "%s/%s", argv[1], groups[g]);
		n = scandir(path, &entries, NULL, by_name);
		for (i = 0; i < n; i++) {
			bool wanted = argc == 3 && entries[i]->d_name[0] != '.';

			for (k = 3; k < argc; k++)
				wanted = wanted || !strcmp(argv[k], entries[i]->d_name);
			if (wanted)
				test_dir(path, groups[g], entries[i]->d_name, list);
			free(entries[i]);
		}
		if (n >= 0)
			free(entries);
	}
	free(list);
	npu_close(device[0]);
	npu_close(device[1]);
	printf("%u cannot be, as listed; %u images are others unfolded\n%u passed, %u failed\n",
	       impossible, twice, passed, failed);
	return failed || !passed;
}
