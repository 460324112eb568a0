/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Copyright (c) 2026 the npu authors
 *
 * The card's address translation: context table, page tables, invalidation.
 */
#ifndef NPU_MMU_H
#define NPU_MMU_H

#include <linux/list.h>
#include <linux/types.h>

struct npu_device;
struct npu_mmu_ctx;
struct sg_table;

/* Of npu_mmu_update_map(). */
#define NPU_MMU_READONLY	BIT(0)
#define NPU_MMU_LOCAL		BIT(1)	/* addresses are offsets in local memory */

/**
 * npu_mmu_init - makes the context table
 * @ndev: the card, its DMA mask set
 *
 * All page tables are freed when the card is unbound (devm, so after pci_driver.remove, which must
 * have stopped it).
 *
 * Return: 0 or a negative errno.
 */
int npu_mmu_init(struct npu_device *ndev);

/** npu_mmu_hw_init - tells an idle card its context table; at bring-up and after each reset */
int npu_mmu_hw_init(struct npu_device *ndev);

/** npu_mmu_hw_is_programmed - the card still knows it */
bool npu_mmu_hw_is_programmed(struct npu_device *ndev);

/**
 * npu_mmu_ctx_create - makes a context with nothing mapped
 * @ndev: the card; the caller is between npu_dev_enter() and npu_dev_exit()
 *
 * Return: the context, or ERR_PTR() of -ENOSPC when all ids are taken or -ENOMEM.
 */
struct npu_mmu_ctx *npu_mmu_ctx_create(struct npu_device *ndev);

/**
 * npu_mmu_ctx_destroy - takes all mappings of a context away and ends it
 * @ctx: the context; no job of it is on the card
 *
 * When it returns the card does not reach what was mapped any more. Sleeps.
 */
void npu_mmu_ctx_destroy(struct npu_mmu_ctx *ctx);

/** npu_mmu_ctx_id - its index in the context table */
u16 npu_mmu_ctx_id(struct npu_mmu_ctx *ctx);

/**
 * struct npu_mmu_update - changes to a context's mappings
 * @ctx: whose
 * @spare: page tables to take from, leaf and other ones
 * @freed: page tables no longer in use, not to be freed before an invalidation
 * @start: first address whose translation became another
 * @last: last such address; below @start when there is none
 *
 * An update has two halves. Reserving allocates whatever page tables the changes can need; several
 * updates of a context may be reserved at a time. Executing (map, unmap, flush) allocates nothing
 * and cannot fail for want of memory, so it may run in what signals fences; one update of a
 * context executes at a time, which the caller sees to.
 */
struct npu_mmu_update {
	struct npu_mmu_ctx *ctx;
	struct list_head spare[2];
	struct list_head freed;
	u64 start;
	u64 last;
};

/** npu_mmu_update_init - an update without changes */
void npu_mmu_update_init(struct npu_mmu_update *update, struct npu_mmu_ctx *ctx);

/** npu_mmu_update_fini - frees what was reserved and not used, and tables no longer in use */
void npu_mmu_update_fini(struct npu_mmu_update *update);

/**
 * npu_mmu_update_reserve - allocates page tables for one map or unmap
 * @update: the update
 * @va: first address, page multiple
 * @size: bytes, page multiple
 * @sgt: what will be mapped there, or NULL for an unmap
 * @offset: first byte of @sgt
 *
 * The caller is between npu_dev_enter() and npu_dev_exit().
 *
 * Return: 0 or -ENOMEM (npu_mmu_update_fini() frees what was reserved before).
 */
int npu_mmu_update_reserve(struct npu_mmu_update *update, u64 va, u64 size, struct sg_table *sgt,
			   u64 offset);

/**
 * npu_mmu_update_map - maps, over whatever is mapped there
 * @update: the update, reserved with the same arguments
 * @va: first address
 * @size: bytes
 * @sgt: what to map; long enough and page-aligned in all its parts
 * @offset: first byte of @sgt
 * @flags: NPU_MMU_*
 *
 * The caller is between npu_dev_enter() and npu_dev_exit(), as for npu_mmu_update_unmap().
 */
void npu_mmu_update_map(struct npu_mmu_update *update, u64 va, u64 size, struct sg_table *sgt,
			u64 offset, u32 flags);

/** npu_mmu_update_unmap - takes away whatever is mapped in a range */
void npu_mmu_update_unmap(struct npu_mmu_update *update, u64 va, u64 size);

/**
 * npu_mmu_update_flush - makes the card forget the translations that were changed
 * @update: the update, after its last change
 *
 * Not to be called between npu_dev_enter() and npu_dev_exit(): where the card does not answer, it
 * asks for a reset and waits until it has happened.
 *
 * Return: 0, after which the card does not reach what was unmapped; or -ENODEV when the card was
 * lost, after which it must be supposed to reach it until npu_mmu_ctx_destroy().
 */
int npu_mmu_update_flush(struct npu_mmu_update *update);

#endif
