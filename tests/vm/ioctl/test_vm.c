// SPDX-License-Identifier: MIT
/*
 * Copyright (c) 2026 the npu authors
 *
 * Address spaces: what VM_BIND maps is what jobs see, no more and no less, at the moment it says.
 * Mappings are looked at by jobs that copy through them. The random test prints its seed; NPU_SEED
 * sets it.
 */
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <time.h>
#include <unistd.h>

#include "npu_test.h"

#define PAGE	4096ull
#define LARGE	(2ull << 20)
#define MAP	DRM_NPU_VM_BIND_MAP
#define UNMAP	DRM_NPU_VM_BIND_UNMAP
#define CODE_VA	0x100000ull
#define OUT_VA	0x200000ull
#define BYTES	64u

/*
 * An address space with a queue, code that copies BYTES from region 0 to region 1, and a page to copy
 * to.
 */
struct space {
	int fd;
	uint32_t vm;
	struct npu_q q;
	struct npu_buf code;
	struct npu_buf out;
	size_t len;
	uint32_t done;
};

static struct space space_create(int fd)
{
	struct space s = { .fd = fd, .vm = npu_vm_create(fd) };

	s.code = npu_buf_create(fd, s.vm, CODE_VA, PAGE, 0);
	s.out = npu_buf_create(fd, s.vm, OUT_VA, PAGE, 0);
	s.len = npu_put_copy(s.code.map, BYTES);
	s.q = npu_queue_create(fd, s.vm, DRM_NPU_PRIORITY_NORMAL, 0);
	s.done = npu_syncobj_create(fd);
	return s;
}

static void space_destroy(struct space *s)
{
	struct drm_npu_queue_destroy queue = { .id = s->q.id };
	struct drm_npu_vm_destroy vm = { .id = s->vm };
	struct drm_syncobj_destroy done = { .handle = s->done };
	struct drm_gem_close code = { .handle = s->code.handle }, out = { .handle = s->out.handle };

	munmap((void *)s->q.results, s->q.count * sizeof(*s->q.results));
	munmap(s->code.map, s->code.size);
	munmap(s->out.map, s->out.size);
	npu_ioctl(s->fd, DRM_IOCTL_NPU_QUEUE_DESTROY, &queue);
	npu_ioctl(s->fd, DRM_IOCTL_NPU_VM_DESTROY, &vm);
	npu_ioctl(s->fd, DRM_IOCTL_SYNCOBJ_DESTROY, &done);
	npu_ioctl(s->fd, DRM_IOCTL_GEM_CLOSE, &code);
	npu_ioctl(s->fd, DRM_IOCTL_GEM_CLOSE, &out);
}

/* Runs a copy; how it ended. */
static struct drm_npu_result copy(struct space *s, uint64_t from, uint64_t to)
{
	const uint64_t regions[2] = { from, to };
	uint64_t n = npu_submit(&s->q, CODE_VA, s->len, regions, 2, 1, 0, s->done);

	npu_syncobj_wait(s->fd, s->done);
	return npu_queue_result(&s->q, n);
}

/* The word that jobs see at an address, which must be mapped. */
static uint64_t peek(struct space *s, uint64_t va)
{
	struct drm_npu_result result = copy(s, va, OUT_VA);
	uint64_t word;

	if (result.error)
		fail_msg("copy from %#llx: %s at %#llx", (unsigned long long)va,
			 strerror(-result.error), (unsigned long long)result.addr);
	memcpy(&word, s->out.map, sizeof(word));
	return word;
}

/* A job that touches an address faults, exactly there; the queue is then of no use any more. */
static void expect_fault(int fd, uint32_t vm, uint64_t from, uint64_t to, uint64_t at,
			 unsigned int access, unsigned int reason)
{
	struct drm_npu_queue_destroy queue;
	struct npu_q q = npu_queue_create(fd, vm, DRM_NPU_PRIORITY_NORMAL, 0);
	const uint64_t regions[2] = { from, to };
	uint32_t done = npu_syncobj_create(fd);
	struct drm_npu_result result;
	uint64_t n;

	n = npu_submit(&q, CODE_VA, sizeof(struct npu_cmd_load) + sizeof(struct npu_cmd_store),
		       regions, 2, 1, 0, done);
	npu_syncobj_wait(fd, done);
	result = npu_queue_result(&q, n);
	assert_int_equal(result.error, -EFAULT);
	assert_int_equal(result.status, NPU_JOB_FAULT);
	assert_int_equal(result.reason, reason);
	assert_int_equal(result.access, access);
	assert_int_equal(result.addr, at);
	munmap((void *)q.results, q.count * sizeof(*q.results));
	queue.id = q.id;
	queue.pad = 0;
	npu_ioctl(fd, DRM_IOCTL_NPU_QUEUE_DESTROY, &queue);
}

