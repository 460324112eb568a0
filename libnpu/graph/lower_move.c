// SPDX-License-Identifier: MIT
/*
 * Copyright (c) 2026 the npu authors
 *
 * What only moves elements: views where that will do, copies where not, GATHER by index.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "hal/error.h"

#include "lower.h"

static int reshape(struct npu_lower *l, const struct npu_graph_node *n)
{
	const struct npu_graph_tensor *t = &l->g->value[n->out[0]].t;
	struct npu_lower_view x, out;
	int ret = npu_lower_view(l, n->in[0], &x);

	if (!ret && !npu_lower_reshape(&x, t->dims, t->shape, &out)) {
		ret = npu_lower_dense(l, &x, x.type, NULL);
		if (!ret && !npu_lower_reshape(&x, t->dims, t->shape, &out))
			ret = npu_fail(-EINVAL, "shape");
	}
	if (ret)
		return ret;
	out.dims = t->dims;
	memcpy(out.size, t->shape, t->dims * sizeof(*t->shape));
	l->view[n->out[0]] = out;
	return 0;
}

static int transpose(struct npu_lower *l, const struct npu_graph_node *n)
{
	struct npu_lower_view x, out;
	uint32_t d;
	int ret = npu_lower_view(l, n->in[0], &x);

	if (ret)
		return ret;
	out = x;
	for (d = 0; d < x.dims; d++) {
		out.size[d] = x.size[n->a.axes[d]];
		out.stride[d] = x.stride[n->a.axes[d]];
	}
	l->view[n->out[0]] = out;
	return 0;
}

static int expand(struct npu_lower *l, const struct npu_graph_node *n)
{
	const struct npu_graph_tensor *t = &l->g->value[n->out[0]].t;
	struct npu_lower_view x, out;
	uint32_t d, more;
	int ret = npu_lower_view(l, n->in[0], &x);

	if (ret)
		return ret;
	out = x;
	out.dims = t->dims;
	more = t->dims - x.dims;
	for (d = 0; d < t->dims; d++) {
		out.size[d] = t->shape[d];
		out.stride[d] = d < more || x.size[d - more] == 1 ? 0 : x.stride[d - more];
	}
	l->view[n->out[0]] = out;
	return 0;
}

static int slice(struct npu_lower *l, const struct npu_graph_node *n)
{
	struct npu_lower_view x;
	uint32_t d;
	int ret = npu_lower_view(l, n->in[0], &x);

	for (d = 0; !ret && d < x.dims; d++)
		npu_lower_cut(&x, d, n->a.starts[d], (uint32_t)n->a.ends[d], n->a.steps[d]);
	if (!ret)
		l->view[n->out[0]] = x;
	return ret;
}

static int split(struct npu_lower *l, const struct npu_graph_node *n)
{
	struct npu_lower_view x, part;
	int64_t at = 0;
	unsigned int i;
	int ret = npu_lower_view(l, n->in[0], &x);

	for (i = 0; !ret && i < n->out_count; i++) {
		part = x;
		npu_lower_cut(&part, (uint32_t)n->a.axis, at, (uint32_t)n->a.shape[i], 1);
		l->view[n->out[i]] = part;
		at += n->a.shape[i];
	}
	return ret;
}

static int concat(struct npu_lower *l, const struct npu_graph_node *n)
{
	struct npu_lower_view x, out, part;
	int64_t at = 0;
	unsigned int i;
	int ret = npu_lower_view(l, n->in[0], &x);

	if (!ret)
		ret = npu_lower_result(l, n->out[0], &x, &out);
	for (i = 0; !ret && i < n->in_count; i++) {
		ret = npu_lower_view(l, n->in[i], &x);
		if (ret)
			break;
		part = out;
		npu_lower_cut(&part, (uint32_t)n->a.axis, at, x.size[n->a.axis], 1);
		at += x.size[n->a.axis];
		ret = npu_lower_copy(l, &x, &part);
	}
	if (!ret)
		l->view[n->out[0]] = out;
	return ret;
}

/* ---- Padding --------------------------------------------------------------------------------- */

