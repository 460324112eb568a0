// SPDX-License-Identifier: MIT
/*
 * Copyright (c) 2026 the npu authors
 *
 * The hazard checker on gangs: what members do to memory between two barriers, planted and random.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "hazard_unit.h"

#define MEMBERS 3

static void gang_access(struct npu_hazard *h, bool write, uint64_t va, uint32_t len,
			uint32_t offset)
{
	struct npu_error err;
	union gen_cmd c;

	/* Its own LOADs and STOREs are ordered; what counts here is the others'. */
	hazard_access(&c, write ? NPU_ENGINE_STORE : NPU_ENGINE_LOAD, NPU_SPACE_MEM, write, 0, len);
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

		hazard_prepare(h[i], g, &offset);
		hazard_begin(h[i], g, i);
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
		cmocka_unit_test(test_gang),
		cmocka_unit_test(test_gang_random),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
