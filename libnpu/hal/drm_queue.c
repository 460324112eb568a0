// SPDX-License-Identifier: MIT
/*
 * Copyright (c) 2026 the npu authors
 *
 * Queues of the real card: one ioctl a submission.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <time.h>
#include <xf86drm.h>

#include "backend_drm.h"

/* With the card gone, as many looks, a millisecond apart, for what its jobs came to. */
#define GONE_MS 1000

static const struct drm_npu_result *entry(const struct drm_queue *queue, uint64_t seqno)
{
	return &queue->results[seqno % queue->base.depth];
}

/* The number is written last, so what it announces may be read after it. */
static bool has_result(const struct drm_queue *queue, uint64_t seqno)
{
	return __atomic_load_n(&entry(queue, seqno)->seqno, __ATOMIC_ACQUIRE) == seqno;
}

/* ---- Life ------------------------------------------------------------------------------------ */

static const char *why_not(int err)
{
	switch (err) {
	case -EACCES:
		return "that priority needs CAP_SYS_NICE, a timeout longer than the default "
		       "CAP_SYS_ADMIN";
	default:
		return strerror(-err);
	}
}

int drm_queue_create(struct npu_device *base, const struct npu_queue_attr *attr,
		     struct npu_queue **out)
{
	struct drm_device *dev = to_drm(base);
	struct drm_npu_queue_create create = {
		.vm_id = dev->vm,
		.priority = attr->priority,
		.timeout_ms = attr->timeout_ms,
	};
	struct drm_queue *queue;
	void *results;
	int ret;

	queue = calloc(1, sizeof(*queue));
	if (!queue)
		return npu_fail(-ENOMEM, "out of memory");
	ret = drm_call(dev, DRM_IOCTL_NPU_QUEUE_CREATE, &create);
	if (ret) {
		npu_fail(ret, "no queue: %s", why_not(ret));
		goto free_queue;
	}
	queue->id = create.id;
	results = mmap(NULL, create.result_count * sizeof(*queue->results), PROT_READ, MAP_SHARED,
		       dev->fd, create.result_offset);
	if (results == MAP_FAILED) {
		ret = npu_fail(-errno, "mapping a queue's results: %s", strerror(errno));
		goto destroy;
	}
	queue->results = results;
	ret = drmSyncobjCreate(dev->fd, 0, &queue->syncobj) ? -errno : 0;
	if (ret) {
		npu_fail(ret, "no syncobj: %s", strerror(-ret));
		goto unmap;
	}
	npu_queue_init(&queue->base, create.result_count);
	*out = &queue->base;
	return 0;

unmap:
	munmap(results, create.result_count * sizeof(*queue->results));
destroy:
	drm_call(dev, DRM_IOCTL_NPU_QUEUE_DESTROY,
		 &(struct drm_npu_queue_destroy){ .id = create.id });
free_queue:
	free(queue);
	return ret;
}

void drm_queue_stop(struct npu_queue *base)
{
	struct drm_queue *queue = to_drm_queue(base);
	struct drm_npu_queue_destroy destroy = { .id = queue->id };

	/* Jobs end now; the syncobj and the mapped results outlive the queue. */
	drm_call(to_drm(base->dev), DRM_IOCTL_NPU_QUEUE_DESTROY, &destroy);
	for (unsigned int i = 0; i < GONE_MS; i++) {
		if (!base->submitted || has_result(queue, base->submitted) ||
		    atomic_load(&queue->signalled) >= base->submitted)
			return;
		drm_job_wait(base, base->submitted, INT64_MAX);
	}
	/* Nothing is known of a card that was pulled, nor expected. */
	atomic_store(&queue->signalled, base->submitted);
}

void drm_queue_destroy(struct npu_queue *base)
{
	struct drm_queue *queue = to_drm_queue(base);

	munmap((void *)queue->results, base->depth * sizeof(*queue->results));
	drmSyncobjDestroy(to_drm(base->dev)->fd, queue->syncobj);
	free(queue->job);
	free(queue->sync);
	free(queue);
}

