/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Copyright (c) 2026 the npu authors
 *
 * The PCI function: finding out what the card is, bringing it up, stopping it.
 */
#ifndef NPU_DEVICE_H
#define NPU_DEVICE_H

struct npu_device;

/**
 * npu_device_bring_up - resets a card by its register and programs what is not a ring's
 * @ndev: the card; nobody else talks to it
 *
 * Return: 0, -ENODEV when it does not answer, -ETIMEDOUT.
 */
int npu_device_bring_up(struct npu_device *ndev);

/** npu_device_has_state - a card that slept is as it was programmed by npu_device_bring_up() */
bool npu_device_has_state(struct npu_device *ndev);

/** npu_devices_wait - waits until no struct npu_device is left; for npu_exit() */
void npu_devices_wait(void);

#endif
