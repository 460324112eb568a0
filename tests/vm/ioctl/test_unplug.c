// SPDX-License-Identifier: MIT
/*
 * Copyright (c) 2026 the npu authors
 *
 * What becomes of memory when the card goes away under an open file: mappings stay safe, calls say
 * -ENODEV, binds that were waiting end, and everything can be closed in any order, with the card gone
 * or there again.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include "npu_test.h"

#define PAGE	4096ull
#define SIZE	(4ull << 20)
#define CODE_VA	0x100000ull
#define HOST_VA	0x40000000ull
#define LOCAL_VA	0x80000000ull

static int export(int fd, uint32_t handle)
{
	struct drm_prime_handle arg = { .handle = handle, .flags = DRM_CLOEXEC | DRM_RDWR };

	npu_ioctl(fd, DRM_IOCTL_PRIME_HANDLE_TO_FD, &arg);
	return arg.fd;
}

static bool all_bytes(const uint8_t *p, uint64_t size, uint8_t value)
{
	for (uint64_t i = 0; i < size; i++)
		if (p[i] != value)
			return false;
	return true;
}

/* A file with one of everything. */
struct user {
	int fd;
	uint32_t vm;
	struct npu_buf code;
	struct npu_buf host;
	struct npu_buf local;
	int host_dma_buf;
	int local_dma_buf;
	uint8_t *local_shared;
	struct npu_q q;
	uint32_t done;
};

static struct user user_create(void)
{
	struct user u = { .fd = npu_open() };

	u.vm = npu_vm_create(u.fd);
	u.code = npu_buf_create(u.fd, u.vm, CODE_VA, PAGE, 0);
	u.host = npu_buf_create(u.fd, u.vm, HOST_VA, SIZE, 0);
	u.local = npu_buf_create(u.fd, u.vm, LOCAL_VA, SIZE, DRM_NPU_BO_LOCAL);
	u.host_dma_buf = export(u.fd, u.host.handle);
	u.local_dma_buf = export(u.fd, u.local.handle);
	u.local_shared = mmap(NULL, SIZE, PROT_READ | PROT_WRITE, MAP_SHARED, u.local_dma_buf, 0);
	assert_ptr_not_equal(u.local_shared, MAP_FAILED);
	memset(u.host.map, 0x11, SIZE);
	/* The second half is not touched before the card goes. */
	memset(u.local.map, 0x22, SIZE / 2);
	assert_int_equal(u.local_shared[PAGE], 0x22);
	u.q = npu_queue_create(u.fd, u.vm, DRM_NPU_PRIORITY_NORMAL, 0);
	u.done = npu_syncobj_create(u.fd);
	return u;
}

static void user_unmap(struct user *u)
{
	munmap(u->code.map, PAGE);
	munmap(u->host.map, SIZE);
	munmap(u->local.map, SIZE);
	munmap(u->local_shared, SIZE);
	munmap((void *)u->q.results, u->q.count * sizeof(*u->q.results));
}

/* A copy from host to local memory and what it leaves there. */
static void assert_works(struct user *u)
{
	const uint64_t regions[2] = { HOST_VA, LOCAL_VA };
	size_t len = npu_put_copy(u->code.map, PAGE);
	uint64_t n = npu_submit(&u->q, CODE_VA, len, regions, 2, 1, 0, u->done);

	npu_syncobj_wait(u->fd, u->done);
	assert_int_equal(npu_queue_result(&u->q, n).error, 0);
	assert_true(all_bytes(u->local.map, PAGE, 0x11));
}

static void assert_gone(struct user *u)
{
	struct drm_npu_bo_create bo = { .size = PAGE };
	struct drm_npu_vm_create vm = {};
	int ret;

	assert_int_equal(npu_try_ioctl(u->fd, DRM_IOCTL_NPU_BO_CREATE, &bo), -ENODEV);
	bo.flags = DRM_NPU_BO_LOCAL;
	assert_int_equal(npu_try_ioctl(u->fd, DRM_IOCTL_NPU_BO_CREATE, &bo), -ENODEV);
	assert_int_equal(npu_try_ioctl(u->fd, DRM_IOCTL_NPU_VM_CREATE, &vm), -ENODEV);
	ret = npu_try_vm_bind(u->fd, u->vm, DRM_NPU_VM_BIND_UNMAP, 0, HOST_VA, SIZE, 0, 0);
	assert_int_equal(ret, -ENODEV);
}

/* Host memory is still the process's; local memory reads as zero and keeps what is written. */
static void assert_mappings_safe(struct user *u)
{
	assert_true(all_bytes(u->host.map, SIZE, 0x11));
	u->host.map[SIZE - 1] = 0x12;
	assert_true(all_bytes(u->local.map, SIZE, 0));
	assert_true(all_bytes(u->local_shared, SIZE, 0));
	u->local.map[SIZE / 2] = 0x33;
	assert_int_equal(u->local.map[SIZE / 2], 0x33);
	assert_int_equal(u->local_shared[SIZE / 2], 0x33);
}

