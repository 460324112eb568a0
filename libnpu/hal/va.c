// SPDX-License-Identifier: MIT
/*
 * Copyright (c) 2026 the npu authors
 *
 * Ranges of a line of addresses. A sorted array of what is free: few ranges in practice, since what
 * is freed joins its neighbours; allocating makes the room that freeing will need, so that freeing
 * cannot fail.
 */
#include "va.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

int npu_va_init(struct npu_va *va, uint64_t start, uint64_t end)
{
	va->room = 16;
	va->free = malloc(va->room * sizeof(*va->free));
	if (!va->free)
		return -ENOMEM;
	va->free[0] = (struct npu_va_range){ start, end };
	va->count = 1;
	va->used = 0;
	va->bytes = end - start;
	pthread_mutex_init(&va->lock, NULL);
	return 0;
}

void npu_va_fini(struct npu_va *va)
{
	pthread_mutex_destroy(&va->lock);
	free(va->free);
}

/* Ranges in use part what is free: there is at most one free range more than there are in use. */
static int reserve(struct npu_va *va, unsigned int entries)
{
	struct npu_va_range *bigger;

	if (entries <= va->room)
		return 0;
	bigger = realloc(va->free, 2 * entries * sizeof(*bigger));
	if (!bigger)
		return -ENOMEM;
	va->free = bigger;
	va->room = 2 * entries;
	return 0;
}

static void insert(struct npu_va *va, unsigned int i, uint64_t start, uint64_t end)
{
	memmove(&va->free[i + 1], &va->free[i], (va->count - i) * sizeof(*va->free));
	va->free[i] = (struct npu_va_range){ start, end };
	va->count++;
}

static void remove_at(struct npu_va *va, unsigned int i)
{
	va->count--;
	memmove(&va->free[i], &va->free[i + 1], (va->count - i) * sizeof(*va->free));
}

/* Cuts [start, end) out of free range i. */
static void take(struct npu_va *va, unsigned int i, uint64_t start, uint64_t end)
{
	struct npu_va_range *r = &va->free[i];
	uint64_t tail = r->end;

	va->bytes -= end - start;
	if (r->start == start && r->end == end) {
		remove_at(va, i);
	} else if (r->start == start) {
		r->start = end;
	} else {
		r->end = start;
		if (end < tail)
			insert(va, i + 1, end, tail);
	}
}

int npu_va_alloc(struct npu_va *va, uint64_t size, uint64_t align, uint64_t *start)
{
	int ret;

	pthread_mutex_lock(&va->lock);
	ret = reserve(va, va->used + 2);
	for (unsigned int i = 0; !ret && i < va->count; i++) {
		const struct npu_va_range *r = &va->free[i];
		uint64_t first = (r->start + align - 1) & ~(align - 1);

		if (first < r->start || first > r->end || r->end - first < size)
			continue;
		take(va, i, first, first + size);
		va->used++;
		*start = first;
		goto unlock;
	}
	if (!ret)
		ret = -ENOSPC;
unlock:
	pthread_mutex_unlock(&va->lock);
	return ret;
}

void npu_va_free(struct npu_va *va, uint64_t start, uint64_t size)
{
	uint64_t end = start + size;
	unsigned int low = 0, high;

	pthread_mutex_lock(&va->lock);
	high = va->count;
	while (low < high) {
		unsigned int mid = (low + high) / 2;

		if (va->free[mid].start < start)
			low = mid + 1;
		else
			high = mid;
	}
	if (low > 0 && va->free[low - 1].end == start) {
		va->free[low - 1].end = end;
		if (low < va->count && va->free[low].start == end) {
			va->free[low - 1].end = va->free[low].end;
			remove_at(va, low);
		}
	} else if (low < va->count && va->free[low].start == end) {
		va->free[low].start = start;
	} else {
		insert(va, low, start, end);
	}
	va->bytes += size;
	va->used--;
	pthread_mutex_unlock(&va->lock);
}

uint64_t npu_va_bytes(struct npu_va *va)
{
	uint64_t bytes;

	pthread_mutex_lock(&va->lock);
	bytes = va->bytes;
	pthread_mutex_unlock(&va->lock);
	return bytes;
}
