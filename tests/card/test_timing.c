// SPDX-License-Identifier: MIT
/*
 * Copyright (c) 2026 the npu authors
 *
 * Modelled time against cases worked out by hand and against a simulator that knows the whole
 * stream and walks from cycle to cycle.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "gen.h"
#include "timing.h"

static struct npu_time *new_time(struct npu_card_config *cfg)
{
	struct npu_time *t;

	npu_card_config_default(cfg);
	t = npu_time_new(cfg);
	assert_non_null(t);
	return t;
}

static void sems(union gen_cmd *c, uint8_t wait, uint8_t signal)
{
	c->h.wait[0] = wait;
	c->h.signal[0] = signal;
}

/* What a watcher is told: sums, and every event in turn. */
struct seen {
	struct npu_time_counters sum[NPU_ENGINES];
	struct npu_time_event event[4];
	uint64_t count, end, free[NPU_ENGINES];
};

static void see(void *opaque, const struct npu_time_event *e)
{
	struct npu_time_counters *sum;
	struct seen *seen = opaque;

	assert_in_range(e->engine, 0, NPU_ENGINES - 1);
	assert_true(e->free > e->start && e->end >= e->free);
	/* An engine does one command after the other. */
	assert_true(e->start >= seen->free[e->engine]);
	seen->free[e->engine] = e->free;
	sum = &seen->sum[e->engine];
	sum->cmds++;
	sum->work += e->work;
	sum->lmem_bytes += e->lmem_bytes;
	sum->pcie_bytes += e->pcie_bytes;
	sum->energy_fj += e->energy_fj;
	if (seen->count < 4)
		seen->event[seen->count] = *e;
	seen->count++;
	if (e->end > seen->end)
		seen->end = e->end;
}

/* ---- By hand: 2 cores, 64 x 64, local memory 64 bytes a cycle and 100 cycles, PCIe 8 and 800  */

static void test_chain(void **state)
{
	struct npu_card_config cfg;
	struct npu_time *t = new_time(&cfg);
	struct npu_time_result r;
	struct seen seen = { .count = 0 };
	union gen_cmd c;

	(void)state;
	npu_time_watch(t, see, &seen);
	/* LOAD: request at 4, 64 cycles of port, data at 168. */
	gen_header(&c, NPU_OP_LOAD);
	c.load.size[0] = 4096;
	c.load.size[1] = c.load.size[2] = c.load.size[3] = 1;
	sems(&c, NPU_SEM_NONE, 1);
	npu_time_command(t, &c.h, 4096, 0);
	/*
	 * MATMUL 100x128x80: 2 x 2 tiles of max(100, 32), max(100, 8): 4 + 400 + 32 of the first
	 * tile.
	 */
	gen_header(&c, NPU_OP_MATMUL);
	c.matmul.m = 100;
	c.matmul.n = 128;
	c.matmul.k = 80;
	sems(&c, 1, 2);
	npu_time_command(t, &c.h, 0, 0);
	/* VPU: 12800 elements, 2 stages: 4 + 100, from 168 + 436 + 126. */
	gen_header(&c, NPU_OP_VPU);
	c.h.tag = 77;
	c.vpu.size[0] = 128;
	c.vpu.size[1] = 100;
	c.vpu.size[2] = c.vpu.size[3] = 1;
	c.vpu.p.stages = 2;
	sems(&c, 2, 3);
	npu_time_command(t, &c.h, 0, 0);
	/* STORE over PCIe: 4 + 1600 + 800. */
	gen_header(&c, NPU_OP_STORE);
	c.store.size[0] = 12800;
	c.store.size[1] = c.store.size[2] = c.store.size[3] = 1;
	sems(&c, 3, NPU_SEM_NONE);
	npu_time_command(t, &c.h, 0, 12800);
	npu_time_end(t, &r);
	assert_int_equal(r.cycles, 168 + 436 + 126 + 104 + 4 + 1600 + 800);
	assert_int_equal(r.engine[NPU_ENGINE_LOAD].busy, 68);
	assert_int_equal(r.engine[NPU_ENGINE_LOAD].lmem_bytes, 4096);
	assert_int_equal(r.engine[NPU_ENGINE_LOAD].energy_fj, 4096ull * cfg.lmem_fj);
	assert_int_equal(r.engine[NPU_ENGINE_MXU].busy, 436);
	assert_int_equal(r.engine[NPU_ENGINE_MXU].stall_sem, 168);
	assert_int_equal(r.engine[NPU_ENGINE_MXU].work, 100 * 128 * 80);
	assert_int_equal(r.engine[NPU_ENGINE_MXU].energy_fj, 100ull * 128 * 80 * cfg.mac_fj);
	assert_int_equal(r.engine[NPU_ENGINE_VPU].busy, 104);
	assert_int_equal(r.engine[NPU_ENGINE_VPU].work, 2 * 12800);
	assert_int_equal(r.engine[NPU_ENGINE_STORE].pcie_bytes, 12800);
	assert_int_equal(r.engine[NPU_ENGINE_STORE].cmds, 1);
	assert_int_equal(seen.count, 4);
	assert_int_equal(seen.event[0].start, 0);
	assert_int_equal(seen.event[0].free, 68);
	assert_int_equal(seen.event[0].end, 168);
	assert_int_equal(seen.event[1].start, 168);
	assert_int_equal(seen.event[1].free, 168 + 436);
	assert_int_equal(seen.event[1].end, 168 + 436 + 126);
	assert_int_equal(seen.event[2].start, 168 + 436 + 126);
	assert_int_equal(seen.event[2].end, 168 + 436 + 126 + 104);
	assert_int_equal(seen.event[2].tag, 77);
	assert_int_equal(seen.event[3].engine, NPU_ENGINE_STORE);
	assert_int_equal(seen.event[3].free, r.cycles - 800);
	assert_int_equal(seen.event[3].end, r.cycles);
	npu_time_free(t);
}

