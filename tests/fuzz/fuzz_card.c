// SPDX-License-Identifier: MIT
/*
 * Copyright (c) 2026 the npu authors
 *
 * Fuzz target: the card, as a hostile guest has it (guest.h). Whatever the guest writes to memory
 * and registers, and whenever, the card keeps to what card_host.h says; what it was asked for is
 * done when it has settled; all jobs end or can be ended; a reset leaves it as power-on does. And
 * where no two things happen at once, another run, of another card that reaches memory in another
 * way and computes with other kernels, gives the same completions, registers and memory.
 */
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "card_host.h"
#include "exec.h"

/* Of the process' time, in milliseconds: for a step; and for what must end whatever a job does. */
#define PATIENCE 10u
#define BOUND	 20000u

#define MAX_SIGHTS 4096u

/**
 * struct run - an input under way
 * @racy: something may have happened at the same time as something else
 * @late: a step took long, so the rest was not done
 * @hash: of the input: decides what is done with few of them
 * @seen: what the guest has seen, beside memory, in order
 */
struct run {
	struct card_host *h;
	uint32_t tail[4];
	bool racy;
	bool late;
	uint64_t hash;
	unsigned int sights;
	struct sight {
		const char *what;
		uint64_t where;
		uint64_t value;
	} seen[MAX_SIGHTS];
};

static void see(struct run *run, const char *what, uint64_t where, uint64_t value)
{
	if (run->sights < MAX_SIGHTS)
		run->seen[run->sights++] = (struct sight){ what, where, value };
}

/* Two runs of an input; say where they part. */
static void compare(const struct run *a, const struct run *b)
{
	for (unsigned int i = 0; i < a->sights || i < b->sights; i++) {
		const struct sight *x = &a->seen[i], *y = &b->seen[i];

		if (i < a->sights && i < b->sights && x->what == y->what && x->value == y->value)
			continue;
		fprintf(stderr, "sight %u of %u, %u: %s %#llx: %#llx, %s %#llx: %#llx\n", i,
			a->sights, b->sights, x->what, (unsigned long long)x->where,
			(unsigned long long)x->value, y->what, (unsigned long long)y->where,
			(unsigned long long)y->value);
		card_host_fail("another run ends in another way", 0);
	}
}

static void set(struct run *run, uint64_t offset, uint32_t value)
{
	npu_card_write(run->h->card, offset, value, 4);
}

static void set64(struct run *run, uint64_t offset, uint64_t value)
{
	set(run, offset, (uint32_t)value);
	set(run, offset + 4, (uint32_t)(value >> 32));
}

/* Wait until register @offset & @mask is 0. */
static bool wait_clear(struct run *run, uint64_t offset, uint32_t mask)
{
	struct card_host *h = run->h;

	/* A job that is at it may take its time, but no more than that. */
	while (card_host_reg(h, offset) & mask) {
		if (!card_host_settle(h, BOUND))
			card_host_fail("a wait has no end", (int)offset);
		sched_yield();
	}
	return true;
}

/* ---- Setting up ------------------------------------------------------------------------------ */

static void enable(struct run *run)
{
	set64(run, NPU_REG_CTX_BASE_LO, GUEST_BUS + GUEST_CTXS);
	set(run, NPU_REG_CTX_COUNT, GUEST_CTX_COUNT);
	set(run, NPU_REG_EVENT_ENABLE, NPU_EVENT_ALL);
	set(run, NPU_REG_CTRL, NPU_CTRL_ENABLE);
	memset(run->tail, 0, sizeof(run->tail));
}

