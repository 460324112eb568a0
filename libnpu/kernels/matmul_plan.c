// SPDX-License-Identifier: MIT
/*
 * Copyright (c) 2026 the npu authors
 *
 * Matrix products: what a descriptor may say, and the ways to cut one.
 */
#include <errno.h>
#include <string.h>

#include "hal/error.h"

#include "matmul.h"

/* Sizes of this and strides beyond it are not for 32-bit fields. */
#define MAX_DIM	   (1u << 30)
#define MAX_STRIDE (1ull << 40)

uint32_t npu_matmul_acc_type(const struct npu_matmul *d)
{
	return npu_is_float(d->a_type) ? NPU_FP32 : NPU_S32;
}

static uint64_t packed_stride(const struct npu_matmul *d)
{
	uint32_t q = npu_pack_group(d->b_type);

	return npu_round_up(d->k, q) * NPU_PACK_COLS * npu_type_size(d->b_type);
}

/* ---- Descriptors ----------------------------------------------------------------------------- */

static int check_types(const struct npu_matmul *d)
{
	bool bytes = d->b_type == NPU_S8 || d->b_type == NPU_U8;

	if (d->a_type == NPU_S8 || d->a_type == NPU_U8) {
		if (!bytes)
			return npu_fail(-EINVAL, "b_type %u: S8 or U8 go with an 8-bit a_type",
					d->b_type);
	} else if (d->a_type == NPU_BF16 || d->a_type == NPU_FP16) {
		if (d->b_type != d->a_type)
			return npu_fail(-EINVAL, "b_type %u is not a_type %u", d->b_type,
					d->a_type);
	} else {
		return npu_fail(-EINVAL, "a_type %u: S8, U8, BF16 or FP16", d->a_type);
	}
	return 0;
}

int npu_zero_point_check(const char *what, uint32_t per, uint32_t allowed, uint32_t type,
			 int32_t zp)
{
	int lo = type == NPU_S8 ? -128 : 0, hi = type == NPU_S8 ? 127 : 255;

	if (per > NPU_PER_VALUE || !(allowed & 1u << per))
		return npu_fail(-EINVAL, "%s_zp_per %u", what, per);
	if (per != NPU_PER_NONE && npu_is_float(type))
		return npu_fail(-EINVAL, "%s_zp_per: float types have no zero point", what);
	if (per == NPU_PER_TENSOR ? zp < lo || zp > hi : zp != 0)
		return npu_fail(-EINVAL, "%s_zp %d", what, zp);
	return 0;
}

static int check_stride(const char *what, uint64_t stride, uint64_t least)
{
	if (stride < least || stride > MAX_STRIDE)
		return npu_fail(-EINVAL, "%s %llu: %llu to 2^40", what, (unsigned long long)stride,
				(unsigned long long)least);
	return 0;
}

