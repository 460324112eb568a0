// SPDX-License-Identifier: MIT
/*
 * Copyright (c) 2026 the npu authors
 *
 * See gen.h. gen_touch() is a reference: loops over all elements, nothing clever.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "gen.h"

const uint8_t gen_opcodes[] = { NPU_OP_LOAD, NPU_OP_GATHER, NPU_OP_MATMUL, NPU_OP_CONV,
				NPU_OP_VPU,  NPU_OP_POOL,   NPU_OP_STORE };
const unsigned int gen_opcode_count = sizeof(gen_opcodes);

uint64_t gen_seed(void)
{
	const char *text = getenv("NPU_TEST_SEED");
	uint64_t seed = text ? strtoull(text, NULL, 0) : (uint64_t)time(NULL);

	printf("NPU_TEST_SEED=%llu\n", (unsigned long long)seed);
	return seed;
}

void gen_init(struct gen *g, uint64_t seed)
{
	unsigned int i;

	memset(g, 0, sizeof(*g));
	g->state = seed * 2 + 1;
	for (i = 0; i < 8; i++)
		gen_below(g, 2);
	npu_card_config_default(&g->cfg);
	g->cfg.spm_size = GEN_SPM;
	g->cfg.acc_size = GEN_ACC;
	/* As int32 or as int64, each index is one of -4 .. 3. */
	for (i = 0; i < GEN_SPM / 8; i++) {
		int64_t index = (int64_t)(i % 8) - 4;

		memcpy(g->spm + i * 8, &index, 8);
	}
}

uint32_t gen_below(struct gen *g, uint32_t n)
{
	g->state ^= g->state << 13;
	g->state ^= g->state >> 7;
	g->state ^= g->state << 17;
	return (uint32_t)((g->state >> 32) % n);
}

static uint32_t size(struct gen *g, uint32_t max)
{
	return gen_below(g, 3) ? 1 + gen_below(g, max) : 1;
}

static uint32_t address(struct gen *g, uint32_t align)
{
	return gen_below(g, GEN_SPM / align) * align;
}

static uint32_t stride(struct gen *g, uint32_t align)
{
	uint32_t s = gen_below(g, gen_below(g, 2) ? 8 : 64) * align;

	return gen_below(g, 4) ? s : -s;
}

void gen_header(union gen_cmd *c, uint8_t opcode)
{
	memset(c, 0, sizeof(*c));
	c->h.opcode = opcode;
	c->h.size = (__u16)npu_isa_size(opcode);
	memset(c->h.wait, NPU_SEM_NONE, sizeof(c->h.wait));
	memset(c->h.signal, NPU_SEM_NONE, sizeof(c->h.signal));
}

static void gen_load(struct gen *g, struct npu_cmd_load *c)
{
	unsigned int i;

	c->type = (__u8)gen_below(g, NPU_S64);
	c->fill_mode = (__u8)gen_below(g, 3);
	if (c->fill_mode == NPU_FILL_SPM)
		c->fill = address(g, 4);
	c->offset = gen_below(g, GEN_MEM);
	c->spm = address(g, 1);
	for (i = 0; i < 4; i++) {
		c->size[i] = size(g, i ? 4 : 40);
		if (c->fill_mode && !gen_below(g, 3)) {
			c->pad_lo[i] = gen_below(g, c->size[i] + 1);
			c->pad_hi[i] = gen_below(g, c->size[i] - c->pad_lo[i] + 1);
		}
	}
	for (i = 0; i < 3; i++) {
		c->mem_stride[i] = (__u64)(int64_t)(int32_t)stride(g, 4);
		c->spm_stride[i] = stride(g, 4);
	}
}

static void gen_gather(struct gen *g, struct npu_cmd_gather *c)
{
	c->type = gen_below(g, 2) ? NPU_S32 : NPU_S64;
	c->index = address(g, 8);
	c->offset = gen_below(g, GEN_MEM);
	c->row_stride = gen_below(g, 64);
	c->rows = 4;
	c->count = size(g, 8);
	c->row_bytes = size(g, 40);
	c->spm = address(g, 1);
	c->spm_stride = stride(g, 4);
}

static void gen_store(struct gen *g, struct npu_cmd_store *c)
{
	unsigned int i;

	c->space = (__u8)gen_below(g, 2);
	c->local = address(g, 1);
	c->offset = gen_below(g, GEN_MEM);
	for (i = 0; i < 4; i++)
		c->size[i] = size(g, i ? 4 : 40);
	for (i = 0; i < 3; i++) {
		c->mem_stride[i] = (__u64)(int64_t)(int32_t)stride(g, 4);
		c->local_stride[i] = stride(g, 4);
	}
}