static void test_port(void **state)
{
	struct npu_card_config cfg;
	struct npu_time *t = new_time(&cfg);
	struct npu_time_result r;
	union gen_cmd c;
	unsigned int i;

	(void)state;
	/*
	 * Two loads of 10 cycles and a store of 10: L 4..14, S 14..24 (asked at 4), L 24..34
	 * (asked at 18).
	 */
	for (i = 0; i < 2; i++) {
		gen_header(&c, NPU_OP_LOAD);
		c.load.size[0] = c.load.size[1] = c.load.size[2] = c.load.size[3] = 1;
		npu_time_command(t, &c.h, 640, 0);
	}
	assert_int_equal(npu_time_now(t), 0);
	gen_header(&c, NPU_OP_STORE);
	npu_time_command(t, &c.h, 640, 0);
	npu_time_end(t, &r);
	assert_int_equal(r.cycles, 134);
	assert_int_equal(r.engine[NPU_ENGINE_STORE].stall_port, 10);
	assert_int_equal(r.engine[NPU_ENGINE_LOAD].stall_port, 6);
	assert_int_equal(r.engine[NPU_ENGINE_LOAD].busy, 28);
	npu_time_free(t);
}

/*
 * A STORE that stands farther away than the arbiter sees comes after the LOADs that could not
 * know of it.
 */
static void test_lookahead(void **state)
{
	struct npu_card_config cfg;
	struct npu_time *t = new_time(&cfg);
	struct npu_time_result r;
	union gen_cmd c;
	unsigned int i;

	(void)state;
	gen_header(&c, NPU_OP_LOAD);
	c.load.size[0] = c.load.size[1] = c.load.size[2] = c.load.size[3] = 1;
	for (i = 0; i < 5000; i++)
		npu_time_command(t, &c.h, 640, 0);
	gen_header(&c, NPU_OP_STORE);
	npu_time_command(t, &c.h, 640, 0);
	npu_time_end(t, &r);
	/* LOAD n is decided when command n + 4096 is there: 0 .. 903 do not see command 5000. */
	assert_int_equal(r.engine[NPU_ENGINE_STORE].stall_port, 904 * 14 - 4);
	/* The port is idle for 4 cycles between loads; the store delays the next one by 6. */
	assert_int_equal(r.engine[NPU_ENGINE_LOAD].stall_port, 6);
	assert_int_equal(r.cycles, 5000 * 14 + 6 + 100);
	npu_time_free(t);
}

