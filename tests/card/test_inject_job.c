// SPDX-License-Identifier: MIT
/*
 * Copyright (c) 2026 the npu authors
 *
 * Faults injected into jobs and what is told of their end: jobs that hang, interrupts and
 * completions that are lost or damaged.
 */
#include <string.h>

#include "inject_unit.h"

static void job_hang(void **state)
{
	struct host *h = inject_host(state, "cores=2,rings=2,inject=on");
	struct host_ring *r[2] = { host_ring(h, 0, 3, 0), host_ring(h, 1, 3, 0) };
	struct host_job gang = { .id = 11, .ncores = 2 };

	inject(h, NPU_INJECT_WHERE, 1);
	inject(h, NPU_INJECT_JOB_HANG, 2);
	inject_works(h, r[0], 1);
	assert_int_equal(npu_card_injected(h->card, NPU_INJECT_JOB_HANG), 2);
	for (uint64_t id = 10; id < 12; id++) {
		if (id == 11)
			host_submit(h, r[1], &gang);
		else
			inject_submit(h, r[1], id, 0);
		inject_until_runs(h, 1, id);
		inject_nap(5);
		assert_false(host_has_completion(h, r[1]));
		assert_int_equal(host_command(h, 1, NPU_RING_CMD_ABORT, id), NPU_RING_CMD_DONE);
		inject_expect(h, r[1], id, NPU_JOB_ABORTED, 0);
	}
	assert_int_equal(npu_card_injected(h->card, NPU_INJECT_JOB_HANG), 0);
	inject_works(h, r[1], 12);

	/* Any ring; and a function reset forgets what has not happened. */
	inject(h, NPU_INJECT_WHERE, -1);
	inject(h, NPU_INJECT_JOB_HANG, 5);
	inject_submit(h, r[0], 2, 0);
	inject_until_runs(h, 0, 2);
	assert_int_equal(host_command(h, 0, NPU_RING_CMD_ABORT, 2), NPU_RING_CMD_DONE);
	npu_card_reset(h->card);
	assert_int_equal(npu_card_injected(h->card, NPU_INJECT_JOB_HANG), 0);
	inject_bring_up(h);
	inject_works(h, host_ring(h, 0, 3, 0), 3);
	host_free(h);
}

static void lost_irq(void **state)
{
	struct host *h = inject_host(state, "cores=1,rings=2,inject=on");
	struct host_ring *r[2] = { host_ring(h, 0, 4, 0), host_ring(h, 1, 4, 0) };

	inject(h, NPU_INJECT_WHERE, NPU_VECTOR_RING(1));
	inject(h, NPU_INJECT_LOST_IRQ, 2);
	for (uint64_t id = 1; id <= 3; id++) {
		inject_submit(h, r[0], id, NPU_DESC_IRQ);
		inject_expect(h, r[0], id, NPU_JOB_OK, 0);
		host_interrupts(h, NPU_VECTOR_RING(0), id);
		inject_submit(h, r[1], id, NPU_DESC_IRQ);
		inject_expect(h, r[1], id, NPU_JOB_OK, 0);
		inject_until_left(h, NPU_INJECT_LOST_IRQ, id < 2 ? 2 - id : 0);
	}
	host_interrupts(h, NPU_VECTOR_RING(1), 1);
	inject_nap(5);
	assert_int_equal(h->interrupts[NPU_VECTOR_RING(1)], 1);
	assert_int_equal(h->interrupts[NPU_VECTOR_RING(0)], 3);

	/* Events, and any. */
	inject(h, NPU_INJECT_WHERE, NPU_VECTOR_EVENT);
	inject(h, NPU_INJECT_LOST_IRQ, 1);
	inject(h, NPU_INJECT_ECC_CORRECTED, 1);
	inject_until_left(h, NPU_INJECT_LOST_IRQ, 0);
	assert_int_equal(h->interrupts[NPU_VECTOR_EVENT], 0);
	assert_int_equal(host_reg(h, NPU_REG_EVENT_STATUS), NPU_EVENT_ECC);
	inject(h, NPU_INJECT_WHERE, -1);
	inject(h, NPU_INJECT_LOST_IRQ, 1);
	inject_submit(h, r[0], 4, NPU_DESC_IRQ);
	inject_expect(h, r[0], 4, NPU_JOB_OK, 0);
	inject_until_left(h, NPU_INJECT_LOST_IRQ, 0);
	inject_nap(5);
	assert_int_equal(h->interrupts[NPU_VECTOR_RING(0)], 3);
	host_free(h);
}

