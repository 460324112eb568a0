/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Copyright (c) 2026 the npu authors
 *
 * Queues: what a process submits jobs to. Their order, results, bans and accounts.
 */
#ifndef NPU_QUEUE_H
#define NPU_QUEUE_H

#include <linux/kref.h>
#include <linux/mutex.h>
#include <linux/sched.h>
#include <linux/spinlock.h>
#include <linux/wait.h>
#include <linux/workqueue.h>

#include <drm/gpu_scheduler.h>

struct drm_npu_result;
struct drm_printer;
struct npu_device;
struct npu_dump;
struct npu_file;
struct npu_file_stats;
struct npu_job;
struct npu_results;
struct npu_ring;
struct npu_vm;
struct seq_file;
struct vm_area_struct;

/* Entries of a result ring: as many tasks of a queue can be outstanding. A power of two. */
#define NPU_QUEUE_RESULTS	512

/* Queues of one open file. */
#define NPU_MAX_QUEUES		256

/* Where result rings are mapped in the node's file: beyond all offsets of buffers. */
#define NPU_MMAP_RESULTS	BIT_ULL(42)
#define NPU_MMAP_RESULTS_SHIFT	20	/* from one queue's to the next */

/**
 * struct npu_queue - jobs that start and end in order
 * @ref: the file's id table has one, each job has one
 * @ndev: its card; keeps the drm_device
 * @vm: address space of its jobs, a reference
 * @stats: the file's account, a reference
 * @id: in its file
 * @client_id: that file's, DRM's
 * @pid: of the process that made it
 * @comm: and its name
 * @priority: enum drm_npu_priority
 * @timeout: jiffies without progress after which its job is ended
 * @entity: the scheduler's part
 * @fence_context: of its fences
 * @submit_lock: makes the order of jobs: arming, numbers and pushing are one step
 * @submitted: the last number given; @submit_lock
 * @room: woken when results become free, or the queue doomed
 * @lock: protects what follows; taken inside a ring's lock
 * @begun: jobs that were given to a ring and have not ended, in order
 * @ring: where those are; all are on one ring, since the scheduler moves an idle entity only
 * @outstanding: tasks accepted and not ended
 * @error: why the queue is banned, or 0
 * @closed: destroyed by its owner
 * @completed: tasks that have ended
 * @jobs: of them, those that ended well
 * @cycles: modelled cycles of all of them
 * @results: the result ring, a reference
 * @release: gives everything back
 */
struct npu_queue {
	struct kref ref;
	struct npu_device *ndev;
	struct npu_vm *vm;
	struct npu_file_stats *stats;
	u32 id;
	u64 client_id;
	pid_t pid;
	char comm[TASK_COMM_LEN];
	u32 priority;
	unsigned long timeout;
	struct drm_sched_entity entity;
	u64 fence_context;
	struct mutex submit_lock;	/* order of jobs */
	u64 submitted;
	wait_queue_head_t room;
	spinlock_t lock;		/* what follows */
	struct list_head begun;
	struct npu_ring *ring;
	u32 outstanding;
	int error;
	bool closed;
	u64 completed;
	u64 jobs;
	u64 cycles;
	struct npu_results *results;
	struct work_struct release;
};

/** npu_queue_max_priority - highest enum drm_npu_priority that the caller may use */
u32 npu_queue_max_priority(void);
unsigned int npu_queue_default_timeout_ms(void);

int npu_queue_file_open(struct npu_file *file);

/** npu_queue_file_close - destroys all queues of a file; jobs that run are aborted */
void npu_queue_file_close(struct npu_file *file);

void npu_queue_show_fdinfo(struct npu_file *file, struct drm_printer *p);
int npu_queue_mmap(struct npu_file *file, struct vm_area_struct *vma);

/** npu_queue_show - lists a file's queues, for debugfs */
void npu_queue_show(struct npu_file *file, struct seq_file *m);

/** npu_queues_ban - bans all queues there are, with @error; sleeps */
void npu_queues_ban(struct npu_device *ndev, int error);

/** npu_queues_dump - adds all queues of open files, @max at most; sleeps */
void npu_queues_dump(struct npu_device *ndev, struct npu_dump *dump, u32 max);

/** npu_queue_lookup - a reference to the queue of that id, or NULL */
struct npu_queue *npu_queue_lookup(struct npu_file *file, u32 id);

static inline struct npu_queue *npu_queue_get(struct npu_queue *queue)
{
	kref_get(&queue->ref);
	return queue;
}

/** npu_queue_put - from any context; the last one leaves the work to npu_release_wq */
void npu_queue_put(struct npu_queue *queue);

/** npu_queue_status - 0, or why a queue takes no jobs */
int npu_queue_status(struct npu_queue *queue);

/**
 * npu_queue_reserve - waits until results for @count more tasks are free
 *
 * Return: 0, -EAGAIN (@nonblock), -ERESTARTSYS, or npu_queue_status().
 */
int npu_queue_reserve(struct npu_queue *queue, u32 count, bool nonblock);
void npu_queue_unreserve(struct npu_queue *queue, u32 count);

/**
 * npu_queue_account - a task has ended; the queue's lock is held
 * @queue: its queue
 * @result: how; its number is next in the queue
 * @ncores: of its gang
 */
void npu_queue_account(struct npu_queue *queue, const struct drm_npu_result *result, u32 ncores);

int npu_ioctl_queue_create(struct drm_device *dev, void *data, struct drm_file *filp);
int npu_ioctl_queue_destroy(struct drm_device *dev, void *data, struct drm_file *filp);
int npu_ioctl_queue_get_state(struct drm_device *dev, void *data, struct drm_file *filp);
int npu_ioctl_perf_query(struct drm_device *dev, void *data, struct drm_file *filp);

#endif
