// SPDX-License-Identifier: MIT
/*
 * Copyright (c) 2026 the npu authors
 *
 * Matrix products. The output is cut into tiles of ACC; a tile walks along k in chunks, each a
 * block of either operand. Blocks live in two rings of places: where a ring has room for all blocks
 * that a loop comes back to, they are loaded once; where it has not, they stream through. So one
 * loop nest is every schedule, and a candidate is the tile's size, the chunk, which of m and n is
 * the outer loop, and the places each operand gets.
 *
 * Cores split the batch, the rows or the columns, never k: no core needs another's sums.
 */
#include "matmul.h"

struct range {
	uint32_t first, end;
};

/* A core's part of a product, being emitted. */
struct work {
	struct npu_emit *e;
	const struct npu_matmul *d;
	const uint32_t *param;
	struct range batch, m, n;
	struct npu_slots a, b, acc;
	struct npu_vector a_zp, b_zp;
	struct npu_finish finish;
};

static uint64_t block_key(uint64_t batch, uint64_t tile, uint64_t chunk, uint64_t tiles,
			  uint64_t chunks)
{
	return (batch * tiles + tile) * chunks + chunk;
}

/* Bytes between rows, columns or packed blocks of a block of b in SPM. */
static uint32_t b_block_stride(const struct npu_matmul *d, struct range n, struct range k)
{
	uint32_t size = npu_type_size(d->b_type);

	switch (d->b_layout) {
	case NPU_B_ROWS:
		return (n.end - n.first) * size;
	case NPU_B_COLS:
		return (k.end - k.first) * size;
	default:
		return npu_round_up(k.end - k.first, npu_pack_group(d->b_type)) * NPU_PACK_COLS *
		       size;
	}
}

/* A tile's chunk of k, its blocks in SPM, and whether they must be loaded. */
struct chunk {
	const struct npu_tile *tile;
	uint32_t batch;
	struct range m, n, k;
	uint32_t a, b;
	bool load_a, load_b;
};

static void place_chunk(struct work *w, struct chunk *c)
{
	const struct npu_matmul *d = w->d;
	uint64_t chunks = npu_div_up(d->k, w->param[KT]), i = c->k.first / w->param[KT];
	uint64_t a = block_key(d->a_batch ? c->batch : 0, c->m.first / w->param[MT], i,
			       npu_div_up(d->m, w->param[MT]) + 1, chunks);
	uint64_t b = block_key(d->b_batch ? c->batch : 0, c->n.first / w->param[NT], i,
			       npu_div_up(d->n, w->param[NT]) + 1, chunks);

	c->load_a = !npu_slots_get(&w->a, a, &c->a);
	c->load_b = !npu_slots_get(&w->b, b, &c->b);
}

/* Where rows from @m on, of k from @k on, of a chunk's block stand in SPM. */
static uint32_t a_address(const struct npu_matmul *d, const struct chunk *c, uint32_t m, uint32_t k)
{
	return c->a + (m * (c->k.end - c->k.first) + k - c->k.first) * npu_type_size(d->a_type);
}

static uint32_t b_address(const struct npu_matmul *d, const struct chunk *c, uint32_t n, uint32_t k)
{
	uint32_t size = npu_type_size(d->b_type), stride = b_block_stride(d, c->n, c->k);

	k -= c->k.first;
	switch (d->b_layout) {
	case NPU_B_ROWS:
		return c->b + k * stride + n * size;
	case NPU_B_COLS:
		return c->b + n * stride + k * size;
	default:
		return c->b + n / NPU_PACK_COLS * stride + k * NPU_PACK_COLS * size;
	}
}

static void load_a(struct work *w, const struct chunk *c, const struct npu_part *part,
		   struct range k)
{
	const struct npu_matmul *d = w->d;
	uint64_t size = npu_type_size(d->a_type), i = d->a_batch ? c->batch : 0;
	struct npu_box box = {
		.region = NPU_OP_REGION_A,
		.element = size,
		.offset = (int64_t)((i * d->a_batch + (c->m.first + part->row) * d->a_stride +
				     k.first) *
				    size),
		.size = { k.end - k.first, part->rows, 1, 1 },
		.mem_stride = { (int64_t)(d->a_stride * size) },
		.spm = a_address(d, c, part->row, k.first),
		.spm_stride = { (c->k.end - c->k.first) * size },
	};

	npu_emit_load(w->e, &box);
}

static void load_b(struct work *w, const struct chunk *c, const struct npu_part *part,
		   struct range k)
{
	const struct npu_matmul *d = w->d;
	uint64_t size = npu_type_size(d->b_type), i = d->b_batch ? c->batch : 0;
	uint64_t n = c->n.first + part->col;
	struct npu_box box = {
		.region = NPU_OP_REGION_B,
		.element = size,
		.size = { 0, 0, 1, 1 },
		.mem_stride = { (int64_t)(d->b_stride * size) },
		.spm = b_address(d, c, part->col, k.first),
		.spm_stride = { b_block_stride(d, c->n, c->k) },
	};

