// SPDX-License-Identifier: GPL-2.0
/*
 * Copyright (c) 2026 the npu authors
 *
 * Queues: creation and destruction, result rings, bans, accounts.
 *
 * A queue outlives its file while jobs of it are under way: each holds it. The last reference may
 * be dropped by an interrupt handler or by the scheduler's own work, so what must sleep or waits
 * for that work runs from npu_release_wq. Nothing is killed when a queue is destroyed: jobs on the
 * card are cancelled and aborted, those not yet there end when the scheduler comes to them.
 *
 * The result ring is ordinary memory, mapped read-only by the owner. Its mappings keep it, but not
 * the queue. They are filled by faults, since the DRM core empties all mappings of the node when
 * the card goes, and results are what tells about it.
 *
 * Locks: see struct npu_queue; the file's id table has its own.
 */
#include <linux/mm.h>
#include <linux/module.h>
#include <linux/seq_file.h>
#include <linux/slab.h>
#include <linux/vmalloc.h>

#include "npu_drv.h"
#include "npu_dump.h"
#include "npu_event.h"
#include "npu_pm.h"
#include "npu_queue.h"
#include "npu_ring.h"
#include "npu_reset.h"
#include "npu_vm.h"

/**
 * struct npu_file_stats - what all queues of a file have used
 * @ref: the file has one, each queue has one
 * @cycles: modelled cycles of ended jobs, times the cores they ran on
 */
struct npu_file_stats {
	struct kref ref;
	atomic64_t cycles;
};

static_assert(!(NPU_QUEUE_RESULTS & (NPU_QUEUE_RESULTS - 1)));
static_assert(NPU_QUEUE_RESULTS >= NPU_MAX_JOBS);

#define NPU_RESULTS_SIZE	(NPU_QUEUE_RESULTS * sizeof(struct drm_npu_result))
#define NPU_RESULTS_PAGES	DIV_ROUND_UP(NPU_RESULTS_SIZE, PAGE_SIZE)

/**
 * struct npu_results - a result ring
 * @ref: its queue has one, each mapping has one
 * @entry: for the kernel
 * @pages: its memory
 */
struct npu_results {
	struct kref ref;
	struct drm_npu_result *entry;
	struct page *pages[NPU_RESULTS_PAGES];
};

static unsigned int npu_timeout_ms = 10000;
module_param_named(timeout_ms, npu_timeout_ms, uint, 0444);
MODULE_PARM_DESC(timeout_ms,
		 "A job is ended when it completes no command for so many milliseconds (default 10000)");

unsigned int npu_queue_default_timeout_ms(void)
{
	return clamp(npu_timeout_ms, 1u, 24 * 3600 * 1000u);
}

/* ---- Accounts -------------------------------------------------------------------------------- */

static void npu_file_stats_free(struct kref *ref)
{
	kfree(container_of(ref, struct npu_file_stats, ref));
}

static void npu_file_stats_put(struct npu_file_stats *stats)
{
	kref_put(&stats->ref, npu_file_stats_free);
}

void npu_queue_account(struct npu_queue *queue, const struct drm_npu_result *result, u32 ncores)
{
	struct npu_device *ndev = queue->ndev;
	struct drm_npu_result *entry = &queue->results->entry[result->seqno % NPU_QUEUE_RESULTS];
	u64 core_cycles = result->cycles * ncores;

	lockdep_assert_held(&queue->lock);

	/* Not valid while it changes: a reader who is late sees another number before and after. */
	WRITE_ONCE(entry->seqno, 0);
	smp_wmb();	/* pairs with the reader's acquire of the number */
	memcpy((void *)entry + sizeof(entry->seqno), (void *)result + sizeof(result->seqno),
	       sizeof(*entry) - sizeof(entry->seqno));
	/* Written last, for the same reader. */
	smp_store_release(&entry->seqno, result->seqno);

	queue->completed++;
	queue->outstanding--;
	queue->cycles += result->cycles;
	atomic64_add(core_cycles, &queue->stats->cycles);
	atomic64_add(core_cycles, &ndev->totals.cycles);
	atomic64_inc(&ndev->totals.jobs);
	if (!result->error) {
		queue->jobs++;
		return;
	}
	atomic64_inc(&ndev->totals.errors);
	if (result->error == -ETIMEDOUT)
		atomic64_inc(&ndev->totals.timeouts);
	if (!queue->error) {
		drm_dbg(&ndev->base, "queue %u: banned, job %llu ended with %d\n", queue->id,
			result->seqno, result->error);
		WRITE_ONCE(queue->error, result->error);
		/* The end of what its owner has destroyed is nobody's news. */
		if (!queue->closed)
			npu_event_banned(queue, result);
	}
}

