// SPDX-License-Identifier: MIT
/*
 * Copyright (c) 2026 the npu authors
 *
 * The hazard checker of one core: section 11 of docs/hardware.md.
 *
 * Happens-before: engine e knows, of each engine f, the last command that has certainly ended
 * before e's next command starts. A signal carries what its engine knows and the command itself; a
 * wait takes that over. Since the n-th wait takes the n-th signal, this does not depend on time.
 *
 * SPM and ACC have a record a granule: the last write and the last read of each engine. When an
 * access is ordered after the last of an engine it is ordered after all of that engine; when a
 * write is ordered after what came before it, who comes after the write comes after all that, so
 * the write alone is remembered. 64 granules, a block, have one record as long as all of them were
 * treated alike. A bit a byte says what this job has written. Blocks of an older job are known by
 * their generation and cleared when they are met.
 *
 * Between members of a gang only barriers order, so whatever two members do to the same bytes
 * between the same barriers is compared when all have arrived (hazard_memory.c), and does not
 * depend on who came first.
 */
#include <stdlib.h>
#include <string.h>

#include "card.h"
#include "hazard.h"
#include "hazard_memory.h"
#include "wire.h"

/* Runs of one page after which it is resolved again. */
#define RESOLVE_RUNS 65536
/* Runs of any space between two looks whether to stop. */
#define STOP_RUNS 65536

#define BLOCK_GRANULES 64u
#define BLOCK	       (BLOCK_GRANULES * NPU_GRANULE)
#define TOKENS	       256u /* a power of two above NPU_SEM_MAX */

/* The last write: engine and stamp in one word, 0 is none. */
#define WRITE(engine, stamp) ((uint32_t)(engine) << 30 | (stamp))
#define WRITE_ENGINE(w)	     ((w) >> 30)
#define WRITE_STAMP(w)	     ((w)&0x3fffffffu)

struct granule {
	uint32_t write;
	uint32_t read[NPU_ENGINES];
};

struct block {
	uint32_t generation;
	bool split; /* granules have records of their own */
	bool full; /* all of it was written, whatever @written says */
	struct granule all;
	uint64_t written[BLOCK / 64];
};

struct local {
	uint64_t blocks;
	struct block *block;
	struct granule *granule;
};

/* What an engine knows: a stamp of each engine. */
struct knowledge {
	uint32_t of[NPU_ENGINES];
};

struct token {
	struct knowledge knows;
	uint32_t stamp;
	uint8_t engine;
};

struct semaphore {
	uint32_t made;
	uint32_t taken;
	struct token token[TOKENS];
};

/**
 * struct npu_hazard - see above
 * @generation: of the job
 * @local: SPM and ACC
 * @knows: a row an engine
 * @now: stamp of the command at hand, or the last one
 * @engine: of the command at hand
 * @err: where to report
 * @failed: something has been reported
 * @faulted: the command will fault, or the job is to end, so it does not go on from there
 * @page_va: what was resolved last: @page_len bytes from @page_va on are at @page_key
 * @runs: of memory looked at
 * @looks: runs looked at of any space, over commands, so that many short sets are counted as well
 */
struct npu_hazard {
	struct npu_hazard_job job;
	uint32_t generation;
	struct local local[2];
	struct npu_memory *memory;
	struct knowledge knows[NPU_ENGINES];
	struct semaphore semaphore[NPU_SEMAPHORES];
	const struct npu_cmd *cmd;
	uint32_t now;
	uint8_t engine;
	struct npu_error *err;
	bool failed;
	bool faulted;
	uint64_t page_va;
	uint64_t page_key;
	uint64_t page_len;
	uint32_t runs;
	uint32_t looks;
};

/* ---- Reports -------------------------------------------------------------------------------- */

static uint32_t tag_of(const struct npu_hazard *h, uint32_t stamp)
{
	return h->job.tag ? h->job.tag(h->job.opaque, NPU_STAMP_OFFSET(stamp)) : 0;
}

static void report(struct npu_hazard *h, uint8_t reason, uint8_t space, uint8_t access,
		   uint64_t addr, uint64_t len, uint8_t other_engine, uint32_t other)
{
	struct npu_error *err = h->err;

	memset(err, 0, sizeof(*err));
	err->status = NPU_JOB_HAZARD;
	err->reason = reason;
	err->core = (uint8_t)h->job.member;
	err->engine = h->engine;
	err->access = access;
	err->space = space;
	err->other_core = other ? (uint8_t)h->job.member : 0;
	err->other_engine = other_engine;
	err->cmd = NPU_STAMP_OFFSET(h->now);
	err->tag = h->cmd->tag;
	err->other_cmd = other ? NPU_STAMP_OFFSET(other) : NPU_ERROR_NO_CMD;
	err->other_tag = other ? tag_of(h, other) : 0;
	err->addr = addr;
	err->len = len;
	h->failed = true;
}