static void expect_unmapped(struct space *s, uint64_t va)
{
	expect_fault(s->fd, s->vm, va, OUT_VA, va, NPU_ACCESS_READ, NPU_REASON_NOT_PRESENT);
}

/* A buffer whose page n begins with the word base + n. */
static uint32_t numbered(int fd, uint64_t pages, uint64_t base, uint32_t flags)
{
	uint32_t handle = npu_bo_create(fd, pages * PAGE, flags);
	uint8_t *map = npu_bo_map(fd, handle, pages * PAGE);

	for (uint64_t i = 0; i < pages; i++)
		*(volatile uint64_t *)(map + i * PAGE) = base + i;
	munmap(map, pages * PAGE);
	return handle;
}

static void bind_ok(struct space *s, uint32_t op, uint32_t handle, uint64_t va, uint64_t size,
		    uint64_t offset, uint32_t flags)
{
	assert_int_equal(npu_try_vm_bind(s->fd, s->vm, op, handle, va, size, offset, flags), 0);
}

static void bind_refuses(void **state)
{
	int fd = npu_open();
	struct drm_npu_info info = npu_info(fd);
	uint32_t vm = npu_vm_create(fd), bo = npu_bo_create(fd, 4 * PAGE, 0);
	struct drm_npu_vm_bind_op op = { .type = MAP, .handle = bo, .va = CODE_VA, .size = PAGE };
	struct drm_npu_vm_bind bind = {
		.vm_id = vm,
		.ops = { .stride = sizeof(op), .count = 1, .array = (uintptr_t)&op },
	}, bad;
	struct drm_npu_sync sync = { .handle = npu_syncobj_create(fd) };

	(void)state;
#define REFUSED(error, type, flags, handle, va, size, offset) \
	assert_int_equal(npu_try_vm_bind(fd, vm, type, handle, va, size, offset, flags), error)
	REFUSED(-EINVAL, 2, 0, bo, CODE_VA, PAGE, 0);
	REFUSED(-EINVAL, MAP, 2, bo, CODE_VA, PAGE, 0);
	REFUSED(-EINVAL, MAP, 0, bo, CODE_VA, 0, 0);
	REFUSED(-EINVAL, MAP, 0, bo, CODE_VA + 1, PAGE, 0);
	REFUSED(-EINVAL, MAP, 0, bo, CODE_VA, PAGE + 1, 0);
	REFUSED(-EINVAL, MAP, 0, bo, CODE_VA, PAGE, 1);
	REFUSED(-EINVAL, MAP, 0, bo, CODE_VA, 5 * PAGE, 0);
	REFUSED(-EINVAL, MAP, 0, bo, CODE_VA, PAGE, 4 * PAGE);
	REFUSED(-EINVAL, MAP, 0, bo, CODE_VA, 2 * PAGE, 3 * PAGE);
	REFUSED(-EINVAL, MAP, 0, bo, CODE_VA, PAGE, -PAGE);
	REFUSED(-EINVAL, MAP, 0, bo, info.va_start - PAGE, PAGE, 0);
	REFUSED(-EINVAL, MAP, 0, bo, info.va_end, PAGE, 0);
	REFUSED(-EINVAL, MAP, 0, bo, info.va_end - PAGE, 2 * PAGE, 0);
	REFUSED(-EINVAL, MAP, 0, bo, -PAGE, 2 * PAGE, 0);
	REFUSED(-ENOENT, MAP, 0, bo + 100, CODE_VA, PAGE, 0);
	REFUSED(-EINVAL, UNMAP, 1, 0, CODE_VA, PAGE, 0);
	REFUSED(-EINVAL, UNMAP, 0, bo, CODE_VA, PAGE, 0);
	REFUSED(-EINVAL, UNMAP, 0, 0, CODE_VA, PAGE, PAGE);
	REFUSED(-EINVAL, UNMAP, 0, 0, CODE_VA, info.va_end, 0);

#define BAD(error, field, value) do { \
	bad = bind; \
	bad.field = value; \
	assert_int_equal(npu_try_ioctl(fd, DRM_IOCTL_NPU_VM_BIND, &bad), error); \
} while (0)
	BAD(-ENOENT, vm_id, vm + 1);
	BAD(-ENOENT, vm_id, 0);
	BAD(-EINVAL, flags, 2);
	BAD(-EINVAL, ops.count, 0);
	BAD(-EINVAL, ops.count, info.max_binds + 1);
	BAD(-EINVAL, ops.stride, sizeof(op) - 8);
	BAD(-EFAULT, ops.array, 8);
	/* Syncobjs of a synchronous bind; one that nothing was submitted for; none there. */
	BAD(-EINVAL, syncs, ((struct drm_npu_array) { sizeof(sync), 1, (uintptr_t)&sync }));
	bind.flags = DRM_NPU_VM_BIND_ASYNC;
	BAD(-EINVAL, syncs, ((struct drm_npu_array) { sizeof(sync), 1, (uintptr_t)&sync }));
	sync.flags = 8;
	BAD(-EINVAL, syncs, ((struct drm_npu_array) { sizeof(sync), 1, (uintptr_t)&sync }));
	sync.flags = DRM_NPU_SYNC_SIGNAL;
	sync.timeline_value = 1;
	BAD(-EINVAL, syncs, ((struct drm_npu_array) { sizeof(sync), 1, (uintptr_t)&sync }));
	sync.timeline_value = 0;
	sync.handle += 100;
	BAD(-ENOENT, syncs, ((struct drm_npu_array) { sizeof(sync), 1, (uintptr_t)&sync }));
	close(fd);
}

