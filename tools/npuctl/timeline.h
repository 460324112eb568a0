/* SPDX-License-Identifier: MIT */
/*
 * Copyright (c) 2026 the npu authors
 *
 * A timeline: what npuctl trace gathers and two writers render, as a file of the trace event format
 * that Perfetto and Chrome open (timeline_json.c), and as a picture (timeline_svg.c).
 *
 * Groups (of processes' kind) have tracks (of threads' kind), tracks have slices, groups have
 * counters, and flows lead from slice to slice. Times are nanoseconds from the timeline's
 * beginning.
 *
 * Functions that add exit without memory. A timeline belongs to one thread.
 */
#ifndef NPUCTL_TIMELINE_H
#define NPUCTL_TIMELINE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#define TIMELINE_ARGS	6
#define TIMELINE_SERIES 4

/** struct timeline_arg - a figure of a slice; @key NULL: none. Keys stay the caller's */
struct timeline_arg {
	const char *key;
	int64_t value;
};

/**
 * struct timeline_slice - something that took time on a track
 * @track: number of it
 * @start: ns
 * @duration: ns, 0: a moment to which flows can lead
 * @colour: number of the series for pictures
 * @name: owned
 * @arg: what it tells beside
 */
struct timeline_slice {
	unsigned int track, colour;
	int64_t start, duration;
	char *name;
	struct timeline_arg arg[TIMELINE_ARGS];
};

enum timeline_step { TIMELINE_FLOW_START, TIMELINE_FLOW_STEP, TIMELINE_FLOW_END };

/** struct timeline_flow - a point of a flow: in the slice that @track has at @time */
struct timeline_flow {
	uint64_t id;
	unsigned int track;
	enum timeline_step step;
	int64_t time;
};

/** struct timeline_point - values of a counter from a time on */
struct timeline_point {
	unsigned int counter;
	int64_t time;
	double value[TIMELINE_SERIES];
};

/** struct timeline_group - @pid: its number, unlike others' */
struct timeline_group {
	char *name;
	int64_t pid;
};

/** struct timeline_track - @tid: its number, unlike others' of its group */
struct timeline_track {
	unsigned int group;
	char *name;
	int64_t tid;
};

/** struct timeline_counter - @series: their names; stay the caller's */
struct timeline_counter {
	unsigned int group;
	char *name;
	const char *series[TIMELINE_SERIES];
	unsigned int count;
};

/**
 * struct timeline - all of it
 * @end: ns; nothing goes beyond
 * @flows: @flow_count points, those of one id in their order
 */
struct timeline {
	int64_t end;
	struct timeline_group *groups;
	struct timeline_track *tracks;
	struct timeline_counter *counters;
	struct timeline_slice *slices;
	struct timeline_flow *flows;
	struct timeline_point *points;
	size_t group_count, track_count, counter_count, slice_count, flow_count, point_count;
};

void timeline_clear(struct timeline *t);

/** timeline_group() - the group of that number, made if there is none yet; returns its index */
unsigned int timeline_group(struct timeline *t, int64_t pid, const char *name);

/** timeline_track() - likewise a track of a group */
unsigned int timeline_track(struct timeline *t, unsigned int group, int64_t tid, const char *fmt,
			    ...) __attribute__((format(printf, 4, 5)));

/** timeline_counter() - likewise a counter, by its name; @series ends with NULL */
unsigned int timeline_counter(struct timeline *t, unsigned int group, const char *name,
			      const char *const *series);

/**
 * timeline_slice() - add one
 *
 * Slices of a track must not overlap, but may touch. Returns it, for arguments and colour, until
 * the next one is added.
 */
struct timeline_slice *timeline_slice(struct timeline *t, unsigned int track, int64_t start,
				      int64_t duration, const char *fmt, ...)
	__attribute__((format(printf, 5, 6)));

/** timeline_argument() - a figure of a slice, while it has room */
void timeline_argument(struct timeline_slice *slice, const char *key, int64_t value);

/** timeline_flow() - a point of a flow, in the slice of that track that begins at @time */
void timeline_flow(struct timeline *t, uint64_t id, enum timeline_step step, unsigned int track,
		   int64_t time);

/** timeline_point() - values of a counter, as many as it has series */
void timeline_point(struct timeline *t, unsigned int counter, int64_t time, const double *values);

/** timeline_sort() - slices by track and time, points by counter and time; before rendering */
void timeline_sort(struct timeline *t);

/**
 * timeline_json() - as a file of the trace event format, an event a line
 * @about: a line that says what it is, in "otherData"
 */
void timeline_json(const struct timeline *t, FILE *f, const char *about);

/** timeline_svg() - as a picture with @title */
void timeline_svg(const struct timeline *t, FILE *f, const char *title);

#endif
