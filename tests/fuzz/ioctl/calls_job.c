// SPDX-License-Identifier: MIT
/*
 * Copyright (c) 2026 the npu authors
 *
 * The fuzzer's calls of queues, and jobs.
 */
#include <errno.h>

#include "calls.h"

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
	c->timeout_ms = 100 + roll(t, 200);
	ret = call(t, f, DRM_IOCTL_NPU_QUEUE_CREATE, c);
	if (ret)
		return ret;
	destroy_queue(f, i);
	f->queue[i] = c->id;
	f->results[i] = c->result_offset;
	return 0;
}

int do_queue_create(struct fuzz_thread *t)
{
	return queue_create(t, any_file(t), roll(t, QUEUES));
}

int do_queue_destroy(struct fuzz_thread *t)
{
	struct drm_npu_queue_destroy *d = arg(t, sizeof(*d));
	struct fuzz_file *f = any_file(t);

	d->id = any_queue(t, f);
	forget(t, f->queue, sizeof(f->queue[0]), QUEUES, d->id);
	return call(t, f, DRM_IOCTL_NPU_QUEUE_DESTROY, d);
}

int do_queue_state(struct fuzz_thread *t)
{
	struct drm_npu_queue_get_state *s = arg(t, sizeof(*s));
	struct fuzz_file *f = any_file(t);

	s->id = any_queue(t, f);
	return call(t, f, DRM_IOCTL_NPU_QUEUE_GET_STATE, s);
}

static enum fuzz_job any_job(struct fuzz_thread *t)
{
	uint64_t r = roll(t, 10000);

	return r < 3700 ? JOB_EMPTY : r < 7300 ? JOB_COPY : r < 9700 ? JOB_GANG : r < 9770 ? JOB_FAULT :
	       r < 9840 ? JOB_INVALID : r < 9890 ? JOB_HAZARD : r < 9985 ? JOB_NOISE : JOB_HANG;
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

int do_submit(struct fuzz_thread *t)
{
	struct drm_npu_submit *s = arg(t, sizeof(*s));
	struct drm_npu_job *jobs = arg(t, 8 * sizeof(*jobs));
	struct fuzz_file *f = any_file(t);
	unsigned int i = roll(t, QUEUES), n;
	int ret;

	for (int k = 0; k < 8 && !f->queue[i]; k++)
		i = roll(t, QUEUES);
	s->queue_id = f->queue[i];
	s->jobs.stride = edge(t, sizeof(*jobs), sizeof(*jobs));
	n = 1 + roll(t, chance(t, 4) ? 8 : 2);
	s->jobs.array = (uintptr_t)jobs;
	for (unsigned int k = 0; k < n; k++)
		put_job(t, f, &jobs[k]);
	s->jobs.count = edge(t, n, 128);
	any_syncs(t, f, &s->syncs);
	ret = call(t, f, DRM_IOCTL_NPU_SUBMIT, s);
	/* Banned, or none there: another one. */
	if (ret == -ECANCELED || (ret == -ENOENT && chance(t, 2)))
		queue_create(t, f, i);
	return ret;
}

int do_perf(struct fuzz_thread *t)
{
	struct drm_npu_perf_query *q = arg(t, sizeof(*q));
	struct fuzz_file *f = any_file(t);

	bool queue = chance(t, 2);
	uint32_t size = queue ? sizeof(struct drm_npu_perf_queue) : sizeof(struct drm_npu_perf_core);

	q->type = queue ? DRM_NPU_PERF_QUEUE : DRM_NPU_PERF_CORE;
	q->id = queue ? any_queue(t, f) : roll(t, 5);
	q->size = size;
	q->pointer = (uintptr_t)arg(t, size);
	return call(t, f, DRM_IOCTL_NPU_PERF_QUERY, q);
}
