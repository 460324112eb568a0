// SPDX-License-Identifier: MIT
/*
 * Copyright (c) 2026 the npu authors
 *
 * SPM and ACC; see store.h. A block is zero, stale, or written by the running job. Stale ones are
 * cleared before a byte of them can be read, whatever the command does then: a write that leaves no
 * gap makes the blocks that are wholly in it written ones, without that.
 */
#include "store.h"

#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "isa.h"
#include "wire.h"

#define BLOCK NPU_STORE_BLOCK

int npu_store_init(struct npu_store *s, uint32_t size)
{
	size_t align = size >= NPU_LARGE_PAGE_SIZE ? NPU_LARGE_PAGE_SIZE :
						     (size_t)sysconf(_SC_PAGESIZE);
	size_t whole = (size + align - 1) / align * align;

	s->size = size;
	s->words = (size / BLOCK + 63) / 64;
	s->data = aligned_alloc(align, whole);
	s->dirty = calloc(s->words, sizeof(*s->dirty));
	s->stale = calloc(s->words, sizeof(*s->stale));
	if (!s->data || !s->dirty || !s->stale)
		return -1;
#ifdef __linux__
	/* Only advice: where the host has no large pages, all works as well. */
	madvise(s->data, size, MADV_HUGEPAGE);
	/* Zero, with no page there: a card that has run no job takes none of the host's memory. */
	if (!madvise(s->data, whole, MADV_DONTNEED))
		return 0;
#endif
	memset(s->data, 0, size);
	return 0;
}

void npu_store_fini(struct npu_store *s)
{
	free(s->data);
	free(s->dirty);
	free(s->stale);
}

void npu_store_begin(struct npu_store *s)
{
	for (uint32_t w = 0; w < s->words; w++) {
		s->stale[w] |= s->dirty[w];
		s->dirty[w] = 0;
	}
}

/* Bits @first to @last, both in word @w or beyond its ends. */
static uint64_t bits(uint64_t w, uint64_t first, uint64_t last)
{
	uint64_t from = first > w * 64 ? first - w * 64 : 0;
	uint64_t to = last < w * 64 + 63 ? last - w * 64 : 63;

	return ~UINT64_C(0) << from & ~UINT64_C(0) >> (63 - to);
}

/* Clears what is stale of blocks @first to @last. */
static void clear(struct npu_store *s, uint64_t first, uint64_t last)
{
	for (uint64_t w = first / 64; w <= last / 64; w++) {
		uint64_t left = s->stale[w] & bits(w, first, last);

		s->stale[w] &= ~left;
		for (; left; left &= left - 1)
			memset(s->data + (w * 64 + (uint64_t)__builtin_ctzll(left)) * BLOCK, 0, BLOCK);
	}
}

static uint64_t last_byte(const struct npu_access *a)
{
	uint64_t last = (uint64_t)a->base + a->run - 1;

	for (unsigned int d = 0; d < a->dims; d++)
		last += (a->count[d] - 1) * (uint64_t)a->stride[d];
	return last;
}

void npu_store_read(struct npu_store *s, const struct npu_access *a)
{
	clear(s, (uint64_t)a->base / BLOCK, last_byte(a) / BLOCK);
}

void npu_store_write(struct npu_store *s, const struct npu_access *a)
{
	uint64_t last = last_byte(a), first_block = (uint64_t)a->base / BLOCK;
	uint64_t last_block = last / BLOCK;

	if (a->dims) {
		clear(s, first_block, last_block);
	} else {
		if (a->base % BLOCK)
			clear(s, first_block, first_block);
		if ((last + 1) % BLOCK)
			clear(s, last_block, last_block);
	}
	for (uint64_t w = first_block / 64; w <= last_block / 64; w++) {
		uint64_t b = bits(w, first_block, last_block);

		s->stale[w] &= ~b;
		s->dirty[w] |= b;
	}
}

/* Blocks that may not be zero: their number + 1 in ascending order, and 0. */
void npu_store_wire(struct npu_store *s, struct npu_wire *w)
{
	uint32_t blocks = s->size / BLOCK;
	uint32_t next, block = 0;

	for (;;) {
		while (!w->loading && block < blocks && !(s->dirty[block / 64] >> block % 64 & 1))
			block++;
		next = block < blocks ? block + 1 : 0;
		npu_wire_u32(w, &next);
		if (!next)
			return;
		if (!npu_wire_check(w, next > block && next <= blocks,
				    "no such block of SPM or ACC"))
			return;
		block = next - 1;
		if (w->loading) {
			s->stale[block / 64] &= ~(UINT64_C(1) << block % 64);
			s->dirty[block / 64] |= UINT64_C(1) << block % 64;
		}
		npu_wire_bytes(w, s->data + (uint64_t)block * BLOCK, BLOCK);
		block++;
	}
}
