// SPDX-License-Identifier: MIT
/*
 * Copyright (c) 2026 the npu authors
 *
 * A model's commands as a timeline: a group a core, a track an engine, in the time that the card's
 * own model says they take, everything in local memory. Nothing is run.
 */
#include <stdlib.h>
#include <string.h>

#include "npu/stream.h"

#include "command.h"
#include "output.h"
#include "trace.h"

/* Of which traffic is told. */
#define WINDOWS 256

/** struct step - an engine begins, or is free again */
struct step {
	uint64_t cycle;
	unsigned int engine;
	int change;
};

/**
 * struct view - what is drawn
 * @group, @track: of each core, and of its engines
 * @steps: two a command
 * @cycles: of the whole; known beforehand
 * @bytes: moved in each window: of local memory, and over PCIe
 */
struct view {
	struct timeline *t;
	const struct npu_caps *caps;
	const struct npu_image *image;
	unsigned int track[NPU_MAX_CORES][NPU_ENGINES];
	struct step *steps;
	size_t step_count, commands;
	uint64_t cycles;
	double bytes[WINDOWS][2];
};

static const char *const engines[] = {
	[NPU_ENGINE_LOAD] = "LOAD",
	[NPU_ENGINE_MXU] = "MXU",
	[NPU_ENGINE_VPU] = "VPU",
	[NPU_ENGINE_STORE] = "STORE",
	NULL,
};

static void *need(void *p)
{
	if (!p)
		exit(complain(NPUCTL_FAILED, "out of memory"));
	return p;
}

static int64_t ns(const struct view *v, uint64_t cycles)
{
	return cycles * 1e6 / v->caps->clock_khz;
}

static void add_step(struct view *v, uint64_t cycle, unsigned int engine, int change)
{
	if (!(v->step_count & (v->step_count - 1)))
		v->steps = need(reallocarray(v->steps, v->step_count ? 2 * v->step_count : 1,
					     sizeof(*v->steps)));
	v->steps[v->step_count++] = (struct step){ cycle, engine, change };
}

/* Evenly from its start until the engine is free: of a command no more is known. */
static void add_bytes(struct view *v, const struct npu_command_time *c)
{
	double window = (double)v->cycles / WINDOWS, length = c->free - c->start;

	if (!(c->lmem_bytes | c->pcie_bytes) || length <= 0)
		return;
	for (unsigned int w = c->start / window; w < WINDOWS && w * window < c->free; w++) {
		double from = w * window > c->start ? w * window : c->start;
		double to = (w + 1) * window < c->free ? (w + 1) * window : c->free;

		if (to <= from)
			continue;
		v->bytes[w][0] += c->lmem_bytes * (to - from) / length;
		v->bytes[w][1] += c->pcie_bytes * (to - from) / length;
	}
}

static void draw(void *opaque, const struct npu_command_time *c)
{
	struct view *v = opaque;
	struct timeline_slice *slice;
	int64_t start = ns(v, c->start);

	if (v->commands++ >= TRACE_MAX_EVENTS)
		return;
	slice = timeline_slice(v->t, v->track[c->core][c->engine], start, ns(v, c->free) - start,
			       "%s%s%s", c->name, c->tag < v->image->layer_count ? " " : "",
			       c->tag < v->image->layer_count ? v->image->layers[c->tag].name : "");
	slice->colour = c->tag;
	timeline_argument(slice, "start_cycle", c->start);
	timeline_argument(slice, "free_cycle", c->free);
	timeline_argument(slice, "end_cycle", c->end);
	timeline_argument(slice, "tag", c->tag);
	timeline_argument(slice, "offset", c->cmd);
	if (c->lmem_bytes | c->pcie_bytes)
		timeline_argument(slice, "bytes", c->lmem_bytes + c->pcie_bytes);
	else
		timeline_argument(slice, "work", c->work);
	add_step(v, c->start, c->engine, 1);
	add_step(v, c->free, c->engine, -1);
	add_bytes(v, c);
}

static int by_cycle(const void *pa, const void *pb)
{
	const struct step *a = pa, *b = pb;

	return (a->cycle > b->cycle) - (a->cycle < b->cycle);
}

static void draw_steps(struct view *v, unsigned int group)
{
	unsigned int counter = timeline_counter(v->t, group, "cores whose engine works", engines);
	double values[NPU_ENGINES] = { 0 };

	if (v->step_count)
		qsort(v->steps, v->step_count, sizeof(*v->steps), by_cycle);
	for (size_t i = 0; i < v->step_count; i++) {
		values[v->steps[i].engine] += v->steps[i].change;
		if (i + 1 == v->step_count || v->steps[i + 1].cycle != v->steps[i].cycle)
			timeline_point(v->t, counter, ns(v, v->steps[i].cycle), values);
	}
}

static void draw_traffic(struct view *v, unsigned int group)
{
	static const char *const series[] = { "local memory", "PCIe", NULL };
	unsigned int counter = timeline_counter(v->t, group, "bytes a cycle", series);
	double window = (double)v->cycles / WINDOWS, values[2] = { 0 };

	for (unsigned int w = 0; w < WINDOWS; w++) {
		values[0] = v->bytes[w][0] / window;
		values[1] = v->bytes[w][1] / window;
		timeline_point(v->t, counter, ns(v, w * window), values);
	}
}

int trace_model(struct timeline *t, const struct npu_caps *caps, const struct npu_image *image,
		const char *path, struct trace_model_sums *sums)
{
	struct view v = { .t = t, .caps = caps, .image = image };
	uint64_t size[NPU_MAX_REGIONS];
	unsigned int all;

	for (unsigned int i = 0; i < NPU_MAX_REGIONS; i++)
		size[i] = image->region[i].size;
	if (npu_image_fits(image, caps) ||
	    npu_code_check(caps, image->code, image->cores, size, NULL) ||
	    npu_code_cycles(caps, image->code, image->cores, 0, &v.cycles))
		return complain_npu(path);
	all = timeline_group(t, 1, "all cores");
	for (unsigned int c = 0; c < image->cores; c++) {
		char name[32];
		unsigned int group;

		snprintf(name, sizeof(name), "core %u", c);
		group = timeline_group(t, 2 + c, name);
		for (unsigned int e = 0; e < NPU_ENGINES; e++)
			v.track[c][e] = timeline_track(t, group, 1 + e, "%s", engines[e]);
	}
	if (npu_code_timeline(caps, image->code, image->cores, 0, draw, &v, &sums->cycles)) {
		free(v.steps);
		return complain_npu(path);
	}
	sums->commands = v.commands;
	if (v.cycles) {
		draw_steps(&v, all);
		draw_traffic(&v, all);
	}
	free(v.steps);
	if (ns(&v, v.cycles) > t->end)
		t->end = ns(&v, v.cycles);
	if (v.commands > TRACE_MAX_EVENTS)
		return complain(NPUCTL_FAILED, "%s: it has %zu commands, no more than %d are drawn",
				path, v.commands, TRACE_MAX_EVENTS);
	return NPUCTL_DONE;
}
