/* SPDX-License-Identifier: MIT */
/*
 * Copyright (c) 2026 the npu authors
 *
 * How the cards and who uses them are at one moment: sysfs, fdinfo of all processes, counters and
 * memory where the caller may open a card, and the last the driver's events said. For npuctl top,
 * whose other half (top_view.c, top_screen.c) makes rates and pictures of two of these.
 */
#ifndef NPUCTL_SAMPLE_H
#define NPUCTL_SAMPLE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "npu/hw/regs.h"

#include "cards.h"
#include "figures.h"
#include "uevent.h"

/** struct sample_core - cycles that a core's engines were busy, since the card's reset */
struct sample_core {
	uint64_t busy[NPU_ENGINES];
};

/**
 * struct sample_card - a card
 * @counted: @core is known (CAP_PERFMON)
 * @opened: @local_bytes, @local_free and @clock_khz are known
 * @ecc_told: @corrected and @uncorrected are known: an event came since npuctl began
 */
struct sample_card {
	struct card card;
	struct card_figures figures;
	bool counted, opened, ecc_told;
	unsigned int cores;
	struct sample_core core[NPU_MAX_CORES];
	uint64_t local_bytes, local_free;
	uint32_t clock_khz;
	int64_t corrected, uncorrected;
};

/** struct sample_client - an open file of a card */
struct sample_client {
	int pid;
	char comm[64];
	char pci[16];
	uint64_t id; /* drm-client-id */
	uint64_t busy_ns; /* times the cores it had */
	uint64_t host_bytes, local_bytes;
};

/** struct sample - one moment */
struct sample {
	double time_s; /* of a clock that only goes on */
	struct sample_card *cards;
	size_t card_count;
	struct sample_client *clients;
	size_t client_count;
};

struct sampler;

/** sampler_create() - exits without memory */
struct sampler *sampler_create(void);
void sampler_free(struct sampler *s);

/** sample_take() - look; exits without memory. What cannot be read is not known */
void sample_take(struct sampler *s, struct sample *out);

/** sample_take_cards() - the same without clients, for which all processes' files are looked at */
void sample_take_cards(struct sampler *s, struct sample *out);
void sample_free(struct sample *sample);

#endif
