// SPDX-License-Identifier: GPL-2.0
/*
 * Copyright (c) 2026 the npu authors
 *
 * Hardware rings: descriptors and doorbells, completions and interrupts. npu_ring_impl.h has the
 * structures, the locks and their order.
 *
 * The scheduler of a ring counts a credit a descriptor and so never gives it more than it has room
 * for. Its own timeouts are not used: they run from when a job was given to the ring, while ours
 * count only time in which a job runs and none of its commands completes. The watchdog measures
 * that, and npu_reset.c does what is to be done. Nor is the scheduler asked to resubmit anything:
 * the slots know what has not begun, and its fences do not notice a reset.
 *
 * Priorities: the rings are divided among the four, in order. A card with fewer rings lets
 * priorities share one.
 */
#include <linux/interrupt.h>
#include <linux/seq_file.h>

#include <drm/drm_managed.h>

#include "npu_event.h"
#include "npu_job.h"
#include "npu_queue.h"
#include "npu_reset.h"
#include "npu_ring_impl.h"
#include "npu_vm.h"

struct npu_ring *npu_ring_at(struct npu_device *ndev, unsigned int index)
{
	return &ndev->rings[index];
}

struct npu_ring *npu_ring_of_sched(struct drm_gpu_scheduler *sched)
{
	return container_of(sched, struct npu_ring, sched);
}

struct npu_device *npu_ring_device(struct npu_ring *ring)
{
	return ring->ndev;
}

unsigned int npu_ring_index(struct npu_ring *ring)
{
	return ring->index;
}

/* ---- Giving jobs to the card ----------------------------------------------------------------- */

void npu_ring_add(struct npu_ring *ring, struct npu_job *job, u32 task)
{
	u32 entry = npu_ring_entry(ring->tail);
	size_t offset = entry * ring->stride;
	struct npu_slot *slot = &ring->slot[entry];

	*slot = (struct npu_slot) {
		.job = job,
		.id = atomic64_inc_return(&ring->ndev->job_ids),
		.task = task,
	};
	memcpy(ring->tables + offset, npu_job_table(job, task), ring->stride);
	ring->desc[entry] = (struct npu_desc) {
		.job_id = cpu_to_le64(slot->id),
		.table = cpu_to_le64(ring->dma + NPU_RING_TABLE_OFFSET + offset),
		.ctx = cpu_to_le16(npu_vm_ctx_id(job->queue->vm)),
		.ncores = job->ncores[task],
		/* One fence, one interrupt. Results of the tasks before are seen with the last. */
		.flags = cpu_to_le32(task == job->count - 1 ? NPU_DESC_IRQ : 0),
	};
	WRITE_ONCE(ring->tail, ring->tail + 1);
}

void npu_ring_write_tail(struct npu_ring *ring)
{
	/* Descriptors and tables are in memory before the tail that covers them. */
	dma_wmb();
	WRITE_ONCE(*ring->tail_mem, cpu_to_le32(ring->tail));
}

void npu_ring_kick(struct npu_ring *ring)
{
	npu_ring_write_tail(ring);
	/* The write orders the tail before the doorbell. */
	npu_write(ring->ndev, NPU_DOORBELL(ring->index), 0);
}

void npu_ring_push(struct npu_ring *ring, struct npu_job *job)
{
	struct npu_device *ndev = ring->ndev;
	unsigned long flags;
	u32 task;

	spin_lock_irqsave(&ring->lock, flags);
	if (npu_job_begin(job, ring)) {
		WARN_ON(ring->tail - ring->head + job->count > NPU_RING_ENTRIES);
		for (task = 0; task < job->count; task++)
			npu_ring_add(ring, job, task);
		npu_ring_kick(ring);
	}
	spin_unlock_irqrestore(&ring->lock, flags);

	queue_delayed_work(ndev->wq, &ndev->rings_data->watchdog, NPU_WATCHDOG_PERIOD);
}

/* ---- Completions ----------------------------------------------------------------------------- */

void npu_ring_break(struct npu_ring *ring, const char *reason)
{
	lockdep_assert_held(&ring->lock);
	if (ring->broken)
		return;
	drm_err(&ring->ndev->base, "ring %u: %s\n", ring->index, reason);
	ring->broken = true;
	npu_reset_schedule_ring(ring);
}

/*
 * A completion can be true: it is the job's, nothing in it has changed on its way, and it repeats
 * the error record. There is no record (it is zero) of a job that is well, nor of one whose side
 * table the card could not read; the latter may have been canceled as well.
 */
