// SPDX-License-Identifier: MIT
/*
 * Copyright (c) 2026 the npu authors
 *
 * Modelled time of one core. Commands are fed in program order into one queue an engine and leave
 * it, their time decided, as soon as nothing that may still come can change it:
 *
 * - what a command waits for was signalled earlier in the stream, so it is in a queue or already
 *   decided;
 * - the head of MXU or VPU is decided once all it waits for is;
 * - LOAD and STORE share the memory port, first come first served. When both heads are known, the
 *   earlier request is granted. When one is known and the other head is not, the other waits,
 *   directly or not, for the known one (all else that could be decided has been), so it comes
 *   later. When the other queue is empty, a command that would come earlier might still be fed: the
 *   head waits until NPU_LOOKAHEAD commands have been fed after it, or the stream ends or drains.
 *
 * Invariant: when npu_time_command() returns, fewer than NPU_LOOKAHEAD commands have been fed after
 * the oldest that is not decided. A command depends on commands at most that much older than itself
 * that were undecided when it was fed, so a ring of 4 * NPU_LOOKAHEAD commands never overwrites
 * what is still asked for.
 */
#include <stdlib.h>
#include <string.h>

#include "card.h"
#include "timing.h"
#include "wire.h"

#define RING	  (4u * NPU_LOOKAHEAD)
#define TOKENS	  256u /* a power of two above NPU_SEM_MAX */
#define UNDECIDED UINT64_MAX

_Static_assert(TOKENS > NPU_SEM_MAX, "all tokens of a semaphore fit");

/**
 * struct entry - a command whose time is not decided, or not long ago was
 * @end: when its signals are made, UNDECIDED until known
 * @ready: the latest of what it waited for and was decided when it was fed
 * @occupies: cycles of its engine after the start (after the port's grant, for DMA)
 * @transfer: cycles of the port
 * @latency: from when its engine falls free to its end
 * @prologue: cycles before it asks for the port
 * @first_tile: cycles to load the first weights into an idle array
 * @work: see NPU_CTR_WORK
 * @energy: femtojoules
 * @local: bytes
 * @host: bytes
 * @needs: numbers of commands it depends on, not decided when it was fed
 * @need_count: how many
 * @tag: the command's
 * @engine: enum npu_engine
 * @in_order: starts only when all earlier commands of its engine have ended
 * @signal: semaphores
 * @token: number of each of those tokens
 */
struct entry {
	uint64_t end;
	uint64_t ready;
	uint64_t occupies;
	uint64_t transfer;
	uint64_t latency;
	uint64_t prologue;
	uint64_t first_tile;
	uint64_t work;
	uint64_t energy;
	uint64_t local;
	uint64_t host;
	uint64_t needs[NPU_CMD_SEMS];
	uint32_t tag;
	uint8_t need_count;
	uint8_t engine;
	bool in_order;
	uint8_t signal[NPU_CMD_SEMS];
	uint64_t token[NPU_CMD_SEMS];
};

/* A token not yet taken: when it was made, or by which undecided command. */
struct token {
	uint64_t time;
	uint64_t maker;
};

/* A job's start touches all semaphores, so what they hold, a page each, is elsewhere. */
struct semaphore {
	uint64_t made;
	uint64_t taken;
	struct token *token; /* TOKENS of them */
};

/**
 * struct queue - an engine
 * @number: of the commands that are not decided, oldest first
 * @head: free-running
 * @tail: free-running
 * @free: when the engine falls free
 * @end: when its last decided command ended
 * @idle: it has done nothing since the job's start or a barrier
 */
struct queue {
	uint64_t number[RING];
	uint64_t head;
	uint64_t tail;
	uint64_t free;
	uint64_t end;
	bool idle;
	struct npu_time_counters counters;
};

struct npu_time {
	struct npu_card_config cfg;
	npu_time_watch_fn *watch;
	void *watch_opaque;
	uint64_t fed; /* commands since the job's start; the next one's number */
	uint64_t port; /* when the memory port falls free */
	uint64_t last; /* the latest end */
	bool draining;
	struct queue queue[NPU_ENGINES];
	struct semaphore semaphore[NPU_SEMAPHORES];
	struct entry entry[RING];
	struct token token[NPU_SEMAPHORES][TOKENS];
};

