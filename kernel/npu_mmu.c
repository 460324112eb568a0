// SPDX-License-Identifier: GPL-2.0
/*
 * Copyright (c) 2026 the npu authors
 *
 * The card's address translation: context table, page tables, invalidation.
 *
 * What is promised: memory that was unmapped is not given to anybody else before the card has
 * forgotten its translation. So an update writes page tables, then invalidates, and only after the
 * acknowledgment (or, without one, after a reset) are page tables and, by the caller, pages
 * freed. Page tables live in coherent host memory; the card reads them by itself and caches
 * nothing of what is not valid, so that a first mapping needs no invalidation.
 *
 * The driver mirrors each table in a struct npu_pt, which counts the valid entries: a table that
 * has none left is taken out.
 *
 * Locks:
 *   npu_mmu.tlb_lock	one invalidation at a time; outside of npu_reset_hold()
 *   npu_mmu.pt_lock	list of all tables, and the freeing of their DMA memory, so that after the
 *			unbinding has taken it none is left or being freed
 *   npu_mmu_ctx.spare_lock  the context's spare tables; innermost
 * A context's tables have no lock: its owner executes one update at a time. No lock that is taken
 * in an update's execution is held anywhere while memory is allocated.
 */
#include <linux/cleanup.h>
#include <linux/dma-mapping.h>
#include <linux/idr.h>
#include <linux/iopoll.h>
#include <linux/scatterlist.h>

#include <drm/drm_managed.h>

#include "npu_drv.h"
#include "npu_mmu.h"
#include "npu_reset.h"

/* Address spaces of a card at a time. Id 0 is never valid, so that a zeroed descriptor faults. */
#define NPU_MMU_CONTEXTS	4096
/* Unused tables of each kind that a context keeps for its next update. */
#define NPU_MMU_SPARES 8

/* Levels whose tables have no tables below them, and those that do. */
enum { NPU_PT_LEAF, NPU_PT_UPPER };

struct npu_mmu {
	struct mutex tlb_lock;	/* the registers of an invalidation */
	struct mutex pt_lock;	/* @tables, and the freeing of their memory */
	struct list_head tables;
	struct npu_ctx_entry *contexts;
	dma_addr_t dma;
	struct ida ids;
};

/*
 * One page table. @node links it where it is not in use (spare or freed), @all in npu_mmu.tables.
 * @child mirrors the entries that point to tables; leaf tables have none.
 */
struct npu_pt {
	struct list_head node;
	struct list_head all;
	struct npu_mmu *mmu;
	struct device *dev;
	__le64 *entries;
	dma_addr_t dma;
	unsigned int used;
	struct npu_pt **child;
};

/*
 * @limbo: tables taken out of use that the card may still read, since it was lost before it could
 * acknowledge.
 */
struct npu_mmu_ctx {
	struct npu_device *ndev;
	struct npu_pt *root;
	struct list_head limbo;
	spinlock_t spare_lock;	/* @spare, @nspare */
	struct list_head spare[2];
	unsigned int nspare[2];
	u16 id;
};

/* ---- Tables ---- */

static struct npu_pt *npu_pt_alloc(struct npu_device *ndev, int kind)
{
	struct npu_mmu *mmu = ndev->mmu;
	struct npu_pt *pt;

	pt = kzalloc(sizeof(*pt), GFP_KERNEL_ACCOUNT);
	if (!pt)
		return NULL;
	if (kind == NPU_PT_UPPER) {
		pt->child = kcalloc(NPU_PT_ENTRIES, sizeof(*pt->child), GFP_KERNEL_ACCOUNT);
		if (!pt->child)
			goto err_free;
	}
	pt->mmu = mmu;
	pt->dev = ndev->base.dev;
	pt->entries = dma_alloc_coherent(pt->dev, NPU_PAGE_SIZE, &pt->dma, GFP_KERNEL_ACCOUNT);
	if (!pt->entries)
		goto err_free;