static bool npu_ring_believes(const struct npu_completion *cpl, const struct npu_error *record,
			      u64 id)
{
	const struct npu_error none = {
		.status = cpl->reason == NPU_REASON_DESC || cpl->status == NPU_JOB_CANCELED ?
			  cpl->status : NPU_JOB_OK,
		.reason = cpl->reason == NPU_REASON_DESC ? cpl->reason : NPU_REASON_NONE,
		.engine = NPU_ENGINE_NONE,
		.cmd = cpu_to_le32(NPU_ERROR_NO_CMD),
	};

	if (!record->status)
		record = &none;
	return le64_to_cpu(cpl->job_id) == id &&
	       (cpl->phase & NPU_CPL_CHECK) == npu_cpl_check(cpl) &&
	       cpl->status == record->status && cpl->reason == record->reason &&
	       cpl->where == NPU_CPL_WHERE(record->core, record->engine) &&
	       cpl->cmd == record->cmd && cpl->addr == record->addr;
}

void npu_ring_complete_locked(struct npu_ring *ring)
{
	while (ring->head != ring->tail) {
		u32 entry = npu_ring_entry(ring->head);
		const struct npu_side_table *table = ring->tables + entry * ring->stride;
		struct npu_slot slot = ring->slot[entry];
		u8 phase = ring->head & NPU_RING_ENTRIES ? 0 : NPU_CPL_PHASE;
		struct npu_completion cpl;

		if ((READ_ONCE(ring->cpl[entry].phase) & NPU_CPL_PHASE) != phase)
			return;
		/* The rest of the completion, and the error before it, after the phase. */
		dma_rmb();
		cpl = ring->cpl[entry];
		/* Garbage is none. If no better one comes npu_ring_settle_locked() finds out. */
		if (!npu_ring_believes(&cpl, &table->error, slot.id))
			return;
		/* What a doomed queue's jobs end with is a consequence, or their owner's wish. */
		if (npu_job_status_is_failure(cpl.status) && !npu_job_doomed(slot.job))
			npu_ring_dump_begin(ring, NPU_DUMP_FAULT);
		npu_ring_dump_end(ring, &slot, &cpl, table,
				  npu_job_status_error(cpl.status, slot.error ?: -ECANCELED));
		WRITE_ONCE(ring->head, ring->head + 1);
		npu_job_task_done(slot.job, slot.task, &cpl, &table->error,
				  slot.error ?: -ECANCELED);
	}
}

void npu_ring_complete(struct npu_ring *ring)
{
	unsigned long flags;

	spin_lock_irqsave(&ring->lock, flags);
	npu_ring_complete_locked(ring);
	spin_unlock_irqrestore(&ring->lock, flags);
}

static irqreturn_t npu_ring_irq(int irq, void *data)
{
	npu_ring_complete(data);
	return IRQ_HANDLED;
}

static irqreturn_t npu_event_irq(int irq, void *data)
{
	struct npu_device *ndev = data;
	irqreturn_t ret = IRQ_NONE;
	unsigned int i;
	u32 events;
	int idx;

	if (!npu_dev_enter(ndev, &idx))
		return IRQ_NONE;

	events = npu_read(ndev, NPU_REG_EVENT_STATUS);
	if (!events || events == NPU_ALL_ONES)
		goto out;
	npu_write(ndev, NPU_REG_EVENT_STATUS, events);
	ret = IRQ_HANDLED;

	for (i = 0; events & NPU_EVENT_RING_ERROR && i < ndev->nrings; i++) {
		struct npu_ring *ring = &ndev->rings[i];

		if (!(npu_ring_read(ring, NPU_RING_STATUS) & NPU_RING_ERROR))
			continue;
		spin_lock(&ring->lock);
		npu_ring_break(ring, "halted by an error of its memory");
		spin_unlock(&ring->lock);
	}
	if (events & NPU_EVENT_ECC)
		npu_event_ecc(ndev, npu_read(ndev, NPU_REG_ECC_CORRECTED),
			      npu_read(ndev, NPU_REG_ECC_UNCORRECTED));
	if (events & NPU_EVENT_THERMAL)
		npu_event_thermal(ndev, npu_read(ndev, NPU_REG_THROTTLE) & NPU_THROTTLE_THERMAL);
out:
	npu_dev_exit(idx);
	return ret;
}

