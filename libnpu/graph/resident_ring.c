// SPDX-License-Identifier: MIT
/*
 * Copyright (c) 2026 the npu authors
 *
 * Weights on their way through SPM (resident.h).
 *
 * The LOAD engine takes commands one after another, so each block of weights is loaded right behind
 * the command that frees its place in the ring, layers ahead of its use. Only a barrier, which
 * waits for everything, is not made to wait for what nobody needs yet: a LOAD that would end behind
 * it stands behind it. When things end is estimated, since the order must be settled before their
 * time is known.
 */
#include <errno.h>
#include <string.h>

#include "resident_core.h"

uint8_t npu_resident_region(const struct npu_resident_core *c, const struct npu_lower_ref *ref,
			    int64_t *offset)
{
	const struct npu_lower_buffer *b = &c->l->buffer[ref->buffer];

	*offset = (int64_t)b->offset + ref->offset;
	return (uint8_t)b->region;
}

/* ---- The ring of weights --------------------------------------------------------------------- */

/* Where the ring ends for what is loaded now and used until @step. */
static uint32_t ring_end(const struct npu_resident_core *c, unsigned int step)
{
	uint32_t end = UINT32_MAX;
	unsigned int i;

	for (i = c->step; i <= step; i++)
		end = (uint32_t)npu_min(end, c->r->top[i]);
	return end;
}

/*
 * Room for @bytes in a ring [@first, @end) whose newest piece ends at @at and whose oldest one begins
 * at @tail; @empty: there is none. The end may have come down since these got their places.
 */
static bool find_room(uint32_t first, uint32_t end, uint32_t at, uint32_t tail, bool empty,
		      uint32_t bytes, uint32_t *addr)
{
	if (empty) {
		*addr = first;
		return (uint64_t)first + bytes <= end;
	}
	*addr = at > tail && (uint64_t)at + bytes > end ? first : at;
	return (uint64_t)*addr + bytes <= (*addr <= tail ? npu_min(tail, end) : end);
}

static bool place_weights(struct npu_resident_core *c, struct npu_resident_block *b)
{
	while (c->oldest < c->next && (c->block[c->oldest].retired || c->block[c->oldest].vectors))
		c->oldest++;
	if (!find_room(c->r->vectors, ring_end(c, b->step), c->at,
		       c->oldest < c->next ? c->block[c->oldest].addr : 0, c->oldest == c->next,
		       b->bytes, &b->addr))
		return false;
	c->at = b->addr + b->bytes;
	return true;
}

/* Those of steps that are done are not needed any more. */
static bool place_vectors(struct npu_resident_core *c, const struct npu_resident_block *b)
{
	unsigned int oldest = c->step;
	uint32_t addr;

	while (oldest < b->step && c->vectors[oldest] == UINT32_MAX)
		oldest++;
	if (!find_room(0, c->r->vectors, c->vector_at, c->vectors[oldest], oldest == b->step,
		       b->bytes, &addr))
		return false;
	c->vectors[b->step] = addr;
	c->vector_at = addr + b->bytes;
	return true;
}

/* Bytes over memory's share of a core, in cycles. */
static uint64_t transfer(const struct npu_resident_core *c, uint64_t bytes)
{
	return npu_div_up(bytes, npu_max(1, c->r->caps->lmem_bw / c->r->caps->cores)) +
	       c->r->caps->cmd_cycles;
}

static void load_vector(struct npu_resident_core *c, const struct npu_lower_ref *ref,
			uint32_t first, uint32_t count, uint32_t spm, unsigned int step)
{
	int64_t offset;
	struct npu_cmd_load cmd = {
		.h.tag = c->r->step[step].number,
		.type = NPU_S32,
		.region = npu_resident_region(c, ref, &offset),
		.spm = spm,
		.size = { count, 1, 1, 1 },
	};

	cmd.offset = (uint64_t)(offset + (int64_t)first * 4);
	npu_stream_load(c->s, &cmd);
}

