// SPDX-License-Identifier: MIT
/*
 * Copyright (c) 2026 the npu authors
 *
 * VPU and POOL against ref_vpu.c, with each set of kernels that the host has: random pipes over
 * random tensors, and the corners of each stage by name.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "unit.h"

#define SPM   (512u << 10)
#define ACC   (64u << 10)
#define ROOMY (48u << 10) /* a tensor with gaps; all those of a command fit into SPM */

static const uint8_t types[] = { NPU_S8, NPU_U8, NPU_S32, NPU_BF16, NPU_FP16, NPU_FP32 };

static int64_t spm_next, acc_next;

static bool is_float(uint8_t type)
{
	return type >= NPU_BF16 && type <= NPU_FP32;
}

/* A place for so many bytes, or -1 when the space is full. */
static int64_t place(uint8_t space, int64_t bytes, int64_t align)
{
	int64_t *next = space == NPU_SPACE_ACC ? &acc_next : &spm_next;
	int64_t at = (*next + rnd_in(0, 40) + align - 1) / align * align;

	if (at + bytes > (space == NPU_SPACE_ACC ? ACC : SPM))
		return -1;
	*next = at + bytes;
	return at;
}

static uint32_t float_bits(float f)
{
	uint32_t u;

	memcpy(&u, &f, 4);
	return u;
}

/* Ordinary numbers in many orders of magnitude, with some of all kinds between. */
static void fill_start(void)
{
	uint32_t i, u, keep = (uint32_t)rnd_in(1, 3);

	unit_random(start);
	spm_next = 0;
	acc_next = 0;
	if (keep == 1)
		return;
	for (i = 0; i < SPM + ACC; i += 4) {
		uint8_t *p = i < SPM ? start->spm + i : start->acc + (i - SPM);
		static const uint32_t odd[] = { 0,	    0x80000000, 0x7f800000, 0xff800000,
						0x7fc00000, 0xffc12345, 1,	    0x80000001,
						0x007fffff, 0x7f7fffff };

		if (rnd_one_in(16))
			u = odd[rnd_in(0, 9)];
		else if (keep == 2)
			u = float_bits((float)rnd_in(-100000, 100000) / 3000.0f);
		else
			u = float_bits((float)rnd_in(-1000, 1000) * (rnd_one_in(2) ? 0.5f : 1.0f));
		memcpy(p, &u, 4);
	}
}

/* Strides and place for a tensor over @size; dimensions in @still do not move. -1 if it does not fit. */
static int64_t try_layout(struct npu_vpu_operand *o, const uint32_t size[4], unsigned int still,
			  bool gaps)
{
	int64_t esize = type_size(o->type), run = esize, below = 0, at;
	uint8_t order[4] = { 0, 1, 2, 3 };
	int i;

	if (rnd_one_in(3))
		rnd_order(order, 4);
	for (i = 0; i < 4; i++) {
		unsigned int d = order[i];

		if (still >> d & 1) {
			o->stride[d] = 0;
			continue;
		}
		if (gaps && rnd_one_in(5))
			run += esize * rnd_in(1, 3);
		o->stride[d] = (uint32_t)run;
		if (rnd_one_in(12)) {
			o->stride[d] = (uint32_t)-run;
			below += run * (size[d] - 1);
		}
		run *= size[d];
	}
	if (gaps && run + below > ROOMY)
		return -1;
	at = place(o->space, run + below, esize);
	o->addr = (uint32_t)(at + below);
	return at;
}

/* The same, where there is room: without gaps in SPM there always is. */
static void lay_out(struct npu_vpu_operand *o, const uint32_t size[4], unsigned int still)
{
	if (try_layout(o, size, still, true) >= 0)
		return;
	o->space = NPU_SPACE_SPM;
	assert_true(try_layout(o, size, still, false) >= 0);
}

static void random_dequant(struct npu_vpu_operand *o)
{
	if (is_float(o->type) || !rnd_one_in(3))
		return;
	o->flags = NPU_OPERAND_DEQUANT;
	o->zp = (uint32_t)(rnd_one_in(4) ? (int64_t)(int32_t)rnd() : rnd_in(-128, 127));
	o->scale = float_bits((float)rnd_in(1, 1000) / 7000.0f);
}