static uint64_t div_up(uint64_t a, uint64_t b)
{
	return (a + b - 1) / b;
}

static uint64_t max_u64(uint64_t a, uint64_t b)
{
	return a > b ? a : b;
}

static uint64_t min_u64(uint64_t a, uint64_t b)
{
	return a < b ? a : b;
}

/* ---- Cost of a command ---------------------------------------------------------------------- */

/* Bytes that LOAD makes up instead of reading them. */
static uint64_t filled_bytes(const struct npu_cmd_load *cmd)
{
	unsigned int i, bits = npu_isa_type_bits(cmd->type);
	uint64_t all = 1, read = 1;

	for (i = 0; i < 4; i++) {
		all *= cmd->size[i];
		read *= (uint64_t)cmd->size[i] - cmd->pad_lo[i] - cmd->pad_hi[i];
	}
	return (all - read) * (bits < 8 ? 1 : bits / 8);
}

static void cost_dma(const struct npu_card_config *cfg, const struct npu_cmd *cmd, struct entry *e)
{
	uint64_t fill = 0;

	if (cmd->opcode == NPU_OP_LOAD) {
		const struct npu_cmd_load *load = (const void *)cmd;

		fill = filled_bytes(load);
		e->in_order = fill && load->fill_mode == NPU_FILL_SPM;
	} else if (cmd->opcode == NPU_OP_GATHER) {
		e->in_order = true;
	}
	e->prologue = cfg->cmd_cycles;
	e->transfer = div_up(e->local * cfg->cores, cfg->lmem_bw) +
		      div_up(e->host * cfg->cores, cfg->pcie_bw);
	e->occupies = max_u64(e->transfer, div_up(fill * cfg->cores, cfg->lmem_bw));
	if (e->local)
		e->latency = cfg->lmem_latency;
	if (e->host)
		e->latency = max_u64(e->latency, cfg->pcie_latency);
	e->energy = e->local * cfg->lmem_fj + e->host * cfg->pcie_fj;
}

/* The array, tile by tile: @rows of weights a column, in tiles of at most @tile. */
static void cost_tiles(const struct npu_card_config *cfg, struct entry *e, uint64_t stream,
		       uint64_t rows, uint64_t tile, uint64_t columns)
{
	uint64_t whole = rows / tile, rest = rows % tile, cycles;

	cycles = whole * max_u64(stream, div_up(tile, cfg->weight_rows));
	if (rest)
		cycles += max_u64(stream, div_up(rest, cfg->weight_rows));
	e->occupies = cfg->cmd_cycles + columns * cycles;
	e->first_tile = div_up(min_u64(rows, tile), cfg->weight_rows);
	e->latency = (uint64_t)cfg->array_rows + cfg->array_cols - 2;
}

static void cost_mxu(const struct npu_card_config *cfg, const struct npu_cmd *cmd, struct entry *e)
{
	const struct npu_cmd_matmul *mm = (const void *)cmd;
	const struct npu_cmd_conv *cv = (const void *)cmd;
	uint8_t type = mm->o.a_type;
	uint64_t slow = type == NPU_BF16 || type == NPU_FP16 ? cfg->float_div : 1;

	if (cmd->opcode == NPU_OP_MATMUL) {
		cost_tiles(cfg, e, mm->m * slow, mm->k, cfg->array_rows,
			   div_up(mm->n, cfg->array_cols));
		e->work = (uint64_t)mm->m * mm->n * mm->k;
	} else {
		uint64_t pixels = (uint64_t)cv->batch * cv->out_h * cv->out_w;
		uint64_t taps = (uint64_t)cv->kernel_h * cv->kernel_w;

		if (cv->o.flags & NPU_MXU_DEPTHWISE) {
			cost_tiles(cfg, e, pixels * slow, taps, cfg->dw_taps,
				   div_up(cv->out_c, cfg->dw_channels));
			e->work = pixels * taps * cv->out_c;
		} else {
			cost_tiles(cfg, e, pixels * slow, taps * cv->in_c, cfg->array_rows,
				   cv->groups * div_up(cv->out_c, cfg->array_cols));
			e->work = pixels * taps * cv->in_c * cv->out_c * cv->groups;
		}
	}
	e->energy = e->work * slow * cfg->mac_fj;
}

