// SPDX-License-Identifier: MIT
/*
 * Copyright (c) 2026 the npu authors
 *
 * Buffers: creation, CPU mappings, local memory, dma-bufs both ways. Runs in a VM; what needs a second
 * card or udmabuf is skipped where there is none.
 */
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <unistd.h>

#include <linux/udmabuf.h>

#include "npu_test.h"

#define PAGE	4096ull
#define MIB	(1024ull * 1024)

static void gem_close(int fd, uint32_t handle)
{
	struct drm_gem_close arg = { .handle = handle };

	npu_ioctl(fd, DRM_IOCTL_GEM_CLOSE, &arg);
}

static int try_export(int fd, uint32_t handle)
{
	struct drm_prime_handle arg = { .handle = handle, .flags = DRM_CLOEXEC | DRM_RDWR };
	int ret = npu_try_ioctl(fd, DRM_IOCTL_PRIME_HANDLE_TO_FD, &arg);

	return ret ? ret : arg.fd;
}

static int try_import(int fd, int dma_buf, uint32_t *handle)
{
	struct drm_prime_handle arg = { .fd = dma_buf };
	int ret = npu_try_ioctl(fd, DRM_IOCTL_PRIME_FD_TO_HANDLE, &arg);

	*handle = arg.handle;
	return ret;
}

static struct drm_npu_memory memory(int fd)
{
	struct drm_npu_memory memory = {};
	struct drm_npu_dev_query query = {
		.type = DRM_NPU_QUERY_MEMORY,
		.size = sizeof(memory),
		.pointer = (uintptr_t)&memory,
	};

	npu_ioctl(fd, DRM_IOCTL_NPU_DEV_QUERY, &query);
	return memory;
}

static bool all_bytes(const uint8_t *p, uint64_t size, uint8_t value)
{
	for (uint64_t i = 0; i < size; i++)
		if (p[i] != value)
			return false;
	return true;
}

static int try_create(int fd, uint64_t size, uint32_t flags)
{
	struct drm_npu_bo_create arg = { .size = size, .flags = flags };

	return npu_try_ioctl(fd, DRM_IOCTL_NPU_BO_CREATE, &arg);
}

static void create_refuses(void **state)
{
	int fd = npu_open();
	struct drm_npu_info info = npu_info(fd);

	(void)state;
	assert_int_equal(try_create(fd, 0, 0), -EINVAL);
	assert_int_equal(try_create(fd, 0, DRM_NPU_BO_LOCAL), -EINVAL);
	assert_int_equal(try_create(fd, PAGE, 1u << 2), -EINVAL);
	assert_int_equal(try_create(fd, PAGE, 1u << 31), -EINVAL);
	assert_int_equal(try_create(fd, UINT64_MAX, 0), -EINVAL);
	assert_int_equal(try_create(fd, UINT64_MAX - PAGE + 2, DRM_NPU_BO_LOCAL), -EINVAL);
	assert_int_equal(try_create(fd, info.lmem_size + 1, DRM_NPU_BO_LOCAL), -ENOSPC);
	/* More than there can be is refused before anybody tries to get it. */
	assert_int_equal(try_create(fd, 1ull << 45, 0), -ENOMEM);
	close(fd);
}

static void info_tells(void **state)
{
	static const uint32_t flags[] = {
		0, DRM_NPU_BO_WC, DRM_NPU_BO_LOCAL, DRM_NPU_BO_LOCAL | DRM_NPU_BO_WC,
	};
	int fd = npu_open();

	(void)state;
	for (unsigned int i = 0; i < 4; i++) {
		struct drm_npu_bo_create create = { .size = PAGE + 1, .flags = flags[i] };
		struct drm_npu_bo_info info = {};

		npu_ioctl(fd, DRM_IOCTL_NPU_BO_CREATE, &create);
		assert_int_equal(create.size, 2 * PAGE);
		info.handle = create.handle;
		npu_ioctl(fd, DRM_IOCTL_NPU_BO_INFO, &info);
		assert_int_equal(info.size, 2 * PAGE);
		assert_int_equal(info.flags, flags[i]);
		assert_int_equal(info.imported, 0);
		gem_close(fd, create.handle);
		assert_int_equal(npu_try_ioctl(fd, DRM_IOCTL_NPU_BO_INFO, &info), -ENOENT);
	}
	close(fd);
}

