/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Copyright (c) 2026 the npu authors
 *
 * What npu_vm.c (address spaces) and npu_bind.c (changes to them) share, and nobody else sees.
 */
#ifndef NPU_VM_IMPL_H
#define NPU_VM_IMPL_H

#include <linux/kref.h>
#include <linux/mutex.h>
#include <linux/workqueue.h>

#include <drm/drm_gpuvm.h>
#include <drm/gpu_scheduler.h>

#include "npu_vm.h"

struct npu_mmu_ctx;

/*
 * An address space.
 *
 * @last: fence of the last asynchronous bind accepted, or NULL
 * @limbo: mappings taken out of the tree by binds that the card's loss kept from being executed
 */
struct npu_vm {
	struct drm_gpuvm base;
	struct kref refs;
	struct npu_device *ndev;
	struct npu_mmu_ctx *ctx;
	struct mutex lock;	/* the tree, the order of binds, @limbo */
	struct list_head limbo;
	struct dma_fence *last;
	u64 fence_context;
	u64 fence_seqno;
	struct drm_gpu_scheduler sched;
	struct drm_sched_entity entity;
	struct work_struct release;
};

/* A mapping. @node links it where it is not in the tree. */
struct npu_vma {
	struct drm_gpuva base;
	struct list_head node;
	u32 flags;
};

static inline struct npu_vm *to_npu_vm(struct drm_gpuvm *gpuvm)
{
	return container_of(gpuvm, struct npu_vm, base);
}

static inline struct npu_vma *to_npu_vma(struct drm_gpuva *va)
{
	return container_of(va, struct npu_vma, base);
}

/* Drops mappings that are no longer in the tree, and their hold on the buffers. */
void npu_vma_free(struct npu_vma *vma);
void npu_vma_free_list(struct list_head *list);

/* How a bind changes the tree: callbacks of struct drm_gpuvm_ops. */
int npu_bind_step_map(struct drm_gpuva_op *op, void *priv);
int npu_bind_step_remap(struct drm_gpuva_op *op, void *priv);
int npu_bind_step_unmap(struct drm_gpuva_op *op, void *priv);

extern const struct drm_sched_backend_ops npu_bind_sched_ops;

#endif
