// SPDX-License-Identifier: GPL-2.0
/*
 * Copyright (c) 2026 the npu authors
 *
 * Recovery. What is wrong decides where it begins, and each step that is not acknowledged in time
 * leads to the next:
 *
 *	a job that makes no progress: ABORT		nobody else notices
 *	the ring: ring reset, then its cores' reset	jobs of the ring not begun run again
 *	the card: function-level reset			running jobs are lost, the rest run again
 *	nothing helps: the card is wedged		everything ends with -ENODEV
 *
 * One work item does all of it, so recoveries never overlap. A reset of the card goes through the
 * PCI core and comes back in npu_reset_prepare() and npu_reset_done(), as does one that the
 * administrator asks for in sysfs; both hold the PCI device's lock. The work item may only try to
 * take that lock: npu_pci_remove() waits for the work item with the lock held.
 *
 * sem keeps short exchanges with the card (npu_reset_hold(), shared) and its stopping and starting
 * (exclusive) apart. While stopped is set the card reaches no memory, and nobody talks to it.
 *
 * Locks: the PCI device's; pause_lock, held while schedulers are paused or resumed, and so during
 * the reset of a ring; sem. Pausing waits for the scheduler's work, in which jobs take sem (binds
 * do), so sem is not held then; and it is not annotated as what signals fences, though the rest of
 * a ring's recovery is.
 *
 * Requests are counted: a reset serves all that were made before it began.
 */
#include <linux/delay.h>
#include <linux/pm_runtime.h>
#include <linux/rwsem.h>
#include <linux/wait.h>

#include <drm/drm_managed.h>

#include "npu_device.h"
#include "npu_drv.h"
#include "npu_dump.h"
#include "npu_event.h"
#include "npu_gem.h"
#include "npu_pm.h"
#include "npu_queue.h"
#include "npu_reset.h"
#include "npu_ring.h"
#include "npu_trace.h"

/* How often, and how long in all, to try for the PCI device's lock. */
#define NPU_RESET_TRY_MS	20
#define NPU_RESET_TRIES		500
/* How often who waits for a card looks whether it is still there. */
#define NPU_RESET_LOOK		(HZ / 20)
/* How long the PCI core may take to bring a link back. */
#define NPU_LINK_TIMEOUT	(10 * HZ)

/**
 * struct npu_reset - state of recovery
 * @ndev: the card
 * @wq: ordered; resets only
 * @work: does what @rings and @wanted ask for
 * @link_work: gives up a card whose link does not come back
 * @rings: rings to be looked at
 * @wanted: resets of the card asked for so far
 * @done: of these, those that have been served
 * @serving: @wanted when the reset under way began
 * @reason: of the last request, for the log
 * @served: woken when @done changes, or the card is given up
 * @sem: see above
 * @stopped: the card is stopped; @sem
 * @link_lost: by a PCI error, and nobody has done anything about it since
 * @pause_lock: see above
 * @paused: all schedulers are paused; @pause_lock
 */
struct npu_reset {
	struct npu_device *ndev;
	struct workqueue_struct *wq;
	struct work_struct work;
	struct delayed_work link_work;
	DECLARE_BITMAP(rings, NPU_MAX_RINGS);
	atomic_t wanted;
	atomic_t done;
	int serving;
	const char *reason;
	wait_queue_head_t served;
	struct rw_semaphore sem;
	bool stopped;
	bool link_lost;
	struct mutex pause_lock;	/* pausing and resuming schedulers */
	bool paused;
};

static bool npu_reset_is_wanted(struct npu_reset *reset)
{
	return atomic_read(&reset->wanted) - atomic_read(&reset->done) > 0;
}

static void npu_reset_queue_work(struct npu_device *ndev)
{
	int idx;

	/* Without a card there is nothing to recover, and soon no work queue. */
	if (!npu_dev_enter(ndev, &idx))
		return;
	queue_work(ndev->reset->wq, &ndev->reset->work);
	npu_dev_exit(idx);
}

void npu_reset_schedule(struct npu_device *ndev, const char *reason)
{
	WRITE_ONCE(ndev->reset->reason, reason);
	atomic_inc(&ndev->reset->wanted);
	npu_reset_queue_work(ndev);
}

void npu_reset_schedule_ring(struct npu_ring *ring)
{
	struct npu_device *ndev = npu_ring_device(ring);

	set_bit(npu_ring_index(ring), ndev->reset->rings);
	npu_reset_queue_work(ndev);
}

int npu_reset_wait(struct npu_device *ndev)
{
	struct npu_reset *reset = ndev->reset;
	int target = atomic_read(&reset->wanted);

	/* Not whether it is awake: a card that was reset may fall asleep before anybody looks. */
	wait_event(reset->served,
		   npu_device_gone(ndev) || atomic_read(&reset->done) - target >= 0);
	return npu_device_gone(ndev) ? -ENODEV : 0;
}

