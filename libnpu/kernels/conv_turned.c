// SPDX-License-Identifier: MIT
/*
 * Copyright (c) 2026 the npu authors
 *
 * Convolutions turned round: [channels x k] by [k x pixels]. The array takes a row a pixel, however
 * few channels there are for its columns; so where they leave many of these empty, pixels go there
 * and channels are the rows that stream.
 *
 * The weights are turned round by the VPU when they have been loaded: a row a channel, k side by
 * side. It gathers each pixel's inputs from the block in SPM, in the order of k, so pixels are columns
 * of NPU_B_COLS; with one tap and no stride they stand like that already. Sums are [channel][pixel]
 * in ACC, and the strides of the epilogue (npu_finish_sums()) make NHWC of them. Parts are gathered
 * while those before them are multiplied: up to @AHEAD are under way, so that the VPU never has to
 * end one before it begins the next.
 *
 * Exact to the bit: a sum has the same products in the same order, and fma(a, b, s) is fma(b, a, s).
 * Taps outside of the input are left out. A zero in their place would not do: times an infinity it
 * is none, and it would make +0 of -0. So pixels whose window leaves the input are a CONV of their
 * own, with sums as [pixel][channel] behind the others'. What the VPU copies stays what it is but for
 * NaNs, of which sums know only one.
 *
 * Limit: a tile has all of k, and all channels of its groups: they have to fit SPM and ACC for some
 * tile. Depthwise convolutions have the array's own mode.
 */
#include <string.h>

#include "conv_emit.h"

/* ---- Sizes and costs ------------------------------------------------------------------------- */

/* Rows of turned weights, of a group; bytes of a row. As packed ones have them. */
static uint32_t weight_rows(uint32_t on)
{
	return npu_round_up(on, NPU_PACK_COLS);
}

static uint32_t weight_row(const struct npu_conv_view *v)
{
	return npu_round_up(v->products, v->pack_group) * v->weight_size;
}

uint64_t npu_conv_turned_weights(const struct npu_conv_view *v, uint32_t groups, uint32_t on)
{
	return (uint64_t)groups * weight_rows(on) * weight_row(v);
}

/* Do a tile's pixels have to be brought together? */
static bool gathers(const struct npu_conv_view *v, const uint32_t *p)
{
	return v->kernel_h * v->kernel_w > 1 || v->stride_h * v->stride_w > 1 ||
	       v->in_h != v->out_h || v->in_w != v->out_w || v->pad_top || v->pad_left ||
	       p[IMAGES] > 1;
}

uint64_t npu_conv_turned_gathered(const struct npu_conv_view *v, const uint32_t *p)
{
	if (!p[TURNED] || !gathers(v, p))
		return 0;
	return (uint64_t)p[IMAGES] * p[TILE_H] * p[TILE_W] * v->products *
	       (v->groups > 1 ? p[GROUPS] : 1);
}

static uint64_t array_time(const struct npu_caps *caps, const struct npu_conv_view *v,
			   uint64_t pixels, uint64_t chans, uint64_t blocks)
{
	uint64_t slow = npu_is_float(v->d->in_type) ? caps->float_div : 1;
	uint64_t rows = v->groups > 1 ? v->og : chans, groups = v->groups > 1 ? chans : 1;
	uint64_t load = npu_div_up(npu_min(caps->array_rows, v->products), caps->weight_rows);

	return (npu_div_up(pixels, caps->array_cols) + blocks) * npu_max(rows * slow, load) *
	       groups * npu_div_up(v->products, caps->array_rows);
}

bool npu_conv_turned_pays(const struct npu_caps *caps, const struct npu_conv_view *v,
			  uint64_t images, uint64_t rows, uint64_t chans)
{
	uint64_t slow = npu_is_float(v->d->in_type) ? caps->float_div : 1;
	uint64_t groups = v->groups > 1 ? chans : 1, pixels = images * rows * v->out_w;
	uint64_t channels = v->groups > 1 ? v->og : chans;
	uint64_t straight = pixels * slow * groups * npu_div_up(channels, caps->array_cols) *
			    npu_div_up(v->products, caps->array_rows);

	return npu_max(array_time(caps, v, pixels, chans, 0),
		       pixels * groups * channels / caps->vpu_lanes) < straight;
}