/* ---- SPM and ACC ---------------------------------------------------------------------------- */

/* What an access conflicts with. */
struct conflict {
	uint8_t reason; /* NPU_REASON_NONE: nothing */
	uint8_t engine;
	uint32_t stamp;
};

static inline struct conflict check_granule(const struct npu_hazard *h, const struct granule *g,
					    bool write)
{
	const uint32_t *knows = h->knows[h->engine].of;
	unsigned int e;

	if (g->write && WRITE_STAMP(g->write) > knows[WRITE_ENGINE(g->write)])
		return (struct conflict){ write ? NPU_REASON_WAW : NPU_REASON_RAW,
					  (uint8_t)WRITE_ENGINE(g->write), WRITE_STAMP(g->write) };
	if (write)
		for (e = 0; e < NPU_ENGINES; e++)
			if (g->read[e] > knows[e])
				return (struct conflict){ NPU_REASON_WAR, (uint8_t)e, g->read[e] };
	return (struct conflict){ NPU_REASON_NONE, 0, 0 };
}

static inline void mark_granule(const struct npu_hazard *h, struct granule *g, bool write)
{
	if (write)
		*g = (struct granule){ .write = WRITE(h->engine, h->now) };
	else
		g->read[h->engine] = h->now;
}

static struct block *get_block(struct npu_hazard *h, unsigned int space, uint64_t index)
{
	struct block *b = &h->local[space].block[index];

	if (b->generation != h->generation) {
		memset(b, 0, sizeof(*b));
		b->generation = h->generation;
	}
	return b;
}

static struct granule *granules(struct npu_hazard *h, unsigned int space, uint64_t index)
{
	return &h->local[space].granule[index * BLOCK_GRANULES];
}

static bool same_conflict(struct conflict a, struct conflict b)
{
	return a.reason == b.reason && a.engine == b.engine && a.stamp == b.stamp;
}

/*
 * Granule @index conflicts: report it with all that follow in the run and conflict with the same
 * command.
 */
static void report_race(struct npu_hazard *h, unsigned int space, bool write, uint64_t index,
			uint64_t first, uint64_t end, struct conflict c)
{
	uint64_t from = index * NPU_GRANULE, to;

	for (to = from; to < end; to += NPU_GRANULE) {
		struct block *b = get_block(h, space, to / BLOCK);
		struct granule *g = b->split ? &h->local[space].granule[to / NPU_GRANULE] : &b->all;

		if (!same_conflict(check_granule(h, g, write), c))
			break;
	}
	if (from < first)
		from = first;
	if (to > end)
		to = end;
	report(h, c.reason, (uint8_t)space, write ? NPU_ACCESS_WRITE : NPU_ACCESS_READ, from,
	       to - from, c.engine, c.stamp);
}

/* Bits @first to @end - 1 of a word; @end at most 64. */
static uint64_t bits(unsigned int first, unsigned int end)
{
	return (end == 64 ? ~0ull : (1ull << end) - 1) & ~0ull << first;
}

static void mark_written(struct block *b, unsigned int first, unsigned int end)
{
	if (b->full || end - first == BLOCK) {
		b->full = true;
		return;
	}
	while (first < end) {
		unsigned int stop = (first | 63) + 1;

		if (stop > end)
			stop = end;
		b->written[first / 64] |= bits(first % 64, stop - first / 64 * 64);
		first = stop;
	}
}

/* The first byte that was (@state) or was not written, @end if there is none. */
static unsigned int find_written(const struct block *b, unsigned int first, unsigned int end,
				 bool state)
{
	if (b->full)
		return state ? first : end;
	while (first < end) {
		unsigned int stop = (first | 63) + 1;
		uint64_t word;

		if (stop > end)
			stop = end;
		word = (state ? b->written[first / 64] : ~b->written[first / 64]) &
		       bits(first % 64, stop - first / 64 * 64);
		if (word)
			return first / 64 * 64 + (unsigned int)__builtin_ctzll(word);
		first = stop;
	}
	return end;
}