	scoped_guard(mutex, &mmu->pt_lock)
		list_add(&pt->all, &mmu->tables);
	return pt;

err_free:
	kfree(pt->child);
	kfree(pt);
	return NULL;
}

/* Gives the DMA memory back; with pt_lock held. */
static void npu_pt_release(struct npu_pt *pt)
{
	if (pt->entries)
		dma_free_coherent(pt->dev, NPU_PAGE_SIZE, pt->entries, pt->dma);
	pt->entries = NULL;
	list_del_init(&pt->all);
}

static void npu_pt_free(struct npu_pt *pt)
{
	scoped_guard(mutex, &pt->mmu->pt_lock)
		npu_pt_release(pt);
	kfree(pt->child);
	kfree(pt);
}

static void npu_pt_free_list(struct list_head *list)
{
	struct npu_pt *pt, *next;

	list_for_each_entry_safe(pt, next, list, node)
		npu_pt_free(pt);
	INIT_LIST_HEAD(list);
}

static void npu_pt_free_tree(struct npu_pt *pt)
{
	unsigned int i;

	for (i = 0; pt->child && i < NPU_PT_ENTRIES; i++)
		if (pt->child[i])
			npu_pt_free_tree(pt->child[i]);
	npu_pt_free(pt);
}

static u64 npu_pt_get(struct npu_pt *pt, unsigned int i)
{
	return le64_to_cpu(pt->entries[i]);
}

/* The card may read the entry at any moment: one store, after all that it refers to. */
static void npu_pt_set(struct npu_pt *pt, unsigned int i, u64 entry)
{
	u64 old = npu_pt_get(pt, i);

	pt->used += !!(entry & NPU_PTE_VALID) - !!(old & NPU_PTE_VALID);
	WRITE_ONCE(pt->entries[i], cpu_to_le64(entry));
}

static unsigned int npu_pt_index(u64 va, int level)
{
	return va >> NPU_PT_SHIFT(level) & (NPU_PT_ENTRIES - 1);
}

/* ---- Invalidation ---- */

/* Returns 0 once the card has forgotten, -ENODEV when it was lost before. */
static int npu_mmu_invalidate(struct npu_device *ndev, u32 cmd, u16 ctx, u64 start, u64 last)
{
	struct npu_mmu *mmu = ndev->mmu;
	u32 val = 0;
	int idx;

	if (!npu_dev_enter(ndev, &idx))
		return -ENODEV;
	mutex_lock(&mmu->tlb_lock);
	/* A card that is stopped comes back with an empty TLB. */
	if (npu_reset_hold(ndev)) {
		npu_write(ndev, NPU_REG_TLB_CTX, ctx);
		npu_write64(ndev, NPU_REG_TLB_START_LO, start);
		npu_write64(ndev, NPU_REG_TLB_LAST_LO, last);
		npu_write(ndev, NPU_REG_TLB_CMD, cmd);
		read_poll_timeout(npu_read, val, !val || val == NPU_ALL_ONES, 20, NPU_ACK_US, false,
				  ndev, NPU_REG_TLB_CMD);
		npu_reset_release(ndev);
	}
	mutex_unlock(&mmu->tlb_lock);
	npu_dev_exit(idx);
	if (!val)
		return 0;

	drm_err(&ndev->base, "an invalidation of context %u is not acknowledged\n", ctx);
	npu_reset_schedule(ndev, "invalidation not acknowledged");
	return npu_reset_wait(ndev);
}

/* ---- Updates: reserving ---- */

void npu_mmu_update_init(struct npu_mmu_update *update, struct npu_mmu_ctx *ctx)
{
	update->ctx = ctx;
	INIT_LIST_HEAD(&update->spare[NPU_PT_LEAF]);
	INIT_LIST_HEAD(&update->spare[NPU_PT_UPPER]);
	INIT_LIST_HEAD(&update->freed);
	update->start = U64_MAX;
	update->last = 0;
}

