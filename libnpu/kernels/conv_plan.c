// SPDX-License-Identifier: MIT
/*
 * Copyright (c) 2026 the npu authors
 *
 * Convolutions: how the work is seen, and the ways to cut it.
 */
#include "conv.h"

/* ---- The view -------------------------------------------------------------------------------- */

/*
 * One tap and a stride: only every stride-th coordinate counts. Padding goes before the first of
 * them.
 */
static void skip_unused(uint32_t *in, uint32_t out, uint32_t *stride, uint32_t *pad, uint64_t *base,
			uint64_t *mem_stride)
{
	uint32_t lead = npu_div_up(*pad, *stride);
	uint64_t first = (uint64_t)lead * *stride - *pad, count;

	if (*stride == 1 || first >= *in || lead >= out)
		return;
	count = npu_min((*in - 1 - first) / *stride + 1, out - lead);
	*base += first * *mem_stride;
	*mem_stride *= *stride;
	*in = count;
	*stride = 1;
	*pad = lead;
}

static void make_view(const struct npu_conv2d *d, struct npu_conv_view *v)
{
	uint64_t k;

	*v = (struct npu_conv_view){
		.d = d,
		.batch = d->batch,
		.groups = d->groups,
		.in_h = d->in_h,
		.in_w = d->in_w,
		.in_c = d->in_c,
		.out_h = npu_conv2d_out_h(d),
		.out_w = npu_conv2d_out_w(d),
		.kernel_h = d->kernel_h,
		.kernel_w = d->kernel_w,
		.stride_h = d->stride_h,
		.stride_w = d->stride_w,
		.dilation_h = d->kernel_h > 1 ? d->dilation_h : 1,
		.dilation_w = d->kernel_w > 1 ? d->dilation_w : 1,
		.pad_top = d->pad_top,
		.pad_left = d->pad_left,
		.in_stride = { d->in_stride[0], d->in_stride[1], d->in_stride[2] },
		.in_size = npu_type_size(d->in_type),
		.weight_size = npu_type_size(d->weight_type),
		.cg = d->in_c / d->groups,
		.og = d->out_c / d->groups,
		.depthwise = npu_conv_is_depthwise(d),
		.packed = d->weight_layout == NPU_B_PACKED,
		.acc_type = npu_is_float(d->in_type) ? NPU_FP32 : NPU_S32,
	};
	if (v->kernel_h == 1)
		skip_unused(&v->in_h, v->out_h, &v->stride_h, &v->pad_top, &v->in_base,
			    &v->in_stride[1]);
	if (v->kernel_w == 1)
		skip_unused(&v->in_w, v->out_w, &v->stride_w, &v->pad_left, &v->in_base,
			    &v->in_stride[0]);
	k = (uint64_t)v->kernel_h * v->kernel_w * v->cg;
	v->pack_group = npu_pack_group(d->weight_type);
	v->packed_block = npu_round_up(k, v->pack_group) * NPU_PACK_COLS * v->weight_size;
	v->packed_group_bytes = npu_div_up(v->og, NPU_PACK_COLS) * v->packed_block;
	if (v->depthwise) {
		v->cg = 1;
		v->og = 1;
	}
	v->products = (uint64_t)v->kernel_h * v->kernel_w * v->cg;
}

/* Output columns that the array takes at a time, side by side; 1: each alone. */
static uint32_t side_by_side(const struct npu_caps *caps, const struct npu_conv_view *v)
{
	/* Vectors of zero points stand once; a pixel's neighbour is the next of a row. */
	if (!v->depthwise || v->stride_w != 1 || v->d->weight_zp_per == NPU_PER_CHANNEL)
		return 1;
	return npu_max(1, npu_min(caps->dw_channels / v->d->out_c, v->out_w));
}

uint32_t npu_conv_channel_units(const struct npu_conv_view *v)
{
	return v->groups == 1 ? v->d->out_c : v->groups;
}

uint32_t npu_conv_channel_unit(const struct npu_caps *caps, const struct npu_conv_view *v,
			       uint32_t parts)
{
	uint32_t width = v->depthwise ? caps->dw_channels : caps->array_cols;

	if (v->groups > 1 && !v->depthwise)
		return 1;
	if (width % NPU_PACK_COLS || npu_conv_channel_units(v) < (uint64_t)width * parts)
		return NPU_PACK_COLS;
	return width;
}

/* ---- Sizes and costs ------------------------------------------------------------------------- */

