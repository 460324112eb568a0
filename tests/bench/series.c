// SPDX-License-Identifier: MIT
/*
 * Copyright (c) 2026 the npu authors
 *
 * What run.sh left, read: files of JSON, a figure over the rounds, ratios round by round; see report.h.
 */
#include <jansson.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "report.h"

const char *folder;

void die(const char *fmt, ...)
{
	va_list ap;

	fputs("report: ", stderr);
	va_start(ap, fmt);
	vfprintf(stderr, fmt, ap);
	va_end(ap);
	fputc('\n', stderr);
	exit(1);
}

json_t *load(const char *path)
{
	json_error_t error;
	json_t *j = json_load_file(path, 0, &error);

	if (!j)
		die("%s: %s", path, error.text);
	return j;
}

double number_at(const json_t *j, const char *path, const char *file)
{
	char copy[128], *rest = copy, *key;

	snprintf(copy, sizeof(copy), "%s", path);
	while ((key = strsep(&rest, "/"))) {
		if (json_is_array(j))
			j = json_array_get(j, atoi(key));
		else
			j = json_object_get(j, key);
	}
	if (!json_is_number(j))
		die("%s has no number %s", file, path);
	return json_number_value(j);
}

static int ascending(const void *a, const void *b)
{
	double x = *(const double *)a, y = *(const double *)b;

	return (x > y) - (x < y);
}

/* Sorts them. */
static double median(double *v, size_t count)
{
	qsort(v, count, sizeof(*v), ascending);
	return count % 2 ? v[count / 2] : (v[count / 2 - 1] + v[count / 2]) / 2;
}

struct series read_series(const char *prefix, const char *path, double scale)
{
	struct series s = { 0 };
	double sorted[MAX_ROUNDS];
	char file[512];

	for (; s.rounds < MAX_ROUNDS; s.rounds++) {
		json_t *j;

		snprintf(file, sizeof(file), "%s/%s-%zu.json", folder, prefix, s.rounds + 1);
		if (access(file, R_OK))
			break;
		j = load(file);
		s.v[s.rounds] = number_at(j, path, file) * scale;
		json_decref(j);
	}
	if (!s.rounds)
		die("%s/%s-1.json is missing", folder, prefix);
	memcpy(sorted, s.v, sizeof(sorted));
	s.median = median(sorted, s.rounds);
	return s;
}

static json_t *series_json(const struct series *s)
{
	json_t *rounds = json_array();

	for (size_t i = 0; i < s->rounds; i++)
		json_array_append_new(rounds, json_real(s->v[i]));
	return json_pack("{s:f, s:o}", "median", s->median, "rounds", rounds);
}

double ratio(const struct series *a, const struct series *b)
{
	struct series r = { 0 };

	r.rounds = a->rounds < b->rounds ? a->rounds : b->rounds;
	for (size_t i = 0; i < r.rounds; i++)
		r.v[i] = a->v[i] / b->v[i];
	return median(r.v, r.rounds);
}

void put(json_t *object, const char *key, const struct series *s)
{
	json_object_set_new(object, key, series_json(s));
}