static void test_barrier(void **state)
{
	struct npu_card_config cfg;
	struct npu_time *t = new_time(&cfg);
	struct npu_time_result r;
	union gen_cmd c;

	(void)state;
	npu_time_end(t, &r);
	assert_int_equal(r.cycles, 0);
	gen_header(&c, NPU_OP_VPU);
	c.vpu.size[0] = 1280;
	c.vpu.size[1] = c.vpu.size[2] = c.vpu.size[3] = 1;
	npu_time_command(t, &c.h, 0, 0);
	assert_int_equal(npu_time_drain(t), 14);
	/* Another member came later. */
	npu_time_barrier(t, 50);
	npu_time_command(t, &c.h, 0, 0);
	npu_time_end(t, &r);
	assert_int_equal(r.cycles, 50 + cfg.barrier_cycles + 14);
	assert_int_equal(r.engine[NPU_ENGINE_VPU].stall_sem, 0);
	npu_time_reset(t);
	npu_time_command(t, &c.h, 0, 0);
	npu_time_end(t, &r);
	assert_int_equal(r.cycles, 14);
	npu_time_free(t);
}

static uint64_t alone(struct npu_time *t, union gen_cmd *c, struct npu_time_result *r)
{
	uint64_t local, host;

	npu_time_reset(t);
	npu_time_bytes(&c->h, NULL, NULL, NULL, NULL, &local, &host);
	npu_time_command(t, &c->h, local, host);
	npu_time_end(t, r);
	return r->engine[npu_isa_engine(c->h.opcode)].busy;
}

static void test_costs(void **state)
{
	struct npu_card_config cfg;
	struct npu_time *t = new_time(&cfg);
	struct npu_time_result r;
	union gen_cmd c;

	(void)state;
	/* A product of one row: weights of 3 tiles, 32 + 32 + 4 cycles, and the first again. */
	gen_header(&c, NPU_OP_MATMUL);
	c.matmul.m = 1;
	c.matmul.n = 64;
	c.matmul.k = 136;
	assert_int_equal(alone(t, &c, &r), 4 + 68 + 32);
	assert_int_equal(r.cycles, 4 + 68 + 32 + 126);
	/* bf16 streams at a quarter, and costs four times the energy. */
	c.matmul.o.a_type = c.matmul.o.b_type = NPU_BF16;
	c.matmul.m = 10;
	assert_int_equal(alone(t, &c, &r), 4 + 3 * 40 + 32);
	assert_int_equal(r.engine[NPU_ENGINE_MXU].energy_fj, 10ull * 64 * 136 * 4 * cfg.mac_fj);
	/* Convolution: 2 groups, k = 9 * 16, 2 * 7 * 7 pixels: 2 x 3 tiles of 98. */
	gen_header(&c, NPU_OP_CONV);
	c.conv.batch = 2;
	c.conv.groups = 2;
	c.conv.in_c = 16;
	c.conv.out_h = c.conv.out_w = 7;
	c.conv.out_c = 64;
	c.conv.kernel_h = c.conv.kernel_w = 3;
	assert_int_equal(alone(t, &c, &r), 4 + 6 * 98 + 32);
	assert_int_equal(r.engine[NPU_ENGINE_MXU].work, 98 * 144 * 64 * 2);
	/*
	 * Depthwise: 65 channels are two passes of 64, 25 taps three of 9; 9 rows load in 5
	 * cycles.
	 */
	c.conv.o.flags = NPU_MXU_DEPTHWISE;
	c.conv.groups = 1;
	c.conv.in_c = c.conv.out_c = 65;
	c.conv.kernel_h = c.conv.kernel_w = 5;
	assert_int_equal(alone(t, &c, &r), 4 + 2 * 3 * 98 + 5);
	assert_int_equal(r.engine[NPU_ENGINE_MXU].work, 98 * 25 * 65);
	/* A reduction: 3 stages before it, one after it. */
	gen_header(&c, NPU_OP_VPU);
	c.vpu.size[0] = 100;
	c.vpu.size[1] = 10;
	c.vpu.size[2] = c.vpu.size[3] = 1;
	c.vpu.reduce = NPU_REDUCE_SUM;
	c.vpu.axes = 1;
	c.vpu.p.pre = 3;
	c.vpu.p.stages = 4;
	assert_int_equal(alone(t, &c, &r), 4 + 8);
	assert_int_equal(r.engine[NPU_ENGINE_VPU].work, 4 * 1000 + 10);
	assert_int_equal(r.engine[NPU_ENGINE_VPU].energy_fj, 4010ull * cfg.vpu_fj);
	/* A copy counts one operation an element. */
	c.vpu.reduce = c.vpu.axes = c.vpu.p.pre = c.vpu.p.stages = 0;
	assert_int_equal(alone(t, &c, &r), 4 + 8);
	assert_int_equal(r.engine[NPU_ENGINE_VPU].work, 1000);
	/* Pooling: 64 x 5 x 5 outputs of 3 x 3. */
	gen_header(&c, NPU_OP_POOL);
	c.pool.size[0] = 64;
	c.pool.size[1] = c.pool.size[2] = 5;
	c.pool.size[3] = 1;
	c.pool.kernel_h = c.pool.kernel_w = 3;
	assert_int_equal(alone(t, &c, &r), 4 + 113);
	/* A LOAD that only fills: 8192 bytes at 64 a cycle, no memory, no latency, no port. */
	gen_header(&c, NPU_OP_LOAD);
	c.load.type = NPU_FP16;
	c.load.fill_mode = NPU_FILL_IMM;
	c.load.size[0] = 4096;
	c.load.pad_lo[0] = 4096;
	c.load.size[1] = c.load.size[2] = c.load.size[3] = 1;
	assert_int_equal(alone(t, &c, &r), 4 + 128);
	assert_int_equal(r.cycles, 4 + 128);
	assert_int_equal(r.engine[NPU_ENGINE_LOAD].lmem_bytes, 0);
	npu_time_free(t);
}

