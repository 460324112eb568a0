// SPDX-License-Identifier: MIT
/*
 * Copyright (c) 2026 the npu authors
 *
 * Who waits for whom: the one place that assigns semaphores.
 *
 * Commands arrive in an order that is right if they run one after another. Engines run beside each
 * other, each in order, so what is missing are edges between engines: from command i to a later
 * command j that touches the same bytes, one of the two writing.
 *
 * 1. Conflicts. Memory is looked at in lines of NPU_GRANULE bytes or a power of two more. A line
 *    remembers the command that wrote it last and, for each engine, the last that read it since:
 *    whoever comes next only needs these, since the writer itself waited for all before. Lines stand
 *    in pages; those of a page are as long as what was done to it allows, up to the page, so that
 *    whole tiles cost a step a page and pixels of 64 channels a step each. What is found does not
 *    depend on it.
 *
 * 2. Reduction. Of the conflicts of j with engine e only the latest command matters. Vector clocks
 * tell what j's engine
 *    knows already (through its earlier waits) and what one of j's waits teaches about the others;
 *    an edge that
 *    tells nothing new is left out.
 *
 * 3. Semaphores. What remains from engine e to engine f is a list of edges in which both ends
 * ascend. So
 *    one semaphore a pair does: the n-th signal is meant for the n-th wait. 12 pairs, 3 waits and 3
 *    signals a
 *    command at most: it always fits. Where more tokens would gather than a semaphore holds, two
 *    neighbouring
 *    edges become one from the later producer to the earlier consumer.
 *
 * Regions that are only read, or only written, need no look: one engine at a time reads (LOAD) and
 * writes (STORE) memory.
 *
 * State lives for one call; no locks.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "hal/error.h"
#include "qemu-device/card/card.h"
#include "qemu-device/card/isa.h"

#include "stream.h"
#include "validate.h"

/* Tables that are written too are looked at page by page. */
#define MAX_TABLE (1ull << 34)

#define PAGE_SHIFT    12
#define PAGE_BYTES    (1u << PAGE_SHIFT)
#define PAGE_GRANULES (PAGE_BYTES / NPU_GRANULE)

/* Pages that are looked at line by line; beyond, a page is one line (200 MB are spent by then). */
#define MAX_SPLIT 32768u
/* Lines, pages and runs looked at, a second or two; beyond, pages are lines as well. */
#define MAX_LOOKS (1ull << 29)
/* And when this part of as many pages has been looked at as well, nothing is: all is done in order. */
#define PAGES_PART 4

/* Commands are numbered from 1; 0 is none. */
struct line {
	uint32_t write;
	uint32_t writer;
	uint32_t read[NPU_ENGINES];
};

struct page {
	struct line all; /* the one line, while @line is NULL */
	struct line *line; /* PAGE_GRANULES >> @shift of them */
	unsigned int shift; /* log2 of granules a line */
};

/* A page of a region, in a hash table: key is region and page number. */
struct memory_page {
	uint64_t key;
	bool used;
	struct page page;
};

struct edge {
	uint32_t from, to;
};

struct edges {
	struct edge *e;
	size_t count, room;
};

struct sync {
	struct npu_card_config cfg;
	struct page *space[2]; /* SPM, ACC */
	uint32_t both; /* regions that are read and written */
	struct memory_page *memory;
	size_t memory_count, memory_room;
	unsigned int split; /* pages with lines of their own */
	uint64_t looks, most;
	uint32_t know[NPU_ENGINES][NPU_ENGINES];
	uint32_t (*clock)[NPU_ENGINES]; /* what each command knew when it began, itself included */
	struct edges edges[NPU_ENGINES][NPU_ENGINES];
	/* The command at hand. */
	uint32_t cmd;
	unsigned int engine;
	uint32_t need[NPU_ENGINES];
	int error;
};

/* ---- Conflicts ------------------------------------------------------------------------------- */

