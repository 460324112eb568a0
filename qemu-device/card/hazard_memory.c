// SPDX-License-Identifier: MIT
/*
 * Copyright (c) 2026 the npu authors
 *
 * Records of memory, see hazard_memory.h. A page has one record as long as all of it was treated
 * alike, then one a line of 64 bytes, and a line that was accessed in part has one a byte. Pages
 * are found by a hash table; lines and bytes come from an arena that is emptied at once.
 */
#include <stdlib.h>
#include <string.h>

#include "hazard_memory.h"
#include "wire.h"

#define PAGE  4096u
#define LINE  64u
#define LINES (PAGE / LINE)
#define CHUNK (1u << 20)

struct line {
	struct npu_memory_rec rec; /* of all its bytes, if there is no @byte */
	struct npu_memory_rec *byte;
};

/**
 * struct page - records of a page
 * @number: key / PAGE
 * @va: the page's address when it was first accessed
 * @rec: of all its bytes, if there is no @line
 * @line: records of its lines
 * @written: some byte of it was
 */
struct page {
	uint64_t number;
	uint64_t va;
	struct npu_memory_rec rec;
	struct line *line;
	bool written;
};

struct slot {
	uint32_t epoch;
	uint32_t page;
};

struct chunk {
	struct chunk *next;
	_Alignas(16) uint8_t data[];
};

/**
 * struct npu_memory - records
 * @epoch: slots of others are empty
 * @slot: hash table, @slots of them, a power of two, never more than half full
 * @page: @pages in use, room for @room
 * @last: the page accessed last, or NULL
 * @chunks: all of the arena; @chunk is in use up to @used
 * @spent: bytes allocated that count against the budget
 */
struct npu_memory {
	uint32_t epoch;
	struct slot *slot;
	uint32_t slots;
	struct page *page;
	uint32_t pages;
	uint32_t room;
	struct page *last;
	struct chunk *chunks;
	struct chunk *chunk;
	size_t used;
	size_t spent;
};

/* ---- Memory of the records ------------------------------------------------------------------ */

static void *arena_get(struct npu_memory *m, size_t size)
{
	void *p;

	if (!m->chunk || m->used + size > CHUNK) {
		struct chunk *next = m->chunk ? m->chunk->next : m->chunks;

		if (!next) {
			if (m->spent + CHUNK > NPU_MEMORY_BUDGET)
				return NULL;
			next = malloc(sizeof(*next) + CHUNK);
			if (!next)
				return NULL;
			m->spent += CHUNK;
			next->next = NULL;
			if (m->chunk)
				m->chunk->next = next;
			else
				m->chunks = next;
		}
		m->chunk = next;
		m->used = 0;
	}
	p = m->chunk->data + m->used;
	m->used += size;
	return p;
}

static struct slot *find_slot(const struct npu_memory *m, uint64_t number)
{
	uint32_t i = (uint32_t)((number * 0x9e3779b97f4a7c15ull) >> 32) & (m->slots - 1);

	while (m->slot[i].epoch == m->epoch && m->page[m->slot[i].page].number != number)
		i = (i + 1) & (m->slots - 1);
	return &m->slot[i];
}

static bool grow(struct npu_memory *m)
{
	uint32_t room = m->room ? m->room * 2 : 256, i;
	size_t more = (room - m->room) * (sizeof(struct page) + 2 * sizeof(struct slot));
	struct page *page;
	struct slot *slot;

	if (m->spent + more > NPU_MEMORY_BUDGET)
		return false;
	slot = calloc((size_t)room * 2, sizeof(*slot));
	page = slot ? realloc(m->page, room * sizeof(*page)) : NULL;
	if (!page) {
		free(slot);
		return false;
	}
	free(m->slot);
	m->spent += more;
	m->slot = slot;
	m->slots = room * 2;
	m->page = page;
	m->room = room;
	m->last = NULL;
	for (i = 0; i < m->pages; i++)
		*find_slot(m, page[i].number) = (struct slot){ m->epoch, i };
	return true;
}

static struct page *find_page(const struct npu_memory *m, uint64_t number)
{
	struct slot *s = m->slots ? find_slot(m, number) : NULL;

	return s && s->epoch == m->epoch ? &m->page[s->page] : NULL;
}

static struct page *get_page(struct npu_memory *m, uint64_t key, uint64_t va)
{
	uint64_t number = key / PAGE;
	struct page *p = m->last;

	if (p && p->number == number)
		return p;
	p = find_page(m, number);
	if (!p) {
		if (m->pages == m->room && !grow(m))
			return NULL;
		*find_slot(m, number) = (struct slot){ m->epoch, m->pages };
		p = &m->page[m->pages++];
		*p = (struct page){ .number = number, .va = va & ~(uint64_t)(PAGE - 1) };
	}
	m->last = p;
	return p;
}