static uint64_t window(uint64_t outs, uint32_t stride, uint32_t kernel, uint32_t dilation,
		       uint32_t in)
{
	return npu_min((outs - 1) * stride + (kernel - 1ull) * dilation + 1, in);
}

static uint64_t tile_in_channels(const struct npu_conv_view *v, const uint32_t *p)
{
	if (v->depthwise)
		return p[CHANNELS];
	return v->groups == 1 ? v->in_c : (uint64_t)p[GROUPS] * v->cg;
}

uint64_t npu_conv_in_block(const struct npu_conv_view *v, const uint32_t *p)
{
	uint64_t rows, cols;

	if (p[BY_TAP]) {
		uint64_t channels = v->depthwise ? p[CHANNELS] : (uint64_t)p[GROUPS] * p[STEP_C];

		return (uint64_t)p[IMAGES] * p[TILE_H] * p[TILE_W] * channels * v->in_size;
	}
	rows = window(p[GROUP_ROWS], v->stride_h, v->kernel_h, v->dilation_h, v->in_h);
	cols = window(p[TILE_W], v->stride_w, v->kernel_w, v->dilation_w, v->in_w);
	return p[IMAGES] * rows * cols * tile_in_channels(v, p) * v->in_size;
}

/* A core's share, the largest, and how many tiles it is. */
struct share {
	uint64_t images, rows, chans;
	uint64_t spatial, channel, columns; /* tiles */
	uint64_t cols; /* output channels of a tile */
	uint64_t steps;
};

static void count_tiles(const struct npu_conv_view *v, const uint32_t *p, struct share *s)
{
	s->columns = npu_div_up(v->out_w, p[TILE_W]);
	s->spatial = npu_div_up(s->images, p[IMAGES]) * npu_div_up(s->rows, p[TILE_H]) * s->columns;
	if (v->groups == 1 || v->depthwise)
		s->channel = npu_div_up(s->chans, p[CHANNELS]);
	else if (p[GROUPS] > 1)
		s->channel = npu_div_up(s->chans, p[GROUPS]);
	else
		s->channel = s->chans * npu_div_up(v->og, p[CHANNELS]);
	s->cols = p[GROUPS] > 1 ? (uint64_t)p[GROUPS] * v->og : p[CHANNELS];
	s->steps = npu_div_up(v->kernel_h, p[STEP_ROWS]) * npu_div_up(v->kernel_w, p[STEP_COLS]) *
		   npu_div_up(v->cg, p[STEP_C]);
}

/* Passes over the array for one tile: tiles of weights along k, all steps. */
static uint64_t weight_tiles(const struct npu_caps *caps, const struct npu_conv_view *v,
			     const uint32_t *p)
{
	uint64_t depth = v->depthwise ? caps->dw_taps : caps->array_rows;
	uint32_t rows = p[STEP_ROWS], cols = p[STEP_COLS], rest_r, rest_s, rest_c;

	if (p[STEP_ROWS] >= v->kernel_h && p[STEP_COLS] >= v->kernel_w && p[STEP_C] >= v->cg)
		return npu_div_up((uint64_t)v->kernel_h * v->kernel_w * v->cg, depth);
	if (cols == 1) {
		rest_c = v->cg % p[STEP_C];
		return (uint64_t)v->kernel_h * v->kernel_w *
		       (v->cg / p[STEP_C] * npu_div_up(p[STEP_C], depth) +
			npu_div_up(rest_c, depth));
	}
	/* Whole steps, and the last ones of both axes. */
	rest_r = v->kernel_h % rows;
	rest_s = v->kernel_w % cols;
	return (uint64_t)(v->kernel_h / rows) *
		       ((uint64_t)(v->kernel_w / cols) *
				npu_div_up((uint64_t)rows * cols * v->cg, depth) +
			npu_div_up((uint64_t)rows * rest_s * v->cg, depth)) +
	       (uint64_t)(v->kernel_w / cols) * npu_div_up((uint64_t)rest_r * cols * v->cg, depth) +
	       npu_div_up((uint64_t)rest_r * rest_s * v->cg, depth);
}

