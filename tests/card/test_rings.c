// SPDX-License-Identifier: MIT
/*
 * Copyright (c) 2026 the npu authors
 *
 * Rings: descriptors, completions, phase, moderation, ABORT, CANCEL, ring, core and function
 * resets, bus-master, pause, and everything wrong that a driver can write there.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <cmocka.h>

#include "host.h"

#define CODE_VA UINT64_C(0x100000)

static struct host *host_of(void **state, const char *options)
{
	return host_new((enum host_memory)(uintptr_t)*state, options);
}

/* Context 1 with a stream that hangs. */
static struct npu_stream_ref hang_stream(struct host *h)
{
	struct host_code code;
	struct npu_cmd cmd;

	host_ctx(h, 1);
	code = host_code(h, 1, CODE_VA);
	cmd_init(&cmd, NPU_OP_HANG, sizeof(cmd), 77);
	host_code_add(h, &code, &cmd);
	return (struct npu_stream_ref){ CODE_VA, code.size };
}

static void submit_hang(struct host *h, struct host_ring *r, uint64_t id,
			struct npu_stream_ref stream)
{
	struct host_job job = { .id = id, .ctx = 1, .stream[0] = stream };

	host_submit(h, r, &job);
}

static void submit_empty(struct host *h, struct host_ring *r, uint64_t id, uint32_t flags)
{
	struct host_job job = { .id = id, .flags = flags };

	host_submit(h, r, &job);
}

static void until_runs(struct host *h, unsigned int ring, uint64_t id)
{
	host_until(h, NPU_RING(ring) + NPU_RING_JOB_LO, ~0u, id);
}

static void expect(struct host *h, struct host_ring *r, uint64_t id, enum npu_status status,
		   enum npu_reason reason)
{
	struct npu_completion cpl = host_completion(h, r);

	assert_int_equal(cpl.job_id, id);
	assert_int_equal(cpl.status, status);
	assert_int_equal(cpl.reason, reason);
}

/* CHECK, from the entry as it lies in memory, word by word. */
static unsigned int check_of(const struct npu_completion *cpl)
{
	const uint8_t *byte = (const uint8_t *)cpl;
	unsigned int x = 0;

	for (unsigned int i = 0; i < 16; i++)
		x ^= byte[2 * i] | (byte[2 * i + 1] & (i == 15 ? 1 : 0xff)) << 8;
	return (x ^ x >> 7 ^ x >> 14) & 0x7f;
}

/* An entry that was worked out by hand, and that no change of one bit of it goes unnoticed. */
static void check_finds_changes(void **state)
{
	struct npu_completion cpl = {
		.job_id = 0x1234, .cycles = 0x10000, .addr = 0x400000000000, .cmd = 0x80000001,
		.status = 0x02, .reason = 0x01, .where = 0xe0, .phase = 1,
	};

	(void)state;
	/* 0x1234 ^ 0x0001 ^ 0x4000 ^ 0x8000 ^ 0x0001 ^ 0x0102 ^ 0x01e0 is 0xd2d6; 0x56 ^ 0x25 ^ 0x03. */
	assert_int_equal(npu_cpl_check(&cpl), 0x70 << 1);
	cpl.phase |= 0x70 << 1;
	assert_int_equal(check_of(&cpl), 0x70);
	for (unsigned int bit = 0; bit < 8 * sizeof(cpl); bit++) {
		struct npu_completion bad = cpl;

		((uint8_t *)&bad)[bit / 8] ^= 1 << bit % 8;
		assert_int_not_equal(bad.phase & NPU_CPL_CHECK, npu_cpl_check(&bad));
	}
}

static void empty_jobs_complete_in_order(void **state)
{
	struct host *h = host_of(state, "cores=2,rings=4");
	struct host_ring *r = host_ring(h, 2, 2, 0);

	/* Some rounds of a ring of four, so that the phase is seen to flip. */
	for (uint64_t id = 1; id <= 22; id++) {
		struct host_job job = { .id = id };
		struct npu_completion cpl;

		host_submit(h, r, &job);
		cpl = host_completion(h, r);
		assert_int_equal(cpl.job_id, id);
		assert_int_equal(cpl.status, NPU_JOB_OK);
		assert_int_equal(cpl.cycles, 0);
		assert_int_equal(cpl.cmd, NPU_ERROR_NO_CMD);
		assert_int_equal(cpl.phase >> 1, check_of(&cpl));
		/* The error record is only written when there is something to say. */
		assert_int_equal(host_error(h, &job).status, 0xee);
	}
	host_until(h, NPU_RING(2) + NPU_RING_CPL_COUNT, ~0u, 22);
	assert_int_equal(host_reg(h, NPU_RING(2) + NPU_RING_HEAD), 22);
	assert_int_equal(h->interrupts[NPU_VECTOR_RING(2)], 0);
	assert_int_equal(h->guest_errors, 0);
	host_free(h);
}