/* @at: where in the arena, 0: as usual */
static void setup_ring(struct run *run, unsigned int r, unsigned int log2, uint32_t priority,
		       uint64_t at)
{
	uint64_t base = NPU_RING(r), tail = at ? at + 1024 + 512 : GUEST_TAIL(r);

	/* Nothing is in it yet. */
	run->tail[r] = card_host_reg(run->h, base + NPU_RING_HEAD);
	card_host_write(run->h, tail, &run->tail[r], sizeof(run->tail[r]));
	set64(run, base + NPU_RING_DESC_LO, GUEST_BUS + (at ? at : GUEST_DESC(r)));
	set64(run, base + NPU_RING_CPL_LO, GUEST_BUS + (at ? at + 1024 : GUEST_CPL(r)));
	set64(run, base + NPU_RING_TAIL_LO, GUEST_BUS + tail);
	set(run, base + NPU_RING_SIZE_LOG2, log2);
	set(run, base + NPU_RING_PRIORITY, priority);
	set(run, base + NPU_RING_CTRL, NPU_RING_ENABLE);
}

static uint64_t reg64(struct run *run, uint64_t offset)
{
	return card_host_reg(run->h, offset) | (uint64_t)card_host_reg(run->h, offset + 4) << 32;
}

/* ---- Steps ----------------------------------------------------------------------------------- */

static void submit(struct run *run, const struct guest_step *s, const void *payload)
{
	unsigned int r = s->a % 4;
	uint64_t base = NPU_RING(r);
	struct npu_side_table table = { 0 };
	struct npu_desc desc = { 0 };
	struct guest_job job = { 0 };
	uint64_t at, where;
	uint32_t log2;

	if (r >= run->h->cfg.rings)
		r = 0;
	memcpy(&job, payload, s->bytes < sizeof(job) ? s->bytes : sizeof(job));
	/* A ring that nobody has set up yet is now. */
	if (!reg64(run, base + NPU_RING_DESC_LO) && !card_host_reg(run->h, base + NPU_RING_CTRL)) {
		setup_ring(run, r, GUEST_RING_LOG2, 0, 0);
		/* Which counts as a doorbell. */
		if (!(s->flags & GUEST_RACE))
			run->late = !card_host_settle(run->h, PATIENCE);
	}
	for (unsigned int i = 0; i < NPU_MAX_REGIONS; i++)
		table.region[i] =
			i < GUEST_JOB_REGIONS && job.region[i] ? job.region[i] : guest_region(i);
	for (unsigned int i = 0; i < NPU_MAX_CORES; i++) {
		unsigned int n = i < GUEST_JOB_STREAMS ? i : GUEST_JOB_STREAMS - 1;

		table.stream[i].addr = GUEST_VA + job.stream[n].at;
		table.stream[i].size = job.stream[n].size;
	}
	at = job.table & GUEST_ANYWHERE ? job.table % GUEST_SIZE & ~63u :
					  GUEST_TABLE(job.table % GUEST_TABLES);
	card_host_write(run->h, at, &table, sizeof(table));
	desc.job_id = job.id;
	desc.table = GUEST_BUS + at;
	desc.ctx = job.ctx;
	desc.ncores = job.cores;
	desc.flags = job.flags;
	log2 = card_host_reg(run->h, base + NPU_RING_SIZE_LOG2);
	where = reg64(run, base + NPU_RING_DESC_LO) - GUEST_BUS +
		(run->tail[r] & ((1u << log2) - 1)) * sizeof(desc);
	card_host_write(run->h, where, &desc, sizeof(desc));
	if (s->b & GUEST_JOB_NO_TAIL)
		return;
	run->tail[r]++;
	card_host_write(run->h, reg64(run, base + NPU_RING_TAIL_LO) - GUEST_BUS, &run->tail[r],
			sizeof(run->tail[r]));
	if (!(s->b & GUEST_JOB_QUIET))
		set(run, NPU_DOORBELL(r), 0);
}

/* Telemetry changes by itself; which core has a job depends on which was free first. */
static bool is_steady(const struct card_host *h, uint64_t offset)
{
	return !(offset >= NPU_REG_TEMP_MC && offset <= NPU_REG_TEMP_CRIT_MC) &&
	       !(h->cfg.cores > 1 && offset >= NPU_CORE_BASE && offset < NPU_RING_BASE);
}

