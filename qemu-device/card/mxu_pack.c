// SPDX-License-Identifier: MIT
/*
 * Copyright (c) 2026 the npu authors
 *
 * Panels of the MXU's operands: rows of the first by im2col, blocks of the second from any of
 * its layouts.
 */
#include <string.h>

#include "float16.h"
#include "mxu.h"

#define COLS NPU_PACK_COLS

/* ---- First operand ----------------------------------------------------------------------- */

void npu_mxu_pack_a_i8(const struct npu_mxu_job *j, const struct npu_mxu_pixel *p, uint64_t k0,
		       uint64_t k1, uint8_t outside, uint8_t *dst)
{
	bool dense = j->a_stride[0] == (int64_t)j->in_c && j->dilation_w == 1;
	uint64_t tap = k0 / j->in_c;
	uint64_t c = k0 % j->in_c;
	uint32_t r = (uint32_t)(tap / j->kernel_w);
	uint32_t s = (uint32_t)(tap % j->kernel_w);
	uint32_t s0, s1;
	uint64_t k = k0;

	npu_mxu_cols(j, p->x, &s0, &s1);
	while (k < k1) {
		int64_t row = npu_mxu_row(j, p->y, r);
		bool inside = row >= 0 && row < j->in_h && s >= s0 && s < s1;
		uint64_t taps = 1;
		uint64_t len;

		/* Taps of a row are taken together where nothing lies between them. */
		if (row < 0 || row >= j->in_h || s >= s1)
			taps = j->kernel_w - s;
		else if (s < s0)
			taps = s0 - s;
		else if (dense)
			taps = s1 - s;
		len = taps * j->in_c - c;
		if (len > k1 - k)
			len = k1 - k;

		if (inside)
			memcpy(dst, npu_mxu_tile(j, p->image, row, npu_mxu_col(j, p->x, s)) + c,
			       len);
		else
			memset(dst, outside, len);
		dst += len;
		k += len;
		c = 0;
		s += (uint32_t)taps;
		if (s == j->kernel_w) {
			s = 0;
			r++;
		}
	}
	memset(dst, npu_mxu_flip(j), (k0 - k1) & 3);
}

/* ---- Second operand ---------------------------------------------------------------------- */

/* One block of @n columns from column @n0 on, @n <= COLS. */
static void pack_block_rows(const struct npu_mxu_job *j, uint32_t n0, uint32_t n, uint64_t k0,
			    uint64_t k1, uint8_t flip, uint8_t *dst)
{
	const uint8_t *src = j->b + (int64_t)k0 * j->b_stride + n0;
	uint64_t k;
	uint32_t i, q;

	for (k = k0; k < k1; k += 4, dst += 4 * COLS) {
		uint8_t row[4][COLS] = { 0 };

		for (q = 0; q < 4 && k + q < k1; q++, src += j->b_stride)
			memcpy(row[q], src, n);
		for (i = 0; i < COLS; i++) {
			dst[4 * i] = row[0][i] ^ flip;
			dst[4 * i + 1] = row[1][i] ^ flip;
			dst[4 * i + 2] = row[2][i] ^ flip;
			dst[4 * i + 3] = row[3][i] ^ flip;
		}
	}
}

static void pack_block_cols(const struct npu_mxu_job *j, uint32_t n0, uint32_t n, uint64_t k0,
			    uint64_t k1, uint8_t flip, uint8_t *dst)
{
	uint32_t mask = flip * 0x01010101u;
	uint64_t groups = (k1 - k0 + 3) / 4;
	uint32_t i;

	for (i = 0; i < COLS; i++) {
		const uint8_t *src = j->b + (int64_t)(n0 + i) * j->b_stride + k0;
		uint64_t g;

		for (g = 0; g < groups; g++) {
			uint64_t left = k1 - k0 - 4 * g;
			uint32_t four = 0;

			if (i >= n)
				four = 0;
			else if (left >= 4)
				memcpy(&four, src + 4 * g, 4);
			else
				memcpy(&four, src + 4 * g, left);
			four ^= mask;
			memcpy(dst + 4 * COLS * g + 4 * i, &four, 4);
		}
	}
}

