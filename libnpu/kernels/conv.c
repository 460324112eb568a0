// SPDX-License-Identifier: MIT
/*
 * Copyright (c) 2026 the npu authors
 *
 * Convolutions of NHWC tensors. The output is cut into tiles of ACC: some images, rows, columns and
 * channels. A tile walks through its kernel in steps: all of it, some kernel rows, single taps, or
 * a tap's channels in chunks. Steps are contiguous in k and in its order, so float sums come out
 * the same however they are cut.
 *
 * The input stands in blocks of SPM: the rows and columns that a group of tiles reads. A block's
 * rows are loaded as its tiles come to them, so neighbouring tiles share their overlap and the
 * first tile need not wait for the last row. Where no such block fits, each step loads the pixels
 * it multiplies (BY_TAP).
 *
 * A kernel of one row (or column) with a stride reads every stride-th row: the input is taken for
 * one that only has these. Cores split images, output rows or output channels.
 *
 * So pixels are rows of the product, and channels its columns. conv_turned.c has the other way.
 */
#include <errno.h>
#include <stdlib.h>

#include "conv_emit.h"

struct range npu_conv_inside(struct range out, uint32_t stride, uint32_t pad, int64_t tap,
			     uint32_t in)
{
	int64_t shift = tap - (int64_t)pad; /* input = output * stride + shift */
	int64_t first = shift < 0 ? (-shift + stride - 1) / stride : 0;
	int64_t end = shift >= (int64_t)in ? 0 : ((int64_t)in - 1 - shift) / stride + 1;

	if (first < out.first)
		first = out.first;
	if (end > out.end)
		end = out.end;
	if (end <= first)
		return (struct range){ out.first, out.first };
	return (struct range){ first, end };
}

/* ---- Commands -------------------------------------------------------------------------------- */

/* A step of a tile on its way: its weights, and whether they have to be loaded. */
struct weights {
	const struct step *step;
	uint32_t addr;
	bool load;
};

/* Vectors are asked for by tile, so that a part finds what its tile loaded. */
void npu_conv_zero_points(struct work *w, struct npu_mxu_operands *o, const struct channels *ch,
			  uint32_t col)
{
	const struct npu_conv2d *d = w->v->d;

	o->a_zp = (uint32_t)d->in_zp;
	o->b_zp = (uint32_t)d->weight_zp;
	if (d->in_zp_per == NPU_PER_VALUE) {
		o->a_zp_mode = NPU_ZP_SPM;
		o->a_zp = npu_vector_get(w->e, &w->in_zp, 0);
	}
	if (d->weight_zp_per == NPU_PER_VALUE) {
		o->b_zp_mode = NPU_ZP_SPM;
		o->b_zp = npu_vector_get(w->e, &w->weight_zp, 0);
	} else if (d->weight_zp_per == NPU_PER_CHANNEL) {
		o->b_zp_mode = NPU_ZP_VECTOR;
		o->b_zp = npu_vector_get(w->e, &w->weight_zp, ch->g0 * w->v->og + ch->o0) + col;
	}
}

/* What pieces of either mode have in common; geometry is filled in by the caller. */
static void fill_command(struct work *w, const struct tile *t, const struct weights *weights,
			 const struct step *piece, const struct npu_part *part,
			 struct npu_cmd_conv *cmd)
{
	const struct npu_conv_view *v = w->v;
	const struct step *s = weights->step;
	uint32_t line = t->out.cols, i;

