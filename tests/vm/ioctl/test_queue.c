// SPDX-License-Identifier: MIT
/*
 * Copyright (c) 2026 the npu authors
 *
 * Queues and jobs that go well, jobs that go wrong by themselves, and arguments that are wrong.
 * Wants a card with check=on.
 */
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "npu_test.h"

#define CODE_VA		0x100000ull
#define SRC_VA		0x200000ull
#define DST_VA		0x300000ull
#define HOLE_VA		0x7000000000ull
#define SIZE		0x4000u

/* One open node with an address space, code, two buffers, a queue. */
struct env {
	int fd;
	uint32_t vm;
	struct npu_buf code, src, dst;
	struct npu_q q;
	uint32_t sync;
	uint64_t regions[2];
};

static int setup(void **state)
{
	struct env *e = calloc(1, sizeof(*e));

	*state = e;
	e->fd = npu_open();
	e->vm = npu_vm_create(e->fd);
	e->code = npu_buf_create(e->fd, e->vm, CODE_VA, SIZE, 0);
	e->src = npu_buf_create(e->fd, e->vm, SRC_VA, SIZE, 0);
	e->dst = npu_buf_create(e->fd, e->vm, DST_VA, SIZE, 0);
	e->q = npu_queue_create(e->fd, e->vm, DRM_NPU_PRIORITY_NORMAL, 0);
	e->sync = npu_syncobj_create(e->fd);
	e->regions[0] = SRC_VA;
	e->regions[1] = DST_VA;
	return 0;
}

static void buf_unmap(struct npu_buf *buf)
{
	munmap(buf->map, buf->size);
}

static int teardown(void **state)
{
	struct env *e = *state;

	npu_queue_unmap(&e->q);
	buf_unmap(&e->code);
	buf_unmap(&e->src);
	buf_unmap(&e->dst);
	close(e->fd);
	free(e);
	return 0;
}

/* Runs what is in the code buffer, @size bytes, and returns its result. */
static struct drm_npu_result run(struct env *e, size_t size)
{
	uint64_t seqno = npu_submit(&e->q, CODE_VA, size, e->regions, 2, 1, 0, e->sync);

	npu_syncobj_wait(e->fd, e->sync);
	return npu_queue_result(&e->q, seqno);
}

/* ---- What goes well ---------------------------------------------------------------------------- */

static void test_empty_job(void **state)
{
	struct env *e = *state;
	struct drm_npu_result r = run(e, 0);

	assert_int_equal(r.seqno, 1);
	assert_int_equal(r.error, 0);
	assert_int_equal(r.status, NPU_JOB_OK);
}

static void test_copy(void **state)
{
	struct env *e = *state;
	struct drm_npu_result r;

	for (unsigned int i = 0; i < SIZE; i++)
		e->src.map[i] = i * 7 + (i >> 8);
	r = run(e, npu_put_copy(e->code.map, SIZE));
	assert_int_equal(r.error, 0);
	assert_true(r.cycles > 0);
	assert_memory_equal(e->src.map, e->dst.map, SIZE);
}

/* All jobs of many calls, and their results, in order and each once. */
static void test_many(void **state)
{
	struct env *e = *state;
	struct drm_npu_info info = npu_info(e->fd);
	uint64_t last = 0;
	unsigned int n;

	for (n = 1; n <= info.max_jobs; n *= 2)
		last = npu_submit(&e->q, CODE_VA, 0, NULL, 0, n, 0, e->sync);
	assert_int_equal(last, 2 * info.max_jobs - 1);
	npu_syncobj_wait(e->fd, e->sync);
	for (uint64_t s = last > e->q.count ? last - e->q.count + 1 : 1; s <= last; s++)
		assert_int_equal(npu_queue_result(&e->q, s).error, 0);
	assert_int_equal(npu_queue_state(&e->q).submitted, last);
	assert_int_equal(npu_queue_state(&e->q).completed, last);
}

/* More than the result ring holds: SUBMIT waits for room instead of losing results. */
static void test_room(void **state)
{
	struct env *e = *state;
	uint64_t last = 0;

	for (unsigned int i = 0; i < 3 * e->q.count; i++)
		last = npu_submit(&e->q, CODE_VA, 0, NULL, 0, 1, 0, e->sync);
	npu_syncobj_wait(e->fd, e->sync);
	assert_int_equal(last, 3 * e->q.count);
	assert_int_equal(npu_queue_state(&e->q).completed, last);
}

