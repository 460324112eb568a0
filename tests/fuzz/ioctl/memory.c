// SPDX-License-Identifier: MIT
/*
 * Copyright (c) 2026 the npu authors
 *
 * Memory of the kernel's modules; see memory.h. A line of /proc/allocinfo is bytes, allocations and a place,
 * "FILE:LINE [MODULE] func:FUNCTION"; those of the kernel itself have no module. They are in the same order
 * as long as no module comes or goes. What counts is a module's sum: memory may be allocated anew elsewhere.
 */
#include <stdio.h>
#include <string.h>

#include "memory.h"

#define SITES	4096
#define PLACE	160
#define MODULE	64

struct site {
	char place[PLACE];
	char module[MODULE];
	long long bytes;
};

static struct site before[SITES], now[SITES];
static int count;

static bool counting(void)
{
	FILE *file = fopen("/proc/sys/vm/mem_profiling", "re");
	int on = 0;

	if (!file)
		return false;
	if (fscanf(file, "%d", &on) != 1)
		on = 0;
	fclose(file);
	return on;
}

static int read_sites(struct site *sites)
{
	FILE *file = fopen("/proc/allocinfo", "re");
	char line[512];
	int n = 0;

	while (file && n < SITES && fgets(line, sizeof(line), file)) {
		struct site *s = &sites[n];

		n += sscanf(line, "%lld %*d %159[^\n]", &s->bytes, s->place) == 2 &&
		     sscanf(s->place, "%*[^[][%63[^]]", s->module) == 1;
	}
	if (file)
		fclose(file);
	return n;
}

static long long sum(const struct site *sites, const char *module)
{
	long long bytes = 0;

	for (int i = 0; i < count; i++)
		if (!strcmp(sites[i].module, module))
			bytes += sites[i].bytes;
	return bytes;
}

bool memory_begin(void)
{
	count = counting() ? read_sites(before) : 0;
	return count;
}

int memory_grown(bool print)
{
	int grown = 0;

	if (read_sites(now) != count) {
		printf("the modules are not the same as before\n");
		return count;
	}
	for (int i = 0; i < count; i++) {
		if (now[i].bytes <= before[i].bytes ||
		    sum(now, now[i].module) <= sum(before, now[i].module))
			continue;
		grown++;
		if (print)
			printf("%lld bytes, %lld before: %s\n", now[i].bytes, before[i].bytes, now[i].place);
	}
	return grown;
}
