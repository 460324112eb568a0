/* SPDX-License-Identifier: MIT */
/*
 * Copyright (c) 2026 the npu authors
 *
 * Faults injected from outside (docs/hardware.md, "Fault injection"): what is armed, and the questions
 * that the rest of the card asks where a fault would happen. npu_card_inject() in card.h arms.
 *
 * All of it is under npu_card.lock but for npu_mmu.bad_ptes, which views take from without it. A card
 * with nothing armed pays for a test of a word where a job starts, a completion is written, an
 * interrupt is raised and a page is walked for; commands pay nothing.
 */
#ifndef NPU_CARD_INJECT_H
#define NPU_CARD_INJECT_H

#include <stdbool.h>
#include <stdint.h>

#include "card.h"
#include "npu/hw/regs.h"

#define NPU_INJECT_ANYWHERE (-1)

/**
 * struct npu_inject_count - something that happens a few times more
 * @left: how often
 * @where: the ring, or vector, that it happens to, or NPU_INJECT_ANYWHERE
 */
struct npu_inject_count {
	uint32_t left;
	int where;
};

enum npu_inject_hang {
	NPU_HANG_NONE,
	NPU_HANG_UNTIL_RESET,	/* a function reset ends it */
	NPU_HANG_FOR_GOOD,	/* only losing power does */
};

/**
 * struct npu_inject - what is armed
 * @where: for those armed next
 * @seed: of the generator for the corrupt completions, likewise
 * @random: state of that generator
 * @job_hang: jobs to start
 * @lost_irq: interrupts to raise
 * @dropped: completions to write
 * @corrupt: likewise
 * @hang: the card hangs; npu_card.paused has NPU_PAUSED_HANG then
 * @reset_held: NPU_CTRL_RESET was written to a card that does not do it
 * @temp_mc: what the thermometer shows, 0: what the card's own model says
 * @removed: pulled out
 */
struct npu_inject {
	int where;
	uint64_t seed;
	uint64_t random;
	struct npu_inject_count job_hang;
	struct npu_inject_count lost_irq;
	struct npu_inject_count dropped;
	struct npu_inject_count corrupt;
	enum npu_inject_hang hang;
	bool reset_held;
	int32_t temp_mc;
	bool removed;
};

/** npu_inject_hits() - does the next one at @where get it? Counts it if so */
static inline bool npu_inject_hits(struct npu_inject_count *c, int where)
{
	if (__builtin_expect(!c->left, 1) || (c->where != NPU_INJECT_ANYWHERE && c->where != where))
		return false;
	c->left--;
	return true;
}

/** npu_inject_armed() - is there a fault that will happen, or that lasts? */
bool npu_inject_armed(const struct npu_card *card);
/** npu_inject_power_on() - nothing is armed */
void npu_inject_power_on(struct npu_card *card);
/** npu_inject_reset() - a function reset: what does not survive it ends */
void npu_inject_reset(struct npu_card *card);
/** npu_inject_irqs() - take those away that get lost of @rings, a mask, and @event */
void npu_inject_irqs(struct npu_card *card, uint64_t *rings, bool *event);
/** npu_inject_corrupt() - if it hits this ring's next completion, make garbage of @cpl */
void npu_inject_corrupt(struct npu_card *card, unsigned int ring, struct npu_completion *cpl);
/** npu_inject_holds_reset() - NPU_CTRL_RESET is written: does the card only seem to begin? */
bool npu_inject_holds_reset(struct npu_card *card);

#endif
