// SPDX-License-Identifier: MIT
/*
 * Copyright (c) 2026 the npu authors
 *
 * The search for the best way to do an operation. Kernels list candidates with a quick estimate;
 * the promising ones are written out, ordered and timed by the card's own model, for the core with
 * the largest share; the best of them are improved by variations. So an estimate decides only what
 * is looked at, never what is taken.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "hal/error.h"
#include "isa/stream.h"

#include "plan.h"

/* Written out at most: candidates, and variations of each of the best. Long streams count more. */
#define MAX_TRIES      120u
#define MAX_VARIATIONS 60u
#define BEST	       4u
#define LONG_STREAM    40000u
/* Effort until a candidate fits, if none does: some of the longest streams. */
#define NONE_FITS (1ull << 28)
/* What listing a candidate counts for. */
#define LOOK_EFFORT 64u

void npu_gang_free(struct npu_gang *gang)
{
	unsigned int i;

	for (i = 0; i < gang->cores; i++)
		npu_stream_free(gang->stream[i]);
	gang->cores = 0;
}

void npu_share(uint32_t total, uint32_t unit, uint32_t parts, uint32_t i, uint32_t *first,
	       uint32_t *end)
{
	uint32_t units = npu_div_up(total, unit), each = units / parts, more = units % parts;

	*first = npu_min((uint64_t)(i * each + npu_min(i, more)) * unit, total);
	*end = npu_min((uint64_t)((i + 1) * each + npu_min(i + 1, more)) * unit, total);
}

bool npu_search_look(struct npu_search *s)
{
	s->effort->spent += LOOK_EFFORT;
	return !s->count || npu_effort_left(s->effort);
}

void npu_search_add(struct npu_search *s, const struct npu_candidate *c)
{
	if (s->count == s->room) {
		unsigned int room = s->room ? s->room * 2 : 256;
		struct npu_candidate *grown = realloc(s->candidate, room * sizeof(*grown));

		if (!grown) {
			s->error = -ENOMEM;
			return;
		}
		s->candidate = grown;
		s->room = room;
	}
	s->candidate[s->count++] = *c;
}

static int by_estimate(const void *a, const void *b)
{
	const struct npu_candidate *x = a, *y = b;
	int i;

	if (x->estimate != y->estimate)
		return x->estimate < y->estimate ? -1 : 1;
	if (x->cores != y->cores)
		return x->cores < y->cores ? -1 : 1;
	/* So that the order, and with it the result, is the same with every qsort(). */
	i = memcmp(x->param, y->param, sizeof(x->param));
	return i;
}

/* One core's commands, not in order yet; -ENOSPC: does not fit. */
static int write_core(const struct npu_search *s, const struct npu_candidate *c, unsigned int core,
		      struct npu_stream *out)
{
	struct npu_emit e = { .s = out, .caps = s->caps };

	npu_stream_clear(out);
	s->emit(&e, s->problem, c, core);
	s->effort->spent += (uint64_t)out->commands * NPU_EFFORT_COMMAND;
	/* Too many commands are too many for the card as well. */
	if (out->error && out->error != -ENOSPC)
		return npu_fail(out->error, NPU_STREAM_ERROR);
	return e.full || out->error ? -ENOSPC : 0;
}

/* A candidate that was written out, where it comes from, and its cycles. */
struct choice {
	struct npu_candidate c;
	struct npu_candidate *origin;
	uint64_t cycles;
};

/*
 * Cycles of a candidate: estimated, if there is no effort left to find out. -ENOSPC: it does not fit.
 * @tries: what that took, is added.
 */
static int try(const struct npu_search *s, struct npu_stream *stream, const struct npu_candidate *c,
	       uint64_t *cycles, unsigned int *tries)
{
	int ret = write_core(s, c, 0, stream);
	struct npu_code code;

	*cycles = 0;
	if (!ret && npu_effort_left(s->effort)) {
		ret = npu_stream_order(stream, s->caps, s->effort);
		code = npu_stream_code(stream);
		if (!ret)
			ret = npu_code_time(s->timer, &code, 1, s->effort, cycles);
	}
	if (!ret && !*cycles)
		*cycles = c->estimate;
	if (!ret)
		*tries += 1 + stream->commands / LONG_STREAM * 8;
	return ret;
}

