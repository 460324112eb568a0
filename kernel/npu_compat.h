/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Copyright (c) 2026 the npu authors
 *
 * All that differs between the kernels this driver is built for, 6.12 to 7.x, and what made it
 * differ. The driver is written for the newest; here older ones are brought to its form. DRM's
 * interfaces change inside a stable series, so Kbuild looks into the headers and defines
 * NPU_HAVE_*; nothing asks for the kernel's version.
 */
#ifndef NPU_COMPAT_H
#define NPU_COMPAT_H

#include <linux/dma-fence.h>
#include <linux/mm.h>
#include <linux/module.h>
#include <linux/workqueue.h>

#include <drm/drm_drv.h>
#include <drm/drm_gpuvm.h>
#include <drm/gpu_scheduler.h>

/* A namespace's name became a string in 6.13. */
#ifdef NPU_HAVE_IMPORT_NS_SYMBOL
#define NPU_IMPORT_NS_DMA_BUF MODULE_IMPORT_NS(DMA_BUF)
#else
#define NPU_IMPORT_NS_DMA_BUF MODULE_IMPORT_NS("DMA_BUF")
#endif

/* is_cow_mapping() became vma_is_cow_mapping() in 7.x. */
static inline bool npu_vma_is_cow(const struct vm_area_struct *vma)
{
	return (vma->vm_flags & (VM_SHARED | VM_MAYWRITE)) == VM_MAYWRITE;
}

/* A feature flag until 6.18; since then drm_gpuvm needs none. */
#ifdef NPU_HAVE_DRIVER_GEM_GPUVA
#define NPU_DRIVER_GEM_GPUVA DRIVER_GEM_GPUVA
#else
#define NPU_DRIVER_GEM_GPUVA 0
#endif

/* The buddy allocator left DRM for linux/gpu_buddy.h in 7.0; stable kernels took it over. */
#ifdef NPU_HAVE_GPU_BUDDY
#include <linux/gpu_buddy.h>
#else
#include <drm/drm_buddy.h>

#define gpu_buddy drm_buddy
#define gpu_buddy_block drm_buddy_block
#define gpu_buddy_init drm_buddy_init
#define gpu_buddy_fini drm_buddy_fini
#define gpu_buddy_alloc_blocks drm_buddy_alloc_blocks
#define gpu_buddy_free_list drm_buddy_free_list
#define gpu_buddy_block_offset drm_buddy_block_offset
#define gpu_buddy_block_size drm_buddy_block_size
#endif

/*
 * Limits of devices' memory for cgroups came in 6.14, and without that controller they are stubs.
 * In 7.3 a region's size comes in a structure, beside operations to make room; without eviction
 * there are none.
 */
#ifdef NPU_HAVE_CGROUP_DMEM
#include <linux/cgroup_dmem.h>
#else
struct dmem_cgroup_region;
struct dmem_cgroup_pool_state;

static inline int dmem_cgroup_try_charge(struct dmem_cgroup_region *region, u64 size,
					 struct dmem_cgroup_pool_state **pool,
					 struct dmem_cgroup_pool_state **limit)
{
	*pool = NULL;
	return 0;
}

static inline void dmem_cgroup_uncharge(struct dmem_cgroup_pool_state *pool, u64 size)
{
}

static inline void dmem_cgroup_unregister_region(struct dmem_cgroup_region *region)
{
}
#endif

/* Named as DRM's helper does it, which ties a region to the structure's life, not the card's. */
static inline struct dmem_cgroup_region *
npu_cgroup_register_region(struct drm_device *dev, const char *name, u64 size)
{
#if defined(NPU_HAVE_CGROUP_DMEM_INIT)
	const struct dmem_cgroup_init init = { .size = size };

	return dmem_cgroup_register_region(&init, "drm/%s/%s", dev->unique, name);
#elif defined(NPU_HAVE_CGROUP_DMEM)
	return dmem_cgroup_register_region(size, "drm/%s/%s", dev->unique, name);
#else
	return NULL;
#endif
}

