/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Copyright (c) 2026 the npu authors
 *
 * Buffers, in host memory and in the card's local memory.
 */
#ifndef NPU_GEM_H
#define NPU_GEM_H

#include <linux/list.h>
#include <linux/workqueue.h>

#include <drm/drm_gem_shmem_helper.h>

#include <drm/npu_accel.h>

#include "npu_lmem.h"

struct drm_file;
struct drm_printer;
struct npu_device;

/**
 * struct npu_bo - a buffer
 * @shmem: GEM object; of a local buffer only its base and sgt are used
 * @flags: DRM_NPU_BO_*, as created
 * @shared: a dma-buf of it exists or existed, or it came in as one; set under the object's dma_resv
 *	lock and never cleared
 * @node: in the list of the card's buffers in host or in local memory, under that list's lock
 * @free: ends a buffer in host memory
 * @dma_buf: what an imported buffer, no longer attached to it, still holds
 * @area: of a local buffer, its local memory
 * @saved: of a local buffer, host memory for its contents while the system sleeps, or NULL
 * @dummy: of a local buffer, what CPU mappings show once the card is gone
 */
struct npu_bo {
	struct drm_gem_shmem_object shmem;
	u32 flags;
	bool shared;
	struct list_head node;
	struct work_struct free;
	struct dma_buf *dma_buf;
	struct npu_lmem_area area;
	void *saved;
	struct page *dummy;
};

static inline struct npu_bo *to_npu_bo(struct drm_gem_object *obj)
{
	return container_of(obj, struct npu_bo, shmem.base);
}

/* What struct drm_driver needs of this room. */
#define NPU_GEM_DRIVER_OPS \
	.gem_create_object = npu_gem_create_object, \
	.gem_prime_import = npu_gem_prime_import, \
	.prime_handle_to_fd = npu_gem_prime_handle_to_fd, \
	.gem_prime_import_sg_table = drm_gem_shmem_prime_import_sg_table

struct drm_gem_object *npu_gem_create_object(struct drm_device *dev, size_t size);
struct drm_gem_object *npu_gem_prime_import(struct drm_device *dev, struct dma_buf *dma_buf);
int npu_gem_prime_handle_to_fd(struct drm_device *dev, struct drm_file *filp, u32 handle, u32 flags,
			       int *fd);

/**
 * npu_bo_sgt - where a buffer's memory is for the card: bus addresses, or offsets in local memory
 * @bo: the buffer, after npu_bo_pin(), between npu_dev_enter() and npu_dev_exit()
 */
static inline struct sg_table *npu_bo_sgt(struct npu_bo *bo)
{
	return bo->shmem.sgt;
}

static inline bool npu_bo_is_local(struct npu_bo *bo)
{
	return bo->flags & DRM_NPU_BO_LOCAL;
}

/**
 * npu_gem_init - prepares the list of a card's buffers
 * @ndev: the card, before its node is registered
 *
 * When the card is unbound (devm, so after pci_driver.remove, which must have stopped it), all
 * buffers are unmapped from it.
 *
 * Return: 0 or a negative errno.
 */
int npu_gem_init(struct npu_device *ndev);

/**
 * npu_bo_pin - gives a buffer its memory and makes it reachable for the card, for good
 * @bo: the buffer; the caller is between npu_dev_enter() and npu_dev_exit()
 *
 * Takes the buffer's dma_resv lock.
 *
 * Return: 0, -ENOMEM or -EINTR.
 */
int npu_bo_pin(struct npu_bo *bo);

/**
 * npu_bo_read - reads a buffer that is bound somewhere, by the processor
 * @bo: the buffer
 * @offset: first byte
 * @to: to be filled
 * @bytes: so many
 *
 * Return: 0, or an error where it cannot be read: an imported one, a card that is gone.
 */
int npu_bo_read(struct npu_bo *bo, u64 offset, void *to, size_t bytes);

/** npu_gem_zap_local - takes all CPU mappings of local memory away; faults bring them back */
void npu_gem_zap_local(struct npu_device *ndev);

/**
 * npu_gem_begin_save - takes host memory for the contents of local memory
 * @ndev: the card
 *
 * Buffers that are created until npu_gem_end_save() get theirs as well.
 *
 * Return: 0 or -ENOMEM.
 */
int npu_gem_begin_save(struct npu_device *ndev);
void npu_gem_end_save(struct npu_device *ndev);

/** npu_gem_save_local - copies local memory there; nobody writes to it. 0 or -EBUSY: no memory */
int npu_gem_save_local(struct npu_device *ndev);

/** npu_gem_restore_local - copies it back */
void npu_gem_restore_local(struct npu_device *ndev);

/** npu_gem_show_fdinfo - drm-*-system and drm-*-local keys of a file */
void npu_gem_show_fdinfo(struct drm_printer *p, struct drm_file *filp);

int npu_ioctl_bo_create(struct drm_device *dev, void *data, struct drm_file *filp);
int npu_ioctl_bo_mmap_offset(struct drm_device *dev, void *data, struct drm_file *filp);
int npu_ioctl_bo_info(struct drm_device *dev, void *data, struct drm_file *filp);

#endif