/* Weights of the next command load behind those in use, unless there was a gap. */
static void test_idle_array(void **state)
{
	struct npu_card_config cfg;
	struct npu_time *t = new_time(&cfg);
	struct npu_time_result r;
	union gen_cmd c;

	(void)state;
	gen_header(&c, NPU_OP_MATMUL);
	c.matmul.m = c.matmul.n = c.matmul.k = 64;
	npu_time_command(t, &c.h, 0, 0);
	npu_time_command(t, &c.h, 0, 0);
	npu_time_end(t, &r);
	assert_int_equal(r.engine[NPU_ENGINE_MXU].busy, 68 + 32 + 68);
	assert_int_equal(r.cycles, 68 + 32 + 68 + 126);
	npu_time_barrier(t, r.cycles);
	npu_time_command(t, &c.h, 0, 0);
	npu_time_end(t, &r);
	assert_int_equal(r.engine[NPU_ENGINE_MXU].busy, 68 + 32 + 68 + 68 + 32);
	npu_time_free(t);
}

/* GATHER looks at SPM, so it waits for what its own engine is still loading. */
static void test_in_order(void **state)
{
	struct npu_card_config cfg;
	struct npu_time *t = new_time(&cfg);
	struct npu_time_result r;
	union gen_cmd c;

	(void)state;
	gen_header(&c, NPU_OP_LOAD);
	c.load.size[0] = c.load.size[1] = c.load.size[2] = c.load.size[3] = 1;
	npu_time_command(t, &c.h, 64, 0);
	gen_header(&c, NPU_OP_GATHER);
	c.gather.count = 1;
	npu_time_command(t, &c.h, 64, 0);
	npu_time_end(t, &r);
	assert_int_equal(r.cycles, 105 + 4 + 1 + 100);
	/* A short latency behind a long one: commands of an engine complete in order. */
	npu_time_reset(t);
	gen_header(&c, NPU_OP_LOAD);
	c.load.size[0] = c.load.size[1] = c.load.size[2] = c.load.size[3] = 1;
	npu_time_command(t, &c.h, 0, 64);
	npu_time_command(t, &c.h, 64, 0);
	npu_time_end(t, &r);
	assert_int_equal(r.cycles, 4 + 8 + 800);
	npu_time_free(t);
}

/* ---- Bytes ---------------------------------------------------------------------------------- */

/* Every other page of 4 KiB is in host memory; nothing beyond 1 MiB. */
static bool alternate(void *opaque, uint64_t va, enum npu_access_kind kind, uint64_t *key,
		      uint64_t *len)
{
	(void)opaque;
	(void)kind;
	if (va >= 1 << 20)
		return false;
	*key = va / 4096 % 2 ? va : NPU_KEY_LOCAL | va;
	*len = 4096 - va % 4096;
	return true;
}

static void bytes(union gen_cmd *c, uint64_t base, uint64_t local, uint64_t host)
{
	uint64_t region[NPU_MAX_REGIONS] = { [3] = base }, l, h;

	npu_time_bytes(&c->h, region, NULL, alternate, NULL, &l, &h);
	assert_int_equal(l, local);
	assert_int_equal(h, host);
}