static void report_unwritten(struct npu_hazard *h, unsigned int space, uint64_t first, uint64_t end)
{
	uint64_t at = first;

	while (at < end) {
		struct block *b = get_block(h, space, at / BLOCK);
		uint64_t base = at / BLOCK * BLOCK;
		uint64_t stop = base + BLOCK < end ? base + BLOCK : end;
		unsigned int w = find_written(b, (unsigned int)(at - base),
					      (unsigned int)(stop - base), true);

		at = base + w;
		if (at < stop)
			break;
	}
	report(h, NPU_REASON_UNWRITTEN, (uint8_t)space, NPU_ACCESS_READ, first, at - first,
	       NPU_ENGINE_NONE, 0);
}

static void split_block(struct npu_hazard *h, unsigned int space, uint64_t index, struct block *b)
{
	struct granule *g = granules(h, space, index);
	unsigned int i;

	for (i = 0; i < BLOCK_GRANULES; i++)
		g[i] = b->all;
	b->split = true;
}

/* Part [first, end) of a block; the run is [run_first, run_end). False: reported. */
static bool access_block(struct npu_hazard *h, unsigned int space, bool write, uint64_t first,
			 uint64_t end, uint64_t run_first, uint64_t run_end)
{
	uint64_t index = first / BLOCK, base = index * BLOCK;
	unsigned int lo = (unsigned int)(first - base) / NPU_GRANULE;
	unsigned int hi = (unsigned int)(end - base + NPU_GRANULE - 1) / NPU_GRANULE, i;
	bool whole = lo == 0 && hi == BLOCK_GRANULES;
	struct block *b = get_block(h, space, index);
	struct granule *g = granules(h, space, index);
	struct conflict c;

	for (i = lo; i < (b->split ? hi : lo + 1); i++) {
		c = check_granule(h, b->split ? &g[i] : &b->all, write);
		if (c.reason) {
			report_race(h, space, write, index * BLOCK_GRANULES + i, run_first, run_end,
				    c);
			return false;
		}
	}
	if (write) {
		mark_written(b, (unsigned int)(first - base), (unsigned int)(end - base));
	} else {
		unsigned int stop = (unsigned int)(end - base);
		unsigned int u = find_written(b, (unsigned int)(first - base), stop, false);

		if (u < stop) {
			report_unwritten(h, space, base + u, run_end);
			return false;
		}
	}
	if (whole && (write || !b->split)) {
		mark_granule(h, &b->all, write);
		b->split = false;
		return true;
	}
	if (!b->split)
		split_block(h, space, index, b);
	for (i = lo; i < hi; i++)
		mark_granule(h, &g[i], write);
	return true;
}

static bool access_local(struct npu_hazard *h, unsigned int space, bool write, uint64_t addr,
			 uint64_t len)
{
	uint64_t at = addr, end = addr + len;

	while (at < end) {
		uint64_t stop = (at / BLOCK + 1) * BLOCK;

		if (stop > end)
			stop = end;
		if (!access_block(h, space, write, at, stop, addr, end))
			return false;
		at = stop;
	}
	return true;
}

/* ---- Memory --------------------------------------------------------------------------------- */

static bool access_memory(struct npu_hazard *h, bool write, uint64_t va, uint64_t len)
{
	unsigned int other = write ? NPU_ENGINE_LOAD : NPU_ENGINE_STORE;
	uint32_t known = h->knows[h->engine].of[other];

	while (len) {
		uint64_t part, key, at, bytes;
		uint32_t stamp;

		/* Now and then in any case: resolve() also fails when the job is to end. */
		if (va - h->page_va >= h->page_len || ++h->runs % RESOLVE_RUNS == 0) {
			h->page_va = va;
			h->page_len = 0;
			/* The command ends where it faults. */
			if (!h->job.resolve(h->job.opaque, va,
					    write ? NPU_ACCESS_WRITE : NPU_ACCESS_READ,
					    &h->page_key, &h->page_len)) {
				h->page_len = 0;
				h->faulted = true;
				return false;
			}
		}
		key = h->page_key + (va - h->page_va);
		part = NPU_PAGE_SIZE - key % NPU_PAGE_SIZE;
		if (part > len)
			part = len;
		if (part > h->page_len - (va - h->page_va))
			part = h->page_len - (va - h->page_va);
		stamp = npu_memory_access(h->memory, key, va, part, write, h->now, known, &at,
					  &bytes);
		if (stamp) {
			report(h, write ? NPU_REASON_WAR : NPU_REASON_RAW, NPU_SPACE_MEM,
			       write ? NPU_ACCESS_WRITE : NPU_ACCESS_READ, va + at, bytes,
			       (uint8_t)other, stamp);
			return false;
		}
		va += part;
		len -= part;
	}
	return true;
}

