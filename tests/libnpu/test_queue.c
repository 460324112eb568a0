// SPDX-License-Identifier: MIT
/*
 * Copyright (c) 2026 the npu authors
 *
 * Queues: order, many jobs, bad submissions, failing jobs, timeouts, release at bad moments,
 * threads.
 */
#include <pthread.h>
#include <stdio.h>

#include "common.h"

struct fixture {
	struct npu_device *dev;
	struct npu_queue *queue;
	struct npu_program *copy;
};

static int setup(void **state)
{
	struct fixture *f = calloc(1, sizeof(*f));

	assert_non_null(f);
	f->dev = test_open();
	f->copy = test_copy_program(f->dev, 4096);
	test_ok(npu_queue_create(f->dev, NULL, &f->queue));
	*state = f;
	return 0;
}

static int teardown(void **state)
{
	struct fixture *f = *state;

	npu_queue_release(f->queue);
	npu_program_release(f->copy);
	npu_close(f->dev);
	free(f);
	return 0;
}

static void jobs_run_in_order(void **state)
{
	struct fixture *f = *state;
	struct npu_buffer *chain[65];
	struct npu_job jobs[64];
	struct test_job t[64];
	struct npu_result result;
	struct npu_fence *fence;

	for (unsigned int i = 0; i < 65; i++)
		chain[i] = test_new_buffer(f->dev, 4096, i & 1, i ? 0 : 0x3c);
	for (unsigned int i = 0; i < 64; i++) {
		test_copy_job(&t[i], f->copy, chain[i], chain[i + 1]);
		jobs[i] = t[i].job;
	}
	/* Three in one call, then one by one, then the rest. */
	test_ok(npu_queue_submit(f->queue, jobs, 3, NULL, 0, NULL));
	for (unsigned int i = 3; i < 20; i++)
		test_ok(npu_queue_submit(f->queue, &jobs[i], 1, NULL, 0, NULL));
	test_ok(npu_queue_submit(f->queue, &jobs[20], 44, NULL, 0, &fence));
	test_ok(npu_fence_wait(fence, NPU_WAIT_FOREVER));
	for (unsigned int i = 0; i < 65; i++)
		test_expect(chain[i], 4096, 0x3c);
	test_ok(npu_fence_result(fence, &result));
	assert_int_equal(result.error, 0);
	assert_int_equal(result.jobs, 44);
	assert_true(result.cycles > 0);
	assert_int_equal(npu_queue_state(f->queue), 0);
	npu_fence_release(fence);
	for (unsigned int i = 0; i < 65; i++)
		npu_buffer_release(chain[i]);
}

/*
 * More than a queue or a ring holds: submission waits for room, and no result is lost. Two kinds of
 * jobs, of different cost, take turns by the hundred, so a result that took another's place shows.
 */
static void thousands_of_jobs(void **state)
{
	struct fixture *f = *state;
	struct npu_program *longer = test_slow_program(f->dev, 3);
	struct npu_program *slow = test_slow_program(f->dev, 300);
	struct npu_buffer *a = test_new_buffer(f->dev, 4096, NPU_BUFFER_LOCAL, 1);
	struct npu_buffer *b = test_new_buffer(f->dev, 4096, NPU_BUFFER_LOCAL, 0);
	struct npu_fence *fence[30], *single[2];
	struct npu_job jobs[2][100];
	struct test_job t[3];
	uint64_t cycles[2];
	struct npu_result r;

	test_copy_job(&t[0], f->copy, a, b);
	test_copy_job(&t[1], longer, a, b);
	test_copy_job(&t[2], slow, a, b);
	for (unsigned int k = 0; k < 2; k++) {
		for (unsigned int i = 0; i < 100; i++)
			jobs[k][i] = t[k].job;
		test_ok(npu_queue_submit(f->queue, jobs[k], 1, NULL, 0, &single[k]));
		test_ok(npu_fence_wait(single[k], NPU_WAIT_FOREVER));
		test_ok(npu_fence_result(single[k], &r));
		cycles[k] = r.cycles;
		npu_fence_release(single[k]);
	}
	assert_true(cycles[1] > cycles[0]);
	test_ok(npu_queue_submit(f->queue, &t[2].job, 1, NULL, 0, NULL));
	for (unsigned int i = 0; i < 30; i++)
		test_ok(npu_queue_submit(f->queue, jobs[i % 2], 100, NULL, 0, &fence[i]));
	test_ok(npu_fence_wait(fence[29], NPU_WAIT_FOREVER));
	for (unsigned int i = 0; i < 30; i++) {
		test_ok(npu_fence_wait(fence[i], 0));
		test_ok(npu_fence_result(fence[i], &r));
		assert_int_equal(r.jobs, 100);
		assert_int_equal(r.cycles, 100 * cycles[i % 2]);
		npu_fence_release(fence[i]);
	}
	test_expect(b, 4096, 1);
	npu_buffer_release(a);
	npu_buffer_release(b);
	npu_program_release(longer);
	npu_program_release(slow);
}

