// SPDX-License-Identifier: MIT
/*
 * Copyright (c) 2026 the npu authors
 *
 * What operators take, and the types and shapes they make. Attributes are completed on the way
 * (axes not negative, shapes without -1, split sizes there), so that nobody after this has to think
 * of defaults.
 *
 * Everything that can be wrong with a node is found here; whether the card can do it is found by
 * lowering.
 */
#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "hal/error.h"

#include "infer.h"

int npu_infer_need(const struct npu_graph *g, const struct npu_graph_node *n, unsigned int least,
		   unsigned int most)
{
	unsigned int i;

	if (n->in_count < least || n->in_count > most)
		return npu_fail(-EINVAL, "%u inputs; %u to %u can be", n->in_count, least, most);
	for (i = 0; i < least; i++)
		if (!npu_graph_in(g, n, i))
			return npu_fail(-EINVAL, "input %u is missing", i);
	return 0;
}

void npu_infer_same(const struct npu_graph_tensor *t, struct npu_graph_shape *out)
{
	out->type = t->type;
	out->dims = t->dims;
	memcpy(out->shape, t->shape, sizeof(out->shape));
}

/* Enlarge @out to what it and @t broadcast to. */
int npu_infer_broadcast(struct npu_graph_shape *out, uint32_t dims, const uint32_t *shape)
{
	uint32_t more = dims > out->dims ? dims - out->dims : 0, i;

	memmove(out->shape + more, out->shape, out->dims * sizeof(*out->shape));
	for (i = 0; i < more; i++)
		out->shape[i] = 1;
	out->dims += more;
	for (i = 0; i < dims; i++) {
		uint32_t *s = &out->shape[out->dims - dims + i];

		if (*s == 1)
			*s = shape[i];
		else if (shape[i] != 1 && shape[i] != *s)
			return npu_fail(-EINVAL, "shapes do not broadcast: %u and %u", *s,
					shape[i]);
	}
	return 0;
}

static int infer_elementwise(const struct npu_graph *g, struct npu_graph_node *n,
			     struct npu_graph_shape *out, unsigned int least, unsigned int most)
{
	const struct npu_graph_tensor *t;
	unsigned int i;
	int ret = npu_infer_need(g, n, least, most);

	if (ret)
		return ret;
	npu_infer_same(npu_graph_in(g, n, 0), out);
	for (i = 1; i < n->in_count; i++) {
		t = npu_graph_in(g, n, i);
		if (!t)
			return npu_fail(-EINVAL, "input %u is missing", i);
		if (t->type != out->type && n->op != NPU_GRAPH_POW)
			return npu_fail(-EINVAL, "inputs of different types");
		ret = npu_infer_broadcast(out, t->dims, t->shape);
		if (ret)
			return ret;
	}
	if (n->op == NPU_GRAPH_CAST)
		out->type = n->a.type;
	return 0;
}

/* A scale or zero point: one value, or one a channel of an axis. */
static int check_scale(const struct npu_graph_node *n, const struct npu_graph_tensor *x,
		       const struct npu_graph_tensor *s, const char *what)
{
	int axis = npu_graph_axis(n->a.axis, x->dims);

	if (!s || npu_graph_count(s->dims, s->shape) == 1)
		return 0;
	if (s->dims != 1 || axis < 0 || s->shape[0] != x->shape[axis])
		return npu_fail(-EINVAL, "%s: neither one value nor one for each along the axis",
				what);
	return 0;
}

static int infer_quantise(const struct npu_graph *g, struct npu_graph_node *n,
			  struct npu_graph_shape *out)
{
	const struct npu_graph_tensor *x, *s, *zp;
	int ret = npu_infer_need(g, n, 2, 3);

	if (ret)
		return ret;
	x = npu_graph_in(g, n, 0);
	s = npu_graph_in(g, n, 1);
	zp = npu_graph_in(g, n, 2);
	if (s->type != NPU_FP32)
		return npu_fail(-EINVAL, "the scale is not float32");
	if (check_scale(n, x, s, "scale") || check_scale(n, x, zp, "zero point"))
		return -EINVAL;
	npu_infer_same(x, out);
	if (n->op == NPU_GRAPH_QUANTIZE) {
		out->type = zp ? zp->type : NPU_U8;
		if (!npu_graph_is_float(x->type) && x->type != NPU_S32)
			return npu_fail(-EINVAL, "the input is neither float nor int32");
		if (out->type != NPU_S8 && out->type != NPU_U8)
			return npu_fail(-EINVAL, "the zero point is neither int8 nor uint8");
		return 0;
	}
	if (x->type != NPU_S8 && x->type != NPU_U8 && x->type != NPU_S32)
		return npu_fail(-EINVAL, "the input is not int8, uint8 or int32");
	if (zp && zp->type != x->type)
		return npu_fail(-EINVAL, "the zero point's type is not the input's");
	out->type = NPU_FP32;
	return 0;
}

