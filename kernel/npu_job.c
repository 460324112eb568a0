// SPDX-License-Identifier: GPL-2.0
/*
 * Copyright (c) 2026 the npu authors
 *
 * Submission: from SUBMIT to the scheduler, from there to a ring, and back as results and fences.
 *
 * The life of a job: npu_job_create() takes everything in that can fail; the scheduler holds it
 * back until the fences it waits for have signalled; npu_job_run() gives it to a ring; the ring
 * reports its tasks one by one; when all have ended, and all jobs of the queue before it, its fence
 * signals; the scheduler then frees it. Every job goes this way: those of a doomed queue, or of a
 * card that is gone, pass npu_job_run() as well and end there with an error. So a queue's fences
 * signal in order, whatever happens, and the scheduler is never asked to kill an entity with jobs
 * in it.
 *
 * Between arming a job and its fence's signal nothing may wait for memory or reservations: from
 * there on this file allocates nothing and takes spinlocks only.
 *
 * Locks: reservation objects (drm_exec), then the queue's submit_lock; a ring's lock, then the
 * queue's lock, then fences' locks. Fences signal under the latter two, which keeps them in order;
 * what hangs on them only queues work.
 */
#include <linux/slab.h>

#include <drm/drm_exec.h>

#include "npu_drv.h"
#include "npu_fence.h"
#include "npu_job.h"
#include "npu_pm.h"
#include "npu_queue.h"
#include "npu_ring.h"
#include "npu_sync.h"
#include "npu_trace.h"
#include "npu_vm.h"

static struct npu_job *to_npu_job(struct drm_sched_job *base)
{
	return container_of(base, struct npu_job, base);
}

size_t npu_job_table_stride(struct npu_device *ndev)
{
	return ALIGN(offsetof(struct npu_side_table, stream[0]) +
		     ndev->caps.cores * sizeof(struct npu_stream_ref), 64);
}

/* ---- How jobs end ---------------------------------------------------------------------------- */

int npu_job_status_error(u8 status, int abort_error)
{
	switch (status) {
	case NPU_JOB_OK:
		return 0;
	case NPU_JOB_FAULT:
		return -EFAULT;
	case NPU_JOB_DEADLOCK:
		return -EDEADLK;
	case NPU_JOB_HAZARD:
		return -EILSEQ;
	case NPU_JOB_INVALID:
		return -EBADMSG;
	case NPU_JOB_ABORTED:
		return abort_error;
	case NPU_JOB_CANCELED:
		return -ECANCELED;
	case NPU_JOB_INDEX:
		return -ERANGE;
	default:
		return -EIO;
	}
}

/* One task's end. After the first failure of a queue, all that follows has been cancelled. */
static void npu_job_task_end(struct npu_job *job, u32 task, struct drm_npu_result *result)
{
	struct npu_queue *queue = job->queue;

	lockdep_assert_held(&queue->lock);

	result->seqno = job->first + task;
	if (queue->error)
		result->error = npu_queue_status(queue);
	if (result->error && !job->error)
		job->error = result->error;
	job->done++;
	npu_queue_account(queue, result, job->ncores[task]);
	trace_npu_task_done(queue->fence_context, result);
}

/*
 * Ends the jobs at the head of a queue of which nothing is on a ring any more. Tasks that never
 * were there get their results now. The scheduler may free a job once its fence has signalled.
 */
static void npu_job_retire(struct npu_queue *queue)
{
	struct npu_job *job, *next;

	lockdep_assert_held(&queue->lock);

	list_for_each_entry_safe(job, next, &queue->begun, node) {
		struct dma_fence *fence = job->fence;

		if (job->left)
			break;
		while (job->done < job->count) {
			struct drm_npu_result result = {
				.error = job->error,
				.status = NPU_JOB_CANCELED,
				.engine = NPU_ENGINE_NONE,
				.other_engine = NPU_ENGINE_NONE,
				.cmd = NPU_ERROR_NO_CMD,
				.other_cmd = NPU_ERROR_NO_CMD,
			};

			npu_job_task_end(job, job->done, &result);
		}
		list_del(&job->node);
		if (job->error)
			dma_fence_set_error(fence, job->error);
		/* Whoever waits for the job is woken before the scheduler's worker. */
		npu_fence_signal_late(job->ended);
		npu_fence_signal(fence);
		dma_fence_put(fence);
	}
	wake_up_all(&queue->room);
}