static void cost_vpu(const struct npu_card_config *cfg, const struct npu_cmd *cmd, struct entry *e)
{
	uint64_t elements = 1, results = 1;
	unsigned int i;

	if (cmd->opcode == NPU_OP_VPU) {
		const struct npu_cmd_vpu *v = (const void *)cmd;

		for (i = 0; i < 4; i++) {
			elements *= v->size[i];
			if (!(v->axes & 1u << i))
				results *= v->size[i];
		}
		if (v->reduce)
			e->work = elements * (v->p.pre + 1u) + results * (v->p.stages - v->p.pre);
		else
			e->work = elements * (v->p.stages ? v->p.stages : 1u);
	} else {
		const struct npu_cmd_pool *p = (const void *)cmd;

		for (i = 0; i < 4; i++)
			results *= p->size[i];
		elements = results * p->kernel_h * p->kernel_w;
		e->work = elements + results * p->p.stages;
	}
	e->occupies = cfg->cmd_cycles + div_up(elements, cfg->vpu_lanes);
	e->energy = e->work * cfg->vpu_fj;
}

/* ---- Deciding ------------------------------------------------------------------------------- */

static struct entry *entry_of(struct npu_time *t, uint64_t number)
{
	return &t->entry[number % RING];
}

static bool is_empty(const struct queue *q)
{
	return q->head == q->tail;
}

static uint64_t head_number(const struct queue *q)
{
	return q->number[q->head % RING];
}

/*
 * The head of a queue, once all it waits for is known: *when it could start. NULL: none, or not
 * known.
 */
static struct entry *known_head(struct npu_time *t, unsigned int engine, uint64_t *when)
{
	struct queue *q = &t->queue[engine];
	struct entry *e;

	if (is_empty(q))
		return NULL;
	e = entry_of(t, head_number(q));
	while (e->need_count) {
		uint64_t end = entry_of(t, e->needs[e->need_count - 1])->end;

		if (end == UNDECIDED)
			return NULL;
		e->ready = max_u64(e->ready, end);
		e->need_count--;
	}
	*when = max_u64(e->ready, q->free);
	if (e->in_order)
		*when = max_u64(*when, q->end);
	return e;
}

static void tell(const struct npu_time *t, const struct entry *e, uint64_t start, uint64_t free)
{
	const struct npu_time_event event = {
		.tag = e->tag,
		.engine = e->engine,
		.start = start,
		.free = free,
		.end = e->end,
		.work = e->work,
		.lmem_bytes = e->local,
		.pcie_bytes = e->host,
		.energy_fj = e->energy,
	};

	t->watch(t->watch_opaque, &event);
}

static void finish(struct npu_time *t, struct queue *q, struct entry *e, uint64_t start,
		   uint64_t free)
{
	struct npu_time_counters *c = &q->counters;
	unsigned int i;

	q->free = free;
	/* Commands of an engine complete in order. */
	q->end = max_u64(q->end, free + e->latency);
	q->idle = false;
	q->head++;
	e->end = q->end;
	t->last = max_u64(t->last, e->end);
	for (i = 0; i < NPU_CMD_SEMS; i++) {
		struct semaphore *s;

		if (e->signal[i] == NPU_SEM_NONE)
			continue;
		s = &t->semaphore[e->signal[i]];
		/* Who has taken it already knows its maker by number. */
		if (e->token[i] >= s->taken)
			s->token[e->token[i] % TOKENS].time = e->end;
	}
	c->cmds++;
	c->work += e->work;
	c->lmem_bytes += e->local;
	c->pcie_bytes += e->host;
	c->energy_fj += e->energy;
	if (t->watch)
		tell(t, e, start, free);
}

