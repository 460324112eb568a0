// SPDX-License-Identifier: GPL-2.0
/*
 * Copyright (c) 2026 the npu authors
 *
 * Buffers.
 *
 * A buffer in host memory is a GEM shmem object, imported dma-bufs included. A buffer in local
 * memory is a GEM object of its own functions; it is embedded in the same structure, so that the
 * rest of the driver knows one kind of buffer, and its sg_table has offsets in local memory in
 * place of bus addresses. Once pinned (bound the first time) a buffer stays where it is: nothing
 * is evicted.
 *
 * CPU mappings of local memory are made by faults, which wait for a card that is being reset; a
 * reset takes them away, as sleep does. When the card is gone the DRM core has zapped them, and the
 * next fault puts a dummy page of that buffer there.
 *
 * Local memory has no struct pages and there is no peer-to-peer path here, so a foreign device
 * cannot attach to a dma-buf of it (-EOPNOTSUPP); CPU mappings of such a dma-buf work, and so does
 * importing it back into the same card.
 *
 * Locks: the object's dma_resv lock protects the pages and @shared. npu_gem.lock protects the list
 * of buffers and covers all unmapping from the card, so that after the unbinding has taken it no
 * mapping is left or being undone; it is taken outside of dma_resv locks, never with one held.
 * npu_gem.local_lock protects the list of local buffers and what they are saved in; it is taken
 * inside of dma_resv locks, and memory is allocated under it.
 */
#include <linux/cleanup.h>
#include <linux/dma-buf.h>
#include <linux/dma-mapping.h>
#include <linux/highmem.h>
#include <linux/vmalloc.h>

#include <drm/drm_file.h>
#include <drm/drm_gem.h>
#include <drm/drm_gpuvm.h>
#include <drm/drm_managed.h>
#include <drm/drm_prime.h>

#include "npu_drv.h"
#include "npu_gem.h"
#include "npu_lmem.h"
#include "npu_pm.h"
#include "npu_reset.h"

NPU_IMPORT_NS_DMA_BUF;

struct npu_gem {
	struct mutex lock;	/* @bos, and all unmapping from the card */
	struct list_head bos;
	struct mutex local_lock;	/* @locals, @saving, their @saved */
	struct list_head locals;
	bool saving;
};

/* Pages put into a mapping of local memory by one fault. */
#define NPU_FAULT_AROUND 128

/* Pages of a buffer in host memory, at most: the array of them is one allocation. */
#define NPU_HOST_PAGES_MAX (INT_MAX / sizeof(struct page *))

/* ---- What both kinds share ---- */

static struct dma_buf *npu_bo_export(struct drm_gem_object *obj, int flags)
{
	struct drm_gpuvm_bo *vm_bo;

	/*
	 * From now on jobs leave their fences in this buffer too. Those already submitted need not:
	 * the buffer never moves, and implicit synchronisation is user space's to export.
	 */
	dma_resv_lock(obj->resv, NULL);
	to_npu_bo(obj)->shared = true;
	drm_gem_for_each_gpuvm_bo(vm_bo, obj)
		drm_gpuvm_bo_extobj_add(vm_bo);
	dma_resv_unlock(obj->resv);

	return drm_gem_prime_export(obj, flags);
}

static enum drm_gem_object_status npu_bo_status(struct drm_gem_object *obj)
{
	struct npu_bo *bo = to_npu_bo(obj);

	return bo->shmem.pages || bo->shmem.sgt ? DRM_GEM_OBJECT_RESIDENT : 0;
}

/* ---- Host memory ---- */