/*
 * Room that a part of a job makes is given at once, also while the rest of the job runs on. Here it
 * hangs: who is not woken before that is noticed finds the queue banned.
 */
static void test_room_in_parts(void **state)
{
	struct env *e = *state;
	struct npu_q gate = npu_queue_create(e->fd, e->vm, DRM_NPU_PRIORITY_NORMAL, 2000);
	struct drm_npu_queue_destroy destroy = { .id = e->q.id };
	size_t size = npu_put_hang(e->code.map);
	struct drm_npu_stream streams[2] = { { .va = CODE_VA }, { .va = CODE_VA, .size = size } };
	struct drm_npu_job jobs[2];
	struct drm_npu_sync wait = { .handle = e->sync };
	unsigned int left = e->q.count - 2;

	/* Nothing of the queue begins before the gate's job has been given up. */
	npu_submit(&gate, CODE_VA, size, NULL, 0, 1, 0, e->sync);
	for (unsigned int i = 0; i < 2; i++)
		jobs[i] = (struct drm_npu_job) {
			.streams = {
				.stride = sizeof(streams[0]),
				.count = 1,
				.array = (uintptr_t)&streams[i],
			},
		};
	assert_int_equal(npu_try_submit(&e->q, jobs, 2, &wait, 1, NULL), 0);
	while (left) {
		unsigned int n = left < 100 ? left : 100;

		npu_submit(&e->q, CODE_VA, 0, NULL, 0, n, 0, 0);
		left -= n;
	}
	assert_int_equal(npu_try_submit(&e->q, jobs, 1, NULL, 0, NULL), 0);
	assert_int_equal(npu_queue_state(&e->q).completed, 1);

	npu_ioctl(e->fd, DRM_IOCTL_NPU_QUEUE_DESTROY, &destroy);
	npu_queue_unmap(&gate);
}

static void test_gang(void **state)
{
	struct env *e = *state;
	struct drm_npu_info info = npu_info(e->fd);
	struct drm_npu_stream streams[NPU_MAX_CORES];
	struct drm_npu_job job = {
		.streams = {
			.stride = sizeof(streams[0]),
			.count = info.cores,
			.array = (uintptr_t)streams,
		},
	};
	struct drm_npu_sync sync = { .flags = DRM_NPU_SYNC_SIGNAL, .handle = e->sync };
	size_t size = npu_put_barrier(e->code.map);
	uint64_t seqno;

	for (unsigned int i = 0; i < info.cores; i++)
		streams[i] = (struct drm_npu_stream) { .va = CODE_VA, .size = size };
	assert_int_equal(npu_try_submit(&e->q, &job, 1, &sync, 1, &seqno), 0);
	npu_syncobj_wait(e->fd, e->sync);
	assert_int_equal(npu_queue_result(&e->q, seqno).error, 0);
}

/* A chain over two queues of different priority and address space, by binary and timeline syncobjs. */
static void test_syncobjs(void **state)
{
	struct env *e = *state;
	uint32_t vm = npu_vm_create(e->fd);
	struct npu_q other = npu_queue_create(e->fd, vm, DRM_NPU_PRIORITY_LOW, 0);
	uint32_t timeline = npu_syncobj_create(e->fd);
	struct drm_npu_stream stream = { .va = CODE_VA };
	struct drm_npu_job job = {
		.streams = { .stride = sizeof(stream), .count = 1, .array = (uintptr_t)&stream },
	};
	struct drm_npu_sync syncs[2];

	for (uint64_t point = 1; point <= 20; point++) {
		const struct npu_q *q = point % 2 ? &e->q : &other;

		syncs[0] = (struct drm_npu_sync) {
			.flags = DRM_NPU_SYNC_TIMELINE,
			.handle = timeline,
			.timeline_value = point - 1,
		};
		syncs[1] = (struct drm_npu_sync) {
			.flags = DRM_NPU_SYNC_TIMELINE | DRM_NPU_SYNC_SIGNAL,
			.handle = timeline,
			.timeline_value = point,
		};
		assert_int_equal(npu_try_submit(q, &job, 1, &syncs[point == 1], point == 1 ? 1 : 2,
						NULL), 0);
	}
	syncs[0].timeline_value = 20;
	syncs[1] = (struct drm_npu_sync) { .flags = DRM_NPU_SYNC_SIGNAL, .handle = e->sync };
	assert_int_equal(npu_try_submit(&e->q, &job, 1, syncs, 2, NULL), 0);
	npu_syncobj_wait(e->fd, e->sync);
	assert_int_equal(npu_queue_state(&other).completed, 10);
	assert_int_equal(npu_queue_state(&e->q).completed, 11);
}

