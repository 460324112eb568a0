// SPDX-License-Identifier: MIT
/*
 * Copyright (c) 2026 the npu authors
 *
 * Window pooling of NHWC tensors: a tile of rows, columns and channels at a time, each with the
 * input its windows cover. Cores split images, rows or channels.
 *
 * Padding is left to the card, which looks at coordinates inside only; but where an average counts
 * padding as a zero point other than 0, LOAD fills it in.
 */
#include <errno.h>
#include <math.h>
#include <string.h>

#include "hal/error.h"

#include "plan.h"

enum { CORES_BATCH, CORES_ROWS, CORES_CHANNELS, TILE_H, TILE_W, CHANNELS, IN_SLOTS, OUT_SLOTS };

/* ---- Descriptors ----------------------------------------------------------------------------- */

uint32_t npu_pool2d_out_h(const struct npu_pool2d *d)
{
	return npu_window_count(d->in_h, d->pad_top, d->pad_bottom, d->kernel_h, d->stride_h,
				d->dilation_h);
}

uint32_t npu_pool2d_out_w(const struct npu_pool2d *d)
{
	return npu_window_count(d->in_w, d->pad_left, d->pad_right, d->kernel_w, d->stride_w,
				d->dilation_w);
}

static bool is_type(uint32_t type)
{
	return type == NPU_S8 || type == NPU_U8 || type == NPU_S32 || npu_is_float(type);
}

static int check_quantisation(const struct npu_pool2d *d)
{
	bool floats = npu_is_float(d->in_type);
	int64_t lo = d->out_type == NPU_S8 ? -128 : d->out_type == NPU_U8 ? 0 : INT32_MIN;
	int64_t hi = d->out_type == NPU_S8 ? 127 : d->out_type == NPU_U8 ? 255 : INT32_MAX;

	if (!is_type(d->in_type))
		return npu_fail(-EINVAL, "in_type %u", d->in_type);
	if (!is_type(d->out_type) || npu_is_float(d->out_type) != floats)
		return npu_fail(-EINVAL, "out_type %u: not of in_type's domain", d->out_type);
	if (floats && (d->scale != 0 || d->in_zp || d->out_zp))
		return npu_fail(-EINVAL, "scale, in_zp and out_zp are for integer types");
	if (!isfinite(d->scale) || d->scale < 0)
		return npu_fail(-EINVAL, "scale is not a finite number, 0 or more");
	if (d->out_zp < lo || d->out_zp > hi || (d->scale == 0 && d->out_zp))
		return npu_fail(-EINVAL, "out_zp %d", d->out_zp);
	lo = d->in_type == NPU_S8 ? -128 : d->in_type == NPU_U8 ? 0 : INT32_MIN;
	hi = d->in_type == NPU_S8 ? 127 : d->in_type == NPU_U8 ? 255 : INT32_MAX;
	if (d->in_zp < lo || d->in_zp > hi)
		return npu_fail(-EINVAL, "in_zp %d", d->in_zp);
	return 0;
}

static int normalise(const void *desc, void *out)
{
	struct npu_pool2d *d = out;
	uint32_t pad[4], h, w;
	int ret;

	memcpy(d, desc, sizeof(*d));
	d->batch = d->batch ? d->batch : 1;
	d->stride_h = d->stride_h ? d->stride_h : 1;
	d->stride_w = d->stride_w ? d->stride_w : 1;
	d->dilation_h = d->dilation_h ? d->dilation_h : 1;
	d->dilation_w = d->dilation_w ? d->dilation_w : 1;
	if (d->op > NPU_POOL_AVG_PAD)
		return npu_fail(-EINVAL, "op %u", d->op);
	if (d->reserved[0] || d->reserved[1])
		return npu_fail(-EINVAL, "reserved is not zero");
	if (!d->in_h || !d->in_w || !d->channels || d->in_h > 1u << 24 || d->in_w > 1u << 24 ||
	    d->channels > 1u << 24 || d->batch > 1u << 24)
		return npu_fail(-EINVAL, "batch %u, in %u x %u x %u: 1 to 2^24", d->batch, d->in_h,
				d->in_w, d->channels);
	pad[0] = d->pad_top;
	pad[1] = d->pad_left;
	pad[2] = d->pad_bottom;
	pad[3] = d->pad_right;
	ret = npu_window_check(d->kernel_h, d->kernel_w, d->stride_h, d->stride_w, d->dilation_h,
			       d->dilation_w, pad);
	if (ret)
		return ret;
	h = (d->kernel_h - 1) * d->dilation_h;
	w = (d->kernel_w - 1) * d->dilation_w;
	if (pad[0] > h || pad[2] > h || pad[1] > w || pad[3] > w)
		return npu_fail(-EINVAL, "padding: each less than what the kernel spans (%u x %u)",
				h + 1, w + 1);
	h = npu_pool2d_out_h(d);
	w = npu_pool2d_out_w(d);
	if (!h || !w)
		return npu_fail(-EINVAL, "the kernel is larger than the padded input");
	ret = check_quantisation(d);
	if (!ret)
		ret = npu_nhwc_strides("in_stride", d->in_stride, d->channels, d->in_w, d->in_h,
				       d->batch);
	if (!ret)
		ret = npu_nhwc_strides("out_stride", d->out_stride, d->channels, w, h, d->batch);
	return ret;
}

