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
	v->steps_max = k;
	v->pack_group = v->weight_size == 2 ? 2 : 4;
	v->packed_block = npu_round_up(k, v->pack_group) * NPU_PACK_COLS * v->weight_size;
	v->packed_group_bytes = npu_div_up(v->og, NPU_PACK_COLS) * v->packed_block;
	if (v->depthwise) {
		v->cg = 1;
		v->og = 1;
	}
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
	uint64_t depth = v->depthwise ? caps->dw_taps : caps->array_rows, total = 0;
	uint32_t r, s, c;

	if (p[STEP_ROWS] >= v->kernel_h && p[STEP_COLS] >= v->kernel_w && p[STEP_C] >= v->cg)
		return npu_div_up((uint64_t)v->kernel_h * v->kernel_w * v->cg, depth);
	if (p[STEP_COLS] == 1) {
		for (c = 0; c < v->cg; c += p[STEP_C])
			total += npu_div_up(npu_min(p[STEP_C], v->cg - c), depth);
		return total * v->kernel_h * v->kernel_w;
	}
	for (r = 0; r < v->kernel_h; r += p[STEP_ROWS])
		for (s = 0; s < v->kernel_w; s += p[STEP_COLS])
			total += npu_div_up(npu_min(p[STEP_ROWS], v->kernel_h - r) *
						    npu_min(p[STEP_COLS], v->kernel_w - s) * v->cg,
					    depth);
	return total;
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
	stream = npu_max(pixels * slow, s->spatial * load);
	return passes * weight_tiles(caps, v, p) * stream +
	       s->spatial * s->channel * s->steps * caps->cmd_cycles;
}

static uint64_t dma_bytes(const struct npu_conv_view *v, const uint32_t *p, const struct share *s)
{
	uint64_t groups = npu_div_up(s->rows, p[GROUP_ROWS]), blocks, in, weights, outputs, block;
	uint64_t images = npu_div_up(s->images, p[IMAGES]);
	bool own = v->groups > 1; /* each channel tile has an input of its own */
	uint64_t k = (uint64_t)v->kernel_h * v->kernel_w * v->cg;

	outputs = s->images * s->rows * v->out_w *
		  (v->groups == 1 || v->depthwise ? s->chans : s->chans * v->og);
	block = npu_conv_in_block(v, p);
	if (p[BY_TAP]) {
		in = s->spatial * s->channel * s->steps * block;
	} else {
		blocks = images * groups * s->columns;
		in = blocks * block;
		if (own)
			in *= s->channel;
		else if (p[ORDER] == CHANNELS_OUTER && p[IN_SLOTS] < blocks)
			in *= s->channel;
	}
	weights = v->groups == 1 || v->depthwise ? s->chans * k : s->chans * v->og * k;
	weights *= v->weight_size;
	if (p[ORDER] == CHANNELS_INNER ? p[WEIGHT_SLOTS] < s->channel * s->steps :
					 p[WEIGHT_SLOTS] < s->steps)
		weights *= s->spatial;
	return in + weights + outputs * npu_type_size(v->d->epilogue.out_type) +
	       (v->d->epilogue.residual ? outputs * npu_type_size(v->d->epilogue.residual_type) :
					  0);
}

static uint64_t estimate(const struct npu_caps *caps, const struct npu_conv_view *v,
			 const uint32_t *p, const struct share *s)
{
	uint64_t share = npu_max(1, caps->lmem_bw / caps->cores);
	uint64_t pixels = (uint64_t)p[IMAGES] * p[TILE_H] * p[TILE_W];
	uint64_t outputs = s->spatial * s->channel * pixels * s->cols;
	uint64_t mxu = mxu_cycles(caps, v, p, s), bytes = dma_bytes(v, p, s);
	uint64_t vpu = outputs / caps->vpu_lanes + s->spatial * s->channel * caps->cmd_cycles;
	uint64_t strip = npu_conv_in_block(v, p) * p[TILE_H] / npu_max(p[GROUP_ROWS], p[TILE_H]);
	uint64_t first = caps->lmem_latency + (strip + npu_conv_weight_block(v, p)) / share;
	uint64_t last = caps->array_rows + caps->array_cols + caps->lmem_latency +
			pixels * s->cols / caps->vpu_lanes / 4 +
			pixels * s->cols * npu_type_size(v->d->epilogue.out_type) / share / 4 +
			mxu / npu_max(1, s->spatial * s->channel * s->steps);

	return npu_max(npu_max(mxu, vpu), bytes / share) + first / 2 + last / 2;
}