/* ---- Reductions ------------------------------------------------------------------------------ */

int npu_graph_axes(const struct npu_graph_attrs *a, uint32_t dims, uint32_t *mask)
{
	uint32_t i;

	*mask = 0;
	for (i = 0; i < a->axis_count; i++) {
		int axis = npu_graph_axis(a->axes[i], dims);

		if (axis < 0 || *mask >> axis & 1)
			return npu_fail(-EINVAL, "axis %d of %u dimensions, or twice", a->axes[i],
					dims);
		*mask |= 1u << axis;
	}
	if (!a->axis_count)
		*mask = (1u << dims) - 1;
	return 0;
}

static int infer_reduce(const struct npu_graph *g, struct npu_graph_node *n,
			struct npu_graph_shape *out)
{
	const struct npu_graph_tensor *x;
	uint32_t mask, i;
	int ret = npu_infer_need(g, n, 1, 1);

	if (ret)
		return ret;
	x = npu_graph_in(g, n, 0);
	ret = npu_graph_axes(&n->a, x->dims, &mask);
	if (ret)
		return ret;
	out->type = x->type;
	for (i = 0; i < x->dims; i++) {
		if (!(mask >> i & 1))
			out->shape[out->dims++] = x->shape[i];
		else if (n->a.keep_dims)
			out->shape[out->dims++] = 1;
	}
	return 0;
}

static int infer_norm(const struct npu_graph *g, struct npu_graph_node *n,
		      struct npu_graph_shape *out)
{
	const struct npu_graph_tensor *x, *t;
	uint32_t i, from, k;
	int ret = n->op == NPU_GRAPH_LAYER_NORM	   ? npu_infer_need(g, n, 2, 3) :
		  n->op == NPU_GRAPH_INSTANCE_NORM ? npu_infer_need(g, n, 3, 3) :
						     npu_infer_need(g, n, 5, 5);

	if (ret)
		return ret;
	x = npu_graph_in(g, n, 0);
	if (n->out_count > (n->op == NPU_GRAPH_LAYER_NORM ? 3 : 1))
		return npu_fail(-ENOTSUP, "more outputs than there are");
	if (!npu_graph_is_float(x->type))
		return npu_fail(-EINVAL, "the input is not float");
	npu_infer_same(x, out);
	if (n->op == NPU_GRAPH_LAYER_NORM) {
		n->a.axis = npu_graph_axis(n->a.axis, x->dims);
		if (n->a.axis < 0)
			return npu_fail(-EINVAL, "axis");
		from = n->a.axis;
		/* Mean and 1 / deviation, one each for what is normalised together. */
		for (k = 1; k < n->out_count; k++) {
			npu_infer_same(x, &out[k]);
			out[k].type = NPU_FP32;
			for (i = from; i < x->dims; i++)
				out[k].shape[i] = 1;
		}
		for (k = 1; k < n->in_count; k++) {
			struct npu_graph_shape rest = { .dims = x->dims - from };

			t = npu_graph_in(g, n, k);
			if (!t)
				continue;
			memcpy(rest.shape, x->shape + from, rest.dims * sizeof(*rest.shape));
			if (t->type != x->type || npu_infer_broadcast(&rest, t->dims, t->shape) ||
			    rest.dims != x->dims - from ||
			    memcmp(rest.shape, x->shape + from, rest.dims * sizeof(*rest.shape)))
				return npu_fail(-EINVAL, "scale and bias do not have the shape of "
							 "what is normalised");
		}
		return 0;
	}
	if (x->dims < 2)
		return npu_fail(-EINVAL, "no channels");
	for (i = 1; i < n->in_count; i++) {
		t = npu_graph_in(g, n, i);
		if (t->dims != 1 || t->shape[0] != x->shape[1] || t->type != x->type)
			return npu_fail(-EINVAL, "input %u is not one value a channel", i);
	}
	return 0;
}

