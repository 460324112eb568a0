/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Copyright (c) 2026 the npu authors
 *
 * The syncobjs a call waits for and signals: VM_BIND's and SUBMIT's.
 */
#ifndef NPU_SYNC_H
#define NPU_SYNC_H

#include <linux/types.h>

struct dma_fence;
struct drm_device;
struct drm_file;
struct drm_npu_array;
struct drm_sched_job;
struct npu_sync_out;

/* Syncobjs in one call. */
#define NPU_MAX_SYNCS 1024

/**
 * struct npu_syncs - a call's syncobjs, between npu_syncs_get() and npu_syncs_put()
 * @wait: fences of those to wait for, @nwait of them; references
 * @signal: those to signal, @nsignal of them; references
 */
struct npu_syncs {
	struct dma_fence **wait;
	struct npu_sync_out *signal;
	u32 nwait;
	u32 nsignal;
};

/**
 * npu_syncs_get - checks and looks up all syncobjs of a call
 * @syncs: to be filled
 * @filp: the caller
 * @array: of struct drm_npu_sync
 *
 * All that signalling needs is allocated here.
 *
 * Return: 0; -EINVAL for flags or values that are not allowed or a syncobj without a fence at that
 * point, -ENOENT for an unknown handle, -EFAULT, -ENOMEM. After an error there is nothing to put.
 */
int npu_syncs_get(struct npu_syncs *syncs, struct drm_file *filp,
		  const struct drm_npu_array *array);

/** npu_syncs_add_deps - makes a job, initialised and not yet armed, wait; 0 or -ENOMEM */
int npu_syncs_add_deps(struct npu_syncs *syncs, struct drm_sched_job *job);

/** npu_syncs_signal - lets @fence signal the syncobjs; once, when nothing can fail any more */
void npu_syncs_signal(struct npu_syncs *syncs, struct dma_fence *fence);

/** npu_syncs_put - drops all references; idempotent, and fine after a failed npu_syncs_get() */
void npu_syncs_put(struct npu_syncs *syncs);

#endif