static int check_strides(struct npu_matmul *d)
{
	uint64_t bs = npu_type_size(d->b_type), span;
	int ret;

	if (!d->a_stride)
		d->a_stride = d->k;
	if (!d->out_stride)
		d->out_stride = d->n;
	if (!d->residual_stride || !d->epilogue.residual)
		d->residual_stride = d->n;
	if (d->b_layout == NPU_B_PACKED) {
		if (!d->b_stride)
			d->b_stride = packed_stride(d);
		if (d->b_stride % NPU_PACK_ALIGN || d->b_batch % NPU_PACK_ALIGN)
			return npu_fail(-EINVAL,
					"b_stride, b_batch: multiples of %u for packed ones",
					NPU_PACK_ALIGN);
		ret = check_stride("b_stride", d->b_stride, packed_stride(d));
	} else {
		uint32_t row = d->b_layout == NPU_B_ROWS ? d->n : d->k;

		if (!d->b_stride)
			d->b_stride = row;
		ret = check_stride("b_stride", d->b_stride * bs, row * bs);
	}
	if (!ret)
		ret = check_stride("a_stride", d->a_stride, d->k);
	if (!ret)
		ret = check_stride("out_stride", d->out_stride, d->n);
	if (!ret && d->epilogue.residual)
		ret = check_stride("residual_stride", d->residual_stride, d->n);
	if (ret)
		return ret;
	if (!npu_span_fits(1, 0, d->m, d->a_stride) || !npu_span_fits(1, 0, d->m, d->out_stride) ||
	    !npu_span_fits(1, 0, d->m, d->residual_stride) ||
	    !npu_span_fits(1, 0, npu_max(d->n, d->k), d->b_stride))
		return npu_fail(-EINVAL, "a tensor of more than 2^46 elements");
	if (d->batch == 1) {
		d->a_batch = 0;
		d->b_batch = 0;
		d->out_batch = 0;
		d->residual_batch = 0;
		return 0;
	}
	if (!d->out_batch)
		d->out_batch = d->m * d->out_stride;
	if (!d->residual_batch)
		d->residual_batch = d->m * d->residual_stride;
	if (d->a_batch > MAX_STRIDE || d->b_batch > MAX_STRIDE || d->out_batch > MAX_STRIDE ||
	    d->residual_batch > MAX_STRIDE)
		return npu_fail(-EINVAL,
				"a_batch, b_batch, out_batch, residual_batch: at most 2^40");
	if (!npu_span_fits(d->batch, d->a_batch, d->m, d->a_stride) ||
	    !npu_span_fits(d->batch, d->b_batch, npu_max(d->n, d->k), d->b_stride) ||
	    !npu_span_fits(d->batch, d->out_batch, d->m, d->out_stride) ||
	    !npu_span_fits(d->batch, d->residual_batch, d->m, d->residual_stride))
		return npu_fail(-EINVAL, "a tensor of more than 2^46 elements");
	if (!d->epilogue.residual)
		d->residual_batch = 0;
	/*
	 * Outputs of two products either follow one another, or stand beside each other within
	 * rows.
	 */
	span = (d->m - 1) * d->out_stride + d->n;
	if (d->out_batch < span &&
	    (d->out_batch < d->n || (d->batch - 1) * d->out_batch + d->n > d->out_stride))
		return npu_fail(-EINVAL, "out_batch %llu: products would overlap",
				(unsigned long long)d->out_batch);
	return 0;
}

static int normalise(const void *desc, void *out)
{
	struct npu_matmul *d = out;
	int ret;

	memcpy(d, desc, sizeof(*d));
	if (!d->batch)
		d->batch = 1;
	if (!d->m || !d->n || !d->k || d->m > MAX_DIM || d->n > MAX_DIM || d->k > MAX_DIM ||
	    d->batch > MAX_DIM)
		return npu_fail(-EINVAL, "batch %u, m %u, n %u, k %u: 1 to 2^30", d->batch, d->m,
				d->n, d->k);
	if (d->reserved)
		return npu_fail(-EINVAL, "reserved is not zero");
	if (d->b_layout > NPU_B_PACKED)
		return npu_fail(-EINVAL, "b_layout %u", d->b_layout);
	ret = check_types(d);
	if (!ret)
		ret = npu_zero_point_check("a", d->a_zp_per,
					   1u << NPU_PER_NONE | 1u << NPU_PER_TENSOR |
						   1u << NPU_PER_ROW | 1u << NPU_PER_VALUE,
					   d->a_type, d->a_zp);
	if (!ret)
		ret = npu_zero_point_check("b", d->b_zp_per,
					   1u << NPU_PER_NONE | 1u << NPU_PER_TENSOR |
						   1u << NPU_PER_CHANNEL | 1u << NPU_PER_VALUE,
					   d->b_type, d->b_zp);
	if (!ret)
		ret = npu_epilogue_check(&d->epilogue);
	if (!ret)
		ret = check_strides(d);
	return ret;
}

static uint64_t span_of(uint64_t batch, uint64_t batch_stride, uint64_t rows, uint64_t stride,
			uint64_t row)
{
	return (batch - 1) * batch_stride + (rows - 1) * stride + row;
}

