/* SPDX-License-Identifier: MIT */
/*
 * Copyright (c) 2026 the npu authors
 *
 * The library's objects, and the table of functions behind which the real card and the simulated
 * one stand.
 *
 * What is common is done once, in device.c, buffer.c, program.c, queue.c and fence.c: names,
 * reference counts, checks of arguments, virtual addresses, the order of jobs, results. A backend
 * allocates each object (its own structure with the common one first) and does what only it can.
 *
 * References: an object goes when its count reaches zero, on the thread that took the last one.
 *
 *	user, queue, buffer, program, fence → device	(not what the library's own cache holds)
 *	user, fence → queue
 *	user, job not yet reaped → buffer, program; program → its buffers
 *	user, queue's list of pending fences, backend while the jobs run → fence
 *
 * A job's references are dropped by npu_queue_reap(), which every call that waits or submits makes;
 * nothing is freed from a completion.
 *
 * Locks, outer first: npu_queue.lock > backend's; npu_device.lock; npu_va.lock. None is held when a
 * reference is dropped.
 */
#ifndef NPU_HAL_BACKEND_H
#define NPU_HAL_BACKEND_H

#include <pthread.h>
#include <stdatomic.h>

#include "uapi/drm/npu_accel.h"
#include "npu/hw/regs.h"
#include "npu/npu.h"

#include "error.h"
#include "list.h"
#include "va.h"

struct npu_backend;

#define NPU_PAGE_ALIGN(x) (((x) + NPU_PAGE_SIZE - 1) & ~(uint64_t)(NPU_PAGE_SIZE - 1))

/**
 * struct npu_device - an opened card and its one address space
 * @backend: its functions
 * @refs: see above
 * @name: as opened, resolved: "accel0" or "sim:…"
 * @caps: from the card; constant
 * @max_jobs: jobs in one submission
 * @va: free virtual addresses
 * @lock: protects @queues and @ops
 * @queues: all of them, by npu_queue.node
 * @ops: what libnpu/kernels keeps with a device (its program cache), or NULL
 * @ops_free: frees @ops when the device goes; nothing else uses the device any more then
 */
struct npu_device {
	const struct npu_backend *backend;
	atomic_uint refs;
	char *name;
	struct npu_caps caps;
	uint32_t max_jobs;
	struct npu_va va;
	pthread_mutex_t lock;
	struct npu_list queues;
	void *ops;
	void (*ops_free)(void *ops);
};

/**
 * struct npu_buffer - memory that the card can use
 * @dev: its device; a reference unless @weak
 * @refs: see above
 * @size: bytes that were asked for
 * @span: bytes that are there and bound, a multiple of the page
 * @va: where they are bound
 * @map_lock: protects @map's coming to be
 * @map: CPU mapping, NULL before the first npu_buffer_map()
 * @readonly: bound so that the card cannot write
 * @weak: belongs to a program of the library's cache
 */
struct npu_buffer {
	struct npu_device *dev;
	atomic_uint refs;
	size_t size;
	uint64_t span;
	uint64_t va;
	pthread_mutex_t map_lock;
	void *_Atomic map;
	bool readonly;
	bool weak;
};

/**
 * struct npu_program - compiled streams on a device; constant once made
 * @dev: its device; a reference unless @weak
 * @refs: see above
 * @cores: of @stream
 * @stream: what SUBMIT takes
 * @code: the streams' memory; NULL when all are empty
 * @constants: NULL without
 * @region: what a job has to bind
 * @tensors: @tensor_count of them, names in the same allocation
 * @weak: belongs to the library's cache
 */
struct npu_program {
	struct npu_device *dev;
	atomic_uint refs;
	unsigned int cores;
	struct drm_npu_stream stream[NPU_MAX_CORES];
	struct npu_buffer *code;
	struct npu_buffer *constants;
	struct npu_region_info region[NPU_MAX_REGIONS];
	struct npu_tensor_info *tensors;
	unsigned int tensor_count;
	bool weak;
};

/**
 * struct npu_launch - a job that was submitted
 * @program: a reference
 * @buffer: of each region, a reference, or NULL
 * @base: virtual address of each region
 */
struct npu_launch {
	struct npu_program *program;
	struct npu_buffer *buffer[NPU_MAX_REGIONS];
	uint64_t base[NPU_MAX_REGIONS];
};

/**
 * struct npu_queue - jobs in order
 * @dev: a reference
 * @refs: see above
 * @node: in npu_device.queues
 * @depth: jobs that may be outstanding: results are kept for so many
 * @lock: makes submission and reaping single steps each; protects what follows
 * @pending: fences not yet reaped, in order, by npu_fence.node
 * @submitted: number of the last job given to the backend
 * @reaped: number of the last job whose result was taken
 * @stopped: destroyed in the backend
 */