/* Outputs of an axis whose window lies inside. */
static struct range whole(struct range out, uint32_t stride, uint32_t pad, uint32_t kernel,
			  uint32_t dilation, uint32_t in)
{
	struct range first = npu_conv_inside(out, stride, pad, 0, in);

	return npu_conv_inside(first, stride, pad, (kernel - 1ll) * dilation, in);
}

static struct range whole_rows(const struct npu_conv_view *v, struct range y)
{
	return whole(y, v->stride_h, v->pad_top, v->kernel_h, v->dilation_h, v->in_h);
}

static struct range whole_cols(const struct npu_conv_view *v, struct range x)
{
	return whole(x, v->stride_w, v->pad_left, v->kernel_w, v->dilation_w, v->in_w);
}

uint64_t npu_conv_turned_mxu(const struct npu_caps *caps, const struct npu_conv_view *v,
			     uint64_t images, uint64_t rows, uint64_t chans, uint64_t tiles)
{
	uint64_t slow = npu_is_float(v->d->in_type) ? caps->float_div : 1;
	uint64_t out_cols = length(whole_cols(v, (struct range){ 0, v->out_w }));
	uint64_t out_rows = npu_min(rows, length(whole_rows(v, (struct range){ 0, v->out_h })));
	uint64_t inner = images * out_rows * out_cols, border = images * rows * v->out_w - inner;
	uint64_t groups = v->groups > 1 ? chans : 1;
	uint64_t passes = groups * npu_div_up(v->products, caps->array_rows) *
			  npu_div_up(v->groups > 1 ? v->og : chans, caps->array_cols);

	/* On average half a block of columns of each tile is empty. */
	return array_time(caps, v, inner, chans, tiles / 2) + border * slow * passes +
	       tiles * (groups + (border ? 2 : 0)) * caps->cmd_cycles;
}

/* ---- Copies by the VPU ----------------------------------------------------------------------- */

/* A dimension of a copy: its size, and bytes between its elements on either side. */
struct dim {
	uint32_t size, from, to;
};

#define MAX_DIMS 7u

/* Those of size 1 go, and those that are one behind the other on both sides become one. */
static unsigned int tidy(struct dim *d, unsigned int n)
{
	unsigned int i, kept = 0;

	for (i = 0; i < n; i++) {
		struct dim *last = kept ? &d[kept - 1] : NULL;

		if (d[i].size == 1)
			continue;
		if (last && d[i].from == last->from * last->size &&
		    d[i].to == last->to * last->size)
			last->size *= d[i].size;
		else
			d[kept++] = d[i];
	}
	return kept;
}

/* Of more dimensions than a command has, the smallest are commands of their own. */
static void copy(struct npu_emit *e, uint32_t type, uint32_t from, uint32_t to, const struct dim *d,
		 unsigned int n)
{
	struct npu_cmd_vpu cmd = { .size = { 1, 1, 1, 1 } };
	struct dim rest[MAX_DIMS];
	unsigned int i, small = 0;

	if (n > 4) {
		for (i = 1; i < n; i++)
			if (d[i].size < d[small].size)
				small = i;
		memcpy(rest, d, n * sizeof(*d));
		memmove(&rest[small], &rest[small + 1], (n - 1 - small) * sizeof(*d));
		for (i = 0; i < d[small].size; i++)
			copy(e, type, from + i * d[small].from, to + i * d[small].to, rest, n - 1);
		return;
	}
	cmd.p.x = (struct npu_vpu_operand){ .addr = from, .space = NPU_SPACE_SPM, .type = type };
	cmd.p.out = (struct npu_vpu_operand){ .addr = to, .space = NPU_SPACE_SPM, .type = type };
	for (i = 0; i < n; i++) {
		cmd.size[i] = d[i].size;
		cmd.p.x.stride[i] = d[i].from;
		cmd.p.out.stride[i] = d[i].to;
	}
	npu_stream_vpu(e->s, &cmd);
}

/* The whole kernel is one step. */
static struct step whole_step(const struct npu_conv_view *v)
{
	struct step s = { .rows = v->kernel_h, .cols = v->kernel_w, .channels = v->cg };

	set_k(v, &s);
	return s;
}

