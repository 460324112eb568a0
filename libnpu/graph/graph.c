// SPDX-License-Identifier: MIT
/*
 * Copyright (c) 2026 the npu authors
 *
 * A graph's tensors, nodes, outputs and issues. Nothing of it goes before the graph does.
 */
#include <errno.h>
#include <stdlib.h>
#include <stdio.h>
#include <string.h>

#include "hal/error.h"
#include "npu/image.h"

#include "graph.h"

#define MAX_ISSUES 1000u
/*
 * What is computed at compile time stays; a few nodes must not become gigabytes. So it may be
 * this much, and some times what constants there are to compute with.
 */
#define FOLDED	     (1ull << 26)
#define FOLDED_TIMES 4
/* Likewise for what that takes: an element's coordinates and inputs, a few nanoseconds each. */
#define FOLD_WORK	(1ull << 28)
#define FOLD_WORK_TIMES 8

int npu_graph_grow(void *array, unsigned int *room, unsigned int count, size_t size)
{
	unsigned int more;
	void *old, *grown;

	if (count < *room)
		return 0;
	more = *room ? *room * 2 : 16;
	memcpy(&old, array, sizeof(old));
	grown = realloc(old, more * size);
	if (!grown)
		return npu_fail(-ENOMEM, "out of memory");
	memcpy(array, &grown, sizeof(grown));
	*room = more;
	return 0;
}

struct npu_graph *npu_graph_create(void)
{
	return calloc(1, sizeof(struct npu_graph));
}

void npu_graph_free(struct npu_graph *g)
{
	unsigned int i;

	if (!g)
		return;
	for (i = 0; i < g->values; i++) {
		free((char *)g->value[i].t.name);
		free((void *)g->value[i].t.data);
	}
	for (i = 0; i < g->nodes; i++) {
		free(g->node[i].name);
		free(g->node[i].in);
		free(g->node[i].out);
	}
	for (i = 0; i < g->outputs; i++)
		free(g->output[i].name);
	for (i = 0; i < g->issues; i++)
		free(g->issue[i]);
	free(g->value);
	free(g->node);
	free(g->output);
	free(g->issue);
	free(g);
}

static int check_shape(const char *name, uint32_t type, uint32_t dims, const uint32_t *shape)
{
	uint64_t bytes = npu_tensor_bytes(type, dims, shape);
	uint32_t d;

	for (d = 0; bytes && d < dims; d++)
		if (shape[d] > INT32_MAX)
			bytes = 0;
	if (type == NPU_S4 || type == NPU_U4)
		return npu_fail(-EINVAL, "tensor %s: 4-bit types are not for graphs",
				name ? name : "");
	if (!bytes || bytes > NPU_GRAPH_MAX_BYTES)
		return npu_fail(
			-EINVAL,
			"tensor %s: type, dimensions or shape not valid, empty, or too large",
			name ? name : "");
	return 0;
}

/* Once, since any number of nodes may take it for indices. */
static void find_range(struct npu_graph_value *v)
{
	uint64_t count = npu_graph_count(v->t.dims, v->t.shape), i;

	if (v->t.type != NPU_S32 && v->t.type != NPU_S64)
		return;
	v->least = INT64_MAX;
	v->most = INT64_MIN;
	for (i = 0; i < count; i++) {
		int64_t x = npu_graph_get_int(v->t.type, v->t.data, i);

		v->least = x < v->least ? x : v->least;
		v->most = x > v->most ? x : v->most;
	}
}

/* A new tensor takes over @data, also when it fails. */
static int add_value(struct npu_graph *g, const char *name, const struct npu_graph_shape *s,
		     void *data)
{
	struct npu_graph_value *v;
	char *copy = strdup(name ? name : "");

	if (!copy || npu_graph_grow(&g->value, &g->value_room, g->values, sizeof(*g->value))) {
		free(copy);
		free(data);
		return npu_fail(-ENOMEM, "out of memory");
	}
	v = &g->value[g->values];
	memset(v, 0, sizeof(*v));
	v->t.name = copy;
	v->t.type = s->type;
	v->t.dims = s->dims;
	memcpy(v->t.shape, s->shape, s->dims * sizeof(*s->shape));
	v->t.data = data;
	v->producer = -1;
	if (data)
		find_range(v);
	return (int)g->values++;
}