static bool domain_of(const struct npu_vpu_operand *o)
{
	return is_float(o->type) || (o->flags & NPU_OPERAND_DEQUANT);
}

static uint32_t random_imm(void)
{
	return rnd_one_in(4) ? (uint32_t)rnd() : float_bits((float)rnd_in(-300, 300) / 16.0f);
}

/* An operand of its own for a stage; 0 when there are enough. */
static uint8_t new_operand(struct npu_vpu_pipe *p, const uint32_t size[4], unsigned int axes,
			   int want_float)
{
	struct npu_vpu_operand *o;

	if (p->operands == NPU_VPU_OPERANDS)
		return 0;
	o = &p->operand[p->operands];
	memset(o, 0, sizeof(*o));
	o->space = rnd_one_in(5) ? NPU_SPACE_ACC : NPU_SPACE_SPM;
	do {
		o->type = types[rnd_in(0, 5)];
		o->flags = 0;
		o->zp = 0;
		o->scale = 0;
		random_dequant(o);
	} while ((want_float >= 0 && domain_of(o) != want_float) ||
		 (o->space == NPU_SPACE_ACC && type_size(o->type) != 4));
	lay_out(o, size, axes | (unsigned int)(rnd_one_in(2) ? rnd_in(0, 15) : 0));
	return (uint8_t)(NPU_SRC_0 + p->operands++);
}

static uint8_t random_source(struct npu_vpu_pipe *p, struct npu_vpu_stage *s,
			     const uint32_t size[4], unsigned int axes, int want_float)
{
	uint8_t src = rnd_one_in(2) ? new_operand(p, size, axes, want_float) : 0;

	if (src)
		return src;
	if (want_float != 0 && rnd_one_in(6) && s->op != NPU_STAGE_SELECT)
		return NPU_SRC_X;
	s->imm = random_imm();
	return NPU_SRC_IMM;
}

/* Adds a random stage for a value of domain *@f. */
static void add_stage(struct npu_vpu_pipe *p, const uint32_t size[4], unsigned int axes, bool *f)
{
	static const uint32_t one[4] = { 256, 1, 1, 1 };
	struct npu_vpu_stage *s = &p->stage[p->stages];
	unsigned int kind = (unsigned int)rnd_in(0, 9);

	memset(s, 0, sizeof(*s));
	if (kind < 3 && !*f) {
		s->op = (uint8_t)rnd_in(NPU_STAGE_IADD, NPU_STAGE_IMAX);
		s->src = random_source(p, s, size, axes, 0);
	} else if (kind == 3 && !*f && p->operands < NPU_VPU_OPERANDS) {
		struct npu_vpu_operand *o = &p->operand[p->operands];
		int64_t at;

		s->op = NPU_STAGE_LUT;
		s->src = new_operand(p, one, 0xf, -1);
		at = place(o->space, 256 * type_size(o->type), type_size(o->type));
		if (at < 0) {
			o->space = NPU_SPACE_SPM;
			at = place(o->space, 256 * type_size(o->type), type_size(o->type));
		}
		o->addr = (uint32_t)at;
		*f = domain_of(o);
	} else if (kind == 4) {
		s->op = NPU_STAGE_QUANT;
		s->src = random_source(p, s, size, axes, 0);
		s->src2 = types[rnd_in(0, 2)];
		if (s->src == NPU_SRC_IMM && rnd_one_in(2))
			s->imm = (uint32_t)rnd_in(-128, 127);
		*f = false;
	} else if (kind < 7) {
		s->op = (uint8_t)rnd_in(NPU_STAGE_ABS, NPU_STAGE_RINT);
		*f = true;
	} else {
		s->op = (uint8_t)rnd_in(NPU_STAGE_ADD, NPU_STAGE_PRELU);
		if (s->op == NPU_STAGE_SELECT) {
			s->src2 = new_operand(p, size, axes, -1);
			if (!s->src2)
				s->op = NPU_STAGE_MUL;
		}
		s->src = random_source(p, s, size, axes, -1);
		*f = true;
	}
	p->stages++;
}

