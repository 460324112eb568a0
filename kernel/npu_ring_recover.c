// SPDX-License-Identifier: GPL-2.0
/*
 * Copyright (c) 2026 the npu authors
 *
 * What ends a ring's jobs otherwise than by a completion: cancellation of doomed queues, the
 * watchdog that finds lost interrupts, lost completions and stuck jobs, resets of rings and what of
 * a ring survives a reset. When to do which, npu_reset.c decides. npu_ring_impl.h has the
 * structures, the locks and their order.
 *
 * All of it can be what a fence waits for: no allocation here, every wait is bounded, and every
 * polling loop takes a register that reads as all ones for a card that is gone.
 */
#include <linux/delay.h>
#include <linux/iopoll.h>

#include "npu_event.h"
#include "npu_job.h"
#include "npu_queue.h"
#include "npu_reset.h"
#include "npu_ring_impl.h"
#include "npu_trace.h"

/* How long a card may have jobs and run none of them. */
#define NPU_STALL_TIMEOUT	(10 * HZ)

/* ---- Ending jobs before their time ----------------------------------------------------------- */

/*
 * One command about a job. 0: the card has acted; -ENOENT: the job is not in the state that the
 * command is for; -ETIMEDOUT: the card does not answer.
 */
static int npu_ring_command(struct npu_ring *ring, u64 id, u32 cmd)
{
	u32 val;
	int ret;

	lockdep_assert_held(&ring->cmd_lock);

	npu_ring_write64(ring, NPU_RING_CMD_JOB_LO, id);
	npu_ring_write(ring, NPU_RING_CMD, cmd);
	ret = read_poll_timeout(npu_ring_read, val,
				!(val & NPU_RING_CMD_BUSY) || val == NPU_ALL_ONES,
				20, NPU_ACK_US, false, ring, NPU_RING_CMD);
	if (val == NPU_ALL_ONES)
		ret = -ENODEV;
	else if (!ret && val != NPU_RING_CMD_DONE)
		ret = -ENOENT;
	trace_npu_ring_command(ring->index, id, cmd, ret);
	return ret;
}

/* The youngest task before @pos that is to end and has not been told so; its position, or false. */
static bool npu_ring_next_doomed(struct npu_ring *ring, u32 *pos, u64 *id)
{
	struct npu_slot *slot;
	unsigned long flags;
	bool found = false;

	spin_lock_irqsave(&ring->lock, flags);
	while (!found && (s32)(*pos - ring->head) > 0) {
		slot = &ring->slot[npu_ring_entry(--*pos)];
		found = !slot->canceled && npu_job_doomed(slot->job);
		*id = slot->id;
	}
	spin_unlock_irqrestore(&ring->lock, flags);
	return found;
}

static void npu_ring_set_canceled(struct npu_ring *ring, u32 pos, u64 id)
{
	struct npu_slot *slot = &ring->slot[npu_ring_entry(pos)];
	unsigned long flags;

	spin_lock_irqsave(&ring->lock, flags);
	if (slot->id == id)
		slot->canceled = true;
	spin_unlock_irqrestore(&ring->lock, flags);
}

/*
 * From the youngest to the oldest, so that ending one does not start the next. Nothing of a doomed
 * queue is pushed after it was doomed, so what is not there at the beginning need not be looked
 * for.
 */
static void npu_ring_cancel_doomed(struct npu_ring *ring)
{
	unsigned long flags;
	int ret = 0;
	u32 pos;
	u64 id;

	mutex_lock(&ring->cmd_lock);
	pos = READ_ONCE(ring->tail);
	while (!ret && npu_ring_next_doomed(ring, &pos, &id)) {
		ret = npu_ring_command(ring, id, NPU_RING_CMD_CANCEL);
		if (ret == -ENOENT)
			ret = npu_ring_command(ring, id, NPU_RING_CMD_ABORT);
		if (!ret)
			npu_ring_set_canceled(ring, pos, id);
		/* Neither waiting nor running: it has ended, and its completion is on its way. */
		if (ret == -ENOENT)
			ret = 0;
	}
	mutex_unlock(&ring->cmd_lock);

	spin_lock_irqsave(&ring->lock, flags);
	npu_ring_complete_locked(ring);
	if (ret)
		npu_ring_break(ring, "no answer to ABORT or CANCEL");
	spin_unlock_irqrestore(&ring->lock, flags);
}