static void mmap_refuses(void **state)
{
	int fd = npu_open();
	struct drm_npu_bo_mmap_offset arg = { .handle = 12345 };
	uint32_t handle = npu_bo_create(fd, PAGE, DRM_NPU_BO_LOCAL);

	(void)state;
	assert_int_equal(npu_try_ioctl(fd, DRM_IOCTL_NPU_BO_MMAP_OFFSET, &arg), -ENOENT);
	arg.handle = handle;
	arg.pad = 1;
	assert_int_equal(npu_try_ioctl(fd, DRM_IOCTL_NPU_BO_MMAP_OFFSET, &arg), -EINVAL);

	arg.pad = 0;
	npu_ioctl(fd, DRM_IOCTL_NPU_BO_MMAP_OFFSET, &arg);
	assert_ptr_equal(mmap(NULL, PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE, fd, arg.offset),
			 MAP_FAILED);
	assert_ptr_equal(mmap(NULL, 2 * PAGE, PROT_READ, MAP_SHARED, fd, arg.offset), MAP_FAILED);
	close(fd);
}

/* An offset is good for the files that have a handle, and no others. */
static void mmap_of_others_refused(void **state)
{
	int fd = npu_open(), other = npu_open();
	struct drm_npu_bo_mmap_offset arg = { .handle = npu_bo_create(fd, PAGE, 0) };

	(void)state;
	npu_ioctl(fd, DRM_IOCTL_NPU_BO_MMAP_OFFSET, &arg);
	assert_ptr_equal(mmap(NULL, PAGE, PROT_READ, MAP_SHARED, other, arg.offset), MAP_FAILED);
	close(other);
	close(fd);
}

/* Memory that had somebody's data reads as zero for the next. */
static void memory_is_cleared(void **state)
{
	static const uint32_t flags[] = { 0, DRM_NPU_BO_WC, DRM_NPU_BO_LOCAL };
	const uint64_t size = 3 * MIB + PAGE;
	int fd = npu_open();

	(void)state;
	for (unsigned int i = 0; i < 3; i++) {
		for (unsigned int round = 0; round < 3; round++) {
			uint32_t handle = npu_bo_create(fd, size, flags[i]);
			uint8_t *map = npu_bo_map(fd, handle, size);

			assert_true(all_bytes(map, size, 0));
			memset(map, 0xa5, size);
			assert_true(all_bytes(map, size, 0xa5));
			assert_int_equal(munmap(map, size), 0);
			gem_close(fd, handle);
		}
	}
	close(fd);
}

/* All of local memory in pieces that do not fit each other: nothing overlaps, nothing is lost. */
static void local_memory_fills_up(void **state)
{
	int fd = npu_open();
	struct drm_npu_memory before = memory(fd), now;
	uint64_t sizes[] = { 16 * MIB, 5 * MIB, PAGE, 2 * MIB + PAGE };
	uint32_t handles[4096];
	unsigned int n = 0, i;
	uint64_t used = 0;
	uint8_t *map;
	int ret;

	(void)state;
	assert_int_equal(before.local_size, npu_info(fd).lmem_size);
	while (n < 4096) {
		struct drm_npu_bo_create create = {
			.size = sizes[n % 4],
			.flags = DRM_NPU_BO_LOCAL,
		};

		ret = npu_try_ioctl(fd, DRM_IOCTL_NPU_BO_CREATE, &create);
		if (ret) {
			assert_int_equal(ret, -ENOSPC);
			break;
		}
		handles[n++] = create.handle;
		used += create.size;
		map = npu_bo_map(fd, create.handle, PAGE);
		*(volatile uint32_t *)map = n;
		munmap(map, PAGE);
	}
	now = memory(fd);
	assert_int_equal(now.local_free, before.local_free - used);
	for (i = 0; i < n; i++) {
		map = npu_bo_map(fd, handles[i], PAGE);
		assert_int_equal(*(volatile uint32_t *)map, i + 1);
		munmap(map, PAGE);
		gem_close(fd, handles[i]);
	}
	now = memory(fd);
	assert_int_equal(now.local_free, before.local_free);
	close(fd);
}