/* Improve a candidate step by step, until no variation of it is better. */
static int vary(const struct npu_search *s, struct npu_stream *stream, struct choice *ch)
{
	unsigned int tries = 0, i;
	uint64_t before, cycles;

	do {
		before = ch->cycles;
		for (i = 0; tries < MAX_VARIATIONS && npu_effort_left(s->effort); i++) {
			struct npu_candidate v = ch->c;
			int ret;

			if (!s->vary(s, &ch->c, i, &v))
				break;
			if (!memcmp(v.param, ch->c.param, sizeof(v.param)))
				continue;
			ret = try(s, stream, &v, &cycles, &tries);
			if (ret && ret != -ENOSPC)
				return ret;
			if (ret || cycles >= ch->cycles)
				continue;
			ch->c = v;
			ch->cycles = cycles;
		}
	} while (ch->cycles < before);
	return 0;
}

/* Put a choice among the best, which are in order; the last one goes. */
static void rank(struct choice best[BEST], const struct choice *ch)
{
	unsigned int i;

	for (i = BEST; i && ch->cycles < best[i - 1].cycles; i--)
		if (i < BEST)
			best[i] = best[i - 1];
	if (i < BEST)
		best[i] = *ch;
}

/* The candidate of fewest cycles: of the best ones, each improved. NULL as origin: none fits. */
static int choose(const struct npu_search *s, struct npu_stream *stream, struct choice *chosen)
{
	uint64_t before = s->effort->spent;
	struct choice best[BEST];
	unsigned int i, tries = 0;
	int ret;

	for (i = 0; i < BEST; i++)
		best[i] = (struct choice){ .cycles = UINT64_MAX };
	for (i = 0; i < s->count && tries < MAX_TRIES; i++) {
		struct choice ch = { .c = s->candidate[i], .origin = &s->candidate[i] };

		if (!ch.c.cores)
			continue;
		if (best[0].origin ? !npu_effort_left(s->effort) :
				     s->effort->spent - before > NONE_FITS)
			break;
		/* Estimates err: what looks much worse than the best so far is. */
		if (best[0].origin && ch.c.estimate > best[0].cycles + best[0].cycles / 4)
			break;
		ret = try(s, stream, &ch.c, &ch.cycles, &tries);
		if (ret && ret != -ENOSPC)
			return ret;
		if (!ret)
			rank(best, &ch);
	}
	*chosen = best[0];
	for (i = 0; i < BEST && best[i].origin && s->vary; i++) {
		ret = vary(s, stream, &best[i]);
		if (ret)
			return ret;
		if (best[i].cycles < chosen->cycles)
			*chosen = best[i];
	}
	return 0;
}

static int write_gang(const struct npu_search *s, const struct npu_candidate *c,
		      struct npu_gang *gang)
{
	struct npu_code code[NPU_MAX_CORES];
	bool ordered = true;
	uint64_t cycles = 0;
	int ret = 0;

	gang->cycles = c->estimate;
	while (gang->cores < c->cores) {
		struct npu_stream *stream = npu_stream_create();

		if (!stream)
			return npu_fail(-ENOMEM, "out of memory");
		gang->stream[gang->cores] = stream;
		ret = write_core(s, c, gang->cores++, stream);
		ordered = ordered && npu_effort_left(s->effort);
		if (!ret && ordered)
			ret = npu_stream_order(stream, s->caps, s->effort);
		if (ret)
			return ret;
		code[gang->cores - 1] = npu_stream_code(stream);
	}
	if (ordered)
		ret = npu_code_time(s->timer, code, gang->cores, s->effort, &cycles);
	/* What ran out on the way may be in order by force. */
	gang->ordered = !ret && cycles;
	if (gang->ordered)
		gang->cycles = cycles;
	return ret;
}

int npu_search_run(struct npu_search *s, struct npu_gang *gang)
{
	struct npu_stream *stream = npu_stream_create();
	struct choice ch;
	int ret;

	memset(gang, 0, sizeof(*gang));
	s->timer = npu_timer_create(s->caps);
	ret = stream && s->timer ? s->error : -ENOMEM;
	if (ret)
		npu_fail(ret, "out of memory");
	else if (s->count)
		qsort(s->candidate, s->count, sizeof(*s->candidate), by_estimate);
	while (!ret) {
		ret = choose(s, stream, &ch);
		if (!ret && !ch.origin)
			ret = npu_fail(-ENOTSUP, "no way was found to cut this operation into "
						 "tiles that fit the card");
		if (ret)
			break;
		ret = write_gang(s, &ch.c, gang);
		if (ret)
			npu_gang_free(gang);
		if (ret != -ENOSPC)
			break;
		/* Another core's share does not fit: not this one then. */
		ch.origin->cores = 0;
		ret = 0;
	}
	npu_stream_free(stream);
	npu_timer_free(s->timer);
	s->timer = NULL;
	free(s->candidate);
	s->candidate = NULL;
	return ret;
}