static void load_vectors(struct npu_resident_core *c, const struct npu_resident_block *b)
{
	const struct npu_resident_step *s = &c->r->step[b->step];
	uint32_t count = b->ch[1] - b->ch[0], at = c->vectors[b->step];

	if (s->conv.epilogue.bias) {
		load_vector(c, &s->bias, b->ch[0], count, at, b->step);
		at += npu_round_up(count * 4, NPU_EMIT_ALIGN);
	}
	if (s->conv.epilogue.scale_per == NPU_PER_CHANNEL)
		load_vector(c, &s->scale, b->ch[0], count, at, b->step);
}

static void load_weights(struct npu_resident_core *c, const struct npu_resident_block *b)
{
	const struct npu_resident_step *s = &c->r->step[b->step];
	uint32_t size = npu_type_size(s->conv.weight_type), n = b->ch[1] - b->ch[0];
	uint64_t k = (uint64_t)s->conv.kernel_h * s->conv.kernel_w * s->conv.in_c;
	uint32_t columns = npu_div_up(n, NPU_PACK_COLS);
	struct npu_cmd_load cmd = {
		.h.tag = s->number,
		.type = NPU_S8,
		.spm = b->addr,
	};
	int64_t offset;

	cmd.region = npu_resident_region(c, &s->weights, &offset);
	if (s->depthwise) {
		cmd.size[0] = n * size;
		cmd.size[1] = b->count;
		cmd.mem_stride[0] = b->count > 1 ? (uint64_t)s->conv.out_c * size : 0;
		cmd.spm_stride[0] = b->count > 1 ? n * size : 0;
		offset += (int64_t)((b->k * s->conv.out_c + b->ch[0]) * size);
	} else {
		cmd.size[0] = npu_resident_weights(s, b->count, NPU_PACK_COLS);
		cmd.size[1] = columns;
		cmd.mem_stride[0] = columns > 1 ? npu_resident_weights(s, k, NPU_PACK_COLS) : 0;
		cmd.spm_stride[0] = columns > 1 ? cmd.size[0] : 0;
		offset += (int64_t)(b->ch[0] / NPU_PACK_COLS *
					    npu_resident_weights(s, k, NPU_PACK_COLS) +
				    b->k * NPU_PACK_COLS * size);
	}
	cmd.size[2] = cmd.size[3] = 1;
	cmd.offset = (uint64_t)offset;
	npu_stream_load(c->s, &cmd);
}

/*
 * When all cores may be at the next barrier, and the first step behind it: the array's last results
 * still go through the VPU and to memory.
 */
static uint64_t next_barrier(const struct npu_resident_core *c, unsigned int *step)
{
	const struct npu_caps *caps = c->r->caps;
	uint64_t t =
		c->mxu + c->left + caps->array_rows + caps->array_cols + 2ull * caps->lmem_latency;

	for (*step = c->step + 1; *step < c->r->steps; ++*step) {
		if (c->r->step[*step].barrier)
			return t;
		t += c->work[*step];
	}
	return UINT64_MAX;
}

/* The next block, now; false: there is no room. */
static bool load_next(struct npu_resident_core *c, uint64_t end)
{
	struct npu_resident_block *b = &c->block[c->next];

	if (b->vectors ? !place_vectors(c, b) : !place_weights(c, b))
		return false;
	if (b->vectors)
		load_vectors(c, b);
	else
		load_weights(c, b);
	b->loaded = true;
	c->load = end;
	b->ready = end + c->r->caps->lmem_latency;
	c->next++;
	return true;
}

static uint64_t load_end(const struct npu_resident_core *c)
{
	return npu_max(c->load, c->mxu) + transfer(c, c->block[c->next].bytes);
}

void npu_resident_require(struct npu_resident_core *c, int number)
{
	while ((int)c->next <= number && !c->error)
		if (!load_next(c, load_end(c)))
			c->error = -ENOSPC;
}

void npu_resident_pump(struct npu_resident_core *c)
{
	unsigned int behind;
	uint64_t barrier = next_barrier(c, &behind), end;

	while (c->next < c->blocks) {
		end = load_end(c);
		if (c->block[c->next].step >= behind && end + c->r->caps->lmem_latency > barrier)
			return;
		if (!load_next(c, end))
			return;
	}
}

/* Blocks are in order: of steps, bias and scales before weights, of channels, of products. */
static bool is_before(const struct npu_resident_block *b, unsigned int step, uint32_t ch,
		      uint64_t k)
{
	if (b->step != step || b->vectors)
		return b->step <= step;
	return b->ch[0] != ch ? b->ch[0] < ch : b->k < k;
}