u64 npu_ring_running(struct npu_ring *ring, struct npu_queue *queue)
{
	const struct npu_slot *slot;
	unsigned long flags;
	u64 cycles = 0, busy;

	spin_lock_irqsave(&ring->lock, flags);
	slot = &ring->slot[npu_ring_entry(ring->head)];
	if (ring->head != ring->tail && slot->job->queue == queue &&
	    npu_ring_read_job(ring) == slot->id) {
		busy = npu_read64(ring->ndev, NPU_RING(ring->index) + NPU_RING_BUSY_LO);
		/* Of a card that was just pulled out it is all ones. */
		if (busy != U64_MAX)
			cycles = busy * slot->job->ncores[slot->task];
	}
	spin_unlock_irqrestore(&ring->lock, flags);
	return cycles;
}

/* ---- Making and ending rings ----------------------------------------------------------------- */

/* First ring of a priority; with fewer rings than priorities, neighbours share one. */
static unsigned int npu_ring_first(struct npu_device *ndev, unsigned int priority)
{
	return priority * ndev->nrings / NPU_PRIORITIES;
}

struct drm_gpu_scheduler **npu_ring_scheds(struct npu_device *ndev, u32 priority,
					   unsigned int *count)
{
	unsigned int first = npu_ring_first(ndev, priority);
	unsigned int next = npu_ring_first(ndev, priority + 1);

	*count = max(next - first, 1u);
	return &ndev->rings_data->scheds[first];
}

struct drm_gpu_scheduler **npu_ring_choose(struct npu_device *ndev, u32 priority)
{
	struct drm_gpu_scheduler **scheds, **best;
	unsigned int count, i;

	scheds = npu_ring_scheds(ndev, priority, &count);
	best = &scheds[npu_ring_near(raw_smp_processor_id(), count)];
	for (i = 0; i < count; i++)
		if (atomic_read(&scheds[i]->credit_count) < atomic_read(&(*best)->credit_count))
			best = &scheds[i];
	return best;
}

static void npu_rings_destroy_wq(struct drm_device *dev, void *wq)
{
	destroy_workqueue(wq);
}

static void npu_ring_sched_fini(struct drm_device *dev, void *sched)
{
	drm_sched_fini(sched);
}

static int npu_ring_init_sched(struct npu_ring *ring)
{
	const struct drm_sched_init_args args = {
		.ops = &npu_job_sched_ops,
		.submit_wq = ring->ndev->rings_data->submit_wq,
		.num_rqs = 1,
		.credit_limit = NPU_RING_ENTRIES,
		.timeout = MAX_SCHEDULE_TIMEOUT,
		.name = ring->name,
		.dev = ring->ndev->base.dev,
	};
	int ret;

	ret = npu_sched_init(&ring->sched, &args);
	if (ret)
		return ret;
	/* All entities keep the device, so there are none, and no jobs, when this runs. */
	return drmm_add_action_or_reset(&ring->ndev->base, npu_ring_sched_fini, &ring->sched);
}

static int npu_ring_init_memory(struct npu_ring *ring)
{
	struct npu_device *ndev = ring->ndev;
	size_t size;
	void *mem;

	ring->stride = npu_job_table_stride(ndev);
	/* A whole side table beyond the last, should the card read more of one than it needs. */
	size = NPU_RING_TABLE_OFFSET + NPU_RING_ENTRIES * ring->stride +
	       sizeof(struct npu_side_table);
	mem = dmam_alloc_coherent(&ndev->pdev->dev, size, &ring->dma, GFP_KERNEL);
	if (!mem)
		return -ENOMEM;
	ring->desc = mem;
	ring->cpl = mem + NPU_RING_CPL_OFFSET;
	ring->tail_mem = mem + NPU_RING_TAIL_OFFSET;
	ring->tables = mem + NPU_RING_TABLE_OFFSET;

	ring->slot = drmm_kcalloc(&ndev->base, NPU_RING_ENTRIES, sizeof(*ring->slot), GFP_KERNEL);
	ring->spare = drmm_kcalloc(&ndev->base, NPU_RING_ENTRIES, sizeof(*ring->spare), GFP_KERNEL);
	return ring->slot && ring->spare ? 0 : -ENOMEM;
}

static void npu_ring_forget_affinity(void *ring)
{
	irq_update_affinity_hint(((struct npu_ring *)ring)->irq, NULL);
}

/* A completion is best seen where its job was submitted. An advice: without it all still works. */
static int npu_ring_init_affinity(struct npu_ring *ring, int irq)
{
	unsigned int first = npu_ring_first(ring->ndev, ring->priority);
	unsigned int count, cpu;

	npu_ring_scheds(ring->ndev, ring->priority, &count);
	for_each_possible_cpu(cpu)
		if (npu_ring_near(cpu, count) == ring->index - first)
			cpumask_set_cpu(cpu, &ring->near);
	ring->irq = irq;
	irq_set_affinity_and_hint(irq, &ring->near);
	return devm_add_action_or_reset(&ring->ndev->pdev->dev, npu_ring_forget_affinity, ring);
}

