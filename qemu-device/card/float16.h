/* SPDX-License-Identifier: MIT */
/*
 * Copyright (c) 2026 the npu authors
 *
 * bf16 and fp16 from and to binary32: to nearest even, denormals kept, NaNs canonical. Integer
 * operations, selects and exact or once-rounding additions, so that loops of them vectorise.
 */
#ifndef NPU_CARD_FLOAT16_H
#define NPU_CARD_FLOAT16_H

#include <stdint.h>
#include <string.h>

#include "npu/hw/isa.h"

static inline uint32_t npu_f32_bits(float f)
{
	uint32_t u;

	memcpy(&u, &f, 4);
	return u;
}

static inline float npu_f32(uint32_t u)
{
	float f;

	memcpy(&f, &u, 4);
	return f;
}

static inline float npu_f32_canonical(float f)
{
	uint32_t u = npu_f32_bits(f);

	return npu_f32((u & 0x7fffffff) > 0x7f800000 ? NPU_FP32_NAN : u);
}

static inline float npu_bf16_to_f32(uint16_t h)
{
	return npu_f32((uint32_t)h << 16);
}

static inline uint16_t npu_f32_to_bf16(float f)
{
	uint32_t u = npu_f32_bits(f);
	uint32_t r = (u + 0x7fff + (u >> 16 & 1)) >> 16;

	return (uint16_t)((u & 0x7fffffff) > 0x7f800000 ? NPU_BF16_NAN : r);
}

static inline float npu_fp16_to_f32(uint16_t h)
{
	uint32_t sign = (uint32_t)(h & 0x8000) << 16;
	uint32_t shifted = (uint32_t)(h & 0x7fff) << 13;
	/* Exact: scales the exponent's bias, normalising denormals on the way. */
	uint32_t value = npu_f32_bits(npu_f32(shifted) * 0x1p112f);
	uint32_t special = shifted | 0x7f800000;

	return npu_f32(sign | ((h & 0x7c00) == 0x7c00 ? special : value));
}

static inline uint16_t npu_f32_to_fp16(float f)
{
	uint32_t u = npu_f32_bits(f);
	uint32_t sign = u >> 16 & 0x8000;
	uint32_t mag = u & 0x7fffffff;
	/* Normal results: round at bit 13 with integers; an overflow carries into infinity. */
	uint32_t normal = (mag - (112u << 23) + 0xfff + (mag >> 13 & 1)) >> 13;
	/* Denormal ones: adding 1/2 makes binary32's own rounding fall on fp16's last bit. */
	uint32_t tiny = mag < 0x38800000 ? mag : 0;
	uint32_t denormal = npu_f32_bits(npu_f32(tiny) + 0.5f) - 0x3f000000;
	uint32_t r = mag < 0x38800000 ? denormal : normal;

	r = mag >= 0x47800000 ? 0x7c00 : r;
	return (uint16_t)(mag > 0x7f800000 ? NPU_FP16_NAN : sign | r);
}

#endif
