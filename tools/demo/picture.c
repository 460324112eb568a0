/* SPDX-License-Identifier: MIT */
/* Copyright (c) 2026 the npu authors */
/*
 * Drawing the picture: an RGB canvas, then libpng's simple interface. All drawing ends in fill(),
 * which clips to the canvas, so no text or tile can write outside. No state.
 */
#include "picture.h"

#include <errno.h>
#include <png.h>
#include <stdlib.h>
#include <string.h>

#include "font.h"

#define PIXEL_SIZE  4 /* dots of the picture a pixel of an image */
#define TEXT_SIZE   2 /* dots of the picture a dot of the font */
#define TITLE_SIZE  3
#define FRAME	    4
#define MARGIN	    20
#define TEXT_PITCH  ((NPU_DEMO_FONT_W + 1) * TEXT_SIZE)
#define TEXT_LINE   ((NPU_DEMO_FONT_H + 3) * TEXT_SIZE)
#define TITLE_LINE  (NPU_DEMO_FONT_H * TITLE_SIZE + MARGIN)
#define CELL_GAP    10
#define LABEL_CHARS 13

struct colour {
	uint8_t r, g, b;
};

static const struct colour paper = { 0xff, 0xff, 0xff };
static const struct colour ink = { 0x20, 0x28, 0x30 };
static const struct colour frame = { 0xc8, 0xd0, 0xd8 };
static const struct colour wrong = { 0xd0, 0x18, 0x18 };

struct canvas {
	size_t width, height;
	uint8_t *rgb;
};

static void fill(struct canvas *c, size_t x, size_t y, size_t w, size_t h, struct colour colour)
{
	size_t i, j;

	for (j = y; j < y + h && j < c->height; j++) {
		for (i = x; i < x + w && i < c->width; i++) {
			uint8_t *dot = c->rgb + (j * c->width + i) * 3;

			dot[0] = colour.r;
			dot[1] = colour.g;
			dot[2] = colour.b;
		}
	}
}

/* Draws at most @chars characters with their top left corner at (@x, @y). */
static void draw_text(struct canvas *c, size_t x, size_t y, size_t size, const char *text,
		      size_t chars, struct colour colour)
{
	size_t i, row, col;

	for (i = 0; i < chars && text[i]; i++) {
		const uint8_t *glyph = npu_demo_glyph(text[i]);

		for (row = 0; row < NPU_DEMO_FONT_H; row++) {
			for (col = 0; col < NPU_DEMO_FONT_W; col++) {
				if (glyph[row] >> (NPU_DEMO_FONT_W - 1 - col) & 1)
					fill(c, x + col * size, y + row * size, size, size, colour);
			}
		}
		x += (NPU_DEMO_FONT_W + 1) * size;
	}
}

/* A label of a tile, centred over @width dots. */
static void draw_label(struct canvas *c, size_t x, size_t y, size_t width, const char *text,
		       struct colour colour)
{
	size_t chars = strnlen(text, LABEL_CHARS);
	size_t room = chars * TEXT_PITCH - TEXT_SIZE;

	if (!chars)
		return;
	if (room < width)
		x += (width - room) / 2;
	draw_text(c, x, y, TEXT_SIZE, text, chars, colour);
}

static void draw_tile(struct canvas *c, const struct npu_demo_picture *p,
		      const struct npu_demo_tile *tile, size_t x, size_t y, size_t cell_w)
{
	size_t w = p->width * PIXEL_SIZE, h = p->height * PIXEL_SIZE;
	size_t left = x + (cell_w - w) / 2, top = y + FRAME;
	bool right = !strcmp(tile->answer, tile->truth);
	char truth[LABEL_CHARS + 1] = "(";
	size_t i, j, len;

	fill(c, left - FRAME, top - FRAME, w + 2 * FRAME, h + 2 * FRAME, right ? frame : wrong);
	for (j = 0; j < p->height; j++) {
		for (i = 0; i < p->width; i++) {
			uint8_t grey = tile->pixels[j * p->width + i];

			fill(c, left + i * PIXEL_SIZE, top + j * PIXEL_SIZE, PIXEL_SIZE, PIXEL_SIZE,
			     (struct colour){ grey, grey, grey });
		}
	}
	top += h + FRAME + 3 * TEXT_SIZE;
	draw_label(c, x, top, cell_w, tile->answer, right ? ink : wrong);
	if (right)
		return;
	/* What it is, in brackets, cut so that the closing one is always there. */
	len = strnlen(tile->truth, LABEL_CHARS - 2);
	memcpy(truth + 1, tile->truth, len);
	truth[len + 1] = ')';
	truth[len + 2] = '\0';
	draw_label(c, x, top + TEXT_LINE, cell_w, truth, ink);
}

static int write_png(const struct canvas *c, const char *path, struct npu_demo_error *err)
{
	png_image image = {
		.version = PNG_IMAGE_VERSION,
		.width = c->width,
		.height = c->height,
		.format = PNG_FORMAT_RGB,
	};

	if (png_image_write_to_file(&image, path, 0, c->rgb, 0, NULL))
		return 0;
	npu_demo_fail(err, -EIO, "%s: %s", path, image.message);
	png_image_free(&image);
	return -EIO;
}

int npu_demo_picture_write(const struct npu_demo_picture *picture, const char *path,
			   struct npu_demo_error *err)
{
	size_t rows, columns, cell_w, cell_h, i;
	struct canvas c;
	int ret;

	if (!picture->count || picture->count > 1024 || !picture->columns ||
	    picture->columns > 64 || !picture->height || picture->height > 64 || !picture->width ||
	    picture->width > 64)
		return npu_demo_fail(
			err, -EINVAL, "a picture of %zu images of %zux%zu in %zu columns",
			picture->count, picture->height, picture->width, picture->columns);

	columns = picture->columns < picture->count ? picture->columns : picture->count;
	rows = (picture->count + columns - 1) / columns;
	cell_w = picture->width * PIXEL_SIZE + 2 * FRAME;
	if (cell_w < LABEL_CHARS * TEXT_PITCH)
		cell_w = LABEL_CHARS * TEXT_PITCH;
	cell_h = picture->height * PIXEL_SIZE + 2 * FRAME + 3 * TEXT_SIZE + 2 * TEXT_LINE;
	c.width = 2 * MARGIN + columns * cell_w + (columns - 1) * CELL_GAP;
	c.height = 2 * MARGIN + TITLE_LINE + rows * cell_h + (rows - 1) * CELL_GAP;
	c.rgb = malloc(c.width * c.height * 3);
	if (!c.rgb)
		return npu_demo_fail(err, -ENOMEM, "out of memory");

	fill(&c, 0, 0, c.width, c.height, paper);
	draw_text(&c, MARGIN, MARGIN, TITLE_SIZE, picture->title, strlen(picture->title), ink);
	for (i = 0; i < picture->count; i++)
		draw_tile(&c, picture, &picture->tiles[i],
			  MARGIN + i % columns * (cell_w + CELL_GAP),
			  MARGIN + TITLE_LINE + i / columns * (cell_h + CELL_GAP), cell_w);
	ret = write_png(&c, path, err);
	free(c.rgb);
	return ret;
}