	if (weights->load && !part->row)
		npu_conv_load_weights(w, &t->ch, s, weights->addr, piece, part);
	cmd->o.a_type = v->d->in_type;
	cmd->o.b_type = v->d->weight_type;
	cmd->o.b_layout = npu_conv_splits_group(v, s) ? NPU_B_COLS : v->d->weight_layout;
	cmd->o.flags =
		(piece->k0 ? NPU_MXU_ACCUMULATE : 0) | (v->depthwise ? NPU_MXU_DEPTHWISE : 0);
	cmd->o.b = npu_conv_weight_address(v, &t->ch, s, weights->addr, piece, part->col,
					   w->p[PIXELS]);
	cmd->o.b_stride = npu_conv_weight_stride(v, &t->ch, s);
	cmd->b_group_stride = t->ch.gn > 1 ? npu_conv_weight_group_stride(v, &t->ch, s) : 0;
	cmd->o.acc = t->out.acc + part->col * 4;
	npu_conv_zero_points(w, &cmd->o, &t->ch, part->col);
	cmd->batch = length(t->images);
	cmd->groups = t->ch.gn;
	cmd->in_c = v->depthwise ? part->cols : piece->channels;
	cmd->out_h = length(t->y);
	cmd->out_w = length(t->x);
	cmd->out_c = part->cols / t->ch.gn;
	for (i = 0; i < 3; line *= t->out.rows[i++])
		cmd->acc_stride[i] = line * 4;
	switch (npu_tile_cut(&t->out)) {
	case 0:
		cmd->out_w = part->rows;
		break;
	case 1:
		cmd->out_h = part->rows;
		break;
	case 2:
		cmd->batch = part->rows;
	}
	cmd->o.acc += part->row * cmd->acc_stride[npu_tile_cut(&t->out)];
}

static void set_block(struct npu_cmd_conv *cmd, const struct block *b)
{
	cmd->a_stride[0] = b->stride[0];
	cmd->a_stride[1] = b->stride[1];
	cmd->a_stride[2] = b->stride[2];
}

/* The output columns [@x.first, @x.end) of a command, @pixels of them taken for one. */
static void emit_columns(struct work *w, const struct npu_cmd_conv *all, struct range x,
			 uint32_t pixels)
{
	struct npu_cmd_conv cmd = *all;

	if (x.first >= x.end)
		return;
	cmd.pad_left = (uint16_t)((int16_t)all->pad_left - (int32_t)(x.first * all->stride_w));
	cmd.o.acc += x.first * all->acc_stride[0];
	cmd.out_w = length(x) / pixels;
	cmd.stride_w *= pixels;
	cmd.in_c *= pixels;
	cmd.out_c *= pixels;
	cmd.in_w -= pixels - 1;
	cmd.acc_stride[0] *= pixels;
	npu_stream_conv(w->e->s, &cmd);
}

/*
 * Depthwise with fewer channels than the array has columns: what is channels of neighbouring pixels
 * is contiguous, so these are channels of one pixel that is as wide, in steps of one. Where a tap
 * lies outside for some of them, at either end of a row, they stay what they are.
 */
static void emit_pixels(struct work *w, struct npu_cmd_conv *cmd)
{
	uint32_t pixels = w->p[PIXELS], reach = (cmd->kernel_w - 1u) * cmd->dilation_w;
	int32_t pad = (int16_t)cmd->pad_left, first = npu_min(pad > 0 ? pad : 0, cmd->out_w);
	int64_t end = (int64_t)cmd->in_w + pad - reach; /* outputs before it lie within */
	struct range left = { 0, first }, middle = { first, first }, right = { 0, cmd->out_w };

	if (end > cmd->out_w)
		end = cmd->out_w;
	if (end > first)
		middle.end += (end - first) / pixels * pixels;
	right.first = middle.end;
	cmd->o.b_stride *= pixels;
	emit_columns(w, cmd, left, 1);
	emit_columns(w, cmd, middle, pixels);
	emit_columns(w, cmd, right, 1);
}