/* The queue is kept: the job holds it, and may be freed by the scheduler when its fence signals. */
static void npu_job_task_report(struct npu_job *job, u32 task, struct drm_npu_result *result)
{
	struct npu_queue *queue = npu_queue_get(job->queue);
	unsigned long flags;
	bool banned;

	spin_lock_irqsave(&queue->lock, flags);
	banned = result->error && !queue->error;
	npu_job_task_end(job, task, result);
	/* What it has behind it on the ring is not to run. */
	if (banned)
		npu_ring_cancel(queue->ring);
	job->left--;
	npu_job_retire(queue);
	spin_unlock_irqrestore(&queue->lock, flags);
	npu_queue_put(queue);
}

void npu_job_task_done(struct npu_job *job, u32 task, const struct npu_completion *cpl,
		       const struct npu_error *detail, int abort_error)
{
	struct drm_npu_result result = {
		.cycles = le64_to_cpu(cpl->cycles),
		.status = cpl->status,
		.error = npu_job_status_error(cpl->status, abort_error),
		.engine = NPU_ENGINE_NONE,
		.other_engine = NPU_ENGINE_NONE,
		.cmd = NPU_ERROR_NO_CMD,
		.other_cmd = NPU_ERROR_NO_CMD,
	};

	if (cpl->status != NPU_JOB_OK) {
		result.reason = detail->reason;
		result.core = detail->core;
		result.engine = detail->engine;
		result.access = detail->access;
		result.space = detail->space;
		result.other_core = detail->other_core;
		result.other_engine = detail->other_engine;
		result.cmd = le32_to_cpu(detail->cmd);
		result.other_cmd = le32_to_cpu(detail->other_cmd);
		result.tag = le32_to_cpu(detail->tag);
		result.other_tag = le32_to_cpu(detail->other_tag);
		result.addr = le64_to_cpu(detail->addr);
		result.len = le64_to_cpu(detail->len);
	}
	npu_job_task_report(job, task, &result);
}

void npu_job_task_lost(struct npu_job *job, u32 task, int error)
{
	struct drm_npu_result result = {
		.error = error,
		.status = NPU_JOB_ABORTED,
		.engine = NPU_ENGINE_NONE,
		.other_engine = NPU_ENGINE_NONE,
		.cmd = NPU_ERROR_NO_CMD,
		.other_cmd = NPU_ERROR_NO_CMD,
	};

	npu_job_task_report(job, task, &result);
}

/* ---- How the scheduler runs them ------------------------------------------------------------- */

bool npu_job_doomed(struct npu_job *job)
{
	return npu_queue_status(job->queue);
}

/* Lets a job end with @error, without the card, when those before it have. The lock is held. */
static void npu_job_skip_locked(struct npu_job *job, int error)
{
	struct npu_queue *queue = job->queue;

	job->error = error;
	list_add_tail(&job->node, &queue->begun);
	npu_job_retire(queue);
}

static void npu_job_skip(struct npu_job *job, int error)
{
	struct npu_queue *queue = npu_queue_get(job->queue);
	unsigned long flags;

	spin_lock_irqsave(&queue->lock, flags);
	npu_job_skip_locked(job, error);
	spin_unlock_irqrestore(&queue->lock, flags);
	npu_queue_put(queue);
}

bool npu_job_begin(struct npu_job *job, struct npu_ring *ring)
{
	struct npu_queue *queue = npu_queue_get(job->queue);
	int error;

	/*
	 * With the locks, either what dooms a queue or gives a card up is seen here, or it sees
	 * the job.
	 */
	spin_lock(&queue->lock);
	error = READ_ONCE(queue->ndev->wedged) ? -ENODEV : npu_queue_status(queue);
	if (!error) {
		queue->ring = ring;
		job->left = job->count;
		list_add_tail(&job->node, &queue->begun);
	} else {
		npu_job_skip_locked(job, error);
	}
	spin_unlock(&queue->lock);
	npu_queue_put(queue);
	return !error;
}

static struct dma_fence *npu_job_run(struct drm_sched_job *base)
{
	struct npu_job *job = to_npu_job(base);
	struct npu_ring *ring = npu_ring_of_sched(base->sched);
	/* The scheduler's reference. The job's is dropped when the fence signals. */
	struct dma_fence *fence = dma_fence_get(job->ended);
	bool cookie = dma_fence_begin_signalling();
	int idx;

	trace_npu_job_run(job->queue->fence_context, job->first, job->count, npu_ring_index(ring));
	if (npu_dev_enter(job->queue->ndev, &idx)) {
		npu_ring_push(ring, job);
		npu_dev_exit(idx);
	} else {
		npu_job_skip(job, -ENODEV);
	}
	dma_fence_end_signalling(cookie);
	return fence;
}