/* Indices are free-running 32-bit counts; a batch fills the ring and rings are many. */
static void many_rings_full(void **state)
{
	struct host *h = host_of(state, "cores=3,rings=8");
	struct host_ring *r[8];

	for (unsigned int i = 0; i < 8; i++)
		r[i] = host_ring(h, i, 4, i % NPU_PRIORITIES);
	for (unsigned int round = 0; round < 5; round++) {
		for (unsigned int i = 0; i < 8; i++) {
			for (unsigned int j = 0; j < 16; j++) {
				struct host_job job = { .id = 1 + round * 16 + j };

				job.ncores = 1 + (i + j) % 3;
				host_push(h, r[i], &job);
			}
			host_ding(h, r[i]);
		}
		for (unsigned int i = 0; i < 8; i++) {
			for (unsigned int j = 0; j < 16; j++)
				expect(h, r[i], 1 + round * 16 + j, NPU_JOB_OK, 0);
		}
	}
	host_free(h);
}

/* Found by fuzzing: HEAD went past the tail, and on for 2^32 descriptors. */
static void a_tail_may_be_taken_back(void **state)
{
	struct host *h = host_of(state, "cores=1,rings=2,inject=on");
	struct host_ring *busy = host_ring(h, 0, 2, 0), *r = host_ring(h, 1, 2, 0);

	submit_hang(h, busy, 1, hang_stream(h));
	until_runs(h, 0, 1);
	submit_empty(h, r, 2, 0);
	/* By the second answer the descriptor has been read; it waits for the core. */
	for (int i = 0; i < 2; i++)
		assert_int_equal(host_command(h, 1, NPU_RING_CMD_CANCEL, 9), NPU_RING_CMD_NONE);
	r->tail = 0;
	host_ding(h, r);
	assert_int_equal(host_command(h, 1, NPU_RING_CMD_CANCEL, 9), NPU_RING_CMD_NONE);
	assert_int_equal(host_command(h, 0, NPU_RING_CMD_ABORT, 1), NPU_RING_CMD_DONE);
	expect(h, busy, 1, NPU_JOB_ABORTED, NPU_REASON_NONE);
	submit_empty(h, busy, 3, 0);
	expect(h, busy, 3, NPU_JOB_OK, NPU_REASON_NONE);
	assert_int_equal(host_reg(h, NPU_RING(1) + NPU_RING_HEAD), 0);
	/* And given again. */
	submit_empty(h, r, 4, 0);
	expect(h, r, 4, NPU_JOB_OK, NPU_REASON_NONE);
	assert_int_equal(host_reg(h, NPU_RING(1) + NPU_RING_HEAD), 1);
	host_free(h);
}

static void bad_descriptors_are_skipped(void **state)
{
	struct host *h = host_of(state, "cores=2,rings=1");
	struct host_ring *r = host_ring(h, 0, 4, 0);
	uint64_t table = host_alloc(h, sizeof(struct npu_side_table), 64);
	const struct npu_desc bad[] = {
		{ .job_id = 1, .table = table, .ncores = 0 },
		{ .job_id = 2, .table = table, .ncores = 3 },
		{ .job_id = 3, .table = table + 32, .ncores = 1 },
		{ .job_id = 4, .table = table, .ncores = 1, .reserved0 = 1 },
		{ .job_id = 5, .table = table, .ncores = 1, .flags = 2 },
		{ .job_id = 6, .table = table, .ncores = 1, .reserved1[4] = 1 },
		{ .job_id = 0, .table = table, .ncores = 1 },
	};
	struct host_job good = { .id = 9 };

	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
		host_push_desc(h, r, &bad[i]);
	host_submit(h, r, &good);
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
		expect(h, r, bad[i].job_id, NPU_JOB_INVALID, NPU_REASON_DESC);
	expect(h, r, 9, NPU_JOB_OK, 0);
	host_free(h);
}

