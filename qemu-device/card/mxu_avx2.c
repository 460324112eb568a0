// SPDX-License-Identifier: MIT
/*
 * Copyright (c) 2026 the npu authors
 *
 * The MXU's kernels for x86-64 with AVX2 and FMA. Bytes are widened to 16 bits, because the
 * byte multiply of AVX2 saturates: some blocks of the second operand for all rows, a tile's rows of the first
 * for these blocks. A tile is a few rows by one block of 16 columns, whose sums take 10 of the 16
 * registers.
 */
#ifdef __x86_64__
#include <immintrin.h>
#include <string.h>

#include "mxu.h"
#include "simd.h"

NPU_SIMD_BEGIN(NPU_SIMD_AVX2)

#include "mxu_loops.h"

#define COLS   NPU_PACK_COLS
#define INLINE static inline __attribute__((always_inline))

#define ROWS   5 /* of a tile */
#define BLOCKS 4 /* that are widened at a time */

/* ---- Integers ---------------------------------------------------------------------------- */

/* Results of 8 columns that are all there. */
INLINE void finish_8(const struct npu_mxu_dot_i8 *d, unsigned int row, unsigned int col, __m256i v)
{
	__m256i *c = (__m256i *)(d->c[row] + col);

	if (d->az)
		v = _mm256_sub_epi32(
			v, _mm256_mullo_epi32(_mm256_set1_epi32(d->az[row]),
					      _mm256_loadu_si256((const __m256i *)(d->sb + col))));
	if (d->bz)
		v = _mm256_sub_epi32(
			v, _mm256_mullo_epi32(_mm256_loadu_si256((const __m256i *)(d->bz + col)),
					      _mm256_set1_epi32(d->ra[row])));
	if (d->accumulate)
		v = _mm256_add_epi32(v, _mm256_loadu_si256(c));
	_mm256_storeu_si256(c, v);
}

static void finish_i8(const struct npu_mxu_dot_i8 *d, unsigned int row, unsigned int col,
		      const int32_t *sum)
{
	unsigned int cols = d->cols - col < COLS ? d->cols - col : COLS;
	int32_t *c = d->c[row] + col;
	unsigned int i;

	for (i = 0; i < cols; i++) {
		uint32_t v = (uint32_t)sum[i];

		if (d->az)
			v -= (uint32_t)d->az[row] * (uint32_t)d->sb[col + i];
		if (d->bz)
			v -= (uint32_t)d->bz[col + i] * (uint32_t)d->ra[row];
		if (d->accumulate)
			v += (uint32_t)c[i];
		c[i] = (int32_t)v;
	}
}

/*
 * One block of 16 columns of the second operand, widened: of each two k the 16 columns' pairs. Returns
 * where the next block goes.
 */
static int16_t *widen_b(const struct npu_mxu_dot_i8 *d, unsigned int col, int16_t *dst)
{
	const int8_t *b = d->b + (ptrdiff_t)(col / COLS) * d->ldb;
	size_t groups = (size_t)d->pieces * d->groups;
	unsigned int j;

	for (; groups--; b += 4 * COLS, dst += 4 * COLS) {
		__m256i w[4];

#pragma GCC unroll 4
		for (j = 0; j < 4; j++)
			w[j] = _mm256_cvtepi8_epi16(_mm_loadu_si128((const __m128i *)b + j));
#pragma GCC unroll 2
		for (j = 0; j < 2; j++) {
			__m256 lo = _mm256_castsi256_ps(w[2 * j]);
			__m256 hi = _mm256_castsi256_ps(w[2 * j + 1]);
			__m256i k01 = _mm256_castps_si256(_mm256_shuffle_ps(lo, hi, 0x88));
			__m256i k23 = _mm256_castps_si256(_mm256_shuffle_ps(lo, hi, 0xdd));

			/* Shuffles work in halves: columns 0 1 4 5 | 2 3 6 7, then in order. */
			_mm256_store_si256((__m256i *)dst + j, _mm256_permute4x64_epi64(k01, 0xd8));
			_mm256_store_si256((__m256i *)dst + 2 + j,
					   _mm256_permute4x64_epi64(k23, 0xd8));
		}
	}
	return dst;
}

/* A row of the first operand, widened. */
static void widen_a(const struct npu_mxu_dot_i8 *d, unsigned int row, int16_t *dst)
{
	unsigned int p, i;

	for (p = 0; p < d->pieces; p++, dst += 4 * d->groups) {
		const uint8_t *a = d->a[p * NPU_MXU_ROWS + row];

		for (i = 0; i < 4 * d->groups; i++)
			dst[i] = a[i] ^ d->flip;
	}
}