int npu_resident_block(const struct npu_resident_core *c, uint32_t ch, uint64_t k)
{
	unsigned int first = c->oldest, end = c->blocks;
	const struct npu_resident_block *b;

	/* Each command of the array asks, and kernels may be cut into thousands. */
	while (first < end) {
		unsigned int middle = first + (end - first) / 2;

		if (is_before(&c->block[middle], c->step, ch, k))
			first = middle + 1;
		else
			end = middle;
	}
	if (first == c->blocks)
		return -1;
	b = &c->block[first];
	return b->step == c->step && b->ch[0] == ch && b->k == k ? (int)first : -1;
}

static void add_block(struct npu_resident_core *c, const struct npu_resident_block *b)
{
	if (npu_graph_grow(&c->block, &c->block_room, c->blocks, sizeof(*c->block))) {
		c->error = -ENOMEM;
		return;
	}
	c->block[c->blocks++] = *b;
}

/* ---- Chunks ---------------------------------------------------------------------------------- */

static void size_chunk(const struct npu_resident_step *s, struct npu_resident_chunk *ch)
{
	uint32_t channels = s->depthwise ? 1 : s->conv.in_c;

	ch->rows = npu_min(s->chunk[0], s->conv.kernel_h - ch->r);
	ch->cols = npu_min(s->chunk[1], s->conv.kernel_w - ch->s);
	ch->channels = npu_min(s->chunk[2], channels - ch->c);
	ch->k = ((uint64_t)ch->r * s->conv.kernel_w + ch->s) * channels + ch->c;
	ch->count = (uint64_t)ch->rows * ch->cols * ch->channels;
}

void npu_resident_first_chunk(const struct npu_resident_step *s, struct npu_resident_chunk *ch)
{
	*ch = (struct npu_resident_chunk){ 0 };
	size_chunk(s, ch);
}

bool npu_resident_next_chunk(const struct npu_resident_step *s, struct npu_resident_chunk *ch)
{
	ch->c += ch->channels;
	if (ch->c == (s->depthwise ? 1 : s->conv.in_c)) {
		ch->c = 0;
		ch->s += ch->cols;
	}
	if (ch->s == s->conv.kernel_w) {
		ch->s = 0;
		ch->r += ch->rows;
	}
	if (ch->r == s->conv.kernel_h)
		return false;
	size_chunk(s, ch);
	return true;
}

/* All blocks of a core, in the order in which they are first used. */
void npu_resident_list(struct npu_resident_core *c)
{
	unsigned int i;

	for (i = 0; i < c->r->steps; i++) {
		const struct npu_resident_step *s = &c->r->step[i];
		const struct npu_resident_box *own = &c->r->tensor[s->out].own[c->number];
		const struct npu_epilogue *ep = &s->conv.epilogue;
		struct npu_resident_block b = { .step = i, .vectors = true };
		struct npu_resident_chunk ch;
		uint64_t pixels = (uint64_t)(own->row[1] - own->row[0]) * c->r->tensor[s->out].w;
		uint32_t n;

		if (s->is_pool || npu_resident_empty(own))
			continue;
		memcpy(b.ch, own->ch, sizeof(b.ch));
		if (ep->bias || ep->scale_per == NPU_PER_CHANNEL) {
			b.bytes = 2 * npu_round_up((b.ch[1] - b.ch[0]) * 4, NPU_EMIT_ALIGN);
			add_block(c, &b);
		}
		b.vectors = false;
		for (n = own->ch[0]; n < own->ch[1]; n += s->tile_cols) {
			b.ch[0] = n;
			b.ch[1] = npu_min(n + s->tile_cols, own->ch[1]);
			npu_resident_first_chunk(s, &ch);
			do {
				b.k = ch.k;
				b.count = ch.count;
				b.bytes = npu_round_up(
					npu_resident_weights(s, b.count, b.ch[1] - b.ch[0]),
					NPU_EMIT_ALIGN);
				add_block(c, &b);
				c->work[i] += npu_resident_mxu(c->r->caps, s, pixels, b.count,
							       b.ch[1] - b.ch[0]);
			} while (npu_resident_next_chunk(s, &ch));
		}
	}
}