static bool decide_compute(struct npu_time *t, unsigned int engine)
{
	struct queue *q = &t->queue[engine];
	struct entry *e;
	uint64_t start, busy;

	e = known_head(t, engine, &start);
	if (!e)
		return false;
	busy = e->occupies;
	/* Weights load behind those in use, but not where none are. */
	if (q->idle || start > q->free)
		busy += e->first_tile;
	q->counters.stall_sem += start - q->free;
	q->counters.busy += busy;
	finish(t, q, e, start, start + busy);
	return true;
}

static void grant(struct npu_time *t, unsigned int engine, struct entry *e, uint64_t start)
{
	struct queue *q = &t->queue[engine];
	uint64_t request = start + e->prologue, granted = request;

	if (e->transfer) {
		granted = max_u64(request, t->port);
		t->port = granted + e->transfer;
	}
	q->counters.stall_sem += start - q->free;
	q->counters.stall_port += granted - request;
	q->counters.busy += e->prologue + e->occupies;
	finish(t, q, e, start, granted + e->occupies);
}

static bool decide_dma(struct npu_time *t)
{
	struct queue *load = &t->queue[NPU_ENGINE_LOAD], *store = &t->queue[NPU_ENGINE_STORE];
	uint64_t load_start, store_start;
	struct entry *l = known_head(t, NPU_ENGINE_LOAD, &load_start);
	struct entry *s = known_head(t, NPU_ENGINE_STORE, &store_start);

	if (l && s) {
		if (load_start <= store_start)
			s = NULL;
		else
			l = NULL;
	} else if (l) {
		if (is_empty(store) && !t->draining && t->fed - head_number(load) <= NPU_LOOKAHEAD)
			return false;
	} else if (s) {
		if (is_empty(load) && !t->draining && t->fed - head_number(store) <= NPU_LOOKAHEAD)
			return false;
	}
	if (l)
		grant(t, NPU_ENGINE_LOAD, l, load_start);
	else if (s)
		grant(t, NPU_ENGINE_STORE, s, store_start);
	return l || s;
}

static void decide(struct npu_time *t)
{
	do {
		while (decide_compute(t, NPU_ENGINE_MXU) || decide_compute(t, NPU_ENGINE_VPU))
			;
	} while (decide_dma(t));
}

/* ---- Streams -------------------------------------------------------------------------------- */

static void take_tokens(struct npu_time *t, const struct npu_cmd *cmd, struct entry *e)
{
	unsigned int i;

	for (i = 0; i < NPU_CMD_SEMS; i++) {
		struct semaphore *s;
		struct token *k;

		if (cmd->wait[i] == NPU_SEM_NONE)
			continue;
		s = &t->semaphore[cmd->wait[i]];
		k = &s->token[s->taken++ % TOKENS];
		if (k->time == UNDECIDED)
			e->needs[e->need_count++] = k->maker;
		else
			e->ready = max_u64(e->ready, k->time);
	}
}

static void make_tokens(struct npu_time *t, const struct npu_cmd *cmd, struct entry *e)
{
	unsigned int i;

	for (i = 0; i < NPU_CMD_SEMS; i++) {
		struct semaphore *s;

		e->signal[i] = cmd->signal[i];
		if (cmd->signal[i] == NPU_SEM_NONE)
			continue;
		s = &t->semaphore[cmd->signal[i]];
		e->token[i] = s->made++;
		s->token[e->token[i] % TOKENS] = (struct token){ UNDECIDED, t->fed };
	}
}

void npu_time_command(struct npu_time *t, const struct npu_cmd *cmd, uint64_t local, uint64_t host)
{
	enum npu_engine engine = npu_isa_engine(cmd->opcode);
	struct entry *e = entry_of(t, t->fed);
	struct queue *q = &t->queue[engine];

	memset(e, 0, sizeof(*e));
	e->end = UNDECIDED;
	e->tag = cmd->tag;
	e->engine = engine;
	e->local = local;
	e->host = host;
	switch (engine) {
	case NPU_ENGINE_MXU:
		cost_mxu(&t->cfg, cmd, e);
		break;
	case NPU_ENGINE_VPU:
		cost_vpu(&t->cfg, cmd, e);
		break;
	default:
		cost_dma(&t->cfg, cmd, e);
	}
	take_tokens(t, cmd, e);
	make_tokens(t, cmd, e);
	q->number[q->tail++ % RING] = t->fed++;
	decide(t);
}

