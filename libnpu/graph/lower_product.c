// SPDX-License-Identifier: MIT
/*
 * Copyright (c) 2026 the npu authors
 *
 * Products and convolutions, with what follows them in their group as far as the epilogue can do
 * it: the rest of the group becomes a map over the result.
 *
 * The operands are those of the node, or the integers that a DequantizeLinear makes them of: a
 * float product of two dequantised tensors whose result is quantised again is done in integers,
 * with the roundings that ONNX says.
 */
#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "hal/error.h"
#include "npu/image.h"

#include "product.h"

/* ---- Operands -------------------------------------------------------------------------------- */

/* A value in a type that the array multiplies. */
int npu_product_operand(struct npu_lower *l, int value, struct npu_lower_view *v)
{
	int ret;

	if (l->cast[value].buffer >= 0) {
		*v = l->cast[value];
		return 0;
	}
	ret = npu_lower_view(l, value, v);
	if (ret || v->type != NPU_FP32)
		return ret;
	if (l->g->value[value].t.data) {
		/* Converted here and now. */
		const struct npu_graph_tensor *t = &l->g->value[value].t;
		uint64_t count = npu_graph_count(t->dims, t->shape), i;
		struct npu_lower_ref ref;
		void *data;

		ret = npu_lower_constant_bytes(l, count * 2, &data, &ref);
		for (i = 0; i < count && !ret; i++)
			npu_graph_put_float(l->float_type, data, i,
					    npu_graph_get_float(t->type, t->data, i));
		v->buffer = ref.buffer;
		v->type = l->float_type;
	} else {
		struct npu_lower_view dst;

		ret = npu_lower_scratch(l, l->float_type, v->dims, v->size, NULL, &dst);
		if (!ret)
			ret = npu_lower_copy(l, v, &dst);
		*v = dst;
	}
	l->cast[value] = *v;
	return ret;
}

uint32_t npu_product_type(const struct npu_lower *l, int value)
{
	return npu_lower_storage(l, l->g->value[value].t.type);
}

/*
 * Zero points: a number where they are constant and all the same, else a vector or value in
 * memory.
 */
int npu_product_zero_point(struct npu_product *p, int value, int32_t zero, uint32_t many,
			   uint32_t *per, int32_t *zp, struct npu_lower_ref *ref)
{
	struct npu_lower_view v;
	double d;
	int ret;

	*per = NPU_PER_NONE;
	*zp = 0;
	if (value < 0 || npu_lower_scalar(p->l, value, &d)) {
		*zp = value < 0 ? zero : (int32_t)d;
		*per = *zp ? NPU_PER_TENSOR : NPU_PER_NONE;
		return 0;
	}
	ret = npu_lower_view(p->l, value, &v);
	if (!ret)
		ret = npu_lower_dense(p->l, &v, v.type, NULL);
	if (ret)
		return ret;
	*per = npu_graph_count(v.dims, v.size) == 1 ? NPU_PER_VALUE : many;
	*ref = (struct npu_lower_ref){ v.buffer, v.offset };
	if (*per != NPU_PER_VALUE && npu_graph_count(v.dims, v.size) == 1)
		return npu_fail(-ENOTSUP, "zero points");
	return 0;
}

/* ---- The epilogue ---------------------------------------------------------------------------- */

/* Is a value one number a channel, or the same for all, in the product's shape? */
static bool per_channel(const struct npu_product *p, int value, uint32_t dims)
{
	const struct npu_graph_tensor *t = &p->l->g->value[value].t;
	uint32_t d, at;

	if (t->dims > dims || npu_graph_count(t->dims, t->shape) != p->channels)
		return false;
	for (d = 0; d < t->dims; d++) {
		at = dims - t->dims + d;
		if (t->shape[d] != 1 && (at != p->channel_axis || t->shape[d] != p->channels))
			return false;
	}
	return true;
}

/* Float sums take a bias that is a constant, one value a channel; sums that are scaled do not. */
static bool take_bias(struct npu_product *p, const struct npu_graph_node *n, int other)
{
	const struct npu_graph_tensor *out = &p->l->g->value[n->out[0]].t;

	if (n->op != NPU_GRAPH_ADD || p->b >= 0 || p->scaled || p->scales || p->ep.residual ||
	    p->ep.activation || p->dequantised ||
	    !npu_graph_is_float(p->l->g->value[p->x].t.type) || !p->l->g->value[other].t.data ||
	    !per_channel(p, other, out->dims))
		return false;
	p->b = other;
	return true;
}

