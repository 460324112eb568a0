/* SPDX-License-Identifier: MIT */
/*
 * Copyright (c) 2026 the npu authors
 *
 * Writing SVG pictures: the few shapes that npuctl draws. Coordinates are pixels, x to the right, y
 * down, written with two decimals, so that the same picture is the same bytes everywhere.
 *
 * Errors of the file stay in it, for ferror().
 */
#ifndef NPUCTL_SVG_H
#define NPUCTL_SVG_H

#include <stdio.h>

enum svg_anchor { SVG_START, SVG_MIDDLE, SVG_END };

/*
 * Width of a character of a text of that size, nearly: for what must not lie on top of each other.
 */
#define SVG_CHARACTER(size) (0.6 * (size))

/** svg_open() - a picture with a white ground and a @title for who cannot see it */
void svg_open(FILE *f, double width, double height, const char *title);
void svg_close(FILE *f);

/** svg_rect() - filled; @tip is shown under a pointer, NULL: nothing */
void svg_rect(FILE *f, double x, double y, double width, double height, const char *fill,
	      const char *tip);

/** svg_line() - @dashes is a stroke-dasharray; NULL: drawn through */
void svg_line(FILE *f, double x1, double y1, double x2, double y2, const char *stroke, double width,
	      const char *dashes);

/** svg_dot() - a filled circle */
void svg_dot(FILE *f, double x, double y, double radius, const char *fill, const char *tip);

/**
 * svg_text() - what XML or terminals would take for something else is replaced; @fill NULL: black
 */
void svg_text(FILE *f, double x, double y, double size, enum svg_anchor anchor, const char *fill,
	      const char *text);

/** svg_text_turned() - the same in black, its middle at @x, @y, rising by so many degrees */
void svg_text_turned(FILE *f, double x, double y, double size, double degrees, const char *text);

/** svg_colour() - of a series: the same number has the same colour, neighbours differ */
const char *svg_colour(unsigned int number);

#endif
