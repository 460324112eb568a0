// SPDX-License-Identifier: MIT
/*
 * Copyright (c) 2026 the npu authors
 *
 * The static rules of VPU and POOL: operands, the domains a value goes through from stage to stage,
 * and that the result does not fall onto what is still to be read.
 */
#include "isa_check.h"

enum domain { INTEGER, FLOAT };

/*
 * Where the parts of a command stand, and what differs between VPU and POOL.
 *
 * @pipe: byte offset of the pipe
 * @size: of the index space stages run over (after a reduction: with axes left out)
 * @reduce: enum npu_reduce
 * @axes: that are reduced
 */
struct pipe_context {
	const struct npu_card_config *cfg;
	const struct npu_vpu_pipe *p;
	uint64_t pipe;
	const uint32_t *size;
	uint8_t reduce;
	uint8_t axes;
};

#define PIPE(field)    AT(npu_vpu_pipe, field)
#define OPERAND(field) AT(npu_vpu_operand, field)
#define STAGE(field)   AT(npu_vpu_stage, field)

static bool is_operand(uint8_t src)
{
	return src >= NPU_SRC_0 && src <= NPU_SRC_3;
}

unsigned int npu_vpu_lut_operands(const struct npu_vpu_pipe *p, unsigned int *plain)
{
	unsigned int i, lut = 0;

	*plain = 0;
	for (i = 0; i < p->stages; i++) {
		const struct npu_vpu_stage *st = &p->stage[i];

		if (is_operand(st->src)) {
			if (st->op == NPU_STAGE_LUT)
				lut |= 1u << (st->src - NPU_SRC_0);
			else
				*plain |= 1u << (st->src - NPU_SRC_0);
		}
		if (st->op == NPU_STAGE_SELECT)
			*plain |= 1u << (st->src2 - NPU_SRC_0);
	}
	return lut;
}

static bool all_zero(const void *data, size_t size)
{
	const uint8_t *p = data;

	while (size--)
		if (*p++)
			return false;
	return true;
}

/* ---- Operands ------------------------------------------------------------------------------- */

static bool is_vpu_type(uint8_t type)
{
	return type == NPU_S8 || type == NPU_U8 || type == NPU_S32 || type == NPU_BF16 ||
	       type == NPU_FP16 || type == NPU_FP32;
}

static bool is_integer_type(uint8_t type)
{
	return type == NPU_S8 || type == NPU_U8 || type == NPU_S32;
}

static enum domain operand_domain(const struct npu_vpu_operand *o)
{
	return is_integer_type(o->type) && !(o->flags & NPU_OPERAND_DEQUANT) ? INTEGER : FLOAT;
}

/* All but its extent, which depends on how it is used. */
static enum npu_reason check_operand(const struct npu_vpu_operand *o, bool output, uint64_t at,
				     uint64_t *where)
{
	bool dequant = o->flags & NPU_OPERAND_DEQUANT;
	unsigned int i, bytes = npu_isa_bytes(o->type);

	if (o->space != NPU_SPACE_SPM && (output || o->space != NPU_SPACE_ACC))
		return npu_isa_fail(where, NPU_REASON_FIELD, at + OPERAND(space));
	if (!is_vpu_type(o->type) ||
	    (o->space == NPU_SPACE_ACC && o->type != NPU_S32 && o->type != NPU_FP32))
		return npu_isa_fail(where, NPU_REASON_FIELD, at + OPERAND(type));
	if ((o->flags & ~NPU_OPERAND_DEQUANT) || (dequant && (output || !is_integer_type(o->type))))
		return npu_isa_fail(where, NPU_REASON_FIELD, at + OPERAND(flags));
	if (o->reserved)
		return npu_isa_fail(where, NPU_REASON_RESERVED, at + OPERAND(reserved));
	if (o->zp && !dequant)
		return npu_isa_fail(where, NPU_REASON_FIELD, at + OPERAND(zp));
	if (o->scale && !dequant)
		return npu_isa_fail(where, NPU_REASON_FIELD, at + OPERAND(scale));
	if (o->addr % bytes)
		return npu_isa_fail(where, NPU_REASON_ALIGN, at + OPERAND(addr));
	for (i = 0; i < 4; i++)
		if (o->stride[i] % bytes)
			return npu_isa_fail(where, NPU_REASON_ALIGN, at + OPERAND(stride) + i * 4);
	return NPU_REASON_NONE;
}

