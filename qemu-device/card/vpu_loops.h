/* SPDX-License-Identifier: MIT */
/*
 * Copyright (c) 2026 the npu authors
 *
 * The VPU's kernels. Each file of kernels includes this once, after it has told the compiler
 * what processor its functions are for, and gets its own static copies, vectorised for that
 * processor: inner loops have a fixed number of rounds, and buffers are whole blocks.
 */
#include <string.h>

#include "func.h"
#include "vpu.h"

#define BLOCK NPU_VPU_BLOCK

typedef int16_t may_alias_i16 __attribute__((may_alias));
typedef uint16_t may_alias_u16 __attribute__((may_alias));
typedef int32_t may_alias_i32 __attribute__((may_alias));
typedef float may_alias_f32 __attribute__((may_alias));

/* For element k of all blocks: EXPR, which may use k. */
#define EACH(expr)                                                            \
	do {                                                                  \
		for (size_t b_ = 0; b_ < (size_t)blocks * BLOCK; b_ += BLOCK) \
			for (size_t j_ = 0; j_ < BLOCK; j_++) {               \
				const size_t k = b_ + j_;                     \
				expr;                                         \
			}                                                     \
	} while (0)

static void loop_widen(struct npu_vpu_values *v, const void *restrict src, uint8_t type,
		       unsigned int blocks)
{
	int32_t *restrict i = v->i;
	float *restrict f = v->f;
	const int8_t *s8 = src;
	const uint8_t *u8 = src;
	const may_alias_i32 *s32 = src;
	const may_alias_u16 *h = src;
	const may_alias_f32 *f32 = src;

	v->is_float = type == NPU_BF16 || type == NPU_FP16 || type == NPU_FP32;
	switch (type) {
	case NPU_S8:
		EACH(i[k] = s8[k]);
		break;
	case NPU_U8:
		EACH(i[k] = u8[k]);
		break;
	case NPU_S32:
		EACH(i[k] = s32[k]);
		break;
	case NPU_BF16:
		EACH(f[k] = npu_bf16_to_f32(h[k]));
		break;
	case NPU_FP16:
		EACH(f[k] = npu_fp16_to_f32(h[k]));
		break;
	default:
		EACH(f[k] = f32[k]);
		break;
	}
}

static void loop_dequant(struct npu_vpu_values *v, int32_t zp, float scale, unsigned int blocks)
{
	int32_t *i = v->i;
	float *f = v->f;

	/*
	 * The difference is exact in 64 bits, and in binary64, from which one rounding makes
	 * binary32.
	 */
	EACH(f[k] = (float)((double)i[k] - (double)zp) * scale);
	v->is_float = true;
}

static inline int32_t clamp(int32_t v, int32_t lo, int32_t hi)
{
	v = v < lo ? lo : v;
	return v > hi ? hi : v;
}

static void loop_narrow(void *restrict dst, const struct npu_vpu_values *v, uint8_t type,
			unsigned int blocks)
{
	const int32_t *restrict i = v->i;
	const float *restrict f = v->f;
	int8_t *s8 = dst;
	uint8_t *u8 = dst;
	may_alias_i32 *s32 = dst;
	may_alias_u16 *h = dst;
	may_alias_f32 *f32 = dst;

	switch (type) {
	case NPU_S8:
		EACH(s8[k] = (int8_t)clamp(i[k], INT8_MIN, INT8_MAX));
		break;
	case NPU_U8:
		EACH(u8[k] = (uint8_t)clamp(i[k], 0, UINT8_MAX));
		break;
	case NPU_S32:
		EACH(s32[k] = i[k]);
		break;
	case NPU_BF16:
		EACH(h[k] = npu_f32_to_bf16(f[k]));
		break;
	case NPU_FP16:
		EACH(h[k] = npu_f32_to_fp16(f[k]));
		break;
	default:
		EACH(f32[k] = npu_f32_canonical(f[k]));
		break;
	}
}

static void loop_to_float(struct npu_vpu_values *v, unsigned int blocks)
{
	int32_t *i = v->i;
	float *f = v->f;

	EACH(f[k] = (float)i[k]);
	v->is_float = true;
}