static void create_refuses(void **state)
{
	int fd = npu_open(), n = 0, ret;
	struct drm_npu_vm_create create = { .flags = 1 };
	struct drm_npu_vm_destroy destroy = { .id = 1 };

	(void)state;
	assert_int_equal(npu_try_ioctl(fd, DRM_IOCTL_NPU_VM_CREATE, &create), -EINVAL);
	assert_int_equal(npu_try_ioctl(fd, DRM_IOCTL_NPU_VM_DESTROY, &destroy), -ENOENT);
	create.flags = 0;
	while (!(ret = npu_try_ioctl(fd, DRM_IOCTL_NPU_VM_CREATE, &create)))
		assert_true(++n < 100000);
	assert_int_equal(ret, -ENOSPC);
	assert_true(n >= 16);
	/* One file's limit is not another's. */
	ret = npu_open();
	npu_vm_create(ret);
	close(ret);

	destroy.id = create.id;
	destroy.pad = 1;
	assert_int_equal(npu_try_ioctl(fd, DRM_IOCTL_NPU_VM_DESTROY, &destroy), -EINVAL);
	close(fd);
}

/* A call whose last operation is wrong does nothing. */
static void all_or_nothing(void **state)
{
	int fd = npu_open();
	struct space s = space_create(fd);
	uint32_t bo = numbered(fd, 1, 7, 0);
	struct drm_npu_vm_bind_op ops[2] = {
		{ .type = MAP, .handle = bo, .va = 0x400000, .size = PAGE },
		{ .type = MAP, .handle = bo, .va = 0x500000, .size = PAGE, .offset = PAGE },
	};
	struct drm_npu_vm_bind bind = {
		.vm_id = s.vm,
		.ops = { .stride = sizeof(ops[0]), .count = 2, .array = (uintptr_t)ops },
	};

	(void)state;
	assert_int_equal(npu_try_ioctl(fd, DRM_IOCTL_NPU_VM_BIND, &bind), -EINVAL);
	expect_unmapped(&s, 0x400000);
	ops[1].offset = 0;
	npu_ioctl(fd, DRM_IOCTL_NPU_VM_BIND, &bind);
	assert_int_equal(peek(&s, 0x400000), 7);
	assert_int_equal(peek(&s, 0x500000), 7);
	close(fd);
}