/* Where a tile's turned weights are: behind those that were loaded. */
static uint32_t turned_address(const struct work *w, const struct channels *ch, uint32_t loaded)
{
	return loaded + npu_conv_weight_block(w->v, w->p) -
	       npu_conv_turned_weights(w->v, ch->gn, w->v->groups > 1 ? ch->on : w->p[CHANNELS]);
}

static void turn_weights(struct work *w, const struct channels *ch, const struct step *s,
			 uint32_t loaded)
{
	const struct npu_conv_view *v = w->v;
	uint32_t size = v->weight_size, row = weight_row(v), group = weight_rows(ch->on) * row;
	uint32_t q = v->pack_group, stride = npu_conv_weight_stride(v, ch, s);
	uint32_t from_group = npu_conv_weight_group_stride(v, ch, s);
	struct dim packed[] = {
		{ q, size, size },
		{ NPU_PACK_COLS, q * size, row },
		{ npu_div_up(s->count, q), NPU_PACK_COLS * q * size, q * size },
		{ npu_div_up(ch->on, NPU_PACK_COLS), stride, NPU_PACK_COLS * row },
		{ ch->gn, from_group, group },
	};
	struct dim rows[] = {
		{ ch->on, size, row },
		{ s->count, stride, size },
		{ ch->gn, from_group, group },
	};
	struct dim *d = v->packed ? packed : rows;
	unsigned int n =
		v->packed ? sizeof(packed) / sizeof(packed[0]) : sizeof(rows) / sizeof(rows[0]);

	n = tidy(d, n);
	copy(w->e, v->d->weight_type, loaded, turned_address(w, ch, loaded), d, n);
}

/* ---- Parts ----------------------------------------------------------------------------------- */

/* A box of output pixels. */
struct box {
	struct range x, y, images;
};

static uint32_t pixels(const struct box *b)
{
	return length(b->x) * length(b->y) * length(b->images);
}

static struct box part_box(const struct ahead *a)
{
	struct box b = { a->tile.x, a->tile.y, a->tile.images };
	struct range *cut[] = { &b.x, &b.y, &b.images };
	struct range *r = cut[npu_tile_cut(&a->tile.out)];

	r->first += a->part.row;
	r->end = r->first + a->part.rows;
	return b;
}

/* Of a part, the pixels whose windows lie inside of the input. */
static struct box inner_box(const struct npu_conv_view *v, const struct box *part)
{
	return (struct box){ whole_cols(v, part->x), whole_rows(v, part->y), part->images };
}

/* Its other pixels: above, below, left, right. */
static unsigned int border_boxes(const struct box *part, const struct box *inner,
				 struct box border[4])
{
	const struct box all[4] = {
		{ part->x, { part->y.first, inner->y.first }, part->images },
		{ part->x, { inner->y.end, part->y.end }, part->images },
		{ { part->x.first, inner->x.first }, inner->y, part->images },
		{ { inner->x.end, part->x.end }, inner->y, part->images },
	};
	unsigned int i, n = 0;

	if (!pixels(inner)) {
		border[0] = *part;
		return 1;
	}
	for (i = 0; i < 4; i++)
		if (pixels(&all[i]))
			border[n++] = all[i];
	return n;
}

/* Where the window of a box's first pixel begins, if it lies inside of the input. */
static uint32_t window_address(const struct npu_conv_view *v, const struct ahead *a,
			       const struct box *box)
{
	const struct block *b = &a->b;

	return b->addr + (box->y.first * v->stride_h - v->pad_top - b->rows.first) * b->stride[1] +
	       (box->x.first * v->stride_w - v->pad_left - b->cols.first) * b->stride[0] +
	       (box->images.first - a->tile.images.first) * b->stride[2];
}

