// SPDX-License-Identifier: MIT
/*
 * Copyright (c) 2026 the npu authors
 *
 * Usage: memory
 *
 * In the VM, one round of: what memory costs the guest's processor, and what VM_BIND costs, as one JSON object.
 *
 *   memcpy_gb_per_s	libc's copy of 64 MiB, resident, again and again for half a second
 *   touch_s		first touch of SIZE bytes: a byte written in each page of fresh anonymous memory, 4 KiB pages
 *   bind_2m_s		VM_BIND of SIZE bytes of local memory at an address where 2 MiB pages are possible
 *   bind_4k_s		VM_BIND of a host buffer of SIZE bytes that has all its pages, at an address where only
 *			4 KiB pages are possible. It is the buffer's first, so mapping for DMA is in it
 */
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <time.h>
#include <unistd.h>

#include "tests/vm/ioctl/npu_test.h"

#define SIZE	  (512ul << 20)
#define COPY_SIZE (64ul << 20)
#define COPY_S	  0.5
#define PAGE	  4096ul
#define VA	  (1ull << 32)

static double now(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (double)t.tv_sec + 1e-9 * (double)t.tv_nsec;
}

static char *fresh(size_t size)
{
	char *map = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	if (map == MAP_FAILED || madvise(map, size, MADV_NOHUGEPAGE))
		fail_msg("no memory to touch");
	return map;
}

static void touch(char *map, size_t size)
{
	for (size_t at = 0; at < size; at += PAGE)
		*(volatile char *)(map + at) = 1;
}

static double time_touch(void)
{
	char *map = fresh(SIZE);
	double start = now(), end;

	touch(map, SIZE);
	end = now();
	munmap(map, SIZE);
	return end - start;
}

static double measure_memcpy(void)
{
	char *from = fresh(COPY_SIZE), *to = fresh(COPY_SIZE);
	unsigned int count = 0;
	double start, end;

	touch(from, COPY_SIZE);
	touch(to, COPY_SIZE);
	start = now();
	do {
		memcpy(to, from, COPY_SIZE);
		/* The copy is wanted, whoever reads it. */
		__asm__ volatile("" : : "r"(to) : "memory");
		count++;
		end = now();
	} while (end - start < COPY_S);
	munmap(from, COPY_SIZE);
	munmap(to, COPY_SIZE);
	return (double)COPY_SIZE * count / (end - start) * 1e-9;
}

/* In an address space of its own, so that there are no page tables left over. */
static double time_bind(int fd, uint32_t flags, uint64_t va)
{
	struct drm_npu_vm_destroy destroy = { .id = npu_vm_create(fd) };
	struct drm_gem_close gem = { .handle = npu_bo_create(fd, SIZE, flags) };
	double start, end;
	int ret;

	if (!(flags & DRM_NPU_BO_LOCAL)) {
		char *map = npu_bo_map(fd, gem.handle, SIZE);

		touch(map, SIZE);
		munmap(map, SIZE);
	}
	start = now();
	ret = npu_try_vm_bind(fd, destroy.id, DRM_NPU_VM_BIND_MAP, gem.handle, va, SIZE, 0, 0);
	end = now();
	if (ret)
		fail_msg("VM_BIND: %s", strerror(-ret));
	npu_ioctl(fd, DRM_IOCTL_NPU_VM_DESTROY, &destroy);
	npu_ioctl(fd, DRM_IOCTL_GEM_CLOSE, &gem);
	return end - start;
}

int main(void)
{
	double rate = measure_memcpy(), touched = time_touch();
	int fd = npu_open();
	double large = time_bind(fd, DRM_NPU_BO_LOCAL, VA);
	double small = time_bind(fd, 0, VA + PAGE);

	printf("{\"memcpy_gb_per_s\": %.3f, \"touch_s\": %.6f, \"bind_2m_s\": %.9f, \"bind_4k_s\": "
	       "%.9f}\n",
	       rate, touched, large, small);
	close(fd);
	return fflush(stdout) ? 1 : 0;
}
