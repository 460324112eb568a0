// SPDX-License-Identifier: GPL-2.0
/*
 * Copyright (c) 2026 the npu authors
 *
 * VM_BIND: how an address space changes.
 *
 * A bind has three parts:
 *
 *   prepare	checks all arguments, pins the buffers, allocates page tables and all else that any
 *		of the operations can need. Whatever can fail fails here, and then nothing has
 *		happened.
 *   accept	changes the tree of mappings for all operations, in the order in which the calls are
 *		accepted.
 *   execute	writes the page tables and has the card forget what was there; for a synchronous
 *		call at once, for an asynchronous one by a scheduler job, when its syncobjs have
 *		signalled.
 *
 * So the tree says what the last accepted operation makes of the address space, and page tables
 * follow. A mapping that was taken out of the tree is kept, and with it its buffer, until the bind
 * that took it out has been executed. Binds execute one at a time and in order: asynchronous ones
 * because the scheduler has room for one, synchronous ones because they wait for these first.
 *
 * Jobs are ordered against binds by syncobjs alone. A job that uses what is not bound (yet, or any
 * more) gets a fault of its own.
 *
 * Locks: accepting, and executing a synchronous bind, hold npu_vm.lock. Executing in the scheduler
 * signals a fence: it takes neither that nor dma_resv locks, and allocates nothing.
 */
#include <linux/cleanup.h>
#include <linux/dma-fence.h>
#include <linux/dma-resv.h>
#include <linux/slab.h>

#include "npu_drv.h"
#include "npu_fence.h"
#include "npu_gem.h"
#include "npu_mmu.h"
#include "npu_sync.h"
#include "npu_vm_impl.h"

/* One operation of a bind. */
struct npu_bind_op {
	u32 type;
	u32 flags;
	u64 va;
	u64 size;
	u64 offset;
	struct npu_bo *bo;
	struct drm_gpuvm_bo *vm_bo;
};

/*
 * A VM_BIND.
 *
 * @base: scheduler job, of an asynchronous one
 * @fence: what user space sees of an asynchronous one
 * @spare: mappings for the tree to take
 * @removed: mappings taken out of the tree
 * @error: 0 once it has been executed well
 */
struct npu_bind {
	struct drm_sched_job base;
	struct npu_vm *vm;
	struct dma_fence *fence;
	struct npu_mmu_update update;
	struct list_head spare;
	struct list_head removed;
	struct work_struct cleanup;
	int error;
	u32 count;
	struct npu_bind_op ops[] __counted_by(count);
};

/* Mappings an operation can need: the new one, and what is left of an old one on either side. */
#define NPU_VMAS_PER_OP 3

/* ---- Execute ---- */

/*
 * Writes the page tables. Runs in what signals fences, so it allocates nothing and takes no lock
 * under which anybody allocates.
 */
static int npu_bind_execute(struct npu_bind *bind)
{
	struct npu_device *ndev = bind->vm->ndev;
	int idx;
	u32 i;

	if (!npu_dev_enter(ndev, &idx))
		return -ENODEV;
	for (i = 0; i < bind->count; i++) {
		struct npu_bind_op *op = &bind->ops[i];
		u32 flags = 0;

		if (op->type == DRM_NPU_VM_BIND_UNMAP) {
			npu_mmu_update_unmap(&bind->update, op->va, op->size);
			continue;
		}
		if (op->flags & DRM_NPU_VM_BIND_READONLY)
			flags |= NPU_MMU_READONLY;
		if (npu_bo_is_local(op->bo))
			flags |= NPU_MMU_LOCAL;
		npu_mmu_update_map(&bind->update, op->va, op->size, npu_bo_sgt(op->bo), op->offset,
				   flags);
	}
	npu_dev_exit(idx);
	return npu_mmu_update_flush(&bind->update);
}

static void npu_bind_put_vm_bo(struct drm_gpuvm_bo *vm_bo)
{
	struct drm_gem_object *obj = vm_bo->obj;

	drm_gem_object_get(obj);
	dma_resv_lock(obj->resv, NULL);
	drm_gpuvm_bo_put(vm_bo);
	dma_resv_unlock(obj->resv);
	drm_gem_object_put(obj);
}