static bool take_activation(struct npu_product *p, const struct npu_graph_node *n)
{
	static const struct {
		uint32_t op, activation;
	} known[] = {
		{ NPU_GRAPH_RELU, NPU_ACT_RELU },	{ NPU_GRAPH_CLIP, NPU_ACT_CLIP },
		{ NPU_GRAPH_SIGMOID, NPU_ACT_SIGMOID }, { NPU_GRAPH_TANH, NPU_ACT_TANH },
		{ NPU_GRAPH_GELU, NPU_ACT_GELU },	{ NPU_GRAPH_ERF, NPU_ACT_ERF },
	};
	unsigned int i;

	if (p->ep.activation || !npu_graph_is_float(p->l->g->value[n->in[0]].t.type))
		return false;
	for (i = 0; i < sizeof(known) / sizeof(known[0]); i++) {
		if (known[i].op != n->op)
			continue;
		if (n->op == NPU_GRAPH_CLIP && !(n->a.lo <= n->a.hi))
			return false;
		p->ep.activation = known[i].activation;
		p->ep.lo = n->op == NPU_GRAPH_CLIP ? n->a.lo : 0;
		p->ep.hi = n->op == NPU_GRAPH_CLIP ? n->a.hi : 0;
		return true;
	}
	return false;
}

static bool take_residual(struct npu_product *p, const struct npu_graph_node *n, int other)
{
	const struct npu_graph_tensor *t = &p->l->g->value[other].t,
				      *out = &p->l->g->value[n->out[0]].t;
	int integers = other;

	if (n->op != NPU_GRAPH_ADD || p->ep.residual || p->ep.activation || t->data ||
	    t->dims != out->dims || memcmp(t->shape, out->shape, t->dims * sizeof(*t->shape)) ||
	    !npu_graph_is_float(t->type))
		return false;
	if (npu_lower_dequantised(p->l, other, &integers, &p->ep.residual_scale,
				  &p->ep.residual_zp)) {
		uint32_t type = p->l->g->value[integers].t.type;

		if (type == NPU_S32)
			return false;
		p->ep.residual_type = type;
	} else {
		/* Its type is known when its view is. */
		p->ep.residual_type = NPU_TYPES;
	}
	p->ep.residual = 1;
	p->residual = integers;
	return true;
}

/* A scale and a zero point that are numbers. */
static bool quantisation(const struct npu_product *p, const struct npu_graph_node *n, float *scale,
			 int32_t *zp)
{
	double s, z = 0;

	if (!npu_lower_scalar(p->l, n->in[1], &s) || !(s > 0) || !isfinite(s) ||
	    (n->in_count > 2 && n->in[2] >= 0 && !npu_lower_scalar(p->l, n->in[2], &z)))
		return false;
	*scale = (float)s;
	*zp = (int32_t)z;
	return true;
}

/* The group's nodes that the epilogue can do, in order. */
static void take_group(struct npu_product *p)
{
	struct npu_lower *l = p->l;
	unsigned int at = l->group_next[p->node], k;
	bool floats = npu_graph_is_float(l->g->value[p->out].t.type), done = false;

	p->last = p->out;
	for (k = at; k != UINT32_MAX; k = l->group_next[k])
		p->last = l->g->node[k].out[0];
	for (; at != UINT32_MAX && floats && !done; at = l->group_next[at]) {
		const struct npu_graph_node *n = &l->g->node[at];
		int other = n->in_count == 2 ? n->in[n->in[0] == p->out] : -1;
		float scale;
		int32_t zp;

		if (n->op == NPU_GRAPH_QUANTIZE && quantisation(p, n, &scale, &zp)) {
			p->ep.out_scale = scale;
			p->ep.out_zp = zp;
			p->ep.out_type = l->g->value[n->out[0]].t.type;
			done = true;
		} else if (!take_activation(p, n) && !(other >= 0 && take_bias(p, n, other)) &&
			   !(other >= 0 && take_residual(p, n, other))) {
			break;
		}
		p->out = n->out[0];
	}
	p->rest = at;
}