static void gen_operands(struct gen *g, struct npu_mxu_operands *o, bool depthwise)
{
	static const uint8_t types[5][2] = {
		{ NPU_S8, NPU_U8 },	{ NPU_U8, NPU_S8 },	{ NPU_S8, NPU_S4 },
		{ NPU_BF16, NPU_BF16 }, { NPU_FP16, NPU_FP16 },
	};
	unsigned int i = gen_below(g, 5);
	uint32_t align;

	if (depthwise && i == 2)
		i = 0;
	o->a_type = types[i][0];
	o->b_type = types[i][1];
	o->b_layout = i == 2 ? NPU_B_PACKED : (__u8)gen_below(g, 3);
	if (depthwise)
		o->b_layout = NPU_B_ROWS;
	o->flags = (__u8)gen_below(g, 2) | (depthwise ? NPU_MXU_DEPTHWISE : 0);
	if (i < 3) {
		o->a_zp_mode = (__u8)gen_below(g, 3);
		o->b_zp_mode = (__u8)gen_below(g, 3);
		o->a_zp = o->a_zp_mode ? address(g, 1) : 3;
		o->b_zp = o->b_zp_mode ? address(g, 1) : 3;
	}
	align = o->b_layout == NPU_B_PACKED ? 64 : 2;
	o->a = address(g, 2);
	o->b = address(g, align);
	o->b_stride = stride(g, align);
	o->acc = address(g, 4);
}

static void gen_matmul(struct gen *g, struct npu_cmd_matmul *c)
{
	gen_operands(g, &c->o, false);
	c->m = size(g, 6);
	c->n = size(g, 40);
	c->k = size(g, 20);
	c->a_stride = stride(g, 2);
	c->acc_stride = stride(g, 4);
}

static void gen_conv(struct gen *g, struct npu_cmd_conv *c)
{
	bool depthwise = !gen_below(g, 3);
	unsigned int i;

	gen_operands(g, &c->o, depthwise);
	c->batch = (__u16)size(g, 2);
	c->groups = depthwise ? 1 : (__u16)size(g, 2);
	c->in_h = (__u16)size(g, 7);
	c->in_w = (__u16)size(g, 7);
	c->in_c = (__u16)size(g, 5);
	c->out_h = (__u16)size(g, 4);
	c->out_w = (__u16)size(g, 4);
	c->out_c = depthwise ? c->in_c : (__u16)size(g, 20);
	c->kernel_h = (__u16)size(g, 4);
	c->kernel_w = (__u16)size(g, 4);
	c->stride_h = (__u16)size(g, 5);
	c->stride_w = (__u16)size(g, 5);
	c->dilation_h = (__u16)size(g, 4);
	c->dilation_w = (__u16)size(g, 4);
	c->pad_top = (__u16)(gen_below(g, 5) - 1);
	c->pad_left = (__u16)(gen_below(g, 5) - 1);
	for (i = 0; i < 3; i++) {
		c->a_stride[i] = stride(g, 2);
		c->acc_stride[i] = stride(g, 16);
	}
	c->b_group_stride = stride(g, c->o.b_layout == NPU_B_PACKED ? 64 : 2);
}

static void gen_operand(struct gen *g, struct npu_vpu_operand *o, bool float_only)
{
	static const uint8_t types[] = { NPU_FP32, NPU_FP16, NPU_BF16, NPU_S8, NPU_U8, NPU_S32 };
	unsigned int i;

	o->type = types[gen_below(g, float_only ? 3 : 6)];
	if ((o->type == NPU_FP32 || o->type == NPU_S32) && !float_only)
		o->space = (__u8)gen_below(g, 2);
	o->addr = address(g, 4);
	for (i = 0; i < 4; i++)
		o->stride[i] = stride(g, gen_below(g, 2) ? 16 : 4);
}

