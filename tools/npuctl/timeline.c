// SPDX-License-Identifier: MIT
/*
 * Copyright (c) 2026 the npu authors
 *
 * Gathering a timeline.
 */
#include "timeline.h"

#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include "command.h"

static void *need(void *p)
{
	if (!p)
		exit(complain(NPUCTL_FAILED, "out of memory"));
	return p;
}

/* Room for one more: arrays have that of the next power of two. */
static void *grow(void *array, size_t count, size_t size)
{
	if (count & (count - 1))
		return array;
	return need(reallocarray(array, count ? 2 * count : 1, size));
}

static char *print(const char *fmt, va_list ap)
{
	char *text;

	if (vasprintf(&text, fmt, ap) < 0)
		need(NULL);
	return text;
}

void timeline_clear(struct timeline *t)
{
	for (size_t i = 0; i < t->group_count; i++)
		free(t->groups[i].name);
	for (size_t i = 0; i < t->track_count; i++)
		free(t->tracks[i].name);
	for (size_t i = 0; i < t->counter_count; i++)
		free(t->counters[i].name);
	for (size_t i = 0; i < t->slice_count; i++)
		free(t->slices[i].name);
	free(t->groups);
	free(t->tracks);
	free(t->counters);
	free(t->slices);
	free(t->flows);
	free(t->points);
	memset(t, 0, sizeof(*t));
}

unsigned int timeline_group(struct timeline *t, int64_t pid, const char *name)
{
	/* The latest is the likeliest; so with tracks. */
	for (size_t i = t->group_count; i-- > 0;)
		if (t->groups[i].pid == pid)
			return i;
	t->groups = grow(t->groups, t->group_count, sizeof(*t->groups));
	t->groups[t->group_count] = (struct timeline_group){
		.name = need(strdup(name)),
		.pid = pid,
	};
	return t->group_count++;
}

unsigned int timeline_track(struct timeline *t, unsigned int group, int64_t tid, const char *fmt,
			    ...)
{
	va_list ap;

	for (size_t i = t->track_count; i-- > 0;)
		if (t->tracks[i].group == group && t->tracks[i].tid == tid)
			return i;
	t->tracks = grow(t->tracks, t->track_count, sizeof(*t->tracks));
	va_start(ap, fmt);
	t->tracks[t->track_count] = (struct timeline_track){
		.group = group,
		.tid = tid,
		.name = print(fmt, ap),
	};
	va_end(ap);
	return t->track_count++;
}

unsigned int timeline_counter(struct timeline *t, unsigned int group, const char *name,
			      const char *const *series)
{
	struct timeline_counter *c;

	for (size_t i = 0; i < t->counter_count; i++)
		if (t->counters[i].group == group && !strcmp(t->counters[i].name, name))
			return i;
	t->counters = grow(t->counters, t->counter_count, sizeof(*t->counters));
	c = &t->counters[t->counter_count];
	*c = (struct timeline_counter){ .group = group, .name = need(strdup(name)) };
	while (c->count < TIMELINE_SERIES && series[c->count]) {
		c->series[c->count] = series[c->count];
		c->count++;
	}
	return t->counter_count++;
}

struct timeline_slice *timeline_slice(struct timeline *t, unsigned int track, int64_t start,
				      int64_t duration, const char *fmt, ...)
{
	struct timeline_slice *slice;
	va_list ap;

	t->slices = grow(t->slices, t->slice_count, sizeof(*t->slices));
	slice = &t->slices[t->slice_count++];
	va_start(ap, fmt);
	*slice = (struct timeline_slice){
		.track = track,
		.start = start,
		.duration = duration,
		.name = print(fmt, ap),
	};
	va_end(ap);
	if (start + duration > t->end)
		t->end = start + duration;
	return slice;
}

void timeline_argument(struct timeline_slice *slice, const char *key, int64_t value)
{
	for (unsigned int i = 0; i < TIMELINE_ARGS; i++) {
		if (slice->arg[i].key)
			continue;
		slice->arg[i] = (struct timeline_arg){ key, value };
		return;
	}
}

void timeline_flow(struct timeline *t, uint64_t id, enum timeline_step step, unsigned int track,
		   int64_t time)
{
	t->flows = grow(t->flows, t->flow_count, sizeof(*t->flows));
	t->flows[t->flow_count++] = (struct timeline_flow){ id, track, step, time };
}

void timeline_point(struct timeline *t, unsigned int counter, int64_t time, const double *values)
{
	struct timeline_point *p;

	t->points = grow(t->points, t->point_count, sizeof(*t->points));
	p = &t->points[t->point_count++];
	*p = (struct timeline_point){ .counter = counter, .time = time };
	memcpy(p->value, values, t->counters[counter].count * sizeof(*values));
	if (time > t->end)
		t->end = time;
}

static int slice_order(const void *pa, const void *pb)
{
	const struct timeline_slice *a = pa, *b = pb;

	if (a->track != b->track)
		return a->track < b->track ? -1 : 1;
	if (a->start != b->start)
		return a->start < b->start ? -1 : 1;
	return (a->duration > b->duration) - (a->duration < b->duration);
}

static int point_order(const void *pa, const void *pb)
{
	const struct timeline_point *a = pa, *b = pb;

	if (a->counter != b->counter)
		return a->counter < b->counter ? -1 : 1;
	return (a->time > b->time) - (a->time < b->time);
}

void timeline_sort(struct timeline *t)
{
	if (t->slice_count)
		qsort(t->slices, t->slice_count, sizeof(*t->slices), slice_order);
	if (t->point_count)
		qsort(t->points, t->point_count, sizeof(*t->points), point_order);
}
