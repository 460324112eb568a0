// SPDX-License-Identifier: MIT
/*
 * Copyright (c) 2026 the npu authors
 *
 * The state of a card at rest, both ways (wire.h); see snapshot.h. Registers, rings and jobs are here;
 * what a core is made of describes itself: npu_core_wire() and what that calls.
 *
 * Not in the state, because it is found again: what is cached (translations, mappings, code read
 * ahead), what only movement changes (who reads a ring, who is at a barrier: a member that stands there
 * arrives once more), and numbers that only have to differ (epochs, generations).
 *
 * Nobody else is at the card meanwhile, so npu_card.lock is not held across the host's reads and
 * writes: a card at rest changes by registers and resets alone, and these are the caller's. Threads that
 * wait look at flags which are set last, under the lock.
 */
#include "snapshot.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "core.h"
#include "wire.h"

#define MAGIC	0x5355504e /* "NPUS" */
#define VERSION 1
#define END	0x444e4553 /* "SEND" */

/**
 * struct snapshot - on its way
 * @card: whose
 * @w: to where
 * @taken: cores that have a job already, a bit each
 * @text: what @w->why points to where a constant does not do
 */
struct snapshot {
	struct npu_card *card;
	struct npu_wire w;
	uint32_t taken;
	char text[128];
};

static uint64_t ring_bits(const struct npu_card *card)
{
	return ~UINT64_C(0) >> (64 - card->cfg.rings);
}

void npu_wire_ago(struct npu_wire *w, uint64_t *when)
{
	uint64_t now = npu_now(), ago = now - *when;

	npu_wire_u64(w, &ago);
	*when = now - ago;
}

/* ---- What kind of card ----------------------------------------------------------------------- */

static void wire_option(struct snapshot *s, const struct npu_card_option *o)
{
	uint64_t own = npu_card_option_get(&s->card->cfg, o), value = own;
	uint8_t len = strlen(o->name);
	struct npu_wire *w = &s->w;
	char name[256];

	memcpy(name, o->name, len);
	npu_wire_u8(w, &len);
	npu_wire_bytes(w, name, len);
	npu_wire_u64(w, &value);
	if (!npu_wire_check(w, len == strlen(o->name) && !memcmp(name, o->name, len),
			    "the state is of a card with other options"))
		return;
	snprintf(s->text, sizeof(s->text), "the state is of a card with %s=%llu, this one has %llu",
		 o->name, (unsigned long long)value, (unsigned long long)own);
	npu_wire_check(w, value == own, s->text);
}

static void wire_kind(struct snapshot *s)
{
	uint32_t magic = MAGIC, version = VERSION, isa = NPU_ISA_MAJOR << 16 | NPU_ISA_MINOR;
	uint32_t options = npu_card_option_count;
	struct npu_wire *w = &s->w;

	npu_wire_u32(w, &magic);
	npu_wire_check(w, magic == MAGIC, "this is no card's state");
	npu_wire_u32(w, &version);
	npu_wire_u32(w, &isa);
	npu_wire_u32(w, &options);
	npu_wire_check(w,
		       version == VERSION && isa == (NPU_ISA_MAJOR << 16 | NPU_ISA_MINOR) &&
			       options == npu_card_option_count,
		       "the state is of another version of the card");
	for (size_t i = 0; i < npu_card_option_count && !w->error; i++)
		wire_option(s, &npu_card_options[i]);
}

/* ---- Registers ------------------------------------------------------------------------------- */

static void wire_mmu(struct npu_wire *w, struct npu_mmu *mmu)
{
	uint64_t base = atomic_load(&mmu->ctx_base);
	uint32_t count = atomic_load(&mmu->ctx_count);

	npu_wire_u64(w, &base);
	npu_wire_u32(w, &count);
	npu_wire_check(w, base % NPU_PAGE_SIZE == 0 && count <= NPU_MAX_CTX,
		       "the context table is nowhere");
	if (!w->loading || w->error)
		return;
	atomic_store(&mmu->ctx_base, base);
	atomic_store(&mmu->ctx_count, count);
}