int npu_queue_status(struct npu_queue *queue)
{
	int error = READ_ONCE(queue->error);

	if (!error && !READ_ONCE(queue->closed))
		return 0;
	return error == -ENODEV ? -ENODEV : -ECANCELED;
}

/* True when the caller need not wait: it has its room, or never will. */
static bool npu_queue_try_reserve(struct npu_queue *queue, u32 count, int *status)
{
	unsigned long flags;
	bool room;

	spin_lock_irqsave(&queue->lock, flags);
	*status = npu_queue_status(queue);
	room = !*status && queue->outstanding + count <= NPU_QUEUE_RESULTS;
	if (room)
		queue->outstanding += count;
	spin_unlock_irqrestore(&queue->lock, flags);
	return room || *status;
}

int npu_queue_reserve(struct npu_queue *queue, u32 count, bool nonblock)
{
	int status, ret;

	if (nonblock) {
		if (!npu_queue_try_reserve(queue, count, &status))
			return -EAGAIN;
		return status;
	}
	/* All that is outstanding waits for fences only, so room does come. */
	ret = wait_event_interruptible(queue->room, npu_queue_try_reserve(queue, count, &status));
	return ret ?: status;
}

void npu_queue_unreserve(struct npu_queue *queue, u32 count)
{
	unsigned long flags;

	spin_lock_irqsave(&queue->lock, flags);
	queue->outstanding -= count;
	spin_unlock_irqrestore(&queue->lock, flags);
	wake_up_all(&queue->room);
}

void npu_queues_ban(struct npu_device *ndev, int error)
{
	struct drm_file *filp;

	mutex_lock(&ndev->base.filelist_mutex);
	list_for_each_entry(filp, &ndev->base.filelist, lhead) {
		struct npu_file *file = filp->driver_priv;
		struct npu_queue *queue;
		unsigned long id;

		xa_lock(&file->queues);
		xa_for_each(&file->queues, id, queue) {
			spin_lock_irq(&queue->lock);
			if (!queue->error)
				WRITE_ONCE(queue->error, error);
			if (!list_empty(&queue->begun))
				npu_ring_cancel(queue->ring);
			spin_unlock_irq(&queue->lock);
			wake_up_all(&queue->room);
		}
		xa_unlock(&file->queues);
	}
	mutex_unlock(&ndev->base.filelist_mutex);
}

/* ---- Result rings ---------------------------------------------------------------------------- */

static void npu_results_free(struct kref *ref)
{
	struct npu_results *results = container_of(ref, struct npu_results, ref);
	unsigned int i;

	vunmap(results->entry);
	for (i = 0; i < NPU_RESULTS_PAGES && results->pages[i]; i++)
		put_page(results->pages[i]);
	kfree(results);
}

static void npu_results_put(struct npu_results *results)
{
	kref_put(&results->ref, npu_results_free);
}

static struct npu_results *npu_results_create(void)
{
	struct npu_results *results;
	unsigned int i;

	results = kzalloc(sizeof(*results), GFP_KERNEL_ACCOUNT);
	if (!results)
		return NULL;
	kref_init(&results->ref);
	for (i = 0; i < NPU_RESULTS_PAGES; i++) {
		results->pages[i] = alloc_page(GFP_KERNEL_ACCOUNT | __GFP_ZERO);
		if (!results->pages[i])
			goto err_put;
	}
	results->entry = vmap(results->pages, NPU_RESULTS_PAGES, VM_MAP, PAGE_KERNEL);
	if (!results->entry)
		goto err_put;
	return results;

err_put:
	npu_results_put(results);
	return NULL;
}

static void npu_results_vm_open(struct vm_area_struct *vma)
{
	struct npu_results *results = vma->vm_private_data;

	kref_get(&results->ref);
}

static void npu_results_vm_close(struct vm_area_struct *vma)
{
	npu_results_put(vma->vm_private_data);
}