static void operand_shape(const struct npu_vpu_operand *o, const uint32_t *size,
			  struct npu_shape *s)
{
	unsigned int i;

	npu_shape_init(s, o->addr, npu_isa_bytes(o->type));
	for (i = 0; i < 4; i++)
		npu_shape_dim(s, size[i], (int32_t)o->stride[i]);
}

static enum npu_reason check_bounds(const struct pipe_context *c, const struct npu_vpu_operand *o,
				    const struct npu_shape *s, uint64_t *where)
{
	return npu_shape_bounds(s, o->space == NPU_SPACE_ACC ? c->cfg->acc_size : c->cfg->spm_size,
				where);
}

/* What stands after a reduction does not move along the reduced dimensions. */
static enum npu_reason check_reduced(const struct pipe_context *c, const struct npu_vpu_operand *o,
				     uint64_t at, uint64_t *where)
{
	unsigned int i;

	for (i = 0; i < 4; i++)
		if ((c->axes & 1u << i) && o->stride[i])
			return npu_isa_fail(where, NPU_REASON_FIELD, at + OPERAND(stride) + i * 4);
	return NPU_REASON_NONE;
}

static enum npu_reason check_output(const struct pipe_context *c, uint64_t *where)
{
	const struct npu_vpu_operand *out = &c->p->out;
	uint64_t at = c->pipe + PIPE(out);
	struct npu_shape s;
	unsigned int i;

	CHECK(check_operand(out, true, at, where));
	CHECK(check_reduced(c, out, at, where));
	operand_shape(out, c->size, &s);
	CHECK(check_bounds(c, out, &s, where));
	for (i = 0; i < 4; i++)
		if (!(c->axes & 1u << i) && c->size[i] > 1 && !out->stride[i])
			return npu_isa_fail(where, NPU_REASON_FIELD, at + OPERAND(stride) + i * 4);
	return NPU_REASON_NONE;
}

/* ---- Stages --------------------------------------------------------------------------------- */

static enum npu_reason check_stage_source(const struct pipe_context *c,
					  const struct npu_vpu_stage *st, uint64_t at,
					  uint64_t *where)
{
	bool unary = st->op >= NPU_STAGE_ABS && st->op <= NPU_STAGE_RINT;
	bool ok;

	if (is_operand(st->src) && st->src - NPU_SRC_0 >= c->p->operands)
		return npu_isa_fail(where, NPU_REASON_FIELD, at + STAGE(src));
	if (unary)
		ok = st->src == NPU_SRC_NONE;
	else if (st->op == NPU_STAGE_LUT)
		ok = is_operand(st->src);
	else if (st->op == NPU_STAGE_SELECT || st->op == NPU_STAGE_QUANT)
		ok = is_operand(st->src) || st->src == NPU_SRC_IMM;
	else
		ok = is_operand(st->src) || st->src == NPU_SRC_IMM || st->src == NPU_SRC_X;
	if (!ok)
		return npu_isa_fail(where, NPU_REASON_FIELD, at + STAGE(src));
	if (st->op == NPU_STAGE_SELECT)
		ok = is_operand(st->src2) && st->src2 - NPU_SRC_0 < c->p->operands;
	else if (st->op == NPU_STAGE_QUANT)
		ok = is_integer_type(st->src2);
	else
		ok = !st->src2;
	if (!ok)
		return npu_isa_fail(where, NPU_REASON_FIELD, at + STAGE(src2));
	if (st->reserved)
		return npu_isa_fail(where, NPU_REASON_RESERVED, at + STAGE(reserved));
	if (st->imm && st->src != NPU_SRC_IMM)
		return npu_isa_fail(where, NPU_REASON_FIELD, at + STAGE(imm));
	return NPU_REASON_NONE;
}

