// SPDX-License-Identifier: MIT
/*
 * Copyright (c) 2026 the npu authors
 *
 * Which job starts when, and the front's thread.
 *
 * The next job is that of the ring of highest priority that has one ready, among equals of the ring
 * that comes after the one whose job was started last (a quantum of one job). It starts as soon as
 * enough cores are free; until then no other starts, so free cores are kept for it and a gang
 * cannot starve. Only a ring of higher priority that becomes ready takes its place.
 */
#include "core.h"

static bool is_startable(const struct npu_ring *ring)
{
	uint32_t slot = ring->head & ((1u << ring->size_log2) - 1);

	return ring->enabled && !ring->error && !ring->reset && ring->next && !ring->running &&
	       !ring->next->error.status && !(ring->cancel[slot / 64] >> slot % 64 & 1);
}

static struct npu_ring *choose(struct npu_card *card)
{
	if (!npu_card_ready(card))
		return NULL;
	for (unsigned int priority = NPU_PRIORITIES; priority--;) {
		for (unsigned int i = 1; i <= card->cfg.rings; i++) {
			unsigned int r = (card->last[priority] + i) % card->cfg.rings;
			struct npu_ring *ring = &card->ring[r];

			if (ring->priority == priority && is_startable(ring))
				return ring;
		}
	}
	return NULL;
}

static unsigned int free_cores(struct npu_card *card, struct npu_core **cores)
{
	unsigned int n = 0;

	for (unsigned int i = 0; i < card->cfg.cores; i++) {
		if (!card->core[i]->job && !card->core[i]->reset)
			cores[n++] = card->core[i];
	}
	return n;
}

static void start(struct npu_card *card, struct npu_ring *ring, struct npu_core **cores)
{
	struct npu_job *job = ring->next;

	ring->next = NULL;
	ring->running = job;
	ring->head++;
	card->last[ring->priority] = ring->index;
	job->hang = npu_inject_hits(&card->inject.job_hang, ring->index);
	job->started = npu_now();
	job->members = job->desc.ncores;
	for (unsigned int i = 0; i < job->desc.ncores; i++)
		npu_core_go(cores[i], job, i);
	npu_gang_start(job);
}

void npu_sched_run(struct npu_card *card)
{
	struct npu_core *cores[NPU_MAX_CORES];
	struct npu_ring *ring;

	for (;;) {
		ring = choose(card);
		if (!ring || free_cores(card, cores) < ring->next->desc.ncores)
			return;
		start(card, ring, cores);
	}
}

struct npu_ring *npu_sched_waiting(struct npu_card *card)
{
	return choose(card);
}

/* ---- The front ------------------------------------------------------------------------------- */

/*
 * Acknowledged when every view has forgotten, which includes that what it translated before has
 * ended, and no mapping of before is handed out any more.
 */
static void invalidate_tlb(struct npu_card *card)
{
	struct npu_tlb_request req = card->tlb;

	pthread_mutex_unlock(&card->lock);
	for (unsigned int i = 0; i < card->cfg.cores; i++)
		npu_view_invalidate(&card->core[i]->view, req.cmd, req.ctx, req.first, req.last);
	npu_bus_forget(&card->bus);
	pthread_mutex_lock(&card->lock);
	/* A function reset cannot have come between: it is the front that does it. */
	card->tlb.cmd = 0;
	card->tlb.done++;
	npu_card_event(card, NPU_EVENT_TLB);
}

static void reset_cores(struct npu_card *card)
{
	for (unsigned int i = 0; i < card->cfg.cores; i++) {
		struct npu_core *core = card->core[i];

		if (!core->reset)
			continue;
		if (core->job) {
			npu_job_stop(core->job, false);
			continue;
		}
		core->reset = false;
		npu_card_event(card, NPU_EVENT_CORE);
	}
}

static bool is_idle(const struct npu_card *card)
{
	for (unsigned int r = 0; r < card->cfg.rings; r++) {
		if (card->ring[r].running)
			return false;
	}
	return true;
}

/* The function's reset: nothing of the old life reaches memory after the bus has been closed. */
static void reset_function(struct npu_card *card)
{
	pthread_mutex_unlock(&card->lock);
	npu_bus_close(&card->bus, NPU_BUS_RESET);
	pthread_mutex_lock(&card->lock);
	for (unsigned int r = 0; r < card->cfg.rings; r++) {
		if (card->ring[r].running)
			npu_job_stop(card->ring[r].running, true);
	}
	/* No job, and no thread on its way out of one, but this. */
	while (!is_idle(card) || card->moving > 1)
		pthread_cond_wait(&card->changed, &card->lock);
	pthread_mutex_unlock(&card->lock);
	for (unsigned int i = 0; i < card->cfg.cores; i++)
		npu_view_invalidate(&card->core[i]->view, NPU_TLB_ALL, 0, 0, 0);
	npu_bus_forget(&card->bus);
	pthread_mutex_lock(&card->lock);
	npu_card_power_on(card);
	card->resets++;
	card->reset_asked = false;
	npu_bus_open(&card->bus, NPU_BUS_RESET);
	pthread_cond_broadcast(&card->changed);
}

static void service(struct npu_card *card)
{
	uint64_t rings = card->pending;

	card->pending = 0;
	if (card->tlb.cmd)
		invalidate_tlb(card);
	reset_cores(card);
	while (rings) {
		unsigned int r = __builtin_ctzll(rings);

		rings &= rings - 1;
		npu_ring_service(card, &card->ring[r]);
		npu_sched_run(card);
	}
	npu_sched_run(card);
}

void *npu_sched_front(void *opaque)
{
	struct npu_card *card = opaque;
	uint64_t deadline = 0;

	pthread_mutex_lock(&card->lock);
	while (!card->quit) {
		bool due = deadline && npu_now() >= deadline;

		if (card->reset_asked) {
			card->moving++;
			reset_function(card);
			npu_card_rest(card);
		} else if (card->paused) {
			pthread_cond_wait(&card->work, &card->lock);
		} else if (card->kicked || due) {
			card->kicked = false;
			card->moving++;
			service(card);
			deadline = npu_ring_deadlines(card, npu_now());
			npu_card_interrupts(card, card->port);
			npu_card_rest(card);
		} else {
			npu_cond_wait(&card->work, &card->lock, deadline);
		}
	}
	pthread_mutex_unlock(&card->lock);
	return NULL;
}
