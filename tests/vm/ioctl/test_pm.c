// SPDX-License-Identifier: MIT
/*
 * Copyright (c) 2026 the npu authors
 *
 * Sleep of the idle card and of the system: what wakes it and what does not, and that memory, mappings
 * and queues are as before. Wants root and a card with inject=on. With NPU_S3=1 the VM can suspend to
 * memory for real; else suspend is tried up to the devices (pm_test).
 */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include "npu_test.h"

#define CODE_VA		0x100000ull
#define HOST_VA		0x200000ull
#define LOCAL_VA	0x40000000ull
#define SIZE		(4u << 20)
#define LONG_MS		600000

struct env {
	int fd;
	uint32_t vm;
	struct npu_buf code;
	struct npu_buf host;
	struct npu_buf local;
	struct npu_q q;
	uint32_t sync;
	size_t len;
	char pci[32];
};

static int read_file(const char *path, char *text, size_t size)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	ssize_t n;

	if (fd < 0)
		return -errno;
	n = read(fd, text, size - 1);
	n = n < 0 ? -errno : n;
	close(fd);
	text[n > 0 ? n : 0] = 0;
	return n < 0 ? n : 0;
}

static const char *device_path(struct env *e, const char *name)
{
	static char path[128];

	snprintf(path, sizeof(path), "/sys/bus/pci/devices/%s/%s", e->pci, name);
	return path;
}

static bool is_asleep(struct env *e)
{
	char text[32];

	assert_int_equal(read_file(device_path(e, "power/runtime_status"), text, sizeof(text)), 0);
	return !strcmp(text, "suspended\n");
}

static void wait_asleep(struct env *e)
{
	for (int i = 0; i < 6000; i++) {
		if (is_asleep(e))
			return;
		usleep(10000);
	}
	fail_msg("the card does not fall asleep");
}

static void fill(uint8_t *p, uint32_t seed)
{
	for (uint32_t i = 0; i < SIZE; i += 64)
		memset(p + i, (seed + i / 64) * 2654435761u >> 24, 64);
}

static bool is_filled(const uint8_t *p, uint32_t seed)
{
	for (uint32_t i = 0; i < SIZE; i += 64)
		if (p[i] != (uint8_t)((seed + i / 64) * 2654435761u >> 24) || p[i + 63] != p[i])
			return false;
	return true;
}

/* A job that copies from local to host memory, and its outcome. */
static void assert_copies(struct env *e)
{
	const uint64_t regions[2] = { LOCAL_VA, HOST_VA };
	uint64_t seqno;

	memset(e->host.map, 0, 4096);
	seqno = npu_submit(&e->q, CODE_VA, e->len, regions, 2, 1, 0, e->sync);
	npu_syncobj_wait(e->fd, e->sync);
	assert_int_equal(npu_queue_result(&e->q, seqno).error, 0);
	assert_memory_equal(e->host.map, e->local.map, 4096);
}

static int setup(void **state)
{
	struct env *e = calloc(1, sizeof(*e));

	e->fd = npu_open();
	npu_pci_name(e->fd, e->pci, sizeof(e->pci));
	e->vm = npu_vm_create(e->fd);
	e->code = npu_buf_create(e->fd, e->vm, CODE_VA, 4096, 0);
	e->host = npu_buf_create(e->fd, e->vm, HOST_VA, 4096, 0);
	e->local = npu_buf_create(e->fd, e->vm, LOCAL_VA, SIZE, DRM_NPU_BO_LOCAL);
	e->q = npu_queue_create(e->fd, e->vm, DRM_NPU_PRIORITY_NORMAL, LONG_MS);
	e->sync = npu_syncobj_create(e->fd);
	e->len = npu_put_copy(e->code.map, 4096);
	fill(e->local.map, 1);
	assert_int_equal(npu_write_file(device_path(e, "power/autosuspend_delay_ms"), "20"), 0);
	*state = e;
	return 0;
}

static int teardown(void **state)
{
	struct env *e = *state;

	npu_write_file(device_path(e, "power/control"), "on");
	npu_write_file(device_path(e, "power/autosuspend_delay_ms"), "2000");
	npu_queue_unmap(&e->q);
	munmap(e->code.map, 4096);
	munmap(e->host.map, 4096);
	munmap(e->local.map, SIZE);
	close(e->fd);
	free(e);
	return 0;
}

static void allow_sleep(struct env *e)
{
	assert_int_equal(npu_write_file(device_path(e, "power/control"), "auto"), 0);
	wait_asleep(e);
}

/* ---- The idle card ----------------------------------------------------------------------------- */

