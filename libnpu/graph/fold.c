// SPDX-License-Identifier: MIT
/*
 * Copyright (c) 2026 the npu authors
 *
 * Nodes whose inputs are constants, computed while the graph is built: the arithmetic of shapes,
 * weights that are transposed, reshaped or quantised. Floats are computed in binary64 and rounded
 * once to the result's type; basic operations on binary32 values so come out correctly rounded, as
 * the card has them.
 */
#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "hal/error.h"
#include "npu/image.h"
#include "qemu-device/card/float16.h"

#include "graph.h"

double npu_graph_get_float(uint32_t type, const void *data, uint64_t i)
{
	switch (type) {
	case NPU_FP32:
		return ((const float *)data)[i];
	case NPU_BF16:
		return npu_bf16_to_f32(((const uint16_t *)data)[i]);
	case NPU_FP16:
		return npu_fp16_to_f32(((const uint16_t *)data)[i]);
	default:
		return (double)npu_graph_get_int(type, data, i);
	}
}

static int64_t saturate(double v, int64_t lo, int64_t hi)
{
	if (!(v > (double)lo))
		return isnan(v) ? 0 : lo;
	return v >= (double)hi ? hi : (int64_t)v;
}

int64_t npu_graph_get_int(uint32_t type, const void *data, uint64_t i)
{
	switch (type) {
	case NPU_S8:
		return ((const int8_t *)data)[i];
	case NPU_U8:
		return ((const uint8_t *)data)[i];
	case NPU_S32:
		return ((const int32_t *)data)[i];
	case NPU_S64:
		return ((const int64_t *)data)[i];
	default:
		return saturate(npu_graph_get_float(type, data, i), INT64_MIN, INT64_MAX);
	}
}

void npu_graph_put_int(uint32_t type, void *data, uint64_t i, int64_t v)
{
	switch (type) {
	case NPU_S8:
		((int8_t *)data)[i] = v < -128 ? -128 : v > 127 ? 127 : v;
		break;
	case NPU_U8:
		((uint8_t *)data)[i] = v < 0 ? 0 : v > 255 ? 255 : v;
		break;
	case NPU_S32:
		((int32_t *)data)[i] = v < INT32_MIN ? INT32_MIN : v > INT32_MAX ? INT32_MAX : v;
		break;
	case NPU_S64:
		((int64_t *)data)[i] = v;
		break;
	default:
		npu_graph_put_float(type, data, i, (double)v);
	}
}

void npu_graph_put_float(uint32_t type, void *data, uint64_t i, double v)
{
	switch (type) {
	case NPU_FP32:
		((float *)data)[i] = (float)v;
		break;
	case NPU_BF16:
		((uint16_t *)data)[i] = npu_f32_to_bf16((float)v);
		break;
	case NPU_FP16:
		((uint16_t *)data)[i] = npu_f32_to_fp16((float)v);
		break;
	default:
		npu_graph_put_int(type, data, i, saturate(v, INT64_MIN, INT64_MAX));
	}
}

/* ---- Elements -------------------------------------------------------------------------------- */

/* An index of an output's element, as one in a tensor that broadcasts to it. */
static uint64_t source_index(const struct npu_graph_tensor *t, const uint32_t *at, uint32_t dims)
{
	uint64_t i = 0;
	uint32_t d;

	for (d = 0; d < t->dims; d++)
		i = i * t->shape[d] + (t->shape[d] == 1 ? 0 : at[dims - t->dims + d]);
	return i;
}

static void next_index(uint32_t *at, uint32_t dims, const uint32_t *shape)
{
	uint32_t d = dims;

	while (d-- > 0 && ++at[d] == shape[d])
		at[d] = 0;
}

static int64_t floor_to_zero(int64_t a, int64_t b)
{
	return !b || (b == -1 && a == INT64_MIN) ? 0 : a / b;
}

static int64_t combine_int(uint32_t op, int64_t x, int64_t y)
{
	switch (op) {
	case NPU_GRAPH_ADD:
		return (int64_t)((uint64_t)x + (uint64_t)y);
	case NPU_GRAPH_SUB:
		return (int64_t)((uint64_t)x - (uint64_t)y);
	case NPU_GRAPH_MUL:
		return (int64_t)((uint64_t)x * (uint64_t)y);
	case NPU_GRAPH_DIV:
		return floor_to_zero(x, y);
	case NPU_GRAPH_MIN:
		return x < y ? x : y;
	default:
		return x > y ? x : y;
	}
}

static double combine_float(uint32_t op, double x, double y)
{
	switch (op) {
	case NPU_GRAPH_ADD:
		return x + y;
	case NPU_GRAPH_SUB:
		return x - y;
	case NPU_GRAPH_MUL:
		return x * y;
	case NPU_GRAPH_DIV:
		return x / y;
	case NPU_GRAPH_MIN:
		return isnan(x) || x < y ? x : y;
	case NPU_GRAPH_MAX:
		return isnan(x) || x > y ? x : y;
	default:
		return pow(x, y);
	}
}

