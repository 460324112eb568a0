// SPDX-License-Identifier: MIT
/*
 * Copyright (c) 2026 the npu authors
 *
 * The fuzzer's calls of syncobjs, sync files and dma-bufs.
 */
#include <errno.h>
#include <fcntl.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include <linux/dma-buf.h>
#include <linux/sync_file.h>

#include "calls.h"

void any_syncs(struct fuzz_thread *t, struct fuzz_file *f, struct drm_npu_array *array)
{
	struct drm_npu_sync *s = arg(t, 3 * sizeof(*s));
	unsigned int n = roll(t, 3);

	array->stride = edge(t, sizeof(*s), sizeof(*s));
	array->array = (uintptr_t)s;
	for (unsigned int i = 0; i < n; i++) {
		uint32_t handle = any_sync(t, f), flags;

		if (!handle) {
			n = i;
			break;
		}
		/* What nobody has signalled cannot be waited for. */
		flags = chance(t, 8) ? DRM_NPU_SYNC_WAIT : DRM_NPU_SYNC_SIGNAL;
		s[i].handle = handle;
		s[i].flags = flags;
		if (chance(t, 3)) {
			s[i].flags = flags | DRM_NPU_SYNC_TIMELINE;
			s[i].timeline_value = 1 + roll(t, 8);
		}
	}
	array->count = edge(t, n, 1024);
}

static void keep_sync(struct fuzz_thread *t, struct fuzz_file *f, uint32_t handle)
{
	uint32_t old = __atomic_exchange_n(&f->sync[roll(t, SYNCS)], handle, __ATOMIC_RELAXED);

	if (old)
		try_ioctl(f->fd, DRM_IOCTL_SYNCOBJ_DESTROY, &(struct drm_syncobj_destroy) { .handle = old });
}

int do_sync_create(struct fuzz_thread *t)
{
	struct drm_syncobj_create *c = arg(t, sizeof(*c));
	struct fuzz_file *f = any_file(t);
	int ret;

	c->flags = chance(t, 2) ? DRM_SYNCOBJ_CREATE_SIGNALED : 0;
	ret = call(t, f, DRM_IOCTL_SYNCOBJ_CREATE, c);
	if (!ret)
		keep_sync(t, f, c->handle);
	return ret;
}

int do_sync_destroy(struct fuzz_thread *t)
{
	struct drm_syncobj_destroy *d = arg(t, sizeof(*d));
	struct fuzz_file *f = any_file(t);

	d->handle = any_sync(t, f);
	forget(t, f->sync, sizeof(f->sync[0]), SYNCS, d->handle);
	return call(t, f, DRM_IOCTL_SYNCOBJ_DESTROY, d);
}

int do_sync_wait(struct fuzz_thread *t)
{
	struct drm_syncobj_wait *w = arg(t, sizeof(*w));
	uint32_t *handles = arg(t, 2 * sizeof(*handles));
	struct fuzz_file *f = any_file(t);
	handles[0] = any_sync(t, f);
	handles[1] = any_sync(t, f);
	w->handles = (uintptr_t)handles;
	w->count_handles = 1 + roll(t, 2);
	w->flags = roll(t, 4);
	/* Of the past, mostly: a look. */
	w->timeout_nsec = chance(t, 8) ? fuzz_now_ns() + roll(t, chance(t, 8) ? 10000000 : 500000) : 0;
	/* Not mutated: a wait of hours is no bug. */
	return try_ioctl(f->fd, DRM_IOCTL_SYNCOBJ_WAIT, w);
}

int do_sync_export(struct fuzz_thread *t)
{
	struct drm_syncobj_handle *h = arg(t, sizeof(*h));
	struct fuzz_file *f = any_file(t);
	int ret;

	h->handle = any_sync(t, f);
	h->flags = DRM_SYNCOBJ_HANDLE_TO_FD_FLAGS_EXPORT_SYNC_FILE;
	h->fd = -1;
	ret = try_ioctl(f->fd, DRM_IOCTL_SYNCOBJ_HANDLE_TO_FD, h);
	if (!ret)
		world_keep(t, fuzz_world.sync_file, h->fd);
	return ret;
}