uint64_t npu_time_drain(struct npu_time *t)
{
	t->draining = true;
	decide(t);
	t->draining = false;
	return t->last;
}

void npu_time_barrier(struct npu_time *t, uint64_t arrival)
{
	uint64_t release = arrival + t->cfg.barrier_cycles;
	unsigned int i;

	npu_time_drain(t);
	for (i = 0; i < NPU_ENGINES; i++) {
		t->queue[i].free = release;
		t->queue[i].end = release;
		t->queue[i].idle = true;
	}
	t->port = release;
	t->last = release;
}

void npu_time_end(struct npu_time *t, struct npu_time_result *result)
{
	unsigned int i;

	result->cycles = npu_time_drain(t);
	for (i = 0; i < NPU_ENGINES; i++)
		result->engine[i] = t->queue[i].counters;
}

uint64_t npu_time_now(const struct npu_time *t)
{
	return t->last;
}

const struct npu_time_counters *npu_time_counters(const struct npu_time *t, enum npu_engine engine)
{
	return &t->queue[engine].counters;
}

void npu_time_watch(struct npu_time *t, npu_time_watch_fn *fn, void *opaque)
{
	t->watch = fn;
	t->watch_opaque = opaque;
}

void npu_time_reset(struct npu_time *t)
{
	unsigned int i;

	t->fed = 0;
	t->port = 0;
	t->last = 0;
	t->draining = false;
	for (i = 0; i < NPU_ENGINES; i++) {
		struct queue *q = &t->queue[i];

		q->head = 0;
		q->tail = 0;
		q->free = 0;
		q->end = 0;
		q->idle = true;
		memset(&q->counters, 0, sizeof(q->counters));
	}
	for (i = 0; i < NPU_SEMAPHORES; i++) {
		t->semaphore[i].made = 0;
		t->semaphore[i].taken = 0;
	}
}

/* ---- Saved state ---------------------------------------------------------------------------- */

void npu_time_counters_wire(struct npu_time_counters *c, struct npu_wire *w)
{
	npu_wire_u64(w, &c->busy);
	npu_wire_u64(w, &c->stall_sem);
	npu_wire_u64(w, &c->stall_port);
	npu_wire_u64(w, &c->cmds);
	npu_wire_u64(w, &c->work);
	npu_wire_u64(w, &c->lmem_bytes);
	npu_wire_u64(w, &c->pcie_bytes);
	npu_wire_u64(w, &c->energy_fj);
}

/* Is @number one of the commands loaded so far that are not decided? */
static bool is_undecided(struct npu_time *t, uint64_t number)
{
	return number < t->fed && t->fed - number <= NPU_LOOKAHEAD &&
	       entry_of(t, number)->end == UNDECIDED;
}

/* What is decided already has been told to those who need it, or is told now. */
static void settle_needs(struct npu_time *t, struct entry *e)
{
	unsigned int i, kept = 0;

	for (i = 0; i < e->need_count; i++) {
		uint64_t end = entry_of(t, e->needs[i])->end;

		if (end == UNDECIDED)
			e->needs[kept++] = e->needs[i];
		else
			e->ready = max_u64(e->ready, end);
	}
	e->need_count = (uint8_t)kept;
}

