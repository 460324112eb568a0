/* SPDX-License-Identifier: MIT */
/*
 * Copyright (c) 2026 the npu authors
 *
 * What one core has done to memory since the last barrier, byte by byte: the last LOAD that read
 * and the last STORE that wrote. Bytes are known by where they are (npu_resolve_fn's key), so two
 * addresses of one page are the same bytes. Private to the hazard checker, used by one thread at a
 * time.
 */
#ifndef NPU_CARD_HAZARD_MEMORY_H
#define NPU_CARD_HAZARD_MEMORY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/*
 * A stamp names a command of a stream: its offset / 16 + 1, so that later commands have greater
 * ones and 0 is none.
 */
#define NPU_STAMP(offset)	((uint32_t)(offset) / 16 + 1)
#define NPU_STAMP_OFFSET(stamp) (((stamp)-1) * 16)

/*
 * Records of one epoch and core take at most so many bytes. What does not fit is not followed, so
 * that less is found, but nothing that is not there.
 */
#define NPU_MEMORY_BUDGET (256u << 20)

struct npu_memory_rec {
	uint32_t read;
	uint32_t write;
};

struct npu_memory;
struct npu_wire;

struct npu_memory *npu_memory_new(void);
void npu_memory_free(struct npu_memory *m);

/** npu_memory_clear() - forget all */
void npu_memory_clear(struct npu_memory *m);

/**
 * npu_memory_wire() - all records, to or from @w (wire.h)
 *
 * What was read and does not fit is forgotten, as in npu_memory_access(). A page and what is known of it take at
 * most 9 bytes a byte of it.
 */
void npu_memory_wire(struct npu_memory *m, struct npu_wire *w);

/**
 * npu_memory_access() - a command reads or writes
 * @m: records
 * @key: the first byte
 * @va: its address, for reports
 * @len: bytes, all in the page of the first
 * @write: it writes
 * @stamp: the command
 * @known: stamps of the other engine up to this one have ended before the command
 * @at: set to the offset from @key of the first byte that conflicts
 * @bytes: set to how many from there on conflict with the same command
 *
 * Returns the stamp of the conflicting command, 0 if there is none.
 */
uint32_t npu_memory_access(struct npu_memory *m, uint64_t key, uint64_t va, uint64_t len,
			   bool write, uint32_t stamp, uint32_t known, uint64_t *at,
			   uint64_t *bytes);

/**
 * struct npu_memory_clash - two cores that nothing orders
 * @first: command of the one
 * @second: command of the other
 * @first_writes: what it does
 * @second_writes: likewise
 * @va: first byte, as the second addresses it
 * @bytes: how many, in the same page
 */
struct npu_memory_clash {
	uint32_t first;
	uint32_t second;
	bool first_writes;
	bool second_writes;
	uint64_t va;
	uint64_t bytes;
};

/**
 * npu_memory_compare() - do two cores access the same byte, and one of them writes
 *
 * Of all clashes it gives the one with the earliest second command, then the earliest first one,
 * then the lowest address. Returns true if there is one.
 */
bool npu_memory_compare(const struct npu_memory *first, const struct npu_memory *second,
			struct npu_memory_clash *clash);

#endif