/* Saturating: the sum wraps, and where its sign cannot be is replaced. */
static inline int32_t add_sat(int32_t x, int32_t y)
{
	uint32_t r = (uint32_t)x + (uint32_t)y;
	uint32_t over = ~((uint32_t)x ^ (uint32_t)y) & ((uint32_t)x ^ r);
	uint32_t limit = 0x7fffffffu + ((uint32_t)x >> 31);

	return (int32_t)((int32_t)over < 0 ? limit : r);
}

static inline int32_t sub_sat(int32_t x, int32_t y)
{
	uint32_t r = (uint32_t)x - (uint32_t)y;
	uint32_t over = ((uint32_t)x ^ (uint32_t)y) & ((uint32_t)x ^ r);
	uint32_t limit = 0x7fffffffu + ((uint32_t)x >> 31);

	return (int32_t)((int32_t)over < 0 ? limit : r);
}

/* Exact in binary64: an integer of 24 bits, cut at 34 bits, and one of 32. */
static inline int32_t quant(float x, int32_t zp, double lo, double hi)
{
	float r = npu_rint(x != x ? 0.0f : x);
	double d;

	r = r < 0x1p33f ? r : 0x1p33f;
	r = r > -0x1p33f ? r : -0x1p33f;
	d = (double)r + (double)zp;
	d = d < lo ? lo : d;
	return (int32_t)(d > hi ? hi : d);
}

static void loop_quant(struct npu_vpu_values *x, const int32_t *restrict zp, uint8_t type,
		       unsigned int blocks)
{
	double lo = type == NPU_S8 ? -128.0 : type == NPU_U8 ? 0.0 : -0x1p31;
	double hi = type == NPU_S8 ? 127.0 : type == NPU_U8 ? 255.0 : 0x1p31 - 1.0;
	int32_t *i = x->i;
	float *f = x->f;

	EACH(i[k] = quant(f[k], zp[k], lo, hi));
	x->is_float = false;
}

static void loop_integer(uint8_t op, int32_t *restrict x, const int32_t *restrict y,
			 unsigned int blocks)
{
	switch (op) {
	case NPU_STAGE_IADD:
		EACH(x[k] = add_sat(x[k], y[k]));
		break;
	case NPU_STAGE_ISUB:
		EACH(x[k] = sub_sat(x[k], y[k]));
		break;
	case NPU_STAGE_IMIN:
		EACH(x[k] = x[k] < y[k] ? x[k] : y[k]);
		break;
	case NPU_STAGE_IMAX:
		EACH(x[k] = x[k] > y[k] ? x[k] : y[k]);
		break;
	}
}

static void loop_binary(uint8_t op, float *restrict x, const float *restrict y,
			const float *restrict z, unsigned int blocks)
{
	switch (op) {
	case NPU_STAGE_ADD:
		EACH(x[k] = x[k] + y[k]);
		break;
	case NPU_STAGE_SUB:
		EACH(x[k] = x[k] - y[k]);
		break;
	case NPU_STAGE_RSUB:
		EACH(x[k] = y[k] - x[k]);
		break;
	case NPU_STAGE_MUL:
		EACH(x[k] = x[k] * y[k]);
		break;
	case NPU_STAGE_DIV:
		EACH(x[k] = x[k] / y[k]);
		break;
	case NPU_STAGE_RDIV:
		EACH(x[k] = y[k] / x[k]);
		break;
	case NPU_STAGE_MIN:
		EACH(x[k] = npu_fmin(x[k], y[k]));
		break;
	case NPU_STAGE_MAX:
		EACH(x[k] = npu_fmax(x[k], y[k]));
		break;
	case NPU_STAGE_GT:
		EACH(x[k] = x[k] > y[k] ? 1.0f : 0.0f);
		break;
	case NPU_STAGE_GE:
		EACH(x[k] = x[k] >= y[k] ? 1.0f : 0.0f);
		break;
	case NPU_STAGE_EQ:
		EACH(x[k] = x[k] == y[k] ? 1.0f : 0.0f);
		break;
	case NPU_STAGE_SELECT:
		EACH(float a = y[k]; float b = z[k]; x[k] = x[k] != 0.0f ? a : b);
		break;
	case NPU_STAGE_PRELU:
		EACH(float a = x[k] * y[k]; x[k] = x[k] < 0.0f ? a : x[k]);
		break;
	}
}