static void refuse(struct fixture *f, const struct npu_job *jobs, unsigned int count,
		   const char *word)
{
	struct npu_fence *fence = (void *)1;

	assert_int_equal(npu_queue_submit(f->queue, jobs, count, NULL, 0, &fence), -EINVAL);
	assert_null(fence);
	if (!strstr(npu_error(), word))
		fail_msg("\"%s\" does not say \"%s\"", npu_error(), word);
}

static void bad_submissions_are_explained(void **state)
{
	struct fixture *f = *state;
	struct npu_buffer *a = test_new_buffer(f->dev, 4096, 0, 1);
	struct npu_buffer *b = test_new_buffer(f->dev, 4096, 0, 0), *foreign;
	struct npu_binding three[3] = { { .region = 0, .buffer = a },
					{ .region = 1, .buffer = b },
					{ .region = 1, .buffer = b } };
	const struct npu_queue_attr bad_priority = { .priority = 4 };
	struct npu_queue *queue;
	struct npu_device *other;
	struct npu_job jobs[2];
	struct test_job t;

	test_ok(npu_open(&other, "sim:"));
	foreign = test_new_buffer(other, 4096, 0, 0);
#define TRY(change, word)                         \
	do {                                      \
		test_copy_job(&t, f->copy, a, b); \
		jobs[0] = t.job;                  \
		change;                           \
		refuse(f, jobs, 1, word);         \
	} while (0)
	TRY(jobs[0].program = NULL, "program");
	TRY(jobs[0].reserved = 1, "reserved");
	TRY(jobs[0].bindings = NULL, "bindings");
	TRY(jobs[0].binding_count = 1, "region 1");
	TRY(t.binding[1].region = 16, "16");
	TRY(t.binding[1].region = 2, "region 2");
	TRY(t.binding[1].reserved = 1, "reserved");
	TRY(t.binding[0].buffer = NULL, "no buffer");
	TRY(t.binding[0].buffer = foreign, "another device");
	TRY(t.binding[0].offset = 1, "4096 bytes");
	TRY(t.binding[0].offset = UINT64_MAX, "region 0");
	TRY((jobs[0].bindings = three, jobs[0].binding_count = 3), "twice");
#undef TRY
	test_copy_job(&t, f->copy, a, b);
	refuse(f, &t.job, 0, "no jobs");
	refuse(f, NULL, 1, "no jobs");
	/* One bad job and none runs. */
	jobs[0] = t.job;
	jobs[1] = t.job;
	jobs[1].binding_count = 0;
	refuse(f, jobs, 2, "job 1");
	assert_int_equal(npu_queue_submit(f->queue, &t.job, 1, NULL, 1, NULL), -EINVAL);
	assert_int_equal(
		npu_queue_submit(f->queue, &t.job, 1, (struct npu_fence *[]){ NULL }, 1, NULL),
		-EINVAL);
	assert_int_equal(npu_queue_create(f->dev, &bad_priority, &queue), -EINVAL);
	assert_null(queue);
	test_expect(b, 4096, 0);
	npu_buffer_release(foreign);
	npu_close(other);
	npu_buffer_release(a);
	npu_buffer_release(b);
}