/* ---- Moving ---------------------------------------------------------------------------------- */

static int infer_reshape(const struct npu_graph *g, struct npu_graph_node *n,
			 struct npu_graph_shape *out)
{
	const struct npu_graph_tensor *x;
	uint64_t known = 1, all;
	int unknown = -1;
	uint32_t i;
	int ret = npu_infer_need(g, n, 1, 1);

	if (ret)
		return ret;
	x = npu_graph_in(g, n, 0);
	all = npu_graph_count(x->dims, x->shape);
	if (n->a.dims > NPU_MAX_DIMS)
		return npu_fail(-EINVAL, "%u dimensions", n->a.dims);
	for (i = 0; i < n->a.dims; i++) {
		int64_t s = n->a.shape[i];

		if (s == 0 && !n->a.allow_zero && i < x->dims)
			s = x->shape[i];
		if (s == -1 && unknown < 0) {
			unknown = i;
			continue;
		}
		if (s <= 0 || s > INT32_MAX || known > all)
			return npu_fail(-EINVAL, "dimension %u of the shape: %lld", i,
					(long long)s);
		out->shape[i] = s;
		known *= s;
	}
	if (unknown >= 0) {
		if (!known || all % known)
			return npu_fail(-EINVAL, "%llu elements do not divide by %llu",
					(unsigned long long)all, (unsigned long long)known);
		out->shape[unknown] = all / known;
		known = all;
	}
	if (known != all)
		return npu_fail(-EINVAL, "%llu elements become %llu", (unsigned long long)all,
				(unsigned long long)known);
	out->type = x->type;
	out->dims = n->a.dims;
	return 0;
}

static int infer_transpose(const struct npu_graph *g, struct npu_graph_node *n,
			   struct npu_graph_shape *out)
{
	const struct npu_graph_tensor *x;
	uint32_t i, seen = 0;
	int ret = npu_infer_need(g, n, 1, 1);

	if (ret)
		return ret;
	x = npu_graph_in(g, n, 0);
	if (!n->a.axis_count)
		for (; n->a.axis_count < x->dims; n->a.axis_count++)
			n->a.axes[n->a.axis_count] = x->dims - 1 - n->a.axis_count;
	if (n->a.axis_count != x->dims)
		return npu_fail(-EINVAL, "a permutation of %u dimensions for %u", n->a.axis_count,
				x->dims);
	for (i = 0; i < x->dims; i++) {
		int axis = npu_graph_axis(n->a.axes[i], x->dims);

		if (axis < 0 || seen >> axis & 1)
			return npu_fail(-EINVAL, "not a permutation");
		seen |= 1u << axis;
		n->a.axes[i] = axis;
		out->shape[i] = x->shape[axis];
	}
	out->type = x->type;
	out->dims = x->dims;
	return 0;
}

static int infer_expand(const struct npu_graph *g, struct npu_graph_node *n,
			struct npu_graph_shape *out)
{
	const struct npu_graph_tensor *x;
	uint32_t shape[NPU_MAX_DIMS], i;
	int ret = npu_infer_need(g, n, 1, 1);

	if (ret)
		return ret;
	x = npu_graph_in(g, n, 0);
	if (n->a.dims > NPU_MAX_DIMS)
		return npu_fail(-EINVAL, "%u dimensions", n->a.dims);
	for (i = 0; i < n->a.dims; i++) {
		if (n->a.shape[i] <= 0 || n->a.shape[i] > INT32_MAX)
			return npu_fail(-EINVAL, "dimension %u of the shape: %lld", i,
					(long long)n->a.shape[i]);
		shape[i] = n->a.shape[i];
	}
	npu_infer_same(x, out);
	return npu_infer_broadcast(out, n->a.dims, shape);
}

static int infer_concat(const struct npu_graph *g, struct npu_graph_node *n,
			struct npu_graph_shape *out)
{
	const struct npu_graph_tensor *x, *t;
	uint64_t sum = 0;
	uint32_t i, d;
	int ret = npu_infer_need(g, n, n->in_count ? n->in_count : 1, NPU_GRAPH_MAX_IO);