/* ---- Jobs that go wrong ------------------------------------------------------------------------ */

/* The queue is banned, with this error; others are not. */
static void assert_banned(struct env *e, int error)
{
	struct drm_npu_stream stream = { .va = CODE_VA };
	struct drm_npu_job job = {
		.streams = { .stride = sizeof(stream), .count = 1, .array = (uintptr_t)&stream },
	};
	struct drm_npu_queue_get_state state = npu_queue_state(&e->q);
	struct npu_q other = npu_queue_create(e->fd, e->vm, DRM_NPU_PRIORITY_NORMAL, 0);
	uint32_t sync = npu_syncobj_create(e->fd);
	uint64_t seqno;

	assert_int_equal(state.banned, 1);
	assert_int_equal(state.error, error);
	assert_int_equal(npu_try_submit(&e->q, &job, 1, NULL, 0, NULL), -ECANCELED);

	seqno = npu_submit(&other, CODE_VA, 0, NULL, 0, 1, 0, sync);
	npu_syncobj_wait(e->fd, sync);
	assert_int_equal(npu_queue_result(&other, seqno).error, 0);
}

static void test_fault(void **state)
{
	struct env *e = *state;
	struct drm_npu_result r;

	e->regions[0] = HOLE_VA;
	r = run(e, npu_put_load(e->code.map, 0, 64, 77));
	assert_int_equal(r.error, -EFAULT);
	assert_int_equal(r.status, NPU_JOB_FAULT);
	assert_int_equal(r.reason, NPU_REASON_NOT_PRESENT);
	assert_int_equal(r.addr & ~63ull, HOLE_VA);
	assert_int_equal(r.engine, NPU_ENGINE_LOAD);
	assert_int_equal(r.access, NPU_ACCESS_READ);
	assert_int_equal(r.tag, 77);
	assert_int_equal(r.cmd, 0);
	assert_int_equal(npu_sync_file_status(npu_syncobj_export_fence(e->fd, e->sync)), -EFAULT);
	assert_banned(e, -EFAULT);
}

static void test_read_only(void **state)
{
	struct env *e = *state;
	struct drm_npu_result r;
	size_t size;

	assert_int_equal(npu_try_vm_bind(e->fd, e->vm, DRM_NPU_VM_BIND_MAP, e->dst.handle, DST_VA,
					 SIZE, 0, DRM_NPU_VM_BIND_READONLY), 0);
	size = npu_put_copy(e->code.map, 64);
	r = run(e, size);
	assert_int_equal(r.error, -EFAULT);
	assert_int_equal(r.reason, NPU_REASON_PERMISSION);
	assert_int_equal(r.access, NPU_ACCESS_WRITE);
	assert_int_equal(r.engine, NPU_ENGINE_STORE);
	assert_int_equal(r.tag, 2);
	assert_banned(e, -EFAULT);
}

static void test_code_fault(void **state)
{
	struct env *e = *state;
	uint64_t seqno = npu_submit(&e->q, HOLE_VA, 64, NULL, 0, 1, 0, e->sync);
	struct drm_npu_result r;

	npu_syncobj_wait(e->fd, e->sync);
	r = npu_queue_result(&e->q, seqno);
	assert_int_equal(r.error, -EFAULT);
	assert_int_equal(r.access, NPU_ACCESS_FETCH);
	assert_banned(e, -EFAULT);
}

static void test_invalid_stream(void **state)
{
	struct env *e = *state;
	size_t at = npu_put_barrier(e->code.map);
	struct drm_npu_result r;

	/* No command has this opcode. */
	npu_put_barrier(e->code.map + at);
	e->code.map[at] = 0xee;
	r = run(e, 2 * at);
	assert_int_equal(r.error, -EBADMSG);
	assert_int_equal(r.status, NPU_JOB_INVALID);
	assert_int_equal(r.reason, NPU_REASON_OPCODE);
	assert_int_equal(r.cmd, at);
	assert_banned(e, -EBADMSG);
}