static void describe(const void *desc, struct npu_spec *spec)
{
	const struct npu_matmul *d = desc;
	uint32_t shape[3], dims;

	dims = d->a_batch ? 3 : 2;
	memcpy(shape, (uint32_t[]){ d->batch, d->m, d->k }, sizeof(shape));
	npu_spec_add(spec, "a", NPU_OP_REGION_A, NPU_TENSOR_INPUT, d->a_type,
		     span_of(d->batch, d->a_batch, d->m, d->a_stride, d->k), dims, shape + 3 - dims)
		->zero_point = d->a_zp;
	dims = d->b_batch ? 3 : 2;
	if (d->b_layout == NPU_B_PACKED) {
		uint64_t blocks = npu_div_up(d->n, NPU_PACK_COLS);
		uint64_t bytes =
			(d->batch - 1) * d->b_batch + (blocks - 1) * d->b_stride + packed_stride(d);

		shape[0] = 0;
		npu_spec_add(spec, "b", NPU_OP_REGION_B, NPU_TENSOR_INPUT, d->b_type,
			     bytes / npu_type_size(d->b_type), 1, shape);
	} else {
		uint32_t rows = d->b_layout == NPU_B_ROWS ? d->k : d->n;
		uint32_t row = d->b_layout == NPU_B_ROWS ? d->n : d->k;

		memcpy(shape, (uint32_t[]){ d->batch, rows, row }, sizeof(shape));
		npu_spec_add(spec, "b", NPU_OP_REGION_B, NPU_TENSOR_INPUT, d->b_type,
			     span_of(d->batch, d->b_batch, rows, d->b_stride, row), dims,
			     shape + 3 - dims)
			->zero_point = d->b_zp;
	}
	dims = d->batch > 1 ? 3 : 2;
	memcpy(shape, (uint32_t[]){ d->batch, d->m, d->n }, sizeof(shape));
	npu_spec_add(spec, "out", NPU_OP_REGION_OUT, NPU_TENSOR_OUTPUT, d->epilogue.out_type,
		     span_of(d->batch, d->out_batch, d->m, d->out_stride, d->n), dims,
		     shape + 3 - dims)
		->zero_point = d->epilogue.out_zp;
	if (d->epilogue.residual)
		npu_spec_add(spec, "residual", NPU_OP_REGION_RESIDUAL, NPU_TENSOR_INPUT,
			     d->epilogue.residual_type,
			     span_of(d->batch, d->residual_batch, d->m, d->residual_stride, d->n),
			     dims, shape + 3 - dims);
	npu_spec_product(spec, &d->epilogue, d->n);
	if (d->a_zp_per >= NPU_PER_ROW)
		npu_spec_add(spec, "a_zp", NPU_OP_REGION_A_ZP, NPU_TENSOR_INPUT, d->a_type, 0, 1,
			     d->a_zp_per == NPU_PER_ROW ? &d->m : (uint32_t[]){ 1 });
	if (d->b_zp_per >= NPU_PER_CHANNEL)
		npu_spec_add(spec, "b_zp", NPU_OP_REGION_B_ZP, NPU_TENSOR_INPUT, d->b_type, 0, 1,
			     d->b_zp_per == NPU_PER_CHANNEL ? &d->n : (uint32_t[]){ 1 });
}

static void layout(const void *desc, unsigned int region, struct npu_layout *l)
{
	const struct npu_matmul *d = desc;
	uint64_t size = npu_type_size(d->b_type);

	switch (region) {
	case NPU_OP_REGION_A:
		*l = (struct npu_layout){ d->k,
					  { d->m, d->a_batch ? d->batch : 1 },
					  { d->a_stride, d->a_batch } };
		break;
	case NPU_OP_REGION_B:
		*l = (struct npu_layout){ d->b_layout == NPU_B_COLS ? d->k : d->n,
					  { d->b_layout == NPU_B_COLS ? d->n : d->k,
					    d->b_batch ? d->batch : 1 },
					  { d->b_stride, d->b_batch } };
		if (d->b_layout == NPU_B_PACKED) {
			l->run = packed_stride(d) / size;
			l->count[0] = npu_div_up(d->n, NPU_PACK_COLS);
			l->stride[0] /= size;
			l->stride[1] /= size;
		}
		break;
	case NPU_OP_REGION_OUT:
		*l = (struct npu_layout){ d->n,
					  { d->m, d->batch },
					  { d->out_stride, d->out_batch } };
		break;
	case NPU_OP_REGION_RESIDUAL:
		*l = (struct npu_layout){ d->n,
					  { d->m, d->batch },
					  { d->residual_stride, d->residual_batch } };
		break;
	}
}