void npu_ring_cancel_work(struct work_struct *work)
{
	struct npu_ring *ring = container_of(work, struct npu_ring, cancel_work);
	bool cookie = dma_fence_begin_signalling();
	int idx;

	if (npu_dev_enter(ring->ndev, &idx)) {
		if (npu_reset_hold(ring->ndev)) {
			npu_ring_cancel_doomed(ring);
			npu_reset_release(ring->ndev);
		}
		npu_dev_exit(idx);
	}
	dma_fence_end_signalling(cookie);
}

void npu_ring_cancel(struct npu_ring *ring)
{
	int idx;

	/* Without a card all jobs are being ended anyhow. */
	if (!npu_dev_enter(ring->ndev, &idx))
		return;
	queue_work(ring->ndev->wq, &ring->cancel_work);
	npu_dev_exit(idx);
}

/* ---- Completions that do not come ------------------------------------------------------------ */

/* A task that the card says nothing of any more. */
static void npu_ring_lose(struct npu_ring *ring, struct npu_slot *slot, int error)
{
	npu_ring_dump_end(ring, slot, NULL, NULL, error);
	npu_job_task_lost(slot->job, slot->task, error);
}

/*
 * Takes what the card has completed, and ends what it has completed without a completion that can
 * be believed. The card counts one after it is in memory, so what is counted and not there will
 * not come. How such a job has ended nobody knows, so it was not well; those behind it are as they
 * are. Of a card that is gone the count is all ones, which no ring has room for, or hardly ever.
 */
static void npu_ring_settle_locked(struct npu_ring *ring)
{
	u32 count = npu_ring_read(ring, NPU_RING_CPL_COUNT);

	npu_ring_complete_locked(ring);
	while (count != ring->head && count - ring->head <= ring->tail - ring->head) {
		struct npu_slot slot = ring->slot[npu_ring_entry(ring->head)];
		bool doomed = npu_job_doomed(slot.job);

		drm_err_ratelimited(&ring->ndev->base, "ring %u: no completion of job %llu\n",
				    ring->index, slot.id);
		if (!doomed)
			npu_ring_dump_begin(ring, NPU_DUMP_FAULT);
		WRITE_ONCE(ring->head, ring->head + 1);
		npu_ring_lose(ring, &slot, doomed ? -ECANCELED : slot.error ?: -EIO);
		npu_ring_complete_locked(ring);
	}
}

/* ---- Watchdog -------------------------------------------------------------------------------- */

/* The oldest task runs and has completed no command for its queue's timeout. */
static bool npu_ring_is_stuck(struct npu_ring *ring)
{
	const struct npu_slot *slot = &ring->slot[npu_ring_entry(ring->head)];

	lockdep_assert_held(&ring->lock);
	return ring->head != ring->tail && slot->id == ring->stuck_id &&
	       time_after_eq(jiffies, ring->stuck_since + slot->job->queue->timeout);
}

/*
 * Looks at one ring; true when a job of it runs. Only running counts: a job that waits in the ring,
 * or for cores, is not accused.
 */
static bool npu_ring_watch(struct npu_ring *ring)
{
	unsigned long flags;
	bool stuck = false;
	u32 progress;
	u64 id = 0;

	spin_lock_irqsave(&ring->lock, flags);
	npu_ring_settle_locked(ring);
	if (ring->head == ring->tail || ring->broken)
		goto out;

	id = npu_ring_read_job(ring);
	progress = npu_ring_read(ring, NPU_RING_PROGRESS);
	if (id == U64_MAX) {
		npu_reset_schedule(ring->ndev, "the card does not answer");
		goto out;
	}
	/* The event may have been lost. */
	if (npu_ring_read(ring, NPU_RING_STATUS) & NPU_RING_ERROR) {
		npu_ring_break(ring, "halted by an error of its memory");
		goto out;
	}
	if (id != ring->stuck_id || progress != ring->stuck_progress) {
		ring->stuck_id = id;
		ring->stuck_progress = progress;
		ring->stuck_since = jiffies;
	}
	stuck = id && npu_ring_is_stuck(ring);
	/* A doorbell may have been lost; one more does no harm. */
	if (!id)
		npu_ring_kick(ring);
out:
	spin_unlock_irqrestore(&ring->lock, flags);
	if (stuck)
		npu_reset_schedule_ring(ring);
	return id;
}