static int get_state(struct drm_queue *queue, struct drm_npu_queue_get_state *state)
{
	*state = (struct drm_npu_queue_get_state){ .id = queue->id };
	return drm_call(to_drm(queue->base.dev), DRM_IOCTL_NPU_QUEUE_GET_STATE, state);
}

int drm_queue_state(struct npu_queue *base)
{
	struct drm_npu_queue_get_state state;
	int ret = get_state(to_drm_queue(base), &state);

	if (ret)
		return npu_fail(ret, "state of a queue: %s", strerror(-ret));
	return state.banned ? state.error : 0;
}

/* ---- Submission ------------------------------------------------------------------------------ */

static void *grow(void *array, unsigned int *room, unsigned int count, size_t size)
{
	void *more;

	if (count <= *room)
		return array;
	more = realloc(array, count * size);
	if (more)
		*room = count;
	return more;
}

static int make_room(struct drm_queue *queue, unsigned int jobs, unsigned int syncs)
{
	struct drm_npu_job *job = grow(queue->job, &queue->job_room, jobs, sizeof(*job));
	struct drm_npu_sync *sync = NULL;

	if (job) {
		queue->job = job;
		sync = grow(queue->sync, &queue->sync_room, syncs, sizeof(*sync));
	}
	if (!sync)
		return npu_fail(-ENOMEM, "out of memory");
	queue->sync = sync;
	return 0;
}

/* Fills one entry for a fence of this device. */
static void sync_own(struct drm_npu_sync *sync, struct npu_fence *fence)
{
	if (fence->queue)
		*sync = (struct drm_npu_sync){
			.flags = DRM_NPU_SYNC_WAIT | DRM_NPU_SYNC_TIMELINE,
			.handle = to_drm_queue(fence->queue)->syncobj,
			.timeline_value = fence->last,
		};
	else
		*sync = (struct drm_npu_sync){
			.flags = DRM_NPU_SYNC_WAIT,
			.handle = to_drm_fence(fence)->syncobj,
		};
}

/*
 * Fills the waits: this device's from the front, in @own; those that had to be brought from other
 * devices behind them, in
 * @brought, to be destroyed after submission.
 */
static int fill_waits(struct drm_queue *queue, struct npu_fence *const *waits, unsigned int count,
		      unsigned int *own, unsigned int *brought)
{
	struct drm_device *dev = to_drm(queue->base.dev);
	struct drm_npu_sync *sync = queue->sync;
	int ret;

	*own = 0;
	*brought = 0;
	for (unsigned int i = 0; i < count; i++) {
		if (npu_fence_delays(waits[i], &queue->base) && waits[i]->dev == queue->base.dev)
			sync_own(&sync[(*own)++], waits[i]);
	}
	for (unsigned int i = 0; i < count; i++) {
		uint32_t handle;

		if (!npu_fence_delays(waits[i], &queue->base) || waits[i]->dev == queue->base.dev)
			continue;
		ret = drm_fence_bring(dev, waits[i], &handle);
		if (ret)
			return ret;
		sync[*own + (*brought)++] = (struct drm_npu_sync){
			.flags = DRM_NPU_SYNC_WAIT,
			.handle = handle,
		};
	}
	return 0;
}