/* ---- Candidates ------------------------------------------------------------------------------ */

uint32_t npu_matmul_column_unit(const struct npu_caps *caps, uint32_t n, uint32_t parts)
{
	return n >= (uint64_t)caps->array_cols * parts && caps->array_cols % NPU_PACK_COLS == 0 ?
		       caps->array_cols :
		       NPU_PACK_COLS;
}

/* A core's share, the largest, and what it costs. */
struct share {
	uint64_t batch, m, n;
};

/* Cycles of the array for one tile of @m rows, @n columns and all of k, in chunks. */
static uint64_t tile_cycles(const struct npu_caps *caps, const struct npu_matmul *d, uint64_t m,
			    uint64_t n, uint64_t kt)
{
	uint64_t stream = m * (npu_is_float(d->a_type) ? caps->float_div : 1);
	uint64_t chunks = npu_div_up(d->k, kt), rest = d->k - (chunks - 1) * kt;
	uint64_t load = npu_div_up(caps->array_rows, caps->weight_rows);
	uint64_t tiles = (chunks - 1) * npu_div_up(kt, caps->array_rows) +
			 npu_div_up(rest, caps->array_rows);

	return chunks * caps->cmd_cycles +
	       npu_div_up(n, caps->array_cols) * tiles * npu_max(stream, load);
}

static uint64_t bursts(uint64_t rows, uint64_t row)
{
	/* A row that does not fill its bursts also begins somewhere within one. */
	return rows *
	       (row % NPU_DMA_BURST ? npu_round_up(row, NPU_DMA_BURST) + NPU_DMA_BURST / 2 : row);
}

static uint64_t estimate(const struct npu_caps *caps, const struct npu_matmul *d,
			 const struct share *s, const struct npu_candidate *c)
{
	const uint32_t *p = c->param;
	uint64_t as = npu_type_size(d->a_type), bs = npu_type_size(d->b_type);
	uint64_t os = npu_type_size(d->epilogue.out_type);
	uint64_t mts = npu_div_up(s->m, p[MT]), nts = npu_div_up(s->n, p[NT]);
	uint64_t chunks = npu_div_up(d->k, p[KT]), m_rest = s->m - (mts - 1) * p[MT];
	uint64_t n_rest = s->n - (nts - 1) * p[NT];
	uint64_t a_all = bursts(s->m * chunks, p[KT] * as), b_all, a_times, b_times, a_batch,
		 b_batch;
	uint64_t mxu, bytes, vpu, out, commands, first, last,
		share = npu_max(1, caps->lmem_bw / caps->cores);

	b_all = d->b_layout == NPU_B_ROWS ? bursts(d->k * nts, npu_min(p[NT], s->n) * bs) :
		d->b_layout == NPU_B_COLS ? bursts(s->n * chunks, p[KT] * bs) :
					    npu_round_up(s->n, NPU_PACK_COLS) * d->k * bs;
	mxu = (mts - 1) * (nts - 1) * tile_cycles(caps, d, p[MT], p[NT], p[KT]) +
	      (mts - 1) * tile_cycles(caps, d, p[MT], n_rest, p[KT]) +
	      (nts - 1) * tile_cycles(caps, d, m_rest, p[NT], p[KT]) +
	      tile_cycles(caps, d, m_rest, n_rest, p[KT]);
	/* How often each operand is loaded: once where a ring holds what the loops come back to. */
	if (p[ORDER] == M_OUTER) {
		a_times = nts == 1 || p[A_SLOTS] >= chunks ? 1 : nts;
		b_times = mts == 1 || p[B_SLOTS] >= chunks * nts ? 1 : mts;
	} else {
		b_times = mts == 1 || p[B_SLOTS] >= chunks ? 1 : mts;
		a_times = nts == 1 || p[A_SLOTS] >= chunks * mts ? 1 : nts;
	}
	a_batch = d->a_batch || p[A_SLOTS] < chunks * mts ? s->batch : 1;
	b_batch = d->b_batch || p[B_SLOTS] < chunks * nts ? s->batch : 1;
	out = bursts(s->m * nts, npu_min(p[NT], s->n) * os);
	bytes = a_all * a_times * a_batch + b_all * b_times * b_batch + out * s->batch;
	if (d->epilogue.residual)
		bytes += s->batch *
			 bursts(s->m * nts,
				npu_min(p[NT], s->n) * npu_type_size(d->epilogue.residual_type));
	commands = s->batch * mts * nts * chunks * 2;
	vpu = s->batch * (s->m * s->n / caps->vpu_lanes + mts * nts * caps->cmd_cycles);
	first = caps->lmem_latency + (p[MT] * p[KT] * as + p[NT] * p[KT] * bs) / share;
	last = tile_cycles(caps, d, m_rest, n_rest, p[KT]) / chunks + caps->array_rows +
	       caps->array_cols +
	       (m_rest * n_rest / caps->vpu_lanes + m_rest * n_rest * os / share) / 4 +
	       caps->lmem_latency;
	return npu_max(npu_max(s->batch * mxu, vpu),
		       bytes / share + commands * caps->cmd_cycles / 2) +
	       first / 2 + last / 2;
}