static uint64_t mxu_cycles(const struct npu_caps *caps, const struct npu_conv_view *v,
			   const uint32_t *p, const struct share *s)
{
	uint64_t slow = npu_is_float(v->d->in_type) ? caps->float_div : 1;
	uint64_t width = v->depthwise ? caps->dw_channels : caps->array_cols;
	uint64_t depth = v->depthwise ? caps->dw_taps : caps->array_rows;
	uint64_t load = npu_div_up(npu_min(depth, (uint64_t)v->kernel_h * v->kernel_w * v->cg),
				   caps->weight_rows);
	uint64_t pixels = s->images * s->rows * v->out_w;
	uint64_t passes, stream;

	/* Columns of the array that all channel tiles take. */
	if (v->groups == 1 || v->depthwise)
		passes = (s->channel - 1) * npu_div_up(p[CHANNELS], width) +
			 npu_div_up(s->chans - (s->channel - 1) * p[CHANNELS], width);
	else
		passes = s->chans * npu_div_up(v->og, npu_min(width, p[CHANNELS]));
	/* Both ends of rows are done column by column. */
	if (p[PIXELS] > 1)
		pixels = pixels / p[PIXELS] + s->images * s->rows * 2;
	stream = npu_max(pixels * slow, s->spatial * load);
	return passes * weight_tiles(caps, v, p) * stream +
	       s->spatial * s->channel * s->steps * caps->cmd_cycles;
}

/*
 * Bytes that a core moves: all of them, those that its first tile waits for, and those that its
 * first pass over the inner loop waits for.
 */
struct traffic {
	uint64_t all, tile, pass;
};

/* Bytes in whole bursts, if pixels' runs are of so many bytes of their @all. */
static uint64_t in_bursts(uint64_t bytes, uint64_t run, uint64_t all)
{
	return run < all ? npu_div_up(bytes, run) * npu_round_up(run, NPU_DMA_BURST) : bytes;
}

static struct traffic count_bytes(const struct npu_conv_view *v, const uint32_t *p,
				  const struct share *s)
{
	uint64_t groups = npu_div_up(s->rows, p[GROUP_ROWS]), block = npu_conv_in_block(v, p);
	uint64_t blocks = npu_div_up(s->images, p[IMAGES]) * groups * s->columns;
	uint64_t channels = v->groups == 1 || v->depthwise ? s->chans : s->chans * v->og;
	uint64_t outputs = s->images * s->rows * v->out_w * channels;
	uint64_t weights = channels * v->products * v->weight_size;
	bool inner = p[ORDER] == CHANNELS_INNER;
	/* Does each channel tile load its own input? */
	bool own = v->groups > 1 || p[BY_TAP] || (!inner && p[IN_SLOTS] < blocks);
	uint64_t in = p[BY_TAP] ? s->spatial * s->steps * block : blocks * block;
	uint64_t out_size = npu_type_size(v->d->epilogue.out_type);
	struct traffic t;

	in = in_bursts(
		in, (p[BY_TAP] ? npu_min(p[STEP_C], v->cg) : tile_in_channels(v, p)) * v->in_size,
		(uint64_t)v->in_c * v->in_size);
	t.tile = in / s->spatial + weights / s->channel;
	t.pass = inner ? weights + in / s->spatial * (own ? s->channel : 1) :
			 weights / s->channel + in;
	if (own)
		in *= s->channel;
	if (p[WEIGHT_SLOTS] < s->steps * (inner ? s->channel : 1))
		weights *= s->spatial;
	t.all = in + weights +
		in_bursts(outputs * out_size, s->cols * out_size, v->d->out_c * out_size);
	if (v->d->epilogue.residual)
		t.all += outputs * npu_type_size(v->d->epilogue.residual_type);
	return t;
}

/*
 * Cycles: that of the engine that has most to do, or of the port up to some point and of the array
 * from there on; and the ends, where nothing overlaps.
 */