/* Takes a buffer's memory out of the card's reach; with npu_gem.lock held. */
static void npu_bo_unmap_dma(struct npu_bo *bo)
{
	struct drm_gem_object *obj = &bo->shmem.base;
	struct sg_table *sgt = bo->shmem.sgt;

	if (!sgt)
		return;
	/* The shmem helpers then find nothing to undo but the pages. */
	bo->shmem.sgt = NULL;
	if (obj->import_attach) {
		struct dma_buf_attachment *attach = obj->import_attach;

		/* Most exporters keep the mapping until the attachment goes. */
		bo->dma_buf = attach->dmabuf;
		obj->import_attach = NULL;
		dma_buf_unmap_attachment_unlocked(attach, sgt, DMA_BIDIRECTIONAL);
		dma_buf_detach(bo->dma_buf, attach);
		return;
	}
	dma_unmap_sgtable(obj->dev->dev, sgt, DMA_BIDIRECTIONAL, 0);
	sg_free_table(sgt);
	kfree(sgt);
}

static void npu_bo_free_work(struct work_struct *work)
{
	struct npu_bo *bo = container_of(work, struct npu_bo, free);
	struct drm_device *dev = bo->shmem.base.dev;
	struct npu_gem *gem = to_npu_device(dev)->gem;
	struct dma_buf *dma_buf;

	scoped_guard(mutex, &gem->lock) {
		list_del(&bo->node);
		npu_bo_unmap_dma(bo);
	}
	dma_buf = bo->dma_buf;
	drm_gem_shmem_free(&bo->shmem);
	/* Last, since the object's dma_resv is in it. */
	if (dma_buf)
		dma_buf_put(dma_buf);
	drm_dev_put(dev);
}

/*
 * The last reference may be drm_exec's, with other buffers' dma_resv locks held: not the place to
 * wait for this buffer's, which another device may hold, nor for npu_gem.lock.
 */
static void npu_bo_free(struct drm_gem_object *obj)
{
	struct npu_bo *bo = to_npu_bo(obj);

	drm_dev_get(obj->dev);
	INIT_WORK(&bo->free, npu_bo_free_work);
	queue_work(npu_release_wq, &bo->free);
}

static const struct drm_gem_object_funcs npu_bo_funcs = {
	.free = npu_bo_free,
	.export = npu_bo_export,
	.print_info = drm_gem_shmem_object_print_info,
	.pin = drm_gem_shmem_object_pin,
	.unpin = drm_gem_shmem_object_unpin,
	.get_sg_table = drm_gem_shmem_object_get_sg_table,
	.vmap = drm_gem_shmem_object_vmap,
	.vunmap = drm_gem_shmem_object_vunmap,
	.mmap = drm_gem_shmem_object_mmap,
	.vm_ops = &drm_gem_shmem_vm_ops,
	.status = npu_bo_status,
};

struct drm_gem_object *npu_gem_create_object(struct drm_device *dev, size_t size)
{
	struct npu_bo *bo;

	bo = kzalloc(sizeof(*bo), GFP_KERNEL_ACCOUNT);
	if (!bo)
		return ERR_PTR(-ENOMEM);
	INIT_LIST_HEAD(&bo->node);
	INIT_LIST_HEAD(&bo->area.blocks);
	bo->shmem.base.funcs = &npu_bo_funcs;
	return &bo->shmem.base;
}

static void npu_gem_add(struct npu_device *ndev, struct npu_bo *bo)
{
	guard(mutex)(&ndev->gem->lock);
	list_add_tail(&bo->node, &ndev->gem->bos);
}

static struct drm_gem_object *npu_bo_create_host(struct npu_device *ndev, u64 size, u32 flags)
{
	struct drm_gem_shmem_object *shmem;
	struct npu_bo *bo;

	/* All of it will be pinned at once, so more than there is need not be tried. */
	if (size >> PAGE_SHIFT > min_t(u64, totalram_pages(), NPU_HOST_PAGES_MAX))
		return ERR_PTR(-ENOMEM);
	shmem = drm_gem_shmem_create(&ndev->base, size);
	/* shmem says so when it has no memory for an inode; here that is what local memory says. */
	if (shmem == ERR_PTR(-ENOSPC))
		return ERR_PTR(-ENOMEM);
	if (IS_ERR(shmem))
		return ERR_CAST(shmem);
	bo = to_npu_bo(&shmem->base);
	bo->flags = flags;
	shmem->map_wc = flags & DRM_NPU_BO_WC;
	npu_gem_add(ndev, bo);
	return &shmem->base;
}

