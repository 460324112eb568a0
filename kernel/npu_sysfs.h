/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Copyright (c) 2026 the npu authors
 *
 * What the administrator sees of a card: hwmon, sysfs, debugfs.
 */
#ifndef NPU_SYSFS_H
#define NPU_SYSFS_H

struct attribute_group;
struct npu_device;

/* On the PCI device, in the folder npu/. */
extern const struct attribute_group *npu_sysfs_groups[];

/** npu_hwmon_init - temperature, power and, for root, energy; 0 or a negative errno */
int npu_hwmon_init(struct npu_device *ndev);

/** npu_debugfs_init - rings, queues and address spaces; before the node is registered */
void npu_debugfs_init(struct npu_device *ndev);

#endif
