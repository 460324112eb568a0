// SPDX-License-Identifier: MIT
/*
 * Copyright (c) 2026 the npu authors
 *
 * Faults injected into the whole card: whether and in which ranges they may be, a card that hangs,
 * one that is too hot, one that is pulled out.
 */
#include <errno.h>
#include <time.h>

#include "inject_unit.h"

static void must_be_allowed(void **state)
{
	struct host *h = inject_host(state, "cores=1,rings=2");
	struct host_ring *r = host_ring(h, 0, 3, 0);

	for (unsigned int i = 0; i < NPU_INJECTIONS; i++) {
		assert_int_equal(npu_card_inject(h->card, i, 1), -EPERM);
		assert_non_null(npu_card_injections[i].name);
		assert_non_null(npu_card_injections[i].help);
	}
	assert_int_equal(npu_card_injected(h->card, NPU_INJECT_WHERE), -1);
	assert_int_equal(npu_card_injected(h->card, NPU_INJECT_REMOVAL), 0);
	inject_works(h, r, 1);
	host_free(h);
}

static void ranges(void **state)
{
	struct host *h = inject_host(state, "cores=1,rings=2,inject=on");

	for (unsigned int i = 0; i < NPU_INJECTIONS; i++)
		assert_int_equal(npu_card_inject(h->card, i, npu_card_injections[i].min - 1),
				 -ERANGE);
	assert_int_equal(npu_card_inject(h->card, NPU_INJECT_WHERE, 3), -ERANGE);
	assert_int_equal(npu_card_inject(h->card, NPU_INJECT_WHERE, 2), 0);
	assert_int_equal(npu_card_inject(h->card, NPU_INJECT_CARD_HANG, 3), -ERANGE);
	assert_int_equal(npu_card_inject(h->card, NPU_INJECT_REMOVAL, 2), -ERANGE);
	assert_int_equal(npu_card_inject(h->card, NPU_INJECT_LOST_IRQ, INT64_C(1) << 32), -ERANGE);
	assert_int_equal(npu_card_inject(h->card, NPU_INJECT_ECC_UNCORRECTED, h->lmem_size),
			 -ERANGE);
	assert_int_equal(npu_card_inject(h->card, NPU_INJECT_ECC_UNCORRECTED, h->lmem_size - 1),
			 0);
	host_free(h);
}

/* Everything that a driver can ask of a card that hangs. */
static void ask_all(struct host *h)
{
	host_set(h, NPU_DOORBELL(1), 0);
	host_set64(h, NPU_RING(0) + NPU_RING_CMD_JOB_LO, 1);
	host_set(h, NPU_RING(0) + NPU_RING_CMD, NPU_RING_CMD_ABORT);
	host_set64(h, NPU_RING(1) + NPU_RING_CMD_JOB_LO, 10);
	host_set(h, NPU_RING(1) + NPU_RING_CMD, NPU_RING_CMD_CANCEL);
	host_set(h, NPU_RING(2) + NPU_RING_CTRL, NPU_RING_RESET);
	host_set(h, NPU_CORE(1) + NPU_CORE_CTRL, NPU_CORE_RESET);
	host_set(h, NPU_REG_TLB_CMD, NPU_TLB_ALL);
}

