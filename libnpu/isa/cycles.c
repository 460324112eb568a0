// SPDX-License-Identifier: MIT
/*
 * Copyright (c) 2026 the npu authors
 *
 * What streams will cost, by the card's own model of time (qemu-device/card/timing.h), and what of
 * it is due to which tag. Engines work beside each other, so parts of a job have no time of their
 * own; what adds up is how much later the job would be done with all tags up to one than with those
 * before it.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "hal/error.h"
#include "qemu-device/card/card.h"
#include "qemu-device/card/timing.h"

#include "stream.h"

/* Where regions are, for the model: far apart in the address space. */
#define REGION_SHIFT (NPU_VA_BITS - 4)
_Static_assert(1u << 4 == NPU_MAX_REGIONS, "a part of the address space for each region");

struct places {
	uint64_t base[NPU_MAX_REGIONS];
	uint32_t host;
};

static bool resolve(void *opaque, uint64_t va, enum npu_access_kind kind, uint64_t *key,
		    uint64_t *len)
{
	const struct places *p = opaque;
	bool host = p->host & 1u << (va >> REGION_SHIFT & (NPU_MAX_REGIONS - 1));

	(void)kind;
	*key = host ? va : va | NPU_KEY_LOCAL;
	*len = (1ull << REGION_SHIFT) - (va & ((1ull << REGION_SHIFT) - 1));
	return true;
}

/* Where costs go: all of them, those of each tag, and each command to @tell unless NULL. */
struct tally {
	struct npu_cost *total, *by_tag;
	unsigned int tags;
	void (*tell)(void *opaque, const struct npu_command_time *when);
	void *opaque;
};

/**
 * struct member - a gang's, as its model's watcher
 * @at: where in the stream each engine's next command is looked for
 */
struct member {
	struct tally *tally;
	const struct npu_code *code;
	uint32_t core;
	size_t at[NPU_ENGINES];
};

static void add(struct npu_cost *c, const struct npu_time_event *e)
{
	if (!c->commands++ || e->start < c->start)
		c->start = e->start;
	if (e->end > c->end)
		c->end = e->end;
	if (e->engine == NPU_ENGINE_MXU)
		c->macs += e->work;
	c->lmem_bytes += e->lmem_bytes;
	c->pcie_bytes += e->pcie_bytes;
	c->energy_fj += e->energy_fj;
}

/* Of an engine's commands the model tells one after the other; only it knows when. */
static size_t next_command(struct member *m, enum npu_engine engine)
{
	const struct npu_cmd *cmd;
	size_t at;

	do {
		at = m->at[engine];
		cmd = (const void *)((const uint8_t *)m->code->cmds + at);
		m->at[engine] += cmd->size;
	} while (npu_isa_engine(cmd->opcode) != engine);
	return at;
}

static void tell(struct member *m, const struct npu_time_event *e)
{
	size_t at = next_command(m, e->engine);
	const struct npu_cmd *cmd = (const void *)((const uint8_t *)m->code->cmds + at);
	const struct npu_command_time when = {
		.name = npu_isa_name(cmd->opcode),
		.core = m->core,
		.engine = e->engine,
		.cmd = (uint32_t)at,
		.tag = e->tag,
		.start = e->start,
		.free = e->free,
		.end = e->end,
		.work = e->work,
		.lmem_bytes = e->lmem_bytes,
		.pcie_bytes = e->pcie_bytes,
		.energy_fj = e->energy_fj,
	};

	m->tally->tell(m->tally->opaque, &when);
}

static void count(void *opaque, const struct npu_time_event *e)
{
	struct member *m = opaque;
	struct tally *y = m->tally;

	add(y->total, e);
	if (e->tag < y->tags)
		add(&y->by_tag[e->tag], e);
	if (y->tell)
		tell(m, e);
}

/* A barrier ends when it releases. */
static void count_barrier(struct tally *y, uint32_t tag, uint64_t release)
{
	if (release > y->total->end)
		y->total->end = release;
	if (tag < y->tags && release > y->by_tag[tag].end)
		y->by_tag[tag].end = release;
}