/* All float, but a table of integers is looked up now and then. */
static void gen_pipe(struct gen *g, struct npu_vpu_pipe *p)
{
	unsigned int i;

	gen_operand(g, &p->x, false);
	gen_operand(g, &p->out, true);
	p->operands = (__u8)gen_below(g, 3);
	for (i = 0; i < p->operands; i++)
		gen_operand(g, &p->operand[i], false);
	p->stages = 1;
	p->stage[0].op = NPU_STAGE_RINT;
	if (p->operands && gen_below(g, 2)) {
		p->stage[p->stages].op = NPU_STAGE_MUL;
		p->stage[p->stages++].src = NPU_SRC_0;
	}
	if (p->operands > 1 && gen_below(g, 2)) {
		memset(p->operand[1].stride, 0, sizeof(p->operand[1].stride));
		p->operand[1].addr = address(g, 4) / 2 / 4 * 4;
		p->stage[p->stages].op = NPU_STAGE_QUANT;
		p->stage[p->stages].src2 = NPU_U8;
		p->stage[p->stages++].src = NPU_SRC_IMM;
		p->stage[p->stages].op = NPU_STAGE_LUT;
		p->stage[p->stages++].src = NPU_SRC_1;
		p->stage[p->stages++].op = NPU_STAGE_NEG;
	} else if (p->operands > 1 && gen_below(g, 2)) {
		p->stage[p->stages].op = NPU_STAGE_SELECT;
		p->stage[p->stages].src = NPU_SRC_IMM;
		p->stage[p->stages++].src2 = NPU_SRC_1;
	}
	if (!gen_below(g, 4)) {
		/* In place. */
		p->x.space = NPU_SPACE_SPM;
		p->x.type = p->out.type;
		p->x.addr = p->out.addr;
		memcpy(p->x.stride, p->out.stride, sizeof(p->x.stride));
	}
}

static void gen_vpu(struct gen *g, struct npu_cmd_vpu *c)
{
	unsigned int i, j;

	for (i = 0; i < 4; i++)
		c->size[i] = size(g, 6);
	gen_pipe(g, &c->p);
	if (gen_below(g, 3))
		return;
	c->reduce = NPU_REDUCE_SUM;
	c->axes = (__u8)(1 + gen_below(g, 15));
	c->p.pre = (__u8)gen_below(g, c->p.stages + 1u);
	for (i = 0; i < 4; i++) {
		if (!(c->axes & 1u << i))
			continue;
		c->p.out.stride[i] = 0;
		for (j = 0; j < c->p.operands; j++)
			c->p.operand[j].stride[i] = 0;
	}
}

static void gen_pool(struct gen *g, struct npu_cmd_pool *c)
{
	unsigned int i;

	for (i = 0; i < 4; i++)
		c->size[i] = size(g, 4);
	c->in_h = (__u16)size(g, 7);
	c->in_w = (__u16)size(g, 7);
	c->kernel_h = (__u16)size(g, 4);
	c->kernel_w = (__u16)size(g, 4);
	c->stride_h = (__u16)size(g, 5);
	c->stride_w = (__u16)size(g, 5);
	c->dilation_h = (__u16)size(g, 4);
	c->dilation_w = (__u16)size(g, 4);
	c->pad_top = (__u16)(gen_below(g, 5) - 1);
	c->pad_left = (__u16)(gen_below(g, 5) - 1);
	c->op = (__u8)gen_below(g, 3);
	gen_pipe(g, &c->p);
	c->p.x.space = NPU_SPACE_SPM;
}

static void generate(struct gen *g, union gen_cmd *c, uint8_t opcode)
{
	gen_header(c, opcode);
	switch (opcode) {
	case NPU_OP_LOAD:
		gen_load(g, &c->load);
		break;
	case NPU_OP_GATHER:
		gen_gather(g, &c->gather);
		break;
	case NPU_OP_MATMUL:
		gen_matmul(g, &c->matmul);
		break;
	case NPU_OP_CONV:
		gen_conv(g, &c->conv);
		break;
	case NPU_OP_VPU:
		gen_vpu(g, &c->vpu);
		break;
	case NPU_OP_POOL:
		gen_pool(g, &c->pool);
		break;
	case NPU_OP_STORE:
		gen_store(g, &c->store);
		break;
	}
}

void gen_command(struct gen *g, union gen_cmd *c, uint8_t opcode)
{
	struct gen_bytes bytes;
	uint64_t where;

	do
		generate(g, c, opcode);
	while (npu_isa_check(&g->cfg, &c->h, sizeof(*c), &where) || !gen_touch(g, c, &bytes));
}

/* ---- What is touched ------------------------------------------------------------------------ */

static bool mark(uint8_t *space, uint64_t limit, int64_t addr, uint64_t len, uint8_t bit)
{
	uint64_t i;

	for (i = 0; i < len; i++) {
		if (addr + (int64_t)i < 0 || (uint64_t)addr + i >= limit)
			return false;
		space[addr + (int64_t)i] |= bit;
	}
	return true;
}