static vm_fault_t npu_results_vm_fault(struct vm_fault *vmf)
{
	struct npu_results *results = vmf->vma->vm_private_data;
	/* The offset in the node's file begins with which ring it is. */
	pgoff_t page = vmf->pgoff & (BIT(NPU_MMAP_RESULTS_SHIFT - PAGE_SHIFT) - 1);

	if (page >= NPU_RESULTS_PAGES)
		return VM_FAULT_SIGBUS;
	get_page(results->pages[page]);
	vmf->page = results->pages[page];
	return 0;
}

static const struct vm_operations_struct npu_results_vm_ops = {
	.open = npu_results_vm_open,
	.close = npu_results_vm_close,
	.fault = npu_results_vm_fault,
};

/* Read-only, shared and of the whole ring at most. */
static bool npu_results_may_map(struct vm_area_struct *vma, u64 offset)
{
	return !(vma->vm_flags & VM_WRITE) && vma->vm_flags & VM_SHARED &&
	       IS_ALIGNED(offset, BIT(NPU_MMAP_RESULTS_SHIFT)) &&
	       vma->vm_end - vma->vm_start <= NPU_RESULTS_PAGES << PAGE_SHIFT;
}

int npu_queue_mmap(struct npu_file *file, struct vm_area_struct *vma)
{
	u64 offset = ((u64)vma->vm_pgoff << PAGE_SHIFT) - NPU_MMAP_RESULTS;
	struct npu_queue *queue;

	if (!npu_results_may_map(vma, offset))
		return -EINVAL;
	offset >>= NPU_MMAP_RESULTS_SHIFT;
	queue = offset <= NPU_MAX_QUEUES ? npu_queue_lookup(file, offset) : NULL;
	if (!queue)
		return -EINVAL;
	vma->vm_private_data = queue->results;
	vma->vm_ops = &npu_results_vm_ops;
	vm_flags_mod(vma, VM_DONTEXPAND | VM_DONTDUMP, VM_MAYWRITE);
	npu_results_vm_open(vma);
	npu_queue_put(queue);
	return 0;
}

/* ---- Lifetime -------------------------------------------------------------------------------- */

static void npu_queue_release_work(struct work_struct *work)
{
	struct npu_queue *queue = container_of(work, struct npu_queue, release);
	struct drm_device *dev = &queue->ndev->base;

	/* No job is left, or it would hold the queue; so this has nothing to wait for. */
	drm_sched_entity_fini(&queue->entity);
	npu_vm_put(queue->vm);
	npu_file_stats_put(queue->stats);
	npu_results_put(queue->results);
	mutex_destroy(&queue->submit_lock);
	kfree(queue);
	drm_dev_put(dev);
}

static void npu_queue_last_put(struct kref *ref)
{
	struct npu_queue *queue = container_of(ref, struct npu_queue, ref);

	queue_work(npu_release_wq, &queue->release);
}

void npu_queue_put(struct npu_queue *queue)
{
	kref_put(&queue->ref, npu_queue_last_put);
}

struct npu_queue *npu_queue_lookup(struct npu_file *file, u32 id)
{
	struct npu_queue *queue;

	xa_lock(&file->queues);
	queue = xa_load(&file->queues, id);
	if (queue)
		npu_queue_get(queue);
	xa_unlock(&file->queues);
	return queue;
}

/* Ends a queue that has left the id table, and drops the table's reference. */
static void npu_queue_close(struct npu_queue *queue)
{
	unsigned long flags;

	spin_lock_irqsave(&queue->lock, flags);
	WRITE_ONCE(queue->closed, true);
	if (!list_empty(&queue->begun))
		npu_ring_cancel(queue->ring);
	spin_unlock_irqrestore(&queue->lock, flags);
	wake_up_all(&queue->room);
	npu_queue_put(queue);
}

int npu_queue_file_open(struct npu_file *file)
{
	file->stats = kzalloc(sizeof(*file->stats), GFP_KERNEL_ACCOUNT);
	if (!file->stats)
		return -ENOMEM;
	kref_init(&file->stats->ref);
	xa_init_flags(&file->queues, XA_FLAGS_ALLOC1);
	return 0;
}

void npu_queue_file_close(struct npu_file *file)
{
	struct npu_queue *queue;
	unsigned long id;

	xa_for_each(&file->queues, id, queue) {
		xa_erase(&file->queues, id);
		npu_queue_close(queue);
	}
	xa_destroy(&file->queues);
	npu_file_stats_put(file->stats);
}

/* ---- Creation -------------------------------------------------------------------------------- */