static void read_register(struct run *run, const struct guest_step *s)
{
	uint32_t value = npu_card_read(run->h->card, s->x & UINT32_MAX, s->a);

	if (s->a != 4 && value)
		card_host_fail("a bad access reads something", s->a);
	if (!is_steady(run->h, s->x & UINT32_MAX))
		return;
	if ((s->x & UINT32_MAX) == NPU_REG_EVENT_STATUS)
		value &= ~NPU_EVENT_THERMAL;
	see(run, "register", s->x & UINT32_MAX, value);
}

static void write_register(struct run *run, const struct guest_step *s)
{
	uint64_t offset = s->x & UINT32_MAX;

	npu_card_write(run->h->card, offset, (uint32_t)(s->x >> 32), s->a);
	/* The rings' next tails, as software that begins anew has them. */
	for (unsigned int r = 0; r < 4; r++)
		if (offset == NPU_RING(r) + NPU_RING_CTRL && s->x >> 32 & NPU_RING_RESET)
			run->tail[r] = 0;
	if (offset == NPU_REG_CTRL && s->x >> 32 & NPU_CTRL_RESET)
		memset(run->tail, 0, sizeof(run->tail));
}

static void invalidate(struct run *run, const struct guest_step *s)
{
	uint64_t first = GUEST_AT(s->x & 0xffffff);

	set(run, NPU_REG_TLB_CTX, s->b);
	set64(run, NPU_REG_TLB_START_LO, first);
	set64(run, NPU_REG_TLB_LAST_LO, first + (s->flags >> 1) * 4096u + 4095);
	set(run, NPU_REG_TLB_CMD, s->a % 4);
}

/* All of a sudden there are no contexts. Once that is acknowledged nothing is translated any more. */
static void retire(struct run *run)
{
	struct card_host *h = run->h;
	uint32_t count = card_host_reg(h, NPU_REG_CTX_COUNT);

	if (card_host_reg(h, NPU_REG_CTRL) & NPU_CTRL_RESET)
		return;
	set(run, NPU_REG_CTX_COUNT, 0);
	wait_clear(run, NPU_REG_TLB_CMD, ~0u);
	set(run, NPU_REG_TLB_CMD, NPU_TLB_ALL);
	wait_clear(run, NPU_REG_TLB_CMD, ~0u);
	if (card_host_reg(h, NPU_REG_CTX_COUNT))
		return;
	pthread_mutex_lock(&h->lock);
	if (h->maps)
		card_host_fail("mappings outlive their translation", (int)h->maps);
	h->untranslated = true;
	pthread_mutex_unlock(&h->lock);
	for (int i = 0; i < 4; i++)
		sched_yield();
	pthread_mutex_lock(&h->lock);
	h->untranslated = false;
	pthread_mutex_unlock(&h->lock);
	set(run, NPU_REG_CTX_COUNT, count);
}

static bool is_silent(const struct card_host *h)
{
	return h->silent;
}

static void reset(struct run *run, const struct guest_step *s, bool paused)
{
	struct card_host *h = run->h;
	bool silent = is_silent(h);

	if (s->a && !paused) {
		set(run, NPU_REG_CTRL, NPU_CTRL_RESET | NPU_CTRL_ENABLE);
		wait_clear(run, NPU_REG_CTRL, NPU_CTRL_RESET);
	} else {
		npu_card_reset(h->card);
	}
	card_host_silence(h);
	sched_yield();
	memset(run->tail, 0, sizeof(run->tail));
	if (!silent)
		card_host_listen(h);
	if (s->b)
		enable(run);
}

static void bus_master(struct run *run, unsigned int what)
{
	struct card_host *h = run->h;

	if (what == 1) {
		card_host_listen(h);
		npu_card_bus_master(h->card, true);
		return;
	}
	if (what == 2)
		npu_card_bus_forbid(h->card);
	npu_card_bus_master(h->card, false);
	card_host_silence(h);
}

static void renew(struct run *run, bool *paused)
{
	struct card_host *h = run->h;

	if (is_silent(h))
		card_host_listen(h);
	card_host_renew(h);
	memset(run->tail, 0, sizeof(run->tail));
	npu_card_bus_master(h->card, true);
	enable(run);
	*paused = false;
}

