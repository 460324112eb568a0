// SPDX-License-Identifier: MIT
/*
 * Copyright (c) 2026 the npu authors
 *
 * See ref.h. Speed does not count here; being obviously right does.
 */
#include "ref.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

/* ---- Elements -------------------------------------------------------------------------------- */

size_t ref_size(uint32_t type)
{
	if (type == NPU_S8 || type == NPU_U8)
		return 1;
	return type == NPU_BF16 || type == NPU_FP16 ? 2 : 4;
}

int ref_is_float(uint32_t type)
{
	return type == NPU_BF16 || type == NPU_FP16 || type == NPU_FP32;
}

double ref_get(uint32_t type, const void *data, size_t i)
{
	uint16_t half;
	uint32_t word;
	float f;
	int exponent;
	double v;

	switch (type) {
	case NPU_S8:
		return ((const int8_t *)data)[i];
	case NPU_U8:
		return ((const uint8_t *)data)[i];
	case NPU_S32:
		return ((const int32_t *)data)[i];
	case NPU_FP32:
		return ((const float *)data)[i];
	case NPU_BF16:
		word = (uint32_t)((const uint16_t *)data)[i] << 16;
		memcpy(&f, &word, 4);
		return f;
	default:
		half = ((const uint16_t *)data)[i];
		exponent = half >> 10 & 31;
		if (exponent == 31)
			v = half & 1023 ? NAN : INFINITY;
		else if (exponent)
			v = ldexp(1024 + (half & 1023), exponent - 25);
		else
			v = ldexp(half & 1023, -24);
		return half & 0x8000 ? -v : v;
	}
}

/* To @bits of fraction, ties to even, by the definition: the grid of the result's exponent. */
static double round_to(double v, int fraction, int least)
{
	int exponent;

	if (v == 0 || !isfinite(v))
		return v;
	frexp(v, &exponent);
	exponent -= 1;
	if (exponent < least)
		exponent = least;
	return ldexp(rint(ldexp(v, fraction - exponent)), exponent - fraction);
}

void ref_put_float(uint32_t type, void *data, size_t i, float v)
{
	uint32_t word;
	double r;
	float f;
	int exponent;
	uint16_t half;

	if (type == NPU_FP32) {
		word = NPU_FP32_NAN;
		memcpy((float *)data + i, isnan(v) ? (void *)&word : (void *)&v, 4);
		return;
	}
	if (type == NPU_BF16) {
		f = round_to(v, 7, -126);
		memcpy(&word, &f, 4);
		((uint16_t *)data)[i] = isnan(v) ? NPU_BF16_NAN : word >> 16;
		return;
	}
	if (isnan(v)) {
		((uint16_t *)data)[i] = NPU_FP16_NAN;
		return;
	}
	r = fabs(round_to(v, 10, -14));
	if (r > 65504) {
		half = 31 << 10;
	} else if (r < ldexp(1, -14)) {
		half = ldexp(r, 24);
	} else {
		frexp(r, &exponent);
		half = (exponent + 14) << 10 | ((int)ldexp(r, 11 - exponent) & 1023);
	}
	((uint16_t *)data)[i] = half | (signbit(v) ? 0x8000 : 0);
}

static int64_t saturate(uint32_t type, double v)
{
	double lo = type == NPU_S8 ? -128 : type == NPU_U8 ? 0 : INT32_MIN;
	double hi = type == NPU_S8 ? 127 : type == NPU_U8 ? 255 : INT32_MAX;

	return v < lo ? lo : v > hi ? hi : v;
}

static void put_int(uint32_t type, void *data, size_t i, int64_t v)
{
	if (type == NPU_S8)
		((int8_t *)data)[i] = v;
	else if (type == NPU_U8)
		((uint8_t *)data)[i] = v;
	else
		((int32_t *)data)[i] = v;
}

/* saturate(rint(v) + zp) */
static int64_t quantise(uint32_t type, float v, int32_t zp)
{
	if (isnan(v))
		return zp;
	return saturate(type, rint((double)v) + zp);
}