/* Bring the windows of the inner pixels together: [pixel][group][k]. */
static void gather(struct work *w, struct ahead *a, const struct box *in)
{
	const struct npu_conv_view *v = w->v;
	const struct block *b = &a->b;
	uint32_t size = v->in_size, k = v->products * size, pixel = k * a->tile.ch.gn;
	uint32_t from = window_address(v, a, in);
	struct dim d[MAX_DIMS] = {
		{ v->cg, size, size },
		{ v->kernel_w, v->dilation_w * b->stride[0], v->cg * size },
		{ v->kernel_h, v->dilation_h * b->stride[1], v->kernel_w * v->cg * size },
		{ a->tile.ch.gn, v->cg * size, k },
		{ length(in->x), v->stride_w * b->stride[0], pixel },
		{ length(in->y), v->stride_h * b->stride[1], length(in->x) * pixel },
		{ length(in->images), b->stride[2], length(in->y) * length(in->x) * pixel },
	};

	if (!gathers(v, w->p)) {
		a->pixels = from;
		a->pixel_stride = b->stride[0];
		a->group_stride = k;
		return;
	}
	a->pixels = npu_slots_next(&w->gathered);
	a->pixel_stride = pixel;
	a->group_stride = k;
	copy(w->e, v->d->in_type, from, a->pixels, d, tidy(d, MAX_DIMS));
}

/* Everything that a part's products read. */
static void begin_part(struct work *w, struct ahead *a)
{
	const struct channels *ch = &a->tile.ch;
	const struct npu_part all = { .cols = a->tile.out.cols };
	struct step s = whole_step(w->v);
	struct box part = part_box(a), in = inner_box(w->v, &part);

	npu_conv_get_block(w, &a->tile, &a->b);
	npu_conv_load_piece(w, &a->tile, &a->b, &s, &a->part);
	if (npu_conv_place_weights(w, ch, &s, &a->weights)) {
		npu_conv_load_weights(w, ch, &s, a->weights, &s, &all);
		turn_weights(w, ch, &s, a->weights);
	}
	if (pixels(&in))
		gather(w, a, &in);
}

/* Products of the inner pixels, group by group: sums are [channel][pixel]. */
static void multiply(struct work *w, const struct ahead *a, uint32_t n, uint32_t acc)
{
	const struct npu_conv_view *v = w->v;
	const struct channels *ch = &a->tile.ch;
	uint32_t weights = turned_address(w, ch, a->weights), g;

	for (g = 0; g < ch->gn; g++) {
		struct npu_mxu_operands zp = { .group = 0 };
		struct npu_cmd_matmul cmd = {
			.o = {
				.a_type = v->d->weight_type,
				.b_type = v->d->in_type,
				.b_layout = NPU_B_COLS,
				.a = weights + g * weight_rows(ch->on) * weight_row(v),
				.b = a->pixels + g * a->group_stride,
				.b_stride = a->pixel_stride,
				.acc = acc + g * ch->on * n * 4,
			},
			.m = ch->on,
			.n = n,
			.k = v->products,
			.a_stride = weight_row(v),
			.acc_stride = n * 4,
		};

		npu_conv_zero_points(w, &zp, ch, g * ch->on);
		cmd.o.a_zp_mode = zp.b_zp_mode;
		cmd.o.a_zp = zp.b_zp;
		cmd.o.b_zp_mode = zp.a_zp_mode;
		cmd.o.b_zp = zp.a_zp;
		npu_stream_matmul(w->e->s, &cmd);
	}
}

/* Sums of a box as [pixel][channel], by a CONV that leaves out what lies outside. */
static void convolve(struct work *w, const struct ahead *a, const struct box *box, uint32_t acc)
{
	const struct npu_conv_view *v = w->v;
	const struct channels *ch = &a->tile.ch;
	const struct block *b = &a->b;
	uint32_t pixel = a->tile.out.cols * 4;
	struct step s = whole_step(v);
	int64_t pad_top = (int64_t)b->rows.first + v->pad_top - (int64_t)box->y.first * v->stride_h;
	int64_t pad_left =
		(int64_t)b->cols.first + v->pad_left - (int64_t)box->x.first * v->stride_w;
	struct npu_cmd_conv cmd = {
		.o = {
			.a_type = v->d->in_type,
			.b_type = v->d->weight_type,
			.b_layout = v->d->weight_layout,
			.a = b->addr + (box->images.first - a->tile.images.first) * b->stride[2],
			.b = a->weights,
			.b_stride = npu_conv_weight_stride(v, ch, &s),
			.acc = acc,
		},
		.b_group_stride = ch->gn > 1 ? npu_conv_weight_group_stride(v, ch, &s) : 0,
		.batch = length(box->images),
		.groups = ch->gn,
		.in_h = length(b->rows),
		.in_w = length(b->cols),
		.in_c = v->cg,
		.out_h = length(box->y),
		.out_w = length(box->x),
		.out_c = ch->on,
		.kernel_h = v->kernel_h,
		.kernel_w = v->kernel_w,
		.stride_h = v->stride_h,
		.stride_w = v->stride_w,
		.dilation_h = v->dilation_h,
		.dilation_w = v->dilation_w,
		.pad_top = (uint16_t)pad_top,
		.pad_left = (uint16_t)pad_left,
		.a_stride = { b->stride[0], b->stride[1], b->stride[2] },
		.acc_stride = { pixel, pixel * length(box->x),
				pixel * length(box->x) * length(box->y) },
	};

	if (!npu_conv_fits16(pad_top) || !npu_conv_fits16(pad_left) ||
	    length(b->rows) > UINT16_MAX || length(b->cols) > UINT16_MAX) {
		w->e->full = true;
		return;
	}
	npu_conv_zero_points(w, &cmd.o, ch, 0);
	npu_stream_conv(w->e->s, &cmd);
}