static void offsets_count(void **state)
{
	struct fixture *f = *state;
	struct npu_buffer *a = test_new_buffer(f->dev, 10000, 0, 1);
	struct npu_buffer *b = test_new_buffer(f->dev, 10000, 0, 0);
	struct npu_fence *fence;
	struct test_job t;
	uint8_t got[10000];

	test_copy_job(&t, f->copy, a, b);
	t.binding[0].offset = 10000 - 4096;
	t.binding[1].offset = 333;
	test_ok(npu_queue_submit(f->queue, &t.job, 1, NULL, 0, &fence));
	test_ok(npu_fence_wait(fence, NPU_WAIT_FOREVER));
	npu_fence_release(fence);
	test_ok(npu_buffer_read(b, 0, got, sizeof(got)));
	for (unsigned int i = 0; i < sizeof(got); i++)
		assert_int_equal(got[i], i >= 333 && i < 333 + 4096);
	npu_buffer_release(a);
	npu_buffer_release(b);
}

/* A gather of row @row; with an index out of range it fails on the card. */
static void gather_job(struct fixture *f, int32_t row, struct npu_program *prog,
		       struct npu_buffer **buf, struct npu_binding *binding, struct npu_job *job)
{
	buf[0] = test_new_buffer(f->dev, 64, 0, 0x44);
	buf[1] = test_new_buffer(f->dev, 4, 0, 0);
	buf[2] = test_new_buffer(f->dev, 16, 0, 0);
	test_ok(npu_buffer_write(buf[1], 0, &row, sizeof(row)));
	for (unsigned int i = 0; i < 3; i++)
		binding[i] = (struct npu_binding){ .region = i, .buffer = buf[i] };
	*job = (struct npu_job){ .program = prog, .bindings = binding, .binding_count = 3 };
}

static void a_failing_job_bans_its_queue(void **state)
{
	struct fixture *f = *state;
	struct npu_program *gather = test_gather_program(f->dev);
	struct npu_binding good_binding[3], bad_binding[3];
	struct npu_buffer *good[3], *bad[3];
	struct npu_job jobs[3];
	struct npu_fence *before, *fence, *after;
	struct npu_result r;
	struct npu_queue *fresh;

	gather_job(f, -1, gather, good, good_binding, &jobs[0]);
	gather_job(f, 4, gather, bad, bad_binding, &jobs[1]);
	jobs[2] = jobs[0];
	test_ok(npu_queue_submit(f->queue, &jobs[0], 1, NULL, 0, &before));
	test_ok(npu_queue_submit(f->queue, jobs, 3, NULL, 0, &fence));
	assert_int_equal(npu_fence_wait(fence, NPU_WAIT_FOREVER), -ERANGE);
	assert_non_null(strstr(npu_error(), "job 1 of 3"));
	assert_non_null(strstr(npu_error(), "index"));
	/* The same again, and in numbers. */
	assert_int_equal(npu_fence_wait(fence, 0), -ERANGE);
	test_ok(npu_fence_result(fence, &r));
	assert_int_equal(r.error, -ERANGE);
	assert_int_equal(r.status, NPU_JOB_INDEX);
	assert_int_equal(r.engine, NPU_ENGINE_LOAD);
	assert_int_equal(r.jobs, 3);
	test_ok(npu_fence_wait(before, 0));
	test_expect(good[2], 16, 0x44);

	assert_int_equal(npu_queue_state(f->queue), -ERANGE);
	assert_int_equal(npu_queue_submit(f->queue, jobs, 1, NULL, 0, &after), -ECANCELED);
	assert_null(after);
	/* Others do not notice. */
	test_ok(npu_queue_create(f->dev, NULL, &fresh));
	test_ok(npu_queue_submit(fresh, jobs, 1, NULL, 0, &after));
	test_ok(npu_fence_wait(after, NPU_WAIT_FOREVER));
	npu_queue_release(fresh);
	npu_fence_release(before);
	npu_fence_release(fence);
	npu_fence_release(after);
	for (unsigned int i = 0; i < 3; i++) {
		npu_buffer_release(good[i]);
		npu_buffer_release(bad[i]);
	}
	npu_program_release(gather);
}

/*
 * Jobs behind the failing one, accepted before it failed, end with -ECANCELED, whatever became of
 * them.
 */
