// SPDX-License-Identifier: MIT
/*
 * Copyright (c) 2026 the npu authors
 *
 * Pooling and resizing. A pool is the pooling kernel's, channels last. A resize goes one dimension
 * after the other; each output coordinate is one or two input coordinates with weights, and
 * coordinates of equal weights that are equally far apart on both sides are done together.
 */
#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "hal/error.h"

#include "lower.h"

/* Of the kernel's, in either direction. */
#define MAX_WINDOW 256u

static const uint32_t channels_last[] = { 0, 2, 3, 1 };

/**
 * struct integers - a pool of dequantised values whose result is quantised again
 * @in, @out: the integers before and behind
 * @scale: that of @in over that of @out
 */
struct integers {
	int in, out;
	int32_t in_zp, out_zp;
	float scale;
};

/*
 * Such a pool works on the integers, and the QuantizeLinear finds its work done. The largest of them
 * is the same as quantised from the largest value if both are quantised alike.
 */
static bool find_integers(const struct npu_lower *l, const struct npu_graph_node *n,
			  struct integers *q)
{
	int next = l->consumer[n->out[0]];
	const struct npu_graph_node *m;
	double scale, zero = 0;
	float s;

	if (!npu_lower_dequantised(l, n->in[0], &q->in, &s, &q->in_zp) || next < 0 ||
	    l->g->value[n->out[0]].consumers != 1 || l->group_next[next] != UINT32_MAX)
		return false;
	m = &l->g->node[next];
	if (m->op != NPU_GRAPH_QUANTIZE || m->in[0] != n->out[0] ||
	    !npu_lower_scalar(l, m->in[1], &scale) || !((float)scale > 0) ||
	    (npu_graph_in(l->g, m, 2) && !npu_lower_scalar(l, m->in[2], &zero)))
		return false;
	q->out = m->out[0];
	q->out_zp = (int32_t)zero;
	q->scale = s / (float)scale;
	if (n->op == NPU_GRAPH_MAX_POOL)
		return (float)scale == s && q->out_zp == q->in_zp &&
		       l->g->value[q->out].t.type == l->g->value[q->in].t.type;
	return isfinite(q->scale) && q->scale > 0;
}

/* A pool that knows its windows: input and output, channels last. */
static int add_pool(struct npu_lower *l, struct npu_pool2d *d, struct npu_lower_view *x,
		    const uint32_t size[2], int result)
{
	const struct npu_graph_tensor *t = &l->g->value[result].t;
	struct npu_lower_step step = { .kind = NPU_STEP_PRODUCT, .op = &npu_op_pool2d };
	uint32_t shape[4] = { x->size[0], x->size[1], size[0], size[1] }, i;
	struct npu_lower_view out;
	int ret = npu_lower_dense(l, x, x->type, channels_last);

	for (i = 0; i < 8; i++)
		step.ref[i] = (struct npu_lower_ref){ .buffer = -1 };
	d->batch = x->size[0];
	d->channels = x->size[1];
	d->in_type = x->type;
	d->out_type = npu_lower_storage(l, t->type);
	for (i = 0; i < l->g->outputs; i++)
		if (l->g->output[i].tensor == result)
			d->out_type = t->type;
	if (!ret)
		ret = npu_lower_scratch(l, d->out_type, 4, shape, channels_last, &out);
	if (ret)
		return ret;
	step.u.pool = *d;
	step.ref[NPU_OP_REGION_A] = (struct npu_lower_ref){ x->buffer, x->offset };
	step.ref[NPU_OP_REGION_OUT] = (struct npu_lower_ref){ out.buffer, out.offset };
	ret = npu_lower_step_add(l, &step);
	if (!ret && !npu_lower_reshape(&out, t->dims, t->shape, &l->view[result]))
		ret = npu_fail(-EINVAL, "layout");
	return ret;
}

