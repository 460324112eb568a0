// SPDX-License-Identifier: MIT
/*
 * Copyright (c) 2026 the npu authors
 *
 * 16-bit floats, in plain C.
 */
#include "half.h"

#include <math.h>
#include <string.h>

#include "npu/hw/isa.h"

static uint32_t bits_of(float v)
{
	uint32_t u;

	memcpy(&u, &v, sizeof(u));
	return u;
}

static float float_of(uint32_t u)
{
	float v;

	memcpy(&v, &u, sizeof(v));
	return v;
}

uint16_t bf16_from_float(float v)
{
	uint32_t u = bits_of(v);

	if (isnan(v))
		return NPU_BF16_NAN;
	return (u + 0x7fff + ((u >> 16) & 1)) >> 16;
}

float bf16_to_float(uint16_t h)
{
	return float_of((uint32_t)h << 16);
}

uint16_t fp16_from_float(float v)
{
	uint16_t sign = signbit(v) ? 0x8000 : 0;
	float a = fabsf(v);
	uint32_t u = bits_of(a);

	if (isnan(v))
		return NPU_FP16_NAN;
	/* Half way between the largest and what would come next. */
	if (a >= 65520.0f)
		return sign | 0x7c00;
	/* Subnormal ones are multiples of 2^-24; 1024 of them are the smallest normal one. */
	if (a < 0x1p-14f)
		return sign | (uint16_t)lrintf(a * 0x1p24f);
	u += 0xfff + ((u >> 13) & 1);
	return sign | (uint16_t)((u - (112u << 23)) >> 13);
}

float fp16_to_float(uint16_t h)
{
	int exponent = (h >> 10) & 31, fraction = h & 1023;
	float a;

	if (exponent == 31)
		a = fraction ? NAN : INFINITY;
	else if (exponent)
		a = ldexpf(1024 + fraction, exponent - 25);
	else
		a = ldexpf(fraction, -24);
	return h & 0x8000 ? -a : a;
}