static void bad_tables_are_skipped(void **state)
{
	struct host *h = host_of(state, "cores=2,rings=1");
	struct host_ring *r = host_ring(h, 0, 3, 0);
	struct npu_desc away = { .job_id = 1, .table = HOST_BUS + HOST_SIZE, .ncores = 1 };
	struct host_job odd_addr = { .id = 2, .stream[0] = { 0x1008, 16 } };
	struct host_job odd_size = { .id = 3, .stream[0] = { 0x1000, 24 } };
	struct host_job huge = { .id = 4, .stream[0] = { 0x1000, UINT64_C(1) << 32 } };
	struct host_job good = { .id = 5 };

	host_push_desc(h, r, &away);
	host_push(h, r, &odd_addr);
	host_push(h, r, &odd_size);
	host_push(h, r, &huge);
	host_submit(h, r, &good);
	expect(h, r, 1, NPU_JOB_BUS, NPU_REASON_DESC);
	expect(h, r, 2, NPU_JOB_INVALID, NPU_REASON_DESC);
	expect(h, r, 3, NPU_JOB_INVALID, NPU_REASON_DESC);
	expect(h, r, 4, NPU_JOB_INVALID, NPU_REASON_DESC);
	expect(h, r, 5, NPU_JOB_OK, 0);
	assert_int_equal(host_error(h, &odd_size).reason, NPU_REASON_DESC);
	host_free(h);
}

static void halts_alone(struct host *h, struct host_ring *bad)
{
	struct host_ring *good = host_ring(h, 1, 3, 0);

	host_until(h, NPU_RING(bad->index) + NPU_RING_STATUS, ~0u, NPU_RING_ERROR);
	assert_true(host_reg(h, NPU_REG_EVENT_STATUS) & NPU_EVENT_RING_ERROR);
	host_interrupts(h, NPU_VECTOR_EVENT, 1);
	assert_true(h->guest_errors);
	submit_empty(h, good, 5, 0);
	expect(h, good, 5, NPU_JOB_OK, 0);

	/* A reset of the ring mends it. */
	host_set(h, NPU_RING(bad->index) + NPU_RING_CTRL, NPU_RING_RESET);
	host_until(h, NPU_RING(bad->index) + NPU_RING_CTRL, ~0u, 0);
	bad = host_ring(h, bad->index, 3, 0);
	submit_empty(h, bad, 6, 0);
	expect(h, bad, 6, NPU_JOB_OK, 0);
	host_free(h);
}

/* The ring that has just been enabled is being looked at. */
static void refuse(struct host *h, uint64_t from, uint64_t len)
{
	pthread_mutex_lock(&h->lock);
	h->refuse_from = from;
	h->refuse_to = from + len;
	pthread_mutex_unlock(&h->lock);
}

static void a_ring_out_of_reach_halts(void **state)
{
	struct host *h = host_of(state, "rings=2");
	struct host_ring *r = host_ring(h, 0, 3, 0);

	refuse(h, r->desc, 64);
	submit_empty(h, r, 1, 0);
	halts_alone(h, r);
}

static void a_completion_out_of_reach_halts(void **state)
{
	struct host *h = host_of(state, "rings=2");
	struct host_ring *r = host_ring(h, 0, 3, 0);

	refuse(h, r->cpl, 32);
	submit_empty(h, r, 1, 0);
	halts_alone(h, r);
}

static void a_tail_too_far_halts(void **state)
{
	struct host *h = host_of(state, "rings=2");
	struct host_ring *r = host_ring(h, 0, 3, 0);

	r->tail = 9;
	host_ding(h, r);
	halts_alone(h, r);
}