/* What a mapping shows does not depend on how it was cut afterwards. */
static void mapping_survives_cuts(void **state)
{
	const uint64_t pages = 600;
	int fd = npu_open();
	uint32_t handle = npu_bo_create(fd, pages * PAGE, DRM_NPU_BO_LOCAL);
	uint8_t *a = npu_bo_map(fd, handle, pages * PAGE);
	uint8_t *b = npu_bo_map(fd, handle, pages * PAGE);

	(void)state;
	for (uint64_t i = 0; i < pages; i++)
		*(volatile uint64_t *)(a + i * PAGE) = i + 1;
	/* Nothing of b was touched yet. */
	assert_int_equal(munmap(b, 100 * PAGE), 0);
	assert_int_equal(mprotect(b + 300 * PAGE, 100 * PAGE, PROT_READ), 0);
	for (uint64_t i = 100; i < pages; i++)
		assert_int_equal(*(volatile uint64_t *)(b + i * PAGE), i + 1);
	munmap(b + 100 * PAGE, (pages - 100) * PAGE);

	/* A mapping outlives the handle. */
	gem_close(fd, handle);
	assert_int_equal(*(volatile uint64_t *)(a + 599 * PAGE), 600);
	munmap(a, pages * PAGE);
	close(fd);
}

/* Between two opens of a card a dma-buf gives the object itself, local or not. */
static void dma_buf_between_files(void **state)
{
	static const uint32_t flags[] = { 0, DRM_NPU_BO_WC, DRM_NPU_BO_LOCAL };

	(void)state;
	for (unsigned int i = 0; i < 3; i++) {
		const uint64_t size = 2 * MIB;
		int fd = npu_open(), other = npu_open();
		uint32_t handle = npu_bo_create(fd, size, flags[i]), imported;
		uint8_t *map = npu_bo_map(fd, handle, size), *map2, *map3;
		int dma_buf = try_export(fd, handle);
		struct drm_npu_bo_info info = {};

		assert_true(dma_buf >= 0);
		assert_int_equal(try_import(other, dma_buf, &imported), 0);
		info.handle = imported;
		npu_ioctl(other, DRM_IOCTL_NPU_BO_INFO, &info);
		assert_int_equal(info.imported, 0);
		assert_int_equal(info.size, size);
		assert_int_equal(info.flags, flags[i]);

		map2 = npu_bo_map(other, imported, size);
		map3 = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_SHARED, dma_buf, 0);
		assert_ptr_not_equal(map3, MAP_FAILED);
		close(dma_buf);
		gem_close(fd, handle);
		memset(map, 0x11, size);
		assert_true(all_bytes(map2, size, 0x11));
		assert_true(all_bytes(map3, size, 0x11));
		*(volatile uint8_t *)(map3 + MIB) = 0x22;
		assert_int_equal(*(volatile uint8_t *)(map + MIB), 0x22);
		munmap(map, size);
		munmap(map2, size);
		close(fd);
		close(other);
		/* The last one keeps the memory. */
		assert_int_equal(map3[MIB], 0x22);
		munmap(map3, size);
	}
}

/* A mapping of a dma-buf shows the same, whether the node's offset was asked for before it or after. */
static void dma_buf_mapped_first(void **state)
{
	static const uint32_t flags[] = { 0, DRM_NPU_BO_LOCAL };

	(void)state;
	for (unsigned int i = 0; i < 2; i++) {
		int fd = npu_open();
		uint32_t handle = npu_bo_create(fd, MIB, flags[i]);
		int dma_buf = try_export(fd, handle);
		uint8_t *map, *map2;

		assert_true(dma_buf >= 0);
		map = mmap(NULL, MIB, PROT_READ | PROT_WRITE, MAP_SHARED, dma_buf, 0);
		assert_ptr_not_equal(map, MAP_FAILED);
		map2 = npu_bo_map(fd, handle, MIB);
		memset(map2, 0x33, MIB);
		assert_true(all_bytes(map, MIB, 0x33));
		munmap(map, MIB);
		munmap(map2, MIB);
		close(dma_buf);
		close(fd);
	}
}

static int udmabuf(uint64_t size, uint8_t **map)
{
	int dev = open("/dev/udmabuf", O_RDWR | O_CLOEXEC), memfd, fd;
	struct udmabuf_create create = { .size = size };

	if (dev < 0)
		return -1;
	memfd = memfd_create("npu-test", MFD_ALLOW_SEALING | MFD_CLOEXEC);
	assert_true(memfd >= 0);
	assert_int_equal(ftruncate(memfd, size), 0);
	assert_int_equal(fcntl(memfd, F_ADD_SEALS, F_SEAL_SHRINK), 0);
	*map = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_SHARED, memfd, 0);
	assert_ptr_not_equal(*map, MAP_FAILED);
	create.memfd = memfd;
	fd = ioctl(dev, UDMABUF_CREATE, &create);
	assert_true(fd >= 0);
	close(memfd);
	close(dev);
	return fd;
}

