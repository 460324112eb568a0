// SPDX-License-Identifier: MIT
/*
 * Copyright (c) 2026 the npu authors
 *
 * npu_isa_check() refuses each thing it should, by name; footprints are those of a plain reference;
 * whatever passes stays inside SPM and ACC; semaphores in program order.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "gen.h"

#define AT(type, field) offsetof(struct type, field)

static void test_table(void **state)
{
	(void)state;
	assert_int_equal(npu_isa_size(NPU_OP_LOAD), sizeof(struct npu_cmd_load));
	assert_int_equal(npu_isa_size(NPU_OP_BARRIER), 16);
	assert_int_equal(npu_isa_size(0), 0);
	assert_int_equal(npu_isa_size(0xff), 0);
	assert_int_equal(npu_isa_engine(NPU_OP_GATHER), NPU_ENGINE_LOAD);
	assert_int_equal(npu_isa_engine(NPU_OP_CONV), NPU_ENGINE_MXU);
	assert_int_equal(npu_isa_engine(NPU_OP_POOL), NPU_ENGINE_VPU);
	assert_int_equal(npu_isa_engine(NPU_OP_STORE), NPU_ENGINE_STORE);
	assert_int_equal(npu_isa_engine(NPU_OP_BARRIER), NPU_ENGINE_NONE);
	assert_int_equal(npu_isa_engine(0), NPU_ENGINE_NONE);
	assert_string_equal(npu_isa_name(NPU_OP_MATMUL), "MATMUL");
	assert_null(npu_isa_name(3));
	assert_int_equal(npu_isa_type_bits(NPU_S4), 4);
	assert_int_equal(npu_isa_type_bits(NPU_TYPES), 0);
}

/* ---- Rules ---------------------------------------------------------------------------------- */

/* A valid command of each kind, on which rules are then broken. */
static void plain(union gen_cmd *c, uint8_t opcode)
{
	unsigned int i;

	gen_header(c, opcode);
	switch (opcode) {
	case NPU_OP_LOAD:
		for (i = 0; i < 4; i++)
			c->load.size[i] = 2;
		for (i = 0; i < 3; i++)
			c->load.spm_stride[i] = 2u << i;
		break;
	case NPU_OP_GATHER:
		c->gather.type = NPU_S64;
		c->gather.rows = 10;
		c->gather.count = 4;
		c->gather.row_bytes = 16;
		c->gather.spm = 64;
		c->gather.spm_stride = 16;
		break;
	case NPU_OP_STORE:
		for (i = 0; i < 4; i++)
			c->store.size[i] = 2;
		for (i = 0; i < 3; i++)
			c->store.mem_stride[i] = 2u << i;
		break;
	case NPU_OP_MATMUL:
		c->matmul.m = 4;
		c->matmul.n = 8;
		c->matmul.k = 16;
		c->matmul.a_stride = 16;
		c->matmul.o.b = 128;
		c->matmul.o.b_stride = 8;
		c->matmul.acc_stride = 32;
		break;
	case NPU_OP_CONV:
		c->conv.batch = 1;
		c->conv.groups = 1;
		c->conv.in_h = 4;
		c->conv.in_w = 4;
		c->conv.in_c = 8;
		c->conv.out_h = 4;
		c->conv.out_w = 4;
		c->conv.out_c = 8;
		c->conv.kernel_h = 3;
		c->conv.kernel_w = 3;
		c->conv.stride_h = 1;
		c->conv.stride_w = 1;
		c->conv.dilation_h = 1;
		c->conv.dilation_w = 1;
		c->conv.pad_top = 1;
		c->conv.pad_left = 1;
		c->conv.a_stride[0] = 8;
		c->conv.a_stride[1] = 32;
		c->conv.o.b = 128;
		c->conv.o.b_stride = 8;
		c->conv.acc_stride[0] = 32;
		c->conv.acc_stride[1] = 128;
		break;
	case NPU_OP_POOL:
		c->pool.in_h = 4;
		c->pool.in_w = 4;
		c->pool.kernel_h = 2;
		c->pool.kernel_w = 2;
		c->pool.stride_h = 2;
		c->pool.stride_w = 2;
		c->pool.dilation_h = 1;
		c->pool.dilation_w = 1;
		c->pool.op = NPU_POOL_AVG;
		/* fall through */
	case NPU_OP_VPU: {
		struct npu_vpu_pipe *p = opcode == NPU_OP_VPU ? &c->vpu.p : &c->pool.p;
		uint32_t *size = opcode == NPU_OP_VPU ? c->vpu.size : c->pool.size;

		for (i = 0; i < 4; i++) {
			size[i] = 2;
			p->x.stride[i] = 4u << i;
			p->out.stride[i] = 4u << i;
			p->operand[0].stride[i] = 4u << i;
		}
		p->x.type = NPU_S32;
		p->out.type = NPU_S32;
		p->out.addr = 1024;
		p->operands = 1;
		p->operand[0].type = NPU_S32;
		p->operand[0].addr = 512;
		p->stages = 2;
		p->stage[0].op = NPU_STAGE_MUL;
		p->stage[0].src = NPU_SRC_0;
		p->stage[1].op = NPU_STAGE_QUANT;
		p->stage[1].src = NPU_SRC_IMM;
		p->stage[1].src2 = NPU_S32;
		break;
	}
	}
}

