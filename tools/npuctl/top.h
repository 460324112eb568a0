/* SPDX-License-Identifier: MIT */
/*
 * Copyright (c) 2026 the npu authors
 *
 * What npuctl top shows, made of two samples (top_view.c), apart from the screen (top_screen.c).
 */
#ifndef NPUCTL_TOP_H
#define NPUCTL_TOP_H

#include <jansson.h>

#include "sample.h"

enum top_order { TOP_BY_USE, TOP_BY_PID, TOP_BY_NAME, TOP_BY_MEMORY, TOP_BY_TIME, TOP_ORDERS };

/** top_order_name() - as of --sort; NULL: there are no more */
extern const char *const top_order_names[TOP_ORDERS + 1];

/**
 * struct top_card - a card between two samples; shares are of 1
 * @now: the later sample
 * @use: of all its cores' time; < 0: not known
 * @engine: busy time of each engine, all cores together; < 0: not known
 * @core: likewise, of each core
 * @jobs_per_s: < 0: not known
 */
struct top_card {
	const struct sample_card *now;
	double use;
	double engine[NPU_ENGINES];
	double core[NPU_MAX_CORES][NPU_ENGINES];
	double jobs_per_s;
};

/**
 * struct top_client - an open file of a card
 * @use: of all the card's cores' time; < 0: not known, it has just been opened
 */
struct top_client {
	const struct sample_client *now;
	const char *card; /* name, else PCI address */
	double use;
};

/** struct top_view - refers to the later sample */
struct top_view {
	struct top_card *cards;
	size_t card_count;
	struct top_client *clients;
	size_t client_count;
};

/** top_view_make() - exits without memory */
void top_view_make(const struct sample *before, const struct sample *now, enum top_order order,
		   struct top_view *view);
void top_view_free(struct top_view *view);

json_t *top_json(const struct top_view *view);

/** top_text() - once, for people */
void top_text(FILE *out, const struct top_view *view);

/** top_figure() - as text, "-" where it is not known; stays for seven calls more */
const char *top_figure(const struct sample_card *c, enum figure_id id, const char *format);

/** top_throttled() - the card is as hot as it may be */
bool top_throttled(const struct sample_card *card);

/** top_screen() - until the user leaves; returns enum npuctl_exit */
int top_screen(double interval_s, enum top_order order);

#endif
