// SPDX-License-Identifier: MIT
/*
 * Copyright (c) 2026 the npu authors
 *
 * Who runs when: priorities, turns among equals, gangs that wait for cores; and how gangs meet, end
 * and fail.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "host.h"

#define MAX_STREAMS 8
#define RW	    (NPU_PTE_READ | NPU_PTE_WRITE)
#define CODE_VA(i)  (UINT64_C(0x100000000) + (i)*UINT64_C(0x1000000))

struct bench {
	struct host *h;
	struct host_code code[MAX_STREAMS];
	unsigned int streams;
};

static struct bench bench_new(const char *options)
{
	struct bench b = { .h = host_new(HOST_STABLE, options) };

	host_ctx(b.h, 1);
	return b;
}

static struct npu_cmd plain(uint8_t opcode, uint32_t tag)
{
	struct npu_cmd cmd;

	cmd_init(&cmd, opcode, sizeof(cmd), tag);
	return cmd;
}

/*
 * A stream as a word: B barrier, H hang, F load that faults, D deadlock, L good load (1 KiB at
 * region 0).
 */
static struct npu_stream_ref stream(struct bench *b, const char *word)
{
	unsigned int i = b->streams++;

	b->code[i] = host_code(b->h, 1, CODE_VA(i));
	for (uint32_t tag = 100 * i; *word; word++, tag++) {
		struct npu_cmd_load load = cmd_load(*word == 'F' ? 1 : 0, 0, 0, 1024, tag);
		struct npu_cmd cmd;

		switch (*word) {
		case 'B':
			cmd = plain(NPU_OP_BARRIER, tag);
			host_code_add(b->h, &b->code[i], &cmd);
			break;
		case 'H':
			cmd = plain(NPU_OP_HANG, tag);
			host_code_add(b->h, &b->code[i], &cmd);
			break;
		case 'D':
			load.h.wait[0] = 3;
			host_code_add(b->h, &b->code[i], &load);
			break;
		default:
			host_code_add(b->h, &b->code[i], &load);
		}
	}
	return (struct npu_stream_ref){ CODE_VA(i), b->code[i].size };
}

static struct host_job gang(struct bench *b, uint64_t id, unsigned int n, const char *const *words)
{
	struct host_job job = {
		.id = id,
		.ctx = 1,
		.ncores = n,
		.region = { 0x200000, UINT64_C(0x700000000000) },
	};

	for (unsigned int i = 0; i < n; i++)
		job.stream[i] = stream(b, words[i]);
	return job;
}

static void map_data(struct bench *b)
{
	host_map(b->h, 1, 0x200000, host_alloc(b->h, 4096, 4096), 4096, RW);
}

static void until_runs(struct host *h, unsigned int ring, uint64_t id)
{
	host_until(h, NPU_RING(ring) + NPU_RING_JOB_LO, ~0u, id);
}

static void expect_order(struct host *h, const uint64_t *ids, unsigned int n)
{
	for (unsigned int i = 0; i < n; i++)
		assert_int_equal(h->order[i], ids[i]);
}

/* One core, taken by a hang while others queue up; then seen in which order they ran. */
static void priorities_and_turns(void **state)
{
	static const uint64_t want[] = { 99, 31, 11, 21, 12, 22, 1, 2 };
	static const uint32_t priority[] = { 0, 1, 1, 3 };
	struct bench b = bench_new("cores=1,rings=5,inject=on");
	struct host_job hang = gang(&b, 99, 1, (const char *[]){ "H" });
	struct host_ring *r[4], *blocker;

	(void)state;
	blocker = host_ring(b.h, 4, 3, 0);
	host_submit(b.h, blocker, &hang);
	until_runs(b.h, 4, 99);
	for (unsigned int i = 0; i < 4; i++) {
		r[i] = host_ring(b.h, i, 3, priority[i]);
		/* A second job of the highest ring is not ready until it has been read: others may go. */
		for (uint64_t j = 1; j <= (i == 3 ? 1 : 2); j++) {
			struct host_job job = { .id = i * 10 + j };

			host_push(b.h, r[i], &job);
		}
		host_ding(b.h, r[i]);
	}
	/*
	 * A command of a ring is carried out after its doorbell: all are read when the last has
	 * answered.
	 */
	for (unsigned int i = 0; i < 4; i++)
		assert_int_equal(host_command(b.h, i, NPU_RING_CMD_CANCEL, 77), NPU_RING_CMD_NONE);
	assert_int_equal(host_command(b.h, 4, NPU_RING_CMD_ABORT, 99), NPU_RING_CMD_DONE);
	for (unsigned int i = 0; i < 4; i++) {
		host_completion(b.h, r[i]);
		if (i < 3)
			host_completion(b.h, r[i]);
	}
	expect_order(b.h, want, sizeof(want) / sizeof(want[0]));
	host_free(b.h);
}