/* Of command @number, which is not decided. */
static void wire_entry(struct npu_time *t, struct npu_wire *w, uint64_t number, struct entry *e)
{
	unsigned int i;

	npu_wire_u32(w, &e->tag);
	npu_wire_u8(w, &e->engine);
	npu_wire_bool(w, &e->in_order);
	npu_wire_u64(w, &e->ready);
	npu_wire_u64(w, &e->occupies);
	npu_wire_u64(w, &e->transfer);
	npu_wire_u64(w, &e->latency);
	npu_wire_u64(w, &e->prologue);
	npu_wire_u64(w, &e->first_tile);
	npu_wire_u64(w, &e->work);
	npu_wire_u64(w, &e->energy);
	npu_wire_u64(w, &e->local);
	npu_wire_u64(w, &e->host);
	npu_wire_u8(w, &e->need_count);
	npu_wire_check(w, e->engine < NPU_ENGINES && e->need_count <= NPU_CMD_SEMS,
		       "a command of no engine, or with too many waits");
	for (i = 0; !w->error && i < e->need_count; i++) {
		npu_wire_u64(w, &e->needs[i]);
		npu_wire_check(w, e->needs[i] < number && is_undecided(t, e->needs[i]),
			       "a command waits for one that is not under way");
	}
	for (i = 0; i < NPU_CMD_SEMS; i++) {
		npu_wire_u8(w, &e->signal[i]);
		npu_wire_check(w, e->signal[i] < NPU_SEMAPHORES || e->signal[i] == NPU_SEM_NONE,
			       "a command signals no semaphore");
		if (e->signal[i] != NPU_SEM_NONE)
			npu_wire_u64(w, &e->token[i]);
	}
}

/*
 * Commands that are not decided are all that is asked for: needs are settled first, and a token
 * that was made by a decided command has its time. They lie less than NPU_LOOKAHEAD back.
 */
static void wire_entries(struct npu_time *t, struct npu_wire *w)
{
	uint64_t first = t->fed > NPU_LOOKAHEAD ? t->fed - NPU_LOOKAHEAD : 0, number;

	for (number = first; number < t->fed; number++) {
		struct entry *e = entry_of(t, number);
		bool undecided;

		if (w->loading)
			memset(e, 0, sizeof(*e));
		undecided = e->end == UNDECIDED;
		npu_wire_bool(w, &undecided);
		if (w->error)
			return;
		if (!undecided)
			continue;
		if (!w->loading)
			settle_needs(t, e);
		wire_entry(t, w, number, e);
		if (w->error)
			return;
		if (w->loading) {
			struct queue *q = &t->queue[e->engine];

			e->end = UNDECIDED;
			q->number[q->tail++ % RING] = number;
		}
	}
}

static void wire_semaphore(struct npu_time *t, struct npu_wire *w, struct semaphore *s,
			   unsigned int count)
{
	unsigned int i;

	npu_wire_u64(w, &s->taken);
	for (i = 0; i < count; i++) {
		struct token *k = &s->token[(s->taken + i) % TOKENS];

		npu_wire_u64(w, &k->time);
		if (k->time != UNDECIDED)
			continue;
		npu_wire_u64(w, &k->maker);
		npu_wire_check(w, is_undecided(t, k->maker), "a token of no command under way");
	}
	if (w->loading)
		s->made = s->taken + count;
}

void npu_time_wire(struct npu_time *t, struct npu_wire *w, const struct npu_sems *sems)
{
	unsigned int i;

	if (w->loading)
		npu_time_reset(t);
	npu_wire_u64(w, &t->fed);
	npu_wire_u64(w, &t->port);
	npu_wire_u64(w, &t->last);
	for (i = 0; i < NPU_ENGINES; i++) {
		struct queue *q = &t->queue[i];

		npu_wire_u64(w, &q->free);
		npu_wire_u64(w, &q->end);
		npu_wire_bool(w, &q->idle);
		npu_time_counters_wire(&q->counters, w);
	}
	wire_entries(t, w);
	for (i = 0; i < NPU_SEMAPHORES && !w->error; i++)
		wire_semaphore(t, w, &t->semaphore[i], sems->count[i]);
	if (w->loading && w->error)
		npu_time_reset(t);
}

struct npu_time *npu_time_new(const struct npu_card_config *cfg)
{
	/* Not cleared: pages are touched as streams grow. */
	struct npu_time *t = malloc(sizeof(*t));

	if (!t)
		return NULL;
	t->cfg = *cfg;
	t->watch = NULL;
	for (unsigned int i = 0; i < NPU_SEMAPHORES; i++)
		t->semaphore[i].token = t->token[i];
	npu_time_reset(t);
	return t;
}

void npu_time_free(struct npu_time *t)
{
	free(t);
}
