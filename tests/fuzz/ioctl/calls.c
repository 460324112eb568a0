// SPDX-License-Identifier: MIT
/*
 * Copyright (c) 2026 the npu authors
 *
 * The fuzzer's calls. Most are such as a program makes, of what lives; some have a field or two changed, or are
 * of what another thread is just destroying, or have arguments in memory that another thread writes. All
 * arguments are in the sandbox, whose address has no neighbours when a bit of it changes.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <time.h>
#include <unistd.h>

#include <linux/dma-buf.h>
#include <linux/sync_file.h>

#include "../../vm/ioctl/npu_test.h"
#include "fuzz.h"

#define PAGE		4096ull
#define SIZE_SOME	0x2000000ull
#define SIZE_TOO_MUCH	0x20000000000ull

/* Not restarted: who waits too long is interrupted (main.c). */
static int try_ioctl(int fd, unsigned long request, void *p)
{
	return ioctl(fd, request, p) ? -errno : 0;
}

/* ---- Choosing ----------------------------------------------------------------------------------- */

/* Memory for an argument, zeroed; now and then another thread's. */
static void *arg(struct fuzz_thread *t, size_t size)
{
	unsigned int part = chance(t, 64) ? roll(t, THREADS) : t->index;
	void *p = (void *)(SANDBOX + part * SANDBOX_SIZE + t->used);

	memset(p, 0, size);
	t->used += (size + 63) & ~63ull;
	return p;
}

/* One that is open, mostly: if need be, it is opened. */
static struct fuzz_file *any_file(struct fuzz_thread *t)
{
	unsigned int place = roll(t, FILES);

	if (fuzz_world.file[place].fd < 0 && !chance(t, 20))
		world_open(t, place);
	return &fuzz_world.file[place];
}

static uint32_t any_u32(struct fuzz_thread *t)
{
	static const uint32_t odd[] = { 0, 1, 2, 0x7fffffff, 0x80000000, 0xffffffff, 0xfffffff0, 4096, 65536 };

	return chance(t, 2) ? odd[roll(t, sizeof(odd) / sizeof(odd[0]))] : fuzz_random(t);
}

/* A number around a limit, once in a while. */
static uint32_t edge(struct fuzz_thread *t, uint32_t usual, uint32_t limit)
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

/* One of @n handles that lives, if a few tries find any; sometimes one that does not. */
static uint32_t any_handle(struct fuzz_thread *t, const uint32_t *handles, size_t stride, unsigned int n)
{
	uint32_t handle = 0;

	if (chance(t, 50))
		return chance(t, 2) ? any_u32(t) : roll(t, 40);
	for (int i = 0; i < 8 && !handle; i++)
		handle = *(const uint32_t *)((const uint8_t *)handles + roll(t, n) * stride);
	return handle;
}

static uint32_t any_bo(struct fuzz_thread *t, struct fuzz_file *f)
{
	return any_handle(t, &f->bo[0].handle, sizeof(f->bo[0]), BOS);
}

static struct fuzz_bo *live_bo(struct fuzz_thread *t, struct fuzz_file *f)
{
	struct fuzz_bo *bo = &f->bo[roll(t, BOS)];

	for (int i = 0; i < 8 && !bo->handle; i++)
		bo = &f->bo[roll(t, BOS)];
	return bo;
}

static uint32_t any_vm(struct fuzz_thread *t, struct fuzz_file *f)
{
	return any_handle(t, f->vm, sizeof(f->vm[0]), VMS);
}

static uint32_t any_queue(struct fuzz_thread *t, struct fuzz_file *f)
{
	return any_handle(t, f->queue, sizeof(f->queue[0]), QUEUES);
}

static uint32_t any_sync(struct fuzz_thread *t, struct fuzz_file *f)
{
	return any_handle(t, f->sync, sizeof(f->sync[0]), SYNCS);
}

static int any_fd(struct fuzz_thread *t, const int *fds)
{
	int fd = -1;

	for (int i = 0; i < 8 && fd < 0; i++)
		fd = fds[roll(t, FDS)];
	return fd;
}

/* Changes a few bits or fields of an argument. */
static void mutate(struct fuzz_thread *t, void *p, size_t size)
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

static int call(struct fuzz_thread *t, struct fuzz_file *f, unsigned long request, void *p)
{
	mutate(t, p, _IOC_SIZE(request));
	return try_ioctl(f->fd, request, p);
}

