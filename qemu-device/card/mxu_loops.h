/* SPDX-License-Identifier: MIT */
/*
 * Copyright (c) 2026 the npu authors
 *
 * The MXU's kernels that are plain loops. Each file of kernels includes this once, after it has
 * told the compiler what processor its functions are for, and gets its own static copies,
 * vectorised for that processor.
 */
#include "float16.h"

static uint32_t loop_sum(const uint8_t *src, size_t n, uint8_t flip)
{
	uint32_t sum = 0;
	size_t i;

	for (i = 0; i < n; i++)
		sum += src[i] ^ flip;
	return sum;
}

static void loop_widen(float *dst, const uint8_t *src, size_t n, uint8_t type)
{
	size_t i;

	if (type == NPU_BF16) {
		for (i = 0; i < n; i++) {
			uint16_t h;

			memcpy(&h, src + 2 * i, 2);
			dst[i] = npu_bf16_to_f32(h);
		}
	} else {
		for (i = 0; i < n; i++) {
			uint16_t h;

			memcpy(&h, src + 2 * i, 2);
			dst[i] = npu_fp16_to_f32(h);
		}
	}
}

static void loop_widen_packed(float *restrict dst, const uint8_t *restrict src, size_t groups,
			      uint8_t type)
{
	size_t g, i;

	for (g = 0; g < groups; g++, dst += 2 * NPU_PACK_COLS, src += 4 * NPU_PACK_COLS) {
		uint32_t two[NPU_PACK_COLS];

		memcpy(two, src, sizeof(two));
		if (type == NPU_BF16) {
			for (i = 0; i < NPU_PACK_COLS; i++) {
				dst[i] = npu_bf16_to_f32((uint16_t)two[i]);
				dst[NPU_PACK_COLS + i] = npu_f32(two[i] & 0xffff0000);
			}
		} else {
			for (i = 0; i < NPU_PACK_COLS; i++) {
				dst[i] = npu_fp16_to_f32((uint16_t)two[i]);
				dst[NPU_PACK_COLS + i] = npu_fp16_to_f32((uint16_t)(two[i] >> 16));
			}
		}
	}
}

static void loop_depthwise_i8(int32_t *acc, const uint8_t *a, const int32_t *w, size_t n,
			      uint8_t flip, int32_t az)
{
	size_t i;

	for (i = 0; i < n; i++)
		acc[i] = (int32_t)((uint32_t)acc[i] + (uint32_t)(((a[i] ^ flip) - az) * w[i]));
}

/*
 * A product of bf16 or fp16 is exact in binary64, and so is the sum with a binary32 wherever
 * its rounding to binary32 could be a tie; so rounding twice rounds as a fused multiply-add
 * does.
 */
static void loop_depthwise_f32(float *acc, const uint8_t *a, const float *w, size_t n, uint8_t type)
{
	size_t i;

	for (i = 0; i < n; i++) {
		uint16_t h;
		float f;

		memcpy(&h, a + 2 * i, 2);
		f = type == NPU_BF16 ? npu_bf16_to_f32(h) : npu_fp16_to_f32(h);
		acc[i] = (float)((double)f * w[i] + acc[i]);
	}
}
