// SPDX-License-Identifier: MIT
/*
 * Copyright (c) 2026 the npu authors
 *
 * A group's streams (resident.h): commands in an order that is right one after another;
 * npu_stream_sync() lets them overlap. Tiles of pixels and channels follow each other from step to
 * step, so the array finds what it multiplies while the VPU still works on the tile before.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "hal/error.h"

#include "resident_core.h"

/* ---- Tensors --------------------------------------------------------------------------------- */

static uint32_t pixel_bytes(const struct npu_resident_tensor *t, unsigned int core)
{
	return (t->hold[core].ch[1] - t->hold[core].ch[0]) * t->size;
}

static uint32_t place(const struct npu_resident_tensor *t, unsigned int core, uint32_t row,
		      uint32_t ch)
{
	const struct npu_resident_box *hold = &t->hold[core];

	return t->addr + (row - hold->row[0]) * t->w * pixel_bytes(t, core) +
	       (ch - hold->ch[0]) * t->size;
}

static int64_t memory(const struct npu_resident_tensor *t, const struct npu_resident_box *b)
{
	return (int64_t)(b->row[0] * t->stride[1] + (uint64_t)b->ch[0] * t->size);
}

static void load_box(struct npu_resident_core *c, const struct npu_resident_tensor *t,
		     const struct npu_resident_box *b)
{
	uint32_t pixel = pixel_bytes(t, c->number), rows = b->row[1] - b->row[0];
	int64_t offset;
	struct npu_cmd_load cmd = {
		.h.tag = c->r->step[c->step].number,
		.type = t->size == 1 ? NPU_S8 :
			t->size == 2 ? NPU_BF16 :
				       NPU_S32,
		.region = npu_resident_region(c, &t->ref, &offset),
		.spm = place(t, c->number, b->row[0], b->ch[0]),
		.size = { b->ch[1] - b->ch[0], t->w, rows, 1 },
		.mem_stride = { t->w > 1 ? t->stride[0] : 0, rows > 1 ? t->stride[1] : 0 },
		.spm_stride = { t->w > 1 ? pixel : 0, rows > 1 ? pixel * t->w : 0 },
	};

	cmd.offset = (uint64_t)(offset + memory(t, b));
	npu_stream_load(c->s, &cmd);
	c->load += npu_div_up((uint64_t)rows * t->w * (b->ch[1] - b->ch[0]) * t->size,
			      npu_max(1, c->r->caps->lmem_bw / c->r->caps->cores));
}

static void store_box(struct npu_resident_core *c, const struct npu_resident_step *s,
		      const struct npu_resident_tensor *t, const struct npu_resident_box *b)
{
	uint32_t pixel = pixel_bytes(t, c->number), rows = b->row[1] - b->row[0];
	int64_t offset;
	struct npu_cmd_store cmd = {
		.h.tag = s->number,
		.space = NPU_SPACE_SPM,
		.region = npu_resident_region(c, &t->ref, &offset),
		.local = place(t, c->number, b->row[0], b->ch[0]),
		.size = { (b->ch[1] - b->ch[0]) * t->size, t->w, rows, 1 },
		.mem_stride = { t->w > 1 ? t->stride[0] : 0, rows > 1 ? t->stride[1] : 0 },
		.local_stride = { t->w > 1 ? pixel : 0, rows > 1 ? pixel * t->w : 0 },
	};

	cmd.offset = (uint64_t)(offset + memory(t, b));
	npu_stream_store(c->s, &cmd);
}

/*
 * A part of a step's tensor has been made: what others read of it goes to memory. Parts that several read
 * are stored once: when an earlier core's box has them.
 */
static void made(struct npu_resident_core *c, const struct npu_resident_step *s,
		 const struct npu_resident_box *part)
{
	const struct npu_resident_tensor *t = &c->r->tensor[s->out];
	struct npu_resident_box mine = npu_resident_cut(part, &t->home[c->number]), rest[4], b,
				done[4 * NPU_MAX_CORES];
	unsigned int core, i, k, count, stored = 0;

	if (npu_resident_empty(&mine))
		return;
	if (t->kept) {
		store_box(c, s, t, &mine);
		return;
	}
	for (core = 0; core < c->r->cores; core++) {
		if (core == c->number)
			continue;
		count = npu_resident_rest(&t->need[core], &t->own[core], rest);
		for (i = 0; i < count; i++) {
			b = npu_resident_cut(&rest[i], &mine);
			if (npu_resident_empty(&b))
				continue;
			for (k = 0; k < stored; k++) {
				struct npu_resident_box more[4];

				if (!npu_resident_rest(&b, &done[k], more))
					break;
			}
			if (k < stored)
				continue;
			store_box(c, s, t, &b);
			done[stored++] = b;
		}
	}
}

