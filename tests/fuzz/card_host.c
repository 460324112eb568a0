// SPDX-License-Identifier: MIT
/*
 * Copyright (c) 2026 the npu authors
 *
 * See card_host.h.
 */
#include "card_host.h"

#include <errno.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <time.h>

#include <sanitizer/asan_interface.h>

#include "core.h"

#define EXPECT(what)                                     \
	do {                                             \
		if (!(what))                             \
			card_host_fail(#what, __LINE__); \
	} while (0)

void card_host_fail(const char *what, int where)
{
	fprintf(stderr, "fuzz: %s: %#x\n", what, (unsigned int)where);
	abort();
}

/* ---- Calls of the card ----------------------------------------------------------------------- */

/* How many of @len bytes at @bus answer, from the first one on; h->lock held. */
static uint64_t there(const struct card_host *h, uint64_t bus, uint64_t len)
{
	uint64_t at = bus - GUEST_BUS, from = GUEST_PAGE(h->refuse_from),
		 to = GUEST_PAGE(h->refuse_to);

	if (bus < GUEST_BUS || at >= GUEST_SIZE || (at >= from && at < to))
		return 0;
	if (len > GUEST_SIZE - at)
		len = GUEST_SIZE - at;
	if (at < from && from < to && len > from - at)
		len = from - at;
	return len;
}

/* An entry that names a page for writing; which size it has is not known. */
static void note_entry(struct card_host *h, uint64_t entry)
{
	if (!(entry & NPU_PTE_VALID) || !(entry & NPU_PTE_WRITE) || (entry & NPU_PTE_LOCAL))
		return;
	if (h->pages < HOST_PAGES)
		h->page[h->pages] = entry;
	h->pages++;
}

static bool may_write(const struct card_host *h, uint64_t bus, uint64_t len)
{
	/* What is read through a mapping is not seen. */
	if (h->memory == GUEST_STABLE || h->pages > HOST_PAGES)
		return true;
	for (unsigned int i = 0; i < h->pages; i++) {
		uint64_t size = h->page[i] & NPU_PTE_LARGE ? NPU_LARGE_PAGE_SIZE : NPU_PAGE_SIZE;
		uint64_t off = bus - (h->page[i] & NPU_PTE_ADDR);

		if (off < size && len <= size - off)
			return true;
	}
	return false;
}

/* Before a copy's first byte. */
struct shadow {
	uint64_t bus;
	uint64_t len;
	uint8_t redzone[48];
};

static void *shadow_new(struct card_host *h, uint64_t bus, uint64_t len)
{
	struct shadow *s = malloc(sizeof(*s) + len);

	s->bus = bus;
	s->len = len;
	memcpy(s + 1, h->arena + (bus - GUEST_BUS), len);
	ASAN_POISON_MEMORY_REGION(s, sizeof(*s));
	return s + 1;
}

static void *call_map(void *opaque, uint64_t bus, uint64_t *len, bool write)
{
	struct card_host *h = opaque;
	uint64_t have;
	void *ptr = NULL;

	pthread_mutex_lock(&h->lock);
	EXPECT(!h->silent);
	EXPECT(!h->untranslated);
	EXPECT(*len);
	have = there(h, bus, *len);
	if (have && h->memory != GUEST_COPY) {
		*len = have;
		if (h->memory == GUEST_TRANSIENT) {
			EXPECT(!write || may_write(h, bus, have));
			ptr = shadow_new(h, bus, have);
		} else {
			ptr = h->arena + (bus - GUEST_BUS);
		}
		h->maps++;
	}
	pthread_mutex_unlock(&h->lock);
	return ptr;
}

static void call_unmap(void *opaque, void *ptr, uint64_t len, bool write, uint64_t dirty)
{
	struct card_host *h = opaque;

	pthread_mutex_lock(&h->lock);
	EXPECT(h->maps);
	EXPECT(dirty <= len && (write || !dirty));
	h->maps--;
	if (h->memory == GUEST_TRANSIENT) {
		struct shadow *s = (struct shadow *)ptr - 1;

		ASAN_UNPOISON_MEMORY_REGION(s, sizeof(*s));
		EXPECT(s->len == len);
		memcpy(h->arena + (s->bus - GUEST_BUS), ptr, dirty);
		free(s);
	} else {
		EXPECT((uint8_t *)ptr >= h->arena && len <= GUEST_SIZE &&
		       (uint8_t *)ptr + len <= h->arena + GUEST_SIZE);
	}
	pthread_mutex_unlock(&h->lock);
}

/* Descriptors tell where error records may go. */
static void note_descriptors(struct card_host *h, const uint8_t *buf, uint64_t len)
{
	for (uint64_t at = 0; at + sizeof(struct npu_desc) <= len; at += sizeof(struct npu_desc)) {
		struct npu_desc d;

		memcpy(&d, buf + at, sizeof(d));
		if (h->tables < HOST_TABLES)
			h->table[h->tables] = d.table;
		h->tables++;
		h->gang = h->gang || d.ncores > 1;
	}
}

/* What is read where nothing is translated: tails, descriptors, side tables. */
static bool is_structure(uint64_t len)
{
	uint64_t regions = sizeof(((struct npu_side_table *)0)->region);

	return len == 4 || len % sizeof(struct npu_desc) == 0 ||
	       (len > regions && (len - regions) % sizeof(struct npu_stream_ref) == 0);
}

static int call_read(void *opaque, uint64_t bus, void *buf, uint64_t len)
{
	struct card_host *h = opaque;
	bool ok;

	pthread_mutex_lock(&h->lock);
	EXPECT(!h->silent);
	EXPECT(!h->untranslated || is_structure(len));
	EXPECT(len && len <= 4096);
	ok = there(h, bus, len) == len;
	if (ok) {
		memcpy(buf, h->arena + (bus - GUEST_BUS), len);
		if (len == 8)
			note_entry(h, *(uint64_t *)buf);
		if (len % sizeof(struct npu_desc) == 0)
			note_descriptors(h, buf, len);
	}
	pthread_mutex_unlock(&h->lock);
	return ok ? 0 : -EIO;
}

uint32_t card_host_reg(struct card_host *h, uint64_t offset)
{
	return npu_card_read(h->card, offset, 4);
}

/*
 * The ring whose next completion, or the part of it with the phase, goes to @bus; or -1. Not with
 * h->lock.
 */
static int ring_at(struct card_host *h, uint64_t bus, const void *buf, uint64_t len)
{
	uint64_t part = len == 8 ? offsetof(struct npu_completion, cmd) : 0;

	for (unsigned int r = 0; r < h->cfg.rings; r++) {
		uint64_t base = NPU_RING(r);
		uint32_t count = card_host_reg(h, base + NPU_RING_CPL_COUNT);
		uint32_t log2 = card_host_reg(h, base + NPU_RING_SIZE_LOG2);
		uint64_t cpl = card_host_reg(h, base + NPU_RING_CPL_LO) |
			       (uint64_t)card_host_reg(h, base + NPU_RING_CPL_HI) << 32;
		uint64_t slot = count & ((1u << log2) - 1);

		if (bus != cpl + slot * sizeof(struct npu_completion) + part)
			continue;
		if (len == 8 && (((const uint8_t *)buf)[7] & NPU_CPL_PHASE) != !(count >> log2 & 1))
			continue;
		return (int)r;
	}
	return -1;
}

static bool is_record(const struct card_host *h, uint64_t bus, uint64_t len)
{
	if (len != sizeof(struct npu_error))
		return false;
	if (h->tables > HOST_TABLES)
		return true;
	for (unsigned int i = 0; i < h->tables; i++)
		if (h->table[i] == bus)
			return true;
	return false;
}

static int call_write(void *opaque, uint64_t bus, const void *buf, uint64_t len)
{
	struct card_host *h = opaque;
	int ring = -1;
	bool ok;

	if (len == 8 || len == offsetof(struct npu_completion, cmd))
		ring = ring_at(h, bus, buf, len);
	pthread_mutex_lock(&h->lock);
	EXPECT(!h->silent);
	EXPECT(len && len <= 4096);
	ok = there(h, bus, len) == len;
	if (ring < 0 && !is_record(h, bus, len)) {
		EXPECT(!h->untranslated);
		/* Only what cannot be mapped is copied. */
		EXPECT(h->memory == GUEST_COPY || !ok);
		EXPECT(!ok || may_write(h, bus, len));
	}
	if (ok)
		memcpy(h->arena + (bus - GUEST_BUS), buf, len);
	if (ok && ring >= 0 && len == 8) {
		if (h->ends < HOST_ENDS) {
			h->end[h->ends].ring = (unsigned int)ring;
			memcpy(&h->end[h->ends].cpl, h->arena + (bus - GUEST_BUS) - 24,
			       sizeof(h->end[0].cpl));
		}
		h->ends++;
	}
	pthread_mutex_unlock(&h->lock);
	return ok ? 0 : -EIO;
}

static void call_interrupt(void *opaque, unsigned int vector)
{
	struct card_host *h = opaque;

	pthread_mutex_lock(&h->lock);
	EXPECT(!h->silent);
	EXPECT(vector <= h->cfg.rings);
	h->interrupts++;
	pthread_mutex_unlock(&h->lock);
}

static void call_lmem_written(void *opaque, uint64_t offset, uint64_t len)
{
	struct card_host *h = opaque;

	EXPECT(len && offset < GUEST_LMEM && len <= GUEST_LMEM - offset);
	for (uint64_t page = offset / 4096; page <= (offset + len - 1) / 4096; page++)
		__atomic_fetch_or(&h->lmem_dirty[page / 64], 1ull << page % 64, __ATOMIC_RELAXED);
}

static void call_log(void *opaque, enum npu_card_log level, const char *text)
{
	struct card_host *h = opaque;

	EXPECT(strlen(text) < 256);
	if (level == NPU_LOG_GUEST_ERROR)
		__atomic_fetch_add(&h->guest_errors, 1, __ATOMIC_RELAXED);
}

/* ---- Life ------------------------------------------------------------------------------------ */

static void power_on(struct card_host *h)
{
	struct npu_card_host calls = {
		.map = call_map,
		.unmap = call_unmap,
		.read = call_read,
		.write = call_write,
		.interrupt = call_interrupt,
		.lmem_written = call_lmem_written,
		.log = call_log,
		.stable_map = h->memory == GUEST_STABLE,
	};
	char err[256];

	h->card = npu_card_new(&h->cfg, &calls, h, h->lmem, err, sizeof(err));
	EXPECT(h->card);
}

static void power_off(struct card_host *h)
{
	npu_card_free(h->card);
	EXPECT(!h->maps);
}

void card_host_renew(struct card_host *h)
{
	power_off(h);
	power_on(h);
}

/* Zeros between pages that nobody may touch. */
static uint8_t *guarded(size_t size)
{
	uint8_t *p = mmap(NULL, size + 8192, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	EXPECT(p != MAP_FAILED && !mprotect(p + 4096, size, PROT_READ | PROT_WRITE));
	return p + 4096;
}

struct card_host *card_host_new(const struct npu_card_config *cfg, enum guest_memory memory)
{
	struct card_host *h = calloc(1, sizeof(*h));

	EXPECT(h);
	h->cfg = *cfg;
	h->memory = memory;
	h->arena = guarded(GUEST_SIZE);
	h->kept = guarded(GUEST_SIZE);
	h->lmem = guarded(GUEST_LMEM);
	pthread_mutex_init(&h->lock, NULL);
	power_on(h);
	return h;
}

void card_host_clear(struct card_host *h)
{
	static uint8_t *fresh;

	if (!fresh) {
		fresh = malloc(GUEST_SIZE);
		guest_arena(fresh);
	}
	memcpy(h->arena, fresh, GUEST_SIZE);
	for (unsigned int w = 0; w < sizeof(h->lmem_dirty) / sizeof(h->lmem_dirty[0]); w++) {
		for (; h->lmem_dirty[w]; h->lmem_dirty[w] &= h->lmem_dirty[w] - 1)
			memset(h->lmem +
				       (w * 64u + (unsigned int)__builtin_ctzll(h->lmem_dirty[w])) *
					       4096,
			       0, 4096);
	}
	h->silent = false;
	h->untranslated = false;
	h->refuse_from = h->refuse_to = 0;
	h->tables = 0;
	h->pages = 0;
	h->ends = 0;
	h->gang = false;
	h->interrupts = 0;
	h->guest_errors = 0;
}

/* ---- The guest's memory ---------------------------------------------------------------------- */

void card_host_write(struct card_host *h, uint64_t at, const void *data, size_t size)
{
	if (at >= GUEST_SIZE)
		return;
	if (size > GUEST_SIZE - at)
		size = GUEST_SIZE - at;
	pthread_mutex_lock(&h->lock);
	memcpy(h->arena + at, data, size);
	memcpy(h->kept + at, data, size);
	pthread_mutex_unlock(&h->lock);
}

void card_host_read(struct card_host *h, uint64_t at, void *data, size_t size)
{
	memset(data, 0, size);
	if (at >= GUEST_SIZE)
		return;
	if (size > GUEST_SIZE - at)
		size = GUEST_SIZE - at;
	pthread_mutex_lock(&h->lock);
	memcpy(data, h->arena + at, size);
	pthread_mutex_unlock(&h->lock);
}

void card_host_silence(struct card_host *h)
{
	pthread_mutex_lock(&h->lock);
	EXPECT(!h->maps);
	if (!h->silent)
		memcpy(h->kept, h->arena, GUEST_SIZE);
	h->silent = true;
	pthread_mutex_unlock(&h->lock);
}

void card_host_listen(struct card_host *h)
{
	pthread_mutex_lock(&h->lock);
	EXPECT(!h->maps);
	EXPECT(!h->silent || !memcmp(h->kept, h->arena, GUEST_SIZE));
	h->silent = false;
	pthread_mutex_unlock(&h->lock);
}

/* ---- Settled --------------------------------------------------------------------------------- */

/* All members stand still, one of them in a HANG: only the guest can end that. */
static bool hangs(struct npu_job *job)
{
	bool ret;

	pthread_mutex_lock(&job->lock);
	ret = !job->halted && job->hanging &&
	      job->arrived + job->ended + job->hanging >= job->desc.ncores;
	pthread_mutex_unlock(&job->lock);
	return ret;
}

static bool is_settled(struct npu_card *card)
{
	bool settled;

	pthread_mutex_lock(&card->lock);
	settled = !card->moving && !card->reset_asked && (card->paused || !card->kicked);
	for (unsigned int i = 0; settled && !card->paused && i < card->cfg.cores; i++) {
		struct npu_core *core = card->core[i];

		settled = !core->go && !core->answers && (!core->job || hangs(core->job));
	}
	pthread_mutex_unlock(&card->lock);
	return settled;
}

static uint64_t process_ms(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &ts);
	return (uint64_t)ts.tv_sec * 1000 + (uint64_t)ts.tv_nsec / 1000000;
}

bool card_host_settle(struct card_host *h, unsigned int ms)
{
	uint64_t end = 0;

	for (unsigned int i = 1; !is_settled(h->card); i++) {
		if (i % 64 == 0) {
			uint64_t now = process_ms();

			end = end ? end : now + ms;
			if (now >= end)
				return false;
		}
		sched_yield();
	}
	return true;
}

bool card_host_hung(struct card_host *h)
{
	struct npu_card *card = h->card;
	bool hung = false;

	pthread_mutex_lock(&card->lock);
	for (unsigned int r = 0; r < card->cfg.rings; r++)
		hung = hung || card->ring[r].running;
	pthread_mutex_unlock(&card->lock);
	return hung;
}

void card_host_check(struct card_host *h)
{
	struct npu_card *card = h->card;
	bool hung = card_host_hung(h);

	pthread_mutex_lock(&card->lock);
	if (!card->paused) {
		EXPECT(!card->tlb.cmd);
		for (unsigned int i = 0; i < card->cfg.cores; i++)
			EXPECT(!card->core[i]->reset && (hung || !card->core[i]->job));
		for (unsigned int r = 0; r < card->cfg.rings; r++) {
			struct npu_ring *ring = &card->ring[r];

			EXPECT(!ring->reset && !ring->cmd && !ring->reading);
			EXPECT(ring->running || ring->error || ring->head == ring->cpl_count);
			EXPECT(!ring->running || ring->head == ring->cpl_count + 1);
			if (hung || !npu_card_ready(card) || !ring->enabled || ring->error ||
			    !npu_bus_is_open(&card->bus))
				continue;
			EXPECT(!ring->doorbell && !ring->next && ring->head == ring->tail);
		}
	}
	pthread_mutex_unlock(&card->lock);
}