static void emit_part(struct work *w, const struct tile *t, const struct weights *weights,
		      const struct step *piece, const struct npu_part *part)
{
	const struct npu_conv_view *v = w->v;
	struct npu_cmd_conv cmd = { .kernel_h = piece->rows,
				    .kernel_w = piece->cols,
				    .stride_h = v->stride_h,
				    .stride_w = v->stride_w,
				    .dilation_h = v->dilation_h,
				    .dilation_w = v->dilation_w };
	unsigned int cut = npu_tile_cut(&t->out);
	int64_t y = t->y.first + (cut == 1 ? part->row : 0), pad_top, pad_left;
	int64_t x = t->x.first + (cut == 0 ? part->row : 0);
	struct block b;

	npu_conv_get_block(w, t, &b);
	npu_conv_load_piece(w, t, &b, piece, part);
	pad_top = (int64_t)b.rows.first + v->pad_top - y * v->stride_h -
		  (int64_t)piece->r0 * v->dilation_h;
	pad_left = (int64_t)b.cols.first + v->pad_left - x * v->stride_w -
		   (int64_t)piece->s0 * v->dilation_w;
	if (!npu_conv_fits16(pad_top) || !npu_conv_fits16(pad_left) ||
	    length(b.rows) > UINT16_MAX || length(b.cols) > UINT16_MAX) {
		w->e->full = true;
		return;
	}
	cmd.o.a = b.addr + (piece->c0 + (v->depthwise ? part->col : 0)) * v->in_size +
		  (cut == 2 ? part->row * b.stride[2] : 0);
	cmd.in_h = length(b.rows);
	cmd.in_w = length(b.cols);
	cmd.pad_top = (uint16_t)pad_top;
	cmd.pad_left = (uint16_t)pad_left;
	set_block(&cmd, &b);
	fill_command(w, t, weights, piece, part, &cmd);
	if (w->p[PIXELS] > 1)
		emit_pixels(w, &cmd);
	else
		npu_stream_conv(w->e->s, &cmd);
}

/* A step that is one tap: exactly the pixels it multiplies, side by side. */
static void emit_tap_step(struct work *w, const struct tile *t, const struct step *s)
{
	const struct npu_part whole = { 0, t->out.cols, 0, t->out.rows[npu_tile_cut(&t->out)] };
	const struct npu_conv_view *v = w->v;
	struct weights weights = { .step = s };
	int64_t row = (int64_t)s->r0 * v->dilation_h, col = (int64_t)s->s0 * v->dilation_w;
	struct range y = npu_conv_inside(t->y, v->stride_h, v->pad_top, row, v->in_h);
	struct range x = npu_conv_inside(t->x, v->stride_w, v->pad_left, col, v->in_w);
	bool empty = !length(y) || !length(x);
	struct npu_cmd_conv cmd = { .kernel_h = 1,
				    .kernel_w = 1,
				    .stride_h = 1,
				    .stride_w = 1,
				    .dilation_h = 1,
				    .dilation_w = 1 };
	struct block b = { .cols = x,
			   .channels = v->depthwise ? t->ch.on : t->ch.gn * s->channels };

	/* Padding adds nothing; but the first step begins the sums. */
	if (empty && s->number)
		return;
	weights.load = npu_conv_place_weights(w, &t->ch, s, &weights.addr);
	b.addr = npu_slots_next(&w->in);
	npu_conv_block_strides(v, &b, length(y));
	if (empty) {
		cmd.in_h = 1;
		cmd.in_w = 1;
		cmd.pad_top = INT16_MAX;
		cmd.pad_left = INT16_MAX;
	} else {
		struct range rows = { (uint32_t)((int64_t)y.first * v->stride_h - v->pad_top + row),
				      0 };
		struct range cols = {
			(uint32_t)((int64_t)x.first * v->stride_w - v->pad_left + col), 0
		};
		struct range chans;

		rows.end = rows.first + (length(y) - 1) * v->stride_h + 1;
		cols.end = cols.first + (length(x) - 1) * v->stride_w + 1;
		chans.first = npu_conv_input_channels(v, &t->ch).first + s->c0;
		chans.end = chans.first + b.channels;
		npu_conv_load_pixels(w, &b, b.addr, t->images, rows, cols, v->stride_h, v->stride_w,
				     chans);
		cmd.in_h = length(y);
		cmd.in_w = length(x);
		cmd.pad_top = y.first - t->y.first;
		cmd.pad_left = x.first - t->x.first;
	}
	cmd.o.a = b.addr;
	set_block(&cmd, &b);
	fill_command(w, t, &weights, s, &whole, &cmd);
	npu_stream_conv(w->e->s, &cmd);
}

/*
 * The piece of a step that begins @at products into it: about @most of them, but whole taps, and
 * whole rows of taps, where it can be. Packed weights are cut between groups of successive k; and
 * where a command has @groups of channels, no tap is cut: those of one group follow the other's.
 */