#define SPM(addr, len, bit) mark(b->spm, GEN_SPM, (addr), (len), (bit))
#define ACC(addr, len, bit) mark(b->acc, GEN_ACC, (addr), (len), (bit))
#define MEM(addr, len, bit) mark(b->mem, GEN_MEM, (addr), (len), (bit))

static bool touch_load(const struct npu_cmd_load *c, struct gen_bytes *b)
{
	static const unsigned int half[NPU_TYPES] = { 2, 2, 8, 4, 4, 8, 1, 1, 16 };
	unsigned int bytes = half[c->type] < 2 ? 1 : half[c->type] / 2;
	uint32_t x[4];
	bool ok = true, filled = false;

	for (x[3] = 0; x[3] < c->size[3]; x[3]++)
		for (x[2] = 0; x[2] < c->size[2]; x[2]++)
			for (x[1] = 0; x[1] < c->size[1]; x[1]++)
				for (x[0] = 0; x[0] < c->size[0]; x[0]++) {
					int64_t to = (int64_t)c->spm + x[0] * bytes,
						from = (int64_t)c->offset;
					bool inside = true;
					unsigned int d;

					for (d = 0; d < 4; d++) {
						if (x[d] < c->pad_lo[d] ||
						    x[d] >= c->size[d] - c->pad_hi[d])
							inside = false;
						if (d)
							to += (int64_t)x[d] *
							      (int32_t)c->spm_stride[d - 1];
						if (d)
							from += ((int64_t)x[d] - c->pad_lo[d]) *
								(int64_t)c->mem_stride[d - 1];
					}
					ok = SPM(to, bytes, 2) && ok;
					if (inside)
						ok = MEM(from + (x[0] - c->pad_lo[0]) *
									 half[c->type] / 2,
							 bytes, 1) &&
						     ok;
					else
						filled = true;
				}
	/* A LOAD whose read part is empty still fills. */
	if (filled && c->fill_mode == NPU_FILL_SPM)
		ok = SPM(c->fill, bytes, 1) && ok;
	return ok;
}

static bool touch_gather(const struct gen *g, const struct npu_cmd_gather *c, struct gen_bytes *b)
{
	unsigned int bytes = c->type == NPU_S32 ? 4 : 8;
	bool ok = true;
	uint32_t i;

	for (i = 0; i < c->count; i++) {
		int64_t index = 0;

		ok = SPM(c->index + (int64_t)i * bytes, bytes, 1) && ok;
		if (bytes == 4) {
			int32_t narrow;

			memcpy(&narrow, g->spm + c->index + i * 4, 4);
			index = narrow;
		} else {
			memcpy(&index, g->spm + c->index + i * 8, 8);
		}
		if (index < 0)
			index += 4;
		ok = MEM((int64_t)c->offset + index * (int64_t)c->row_stride, c->row_bytes, 1) &&
		     ok;
		ok = SPM(c->spm + (int64_t)i * (int32_t)c->spm_stride, c->row_bytes, 2) && ok;
	}
	return ok;
}

static bool touch_store(const struct npu_cmd_store *c, struct gen_bytes *b)
{
	uint32_t x[4];
	bool ok = true;

	for (x[3] = 0; x[3] < c->size[3]; x[3]++)
		for (x[2] = 0; x[2] < c->size[2]; x[2]++)
			for (x[1] = 0; x[1] < c->size[1]; x[1]++) {
				int64_t from = c->local, to = (int64_t)c->offset;
				unsigned int d;

				for (d = 1; d < 4; d++) {
					from += (int64_t)x[d] * (int32_t)c->local_stride[d - 1];
					to += (int64_t)x[d] * (int64_t)c->mem_stride[d - 1];
				}
				ok = (c->space ? ACC(from, c->size[0], 1) :
						 SPM(from, c->size[0], 1)) &&
				     ok;
				ok = MEM(to, c->size[0], 2) && ok;
			}
	return ok;
}

/* Element (k, n) of the second operand at @base. */
static bool touch_b(const struct npu_mxu_operands *o, int64_t base, uint32_t k, uint32_t n,
		    struct gen_bytes *b)
{
	unsigned int nibbles = o->b_type == NPU_S4			      ? 1 :
			       o->b_type == NPU_BF16 || o->b_type == NPU_FP16 ? 4 :
										2;
	unsigned int q = nibbles == 4 ? 2 : 4, bytes = nibbles == 4 ? 2 : 1;
	int32_t s = (int32_t)o->b_stride;

