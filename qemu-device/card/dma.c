// SPDX-License-Identifier: MIT
/*
 * Copyright (c) 2026 the npu authors
 *
 * LOAD, GATHER and STORE: bytes between memory and SPM or ACC. A span of memory is held for the
 * rows that lie in it, since many commands have rows much shorter than a page; but not for more of
 * them than HOLD_WORK, since whoever wants the page back waits for it, and rows may repeat. Of host
 * memory only what is written may be held for writing.
 *
 * Virtual addresses are computed modulo 2^64; the MMU refuses what is beyond its 48 bits.
 */
#include <string.h>

#include "exec.h"

/* Work (as npu_exec_poll() counts it) between a span's first row and its last. */
#define HOLD_WORK (1u << 18)

/*
 * Bytes to ask the MMU for when reading: the row, and what follows it in its page for later
 * rows. More than the page would touch pages that the command may not read.
 */
static uint64_t window(uint64_t va, uint64_t len)
{
	uint64_t page = NPU_PAGE_SIZE - (va & (NPU_PAGE_SIZE - 1));

	return len > page ? len : page;
}

/**
 * struct mover - reads or writes memory row by row
 * @va: of the span at hand, when @held
 * @work: since a span was let go for the sake of others
 */
struct mover {
	struct npu_exec *e;
	struct npu_span span;
	uint64_t va;
	bool held;
	uint64_t work;
};

static int mover_end(struct mover *m)
{
	if (!m->held)
		return 0;
	m->held = false;
	return npu_mem_put(m->e->mem, &m->span, m->e->error);
}

/* Before a row of so much @work: npu_exec_poll(), and nothing is held too long. */
static int mover_poll(struct mover *m, uint64_t work)
{
	m->work += work;
	if (m->work >= HOLD_WORK) {
		m->work = 0;
		if (mover_end(m))
			return -1;
	}
	return npu_exec_poll(m->e, work);
}

/*
 * At least one and at most *@len bytes at @va, by the span at hand or by one of @ask bytes; NULL on
 * failure.
 */
static uint8_t *mover_at(struct mover *m, enum npu_access_kind access, uint64_t va, uint64_t ask,
			 uint64_t *len)
{
	uint64_t off = va - m->va;

	if (!m->held || off >= m->span.room) {
		if (mover_end(m) ||
		    npu_mem_get(m->e->mem, va, ask, access, &m->span, m->e->error))
			return NULL;
		m->held = true;
		m->va = va;
		off = 0;
	}
	if (*len > m->span.room - off)
		*len = m->span.room - off;
	return m->span.ptr + off;
}

static const uint8_t *mover_get(struct mover *m, uint64_t va, uint64_t *len)
{
	return mover_at(m, NPU_ACCESS_READ, va, window(va, *len), len);
}

/* To be written, all of it. */
static uint8_t *mover_put(struct mover *m, uint64_t va, uint64_t *len)
{
	uint8_t *at = mover_at(m, NPU_ACCESS_WRITE, va, *len, len);
	uint64_t end = va - m->va + *len;

	if (at && m->span.len < end)
		m->span.len = end;
	return at;
}

static int read_bytes(struct mover *m, uint64_t va, uint8_t *dst, uint64_t len)
{
	while (len) {
		uint64_t part = len;
		const uint8_t *src = mover_get(m, va, &part);

		if (!src)
			return -1;
		memcpy(dst, src, part);
		va += part;
		dst += part;
		len -= part;
	}
	return 0;
}

/* @elements nibbles, from a whole byte on, each to a byte. */
static int read_nibbles(struct mover *m, uint64_t va, uint8_t *dst, uint64_t elements, bool sign)
{
	uint8_t flip = sign ? 8 : 0;

	while (elements) {
		uint64_t part = (elements + 1) / 2;
		const uint8_t *src = mover_get(m, va, &part);
		uint64_t count, i;

		if (!src)
			return -1;
		count = 2 * part < elements ? 2 * part : elements;
		/* (v ^ 8) - 8 extends the sign of four bits. */
		for (i = 0; i < count / 2; i++) {
			dst[2 * i] = (uint8_t)(((src[i] & 15) ^ flip) - flip);
			dst[2 * i + 1] = (uint8_t)((src[i] >> 4 ^ flip) - flip);
		}
		if (count & 1)
			dst[count - 1] = (uint8_t)(((src[i] & 15) ^ flip) - flip);
		va += part;
		dst += count;
		elements -= count;
	}
	return 0;
}