int npu_bo_pin(struct npu_bo *bo)
{
	struct sg_table *sgt;

	if (npu_bo_is_local(bo))
		return 0;
	sgt = drm_gem_shmem_get_pages_sgt(&bo->shmem);
	return PTR_ERR_OR_ZERO(sgt);
}

/* ---- Imported dma-bufs ---- */

/* The page tables hold whole pages only, and an exporter promises nothing. */
static int npu_bo_check_import(struct npu_bo *bo)
{
	struct drm_gem_object *obj = &bo->shmem.base;
	struct scatterlist *sg;
	u64 len = 0;
	int i;

	for_each_sgtable_dma_sg(bo->shmem.sgt, sg, i) {
		if ((sg_dma_address(sg) | sg_dma_len(sg)) & (NPU_PAGE_SIZE - 1)) {
			drm_dbg(obj->dev, "dma-buf with a part of %#x bytes at %pad\n",
				sg_dma_len(sg), &sg_dma_address(sg));
			return -EINVAL;
		}
		len += sg_dma_len(sg);
	}
	if (len < obj->size) {
		drm_dbg(obj->dev, "dma-buf of %zu bytes maps %llu\n", obj->size, len);
		return -EINVAL;
	}
	return 0;
}

struct drm_gem_object *npu_gem_prime_import(struct drm_device *dev, struct dma_buf *dma_buf)
{
	struct npu_device *ndev = to_npu_device(dev);
	struct drm_gem_object *obj;
	struct npu_bo *bo;
	int idx, ret;

	if (!npu_dev_enter(ndev, &idx))
		return ERR_PTR(-ENODEV);

	obj = drm_gem_prime_import(dev, dma_buf);
	/* One of our own comes back as the object it is. */
	if (!IS_ERR(obj) && obj->import_attach) {
		bo = to_npu_bo(obj);
		bo->shared = true;
		npu_gem_add(ndev, bo);
		ret = npu_bo_check_import(bo);
		if (ret) {
			drm_gem_object_put(obj);
			obj = ERR_PTR(ret);
		}
	}
	npu_dev_exit(idx);
	return obj;
}

/* What is behind an import may be ended by the unbinding, which waits for this. */
int npu_gem_prime_handle_to_fd(struct drm_device *dev, struct drm_file *filp, u32 handle, u32 flags,
			       int *fd)
{
	int idx, ret;

	if (!drm_dev_enter(dev, &idx))
		return -ENODEV;
	ret = drm_gem_prime_handle_to_fd(dev, filp, handle, flags, fd);
	drm_dev_exit(idx);
	return ret;
}

/* ---- Local memory ---- */

static void npu_bo_free_local(struct drm_gem_object *obj)
{
	struct npu_bo *bo = to_npu_bo(obj);

	scoped_guard(mutex, &to_npu_device(obj->dev)->gem->local_lock)
		list_del(&bo->node);
	vfree(bo->saved);
	if (bo->shmem.sgt) {
		sg_free_table(bo->shmem.sgt);
		kfree(bo->shmem.sgt);
	}
	npu_lmem_free(to_npu_device(obj->dev), &bo->area);
	if (bo->dummy)
		__free_page(bo->dummy);
	drm_gem_object_release(obj);
	kfree(bo);
}

/* Only foreign devices' attachments pin. */
static int npu_bo_pin_local(struct drm_gem_object *obj)
{
	drm_dbg(obj->dev, "a foreign device cannot attach to local memory\n");
	return -EOPNOTSUPP;
}

static struct sg_table *npu_bo_get_sg_table_local(struct drm_gem_object *obj)
{
	return ERR_PTR(-EOPNOTSUPP);
}

