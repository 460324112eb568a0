/* SPDX-License-Identifier: MIT */
/*
 * Copyright (c) 2026 the npu authors
 *
 * How a command reaches memory by virtual address. The card's cores have it through their MMU
 * (mmu.h); tests of single commands bring a flat one of their own.
 *
 * A span is some bytes of one page. While it is held, an invalidation of its page waits; so it is
 * held for the time of a copy, and a core holds one at a time.
 */
#ifndef NPU_CARD_MEM_H
#define NPU_CARD_MEM_H

#include <stdbool.h>
#include <stdint.h>

#include "npu/hw/regs.h"

struct npu_mem;

/**
 * struct npu_span - bytes of memory at hand
 * @ptr: the first
 * @len: how many, at least one. All of them are written when it was got for writing; who could not
 *	lowers @len to what it has written before npu_mem_put()
 * @room: bytes from @ptr on that may be accessed likewise, at least @len: in local memory, the rest of the
 *	page. Who writes more of them than @len raises it before npu_mem_put()
 * @phys: where they are: bus address, or offset in local memory
 * @local: they are in local memory
 * @access: what for
 */
struct npu_span {
	uint8_t *ptr;
	uint64_t len;
	uint64_t room;
	uint64_t phys;
	bool local;
	enum npu_access_kind access;
};

struct npu_mem_ops {
	int (*get)(struct npu_mem *mem, uint64_t va, uint64_t len, enum npu_access_kind access,
		   struct npu_span *span, struct npu_error *err);
	int (*put)(struct npu_mem *mem, struct npu_span *span, struct npu_error *err);
	bool (*stopped)(struct npu_mem *mem);
};

struct npu_mem {
	const struct npu_mem_ops *ops;
};

/**
 * npu_mem_get() - translate and hold bytes from @va on
 * @mem: memory
 * @va: virtual address of the first; any 64-bit value
 * @len: how many are wanted, at least one; the span has at most so many, and may have fewer
 * @access: what for
 * @span: filled
 * @err: on failure its status, reason, access, space and addr are filled; the others are left alone
 *
 * Fails with NPU_JOB_FAULT, NPU_JOB_BUS, or NPU_JOB_ABORTED when the job is to end.
 * Returns 0 or -1.
 */
static inline int npu_mem_get(struct npu_mem *mem, uint64_t va, uint64_t len,
			      enum npu_access_kind access, struct npu_span *span,
			      struct npu_error *err)
{
	return mem->ops->get(mem, va, len, access, span, err);
}

/**
 * npu_mem_put() - let go of a span; what was written is in memory afterwards
 *
 * Fails with NPU_JOB_BUS where memory that can only be copied to did not answer. Returns 0 or -1.
 */
static inline int npu_mem_put(struct npu_mem *mem, struct npu_span *span, struct npu_error *err)
{
	return mem->ops->put(mem, span, err);
}

/**
 * npu_mem_stopped() - the job is to end now
 *
 * Commands whose work a stream can make arbitrarily long (strides of zero, kernels of padding) look
 * every now and then (some ten thousand operations), stop, and fail with NPU_JOB_ABORTED.
 */
static inline bool npu_mem_stopped(struct npu_mem *mem)
{
	return mem->ops->stopped(mem);
}

#endif