/* What the command's own engine did is among it, and left out at the end (reduce()). */
static void touch_line(struct sync *s, struct line *l, bool write)
{
	unsigned int e;

	if (l->write > s->need[l->writer])
		s->need[l->writer] = l->write;
	if (!write) {
		l->read[s->engine] = s->cmd;
		return;
	}
	for (e = 0; e < NPU_ENGINES; e++)
		if (l->read[e] > s->need[e])
			s->need[e] = l->read[e];
	*l = (struct line){ .write = s->cmd, .writer = s->engine };
}

static bool same_line(const struct line *a, const struct line *b)
{
	return !memcmp(a, b, sizeof(*a));
}

static void make_one_line(struct sync *s, struct page *p)
{
	p->all = p->line[0];
	free(p->line);
	p->line = NULL;
	s->split--;
}

/*
 * A page becomes one line: the command at hand waits for all that was done there, and who comes next
 * for this command. More than need be, and in order.
 */
static void join_lines(struct sync *s, struct page *p)
{
	unsigned int i;

	for (i = 0; i < PAGE_GRANULES >> p->shift; i++)
		touch_line(s, &p->line[i], true);
	make_one_line(s, p);
}

/* A page's lines become 1 << @shift granules long, which is less than they are. */
static bool split_lines(struct sync *s, struct page *p, unsigned int shift)
{
	unsigned int i, count = PAGE_GRANULES >> shift;
	struct line *line = malloc(count * sizeof(*line));

	if (!line) {
		s->error = -ENOMEM;
		return false;
	}
	for (i = 0; i < count; i++)
		line[i] = p->line ? p->line[i >> (p->shift - shift)] : p->all;
	if (!p->line)
		s->split++;
	free(p->line);
	p->line = line;
	p->shift = shift;
	return true;
}

/* Granules [first, end) of a page. */
static void touch_page(struct sync *s, struct page *p, unsigned int first, unsigned int end,
		       bool write)
{
	bool whole = first == 0 && end == PAGE_GRANULES;
	/* Of the longest lines that begin and end there. */
	unsigned int i, shift = __builtin_ctz(first | end | PAGE_GRANULES);

	if (p->line && s->looks > s->most)
		join_lines(s, p);
	if (!p->line) {
		struct line l = p->all;

		if (whole || s->split == MAX_SPLIT || s->looks > s->most) {
			touch_line(s, &p->all, write);
			return;
		}
		touch_line(s, &l, write);
		if (same_line(&l, &p->all))
			return;
	}
	if ((!p->line || shift < p->shift) && !split_lines(s, p, shift))
		return;
	first >>= p->shift;
	end >>= p->shift;
	s->looks += end - first;
	for (i = first; i < end; i++)
		touch_line(s, &p->line[i], write);
	if (!whole)
		return;
	/* What covers a page often leaves all its lines alike. */
	for (i = 1; i < end; i++)
		if (!same_line(&p->line[i], &p->line[0]))
			return;
	make_one_line(s, p);
}

static struct memory_page *find_memory(struct sync *s, uint64_t key)
{
	size_t mask = s->memory_room - 1;
	size_t i = (key * 0x9e3779b97f4a7c15ull >> 20) & mask;

	while (s->memory[i].used && s->memory[i].key != key)
		i = (i + 1) & mask;
	return &s->memory[i];
}

static bool grow_memory(struct sync *s)
{
	size_t i, old_room = s->memory_room;
	struct memory_page *old = s->memory;

	s->memory_room = old_room ? old_room * 2 : 256;
	s->memory = calloc(s->memory_room, sizeof(*s->memory));
	if (!s->memory) {
		s->memory = old;
		s->memory_room = old_room;
		s->error = -ENOMEM;
		return false;
	}
	for (i = 0; i < old_room; i++)
		if (old[i].used)
			*find_memory(s, old[i].key) = old[i];
	free(old);
	return true;
}

static struct page *memory_page(struct sync *s, unsigned int region, uint64_t number)
{
	struct memory_page *m;

