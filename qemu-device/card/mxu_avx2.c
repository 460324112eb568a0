// SPDX-License-Identifier: MIT
/*
 * Copyright (c) 2026 the npu authors
 *
 * The MXU's kernels for x86-64 with AVX2 and FMA. Bytes are widened to 16 bits, because the
 * byte multiply of AVX2 saturates. A tile is a few rows by one block of 16 columns.
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

/* ---- Integers ---------------------------------------------------------------------------- */

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

/* A register holds 4 columns, each as two sums of pairs. */
INLINE void tile_i8(const struct npu_mxu_dot_i8 *d, unsigned int row, unsigned int col,
		    const unsigned int rows)
{
	const int8_t *b = d->b + (ptrdiff_t)(col / COLS) * d->ldb;
	const __m128i flip = _mm_set1_epi8((char)d->flip);
	const uint8_t *a[2];
	__m256i sum[2][4];
	unsigned int p, g, r, j;

#pragma GCC unroll 2
	for (r = 0; r < rows; r++)
#pragma GCC unroll 4
		for (j = 0; j < 4; j++)
			sum[r][j] = _mm256_setzero_si256();

	for (p = 0; p < d->pieces; p++) {
#pragma GCC unroll 2
		for (r = 0; r < rows; r++)
			a[r] = d->a[p * NPU_MXU_ROWS + row + r];
		for (g = 0; g < d->groups; g++, b += 4 * COLS) {
			__m256i w[4];

#pragma GCC unroll 4
			for (j = 0; j < 4; j++)
				w[j] = _mm256_cvtepi8_epi16(
					_mm_loadu_si128((const __m128i *)b + j));
#pragma GCC unroll 2
			for (r = 0; r < rows; r++) {
				int32_t four;
				__m256i x;

				memcpy(&four, a[r] + 4 * (size_t)g, 4);
				x = _mm256_cvtepu8_epi16(_mm_xor_si128(_mm_set1_epi32(four), flip));
#pragma GCC unroll 4
				for (j = 0; j < 4; j++)
					sum[r][j] = _mm256_add_epi32(sum[r][j],
								     _mm256_madd_epi16(x, w[j]));
			}
		}
	}

#pragma GCC unroll 2
	for (r = 0; r < rows; r++) {
		/* hadd works in halves: columns 0 1 4 5 | 2 3 6 7, then in order. */
		__m256i lo =
			_mm256_permute4x64_epi64(_mm256_hadd_epi32(sum[r][0], sum[r][1]), 0xd8);
		__m256i hi =
			_mm256_permute4x64_epi64(_mm256_hadd_epi32(sum[r][2], sum[r][3]), 0xd8);
		int32_t out[COLS];

		_mm256_storeu_si256((__m256i *)out, lo);
		_mm256_storeu_si256((__m256i *)out + 1, hi);
		finish_i8(d, row + r, col, out);
	}
}

static void dot_i8(const struct npu_mxu_dot_i8 *d)
{
	unsigned int row, col;

	for (col = 0; col < d->cols; col += COLS) {
		for (row = 0; row + 2 <= d->rows; row += 2)
			tile_i8(d, row, col, 2);
		if (row < d->rows)
			tile_i8(d, row, col, 1);
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
