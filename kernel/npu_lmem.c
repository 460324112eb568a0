// SPDX-License-Identifier: GPL-2.0
/*
 * Copyright (c) 2026 the npu authors
 *
 * The card's local memory: who has which part of it.
 *
 * A buddy allocator over the whole of it. What is handed out was cleared just before, by the CPU
 * through the aperture: that needs nothing of the card but its memory, cannot be mixed up with
 * jobs, and leaves nothing of an earlier owner whatever happened in between.
 *
 * Where the kernel has the dmem controller, local memory is a region of it, and who allocates is
 * charged before anything is taken. Nothing is evicted, so a limit is kept by refusing. A charge
 * ends with its buffer or with the card, whichever goes first.
 *
 * Lock: npu_lmem.lock protects the allocator and the list of charges and is innermost; clearing
 * runs without it, since a block belongs to the caller as soon as it is allocated. The structure
 * lives as long as the drm_device, because buffers can outlive the card's presence. The region and
 * the aperture are there while the card is bound, so nothing is charged or touched but between
 * npu_dev_enter() and npu_dev_exit().
 */
#include <linux/cleanup.h>
#include <linux/scatterlist.h>
#include <linux/sched/signal.h>
#include <linux/sizes.h>

#include <drm/drm_managed.h>

#include "npu_drv.h"
#include "npu_lmem.h"
#include "npu_reset.h"

struct npu_lmem {
	struct mutex lock;	/* @buddy, @charged */
	struct gpu_buddy buddy;
	struct dmem_cgroup_region *region;
	struct list_head charged;	/* struct npu_lmem_area */
	u64 size;
	phys_addr_t base;
	void __iomem *aperture;
};

/* Bytes cleared between two looks at signals, with a reset kept away. */
#define NPU_LMEM_CLEAR_STEP SZ_16M

/* A scatterlist's length has 32 bits; half of that keeps pieces aligned. */
#define NPU_LMEM_SEG_MAX ((u64)SZ_2G)

/* ---- Charges --------------------------------------------------------------------------------- */

static int npu_lmem_charge(struct npu_lmem *lmem, struct npu_lmem_area *area, u64 size)
{
	int ret = dmem_cgroup_try_charge(lmem->region, size, &area->pool, NULL);

	/* What it says of a limit would be an invitation to try again. */
	if (ret)
		return ret == -EAGAIN ? -ENOMEM : ret;
	area->size = size;
	guard(mutex)(&lmem->lock);
	if (area->pool)
		list_add(&area->charge, &lmem->charged);
	return 0;
}

static void npu_lmem_uncharge_locked(struct npu_lmem_area *area)
{
	if (!area->pool)
		return;
	list_del(&area->charge);
	dmem_cgroup_uncharge(area->pool, area->size);
	area->pool = NULL;
}

/*
 * With the card, not with the structure: the same card may be back before that is gone, and a name
 * must not be there twice. Not every kernel with the controller lets a charge outlive its region,
 * and what a lost card had is nobody's any more, so all charges end here.
 */
static void npu_lmem_unregister(void *data)
{
	struct npu_lmem *lmem = data;
	struct npu_lmem_area *area, *next;

	scoped_guard(mutex, &lmem->lock)
		list_for_each_entry_safe(area, next, &lmem->charged, charge)
			npu_lmem_uncharge_locked(area);
	dmem_cgroup_unregister_region(lmem->region);
}

static int npu_lmem_register(struct npu_device *ndev)
{
	struct npu_lmem *lmem = ndev->lmem;

	lmem->region = npu_cgroup_register_region(&ndev->base, "local", lmem->size);
	if (IS_ERR_OR_NULL(lmem->region))
		return PTR_ERR_OR_ZERO(lmem->region);
	return devm_add_action_or_reset(ndev->base.dev, npu_lmem_unregister, lmem);
}

/* ---- The allocator --------------------------------------------------------------------------- */

static void npu_lmem_fini(struct drm_device *dev, void *data)
{
	struct npu_lmem *lmem = data;

	if (lmem->size)
		gpu_buddy_fini(&lmem->buddy);
	mutex_destroy(&lmem->lock);
}

int npu_lmem_init(struct npu_device *ndev)
{
	u64 len = pci_resource_len(ndev->pdev, NPU_BAR_LMEM);
	struct npu_lmem *lmem;
	int ret;

	lmem = drmm_kzalloc(&ndev->base, sizeof(*lmem), GFP_KERNEL);
	if (!lmem)
		return -ENOMEM;
	mutex_init(&lmem->lock);
	INIT_LIST_HEAD(&lmem->charged);

	/* What the CPU cannot reach could not be cleared. */
	lmem->size = round_down(min(ndev->caps.lmem_size, len), PAGE_SIZE);
	if (lmem->size < ndev->caps.lmem_size)
		drm_info(&ndev->base, "%llu of %llu bytes of local memory are behind the BAR\n",
			 lmem->size, ndev->caps.lmem_size);
	if (lmem->size) {
		ret = pcim_request_region(ndev->pdev, NPU_BAR_LMEM, "npu");
		if (ret)
			return ret;
		lmem->base = pci_resource_start(ndev->pdev, NPU_BAR_LMEM);
		lmem->aperture = devm_ioremap_wc(ndev->base.dev, lmem->base, lmem->size);
		if (!lmem->aperture)
			return -ENOMEM;
		ret = gpu_buddy_init(&lmem->buddy, lmem->size, PAGE_SIZE);
		if (ret)
			return ret;
	}
	ndev->lmem = lmem;
	ret = drmm_add_action_or_reset(&ndev->base, npu_lmem_fini, lmem);
	if (ret)
		return ret;
	return npu_lmem_register(ndev);
}

