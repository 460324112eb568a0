// SPDX-License-Identifier: MIT
/*
 * Copyright (c) 2026 the npu authors
 *
 * Convolutions and transposed ones. Channels are innermost; weights that are constants are packed,
 * others copied into order by the card.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "hal/error.h"

#include "product.h"

/* ---- Convolutions ---------------------------------------------------------------------------- */

static const uint32_t channels_last[] = { 0, 2, 3, 1 };

/* A view of images with one spatial dimension, as with two. */
static void four_dims(struct npu_lower_view *v)
{
	if (v->dims != 3)
		return;
	v->dims = 4;
	v->size[3] = v->size[2];
	v->stride[3] = v->stride[2];
	v->size[2] = 1;
	v->stride[2] = 0;
}

static void three_dims(struct npu_lower_view *v, uint32_t dims)
{
	if (dims != 3)
		return;
	v->dims = 3;
	v->size[2] = v->size[3];
	v->stride[2] = v->stride[3];
}

/* Can a kernel read (N, C, H, W) as it lies? */
static bool reads_as_nhwc(const struct npu_lower_view *v, uint64_t stride[3])
{
	int64_t c = v->size[1], w = v->size[3], h = v->size[2], sw = w > 1 ? v->stride[3] : c;
	int64_t sh = h > 1 ? v->stride[2] : sw * w, sn = v->size[0] > 1 ? v->stride[0] : sh * h;

	if ((c > 1 && v->stride[1] != 1) || sw < c || (h > 1 && sh < (w - 1) * sw + c) ||
	    (v->size[0] > 1 && sn < (h - 1) * sh + (w - 1) * sw + c))
		return false;
	stride[0] = (uint64_t)sw;
	stride[1] = (uint64_t)(sh > (w - 1) * sw + c ? sh : (w - 1) * sw + c);
	stride[2] = (uint64_t)(sn > (h - 1) * (int64_t)stride[1] + (w - 1) * sw + c ?
				       sn :
				       (h - 1) * (int64_t)stride[1] + (w - 1) * sw + c);
	return true;
}

static int nhwc(struct npu_lower *l, struct npu_lower_view *v, uint64_t stride[3])
{
	int ret;

	four_dims(v);
	if (reads_as_nhwc(v, stride))
		return 0;
	ret = npu_lower_dense(l, v, v->type, channels_last);
	if (!ret && !reads_as_nhwc(v, stride))
		ret = npu_fail(-EINVAL, "layout");
	return ret;
}

/*
 * Constant weights in the order the array wants: [kh][kw][c][o], packed unless depthwise. Views
 * are (o, c, kh, kw).
 */
static int constant_weights(struct npu_product *p, struct npu_conv2d *d, struct npu_lower_ref *ref)
{
	const struct npu_graph_tensor *t = &p->l->g->value[p->w].t;
	uint32_t cg = d->in_c / d->groups, size = npu_type_size(d->weight_type), o, c, y, x;
	uint64_t k = (uint64_t)d->kernel_h * d->kernel_w * cg, from, to;
	bool depthwise = d->groups > 1 && d->groups == d->in_c && d->groups == d->out_c;
	uint8_t *rows = malloc(k * d->out_c * size);
	void *data;
	int ret;

	if (!rows)
		return npu_fail(-ENOMEM, "out of memory");
	for (o = 0; o < d->out_c; o++)
		for (c = 0; c < cg; c++)
			for (y = 0; y < d->kernel_h; y++)
				for (x = 0; x < d->kernel_w; x++) {
					from = (((uint64_t)o * cg + c) * d->kernel_h + y) *
						       d->kernel_w +
					       x;
					to = (((uint64_t)y * d->kernel_w + x) * cg + c) * d->out_c +
					     o;
					if (npu_graph_is_float(d->weight_type))
						npu_graph_put_float(d->weight_type, rows, to,
								    npu_graph_get_float(t->type,
											t->data,
											from));
					else
						rows[to] = ((const uint8_t *)t->data)[from];
				}
	if (depthwise || k > UINT32_MAX) {
		d->weight_layout = NPU_B_ROWS;
		ret = npu_lower_constant_bytes(p->l, k * d->out_c * size, &data, ref);
		if (!ret)
			memcpy(data, rows, k * d->out_c * size);
	} else {
		d->weight_layout = NPU_B_PACKED;
		ret = npu_lower_constant_bytes(
			p->l,
			npu_weights_packed_size(d->weight_type, k, d->out_c / d->groups, d->groups),
			&data, ref);
		if (!ret)
			ret = npu_weights_pack(data, rows, d->weight_type, k, d->out_c / d->groups,
					       d->groups, 0);
	}
	free(rows);
	return ret;
}