#define V(field)	 (AT(npu_cmd_vpu, p) + AT(npu_vpu_pipe, field))
#define VO(which, field) (V(which) + AT(npu_vpu_operand, field))
#define VS(i, field)	 (V(stage[i]) + AT(npu_vpu_stage, field))
#define O(field)	 (AT(npu_cmd_matmul, o) + AT(npu_mxu_operands, field))

struct rule {
	uint8_t opcode;
	uint16_t at;
	uint8_t bytes;
	uint64_t value;
	enum npu_reason reason;
	int64_t where; /* -1: at */
};

static const struct rule rules[] = {
	/* Header. */
	{ NPU_OP_LOAD, 0, 1, 0x00, NPU_REASON_OPCODE, -1 },
	{ NPU_OP_LOAD, 0, 1, 0x41, NPU_REASON_OPCODE, 0 },
	{ NPU_OP_LOAD, 1, 1, 1, NPU_REASON_RESERVED, -1 },
	{ NPU_OP_LOAD, 2, 2, 112, NPU_REASON_SIZE, -1 },
	{ NPU_OP_LOAD, 4, 1, 64, NPU_REASON_FIELD, -1 },
	{ NPU_OP_LOAD, 4, 2, 0x0101, NPU_REASON_FIELD, 5 },
	{ NPU_OP_LOAD, 7, 3, 0x05ff05, NPU_REASON_FIELD, 9 },
	{ NPU_OP_LOAD, 10, 2, 0x100, NPU_REASON_RESERVED, -1 },
	{ NPU_OP_BARRIER, 4, 1, 0, NPU_REASON_FIELD, -1 },
	{ NPU_OP_HANG, 12, 4, 0, NPU_REASON_INJECT, 0 },
	/* LOAD. */
	{ NPU_OP_LOAD, AT(npu_cmd_load, type), 1, NPU_S64, NPU_REASON_FIELD, -1 },
	{ NPU_OP_LOAD, AT(npu_cmd_load, type), 1, 9, NPU_REASON_FIELD, -1 },
	{ NPU_OP_LOAD, AT(npu_cmd_load, fill_mode), 1, 3, NPU_REASON_FIELD, -1 },
	{ NPU_OP_LOAD, AT(npu_cmd_load, region), 1, 16, NPU_REASON_FIELD, -1 },
	{ NPU_OP_LOAD, AT(npu_cmd_load, fill), 1, 1, NPU_REASON_FIELD, -1 },
	{ NPU_OP_LOAD, AT(npu_cmd_load, size[2]), 4, 0, NPU_REASON_FIELD, -1 },
	{ NPU_OP_LOAD, AT(npu_cmd_load, size[3]), 4, 0x20000000, NPU_REASON_FIELD, -1 },
	{ NPU_OP_LOAD, AT(npu_cmd_load, pad_lo[1]), 4, 1, NPU_REASON_FIELD, -1 },
	{ NPU_OP_LOAD, AT(npu_cmd_load, pad_hi[1]), 4, 0xffffffff, NPU_REASON_FIELD, -1 },
	{ NPU_OP_LOAD, AT(npu_cmd_load, mem_stride[1]), 8, 1ull << 48, NPU_REASON_FIELD, -1 },
	{ NPU_OP_LOAD, AT(npu_cmd_load, mem_stride[1]), 8, 1ull << 63, NPU_REASON_FIELD, -1 },
	{ NPU_OP_LOAD, AT(npu_cmd_load, spm), 4, GEN_SPM - 15, NPU_REASON_BOUNDS, GEN_SPM },
	{ NPU_OP_LOAD, AT(npu_cmd_load, spm_stride[0]), 4, -1u, NPU_REASON_BOUNDS, -1 & INT64_MAX },
	{ NPU_OP_LOAD, AT(npu_cmd_load, spm_stride[2]), 4, 0, NPU_REASON_FIELD, -1 },
	{ NPU_OP_LOAD, AT(npu_cmd_load, reserved2), 4, 1, NPU_REASON_RESERVED, -1 },
	/* GATHER. */
	{ NPU_OP_GATHER, AT(npu_cmd_gather, type), 1, NPU_S8, NPU_REASON_FIELD, -1 },
	{ NPU_OP_GATHER, AT(npu_cmd_gather, index), 4, 4, NPU_REASON_ALIGN, -1 },
	{ NPU_OP_GATHER, AT(npu_cmd_gather, index), 4, GEN_SPM - 24, NPU_REASON_BOUNDS,
	  GEN_SPM + 7 },
	{ NPU_OP_GATHER, AT(npu_cmd_gather, rows), 8, 0, NPU_REASON_FIELD, -1 },
	{ NPU_OP_GATHER, AT(npu_cmd_gather, rows), 8, 1ull << 63, NPU_REASON_FIELD, -1 },
	{ NPU_OP_GATHER, AT(npu_cmd_gather, count), 4, 0, NPU_REASON_FIELD, -1 },
	{ NPU_OP_GATHER, AT(npu_cmd_gather, row_bytes), 4, 0, NPU_REASON_FIELD, -1 },
	{ NPU_OP_GATHER, AT(npu_cmd_gather, row_bytes), 4, 0x40000000, NPU_REASON_FIELD, -1 },
	{ NPU_OP_GATHER, AT(npu_cmd_gather, spm), 4, 31, NPU_REASON_FIELD, -1 },
	{ NPU_OP_GATHER, AT(npu_cmd_gather, spm), 4, GEN_SPM - 63, NPU_REASON_BOUNDS, GEN_SPM },
	{ NPU_OP_GATHER, AT(npu_cmd_gather, spm_stride), 4, 0, NPU_REASON_FIELD, -1 },
	/* STORE. */
	{ NPU_OP_STORE, AT(npu_cmd_store, space), 1, NPU_SPACE_MEM, NPU_REASON_FIELD, -1 },
	{ NPU_OP_STORE, AT(npu_cmd_store, region), 1, 200, NPU_REASON_FIELD, -1 },
	{ NPU_OP_STORE, AT(npu_cmd_store, size[0]), 4, 0, NPU_REASON_FIELD, -1 },
	{ NPU_OP_STORE, AT(npu_cmd_store, size[3]), 4, 0x20000000, NPU_REASON_FIELD, -1 },
	{ NPU_OP_STORE, AT(npu_cmd_store, mem_stride[1]), 8, 0, NPU_REASON_FIELD, -1 },
	{ NPU_OP_STORE, AT(npu_cmd_store, local), 4, GEN_SPM - 1, NPU_REASON_BOUNDS, GEN_SPM },
	{ NPU_OP_STORE, AT(npu_cmd_store, reserved3), 8, 1ull << 60, NPU_REASON_RESERVED, -1 },
	/* MATMUL. */
	{ NPU_OP_MATMUL, O(a_type), 1, NPU_S4, NPU_REASON_FIELD, -1 },
	{ NPU_OP_MATMUL, O(a_type), 1, NPU_BF16, NPU_REASON_FIELD, O(b_type) },
	{ NPU_OP_MATMUL, O(b_type), 1, NPU_S4, NPU_REASON_FIELD, O(b_layout) },
	{ NPU_OP_MATMUL, O(b_type), 1, NPU_S32, NPU_REASON_FIELD, -1 },
	{ NPU_OP_MATMUL, O(b_layout), 1, 3, NPU_REASON_FIELD, -1 },
	{ NPU_OP_MATMUL, O(b_stride), 4, 32, NPU_REASON_NONE, 0 },
	{ NPU_OP_MATMUL, O(flags), 1, NPU_MXU_DEPTHWISE, NPU_REASON_FIELD, -1 },
	{ NPU_OP_MATMUL, O(a_zp_mode), 1, 3, NPU_REASON_FIELD, -1 },
	{ NPU_OP_MATMUL, O(a_zp), 4, 128, NPU_REASON_FIELD, -1 },
	{ NPU_OP_MATMUL, O(a_zp), 4, -128u, NPU_REASON_NONE, 0 },
	{ NPU_OP_MATMUL, O(b_zp), 4, -129u, NPU_REASON_FIELD, -1 },
	{ NPU_OP_MATMUL, O(group), 2, 32, NPU_REASON_RESERVED, -1 },
	{ NPU_OP_MATMUL, O(scales), 4, 32, NPU_REASON_RESERVED, -1 },
	{ NPU_OP_MATMUL, O(acc), 4, 2, NPU_REASON_ALIGN, -1 },
	{ NPU_OP_MATMUL, O(acc), 4, GEN_ACC - 124, NPU_REASON_BOUNDS, GEN_ACC + 3 },
	{ NPU_OP_MATMUL, O(a), 4, GEN_SPM - 63, NPU_REASON_BOUNDS, GEN_SPM },
	{ NPU_OP_MATMUL, O(b), 4, GEN_SPM - 127, NPU_REASON_BOUNDS, GEN_SPM },
	{ NPU_OP_MATMUL, O(b), 4, 0xfffffff0, NPU_REASON_BOUNDS, 0xfffffff0ll + 127 },
	{ NPU_OP_MATMUL, AT(npu_cmd_matmul, n), 4, 0, NPU_REASON_FIELD, -1 },
	{ NPU_OP_MATMUL, AT(npu_cmd_matmul, a_stride), 4, 0x80000000, NPU_REASON_BOUNDS,
	  INT64_MIN },
	{ NPU_OP_MATMUL, AT(npu_cmd_matmul, acc_stride), 4, 34, NPU_REASON_ALIGN, -1 },
	{ NPU_OP_MATMUL, AT(npu_cmd_matmul, acc_stride), 4, 28, NPU_REASON_FIELD, -1 },
	{ NPU_OP_MATMUL, AT(npu_cmd_matmul, reserved[4]), 4, 1, NPU_REASON_RESERVED, -1 },
	/* CONV. */
	{ NPU_OP_CONV, AT(npu_cmd_conv, batch), 2, 0, NPU_REASON_FIELD, -1 },
	{ NPU_OP_CONV, AT(npu_cmd_conv, dilation_w), 2, 0, NPU_REASON_FIELD, -1 },
	{ NPU_OP_CONV, AT(npu_cmd_conv, in_h), 2, 65, NPU_REASON_BOUNDS, 65 * 32 - 1 },
	{ NPU_OP_CONV, AT(npu_cmd_conv, acc_stride[1]), 4, 124, NPU_REASON_FIELD,
	  AT(npu_cmd_conv, acc_stride) },
	{ NPU_OP_CONV, AT(npu_cmd_conv, acc_stride[2]), 4, 2, NPU_REASON_ALIGN, -1 },
	{ NPU_OP_CONV, AT(npu_cmd_conv, kernel_h), 2, 0x5555, NPU_REASON_BOUNDS,
	  128 + 0x5555 * 24 * 8 - 1 },
	{ NPU_OP_CONV, AT(npu_cmd_conv, kernel_h), 2, 0x5556, NPU_REASON_FIELD, -1 },
	{ NPU_OP_CONV, AT(npu_cmd_conv, reserved[0]), 4, 1, NPU_REASON_RESERVED, -1 },
	/* VPU. */
	{ NPU_OP_VPU, AT(npu_cmd_vpu, size[1]), 4, 0, NPU_REASON_FIELD, -1 },
	{ NPU_OP_VPU, AT(npu_cmd_vpu, size[3]), 4, 0x20000000, NPU_REASON_FIELD, -1 },
	{ NPU_OP_VPU, AT(npu_cmd_vpu, reduce), 1, 4, NPU_REASON_FIELD, -1 },
	{ NPU_OP_VPU, AT(npu_cmd_vpu, reduce), 1, 1, NPU_REASON_FIELD, AT(npu_cmd_vpu, axes) },
	{ NPU_OP_VPU, AT(npu_cmd_vpu, axes), 1, 1, NPU_REASON_FIELD, -1 },
	{ NPU_OP_VPU, AT(npu_cmd_vpu, reduce), 2, 0x101, NPU_REASON_FIELD,
	  VO(operand[0], stride[0]) },
	{ NPU_OP_VPU, AT(npu_cmd_vpu, reserved[5]), 1, 1, NPU_REASON_RESERVED, -1 },
	{ NPU_OP_VPU, VO(x, addr), 4, 2, NPU_REASON_ALIGN, -1 },
	{ NPU_OP_VPU, VO(x, stride[3]), 4, 2, NPU_REASON_ALIGN, -1 },
	{ NPU_OP_VPU, VO(x, space), 1, NPU_SPACE_MEM, NPU_REASON_FIELD, -1 },
	{ NPU_OP_VPU, VO(x, space), 1, NPU_SPACE_ACC, NPU_REASON_NONE, 0 },
	{ NPU_OP_VPU, VO(x, space), 2, NPU_SPACE_ACC | NPU_BF16 << 8, NPU_REASON_FIELD,
	  VO(x, type) },
	{ NPU_OP_VPU, VO(x, type), 1, NPU_S4, NPU_REASON_FIELD, -1 },
	{ NPU_OP_VPU, VO(x, flags), 1, 2, NPU_REASON_FIELD, -1 },
	{ NPU_OP_VPU, VO(x, zp), 4, 1, NPU_REASON_FIELD, -1 },
	{ NPU_OP_VPU, VO(x, scale), 4, 1, NPU_REASON_FIELD, -1 },
	{ NPU_OP_VPU, VO(x, addr), 4, GEN_SPM - 60, NPU_REASON_BOUNDS, GEN_SPM + 3 },
	{ NPU_OP_VPU, VO(x, addr), 4, 1024, NPU_REASON_NONE, 0 },
	{ NPU_OP_VPU, VO(x, addr), 4, 1028, NPU_REASON_FIELD, VO(out, addr) },
	{ NPU_OP_VPU, VO(out, space), 1, NPU_SPACE_ACC, NPU_REASON_FIELD, -1 },
	{ NPU_OP_VPU, VO(out, flags), 1, 1, NPU_REASON_FIELD, -1 },
	{ NPU_OP_VPU, VO(out, type), 1, NPU_FP32, NPU_REASON_FIELD, -1 },
	{ NPU_OP_VPU, VO(out, stride[2]), 4, 0, NPU_REASON_FIELD, -1 },
	{ NPU_OP_VPU, VO(operand[0], addr), 4, 1020, NPU_REASON_FIELD, VO(out, addr) },
	{ NPU_OP_VPU, VO(operand[0], addr), 4, 0xfffffffc, NPU_REASON_BOUNDS, 0xfffffffcll + 63 },
	{ NPU_OP_VPU, VO(operand[1], zp), 4, 1, NPU_REASON_FIELD, V(operand[1]) },
	{ NPU_OP_VPU, V(operands), 1, 5, NPU_REASON_FIELD, -1 },
	{ NPU_OP_VPU, V(stages), 1, 13, NPU_REASON_FIELD, -1 },
	{ NPU_OP_VPU, V(stages), 1, 3, NPU_REASON_FIELD, VS(2, op) },
	{ NPU_OP_VPU, V(stages), 1, 1, NPU_REASON_FIELD, V(stage[1]) },
	{ NPU_OP_VPU, V(pre), 1, 1, NPU_REASON_FIELD, -1 },
	{ NPU_OP_VPU, V(reserved[0]), 1, 1, NPU_REASON_RESERVED, -1 },
	{ NPU_OP_VPU, VS(0, op), 1, 5, NPU_REASON_FIELD, -1 },
	{ NPU_OP_VPU, VS(0, op), 1, 15, NPU_REASON_FIELD, -1 },
	{ NPU_OP_VPU, VS(0, op), 1, 82, NPU_REASON_FIELD, -1 },
	{ NPU_OP_VPU, VS(0, op), 1, NPU_STAGE_EXP, NPU_REASON_FIELD, VS(0, src) },
	{ NPU_OP_VPU, VS(0, op), 1, NPU_STAGE_SELECT, NPU_REASON_FIELD, VS(0, src2) },
	{ NPU_OP_VPU, VS(0, op), 1, NPU_STAGE_LUT, NPU_REASON_FIELD, VO(operand[0], stride) },
	{ NPU_OP_VPU, VS(0, src), 1, NPU_SRC_1, NPU_REASON_FIELD, -1 },
	{ NPU_OP_VPU, VS(0, src), 1, NPU_SRC_NONE, NPU_REASON_FIELD, -1 },
	{ NPU_OP_VPU, VS(0, src), 1, 7, NPU_REASON_FIELD, -1 },
	{ NPU_OP_VPU, VS(0, src), 1, NPU_SRC_X, NPU_REASON_NONE, 0 },
	{ NPU_OP_VPU, VS(0, src2), 1, 1, NPU_REASON_FIELD, -1 },
	{ NPU_OP_VPU, VS(0, imm), 4, 1, NPU_REASON_FIELD, -1 },
	{ NPU_OP_VPU, VS(1, op), 1, NPU_STAGE_IADD, NPU_REASON_FIELD, VS(1, src2) },
	{ NPU_OP_VPU, VS(1, op), 3, NPU_STAGE_IADD | NPU_SRC_IMM << 8, NPU_REASON_FIELD,
	  VS(1, op) },
	{ NPU_OP_VPU, VS(1, src2), 1, NPU_FP32, NPU_REASON_FIELD, -1 },
	/* POOL. */
	{ NPU_OP_POOL, AT(npu_cmd_pool, stride_h), 2, 0, NPU_REASON_FIELD, -1 },
	{ NPU_OP_POOL, AT(npu_cmd_pool, kernel_w), 2, 0x8001, NPU_REASON_FIELD,
	  AT(npu_cmd_pool, kernel_h) },
	{ NPU_OP_POOL, AT(npu_cmd_pool, op), 1, 3, NPU_REASON_FIELD, -1 },
	{ NPU_OP_POOL, AT(npu_cmd_pool, p.x.space), 1, NPU_SPACE_ACC, NPU_REASON_FIELD, -1 },
	{ NPU_OP_POOL, AT(npu_cmd_pool, p.x.addr), 4, 1024, NPU_REASON_FIELD,
	  AT(npu_cmd_pool, p.out.addr) },
	{ NPU_OP_POOL, AT(npu_cmd_pool, reserved[2]), 1, 1, NPU_REASON_RESERVED, -1 },
};