/* One stage takes a value from domain to domain. */
static enum npu_reason check_stage(const struct pipe_context *c, const struct npu_vpu_stage *st,
				   uint64_t at, enum domain *domain, uint64_t *where)
{
	const struct npu_vpu_operand *y = NULL;

	switch (st->op) {
	case NPU_STAGE_IADD ... NPU_STAGE_IMAX:
	case NPU_STAGE_ADD ... NPU_STAGE_PRELU:
	case NPU_STAGE_ABS ... NPU_STAGE_RINT:
	case NPU_STAGE_QUANT:
	case NPU_STAGE_LUT:
		break;
	default:
		return npu_isa_fail(where, NPU_REASON_FIELD, at + STAGE(op));
	}
	CHECK(check_stage_source(c, st, at, where));
	if (is_operand(st->src))
		y = &c->p->operand[st->src - NPU_SRC_0];

	switch (st->op) {
	case NPU_STAGE_IADD ... NPU_STAGE_IMAX:
		if (*domain != INTEGER)
			return npu_isa_fail(where, NPU_REASON_FIELD, at + STAGE(op));
		if (y && operand_domain(y) != INTEGER)
			return npu_isa_fail(where, NPU_REASON_FIELD, at + STAGE(src));
		break;
	case NPU_STAGE_QUANT:
		if (y && operand_domain(y) != INTEGER)
			return npu_isa_fail(where, NPU_REASON_FIELD, at + STAGE(src));
		*domain = INTEGER;
		break;
	case NPU_STAGE_LUT:
		if (*domain != INTEGER)
			return npu_isa_fail(where, NPU_REASON_FIELD, at + STAGE(op));
		*domain = operand_domain(y);
		break;
	default:
		*domain = FLOAT;
	}
	return NPU_REASON_NONE;
}

static enum npu_reason check_stages(const struct pipe_context *c, enum domain domain,
				    uint64_t *where)
{
	const struct npu_vpu_pipe *p = c->p;
	unsigned int i;

	for (i = 0; i < p->stages; i++) {
		uint64_t at = c->pipe + PIPE(stage) + i * sizeof(p->stage[0]);
		const struct npu_vpu_stage *st = &p->stage[i];

		CHECK(check_stage(c, st, at, &domain, where));
		if (!c->reduce || i < p->pre)
			continue;
		if (is_operand(st->src))
			CHECK(check_reduced(c, &p->operand[st->src - NPU_SRC_0],
					    c->pipe + PIPE(operand) +
						    (st->src - NPU_SRC_0) * sizeof(p->operand[0]),
					    where));
		if (st->op == NPU_STAGE_SELECT)
			CHECK(check_reduced(c, &p->operand[st->src2 - NPU_SRC_0],
					    c->pipe + PIPE(operand) +
						    (st->src2 - NPU_SRC_0) * sizeof(p->operand[0]),
					    where));
	}
	for (; i < NPU_VPU_STAGES; i++)
		if (!all_zero(&p->stage[i], sizeof(p->stage[i])))
			return npu_isa_fail(where, NPU_REASON_FIELD,
					    c->pipe + PIPE(stage) + i * sizeof(p->stage[0]));
	if (domain != (is_integer_type(p->out.type) ? INTEGER : FLOAT))
		return npu_isa_fail(where, NPU_REASON_FIELD, c->pipe + PIPE(out) + OPERAND(type));
	return NPU_REASON_NONE;
}

/* ---- Pipes ---------------------------------------------------------------------------------- */

/* Written element for element where it was read, so that each is read before it is written. */
static bool in_place(const struct pipe_context *c, const struct npu_vpu_operand *o)
{
	const struct npu_vpu_operand *out = &c->p->out;
	struct npu_shape s;
	unsigned int i;

	if (c->reduce || o->space != out->space || o->addr != out->addr ||
	    npu_isa_bytes(o->type) != npu_isa_bytes(out->type))
		return false;
	for (i = 0; i < 4; i++)
		if (c->size[i] > 1 && o->stride[i] != out->stride[i])
			return false;
	operand_shape(out, c->size, &s);
	return !npu_shape_folds(&s);
}