/* One element, repeated. */
static int fill(struct npu_lower *l, const struct npu_lower_view *one,
		const struct npu_lower_view *dst)
{
	struct npu_lower_view v = *dst;

	v.buffer = one->buffer;
	v.offset = one->offset;
	v.type = one->type;
	memset(v.stride, 0, sizeof(v.stride));
	return npu_lower_copy(l, &v, dst);
}

/* Before and behind along one dimension; the others as wide as they are in @dst already. */
static int pad_axis(struct npu_lower *l, const struct npu_graph_node *n,
		    const struct npu_lower_view *dst, uint32_t d, int64_t lo, int64_t inside,
		    int64_t hi, const struct npu_lower_view *one)
{
	struct npu_lower_view from, to;
	int side, ret = 0;

	for (side = 0; side < 2 && !ret; side++) {
		int64_t count = side ? hi : lo;

		if (count <= 0)
			continue;
		to = *dst;
		npu_lower_cut(&to, d, side ? lo + inside : 0, (uint32_t)count, 1);
		if (n->a.mode == NPU_PAD_CONSTANT) {
			ret = fill(l, one, &to);
			continue;
		}
		from = *dst;
		if (n->a.mode == NPU_PAD_EDGE)
			npu_lower_cut(&from, d, side ? lo + inside - 1 : lo, (uint32_t)count, 0);
		else
			npu_lower_cut(&from, d, side ? lo + inside - 2 : 2 * lo, (uint32_t)count,
				      -1);
		ret = npu_lower_copy(l, &from, &to);
	}
	return ret;
}

static int pad(struct npu_lower *l, const struct npu_graph_node *n)
{
	const struct npu_graph_tensor *t = &l->g->value[n->out[0]].t;
	struct npu_lower_view x, out, inside, one = { .buffer = -1 };
	struct npu_lower_ref ref;
	void *data;
	uint32_t d;
	int ret = npu_lower_view(l, n->in[0], &x);

	if (!ret)
		ret = npu_lower_result(l, n->out[0], &x, &out);
	if (!ret && n->a.mode == NPU_PAD_CONSTANT) {
		uint32_t type = npu_graph_is_float(t->type) ? NPU_FP32 : t->type;

		ret = npu_lower_constant_bytes(l, npu_graph_type_size(type), &data, &ref);
		if (!ret)
			npu_graph_put_float(type, data, 0, n->a.alpha);
		one.buffer = ref.buffer;
		one.type = type;
	}
	if (ret)
		return ret;
	inside = out;
	for (d = 0; d < t->dims; d++) {
		int64_t lo = n->a.starts[d], hi = n->a.ends[d];

		npu_lower_cut(&x, d, lo < 0 ? -lo : 0,
			      (uint32_t)(x.size[d] + (lo < 0 ? lo : 0) + (hi < 0 ? hi : 0)), 1);
		npu_lower_cut(&inside, d, lo > 0 ? lo : 0, x.size[d], 1);
	}
	ret = npu_lower_copy(l, &x, &inside);
	/* From the last dimension on: what has been padded is part of what the next one pads. */
	for (d = t->dims; d-- > 0 && !ret;) {
		struct npu_lower_view wide = out;
		uint32_t k;

		for (k = 0; k < d; k++)
			npu_lower_cut(&wide, k, n->a.starts[k] > 0 ? n->a.starts[k] : 0, x.size[k],
				      1);
		ret = pad_axis(l, n, &wide, d, n->a.starts[d], x.size[d], n->a.ends[d], &one);
	}
	if (!ret)
		l->view[n->out[0]] = out;
	return ret;
}

/* ---- Gather ---------------------------------------------------------------------------------- */

/* Constant indices of a few places are copies. */
static int gather_constant(struct npu_lower *l, const struct npu_graph_node *n,
			   struct npu_lower_view *x)
{
	const struct npu_graph_tensor *idx = npu_graph_in(l->g, n, 1);
	uint32_t axis = (uint32_t)n->a.axis, size = x->size[axis],
		 count = npu_graph_count(idx->dims, idx->shape), i;
	struct npu_lower_view out, flat, from, to;
	uint32_t shape[NPU_MAX_DIMS + 1], d, dims = 0;
	int ret = npu_lower_result(l, n->out[0], NULL, &out);