/* Map, look, map something else over it, unmap: never what was there before. */
static void remap_and_unmap(void **state)
{
	static const uint32_t flags[] = { 0, DRM_NPU_BO_LOCAL };
	const uint64_t va = 0x7f0000000000;
	int fd = npu_open();

	(void)state;
	for (unsigned int i = 0; i < 2; i++) {
		struct space s = space_create(fd);
		uint32_t a = numbered(fd, 8, 100, flags[i]), b = numbered(fd, 8, 200, flags[i]);

		expect_unmapped(&s, va);
		bind_ok(&s, MAP, a, va, 8 * PAGE, 0, 0);
		assert_int_equal(peek(&s, va + 3 * PAGE), 103);
		bind_ok(&s, MAP, b, va + 2 * PAGE, 2 * PAGE, 5 * PAGE, 0);
		assert_int_equal(peek(&s, va + 1 * PAGE), 101);
		assert_int_equal(peek(&s, va + 2 * PAGE), 205);
		assert_int_equal(peek(&s, va + 3 * PAGE), 206);
		assert_int_equal(peek(&s, va + 4 * PAGE), 104);
		bind_ok(&s, UNMAP, 0, va + 3 * PAGE, 2 * PAGE, 0, 0);
		assert_int_equal(peek(&s, va + 2 * PAGE), 205);
		assert_int_equal(peek(&s, va + 5 * PAGE), 105);
		expect_unmapped(&s, va + 3 * PAGE);
		expect_unmapped(&s, va + 4 * PAGE);
		/* Nothing there is nothing to complain about. */
		bind_ok(&s, UNMAP, 0, 0x10000000, LARGE * 512, 0, 0);
		bind_ok(&s, UNMAP, 0, va, 8 * PAGE, 0, 0);
		expect_unmapped(&s, va);
		expect_unmapped(&s, va + 7 * PAGE);
		space_destroy(&s);
	}
	close(fd);
}

/* Local memory is mapped by large pages where it can be; cutting them changes nothing else. */
static void large_pages_split(void **state)
{
	const uint64_t va = 0x40000000, pages = 3 * LARGE / PAGE;
	int fd = npu_open();
	struct space s = space_create(fd);
	uint32_t bo = numbered(fd, pages, 1, DRM_NPU_BO_LOCAL), other = numbered(fd, 1, 9999, 0);

	(void)state;
	bind_ok(&s, MAP, bo, va, pages * PAGE, 0, 0);
	assert_int_equal(peek(&s, va), 1);
	assert_int_equal(peek(&s, va + LARGE + 5 * PAGE), 512 + 5 + 1);
	bind_ok(&s, UNMAP, 0, va + LARGE + 5 * PAGE, PAGE, 0, 0);
	bind_ok(&s, MAP, other, va + LARGE + 7 * PAGE, PAGE, 0, 0);
	expect_unmapped(&s, va + LARGE + 5 * PAGE);
	for (uint64_t i = 0; i < pages; i += 73)
		assert_int_equal(peek(&s, va + i * PAGE), i + 1);
	assert_int_equal(peek(&s, va + LARGE + 4 * PAGE), 512 + 4 + 1);
	assert_int_equal(peek(&s, va + LARGE + 6 * PAGE), 512 + 6 + 1);
	assert_int_equal(peek(&s, va + LARGE + 7 * PAGE), 9999);
	/* And whole again. */
	bind_ok(&s, MAP, bo, va, pages * PAGE, 0, 0);
	assert_int_equal(peek(&s, va + LARGE + 5 * PAGE), 512 + 5 + 1);
	assert_int_equal(peek(&s, va + LARGE + 7 * PAGE), 512 + 7 + 1);
	close(fd);
}

static void readonly_is_readonly(void **state)
{
	const uint64_t va = 0x40000000;
	int fd = npu_open();
	struct space s = space_create(fd);
	uint32_t bo = numbered(fd, 2, 50, 0);

	(void)state;
	bind_ok(&s, MAP, bo, va, 2 * PAGE, 0, DRM_NPU_VM_BIND_READONLY);
	assert_int_equal(peek(&s, va), 50);
	expect_fault(fd, s.vm, OUT_VA, va + PAGE, va + PAGE, NPU_ACCESS_WRITE,
		     NPU_REASON_PERMISSION);
	assert_int_equal(peek(&s, va + PAGE), 51);
	/* What is left of a split keeps the permission; the same buffer elsewhere has its own. */
	bind_ok(&s, UNMAP, 0, va + PAGE, PAGE, 0, 0);
	expect_fault(fd, s.vm, OUT_VA, va, va, NPU_ACCESS_WRITE, NPU_REASON_PERMISSION);
	bind_ok(&s, MAP, bo, 0x50000000, PAGE, 0, 0);
	assert_int_equal(copy(&s, OUT_VA, 0x50000000).error, 0);
	close(fd);
}

