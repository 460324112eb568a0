// SPDX-License-Identifier: MIT
/*
 * Copyright (c) 2026 the npu authors
 *
 * Queues: what is checked before jobs go to the card, their order, and what becomes of them
 * afterwards.
 *
 * A submission is one allocation: the fence with the jobs behind it. It waits in the queue's list
 * until it is reaped. A backend keeps the results of the last `depth` jobs, so no more may be
 * outstanding: submitting beyond that waits for the oldest to end. That always happens: what a job
 * waits for was itself submitted before.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "backend.h"

#define DEFAULT_ATTR ((struct npu_queue_attr){ .priority = NPU_PRIORITY_NORMAL })

void npu_queue_init(struct npu_queue *queue, uint32_t depth)
{
	atomic_init(&queue->refs, 1);
	pthread_mutex_init(&queue->lock, NULL);
	npu_list_init(&queue->pending);
	queue->depth = depth;
}

int npu_queue_create(struct npu_device *dev, const struct npu_queue_attr *attr,
		     struct npu_queue **queue)
{
	struct npu_queue_attr own = attr ? *attr : DEFAULT_ATTR;
	int ret;

	*queue = NULL;
	if (own.priority > NPU_PRIORITY_REALTIME)
		return npu_fail(-EINVAL, "priority %u: the highest is %d", own.priority,
				NPU_PRIORITY_REALTIME);
	ret = dev->backend->queue_create(dev, &own, queue);
	if (ret)
		return ret;
	(*queue)->dev = npu_device_get(dev);
	pthread_mutex_lock(&dev->lock);
	npu_list_add_tail(&dev->queues, &(*queue)->node);
	pthread_mutex_unlock(&dev->lock);
	return 0;
}

void npu_queue_put(struct npu_queue *queue)
{
	struct npu_device *dev = queue->dev;

	if (atomic_fetch_sub_explicit(&queue->refs, 1, memory_order_acq_rel) != 1)
		return;
	pthread_mutex_lock(&dev->lock);
	npu_list_del(&queue->node);
	pthread_mutex_unlock(&dev->lock);
	pthread_mutex_destroy(&queue->lock);
	dev->backend->queue_destroy(queue);
	npu_device_put(dev);
}

void npu_queue_release(struct npu_queue *queue)
{
	if (!queue)
		return;
	pthread_mutex_lock(&queue->lock);
	queue->stopped = true;
	pthread_mutex_unlock(&queue->lock);
	queue->dev->backend->queue_stop(queue);
	npu_queue_reap(queue);
	npu_queue_put(queue);
}

int npu_queue_state(struct npu_queue *queue)
{
	return queue->dev->backend->queue_state(queue);
}

/* Moves the fences that are done to @done. */
static void reap_locked(struct npu_queue *queue, struct npu_list *done)
{
	const struct npu_backend *backend = queue->dev->backend;
	uint64_t completed;

	if (npu_list_empty(&queue->pending))
		return;
	completed = backend->completed(queue);
	while (!npu_list_empty(&queue->pending) && queue->reaped < completed) {
		struct npu_fence *f = npu_list_entry(queue->pending.next, struct npu_fence, node);

		while (queue->reaped < completed && queue->reaped < f->last) {
			struct drm_npu_result r;

			backend->job_result(queue, ++queue->reaped, &r);
			npu_fence_account(f, queue->reaped, &r);
		}
		if (queue->reaped < f->last)
			break;
		npu_list_del(&f->node);
		npu_list_add_tail(done, &f->node);
		atomic_store_explicit(&f->done, true, memory_order_release);
	}
}

static void drop_done(struct npu_list *done)
{
	while (!npu_list_empty(done)) {
		struct npu_fence *f = npu_list_entry(done->next, struct npu_fence, node);

		npu_list_del(&f->node);
		npu_fence_drop_jobs(f);
		npu_fence_release(f);
	}
}

void npu_queue_reap(struct npu_queue *queue)
{
	struct npu_list done;

	npu_list_init(&done);
	pthread_mutex_lock(&queue->lock);
	reap_locked(queue, &done);
	pthread_mutex_unlock(&queue->lock);
	drop_done(&done);
}

/* ---- Submission ------------------------------------------------------------------------------ */

static int bind_region(struct npu_queue *queue, unsigned int number, struct npu_launch *launch,
		       const struct npu_binding *b)
{
	const struct npu_region_info *r;

	if (b->region >= NPU_MAX_REGIONS || b->reserved)
		return npu_fail(-EINVAL,
				"job %u: a binding of region %u (0 to %d are), reserved %u", number,
				b->region, NPU_MAX_REGIONS - 1, b->reserved);
	r = &launch->program->region[b->region];
	if (!b->buffer)
		return npu_fail(-EINVAL, "job %u: region %u is bound to no buffer", number,
				b->region);
	if (b->buffer->dev != queue->dev)
		return npu_fail(-EINVAL, "job %u: the buffer of region %u is of another device",
				number, b->region);
	if (r->kind != NPU_REGION_BOUND)
		return npu_fail(-EINVAL, "job %u: the program has no region %u to bind", number,
				b->region);
	if (launch->buffer[b->region])
		return npu_fail(-EINVAL, "job %u: region %u is bound twice", number, b->region);
	if (b->offset > b->buffer->size || r->size > b->buffer->size - b->offset)
		return npu_fail(
			-EINVAL,
			"job %u: region %u needs %llu bytes; from offset %llu its buffer has %llu",
			number, b->region, (unsigned long long)r->size,
			(unsigned long long)b->offset,
			(unsigned long long)(b->offset > b->buffer->size ?
						     0 :
						     b->buffer->size - b->offset));
	launch->buffer[b->region] = npu_buffer_get(b->buffer);
	launch->base[b->region] = b->buffer->va + b->offset;
	return 0;
}