static void read_sensors(struct env *e, int expected)
{
	const char *folder = device_path(e, "hwmon");
	char path[512], text[64];
	struct dirent *entry;
	DIR *dir = opendir(folder);
	bool found = false;

	assert_non_null(dir);
	while ((entry = readdir(dir))) {
		if (entry->d_name[0] == '.')
			continue;
		found = true;
		snprintf(path, sizeof(path), "%s/%s/temp1_input", device_path(e, "hwmon"), entry->d_name);
		assert_int_equal(read_file(path, text, sizeof(text)), expected);
	}
	closedir(dir);
	assert_true(found);
}

/* Who only looks, or changes an address space, does not wake it. */
static void test_stays_asleep(void **state)
{
	struct env *e = *state;
	char path[64], text[4096];

	read_sensors(e, 0);
	allow_sleep(e);
	read_sensors(e, -ENODATA);
	npu_sysfs(e->fd, "busy_ns");
	snprintf(path, sizeof(path), "/proc/self/fdinfo/%d", e->fd);
	assert_int_equal(read_file(path, text, sizeof(text)), 0);
	assert_non_null(strstr(text, "drm-engine-npu:"));
	npu_queue_state(&e->q);
	npu_info(e->fd);
	assert_int_equal(npu_try_vm_bind(e->fd, e->vm, DRM_NPU_VM_BIND_UNMAP, 0, HOST_VA, 4096, 0, 0), 0);
	assert_int_equal(npu_try_vm_bind(e->fd, e->vm, DRM_NPU_VM_BIND_MAP, e->host.handle, HOST_VA, 4096, 0, 0), 0);
	assert_true(is_asleep(e));
	assert_copies(e);
}

/* Its memory, mappings and counters are as before, and nothing was reset. */
static void test_wakes_as_it_was(void **state)
{
	struct env *e = *state;
	struct drm_npu_perf_core before = {}, after = {};
	struct drm_npu_perf_query query = {
		.type = DRM_NPU_PERF_CORE,
		.size = sizeof(before),
		.pointer = (uintptr_t)&before,
	};
	long long resets = npu_sysfs(e->fd, "resets");

	assert_copies(e);
	npu_ioctl(e->fd, DRM_IOCTL_NPU_PERF_QUERY, &query);
	assert_int_not_equal(before.engine[0].cmds, 0);
	allow_sleep(e);
	/* By the processor's touch. */
	assert_true(is_filled(e->local.map, 1));
	wait_asleep(e);
	fill(e->local.map, 2);
	wait_asleep(e);
	assert_true(is_filled(e->local.map, 2));
	/* By a job. */
	wait_asleep(e);
	assert_copies(e);
	wait_asleep(e);
	query.pointer = (uintptr_t)&after;
	npu_ioctl(e->fd, DRM_IOCTL_NPU_PERF_QUERY, &query);
	assert_true(after.engine[0].cmds > before.engine[0].cmds);
	/* By new local memory. */
	wait_asleep(e);
	npu_bo_create(e->fd, SIZE, DRM_NPU_BO_LOCAL);
	assert_int_equal(npu_sysfs(e->fd, "resets"), resets);
	/* And a reset of one that sleeps. */
	wait_asleep(e);
	assert_int_equal(npu_sysfs_write(e->fd, "reset", "1"), 0);
	assert_copies(e);
	assert_true(is_filled(e->local.map, 2));
}

/* A job keeps it awake, however long it lasts. */
static void test_job_keeps_awake(void **state)
{
	struct env *e = *state;
	struct npu_q q = npu_queue_create(e->fd, e->vm, DRM_NPU_PRIORITY_NORMAL, LONG_MS);
	uint32_t sync = npu_syncobj_create(e->fd);

	allow_sleep(e);
	npu_submit(&q, CODE_VA, npu_put_hang(e->code.map), NULL, 0, 1, 0, sync);
	for (int i = 0; i < 20; i++) {
		assert_false(is_asleep(e));
		usleep(10000);
	}
	npu_ioctl(e->fd, DRM_IOCTL_NPU_QUEUE_DESTROY, &(struct drm_npu_queue_destroy) { .id = q.id });
	npu_syncobj_wait(e->fd, sync);
	wait_asleep(e);
	npu_put_copy(e->code.map, 4096);
	assert_copies(e);
	npu_queue_unmap(&q);
}

static void test_many_times(void **state)
{
	struct env *e = *state;

	assert_int_equal(npu_write_file(device_path(e, "power/autosuspend_delay_ms"), "0"), 0);
	assert_int_equal(npu_write_file(device_path(e, "power/control"), "auto"), 0);
	for (int i = 0; i < 50; i++) {
		assert_copies(e);
		if (i % 3)
			usleep(i % 7 * 1000);
		else
			wait_asleep(e);
	}
}

/* ---- The system -------------------------------------------------------------------------------- */