static void card_hang(void **state)
{
	struct host *h = inject_host(state, "cores=2,rings=3,inject=on");
	struct host_ring *r[3];
	unsigned int events, i;

	for (i = 0; i < 3; i++)
		r[i] = host_ring(h, i, 3, 0);
	inject(h, NPU_INJECT_WHERE, 0);
	inject(h, NPU_INJECT_JOB_HANG, 1);
	inject_submit(h, r[0], 1, NPU_DESC_IRQ);
	inject_until_runs(h, 0, 1);
	inject_works(h, r[2], 20);

	inject(h, NPU_INJECT_CARD_HANG, 1);
	inject_nap(5);
	events = h->interrupts[NPU_VECTOR_EVENT];
	inject_submit(h, r[1], 10, NPU_DESC_IRQ);
	ask_all(h);
	/* Something else that it forgets. */
	inject(h, NPU_INJECT_BAD_PTE, 7);
	inject_nap(30);
	assert_int_equal(host_reg(h, NPU_REG_MAGIC), NPU_MAGIC);
	assert_int_equal(host_reg(h, NPU_REG_STATUS), NPU_STATUS_READY | NPU_STATUS_BUSY);
	assert_int_equal(host_reg(h, NPU_RING(0) + NPU_RING_STATUS), NPU_RING_RUNNING);
	assert_int_equal(host_reg(h, NPU_RING(0) + NPU_RING_CMD), NPU_RING_CMD_BUSY);
	assert_int_equal(host_reg(h, NPU_RING(1) + NPU_RING_CMD), NPU_RING_CMD_BUSY);
	assert_int_equal(host_reg(h, NPU_RING(1) + NPU_RING_HEAD), 0);
	assert_int_equal(host_reg(h, NPU_RING(2) + NPU_RING_CTRL), NPU_RING_RESET);
	assert_int_equal(host_reg(h, NPU_RING(2) + NPU_RING_HEAD), 1);
	assert_int_equal(host_reg(h, NPU_CORE(1) + NPU_CORE_CTRL), NPU_CORE_RESET);
	assert_int_equal(host_reg(h, NPU_REG_TLB_CMD), NPU_TLB_ALL);
	assert_int_equal(h->interrupts[NPU_VECTOR_EVENT], events);
	for (i = 0; i < 2; i++)
		assert_false(host_has_completion(h, r[i]));

	/* The function's reset ends it, whichever way. */
	if (*state == (void *)HOST_STABLE) {
		npu_card_reset(h->card);
	} else {
		host_set(h, NPU_REG_CTRL, NPU_CTRL_RESET);
		host_until(h, NPU_REG_CTRL, ~0u, 0);
	}
	assert_int_equal(host_reg(h, NPU_REG_STATUS), NPU_STATUS_READY);
	assert_int_equal(npu_card_injected(h->card, NPU_INJECT_CARD_HANG), 0);
	assert_int_equal(npu_card_injected(h->card, NPU_INJECT_BAD_PTE), 0);
	inject_bring_up(h);
	for (i = 0; i < 3; i++)
		inject_works(h, host_ring(h, i, 3, 0), 30 + i);
	host_free(h);
}

/* A card that is let go again does what it was asked for meanwhile. */
static void card_hang_ends(void **state)
{
	struct host *h = inject_host(state, "cores=2,rings=3,inject=on");
	struct host_ring *r[3];

	for (unsigned int i = 0; i < 3; i++)
		r[i] = host_ring(h, i, 3, 0);
	inject(h, NPU_INJECT_WHERE, 0);
	inject(h, NPU_INJECT_JOB_HANG, 1);
	inject_submit(h, r[0], 1, 0);
	inject_until_runs(h, 0, 1);
	inject(h, NPU_INJECT_CARD_HANG, 1);
	inject_submit(h, r[1], 10, 0);
	ask_all(h);
	inject(h, NPU_INJECT_CARD_HANG, 0);
	host_until(h, NPU_RING(0) + NPU_RING_CMD, ~0u, NPU_RING_CMD_DONE);
	inject_expect(h, r[0], 1, NPU_JOB_ABORTED, 0);
	host_until(h, NPU_RING(1) + NPU_RING_CMD, NPU_RING_CMD_BUSY, 0);
	host_until(h, NPU_RING(2) + NPU_RING_CTRL, ~0u, 0);
	host_until(h, NPU_CORE(1) + NPU_CORE_CTRL, ~0u, 0);
	host_until(h, NPU_REG_TLB_CMD, ~0u, 0);
	assert_int_equal(host_completion(h, r[1]).job_id, 10);
	inject_works(h, r[1], 11);
	host_free(h);
}