static void interrupts_are_moderated(void **state)
{
	struct host *h = host_of(state, "rings=3");
	struct host_ring *each = host_ring(h, 0, 4, 0);
	struct host_ring *four, *late;

	submit_empty(h, each, 1, NPU_DESC_IRQ);
	host_interrupts(h, NPU_VECTOR_RING(0), 1);

	/* Four at once, or a time that never comes. */
	host_set(h, NPU_RING(1) + NPU_RING_IRQ, 4 | 65535u << 16);
	four = host_ring(h, 1, 4, 0);
	for (uint64_t id = 1; id <= 3; id++) {
		submit_empty(h, four, id, NPU_DESC_IRQ);
		expect(h, four, id, NPU_JOB_OK, 0);
	}
	submit_empty(h, four, 4, 0);
	expect(h, four, 4, NPU_JOB_OK, 0);
	host_until(h, NPU_RING(1) + NPU_RING_CPL_COUNT, ~0u, 4);

	/* Fewer than asked for, and a time that comes. */
	host_set(h, NPU_RING(2) + NPU_RING_IRQ, 200 | 1000u << 16);
	late = host_ring(h, 2, 4, 0);
	submit_empty(h, late, 1, NPU_DESC_IRQ);
	host_interrupts(h, NPU_VECTOR_RING(2), 1);

	submit_empty(h, four, 5, NPU_DESC_IRQ);
	host_interrupts(h, NPU_VECTOR_RING(1), 1);
	expect(h, four, 5, NPU_JOB_OK, 0);
	host_free(h);
}

static void moderation_holds_back(void **state)
{
	struct host *h = host_of(state, "rings=1");
	struct host_ring *r;

	host_set(h, NPU_RING(0) + NPU_RING_IRQ, 3 | 65535u << 16);
	r = host_ring(h, 0, 4, 0);
	for (uint64_t id = 1; id <= 5; id++) {
		submit_empty(h, r, id, NPU_DESC_IRQ);
		expect(h, r, id, NPU_JOB_OK, 0);
	}
	host_until(h, NPU_RING(0) + NPU_RING_CPL_COUNT, ~0u, 5);
	host_interrupts(h, NPU_VECTOR_RING(0), 1);
	/* One for three; the other two wait. The card at rest is what makes this no race. */
	npu_card_pause(h->card);
	assert_int_equal(h->interrupts[NPU_VECTOR_RING(0)], 1);
	npu_card_resume(h->card);
	host_free(h);
}

static void abort_ends_the_running_job(void **state)
{
	struct host *h = host_of(state, "cores=1,rings=2,inject=on");
	struct npu_stream_ref hang = hang_stream(h);
	struct host_ring *r = host_ring(h, 0, 3, 0);
	struct host_job job = { .id = 41, .ctx = 1, .stream[0] = hang };

	host_submit(h, r, &job);
	until_runs(h, 0, 41);
	assert_int_equal(host_reg(h, NPU_RING(0) + NPU_RING_STATUS), NPU_RING_RUNNING);
	assert_int_equal(host_reg(h, NPU_CORE(0) + NPU_CORE_STATUS) & 0xff, NPU_CORE_RUNNING);
	assert_int_equal(host_reg(h, NPU_REG_STATUS), NPU_STATUS_READY | NPU_STATUS_BUSY);
	submit_empty(h, r, 42, 0);

	/* Not the one that runs. */
	assert_int_equal(host_command(h, 0, NPU_RING_CMD_ABORT, 42), NPU_RING_CMD_NONE);
	assert_int_equal(host_command(h, 1, NPU_RING_CMD_ABORT, 41), NPU_RING_CMD_NONE);
	assert_false(host_has_completion(h, r));

	assert_int_equal(host_command(h, 0, NPU_RING_CMD_ABORT, 41), NPU_RING_CMD_DONE);
	/* Acknowledged means that the completion is there. */
	assert_true(host_has_completion(h, r));
	expect(h, r, 41, NPU_JOB_ABORTED, 0);
	assert_int_equal(host_error(h, &job).status, NPU_JOB_ABORTED);
	expect(h, r, 42, NPU_JOB_OK, 0);
	assert_int_equal(host_command(h, 0, NPU_RING_CMD_ABORT, 41), NPU_RING_CMD_NONE);
	assert_true(host_reg(h, NPU_REG_EVENT_STATUS) & NPU_EVENT_RING_CMD);
	host_free(h);
}

