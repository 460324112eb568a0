// SPDX-License-Identifier: MIT
/*
 * Copyright (c) 2026 the npu authors
 *
 * The values that a tensor takes: the least, the largest, and how many lie where. The bins are of
 * one width; when a value lies beyond them, pairs become one and they reach twice as far. So one
 * look at each value is enough, and what comes out does not depend on their order.
 */
#include <errno.h>
#include <float.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "quant.h"

/* Twice as far: bins on either side of 0 come together in pairs. */
static void widen(struct quant_range *r)
{
	unsigned int half = QUANT_BINS / 2, i;
	uint64_t merged[QUANT_BINS] = { 0 };

	for (i = 0; i < QUANT_BINS; i++)
		merged[half / 2 + i / 2] += r->bin[i];
	memcpy(r->bin, merged, sizeof(merged));
	r->limit *= 2;
}

int quant_range_add(struct quant_range *r, const float *v, uint64_t count)
{
	uint64_t i;

	if (!r->bin) {
		r->bin = calloc(QUANT_BINS, sizeof(*r->bin));
		if (!r->bin)
			return -ENOMEM;
		/* The first that is not 0 says where to begin. */
		r->limit = FLT_MIN;
		r->lo = INFINITY;
		r->hi = -INFINITY;
	}
	for (i = 0; i < count; i++) {
		long at;

		while (fabsf(v[i]) >= r->limit)
			widen(r);
		at = (long)floor((double)v[i] / (double)r->limit * (QUANT_BINS / 2));
		r->bin[at + QUANT_BINS / 2]++;
		r->lo = fminf(r->lo, v[i]);
		r->hi = fmaxf(r->hi, v[i]);
	}
	r->count += count;
	return 0;
}

void quant_range_get(const struct quant_range *r, enum quant_method method, float *lo, float *hi)
{
	double width = (double)r->limit / (QUANT_BINS / 2);
	uint64_t outside = (uint64_t)(QUANT_OUTSIDE / 2 * (double)r->count), seen;
	long i;

	*lo = r->count ? r->lo : 0;
	*hi = r->count ? r->hi : 0;
	if (method == QUANT_MINMAX || !outside)
		return;
	/* The outer edges of the bins in which the first and last that count lie. */
	for (i = 0, seen = r->bin[0]; seen <= outside; seen += r->bin[++i])
		;
	*lo = fmaxf(r->lo, (float)((double)(i - QUANT_BINS / 2) * width));
	for (i = QUANT_BINS - 1, seen = r->bin[i]; seen <= outside; seen += r->bin[--i])
		;
	*hi = fminf(r->hi, (float)((double)(i + 1 - QUANT_BINS / 2) * width));
}

void quant_range_free(struct quant_range *r)
{
	free(r->bin);
}