	if (s->memory_count * 2 >= s->memory_room && !grow_memory(s))
		return NULL;
	m = find_memory(s,
			(uint64_t)region << (64 - PAGE_SHIFT) | (number & (~0ull >> PAGE_SHIFT)));
	if (!m->used) {
		m->used = true;
		m->key = (uint64_t)region << (64 - PAGE_SHIFT) | (number & (~0ull >> PAGE_SHIFT));
		s->memory_count++;
	}
	return &m->page;
}

/*
 * Bytes [first, first + size). Addresses in regions are signed: moved up by half of all, so that
 * what lies on both sides of a region's base is in order too.
 */
static void touch_run(struct sync *s, const struct npu_access *a, int64_t first, uint64_t size)
{
	uint64_t from = (uint64_t)first ^ (a->space == NPU_SPACE_MEM ? 1ull << 63 : 0);
	uint64_t at = from / NPU_GRANULE, last = (from + size - 1) / NPU_GRANULE;
	bool write = a->kind == NPU_ACCESS_WRITE;

	if (from + (size - 1) < from) {
		s->error = -EINVAL;
		return;
	}
	while (at <= last && !s->error) {
		uint64_t number = at / PAGE_GRANULES, next = (number + 1) * PAGE_GRANULES;
		unsigned int end = next > last ? last % PAGE_GRANULES + 1 : PAGE_GRANULES;
		struct page *p;

		p = a->space == NPU_SPACE_MEM ? memory_page(s, a->region, number) :
						&s->space[a->space][number];
		if (p)
			touch_page(s, p, at % PAGE_GRANULES, end, write);
		at = next;
		s->looks++;
	}
}

/* Each place of the dimensions [from, to). */
static void touch_dims(struct sync *s, const struct npu_access *a, unsigned int from,
		       unsigned int to, int64_t base, uint64_t run)
{
	uint64_t i;

	if (from == to) {
		touch_run(s, a, base, run);
		return;
	}
	to--;
	for (i = 0; i < a->count[to] && !s->error; i++)
		touch_dims(s, a, from, to, (int64_t)((uint64_t)base + i * (uint64_t)a->stride[to]),
			   run);
}

static void touch(void *opaque, const struct npu_access *a)
{
	struct sync *s = opaque;
	unsigned int dense = 0;
	uint64_t run = a->run;

	if (a->space == NPU_SPACE_MEM && !(s->both & 1u << a->region))
		return;
	/* Gaps smaller than a granule: every granule is touched. */
	for (; dense < a->dims && (uint64_t)a->stride[dense] < run + NPU_GRANULE; dense++)
		run += (a->count[dense] - 1) * (uint64_t)a->stride[dense];
	touch_dims(s, a, dense, a->dims, a->base, run);
}

/* The rows that indices choose are not known: all of the table. */
static void touch_table(struct sync *s, const struct npu_cmd_gather *cmd)
{
	struct npu_access a = { .space = NPU_SPACE_MEM,
				.kind = NPU_ACCESS_READ,
				.region = cmd->region };
	int64_t end;

	npu_gather_table(cmd, &a.base, &end);
	a.run = (uint64_t)end - (uint64_t)a.base;
	if (!(s->both & 1u << cmd->region))
		return;
	if (a.run > MAX_TABLE)
		s->error = -EINVAL;
	else
		touch(s, &a);
}

/* ---- Reduction ------------------------------------------------------------------------------- */

static int add_edge(struct edges *list, uint32_t from, uint32_t to)
{
	if (list->count == list->room) {
		size_t room = list->room ? list->room * 2 : 64;
		struct edge *e = realloc(list->e, room * sizeof(*e));

		if (!e)
			return -ENOMEM;
		list->e = e;
		list->room = room;
	}
	list->e[list->count++] = (struct edge){ from, to };
	return 0;
}

/* Another wait of the same command tells that need[e] has ended. */
static bool implied(const struct sync *s, unsigned int e)
{
	unsigned int d;

	for (d = 0; d < NPU_ENGINES; d++)
		if (d != e && s->need[d] > s->know[s->engine][d] &&
		    s->clock[s->need[d]][e] >= s->need[e])
			return true;
	return false;
}