/* Up to a barrier, which is returned, or the end: NULL. */
static const struct npu_cmd *feed(struct npu_time *t, const struct npu_code *code, size_t *at,
				  struct places *p)
{
	while (*at < code->size) {
		const struct npu_cmd *cmd = (const void *)((const uint8_t *)code->cmds + *at);
		uint64_t local, host;

		*at += cmd->size;
		if (cmd->opcode == NPU_OP_BARRIER)
			return cmd;
		npu_time_bytes(cmd, p->base, NULL, p->host ? resolve : NULL, p, &local, &host);
		npu_time_command(t, cmd, local, host);
	}
	return NULL;
}

static void run(struct npu_time **time, const struct npu_code *code, unsigned int cores,
		struct places *p, struct tally *y)
{
	size_t at[NPU_MAX_CORES] = { 0 };
	struct npu_time_result result;
	unsigned int i;

	/* All members have as many barriers: they meet at each. */
	for (;;) {
		const struct npu_cmd *barrier[NPU_MAX_CORES] = { NULL };
		uint64_t arrival = 0;

		for (i = 0; i < cores; i++) {
			uint64_t t;

			barrier[i] = feed(time[i], &code[i], &at[i], p);
			if (!barrier[i])
				continue;
			t = npu_time_drain(time[i]);
			arrival = t > arrival ? t : arrival;
		}
		if (!barrier[0])
			break;
		for (i = 0; i < cores; i++) {
			npu_time_barrier(time[i], arrival);
			count_barrier(y, barrier[i]->tag, npu_time_now(time[i]));
		}
	}
	for (i = 0; i < cores; i++)
		npu_time_end(time[i], &result);
}

/* What npu_code_check() does not look at. */
static int check(const struct npu_code *code, unsigned int cores, unsigned int tags)
{
	const struct npu_cmd *cmd;
	unsigned int i;
	size_t at;

	if (!cores || cores > NPU_MAX_CORES)
		return npu_fail(-EINVAL, "%u streams: 1 to %d can be", cores, NPU_MAX_CORES);
	for (i = 0; i < cores; i++) {
		for (at = 0; at < code[i].size; at += cmd->size) {
			cmd = (const void *)((const uint8_t *)code[i].cmds + at);
			if (cmd->opcode == NPU_OP_HANG)
				return npu_fail(-EINVAL,
						"core %u, command at 0x%zx: HANG never ends", i,
						at);
			if (tags && cmd->tag >= tags)
				return npu_fail(-EINVAL, "core %u, command at 0x%zx: tag %u, of %u",
						i, at, cmd->tag, tags);
		}
	}
	return 0;
}

/**
 * struct npu_timer - models of a card's cores, as many as were asked for so far
 * @time: NULL: not yet
 */
struct npu_timer {
	struct npu_card_config cfg;
	struct npu_time *time[NPU_MAX_CORES];
};

struct npu_timer *npu_timer_create(const struct npu_caps *caps)
{
	struct npu_timer *t = calloc(1, sizeof(*t));

	if (t)
		npu_caps_config(caps, &t->cfg);
	return t;
}

void npu_timer_free(struct npu_timer *t)
{
	unsigned int i;

	for (i = 0; t && i < NPU_MAX_CORES; i++)
		npu_time_free(t->time[i]);
	free(t);
}

/* Models at time 0 that tell @m. */
static int prepare(struct npu_timer *t, unsigned int cores, struct member *m)
{
	unsigned int i;

	for (i = 0; i < cores; i++) {
		if (t->time[i])
			npu_time_reset(t->time[i]);
		else
			t->time[i] = npu_time_new(&t->cfg);
		if (!t->time[i])
			return npu_fail(-ENOMEM, "out of memory");
		npu_time_watch(t->time[i], count, &m[i]);
	}
	return 0;
}