/* The same address in two address spaces is two things; what only the other has is not there. */
static void spaces_are_apart(void **state)
{
	const uint64_t va = 0x40000000;
	int fd = npu_open(), other = npu_open();
	struct space a = space_create(fd), b = space_create(fd), c = space_create(other);

	(void)state;
	bind_ok(&a, MAP, numbered(fd, 2, 10, DRM_NPU_BO_LOCAL), va, 2 * PAGE, 0, 0);
	bind_ok(&b, MAP, numbered(fd, 1, 20, 0), va, PAGE, 0, 0);
	bind_ok(&c, MAP, numbered(other, 1, 30, DRM_NPU_BO_LOCAL), va, PAGE, 0, 0);
	for (unsigned int i = 0; i < 3; i++) {
		assert_int_equal(peek(&a, va), 10);
		assert_int_equal(peek(&b, va), 20);
		assert_int_equal(peek(&c, va), 30);
	}
	assert_int_equal(peek(&a, va + PAGE), 11);
	expect_unmapped(&b, va + PAGE);
	expect_unmapped(&c, va + PAGE);
	/* An id of another file is none of ours. */
	assert_int_equal(npu_try_vm_bind(other, b.vm + 10, UNMAP, 0, va, PAGE, 0, 0), -ENOENT);
	close(fd);
	assert_int_equal(peek(&c, va), 30);
	close(other);
}

/* Neither a buffer's handle nor an address space's id is needed by what already uses it. */
static void ids_are_not_needed(void **state)
{
	const uint64_t va = 0x40000000;
	int fd = npu_open();
	struct space s = space_create(fd);
	struct drm_gem_close gem = { .handle = numbered(fd, 1, 77, DRM_NPU_BO_LOCAL) };
	struct drm_npu_vm_destroy vm = { .id = s.vm };
	struct drm_npu_queue_create queue;

	(void)state;
	bind_ok(&s, MAP, gem.handle, va, PAGE, 0, 0);
	npu_ioctl(fd, DRM_IOCTL_GEM_CLOSE, &gem);
	assert_int_equal(peek(&s, va), 77);
	npu_ioctl(fd, DRM_IOCTL_NPU_VM_DESTROY, &vm);
	assert_int_equal(npu_try_ioctl(fd, DRM_IOCTL_NPU_VM_DESTROY, &vm), -ENOENT);
	assert_int_equal(npu_try_vm_bind(fd, s.vm, UNMAP, 0, va, PAGE, 0, 0), -ENOENT);
	assert_int_equal(npu_try_queue_create(fd, s.vm, DRM_NPU_PRIORITY_NORMAL, 0, &queue), -ENOENT);
	assert_int_equal(peek(&s, va), 77);
	close(fd);
}

static int try_bind_async(int fd, uint32_t vm, const struct drm_npu_vm_bind_op *op,
			  const struct drm_npu_sync *syncs, uint32_t nsyncs)
{
	struct drm_npu_vm_bind bind = {
		.vm_id = vm,
		.flags = DRM_NPU_VM_BIND_ASYNC,
		.ops = { .stride = sizeof(*op), .count = 1, .array = (uintptr_t)op },
		.syncs = { .stride = sizeof(*syncs), .count = nsyncs, .array = (uintptr_t)syncs },
	};

	return npu_try_ioctl(fd, DRM_IOCTL_NPU_VM_BIND, &bind);
}

/*
 * Jobs and binds in turn, each waiting for the one before, all handed over at once: every job sees
 * the mapping of its own bind.
 */