	if (ret)
		return ret;
	x = npu_graph_in(g, n, 0);
	n->a.axis = npu_graph_axis(n->a.axis, x->dims);
	if (n->a.axis < 0)
		return npu_fail(-EINVAL, "axis");
	npu_infer_same(x, out);
	for (i = 0; i < n->in_count; i++) {
		t = npu_graph_in(g, n, i);
		if (t->type != x->type || t->dims != x->dims)
			return npu_fail(-EINVAL,
					"input %u is of another type or number of dimensions", i);
		for (d = 0; d < x->dims; d++)
			if (d != (uint32_t)n->a.axis && t->shape[d] != x->shape[d])
				return npu_fail(-EINVAL, "input %u: dimension %u differs", i, d);
		sum += t->shape[n->a.axis];
	}
	if (sum > INT32_MAX)
		return npu_fail(-EINVAL, "too long");
	out->shape[n->a.axis] = sum;
	return 0;
}

static int infer_split(const struct npu_graph *g, struct npu_graph_node *n,
		       struct npu_graph_shape *out)
{
	const struct npu_graph_tensor *x;
	uint64_t sum = 0;
	uint32_t i, size;
	int ret = npu_infer_need(g, n, 1, 1);

	if (ret)
		return ret;
	x = npu_graph_in(g, n, 0);
	n->a.axis = npu_graph_axis(n->a.axis, x->dims);
	if (n->a.axis < 0)
		return npu_fail(-EINVAL, "axis");
	size = x->shape[n->a.axis];
	if (!n->a.dims) {
		uint32_t each = (size + n->out_count - 1) / n->out_count;

		n->a.dims = n->out_count;
		for (i = 0; i < n->out_count; i++)
			n->a.shape[i] = (int64_t)size - (int64_t)each * i < each ?
						(int64_t)size - (int64_t)each * i :
						each;
	}
	if (n->a.dims != n->out_count)
		return npu_fail(-EINVAL, "%u sizes for %u outputs", n->a.dims, n->out_count);
	for (i = 0; i < n->out_count; i++) {
		if (n->a.shape[i] <= 0 || n->a.shape[i] > size)
			return npu_fail(n->a.shape[i] ? -EINVAL : -ENOTSUP,
					"part %u has %lld elements", i, (long long)n->a.shape[i]);
		npu_infer_same(x, &out[i]);
		out[i].shape[n->a.axis] = n->a.shape[i];
		sum += n->a.shape[i];
	}
	return sum == size ? 0 :
			     npu_fail(-EINVAL, "parts of %llu elements for %u",
				      (unsigned long long)sum, size);
}

/*
 * Starts, ends and steps are completed, one a dimension, clamped: start is the first element, ends
 * the count.
 */
static int infer_slice(const struct npu_graph *g, struct npu_graph_node *n,
		       struct npu_graph_shape *out)
{
	const struct npu_graph_tensor *x;
	int64_t start[NPU_MAX_DIMS], step[NPU_MAX_DIMS];
	uint32_t i, mask;
	int ret = npu_infer_need(g, n, 1, 1);

	if (ret)
		return ret;
	x = npu_graph_in(g, n, 0);
	if (n->a.axis_count && npu_graph_axes(&n->a, x->dims, &mask))
		return -EINVAL;
	npu_infer_same(x, out);
	for (i = 0; i < x->dims; i++) {
		start[i] = 0;
		step[i] = 1;
	}
	for (i = 0; i < n->a.axis_count; i++) {
		int d = npu_graph_axis(n->a.axes[i], x->dims);
		int64_t size = x->shape[d], s = n->a.starts[i], e = n->a.ends[i],
			by = n->a.steps[i] ? n->a.steps[i] : 1;
		int64_t count;

		if (by < -INT32_MAX || by > INT32_MAX)
			by = by < 0 ? -INT32_MAX : INT32_MAX;
		if (s < 0)
			s = s < -size ? -1 : s + size;
		if (e < 0)
			e = e < -size ? -1 : e + size;
		if (by > 0) {
			s = s < 0 ? 0 : s > size ? size : s;
			e = e < 0 ? 0 : e > size ? size : e;
			count = e > s ? (e - s + by - 1) / by : 0;
		} else {
			s = s < 0 ? -1 : s >= size ? size - 1 : s;
			e = e < 0 ? -1 : e >= size ? size - 1 : e;
			count = s > e ? (s - e - by - 1) / -by : 0;
		}
		if (!count)
			return npu_fail(-ENOTSUP, "nothing is left of dimension %d", d);
		start[d] = s;
		step[d] = by;
		out->shape[d] = count;
	}
	n->a.axis_count = x->dims;
	for (i = 0; i < x->dims; i++) {
		n->a.axes[i] = i;
		n->a.starts[i] = start[i];
		n->a.steps[i] = step[i];
		n->a.ends[i] = out->shape[i];
	}
	return 0;
}