static void jobs_behind_a_failing_one_are_canceled(void **state)
{
	struct fixture *f = *state;
	struct npu_program *gather = test_gather_program(f->dev);
	struct npu_program *slow = test_slow_program(f->dev, 50);
	struct npu_buffer *a = test_new_buffer(f->dev, 4096, 0, 1), *bad[3];
	struct npu_buffer *b = test_new_buffer(f->dev, 4096, 0, 0);
	struct npu_fence *fence[300], *failing;
	struct npu_binding binding[3];
	struct npu_job job;
	struct test_job t;

	gather_job(f, 1000, gather, bad, binding, &job);
	test_copy_job(&t, slow, a, b);
	test_ok(npu_queue_submit(f->queue, &t.job, 1, NULL, 0, NULL));
	test_ok(npu_queue_submit(f->queue, &job, 1, NULL, 0, &failing));
	for (unsigned int i = 0; i < 300; i++) {
		int ret = npu_queue_submit(f->queue, &t.job, 1, NULL, 0, &fence[i]);

		if (ret)
			assert_int_equal(ret, -ECANCELED);
	}
	for (unsigned int i = 0; i < 300; i++) {
		if (fence[i])
			assert_int_equal(npu_fence_wait(fence[i], NPU_WAIT_FOREVER), -ECANCELED);
		npu_fence_release(fence[i]);
	}
	assert_int_equal(npu_fence_wait(failing, 0), -ERANGE);
	npu_fence_release(failing);
	for (unsigned int i = 0; i < 3; i++)
		npu_buffer_release(bad[i]);
	npu_buffer_release(a);
	npu_buffer_release(b);
	npu_program_release(slow);
	npu_program_release(gather);
}

/*
 * Released with jobs behind one that hangs, behind one that runs perhaps, and after one has ended.
 */
static void release_cancels(void **state)
{
	struct fixture *f = *state;
	struct npu_program *slow = test_slow_program(f->dev, 300);
	struct npu_program *hang = test_can_hang(f->dev) ? test_hang_program(f->dev) : NULL;
	struct npu_buffer *a = test_new_buffer(f->dev, 4096, 0, 1);
	struct npu_buffer *b = test_new_buffer(f->dev, 4096, 0, 0);
	struct npu_job job = { .program = hang };
	struct npu_fence *fence[200];
	struct npu_queue *queue;
	struct test_job t;

	test_copy_job(&t, slow, a, b);
	for (unsigned int round = 0; round < 3; round++) {
		int last = 0;

		if (round == 0 && !hang)
			continue;
		test_ok(npu_queue_create(f->dev, NULL, &queue));
		for (unsigned int i = 0; i < 200; i++)
			test_ok(npu_queue_submit(queue, round == 0 && i == 1 ? &job : &t.job, 1,
						 NULL, 0, &fence[i]));
		if (round == 2)
			test_ok(npu_fence_wait(fence[0], NPU_WAIT_FOREVER));
		npu_queue_release(queue);
		/* All have ended by now: some well perhaps, and from some on none. */
		for (unsigned int i = 0; i < 200; i++) {
			int ret = npu_fence_wait(fence[i], 0);

			if (ret != last) {
				assert_int_equal(last, 0);
				assert_int_equal(ret, -ECANCELED);
			}
			if (round == 0 && i > 0)
				assert_int_equal(ret, -ECANCELED);
			if (round == 2 && i == 0)
				assert_int_equal(ret, 0);
			last = ret;
			npu_fence_release(fence[i]);
		}
	}
	/* The device is as good as before. */
	test_ok(npu_queue_submit(f->queue, &t.job, 1, NULL, 0, &fence[0]));
	test_ok(npu_fence_wait(fence[0], NPU_WAIT_FOREVER));
	npu_fence_release(fence[0]);
	npu_queue_release(NULL);
	npu_buffer_release(a);
	npu_buffer_release(b);
	npu_program_release(slow);
	npu_program_release(hang);
}

