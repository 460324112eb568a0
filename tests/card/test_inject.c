// SPDX-License-Identifier: MIT
/*
 * Copyright (c) 2026 the npu authors
 *
 * Injected faults: what each does, what it leaves alone, and what ends it.
 */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <cmocka.h>

#include "host.h"

#define CODE_VA UINT64_C(0x100000)
#define DATA_VA UINT64_C(0x200000)
#define RW	(NPU_PTE_READ | NPU_PTE_WRITE)

static struct host *host_of(void **state, const char *options)
{
	return host_new((enum host_memory)(uintptr_t)*state, options);
}

static void inject(struct host *h, enum npu_injection what, int64_t value)
{
	assert_int_equal(npu_card_inject(h->card, what, value), 0);
}

static void submit(struct host *h, struct host_ring *r, uint64_t id, uint32_t flags)
{
	struct host_job job = { .id = id, .flags = flags };

	host_submit(h, r, &job);
}

static struct npu_completion expect(struct host *h, struct host_ring *r, uint64_t id,
				    enum npu_status status, enum npu_reason reason)
{
	struct npu_completion cpl = host_completion(h, r);

	assert_int_equal(cpl.job_id, id);
	assert_int_equal(cpl.status, status);
	assert_int_equal(cpl.reason, reason);
	return cpl;
}

static void works(struct host *h, struct host_ring *r, uint64_t id)
{
	submit(h, r, id, 0);
	expect(h, r, id, NPU_JOB_OK, 0);
}

static void until_runs(struct host *h, unsigned int ring, uint64_t id)
{
	host_until(h, NPU_RING(ring) + NPU_RING_JOB_LO, ~0u, id);
}

/* Long enough for what must not happen to have happened. */
static void nap(unsigned int ms)
{
	nanosleep(&(struct timespec){ .tv_nsec = ms * 1000000 }, NULL);
}

static void bring_up(struct host *h)
{
	host_set64(h, NPU_REG_CTX_BASE_LO, h->ctx_table);
	host_set(h, NPU_REG_CTX_COUNT, HOST_CTX_COUNT);
	host_set(h, NPU_REG_EVENT_ENABLE, NPU_EVENT_ALL);
	host_set(h, NPU_REG_CTRL, NPU_CTRL_ENABLE);
}

/* A stream of @n commands that copy 64 bytes from @from on to @to on. */
static struct npu_stream_ref copies(struct host *h, uint64_t va, unsigned int n, uint8_t from,
				    uint8_t to)
{
	struct host_code code = host_code(h, 1, va);

	for (unsigned int i = 0; i < n; i++) {
		struct npu_cmd_load load = cmd_load(from, 0, 0, 64, 1);
		struct npu_cmd_store store = cmd_store(to, 0, 0, 64, 2);

		load.h.signal[0] = 0;
		store.h.wait[0] = 0;
		store.h.signal[0] = 1;
		if (i)
			load.h.wait[0] = 1;
		host_code_add(h, &code, &load);
		if (i == n - 1)
			store.h.signal[0] = NPU_SEM_NONE;
		host_code_add(h, &code, &store);
	}
	return (struct npu_stream_ref){ va, code.size };
}

static void must_be_allowed(void **state)
{
	struct host *h = host_of(state, "cores=1,rings=2");
	struct host_ring *r = host_ring(h, 0, 3, 0);

	for (unsigned int i = 0; i < NPU_INJECTIONS; i++) {
		assert_int_equal(npu_card_inject(h->card, i, 1), -EPERM);
		assert_non_null(npu_card_injections[i].name);
		assert_non_null(npu_card_injections[i].help);
	}
	assert_int_equal(npu_card_injected(h->card, NPU_INJECT_WHERE), -1);
	assert_int_equal(npu_card_injected(h->card, NPU_INJECT_REMOVAL), 0);
	works(h, r, 1);
	host_free(h);
}