/* ---- Buffers ------------------------------------------------------------------------------------ */

static int do_open(struct fuzz_thread *t)
{
	unsigned int place = roll(t, FILES);

	for (unsigned int i = 0; i < FILES && fuzz_world.file[place].fd >= 0; i++)
		place = (place + 1) % FILES;
	return world_open(t, place);
}

static int do_close(struct fuzz_thread *t)
{
	int fd = __atomic_exchange_n(&any_file(t)->fd, -1, __ATOMIC_RELAXED);

	return close(fd) ? -errno : 0;
}

static int do_query(struct fuzz_thread *t)
{
	struct drm_npu_dev_query *q = arg(t, sizeof(*q));

	q->type = roll(t, 2);
	q->size = q->type ? sizeof(struct drm_npu_memory) : sizeof(struct drm_npu_info);
	q->pointer = chance(t, 4) ? 0 : (uintptr_t)arg(t, q->size);
	return call(t, any_file(t), DRM_IOCTL_NPU_DEV_QUERY, q);
}

static int do_bo_create(struct fuzz_thread *t)
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

static int do_gem_close(struct fuzz_thread *t)
{
	struct drm_gem_close *c = arg(t, sizeof(*c));
	struct fuzz_file *f = any_file(t);

	c->handle = any_bo(t, f);
	return call(t, f, DRM_IOCTL_GEM_CLOSE, c);
}

static int do_bo_info(struct fuzz_thread *t)
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

static int do_mmap_offset(struct fuzz_thread *t)
{
	struct fuzz_file *f = any_file(t);
	uint64_t offset;

	return mmap_offset(t, f, any_bo(t, f), &offset);
}

static void *map_slot(struct fuzz_thread *t)
{
	return (void *)(ARENA + roll(t, MAPS) * ARENA_SLOT);
}