static void describe(const void *desc, struct npu_spec *spec)
{
	const struct npu_pool2d *d = desc;
	uint32_t h = npu_pool2d_out_h(d), w = npu_pool2d_out_w(d);

	npu_spec_add(spec, "a", NPU_OP_REGION_A, NPU_TENSOR_INPUT, d->in_type,
		     npu_nhwc_span(d->in_stride, d->channels, d->in_w, d->in_h, d->batch), 4,
		     (uint32_t[]){ d->batch, d->in_h, d->in_w, d->channels })
		->zero_point = d->in_zp;
	npu_spec_add(spec, "out", NPU_OP_REGION_OUT, NPU_TENSOR_OUTPUT, d->out_type,
		     npu_nhwc_span(d->out_stride, d->channels, w, h, d->batch), 4,
		     (uint32_t[]){ d->batch, h, w, d->channels })
		->zero_point = d->out_zp;
}

static void layout(const void *desc, unsigned int region, struct npu_layout *l)
{
	const struct npu_pool2d *d = desc;

	if (region == NPU_OP_REGION_A)
		*l = npu_nhwc_layout(d->in_stride, d->channels, d->in_w, d->in_h, d->batch);
	else
		*l = npu_nhwc_layout(d->out_stride, d->channels, npu_pool2d_out_w(d),
				     npu_pool2d_out_h(d), d->batch);
}

/* ---- Emission -------------------------------------------------------------------------------- */

struct range {
	uint32_t first, end;
};

/*
 * What an axis of a tile reads: coordinates of the padded input; how many of them are padding that
 * is filled in.
 */
struct axis {
	int64_t first;
	uint32_t size, lo, hi;
};

static bool fills(const struct npu_pool2d *d)
{
	return d->op == NPU_POOL_AVG_PAD && d->in_zp;
}

static struct axis axis_of(struct range out, uint32_t stride, uint32_t pad, uint32_t kernel,
			   uint32_t dilation, uint32_t in, bool fill)
{
	int64_t first = (int64_t)out.first * stride - pad;
	int64_t end = (int64_t)(out.end - 1) * stride - pad + (int64_t)(kernel - 1) * dilation + 1;
	struct axis a = { .lo = 0 };

	if (fill) {
		a.lo = first < 0 ? npu_min(-first, end - first) : 0;
		a.hi = end > in ? npu_min(end - in, end - first - a.lo) : 0;
	} else {
		if (first < 0)
			first = 0;
		if (end > in)
			end = in;
		/* Nothing inside: something must be there all the same. */
		if (first >= in)
			first = in - 1;
		if (end <= first)
			end = first + 1;
	}
	a.first = first;
	a.size = end - first;
	return a;
}

struct work {
	struct npu_emit *e;
	const struct npu_pool2d *d;
	struct npu_slots in, out;
};

