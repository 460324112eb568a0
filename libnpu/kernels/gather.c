// SPDX-License-Identifier: MIT
/*
 * Copyright (c) 2026 the npu authors
 *
 * Rows of a table by index: indices are loaded, GATHER brings the rows, STORE writes them.
 */
#include <errno.h>

#include "hal/error.h"

#include "map.h"

/* Indices a command. */
#define BATCH	    1024u
#define SLOTS	    2u
#define MAX_BATCHES (1u << 18)

/* Indices are bytes to a LOAD: it copies them unread. */
static void load_indices(struct npu_emit *e, const struct npu_gather *g, uint64_t first,
			 uint32_t count, uint32_t spm)
{
	uint32_t size = g->index_type == NPU_S64 ? 8 : 4;
	struct npu_box box = {
		.region = g->index_region,
		.element = 4,
		.offset = g->index_offset + (int64_t)(first * size),
		.size = { count * (size / 4), 1, 1, 1 },
		.spm = spm,
	};

	npu_emit_load(e, &box);
}

static void emit_batch(struct npu_emit *e, const struct npu_gather *g, uint64_t first,
		       uint32_t count, uint32_t index, uint32_t rows)
{
	struct npu_cmd_gather cmd = {
		.type = g->index_type,
		.region = g->table_region,
		.index = index,
		.offset = (uint64_t)g->table_offset,
		.row_stride = g->row_stride,
		.rows = g->rows,
		.count = count,
		.row_bytes = g->row_bytes,
		.spm = rows,
		.spm_stride = g->row_bytes,
	};
	struct npu_box box = {
		.region = g->out_region,
		.element = 1,
		.offset = g->out_offset + (int64_t)(first * g->out_stride),
		.size = { g->row_bytes, count, 1, 1 },
		.mem_stride = { (int64_t)g->out_stride },
		.spm = rows,
		.spm_stride = { g->row_bytes },
	};

	load_indices(e, g, first, count, index);
	npu_stream_gather(e->s, &cmd);
	npu_emit_store(e, &box, false);
}

int npu_gather_emit(struct npu_stream *s, const struct npu_caps *caps, const struct npu_gather *g,
		    unsigned int core, unsigned int cores)
{
	struct npu_emit e = { .s = s, .caps = caps };
	struct npu_slots index, rows;
	uint64_t room = caps->spm_size / 2 / SLOTS, batch, each, i, end;

	if (g->row_bytes > room)
		return npu_fail(-ENOTSUP, "a row to gather does not fit the scratchpad");
	batch = npu_min(BATCH, room / g->row_bytes);
	if (g->count / batch > MAX_BATCHES)
		return npu_fail(-ENOTSUP, "too many indices");
	each = npu_div_up(g->count, cores);
	npu_slots_spm(&e, &index, batch * 8, SLOTS);
	npu_slots_spm(&e, &rows, batch * g->row_bytes, SLOTS);
	end = npu_min((core + 1) * each, g->count);
	for (i = core * each; i < end && !e.full && !s->error; i += batch)
		emit_batch(&e, g, i, npu_min(batch, end - i), npu_slots_next(&index),
			   npu_slots_next(&rows));
	npu_slots_free(&index);
	npu_slots_free(&rows);
	if (s->error)
		return npu_fail(s->error, NPU_STREAM_ERROR);
	return e.full ? npu_fail(-ENOTSUP, "a row to gather does not fit the scratchpad") : 0;
}
