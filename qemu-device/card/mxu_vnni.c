// SPDX-License-Identifier: MIT
/*
 * Copyright (c) 2026 the npu authors
 *
 * The MXU's kernels for x86-64 with AVX-512 and VNNI. A tile of rows and blocks of 16 columns
 * stays in registers while k is walked: 24 of the 32 registers are sums, which hides the
 * multipliers' latency.
 */
#ifdef __x86_64__
#include <immintrin.h>
#include <stdbool.h>
#include <string.h>

#include "mxu.h"
#include "simd.h"

NPU_SIMD_BEGIN(NPU_SIMD_AVX512)

#include "mxu_loops.h"

#define COLS   NPU_PACK_COLS
#define INLINE static inline __attribute__((always_inline))

/* Sums of a tile at most, and blocks. */
#define MAX_ROWS   12
#define MAX_BLOCKS 4

/**
 * struct strip - blocks that go through all rows together
 * @col: first column
 * @mask: columns of the last block that are there
 * @plain: sums of integers begin with @start, and nothing is to be put right at their end
 */
struct strip {
	unsigned int col;
	__mmask16 mask;
	bool plain;
	__m512i start[MAX_BLOCKS];
};

/* ---- Integers ---------------------------------------------------------------------------- */

/*
 * The zero point of the first operand, where all rows have the same, is the same for each row of
 * results; their sums can begin with it. The row that may still have to give the sums of columns
 * is not one of them.
 */
INLINE void begin_i8(const struct npu_mxu_dot_i8 *d, struct strip *s, const unsigned int blocks)
{
	unsigned int j;

	s->plain = !d->bz && (!d->az || d->same_az);
#pragma GCC unroll 4
	for (j = 0; j < blocks; j++)
		s->start[j] =
			!d->az ? _mm512_setzero_si512() :
				 _mm512_mullo_epi32(_mm512_set1_epi32(-d->az[d->rows - 1]),
						    _mm512_load_si512(d->sb + s->col + j * COLS));
}

INLINE void store_i8(const struct npu_mxu_dot_i8 *d, unsigned int row, unsigned int col, __m512i v,
		     __mmask16 mask, bool plain)
{
	int32_t *c = d->c[row] + col;

	if (d->az && !plain)
		v = _mm512_sub_epi32(v, _mm512_mullo_epi32(_mm512_set1_epi32(d->az[row]),
							   _mm512_load_si512(d->sb + col)));
	if (d->bz && !plain)
		v = _mm512_sub_epi32(v, _mm512_mullo_epi32(_mm512_load_si512(d->bz + col),
							   _mm512_set1_epi32(d->ra[row])));
	if (d->accumulate)
		v = _mm512_add_epi32(v, _mm512_maskz_loadu_epi32(mask, c));
	_mm512_mask_storeu_epi32(c, mask, v);
}

INLINE void tile_i8(const struct npu_mxu_dot_i8 *d, unsigned int row, const struct strip *s,
		    const unsigned int rows, const unsigned int blocks)
{
	const int8_t *b = d->b + (ptrdiff_t)(s->col / COLS) * d->ldb;
	const __m512i flip = _mm512_set1_epi8((char)d->flip);
	const uint8_t *a[MAX_ROWS];
	__m512i sum[MAX_ROWS][MAX_BLOCKS];
	unsigned int p, r, j;
	size_t g;

#pragma GCC unroll 16
	for (r = 0; r < rows; r++)
#pragma GCC unroll 4
		for (j = 0; j < blocks; j++)
			sum[r][j] = s->plain ? s->start[j] : _mm512_setzero_si512();

	for (p = 0; p < d->pieces; p++) {
#pragma GCC unroll 16
		for (r = 0; r < rows; r++)
			a[r] = d->a[p * NPU_MXU_ROWS + row + r];
		for (g = 0; g < d->groups; g++, b += 4 * COLS) {
			__m512i w[MAX_BLOCKS];

#pragma GCC unroll 4
			for (j = 0; j < blocks; j++)
				w[j] = _mm512_loadu_si512(b + (ptrdiff_t)j * d->ldb);
#pragma GCC unroll 16
			for (r = 0; r < rows; r++) {
				int32_t four;
				__m512i x;

				memcpy(&four, a[r] + 4 * g, 4);
				x = _mm512_xor_si512(_mm512_set1_epi32(four), flip);
#pragma GCC unroll 4
				for (j = 0; j < blocks; j++)
					sum[r][j] = _mm512_dpbusd_epi32(sum[r][j], x, w[j]);
			}
		}
	}

	if (s->plain) {
#pragma GCC unroll 16
		for (r = 0; r < rows; r++)
#pragma GCC unroll 4
			for (j = 0; j < blocks; j++)
				store_i8(d, row + r, s->col + j * COLS, sum[r][j],
					 j + 1 == blocks ? s->mask : (__mmask16)0xffff, true);
		return;
	}
#pragma GCC unroll 16
	for (r = 0; r < rows; r++)
#pragma GCC unroll 4
		for (j = 0; j < blocks; j++)
			store_i8(d, row + r, s->col + j * COLS, sum[r][j],
				 j + 1 == blocks ? s->mask : (__mmask16)0xffff, false);
}