/* ---- Commands ------------------------------------------------------------------------------- */

static bool is_stopped(const struct npu_hazard *h)
{
	return h->job.stopped && h->job.stopped(h->job.opaque);
}

static void access_set(void *opaque, const struct npu_access *a)
{
	uint64_t at[NPU_ACCESS_DIMS] = { 0 }, addr = (uint64_t)a->base;
	struct npu_hazard *h = opaque;
	bool write = a->kind == NPU_ACCESS_WRITE;
	unsigned int i;

	if (h->failed || h->faulted)
		return;
	if (a->space == NPU_SPACE_MEM)
		addr += h->job.region[a->region];
	for (;;) {
		/* Strides that repeat, and windows of many taps, can make this long. */
		if (!(++h->looks % STOP_RUNS) && is_stopped(h)) {
			h->faulted = true;
			return;
		}
		if (a->space == NPU_SPACE_MEM ? !access_memory(h, write, addr, a->run) :
						!access_local(h, a->space, write, addr, a->run))
			return;
		for (i = 0; i < a->dims; i++) {
			addr += (uint64_t)a->stride[i];
			if (++at[i] < a->count[i])
				break;
			addr -= a->count[i] * (uint64_t)a->stride[i];
			at[i] = 0;
		}
		if (i == a->dims)
			return;
	}
}

/* Its indices are in SPM: checked before, and never written by the command itself. */
static void access_rows(struct npu_hazard *h, const struct npu_cmd_gather *cmd)
{
	uint64_t base = h->job.region[cmd->region] + cmd->offset, row;
	uint32_t i;

	for (i = 0; i < cmd->count; i++)
		if (!npu_isa_gather_index(cmd, h->job.spm, i, &row) ||
		    !access_memory(h, false, base + row * cmd->row_stride, cmd->row_bytes))
			return;
}

static void learn(struct knowledge *k, const struct knowledge *other)
{
	unsigned int e;

	for (e = 0; e < NPU_ENGINES; e++)
		if (other->of[e] > k->of[e])
			k->of[e] = other->of[e];
}

static void take_tokens(struct npu_hazard *h, const struct npu_cmd *cmd)
{
	unsigned int i;

	for (i = 0; i < NPU_CMD_SEMS; i++) {
		struct semaphore *s;

		if (cmd->wait[i] == NPU_SEM_NONE)
			continue;
		s = &h->semaphore[cmd->wait[i]];
		learn(&h->knows[h->engine], &s->token[s->taken++ % TOKENS].knows);
	}
}

static void make_tokens(struct npu_hazard *h, const struct npu_cmd *cmd)
{
	unsigned int i;

	for (i = 0; i < NPU_CMD_SEMS; i++) {
		struct semaphore *s;

		if (cmd->signal[i] == NPU_SEM_NONE)
			continue;
		s = &h->semaphore[cmd->signal[i]];
		s->token[s->made++ % TOKENS] =
			(struct token){ h->knows[h->engine], h->now, h->engine };
	}
}

bool npu_hazard_command(struct npu_hazard *h, const struct npu_cmd *cmd, uint32_t offset,
			struct npu_error *err)
{
	h->cmd = cmd;
	h->now = NPU_STAMP(offset);
	h->engine = (uint8_t)npu_isa_engine(cmd->opcode);
	h->err = err;
	h->failed = false;
	h->faulted = false;
	h->page_len = 0;
	take_tokens(h, cmd);
	/* An engine's own commands are in order, this one included. */
	h->knows[h->engine].of[h->engine] = h->now;
	npu_isa_footprint(cmd, access_set, h);
	if (cmd->opcode == NPU_OP_GATHER && !h->failed)
		access_rows(h, (const void *)cmd);
	make_tokens(h, cmd);
	return !h->failed;
}

/* ---- Gangs ---------------------------------------------------------------------------------- */