/* Ordinary memory of the process comes in, and the card reads and writes it. */
static void dma_buf_from_outside(void **state)
{
	const uint64_t size = 64 * PAGE;
	struct drm_npu_bo_mmap_offset offset = {};
	struct drm_npu_bo_info info = {};
	struct npu_buf code;
	uint64_t regions[2];
	uint32_t vm, handle, done;
	uint8_t *map = NULL;
	int fd = npu_open(), dma_buf = udmabuf(size, &map);
	struct npu_q q;
	size_t len;

	(void)state;
	if (dma_buf < 0) {
		close(fd);
		skip();
	}
	assert_int_equal(try_import(fd, dma_buf, &handle), 0);
	info.handle = handle;
	npu_ioctl(fd, DRM_IOCTL_NPU_BO_INFO, &info);
	assert_int_equal(info.imported, 1);
	assert_int_equal(info.size, size);
	offset.handle = handle;
	assert_int_equal(npu_try_ioctl(fd, DRM_IOCTL_NPU_BO_MMAP_OFFSET, &offset), -EOPNOTSUPP);

	vm = npu_vm_create(fd);
	code = npu_buf_create(fd, vm, 0x100000, PAGE, 0);
	assert_int_equal(npu_try_vm_bind(fd, vm, DRM_NPU_VM_BIND_MAP, handle, 0x40000000, size, 0, 0), 0);
	q = npu_queue_create(fd, vm, DRM_NPU_PRIORITY_NORMAL, 0);
	done = npu_syncobj_create(fd);
	memset(map, 0, size);
	memset(map, 0x5a, 8 * PAGE);
	regions[0] = 0x40000000;
	regions[1] = 0x40000000 + 32 * PAGE;
	len = npu_put_copy(code.map, 8 * PAGE);
	npu_submit(&q, code.va, len, regions, 2, 1, 0, done);
	npu_syncobj_wait(fd, done);
	assert_int_equal(npu_queue_result(&q, 1).error, 0);
	assert_true(all_bytes(map + 32 * PAGE, 8 * PAGE, 0x5a));
	assert_true(all_bytes(map + 40 * PAGE, 24 * PAGE, 0));
	/* In use until the file is closed, whatever becomes of the descriptor. */
	close(dma_buf);
	gem_close(fd, handle);
	npu_submit(&q, code.va, len, regions, 2, 1, 0, done);
	npu_syncobj_wait(fd, done);
	assert_int_equal(npu_queue_result(&q, 2).error, 0);
	close(fd);
	munmap(map, size);
}

/* Another npu node than @fd's, or -1. */
static int open_second(int fd)
{
	char first[64], name[64], path[64];

	npu_pci_name(fd, first, sizeof(first));
	for (int i = 0; i < 16; i++) {
		struct drm_version version = {};
		int other;

		snprintf(path, sizeof(path), "/dev/accel/accel%d", i);
		other = open(path, O_RDWR | O_CLOEXEC);
		if (other < 0)
			continue;
		npu_pci_name(other, name, sizeof(name));
		if (strcmp(first, name) && !npu_try_ioctl(other, DRM_IOCTL_VERSION, &version))
			return other;
		close(other);
	}
	return -1;
}

/* Host memory goes from card to card; local memory does not, and says so. */
static void dma_buf_between_cards(void **state)
{
	int fd = npu_open(), other = open_second(fd), dma_buf;
	struct drm_npu_bo_info info = {};
	uint32_t handle, vm;

	(void)state;
	if (other < 0) {
		close(fd);
		skip();
	}
	dma_buf = try_export(fd, npu_bo_create(fd, MIB, DRM_NPU_BO_LOCAL));
	assert_true(dma_buf >= 0);
	assert_int_equal(try_import(other, dma_buf, &handle), -EOPNOTSUPP);
	close(dma_buf);

	dma_buf = try_export(fd, npu_bo_create(fd, MIB, 0));
	assert_true(dma_buf >= 0);
	assert_int_equal(try_import(other, dma_buf, &handle), 0);
	info.handle = handle;
	npu_ioctl(other, DRM_IOCTL_NPU_BO_INFO, &info);
	assert_int_equal(info.imported, 1);
	vm = npu_vm_create(other);
	assert_int_equal(npu_try_vm_bind(other, vm, DRM_NPU_VM_BIND_MAP, handle, MIB, MIB, 0, 0), 0);
	close(dma_buf);
	close(fd);
	close(other);
}

