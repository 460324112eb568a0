// SPDX-License-Identifier: MIT
/*
 * Copyright (c) 2026 the npu authors
 *
 * Jobs that hang, and everything that can happen to them: timeouts, the end of their queue, file or
 * process, a reset of the card, its removal. Wants root and a card with inject=on. Every test ends
 * with a card that works.
 */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include "npu_test.h"

#define CODE_VA		0x100000ull
#define SIZE		0x4000u
#define SHORT_MS	300
#define LONG_MS		600000	/* longer than any test, however slow the kernel */

/*
 * One open node with an address space and a buffer: a job that says that it runs and hangs, and one
 * that does not.
 */
struct env {
	int fd;
	uint32_t vm;
	struct npu_buf code;
	struct drm_npu_info info;
	size_t hang;
	volatile uint8_t *runs;	/* not 0: the job that hangs has begun */
	uint64_t marks[2];	/* its regions: a byte that is not 0, and @runs */
	uint64_t copy;		/* where the copying stream is, */
	size_t copy_size;	/* and its size */
	uint64_t regions[2];
};

static void open_env(struct env *e)
{
	e->fd = npu_open();
	e->info = npu_info(e->fd);
	assert_true(e->info.features & NPU_FEATURE_INJECT);
	e->vm = npu_vm_create(e->fd);
	e->code = npu_buf_create(e->fd, e->vm, CODE_VA, SIZE, 0);
	e->hang = npu_put_copy(e->code.map, 1);
	e->hang += npu_put_hang(e->code.map + e->hang);
	e->marks[0] = CODE_VA + 0x2800;
	e->marks[1] = CODE_VA + 0x3800;
	e->code.map[0x2800] = 1;
	e->runs = e->code.map + 0x3800;
	e->copy = CODE_VA + 0x1000;
	e->copy_size = npu_put_copy(e->code.map + 0x1000, 256);
	e->regions[0] = CODE_VA + 0x2000;
	e->regions[1] = CODE_VA + 0x3000;
	for (int i = 0; i < 256; i++)
		e->code.map[0x2000 + i] = i ^ 0x5a;
	memset(e->code.map + 0x3000, 0, 256);
}

static void close_env(struct env *e)
{
	munmap(e->code.map, e->code.size);
	close(e->fd);
}

static int setup(void **state)
{
	*state = calloc(1, sizeof(struct env));
	open_env(*state);
	return 0;
}

static int teardown(void **state)
{
	close_env(*state);
	free(*state);
	return 0;
}

static void submit_hang(struct env *e, const struct npu_q *q, uint32_t sync)
{
	npu_submit(q, CODE_VA, e->hang, e->marks, 2, 1, 0, sync);
}

static void submit_copy(struct env *e, const struct npu_q *q, uint32_t sync)
{
	npu_submit(q, e->copy, e->copy_size, e->regions, 2, 1, 0, sync);
}

/* A job on all cores at once, so none of them is still held by what hung. */
static int submit_gang(struct env *e, const struct npu_q *q, uint32_t sync, bool hang)
{
	struct drm_npu_stream streams[NPU_MAX_CORES];
	struct drm_npu_job job = {
		.streams = {
			.stride = sizeof(streams[0]),
			.count = e->info.cores,
			.array = (uintptr_t)streams,
		},
		.regions = (uintptr_t)e->marks,
		.region_count = 2,
	};
	struct drm_npu_sync out = { .flags = DRM_NPU_SYNC_SIGNAL, .handle = sync };

	for (unsigned int i = 0; i < e->info.cores; i++)
		streams[i] = (struct drm_npu_stream) {
			.va = CODE_VA,
			.size = hang && !i ? e->hang : 0,
		};
	return npu_try_submit(q, &job, 1, &out, 1, NULL);
}