static bool place(const struct npu_caps *caps, const struct npu_conv_view *v, uint32_t *p,
		  const struct share *s)
{
	uint64_t in = npu_round_up(npu_conv_in_block(v, p), NPU_EMIT_ALIGN);
	uint64_t weights = npu_round_up(npu_conv_weight_block(v, p), NPU_EMIT_ALIGN);
	uint64_t tile = (uint64_t)p[IMAGES] * p[TILE_H] * p[TILE_W] * s->cols, used, room;
	uint64_t blocks, want_in, want_weights;
	uint32_t columns = v->groups == 1 || v->depthwise ? s->chans : s->chans * v->og;

	p[ACC_SLOTS] = npu_min(caps->acc_size / npu_round_up(tile * 4, NPU_EMIT_ALIGN), 4);
	if (!p[ACC_SLOTS] || p[TILE_H] > UINT16_MAX || p[TILE_W] > UINT16_MAX ||
	    s->cols > UINT16_MAX)
		return false;
	for (p[OUT_SLOTS] = 3;; p[OUT_SLOTS]--) {
		used = npu_finish_bytes(&v->d->epilogue, v->acc_type, tile, columns, s->cols,
					p[OUT_SLOTS]) +
		       npu_max(npu_min(columns, 32768), 3 * s->cols + 192) + 192;
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
 * Steps through packed weights begin where a group of successive k does; tap by tap, when nothing
 * else fits, also within one (conv.c unpacks these).
 */
static bool steps_pack(const struct npu_conv_view *v, const uint32_t *p)
{
	uint32_t q = v->pack_group;

	if (!v->packed || p[BY_TAP])
		return true;
	if (p[STEP_C] < v->cg)
		return p[STEP_C] % q == 0 && v->cg % q == 0;
	if (p[STEP_COLS] < v->kernel_w)
		return v->cg % q == 0;
	return p[STEP_ROWS] >= v->kernel_h || (uint64_t)p[STEP_ROWS] * v->kernel_w * v->cg % q == 0;
}

static void consider(struct planner *pl)
{
	struct npu_candidate c = pl->c;
	struct share s = pl->s;

	if (!steps_pack(pl->v, c.param))
		return;
	count_tiles(pl->v, c.param, &s);
	if (!place(pl->search->caps, pl->v, c.param, &s))
		return;
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
	uint32_t *p = pl->c.param, i;

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
	p[BY_TAP] = 1;
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
	uint32_t unit = v->depthwise ? pl->search->caps->dw_channels : pl->search->caps->array_cols;
	uint32_t *p = pl->c.param, i, last = 0;
	uint64_t total = v->groups == 1 || v->depthwise ? pl->s.chans : v->og;
	uint64_t pixels = (uint64_t)p[IMAGES] * p[TILE_H] * p[TILE_W];
	uint64_t limit = pl->search->caps->acc_size / 4;

	if (unit % NPU_PACK_COLS)
		unit = NPU_PACK_COLS;
	p[GROUPS] = 1;
	for (i = 0; i < sizeof(widths) / sizeof(widths[0]) + 1; i++, last = p[CHANNELS]) {
		p[CHANNELS] = i < sizeof(widths) / sizeof(widths[0]) ?
				      even(total, (uint64_t)widths[i] * unit, unit) :
				      npu_min(total, NPU_PACK_COLS);
		if (p[CHANNELS] == last || pixels * p[CHANNELS] > limit)
			continue;
		try_steps(pl);
	}
	if (v->groups == 1 || v->depthwise)
		return;
	p[CHANNELS] = v->og;
	for (i = 0, last = 1; i < 12; i++, last = p[GROUPS]) {
		p[GROUPS] = npu_div_up(pl->s.chans, 1u << i);
		if (p[GROUPS] == last || p[GROUPS] == 1)
			continue;
		if (pixels * p[GROUPS] * v->og <= limit)
			try_steps(pl);
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

static void add_partitions(struct npu_search *search, const struct npu_conv_view *v, uint32_t cores)
{
	uint32_t cb, cr, cc;

	for (cb = 1; cb <= cores; cb++) {
		for (cr = 1; cr <= cores / cb; cr++) {
			struct planner pl = { .search = search, .v = v, .c = { .cores = cores } };
			uint32_t unit, first, end, units = npu_conv_channel_units(v);

			cc = cores / cb / cr;
			if (cb * cr * cc != cores || cb > v->batch || cr > v->out_h)
				continue;
			unit = npu_conv_channel_unit(search->caps, v, cc);
			if (cc > npu_div_up(units, unit))
				continue;
			pl.c.param[CORES_BATCH] = cb;
			pl.c.param[CORES_ROWS] = cr;
			pl.c.param[CORES_CHANNELS] = cc;
			npu_share(v->batch, 1, cb, 0, &first, &end);
			pl.s.images = end - first;
			npu_share(v->out_h, 1, cr, 0, &first, &end);
			pl.s.rows = end - first;
			npu_share(units, unit, cc, 0, &first, &end);
			pl.s.chans = end - first;
			try_tiles(&pl);
		}
	}
}

int npu_conv_compile(const struct npu_caps *caps, const void *desc, struct npu_gang *gang)
{
	struct npu_conv_view view;
	struct npu_search search = { .caps = caps, .problem = &view, .emit = npu_conv_emit };
	uint32_t cores;

	make_view(desc, &view);
	for (cores = caps->cores; cores; cores /= 2)
		add_partitions(&search, &view, cores);
	return npu_search_run(&search, gang);
}