void npu_mmu_update_fini(struct npu_mmu_update *update)
{
	struct npu_mmu_ctx *ctx = update->ctx;
	int kind;

	for (kind = 0; kind < 2; kind++) {
		struct npu_pt *pt, *next;

		scoped_guard(spinlock, &ctx->spare_lock) {
			list_for_each_entry_safe(pt, next, &update->spare[kind], node) {
				if (ctx->nspare[kind] == NPU_MMU_SPARES)
					break;
				list_move(&pt->node, &ctx->spare[kind]);
				ctx->nspare[kind]++;
			}
		}
		npu_pt_free_list(&update->spare[kind]);
	}
	npu_pt_free_list(&update->freed);
}

static int npu_mmu_reserve(struct npu_mmu_update *update, int kind, u64 count)
{
	struct npu_mmu_ctx *ctx = update->ctx;

	while (count--) {
		struct npu_pt *pt;

		scoped_guard(spinlock, &ctx->spare_lock) {
			pt = list_first_entry_or_null(&ctx->spare[kind], struct npu_pt, node);
			if (pt) {
				list_del(&pt->node);
				ctx->nspare[kind]--;
			}
		}
		if (!pt)
			pt = npu_pt_alloc(ctx->ndev, kind);
		if (!pt)
			return -ENOMEM;
		list_add(&pt->node, &update->spare[kind]);
	}
	return 0;
}

/* A place in the memory to be mapped. */
struct npu_cursor {
	struct scatterlist *sg;
	u64 skip;
};

static void npu_cursor_advance(struct npu_cursor *cur, u64 bytes)
{
	cur->skip += bytes;
	while (cur->sg && cur->skip >= sg_dma_len(cur->sg)) {
		cur->skip -= sg_dma_len(cur->sg);
		cur->sg = sg_next(cur->sg);
	}
}

static struct npu_cursor npu_cursor_start(struct sg_table *sgt, u64 offset)
{
	struct npu_cursor cur = { .sg = sgt->sgl };

	npu_cursor_advance(&cur, offset);
	return cur;
}

static u64 npu_cursor_addr(const struct npu_cursor *cur)
{
	return sg_dma_address(cur->sg) + cur->skip;
}

/* How much of a mapping at @va goes in one piece: a large page, or what is left of a leaf table. */
static u64 npu_cursor_step(const struct npu_cursor *cur, u64 va, u64 size, bool *large)
{
	*large = IS_ALIGNED(va | npu_cursor_addr(cur), NPU_LARGE_PAGE_SIZE) &&
		 min(size, sg_dma_len(cur->sg) - cur->skip) >= NPU_LARGE_PAGE_SIZE;
	return min(size, NPU_LARGE_PAGE_SIZE - (va & (NPU_LARGE_PAGE_SIZE - 1)));
}

/* Tables of a level that a range touches. */
static u64 npu_mmu_span(u64 va, u64 last, int level)
{
	return (last >> NPU_PT_SHIFT(level + 1)) - (va >> NPU_PT_SHIFT(level + 1)) + 1;
}

int npu_mmu_update_reserve(struct npu_mmu_update *update, u64 va, u64 size, struct sg_table *sgt,
			   u64 offset)
{
	u64 last = va + size - 1;
	struct npu_cursor cur;
	u64 leaves = 0;
	int ret;

	/* An unmap splits at most the large pages that its ends are in. */
	if (!sgt) {
		leaves += !IS_ALIGNED(va, NPU_LARGE_PAGE_SIZE);
		leaves += !IS_ALIGNED(last + 1, NPU_LARGE_PAGE_SIZE);
		return npu_mmu_reserve(update, NPU_PT_LEAF, leaves);
	}

	ret = npu_mmu_reserve(update, NPU_PT_UPPER,
			      npu_mmu_span(va, last, 1) + npu_mmu_span(va, last, 2));
	if (ret)
		return ret;

	cur = npu_cursor_start(sgt, offset);
	while (size) {
		bool large;
		u64 step = npu_cursor_step(&cur, va, size, &large);

		leaves += !large;
		npu_cursor_advance(&cur, step);
		va += step;
		size -= step;
		cond_resched();
	}
	return npu_mmu_reserve(update, NPU_PT_LEAF, leaves);
}

