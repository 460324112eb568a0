// SPDX-License-Identifier: MIT
/*
 * Copyright (c) 2026 the npu authors
 *
 * Places for what lies between steps: a buffer lives from the first step that touches it to the
 * last; larger ones are placed first, each at the lowest offset that nothing alive at the same time
 * takes. And regions: constants 0, memory to work in 1, inputs and outputs a region each while
 * there are enough, else all inputs in one and all outputs in another.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "hal/error.h"

#include "lower.h"

enum { REGION_CONSTANTS, REGION_SCRATCH, REGION_IO };

static int by_size(const void *a, const void *b)
{
	const struct npu_lower_buffer *x = *(struct npu_lower_buffer *const *)a,
				      *y = *(struct npu_lower_buffer *const *)b;

	if (x->size != y->size)
		return x->size > y->size ? -1 : 1;
	return x < y ? -1 : x > y;
}

/* The lowest offset for @b beside those of @placed (ascending offsets) that live when it does. */
static uint64_t find_place(const struct npu_lower_buffer *b, struct npu_lower_buffer *const *placed,
			   unsigned int count)
{
	uint64_t at = 0;
	unsigned int i;

	for (i = 0; i < count; i++) {
		const struct npu_lower_buffer *p = placed[i];

		if (p->last < b->first || p->first > b->last)
			continue;
		if (at + b->size <= p->offset)
			break;
		at = npu_max(at, npu_round_up(p->offset + p->size, NPU_PACK_ALIGN));
	}
	return at;
}

static void insert(struct npu_lower_buffer **placed, unsigned int count, struct npu_lower_buffer *b)
{
	for (; count > 0 && placed[count - 1]->offset > b->offset; count--)
		placed[count] = placed[count - 1];
	placed[count] = b;
}

static int place_scratch(struct npu_lower *l)
{
	struct npu_lower_buffer **order = malloc((2 * l->buffers + 1) * sizeof(*order)),
				**placed = order + l->buffers;
	unsigned int count = 0, i;

	if (!order)
		return npu_fail(-ENOMEM, "out of memory");
	for (i = 0; i < l->buffers; i++)
		if (l->buffer[i].kind == NPU_LOWER_SCRATCH && l->buffer[i].last >= 0 &&
		    !l->buffer[i].nowhere)
			order[count++] = &l->buffer[i];
	qsort(order, count, sizeof(*order), by_size);
	for (i = 0; i < count; i++) {
		order[i]->region = REGION_SCRATCH;
		order[i]->offset = find_place(order[i], placed, i);
		insert(placed, i, order[i]);
		l->scratch_size = npu_max(l->scratch_size, order[i]->offset + order[i]->size);
	}
	free(order);
	return 0;
}

int npu_lower_plan(struct npu_lower *l)
{
	unsigned int ios = 0, i, next = REGION_IO;
	uint64_t at[2] = { 0, 0 };
	bool share;

	for (i = 0; i < l->buffers; i++)
		ios += l->buffer[i].kind == NPU_LOWER_INPUT ||
		       l->buffer[i].kind == NPU_LOWER_OUTPUT;
	share = ios > NPU_MAX_REGIONS - REGION_IO;
	for (i = 0; i < l->buffers; i++) {
		struct npu_lower_buffer *b = &l->buffer[i];
		unsigned int out = b->kind == NPU_LOWER_OUTPUT;

		if (b->kind == NPU_LOWER_CONSTANTS)
			b->region = REGION_CONSTANTS;
		if (b->kind != NPU_LOWER_INPUT && !out)
			continue;
		b->region = share ? REGION_IO + out : next++;
		b->offset = share ? at[out] : 0;
		at[out] = npu_round_up(at[out] + b->size, NPU_PACK_ALIGN);
	}
	return place_scratch(l);
}
