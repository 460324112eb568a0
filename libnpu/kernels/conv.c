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
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "hal/error.h"

#include "conv.h"

/* ---- Tiles ----------------------------------------------------------------------------------- */

/* A range of coordinates. */
struct range {
	uint32_t first, end;
};

static uint32_t length(struct range r)
{
	return r.end - r.first;
}

/*
 * The output channels of a tile: @on of each of @gn groups. Depthwise: channels [o0, o0 + on) of
 * one group.
 */
struct channels {
	uint32_t g0, gn, o0, on;
};

/* One step through the kernel, or a piece of it: k in [k0, k0 + count). */
struct step {
	uint32_t r0, rows, s0, cols, c0, channels;
	uint64_t k0, count;
	uint32_t number;
};

static void set_k(const struct npu_conv_view *v, struct step *s)
{
	uint64_t tap = (uint64_t)s->r0 * v->kernel_w + s->s0;

	s->k0 = v->depthwise ? tap : tap * v->cg + s->c0;
	s->count = (uint64_t)s->rows * s->cols * (v->depthwise ? 1 : s->channels);
}

struct work {
	struct npu_emit *e;
	const struct npu_conv_view *v;
	const uint32_t *p;
	struct range images, rows, columns, chans; /* chans: output channels, or groups */
	struct npu_slots in, weights, acc;
	uint32_t *loaded; /* of each input block: rows that are there, behind the last */
	struct range partial; /* rows before this, and channels of them, of the block under way */
	struct npu_vector in_zp, weight_zp;
	struct npu_finish finish;
};

struct tile {
	struct range images, y, x;
	struct channels ch;
	struct npu_tile out;
	bool first, last;
};

/* Where an axis' outputs [out.first, out.end) read: clipped to the input, never empty. */
static struct range reads(struct range out, uint32_t stride, uint32_t pad, uint32_t kernel,
			  uint32_t dilation, uint32_t in)
{
	int64_t first = (int64_t)out.first * stride - pad;
	int64_t end = (int64_t)(out.end - 1) * stride - pad + (int64_t)(kernel - 1) * dilation + 1;
	struct range r;

	if (end > in)
		end = in;
	if (first < 0)
		first = 0;
	if (first >= end)
		first = first < in ? first : in - 1;
	if (end <= first)
		end = first + 1;
	r.first = first;
	r.end = end;
	return r;
}

static bool fits16(int64_t v)
{
	return v >= INT16_MIN && v <= INT16_MAX;
}

/* Input channels that a tile's outputs come from. */
static struct range input_channels(const struct npu_conv_view *v, const struct channels *ch)
{
	if (v->depthwise)
		return (struct range){ ch->o0, ch->o0 + ch->on };
	return (struct range){ ch->g0 * v->cg, (ch->g0 + ch->gn) * v->cg };
}

/* ---- Input blocks ---------------------------------------------------------------------------- */

/* A block of input in SPM: images, rows, columns, channels; its strides. */
struct block {
	uint32_t addr;
	struct range rows, cols;
	uint32_t channels;
	uint32_t stride[3];
};

static void block_strides(const struct npu_conv_view *v, struct block *b, uint32_t rows)
{
	b->stride[0] = b->channels * v->in_size;
	b->stride[1] = b->stride[0] * length(b->cols);
	b->stride[2] = b->stride[1] * rows;
}

static void load_pixels(struct work *w, const struct block *b, uint32_t addr, struct range images,
			struct range rows, struct range cols, uint32_t row_step, uint32_t col_step,
			struct range chans)
{
	const struct npu_conv_view *v = w->v;
	uint64_t size = v->in_size, first;
	struct npu_box box = {
		.region = NPU_OP_REGION_A,
		.element = v->in_size,
		.size = { length(chans), npu_div_up(length(cols), col_step),
			  npu_div_up(length(rows), row_step), length(images) },
		.mem_stride = { (int64_t)(v->in_stride[0] * col_step * size),
				(int64_t)(v->in_stride[1] * row_step * size),
				(int64_t)(v->in_stride[2] * size) },
		.spm = addr,
		.spm_stride = { b->stride[0], b->stride[1], b->stride[2] },
	};

	first = v->in_base + images.first * v->in_stride[2] + rows.first * v->in_stride[1] +
		cols.first * v->in_stride[0] + chans.first;
	box.offset = (int64_t)(first * size);
	npu_emit_load(w->e, &box);
}

