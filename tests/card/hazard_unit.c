// SPDX-License-Identifier: MIT
/*
 * Copyright (c) 2026 the npu authors
 *
 * See hazard_unit.h.
 */
#include "hazard_unit.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

/* Pages of 4 KiB: the second page of each four is the first of them again. */
static bool resolve(void *opaque, uint64_t va, enum npu_access_kind kind, uint64_t *key,
		    uint64_t *len)
{
	(void)opaque;
	(void)kind;
	if (va >= 1ull << 40)
		return false;
	*key = va & ~(va / 4096 % 4 == 1 ? 4096ull : 0);
	*len = 4096 - va % 4096;
	return true;
}

static uint32_t tag(void *opaque, uint32_t offset)
{
	(void)opaque;
	return offset / 16 + 1000;
}

static const uint64_t regions[NPU_MAX_REGIONS];

void hazard_begin(struct npu_hazard *h, const struct gen *g, unsigned int member)
{
	struct npu_hazard_job job = {
		.member = member,
		.region = regions,
		.spm = g->spm,
		.resolve = resolve,
		.tag = tag,
	};

	npu_hazard_begin(h, &job);
}

/* An engine reads or writes [@addr, @addr + @len) of a space; false where it cannot. */
bool hazard_access(union gen_cmd *c, enum npu_engine e, enum npu_space space, bool write,
		   uint32_t addr, uint32_t len)
{
	struct npu_vpu_operand *o;
	/* Where each reads and writes what it must but the test does not ask for. */
	static const uint32_t spare[NPU_ENGINES] = { 1024, 1280, 1536, 1792 };
	const uint32_t other = spare[e];

	switch (e) {
	case NPU_ENGINE_LOAD:
		if (space == NPU_SPACE_ACC || (space == NPU_SPACE_MEM && write))
			return false;
		if (space == NPU_SPACE_SPM && !write) {
			gen_header(c, NPU_OP_GATHER);
			c->gather.type = NPU_S32;
			c->gather.index = addr;
			c->gather.rows = 4;
			c->gather.count = len / 4;
			c->gather.row_bytes = 1;
			c->gather.offset = 7000;
			c->gather.spm = other;
			c->gather.spm_stride = 1;
			return true;
		}
		gen_header(c, NPU_OP_LOAD);
		c->load.type = NPU_U8;
		c->load.size[0] = len;
		c->load.size[1] = c->load.size[2] = c->load.size[3] = 1;
		c->load.offset = write ? 7000 : addr;
		c->load.spm = write ? addr : other;
		return true;
	case NPU_ENGINE_MXU:
		if (space == NPU_SPACE_MEM || (space == NPU_SPACE_SPM && write))
			return false;
		gen_header(c, NPU_OP_MATMUL);
		c->matmul.m = c->matmul.k = 1;
		c->matmul.n = len / 4;
		c->matmul.o.a = other;
		c->matmul.o.b = other;
		c->matmul.o.acc = other;
		if (space == NPU_SPACE_ACC) {
			c->matmul.o.acc = addr;
			c->matmul.o.flags = write ? 0 : NPU_MXU_ACCUMULATE;
		} else {
			c->matmul.n = len;
			c->matmul.o.b = addr;
		}
		return true;
	case NPU_ENGINE_VPU:
		if (space == NPU_SPACE_MEM || (space == NPU_SPACE_ACC && write))
			return false;
		gen_header(c, NPU_OP_VPU);
		c->vpu.size[0] = len / 4;
		c->vpu.size[1] = c->vpu.size[2] = c->vpu.size[3] = 1;
		c->vpu.p.x.type = c->vpu.p.out.type = NPU_FP32;
		c->vpu.p.x.stride[0] = c->vpu.p.out.stride[0] = 4;
		c->vpu.p.x.addr = other;
		c->vpu.p.out.addr = other + 128;
		o = write ? &c->vpu.p.out : &c->vpu.p.x;
		o->space = (__u8)space;
		o->addr = addr;
		return true;
	default:
		if (space == NPU_SPACE_MEM ? !write : write)
			return false;
		gen_header(c, NPU_OP_STORE);
		c->store.space = space == NPU_SPACE_ACC;
		c->store.local = space == NPU_SPACE_MEM ? other : addr;
		c->store.offset = space == NPU_SPACE_MEM ? addr : 6000;
		c->store.size[0] = len;
		c->store.size[1] = c->store.size[2] = c->store.size[3] = 1;
		return true;
	}
}

/* Write all of SPM and ACC, and let everybody know by a barrier. */
void hazard_prepare(struct npu_hazard *h, const struct gen *g, uint32_t *offset)
{
	struct npu_error err;
	union gen_cmd c;

	hazard_begin(h, g, 0);
	gen_header(&c, NPU_OP_LOAD);
	c.load.type = NPU_U8;
	c.load.fill_mode = NPU_FILL_IMM;
	c.load.size[0] = c.load.pad_lo[0] = GEN_SPM;
	c.load.size[1] = c.load.size[2] = c.load.size[3] = 1;
	assert_true(npu_hazard_command(h, &c.h, *offset, &err));
	*offset += c.h.size;
	assert_true(npu_hazard_epoch(&h, 1, &err));
	gen_header(&c, NPU_OP_MATMUL);
	c.matmul.m = 1;
	c.matmul.k = 1;
	c.matmul.n = GEN_ACC / 4;
	assert_true(npu_hazard_command(h, &c.h, *offset, &err));
	*offset += c.h.size;
	assert_true(npu_hazard_epoch(&h, 1, &err));
}
