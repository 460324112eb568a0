/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Copyright (c) 2026 the npu authors
 *
 * Recovery: from a job that hangs (ABORT) to a card that hangs (function-level reset), and what to
 * do when even that fails.
 */
#ifndef NPU_RESET_H
#define NPU_RESET_H

#include <linux/types.h>

struct npu_device;
struct npu_ring;
struct pci_error_handlers;

extern const struct pci_error_handlers npu_reset_handlers;

int npu_reset_init(struct npu_device *ndev);
void npu_reset_fini(struct npu_device *ndev);

/**
 * npu_reset_schedule - asks for a function-level reset
 * @ndev: the card
 * @reason: for the log, a constant string
 *
 * From any context. Requests made before the reset has begun are served by it.
 */
void npu_reset_schedule(struct npu_device *ndev, const char *reason);

/** npu_reset_schedule_ring - asks for a look at a ring that makes no progress; any context */
void npu_reset_schedule_ring(struct npu_ring *ring);

/**
 * npu_reset_wait - waits until no reset is asked for or under way, nor the card suspended
 * @ndev: the card
 *
 * Afterwards no access of the card's that began before the call reaches memory any more, whether
 * the reset went well or not (a card that does not reset has lost bus mastering). Not to be called
 * with the card held (npu_reset_hold()) nor with a lock that npu_mmu_hw_init() takes.
 *
 * Return: 0, or -ENODEV when the card is gone or wedged.
 */
int npu_reset_wait(struct npu_device *ndev);

/**
 * npu_reset_hold - keeps resets and suspend away for a bounded exchange with the card
 * @ndev: the card
 *
 * For what a reset in the middle would make look like a failure: invalidations above all. A few
 * NPU_ACK_US long at most. Nested inside npu_dev_enter().
 *
 * Return: false when there is nothing to talk to: the card is stopped for a reset or suspend,
 * reaches no memory, and comes back with everything programmed anew and an empty TLB. Nothing is
 * held then.
 */
bool npu_reset_hold(struct npu_device *ndev);
void npu_reset_release(struct npu_device *ndev);

/**
 * npu_reset_hold_wait - npu_reset_hold() once no reset or suspend is under way
 * @ndev: the card, awake
 *
 * It comes back, or is given up, within seconds; nothing that a reset waits for may be held.
 *
 * Return: 0, -ENODEV when the card is gone or wedged, -EINTR when the caller is being killed.
 */
int npu_reset_hold_wait(struct npu_device *ndev);

/**
 * npu_reset_look - wait until no reset or suspend is under way, but not for long
 * @ndev: the card; nothing that a reset or an unplugging waits for may be held
 *
 * Return: 0, the reset over or not, or -EINTR when the caller is being killed.
 */
int npu_reset_look(struct npu_device *ndev);

/**
 * npu_reset_pause, npu_reset_resume - keep all schedulers from starting jobs, and let them again
 */
void npu_reset_pause(struct npu_device *ndev);
void npu_reset_resume(struct npu_device *ndev);

/**
 * npu_reset_stop - no job starts any more, the card reaches no memory, and no process the card's;
 * before a reset or suspend
 * @ndev: the card; the PCI device's lock is held, as it is until npu_reset_start()
 */
void npu_reset_stop(struct npu_device *ndev);

/**
 * npu_reset_start - brings up a card that was reset, and goes on with the jobs that had not begun
 * @ndev: the card
 *
 * Return: 0, or an error after which the card is wedged.
 */
int npu_reset_start(struct npu_device *ndev);

/**
 * npu_reset_wake - npu_reset_start() of a card that slept
 * @ndev: the card; it has no jobs
 *
 * If it has kept its state it goes on with it, counters included.
 */
void npu_reset_wake(struct npu_device *ndev);

/** npu_reset_is_pending - a reset of the card was asked for and is not done */
bool npu_reset_is_pending(struct npu_device *ndev);

/**
 * npu_reset_wedge - gives the card up: all jobs end with -ENODEV, and so do all calls from now on
 */
void npu_reset_wedge(struct npu_device *ndev, const char *reason);

#endif
