// SPDX-License-Identifier: MIT
/*
 * Copyright (c) 2026 the npu authors
 *
 * Fences: waiting for one and for many, jobs that wait for jobs of other queues and other cards,
 * files to poll, results.
 */
#include <poll.h>
#include <pthread.h>
#include <unistd.h>

#include "common.h"

struct fixture {
	struct npu_device *dev;
	struct npu_queue *queue, *second;
	struct npu_program *copy, *slow;
	struct npu_buffer *a, *b, *c;
};

static int setup(void **state)
{
	struct fixture *f = calloc(1, sizeof(*f));

	assert_non_null(f);
	f->dev = test_open();
	f->copy = test_copy_program(f->dev, 4096);
	f->slow = test_slow_program(f->dev, 300);
	test_ok(npu_queue_create(f->dev, NULL, &f->queue));
	test_ok(npu_queue_create(f->dev, NULL, &f->second));
	f->a = test_new_buffer(f->dev, 4096, NPU_BUFFER_HOST, 0x11);
	f->b = test_new_buffer(f->dev, 4096, NPU_BUFFER_LOCAL, 0);
	f->c = test_new_buffer(f->dev, 4096, NPU_BUFFER_HOST, 0);
	*state = f;
	return 0;
}

static int teardown(void **state)
{
	struct fixture *f = *state;

	/* In an order of no sense: whatever uses the rest keeps it. */
	npu_close(f->dev);
	npu_buffer_release(f->a);
	npu_buffer_release(f->b);
	npu_buffer_release(f->c);
	npu_program_release(f->copy);
	npu_program_release(f->slow);
	npu_queue_release(f->queue);
	npu_queue_release(f->second);
	free(f);
	return 0;
}

static struct npu_fence *submit(struct npu_queue *queue, struct npu_program *prog,
				struct npu_buffer *from, struct npu_buffer *to,
				struct npu_fence *const *waits, unsigned int count)
{
	struct npu_fence *fence;
	struct test_job t;

	test_copy_job(&t, prog, from, to);
	test_ok(npu_queue_submit(queue, &t.job, 1, waits, count, &fence));
	return fence;
}

static void waiting_has_limits(void **state)
{
	struct fixture *f = *state;
	struct npu_program *hang;
	struct npu_fence *fence[3];
	struct npu_job job = { 0 };
	struct npu_queue *queue;
	struct npu_result r;

	if (!test_can_hang(f->dev))
		skip();
	hang = test_hang_program(f->dev);
	test_ok(npu_queue_create(f->dev, NULL, &queue));
	fence[0] = submit(queue, f->copy, f->a, f->b, NULL, 0);
	job.program = hang;
	test_ok(npu_queue_submit(queue, &job, 1, NULL, 0, &fence[1]));
	fence[2] = submit(f->second, f->copy, f->a, f->b, &fence[1], 1);
	test_ok(npu_fence_wait(fence[0], NPU_WAIT_FOREVER));
	for (unsigned int i = 1; i < 3; i++) {
		assert_int_equal(npu_fence_wait(fence[i], 0), -ETIME);
		assert_int_equal(npu_fence_wait(fence[i], 1000000), -ETIME);
		assert_int_equal(npu_fence_result(fence[i], &r), -EBUSY);
	}
	assert_int_equal(npu_fence_wait_many(fence, 3, true, 1000000, NULL), -ETIME);
	assert_int_equal(npu_fence_wait_many(&fence[1], 2, false, 1000000, NULL), -ETIME);
	test_ok(npu_fence_wait_many(fence, 3, false, 0, NULL));
	npu_queue_release(queue);
	assert_int_equal(npu_fence_wait(fence[1], 0), -ECANCELED);
	test_ok(npu_fence_wait(fence[2], NPU_WAIT_FOREVER));
	test_ok(npu_fence_wait_many(fence, 3, true, 0, NULL));
	for (unsigned int i = 0; i < 3; i++)
		npu_fence_release(fence[i]);
	npu_fence_release(NULL);
	npu_program_release(hang);
	assert_int_equal(npu_fence_wait_many(NULL, 0, true, 0, NULL), -EINVAL);
	assert_int_equal(npu_fence_wait_many((struct npu_fence *[]){ NULL }, 1, false, 0, NULL),
			 -EINVAL);
}