/* A card that has jobs and neither runs nor completes any. */
static void npu_rings_watch_stall(struct npu_rings *rings, u32 sum, bool stalled)
{
	/* Nothing is known of the time before: the watchdog sleeps while there are no jobs. */
	if (!stalled || !rings->stalling || sum != rings->stall_sum) {
		rings->stalling = stalled;
		rings->stall_sum = sum;
		rings->stalled = jiffies;
	} else if (time_after(jiffies, rings->stalled + NPU_STALL_TIMEOUT)) {
		rings->stalled = jiffies;
		npu_reset_schedule(rings->ndev, "the card runs nothing of what it was given");
	}
}

void npu_rings_watchdog(struct work_struct *work)
{
	struct npu_rings *rings = container_of(to_delayed_work(work), struct npu_rings, watchdog);
	struct npu_device *ndev = rings->ndev;
	bool busy = false, running = false;
	u32 sum = 0;
	bool cookie;
	int idx, i;

	if (!npu_dev_enter(ndev, &idx))
		return;
	cookie = dma_fence_begin_signalling();
	if (npu_reset_hold(ndev)) {
		for (i = 0; i < ndev->nrings; i++) {
			struct npu_ring *ring = &ndev->rings[i];

			running |= npu_ring_busy(ring) && npu_ring_watch(ring);
			busy |= npu_ring_busy(ring);
			sum += READ_ONCE(ring->head);
		}
		npu_rings_watch_stall(rings, sum, busy && !running);
		npu_reset_release(ndev);
	} else {
		/* In the middle of a reset, which ends; or it sleeps, and has nothing to do. */
		for (i = 0; i < ndev->nrings; i++)
			busy |= npu_ring_busy(&ndev->rings[i]);
	}
	if (busy)
		queue_delayed_work(ndev->wq, &rings->watchdog, NPU_WATCHDOG_PERIOD);
	dma_fence_end_signalling(cookie);
	npu_dev_exit(idx);
}

/* ---- Reset ----------------------------------------------------------------------------------- */

void npu_ring_pause(struct npu_ring *ring)
{
	drm_sched_wqueue_stop(&ring->sched);
}

void npu_ring_resume(struct npu_ring *ring)
{
	drm_sched_wqueue_start(&ring->sched);
}

void npu_rings_undrain(struct npu_device *ndev)
{
	unsigned int i;

	for (i = 0; i < ndev->nrings; i++) {
		npu_ring_write(&ndev->rings[i], NPU_RING_CTRL, NPU_RING_ENABLE);
		/* A disabled ring cancels nothing. */
		npu_ring_cancel(&ndev->rings[i]);
	}
}

static bool npu_ring_runs(struct npu_ring *ring)
{
	u32 status = npu_ring_read(ring, NPU_RING_STATUS);

	return status != NPU_ALL_ONES && status & NPU_RING_RUNNING;
}

int npu_rings_drain(struct npu_device *ndev, unsigned int timeout_ms)
{
	unsigned long end = jiffies + msecs_to_jiffies(timeout_ms);
	unsigned int i;

	for (i = 0; i < ndev->nrings; i++)
		npu_ring_write(&ndev->rings[i], NPU_RING_CTRL, 0);
	for (i = 0; i < ndev->nrings; i++) {
		while (npu_ring_runs(&ndev->rings[i])) {
			if (time_after(jiffies, end)) {
				npu_rings_undrain(ndev);
				return -EBUSY;
			}
			usleep_range(1000, 2000);
		}
	}
	return 0;
}

/* Writes the configuration of a ring that was reset, and enables it. */
static void npu_ring_program(struct npu_ring *ring)
{
	npu_ring_write64(ring, NPU_RING_DESC_LO, ring->dma);
	npu_ring_write64(ring, NPU_RING_CPL_LO, ring->dma + NPU_RING_CPL_OFFSET);
	npu_ring_write64(ring, NPU_RING_TAIL_LO, ring->dma + NPU_RING_TAIL_OFFSET);
	npu_ring_write(ring, NPU_RING_SIZE_LOG2, NPU_RING_LOG2);
	npu_ring_write(ring, NPU_RING_PRIORITY, ring->priority);
	npu_ring_write(ring, NPU_RING_IRQ, 0);
	npu_ring_write(ring, NPU_RING_CTRL, NPU_RING_ENABLE);
}

/*
 * Starts a ring's life anew after a reset. What the card had taken is lost, with @error unless its
 * slot says otherwise; what it had not is written again, but for doomed jobs.
 */
