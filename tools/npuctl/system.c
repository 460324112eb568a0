// SPDX-License-Identifier: MIT
/*
 * Copyright (c) 2026 the npu authors
 *
 * Reading the system's files.
 */
#include "system.h"

#include <limits.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

const char *system_root(void)
{
	return getenv("NPUCTL_ROOT") ?: "";
}

static void make_path(char *path, const char *fmt, va_list ap)
{
	int n = snprintf(path, PATH_MAX, "%s", system_root());

	/* A path that is too long is not there. */
	if (n >= PATH_MAX || vsnprintf(path + n, PATH_MAX - n, fmt, ap) >= PATH_MAX - n)
		path[0] = 0;
}

void system_path(char *path, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	make_path(path, fmt, ap);
	va_end(ap);
}

static bool read_line(char *text, size_t size, const char *path)
{
	FILE *f = fopen(path, "re");
	bool got;

	text[0] = 0;
	if (!f)
		return false;
	got = fgets(text, size, f);
	fclose(f);
	if (!got)
		text[0] = 0;
	text[strcspn(text, "\n")] = 0;
	return got;
}

bool system_line(char *text, size_t size, const char *fmt, ...)
{
	char path[PATH_MAX];
	va_list ap;

	va_start(ap, fmt);
	make_path(path, fmt, ap);
	va_end(ap);
	return read_line(text, size, path);
}

bool system_number(int64_t *value, const char *fmt, ...)
{
	char path[PATH_MAX], text[64], *end;
	va_list ap;

	va_start(ap, fmt);
	make_path(path, fmt, ap);
	va_end(ap);
	if (!read_line(text, sizeof(text), path))
		return false;
	*value = strtoll(text, &end, 10);
	return end != text;
}
