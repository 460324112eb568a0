// SPDX-License-Identifier: MIT
/*
 * Copyright (c) 2026 the npu authors
 *
 * A timeline as a picture: tracks below each other, counters as steps, time to the right, flows as
 * thin lines. Slices that would be narrower than a pixel's part are drawn together, so a long
 * recording makes no large file.
 */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "command.h"
#include "output.h"
#include "svg.h"
#include "timeline.h"

#define WIDTH	  1200.0
#define LEFT	  230.0 /* labels */
#define RIGHT	  20.0
#define TOP	  60.0
#define BOTTOM	  40.0
#define ROW	  18.0
#define COUNTER	  40.0
#define GROUP	  24.0 /* a group's name */
#define TEXT	  11.0
#define MAX_FLOWS 400
#define LABEL	  34 /* characters */

struct picture {
	const struct timeline *t;
	FILE *f;
	double *track_y; /* upper edge of each track's row */
};

static void *need(void *p)
{
	if (!p)
		exit(complain(NPUCTL_FAILED, "out of memory"));
	return p;
}

static double x_of(const struct picture *p, int64_t time)
{
	double end = p->t->end ? p->t->end : 1;

	return LEFT + (WIDTH - LEFT - RIGHT) * time / end;
}

static double height_of(const struct timeline *t)
{
	return TOP + GROUP * t->group_count + ROW * t->track_count + COUNTER * t->counter_count +
	       BOTTOM;
}

/* Names may be long; nothing is cut inside of a character. */
static void label(FILE *f, double x, double y, const char *name)
{
	char text[LABEL + 8];
	size_t n;

	name = output_name(name);
	n = strlen(name);
	if (n > LABEL) {
		n = LABEL;
		while (n && ((unsigned char)name[n] & 0xc0) == 0x80)
			n--;
		snprintf(text, sizeof(text), "%.*s...", (int)n, name);
		name = text;
	}
	svg_text(f, x, y, TEXT, SVG_START, NULL, name);
}

/* ---- Time ------------------------------------------------------------------------------------ */

/* 1, 2 or 5 times a power of ten, such that there are some ten of them. */
static double tick_ns(double end)
{
	double step = pow(10, floor(log10(end / 10)));

	if (end / step > 60)
		return 10 * step;
	if (end / step > 25)
		return 5 * step;
	return end / step > 12 ? 2 * step : step;
}

static void draw_axis(const struct picture *p, double bottom)
{
	static const struct {
		double ns;
		const char *name;
	} units[] = { { 1e9, "s" }, { 1e6, "ms" }, { 1e3, "us" }, { 1, "ns" } };
	double end = p->t->end ? p->t->end : 1, step = tick_ns(end);
	unsigned int u = 0;
	char text[64];

	if (step < 1)
		step = 1;
	while (u < 3 && end < units[u].ns)
		u++;
	for (unsigned int i = 0; i * step <= end; i++) {
		double x = x_of(p, (int64_t)(i * step));

		svg_line(p->f, x, TOP - 6, x, bottom, "#dddddd", 1, NULL);
		snprintf(text, sizeof(text), "%g %s", i * step / units[u].ns, units[u].name);
		svg_text(p->f, x, TOP - 12, TEXT, SVG_MIDDLE, NULL, text);
		svg_text(p->f, x, bottom + 16, TEXT, SVG_MIDDLE, NULL, text);
	}
}

/* ---- Tracks ---------------------------------------------------------------------------------- */

/** struct run - slices that are drawn as one rectangle */
struct run {
	double from, to;
	unsigned int count, colour;
	const struct timeline_slice *first;
};

static void draw_run(const struct picture *p, const struct run *r, double y)
{
	double width = r->to - r->from, shown = width > 0.6 ? width : 0.6;
	char tip[128];

	if (!r->count)
		return;
	if (r->count == 1)
		snprintf(tip, sizeof(tip), "%s, %.3f us", output_name(r->first->name),
			 r->first->duration / 1e3);
	else
		snprintf(tip, sizeof(tip), "%u, from %s on", r->count, output_name(r->first->name));
	svg_rect(p->f, r->from, y + 2, shown, ROW - 4, svg_colour(r->colour), tip);
	if (r->count == 1 && width > SVG_CHARACTER(TEXT - 1) * (strlen(r->first->name) + 1))
		svg_text(p->f, r->from + 3, y + ROW - 5.5, TEXT - 1, SVG_START, "#ffffff",
			 r->first->name);
}

/* Slices @from to @to are of one track. */
static void draw_slices(const struct picture *p, size_t from, size_t to, double y)
{
	struct run run = { 0 };

	for (size_t i = from; i < to; i++) {
		const struct timeline_slice *s = &p->t->slices[i];
		double x = x_of(p, s->start), end = x_of(p, s->start + s->duration);

		if (run.count && x - run.to < 0.3 && end - x < 1 &&
		    (run.count > 1 || run.to - run.from < 1)) {
			run.count++;
			run.to = end > run.to ? end : run.to;
			continue;
		}
		draw_run(p, &run, y);
		run = (struct run){ x, end, 1, s->colour, s };
	}
	draw_run(p, &run, y);
}

static void draw_track(const struct picture *p, unsigned int track, double y)
{
	size_t from = 0, to;

	while (from < p->t->slice_count && p->t->slices[from].track < track)
		from++;
	for (to = from; to < p->t->slice_count && p->t->slices[to].track == track; to++)
		;
	svg_line(p->f, 8, y + ROW, WIDTH - RIGHT, y + ROW, "#eeeeee", 1, NULL);
	label(p->f, 16, y + ROW - 5, p->t->tracks[track].name);
	draw_slices(p, from, to, y);
}