static enum npu_reason check_overlap(const struct pipe_context *c, const struct npu_vpu_operand *o,
				     const struct npu_shape *in, uint64_t *where)
{
	struct npu_access set;
	struct npu_shape out;

	operand_shape(&c->p->out, c->size, &out);
	npu_shape_access(in, o->space, NPU_ACCESS_READ, &set);
	if (npu_shape_meets(&out, NPU_SPACE_SPM, &set))
		return npu_isa_fail(where, NPU_REASON_FIELD, c->pipe + PIPE(out) + OPERAND(addr));
	return NPU_REASON_NONE;
}

static enum npu_reason check_extents(const struct pipe_context *c, unsigned int lut,
				     unsigned int plain, uint64_t *where)
{
	const struct npu_vpu_pipe *p = c->p;
	struct npu_shape s;
	unsigned int i, j;

	for (i = 0; i < p->operands; i++) {
		const struct npu_vpu_operand *o = &p->operand[i];
		uint64_t at = c->pipe + PIPE(operand) + i * sizeof(*o);

		if (lut & 1u << i) {
			for (j = 0; j < 4; j++)
				if (o->stride[j])
					return npu_isa_fail(where, NPU_REASON_FIELD,
							    at + OPERAND(stride) + j * 4);
			npu_shape_init(&s, o->addr, 256u * npu_isa_bytes(o->type));
			CHECK(check_bounds(c, o, &s, where));
			CHECK(check_overlap(c, o, &s, where));
		}
		operand_shape(o, c->size, &s);
		CHECK(check_bounds(c, o, &s, where));
		if ((plain & 1u << i) && !in_place(c, o))
			CHECK(check_overlap(c, o, &s, where));
	}
	return NPU_REASON_NONE;
}

/* All of the pipe but the extent of x; @domain is that of x when the stages after it begin. */
static enum npu_reason check_pipe(const struct pipe_context *c, enum domain domain, uint64_t *where)
{
	const struct npu_vpu_pipe *p = c->p;
	unsigned int i, lut, plain;

	if (p->operands > NPU_VPU_OPERANDS)
		return npu_isa_fail(where, NPU_REASON_FIELD, c->pipe + PIPE(operands));
	if (p->stages > NPU_VPU_STAGES)
		return npu_isa_fail(where, NPU_REASON_FIELD, c->pipe + PIPE(stages));
	if (p->pre > p->stages || (!c->reduce && p->pre))
		return npu_isa_fail(where, NPU_REASON_FIELD, c->pipe + PIPE(pre));
	for (i = 0; i < sizeof(p->reserved); i++)
		if (p->reserved[i])
			return npu_isa_fail(where, NPU_REASON_RESERVED,
					    c->pipe + PIPE(reserved) + i);
	for (i = 0; i < NPU_VPU_OPERANDS; i++) {
		uint64_t at = c->pipe + PIPE(operand) + i * sizeof(p->operand[0]);

		if (i < p->operands)
			CHECK(check_operand(&p->operand[i], false, at, where));
		else if (!all_zero(&p->operand[i], sizeof(p->operand[i])))
			return npu_isa_fail(where, NPU_REASON_FIELD, at);
	}
	CHECK(check_stages(c, domain, where));
	CHECK(check_output(c, where));
	lut = npu_vpu_lut_operands(p, &plain);
	return check_extents(c, lut, plain, where);
}

/* More element operations than this belong into more than one command. */
static enum npu_reason check_space(const uint32_t *size, uint64_t per_element, uint64_t at,
				   uint64_t *where)
{
	uint64_t total = per_element;
	unsigned int i;

	for (i = 0; i < 4; i++) {
		if (!size[i])
			return npu_isa_fail(where, NPU_REASON_FIELD, at + i * 4);
		total *= size[i];
		if (total > UINT32_MAX)
			return npu_isa_fail(where, NPU_REASON_FIELD, at + i * 4);
	}
	return NPU_REASON_NONE;
}