static void gangs_reserve_cores(void **state)
{
	static const uint64_t want[] = { 3, 99, 1, 2 };
	struct bench b = bench_new("cores=2,rings=4,inject=on");
	struct host_job hang = gang(&b, 99, 1, (const char *[]){ "H" });
	struct host_job both = { .id = 1, .ncores = 2 }, single = { .id = 2 }, high = { .id = 3 };
	struct host_ring *r0 = host_ring(b.h, 0, 3, 1), *r1 = host_ring(b.h, 1, 3, 1);
	struct host_ring *r2 = host_ring(b.h, 2, 3, 2), *r3 = host_ring(b.h, 3, 3, 1);

	(void)state;
	host_submit(b.h, r3, &hang);
	until_runs(b.h, 3, 99);
	host_submit(b.h, r0, &both);
	host_until(b.h, NPU_CORE(1) + NPU_CORE_STATUS, ~0u, NPU_CORE_RESERVED);
	/* An equal does not overtake the gang that waits, a higher one does. */
	host_submit(b.h, r1, &single);
	assert_int_equal(host_command(b.h, 1, NPU_RING_CMD_CANCEL, 77), NPU_RING_CMD_NONE);
	host_submit(b.h, r2, &high);
	host_completion(b.h, r2);
	host_until(b.h, NPU_CORE(1) + NPU_CORE_STATUS, ~0u, NPU_CORE_RESERVED);
	assert_int_equal(host_command(b.h, 3, NPU_RING_CMD_ABORT, 99), NPU_RING_CMD_DONE);
	host_completion(b.h, r0);
	host_completion(b.h, r1);
	expect_order(b.h, want, 4);
	host_free(b.h);
}

static void barriers_join_times(void **state)
{
	struct bench b = bench_new("cores=3,barrier-cycles=50");
	struct host_ring *r = host_ring(b.h, 0, 3, 0);
	struct host_job job = gang(&b, 1, 3, (const char *[]){ "BLB", "LBB", "BB" });
	struct host_job alone = gang(&b, 2, 1, (const char *[]){ "L" });
	struct npu_completion cpl, one;

	(void)state;
	map_data(&b);
	host_submit(b.h, r, &alone);
	one = host_completion(b.h, r);
	assert_int_equal(one.status, NPU_JOB_OK);
	host_submit(b.h, r, &job);
	cpl = host_completion(b.h, r);
	assert_int_equal(cpl.status, NPU_JOB_OK);
	/*
	 * The second barrier opens after one load, a barrier, another load; the same load that
	 * stands alone.
	 */
	assert_int_equal(cpl.cycles, one.cycles + 50 + one.cycles + 50);
	assert_int_equal(host_reg(b.h, NPU_RING(0) + NPU_RING_PROGRESS), 1 + 8);
	host_free(b.h);
}

/* How a gang that goes wrong ends does not depend on its threads: seen many times. */
static void gang_errors_are_the_same_always(void **state)
{
	static const struct {
		const char *word[3];
		enum npu_status status;
		enum npu_reason reason;
		unsigned int core;
		unsigned int command; /* of its stream */
	} cases[] = {
		{ { "BB", "B", "BB" }, NPU_JOB_DEADLOCK, NPU_REASON_BARRIER, 0, 1 },
		{ { "B", "BB", "BBB" }, NPU_JOB_DEADLOCK, NPU_REASON_BARRIER, 1, 1 },
		{ { "", "", "B" }, NPU_JOB_DEADLOCK, NPU_REASON_BARRIER, 2, 0 },
		{ { "B", "BF", "BF" }, NPU_JOB_FAULT, NPU_REASON_NOT_PRESENT, 1, 1 },
		{ { "BLLLLLLLLF", "BF", "F" }, NPU_JOB_FAULT, NPU_REASON_NOT_PRESENT, 2, 0 },
		{ { "LLLLLLLLLLD", "B", "F" }, NPU_JOB_DEADLOCK, NPU_REASON_SEMAPHORE, 0, 10 },
		{ { "H", "F", "B" }, NPU_JOB_FAULT, NPU_REASON_NOT_PRESENT, 1, 0 },
		{ { "BH", "B", "BD" }, NPU_JOB_DEADLOCK, NPU_REASON_SEMAPHORE, 2, 1 },
	};

	(void)state;
	for (unsigned int c = 0; c < sizeof(cases) / sizeof(cases[0]); c++) {
		struct bench b = bench_new("cores=3,inject=on");
		struct host_ring *r = host_ring(b.h, 0, 3, 0);
		struct host_job job = gang(&b, 1, 3, cases[c].word);
		const char *word = cases[c].word[cases[c].core];
		uint32_t offset = 0;

		map_data(&b);
		for (unsigned int i = 0; i < cases[c].command; i++)
			offset += word[i] == 'B' || word[i] == 'H' ? sizeof(struct npu_cmd) :
								     sizeof(struct npu_cmd_load);
		for (unsigned int round = 0; round < 20; round++) {
			struct npu_completion cpl;
			struct npu_error err;

			job.id = 1 + round;
			host_submit(b.h, r, &job);
			cpl = host_completion(b.h, r);
			err = host_error(b.h, &job);
			assert_int_equal(cpl.status, cases[c].status);
			assert_int_equal(cpl.reason, cases[c].reason);
			assert_int_equal(err.core, cases[c].core);
			assert_int_equal(err.cmd, offset);
			assert_int_equal(err.tag, 100 * cases[c].core + cases[c].command);
		}
		host_free(b.h);
	}
}

