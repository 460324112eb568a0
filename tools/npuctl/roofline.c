// SPDX-License-Identifier: MIT
/*
 * Copyright (c) 2026 the npu authors
 *
 * Drawing rooflines. Points have numbers, a list beside the plot has their names and figures, so
 * that any number of kernels of any names can be read.
 */
#include "roofline.h"

#include <math.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "command.h"
#include "file.h"
#include "output.h"
#include "svg.h"

#define LEFT   90.0
#define TOP    60.0
#define PLOT_W 640.0
#define PLOT_H 460.0
#define BOTTOM 70.0
#define LIST   (LEFT + PLOT_W + 40)
#define WIDTH  (LIST + 440)
#define ROW    15.0
#define NUMBER 10.0 /* size of a point's number */
#define ROOF   12.0 /* size of a roof's name */
#define DOT    3.5
#define NAME   30 /* characters of a name in the list */

/* Work that is many cycles: rates and bandwidth are what the library's own formula makes of it. */
#define MUCH (UINT64_C(1) << 40)

/* Of all roofs' names together, at most. */
#define ROOF_CHARACTERS 400

struct box {
	double x0, y0, x1, y1;
};

/**
 * struct plot - a roofline while it is drawn
 * @x_from, @x_to, @y_from, @y_to: the axes' powers of ten
 * @bandwidth: bytes a second
 * @roof: operations a second at each rate
 * @used: rates that points have
 * @taken: where no number may be put any more, @taken_count of @taken_room
 */
struct plot {
	const struct roofline *r;
	FILE *f;
	int x_from, x_to, y_from, y_to;
	double bandwidth;
	double roof[NPU_RATES];
	bool used[NPU_RATES];
	struct box *taken;
	size_t taken_count, taken_room;
};

static const char *const rate_names[NPU_RATES] = {
	[NPU_RATE_ARRAY] = "arrays, 8-bit",
	[NPU_RATE_DEPTHWISE] = "depthwise, 8-bit",
	[NPU_RATE_ARRAY_FLOAT] = "arrays, bf16 and fp16",
	[NPU_RATE_DEPTHWISE_FLOAT] = "depthwise, bf16 and fp16",
};

/* ---- Figures --------------------------------------------------------------------------------- */

/* An operation is a multiplication or an addition. */
static double intensity(const struct roofline_point *p)
{
	return 2.0 * p->work.macs / p->work.bytes;
}

static double speed(const struct plot *x, const struct roofline_point *p)
{
	return 2.0 * p->work.macs * x->r->caps->clock_khz * 1e3 / p->cycles;
}

static void find_roofs(struct plot *x)
{
	double clock = x->r->caps->clock_khz * 1e3;
	uint64_t mac_cycles, byte_cycles;

	for (unsigned int rate = NPU_RATE_ARRAY; rate < NPU_RATES; rate++) {
		const struct npu_work much = { .macs = MUCH, .bytes = MUCH, .rate = rate };

		npu_work_cycles(x->r->caps, &much, &mac_cycles, &byte_cycles);
		x->roof[rate] = 2.0 * MUCH / mac_cycles * clock;
		x->bandwidth = (double)MUCH / byte_cycles * clock;
	}
	for (size_t i = 0; i < x->r->count; i++)
		x->used[x->r->points[i].work.rate] = true;
}

static void extend(double value, int *from, int *to, bool *any)
{
	int low = (int)floor(log10(value)), high = (int)ceil(log10(value) + 1e-9);

	if (!*any || low < *from)
		*from = low;
	if (!*any || high > *to)
		*to = high;
	*any = true;
}