static void async_binds_follow_syncobjs(void **state)
{
	enum { ROUNDS = 50 };
	const uint64_t va = 0x40000000, out = 0x80000000;
	int fd = npu_open();
	struct space s = space_create(fd);
	uint32_t from = numbered(fd, ROUNDS, 1000, DRM_NPU_BO_LOCAL);
	uint32_t to = npu_bo_create(fd, ROUNDS * PAGE, 0);
	uint64_t *result = npu_bo_map(fd, to, ROUNDS * PAGE), n = 0;
	uint32_t timeline = npu_syncobj_create(fd);

	(void)state;
	bind_ok(&s, MAP, to, out, ROUNDS * PAGE, 0, 0);
	for (uint64_t i = 0; i < ROUNDS; i++) {
		struct drm_npu_vm_bind_op op = {
			.type = MAP,
			.handle = from,
			.va = va,
			.size = PAGE,
			.offset = i * PAGE,
		};
		struct drm_npu_stream stream = { .va = CODE_VA, .size = s.len };
		uint64_t regions[2] = { va, out + i * PAGE };
		struct drm_npu_job job = {
			.region_count = 2,
			.regions = (uintptr_t)regions,
			.streams = { sizeof(stream), 1, (uintptr_t)&stream },
		};
		struct drm_npu_sync syncs[2] = {
			{ DRM_NPU_SYNC_TIMELINE | DRM_NPU_SYNC_SIGNAL, timeline, 2 * i + 1 },
			{ DRM_NPU_SYNC_TIMELINE, timeline, 2 * i },
		};

		assert_int_equal(try_bind_async(fd, s.vm, &op, syncs, i ? 2 : 1), 0);
		syncs[0].timeline_value++;
		syncs[1].timeline_value++;
		assert_int_equal(npu_try_submit(&s.q, &job, 1, syncs, 2, &n), 0);
	}
	assert_int_equal(copy(&s, OUT_VA, OUT_VA + BYTES).error, 0);
	for (uint64_t i = 0; i < ROUNDS; i++)
		assert_int_equal(result[i * PAGE / 8], 1000 + i);
	assert_int_equal(peek(&s, va), 1000 + ROUNDS - 1);
	close(fd);
}

/* A synchronous bind comes after asynchronous ones, whatever these wait for. */
static void sync_binds_come_after(void **state)
{
	const uint64_t va = 0x40000000, regions[2] = { OUT_VA, OUT_VA + BYTES };
	int fd = npu_open();
	struct space s = space_create(fd);
	struct drm_npu_vm_bind_op op = {
		.type = MAP,
		.handle = numbered(fd, 1, 5, 0),
		.va = va,
		.size = PAGE,
	};
	struct drm_npu_sync sync = { .handle = npu_syncobj_create(fd) };

	(void)state;
	npu_submit(&s.q, CODE_VA, s.len, regions, 2, 32, 0, sync.handle);
	assert_int_equal(try_bind_async(fd, s.vm, &op, &sync, 1), 0);
	bind_ok(&s, UNMAP, 0, va, PAGE, 0, 0);
	assert_true(npu_syncobj_signaled(fd, sync.handle));
	expect_unmapped(&s, va);
	close(fd);
}

/* A file closed with binds that still wait for jobs. */
static void close_with_binds_waiting(void **state)
{
	(void)state;
	for (unsigned int round = 0; round < 20; round++) {
		int fd = npu_open();
		struct space s = space_create(fd);
		const uint64_t regions[2] = { OUT_VA, OUT_VA + BYTES };
		uint32_t first = npu_syncobj_create(fd), second = npu_syncobj_create(fd);
		struct drm_npu_vm_bind_op op = { .type = UNMAP, .va = OUT_VA, .size = PAGE };
		struct drm_npu_sync syncs[2] = {
			{ .handle = first },
			{ .flags = DRM_NPU_SYNC_SIGNAL, .handle = second },
		};

		npu_submit(&s.q, CODE_VA, s.len, regions, 2, 16, 0, first);
		assert_int_equal(try_bind_async(fd, s.vm, &op, syncs, 2), 0);
		close(fd);
		munmap(s.code.map, PAGE);
		munmap(s.out.map, PAGE);
		munmap((void *)s.q.results, s.q.count * sizeof(*s.q.results));
	}
}

/* ---- Random binds against a plain model ---------------------------------------------------------- */

enum { WINDOW = 1536, BOS = 6, STEPS = 120, LOOKS = 24 };

/* What a page of the window shows: a buffer's page's number, or 0. */
static uint64_t model[WINDOW];

static uint64_t pick(uint64_t n)
{
	return ((uint64_t)random() << 20 ^ (uint64_t)random()) % n;
}

