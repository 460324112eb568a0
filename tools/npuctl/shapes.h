/* SPDX-License-Identifier: MIT */
/*
 * Copyright (c) 2026 the npu authors
 *
 * Tables of layers: CSV files with a line of column names. The columns tell whether it is products
 * (layer, count, batch, m, k, n) or convolutions (layer, count, groups, in_c, in_h, in_w, out_c,
 * out_h, out_w, kernel_h, kernel_w, stride_h, stride_w, pad_top, pad_left, dilation_h, dilation_w),
 * in any order. Strict, with the line in each message.
 */
#ifndef NPUCTL_SHAPES_H
#define NPUCTL_SHAPES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

enum shape_column {
	SHAPE_COUNT,
	SHAPE_BATCH,
	SHAPE_M,
	SHAPE_K,
	SHAPE_N,
	SHAPE_GROUPS,
	SHAPE_IN_C,
	SHAPE_IN_H,
	SHAPE_IN_W,
	SHAPE_OUT_C,
	SHAPE_OUT_H,
	SHAPE_OUT_W,
	SHAPE_KERNEL_H,
	SHAPE_KERNEL_W,
	SHAPE_STRIDE_H,
	SHAPE_STRIDE_W,
	SHAPE_PAD_TOP,
	SHAPE_PAD_LEFT,
	SHAPE_DILATION_H,
	SHAPE_DILATION_W,
	SHAPE_COLUMNS,
};

/** struct shape - a line */
struct shape {
	char layer[64];
	uint32_t v[SHAPE_COLUMNS]; /* those of its kind */
};

/** struct shapes - a table */
struct shapes {
	bool conv;
	struct shape *rows;
	size_t count;
};

/**
 * shapes_read() - read a table
 * @path: for messages
 * @error: receives a sentence
 *
 * Returns 0, or a negative errno with @error. shapes_free() afterwards.
 */
int shapes_read(struct shapes *s, FILE *f, const char *path, char *error, size_t error_size);
void shapes_free(struct shapes *s);

#endif
