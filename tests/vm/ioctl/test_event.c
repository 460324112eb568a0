// SPDX-License-Identifier: MIT
/*
 * Copyright (c) 2026 the npu authors
 *
 * Uevents: what is told of jobs and resets, what is not, and that nobody can flood udev. Those of injected
 * faults are test_inject's. Wants root and a card with inject=on.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <time.h>
#include <unistd.h>

#include "npu_test.h"
#include "npu_uevent.h"

#define CODE_VA		0x100000ull
#define HOLE_VA		0x7000000000ull
#define SIZE		0x1000u
#define SHORT_MS	300
#define LONG_MS		600000
#define BURST		10	/* of a kind, */
#define PERIOD_S	5	/* in so many seconds */

struct env {
	int fd;
	int events;
	char name[64];
	uint32_t vm;
	struct npu_buf code;
	size_t hang;
	volatile uint8_t *runs;	/* not 0: the job that hangs has begun */
	uint32_t sync;
};

/* Long enough for a new time in which events are counted to begin. */
static int setup(void **state)
{
	struct env *e = calloc(1, sizeof(*e));

	sleep(PERIOD_S + 1);
	e->fd = npu_open();
	npu_pci_name(e->fd, e->name, sizeof(e->name));
	e->vm = npu_vm_create(e->fd);
	e->code = npu_buf_create(e->fd, e->vm, CODE_VA, SIZE, 0);
	e->hang = npu_put_copy(e->code.map, 1);
	e->hang += npu_put_hang(e->code.map + e->hang);
	e->code.map[0xa00] = 1;
	e->runs = e->code.map + 0xb00;
	e->sync = npu_syncobj_create(e->fd);
	e->events = npu_uevent_open();
	*state = e;
	return 0;
}

static int teardown(void **state)
{
	struct env *e = *state;

	munmap(e->code.map, SIZE);
	close(e->events);
	close(e->fd);
	free(e);
	return 0;
}

static struct npu_q new_queue(struct env *e, uint32_t priority, uint32_t timeout_ms)
{
	return npu_queue_create(e->fd, e->vm, priority, timeout_ms);
}

/* One that faults at once, for its code is nowhere. */
static void submit_fault(struct env *e, const struct npu_q *q)
{
	npu_submit(q, HOLE_VA, 16, NULL, 0, 1, 0, e->sync);
}

static void submit_empty(struct env *e, const struct npu_q *q)
{
	npu_submit(q, CODE_VA, 0, NULL, 0, 1, 0, e->sync);
	npu_syncobj_wait(e->fd, e->sync);
}

static void start_hanging(struct env *e, const struct npu_q *q, uint32_t sync)
{
	const uint64_t regions[2] = { CODE_VA + 0xa00, CODE_VA + 0xb00 };

	*e->runs = 0;
	npu_submit(q, CODE_VA, e->hang, regions, 2, 1, 0, sync);
	while (!*e->runs)
		usleep(1000);
}

static void destroy(struct npu_q *q)
{
	npu_ioctl(q->fd, DRM_IOCTL_NPU_QUEUE_DESTROY, &(struct drm_npu_queue_destroy) { .id = q->id });
	npu_queue_unmap(q);
}

/* The next event of all is about that job. */
static void expect_job(struct env *e, const struct npu_q *q, long long job, const char *reason)
{
	struct npu_uevent ev;

	assert_true(npu_uevent_try_next(e->events, &ev, 60000));
	assert_string_equal(npu_uevent_value(&ev, "NPU_EVENT"), "job");
	assert_non_null(strstr(npu_uevent_value(&ev, "DEVPATH"), e->name));
	assert_int_equal(npu_uevent_number(&ev, "PID"), getpid());
	assert_int_equal(npu_uevent_number(&ev, "QUEUE"), q->id);
	assert_int_equal(npu_uevent_number(&ev, "JOB"), job);
	assert_string_equal(npu_uevent_value(&ev, "REASON"), reason);
	assert_null(npu_uevent_value(&ev, "LOST"));
}

static void expect_reset(struct env *e, const char *stage)
{
	struct npu_uevent ev;

	assert_true(npu_uevent_try_next(e->events, &ev, 60000));
	assert_string_equal(npu_uevent_value(&ev, "NPU_EVENT"), "reset");
	assert_string_equal(npu_uevent_value(&ev, "STAGE"), stage);
	assert_int_equal(!!npu_uevent_value(&ev, "RING"), !!strcmp(stage, "function"));
}

/* Once a queue, for what banned it; not of jobs that are well. */
static void test_fault(void **state)
{
	struct env *e = *state;
	struct npu_q q = new_queue(e, DRM_NPU_PRIORITY_NORMAL, 0), other = new_queue(e, 0, 0);

	submit_empty(e, &q);
	npu_submit(&q, HOLE_VA, 16, NULL, 0, 3, 0, e->sync);
	expect_job(e, &q, 2, "fault");
	npu_syncobj_wait(e->fd, e->sync);
	e->code.map[0x800] = 0xee;
	npu_submit(&other, CODE_VA + 0x800, 16, NULL, 0, 1, 0, e->sync);
	expect_job(e, &other, 1, "invalid");
	destroy(&q);
	destroy(&other);
}

static void test_timeout(void **state)
{
	struct env *e = *state;
	struct npu_q q = new_queue(e, DRM_NPU_PRIORITY_NORMAL, SHORT_MS);

	start_hanging(e, &q, e->sync);
	expect_job(e, &q, 1, "timeout");
	destroy(&q);
}