static bool split_page(struct npu_memory *m, struct page *p)
{
	unsigned int i;

	if (p->line)
		return true;
	p->line = arena_get(m, LINES * sizeof(*p->line));
	if (!p->line)
		return false;
	for (i = 0; i < LINES; i++)
		p->line[i] = (struct line){ p->rec, NULL };
	return true;
}

static bool split_line(struct npu_memory *m, struct line *l)
{
	unsigned int i;

	if (l->byte)
		return true;
	l->byte = arena_get(m, LINE * sizeof(*l->byte));
	if (!l->byte)
		return false;
	for (i = 0; i < LINE; i++)
		l->byte[i] = l->rec;
	return true;
}

/* ---- Accesses ------------------------------------------------------------------------------- */

/* The record of a byte, and up to which offset in the page it certainly holds. */
static const struct npu_memory_rec *look(const struct page *p, unsigned int offset,
					 unsigned int *end)
{
	const struct line *l;

	if (!p->line) {
		*end = PAGE;
		return &p->rec;
	}
	l = &p->line[offset / LINE];
	if (!l->byte) {
		*end = offset / LINE * LINE + LINE;
		return &l->rec;
	}
	*end = offset + 1;
	return &l->byte[offset % LINE];
}

static inline void put(struct npu_memory_rec *r, bool write, uint32_t stamp)
{
	if (write)
		r->write = stamp;
	else
		r->read = stamp;
}

static void record(struct npu_memory *m, struct page *p, unsigned int offset, unsigned int len,
		   bool write, uint32_t stamp)
{
	unsigned int end = offset + len;

	if (len == PAGE && !p->line) {
		put(&p->rec, write, stamp);
		return;
	}
	if (!split_page(m, p))
		return;
	while (offset < end) {
		struct line *l = &p->line[offset / LINE];
		unsigned int first = offset % LINE, n = LINE - first, i;

		if (n > end - offset)
			n = end - offset;
		if (n == LINE && !l->byte) {
			put(&l->rec, write, stamp);
		} else if (split_line(m, l)) {
			for (i = first; i < first + n; i++)
				put(&l->byte[i], write, stamp);
		}
		offset += n;
	}
}

uint32_t npu_memory_access(struct npu_memory *m, uint64_t key, uint64_t va, uint64_t len,
			   bool write, uint32_t stamp, uint32_t known, uint64_t *at,
			   uint64_t *bytes)
{
	unsigned int start = key % PAGE, end = start + (unsigned int)len, offset, next;
	struct page *p = get_page(m, key, va);
	uint32_t found = 0;

	if (!p)
		return 0;
	/* Stores against loads only: an engine's own commands are in order. */
	for (offset = start; offset < end; offset = next) {
		const struct npu_memory_rec *r = look(p, offset, &next);
		uint32_t other = write ? r->read : r->write;

		if (found && other != found)
			break;
		if (!found && other > known) {
			found = other;
			*at = offset - start;
		}
	}
	if (found) {
		*bytes = (offset < end ? offset : end) - start - *at;
		return found;
	}
	p->written |= write;
	record(m, p, start, end - start, write, stamp);
	return 0;
}

/* ---- Cores against each other --------------------------------------------------------------- */

/* Is (second, first, va) before what was found? A clash starts with no second. */
static bool before(const struct npu_memory_clash *c, uint32_t first, uint32_t second, uint64_t va)
{
	if (!c->second || second != c->second)
		return !c->second || second < c->second;
	if (first != c->first)
		return first < c->first;
	return va < c->va;
}

static void consider(struct npu_memory_clash *c, uint32_t first, bool first_writes, uint32_t second,
		     bool second_writes, uint64_t va, unsigned int bytes)
{
	if (!first || !second)
		return;
	/* Goes on where the same two left off. */
	if (first == c->first && second == c->second && first_writes == c->first_writes &&
	    second_writes == c->second_writes && va == c->va + c->bytes && va % PAGE) {
		c->bytes += bytes;
		return;
	}
	if (before(c, first, second, va))
		*c = (struct npu_memory_clash){ first,	       second, first_writes,
						second_writes, va,     bytes };
}

static void compare_pages(const struct page *a, const struct page *b, struct npu_memory_clash *c)
{
	unsigned int offset, end, end_a, end_b;

	for (offset = 0; offset < PAGE; offset = end) {
		const struct npu_memory_rec *ra = look(a, offset, &end_a),
					    *rb = look(b, offset, &end_b);

		end = end_a < end_b ? end_a : end_b;
		consider(c, ra->write, true, rb->read, false, b->va + offset, end - offset);
		consider(c, ra->write, true, rb->write, true, b->va + offset, end - offset);
		consider(c, ra->read, false, rb->write, true, b->va + offset, end - offset);
	}
}