static void load_input(struct work *w, uint32_t image, const struct axis *y, const struct axis *x,
		       struct range c, uint32_t spm)
{
	const struct npu_pool2d *d = w->d;
	int64_t size = npu_type_size(d->in_type), n = c.end - c.first;
	int64_t row = y->first + y->lo, col = x->first + x->lo;
	struct npu_cmd_load cmd = {
		.type = size == 1 ? NPU_S8 :
			size == 2 ? NPU_BF16 :
				    NPU_S32,
		.region = NPU_OP_REGION_A,
		.spm = spm,
		.size = { n, x->size, y->size, 1 },
		.pad_lo = { 0, x->lo, y->lo, 0 },
		.pad_hi = { 0, x->hi, y->hi, 0 },
		.mem_stride = { d->in_stride[0] * size, d->in_stride[1] * size, 0 },
		.spm_stride = { n * size, n * size * x->size, 0 },
	};

	if (fills(d)) {
		cmd.fill_mode = NPU_FILL_IMM;
		cmd.fill = (uint32_t)d->in_zp;
	}
	/* Where all is padding nothing is read, and the offset does not count. */
	if (x->lo + x->hi < x->size && y->lo + y->hi < y->size)
		cmd.offset = ((int64_t)(image * d->in_stride[2]) + row * (int64_t)d->in_stride[1] +
			      col * (int64_t)d->in_stride[0] + c.first) *
			     size;
	npu_stream_load(w->e->s, &cmd);
}

void npu_pool_stages(struct npu_vpu_pipe *p, const struct npu_pool2d *d)
{
	if (d->scale != 0) {
		npu_emit_stage(p, NPU_STAGE_SUB, NPU_SRC_IMM, 0, npu_float_bits(d->in_zp));
		npu_emit_stage(p, NPU_STAGE_MUL, NPU_SRC_IMM, 0, npu_float_bits(d->scale));
	} else if (npu_is_float(d->out_type) ||
		   (d->op == NPU_POOL_MAX && d->in_type == d->out_type)) {
		return;
	}
	npu_emit_stage(p, NPU_STAGE_QUANT, NPU_SRC_IMM, d->out_type, (uint32_t)d->out_zp);
}

static void emit_tile(struct work *w, uint32_t image, struct range y, struct range x,
		      struct range c)
{
	const struct npu_pool2d *d = w->d;
	bool fill = fills(d);
	struct axis ay =
		axis_of(y, d->stride_h, d->pad_top, d->kernel_h, d->dilation_h, d->in_h, fill);
	struct axis ax =
		axis_of(x, d->stride_w, d->pad_left, d->kernel_w, d->dilation_w, d->in_w, fill);
	uint32_t n = c.end - c.first, cols = x.end - x.first, rows = y.end - y.first;
	uint32_t is = npu_type_size(d->in_type), os = npu_type_size(d->out_type);
	int64_t pad_top = ay.first + d->pad_top - (int64_t)y.first * d->stride_h;
	int64_t pad_left = ax.first + d->pad_left - (int64_t)x.first * d->stride_w;
	uint32_t in = npu_slots_next(&w->in), out = npu_slots_next(&w->out);
	struct npu_cmd_pool cmd = {
		.size = { n, cols, rows, 1 },
		.in_h = ay.size,
		.in_w = ax.size,
		.kernel_h = d->kernel_h,
		.kernel_w = d->kernel_w,
		.stride_h = d->stride_h,
		.stride_w = d->stride_w,
		.dilation_h = d->dilation_h,
		.dilation_w = d->dilation_w,
		.pad_top = (uint16_t)pad_top,
		.pad_left = (uint16_t)pad_left,
		.op = d->op,
		.p = {
			.x = { .addr = in, .space = NPU_SPACE_SPM, .type = d->in_type,
			       .stride = { is, n * is, n * is * ax.size, 0 } },
			.out = { .addr = out, .space = NPU_SPACE_SPM, .type = d->out_type,
				 .stride = { os, n * os, n * os * cols, 0 } },
		},
	};
	struct npu_box box = {
		.region = NPU_OP_REGION_OUT,
		.element = os,
		.offset = (int64_t)((image * d->out_stride[2] + y.first * d->out_stride[1] +
				     x.first * d->out_stride[0] + c.first) *
				    os),
		.size = { n, cols, rows, 1 },
		.mem_stride = { (int64_t)(d->out_stride[0] * os),
				(int64_t)(d->out_stride[1] * os) },
		.spm = out,
		.spm_stride = { n * os, n * os * cols },
	};