bool npu_reset_hold(struct npu_device *ndev)
{
	struct npu_reset *reset = ndev->reset;

	down_read(&reset->sem);
	if (!reset->stopped)
		return true;
	up_read(&reset->sem);
	return false;
}

int npu_reset_look(struct npu_device *ndev)
{
	struct npu_reset *reset = ndev->reset;

	/* Who unplugs the card wakes nobody, so it is looked for. */
	return wait_event_killable_timeout(reset->served, npu_device_gone(ndev) ||
					   !READ_ONCE(reset->stopped), NPU_RESET_LOOK) < 0 ?
	       -EINTR : 0;
}

int npu_reset_hold_wait(struct npu_device *ndev)
{
	while (!npu_device_gone(ndev)) {
		if (npu_reset_hold(ndev))
			return 0;
		if (npu_reset_look(ndev))
			return -EINTR;
	}
	return -ENODEV;
}

void npu_reset_release(struct npu_device *ndev)
{
	up_read(&ndev->reset->sem);
}

/* ---- Stopping, starting, giving up ----------------------------------------------------------- */

void npu_reset_pause(struct npu_device *ndev)
{
	struct npu_reset *reset = ndev->reset;
	unsigned int i;

	mutex_lock(&reset->pause_lock);
	for (i = 0; i < ndev->nrings; i++)
		npu_ring_pause(npu_ring_at(ndev, i));
	reset->paused = true;
	mutex_unlock(&reset->pause_lock);
}

void npu_reset_resume(struct npu_device *ndev)
{
	struct npu_reset *reset = ndev->reset;
	unsigned int i;

	mutex_lock(&reset->pause_lock);
	reset->paused = false;
	for (i = 0; i < ndev->nrings; i++)
		npu_ring_resume(npu_ring_at(ndev, i));
	mutex_unlock(&reset->pause_lock);
}

void npu_reset_stop(struct npu_device *ndev)
{
	struct npu_reset *reset = ndev->reset;

	npu_reset_pause(ndev);
	down_write(&reset->sem);
	reset->serving = atomic_read(&reset->wanted);
	npu_rings_halt(ndev);
	WRITE_ONCE(reset->stopped, true);
	WRITE_ONCE(reset->link_lost, false);
	up_write(&reset->sem);
	/* The card's memory is not there for the processor either: whoever touches it waits. */
	npu_gem_zap_local(ndev);
}

int npu_reset_start(struct npu_device *ndev)
{
	struct npu_reset *reset = ndev->reset;
	int ret;

	down_write(&reset->sem);
	WRITE_ONCE(reset->link_lost, false);
	pci_set_master(ndev->pdev);
	ret = npu_device_bring_up(ndev);
	if (ret) {
		/* It may have been given up before, and what it used be freed. */
		pci_clear_master(ndev->pdev);
	} else {
		npu_rings_restart(ndev);
		WRITE_ONCE(reset->stopped, false);
		WRITE_ONCE(ndev->wedged, false);
		/* For npu_reset_slot_reset(). */
		pci_save_state(ndev->pdev);
	}
	up_write(&reset->sem);

	if (ret)
		npu_reset_wedge(ndev, "it does not come up after a reset");
	atomic_set(&reset->done, reset->serving);
	wake_up_all(&reset->served);
	npu_reset_resume(ndev);
	return ret;
}

void npu_reset_wake(struct npu_device *ndev)
{
	struct npu_reset *reset = ndev->reset;
	bool kept;

	down_write(&reset->sem);
	pci_set_master(ndev->pdev);
	kept = npu_device_has_state(ndev);
	if (kept) {
		npu_rings_enable(ndev);
		WRITE_ONCE(reset->stopped, false);
		pci_save_state(ndev->pdev);
	}
	up_write(&reset->sem);
	if (!kept) {
		npu_reset_start(ndev);
		return;
	}
	wake_up_all(&reset->served);
	npu_reset_resume(ndev);
}

bool npu_reset_is_pending(struct npu_device *ndev)
{
	return npu_reset_is_wanted(ndev->reset);
}

void npu_reset_wedge(struct npu_device *ndev, const char *reason)
{
	if (READ_ONCE(ndev->wedged))
		return;
	drm_err(&ndev->base, "the card is given up: %s\n", reason);
	npu_dump_card(ndev, NPU_DUMP_WEDGED);
	/*
	 * It may still be at work; like this it reaches no memory any more. First, since whoever
	 * sees it wedged may free what it used.
	 */
	pci_clear_master(ndev->pdev);
	WRITE_ONCE(ndev->wedged, true);
	npu_rings_fail(ndev, -ENODEV);
	wake_up_all(&ndev->reset->served);
	npu_event_wedged(ndev);
}