static uint64_t estimate(const struct npu_caps *caps, const struct npu_conv_view *v,
			 const uint32_t *p, const struct share *s)
{
	uint64_t share = npu_max(1, caps->lmem_bw / caps->cores), tiles = s->spatial * s->channel;
	uint64_t tile = (uint64_t)p[IMAGES] * p[TILE_H] * p[TILE_W] * s->cols;
	uint64_t mxu = mxu_cycles(caps, v, p, s), dma, most, ends, part;
	uint64_t vpu = tile / caps->vpu_lanes + caps->cmd_cycles;
	struct traffic t = count_bytes(v, p, s);

	if (p[TURNED]) {
		mxu = npu_conv_turned_mxu(caps, v, s->images, s->rows, s->chans, s->spatial);
		vpu += npu_conv_turned_gathered(v, p) / caps->vpu_lanes + caps->cmd_cycles;
	}
	dma = t.all / share + tiles * (s->steps + 1) * caps->cmd_cycles;
	/* A single place is free again only when what stands there has been used. */
	if (p[WEIGHT_SLOTS] == 1 && s->channel * s->steps > 1)
		dma += mxu / 2;
	most = npu_max(npu_max(mxu, dma), tiles * vpu);
	most = npu_max(most, t.tile / share + mxu - mxu / tiles);
	most = npu_max(most, t.pass / share + mxu -
				     mxu / (p[ORDER] == CHANNELS_INNER ? s->spatial : s->channel));
	part = tile / 4 / npu_max(1, p[TAIL_COLS] ? s->cols / p[TAIL_COLS] : 1);
	ends = 2 * caps->lmem_latency + caps->array_rows + caps->array_cols +
	       npu_min(p[HEAD], v->products) * s->cols * v->weight_size / share +
	       part / caps->vpu_lanes + part * npu_type_size(v->d->epilogue.out_type) / share;
	return most + ends;
}

static bool place_blocks(const struct npu_caps *caps, const struct npu_conv_view *v, uint32_t *p,
			 const struct share *s)
{
	uint64_t gathered = npu_conv_turned_gathered(v, p) * v->in_size;
	uint64_t in = npu_round_up(npu_conv_in_block(v, p), NPU_EMIT_ALIGN);
	uint64_t weights = npu_round_up(npu_conv_weight_block(v, p), NPU_EMIT_ALIGN);
	uint64_t tile = (uint64_t)p[IMAGES] * p[TILE_H] * p[TILE_W] * s->cols, used, room;
	uint64_t blocks, want_in, want_weights;
	uint32_t columns = v->groups == 1 || v->depthwise ? s->chans : s->chans * v->og;

	p[ACC_SLOTS] = npu_min(caps->acc_size / npu_round_up(tile * 4, NPU_EMIT_ALIGN), 4);
	/* What a command counts in 16 bits. */
	if (!p[ACC_SLOTS] || p[TILE_H] > UINT16_MAX || p[TILE_W] > UINT16_MAX ||
	    s->cols > UINT16_MAX || p[IMAGES] > UINT16_MAX ||
	    (v->depthwise ? s->chans : npu_min(p[STEP_C], v->cg)) > UINT16_MAX)
		return false;
	for (p[OUT_SLOTS] = 3;; p[OUT_SLOTS]--) {
		used = npu_finish_bytes(&v->d->epilogue, v->acc_type, tile, columns, s->cols,
					p[OUT_SLOTS]) +
		       npu_max(npu_min(columns, 32768), 3 * s->cols + 192) + 192 +
		       p[AHEAD] * npu_round_up(gathered, NPU_EMIT_ALIGN);
		if (used + 2 * (in + weights) <= caps->spm_size)
			break;
		if (p[OUT_SLOTS] == 1) {
			if (used + in + weights > caps->spm_size)
				return false;
			break;
		}
	}
	room = caps->spm_size - used;
	blocks = npu_div_up(s->images, p[IMAGES]) * npu_div_up(s->rows, p[GROUP_ROWS]) * s->columns;
	if (v->groups > 1)
		blocks *= s->channel;
	if (p[BY_TAP]) {
		want_in = 4;
		want_weights = p[ORDER] == CHANNELS_INNER ? s->channel * s->steps : s->steps;
	} else if (p[ORDER] == CHANNELS_INNER) {
		want_in = npu_min(blocks, 3);
		want_weights = s->channel * s->steps;
	} else {
		want_in = v->groups > 1 ? npu_min(blocks, 3) : blocks;
		want_weights = npu_min(s->channel * s->steps, s->steps + npu_min(s->steps, 3));
	}
	if (want_in * in + want_weights * weights > room) {
		/* What does not all fit streams. */
		if (p[ORDER] == CHANNELS_INNER && 2 * in + want_weights * weights > room)
			want_weights = npu_min(want_weights, 4);
		if (p[ORDER] == CHANNELS_OUTER &&
		    want_in * in + npu_min(want_weights, 2) * weights > room)
			want_in = npu_min(want_in, 3);
	}
	while (want_in * in + want_weights * weights > room) {
		if (want_in == 1 && want_weights == 1)
			return false;
		if (want_weights == 1 || (want_in > 1 && want_in * in > want_weights * weights))
			want_in--;
		else
			want_weights--;
	}
	p[IN_SLOTS] = npu_min(want_in, 4096);
	p[WEIGHT_SLOTS] = npu_min(want_weights, 4096);
	/* What parts under way read must still be there. */
	return p[IN_SLOTS] >= npu_min(blocks, p[AHEAD]) &&
	       p[WEIGHT_SLOTS] >= npu_min(s->channel * s->steps, p[AHEAD]);
}

