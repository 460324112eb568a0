/* SPDX-License-Identifier: MIT */
/*
 * Copyright (c) 2026 the npu authors
 *
 * Faults injected into cards by the host, in VMs of run.sh --qmp; a test fails if it cannot be done. Cards are
 * named as npu_pci_name() does.
 */
#ifndef NPU_INJECT_H
#define NPU_INJECT_H

#include <stdbool.h>
#include <stddef.h>

/* Sets the property inject-@property of a card (docs/hardware.md, section 13). */
void npu_inject(const char *name, const char *property, long long value);

/* Which of run.sh's cards that is. */
int npu_inject_card(const char *name);

/* A request as it is, a line, and what the host says to it. Several processes may ask. */
void npu_inject_ask(const char *request, char *answer, size_t size);

/* Interrupts of all cards so far. */
unsigned long long npu_interrupts(void);

/* A card's node, or -1. */
int npu_open_card(const char *name);
/* Waits until a card has its driver, or has it no more. */
bool npu_inject_until_bound(const char *name, bool bound, int seconds);
/* Waits until the driver has let go of a card that was pulled out, puts it in again, and waits for its node. */
void npu_inject_put_in(const char *name);

#endif