/* The card computes, on all its cores, and right. */
static void assert_card_works(struct env *e)
{
	struct npu_q q = npu_queue_create(e->fd, e->vm, DRM_NPU_PRIORITY_NORMAL, 0);
	uint32_t sync = npu_syncobj_create(e->fd);

	assert_int_equal(submit_gang(e, &q, sync, false), 0);
	npu_syncobj_wait(e->fd, sync);
	submit_copy(e, &q, sync);
	npu_syncobj_wait(e->fd, sync);
	assert_int_equal(npu_queue_result(&q, 1).error, 0);
	assert_int_equal(npu_queue_result(&q, 2).error, 0);
	assert_memory_equal(e->code.map + 0x2000, e->code.map + 0x3000, 256);
	memset(e->code.map + 0x3000, 0, 256);
}

static int fence_status(struct env *e, uint32_t sync)
{
	int file = npu_syncobj_export_fence(e->fd, sync);
	int status = npu_sync_file_status(file);

	close(file);
	return status;
}

/*
 * Waits until a job of @e that hangs has begun, the first time. Not for any job that runs: what others left on the
 * card may still be ending.
 */
static void wait_running(struct env *e)
{
	while (!*e->runs)
		usleep(1000);
}

/* ---- Timeouts ---------------------------------------------------------------------------------- */

static void test_timeout(void **state)
{
	struct env *e = *state;
	struct npu_q q = npu_queue_create(e->fd, e->vm, DRM_NPU_PRIORITY_NORMAL, SHORT_MS);
	struct npu_q other = npu_queue_create(e->fd, e->vm, DRM_NPU_PRIORITY_NORMAL, 0);
	uint32_t sync = npu_syncobj_create(e->fd), after = npu_syncobj_create(e->fd);
	long long timeouts = npu_sysfs(e->fd, "timeouts"), resets = npu_sysfs(e->fd, "resets");

	submit_hang(e, &q, sync);
	submit_copy(e, &q, after);
	/* Others work meanwhile. */
	for (int i = 0; i < 10; i++) {
		uint32_t s = npu_syncobj_create(e->fd);

		submit_copy(e, &other, s);
		npu_syncobj_wait(e->fd, s);
		assert_int_equal(npu_queue_result(&other, i + 1).error, 0);
	}
	npu_syncobj_wait(e->fd, after);
	assert_int_equal(npu_queue_result(&q, 1).error, -ETIMEDOUT);
	assert_int_equal(npu_queue_result(&q, 1).status, NPU_JOB_ABORTED);
	assert_int_equal(npu_queue_result(&q, 2).error, -ECANCELED);
	assert_int_equal(fence_status(e, sync), -ETIMEDOUT);
	assert_int_equal(fence_status(e, after), -ECANCELED);
	assert_int_equal(npu_queue_state(&q).error, -ETIMEDOUT);
	assert_int_equal(npu_sysfs(e->fd, "timeouts"), timeouts + 1);
	/* ABORT was enough. */
	assert_int_equal(npu_sysfs(e->fd, "resets"), resets);
	assert_card_works(e);
}

/* Waiting for cores is no offence, however short one's timeout and long the wait. */
static void test_waiting_is_innocent(void **state)
{
	struct env *e = *state;
	struct npu_q hog = npu_queue_create(e->fd, e->vm, DRM_NPU_PRIORITY_NORMAL, 4 * SHORT_MS);
	struct npu_q q = npu_queue_create(e->fd, e->vm, DRM_NPU_PRIORITY_NORMAL, SHORT_MS);
	uint32_t hogs = npu_syncobj_create(e->fd), sync = npu_syncobj_create(e->fd);

	assert_int_equal(submit_gang(e, &hog, hogs, true), 0);
	wait_running(e);
	for (int i = 0; i < 5; i++)
		submit_copy(e, &q, sync);
	npu_syncobj_wait(e->fd, sync);
	for (int i = 0; i < 5; i++)
		assert_int_equal(npu_queue_result(&q, i + 1).error, 0);
	npu_syncobj_wait(e->fd, hogs);
	assert_int_equal(npu_queue_result(&hog, 1).error, -ETIMEDOUT);
	assert_card_works(e);
}