static void card_goes(void **state)
{
	enum npu_way way = *(enum npu_way *)*state;
	struct user a = user_create(), b = user_create(), c = user_create(), d;
	char name[64];

	npu_pci_name(a.fd, name, sizeof(name));
	assert_works(&a);
	assert_works(&b);
	/* Touched again, since the job wrote to it. */
	memset(a.local.map, 0x22, PAGE);

	npu_take_away(way, name);
	assert_gone(&a);
	assert_mappings_safe(&a);
	assert_gone(&b);
	/* Closed while the card is gone: file first, or mappings first. */
	close(a.fd);
	assert_mappings_safe(&c);
	close(a.host_dma_buf);
	close(a.local_dma_buf);
	user_unmap(&a);
	user_unmap(&b);
	close(b.host_dma_buf);
	close(b.local_dma_buf);
	close(b.fd);

	npu_bring_back(way, name);
	d = user_create();
	assert_works(&d);
	/* One that was open all the time is as dead as before, and in nobody's way. */
	assert_gone(&c);
	assert_int_equal(c.host.map[0], 0x11);
	close(c.fd);
	user_unmap(&c);
	close(c.local_dma_buf);
	close(c.host_dma_buf);
	assert_works(&d);
	user_unmap(&d);
	close(d.local_dma_buf);
	close(d.host_dma_buf);
	close(d.fd);
}

/* What another card has attached to goes on being that card's. */
static void exporter_goes(void **state)
{
	enum npu_way way = *(enum npu_way *)*state;
	struct user a = user_create();
	struct drm_prime_handle import = { .fd = a.host_dma_buf };
	char name[64], other_name[64];
	uint32_t vm, handle;
	int other = -1;

	npu_pci_name(a.fd, name, sizeof(name));
	for (int i = 0; i < 16 && other < 0; i++) {
		char path[64];

		snprintf(path, sizeof(path), "/dev/accel/accel%d", i);
		other = open(path, O_RDWR | O_CLOEXEC);
		if (other < 0)
			continue;
		npu_pci_name(other, other_name, sizeof(other_name));
		if (!strcmp(name, other_name)) {
			close(other);
			other = -1;
		}
	}
	if (other < 0) {
		user_unmap(&a);
		close(a.host_dma_buf);
		close(a.local_dma_buf);
		close(a.fd);
		skip();
	}
	npu_ioctl(other, DRM_IOCTL_PRIME_FD_TO_HANDLE, &import);
	handle = import.handle;
	vm = npu_vm_create(other);
	assert_int_equal(npu_try_vm_bind(other, vm, DRM_NPU_VM_BIND_MAP, handle, HOST_VA, SIZE, 0, 0), 0);

	/* The exporter goes, then the importer. */
	npu_take_away(way, name);
	assert_int_equal(npu_try_vm_bind(other, vm, DRM_NPU_VM_BIND_UNMAP, 0, HOST_VA, PAGE, 0, 0), 0);
	assert_int_equal(npu_try_vm_bind(other, vm, DRM_NPU_VM_BIND_MAP, handle, HOST_VA, SIZE, 0, 0), 0);
	user_unmap(&a);
	close(a.host_dma_buf);
	close(a.local_dma_buf);
	close(a.fd);
	npu_take_away(way, other_name);
	close(other);
	npu_bring_back(way, name);
	npu_bring_back(way, other_name);
	a = user_create();
	assert_works(&a);
	user_unmap(&a);
	close(a.host_dma_buf);
	close(a.local_dma_buf);
	close(a.fd);
}

