// SPDX-License-Identifier: MIT
/*
 * Copyright (c) 2026 the npu authors
 *
 * A card's life: power-on, bus-master, reset, pause, the end; events and interrupts; movement;
 * clock and log. See device.h for threads and locks.
 */
#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "core.h"

/* ---- Clock, log ------------------------------------------------------------------------------ */

uint64_t npu_now(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return ts.tv_sec * UINT64_C(1000000000) + ts.tv_nsec;
}

void npu_cond_init(pthread_cond_t *cond)
{
	pthread_condattr_t attr;

	pthread_condattr_init(&attr);
	pthread_condattr_setclock(&attr, CLOCK_MONOTONIC);
	pthread_cond_init(cond, &attr);
	pthread_condattr_destroy(&attr);
}

void npu_cond_wait(pthread_cond_t *cond, pthread_mutex_t *lock, uint64_t deadline)
{
	struct timespec ts = {
		.tv_sec = deadline / 1000000000,
		.tv_nsec = deadline % 1000000000,
	};

	if (deadline)
		pthread_cond_timedwait(cond, lock, &ts);
	else
		pthread_cond_wait(cond, lock);
}

void npu_card_log(struct npu_card *card, enum npu_card_log level, const char *fmt, ...)
{
	char text[256];
	va_list ap;

	if (!card->bus.host.log)
		return;
	va_start(ap, fmt);
	vsnprintf(text, sizeof(text), fmt, ap);
	va_end(ap);
	card->bus.host.log(card->bus.opaque, level, text);
}

/* ---- Movement -------------------------------------------------------------------------------- */

bool npu_card_move(struct npu_card *card, const bool *give_up)
{
	while (card->paused) {
		if (give_up && *give_up)
			return false;
		pthread_cond_wait(&card->changed, &card->lock);
	}
	card->moving++;
	return true;
}

void npu_card_changed(struct npu_card *card)
{
	/* Only a pause or a reset waits for that. */
	if (card->paused || card->reset_asked)
		pthread_cond_broadcast(&card->changed);
}

void npu_card_rest(struct npu_card *card)
{
	card->moving--;
	npu_card_changed(card);
}

/* A job that was stopped is on its way to its completion, or to its end if it is to have none. */
static bool is_settled(const struct npu_job *job)
{
	if (!job->stopped)
		return true;
	for (unsigned int i = 0; i < job->desc.ncores && !job->discard; i++) {
		if (job->core[i]->place == NPU_PLACE_COMPLETION)
			return true;
	}
	return false;
}

bool npu_card_at_rest(const struct npu_card *card)
{
	if (!card->paused || card->moving || card->reset_asked)
		return false;
	for (unsigned int r = 0; r < card->cfg.rings; r++) {
		if (card->ring[r].running && !is_settled(card->ring[r].running))
			return false;
	}
	return true;
}

/* ---- Events and interrupts ------------------------------------------------------------------- */

bool npu_card_ready(const struct npu_card *card)
{
	return card->enabled && !card->reset_asked && !card->quit;
}

void npu_card_kick(struct npu_card *card, uint64_t rings)
{
	card->pending |= rings;
	card->kicked = true;
	pthread_cond_signal(&card->work);
}

void npu_card_event(struct npu_card *card, uint32_t event)
{
	card->event_status |= event;
	if (!(card->event_enable & event))
		return;
	card->irq_event = true;
	npu_card_kick(card, 0);
}

void npu_card_interrupts(struct npu_card *card, struct npu_port *port)
{
	uint64_t rings = card->irq;
	bool event = card->irq_event;

	if (!rings && !event)
		return;
	card->irq = 0;
	card->irq_event = false;
	if (__builtin_expect(card->inject.lost_irq.left, 0))
		npu_inject_irqs(card, &rings, &event);
	pthread_mutex_unlock(&card->lock);
	/* An MSI is a write of the card's like any other. */
	if (npu_port_enter(&card->bus, port)) {
		for (; rings; rings &= rings - 1)
			card->bus.host.interrupt(card->bus.opaque,
						 NPU_VECTOR_RING(__builtin_ctzll(rings)));
		if (event)
			card->bus.host.interrupt(card->bus.opaque, NPU_VECTOR_EVENT);
		npu_port_leave(port);
	}
	pthread_mutex_lock(&card->lock);
}

/* ---- Life ------------------------------------------------------------------------------------ */

void npu_card_power_on(struct npu_card *card)
{
	card->enabled = false;
	card->event_status = 0;
	card->event_enable = 0;
	card->irq = 0;
	card->irq_event = false;
	card->pending = 0;
	card->latch_offset = 0;
	memset(&card->tlb, 0, sizeof(card->tlb));
	memset(card->last, 0, sizeof(card->last));
	atomic_store(&card->mmu.ctx_base, 0);
	atomic_store(&card->mmu.ctx_count, 0);
	for (unsigned int r = 0; r < card->cfg.rings; r++)
		npu_ring_power_on(&card->ring[r]);
	for (unsigned int i = 0; i < card->cfg.cores; i++) {
		card->core[i]->reset = false;
		memset(card->core[i]->counter, 0, sizeof(card->core[i]->counter));
	}
	npu_telemetry_reset(card);
	npu_inject_reset(card);
}