static void more_queues_than_rings(void **state)
{
	struct fixture *f = *state;
	struct npu_buffer *a = test_new_buffer(f->dev, 4096, 0, 6), *b[50];
	struct npu_fence *fence[50];
	struct npu_queue *queue[50];

	for (unsigned int i = 0; i < 50; i++) {
		const struct npu_queue_attr attr = { .priority = i % 2 };
		struct test_job t;

		b[i] = test_new_buffer(f->dev, 4096, 0, 0);
		test_ok(npu_queue_create(f->dev, &attr, &queue[i]));
		test_copy_job(&t, f->copy, a, b[i]);
		test_ok(npu_queue_submit(queue[i], &t.job, 1, NULL, 0, &fence[i]));
	}
	test_ok(npu_fence_wait_many(fence, 50, true, NPU_WAIT_FOREVER, NULL));
	for (unsigned int i = 0; i < 50; i++) {
		test_ok(npu_fence_wait(fence[i], 0));
		test_expect(b[i], 4096, 6);
		npu_fence_release(fence[i]);
		npu_queue_release(queue[i]);
		npu_buffer_release(b[i]);
	}
	npu_buffer_release(a);
}

struct worker {
	struct fixture *f;
	struct npu_queue *queue;
	uint8_t fill;
	int errors;
};

/* No assertions here: cmocka's belong to the main thread. */
static void *work(void *arg)
{
	struct worker *w = arg;
	struct npu_buffer *a, *b;
	struct npu_fence *fence;
	struct npu_job job;
	uint8_t got[4096];

	for (unsigned int n = 0; n < 60; n++) {
		struct npu_binding binding[2] = { { .region = 0 }, { .region = 1 } };

		if (npu_buffer_create(w->f->dev, 4096, n & 1, &a) ||
		    npu_buffer_create(w->f->dev, 4096, 0, &b)) {
			w->errors++;
			break;
		}
		memset(got, w->fill + n, sizeof(got));
		w->errors += !!npu_buffer_write(a, 0, got, sizeof(got));
		binding[0].buffer = a;
		binding[1].buffer = b;
		job = (struct npu_job){ .program = w->f->copy,
					.bindings = binding,
					.binding_count = 2 };
		if (npu_queue_submit(w->queue, &job, 1, NULL, 0, &fence)) {
			w->errors++;
			break;
		}
		npu_buffer_release(a);
		w->errors += !!npu_fence_wait(fence, NPU_WAIT_FOREVER);
		w->errors += !!npu_buffer_read(b, 0, got, sizeof(got));
		for (unsigned int i = 0; i < sizeof(got); i++)
			w->errors += got[i] != (uint8_t)(w->fill + n);
		npu_fence_release(fence);
		npu_buffer_release(b);
	}
	return NULL;
}

static void threads_share_everything(void **state)
{
	struct fixture *f = *state;
	struct worker w[6];
	struct npu_queue *second;
	pthread_t thread[6];

	test_ok(npu_queue_create(f->dev, NULL, &second));
	for (unsigned int i = 0; i < 6; i++) {
		w[i] = (struct worker){ f, i < 3 ? f->queue : second, 40 * i, 0 };
		assert_int_equal(pthread_create(&thread[i], NULL, work, &w[i]), 0);
	}
	for (unsigned int i = 0; i < 6; i++) {
		assert_int_equal(pthread_join(thread[i], NULL), 0);
		assert_int_equal(w[i].errors, 0);
	}
	npu_queue_release(second);
}