static void step(struct run *run, const struct guest_step *s, bool *paused)
{
	struct card_host *h = run->h;
	const void *payload = s + 1;

	switch (s->op) {
	case GUEST_READ:
		read_register(run, s);
		break;
	case GUEST_WRITE:
		write_register(run, s);
		break;
	case GUEST_MEMORY:
	case GUEST_CODE:
		card_host_write(h, s->x, payload, s->bytes);
		break;
	case GUEST_RING:
		if (s->a % 4 < h->cfg.rings)
			setup_ring(run, s->a % 4, s->b, s->x & 3, (s->x >> 2) % GUEST_SIZE & ~63u);
		break;
	case GUEST_JOB:
		submit(run, s, payload);
		break;
	case GUEST_COMMAND:
		set64(run, NPU_RING(s->a % 4) + NPU_RING_CMD_JOB_LO, s->x);
		set(run, NPU_RING(s->a % 4) + NPU_RING_CMD, s->b);
		break;
	case GUEST_INVALIDATE:
		invalidate(run, s);
		break;
	case GUEST_RETIRE:
		if (!*paused)
			retire(run);
		break;
	case GUEST_RESET:
		reset(run, s, *paused);
		break;
	case GUEST_BUS:
		bus_master(run, s->a % 3);
		break;
	case GUEST_PAUSE:
		*paused = s->a;
		if (s->a)
			npu_card_pause(h->card);
		else
			npu_card_resume(h->card);
		break;
	case GUEST_HANG:
		npu_card_inject(h->card, NPU_INJECT_WHERE, s->a);
		npu_card_inject(h->card, NPU_INJECT_JOB_HANG, 1);
		break;
	case GUEST_REFUSE:
		pthread_mutex_lock(&h->lock);
		h->refuse_from = s->a;
		h->refuse_to = s->b ? s->a + s->b : 0;
		pthread_mutex_unlock(&h->lock);
		/* What is mapped stays so; other cards have other mappings. */
		run->racy = true;
		break;
	case GUEST_LINK:
		npu_card_set_link(h->card, s->a, s->b);
		break;
	case GUEST_RENEW:
		/* That takes as long as dozens of inputs, so most get a reset instead. */
		if (run->hash % 64)
			reset(run, s, *paused);
		else
			renew(run, paused);
		break;
	}
}

/* ---- The end --------------------------------------------------------------------------------- */

static void abort_all(struct run *run)
{
	struct card_host *h = run->h;

	for (unsigned int r = 0; r < h->cfg.rings; r++) {
		uint64_t base = NPU_RING(r);
		uint64_t id = reg64(run, base + NPU_RING_JOB_LO);

		set(run, base + NPU_RING_CTRL, 0);
		wait_clear(run, base + NPU_RING_CTRL, ~0u);
		wait_clear(run, base + NPU_RING_CMD, NPU_RING_CMD_BUSY);
		set64(run, base + NPU_RING_CMD_JOB_LO, id);
		set(run, base + NPU_RING_CMD, NPU_RING_CMD_ABORT);
		wait_clear(run, base + NPU_RING_CMD, NPU_RING_CMD_BUSY);
	}
	if (!card_host_settle(h, BOUND))
		card_host_fail("a job does not end", 0);
	if (card_host_hung(h))
		card_host_fail("a job survives ABORT", 0);
	card_host_check(h);
}