static float activate(uint32_t activation, float v, float lo, float hi)
{
	switch (activation) {
	case NPU_ACT_RELU:
		return isnan(v) ? v : v > 0 ? v : 0;
	case NPU_ACT_CLIP:
		return isnan(v) ? v : v < lo ? lo : v > hi ? hi : v;
	case NPU_ACT_SIGMOID:
		return 1 / (1 + exp(-(double)v));
	case NPU_ACT_TANH:
		return tanh(v);
	case NPU_ACT_GELU:
		return 0.5 * v * (1 + erf(v / sqrt(2)));
	case NPU_ACT_SILU:
		return v / (1 + exp(-(double)v));
	case NPU_ACT_ERF:
		return erf(v);
	default:
		return v;
	}
}

/*
 * ---- What becomes of a sum ----------------------------------------------------------------------
 */

struct sum {
	int is_float;
	int32_t i;
	float f;
};

static void finish(const struct npu_epilogue *e, struct sum s, uint32_t channel,
		   const struct ref_args *args, size_t residual_at, size_t out_at)
{
	float v;

	if (e->bias) {
		if (s.is_float)
			s.f = s.f + ((const float *)args->bias)[channel];
		else
			s.i = saturate(NPU_S32,
				       (double)s.i + ((const int32_t *)args->bias)[channel]);
	}
	if (!s.is_float && e->out_type == NPU_S32 && !e->scale_per && !e->mid && !e->residual &&
	    !e->activation && e->out_scale == 0 && e->out_zp == 0) {
		put_int(NPU_S32, args->out, out_at, s.i);
		return;
	}
	v = s.is_float ? s.f : (float)s.i;
	if (e->scale_per == NPU_PER_TENSOR)
		v = v * e->scale;
	if (e->scale_per == NPU_PER_CHANNEL)
		v = v * ((const float *)args->scale)[channel];
	if (e->mid)
		v = (float)(quantise(e->mid_type, v, e->mid_zp) - e->mid_zp) * e->mid_scale;
	if (e->residual) {
		double r = ref_get(e->residual_type, args->residual, residual_at);

		if (ref_is_float(e->residual_type))
			v = v + (float)r;
		else
			v = v + (float)(r - e->residual_zp) * e->residual_scale;
	}
	v = activate(e->activation, v, e->lo, e->hi);
	if (ref_is_float(e->out_type)) {
		ref_put_float(e->out_type, args->out, out_at, v);
		return;
	}
	if (e->out_scale != 0)
		v = v / e->out_scale;
	put_int(e->out_type, args->out, out_at, quantise(e->out_type, v, e->out_zp));
}

static void accumulate(struct sum *s, double a, double b)
{
	if (s->is_float)
		s->f = fmaf((float)a, (float)b, s->f);
	else
		s->i = (int32_t)((uint32_t)s->i + (uint32_t)((int64_t)a * (int64_t)b));
}

static int32_t zero_point(uint32_t per, int32_t value, uint32_t type, const void *data, uint32_t i)
{
	if (per == NPU_PER_TENSOR)
		return value;
	if (per == NPU_PER_VALUE)
		return ref_get(type, data, 0);
	if (per == NPU_PER_ROW || per == NPU_PER_CHANNEL)
		return ref_get(type, data, i);
	return 0;
}

/* ---- Products -------------------------------------------------------------------------------- */

/* Element k, n of a second operand packed from @at bytes on. */
static double get_packed(uint32_t type, const void *data, uint64_t at, uint64_t block, uint32_t k,
			 uint32_t n)
{
	uint32_t q = ref_size(type) == 2 ? 2 : 4;
	uint64_t in_block = (uint64_t)(k / q) * 16 * q + n % 16 * q + k % q;

	return ref_get(type, (const char *)data + at + n / 16 * block, in_block);
}

static uint64_t packed_block(uint32_t type, uint64_t k)
{
	uint32_t q = ref_size(type) == 2 ? 2 : 4;

	return (k + q - 1) / q * q * 16 * ref_size(type);
}

static uint64_t or_dense(uint64_t stride, uint64_t dense)
{
	return stride ? stride : dense;
}