/* All points, and each roof's edge, with some room. */
static void find_axes(struct plot *x)
{
	bool any_x = false, any_y = false;

	for (size_t i = 0; i < x->r->count; i++) {
		extend(intensity(&x->r->points[i]), &x->x_from, &x->x_to, &any_x);
		extend(speed(x, &x->r->points[i]), &x->y_from, &x->y_to, &any_y);
	}
	for (unsigned int rate = NPU_RATE_ARRAY; rate < NPU_RATES; rate++) {
		if (!x->used[rate])
			continue;
		extend(x->roof[rate] / x->bandwidth, &x->x_from, &x->x_to, &any_x);
		extend(x->roof[rate], &x->y_from, &x->y_to, &any_y);
	}
}

static double px(const struct plot *x, double value)
{
	return LEFT + PLOT_W * (log10(value) - x->x_from) / (x->x_to - x->x_from);
}

static double py(const struct plot *x, double value)
{
	return TOP + PLOT_H * (1 - (log10(value) - x->y_from) / (x->y_to - x->y_from));
}

/* "1.64 T" */
static const char *scaled(double value, char text[32])
{
	static const char *const units[] = { "", " k", " M", " G", " T", " P" };
	unsigned int u = 0;

	while (value >= 999.5 && u + 1 < sizeof(units) / sizeof(*units)) {
		value /= 1000;
		u++;
	}
	snprintf(text, 32, "%.4g%s", value, units[u]);
	return text;
}

/* ---- Axes and roofs -------------------------------------------------------------------------- */

static void draw_axes(const struct plot *x)
{
	char text[32];

	for (int e = x->x_from; e <= x->x_to; e++) {
		double at = px(x, pow(10, e));

		for (int k = 2; k < 10 && e < x->x_to; k++)
			svg_line(x->f, px(x, k * pow(10, e)), TOP, px(x, k * pow(10, e)),
				 TOP + PLOT_H, "#eeeeee", 0.5, NULL);
		svg_line(x->f, at, TOP, at, TOP + PLOT_H + 5, "#cccccc", 1, NULL);
		svg_text(x->f, at, TOP + PLOT_H + 20, 12, SVG_MIDDLE, NULL,
			 scaled(pow(10, e), text));
	}
	for (int e = x->y_from; e <= x->y_to; e++) {
		double at = py(x, pow(10, e));

		for (int k = 2; k < 10 && e < x->y_to; k++)
			svg_line(x->f, LEFT, py(x, k * pow(10, e)), LEFT + PLOT_W,
				 py(x, k * pow(10, e)), "#eeeeee", 0.5, NULL);
		svg_line(x->f, LEFT - 5, at, LEFT + PLOT_W, at, "#cccccc", 1, NULL);
		svg_text(x->f, LEFT - 9, at + 4, 12, SVG_END, NULL, scaled(pow(10, e), text));
	}
	svg_line(x->f, LEFT, TOP, LEFT, TOP + PLOT_H, "#000000", 1, NULL);
	svg_line(x->f, LEFT, TOP + PLOT_H, LEFT + PLOT_W, TOP + PLOT_H, "#000000", 1, NULL);
	svg_text(x->f, LEFT + PLOT_W / 2, TOP + PLOT_H + 44, 13, SVG_MIDDLE, NULL,
		 "operations a byte that must move to or from local memory");
	svg_text_turned(x->f, 24, TOP + PLOT_H / 2, 13, 90, "operations a second, modelled");
}

static struct box around(double x, double y, double width, double height)
{
	return (struct box){ x - width / 2, y - height / 2, x + width / 2, y + height / 2 };
}

/* A text along a line from its middle on: a box for each character. */
static void take_text(struct plot *x, const char *text, double cx, double cy, double degrees)
{
	double step = SVG_CHARACTER(ROOF), first = -step * (strlen(text) - 1) / 2;

	for (size_t i = 0; text[i] && x->taken_count < ROOF_CHARACTERS; i++) {
		double along = first + step * i;

		x->taken[x->taken_count++] =
			around(cx + along * cos(degrees * M_PI / 180),
			       cy - along * sin(degrees * M_PI / 180), ROOF, ROOF);
	}
}