/* All that a reset promises; the bus is open or not, as it was. */
static void check_reset(struct run *run)
{
	static const uint32_t zero[] = { NPU_REG_CTRL,	       NPU_REG_CTX_BASE_LO,
					 NPU_REG_CTX_BASE_HI,  NPU_REG_CTX_COUNT,
					 NPU_REG_EVENT_STATUS, NPU_REG_EVENT_ENABLE,
					 NPU_REG_TLB_CTX,      NPU_REG_TLB_START_LO,
					 NPU_REG_TLB_LAST_HI,  NPU_REG_TLB_CMD,
					 NPU_REG_TLB_DONE };
	struct card_host *h = run->h;

	for (size_t i = 0; i < sizeof(zero) / sizeof(zero[0]); i++)
		if (card_host_reg(h, zero[i]) &
		    ~(zero[i] == NPU_REG_EVENT_STATUS ? NPU_EVENT_THERMAL : 0))
			card_host_fail("a register survives a reset", (int)zero[i]);
	if (card_host_reg(h, NPU_REG_STATUS) != NPU_STATUS_READY)
		card_host_fail("the card is not ready", 0);
	for (unsigned int r = 0; r < h->cfg.rings; r++)
		for (uint32_t reg = 0; reg <= NPU_RING_CMD; reg += 4)
			if (reg != 0x30 && reg != 0x34 && reg != 0x38 && reg != 0x3c &&
			    reg != 0x5c &&
			    card_host_reg(h, NPU_RING(r) + reg) !=
				    (reg == NPU_RING_SIZE_LOG2 ? NPU_MIN_RING_LOG2 : 0))
				card_host_fail("a ring's register survives a reset", (int)reg);
	for (unsigned int c = 0; c < h->cfg.cores; c++)
		for (uint32_t e = 0; e < NPU_ENGINES * NPU_CTRS; e++)
			if (card_host_reg(h, NPU_CORE(c) + NPU_CORE_CTR(0, 0) + e * 8))
				card_host_fail("a counter survives a reset", (int)e);
}

static void finish(struct run *run)
{
	struct card_host *h = run->h;

	npu_card_resume(h->card);
	if (!card_host_settle(h, run->late ? 1 : PATIENCE))
		run->late = true;
	if (!run->late)
		card_host_check(h);
	for (uint32_t e = 0; e < NPU_ENGINES * NPU_CTRS; e++) {
		uint64_t sum = 0;

		/* Which core a job was given depends on which was free first. */
		for (unsigned int c = 0; c < h->cfg.cores; c++)
			sum += reg64(run, NPU_CORE(c) + NPU_CORE_CTR(0, 0) + e * 8);
		see(run, "counter", e, sum);
	}
	for (unsigned int i = 0; i < h->ends && i < HOST_ENDS; i++) {
		const struct npu_completion *c = &h->end[i].cpl;

		see(run, "job", h->end[i].ring, c->job_id);
		see(run, "its cycles", i, c->cycles);
		see(run, "its address", i, c->addr);
		see(run, "its end", i,
		    (uint64_t)c->cmd << 32 | (uint64_t)c->status << 24 | c->reason << 16 |
			    c->where << 8 | c->phase);
	}
	run->racy = run->racy || h->gang || h->cfg.timing_real;
	if (run->hash & 1)
		abort_all(run);
	if (run->hash & 2 && !h->silent) {
		npu_card_bus_master(h->card, false);
		card_host_silence(h);
	}
	npu_card_reset(h->card);
	card_host_silence(h);
	check_reset(run);
	if (!card_host_settle(h, BOUND))
		card_host_fail("a card that was reset does not rest", 0);
	card_host_listen(h);
}

static void run_input(struct run *run, const uint8_t *data, size_t size)
{
	const struct guest_head *head = (const void *)data;
	const struct guest_step *s;
	bool paused = false;
	size_t at;

	npu_card_set_link(run->h->card, 0, 0);
	npu_card_bus_master(run->h->card, true);
	if (!(head->flags & GUEST_BARE))
		enable(run);
	for (at = sizeof(*head); (s = guest_step_at(data, size, at)) && !run->late;
	     at += sizeof(*s) + s->bytes) {
		step(run, s, &paused);
		if (s->flags & GUEST_RACE)
			run->racy = true;
		else if (!card_host_settle(run->h, PATIENCE))
			run->late = true;
		else
			card_host_check(run->h);
	}
	finish(run);
}

/* ---- Inputs ---------------------------------------------------------------------------------- */