static void wire_registers(struct snapshot *s)
{
	struct npu_card *card = s->card;
	struct npu_tlb_request *tlb = &card->tlb;
	struct npu_wire *w = &s->w;

	npu_wire_bool(w, &card->enabled);
	npu_wire_u32(w, &card->resets);
	npu_wire_u32(w, &card->event_status);
	npu_wire_u32(w, &card->event_enable);
	npu_wire_bool(w, &card->irq_event);
	npu_wire_u64(w, &card->irq);
	npu_wire_u64(w, &card->pending);
	npu_wire_check(w, !((card->event_status | card->event_enable) & ~NPU_EVENT_ALL),
		       "there are no such events");
	npu_wire_check(w, !((card->irq | card->pending) & ~ring_bits(card)),
		       "there is no such ring");
	wire_mmu(w, &card->mmu);
	npu_wire_u32(w, &tlb->ctx);
	npu_wire_u64(w, &tlb->first);
	npu_wire_u64(w, &tlb->last);
	npu_wire_u32(w, &tlb->cmd);
	npu_wire_u32(w, &tlb->done);
	npu_wire_check(w, tlb->ctx <= 0xffff && tlb->cmd <= NPU_TLB_ALL, "no such invalidation");
	npu_wire_u64(w, &card->latch_offset);
	npu_wire_u32(w, &card->latch);
	for (unsigned int p = 0; p < NPU_PRIORITIES; p++) {
		uint32_t last = card->last[p];

		npu_wire_u32(w, &last);
		npu_wire_check(w, last < card->cfg.rings, "there is no such ring");
		card->last[p] = w->error ? 0 : last;
	}
	npu_telemetry_wire(card, w);
	for (unsigned int i = 0; i < card->cfg.cores; i++) {
		struct npu_core *core = card->core[i];

		npu_wire_bool(w, &core->reset);
		for (unsigned int e = 0; e < NPU_ENGINES; e++) {
			for (unsigned int n = 0; n < NPU_CTRS; n++)
				npu_wire_u64(w, &core->counter[e][n]);
		}
	}
}

/* ---- Jobs ------------------------------------------------------------------------------------ */

/* Not the type that uint64_t is, but as large. */
static void wire_le64(struct npu_wire *w, __le64 *v)
{
	uint64_t value = *v;

	npu_wire_u64(w, &value);
	*v = value;
}

static void wire_error(struct npu_wire *w, struct npu_error *err)
{
	npu_wire_u8(w, &err->status);
	npu_wire_u8(w, &err->reason);
	npu_wire_u8(w, &err->core);
	npu_wire_u8(w, &err->engine);
	npu_wire_u8(w, &err->access);
	npu_wire_u8(w, &err->space);
	npu_wire_u8(w, &err->other_core);
	npu_wire_u8(w, &err->other_engine);
	npu_wire_u32(w, &err->cmd);
	npu_wire_u32(w, &err->other_cmd);
	npu_wire_u32(w, &err->tag);
	npu_wire_u32(w, &err->other_tag);
	wire_le64(w, &err->addr);
	wire_le64(w, &err->len);
}

/* Of a job that has been read. One that is wrong never starts, so its descriptor may be anything. */
static void wire_descriptor(struct snapshot *s, struct npu_job *job)
{
	struct npu_desc *d = &job->desc;
	struct npu_wire *w = &s->w;
	uint64_t cycles = atomic_load(&job->cycles);

	wire_le64(w, &d->job_id);
	wire_le64(w, &d->table);
	npu_wire_u16(w, &d->ctx);
	npu_wire_u8(w, &d->ncores);
	npu_wire_u32(w, &d->flags);
	wire_error(w, &job->error);
	npu_wire_u64(w, &cycles);
	atomic_store(&job->cycles, cycles);
	for (unsigned int i = 0; i < NPU_MAX_REGIONS; i++)
		npu_wire_u64(w, &job->region[i]);
	for (unsigned int i = 0; i < d->ncores && i < s->card->cfg.cores; i++) {
		wire_le64(w, &job->stream[i].addr);
		wire_le64(w, &job->stream[i].size);
	}
}

static bool is_good(const struct snapshot *s, const struct npu_job *job)
{
	return npu_ring_desc_ok(s->card, &job->desc) && npu_ring_streams_ok(job);
}

static bool is_completing(const struct npu_job *job)
{
	for (unsigned int i = 0; i < job->desc.ncores; i++) {
		if (job->core[i]->place == NPU_PLACE_COMPLETION)
			return true;
	}
	return false;
}

/* The core that is member @i. */
static void wire_core(struct snapshot *s, struct npu_job *job, unsigned int i)
{
	struct npu_wire *w = &s->w;
	uint8_t index = w->loading ? 0 : job->core[i]->index;

	npu_wire_u8(w, &index);
	if (!w->loading)
		return;
	if (!npu_wire_check(w, index < s->card->cfg.cores && !(s->taken >> index & 1),
			    "a job has no such core"))
		return;
	s->taken |= 1u << index;
	job->core[i] = s->card->core[index];
	job->core[i]->job = job;
	job->core[i]->member = i;
}