void ref_matmul(const struct npu_matmul *d, const struct ref_args *args)
{
	uint32_t batch = d->batch ? d->batch : 1, i, m, n, k;
	uint64_t as = or_dense(d->a_stride, d->k), os = or_dense(d->out_stride, d->n);
	uint64_t rs = or_dense(d->residual_stride, d->n);
	uint64_t bs =
		or_dense(d->b_stride, d->b_layout == NPU_B_ROWS ? d->n :
				      d->b_layout == NPU_B_COLS ? d->k :
								  packed_block(d->b_type, d->k));
	uint64_t ob = or_dense(d->out_batch, d->m * os),
		 rb = or_dense(d->residual_batch, d->m * rs);

	for (i = 0; i < batch; i++) {
		for (m = 0; m < d->m; m++) {
			for (n = 0; n < d->n; n++) {
				struct sum s = { .is_float = ref_is_float(d->a_type) };
				int32_t az =
					zero_point(d->a_zp_per, d->a_zp, d->a_type, args->a_zp, m);
				int32_t bz =
					zero_point(d->b_zp_per, d->b_zp, d->b_type, args->b_zp, n);

				for (k = 0; k < d->k; k++) {
					double a = ref_get(d->a_type, args->a,
							   i * d->a_batch + m * as + k);
					double b;

					if (d->b_layout == NPU_B_ROWS)
						b = ref_get(d->b_type, args->b,
							    i * d->b_batch + k * bs + n);
					else if (d->b_layout == NPU_B_COLS)
						b = ref_get(d->b_type, args->b,
							    i * d->b_batch + n * bs + k);
					else
						b = get_packed(d->b_type, args->b, i * d->b_batch,
							       bs, k, n);
					accumulate(&s, a - az, b - bz);
				}
				finish(&d->epilogue, s, n, args, i * rb + m * rs + n,
				       i * ob + m * os + n);
			}
		}
	}
}

/* ---- Convolutions ---------------------------------------------------------------------------- */

static void nhwc(const uint64_t stride[3], uint64_t c, uint64_t w, uint64_t h, uint64_t out[3])
{
	out[0] = or_dense(stride[0], c);
	out[1] = or_dense(stride[1], out[0] * w);
	out[2] = or_dense(stride[2], out[1] * h);
}

static uint32_t one(uint32_t v)
{
	return v ? v : 1;
}

struct conv {
	const struct npu_conv2d *d;
	const struct ref_args *args;
	uint32_t groups, cg, og;
	uint64_t in[3];
};

static struct sum conv_sum(const struct conv *c, uint32_t image, uint32_t y, uint32_t x,
			   uint32_t oc)
{
	const struct npu_conv2d *d = c->d;
	struct sum s = { .is_float = ref_is_float(d->in_type) };
	int32_t az = zero_point(d->in_zp_per, d->in_zp, d->in_type, c->args->a_zp, 0);
	int32_t bz = zero_point(d->weight_zp_per, d->weight_zp, d->weight_type, c->args->b_zp, oc);
	uint32_t g = oc / c->og, r, t, i;
	uint64_t k_all = (uint64_t)d->kernel_h * d->kernel_w * c->cg;

	for (r = 0; r < d->kernel_h; r++) {
		for (t = 0; t < d->kernel_w; t++) {
			int64_t iy = (int64_t)y * one(d->stride_h) - d->pad_top +
				     (int64_t)r * one(d->dilation_h);
			int64_t ix = (int64_t)x * one(d->stride_w) - d->pad_left +
				     (int64_t)t * one(d->dilation_w);

			if (iy < 0 || iy >= d->in_h || ix < 0 || ix >= d->in_w)
				continue;
			for (i = 0; i < c->cg; i++) {
				uint64_t k = ((uint64_t)r * d->kernel_w + t) * c->cg + i;
				double a = ref_get(d->in_type, c->args->a,
						   image * c->in[2] + iy * c->in[1] +
							   ix * c->in[0] + g * c->cg + i);
				double b;

				if (d->weight_layout == NPU_B_PACKED)
					b = get_packed(d->weight_type, c->args->b,
						       g * ((c->og + 15) / 16) *
							       packed_block(d->weight_type, k_all),
						       packed_block(d->weight_type, k_all), k,
						       oc % c->og);
				else
					b = ref_get(d->weight_type, c->args->b, k * d->out_c + oc);
				accumulate(&s, a - az, b - bz);
			}
		}
	}
	return s;
}

