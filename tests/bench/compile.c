// SPDX-License-Identifier: MIT
/*
 * Copyright (c) 2026 the npu authors
 *
 * Usage: compile
 *
 * What libnpu takes before the card begins, as one JSON object: compiling whole networks with random
 * weights for the default card, in seconds of processor time and the process's peak memory, graph
 * and weights included (a process each); and an eager call of a shape that was seen before,
 * npu_matmul() of 64 x 64 x 64 int8 on the simulator: the call alone, and until its result is there.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "npu/ops.h"
#include "tests/graph/networks.h"

#define CALLS 2001

static void check(int ret)
{
	if (!ret)
		return;
	fprintf(stderr, "compile: %s\n", npu_error());
	exit(1);
}

static double now(clockid_t clock)
{
	struct timespec t;

	clock_gettime(clock, &t);
	return (double)t.tv_sec + 1e-9 * (double)t.tv_nsec;
}

/* In a process of its own: the peak is that of all it did. */
static void network(const char *name,
		    void (*build)(struct network *, const struct network_options *), bool quantised)
{
	const struct network_options options = { .quantised = quantised, .seed = 1 };
	struct npu_device *dev;
	struct rusage usage;
	struct network n;
	double start;
	size_t size;
	void *image;
	pid_t pid;
	int status;

	fflush(NULL);
	pid = fork();
	if (!pid) {
		check(npu_open(&dev, "sim:"));
		build(&n, &options);
		start = now(CLOCK_PROCESS_CPUTIME_ID);
		check(npu_graph_compile(n.g, npu_device_caps(dev), NULL, &image, &size));
		start = now(CLOCK_PROCESS_CPUTIME_ID) - start;
		getrusage(RUSAGE_SELF, &usage);
		printf("\t\"%s_%s\": { \"seconds\": %.3f, \"peak_mb\": %.1f, \"image_mb\": %.1f "
		       "},\n",
		       name, quantised ? "int8" : "bf16", start,
		       (double)usage.ru_maxrss * 1024 / 1e6, (double)size / 1e6);
		fflush(NULL);
		_exit(0);
	}
	if (pid < 0 || waitpid(pid, &status, 0) != pid || status)
		exit(1);
}

static int ascending(const void *a, const void *b)
{
	double x = *(const double *)a, y = *(const double *)b;

	return (x > y) - (x < y);
}

static double median_us(double *v)
{
	qsort(v, CALLS, sizeof(*v), ascending);
	return 1e6 * v[CALLS / 2];
}

static void eager(void)
{
	static double call[CALLS], trip[CALLS];
	const struct npu_matmul op = { .m = 64, .n = 64, .k = 64, .epilogue.out_type = NPU_S32 };
	struct npu_product_args args = { 0 };
	struct npu_queue *queue;
	struct npu_device *dev;
	struct npu_fence *fence;

	check(npu_open(&dev, "sim:"));
	check(npu_queue_create(dev, NULL, &queue));
	check(npu_buffer_create(dev, 64 * 64, NPU_BUFFER_LOCAL, &args.a.buffer));
	check(npu_buffer_create(dev, 64 * 64, NPU_BUFFER_LOCAL, &args.b.buffer));
	check(npu_buffer_create(dev, 64 * 64 * 4, NPU_BUFFER_LOCAL, &args.out.buffer));
	/* The first is not counted: it compiles. */
	for (int i = -1; i < CALLS; i++) {
		double start = now(CLOCK_MONOTONIC), called;

		check(npu_matmul(queue, &op, &args, NULL, 0, &fence));
		called = now(CLOCK_MONOTONIC);
		check(npu_fence_wait(fence, NPU_WAIT_FOREVER));
		npu_fence_release(fence);
		if (i < 0)
			continue;
		call[i] = called - start;
		trip[i] = now(CLOCK_MONOTONIC) - start;
	}
	printf("\t\"eager\": { \"call_us\": %.1f, \"result_us\": %.1f }\n", median_us(call),
	       median_us(trip));
	npu_queue_release(queue);
	npu_buffer_release(args.a.buffer);
	npu_buffer_release(args.b.buffer);
	npu_buffer_release(args.out.buffer);
	npu_close(dev);
}

int main(void)
{
	printf("{\n");
	network("resnet50", network_resnet50, true);
	network("resnet50", network_resnet50, false);
	network("mobilenet", network_mobilenet, true);
	network("mobilenet", network_mobilenet, false);
	eager();
	printf("}\n");
	return 0;
}