/* The epilogue of a box whose sums begin at @acc, with strides of columns and pixels. */
static void finish_box(struct work *w, const struct ahead *a, const struct box *box, uint32_t acc,
		       uint32_t column, uint32_t pixel)
{
	const struct tile *t = &a->tile;
	struct npu_sums sums = {
		.acc = acc,
		.acc_stride = { column, pixel, pixel * length(box->x),
				pixel * length(box->x) * length(box->y) },
		.first = { box->x.first - t->x.first, box->y.first - t->y.first,
			   box->images.first - t->images.first },
		.size = { length(box->x), length(box->y), length(box->images) },
	};

	npu_finish_sums(w->e, &w->finish, &t->out, &sums);
}

/* The oldest part under way: its products, and what becomes of them. */
static void end_part(struct work *w)
{
	struct ahead a = w->ahead[0];
	struct box part = part_box(&a), in = inner_box(w->v, &part), border[4];
	const struct box before = { a.tile.x, a.tile.y, a.tile.images };
	unsigned int borders = border_boxes(&part, &in, border), i;
	uint32_t column = a.tile.out.cols * 4, n = pixels(&in), acc, at;

	w->ahead_count--;
	memmove(&w->ahead[0], &w->ahead[1], w->ahead_count * sizeof(w->ahead[0]));
	acc = a.tile.out.acc +
	      pixels(&before) / a.tile.out.rows[npu_tile_cut(&a.tile.out)] * a.part.row * column;
	if (n)
		multiply(w, &a, n, acc);
	at = acc + n * column;
	for (i = 0; i < borders; at += pixels(&border[i++]) * column)
		convolve(w, &a, &border[i], at);
	if (!a.part.row)
		npu_finish_begin(w->e, &w->finish, &a.tile.out);
	if (n)
		finish_box(w, &a, &in, acc, n * 4, 4);
	at = acc + n * column;
	for (i = 0; i < borders; at += pixels(&border[i++]) * column)
		finish_box(w, &a, &border[i], at, 4, column);
	npu_finish_store(w->e, &w->finish, &a.tile.out, &a.part);
}

/* ---- Tiles ----------------------------------------------------------------------------------- */

void npu_conv_turned_begin(struct work *w)
{
	uint64_t bytes = npu_conv_turned_gathered(w->v, w->p) * w->v->in_size;

	if (bytes)
		npu_slots_spm(w->e, &w->gathered, bytes, w->p[AHEAD]);
}

void npu_conv_turned_tile(struct work *w, const struct tile *t)
{
	struct npu_parts how = { .rows = t->first ? w->p[HEAD_ROWS] : 0 };
	struct npu_part part = { 0 };

	if (t->last)
		how.rows = w->p[TAIL_ROWS];
	while (npu_part_next(&how, &t->out, &part)) {
		struct ahead *a = &w->ahead[w->ahead_count++];

		*a = (struct ahead){ .tile = *t, .part = part };
		begin_part(w, a);
		if (w->ahead_count == w->p[AHEAD])
			end_part(w);
	}
}

void npu_conv_turned_end(struct work *w)
{
	while (w->ahead_count)
		end_part(w);
}