/* A buffer's memory or a result ring, into a slot of the arena. */
static int do_mmap(struct fuzz_thread *t)
{
	struct fuzz_file *f = any_file(t);
	int prot = PROT_READ | PROT_WRITE, ret;
	uint64_t size, offset;

	if (chance(t, 3)) {
		offset = f->results[roll(t, QUEUES)];
		size = (1 + roll(t, 12)) * PAGE;
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
	if (mmap(map_slot(t), size, prot, (chance(t, 20) ? MAP_PRIVATE : MAP_SHARED) | MAP_FIXED, f->fd,
		 offset) == MAP_FAILED)
		return -errno;
	return 0;
}

static int do_munmap(struct fuzz_thread *t)
{
	uint64_t pages = ARENA_SLOT / PAGE, from = chance(t, 2) ? 0 : roll(t, pages);
	uint64_t n = chance(t, 2) ? pages - from : 1 + roll(t, pages - from);

	if (mmap((uint8_t *)map_slot(t) + from * PAGE, n * PAGE, PROT_NONE,
		 MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE | MAP_FIXED, -1, 0) == MAP_FAILED)
		return -errno;
	return 0;
}

/* Reads or writes through a mapping. The kernel does it, so what is not there is an error and no signal. */
static int do_touch(struct fuzz_thread *t)
{
	uint8_t *at = (uint8_t *)map_slot(t) + (chance(t, 2) ? 0 : roll(t, chance(t, 2) ? 16 * PAGE : ARENA_SLOT - 8));
	bool back = chance(t, 2);
	uint64_t word;
	int ret = 0;

	if (write(t->pipe[1], at, 8) < 0 || (back && read(t->pipe[0], at, 8) < 0))
		ret = -errno;
	/* What is there still, and is not waited for. */
	while (read(t->pipe[0], &word, 8) > 0)
		;
	return ret;
}

/* ---- Address spaces ------------------------------------------------------------------------------ */

static int do_vm_create(struct fuzz_thread *t)
{
	struct drm_npu_vm_create *c = arg(t, sizeof(*c));
	struct fuzz_file *f = any_file(t);
	unsigned int i = roll(t, VMS);
	int ret = call(t, f, DRM_IOCTL_NPU_VM_CREATE, c);

	if (ret)
		return ret;
	if (f->vm[i])
		try_ioctl(f->fd, DRM_IOCTL_NPU_VM_DESTROY, &(struct drm_npu_vm_destroy) { .id = f->vm[i] });
	f->vm[i] = c->id;
	world_bind_code(f, c->id);
	return 0;
}

static int do_vm_destroy(struct fuzz_thread *t)
{
	struct drm_npu_vm_destroy *d = arg(t, sizeof(*d));
	struct fuzz_file *f = any_file(t);

	d->id = any_vm(t, f);
	return call(t, f, DRM_IOCTL_NPU_VM_DESTROY, d);
}

static void bind_op(struct fuzz_thread *t, struct fuzz_file *f, struct drm_npu_vm_bind_op *op)
{
	struct fuzz_bo *bo = live_bo(t, f);

	/* Mostly around an edge of page tables, rarely over the streams. */
	op->va = chance(t, 30) ? CODE_VA : HEAP_VA + (chance(t, 3) ? roll(t, 4) * 0x200000 :
						      roll(t, HEAP_SIZE / PAGE) * PAGE);
	op->size = (1 + roll(t, chance(t, 16) ? 1024 : 8)) * PAGE;
	if (chance(t, 3) || !bo->handle) {
		op->type = DRM_NPU_VM_BIND_UNMAP;
	} else {
		uint64_t pages = bo->size / PAGE;

		op->type = DRM_NPU_VM_BIND_MAP;
		op->flags = chance(t, 4) ? DRM_NPU_VM_BIND_READONLY : 0;
		op->handle = bo->handle;
		if (pages && !chance(t, 50)) {
			op->offset = chance(t, 2) ? 0 : roll(t, pages) * PAGE;
			if (op->size > bo->size - op->offset)
				op->size = bo->size - op->offset;
		}
	}
	mutate(t, op, sizeof(*op));
}

/* Syncobjs to wait for and to signal, up to three. */
static void any_syncs(struct fuzz_thread *t, struct fuzz_file *f, struct drm_npu_array *array)
{
	struct drm_npu_sync *s = arg(t, 3 * sizeof(*s));

	array->stride = edge(t, sizeof(*s), sizeof(*s));
	array->count = roll(t, 3);
	array->array = (uintptr_t)s;
	for (uint32_t i = 0; i < array->count; i++) {
		s[i].handle = any_sync(t, f);
		if (!s[i].handle) {
			array->count = i;
			break;
		}
		/* What nobody has signalled cannot be waited for. */
		s[i].flags = chance(t, 4) ? DRM_NPU_SYNC_WAIT : DRM_NPU_SYNC_SIGNAL;
		if (chance(t, 3)) {
			s[i].flags |= DRM_NPU_SYNC_TIMELINE;
			s[i].timeline_value = 1 + roll(t, 8);
		}
	}
	array->count = edge(t, array->count, 1024);
}

static int bind(struct fuzz_thread *t, uint32_t flags)
{
	struct drm_npu_vm_bind *b = arg(t, sizeof(*b));
	struct drm_npu_vm_bind_op *ops = arg(t, 4 * sizeof(*ops));
	struct fuzz_file *f = any_file(t);

	b->vm_id = any_vm(t, f);
	b->flags = flags;
	b->ops.stride = edge(t, sizeof(*ops), sizeof(*ops));
	b->ops.count = 1 + roll(t, 4);
	b->ops.array = (uintptr_t)ops;
	for (uint32_t i = 0; i < b->ops.count; i++)
		bind_op(t, f, &ops[i]);
	b->ops.count = edge(t, b->ops.count, 1024);
	if (flags)
		any_syncs(t, f, &b->syncs);
	return call(t, f, DRM_IOCTL_NPU_VM_BIND, b);
}

static int do_bind(struct fuzz_thread *t)
{
	return bind(t, 0);
}

static int do_bind_async(struct fuzz_thread *t)
{
	return bind(t, DRM_NPU_VM_BIND_ASYNC);
}

/* ---- Queues and jobs ----------------------------------------------------------------------------- */

static void destroy_queue(struct fuzz_file *f, unsigned int i)
{
	uint32_t id = __atomic_exchange_n(&f->queue[i], 0, __ATOMIC_RELAXED);

	if (id)
		try_ioctl(f->fd, DRM_IOCTL_NPU_QUEUE_DESTROY, &(struct drm_npu_queue_destroy) { .id = id });
}

static int queue_create(struct fuzz_thread *t, struct fuzz_file *f, unsigned int i)
{
	struct drm_npu_queue_create *c = arg(t, sizeof(*c));
	int ret;

	c->vm_id = any_vm(t, f);
	c->priority = chance(t, 4) ? roll(t, 4) : roll(t, 2);
	/* Time for what is slow, not for what hangs. */
	c->timeout_ms = 200 + roll(t, 300);
	ret = call(t, f, DRM_IOCTL_NPU_QUEUE_CREATE, c);
	if (ret)
		return ret;
	destroy_queue(f, i);
	f->queue[i] = c->id;
	f->results[i] = c->result_offset;
	return 0;
}

static int do_queue_create(struct fuzz_thread *t)
{
	return queue_create(t, any_file(t), roll(t, QUEUES));
}

static int do_queue_destroy(struct fuzz_thread *t)
{
	struct drm_npu_queue_destroy *d = arg(t, sizeof(*d));
	struct fuzz_file *f = any_file(t);

	d->id = any_queue(t, f);
	return call(t, f, DRM_IOCTL_NPU_QUEUE_DESTROY, d);
}

static int do_queue_state(struct fuzz_thread *t)
{
	struct drm_npu_queue_get_state *s = arg(t, sizeof(*s));
	struct fuzz_file *f = any_file(t);

	s->id = any_queue(t, f);
	return call(t, f, DRM_IOCTL_NPU_QUEUE_GET_STATE, s);
}

static enum fuzz_job any_job(struct fuzz_thread *t)
{
	uint64_t r = roll(t, 10000);

	return r < 3700 ? JOB_EMPTY : r < 7300 ? JOB_COPY : r < 9700 ? JOB_GANG : r < 9775 ? JOB_FAULT :
	       r < 9850 ? JOB_INVALID : r < 9900 ? JOB_HAZARD : r < 9995 ? JOB_NOISE : JOB_HANG;
}

static void put_job(struct fuzz_thread *t, struct fuzz_file *f, struct drm_npu_job *job)
{
	enum fuzz_job kind = any_job(t);
	unsigned int cores = kind == JOB_GANG && f->cores <= 8 ? f->cores : 1;
	struct drm_npu_stream *streams = arg(t, cores * sizeof(*streams));
	uint64_t *regions = arg(t, 3 * NPU_MAX_REGIONS * sizeof(*regions));

	regions[0] = DATA_VA;
	regions[1] = chance(t, 8) ? HEAP_VA + roll(t, HEAP_SIZE) : DATA_VA + 0x1000;
	job->region_count = edge(t, 2, NPU_MAX_REGIONS);
	job->regions = (uintptr_t)regions;
	job->streams.stride = edge(t, sizeof(*streams), sizeof(*streams));
	job->streams.count = edge(t, cores, f->cores);
	job->streams.array = (uintptr_t)streams;
	for (unsigned int i = 0; i < cores; i++) {
		uint32_t size;

		streams[i].va = world_job(kind, &size);
		streams[i].size = size;
	}
	if (chance(t, 8))
		mutate(t, streams, sizeof(*streams));
	if (chance(t, 8))
		mutate(t, job, sizeof(*job));
}

static int do_submit(struct fuzz_thread *t)
{
	struct drm_npu_submit *s = arg(t, sizeof(*s));
	struct drm_npu_job *jobs = arg(t, 8 * sizeof(*jobs));
	struct fuzz_file *f = any_file(t);
	unsigned int i = roll(t, QUEUES);
	int ret;

	for (int k = 0; k < 8 && !f->queue[i]; k++)
		i = roll(t, QUEUES);
	s->queue_id = f->queue[i];
	s->jobs.stride = edge(t, sizeof(*jobs), sizeof(*jobs));
	s->jobs.count = 1 + roll(t, chance(t, 4) ? 8 : 2);
	s->jobs.array = (uintptr_t)jobs;
	for (uint32_t k = 0; k < s->jobs.count; k++)
		put_job(t, f, &jobs[k]);
	s->jobs.count = edge(t, s->jobs.count, 128);
	any_syncs(t, f, &s->syncs);
	ret = call(t, f, DRM_IOCTL_NPU_SUBMIT, s);
	/* Banned, or none there: another one. */
	if (ret == -ECANCELED || (ret == -ENOENT && chance(t, 2)))
		queue_create(t, f, i);
	return ret;
}

static int do_perf(struct fuzz_thread *t)
{
	struct drm_npu_perf_query *q = arg(t, sizeof(*q));
	struct fuzz_file *f = any_file(t);

	q->type = roll(t, 2);
	q->id = q->type == DRM_NPU_PERF_QUEUE ? any_queue(t, f) : roll(t, 5);
	q->size = q->type == DRM_NPU_PERF_QUEUE ? sizeof(struct drm_npu_perf_queue) :
						  sizeof(struct drm_npu_perf_core);
	q->pointer = (uintptr_t)arg(t, q->size);
	return call(t, f, DRM_IOCTL_NPU_PERF_QUERY, q);
}

/* ---- Syncobjs and dma-bufs ----------------------------------------------------------------------- */

static void keep_sync(struct fuzz_thread *t, struct fuzz_file *f, uint32_t handle)
{
	uint32_t old = __atomic_exchange_n(&f->sync[roll(t, SYNCS)], handle, __ATOMIC_RELAXED);

	if (old)
		try_ioctl(f->fd, DRM_IOCTL_SYNCOBJ_DESTROY, &(struct drm_syncobj_destroy) { .handle = old });
}

static int do_sync_create(struct fuzz_thread *t)
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

static int do_sync_destroy(struct fuzz_thread *t)
{
	struct drm_syncobj_destroy *d = arg(t, sizeof(*d));
	struct fuzz_file *f = any_file(t);

	d->handle = any_sync(t, f);
	return call(t, f, DRM_IOCTL_SYNCOBJ_DESTROY, d);
}

static int do_sync_wait(struct fuzz_thread *t)
{
	struct drm_syncobj_wait *w = arg(t, sizeof(*w));
	uint32_t *handles = arg(t, 2 * sizeof(*handles));
	struct fuzz_file *f = any_file(t);
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	handles[0] = any_sync(t, f);
	handles[1] = any_sync(t, f);
	w->handles = (uintptr_t)handles;
	w->count_handles = 1 + roll(t, 2);
	w->flags = roll(t, 4);
	w->timeout_nsec = now.tv_sec * 1000000000ll + now.tv_nsec + (int64_t)roll(t, chance(t, 8) ? 20000000 : 500000);
	/* Not mutated: a wait of hours is no bug. */
	return try_ioctl(f->fd, DRM_IOCTL_SYNCOBJ_WAIT, w);
}

static int do_sync_export(struct fuzz_thread *t)
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

static int do_sync_import(struct fuzz_thread *t)
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
static int do_sw_sync(struct fuzz_thread *t)
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

static int do_export(struct fuzz_thread *t)
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

static int do_import(struct fuzz_thread *t)
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

static int do_buf_export_sync(struct fuzz_thread *t)
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

static int do_buf_import_sync(struct fuzz_thread *t)
{
	struct dma_buf_import_sync_file *i = arg(t, sizeof(*i));

	i->flags = 1 + roll(t, 3);
	i->fd = any_fd(t, fuzz_world.sync_file);
	return try_ioctl(any_fd(t, fuzz_world.dma_buf), DMA_BUF_IOCTL_IMPORT_SYNC_FILE, i);
}

static int do_fd_close(struct fuzz_thread *t)
{
	int *fds = (int *const[]) { fuzz_world.dma_buf, fuzz_world.sync_file, fuzz_world.timeline }[roll(t, 3)];
	int fd = -1;

	for (int i = 0; i < 4 && fd < 0; i++)
		fd = __atomic_exchange_n(&fds[roll(t, FDS)], -1, __ATOMIC_RELAXED);
	return close(fd) ? -errno : 0;
}

/* ---- The rest ------------------------------------------------------------------------------------ */

static int do_read_state(struct fuzz_thread *t)
{
	static const char *const names[] = { "npu_rings", "npu_queues", "npu_vms" };
	char path[96], text[4096];
	int file, ret;

	if (chance(t, 2))
		snprintf(path, sizeof(path), "/proc/self/fdinfo/%d", any_file(t)->fd);
	else
		snprintf(path, sizeof(path), "/sys/kernel/debug/accel/%s/%s", fuzz_card,
			 names[roll(t, 3)]);
	file = open(path, O_RDONLY | O_CLOEXEC);
	if (file < 0)
		return -errno;
	ret = read(file, text, sizeof(text)) < 0 ? -errno : 0;
	close(file);
	return ret;
}

/* A number and a size of an ioctl that nobody promised, with noise. */
static int do_raw(struct fuzz_thread *t)
{
	uint64_t *noise = arg(t, 256);
	unsigned int nr = DRM_COMMAND_BASE + roll(t, 14);

	for (int i = 0; i < 32; i++)
		noise[i] = chance(t, 2) ? 0 : chance(t, 2) ? roll(t, 8) : fuzz_random(t);
	return try_ioctl(any_file(t)->fd, _IOC(roll(t, 4), 'd', nr, roll(t, 256)), noise);
}

static const struct {
	const char *name;
	unsigned int weight;
	int (*make)(struct fuzz_thread *t);
} calls[OPS] = {
	[OP_OPEN] = { "open", 1, do_open },
	[OP_CLOSE] = { "close", 1, do_close },
	[OP_QUERY] = { "DEV_QUERY", 3, do_query },
	[OP_BO_CREATE] = { "BO_CREATE", 9, do_bo_create },
	[OP_GEM_CLOSE] = { "GEM_CLOSE", 2, do_gem_close },
	[OP_BO_INFO] = { "BO_INFO", 2, do_bo_info },
	[OP_MMAP_OFFSET] = { "BO_MMAP_OFFSET", 2, do_mmap_offset },
	[OP_MMAP] = { "mmap", 6, do_mmap },
	[OP_MUNMAP] = { "munmap", 3, do_munmap },
	[OP_TOUCH] = { "touch", 6, do_touch },
	[OP_VM_CREATE] = { "VM_CREATE", 2, do_vm_create },
	[OP_VM_DESTROY] = { "VM_DESTROY", 1, do_vm_destroy },
	[OP_BIND] = { "VM_BIND", 10, do_bind },
	[OP_BIND_ASYNC] = { "VM_BIND async", 7, do_bind_async },
	[OP_QUEUE_CREATE] = { "QUEUE_CREATE", 3, do_queue_create },
	[OP_QUEUE_DESTROY] = { "QUEUE_DESTROY", 1, do_queue_destroy },
	[OP_QUEUE_STATE] = { "QUEUE_GET_STATE", 3, do_queue_state },
	[OP_SUBMIT] = { "SUBMIT", 30, do_submit },
	[OP_PERF] = { "PERF_QUERY", 2, do_perf },
	[OP_SYNC_CREATE] = { "SYNCOBJ_CREATE", 5, do_sync_create },
	[OP_SYNC_DESTROY] = { "SYNCOBJ_DESTROY", 1, do_sync_destroy },
	[OP_SYNC_WAIT] = { "SYNCOBJ_WAIT", 6, do_sync_wait },
	[OP_SYNC_EXPORT] = { "sync file out", 3, do_sync_export },
	[OP_SYNC_IMPORT] = { "sync file in", 3, do_sync_import },
	[OP_SW_SYNC] = { "sw_sync", 3, do_sw_sync },
	[OP_EXPORT] = { "dma-buf out", 3, do_export },
	[OP_IMPORT] = { "dma-buf in", 3, do_import },
	[OP_BUF_EXPORT_SYNC] = { "dma-buf fence out", 2, do_buf_export_sync },
	[OP_BUF_IMPORT_SYNC] = { "dma-buf fence in", 1, do_buf_import_sync },
	[OP_FD_CLOSE] = { "close of another", 1, do_fd_close },
	[OP_READ_STATE] = { "fdinfo, debugfs", 1, do_read_state },
	[OP_RAW] = { "noise", 3, do_raw },
};

const char *fuzz_name(enum fuzz_op op)
{
	return calls[op].name;
}

void fuzz_call(struct fuzz_thread *t)
{
	unsigned int total = 0, r;
	enum fuzz_op op;
	uint64_t start;
	int ret;

	for (op = 0; op < OPS; op++)
		total += calls[op].weight;
	r = roll(t, total);
	for (op = 0; r >= calls[op].weight; op++)
		r -= calls[op].weight;

	t->used = 0;
	start = fuzz_now_us();
	__atomic_store_n(&t->busy_since, start, __ATOMIC_RELAXED);
	ret = calls[op].make(t);
	__atomic_store_n(&t->busy_since, 0, __ATOMIC_RELAXED);
	__atomic_add_fetch(&fuzz_shared->us[op], fuzz_now_us() - start, __ATOMIC_RELAXED);
	kcov_trace_take(&fuzz_kcov, t->trace);
	__atomic_add_fetch(&fuzz_shared->made[op], 1, __ATOMIC_RELAXED);
	ret = ret > 0 ? 0 : -ret;
	__atomic_add_fetch(&fuzz_shared->errors[op][ret < FUZZ_ERRNOS ? ret : FUZZ_ERRNOS - 1], 1,
			   __ATOMIC_RELAXED);
}
