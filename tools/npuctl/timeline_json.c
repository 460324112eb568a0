// SPDX-License-Identifier: MIT
/*
 * Copyright (c) 2026 the npu authors
 *
 * A timeline as a file of the trace event format: {"traceEvents": [...]}, times in microseconds.
 * Groups are its processes, tracks its threads, slices complete events ("X"), flows "s", "t" and
 * "f", counters "C". A flow's point binds to the slice that its thread has at its time.
 */
#include <jansson.h>
#include <stdlib.h>

#include "command.h"
#include "output.h"
#include "timeline.h"

/* Fifteen digits: nanoseconds of eleven days. */
#define DUMP_FLAGS (JSON_COMPACT | JSON_REAL_PRECISION(15))

struct writer {
	FILE *f;
	bool any;
};

/* Takes the event. */
static void put(struct writer *w, json_t *event)
{
	fputs(w->any ? ",\n" : "", w->f);
	w->any = true;
	json_dumpf(event, w->f, DUMP_FLAGS);
	json_decref(event);
}

static double us(int64_t ns)
{
	return ns / 1e3;
}

/* The names of processes and threads, and their order: that in which they were made. */
static void put_names(struct writer *w, const struct timeline *t)
{
	for (size_t i = 0; i < t->group_count; i++) {
		json_int_t pid = t->groups[i].pid;

		put(w, output_pack("{s:s, s:s, s:I, s:{s:s}}", "ph", "M", "name", "process_name",
				   "pid", pid, "args", "name", output_name(t->groups[i].name)));
		put(w,
		    output_pack("{s:s, s:s, s:I, s:{s:I}}", "ph", "M", "name", "process_sort_index",
				"pid", pid, "args", "sort_index", (json_int_t)i));
	}
	for (size_t i = 0; i < t->track_count; i++) {
		json_int_t pid = t->groups[t->tracks[i].group].pid, tid = t->tracks[i].tid;

		put(w, output_pack("{s:s, s:s, s:I, s:I, s:{s:s}}", "ph", "M", "name",
				   "thread_name", "pid", pid, "tid", tid, "args", "name",
				   output_name(t->tracks[i].name)));
		put(w, output_pack("{s:s, s:s, s:I, s:I, s:{s:I}}", "ph", "M", "name",
				   "thread_sort_index", "pid", pid, "tid", tid, "args",
				   "sort_index", (json_int_t)i));
	}
}

static void put_slice(struct writer *w, const struct timeline *t, const struct timeline_slice *s)
{
	const struct timeline_track *track = &t->tracks[s->track];
	json_t *event = output_pack(
		"{s:s, s:s, s:s, s:I, s:I, s:f, s:f}", "ph", "X", "cat", "npu", "name",
		output_name(s->name), "pid", (json_int_t)t->groups[track->group].pid, "tid",
		(json_int_t)track->tid, "ts", us(s->start), "dur", us(s->duration));
	json_t *args = NULL;

	for (unsigned int i = 0; i < TIMELINE_ARGS && s->arg[i].key; i++) {
		if (!args)
			args = json_object();
		json_object_set_new(args, s->arg[i].key, json_integer(s->arg[i].value));
	}
	if (args)
		json_object_set_new(event, "args", args);
	put(w, event);
}

static void put_flow(struct writer *w, const struct timeline *t, const struct timeline_flow *p)
{
	static const char *const phases[] = {
		[TIMELINE_FLOW_START] = "s",
		[TIMELINE_FLOW_STEP] = "t",
		[TIMELINE_FLOW_END] = "f",
	};
	const struct timeline_track *track = &t->tracks[p->track];
	json_t *event = output_pack("{s:s, s:s, s:s, s:I, s:I, s:I, s:f}", "ph", phases[p->step],
				    "cat", "npu", "name", "job", "id", (json_int_t)p->id, "pid",
				    (json_int_t)t->groups[track->group].pid, "tid",
				    (json_int_t)track->tid, "ts", us(p->time));

	/* Otherwise an end binds to the slice after it. */
	if (p->step == TIMELINE_FLOW_END)
		json_object_set_new(event, "bp", json_string("e"));
	put(w, event);
}

static void put_point(struct writer *w, const struct timeline *t, const struct timeline_point *p)
{
	const struct timeline_counter *c = &t->counters[p->counter];
	json_t *args = json_object();

	for (unsigned int i = 0; i < c->count; i++)
		json_object_set_new(args, c->series[i], json_real(p->value[i]));
	put(w, output_pack("{s:s, s:s, s:s, s:I, s:f, s:o}", "ph", "C", "cat", "npu", "name",
			   output_name(c->name), "pid", (json_int_t)t->groups[c->group].pid, "ts",
			   us(p->time), "args", args));
}

void timeline_json(const struct timeline *t, FILE *f, const char *about)
{
	struct writer w = { .f = f };
	json_t *other = output_pack("{s:s}", "about", output_name(about));

	fputs("{\"displayTimeUnit\":\"ns\",\"otherData\":", f);
	json_dumpf(other, f, DUMP_FLAGS);
	json_decref(other);
	fputs(",\"traceEvents\":[\n", f);
	put_names(&w, t);
	for (size_t i = 0; i < t->slice_count; i++)
		put_slice(&w, t, &t->slices[i]);
	for (size_t i = 0; i < t->flow_count; i++)
		put_flow(&w, t, &t->flows[i]);
	for (size_t i = 0; i < t->point_count; i++)
		put_point(&w, t, &t->points[i]);
	fputs("\n]}\n", f);
}
