// SPDX-License-Identifier: MIT
/*
 * Copyright (c) 2026 the npu authors
 *
 * What a convolution loads: blocks of its input and its weights, when a piece of a tile needs them.
 */
#include "conv_emit.h"

struct range npu_conv_input_channels(const struct npu_conv_view *v, const struct channels *ch)
{
	if (v->depthwise)
		return (struct range){ ch->o0, ch->o0 + ch->on };
	return (struct range){ ch->g0 * v->cg, (ch->g0 + ch->gn) * v->cg };
}

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

/* ---- Input blocks ---------------------------------------------------------------------------- */

void npu_conv_block_strides(const struct npu_conv_view *v, struct block *b, uint32_t rows)
{
	b->stride[0] = b->channels * v->in_size;
	b->stride[1] = b->stride[0] * length(b->cols);
	b->stride[2] = b->stride[1] * rows;
}

void npu_conv_load_pixels(struct work *w, const struct block *b, uint32_t addr, struct range images,
			  struct range rows, struct range cols, uint32_t row_step,
			  uint32_t col_step, struct range chans)
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

void npu_conv_get_block(struct work *w, const struct tile *t, struct block *b)
{
	const struct npu_conv_view *v = w->v;
	const uint32_t *p = w->p;
	uint32_t group = (t->y.first - w->rows.first) / p[GROUP_ROWS];
	struct range outs = { w->rows.first + group * p[GROUP_ROWS], 0 };
	struct range chans = npu_conv_input_channels(v, &t->ch);
	uint64_t key = (t->images.first - w->images.first) / p[IMAGES];

	outs.end = npu_min((uint64_t)outs.first + p[GROUP_ROWS], w->rows.end);
	b->rows = reads(outs, v->stride_h, v->pad_top, v->kernel_h, v->dilation_h, v->in_h);
	b->cols = reads(t->x, v->stride_w, v->pad_left, v->kernel_w, v->dilation_w, v->in_w);
	b->channels = length(chans);
	npu_conv_block_strides(v, b, length(b->rows));
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
	struct range chans = npu_conv_input_channels(w->v, &t->ch), rows = { first, end };

	if (first >= end)
		return;
	chans.end = chans.first + c.end;
	chans.first += c.first;
	npu_conv_load_pixels(
		w, b, b->addr + (first - b->rows.first) * b->stride[1] + c.first * w->v->in_size,
		t->images, rows, b->cols, 1, 1, chans);
}

void npu_conv_load_piece(struct work *w, const struct tile *t, const struct block *b,
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

/* ---- Weights --------------------------------------------------------------------------------- */

static uint32_t weight_block_bytes(const struct npu_conv_view *v, uint64_t k, uint32_t on)
{
	uint32_t size = v->weight_size;

	if (v->packed)
		return npu_round_up(k, v->pack_group) * NPU_PACK_COLS * size *
		       npu_div_up(on, NPU_PACK_COLS);
	return k * on * size;
}

bool npu_conv_splits_group(const struct npu_conv_view *v, const struct step *s)
{
	return v->packed && s->k0 % v->pack_group;
}

uint32_t npu_conv_weight_stride(const struct npu_conv_view *v, const struct channels *ch,
				const struct step *s)
{
	if (npu_conv_splits_group(v, s))
		return s->count * v->weight_size;
	if (v->packed)
		return npu_round_up(s->count, v->pack_group) * NPU_PACK_COLS * v->weight_size;
	return ch->gn * ch->on * v->weight_size;
}

uint32_t npu_conv_weight_group_stride(const struct npu_conv_view *v, const struct channels *ch,
				      const struct step *s)
{
	uint32_t blocks = npu_div_up(ch->on, NPU_PACK_COLS);

	if (npu_conv_splits_group(v, s))
		return npu_conv_weight_stride(v, ch, s) * NPU_PACK_COLS * blocks;
	return v->packed ? npu_conv_weight_stride(v, ch, s) * blocks : ch->on * v->weight_size;
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
	uint32_t q = v->pack_group, size = v->weight_size,
		 stride = npu_conv_weight_stride(v, ch, s);
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
				.spm = spm + group * npu_conv_weight_group_stride(v, ch, s) +
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

bool npu_conv_place_weights(struct work *w, const struct channels *ch, const struct step *s,
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

uint32_t npu_conv_weight_address(const struct npu_conv_view *v, const struct channels *ch,
				 const struct step *s, uint32_t addr, const struct step *piece,
				 uint32_t col, uint32_t pixels)
{
	uint32_t k = piece->k0 - s->k0, stride = npu_conv_weight_stride(v, ch, s);

	if (npu_conv_splits_group(v, s))
		return addr;
	if (v->packed)
		return addr + col / NPU_PACK_COLS * stride + k * NPU_PACK_COLS * v->weight_size;
	return addr + k * stride * pixels + col * v->weight_size;
}

void npu_conv_load_weights(struct work *w, const struct channels *ch, const struct step *s,
			   uint32_t addr, const struct step *piece, const struct npu_part *part)
{
	const struct npu_conv_view *v = w->v;
	uint64_t size = v->weight_size, column = (uint64_t)ch->g0 * v->og + ch->o0 + part->col;
	struct npu_box box = {
		.region = NPU_OP_REGION_B,
		.element = size,
		.size = { 1, 1, 1, 1 },
		.spm = npu_conv_weight_address(v, ch, s, addr, piece, part->col, w->p[PIXELS]),
		.spm_stride = { npu_conv_weight_stride(v, ch, s) },
	};

	if (npu_conv_splits_group(v, s)) {
		unpack_weights(w, ch, s, addr);
		return;
	}
	if (v->packed) {
		box.size[0] = npu_round_up(piece->count, v->pack_group) * NPU_PACK_COLS;
		box.size[1] = npu_div_up(part->cols / ch->gn, NPU_PACK_COLS);
		box.size[2] = ch->gn;
		box.mem_stride[0] = (int64_t)v->packed_block;
		box.mem_stride[1] = (int64_t)v->packed_group_bytes;
		box.spm_stride[1] = npu_conv_weight_group_stride(v, ch, s);
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

uint64_t npu_conv_weight_block(const struct npu_conv_view *v, const uint32_t *p)
{
	uint64_t k = (uint64_t)p[STEP_ROWS] * p[STEP_COLS] * (v->depthwise ? 1 : p[STEP_C]);

	uint32_t groups = v->groups > 1 && !v->depthwise ? p[GROUPS] : 1;
	uint32_t on = groups > 1 ? v->og : p[CHANNELS];
	uint64_t bytes = groups * weight_block_bytes(v, k, on) * p[PIXELS];

	return p[TURNED] ? npu_round_up(bytes, NPU_EMIT_ALIGN) +
				   npu_conv_turned_weights(v, groups, on) :
			   bytes;
}