bool npu_lower_mean_of_images(struct npu_lower *l, unsigned int node, int *ret)
{
	const struct npu_graph_node *n = &l->g->node[node];
	const struct npu_graph_tensor *t = &l->g->value[n->in[0]].t;
	struct npu_lower_view x;
	struct npu_pool2d d = { .op = NPU_POOL_AVG };
	struct integers q;
	uint32_t mask;

	if (t->dims != 4 || npu_graph_axes(&n->a, 4, &mask) || mask != (1u << 2 | 1u << 3) ||
	    t->shape[2] > MAX_WINDOW || t->shape[3] > MAX_WINDOW || !find_integers(l, n, &q))
		return false;
	*ret = npu_lower_view(l, q.in, &x);
	if (*ret)
		return true;
	d.in_h = d.kernel_h = t->shape[2];
	d.in_w = d.kernel_w = t->shape[3];
	d.scale = q.scale;
	d.in_zp = q.in_zp;
	d.out_zp = q.out_zp;
	*ret = add_pool(l, &d, &x, (uint32_t[]){ 1, 1 }, q.out);
	return true;
}

int npu_lower_pool(struct npu_lower *l, unsigned int node)
{
	const struct npu_graph_node *n = &l->g->node[node];
	struct integers q = { .in = n->in[0], .out = n->out[0] };
	struct npu_graph_window w;
	struct npu_lower_view x;
	struct npu_pool2d d = { 0 };
	uint32_t i;
	bool integers = find_integers(l, n, &q);
	int ret;

	if (!integers)
		q = (struct integers){ .in = n->in[0], .out = n->out[0] };
	ret = npu_lower_view(l, q.in, &x);
	if (!ret)
		ret = npu_graph_window(l->g, n, &w);
	if (ret)
		return ret;
	if (!npu_graph_is_float(x.type) && n->op == NPU_GRAPH_AVERAGE_POOL && !integers)
		return npu_fail(-ENOTSUP, "averages of integers");
	if (x.type == NPU_S64)
		return npu_fail(-ENOTSUP, "int64 tensors can only be constants and indices");
	if (x.dims == 3) {
		x.dims = 4;
		x.size[3] = x.size[2];
		x.stride[3] = x.stride[2];
		x.size[2] = 1;
		x.stride[2] = 0;
	}
	d.op = n->op == NPU_GRAPH_MAX_POOL ? NPU_POOL_MAX :
	       n->a.count_pad		   ? NPU_POOL_AVG_PAD :
					     NPU_POOL_AVG;
	if (integers && n->op == NPU_GRAPH_AVERAGE_POOL) {
		d.scale = q.scale;
		d.in_zp = q.in_zp;
		d.out_zp = q.out_zp;
	}
	d.in_h = w.in[0];
	d.in_w = w.in[1];
	d.kernel_h = w.kernel[0];
	d.kernel_w = w.kernel[1];
	d.stride_h = w.stride[0];
	d.stride_w = w.stride[1];
	d.dilation_h = w.dilation[0];
	d.dilation_w = w.dilation[1];
	d.pad_top = w.pad_lo[0];
	d.pad_left = w.pad_lo[1];
	/*
	 * Behind, as much as the last window reaches; in ceiling mode more than was asked for, or
	 * less.
	 */
	for (i = 0; i < 2; i++) {
		int64_t end = (int64_t)(w.out[i] - 1) * w.stride[i] +
			      (int64_t)(w.kernel[i] - 1) * w.dilation[i] + 1;
		int64_t hi = end - w.pad_lo[i] - w.in[i];

		if (d.op == NPU_POOL_AVG_PAD && hi > (int64_t)w.pad_hi[i])
			return npu_fail(-ENOTSUP,
					"windows that reach beyond the padding, padding counting");
		*(i ? &d.pad_right : &d.pad_bottom) = hi > 0 ? (uint32_t)hi : 0;
	}
	return add_pool(l, &d, &x, w.out, q.out);
}

/* ---- Resizing -------------------------------------------------------------------------------- */

/* Output coordinate = a * input[i0] + b * input[i1]; b is 0 where there is one alone. */
struct tap {
	int64_t i0, i1;
	float a, b;
};

