// SPDX-License-Identifier: MIT
/*
 * Copyright (c) 2026 the npu authors
 *
 * Limits of local memory for cgroups (dmem.max): who is charged, what a limit refuses, and that everything is
 * given back, also after the cgroup or the card has gone. Wants root and a kernel with the dmem controller; with
 * NPU_DMEM=1 a kernel without it is a failure.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "npu_inject.h"
#include "npu_test.h"

#define ROOT		"/sys/fs/cgroup"
#define GROUP		ROOT "/npu"
#define MIB		(1024ull * 1024)
#define LIMIT		(8 * MIB)

struct env {
	int fd;		/* of a process outside of the group */
	char pci[32];
	char region[64];
};

/* A region's number in a file of lines "REGION NUMBER"; -1: none. A region is never there twice. */
static long long region_value(struct env *e, const char *path)
{
	FILE *file = fopen(path, "re");
	char name[64], value[32];
	long long found = -1;

	if (!file)
		return -1;
	while (fscanf(file, "%63s %31s", name, value) == 2) {
		if (strcmp(name, e->region))
			continue;
		assert_int_equal(found, -1);
		found = strtoll(value, NULL, 10);
	}
	fclose(file);
	return found;
}

static long long charged(struct env *e)
{
	return region_value(e, GROUP "/dmem.current");
}

/* Buffers are freed by the last who holds them, which may be a moment later. */
static void until_charged(struct env *e, long long bytes)
{
	for (int i = 0; i < 1000 && charged(e) != bytes; i++)
		usleep(10000);
	assert_int_equal(charged(e), bytes);
}

static void set_limit(struct env *e, unsigned long long bytes)
{
	char line[128];

	snprintf(line, sizeof(line), "%s %llu", e->region, bytes);
	assert_int_equal(npu_write_file(GROUP "/dmem.max", line), 0);
}

static int try_create(int fd, uint64_t size, uint32_t flags, uint32_t *handle)
{
	struct drm_npu_bo_create create = { .size = size, .flags = flags };
	int ret = npu_try_ioctl(fd, DRM_IOCTL_NPU_BO_CREATE, &create);

	*handle = create.handle;
	return ret;
}

static void gem_close(int fd, uint32_t handle)
{
	npu_ioctl(fd, DRM_IOCTL_GEM_CLOSE, &(struct drm_gem_close) { .handle = handle });
}

static void enter_group(void)
{
	assert_int_equal(npu_write_file(GROUP "/cgroup.procs", "0"), 0);
}

static void leave_group(void)
{
	assert_int_equal(npu_write_file(ROOT "/cgroup.procs", "0"), 0);
}

static int setup(void **state)
{
	struct env *e = calloc(1, sizeof(*e));

	e->fd = npu_open();
	npu_pci_name(e->fd, e->pci, sizeof(e->pci));
	snprintf(e->region, sizeof(e->region), "drm/%s/local", e->pci);
	if (mkdir(GROUP, 0755) && errno != EEXIST)
		fail_msg(GROUP ": %s", strerror(errno));
	set_limit(e, LIMIT);
	*state = e;
	return 0;
}

static int teardown(void **state)
{
	struct env *e = *state;

	leave_group();
	close(e->fd);
	if (rmdir(GROUP) && errno != ENOENT)
		fail_msg(GROUP ": %s", strerror(errno));
	free(e);
	return 0;
}

/* The region is as large as what buffers can have. */
static void test_region(void **state)
{
	struct env *e = *state;

	assert_int_equal(region_value(e, ROOT "/dmem.capacity"), npu_info(e->fd).lmem_size);
	assert_int_equal(charged(e), 0);
}

static void test_limit(void **state)
{
	struct env *e = *state;
	uint32_t first, second, other;

	enter_group();
	assert_int_equal(try_create(e->fd, LIMIT + 4096, DRM_NPU_BO_LOCAL, &other), -ENOMEM);
	assert_int_equal(charged(e), 0);
	assert_int_equal(try_create(e->fd, 6 * MIB, DRM_NPU_BO_LOCAL, &first), 0);
	assert_int_equal(charged(e), 6 * MIB);
	assert_int_equal(try_create(e->fd, 4 * MIB, DRM_NPU_BO_LOCAL, &other), -ENOMEM);
	assert_int_equal(charged(e), 6 * MIB);
	/* Up to the last byte; a size counts as the pages it takes. */
	assert_int_equal(try_create(e->fd, 2 * MIB - 4095, DRM_NPU_BO_LOCAL, &second), 0);
	assert_int_equal(charged(e), LIMIT);
	assert_int_equal(try_create(e->fd, 1, DRM_NPU_BO_LOCAL, &other), -ENOMEM);
	/* Host memory is another matter, and so is who is not in the group. */
	assert_int_equal(try_create(e->fd, 4 * MIB, 0, &other), 0);
	leave_group();
	assert_int_equal(try_create(e->fd, 4 * MIB, DRM_NPU_BO_LOCAL, &other), 0);
	assert_int_equal(charged(e), LIMIT);

	enter_group();
	gem_close(e->fd, first);
	until_charged(e, 2 * MIB);
	assert_int_equal(try_create(e->fd, 6 * MIB, DRM_NPU_BO_LOCAL, &first), 0);
	gem_close(e->fd, first);
	gem_close(e->fd, second);
	until_charged(e, 0);
}

