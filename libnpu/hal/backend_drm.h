/* SPDX-License-Identifier: MIT */
/*
 * Copyright (c) 2026 the npu authors
 *
 * The real card behind npu.ko, as its files share it: the device (backend_drm.c), buffers
 * (drm_buffer.c), queues (drm_queue.c), fences (drm_fence.c).
 *
 * A device is an open file of the node with one address space. A queue has a timeline syncobj:
 * point n signals when job n has ended. Jobs' results come from the queue's result ring, mapped, so
 * looking needs no system call; waiting is one wait for the timeline.
 */
#ifndef NPU_HAL_BACKEND_DRM_H
#define NPU_HAL_BACKEND_DRM_H

#include "backend.h"

/**
 * struct drm_device - an open node
 * @fd: it
 * @vm: the address space
 * @max_syncs: syncobjs in one submission
 * @handle_lock: protects @handle_refs
 * @handle_refs: buffers that share a GEM handle, by handle: what is imported twice has one
 * @handle_room: entries of it
 */
struct drm_device {
	struct npu_device base;
	int fd;
	uint32_t vm;
	uint32_t max_syncs;
	pthread_mutex_t handle_lock;
	uint32_t *handle_refs;
	uint32_t handle_room;
};

/**
 * struct drm_queue - a queue of the kernel's
 * @id: in the file
 * @syncobj: its timeline
 * @results: the result ring, of base.depth entries
 * @seen: number of the last job whose result is there; base.lock
 * @signalled: the highest point known to have signalled
 * @job: scratch for submission; base.lock, as the next ones
 * @sync: likewise
 */
struct drm_queue {
	struct npu_queue base;
	uint32_t id;
	uint32_t syncobj;
	const struct drm_npu_result *results;
	uint64_t seen;
	_Atomic uint64_t signalled;
	struct drm_npu_job *job;
	unsigned int job_room;
	struct drm_npu_sync *sync;
	unsigned int sync_room;
};

/**
 * struct drm_fence - the common one, and for an imported one its syncobj
 */
struct drm_fence {
	struct npu_fence base;
	uint32_t syncobj;
};

static inline struct drm_device *to_drm(struct npu_device *dev)
{
	return npu_container_of(dev, struct drm_device, base);
}

static inline struct drm_queue *to_drm_queue(struct npu_queue *queue)
{
	return npu_container_of(queue, struct drm_queue, base);
}

static inline struct drm_fence *to_drm_fence(struct npu_fence *fence)
{
	return npu_container_of(fence, struct drm_fence, base);
}

/** drm_call() - an ioctl; 0 or a negative errno */
int drm_call(struct drm_device *dev, unsigned long request, void *arg);

/* drm_buffer.c */
int drm_buffer_create(struct npu_device *base, size_t size, unsigned int flags,
		      struct npu_buffer **buf);
int drm_buffer_import(struct npu_device *base, int fd, struct npu_buffer **buf);
int drm_buffer_export(struct npu_buffer *base, int *fd);
int drm_buffer_bind(struct npu_buffer *base);
void drm_buffer_unbind(struct npu_buffer *base);
int drm_buffer_map(struct npu_buffer *base, void **ptr);
void drm_buffer_destroy(struct npu_buffer *base);

/* drm_queue.c */
int drm_queue_create(struct npu_device *base, const struct npu_queue_attr *attr,
		     struct npu_queue **queue);
int drm_queue_state(struct npu_queue *base);
void drm_queue_stop(struct npu_queue *base);
void drm_queue_destroy(struct npu_queue *base);
int drm_submit(struct npu_queue *base, struct npu_fence *fence, struct npu_fence *const *waits,
	       unsigned int wait_count);
uint64_t drm_completed(struct npu_queue *base);
void drm_job_result(struct npu_queue *base, uint64_t seqno, struct drm_npu_result *out);
int drm_job_wait(struct npu_queue *base, uint64_t seqno, int64_t deadline);

/* drm_fence.c */
int drm_fence_import(struct npu_device *base, int fd, struct npu_fence **fence);
int drm_fence_wait(struct npu_fence *base, int64_t deadline);
int drm_fence_wait_any(struct npu_fence *const *fences, unsigned int count, int64_t deadline);
int drm_fence_fd(struct npu_fence *base, int *fd);
void drm_fence_destroy(struct npu_fence *base);

/**
 * drm_fence_bring() - a syncobj of @dev that signals with @fence, which is of another device; the
 * caller destroys it
 */
int drm_fence_bring(struct drm_device *dev, struct npu_fence *fence, uint32_t *syncobj);

/** drm_waited() - what a wait for syncobjs came to: 0, -ETIME, or worded */
int drm_waited(int ret);

#endif