static void test_deadlock(void **state)
{
	struct env *e = *state;
	struct drm_npu_result r = run(e, npu_put_store(e->code.map, 1, 64, 5));

	assert_int_equal(r.error, -EDEADLK);
	assert_int_equal(r.reason, NPU_REASON_SEMAPHORE);
	assert_int_equal(r.tag, 5);
	assert_banned(e, -EDEADLK);
}

static void test_hazard(void **state)
{
	struct env *e = *state;
	struct drm_npu_result r;
	struct npu_cmd *h;
	size_t size;

	if (!(npu_info(e->fd).features & NPU_FEATURE_CHECK))
		skip();
	size = npu_put_copy(e->code.map, 64);
	/* The STORE does not wait for the LOAD. */
	h = (struct npu_cmd *)e->code.map;
	h->signal[0] = NPU_SEM_NONE;
	h = (struct npu_cmd *)(e->code.map + h->size);
	h->wait[0] = NPU_SEM_NONE;
	r = run(e, size);
	assert_int_equal(r.error, -EILSEQ);
	assert_int_equal(r.reason, NPU_REASON_RAW);
	assert_int_equal(r.engine, NPU_ENGINE_STORE);
	assert_int_equal(r.other_engine, NPU_ENGINE_LOAD);
	assert_int_equal(r.tag, 2);
	assert_int_equal(r.other_tag, 1);
	assert_banned(e, -EILSEQ);
}

/* In one call: what is before the bad job is done, what is behind it is cancelled. */
static void test_error_in_batch(void **state)
{
	struct env *e = *state;
	size_t size = npu_put_copy(e->code.map, 64);
	struct drm_npu_stream good = { .va = CODE_VA, .size = size };
	struct drm_npu_stream bad = { .va = HOLE_VA, .size = 16 };
	struct drm_npu_job jobs[8];
	struct drm_npu_sync sync = { .flags = DRM_NPU_SYNC_SIGNAL, .handle = e->sync };
	uint64_t last;

	for (int i = 0; i < 8; i++) {
		jobs[i] = (struct drm_npu_job) {
			.region_count = 2,
			.regions = (uintptr_t)e->regions,
			.streams = {
				.stride = sizeof(good),
				.count = 1,
				.array = (uintptr_t)(i == 3 ? &bad : &good),
			},
		};
	}
	assert_int_equal(npu_try_submit(&e->q, jobs, 8, &sync, 1, &last), 0);
	npu_syncobj_wait(e->fd, e->sync);
	assert_int_equal(last, 8);
	for (int i = 0; i < 8; i++) {
		int error = npu_queue_result(&e->q, i + 1).error;

		assert_int_equal(error, i < 3 ? 0 : i == 3 ? -EFAULT : -ECANCELED);
	}
	assert_int_equal(npu_sync_file_status(npu_syncobj_export_fence(e->fd, e->sync)), -EFAULT);
	assert_banned(e, -EFAULT);
}

/* ---- Accounts ---------------------------------------------------------------------------------- */

static unsigned long long fdinfo(int fd, const char *key)
{
	char path[64], line[256], name[64];
	unsigned long long value;
	FILE *file;

	snprintf(path, sizeof(path), "/proc/self/fdinfo/%d", fd);
	file = fopen(path, "re");
	assert_non_null(file);
	while (fgets(line, sizeof(line), file)) {
		if (sscanf(line, "%63[^:]: %llu", name, &value) == 2 && !strcmp(name, key)) {
			fclose(file);
			return value;
		}
	}
	fclose(file);
	fail_msg("fdinfo has no %s", key);
	return 0;
}

