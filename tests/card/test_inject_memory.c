// SPDX-License-Identifier: MIT
/*
 * Copyright (c) 2026 the npu authors
 *
 * Faults injected into memory: errors that local memory can and cannot correct, page table entries
 * that the card finds bad.
 */
#include "inject_unit.h"

static void ecc(void **state)
{
	struct host *h = inject_host(state, "cores=4,rings=3,inject=on");
	struct host_job gang = { .id = 1, .ncores = 2 }, one = { .id = 2 };
	struct host_ring *r[3];
	struct npu_error err;

	for (unsigned int i = 0; i < 3; i++)
		r[i] = host_ring(h, i, 3, 0);
	inject(h, NPU_INJECT_ECC_CORRECTED, 3);
	host_interrupts(h, NPU_VECTOR_EVENT, 1);
	assert_int_equal(host_reg(h, NPU_REG_EVENT_STATUS), NPU_EVENT_ECC);
	host_set(h, NPU_REG_EVENT_STATUS, NPU_EVENT_ECC);
	inject(h, NPU_INJECT_ECC_CORRECTED, 2);
	host_interrupts(h, NPU_VECTOR_EVENT, 2);
	assert_int_equal(host_reg(h, NPU_REG_ECC_CORRECTED), 5);
	assert_int_equal(host_reg(h, NPU_REG_ECC_UNCORRECTED), 0);
	host_set(h, NPU_REG_EVENT_STATUS, NPU_EVENT_ECC);

	/* All jobs that run end, gangs too, and those behind them are well. */
	inject(h, NPU_INJECT_JOB_HANG, 2);
	host_submit(h, r[0], &gang);
	inject_until_runs(h, 0, 1);
	host_submit(h, r[1], &one);
	inject_until_runs(h, 1, 2);
	inject_submit(h, r[1], 3, 0);
	inject_works(h, r[2], 4);
	inject(h, NPU_INJECT_ECC_UNCORRECTED, 0x1234);
	assert_int_equal(inject_expect(h, r[0], 1, NPU_JOB_ECC, NPU_REASON_ECC_LMEM).addr, 0x1234);
	assert_int_equal(inject_expect(h, r[1], 2, NPU_JOB_ECC, NPU_REASON_ECC_LMEM).addr, 0x1234);
	inject_expect(h, r[1], 3, NPU_JOB_OK, 0);
	err = host_error(h, &gang);
	assert_int_equal(err.status, NPU_JOB_ECC);
	assert_int_equal(err.reason, NPU_REASON_ECC_LMEM);
	assert_int_equal(err.engine, NPU_ENGINE_NONE);
	assert_int_equal(err.cmd, NPU_ERROR_NO_CMD);
	assert_int_equal(err.addr, 0x1234);
	assert_int_equal(host_reg(h, NPU_REG_ECC_UNCORRECTED), 1);
	assert_int_equal(host_reg(h, NPU_REG_EVENT_STATUS), NPU_EVENT_ECC);

	/* Where no job runs, it is counted. */
	inject(h, NPU_INJECT_ECC_UNCORRECTED, 0);
	assert_int_equal(host_reg(h, NPU_REG_ECC_UNCORRECTED), 2);
	inject_works(h, r[0], 5);
	npu_card_reset(h->card);
	assert_int_equal(host_reg(h, NPU_REG_ECC_CORRECTED), 0);
	assert_int_equal(host_reg(h, NPU_REG_ECC_UNCORRECTED), 0);
	host_free(h);
}

/* While jobs compute and end by themselves: each ends well or so, once. */
static void ecc_under_load(void **state)
{
	struct host *h = inject_host(state, "cores=2,rings=2,inject=on,check=off");
	struct host_ring *r[2] = { host_ring(h, 0, 6, 0), host_ring(h, 1, 6, 0) };
	unsigned int bad = 0;

	inject_load(h, r, 60, 100);
	for (uint64_t id = 1; id <= 60; id++) {
		if (id % 3 == 0)
			inject(h, NPU_INJECT_ECC_UNCORRECTED, id);
		for (unsigned int i = 0; i < 2; i++) {
			struct npu_completion cpl = host_completion(h, r[i]);

			assert_int_equal(cpl.job_id, id);
			if (cpl.status == NPU_JOB_OK)
				continue;
			assert_int_equal(cpl.status, NPU_JOB_ECC);
			assert_int_equal(cpl.reason, NPU_REASON_ECC_LMEM);
			assert_int_equal(cpl.addr % 3, 0);
			bad++;
		}
	}
	assert_true(bad <= 2 * 20);
	host_free(h);
}

static void bad_pte(void **state)
{
	struct host *h = inject_host(state, "cores=1,rings=1,inject=on");
	struct host_ring *r = host_ring(h, 0, 3, 0);
	uint64_t data = host_alloc(h, 8192, 4096);
	struct host_job job = { .id = 1, .ctx = 1, .region = { INJECT_DATA_VA, INJECT_DATA_VA + 4096 } };
	struct npu_error err;

	host_ctx(h, 1);
	job.stream[0] = inject_copies(h, INJECT_CODE_VA, 1, 0, 1);
	host_map(h, 1, INJECT_DATA_VA, data, 8192, INJECT_RW);
	inject(h, NPU_INJECT_BAD_PTE, 1);
	host_submit(h, r, &job);
	inject_expect(h, r, 1, NPU_JOB_FAULT, NPU_REASON_BAD_PTE);
	err = host_error(h, &job);
	assert_int_equal(err.addr, INJECT_CODE_VA);
	assert_int_equal(err.access, NPU_ACCESS_FETCH);
	job.id = 2;
	host_submit(h, r, &job);
	inject_expect(h, r, 2, NPU_JOB_OK, 0);

	/* What is in the TLB needs no walk. The checker's look at a page that does takes nothing away. */
	inject(h, NPU_INJECT_BAD_PTE, 1);
	job.id = 3;
	host_submit(h, r, &job);
	inject_expect(h, r, 3, NPU_JOB_OK, 0);
	host_invalidate(h, NPU_TLB_RANGE, 1, INJECT_DATA_VA, INJECT_DATA_VA + 4095);
	job.id = 4;
	host_submit(h, r, &job);
	assert_int_equal(inject_expect(h, r, 4, NPU_JOB_FAULT, NPU_REASON_BAD_PTE).addr, INJECT_DATA_VA);
	assert_int_equal(npu_card_injected(h->card, NPU_INJECT_BAD_PTE), 0);
	job.id = 5;
	host_submit(h, r, &job);
	inject_expect(h, r, 5, NPU_JOB_OK, 0);
	host_free(h);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		INJECT_TEST(ecc),
		INJECT_TEST(ecc_under_load),
		INJECT_TEST(bad_pte),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