static int suspend(void)
{
	const char *s3 = getenv("NPU_S3");

	return npu_suspend(s3 && *s3 == '1');
}

static void test_suspend(void **state)
{
	struct env *e = *state;
	struct drm_npu_memory memory = {}, after = {};
	struct drm_npu_dev_query query = {
		.type = DRM_NPU_QUERY_MEMORY,
		.size = sizeof(memory),
		.pointer = (uintptr_t)&memory,
	};

	for (int i = 0; i < 2; i++) {
		assert_copies(e);
		assert_int_equal(suspend(), 0);
		/* By now what tests before had is free. */
		if (!i)
			npu_ioctl(e->fd, DRM_IOCTL_NPU_DEV_QUERY, &query);
		assert_true(is_filled(e->local.map, 1));
		assert_copies(e);
	}
	/* Asleep already when the system goes to sleep. */
	allow_sleep(e);
	assert_int_equal(suspend(), 0);
	assert_true(is_filled(e->local.map, 1));
	assert_copies(e);
	query.pointer = (uintptr_t)&after;
	npu_ioctl(e->fd, DRM_IOCTL_NPU_DEV_QUERY, &query);
	assert_int_equal(after.local_free, memory.local_free);
}

/* A job that does not end refuses it, and lives on; what waits behind it is still cancelled with its queue. */
static void test_suspend_refused(void **state)
{
	struct env *e = *state;
	struct npu_q q = npu_queue_create(e->fd, e->vm, DRM_NPU_PRIORITY_NORMAL, LONG_MS);
	uint32_t sync = npu_syncobj_create(e->fd);
	uint64_t seqno;

	npu_put_hang(e->code.map);
	seqno = npu_submit(&q, CODE_VA, sizeof(struct npu_cmd), NULL, 0, 10, 0, sync);
	usleep(50000);
	assert_int_equal(suspend(), -EBUSY);
	assert_false(npu_syncobj_signaled(e->fd, sync));
	npu_ioctl(e->fd, DRM_IOCTL_NPU_QUEUE_DESTROY, &(struct drm_npu_queue_destroy) { .id = q.id });
	npu_syncobj_wait(e->fd, sync);
	assert_int_equal(npu_queue_result(&q, seqno).error, -ECANCELED);
	npu_put_copy(e->code.map, 4096);
	assert_copies(e);
	npu_queue_unmap(&q);
}

/* Processes work while the system sleeps and wakes: no job fails. */
static void test_suspend_under_load(void **state)
{
	struct env *e = *state;
	int stop[2], status;
	pid_t pids[2];

	assert_int_equal(pipe(stop), 0);
	for (int p = 0; p < 2; p++) {
		pids[p] = npu_fork();
		if (!pids[p]) {
			struct env *own;
			char c;

			close(stop[1]);
			assert_int_equal(fcntl(stop[0], F_SETFL, O_NONBLOCK), 0);
			setup((void **)&own);
			do {
				const uint64_t regions[2] = { LOCAL_VA, HOST_VA };
				uint64_t n = npu_submit(&own->q, CODE_VA, own->len, regions, 2, 50, 0, own->sync);

				npu_syncobj_wait(own->fd, own->sync);
				for (int i = 0; i < 50; i++)
					assert_int_equal(npu_queue_result(&own->q, n - i).error, 0);
			} while (read(stop[0], &c, 1));
			assert_true(is_filled(own->local.map, 1));
			_exit(0);
		}
	}
	close(stop[0]);
	usleep(200000);
	assert_int_equal(suspend(), 0);
	usleep(200000);
	close(stop[1]);
	for (int p = 0; p < 2; p++) {
		assert_int_equal(waitpid(pids[p], &status, 0), pids[p]);
		assert_true(WIFEXITED(status));
		assert_int_equal(WEXITSTATUS(status), 0);
	}
	assert_copies(e);
}

/*
 * One processor: falling asleep and waking unmaps and maps the card's BARs, and QEMU up to 10.x, emulating another
 * processor at the same time, may trip over its own tables then (an assertion in iotlb_to_section()).
 */
static int one_processor(void **state)
{
	(void)state;
	npu_write_file("/sys/devices/system/cpu/cpu1/online", "0");
	return 0;
}

static int all_processors(void **state)
{
	(void)state;
	npu_write_file("/sys/devices/system/cpu/cpu1/online", "1");
	return 0;
}

#define TEST(name) cmocka_unit_test_setup_teardown(test_##name, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(stays_asleep),
		TEST(wakes_as_it_was),
		TEST(job_keeps_awake),
		TEST(many_times),
		TEST(suspend),
		TEST(suspend_refused),
		TEST(suspend_under_load),
	};

	return cmocka_run_group_tests_name("pm", tests, one_processor, all_processors);
}