/* Frees a bind, executed or not even accepted. */
static void npu_bind_free(struct npu_bind *bind)
{
	struct npu_vm *vm = bind->vm;
	struct npu_vma *vma, *next;
	u32 i;

	if (bind->error) {
		scoped_guard(mutex, &vm->lock)
			list_splice(&bind->removed, &vm->limbo);
	} else {
		npu_vma_free_list(&bind->removed);
	}
	list_for_each_entry_safe(vma, next, &bind->spare, node)
		kfree(vma);
	for (i = 0; i < bind->count; i++) {
		struct npu_bind_op *op = &bind->ops[i];

		if (op->vm_bo)
			npu_bind_put_vm_bo(op->vm_bo);
		if (op->bo)
			drm_gem_object_put(&op->bo->shmem.base);
	}
	npu_mmu_update_fini(&bind->update);
	kvfree(bind);
	npu_vm_put(vm);
}

static void npu_bind_cleanup(struct work_struct *work)
{
	struct npu_bind *bind = container_of(work, struct npu_bind, cleanup);

	dma_fence_put(bind->fence);
	npu_bind_free(bind);
}

static struct dma_fence *npu_bind_run_job(struct drm_sched_job *job)
{
	struct npu_bind *bind = container_of(job, struct npu_bind, base);
	bool cookie = dma_fence_begin_signalling();

	bind->error = npu_bind_execute(bind);
	if (bind->error)
		dma_fence_set_error(bind->fence, bind->error);
	npu_fence_signal(bind->fence);
	dma_fence_end_signalling(cookie);
	return NULL;
}

/* The scheduler asks only when a job's hardware fence is late, and these jobs have none. */
static enum drm_gpu_sched_stat npu_bind_timedout_job(struct drm_sched_job *job)
{
	return DRM_GPU_SCHED_STAT_ENODEV;
}

static void npu_bind_free_job(struct drm_sched_job *job)
{
	struct npu_bind *bind = container_of(job, struct npu_bind, base);

	drm_sched_job_cleanup(job);
	/* Takes dma_resv locks, for which the scheduler's work has no time. */
	queue_work(npu_release_wq, &bind->cleanup);
}

const struct drm_sched_backend_ops npu_bind_sched_ops = {
	.run_job = npu_bind_run_job,
	.timedout_job = npu_bind_timedout_job,
	.free_job = npu_bind_free_job,
};

/* ---- Prepare ---- */

static int npu_bind_check_op(struct drm_device *dev, const struct drm_npu_vm_bind_op *op, u32 i)
{
	u64 mask = NPU_PAGE_SIZE - 1;

	if (op->type != DRM_NPU_VM_BIND_MAP && op->type != DRM_NPU_VM_BIND_UNMAP) {
		drm_dbg(dev, "ops[%u]: unknown type %u\n", i, op->type);
		return -EINVAL;
	}
	if (op->pad || op->flags & ~DRM_NPU_VM_BIND_READONLY) {
		drm_dbg(dev, "ops[%u]: unknown flags %#x or padding\n", i, op->flags);
		return -EINVAL;
	}
	if (op->type == DRM_NPU_VM_BIND_UNMAP && (op->flags || op->handle || op->offset)) {
		drm_dbg(dev, "ops[%u]: flags, handle or offset of an unmap\n", i);
		return -EINVAL;
	}
	if (!op->size || (op->va | op->size | op->offset) & mask) {
		drm_dbg(dev, "ops[%u]: not in pages: va %#llx size %#llx offset %#llx\n", i, op->va,
			op->size, op->offset);
		return -EINVAL;
	}
	if (op->va < NPU_VA_START || op->va >= NPU_VA_END || op->size > NPU_VA_END - op->va) {
		drm_dbg(dev, "ops[%u]: out of the address space: va %#llx size %#llx\n", i, op->va,
			op->size);
		return -EINVAL;
	}
	return 0;
}