static void random_output(struct npu_vpu_pipe *p, const uint32_t size[4], unsigned int axes, bool f,
			  bool in_place)
{
	if (in_place && !p->x.space && domain_of(&p->x) == f && is_float(p->x.type) == f) {
		p->out = p->x;
		p->out.flags = 0;
		p->out.zp = 0;
		p->out.scale = 0;
		return;
	}
	memset(&p->out, 0, sizeof(p->out));
	p->out.type = types[rnd_in(0, 2) + (f ? 3 : 0)];
	lay_out(&p->out, size, axes);
}

static void random_x(struct npu_vpu_pipe *p, const uint32_t size[4], unsigned int still)
{
	p->x.type = types[rnd_in(0, 5)];
	if (type_size(p->x.type) == 4 && rnd_one_in(2))
		p->x.space = NPU_SPACE_ACC;
	random_dequant(&p->x);
	lay_out(&p->x, size, still);
}

static void describe(char *what, size_t n, const uint32_t size[4], const struct npu_vpu_pipe *p)
{
	int at = snprintf(what, n, "size %u %u %u %u x %u%s out %u stages", size[0], size[1],
			  size[2], size[3], p->x.type, p->x.flags ? "dq" : "", p->out.type);
	int i;

	for (i = 0; i < p->stages; i++)
		at += snprintf(what + at, n - (size_t)at, " %u:%u", p->stage[i].op,
			       p->stage[i].src);
}

/*
 * Small, or long inner dimensions that meet the borders of a chunk; at most a few thousand
 * elements.
 */
static void random_size(uint32_t size[4])
{
	int i;

	for (i = 0; i < 4; i++)
		size[i] = (uint32_t)(rnd_one_in(3) ? 1 : rnd_in(1, 7));
	if (rnd_one_in(2))
		size[rnd_in(0, 3)] = (uint32_t)(rnd_one_in(3) ? rnd_in(500, 530) :
						rnd_one_in(2) ? INT64_C(1) << rnd_in(4, 8) :
								rnd_in(1, 140));
	while ((uint64_t)size[0] * size[1] * size[2] * size[3] > 2000)
		size[rnd_in(0, 3)] = 1;
}

static void try_vpu(bool reduce)
{
	struct npu_cmd_vpu c = { .h = unit_cmd(NPU_OP_VPU, sizeof(c)) };
	bool f, in_place = !reduce && rnd_one_in(4);
	char what[256] = "VPU ";
	int i, n;

	fill_start();
	random_size(c.size);
	if (reduce) {
		c.reduce = (uint8_t)rnd_in(NPU_REDUCE_SUM, NPU_REDUCE_MAX);
		c.axes = (uint8_t)rnd_in(1, 15);
	}
	random_x(&c.p, c.size, in_place ? 0 : rnd_one_in(8) ? (unsigned int)rnd_in(0, 15) : 0);
	f = domain_of(&c.p.x);
	n = (int)rnd_in(0, 3);
	for (i = 0; reduce && i < n; i++)
		add_stage(&c.p, c.size, 0, &f);
	c.p.pre = c.p.stages;
	n = (int)rnd_in(0, 4);
	for (i = 0; i < n; i++)
		add_stage(&c.p, c.size, c.axes, &f);
	random_output(&c.p, c.size, c.axes, f, in_place);
	snprintf(what, sizeof(what), "VPU reduce %u axes %x pre %u ", c.reduce, c.axes, c.p.pre);
	describe(what + strlen(what), sizeof(what) - strlen(what), c.size, &c.p);
	unit_copy(want, start);
	ref_vpu(want, &c);
	unit_compare(&c, what);
}

static void test_pipes(void **state)
{
	unsigned int i;

	(void)state;
	for (i = 0; i < 1500; i++)
		try_vpu(false);
}

static void test_reductions(void **state)
{
	unsigned int i;

	(void)state;
	for (i = 0; i < 700; i++)
		try_vpu(true);
}