/* Vectors that the epilogue reads, into the constants where they are. */
int npu_product_epilogue(struct npu_product *p, struct npu_lower_step *step)
{
	struct npu_lower *l = p->l;
	bool floats = npu_graph_is_float(npu_product_type(l, p->x));
	struct npu_lower_view v;
	int ret;

	p->ep.scale_per = NPU_PER_NONE;
	if (p->scales) {
		struct npu_lower_ref ref;
		void *data;

		ret = npu_lower_constant_bytes(l, p->channels * 4ull, &data, &ref);
		if (ret)
			return ret;
		memcpy(data, p->scales, p->channels * 4ull);
		step->ref[NPU_OP_REGION_SCALE] = ref;
		p->ep.scale_per = NPU_PER_CHANNEL;
	} else if (p->scaled) {
		p->ep.scale_per = NPU_PER_TENSOR;
		p->ep.scale = p->scale;
	}
	if (p->b >= 0) {
		const struct npu_graph_tensor *t = &l->g->value[p->b].t;
		uint32_t type = floats ? NPU_FP32 : NPU_S32, i;
		struct npu_lower_ref ref;
		void *data;

		if (t->data) {
			ret = npu_lower_constant_bytes(l, p->channels * 4ull, &data, &ref);
			if (ret)
				return ret;
			for (i = 0; i < p->channels; i++)
				if (floats)
					npu_graph_put_float(
						type, data, i,
						npu_graph_get_float(t->type, t->data, i));
				else
					npu_graph_put_int(type, data, i,
							  npu_graph_get_int(t->type, t->data, i));
			step->ref[NPU_OP_REGION_BIAS] = ref;
		} else {
			ret = npu_lower_view(l, p->b, &v);
			if (!ret)
				ret = npu_lower_dense(l, &v, type, NULL);
			if (ret)
				return ret;
			step->ref[NPU_OP_REGION_BIAS] =
				(struct npu_lower_ref){ v.buffer, v.offset };
		}
		p->ep.bias = 1;
	}
	return 0;
}

/* What the group has left over, on the product's result. */
int npu_product_finish(struct npu_product *p, const struct npu_lower_view *result)
{
	p->l->view[p->out] = *result;
	if (p->rest == UINT32_MAX)
		return 0;
	return npu_lower_elementwise(p->l, p->rest, p->last, result, p->out);
}

/* Products of dequantised operands are done in integers where the scales allow. */
static void look_behind(struct npu_product *p)
{
	struct npu_lower *l = p->l;
	const struct npu_graph_tensor *t;
	int x, w, b = -1, k = 0;
	int32_t x_zp, w_zp;
	float xs, ws, bs;

	if (!npu_lower_dequantised(l, p->x, &x, &xs, &x_zp) || l->g->value[x].t.type == NPU_S32)
		return;
	if (npu_lower_dequantised(l, p->w, &w, &ws, &w_zp)) {
		if (l->g->value[w].t.type == NPU_S32)
			return;
		p->scale = xs * ws;
		p->scaled = true;
	} else {
		/*
		 * Weights with a scale a channel: of output channels, and their zero points all
		 * the same.
		 */
		int producer = l->g->value[p->w].producer;
		const struct npu_graph_node *n = producer >= 0 ? &l->g->node[producer] : NULL;
		double zero = 0;
		uint32_t i;

		if (!n || n->op != NPU_GRAPH_DEQUANTIZE || l->g->value[n->in[0]].t.type == NPU_S32)
			return;
		t = npu_graph_in(l->g, n, 1);
		k = npu_graph_axis(n->a.axis, l->g->value[n->in[0]].t.dims);
		if (!t->data || t->dims != 1 || t->shape[0] != p->channels ||
		    k != (l->g->node[p->node].op == NPU_GRAPH_CONV ?
				  0 :
				  (int)l->g->value[p->w].t.dims - 1) ||
		    (npu_graph_in(l->g, n, 2) && !npu_lower_scalar(l, n->in[2], &zero)))
			return;
		w = n->in[0];
		w_zp = (int32_t)zero;
		p->scales = malloc(p->channels * sizeof(*p->scales));
		if (!p->scales)
			return;
		for (i = 0; i < p->channels; i++)
			p->scales[i] = xs * ((const float *)t->data)[i];
	}
	if (p->b >= 0) {
		/* A bias is in integers already, of the sums' scale; or all stays in floats. */
		int producer = l->g->value[p->b].producer;
		const struct npu_graph_node *n = producer >= 0 ? &l->g->node[producer] : NULL;
		double zero = 0;
		uint32_t i;
		bool fits = n && n->op == NPU_GRAPH_DEQUANTIZE &&
			    l->g->value[n->in[0]].t.type == NPU_S32 &&
			    npu_graph_in(l->g, n, 1)->data &&
			    (!npu_graph_in(l->g, n, 2) ||
			     (npu_lower_scalar(l, n->in[2], &zero) && zero == 0));

		for (i = 0; fits && i < p->channels; i++) {
			const struct npu_graph_tensor *s = npu_graph_in(l->g, n, 1);

			bs = (float)npu_graph_get_float(
				s->type, s->data, npu_graph_count(s->dims, s->shape) == 1 ? 0 : i);
			fits = fabsf(bs - (p->scales ? p->scales[i] : p->scale)) <= 0x1p-20f * bs;
		}
		if (!fits) {
			free(p->scales);
			p->scales = NULL;
			p->scaled = false;
			return;
		}
		b = n->in[0];
	}
	p->x = x;
	p->w = w;
	p->b = b;
	p->x_zero = x_zp;
	p->w_zero = w_zp;
	p->dequantised = true;
}