/* A number from the file's fdinfo, in KiB; -1 without the key. */
static long long fdinfo_kib(int fd, const char *key)
{
	char path[64], line[256], unit[8];
	long long value = -1, v;
	size_t len = strlen(key);
	FILE *file;

	snprintf(path, sizeof(path), "/proc/self/fdinfo/%d", fd);
	file = fopen(path, "re");
	assert_non_null(file);
	while (fgets(line, sizeof(line), file)) {
		if (strncmp(line, key, len) || line[len] != ':')
			continue;
		unit[0] = 0;
		assert_true(sscanf(line + len + 1, "%lld %7s", &v, unit) >= 1);
		value = !strcmp(unit, "MiB") ? v * 1024 : !strcmp(unit, "KiB") ? v : v / 1024;
	}
	fclose(file);
	return value;
}

static void fdinfo_counts(void **state)
{
	int fd = npu_open();
	uint32_t system, local;

	(void)state;
	assert_int_equal(fdinfo_kib(fd, "drm-total-system"), 0);
	assert_int_equal(fdinfo_kib(fd, "drm-total-local"), 0);
	system = npu_bo_create(fd, 3 * MIB, 0);
	local = npu_bo_create(fd, 5 * MIB, DRM_NPU_BO_LOCAL);
	assert_int_equal(fdinfo_kib(fd, "drm-total-system"), 3 * 1024);
	assert_int_equal(fdinfo_kib(fd, "drm-resident-system"), 0);
	assert_int_equal(fdinfo_kib(fd, "drm-total-local"), 5 * 1024);
	assert_int_equal(fdinfo_kib(fd, "drm-resident-local"), 5 * 1024);
	munmap(npu_bo_map(fd, system, 3 * MIB), 3 * MIB);
	gem_close(fd, local);
	assert_int_equal(fdinfo_kib(fd, "drm-total-local"), 0);
	close(fd);
}

#define THREADS	4
#define TIMES	2000

/* Returns the first error. */
static void *come_and_go(void *arg)
{
	int fd = *(int *)arg, ret = 0;

	for (int i = 0; i < TIMES && !ret; i++) {
		struct drm_npu_bo_create create = { .size = PAGE };
		struct drm_gem_close close = {};

		ret = npu_try_ioctl(fd, DRM_IOCTL_NPU_BO_CREATE, &create);
		close.handle = create.handle;
		if (!ret)
			ret = npu_try_ioctl(fd, DRM_IOCTL_GEM_CLOSE, &close);
	}
	return (void *)(intptr_t)ret;
}

/* From many processors at once: what a card's buffers share is protected. The debug kernel checks lists. */
static void buffers_come_and_go(void **state)
{
	pthread_t thread[THREADS];
	int fd = npu_open();

	(void)state;
	for (unsigned int i = 0; i < THREADS; i++)
		assert_int_equal(pthread_create(&thread[i], NULL, come_and_go, &fd), 0);
	for (unsigned int i = 0; i < THREADS; i++) {
		void *ret;

		assert_int_equal(pthread_join(thread[i], &ret), 0);
		assert_int_equal((intptr_t)ret, 0);
	}
	close(fd);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(create_refuses),
		cmocka_unit_test(info_tells),
		cmocka_unit_test(mmap_refuses),
		cmocka_unit_test(mmap_of_others_refused),
		cmocka_unit_test(buffers_come_and_go),
		cmocka_unit_test(memory_is_cleared),
		cmocka_unit_test(local_memory_fills_up),
		cmocka_unit_test(mapping_survives_cuts),
		cmocka_unit_test(dma_buf_between_files),
		cmocka_unit_test(dma_buf_mapped_first),
		cmocka_unit_test(dma_buf_from_outside),
		cmocka_unit_test(dma_buf_between_cards),
		cmocka_unit_test(fdinfo_counts),
	};

	return cmocka_run_group_tests_name("buffers", tests, NULL, NULL);
}
