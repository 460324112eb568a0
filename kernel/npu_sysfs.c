// SPDX-License-Identifier: GPL-2.0
/*
 * Copyright (c) 2026 the npu authors
 *
 * A card's statistics in sysfs: /sys/bus/pci/devices/.../npu/. Counted by the driver since the card
 * was bound; every file is one number.
 */
#include <linux/device.h>
#include <linux/math64.h>
#include <linux/sysfs.h>

#include "npu_drv.h"
#include "npu_sysfs.h"

static struct npu_totals *npu_sysfs_totals(struct device *dev)
{
	struct npu_device *ndev = dev_get_drvdata(dev);

	return &ndev->totals;
}

static ssize_t jobs_show(struct device *dev, struct device_attribute *attr, char *buf)
{
	return sysfs_emit(buf, "%lld\n", atomic64_read(&npu_sysfs_totals(dev)->jobs));
}
static DEVICE_ATTR_RO(jobs);

static ssize_t errors_show(struct device *dev, struct device_attribute *attr, char *buf)
{
	return sysfs_emit(buf, "%lld\n", atomic64_read(&npu_sysfs_totals(dev)->errors));
}
static DEVICE_ATTR_RO(errors);

static ssize_t timeouts_show(struct device *dev, struct device_attribute *attr, char *buf)
{
	return sysfs_emit(buf, "%lld\n", atomic64_read(&npu_sysfs_totals(dev)->timeouts));
}
static DEVICE_ATTR_RO(timeouts);

static ssize_t resets_show(struct device *dev, struct device_attribute *attr, char *buf)
{
	return sysfs_emit(buf, "%lld\n", atomic64_read(&npu_sysfs_totals(dev)->resets));
}
static DEVICE_ATTR_RO(resets);

/* Of all cores together, so utilisation is its growth / time / cores. */
static ssize_t busy_ns_show(struct device *dev, struct device_attribute *attr, char *buf)
{
	struct npu_device *ndev = dev_get_drvdata(dev);
	u64 cycles = atomic64_read(&ndev->totals.cycles);

	return sysfs_emit(buf, "%llu\n", npu_cycles_to_ns(ndev, cycles));
}
static DEVICE_ATTR_RO(busy_ns);

static ssize_t cores_show(struct device *dev, struct device_attribute *attr, char *buf)
{
	struct npu_device *ndev = dev_get_drvdata(dev);

	return sysfs_emit(buf, "%u\n", ndev->caps.cores);
}
static DEVICE_ATTR_RO(cores);

static ssize_t wedged_show(struct device *dev, struct device_attribute *attr, char *buf)
{
	struct npu_device *ndev = dev_get_drvdata(dev);

	return sysfs_emit(buf, "%d\n", READ_ONCE(ndev->wedged));
}
static DEVICE_ATTR_RO(wedged);

static struct attribute *npu_sysfs_attrs[] = {
	&dev_attr_jobs.attr,
	&dev_attr_errors.attr,
	&dev_attr_timeouts.attr,
	&dev_attr_resets.attr,
	&dev_attr_busy_ns.attr,
	&dev_attr_cores.attr,
	&dev_attr_wedged.attr,
	NULL
};

static const struct attribute_group npu_sysfs_group = {
	.name = "npu",
	.attrs = npu_sysfs_attrs,
};

const struct attribute_group *npu_sysfs_groups[] = {
	&npu_sysfs_group,
	NULL
};
