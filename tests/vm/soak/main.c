// SPDX-License-Identifier: MIT
/*
 * Copyright (c) 2026 the npu authors
 *
 * Usage: soak NAME COUNT [SEED]
 *
 * One of the driver's soaks, in a VM of soak.sh's, which knows what each wants. Says how far it is, then what it
 * measured, and at the end "soak: PASS NAME" or "soak: FAIL NAME". SEED (or NPU_SEED) repeats what chance decides
 * here; not what the scheduler does.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "soak.h"

static const struct soak {
	const char *name;
	void (*run)(unsigned int count);
} soaks[] = {
	{ "innocents", soak_innocents },
	{ "surprise", soak_surprise },
	{ "flr", soak_flr },
	{ "rescan", soak_rescan },
	{ "s3", soak_s3 },
	{ "s2idle", soak_s2idle },
	{ "lost", soak_lost },
	{ "dropped", soak_dropped },
};

struct run {
	const struct soak *soak;
	unsigned int count;
	unsigned int seed;
};

static void run(void *arg)
{
	const struct run *r = arg;

	soak_seed(r->seed);
	r->soak->run(r->count);
}

int main(int argc, char **argv)
{
	const char *seed = argc > 3 ? argv[3] : getenv("NPU_SEED");
	struct run r = { .seed = seed ? strtoul(seed, NULL, 0) : (unsigned int)time(NULL) };
	uint64_t start = soak_now_ns();
	int status = -1;
	pid_t pid;

	for (size_t i = 0; argc > 2 && i < sizeof(soaks) / sizeof(soaks[0]); i++)
		if (!strcmp(argv[1], soaks[i].name))
			r.soak = &soaks[i];
	if (argc > 2)
		r.count = strtoul(argv[2], NULL, 0);
	if (!r.soak || !r.count) {
		fprintf(stderr, "usage: soak NAME COUNT [SEED]\n");
		return 2;
	}
	soak_say("%s: %u times, NPU_SEED=%u", r.soak->name, r.count, r.seed);
	pid = soak_start(run, &r);
	if (waitpid(pid, &status, 0) != pid)
		status = -1;
	soak_say("%s %s (%u, %.0f s)", status ? "FAIL" : "PASS", r.soak->name, r.count,
		 (soak_now_ns() - start) / 1e9);
	return !!status;
}
