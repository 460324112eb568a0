/* SPDX-License-Identifier: MIT */
/*
 * Copyright (c) 2026 the npu authors
 *
 * Address spaces: what the cores share of them (struct npu_mmu) and each core's view, its TLB,
 * which is the struct npu_mem its commands use.
 *
 * A view belongs to its core's thread. Everything in it that an invalidation changes is protected
 * by the lock of its port, which a core holds from npu_mem_get() to npu_mem_put(); so an
 * invalidation that has been through all ports knows that every access translated before has ended.
 */
#ifndef NPU_CARD_MMU_H
#define NPU_CARD_MMU_H

#include "bus.h"
#include "isa.h"
#include "mem.h"

#define NPU_TLB_SMALL  1024
#define NPU_TLB_LARGE  256
#define NPU_MMU_BOUNCE 4096

/**
 * struct npu_mmu - what all cores share
 * @bus: host memory
 * @lmem: local memory
 * @lmem_size: its bytes
 * @ctx_base: registers NPU_REG_CTX_BASE and _COUNT
 * @ctx_count: likewise
 * @bad_ptes: walks left that find a reserved bit set (injected)
 */
struct npu_mmu {
	struct npu_bus *bus;
	uint8_t *lmem;
	uint64_t lmem_size;
	_Atomic uint64_t ctx_base;
	_Atomic uint32_t ctx_count;
	_Atomic uint32_t bad_ptes;
};

/**
 * struct npu_tlb_entry - a translated page
 * @page: virtual page number of its size
 * @pte: the leaf
 * @ctx: context id
 * @valid: it is one
 * @map: kept mappings of the host page, for reading and for writing, once needed
 */
struct npu_tlb_entry {
	uint64_t page;
	uint64_t pte;
	uint32_t ctx;
	bool valid;
	struct npu_map *map[2];
};

/**
 * struct npu_view - a core's memory
 * @mem: as commands see it
 * @mmu: shared part
 * @port: the core's
 * @stop: the job is to end
 * @ctx: context of the job
 * @looks: npu_view_look() may do so many before it leaves the port; 0: it is outside
 * @looking: npu_view_resolve() only looks: an access will follow, and meet what is injected
 * @root: top-level table of context @root_ctx, when @root_valid
 * @entry: translates the span held now
 * @va: of that span
 * @held: the host's mapping of the span held now, where mappings are not kept; or NULL
 * @held_len: of it
 * @bounce: stands in for memory that cannot be mapped
 */
struct npu_view {
	struct npu_mem mem;
	struct npu_mmu *mmu;
	struct npu_port *port;
	atomic_bool stop;
	uint32_t ctx;
	unsigned int looks;
	bool looking;
	uint32_t root_ctx;
	uint64_t root;
	bool root_valid;
	struct npu_tlb_entry small[NPU_TLB_SMALL];
	struct npu_tlb_entry large[NPU_TLB_LARGE];
	struct npu_tlb_entry *entry;
	uint64_t va;
	uint8_t *held;
	uint64_t held_len;
	uint8_t bounce[NPU_MMU_BOUNCE];
};

void npu_mmu_init(struct npu_mmu *mmu, struct npu_bus *bus, void *lmem, uint64_t lmem_size);

void npu_view_init(struct npu_view *view, struct npu_mmu *mmu, struct npu_port *port);

/** npu_view_resolve() - as npu_resolve_fn; by the view's own thread outside spans */
bool npu_view_resolve(struct npu_view *view, uint64_t va, enum npu_access_kind kind, uint64_t *key,
		      uint64_t *len);

/**
 * npu_view_look() - likewise, staying inside the port for some calls more
 * npu_view_look_end() - leave it. Nothing else may be done to the view in between
 */
bool npu_view_look(struct npu_view *view, uint64_t va, enum npu_access_kind kind, uint64_t *key,
		   uint64_t *len);
void npu_view_look_end(struct npu_view *view);

/**
 * npu_view_invalidate() - forget what matches
 * @view: of any core; returns when its accesses translated before have ended
 * @kind: NPU_TLB_RANGE, NPU_TLB_CTX or NPU_TLB_ALL
 * @ctx: context id, not for NPU_TLB_ALL
 * @first: virtual addresses, for NPU_TLB_RANGE
 * @last: inclusive
 *
 * Not from the view's own thread inside a span. Mappings in the bus's cache are npu_bus_forget()'s.
 */
void npu_view_invalidate(struct npu_view *view, unsigned int kind, uint32_t ctx, uint64_t first,
			 uint64_t last);

#endif
