// SPDX-License-Identifier: MIT
/*
 * Copyright (c) 2026 the npu authors
 *
 * Address spaces: the walk, the TLBs, and memory as commands see it. See mmu.h for who holds which
 * lock.
 *
 * An access takes three steps: the page's leaf (from the TLB, else by a walk), permission, and
 * bytes at hand: local memory directly, host memory through a mapping that the TLB entry keeps, or
 * through one for this span alone where the host's mappings are not stable, or through the bounce
 * buffer where there is none.
 */
#include "mmu.h"

#include <string.h>

#define SMALL_SHIFT NPU_PT_SHIFT(0)
#define LARGE_SHIFT NPU_PT_SHIFT(1)

static int fail(struct npu_error *err, enum npu_status status, enum npu_reason reason,
		enum npu_access_kind access, uint64_t va)
{
	err->status = status;
	err->reason = reason;
	err->access = access;
	err->space = NPU_SPACE_MEM;
	err->addr = va;
	return -1;
}

/* Pages that one stay in the port may look up: whoever wants the port waits for them. */
#define LOOKS 64

/* ---- The walk -------------------------------------------------------------------------------- */

static enum npu_status read_root(struct npu_view *view, enum npu_reason *reason)
{
	struct npu_mmu *mmu = view->mmu;
	struct npu_ctx_entry entry;
	uint64_t addr;

	if (view->root_valid && view->root_ctx == view->ctx)
		return NPU_JOB_OK;
	*reason = NPU_REASON_CONTEXT;
	if (view->ctx >= atomic_load(&mmu->ctx_count))
		return NPU_JOB_FAULT;
	addr = atomic_load(&mmu->ctx_base) + (uint64_t)view->ctx * sizeof(entry);
	if (npu_bus_read(mmu->bus, addr, &entry, sizeof(entry)))
		return NPU_JOB_BUS;
	if (!(entry.root & NPU_CTX_VALID) || (entry.root & ~(NPU_PTE_ADDR | NPU_CTX_VALID)) ||
	    entry.reserved)
		return NPU_JOB_FAULT;
	view->root = entry.root & NPU_PTE_ADDR;
	view->root_ctx = view->ctx;
	view->root_valid = true;
	return NPU_JOB_OK;
}

/* What is wrong with a valid entry, if anything. */
static enum npu_reason check_entry(const struct npu_mmu *mmu, uint64_t pte, int level)
{
	bool leaf = level == 0 || (level == 1 && (pte & NPU_PTE_LARGE));
	uint64_t size = UINT64_C(1) << NPU_PT_SHIFT(level);
	uint64_t addr = pte & NPU_PTE_ADDR;

	if (pte & NPU_PTE_RESERVED)
		return NPU_REASON_BAD_PTE;
	if (!leaf) {
		if (pte & (NPU_PTE_READ | NPU_PTE_WRITE | NPU_PTE_LOCAL | NPU_PTE_LARGE))
			return NPU_REASON_BAD_PTE;
		return NPU_REASON_NONE;
	}
	if ((level == 0 && (pte & NPU_PTE_LARGE)) || addr % size)
		return NPU_REASON_BAD_PTE;
	if ((pte & NPU_PTE_LOCAL) && (addr >= mmu->lmem_size || mmu->lmem_size - addr < size))
		return NPU_REASON_RANGE;
	return NPU_REASON_NONE;
}

/* An injected error: a reserved bit in the first entry that is read. */
static bool meets_bad_pte(struct npu_view *view)
{
	uint32_t left = atomic_load_explicit(&view->mmu->bad_ptes, memory_order_relaxed);

	while (left) {
		if (view->looking ||
		    atomic_compare_exchange_weak(&view->mmu->bad_ptes, &left, left - 1))
			return true;
	}
	return false;
}

