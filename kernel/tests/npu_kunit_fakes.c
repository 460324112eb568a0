// SPDX-License-Identifier: GPL-2.0
/*
 * Copyright (c) 2026 the npu authors
 *
 * What stands for the rest of the driver in the KUnit tests; see npu_kunit.h.
 */
#include <linux/dma-mapping.h>
#include <linux/module.h>

#include <kunit/device.h>

#include "npu_kunit.h"
#include "../npu_dump.h"
#include "../npu_event.h"
#include "../npu_gem.h"
#include "../npu_pm.h"
#include "../npu_reset.h"
#include "../npu_ring_impl.h"
#include "../npu_sync.h"
#include "../npu_vm_impl.h"

struct workqueue_struct *npu_release_wq;

unsigned int npu_kunit_invalidations;
unsigned int npu_kunit_resets;
unsigned int npu_kunit_ring_resets;
unsigned int npu_kunit_bans;

/* ---- The card -------------------------------------------------------------------------------- */

static const struct drm_driver npu_kunit_driver = {
	.name = "npu-kunit",
};

struct npu_device *npu_kunit_device(struct kunit *test)
{
	struct npu_device *ndev;
	struct device *dev;
	void *regs;

	npu_kunit_invalidations = 0;
	npu_kunit_resets = 0;
	npu_kunit_ring_resets = 0;
	npu_kunit_bans = 0;

	dev = kunit_device_register(test, "npu");
	KUNIT_ASSERT_NOT_ERR_OR_NULL(test, dev);
	KUNIT_ASSERT_EQ(test, dma_set_mask_and_coherent(dev, DMA_BIT_MASK(NPU_DMA_BITS)), 0);
	ndev = devm_drm_dev_alloc(dev, &npu_kunit_driver, struct npu_device, base);
	KUNIT_ASSERT_NOT_ERR_OR_NULL(test, ndev);
	regs = devm_kzalloc(dev, NPU_DOORBELL(NPU_MAX_RINGS), GFP_KERNEL);
	KUNIT_ASSERT_NOT_NULL(test, regs);
	ndev->regs = (void __iomem __force *)regs;
	ndev->caps.cores = NPU_KUNIT_CORES;
	ndev->caps.clock_khz = USEC_PER_SEC;
	return ndev;
}

void npu_kunit_write(struct npu_device *ndev, u32 reg, u32 value)
{
	/* Done by the time that anybody looks. */
	if (reg == NPU_REG_TLB_CMD) {
		npu_kunit_invalidations++;
		return;
	}
	writel(value, ndev->regs + reg);
}

/* ---- npu_reset.c ----------------------------------------------------------------------------- */

bool npu_reset_hold(struct npu_device *ndev)
{
	return true;
}

int npu_reset_hold_wait(struct npu_device *ndev)
{
	return 0;
}

void npu_reset_release(struct npu_device *ndev)
{
}

void npu_reset_schedule(struct npu_device *ndev, const char *reason)
{
	npu_kunit_resets++;
}

void npu_reset_schedule_ring(struct npu_ring *ring)
{
	npu_kunit_ring_resets++;
}

int npu_reset_wait(struct npu_device *ndev)
{
	return 0;
}

/* ---- npu_event.c ----------------------------------------------------------------------------- */

void npu_event_banned(struct npu_queue *queue, const struct drm_npu_result *result)
{
	npu_kunit_bans++;
}

void npu_event_ring_reset(struct npu_device *ndev, const char *stage, unsigned int ring)
{
}

void npu_event_ecc(struct npu_device *ndev, u32 corrected, u32 uncorrected)
{
}

void npu_event_thermal(struct npu_device *ndev, bool throttled)
{
}

/* ---- npu_pm.c, npu_dump.c, npu_ring_dump.c --------------------------------------------------- */

int npu_pm_get(struct npu_device *ndev)
{
	return 0;
}

void npu_pm_put(struct npu_device *ndev)
{
}

void *npu_dump_add(struct npu_dump *dump, enum npu_dump_type type, u32 index, u32 count, u32 stride)
{
	return NULL;
}

void npu_dump_trim(struct npu_dump *dump, u32 count)
{
}

void npu_ring_dump_begin(struct npu_ring *ring, enum npu_dump_reason reason)
{
}

void npu_ring_dump_end(struct npu_ring *ring, const struct npu_slot *slot,
		       const struct npu_completion *cpl, const struct npu_side_table *table,
		       int error)
{
}

/* ---- npu_vm.c -------------------------------------------------------------------------------- */

struct npu_vm *npu_vm_lookup(struct npu_file *file, u32 id)
{
	return NULL;
}

struct npu_vm *npu_vm_get(struct npu_vm *vm)
{
	return vm;
}

void npu_vm_put(struct npu_vm *vm)
{
}

u16 npu_vm_ctx_id(struct npu_vm *vm)
{
	return NPU_KUNIT_CONTEXT;
}

int npu_vm_lock(struct npu_vm *vm, struct drm_exec *exec, unsigned int num_fences)
{
	return 0;
}

void npu_vm_add_fence(struct npu_vm *vm, struct drm_exec *exec, struct dma_fence *fence)
{
}

void npu_vma_free_list(struct list_head *list)
{
}

/* ---- npu_sync.c, npu_gem.c, npu_drv.c -------------------------------------------------------- */

int npu_syncs_get(struct npu_syncs *syncs, struct drm_file *filp,
		  const struct drm_npu_array *array)
{
	return -EOPNOTSUPP;
}

int npu_syncs_add_deps(struct npu_syncs *syncs, struct drm_sched_job *job)
{
	return -EOPNOTSUPP;
}

void npu_syncs_signal(struct npu_syncs *syncs, struct dma_fence *fence)
{
}

void npu_syncs_put(struct npu_syncs *syncs)
{
}

int npu_bo_pin(struct npu_bo *bo)
{
	return -EOPNOTSUPP;
}

int npu_get_array_elem(void *dst, size_t size, const struct drm_npu_array *array, u32 i)
{
	return -EOPNOTSUPP;
}

int npu_check_array(struct drm_device *dev, const struct drm_npu_array *array, u32 min_stride,
		    u32 max)
{
	return -EOPNOTSUPP;
}

int npu_put_block(u64 pointer, u32 *size, const void *data, size_t len)
{
	return -EOPNOTSUPP;
}

MODULE_DESCRIPTION("Tests of npu.ko without a card");
MODULE_AUTHOR("the npu authors");
MODULE_LICENSE("GPL");
