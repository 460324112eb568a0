/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Copyright (c) 2026 the npu authors
 *
 * Uevents: what happened to a card, for those who watch over it. docs/driver.md has the variables.
 */
#ifndef NPU_EVENT_H
#define NPU_EVENT_H

#include <linux/types.h>

struct drm_npu_result;
struct npu_device;
struct npu_queue;

/** npu_event_init - before there are interrupts; 0 or a negative errno */
int npu_event_init(struct npu_device *ndev);

/* These are sent later, or not at all if there are too many of their kind; from any context. */

/** npu_event_banned - a job has banned its queue; the queue's lock is held */
void npu_event_banned(struct npu_queue *queue, const struct drm_npu_result *result);

/** npu_event_reset - the card goes on after a reset: @stage is "function" or "link" */
void npu_event_reset(struct npu_device *ndev, const char *stage);

/** npu_event_ring_reset - a ring goes on after a reset: @stage is "ring" or "core" */
void npu_event_ring_reset(struct npu_device *ndev, const char *stage, unsigned int ring);

/** npu_event_ecc - an error count has changed */
void npu_event_ecc(struct npu_device *ndev, u32 corrected, u32 uncorrected);

/** npu_event_thermal - the card is too hot, or not any more */
void npu_event_thermal(struct npu_device *ndev, bool throttled);

/** npu_event_wedged - the card is given up; sent at once, sleeps */
void npu_event_wedged(struct npu_device *ndev);

#endif