/* The leaf of @va and its level. */
static enum npu_status walk(struct npu_view *view, uint64_t va, uint64_t *pte, int *level,
			    enum npu_reason *reason)
{
	struct npu_bus *bus = view->mmu->bus;
	enum npu_status status = read_root(view, reason);
	uint64_t table = view->root;

	if (status)
		return status;
	*reason = NPU_REASON_BAD_PTE;
	if (meets_bad_pte(view))
		return NPU_JOB_FAULT;
	for (*level = NPU_PT_LEVELS - 1;; (*level)--) {
		uint64_t index = va >> NPU_PT_SHIFT(*level) & (NPU_PT_ENTRIES - 1);

		*reason = NPU_REASON_NONE;
		if (npu_bus_read64(bus, table + index * sizeof(*pte), pte))
			return NPU_JOB_BUS;
		*reason = NPU_REASON_NOT_PRESENT;
		if (!(*pte & NPU_PTE_VALID))
			return NPU_JOB_FAULT;
		*reason = check_entry(view->mmu, *pte, *level);
		if (*reason)
			return NPU_JOB_FAULT;
		if (*level == 0 || (*pte & NPU_PTE_LARGE))
			return NPU_JOB_OK;
		table = *pte & NPU_PTE_ADDR;
	}
}

/* ---- The TLB --------------------------------------------------------------------------------- */

static void entry_drop(struct npu_view *view, struct npu_tlb_entry *e)
{
	for (int w = 0; w < 2; w++) {
		if (e->map[w])
			npu_bus_unmap(view->mmu->bus, e->map[w]);
		e->map[w] = NULL;
	}
	e->valid = false;
}

static struct npu_tlb_entry *entry_of(struct npu_view *view, uint64_t va, bool large)
{
	uint64_t page = va >> (large ? LARGE_SHIFT : SMALL_SHIFT);

	if (large)
		return &view->large[(page ^ view->ctx) % NPU_TLB_LARGE];
	return &view->small[(page ^ view->ctx) % NPU_TLB_SMALL];
}

static bool entry_hits(const struct npu_view *view, const struct npu_tlb_entry *e, uint64_t page)
{
	return e->valid && e->page == page && e->ctx == view->ctx;
}

static struct npu_tlb_entry *lookup(struct npu_view *view, uint64_t va)
{
	struct npu_tlb_entry *e = entry_of(view, va, false);

	if (entry_hits(view, e, va >> SMALL_SHIFT))
		return e;
	e = entry_of(view, va, true);
	if (entry_hits(view, e, va >> LARGE_SHIFT))
		return e;
	return NULL;
}

static struct npu_tlb_entry *fill(struct npu_view *view, uint64_t va, enum npu_access_kind access,
				  struct npu_error *err)
{
	enum npu_reason reason = NPU_REASON_NONE;
	struct npu_tlb_entry *e;
	enum npu_status status;
	uint64_t pte;
	int level;

	status = walk(view, va, &pte, &level, &reason);
	if (status) {
		fail(err, status, status == NPU_JOB_BUS ? NPU_REASON_NONE : reason, access, va);
		return NULL;
	}
	e = entry_of(view, va, level == 1);
	entry_drop(view, e);
	e->page = va >> NPU_PT_SHIFT(level);
	e->pte = pte;
	e->ctx = view->ctx;
	e->valid = true;
	return e;
}

static bool in_range(const struct npu_tlb_entry *e, unsigned int shift, uint64_t first,
		     uint64_t last)
{
	return e->page << shift <= last && (e->page << shift) + (UINT64_C(1) << shift) - 1 >= first;
}

static void invalidate(struct npu_view *view, struct npu_tlb_entry *e, unsigned int count,
		       unsigned int shift, unsigned int kind, uint32_t ctx, uint64_t first,
		       uint64_t last)
{
	for (; count--; e++) {
		if (!e->valid || (kind != NPU_TLB_ALL && e->ctx != ctx))
			continue;
		if (kind != NPU_TLB_RANGE || in_range(e, shift, first, last))
			entry_drop(view, e);
	}
}