static void any_is_the_first(void **state)
{
	struct fixture *f = *state;
	struct npu_fence *fence[3];
	unsigned int first = 99;

	fence[0] = submit(f->queue, f->slow, f->a, f->b, NULL, 0);
	fence[1] = submit(f->queue, f->slow, f->a, f->b, NULL, 0);
	fence[2] = submit(f->second, f->copy, f->a, f->c, &fence[0], 1);
	test_ok(npu_fence_wait_many(&fence[1], 2, false, NPU_WAIT_FOREVER, &first));
	assert_in_range(first, 0, 1);
	test_ok(npu_fence_wait(fence[1 + first], 0));
	/* Fence 0 came before either. */
	test_ok(npu_fence_wait(fence[0], 0));
	test_ok(npu_fence_wait_many(fence, 3, false, 0, &first));
	assert_int_equal(first, 0);
	for (unsigned int i = 0; i < 3; i++) {
		test_ok(npu_fence_wait(fence[i], NPU_WAIT_FOREVER));
		npu_fence_release(fence[i]);
	}
}

/* Back and forth between two queues: a slow job fills what the other queue's copies on. */
static void queues_wait_for_each_other(void **state)
{
	struct fixture *f = *state;
	struct npu_fence *last = NULL, *next, *both[2];
	struct npu_buffer *chain[21];

	for (unsigned int i = 0; i < 21; i++)
		chain[i] = test_new_buffer(f->dev, 4096, i & 1, i ? 0 : 0x2a);
	for (unsigned int i = 0; i < 20; i++) {
		next = submit(i & 1 ? f->queue : f->second, i % 5 ? f->copy : f->slow, chain[i],
			      chain[i + 1], &last, last ? 1 : 0);
		npu_fence_release(last);
		last = next;
	}
	both[0] = last;
	both[1] = submit(f->queue, f->slow, f->a, f->b, NULL, 0);
	next = submit(f->second, f->copy, f->b, f->c, both, 2);
	test_ok(npu_fence_wait(next, NPU_WAIT_FOREVER));
	test_ok(npu_fence_wait(both[0], 0));
	test_ok(npu_fence_wait(both[1], 0));
	for (unsigned int i = 0; i < 21; i++) {
		test_expect(chain[i], 4096, 0x2a);
		npu_buffer_release(chain[i]);
	}
	test_expect(f->c, 4096, 0x11);
	npu_fence_release(both[0]);
	npu_fence_release(both[1]);
	npu_fence_release(next);
}

static void *release_it(void *fence)
{
	npu_fence_release(fence);
	return NULL;
}

/*
 * Each job waits for the one before, on the other queue, and only the last fence is kept: it must
 * not keep all the others, or releasing it goes through them all, one call inside another.
 */
static void a_long_chain_is_let_go(void **state)
{
	struct fixture *f = *state;
	struct npu_fence *last = NULL, *before = NULL, *next;
	pthread_attr_t small;
	pthread_t thread;

	for (unsigned int i = 0; i < 6000; i++) {
		next = submit(i & 1 ? f->queue : f->second, f->copy, f->a, f->b, &last,
			      last ? 1 : 0);
		npu_fence_release(before);
		before = last;
		last = next;
	}
	test_ok(npu_fence_wait(last, NPU_WAIT_FOREVER));
	test_ok(npu_fence_wait(before, NPU_WAIT_FOREVER));
	npu_fence_release(before);
	pthread_attr_init(&small);
	assert_int_equal(pthread_attr_setstacksize(&small, 256 << 10), 0);
	assert_int_equal(pthread_create(&thread, &small, release_it, last), 0);
	assert_int_equal(pthread_join(thread, NULL), 0);
	pthread_attr_destroy(&small);
}