static void cancel_skips_what_has_not_started(void **state)
{
	struct host *h = host_of(state, "cores=1,rings=1,inject=on");
	struct npu_stream_ref hang = hang_stream(h);
	struct host_ring *r = host_ring(h, 0, 3, 0);

	/* Go round first, so that descriptors of the last round wrap. */
	for (uint64_t id = 1; id <= 5; id++) {
		submit_empty(h, r, id, 0);
		expect(h, r, id, NPU_JOB_OK, 0);
	}
	submit_hang(h, r, 10, hang);
	for (uint64_t id = 11; id <= 16; id++)
		submit_empty(h, r, id, 0);
	until_runs(h, 0, 10);
	assert_int_equal(host_command(h, 0, NPU_RING_CMD_CANCEL, 10), NPU_RING_CMD_NONE);
	assert_int_equal(host_command(h, 0, NPU_RING_CMD_CANCEL, 5), NPU_RING_CMD_NONE);
	assert_int_equal(host_command(h, 0, NPU_RING_CMD_CANCEL, 99), NPU_RING_CMD_NONE);
	assert_int_equal(host_command(h, 0, NPU_RING_CMD_CANCEL, 11), NPU_RING_CMD_DONE);
	assert_int_equal(host_command(h, 0, NPU_RING_CMD_CANCEL, 15), NPU_RING_CMD_DONE);
	assert_int_equal(host_command(h, 0, NPU_RING_CMD_ABORT, 10), NPU_RING_CMD_DONE);
	expect(h, r, 10, NPU_JOB_ABORTED, 0);
	expect(h, r, 11, NPU_JOB_CANCELED, 0);
	expect(h, r, 12, NPU_JOB_OK, 0);
	expect(h, r, 13, NPU_JOB_OK, 0);
	expect(h, r, 14, NPU_JOB_OK, 0);
	expect(h, r, 15, NPU_JOB_CANCELED, 0);
	expect(h, r, 16, NPU_JOB_OK, 0);
	/* The slot is clean again for the next round. */
	for (uint64_t id = 20; id < 40; id++) {
		submit_empty(h, r, id, 0);
		expect(h, r, id, NPU_JOB_OK, 0);
	}
	host_free(h);
}

static void a_ring_is_reset_alone(void **state)
{
	struct host *h = host_of(state, "cores=2,rings=2,inject=on");
	struct npu_stream_ref hang = hang_stream(h);
	struct host_ring *r = host_ring(h, 0, 3, 0);
	struct host_ring *other = host_ring(h, 1, 3, 0);
	struct npu_completion before;

	submit_empty(h, r, 1, 0);
	expect(h, r, 1, NPU_JOB_OK, 0);
	submit_hang(h, r, 2, hang);
	submit_empty(h, r, 3, 0);
	submit_hang(h, other, 4, hang);
	until_runs(h, 0, 2);
	until_runs(h, 1, 4);
	host_read(h, r->cpl + sizeof(before), &before, sizeof(before));

	host_set(h, NPU_RING(0) + NPU_RING_CTRL, NPU_RING_RESET);
	host_until(h, NPU_RING(0) + NPU_RING_CTRL, ~0u, 0);
	assert_int_equal(host_reg(h, NPU_RING(0) + NPU_RING_STATUS), 0);
	assert_int_equal(host_reg(h, NPU_RING(0) + NPU_RING_HEAD), 0);
	assert_int_equal(host_reg(h, NPU_RING(0) + NPU_RING_CPL_COUNT), 0);
	assert_int_equal(host_reg(h, NPU_RING(0) + NPU_RING_PROGRESS), 0);
	/* Configuration stays, and no completion is written of what ran. */
	assert_int_equal(host_reg64(h, NPU_RING(0) + NPU_RING_DESC_LO), r->desc);
	assert_int_equal(before.phase, 0);
	assert_false(host_has_completion(h, r));
	/* The other ring's job never noticed. */
	assert_int_equal(host_reg(h, NPU_RING(1) + NPU_RING_STATUS), NPU_RING_RUNNING);

	r = host_ring(h, 0, 3, 0);
	submit_empty(h, r, 5, 0);
	expect(h, r, 5, NPU_JOB_OK, 0);
	assert_int_equal(host_command(h, 1, NPU_RING_CMD_ABORT, 4), NPU_RING_CMD_DONE);
	expect(h, other, 4, NPU_JOB_ABORTED, 0);
	host_free(h);
}

