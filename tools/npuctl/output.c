// SPDX-License-Identifier: MIT
/*
 * Copyright (c) 2026 the npu authors
 *
 * JSON, tables, colour.
 */
#include "output.h"

#include <inttypes.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "command.h"

#define MAX_COLUMNS 16

static void *need(void *p)
{
	if (!p)
		exit(complain(NPUCTL_FAILED, "out of memory"));
	return p;
}

json_t *output_pack(const char *fmt, ...)
{
	json_error_t error;
	json_t *j;
	va_list ap;

	va_start(ap, fmt);
	j = json_vpack_ex(&error, 0, fmt, ap);
	va_end(ap);
	if (!j)
		exit(complain(NPUCTL_FAILED, "JSON: %s", error.text));
	return j;
}

json_t *output_document(const char *schema)
{
	return output_pack("{s:s, s:i}", "schema", schema, "version", OUTPUT_VERSION);
}

int output_json(json_t *document)
{
	int r = json_dumpf(document, stdout, JSON_INDENT(2) | JSON_REAL_PRECISION(9));

	json_decref(document);
	if (r || putchar('\n') == EOF)
		return complain(NPUCTL_FAILED, "cannot write the output");
	return NPUCTL_DONE;
}

const char *output_colour(FILE *out, enum output_colour colour)
{
	static const char *const sequence[] = {
		[OUTPUT_PLAIN] = "\033[0m",
		[OUTPUT_GOOD] = "\033[32m",
		[OUTPUT_BAD] = "\033[1;31m",
		[OUTPUT_DIM] = "\033[2m",
	};
	const char *none = getenv("NO_COLOR"), *term = getenv("TERM");

	if (!isatty(fileno(out)) || (none && *none) || !term || !strcmp(term, "dumb"))
		return "";
	return sequence[colour];
}

struct table {
	unsigned int columns, rows, room;
	bool right[MAX_COLUMNS];
	size_t width[MAX_COLUMNS];
	char **cells; /* row by row, the head first */
};

/* Takes cells from @text, which is changed. */
static void add_row(struct table *t, char *text)
{
	if (t->rows == t->room) {
		t->room = t->room ? 2 * t->room : 16;
		t->cells = need(reallocarray(t->cells, t->room, MAX_COLUMNS * sizeof(*t->cells)));
	}
	for (unsigned int c = 0; c < MAX_COLUMNS; c++) {
		char *cell = strsep(&text, "|");

		t->cells[t->rows * MAX_COLUMNS + c] = cell ? need(strdup(cell)) : NULL;
		if (cell && strlen(cell) > t->width[c])
			t->width[c] = strlen(cell);
	}
	t->rows++;
}

struct table *table_create(const char *head)
{
	struct table *t = need(calloc(1, sizeof(*t)));
	char *copy = need(strdup(head)), *names = need(strdup("")), *rest = copy, *name, *more;

	while ((name = strsep(&rest, "|"))) {
		t->right[t->columns] = *name == '>';
		if (asprintf(&more, "%s%s%s", names, t->columns ? "|" : "",
			     name + t->right[t->columns]) < 0)
			need(NULL);
		free(names);
		names = more;
		t->columns++;
	}
	add_row(t, names);
	free(names);
	free(copy);
	return t;
}

void table_add(struct table *t, const char *fmt, ...)
{
	va_list ap;
	char *text;

	va_start(ap, fmt);
	if (vasprintf(&text, fmt, ap) < 0)
		need(NULL);
	va_end(ap);
	add_row(t, text);
	free(text);
}

void table_print(struct table *t, FILE *out)
{
	for (unsigned int r = 0; r < t->rows; r++) {
		for (unsigned int c = 0; c < t->columns; c++) {
			char *cell = t->cells[r * MAX_COLUMNS + c];
			int width = t->width[c];

			/* No blanks at the end of a line. */
			if (c + 1 == t->columns && !t->right[c])
				width = 0;
			fprintf(out, "%s%*s", c ? "  " : "", t->right[c] ? width : -width,
				cell ? cell : "");
		}
		fputc('\n', out);
	}
	for (unsigned int i = 0; i < t->rows * MAX_COLUMNS; i++)
		free(t->cells[i]);
	free(t->cells);
	free(t);
}

const char *output_bytes(uint64_t bytes)
{
	static const char *const unit[] = { "B", "KiB", "MiB", "GiB", "TiB" };
	static char text[4][32];
	static unsigned int next;
	double v = bytes;
	size_t u = 0;
	char *s = text[next++ % 4];

	while (v >= 1024 && u + 1 < sizeof(unit) / sizeof(*unit)) {
		v /= 1024;
		u++;
	}
	/* Two decimals at most, none where there are none. */
	snprintf(s, sizeof(text[0]), "%.*f %s", v == (uint64_t)v ? 0 : 2, v, unit[u]);
	return s;
}