/* After a PCI error that has stopped the card. */
static void npu_reset_link_work(struct work_struct *work)
{
	struct npu_reset *reset = container_of(to_delayed_work(work), struct npu_reset, link_work);

	/* Whoever has stopped or started it since looks after it. */
	if (!xchg(&reset->link_lost, false))
		return;
	npu_reset_wedge(reset->ndev, "its link does not come back");
	npu_reset_resume(reset->ndev);
}

/* ---- The steps ------------------------------------------------------------------------------- */

static void npu_reset_card(struct npu_device *ndev)
{
	struct npu_reset *reset = ndev->reset;
	int tries, ret = -EAGAIN;

	drm_err(&ndev->base, "resetting the card: %s\n", READ_ONCE(reset->reason));
	/*
	 * It may sleep, if nothing but a bind has asked. Its jobs keep it awake, so none of them
	 * waits for what waking needs.
	 */
	if (npu_pm_get(ndev)) {
		npu_reset_wedge(ndev, "it does not wake up");
		return;
	}
	npu_dump_card(ndev, NPU_DUMP_RESET);
	/* Nor is there anything to wait for if it has been pulled out. */
	if (!pci_device_is_present(ndev->pdev))
		ret = -ENODEV;
	for (tries = 0; ret == -EAGAIN && tries < NPU_RESET_TRIES; tries++) {
		/* Somebody else holds the lock: he may be resetting, or removing, the card. */
		if (tries)
			msleep(NPU_RESET_TRY_MS);
		if (!npu_reset_is_wanted(reset) || npu_device_gone(ndev))
			goto out;
		ret = pci_try_reset_function(ndev->pdev);
	}
	if (ret)
		npu_reset_wedge(ndev, ret == -ENODEV ? "it is not there any more" :
						       "the function-level reset failed");
out:
	npu_pm_put(ndev);
}

/* One step for a ring, with resets of the card kept away. */
static int npu_reset_ring_step(struct npu_device *ndev, struct npu_ring *ring,
			       int (*step)(struct npu_ring *ring))
{
	bool cookie = dma_fence_begin_signalling();
	int ret = 0;

	/* If it is stopped, whoever did that starts the ring anew. */
	if (npu_reset_hold(ndev)) {
		ret = step(ring);
		npu_reset_release(ndev);
	}
	dma_fence_end_signalling(cookie);
	return ret;
}

/* A ring that makes no progress. An error: the card has to be reset. */
static int npu_reset_ring(struct npu_device *ndev, struct npu_ring *ring)
{
	struct npu_reset *reset = ndev->reset;
	int ret;

	ret = npu_reset_ring_step(ndev, ring, npu_ring_end_stuck);
	if (ret) {
		mutex_lock(&reset->pause_lock);
		npu_ring_pause(ring);
		ret = npu_reset_ring_step(ndev, ring, npu_ring_reset);
		if (!reset->paused)
			npu_ring_resume(ring);
		mutex_unlock(&reset->pause_lock);
	}
	trace_npu_reset_ring(npu_ring_index(ring), ret);
	return ret;
}

static void npu_reset_work(struct work_struct *work)
{
	struct npu_reset *reset = container_of(work, struct npu_reset, work);
	struct npu_device *ndev = reset->ndev;
	unsigned int i;
	int idx;

	if (!npu_dev_enter(ndev, &idx))
		goto out;

	for (i = 0; i < ndev->nrings; i++) {
		if (!test_and_clear_bit(i, reset->rings) || npu_reset_is_wanted(reset))
			continue;
		if (npu_reset_ring(ndev, npu_ring_at(ndev, i))) {
			WRITE_ONCE(reset->reason, "a ring could not be reset");
			atomic_inc(&reset->wanted);
		}
	}
	if (npu_reset_is_wanted(reset))
		npu_reset_card(ndev);

	npu_dev_exit(idx);
out:
	/* Whoever waits looks whether the card is gone. */
	wake_up_all(&reset->served);
}

/* ---- What the PCI core calls ----------------------------------------------------------------- */

static void npu_reset_prepare(struct pci_dev *pdev)
{
	struct npu_device *ndev = pci_get_drvdata(pdev);

	if (!ndev)
		return;
	/* Who resets a bus may not know that the card sleeps. */
	npu_pm_get_awake(ndev);
	pm_runtime_resume(&pdev->dev);
	npu_reset_stop(ndev);
}

