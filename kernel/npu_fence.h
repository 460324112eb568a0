/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Copyright (c) 2026 the npu authors
 *
 * The fences that leave the driver: in syncobjs, sync files and reservation objects.
 *
 * They may outlive the job, queue, file, card and module they came from, so they refer to none of
 * these, and once signalled not even to the module's code. The scheduler's own fences refer to the
 * scheduler (Linux 6.12 reads its name whenever user space asks for a sync file's) and therefore
 * never leave the driver.
 */
#ifndef NPU_FENCE_H
#define NPU_FENCE_H

#include <linux/dma-fence.h>

/**
 * npu_fence_alloc - memory for a fence, to be given to npu_fence_init() or npu_fence_free()
 *
 * Return: NULL without memory.
 */
struct dma_fence *npu_fence_alloc(void);

/** npu_fence_alloc_late - the same, for a fence to be signalled by npu_fence_signal_late() */
struct dma_fence *npu_fence_alloc_late(void);

/**
 * npu_fence_init - makes it a fence, with one reference; does not fail or sleep
 *
 * From then on it keeps needing the module until npu_fence_signal(), which has to come.
 */
void npu_fence_init(struct dma_fence *fence, u64 context, u64 seqno);

/** npu_fence_signal - instead of dma_fence_signal(); any context */
void npu_fence_signal(struct dma_fence *fence);

/**
 * npu_fence_signal_late - signals a fence of npu_fence_alloc_late() when interrupts are on again
 * @fence: the fence; its reference of npu_fence_init() is dropped then
 *
 * Works on interrupts' way out are done last in, first out, so what waits for a fence signalled
 * after this call, chains of fences included, is woken before what waits for this one.
 */
void npu_fence_signal_late(struct dma_fence *fence);

/** npu_fence_free - undoes either allocation of a fence that was never initialised; NULL is fine */
void npu_fence_free(struct dma_fence *fence);

/** npu_fence_module_init, npu_fence_module_exit - first and last of all */
void npu_fence_module_init(void);
void npu_fence_module_exit(void);

#endif