static int npu_ring_init(struct npu_ring *ring, struct npu_device *ndev, unsigned int index)
{
	struct pci_dev *pdev = ndev->pdev;
	int irq = pci_irq_vector(pdev, NPU_VECTOR_RING(index));
	unsigned int priority;
	int ret;

	ring->ndev = ndev;
	ring->index = index;
	for (priority = 0; priority < NPU_PRIORITIES; priority++)
		if (npu_ring_first(ndev, priority) <= index)
			ring->priority = priority;
	snprintf(ring->name, sizeof(ring->name), "npu-ring%u", index % NPU_MAX_RINGS);
	spin_lock_init(&ring->lock);
	INIT_WORK(&ring->cancel_work, npu_ring_cancel_work);
	ret = drmm_mutex_init(&ndev->base, &ring->cmd_lock);
	if (ret)
		return ret;
	ret = npu_ring_init_memory(ring);
	if (ret)
		return ret;
	ret = npu_ring_init_sched(ring);
	if (ret)
		return ret;
	ret = devm_request_irq(&pdev->dev, irq, npu_ring_irq, 0, ring->name, ring);
	if (ret)
		return ret;
	return npu_ring_init_affinity(ring, irq);
}

int npu_rings_init(struct npu_device *ndev)
{
	struct pci_dev *pdev = ndev->pdev;
	struct npu_rings *rings;
	unsigned int i;
	int ret;

	rings = drmm_kzalloc(&ndev->base, sizeof(*rings), GFP_KERNEL);
	ndev->rings = drmm_kcalloc(&ndev->base, ndev->nrings, sizeof(*ndev->rings), GFP_KERNEL);
	if (!rings || !ndev->rings)
		return -ENOMEM;
	rings->ndev = ndev;
	rings->scheds = drmm_kcalloc(&ndev->base, ndev->nrings, sizeof(*rings->scheds), GFP_KERNEL);
	if (!rings->scheds)
		return -ENOMEM;
	/*
	 * A job goes to its ring where it was submitted: whoever submits is about to wait, and
	 * another processor would have to be woken.
	 */
	rings->submit_wq = alloc_workqueue("npu-submit", WQ_MEM_RECLAIM | NPU_WQ_PERCPU, 0);
	if (!rings->submit_wq)
		return -ENOMEM;
	ret = drmm_add_action_or_reset(&ndev->base, npu_rings_destroy_wq, rings->submit_wq);
	if (ret)
		return ret;
	INIT_DELAYED_WORK(&rings->watchdog, npu_rings_watchdog);
	ndev->rings_data = rings;

	for (i = 0; i < ndev->nrings; i++) {
		rings->scheds[i] = &ndev->rings[i].sched;
		ret = npu_ring_init(&ndev->rings[i], ndev, i);
		if (ret)
			return ret;
	}
	return devm_request_irq(&pdev->dev, pci_irq_vector(pdev, NPU_VECTOR_EVENT), npu_event_irq,
				0, "npu-event", ndev);
}

void npu_rings_fini(struct npu_device *ndev)
{
	cancel_delayed_work_sync(&ndev->rings_data->watchdog);
}

static void npu_ring_show(struct npu_ring *ring, struct seq_file *m)
{
	u32 head, tail, progress;
	unsigned long flags;
	bool broken;
	u64 id;

	spin_lock_irqsave(&ring->lock, flags);
	head = ring->head;
	tail = ring->tail;
	broken = ring->broken;
	id = npu_ring_read_job(ring);
	progress = npu_ring_read(ring, NPU_RING_PROGRESS);
	spin_unlock_irqrestore(&ring->lock, flags);

	seq_printf(m, "ring %u: priority %u, descriptors %u, completions %u, commands %u",
		   ring->index, ring->priority, tail, head, progress);
	if (id)
		seq_printf(m, ", running job %llu", id);
	seq_puts(m, broken ? ", broken\n" : "\n");
}

void npu_rings_show(struct npu_device *ndev, struct seq_file *m)
{
	unsigned int i;
	int idx;

	if (!npu_dev_enter(ndev, &idx)) {
		seq_puts(m, "gone\n");
		return;
	}
	if (npu_reset_hold(ndev)) {
		for (i = 0; i < ndev->nrings; i++)
			npu_ring_show(&ndev->rings[i], m);
		npu_reset_release(ndev);
	} else {
		seq_puts(m, "stopped\n");
	}
	npu_dev_exit(idx);
}