/* ---- Tiles ----------------------------------------------------------------------------------- */

/* A command of the array. Its weights are at @b; @part: channels within the chunk, of one tap. */
static void multiply(struct npu_resident_core *c, const struct npu_resident_step *s,
		     const struct npu_resident_box *tile, const struct npu_resident_chunk *ch,
		     uint32_t acc, const struct npu_resident_block *b, uint32_t part,
		     uint32_t part_count, bool first)
{
	const struct npu_conv2d *d = &s->conv;
	const struct npu_resident_tensor *in = &c->r->tensor[s->in];
	const struct npu_resident_box *hold = &in->hold[c->number];
	uint32_t n = tile->ch[1] - tile->ch[0], rows = tile->row[1] - tile->row[0];
	uint32_t w = c->r->tensor[s->out].w, pixel = pixel_bytes(in, c->number);
	uint32_t size = npu_type_size(d->weight_type);
	int64_t pad_top = (int64_t)d->pad_top + hold->row[0] - (int64_t)tile->row[0] * d->stride_h -
			  (int64_t)ch->r * d->dilation_h;
	int64_t pad_left = (int64_t)d->pad_left - (int64_t)ch->s * d->dilation_w;
	struct npu_cmd_conv cmd = {
		.h.tag = s->number,
		.o = {
			.a_type = d->in_type,
			.b_type = d->weight_type,
			.b_layout = d->weight_layout,
			.flags = (first ? 0 : NPU_MXU_ACCUMULATE) |
				 (s->depthwise ? NPU_MXU_DEPTHWISE : 0),
			.a = place(in, c->number, hold->row[0],
				   s->depthwise ? tile->ch[0] : ch->c + part),
			.b = b->addr + (s->depthwise ? 0 : part * NPU_PACK_COLS * size),
			.b_stride = s->depthwise ?
					    n * size :
					    npu_resident_weights(s, b->count, NPU_PACK_COLS),
			.acc = acc,
			.a_zp = (uint32_t)d->in_zp,
			.b_zp = (uint32_t)d->weight_zp,
		},
		.batch = 1,
		.groups = 1,
		.in_h = hold->row[1] - hold->row[0],
		.in_w = in->w,
		.in_c = s->depthwise ? n : part_count,
		.out_h = rows,
		.out_w = w,
		.out_c = n,
		.kernel_h = ch->rows,
		.kernel_w = ch->cols,
		.stride_h = d->stride_h,
		.stride_w = d->stride_w,
		.dilation_h = d->dilation_h,
		.dilation_w = d->dilation_w,
		.pad_top = (uint16_t)pad_top,
		.pad_left = (uint16_t)pad_left,
		.a_stride = { pixel, pixel * in->w, 0 },
		.acc_stride = { n * 4, n * 4 * w, 0 },
	};
	uint64_t cycles;

	if (pad_top != (int16_t)pad_top || pad_left != (int16_t)pad_left) {
		c->error = -ENOSPC;
		return;
	}
	npu_stream_conv(c->s, &cmd);
	cycles = npu_resident_mxu(c->r->caps, s, (uint64_t)rows * w,
				  (uint64_t)ch->rows * ch->cols * part_count, n);
	c->mxu = npu_max(c->mxu, b->ready) + cycles;
	c->left -= npu_min(c->left, cycles);
}

static void finish(struct npu_resident_core *c, const struct npu_resident_step *s,
		   const struct npu_resident_box *tile, uint32_t acc)
{
	const struct npu_resident_tensor *out = &c->r->tensor[s->out];
	const struct npu_epilogue *ep = &s->conv.epilogue;
	uint32_t n = tile->ch[1] - tile->ch[0], first = out->own[c->number].ch[0];
	uint32_t vectors = c->vectors[c->step] + (tile->ch[0] - first) * 4;
	uint32_t all = out->own[c->number].ch[1] - first;
	struct npu_finish_places at = {
		.acc = acc,
		.acc_stride = { 4, n * 4 },
		.out = place(out, c->number, tile->row[0], tile->ch[0]),
		.out_stride = { pixel_bytes(out, c->number) },
		.bias = vectors,
		.scale = vectors + (ep->bias ? (uint32_t)npu_round_up(all * 4, NPU_EMIT_ALIGN) : 0),
	};
	struct npu_cmd_vpu cmd = {
		.h.tag = s->number,
		.size = { n, (tile->row[1] - tile->row[0]) * out->w, 1, 1 },
	};

	if (s->residual >= 0) {
		const struct npu_resident_tensor *t = &c->r->tensor[s->residual];

		at.residual = place(t, c->number, tile->row[0], tile->ch[0]);
		at.residual_stride[0] = pixel_bytes(t, c->number);
	}
	npu_finish_pipe(&cmd.p, ep, npu_is_float(s->conv.in_type) ? NPU_FP32 : NPU_S32, &at);
	npu_stream_vpu(c->s, &cmd);
	made(c, s, tile);
}