/* ---- Updates: executing ---- */

static void npu_mmu_changed(struct npu_mmu_update *update, u64 va, u64 size)
{
	update->start = min(update->start, va);
	update->last = max(update->last, va + size - 1);
}

static struct npu_pt *npu_mmu_take(struct npu_mmu_update *update, int kind)
{
	struct npu_pt *pt = list_first_entry(&update->spare[kind], struct npu_pt, node);

	list_del(&pt->node);
	return pt;
}

/* Puts a table, whose content is complete, below another one. */
static void npu_mmu_link(struct npu_pt *pt, unsigned int i, struct npu_pt *child)
{
	pt->child[i] = child;
	/* The card must not follow the entry to a table that it then reads as it was before. */
	dma_wmb();
	npu_pt_set(pt, i, child->dma | NPU_PTE_VALID);
}

/* Takes a table, by now without meaning, from below another one. @va: any address under it. */
static void npu_mmu_unlink(struct npu_mmu_update *update, struct npu_pt *pt, int level,
			   unsigned int i, u64 va, u64 entry)
{
	u64 size = 1ull << NPU_PT_SHIFT(level);

	list_add(&pt->child[i]->node, &update->freed);
	pt->child[i] = NULL;
	npu_pt_set(pt, i, entry);
	npu_mmu_changed(update, va & ~(size - 1), size);
}

/* The level-1 table for an address. */
static struct npu_pt *npu_mmu_walk(struct npu_mmu_update *update, u64 va)
{
	struct npu_pt *pt = update->ctx->root;
	int level;

	for (level = NPU_PT_LEVELS - 1; level > 1; level--) {
		unsigned int i = npu_pt_index(va, level);

		if (!pt->child[i])
			npu_mmu_link(pt, i, npu_mmu_take(update, NPU_PT_UPPER));
		pt = pt->child[i];
	}
	return pt;
}

/* Makes a large page small ones, of the same meaning. */
static void npu_mmu_split(struct npu_mmu_update *update, struct npu_pt *pt, unsigned int i, u64 va)
{
	struct npu_pt *leaf = npu_mmu_take(update, NPU_PT_LEAF);
	u64 entry = npu_pt_get(pt, i) & ~NPU_PTE_LARGE;
	unsigned int k;

	for (k = 0; k < NPU_PT_ENTRIES; k++)
		npu_pt_set(leaf, k, entry + (u64)k * NPU_PAGE_SIZE);
	npu_mmu_link(pt, i, leaf);
	npu_mmu_changed(update, round_down(va, NPU_LARGE_PAGE_SIZE), NPU_LARGE_PAGE_SIZE);
}

static void npu_mmu_map_large(struct npu_mmu_update *update, u64 va, u64 entry)
{
	struct npu_pt *pt = npu_mmu_walk(update, va);
	unsigned int i = npu_pt_index(va, 1);

	entry |= NPU_PTE_LARGE;
	if (pt->child[i]) {
		npu_mmu_unlink(update, pt, 1, i, va, entry);
		return;
	}
	if (npu_pt_get(pt, i) & NPU_PTE_VALID)
		npu_mmu_changed(update, va, NPU_LARGE_PAGE_SIZE);
	npu_pt_set(pt, i, entry);
}

/* Maps pages of one leaf table. */
static void npu_mmu_map_small(struct npu_mmu_update *update, u64 va, u64 size,
			      struct npu_cursor cur, u64 attr)
{
	struct npu_pt *pt = npu_mmu_walk(update, va);
	unsigned int i = npu_pt_index(va, 1);

	if (!pt->child[i]) {
		if (npu_pt_get(pt, i) & NPU_PTE_VALID)
			npu_mmu_split(update, pt, i, va);
		else
			npu_mmu_link(pt, i, npu_mmu_take(update, NPU_PT_LEAF));
	}
	pt = pt->child[i];