/*
 * Since 7.0 a fence that has signalled detaches from its operations, if they need nothing released.
 * Before, it is given those of @stub, which are the kernel's and need nothing released either.
 */
static inline void npu_fence_detach(struct dma_fence *fence, struct dma_fence *stub)
{
#ifndef NPU_HAVE_FENCE_DETACH
	WRITE_ONCE(fence->ops, stub->ops);
#endif
}

/*
 * The lock to give to dma_fence_init(). In 7.x a fence got one of its own. Before, lockdep keeps
 * looking at the key of its class and its name for as long as the fence lives, so they are not
 * this module's but the kernel's: a key is an address only, and @stub has one that nobody else uses
 * as a key.
 */
static inline spinlock_t *npu_fence_init_lock(spinlock_t *lock, struct dma_fence *stub)
{
#ifdef NPU_HAVE_FENCE_INLINE_LOCK
	return NULL;
#else
	spin_lock_init(lock);
#ifdef CONFIG_LOCKDEP
	lockdep_set_class_and_name(lock, (struct lock_class_key *)stub->ops,
				   stub->ops->get_driver_name(stub));
#endif
	return lock;
#endif
}

/* Renamed when immediate mode got a variant with another lock (6.19). */
#ifndef NPU_HAVE_GPUVM_BO_OBTAIN_LOCKED
#define drm_gpuvm_bo_obtain_locked drm_gpuvm_bo_obtain
#endif

/* drm_gpuvm_sm_map() took its arguments one by one until 6.18. */
static inline int npu_gpuvm_sm_map(struct drm_gpuvm *gpuvm, void *priv, u64 addr, u64 range,
				   struct drm_gem_object *obj, u64 offset)
{
#ifdef NPU_HAVE_GPUVM_MAP_REQ
	const struct drm_gpuvm_map_req req = {
		.map.va.addr = addr,
		.map.va.range = range,
		.map.gem.obj = obj,
		.map.gem.offset = offset,
	};

	return drm_gpuvm_sm_map(gpuvm, priv, &req);
#else
	return drm_gpuvm_sm_map(gpuvm, priv, addr, range, obj, offset);
#endif
}

/* A work queue whose works run where they were queued. That was the default until 6.17. */
#ifdef NPU_HAVE_WQ_PERCPU
#define NPU_WQ_PERCPU WQ_PERCPU
#else
#define NPU_WQ_PERCPU 0
#endif

/**
 * npu_sched_init - drm_sched_init() with an argument structure on all kernels
 *
 * The structure came in 6.15; stable kernels took it over.
 */
#ifdef NPU_HAVE_SCHED_INIT_ARGS
#define npu_sched_init drm_sched_init
#else
struct drm_sched_init_args {
	const struct drm_sched_backend_ops *ops;
	struct workqueue_struct *submit_wq;
	struct workqueue_struct *timeout_wq;
	u32 num_rqs;
	u32 credit_limit;
	unsigned int hang_limit;
	long timeout;
	atomic_t *score;
	const char *name;
	struct device *dev;
};

static inline int npu_sched_init(struct drm_gpu_scheduler *sched,
				 const struct drm_sched_init_args *args)
{
	return drm_sched_init(sched, args->ops, args->submit_wq, args->num_rqs, args->credit_limit,
			      args->hang_limit, args->timeout, args->timeout_wq, args->score,
			      args->name, args->dev);
}
#endif

/* The client's id, for tracepoints, came in 6.17; stable kernels took it over. */
static inline int npu_sched_job_init(struct drm_sched_job *job, struct drm_sched_entity *entity,
				     u32 credits, void *owner, u64 client_id)
{
#ifdef NPU_HAVE_SCHED_JOB_CLIENT_ID
	return drm_sched_job_init(job, entity, credits, owner, client_id);
#else
	return drm_sched_job_init(job, entity, credits, owner);
#endif
}

#endif