static void test_rules(void **state)
{
	unsigned int i, failed = 0;
	struct gen g;

	(void)state;
	gen_init(&g, 1);
	for (i = 0; i < gen_opcode_count; i++) {
		union gen_cmd c;
		uint64_t where;

		plain(&c, gen_opcodes[i]);
		assert_int_equal(npu_isa_check(&g.cfg, &c.h, c.h.size, &where), NPU_REASON_NONE);
		/* A stream that ends within it. */
		assert_int_equal(npu_isa_check(&g.cfg, &c.h, c.h.size - 16, &where),
				 NPU_REASON_SIZE);
		assert_int_equal(npu_isa_check(&g.cfg, &c.h, 0, &where), NPU_REASON_SIZE);
	}
	for (i = 0; i < sizeof(rules) / sizeof(rules[0]); i++) {
		const struct rule *r = &rules[i];
		uint64_t where, expected = r->where == -1 ? r->at : (uint64_t)r->where;
		enum npu_reason reason;
		union gen_cmd c;

		plain(&c, r->opcode);
		memcpy(c.bytes + r->at, &r->value, r->bytes);
		reason = npu_isa_check(&g.cfg, &c.h, sizeof(c), &where);
		/* Addresses below 0 are told as they are: only the sign is checked. */
		if (r->reason == NPU_REASON_BOUNDS &&
		    (r->where == INT64_MAX || r->where == INT64_MIN))
			expected = (int64_t)where < 0 ? where : 0;
		if (reason != r->reason || where != expected) {
			print_error("rule %u: %s at %u: reason %u where %llu, not %u %llu\n", i,
				    npu_isa_name(r->opcode), r->at, reason,
				    (unsigned long long)where, r->reason,
				    (unsigned long long)expected);
			failed++;
		}
	}
	assert_int_equal(failed, 0);
}