static int add_leaf(struct npu_graph *g, const char *name, uint32_t type, uint32_t dims,
		    const uint32_t *shape, const void *data)
{
	struct npu_graph_shape s = { .type = type, .dims = dims };
	uint64_t bytes;
	void *copy = NULL;
	int ret = check_shape(name, type, dims, shape);

	if (ret)
		return ret;
	if (dims)
		memcpy(s.shape, shape, dims * sizeof(*shape));
	if (data) {
		bytes = npu_tensor_bytes(type, dims, shape);
		copy = malloc(bytes);
		if (!copy)
			return npu_fail(-ENOMEM, "out of memory");
		memcpy(copy, data, bytes);
		g->given += bytes;
	}
	return add_value(g, name, &s, copy);
}

int npu_graph_input(struct npu_graph *g, const char *name, uint32_t type, uint32_t dims,
		    const uint32_t *shape)
{
	int id = add_leaf(g, name, type, dims, shape, NULL);

	if (id >= 0)
		g->value[id].input = true;
	return id;
}

int npu_graph_constant(struct npu_graph *g, const char *name, uint32_t type, uint32_t dims,
		       const uint32_t *shape, const void *data)
{
	if (!data)
		return npu_fail(-EINVAL, "a constant without data");
	return add_leaf(g, name, type, dims, shape, data);
}

const struct npu_graph_tensor *npu_graph_tensor(const struct npu_graph *g, int tensor)
{
	return tensor >= 0 && (unsigned int)tensor < g->values ? &g->value[tensor].t : NULL;
}

/* ---- Nodes ----------------------------------------------------------------------------------- */

static int copy_node(struct npu_graph_node *n, uint32_t op, const char *name,
		     const struct npu_graph_attrs *attrs, const int *in, unsigned int in_count,
		     unsigned int out_count)
{
	*n = (struct npu_graph_node){ .op = op, .in_count = in_count, .out_count = out_count };
	if (attrs)
		n->a = *attrs;
	n->name = strdup(name && *name ? name : npu_graph_op_name(op));
	n->in = malloc((in_count + 1) * sizeof(*n->in));
	n->out = malloc((out_count + 1) * sizeof(*n->out));
	if (!n->name || !n->in || !n->out)
		return npu_fail(-ENOMEM, "out of memory");
	memcpy(n->in, in, in_count * sizeof(*in));
	return 0;
}

static void free_node(struct npu_graph_node *n)
{
	free(n->name);
	free(n->in);
	free(n->out);
}

/* Are all inputs constants, so that it can be computed now? */
static bool constant_inputs(const struct npu_graph *g, const struct npu_graph_node *n)
{
	unsigned int i;

	for (i = 0; i < n->in_count; i++)
		if (n->in[i] >= 0 && !g->value[n->in[i]].t.data)
			return false;
	return n->in_count > 0;
}

static uint64_t bytes(const struct npu_graph_shape *s)
{
	return npu_tensor_bytes(s->type, s->dims, s->shape);
}

/* Compute an output, unless that is too much or not done here: *data is NULL. */
static int fold(struct npu_graph *g, const struct npu_graph_node *n, unsigned int i,
		const struct npu_graph_shape *s, void **data)
{
	uint64_t work = npu_graph_count(s->dims, s->shape) * (1ull + s->dims * n->in_count);
	int ret;

	*data = NULL;
	if (g->folded + bytes(s) > FOLDED + FOLDED_TIMES * g->given ||
	    g->fold_work + work > FOLD_WORK + FOLD_WORK_TIMES * g->given)
		return 0;
	ret = npu_graph_fold(g, n, i, s, data);
	if (ret || !*data)
		return ret;
	g->folded += bytes(s);
	g->fold_work += work;
	return 0;
}