static void test_accounts(void **state)
{
	struct env *e = *state;
	struct drm_npu_info info = npu_info(e->fd);
	struct drm_npu_perf_queue perf = {};
	struct drm_npu_perf_query query = {
		.type = DRM_NPU_PERF_QUEUE,
		.id = e->q.id,
		.size = sizeof(perf),
		.pointer = (uintptr_t)&perf,
	};
	size_t size = npu_put_copy(e->code.map, SIZE);
	uint64_t cycles = 0;

	assert_int_equal(fdinfo(e->fd, "drm-cycles-npu"), 0);
	for (int i = 0; i < 5; i++)
		cycles += run(e, size).cycles;
	assert_true(cycles > 0);
	assert_int_equal(fdinfo(e->fd, "drm-cycles-npu"), cycles);
	assert_int_equal(fdinfo(e->fd, "drm-engine-npu"), cycles * 1000000 / info.clock_khz);
	assert_int_equal(fdinfo(e->fd, "drm-engine-capacity-npu"), info.cores);

	npu_ioctl(e->fd, DRM_IOCTL_NPU_PERF_QUERY, &query);
	assert_int_equal(perf.jobs, 5);
	assert_int_equal(perf.errors, 0);
	assert_int_equal(perf.cycles, cycles);
	assert_int_equal(perf.busy_ns, cycles * 1000000 / info.clock_khz);

	e->regions[0] = HOLE_VA;
	cycles += run(e, size).cycles;
	npu_ioctl(e->fd, DRM_IOCTL_NPU_PERF_QUERY, &query);
	assert_int_equal(perf.jobs, 5);
	assert_int_equal(perf.errors, 1);

	/* What a destroyed queue has used stays with the file. */
	npu_ioctl(e->fd, DRM_IOCTL_NPU_QUEUE_DESTROY,
		  &(struct drm_npu_queue_destroy) { .id = e->q.id });
	assert_int_equal(fdinfo(e->fd, "drm-cycles-npu"), cycles);
}

static void test_core_counters(void **state)
{
	struct env *e = *state;
	struct drm_npu_info info = npu_info(e->fd);
	struct drm_npu_perf_core perf;
	struct drm_npu_perf_query query = {
		.type = DRM_NPU_PERF_CORE,
		.size = sizeof(perf),
		.pointer = (uintptr_t)&perf,
	};
	uint64_t before = 0, after = 0;

	for (query.id = 0; query.id < info.cores; query.id++) {
		npu_ioctl(e->fd, DRM_IOCTL_NPU_PERF_QUERY, &query);
		before += perf.engine[NPU_ENGINE_LOAD].pcie_bytes;
	}
	assert_int_equal(run(e, npu_put_copy(e->code.map, SIZE)).error, 0);
	for (query.id = 0; query.id < info.cores; query.id++) {
		npu_ioctl(e->fd, DRM_IOCTL_NPU_PERF_QUERY, &query);
		after += perf.engine[NPU_ENGINE_LOAD].pcie_bytes;
	}
	assert_int_equal(after - before, SIZE);
	assert_int_equal(npu_try_ioctl(e->fd, DRM_IOCTL_NPU_PERF_QUERY, &query), -EINVAL);
}

/* ---- What is refused --------------------------------------------------------------------------- */

static void test_result_mapping(void **state)
{
	struct env *e = *state;
	struct drm_npu_queue_create create;
	size_t size;
	void *map;

	assert_int_equal(npu_try_queue_create(e->fd, e->vm, 1, 0, &create), 0);
	size = create.result_count * sizeof(struct drm_npu_result);
	map = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_SHARED, e->fd, create.result_offset);
	assert_ptr_equal(map, MAP_FAILED);
	map = mmap(NULL, size, PROT_READ, MAP_PRIVATE, e->fd, create.result_offset);
	assert_ptr_equal(map, MAP_FAILED);
	map = mmap(NULL, size + 4096, PROT_READ, MAP_SHARED, e->fd, create.result_offset);
	assert_ptr_equal(map, MAP_FAILED);
	map = mmap(NULL, 4096, PROT_READ, MAP_SHARED, e->fd, create.result_offset + 4096);
	assert_ptr_equal(map, MAP_FAILED);
	map = mmap(NULL, size, PROT_READ, MAP_SHARED, e->fd, create.result_offset);
	assert_ptr_not_equal(map, MAP_FAILED);
	assert_int_equal(mprotect(map, size, PROT_READ | PROT_WRITE), -1);
	/* The mapping keeps its pages, not the queue. */
	npu_ioctl(e->fd, DRM_IOCTL_NPU_QUEUE_DESTROY,
		  &(struct drm_npu_queue_destroy) { .id = create.id });
	assert_int_equal(((struct drm_npu_result *)map)->seqno, 0);
	munmap(map, size);
	map = mmap(NULL, size, PROT_READ, MAP_SHARED, e->fd, create.result_offset);
	assert_ptr_equal(map, MAP_FAILED);
}