	for (; size; va += NPU_PAGE_SIZE, size -= NPU_PAGE_SIZE) {
		i = npu_pt_index(va, 0);
		if (npu_pt_get(pt, i) & NPU_PTE_VALID)
			npu_mmu_changed(update, va, NPU_PAGE_SIZE);
		npu_pt_set(pt, i, npu_cursor_addr(&cur) | attr);
		npu_cursor_advance(&cur, NPU_PAGE_SIZE);
	}
}

void npu_mmu_update_map(struct npu_mmu_update *update, u64 va, u64 size, struct sg_table *sgt,
			u64 offset, u32 flags)
{
	struct npu_cursor cur = npu_cursor_start(sgt, offset);
	u64 attr = NPU_PTE_VALID | NPU_PTE_READ;

	if (!(flags & NPU_MMU_READONLY))
		attr |= NPU_PTE_WRITE;
	if (flags & NPU_MMU_LOCAL)
		attr |= NPU_PTE_LOCAL;

	while (size) {
		bool large;
		u64 step = npu_cursor_step(&cur, va, size, &large);

		if (large)
			npu_mmu_map_large(update, va, npu_cursor_addr(&cur) | attr);
		else
			npu_mmu_map_small(update, va, step, cur, attr);
		npu_cursor_advance(&cur, step);
		va += step;
		size -= step;
		cond_resched();
	}
}

/* Clears [va, last], which is under @pt. */
static void npu_mmu_clear(struct npu_mmu_update *update, struct npu_pt *pt, int level, u64 va,
			  u64 last)
{
	u64 span = 1ull << NPU_PT_SHIFT(level);
	u64 end;

	for (; va <= last; va = end + 1) {
		unsigned int i = npu_pt_index(va, level);

		end = min(va | (span - 1), last);
		if (!(npu_pt_get(pt, i) & NPU_PTE_VALID))
			continue;

		/* A large page of which some stays. */
		if (level && !pt->child[i] && end - va + 1 < span)
			npu_mmu_split(update, pt, i, va);

		if (level && pt->child[i]) {
			npu_mmu_clear(update, pt->child[i], level - 1, va, end);
			if (!pt->child[i]->used)
				npu_mmu_unlink(update, pt, level, i, va, 0);
			cond_resched();
		} else {
			npu_pt_set(pt, i, 0);
			npu_mmu_changed(update, va, end - va + 1);
		}
	}
}

void npu_mmu_update_unmap(struct npu_mmu_update *update, u64 va, u64 size)
{
	npu_mmu_clear(update, update->ctx->root, NPU_PT_LEVELS - 1, va, va + size - 1);
}

int npu_mmu_update_flush(struct npu_mmu_update *update)
{
	struct npu_mmu_ctx *ctx = update->ctx;
	int ret;

	if (update->start > update->last)
		return 0;
	ret = npu_mmu_invalidate(ctx->ndev, NPU_TLB_RANGE, ctx->id, update->start, update->last);
	if (ret)
		list_splice_init(&update->freed, &ctx->limbo);
	return ret;
}

/* ---- Contexts ---- */

struct npu_mmu_ctx *npu_mmu_ctx_create(struct npu_device *ndev)
{
	struct npu_mmu *mmu = ndev->mmu;
	struct npu_mmu_ctx *ctx;
	int id;

	ctx = kzalloc(sizeof(*ctx), GFP_KERNEL_ACCOUNT);
	if (!ctx)
		return ERR_PTR(-ENOMEM);
	ctx->ndev = ndev;
	spin_lock_init(&ctx->spare_lock);
	INIT_LIST_HEAD(&ctx->limbo);
	INIT_LIST_HEAD(&ctx->spare[NPU_PT_LEAF]);
	INIT_LIST_HEAD(&ctx->spare[NPU_PT_UPPER]);

	id = ida_alloc_range(&mmu->ids, 1, NPU_MMU_CONTEXTS - 1, GFP_KERNEL);
	if (id < 0)
		goto err_free;
	ctx->id = id;