void npu_view_invalidate(struct npu_view *view, unsigned int kind, uint32_t ctx, uint64_t first,
			 uint64_t last)
{
	npu_port_exclude(view->port);
	invalidate(view, view->small, NPU_TLB_SMALL, SMALL_SHIFT, kind, ctx, first, last);
	invalidate(view, view->large, NPU_TLB_LARGE, LARGE_SHIFT, kind, ctx, first, last);
	if (kind == NPU_TLB_ALL || (kind == NPU_TLB_CTX && view->root_ctx == ctx))
		view->root_valid = false;
	npu_port_admit(view->port);
}

/* ---- Memory ---------------------------------------------------------------------------------- */

/* Host memory at bus address @span->phys, of which the page has @span->len bytes. */
static int reach_host(struct npu_view *view, struct npu_tlb_entry *e, struct npu_span *span)
{
	bool write = span->access == NPU_ACCESS_WRITE;
	struct npu_bus *bus = view->mmu->bus;
	uint64_t offset, len;

	if (bus->host.stable_map) {
		/* A mapping begins where it was first wanted, which may be in the middle of a large page. */
		if (e->map[write] && span->phys - e->map[write]->bus >= e->map[write]->len) {
			npu_bus_unmap(bus, e->map[write]);
			e->map[write] = NULL;
		}
		if (!e->map[write])
			e->map[write] = npu_bus_map(bus, span->phys, write);
		if (e->map[write]) {
			offset = span->phys - e->map[write]->bus;
			len = e->map[write]->len - offset;
			span->ptr = e->map[write]->ptr + offset;
			span->len = len < span->len ? len : span->len;
			return 0;
		}
	} else {
		len = span->len;
		view->held = bus->host.map(bus->opaque, span->phys, &len, write);
		if (view->held) {
			view->held_len = len;
			span->ptr = view->held;
			span->len = len;
			return 0;
		}
	}
	span->ptr = view->bounce;
	if (span->len > NPU_MMU_BOUNCE)
		span->len = NPU_MMU_BOUNCE;
	return write ? 0 : npu_bus_read(bus, span->phys, span->ptr, span->len);
}

/* Where @va is, with permission: all of @span but its pointer. Inside the port. */
static int translate(struct npu_view *view, uint64_t va, enum npu_access_kind access,
		     struct npu_span *span, struct npu_error *err)
{
	uint64_t need = access == NPU_ACCESS_WRITE ? NPU_PTE_WRITE : NPU_PTE_READ;
	struct npu_tlb_entry *e;
	uint64_t offset, size;

	if (va >> NPU_VA_BITS)
		return fail(err, NPU_JOB_FAULT, NPU_REASON_RANGE, access, va);
	e = lookup(view, va);
	if (!e)
		e = fill(view, va, access, err);
	if (!e)
		return -1;
	if (!(e->pte & need))
		return fail(err, NPU_JOB_FAULT, NPU_REASON_PERMISSION, access, va);
	size = e->pte & NPU_PTE_LARGE ? NPU_LARGE_PAGE_SIZE : NPU_PAGE_SIZE;
	offset = va & (size - 1);
	span->access = access;
	span->phys = (e->pte & NPU_PTE_ADDR) + offset;
	span->len = size - offset;
	span->local = e->pte & NPU_PTE_LOCAL;
	view->entry = e;
	view->va = va;
	return 0;
}

static int get_locked(struct npu_view *view, uint64_t va, uint64_t len, enum npu_access_kind access,
		      struct npu_span *span, struct npu_error *err)
{
	if (translate(view, va, access, span, err))
		return -1;
	span->room = span->len;
	if (span->len > len)
		span->len = len;
	if (span->local) {
		span->ptr = view->mmu->lmem + span->phys;
		return 0;
	}
	if (reach_host(view, view->entry, span))
		return fail(err, NPU_JOB_BUS, NPU_REASON_NONE, access, va);
	span->room = span->len;
	return 0;
}