static void pack_block_packed(const struct npu_mxu_job *j, uint32_t n0, uint64_t k0, uint64_t k1,
			      uint8_t flip, uint8_t *dst)
{
	const uint8_t *src = j->b + (int64_t)(n0 / COLS) * j->b_stride + k0 * COLS;
	uint64_t len = (k1 - k0 + 3) / 4 * 4 * COLS;
	uint64_t i;

	for (i = 0; i < len; i++)
		dst[i] = src[i] ^ flip;
}

static void pack_block_s4(const struct npu_mxu_job *j, uint32_t n0, uint64_t k0, uint64_t k1,
			  uint8_t *dst)
{
	const uint8_t *src = j->b + (int64_t)(n0 / COLS) * j->b_stride + k0 * COLS / 2;
	uint64_t len = (k1 - k0 + 3) / 4 * 2 * COLS;
	uint64_t i;

	for (i = 0; i < len; i++) {
		dst[2 * i] = (uint8_t)(((src[i] & 15) ^ 8) - 8);
		dst[2 * i + 1] = (uint8_t)((src[i] >> 4 ^ 8) - 8);
	}
}

void npu_mxu_pack_b_i8(const struct npu_mxu_job *j, uint32_t n0, uint32_t n1, uint64_t k0,
		       uint64_t k1, int8_t *dst, ptrdiff_t ldb)
{
	uint8_t flip = j->b_type == NPU_U8 ? 0x80 : 0;
	uint32_t n;

	for (n = n0; n < n1; n += COLS, dst += ldb) {
		uint32_t cols = n1 - n < COLS ? n1 - n : COLS;

		if (j->b_layout == NPU_B_ROWS)
			pack_block_rows(j, n, cols, k0, k1, flip, (uint8_t *)dst);
		else if (j->b_layout == NPU_B_COLS)
			pack_block_cols(j, n, cols, k0, k1, flip, (uint8_t *)dst);
		else if (j->b_type == NPU_S4)
			pack_block_s4(j, n, k0, k1, (uint8_t *)dst);
		else
			pack_block_packed(j, n, k0, k1, flip, (uint8_t *)dst);
	}
}

static float widen(const uint8_t *src, uint8_t type)
{
	uint16_t h;

	memcpy(&h, src, 2);
	return type == NPU_BF16 ? npu_bf16_to_f32(h) : npu_fp16_to_f32(h);
}

/* Bytes from the operand's beginning to element (k, n), k and n apart. */
static int64_t b_offset_k(const struct npu_mxu_job *j, uint64_t k)
{
	switch (j->b_layout) {
	case NPU_B_ROWS:
		return (int64_t)k * j->b_stride;
	case NPU_B_COLS:
		return (int64_t)k * 2;
	default:
		return (int64_t)(k / 2 * 4 * COLS + k % 2 * 2);
	}
}

static int64_t b_offset_n(const struct npu_mxu_job *j, uint32_t n)
{
	switch (j->b_layout) {
	case NPU_B_ROWS:
		return (int64_t)n * 2;
	case NPU_B_COLS:
		return (int64_t)n * j->b_stride;
	default:
		return (int64_t)(n / COLS) * j->b_stride + n % COLS * 4;
	}
}

void npu_mxu_pack_b_f32(const struct npu_mxu_job *j, uint32_t n0, uint32_t n1, uint64_t k0,
			uint64_t k1, float *dst, ptrdiff_t ldb)
{
	const struct npu_mxu_kernels *f = npu_mxu_kernels();
	uint32_t n, i;
	uint64_t k;

	for (n = n0; n < n1; n += COLS, dst += ldb) {
		uint32_t cols = n1 - n < COLS ? n1 - n : COLS;
		float *d = dst;

		for (k = k0; k < k1; k++, d += COLS) {
			const uint8_t *src = j->b + b_offset_k(j, k);
			uint64_t groups = (k1 - k) / 2;

			if (j->b_layout == NPU_B_PACKED && k % 2 == 0 && groups) {
				f->widen_packed(d, src + b_offset_n(j, n), groups, j->b_type);
				k += 2 * groups - 1;
				d += (2 * groups - 1) * COLS;
				continue;
			}
			if (j->b_layout == NPU_B_ROWS)
				f->widen(d, src + b_offset_n(j, n), cols, j->b_type);
			else
				for (i = 0; i < cols; i++)
					d[i] = widen(src + b_offset_n(j, n + i), j->b_type);
			for (i = cols; i < COLS; i++)
				d[i] = 0;
		}
	}
}