static bool place(const struct npu_caps *caps, const struct npu_conv_view *v, uint32_t *p,
		  const struct share *s)
{
	p[AHEAD] = p[TURNED] ? NPU_CONV_AHEAD : 0;
	while (!place_blocks(caps, v, p, s))
		if (p[AHEAD] <= 1 || !--p[AHEAD])
			return false;
	return true;
}

/* ---- Candidates ------------------------------------------------------------------------------ */

struct planner {
	struct npu_search *search;
	const struct npu_conv_view *v;
	struct npu_candidate c;
	struct share s;
};

/*
 * No command takes more taps than NPU_MAX_TAPS. Steps through packed weights begin where a group of successive k does; tap by tap, when nothing
 * else fits, also within one (conv.c unpacks these).
 */
static bool steps_pack(const struct npu_conv_view *v, const uint32_t *p)
{
	uint32_t q = v->pack_group;

	if ((uint64_t)p[STEP_ROWS] * p[STEP_COLS] > NPU_MAX_TAPS)
		return false;
	if (!v->packed || p[BY_TAP])
		return true;
	if (p[STEP_C] < v->cg)
		return p[STEP_C] % q == 0 && v->cg % q == 0;
	if (p[STEP_COLS] < v->kernel_w)
		return v->cg % q == 0;
	return p[STEP_ROWS] >= v->kernel_h || (uint64_t)p[STEP_ROWS] * v->kernel_w * v->cg % q == 0;
}

/* Columns are cut in multiples of this, where they can be. */
static uint32_t column_unit(const struct npu_caps *caps, const struct npu_conv_view *v)
{
	return npu_column_unit(v->depthwise ? caps->dw_channels : caps->array_cols);
}

/* Coordinates of a part, when a tile is cut in so many along what npu_tile_cut() says. */
static uint32_t part_rows(const uint32_t *p, uint32_t parts)
{
	return npu_div_up(p[IMAGES] > 1 ? p[IMAGES] : p[TILE_H] > 1 ? p[TILE_H] : p[TILE_W], parts);
}

/* How the first and the last tile are cut, before it is known better. */
static void set_ends(const struct npu_caps *caps, const struct npu_conv_view *v, uint32_t *p)
{
	p[HEAD] = p[TURNED] ? 0 : npu_k_unit(caps);
	p[HEAD_COLS] = 0;
	p[HEAD_ROWS] = part_rows(p, 4);
	p[TAIL] = 0;
	p[TAIL_COLS] = p[TURNED] ? 0 : column_unit(caps, v);
	p[TAIL_ROWS] = part_rows(p, 4);
}

static void consider(struct planner *pl)
{
	struct npu_candidate c = pl->c;
	struct share s = pl->s;

	if (!npu_search_look(pl->search) || !steps_pack(pl->v, c.param))
		return;
	count_tiles(pl->v, c.param, &s);
	/* Where one loop has one turn, orders are the same. */
	if (c.param[ORDER] == CHANNELS_OUTER && (s.spatial == 1 || s.channel == 1))
		return;
	if (!place(pl->search->caps, pl->v, c.param, &s))
		return;
	set_ends(pl->search->caps, pl->v, c.param);
	c.estimate = estimate(pl->search->caps, pl->v, c.param, &s);
	npu_search_add(pl->search, &c);
}

static void try_orders(struct planner *pl)
{
	uint32_t *p = pl->c.param;

	for (p[ORDER] = CHANNELS_INNER; p[ORDER] <= CHANNELS_OUTER; p[ORDER]++) {
		/* A block a tile, one for all rows of the core, and one of a few tiles. */
		p[GROUP_ROWS] = p[TILE_H];
		consider(pl);
		if (!p[BY_TAP] && p[TILE_H] < pl->s.rows) {
			p[GROUP_ROWS] = pl->s.rows;
			consider(pl);
			if (p[TILE_H] * 4ull < pl->s.rows) {
				p[GROUP_ROWS] = p[TILE_H] * 4;
				consider(pl);
			}
		}
	}
}