/* Looks at some mapped pages in one SUBMIT, and at one that is not mapped. */
static void compare(struct space *s, uint64_t base, uint64_t out, const uint8_t *seen)
{
	struct drm_npu_stream stream = { .va = CODE_VA, .size = s->len };
	struct drm_npu_sync done = { .flags = DRM_NPU_SYNC_SIGNAL, .handle = s->done };
	struct drm_npu_job jobs[LOOKS];
	uint64_t regions[LOOKS][2], pages[LOOKS];
	uint32_t n = 0;

	for (unsigned int i = 0; i < 4 * LOOKS && n < LOOKS; i++) {
		uint64_t page = pick(WINDOW);

		if (!model[page])
			continue;
		pages[n] = page;
		regions[n][0] = base + page * PAGE;
		regions[n][1] = out + n * BYTES;
		jobs[n] = (struct drm_npu_job) {
			.region_count = 2,
			.regions = (uintptr_t)regions[n],
			.streams = { sizeof(stream), 1, (uintptr_t)&stream },
		};
		n++;
	}
	if (n) {
		assert_int_equal(npu_try_submit(&s->q, jobs, n, &done, 1, NULL), 0);
		npu_syncobj_wait(s->fd, s->done);
		assert_int_equal(npu_queue_state(&s->q).error, 0);
	}
	for (unsigned int i = 0; i < n; i++) {
		uint64_t word;

		memcpy(&word, seen + i * BYTES, sizeof(word));
		if (word != model[pages[i]])
			fail_msg("page %llu shows %#llx, not %#llx", (unsigned long long)pages[i],
				 (unsigned long long)word, (unsigned long long)model[pages[i]]);
	}
	for (unsigned int i = 0; i < 64; i++) {
		uint64_t page = pick(WINDOW);

		if (!model[page]) {
			expect_unmapped(s, base + page * PAGE);
			break;
		}
	}
}

static void random_binds(void **state)
{
	const char *set = getenv("NPU_SEED");
	unsigned int seed = set ? strtoul(set, NULL, 0) : (unsigned int)time(NULL);
	const uint64_t base = 0x3fe00000, out = 0x300000;
	int fd = npu_open();
	struct space s = space_create(fd);
	struct npu_buf seen = npu_buf_create(fd, s.vm, out, PAGE, 0);
	uint64_t sizes[BOS] = { 1, 7, 512, 1100, 700, 1536 };
	uint32_t bos[BOS];

	(void)state;
	print_message("random_binds: NPU_SEED=%u\n", seed);
	srandom(seed);
	memset(model, 0, sizeof(model));
	for (unsigned int i = 0; i < BOS; i++)
		bos[i] = numbered(fd, sizes[i], (i + 1) << 16, i % 2 ? DRM_NPU_BO_LOCAL : 0);

	for (unsigned int step = 0; step < STEPS; step++) {
		unsigned int bo = pick(BOS);
		uint64_t n = 1 + pick(pick(2) ? 8 : WINDOW), page, offset = 0;
		bool map = pick(3);

		if (map && n > sizes[bo])
			n = sizes[bo];
		page = pick(WINDOW - n + 1);
		/* Where large pages can be, they shall be. */
		if (pick(2) && n >= 512)
			page = page / 512 * 512;
		if (map && pick(2))
			offset = pick(sizes[bo] - n + 1);

		if (map)
			bind_ok(&s, MAP, bos[bo], base + page * PAGE, n * PAGE, offset * PAGE, 0);
		else
			bind_ok(&s, UNMAP, 0, base + page * PAGE, n * PAGE, 0, 0);
		for (uint64_t i = 0; i < n; i++)
			model[page + i] = map ? ((uint64_t)(bo + 1) << 16) + offset + i : 0;
		compare(&s, base, out, seen.map);
	}
	close(fd);
}

/* ---- Threads --------------------------------------------------------------------------------------- */

enum { THREADS = 4, THREAD_PAGES = 64, THREAD_STEPS = 150 };

/* Its own addresses, in an address space and with buffers of all threads. */
struct binder {
	pthread_t thread;
	struct space *space;
	const uint32_t *bos;
	uint64_t base;
	unsigned int seed;
	int error;
	uint64_t model[THREAD_PAGES];
};

