// SPDX-License-Identifier: MIT
/*
 * Copyright (c) 2026 the npu authors
 *
 * The fuzzer's calls of files and buffers, and of mappings of them.
 */
#include <errno.h>
#include <fcntl.h>
#include <sys/mman.h>
#include <unistd.h>

#include "calls.h"

#define SIZE_SOME	0x2000000ull
#define SIZE_TOO_MUCH	0x20000000000ull

int do_open(struct fuzz_thread *t)
{
	unsigned int place = roll(t, FILES);

	for (unsigned int i = 0; i < FILES && fuzz_world.file[place].fd >= 0; i++)
		place = (place + 1) % FILES;
	return world_open(t, place);
}

int do_close(struct fuzz_thread *t)
{
	int fd = __atomic_exchange_n(&any_file(t)->fd, -1, __ATOMIC_RELAXED);

	return close(fd) ? -errno : 0;
}

int do_query(struct fuzz_thread *t)
{
	struct drm_npu_dev_query *q = arg(t, sizeof(*q));
	bool memory = chance(t, 2);
	uint32_t size = memory ? sizeof(struct drm_npu_memory) : sizeof(struct drm_npu_info);

	q->type = memory ? DRM_NPU_QUERY_MEMORY : DRM_NPU_QUERY_INFO;
	q->size = size;
	q->pointer = chance(t, 4) ? 0 : (uintptr_t)arg(t, size);
	return call(t, any_file(t), DRM_IOCTL_NPU_DEV_QUERY, q);
}

int do_bo_create(struct fuzz_thread *t)
{
	struct drm_npu_bo_create *c = arg(t, sizeof(*c));
	struct fuzz_file *f = any_file(t);
	struct fuzz_bo *bo = &f->bo[roll(t, BOS)];
	int ret;

	c->flags = roll(t, 4);
	/* Few are so large that pages of 2 MiB are used: to clear and map them takes long. */
	c->size = chance(t, 24) ? roll(t, 0x600000) + 1 : (1 + roll(t, 16)) * PAGE;
	mutate(t, c, sizeof(*c));
	/* More than there is, or little: between the two is the guest's end, or a long time of clearing. */
	if (c->size > SIZE_SOME && c->size < SIZE_TOO_MUCH)
		c->size = chance(t, 2) ? SIZE_SOME : SIZE_TOO_MUCH;
	ret = try_ioctl(f->fd, DRM_IOCTL_NPU_BO_CREATE, c);
	if (ret)
		return ret;
	if (bo->handle)
		try_ioctl(f->fd, DRM_IOCTL_GEM_CLOSE, &(struct drm_gem_close) { .handle = bo->handle });
	*bo = (struct fuzz_bo) { .handle = c->handle, .flags = c->flags, .size = c->size };
	return 0;
}

int do_gem_close(struct fuzz_thread *t)
{
	struct drm_gem_close *c = arg(t, sizeof(*c));
	struct fuzz_file *f = any_file(t);

	c->handle = any_bo(t, f);
	forget(t, &f->bo[0].handle, sizeof(f->bo[0]), BOS, c->handle);
	return call(t, f, DRM_IOCTL_GEM_CLOSE, c);
}

int do_bo_info(struct fuzz_thread *t)
{
	struct drm_npu_bo_info *i = arg(t, sizeof(*i));
	struct fuzz_file *f = any_file(t);

	i->handle = any_bo(t, f);
	return call(t, f, DRM_IOCTL_NPU_BO_INFO, i);
}

static int mmap_offset(struct fuzz_thread *t, struct fuzz_file *f, uint32_t handle, uint64_t *offset)
{
	struct drm_npu_bo_mmap_offset *o = arg(t, sizeof(*o));
	int ret;

	o->handle = handle;
	ret = call(t, f, DRM_IOCTL_NPU_BO_MMAP_OFFSET, o);
	*offset = o->offset;
	return ret;
}

int do_mmap_offset(struct fuzz_thread *t)
{
	struct fuzz_file *f = any_file(t);
	uint64_t offset;

	return mmap_offset(t, f, any_bo(t, f), &offset);
}

static void *map_slot(unsigned int slot)
{
	return (void *)(ARENA + slot * ARENA_SLOT);
}

/* A buffer's memory or a result ring, into a slot of the arena. */
int do_mmap(struct fuzz_thread *t)
{
	struct fuzz_file *f = any_file(t);
	int prot = PROT_READ | PROT_WRITE, ret;
	unsigned int slot = roll(t, MAPS);
	uint64_t size, offset = 0;

	if (chance(t, 3)) {
		for (int i = 0; i < 8 && !offset; i++)
			offset = f->results[roll(t, QUEUES)];
		size = (1 + roll(t, chance(t, 4) ? 12 : 3)) * PAGE;
		prot = chance(t, 8) ? prot : PROT_READ;
	} else {
		struct fuzz_bo *bo = live_bo(t, f);

		size = bo->size;
		ret = mmap_offset(t, f, bo->handle, &offset);
		if (ret)
			return ret;
	}
	if (chance(t, 20))
		offset += (roll(t, 64) - 32) * PAGE;
	if (!size || size > ARENA_SLOT)
		size = ARENA_SLOT;
	if (mmap(map_slot(slot), size, prot, (chance(t, 20) ? MAP_PRIVATE : MAP_SHARED) | MAP_FIXED, f->fd,
		 offset) == MAP_FAILED)
		return -errno;
	fuzz_world.mapped[slot] = size;
	return 0;
}

int do_munmap(struct fuzz_thread *t)
{
	uint64_t pages = ARENA_SLOT / PAGE, from = chance(t, 2) ? 0 : roll(t, pages);
	uint64_t n = chance(t, 2) ? pages - from : 1 + roll(t, pages - from);
	unsigned int slot = roll(t, MAPS);

	if (!from)
		fuzz_world.mapped[slot] = 0;
	if (mmap((uint8_t *)map_slot(slot) + from * PAGE, n * PAGE, PROT_NONE,
		 MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE | MAP_FIXED, -1, 0) == MAP_FAILED)
		return -errno;
	return 0;
}

/* Reads or writes through a mapping. The kernel does it, so what is not there is an error and no signal. */
int do_touch(struct fuzz_thread *t)
{
	unsigned int slot = roll(t, MAPS);
	bool back = chance(t, 2);
	uint64_t size, word;
	uint8_t *at;
	int ret = 0;

	for (int i = 0; i < 8 && !fuzz_world.mapped[slot]; i++)
		slot = roll(t, MAPS);
	size = fuzz_world.mapped[slot];
	if (size < PAGE || chance(t, 16))
		size = ARENA_SLOT;
	at = (uint8_t *)map_slot(slot) + (chance(t, 4) ? 0 : roll(t, size - 7));

	if (write(t->pipe[1], at, 8) < 0 || (back && read(t->pipe[0], at, 8) < 0))
		ret = -errno;
	/* What is there still, and is not waited for. */
	while (read(t->pipe[0], &word, 8) > 0)
		;
	return ret;
}
