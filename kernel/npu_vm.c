// SPDX-License-Identifier: GPL-2.0
/*
 * Copyright (c) 2026 the npu authors
 *
 * Address spaces: what a process's jobs see at which address. How they change is in npu_bind.c.
 *
 * An address space is a tree of mappings (drm_gpuvm), a context of the card, and a scheduler with
 * one entity that executes asynchronous binds.
 *
 * Lifetime: references are held by the id, by queues, by jobs and by binds that were not executed
 * yet. With the last one gone, a work on npu_release_wq (the scheduler cannot be ended from a work
 * of its own) ends the context on the card, and only then lets the buffers go. The drm_device
 * lives that long; page tables may go earlier, when the card is unbound.
 *
 * Locks: npu_vm.lock protects the tree, the order of binds and @limbo. Buffers' dma_resv locks,
 * which protect their lists of mappings, are inside of it; under those memory is allocated, so
 * nothing that signals fences takes either.
 */
#include <linux/cleanup.h>
#include <linux/dma-fence.h>
#include <linux/dma-resv.h>
#include <linux/seq_file.h>
#include <linux/slab.h>

#include <drm/drm_exec.h>
#include <drm/drm_managed.h>

#include "npu_drv.h"
#include "npu_dump.h"
#include "npu_gem.h"
#include "npu_mmu.h"
#include "npu_vm_impl.h"

/* Address spaces of a file at a time. */
#define NPU_MAX_VMS 64

/* ---- Mappings ---- */

void npu_vma_free(struct npu_vma *vma)
{
	struct drm_gem_object *obj = vma->base.gem.obj;

	/* The mapping's may be the last reference, and the lock is in the buffer. */
	drm_gem_object_get(obj);
	dma_resv_lock(obj->resv, NULL);
	drm_gpuva_unlink(&vma->base);
	dma_resv_unlock(obj->resv);
	drm_gem_object_put(obj);
	kfree(vma);
}

void npu_vma_free_list(struct list_head *list)
{
	struct npu_vma *vma, *next;

	list_for_each_entry_safe(vma, next, list, node)
		npu_vma_free(vma);
	INIT_LIST_HEAD(list);
}

/* ---- Lifetime ---- */

/* The end of npu_vm_release(): no mapping holds the address space any more. */
static void npu_vm_free(struct drm_gpuvm *gpuvm)
{
	struct npu_vm *vm = to_npu_vm(gpuvm);
	struct npu_device *ndev = vm->ndev;

	mutex_destroy(&vm->lock);
	kfree(vm);
	drm_dev_put(&ndev->base);
}

static const struct drm_gpuvm_ops npu_gpuvm_ops = {
	.vm_free = npu_vm_free,
	.sm_step_map = npu_bind_step_map,
	.sm_step_remap = npu_bind_step_remap,
	.sm_step_unmap = npu_bind_step_unmap,
};

static void npu_vm_release(struct work_struct *work)
{
	struct npu_vm *vm = container_of(work, struct npu_vm, release);
	struct drm_gpuva *va, *next;

	/* No bind is left, since each holds a reference. */
	drm_sched_entity_destroy(&vm->entity);
	drm_sched_fini(&vm->sched);
	dma_fence_put(vm->last);

	npu_mmu_ctx_destroy(vm->ctx);
	drm_gpuvm_for_each_va_safe(va, next, &vm->base) {
		drm_gpuva_remove(va);
		npu_vma_free(to_npu_vma(va));
	}
	npu_vma_free_list(&vm->limbo);
	drm_gpuvm_put(&vm->base);
}

static void npu_vm_last_ref(struct kref *refs)
{
	struct npu_vm *vm = container_of(refs, struct npu_vm, refs);

	queue_work(npu_release_wq, &vm->release);
}

struct npu_vm *npu_vm_get(struct npu_vm *vm)
{
	kref_get(&vm->refs);
	return vm;
}

void npu_vm_put(struct npu_vm *vm)
{
	kref_put(&vm->refs, npu_vm_last_ref);
}

struct npu_vm *npu_vm_lookup(struct npu_file *file, u32 id)
{
	struct npu_vm *vm;

	xa_lock(&file->vms);
	vm = xa_load(&file->vms, id);
	if (vm)
		npu_vm_get(vm);
	xa_unlock(&file->vms);
	return vm;
}

u16 npu_vm_ctx_id(struct npu_vm *vm)
{
	return npu_mmu_ctx_id(vm->ctx);
}