static void test_hang_injected(void **state)
{
	union gen_cmd c;
	uint64_t where;
	struct gen g;

	(void)state;
	gen_init(&g, 1);
	gen_header(&c, NPU_OP_HANG);
	g.cfg.inject = true;
	assert_int_equal(npu_isa_check(&g.cfg, &c.h, 16, &where), NPU_REASON_NONE);
}

/* ---- Footprints ----------------------------------------------------------------------------- */

struct seen {
	struct gen_bytes bytes;
	bool written;
	bool bad;
};

static void see(void *opaque, const struct npu_access *a)
{
	uint64_t limit = a->space == NPU_SPACE_SPM ? GEN_SPM :
			 a->space == NPU_SPACE_ACC ? GEN_ACC :
						     GEN_MEM;
	struct seen *s = opaque;
	uint8_t *space = a->space == NPU_SPACE_SPM ? s->bytes.spm :
			 a->space == NPU_SPACE_ACC ? s->bytes.acc :
						     s->bytes.mem;
	uint64_t at[NPU_ACCESS_DIMS] = { 0 };
	unsigned int d;

	/* All reads before the first write. */
	if (a->kind == NPU_ACCESS_WRITE)
		s->written = true;
	else if (s->written)
		s->bad = true;
	for (d = 0; d < a->dims; d++)
		if (a->count[d] < 2 || a->stride[d] <= (d ? a->stride[d - 1] - 1 : (int64_t)a->run))
			s->bad = true;
	for (;;) {
		int64_t addr = a->base;
		uint64_t i;

		for (d = 0; d < a->dims; d++)
			addr += (int64_t)at[d] * a->stride[d];
		for (i = 0; i < a->run; i++) {
			if (addr + (int64_t)i < 0 || (uint64_t)addr + i >= limit) {
				s->bad = true;
				return;
			}
			space[addr + (int64_t)i] |= a->kind == NPU_ACCESS_WRITE ? 2 : 1;
		}
		for (d = 0; d < a->dims; d++) {
			if (++at[d] < a->count[d])
				break;
			at[d] = 0;
		}
		if (d == a->dims)
			return;
	}
}