/* In the middle of computing: nothing moves, and afterwards nothing is missing. */
static void card_hang_stops_cores(void **state)
{
	struct host *h = inject_host(state, "cores=2,rings=2,inject=on,check=off");
	struct host_ring *r[2] = { host_ring(h, 0, 6, 0), host_ring(h, 1, 6, 0) };
	uint32_t progress[2], count[2];

	inject_load(h, r, 60, 200);
	for (unsigned int times = 0; times < 3; times++) {
		host_completion(h, r[0]);
		inject(h, NPU_INJECT_CARD_HANG, 1);
		for (unsigned int i = 0; i < 2; i++) {
			/* A thread may be within a command, and the machine busy with others. */
			do {
				progress[i] = host_reg(h, NPU_RING(i) + NPU_RING_PROGRESS);
				inject_nap(100);
			} while (host_reg(h, NPU_RING(i) + NPU_RING_PROGRESS) != progress[i]);
			count[i] = host_reg(h, NPU_RING(i) + NPU_RING_CPL_COUNT);
			assert_in_range(count[i], 0, 59);
		}
		inject_nap(20);
		for (unsigned int i = 0; i < 2; i++) {
			assert_int_equal(host_reg(h, NPU_RING(i) + NPU_RING_PROGRESS), progress[i]);
			assert_int_equal(host_reg(h, NPU_RING(i) + NPU_RING_CPL_COUNT), count[i]);
		}
		/* A pause meanwhile is another thing. */
		npu_card_pause(h->card);
		npu_card_resume(h->card);
		assert_int_equal(host_reg(h, NPU_RING(0) + NPU_RING_PROGRESS), progress[0]);
		inject(h, NPU_INJECT_CARD_HANG, 0);
	}
	for (uint64_t id = 4; id <= 60; id++)
		inject_expect(h, r[0], id, NPU_JOB_OK, 0);
	for (uint64_t id = 1; id <= 60; id++)
		inject_expect(h, r[1], id, NPU_JOB_OK, 0);
	host_free(h);
}

static void card_hang_for_good(void **state)
{
	struct host *h = inject_host(state, "cores=1,rings=1,inject=on");
	struct host_ring *r = host_ring(h, 0, 3, 0);

	inject(h, NPU_INJECT_CARD_HANG, 2);
	inject_submit(h, r, 1, 0);
	host_set(h, NPU_REG_CTRL, NPU_CTRL_RESET);
	inject_nap(20);
	assert_int_equal(host_reg(h, NPU_REG_CTRL), NPU_CTRL_ENABLE | NPU_CTRL_RESET);
	assert_int_equal(host_reg(h, NPU_REG_STATUS) & NPU_STATUS_READY, 0);
	host_set(h, NPU_REG_CTX_COUNT, 3);
	assert_int_equal(host_reg(h, NPU_REG_CTX_COUNT), HOST_CTX_COUNT);

	/* An FLR resets the registers, and drains, but it hangs on. */
	npu_card_reset(h->card);
	assert_int_equal(host_reg(h, NPU_REG_CTRL), 0);
	assert_int_equal(host_reg(h, NPU_REG_STATUS), NPU_STATUS_READY);
	assert_int_equal(host_reg(h, NPU_REG_RESETS), 1);
	assert_int_equal(npu_card_injected(h->card, NPU_INJECT_CARD_HANG), 2);
	inject_bring_up(h);
	r = host_ring(h, 0, 3, 0);
	inject_submit(h, r, 1, 0);
	inject_nap(20);
	assert_int_equal(host_reg(h, NPU_RING(0) + NPU_RING_HEAD), 0);
	host_set(h, NPU_REG_CTRL, NPU_CTRL_RESET);
	inject_nap(20);
	assert_int_equal(host_reg(h, NPU_REG_CTRL) & NPU_CTRL_RESET, NPU_CTRL_RESET);

	/* No power, no hang; or it ends, and then does the reset. */
	if (*state == (void *)HOST_STABLE)
		npu_card_inject_clear(h->card);
	else
		inject(h, NPU_INJECT_CARD_HANG, 0);
	host_until(h, NPU_REG_CTRL, ~0u, 0);
	assert_int_equal(host_reg(h, NPU_REG_RESETS), 2);
	inject_bring_up(h);
	inject_works(h, host_ring(h, 0, 3, 0), 2);
	host_free(h);
}