static void test_bytes(void **state)
{
	union gen_cmd c;

	(void)state;
	gen_header(&c, NPU_OP_STORE);
	c.store.region = 3;
	c.store.size[0] = 1;
	c.store.size[1] = 10;
	c.store.size[2] = c.store.size[3] = 1;
	c.store.mem_stride[0] = 2;
	/* Scattered bytes: a burst each. */
	bytes(&c, 0, 640, 0);
	/* Adjacent ones are a run: 59 .. 68 are two bursts. */
	c.store.mem_stride[0] = 1;
	bytes(&c, 59, 128, 0);
	/* Over a page's end, and over the end of what is there. */
	c.store.size[0] = 200;
	c.store.size[1] = 1;
	bytes(&c, 4000, 128, 128);
	bytes(&c, (1 << 20) - 100, 0, 128);
	/* A LOAD does not read what it fills; nibbles are packed row by row. */
	gen_header(&c, NPU_OP_LOAD);
	c.load.region = 3;
	c.load.type = NPU_S4;
	c.load.fill_mode = NPU_FILL_IMM;
	c.load.size[0] = 131;
	c.load.pad_lo[0] = 2;
	c.load.size[1] = 3;
	c.load.pad_hi[1] = 1;
	c.load.size[2] = c.load.size[3] = 1;
	c.load.mem_stride[0] = 4096;
	bytes(&c, 0, 128, 128);
	c.load.pad_lo[2] = 1;
	bytes(&c, 0, 0, 0);
}

/* ---- A simulator that walks ----------------------------------------------------------------- */

#define COMMANDS 60

struct stream {
	union gen_cmd c[COMMANDS];
	uint64_t local[COMMANDS], host[COMMANDS];
	unsigned int n;
};

/* What a command costs when it is alone; told by a model of its own for each. */
struct cost {
	uint64_t prologue, transfer, rest, first_tile, latency;
	bool in_order;
};

static struct cost cost_of(const struct npu_card_config *cfg, const union gen_cmd *c,
			   uint64_t local, uint64_t host)
{
	struct cost k = { 0 };
	uint64_t i, fill = 0;

	switch (npu_isa_engine(c->h.opcode)) {
	case NPU_ENGINE_LOAD:
	case NPU_ENGINE_STORE:
		for (i = 0; i * cfg->lmem_bw < local * cfg->cores; i++)
			k.transfer++;
		for (i = 0; i * cfg->pcie_bw < host * cfg->cores; i++)
			k.transfer++;
		k.prologue = cfg->cmd_cycles;
		k.latency = local ? cfg->lmem_latency : 0;
		if (host && cfg->pcie_latency > k.latency)
			k.latency = cfg->pcie_latency;
		k.in_order = c->h.opcode == NPU_OP_GATHER;
		if (c->h.opcode == NPU_OP_LOAD && c->load.pad_lo[0]) {
			fill = c->load.pad_lo[0];
			k.in_order = c->load.fill_mode == NPU_FILL_SPM;
		}
		for (i = 0; i * cfg->lmem_bw < fill * cfg->cores; i++)
			if (i >= k.transfer)
				k.rest++;
		break;
	case NPU_ENGINE_MXU:
		k.prologue = cfg->cmd_cycles;
		for (i = 0; i < c->matmul.k; i += cfg->array_rows) {
			uint64_t rows = c->matmul.k - i < cfg->array_rows ? c->matmul.k - i :
									    cfg->array_rows;
			uint64_t load = (rows + cfg->weight_rows - 1) / cfg->weight_rows;
			uint64_t n;

			if (!i)
				k.first_tile = load;
			for (n = 0; n < c->matmul.n; n += cfg->array_cols)
				k.rest += load > c->matmul.m ? load : c->matmul.m;
		}
		k.latency = cfg->array_rows + cfg->array_cols - 2;
		break;
	default:
		k.prologue = cfg->cmd_cycles;
		for (i = 0; i < c->vpu.size[0]; i += cfg->vpu_lanes)
			k.rest++;
	}
	return k;
}

/* Cycle by cycle: what each engine does now, and how many tokens have been made. */
static uint64_t walk(const struct npu_card_config *cfg, const struct stream *s,
		     struct npu_time_counters *ctr)
{
	enum { IDLE, PROLOGUE, ASKING, MOVING } doing[NPU_ENGINES] = { IDLE };
	uint64_t left[NPU_ENGINES] = { 0 }, asked[NPU_ENGINES] = { 0 },
		 free_at[NPU_ENGINES] = { 0 };
	uint64_t ended_at[NPU_ENGINES] = { 0 }, end[COMMANDS], now, last = 0, port_left = 0;
	int queue[NPU_ENGINES][COMMANDS + 1], head[NPU_ENGINES] = { 0 }, e, i,
					      n[NPU_ENGINES] = { 0 };
	bool used[NPU_ENGINES] = { false }, pending;
	/*
	 * The n-th wait on a semaphore takes its n-th signal: command by command, whom it waits
	 * for.
	 */
	int needs[COMMANDS][NPU_CMD_SEMS], fifo[NPU_SEMAPHORES][COMMANDS],
		made[NPU_SEMAPHORES] = { 0 }, taken[NPU_SEMAPHORES] = { 0 };

