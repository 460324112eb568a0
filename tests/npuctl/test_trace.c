// SPDX-License-Identifier: MIT
/*
 * Copyright (c) 2026 the npu authors
 *
 * How events of the kernel's become jobs: lines read one by one, starts on rings, what was not
 * seen.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>
#include <stdlib.h>
#include <string.h>

#include "tests/seed.h"

#include "trace.h"

static struct trace_events events;

static void begin_chance(void)
{
	uint64_t seed = test_seed(NULL);

	print_message("seed %llu\n", (unsigned long long)seed);
	srand((unsigned int)seed);
}

/* One line, alone. */
static const struct trace_event *read_line(const char *line)
{
	trace_events_free(&events);
	trace_events_line(&events, line);
	return events.count ? &events.events[0] : NULL;
}

static void test_lines(void **state)
{
	const struct trace_event *e;

	(void)state;
	e = read_line(
		"          npuctl-170     (    169) [001] .....   100.000123: npu_job_submit: "
		"queue=18446744073709551615 first=7 count=3");
	assert_non_null(e);
	assert_int_equal(e->kind, TRACE_SUBMIT);
	assert_int_equal(e->time, 100000123000);
	assert_int_equal(e->tid, 170);
	assert_int_equal(e->pid, 169);
	assert_string_equal(e->comm, "npuctl");
	assert_true(e->queue == UINT64_MAX);
	assert_int_equal(e->first, 7);
	assert_int_equal(e->count, 3);

	e = read_line(" x: y-(1) [2] z-12 [1] -9999999 [011] d..2. 0.000000: npu_job_run: queue=1 "
		      "first=2 "
		      "count=1 ring=15");
	assert_non_null(e);
	assert_int_equal(e->kind, TRACE_RUN);
	assert_int_equal(e->ring, 15);
	assert_int_equal(e->tid, 9999999);

	e = read_line("<idle>-0 (-------) [000] d.h2. 1.5: npu_task_done: queue=1 seqno=2 cycles=3 "
		      "error=-14 status=1 reason=2 addr=0x1f");
	assert_non_null(e);
	assert_int_equal(e->kind, TRACE_DONE);
	assert_int_equal(e->first, 2);
	assert_int_equal(e->count, 1);
	assert_int_equal(e->cycles, 3);
	assert_int_equal(e->error, -14);

	e = read_line("k-1 [000] ..... 1.000000: npu_ring_command: ring=3 job_id=9 cmd=2 ret=0");
	assert_non_null(e);
	assert_int_equal(e->kind, TRACE_COMMAND);
	assert_int_equal(e->command, 2);
	e = read_line("k-1 [000] ..... 1.000000: npu_reset_ring: ring=3 ret=-110");
	assert_non_null(e);
	assert_int_equal(e->kind, TRACE_RESET);
	assert_int_equal(e->ring, 3);

	assert_null(read_line("# tracer: nop"));
	assert_null(read_line(""));
	assert_null(read_line("   "));
	assert_int_equal(events.unknown, 0);
	assert_null(read_line("CPU:12 [LOST 34 EVENTS]"));
	assert_int_equal(events.lost, 34);
	assert_int_equal(events.unknown, 0);
}

/* Cut anywhere, a byte changed anywhere: nothing worse than not understood. */
static void test_garbage(void **state)
{
	static const char line[] =
		"          npuctl-170     (    169) [001] .....   100.000123: npu_job_run: "
		"queue=21 first=40 count=1 ring=5";
	char text[sizeof(line)];

	(void)state;
	begin_chance();
	for (size_t n = 0; n < sizeof(line); n++) {
		snprintf(text, sizeof(text), "%.*s", (int)n, line);
		read_line(text);
		read_line(line + n);
	}
	for (int i = 0; i < 20000; i++) {
		memcpy(text, line, sizeof(line));
		for (int k = rand() % 4; k >= 0; k--)
			text[rand() % (sizeof(line) - 1)] = 1 + rand() % 255;
		read_line(text);
	}
}

/* ---- Jobs ------------------------------------------------------------------------------------ */

static struct trace_jobs jobs;

static void __attribute__((format(printf, 2, 3))) at(int ms, const char *fmt, ...)
{
	char words[256], line[512];
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(words, sizeof(words), fmt, ap);
	va_end(ap);
	snprintf(line, sizeof(line), "t-5 (5) [000] ..... %d.%06d: npu_%s", ms / 1000,
		 ms % 1000 * 1000, words);
	trace_events_line(&events, line);
}

static void submit(int ms, int queue, int first, int count)
{
	at(ms, "job_submit: queue=%d first=%d count=%d", queue, first, count);
}

static void given(int ms, int queue, int first, int count, int ring)
{
	at(ms, "job_run: queue=%d first=%d count=%d ring=%d", queue, first, count, ring);
}

static void done(int ms, int queue, int seqno, int error)
{
	at(ms, "task_done: queue=%d seqno=%d cycles=10 error=%d status=0 reason=0 addr=0", queue,
	   seqno, error);
}

