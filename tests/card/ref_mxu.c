// SPDX-License-Identifier: MIT
/*
 * Copyright (c) 2026 the npu authors
 *
 * MATMUL and CONV, and the 16-bit types, in the plainest form.
 */
#include <math.h>
#include <string.h>

#include "unit.h"

double ref_f16_value(uint16_t h)
{
	double sign = h & 0x8000 ? -1 : 1;
	int exponent = h >> 10 & 31;
	int fraction = h & 1023;

	if (exponent == 31)
		return fraction ? NAN : sign * INFINITY;
	if (exponent == 0)
		return sign * ldexp(fraction, -24);
	return sign * ldexp(1024 + fraction, exponent - 25);
}

float ref_widen(uint16_t h, uint8_t type)
{
	uint32_t u = (uint32_t)h << 16;
	float f;

	if (type == NPU_FP16)
		return (float)ref_f16_value(h);
	memcpy(&f, &u, 4);
	return f;
}

/* The nearest of all values of the type, ties to the even encoding. */
uint16_t ref_narrow(float f, uint8_t type)
{
	uint16_t inf = type == NPU_BF16 ? 0x7f80 : 0x7c00;
	uint16_t sign = signbit(f) ? 0x8000 : 0;
	double mag = fabs((double)f);
	uint16_t lo = 0, hi = inf;
	double a, b;

	if (isnan(f))
		return type == NPU_BF16 ? NPU_BF16_NAN : NPU_FP16_NAN;
	if (isinf(f))
		return sign | inf;
	/* Encodings ascend with values: find neighbours lo <= mag < hi. */
	while (hi - lo > 1) {
		uint16_t mid = (uint16_t)((lo + hi) / 2);

		if ((double)ref_widen(mid, type) <= mag)
			lo = mid;
		else
			hi = mid;
	}
	a = mag - (double)ref_widen(lo, type);
	/* Infinity stands where the next value would be. */
	b = (hi == inf ? (type == NPU_BF16 ? 0x1p128 : 0x1p16) : (double)ref_widen(hi, type)) - mag;
	if (a < b || (a == b && !(lo & 1)))
		return sign | lo;
	return sign | hi;
}

static int32_t element(const struct unit *u, int64_t at, uint8_t type)
{
	return type == NPU_U8 ? u->spm[at] : (int8_t)u->spm[at];
}

static float element16(const struct unit *u, int64_t at, uint8_t type)
{
	uint16_t h;

	memcpy(&h, u->spm + at, 2);
	return ref_widen(h, type);
}

static int32_t zero_point(const struct unit *u, uint8_t mode, uint32_t zp, int64_t i, uint8_t type)
{
	if (mode == NPU_ZP_IMM)
		return (int32_t)zp;
	return element(u, (int64_t)zp + (mode == NPU_ZP_VECTOR ? i : 0), type);
}

/* Bytes from the second operand's beginning to element (k, n); not for S4. */
static int64_t b_index(const struct npu_mxu_operands *o, int64_t k, int64_t n, int size)
{
	int64_t stride = (int32_t)o->b_stride;
	int q = size == 1 ? 4 : 2;

	switch (o->b_layout) {
	case NPU_B_ROWS:
		return k * stride + n * size;
	case NPU_B_COLS:
		return n * stride + k * size;
	default:
		return n / 16 * stride + ((k / q * 16 + n % 16) * q + k % q) * size;
	}
}

static int32_t b_integer(const struct unit *u, const struct npu_mxu_operands *o, int64_t base,
			 int64_t k, int64_t n)
{
	if (o->b_type == NPU_S4) {
		int64_t nibble = (k / 4 * 16 + n % 16) * 4 + k % 4;
		int v = u->spm[base + n / 16 * (int32_t)o->b_stride + nibble / 2] >>
				nibble % 2 * 4 &
			15;

		return v > 7 ? v - 16 : v;
	}
	return element(u, base + b_index(o, k, n, 1), o->b_type);
}

static bool is_float(const struct npu_mxu_operands *o)
{
	return o->a_type == NPU_BF16 || o->a_type == NPU_FP16;
}

/* One output, begun with what is in ACC or zero, then product by product. */
struct sum {
	float f;
	uint32_t i;
};

static struct sum begin(const struct unit *u, const struct npu_mxu_operands *o, int64_t at)
{
	struct sum s = { 0, 0 };