/*
 * Give the operands their places: what the loops come back to if it fits, else a few to stream
 * through.
 */
static bool place(const struct npu_caps *caps, const struct npu_matmul *d, const struct share *s,
		  struct npu_candidate *c)
{
	uint32_t *p = c->param;
	uint64_t chunks = npu_div_up(d->k, p[KT]);
	uint64_t a =
		npu_round_up((uint64_t)p[MT] * p[KT] * npu_type_size(d->a_type), NPU_EMIT_ALIGN);
	uint64_t b = npu_round_up(npu_round_up(p[NT], NPU_PACK_COLS) * npu_round_up(p[KT], 4) *
					  npu_type_size(d->b_type),
				  NPU_EMIT_ALIGN);
	uint64_t mts = npu_div_up(s->m, p[MT]), nts = npu_div_up(s->n, p[NT]);
	uint64_t tile = (uint64_t)p[MT] * p[NT], used, room, want_a, want_b;

	p[ACC_SLOTS] = npu_min(caps->acc_size / npu_round_up(tile * 4, NPU_EMIT_ALIGN), 4);
	if (!p[ACC_SLOTS])
		return false;
	for (p[OUT_SLOTS] = 3;; p[OUT_SLOTS]--) {
		used = npu_finish_bytes(&d->epilogue, npu_matmul_acc_type(d), tile, s->n, p[NT],
					p[OUT_SLOTS]);
		used += npu_max(npu_min(s->m, 32768), 3ull * p[MT] + 192) + 64 +
			npu_max(npu_min(s->n, 32768), 3ull * p[NT] + 192) + 64;
		if (used + 2 * (a + b) <= caps->spm_size)
			break;
		if (p[OUT_SLOTS] == 1) {
			if (used + a + b > caps->spm_size)
				return false;
			break;
		}
	}
	room = caps->spm_size - used;
	/* All of it, one panel and a bit, a stream. */
	want_a = chunks * mts * (d->a_batch ? npu_min(s->batch, 2) : 1);
	want_b = chunks * nts * (d->b_batch ? npu_min(s->batch, 2) : 1);
	if (p[ORDER] == M_OUTER) {
		want_a = npu_min(want_a, chunks + npu_min(chunks, 3));
		if (want_a * a + 2 * b > room)
			want_a = npu_min(want_a, 3);
		if (want_a * a + want_b * b > room)
			want_b = npu_min(want_b, 4);
	} else {
		want_b = npu_min(want_b, chunks + npu_min(chunks, 3));
		if (want_b * b + 2 * a > room)
			want_b = npu_min(want_b, 3);
		if (want_a * a + want_b * b > room)
			want_a = npu_min(want_a, 4);
	}
	while (want_a * a + want_b * b > room) {
		if (want_a == 1 && want_b == 1)
			return false;
		if (want_b == 1 || (want_a > 1 && want_a * a > want_b * b))
			want_a--;
		else
			want_b--;
	}
	p[A_SLOTS] = want_a;
	p[B_SLOTS] = want_b;
	return true;
}