struct npu_queue {
	struct npu_device *dev;
	atomic_uint refs;
	struct npu_list node;
	uint32_t depth;
	pthread_mutex_t lock;
	struct npu_list pending;
	uint64_t submitted;
	uint64_t reaped;
	bool stopped;
};

/**
 * struct npu_fence - the end of a submission, or of something elsewhere (imported)
 * @dev: a reference
 * @refs: see above
 * @queue: a reference; NULL: imported, all else is the backend's
 * @node: in npu_queue.pending
 * @last: number of its last job
 * @done: it was reaped: @result is complete and constant, the jobs' references are dropped
 * @result: of the jobs so far, npu_queue.lock
 * @failed: number in the submission of the job @result tells of
 * @count: jobs
 * @job: them
 */
struct npu_fence {
	struct npu_device *dev;
	atomic_uint refs;
	struct npu_queue *queue;
	struct npu_list node;
	uint64_t last;
	atomic_bool done;
	struct npu_result result;
	unsigned int failed;
	unsigned int count;
	struct npu_launch *job;
};

/**
 * struct npu_backend - a kind of device
 *
 * Functions return 0 or a negative errno with npu_fail() said. Times are absolute, CLOCK_MONOTONIC,
 * nanoseconds; INT64_MAX is forever.
 */
struct npu_backend {
	/** @fence_size: bytes of its fence structure, struct npu_fence first */
	size_t fence_size;

	/** @close: free a device from its open function */
	void (*close)(struct npu_device *dev);
	int (*memory)(struct npu_device *dev, struct npu_memory_info *info);
	int (*counters)(struct npu_device *dev, unsigned int core,
			struct npu_engine_counters out[4]);

	/**
	 * @buffer_create: zeroed memory, not yet bound; fills span. -ENOSPC: local memory is full
	 */
	int (*buffer_create)(struct npu_device *dev, size_t size, unsigned int flags,
			     struct npu_buffer **buf);
	/** @buffer_import: the same from a dma-buf; fills size too */
	int (*buffer_import)(struct npu_device *dev, int fd, struct npu_buffer **buf);
	int (*buffer_export)(struct npu_buffer *buf, int *fd);
	/** @buffer_bind: map it at buf->va */
	int (*buffer_bind)(struct npu_buffer *buf);
	/** @buffer_unbind: undo that; the range may be bound again at once */
	void (*buffer_unbind)(struct npu_buffer *buf);
	/** @buffer_map: make the CPU mapping */
	int (*buffer_map)(struct npu_buffer *buf, void **ptr);
	/** @buffer_destroy: undo create and map */
	void (*buffer_destroy)(struct npu_buffer *buf);

	/** @queue_create: fills depth */
	int (*queue_create)(struct npu_device *dev, const struct npu_queue_attr *attr,
			    struct npu_queue **queue);
	/** @queue_state: as npu_queue_state() */
	int (*queue_state)(struct npu_queue *queue);
	/** @queue_stop: cancel and abort; all jobs have ended when it returns */
	void (*queue_stop)(struct npu_queue *queue);
	/** @queue_destroy: free */
	void (*queue_destroy)(struct npu_queue *queue);

	/**
	 * @submit: accept fence->job[], to start when those of @waits have signalled for which
	 *	npu_fence_delays(). Called
	 * with queue->lock, so in order; fence->last is queue->submitted + fence->count
	 */
	int (*submit)(struct npu_queue *queue, struct npu_fence *fence,
		      struct npu_fence *const *waits, unsigned int wait_count);
	/** @completed: number of the last job that has ended; called with queue->lock */
	uint64_t (*completed)(struct npu_queue *queue);
	/**
	 * @job_result: how job @seqno, which has ended, ended; called with queue->lock, in order
	 */
	void (*job_result)(struct npu_queue *queue, uint64_t seqno, struct drm_npu_result *out);
	/** @job_wait: until job @seqno has ended. 0 or -ETIME */
	int (*job_wait)(struct npu_queue *queue, uint64_t seqno, int64_t deadline);

	/** @fence_import: a fence without a queue */
	int (*fence_import)(struct npu_device *dev, int fd, struct npu_fence **fence);
	/** @fence_wait: for an imported one. 0 or -ETIME */
	int (*fence_wait)(struct npu_fence *fence, int64_t deadline);
	/** @fence_wait_any: of fences of one device. 0 or -ETIME */
	int (*fence_wait_any)(struct npu_fence *const *fences, unsigned int count,
			      int64_t deadline);
	/** @fence_fd: something to poll() */
	int (*fence_fd)(struct npu_fence *fence, int *fd);
	/**
	 * @fence_settle: the jobs have ended: let go of the fences they waited for; may be NULL.
	 *	Without locks, once
	 */
	void (*fence_settle)(struct npu_fence *fence);
	/** @fence_destroy: free what an imported fence has beside memory; may be NULL */
	void (*fence_destroy)(struct npu_fence *fence);
};

