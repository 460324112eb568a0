// SPDX-License-Identifier: MIT
/*
 * Copyright (c) 2026 the npu authors
 *
 * VPU and POOL element by element, each result on its own; functions from the specification's
 * tables, with branches and libm's exact operations where the card selects.
 */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "unit.h"

/* ---- Functions --------------------------------------------------------------------------- */

/* Highest power first; each step one multiplication and one addition. */
static float horner(float x, const float *c, int n)
{
	float p = c[0];
	int i;

	for (i = 1; i < n; i++) {
		volatile float product = p * x;

		p = product + c[i];
	}
	return p;
}

static float ref_exp(float x)
{
	static const float c[] = { 0x1.6a239ap-10f, 0x1.123a38p-7f, 0x1.5558f4p-5f, 0x1.555490p-3f,
				   0x1.fffffcp-2f };
	volatile float scaled, hi, lo, r, square, poly;
	float n;
	int e;

	if (isnan(x))
		return NAN;
	if (x >= 89)
		return INFINITY;
	if (x <= -105)
		return 0;
	scaled = x * 0x1.715476p+0f;
	n = rintf(scaled);
	hi = n * 0x1.62e4p-1f;
	lo = n * 0x1.7f7d1cp-20f;
	r = x - hi;
	r = r - lo;
	square = r * r;
	poly = horner(r, c, 5) * square;
	poly = poly + r;
	poly = poly + 1;
	e = (int)n;
	/* ldexpf() rounds once, to nearest even. */
	return ldexpf(poly, e);
}

static float ref_log(float x)
{
	static const float c[] = { 0x1.144e8ep-4f,  -0x1.de3948p-4f, 0x1.e6f2d6p-4f,
				   -0x1.fc22a8p-4f, 0x1.23374cp-3f,  -0x1.555c48p-3f,
				   0x1.99a4b6p-3f,  -0x1.000006p-2f, 0x1.555548p-2f };
	volatile float f, z, y, t;
	int e;
	float m;

	if (isnan(x) || x < 0)
		return NAN;
	if (x == 0)
		return -INFINITY;
	if (isinf(x))
		return x;
	m = frexpf(x, &e);
	/* The card cuts at the binary32 next to 1/sqrt(2). */
	if (m * 2 < 0x1.6a09e6p+0f) {
		m *= 2;
		e--;
	}
	f = m - 1;
	z = f * f;
	y = horner(f, c, 9) * f;
	y = y * z;
	t = (float)e * 0x1.7f7d1cp-20f;
	y = y + t;
	t = 0.5f * z;
	y = y - t;
	y = f + y;
	t = (float)e * 0x1.62e4p-1f;
	return y + t;
}

static float ref_erf(float x)
{
	static const float small[] = { 0x1.5f0b8ep-14f, -0x1.aae7d6p-11f, 0x1.54daa8p-8f,
				       -0x1.b81076p-6f, 0x1.ce2e20p-4f,	  -0x1.812744p-2f,
				       0x1.06eba8p-3f };
	static const float large[] = { -0x1.6384a0p-21f, -0x1.9e0026p-17f, 0x1.9386b4p-12f,
				       -0x1.070826p-8f,	 0x1.9689a4p-6f,   -0x1.b9fbb6p-4f,
				       -0x1.446ac4p-1f,	 -0x1.21202cp+0f,  0x1.41b542p-13f };
	float a = fabsf(x);
	volatile float z, y;

	if (isnan(x))
		return NAN;
	if (a < 0.921875f) {
		z = a * a;
		y = horner(z, small, 7) * a;
		return copysignf(y + a, x);
	}
	if (a > 4)
		a = 4;
	return copysignf(1 - ref_exp(horner(a, large, 9)), x);
}

static float ref_sigmoid(float x)
{
	float e = ref_exp(-fabsf(x));

	if (isnan(x))
		return NAN;
	return x < 0 ? e / (1 + e) : 1 / (1 + e);
}