static void dropped_completion(void **state)
{
	struct host *h = inject_host(state, "cores=1,rings=2,inject=on");
	struct host_ring *r = host_ring(h, 1, 2, 0), *other = host_ring(h, 0, 2, 0);
	struct host_job bad = { .id = 1, .ctx = 7, .flags = NPU_DESC_IRQ, .stream[0] = { 4096, 16 } };
	static const struct npu_completion zero;
	struct npu_completion cpl;

	inject(h, NPU_INJECT_WHERE, 1);
	inject(h, NPU_INJECT_DROPPED_COMPLETION, 1);
	inject_works(h, other, 1);
	host_submit(h, r, &bad);
	host_interrupts(h, NPU_VECTOR_RING(1), 1);
	assert_int_equal(host_reg(h, NPU_RING(1) + NPU_RING_CPL_COUNT), 1);
	assert_int_equal(host_reg(h, NPU_RING(1) + NPU_RING_HEAD), 1);
	/* How it ended is in its side table all the same. */
	assert_int_equal(host_error(h, &bad).status, NPU_JOB_FAULT);
	inject_submit(h, r, 2, 0);
	host_until(h, NPU_RING(1) + NPU_RING_CPL_COUNT, ~0u, 2);
	host_read(h, r->cpl, &cpl, sizeof(cpl));
	assert_memory_equal(&cpl, &zero, sizeof(cpl));
	r->cpl_seen = 1;
	inject_expect(h, r, 2, NPU_JOB_OK, 0);
	inject_works(h, r, 3);
	assert_int_equal(host_reg(h, NPU_RING(1) + NPU_RING_STATUS) & NPU_RING_ERROR, 0);
	host_free(h);
}

static void corrupt_completion(void **state)
{
	struct npu_completion cpl[2][20];
	bool same_job = false, other_job = false;

	for (unsigned int round = 0; round < 2; round++) {
		struct host *h = inject_host(state, "cores=1,rings=2,inject=on");
		struct host_ring *r = host_ring(h, 0, 3, 0), *other = host_ring(h, 1, 3, 0);

		inject(h, NPU_INJECT_WHERE, 0);
		inject(h, NPU_INJECT_SEED, 42);
		inject(h, NPU_INJECT_CORRUPT_COMPLETION, 20);
		inject_works(h, other, 1);
		for (unsigned int i = 0; i < 20; i++) {
			struct npu_completion good = {
				.job_id = i + 1, .cmd = NPU_ERROR_NO_CMD,
				.where = NPU_CPL_WHERE(0, NPU_ENGINE_NONE),
				.phase = !(i >> 3 & 1),
			};

			inject_submit(h, r, i + 1, 0);
			cpl[round][i] = host_completion(h, r);
			assert_int_equal(cpl[round][i].phase & NPU_CPL_PHASE, good.phase);
			good.phase |= npu_cpl_check(&good);
			assert_memory_not_equal(&cpl[round][i], &good, sizeof(good));
			/* With this seed none is among the one in 128 that it misses. */
			assert_int_not_equal(cpl[round][i].phase & NPU_CPL_CHECK,
					     npu_cpl_check(&cpl[round][i]));
			same_job |= cpl[round][i].job_id == i + 1;
			other_job |= cpl[round][i].job_id != i + 1;
		}
		inject_works(h, r, 100);
		host_free(h);
	}
	assert_memory_equal(cpl[0], cpl[1], sizeof(cpl[0]));
	assert_true(same_job && other_job);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		INJECT_TEST(job_hang),
		INJECT_TEST(lost_irq),
		INJECT_TEST(dropped_completion),
		INJECT_TEST(corrupt_completion),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