static void report_clash(struct npu_hazard *first, struct npu_hazard *second,
			 const struct npu_memory_clash *c, struct npu_error *err)
{
	memset(err, 0, sizeof(*err));
	err->status = NPU_JOB_HAZARD;
	err->reason = !c->second_writes ? NPU_REASON_RAW :
		      c->first_writes	? NPU_REASON_WAW :
					  NPU_REASON_WAR;
	err->core = (uint8_t)second->job.member;
	err->engine = c->second_writes ? NPU_ENGINE_STORE : NPU_ENGINE_LOAD;
	err->access = c->second_writes ? NPU_ACCESS_WRITE : NPU_ACCESS_READ;
	err->space = NPU_SPACE_MEM;
	err->other_core = (uint8_t)first->job.member;
	err->other_engine = c->first_writes ? NPU_ENGINE_STORE : NPU_ENGINE_LOAD;
	err->cmd = NPU_STAMP_OFFSET(c->second);
	err->tag = tag_of(second, c->second);
	err->other_cmd = NPU_STAMP_OFFSET(c->first);
	err->other_tag = tag_of(first, c->first);
	err->addr = c->va;
	err->len = c->bytes;
}

bool npu_hazard_epoch(struct npu_hazard *const *members, unsigned int count, struct npu_error *err)
{
	struct npu_memory_clash clash;
	unsigned int i, j, e, f;

	for (j = 1; j < count; j++) {
		for (i = 0; i < j; i++) {
			/* Many cores with full records take a while; nobody asks any more. */
			if (is_stopped(members[i]))
				return true;
			if (!npu_memory_compare(members[i]->memory, members[j]->memory, &clash))
				continue;
			report_clash(members[i], members[j], &clash, err);
			return false;
		}
	}
	for (i = 0; i < count; i++) {
		struct npu_hazard *h = members[i];

		npu_memory_clear(h->memory);
		for (e = 0; e < NPU_ENGINES; e++)
			for (f = 0; f < NPU_ENGINES; f++)
				h->knows[e].of[f] = h->now;
	}
	return true;
}

bool npu_hazard_end(struct npu_hazard *const *members, unsigned int count, struct npu_error *err)
{
	unsigned int i, s;

	if (!npu_hazard_epoch(members, count, err))
		return false;
	for (i = 0; i < count; i++) {
		struct npu_hazard *h = members[i];

		for (s = 0; s < NPU_SEMAPHORES; s++) {
			const struct semaphore *sem = &h->semaphore[s];
			const struct token *t = &sem->token[sem->taken % TOKENS];

			if (sem->made == sem->taken)
				continue;
			memset(err, 0, sizeof(*err));
			err->status = NPU_JOB_HAZARD;
			err->reason = NPU_REASON_LEFTOVER;
			err->core = (uint8_t)h->job.member;
			err->engine = t->engine;
			err->other_engine = NPU_ENGINE_NONE;
			err->other_cmd = NPU_ERROR_NO_CMD;
			err->cmd = NPU_STAMP_OFFSET(t->stamp);
			err->tag = tag_of(h, t->stamp);
			err->addr = s;
			return false;
		}
	}
	return true;
}

/* ---- Life ----------------------------------------------------------------------------------- */

static void forget(struct npu_hazard *h)
{
	unsigned int i;

	if (++h->generation == 0) {
		/* Blocks of 2^32 jobs ago would look like this job's. */
		h->generation = 1;
		for (i = 0; i < 2; i++) {
			struct local *l = &h->local[i];

			memset(l->block, 0, l->blocks * sizeof(*l->block));
		}
	}
	memset(h->knows, 0, sizeof(h->knows));
	h->now = 0;
	for (i = 0; i < NPU_SEMAPHORES; i++) {
		h->semaphore[i].made = 0;
		h->semaphore[i].taken = 0;
	}
	npu_memory_clear(h->memory);
}

void npu_hazard_begin(struct npu_hazard *h, const struct npu_hazard_job *job)
{
	h->job = *job;
	forget(h);
}

/* ---- Saved state ---------------------------------------------------------------------------- */

static void wire_granule(struct npu_wire *w, struct granule *g)
{
	npu_wire_u32(w, &g->write);
	for (unsigned int e = 0; e < NPU_ENGINES; e++)
		npu_wire_u32(w, &g->read[e]);
}