/* Weights that are known when the job runs: a view (o, c, kh, kw) is copied into their order. */
static int dynamic_weights(struct npu_lower *l, struct npu_lower_view *v, struct npu_conv2d *d,
			   struct npu_lower_ref *ref)
{
	static const uint32_t order[] = { 2, 3, 1, 0 };
	int ret;

	four_dims(v);
	ret = npu_lower_dense(l, v, v->type, order);
	d->weight_layout = NPU_B_ROWS;
	*ref = (struct npu_lower_ref){ v->buffer, v->offset };
	return ret;
}

static int conv_step(struct npu_product *p, const struct npu_graph_window *w,
		     struct npu_lower_step *step, struct npu_lower_view *out)
{
	const struct npu_graph_tensor *t = &p->l->g->value[p->out].t;
	struct npu_conv2d *d = &step->u.conv;
	struct npu_lower_view v;
	uint32_t shape[4] = { t->shape[0], t->shape[1], w->out[0], w->out[1] };
	int ret;

	if (p->ep.residual) {
		ret = npu_product_residual(p, &v);
		if (!ret)
			ret = nhwc(p->l, &v, d->residual_stride);
		if (ret)
			return ret;
		step->ref[NPU_OP_REGION_RESIDUAL] = (struct npu_lower_ref){ v.buffer, v.offset };
	}
	ret = npu_product_epilogue(p, step);
	if (ret)
		return ret;
	d->epilogue = p->ep;
	ret = npu_lower_scratch(p->l, p->ep.out_type, 4, shape, channels_last, out);
	if (ret)
		return ret;
	step->ref[NPU_OP_REGION_OUT] = (struct npu_lower_ref){ out->buffer, out->offset };
	return npu_lower_step_add(p->l, step);
}

int npu_lower_conv(struct npu_product *p)
{
	const struct npu_graph_node *n = &p->l->g->node[p->node];
	struct npu_lower_step step = { .kind = NPU_STEP_PRODUCT, .op = &npu_op_conv2d };
	struct npu_conv2d *d = &step.u.conv;
	struct npu_lower_view x, w, out;
	struct npu_graph_window win;
	int ret = npu_graph_window(p->l->g, n, &win);

	npu_product_no_refs(&step);
	if (!ret)
		ret = npu_product_check_macs((double)p->l->g->value[p->x].t.shape[0] * win.out[0] *
						     win.out[1],
					     p->channels,
					     (double)win.kernel[0] * win.kernel[1] *
						     p->l->g->value[p->x].t.shape[1] / n->a.groups);
	if (!ret)
		ret = npu_product_operand(p->l, p->x, &x);
	if (!ret)
		ret = nhwc(p->l, &x, d->in_stride);
	if (ret)
		return ret;
	step.ref[NPU_OP_REGION_A] = (struct npu_lower_ref){ x.buffer, x.offset };
	d->batch = x.size[0];
	d->in_h = x.size[2];
	d->in_w = x.size[3];
	d->in_c = x.size[1];
	d->out_c = p->channels;
	d->kernel_h = win.kernel[0];
	d->kernel_w = win.kernel[1];
	d->stride_h = win.stride[0];
	d->stride_w = win.stride[1];
	d->dilation_h = win.dilation[0];
	d->dilation_w = win.dilation[1];
	d->pad_top = win.pad_lo[0];
	d->pad_left = win.pad_lo[1];
	d->pad_bottom = win.pad_hi[0];
	d->pad_right = win.pad_hi[1];
	d->groups = n->a.groups;
	d->in_type = x.type;
	d->weight_type = npu_product_type(p->l, p->w);
	if (p->l->g->value[p->w].t.data) {
		ret = constant_weights(p, d, &step.ref[NPU_OP_REGION_B]);
	} else {
		ret = npu_product_operand(p->l, p->w, &w);
		if (!ret)
			ret = dynamic_weights(p->l, &w, d, &step.ref[NPU_OP_REGION_B]);
	}
	if (!ret)
		ret = npu_product_zero_point(p, p->x_zp, p->x_zero, NPU_PER_NONE, &d->in_zp_per,
					     &d->in_zp, &step.ref[NPU_OP_REGION_A_ZP]);
	if (!ret)
		ret = npu_product_zero_point(p, p->w_zp, p->w_zero, NPU_PER_CHANNEL,
					     &d->weight_zp_per, &d->weight_zp,
					     &step.ref[NPU_OP_REGION_B_ZP]);
	if (!ret)
		ret = conv_step(p, &win, &step, &out);
	if (ret)
		return ret;
	three_dims(&out, p->l->g->value[p->out].t.dims);
	return npu_product_finish(p, &out);
}

#define MAX_PHASES 1024u

/* ---- Transposed convolutions ----------------------------------------------------------------- */

static uint32_t gcd(uint32_t a, uint32_t b)
{
	return b ? gcd(b, a % b) : a;
}