	if (pad_top != (int16_t)pad_top || pad_left != (int16_t)pad_left || ay.size > UINT16_MAX ||
	    ax.size > UINT16_MAX) {
		w->e->full = true;
		return;
	}
	load_input(w, image, &ay, &ax, c, in);
	npu_pool_stages(&cmd.p, d);
	npu_stream_pool(w->e->s, &cmd);
	npu_emit_store(w->e, &box, false);
}

static uint64_t window(uint64_t outs, uint32_t stride, uint32_t kernel, uint32_t dilation,
		       uint32_t in, bool fill)
{
	uint64_t n = (outs - 1) * stride + (kernel - 1ull) * dilation + 1;

	return fill ? n : npu_min(n, in);
}

static uint64_t in_block(const struct npu_pool2d *d, const uint32_t *p)
{
	return window(p[TILE_H], d->stride_h, d->kernel_h, d->dilation_h, d->in_h, fills(d)) *
	       window(p[TILE_W], d->stride_w, d->kernel_w, d->dilation_w, d->in_w, fills(d)) *
	       p[CHANNELS] * npu_type_size(d->in_type);
}

static void emit(struct npu_emit *e, const void *problem, const struct npu_candidate *c,
		 unsigned int core)
{
	const struct npu_pool2d *d = problem;
	const uint32_t *p = c->param;
	struct work w = { .e = e, .d = d };
	uint32_t width = npu_pool2d_out_w(d), i, y, x, ch;
	struct range images, rows, chans;

	npu_share(d->batch, 1, p[CORES_BATCH], core / (p[CORES_ROWS] * p[CORES_CHANNELS]),
		  &images.first, &images.end);
	npu_share(npu_pool2d_out_h(d), 1, p[CORES_ROWS], core / p[CORES_CHANNELS] % p[CORES_ROWS],
		  &rows.first, &rows.end);
	npu_share(d->channels, NPU_EMIT_ALIGN, p[CORES_CHANNELS], core % p[CORES_CHANNELS],
		  &chans.first, &chans.end);
	npu_slots_spm(e, &w.in, in_block(d, p), p[IN_SLOTS]);
	npu_slots_spm(e, &w.out,
		      (uint64_t)p[TILE_H] * p[TILE_W] * p[CHANNELS] * npu_type_size(d->out_type),
		      p[OUT_SLOTS]);
	for (i = images.first; i < images.end; i++)
		for (y = rows.first; y < rows.end; y += p[TILE_H])
			for (x = 0; x < width; x += p[TILE_W])
				for (ch = chans.first; ch < chans.end && !e->full;
				     ch += p[CHANNELS])
					emit_tile(
						&w, i,
						(struct range){ y, npu_min((uint64_t)y + p[TILE_H],
									   rows.end) },
						(struct range){ x, npu_min((uint64_t)x + p[TILE_W],
									   width) },
						(struct range){ ch,
								npu_min((uint64_t)ch + p[CHANNELS],
									chans.end) });
	npu_slots_free(&w.in);
	npu_slots_free(&w.out);
}

/* ---- Candidates ------------------------------------------------------------------------------ */

static uint64_t estimate(const struct npu_caps *caps, const struct npu_pool2d *d, const uint32_t *p,
			 uint64_t images, uint64_t rows, uint64_t chans)
{
	uint64_t tiles = images * npu_div_up(rows, p[TILE_H]) *
			 npu_div_up(npu_pool2d_out_w(d), p[TILE_W]) *
			 npu_div_up(chans, p[CHANNELS]);
	uint64_t outs = images * rows * npu_pool2d_out_w(d) * chans,
		 os = npu_type_size(d->out_type);
	uint64_t share = npu_max(1, caps->lmem_bw / caps->cores);
	uint64_t bytes = tiles * in_block(d, p) + outs * os;
	uint64_t vpu =
		outs * d->kernel_h * d->kernel_w / caps->vpu_lanes + tiles * caps->cmd_cycles;

	return npu_max(vpu, bytes / share + 2 * tiles * caps->cmd_cycles) +
	       (in_block(d, p) + outs * os / tiles) / share + vpu / tiles + 2 * caps->lmem_latency;
}