/* Cut @total into equal parts of about @size, multiples of @unit. */
static uint32_t even(uint64_t total, uint64_t size, uint64_t unit)
{
	uint64_t parts = npu_div_up(total, size);

	return npu_min(npu_round_up(npu_div_up(total, parts), unit), total);
}

/* How the first and the last tile are cut, before it is known better. */
static void set_ends(const struct npu_caps *caps, uint32_t *p)
{
	p[HEAD] = npu_k_unit(caps);
	p[HEAD_COLS] = npu_column_unit(caps->array_cols);
	p[TAIL] = 0;
	p[TAIL_COLS] = npu_column_unit(caps->array_cols);
	p[TAIL_ROWS] = p[MT] < 128 ? 0 : npu_div_up(p[MT], 2);
}

static void add_tilings(struct npu_search *search, const struct npu_matmul *d,
			const struct share *s, struct npu_candidate *c)
{
	static const uint32_t rows[] = { 1 << 30, 1024, 768, 512, 384, 256, 192,
					 128,	  96,	64,  48,  32,  16,  1 };
	static const uint32_t columns[] = { 1 << 30, 16, 8, 6, 4, 3, 2, 1 };
	static const uint32_t chunks[] = { 1 << 30, 2048, 1024, 768, 512, 256, 192, 128, 64, 16 };
	const struct npu_caps *caps = search->caps;
	uint32_t unit = npu_column_unit(caps->array_cols), i, j, l, order, *p = c->param,
		 last_m = 0, last_n = 0, last_k = 0;

	for (i = 0; i < sizeof(rows) / sizeof(rows[0]); i++, last_m = p[MT]) {
		p[MT] = even(s->m, rows[i], 1);
		if (i && p[MT] == last_m)
			continue;
		for (j = 0, last_n = 0; j < sizeof(columns) / sizeof(columns[0]);
		     j++, last_n = p[NT]) {
			p[NT] = even(s->n, npu_min((uint64_t)columns[j] * unit, 1 << 30), unit);
			if ((j && p[NT] == last_n) || (uint64_t)p[MT] * p[NT] * 4 > caps->acc_size)
				continue;
			for (l = 0, last_k = 0; l < sizeof(chunks) / sizeof(chunks[0]);
			     l++, last_k = p[KT]) {
				/* Whole groups of packed k, whatever the array's rows. */
				p[KT] = even(d->k, chunks[l],
					     chunks[l] < npu_k_unit(caps) ? npu_max(4, chunks[l]) :
									    npu_k_unit(caps));
				if (l && p[KT] == last_k)
					continue;
				for (order = M_OUTER; order <= N_OUTER; order++) {
					p[ORDER] = order;
					if (!npu_search_look(search))
						return;
					if (!place(caps, d, s, c))
						continue;
					set_ends(caps, p);
					c->estimate = estimate(caps, d, s, c);
					npu_search_add(search, c);
				}
			}
		}
	}
}

/* The share of the core that has the largest. */
static struct share largest_share(const struct npu_caps *caps, const struct npu_matmul *d,
				  const uint32_t *p)
{
	struct share s;
	uint32_t first, end;

	npu_share(d->batch, 1, p[CB], 0, &first, &end);
	s.batch = end - first;
	npu_share(d->m, 1, p[CM], 0, &first, &end);
	s.m = end - first;
	npu_share(d->n, npu_matmul_column_unit(caps, d->n, p[CN]), p[CN], 0, &first, &end);
	s.n = end - first;
	return s;
}