static int view_get(struct npu_mem *mem, uint64_t va, uint64_t len, enum npu_access_kind access,
		    struct npu_span *span, struct npu_error *err)
{
	struct npu_view *view = (struct npu_view *)mem;

	if (atomic_load_explicit(&view->stop, memory_order_relaxed))
		return fail(err, NPU_JOB_ABORTED, NPU_REASON_NONE, access, va);
	if (!npu_port_enter(view->mmu->bus, view->port))
		return fail(err, NPU_JOB_BUS, NPU_REASON_NONE, access, va);
	view->held = NULL;
	if (!get_locked(view, va, len, access, span, err))
		return 0;
	npu_port_leave(view->port);
	return -1;
}

static int view_put(struct npu_mem *mem, struct npu_span *span, struct npu_error *err)
{
	struct npu_view *view = (struct npu_view *)mem;
	bool write = span->access == NPU_ACCESS_WRITE;
	struct npu_bus *bus = view->mmu->bus;
	int ret = 0;

	if (span->local) {
		if (write && bus->host.lmem_written)
			bus->host.lmem_written(bus->opaque, span->phys, span->len);
	} else if (span->ptr == view->bounce) {
		if (write && npu_bus_write(bus, span->phys, span->ptr, span->len))
			ret = fail(err, NPU_JOB_BUS, NPU_REASON_NONE, span->access, view->va);
	} else if (view->held) {
		bus->host.unmap(bus->opaque, view->held, view->held_len, write,
				write ? span->len : 0);
	} else if (write) {
		atomic_store_explicit(&view->entry->map[1]->dirty, true, memory_order_relaxed);
	}
	npu_port_leave(view->port);
	return ret;
}

void npu_view_look_end(struct npu_view *view)
{
	if (view->looks)
		npu_port_leave(view->port);
	view->looks = 0;
}

bool npu_view_look(struct npu_view *view, uint64_t va, enum npu_access_kind kind, uint64_t *key,
		   uint64_t *len)
{
	struct npu_span span;
	struct npu_error err;
	bool ok;

	if (atomic_load_explicit(&view->stop, memory_order_relaxed))
		return false;
	if (!view->looks) {
		if (!npu_port_enter(view->mmu->bus, view->port))
			return false;
		view->looks = LOOKS;
	}
	view->looking = true;
	ok = !translate(view, va, kind, &span, &err);
	view->looking = false;
	if (view->looks > 1)
		view->looks--;
	else
		npu_view_look_end(view);
	if (!ok)
		return false;
	*key = span.local ? NPU_KEY_LOCAL | span.phys : span.phys;
	*len = span.len;
	return true;
}

bool npu_view_resolve(struct npu_view *view, uint64_t va, enum npu_access_kind kind, uint64_t *key,
		      uint64_t *len)
{
	bool ok = npu_view_look(view, va, kind, key, len);

	npu_view_look_end(view);
	return ok;
}

static bool view_stopped(struct npu_mem *mem)
{
	struct npu_view *view = (struct npu_view *)mem;

	return atomic_load_explicit(&view->stop, memory_order_relaxed);
}

static const struct npu_mem_ops view_ops = {
	.get = view_get,
	.put = view_put,
	.stopped = view_stopped,
};

void npu_mmu_init(struct npu_mmu *mmu, struct npu_bus *bus, void *lmem, uint64_t lmem_size)
{
	mmu->bus = bus;
	mmu->lmem = lmem;
	mmu->lmem_size = lmem_size;
	atomic_init(&mmu->ctx_base, 0);
	atomic_init(&mmu->ctx_count, 0);
	atomic_init(&mmu->bad_ptes, 0);
}

void npu_view_init(struct npu_view *view, struct npu_mmu *mmu, struct npu_port *port)
{
	memset(view, 0, sizeof(*view));
	view->mem.ops = &view_ops;
	view->mmu = mmu;
	view->port = port;
}