static void test_footprint(void **state)
{
	struct gen_bytes expected;
	unsigned int i, j;
	struct seen s;
	struct gen g;

	(void)state;
	gen_init(&g, gen_seed());
	for (i = 0; i < 7 * 1500; i++) {
		union gen_cmd c;

		gen_command(&g, &c, gen_opcodes[i % gen_opcode_count]);
		assert_true(gen_touch(&g, &c, &expected));
		memset(&s, 0, sizeof(s));
		npu_isa_footprint(&c.h, see, &s);
		for (j = 0; c.h.opcode == NPU_OP_GATHER && j < c.gather.count; j++) {
			uint64_t row, k;

			assert_true(npu_isa_gather_index(&c.gather, g.spm, j, &row));
			for (k = 0; k < c.gather.row_bytes; k++)
				s.bytes.mem[c.gather.offset + row * c.gather.row_stride + k] |= 1;
		}
		if (s.bad || memcmp(&s.bytes, &expected, sizeof(expected))) {
			print_error("command %u, a %s\n", i, npu_isa_name(c.h.opcode));
			fail();
		}
	}
}

static void test_gather_index(void **state)
{
	struct npu_cmd_gather c = { .type = NPU_S32, .rows = 10 };
	_Alignas(8) int32_t index[] = { 9, 10, -10, -11, 0 };
	uint64_t row;

	(void)state;
	assert_true(npu_isa_gather_index(&c, (uint8_t *)index, 0, &row));
	assert_int_equal(row, 9);
	assert_false(npu_isa_gather_index(&c, (uint8_t *)index, 1, &row));
	assert_true(npu_isa_gather_index(&c, (uint8_t *)index, 2, &row));
	assert_int_equal(row, 0);
	assert_false(npu_isa_gather_index(&c, (uint8_t *)index, 3, &row));
}