static struct step cut_piece(const struct npu_conv_view *v, const struct step *s, uint32_t groups,
			     uint64_t at, uint64_t most)
{
	uint32_t channels = v->depthwise ? 1 : s->channels;
	uint32_t row = at / channels / s->cols, col = at / channels % s->cols, c = at % channels;
	struct step piece = *s;

	if (groups > 1)
		most = npu_round_up(most, channels);
	if (!most || (v->packed && (channels % v->pack_group || most % v->pack_group)))
		return piece;
	piece.r0 += row;
	piece.s0 += col;
	piece.c0 += c;
	piece.rows = 1;
	piece.cols = 1;
	if (c || most < channels) {
		piece.channels = npu_min(most, channels - c);
	} else if (col || most < (uint64_t)channels * s->cols) {
		piece.cols = npu_min(most / channels, s->cols - col);
	} else {
		piece.cols = s->cols;
		piece.rows = npu_min(most / channels / s->cols, s->rows - row);
	}
	set_k(v, &piece);
	return piece;
}

/* How many products the next piece shall have; 0: all. */
static uint64_t piece_size(const struct work *w, const struct tile *t, const struct step *s,
			   uint64_t at, bool end)
{
	uint32_t tail = w->p[TAIL];

	if (t->first && !s->number && w->p[HEAD])
		return w->p[HEAD];
	if (t->last && end && tail && s->rows == 1 && s->cols == 1 && s->count - at > tail)
		return npu_round_up(s->count - at - tail, w->v->pack_group);
	return at ? s->count - at : 0;
}

/* How a tile is finished. */
static struct npu_parts last_parts(const struct work *w, const struct tile *t)
{
	struct npu_parts how = { 0 };

	if (t->last) {
		how.cols = t->ch.gn == 1 ? w->p[TAIL_COLS] : 0;
		how.rows = w->p[TAIL_ROWS];
	}
	return how;
}

/* Finish a part of the tile, when its last product has been added. */
static void finish_part(struct work *w, const struct tile *t, const struct npu_part *part)
{
	if (!part->col && !part->row)
		npu_finish_begin(w->e, &w->finish, &t->out);
	npu_finish_part(w->e, &w->finish, &t->out, part);
}

/* A step: in pieces along k, the very first and the very last of them in parts. */
static void emit_step(struct work *w, const struct tile *t, const struct step *s, bool end)
{
	const struct npu_conv_view *v = w->v;
	struct weights weights = { .step = s };
	struct step piece;
	uint64_t at;
	bool last;

	weights.load = npu_conv_place_weights(w, &t->ch, s, &weights.addr);
	for (at = 0; at < s->count; at += piece.count) {
		struct npu_parts how = { 0 };
		struct npu_part part = { 0 };

		piece = cut_piece(v, s, t->ch.gn, at, piece_size(w, t, s, at, end));
		last = end && at + piece.count == s->count;
		if (t->first && !piece.k0 && t->ch.gn == 1 && !v->depthwise)
			how.cols = w->p[HEAD_COLS];
		if (t->first && piece.count == v->products)
			how.rows = w->p[HEAD_ROWS];
		if (last && t->last)
			how = last_parts(w, t);
		while (npu_part_next(&how, &t->out, &part)) {
			emit_part(w, t, &weights, &piece, &part);
			if (last)
				finish_part(w, t, &part);
		}
	}
}