static void temperature(void **state)
{
	struct host *h = inject_host(state, "cores=1,rings=1,inject=on,clock-mhz=800");

	inject(h, NPU_INJECT_TEMPERATURE, 94999);
	assert_int_equal(host_reg(h, NPU_REG_TEMP_MC), 94999);
	assert_int_equal(host_reg(h, NPU_REG_THROTTLE), 0);
	assert_int_equal(host_reg(h, NPU_REG_CUR_CLOCK_KHZ), 800000);
	assert_int_equal(host_reg(h, NPU_REG_EVENT_STATUS), 0);

	inject(h, NPU_INJECT_TEMPERATURE, 101000);
	host_interrupts(h, NPU_VECTOR_EVENT, 1);
	assert_int_equal(host_reg(h, NPU_REG_EVENT_STATUS), NPU_EVENT_THERMAL);
	assert_int_equal(host_reg(h, NPU_REG_TEMP_MC), 101000);
	assert_int_equal(host_reg(h, NPU_REG_THROTTLE), NPU_THROTTLE_THERMAL);
	assert_int_equal(host_reg(h, NPU_REG_CUR_CLOCK_KHZ), 400000);

	/* A reset does not cool. */
	npu_card_reset(h->card);
	assert_int_equal(host_reg(h, NPU_REG_TEMP_MC), 101000);
	assert_int_equal(host_reg(h, NPU_REG_THROTTLE), NPU_THROTTLE_THERMAL);
	inject_bring_up(h);
	assert_int_equal(host_reg(h, NPU_REG_EVENT_STATUS), 0);

	inject(h, NPU_INJECT_TEMPERATURE, 0);
	host_interrupts(h, NPU_VECTOR_EVENT, 2);
	assert_int_equal(host_reg(h, NPU_REG_EVENT_STATUS), NPU_EVENT_THERMAL);
	assert_in_range(host_reg(h, NPU_REG_TEMP_MC), 30000, 60000);
	assert_int_equal(host_reg(h, NPU_REG_THROTTLE), 0);
	assert_int_equal(host_reg(h, NPU_REG_CUR_CLOCK_KHZ), 800000);

	inject(h, NPU_INJECT_TEMPERATURE, 101000);
	npu_card_inject_clear(h->card);
	assert_int_equal(host_reg(h, NPU_REG_THROTTLE), 0);
	host_free(h);
}

static uint64_t now_us(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return ts.tv_sec * UINT64_C(1000000) + ts.tv_nsec / 1000;
}

/* Modelled cycles are what they were; a microsecond each at 1 MHz, and two when throttled. */
static void throttled_time(void **state)
{
	struct host *h =
		inject_host(state, "cores=1,rings=1,inject=on,timing-real=on,clock-mhz=1,pcie-latency=30000");
	struct host_ring *r = host_ring(h, 0, 3, 0);
	uint64_t data = host_alloc(h, 4096, 4096);
	struct host_job job = { .id = 1, .ctx = 1, .region = { INJECT_DATA_VA, INJECT_DATA_VA + 2048 } };
	uint64_t cycles, start;

	host_ctx(h, 1);
	job.stream[0] = inject_copies(h, INJECT_CODE_VA, 1, 0, 1);
	host_map(h, 1, INJECT_DATA_VA, data, 4096, INJECT_RW);
	start = now_us();
	host_submit(h, r, &job);
	cycles = inject_expect(h, r, 1, NPU_JOB_OK, 0).cycles;
	assert_true(cycles > 30000);
	assert_true(now_us() - start >= cycles);
	inject(h, NPU_INJECT_TEMPERATURE, 100000);
	job.id = 2;
	start = now_us();
	host_submit(h, r, &job);
	assert_int_equal(inject_expect(h, r, 2, NPU_JOB_OK, 0).cycles, cycles);
	assert_true(now_us() - start >= 2 * cycles);
	host_free(h);
}

static void dies(struct host *h, bool dead)
{
	pthread_mutex_lock(&h->lock);
	h->dead = dead;
	pthread_mutex_unlock(&h->lock);
}

static void assert_nobody_there(struct host *h)
{
	static const uint64_t offsets[] = {
		NPU_REG_MAGIC, NPU_REG_CTRL,		       NPU_REG_STATUS,
		NPU_REG_TLB_CMD, NPU_RING(0) + NPU_RING_CMD,    NPU_CORE(0) + NPU_CORE_CTRL,
		0x1ffc,		 NPU_DOORBELL(0),
	};

	for (unsigned int i = 0; i < sizeof(offsets) / sizeof(offsets[0]); i++) {
		assert_int_equal(host_reg(h, offsets[i]), UINT32_MAX);
		host_set(h, offsets[i], 1);
		assert_int_equal(host_reg(h, offsets[i]), UINT32_MAX);
	}
	assert_int_equal(npu_card_read(h->card, 3, 1), UINT32_MAX);
	assert_int_equal(npu_card_inject(h->card, NPU_INJECT_BAD_PTE, 1), -ENODEV);
}

/*
 * Under load, several times: jobs that compute, one that hangs, ABORT, invalidations and whatever
 * else is under way. Nothing touches memory afterwards, and the card that is put in is new.
 */