static void npu_job_destroy(struct npu_job *job)
{
	if (job->awake)
		npu_pm_put(job->queue->ndev);
	npu_queue_put(job->queue);
	kvfree(job->tables);
	kfree(job);
}

static void npu_job_free(struct drm_sched_job *base)
{
	drm_sched_job_cleanup(base);
	npu_job_destroy(to_npu_job(base));
}

const struct drm_sched_backend_ops npu_job_sched_ops = {
	.run_job = npu_job_run,
	.free_job = npu_job_free,
};

/* ---- SUBMIT ---------------------------------------------------------------------------------- */

/* The streams of one task. They must be where something can be mapped; the card does the rest. */
static int npu_job_get_streams(struct npu_job *job, u32 task, const struct drm_npu_array *streams)
{
	struct npu_device *ndev = job->queue->ndev;
	struct drm_device *dev = &ndev->base;
	struct npu_side_table *table = job->tables + task * job->stride;
	struct drm_npu_stream stream;
	int ret;
	u32 i;

	ret = npu_check_array(dev, streams, sizeof(stream), ndev->caps.cores);
	if (ret)
		return ret;
	if (!streams->count) {
		drm_dbg(dev, "jobs[%u]: no stream\n", task);
		return -EINVAL;
	}

	for (i = 0; i < streams->count; i++) {
		ret = npu_get_array_elem(&stream, sizeof(stream), streams, i);
		if (ret)
			return ret;
		if (!IS_ALIGNED(stream.va, 16) || !IS_ALIGNED(stream.size, 16) ||
		    stream.va > NPU_VA_END || stream.size > NPU_VA_END - stream.va ||
		    stream.size > U32_MAX) {
			drm_dbg(dev, "jobs[%u].streams[%u]: bad range %#llx+%#llx\n", task, i,
				stream.va, stream.size);
			return -EINVAL;
		}
		table->stream[i].addr = cpu_to_le64(stream.va);
		table->stream[i].size = cpu_to_le64(stream.size);
	}
	job->ncores[task] = streams->count;
	return 0;
}

static int npu_job_get_task(struct npu_job *job, u32 task, const struct drm_npu_array *jobs)
{
	struct drm_device *dev = &job->queue->ndev->base;
	struct npu_side_table *table = job->tables + task * job->stride;
	struct drm_npu_job arg;
	u64 region[NPU_MAX_REGIONS];
	int ret;
	u32 i;

	ret = npu_get_array_elem(&arg, sizeof(arg), jobs, task);
	if (ret)
		return ret;
	if (arg.flags) {
		drm_dbg(dev, "jobs[%u]: unknown flags %#x\n", task, arg.flags);
		return -EINVAL;
	}
	if (arg.region_count > NPU_MAX_REGIONS) {
		drm_dbg(dev, "jobs[%u]: %u regions, more than %u\n", task, arg.region_count,
			NPU_MAX_REGIONS);
		return -EINVAL;
	}
	if (copy_from_user(region, u64_to_user_ptr(arg.regions),
			   arg.region_count * sizeof(region[0])))
		return -EFAULT;
	for (i = 0; i < arg.region_count; i++)
		table->region[i] = cpu_to_le64(region[i]);

	return npu_job_get_streams(job, task, &arg.streams);
}

/* Takes a call's jobs in. The job holds a reference on the queue from here on. */
static struct npu_job *npu_job_create(struct npu_queue *queue, struct drm_file *filp,
				      const struct drm_npu_array *jobs)
{
	struct npu_job *job;
	int ret;
	u32 i;

	job = kzalloc(struct_size(job, ncores, jobs->count), GFP_KERNEL_ACCOUNT);
	if (!job)
		return ERR_PTR(-ENOMEM);
	job->count = jobs->count;
	job->queue = npu_queue_get(queue);
	job->stride = npu_job_table_stride(queue->ndev);
	job->tables = kvcalloc(jobs->count, job->stride, GFP_KERNEL_ACCOUNT);
	if (!job->tables) {
		ret = -ENOMEM;
		goto err_destroy;
	}
	for (i = 0; i < jobs->count; i++) {
		ret = npu_job_get_task(job, i, jobs);
		if (ret)
			goto err_destroy;
	}
	job->fence = npu_fence_alloc();
	job->ended = npu_fence_alloc_late();
	if (!job->fence || !job->ended) {
		ret = -ENOMEM;
		goto err_fence;
	}
	ret = npu_sched_job_init(&job->base, &queue->entity, jobs->count, filp, filp->client_id);
	if (ret)
		goto err_fence;
	return job;

err_fence:
	npu_fence_free(job->ended);
	npu_fence_free(job->fence);
err_destroy:
	npu_job_destroy(job);
	return ERR_PTR(ret);
}