static bool place(const struct npu_caps *caps, const struct npu_pool2d *d, uint32_t *p)
{
	uint64_t in = npu_round_up(in_block(d, p), NPU_EMIT_ALIGN);
	uint64_t elements = (uint64_t)p[TILE_H] * p[TILE_W] * p[CHANNELS];
	uint64_t out = npu_round_up(elements * npu_type_size(d->out_type), NPU_EMIT_ALIGN);
	uint32_t slots;

	/* What one command may do. */
	if (elements * d->kernel_h * d->kernel_w > UINT32_MAX)
		return false;
	for (slots = 3; slots; slots--) {
		if (slots * (in + out) <= caps->spm_size) {
			p[IN_SLOTS] = slots;
			p[OUT_SLOTS] = slots;
			return true;
		}
	}
	return false;
}

static uint32_t even(uint64_t total, uint64_t size)
{
	return npu_div_up(total, npu_div_up(total, size));
}

static void add_tiles(struct npu_search *search, const struct npu_pool2d *d,
		      struct npu_candidate *c, uint32_t images, uint32_t rows, uint32_t chans)
{
	static const uint32_t sizes[] = { 1u << 30, 4096, 512, 128, 64, 32, 16, 8, 4, 2, 1 };
	const unsigned int count = sizeof(sizes) / sizeof(sizes[0]);
	uint32_t *p = c->param, i, j, l, last_h = 0, last_w, last_c;

	for (i = 0; i < count; i++, last_h = p[TILE_H]) {
		p[TILE_H] = even(rows, sizes[i]);
		if (p[TILE_H] == last_h)
			continue;
		for (j = 0, last_w = 0; j < count; j++, last_w = p[TILE_W]) {
			p[TILE_W] = even(npu_pool2d_out_w(d), sizes[j]);
			if (p[TILE_W] == last_w)
				continue;
			for (l = 0, last_c = 0; l < count; l++, last_c = p[CHANNELS]) {
				p[CHANNELS] = sizes[l] < NPU_EMIT_ALIGN ?
						      npu_min(sizes[l], chans) :
						      npu_min(npu_round_up(even(chans, sizes[l]),
									   NPU_EMIT_ALIGN),
							      chans);
				if (p[CHANNELS] == last_c)
					continue;
				if (!npu_search_look(search))
					return;
				if (!place(search->caps, d, p))
					continue;
				c->estimate = estimate(search->caps, d, p, images, rows, chans);
				npu_search_add(search, c);
			}
		}
	}
}

static int compile(const struct npu_caps *caps, const void *desc, struct npu_effort *effort,
		   struct npu_gang *gang)
{
	const struct npu_pool2d *d = desc;
	struct npu_search search = { .caps = caps, .problem = d, .effort = effort, .emit = emit };
	uint32_t cores, cb, cr, cc, h = npu_pool2d_out_h(d);

	for (cores = caps->cores; cores; cores /= 2) {
		for (cb = 1; cb <= cores; cb++) {
			for (cr = 1; cr <= cores / cb; cr++) {
				struct npu_candidate c = { .cores = cores };
				uint32_t first, images, rows, chans;

				cc = cores / cb / cr;
				if (cb * cr * cc != cores || cb > d->batch || cr > h ||
				    cc > npu_div_up(d->channels, NPU_EMIT_ALIGN))
					continue;
				c.param[CORES_BATCH] = cb;
				c.param[CORES_ROWS] = cr;
				c.param[CORES_CHANNELS] = cc;
				npu_share(d->batch, 1, cb, 0, &first, &images);
				npu_share(h, 1, cr, 0, &first, &rows);
				npu_share(d->channels, NPU_EMIT_ALIGN, cc, 0, &first, &chans);
				add_tiles(&search, d, &c, images, rows, chans);
			}
		}
	}
	return npu_search_run(&search, gang);
}

const struct npu_op npu_op_pool2d = {
	.name = "pool2d",
	.size = sizeof(struct npu_pool2d),
	.normalise = normalise,
	.compile = compile,
	.describe = describe,
	.layout = layout,
};