	switch (o->b_layout) {
	case NPU_B_ROWS:
		return SPM(base + (int64_t)k * s + n * bytes, bytes, 1);
	case NPU_B_COLS:
		return SPM(base + (int64_t)n * s + k * bytes, bytes, 1);
	default:
		return SPM(base + (int64_t)(n / 16) * s +
				   (((k / q) * 16 + n % 16) * q + k % q) * nibbles / 2,
			   bytes, 1);
	}
}

static bool touch_zp(uint8_t mode, uint32_t addr, uint32_t count, struct gen_bytes *b)
{
	if (mode == NPU_ZP_IMM)
		return true;
	return SPM(addr, mode == NPU_ZP_VECTOR ? count : 1, 1);
}

static unsigned int bytes_of(uint8_t type)
{
	switch (type) {
	case NPU_S8:
	case NPU_U8:
		return 1;
	case NPU_BF16:
	case NPU_FP16:
		return 2;
	default:
		return 4;
	}
}

static bool touch_matmul(const struct npu_cmd_matmul *c, struct gen_bytes *b)
{
	unsigned int bytes = bytes_of(c->o.a_type), bit = c->o.flags & NPU_MXU_ACCUMULATE ? 3 : 2;
	uint32_t m, n, k;
	bool ok = true;

	for (m = 0; m < c->m; m++)
		for (n = 0; n < c->n; n++)
			for (k = 0; k < c->k; k++) {
				ok = SPM(c->o.a + (int64_t)m * (int32_t)c->a_stride + k * bytes,
					 bytes, 1) &&
				     ok;
				ok = touch_b(&c->o, c->o.b, k, n, b) && ok;
				ok = ACC(c->o.acc + (int64_t)m * (int32_t)c->acc_stride + n * 4, 4,
					 (uint8_t)bit) &&
				     ok;
			}
	ok = touch_zp(c->o.a_zp_mode, c->o.a_zp, c->m, b) && ok;
	return touch_zp(c->o.b_zp_mode, c->o.b_zp, c->n, b) && ok;
}

/* What output channel @o of group @g needs of a pixel's window. */
static bool touch_window(const struct npu_cmd_conv *c, int i, int g, int y, int x, int o,
			 struct gen_bytes *b)
{
	int64_t weights = c->o.b, tile = c->o.a + (int64_t)i * (int32_t)c->a_stride[2];
	int bytes = (int)bytes_of(c->o.a_type), t, k;
	bool depthwise = c->o.flags & NPU_MXU_DEPTHWISE, ok = true;

	if (c->groups > 1)
		weights += (int64_t)g * (int32_t)c->b_group_stride;
	for (t = 0; t < c->kernel_h * c->kernel_w; t++) {
		int row = y * c->stride_h - (int16_t)c->pad_top + t / c->kernel_w * c->dilation_h;
		int col = x * c->stride_w - (int16_t)c->pad_left + t % c->kernel_w * c->dilation_w;
		int64_t pixel = tile + (int64_t)row * (int32_t)c->a_stride[1] +
				(int64_t)col * (int32_t)c->a_stride[0];
		bool there = row >= 0 && row < c->in_h && col >= 0 && col < c->in_w;

		for (k = 0; k < c->in_c; k++) {
			if (depthwise && k != o)
				continue;
			ok = touch_b(&c->o, weights, (uint32_t)(depthwise ? t : t * c->in_c + k),
				     (uint32_t)o, b) &&
			     ok;
			if (there)
				ok = SPM(pixel + (g * c->in_c + k) * bytes, bytes, 1) && ok;
		}
	}
	return ok;
}

static bool touch_pixel(const struct npu_cmd_conv *c, int i, int y, int x, struct gen_bytes *b)
{
	int64_t acc = c->o.acc + (int64_t)x * (int32_t)c->acc_stride[0] +
		      (int64_t)y * (int32_t)c->acc_stride[1] +
		      (int64_t)i * (int32_t)c->acc_stride[2];
	uint8_t bit = c->o.flags & NPU_MXU_ACCUMULATE ? 3 : 2;
	bool ok = true;
	int g, o;

	for (g = 0; g < c->groups; g++) {
		for (o = 0; o < c->out_c; o++) {
			ok = ACC(acc + (g * c->out_c + o) * 4, 4, bit) && ok;
			ok = touch_window(c, i, g, y, x, o, b) && ok;
		}
	}
	return ok;
}