static void test_bad_queues(void **state)
{
	struct env *e = *state;
	struct drm_npu_info info = npu_info(e->fd);
	struct drm_npu_queue_create create = { .vm_id = e->vm, .flags = 1 };
	struct drm_npu_queue_destroy destroy = { .id = 4711 };
	struct drm_npu_queue_get_state get = { .id = 4711 };
	int ret = 0;

	assert_int_equal(npu_try_ioctl(e->fd, DRM_IOCTL_NPU_QUEUE_CREATE, &create), -EINVAL);
	assert_int_equal(npu_try_queue_create(e->fd, 4711, 0, 0, &create), -ENOENT);
	assert_int_equal(npu_try_queue_create(e->fd, e->vm, 4, 0, &create), -EINVAL);
	assert_int_equal(npu_try_ioctl(e->fd, DRM_IOCTL_NPU_QUEUE_DESTROY, &destroy), -ENOENT);
	destroy.pad = 1;
	assert_int_equal(npu_try_ioctl(e->fd, DRM_IOCTL_NPU_QUEUE_DESTROY, &destroy), -EINVAL);
	assert_int_equal(npu_try_ioctl(e->fd, DRM_IOCTL_NPU_QUEUE_GET_STATE, &get), -ENOENT);
	get.pad = 1;
	assert_int_equal(npu_try_ioctl(e->fd, DRM_IOCTL_NPU_QUEUE_GET_STATE, &get), -EINVAL);

	/* Root may all; the limit of queues ends it. */
	assert_int_equal(info.max_priority, DRM_NPU_PRIORITY_REALTIME);
	for (int i = 0; !ret && i < 10000; i++)
		ret = npu_try_queue_create(e->fd, e->vm, i % 4, 20000, &create);
	assert_int_equal(ret, -ENOSPC);
}

struct guess {
	struct env *e;
	unsigned int failed;
	atomic_bool stop;
};

static void *destroy_guessed(void *arg)
{
	struct guess *g = arg;

	for (uint32_t id = 2; !g->stop; id = id == 4 ? 2 : id + 1) {
		struct drm_npu_queue_destroy destroy = { .id = id };

		npu_try_ioctl(g->e->fd, DRM_IOCTL_NPU_QUEUE_DESTROY, &destroy);
	}
	return NULL;
}

static void *create_many(void *arg)
{
	struct drm_npu_queue_create create;
	struct guess *g = arg;

	for (unsigned int i = 0; i < 2000; i++) {
		struct drm_npu_queue_destroy destroy;

		g->failed += !!npu_try_queue_create(g->e->fd, g->e->vm, 0, 0, &create);
		destroy = (struct drm_npu_queue_destroy) { .id = create.id };
		npu_try_ioctl(g->e->fd, DRM_IOCTL_NPU_QUEUE_DESTROY, &destroy);
	}
	return NULL;
}

/*
 * Queues destroyed by another thread that guesses their ids, before their creation returns. One
 * that got lost would keep the driver from being unloaded (test_unload).
 */
static void test_guessed_ids(void **state)
{
	struct guess g[3] = { { .e = *state }, { .e = *state }, { .e = *state } };
	pthread_t thread[3];

	assert_int_equal(pthread_create(&thread[0], NULL, destroy_guessed, &g[0]), 0);
	for (unsigned int i = 1; i < 3; i++)
		assert_int_equal(pthread_create(&thread[i], NULL, create_many, &g[i]), 0);
	for (unsigned int i = 1; i < 3; i++) {
		assert_int_equal(pthread_join(thread[i], NULL), 0);
		assert_int_equal(g[i].failed, 0);
	}
	g[0].stop = true;
	assert_int_equal(pthread_join(thread[0], NULL), 0);
}

static int submit_one(struct env *e, struct drm_npu_job job)
{
	return npu_try_submit(&e->q, &job, 1, NULL, 0, NULL);
}