static int npu_vm_init_sched(struct npu_vm *vm)
{
	struct drm_gpu_scheduler *sched = &vm->sched;
	const struct drm_sched_init_args args = {
		.ops = &npu_bind_sched_ops,
		.submit_wq = vm->ndev->bind_wq,
		.num_rqs = 1,
		.credit_limit = 1,
		.timeout = MAX_SCHEDULE_TIMEOUT,
		.name = "npu-bind",
		.dev = vm->ndev->base.dev,
	};
	int ret;

	ret = npu_sched_init(sched, &args);
	if (ret)
		return ret;
	ret = drm_sched_entity_init(&vm->entity, DRM_SCHED_PRIORITY_KERNEL, &sched, 1, NULL);
	if (ret)
		drm_sched_fini(sched);
	return ret;
}

/* Between npu_dev_enter() and npu_dev_exit(). */
static struct npu_vm *npu_vm_create(struct npu_device *ndev)
{
	struct drm_gem_object *resv_obj;
	struct npu_vm *vm;
	int ret;

	vm = kzalloc(sizeof(*vm), GFP_KERNEL_ACCOUNT);
	if (!vm)
		return ERR_PTR(-ENOMEM);
	kref_init(&vm->refs);
	mutex_init(&vm->lock);
	INIT_LIST_HEAD(&vm->limbo);
	INIT_WORK(&vm->release, npu_vm_release);
	vm->ndev = ndev;
	vm->fence_context = dma_fence_context_alloc(1);

	vm->ctx = npu_mmu_ctx_create(ndev);
	if (IS_ERR(vm->ctx)) {
		ret = PTR_ERR(vm->ctx);
		goto err_free;
	}
	ret = npu_vm_init_sched(vm);
	if (ret)
		goto err_ctx;
	resv_obj = drm_gpuvm_resv_object_alloc(&ndev->base);
	if (!resv_obj) {
		ret = -ENOMEM;
		goto err_sched;
	}
	drm_dev_get(&ndev->base);
	drm_gpuvm_init(&vm->base, "npu", 0, &ndev->base, resv_obj, NPU_VA_START,
		       NPU_VA_END - NPU_VA_START, 0, 0, &npu_gpuvm_ops);
	drm_gem_object_put(resv_obj);
	return vm;

err_sched:
	drm_sched_entity_destroy(&vm->entity);
	drm_sched_fini(&vm->sched);
err_ctx:
	npu_mmu_ctx_destroy(vm->ctx);
err_free:
	mutex_destroy(&vm->lock);
	kfree(vm);
	return ERR_PTR(ret);
}

int npu_vm_lock(struct npu_vm *vm, struct drm_exec *exec, unsigned int num_fences)
{
	int ret;

	/* The first also keeps two callers from walking the list of the second at a time. */
	ret = drm_gpuvm_prepare_vm(&vm->base, exec, num_fences);
	if (ret)
		return ret;
	return drm_gpuvm_prepare_objects(&vm->base, exec, num_fences);
}

void npu_vm_add_fence(struct npu_vm *vm, struct drm_exec *exec, struct dma_fence *fence)
{
	drm_gpuvm_resv_add_fence(&vm->base, exec, fence, DMA_RESV_USAGE_BOOKKEEP,
				 DMA_RESV_USAGE_BOOKKEEP);
}

int npu_ioctl_vm_create(struct drm_device *dev, void *data, struct drm_file *filp)
{
	struct npu_device *ndev = to_npu_device(dev);
	struct npu_file *file = filp->driver_priv;
	struct drm_npu_vm_create *args = data;
	struct npu_vm *vm;
	int idx, ret;
	u32 id;

	if (args->flags) {
		drm_dbg(dev, "unknown address space flags %#x\n", args->flags);
		return -EINVAL;
	}
	if (!npu_dev_enter(ndev, &idx))
		return -ENODEV;
	vm = npu_vm_create(ndev);
	npu_dev_exit(idx);
	if (IS_ERR(vm))
		return PTR_ERR(vm);

	/* Known to others as soon as it has an id. */
	ret = xa_alloc(&file->vms, &id, vm, XA_LIMIT(1, NPU_MAX_VMS), GFP_KERNEL_ACCOUNT);
	if (ret) {
		npu_vm_put(vm);
		return ret == -EBUSY ? -ENOSPC : ret;
	}
	args->id = id;
	return 0;
}

int npu_ioctl_vm_destroy(struct drm_device *dev, void *data, struct drm_file *filp)
{
	struct npu_file *file = filp->driver_priv;
	struct drm_npu_vm_destroy *args = data;
	struct npu_vm *vm;

	if (args->pad) {
		drm_dbg(dev, "padding is not zero\n");
		return -EINVAL;
	}
	vm = xa_erase(&file->vms, args->id);
	if (!vm) {
		drm_dbg(dev, "no address space %u\n", args->id);
		return -ENOENT;
	}
	npu_vm_put(vm);
	return 0;
}