static int npu_bo_mmap_local(struct drm_gem_object *obj, struct vm_area_struct *vma)
{
	if (npu_vma_is_cow(vma))
		return -EINVAL;
	vm_flags_set(vma, VM_IO | VM_PFNMAP | VM_DONTEXPAND | VM_DONTDUMP);
	vma->vm_page_prot = pgprot_writecombine(vm_get_page_prot(vma->vm_flags));
	return 0;
}

static vm_fault_t npu_bo_fault_dummy(struct npu_bo *bo, struct vm_fault *vmf)
{
	struct page *page = READ_ONCE(bo->dummy);

	if (!page) {
		struct page *other;

		page = alloc_page(GFP_KERNEL_ACCOUNT | __GFP_ZERO);
		if (!page)
			return VM_FAULT_OOM;
		other = cmpxchg(&bo->dummy, NULL, page);
		if (other) {
			__free_page(page);
			page = other;
		}
	}
	return vmf_insert_pfn(vmf->vma, vmf->address, page_to_pfn(page));
}

/* Maps the page asked for and some that follow it, as far as local memory is contiguous. */
static vm_fault_t npu_bo_fault_around(struct npu_bo *bo, struct vm_fault *vmf, u64 offset)
{
	struct npu_device *ndev = to_npu_device(bo->shmem.base.dev);
	struct vm_area_struct *vma = vmf->vma;
	struct scatterlist *sg;
	unsigned long i, n;
	vm_fault_t ret;
	int k;

	for_each_sgtable_dma_sg(npu_bo_sgt(bo), sg, k) {
		if (offset < sg_dma_len(sg))
			break;
		offset -= sg_dma_len(sg);
	}
	if (!sg)
		return VM_FAULT_SIGBUS;

	n = min3((vma->vm_end - vmf->address) >> PAGE_SHIFT,
		 (unsigned long)(sg_dma_len(sg) - offset) >> PAGE_SHIFT,
		 (unsigned long)NPU_FAULT_AROUND);
	for (i = 0; i < n; i++) {
		unsigned long step = i << PAGE_SHIFT;

		ret = vmf_insert_pfn(vma, vmf->address + step,
				     npu_lmem_pfn(ndev, sg_dma_address(sg) + offset + step));
		/* Only the first was asked for. */
		if (ret != VM_FAULT_NOPAGE)
			return i ? VM_FAULT_NOPAGE : ret;
	}
	return VM_FAULT_NOPAGE;
}

static int npu_bo_fault_table(pte_t *pte, unsigned long addr, void *data)
{
	return 0;
}

/* The page tables beforehand: with a reset kept away, nothing may be allocated. */
static int npu_bo_fault_tables(struct vm_fault *vmf)
{
	struct vm_area_struct *vma = vmf->vma;
	unsigned long size = min(vma->vm_end - vmf->address,
				 (unsigned long)NPU_FAULT_AROUND << PAGE_SHIFT);

	return apply_to_page_range(vma->vm_mm, vmf->address, size, npu_bo_fault_table, NULL);
}

static vm_fault_t npu_bo_fault_local(struct vm_fault *vmf)
{
	struct drm_gem_object *obj = vmf->vma->vm_private_data;
	u64 offset = (u64)(vmf->pgoff - drm_vma_node_start(&obj->vma_node)) << PAGE_SHIFT;
	struct npu_device *ndev = to_npu_device(obj->dev);
	struct npu_bo *bo = to_npu_bo(obj);
	vm_fault_t ret = VM_FAULT_NOPAGE;
	bool held, wait;
	int idx;

	if (npu_bo_fault_tables(vmf))
		return VM_FAULT_OOM;
	/* A wedged card still has its memory. */
	if (!drm_dev_enter(obj->dev, &idx))
		return npu_bo_fault_dummy(bo, vmf);
	/*
	 * Asleep or in reset it does not answer, and what is written then is lost. What is mapped
	 * here goes when it falls asleep again or is reset.
	 */
	if (npu_pm_get(ndev)) {
		drm_dev_exit(idx);
		return VM_FAULT_SIGBUS;
	}
	held = npu_reset_hold(ndev);
	wait = !held && !npu_device_gone(ndev);
	if (!wait)
		ret = npu_bo_fault_around(bo, vmf, offset);
	if (held)
		npu_reset_release(ndev);
	npu_pm_put(ndev);
	drm_dev_exit(idx);
	/* Not in there: removing any card waits for who is. Then it faults again. */
	if (wait && npu_reset_look(ndev))
		return VM_FAULT_SIGBUS;
	return ret;
}