/* Scales of QLinear operators: x * w / y, rounded as the reference does: in binary32. */
static int qlinear_scale(struct npu_product *p, const struct npu_graph_node *n)
{
	const struct npu_graph_tensor *ws = npu_graph_in(p->l->g, n, 4);
	double xs, ys, zp;
	uint32_t i;

	if (!npu_lower_scalar(p->l, n->in[1], &xs) || !npu_lower_scalar(p->l, n->in[6], &ys) ||
	    !ws->data || !npu_lower_scalar(p->l, n->in[7], &zp))
		return npu_fail(-ENOTSUP, "scales and y's zero point must be constants, those of x "
					  "and y single values");
	p->ep.out_type = npu_graph_in(p->l->g, n, 7)->type;
	p->ep.out_zp = (int32_t)zp;
	if (npu_lower_scalar(p->l, n->in[4], &zp)) {
		p->scale = (float)xs * (float)zp / (float)ys;
		p->scaled = true;
		return 0;
	}
	if (npu_graph_count(ws->dims, ws->shape) != p->channels)
		return npu_fail(-ENOTSUP,
				"w's scale is neither one value nor one an output channel");
	p->scales = malloc(p->channels * sizeof(*p->scales));
	if (!p->scales)
		return npu_fail(-ENOMEM, "out of memory");
	for (i = 0; i < p->channels; i++)
		p->scales[i] =
			(float)xs * (float)npu_graph_get_float(ws->type, ws->data, i) / (float)ys;
	return 0;
}

/* Planning tries ways of cutting a product into tiles: it must be one of this world. */
int npu_product_check_macs(double m, double n, double k)
{
	if (m * n * k > (double)NPU_GRAPH_MAX_MACS || m * n > (double)NPU_GRAPH_MAX_BYTES)
		return npu_fail(-ENOTSUP, "%g multiply-accumulates", m * n * k);
	return 0;
}

void npu_product_no_refs(struct npu_lower_step *s)
{
	unsigned int i;

	for (i = 0; i < 8; i++)
		s->ref[i] = (struct npu_lower_ref){ .buffer = -1 };
}

int npu_product_residual(struct npu_product *p, struct npu_lower_view *v)
{
	int ret = npu_lower_view(p->l, p->residual, v);

	if (!ret && p->ep.residual_type == NPU_TYPES)
		p->ep.residual_type = v->type;
	return ret;
}

static void result_type(struct npu_product *p)
{
	const struct npu_graph_tensor *t = &p->l->g->value[p->out].t;
	unsigned int i;

	/* What is left over of the group works on unrounded sums; outputs are not rounded twice. */
	p->ep.out_type = npu_lower_storage(p->l, t->type);
	if (p->rest != UINT32_MAX && t->type == NPU_FP32)
		p->ep.out_type = NPU_FP32;
	for (i = 0; i < p->l->g->outputs; i++)
		if (p->l->g->output[i].tensor == p->out)
			p->ep.out_type = t->type;
}