static void a_core_is_reset_alone(void **state)
{
	struct host *h = host_of(state, "cores=2,rings=2,inject=on");
	struct npu_stream_ref hang = hang_stream(h);
	struct host_ring *r[2] = { host_ring(h, 0, 3, 0), host_ring(h, 1, 3, 0) };

	submit_hang(h, r[0], 1, hang);
	until_runs(h, 0, 1);
	submit_hang(h, r[1], 2, hang);
	until_runs(h, 1, 2);
	/* The lowest free core is taken, so core 1 runs ring 1's job. */
	assert_int_equal(NPU_CORE_RING(host_reg(h, NPU_CORE(1) + NPU_CORE_STATUS)), 1);
	host_set(h, NPU_CORE(1) + NPU_CORE_CTRL, NPU_CORE_RESET);
	host_until(h, NPU_CORE(1) + NPU_CORE_CTRL, ~0u, 0);
	expect(h, r[1], 2, NPU_JOB_ABORTED, 0);
	assert_true(host_reg(h, NPU_REG_EVENT_STATUS) & NPU_EVENT_CORE);
	assert_int_equal(host_reg(h, NPU_RING(0) + NPU_RING_STATUS), NPU_RING_RUNNING);
	submit_empty(h, r[1], 3, 0);
	expect(h, r[1], 3, NPU_JOB_OK, 0);
	/* An idle one too. */
	host_set(h, NPU_CORE(1) + NPU_CORE_CTRL, NPU_CORE_RESET);
	host_until(h, NPU_CORE(1) + NPU_CORE_CTRL, ~0u, 0);
	host_free(h);
}

static void a_disabled_ring_finishes_its_job(void **state)
{
	struct host *h = host_of(state, "cores=1,rings=1,inject=on");
	struct npu_stream_ref hang = hang_stream(h);
	struct host_ring *r = host_ring(h, 0, 3, 0);

	submit_hang(h, r, 1, hang);
	submit_empty(h, r, 2, 0);
	until_runs(h, 0, 1);
	host_set(h, NPU_RING(0) + NPU_RING_CTRL, 0);
	assert_int_equal(host_command(h, 0, NPU_RING_CMD_ABORT, 1), NPU_RING_CMD_DONE);
	expect(h, r, 1, NPU_JOB_ABORTED, 0);
	npu_card_pause(h->card);
	assert_int_equal(host_reg(h, NPU_RING(0) + NPU_RING_HEAD), 1);
	assert_false(host_has_completion(h, r));
	npu_card_resume(h->card);
	host_set(h, NPU_RING(0) + NPU_RING_CTRL, NPU_RING_ENABLE);
	expect(h, r, 2, NPU_JOB_OK, 0);
	host_free(h);
}

static void registers_of_power_on(struct host *h)
{
	assert_int_equal(host_reg(h, NPU_REG_CTRL), 0);
	assert_int_equal(host_reg(h, NPU_REG_STATUS), NPU_STATUS_READY);
	assert_int_equal(host_reg64(h, NPU_REG_CTX_BASE_LO), 0);
	assert_int_equal(host_reg(h, NPU_REG_CTX_COUNT), 0);
	assert_int_equal(host_reg(h, NPU_REG_EVENT_STATUS), 0);
	assert_int_equal(host_reg(h, NPU_REG_EVENT_ENABLE), 0);
	assert_int_equal(host_reg(h, NPU_RING(0) + NPU_RING_CTRL), 0);
	assert_int_equal(host_reg64(h, NPU_RING(0) + NPU_RING_DESC_LO), 0);
	assert_int_equal(host_reg64(h, NPU_RING(0) + NPU_RING_CPL_LO), 0);
	assert_int_equal(host_reg64(h, NPU_RING(0) + NPU_RING_TAIL_LO), 0);
	assert_int_equal(host_reg(h, NPU_RING(0) + NPU_RING_SIZE_LOG2), NPU_MIN_RING_LOG2);
	assert_int_equal(host_reg(h, NPU_RING(0) + NPU_RING_HEAD), 0);
	assert_int_equal(host_reg(h, NPU_RING(0) + NPU_RING_STATUS), 0);
}

static void dies(struct host *h)
{
	pthread_mutex_lock(&h->lock);
	h->dead = true;
	pthread_mutex_unlock(&h->lock);
}