/**
 * struct phase - outputs r, r + stride, ... of an axis: a convolution of stride 1 with some of the
 * taps
 * @taps: how many; tap j of them is kernel coordinate @last - j * @tap_step, so that inputs ascend
 * @dilation: between the inputs of successive taps
 * @shift: the input of the first output and first tap
 */
struct phase {
	uint32_t out, taps, last, tap_step, dilation;
	int64_t shift;
};

static void find_phase(const struct npu_graph_window *w, unsigned int axis, uint32_t r,
		       struct phase *ph)
{
	uint32_t s = w->stride[axis], d = w->dilation[axis], g = gcd(s, d), k;

	memset(ph, 0, sizeof(*ph));
	ph->out = r < w->out[axis] ? (w->out[axis] - r + s - 1) / s : 0;
	ph->tap_step = s / g;
	ph->dilation = d / g;
	for (k = 0; k < w->kernel[axis]; k++) {
		if (((int64_t)r + w->pad_lo[axis] - (int64_t)k * d) % s)
			continue;
		ph->taps++;
		ph->last = k;
	}
	ph->shift = ((int64_t)r + w->pad_lo[axis] - (int64_t)ph->last * d) / (int64_t)s;
}

/* Clip an axis so that padding is not negative: begin and number of inputs, padding. */
static int clip_axis(const struct phase *ph, uint32_t in, uint32_t *first, uint32_t *count,
		     uint32_t *lo, uint32_t *hi)
{
	int64_t end = ph->shift + ph->out - 1 + (int64_t)(ph->taps - 1) * ph->dilation + 1;
	int64_t from = ph->shift < 0 ? 0 : ph->shift, to = end > in ? in : end;

	if (from >= to) {
		/* Padding alone: one input that no output sees. */
		from = 0;
		to = 1;
	}
	*first = from;
	*count = to - from;
	if (from - ph->shift > INT16_MAX || end - to > INT16_MAX || from - ph->shift < 0 ||
	    end - to < 0)
		return npu_fail(-ENOTSUP, "padding beyond what a convolution takes");
	*lo = from - ph->shift;
	*hi = end - to;
	return 0;
}

static int transpose_phase(struct npu_product *p, const struct npu_lower_view *x,
			   const uint64_t in_stride[3], const struct npu_lower_view *w,
			   const struct npu_graph_window *win, const struct phase ph[2],
			   const uint32_t r[2], const struct npu_lower_view *out,
			   const struct npu_lower_step *common)
{
	const struct npu_graph_node *n = &p->l->g->node[p->node];
	struct npu_lower_step step = *common;
	struct npu_conv2d *d = &step.u.conv;
	uint32_t og = p->channels / n->a.groups, cg = x->size[1] / n->a.groups, g, y0, x0;
	struct npu_lower_view taps, part, to;
	uint32_t shape[4] = { p->channels, cg, ph[0].taps, ph[1].taps };
	static const uint32_t order[] = { 2, 3, 1, 0 };
	int ret = clip_axis(&ph[0], win->in[0], &y0, &d->in_h, &d->pad_top, &d->pad_bottom);

	if (!ret)
		ret = clip_axis(&ph[1], win->in[1], &x0, &d->in_w, &d->pad_left, &d->pad_right);
	/*
	 * Weights (c, o of a group, kh, kw) to (o, c of a group, taps): group by group, kernel
	 * turned round.
	 */
	if (!ret)
		ret = npu_lower_scratch(p->l, w->type, 4, shape, order, &taps);
	for (g = 0; g < n->a.groups && !ret; g++) {
		part = *w;
		part.offset += (g * cg * w->stride[0] + ph[0].last * w->stride[2] +
				ph[1].last * w->stride[3]) *
			       (int64_t)npu_type_size(w->type);
		part.size[0] = og;
		part.size[1] = cg;
		part.stride[0] = w->stride[1];
		part.stride[1] = w->stride[0];
		part.size[2] = ph[0].taps;
		part.size[3] = ph[1].taps;
		part.stride[2] = -(int64_t)ph[0].tap_step * w->stride[2];
		part.stride[3] = -(int64_t)ph[1].tap_step * w->stride[3];
		to = taps;
		to.size[0] = og;
		to.offset += (int64_t)g * og * taps.stride[0] * npu_type_size(taps.type);
		ret = npu_lower_copy(p->l, &part, &to);
	}
	if (ret)
		return ret;
	d->batch = x->size[0];
	d->in_c = x->size[1];
	d->out_c = p->channels;
	d->kernel_h = ph[0].taps;
	d->kernel_w = ph[1].taps;
	d->dilation_h = ph[0].taps > 1 ? ph[0].dilation : 1;
	d->dilation_w = ph[1].taps > 1 ? ph[1].dilation : 1;
	d->groups = n->a.groups;
	d->in_type = x->type;
	d->weight_type = w->type;
	d->weight_layout = NPU_B_ROWS;
	memcpy(d->in_stride, in_stride, sizeof(d->in_stride));
	d->out_stride[0] = (uint64_t)(win->stride[1] * out->stride[3]);
	d->out_stride[1] = (uint64_t)(win->stride[0] * out->stride[2]);
	d->out_stride[2] = (uint64_t)out->stride[0];
	d->epilogue = p->ep;
	step.ref[NPU_OP_REGION_A] = (struct npu_lower_ref){
		x->buffer, x->offset + (int64_t)((y0 * in_stride[1] + x0 * in_stride[0]) *
						 npu_type_size(x->type))
	};
	step.ref[NPU_OP_REGION_B] = (struct npu_lower_ref){ taps.buffer, taps.offset };
	step.ref[NPU_OP_REGION_OUT] = (struct npu_lower_ref){
		out->buffer, out->offset + (r[0] * out->stride[2] + r[1] * out->stride[3]) *
						   (int64_t)npu_type_size(out->type)
	};
	return npu_lower_step_add(p->l, &step);
}

