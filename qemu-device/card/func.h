/* SPDX-License-Identifier: MIT */
/*
 * Copyright (c) 2026 the npu authors
 *
 * The VPU's functions: the specification's own polynomials (docs/hardware.md, section 9), not
 * the C library's. Every operation here is one of binary32 + - * / or of integers, in this
 * order and never fused, so that every host gives the same bits; selects instead of branches,
 * so that loops of them vectorise. Where the arms of a select differ, both are computed and
 * none traps.
 *
 * Included by files of kernels (vpu_loops.h), each of which gets copies for its processor.
 */
#ifndef NPU_CARD_FUNC_H
#define NPU_CARD_FUNC_H

#include "float16.h"

static inline float npu_copysign(float mag, float sign)
{
	return npu_f32((npu_f32_bits(mag) & 0x7fffffff) | (npu_f32_bits(sign) & 0x80000000));
}

static inline float npu_fabs(float x)
{
	return npu_f32(npu_f32_bits(x) & 0x7fffffff);
}

/* To nearest even; binary32's own rounding does it at 2^23, where its last bit is one. */
static inline float npu_rint(float x)
{
	float mag = npu_fabs(x);
	float r = (mag + 0x1p23f) - 0x1p23f;

	return npu_copysign(mag < 0x1p23f ? r : mag, x);
}

static inline float npu_floor(float x)
{
	float r = npu_rint(x);

	return npu_copysign(r > x ? r - 1.0f : r, x);
}

static inline float npu_ceil(float x)
{
	float r = npu_rint(x);

	return npu_copysign(r < x ? r + 1.0f : r, x);
}

/* NaN if either is; -0 < +0. */
static inline float npu_fmin(float x, float y)
{
	uint32_t both = npu_f32_bits(x) | npu_f32_bits(y);
	float r = x < y ? x : y;

	r = x == y ? npu_f32(x == 0.0f ? both : npu_f32_bits(x)) : r;
	return x != x ? x : r;
}

static inline float npu_fmax(float x, float y)
{
	uint32_t both = npu_f32_bits(x) & npu_f32_bits(y);
	float r = x > y ? x : y;

	r = x == y ? npu_f32(x == 0.0f ? both : npu_f32_bits(x)) : r;
	return x != x ? x : r;
}

static inline float npu_exp(float x)
{
	/*
	 * Beyond these the result is 0 or infinite anyway; NaN becomes a number here and NaN
	 * again at the end.
	 */
	float c = x < 89.0f ? x : 89.0f;
	float b = c > -105.0f ? c : -105.0f;
	float t = b * 0x1.715476p+0f + 0x1.8p23f;
	float n = t - 0x1.8p23f;
	/* 16 bits of ln 2 times an n of 8 bits are exact. */
	float r = (b - n * 0x1.62e4p-1f) - n * 0x1.7f7d1cp-20f;
	float p = 0x1.6a239ap-10f;
	int32_t e = (int32_t)(npu_f32_bits(t) - 0x4b400000);
	int32_t half = e >> 1;
	float y;

	p = p * r + 0x1.123a38p-7f;
	p = p * r + 0x1.5558f4p-5f;
	p = p * r + 0x1.555490p-3f;
	p = p * r + 0x1.fffffcp-2f;
	y = (p * (r * r) + r) + 1.0f;
	/* Two exact steps of 2^(e/2), but that the second one may round into the denormals. */
	y = (y * npu_f32((uint32_t)(half + 127) << 23)) * npu_f32((uint32_t)(e - half + 127) << 23);
	return x != x ? x : y;
}

static inline float npu_log(float x)
{
	uint32_t small = x < 0x1p-126f;
	float scaled = small ? x * 0x1p25f : x;
	uint32_t u = npu_f32_bits(scaled);
	/* m = x / 2^e lies in [1/√2, √2). */
	int32_t e = (int32_t)(u - 0x3f3504f3) >> 23;
	float m = npu_f32(u - ((uint32_t)e << 23));
	float n = (float)(e - (small ? 25 : 0));
	float f = m - 1.0f;
	float z = f * f;
	float p = 0x1.144e8ep-4f;
	float y;

	p = p * f + -0x1.de3948p-4f;
	p = p * f + 0x1.e6f2d6p-4f;
	p = p * f + -0x1.fc22a8p-4f;
	p = p * f + 0x1.23374cp-3f;
	p = p * f + -0x1.555c48p-3f;
	p = p * f + 0x1.99a4b6p-3f;
	p = p * f + -0x1.000006p-2f;
	p = p * f + 0x1.555548p-2f;
	y = (p * f) * z;
	y = y + n * 0x1.7f7d1cp-20f;
	y = y - 0.5f * z;
	y = (f + y) + n * 0x1.62e4p-1f;

	y = npu_f32_bits(x) == 0x7f800000 ? x : y;
	y = x == 0.0f ? npu_f32(0xff800000) : y;
	y = x < 0.0f ? npu_f32(NPU_FP32_NAN) : y;
	return x != x ? x : y;
}

static inline float npu_erf(float x)
{
	float a = npu_fabs(x);
	float b = a < 4.0f ? a : 4.0f;
	float z = b * b;
	float p = 0x1.5f0b8ep-14f;
	float q = -0x1.6384a0p-21f;
	float small, large;

	p = p * z + -0x1.aae7d6p-11f;
	p = p * z + 0x1.54daa8p-8f;
	p = p * z + -0x1.b81076p-6f;
	p = p * z + 0x1.ce2e20p-4f;
	p = p * z + -0x1.812744p-2f;
	p = p * z + 0x1.06eba8p-3f;
	small = p * b + b;

	/* log(1 - erf(b)) */
	q = q * b + -0x1.9e0026p-17f;
	q = q * b + 0x1.9386b4p-12f;
	q = q * b + -0x1.070826p-8f;
	q = q * b + 0x1.9689a4p-6f;
	q = q * b + -0x1.b9fbb6p-4f;
	q = q * b + -0x1.446ac4p-1f;
	q = q * b + -0x1.21202cp+0f;
	q = q * b + 0x1.41b542p-13f;
	large = 1.0f - npu_exp(q);

	return x != x ? x : npu_copysign(b < 0.921875f ? small : large, x);
}

static inline float npu_sigmoid(float x)
{
	float e = npu_exp(-npu_fabs(x));

	return (x < 0.0f ? e : 1.0f) / (1.0f + e);
}

static inline float npu_tanh(float x)
{
	float a = npu_fabs(x);
	float b = a < 16.0f ? a : 16.0f;
	float z = b * b;
	float p = 0x1.159c7ap-9f;
	float small, large;

	p = p * z + -0x1.0b14e2p-7f;
	p = p * z + 0x1.635f12p-6f;
	p = p * z + -0x1.b9eaa0p-5f;
	p = p * z + 0x1.111052p-3f;
	p = p * z + -0x1.555554p-2f;
	small = (p * z) * b + b;
	large = 1.0f - 2.0f / (npu_exp(b + b) + 1.0f);

	return x != x ? x : npu_copysign(b < 0.625f ? small : large, x);
}

/* -infinity counts as the lowest finite number in the factor, so that the limit -0 comes out. */
static inline float npu_finite_low(float x)
{
	return x < -0x1.fffffep127f ? -0x1.fffffep127f : x;
}

static inline float npu_gelu(float x)
{
	return (npu_finite_low(x) * 0.5f) * (1.0f + npu_erf(x * 0x1.6a09e6p-1f));
}

static inline float npu_silu(float x)
{
	return npu_finite_low(x) * npu_sigmoid(x);
}

#endif
