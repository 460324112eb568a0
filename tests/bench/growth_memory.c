// SPDX-License-Identifier: MIT
/*
 * Copyright (c) 2026 the npu authors
 *
 * Usage: growth_memory host|local|mappings MAX
 *
 * What one more buffer of 4 KiB (in host or local memory, none of them mapped or bound), or one more mapping of a page, costs
 * when there are many: a JSON array of one object for each of 2000, 5000, 10000 ... MAX of them:
 *
 *	count	how many there were in the end
 *	us	time each, of those since the object before
 *	bytes	memory each, of all so far but the first 1000: what MemFree lacks since there were so many
 *
 * The first ones fill the kernel's caches of free memory, so they are not counted.
 *
 * Mappings are made by VM_BINDs of as many operations as the driver takes, at addresses one after another.
 */
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "tests/vm/ioctl/npu_test.h"

#define PAGE	4096ul
#define PAGES	1024 /* of the buffer that is mapped */
#define VA	(1ull << 32)
#define MAX_OPS 1024u
#define STILL	(64.0 * 1024)
#define FIRST	1000ul

static double now(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (double)t.tv_sec + 1e-9 * (double)t.tv_nsec;
}

static double free_bytes(void)
{
	FILE *f = fopen("/proc/meminfo", "re");
	unsigned long kib = 0;
	char line[128];

	while (f && fgets(line, sizeof(line), f))
		if (sscanf(line, "MemFree: %lu", &kib) == 1)
			break;
	if (f)
		fclose(f);
	if (!kib)
		fail_msg("no MemFree");
	return 1024.0 * (double)kib;
}

/* What others had is given back by works: waits until that has come to an end. */
static double settled_bytes(void)
{
	double bytes = free_bytes(), before;

	do {
		before = bytes;
		sleep(1);
		bytes = free_bytes();
	} while (bytes - before > STILL);
	return bytes;
}

/* 1, 2, 5, 10, 20 ... times a thousand. */
static unsigned long next_point(unsigned long point)
{
	unsigned long first = point;

	while (first >= 10)
		first /= 10;
	return first == 2 ? point / 2 * 5 : point * 2;
}

static void make_mappings(int fd, uint32_t vm, uint32_t handle, unsigned long have,
			  unsigned long count)
{
	static struct drm_npu_vm_bind_op op[MAX_OPS];
	struct drm_npu_vm_bind bind = {
		.vm_id = vm,
		.ops = { .stride = sizeof(op[0]), .array = (uintptr_t)op },
	};

	while (count) {
		uint32_t n = count < MAX_OPS ? count : MAX_OPS;

		for (uint32_t i = 0; i < n; i++)
			op[i] = (struct drm_npu_vm_bind_op){
				.type = DRM_NPU_VM_BIND_MAP,
				.handle = handle,
				.va = VA + (have + i) * PAGE,
				.size = PAGE,
				.offset = (have + i) % PAGES * PAGE,
			};
		bind.ops.count = n;
		npu_ioctl(fd, DRM_IOCTL_NPU_VM_BIND, &bind);
		have += n;
		count -= n;
	}
}

int main(int argc, char **argv)
{
	unsigned long max = argc == 3 ? strtoul(argv[2], NULL, 10) : 0, have = 0;
	bool mappings = argc == 3 && !strcmp(argv[1], "mappings");
	bool local = argc == 3 && !strcmp(argv[1], "local");
	uint32_t vm = 0, handle = 0;
	double before = 0;
	int fd;

	if (!max || (!mappings && !local && strcmp(argv[1], "host"))) {
		fputs("usage: growth_memory host|local|mappings MAX\n", stderr);
		return 2;
	}
	fd = npu_open();
	if (mappings) {
		vm = npu_vm_create(fd);
		/* It has its pages afterwards. */
		handle = npu_buf_create(fd, vm, VA - PAGES * PAGE, PAGES * PAGE, 0).handle;
	}
	for (unsigned long point = FIRST; point <= max; point = next_point(point)) {
		double start = now(), us;

		if (mappings)
			make_mappings(fd, vm, handle, have, point - have);
		else
			for (unsigned long i = have; i < point; i++)
				npu_bo_create(fd, PAGE, local ? DRM_NPU_BO_LOCAL : 0);
		us = (now() - start) * 1e6 / (double)(point - have);
		have = point;
		if (point == FIRST) {
			before = settled_bytes();
			continue;
		}
		printf("%s{\"count\": %lu, \"us\": %.3f, \"bytes\": %.1f}",
		       point == next_point(FIRST) ? "[" : ",\n", point, us,
		       (before - free_bytes()) / (double)(point - FIRST));
	}
	puts("]");
	close(fd);
	return fflush(stdout) ? 1 : 0;
}