static void removal(void **state)
{
	struct host *h = inject_host(state, "cores=3,rings=4,inject=on");
	uint64_t data = host_alloc(h, 8192, 4096);
	struct npu_stream_ref code;
	unsigned int round, i;

	host_ctx(h, 1);
	code = inject_copies(h, INJECT_CODE_VA, 100, 0, 1);
	host_map(h, 1, INJECT_DATA_VA, data, 8192, INJECT_RW);
	for (round = 0; round < 6; round++) {
		struct host_ring *r[4];

		for (i = 0; i < 4; i++)
			r[i] = host_ring(h, i, 5, i);
		inject(h, NPU_INJECT_WHERE, 0);
		inject(h, NPU_INJECT_JOB_HANG, 1);
		inject(h, NPU_INJECT_LOST_IRQ, 100);
		for (i = 0; i < 4 * 20; i++) {
			struct host_job job = {
				.id = i + 1,
				.ctx = 1,
				.flags = NPU_DESC_IRQ,
				.stream[0] = code,
				.region = { INJECT_DATA_VA, INJECT_DATA_VA + 4096 + 64 * (i % 4) },
			};

			host_submit(h, r[i % 4], &job);
		}
		inject_until_runs(h, 0, 1);
		host_completion(h, r[3]);
		host_set(h, NPU_REG_TLB_CMD, NPU_TLB_ALL);
		if (round % 3 == 1)
			inject(h, NPU_INJECT_CARD_HANG, 1 + round / 3);
		if (round % 3 == 2)
			npu_card_pause(h->card);
		inject(h, NPU_INJECT_REMOVAL, 1);
		assert_int_equal(h->maps, 0);
		dies(h, true);
		assert_nobody_there(h);
		inject(h, NPU_INJECT_REMOVAL, 1);
		/* What a host does with a card that is not there. */
		npu_card_reset(h->card);
		npu_card_bus_master(h->card, false);
		npu_card_bus_master(h->card, true);
		npu_card_inject_clear(h->card);
		npu_card_resume(h->card);
		inject_nap(5);
		assert_nobody_there(h);
		assert_int_equal(h->late, 0);
		assert_int_equal(npu_card_injected(h->card, NPU_INJECT_REMOVAL), 1);

		inject(h, NPU_INJECT_REMOVAL, 0);
		assert_int_equal(host_reg(h, NPU_REG_MAGIC), NPU_MAGIC);
		assert_int_equal(host_reg(h, NPU_REG_STATUS), NPU_STATUS_READY);
		assert_int_equal(host_reg(h, NPU_REG_CTRL), 0);
		assert_int_equal(host_reg(h, NPU_REG_CTX_COUNT), 0);
		assert_int_equal(host_reg(h, NPU_REG_TLB_CMD), 0);
		assert_int_equal(host_reg(h, NPU_REG_RESETS), 0);
		assert_int_equal(host_reg(h, NPU_RING(0) + NPU_RING_STATUS), 0);
		assert_int_equal(npu_card_injected(h->card, NPU_INJECT_LOST_IRQ), 0);
		assert_int_equal(npu_card_injected(h->card, NPU_INJECT_CARD_HANG), 0);
		dies(h, false);
		inject_bring_up(h);
		inject_works(h, host_ring(h, 0, 3, 0), 1);
		/* So that it can be configured again. */
		host_set(h, NPU_RING(0) + NPU_RING_CTRL, NPU_RING_RESET);
		host_until(h, NPU_RING(0) + NPU_RING_CTRL, ~0u, 0);
	}
	host_free(h);
}

static void freed_while_out(void **state)
{
	struct host *h = inject_host(state, "cores=2,rings=2,inject=on");
	struct host_ring *r = host_ring(h, 0, 3, 0);

	inject(h, NPU_INJECT_JOB_HANG, 1);
	inject_submit(h, r, 1, 0);
	inject_until_runs(h, 0, 1);
	inject(h, NPU_INJECT_REMOVAL, 1);
	host_free(h);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		INJECT_TEST(must_be_allowed),
		INJECT_TEST(ranges),
		INJECT_TEST(card_hang),
		INJECT_TEST(card_hang_ends),
		INJECT_TEST(card_hang_stops_cores),
		INJECT_TEST(card_hang_for_good),
		INJECT_TEST(temperature),
		INJECT_TEST(throttled_time),
		INJECT_TEST(removal),
		INJECT_TEST(freed_while_out),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