static void draw_bandwidth(struct plot *x, double highest)
{
	double low = pow(10, x->x_from), high = highest / x->bandwidth, x1, y1, x2, y2, middle;
	double bottom = pow(10, x->y_from) / x->bandwidth;
	double length, angle;
	char number[32], text[64];

	if (low < bottom)
		low = bottom;
	if (low >= high)
		return;
	x1 = px(x, low);
	y1 = py(x, low * x->bandwidth);
	x2 = px(x, high);
	y2 = py(x, high * x->bandwidth);
	svg_line(x->f, x1, y1, x2, y2, "#000000", 1.5, NULL);
	snprintf(text, sizeof(text), "local memory: %sB/s", scaled(x->bandwidth, number));
	middle = sqrt(low * high);
	length = hypot(x2 - x1, y1 - y2);
	angle = atan2(y1 - y2, x2 - x1) * 180 / M_PI;
	/* Above the line: away from it at a right angle. */
	x1 = px(x, middle) - 8 * (y1 - y2) / length;
	y1 = py(x, middle * x->bandwidth) - 8 * (x2 - px(x, low)) / length;
	svg_text_turned(x->f, x1, y1, ROOF, angle, text);
	take_text(x, text, x1, y1 - ROOF / 3, angle);
}

static void draw_roofs(struct plot *x)
{
	double highest = 0;
	char number[32], text[96];

	for (unsigned int rate = NPU_RATE_ARRAY; rate < NPU_RATES; rate++) {
		double roof = x->roof[rate], from = px(x, roof / x->bandwidth);

		if (!x->used[rate])
			continue;
		if (roof > highest)
			highest = roof;
		svg_line(x->f, from, py(x, roof), LEFT + PLOT_W, py(x, roof), "#000000", 1.5,
			 rate == NPU_RATE_DEPTHWISE || rate == NPU_RATE_DEPTHWISE_FLOAT ? "6 3" :
											  NULL);
		snprintf(text, sizeof(text), "%s: %sOPS", rate_names[rate], scaled(roof, number));
		svg_text(x->f, LEFT + PLOT_W - 4, py(x, roof) - 5, ROOF, SVG_END, NULL, text);
		take_text(x, text, LEFT + PLOT_W - 4 - SVG_CHARACTER(ROOF) * strlen(text) / 2,
			  py(x, roof) - 5 - ROOF / 3, 0);
	}
	draw_bandwidth(x, highest);
}

/* ---- Points ---------------------------------------------------------------------------------- */

static bool is_taken(const struct plot *x, const struct box *b)
{
	for (size_t i = 0; i < x->taken_count; i++)
		if (b->x0 < x->taken[i].x1 && b->x1 > x->taken[i].x0 && b->y0 < x->taken[i].y1 &&
		    b->y1 > x->taken[i].y0)
			return true;
	return false;
}

/* As near to its point as there is room. */
static void draw_number(struct plot *x, double cx, double cy, unsigned int number)
{
	static const double turns[][2] = { { 1, 1 },  { 0, 1.2 },  { 1.3, 0 },	{ -1, 1 },
					   { 1, -1 }, { -1.3, 0 }, { 0, -1.2 }, { -1, -1 } };
	char text[16];
	double width, tx = cx, ty = cy, away;
	struct box b;

	snprintf(text, sizeof(text), "%u", number);
	width = SVG_CHARACTER(NUMBER) * strlen(text) + 2;
	for (away = 9; away < 120; away += 6) {
		for (size_t i = 0; i < sizeof(turns) / sizeof(*turns); i++) {
			tx = cx + turns[i][0] * away;
			ty = cy + turns[i][1] * away;
			b = around(tx, ty, width, NUMBER);
			if (b.x0 > LEFT && b.x1 < LEFT + PLOT_W && b.y0 > TOP - 20 &&
			    b.y1 < TOP + PLOT_H && !is_taken(x, &b))
				goto found;
		}
	}
found:
	x->taken[x->taken_count++] = around(tx, ty, width, NUMBER);
	if (away > 10)
		svg_line(x->f, cx, cy, tx, ty, "#aaaaaa", 0.5, NULL);
	svg_text(x->f, tx, ty + 3.5, NUMBER, SVG_MIDDLE, NULL, text);
}