/* The block of a tile. */
static void get_block(struct work *w, const struct tile *t, struct block *b)
{
	const struct npu_conv_view *v = w->v;
	const uint32_t *p = w->p;
	uint32_t group = (t->y.first - w->rows.first) / p[GROUP_ROWS];
	struct range outs = { w->rows.first + group * p[GROUP_ROWS], 0 };
	struct range chans = input_channels(v, &t->ch);
	uint64_t key = (t->images.first - w->images.first) / p[IMAGES];

	outs.end = npu_min((uint64_t)outs.first + p[GROUP_ROWS], w->rows.end);
	b->rows = reads(outs, v->stride_h, v->pad_top, v->kernel_h, v->dilation_h, v->in_h);
	b->cols = reads(t->x, v->stride_w, v->pad_left, v->kernel_w, v->dilation_w, v->in_w);
	b->channels = length(chans);
	block_strides(v, b, length(b->rows));
	key = key * (length(w->rows) + 1ull) + group;
	key = key * (v->out_w + 1ull) + t->x.first;
	key = key * (v->in_c + 1ull) + chans.first;
	if (!npu_slots_get(&w->in, key, &b->addr))
		w->loaded[(b->addr - w->in.base) / w->in.size] = b->rows.first;
}

/* Rows [first, end) of a block; of each, channels [c.first, c.end). */
static void load_rows(struct work *w, const struct tile *t, const struct block *b, uint32_t first,
		      uint32_t end, struct range c)
{
	struct range chans = input_channels(w->v, &t->ch), rows = { first, end };

	if (first >= end)
		return;
	chans.end = chans.first + c.end;
	chans.first += c.first;
	load_pixels(w, b,
		    b->addr + (first - b->rows.first) * b->stride[1] + c.first * w->v->in_size,
		    t->images, rows, b->cols, 1, 1, chans);
}

/*
 * What a part's piece reads of the block, unless it is there: all rows that the part reads. In a
 * core's first tile it is the piece's kernel rows, and there and in the last one, of rows that are
 * new, the channels up to the piece's; the pieces that follow complete these rows.
 */
static void load_piece(struct work *w, const struct tile *t, const struct block *b,
		       const struct step *piece, const struct npu_part *part)
{
	const struct npu_conv_view *v = w->v;
	bool head = t->first && w->p[HEAD], tail = t->last && w->p[TAIL];
	uint32_t *loaded = &w->loaded[(b->addr - w->in.base) / w->in.size];
	uint32_t kernel = head ? piece->r0 + piece->rows : v->kernel_h, chans = b->channels, end;
	struct range y = t->y;

	if (npu_tile_cut(&t->out) == 1)
		y = (struct range){ y.first + part->row, y.first + part->row + part->rows };
	end = reads(y, v->stride_h, v->pad_top, kernel, v->dilation_h, v->in_h).end;
	if (end <= *loaded)
		return;
	if ((head || tail) && b->channels == v->cg)
		chans = piece->c0 + piece->channels;
	if (w->partial.end) {
		if (chans > w->partial.end)
			load_rows(w, t, b, *loaded, w->partial.first,
				  (struct range){ w->partial.end, chans });
		w->partial.end = npu_max(chans, w->partial.end);
	} else {
		load_rows(w, t, b, *loaded, end, (struct range){ 0, chans });
		w->partial = (struct range){ end, chans };
	}
	if (w->partial.end < b->channels)
		return;
	*loaded = w->partial.first;
	w->partial.end = 0;
}