/* Few: cards are kept, since making one takes as long as dozens of inputs. */
static const struct {
	uint8_t cores, rings;
	bool check, inject, timing;
} cards[GUEST_CARDS] = {
	{ 1, 1, true, false, false }, { 1, 1, false, true, false }, { 2, 1, true, true, false },
	{ 2, 4, true, true, false },  { 3, 2, false, true, false }, { 2, 2, true, true, true },
};

static struct npu_card_config configuration(unsigned int card)
{
	struct npu_card_config cfg;

	npu_card_config_default(&cfg);
	cfg.cores = cards[card].cores;
	cfg.rings = cards[card].rings;
	cfg.spm_size = 64 << 10;
	cfg.acc_size = 4 << 10;
	cfg.lmem_size = GUEST_LMEM;
	cfg.array_rows = 8;
	cfg.array_cols = 8;
	cfg.check = cards[card].check;
	cfg.inject = cards[card].inject;
	cfg.timing_real = cards[card].timing;
	return cfg;
}

/*
 * Cards with one ring have all their threads on the processor of this one: what must not happen
 * at the same time anyway is twice as fast there. The others' run beside each other where they can.
 */
static void settle_down(bool alone)
{
	static cpu_set_t all, one;
	static int before = -1;

	if (before < 0) {
		sched_getaffinity(0, sizeof(all), &all);
		CPU_SET((unsigned int)sched_getcpu(), &one);
	}
	if (before != alone)
		sched_setaffinity(0, sizeof(all), alone ? &one : &all);
	before = alone;
}

/* The card of an input, reset, with memory as the guest finds it. */
static struct card_host *card_of(unsigned int card, unsigned int memory)
{
	static struct card_host *kept[GUEST_CARDS][GUEST_MEMORIES];
	struct card_host **h = &kept[card % GUEST_CARDS][memory % GUEST_MEMORIES];
	struct npu_card_config cfg = configuration(card % GUEST_CARDS);

	/* Before the card's threads are made, which take after this one. */
	settle_down(cfg.rings == 1);
	if (!*h)
		*h = card_host_new(&cfg, memory % GUEST_MEMORIES);
	card_host_clear(*h);
	return *h;
}

static uint64_t hash_of(const uint8_t *data, size_t size)
{
	uint64_t h = 0xcbf29ce484222325ull;

	for (size_t i = 0; i < size; i++)
		h = (h ^ data[i]) * 0x100000001b3ull;
	return h ^ h >> 32;
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size)
{
	static uint8_t memory[GUEST_SIZE];
	static struct run run, again;
	struct guest_head head;
	uint64_t hash;
	uint8_t *data;

	if (size < sizeof(head))
		return 0;
	memset(&run, 0, offsetof(struct run, seen));
	memset(&again, 0, offsetof(struct run, seen));
	if (posix_memalign((void **)&data, 16, size))
		return 0;
	memcpy(data, bytes, size);
	memcpy(&head, data, sizeof(head));
	hash = run.hash = again.hash = hash_of(data, size);

	npu_exec_force(hash & 4 ? NPU_KERNELS_PORTABLE : NPU_KERNELS_AVX2);
	run.h = card_of(head.card, head.memory);
	run_input(&run, data, size);
	if (!run.racy && !run.late && run.h->cfg.rings == 1 && !(hash >> 3 & 3)) {
		memcpy(memory, run.h->arena, GUEST_SIZE);
		if (npu_exec_force(NPU_KERNELS_AVX512))
			npu_exec_force(hash & 4 ? NPU_KERNELS_AVX2 : NPU_KERNELS_PORTABLE);
		again.h = card_of(head.card, head.memory % GUEST_MEMORIES + 1 + (hash >> 5 & 1));
		run_input(&again, data, size);
		if (!again.late)
			compare(&run, &again);
		if (!again.late && memcmp(memory, again.h->arena, GUEST_SIZE))
			card_host_fail("another run leaves other memory", 0);
	}
	free(data);
	return 0;
}