static double source(const struct npu_graph_node *n, uint32_t d, int64_t o, int64_t in, int64_t out)
{
	double scale = n->a.scale[d], length;

	switch (n->a.coordinates) {
	case NPU_COORD_ALIGN_CORNERS:
		/* The length is what the scale says, whole or not. */
		length = fabs(scale * (double)in - (double)out) < 1e-3 ? (double)out :
									 scale * (double)in;
		return out == 1 ? 0 : (double)o * (double)(in - 1) / (length - 1);
	case NPU_COORD_ASYMMETRIC:
		return (double)o / scale;
	case NPU_COORD_PYTORCH_HALF_PIXEL:
		return out > 1 ? ((double)o + 0.5) / scale - 0.5 : 0;
	case NPU_COORD_TF_HALF_PIXEL_NN:
		return ((double)o + 0.5) / scale;
	default:
		return ((double)o + 0.5) / scale - 0.5;
	}
}

static int64_t clamp(int64_t v, int64_t size)
{
	return v < 0 ? 0 : v >= size ? size - 1 : v;
}

static struct tap find_tap(const struct npu_graph_node *n, uint32_t d, int64_t o, int64_t in,
			   int64_t out)
{
	/* A scale may put it anywhere, or nowhere (NaN): beyond the edges one place is as another. */
	double x = fmin(fmax(source(n, d, o, in, out), -2), (double)in + 1), f = floor(x);
	struct tap t = { .a = 1 };

	if (n->a.mode == NPU_RESIZE_NEAREST) {
		double r = x - f;

		switch (n->a.rounding) {
		case NPU_NEAREST_FLOOR:
			break;
		case NPU_NEAREST_CEIL:
			f = ceil(x);
			break;
		case NPU_NEAREST_ROUND_PREFER_CEIL:
			f += r >= 0.5;
			break;
		default:
			f += r > 0.5;
		}
		t.i0 = t.i1 = clamp((int64_t)f, in);
		return t;
	}
	/* Beyond the edges the edge counts. */
	t.i0 = clamp((int64_t)f, in);
	t.i1 = clamp((int64_t)f + 1, in);
	t.b = (float)(x - f);
	t.a = (float)(1 - (x - f));
	if (t.i0 == t.i1 || t.b == 0) {
		t.i1 = t.i0;
		t.a = 1;
		t.b = 0;
	}
	return t;
}

#define MAX_RESIZE 65536u

static int blend(struct npu_lower *l, const struct npu_lower_view *x,
		 const struct npu_lower_view *y, const struct npu_lower_view *dst,
		 const struct tap *t)
{
	struct npu_lower_step step = { .kind = NPU_STEP_MAP };
	struct npu_map *m = &step.u.map;
	struct npu_map_pass *p = &m->pass[0];
	uint32_t i;

	if (t->b == 0)
		return npu_lower_copy(l, x, dst);
	m->dims = dst->dims;
	for (i = 0; i < dst->dims; i++)
		m->size[i] = dst->size[dst->dims - 1 - i];
	m->operands = 2;
	npu_lower_map_tensor(x, m->dims, &m->operand[0]);
	npu_lower_map_tensor(y, m->dims, &m->operand[1]);
	npu_lower_map_tensor(dst, m->dims, &m->out);
	/* A pass for either product. */
	m->temps = 1;
	m->temp_type[0] = NPU_FP32;
	m->temp_dims[0] = (1u << m->dims) - 1;
	m->passes = 2;
	p[0] = (struct npu_map_pass){ .x = NPU_MAP_OPERAND, .out = NPU_MAP_TEMP, .stages = 1 };
	p[0].stage[0] = (struct npu_map_stage){ .op = NPU_STAGE_MUL,
						.src = NPU_MAP_IMM,
						.imm = npu_float_bits(t->a) };
	p[1] = (struct npu_map_pass){ .x = NPU_MAP_OPERAND + 1, .out = NPU_MAP_OUT, .stages = 2 };
	p[1].stage[0] = (struct npu_map_stage){ .op = NPU_STAGE_MUL,
						.src = NPU_MAP_IMM,
						.imm = npu_float_bits(t->b) };
	p[1].stage[1] = (struct npu_map_stage){ .op = NPU_STAGE_ADD, .src = NPU_MAP_TEMP };
	return npu_lower_step_add(l, &step);
}