static void ranges(void **state)
{
	struct host *h = host_of(state, "cores=1,rings=2,inject=on");

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

/* ---- Hangs ----------------------------------------------------------------------------------- */

static void job_hang(void **state)
{
	struct host *h = host_of(state, "cores=2,rings=2,inject=on");
	struct host_ring *r[2] = { host_ring(h, 0, 3, 0), host_ring(h, 1, 3, 0) };
	struct host_job gang = { .id = 11, .ncores = 2 };

	inject(h, NPU_INJECT_WHERE, 1);
	inject(h, NPU_INJECT_JOB_HANG, 2);
	works(h, r[0], 1);
	assert_int_equal(npu_card_injected(h->card, NPU_INJECT_JOB_HANG), 2);
	for (uint64_t id = 10; id < 12; id++) {
		if (id == 11)
			host_submit(h, r[1], &gang);
		else
			submit(h, r[1], id, 0);
		until_runs(h, 1, id);
		nap(5);
		assert_false(host_has_completion(h, r[1]));
		assert_int_equal(host_command(h, 1, NPU_RING_CMD_ABORT, id), NPU_RING_CMD_DONE);
		expect(h, r[1], id, NPU_JOB_ABORTED, 0);
	}
	assert_int_equal(npu_card_injected(h->card, NPU_INJECT_JOB_HANG), 0);
	works(h, r[1], 12);

	/* Any ring; and a function reset forgets what has not happened. */
	inject(h, NPU_INJECT_WHERE, -1);
	inject(h, NPU_INJECT_JOB_HANG, 5);
	submit(h, r[0], 2, 0);
	until_runs(h, 0, 2);
	assert_int_equal(host_command(h, 0, NPU_RING_CMD_ABORT, 2), NPU_RING_CMD_DONE);
	npu_card_reset(h->card);
	assert_int_equal(npu_card_injected(h->card, NPU_INJECT_JOB_HANG), 0);
	bring_up(h);
	works(h, host_ring(h, 0, 3, 0), 3);
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
	struct host *h = host_of(state, "cores=2,rings=3,inject=on");
	struct host_ring *r[3];
	unsigned int events, i;

	for (i = 0; i < 3; i++)
		r[i] = host_ring(h, i, 3, 0);
	inject(h, NPU_INJECT_WHERE, 0);
	inject(h, NPU_INJECT_JOB_HANG, 1);
	submit(h, r[0], 1, NPU_DESC_IRQ);
	until_runs(h, 0, 1);
	works(h, r[2], 20);

	inject(h, NPU_INJECT_CARD_HANG, 1);
	nap(5);
	events = h->interrupts[NPU_VECTOR_EVENT];
	submit(h, r[1], 10, NPU_DESC_IRQ);
	ask_all(h);
	/* Something else that it forgets. */
	inject(h, NPU_INJECT_BAD_PTE, 7);
	nap(30);
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
	bring_up(h);
	for (i = 0; i < 3; i++)
		works(h, host_ring(h, i, 3, 0), 30 + i);
	host_free(h);
}

/* A card that is let go again does what it was asked for meanwhile. */
static void card_hang_ends(void **state)
{
	struct host *h = host_of(state, "cores=2,rings=3,inject=on");
	struct host_ring *r[3];

	for (unsigned int i = 0; i < 3; i++)
		r[i] = host_ring(h, i, 3, 0);
	inject(h, NPU_INJECT_WHERE, 0);
	inject(h, NPU_INJECT_JOB_HANG, 1);
	submit(h, r[0], 1, 0);
	until_runs(h, 0, 1);
	inject(h, NPU_INJECT_CARD_HANG, 1);
	submit(h, r[1], 10, 0);
	ask_all(h);
	inject(h, NPU_INJECT_CARD_HANG, 0);
	host_until(h, NPU_RING(0) + NPU_RING_CMD, ~0u, NPU_RING_CMD_DONE);
	expect(h, r[0], 1, NPU_JOB_ABORTED, 0);
	host_until(h, NPU_RING(1) + NPU_RING_CMD, NPU_RING_CMD_BUSY, 0);
	host_until(h, NPU_RING(2) + NPU_RING_CTRL, ~0u, 0);
	host_until(h, NPU_CORE(1) + NPU_CORE_CTRL, ~0u, 0);
	host_until(h, NPU_REG_TLB_CMD, ~0u, 0);
	assert_int_equal(host_completion(h, r[1]).job_id, 10);
	works(h, r[1], 11);
	host_free(h);
}

/* In the middle of computing: nothing moves, and afterwards nothing is missing. */
static void card_hang_stops_cores(void **state)
{
	struct host *h = host_of(state, "cores=2,rings=2,inject=on,check=off");
	struct host_ring *r[2] = { host_ring(h, 0, 6, 0), host_ring(h, 1, 6, 0) };
	uint64_t data = host_alloc(h, 8192, 4096);
	struct npu_stream_ref code;
	uint32_t progress[2], count[2];

	host_ctx(h, 1);
	code = copies(h, CODE_VA, 200, 0, 1);
	host_map(h, 1, DATA_VA, data, 8192, RW);
	for (uint64_t id = 1; id <= 60; id++) {
		for (unsigned int i = 0; i < 2; i++) {
			struct host_job job = {
				.id = id,
				.ctx = 1,
				.stream[0] = code,
				.region = { DATA_VA, DATA_VA + 4096 + 64 * i },
			};

			host_push(h, r[i], &job);
		}
	}
	host_ding(h, r[0]);
	host_ding(h, r[1]);
	for (unsigned int times = 0; times < 3; times++) {
		host_completion(h, r[0]);
		inject(h, NPU_INJECT_CARD_HANG, 1);
		for (unsigned int i = 0; i < 2; i++) {
			/* A thread may be within a command, and the machine busy with others. */
			do {
				progress[i] = host_reg(h, NPU_RING(i) + NPU_RING_PROGRESS);
				nap(100);
			} while (host_reg(h, NPU_RING(i) + NPU_RING_PROGRESS) != progress[i]);
			count[i] = host_reg(h, NPU_RING(i) + NPU_RING_CPL_COUNT);
			assert_in_range(count[i], 0, 59);
		}
		nap(20);
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
		expect(h, r[0], id, NPU_JOB_OK, 0);
	for (uint64_t id = 1; id <= 60; id++)
		expect(h, r[1], id, NPU_JOB_OK, 0);
	host_free(h);
}

static void card_hang_for_good(void **state)
{
	struct host *h = host_of(state, "cores=1,rings=1,inject=on");
	struct host_ring *r = host_ring(h, 0, 3, 0);

	inject(h, NPU_INJECT_CARD_HANG, 2);
	submit(h, r, 1, 0);
	host_set(h, NPU_REG_CTRL, NPU_CTRL_RESET);
	nap(20);
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
	bring_up(h);
	r = host_ring(h, 0, 3, 0);
	submit(h, r, 1, 0);
	nap(20);
	assert_int_equal(host_reg(h, NPU_RING(0) + NPU_RING_HEAD), 0);
	host_set(h, NPU_REG_CTRL, NPU_CTRL_RESET);
	nap(20);
	assert_int_equal(host_reg(h, NPU_REG_CTRL) & NPU_CTRL_RESET, NPU_CTRL_RESET);

	/* No power, no hang; or it ends, and then does the reset. */
	if (*state == (void *)HOST_STABLE)
		npu_card_inject_clear(h->card);
	else
		inject(h, NPU_INJECT_CARD_HANG, 0);
	host_until(h, NPU_REG_CTRL, ~0u, 0);
	assert_int_equal(host_reg(h, NPU_REG_RESETS), 2);
	bring_up(h);
	works(h, host_ring(h, 0, 3, 0), 2);
	host_free(h);
}

/* ---- Errors of memory, temperature ----------------------------------------------------------- */

static void ecc(void **state)
{
	struct host *h = host_of(state, "cores=4,rings=3,inject=on");
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
	until_runs(h, 0, 1);
	host_submit(h, r[1], &one);
	until_runs(h, 1, 2);
	submit(h, r[1], 3, 0);
	works(h, r[2], 4);
	inject(h, NPU_INJECT_ECC_UNCORRECTED, 0x1234);
	assert_int_equal(expect(h, r[0], 1, NPU_JOB_ECC, NPU_REASON_ECC_LMEM).addr, 0x1234);
	assert_int_equal(expect(h, r[1], 2, NPU_JOB_ECC, NPU_REASON_ECC_LMEM).addr, 0x1234);
	expect(h, r[1], 3, NPU_JOB_OK, 0);
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
	works(h, r[0], 5);
	npu_card_reset(h->card);
	assert_int_equal(host_reg(h, NPU_REG_ECC_CORRECTED), 0);
	assert_int_equal(host_reg(h, NPU_REG_ECC_UNCORRECTED), 0);
	host_free(h);
}

/* While jobs compute and end by themselves: each ends well or so, once. */
static void ecc_under_load(void **state)
{
	struct host *h = host_of(state, "cores=2,rings=2,inject=on,check=off");
	struct host_ring *r[2] = { host_ring(h, 0, 6, 0), host_ring(h, 1, 6, 0) };
	uint64_t data = host_alloc(h, 8192, 4096);
	struct npu_stream_ref code;
	unsigned int bad = 0;

	host_ctx(h, 1);
	code = copies(h, CODE_VA, 100, 0, 1);
	host_map(h, 1, DATA_VA, data, 8192, RW);
	for (uint64_t id = 1; id <= 60; id++) {
		for (unsigned int i = 0; i < 2; i++) {
			struct host_job job = {
				.id = id,
				.ctx = 1,
				.stream[0] = code,
				.region = { DATA_VA, DATA_VA + 4096 + 64 * i },
			};

			host_push(h, r[i], &job);
		}
	}
	host_ding(h, r[0]);
	host_ding(h, r[1]);
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

static void temperature(void **state)
{
	struct host *h = host_of(state, "cores=1,rings=1,inject=on,clock-mhz=800");

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
	bring_up(h);
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
		host_of(state, "cores=1,rings=1,inject=on,timing-real=on,clock-mhz=1,pcie-latency=30000");
	struct host_ring *r = host_ring(h, 0, 3, 0);
	uint64_t data = host_alloc(h, 4096, 4096);
	struct host_job job = { .id = 1, .ctx = 1, .region = { DATA_VA, DATA_VA + 2048 } };
	uint64_t cycles, start;

	host_ctx(h, 1);
	job.stream[0] = copies(h, CODE_VA, 1, 0, 1);
	host_map(h, 1, DATA_VA, data, 4096, RW);
	start = now_us();
	host_submit(h, r, &job);
	cycles = expect(h, r, 1, NPU_JOB_OK, 0).cycles;
	assert_true(cycles > 30000);
	assert_true(now_us() - start >= cycles);
	inject(h, NPU_INJECT_TEMPERATURE, 100000);
	job.id = 2;
	start = now_us();
	host_submit(h, r, &job);
	assert_int_equal(expect(h, r, 2, NPU_JOB_OK, 0).cycles, cycles);
	assert_true(now_us() - start >= 2 * cycles);
	host_free(h);
}

/* ---- Interrupts and completions -------------------------------------------------------------- */

static void until_left(struct host *h, enum npu_injection what, int64_t left)
{
	for (int i = 0; i < 60000 && npu_card_injected(h->card, what) != left; i++)
		nap(1);
	assert_int_equal(npu_card_injected(h->card, what), left);
}

static void lost_irq(void **state)
{
	struct host *h = host_of(state, "cores=1,rings=2,inject=on");
	struct host_ring *r[2] = { host_ring(h, 0, 4, 0), host_ring(h, 1, 4, 0) };

	inject(h, NPU_INJECT_WHERE, NPU_VECTOR_RING(1));
	inject(h, NPU_INJECT_LOST_IRQ, 2);
	for (uint64_t id = 1; id <= 3; id++) {
		submit(h, r[0], id, NPU_DESC_IRQ);
		expect(h, r[0], id, NPU_JOB_OK, 0);
		host_interrupts(h, NPU_VECTOR_RING(0), id);
		submit(h, r[1], id, NPU_DESC_IRQ);
		expect(h, r[1], id, NPU_JOB_OK, 0);
		until_left(h, NPU_INJECT_LOST_IRQ, id < 2 ? 2 - id : 0);
	}
	host_interrupts(h, NPU_VECTOR_RING(1), 1);
	nap(5);
	assert_int_equal(h->interrupts[NPU_VECTOR_RING(1)], 1);
	assert_int_equal(h->interrupts[NPU_VECTOR_RING(0)], 3);

	/* Events, and any. */
	inject(h, NPU_INJECT_WHERE, NPU_VECTOR_EVENT);
	inject(h, NPU_INJECT_LOST_IRQ, 1);
	inject(h, NPU_INJECT_ECC_CORRECTED, 1);
	until_left(h, NPU_INJECT_LOST_IRQ, 0);
	assert_int_equal(h->interrupts[NPU_VECTOR_EVENT], 0);
	assert_int_equal(host_reg(h, NPU_REG_EVENT_STATUS), NPU_EVENT_ECC);
	inject(h, NPU_INJECT_WHERE, -1);
	inject(h, NPU_INJECT_LOST_IRQ, 1);
	submit(h, r[0], 4, NPU_DESC_IRQ);
	expect(h, r[0], 4, NPU_JOB_OK, 0);
	until_left(h, NPU_INJECT_LOST_IRQ, 0);
	nap(5);
	assert_int_equal(h->interrupts[NPU_VECTOR_RING(0)], 3);
	host_free(h);
}

static void dropped_completion(void **state)
{
	struct host *h = host_of(state, "cores=1,rings=2,inject=on");
	struct host_ring *r = host_ring(h, 1, 2, 0), *other = host_ring(h, 0, 2, 0);
	struct host_job bad = { .id = 1, .ctx = 7, .flags = NPU_DESC_IRQ, .stream[0] = { 4096, 16 } };
	static const struct npu_completion zero;
	struct npu_completion cpl;

	inject(h, NPU_INJECT_WHERE, 1);
	inject(h, NPU_INJECT_DROPPED_COMPLETION, 1);
	works(h, other, 1);
	host_submit(h, r, &bad);
	host_interrupts(h, NPU_VECTOR_RING(1), 1);
	assert_int_equal(host_reg(h, NPU_RING(1) + NPU_RING_CPL_COUNT), 1);
	assert_int_equal(host_reg(h, NPU_RING(1) + NPU_RING_HEAD), 1);
	/* How it ended is in its side table all the same. */
	assert_int_equal(host_error(h, &bad).status, NPU_JOB_FAULT);
	submit(h, r, 2, 0);
	host_until(h, NPU_RING(1) + NPU_RING_CPL_COUNT, ~0u, 2);
	host_read(h, r->cpl, &cpl, sizeof(cpl));
	assert_memory_equal(&cpl, &zero, sizeof(cpl));
	r->cpl_seen = 1;
	expect(h, r, 2, NPU_JOB_OK, 0);
	works(h, r, 3);
	assert_int_equal(host_reg(h, NPU_RING(1) + NPU_RING_STATUS) & NPU_RING_ERROR, 0);
	host_free(h);
}

static void corrupt_completion(void **state)
{
	struct npu_completion cpl[2][20];
	bool same_job = false, other_job = false;

	for (unsigned int round = 0; round < 2; round++) {
		struct host *h = host_of(state, "cores=1,rings=2,inject=on");
		struct host_ring *r = host_ring(h, 0, 3, 0), *other = host_ring(h, 1, 3, 0);

		inject(h, NPU_INJECT_WHERE, 0);
		inject(h, NPU_INJECT_SEED, 42);
		inject(h, NPU_INJECT_CORRUPT_COMPLETION, 20);
		works(h, other, 1);
		for (unsigned int i = 0; i < 20; i++) {
			struct npu_completion good = {
				.job_id = i + 1, .cmd = NPU_ERROR_NO_CMD,
				.where = NPU_CPL_WHERE(0, NPU_ENGINE_NONE),
				.phase = !(i >> 3 & 1),
			};

			submit(h, r, i + 1, 0);
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
		works(h, r, 100);
		host_free(h);
	}
	assert_memory_equal(cpl[0], cpl[1], sizeof(cpl[0]));
	assert_true(same_job && other_job);
}

static void bad_pte(void **state)
{
	struct host *h = host_of(state, "cores=1,rings=1,inject=on");
	struct host_ring *r = host_ring(h, 0, 3, 0);
	uint64_t data = host_alloc(h, 8192, 4096);
	struct host_job job = { .id = 1, .ctx = 1, .region = { DATA_VA, DATA_VA + 4096 } };
	struct npu_error err;

	host_ctx(h, 1);
	job.stream[0] = copies(h, CODE_VA, 1, 0, 1);
	host_map(h, 1, DATA_VA, data, 8192, RW);
	inject(h, NPU_INJECT_BAD_PTE, 1);
	host_submit(h, r, &job);
	expect(h, r, 1, NPU_JOB_FAULT, NPU_REASON_BAD_PTE);
	err = host_error(h, &job);
	assert_int_equal(err.addr, CODE_VA);
	assert_int_equal(err.access, NPU_ACCESS_FETCH);
	job.id = 2;
	host_submit(h, r, &job);
	expect(h, r, 2, NPU_JOB_OK, 0);

	/* What is in the TLB needs no walk. The checker's look at a page that does takes nothing away. */
	inject(h, NPU_INJECT_BAD_PTE, 1);
	job.id = 3;
	host_submit(h, r, &job);
	expect(h, r, 3, NPU_JOB_OK, 0);
	host_invalidate(h, NPU_TLB_RANGE, 1, DATA_VA, DATA_VA + 4095);
	job.id = 4;
	host_submit(h, r, &job);
	assert_int_equal(expect(h, r, 4, NPU_JOB_FAULT, NPU_REASON_BAD_PTE).addr, DATA_VA);
	assert_int_equal(npu_card_injected(h->card, NPU_INJECT_BAD_PTE), 0);
	job.id = 5;
	host_submit(h, r, &job);
	expect(h, r, 5, NPU_JOB_OK, 0);
	host_free(h);
}

/* ---- Removal --------------------------------------------------------------------------------- */

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
	struct host *h = host_of(state, "cores=3,rings=4,inject=on");
	uint64_t data = host_alloc(h, 8192, 4096);
	struct npu_stream_ref code;
	unsigned int round, i;

	host_ctx(h, 1);
	code = copies(h, CODE_VA, 100, 0, 1);
	host_map(h, 1, DATA_VA, data, 8192, RW);
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
				.region = { DATA_VA, DATA_VA + 4096 + 64 * (i % 4) },
			};

			host_submit(h, r[i % 4], &job);
		}
		until_runs(h, 0, 1);
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
		nap(5);
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
		bring_up(h);
		works(h, host_ring(h, 0, 3, 0), 1);
		/* So that it can be configured again. */
		host_set(h, NPU_RING(0) + NPU_RING_CTRL, NPU_RING_RESET);
		host_until(h, NPU_RING(0) + NPU_RING_CTRL, ~0u, 0);
	}
	host_free(h);
}

static void freed_while_out(void **state)
{
	struct host *h = host_of(state, "cores=2,rings=2,inject=on");
	struct host_ring *r = host_ring(h, 0, 3, 0);

	inject(h, NPU_INJECT_JOB_HANG, 1);
	submit(h, r, 1, 0);
	until_runs(h, 0, 1);
	inject(h, NPU_INJECT_REMOVAL, 1);
	host_free(h);
}

#define WITH(memory, test)                                          \
	{                                                           \
#test " " #memory, test, NULL, NULL, (void *)memory \
	}
#define TEST(test) WITH(HOST_STABLE, test), WITH(HOST_TRANSIENT, test), WITH(HOST_COPY, test)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(must_be_allowed),
		TEST(ranges),
		TEST(job_hang),
		TEST(card_hang),
		TEST(card_hang_ends),
		TEST(card_hang_stops_cores),
		TEST(card_hang_for_good),
		TEST(ecc),
		TEST(ecc_under_load),
		TEST(temperature),
		TEST(throttled_time),
		TEST(lost_irq),
		TEST(dropped_completion),
		TEST(corrupt_completion),
		TEST(bad_pte),
		TEST(removal),
		TEST(freed_while_out),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