/*
 * An output falls onto an input exactly when they share a byte (inputs here are no longer than
 * their bytes).
 */
static void test_overlap(void **state)
{
	unsigned int i, d, refused = 0, accepted = 0;
	struct gen g;

	(void)state;
	gen_init(&g, gen_seed() + 1);
	for (i = 0; i < 20000; i++) {
		struct gen_bytes out, in;
		bool shared = false;
		uint64_t where;
		union gen_cmd c;
		uint32_t step = 4;

		plain(&c, NPU_OP_VPU);
		for (d = 0; d < 4; d++) {
			c.vpu.size[d] = 1 + gen_below(&g, 3);
			/* The output nests, the input may lie in between. */
			c.vpu.p.out.stride[d] = step * (1 + gen_below(&g, 2));
			step = c.vpu.p.out.stride[d] * c.vpu.size[d];
			c.vpu.p.x.stride[d] = c.vpu.p.out.stride[d] + 4 * gen_below(&g, 2);
		}
		c.vpu.p.out.addr = 0;
		c.vpu.p.x.addr = 4 * (1 + gen_below(&g, 20));
		c.vpu.p.operand[0] =
			(struct npu_vpu_operand){ .addr = GEN_SPM - 4, .type = NPU_S32 };
		if (!gen_touch(&g, &c, &out))
			continue;
		memset(&in, 0, sizeof(in));
		for (d = 0; d < GEN_SPM - 4; d++)
			shared = shared || out.spm[d] == 3;
		if (npu_isa_check(&g.cfg, &c.h, sizeof(c), &where) == NPU_REASON_NONE) {
			assert_false(shared);
			accepted++;
		} else {
			/* The one exception: more elements than bytes counts as a box. */
			assert_int_equal(where, VO(out, addr));
			assert_true(shared);
			refused++;
		}
	}
	assert_true(refused > 500 && accepted > 500);
}