static void emit_tile(struct work *w, struct tile *t)
{
	const struct npu_conv_view *v = w->v;
	const struct npu_conv2d *d = v->d;
	const uint32_t *p = w->p;
	uint32_t col0 = t->ch.g0 * v->og + t->ch.o0;
	struct step s = { .number = 0 };
	struct npu_parts how;
	struct npu_part part = { 0 };

	t->out = (struct npu_tile){
		.acc = npu_slots_next(&w->acc),
		.cols = t->ch.gn * t->ch.on,
		.col0 = col0,
		.rows = { length(t->x), length(t->y), length(t->images) },
		.out = t->images.first * d->out_stride[2] + t->y.first * d->out_stride[1] +
		       t->x.first * d->out_stride[0] + col0,
		.out_stride = { d->out_stride[0], d->out_stride[1], d->out_stride[2] },
		.residual = t->images.first * d->residual_stride[2] +
			    t->y.first * d->residual_stride[1] +
			    t->x.first * d->residual_stride[0] + col0,
		.residual_stride = { d->residual_stride[0], d->residual_stride[1],
				     d->residual_stride[2] },
	};
	if (p[TURNED]) {
		npu_conv_turned_tile(w, t);
		return;
	}
	for (s.r0 = 0; s.r0 < v->kernel_h; s.r0 += p[STEP_ROWS]) {
		s.rows = npu_min(p[STEP_ROWS], v->kernel_h - s.r0);
		for (s.s0 = 0; s.s0 < v->kernel_w; s.s0 += p[STEP_COLS]) {
			s.cols = npu_min(p[STEP_COLS], v->kernel_w - s.s0);
			for (s.c0 = 0; s.c0 < v->cg; s.c0 += p[STEP_C]) {
				s.channels = npu_min(p[STEP_C], v->cg - s.c0);
				set_k(v, &s);
				if (p[BY_TAP])
					emit_tap_step(w, t, &s);
				else
					emit_step(w, t, &s, s.k0 + s.count == v->products);
				s.number++;
			}
		}
	}
	if (!p[BY_TAP])
		return;
	how = last_parts(w, t);
	while (npu_part_next(&how, &t->out, &part))
		finish_part(w, t, &part);
}

/* ---- Loops ----------------------------------------------------------------------------------- */

/* Channel tile number @i of the core; false: there is none. */
static bool channel_tile(const struct work *w, uint32_t i, struct channels *ch)
{
	const struct npu_conv_view *v = w->v;
	uint32_t at, per_group;

	if (v->groups == 1 || v->depthwise) {
		at = w->chans.first + i * w->p[CHANNELS];
		if (at >= w->chans.end)
			return false;
		*ch = (struct channels){ 0, 1, at, npu_min(w->p[CHANNELS], w->chans.end - at) };
		return true;
	}
	if (w->p[GROUPS] > 1) {
		at = w->chans.first + i * w->p[GROUPS];
		if (at >= w->chans.end)
			return false;
		*ch = (struct channels){ at, npu_min(w->p[GROUPS], w->chans.end - at), 0, v->og };
		return true;
	}
	per_group = npu_div_up(v->og, w->p[CHANNELS]);
	at = w->chans.first + i / per_group;
	if (at >= w->chans.end)
		return false;
	*ch = (struct channels){ at, 1, i % per_group * w->p[CHANNELS], 0 };
	ch->on = npu_min(w->p[CHANNELS], v->og - ch->o0);
	return true;
}

/* Spatial tile number @i of the core: images, then rows, then columns. */
static bool spatial_tile(const struct work *w, uint64_t i, struct tile *t)
{
	const uint32_t *p = w->p;
	uint32_t columns = npu_div_up(length(w->columns), p[TILE_W]);
	uint32_t rows = npu_div_up(length(w->rows), p[TILE_H]);
	uint64_t image = w->images.first + i / columns / rows * p[IMAGES];

	if (image >= w->images.end)
		return false;
	t->images.first = image;
	t->images.end = npu_min(image + p[IMAGES], w->images.end);
	t->y.first = w->rows.first + i / columns % rows * p[TILE_H];
	t->y.end = npu_min((uint64_t)t->y.first + p[TILE_H], w->rows.end);
	t->x.first = w->columns.first + i % columns * p[TILE_W];
	t->x.end = npu_min((uint64_t)t->x.first + p[TILE_W], w->columns.end);
	return true;
}

static bool stopped(const struct work *w)
{
	return w->e->full || w->e->s->error;
}

