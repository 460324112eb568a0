// SPDX-License-Identifier: MIT
/*
 * Copyright (c) 2026 the npu authors
 *
 * Places in SPM and ACC, blocks, vectors, DMA of boxes.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "emit.h"

/* Vectors up to so many bytes are loaded whole, once. */
#define WHOLE_VECTOR 32768u

uint32_t npu_type_size(uint32_t type)
{
	switch (type) {
	case NPU_S32:
	case NPU_FP32:
		return 4;
	case NPU_BF16:
	case NPU_FP16:
		return 2;
	default:
		return 1;
	}
}

bool npu_is_float(uint32_t type)
{
	return type == NPU_BF16 || type == NPU_FP16 || type == NPU_FP32;
}

/* ---- Slots ----------------------------------------------------------------------------------- */

static void init_slots(struct npu_emit *e, struct npu_slots *slots, uint32_t *used, uint32_t limit,
		       uint64_t size, uint32_t count)
{
	memset(slots, 0, sizeof(*slots));
	size = npu_round_up(size, NPU_EMIT_ALIGN);
	if (!count || size > limit || size * count > limit - *used) {
		e->full = true;
		return;
	}
	slots->key = malloc(count * sizeof(*slots->key));
	if (!slots->key) {
		e->s->error = -ENOMEM;
		e->full = true;
		return;
	}
	memset(slots->key, 0xff, count * sizeof(*slots->key));
	slots->base = *used;
	slots->size = size;
	slots->count = count;
	*used += size * count;
}

void npu_slots_spm(struct npu_emit *e, struct npu_slots *slots, uint64_t size, uint32_t count)
{
	init_slots(e, slots, &e->spm, e->caps->spm_size, size, count);
}

void npu_slots_acc(struct npu_emit *e, struct npu_slots *slots, uint64_t size, uint32_t count)
{
	init_slots(e, slots, &e->acc, e->caps->acc_size, size, count);
}

void npu_slots_free(struct npu_slots *slots)
{
	free(slots->key);
	slots->key = NULL;
}

bool npu_slots_get(struct npu_slots *slots, uint64_t key, uint32_t *addr)
{
	uint32_t i, at = slots->next;

	/* What was put in last is looked for first. */
	for (i = 0; i < slots->count; i++) {
		at = at ? at - 1 : slots->count - 1;
		if (slots->key[at] == key) {
			*addr = slots->base + at * slots->size;
			return true;
		}
	}
	*addr = npu_slots_next(slots);
	slots->key[(*addr - slots->base) / slots->size] = key;
	return false;
}

uint32_t npu_slots_next(struct npu_slots *slots)
{
	uint32_t addr = slots->base + slots->next * slots->size;

	slots->key[slots->next] = UINT64_MAX;
	slots->next = slots->next + 1 == slots->count ? 0 : slots->next + 1;
	return addr;
}

/* ---- DMA ------------------------------------------------------------------------------------- */

void npu_emit_load(struct npu_emit *e, const struct npu_box *box)
{
	struct npu_cmd_load cmd = {
		.type = box->element == 1 ? NPU_S8 :
			box->element == 2 ? NPU_BF16 :
					    NPU_S32,
		.region = box->region,
		.offset = (uint64_t)box->offset,
		.spm = box->spm,
	};
	unsigned int i;

	for (i = 0; i < 4; i++)
		cmd.size[i] = box->size[i];
	for (i = 0; i < 3; i++) {
		cmd.mem_stride[i] = box->size[i + 1] > 1 ? (uint64_t)box->mem_stride[i] : 0;
		cmd.spm_stride[i] = box->size[i + 1] > 1 ? box->spm_stride[i] : 0;
	}
	npu_stream_load(e->s, &cmd);
}

void npu_emit_store(struct npu_emit *e, const struct npu_box *box, bool acc)
{
	struct npu_cmd_store cmd = {
		.space = acc ? NPU_SPACE_ACC : NPU_SPACE_SPM,
		.region = box->region,
		.local = box->spm,
		.offset = (uint64_t)box->offset,
	};
	unsigned int i;

	cmd.size[0] = box->size[0] * box->element;
	for (i = 1; i < 4; i++)
		cmd.size[i] = box->size[i];
	for (i = 0; i < 3; i++) {
		cmd.mem_stride[i] = box->size[i + 1] > 1 ? (uint64_t)box->mem_stride[i] : 0;
		cmd.local_stride[i] = box->size[i + 1] > 1 ? box->spm_stride[i] : 0;
	}
	npu_stream_store(e->s, &cmd);
}

/* ---- Vectors --------------------------------------------------------------------------------- */

static uint32_t vector_part(uint32_t element, uint32_t length, uint32_t tile)
{
	return (uint64_t)length * element <= WHOLE_VECTOR ? length : tile;
}

void npu_vector_init(struct npu_emit *e, struct npu_vector *v, uint32_t region, uint32_t element,
		     uint32_t first, uint32_t end, uint32_t tile)
{
	v->region = region;
	v->element = element;
	v->first = first;
	v->end = end;
	v->part = vector_part(element, end - first, tile);
	npu_slots_spm(e, &v->slots, (uint64_t)v->part * element, v->part == end - first ? 1 : 3);
}

void npu_vector_free(struct npu_vector *v)
{
	npu_slots_free(&v->slots);
}

uint32_t npu_vector_get(struct npu_emit *e, struct npu_vector *v, uint32_t i)
{
	uint32_t start = v->part == v->end - v->first ? v->first : i, addr;

	if (!npu_slots_get(&v->slots, start, &addr)) {
		struct npu_box box = {
			.region = v->region,
			.element = v->element,
			.offset = (int64_t)start * v->element,
			.size = { npu_min(v->part, v->end - start), 1, 1, 1 },
			.spm = addr,
		};

		npu_emit_load(e, &box);
	}
	return addr + (i - start) * v->element;
}