static double apply(const struct npu_graph_node *n, double x)
{
	switch (n->op) {
	case NPU_GRAPH_SQRT:
		return sqrt(x);
	case NPU_GRAPH_RECIPROCAL:
		return 1 / x;
	case NPU_GRAPH_EXP:
		return exp(x);
	case NPU_GRAPH_LOG:
		return log(x);
	case NPU_GRAPH_NEG:
		return -x;
	case NPU_GRAPH_ABS:
		return fabs(x);
	case NPU_GRAPH_FLOOR:
		return floor(x);
	case NPU_GRAPH_CEIL:
		return ceil(x);
	case NPU_GRAPH_RELU:
		return x < 0 ? 0 : x;
	default:
		return x;
	}
}

/* Integers have more bits than binary64: what is exact in them stays in them. */
static int64_t apply_int(const struct npu_graph_node *n, int64_t x)
{
	switch (n->op) {
	case NPU_GRAPH_SQRT:
	case NPU_GRAPH_RECIPROCAL:
	case NPU_GRAPH_EXP:
	case NPU_GRAPH_LOG:
		return saturate(apply(n, (double)x), INT64_MIN, INT64_MAX);
	case NPU_GRAPH_NEG:
		return x == INT64_MIN ? INT64_MAX : -x;
	case NPU_GRAPH_ABS:
		return x == INT64_MIN ? INT64_MAX : x < 0 ? -x : x;
	case NPU_GRAPH_RELU:
		return x < 0 ? 0 : x;
	default:
		return x;
	}
}

static bool is_binary(uint32_t op)
{
	return op <= NPU_GRAPH_POW;
}

static bool is_unary(uint32_t op)
{
	switch (op) {
	case NPU_GRAPH_SQRT:
	case NPU_GRAPH_RECIPROCAL:
	case NPU_GRAPH_EXP:
	case NPU_GRAPH_LOG:
	case NPU_GRAPH_NEG:
	case NPU_GRAPH_ABS:
	case NPU_GRAPH_FLOOR:
	case NPU_GRAPH_CEIL:
	case NPU_GRAPH_RELU:
	case NPU_GRAPH_CAST:
		return true;
	default:
		return false;
	}
}

static void fold_elements(const struct npu_graph *g, const struct npu_graph_node *n,
			  const struct npu_graph_shape *out, void *data)
{
	uint64_t count = npu_graph_count(out->dims, out->shape), i;
	const struct npu_graph_tensor *x = npu_graph_in(g, n, 0), *y;
	bool floats = npu_graph_is_float(x->type) || n->op == NPU_GRAPH_POW;
	uint32_t at[NPU_MAX_DIMS] = { 0 };
	unsigned int k;

	for (i = 0; i < count; i++, next_index(at, out->dims, out->shape)) {
		uint64_t from = source_index(x, at, out->dims);
		int64_t vi = floats ? 0 : npu_graph_get_int(x->type, x->data, from);
		double vf = npu_graph_get_float(x->type, x->data, from);

		for (k = 1; k < n->in_count; k++) {
			y = npu_graph_in(g, n, k);
			from = source_index(y, at, out->dims);
			if (floats)
				vf = combine_float(n->op, vf,
						   npu_graph_get_float(y->type, y->data, from));
			else
				vi = combine_int(n->op, vi,
						 npu_graph_get_int(y->type, y->data, from));
		}
		if (n->in_count == 1 && floats)
			vf = apply(n, vf);
		else if (n->in_count == 1)
			vi = apply_int(n, vi);
		if (floats)
			npu_graph_put_float(out->type, data, i, vf);
		else
			npu_graph_put_int(out->type, data, i, vi);
	}
}

static void fold_quantise(const struct npu_graph *g, const struct npu_graph_node *n,
			  const struct npu_graph_shape *out, void *data)
{
	const struct npu_graph_tensor *x = npu_graph_in(g, n, 0), *s = npu_graph_in(g, n, 1);
	const struct npu_graph_tensor *z = npu_graph_in(g, n, 2);
	uint64_t count = npu_graph_count(out->dims, out->shape), i;
	int axis = npu_graph_axis(n->a.axis, x->dims);
	uint32_t at[NPU_MAX_DIMS] = { 0 };

	for (i = 0; i < count; i++, next_index(at, out->dims, out->shape)) {
		uint32_t c = axis < 0 ? 0 : at[axis];
		float scale =
			((const float *)s->data)[npu_graph_count(s->dims, s->shape) == 1 ? 0 : c];
		int64_t zp = 0;

		if (z)
			zp = npu_graph_get_int(z->type, z->data,
					       npu_graph_count(z->dims, z->shape) == 1 ? 0 : c);
		if (n->op == NPU_GRAPH_QUANTIZE) {
			float v = (float)npu_graph_get_float(x->type, x->data, i) / scale;

			npu_graph_put_int(out->type, data, i,
					  saturate(rint(v), INT32_MIN, INT32_MAX) + zp);
		} else {
			int64_t v = npu_graph_get_int(x->type, x->data, i) - zp;

			npu_graph_put_float(out->type, data, i, (float)v * scale);
		}
	}
}