/* A register holds 8 columns. */
INLINE void tile_i8(const struct npu_mxu_dot_i8 *d, const int16_t *a, const int16_t *b,
		    unsigned int row, unsigned int col, const unsigned int rows)
{
	size_t k, end = (size_t)d->pieces * d->groups * 4;
	__m256i sum[ROWS][2];
	unsigned int r;

#pragma GCC unroll 6
	for (r = 0; r < rows; r++)
		sum[r][0] = sum[r][1] = _mm256_setzero_si256();

	for (k = 0; k < end; k += 2, b += 2 * COLS) {
		__m256i w0 = _mm256_load_si256((const __m256i *)b);
		__m256i w1 = _mm256_load_si256((const __m256i *)b + 1);

#pragma GCC unroll 6
		for (r = 0; r < rows; r++) {
			int32_t two;
			__m256i x;

			memcpy(&two, a + r * NPU_MXU_K_I8 + k, 4);
			x = _mm256_set1_epi32(two);
			sum[r][0] = _mm256_add_epi32(sum[r][0], _mm256_madd_epi16(x, w0));
			sum[r][1] = _mm256_add_epi32(sum[r][1], _mm256_madd_epi16(x, w1));
		}
	}

#pragma GCC unroll 6
	for (r = 0; r < rows; r++) {
		int32_t out[COLS];

		if (d->cols - col >= COLS) {
			finish_8(d, row + r, col, sum[r][0]);
			finish_8(d, row + r, col + 8, sum[r][1]);
			continue;
		}
		_mm256_storeu_si256((__m256i *)out, sum[r][0]);
		_mm256_storeu_si256((__m256i *)out + 1, sum[r][1]);
		finish_i8(d, row + r, col, out);
	}
}

static void dot_i8(const struct npu_mxu_dot_i8 *d)
{
	int16_t b[BLOCKS * COLS * NPU_MXU_K_I8] __attribute__((aligned(32)));
	int16_t a[ROWS * NPU_MXU_K_I8];
	size_t block = (size_t)d->pieces * d->groups * 4 * COLS;
	unsigned int first, end, row, rows, col, r;

	for (first = 0; first < d->cols; first = end) {
		int16_t *next = b;

		end = d->cols - first < BLOCKS * COLS ? d->cols : first + BLOCKS * COLS;
		for (col = first; col < end; col += COLS)
			next = widen_b(d, col, next);
		for (row = 0; row < d->rows; row += rows) {
			const int16_t *w = b;

			rows = d->rows - row;
			rows = rows >= ROWS ? ROWS : rows >= 3 ? 3 : 1;
			for (r = 0; r < rows; r++)
				widen_a(d, row + r, a + r * NPU_MXU_K_I8);
			for (col = first; col < end; col += COLS, w += block) {
				if (rows == ROWS)
					tile_i8(d, a, w, row, col, ROWS);
				else if (rows == 3)
					tile_i8(d, a, w, row, col, 3);
				else
					tile_i8(d, a, w, row, col, 1);
			}
		}
	}
}

/* ---- Floats ------------------------------------------------------------------------------ */

INLINE void tile_f32(const struct npu_mxu_dot_f32 *d, unsigned int row, unsigned int col,
		     const unsigned int rows)
{
	unsigned int cols = d->cols - col < COLS ? d->cols - col : COLS;
	const float *a = d->a + row * d->lda;
	const float *b = d->b + (ptrdiff_t)(col / COLS) * d->ldb;
	float edge[6][COLS] = { 0 };
	__m256 sum[6][2];
	unsigned int k, r, i;

	for (r = 0; r < rows; r++)
		if (d->accumulate)
			memcpy(edge[r], d->c[row + r] + col, cols * sizeof(float));
#pragma GCC unroll 6
	for (r = 0; r < rows; r++) {
		sum[r][0] = _mm256_loadu_ps(edge[r]);
		sum[r][1] = _mm256_loadu_ps(edge[r] + 8);
	}

	for (k = 0; k < d->k; k++, b += COLS) {
		__m256 w0 = _mm256_loadu_ps(b);
		__m256 w1 = _mm256_loadu_ps(b + 8);

#pragma GCC unroll 6
		for (r = 0; r < rows; r++) {
			__m256 x = _mm256_broadcast_ss(a + r * d->lda + k);

			sum[r][0] = _mm256_fmadd_ps(x, w0, sum[r][0]);
			sum[r][1] = _mm256_fmadd_ps(x, w1, sum[r][1]);
		}
	}

#pragma GCC unroll 6
	for (r = 0; r < rows; r++) {
		_mm256_storeu_ps(edge[r], sum[r][0]);
		_mm256_storeu_ps(edge[r] + 8, sum[r][1]);
	}
	for (r = 0; r < rows; r++)
		for (i = 0; i < cols; i++)
			d->c[row + r][col + i] = npu_f32_canonical(edge[r][i]);
}

static void dot_f32(const struct npu_mxu_dot_f32 *d)
{
	unsigned int row, col;

	for (col = 0; col < d->cols; col += COLS) {
		for (row = 0; row + 6 <= d->rows; row += 6)
			tile_f32(d, row, col, 6);
		for (; row < d->rows; row++)
			tile_f32(d, row, col, 1);
	}
}

const struct npu_mxu_kernels npu_mxu_avx2 = {
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
