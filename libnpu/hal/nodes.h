/* SPDX-License-Identifier: MIT */
/*
 * Copyright (c) 2026 the npu authors
 *
 * The cards of this machine.
 */
#ifndef NPU_HAL_NODES_H
#define NPU_HAL_NODES_H

struct npu_device_entry;

/**
 * npu_nodes_scan() - cards below a sysfs class
 * @class: folder with an entry a node: "/sys/class/accel"
 * @nodes: folder of the nodes: "/dev/accel"
 * @entries: filled, in order of their numbers
 * @max: room in @entries
 *
 * Returns how many there are, also beyond @max, or a negative errno.
 */
int npu_nodes_scan(const char *class, const char *nodes, struct npu_device_entry *entries,
		   int max);

#endif