static void set_step(uint32_t *p, uint32_t rows, uint32_t cols, uint32_t channels)
{
	p[STEP_ROWS] = rows;
	p[STEP_COLS] = cols;
	p[STEP_C] = channels;
}

static void try_steps(struct planner *pl)
{
	static const uint32_t chunks[] = { 2048, 512, 128, 64, 16 };
	const struct npu_conv_view *v = pl->v;
	uint32_t *p = pl->c.param, i, before = pl->search->count, pixels = p[PIXELS];

	if (v->way == NPU_CONV_TURNED)
		return;
	p[BY_TAP] = 0;
	set_step(p, v->kernel_h, v->kernel_w, v->cg);
	try_orders(pl);
	if (v->kernel_h > 1) {
		set_step(p, 1, v->kernel_w, v->cg);
		try_orders(pl);
	}
	if (v->kernel_w > 1) {
		set_step(p, 1, 1, v->cg);
		try_orders(pl);
	}
	for (i = 0; i < sizeof(chunks) / sizeof(chunks[0]); i++) {
		if (chunks[i] < v->cg && p[GROUPS] == 1) {
			set_step(p, 1, 1, chunks[i]);
			try_orders(pl);
		}
	}
	/* The last resort, and kernels much more spread out than the tile. */
	if (v->kernel_h * v->kernel_w == 1 && pl->search->count > before)
		return;
	p[BY_TAP] = 1;
	p[PIXELS] = 1;
	for (i = 0; i < sizeof(chunks) / sizeof(chunks[0]); i++) {
		uint32_t c = npu_min(chunks[i], v->cg);

		if (p[GROUPS] > 1 && c < v->cg)
			break;
		set_step(p, 1, 1, c);
		try_orders(pl);
		if (c == v->cg)
			i += 2;
	}
	p[BY_TAP] = 0;
	p[PIXELS] = pixels;
}

/* Pixels as columns: all of the kernel, and all channels or whole groups. */
static void try_turned(struct planner *pl)
{
	const struct npu_conv_view *v = pl->v;
	uint32_t *p = pl->c.param;

	if (v->depthwise || v->way == NPU_CONV_STRAIGHT ||
	    (v->way == NPU_CONV_EITHER &&
	     !npu_conv_turned_pays(pl->search->caps, v, pl->s.images, pl->s.rows, pl->s.chans)))
		return;
	p[TURNED] = 1;
	p[BY_TAP] = 0;
	set_step(p, v->kernel_h, v->kernel_w, v->cg);
	try_orders(pl);
	p[TURNED] = 0;
}

static uint32_t even(uint64_t total, uint64_t size, uint64_t unit)
{
	uint64_t parts = npu_div_up(total, size);

	return npu_min(npu_round_up(npu_div_up(total, parts), unit), total);
}

static void try_channels(struct planner *pl)
{
	static const uint32_t widths[] = { 64, 32, 16, 8, 6, 4, 3, 2, 1 };
	const struct npu_conv_view *v = pl->v;
	uint32_t unit = column_unit(pl->search->caps, v);
	uint32_t *p = pl->c.param, i, last = 0;
	uint64_t total = v->groups == 1 || v->depthwise ? pl->s.chans : v->og;
	uint64_t pixels = (uint64_t)p[IMAGES] * p[TILE_H] * p[TILE_W];
	uint64_t limit = pl->search->caps->acc_size / 4;

	if (!npu_search_look(pl->search))
		return;
	p[GROUPS] = 1;
	for (i = 0; i < sizeof(widths) / sizeof(widths[0]) + 1; i++, last = p[CHANNELS]) {
		p[CHANNELS] = i < sizeof(widths) / sizeof(widths[0]) ?
				      even(total, (uint64_t)widths[i] * unit, unit) :
				      npu_min(total, NPU_PACK_COLS);
		if (p[CHANNELS] == last || pixels * p[CHANNELS] > limit)
			continue;
		if (p[PIXELS] > 1 && p[CHANNELS] < total)
			continue;
		try_steps(pl);
		if (v->groups == 1 && p[CHANNELS] == total)
			try_turned(pl);
	}
	if (v->groups == 1 || v->depthwise)
		return;
	p[CHANNELS] = v->og;
	for (i = 0, last = 1; i < 12; i++, last = p[GROUPS]) {
		p[GROUPS] = npu_div_up(pl->s.chans, 1u << i);
		if (p[GROUPS] == last || p[GROUPS] == 1)
			continue;
		if (pixels * p[GROUPS] * v->og > limit)
			continue;
		try_steps(pl);
		try_turned(pl);
	}
	p[GROUPS] = 1;
}

