/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Copyright (c) 2026 the npu authors
 *
 * Submission. What the scheduler knows as one job is one SUBMIT, here struct npu_job; the jobs in
 * it, a descriptor each, are its tasks.
 */
#ifndef NPU_JOB_H
#define NPU_JOB_H

#include <linux/types.h>

#include <drm/gpu_scheduler.h>

#include <npu/hw/regs.h>

struct drm_device;
struct drm_file;
struct npu_completion;
struct npu_device;
struct npu_error;
struct npu_queue;
struct npu_ring;
struct npu_side_table;

/**
 * struct npu_job - one SUBMIT
 * @base: the scheduler's part; @count credits
 * @queue: its queue, a reference
 * @fence: what the world waits for
 * @ended: what the scheduler waits for
 * @node: in the queue's list of jobs that were begun
 * @first: number of the first task in its queue
 * @count: tasks
 * @left: tasks given to a ring that have not ended; the queue's lock
 * @done: tasks that have a result; the queue's lock
 * @error: of the first task that failed; the queue's lock
 * @awake: it keeps the card awake
 * @stride: bytes from one side table to the next
 * @tables: side tables as the card wants them, one a task
 * @ncores: cores of each task
 */
struct npu_job {
	struct drm_sched_job base;
	struct npu_queue *queue;
	struct dma_fence *fence;
	struct dma_fence *ended;
	struct list_head node;
	u64 first;
	u32 count;
	u32 left;
	u32 done;
	int error;
	bool awake;
	size_t stride;
	void *tables;
	u8 ncores[] __counted_by(count);
};

extern const struct drm_sched_backend_ops npu_job_sched_ops;

/** npu_job_table_stride - bytes a side table takes on this card */
size_t npu_job_table_stride(struct npu_device *ndev);

static inline const struct npu_side_table *npu_job_table(const struct npu_job *job, u32 task)
{
	return job->tables + task * job->stride;
}

/**
 * npu_job_begin - the tasks of a job are about to be given to a ring
 * @job: the job
 * @ring: the ring, its lock held
 *
 * Return: false when the queue is doomed. The job has been ended then, or will be when those before
 * it are, and is not to be touched any more.
 */
bool npu_job_begin(struct npu_job *job, struct npu_ring *ring);

/** npu_job_status_error - the errno of a completion's status; of NPU_JOB_ABORTED, @abort_error */
int npu_job_status_error(u8 status, int abort_error);

/** npu_job_status_is_failure - the job's own doing, or the card's, not somebody's wish */
static inline bool npu_job_status_is_failure(u8 status)
{
	return status != NPU_JOB_OK && status != NPU_JOB_ABORTED && status != NPU_JOB_CANCELED;
}

/** npu_job_doomed - the queue is banned or destroyed: what has not begun shall not */
bool npu_job_doomed(struct npu_job *job);

/**
 * npu_job_task_done - a task has ended; the ring's lock is held
 * @job: the job, not to be touched afterwards
 * @task: index
 * @cpl: what the card says
 * @detail: more of it, if it went wrong
 * @abort_error: what it means if the card says that the task was aborted
 */
void npu_job_task_done(struct npu_job *job, u32 task, const struct npu_completion *cpl,
		       const struct npu_error *detail, int abort_error);

/** npu_job_task_lost - likewise, for a task the card says nothing of any more */
void npu_job_task_lost(struct npu_job *job, u32 task, int error);

int npu_ioctl_submit(struct drm_device *dev, void *data, struct drm_file *filp);

#endif