	switch (d->b_layout) {
	case NPU_B_ROWS:
		box.offset = (int64_t)((i * d->b_batch + k.first * d->b_stride + n) * size);
		box.size[0] = part->cols;
		box.size[1] = k.end - k.first;
		break;
	case NPU_B_COLS:
		box.offset = (int64_t)((i * d->b_batch + n * d->b_stride + k.first) * size);
		box.size[0] = k.end - k.first;
		box.size[1] = part->cols;
		break;
	default:
		box.offset = (int64_t)(i * d->b_batch + n / NPU_PACK_COLS * d->b_stride +
				       (uint64_t)k.first * NPU_PACK_COLS * size);
		box.mem_stride[0] = (int64_t)d->b_stride;
		box.size[0] =
			npu_round_up(k.end - k.first, npu_pack_group(d->b_type)) * NPU_PACK_COLS;
		box.size[1] = npu_div_up(part->cols, NPU_PACK_COLS);
	}
	npu_emit_load(w->e, &box);
}

/* Vectors are asked for by tile, so that a part finds what its tile loaded. */
static void set_zero_points(struct work *w, struct npu_mxu_operands *o, const struct chunk *c,
			    const struct npu_part *part)
{
	const struct npu_matmul *d = w->d;

	o->a_zp = (uint32_t)d->a_zp;
	o->b_zp = (uint32_t)d->b_zp;
	if (d->a_zp_per == NPU_PER_ROW) {
		o->a_zp_mode = NPU_ZP_VECTOR;
		o->a_zp = npu_vector_get(w->e, &w->a_zp, c->m.first) + part->row;
	} else if (d->a_zp_per == NPU_PER_VALUE) {
		o->a_zp_mode = NPU_ZP_SPM;
		o->a_zp = npu_vector_get(w->e, &w->a_zp, 0);
	}
	if (d->b_zp_per == NPU_PER_CHANNEL) {
		o->b_zp_mode = NPU_ZP_VECTOR;
		o->b_zp = npu_vector_get(w->e, &w->b_zp, c->n.first) + part->col;
	} else if (d->b_zp_per == NPU_PER_VALUE) {
		o->b_zp_mode = NPU_ZP_SPM;
		o->b_zp = npu_vector_get(w->e, &w->b_zp, 0);
	}
}

static void emit_part(struct work *w, const struct chunk *c, const struct npu_part *part,
		      struct range k)
{
	const struct npu_matmul *d = w->d;
	uint32_t cols = c->tile->cols;
	struct npu_cmd_matmul cmd = {
		.o = {
			.a_type = d->a_type,
			.b_type = d->b_type,
			.b_layout = d->b_layout,
			.flags = k.first ? NPU_MXU_ACCUMULATE : 0,
			.a = a_address(d, c, part->row, k.first),
			.b = b_address(d, c, part->col, k.first),
			.b_stride = b_block_stride(d, c->n, c->k),
			.acc = c->tile->acc + (part->row * cols + part->col) * 4,
		},
		.m = part->rows,
		.n = part->cols,
		.k = k.end - k.first,
		.a_stride = (c->k.end - c->k.first) * npu_type_size(d->a_type),
		.acc_stride = cols * 4,
	};

	if (c->load_a && !part->col)
		load_a(w, c, part, k);
	if (c->load_b && !part->row)
		load_b(w, c, part, k);
	set_zero_points(w, &cmd.o, c, part);
	npu_stream_matmul(w->e->s, &cmd);
}

/* Where the piece of a chunk that begins at @k ends. */
static uint32_t piece_end(const struct work *w, const struct chunk *c, uint32_t k, bool head,
			  bool tail)
{
	uint32_t left = c->k.end - k, head_k = w->param[HEAD], tail_k = w->param[TAIL];

	if (head && head_k && head_k < left)
		return k + head_k;
	if (tail && tail_k && tail_k < left)
		return k + npu_round_up(left - tail_k, npu_pack_group(w->d->b_type));
	return c->k.end;
}

/* The chunk in pieces along k; the very first and the very last one in parts. */
static void emit_chunk(struct work *w, const struct chunk *c, bool head, bool tail)
{
	const uint32_t *p = w->param;
	struct range k;

	for (k.first = c->k.first; k.first < c->k.end; k.first = k.end) {
		struct npu_parts how = { 0 };
		struct npu_part part = { 0 };

		k.end = piece_end(w, c, k.first, head, tail);
		if (head && k.first == c->k.first)
			how.cols = p[HEAD_COLS];
		if (tail && k.end == c->k.end) {
			how.cols = p[TAIL_COLS];
			how.rows = p[TAIL_ROWS];
		}
		while (npu_part_next(&how, c->tile, &part)) {
			emit_part(w, c, &part, k);
			if (k.end < w->d->k)
				continue;
			if (!part.col && !part.row)
				npu_finish_begin(w->e, &w->finish, c->tile);
			npu_finish_part(w->e, &w->finish, c->tile, &part);
		}
	}
}