static void try_pool(void)
{
	struct npu_cmd_pool c = { .h = unit_cmd(NPU_OP_POOL, sizeof(c)) };
	uint32_t tile[4];
	char what[256];
	bool f;
	int i, n;

	fill_start();
	c.size[0] = (uint32_t)(rnd_one_in(6) ? rnd_in(500, 520) : rnd_in(1, 70));
	c.size[1] = (uint32_t)rnd_in(1, 5);
	c.size[2] = (uint32_t)rnd_in(1, 5);
	c.size[3] = (uint32_t)rnd_in(1, 2);
	if (c.size[0] > 100)
		c.size[1] = c.size[2] = 2;
	c.in_h = (uint16_t)rnd_in(1, 8);
	c.in_w = (uint16_t)rnd_in(1, 8);
	c.kernel_h = (uint16_t)rnd_in(1, 4);
	c.kernel_w = (uint16_t)rnd_in(1, 4);
	c.stride_h = (uint16_t)rnd_in(1, 3);
	c.stride_w = (uint16_t)rnd_in(1, 3);
	c.dilation_h = (uint16_t)rnd_in(1, 3);
	c.dilation_w = (uint16_t)rnd_in(1, 3);
	c.pad_top = (uint16_t)rnd_in(-3, 5);
	c.pad_left = (uint16_t)rnd_in(-3, 5);
	c.op = (uint8_t)rnd_in(NPU_POOL_MAX, NPU_POOL_AVG_PAD);
	tile[0] = c.size[0];
	tile[1] = c.in_w;
	tile[2] = c.in_h;
	tile[3] = c.size[3];
	if (tile[0] > 100)
		c.in_h = c.in_w = (uint16_t)(tile[1] = tile[2] = 3);
	c.p.x.type = types[rnd_in(0, 5)];
	random_dequant(&c.p.x);
	lay_out(&c.p.x, tile, 0);
	f = c.op != NPU_POOL_MAX || domain_of(&c.p.x);
	n = (int)rnd_in(0, 3);
	for (i = 0; i < n; i++)
		add_stage(&c.p, c.size, 0, &f);
	random_output(&c.p, c.size, 0, f, false);
	snprintf(what, sizeof(what), "POOL %u in %u %u kernel %u %u stride %u %u pad %d %d ", c.op,
		 c.in_h, c.in_w, c.kernel_h, c.kernel_w, c.stride_h, c.stride_w, (int16_t)c.pad_top,
		 (int16_t)c.pad_left);
	describe(what + strlen(what), sizeof(what) - strlen(what), c.size, &c.p);
	unit_copy(want, start);
	ref_pool(want, &c);
	unit_compare(&c, what);
}

static void test_pool(void **state)
{
	unsigned int i;

	(void)state;
	for (i = 0; i < 500; i++)
		try_pool();
}

/* Rows of two lengths repeat, and a chunk that is whole rows of one is not of the other. */
static void test_rows_that_repeat(void **state)
{
	struct npu_cmd_vpu c = { .h = unit_cmd(NPU_OP_VPU, sizeof(c)), .size = { 5, 7, 60, 1 } };
	unsigned int n, i;

	(void)state;
	/* Not every layout makes them repeat. */
	for (n = 0; n < 30; n++) {
		i = n & 1;
		fill_start();
		memset(&c.p, 0, sizeof(c.p));
		c.p.x.type = NPU_S32;
		c.p.out.type = NPU_S32;
		lay_out(&c.p.x, c.size, 0);
		lay_out(&c.p.out, c.size, 0);
		c.p.operands = 2;
		c.p.operand[i].type = NPU_S8;
		lay_out(&c.p.operand[i], c.size, 0xe);
		c.p.operand[!i].type = NPU_S8;
		lay_out(&c.p.operand[!i], c.size, 0xc);
		c.p.stages = 2;
		c.p.stage[0] = (struct npu_vpu_stage){ .op = NPU_STAGE_IADD, .src = NPU_SRC_0 };
		c.p.stage[1] = (struct npu_vpu_stage){ .op = NPU_STAGE_ISUB, .src = NPU_SRC_1 };
		unit_copy(want, start);
		ref_vpu(want, &c);
		unit_compare(&c, "rows that repeat");
	}
}

/* ---- Bytes from sums --------------------------------------------------------------------- */