static void test_bad_jobs(void **state)
{
	struct env *e = *state;
	struct drm_npu_info info = npu_info(e->fd);
	struct drm_npu_stream stream[NPU_MAX_CORES + 1] = { { .va = CODE_VA, .size = 16 } };
	const struct drm_npu_job good = {
		.region_count = 2,
		.regions = (uintptr_t)e->regions,
		.streams = { .stride = sizeof(stream[0]), .count = 1, .array = (uintptr_t)stream },
	};
	struct drm_npu_job job, jobs[2];

	job = good;
	job.flags = 1;
	assert_int_equal(submit_one(e, job), -EINVAL);
	job = good;
	job.region_count = NPU_MAX_REGIONS + 1;
	assert_int_equal(submit_one(e, job), -EINVAL);
	job = good;
	job.regions = 8;
	assert_int_equal(submit_one(e, job), -EFAULT);
	job = good;
	job.streams.count = 0;
	assert_int_equal(submit_one(e, job), -EINVAL);
	job.streams.count = info.cores + 1;
	assert_int_equal(submit_one(e, job), -EINVAL);
	job.streams.count = 0xffffffff;
	assert_int_equal(submit_one(e, job), -EINVAL);
	job = good;
	job.streams.stride = 8;
	assert_int_equal(submit_one(e, job), -EINVAL);
	job = good;
	job.streams.array = 16;
	assert_int_equal(submit_one(e, job), -EFAULT);

	stream[0].va = CODE_VA + 8;
	assert_int_equal(submit_one(e, good), -EINVAL);
	stream[0] = (struct drm_npu_stream) { .va = CODE_VA, .size = 24 };
	assert_int_equal(submit_one(e, good), -EINVAL);
	stream[0] = (struct drm_npu_stream) { .va = info.va_end - 16, .size = 32 };
	assert_int_equal(submit_one(e, good), -EINVAL);
	stream[0] = (struct drm_npu_stream) { .va = ~15ull, .size = 32 };
	assert_int_equal(submit_one(e, good), -EINVAL);
	stream[0] = (struct drm_npu_stream) { .va = CODE_VA, .size = 1ull << 32 };
	assert_int_equal(submit_one(e, good), -EINVAL);

	/* All or none: the second is wrong, so the first does not run. */
	stream[0] = (struct drm_npu_stream) { .va = CODE_VA };
	jobs[0] = good;
	jobs[1] = good;
	jobs[1].flags = 1;
	assert_int_equal(npu_try_submit(&e->q, jobs, 2, NULL, 0, NULL), -EINVAL);
	assert_int_equal(npu_queue_state(&e->q).submitted, 0);
	assert_int_equal(submit_one(e, good), 0);
	assert_int_equal(npu_queue_state(&e->q).submitted, 1);
}

static void test_bad_submits(void **state)
{
	struct env *e = *state;
	struct drm_npu_info info = npu_info(e->fd);
	struct drm_npu_stream stream = { .va = CODE_VA };
	struct drm_npu_job job = {
		.streams = { .stride = sizeof(stream), .count = 1, .array = (uintptr_t)&stream },
	};
	struct drm_npu_sync sync = { .handle = e->sync };
	const struct drm_npu_submit good = {
		.queue_id = e->q.id,
		.jobs = { .stride = sizeof(job), .count = 1, .array = (uintptr_t)&job },
	};
	struct drm_npu_submit s;

	s = good;
	s.flags = 1;
	assert_int_equal(npu_try_ioctl(e->fd, DRM_IOCTL_NPU_SUBMIT, &s), -EINVAL);
	s = good;
	s.queue_id = 4711;
	assert_int_equal(npu_try_ioctl(e->fd, DRM_IOCTL_NPU_SUBMIT, &s), -ENOENT);
	s = good;
	s.jobs.count = 0;
	assert_int_equal(npu_try_ioctl(e->fd, DRM_IOCTL_NPU_SUBMIT, &s), -EINVAL);
	s = good;
	s.jobs.count = info.max_jobs + 1;
	assert_int_equal(npu_try_ioctl(e->fd, DRM_IOCTL_NPU_SUBMIT, &s), -EINVAL);
	s = good;
	s.jobs.array = 8;
	assert_int_equal(npu_try_ioctl(e->fd, DRM_IOCTL_NPU_SUBMIT, &s), -EFAULT);

	/* Nothing to wait for yet. */
	assert_int_equal(npu_try_submit(&e->q, &job, 1, &sync, 1, NULL), -EINVAL);
	sync.flags = 1 << 5;
	assert_int_equal(npu_try_submit(&e->q, &job, 1, &sync, 1, NULL), -EINVAL);
	sync.flags = DRM_NPU_SYNC_SIGNAL;
	sync.handle = 4711;
	assert_int_equal(npu_try_submit(&e->q, &job, 1, &sync, 1, NULL), -ENOENT);
	assert_int_equal(npu_queue_state(&e->q).submitted, 0);
}