static int submit(struct drm_queue *queue, struct npu_fence *fence, unsigned int waits)
{
	struct drm_npu_submit args = {
		.queue_id = queue->id,
		.jobs = { .stride = sizeof(*queue->job),
			  .count = fence->count,
			  .array = (uintptr_t)queue->job },
		.syncs = { .stride = sizeof(*queue->sync),
			   .count = waits + 1,
			   .array = (uintptr_t)queue->sync },
	};
	int ret;

	for (unsigned int i = 0; i < fence->count; i++) {
		const struct npu_launch *l = &fence->job[i];

		queue->job[i] = (struct drm_npu_job){
			.region_count = NPU_MAX_REGIONS,
			.regions = (uintptr_t)l->base,
			.streams = { .stride = sizeof(l->program->stream[0]),
				     .count = l->program->cores,
				     .array = (uintptr_t)l->program->stream },
		};
	}
	queue->sync[waits] = (struct drm_npu_sync){
		.flags = DRM_NPU_SYNC_SIGNAL | DRM_NPU_SYNC_TIMELINE,
		.handle = queue->syncobj,
		.timeline_value = fence->last,
	};
	ret = drm_call(to_drm(queue->base.dev), DRM_IOCTL_NPU_SUBMIT, &args);
	if (ret == -ECANCELED)
		return npu_fail(ret, "the queue is banned by a job that failed: make a new one");
	if (ret == -ENODEV)
		return npu_fail(ret, "the card is gone");
	if (ret)
		return npu_fail(ret, "submission: %s", strerror(-ret));
	return 0;
}

int drm_submit(struct npu_queue *base, struct npu_fence *fence, struct npu_fence *const *waits,
	       unsigned int wait_count)
{
	struct drm_queue *queue = to_drm_queue(base);
	struct drm_device *dev = to_drm(base->dev);
	unsigned int own, brought;
	int ret;

	if (wait_count >= dev->max_syncs)
		return npu_fail(-EINVAL, "%u fences to wait for: at most %u can be", wait_count,
				dev->max_syncs - 1);
	ret = make_room(queue, fence->count, wait_count + 1);
	if (ret)
		return ret;
	ret = fill_waits(queue, waits, wait_count, &own, &brought);
	if (!ret)
		ret = submit(queue, fence, own + brought);
	for (unsigned int i = own; i < own + brought; i++)
		drmSyncobjDestroy(dev->fd, queue->sync[i].handle);
	return ret;
}

/* ---- Results --------------------------------------------------------------------------------- */

uint64_t drm_completed(struct npu_queue *base)
{
	struct drm_queue *queue = to_drm_queue(base);
	uint64_t signalled = atomic_load_explicit(&queue->signalled, memory_order_acquire);

	while (has_result(queue, queue->seen + 1))
		queue->seen++;
	/* Never so, unless the kernel could not tell the result. */
	if (queue->seen < signalled)
		queue->seen = signalled;
	return queue->seen;
}

void drm_job_result(struct npu_queue *base, uint64_t seqno, struct drm_npu_result *out)
{
	struct drm_queue *queue = to_drm_queue(base);
	struct drm_npu_queue_get_state state;
	int ret;

	if (has_result(queue, seqno)) {
		*out = *entry(queue, seqno);
		return;
	}
	ret = get_state(queue, &state);
	*out = (struct drm_npu_result){ .seqno = seqno, .cmd = NPU_ERROR_NO_CMD };
	if (ret == -ENODEV)
		out->error = -ENODEV;
	else if (ret)
		out->error = -ECANCELED;
	else
		out->error = state.banned ? state.error : -EIO;
}

int drm_job_wait(struct npu_queue *base, uint64_t seqno, int64_t deadline)
{
	struct drm_queue *queue = to_drm_queue(base);
	uint64_t old = atomic_load(&queue->signalled);
	int ret;

	if (old >= seqno)
		return 0;
	ret = drmSyncobjTimelineWait(to_drm(base->dev)->fd, &queue->syncobj, &seqno, 1, deadline, 0,
				     NULL);
	if (ret == -ENODEV) {
		/*
		 * The card was pulled: the file answers nothing more, but the kernel ends all jobs,
		 * and says so in the mapped results within moments.
		 */
		nanosleep(&(struct timespec){ .tv_nsec = 1000000 }, NULL);
		return npu_deadline(0) >= deadline ? drm_waited(-ETIME) : 0;
	}
	if (ret)
		return drm_waited(ret);
	while (old < seqno && !atomic_compare_exchange_weak(&queue->signalled, &old, seqno))
		;
	return 0;
}