/* After a reset of either kind nothing of before reaches memory; jobs run again afterwards. */
static void function_reset(void **state, bool by_register)
{
	struct host *h = host_of(state, "cores=2,rings=4,inject=on");
	struct npu_stream_ref hang = hang_stream(h);
	struct host_ring *r[4];

	for (unsigned int i = 0; i < 4; i++) {
		r[i] = host_ring(h, i, 3, 0);
		submit_hang(h, r[i], 1 + i, hang);
		submit_empty(h, r[i], 10 + i, NPU_DESC_IRQ);
		/* Else the others may take both cores, for ring 0 is ready only when it has been read. */
		if (!i)
			until_runs(h, 0, 1);
	}
	if (by_register) {
		host_set(h, NPU_REG_CTRL, NPU_CTRL_RESET);
		host_until(h, NPU_REG_CTRL, ~0u, 0);
	} else {
		npu_card_reset(h->card);
	}
	dies(h);
	assert_int_equal(h->maps, 0);
	registers_of_power_on(h);
	assert_int_equal(host_reg(h, NPU_REG_RESETS), 1);
	for (unsigned int i = 0; i < 4; i++)
		assert_false(host_has_completion(h, r[i]));
	npu_card_pause(h->card);
	npu_card_resume(h->card);
	assert_int_equal(h->late, 0);

	h->dead = false;
	host_set64(h, NPU_REG_CTX_BASE_LO, h->ctx_table);
	host_set(h, NPU_REG_CTX_COUNT, HOST_CTX_COUNT);
	host_set(h, NPU_REG_CTRL, NPU_CTRL_ENABLE);
	r[0] = host_ring(h, 0, 3, 0);
	submit_empty(h, r[0], 5, 0);
	expect(h, r[0], 5, NPU_JOB_OK, 0);
	host_free(h);
}

static void reset_by_register(void **state)
{
	function_reset(state, true);
}

static void reset_by_flr(void **state)
{
	function_reset(state, false);
}

static void bus_master_off_stops_dma(void **state)
{
	struct host *h = host_of(state, "cores=2,rings=2,inject=on");
	struct npu_stream_ref hang = hang_stream(h);
	struct host_ring *r = host_ring(h, 0, 3, 0);
	struct host_ring *idle = host_ring(h, 1, 3, 0);

	submit_hang(h, r, 1, hang);
	until_runs(h, 0, 1);
	npu_card_bus_master(h->card, false);
	dies(h);
	assert_int_equal(h->maps, 0);
	/*
	 * The job's completion has nowhere to go, the other ring's descriptor waits. If the job had
	 * not got at its code yet it has ended by itself.
	 */
	host_set(h, NPU_DOORBELL(1), 0);
	host_command(h, 0, NPU_RING_CMD_ABORT, 1);
	host_until(h, NPU_RING(0) + NPU_RING_STATUS, ~0u, NPU_RING_ERROR);
	npu_card_pause(h->card);
	npu_card_resume(h->card);
	assert_int_equal(h->late, 0);
	assert_int_equal(h->interrupts[NPU_VECTOR_EVENT], 0);

	h->dead = false;
	host_write(h, idle->tail_addr, &(uint32_t){ 0 }, 4);
	npu_card_bus_master(h->card, true);
	submit_empty(h, idle, 2, 0);
	expect(h, idle, 2, NPU_JOB_OK, 0);
	host_free(h);
}

/* A read that fails because the bus is being closed is none that met no answer. */
static void refused_while_closing(void **state)
{
	struct host *h = host_of(state, "cores=1,rings=1");
	struct host_ring *r = host_ring(h, 0, 3, 0);
	struct host_job job = { .id = 1 };
	bool stalled = false;

	host_until(h, NPU_REG_STATUS, ~0u, NPU_STATUS_READY);
	pthread_mutex_lock(&h->lock);
	h->stall = true;
	pthread_mutex_unlock(&h->lock);
	host_submit(h, r, &job);
	while (!stalled) {
		nanosleep(&(struct timespec){ .tv_nsec = 100000 }, NULL);
		pthread_mutex_lock(&h->lock);
		stalled = h->stalled;
		pthread_mutex_unlock(&h->lock);
	}
	npu_card_bus_forbid(h->card);
	pthread_mutex_lock(&h->lock);
	h->stall = false;
	pthread_cond_broadcast(&h->cond);
	pthread_mutex_unlock(&h->lock);
	npu_card_bus_master(h->card, false);
	npu_card_pause(h->card);
	npu_card_resume(h->card);
	assert_int_equal(host_reg(h, NPU_RING(0) + NPU_RING_STATUS), 0);
	npu_card_bus_master(h->card, true);
	expect(h, r, 1, NPU_JOB_OK, 0);
	host_free(h);
}