void ref_conv2d(const struct npu_conv2d *d, const struct ref_args *args)
{
	struct conv c = { .d = d, .args = args, .groups = one(d->groups) };
	uint64_t out[3], res[3];
	uint32_t h =
		(d->in_h + d->pad_top + d->pad_bottom - one(d->dilation_h) * (d->kernel_h - 1) -
		 1) / one(d->stride_h) +
		1;
	uint32_t w =
		(d->in_w + d->pad_left + d->pad_right - one(d->dilation_w) * (d->kernel_w - 1) -
		 1) / one(d->stride_w) +
		1;
	uint32_t i, y, x, oc;

	c.cg = d->in_c / c.groups;
	c.og = d->out_c / c.groups;
	nhwc(d->in_stride, d->in_c, d->in_w, d->in_h, c.in);
	nhwc(d->out_stride, d->out_c, w, h, out);
	nhwc(d->residual_stride, d->out_c, w, h, res);
	for (i = 0; i < one(d->batch); i++)
		for (y = 0; y < h; y++)
			for (x = 0; x < w; x++)
				for (oc = 0; oc < d->out_c; oc++)
					finish(&d->epilogue, conv_sum(&c, i, y, x, oc), oc, args,
					       i * res[2] + y * res[1] + x * res[0] + oc,
					       i * out[2] + y * out[1] + x * out[0] + oc);
}

/* ---- Pooling --------------------------------------------------------------------------------- */

static void pool_one(const struct npu_pool2d *d, const void *in, const uint64_t stride[3],
		     uint32_t image, uint32_t y, uint32_t x, uint32_t c, void *out, size_t at)
{
	int is_float = ref_is_float(d->in_type);
	int64_t isum = 0, inside = 0, by,
		imax = d->in_type == NPU_S8 ? -128 :
		       d->in_type == NPU_U8 ? 0 :
					      INT32_MIN;
	float fsum = -0.0f, fmax_ = -INFINITY, v;
	uint32_t r, t;

	for (r = 0; r < d->kernel_h; r++) {
		for (t = 0; t < d->kernel_w; t++) {
			int64_t iy = (int64_t)y * one(d->stride_h) - d->pad_top +
				     (int64_t)r * one(d->dilation_h);
			int64_t ix = (int64_t)x * one(d->stride_w) - d->pad_left +
				     (int64_t)t * one(d->dilation_w);
			double e;

			if (iy < 0 || iy >= d->in_h || ix < 0 || ix >= d->in_w) {
				isum += d->op == NPU_POOL_AVG_PAD ? d->in_zp : 0;
				continue;
			}
			e = ref_get(d->in_type, in,
				    image * stride[2] + iy * stride[1] + ix * stride[0] + c);
			inside++;
			if (is_float) {
				fsum = fsum + (float)e;
				fmax_ = e > fmax_ ? e : fmax_;
			} else {
				isum += (int64_t)e;
				imax = e > imax ? e : imax;
			}
		}
	}
	by = d->op == NPU_POOL_AVG_PAD ? (int64_t)d->kernel_h * d->kernel_w : inside;
	if (is_float) {
		/* Where nothing is inside it is +0, of either kind (docs/hardware.md, POOL). */
		v = d->op == NPU_POOL_MAX ? fmax_ : inside ? fsum / (float)by : 0;
		ref_put_float(d->out_type, out, at, v);
		return;
	}
	v = d->op == NPU_POOL_MAX ? (float)imax : by ? (float)isum / (float)by : 0;
	if (d->scale != 0)
		v = (v - (float)d->in_zp) * d->scale;
	else if (d->op == NPU_POOL_MAX && d->in_type == d->out_type) {
		put_int(d->out_type, out, at, imax);
		return;
	}
	put_int(d->out_type, out, at, quantise(d->out_type, v, d->out_zp));
}