	for (i = 0; i < (int)s->n; i++) {
		const struct npu_cmd *h = &s->c[i].h;
		int w;

		e = npu_isa_engine(h->opcode);
		queue[e][n[e]++] = i;
		end[i] = UINT64_MAX;
		for (w = 0; w < NPU_CMD_SEMS; w++)
			needs[i][w] = h->wait[w] == NPU_SEM_NONE ?
					      -1 :
					      fifo[h->wait[w]][taken[h->wait[w]]++];
		for (w = 0; w < NPU_CMD_SEMS; w++)
			if (h->signal[w] != NPU_SEM_NONE)
				fifo[h->signal[w]][made[h->signal[w]]++] = i;
	}
	for (now = 0, pending = true; pending; now++) {
		pending = false;
		/* Engines that end what they do now; those that are free start. */
		for (e = 0; e < NPU_ENGINES; e++) {
			struct cost k;
			bool ready = true;
			int w;

			if (head[e] == n[e] || doing[e] != IDLE)
				continue;
			i = queue[e][head[e]];
			k = cost_of(cfg, &s->c[i], s->local[i], s->host[i]);
			for (w = 0; w < NPU_CMD_SEMS; w++)
				if (needs[i][w] >= 0 && end[needs[i][w]] > now)
					ready = false;
			if (k.in_order && ended_at[e] > now)
				ready = false;
			if (!ready)
				continue;
			ctr[e].stall_sem += now - free_at[e];
			doing[e] = PROLOGUE;
			left[e] = k.prologue;
			if (e == NPU_ENGINE_MXU && (!used[e] || now > free_at[e]))
				left[e] += k.first_tile;
			used[e] = true;
		}
		for (e = 0; e < NPU_ENGINES; e++) {
			if (doing[e] == PROLOGUE && !left[e]) {
				doing[e] = ASKING;
				asked[e] = now;
			}
		}
		/* Grants: earliest request, LOAD first. Others do not need the port. */
		for (i = 0; i < 2 && !port_left; i++) {
			bool l = doing[NPU_ENGINE_LOAD] == ASKING,
			     st = doing[NPU_ENGINE_STORE] == ASKING;
			struct cost k;
			int c;

			if (!l && !st)
				break;
			e = l && (!st || asked[NPU_ENGINE_LOAD] <= asked[NPU_ENGINE_STORE]) ?
				    NPU_ENGINE_LOAD :
				    NPU_ENGINE_STORE;
			c = queue[e][head[e]];
			k = cost_of(cfg, &s->c[c], s->local[c], s->host[c]);
			ctr[e].stall_port += now - asked[e];
			port_left = k.transfer;
			doing[e] = MOVING;
			left[e] = k.transfer + k.rest;
		}
		for (e = NPU_ENGINE_MXU; e <= NPU_ENGINE_VPU; e++) {
			if (doing[e] == ASKING) {
				i = queue[e][head[e]];
				doing[e] = MOVING;
				left[e] = cost_of(cfg, &s->c[i], 0, 0).rest;
			}
		}
		/* A cycle passes. */
		if (port_left)
			port_left--;
		for (e = 0; e < NPU_ENGINES; e++) {
			pending = pending || head[e] < n[e];
			if (doing[e] == IDLE)
				continue;
			if (doing[e] == PROLOGUE || doing[e] == MOVING) {
				ctr[e].busy++;
				left[e]--;
			}
			if (doing[e] == MOVING && !left[e]) {
				i = queue[e][head[e]++];
				free_at[e] = now + 1;
				end[i] = now + 1 +
					 cost_of(cfg, &s->c[i], s->local[i], s->host[i]).latency;
				if (end[i] < ended_at[e])
					end[i] = ended_at[e];
				ended_at[e] = end[i];
				if (end[i] > last)
					last = end[i];
				doing[e] = IDLE;
			}
		}
	}
	return last;
}