static void npu_ring_restart(struct npu_ring *ring, int error)
{
	unsigned long flags;
	u32 pos, i, n = 0;

	spin_lock_irqsave(&ring->lock, flags);
	for (pos = ring->head; pos != ring->tail; pos++) {
		struct npu_slot slot = ring->slot[npu_ring_entry(pos)];

		if (npu_job_doomed(slot.job)) {
			npu_ring_lose(ring, &slot, -ECANCELED);
			continue;
		}
		if ((s32)(pos - ring->taken) < 0) {
			npu_ring_lose(ring, &slot, slot.error ?: error);
			continue;
		}
		/* It runs again under another number, so a dump of it has seen what there was. */
		npu_ring_dump_end(ring, &slot, NULL, NULL, 0);
		ring->spare[n++] = slot;
	}
	memset(ring->cpl, 0, NPU_RING_ENTRIES * sizeof(*ring->cpl));
	ring->head = 0;
	ring->tail = 0;
	ring->halted = false;
	ring->stuck_id = 0;
	ring->broken = false;
	for (i = 0; i < n; i++)
		npu_ring_add(ring, ring->spare[i].job, ring->spare[i].task);

	/* Enabling reads the tail, so that has to be the new one by then. */
	npu_ring_write_tail(ring);
	npu_ring_program(ring);
	npu_ring_kick(ring);
	spin_unlock_irqrestore(&ring->lock, flags);
}

/*
 * How far a disabled ring had got. Once until it is restarted: a reset that fails may clear HEAD.
 */
static void npu_ring_note_taken(struct npu_ring *ring)
{
	unsigned long flags;
	u32 taken;

	spin_lock_irqsave(&ring->lock, flags);
	if (!ring->halted) {
		taken = npu_ring_read(ring, NPU_RING_HEAD);
		/* A card that does not answer may have begun anything. */
		ring->taken = taken - ring->head <= ring->tail - ring->head ? taken : ring->tail;
		ring->halted = true;
	}
	spin_unlock_irqrestore(&ring->lock, flags);
}

void npu_rings_halt(struct npu_device *ndev)
{
	unsigned long flags;
	unsigned int i;

	for (i = 0; i < ndev->nrings; i++)
		npu_ring_write(&ndev->rings[i], NPU_RING_CTRL, 0);
	pci_clear_master(ndev->pdev);
	for (i = 0; i < ndev->nrings; i++) {
		struct npu_ring *ring = &ndev->rings[i];

		/* What is behind a completion that was lost has ended, too. */
		spin_lock_irqsave(&ring->lock, flags);
		npu_ring_settle_locked(ring);
		spin_unlock_irqrestore(&ring->lock, flags);
		npu_ring_note_taken(ring);
	}
}

void npu_rings_restart(struct npu_device *ndev)
{
	unsigned int i;

	for (i = 0; i < ndev->nrings; i++)
		npu_ring_restart(&ndev->rings[i], -ECANCELED);
}

void npu_rings_enable(struct npu_device *ndev)
{
	unsigned int i;

	for (i = 0; i < ndev->nrings; i++) {
		struct npu_ring *ring = &ndev->rings[i];
		unsigned long flags;

		spin_lock_irqsave(&ring->lock, flags);
		WARN_ON(ring->head != ring->tail);
		ring->halted = false;
		npu_ring_write(ring, NPU_RING_CTRL, NPU_RING_ENABLE);
		spin_unlock_irqrestore(&ring->lock, flags);
	}
}

void npu_rings_fail(struct npu_device *ndev, int error)
{
	unsigned int i;

	for (i = 0; i < ndev->nrings; i++) {
		struct npu_ring *ring = &ndev->rings[i];
		unsigned long flags;

		spin_lock_irqsave(&ring->lock, flags);
		npu_ring_complete_locked(ring);
		while (ring->head != ring->tail) {
			struct npu_slot slot = ring->slot[npu_ring_entry(ring->head)];

			WRITE_ONCE(ring->head, ring->head + 1);
			npu_ring_lose(ring, &slot, error);
		}
		spin_unlock_irqrestore(&ring->lock, flags);
	}
}