int npu_vm_file_open(struct npu_file *file)
{
	xa_init_flags(&file->vms, XA_FLAGS_ALLOC1);
	return 0;
}

void npu_vm_file_close(struct npu_file *file)
{
	struct npu_vm *vm;
	unsigned long id;

	xa_for_each(&file->vms, id, vm)
		npu_vm_put(vm);
	xa_destroy(&file->vms);
}

static void npu_vma_show(struct npu_vma *vma, struct seq_file *m)
{
	const struct drm_gpuva *va = &vma->base;
	bool readonly = vma->flags & DRM_NPU_VM_BIND_READONLY;
	bool local = npu_bo_is_local(to_npu_bo(va->gem.obj));

	seq_printf(m, "  %#014llx-%#014llx r%c %s +%#llx\n", va->va.addr,
		   va->va.addr + va->va.range - 1, readonly ? '-' : 'w',
		   local ? "local" : "system", va->gem.offset);
}

void npu_vm_show(struct npu_file *file, struct seq_file *m)
{
	struct npu_vm *entry;
	unsigned long id;

	xa_for_each(&file->vms, id, entry) {
		struct npu_vm *vm = npu_vm_lookup(file, id);
		struct drm_gpuva *va;

		if (!vm)
			continue;
		seq_printf(m, "vm %lu: context %u\n", id, npu_vm_ctx_id(vm));
		scoped_guard(mutex, &vm->lock) {
			drm_gpuvm_for_each_va(va, &vm->base)
				npu_vma_show(to_npu_vma(va), m);
		}
		npu_vm_put(vm);
	}
}

/* ---- Post-mortems ---- */

size_t npu_vm_read(struct npu_vm *vm, u64 va, void *to, size_t bytes)
{
	size_t done = 0;

	guard(mutex)(&vm->lock);
	while (done < bytes) {
		struct drm_gpuva *mapping = drm_gpuva_find_first(&vm->base, va + done, 1);
		u64 skip;
		size_t part;

		if (!mapping)
			break;
		skip = va + done - mapping->va.addr;
		part = min_t(u64, bytes - done, mapping->va.range - skip);
		if (npu_bo_read(to_npu_bo(mapping->gem.obj), mapping->gem.offset + skip, to + done,
				part))
			break;
		done += part;
	}
	return done;
}

static void npu_vma_dump(const struct npu_vma *vma, struct npu_dump_mapping *out)
{
	struct npu_bo *bo = to_npu_bo(vma->base.gem.obj);
	u32 flags = 0;

	if (vma->flags & DRM_NPU_VM_BIND_READONLY)
		flags |= NPU_DUMP_MAPPING_READONLY;
	if (npu_bo_is_local(bo))
		flags |= NPU_DUMP_MAPPING_LOCAL;
	if (READ_ONCE(bo->shared))
		flags |= NPU_DUMP_MAPPING_SHARED;
	*out = (struct npu_dump_mapping) {
		.addr = cpu_to_le64(vma->base.va.addr),
		.size = cpu_to_le64(vma->base.va.range),
		.offset = cpu_to_le64(vma->base.gem.offset),
		.buffer_size = cpu_to_le64(bo->shmem.base.size),
		.flags = cpu_to_le32(flags),
	};
}

void npu_vm_dump(struct npu_vm *vm, struct npu_dump *dump, u64 va, u32 max)
{
	struct npu_dump_mapping *out;
	struct drm_gpuva *mapping;
	u32 below = 0, skip, i = 0, n = 0;

	out = npu_dump_add(dump, NPU_DUMP_MAPPINGS, 0, max, sizeof(*out));
	if (!out)
		return;
	guard(mutex)(&vm->lock);
	drm_gpuvm_for_each_va(mapping, &vm->base)
		below += mapping->va.addr <= va;
	/* Half of them below the address, if there are so many. */
	skip = below > max / 2 ? below - max / 2 : 0;
	drm_gpuvm_for_each_va(mapping, &vm->base) {
		if (i++ < skip)
			continue;
		if (n == max)
			break;
		npu_vma_dump(to_npu_vma(mapping), &out[n++]);
	}
	npu_dump_trim(dump, n);
}

/* ---- The card ---- */

static void npu_vm_fini(struct drm_device *dev, void *data)
{
	destroy_workqueue(data);
}

int npu_vm_init(struct npu_device *ndev)
{
	ndev->bind_wq = alloc_workqueue("npu-bind", WQ_UNBOUND | WQ_MEM_RECLAIM, 0);
	if (!ndev->bind_wq)
		return -ENOMEM;
	return drmm_add_action_or_reset(&ndev->base, npu_vm_fini, ndev->bind_wq);
}