/* A job that was stopped, and waits for the end of a pause to be completed, is ended by a reset. */
static void reset_of_a_paused_card(void **state)
{
	struct host *h = host_of(state, "cores=1,rings=1,inject=on");
	struct npu_stream_ref hang = hang_stream(h);

	for (int i = 0; i < 200; i++) {
		struct host_ring *r = host_ring(h, 0, 3, 0);

		submit_hang(h, r, 1, hang);
		until_runs(h, 0, 1);
		host_set64(h, NPU_RING(0) + NPU_RING_CMD_JOB_LO, 1);
		host_set(h, NPU_RING(0) + NPU_RING_CMD, NPU_RING_CMD_ABORT);
		for (volatile int spin = 0; spin < i * 500; spin++)
			;
		npu_card_pause(h->card);
		npu_card_reset(h->card);
		registers_of_power_on(h);
		npu_card_resume(h->card);
		host_set64(h, NPU_REG_CTX_BASE_LO, h->ctx_table);
		host_set(h, NPU_REG_CTX_COUNT, HOST_CTX_COUNT);
		host_set(h, NPU_REG_CTRL, NPU_CTRL_ENABLE);
	}
	host_free(h);
}

static void a_paused_card_stands_still(void **state)
{
	struct host *h = host_of(state, "cores=2,rings=2,inject=on");
	struct npu_stream_ref hang = hang_stream(h);
	struct host_ring *r = host_ring(h, 0, 3, 0);
	struct host_ring *other = host_ring(h, 1, 3, 0);

	submit_hang(h, r, 1, hang);
	until_runs(h, 0, 1);
	npu_card_pause(h->card);
	assert_int_equal(h->maps, 0);
	dies(h);
	host_set(h, NPU_DOORBELL(1), 0);
	assert_int_equal(host_reg(h, NPU_RING(0) + NPU_RING_STATUS), NPU_RING_RUNNING);
	h->dead = false;
	npu_card_resume(h->card);
	submit_empty(h, other, 2, 0);
	expect(h, other, 2, NPU_JOB_OK, 0);
	/* A reset of a paused card works, and leaves it paused. */
	npu_card_pause(h->card);
	npu_card_reset(h->card);
	registers_of_power_on(h);
	npu_card_resume(h->card);
	host_free(h);
}

static void a_hang_must_be_allowed(void **state)
{
	struct host *h = host_of(state, "cores=1,rings=1,inject=off");
	struct npu_stream_ref hang = hang_stream(h);
	struct host_ring *r = host_ring(h, 0, 3, 0);
	struct host_job job = { .id = 1, .ctx = 1, .stream[0] = hang };
	struct npu_error err;

	host_submit(h, r, &job);
	expect(h, r, 1, NPU_JOB_INVALID, NPU_REASON_INJECT);
	err = host_error(h, &job);
	assert_int_equal(err.tag, 77);
	assert_int_equal(err.cmd, 0);
	host_free(h);
}

static void freed_while_running(void **state)
{
	struct host *h = host_of(state, "cores=2,rings=2,inject=on");
	struct npu_stream_ref hang = hang_stream(h);
	struct host_ring *r = host_ring(h, 0, 3, 0);

	submit_hang(h, r, 1, hang);
	submit_hang(h, r, 2, hang);
	until_runs(h, 0, 1);
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
		cmocka_unit_test(check_finds_changes),
		TEST(empty_jobs_complete_in_order),
		TEST(many_rings_full),
		TEST(bad_descriptors_are_skipped),
		TEST(bad_tables_are_skipped),
		TEST(a_ring_out_of_reach_halts),
		TEST(a_completion_out_of_reach_halts),
		TEST(a_tail_too_far_halts),
		TEST(a_tail_may_be_taken_back),
		TEST(interrupts_are_moderated),
		TEST(moderation_holds_back),
		TEST(abort_ends_the_running_job),
		TEST(cancel_skips_what_has_not_started),
		TEST(a_ring_is_reset_alone),
		TEST(a_core_is_reset_alone),
		TEST(a_disabled_ring_finishes_its_job),
		TEST(reset_by_register),
		TEST(reset_by_flr),
		TEST(bus_master_off_stops_dma),
		TEST(refused_while_closing),
		TEST(reset_of_a_paused_card),
		TEST(a_paused_card_stands_still),
		TEST(a_hang_must_be_allowed),
		TEST(freed_while_running),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