/* As many hanging queues as the card has rings, and then some. */
static void test_many_timeouts(void **state)
{
	struct env *e = *state;
	unsigned int n = e->info.rings + 5;
	uint32_t sync[NPU_MAX_RINGS + 5];
	struct npu_q q[NPU_MAX_RINGS + 5];

	for (unsigned int i = 0; i < n; i++) {
		q[i] = npu_queue_create(e->fd, e->vm, i % 4, 1);
		sync[i] = npu_syncobj_create(e->fd);
		submit_hang(e, &q[i], sync[i]);
	}
	for (unsigned int i = 0; i < n; i++) {
		npu_syncobj_wait(e->fd, sync[i]);
		assert_int_equal(npu_queue_result(&q[i], 1).error, -ETIMEDOUT);
	}
	assert_card_works(e);
}

/* ---- The end of queues, files, processes ------------------------------------------------------- */

static void test_destroy(void **state)
{
	struct env *e = *state;
	struct npu_q q = npu_queue_create(e->fd, e->vm, DRM_NPU_PRIORITY_NORMAL, LONG_MS);
	uint32_t sync = npu_syncobj_create(e->fd), last = npu_syncobj_create(e->fd);

	submit_hang(e, &q, sync);
	npu_submit(&q, e->copy, e->copy_size, e->regions, 2, 100, 0, last);
	wait_running(e);
	npu_ioctl(e->fd, DRM_IOCTL_NPU_QUEUE_DESTROY,
		  &(struct drm_npu_queue_destroy) { .id = q.id });
	npu_syncobj_wait(e->fd, last);
	assert_int_equal(fence_status(e, sync), -ECANCELED);
	assert_int_equal(fence_status(e, last), -ECANCELED);
	/* The mapping of the results is still good, and they are all there. */
	for (unsigned int i = 1; i <= 101; i++)
		assert_int_equal(npu_queue_result(&q, i).error, -ECANCELED);
	assert_card_works(e);
}

static void test_close(void **state)
{
	struct env *e = *state;
	struct env other = {};
	int files[8];

	open_env(&other);
	for (int i = 0; i < 8; i++) {
		struct npu_q q = npu_queue_create(other.fd, other.vm, i % 4, LONG_MS);
		uint32_t sync = npu_syncobj_create(other.fd);

		submit_hang(&other, &q, sync);
		files[i] = npu_syncobj_export_fence(other.fd, sync);
		npu_queue_unmap(&q);
	}
	wait_running(&other);
	close_env(&other);
	/* A gang on all cores comes through only when what hung is gone. */
	assert_card_works(e);
	for (int i = 0; i < 8; i++) {
		int status;

		while (!(status = npu_sync_file_status(files[i])))
			usleep(1000);
		assert_int_equal(status, -ECANCELED);
		close(files[i]);
	}
}

static void test_kill(void **state)
{
	struct env *e = *state;

	for (int round = 0; round < 5; round++) {
		int ready[2], status;
		pid_t pid;
		char c;

		assert_int_equal(pipe(ready), 0);
		pid = npu_fork();
		if (!pid) {
			struct env own = {};

			open_env(&own);
			for (int i = 0; i < 10; i++) {
				struct npu_q q = npu_queue_create(own.fd, own.vm, i % 4, LONG_MS);

				submit_hang(&own, &q, npu_syncobj_create(own.fd));
				submit_copy(&own, &q, npu_syncobj_create(own.fd));
			}
			_exit(write(ready[1], "x", 1) != 1 || pause());
		}
		close(ready[1]);
		assert_int_equal(read(ready[0], &c, 1), 1);
		close(ready[0]);
		kill(pid, SIGKILL);
		assert_int_equal(waitpid(pid, &status, 0), pid);
		assert_true(WIFSIGNALED(status));
		assert_card_works(e);
	}
}