static void draw_points(struct plot *x)
{
	/* Numbers keep off all points. */
	for (size_t i = 0; i < x->r->count; i++) {
		const struct roofline_point *p = &x->r->points[i];

		x->taken[x->taken_count++] =
			around(px(x, intensity(p)), py(x, speed(x, p)), 2 * DOT + 1, 2 * DOT + 1);
	}
	for (size_t i = 0; i < x->r->count; i++) {
		const struct roofline_point *p = &x->r->points[i];

		draw_number(x, px(x, intensity(p)), py(x, speed(x, p)), i + 1);
	}
	for (size_t i = 0; i < x->r->count; i++) {
		const struct roofline_point *p = &x->r->points[i];

		svg_dot(x->f, px(x, intensity(p)), py(x, speed(x, p)), DOT,
			svg_colour(p->work.rate), p->label);
	}
}

static void draw_list(const struct plot *x)
{
	static const double columns[] = { LIST + 22, LIST + 30, LIST + 290, LIST + 365,
					  LIST + 430 };
	uint64_t limit, mac_cycles, byte_cycles;
	double y = TOP;
	char text[64], number[32];

	svg_text(x->f, columns[0], y, 11, SVG_END, "#666666", "#");
	svg_text(x->f, columns[1], y, 11, SVG_START, "#666666", "kernel");
	svg_text(x->f, columns[2], y, 11, SVG_END, "#666666", "operations/B");
	svg_text(x->f, columns[3], y, 11, SVG_END, "#666666", "OPS");
	svg_text(x->f, columns[4], y, 11, SVG_END, "#666666", "of its roof");
	for (size_t i = 0; i < x->r->count; i++) {
		const struct roofline_point *p = &x->r->points[i];

		y += ROW;
		snprintf(text, sizeof(text), "%zu", i + 1);
		svg_text(x->f, columns[0], y, 11, SVG_END, svg_colour(p->work.rate), text);
		snprintf(text, sizeof(text), "%.*s%s", NAME, output_name(p->label),
			 strlen(p->label) > NAME ? "..." : "");
		svg_text(x->f, columns[1], y, 11, SVG_START, NULL, text);
		snprintf(text, sizeof(text), "%.1f", intensity(p));
		svg_text(x->f, columns[2], y, 11, SVG_END, NULL, text);
		svg_text(x->f, columns[3], y, 11, SVG_END, NULL, scaled(speed(x, p), number));
		limit = npu_work_cycles(x->r->caps, &p->work, &mac_cycles, &byte_cycles);
		snprintf(text, sizeof(text), "%.1f %%", 100.0 * limit / p->cycles);
		svg_text(x->f, columns[4], y, 11, SVG_END, NULL, text);
	}
}

static void draw(FILE *f, const void *opaque)
{
	struct plot x = { .r = opaque, .f = f };
	double height = TOP + PLOT_H + BOTTOM, list = TOP + ROW * (x.r->count + 2);

	x.taken_room = 2 * x.r->count + ROOF_CHARACTERS;
	x.taken = calloc(x.taken_room, sizeof(*x.taken));
	if (!x.taken)
		exit(complain(NPUCTL_FAILED, "out of memory"));
	find_roofs(&x);
	find_axes(&x);
	svg_open(f, WIDTH, list > height ? list : height, x.r->title);
	svg_text(f, LEFT, 28, 15, SVG_START, NULL, x.r->title);
	draw_axes(&x);
	draw_roofs(&x);
	draw_points(&x);
	draw_list(&x);
	svg_close(f);
	free(x.taken);
}

int roofline_write(const struct roofline *r, const char *path)
{
	return file_write(path, 0, draw, r);
}