static int time_code(struct npu_timer *t, const struct npu_code *code, unsigned int cores,
		     uint32_t host_regions, struct tally *y)
{
	struct places p = { .host = host_regions };
	struct member m[NPU_MAX_CORES];
	unsigned int i;
	int ret = check(code, cores, y->tags);

	if (ret)
		return ret;
	memset(y->total, 0, sizeof(*y->total));
	if (y->tags)
		memset(y->by_tag, 0, y->tags * sizeof(*y->by_tag));
	for (i = 0; i < NPU_MAX_REGIONS; i++)
		p.base[i] = (uint64_t)i << REGION_SHIFT;
	for (i = 0; i < cores; i++)
		m[i] = (struct member){ .tally = y, .code = &code[i], .core = i };
	ret = prepare(t, cores, m);
	if (!ret)
		run(t->time, code, cores, &p, y);
	y->total->cycles = y->total->end;
	return ret;
}

int npu_code_costs(const struct npu_caps *caps, const struct npu_code *code, unsigned int cores,
		   uint32_t host_regions, struct npu_cost *total, struct npu_cost *by_tag,
		   unsigned int tags)
{
	struct tally y = { .total = total, .by_tag = by_tag, .tags = by_tag ? tags : 0 };
	struct npu_timer *t = npu_timer_create(caps);
	uint64_t end = 0;
	unsigned int i;
	int ret;

	if (!t)
		return npu_fail(-ENOMEM, "out of memory");
	ret = time_code(t, code, cores, host_regions, &y);
	npu_timer_free(t);
	if (ret)
		return ret;
	for (i = 0; i < y.tags; i++) {
		by_tag[i].cycles = by_tag[i].end > end ? by_tag[i].end - end : 0;
		end += by_tag[i].cycles;
	}
	return 0;
}

int npu_code_timeline(const struct npu_caps *caps, const struct npu_code *code, unsigned int cores,
		      uint32_t host_regions,
		      void (*fn)(void *opaque, const struct npu_command_time *when), void *opaque,
		      uint64_t *cycles)
{
	struct npu_cost total = { 0 };
	struct tally y = { .total = &total, .tell = fn, .opaque = opaque };
	struct npu_timer *t = npu_timer_create(caps);
	int ret;

	if (!t)
		return npu_fail(-ENOMEM, "out of memory");
	ret = time_code(t, code, cores, host_regions, &y);
	npu_timer_free(t);
	if (cycles)
		*cycles = total.cycles;
	return ret;
}

int npu_code_time(struct npu_timer *t, const struct npu_code *code, unsigned int cores,
		  struct npu_effort *effort, uint64_t *cycles)
{
	struct npu_cost total = { 0 };
	struct tally y = { .total = &total };
	uint64_t runs = 0;
	struct npu_dma_shape d;
	const struct npu_cmd *cmd;
	unsigned int i;
	size_t at;
	int ret;

	*cycles = 0;
	for (i = 0; i < cores; i++) {
		for (at = 0; at < code[i].size; at += cmd->size) {
			cmd = (const void *)((const uint8_t *)code[i].cmds + at);
			runs += NPU_EFFORT_COMMAND;
			if (cmd->opcode != NPU_OP_LOAD && cmd->opcode != NPU_OP_STORE)
				continue;
			npu_isa_dma_shape(cmd, &d);
			runs += d.count[0] * d.count[1] * d.count[2];
		}
	}
	if (runs > npu_effort_left(effort))
		return 0;
	effort->spent += runs;
	ret = time_code(t, code, cores, 0, &y);
	*cycles = total.cycles;
	return ret;
}

int npu_code_cycles(const struct npu_caps *caps, const struct npu_code *code, unsigned int cores,
		    uint32_t host_regions, uint64_t *cycles)
{
	struct npu_cost total = { 0 };
	int ret = npu_code_costs(caps, code, cores, host_regions, &total, NULL, 0);

	*cycles = total.cycles;
	return ret;
}