static void stage_of(struct npu_vpu_pipe *p, uint8_t op, uint8_t src, uint8_t src2, uint32_t imm)
{
	p->stage[p->stages++] =
		(struct npu_vpu_stage){ .op = op, .src = src, .src2 = src2, .imm = imm };
}

/* Of a stage: an operand of @type, mostly one a column; or an immediate. */
static void row_stage(struct npu_vpu_pipe *p, const uint32_t size[4], uint8_t op, uint8_t type)
{
	struct npu_vpu_operand *o = &p->operand[p->operands];

	if (rnd_one_in(4)) {
		stage_of(p, op, NPU_SRC_IMM, 0, random_imm());
		return;
	}
	o->type = type;
	lay_out(o, size, rnd_one_in(3) ? (unsigned int)rnd_in(0, 15) : 0xe);
	stage_of(p, op, (uint8_t)(NPU_SRC_0 + p->operands++), 0, 0);
}

static void residual_stage(struct npu_vpu_pipe *p, const uint32_t size[4], bool in_place)
{
	struct npu_vpu_operand *o = &p->operand[p->operands];

	if (in_place) {
		*o = p->out;
	} else {
		o->type = types[rnd_one_in(4) ? rnd_in(2, 5) : rnd_in(0, 1)];
		lay_out(o, size, 0);
	}
	if (!is_float(o->type)) {
		o->flags = NPU_OPERAND_DEQUANT;
		o->zp = (uint32_t)(rnd_one_in(8) ? (int64_t)(int32_t)rnd() : rnd_in(-128, 255));
		o->scale = float_bits((float)rnd_in(1, 1000) / 700.0f);
	}
	stage_of(p, NPU_STAGE_ADD, (uint8_t)(NPU_SRC_0 + p->operands++), 0, 0);
}

static uint32_t random_limit(void)
{
	static const uint32_t odd[] = { 0, 0x80000000, 0x7fc00000, 0xff800000, 0x7f800000 };

	return rnd_one_in(2) ? odd[rnd_in(0, 4)] : random_imm();
}

/*
 * What ends products, and what only looks like it: zero points beyond reason, NaNs and infinities
 * wherever a float is, operands that differ from row to row.
 */
static void test_requantise(void **state)
{
	unsigned int n;

	(void)state;
	for (n = 0; n < 1000; n++) {
		struct npu_cmd_vpu c = { .h = unit_cmd(NPU_OP_VPU, sizeof(c)) };
		char what[256];

		fill_start();
		random_size(c.size);
		c.p.x.type = NPU_S32;
		c.p.x.space = rnd_one_in(2) ? NPU_SPACE_ACC : NPU_SPACE_SPM;
		lay_out(&c.p.x, c.size, 0);
		c.p.out.type = rnd_one_in(2) ? NPU_U8 : NPU_S8;
		lay_out(&c.p.out, c.size, 0);
		if (rnd_one_in(2))
			row_stage(&c.p, c.size, NPU_STAGE_IADD, NPU_S32);
		if (rnd_one_in(2))
			row_stage(&c.p, c.size, NPU_STAGE_MUL, NPU_FP32);
		if (rnd_one_in(2))
			residual_stage(&c.p, c.size, rnd_one_in(4));
		if (rnd_one_in(3))
			stage_of(&c.p, NPU_STAGE_MAX, NPU_SRC_IMM, 0, random_limit());
		if (rnd_one_in(3))
			stage_of(&c.p, NPU_STAGE_MIN, NPU_SRC_IMM, 0, random_limit());
		if (rnd_one_in(3))
			stage_of(&c.p, NPU_STAGE_DIV, NPU_SRC_IMM, 0, random_limit());
		stage_of(&c.p, NPU_STAGE_QUANT, NPU_SRC_IMM, c.p.out.type,
			 rnd_one_in(6) ? (uint32_t)rnd() : (uint32_t)rnd_in(-128, 255));
		describe(what, sizeof(what), c.size, &c.p);
		unit_copy(want, start);
		ref_vpu(want, &c);
		unit_compare(&c, what);
	}
}

/* ---- By name, without the reference ------------------------------------------------------ */