/* All rows of so many blocks: tiles of @most rows, the rest in smaller ones. */
#define STRIP(type, blocks, most)                                                                \
	static void strip_##type##_##blocks(const struct npu_mxu_dot_##type *d, struct strip *s) \
	{                                                                                        \
		unsigned int row = 0;                                                            \
                                                                                                 \
		for (; row + (most) <= d->rows; row += (most)) {                                 \
			tile_##type(d, row, s, most, blocks);                                    \
			if (!row)                                                                \
				begin_##type(d, s, blocks);                                      \
		}                                                                                \
		if (d->rows - row == 5) {                                                        \
			tile_##type(d, row, s, 5, blocks);                                       \
			return;                                                                  \
		}                                                                                \
		for (; row + 4 <= d->rows; row += 4)                                             \
			tile_##type(d, row, s, 4, blocks);                                       \
		if (d->rows - row == 3)                                                          \
			tile_##type(d, row, s, 3, blocks);                                       \
		else if (d->rows - row == 2)                                                     \
			tile_##type(d, row, s, 2, blocks);                                       \
		else if (d->rows - row == 1)                                                     \
			tile_##type(d, row, s, 1, blocks);                                       \
	}

#define DOT(type, most2, most1)                                      \
	STRIP(type, 4, 6)                                            \
	STRIP(type, 3, 8)                                            \
	STRIP(type, 2, most2)                                        \
	STRIP(type, 1, most1)                                        \
                                                                     \
	static void dot_##type(const struct npu_mxu_dot_##type *d)   \
	{                                                            \
		unsigned int blocks = (d->cols + COLS - 1) / COLS;   \
		struct strip s = { .mask = 0xffff };                 \
                                                                     \
		for (; blocks > 4; blocks -= 4, s.col += 4 * COLS) { \
			s.plain = false;                             \
			strip_##type##_4(d, &s);                     \
		}                                                    \
		s.plain = false;                                     \
		s.mask = (__mmask16)(0xffff >> (-d->cols % COLS));   \
		if (blocks == 4)                                     \
			strip_##type##_4(d, &s);                     \
		else if (blocks == 3)                                \
			strip_##type##_3(d, &s);                     \
		else if (blocks == 2)                                \
			strip_##type##_2(d, &s);                     \
		else                                                 \
			strip_##type##_1(d, &s);                     \
	}

/* More rows would want more addresses than there are registers. */
DOT(i8, 8, 8)

/* ---- Floats ------------------------------------------------------------------------------ */

INLINE void begin_f32(const struct npu_mxu_dot_f32 *d, struct strip *s, const unsigned int blocks)
{
	(void)d;
	(void)s;
	(void)blocks;
}

INLINE void tile_f32(const struct npu_mxu_dot_f32 *d, unsigned int row, const struct strip *s,
		     const unsigned int rows, const unsigned int blocks)
{
	const unsigned int col = s->col;
	const __mmask16 mask = s->mask;
	const float *a = d->a + row * d->lda;
	const float *b = d->b + (ptrdiff_t)(col / COLS) * d->ldb;
	__m512 sum[MAX_ROWS][MAX_BLOCKS];
	unsigned int k, r, j;

#pragma GCC unroll 16
	for (r = 0; r < rows; r++)
#pragma GCC unroll 4
		for (j = 0; j < blocks; j++) {
			__mmask16 m = j + 1 == blocks ? mask : (__mmask16)0xffff;

			sum[r][j] =
				d->accumulate ?
					_mm512_maskz_loadu_ps(m, d->c[row + r] + col + j * COLS) :
					_mm512_setzero_ps();
		}

	for (k = 0; k < d->k; k++, b += COLS) {
		__m512 w[MAX_BLOCKS];

#pragma GCC unroll 4
		for (j = 0; j < blocks; j++)
			w[j] = _mm512_loadu_ps(b + (ptrdiff_t)j * d->ldb);
#pragma GCC unroll 16
		for (r = 0; r < rows; r++) {
			__m512 x = _mm512_set1_ps(a[r * d->lda + k]);

#pragma GCC unroll 4
			for (j = 0; j < blocks; j++)
				sum[r][j] = _mm512_fmadd_ps(x, w[j], sum[r][j]);
		}
	}

#pragma GCC unroll 16
	for (r = 0; r < rows; r++)
#pragma GCC unroll 4
		for (j = 0; j < blocks; j++) {
			__mmask16 m = j + 1 == blocks ? mask : (__mmask16)0xffff;
			__mmask16 nan = _mm512_cmp_ps_mask(sum[r][j], sum[r][j], _CMP_UNORD_Q);
			__m512i v = _mm512_castps_si512(sum[r][j]);

			v = _mm512_mask_mov_epi32(v, nan, _mm512_set1_epi32(NPU_FP32_NAN));
			_mm512_mask_storeu_epi32(d->c[row + r] + col + j * COLS, m, v);
		}
}

DOT(f32, 12, 12)

const struct npu_mxu_kernels npu_mxu_vnni = {
	.dot_i8 = dot_i8,
	.dot_f32 = dot_f32,
	.sum = loop_sum,
	.widen = loop_widen,
	.widen_packed = loop_widen_packed,
	.depthwise_i8 = loop_depthwise_i8,
	.depthwise_f32 = loop_depthwise_f32,
};

NPU_SIMD_END
#endif