static float ref_tanh(float x)
{
	static const float c[] = { 0x1.159c7ap-9f,  -0x1.0b14e2p-7f, 0x1.635f12p-6f,
				   -0x1.b9eaa0p-5f, 0x1.111052p-3f,  -0x1.555554p-2f };
	float a = fabsf(x);
	volatile float z, y;

	if (isnan(x))
		return NAN;
	if (a < 0.625f) {
		z = a * a;
		y = horner(z, c, 6) * z;
		y = y * a;
		return copysignf(y + a, x);
	}
	if (a > 16)
		a = 16;
	y = ref_exp(a + a) + 1;
	y = 2 / y;
	return copysignf(1 - y, x);
}

static float ref_gelu(float x)
{
	volatile float half = (x == -INFINITY ? -0x1.fffffep127f : x) * 0.5f;
	volatile float inner = x * 0x1.6a09e6p-1f;

	inner = 1 + ref_erf(inner);
	return half * inner;
}

static float ref_silu(float x)
{
	return (x == -INFINITY ? -0x1.fffffep127f : x) * ref_sigmoid(x);
}

static float minimum(float x, float y)
{
	if (isnan(x) || isnan(y))
		return NAN;
	if (x == 0 && y == 0)
		return signbit(x) ? x : y;
	return x < y ? x : y;
}

static float maximum(float x, float y)
{
	return -minimum(-x, -y);
}

/* ---- Values ------------------------------------------------------------------------------ */

struct value {
	bool is_float;
	int32_t i;
	float f;
};

static struct value read_at(const struct unit *u, const struct npu_vpu_operand *o, int64_t at)
{
	const uint8_t *p = (o->space == NPU_SPACE_ACC ? u->acc : u->spm) + at;
	struct value v = { 0 };
	float scale;
	uint16_t h;

	v.is_float = o->type == NPU_BF16 || o->type == NPU_FP16 || o->type == NPU_FP32;
	switch (o->type) {
	case NPU_S8:
		v.i = (int8_t)*p;
		break;
	case NPU_U8:
		v.i = *p;
		break;
	case NPU_S32:
		memcpy(&v.i, p, 4);
		break;
	case NPU_FP32:
		memcpy(&v.f, p, 4);
		break;
	default:
		memcpy(&h, p, 2);
		v.f = ref_widen(h, o->type);
	}
	if (o->flags & NPU_OPERAND_DEQUANT) {
		volatile float difference = (float)((int64_t)v.i - (int32_t)o->zp);

		memcpy(&scale, &o->scale, 4);
		v.is_float = true;
		v.f = difference * scale;
	}
	return v;
}

static int64_t address(const struct npu_vpu_operand *o, const int64_t at[4])
{
	int64_t a = o->addr;
	int d;

	for (d = 0; d < 4; d++)
		a += at[d] * (int32_t)o->stride[d];
	return a;
}

static float as_float(struct value v)
{
	return v.is_float ? v.f : (float)v.i;
}

static int64_t saturate(int64_t v, uint8_t type)
{
	int64_t lo = type == NPU_S8 ? -128 : type == NPU_U8 ? 0 : INT32_MIN;
	int64_t hi = type == NPU_S8 ? 127 : type == NPU_U8 ? 255 : INT32_MAX;

	return v < lo ? lo : v > hi ? hi : v;
}

static void write_at(struct unit *u, const struct npu_vpu_operand *o, const int64_t at[4],
		     struct value v)
{
	uint8_t *p = u->spm + address(o, at);
	uint32_t nan = NPU_FP32_NAN;
	int32_t i;
	uint16_t h;

	if (!v.is_float) {
		i = (int32_t)saturate(v.i, o->type);
		memcpy(p, &i, (size_t)type_size(o->type));
	} else if (o->type == NPU_FP32) {
		memcpy(p, isnan(v.f) ? (void *)&nan : (void *)&v.f, 4);
	} else {
		h = ref_narrow(v.f, o->type);
		memcpy(p, &h, 2);
	}
}

/* ---- Stages ------------------------------------------------------------------------------ */

static int32_t integer_op(uint8_t op, int64_t x, int64_t y)
{
	switch (op) {
	case NPU_STAGE_IADD:
		return (int32_t)saturate(x + y, NPU_S32);
	case NPU_STAGE_ISUB:
		return (int32_t)saturate(x - y, NPU_S32);
	case NPU_STAGE_IMIN:
		return (int32_t)(x < y ? x : y);
	case NPU_STAGE_IMAX:
		return (int32_t)(x > y ? x : y);
	}
	abort();
}

