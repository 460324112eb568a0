/* SPDX-License-Identifier: MIT */
/*
 * Copyright (c) 2026 the npu authors
 *
 * npuctl doctor: what is looked at (doctor_machine.c, doctor_card.c), apart from how it is told
 * (doctor.c).
 */
#ifndef NPUCTL_DOCTOR_H
#define NPUCTL_DOCTOR_H

#include <stddef.h>

#include "cards.h"

enum verdict {
	VERDICT_OK,
	VERDICT_NOTE, /* worth knowing; the card works */
	VERDICT_WRONG, /* something does not work */
	VERDICT_UNKNOWN, /* could not be looked at */
};

/**
 * struct finding - one thing that was looked at
 * @check: what, a word that programs may rely on
 * @card: PCI address, empty: the machine
 * @text: how it is
 * @mend: what to do; empty if there is nothing to do
 */
struct finding {
	const char *check;
	char card[16];
	enum verdict verdict;
	char text[ADVICE_SIZE], mend[ADVICE_SIZE];
};

/** struct findings - in the order in which they were looked at */
struct findings {
	struct finding *list;
	size_t count;
	const struct card *card; /* whose the next ones are; NULL: the machine's */
};

/** findings_add() - one without a way to mend it yet; the pointer is good until the next one */
struct finding *findings_add(struct findings *f, const char *check, enum verdict verdict,
			     const char *fmt, ...) __attribute__((format(printf, 4, 5)));

/** finding_mend() - what to do about it */
void finding_mend(struct finding *f, const char *fmt, ...) __attribute__((format(printf, 2, 3)));

/** doctor_machine() - cards, module */
void doctor_machine(struct findings *f, const struct card_list *list);

/** doctor_log() - the kernel's messages */
void doctor_log(struct findings *f);

/** doctor_card() - all that is one card's; returns whether the caller can use it */
bool doctor_card(struct findings *f, const struct card_list *list, const struct card *card);

#endif