static void emit_tiles(struct work *w)
{
	bool inner = w->p[ORDER] == CHANNELS_INNER;
	struct tile t, next;
	uint64_t i = 0;
	uint32_t j = 0;

	/* Both loops in one: channels, or places, are done when there is no next. */
	while (spatial_tile(w, i, &t) && channel_tile(w, j, &t.ch) && !stopped(w)) {
		t.first = !i && !j;
		t.last = !spatial_tile(w, i + 1, &next) && !channel_tile(w, j + 1, &next.ch);
		emit_tile(w, &t);
		if (inner) {
			if (!channel_tile(w, ++j, &next.ch)) {
				j = 0;
				i++;
			}
		} else if (!spatial_tile(w, ++i, &next)) {
			i = 0;
			j++;
		}
	}
	if (w->p[TURNED] && !stopped(w))
		npu_conv_turned_end(w);
}

static void prepare(struct work *w)
{
	const struct npu_conv_view *v = w->v;
	const struct npu_conv2d *d = v->d;
	const uint32_t *p = w->p;
	uint32_t cols =
		v->groups > 1 && !v->depthwise && p[GROUPS] > 1 ? p[GROUPS] * v->og : p[CHANNELS];
	uint64_t pixels = (uint64_t)p[IMAGES] * p[TILE_H] * p[TILE_W];
	uint32_t scale = v->groups > 1 && !v->depthwise ? v->og : 1;
	struct range out = { w->chans.first * scale, w->chans.end * scale };

	npu_slots_spm(w->e, &w->in, npu_conv_in_block(v, p), p[IN_SLOTS]);
	npu_slots_spm(w->e, &w->weights, npu_conv_weight_block(v, p), p[WEIGHT_SLOTS]);
	npu_slots_acc(w->e, &w->acc, pixels * cols * 4, p[ACC_SLOTS]);
	if (d->in_zp_per == NPU_PER_VALUE)
		npu_vector_init(w->e, &w->in_zp, NPU_OP_REGION_A_ZP, 1, 0, 1, 1);
	if (d->weight_zp_per == NPU_PER_VALUE)
		npu_vector_init(w->e, &w->weight_zp, NPU_OP_REGION_B_ZP, 1, 0, 1, 1);
	if (d->weight_zp_per == NPU_PER_CHANNEL)
		npu_vector_init(w->e, &w->weight_zp, NPU_OP_REGION_B_ZP, 1, out.first, out.end,
				cols);
	npu_finish_init(w->e, &w->finish, &d->epilogue, v->acc_type, pixels * cols, out.first,
			out.end, cols, p[OUT_SLOTS]);
	if (p[TURNED])
		npu_conv_turned_begin(w);
	if (w->e->full)
		return;
	w->loaded = calloc(p[IN_SLOTS], sizeof(*w->loaded));
	if (!w->loaded)
		w->e->s->error = -ENOMEM;
}

void npu_conv_emit(struct npu_emit *e, const void *problem, const struct npu_candidate *c,
		   unsigned int core)
{
	const struct npu_conv_view *v = problem;
	const uint32_t *p = c->param;
	struct work w = { .e = e, .v = v, .p = p, .columns = { 0, v->out_w } };

	npu_share(v->batch, 1, p[CORES_BATCH], core / (p[CORES_ROWS] * p[CORES_CHANNELS]),
		  &w.images.first, &w.images.end);
	npu_share(v->out_h, 1, p[CORES_ROWS], core / p[CORES_CHANNELS] % p[CORES_ROWS],
		  &w.rows.first, &w.rows.end);
	npu_share(npu_conv_channel_units(v), npu_conv_channel_unit(e->caps, v, p[CORES_CHANNELS]),
		  p[CORES_CHANNELS], core % p[CORES_CHANNELS], &w.chans.first, &w.chans.end);
	if (!length(w.images) || !length(w.rows) || !length(w.chans))
		return;
	prepare(&w);
	if (!stopped(&w))
		emit_tiles(&w);
	npu_slots_free(&w.in);
	npu_slots_free(&w.weights);
	npu_slots_free(&w.acc);
	npu_slots_free(&w.gathered);
	npu_vector_free(&w.in_zp);
	npu_vector_free(&w.weight_zp);
	npu_finish_free(&w.finish);
	free(w.loaded);
}
