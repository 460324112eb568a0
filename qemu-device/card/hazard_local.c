// SPDX-License-Identifier: MIT
/*
 * Copyright (c) 2026 the npu authors
 *
 * Records of SPM and ACC, see hazard_local.h.
 *
 * When an access is ordered after the last one of an engine it is ordered after all of that engine.
 * A write is ordered after the reads before it, so who comes after the write comes after them: it
 * leaves them where they are. 64 granules, a block, have one record as long as all of them were
 * treated alike, and in any case the latest write and read of each engine in it: who comes after
 * these, which is nearly everybody, need not look at granules. A bit a byte says what this job has
 * written. Blocks of an older job are known by their generation and cleared when they are met.
 */
#include <stdlib.h>
#include <string.h>
#include <wchar.h>

#include "hazard_local.h"
#include "wire.h"

#define BLOCK_GRANULES 64u
#define BLOCK	       (BLOCK_GRANULES * NPU_GRANULE)

/* The last write: engine and stamp in one word, 0 is none. */
#define WRITE(engine, stamp) ((uint32_t)(engine) << 30 | (stamp))
#define WRITE_ENGINE(w)	     ((w) >> 30)
#define WRITE_STAMP(w)	     ((w)&0x3fffffffu)

struct granule {
	uint32_t write;
	uint32_t read[NPU_ENGINES];
};

/* Of a block's granules, one thing beside the other: an access is a run of them. */
struct granules {
	uint32_t write[BLOCK_GRANULES];
	uint32_t read[NPU_ENGINES][BLOCK_GRANULES];
};

/**
 * struct block - records of a block
 * @generation: the job it is of
 * @split: granules have records of their own
 * @full: all of it was written, whatever @written says
 * @all: record of each of them, as long as it is not split
 * @writes: no granule was written later, by engine
 * @reads: likewise
 * @written: a bit a byte
 */
struct block {
	uint32_t generation;
	bool split;
	bool full;
	struct granule all;
	struct npu_knowledge writes;
	struct npu_knowledge reads;
	uint64_t written[BLOCK / 64];
};

/**
 * struct npu_local - records
 * @generation: of the job
 * @blocks: of @block and @granules
 * @granules: set when their block splits
 */
struct npu_local {
	uint32_t generation;
	uint64_t blocks;
	struct block *block;
	struct granules *granules;
};

static struct block *get_block(struct npu_local *l, uint64_t index)
{
	struct block *b = &l->block[index];

	if (b->generation != l->generation) {
		memset(b, 0, sizeof(*b));
		b->generation = l->generation;
	}
	return b;
}

static struct granule get_granule(struct npu_local *l, uint64_t index)
{
	const struct block *b = get_block(l, index / BLOCK_GRANULES);
	const struct granules *g = &l->granules[index / BLOCK_GRANULES];
	struct granule one = b->all;

	if (!b->split)
		return one;
	one.write = g->write[index % BLOCK_GRANULES];
	for (unsigned int e = 0; e < NPU_ENGINES; e++)
		one.read[e] = g->read[e][index % BLOCK_GRANULES];
	return one;
}

/* ---- Order ----------------------------------------------------------------------------------- */

/*
 * Is each of @latest one that is known? Two engines at a time, for this is asked of every block:
 * stamps have no bit 31, and one that is set in each half is borrowed where the right side is
 * greater.
 */
static bool knows_all(const struct npu_knowledge *k, const struct npu_knowledge *latest)
{
	const uint64_t high = 0x8000000080000000ull;
	uint64_t a[NPU_ENGINES / 2], b[NPU_ENGINES / 2], all = high;

	_Static_assert(NPU_ENGINES % 2 == 0, "two at a time");
	memcpy(a, k, sizeof(a));
	memcpy(b, latest, sizeof(b));
	for (unsigned int i = 0; i < NPU_ENGINES / 2; i++)
		all &= (a[i] | high) - b[i];
	return all == high;
}

/* Whether one granule's record allows it; else @c is told reason, engine and stamp. */
static bool may_access(const struct npu_local_by *by, const struct granule *g,
		       struct npu_local_clash *c)
{
	const uint32_t *knows = by->knows->of;

	if (g->write && WRITE_STAMP(g->write) > knows[WRITE_ENGINE(g->write)]) {
		c->reason = by->write ? NPU_REASON_WAW : NPU_REASON_RAW;
		c->engine = (uint8_t)WRITE_ENGINE(g->write);
		c->stamp = WRITE_STAMP(g->write);
		return false;
	}
	for (unsigned int e = 0; by->write && e < NPU_ENGINES; e++) {
		if (g->read[e] <= knows[e])
			continue;
		c->reason = NPU_REASON_WAR;
		c->engine = (uint8_t)e;
		c->stamp = g->read[e];
		return false;
	}
	return true;
}