static int infer_pad(const struct npu_graph *g, struct npu_graph_node *n,
		     struct npu_graph_shape *out)
{
	const struct npu_graph_tensor *x;
	uint32_t i;
	int ret = npu_infer_need(g, n, 1, 1);

	if (ret)
		return ret;
	x = npu_graph_in(g, n, 0);
	npu_infer_same(x, out);
	for (i = 0; i < x->dims; i++) {
		int64_t lo = n->a.starts[i], hi = n->a.ends[i], size = x->shape[i];

		if (lo < -INT32_MAX || hi < -INT32_MAX || lo > INT32_MAX || hi > INT32_MAX ||
		    size + lo + hi <= 0 || size + lo + hi > INT32_MAX)
			return npu_fail(-EINVAL, "dimension %u: padding %lld, %lld", i,
					(long long)lo, (long long)hi);
		if (n->a.mode == NPU_PAD_REFLECT && (lo >= size || hi >= size))
			return npu_fail(-EINVAL,
					"dimension %u: more padding than there is to reflect", i);
		if (n->a.mode != NPU_PAD_CONSTANT && (lo < 0 || hi < 0))
			return npu_fail(-ENOTSUP, "negative padding in this mode");
		if (size + (lo < 0 ? lo : 0) + (hi < 0 ? hi : 0) <= 0)
			return npu_fail(-ENOTSUP, "dimension %u: nothing is left of the input", i);
		out->shape[i] = size + lo + hi;
	}
	return 0;
}

static int infer_gather(const struct npu_graph *g, struct npu_graph_node *n,
			struct npu_graph_shape *out)
{
	const struct npu_graph_tensor *x, *idx;
	int64_t size;
	uint32_t i;
	int ret = npu_infer_need(g, n, 2, 2);

	if (ret)
		return ret;
	x = npu_graph_in(g, n, 0);
	idx = npu_graph_in(g, n, 1);
	n->a.axis = npu_graph_axis(n->a.axis, x->dims);
	if (n->a.axis < 0)
		return npu_fail(-EINVAL, "axis");
	if (idx->type != NPU_S32 && idx->type != NPU_S64)
		return npu_fail(-EINVAL, "the indices are not int32 or int64");
	if (x->dims - 1 + idx->dims > NPU_MAX_DIMS)
		return npu_fail(-EINVAL, "too many dimensions");
	out->type = x->type;
	for (i = 0; i < (uint32_t)n->a.axis; i++)
		out->shape[out->dims++] = x->shape[i];
	for (i = 0; i < idx->dims; i++)
		out->shape[out->dims++] = idx->shape[i];
	for (i = n->a.axis + 1; i < x->dims; i++)
		out->shape[out->dims++] = x->shape[i];
	size = x->shape[n->a.axis];
	if (idx->data && (g->value[n->in[1]].least < -size || g->value[n->in[1]].most >= size))
		return npu_fail(-EINVAL, "indices from %lld to %lld, of %lld",
				(long long)g->value[n->in[1]].least,
				(long long)g->value[n->in[1]].most, (long long)size);
	return 0;
}

static int infer_resize(const struct npu_graph *g, struct npu_graph_node *n,
			struct npu_graph_shape *out)
{
	const struct npu_graph_tensor *x;
	uint32_t i;
	int ret = npu_infer_need(g, n, 1, 1);

	if (ret)
		return ret;
	x = npu_graph_in(g, n, 0);
	if (n->a.dims != x->dims)
		return npu_fail(-EINVAL, "a size of %u dimensions for %u", n->a.dims, x->dims);
	npu_infer_same(x, out);
	for (i = 0; i < x->dims; i++) {
		if (n->a.shape[i] <= 0 || n->a.shape[i] > INT32_MAX)
			return npu_fail(-EINVAL, "dimension %u of the size: %lld", i,
					(long long)n->a.shape[i]);
		if (!isfinite(n->a.scale[i]) || n->a.scale[i] <= 0)
			return npu_fail(-EINVAL, "dimension %u: scale", i);
		out->shape[i] = n->a.shape[i];
	}
	return 0;
}

