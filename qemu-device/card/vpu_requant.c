// SPDX-License-Identifier: MIT
/*
 * Copyright (c) 2026 the npu authors
 *
 * The pipe that ends most products: sums become bytes by
 *
 *	[IADD] [MUL] [ADD an integer residual] [MAX] [MIN] [DIV] QUANT
 *
 * Each but the last may be missing. Such a command is done row by row in one go instead of stage by
 * stage; any other, and values for which the short cut would not give the same bits, take the
 * general path.
 */
#include <string.h>

#include "func.h"
#include "scratch.h"
#include "vpu.h"

/* What is added to a value of at most 2^22 must not bring it back into the range of a byte. */
#define ZP_MOST (1 << 20)

/* Between two looks whether the job is to end. */
#define ROWS 64

static bool is_byte(uint8_t type)
{
	return type == NPU_S8 || type == NPU_U8;
}

static bool is_small(uint32_t zp)
{
	return (int32_t)zp >= -ZP_MOST && (int32_t)zp <= ZP_MOST;
}

/* An operand of stage @s that is the same in every row: one a column, or one for all. */
static const struct npu_vpu_operand *row_operand(const struct npu_vpu_pipe *p,
						 const struct npu_vpu_stage *s, uint8_t type)
{
	const struct npu_vpu_operand *o;

	if (s->src < NPU_SRC_0 || s->src >= NPU_SRC_0 + NPU_VPU_OPERANDS)
		return NULL;
	o = &p->operand[s->src - NPU_SRC_0];
	if (o->type != type || o->flags || o->stride[1] || o->stride[2] || o->stride[3] ||
	    (o->stride[0] && o->stride[0] != 4))
		return NULL;
	return o;
}

/* @n values of 32 bits of @s: an immediate, or an operand of @type. */
static bool take_row(struct npu_exec *e, const struct npu_vpu_pipe *p,
		     const struct npu_vpu_stage *s, uint8_t type, void *row, uint32_t n)
{
	const struct npu_vpu_operand *o;
	const uint8_t *from;
	uint32_t i;

	if (s->src == NPU_SRC_IMM) {
		for (i = 0; i < n; i++)
			memcpy((uint8_t *)row + 4 * i, &s->imm, 4);
		return true;
	}
	o = row_operand(p, s, type);
	if (!o)
		return false;
	from = (o->space == NPU_SPACE_ACC ? e->acc : e->spm) + o->addr;
	if (o->stride[0]) {
		memcpy(row, from, 4 * (size_t)n);
		return true;
	}
	for (i = 0; i < n; i++)
		memcpy((uint8_t *)row + 4 * i, from, 4);
	return true;
}

static bool take_residual(const struct npu_vpu_pipe *p, const struct npu_vpu_stage *s,
			  struct npu_vpu_requant *r)
{
	const struct npu_vpu_operand *o;

	if (s->src < NPU_SRC_0 || s->src >= NPU_SRC_0 + NPU_VPU_OPERANDS)
		return false;
	o = &p->operand[s->src - NPU_SRC_0];
	if (!is_byte(o->type) || !(o->flags & NPU_OPERAND_DEQUANT) || o->stride[0] != 1 ||
	    !is_small(o->zp))
		return false;
	r->residual = o;
	r->residual_flip = o->type == NPU_S8 ? 0x80 : 0;
	r->residual_zp = (int32_t)o->zp + r->residual_flip;
	memcpy(&r->residual_scale, &o->scale, 4);
	return true;
}

static bool take_limit(const struct npu_vpu_stage *s, float *limit)
{
	if (s->src != NPU_SRC_IMM)
		return false;
	memcpy(limit, &s->imm, 4);
	return *limit == *limit;
}

static float between(float f, float low, float high)
{
	f = f < low ? low : f;
	return f > high ? high : f;
}

/* Scales that far from infinity leave every value and sum finite. */
static bool has_no_nan(const struct npu_vpu_requant *r, uint32_t n)
{
	const float most = 0x1p80f;
	bool ok = r->divisor == 1 && (!r->residual || __builtin_fabsf(r->residual_scale) <= most);
	uint32_t i;

	for (i = 0; i < n; i++)
		ok &= __builtin_fabsf(r->scale[i]) <= most;
	return ok;
}

