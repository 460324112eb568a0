// SPDX-License-Identifier: MIT
/*
 * Copyright (c) 2026 the npu authors
 *
 * The MXU's kernels in plain C, for any processor.
 */
#include "mxu.h"

#include <string.h>

#include "mxu_loops.h"

#define COLS NPU_PACK_COLS

static void block_i8(const struct npu_mxu_dot_i8 *d, unsigned int row, unsigned int col)
{
	const int8_t *b = d->b + (ptrdiff_t)(col / COLS) * d->ldb;
	unsigned int cols = d->cols - col < COLS ? d->cols - col : COLS;
	int32_t *c = d->c[row] + col;
	int32_t sum[COLS] = { 0 };
	unsigned int p, g, i;

	for (p = 0; p < d->pieces; p++) {
		const uint8_t *a = d->a[p * NPU_MXU_ROWS + row];

		for (g = 0; g < d->groups; g++, a += 4, b += 4 * COLS) {
			int32_t x[4] = { a[0] ^ d->flip, a[1] ^ d->flip, a[2] ^ d->flip,
					 a[3] ^ d->flip };

			for (i = 0; i < COLS; i++)
				sum[i] =
					(int32_t)((uint32_t)sum[i] +
						  (uint32_t)(x[0] * b[4 * i] + x[1] * b[4 * i + 1] +
							     x[2] * b[4 * i + 2] +
							     x[3] * b[4 * i + 3]));
		}
	}
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

static void dot_i8(const struct npu_mxu_dot_i8 *d)
{
	unsigned int row, col;

	for (col = 0; col < d->cols; col += COLS)
		for (row = 0; row < d->rows; row++)
			block_i8(d, row, col);
}

static void block_f32(const struct npu_mxu_dot_f32 *d, unsigned int row, unsigned int col)
{
	const float *a = d->a + row * d->lda;
	const float *b = d->b + (ptrdiff_t)(col / COLS) * d->ldb;
	unsigned int cols = d->cols - col < COLS ? d->cols - col : COLS;
	float *c = d->c[row] + col;
	float sum[COLS] = { 0 };
	unsigned int k, i;

	if (d->accumulate)
		memcpy(sum, c, cols * sizeof(*c));
	/* Once rounded: see loop_depthwise_f32(). */
	for (k = 0; k < d->k; k++, b += COLS)
		for (i = 0; i < COLS; i++)
			sum[i] = (float)((double)a[k] * b[i] + sum[i]);
	for (i = 0; i < cols; i++)
		c[i] = npu_f32_canonical(sum[i]);
}

static void dot_f32(const struct npu_mxu_dot_f32 *d)
{
	unsigned int row, col;

	for (col = 0; col < d->cols; col += COLS)
		for (row = 0; row < d->rows; row++)
			block_f32(d, row, col);
}

const struct npu_mxu_kernels npu_mxu_portable = {
	.dot_i8 = dot_i8,
	.dot_f32 = dot_f32,
	.sum = loop_sum,
	.widen = loop_widen,
	.widen_packed = loop_widen_packed,
	.depthwise_i8 = loop_depthwise_i8,
	.depthwise_f32 = loop_depthwise_f32,
};
