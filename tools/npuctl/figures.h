/* SPDX-License-Identifier: MIT */
/*
 * Copyright (c) 2026 the npu authors
 *
 * The driver's figures of a card in sysfs: one table of what there is, in which unit and under which
 * names info, top and monitor tell it.
 */
#ifndef NPUCTL_FIGURES_H
#define NPUCTL_FIGURES_H

#include <stdbool.h>
#include <stdint.h>

#include "cards.h"

enum figure_id {
	FIGURE_TEMPERATURE,
	FIGURE_TEMPERATURE_CRITICAL,
	FIGURE_POWER,
	FIGURE_JOBS,
	FIGURE_ERRORS,
	FIGURE_TIMEOUTS,
	FIGURE_RESETS,
	FIGURE_WEDGED,
	FIGURE_BUSY,
	FIGURE_CORES,
	FIGURES,
};

/**
 * struct figure - one of them
 * @key: in JSON; NULL: info tells it otherwise
 * @file: below the card's folder; '*' is the hwmon's number
 * @scale: from what the file has to what is told; 0: a count, an integer in JSON
 * @format: a line of npuctl info
 * @metric, @help: of npuctl monitor --prometheus
 * @counter: it only grows while the driver is bound
 */
struct figure {
	const char *key, *file;
	double scale;
	const char *format;
	const char *metric, *help;
	bool counter;
};

extern const struct figure figures[FIGURES];

/** struct card_figures - their values, as the files have them */
struct card_figures {
	bool known[FIGURES];
	int64_t value[FIGURES];
};

/** figures_read() - read all of a card; one that sleeps or is gone has fewer */
void figures_read(const struct card *card, struct card_figures *out);

/** figure_value() - scaled; 0 where it is not known */
double figure_value(const struct card_figures *f, enum figure_id id);

#endif