static float float_op(uint8_t op, float x, float y, float z)
{
	switch (op) {
	case NPU_STAGE_ADD:
		return x + y;
	case NPU_STAGE_SUB:
		return x - y;
	case NPU_STAGE_RSUB:
		return y - x;
	case NPU_STAGE_MUL:
		return x * y;
	case NPU_STAGE_DIV:
		return x / y;
	case NPU_STAGE_RDIV:
		return y / x;
	case NPU_STAGE_MIN:
		return minimum(x, y);
	case NPU_STAGE_MAX:
		return maximum(x, y);
	case NPU_STAGE_GT:
		return x > y;
	case NPU_STAGE_GE:
		return x >= y;
	case NPU_STAGE_EQ:
		return x == y;
	case NPU_STAGE_SELECT:
		return x != 0 ? y : z;
	case NPU_STAGE_PRELU:
		return x < 0 ? x * y : x;
	case NPU_STAGE_ABS:
		return fabsf(x);
	case NPU_STAGE_NEG:
		return -x;
	case NPU_STAGE_EXP:
		return ref_exp(x);
	case NPU_STAGE_LOG:
		return ref_log(x);
	case NPU_STAGE_ERF:
		return ref_erf(x);
	case NPU_STAGE_SIGMOID:
		return ref_sigmoid(x);
	case NPU_STAGE_TANH:
		return ref_tanh(x);
	case NPU_STAGE_GELU:
		return ref_gelu(x);
	case NPU_STAGE_SILU:
		return ref_silu(x);
	case NPU_STAGE_SQRT:
		return sqrtf(x);
	case NPU_STAGE_RSQRT:
		return 1 / sqrtf(x);
	case NPU_STAGE_RECIP:
		return 1 / x;
	case NPU_STAGE_FLOOR:
		return floorf(x);
	case NPU_STAGE_CEIL:
		return ceilf(x);
	case NPU_STAGE_RINT:
		return rintf(x);
	}
	abort();
}

static struct value quantise(float x, int64_t zp, uint8_t type)
{
	struct value v = { 0 };
	double r = rint((double)x);

	/* Beyond 2^40 no zero point matters. */
	if (isnan(x))
		r = 0;
	r = r > 0x1p40 ? 0x1p40 : r < -0x1p40 ? -0x1p40 : r;
	v.i = (int32_t)saturate((int64_t)r + zp, type);
	return v;
}

static struct value source(const struct unit *u, const struct npu_vpu_pipe *p,
			   const struct npu_vpu_stage *s, uint8_t src, const int64_t at[4],
			   struct value x)
{
	struct value v = { 0 };

	if (src == NPU_SRC_X)
		return x;
	if (src == NPU_SRC_IMM) {
		/* Both readings; the stage takes the one of its domain. */
		v.is_float = s->op >= NPU_STAGE_ADD && s->op < NPU_STAGE_QUANT;
		memcpy(&v.i, &s->imm, 4);
		memcpy(&v.f, &s->imm, 4);
		return v;
	}
	if (src == NPU_SRC_NONE)
		return v;
	return read_at(u, &p->operand[src - NPU_SRC_0], address(&p->operand[src - NPU_SRC_0], at));
}

static struct value stages(const struct unit *u, const struct npu_vpu_pipe *p, int from, int to,
			   const int64_t at[4], struct value x)
{
	int i;

	for (i = from; i < to; i++) {
		const struct npu_vpu_stage *s = &p->stage[i];
		struct value y = source(u, p, s, s->src, at, x);
		struct value z = { 0 };

		if (s->op == NPU_STAGE_SELECT)
			z = source(u, p, s, s->src2, at, x);
		if (s->op == NPU_STAGE_LUT) {
			const struct npu_vpu_operand *o = &p->operand[s->src - NPU_SRC_0];

			x = read_at(u, o, (int64_t)o->addr + (x.i & 255) * type_size(o->type));
		} else if (s->op == NPU_STAGE_QUANT) {
			x = quantise(as_float(x), y.i, s->src2);
		} else if (s->op < NPU_STAGE_ADD) {
			x.i = integer_op(s->op, x.i, y.i);
		} else {
			x.f = float_op(s->op, as_float(x), as_float(y), as_float(z));
			x.is_float = true;
		}
	}
	return x;
}

/* ---- Commands ---------------------------------------------------------------------------- */

