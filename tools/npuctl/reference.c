// SPDX-License-Identifier: MIT
/*
 * Copyright (c) 2026 the npu authors
 *
 * Products and convolutions as a textbook writes them.
 */
#include "reference.h"

#include <math.h>
#include <stdbool.h>
#include <string.h>

#include "npu/hw/isa.h"

#include "half.h"

static bool is_float_type(uint32_t type)
{
	return type == NPU_BF16 || type == NPU_FP16;
}

static int32_t integer_at(const struct reference_operand *o, uint64_t i)
{
	if (o->type == NPU_S8)
		return ((const int8_t *)o->data)[i] - o->zp;
	return ((const uint8_t *)o->data)[i] - o->zp;
}

static float float_at(const struct reference_operand *o, uint64_t i)
{
	uint16_t h = ((const uint16_t *)o->data)[i];

	return o->type == NPU_BF16 ? bf16_to_float(h) : fp16_to_float(h);
}

/* sum += a[i] b[j]: modulo 2^32, or fused. */
static uint32_t add_product(uint32_t sum, const struct reference_operand *a, uint64_t i,
			    const struct reference_operand *b, uint64_t j)
{
	float v;

	if (!is_float_type(a->type))
		return sum + (uint32_t)(integer_at(a, i) * integer_at(b, j));
	memcpy(&v, &sum, sizeof(v));
	v = fmaf(float_at(a, i), float_at(b, j), v);
	memcpy(&sum, &v, sizeof(v));
	return sum;
}

void reference_matmul(const struct reference_operand *a, const struct reference_operand *b,
		      uint32_t m, uint32_t n, uint32_t k, uint32_t *sum)
{
	for (uint64_t row = 0; row < m; row++)
		for (uint64_t col = 0; col < n; col++) {
			uint32_t s = 0;

			for (uint64_t i = 0; i < k; i++)
				s = add_product(s, a, row * k + i, b, i * n + col);
			sum[row * n + col] = s;
		}
}

static uint32_t conv_at(const struct reference_operand *a, const struct reference_operand *b,
			const struct reference_conv *c, uint32_t y, uint32_t x, uint32_t out)
{
	uint32_t group_in = c->in_c / c->groups, group_out = c->out_c / c->groups;
	uint32_t first = out / group_out * group_in;
	uint32_t s = 0;

	for (uint32_t r = 0; r < c->kernel_h; r++)
		for (uint32_t q = 0; q < c->kernel_w; q++) {
			int64_t iy =
				(int64_t)y * c->stride_h + (int64_t)r * c->dilation_h - c->pad_top;
			int64_t ix =
				(int64_t)x * c->stride_w + (int64_t)q * c->dilation_w - c->pad_left;

			if (iy < 0 || iy >= c->in_h || ix < 0 || ix >= c->in_w)
				continue;
			for (uint32_t i = 0; i < group_in; i++)
				s = add_product(s, a, (iy * c->in_w + ix) * c->in_c + first + i, b,
						((uint64_t)(r * c->kernel_w + q) * group_in + i) *
								c->out_c +
							out);
		}
	return s;
}

void reference_conv(const struct reference_operand *a, const struct reference_operand *b,
		    const struct reference_conv *c, uint32_t *sum)
{
	for (uint32_t y = 0; y < c->out_h; y++)
		for (uint32_t x = 0; x < c->out_w; x++)
			for (uint32_t out = 0; out < c->out_c; out++)
				*sum++ = conv_at(a, b, c, y, x, out);
}

static int64_t clamp(int64_t v, int64_t lo, int64_t hi)
{
	return v < lo ? lo : v > hi ? hi : v;
}

static void put_integer(uint32_t type, void *out, uint64_t i, int64_t v)
{
	if (type == NPU_S8)
		((int8_t *)out)[i] = clamp(v, INT8_MIN, INT8_MAX);
	else if (type == NPU_U8)
		((uint8_t *)out)[i] = clamp(v, 0, UINT8_MAX);
	else
		((int32_t *)out)[i] = clamp(v, INT32_MIN, INT32_MAX);
}

static void put_float(uint32_t type, void *out, uint64_t i, float v)
{
	if (type == NPU_BF16)
		((uint16_t *)out)[i] = bf16_from_float(v);
	else if (type == NPU_FP16)
		((uint16_t *)out)[i] = fp16_from_float(v);
	else
		((float *)out)[i] = v;
}

void reference_finish(const struct reference_finish *f, int is_float, uint32_t rows, uint32_t cols,
		      const uint32_t *sum, void *out)
{
	bool to_float = is_float_type(f->out_type) || f->out_type == NPU_FP32;

	for (uint64_t i = 0; i < (uint64_t)rows * cols; i++) {
		uint32_t col = i % cols;
		int64_t n = (int32_t)sum[i];
		float v;

		if (is_float) {
			memcpy(&v, &sum[i], sizeof(v));
			if (f->bias)
				v += ((const float *)f->bias)[col];
		} else {
			if (f->bias)
				n = clamp(n + ((const int32_t *)f->bias)[col], INT32_MIN,
					  INT32_MAX);
			if (!f->scale && !f->relu && !f->out_zp && f->out_type == NPU_S32) {
				put_integer(NPU_S32, out, i, n);
				continue;
			}
			v = (float)(int32_t)n;
		}
		if (f->scale)
			v *= f->scale[col];
		if (f->relu)
			v = v > 0 ? v : 0;
		if (to_float)
			put_float(f->out_type, out, i, v);
		else
			put_integer(f->out_type, out, i, (int64_t)rintf(v) + f->out_zp);
	}
}
