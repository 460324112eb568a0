/* SPDX-License-Identifier: MIT */
/*
 * Copyright (c) 2026 the npu authors
 *
 * SPM or ACC of a core. A job finds it zero; cleared is what it reads, or what it writes only a part
 * of, when it does so: most of what jobs leave behind is overwritten by the next one.
 *
 * Used by the core's thread, or while that rests. No locks.
 */
#ifndef NPU_CARD_STORE_H
#define NPU_CARD_STORE_H

#include <stdint.h>

struct npu_access;
struct npu_wire;

#define NPU_STORE_BLOCK 4096

/**
 * struct npu_store - SPM or ACC
 * @data: the memory, cache-line aligned; what blocks that are @stale hold is not to be seen
 * @size: bytes
 * @words: of each of the bitmaps
 * @dirty: blocks of NPU_STORE_BLOCK bytes that this job may have written, a bit each
 * @stale: blocks that count as zero and may not be
 */
struct npu_store {
	uint8_t *data;
	uint32_t size;
	uint32_t words;
	uint64_t *dirty;
	uint64_t *stale;
};

/** npu_store_init() - 0 or -1, after which npu_store_fini() is due as well */
int npu_store_init(struct npu_store *s, uint32_t size);
void npu_store_fini(struct npu_store *s);

/** npu_store_begin() - all of it is zero for the job that begins */
void npu_store_begin(struct npu_store *s);

/**
 * npu_store_read(), npu_store_write() - before a command reads or writes it
 * @a: which bytes, all of them within it
 *
 * Of a command all reads are told before its writes.
 */
void npu_store_read(struct npu_store *s, const struct npu_access *a);
void npu_store_write(struct npu_store *s, const struct npu_access *a);

/** npu_store_wire() - what the running job has written, saved or loaded after npu_store_begin() */
void npu_store_wire(struct npu_store *s, struct npu_wire *w);

#endif
