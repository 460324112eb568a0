/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Copyright (c) 2026 the npu authors
 *
 * The card's local memory: who has which part of it.
 */
#ifndef NPU_LMEM_H
#define NPU_LMEM_H

#include <linux/types.h>

struct dmem_cgroup_pool_state;
struct drm_npu_memory;
struct npu_device;
struct sg_table;

/**
 * struct npu_lmem_area - local memory that somebody has
 * @blocks: where it is; empty before npu_lmem_alloc() and after npu_lmem_free()
 * @size: bytes
 * @pool: what it is charged to: the cgroup of who allocated it, or NULL where nobody counts or the
 *        card has gone
 * @charge: with @pool, among all that are charged
 */
struct npu_lmem_area {
	struct list_head blocks;
	u64 size;
	struct dmem_cgroup_pool_state *pool;
	struct list_head charge;
};

/**
 * npu_lmem_init - takes over the card's local memory
 * @ndev: the card, its BARs and capabilities known
 *
 * Return: 0 or a negative errno.
 */
int npu_lmem_init(struct npu_device *ndev);

/** npu_lmem_usable - bytes buffers can have in all; less than the card's if the BAR is smaller */
u64 npu_lmem_usable(struct npu_device *ndev);

/** npu_lmem_query - fills DEV_QUERY's block */
void npu_lmem_query(struct npu_device *ndev, struct drm_npu_memory *memory);

/**
 * npu_lmem_alloc - takes local memory and clears it
 * @ndev: the card; the caller is between npu_dev_enter() and npu_dev_exit()
 * @size: bytes, multiple of PAGE_SIZE, not zero
 * @area: to be filled; its list is empty
 *
 * Return: 0, -ENOSPC without enough of it, -ENOMEM without host memory or where the caller's cgroup
 * may have no more, -EINTR, -ENODEV.
 */
int npu_lmem_alloc(struct npu_device *ndev, u64 size, struct npu_lmem_area *area);

/** npu_lmem_free - gives local memory back; the card's presence does not matter */
void npu_lmem_free(struct npu_device *ndev, struct npu_lmem_area *area);

/** npu_lmem_get_sgt - a table whose DMA addresses are offsets in local memory; or an ERR_PTR() */
struct sg_table *npu_lmem_get_sgt(struct npu_device *ndev, struct npu_lmem_area *area);

/** npu_lmem_read - reads from it, by the processor; 0, or -ENODEV when the card is not there */
int npu_lmem_read(struct npu_device *ndev, u64 offset, void *to, size_t bytes);

/**
 * npu_lmem_copy - copies to or from it, by the processor
 * @ndev: the card, bound, awake, and not being reset
 * @offset: first byte
 * @mem: host memory
 * @bytes: so many
 * @write: to local memory
 */
void npu_lmem_copy(struct npu_device *ndev, u64 offset, void *mem, size_t bytes, bool write);

/** npu_lmem_pfn - page frame of an offset in local memory, in the aperture */
unsigned long npu_lmem_pfn(struct npu_device *ndev, u64 offset);

#endif
