// SPDX-License-Identifier: MIT
/*
 * Copyright (c) 2026 the npu authors
 *
 * Sleep of the system, @count times, while processes compute: no job fails, and local memory is as before.
 * Suspend to memory for real wants a VM booted through the BIOS (run.sh --bzimage); nothing wakes a VM
 * from s2idle, so there the devices are suspended and resumed (pm_test).
 */
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "soak.h"

#define WORKERS		3
#define LOCAL_SIZE	(4u << 20)

static uint8_t pattern(uint32_t at, unsigned int round)
{
	return (at + round) * 2654435761u >> 24;
}

static void fill(uint8_t *p, unsigned int round)
{
	for (uint32_t i = 0; i < LOCAL_SIZE; i += 256)
		memset(p + i, pattern(i, round), 256);
}

static void assert_filled(const uint8_t *p, unsigned int round)
{
	for (uint32_t i = 0; i < LOCAL_SIZE; i += 256)
		if (p[i] != pattern(i, round) || p[i + 255] != pattern(i, round))
			fail_msg("local memory is not as it was, at %#x", i);
}

static void sleep_and_wake(const char *name, bool deep, unsigned int count)
{
	struct soak_worker *worker = soak_share(WORKERS * sizeof(*worker));
	pid_t pid[WORKERS];
	struct soak_work w;
	uint64_t products = 0;
	int fd = npu_open();
	uint8_t *local;

	soak_work_open(&w, fd, DRM_NPU_PRIORITY_NORMAL, false);
	local = npu_bo_map(fd, npu_bo_create(fd, LOCAL_SIZE, DRM_NPU_BO_LOCAL), LOCAL_SIZE);
	for (int i = 0; i < WORKERS; i++) {
		npu_pci_name(fd, worker[i].card, sizeof(worker[i].card));
		worker[i].priority = i;
		worker[i].fate = SOAK_CALM;
		worker[i].seed = soak_roll(1u << 30);
		pid[i] = soak_start(soak_worker_run, &worker[i]);
	}
	for (unsigned int n = 0; n < count; n++) {
		for (int i = 0; i < WORKERS; i++)
			soak_await(&worker[i].products, worker[i].products, pid[i], "a process at work");
		fill(local, n);
		usleep(soak_roll(50000));
		assert_int_equal(npu_suspend(deep), 0);
		soak_work_once(&w);
		assert_filled(local, n);
		if (soak_due(n + 1, count))
			soak_say("%s: %u of %u", name, n + 1, count);
	}
	for (int i = 0; i < WORKERS; i++)
		worker[i].stop = true;
	for (int i = 0; i < WORKERS; i++) {
		soak_reap(pid[i], "a process at work");
		products += worker[i].products;
	}
	assert_int_equal(npu_sysfs(fd, "errors"), 0);
	assert_int_equal(npu_sysfs(fd, "wedged"), 0);
	soak_say("%s: %llu products right", name, (unsigned long long)products);
	munmap(local, LOCAL_SIZE);
	soak_work_close(&w);
}

void soak_s3(unsigned int count)
{
	sleep_and_wake("s3", true, count);
}

void soak_s2idle(unsigned int count)
{
	sleep_and_wake("s2idle", false, count);
}