/*
 * A tile. The first one of a step finds the last channels of its input still on their way through
 * the VPU: it begins with the others (@halve).
 */
static void product_tile(struct npu_resident_core *c, const struct npu_resident_step *s,
			 const struct npu_resident_box *tile, bool halve, bool last)
{
	uint32_t pixels = (tile->row[1] - tile->row[0]) * c->r->tensor[s->out].w;
	uint32_t bytes = npu_round_up(pixels * (tile->ch[1] - tile->ch[0]) * 4, NPU_EMIT_ALIGN);
	uint32_t part, end, depth = npu_k_unit(c->r->caps);
	bool first = true;
	struct npu_resident_chunk ch;

	if (c->acc + bytes > c->r->caps->acc_size)
		c->acc = 0;
	npu_resident_first_chunk(s, &ch);
	do {
		int number = npu_resident_block(c, tile->ch[0], ch.k);

		npu_resident_require(c, number);
		if (c->error || c->s->error)
			return;
		end = halve && s->conv.kernel_h * s->conv.kernel_w == 1 &&
				      ch.channels >= 2 * depth && ch.channels % depth == 0 ?
			      ch.channels - depth :
			      ch.channels;
		for (part = 0; part < ch.channels; part = end, end = ch.channels) {
			multiply(c, s, tile, &ch, c->acc, &c->block[number], part, end - part,
				 first);
			first = false;
		}
		c->block[number].retired = last;
		npu_resident_pump(c);
	} while (npu_resident_next_chunk(s, &ch));
	finish(c, s, tile, c->acc);
	c->acc += bytes;
}

static void pool_rows(struct npu_resident_core *c, const struct npu_resident_step *s,
		      uint32_t first, uint32_t end)
{
	const struct npu_pool2d *d = &s->pool;
	const struct npu_resident_tensor *in = &c->r->tensor[s->in], *out = &c->r->tensor[s->out];
	const struct npu_resident_box *hold = &in->hold[c->number], *own = &out->own[c->number];
	struct npu_resident_box tile = { { first, end }, { own->ch[0], own->ch[1] } };
	int64_t pad_top = (int64_t)d->pad_top + hold->row[0] - (int64_t)first * d->stride_h;
	uint32_t ip = pixel_bytes(in, c->number), op = pixel_bytes(out, c->number);
	struct npu_cmd_pool cmd = {
		.h.tag = s->number,
		.size = { own->ch[1] - own->ch[0], out->w, end - first, 1 },
		.in_h = hold->row[1] - hold->row[0],
		.in_w = in->w,
		.kernel_h = d->kernel_h,
		.kernel_w = d->kernel_w,
		.stride_h = d->stride_h,
		.stride_w = d->stride_w,
		.dilation_h = d->dilation_h,
		.dilation_w = d->dilation_w,
		.pad_top = (uint16_t)pad_top,
		.pad_left = d->pad_left,
		.op = d->op,
		.p = {
			.x = { .addr = place(in, c->number, hold->row[0], own->ch[0]),
			       .space = NPU_SPACE_SPM, .type = d->in_type,
			       .stride = { in->size, ip, ip * in->w, 0 } },
			.out = { .addr = place(out, c->number, first, own->ch[0]),
				 .space = NPU_SPACE_SPM, .type = d->out_type,
				 .stride = { out->size, op, op * out->w, 0 } },
		},
	};

	if (pad_top != (int16_t)pad_top) {
		c->error = -ENOSPC;
		return;
	}
	npu_pool_stages(&cmd.p, d);
	npu_stream_pool(c->s, &cmd);
	made(c, s, &tile);
}

/* ---- Steps ----------------------------------------------------------------------------------- */

/* The last core goes from the last row up: so the rows it shares with a neighbour come last. */
static bool upwards(const struct npu_resident_core *c)
{
	return c->r->cores > 1 && c->number == c->r->cores - 1;
}