static int prepare(struct npu_queue *queue, unsigned int number, const struct npu_job *job,
		   struct npu_launch *launch)
{
	const struct npu_program *prog = job->program;
	int ret;

	if (!prog || job->reserved || (job->binding_count && !job->bindings))
		return npu_fail(-EINVAL, "job %u: no program or bindings, or reserved is not 0",
				number);
	if (prog->dev != queue->dev)
		return npu_fail(-EINVAL, "job %u: its program is of another device", number);
	launch->program = npu_program_get(job->program);
	for (unsigned int i = 0; i < job->binding_count; i++) {
		ret = bind_region(queue, number, launch, &job->bindings[i]);
		if (ret)
			return ret;
	}
	for (unsigned int i = 0; i < NPU_MAX_REGIONS; i++) {
		if (prog->region[i].kind == NPU_REGION_CONSTANTS)
			launch->base[i] = prog->constants->va;
		else if (prog->region[i].kind == NPU_REGION_BOUND && !launch->buffer[i])
			return npu_fail(-EINVAL, "job %u: region %u is not bound", number, i);
	}
	return 0;
}

static struct npu_fence *new_fence(struct npu_queue *queue, unsigned int count)
{
	size_t size = queue->dev->backend->fence_size;
	struct npu_fence *f;

	f = calloc(1, size + count * sizeof(*f->job));
	if (!f)
		return NULL;
	npu_fence_init(f, queue->dev);
	f->queue = npu_queue_get(queue);
	f->count = count;
	f->job = (struct npu_launch *)((char *)f + size);
	return f;
}

/* What cannot be waited for by the card is waited for here. */
static int check_waits(struct npu_queue *queue, struct npu_fence *const *waits, unsigned int count)
{
	int ret;

	if (count && !waits)
		return npu_fail(-EINVAL, "%u fences to wait for, but waits is NULL", count);
	for (unsigned int i = 0; i < count; i++) {
		if (!waits[i])
			return npu_fail(-EINVAL, "waits[%u] is NULL", i);
		if (waits[i]->dev->backend == queue->dev->backend)
			continue;
		ret = npu_fence_wait_many(&waits[i], 1, true, NPU_WAIT_FOREVER, NULL);
		if (ret)
			return ret;
	}
	return 0;
}

/* Returns with queue->lock, when @count more jobs may be outstanding. */
static void lock_with_room(struct npu_queue *queue, unsigned int count)
{
	for (;;) {
		struct npu_list done;
		uint64_t oldest;

		npu_list_init(&done);
		pthread_mutex_lock(&queue->lock);
		reap_locked(queue, &done);
		if (npu_list_empty(&done) &&
		    queue->submitted - queue->reaped + count <= queue->depth)
			return;
		oldest = queue->submitted + count - queue->depth;
		pthread_mutex_unlock(&queue->lock);
		if (!npu_list_empty(&done))
			drop_done(&done);
		else
			queue->dev->backend->job_wait(queue, oldest, INT64_MAX);
	}
}

int npu_queue_submit(struct npu_queue *queue, const struct npu_job *jobs, unsigned int count,
		     struct npu_fence *const *waits, unsigned int wait_count,
		     struct npu_fence **fence)
{
	const struct npu_backend *backend = queue->dev->backend;
	struct npu_fence *f;
	int ret;

	if (fence)
		*fence = NULL;
	if (!count || !jobs)
		return npu_fail(-EINVAL, "no jobs");
	if (count > queue->dev->max_jobs || count > queue->depth)
		return npu_fail(-EINVAL, "%u jobs in a call: at most %u can be", count,
				queue->depth < queue->dev->max_jobs ? queue->depth :
								      queue->dev->max_jobs);
	ret = check_waits(queue, waits, wait_count);
	if (ret)
		return ret;
	f = new_fence(queue, count);
	if (!f)
		return npu_fail(-ENOMEM, "out of memory");
	for (unsigned int i = 0; i < count; i++) {
		ret = prepare(queue, i, &jobs[i], &f->job[i]);
		if (ret)
			goto drop;
	}

	lock_with_room(queue, count);
	if (queue->stopped) {
		pthread_mutex_unlock(&queue->lock);
		ret = npu_fail(-ECANCELED, "the queue was released");
		goto drop;
	}
	f->last = queue->submitted + count;
	npu_fence_get(f); /* the list's, before the backend can complete it */
	npu_list_add_tail(&queue->pending, &f->node);
	ret = backend->submit(queue, f, waits, wait_count);
	if (!ret)
		queue->submitted = f->last;
	else
		npu_list_del(&f->node);
	pthread_mutex_unlock(&queue->lock);
	if (ret) {
		npu_fence_release(f);
		goto drop;
	}
	if (fence)
		*fence = f;
	else
		npu_fence_release(f);
	return 0;

drop:
	npu_fence_drop_jobs(f);
	npu_fence_release(f);
	return ret;
}