/* ---- Counters -------------------------------------------------------------------------------- */

static double sum(const struct timeline_counter *c, const struct timeline_point *point)
{
	double all = 0;

	for (unsigned int i = 0; i < c->count; i++)
		all += point->value[i];
	return all;
}

/** struct column - a counter's values while they stay */
struct column {
	double from, to;
	const struct timeline_point *point; /* NULL: none */
};

/* The series upon each other. */
static void draw_column(const struct picture *p, const struct column *column, double y,
			double scale)
{
	const struct timeline_counter *c;
	double above = 0;

	if (!column->point)
		return;
	c = &p->t->counters[column->point->counter];
	for (unsigned int s = 0; s < c->count; s++) {
		double height = column->point->value[s] * scale;

		if (height > 0)
			svg_rect(p->f, column->from, y + COUNTER - 3 - above - height,
				 column->to - column->from, height, svg_colour(s), NULL);
		above += height;
	}
}

static bool is_same(const struct timeline_counter *c, const struct column *column,
		    const struct timeline_point *point)
{
	for (unsigned int s = 0; s < c->count; s++)
		if (column->point->value[s] < point->value[s] ||
		    column->point->value[s] > point->value[s])
			return false;
	return true;
}

/*
 * What stays for a pixel or longer as it is; of shorter ones, that there may be very many of, the
 * highest for all of a pixel.
 */
static void draw_columns(const struct picture *p, const struct timeline_counter *c, size_t from,
			 size_t to, double y, double scale)
{
	struct column shown = { 0 };

	for (size_t i = from; i < to; i++) {
		const struct timeline_point *point = &p->t->points[i];
		struct column next = { .from = x_of(p, point->time), .point = point };

		next.to = x_of(p, i + 1 < to ? point[1].time : p->t->end);
		if (shown.point && is_same(c, &shown, point)) {
			shown.to = next.to;
		} else if (shown.point && shown.to - shown.from < 1 && next.to - next.from < 1) {
			shown.to = next.to;
			if (sum(c, point) > sum(c, shown.point))
				shown.point = point;
		} else {
			draw_column(p, &shown, y, scale);
			shown = next;
		}
	}
	draw_column(p, &shown, y, scale);
}

static void draw_counter(const struct picture *p, unsigned int counter, double y)
{
	const struct timeline_counter *c = &p->t->counters[counter];
	double max = 0, x = 16;
	size_t from = 0, to;
	char text[64];

	while (from < p->t->point_count && p->t->points[from].counter < counter)
		from++;
	for (to = from; to < p->t->point_count && p->t->points[to].counter == counter; to++)
		if (sum(c, &p->t->points[to]) > max)
			max = sum(c, &p->t->points[to]);
	svg_line(p->f, 8, y + COUNTER, WIDTH - RIGHT, y + COUNTER, "#eeeeee", 1, NULL);
	label(p->f, 16, y + 14, c->name);
	if (c->count > 1) {
		for (unsigned int s = 0; s < c->count; s++) {
			svg_rect(p->f, x, y + 21, 8, 8, svg_colour(s), NULL);
			svg_text(p->f, x + 11, y + 29, TEXT - 2, SVG_START, NULL, c->series[s]);
			x += 16 + SVG_CHARACTER(TEXT - 2) * strlen(c->series[s]);
		}
	}
	snprintf(text, sizeof(text), "%.6g%s%s", max, c->count > 1 ? "" : " ",
		 c->count > 1 ? "" : c->series[0]);
	svg_text(p->f, LEFT - 4, y + (c->count > 1 ? 14 : 29), TEXT - 2, SVG_END, "#666666", text);
	if (max > 0)
		draw_columns(p, c, from, to, y, (COUNTER - 8) / max);
}

/* ---- All of it ------------------------------------------------------------------------------- */

static void draw_flows(const struct picture *p)
{
	if (p->t->flow_count > 3 * MAX_FLOWS)
		return;
	for (size_t i = 0; i + 1 < p->t->flow_count; i++) {
		const struct timeline_flow *a = &p->t->flows[i], *b = a + 1;

		if (a->id != b->id)
			continue;
		svg_line(p->f, x_of(p, a->time), p->track_y[a->track] + ROW / 2, x_of(p, b->time),
			 p->track_y[b->track] + ROW / 2, "#888888", 0.5, NULL);
	}
}

void timeline_svg(const struct timeline *t, FILE *f, const char *title)
{
	struct picture p = { t, f, need(calloc(t->track_count + 1, sizeof(double))) };
	double height = height_of(t), y = TOP;

	svg_open(f, WIDTH, height, title);
	svg_text(f, 8, 22, 15, SVG_START, NULL, title);
	draw_axis(&p, height - BOTTOM);
	for (unsigned int g = 0; g < t->group_count; g++) {
		svg_rect(f, 8, y + 4, WIDTH - RIGHT - 8, GROUP - 6, "#f0f0f0", NULL);
		label(f, 12, y + GROUP - 7, t->groups[g].name);
		y += GROUP;
		for (unsigned int i = 0; i < t->track_count; i++) {
			if (t->tracks[i].group != g)
				continue;
			p.track_y[i] = y;
			draw_track(&p, i, y);
			y += ROW;
		}
		for (unsigned int i = 0; i < t->counter_count; i++) {
			if (t->counters[i].group != g)
				continue;
			draw_counter(&p, i, y);
			y += COUNTER;
		}
	}
	draw_flows(&p);
	svg_close(f);
	free(p.track_y);
}
