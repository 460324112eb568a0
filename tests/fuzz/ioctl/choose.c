// SPDX-License-Identifier: MIT
/*
 * Copyright (c) 2026 the npu authors
 *
 * What the fuzzer's calls are made of; see calls.h.
 */
#include <errno.h>
#include <string.h>
#include <sys/ioctl.h>

#include "calls.h"

int try_ioctl(int fd, unsigned long request, void *p)
{
	return ioctl(fd, request, p) ? -errno : 0;
}

void *arg(struct fuzz_thread *t, size_t size)
{
	unsigned int part = chance(t, 64) ? roll(t, THREADS) : t->index;
	void *p = (void *)(SANDBOX + part * SANDBOX_SIZE + t->used);

	memset(p, 0, size);
	t->used += (size + 63) & ~63ull;
	return p;
}

struct fuzz_file *any_file(struct fuzz_thread *t)
{
	unsigned int place = roll(t, FILES);

	if (fuzz_world.file[place].fd < 0 && !chance(t, 20))
		world_open(t, place);
	return &fuzz_world.file[place];
}

uint32_t any_u32(struct fuzz_thread *t)
{
	static const uint32_t odd[] = { 0, 1, 2, 0x7fffffff, 0x80000000, 0xffffffff, 0xfffffff0, 4096, 65536 };

	return chance(t, 2) ? odd[roll(t, sizeof(odd) / sizeof(odd[0]))] : fuzz_random(t);
}

uint32_t edge(struct fuzz_thread *t, uint32_t usual, uint32_t limit)
{
	if (!chance(t, 40))
		return usual;
	switch (roll(t, 5)) {
	case 0:
		return limit;
	case 1:
		return limit + 1;
	case 2:
		return limit + 1 + roll(t, limit);
	case 3:
		return 0;
	default:
		return any_u32(t);
	}
}

static uint32_t any_handle(struct fuzz_thread *t, const uint32_t *handles, size_t stride, unsigned int n)
{
	uint32_t handle = 0;

	if (chance(t, 50))
		return chance(t, 2) ? any_u32(t) : roll(t, 40);
	for (int i = 0; i < 8 && !handle; i++)
		handle = *(const uint32_t *)((const uint8_t *)handles + roll(t, n) * stride);
	return handle;
}

uint32_t any_bo(struct fuzz_thread *t, struct fuzz_file *f)
{
	return any_handle(t, &f->bo[0].handle, sizeof(f->bo[0]), BOS);
}

struct fuzz_bo *live_bo(struct fuzz_thread *t, struct fuzz_file *f)
{
	struct fuzz_bo *bo = &f->bo[roll(t, BOS)];

	for (int i = 0; i < 8 && !bo->handle; i++)
		bo = &f->bo[roll(t, BOS)];
	return bo;
}

uint32_t any_vm(struct fuzz_thread *t, struct fuzz_file *f)
{
	return any_handle(t, f->vm, sizeof(f->vm[0]), VMS);
}

uint32_t any_queue(struct fuzz_thread *t, struct fuzz_file *f)
{
	return any_handle(t, f->queue, sizeof(f->queue[0]), QUEUES);
}

uint32_t any_sync(struct fuzz_thread *t, struct fuzz_file *f)
{
	return any_handle(t, f->sync, sizeof(f->sync[0]), SYNCS);
}

void forget(struct fuzz_thread *t, uint32_t *handles, size_t stride, unsigned int n, uint32_t handle)
{
	if (chance(t, 8))
		return;
	for (unsigned int i = 0; i < n; i++) {
		uint32_t *at = (uint32_t *)((uint8_t *)handles + i * stride), known = handle;

		__atomic_compare_exchange_n(at, &known, 0, false, __ATOMIC_RELAXED, __ATOMIC_RELAXED);
	}
}

int any_fd(struct fuzz_thread *t, const int *fds)
{
	int fd = -1;

	for (int i = 0; i < 8 && fd < 0; i++)
		fd = fds[roll(t, FDS)];
	return fd;
}

void mutate(struct fuzz_thread *t, void *p, size_t size)
{
	if (!chance(t, 10))
		return;
	for (uint64_t n = 1 + roll(t, 2); n; n--) {
		uint64_t word = roll(t, size / 4);

		switch (roll(t, 3)) {
		case 0:
			((uint32_t *)p)[word] ^= 1u << roll(t, 32);
			break;
		case 1:
			((uint32_t *)p)[word] = any_u32(t);
			break;
		default:
			/* A pointer or a size: nothing, the kernel's, the last byte there is. */
			((uint64_t *)p)[word / 2] = (const uint64_t[]) {
				0, 0xffff888000000000ull, UINT64_MAX, SANDBOX + THREADS * SANDBOX_SIZE - 4,
				1ull << 47,
			}[roll(t, 5)];
		}
	}
}

int call(struct fuzz_thread *t, struct fuzz_file *f, unsigned long request, void *p)
{
	mutate(t, p, _IOC_SIZE(request));
	return try_ioctl(f->fd, request, p);
}