static int bind_step(struct binder *b, uint32_t syncobj)
{
	struct drm_npu_sync sync = { .flags = DRM_NPU_SYNC_SIGNAL, .handle = syncobj };
	unsigned int bo = rand_r(&b->seed) % BOS, page = rand_r(&b->seed) % THREAD_PAGES;
	unsigned int n = 1 + rand_r(&b->seed) % (THREAD_PAGES - page);
	bool map = rand_r(&b->seed) % 3;
	struct drm_npu_vm_bind_op op = {
		.type = map ? MAP : UNMAP,
		.handle = map ? b->bos[bo] : 0,
		.va = b->base + page * PAGE,
		.size = n * PAGE,
	};
	struct drm_prime_handle export = { .handle = b->bos[bo], .flags = DRM_CLOEXEC };
	int ret;

	for (unsigned int i = 0; i < n; i++)
		b->model[page + i] = map ? ((uint64_t)(bo + 1) << 16) + i : 0;
	if (rand_r(&b->seed) % 2)
		ret = try_bind_async(b->space->fd, b->space->vm, &op, &sync, 1);
	else
		ret = npu_try_vm_bind(b->space->fd, b->space->vm, op.type, op.handle, op.va,
				      op.size, 0, 0);
	if (ret || rand_r(&b->seed) % 4)
		return ret;
	ret = npu_try_ioctl(b->space->fd, DRM_IOCTL_PRIME_HANDLE_TO_FD, &export);
	if (!ret)
		close(export.fd);
	return ret;
}

static void *bind_steps(void *data)
{
	struct binder *b = data;
	struct drm_syncobj_create create = {};

	b->error = npu_try_ioctl(b->space->fd, DRM_IOCTL_SYNCOBJ_CREATE, &create);
	for (unsigned int i = 0; i < THREAD_STEPS && !b->error; i++)
		b->error = bind_step(b, create.handle);
	return NULL;
}

/* Threads that bind side by side, while jobs run, do not disturb each other. */
static void threads_bind(void **state)
{
	const uint64_t regions[2] = { OUT_VA, OUT_VA + BYTES };
	int fd = npu_open();
	struct space s = space_create(fd);
	static struct binder binders[THREADS];
	uint32_t bos[BOS];

	(void)state;
	for (unsigned int i = 0; i < BOS; i++)
		bos[i] = numbered(fd, THREAD_PAGES, (i + 1) << 16, i % 2 ? DRM_NPU_BO_LOCAL : 0);
	for (unsigned int i = 0; i < THREADS; i++) {
		/* Neighbours share leaf tables. */
		binders[i] = (struct binder) {
			.space = &s,
			.bos = bos,
			.base = 0x3fff0000 + i * THREAD_PAGES * PAGE,
			.seed = i + 1,
		};
		assert_int_equal(pthread_create(&binders[i].thread, NULL, bind_steps, &binders[i]), 0);
	}
	for (unsigned int i = 0; i < 20; i++) {
		npu_submit(&s.q, CODE_VA, s.len, regions, 2, 8, 0, s.done);
		npu_syncobj_wait(fd, s.done);
	}
	for (unsigned int i = 0; i < THREADS; i++)
		assert_int_equal(pthread_join(binders[i].thread, NULL), 0);
	assert_int_equal(npu_queue_state(&s.q).error, 0);
	/* After all asynchronous ones. */
	bind_ok(&s, UNMAP, 0, 0x10000000, PAGE, 0, 0);
	for (unsigned int i = 0; i < THREADS; i++) {
		assert_int_equal(binders[i].error, 0);
		for (unsigned int k = 0; k < THREAD_PAGES; k += 5) {
			uint64_t va = binders[i].base + k * PAGE;

			if (binders[i].model[k])
				assert_int_equal(peek(&s, va), binders[i].model[k]);
			else
				expect_unmapped(&s, va);
		}
	}
	close(fd);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(create_refuses),
		cmocka_unit_test(bind_refuses),
		cmocka_unit_test(all_or_nothing),
		cmocka_unit_test(remap_and_unmap),
		cmocka_unit_test(large_pages_split),
		cmocka_unit_test(readonly_is_readonly),
		cmocka_unit_test(spaces_are_apart),
		cmocka_unit_test(ids_are_not_needed),
		cmocka_unit_test(async_binds_follow_syncobjs),
		cmocka_unit_test(sync_binds_come_after),
		cmocka_unit_test(close_with_binds_waiting),
		cmocka_unit_test(random_binds),
		cmocka_unit_test(threads_bind),
	};

	return cmocka_run_group_tests_name("address spaces", tests, NULL, NULL);
}