/* Tile of rows number @i of [first, end), in this core's direction; false: there is none. */
static bool row_tile(const struct npu_resident_core *c, const uint32_t rows[2], uint32_t size,
		     uint32_t i, uint32_t tile[2])
{
	uint32_t at = i * size;

	if (at >= rows[1] - rows[0])
		return false;
	if (upwards(c)) {
		tile[1] = rows[1] - at;
		tile[0] = npu_max((int64_t)tile[1] - size, (int64_t)rows[0]);
	} else {
		tile[0] = rows[0] + at;
		tile[1] = npu_min(tile[0] + size, rows[1]);
	}
	return true;
}

/*
 * What the step reads and is not here yet: of a tensor of the group what other cores made, of one
 * that comes from memory the rows that the tile reads.
 */
static void fetch(struct npu_resident_core *c, const struct npu_resident_step *s, int tensor,
		  const uint32_t tile[2], bool window, uint32_t loaded[2])
{
	const struct npu_resident_tensor *t = tensor < 0 ? NULL : &c->r->tensor[tensor];
	struct npu_resident_box b, have, rest[4];
	uint32_t rows[2] = { tile[0], tile[1] };
	unsigned int i, count;

	if (!t || t->loaded != (int)c->step || t->producer >= 0)
		return;
	if (window)
		npu_resident_window(s, tile, rows);
	b = t->need[c->number];
	b.row[0] = npu_max(b.row[0], rows[0]);
	b.row[1] = npu_min(b.row[1], rows[1]);
	if (npu_resident_empty(&b))
		return;
	if (loaded[0] == loaded[1]) {
		load_box(c, t, &b);
		memcpy(loaded, b.row, sizeof(b.row));
		return;
	}
	/* What is there stays one range. */
	b.row[0] = npu_min(b.row[0], loaded[1]);
	b.row[1] = npu_max(b.row[1], loaded[0]);
	have = b;
	memcpy(have.row, loaded, sizeof(have.row));
	count = npu_resident_rest(&b, &have, rest);
	loaded[0] = npu_min(loaded[0], b.row[0]);
	loaded[1] = npu_max(loaded[1], b.row[1]);
	for (i = 0; i < count; i++)
		load_box(c, t, &rest[i]);
}

static void exchange(struct npu_resident_core *c, int tensor)
{
	const struct npu_resident_tensor *t = tensor < 0 ? NULL : &c->r->tensor[tensor];
	struct npu_resident_box rest[4];
	unsigned int i, count;

	if (!t || t->loaded != (int)c->step || t->producer < 0)
		return;
	count = npu_resident_rest(&t->need[c->number], &t->own[c->number], rest);
	for (i = 0; i < count; i++)
		load_box(c, t, &rest[i]);
}

/* All of a step's tensors from memory, tile by tile; the first tile's, then the first weights. */
static void begin_step(struct npu_resident_core *c, const struct npu_resident_step *s,
		       const uint32_t rows[2])
{
	uint32_t in[2] = { 0, 0 }, residual[2] = { 0, 0 }, tile[2], i;
	int other = s->residual == s->in ? -1 : s->residual;

	exchange(c, s->in);
	exchange(c, s->residual);
	for (i = 0; row_tile(c, rows, s->tile_rows, i, tile); i++) {
		fetch(c, s, s->in, tile, true, in);
		fetch(c, s, other, tile, false, residual);
		if (i == 0)
			npu_resident_require(
				c, npu_resident_block(c, c->r->tensor[s->out].own[c->number].ch[0],
						      0));
	}
	/* And what later steps read of them. */
	fetch(c, s, s->in, c->r->tensor[s->in].need[c->number].row, false, in);
	if (other >= 0)
		fetch(c, s, other, c->r->tensor[other].need[c->number].row, false, residual);
}

/* The rows of a pool that the rows made so far, [done[0], done[1]), are enough for. */
static void follow(struct npu_resident_core *c, const struct npu_resident_step *s,
		   const uint32_t done[2], uint32_t pooled[2])
{
	const struct npu_resident_box *own = &c->r->tensor[s->out].own[c->number];
	uint32_t row[2], next[2] = { pooled[0], pooled[1] };

	for (;;) {
		uint32_t one[2];

		if (upwards(c) ? next[0] == own->row[0] : next[1] == own->row[1])
			break;
		one[0] = upwards(c) ? next[0] - 1 : next[1];
		one[1] = one[0] + 1;
		npu_resident_window(s, one, row);
		if (row[0] < done[0] || row[1] > done[1])
			break;
		next[upwards(c) ? 0 : 1] = upwards(c) ? one[0] : one[1];
	}
	if (next[0] < pooled[0])
		pool_rows(c, s, next[0], pooled[0]);
	if (next[1] > pooled[1])
		pool_rows(c, s, pooled[1], next[1]);
	memcpy(pooled, next, sizeof(next));
}