static void emit_tile(struct work *w, uint32_t batch, struct range m, struct range n, bool first,
		      bool last)
{
	const struct npu_matmul *d = w->d;
	struct npu_tile tile = {
		.acc = npu_slots_next(&w->acc),
		.cols = n.end - n.first,
		.col0 = n.first,
		.rows = { m.end - m.first, 1, 1 },
		.out = batch * d->out_batch + m.first * d->out_stride + n.first,
		.out_stride = { d->out_stride },
		.residual = batch * d->residual_batch + m.first * d->residual_stride + n.first,
		.residual_stride = { d->residual_stride },
	};
	uint32_t k;

	for (k = 0; k < d->k; k += w->param[KT]) {
		struct chunk c = { .tile = &tile, .batch = batch, .m = m, .n = n, .k = { k } };

		c.k.end = npu_min((uint64_t)k + w->param[KT], d->k);
		place_chunk(w, &c);
		emit_chunk(w, &c, first && !k, last && c.k.end == d->k);
	}
}

static void prepare(struct work *w)
{
	const struct npu_matmul *d = w->d;
	const uint32_t *p = w->param;
	uint64_t k = npu_round_up(p[KT], npu_pack_group(d->b_type));
	uint64_t n = d->b_layout == NPU_B_PACKED ? npu_round_up(p[NT], NPU_PACK_COLS) : p[NT];

	npu_slots_spm(w->e, &w->a, (uint64_t)p[MT] * p[KT] * npu_type_size(d->a_type), p[A_SLOTS]);
	npu_slots_spm(w->e, &w->b, n * k * npu_type_size(d->b_type), p[B_SLOTS]);
	npu_slots_acc(w->e, &w->acc, (uint64_t)p[MT] * p[NT] * 4, p[ACC_SLOTS]);
	if (d->a_zp_per == NPU_PER_ROW)
		npu_vector_init(w->e, &w->a_zp, NPU_OP_REGION_A_ZP, 1, w->m.first, w->m.end, p[MT]);
	else if (d->a_zp_per == NPU_PER_VALUE)
		npu_vector_init(w->e, &w->a_zp, NPU_OP_REGION_A_ZP, 1, 0, 1, 1);
	if (d->b_zp_per == NPU_PER_CHANNEL)
		npu_vector_init(w->e, &w->b_zp, NPU_OP_REGION_B_ZP, 1, w->n.first, w->n.end, p[NT]);
	else if (d->b_zp_per == NPU_PER_VALUE)
		npu_vector_init(w->e, &w->b_zp, NPU_OP_REGION_B_ZP, 1, 0, 1, 1);
	npu_finish_init(w->e, &w->finish, &d->epilogue, npu_matmul_acc_type(d),
			(uint64_t)p[MT] * p[NT], w->n.first, w->n.end, p[NT], p[OUT_SLOTS]);
}

static void emit_tiles(struct work *w)
{
	bool m_outer = w->param[ORDER] == M_OUTER;
	struct range outer = m_outer ? w->m : w->n, inner = m_outer ? w->n : w->m;
	uint32_t outer_step = w->param[m_outer ? MT : NT], inner_step = w->param[m_outer ? NT : MT];
	uint32_t b, o, i;

	for (b = w->batch.first; b < w->batch.end; b++) {
		for (o = outer.first; o < outer.end; o += outer_step) {
			for (i = inner.first; i < inner.end; i += inner_step) {
				struct range ro = { o,
						    npu_min((uint64_t)o + outer_step, outer.end) };
				struct range ri = { i,
						    npu_min((uint64_t)i + inner_step, inner.end) };
				bool first =
					b == w->batch.first && o == outer.first && i == inner.first;
				bool last = b + 1 == w->batch.end && ro.end == outer.end &&
					    ri.end == inner.end;

				emit_tile(w, b, m_outer ? ro : ri, m_outer ? ri : ro, first, last);
				if (w->e->s->error)
					return;
			}
		}
	}
}

void npu_matmul_emit(struct npu_emit *e, const void *problem, const struct npu_candidate *c,
		     unsigned int core)
{
	const struct npu_matmul *d = problem;
	struct work w = { .e = e, .d = d, .param = c->param };
	const uint32_t *p = c->param;

	npu_share(d->batch, 1, p[CB], core / (p[CM] * p[CN]), &w.batch.first, &w.batch.end);
	npu_share(d->m, 1, p[CM], core / p[CN] % p[CM], &w.m.first, &w.m.end);
	npu_share(d->n, npu_matmul_column_unit(e->caps, d->n, p[CN]), p[CN], core % p[CN],
		  &w.n.first, &w.n.end);
	if (w.batch.first == w.batch.end || w.m.first == w.m.end || w.n.first == w.n.end)
		return;
	prepare(&w);
	if (!e->full)
		emit_tiles(&w);
	npu_slots_free(&w.a);
	npu_slots_free(&w.b);
	npu_slots_free(&w.acc);
	npu_vector_free(&w.a_zp);
	npu_vector_free(&w.b_zp);
	npu_finish_free(&w.finish);
}