	if (o->flags & NPU_MXU_ACCUMULATE) {
		memcpy(&s.f, u->acc + at, 4);
		memcpy(&s.i, u->acc + at, 4);
	}
	return s;
}

static void end(struct unit *u, const struct npu_mxu_operands *o, int64_t at, struct sum s)
{
	uint32_t nan = NPU_FP32_NAN;

	if (!is_float(o))
		memcpy(u->acc + at, &s.i, 4);
	else if (isnan(s.f))
		memcpy(u->acc + at, &nan, 4);
	else
		memcpy(u->acc + at, &s.f, 4);
}

/*
 * @az_i and @bz_i: which of the zero points; @n: column in its group, whose weights are at
 * @base.
 */
static void product(const struct unit *u, const struct npu_mxu_operands *o, struct sum *s,
		    int64_t a, int64_t base, int64_t k, int64_t n, int64_t az_i, int64_t bz_i)
{
	if (is_float(o)) {
		s->f = fmaf(element16(u, a, o->a_type),
			    element16(u, base + b_index(o, k, n, 2), o->b_type), s->f);
	} else {
		int32_t az = zero_point(u, o->a_zp_mode, o->a_zp, az_i, o->a_type);
		int32_t bz = zero_point(u, o->b_zp_mode, o->b_zp, bz_i, o->b_type);

		s->i += (uint32_t)((element(u, a, o->a_type) - az) *
				   (b_integer(u, o, base, k, n) - bz));
	}
}

void ref_matmul(struct unit *u, const struct npu_cmd_matmul *c)
{
	int64_t size = is_float(&c->o) ? 2 : 1;
	int64_t m, n, k;

	for (m = 0; m < c->m; m++) {
		for (n = 0; n < c->n; n++) {
			int64_t at = c->o.acc + m * (int32_t)c->acc_stride + n * 4;
			struct sum s = begin(u, &c->o, at);

			for (k = 0; k < c->k; k++)
				product(u, &c->o, &s, c->o.a + m * (int32_t)c->a_stride + k * size,
					c->o.b, k, n, m, n);
			end(u, &c->o, at, s);
		}
	}
}

static void conv_output(struct unit *u, const struct npu_cmd_conv *c, int64_t image, int64_t y,
			int64_t x, int64_t g, int64_t n)
{
	bool depthwise = c->o.flags & NPU_MXU_DEPTHWISE;
	int64_t size = is_float(&c->o) ? 2 : 1;
	int64_t column = g * c->out_c + n;
	int64_t at = c->o.acc + x * (int32_t)c->acc_stride[0] + y * (int32_t)c->acc_stride[1] +
		     image * (int32_t)c->acc_stride[2] + column * 4;
	struct sum s = begin(u, &c->o, at);
	int64_t r, t, ch;

	for (r = 0; r < c->kernel_h; r++) {
		for (t = 0; t < c->kernel_w; t++) {
			int64_t row = y * c->stride_h - (int16_t)c->pad_top + r * c->dilation_h;
			int64_t col = x * c->stride_w - (int16_t)c->pad_left + t * c->dilation_w;
			int64_t tap = r * c->kernel_w + t;
			int64_t a = c->o.a + col * (int32_t)c->a_stride[0] +
				    row * (int32_t)c->a_stride[1] + image * (int32_t)c->a_stride[2];

			if (row < 0 || row >= c->in_h || col < 0 || col >= c->in_w)
				continue;
			if (depthwise) {
				product(u, &c->o, &s, a + n * size, c->o.b, tap, n, image, n);
				continue;
			}
			for (ch = 0; ch < c->in_c; ch++)
				product(u, &c->o, &s, a + (g * c->in_c + ch) * size,
					c->o.b + g * (int32_t)c->b_group_stride, tap * c->in_c + ch,
					n, image, column);
		}
	}
	end(u, &c->o, at, s);
}

void ref_conv(struct unit *u, const struct npu_cmd_conv *c)
{
	int64_t image, y, x, g, n;

	for (image = 0; image < c->batch; image++)
		for (y = 0; y < c->out_h; y++)
			for (x = 0; x < c->out_w; x++)
				for (g = 0; g < c->groups; g++)
					for (n = 0; n < c->out_c; n++)
						conv_output(u, c, image, y, x, g, n);
}