static void random_stream(struct gen *g, struct stream *s)
{
	static const uint8_t op[] = { NPU_OP_LOAD,  NPU_OP_GATHER, NPU_OP_MATMUL, NPU_OP_VPU,
				      NPU_OP_STORE, NPU_OP_LOAD,   NPU_OP_STORE };
	unsigned int count[NPU_SEMAPHORES] = { 0 }, i, f, w;

	s->n = 1 + gen_below(g, COMMANDS);
	for (i = 0; i < s->n; i++) {
		union gen_cmd *c = &s->c[i];
		unsigned int e;

		gen_header(c, op[gen_below(g, sizeof(op))]);
		e = npu_isa_engine(c->h.opcode);
		s->local[i] = 0;
		s->host[i] = 0;
		if (e == NPU_ENGINE_MXU) {
			c->matmul.m = 1 + gen_below(g, 20);
			c->matmul.n = 1 + gen_below(g, 20);
			c->matmul.k = 1 + gen_below(g, 20);
		} else if (e == NPU_ENGINE_VPU) {
			c->vpu.size[0] = 1 + gen_below(g, 100);
			c->vpu.size[1] = c->vpu.size[2] = c->vpu.size[3] = 1;
		} else {
			/* Each moves something: the walk does not do things that take no time. */
			s->local[i] = 64 * (1 + gen_below(g, 4));
			if (!gen_below(g, 3))
				s->host[i] = 64 * gen_below(g, 3);
			if (c->h.opcode == NPU_OP_LOAD) {
				c->load.size[0] = 300;
				c->load.size[1] = c->load.size[2] = c->load.size[3] = 1;
				if (!gen_below(g, 4)) {
					c->load.fill_mode = 1 + (__u8)gen_below(g, 2);
					c->load.pad_lo[0] = 1 + gen_below(g, 299);
				}
			}
		}
		/* Semaphore 4 * f + e carries tokens from engine f to e. */
		for (w = 0, f = gen_below(g, 4); w < NPU_CMD_SEMS; w++, f = (f + 1) % 4) {
			if (count[4 * f + e] && gen_below(g, 3)) {
				c->h.wait[w] = (__u8)(4 * f + e);
				count[4 * f + e]--;
			}
		}
		for (w = 0, f = gen_below(g, 4); w < NPU_CMD_SEMS; w++, f = (f + 1) % 4) {
			if (!gen_below(g, 3)) {
				c->h.signal[w] = (__u8)(4 * e + f);
				count[4 * e + f]++;
			}
		}
	}
}

static void test_against_walk(void **state)
{
	struct npu_card_config cfg;
	struct npu_time *t = NULL;
	struct stream s;
	unsigned int i, j, e;
	struct gen g;

	(void)state;
	gen_init(&g, gen_seed());
	for (i = 0; i < 4000; i++) {
		struct npu_time_counters ctr[NPU_ENGINES] = { 0 };
		struct seen seen = { .count = 0 };
		struct npu_time_result r;
		uint64_t cycles;

		if (i % 50 == 0) {
			npu_time_free(t);
			npu_card_config_default(&cfg);
			cfg.cores = 1 + gen_below(&g, 3);
			cfg.cmd_cycles = 1 + gen_below(&g, 5);
			cfg.array_rows = 4 + gen_below(&g, 8);
			cfg.array_cols = 4 + gen_below(&g, 8);
			cfg.weight_rows = 1 + gen_below(&g, 3);
			cfg.vpu_lanes = 1 + gen_below(&g, 20);
			cfg.lmem_bw = 16 + gen_below(&g, 50);
			cfg.pcie_bw = 16 + gen_below(&g, 10);
			cfg.lmem_latency = 1 + gen_below(&g, 40);
			cfg.pcie_latency = 1 + gen_below(&g, 80);
			t = npu_time_new(&cfg);
			assert_non_null(t);
		}
		random_stream(&g, &s);
		npu_time_watch(t, see, &seen);
		npu_time_reset(t);
		for (j = 0; j < s.n; j++)
			npu_time_command(t, &s.c[j].h, s.local[j], s.host[j]);
		npu_time_end(t, &r);
		cycles = walk(&cfg, &s, ctr);
		if (r.cycles != cycles)
			print_error("stream %u of %u commands\n", i, s.n);
		assert_int_equal(r.cycles, cycles);
		for (e = 0; e < NPU_ENGINES; e++) {
			assert_int_equal(r.engine[e].busy, ctr[e].busy);
			assert_int_equal(r.engine[e].stall_sem, ctr[e].stall_sem);
			assert_int_equal(r.engine[e].stall_port, ctr[e].stall_port);
			assert_int_equal(seen.sum[e].cmds, r.engine[e].cmds);
			assert_int_equal(seen.sum[e].work, r.engine[e].work);
			assert_int_equal(seen.sum[e].lmem_bytes, r.engine[e].lmem_bytes);
			assert_int_equal(seen.sum[e].pcie_bytes, r.engine[e].pcie_bytes);
			assert_int_equal(seen.sum[e].energy_fj, r.engine[e].energy_fj);
		}
		assert_int_equal(seen.count, s.n);
		assert_int_equal(seen.end, cycles);
	}
	npu_time_free(t);
}

