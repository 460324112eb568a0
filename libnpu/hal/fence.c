// SPDX-License-Identifier: MIT
/*
 * Copyright (c) 2026 the npu authors
 *
 * Fences: waiting for jobs, and what they came to.
 */
#include <errno.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "backend.h"

static int64_t now(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return (int64_t)ts.tv_sec * 1000000000 + ts.tv_nsec;
}

int64_t npu_deadline(int64_t timeout_ns)
{
	int64_t end;

	if (timeout_ns < 0 || __builtin_add_overflow(now(), timeout_ns, &end))
		return INT64_MAX;
	return end;
}

void npu_fence_init(struct npu_fence *fence, struct npu_device *dev)
{
	fence->dev = npu_device_get(dev);
	atomic_init(&fence->refs, 1);
	atomic_init(&fence->done, false);
	npu_list_init(&fence->node);
}

void npu_fence_drop_jobs(struct npu_fence *fence)
{
	for (unsigned int i = 0; i < fence->count; i++) {
		struct npu_launch *l = &fence->job[i];

		for (unsigned int r = 0; r < NPU_MAX_REGIONS; r++) {
			npu_buffer_release(l->buffer[r]);
			l->buffer[r] = NULL;
		}
		npu_program_release(l->program);
		l->program = NULL;
	}
	if (fence->dev->backend->fence_settle)
		fence->dev->backend->fence_settle(fence);
}

void npu_fence_release(struct npu_fence *fence)
{
	struct npu_device *dev;

	if (!fence || atomic_fetch_sub_explicit(&fence->refs, 1, memory_order_acq_rel) != 1)
		return;
	dev = fence->dev;
	if (dev->backend->fence_destroy)
		dev->backend->fence_destroy(fence);
	if (fence->queue)
		npu_queue_put(fence->queue);
	free(fence);
	npu_device_put(dev);
}

void npu_fence_account(struct npu_fence *fence, uint64_t seqno, const struct drm_npu_result *r)
{
	struct npu_result *out = &fence->result;

	out->jobs++;
	out->cycles += r->cycles;
	if (!r->error || out->error)
		return;
	fence->failed = seqno - (fence->last - fence->count) - 1;
	out->error = r->error;
	out->status = r->status;
	out->reason = r->reason;
	out->core = r->core;
	out->engine = r->engine;
	out->access = r->access;
	out->space = r->space;
	out->other_core = r->other_core;
	out->other_engine = r->other_engine;
	out->cmd = r->cmd;
	out->other_cmd = r->other_cmd;
	out->tag = r->tag;
	out->other_tag = r->other_tag;
	out->addr = r->addr;
	out->len = r->len;
}

static bool is_done(struct npu_fence *fence)
{
	return atomic_load_explicit(&fence->done, memory_order_acquire);
}

/* 0 when it has signalled, whatever its jobs came to. */
static int wait_until(struct npu_fence *fence, int64_t deadline)
{
	const struct npu_backend *backend = fence->dev->backend;
	int ret;

	if (is_done(fence))
		return 0;
	if (!fence->queue) {
		ret = backend->fence_wait(fence, deadline);
		if (!ret)
			atomic_store_explicit(&fence->done, true, memory_order_release);
		return ret;
	}
	for (;;) {
		npu_queue_reap(fence->queue);
		if (is_done(fence))
			return 0;
		ret = backend->job_wait(fence->queue, fence->last, deadline);
		if (ret)
			return ret;
	}
}

int npu_fence_wait(struct npu_fence *fence, int64_t timeout_ns)
{
	int ret = is_done(fence) ? 0 : wait_until(fence, npu_deadline(timeout_ns));

	if (ret)
		return ret;
	return fence->result.error ? npu_result_fail(fence) : 0;
}

/* Index of one that has signalled, or -1. */
static int find_done(struct npu_fence *const *fences, unsigned int count)
{
	for (unsigned int i = 0; i < count; i++) {
		if (!wait_until(fences[i], 0))
			return i;
	}
	return -1;
}

/* Fences of several devices have nothing in common but that they can be polled. */
static int poll_any(struct npu_fence *const *fences, unsigned int count, int64_t deadline)
{
	struct pollfd *p = calloc(count, sizeof(*p));
	unsigned int opened = 0;
	int ret = 0;

	if (!p)
		return npu_fail(-ENOMEM, "out of memory");
	for (; !ret && opened < count; opened++) {
		p[opened].events = POLLIN;
		ret = npu_fence_fd(fences[opened], &p[opened].fd);
		if (ret)
			break;
	}
	while (!ret) {
		int64_t left = deadline == INT64_MAX ? INT64_MAX : deadline - now();
		struct timespec ts = { .tv_sec = left / 1000000000, .tv_nsec = left % 1000000000 };

		if (left < 0)
			ts = (struct timespec){ 0 };
		ret = ppoll(p, count, deadline == INT64_MAX ? NULL : &ts, NULL);
		if (ret > 0) {
			ret = 0;
			break;
		}
		if (ret == 0)
			ret = -ETIME;
		else if (errno == EINTR)
			ret = 0;
		else
			ret = npu_fail(-errno, "poll: %s", strerror(errno));
	}
	while (opened)
		close(p[--opened].fd);
	free(p);
	return ret;
}

static int wait_any(struct npu_fence *const *fences, unsigned int count, int64_t deadline,
		    unsigned int *first)
{
	bool same = true;

	for (unsigned int i = 1; i < count; i++)
		same &= fences[i]->dev == fences[0]->dev;
	for (;;) {
		int i = find_done(fences, count), ret;

		if (i >= 0) {
			if (first)
				*first = i;
			return 0;
		}
		ret = same ? fences[0]->dev->backend->fence_wait_any(fences, count, deadline) :
			     poll_any(fences, count, deadline);
		if (ret)
			return ret;
	}
}

int npu_fence_wait_many(struct npu_fence *const *fences, unsigned int count, bool all,
			int64_t timeout_ns, unsigned int *first)
{
	int64_t deadline = npu_deadline(timeout_ns);
	int ret;

	if (!count || !fences)
		return npu_fail(-EINVAL, "no fences to wait for");
	for (unsigned int i = 0; i < count; i++) {
		if (!fences[i])
			return npu_fail(-EINVAL, "fences[%u] is NULL", i);
	}
	if (!all)
		return wait_any(fences, count, deadline, first);
	for (unsigned int i = 0; i < count; i++) {
		ret = wait_until(fences[i], deadline);
		if (ret)
			return ret;
	}
	if (first)
		*first = 0;
	return 0;
}

int npu_fence_result(struct npu_fence *fence, struct npu_result *result)
{
	if (!fence->queue)
		return npu_fail(-ENODATA, "an imported fence tells no results");
	if (wait_until(fence, 0))
		return npu_fail(-EBUSY, "its jobs have not ended");
	*result = fence->result;
	return 0;
}

int npu_fence_fd(struct npu_fence *fence, int *fd)
{
	*fd = -1;
	return fence->dev->backend->fence_fd(fence, fd);
}

int npu_fence_import(struct npu_device *dev, int fd, struct npu_fence **fence)
{
	*fence = NULL;
	return dev->backend->fence_import(dev, fd, fence);
}