/* Results that nobody makes room for: SUBMIT waits, and says so when it may not. */
static void test_room(void **state)
{
	struct env *e = *state;
	struct npu_q q = npu_queue_create(e->fd, e->vm, DRM_NPU_PRIORITY_NORMAL, LONG_MS);
	struct drm_npu_stream stream = { .va = CODE_VA };
	struct drm_npu_job job = {
		.streams = { .stride = sizeof(stream), .count = 1, .array = (uintptr_t)&stream },
	};
	int ret = 0, flags = fcntl(e->fd, F_GETFL);
	unsigned int n;
	int status;
	pid_t pid;

	assert_int_equal(fcntl(e->fd, F_SETFL, flags | O_NONBLOCK), 0);
	submit_hang(e, &q, npu_syncobj_create(e->fd));
	for (n = 1; !ret; n++)
		ret = npu_try_submit(&q, &job, 1, NULL, 0, NULL);
	assert_int_equal(ret, -EAGAIN);
	assert_int_equal(n - 1, q.count);
	assert_int_equal(fcntl(e->fd, F_SETFL, flags), 0);
	/* Who waits for room learns that there will be none; or that he came too late even to wait. */
	pid = npu_fork();
	if (!pid) {
		ret = npu_try_submit(&q, &job, 1, NULL, 0, NULL);
		_exit(ret != -ECANCELED && ret != -ENOENT);
	}
	usleep(50000);
	npu_ioctl(e->fd, DRM_IOCTL_NPU_QUEUE_DESTROY,
		  &(struct drm_npu_queue_destroy) { .id = q.id });
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_true(WIFEXITED(status));
	assert_int_equal(WEXITSTATUS(status), 0);
	assert_card_works(e);
}

/* ---- Fences that outlive ----------------------------------------------------------------------- */

static void test_fence_outlives(void **state)
{
	struct env *e = *state;
	struct env other = {};
	struct npu_q q;
	uint32_t sync;
	int done, bad;

	open_env(&other);
	q = npu_queue_create(other.fd, other.vm, DRM_NPU_PRIORITY_NORMAL, 0);
	sync = npu_syncobj_create(other.fd);
	submit_copy(&other, &q, sync);
	npu_syncobj_wait(other.fd, sync);
	done = npu_syncobj_export_fence(other.fd, sync);
	submit_hang(&other, &q, sync);
	bad = npu_syncobj_export_fence(other.fd, sync);
	assert_int_equal(npu_sync_file_status(bad), 0);
	npu_queue_unmap(&q);
	close_env(&other);
	assert_card_works(e);
	assert_int_equal(npu_sync_file_status(done), 1);
	/* Closing does not wait for the card, and the job above may have run on another ring. */
	assert_int_equal(poll(&(struct pollfd) { .fd = bad, .events = POLLIN }, 1, 60000), 1);
	assert_int_equal(npu_sync_file_status(bad), -ECANCELED);
	close(done);
	close(bad);
}

/* ---- Resets and removal ------------------------------------------------------------------------ */

/* By the administrator: what ran is lost, what had not begun runs, and nobody else notices. */
static void test_reset(void **state)
{
	struct env *e = *state;
	long long resets = npu_sysfs(e->fd, "resets");
	struct npu_q hog = npu_queue_create(e->fd, e->vm, DRM_NPU_PRIORITY_NORMAL, LONG_MS);
	uint32_t hogs = npu_syncobj_create(e->fd);
	struct npu_q q[20];
	uint32_t sync[20];

	assert_int_equal(submit_gang(e, &hog, hogs, true), 0);
	wait_running(e);
	for (int i = 0; i < 20; i++) {
		q[i] = npu_queue_create(e->fd, e->vm, DRM_NPU_PRIORITY_NORMAL, 0);
		sync[i] = npu_syncobj_create(e->fd);
		npu_submit(&q[i], e->copy, e->copy_size, e->regions, 2, 10, 0, sync[i]);
	}
	assert_int_equal(npu_sysfs_write(e->fd, "reset", "1"), 0);
	npu_syncobj_wait(e->fd, hogs);
	assert_int_equal(npu_queue_result(&hog, 1).error, -ECANCELED);
	for (int i = 0; i < 20; i++) {
		npu_syncobj_wait(e->fd, sync[i]);
		for (int j = 1; j <= 10; j++)
			assert_int_equal(npu_queue_result(&q[i], j).error, 0);
	}
	assert_int_equal(npu_sysfs(e->fd, "resets"), resets + 1);
	assert_card_works(e);
}