static bool touch_conv(const struct npu_cmd_conv *c, struct gen_bytes *b)
{
	bool ok = true;
	int i, y, x;

	for (i = 0; i < c->batch; i++)
		for (y = 0; y < c->out_h; y++)
			for (x = 0; x < c->out_w; x++)
				ok = touch_pixel(c, i, y, x, b) && ok;
	ok = touch_zp(c->o.a_zp_mode, c->o.a_zp, c->batch, b) && ok;
	return touch_zp(c->o.b_zp_mode, c->o.b_zp, (uint32_t)c->groups * c->out_c, b) && ok;
}

static bool touch_element(const struct npu_vpu_operand *o, const uint32_t *x, uint8_t bit,
			  struct gen_bytes *b)
{
	int64_t addr = o->addr;
	unsigned int d;

	for (d = 0; d < 4; d++)
		addr += (int64_t)x[d] * (int32_t)o->stride[d];
	return o->space ? ACC(addr, bytes_of(o->type), bit) : SPM(addr, bytes_of(o->type), bit);
}

static bool touch_source(const struct npu_vpu_pipe *p, const struct npu_vpu_stage *st, uint8_t src,
			 const uint32_t *x, struct gen_bytes *b)
{
	const struct npu_vpu_operand *o;

	if (src < NPU_SRC_0 || src > NPU_SRC_3)
		return true;
	o = &p->operand[src - NPU_SRC_0];
	if (st->op == NPU_STAGE_LUT)
		return o->space ? ACC(o->addr, 256 * bytes_of(o->type), 1) :
				  SPM(o->addr, 256 * bytes_of(o->type), 1);
	return touch_element(o, x, 1, b);
}

static bool touch_pipe(const struct npu_vpu_pipe *p, const uint32_t *size, bool read_x,
		       struct gen_bytes *b)
{
	uint32_t x[4];
	bool ok = true;

	for (x[3] = 0; x[3] < size[3]; x[3]++)
		for (x[2] = 0; x[2] < size[2]; x[2]++)
			for (x[1] = 0; x[1] < size[1]; x[1]++)
				for (x[0] = 0; x[0] < size[0]; x[0]++) {
					unsigned int i;

					if (read_x)
						ok = touch_element(&p->x, x, 1, b) && ok;
					for (i = 0; i < p->stages; i++) {
						ok = touch_source(p, &p->stage[i], p->stage[i].src,
								  x, b) &&
						     ok;
						if (p->stage[i].op == NPU_STAGE_SELECT)
							ok = touch_source(p, &p->stage[i],
									  p->stage[i].src2, x, b) &&
							     ok;
					}
					ok = touch_element(&p->out, x, 2, b) && ok;
				}
	return ok;
}

static bool touch_pool(const struct npu_cmd_pool *c, struct gen_bytes *b)
{
	bool ok = touch_pipe(&c->p, c->size, false, b);
	unsigned int n, ch;
	int y, x, r, s;

	for (n = 0; n < c->size[3]; n++)
		for (y = 0; y < (int)c->size[2]; y++)
			for (x = 0; x < (int)c->size[1]; x++)
				for (ch = 0; ch < c->size[0]; ch++)
					for (r = 0; r < c->kernel_h; r++)
						for (s = 0; s < c->kernel_w; s++) {
							int row = y * c->stride_h -
								  (int16_t)c->pad_top +
								  r * c->dilation_h;
							int col = x * c->stride_w -
								  (int16_t)c->pad_left +
								  s * c->dilation_w;
							uint32_t at[4] = { ch, (uint32_t)col,
									   (uint32_t)row, n };

							if (row >= 0 && row < c->in_h && col >= 0 &&
							    col < c->in_w)
								ok = touch_element(&c->p.x, at, 1,
										   b) &&
								     ok;
						}
	return ok;
}

bool gen_touch(const struct gen *g, const union gen_cmd *c, struct gen_bytes *b)
{
	memset(b, 0, sizeof(*b));
	switch (c->h.opcode) {
	case NPU_OP_LOAD:
		return touch_load(&c->load, b);
	case NPU_OP_GATHER:
		return touch_gather(g, &c->gather, b);
	case NPU_OP_STORE:
		return touch_store(&c->store, b);
	case NPU_OP_MATMUL:
		return touch_matmul(&c->matmul, b);
	case NPU_OP_CONV:
		return touch_conv(&c->conv, b);
	case NPU_OP_VPU:
		return touch_pipe(&c->vpu.p, c->vpu.size, true, b);
	case NPU_OP_POOL:
		return touch_pool(&c->pool, b);
	}
	return true;
}
