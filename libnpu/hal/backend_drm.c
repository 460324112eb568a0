// SPDX-License-Identifier: MIT
/*
 * Copyright (c) 2026 the npu authors
 *
 * The real card: opening its node. backend_drm.h says how the rest is split.
 */
#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#include <xf86drm.h>

#include "backend_drm.h"

int drm_call(struct drm_device *dev, unsigned long request, void *arg)
{
	return drmIoctl(dev->fd, request, arg) ? -errno : 0;
}

static int query(struct drm_device *dev, uint32_t type, void *out, uint32_t size)
{
	struct drm_npu_dev_query q = {
		.type = type,
		.size = size,
		.pointer = (uintptr_t)out,
	};
	int ret;

	memset(out, 0, size);
	ret = drm_call(dev, DRM_IOCTL_NPU_DEV_QUERY, &q);
	return ret ? npu_fail(ret, "%s: query %u: %s", dev->base.name, type, strerror(-ret)) : 0;
}

static void drm_close(struct npu_device *base)
{
	struct drm_device *dev = to_drm(base);

	/* Closing the file ends the address space and all that may still be bound in it. */
	close(dev->fd);
	npu_va_fini(&dev->base.va);
	pthread_mutex_destroy(&dev->handle_lock);
	free(dev->handle_refs);
	npu_device_fini(&dev->base);
	free(dev);
}

static int drm_memory(struct npu_device *base, struct npu_memory_info *info)
{
	struct drm_npu_memory m;
	int ret = query(to_drm(base), DRM_NPU_QUERY_MEMORY, &m, sizeof(m));

	if (!ret)
		*info = (struct npu_memory_info){ m.local_size, m.local_free };
	return ret;
}

static int drm_counters(struct npu_device *base, unsigned int core,
			struct npu_engine_counters out[4])
{
	struct drm_npu_perf_core perf = { 0 };
	struct drm_npu_perf_query q = {
		.type = DRM_NPU_PERF_CORE,
		.id = core,
		.size = sizeof(perf),
		.pointer = (uintptr_t)&perf,
	};
	int ret = drm_call(to_drm(base), DRM_IOCTL_NPU_PERF_QUERY, &q);

	if (ret == -EACCES || ret == -EPERM)
		return npu_fail(-EACCES,
				"a card's counters tell of other processes: CAP_PERFMON is needed");
	if (ret)
		return npu_fail(ret, "counters of core %u: %s", core, strerror(-ret));
	for (unsigned int e = 0; e < NPU_ENGINES; e++) {
		const struct drm_npu_perf_engine *p = &perf.engine[e];

		out[e] = (struct npu_engine_counters){
			.busy = p->busy,
			.stall_sem = p->stall_sem,
			.stall_port = p->stall_port,
			.commands = p->cmds,
			.work = p->work,
			.lmem_bytes = p->lmem_bytes,
			.pcie_bytes = p->pcie_bytes,
			.energy_nj = p->energy_nj,
		};
	}
	return 0;
}

static const struct npu_backend drm_backend = {
	.fence_size = sizeof(struct drm_fence),
	.close = drm_close,
	.memory = drm_memory,
	.counters = drm_counters,
	.buffer_create = drm_buffer_create,
	.buffer_import = drm_buffer_import,
	.buffer_export = drm_buffer_export,
	.buffer_bind = drm_buffer_bind,
	.buffer_unbind = drm_buffer_unbind,
	.buffer_map = drm_buffer_map,
	.buffer_destroy = drm_buffer_destroy,
	.queue_create = drm_queue_create,
	.queue_state = drm_queue_state,
	.queue_stop = drm_queue_stop,
	.queue_destroy = drm_queue_destroy,
	.submit = drm_submit,
	.completed = drm_completed,
	.job_result = drm_job_result,
	.job_wait = drm_job_wait,
	.fence_import = drm_fence_import,
	.fence_wait = drm_fence_wait,
	.fence_wait_any = drm_fence_wait_any,
	.fence_fd = drm_fence_fd,
	.fence_destroy = drm_fence_destroy,
};