/* One stage on @n values with an immediate, out as @out. */
static void run_stage(uint8_t op, uint8_t src, uint32_t imm, uint8_t src2, uint8_t in,
		      const void *values, uint32_t n, uint8_t out)
{
	struct npu_cmd_vpu c = { .h = unit_cmd(NPU_OP_VPU, sizeof(c)), .size = { n, 1, 1, 1 } };

	c.p.x.type = in;
	c.p.x.stride[0] = (uint32_t)type_size(in);
	c.p.out.type = out;
	c.p.out.stride[0] = (uint32_t)type_size(out);
	c.p.out.addr = 4096;
	c.p.stages = 1;
	c.p.stage[0] = (struct npu_vpu_stage){ .op = op, .src = src, .src2 = src2, .imm = imm };
	memcpy(got->spm, values, n * (uint32_t)type_size(in));
	assert_int_equal(unit_run(got, &c), 0);
}

static void test_quantise_corners(void **state)
{
	/* clang-format off */
	static const float x[] = {
		0.5f, 1.5f, 2.5f, -0.5f, -1.5f, 126.5f, 127.5f, -128.5f, -129.5f,
		1e30f, -1e30f, 1 / 0.0f, -1 / 0.0f, 0 / 0.0f, 3e9f, -3e9f, 1e-40f
	};
	static const int8_t s8[] = {
		3, 5, 5, 3, 1, 127, 127, -125, -127, 127, -128, 127, -128, 3, 127, -128, 3
	};
	static const uint8_t u8[] = {
		3, 5, 5, 3, 1, 129, 131, 0, 0, 255, 0, 255, 0, 3, 255, 0, 3
	};
	/* clang-format on */
	const uint32_t n = sizeof(x) / sizeof(x[0]);
	const int32_t *s32 = (const int32_t *)(got->spm + 4096);
	unsigned int i;

	(void)state;
	for (i = 0; unit_kernels(i); i++) {
		run_stage(NPU_STAGE_QUANT, NPU_SRC_IMM, 3, NPU_S8, NPU_FP32, x, n, NPU_S8);
		assert_memory_equal(got->spm + 4096, s8, n);
		run_stage(NPU_STAGE_QUANT, NPU_SRC_IMM, 3, NPU_U8, NPU_FP32, x, n, NPU_U8);
		assert_memory_equal(got->spm + 4096, u8, n);
		/* The sum counts, not its parts: 3e9 is beyond int32, 3e9 - 2^31 is not. */
		run_stage(NPU_STAGE_QUANT, NPU_SRC_IMM, 0x80000000, NPU_S32, NPU_FP32, x, n,
			  NPU_S32);
		assert_int_equal(s32[14], 3000000000LL - 0x80000000LL);
		assert_int_equal(s32[15], INT32_MIN);
		assert_int_equal(s32[13], INT32_MIN);
	}
}

static void test_saturating_integers(void **state)
{
	static const int32_t x[] = { INT32_MAX, INT32_MIN, INT32_MAX - 1, INT32_MIN + 1, 0, -1 };
	static const int32_t sum[] = { INT32_MAX, INT32_MIN + 2, INT32_MAX, INT32_MIN + 3, 2, 1 };
	static const int32_t difference[] = { INT32_MAX - 2, INT32_MIN, INT32_MAX - 3,
					      INT32_MIN,     -2,	-3 };
	unsigned int i;

	(void)state;
	for (i = 0; unit_kernels(i); i++) {
		run_stage(NPU_STAGE_IADD, NPU_SRC_IMM, 2, 0, NPU_S32, x, 6, NPU_S32);
		assert_memory_equal(got->spm + 4096, sum, sizeof(sum));
		run_stage(NPU_STAGE_ISUB, NPU_SRC_IMM, 2, 0, NPU_S32, x, 6, NPU_S32);
		assert_memory_equal(got->spm + 4096, difference, sizeof(difference));
	}
}