/*
 * Both open functions fill dev->caps, max_jobs and va; the common fields are npu_device_init()'s.
 */
int npu_drm_open(const char *node, const char *name, struct npu_device **dev);
int npu_sim_open(const char *options, struct npu_device **dev);

/* device.c */
int npu_device_init(struct npu_device *dev, const struct npu_backend *backend, const char *name);
void npu_device_fini(struct npu_device *dev);

static inline struct npu_device *npu_device_get(struct npu_device *dev)
{
	atomic_fetch_add_explicit(&dev->refs, 1, memory_order_relaxed);
	return dev;
}

void npu_device_put(struct npu_device *dev);

/**
 * npu_device_reap() - take the results of what has ended on all queues, so that memory becomes free
 */
void npu_device_reap(struct npu_device *dev);

/* buffer.c */
void npu_buffer_init(struct npu_buffer *buf, size_t size, uint64_t span);

/** npu_buffer_new() - npu_buffer_create(), perhaps such that the card may only read it */
int npu_buffer_new(struct npu_device *dev, size_t size, unsigned int flags, bool readonly,
		   struct npu_buffer **buf);

static inline struct npu_buffer *npu_buffer_get(struct npu_buffer *buf)
{
	atomic_fetch_add_explicit(&buf->refs, 1, memory_order_relaxed);
	return buf;
}

/* program.c */
static inline struct npu_program *npu_program_get(struct npu_program *prog)
{
	atomic_fetch_add_explicit(&prog->refs, 1, memory_order_relaxed);
	return prog;
}

/**
 * npu_program_weaken() - the program does not keep its device alive any more
 *
 * For programs that npu_device.ops holds: it must never be handed to the user, and only be used
 * while something else keeps the device.
 */
void npu_program_weaken(struct npu_program *prog);

/* queue.c */
void npu_queue_init(struct npu_queue *queue, uint32_t depth);
void npu_queue_put(struct npu_queue *queue);

static inline struct npu_queue *npu_queue_get(struct npu_queue *queue)
{
	atomic_fetch_add_explicit(&queue->refs, 1, memory_order_relaxed);
	return queue;
}

/** npu_queue_try_get() - the same for one found in npu_device.queues: false if it is just going */
static inline bool npu_queue_try_get(struct npu_queue *queue)
{
	unsigned int refs = atomic_load_explicit(&queue->refs, memory_order_relaxed);

	while (refs && !atomic_compare_exchange_weak_explicit(&queue->refs, &refs, refs + 1,
							      memory_order_relaxed,
							      memory_order_relaxed))
		;
	return refs != 0;
}

/** npu_queue_reap() - take the results of jobs that have ended and drop what they hold */
void npu_queue_reap(struct npu_queue *queue);

/* fence.c */
void npu_fence_init(struct npu_fence *fence, struct npu_device *dev);

static inline struct npu_fence *npu_fence_get(struct npu_fence *fence)
{
	atomic_fetch_add_explicit(&fence->refs, 1, memory_order_relaxed);
	return fence;
}

/**
 * npu_fence_delays() - does a submission to @queue have to wait for @fence?
 *
 * Not for one of the same queue, nor one that is known to be done. (Those of other backends were
 * waited for.)
 */
static inline bool npu_fence_delays(const struct npu_fence *fence, const struct npu_queue *queue)
{
	return fence->queue != queue && fence->dev->backend == queue->dev->backend &&
	       !atomic_load_explicit(&fence->done, memory_order_acquire);
}

/**
 * npu_fence_drop_jobs() - let go of programs, buffers and the fences that were waited for
 *
 * The latter too: in a chain of submissions each would keep all before it alive.
 */
void npu_fence_drop_jobs(struct npu_fence *fence);

/**
 * npu_fence_account() - job number @seqno of its queue ended like that; with queue->lock, in order
 */
void npu_fence_account(struct npu_fence *fence, uint64_t seqno, const struct drm_npu_result *r);

/* result.c */

/** npu_result_fail() - word what @fence's result tells; returns its error */
int npu_result_fail(const struct npu_fence *fence);

/** npu_deadline() - absolute time of a relative timeout; negative ones never end */
int64_t npu_deadline(int64_t timeout_ns);

/** npu_status_errno() - what a job's enum npu_status is for its owner */
int npu_status_errno(unsigned int status);

#endif