static void take_caps(const struct drm_npu_info *info, struct npu_caps *caps)
{
	*caps = (struct npu_caps){
		.isa = info->isa,
		.features = info->features,
		.cores = info->cores,
		.rings = info->rings,
		.spm_size = info->spm_size,
		.acc_size = info->acc_size,
		.array_rows = info->array_rows,
		.array_cols = info->array_cols,
		.clock_khz = info->clock_khz,
		.vpu_lanes = info->vpu_lanes,
		.weight_rows = info->weight_rows,
		.dw_channels = info->dw_channels,
		.dw_taps = info->dw_taps,
		.float_div = info->float_div,
		.lmem_bw = info->lmem_bw,
		.lmem_latency = info->lmem_latency,
		.pcie_bw = info->pcie_bw,
		.pcie_latency = info->pcie_latency,
		.cmd_cycles = info->cmd_cycles,
		.barrier_cycles = info->barrier_cycles,
		.mac_fj = info->mac_fj,
		.lmem_fj = info->lmem_fj,
		.pcie_fj = info->pcie_fj,
		.vpu_fj = info->vpu_fj,
		.idle_mw = info->idle_mw,
		.lmem_size = info->lmem_size,
	};
}

static int open_failed(const char *node, int err)
{
	struct stat st;
	struct group *group;

	if (err == EACCES || err == EPERM) {
		group = stat(node, &st) ? NULL : getgrgid(st.st_gid);
		return npu_fail(-EACCES, "%s: no permission%s%s", node,
				group ? "; it is for members of group " : "",
				group ? group->gr_name : "");
	}
	if (err == ENOENT || err == ENXIO)
		return npu_fail(-ENODEV, "%s: there is no card", node);
	return npu_fail(-err, "%s: %s", node, strerror(err));
}

/* Is it our driver, and does this kernel have what is needed? */
static int check_driver(struct drm_device *dev, const char *node)
{
	drmVersionPtr version = drmGetVersion(dev->fd);
	bool ours = version && !strcmp(version->name, "npu");
	uint64_t timeline = 0;

	drmFreeVersion(version);
	if (!ours)
		return npu_fail(-ENODEV, "%s: not a node of the driver npu", node);
	if (drmGetCap(dev->fd, DRM_CAP_SYNCOBJ_TIMELINE, &timeline) || !timeline)
		return npu_fail(-ENOTSUP, "%s: the kernel has no timeline syncobjs", node);
	return 0;
}

/* @dev->base.va is usable when this was called, whatever it returns. */
static int set_up(struct drm_device *dev, const char *node)
{
	struct drm_npu_vm_create vm = { 0 };
	struct drm_npu_info info;
	int ret;

	ret = check_driver(dev, node);
	if (!ret)
		ret = query(dev, DRM_NPU_QUERY_INFO, &info, sizeof(info));
	if (ret)
		memset(&info, 0, sizeof(info));
	if (npu_va_init(&dev->base.va, info.va_start, info.va_end) && !ret)
		ret = npu_fail(-ENOMEM, "out of memory");
	if (ret)
		return ret;
	if (info.page_size != NPU_PAGE_SIZE)
		return npu_fail(-ENOTSUP, "%s: pages of %u bytes, not %u", node, info.page_size,
				NPU_PAGE_SIZE);
	take_caps(&info, &dev->base.caps);
	dev->base.max_jobs = info.max_jobs;
	dev->max_syncs = info.max_syncs;
	ret = drm_call(dev, DRM_IOCTL_NPU_VM_CREATE, &vm);
	if (ret)
		return npu_fail(ret, "%s: no address space: %s", node, strerror(-ret));
	dev->vm = vm.id;
	return 0;
}

int npu_drm_open(const char *node, const char *name, struct npu_device **out)
{
	struct drm_device *dev;
	int ret;

	dev = calloc(1, sizeof(*dev));
	if (!dev)
		return npu_fail(-ENOMEM, "out of memory");
	dev->fd = open(node, O_RDWR | O_CLOEXEC);
	if (dev->fd < 0) {
		ret = open_failed(node, errno);
		goto free_dev;
	}
	ret = npu_device_init(&dev->base, &drm_backend, name);
	if (ret)
		goto close_fd;
	pthread_mutex_init(&dev->handle_lock, NULL);
	ret = set_up(dev, node);
	if (ret) {
		drm_close(&dev->base);
		return ret;
	}
	*out = &dev->base;
	return 0;

close_fd:
	close(dev->fd);
free_dev:
	free(dev);
	return ret;
}