static int add_outputs(struct npu_graph *g, struct npu_graph_node *n,
		       const struct npu_graph_shape *shape)
{
	/*
	 * A dequantised constant stays one in its integers until it is known what they are wanted
	 * for.
	 */
	bool constant = n->op != NPU_GRAPH_DEQUANTIZE && constant_inputs(g, n);
	unsigned int i;
	int ret;

	for (i = 0; i < n->out_count; i++) {
		void *data = NULL;

		if (constant) {
			ret = fold(g, n, i, &shape[i], &data);
			if (ret)
				return ret;
		}
		ret = add_value(g, NULL, &shape[i], data);
		if (ret < 0)
			return ret;
		n->out[i] = ret;
		if (!data)
			g->value[ret].producer = (int)g->nodes;
	}
	return 0;
}

int npu_graph_node(struct npu_graph *g, uint32_t op, const char *name,
		   const struct npu_graph_attrs *attrs, const int *in, unsigned int in_count,
		   int *out, unsigned int out_count)
{
	struct npu_graph_shape *shape;
	struct npu_graph_node n;
	unsigned int i;
	int ret;

	if (op >= NPU_GRAPH_OPS || in_count > NPU_GRAPH_MAX_IO || out_count > NPU_GRAPH_MAX_IO ||
	    !out_count)
		return npu_fail(-EINVAL, "op %u with %u inputs, %u outputs", op, in_count,
				out_count);
	for (i = 0; i < in_count; i++)
		if (in[i] < -1 || in[i] >= (int)g->values)
			return npu_fail(-EINVAL, "input %u: there is no tensor %d", i, in[i]);
	ret = npu_graph_grow(&g->node, &g->node_room, g->nodes, sizeof(*g->node));
	if (ret)
		return ret;
	shape = calloc(out_count, sizeof(*shape));
	if (!shape)
		return npu_fail(-ENOMEM, "out of memory");
	ret = copy_node(&n, op, name, attrs, in, in_count, out_count);
	if (!ret)
		ret = npu_graph_infer(g, &n, shape);
	for (i = 0; i < out_count && !ret; i++)
		ret = check_shape(n.name, shape[i].type, shape[i].dims, shape[i].shape);
	if (!ret)
		ret = add_outputs(g, &n, shape);
	free(shape);
	if (ret) {
		free_node(&n);
		return ret;
	}
	memcpy(out, n.out, out_count * sizeof(*out));
	/* What was computed is a constant; the node is not there any more. */
	for (i = 0; i < out_count && g->value[out[i]].t.data; i++)
		;
	if (i == out_count) {
		free_node(&n);
		return 0;
	}
	for (i = 0; i < in_count; i++)
		if (in[i] >= 0)
			g->value[in[i]].consumers++;
	g->node[g->nodes++] = n;
	return 0;
}

int npu_graph_output(struct npu_graph *g, int tensor, const char *name)
{
	char *copy;

	if (!npu_graph_tensor(g, tensor))
		return npu_fail(-EINVAL, "there is no tensor %d", tensor);
	copy = strdup(name ? name : "");
	if (!copy || npu_graph_grow(&g->output, &g->output_room, g->outputs, sizeof(*g->output))) {
		free(copy);
		return npu_fail(-ENOMEM, "out of memory");
	}
	g->output[g->outputs++] = (struct npu_graph_output){ copy, tensor };
	g->value[tensor].consumers++;
	return 0;
}

/* ---- Issues ---------------------------------------------------------------------------------- */

int npu_graph_add_issue(struct npu_graph *g, const char *node, const char *reason)
{
	char *text;

	if (g->issues == MAX_ISSUES)
		return 0;
	if (asprintf(&text, "%s: %s", node, reason) < 0)
		return npu_fail(-ENOMEM, "out of memory");
	if (npu_graph_grow(&g->issue, &g->issue_room, g->issues, sizeof(*g->issue))) {
		free(text);
		return -ENOMEM;
	}
	g->issue[g->issues++] = text;
	return 0;
}

unsigned int npu_graph_issues(const struct npu_graph *g)
{
	return g->issues;
}

const char *npu_graph_issue(const struct npu_graph *g, unsigned int i)
{
	return i < g->issues ? g->issue[i] : NULL;
}