/* Outputs that no tap reaches are the bias alone. */
static int bias_phase(struct npu_product *p, const struct npu_graph_window *win,
		      const struct phase ph[2], const uint32_t r[2],
		      const struct npu_lower_view *out, const struct npu_lower_step *common)
{
	struct npu_lower_view to = *out, v = { .type = NPU_FP32, .dims = 4 };
	int ret = 0;

	to.offset +=
		(r[0] * out->stride[2] + r[1] * out->stride[3]) * (int64_t)npu_type_size(out->type);
	to.size[2] = ph[0].out;
	to.size[3] = ph[1].out;
	to.stride[2] *= win->stride[0];
	to.stride[3] *= win->stride[1];
	memcpy(v.size, to.size, sizeof(v.size));
	if (common->ref[NPU_OP_REGION_BIAS].buffer >= 0) {
		v.buffer = common->ref[NPU_OP_REGION_BIAS].buffer;
		v.offset = common->ref[NPU_OP_REGION_BIAS].offset;
		v.stride[1] = 1;
	} else {
		struct npu_lower_ref ref;
		void *zero;

		ret = npu_lower_constant_bytes(p->l, 4, &zero, &ref);
		v.buffer = ref.buffer;
	}
	return ret ? ret : npu_lower_copy(p->l, &v, &to);
}

int npu_lower_conv_transpose(struct npu_product *p)
{
	const struct npu_graph_node *n = &p->l->g->node[p->node];
	const struct npu_graph_tensor *t = &p->l->g->value[p->out].t;
	struct npu_lower_step common = { .kind = NPU_STEP_PRODUCT, .op = &npu_op_conv2d };
	struct npu_lower_view x, w, out;
	struct npu_graph_window win;
	uint64_t in_stride[3];
	uint32_t shape[4], r[2];
	int ret = npu_graph_window(p->l->g, n, &win);

	npu_product_no_refs(&common);
	if (!ret)
		ret = npu_product_check_macs((double)p->l->g->value[p->x].t.shape[0] * win.out[0] *
						     win.out[1],
					     p->channels,
					     (double)win.kernel[0] * win.kernel[1] *
						     p->l->g->value[p->x].t.shape[1] / n->a.groups);
	if (!ret && (uint64_t)win.stride[0] * win.stride[1] > MAX_PHASES)
		ret = npu_fail(-ENOTSUP, "strides of %u, %u", win.stride[0], win.stride[1]);
	if (!ret)
		ret = npu_product_operand(p->l, p->x, &x);
	if (!ret)
		ret = nhwc(p->l, &x, in_stride);
	if (!ret)
		ret = npu_product_operand(p->l, p->w, &w);
	if (ret)
		return ret;
	four_dims(&w);
	ret = npu_product_epilogue(p, &common);
	if (ret)
		return ret;
	memcpy(shape, (uint32_t[]){ t->shape[0], t->shape[1], win.out[0], win.out[1] },
	       sizeof(shape));
	ret = npu_lower_scratch(p->l, p->ep.out_type, 4, shape, channels_last, &out);
	for (r[0] = 0; r[0] < win.stride[0] && r[0] < win.out[0] && !ret; r[0]++) {
		for (r[1] = 0; r[1] < win.stride[1] && r[1] < win.out[1] && !ret; r[1]++) {
			struct phase ph[2];

			find_phase(&win, 0, r[0], &ph[0]);
			find_phase(&win, 1, r[1], &ph[1]);
			ret = ph[0].taps && ph[1].taps ? transpose_phase(p, &x, in_stride, &w, &win,
									 ph, r, &out, &common) :
							 bias_phase(p, &win, ph, r, &out, &common);
		}
	}
	if (ret)
		return ret;
	three_dims(&out, t->dims);
	return npu_product_finish(p, &out);
}