u32 npu_queue_max_priority(void)
{
	return capable(CAP_SYS_NICE) ? DRM_NPU_PRIORITY_REALTIME : DRM_NPU_PRIORITY_NORMAL;
}

static int npu_queue_check(struct npu_device *ndev, const struct drm_npu_queue_create *args)
{
	struct drm_device *dev = &ndev->base;

	if (args->flags) {
		drm_dbg(dev, "queue: unknown flags %#x\n", args->flags);
		return -EINVAL;
	}
	if (args->priority > DRM_NPU_PRIORITY_REALTIME) {
		drm_dbg(dev, "queue: unknown priority %u\n", args->priority);
		return -EINVAL;
	}
	if (args->priority > DRM_NPU_PRIORITY_NORMAL && args->priority > npu_queue_max_priority()) {
		drm_dbg(dev, "queue: priority %u needs CAP_SYS_NICE\n", args->priority);
		return -EACCES;
	}
	if (args->timeout_ms > npu_queue_default_timeout_ms() && !capable(CAP_SYS_ADMIN)) {
		drm_dbg(dev, "queue: timeout of %u ms needs CAP_SYS_ADMIN\n", args->timeout_ms);
		return -EACCES;
	}
	return 0;
}

static struct npu_queue *npu_queue_create(struct drm_file *filp,
					  const struct drm_npu_queue_create *args)
{
	struct npu_file *file = filp->driver_priv;
	struct npu_device *ndev = file->ndev;
	struct drm_gpu_scheduler **scheds;
	struct npu_queue *queue;
	unsigned int count;
	int ret;

	queue = kzalloc(sizeof(*queue), GFP_KERNEL_ACCOUNT);
	if (!queue)
		return ERR_PTR(-ENOMEM);
	queue->results = npu_results_create();
	if (!queue->results) {
		ret = -ENOMEM;
		goto err_free;
	}
	queue->vm = npu_vm_lookup(file, args->vm_id);
	if (!queue->vm) {
		ret = -ENOENT;
		goto err_results;
	}
	scheds = npu_ring_scheds(ndev, args->priority, &count);
	ret = drm_sched_entity_init(&queue->entity, DRM_SCHED_PRIORITY_KERNEL, scheds, count, NULL);
	if (ret)
		goto err_vm;

	kref_init(&queue->ref);
	queue->ndev = ndev;
	drm_dev_get(&ndev->base);
	queue->stats = file->stats;
	kref_get(&queue->stats->ref);
	queue->client_id = filp->client_id;
	queue->pid = task_tgid_nr(current);
	get_task_comm(queue->comm, current);
	queue->priority = args->priority;
	queue->timeout = msecs_to_jiffies(args->timeout_ms ?: npu_queue_default_timeout_ms());
	queue->fence_context = dma_fence_context_alloc(1);
	mutex_init(&queue->submit_lock);
	init_waitqueue_head(&queue->room);
	spin_lock_init(&queue->lock);
	INIT_LIST_HEAD(&queue->begun);
	INIT_WORK(&queue->release, npu_queue_release_work);
	return queue;

err_vm:
	npu_vm_put(queue->vm);
err_results:
	npu_results_put(queue->results);
err_free:
	kfree(queue);
	return ERR_PTR(ret);
}

int npu_ioctl_queue_create(struct drm_device *dev, void *data, struct drm_file *filp)
{
	struct npu_file *file = filp->driver_priv;
	struct drm_npu_queue_create *args = data;
	struct npu_queue *queue;
	int ret;

	if (npu_device_gone(file->ndev))
		return -ENODEV;
	ret = npu_queue_check(file->ndev, args);
	if (ret)
		return ret;
	queue = npu_queue_create(filp, args);
	if (IS_ERR(queue))
		return PTR_ERR(queue);

	/* Whoever guesses the id may destroy the queue before this returns. */
	npu_queue_get(queue);
	ret = xa_alloc(&file->queues, &queue->id, queue, XA_LIMIT(1, NPU_MAX_QUEUES),
		       GFP_KERNEL_ACCOUNT);
	if (ret) {
		drm_dbg(dev, "queue: more than %u in one file\n", NPU_MAX_QUEUES);
		npu_queue_put(queue);
		ret = ret == -EBUSY ? -ENOSPC : ret;
	} else {
		args->id = queue->id;
		args->result_count = NPU_QUEUE_RESULTS;
		args->result_offset = NPU_MMAP_RESULTS + ((u64)queue->id << NPU_MMAP_RESULTS_SHIFT);
	}
	npu_queue_put(queue);
	return ret;
}