/* Longer structures of a newer caller are fine while what follows is zero. */
static void test_strides(void **state)
{
	struct env *e = *state;
	struct {
		struct drm_npu_stream s;
		uint64_t more[3];
	} stream = { .s = { .va = CODE_VA } };
	struct {
		struct drm_npu_job j;
		uint64_t more;
	} jobs[2] = {};
	struct drm_npu_submit s = {
		.queue_id = e->q.id,
		.jobs = { .stride = sizeof(jobs[0]), .count = 2, .array = (uintptr_t)jobs },
	};

	for (int i = 0; i < 2; i++)
		jobs[i].j.streams = (struct drm_npu_array) {
			.stride = sizeof(stream), .count = 1, .array = (uintptr_t)&stream,
		};
	npu_ioctl(e->fd, DRM_IOCTL_NPU_SUBMIT, &s);
	jobs[1].more = 1;
	assert_int_equal(npu_try_ioctl(e->fd, DRM_IOCTL_NPU_SUBMIT, &s), -E2BIG);
	jobs[1].more = 0;
	stream.more[2] = 1;
	assert_int_equal(npu_try_ioctl(e->fd, DRM_IOCTL_NPU_SUBMIT, &s), -E2BIG);
}

static void test_queries(void **state)
{
	struct env *e = *state;
	unsigned char bytes[512];
	struct drm_npu_dev_query query = { .type = DRM_NPU_QUERY_INFO };
	struct drm_npu_info info = npu_info(e->fd);
	struct drm_npu_perf_query perf = { .type = 99 };

	/* The size alone, then a smaller and a larger structure. */
	npu_ioctl(e->fd, DRM_IOCTL_NPU_DEV_QUERY, &query);
	assert_int_equal(query.size, sizeof(info));
	memset(bytes, 0xa5, sizeof(bytes));
	query.pointer = (uintptr_t)bytes;
	query.size = 8;
	npu_ioctl(e->fd, DRM_IOCTL_NPU_DEV_QUERY, &query);
	assert_int_equal(query.size, 8);
	assert_memory_equal(bytes, &info, 8);
	assert_int_equal(bytes[8], 0xa5);
	query.size = sizeof(bytes);
	npu_ioctl(e->fd, DRM_IOCTL_NPU_DEV_QUERY, &query);
	assert_int_equal(query.size, sizeof(info));
	assert_memory_equal(bytes, &info, sizeof(info));

	query.pointer = 8;
	assert_int_equal(npu_try_ioctl(e->fd, DRM_IOCTL_NPU_DEV_QUERY, &query), -EFAULT);
	query.type = 99;
	assert_int_equal(npu_try_ioctl(e->fd, DRM_IOCTL_NPU_DEV_QUERY, &query), -EINVAL);
	assert_int_equal(npu_try_ioctl(e->fd, DRM_IOCTL_NPU_PERF_QUERY, &perf), -EINVAL);
	perf.pad = 1;
	assert_int_equal(npu_try_ioctl(e->fd, DRM_IOCTL_NPU_PERF_QUERY, &perf), -EINVAL);
	perf = (struct drm_npu_perf_query) { .type = DRM_NPU_PERF_QUEUE, .id = 4711 };
	assert_int_equal(npu_try_ioctl(e->fd, DRM_IOCTL_NPU_PERF_QUERY, &perf), -ENOENT);
}

#define TEST(name) cmocka_unit_test_setup_teardown(test_##name, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(empty_job),
		TEST(copy),
		TEST(many),
		TEST(room),
		TEST(room_in_parts),
		TEST(gang),
		TEST(syncobjs),
		TEST(fault),
		TEST(read_only),
		TEST(code_fault),
		TEST(invalid_stream),
		TEST(deadlock),
		TEST(hazard),
		TEST(error_in_batch),
		TEST(accounts),
		TEST(core_counters),
		TEST(result_mapping),
		TEST(guessed_ids),
		TEST(bad_queues),
		TEST(bad_jobs),
		TEST(bad_submits),
		TEST(strides),
		TEST(queries),
	};

	return cmocka_run_group_tests_name("queue", tests, NULL, NULL);
}
