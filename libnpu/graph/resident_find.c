// SPDX-License-Identifier: MIT
/*
 * Copyright (c) 2026 the npu authors
 *
 * Which steps stay in SPM: runs of steps that can, arranged in some ways (resident.c), each written
 * out and timed by the card's own model; taken if the best one is quicker than kernels of their own.
 */
#include <errno.h>
#include <stdlib.h>

#include "hal/error.h"
#include "isa/stream.h"
#include "npu/image.h"

#include "resident.h"

/* Of a group: trying where to change the split takes time. */
#define MAX_STEPS 256u
/* What a tensor to be placed counts for, beside those that it is placed among. */
#define TENSOR_EFFORT 64u

/* ---- Trials ---------------------------------------------------------------------------------- */

/* Cycles of a group alone; 0: it cannot be, or was too much to find out. Buffers have places for the trial. */
static int measure(struct npu_lower *l, const struct npu_resident *r, uint64_t *cycles)
{
	struct npu_stream *stream[NPU_MAX_CORES] = { NULL };
	struct npu_code code[NPU_MAX_CORES];
	unsigned int i, barrier;
	int ret = 0;

	*cycles = 0;
	if (!l->timer) {
		l->timer = npu_timer_create(l->caps);
		if (!l->timer)
			ret = npu_fail(-ENOMEM, "out of memory");
	}
	for (i = 0; i < r->cores && !ret; i++) {
		stream[i] = npu_stream_create();
		if (!stream[i])
			ret = npu_fail(-ENOMEM, "out of memory");
	}
	if (!ret)
		ret = npu_resident_emit(l, r, stream, &barrier);
	/* Also where there were too many: then that is all that was done. */
	for (i = 0; i < r->cores && stream[i]; i++)
		l->group_effort.spent += (uint64_t)stream[i]->commands * NPU_EFFORT_COMMAND;
	for (i = 0; i < r->cores && !ret; i++) {
		ret = npu_stream_order(stream[i], l->caps, &l->group_effort);
		code[i] = npu_stream_code(stream[i]);
	}
	if (!ret)
		ret = npu_code_time(l->timer, code, r->cores, &l->group_effort, cycles);
	for (i = 0; i < r->cores; i++)
		npu_stream_free(stream[i]);
	return ret == -ENOSPC ? 0 : ret;
}

static void pretend_places(struct npu_lower *l, const struct npu_resident *r)
{
	uint64_t at = 0;
	unsigned int i;

	for (i = 0; i < r->tensors; i++) {
		struct npu_lower_buffer *b = &l->buffer[r->tensor[i].ref.buffer];

		if (b->kind == NPU_LOWER_CONSTANTS)
			continue;
		b->region = 1;
		b->offset = at;
		at += npu_round_up(b->size, NPU_PACK_ALIGN);
	}
}

/* What kernels of their own take, one behind the other. */
static int measure_apart(struct npu_lower *l, const struct npu_resident *r, uint64_t *cycles)
{
	unsigned int i;
	int ret = 0;

	for (i = *cycles = 0; i < r->steps && !ret; i++) {
		struct npu_gang *gang;

		ret = npu_lower_kernel(l, &l->step[r->first + i], &gang);
		*cycles += ret ? 0 : gang->cycles;
	}
	if (ret != -ENOTSUP && ret != -EINVAL)
		return ret;
	/* There is no such kernel. */
	*cycles = UINT64_MAX;
	return 0;
}