/* Who ends his own queue has nothing to be told. */
static void test_destroyed(void **state)
{
	struct env *e = *state;
	struct npu_q q = new_queue(e, DRM_NPU_PRIORITY_NORMAL, LONG_MS), other = new_queue(e, 1, 0);

	start_hanging(e, &q, e->sync);
	destroy(&q);
	npu_syncobj_wait(e->fd, e->sync);
	submit_fault(e, &other);
	expect_job(e, &other, 1, "fault");
	destroy(&other);
}

/* The administrator's, with a job that is lost by it. */
static void test_reset(void **state)
{
	struct env *e = *state;
	struct npu_q q = new_queue(e, DRM_NPU_PRIORITY_NORMAL, LONG_MS);

	start_hanging(e, &q, e->sync);
	assert_int_equal(npu_sysfs_write(e->fd, "reset", "1"), 0);
	expect_job(e, &q, 1, "reset");
	expect_reset(e, "function");
	destroy(&q);
}

/* Bus mastering of the card as a bit of its configuration space. */
static void set_bus_master(struct env *e, bool on)
{
	char path[128];
	uint16_t command;
	int fd;

	snprintf(path, sizeof(path), "/sys/bus/pci/devices/%s/config", e->name);
	fd = open(path, O_RDWR | O_CLOEXEC);
	assert_true(fd >= 0);
	assert_int_equal(pread(fd, &command, sizeof(command), 4), sizeof(command));
	command = on ? command | 4 : command & ~4;
	assert_int_equal(pwrite(fd, &command, sizeof(command), 4), sizeof(command));
	close(fd);
}

/*
 * A card that cannot tell of a job's end, because it reaches no memory: the ring halts, nobody is told so, for
 * there are no interrupts either, and the ring is reset; what another ring runs goes on.
 */
static void test_ring_reset(void **state)
{
	struct env *e = *state;
	struct npu_q q = new_queue(e, DRM_NPU_PRIORITY_NORMAL, SHORT_MS);
	struct npu_q busy = new_queue(e, DRM_NPU_PRIORITY_LOW, LONG_MS), other = new_queue(e, 1, 0);
	uint32_t sync = npu_syncobj_create(e->fd);
	long long resets = npu_sysfs(e->fd, "resets");

	submit_empty(e, &other);
	start_hanging(e, &busy, sync);
	start_hanging(e, &q, e->sync);
	set_bus_master(e, false);
	npu_syncobj_wait(e->fd, e->sync);
	set_bus_master(e, true);
	assert_int_equal(npu_queue_result(&q, 1).error, -ETIMEDOUT);
	expect_job(e, &q, 1, "timeout");
	expect_reset(e, "ring");
	assert_int_equal(npu_sysfs(e->fd, "resets"), resets);
	assert_int_equal(npu_queue_state(&busy).completed, 0);
	for (int i = 0; i < 4; i++)
		submit_empty(e, &other);
	assert_int_equal(npu_queue_result(&other, 5).error, 0);
	destroy(&q);
	destroy(&busy);
	destroy(&other);
}

static unsigned int now_s(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return ts.tv_sec;
}

/* Many bad jobs: a few are told, and how many were not; a reset in the middle of them is told all the same. */
static void test_flood(void **state)
{
	struct env *e = *state;
	unsigned int start = now_s(), periods, told = 0, lost = 0, resets = 0, n = 150;
	struct npu_q q, final = new_queue(e, DRM_NPU_PRIORITY_NORMAL, 0);
	struct npu_uevent ev, last;

	for (unsigned int i = 0; i < n; i++) {
		q = i < n - 1 ? new_queue(e, DRM_NPU_PRIORITY_NORMAL, 0) : final;
		submit_fault(e, &q);
		npu_syncobj_wait(e->fd, e->sync);
		if (i < n - 1)
			destroy(&q);
		if (i == n / 2)
			assert_int_equal(npu_sysfs_write(e->fd, "reset", "1"), 0);
	}
	do {
		assert_true(npu_uevent_try_next(e->events, &ev, 60000));
		if (strcmp(npu_uevent_value(&ev, "NPU_EVENT"), "job")) {
			resets++;
			continue;
		}
		told++;
		last = ev;
		if (npu_uevent_value(&ev, "LOST")) {
			assert_true(npu_uevent_number(&ev, "LOST") > 0);
			lost += npu_uevent_number(&ev, "LOST");
		}
	} while (told + lost < n);
	periods = (now_s() - start) / PERIOD_S + 2;
	print_message("             %u told, %u not\n", told, lost);
	assert_int_equal(told + lost, n);
	/* The last one is always told. */
	assert_int_equal(npu_uevent_number(&last, "QUEUE"), final.id);
	assert_true(told <= BURST * periods);
	/* Where it went slowly there was nothing to lose. */
	if (n / 2 > BURST * periods)
		assert_true(lost > 0);
	assert_int_equal(resets, 1);
	assert_false(npu_uevent_try_next(e->events, &ev, 500));
	destroy(&final);
}

#define TEST(name) cmocka_unit_test_setup_teardown(test_##name, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(fault),
		TEST(timeout),
		TEST(destroyed),
		TEST(reset),
		TEST(ring_reset),
		TEST(flood),
	};

	return cmocka_run_group_tests_name("event", tests, NULL, NULL);
}