enum npu_reason npu_vpu_check(const struct npu_card_config *cfg, const struct npu_cmd_vpu *cmd,
			      uint64_t *where)
{
	struct pipe_context c = { cfg,	     &cmd->p,	  AT(npu_cmd_vpu, p),
				  cmd->size, cmd->reduce, cmd->axes };
	struct npu_shape x;
	unsigned int i;

	CHECK(check_space(cmd->size, 1, AT(npu_cmd_vpu, size), where));
	if (cmd->reduce > NPU_REDUCE_MAX)
		return npu_isa_fail(where, NPU_REASON_FIELD, AT(npu_cmd_vpu, reduce));
	if (cmd->axes > 0xf || !cmd->axes != !cmd->reduce)
		return npu_isa_fail(where, NPU_REASON_FIELD, AT(npu_cmd_vpu, axes));
	for (i = 0; i < sizeof(cmd->reserved); i++)
		if (cmd->reserved[i])
			return npu_isa_fail(where, NPU_REASON_RESERVED,
					    AT(npu_cmd_vpu, reserved) + i);
	CHECK(check_operand(&cmd->p.x, false, c.pipe + PIPE(x), where));
	CHECK(check_pipe(&c, operand_domain(&cmd->p.x), where));
	operand_shape(&cmd->p.x, cmd->size, &x);
	CHECK(check_bounds(&c, &cmd->p.x, &x, where));
	if (in_place(&c, &cmd->p.x))
		return NPU_REASON_NONE;
	return check_overlap(&c, &cmd->p.x, &x, where);
}

enum npu_reason npu_pool_check(const struct npu_card_config *cfg, const struct npu_cmd_pool *cmd,
			       uint64_t *where)
{
	struct pipe_context c = {
		cfg, &cmd->p, AT(npu_cmd_pool, p), cmd->size, NPU_REDUCE_NONE, 0
	};
	const struct npu_vpu_operand *xo = &cmd->p.x;
	uint64_t taps = (uint64_t)cmd->kernel_h * cmd->kernel_w;
	const __le16 *size = &cmd->in_h;
	struct npu_shape x;
	unsigned int i;

	/* in_h .. dilation_w are all sizes. */
	for (i = 0; i < 8; i++)
		if (!size[i])
			return npu_isa_fail(where, NPU_REASON_FIELD,
					    AT(npu_cmd_pool, in_h) + i * 2);
	if (taps > NPU_MAX_TAPS)
		return npu_isa_fail(where, NPU_REASON_FIELD, AT(npu_cmd_pool, kernel_h));
	CHECK(check_space(cmd->size, taps, AT(npu_cmd_pool, size), where));
	if (cmd->op > NPU_POOL_AVG_PAD)
		return npu_isa_fail(where, NPU_REASON_FIELD, AT(npu_cmd_pool, op));
	for (i = 0; i < sizeof(cmd->reserved); i++)
		if (cmd->reserved[i])
			return npu_isa_fail(where, NPU_REASON_RESERVED,
					    AT(npu_cmd_pool, reserved) + i);
	CHECK(check_operand(xo, false, c.pipe + PIPE(x), where));
	if (xo->space != NPU_SPACE_SPM)
		return npu_isa_fail(where, NPU_REASON_FIELD, c.pipe + PIPE(x) + OPERAND(space));
	CHECK(check_pipe(&c, cmd->op == NPU_POOL_MAX ? operand_domain(xo) : FLOAT, where));
	npu_shape_init(&x, xo->addr, npu_isa_bytes(xo->type));
	npu_shape_dim(&x, cmd->size[0], (int32_t)xo->stride[0]);
	npu_shape_dim(&x, cmd->in_w, (int32_t)xo->stride[1]);
	npu_shape_dim(&x, cmd->in_h, (int32_t)xo->stride[2]);
	npu_shape_dim(&x, cmd->size[3], (int32_t)xo->stride[3]);
	CHECK(check_bounds(&c, xo, &x, where));
	return check_overlap(&c, xo, &x, where);
}