/* Undoes npu_job_create() of a job that was not armed. */
static void npu_job_discard(struct npu_job *job)
{
	drm_sched_job_cleanup(&job->base);
	npu_fence_free(job->ended);
	npu_fence_free(job->fence);
	npu_job_destroy(job);
}

/* From here on the job belongs to the scheduler, and cannot fail to end. Returns its fence. */
static struct dma_fence *npu_job_push(struct npu_job *job, struct drm_exec *exec)
{
	struct npu_queue *queue = job->queue;
	struct dma_fence *fence = job->fence;
	bool cookie;

	lockdep_assert_held(&queue->submit_lock);

	/* The scheduler changes the ring only of a queue of which nothing is waiting or running. */
	drm_sched_entity_modify_sched(&queue->entity,
				      npu_ring_choose(queue->ndev, queue->priority), 1);
	cookie = dma_fence_begin_signalling();
	drm_sched_job_arm(&job->base);
	job->first = queue->submitted + 1;
	WRITE_ONCE(queue->submitted, queue->submitted + job->count);
	npu_fence_init(fence, queue->fence_context, queue->submitted);
	/* Of jobs that end together the last one's may signal first: they are no timeline. */
	npu_fence_init(job->ended, dma_fence_context_alloc(1), 1);
	dma_fence_get(fence);
	npu_vm_add_fence(queue->vm, exec, fence);
	trace_npu_job_submit(queue->fence_context, job->first, job->count);
	drm_sched_entity_push_job(&job->base);
	dma_fence_end_signalling(cookie);
	return fence;
}

/* Locks what the jobs may touch and pushes. The job is gone afterwards, whatever the outcome. */
static int npu_job_submit(struct npu_job *job, struct npu_syncs *syncs, u64 *seqno)
{
	struct npu_queue *queue = job->queue;
	struct dma_fence *fence;
	struct drm_exec exec;
	int ret;

	drm_exec_init(&exec, DRM_EXEC_INTERRUPTIBLE_WAIT | DRM_EXEC_IGNORE_DUPLICATES, 0);
	drm_exec_until_all_locked(&exec) {
		ret = npu_vm_lock(queue->vm, &exec, 1);
		drm_exec_retry_on_contention(&exec);
		if (ret)
			goto out;
	}

	mutex_lock(&queue->submit_lock);
	fence = npu_job_push(job, &exec);
	*seqno = queue->submitted;
	mutex_unlock(&queue->submit_lock);
	job = NULL;
	npu_syncs_signal(syncs, fence);
	dma_fence_put(fence);
out:
	drm_exec_fini(&exec);
	if (job)
		npu_job_discard(job);
	return ret;
}

int npu_ioctl_submit(struct drm_device *dev, void *data, struct drm_file *filp)
{
	struct npu_device *ndev = to_npu_device(dev);
	struct drm_npu_submit *args = data;
	struct npu_queue *queue;
	struct npu_syncs syncs;
	struct npu_job *job;
	int ret;

	if (npu_device_gone(ndev))
		return -ENODEV;
	if (args->flags) {
		drm_dbg(dev, "submit: unknown flags %#x\n", args->flags);
		return -EINVAL;
	}
	ret = npu_check_array(dev, &args->jobs, sizeof(struct drm_npu_job), NPU_MAX_JOBS);
	if (ret)
		return ret;
	if (!args->jobs.count) {
		drm_dbg(dev, "submit: no jobs\n");
		return -EINVAL;
	}
	queue = npu_queue_lookup(filp->driver_priv, args->queue_id);
	if (!queue)
		return -ENOENT;

	ret = npu_syncs_get(&syncs, filp, &args->syncs);
	if (ret)
		goto out_queue;
	job = npu_job_create(queue, filp, &args->jobs);
	if (IS_ERR(job)) {
		ret = PTR_ERR(job);
		goto out_syncs;
	}
	/* Here, since nothing that a fence waits for may wait for the card to wake up. */
	ret = npu_pm_get(ndev);
	if (!ret) {
		job->awake = true;
		ret = npu_syncs_add_deps(&syncs, &job->base);
	}
	if (!ret)
		ret = npu_queue_reserve(queue, job->count, filp->filp->f_flags & O_NONBLOCK);
	if (ret) {
		npu_job_discard(job);
		goto out_syncs;
	}
	ret = npu_job_submit(job, &syncs, &args->seqno);
	if (ret)
		npu_queue_unreserve(queue, args->jobs.count);

out_syncs:
	npu_syncs_put(&syncs);
out_queue:
	npu_queue_put(queue);
	return ret;
}