static void see_inside(void *opaque, const struct npu_access *a)
{
	uint64_t limit = a->space == NPU_SPACE_SPM ? GEN_SPM : GEN_ACC,
		 end = (uint64_t)a->base + a->run;
	unsigned int d;

	if (a->space == NPU_SPACE_MEM)
		return;
	for (d = 0; d < a->dims; d++)
		end += (a->count[d] - 1) * (uint64_t)a->stride[d];
	if (a->base < 0 || end > limit)
		*(bool *)opaque = false;
}

/* Whatever bytes a stream has: the check ends, and what passes stays inside. */
static void test_noise(void **state)
{
	unsigned int i, j, passed = 0;
	bool inside = true;
	struct gen g;

	(void)state;
	gen_init(&g, gen_seed() + 2);
	for (i = 0; i < 200000; i++) {
		union gen_cmd c;
		uint64_t where;
		uint16_t size;

		plain(&c, gen_opcodes[i % gen_opcode_count]);
		size = c.h.size;
		for (j = gen_below(&g, 3) + 1; j; j--) {
			uint32_t at = 16 + gen_below(&g, size - 16u);

			c.bytes[at] =
				(uint8_t)(gen_below(&g, 2) ? gen_below(&g, 8) : gen_below(&g, 256));
		}
		if (npu_isa_check(&g.cfg, &c.h, size, &where) != NPU_REASON_NONE)
			continue;
		passed++;
		npu_isa_footprint(&c.h, see_inside, &inside);
		assert_true(inside);
	}
	assert_true(passed > 1000);
}

