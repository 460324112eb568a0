/* SPDX-License-Identifier: MIT */
/*
 * Copyright (c) 2026 the npu authors
 *
 * The host of a card that a hostile guest has: the guest's memory, and what the card must never do
 * to it whatever it is told. The calls of the card abort where
 *
 * - it reaches memory or interrupts while it must not (@silent), or memory by translation where no
 *   context is left (@untranslated);
 * - it writes anything but completions, in their slots, in order and with their phase; error
 *   records, to a side table that a descriptor named; and pages that a page table entry allowed;
 * - a mapping is ended that is none.
 *
 * Mappings of GUEST_TRANSIENT are copies of exactly the bytes that were given, so that ASan sees an
 * access beyond. What is settled (nothing moves and nothing can any more) is known from the card's
 * inside.
 */
#ifndef TESTS_FUZZ_CARD_HOST_H
#define TESTS_FUZZ_CARD_HOST_H

#include <pthread.h>

#include "card.h"
#include "guest.h"

/* Of one input; beyond them less is checked. */
#define HOST_TABLES 512u
#define HOST_PAGES  512u
#define HOST_ENDS   256u

/** struct host_end - a completion, where it was written */
struct host_end {
	unsigned int ring;
	struct npu_completion cpl;
};

/**
 * struct card_host - one card and its memory
 * @lmem_dirty: pages of local memory to be cleared before the next input, a bit each
 * @lock: protects the rest
 * @kept: the arena when @silent became true
 * @refuse_from: pages of the arena from here to @refuse_to do not answer
 * @maps: held by the card
 * @table: bus addresses that descriptors named
 * @page: entries with write permission that were read
 * @end: completions
 * @gang: a descriptor for more than one core was read
 */
struct card_host {
	struct npu_card_config cfg;
	enum guest_memory memory;
	struct npu_card *card;
	uint8_t *arena;
	uint8_t *lmem;
	uint64_t lmem_dirty[GUEST_LMEM / 4096 / 64];

	pthread_mutex_t lock;
	bool silent;
	bool untranslated;
	uint8_t *kept;
	uint32_t refuse_from;
	uint32_t refuse_to;
	unsigned int maps;
	unsigned int tables;
	uint64_t table[HOST_TABLES];
	unsigned int pages;
	uint64_t page[HOST_PAGES];
	unsigned int ends;
	struct host_end end[HOST_ENDS];
	bool gang;
	unsigned int interrupts;
	unsigned int guest_errors;
};

/** card_host_new() - a card with this configuration, powered on */
struct card_host *card_host_new(const struct npu_card_config *cfg, enum guest_memory memory);
/** card_host_clear() - memory is as a guest finds it, and nothing is known; the card was reset */
void card_host_clear(struct card_host *h);
/** card_host_renew() - power the card off and on; what it left behind is checked */
void card_host_renew(struct card_host *h);

/** card_host_write() - the guest's processor writes to the arena */
void card_host_write(struct card_host *h, uint64_t at, const void *data, size_t size);
void card_host_read(struct card_host *h, uint64_t at, void *data, size_t size);

/** card_host_silence() - from now on the card must not reach memory; it holds no mapping */
void card_host_silence(struct card_host *h);
/** card_host_listen() - it may again; it has not until now */
void card_host_listen(struct card_host *h);

/**
 * card_host_settle() - wait until nothing moves: what there was to do is done, or hangs, or waits
 * for the guest. False when that takes more than @ms milliseconds of this process' time
 */
bool card_host_settle(struct card_host *h, unsigned int ms);
/** card_host_check() - after that: nothing was forgotten */
void card_host_check(struct card_host *h);
/** card_host_hung() - some job will not end by itself */
bool card_host_hung(struct card_host *h);

/** card_host_fail() - say what should not be, and of what register or line, and abort */
_Noreturn void card_host_fail(const char *what, int where);

/** card_host_reg() - read a register */
uint32_t card_host_reg(struct card_host *h, uint64_t offset);

#endif