static void loop_unary(uint8_t op, float *x, unsigned int blocks)
{
	switch (op) {
	case NPU_STAGE_ABS:
		EACH(x[k] = npu_fabs(x[k]));
		break;
	case NPU_STAGE_NEG:
		EACH(x[k] = -x[k]);
		break;
	case NPU_STAGE_EXP:
		EACH(x[k] = npu_exp(x[k]));
		break;
	case NPU_STAGE_LOG:
		EACH(x[k] = npu_log(x[k]));
		break;
	case NPU_STAGE_ERF:
		EACH(x[k] = npu_erf(x[k]));
		break;
	case NPU_STAGE_SIGMOID:
		EACH(x[k] = npu_sigmoid(x[k]));
		break;
	case NPU_STAGE_TANH:
		EACH(x[k] = npu_tanh(x[k]));
		break;
	case NPU_STAGE_GELU:
		EACH(x[k] = npu_gelu(x[k]));
		break;
	case NPU_STAGE_SILU:
		EACH(x[k] = npu_silu(x[k]));
		break;
	case NPU_STAGE_SQRT:
		EACH(x[k] = __builtin_sqrtf(x[k]));
		break;
	case NPU_STAGE_RSQRT:
		EACH(x[k] = 1.0f / __builtin_sqrtf(x[k]));
		break;
	case NPU_STAGE_RECIP:
		EACH(x[k] = 1.0f / x[k]);
		break;
	case NPU_STAGE_FLOOR:
		EACH(x[k] = npu_floor(x[k]));
		break;
	case NPU_STAGE_CEIL:
		EACH(x[k] = npu_ceil(x[k]));
		break;
	case NPU_STAGE_RINT:
		EACH(x[k] = npu_rint(x[k]));
		break;
	}
}

static void loop_stage(uint8_t op, struct npu_vpu_values *x, const struct npu_vpu_values *y,
		       const struct npu_vpu_values *z, uint8_t type, unsigned int blocks)
{
	if (op == NPU_STAGE_QUANT)
		loop_quant(x, y->i, type, blocks);
	else if (op < NPU_STAGE_ADD)
		loop_integer(op, x->i, y->i, blocks);
	else if (op < NPU_STAGE_ABS)
		loop_binary(op, x->f, y->f, z ? z->f : NULL, blocks);
	else
		loop_unary(op, x->f, blocks);
}

static void loop_sum(float *restrict lane, const float *restrict x, unsigned int n)
{
	unsigned int i;

	for (; n >= NPU_REDUCE_LANES; n -= NPU_REDUCE_LANES, x += NPU_REDUCE_LANES)
		for (i = 0; i < NPU_REDUCE_LANES; i++)
			lane[i] += x[i];
	for (i = 0; i < n; i++)
		lane[i] += x[i];
}

/* What of struct npu_vpu_requant is the same for all values, where no store can change it. */
struct requant_same {
	uint8_t flip;
	int32_t residual_zp;
	float residual_scale;
	float min;
	float max;
	float divisor;
	float low;
	float high;
	int32_t zp;
	int32_t nan;
};

/*
 * One block; false where a sum has left its range and @saturate was not said, which makes the results
 * wrong. Limits are integers that keep the byte in its range, or lie between such. A float of at most
 * 2^22 is rounded to nearest even, as npu_rint() does, by adding what leaves no bits for a fraction; the
 * lower bits of the sum are then the integer. -0 and +0 give the same byte, so which of them a limit
 * gives does not matter.
 */