static int infer_dynamic_quantise(const struct npu_graph *g, struct npu_graph_node *n,
				  struct npu_graph_shape *out)
{
	int ret = npu_infer_need(g, n, 1, 1);

	if (ret)
		return ret;
	if (n->out_count != 3 || !npu_graph_is_float(npu_graph_in(g, n, 0)->type))
		return npu_fail(-EINVAL, "three outputs of one float input");
	npu_infer_same(npu_graph_in(g, n, 0), &out[0]);
	out[0].type = NPU_U8;
	out[1].type = NPU_FP32;
	out[2].type = NPU_U8;
	return 0;
}

int npu_graph_infer(const struct npu_graph *g, struct npu_graph_node *n,
		    struct npu_graph_shape *out)
{
	bool several = n->op == NPU_GRAPH_SPLIT || n->op == NPU_GRAPH_DYNAMIC_QUANTIZE ||
		       n->op == NPU_GRAPH_LAYER_NORM;
	int ret;

	if (n->a.axis_count > NPU_MAX_DIMS || n->a.dims > NPU_GRAPH_MAX_IO || n->a.window_dims > 2)
		return npu_fail(-EINVAL, "attributes out of range");
	if (n->out_count > 1 && !several)
		return npu_fail(-ENOTSUP, "more than one output");
	switch (n->op) {
	case NPU_GRAPH_ADD:
	case NPU_GRAPH_SUB:
	case NPU_GRAPH_MUL:
	case NPU_GRAPH_DIV:
	case NPU_GRAPH_POW:
	case NPU_GRAPH_PRELU:
		return infer_elementwise(g, n, out, 2, 2);
	case NPU_GRAPH_MIN:
	case NPU_GRAPH_MAX:
		return infer_elementwise(g, n, out, 1, NPU_GRAPH_MAX_IO);
	case NPU_GRAPH_QUANTIZE:
	case NPU_GRAPH_DEQUANTIZE:
		return infer_quantise(g, n, out);
	case NPU_GRAPH_DYNAMIC_QUANTIZE:
		return infer_dynamic_quantise(g, n, out);
	case NPU_GRAPH_GEMM:
		return npu_infer_gemm(g, n, out);
	case NPU_GRAPH_MATMUL:
	case NPU_GRAPH_MATMUL_INTEGER:
	case NPU_GRAPH_QLINEAR_MATMUL:
		return npu_infer_matmul(g, n, out);
	case NPU_GRAPH_CONV:
	case NPU_GRAPH_CONV_INTEGER:
	case NPU_GRAPH_QLINEAR_CONV:
	case NPU_GRAPH_CONV_TRANSPOSE:
		return npu_infer_conv(g, n, out);
	case NPU_GRAPH_MAX_POOL:
	case NPU_GRAPH_AVERAGE_POOL:
		return npu_infer_pool(g, n, out);
	case NPU_GRAPH_SOFTMAX:
		ret = infer_elementwise(g, n, out, 1, 1);
		return ret ? ret : npu_graph_axes(&n->a, out->dims, &(uint32_t){ 0 });
	case NPU_GRAPH_REDUCE_MEAN:
	case NPU_GRAPH_REDUCE_SUM:
	case NPU_GRAPH_REDUCE_MAX:
	case NPU_GRAPH_REDUCE_MIN:
		return infer_reduce(g, n, out);
	case NPU_GRAPH_LAYER_NORM:
	case NPU_GRAPH_INSTANCE_NORM:
	case NPU_GRAPH_BATCH_NORM:
		return infer_norm(g, n, out);
	case NPU_GRAPH_RESHAPE:
		return infer_reshape(g, n, out);
	case NPU_GRAPH_TRANSPOSE:
		return infer_transpose(g, n, out);
	case NPU_GRAPH_EXPAND:
		return infer_expand(g, n, out);
	case NPU_GRAPH_CONCAT:
		return infer_concat(g, n, out);
	case NPU_GRAPH_SPLIT:
		return infer_split(g, n, out);
	case NPU_GRAPH_SLICE:
		return infer_slice(g, n, out);
	case NPU_GRAPH_PAD:
		return infer_pad(g, n, out);
	case NPU_GRAPH_GATHER:
		return infer_gather(g, n, out);
	case NPU_GRAPH_RESIZE:
		return infer_resize(g, n, out);
	default:
		return infer_elementwise(g, n, out, 1, 1);
	}
}
