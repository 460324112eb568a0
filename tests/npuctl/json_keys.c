// SPDX-License-Identifier: MIT
/*
 * Copyright (c) 2026 the npu authors
 *
 * The shape of a JSON document on stdin: a line "path type" for each key, arrays' elements taken
 * together, sorted and without repeats. What npuctl's golden files hold: keys and types, no values.
 */
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define MAX_LINES 100000

static char *lines[MAX_LINES];
static size_t count;

static void add(const char *path, const char *type)
{
	if (count == MAX_LINES || asprintf(&lines[count], "%s %s", path, type) < 0) {
		fputs("the document is too large\n", stderr);
		exit(2);
	}
	count++;
}

static void walk(const json_t *j, const char *path)
{
	static const char *const types[] = {
		[JSON_OBJECT] = "object",   [JSON_ARRAY] = "array", [JSON_STRING] = "string",
		[JSON_INTEGER] = "integer", [JSON_REAL] = "real",   [JSON_TRUE] = "boolean",
		[JSON_FALSE] = "boolean",   [JSON_NULL] = "null",
	};
	const char *key;
	json_t *value;
	size_t i;
	char *below;

	add(path, types[json_typeof(j)]);
	json_object_foreach((json_t *)j, key, value)
	{
		if (asprintf(&below, "%s.%s", path, key) < 0)
			exit(2);
		walk(value, below);
		free(below);
	}
	json_array_foreach(j, i, value)
	{
		if (asprintf(&below, "%s[]", path) < 0)
			exit(2);
		walk(value, below);
		free(below);
	}
}

static int ascending(const void *a, const void *b)
{
	return strcmp(*(char *const *)a, *(char *const *)b);
}

int main(void)
{
	json_error_t error;
	json_t *j = json_loadf(stdin, JSON_REJECT_DUPLICATES, &error);

	if (!j) {
		fprintf(stderr, "no JSON: %s\n", error.text);
		return 1;
	}
	walk(j, "");
	json_decref(j);
	qsort(lines, count, sizeof(*lines), ascending);
	for (size_t i = 0; i < count; i++) {
		if (!i || strcmp(lines[i], lines[i - 1]))
			puts(lines[i]);
	}
	for (size_t i = 0; i < count; i++)
		free(lines[i]);
	return 0;
}