/*
 * Long streams go round the rings of the model many times: two halves of a job cost what one
 * twice as long does.
 */
static void test_long(void **state)
{
	struct npu_card_config cfg;
	struct npu_time *t = new_time(&cfg);
	struct npu_time_result r;
	union gen_cmd load, mm, store;
	unsigned int i;

	(void)state;
	gen_header(&load, NPU_OP_LOAD);
	load.load.size[0] = load.load.size[1] = load.load.size[2] = load.load.size[3] = 1;
	sems(&load, NPU_SEM_NONE, 0);
	gen_header(&mm, NPU_OP_MATMUL);
	mm.matmul.m = mm.matmul.n = mm.matmul.k = 64;
	sems(&mm, 0, 1);
	gen_header(&store, NPU_OP_STORE);
	sems(&store, 1, NPU_SEM_NONE);
	for (i = 0; i < 50000; i++) {
		npu_time_command(t, &load.h, 640, 0);
		npu_time_command(t, &mm.h, 0, 0);
		npu_time_command(t, &store.h, 640, 0);
	}
	npu_time_end(t, &r);
	/* The array is the bottleneck from the second product on: 68 cycles each, without a gap. */
	assert_int_equal(r.engine[NPU_ENGINE_MXU].busy, 32 + 50000ull * 68);
	assert_int_equal(r.engine[NPU_ENGINE_STORE].cmds, 50000);
	assert_int_equal(r.cycles, 114 + 32 + 50000ull * 68 + 126 + 4 + 10 + 100);
	npu_time_free(t);
}

/* A token's place is used again while the one before is taken but not yet decided. */
static void test_token_places(void **state)
{
	struct npu_card_config cfg;
	struct npu_time *t = new_time(&cfg);
	union gen_cmd load, mm, vpu;
	struct npu_time_result r;
	unsigned int i;

	(void)state;
	gen_header(&load, NPU_OP_LOAD);
	load.load.size[0] = load.load.size[1] = load.load.size[2] = load.load.size[3] = 1;
	sems(&load, NPU_SEM_NONE, 0);
	gen_header(&mm, NPU_OP_MATMUL);
	mm.matmul.m = mm.matmul.n = mm.matmul.k = 1;
	sems(&mm, 0, NPU_SEM_NONE);
	gen_header(&vpu, NPU_OP_VPU);
	vpu.vpu.size[0] = vpu.vpu.size[1] = vpu.vpu.size[2] = vpu.vpu.size[3] = 1;
	for (i = 0; i < 600; i++) {
		npu_time_command(t, &load.h, 640, 0);
		npu_time_command(t, &mm.h, 0, 0);
	}
	npu_time_command(t, &load.h, 640, 0);
	/* LOADs 0 .. 350 are decided, 344 among them, whose place token 600 has. */
	for (i = 1201; i < 2 * 350 + NPU_LOOKAHEAD + 1; i++)
		npu_time_command(t, &vpu.h, 0, 0);
	npu_time_command(t, &mm.h, 0, 0);
	npu_time_end(t, &r);
	assert_int_equal(r.engine[NPU_ENGINE_MXU].stall_sem, 601 * 14 + 100 - 600 * 6);
	npu_time_free(t);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_chain),	     cmocka_unit_test(test_port),
		cmocka_unit_test(test_lookahead),    cmocka_unit_test(test_barrier),
		cmocka_unit_test(test_costs),	     cmocka_unit_test(test_idle_array),
		cmocka_unit_test(test_in_order),     cmocka_unit_test(test_bytes),
		cmocka_unit_test(test_against_walk), cmocka_unit_test(test_long),
		cmocka_unit_test(test_token_places),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