int do_sync_import(struct fuzz_thread *t)
{
	struct drm_syncobj_handle *h = arg(t, sizeof(*h));
	struct fuzz_file *f = any_file(t);

	h->handle = any_sync(t, f);
	h->flags = DRM_SYNCOBJ_FD_TO_HANDLE_FLAGS_IMPORT_SYNC_FILE;
	h->fd = any_fd(t, fuzz_world.sync_file);
	return call(t, f, DRM_IOCTL_SYNCOBJ_FD_TO_HANDLE, h);
}

struct sw_sync_create_fence_data {
	uint32_t value;
	char name[32];
	int32_t fence;
};

#define SW_SYNC_IOC_CREATE_FENCE	_IOWR('W', 0, struct sw_sync_create_fence_data)
#define SW_SYNC_IOC_INC			_IOW('W', 1, uint32_t)

/* Fences of a stranger's, which come late, or with the end of their timeline. */
int do_sw_sync(struct fuzz_thread *t)
{
	struct sw_sync_create_fence_data fence = { .value = 1 + roll(t, 3) };
	int timeline = any_fd(t, fuzz_world.timeline);
	uint32_t one = 1;

	if (timeline < 0 || chance(t, 4)) {
		timeline = open("/sys/kernel/debug/sync/sw_sync", O_RDWR | O_CLOEXEC);
		if (timeline < 0)
			return -errno;
		world_keep(t, fuzz_world.timeline, timeline);
		return 0;
	}
	if (chance(t, 2))
		return try_ioctl(timeline, SW_SYNC_IOC_INC, &one);
	if (ioctl(timeline, SW_SYNC_IOC_CREATE_FENCE, &fence))
		return -errno;
	world_keep(t, fuzz_world.sync_file, fence.fence);
	return 0;
}

int do_export(struct fuzz_thread *t)
{
	struct drm_prime_handle *h = arg(t, sizeof(*h));
	struct fuzz_file *f = any_file(t);
	int ret;

	h->handle = any_bo(t, f);
	h->flags = DRM_CLOEXEC | DRM_RDWR;
	ret = try_ioctl(f->fd, DRM_IOCTL_PRIME_HANDLE_TO_FD, h);
	if (!ret)
		world_keep(t, fuzz_world.dma_buf, h->fd);
	return ret;
}

int do_import(struct fuzz_thread *t)
{
	struct drm_prime_handle *h = arg(t, sizeof(*h));
	struct fuzz_file *f = any_file(t);
	struct fuzz_bo *bo = &f->bo[roll(t, BOS)];
	int ret;

	h->fd = any_fd(t, fuzz_world.dma_buf);
	ret = call(t, f, DRM_IOCTL_PRIME_FD_TO_HANDLE, h);
	if (!ret && !bo->handle) {
		int64_t size = lseek(h->fd, 0, SEEK_END);

		*bo = (struct fuzz_bo) { .handle = h->handle, .size = size > 0 ? size : 0 };
	}
	return ret;
}

int do_buf_export_sync(struct fuzz_thread *t)
{
	struct dma_buf_export_sync_file *e = arg(t, sizeof(*e));
	int ret;

	e->flags = 1 + roll(t, 3);
	e->fd = -1;
	ret = try_ioctl(any_fd(t, fuzz_world.dma_buf), DMA_BUF_IOCTL_EXPORT_SYNC_FILE, e);
	if (!ret)
		world_keep(t, fuzz_world.sync_file, e->fd);
	return ret;
}

int do_buf_import_sync(struct fuzz_thread *t)
{
	struct dma_buf_import_sync_file *i = arg(t, sizeof(*i));

	i->flags = 1 + roll(t, 3);
	i->fd = any_fd(t, fuzz_world.sync_file);
	return try_ioctl(any_fd(t, fuzz_world.dma_buf), DMA_BUF_IOCTL_IMPORT_SYNC_FILE, i);
}

int do_fd_close(struct fuzz_thread *t)
{
	int *fds = (int *const[]) { fuzz_world.dma_buf, fuzz_world.sync_file, fuzz_world.timeline }[roll(t, 3)];
	int fd = -1;

	for (int i = 0; i < 4 && fd < 0; i++)
		fd = __atomic_exchange_n(&fds[roll(t, FDS)], -1, __ATOMIC_RELAXED);
	return close(fd) ? -errno : 0;
}
