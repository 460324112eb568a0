// SPDX-License-Identifier: MIT
/*
 * Copyright (c) 2026 the npu authors
 *
 * The hazard checker on one core: planted races of every pair of engines are found and named, reads
 * of what nobody wrote too; what is ordered, or only looks like an overlap, is not accused.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "hazard_unit.h"

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
					if (!hazard_access(&a, e, space, first_writes, 112, 64) ||
					    !hazard_access(&b, f, space, second_writes, 160, 32))
						continue;
					assert_int_equal(
						npu_isa_check(&g.cfg, &a.h, sizeof(a), &where),
						NPU_REASON_NONE);
					assert_int_equal(
						npu_isa_check(&g.cfg, &b.h, sizeof(b), &where),
						NPU_REASON_NONE);
					b.h.tag = 77;
					/* Ordered. */
					hazard_prepare(h, &g, &offset);
					a.h.signal[1] = 9;
					b.h.wait[2] = 9;
					assert_true(npu_hazard_command(h, &a.h, offset, &err));
					assert_true(
						npu_hazard_command(h, &b.h, offset + 512, &err));
					assert_true(npu_hazard_end(&h, 1, &err));
					/* Not. */
					offset = 0;
					hazard_prepare(h, &g, &offset);
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
	hazard_begin(h, &g, 2);
	hazard_access(&c, NPU_ENGINE_LOAD, NPU_SPACE_SPM, true, 100, 28);
	c.h.signal[0] = 1;
	assert_true(npu_hazard_command(h, &c.h, 0, &err));
	hazard_access(&c, NPU_ENGINE_LOAD, NPU_SPACE_SPM, true, 132, 28);
	assert_true(npu_hazard_command(h, &c.h, 128, &err));
	hazard_access(&c, NPU_ENGINE_STORE, NPU_SPACE_SPM, false, 100, 28);
	c.h.wait[0] = 1;
	c.h.tag = 5;
	assert_true(npu_hazard_command(h, &c.h, 256, &err));
	assert_true(npu_hazard_epoch(&h, 1, &err));
	/* Bytes 128 .. 131 are between the two. */
	hazard_access(&c, NPU_ENGINE_STORE, NPU_SPACE_SPM, false, 100, 60);
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
	hazard_begin(h, &g, 0);
	hazard_access(&c, NPU_ENGINE_STORE, NPU_SPACE_SPM, false, 100, 4);
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
	hazard_begin(h[0], &g, 0);
	hazard_begin(h[1], &g, 1);
	assert_true(npu_hazard_end(h, 2, &err));
	hazard_access(&c, NPU_ENGINE_LOAD, NPU_SPACE_SPM, true, 0, 4);
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
	hazard_prepare(h, &g, &offset);
	hazard_access(&c, NPU_ENGINE_LOAD, NPU_SPACE_SPM, true, 0, 16);
	c.load.size[1] = 16;
	c.load.spm_stride[0] = 32;
	assert_true(npu_hazard_command(h, &c.h, offset, &err));
	hazard_access(&c, NPU_ENGINE_STORE, NPU_SPACE_SPM, false, 16, 16);
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
	hazard_prepare(h, &g, &offset);
	hazard_access(&c, NPU_ENGINE_LOAD, NPU_SPACE_SPM, true, 16, 16);
	c.h.signal[0] = 3;
	assert_true(npu_hazard_command(h, &c.h, offset, &err));
	hazard_access(&c, NPU_ENGINE_STORE, NPU_SPACE_SPM, false, 0, 1024);
	c.h.wait[0] = 3;
	assert_true(npu_hazard_command(h, &c.h, offset + 128, &err));
	hazard_access(&c, NPU_ENGINE_VPU, NPU_SPACE_SPM, false, 16, 16);
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
	hazard_begin(h, &g, 0);
	hazard_access(&c, NPU_ENGINE_LOAD, NPU_SPACE_SPM, true, 0, 1023);
	assert_true(npu_hazard_command(h, &c.h, 0, &err));
	assert_true(npu_hazard_epoch(&h, 1, &err));
	hazard_access(&c, NPU_ENGINE_STORE, NPU_SPACE_SPM, false, 0, 1023);
	assert_true(npu_hazard_command(h, &c.h, 128, &err));
	assert_true(npu_hazard_epoch(&h, 1, &err));
	hazard_access(&c, NPU_ENGINE_STORE, NPU_SPACE_SPM, false, 0, 1100);
	assert_false(npu_hazard_command(h, &c.h, 256, &err));
	assert_int_equal(err.reason, NPU_REASON_UNWRITTEN);
	assert_int_equal(err.addr, 1023);
	assert_int_equal(err.len, 77);
	/* A block that is full is not the end of what is missing before it. */
	hazard_begin(h, &g, 0);
	hazard_access(&c, NPU_ENGINE_LOAD, NPU_SPACE_SPM, true, 1024, 1024);
	assert_true(npu_hazard_command(h, &c.h, 0, &err));
	assert_true(npu_hazard_epoch(&h, 1, &err));
	hazard_access(&c, NPU_ENGINE_STORE, NPU_SPACE_SPM, false, 1000, 1048);
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
	hazard_prepare(h, &g, &offset);
	hazard_access(&c, NPU_ENGINE_STORE, NPU_SPACE_MEM, true, 100, 7);
	assert_true(npu_hazard_command(h, &c.h, offset, &err));
	hazard_access(&c, NPU_ENGINE_LOAD, NPU_SPACE_MEM, false, 107, 100);
	c.load.spm = 0;
	assert_true(npu_hazard_command(h, &c.h, offset + 128, &err));
	hazard_access(&c, NPU_ENGINE_LOAD, NPU_SPACE_MEM, false, 90, 10);
	c.load.spm = 0;
	assert_true(npu_hazard_command(h, &c.h, offset + 256, &err));
	hazard_access(&c, NPU_ENGINE_LOAD, NPU_SPACE_MEM, false, 4096 + 105, 100);
	c.load.spm = 0;
	assert_false(npu_hazard_command(h, &c.h, offset + 384, &err));
	assert_int_equal(err.reason, NPU_REASON_RAW);
	assert_int_equal(err.space, NPU_SPACE_MEM);
	assert_int_equal(err.addr, 4096 + 105);
	assert_int_equal(err.len, 2);
	assert_int_equal(err.other_cmd, offset);
	/* An access that faults is not a hazard, whatever would come after it. */
	hazard_prepare(h, &g, &offset);
	c.load.offset = 1ull << 40;
	assert_true(npu_hazard_command(h, &c.h, offset, &err));
	npu_hazard_free(h);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_planted),	 cmocka_unit_test(test_unwritten),
		cmocka_unit_test(test_leftover), cmocka_unit_test(test_interleaved),
		cmocka_unit_test(test_block),	 cmocka_unit_test(test_block_written),
		cmocka_unit_test(test_memory),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
