// SPDX-License-Identifier: MIT
/*
 * Copyright (c) 2026 the npu authors
 *
 * Fences of simulated cards: who is told when one signals. A listener is either another submission,
 * also one of another simulated card, or a file to poll.
 *
 * A submission that waits owns its listeners, and a reference to each source, until its jobs have
 * ended and were reaped: sim_fence_settle(). A listener may outlast the jobs when the queue is
 * released or banned: it is taken back then, or waited for the moment until it was called.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "backend_sim.h"

static struct sim_device *device_of(const struct sim_fence *fence)
{
	return to_sim(fence->base.dev);
}

void sim_fence_signal(struct sim_fence *fence, struct npu_list *ended)
{
	fence->signalled = true;
	while (!npu_list_empty(&fence->listeners)) {
		struct npu_list *l = fence->listeners.next;

		npu_list_del(l);
		npu_list_add_tail(ended, l);
	}
}

void sim_tell(struct npu_list *ended)
{
	while (!npu_list_empty(ended)) {
		struct sim_listener *l = npu_list_entry(ended->next, struct sim_listener, node);

		npu_list_del(&l->node);
		l->signalled(l);
	}
}

/* ---- Submissions that wait ------------------------------------------------------------------- */

static void source_signalled(struct sim_listener *listener)
{
	struct sim_wait *w = npu_container_of(listener, struct sim_wait, listener);
	struct sim_fence *waiter = w->waiter;
	struct sim_device *dev = device_of(waiter);
	struct npu_list ended;

	npu_list_init(&ended);
	pthread_mutex_lock(&dev->lock);
	w->fired = true;
	if (!--waiter->waiting)
		sim_queue_kick(dev, to_sim_queue(waiter->base.queue), &ended);
	pthread_cond_broadcast(&dev->changed);
	pthread_mutex_unlock(&dev->lock);
	/* The waiter may be gone from here on. */
	sim_tell(&ended);
}

int sim_fence_wait_for(struct sim_fence *fence, struct npu_fence *const *waits, unsigned int count)
{
	unsigned int needed = 0;

	for (unsigned int i = 0; i < count; i++)
		needed += npu_fence_delays(waits[i], fence->base.queue);
	if (!needed)
		return 0;
	fence->wait = calloc(needed, sizeof(*fence->wait));
	if (!fence->wait)
		return npu_fail(-ENOMEM, "out of memory");
	for (unsigned int i = 0; i < count && fence->wait_count < needed; i++) {
		struct sim_wait *w = &fence->wait[fence->wait_count];

		if (!npu_fence_delays(waits[i], fence->base.queue))
			continue;
		w->listener.signalled = source_signalled;
		w->source = to_sim_fence(npu_fence_get(waits[i]));
		w->waiter = fence;
		fence->wait_count++;
	}
	fence->waiting = fence->wait_count + 1;
	return 0;
}

void sim_fence_link(struct sim_fence *fence)
{
	for (unsigned int i = 0; i < fence->wait_count; i++) {
		struct sim_wait *w = &fence->wait[i];
		struct sim_device *dev = device_of(w->source);
		bool late;

		pthread_mutex_lock(&dev->lock);
		late = w->source->signalled;
		if (!late)
			npu_list_add_tail(&w->source->listeners, &w->listener.node);
		pthread_mutex_unlock(&dev->lock);
		w->linked = true;
		if (late)
			source_signalled(&w->listener);
	}
}

/* From now on @w is not called any more. */
static void unlink_wait(struct sim_wait *w)
{
	struct sim_device *source = device_of(w->source), *dev = device_of(w->waiter);
	bool taken_back;

	pthread_mutex_lock(&source->lock);
	taken_back = !w->source->signalled;
	if (taken_back)
		npu_list_del(&w->listener.node);
	pthread_mutex_unlock(&source->lock);
	if (taken_back)
		return;
	pthread_mutex_lock(&dev->lock);
	while (!w->fired)
		sim_wait_changed(dev, INT64_MAX);
	pthread_mutex_unlock(&dev->lock);
}

void sim_fence_settle(struct npu_fence *base)
{
	struct sim_fence *fence = to_sim_fence(base);

	for (unsigned int i = 0; i < fence->wait_count; i++) {
		struct sim_wait *w = &fence->wait[i];

		if (w->linked)
			unlink_wait(w);
		npu_fence_release(&w->source->base);
	}
	free(fence->wait);
	fence->wait = NULL;
	fence->wait_count = 0;
}

/* ---- Waiting --------------------------------------------------------------------------------- */

static bool any_signalled(struct npu_fence *const *fences, unsigned int count)
{
	for (unsigned int i = 0; i < count; i++) {
		if (to_sim_fence(fences[i])->signalled)
			return true;
	}
	return false;
}

int sim_fence_wait_any(struct npu_fence *const *fences, unsigned int count, int64_t deadline)
{
	struct sim_device *dev = to_sim(fences[0]->dev);
	bool any;
	int ret = 0;

	pthread_mutex_lock(&dev->lock);
	while (!(any = any_signalled(fences, count)) && !ret)
		ret = sim_wait_changed(dev, deadline);
	pthread_mutex_unlock(&dev->lock);
	return any ? 0 : npu_fail(ret, "none has signalled yet");
}

/**
 * struct sim_file - an eventfd that is to be written
 */
struct sim_file {
	struct sim_listener listener;
	int fd;
};

static void file_signalled(struct sim_listener *listener)
{
	struct sim_file *file = npu_container_of(listener, struct sim_file, listener);

	/* It cannot block: nobody else writes. */
	eventfd_write(file->fd, 1);
	close(file->fd);
	free(file);
}

int sim_fence_fd(struct npu_fence *base, int *fd)
{
	struct sim_fence *fence = to_sim_fence(base);
	struct sim_device *dev = to_sim(base->dev);
	struct sim_file *file;
	bool late;

	file = calloc(1, sizeof(*file));
	if (!file)
		return npu_fail(-ENOMEM, "out of memory");
	*fd = eventfd(0, EFD_CLOEXEC);
	file->fd = *fd < 0 ? -1 : dup(*fd);
	if (file->fd < 0) {
		int ret = -errno;

		if (*fd >= 0)
			close(*fd);
		*fd = -1;
		free(file);
		return npu_fail(ret, "no file for a fence: %s", strerror(-ret));
	}
	file->listener.signalled = file_signalled;
	pthread_mutex_lock(&dev->lock);
	late = fence->signalled;
	if (!late)
		npu_list_add_tail(&fence->listeners, &file->listener.node);
	pthread_mutex_unlock(&dev->lock);
	if (late)
		file_signalled(&file->listener);
	return 0;
}

int sim_fence_import(struct npu_device *base, int fd, struct npu_fence **fence)
{
	(void)base, (void)fd, (void)fence;
	return npu_fail(-EOPNOTSUPP, "a simulated card takes no sync_file");
}

int sim_fence_wait(struct npu_fence *base, int64_t deadline)
{
	(void)base, (void)deadline;
	return npu_fail(-EOPNOTSUPP, "a simulated card has no imported fences");
}