/* A block's granules, as runs of equal ones: how many, then their record. */
static void wire_granules(struct npu_wire *w, struct granule g[BLOCK_GRANULES])
{
	unsigned int i, j;

	for (i = 0; i < BLOCK_GRANULES && !w->error; i = j) {
		struct granule rec = g[i];
		uint8_t n;

		for (j = i + 1; j < BLOCK_GRANULES && !memcmp(&g[j], &rec, sizeof(rec)); j++)
			;
		n = (uint8_t)(j - i);
		npu_wire_u8(w, &n);
		wire_granule(w, &rec);
		if (!npu_wire_check(w, n && n <= BLOCK_GRANULES - i, "a block of too many granules"))
			return;
		for (j = i; j < i + n; j++)
			g[j] = rec;
	}
}

static void wire_block(struct npu_hazard *h, struct npu_wire *w, unsigned int space, uint64_t index)
{
	struct block *b = get_block(h, space, index);

	npu_wire_bool(w, &b->full);
	npu_wire_bool(w, &b->split);
	for (unsigned int i = 0; !b->full && i < BLOCK / 64; i++)
		npu_wire_u64(w, &b->written[i]);
	if (!b->split) {
		wire_granule(w, &b->all);
		return;
	}
	if (w->loading)
		split_block(h, space, index, b);
	wire_granules(w, granules(h, space, index));
}

/* Blocks that this job has touched: their number + 1 in ascending order, and 0. */
static void wire_local(struct npu_hazard *h, struct npu_wire *w, unsigned int space)
{
	const struct local *l = &h->local[space];
	uint64_t next = 0, index = 0;

	for (;;) {
		while (!w->loading && index < l->blocks &&
		       l->block[index].generation != h->generation)
			index++;
		next = index < l->blocks ? index + 1 : 0;
		npu_wire_u64(w, &next);
		if (!next)
			return;
		if (!npu_wire_check(w, next > index && next <= l->blocks, "no such block"))
			return;
		wire_block(h, w, space, next - 1);
		index = next;
	}
}

static void wire_semaphore(struct npu_wire *w, struct semaphore *s, const uint8_t *want)
{
	uint8_t count = (uint8_t)(s->made - s->taken);

	npu_wire_u8(w, &count);
	npu_wire_u32(w, &s->taken);
	npu_wire_check(w, !want || count == *want, "the checker's semaphores are not the core's");
	for (unsigned int i = 0; i < count && !w->error; i++) {
		struct token *t = &s->token[(s->taken + i) % TOKENS];

		for (unsigned int e = 0; e < NPU_ENGINES; e++)
			npu_wire_u32(w, &t->knows.of[e]);
		npu_wire_u32(w, &t->stamp);
		npu_wire_u8(w, &t->engine);
		npu_wire_check(w, t->engine < NPU_ENGINES, "a token of no engine");
	}
	if (w->loading)
		s->made = w->error ? s->taken : s->taken + count;
}

void npu_hazard_wire(struct npu_hazard *h, struct npu_wire *w, const struct npu_sems *sems)
{
	unsigned int i, e;

	npu_wire_u32(w, &h->now);
	for (i = 0; i < NPU_ENGINES; i++)
		for (e = 0; e < NPU_ENGINES; e++)
			npu_wire_u32(w, &h->knows[i].of[e]);
	for (i = 0; i < NPU_SEMAPHORES; i++)
		wire_semaphore(w, &h->semaphore[i], sems ? &sems->count[i] : NULL);
	for (i = 0; i < 2; i++)
		wire_local(h, w, i);
	npu_memory_wire(h->memory, w);
	if (w->loading && w->error)
		forget(h);
}

struct npu_hazard *npu_hazard_new(const struct npu_card_config *cfg)
{
	struct npu_hazard *h = calloc(1, sizeof(*h));
	uint64_t size[2] = { cfg->spm_size, cfg->acc_size };
	unsigned int i;

	if (!h)
		return NULL;
	h->memory = npu_memory_new();
	for (i = 0; i < 2; i++) {
		struct local *l = &h->local[i];

		l->blocks = (size[i] + BLOCK - 1) / BLOCK;
		l->block = calloc(l->blocks, sizeof(*l->block));
		/* A block's are set when it splits. */
		l->granule = malloc(l->blocks * BLOCK_GRANULES * sizeof(*l->granule));
	}
	if (h->memory && h->local[0].block && h->local[0].granule && h->local[1].block &&
	    h->local[1].granule)
		return h;
	npu_hazard_free(h);
	return NULL;
}

void npu_hazard_free(struct npu_hazard *h)
{
	unsigned int i;

	if (!h)
		return;
	for (i = 0; i < 2; i++) {
		free(h->local[i].block);
		free(h->local[i].granule);
	}
	npu_memory_free(h->memory);
	free(h);
}