static void test_nans_and_zeros(void **state)
{
	static const uint32_t x[] = { 0xffc00001, 0x7f800001, 0x80000000, 0 };
	static const uint32_t least[] = { NPU_FP32_NAN, NPU_FP32_NAN, 0x80000000, 0 };
	static const uint32_t most[] = { NPU_FP32_NAN, NPU_FP32_NAN, 0, 0 };
	static const uint32_t negated[] = { NPU_FP32_NAN, NPU_FP32_NAN, 0, 0x80000000 };
	unsigned int i;

	(void)state;
	for (i = 0; unit_kernels(i); i++) {
		run_stage(NPU_STAGE_MIN, NPU_SRC_IMM, 0, 0, NPU_FP32, x, 4, NPU_FP32);
		assert_memory_equal(got->spm + 4096, least, sizeof(least));
		run_stage(NPU_STAGE_MAX, NPU_SRC_IMM, 0, 0, NPU_FP32, x, 4, NPU_FP32);
		assert_memory_equal(got->spm + 4096, most, sizeof(most));
		run_stage(NPU_STAGE_NEG, NPU_SRC_NONE, 0, 0, NPU_FP32, x, 4, NPU_FP32);
		assert_memory_equal(got->spm + 4096, negated, sizeof(negated));
	}
}

/* Every bf16 and fp16 through binary32 and back, and binary32 around all ties to 16 bits. */
static void test_16_bit_types(void **state)
{
	static const uint8_t both[] = { NPU_BF16, NPU_FP16 };
	struct npu_cmd_vpu c = { .h = unit_cmd(NPU_OP_VPU, sizeof(c)), .size = { 4096, 1, 1, 1 } };
	unsigned int k, t, part, i;

	(void)state;
	c.p.x.stride[0] = 2;
	c.p.out.addr = 32768;
	c.p.out.stride[0] = 4;
	c.p.out.type = NPU_FP32;
	for (k = 0; unit_kernels(k); k++) {
		for (t = 0; t < 2; t++) {
			for (part = 0; part < 16; part++) {
				struct npu_cmd_vpu back = c;

				c.p.x.type = both[t];
				for (i = 0; i < 4096; i++) {
					uint16_t h = (uint16_t)(part * 4096 + i);

					memcpy(got->spm + 2 * i, &h, 2);
				}
				assert_int_equal(unit_run(got, &c), 0);
				for (i = 0; i < 4096; i++) {
					float f = ref_widen((uint16_t)(part * 4096 + i), both[t]);
					uint32_t w = f != f ? NPU_FP32_NAN : float_bits(f), v;

					memcpy(&v, got->spm + 32768 + 4 * i, 4);
					assert_int_equal(v, w);
					/* Next to it, next to the tie above it, or on that tie. */
					v += (uint32_t)rnd_in(-1, 1);
					if (rnd_one_in(2))
						v += both[t] == NPU_BF16 ? 0x8000 : 0x1000;
					memcpy(got->spm + 32768 + 4 * i, &v, 4);
				}
				back.p.x = c.p.out;
				back.p.out = c.p.x;
				assert_int_equal(unit_run(got, &back), 0);
				for (i = 0; i < 4096; i++) {
					uint16_t h;
					float f;

					memcpy(&f, got->spm + 32768 + 4 * i, 4);
					memcpy(&h, got->spm + 2 * i, 2);
					assert_int_equal(h, ref_narrow(f, both[t]));
				}
			}
		}
	}
}

/* A reduction that could go on for long ends soon after the job is to end. */
static void test_abort(void **state)
{
	struct npu_cmd_vpu c = {
		.h = unit_cmd(NPU_OP_VPU, sizeof(c)),
		.size = { 65536, 32768, 1, 1 },
		.reduce = NPU_REDUCE_SUM,
		.axes = 3,
	};

	(void)state;
	c.p.out.addr = 64;
	c.p.out.type = NPU_S8;
	unit_aborts(&c);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_pipes),
		cmocka_unit_test(test_reductions),
		cmocka_unit_test(test_pool),
		cmocka_unit_test(test_rows_that_repeat),
		cmocka_unit_test(test_requantise),
		cmocka_unit_test(test_quantise_corners),
		cmocka_unit_test(test_saturating_integers),
		cmocka_unit_test(test_nans_and_zeros),
		cmocka_unit_test(test_16_bit_types),
		cmocka_unit_test(test_abort),
	};

	int failed;

	unit_setup(SPM, ACC);
	failed = cmocka_run_group_tests(tests, NULL, NULL);
	unit_teardown();
	return failed;
}