int npu_ioctl_queue_destroy(struct drm_device *dev, void *data, struct drm_file *filp)
{
	struct npu_file *file = filp->driver_priv;
	struct drm_npu_queue_destroy *args = data;
	struct npu_queue *queue;

	if (args->pad)
		return -EINVAL;
	queue = xa_erase(&file->queues, args->id);
	if (!queue)
		return -ENOENT;
	npu_queue_close(queue);
	return 0;
}

/* ---- Telling about them ---------------------------------------------------------------------- */

int npu_ioctl_queue_get_state(struct drm_device *dev, void *data, struct drm_file *filp)
{
	struct drm_npu_queue_get_state *args = data;
	struct npu_queue *queue;

	if (args->pad)
		return -EINVAL;
	queue = npu_queue_lookup(filp->driver_priv, args->id);
	if (!queue)
		return -ENOENT;
	spin_lock_irq(&queue->lock);
	args->error = queue->error;
	args->banned = !!queue->error;
	args->completed = queue->completed;
	spin_unlock_irq(&queue->lock);
	args->submitted = READ_ONCE(queue->submitted);
	npu_queue_put(queue);
	return 0;
}

static int npu_perf_queue(struct npu_file *file, struct drm_npu_perf_query *args)
{
	struct drm_npu_perf_queue perf = {};
	struct npu_queue *queue;

	queue = npu_queue_lookup(file, args->id);
	if (!queue)
		return -ENOENT;
	spin_lock_irq(&queue->lock);
	perf.jobs = queue->jobs;
	perf.errors = queue->completed - queue->jobs;
	perf.cycles = queue->cycles;
	spin_unlock_irq(&queue->lock);
	npu_queue_put(queue);
	perf.busy_ns = npu_cycles_to_ns(file->ndev, perf.cycles);
	return npu_put_block(args->pointer, &args->size, &perf, sizeof(perf));
}

static int npu_perf_core(struct npu_file *file, struct drm_npu_perf_query *args)
{
	struct npu_device *ndev = file->ndev;
	struct drm_npu_perf_core perf = {};
	u64 ctr[NPU_CTRS];
	unsigned int e, n;
	int idx, ret;

	if (!perfmon_capable())
		return -EACCES;
	if (args->id >= ndev->caps.cores) {
		drm_dbg(&ndev->base, "perf: no core %u\n", args->id);
		return -EINVAL;
	}
	ret = npu_pm_get(ndev);
	if (ret)
		return ret;
	if (!npu_dev_enter(ndev, &idx)) {
		npu_pm_put(ndev);
		return -ENODEV;
	}
	/* In the middle of a reset counters are all ones. */
	ret = npu_reset_hold_wait(ndev);
	if (ret)
		goto out;
	for (e = 0; e < NPU_ENGINES; e++) {
		/* The pairs latch: one reader at a time. */
		mutex_lock(&ndev->latch_lock);
		for (n = 0; n < NPU_CTRS; n++)
			ctr[n] = npu_read64(ndev, NPU_CORE(args->id) + NPU_CORE_CTR(e, n));
		mutex_unlock(&ndev->latch_lock);
		perf.engine[e] = (struct drm_npu_perf_engine) {
			.busy = ctr[NPU_CTR_BUSY],
			.stall_sem = ctr[NPU_CTR_STALL_SEM],
			.stall_port = ctr[NPU_CTR_STALL_PORT],
			.cmds = ctr[NPU_CTR_CMDS],
			.work = ctr[NPU_CTR_WORK],
			.lmem_bytes = ctr[NPU_CTR_LMEM_BYTES],
			.pcie_bytes = ctr[NPU_CTR_PCIE_BYTES],
			.energy_nj = ctr[NPU_CTR_ENERGY_NJ],
		};
	}
	/* And of one that was just pulled out. */
	if (npu_read(ndev, NPU_REG_MAGIC) != NPU_MAGIC)
		ret = -ENODEV;
	npu_reset_release(ndev);
out:
	npu_dev_exit(idx);
	npu_pm_put(ndev);
	return ret ?: npu_put_block(args->pointer, &args->size, &perf, sizeof(perf));
}

