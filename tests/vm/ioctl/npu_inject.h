/* SPDX-License-Identifier: MIT */
/*
 * Copyright (c) 2026 the npu authors
 *
 * Faults injected into cards by the host, in VMs of run.sh --qmp; a test fails if it cannot be done. Cards are
 * named as npu_pci_name() does.
 */
#ifndef NPU_INJECT_H
#define NPU_INJECT_H

#include <stddef.h>

/* Sets the property inject-@property of a card (docs/hardware.md, section 13). */
void npu_inject(const char *name, const char *property, long long value);

/* Which of run.sh's cards that is. */
int npu_inject_card(const char *name);

/* A request as it is, a line, and what the host says to it. */
void npu_inject_ask(const char *request, char *answer, size_t size);

#endif