static int card_init(struct npu_card *card)
{
	card->ring = calloc(card->cfg.rings, sizeof(*card->ring));
	if (!card->ring)
		return -ENOMEM;
	for (unsigned int r = 0; r < card->cfg.rings; r++)
		npu_ring_init(&card->ring[r], card, r);
	for (unsigned int i = 0; i < card->cfg.cores; i++) {
		card->core[i] = npu_core_new(card, i);
		if (!card->core[i])
			return -ENOMEM;
	}
	npu_card_power_on(card);
	npu_telemetry_power_on(card);
	if (pthread_create(&card->front, NULL, npu_sched_front, card))
		return -EAGAIN;
	pthread_setname_np(card->front, "npu-front");
	card->front_runs = true;
	return 0;
}

struct npu_card *npu_card_new(const struct npu_card_config *cfg, const struct npu_card_host *host,
			      void *opaque, void *lmem, char *err, size_t err_size)
{
	struct npu_card *card;

	if (npu_card_config_check(cfg, err, err_size))
		return NULL;
	card = calloc(1, sizeof(*card));
	if (!card || npu_bus_init(&card->bus, host, opaque, 1 + cfg->cores)) {
		free(card);
		snprintf(err, err_size, "out of memory");
		return NULL;
	}
	card->cfg = *cfg;
	card->port = &card->bus.ports[0];
	pthread_mutex_init(&card->lock, NULL);
	npu_cond_init(&card->work);
	npu_cond_init(&card->changed);
	npu_mmu_init(&card->mmu, &card->bus, lmem, cfg->lmem_size);
	if (card_init(card)) {
		npu_card_free(card);
		snprintf(err, err_size, "out of memory or threads");
		return NULL;
	}
	return card;
}

/* Let go of all that was translated and mapped. */
static void forget(struct npu_card *card)
{
	for (unsigned int i = 0; i < card->cfg.cores; i++)
		npu_view_invalidate(&card->core[i]->view, NPU_TLB_ALL, 0, 0, 0);
	npu_bus_forget(&card->bus);
}

void npu_card_free(struct npu_card *card)
{
	if (!card)
		return;
	if (card->front_runs) {
		npu_card_reset(card);
		pthread_mutex_lock(&card->lock);
		card->quit = true;
		pthread_cond_signal(&card->work);
		pthread_mutex_unlock(&card->lock);
		pthread_join(card->front, NULL);
	}
	for (unsigned int i = 0; i < card->cfg.cores; i++)
		npu_core_free(card->core[i]);
	for (unsigned int r = 0; card->ring && r < card->cfg.rings; r++)
		npu_ring_fini(&card->ring[r]);
	npu_bus_fini(&card->bus);
	pthread_cond_destroy(&card->work);
	pthread_cond_destroy(&card->changed);
	pthread_mutex_destroy(&card->lock);
	free(card->ring);
	free(card);
}

const struct npu_card_config *npu_card_config_get(const struct npu_card *card)
{
	return &card->cfg;
}

void npu_card_bus_forbid(struct npu_card *card)
{
	npu_bus_forbid(&card->bus, NPU_BUS_NO_MASTER);
}

void npu_card_bus_master(struct npu_card *card, bool on)
{
	if (on) {
		npu_bus_open(&card->bus, NPU_BUS_NO_MASTER);
		pthread_mutex_lock(&card->lock);
		npu_card_kick(card, ~UINT64_C(0) >> (64 - card->cfg.rings));
		pthread_mutex_unlock(&card->lock);
	} else {
		npu_bus_close(&card->bus, NPU_BUS_NO_MASTER);
		forget(card);
	}
}

void npu_card_reset(struct npu_card *card)
{
	pthread_mutex_lock(&card->lock);
	card->reset_asked = true;
	pthread_cond_signal(&card->work);
	while (card->reset_asked)
		pthread_cond_wait(&card->changed, &card->lock);
	pthread_mutex_unlock(&card->lock);
}

/* Until @deadline, 0 for none. */
static int pause_until(struct npu_card *card, uint64_t deadline)
{
	int ret = 0;

	pthread_mutex_lock(&card->lock);
	atomic_fetch_or(&card->paused, NPU_PAUSED_HOST);
	while (!npu_card_at_rest(card)) {
		if (card->pause_woken)
			ret = -EINTR;
		else if (deadline && npu_now() >= deadline)
			ret = -ETIMEDOUT;
		if (ret)
			break;
		npu_cond_wait(&card->changed, &card->lock, deadline);
	}
	card->pause_woken = false;
	pthread_mutex_unlock(&card->lock);
	/* The host learns what was written when mappings end. */
	if (!ret)
		forget(card);
	return ret;
}

void npu_card_pause(struct npu_card *card)
{
	while (pause_until(card, 0))
		;
}

int npu_card_pause_within(struct npu_card *card, uint64_t ns)
{
	return pause_until(card, npu_now() + ns);
}

void npu_card_pause_wake(struct npu_card *card)
{
	pthread_mutex_lock(&card->lock);
	card->pause_woken = true;
	pthread_cond_broadcast(&card->changed);
	pthread_mutex_unlock(&card->lock);
}

void npu_card_resume(struct npu_card *card)
{
	pthread_mutex_lock(&card->lock);
	atomic_fetch_and(&card->paused, ~NPU_PAUSED_HOST);
	pthread_cond_broadcast(&card->changed);
	pthread_cond_signal(&card->work);
	pthread_mutex_unlock(&card->lock);
}

void npu_card_set_link(struct npu_card *card, unsigned int generation, unsigned int width)
{
	pthread_mutex_lock(&card->lock);
	card->link = generation << 8 | (width & 0xff);
	pthread_mutex_unlock(&card->lock);
}
