// SPDX-License-Identifier: GPL-2.0
/*
 * Copyright (c) 2026 the npu authors
 *
 * The driver's state for those who look for a fault in it: /sys/kernel/debug/accel/N/npu_*.
 * No promise is made of its form.
 */
#include <linux/seq_file.h>

#include <drm/drm_debugfs.h>

#include "npu_drv.h"
#include "npu_queue.h"
#include "npu_ring.h"
#include "npu_sysfs.h"
#include "npu_vm.h"

static struct drm_device *npu_debugfs_dev(struct seq_file *m)
{
	struct drm_debugfs_entry *entry = m->private;

	return entry->dev;
}

static int npu_debugfs_rings(struct seq_file *m, void *unused)
{
	npu_rings_show(to_npu_device(npu_debugfs_dev(m)), m);
	return 0;
}

static int npu_debugfs_for_files(struct seq_file *m,
				 void (*show)(struct npu_file *file, struct seq_file *m))
{
	struct drm_device *dev = npu_debugfs_dev(m);
	struct drm_file *filp;
	int ret;

	ret = mutex_lock_interruptible(&dev->filelist_mutex);
	if (ret)
		return ret;
	list_for_each_entry_reverse(filp, &dev->filelist, lhead) {
		seq_printf(m, "client %llu\n", filp->client_id);
		show(filp->driver_priv, m);
	}
	mutex_unlock(&dev->filelist_mutex);
	return 0;
}

static int npu_debugfs_queues(struct seq_file *m, void *unused)
{
	return npu_debugfs_for_files(m, npu_queue_show);
}

static int npu_debugfs_vms(struct seq_file *m, void *unused)
{
	return npu_debugfs_for_files(m, npu_vm_show);
}

static const struct drm_debugfs_info npu_debugfs_files[] = {
	{ "npu_rings", npu_debugfs_rings },
	{ "npu_queues", npu_debugfs_queues },
	{ "npu_vms", npu_debugfs_vms },
};

void npu_debugfs_init(struct npu_device *ndev)
{
	drm_debugfs_add_files(&ndev->base, npu_debugfs_files, ARRAY_SIZE(npu_debugfs_files));
}