int npu_ioctl_perf_query(struct drm_device *dev, void *data, struct drm_file *filp)
{
	struct drm_npu_perf_query *args = data;

	if (args->pad)
		return -EINVAL;
	switch (args->type) {
	case DRM_NPU_PERF_QUEUE:
		return npu_perf_queue(filp->driver_priv, args);
	case DRM_NPU_PERF_CORE:
		return npu_perf_core(filp->driver_priv, args);
	default:
		drm_dbg(dev, "perf: unknown type %u\n", args->type);
		return -EINVAL;
	}
}

/* Cycles on all cores of the jobs of a file that run now. */
static u64 npu_file_running(struct npu_file *file)
{
	struct npu_device *ndev = file->ndev;
	struct npu_queue *queue;
	unsigned long id;
	u64 cycles = 0;
	int idx;

	if (!npu_dev_enter(ndev, &idx))
		return 0;
	if (npu_reset_hold(ndev)) {
		xa_lock(&file->queues);
		xa_for_each(&file->queues, id, queue) {
			struct npu_ring *ring = READ_ONCE(queue->ring);

			if (ring)
				cycles += npu_ring_running(ring, queue);
		}
		xa_unlock(&file->queues);
		npu_reset_release(ndev);
	}
	npu_dev_exit(idx);
	return cycles;
}

void npu_queue_show_fdinfo(struct npu_file *file, struct drm_printer *p)
{
	struct npu_device *ndev = file->ndev;
	u64 cycles = atomic64_read(&file->stats->cycles) + npu_file_running(file);

	drm_printf(p, "drm-engine-npu:\t%llu ns\n", npu_cycles_to_ns(ndev, cycles));
	drm_printf(p, "drm-engine-capacity-npu:\t%u\n", ndev->caps.cores);
	drm_printf(p, "drm-cycles-npu:\t%llu\n", cycles);
	drm_printf(p, "drm-maxfreq-npu:\t%llu Hz\n", (u64)ndev->caps.clock_khz * 1000);
}

static void npu_queue_dump(struct npu_queue *queue, struct npu_dump_queue *out)
{
	*out = (struct npu_dump_queue) {
		.client = cpu_to_le64(queue->client_id),
		.submitted = cpu_to_le64(READ_ONCE(queue->submitted)),
		.completed = cpu_to_le64(READ_ONCE(queue->completed)),
		.cycles = cpu_to_le64(READ_ONCE(queue->cycles)),
		.queue = cpu_to_le32(queue->id),
		.pid = cpu_to_le32(queue->pid),
		.priority = cpu_to_le32(queue->priority),
		.error = cpu_to_le32(READ_ONCE(queue->error)),
		.ctx = cpu_to_le32(npu_vm_ctx_id(queue->vm)),
		.timeout_ms = cpu_to_le32(jiffies_to_msecs(queue->timeout)),
	};
	memcpy(out->comm, queue->comm, sizeof(out->comm));
}

void npu_queues_dump(struct npu_device *ndev, struct npu_dump *dump, u32 max)
{
	struct npu_dump_queue *out;
	struct drm_file *filp;
	u32 n = 0;

	out = npu_dump_add(dump, NPU_DUMP_QUEUES, 0, max, sizeof(*out));
	if (!out)
		return;
	mutex_lock(&ndev->base.filelist_mutex);
	list_for_each_entry(filp, &ndev->base.filelist, lhead) {
		struct npu_file *file = filp->driver_priv;
		struct npu_queue *queue;
		unsigned long id;

		xa_lock(&file->queues);
		xa_for_each(&file->queues, id, queue)
			if (n < max)
				npu_queue_dump(queue, &out[n++]);
		xa_unlock(&file->queues);
	}
	mutex_unlock(&ndev->base.filelist_mutex);
	npu_dump_trim(dump, n);
}

void npu_queue_show(struct npu_file *file, struct seq_file *m)
{
	struct npu_queue *queue;
	unsigned long id;

	xa_lock(&file->queues);
	xa_for_each(&file->queues, id, queue)
		seq_printf(m, "  queue %lu: priority %u, submitted %llu, completed %llu, errors %llu, cycles %llu, error %d\n",
			   id, queue->priority, READ_ONCE(queue->submitted),
			   READ_ONCE(queue->completed),
			   READ_ONCE(queue->completed) - READ_ONCE(queue->jobs),
			   READ_ONCE(queue->cycles), READ_ONCE(queue->error));
	xa_unlock(&file->queues);
}
