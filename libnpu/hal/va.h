/* SPDX-License-Identifier: MIT */
/*
 * Copyright (c) 2026 the npu authors
 *
 * Ranges of a line of addresses: the card's virtual addresses, and the simulator's local memory.
 */
#ifndef NPU_HAL_VA_H
#define NPU_HAL_VA_H

#include <pthread.h>
#include <stdint.h>

struct npu_va_range {
	uint64_t start, end;
};

/**
 * struct npu_va - what of a line is free
 * @lock: protects the rest
 * @free: free ranges by address, none touching the next
 * @count: of @free
 * @room: allocated entries of @free
 * @used: ranges in use
 * @bytes: free in all
 */
struct npu_va {
	pthread_mutex_t lock;
	struct npu_va_range *free;
	unsigned int count, room, used;
	uint64_t bytes;
};

/** npu_va_init() - [@start, @end) is free. 0 or -ENOMEM */
int npu_va_init(struct npu_va *va, uint64_t start, uint64_t end);
void npu_va_fini(struct npu_va *va);

/**
 * npu_va_alloc() - the lowest free range of @size bytes, aligned to @align, a power of two. 0,
 * -ENOSPC or -ENOMEM
 */
int npu_va_alloc(struct npu_va *va, uint64_t size, uint64_t align, uint64_t *start);

/** npu_va_free() - give a range back, as allocated; never fails */
void npu_va_free(struct npu_va *va, uint64_t start, uint64_t size);

/** npu_va_bytes() - free in all */
uint64_t npu_va_bytes(struct npu_va *va);

#endif