/* Resets while processes work: each job ends, well or cancelled, and the card goes on. */
static void test_resets_under_load(void **state)
{
	struct env *e = *state;
	pid_t pids[3];

	for (int p = 0; p < 3; p++) {
		pids[p] = npu_fork();
		if (!pids[p]) {
			struct env own = {};
			struct npu_q q = {};
			uint32_t sync;

			open_env(&own);
			sync = npu_syncobj_create(own.fd);
			for (int i = 0; i < 300; i++) {
				if (!q.results || npu_queue_state(&q).banned)
					q = npu_queue_create(own.fd, own.vm, 1, 0);
				if (submit_gang(&own, &q, sync, false) == -ECANCELED)
					continue;
				npu_syncobj_wait(own.fd, sync);
			}
			_exit(0);
		}
	}
	for (int i = 0; i < 5; i++) {
		usleep(100000);
		assert_int_equal(npu_sysfs_write(e->fd, "reset", "1"), 0);
	}
	for (int p = 0; p < 3; p++) {
		int status;

		assert_int_equal(waitpid(pids[p], &status, 0), pids[p]);
		assert_true(WIFEXITED(status));
		assert_int_equal(WEXITSTATUS(status), 0);
	}
	assert_card_works(e);
}

static void write_driver(const char *file, const char *text)
{
	char path[128];
	int fd;

	snprintf(path, sizeof(path), "/sys/bus/pci/drivers/npu/%s", file);
	fd = open(path, O_WRONLY | O_CLOEXEC);
	assert_true(fd >= 0);
	if (write(fd, text, strlen(text)) < 0)
		fail_msg("%s < %s: %s", path, text, strerror(errno));
	close(fd);
}

/* The driver lets go of the card with jobs on it and files open; then takes it again. */
static void test_unbind(void **state)
{
	struct env *e = *state;
	struct drm_npu_dev_query query = { .type = DRM_NPU_QUERY_INFO };
	struct drm_npu_queue_create create;
	struct env lost = {};
	struct npu_q q[8];
	uint32_t sync[8];
	char name[32];
	int files[8];

	npu_pci_name(e->fd, name, sizeof(name));
	open_env(&lost);
	for (int i = 0; i < 8; i++) {
		q[i] = npu_queue_create(lost.fd, lost.vm, i % 4, LONG_MS);
		sync[i] = npu_syncobj_create(lost.fd);
		submit_hang(&lost, &q[i], sync[i]);
		submit_copy(&lost, &q[i], npu_syncobj_create(lost.fd));
		files[i] = npu_syncobj_export_fence(lost.fd, sync[i]);
	}
	wait_running(&lost);
	write_driver("unbind", name);

	for (int i = 0; i < 8; i++) {
		int status;

		while (!(status = npu_sync_file_status(files[i])))
			usleep(1000);
		assert_int_equal(status, -ENODEV);
		assert_int_equal(npu_queue_result(&q[i], 1).error, -ENODEV);
		close(files[i]);
	}
	/* Open files and mappings are safe, and every call says what has happened. */
	lost.code.map[0]++;
	assert_int_equal(npu_try_ioctl(lost.fd, DRM_IOCTL_NPU_DEV_QUERY, &query), -ENODEV);
	assert_int_equal(npu_try_queue_create(lost.fd, lost.vm, 1, 0, &create), -ENODEV);
	assert_int_equal(submit_gang(&lost, &q[0], sync[0], false), -ENODEV);

	write_driver("bind", name);
	for (int i = 0; i < 8; i++)
		npu_queue_unmap(&q[i]);
	close_env(&lost);
	close_env(e);
	open_env(e);
	assert_card_works(e);
}

#define TEST(name) cmocka_unit_test_setup_teardown(test_##name, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(timeout),
		TEST(waiting_is_innocent),
		TEST(many_timeouts),
		TEST(destroy),
		TEST(close),
		TEST(kill),
		TEST(room),
		TEST(fence_outlives),
		TEST(reset),
		TEST(resets_under_load),
		TEST(unbind),
	};

	return cmocka_run_group_tests_name("recovery", tests, NULL, NULL);
}