static const struct vm_operations_struct npu_bo_vm_ops_local = {
	.open = drm_gem_vm_open,
	.close = drm_gem_vm_close,
	.fault = npu_bo_fault_local,
};

static const struct drm_gem_object_funcs npu_bo_funcs_local = {
	.free = npu_bo_free_local,
	.export = npu_bo_export,
	.pin = npu_bo_pin_local,
	.get_sg_table = npu_bo_get_sg_table_local,
	.mmap = npu_bo_mmap_local,
	.vm_ops = &npu_bo_vm_ops_local,
	.status = npu_bo_status,
};

static int npu_bo_get_saved(struct npu_bo *bo)
{
	bo->saved = __vmalloc(bo->shmem.base.size, GFP_KERNEL | __GFP_NOWARN);
	return bo->saved ? 0 : -ENOMEM;
}

static int npu_gem_add_local(struct npu_device *ndev, struct npu_bo *bo)
{
	struct npu_gem *gem = ndev->gem;

	guard(mutex)(&gem->local_lock);
	list_add_tail(&bo->node, &gem->locals);
	return gem->saving ? npu_bo_get_saved(bo) : 0;
}

static struct drm_gem_object *npu_bo_create_local(struct npu_device *ndev, u64 size, u32 flags)
{
	struct drm_gem_object *obj;
	struct sg_table *sgt;
	struct npu_bo *bo;
	int ret;

	obj = npu_gem_create_object(&ndev->base, size);
	if (IS_ERR(obj))
		return obj;
	bo = to_npu_bo(obj);
	bo->flags = flags;
	obj->funcs = &npu_bo_funcs_local;
	drm_gem_private_object_init(&ndev->base, obj, size);

	/*
	 * Faults count from there, also those of mappings of a dma-buf made before anybody asked
	 * for the offset.
	 */
	ret = drm_gem_create_mmap_offset(obj);
	if (ret)
		goto err_put;
	ret = npu_pm_get(ndev);
	if (ret)
		goto err_put;
	ret = npu_lmem_alloc(ndev, size, &bo->area);
	npu_pm_put(ndev);
	if (ret)
		goto err_put;
	sgt = npu_lmem_get_sgt(ndev, &bo->area);
	if (IS_ERR(sgt)) {
		ret = PTR_ERR(sgt);
		goto err_put;
	}
	bo->shmem.sgt = sgt;
	ret = npu_gem_add_local(ndev, bo);
	if (ret)
		goto err_put;
	return obj;

err_put:
	drm_gem_object_put(obj);
	return ERR_PTR(ret);
}

/* ---- Sleep ---- */

void npu_gem_zap_local(struct npu_device *ndev)
{
	/*
	 * The host's memory goes as well, and comes back by faults. A list of what is local would
	 * want a lock under which memory is allocated, and a reset may wait for none.
	 */
	unmap_mapping_range(ndev->base.anon_inode->i_mapping, 0, 0, 1);
}

void npu_gem_end_save(struct npu_device *ndev)
{
	struct npu_gem *gem = ndev->gem;
	struct npu_bo *bo;

	guard(mutex)(&gem->local_lock);
	gem->saving = false;
	list_for_each_entry(bo, &gem->locals, node) {
		vfree(bo->saved);
		bo->saved = NULL;
	}
}

