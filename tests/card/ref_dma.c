// SPDX-License-Identifier: MIT
/*
 * Copyright (c) 2026 the npu authors
 *
 * LOAD, GATHER and STORE element by element. All addresses must be mapped and all indices in range.
 */
#include <string.h>

#include "unit.h"

static uint8_t *memory(struct unit *u, uint8_t region, uint64_t offset)
{
	return u->bytes + (u->region[region] + offset - UNIT_VA);
}

void ref_load(struct unit *u, const struct npu_cmd_load *c)
{
	int size = type_size(c->type);
	int64_t at[4], d;
	uint8_t fill[4];

	if (c->fill_mode == NPU_FILL_SPM)
		memcpy(fill, u->spm + c->fill, (size_t)size);
	else
		memcpy(fill, &c->fill, 4);
	EACH_COORDINATE(at, c->size) {
		int64_t dst = c->spm + at[0] * size;
		uint64_t src = c->offset;
		bool filled = false;

		for (d = 0; d < 4; d++) {
			filled |=
				at[d] < c->pad_lo[d] || at[d] >= (int64_t)c->size[d] - c->pad_hi[d];
			if (d) {
				dst += at[d] * (int32_t)c->spm_stride[d - 1];
				src += (uint64_t)(at[d] - c->pad_lo[d]) * c->mem_stride[d - 1];
			}
		}
		if (filled) {
			memcpy(u->spm + dst, fill, (size_t)size);
		} else if (c->type == NPU_S4 || c->type == NPU_U4) {
			int64_t i = at[0] - c->pad_lo[0];
			int v = *memory(u, c->region, src + (uint64_t)i / 2) >> i % 2 * 4 & 15;

			u->spm[dst] = (uint8_t)(c->type == NPU_S4 && v > 7 ? v - 16 : v);
		} else {
			memcpy(u->spm + dst,
			       memory(u, c->region,
				      src + (uint64_t)((at[0] - c->pad_lo[0]) * size)),
			       (size_t)size);
		}
	}
}

void ref_gather(struct unit *u, const struct npu_cmd_gather *c)
{
	uint32_t i;

	for (i = 0; i < c->count; i++) {
		int64_t index = 0;

		if (c->type == NPU_S32) {
			int32_t v;

			memcpy(&v, u->spm + c->index + 4 * i, 4);
			index = v;
		} else {
			memcpy(&index, u->spm + c->index + 8 * i, 8);
		}
		if (index < 0)
			index += (int64_t)c->rows;
		memcpy(u->spm + c->spm + (int64_t)i * (int32_t)c->spm_stride,
		       memory(u, c->region, c->offset + (uint64_t)index * c->row_stride),
		       c->row_bytes);
	}
}

void ref_store(struct unit *u, const struct npu_cmd_store *c)
{
	const uint8_t *local = c->space == NPU_SPACE_ACC ? u->acc : u->spm;
	int64_t at[4], d;

	EACH_COORDINATE(at, c->size) {
		int64_t src = c->local + at[0];
		uint64_t dst = c->offset + (uint64_t)at[0];

		for (d = 1; d < 4; d++) {
			src += at[d] * (int32_t)c->local_stride[d - 1];
			dst += (uint64_t)at[d] * c->mem_stride[d - 1];
		}
		*memory(u, c->region, dst) = local[src];
	}
}