static bool same_clash(const struct npu_local_clash *a, const struct npu_local_clash *b)
{
	return a->reason == b->reason && a->engine == b->engine && a->stamp == b->stamp;
}

/*
 * Granules of block @index from @lo to @hi - 1, of a run of [first, end): the first clash, with all
 * bytes that follow in the run and clash with the same command.
 */
static bool find_clash(struct npu_local *l, const struct npu_local_by *by, uint64_t index,
		       unsigned int lo, unsigned int hi, uint64_t first, uint64_t end,
		       struct npu_local_clash *c)
{
	uint64_t at = index * BLOCK_GRANULES + lo, stop = index * BLOCK_GRANULES + hi, to;
	struct granule g;

	for (; at < stop; at++) {
		g = get_granule(l, at);
		if (!may_access(by, &g, c))
			break;
		if (!l->block[index].split)
			return false;
	}
	if (at == stop)
		return false;
	for (to = at + 1; to * NPU_GRANULE < end; to++) {
		struct npu_local_clash next;

		g = get_granule(l, to);
		if (may_access(by, &g, &next) || !same_clash(&next, c))
			break;
	}
	c->addr = at * NPU_GRANULE > first ? at * NPU_GRANULE : first;
	c->len = (to * NPU_GRANULE < end ? to * NPU_GRANULE : end) - c->addr;
	return true;
}

/* ---- What was written ------------------------------------------------------------------------ */

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

/* [first, end) begins with bytes that were never written. */
static void tell_unwritten(struct npu_local *l, uint64_t first, uint64_t end,
			   struct npu_local_clash *c)
{
	uint64_t at = first;

	while (at < end) {
		const struct block *b = get_block(l, at / BLOCK);
		uint64_t base = at / BLOCK * BLOCK;
		uint64_t stop = base + BLOCK < end ? base + BLOCK : end;

		at = base +
		     find_written(b, (unsigned int)(at - base), (unsigned int)(stop - base), true);
		if (at < stop)
			break;
	}
	*c = (struct npu_local_clash){ .reason = NPU_REASON_UNWRITTEN,
				       .engine = NPU_ENGINE_NONE,
				       .addr = first,
				       .len = at - first };
}

/* ---- Accesses -------------------------------------------------------------------------------- */

static void fill(uint32_t *at, unsigned int n, uint32_t value)
{
	_Static_assert(sizeof(wchar_t) == sizeof(*at), "wmemset() fills words of 32 bits");
	wmemset((wchar_t *)at, (wchar_t)value, n);
}

static void split_block(struct block *b, struct granules *g)
{
	unsigned int e;

	fill(g->write, BLOCK_GRANULES, b->all.write);
	for (e = 0; e < NPU_ENGINES; e++)
		fill(g->read[e], BLOCK_GRANULES, b->all.read[e]);
	b->split = true;
}

/* The same for granules @lo to @hi - 1 of a block. */
static void mark_block(struct block *b, struct granules *g, const struct npu_local_by *by,
		       unsigned int lo, unsigned int hi)
{
	bool whole = hi - lo == BLOCK_GRANULES;

	if (whole && by->write) {
		b->split = false;
		b->all = (struct granule){ .write = WRITE(by->engine, by->stamp) };
		b->writes = (struct npu_knowledge){ { 0 } };
		b->reads = (struct npu_knowledge){ { 0 } };
		b->writes.of[by->engine] = by->stamp;
		return;
	}
	(by->write ? &b->writes : &b->reads)->of[by->engine] = by->stamp;
	if (whole && !b->split) {
		b->all.read[by->engine] = by->stamp;
		return;
	}
	if (!b->split)
		split_block(b, g);
	if (by->write)
		fill(&g->write[lo], hi - lo, WRITE(by->engine, by->stamp));
	else
		fill(&g->read[by->engine][lo], hi - lo, by->stamp);
}

/* The part [first, end) of one block; the run ends at @run_end. */
static inline bool access_block(struct npu_local *l, const struct npu_local_by *by, uint64_t first,
				uint64_t end, uint64_t run_first, uint64_t run_end,
				struct npu_local_clash *c)
{
	uint64_t index = first / BLOCK, base = index * BLOCK;
	unsigned int from = (unsigned int)(first - base), to = (unsigned int)(end - base);
	unsigned int lo = from / NPU_GRANULE, hi = (to + NPU_GRANULE - 1) / NPU_GRANULE;
	struct block *b = get_block(l, index);

	if ((!knows_all(by->knows, &b->writes) ||
	     (by->write && !knows_all(by->knows, &b->reads))) &&
	    find_clash(l, by, index, lo, hi, run_first, run_end, c))
		return false;
	if (by->write) {
		mark_written(b, from, to);
	} else {
		unsigned int hole = find_written(b, from, to, false);

		if (hole < to) {
			tell_unwritten(l, base + hole, run_end, c);
			return false;
		}
	}
	mark_block(b, &l->granules[index], by, lo, hi);
	return true;
}