int npu_gem_begin_save(struct npu_device *ndev)
{
	struct npu_gem *gem = ndev->gem;
	struct npu_bo *bo;
	int ret = 0;

	scoped_guard(mutex, &gem->local_lock) {
		gem->saving = true;
		list_for_each_entry(bo, &gem->locals, node) {
			ret = npu_bo_get_saved(bo);
			if (ret)
				break;
		}
	}
	if (ret)
		npu_gem_end_save(ndev);
	return ret;
}

static void npu_bo_copy_saved(struct npu_bo *bo, bool write)
{
	struct npu_device *ndev = to_npu_device(bo->shmem.base.dev);
	void *mem = bo->saved;
	struct scatterlist *sg;
	int k;

	for_each_sgtable_dma_sg(npu_bo_sgt(bo), sg, k) {
		npu_lmem_copy(ndev, sg_dma_address(sg), mem, sg_dma_len(sg), write);
		mem += sg_dma_len(sg);
	}
}

int npu_gem_save_local(struct npu_device *ndev)
{
	struct npu_gem *gem = ndev->gem;
	struct npu_bo *bo;

	guard(mutex)(&gem->local_lock);
	list_for_each_entry(bo, &gem->locals, node) {
		if (!bo->saved)
			return -EBUSY;
		npu_bo_copy_saved(bo, false);
	}
	return 0;
}

void npu_gem_restore_local(struct npu_device *ndev)
{
	struct npu_gem *gem = ndev->gem;
	struct npu_bo *bo;

	guard(mutex)(&gem->local_lock);
	list_for_each_entry(bo, &gem->locals, node)
		if (bo->saved)
			npu_bo_copy_saved(bo, true);
}

/* ---- Reading ---- */

static int npu_bo_read_local(struct npu_bo *bo, u64 offset, void *to, size_t bytes)
{
	struct npu_device *ndev = to_npu_device(bo->shmem.base.dev);
	struct scatterlist *sg;
	int k, ret = 0;

	for_each_sgtable_dma_sg(npu_bo_sgt(bo), sg, k) {
		u64 len = sg_dma_len(sg), part;

		if (offset >= len) {
			offset -= len;
			continue;
		}
		part = min_t(u64, bytes, len - offset);
		ret = npu_lmem_read(ndev, sg_dma_address(sg) + offset, to, part);
		if (ret)
			return ret;
		to += part;
		bytes -= part;
		offset = 0;
		if (!bytes)
			return 0;
	}
	return -EINVAL;
}

int npu_bo_read(struct npu_bo *bo, u64 offset, void *to, size_t bytes)
{
	if (npu_bo_is_local(bo))
		return npu_bo_read_local(bo, offset, to, bytes);
	/* Pinned for as long as it is bound. */
	if (!bo->shmem.pages)
		return -EOPNOTSUPP;
	while (bytes) {
		struct page *page = bo->shmem.pages[offset >> PAGE_SHIFT];
		size_t part = min_t(size_t, bytes, PAGE_SIZE - offset_in_page(offset));

		memcpy_from_page(to, page, offset_in_page(offset), part);
		to += part;
		offset += part;
		bytes -= part;
	}
	return 0;
}

/* ---- The card's list ---- */

static void npu_gem_unbind(void *data)
{
	struct npu_gem *gem = data;
	struct npu_bo *bo;

	guard(mutex)(&gem->lock);
	list_for_each_entry(bo, &gem->bos, node)
		npu_bo_unmap_dma(bo);
}

int npu_gem_init(struct npu_device *ndev)
{
	struct npu_gem *gem;
	int ret;

	gem = drmm_kzalloc(&ndev->base, sizeof(*gem), GFP_KERNEL);
	if (!gem)
		return -ENOMEM;
	ret = drmm_mutex_init(&ndev->base, &gem->lock);
	if (ret)
		return ret;
	ret = drmm_mutex_init(&ndev->base, &gem->local_lock);
	if (ret)
		return ret;
	INIT_LIST_HEAD(&gem->bos);
	INIT_LIST_HEAD(&gem->locals);
	ndev->gem = gem;
	return devm_add_action_or_reset(ndev->base.dev, npu_gem_unbind, gem);
}