static void wait_for_each_other(struct fixture *f, const char *name)
{
	struct npu_program *copy, *slow;
	struct npu_buffer *from, *to;
	struct npu_fence *first, *second, *third, *many[2];
	struct npu_queue *queue;
	struct npu_device *other;
	unsigned int which;

	test_ok(npu_open(&other, name));
	copy = test_copy_program(other, 4096);
	slow = test_slow_program(other, 300);
	from = test_new_buffer(other, 4096, 0, 0x77);
	to = test_new_buffer(other, 4096, 0, 0);
	test_ok(npu_queue_create(other, NULL, &queue));

	first = submit(queue, slow, from, to, NULL, 0);
	second = submit(f->queue, f->copy, f->a, f->b, &first, 1);
	third = submit(queue, copy, from, to, &second, 1);
	test_ok(npu_fence_wait(third, NPU_WAIT_FOREVER));
	test_ok(npu_fence_wait(second, 0));
	test_ok(npu_fence_wait(first, 0));
	npu_fence_release(first);
	npu_fence_release(second);
	npu_fence_release(third);

	many[0] = submit(queue, slow, from, to, NULL, 0);
	many[1] = submit(f->queue, f->slow, f->a, f->b, NULL, 0);
	test_ok(npu_fence_wait_many(many, 2, false, NPU_WAIT_FOREVER, &which));
	test_ok(npu_fence_wait(many[which], 0));
	test_ok(npu_fence_wait_many(many, 2, true, NPU_WAIT_FOREVER, NULL));
	npu_fence_release(many[0]);
	npu_fence_release(many[1]);
	npu_queue_release(queue);
	npu_program_release(copy);
	npu_program_release(slow);
	npu_buffer_release(from);
	npu_buffer_release(to);
	npu_close(other);
}

/* With a simulated card, and where there are two real ones, with the other. */
static void cards_wait_for_each_other(void **state)
{
	struct fixture *f = *state;
	char other[32];

	wait_for_each_other(f, "sim:cores=1");
	if (test_other_card(f->dev, other))
		wait_for_each_other(f, other);
}

/* What waits is released first; what it waited for signals before, meanwhile or later. */
static void who_waits_may_go_first(void **state)
{
	struct fixture *f = *state;
	struct npu_program *hang = test_can_hang(f->dev) ? test_hang_program(f->dev) : NULL;
	const struct npu_queue_attr soon = { .priority = NPU_PRIORITY_NORMAL, .timeout_ms = 200 };

	for (unsigned int n = 0; n < 30; n++) {
		struct npu_fence *source, *waiter[3];
		struct npu_queue *queue, *hanging = NULL;
		struct npu_job job = { .program = hang };
		int ret;

		if (hang && n % 3 == 0) {
			test_ok(npu_queue_create(f->dev, &soon, &hanging));
			test_ok(npu_queue_submit(hanging, &job, 1, NULL, 0, &source));
		} else {
			source = submit(f->queue, f->slow, f->a, f->b, NULL, 0);
		}
		test_ok(npu_queue_create(f->dev, NULL, &queue));
		for (unsigned int i = 0; i < 3; i++)
			waiter[i] = submit(queue, f->copy, f->a, f->c, &source, 1);
		if (n % 3 == 1)
			test_ok(npu_fence_wait(source, NPU_WAIT_FOREVER));
		npu_queue_release(queue);
		for (unsigned int i = 0; i < 3; i++) {
			ret = npu_fence_wait(waiter[i], 0);
			assert_true(ret == -ECANCELED || (ret == 0 && !hanging));
			npu_fence_release(waiter[i]);
		}
		npu_queue_release(hanging);
		ret = npu_fence_wait(source, NPU_WAIT_FOREVER);
		/* A real card's jobs end after what they wait for, even when they are canceled. */
		assert_true(hanging ? ret == -ECANCELED || ret == -ETIMEDOUT : ret == 0);
		npu_fence_release(source);
	}
	npu_program_release(hang);
}