/* Where each member is. All that a job needs to be completed is in itself. */
static void wire_members(struct snapshot *s, struct npu_job *job)
{
	bool completing = !s->w.loading && is_completing(job);
	struct npu_wire *w = &s->w;
	unsigned int n = job->desc.ncores;

	npu_wire_bool(w, &completing);
	npu_wire_check(w, completing || !job->stopped, "a job was stopped and does not end");
	for (unsigned int i = 0; i < n && !w->error; i++)
		wire_core(s, job, i);
	for (unsigned int i = 0; i < n && !w->error; i++) {
		struct npu_core *core = job->core[i];

		if (!completing)
			npu_core_wire(core, w);
		else if (w->loading)
			core->place = i ? NPU_PLACE_END : NPU_PLACE_COMPLETION;
		if (!w->loading || w->error)
			continue;
		npu_wire_check(w, completing || core->place != NPU_PLACE_COMPLETION,
			       "a member completes a job that runs");
		job->members += core->place < NPU_PLACE_END;
		job->ended += core->place == NPU_PLACE_END;
	}
	npu_wire_check(w, completing || job->members, "a job runs and has no member");
}

static void wire_running(struct snapshot *s, struct npu_job *job)
{
	uint32_t first_failed = job->first_failed;
	uint64_t arrival = job->arrival;
	bool halted = job->halted;
	struct npu_wire *w = &s->w;

	npu_wire_bool(w, &job->hang);
	npu_wire_bool(w, &job->stopped);
	npu_wire_ago(w, &job->started);
	npu_wire_u64(w, &job->energy_nj);
	npu_wire_u64(w, &arrival);
	npu_wire_u32(w, &first_failed);
	npu_wire_bool(w, &halted);
	if (!npu_wire_check(w, is_good(s, job) && first_failed <= job->desc.ncores,
			    "a job runs that must not"))
		return;
	if (w->loading) {
		job->discard = false;
		job->members = 0;
		job->arrived = 0;
		job->ended = 0;
		job->barriers = 0;
		job->hanging = 0;
		job->arrival = arrival;
		job->first_failed = first_failed;
		job->halted = halted;
	}
	wire_members(s, job);
}

/* ---- Rings ----------------------------------------------------------------------------------- */

static void wire_canceled(struct npu_wire *w, struct npu_ring *ring)
{
	size_t words = sizeof(ring->cancel) / sizeof(ring->cancel[0]);
	bool any = false;

	for (size_t i = 0; i < words; i++)
		any |= ring->cancel[i];
	npu_wire_bool(w, &any);
	for (size_t i = 0; any && i < words; i++)
		npu_wire_u64(w, &ring->cancel[i]);
}

static void wire_configuration(struct npu_wire *w, struct npu_ring *ring)
{
	npu_wire_u64(w, &ring->desc);
	npu_wire_u64(w, &ring->cpl);
	npu_wire_u64(w, &ring->tail_addr);
	npu_wire_u32(w, &ring->size_log2);
	npu_wire_u32(w, &ring->priority);
	npu_wire_u32(w, &ring->irq);
	npu_wire_check(w,
		       ring->desc % 64 == 0 && ring->cpl % 64 == 0 && ring->tail_addr % 4 == 0 &&
			       ring->size_log2 >= NPU_MIN_RING_LOG2 &&
			       ring->size_log2 <= NPU_MAX_RING_LOG2 &&
			       ring->priority < NPU_PRIORITIES,
		       "a ring is of no size, or nowhere");
}

static void wire_operation(struct npu_wire *w, struct npu_ring *ring)
{
	uint32_t progress = atomic_load(&ring->progress);
	uint64_t now = npu_now();
	/* How long until then, + 1; 0: never. */
	uint64_t left = !ring->irq_deadline	 ? 0 :
			ring->irq_deadline > now ? ring->irq_deadline - now + 1 :
						   1;

	npu_wire_bool(w, &ring->enabled);
	npu_wire_bool(w, &ring->error);
	npu_wire_u32(w, &ring->head);
	npu_wire_u32(w, &ring->tail);
	npu_wire_u32(w, &ring->cpl_count);
	npu_wire_bool(w, &ring->doorbell);
	npu_wire_bool(w, &ring->reset);
	npu_wire_u32(w, &ring->cmd);
	npu_wire_u64(w, &ring->cmd_job);
	npu_wire_u32(w, &ring->cmd_result);
	npu_wire_bool(w, &ring->aborting);
	npu_wire_u32(w, &progress);
	npu_wire_u32(w, &ring->irq_count);
	npu_wire_u64(w, &left);
	npu_wire_check(w,
		       ring->cmd <= NPU_RING_CMD_CANCEL && ring->cmd_result <= NPU_RING_CMD_NONE &&
			       left <= UINT16_MAX * UINT64_C(1000) + 1,
		       "a ring is in no such state");
	wire_canceled(w, ring);
	if (!w->loading)
		return;
	atomic_store(&ring->progress, progress);
	ring->irq_deadline = left ? now + left - 1 : 0;
}