/* ---- What user space sees ---- */

static void npu_gem_count(struct drm_gem_object *obj, struct drm_memory_stats *stats)
{
	if (drm_gem_object_is_shared_for_memory_stats(obj))
		stats->shared += obj->size;
	else
		stats->private += obj->size;
	if (npu_bo_status(obj) & DRM_GEM_OBJECT_RESIDENT)
		stats->resident += obj->size;
}

void npu_gem_show_fdinfo(struct drm_printer *p, struct drm_file *filp)
{
	struct drm_memory_stats system = {}, local = {};
	struct drm_gem_object *obj;
	int id;

	spin_lock(&filp->table_lock);
	idr_for_each_entry(&filp->object_idr, obj, id)
		npu_gem_count(obj, npu_bo_is_local(to_npu_bo(obj)) ? &local : &system);
	spin_unlock(&filp->table_lock);

	drm_print_memory_stats(p, &system, DRM_GEM_OBJECT_RESIDENT, "system");
	drm_print_memory_stats(p, &local, DRM_GEM_OBJECT_RESIDENT, "local");
}

int npu_ioctl_bo_create(struct drm_device *dev, void *data, struct drm_file *filp)
{
	struct npu_device *ndev = to_npu_device(dev);
	struct drm_npu_bo_create *args = data;
	struct drm_gem_object *obj;
	int idx, ret;
	u64 size;

	if (args->flags & ~(DRM_NPU_BO_LOCAL | DRM_NPU_BO_WC)) {
		drm_dbg(dev, "unknown buffer flags %#x\n", args->flags);
		return -EINVAL;
	}
	if (!args->size || args->size > BIT_ULL(NPU_VA_BITS)) {
		drm_dbg(dev, "buffer of %llu bytes\n", args->size);
		return -EINVAL;
	}
	size = PAGE_ALIGN(args->size);

	if (!npu_dev_enter(ndev, &idx))
		return -ENODEV;
	if (args->flags & DRM_NPU_BO_LOCAL)
		obj = npu_bo_create_local(ndev, size, args->flags);
	else
		obj = npu_bo_create_host(ndev, size, args->flags);
	npu_dev_exit(idx);
	if (IS_ERR(obj))
		return PTR_ERR(obj);

	ret = drm_gem_handle_create(filp, obj, &args->handle);
	if (!ret)
		args->size = size;
	drm_gem_object_put(obj);
	return ret;
}

int npu_ioctl_bo_mmap_offset(struct drm_device *dev, void *data, struct drm_file *filp)
{
	struct drm_npu_bo_mmap_offset *args = data;
	struct drm_gem_object *obj;
	int ret;

	if (args->pad) {
		drm_dbg(dev, "padding is not zero\n");
		return -EINVAL;
	}
	obj = drm_gem_object_lookup(filp, args->handle);
	if (!obj) {
		drm_dbg(dev, "no buffer %u\n", args->handle);
		return -ENOENT;
	}
	if (obj->import_attach)
		ret = -EOPNOTSUPP;
	else
		ret = drm_gem_create_mmap_offset(obj);
	if (!ret)
		args->offset = drm_vma_node_offset_addr(&obj->vma_node);
	drm_gem_object_put(obj);
	return ret;
}

int npu_ioctl_bo_info(struct drm_device *dev, void *data, struct drm_file *filp)
{
	struct drm_npu_bo_info *args = data;
	struct drm_gem_object *obj;

	obj = drm_gem_object_lookup(filp, args->handle);
	if (!obj) {
		drm_dbg(dev, "no buffer %u\n", args->handle);
		return -ENOENT;
	}
	args->flags = to_npu_bo(obj)->flags;
	args->size = obj->size;
	args->imported = !!obj->import_attach;
	args->pad = 0;
	drm_gem_object_put(obj);
	return 0;
}