static void try_tiles(struct planner *pl)
{
	static const uint32_t widths[] = { 1u << 30, 1024, 256, 128, 64, 32, 16, 4, 1 };
	const struct npu_conv_view *v = pl->v;
	uint64_t limit = pl->search->caps->acc_size / 4;
	uint32_t *p = pl->c.param, i, parts, last_w = 0, last_h;

	p[IMAGES] = 1;
	for (i = 0; i < sizeof(widths) / sizeof(widths[0]); i++, last_w = p[TILE_W]) {
		p[TILE_W] = even(v->out_w, widths[i], 1);
		if (p[TILE_W] == last_w)
			continue;
		last_h = 0;
		for (parts = 1; parts <= pl->s.rows; parts += 1 + parts / 16, last_h = p[TILE_H]) {
			p[TILE_H] = npu_div_up(pl->s.rows, parts);
			if (p[TILE_H] != last_h &&
			    (uint64_t)p[TILE_H] * p[TILE_W] * npu_min(NPU_PACK_COLS, v->d->out_c) <=
				    limit)
				try_channels(pl);
		}
		if (last_h > 1) {
			p[TILE_H] = 1;
			try_channels(pl);
		}
		/* Narrower tiles are for rows that are long. */
		if (p[TILE_W] <= 64 && pl->search->count)
			break;
	}
	p[TILE_W] = v->out_w;
	p[TILE_H] = pl->s.rows;
	for (p[IMAGES] = 2; p[IMAGES] < 2 * pl->s.images; p[IMAGES] *= 2) {
		uint32_t doubled = p[IMAGES];

		p[IMAGES] = npu_min(doubled, pl->s.images);
		if ((uint64_t)p[IMAGES] * p[TILE_H] * p[TILE_W] *
			    npu_min(NPU_PACK_COLS, v->d->out_c) >
		    limit)
			break;
		try_channels(pl);
		p[IMAGES] = doubled;
	}
}

/* The share of the core that has the largest. */
static struct share largest_share(const struct npu_caps *caps, const struct npu_conv_view *v,
				  const uint32_t *p)
{
	struct share s = { 0 };
	uint32_t first, end;

	npu_share(v->batch, 1, p[CORES_BATCH], 0, &first, &end);
	s.images = end - first;
	npu_share(v->out_h, 1, p[CORES_ROWS], 0, &first, &end);
	s.rows = end - first;
	npu_share(npu_conv_channel_units(v), npu_conv_channel_unit(caps, v, p[CORES_CHANNELS]),
		  p[CORES_CHANNELS], 0, &first, &end);
	s.chans = end - first;
	return s;
}

static void add_partitions(struct npu_search *search, const struct npu_conv_view *v, uint32_t cores)
{
	uint32_t cb, cr, cc;

	for (cb = 1; cb <= cores; cb++) {
		for (cr = 1; cr <= cores / cb; cr++) {
			struct planner pl = { .search = search, .v = v, .c = { .cores = cores } };
			uint32_t unit, units = npu_conv_channel_units(v);

			cc = cores / cb / cr;
			if (cb * cr * cc != cores || cb > v->batch || cr > v->out_h)
				continue;
			unit = npu_conv_channel_unit(search->caps, v, cc);
			if (cc > npu_div_up(units, unit))
				continue;
			pl.c.param[CORES_BATCH] = cb;
			pl.c.param[CORES_ROWS] = cr;
			pl.c.param[CORES_CHANNELS] = cc;
			pl.c.param[PIXELS] = cc == 1 ? side_by_side(search->caps, v) : 1;
			pl.s = largest_share(search->caps, v, pl.c.param);
			try_tiles(&pl);
		}
	}
}

/* Variations of a candidate: other ends, other tiles. */
static bool vary(const struct npu_search *search, const struct npu_candidate *c, unsigned int i,
		 struct npu_candidate *out)
{
	static const struct {
		uint8_t param, times;
	} end[] = {
		{ HEAD, 0 },	  { HEAD, 1 },	    { HEAD, 2 },      { HEAD, 4 },
		{ HEAD, 9 },	  { HEAD_COLS, 0 }, { HEAD_COLS, 1 }, { TAIL, 0 },
		{ TAIL, 1 },	  { TAIL, 2 },	    { TAIL, 4 },      { TAIL_COLS, 0 },
		{ TAIL_COLS, 1 }, { TAIL_COLS, 2 }, { TAIL_ROWS, 1 }, { TAIL_ROWS, 2 },
		{ TAIL_ROWS, 3 }, { TAIL_ROWS, 4 }, { TAIL_ROWS, 8 },
	};
	const struct npu_caps *caps = search->caps;
	const struct npu_conv_view *v = search->problem;
	struct share s = largest_share(caps, v, c->param);
	uint32_t *p = out->param, unit = column_unit(caps, v), times;