	if (ret)
		return ret;
	for (d = 0; d < axis; d++)
		shape[dims++] = x->size[d];
	shape[dims++] = count;
	for (d = axis + 1; d < x->dims; d++)
		shape[dims++] = x->size[d];
	if (!npu_lower_reshape(&out, dims, shape, &flat))
		return npu_fail(-EINVAL, "shape");
	for (i = 0; i < count && !ret;) {
		int64_t first = npu_graph_get_int(idx->type, idx->data, i), step = 0, next;
		uint32_t run = 1;

		first = first < 0 ? first + size : first;
		/* As long as they are equally far apart. */
		for (; i + run < count; run++) {
			next = npu_graph_get_int(idx->type, idx->data, i + run);
			next = next < 0 ? next + size : next;
			if (run == 1)
				step = next - first;
			else if (next != first + step * (int64_t)run)
				break;
		}
		from = *x;
		to = flat;
		npu_lower_cut(&from, axis, first, run, step);
		npu_lower_cut(&to, axis, i, run, 1);
		ret = npu_lower_copy(l, &from, &to);
		i += run;
	}
	if (!ret)
		l->view[n->out[0]] = out;
	return ret;
}

static int gather(struct npu_lower *l, const struct npu_graph_node *n)
{
	const struct npu_graph_tensor *idx = npu_graph_in(l->g, n, 1),
				      *t = &l->g->value[n->out[0]].t;
	struct npu_lower_step step = { .kind = NPU_STEP_GATHER };
	struct npu_gather *g = &step.u.gather;
	struct npu_lower_view x, index, out;
	uint64_t row = 1, outer = 1, count = npu_graph_count(idx->dims, idx->shape), i;
	uint32_t d, axis = (uint32_t)n->a.axis;
	int ret = npu_lower_view(l, n->in[0], &x);

	if (ret)
		return ret;
	if (idx->data && count <= 64)
		return gather_constant(l, n, &x);
	ret = npu_lower_dense(l, &x, x.type, NULL);
	if (!ret)
		ret = npu_lower_view(l, n->in[1], &index);
	if (!ret && !npu_lower_is_dense(&index))
		ret = npu_fail(-ENOTSUP, "indices that are a part of a tensor");
	if (!ret)
		ret = npu_lower_scratch(l, x.type, t->dims, t->shape, NULL, &out);
	if (ret)
		return ret;
	for (d = 0; d < axis; d++)
		outer *= x.size[d];
	for (d = axis + 1; d < x.dims; d++)
		row *= x.size[d];
	g->row_bytes = row * npu_graph_type_size(x.type);
	g->row_stride = g->row_bytes;
	g->rows = x.size[axis];
	g->count = count;
	g->out_stride = g->row_bytes;
	g->index_type = index.type;
	g->table_region = (uint32_t)x.buffer;
	g->index_region = (uint32_t)index.buffer;
	g->index_offset = index.offset;
	g->out_region = (uint32_t)out.buffer;
	for (i = 0; i < outer && !ret; i++) {
		g->table_offset = x.offset + (int64_t)(i * g->rows * g->row_bytes);
		g->out_offset = out.offset + (int64_t)(i * count * g->row_bytes);
		ret = npu_lower_step_add(l, &step);
	}
	if (!ret)
		l->view[n->out[0]] = out;
	return ret;
}

int npu_lower_move(struct npu_lower *l, unsigned int node)
{
	const struct npu_graph_node *n = &l->g->node[node];
	struct npu_lower_view x;
	int ret;

	switch (n->op) {
	case NPU_GRAPH_IDENTITY:
		ret = npu_lower_view(l, n->in[0], &x);
		if (!ret)
			l->view[n->out[0]] = x;
		return ret;
	case NPU_GRAPH_RESHAPE:
		return reshape(l, n);
	case NPU_GRAPH_TRANSPOSE:
		return transpose(l, n);
	case NPU_GRAPH_EXPAND:
		return expand(l, n);
	case NPU_GRAPH_CONCAT:
		return concat(l, n);
	case NPU_GRAPH_SPLIT:
		return split(l, n);
	case NPU_GRAPH_SLICE:
		return slice(l, n);
	case NPU_GRAPH_PAD:
		return pad(l, n);
	case NPU_GRAPH_GATHER:
		return gather(l, n);
	default:
		return npu_fail(-ENOTSUP, "%s", npu_graph_op_name(n->op));
	}
}