static void fill_elements(uint8_t *dst, uint64_t count, unsigned int size, uint32_t value)
{
	uint64_t i;

	if (size == 1) {
		memset(dst, (int)(value & 0xff), count);
		return;
	}
	for (i = 0; i < count; i++)
		memcpy(dst + i * size, &value, size);
}

static unsigned int element_size(uint8_t type)
{
	switch (type) {
	case NPU_BF16:
	case NPU_FP16:
		return 2;
	case NPU_S32:
	case NPU_FP32:
		return 4;
	default:
		return 1;
	}
}

static bool is_filled(const struct npu_cmd_load *c, int dim, uint32_t i)
{
	return i < c->pad_lo[dim] || i >= c->size[dim] - c->pad_hi[dim];
}

/* A row of @row elements. */
static int load_row(struct mover *m, const struct npu_cmd_load *c, uint64_t row, uint64_t va,
		    uint8_t *dst, bool filled, uint32_t fill)
{
	unsigned int size = element_size(c->type);
	uint64_t inner = row - c->pad_lo[0] - c->pad_hi[0];

	if (filled || !inner) {
		fill_elements(dst, row, size, fill);
		return 0;
	}
	fill_elements(dst, c->pad_lo[0], size, fill);
	dst += (uint64_t)c->pad_lo[0] * size;
	fill_elements(dst + inner * size, c->pad_hi[0], size, fill);
	if (c->type == NPU_S4 || c->type == NPU_U4)
		return read_nibbles(m, va, dst, inner, c->type == NPU_S4);
	return read_bytes(m, va, dst, inner * size);
}

int npu_exec_load(struct npu_exec *e, const struct npu_cmd_load *c)
{
	struct mover m = { .e = e };
	unsigned int size = element_size(c->type);
	uint64_t base = e->region[c->region] + c->offset;
	uint32_t row = c->size[0], rows = c->size[1];
	uint32_t fill = c->fill;
	uint32_t i1, i2, i3;
	int ret = -1;

	/* Read before anything is written: the value may lie in what the command overwrites. */
	if (c->fill_mode == NPU_FILL_SPM) {
		fill = 0;
		memcpy(&fill, e->spm + c->fill, size);
	}

	/* Rows that follow each other on both sides are one. */
	if (rows > 1 && !c->pad_lo[0] && !c->pad_hi[0] && !c->pad_lo[1] && !c->pad_hi[1] &&
	    c->type != NPU_S4 && c->type != NPU_U4 && c->mem_stride[0] == (uint64_t)row * size &&
	    c->spm_stride[0] == row * size) {
		row *= rows;
		rows = 1;
	}

	for (i3 = 0; i3 < c->size[3]; i3++) {
		for (i2 = 0; i2 < c->size[2]; i2++) {
			bool outside = is_filled(c, 3, i3) || is_filled(c, 2, i2);
			uint64_t va = base + (uint64_t)(i3 - c->pad_lo[3]) * c->mem_stride[2] +
				      (uint64_t)(i2 - c->pad_lo[2]) * c->mem_stride[1];
			int64_t dst = (int64_t)c->spm + (int64_t)i3 * (int32_t)c->spm_stride[2] +
				      (int64_t)i2 * (int32_t)c->spm_stride[1];

			for (i1 = 0; i1 < rows; i1++) {
				if (mover_poll(&m, 64 + (uint64_t)row) ||
				    load_row(&m, c, row,
					     va + (uint64_t)(i1 - c->pad_lo[1]) * c->mem_stride[0],
					     e->spm + dst + (int64_t)i1 * (int32_t)c->spm_stride[0],
					     outside || is_filled(c, 1, i1), fill))
					goto out;
			}
		}
	}
	ret = 0;
out:
	return mover_end(&m) ? -1 : ret;
}

