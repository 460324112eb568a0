// SPDX-License-Identifier: GPL-2.0
/*
 * Copyright (c) 2026 the npu authors
 *
 * The syncobjs a call waits for and signals.
 *
 * All lookups and allocations happen in npu_syncs_get(), before anything is accepted, so that a
 * call that was accepted cannot fail to signal. No locks of its own: a struct npu_syncs belongs to
 * the call that fills it.
 */
#include <linux/dma-fence-chain.h>
#include <linux/slab.h>

#include <drm/drm_print.h>
#include <drm/drm_syncobj.h>

#include "npu_drv.h"
#include "npu_sync.h"

/* A syncobj to signal; @chain is the new link of a timeline, NULL for a binary one. */
struct npu_sync_out {
	struct drm_syncobj *syncobj;
	struct dma_fence_chain *chain;
	u64 point;
};

static int npu_sync_check(struct drm_device *dev, const struct drm_npu_sync *sync, u32 i)
{
	bool timeline = sync->flags & DRM_NPU_SYNC_TIMELINE;

	if (sync->flags & ~(DRM_NPU_SYNC_SIGNAL | DRM_NPU_SYNC_TIMELINE)) {
		drm_dbg(dev, "syncs[%u]: unknown flags %#x\n", i, sync->flags);
		return -EINVAL;
	}
	/* Point 0 of a timeline is before its first: nothing can be added there. */
	if (timeline != !!sync->timeline_value) {
		drm_dbg(dev, "syncs[%u]: point %llu for a %s syncobj\n", i, sync->timeline_value,
			timeline ? "timeline" : "binary");
		return -EINVAL;
	}
	return 0;
}

static int npu_sync_get_wait(struct npu_syncs *syncs, struct drm_file *filp,
			     const struct drm_npu_sync *sync)
{
	struct dma_fence *fence;
	int ret;

	ret = drm_syncobj_find_fence(filp, sync->handle, sync->timeline_value, 0, &fence);
	if (ret)
		return ret;
	syncs->wait[syncs->nwait++] = fence;
	return 0;
}

static int npu_sync_get_signal(struct npu_syncs *syncs, struct drm_file *filp,
			       const struct drm_npu_sync *sync)
{
	struct npu_sync_out *out = &syncs->signal[syncs->nsignal];

	out->syncobj = drm_syncobj_find(filp, sync->handle);
	if (!out->syncobj)
		return -ENOENT;
	syncs->nsignal++;

	out->point = sync->timeline_value;
	if (out->point) {
		out->chain = dma_fence_chain_alloc();
		if (!out->chain)
			return -ENOMEM;
	}
	return 0;
}

int npu_syncs_get(struct npu_syncs *syncs, struct drm_file *filp,
		  const struct drm_npu_array *array)
{
	struct drm_device *dev = filp->minor->dev;
	struct drm_npu_sync sync;
	int ret;
	u32 i;

	memset(syncs, 0, sizeof(*syncs));
	ret = npu_check_array(dev, array, sizeof(sync), NPU_MAX_SYNCS);
	if (ret || !array->count)
		return ret;

	syncs->wait = kvcalloc(array->count, sizeof(*syncs->wait), GFP_KERNEL_ACCOUNT);
	syncs->signal = kvcalloc(array->count, sizeof(*syncs->signal), GFP_KERNEL_ACCOUNT);
	if (!syncs->wait || !syncs->signal) {
		ret = -ENOMEM;
		goto err_put;
	}

	for (i = 0; i < array->count; i++) {
		ret = npu_get_array_elem(&sync, sizeof(sync), array, i);
		if (!ret)
			ret = npu_sync_check(dev, &sync, i);
		if (ret)
			goto err_put;

		if (sync.flags & DRM_NPU_SYNC_SIGNAL)
			ret = npu_sync_get_signal(syncs, filp, &sync);
		else
			ret = npu_sync_get_wait(syncs, filp, &sync);
		if (ret) {
			drm_dbg(dev, "syncs[%u]: handle %u, point %llu: %d\n", i, sync.handle,
				sync.timeline_value, ret);
			goto err_put;
		}
	}
	return 0;

err_put:
	npu_syncs_put(syncs);
	return ret;
}

int npu_syncs_add_deps(struct npu_syncs *syncs, struct drm_sched_job *job)
{
	int ret;

	while (syncs->nwait) {
		/* Takes the reference, whether it fails or not. */
		ret = drm_sched_job_add_dependency(job, syncs->wait[--syncs->nwait]);
		if (ret)
			return ret;
	}
	return 0;
}

void npu_syncs_signal(struct npu_syncs *syncs, struct dma_fence *fence)
{
	u32 i;

	for (i = 0; i < syncs->nsignal; i++) {
		struct npu_sync_out *out = &syncs->signal[i];

		if (out->chain)
			drm_syncobj_add_point(out->syncobj, out->chain, fence, out->point);
		else
			drm_syncobj_replace_fence(out->syncobj, fence);
		out->chain = NULL;
	}
}

void npu_syncs_put(struct npu_syncs *syncs)
{
	u32 i;

	for (i = 0; i < syncs->nwait; i++)
		dma_fence_put(syncs->wait[i]);
	for (i = 0; i < syncs->nsignal; i++) {
		dma_fence_chain_free(syncs->signal[i].chain);
		drm_syncobj_put(syncs->signal[i].syncobj);
	}
	kvfree(syncs->wait);
	kvfree(syncs->signal);
	memset(syncs, 0, sizeof(*syncs));
}