/* ---- All of them ----------------------------------------------------------------------------- */

static void fill_product(struct npu_product *p, const struct npu_graph_node *n)
{
	const struct npu_graph_tensor *t = &p->l->g->value[n->out[0]].t, *w, *c;
	bool conv = n->op == NPU_GRAPH_CONV || n->op == NPU_GRAPH_CONV_INTEGER ||
		    n->op == NPU_GRAPH_QLINEAR_CONV || n->op == NPU_GRAPH_CONV_TRANSPOSE;

	p->x = n->in[0];
	p->w = n->in[1];
	p->b = p->x_zp = p->w_zp = p->residual = -1;
	p->out = p->last = n->out[0];
	p->rest = UINT32_MAX;
	switch (n->op) {
	case NPU_GRAPH_QLINEAR_CONV:
	case NPU_GRAPH_QLINEAR_MATMUL:
		p->w = n->in[3];
		p->x_zp = n->in[2];
		p->w_zp = n->in[5];
		p->b = n->in_count > 8 ? n->in[8] : -1;
		break;
	case NPU_GRAPH_CONV_INTEGER:
	case NPU_GRAPH_MATMUL_INTEGER:
		p->x_zp = n->in_count > 2 ? n->in[2] : -1;
		p->w_zp = n->in_count > 3 ? n->in[3] : -1;
		break;
	case NPU_GRAPH_CONV:
	case NPU_GRAPH_CONV_TRANSPOSE:
		p->b = n->in_count > 2 ? n->in[2] : -1;
		break;
	default:
		break;
	}
	w = &p->l->g->value[p->w].t;
	p->channel_axis = conv ? 1 : t->dims ? t->dims - 1 : 0;
	p->channels = conv		      ? t->shape[1] :
		      n->op == NPU_GRAPH_GEMM ? t->shape[1] :
		      w->dims > 1	      ? w->shape[w->dims - 1] :
						1;
	c = n->op == NPU_GRAPH_GEMM ? npu_graph_in(p->l->g, n, 2) : NULL;
	if (c && n->a.alpha == 1 && n->a.beta == 1 && per_channel(p, n->in[2], 2))
		p->b = n->in[2];
}

int npu_lower_product(struct npu_lower *l, unsigned int node)
{
	const struct npu_graph_node *n = &l->g->node[node];
	struct npu_product p = { .l = l, .node = node };
	bool gemm_rest;
	int ret = 0;

	fill_product(&p, n);
	gemm_rest = n->op == NPU_GRAPH_GEMM && npu_graph_in(l->g, n, 2) && p.b < 0;
	if (n->op == NPU_GRAPH_CONV || n->op == NPU_GRAPH_MATMUL ||
	    (n->op == NPU_GRAPH_GEMM && !gemm_rest && n->a.alpha == 1 && !n->a.trans_b))
		look_behind(&p);
	if (n->op == NPU_GRAPH_QLINEAR_CONV || n->op == NPU_GRAPH_QLINEAR_MATMUL)
		ret = qlinear_scale(&p, n);
	if (n->op == NPU_GRAPH_GEMM && n->a.alpha != 1) {
		p.scale = n->a.alpha;
		p.scaled = true;
	}
	if (!ret) {
		if (gemm_rest || n->op == NPU_GRAPH_CONV_TRANSPOSE) {
			/* What follows works on the sum with c. */
			unsigned int k;

			p.rest = l->group_next[node];
			for (k = p.rest; k != UINT32_MAX; k = l->group_next[k])
				p.last = l->g->node[k].out[0];
		} else {
			take_group(&p);
		}
		if (n->op != NPU_GRAPH_QLINEAR_CONV && n->op != NPU_GRAPH_QLINEAR_MATMUL)
			result_type(&p);
	}
	if (!ret && n->op == NPU_GRAPH_CONV_TRANSPOSE)
		ret = npu_lower_conv_transpose(&p);
	else if (!ret && (n->op == NPU_GRAPH_CONV || n->op == NPU_GRAPH_CONV_INTEGER ||
			  n->op == NPU_GRAPH_QLINEAR_CONV))
		ret = npu_lower_conv(&p);
	else if (!ret)
		ret = npu_lower_matmul(&p);
	free(p.scales);
	return ret;
}