/* Takes over one operation and looks its buffer up. */
static int npu_bind_get_op(struct npu_bind *bind, struct drm_file *filp,
			   const struct drm_npu_array *array, u32 i)
{
	struct drm_device *dev = &bind->vm->ndev->base;
	struct npu_bind_op *op = &bind->ops[i];
	struct drm_npu_vm_bind_op user;
	struct drm_gem_object *obj;
	int ret;

	ret = npu_get_array_elem(&user, sizeof(user), array, i);
	if (!ret)
		ret = npu_bind_check_op(dev, &user, i);
	if (ret)
		return ret;

	op->type = user.type;
	op->flags = user.flags;
	op->va = user.va;
	op->size = user.size;
	op->offset = user.offset;
	if (op->type == DRM_NPU_VM_BIND_UNMAP)
		return 0;

	obj = drm_gem_object_lookup(filp, user.handle);
	if (!obj) {
		drm_dbg(dev, "ops[%u]: no buffer %u\n", i, user.handle);
		return -ENOENT;
	}
	op->bo = to_npu_bo(obj);
	if (op->offset >= obj->size || op->size > obj->size - op->offset) {
		drm_dbg(dev, "ops[%u]: beyond buffer %u of %zu bytes\n", i, user.handle, obj->size);
		return -EINVAL;
	}
	return 0;
}

static int npu_bind_reserve_map(struct npu_bind *bind, struct npu_bind_op *op)
{
	struct drm_gem_object *obj = &op->bo->shmem.base;
	struct drm_gpuvm_bo *vm_bo;
	int ret;

	ret = npu_bo_pin(op->bo);
	if (ret)
		return ret;

	ret = dma_resv_lock_interruptible(obj->resv, NULL);
	if (ret)
		return ret;
	vm_bo = drm_gpuvm_bo_obtain_locked(&bind->vm->base, obj);
	if (!IS_ERR(vm_bo)) {
		op->vm_bo = vm_bo;
		/* Only what others have too needs to know of our jobs. */
		if (op->bo->shared)
			drm_gpuvm_bo_extobj_add(vm_bo);
	}
	dma_resv_unlock(obj->resv);
	if (IS_ERR(vm_bo))
		return PTR_ERR(vm_bo);

	return npu_mmu_update_reserve(&bind->update, op->va, op->size, npu_bo_sgt(op->bo),
				      op->offset);
}

/* Gets all that executing the operations can need. */
static int npu_bind_reserve(struct npu_bind *bind)
{
	int idx, ret = 0;
	u32 i, k;

	for (i = 0; i < bind->count; i++) {
		for (k = 0; k < NPU_VMAS_PER_OP; k++) {
			struct npu_vma *vma = kzalloc(sizeof(*vma), GFP_KERNEL_ACCOUNT);

			if (!vma)
				return -ENOMEM;
			list_add(&vma->node, &bind->spare);
		}
	}

	if (!npu_dev_enter(bind->vm->ndev, &idx))
		return -ENODEV;
	for (i = 0; i < bind->count && !ret; i++) {
		struct npu_bind_op *op = &bind->ops[i];

		if (op->type == DRM_NPU_VM_BIND_MAP)
			ret = npu_bind_reserve_map(bind, op);
		else
			ret = npu_mmu_update_reserve(&bind->update, op->va, op->size, NULL, 0);
	}
	npu_dev_exit(idx);
	return ret;
}