static void add_partitions(struct npu_search *search, const struct npu_matmul *d, uint32_t cores)
{
	uint32_t cb, cm, cn;

	for (cb = 1; cb <= cores; cb++) {
		for (cm = 1; cm <= cores / cb; cm++) {
			struct npu_candidate c = { .cores = cores };
			struct share s;

			cn = cores / cb / cm;
			if (cb * cm * cn != cores || cb > d->batch || cm > d->m ||
			    cn > npu_div_up(d->n, npu_matmul_column_unit(search->caps, d->n, cn)))
				continue;
			c.param[CB] = cb;
			c.param[CM] = cm;
			c.param[CN] = cn;
			s = largest_share(search->caps, d, c.param);
			add_tilings(search, d, &s, &c);
		}
	}
}

static bool vary(const struct npu_search *search, const struct npu_candidate *c, unsigned int i,
		 struct npu_candidate *v)
{
	static const struct {
		uint8_t param, times;
	} end[] = {
		{ HEAD, 0 },	  { HEAD, 1 },	    { HEAD, 2 },      { HEAD, 4 },
		{ HEAD_COLS, 0 }, { HEAD_COLS, 1 }, { TAIL, 0 },      { TAIL, 1 },
		{ TAIL, 2 },	  { TAIL, 4 },	    { TAIL_COLS, 0 }, { TAIL_COLS, 1 },
		{ TAIL_COLS, 2 }, { TAIL_ROWS, 1 }, { TAIL_ROWS, 2 }, { TAIL_ROWS, 3 },
		{ TAIL_ROWS, 4 },
	};
	const struct npu_caps *caps = search->caps;
	const struct npu_matmul *d = search->problem;
	struct share s = largest_share(caps, d, c->param);
	uint32_t *p = v->param, unit;

	if (i < sizeof(end) / sizeof(end[0])) {
		unit = end[i].param == HEAD || end[i].param == TAIL ?
			       npu_k_unit(caps) :
			       npu_column_unit(caps->array_cols);
		p[end[i].param] = end[i].param == TAIL_ROWS ? npu_div_up(p[MT], end[i].times) :
							      end[i].times * unit;
		return true;
	}
	switch (i - sizeof(end) / sizeof(end[0])) {
	case 0:
		p[KT] = npu_min(npu_round_up(2ull * p[KT], npu_k_unit(caps)), d->k);
		break;
	case 1:
		p[KT] = npu_min(npu_round_up(npu_div_up(p[KT], 2), npu_k_unit(caps)), d->k);
		break;
	case 2:
		p[NT] = npu_min(npu_round_up(p[NT] + 1ull, npu_column_unit(caps->array_cols)), s.n);
		break;
	case 3:
		if (p[NT] > npu_column_unit(caps->array_cols))
			p[NT] = (p[NT] - 1) / npu_column_unit(caps->array_cols) *
				npu_column_unit(caps->array_cols);
		break;
	case 4:
		p[MT] = npu_div_up(s.m, npu_div_up(s.m, p[MT]) + 1);
		break;
	case 5:
		p[ORDER] = p[ORDER] == M_OUTER ? N_OUTER : M_OUTER;
		break;
	default:
		return false;
	}
	if (!place(caps, d, &s, v))
		*v = *c;
	return true;
}

static int compile(const struct npu_caps *caps, const void *desc, struct npu_effort *effort,
		   struct npu_gang *gang)
{
	struct npu_search search = {
		.caps = caps,
		.problem = desc,
		.effort = effort,
		.emit = npu_matmul_emit,
		.vary = vary,
	};
	uint32_t cores;

	/* All cores, or half of them, ...: what does not divide well may do better on fewer. */
	for (cores = caps->cores; cores; cores /= 2)
		add_partitions(&search, desc, cores);
	return npu_search_run(&search, gang);
}

const struct npu_op npu_op_matmul = {
	.name = "matmul",
	.size = sizeof(struct npu_matmul),
	.normalise = normalise,
	.compile = compile,
	.describe = describe,
	.layout = layout,
	.in_place = 1u << NPU_OP_REGION_RESIDUAL,
};