bool npu_memory_compare(const struct npu_memory *first, const struct npu_memory *second,
			struct npu_memory_clash *clash)
{
	uint32_t i;

	memset(clash, 0, sizeof(*clash));
	for (i = 0; i < second->pages; i++) {
		const struct page *b = &second->page[i], *a = find_page(first, b->number);

		if (a && (a->written || b->written))
			compare_pages(a, b, clash);
	}
	return clash->second;
}

/* ---- Saved state ---------------------------------------------------------------------------- */

static void wire_rec(struct npu_wire *w, struct npu_memory_rec *r)
{
	npu_wire_u32(w, &r->read);
	npu_wire_u32(w, &r->write);
}

static bool same_rec(const struct npu_memory_rec *a, const struct npu_memory_rec *b)
{
	return a->read == b->read && a->write == b->write;
}

/* A line's bytes, as runs of equal ones: how many, then their record. */
static void wire_bytes(struct npu_wire *w, struct npu_memory_rec byte[LINE])
{
	unsigned int i, j;

	for (i = 0; i < LINE && !w->error; i = j) {
		struct npu_memory_rec rec = byte[i];
		uint8_t n;

		for (j = i + 1; j < LINE && same_rec(&byte[j], &rec); j++)
			;
		n = (uint8_t)(j - i);
		npu_wire_u8(w, &n);
		wire_rec(w, &rec);
		if (!npu_wire_check(w, n && n <= LINE - i, "a line of too many bytes"))
			return;
		for (j = i; j < i + n; j++)
			byte[j] = rec;
	}
}

static void wire_line(struct npu_memory *m, struct npu_wire *w, struct line *l)
{
	struct npu_memory_rec scrap[LINE] = { 0 };
	bool split = l->byte;

	npu_wire_bool(w, &split);
	if (!split) {
		wire_rec(w, &l->rec);
		return;
	}
	if (w->loading && !split_line(m, l))
		wire_bytes(w, scrap);
	else
		wire_bytes(w, l->byte);
}

static void wire_page(struct npu_memory *m, struct npu_wire *w, struct page *p)
{
	struct line scrap = { 0 };
	bool split = p->line;

	npu_wire_bool(w, &p->written);
	npu_wire_bool(w, &split);
	if (!split) {
		wire_rec(w, &p->rec);
		return;
	}
	if (w->loading)
		split_page(m, p);
	for (unsigned int i = 0; i < LINES && !w->error; i++)
		wire_line(m, w, p->line ? &p->line[i] : &scrap);
}

void npu_memory_wire(struct npu_memory *m, struct npu_wire *w)
{
	uint32_t pages = m->pages;

	if (w->loading)
		npu_memory_clear(m);
	npu_wire_u32(w, &pages);
	for (uint32_t i = 0; i < pages && !w->error; i++) {
		struct page scrap = { 0 };
		struct page *p = w->loading ? &scrap : &m->page[i];

		npu_wire_u64(w, &p->number);
		npu_wire_u64(w, &p->va);
		if (w->loading && !w->error) {
			if (!npu_wire_check(w, p->number <= UINT64_MAX / PAGE &&
					    !find_page(m, p->number), "a page twice, or nowhere"))
				break;
			p = get_page(m, p->number * PAGE, p->va);
			if (!p)
				p = &scrap;
		}
		wire_page(m, w, p);
	}
	if (w->loading && w->error)
		npu_memory_clear(m);
}

/* ---- Life ----------------------------------------------------------------------------------- */

void npu_memory_clear(struct npu_memory *m)
{
	m->pages = 0;
	m->last = NULL;
	m->chunk = NULL;
	m->used = 0;
	if (++m->epoch == 0) {
		/* Slots of 2^32 epochs ago would look like ours. */
		if (m->slots)
			memset(m->slot, 0, m->slots * sizeof(*m->slot));
		m->epoch = 1;
	}
}

struct npu_memory *npu_memory_new(void)
{
	struct npu_memory *m = calloc(1, sizeof(*m));

	if (m)
		m->epoch = 1;
	return m;
}

void npu_memory_free(struct npu_memory *m)
{
	if (!m)
		return;
	while (m->chunks) {
		struct chunk *next = m->chunks->next;

		free(m->chunks);
		m->chunks = next;
	}
	free(m->slot);
	free(m->page);
	free(m);
}