u64 npu_lmem_usable(struct npu_device *ndev)
{
	return ndev->lmem->size;
}

void npu_lmem_query(struct npu_device *ndev, struct drm_npu_memory *memory)
{
	struct npu_lmem *lmem = ndev->lmem;

	guard(mutex)(&lmem->lock);
	memory->local_size = lmem->size;
	memory->local_free = lmem->size ? lmem->buddy.avail : 0;
}

/* Clears a step's worth. A card in reset drops writes. */
static int npu_lmem_clear_step(struct npu_device *ndev, void __iomem *p, u64 size)
{
	int ret = npu_reset_hold_wait(ndev);

	if (ret)
		return ret;
	memset_io(p, 0, size);
	/* Out of the write-combining buffers. */
	wmb();
	npu_reset_release(ndev);
	return 0;
}

static int npu_lmem_clear(struct npu_device *ndev, struct list_head *blocks)
{
	struct npu_lmem *lmem = ndev->lmem;
	struct gpu_buddy_block *block;

	list_for_each_entry(block, blocks, link) {
		void __iomem *p = lmem->aperture + gpu_buddy_block_offset(block);
		u64 left = gpu_buddy_block_size(&lmem->buddy, block);

		while (left) {
			u64 step = min_t(u64, left, NPU_LMEM_CLEAR_STEP);

			int ret = npu_lmem_clear_step(ndev, p, step);

			if (ret)
				return ret;
			if (fatal_signal_pending(current))
				return -EINTR;
			p += step;
			left -= step;
			cond_resched();
		}
	}
	return 0;
}

int npu_lmem_alloc(struct npu_device *ndev, u64 size, struct npu_lmem_area *area)
{
	struct npu_lmem *lmem = ndev->lmem;
	int ret;

	if (size > lmem->size)
		return -ENOSPC;

	ret = npu_lmem_charge(lmem, area, size);
	if (ret)
		return ret;
	scoped_guard(mutex, &lmem->lock)
		ret = gpu_buddy_alloc_blocks(&lmem->buddy, 0, lmem->size, size, PAGE_SIZE,
					     &area->blocks, 0);
	if (!ret)
		ret = npu_lmem_clear(ndev, &area->blocks);
	if (ret)
		npu_lmem_free(ndev, area);
	return ret;
}

void npu_lmem_free(struct npu_device *ndev, struct npu_lmem_area *area)
{
	struct npu_lmem *lmem = ndev->lmem;

	guard(mutex)(&lmem->lock);
	gpu_buddy_free_list(&lmem->buddy, &area->blocks, 0);
	npu_lmem_uncharge_locked(area);
}

struct sg_table *npu_lmem_get_sgt(struct npu_device *ndev, struct npu_lmem_area *area)
{
	struct gpu_buddy *buddy = &ndev->lmem->buddy;
	struct gpu_buddy_block *block;
	struct scatterlist *sg;
	struct sg_table *sgt;
	unsigned int n = 0;
	int ret;

	list_for_each_entry(block, &area->blocks, link)
		n += DIV_ROUND_UP_ULL(gpu_buddy_block_size(buddy, block), NPU_LMEM_SEG_MAX);

	sgt = kzalloc(sizeof(*sgt), GFP_KERNEL_ACCOUNT);
	if (!sgt)
		return ERR_PTR(-ENOMEM);
	ret = sg_alloc_table(sgt, n, GFP_KERNEL_ACCOUNT);
	if (ret) {
		kfree(sgt);
		return ERR_PTR(ret);
	}

	sg = sgt->sgl;
	list_for_each_entry(block, &area->blocks, link) {
		u64 offset = gpu_buddy_block_offset(block);
		u64 left = gpu_buddy_block_size(buddy, block);

		while (left) {
			u64 len = min(left, NPU_LMEM_SEG_MAX);

			sg_dma_address(sg) = offset;
			sg_dma_len(sg) = len;
			sg = sg_next(sg);
			offset += len;
			left -= len;
		}
	}
	return sgt;
}

void npu_lmem_copy(struct npu_device *ndev, u64 offset, void *mem, size_t bytes, bool write)
{
	void __iomem *p = ndev->lmem->aperture + offset;

	if (write)
		memcpy_toio(p, mem, bytes);
	else
		memcpy_fromio(mem, p, bytes);
	/* Out of the write-combining buffers. */
	wmb();
}

int npu_lmem_read(struct npu_device *ndev, u64 offset, void *to, size_t bytes)
{
	int idx, ret = -ENODEV;

	if (!npu_dev_enter(ndev, &idx))
		return ret;
	if (npu_reset_hold(ndev)) {
		npu_lmem_copy(ndev, offset, to, bytes, false);
		npu_reset_release(ndev);
		ret = 0;
	}
	npu_dev_exit(idx);
	return ret;
}

unsigned long npu_lmem_pfn(struct npu_device *ndev, u64 offset)
{
	return PHYS_PFN(ndev->lmem->base + offset);
}