static struct value reduce(uint8_t op, const struct value *v, uint64_t n)
{
	struct value r = v[0];
	float lane[NPU_REDUCE_LANES];
	uint64_t i;
	int l, w;

	if (op == NPU_REDUCE_SUM && r.is_float) {
		for (l = 0; l < NPU_REDUCE_LANES; l++)
			lane[l] = -0.0f;
		for (i = 0; i < n; i++)
			lane[i % NPU_REDUCE_LANES] += v[i].f;
		for (w = NPU_REDUCE_LANES / 2; w; w /= 2)
			for (l = 0; l < w; l++)
				lane[l] += lane[l + w];
		r.f = lane[0];
		return r;
	}
	for (i = 1; i < n; i++) {
		if (op == NPU_REDUCE_SUM)
			r.i = (int32_t)((uint32_t)r.i + (uint32_t)v[i].i);
		else if (r.is_float)
			r.f = op == NPU_REDUCE_MIN ? minimum(r.f, v[i].f) : maximum(r.f, v[i].f);
		else if (op == NPU_REDUCE_MIN ? v[i].i < r.i : v[i].i > r.i)
			r.i = v[i].i;
	}
	return r;
}

void ref_vpu(struct unit *u, const struct npu_cmd_vpu *c)
{
	const struct npu_vpu_pipe *p = &c->p;
	int64_t outer[4], inner[4], at[4], n_outer[4], n_inner[4];
	uint64_t most = 1, count;
	struct value *list;
	int d;

	for (d = 0; d < 4; d++) {
		bool reduced = c->reduce && c->axes >> d & 1;

		n_inner[d] = reduced ? c->size[d] : 1;
		n_outer[d] = reduced ? 1 : c->size[d];
		most *= (uint64_t)n_inner[d];
	}
	list = malloc(most * sizeof(*list));
	if (!list)
		abort();
	EACH_COORDINATE(outer, n_outer) {
		int pre = c->reduce ? p->pre : 0;
		struct value x;

		count = 0;
		EACH_COORDINATE(inner, n_inner) {
			for (d = 0; d < 4; d++)
				at[d] = outer[d] + inner[d];
			x = read_at(u, &p->x, address(&p->x, at));
			list[count++] = stages(u, p, 0, pre, at, x);
		}
		x = c->reduce ? reduce(c->reduce, list, count) : list[0];
		write_at(u, &p->out, outer, stages(u, p, pre, p->stages, outer, x));
	}
	free(list);
}

static struct value pool(const struct unit *u, const struct npu_cmd_pool *c, const int64_t at[4])
{
	const struct npu_vpu_operand *x = &c->p.x;
	struct value r = read_at(u, x, x->addr), v;
	int64_t sum = 0, inside = 0, row, col, i, j;
	float total = -0.0f;

	r.f = -INFINITY;
	r.i = (int32_t)(x->type == NPU_S8 ? -128 : x->type == NPU_U8 ? 0 : INT32_MIN);
	for (i = 0; i < c->kernel_h; i++) {
		for (j = 0; j < c->kernel_w; j++) {
			row = at[2] * c->stride_h - (int16_t)c->pad_top + i * c->dilation_h;
			col = at[1] * c->stride_w - (int16_t)c->pad_left + j * c->dilation_w;
			if (row < 0 || row >= c->in_h || col < 0 || col >= c->in_w)
				continue;
			v = read_at(u, x, address(x, (int64_t[4]){ at[0], col, row, at[3] }));
			inside++;
			sum += v.i;
			total += v.f;
			r.f = maximum(r.f, v.f);
			r.i = v.i > r.i ? v.i : r.i;
		}
	}
	if (c->op != NPU_POOL_MAX) {
		int64_t by = c->op == NPU_POOL_AVG ? inside : (int64_t)c->kernel_h * c->kernel_w;

		r.f = !inside ? 0 : (r.is_float ? total : (float)sum) / (float)by;
		r.is_float = true;
	}
	return r;
}

void ref_pool(struct unit *u, const struct npu_cmd_pool *c)
{
	int64_t at[4];

	EACH_COORDINATE(at, c->size)
		write_at(u, &c->p.out, at, stages(u, &c->p, 0, c->p.stages, at, pool(u, c, at)));
}