/* Takes over a reference to the address space, when it succeeds. */
static struct npu_bind *npu_bind_create(struct npu_vm *vm, struct drm_file *filp,
					const struct drm_npu_array *ops)
{
	struct npu_bind *bind;
	int ret;
	u32 i;

	bind = kvzalloc(struct_size(bind, ops, ops->count), GFP_KERNEL_ACCOUNT);
	if (!bind)
		return ERR_PTR(-ENOMEM);
	bind->vm = npu_vm_get(vm);
	bind->count = ops->count;
	INIT_LIST_HEAD(&bind->spare);
	INIT_LIST_HEAD(&bind->removed);
	INIT_WORK(&bind->cleanup, npu_bind_cleanup);
	npu_mmu_update_init(&bind->update, vm->ctx);

	/* All arguments are looked at before anything is allocated for any of them. */
	for (i = 0; i < bind->count; i++) {
		ret = npu_bind_get_op(bind, filp, ops, i);
		if (ret)
			goto err_free;
	}
	ret = npu_bind_reserve(bind);
	if (ret)
		goto err_free;
	return bind;

err_free:
	npu_bind_free(bind);
	return ERR_PTR(ret);
}

/* ---- Accept ---- */

static void npu_vma_link(struct npu_vma *vma, struct drm_gpuvm_bo *vm_bo)
{
	dma_resv_lock(vm_bo->obj->resv, NULL);
	drm_gpuva_link(&vma->base, vm_bo);
	dma_resv_unlock(vm_bo->obj->resv);
}

/* What the callbacks of drm_gpuvm_sm_map() and _unmap() work on. */
struct npu_bind_step {
	struct npu_bind *bind;
	const struct npu_bind_op *op;
};

static struct npu_vma *npu_bind_step_take(struct npu_bind_step *step, u32 flags)
{
	struct npu_vma *vma = list_first_entry(&step->bind->spare, struct npu_vma, node);

	list_del(&vma->node);
	vma->flags = flags;
	return vma;
}

int npu_bind_step_map(struct drm_gpuva_op *op, void *priv)
{
	struct npu_bind_step *step = priv;
	struct npu_vma *vma = npu_bind_step_take(step, step->op->flags);

	drm_gpuva_map(&step->bind->vm->base, &vma->base, &op->map);
	npu_vma_link(vma, step->op->vm_bo);
	return 0;
}

int npu_bind_step_remap(struct drm_gpuva_op *op, void *priv)
{
	struct npu_vma *old = to_npu_vma(op->remap.unmap->va);
	struct npu_vma *prev = NULL, *next = NULL;
	struct npu_bind_step *step = priv;

	if (op->remap.prev)
		prev = npu_bind_step_take(step, old->flags);
	if (op->remap.next)
		next = npu_bind_step_take(step, old->flags);

	drm_gpuva_remap(prev ? &prev->base : NULL, next ? &next->base : NULL, &op->remap);
	if (prev)
		npu_vma_link(prev, old->base.vm_bo);
	if (next)
		npu_vma_link(next, old->base.vm_bo);
	list_add_tail(&old->node, &step->bind->removed);
	return 0;
}

int npu_bind_step_unmap(struct drm_gpuva_op *op, void *priv)
{
	struct npu_vma *vma = to_npu_vma(op->unmap.va);
	struct npu_bind_step *step = priv;

	drm_gpuva_unmap(&op->unmap);
	list_add_tail(&vma->node, &step->bind->removed);
	return 0;
}

/* Makes the tree what it will be after the bind; with the lock held. */
static void npu_bind_accept(struct npu_bind *bind)
{
	struct drm_gpuvm *gpuvm = &bind->vm->base;
	u32 i;

	lockdep_assert_held(&bind->vm->lock);
	for (i = 0; i < bind->count; i++) {
		struct npu_bind_op *op = &bind->ops[i];
		struct npu_bind_step step = { .bind = bind, .op = op };
		int ret;

		if (op->type == DRM_NPU_VM_BIND_MAP)
			ret = npu_gpuvm_sm_map(gpuvm, &step, op->va, op->size,
					       &op->bo->shmem.base, op->offset);
		else
			ret = drm_gpuvm_sm_unmap(gpuvm, &step, op->va, op->size);
		/* The ranges were checked, and no step fails. */
		drm_WARN_ON(gpuvm->drm, ret);
	}
}