static bool readable(int fd, int timeout_ms)
{
	struct pollfd p = { .fd = fd, .events = POLLIN };

	return poll(&p, 1, timeout_ms) == 1 && p.revents & POLLIN;
}

static void files_can_be_polled(void **state)
{
	struct fixture *f = *state;
	struct npu_fence *fence, *imported;
	int early, late;

	fence = submit(f->queue, f->slow, f->a, f->b, NULL, 0);
	test_ok(npu_fence_fd(fence, &early));
	assert_true(readable(early, -1));
	test_ok(npu_fence_wait(fence, 0));
	test_ok(npu_fence_fd(fence, &late));
	assert_true(readable(late, -1));
	close(late);
	if (test_is_sim()) {
		assert_int_equal(npu_fence_import(f->dev, early, &imported), -EOPNOTSUPP);
		assert_null(imported);
	} else {
		struct npu_fence *after;
		struct npu_result r;

		assert_int_equal(npu_fence_import(f->dev, STDIN_FILENO, &imported), -EINVAL);
		test_ok(npu_fence_import(f->dev, early, &imported));
		test_ok(npu_fence_wait(imported, NPU_WAIT_FOREVER));
		assert_int_equal(npu_fence_result(imported, &r), -ENODATA);
		npu_fence_release(imported);
		test_ok(npu_fence_import(f->dev, early, &imported));
		after = submit(f->second, f->copy, f->b, f->c, &imported, 1);
		test_ok(npu_fence_wait(after, NPU_WAIT_FOREVER));
		test_expect(f->c, 4096, 0x11);
		npu_fence_release(after);
		npu_fence_release(imported);
	}
	close(early);
	npu_fence_release(fence);

	/* A file that nobody polls, a fence that nobody keeps. */
	fence = submit(f->queue, f->slow, f->a, f->b, NULL, 0);
	test_ok(npu_fence_fd(fence, &early));
	npu_fence_release(fence);
	assert_true(readable(early, -1));
	close(early);
}

static void cycles_are_the_same_each_time(void **state)
{
	struct fixture *f = *state;
	uint64_t cycles = 0;

	for (unsigned int i = 0; i < 5; i++) {
		struct npu_fence *fence = submit(f->queue, f->slow, f->a, f->b, NULL, 0);
		struct npu_result r;

		test_ok(npu_fence_wait(fence, NPU_WAIT_FOREVER));
		test_ok(npu_fence_result(fence, &r));
		assert_true(r.cycles > 0);
		if (i)
			assert_int_equal(r.cycles, cycles);
		cycles = r.cycles;
		npu_fence_release(fence);
	}
}

struct waiter {
	struct npu_fence *fence;
	int ret;
};

static void *wait_for_it(void *arg)
{
	struct waiter *w = arg;

	w->ret = npu_fence_wait(w->fence, NPU_WAIT_FOREVER);
	return NULL;
}

static void many_threads_wait_for_one(void **state)
{
	struct fixture *f = *state;
	struct npu_fence *fence = submit(f->queue, f->slow, f->a, f->b, NULL, 0);
	struct waiter w[8];
	pthread_t thread[8];

	for (unsigned int i = 0; i < 8; i++) {
		w[i] = (struct waiter){ fence, 1 };
		assert_int_equal(pthread_create(&thread[i], NULL, wait_for_it, &w[i]), 0);
	}
	for (unsigned int i = 0; i < 8; i++) {
		assert_int_equal(pthread_join(thread[i], NULL), 0);
		assert_int_equal(w[i].ret, 0);
	}
	npu_fence_release(fence);
}

int main(void)
{
#define TEST(f) cmocka_unit_test_setup_teardown(f, setup, teardown)
	const struct CMUnitTest tests[] = {
		TEST(waiting_has_limits),	  TEST(any_is_the_first),
		TEST(queues_wait_for_each_other), TEST(a_long_chain_is_let_go),
		TEST(cards_wait_for_each_other),  TEST(who_waits_may_go_first),
		TEST(files_can_be_polled),	  TEST(cycles_are_the_same_each_time),
		TEST(many_threads_wait_for_one),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
