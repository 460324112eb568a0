/* SPDX-License-Identifier: MIT */
/*
 * Copyright (c) 2026 the npu authors
 *
 * The driver's uevents (docs/driver.md): where they come from, and taking one apart.
 */
#ifndef NPUCTL_UEVENT_H
#define NPUCTL_UEVENT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

/* The kernel's are 2 KiB at most. */
#define UEVENT_SIZE 4096

/** struct uevent - "KEY=VALUE" texts, one after another, each ended by a zero */
struct uevent {
	char text[UEVENT_SIZE];
	size_t size;
};

/** struct uevent_source - the kernel, or a snapshot's record of what it sent */
struct uevent_source {
	int socket; /* -1: none */
	FILE *record;
};

/** uevent_open() - returns 0 or a negative errno */
int uevent_open(struct uevent_source *source);
void uevent_close(struct uevent_source *source);

/**
 * uevent_next() - the next event of an NPU card
 * @wait_ms: how long to wait for it; -1: as long as it takes
 *
 * Returns 1; 0: none came, or the record is at its end; negative errno.
 */
int uevent_next(struct uevent_source *source, struct uevent *event, int wait_ms);

/** uevent_get() - a variable's value, or NULL */
const char *uevent_get(const struct uevent *event, const char *key);

/** uevent_number() - likewise, as a number; false: there is none */
bool uevent_number(const struct uevent *event, const char *key, int64_t *value);

/** uevent_card() - name of the accel node, "accel0", and PCI address, "0000:01:00.0" */
void uevent_card(const struct uevent *event, char name[32], char pci[16]);

#endif
