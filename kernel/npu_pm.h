/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Copyright (c) 2026 the npu authors
 *
 * Sleep: of the idle card (runtime PM) and of the system.
 */
#ifndef NPU_PM_H
#define NPU_PM_H

#include <linux/pm.h>

struct npu_device;

extern const struct dev_pm_ops npu_pm_ops;

/** npu_pm_init - a card that was brought up may sleep from now on; at the end of probe */
int npu_pm_init(struct npu_device *ndev);

/** npu_pm_fini - it may not any more; in remove */
void npu_pm_fini(struct npu_device *ndev);

/**
 * npu_pm_get - wakes the card and keeps it awake until npu_pm_put()
 * @ndev: the card
 *
 * Sleeps. Not to be called by what a fence waits for: SUBMIT takes a job's reference. No lock of
 * the driver's is held.
 *
 * Return: 0 or a negative errno.
 */
int npu_pm_get(struct npu_device *ndev);

/** npu_pm_get_if_awake - keeps it awake if it is; for telemetry */
bool npu_pm_get_if_awake(struct npu_device *ndev);

/** npu_pm_get_awake - keeps it awake where it is known to be; any context */
void npu_pm_get_awake(struct npu_device *ndev);

/** npu_pm_put - any context */
void npu_pm_put(struct npu_device *ndev);

#endif