static void reduce(struct sync *s)
{
	uint32_t *know = s->know[s->engine];
	bool wait[NPU_ENGINES];
	unsigned int d, e;

	s->need[s->engine] = 0;
	for (e = 0; e < NPU_ENGINES; e++)
		wait[e] = e != s->engine && s->need[e] > know[e] && !implied(s, e);
	for (e = 0; e < NPU_ENGINES; e++) {
		if (!wait[e])
			continue;
		if (add_edge(&s->edges[e][s->engine], s->need[e], s->cmd))
			s->error = -ENOMEM;
		for (d = 0; d < NPU_ENGINES; d++)
			if (s->clock[s->need[e]][d] > know[d])
				know[d] = s->clock[s->need[e]][d];
	}
	know[s->engine] = s->cmd;
	memcpy(s->clock[s->cmd], know, sizeof(s->clock[0]));
}

/* ---- Semaphores ------------------------------------------------------------------------------ */

/* Never more than NPU_SEM_MAX signals that have not been waited for. */
static void limit_tokens(struct edges *list)
{
	size_t i, kept = 0, oldest = 0;

	for (i = 0; i < list->count; i++) {
		struct edge e = list->e[i];

		while (oldest < kept && list->e[oldest].to <= e.from)
			oldest++;
		if (kept - oldest >= NPU_SEM_MAX)
			list->e[kept - 1].from = e.from;
		else
			list->e[kept++] = e;
	}
	list->count = kept;
}

static void put(uint8_t slot[NPU_CMD_SEMS], uint8_t sem)
{
	unsigned int i;

	for (i = 0; slot[i] != NPU_SEM_NONE; i++)
		;
	slot[i] = sem;
}

static int assign(struct sync *s, struct npu_stream *stream)
{
	struct npu_cmd **cmd;
	unsigned int from, to;
	uint32_t n = 1;
	size_t at, i;

	cmd = malloc((stream->commands + 1) * sizeof(*cmd));
	if (!cmd)
		return -ENOMEM;
	for (at = 0; at < stream->size; at += cmd[n++]->size)
		cmd[n] = (void *)(stream->data + at);
	for (from = 0; from < NPU_ENGINES; from++) {
		for (to = 0; to < NPU_ENGINES; to++) {
			struct edges *list = &s->edges[from][to];

			limit_tokens(list);
			for (i = 0; i < list->count; i++) {
				put(cmd[list->e[i].from]->signal, from * NPU_ENGINES + to);
				put(cmd[list->e[i].to]->wait, from * NPU_ENGINES + to);
			}
		}
	}
	free(cmd);
	return 0;
}

/* ---- All of it ------------------------------------------------------------------------------- */

/* Wait for all there is. A barrier counts as the last command of each engine, known to all. */
static void need_all(struct sync *s)
{
	unsigned int e;

	for (e = 0; e < NPU_ENGINES; e++)
		s->need[e] = s->know[e][e];
}

struct region_use {
	uint32_t read, written;
};

static void note_region(void *opaque, const struct npu_access *a)
{
	struct region_use *use = opaque;

	if (a->space != NPU_SPACE_MEM)
		return;
	if (a->kind == NPU_ACCESS_WRITE)
		use->written |= 1u << a->region;
	else
		use->read |= 1u << a->region;
}

/* Check every command, take away its semaphores, and find the regions to look at. */
static int prepare(struct sync *s, struct npu_stream *stream)
{
	struct region_use use = { 0, 0 };
	struct npu_cmd *cmd;
	uint64_t where;
	size_t at;

	for (at = 0; at < stream->size; at += cmd->size) {
		enum npu_reason reason;

		cmd = (void *)(stream->data + at);
		memset(cmd->wait, NPU_SEM_NONE, sizeof(cmd->wait));
		memset(cmd->signal, NPU_SEM_NONE, sizeof(cmd->signal));
		reason = npu_isa_check(&s->cfg, cmd, stream->size - at, &where);
		if (reason != NPU_REASON_NONE)
			return npu_fail(
				-EINVAL,
				"command at byte %zu (%s, tag %u) is not valid: reason %d at %#llx",
				at, npu_isa_name(cmd->opcode) ?: "unknown", cmd->tag, reason,
				(unsigned long long)where);
		npu_isa_footprint(cmd, note_region, &use);
		if (cmd->opcode == NPU_OP_GATHER)
			use.read |= 1u
				    << ((const struct npu_cmd_gather *)(const void *)cmd)->region;
	}
	s->both = use.read & use.written;
	return 0;
}