static void npu_reset_done(struct pci_dev *pdev)
{
	struct npu_device *ndev = pci_get_drvdata(pdev);

	if (!ndev)
		return;
	atomic64_inc(&ndev->totals.resets);
	if (!npu_reset_start(ndev)) {
		drm_notice(&ndev->base, "the card was reset\n");
		npu_event_reset(ndev, "function");
	}
	npu_pm_put(ndev);
}

/*
 * An error that the link or the card reports. If it is only about a transaction, the job that it
 * belonged to ends with the card's own error; nothing else has happened.
 */
static pci_ers_result_t npu_reset_error_detected(struct pci_dev *pdev, pci_channel_state_t state)
{
	struct npu_device *ndev = pci_get_drvdata(pdev);

	if (!ndev)
		return PCI_ERS_RESULT_NONE;
	drm_err(&ndev->base, "a PCI error, state %u\n", state);
	if (state == pci_channel_io_normal)
		return PCI_ERS_RESULT_CAN_RECOVER;
	npu_reset_stop(ndev);
	if (state == pci_channel_io_frozen) {
		/* Nobody says so when a link does not come back. */
		WRITE_ONCE(ndev->reset->link_lost, true);
		cancel_delayed_work(&ndev->reset->link_work);
		schedule_delayed_work(&ndev->reset->link_work, NPU_LINK_TIMEOUT);
		return PCI_ERS_RESULT_NEED_RESET;
	}
	npu_reset_wedge(ndev, "the link is gone for good");
	/* So that what the schedulers have ends too. */
	npu_reset_resume(ndev);
	return PCI_ERS_RESULT_DISCONNECT;
}

static pci_ers_result_t npu_reset_mmio_enabled(struct pci_dev *pdev)
{
	return PCI_ERS_RESULT_RECOVERED;
}

/* The link was reset, and the card with it: unlike a function-level reset, with local memory. */
static pci_ers_result_t npu_reset_slot_reset(struct pci_dev *pdev)
{
	struct npu_device *ndev = pci_get_drvdata(pdev);

	if (!ndev)
		return PCI_ERS_RESULT_NONE;
	pci_restore_state(pdev);
	pci_save_state(pdev);
	if (!pci_device_is_present(pdev)) {
		WRITE_ONCE(ndev->reset->link_lost, false);
		npu_reset_wedge(ndev, "it did not survive a PCI error");
		npu_reset_resume(ndev);
		return PCI_ERS_RESULT_DISCONNECT;
	}
	npu_queues_ban(ndev, -EIO);
	atomic64_inc(&ndev->totals.resets);
	return PCI_ERS_RESULT_RECOVERED;
}

static void npu_reset_error_resume(struct pci_dev *pdev)
{
	struct npu_device *ndev = pci_get_drvdata(pdev);

	if (!ndev)
		return;
	cancel_delayed_work_sync(&ndev->reset->link_work);
	if (READ_ONCE(ndev->reset->stopped) && !npu_reset_start(ndev))
		npu_event_reset(ndev, "link");
}

const struct pci_error_handlers npu_reset_handlers = {
	.error_detected = npu_reset_error_detected,
	.mmio_enabled = npu_reset_mmio_enabled,
	.slot_reset = npu_reset_slot_reset,
	.resume = npu_reset_error_resume,
	.reset_prepare = npu_reset_prepare,
	.reset_done = npu_reset_done,
};

/* ---- Making and ending ----------------------------------------------------------------------- */

static void npu_reset_destroy_wq(void *wq)
{
	destroy_workqueue(wq);
}

int npu_reset_init(struct npu_device *ndev)
{
	struct npu_reset *reset;
	int ret;

	reset = drmm_kzalloc(&ndev->base, sizeof(*reset), GFP_KERNEL);
	if (!reset)
		return -ENOMEM;
	reset->ndev = ndev;
	reset->stopped = true;
	INIT_WORK(&reset->work, npu_reset_work);
	INIT_DELAYED_WORK(&reset->link_work, npu_reset_link_work);
	init_waitqueue_head(&reset->served);
	init_rwsem(&reset->sem);
	ret = drmm_mutex_init(&ndev->base, &reset->pause_lock);
	if (ret)
		return ret;
	ndev->reset = reset;

	reset->wq = alloc_ordered_workqueue("npu-reset", WQ_MEM_RECLAIM | WQ_FREEZABLE);
	if (!reset->wq)
		return -ENOMEM;
	return devm_add_action_or_reset(&ndev->pdev->dev, npu_reset_destroy_wq, reset->wq);
}

void npu_reset_fini(struct npu_device *ndev)
{
	/* Unplugged, so it is not queued again, and gives up soon. */
	wake_up_all(&ndev->reset->served);
	cancel_work_sync(&ndev->reset->work);
	cancel_delayed_work_sync(&ndev->reset->link_work);
}
