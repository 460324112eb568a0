// SPDX-License-Identifier: MIT
/*
 * Copyright (c) 2026 the npu authors
 *
 * The simulated card's queues: what waits, what is on a ring, what has ended. A queue is banned by
 * its first job that fails: those of it that are on the ring by then are ended by the watchdog, and
 * whatever became of them they ended with -ECANCELED.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "backend_sim.h"

#define MIN_PERIOD_NS 1000000
#define MAX_PERIOD_NS 250000000

int sim_queue_create(struct npu_device *base, const struct npu_queue_attr *attr,
		     struct npu_queue **out)
{
	struct sim_device *dev = to_sim(base);
	struct sim_queue *queue;
	int64_t period;
	int ret;

	queue = calloc(1, sizeof(*queue));
	if (!queue)
		return npu_fail(-ENOMEM, "out of memory");
	npu_queue_init(&queue->base, SIM_RESULTS);
	npu_list_init(&queue->unposted);
	queue->timeout_ns = (attr->timeout_ms ? attr->timeout_ms : SIM_TIMEOUT_MS) * 1000000ll;
	period = queue->timeout_ns / 8;
	if (period < MIN_PERIOD_NS)
		period = MIN_PERIOD_NS;
	if (period > MAX_PERIOD_NS)
		period = MAX_PERIOD_NS;
	pthread_mutex_lock(&dev->lock);
	ret = sim_ring_for(dev, attr->priority, &queue->ring);
	if (!ret) {
		npu_list_add_tail(&queue->ring->queues, &queue->node);
		queue->ring->queue_count++;
		if (!dev->period_ns || period < dev->period_ns) {
			dev->period_ns = period;
			pthread_cond_signal(&dev->watch);
		}
	}
	pthread_mutex_unlock(&dev->lock);
	if (ret) {
		pthread_mutex_destroy(&queue->base.lock);
		free(queue);
		return ret;
	}
	*out = &queue->base;
	return 0;
}

void sim_queue_destroy(struct npu_queue *base)
{
	struct sim_queue *queue = to_sim_queue(base);
	struct sim_device *dev = to_sim(base->dev);

	pthread_mutex_lock(&dev->lock);
	npu_list_del(&queue->node);
	queue->ring->queue_count--;
	pthread_mutex_unlock(&dev->lock);
	free(queue);
}

int sim_queue_state(struct npu_queue *base)
{
	struct sim_device *dev = to_sim(base->dev);
	int error;

	pthread_mutex_lock(&dev->lock);
	error = to_sim_queue(base)->error;
	pthread_mutex_unlock(&dev->lock);
	return error;
}

/* ---- What ends ------------------------------------------------------------------------------- */

static void job_ended(struct sim_queue *queue, struct sim_fence *fence,
		      const struct drm_npu_result *result, struct npu_list *ended)
{
	uint64_t n = ++queue->completed;

	queue->result[n % SIM_RESULTS] = *result;
	queue->result[n % SIM_RESULTS].seqno = n;
	if (n == fence->base.last)
		sim_fence_signal(fence, ended);
}

/* Nothing of the queue is on the ring and nothing will be. */
static void cancel_unposted(struct sim_queue *queue, struct npu_list *ended)
{
	static const struct drm_npu_result canceled = {
		.error = -ECANCELED,
		.status = NPU_JOB_CANCELED,
		.engine = NPU_ENGINE_NONE,
		.other_engine = NPU_ENGINE_NONE,
		.cmd = NPU_ERROR_NO_CMD,
		.other_cmd = NPU_ERROR_NO_CMD,
	};

	while (!npu_list_empty(&queue->unposted)) {
		struct sim_fence *f = npu_list_entry(queue->unposted.next, struct sim_fence, unposted);

		npu_list_del(&f->unposted);
		for (; f->posted < f->base.count; f->posted++)
			job_ended(queue, f, &canceled, ended);
	}
}

void sim_queue_job_done(struct sim_device *dev, const struct sim_slot *slot,
			const struct drm_npu_result *result, struct npu_list *ended)
{
	struct sim_fence *fence = slot->fence;
	struct sim_queue *queue = to_sim_queue(fence->base.queue);
	struct drm_npu_result r = *result;

	queue->posted--;
	if (queue->error) {
		r.error = -ECANCELED;
		if (r.status == NPU_JOB_OK)
			r.status = NPU_JOB_CANCELED;
	} else if (r.error) {
		queue->error = r.error;
		if (queue->posted) {
			dev->cleanup = true;
			pthread_cond_signal(&dev->watch);
		}
	}
	job_ended(queue, fence, &r, ended);
}