/* ---- Semaphores ----------------------------------------------------------------------------- */

static enum npu_reason step(struct npu_sems *s, uint8_t opcode, uint8_t wait, uint8_t signal,
			    uint64_t *where)
{
	union gen_cmd c;

	gen_header(&c, opcode);
	c.h.wait[1] = wait;
	c.h.signal[2] = signal;
	return npu_sems_command(s, &c.h, where);
}

static void test_semaphores(void **state)
{
	struct npu_sems s;
	uint64_t where;
	unsigned int i;

	(void)state;
	npu_sems_reset(&s);
	assert_int_equal(npu_sems_leftover(&s), -1);
	assert_int_equal(step(&s, NPU_OP_MATMUL, 5, 0xff, &where), NPU_REASON_SEMAPHORE);
	assert_int_equal(where, 5);
	assert_int_equal(step(&s, NPU_OP_LOAD, 0xff, 5, &where), NPU_REASON_NONE);
	assert_int_equal(npu_sems_leftover(&s), 5);
	assert_int_equal(step(&s, NPU_OP_GATHER, 0xff, 5, &where), NPU_REASON_NONE);
	assert_int_equal(step(&s, NPU_OP_STORE, 0xff, 5, &where), NPU_REASON_SEM_OWNER);
	assert_int_equal(where, 5);
	assert_int_equal(step(&s, NPU_OP_CONV, 5, 0xff, &where), NPU_REASON_NONE);
	assert_int_equal(step(&s, NPU_OP_VPU, 5, 0xff, &where), NPU_REASON_SEM_OWNER);
	assert_int_equal(step(&s, NPU_OP_MATMUL, 5, 0xff, &where), NPU_REASON_NONE);
	assert_int_equal(step(&s, NPU_OP_MATMUL, 5, 0xff, &where), NPU_REASON_SEMAPHORE);
	assert_int_equal(npu_sems_leftover(&s), -1);
	for (i = 0; i < NPU_SEM_MAX; i++)
		assert_int_equal(step(&s, NPU_OP_STORE, 0xff, 63, &where), NPU_REASON_NONE);
	assert_int_equal(step(&s, NPU_OP_STORE, 0xff, 63, &where), NPU_REASON_SEM_OVERFLOW);
	assert_int_equal(where, 63);
	/* It takes before it gives. */
	assert_int_equal(step(&s, NPU_OP_STORE, 63, 63, &where), NPU_REASON_NONE);
	/* All or nothing: what failed changed nothing. */
	npu_sems_reset(&s);
	assert_int_equal(step(&s, NPU_OP_LOAD, 1, 2, &where), NPU_REASON_SEMAPHORE);
	assert_int_equal(npu_sems_leftover(&s), -1);
	assert_int_equal(step(&s, NPU_OP_STORE, 0xff, 2, &where), NPU_REASON_NONE);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_table),	      cmocka_unit_test(test_rules),
		cmocka_unit_test(test_hang_injected), cmocka_unit_test(test_footprint),
		cmocka_unit_test(test_gather_index),  cmocka_unit_test(test_overlap),
		cmocka_unit_test(test_noise),	      cmocka_unit_test(test_semaphores),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