/* Where nothing is divided, a value has to keep to one pair of limits instead of two. */
static void take_range(struct npu_vpu_requant *r, uint8_t type, int32_t zp)
{
	int32_t low = type == NPU_S8 ? INT8_MIN : 0;
	int32_t high = type == NPU_S8 ? INT8_MAX : UINT8_MAX;
	float limit;

	r->zp = zp;
	r->nan = zp < low ? low : zp > high ? high : zp;
	r->low = (float)(low - zp);
	r->high = (float)(high - zp);
	if (r->divisor != 1)
		return;
	limit = r->min < r->max ? r->min : r->max;
	r->low = between(limit, r->low, r->high);
	r->high = between(r->max, (float)(low - zp), r->high);
}

bool npu_vpu_requant_match(struct npu_exec *e, const struct npu_cmd_vpu *c,
			   struct npu_vpu_requant *r)
{
	const struct npu_vpu_pipe *p = &c->p;
	const struct npu_vpu_stage *s = p->stage, *last = p->stage + p->stages - 1;
	uint32_t n = c->size[0], i;

	if (c->reduce != NPU_REDUCE_NONE || !p->stages || n > NPU_VPU_REQUANT ||
	    p->x.type != NPU_S32 || p->x.flags || p->x.stride[0] != 4 || !is_byte(p->out.type) ||
	    p->out.stride[0] != 1)
		return false;
	if (last->op != NPU_STAGE_QUANT || last->src2 != p->out.type || last->src != NPU_SRC_IMM ||
	    !is_small(last->imm))
		return false;
	r->min = -__builtin_inff();
	r->max = __builtin_inff();
	r->divisor = 1;
	r->residual = NULL;

	if (s->op == NPU_STAGE_IADD) {
		if (!take_row(e, p, s++, NPU_S32, r->bias, n))
			return false;
	} else {
		memset(r->bias, 0, 4 * (size_t)n);
	}
	if (s->op == NPU_STAGE_MUL) {
		if (!take_row(e, p, s++, NPU_FP32, r->scale, n))
			return false;
	} else {
		for (i = 0; i < n; i++)
			r->scale[i] = 1;
	}
	if (s->op == NPU_STAGE_ADD && !take_residual(p, s++, r))
		return false;
	if (s->op == NPU_STAGE_MAX && !take_limit(s++, &r->min))
		return false;
	if (s->op == NPU_STAGE_MIN && !take_limit(s++, &r->max))
		return false;
	if (s->op == NPU_STAGE_DIV && !take_limit(s++, &r->divisor))
		return false;
	if (s != last)
		return false;
	take_range(r, p->out.type, (int32_t)last->imm);
	r->no_nan = has_no_nan(r, n);
	return true;
}

static int64_t offset(const struct npu_vpu_operand *o, const uint32_t at[4])
{
	return (int64_t)o->addr + (int64_t)at[1] * (int32_t)o->stride[1] +
	       (int64_t)at[2] * (int32_t)o->stride[2] + (int64_t)at[3] * (int32_t)o->stride[3];
}

static uint8_t *place(struct npu_exec *e, const struct npu_vpu_operand *o, const uint32_t at[4])
{
	return (o->space == NPU_SPACE_ACC ? e->acc : e->spm) + offset(o, at);
}

/* Those along dimension 1. */
static int requant_rows(struct npu_exec *e, const struct npu_cmd_vpu *c,
			const struct npu_vpu_requant *r, const struct npu_vpu_kernels *f,
			const uint32_t at[4])
{
	struct npu_vpu_rows rows = {
		.dst = place(e, &c->p.out, at),
		.sums = place(e, &c->p.x, at),
		.residual = r->residual ? place(e, r->residual, at) : NULL,
		.dst_stride = (int32_t)c->p.out.stride[1],
		.sums_stride = (int32_t)c->p.x.stride[1],
		.residual_stride = r->residual ? (int32_t)r->residual->stride[1] : 0,
	};
	uint32_t left;

	for (left = c->size[1]; left; left -= rows.count) {
		rows.count = left < ROWS ? left : ROWS;
		if (npu_exec_poll(e, (uint64_t)rows.count * c->size[0] * (c->p.stages + 1u)))
			return -1;
		f->requant(&rows, r, c->size[0]);
		rows.dst += rows.count * rows.dst_stride;
		rows.sums += rows.count * rows.sums_stride;
		if (rows.residual)
			rows.residual += rows.count * rows.residual_stride;
	}
	return 0;
}

int npu_vpu_requant(struct npu_exec *e, const struct npu_cmd_vpu *c,
		    const struct npu_vpu_requant *r)
{
	const struct npu_vpu_kernels *f = npu_vpu_kernels();
	uint32_t at[4] = { 0 };

	for (at[3] = 0; at[3] < c->size[3]; at[3]++)
		for (at[2] = 0; at[2] < c->size[2]; at[2]++)
			if (requant_rows(e, c, r, f, at))
				return -1;
	return 0;
}