static void product_step(struct npu_resident_core *c, const struct npu_resident_step *s,
			 const struct npu_resident_step *pool)
{
	const struct npu_resident_box *own = &c->r->tensor[s->out].own[c->number];
	uint32_t rows[2], done[2], pooled[2] = { 0, 0 }, i, n;
	struct npu_resident_box tile;
	bool first = !s->barrier;

	memcpy(rows, own->row, sizeof(rows));
	done[0] = done[1] = upwards(c) ? rows[1] : rows[0];
	if (pool) {
		const struct npu_resident_box *to = &c->r->tensor[pool->out].own[c->number];

		pooled[0] = pooled[1] = upwards(c) ? to->row[1] : to->row[0];
	}
	if (s->pixels_outer) {
		for (i = 0; row_tile(c, rows, s->tile_rows, i, tile.row) && !c->error; i++) {
			uint32_t after[2];
			bool last = !row_tile(c, rows, s->tile_rows, i + 1, after);

			for (n = own->ch[0]; n < own->ch[1] && !c->error; n += s->tile_cols) {
				tile.ch[0] = n;
				tile.ch[1] = npu_min(n + s->tile_cols, own->ch[1]);
				product_tile(c, s, &tile, first, last);
				first = false;
			}
			done[0] = npu_min(done[0], tile.row[0]);
			done[1] = npu_max(done[1], tile.row[1]);
			if (pool)
				follow(c, pool, done, pooled);
		}
		return;
	}
	for (n = own->ch[0]; n < own->ch[1] && !c->error; n += s->tile_cols) {
		tile.ch[0] = n;
		tile.ch[1] = npu_min(n + s->tile_cols, own->ch[1]);
		for (i = 0; row_tile(c, rows, s->tile_rows, i, tile.row) && !c->error; i++) {
			uint32_t after[2];

			product_tile(c, s, &tile, first,
				     !row_tile(c, rows, s->tile_rows, i + 1, after));
			first = false;
		}
	}
}

static void pool_step(struct npu_resident_core *c, const struct npu_resident_step *s)
{
	const struct npu_resident_box *own = &c->r->tensor[s->out].own[c->number];
	uint32_t tile[2], i;

	for (i = 0; row_tile(c, own->row, s->tile_rows, i, tile) && !c->error; i++)
		pool_rows(c, s, tile[0], tile[1]);
}

static void emit_step(struct npu_resident_core *c, unsigned int step)
{
	const struct npu_resident_step *s = &c->r->step[step];
	const struct npu_resident_box *own = &c->r->tensor[s->out].own[c->number];
	const struct npu_resident_step *pool =
		step + 1 < c->r->steps && s[1].with_previous ? &s[1] : NULL;

	c->step = step;
	c->left = c->work[step];
	if (s->barrier) {
		npu_stream_barrier(c->s, s->number);
		c->mxu = c->load = npu_max(c->mxu, c->load) + c->r->caps->barrier_cycles +
				   c->r->caps->array_rows + c->r->caps->array_cols;
	}
	if (s->with_previous)
		return;
	/* Who makes nothing here may read its tensors later all the same. */
	begin_step(c, s, own->row);
	if (npu_resident_empty(own))
		npu_resident_pump(c);
	else if (s->is_pool)
		pool_step(c, s);
	else
		product_step(c, s, pool);
}

int npu_resident_emit(const struct npu_lower *l, const struct npu_resident *r,
		      struct npu_stream *const *stream, unsigned int *barrier)
{
	unsigned int i, step;
	int ret = 0;

	for (i = 0; i < r->cores && !ret; i++) {
		struct npu_resident_core c = { .l = l, .r = r, .s = stream[i], .number = i };

		c.work = calloc(r->steps, sizeof(*c.work) + sizeof(*c.vectors));
		if (!c.work)
			return npu_fail(-ENOMEM, "out of memory");
		c.vectors = (void *)(c.work + r->steps);
		memset(c.vectors, 0xff, r->steps * sizeof(*c.vectors));
		npu_resident_list(&c);
		for (step = 0; step < r->steps && !c.error; step++)
			emit_step(&c, step);
		ret = c.error ? c.error : c.s->error;
		free(c.work);
		free(c.block);
	}
	for (step = 0; step < r->steps; step++)
		if (r->step[step].barrier)
			*barrier = r->step[step].number;
	return ret == -ENOMEM ? npu_fail(ret, "out of memory") : ret;
}