/* The row that index @i names; false when out of range. */
static bool gather_row(const struct npu_exec *e, const struct npu_cmd_gather *c, uint32_t i,
		       uint64_t *row)
{
	const uint8_t *p = e->spm + c->index;
	int64_t index;

	if (c->type == NPU_S64) {
		memcpy(&index, p + (uint64_t)i * 8, 8);
	} else {
		int32_t narrow;

		memcpy(&narrow, p + (uint64_t)i * 4, 4);
		index = narrow;
	}
	if (index >= 0) {
		*row = (uint64_t)index;
		return *row < c->rows;
	}
	*row = c->rows - (0 - (uint64_t)index);
	return 0 - (uint64_t)index <= c->rows;
}

int npu_exec_gather(struct npu_exec *e, const struct npu_cmd_gather *c)
{
	struct mover m = { .e = e };
	uint64_t base = e->region[c->region] + c->offset;
	uint32_t i;
	int ret = -1;

	for (i = 0; i < c->count; i++) {
		uint8_t *dst = e->spm + (int64_t)c->spm + (int64_t)i * (int32_t)c->spm_stride;
		uint64_t row;

		if (!gather_row(e, c, i, &row)) {
			e->error->status = NPU_JOB_INDEX;
			e->error->reason = NPU_REASON_NONE;
			e->error->access = NPU_ACCESS_READ;
			e->error->space = NPU_SPACE_SPM;
			e->error->len = c->type == NPU_S64 ? 8 : 4;
			e->error->addr = c->index + i * e->error->len;
			goto out;
		}
		if (mover_poll(&m, 64 + (uint64_t)c->row_bytes) ||
		    read_bytes(&m, base + row * c->row_stride, dst, c->row_bytes))
			goto out;
	}
	ret = 0;
out:
	return mover_end(&m) ? -1 : ret;
}

static int write_bytes(struct mover *m, uint64_t va, const uint8_t *src, uint64_t len)
{
	while (len) {
		uint64_t part = len;
		uint8_t *dst = mover_put(m, va, &part);

		if (!dst)
			return -1;
		memcpy(dst, src, part);
		va += part;
		src += part;
		len -= part;
	}
	return 0;
}

int npu_exec_store(struct npu_exec *e, const struct npu_cmd_store *c)
{
	const uint8_t *local = c->space == NPU_SPACE_ACC ? e->acc : e->spm;
	uint64_t base = e->region[c->region] + c->offset;
	uint32_t size[4] = { c->size[0], c->size[1], c->size[2], c->size[3] };
	struct mover m = { .e = e };
	uint32_t i1, i2, i3;
	int ret = -1;

	/* Rows that follow each other on both sides are one. */
	if (size[1] > 1 && c->mem_stride[0] == size[0] && c->local_stride[0] == size[0] &&
	    (uint64_t)size[0] * size[1] <= UINT32_MAX) {
		size[0] *= size[1];
		size[1] = 1;
	}

	for (i3 = 0; i3 < size[3]; i3++) {
		for (i2 = 0; i2 < size[2]; i2++) {
			uint64_t va = base + i3 * c->mem_stride[2] + i2 * c->mem_stride[1];
			int64_t src = (int64_t)c->local +
				      (int64_t)i3 * (int32_t)c->local_stride[2] +
				      (int64_t)i2 * (int32_t)c->local_stride[1];

			for (i1 = 0; i1 < size[1]; i1++) {
				if (mover_poll(&m, 64 + (uint64_t)size[0]) ||
				    write_bytes(&m, va + i1 * c->mem_stride[0],
						local + src +
							(int64_t)i1 * (int32_t)c->local_stride[0],
						size[0]))
					goto out;
			}
		}
	}
	ret = 0;
out:
	return mover_end(&m) ? -1 : ret;
}
