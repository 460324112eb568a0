// SPDX-License-Identifier: MIT
/*
 * Copyright (c) 2026 the npu authors
 *
 * Reading tables of layers.
 */
#include "shapes.h"

#include <errno.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#define LAYER	  SHAPE_COLUMNS /* the column of names, in a line's list of columns */
#define MAX_VALUE (1u << 24)
#define MAX_ROWS  100000

static const char *const names[SHAPE_COLUMNS + 1] = {
	[SHAPE_COUNT] = "count",
	[SHAPE_BATCH] = "batch",
	[SHAPE_M] = "m",
	[SHAPE_K] = "k",
	[SHAPE_N] = "n",
	[SHAPE_GROUPS] = "groups",
	[SHAPE_IN_C] = "in_c",
	[SHAPE_IN_H] = "in_h",
	[SHAPE_IN_W] = "in_w",
	[SHAPE_OUT_C] = "out_c",
	[SHAPE_OUT_H] = "out_h",
	[SHAPE_OUT_W] = "out_w",
	[SHAPE_KERNEL_H] = "kernel_h",
	[SHAPE_KERNEL_W] = "kernel_w",
	[SHAPE_STRIDE_H] = "stride_h",
	[SHAPE_STRIDE_W] = "stride_w",
	[SHAPE_PAD_TOP] = "pad_top",
	[SHAPE_PAD_LEFT] = "pad_left",
	[SHAPE_DILATION_H] = "dilation_h",
	[SHAPE_DILATION_W] = "dilation_w",
	[LAYER] = "layer",
};

#define BIT(c) (UINT32_C(1) << (c))
#define PRODUCT_COLUMNS                                                                   \
	(BIT(LAYER) | BIT(SHAPE_COUNT) | BIT(SHAPE_BATCH) | BIT(SHAPE_M) | BIT(SHAPE_K) | \
	 BIT(SHAPE_N))
#define CONV_COLUMNS (BIT(LAYER) | BIT(SHAPE_COUNT) | (BIT(SHAPE_COLUMNS) - BIT(SHAPE_GROUPS)))

struct reader {
	const char *path;
	unsigned int line;
	char *error;
	size_t error_size;
	unsigned int columns;
	unsigned int column[SHAPE_COLUMNS + 1];
};

static int fail(const struct reader *r, int code, const char *fmt, ...)
	__attribute__((format(printf, 3, 4)));

static int fail(const struct reader *r, int code, const char *fmt, ...)
{
	va_list ap;
	int n = snprintf(r->error, r->error_size, "%s:%u: ", r->path, r->line);

	if (n >= 0 && (size_t)n < r->error_size) {
		va_start(ap, fmt);
		vsnprintf(r->error + n, r->error_size - n, fmt, ap);
		va_end(ap);
	}
	return code;
}

static int read_head(struct reader *r, char *line, bool *conv)
{
	uint32_t seen = 0;
	char *cell;

	while ((cell = strsep(&line, ","))) {
		unsigned int c = 0;

		while (c <= LAYER && strcmp(cell, names[c]))
			c++;
		if (c > LAYER)
			return fail(r, -EBADMSG, "unknown column \"%s\"", cell);
		if (seen & BIT(c))
			return fail(r, -EBADMSG, "column \"%s\" twice", cell);
		seen |= BIT(c);
		r->column[r->columns++] = c;
	}
	if (seen != PRODUCT_COLUMNS && seen != CONV_COLUMNS) {
		uint32_t want = seen & BIT(SHAPE_M) ? PRODUCT_COLUMNS : CONV_COLUMNS;
		unsigned int c = 0;

		while (c < LAYER && !((want ^ seen) & BIT(c)))
			c++;
		return fail(
			r, -EBADMSG,
			"the columns are neither those of products nor of convolutions: %s \"%s\"",
			want & BIT(c) ? "there is no" : "what is", names[c]);
	}
	*conv = seen == CONV_COLUMNS;
	return 0;
}

static int read_number(const struct reader *r, unsigned int c, const char *text, uint32_t *value)
{
	uint32_t min = c == SHAPE_PAD_TOP || c == SHAPE_PAD_LEFT ? 0 : 1;
	unsigned long long v;
	char *end;

	errno = 0;
	v = strtoull(text, &end, 10);
	if (*text < '0' || *text > '9' || *end || errno)
		return fail(r, -EBADMSG, "%s: \"%s\" is not a number", names[c], text);
	if (v < min || v > MAX_VALUE)
		return fail(r, -ERANGE, "%s: %s is not in %u .. %u", names[c], text, min,
			    MAX_VALUE);
	*value = v;
	return 0;
}

static int read_row(const struct reader *r, char *line, struct shape *s)
{
	unsigned int i = 0;
	char *cell;
	int ret = 0;

	memset(s, 0, sizeof(*s));
	while ((cell = strsep(&line, ",")) && !ret) {
		if (i == r->columns)
			return fail(r, -EBADMSG, "more than %u columns", r->columns);
		if (r->column[i] != LAYER)
			ret = read_number(r, r->column[i], cell, &s->v[r->column[i]]);
		else if (!*cell || strlen(cell) >= sizeof(s->layer))
			ret = fail(r, -EBADMSG, "a layer's name has 1 to %zu letters",
				   sizeof(s->layer) - 1);
		else
			strcpy(s->layer, cell);
		i++;
	}
	if (!ret && i < r->columns)
		return fail(r, -EBADMSG, "%u columns instead of %u", i, r->columns);
	return ret;
}

static int add_row(struct reader *r, char *line, struct shapes *s, size_t *room)
{
	if (s->count == MAX_ROWS)
		return fail(r, -E2BIG, "more than %d layers", MAX_ROWS);
	if (s->count == *room) {
		size_t more = *room ? 2 * *room : 64;
		struct shape *rows = reallocarray(s->rows, more, sizeof(*rows));

		if (!rows)
			return fail(r, -ENOMEM, "out of memory");
		s->rows = rows;
		*room = more;
	}
	return read_row(r, line, &s->rows[s->count++]);
}

int shapes_read(struct shapes *s, FILE *f, const char *path, char *error, size_t error_size)
{
	struct reader r = { .path = path, .error = error, .error_size = error_size };
	size_t room = 0, length = 0;
	char *line = NULL;
	ssize_t n;
	int ret = 0;

	memset(s, 0, sizeof(*s));
	while (!ret && (n = getline(&line, &length, f)) >= 0) {
		r.line++;
		if ((size_t)n != strlen(line)) {
			ret = fail(&r, -EBADMSG, "not text");
			break;
		}
		line[strcspn(line, "\r\n")] = 0;
		if (!r.columns)
			ret = read_head(&r, line, &s->conv);
		else if (*line)
			ret = add_row(&r, line, s, &room);
	}
	if (!ret && ferror(f))
		ret = fail(&r, -EIO, "cannot be read");
	if (!ret && !s->count)
		ret = fail(&r, -EBADMSG, "no layer in it");
	free(line);
	if (ret)
		shapes_free(s);
	return ret;
}

void shapes_free(struct shapes *s)
{
	free(s->rows);
	memset(s, 0, sizeof(*s));
}
