// SPDX-License-Identifier: MIT
/*
 * Copyright (c) 2026 the npu authors
 *
 * Operators that only move elements. Flatten, Squeeze and Unsqueeze are reshapes in disguise.
 */
#include "node.h"

void op_reshape(struct reader *r, struct npu_graph_attrs *a)
{
	int n = node_ints(r, "shape", a->shape, NPU_MAX_DIMS);

	if (n < 0)
		n = node_input_ints(r, 1, "the shape", a->shape, NPU_MAX_DIMS);
	if (n < 0)
		reader_fail(r, "no shape");
	a->dims = n < 0 ? 0 : (uint32_t)n;
	a->allow_zero = node_int(r, "allowzero", 0) != 0;
	r->in_count = r->in_count ? 1 : 0;
}

void op_flatten(struct reader *r, struct npu_graph_attrs *a)
{
	const struct npu_graph_tensor *x = node_input(r, 0);
	int64_t axis = node_int(r, "axis", 1), before = 1;
	uint32_t d;

	if (!x)
		return;
	if (axis < 0)
		axis += x->dims;
	if (axis < 0 || axis > x->dims) {
		reader_fail(r, "axis");
		return;
	}
	for (d = 0; d < axis; d++)
		before *= x->shape[d];
	a->dims = 2;
	a->shape[0] = before;
	a->shape[1] = -1;
}

void op_squeeze(struct reader *r, struct npu_graph_attrs *a)
{
	const struct npu_graph_tensor *x = node_input(r, 0);
	uint32_t mask = 0, d;
	int n = node_axes(r, a, 1), i;

	for (i = 0; x && i < n; i++) {
		int64_t axis = a->axes[i] < 0 ? a->axes[i] + (int64_t)x->dims : a->axes[i];

		if (axis < 0 || axis >= x->dims || x->shape[axis] != 1) {
			reader_fail(r, "axis %d is not of size 1", a->axes[i]);
			return;
		}
		mask |= 1u << axis;
	}
	a->axis_count = 0;
	for (d = 0; x && d < x->dims; d++)
		if (n < 0 ? x->shape[d] != 1 : !(mask >> d & 1))
			a->shape[a->dims++] = x->shape[d];
	r->in_count = r->in_count ? 1 : 0;
}

void op_unsqueeze(struct reader *r, struct npu_graph_attrs *a)
{
	const struct npu_graph_tensor *x = node_input(r, 0);
	uint32_t mask = 0, dims, d, from = 0;
	int n = node_axes(r, a, 1), i;

	if (!x || n < 0) {
		reader_fail(r, "no axes");
		return;
	}
	dims = x->dims + (uint32_t)n;
	for (i = 0; i < n; i++) {
		int64_t axis = a->axes[i] < 0 ? a->axes[i] + (int64_t)dims : a->axes[i];

		if (axis < 0 || axis >= dims || dims > NPU_MAX_DIMS || mask >> axis & 1) {
			reader_fail(r, "axis %d of %u dimensions", a->axes[i], dims);
			return;
		}
		mask |= 1u << axis;
	}
	a->axis_count = 0;
	for (d = 0; d < dims; d++)
		a->shape[a->dims++] = mask >> d & 1 ? 1 : x->shape[from++];
	r->in_count = 1;
}

void op_transpose(struct reader *r, struct npu_graph_attrs *a)
{
	int64_t v[NPU_MAX_DIMS];
	int n = node_ints(r, "perm", v, NPU_MAX_DIMS), i;

	for (i = 0; i < n; i++)
		a->axes[i] = node_small(v[i]);
	a->axis_count = n < 0 ? 0 : (uint32_t)n;
}

void op_expand(struct reader *r, struct npu_graph_attrs *a)
{
	int n = node_input_ints(r, 1, "the shape", a->shape, NPU_MAX_DIMS);

	if (n < 0)
		reader_fail(r, "no shape");
	a->dims = n < 0 ? 0 : (uint32_t)n;
	r->in_count = 1;
}

void op_split(struct reader *r, struct npu_graph_attrs *a)
{
	int n = node_ints(r, "split", a->shape, NPU_GRAPH_MAX_IO);

	if (n < 0)
		n = node_input_ints(r, 1, "the sizes", a->shape, NPU_GRAPH_MAX_IO);
	a->dims = n < 0 ? 0 : (uint32_t)n;
	a->axis = node_small(node_int(r, "axis", 0));
	r->in_count = r->in_count ? 1 : 0;
}

void op_slice(struct reader *r, struct npu_graph_attrs *a)
{
	int64_t v[NPU_MAX_DIMS];
	int starts, ends, n, i;

	if (r->opset < 10) {
		starts = node_ints(r, "starts", a->starts, NPU_MAX_DIMS);
		ends = node_ints(r, "ends", a->ends, NPU_MAX_DIMS);
		n = node_ints(r, "axes", v, NPU_MAX_DIMS);
	} else {
		starts = node_input_ints(r, 1, "starts", a->starts, NPU_MAX_DIMS);
		ends = node_input_ints(r, 2, "ends", a->ends, NPU_MAX_DIMS);
		n = node_input_ints(r, 3, "axes", v, NPU_MAX_DIMS);
		i = node_input_ints(r, 4, "steps", a->steps, NPU_MAX_DIMS);
		if (i >= 0 && i != starts)
			reader_fail(r, "as many steps as starts");
	}
	if (starts < 0 || starts != ends || (n >= 0 && n != starts)) {
		reader_fail(r, "starts, ends and axes do not go together");
		return;
	}
	a->axis_count = (uint32_t)starts;
	for (i = 0; i < starts; i++)
		a->axes[i] = n < 0 ? i : node_small(v[i]);
	/* No axes at all would mean all of them. */
	if (!starts)
		r->op = NPU_GRAPH_IDENTITY;
	r->in_count = 1;
}

void op_pad(struct reader *r, struct npu_graph_attrs *a)
{
	const struct npu_graph_tensor *x = node_input(r, 0);
	int64_t v[2 * NPU_MAX_DIMS], which[NPU_MAX_DIMS];
	int n = node_ints(r, r->opset < 2 ? "paddings" : "pads", v, 2 * NPU_MAX_DIMS), k, i;

	if (n < 0)
		n = node_input_ints(r, 1, "pads", v, 2 * NPU_MAX_DIMS);
	k = node_input_ints(r, 3, "axes", which, NPU_MAX_DIMS);
	if (!x || n < 0 || n % 2 || n / 2 != (k < 0 ? (int)x->dims : k)) {
		reader_fail(r, "pads are not two a dimension");
		return;
	}
	for (i = 0; i < n / 2; i++) {
		int64_t d = k < 0 ? i : which[i] < 0 ? which[i] + (int64_t)x->dims : which[i];

		if (d < 0 || d >= x->dims) {
			reader_fail(r, "axes");
			return;
		}
		a->starts[d] = v[i];
		a->ends[d] = v[i + n / 2];
	}
	a->alpha = node_float(r, "value", 0);
	node_input_number(r, 2, "the value", &a->alpha);
	if (node_is_string(r, "mode", "edge", "constant"))
		a->mode = NPU_PAD_EDGE;
	else if (node_is_string(r, "mode", "reflect", "constant"))
		a->mode = NPU_PAD_REFLECT;
	else if (!node_is_string(r, "mode", "constant", "constant"))
		reader_fail(r, "this mode of padding");
	r->in_count = 1;
}