const char *npu_graph_op_name(uint32_t op)
{
	static const char *const name[NPU_GRAPH_OPS] = {
		[NPU_GRAPH_ADD] = "Add",
		[NPU_GRAPH_SUB] = "Sub",
		[NPU_GRAPH_MUL] = "Mul",
		[NPU_GRAPH_DIV] = "Div",
		[NPU_GRAPH_MIN] = "Min",
		[NPU_GRAPH_MAX] = "Max",
		[NPU_GRAPH_POW] = "Pow",
		[NPU_GRAPH_PRELU] = "PRelu",
		[NPU_GRAPH_SQRT] = "Sqrt",
		[NPU_GRAPH_RECIPROCAL] = "Reciprocal",
		[NPU_GRAPH_EXP] = "Exp",
		[NPU_GRAPH_LOG] = "Log",
		[NPU_GRAPH_ERF] = "Erf",
		[NPU_GRAPH_NEG] = "Neg",
		[NPU_GRAPH_ABS] = "Abs",
		[NPU_GRAPH_FLOOR] = "Floor",
		[NPU_GRAPH_CEIL] = "Ceil",
		[NPU_GRAPH_ROUND] = "Round",
		[NPU_GRAPH_RELU] = "Relu",
		[NPU_GRAPH_LEAKY_RELU] = "LeakyRelu",
		[NPU_GRAPH_CLIP] = "Clip",
		[NPU_GRAPH_SIGMOID] = "Sigmoid",
		[NPU_GRAPH_HARD_SIGMOID] = "HardSigmoid",
		[NPU_GRAPH_HARD_SWISH] = "HardSwish",
		[NPU_GRAPH_TANH] = "Tanh",
		[NPU_GRAPH_GELU] = "Gelu",
		[NPU_GRAPH_CAST] = "Cast",
		[NPU_GRAPH_QUANTIZE] = "QuantizeLinear",
		[NPU_GRAPH_DEQUANTIZE] = "DequantizeLinear",
		[NPU_GRAPH_DYNAMIC_QUANTIZE] = "DynamicQuantizeLinear",
		[NPU_GRAPH_MATMUL] = "MatMul",
		[NPU_GRAPH_GEMM] = "Gemm",
		[NPU_GRAPH_MATMUL_INTEGER] = "MatMulInteger",
		[NPU_GRAPH_QLINEAR_MATMUL] = "QLinearMatMul",
		[NPU_GRAPH_CONV] = "Conv",
		[NPU_GRAPH_CONV_INTEGER] = "ConvInteger",
		[NPU_GRAPH_QLINEAR_CONV] = "QLinearConv",
		[NPU_GRAPH_CONV_TRANSPOSE] = "ConvTranspose",
		[NPU_GRAPH_MAX_POOL] = "MaxPool",
		[NPU_GRAPH_AVERAGE_POOL] = "AveragePool",
		[NPU_GRAPH_REDUCE_MEAN] = "ReduceMean",
		[NPU_GRAPH_REDUCE_SUM] = "ReduceSum",
		[NPU_GRAPH_REDUCE_MAX] = "ReduceMax",
		[NPU_GRAPH_REDUCE_MIN] = "ReduceMin",
		[NPU_GRAPH_SOFTMAX] = "Softmax",
		[NPU_GRAPH_LAYER_NORM] = "LayerNormalization",
		[NPU_GRAPH_INSTANCE_NORM] = "InstanceNormalization",
		[NPU_GRAPH_BATCH_NORM] = "BatchNormalization",
		[NPU_GRAPH_IDENTITY] = "Identity",
		[NPU_GRAPH_RESHAPE] = "Reshape",
		[NPU_GRAPH_TRANSPOSE] = "Transpose",
		[NPU_GRAPH_EXPAND] = "Expand",
		[NPU_GRAPH_CONCAT] = "Concat",
		[NPU_GRAPH_SPLIT] = "Split",
		[NPU_GRAPH_SLICE] = "Slice",
		[NPU_GRAPH_PAD] = "Pad",
		[NPU_GRAPH_GATHER] = "Gather",
		[NPU_GRAPH_RESIZE] = "Resize",
	};

	return op < NPU_GRAPH_OPS ? name[op] : "?";
}