static int npu_bind_async(struct npu_bind *bind, struct npu_syncs *syncs, struct drm_file *filp)
{
	struct npu_vm *vm = bind->vm;
	bool cookie;
	int ret;

	bind->fence = npu_fence_alloc();
	if (!bind->fence)
		return -ENOMEM;
	ret = npu_sched_job_init(&bind->base, &vm->entity, 1, vm, filp->client_id);
	if (ret)
		goto err_fence;
	ret = npu_syncs_add_deps(syncs, &bind->base);
	if (!ret)
		ret = mutex_lock_interruptible(&vm->lock);
	if (ret)
		goto err_job;

	npu_fence_init(bind->fence, vm->fence_context, ++vm->fence_seqno);
	npu_bind_accept(bind);
	dma_fence_put(vm->last);
	vm->last = dma_fence_get(bind->fence);
	cookie = dma_fence_begin_signalling();
	npu_syncs_signal(syncs, bind->fence);
	drm_sched_job_arm(&bind->base);
	drm_sched_entity_push_job(&bind->base);
	dma_fence_end_signalling(cookie);
	mutex_unlock(&vm->lock);
	return 0;

err_job:
	drm_sched_job_cleanup(&bind->base);
err_fence:
	npu_fence_free(bind->fence);
	return ret;
}

/* Takes the lock with no asynchronous bind outstanding. */
static int npu_vm_lock_idle(struct npu_vm *vm)
{
	for (;;) {
		struct dma_fence *fence;
		int ret;

		ret = mutex_lock_interruptible(&vm->lock);
		if (ret)
			return ret;
		fence = vm->last;
		if (!fence || dma_fence_is_signaled(fence))
			return 0;
		dma_fence_get(fence);
		mutex_unlock(&vm->lock);

		ret = dma_fence_wait(fence, true);
		dma_fence_put(fence);
		if (ret)
			return ret;
	}
}

/* Nothing has happened as long as it waits, so a signal may have the call made again. */
static int npu_bind_sync(struct npu_bind *bind)
{
	struct npu_vm *vm = bind->vm;
	int ret;

	ret = npu_vm_lock_idle(vm);
	if (ret)
		return ret;
	npu_bind_accept(bind);
	bind->error = npu_bind_execute(bind);
	ret = bind->error;
	mutex_unlock(&vm->lock);
	return ret;
}

int npu_ioctl_vm_bind(struct drm_device *dev, void *data, struct drm_file *filp)
{
	struct drm_npu_vm_bind *args = data;
	struct npu_bind *bind;
	struct npu_syncs syncs;
	struct npu_vm *vm;
	bool async = args->flags & DRM_NPU_VM_BIND_ASYNC;
	int ret;

	if (args->flags & ~DRM_NPU_VM_BIND_ASYNC) {
		drm_dbg(dev, "unknown bind flags %#x\n", args->flags);
		return -EINVAL;
	}
	if (!async && args->syncs.count) {
		drm_dbg(dev, "syncobjs of a synchronous bind\n");
		return -EINVAL;
	}
	ret = npu_check_array(dev, &args->ops, sizeof(struct drm_npu_vm_bind_op), NPU_MAX_BINDS);
	if (ret)
		return ret;
	if (!args->ops.count) {
		drm_dbg(dev, "a bind without operations\n");
		return -EINVAL;
	}

	vm = npu_vm_lookup(filp->driver_priv, args->vm_id);
	if (!vm) {
		drm_dbg(dev, "no address space %u\n", args->vm_id);
		return -ENOENT;
	}
	ret = npu_syncs_get(&syncs, filp, &args->syncs);
	if (ret)
		goto out_vm;
	bind = npu_bind_create(vm, filp, &args->ops);
	if (IS_ERR(bind)) {
		ret = PTR_ERR(bind);
		goto out_syncs;
	}

	if (async) {
		ret = npu_bind_async(bind, &syncs, filp);
		/* An accepted one is its job's. */
		if (ret)
			npu_bind_free(bind);
	} else {
		ret = npu_bind_sync(bind);
		npu_bind_free(bind);
	}
out_syncs:
	npu_syncs_put(&syncs);
out_vm:
	npu_vm_put(vm);
	return ret;
}
