/* SPDX-License-Identifier: MIT */
/* Copyright (c) 2026 the npu authors */
/*
 * The demo's picture: a PNG with a grid of classified images, the answer under each, the wrong
 * ones framed in red with what they really are.
 */
#ifndef TOOLS_DEMO_PICTURE_H
#define TOOLS_DEMO_PICTURE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "error.h"

/** struct npu_demo_tile - one image of the grid */
struct npu_demo_tile {
	const uint8_t *pixels; /* grey, [height][width] */
	const char *answer; /* what the network said */
	const char *truth; /* what it is; the answer is wrong if the two differ */
};

/** struct npu_demo_picture - what to draw */
struct npu_demo_picture {
	const char *title; /* one line above the grid */
	const struct npu_demo_tile *tiles;
	size_t count; /* of tiles, 1 to 1024 */
	size_t columns; /* of the grid, 1 to 64 */
	size_t height; /* of each tile's pixels, 1 to 64 */
	size_t width;
};

/**
 * npu_demo_picture_write() - draw and write a picture
 * @picture: what to draw; text that does not fit is cut off
 * @path: the PNG to write or replace
 * @err: says what was wrong; may be NULL
 *
 * Returns 0, -EINVAL for sizes out of bounds, -ENOMEM, or -EIO if it could not be written.
 */
int npu_demo_picture_write(const struct npu_demo_picture *picture, const char *path,
			   struct npu_demo_error *err);

#endif