void sim_queue_kick(struct sim_device *dev, struct sim_queue *queue, struct npu_list *ended)
{
	bool posted = false;

	if (queue->error || queue->stopping) {
		if (!queue->posted)
			cancel_unposted(queue, ended);
		return;
	}
	while (!npu_list_empty(&queue->unposted)) {
		struct sim_fence *f = npu_list_entry(queue->unposted.next, struct sim_fence, unposted);

		if (f->waiting)
			break;
		for (; f->posted < f->base.count && sim_ring_has_room(queue->ring); f->posted++) {
			sim_ring_post(queue->ring, f, f->posted);
			queue->posted++;
			posted = true;
		}
		if (f->posted < f->base.count)
			break;
		npu_list_del(&f->unposted);
	}
	if (posted)
		sim_ring_doorbell(dev, queue->ring);
}

void sim_queue_stop(struct npu_queue *base)
{
	struct sim_queue *queue = to_sim_queue(base);
	struct sim_device *dev = to_sim(base->dev);
	struct npu_list ended;
	uint64_t last;

	npu_list_init(&ended);
	pthread_mutex_lock(&dev->lock);
	queue->stopping = true;
	if (!queue->error)
		queue->error = -ECANCELED;
	sim_queue_kick(dev, queue, &ended);
	pthread_cond_broadcast(&dev->changed);
	last = queue->posted ? queue->ring->head : 0;
	pthread_mutex_unlock(&dev->lock);
	sim_tell(&ended);
	if (last)
		sim_ring_clear(dev, queue->ring, queue, last);
	pthread_mutex_lock(&dev->lock);
	while (queue->posted || !npu_list_empty(&queue->unposted))
		sim_wait_changed(dev, INT64_MAX);
	pthread_mutex_unlock(&dev->lock);
}

/* ---- What begins ----------------------------------------------------------------------------- */

int sim_submit(struct npu_queue *base, struct npu_fence *fence, struct npu_fence *const *waits,
	       unsigned int wait_count)
{
	struct sim_queue *queue = to_sim_queue(base);
	struct sim_device *dev = to_sim(base->dev);
	struct sim_fence *f = to_sim_fence(fence);
	struct npu_list ended;
	int ret = 0;

	npu_list_init(&f->unposted);
	npu_list_init(&f->listeners);
	ret = sim_fence_wait_for(f, waits, wait_count);
	if (ret)
		return ret;
	npu_list_init(&ended);
	pthread_mutex_lock(&dev->lock);
	if (queue->error) {
		ret = npu_fail(-ECANCELED,
			       "the queue is banned by a job that failed: make a new one");
	} else {
		npu_list_add_tail(&queue->unposted, &f->unposted);
		if (!f->wait_count)
			sim_queue_kick(dev, queue, &ended);
	}
	pthread_mutex_unlock(&dev->lock);
	if (ret || !f->wait_count)
		return ret;

	/* It waits for itself until it has told all its sources. */
	sim_fence_link(f);
	pthread_mutex_lock(&dev->lock);
	if (!--f->waiting)
		sim_queue_kick(dev, queue, &ended);
	pthread_mutex_unlock(&dev->lock);
	sim_tell(&ended);
	return 0;
}

uint64_t sim_completed(struct npu_queue *base)
{
	struct sim_device *dev = to_sim(base->dev);
	uint64_t completed;

	/* With the lock: who ended the job is through with its fence then. */
	pthread_mutex_lock(&dev->lock);
	completed = to_sim_queue(base)->completed;
	pthread_mutex_unlock(&dev->lock);
	return completed;
}

void sim_job_result(struct npu_queue *base, uint64_t seqno, struct drm_npu_result *out)
{
	*out = to_sim_queue(base)->result[seqno % SIM_RESULTS];
}

int sim_job_wait(struct npu_queue *base, uint64_t seqno, int64_t deadline)
{
	struct sim_device *dev = to_sim(base->dev);
	int ret = 0;

	pthread_mutex_lock(&dev->lock);
	while (!ret && to_sim_queue(base)->completed < seqno)
		ret = sim_wait_changed(dev, deadline);
	if (to_sim_queue(base)->completed >= seqno)
		ret = 0;
	pthread_mutex_unlock(&dev->lock);
	return ret ? npu_fail(ret, "not signalled yet") : 0;
}