static void walk(struct sync *s, const struct npu_stream *stream)
{
	const struct npu_cmd *cmd;
	size_t at;

	for (at = 0; at < stream->size && !s->error; at += cmd->size) {
		unsigned int e;

		cmd = (const void *)(stream->data + at);
		s->cmd++;
		s->engine = npu_isa_engine(cmd->opcode);
		if (s->engine == NPU_ENGINE_NONE) {
			/* A barrier: all engines have drained. */
			for (e = 0; e < NPU_ENGINES * NPU_ENGINES; e++)
				s->know[e / NPU_ENGINES][e % NPU_ENGINES] = s->cmd;
			continue;
		}
		memset(s->need, 0, sizeof(s->need));
		if (s->looks > s->most + s->most / PAGES_PART) {
			need_all(s);
		} else {
			npu_isa_footprint(cmd, touch, s);
			if (cmd->opcode == NPU_OP_GATHER)
				touch_table(s, (const void *)cmd);
		}
		reduce(s);
	}
}

static struct page *new_space(uint32_t size)
{
	return calloc((size + PAGE_BYTES - 1) / PAGE_BYTES, sizeof(struct page));
}

static void free_space(struct page *p, uint32_t size)
{
	uint32_t i;

	for (i = 0; p && i < (size + PAGE_BYTES - 1) / PAGE_BYTES; i++)
		free(p[i].line);
	free(p);
}

int npu_stream_order(struct npu_stream *stream, const struct npu_caps *caps,
		     struct npu_effort *effort)
{
	struct sync *s;
	size_t i;
	int ret;

	if (stream->error)
		return npu_fail(stream->error, "the stream could not be built: out of memory");
	s = calloc(1, sizeof(*s));
	if (!s)
		return npu_fail(-ENOMEM, "out of memory");
	npu_caps_config(caps, &s->cfg);
	s->most = npu_effort_left(effort);
	ret = prepare(s, stream);
	if (ret)
		goto out;
	s->space[NPU_SPACE_SPM] = new_space(s->cfg.spm_size);
	s->space[NPU_SPACE_ACC] = new_space(s->cfg.acc_size);
	s->clock = malloc((stream->commands + 1ull) * sizeof(*s->clock));
	if (s->space[0] && s->space[1] && s->clock) {
		walk(s, stream);
		ret = s->error ? s->error : assign(s, stream);
	} else {
		ret = -ENOMEM;
	}
	if (ret)
		npu_fail(ret, ret == -EINVAL ? "a GATHER's table of more than 2^34 bytes, or an "
					       "access beyond the last address, in a region "
					       "that is written too" :
					       "out of memory");
	effort->spent += s->looks + (uint64_t)stream->commands * NPU_EFFORT_COMMAND;
out:
	free_space(s->space[NPU_SPACE_SPM], s->cfg.spm_size);
	free_space(s->space[NPU_SPACE_ACC], s->cfg.acc_size);
	for (i = 0; i < s->memory_room; i++)
		free(s->memory[i].page.line);
	free(s->memory);
	for (i = 0; i < NPU_ENGINES * NPU_ENGINES; i++)
		free(s->edges[i / NPU_ENGINES][i % NPU_ENGINES].e);
	free(s->clock);
	free(s);
	return ret;
}

int npu_stream_sync(struct npu_stream *stream, const struct npu_caps *caps)
{
	struct npu_effort effort = { .limit = MAX_LOOKS };

	return npu_stream_order(stream, caps, &effort);
}