static void a_hanging_job_times_out(void **state)
{
	const struct npu_queue_attr attr = { .priority = NPU_PRIORITY_NORMAL, .timeout_ms = 50 };
	struct npu_device *dev;
	struct npu_program *hang, *copy;
	struct npu_queue *queue, *other;
	struct npu_fence *fence[3], *well;
	struct npu_buffer *a, *b;
	struct npu_job job = { 0 };
	struct npu_result r;
	struct test_job t;

	(void)state;
	dev = test_open();
	if (!test_can_hang(dev)) {
		npu_close(dev);
		skip();
	}
	hang = test_hang_program(dev);
	copy = test_copy_program(dev, 4096);
	a = test_new_buffer(dev, 4096, 0, 1);
	b = test_new_buffer(dev, 4096, 0, 0);
	test_copy_job(&t, copy, a, b);
	test_ok(npu_queue_create(dev, &attr, &queue));
	test_ok(npu_queue_create(dev, NULL, &other));
	job.program = hang;
	for (unsigned int i = 0; i < 3; i++)
		test_ok(npu_queue_submit(queue, i == 1 ? &t.job : &job, 1, NULL, 0, &fence[i]));
	/* Another queue goes on meanwhile. */
	test_ok(npu_queue_submit(other, &t.job, 1, NULL, 0, &well));
	test_ok(npu_fence_wait(well, NPU_WAIT_FOREVER));
	test_expect(b, 4096, 1);
	assert_int_equal(npu_fence_wait(fence[0], NPU_WAIT_FOREVER), -ETIMEDOUT);
	assert_non_null(strstr(npu_error(), "timeout"));
	test_ok(npu_fence_result(fence[0], &r));
	assert_int_equal(r.status, NPU_JOB_ABORTED);
	assert_int_equal(npu_fence_wait(fence[1], NPU_WAIT_FOREVER), -ECANCELED);
	assert_int_equal(npu_fence_wait(fence[2], NPU_WAIT_FOREVER), -ECANCELED);
	assert_int_equal(npu_queue_state(queue), -ETIMEDOUT);
	assert_int_equal(npu_queue_state(other), 0);
	npu_queue_release(queue);

	/* A queue with a hanging job can be released. */
	test_ok(npu_queue_create(dev, NULL, &queue));
	for (unsigned int i = 0; i < 3; i++) {
		npu_fence_release(fence[i]);
		test_ok(npu_queue_submit(queue, &job, 1, NULL, 0, &fence[i]));
	}
	npu_queue_release(queue);
	for (unsigned int i = 0; i < 3; i++) {
		assert_int_equal(npu_fence_wait(fence[i], 0), -ECANCELED);
		npu_fence_release(fence[i]);
	}
	npu_fence_release(well);
	npu_queue_release(other);
	npu_buffer_release(a);
	npu_buffer_release(b);
	npu_program_release(hang);
	npu_program_release(copy);
	npu_close(dev);
}

/* Each size of ring set gives every priority a place. */
static void few_rings_are_enough(void **state)
{
	(void)state;
	for (unsigned int rings = 1; rings <= 9; rings++) {
		struct npu_buffer *a, *b;
		struct npu_program *copy;
		struct npu_device *dev;
		char name[32];

		snprintf(name, sizeof(name), "sim:rings=%u", rings);
		test_ok(npu_open(&dev, name));
		copy = test_copy_program(dev, 4096);
		a = test_new_buffer(dev, 4096, 0, rings);
		for (unsigned int p = 0; p <= NPU_PRIORITY_REALTIME; p++) {
			const struct npu_queue_attr attr = { .priority = p };
			struct npu_queue *queue;
			struct npu_fence *fence;
			struct test_job t;

			b = test_new_buffer(dev, 4096, 0, 0);
			test_ok(npu_queue_create(dev, &attr, &queue));
			test_copy_job(&t, copy, a, b);
			test_ok(npu_queue_submit(queue, &t.job, 1, NULL, 0, &fence));
			test_ok(npu_fence_wait(fence, NPU_WAIT_FOREVER));
			test_expect(b, 4096, rings);
			npu_fence_release(fence);
			npu_queue_release(queue);
			npu_buffer_release(b);
		}
		npu_buffer_release(a);
		npu_program_release(copy);
		npu_close(dev);
	}
}

int main(void)
{
#define TEST(f) cmocka_unit_test_setup_teardown(f, setup, teardown)
	const struct CMUnitTest tests[] = {
		TEST(jobs_run_in_order),
		TEST(thousands_of_jobs),
		TEST(bad_submissions_are_explained),
		TEST(offsets_count),
		TEST(a_failing_job_bans_its_queue),
		TEST(jobs_behind_a_failing_one_are_canceled),
		TEST(release_cancels),
		TEST(more_queues_than_rings),
		TEST(threads_share_everything),
		cmocka_unit_test(a_hanging_job_times_out),
		cmocka_unit_test(few_rings_are_enough),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