/* Is output @o + k * @by made like @o, its inputs k * @step further on? */
static bool alike(const struct tap *t, uint32_t o, uint32_t by, uint32_t k, int64_t step)
{
	const struct tap *a = &t[o], *b = &t[o + k * by];

	return a->a == b->a && a->b == b->b && b->i0 == a->i0 + step * k &&
	       b->i1 == a->i1 + step * k;
}

static int resize_axis(struct npu_lower *l, const struct npu_graph_node *n, uint32_t d,
		       const struct npu_lower_view *src, const struct npu_lower_view *dst)
{
	uint32_t out = dst->size[d], o, by, k;
	struct tap *t;
	bool *done;
	int ret;

	if (out > MAX_RESIZE)
		return npu_fail(-ENOTSUP, "%u coordinates", out);
	t = malloc(out * sizeof(*t));
	done = calloc(out, 1);
	ret = t && done ? 0 : npu_fail(-ENOMEM, "out of memory");
	for (o = 0; o < out && !ret; o++)
		t[o] = find_tap(n, d, o, src->size[d], out);
	for (o = 0; o < out && !ret; o++) {
		uint32_t best = 1, best_by = 1;
		struct npu_lower_view x = *src, y = *src, to = *dst;
		int64_t step = 0;

		if (done[o])
			continue;
		/* The longest run from here on, of all distances. */
		for (by = 1; by <= 32 && o + by < out; by++) {
			int64_t s = t[o + by].i0 - t[o].i0;

			for (k = 1; o + k * by < out && !done[o + k * by] && alike(t, o, by, k, s);
			     k++)
				;
			if (k > best) {
				best = k;
				best_by = by;
				step = s;
			}
		}
		for (k = 0; k < best; k++)
			done[o + k * best_by] = true;
		npu_lower_cut(&x, d, t[o].i0, best, step);
		npu_lower_cut(&y, d, t[o].i1, best, step);
		npu_lower_cut(&to, d, o, best, best_by);
		ret = blend(l, &x, &y, &to, &t[o]);
	}
	free(t);
	free(done);
	return ret;
}

int npu_lower_resize(struct npu_lower *l, unsigned int node)
{
	const struct npu_graph_node *n = &l->g->node[node];
	const struct npu_graph_tensor *t = &l->g->value[n->out[0]].t;
	struct npu_lower_view x, next;
	uint32_t d, left = 0, shape[NPU_MAX_DIMS];
	int ret = npu_lower_view(l, n->in[0], &x);

	if (ret)
		return ret;
	if (!npu_graph_is_float(x.type) && n->a.mode != NPU_RESIZE_NEAREST)
		return npu_fail(-ENOTSUP, "interpolation of integers");
	for (d = 0; d < t->dims; d++)
		left += t->shape[d] != x.size[d] || n->a.scale[d] != 1;
	memcpy(shape, x.size, sizeof(shape));
	for (d = 0; d < t->dims && !ret; d++) {
		if (t->shape[d] == x.size[d] && n->a.scale[d] == 1)
			continue;
		shape[d] = t->shape[d];
		/* What lies between is kept exact. */
		ret = --left ? npu_lower_scratch(l, npu_graph_is_float(x.type) ? NPU_FP32 : x.type,
						 t->dims, shape, NULL, &next) :
			       npu_lower_result(l, n->out[0], NULL, &next);
		if (!ret)
			ret = resize_axis(l, n, d, &x, &next);
		x = next;
	}
	if (!ret)
		l->view[n->out[0]] = x;
	return ret;
}