bool npu_local_access(struct npu_local *l, const struct npu_local_by *by, uint64_t addr,
		      uint64_t len, struct npu_local_clash *clash)
{
	uint64_t at = addr, end = addr + len;

	while (at < end) {
		uint64_t stop = (at / BLOCK + 1) * BLOCK;

		if (stop > end)
			stop = end;
		if (!access_block(l, by, at, stop, addr, end, clash))
			return false;
		at = stop;
	}
	return true;
}

/* ---- Saved state ----------------------------------------------------------------------------- */

static void wire_granule(struct npu_wire *w, struct granule *g)
{
	npu_wire_u32(w, &g->write);
	for (unsigned int e = 0; e < NPU_ENGINES; e++) {
		npu_wire_u32(w, &g->read[e]);
		npu_wire_check(w, g->read[e] == WRITE_STAMP(g->read[e]), "a stamp of no command");
	}
}

static void put_latest(struct block *b, const struct granule *rec)
{
	uint32_t *write = &b->writes.of[WRITE_ENGINE(rec->write)];

	if (WRITE_STAMP(rec->write) > *write)
		*write = WRITE_STAMP(rec->write);
	for (unsigned int e = 0; e < NPU_ENGINES; e++)
		if (rec->read[e] > b->reads.of[e])
			b->reads.of[e] = rec->read[e];
}

/* A split block's granules, as runs of equal ones: how many, then their record. */
static void wire_granules(struct npu_local *l, struct npu_wire *w, uint64_t index, struct block *b)
{
	struct granules *g = &l->granules[index];
	uint64_t first = index * BLOCK_GRANULES;
	unsigned int i, j, e;

	if (w->loading)
		split_block(b, g);
	for (i = 0; i < BLOCK_GRANULES && !w->error; i = j) {
		struct granule rec = get_granule(l, first + i);
		uint8_t n;

		for (j = i + 1; j < BLOCK_GRANULES; j++) {
			struct granule next = get_granule(l, first + j);

			if (memcmp(&next, &rec, sizeof(rec)))
				break;
		}
		n = (uint8_t)(j - i);
		npu_wire_u8(w, &n);
		wire_granule(w, &rec);
		if (!npu_wire_check(w, n && n <= BLOCK_GRANULES - i,
				    "a block of too many granules"))
			return;
		j = i + n;
		if (!w->loading)
			continue;
		fill(&g->write[i], n, rec.write);
		for (e = 0; e < NPU_ENGINES; e++)
			fill(&g->read[e][i], n, rec.read[e]);
		put_latest(b, &rec);
	}
}

static void wire_block(struct npu_local *l, struct npu_wire *w, uint64_t index)
{
	struct block *b = get_block(l, index);

	npu_wire_bool(w, &b->full);
	npu_wire_bool(w, &b->split);
	for (unsigned int i = 0; !b->full && i < BLOCK / 64; i++)
		npu_wire_u64(w, &b->written[i]);
	if (b->split) {
		wire_granules(l, w, index, b);
		return;
	}
	wire_granule(w, &b->all);
	if (w->loading)
		put_latest(b, &b->all);
}

/* Blocks that this job has touched: their number + 1 in ascending order, and 0. */
void npu_local_wire(struct npu_local *l, struct npu_wire *w)
{
	uint64_t next = 0, index = 0;

	for (;;) {
		while (!w->loading && index < l->blocks &&
		       l->block[index].generation != l->generation)
			index++;
		next = index < l->blocks ? index + 1 : 0;
		npu_wire_u64(w, &next);
		if (!next)
			return;
		if (!npu_wire_check(w, next > index && next <= l->blocks, "no such block"))
			return;
		wire_block(l, w, next - 1);
		index = next;
	}
}

/* ---- Life ------------------------------------------------------------------------------------ */

void npu_local_clear(struct npu_local *l)
{
	if (++l->generation)
		return;
	/* Blocks of 2^32 jobs ago would look like this job's. */
	l->generation = 1;
	memset(l->block, 0, l->blocks * sizeof(*l->block));
}

struct npu_local *npu_local_new(uint64_t bytes)
{
	struct npu_local *l = calloc(1, sizeof(*l));

	if (!l)
		return NULL;
	l->generation = 1;
	l->blocks = (bytes + BLOCK - 1) / BLOCK;
	l->block = calloc(l->blocks, sizeof(*l->block));
	l->granules = malloc(l->blocks * sizeof(*l->granules));
	if (l->block && l->granules)
		return l;
	npu_local_free(l);
	return NULL;
}

void npu_local_free(struct npu_local *l)
{
	if (!l)
		return;
	free(l->block);
	free(l->granules);
	free(l);
}
