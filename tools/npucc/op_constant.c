// SPDX-License-Identifier: MIT
/*
 * Copyright (c) 2026 the npu authors
 *
 * Operators that are constants when compiling: Constant, ConstantOfShape, Shape, Size.
 */
#include <limits.h>
#include <stdlib.h>
#include <string.h>

#include "node.h"

static void set_constant(struct reader *r, uint32_t type, uint32_t dims, const uint32_t *shape,
			 const void *data)
{
	int id = npu_graph_constant(r->g, r->node->output[0], type, dims, shape, data);

	if (id < 0)
		reader_fail(r, "%s", npu_error());
	else
		reader_set(r, 0, id);
	r->done = true;
}

void op_constant(struct reader *r, struct npu_graph_attrs *a)
{
	const Onnx__AttributeProto *v = node_attr(r, "value"), *i = node_attr(r, "value_int"),
				   *f = node_attr(r, "value_float");
	const Onnx__AttributeProto *is = node_attr(r, "value_ints"),
				   *fs = node_attr(r, "value_floats");
	uint32_t type, dims, shape[NPU_MAX_DIMS];
	const char *why = "";
	void *data;

	(void)a;
	if (v && v->t && reader_empty(v->t)) {
		reader_set(r, 0, READER_EMPTY);
		r->done = true;
	} else if (v && v->t) {
		data = reader_convert(v->t, &type, &dims, shape, &why);
		if (data)
			set_constant(r, type, dims, shape, data);
		else
			reader_fail(r, "%s", why);
		free(data);
	} else if (i) {
		set_constant(r, NPU_S64, 0, NULL, &i->i);
	} else if (f) {
		set_constant(r, NPU_FP32, 0, NULL, &f->f);
	} else if (is && is->n_ints && is->n_ints < INT_MAX) {
		shape[0] = (uint32_t)is->n_ints;
		set_constant(r, NPU_S64, 1, shape, is->ints);
	} else if (fs && fs->n_floats && fs->n_floats < INT_MAX) {
		shape[0] = (uint32_t)fs->n_floats;
		set_constant(r, NPU_FP32, 1, shape, fs->floats);
	} else {
		reader_fail(r, "a constant of this kind");
	}
}

void op_shape(struct reader *r, struct npu_graph_attrs *a)
{
	const struct npu_graph_tensor *x = node_input(r, 0);
	int64_t v[NPU_MAX_DIMS], from = node_int(r, "start", 0),
				 to = node_int(r, "end", NPU_MAX_DIMS);
	uint32_t count;
	int64_t i;

	(void)a;
	if (!x)
		return;
	from = node_clamp(from < 0 ? from + x->dims : from, 0, x->dims);
	to = node_clamp(to < 0 ? to + x->dims : to, 0, x->dims);
	if (to <= from) {
		reader_fail(r, "an empty shape");
		return;
	}
	for (i = from; i < to; i++)
		v[i - from] = x->shape[i];
	count = (uint32_t)(to - from);
	set_constant(r, NPU_S64, 1, &count, v);
}

void op_size(struct reader *r, struct npu_graph_attrs *a)
{
	const struct npu_graph_tensor *x = node_input(r, 0);
	int64_t n = x ? (int64_t)node_count(x) : 0;

	(void)a;
	if (x)
		set_constant(r, NPU_S64, 0, NULL, &n);
}

void op_constant_of_shape(struct reader *r, struct npu_graph_attrs *a)
{
	const Onnx__AttributeProto *v = node_attr(r, "value");
	uint32_t type = NPU_FP32, dims = 0, shape[NPU_MAX_DIMS], one[NPU_MAX_DIMS] = { 1 };
	int64_t size[NPU_MAX_DIMS];
	uint8_t zero[8] = { 0 };
	const char *why = "";
	void *data = NULL;
	int n = node_input_ints(r, 0, "the shape", size, NPU_MAX_DIMS), id;

	if (n < 0) {
		reader_fail(r, "no shape");
		return;
	}
	if (v && v->t)
		data = reader_convert(v->t, &type, &dims, shape, &why);
	if (v && v->t && (!data || dims > 1 || (dims && shape[0] != 1))) {
		reader_fail(r, "%s", data ? "more than one value" : why);
	} else {
		/* One value, expanded. */
		id = npu_graph_constant(r->g, NULL, type, 1, one, data ? data : zero);
		if (id < 0)
			reader_fail(r, "%s", npu_error());
		r->in[0] = id;
		r->in_count = 1;
		r->op = n ? NPU_GRAPH_EXPAND : NPU_GRAPH_RESHAPE;
		a->dims = (uint32_t)n;
		memcpy(a->shape, size, (size_t)n * sizeof(*size));
	}
	free(data);
}