static inline __attribute__((always_inline)) bool
requant_block(uint8_t *restrict dst, const may_alias_i32 *restrict sums,
	      const uint8_t *restrict residual, const struct requant_same *r,
	      const int32_t *restrict bias, const float *restrict scale, const bool saturate,
	      const bool has_residual, const bool has_divisor, const bool no_nan)
{
	uint32_t over = 0;
	size_t k;

	for (k = 0; k < BLOCK; k++) {
		uint32_t x = (uint32_t)sums[k], y = (uint32_t)bias[k];
		int32_t v = saturate ? add_sat((int32_t)x, (int32_t)y) : (int32_t)(x + y);
		float f = (float)v * scale[k];
		bool nan;

		over |= (x ^ (uint32_t)v) & (y ^ (uint32_t)v);
		if (has_residual)
			f += (float)((residual[k] ^ r->flip) - r->residual_zp) * r->residual_scale;
		if (has_divisor) {
			f = f < r->min ? r->min : f;
			f = f > r->max ? r->max : f;
			f /= r->divisor;
		}
		nan = !no_nan && f != f;
		f = f < r->low ? r->low : f;
		f = f > r->high ? r->high : f;
		v = (int32_t)(npu_f32_bits(f + 0x1.8p23f) + (uint32_t)r->zp);
		dst[k] = (uint8_t)(nan ? r->nan : v);
	}
	return saturate || (int32_t)over >= 0;
}

static inline __attribute__((always_inline)) void
requant_row(uint8_t *dst, const uint8_t *sums, const uint8_t *residual,
	    const struct requant_same *same, const struct npu_vpu_requant *r, unsigned int n,
	    const bool has_residual, const bool has_divisor, const bool no_nan)
{
	uint8_t bytes[BLOCK], out[BLOCK];
	int32_t last[BLOCK];
	const may_alias_i32 *from;
	unsigned int k;

	for (k = 0; k + BLOCK <= n; k += BLOCK) {
		if (has_residual)
			memcpy(bytes, residual + k, BLOCK);
		from = (const may_alias_i32 *)(sums + 4 * (size_t)k);
		if (!requant_block(dst + k, from, bytes, same, r->bias + k, r->scale + k, false,
				   has_residual, has_divisor, no_nan))
			requant_block(dst + k, from, bytes, same, r->bias + k, r->scale + k, true,
				      has_residual, has_divisor, false);
	}
	if (k == n)
		return;
	memset(bytes, 0, sizeof(bytes));
	memset(last, 0, sizeof(last));
	if (has_residual)
		memcpy(bytes, residual + k, n - k);
	memcpy(last, sums + 4 * (size_t)k, 4 * (size_t)(n - k));
	requant_block(out, last, bytes, same, r->bias + k, r->scale + k, true, has_residual,
		      has_divisor, false);
	memcpy(dst + k, out, n - k);
}

static inline __attribute__((always_inline)) void
requant_rows(const struct npu_vpu_rows *rows, const struct npu_vpu_requant *r, unsigned int n,
	     const bool has_residual, const bool has_divisor, const bool no_nan)
{
	const struct requant_same same = {
		.flip = r->residual_flip,
		.residual_zp = r->residual_zp,
		.residual_scale = r->residual_scale,
		.min = r->min,
		.max = r->max,
		.divisor = r->divisor,
		.low = r->low,
		.high = r->high,
		.zp = (int32_t)((uint32_t)r->zp - npu_f32_bits(0x1.8p23f)),
		.nan = r->nan,
	};
	unsigned int i;

	for (i = 0; i < rows->count; i++)
		requant_row(rows->dst + i * rows->dst_stride, rows->sums + i * rows->sums_stride,
			    has_residual ? rows->residual + i * rows->residual_stride : NULL, &same, r,
			    n, has_residual, has_divisor, no_nan);
}

static void loop_requant(const struct npu_vpu_rows *rows, const struct npu_vpu_requant *r,
			 unsigned int n)
{
	if (rows->residual && r->no_nan)
		requant_rows(rows, r, n, true, false, true);
	else if (rows->residual && r->divisor != 1)
		requant_rows(rows, r, n, true, true, false);
	else if (rows->residual)
		requant_rows(rows, r, n, true, false, false);
	else if (r->no_nan)
		requant_rows(rows, r, n, false, false, true);
	else if (r->divisor != 1)
		requant_rows(rows, r, n, false, true, false);
	else
		requant_rows(rows, r, n, false, false, false);
}

#undef EACH
#undef BLOCK