	ctx->root = npu_pt_alloc(ndev, NPU_PT_UPPER);
	if (!ctx->root) {
		ida_free(&mmu->ids, id);
		id = -ENOMEM;
		goto err_free;
	}
	/* The root's zeros before its address. */
	dma_wmb();
	WRITE_ONCE(mmu->contexts[id].root, cpu_to_le64(ctx->root->dma | NPU_CTX_VALID));
	return ctx;

err_free:
	kfree(ctx);
	return ERR_PTR(id);
}

void npu_mmu_ctx_destroy(struct npu_mmu_ctx *ctx)
{
	struct npu_device *ndev = ctx->ndev;
	int idx;

	/* Also of a card that was given up, since it may be revived. */
	if (drm_dev_enter(&ndev->base, &idx)) {
		WRITE_ONCE(ndev->mmu->contexts[ctx->id].root, 0);
		drm_dev_exit(idx);
	}
	/* Lost or not: no job of the context runs, so a card that forgot nothing uses nothing. */
	npu_mmu_invalidate(ndev, NPU_TLB_CTX, ctx->id, 0, BIT_ULL(NPU_VA_BITS) - 1);

	npu_pt_free_list(&ctx->spare[NPU_PT_LEAF]);
	npu_pt_free_list(&ctx->spare[NPU_PT_UPPER]);
	npu_pt_free_list(&ctx->limbo);
	npu_pt_free_tree(ctx->root);
	ida_free(&ndev->mmu->ids, ctx->id);
	kfree(ctx);
}

u16 npu_mmu_ctx_id(struct npu_mmu_ctx *ctx)
{
	return ctx->id;
}

/* ---- The card ---- */

int npu_mmu_hw_init(struct npu_device *ndev)
{
	struct npu_mmu *mmu = ndev->mmu;

	npu_write64(ndev, NPU_REG_CTX_BASE_LO, mmu->dma);
	npu_write(ndev, NPU_REG_CTX_COUNT, NPU_MMU_CONTEXTS);
	/* Not what was written: nothing, or nothing of ours, is there. */
	if (npu_read(ndev, NPU_REG_CTX_COUNT) != NPU_MMU_CONTEXTS)
		return -ENODEV;
	return 0;
}

bool npu_mmu_hw_is_programmed(struct npu_device *ndev)
{
	return npu_read64(ndev, NPU_REG_CTX_BASE_LO) == ndev->mmu->dma &&
	       npu_read(ndev, NPU_REG_CTX_COUNT) == NPU_MMU_CONTEXTS;
}

static void npu_mmu_unbind(void *data)
{
	struct npu_mmu *mmu = data;
	struct npu_pt *pt, *next;

	guard(mutex)(&mmu->pt_lock);
	list_for_each_entry_safe(pt, next, &mmu->tables, all)
		npu_pt_release(pt);
}

static void npu_mmu_fini(struct drm_device *dev, void *data)
{
	struct npu_mmu *mmu = data;

	ida_destroy(&mmu->ids);
}

int npu_mmu_init(struct npu_device *ndev)
{
	struct device *dev = ndev->base.dev;
	struct npu_mmu *mmu;
	int ret;

	mmu = drmm_kzalloc(&ndev->base, sizeof(*mmu), GFP_KERNEL);
	if (!mmu)
		return -ENOMEM;
	INIT_LIST_HEAD(&mmu->tables);
	ret = drmm_mutex_init(&ndev->base, &mmu->tlb_lock);
	if (!ret)
		ret = drmm_mutex_init(&ndev->base, &mmu->pt_lock);
	if (ret)
		return ret;
	ida_init(&mmu->ids);
	ret = drmm_add_action_or_reset(&ndev->base, npu_mmu_fini, mmu);
	if (ret)
		return ret;

	mmu->contexts = dmam_alloc_coherent(dev, NPU_MMU_CONTEXTS * sizeof(*mmu->contexts),
					    &mmu->dma, GFP_KERNEL);
	if (!mmu->contexts)
		return -ENOMEM;
	ndev->mmu = mmu;
	return devm_add_action_or_reset(dev, npu_mmu_unbind, mmu);
}