void ref_pool2d(const struct npu_pool2d *d, const void *in, void *out)
{
	uint32_t h =
		(d->in_h + d->pad_top + d->pad_bottom - one(d->dilation_h) * (d->kernel_h - 1) -
		 1) / one(d->stride_h) +
		1;
	uint32_t w =
		(d->in_w + d->pad_left + d->pad_right - one(d->dilation_w) * (d->kernel_w - 1) -
		 1) / one(d->stride_w) +
		1;
	uint64_t is[3], os[3];
	uint32_t i, y, x, c;

	nhwc(d->in_stride, d->channels, d->in_w, d->in_h, is);
	nhwc(d->out_stride, d->channels, w, h, os);
	for (i = 0; i < one(d->batch); i++)
		for (y = 0; y < h; y++)
			for (x = 0; x < w; x++)
				for (c = 0; c < d->channels; c++)
					pool_one(d, in, is, i, y, x, c, out,
						 i * os[2] + y * os[1] + x * os[0] + c);
}

/* ---- Sums ------------------------------------------------------------------------------------ */

static float dequantise(uint32_t type, const void *data, size_t i, float scale, int32_t zp)
{
	double v = ref_get(type, data, i);

	return ref_is_float(type) ? (float)v : (float)(v - zp) * scale;
}

void ref_add(const struct npu_add *d, const void *a, const void *b, void *out)
{
	uint64_t as = or_dense(d->a_stride, d->cols), bs = or_dense(d->b_stride, d->cols);
	uint64_t os = or_dense(d->out_stride, d->cols);
	uint32_t r, c;

	for (r = 0; r < one(d->rows); r++) {
		for (c = 0; c < d->cols; c++) {
			size_t ia = r * as + c, ib = (d->b_broadcast ? 0 : r * bs) + c,
			       io = r * os + c;
			float v;

			if (d->a_type == NPU_S32 && d->b_type == NPU_S32 &&
			    d->out_type == NPU_S32 && d->a_scale == 0 && d->b_scale == 0 &&
			    d->out_scale == 0 && !d->activation) {
				put_int(NPU_S32, out, io,
					saturate(NPU_S32, ref_get(NPU_S32, a, ia) +
								  ref_get(NPU_S32, b, ib)));
				continue;
			}
			v = dequantise(d->a_type, a, ia, d->a_scale, d->a_zp) +
			    dequantise(d->b_type, b, ib, d->b_scale, d->b_zp);
			v = activate(d->activation, v, d->lo, d->hi);
			if (ref_is_float(d->out_type))
				ref_put_float(d->out_type, out, io, v);
			else
				put_int(d->out_type, out, io,
					quantise(d->out_type, v / d->out_scale, d->out_zp));
		}
	}
}

/* ---- Random cases ---------------------------------------------------------------------------- */

static uint64_t state;

void ref_seed(void)
{
	const char *text = getenv("NPU_TEST_SEED");

	state = text ? strtoull(text, NULL, 0) :
		       (uint64_t)time(NULL) * 1000003u + (uint64_t)clock();
	printf("seed %llu (NPU_TEST_SEED repeats it)\n", (unsigned long long)state);
	fflush(stdout);
}

uint32_t ref_random(uint32_t n)
{
	/* splitmix64 */
	uint64_t z = (state += 0x9e3779b97f4a7c15ull);

	z = (z ^ z >> 30) * 0xbf58476d1ce4e5b9ull;
	z = (z ^ z >> 27) * 0x94d049bb133111ebull;
	return (uint32_t)((z ^ z >> 31) >> 32) % n;
}

void ref_fill(uint32_t type, void *data, size_t count)
{
	size_t i;

	for (i = 0; i < count; i++) {
		if (ref_is_float(type))
			ref_put_float(type, data, i, (float)((int)ref_random(2001) - 1000) / 512);
		else if (type == NPU_S32)
			((int32_t *)data)[i] = (int32_t)ref_random(200001) - 100000;
		else
			((uint8_t *)data)[i] = ref_random(256);
	}
}