/* More than the card has is not charged, whatever the limit. */
static void test_failure_is_not_charged(void **state)
{
	struct env *e = *state;
	uint64_t size = npu_info(e->fd).lmem_size;
	uint32_t handle;

	set_limit(e, 4 * size);
	/* Takes some from outside of the group, so that all of it is not there. */
	npu_bo_create(e->fd, MIB, DRM_NPU_BO_LOCAL);
	enter_group();
	assert_int_equal(try_create(e->fd, 2 * size, DRM_NPU_BO_LOCAL, &handle), -ENOSPC);
	assert_int_equal(try_create(e->fd, size, DRM_NPU_BO_LOCAL, &handle), -ENOSPC);
	assert_int_equal(charged(e), 0);
}

/* With a process goes what it had. */
static void test_process_ends(void **state)
{
	struct env *e = *state;
	pid_t pid = npu_fork();
	int status;

	if (!pid) {
		uint32_t handle;
		int fd;

		enter_group();
		fd = npu_open();
		for (int i = 0; i < 8; i++)
			assert_int_equal(try_create(fd, MIB, DRM_NPU_BO_LOCAL, &handle), 0);
		_exit(try_create(fd, 4096, DRM_NPU_BO_LOCAL, &handle) != -ENOMEM);
	}
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_true(WIFEXITED(status));
	assert_int_equal(WEXITSTATUS(status), 0);
	until_charged(e, 0);
}

/* The group goes before the buffers that were charged to it. */
static void test_group_ends(void **state)
{
	struct env *e = *state;
	uint32_t handle;

	enter_group();
	assert_int_equal(try_create(e->fd, 4 * MIB, DRM_NPU_BO_LOCAL, &handle), 0);
	leave_group();
	assert_int_equal(rmdir(GROUP), 0);
	gem_close(e->fd, handle);
	assert_int_equal(mkdir(GROUP, 0755), 0);
	assert_int_equal(charged(e), 0);
}

/* Groups that were removed and are still held by somebody. */
static long long dying_groups(void)
{
	FILE *file = fopen(ROOT "/cgroup.stat", "re");
	char name[64];
	long long value, found = -1;

	assert_non_null(file);
	while (fscanf(file, "%63s %lld", name, &value) == 2)
		if (!strcmp(name, "nr_dying_descendants"))
			found = value;
	fclose(file);
	assert_true(found >= 0);
	return found;
}

/*
 * The card goes, and a file and buffers of it stay. Its region goes at once, and comes back with the card, as
 * the only one of its name; what was charged to the old one is nobody's.
 */
static void card_goes(struct env *e, enum npu_way way)
{
	uint32_t old, handle;
	int old_fd = e->fd;

	enter_group();
	assert_int_equal(try_create(old_fd, 6 * MIB, DRM_NPU_BO_LOCAL, &old), 0);
	assert_int_equal(try_create(old_fd, MIB, DRM_NPU_BO_LOCAL, &handle), 0);
	npu_take_away(way, e->pci);
	assert_int_equal(region_value(e, ROOT "/dmem.capacity"), -1);
	assert_int_equal(charged(e), -1);
	assert_int_equal(try_create(old_fd, 4096, DRM_NPU_BO_LOCAL, &handle), -ENODEV);

	/* Nor does the group have to wait for them. */
	leave_group();
	assert_int_equal(rmdir(GROUP), 0);
	for (int i = 0; i < 1000 && dying_groups(); i++)
		usleep(10000);
	assert_int_equal(dying_groups(), 0);
	assert_int_equal(mkdir(GROUP, 0755), 0);
	enter_group();

	npu_bring_back(way, e->pci);
	e->fd = npu_open_card(e->pci);
	assert_true(e->fd >= 0);
	assert_int_equal(region_value(e, ROOT "/dmem.capacity"), npu_info(e->fd).lmem_size);
	assert_int_equal(charged(e), 0);
	set_limit(e, LIMIT);
	assert_int_equal(try_create(e->fd, LIMIT, DRM_NPU_BO_LOCAL, &handle), 0);
	assert_int_equal(charged(e), LIMIT);
	close(old_fd);
	assert_int_equal(charged(e), LIMIT);
	assert_int_equal(try_create(e->fd, 4096, DRM_NPU_BO_LOCAL, &old), -ENOMEM);
	gem_close(e->fd, handle);
	until_charged(e, 0);
}

static void test_card_is_unbound(void **state)
{
	card_goes(*state, NPU_UNBIND);
}

static void test_card_is_removed(void **state)
{
	card_goes(*state, NPU_REMOVE);
}

/* Mounts what nobody has, and asks for the controller. */
static bool has_controller(void)
{
	if (access(ROOT "/cgroup.controllers", F_OK) && mount("cgroup2", ROOT, "cgroup2", 0, NULL))
		return false;
	return !npu_write_file(ROOT "/cgroup.subtree_control", "+dmem");
}

#define TEST(name) cmocka_unit_test_setup_teardown(test_##name, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(region),
		TEST(limit),
		TEST(failure_is_not_charged),
		TEST(process_ends),
		TEST(group_ends),
		TEST(card_is_unbound),
		TEST(card_is_removed),
	};

	if (!has_controller()) {
		const char *wanted = getenv("NPU_DMEM");

		printf("no dmem controller in this kernel: not tested\n");
		return wanted && *wanted == '1';
	}
	return cmocka_run_group_tests_name("dmem", tests, NULL, NULL);
}