static void wire_ring(struct snapshot *s, struct npu_ring *ring)
{
	bool has_next = ring->next, running = ring->running;
	struct npu_wire *w = &s->w;
	struct npu_job *job = &ring->job;

	wire_configuration(w, ring);
	wire_operation(w, ring);
	npu_wire_bool(w, &has_next);
	npu_wire_bool(w, &running);
	npu_wire_check(w, !has_next || !running, "a ring has two jobs at once");
	if (!has_next && !running)
		return;
	if (w->loading) {
		memset(&job->desc, 0, sizeof(job->desc));
		memset(&job->error, 0, sizeof(job->error));
		memset(job->core, 0, sizeof(job->core));
	}
	wire_descriptor(s, job);
	if (running)
		wire_running(s, job);
	else
		npu_wire_check(w, job->error.status || is_good(s, job), "a job is no good");
	npu_wire_check(w, !ring->aborting || (running && job->stopped),
		       "a job is being aborted and goes on");
	if (!w->loading || w->error)
		return;
	ring->next = has_next ? job : NULL;
	ring->running = running ? job : NULL;
}

/* ---- All of it ------------------------------------------------------------------------------- */

static void wire_card(struct snapshot *s)
{
	struct npu_wire *w = &s->w;
	uint32_t end = END;

	wire_kind(s);
	if (w->error)
		return;
	wire_registers(s);
	for (unsigned int r = 0; r < s->card->cfg.rings && !w->error; r++)
		wire_ring(s, &s->card->ring[r]);
	npu_wire_u32(w, &end);
	npu_wire_check(w, end == END, "the state does not end where it should");
}

/* No job, and registers as after power-on. */
static void clear(struct npu_card *card)
{
	for (unsigned int r = 0; r < card->cfg.rings; r++)
		card->ring[r].running = NULL;
	for (unsigned int i = 0; i < card->cfg.cores; i++)
		card->core[i]->job = NULL;
	npu_card_power_on(card);
}

/* Threads take up what they find. */
static void begin(struct npu_card *card)
{
	for (unsigned int i = 0; i < card->cfg.cores; i++) {
		struct npu_core *core = card->core[i];

		core->waits = false;
		if (core->job && core->place != NPU_PLACE_END)
			npu_core_begin(core);
	}
	npu_card_kick(card, 0);
}

static int finish(struct snapshot *s, char *err, size_t err_size)
{
	if (s->w.error)
		snprintf(err, err_size, "%s", s->w.why);
	return s->w.error;
}

static int refuse(char *err, size_t err_size)
{
	snprintf(err, err_size, "the card is not at rest");
	return -EBUSY;
}

int npu_card_save(struct npu_card *card, npu_snapshot_write_fn *write, void *opaque, char *err,
		  size_t err_size)
{
	struct snapshot s = { .card = card, .w = { .write = write, .opaque = opaque } };
	bool rests, armed;

	pthread_mutex_lock(&card->lock);
	rests = npu_card_at_rest(card);
	armed = npu_inject_armed(card);
	pthread_mutex_unlock(&card->lock);
	if (!rests)
		return refuse(err, err_size);
	if (armed) {
		snprintf(err, err_size, "faults are being injected; end them first");
		return -EBUSY;
	}
	wire_card(&s);
	npu_wire_flush(&s.w);
	return finish(&s, err, err_size);
}

static bool is_empty(const struct npu_card *card)
{
	for (unsigned int r = 0; r < card->cfg.rings; r++) {
		if (card->ring[r].running)
			return false;
	}
	return true;
}

int npu_card_load(struct npu_card *card, npu_snapshot_read_fn *read, void *opaque, char *err,
		  size_t err_size)
{
	struct snapshot s = {
		.card = card,
		.w = { .loading = true, .read = read, .opaque = opaque },
	};
	bool free;

	pthread_mutex_lock(&card->lock);
	free = npu_card_at_rest(card) && is_empty(card);
	if (free)
		clear(card);
	pthread_mutex_unlock(&card->lock);
	if (!free)
		return refuse(err, err_size);
	wire_card(&s);
	pthread_mutex_lock(&card->lock);
	if (s.w.error)
		clear(card);
	else
		begin(card);
	pthread_mutex_unlock(&card->lock);
	return finish(&s, err, err_size);
}
