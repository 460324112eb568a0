// SPDX-License-Identifier: MIT
/*
 * Copyright (c) 2026 the npu authors
 *
 * JSON, tables, colour.
 */
#include "output.h"

#include <inttypes.h>
#include <stdarg.h>
#include <stdbool.h>
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

/* Bytes of the UTF-8 sequence at @s, as RFC 3629 has them; 0: it is none. */
static size_t utf8_length(const unsigned char *s)
{
	static const struct {
		unsigned char first, last, low, high; /* of the first byte; of the second */
		size_t length;
	} forms[] = {
		{ 0xc2, 0xdf, 0x80, 0xbf, 2 }, { 0xe0, 0xe0, 0xa0, 0xbf, 3 },
		{ 0xe1, 0xec, 0x80, 0xbf, 3 }, { 0xed, 0xed, 0x80, 0x9f, 3 },
		{ 0xee, 0xef, 0x80, 0xbf, 3 }, { 0xf0, 0xf0, 0x90, 0xbf, 4 },
		{ 0xf1, 0xf3, 0x80, 0xbf, 4 }, { 0xf4, 0xf4, 0x80, 0x8f, 4 },
	};

	if (*s < 0x80)
		return 1;
	for (size_t f = 0; f < sizeof(forms) / sizeof(*forms); f++) {
		size_t n = 2;

		if (s[0] < forms[f].first || s[0] > forms[f].last)
			continue;
		if (s[1] < forms[f].low || s[1] > forms[f].high)
			return 0;
		while (n < forms[f].length && (s[n] & 0xc0) == 0x80)
			n++;
		return n == forms[f].length ? n : 0;
	}
	return 0;
}

const char *output_name(const char *name)
{
	static char text[4][4100];
	static unsigned int next;
	char *out = text[next++ % 4];
	size_t n = 0;

	while (*name) {
		size_t length = utf8_length((const unsigned char *)name);
		/* C0, DEL and C1 (U+0080 to U+009F). */
		bool control = (unsigned char)*name < ' ' || *name == 0x7f ||
			       ((unsigned char)*name == 0xc2 && (unsigned char)name[1] < 0xa0);

		if (n + 4 >= sizeof(text[0]))
			break;
		if (!length || control) {
			out[n++] = '?';
		} else {
			memcpy(out + n, name, length);
			n += length;
		}
		name += length ? length : 1;
	}
	out[n] = 0;
	return out;
}

const char *output_cell(const char *name)
{
	/* One of output_name()'s own. */
	char *text = (char *)output_name(name);

	for (char *c = text; *c; c++)
		if (*c == '|')
			*c = '?';
	return text;
}