static void gangs_can_be_aborted_anywhere(void **state)
{
	static const char *const words[][3] = {
		{ "H", "H", "H" },
		{ "B", "H", "B" },
		{ "B", "BH", "B" },
		{ "", "", "H" },
	};

	(void)state;
	for (unsigned int c = 0; c < sizeof(words) / sizeof(words[0]); c++) {
		struct bench b = bench_new("cores=3,inject=on");
		struct host_ring *r = host_ring(b.h, 0, 3, 0);
		struct host_job job = gang(&b, 1, 3, words[c]), after = { .id = 2, .ncores = 3 };

		host_submit(b.h, r, &job);
		until_runs(b.h, 0, 1);
		assert_int_equal(host_command(b.h, 0, NPU_RING_CMD_ABORT, 1), NPU_RING_CMD_DONE);
		assert_int_equal(host_completion(b.h, r).status, NPU_JOB_ABORTED);
		host_submit(b.h, r, &after);
		assert_int_equal(host_completion(b.h, r).status, NPU_JOB_OK);
		/* A reset of one member's core ends all of it, too. */
		job.id = 3;
		host_submit(b.h, r, &job);
		until_runs(b.h, 0, 3);
		host_set(b.h, NPU_CORE(2) + NPU_CORE_CTRL, NPU_CORE_RESET);
		assert_int_equal(host_completion(b.h, r).status, NPU_JOB_ABORTED);
		host_until(b.h, NPU_CORE(2) + NPU_CORE_CTRL, ~0u, 0);
		host_free(b.h);
	}
}

/*
 * A job that waits for its modelled time can still be aborted; one that does not is not waited for.
 */
static void real_time_is_waited_for(void **state)
{
	struct bench b =
		bench_new("cores=1,clock-mhz=1,timing-real=on,pcie-latency=1000000,pcie-bw=1");
	struct host_ring *r = host_ring(b.h, 0, 3, 0);
	struct host_job quick = { .id = 1 };
	struct host_job slow = gang(&b, 2, 1, (const char *[]){ "L" });

	(void)state;
	map_data(&b);
	assert_int_equal(host_reg(b.h, NPU_REG_FEATURES) & NPU_FEATURE_TIMING, NPU_FEATURE_TIMING);
	host_submit(b.h, r, &quick);
	assert_int_equal(host_completion(b.h, r).status, NPU_JOB_OK);
	host_submit(b.h, r, &slow);
	host_until(b.h, NPU_RING(0) + NPU_RING_PROGRESS, ~0u, 1);
	assert_false(host_has_completion(b.h, r));
	assert_int_equal(host_command(b.h, 0, NPU_RING_CMD_ABORT, 2), NPU_RING_CMD_DONE);
	assert_int_equal(host_completion(b.h, r).status, NPU_JOB_ABORTED);
	host_free(b.h);
}

/* Pauses at any moment of a gang's life change nothing but when it ends. */
static void pauses_change_nothing(void **state)
{
	struct bench b = bench_new("cores=3,rings=2");
	struct host_ring *r = host_ring(b.h, 0, 6, 0);
	struct host_job job = gang(&b, 1, 3, (const char *[]){ "BLLBLB", "LBBLLLLB", "BLBB" });
	struct npu_completion first;

	(void)state;
	map_data(&b);
	host_submit(b.h, r, &job);
	first = host_completion(b.h, r);
	assert_int_equal(first.status, NPU_JOB_OK);
	for (unsigned int round = 0; round < 8; round++) {
		for (uint64_t i = 0; i < 8; i++) {
			job.id = 2 + i;
			host_push(b.h, r, &job);
		}
		host_ding(b.h, r);
		for (unsigned int i = 0; i < 10; i++) {
			npu_card_pause(b.h->card);
			assert_int_equal(b.h->maps, 0);
			npu_card_resume(b.h->card);
		}
		for (uint64_t i = 0; i < 8; i++) {
			struct npu_completion cpl = host_completion(b.h, r);

			assert_int_equal(cpl.job_id, 2 + i);
			assert_int_equal(cpl.status, NPU_JOB_OK);
			assert_int_equal(cpl.cycles, first.cycles);
		}
	}
	host_free(b.h);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(priorities_and_turns),
		cmocka_unit_test(gangs_reserve_cores),
		cmocka_unit_test(barriers_join_times),
		cmocka_unit_test(gang_errors_are_the_same_always),
		cmocka_unit_test(gangs_can_be_aborted_anywhere),
		cmocka_unit_test(real_time_is_waited_for),
		cmocka_unit_test(pauses_change_nothing),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