static void join(unsigned int cards)
{
	struct trace_cards c = { .cards = cards };

	assert_int_equal(events.unknown, 0);
	trace_jobs_free(&jobs);
	trace_events_sort(&events);
	trace_jobs_join(&jobs, &events, &c);
	trace_events_free(&events);
}

static const struct trace_job *job(uint64_t queue, uint64_t first)
{
	for (size_t i = 0; i < jobs.count; i++)
		if (jobs.jobs[i].queue == queue && jobs.jobs[i].first == first)
			return &jobs.jobs[i];
	fail_msg("no job %d of queue %d", (int)first, (int)queue);
	return NULL;
}

#define MS(t) ((t)*INT64_C(1000000))

static void assert_times(const struct trace_job *j, int64_t submitted, int64_t started,
			 int64_t until, int64_t ended)
{
	assert_int_equal(j->submitted, submitted < 0 ? -1 : MS(submitted));
	assert_int_equal(j->started, started < 0 ? -1 : MS(started));
	if (started >= 0)
		assert_int_equal(j->until, until < 0 ? INT64_MAX : MS(until));
	assert_int_equal(j->ended, ended < 0 ? -1 : MS(ended));
}

/* Two queues on a ring: each job begins when the ring's job before it has ended. */
static void test_ring(void **state)
{
	(void)state;
	trace_events_free(&events);
	submit(1, 1, 1, 1);
	submit(2, 2, 1, 2);
	submit(3, 1, 2, 1);
	given(4, 1, 1, 1, 7);
	given(5, 2, 1, 2, 7);
	given(6, 1, 2, 1, 7);
	submit(7, 3, 1, 1);
	given(8, 3, 1, 1, 6);
	done(20, 1, 1, 0);
	done(30, 2, 1, 0);
	done(40, 2, 2, -14);
	done(50, 1, 2, 0);
	done(9, 3, 1, 0);
	join(1);
	assert_int_equal(jobs.count, 4);
	assert_times(job(1, 1), 1, 4, 20, 20);
	assert_times(job(2, 1), 2, 20, 40, 40);
	assert_times(job(1, 2), 3, 40, 50, 50);
	/* Another ring does not wait for it. */
	assert_times(job(3, 1), 7, 8, 9, 9);
	assert_int_equal(job(2, 1)->failed, 1);
	assert_int_equal(job(2, 1)->error, -14);
	assert_int_equal(job(2, 1)->done, 2);
	assert_int_equal(job(2, 1)->cycles, 20);
	assert_int_equal(job(1, 1)->pid, 5);
	assert_int_equal(job(1, 1)->card, 0);
}

/* What began before the recording, goes on after it, or was never given to a ring. */
static void test_unseen(void **state)
{
	(void)state;
	trace_events_free(&events);
	done(1, 1, 9, 0);
	given(2, 1, 10, 1, 0);
	done(3, 1, 10, 0);
	submit(4, 1, 11, 1);
	submit(5, 1, 12, 1);
	given(6, 1, 11, 1, 0);
	done(7, 1, 12, -125);
	submit(8, 1, 13, 1);
	given(9, 1, 13, 1, 0);
	submit(10, 1, 14, 1);
	join(1);
	assert_int_equal(jobs.count, 6);
	assert_times(job(1, 9), -1, -1, -1, 1);
	assert_int_equal(job(1, 9)->pid, 0);
	assert_times(job(1, 10), -1, 2, 3, 3);
	/* Its end was lost: the ring went on with another one. */
	assert_times(job(1, 11), 4, 6, 9, -1);
	assert_times(job(1, 12), 5, -1, -1, 7);
	assert_times(job(1, 13), 8, 9, -1, -1);
	assert_times(job(1, 14), 10, -1, -1, -1);
}

/* Rings of two cards that look like one: whatever is drawn, nothing overlaps. */
static void test_overlap(void **state)
{
	(void)state;
	begin_chance();
	for (int round = 0; round < 200; round++) {
		const struct trace_job *last = NULL;

		trace_events_free(&events);
		for (int q = 1; q <= 2; q++) {
			int t = 1;

			for (int n = 1; n < 20; n++) {
				submit(t += rand() % 3, q, n, 1);
				given(t += rand() % 3, q, n, 1, 0);
				if (rand() % 5)
					done(t += rand() % 9, q, n, 0);
			}
		}
		join(2);
		for (size_t i = 0; i < jobs.count; i++) {
			const struct trace_job *j = &jobs.jobs[i];

			assert_true(j->until >= j->started);
			if (last)
				assert_true(j->started >= last->until);
			last = j;
		}
	}
}

static int clean(void **state)
{
	(void)state;
	trace_events_free(&events);
	trace_jobs_free(&jobs);
	return 0;
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_lines),	cmocka_unit_test(test_garbage),
		cmocka_unit_test(test_ring),	cmocka_unit_test(test_unseen),
		cmocka_unit_test(test_overlap),
	};

	return cmocka_run_group_tests(tests, NULL, clean);
}
