// SPDX-License-Identifier: MIT
/*
 * Copyright (c) 2026 the npu authors
 *
 * Operators element by element, products, reductions and normalisations: attributes become struct
 * npu_graph_attrs, versions of opsets are evened out, operators that are others in disguise (Sum,
 * GlobalAveragePool) become these.
 */
#include <math.h>

#include "node.h"

/* Input 1 gets dimensions of size 1 behind its own, so that these begin at @axis of input 0. */
static void align(struct reader *r, int64_t axis)
{
	const struct npu_graph_tensor *x = node_input(r, 0), *y = node_input(r, 1);
	struct npu_graph_attrs shape = { .dims = 0 };
	uint32_t d;

	if (axis < 0)
		axis += x->dims;
	if (axis < 0 || axis + y->dims > x->dims) {
		reader_fail(r, "axis");
		return;
	}
	for (d = 0; d < y->dims; d++)
		shape.shape[shape.dims++] = y->shape[d];
	for (d += (uint32_t)axis; d < x->dims; d++)
		shape.shape[shape.dims++] = 1;
	if (npu_graph_node(r->g, NPU_GRAPH_RESHAPE, r->node->name, &shape, &r->in[1], 1, &r->in[1],
			   1))
		reader_fail(r, "%s", npu_error());
}

/* Before opset 7 the second operand began at an axis of the first. */
void op_binary(struct reader *r, struct npu_graph_attrs *a)
{
	(void)a;
	if (r->opset < 7 && node_int(r, "broadcast", 0) && node_attr(r, "axis") &&
	    node_input(r, 0) && node_input(r, 1))
		align(r, node_int(r, "axis", 0));
}

/* Likewise slopes, one a channel. */
void op_prelu(struct reader *r, struct npu_graph_attrs *a)
{
	const struct npu_graph_tensor *x = node_input(r, 0), *slope = node_input(r, 1);

	(void)a;
	if (r->opset < 7 && x && slope && slope->dims == 1 && slope->shape[0] > 1 && x->dims > 1)
		align(r, 1);
}

/* Sum of any number: sums of two. */
void op_sum(struct reader *r, struct npu_graph_attrs *a)
{
	unsigned int i;
	int sum = r->in_count ? r->in[0] : -1, in[2];

	for (i = 1; i < r->in_count && !r->failed; i++) {
		in[0] = sum;
		in[1] = r->in[i];
		if (npu_graph_node(r->g, NPU_GRAPH_ADD, r->node->name, a, in, 2, &sum, 1))
			reader_fail(r, "%s", npu_error());
	}
	r->in[0] = sum;
	r->in_count = 1;
	r->op = NPU_GRAPH_IDENTITY;
}

void op_alpha_001(struct reader *r, struct npu_graph_attrs *a)
{
	a->alpha = node_float(r, "alpha", 0.01f);
}

void op_hard_sigmoid(struct reader *r, struct npu_graph_attrs *a)
{
	a->alpha = node_float(r, "alpha", 0.2f);
	a->beta = node_float(r, "beta", 0.5f);
}

void op_gelu(struct reader *r, struct npu_graph_attrs *a)
{
	(void)a;
	if (!node_is_string(r, "approximate", "none", "none"))
		reader_fail(r, "the approximation by tanh");
}

void op_clip(struct reader *r, struct npu_graph_attrs *a)
{
	a->lo = node_float(r, "min", -INFINITY);
	a->hi = node_float(r, "max", INFINITY);
	node_input_number(r, 1, "min", &a->lo);
	node_input_number(r, 2, "max", &a->hi);
	r->in_count = r->in_count ? 1 : 0;
}

void op_cast(struct reader *r, struct npu_graph_attrs *a)
{
	a->type = reader_type(node_int(r, "to", 0));
	if (a->type == NPU_TYPES)
		reader_fail(r, "to a type that the card does not have");
}

void op_axis_1(struct reader *r, struct npu_graph_attrs *a)
{
	a->axis = node_small(node_int(r, "axis", 1));
}

void op_axis_0(struct reader *r, struct npu_graph_attrs *a)
{
	a->axis = node_small(node_int(r, "axis", 0));
}

void op_gemm(struct reader *r, struct npu_graph_attrs *a)
{
	a->alpha = node_float(r, "alpha", 1);
	a->beta = node_float(r, "beta", 1);
	a->trans_a = node_int(r, "transA", 0) != 0;
	a->trans_b = node_int(r, "transB", 0) != 0;
}

void op_global(struct reader *r, struct npu_graph_attrs *a)
{
	const struct npu_graph_tensor *x = node_input(r, 0);
	uint32_t d;

	if (!x || x->dims < 3) {
		reader_fail(r, "no spatial dimensions");
		return;
	}
	for (d = 2; d < x->dims; d++)
		a->axes[a->axis_count++] = (int32_t)d;
	a->keep_dims = 1;
}

void op_reduce(struct reader *r, struct npu_graph_attrs *a)
{
	int n = node_axes(r, a, 1);

	a->keep_dims = node_int(r, "keepdims", 1) != 0;
	r->in_count = r->in_count ? 1 : 0;
	if (n <= 0 && node_int(r, "noop_with_empty_axes", 0))
		r->op = NPU_GRAPH_IDENTITY;
}

void op_softmax(struct reader *r, struct npu_graph_attrs *a)
{
	const struct npu_graph_tensor *x = node_input(r, 0);
	int64_t axis = node_int(r, "axis", r->opset < 13 ? 1 : -1);

	if (!x)
		return;
	if (axis < 0)
		axis += x->dims;
	if (axis < 0 || axis >= x->dims) {
		reader_fail(r, "axis");
		return;
	}
	/* Before opset 13 all dimensions from the axis on are one. */
	a->axes[a->axis_count++] = (int32_t)axis;
	while (r->opset < 13 && ++axis < x->dims)
		a->axes[a->axis_count++] = (int32_t)axis;
}

void op_layer_norm(struct reader *r, struct npu_graph_attrs *a)
{
	a->axis = node_small(node_int(r, "axis", -1));
	a->epsilon = node_float(r, "epsilon", 1e-5f);
	if (node_int(r, "stash_type", 1) != 1)
		reader_fail(r, "stash_type other than float");
}

void op_epsilon(struct reader *r, struct npu_graph_attrs *a)
{
	a->epsilon = node_float(r, "epsilon", 1e-5f);
	if (node_int(r, "training_mode", 0))
		reader_fail(r, "training");
}

void op_dropout(struct reader *r, struct npu_graph_attrs *a)
{
	const struct npu_graph_tensor *training = node_input(r, 2);

	(void)a;
	if (training)
		reader_fail(r, "training_mode as an input");
	if (r->node->n_output > 1 && *r->node->output[1])
		reader_fail(r, "the output of the mask");
	r->in_count = r->in_count ? 1 : 0;
}