int npu_ring_end_stuck(struct npu_ring *ring)
{
	struct npu_slot *slot;
	unsigned long flags;
	bool broken;
	u64 id = 0;
	int ret;

	spin_lock_irqsave(&ring->lock, flags);
	npu_ring_settle_locked(ring);
	broken = ring->broken;
	slot = &ring->slot[npu_ring_entry(ring->head)];
	if (!broken && npu_ring_is_stuck(ring)) {
		id = slot->id;
		slot->error = -ETIMEDOUT;
		/* As it runs; how the card ended it is added when it has. */
		npu_ring_dump_begin(ring, NPU_DUMP_TIMEOUT);
	}
	spin_unlock_irqrestore(&ring->lock, flags);
	if (broken)
		return -EIO;
	if (!id)
		return 0;

	drm_notice(&ring->ndev->base, "ring %u: job %llu makes no progress, aborting it\n",
		   ring->index, id);
	mutex_lock(&ring->cmd_lock);
	ret = npu_ring_command(ring, id, NPU_RING_CMD_ABORT);
	mutex_unlock(&ring->cmd_lock);
	if (ret == -ENOENT)
		return 0;
	if (ret)
		return ret;

	/* An acknowledged ABORT has written the completion. */
	spin_lock_irqsave(&ring->lock, flags);
	npu_ring_settle_locked(ring);
	if (ring->head != ring->tail && slot->id == id &&
	    slot == &ring->slot[npu_ring_entry(ring->head)])
		ret = -EIO;
	spin_unlock_irqrestore(&ring->lock, flags);
	return ret;
}

static int npu_ring_wait_reset(struct npu_ring *ring)
{
	u32 val;
	int ret;

	ret = read_poll_timeout(npu_ring_read, val, !(val & NPU_RING_RESET) || val == NPU_ALL_ONES,
				50, NPU_ACK_US, false, ring, NPU_RING_CTRL);
	return val == NPU_ALL_ONES ? -ENODEV : ret;
}

/* Until @end at most, since it is one step for all cores. */
static int npu_core_wait_reset(struct npu_device *ndev, unsigned int core, ktime_t end)
{
	u32 val;
	int ret;

	ret = read_poll_timeout(npu_read, val, !(val & NPU_CORE_RESET) || val == NPU_ALL_ONES, 50,
				max_t(s64, ktime_us_delta(end, ktime_get()), 1), false, ndev,
				NPU_CORE(core) + NPU_CORE_CTRL);
	return val == NPU_ALL_ONES ? -ENODEV : ret;
}

/*
 * Resets the cores that run a job of the ring; one after the other, since the first may free the
 * rest.
 */
static int npu_ring_reset_cores(struct npu_ring *ring)
{
	ktime_t end = ktime_add_us(ktime_get(), NPU_ACK_US);
	struct npu_device *ndev = ring->ndev;
	unsigned int core;
	int ret = 0;

	for (core = 0; !ret && core < ndev->caps.cores; core++) {
		u32 status = npu_read(ndev, NPU_CORE(core) + NPU_CORE_STATUS);

		if (status == NPU_ALL_ONES)
			return -ENODEV;
		if (!(status & NPU_CORE_RUNNING) || NPU_CORE_RING(status) != ring->index)
			continue;
		drm_notice(&ndev->base, "resetting core %u\n", core);
		npu_write(ndev, NPU_CORE(core) + NPU_CORE_CTRL, NPU_CORE_RESET);
		ret = npu_core_wait_reset(ndev, core, end);
	}
	return ret;
}

int npu_ring_reset(struct npu_ring *ring)
{
	const char *stage = "ring";
	unsigned long flags;
	int error, ret;

	drm_notice(&ring->ndev->base, "resetting ring %u\n", ring->index);
	mutex_lock(&ring->cmd_lock);
	spin_lock_irqsave(&ring->lock, flags);
	npu_ring_dump_begin(ring, NPU_DUMP_RING);
	spin_unlock_irqrestore(&ring->lock, flags);

	error = READ_ONCE(ring->broken) ? -EIO : -ECANCELED;
	npu_ring_write(ring, NPU_RING_CTRL, 0);
	npu_ring_note_taken(ring);
	npu_ring_write(ring, NPU_RING_CTRL, NPU_RING_RESET);
	ret = npu_ring_wait_reset(ring);
	if (ret == -ETIMEDOUT) {
		stage = "core";
		ret = npu_ring_reset_cores(ring);
		if (!ret)
			ret = npu_ring_wait_reset(ring);
	}
	if (!ret) {
		npu_ring_complete(ring);
		npu_ring_restart(ring, error);
		npu_event_ring_reset(ring->ndev, stage, ring->index);
	}

	mutex_unlock(&ring->cmd_lock);
	return ret;
}