/* The best arrangement of a group; 0 cycles: none. */
static int best(struct npu_lower *l, struct npu_resident *r, uint64_t *cycles)
{
	static const uint32_t pixels[] = { 512, 256 };
	uint32_t rows, best_rows = 0, best_pixels = 0, tried = 0;
	unsigned int i, k;
	uint64_t t;
	int ret = 0;

	*cycles = 0;
	pretend_places(l, r);
	/*
	 * Each height of an image as the least that is split by rows, unless it is about the one tried
	 * before: pools and strides halve it, and a trial costs as much as the group. At last none is.
	 */
	for (rows = 1; rows && !ret; rows = tried == UINT32_MAX ? 0 : tried + 1 + tried / 4) {
		tried = UINT32_MAX;
		for (i = 0; i < r->steps; i++) {
			uint32_t h = r->tensor[r->step[i].out].h;

			if (h >= rows)
				tried = npu_min(tried, h);
		}
		for (k = 0; k < sizeof(pixels) / sizeof(pixels[0]) && !ret; k++) {
			if (!npu_effort_left(&l->group_effort))
				break;
			l->group_effort.spent += r->tensors * (TENSOR_EFFORT + r->tensors);
			if (!npu_resident_arrange(r, tried, pixels[k]))
				continue;
			ret = measure(l, r, &t);
			if (!ret && t && (!*cycles || t < *cycles)) {
				*cycles = t;
				best_rows = tried;
				best_pixels = pixels[k];
			}
		}
	}
	if (!ret && *cycles)
		npu_resident_arrange(r, best_rows, best_pixels);
	return ret;
}

/* ---- All of them ----------------------------------------------------------------------------- */

/* Memory that cores exchange through is not used again before a barrier. */
static void settle(struct npu_lower *l, const struct npu_resident *r)
{
	unsigned int i, end;

	for (i = 0; i < r->tensors; i++) {
		const struct npu_resident_tensor *t = &r->tensor[i];
		struct npu_lower_buffer *b = &l->buffer[t->ref.buffer];

		if (t->producer >= 0 && !t->kept && !npu_resident_exchanged(r, t)) {
			b->nowhere = b->kind == NPU_LOWER_SCRATCH;
			continue;
		}
		end = (unsigned int)npu_max(t->last, 0);
		while (end + 1 < r->steps && !r->step[end + 1].barrier)
			end++;
		b->last = (int)npu_max(b->last, r->first + end);
	}
}

static int collect(struct npu_lower *l, struct npu_resident *r, unsigned int first,
		   unsigned int most)
{
	int ret = npu_resident_collect(l, r, first, most);

	l->group_effort.spent += (uint64_t)r->steps * (TENSOR_EFFORT + r->tensors);
	return ret;
}

int npu_resident_find(struct npu_lower *l)
{
	unsigned int first = 0, most;
	uint64_t cycles, apart;
	int ret = 0;

	while (first + 1 < l->steps && !ret && npu_effort_left(&l->group_effort)) {
		struct npu_resident r = { 0 };

		/* Two at least: most steps of most networks are told apart here. */
		if (l->step[first].kind != NPU_STEP_PRODUCT ||
		    l->step[first + 1].kind != NPU_STEP_PRODUCT) {
			first++;
			continue;
		}
		most = npu_min(l->steps - first, MAX_STEPS);
		ret = collect(l, &r, first, most);
		for (cycles = 0; !ret && r.steps > 1;) {
			ret = best(l, &r, &cycles);
			if (ret || cycles)
				break;
			/* Too much for SPM: fewer steps. */
			most = r.steps - 1 - r.steps / 8;
			npu_resident_free(&r);
			ret = collect(l, &r, first, most);
		}
		if (!ret && cycles)
			ret = measure_apart(l, &r, &apart);
		/* Kernels of their own are no worse: so it stays. */
		if (!ret && cycles && apart <= cycles) {
			first += r.steps;
			npu_resident_free(&r);
			continue;
		}
		if (!ret && cycles)
			ret = npu_graph_grow(&l->resident, &l->resident_room, l->residents,
					     sizeof(*l->resident));
		if (ret || !cycles) {
			npu_resident_free(&r);
			first++;
			continue;
		}
		settle(l, &r);
		l->resident[l->residents++] = r;
		first += r.steps;
	}
	return ret;
}