/* ---- Moving ---------------------------------------------------------------------------------- */

static void copy_element(uint32_t size, void *dst, uint64_t to, const void *src, uint64_t from)
{
	memcpy((uint8_t *)dst + to * size, (const uint8_t *)src + from * size, size);
}

/* Where element @at of output @index comes from. */
static void fold_move(const struct npu_graph *g, const struct npu_graph_node *n, unsigned int index,
		      const struct npu_graph_shape *out, void *data)
{
	const struct npu_graph_tensor *x = npu_graph_in(g, n, 0), *idx = npu_graph_in(g, n, 1);
	uint64_t count = npu_graph_count(out->dims, out->shape), i, from;
	uint32_t at[NPU_MAX_DIMS] = { 0 }, d, size = npu_graph_type_size(out->type),
		 pos[NPU_MAX_DIMS] = { 0 };
	int64_t before = 0;
	unsigned int k;

	for (k = 0; n->op == NPU_GRAPH_SPLIT && k < index; k++)
		before += n->a.shape[k];
	for (i = 0; i < count; i++, next_index(at, out->dims, out->shape)) {
		const struct npu_graph_tensor *src = x;

		memcpy(pos, at, sizeof(pos));
		switch (n->op) {
		case NPU_GRAPH_TRANSPOSE:
			for (d = 0; d < x->dims; d++)
				pos[n->a.axes[d]] = at[d];
			break;
		case NPU_GRAPH_EXPAND:
			for (d = 0; d < x->dims; d++)
				pos[d] = x->shape[d] == 1 ? 0 : at[out->dims - x->dims + d];
			break;
		case NPU_GRAPH_SPLIT:
			pos[n->a.axis] += before;
			break;
		case NPU_GRAPH_SLICE:
			for (d = 0; d < x->dims; d++)
				pos[d] = n->a.starts[d] + at[d] * n->a.steps[d];
			break;
		case NPU_GRAPH_CONCAT:
			for (k = 0; pos[n->a.axis] >= src->shape[n->a.axis];
			     src = npu_graph_in(g, n, ++k))
				pos[n->a.axis] -= src->shape[n->a.axis];
			break;
		case NPU_GRAPH_GATHER: {
			int64_t v;

			for (from = 0, d = 0; d < idx->dims; d++)
				from = from * idx->shape[d] + at[n->a.axis + d];
			v = npu_graph_get_int(idx->type, idx->data, from);
			for (d = n->a.axis + 1; d < x->dims; d++)
				pos[d] = at[d + idx->dims - 1];
			pos[n->a.axis] = v < 0 ? v + x->shape[n->a.axis] : v;
			break;
		}
		default:
			copy_element(size, data, i, x->data, i);
			continue;
		}
		for (from = 0, d = 0; d < src->dims; d++)
			from = from * src->shape[d] + pos[d];
		copy_element(size, data, i, src->data, from);
	}
}

static bool is_move(uint32_t op)
{
	switch (op) {
	case NPU_GRAPH_IDENTITY:
	case NPU_GRAPH_RESHAPE:
	case NPU_GRAPH_TRANSPOSE:
	case NPU_GRAPH_EXPAND:
	case NPU_GRAPH_SPLIT:
	case NPU_GRAPH_SLICE:
	case NPU_GRAPH_CONCAT:
	case NPU_GRAPH_GATHER:
		return true;
	default:
		return false;
	}
}

int npu_graph_fold(const struct npu_graph *g, const struct npu_graph_node *n, unsigned int index,
		   const struct npu_graph_shape *out, void **data)
{
	bool quantise = n->op == NPU_GRAPH_QUANTIZE || n->op == NPU_GRAPH_DEQUANTIZE;

	*data = NULL;
	if (!quantise && !is_binary(n->op) && !is_unary(n->op) && !is_move(n->op))
		return 0;
	*data = malloc(npu_tensor_bytes(out->type, out->dims, out->shape));
	if (!*data)
		return npu_fail(-ENOMEM, "out of memory");
	if (quantise)
		fold_quantise(g, n, out, *data);
	else if (is_move(n->op))
		fold_move(g, n, index, out, *data);
	else
		fold_elements(g, n, out, *data);
	return 0;
}
