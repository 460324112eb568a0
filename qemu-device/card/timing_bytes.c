// SPDX-License-Identifier: MIT
/*
 * Copyright (c) 2026 the npu authors
 *
 * Modelled time: which bytes LOAD, GATHER and STORE move, in whole bursts, see timing.h.
 */
#include "timing.h"

/* Runs of one page after which it is resolved again; resolve() may hold something between two calls. */
#define RESOLVE_RUNS 4096

static uint64_t min_u64(uint64_t a, uint64_t b)
{
	return a < b ? a : b;
}

struct counting {
	npu_resolve_fn *resolve;
	void *opaque;
	enum npu_access_kind kind;
	uint64_t *local;
	uint64_t *host;
	/* The page that was asked for last. */
	uint64_t start;
	uint64_t len;
	bool is_local;
	uint32_t runs;
};

static bool look_up(struct counting *c, uint64_t va)
{
	uint64_t key, len;

	if (!c->resolve) {
		c->start = va;
		c->len = UINT64_MAX - va;
		c->is_local = true;
		return true;
	}
	if (!c->resolve(c->opaque, va, c->kind, &key, &len))
		return false;
	c->start = va;
	c->len = len;
	c->is_local = key & NPU_KEY_LOCAL;
	return true;
}

static uint64_t bursts(uint64_t va, uint64_t len)
{
	return (va + len - 1) / NPU_DMA_BURST - va / NPU_DMA_BURST + 1;
}

/* Whole bursts of a run; false where it would fault, which is where the command ends. */
static bool count_run(struct counting *c, uint64_t va, uint64_t len)
{
	while (len) {
		uint64_t part;

		/* Now and then in any case: resolve() also fails when the job is to end. */
		if ((va - c->start >= c->len || ++c->runs % RESOLVE_RUNS == 0) && !look_up(c, va))
			return false;
		part = min_u64(len, c->len - (va - c->start));
		/* The page may go on: a burst never crosses its end. */
		*(c->is_local ? c->local : c->host) += bursts(va, part) * NPU_DMA_BURST;
		va += part;
		len -= part;
	}
	return true;
}

/*
 * @count runs, @stride apart. Those after the first that lie in the same page and begin at the same
 * place in a burst are as many bursts each, and need not be looked at.
 */
static bool count_runs(struct counting *c, uint64_t va, uint64_t len, int64_t stride, uint64_t count)
{
	while (count) {
		uint64_t n, left;

		if (!count_run(c, va, len))
			return false;
		count--;
		va += (uint64_t)stride;
		if (stride <= 0 || stride % NPU_DMA_BURST || va - c->start >= c->len)
			continue;
		left = c->len - (va - c->start);
		if (left < len)
			continue;
		n = min_u64(count, (left - len) / (uint64_t)stride + 1);
		n = min_u64(n, RESOLVE_RUNS - 1 - c->runs % RESOLVE_RUNS);
		*(c->is_local ? c->local : c->host) += n * bursts(va, len) * NPU_DMA_BURST;
		c->runs += (uint32_t)n;
		count -= n;
		va += n * (uint64_t)stride;
	}
	return true;
}

static void count_dma(struct counting *c, const struct npu_cmd *cmd, const uint64_t *region)
{
	struct npu_dma_shape d;
	uint64_t base, j, k;
	unsigned int n;

	npu_isa_dma_shape(cmd, &d);
	if (!d.row)
		return;
	base = (region ? region[d.region] : 0) + (uint64_t)d.offset;
	/* Rows that follow one another are one run. */
	for (n = 0; n < 3; n++) {
		if (d.count[n] > 1 && d.stride[n] != (int64_t)d.row)
			break;
		d.row *= d.count[n];
		d.count[n] = 1;
	}
	for (k = 0; k < d.count[2]; k++)
		for (j = 0; j < d.count[1]; j++)
			if (!count_runs(c,
					base + j * (uint64_t)d.stride[1] + k * (uint64_t)d.stride[2],
					d.row, d.stride[0], d.count[0]))
				return;
}

static void count_gather(struct counting *c, const struct npu_cmd_gather *cmd,
			 const uint64_t *region, const uint8_t *spm)
{
	uint64_t base = (region ? region[cmd->region] : 0) + cmd->offset;
	uint32_t i;

	for (i = 0; i < cmd->count; i++) {
		uint64_t row = i;

		if (spm && !npu_isa_gather_index(cmd, spm, i, &row))
			return;
		if (!count_run(c, base + row * cmd->row_stride, cmd->row_bytes))
			return;
	}
}

void npu_time_bytes(const struct npu_cmd *cmd, const uint64_t *region, const uint8_t *spm,
		    npu_resolve_fn *resolve, void *opaque, uint64_t *local, uint64_t *host)
{
	struct counting c = { .resolve = resolve, .opaque = opaque, .local = local, .host = host };

	*local = 0;
	*host = 0;
	switch (cmd->opcode) {
	case NPU_OP_STORE:
		c.kind = NPU_ACCESS_WRITE;
		count_dma(&c, cmd, region);
		break;
	case NPU_OP_LOAD:
		c.kind = NPU_ACCESS_READ;
		count_dma(&c, cmd, region);
		break;
	case NPU_OP_GATHER:
		c.kind = NPU_ACCESS_READ;
		count_gather(&c, (const void *)cmd, region, spm);
		break;
	}
}
