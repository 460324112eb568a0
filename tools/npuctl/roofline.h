/* SPDX-License-Identifier: MIT */
/*
 * Copyright (c) 2026 the npu authors
 *
 * A roofline: operations a modelled second of kernels over the operations that each does a byte
 * which it must move to or from local memory, both by powers of ten, below what the card can at
 * most. How far a point is below its roof is its utilisation: the least cycles over the modelled
 * ones.
 */
#ifndef NPUCTL_ROOFLINE_H
#define NPUCTL_ROOFLINE_H

#include <stddef.h>
#include <stdint.h>

#include "npu/image.h"

#define ROOFLINE_LABEL 64

/** struct roofline_point - a kernel: its least work, and the cycles that it took */
struct roofline_point {
	char label[ROOFLINE_LABEL];
	struct npu_work work;
	uint64_t cycles;
};

/**
 * struct roofline - a plot
 * @caps: of the card, whose roofs are drawn: its memory's, and of each rate that a point has
 */
struct roofline {
	const char *title;
	const struct npu_caps *caps;
	const struct roofline_point *points;
	size_t count;
};

/**
 * roofline_write() - to an SVG file; "-" is stdout. Returns enum npuctl_exit, having said what is
 * wrong
 */
int roofline_write(const struct roofline *r, const char *path);

#endif