	if (i < sizeof(end) / sizeof(end[0])) {
		/* Turned ones have ends of rows alone. */
		if (p[TURNED] && end[i].param != HEAD_ROWS && end[i].param != TAIL_ROWS)
			return true;
		times = end[i].times;
		if (end[i].param == TAIL_ROWS || (end[i].param == HEAD_ROWS && times))
			p[end[i].param] = part_rows(p, times);
		else if (end[i].param == HEAD || end[i].param == TAIL)
			p[end[i].param] = times * npu_k_unit(caps);
		else
			p[end[i].param] = times * unit;
		return true;
	}
	switch (i - sizeof(end) / sizeof(end[0])) {
	case 0:
		p[TILE_H] = npu_div_up(s.rows, npu_div_up(s.rows, p[TILE_H]) + 1);
		break;
	case 1:
		p[TILE_H] = npu_min(p[TILE_H] + 1, s.rows);
		break;
	case 2:
		p[STEP_C] = npu_min(2 * p[STEP_C], v->cg);
		break;
	case 3:
		/* Several groups' channels do not follow one another. */
		if (p[GROUPS] == 1 && !p[TURNED])
			p[STEP_C] = npu_min(
				npu_round_up(npu_div_up(p[STEP_C], 2), npu_k_unit(caps)), v->cg);
		break;
	case 4:
		p[GROUP_ROWS] = s.rows;
		break;
	case 5:
		p[ORDER] = p[ORDER] == CHANNELS_INNER ? CHANNELS_OUTER : CHANNELS_INNER;
		break;
	case 6:
		if (p[GROUPS] == 1)
			p[CHANNELS] = npu_min(p[CHANNELS] + unit,
					      v->groups == 1 || v->depthwise ? s.chans : v->og);
		break;
	case 7:
		if (p[GROUPS] == 1 && p[CHANNELS] > unit)
			p[CHANNELS] = (p[CHANNELS] - 1) / unit * unit;
		break;
	case 8:
		if (p[PIXELS] > 1)
			p[PIXELS] = 1;
		break;
	default:
		return false;
	}
	if (p[GROUP_ROWS] < p[TILE_H] || p[GROUP_ROWS] % p[TILE_H])
		p[GROUP_ROWS] = c->param[GROUP_ROWS] >= s.rows ? s.rows : p[TILE_H];
	/* Steps of several taps have all channels. */
	if (p[STEP_C] < v->cg) {
		p[STEP_ROWS] = 1;
		p[STEP_COLS] = 1;
	}
	count_tiles(v, p, &s);
	if (!steps_pack(v, p) || !place(caps, v, p, &s))
		*out = *c;
	return true;
}

static int compile(const struct npu_caps *caps, const void *desc, enum npu_conv_way way,
		   struct npu_effort *effort, struct npu_gang *gang)
{
	struct npu_conv_view view;
	struct npu_search search = {
		.caps = caps,
		.problem = &view,
		.effort = effort,
		.emit = npu_conv_emit,
		.vary = vary,
	};
	uint32_t cores;

	make_view(desc, &view);
	view.way = way;
	for (cores = caps->cores; cores; cores /= 2)
		add_partitions(&search, &view, cores);
	return npu_search_run(&search, gang);
}

int npu_conv_compile(const struct npu_caps *caps, const void *desc, struct npu_effort *effort,
		     struct npu_gang *gang)
{
	return compile(caps, desc, NPU_CONV_EITHER, effort, gang);
}

int npu_conv_compile_straight(const struct npu_caps *caps, const void *desc,
			      struct npu_effort *effort, struct npu_gang *gang)
{
	return compile(caps, desc, NPU_CONV_STRAIGHT, effort, gang);
}

int npu_conv_compile_turned(const struct npu_caps *caps, const void *desc,
			    struct npu_effort *effort, struct npu_gang *gang)
{
	return compile(caps, desc, NPU_CONV_TURNED, effort, gang);
}