/* Of outputs [out.first, out.end), those whose tap lies inside. */
static struct range inside(struct range out, uint32_t stride, uint32_t pad, int64_t tap,
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

/* ---- Weights --------------------------------------------------------------------------------- */

static uint32_t weight_block_bytes(const struct npu_conv_view *v, uint64_t k, uint32_t on)
{
	uint32_t size = v->weight_size;

	if (v->packed)
		return npu_round_up(k, v->pack_group) * NPU_PACK_COLS * size *
		       npu_div_up(on, NPU_PACK_COLS);
	return k * on * size;
}

/* Does the step begin within a packed group of successive k? Then it is unpacked as it is loaded. */
static bool splits_group(const struct npu_conv_view *v, const struct step *s)
{
	return v->packed && s->k0 % v->pack_group;
}

/* Bytes of SPM between packed blocks of a step's weights, or rows, or columns. */
static uint32_t weight_stride(const struct npu_conv_view *v, const struct channels *ch,
			      const struct step *s)
{
	if (splits_group(v, s))
		return s->count * v->weight_size;
	if (v->packed)
		return npu_round_up(s->count, v->pack_group) * NPU_PACK_COLS * v->weight_size;
	return ch->gn * ch->on * v->weight_size;
}

/* Bytes of SPM between groups of channels. */
static uint32_t weight_group_stride(const struct npu_conv_view *v, const struct channels *ch,
				    const struct step *s)
{
	uint32_t blocks = npu_div_up(ch->on, NPU_PACK_COLS);

	if (splits_group(v, s))
		return weight_stride(v, ch, s) * NPU_PACK_COLS * blocks;
	return v->packed ? weight_stride(v, ch, s) * blocks : ch->on * v->weight_size;
}

/*
 * Packed weights of a step that begins within a packed group, as columns: the rest of the first
 * group, whole groups, and the beginning of the last one. Pieces of a few bytes: for when there is
 * no other way.
 */
static void unpack_weights(struct work *w, const struct channels *ch, const struct step *s,
			   uint32_t spm)
{
	const struct npu_conv_view *v = w->v;
	uint32_t q = v->pack_group, size = v->weight_size, stride = weight_stride(v, ch, s);
	uint64_t k, count, whole;

	for (k = s->k0; k < s->k0 + s->count; k += count * whole) {
		uint64_t left = s->k0 + s->count - k, group;

		/* @count of each of @whole groups. */
		count = npu_min(q - k % q, left);
		whole = count == q ? left / q : 1;
		for (group = 0; group < ch->gn; group++) {
			struct npu_box box = {
				.region = NPU_OP_REGION_B,
				.element = size,
				.size = { count, NPU_PACK_COLS, whole,
					  npu_div_up(ch->on, NPU_PACK_COLS) },
				.mem_stride = { q * size, (int64_t)q * NPU_PACK_COLS * size,
						(int64_t)v->packed_block },
				.spm = spm + group * weight_group_stride(v, ch, s) +
				       (k - s->k0) * size,
				.spm_stride = { stride, q * size, NPU_PACK_COLS * stride },
			};

			box.offset = (int64_t)((ch->g0 + group) * v->packed_group_bytes +
					       ch->o0 / NPU_PACK_COLS * v->packed_block +
					       (k / q * q * NPU_PACK_COLS + k % q) * size);
			npu_emit_load(w->e, &box);
		}
	}
}

/*
 * Where a step's weights stand in SPM, and whether they have to be loaded. Rows: [k][gn * on].
 * Packed: group after group of [on / 16][k][16], or unpacked [on][k].
 */
static bool place_weights(struct work *w, const struct channels *ch, const struct step *s,
			  uint32_t *addr)
{
	const struct npu_conv_view *v = w->v;
	uint64_t column = (uint64_t)ch->g0 * v->og + ch->o0;

	if (npu_slots_get(&w->weights, column * (v->products + 1ull) + s->number, addr))
		return false;
	if (v->packed && ch->o0 % NPU_PACK_COLS)
		w->e->full = true;
	return true;
}

/* Where the weights of a piece of a step begin, from column @col of the tile on. */
static uint32_t weight_address(const struct npu_conv_view *v, const struct channels *ch,
			       const struct step *s, uint32_t addr, const struct step *piece,
			       uint32_t col, uint32_t pixels)
{
	uint32_t k = piece->k0 - s->k0, stride = weight_stride(v, ch, s);

	if (splits_group(v, s))
		return addr;
	if (v->packed)
		return addr + col / NPU_PACK_COLS * stride + k * NPU_PACK_COLS * v->weight_size;
	return addr + k * stride * pixels + col * v->weight_size;
}

/* Load a piece's weights, of columns [@part->col, + @part->cols) of the tile. */
static void load_weights(struct work *w, const struct channels *ch, const struct step *s,
			 uint32_t addr, const struct step *piece, const struct npu_part *part)
{
	const struct npu_conv_view *v = w->v;
	uint64_t size = v->weight_size, column = (uint64_t)ch->g0 * v->og + ch->o0 + part->col;
	struct npu_box box = {
		.region = NPU_OP_REGION_B,
		.element = size,
		.size = { 1, 1, 1, 1 },
		.spm = weight_address(v, ch, s, addr, piece, part->col, w->p[PIXELS]),
		.spm_stride = { weight_stride(v, ch, s) },
	};

	if (splits_group(v, s)) {
		unpack_weights(w, ch, s, addr);
		return;
	}
	if (v->packed) {
		box.size[0] = npu_round_up(piece->count, v->pack_group) * NPU_PACK_COLS;
		box.size[1] = npu_div_up(part->cols / ch->gn, NPU_PACK_COLS);
		box.size[2] = ch->gn;
		box.mem_stride[0] = (int64_t)v->packed_block;
		box.mem_stride[1] = (int64_t)v->packed_group_bytes;
		box.spm_stride[1] = weight_group_stride(v, ch, s);
		box.offset = (int64_t)(ch->g0 * v->packed_group_bytes +
				       (ch->o0 + part->col) / NPU_PACK_COLS * v->packed_block +
				       piece->k0 * NPU_PACK_COLS * size);
	} else {
		box.size[0] = part->cols;
		box.size[1] = piece->count;
		box.mem_stride[0] = (int64_t)(v->d->out_c * size);
		box.offset = (int64_t)((piece->k0 * v->d->out_c + column) * size);
	}
	if (w->p[PIXELS] > 1) {
		/* For each of the pixels that stand side by side. */
		box.size[2] = w->p[PIXELS];
		box.spm_stride[0] *= w->p[PIXELS];
		box.spm_stride[1] = part->cols * size;
	}
	npu_emit_load(w->e, &box);
}

/* ---- Commands -------------------------------------------------------------------------------- */

/* A step of a tile on its way: its weights, and whether they have to be loaded. */
struct weights {
	const struct step *step;
	uint32_t addr;
	bool load;
};

/* Vectors are asked for by tile, so that a part finds what its tile loaded. */
static void set_zero_points(struct work *w, struct npu_mxu_operands *o, const struct channels *ch,
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
		load_weights(w, &t->ch, s, weights->addr, piece, part);
	cmd->o.a_type = v->d->in_type;
	cmd->o.b_type = v->d->weight_type;
	cmd->o.b_layout = splits_group(v, s) ? NPU_B_COLS : v->d->weight_layout;
	cmd->o.flags =
		(piece->k0 ? NPU_MXU_ACCUMULATE : 0) | (v->depthwise ? NPU_MXU_DEPTHWISE : 0);
	cmd->o.b = weight_address(v, &t->ch, s, weights->addr, piece, part->col, w->p[PIXELS]);
	cmd->o.b_stride = weight_stride(v, &t->ch, s);
	cmd->b_group_stride = t->ch.gn > 1 ? weight_group_stride(v, &t->ch, s) : 0;
	cmd->o.acc = t->out.acc + part->col * 4;
	set_zero_points(w, &cmd->o, &t->ch, part->col);
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

	get_block(w, t, &b);
	load_piece(w, t, &b, piece, part);
	pad_top = (int64_t)b.rows.first + v->pad_top - y * v->stride_h -
		  (int64_t)piece->r0 * v->dilation_h;
	pad_left = (int64_t)b.cols.first + v->pad_left - x * v->stride_w -
		   (int64_t)piece->s0 * v->dilation_w;
	if (!fits16(pad_top) || !fits16(pad_left) || length(b.rows) > UINT16_MAX ||
	    length(b.cols) > UINT16_MAX) {
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
	struct range y = inside(t->y, v->stride_h, v->pad_top, row, v->in_h);
	struct range x = inside(t->x, v->stride_w, v->pad_left, col, v->in_w);
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
	weights.load = place_weights(w, &t->ch, s, &weights.addr);
	b.addr = npu_slots_next(&w->in);
	block_strides(v, &b, length(y));
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
		chans.first = input_channels(v, &t->ch).first + s->c0;
		chans.end = chans.first + b.channels;
		load_pixels(w, &b, b.addr, t->images, rows, cols, v->stride_h, v->stride_w, chans);
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
 * whole rows of taps, where it can be. Packed weights are cut between groups of successive k.
 */
static struct step cut_piece(const struct npu_conv_view *v, const struct step *s, uint64_t at,
			     uint64_t most)
{
	uint32_t channels = v->depthwise ? 1 : s->channels;
	uint32_t row = at / channels / s->cols, col = at / channels % s->cols, c = at % channels;
	struct step piece = *s;

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

	weights.load = place_weights(w, &t->ch, s, &weights.addr);
	for (at = 0; at < s->count; at += piece.count) {
		struct npu_parts how = { 0 };
		struct npu_part part = { 0 };

		piece = cut_piece(v, s, at, piece_size(w, t, s, at, end));
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
	if (w->e->full)
		return;
	w->loaded = calloc(p[IN_SLOTS], sizeof(*w->loaded));
	if (!w->loaded)
		w->e->s->error = -ENOMEM;
}

uint64_t npu_conv_weight_block(const struct npu_conv_view *v, const uint32_t *p)
{
	uint64_t k = (uint64_t)p[STEP_ROWS] * p[STEP_COLS] * (v->depthwise ? 1 : p[STEP_C]);

	if (v->groups > 1 && !v->depthwise && p[GROUPS] > 1)
		return (uint64_t)p[GROUPS] * weight_block_bytes(v, k, v->og);
	return weight_block_bytes(v, k, p[CHANNELS]) * p[PIXELS];
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
	npu_vector_free(&w.in_zp);
	npu_vector_free(&w.weight_zp);
	npu_finish_free(&w.finish);
	free(w.loaded);
}
