// SPDX-License-Identifier: MIT
/*
 * Copyright (c) 2026 the npu authors
 *
 * The hazard checker: planted races of every pair of engines are found and named, and on random
 * streams it stops at exactly the command at which a reference does that compares each command with
 * all before it.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "gen.h"
#include "hazard.h"

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

static void begin(struct npu_hazard *h, const struct gen *g, unsigned int member)
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

/* ---- Planted -------------------------------------------------------------------------------- */

/* An engine reads or writes [@addr, @addr + @len) of a space; false where it cannot. */
static bool access_by(union gen_cmd *c, enum npu_engine e, enum npu_space space, bool write,
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
static void prepare(struct npu_hazard *h, const struct gen *g, uint32_t *offset)
{
	struct npu_error err;
	union gen_cmd c;

	begin(h, g, 0);
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

static void test_planted(void **state)
{
	unsigned int e, f, space, kinds, found = 0;
	struct npu_hazard *h;
	struct gen g;

	(void)state;
	gen_init(&g, 1);
	h = npu_hazard_new(&g.cfg);
	assert_non_null(h);
	for (e = 0; e < NPU_ENGINES; e++)
		for (f = 0; f < NPU_ENGINES; f++)
			for (space = 0; space < 3; space++)
				for (kinds = 1; kinds < 4; kinds++) {
					bool first_writes = kinds & 1, second_writes = kinds & 2;
					uint32_t offset = 0, first, second;
					union gen_cmd a, b;
					struct npu_error err;
					uint64_t where;

					/* Bytes 112 .. 175 and 160 .. 191: 160 .. 175 is shared. */
					if (!access_by(&a, e, space, first_writes, 112, 64) ||
					    !access_by(&b, f, space, second_writes, 160, 32))
						continue;
					assert_int_equal(
						npu_isa_check(&g.cfg, &a.h, sizeof(a), &where),
						NPU_REASON_NONE);
					assert_int_equal(
						npu_isa_check(&g.cfg, &b.h, sizeof(b), &where),
						NPU_REASON_NONE);
					b.h.tag = 77;
					/* Ordered. */
					prepare(h, &g, &offset);
					a.h.signal[1] = 9;
					b.h.wait[2] = 9;
					assert_true(npu_hazard_command(h, &a.h, offset, &err));
					assert_true(
						npu_hazard_command(h, &b.h, offset + 512, &err));
					assert_true(npu_hazard_end(&h, 1, &err));
					/* Not. */
					offset = 0;
					prepare(h, &g, &offset);
					a.h.signal[1] = NPU_SEM_NONE;
					b.h.wait[2] = NPU_SEM_NONE;
					first = offset;
					second = offset + 512;
					assert_true(npu_hazard_command(h, &a.h, first, &err));
					if (e == f) {
						assert_true(
							npu_hazard_command(h, &b.h, second, &err));
						continue;
					}
					memset(&err, 0xff, sizeof(err));
					assert_false(npu_hazard_command(h, &b.h, second, &err));
					found++;
					assert_int_equal(err.status, NPU_JOB_HAZARD);
					assert_int_equal(err.cmd, second);
					assert_int_equal(err.tag, 77);
					assert_int_equal(err.engine, f);
					assert_int_equal(err.other_engine, e);
					assert_int_equal(err.other_cmd, first);
					assert_int_equal(err.other_tag, first / 16 + 1000);
					assert_int_equal(err.core, 0);
					assert_int_equal(err.other_core, 0);
					assert_int_equal(err.reserved[0] | err.reserved[1] |
								 err.reserved[2],
							 0);
					assert_int_equal(err.space, space);
					assert_int_equal(err.reason, second_writes ?
									     first_writes ?
									     NPU_REASON_WAW :
									     NPU_REASON_WAR :
									     NPU_REASON_RAW);
					assert_int_equal(err.access, second_writes ?
									     NPU_ACCESS_WRITE :
									     NPU_ACCESS_READ);
					assert_int_equal(err.addr, 160);
					assert_int_equal(err.len, 16);
				}
	/*
	 * SPM: L and V write, all read; ACC: M writes, M, V and S read; memory: L reads, S
	 * writes.
	 */
	assert_int_equal(found, 6 + 6 + 2 + 2 + 2 + 1 + 1); /* RAW, WAR, WAW; RAW, WAR; RAW, WAR */
	npu_hazard_free(h);
}

static void test_unwritten(void **state)
{
	struct npu_hazard *h;
	struct npu_error err;
	union gen_cmd c;
	struct gen g;

	(void)state;
	gen_init(&g, 1);
	h = npu_hazard_new(&g.cfg);
	assert_non_null(h);
	begin(h, &g, 2);
	access_by(&c, NPU_ENGINE_LOAD, NPU_SPACE_SPM, true, 100, 28);
	c.h.signal[0] = 1;
	assert_true(npu_hazard_command(h, &c.h, 0, &err));
	access_by(&c, NPU_ENGINE_LOAD, NPU_SPACE_SPM, true, 132, 28);
	assert_true(npu_hazard_command(h, &c.h, 128, &err));
	access_by(&c, NPU_ENGINE_STORE, NPU_SPACE_SPM, false, 100, 28);
	c.h.wait[0] = 1;
	c.h.tag = 5;
	assert_true(npu_hazard_command(h, &c.h, 256, &err));
	assert_true(npu_hazard_epoch(&h, 1, &err));
	/* Bytes 128 .. 131 are between the two. */
	access_by(&c, NPU_ENGINE_STORE, NPU_SPACE_SPM, false, 100, 60);
	c.h.tag = 5;
	assert_false(npu_hazard_command(h, &c.h, 512, &err));
	assert_int_equal(err.reason, NPU_REASON_UNWRITTEN);
	assert_int_equal(err.addr, 128);
	assert_int_equal(err.len, 4);
	assert_int_equal(err.cmd, 512);
	assert_int_equal(err.tag, 5);
	assert_int_equal(err.core, 2);
	assert_int_equal(err.engine, NPU_ENGINE_STORE);
	assert_int_equal(err.other_engine, NPU_ENGINE_NONE);
	assert_int_equal(err.other_cmd, NPU_ERROR_NO_CMD);
	/* What a job wrote is nothing to the next one. */
	begin(h, &g, 0);
	access_by(&c, NPU_ENGINE_STORE, NPU_SPACE_SPM, false, 100, 4);
	assert_false(npu_hazard_command(h, &c.h, 0, &err));
	assert_int_equal(err.reason, NPU_REASON_UNWRITTEN);
	npu_hazard_free(h);
}

static void test_leftover(void **state)
{
	struct npu_hazard *h[2];
	struct npu_error err;
	union gen_cmd c;
	struct gen g;

	(void)state;
	gen_init(&g, 1);
	h[0] = npu_hazard_new(&g.cfg);
	h[1] = npu_hazard_new(&g.cfg);
	assert_non_null(h[0]);
	assert_non_null(h[1]);
	begin(h[0], &g, 0);
	begin(h[1], &g, 1);
	assert_true(npu_hazard_end(h, 2, &err));
	access_by(&c, NPU_ENGINE_LOAD, NPU_SPACE_SPM, true, 0, 4);
	c.h.signal[0] = 63;
	assert_true(npu_hazard_command(h[1], &c.h, 48, &err));
	assert_false(npu_hazard_end(h, 2, &err));
	assert_int_equal(err.reason, NPU_REASON_LEFTOVER);
	assert_int_equal(err.addr, 63);
	assert_int_equal(err.core, 1);
	assert_int_equal(err.cmd, 48);
	assert_int_equal(err.tag, 1003);
	assert_int_equal(err.engine, NPU_ENGINE_LOAD);
	npu_hazard_free(h[0]);
	npu_hazard_free(h[1]);
}

/* Strided pieces of a concatenation lie between each other: no box, no accusation. */
static void test_interleaved(void **state)
{
	struct npu_hazard *h;
	struct npu_error err;
	uint32_t offset = 0;
	union gen_cmd c;
	struct gen g;

	(void)state;
	gen_init(&g, 1);
	h = npu_hazard_new(&g.cfg);
	assert_non_null(h);
	prepare(h, &g, &offset);
	access_by(&c, NPU_ENGINE_LOAD, NPU_SPACE_SPM, true, 0, 16);
	c.load.size[1] = 16;
	c.load.spm_stride[0] = 32;
	assert_true(npu_hazard_command(h, &c.h, offset, &err));
	access_by(&c, NPU_ENGINE_STORE, NPU_SPACE_SPM, false, 16, 16);
	c.store.size[1] = 16;
	c.store.local_stride[0] = 32;
	c.store.mem_stride[0] = 16;
	assert_true(npu_hazard_command(h, &c.h, offset + 128, &err));
	/* Half a granule is a granule. */
	c.store.local = 8;
	assert_false(npu_hazard_command(h, &c.h, offset + 256, &err));
	assert_int_equal(err.reason, NPU_REASON_RAW);
	assert_int_equal(err.addr, 8);
	assert_int_equal(err.len, 8);
	npu_hazard_free(h);
}

/* Reading a whole block does not make one of what was written in part. */
static void test_block(void **state)
{
	struct npu_hazard *h;
	struct npu_error err;
	uint32_t offset = 0;
	union gen_cmd c;
	struct gen g;

	(void)state;
	gen_init(&g, 1);
	h = npu_hazard_new(&g.cfg);
	assert_non_null(h);
	prepare(h, &g, &offset);
	access_by(&c, NPU_ENGINE_LOAD, NPU_SPACE_SPM, true, 16, 16);
	c.h.signal[0] = 3;
	assert_true(npu_hazard_command(h, &c.h, offset, &err));
	access_by(&c, NPU_ENGINE_STORE, NPU_SPACE_SPM, false, 0, 1024);
	c.h.wait[0] = 3;
	assert_true(npu_hazard_command(h, &c.h, offset + 128, &err));
	access_by(&c, NPU_ENGINE_VPU, NPU_SPACE_SPM, false, 16, 16);
	assert_false(npu_hazard_command(h, &c.h, offset + 512, &err));
	assert_int_equal(err.reason, NPU_REASON_RAW);
	assert_int_equal(err.other_cmd, offset);
	npu_hazard_free(h);
}

/* All of a block but its last byte is not all of it. */
static void test_block_written(void **state)
{
	struct npu_hazard *h;
	struct npu_error err;
	union gen_cmd c;
	struct gen g;

	(void)state;
	gen_init(&g, 1);
	h = npu_hazard_new(&g.cfg);
	assert_non_null(h);
	begin(h, &g, 0);
	access_by(&c, NPU_ENGINE_LOAD, NPU_SPACE_SPM, true, 0, 1023);
	assert_true(npu_hazard_command(h, &c.h, 0, &err));
	assert_true(npu_hazard_epoch(&h, 1, &err));
	access_by(&c, NPU_ENGINE_STORE, NPU_SPACE_SPM, false, 0, 1023);
	assert_true(npu_hazard_command(h, &c.h, 128, &err));
	assert_true(npu_hazard_epoch(&h, 1, &err));
	access_by(&c, NPU_ENGINE_STORE, NPU_SPACE_SPM, false, 0, 1100);
	assert_false(npu_hazard_command(h, &c.h, 256, &err));
	assert_int_equal(err.reason, NPU_REASON_UNWRITTEN);
	assert_int_equal(err.addr, 1023);
	assert_int_equal(err.len, 77);
	/* A block that is full is not the end of what is missing before it. */
	begin(h, &g, 0);
	access_by(&c, NPU_ENGINE_LOAD, NPU_SPACE_SPM, true, 1024, 1024);
	assert_true(npu_hazard_command(h, &c.h, 0, &err));
	assert_true(npu_hazard_epoch(&h, 1, &err));
	access_by(&c, NPU_ENGINE_STORE, NPU_SPACE_SPM, false, 1000, 1048);
	assert_false(npu_hazard_command(h, &c.h, 128, &err));
	assert_int_equal(err.addr, 1000);
	assert_int_equal(err.len, 24);
	npu_hazard_free(h);
}

/* Memory is told apart by byte, and two addresses of one page are one. */
static void test_memory(void **state)
{
	struct npu_hazard *h;
	struct npu_error err;
	uint32_t offset = 0;
	union gen_cmd c;
	struct gen g;

	(void)state;
	gen_init(&g, 1);
	h = npu_hazard_new(&g.cfg);
	assert_non_null(h);
	prepare(h, &g, &offset);
	access_by(&c, NPU_ENGINE_STORE, NPU_SPACE_MEM, true, 100, 7);
	assert_true(npu_hazard_command(h, &c.h, offset, &err));
	access_by(&c, NPU_ENGINE_LOAD, NPU_SPACE_MEM, false, 107, 100);
	c.load.spm = 0;
	assert_true(npu_hazard_command(h, &c.h, offset + 128, &err));
	access_by(&c, NPU_ENGINE_LOAD, NPU_SPACE_MEM, false, 90, 10);
	c.load.spm = 0;
	assert_true(npu_hazard_command(h, &c.h, offset + 256, &err));
	access_by(&c, NPU_ENGINE_LOAD, NPU_SPACE_MEM, false, 4096 + 105, 100);
	c.load.spm = 0;
	assert_false(npu_hazard_command(h, &c.h, offset + 384, &err));
	assert_int_equal(err.reason, NPU_REASON_RAW);
	assert_int_equal(err.space, NPU_SPACE_MEM);
	assert_int_equal(err.addr, 4096 + 105);
	assert_int_equal(err.len, 2);
	assert_int_equal(err.other_cmd, offset);
	/* An access that faults is not a hazard, whatever would come after it. */
	prepare(h, &g, &offset);
	c.load.offset = 1ull << 40;
	assert_true(npu_hazard_command(h, &c.h, offset, &err));
	npu_hazard_free(h);
}

/* ---- Against a reference -------------------------------------------------------------------- */

#define COMMANDS 40

struct ref {
	union gen_cmd c;
	struct gen_bytes bytes;
	bool after[COMMANDS]; /* certainly ended before this one starts */
};

static unsigned int engine_of(const struct ref *r)
{
	return npu_isa_engine(r->c.h.opcode);
}

/* Do two commands that nothing orders touch the same granule, or byte of memory, and one writes? */
static bool conflict(const struct ref *a, const struct ref *b)
{
	unsigned int i, j, x, y;

	for (i = 0; i < GEN_SPM; i += NPU_GRANULE) {
		for (x = y = j = 0; j < NPU_GRANULE; j++) {
			x |= a->bytes.spm[i + j];
			y |= b->bytes.spm[i + j];
		}
		if ((x & 2 && y) || (x && y & 2))
			return true;
		for (x = y = j = 0; j < NPU_GRANULE; j++) {
			x |= a->bytes.acc[i + j];
			y |= b->bytes.acc[i + j];
		}
		if ((x & 2 && y) || (x && y & 2))
			return true;
	}
	for (i = 0; i < GEN_MEM; i++) {
		/* The second page is the first again. */
		x = a->bytes.mem[i] | (i < 8192 ? a->bytes.mem[i ^ 4096] : 0);
		y = b->bytes.mem[i] | (i < 8192 ? b->bytes.mem[i ^ 4096] : 0);
		if ((x & 2 && y) || (x && y & 2))
			return true;
	}
	return false;
}

static bool unwritten(const struct ref *r, unsigned int n)
{
	unsigned int i, j;

	for (i = 0; i < GEN_SPM; i++) {
		bool spm = false, acc = false;

		for (j = 0; j < n; j++) {
			spm = spm || r[j].bytes.spm[i] & 2;
			acc = acc || r[j].bytes.acc[i] & 2;
		}
		if ((r[n].bytes.spm[i] & 1 && !spm) || (r[n].bytes.acc[i] & 1 && !acc))
			return true;
	}
	return false;
}

static void random_semaphores(struct gen *g, struct ref *r, unsigned int n,
			      unsigned int (*fifo)[COMMANDS], unsigned int *made,
			      unsigned int *taken, unsigned int miss)
{
	unsigned int e = engine_of(&r[n]), f, w, i, j;

	/* The engine's own, and what they came after. */
	for (i = 0; i < n; i++)
		if (engine_of(&r[i]) == e)
			r[n].after[i] = true;
	for (w = 0, f = gen_below(g, 4); w < NPU_CMD_SEMS; w++, f = (f + 1) % 4) {
		unsigned int s = 4 * f + e;

		/* Take all there is, command by command one: the last one is the one that helps. */
		if (made[s] == taken[s] || f == e || !gen_below(g, miss))
			continue;
		r[n].c.h.wait[w] = (uint8_t)s;
		r[n].after[fifo[s][taken[s]++]] = true;
	}
	for (i = n; i-- > 0;)
		if (r[n].after[i])
			for (j = 0; j < i; j++)
				r[n].after[j] = r[n].after[j] || r[i].after[j];
	for (w = 0, f = gen_below(g, 4); w < NPU_CMD_SEMS; w++, f = (f + 1) % 4) {
		unsigned int s = 4 * e + f;

		/* With one token at most, who waits learns of the latest that was not told. */
		if (f == e || made[s] - taken[s] > 0)
			continue;
		r[n].c.h.signal[w] = (uint8_t)s;
		fifo[s][made[s]++] = n;
	}
}

/* First, with @fixed, all of SPM and then of ACC. */
static void random_command(struct gen *g, union gen_cmd *c, unsigned int n, bool fixed)
{
	if (n >= 2 || !fixed) {
		gen_command(g, c, gen_opcodes[gen_below(g, gen_opcode_count)]);
	} else if (n) {
		access_by(c, NPU_ENGINE_MXU, NPU_SPACE_ACC, true, 0, GEN_ACC);
		c->matmul.o.a = c->matmul.o.b = 0;
	} else {
		access_by(c, NPU_ENGINE_LOAD, NPU_SPACE_SPM, true, 0, GEN_SPM);
		c->load.fill_mode = NPU_FILL_IMM;
		c->load.pad_hi[0] = GEN_SPM;
	}
}

static void test_random(void **state)
{
	unsigned int i, n, races = 0, unread = 0, clean = 0, longest = 0;
	static struct ref r[COMMANDS];
	struct npu_hazard *h;
	struct gen g;

	(void)state;
	gen_init(&g, gen_seed());
	h = npu_hazard_new(&g.cfg);
	assert_non_null(h);
	for (i = 0; i < 500; i++) {
		unsigned int fifo[16][COMMANDS], made[16] = { 0 }, taken[16] = { 0 },
						 miss = 2 + gen_below(&g, 30);
		unsigned int fixed = gen_below(&g, 4);
		struct npu_error err;
		bool ok = true;

		begin(h, &g, 0);
		memset(r, 0, sizeof(r));
		for (n = 0; n < COMMANDS && ok; n++) {
			unsigned int tries = gen_below(&g, 30), made_before[16], taken_before[16],
				     j;
			bool race, empty, known = false;

			memcpy(made_before, made, sizeof(made));
			memcpy(taken_before, taken, sizeof(taken));
			/* Mostly commands that nothing is wrong with, so that streams get long. */
			do {
				memset(&r[n], 0, sizeof(r[n]));
				memcpy(made, made_before, sizeof(made));
				memcpy(taken, taken_before, sizeof(taken));
				random_command(&g, &r[n].c, n, fixed);
				r[n].c.h.tag = n;
				random_semaphores(&g, r, n, fifo, made, taken,
						  n < 3 && fixed ? 1000 : miss);
				assert_true(gen_touch(&g, &r[n].c, &r[n].bytes));
				for (race = false, j = 0; j < n; j++)
					race = race || (!r[n].after[j] && conflict(&r[j], &r[n]));
				empty = unwritten(r, n);
			} while ((race || empty) && tries--);
			ok = npu_hazard_command(h, &r[n].c.h, n * 512, &err);
			if (ok == (race || empty))
				print_error("stream %u, command %u, a %s\n", i, n,
					    npu_isa_name(r[n].c.h.opcode));
			assert_int_equal(ok, !race && !empty);
			if (ok)
				continue;
			assert_int_equal(err.cmd, n * 512);
			assert_int_equal(err.tag, n);
			if (err.reason == NPU_REASON_UNWRITTEN) {
				assert_true(empty);
				unread++;
				continue;
			}
			/* The other one is one of those. */
			for (j = 0; j < n; j++)
				known = known || (j * 512 == err.other_cmd && !r[n].after[j] &&
						  engine_of(&r[j]) == err.other_engine &&
						  conflict(&r[j], &r[n]));
			assert_true(known);
			races++;
		}
		clean += ok;
		longest = n > longest ? n : longest;
	}
	print_message("%u races, %u reads of nothing, %u clean streams, at most %u commands\n",
		      races, unread, clean, longest);
	assert_true(races > 100 && unread > 10 && clean > 50);
	npu_hazard_free(h);
}

/* A chain in which each command waits for the one before, whatever its engine, is never accused. */
static void test_correct(void **state)
{
	struct npu_hazard *h;
	struct npu_error err;
	unsigned int i, n;
	struct gen g;

	(void)state;
	gen_init(&g, gen_seed() + 1);
	h = npu_hazard_new(&g.cfg);
	assert_non_null(h);
	for (i = 0; i < 50; i++) {
		uint32_t offset = 0, last = NPU_SEM_NONE;

		prepare(h, &g, &offset);
		for (n = 0; n < 300; n++) {
			static union gen_cmd c, next;
			unsigned int e;

			if (!n)
				gen_command(&g, &next,
					    gen_opcodes[gen_below(&g, gen_opcode_count)]);
			c = next;
			e = npu_isa_engine(c.h.opcode);
			gen_command(&g, &next, gen_opcodes[gen_below(&g, gen_opcode_count)]);
			c.h.wait[0] = (uint8_t)last;
			last = n == 299 ? NPU_SEM_NONE : 4 * e + npu_isa_engine(next.h.opcode);
			c.h.signal[0] = (uint8_t)last;
			assert_true(npu_hazard_command(h, &c.h, offset, &err));
			offset += 512;
		}
		assert_true(npu_hazard_end(&h, 1, &err));
	}
	npu_hazard_free(h);
}

/* ---- Gangs ---------------------------------------------------------------------------------- */

#define MEMBERS 3

static void gang_access(struct npu_hazard *h, bool write, uint64_t va, uint32_t len,
			uint32_t offset)
{
	struct npu_error err;
	union gen_cmd c;

	/* Its own LOADs and STOREs are ordered; what counts here is the others'. */
	access_by(&c, write ? NPU_ENGINE_STORE : NPU_ENGINE_LOAD, NPU_SPACE_MEM, write, 0, len);
	if (write)
		c.store.offset = va;
	else
		c.load.offset = va;
	if (write)
		c.store.local = 1024;
	else
		c.load.spm = 0;
	assert_true(npu_hazard_command(h, &c.h, offset, &err));
}

static void gang_begin(struct npu_hazard **h, const struct gen *g)
{
	unsigned int i;

	for (i = 0; i < MEMBERS; i++) {
		uint32_t offset = 0;

		prepare(h[i], g, &offset);
		begin(h[i], g, i);
		/* Something to store. */
		{
			struct npu_error err;
			union gen_cmd c;

			gen_header(&c, NPU_OP_LOAD);
			c.load.fill_mode = NPU_FILL_IMM;
			c.load.size[0] = c.load.pad_lo[0] = GEN_SPM;
			c.load.size[1] = c.load.size[2] = c.load.size[3] = 1;
			assert_true(npu_hazard_command(h[i], &c.h, 0, &err));
		}
	}
}

static void test_gang(void **state)
{
	struct npu_hazard *h[MEMBERS];
	struct npu_error err;
	unsigned int i;
	struct gen g;

	(void)state;
	gen_init(&g, 1);
	for (i = 0; i < MEMBERS; i++) {
		h[i] = npu_hazard_new(&g.cfg);
		assert_non_null(h[i]);
	}
	/* In order by a barrier. */
	gang_begin(h, &g);
	assert_true(npu_hazard_epoch(h, MEMBERS, &err));
	gang_access(h[2], true, 20000, 100, 160);
	gang_access(h[0], true, 20100, 100, 160);
	assert_true(npu_hazard_epoch(h, MEMBERS, &err));
	gang_access(h[0], false, 20000, 100, 320);
	gang_access(h[1], false, 20000, 200, 320);
	assert_true(npu_hazard_end(h, MEMBERS, &err));
	/* Not in order: member 1 reads what 2 writes; 2 is the later one by rule. */
	gang_begin(h, &g);
	assert_true(npu_hazard_epoch(h, MEMBERS, &err));
	gang_access(h[2], true, 20000, 100, 160);
	gang_access(h[1], false, 20090, 100, 320);
	assert_false(npu_hazard_epoch(h, MEMBERS, &err));
	assert_int_equal(err.status, NPU_JOB_HAZARD);
	assert_int_equal(err.reason, NPU_REASON_WAR);
	assert_int_equal(err.core, 2);
	assert_int_equal(err.cmd, 160);
	assert_int_equal(err.tag, 1010);
	assert_int_equal(err.engine, NPU_ENGINE_STORE);
	assert_int_equal(err.other_core, 1);
	assert_int_equal(err.other_cmd, 320);
	assert_int_equal(err.other_engine, NPU_ENGINE_LOAD);
	assert_int_equal(err.addr, 20090);
	assert_int_equal(err.len, 10);
	/* Members that only read do not meet. */
	gang_begin(h, &g);
	for (i = 0; i < MEMBERS; i++)
		gang_access(h[i], false, 20000, 2048, 160);
	assert_true(npu_hazard_end(h, MEMBERS, &err));
	for (i = 0; i < MEMBERS; i++)
		npu_hazard_free(h[i]);
}

/*
 * One epoch of random accesses, in any order of members: the earliest clash by the rule of
 * npu_memory_compare().
 */
static void test_gang_random(void **state)
{
	struct npu_hazard *h[MEMBERS];
	unsigned int i, j, k, n, b, found = 0;
	struct npu_error err;
	struct gen g;

	(void)state;
	gen_init(&g, gen_seed() + 2);
	for (i = 0; i < MEMBERS; i++) {
		h[i] = npu_hazard_new(&g.cfg);
		assert_non_null(h[i]);
	}
	for (n = 0; n < 300; n++) {
		/* Per member and byte: the last command that read and that wrote; 0 is none. */
		static uint32_t rd[MEMBERS][16384], wr[MEMBERS][16384];
		uint32_t best[4] = { 0 };
		bool any = false;

		memset(rd, 0, sizeof(rd));
		memset(wr, 0, sizeof(wr));
		gang_begin(h, &g);
		assert_true(npu_hazard_epoch(h, MEMBERS, &err));
		for (k = 1; k <= 12; k++) {
			for (i = 0; i < MEMBERS; i++) {
				/* Each stores into a part of its own most of the time. */
				bool write = !gen_below(&g, 3);
				uint32_t len = 1 + gen_below(&g, gen_below(&g, 2) ? 700 : 90);
				uint32_t at = gen_below(&g, 16) ? (i * 4096) + gen_below(&g, 3000) :
								  gen_below(&g, 11000);
				bool clash = false;

				for (b = at; b < at + len; b++)
					clash = clash || (write ? rd[i][b] : wr[i][b]);
				if (clash)
					continue;
				gang_access(h[i], write, 16384 * 2 + 8192 + at, len, k * 160);
				for (b = at; b < at + len; b++)
					*(write ? &wr[i][b] : &rd[i][b]) = k * 160;
			}
		}
		for (j = 1; j < MEMBERS && !any; j++) {
			for (i = 0; i < j && !any; i++) {
				for (b = 0; b < 16384; b++) {
					const uint32_t pair[3][2] = { { wr[i][b], rd[j][b] },
								      { wr[i][b], wr[j][b] },
								      { rd[i][b], wr[j][b] } };

					for (k = 0; k < 3; k++) {
						if (!pair[k][0] || !pair[k][1])
							continue;
						if (any && (pair[k][1] > best[1] ||
							    (pair[k][1] == best[1] &&
							     pair[k][0] >= best[0])))
							continue;
						best[0] = pair[k][0];
						best[1] = pair[k][1];
						best[2] = b;
						best[3] = i << 8 | j;
						any = true;
					}
				}
			}
		}
		assert_int_equal(npu_hazard_end(h, MEMBERS, &err), !any);
		if (!any)
			continue;
		found++;
		assert_int_equal(err.other_cmd, best[0]);
		assert_int_equal(err.cmd, best[1]);
		assert_int_equal(err.addr, 16384 * 2 + 8192 + best[2]);
		assert_int_equal(err.other_core << 8 | err.core, best[3]);
	}
	print_message("%u of 300 epochs clash\n", found);
	assert_true(found > 20 && found < 300);
	for (i = 0; i < MEMBERS; i++)
		npu_hazard_free(h[i]);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_planted),	    cmocka_unit_test(test_unwritten),
		cmocka_unit_test(test_leftover),    cmocka_unit_test(test_interleaved),
		cmocka_unit_test(test_block),	    cmocka_unit_test(test_block_written),
		cmocka_unit_test(test_memory),	    cmocka_unit_test(test_random),
		cmocka_unit_test(test_correct),	    cmocka_unit_test(test_gang),
		cmocka_unit_test(test_gang_random),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