/* A bind that waits for a job that the card's loss ends. */
static void binds_waiting(void **state)
{
	enum npu_way way = *(enum npu_way *)*state;
	struct user a = user_create(), b;
	struct drm_npu_vm_bind_op ops[2] = {
		{ .type = DRM_NPU_VM_BIND_UNMAP, .va = LOCAL_VA, .size = SIZE },
		{ .type = DRM_NPU_VM_BIND_MAP, .handle = a.local.handle, .va = LOCAL_VA + 7 * SIZE,
		  .size = SIZE },
	};
	uint32_t bound = npu_syncobj_create(a.fd);
	struct drm_npu_sync syncs[2] = {
		{ .handle = a.done },
		{ .flags = DRM_NPU_SYNC_SIGNAL, .handle = bound },
	};
	struct drm_npu_vm_bind bind = {
		.vm_id = a.vm,
		.flags = DRM_NPU_VM_BIND_ASYNC,
		.ops = { sizeof(ops[0]), 2, (uintptr_t)ops },
		.syncs = { sizeof(syncs[0]), 2, (uintptr_t)syncs },
	};
	char name[64];
	int file;

	npu_pci_name(a.fd, name, sizeof(name));
	if (!(npu_info(a.fd).features & NPU_FEATURE_INJECT)) {
		user_unmap(&a);
		close(a.host_dma_buf);
		close(a.local_dma_buf);
		close(a.fd);
		skip();
	}
	npu_submit(&a.q, CODE_VA, npu_put_hang(a.code.map), NULL, 0, 1, 0, a.done);
	npu_ioctl(a.fd, DRM_IOCTL_NPU_VM_BIND, &bind);
	file = npu_syncobj_export_fence(a.fd, bound);
	assert_int_equal(npu_sync_file_status(file), 0);
	npu_take_away(way, name);
	/* Syncobjs of a lost card cannot be waited for; their fences can. */
	for (int i = 0; i < 6000 && !npu_sync_file_status(file); i++)
		usleep(10000);
	assert_int_equal(npu_sync_file_status(file), -ENODEV);
	close(a.fd);
	user_unmap(&a);
	close(a.host_dma_buf);
	close(a.local_dma_buf);
	npu_bring_back(way, name);
	assert_int_equal(npu_sync_file_status(file), -ENODEV);
	close(file);
	b = user_create();
	assert_works(&b);
	user_unmap(&b);
	close(b.host_dma_buf);
	close(b.local_dma_buf);
	close(b.fd);
}

/* Copies until the card is gone, which every call says then. */
static int work(int ready)
{
	const uint64_t regions[2] = { HOST_VA, LOCAL_VA };
	struct user u = user_create();
	struct drm_npu_stream stream = { .va = CODE_VA, .size = npu_put_copy(u.code.map, SIZE / 4) };
	struct drm_npu_job jobs[4];
	struct drm_npu_sync out = { .flags = DRM_NPU_SYNC_SIGNAL, .handle = u.done };
	int ret = 0;

	for (int i = 0; i < 4; i++)
		jobs[i] = (struct drm_npu_job) {
			.region_count = 2,
			.regions = (uintptr_t)regions,
			.streams = { sizeof(stream), 1, (uintptr_t)&stream },
		};
	for (int i = 0; !ret; i++) {
		ret = npu_try_submit(&u.q, jobs, 4, &out, 1, NULL);
		/* Some wait, and some have much under way. */
		if (!ret && getpid() % 2)
			ret = npu_try_syncobj_wait(u.fd, u.done);
		if (i == 2 && write(ready, "x", 1) != 1)
			return 1;
	}
	assert_int_equal(ret, -ENODEV);
	assert_gone(&u);
	/* Calls say so first; mappings are taken away a moment later. */
	for (int i = 0; i < 6000 && u.local.map[0]; i++)
		usleep(10000);
	assert_mappings_safe(&u);
	return 0;
}

#define WORKERS	4

/* In the middle of jobs of several processes. */
static void goes_under_load(void **state)
{
	enum npu_way way = *(enum npu_way *)*state;
	struct user a;
	char name[64];

	for (int round = 0; round < 3; round++) {
		int fd = npu_open(), ready[2], status;
		pid_t pids[WORKERS];
		char c;

		npu_pci_name(fd, name, sizeof(name));
		assert_int_equal(pipe(ready), 0);
		for (int i = 0; i < WORKERS; i++) {
			pids[i] = npu_fork();
			if (!pids[i])
				_exit(work(ready[1]));
		}
		for (int i = 0; i < WORKERS; i++)
			assert_int_equal(read(ready[0], &c, 1), 1);
		npu_take_away(way, name);
		for (int i = 0; i < WORKERS; i++) {
			assert_int_equal(waitpid(pids[i], &status, 0), pids[i]);
			assert_true(WIFEXITED(status));
			assert_int_equal(WEXITSTATUS(status), 0);
		}
		npu_bring_back(way, name);
		close(ready[0]);
		close(ready[1]);
		close(fd);
	}
	a = user_create();
	assert_works(&a);
	user_unmap(&a);
	close(a.host_dma_buf);
	close(a.local_dma_buf);
	close(a.fd);
}

int main(void)
{
	static enum npu_way ways[] = { NPU_UNBIND, NPU_REMOVE };
#define TEST(name, way) { #name ", " #way, name, NULL, NULL, &ways[NPU_##way] }
	const struct CMUnitTest tests[] = {
		TEST(card_goes, UNBIND),
		TEST(card_goes, REMOVE),
		TEST(exporter_goes, UNBIND),
		TEST(exporter_goes, REMOVE),
		TEST(binds_waiting, UNBIND),
		TEST(binds_waiting, REMOVE),
		TEST(goes_under_load, UNBIND),
		TEST(goes_under_load, REMOVE),
	};

	return cmocka_run_group_tests_name("unplug", tests, NULL, NULL);
}
