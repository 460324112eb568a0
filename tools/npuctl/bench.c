// SPDX-License-Identifier: MIT
/*
 * Copyright (c) 2026 the npu authors
 *
 * npuctl bench: its sub-verbs, and what they share. Two clocks are told apart everywhere: the
 * host's, which depends on the machine, and modelled cycles, which depend on nothing.
 */
#include "bench.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "npu/hw/isa.h"
#include "npu/image.h"
#include "npu/npu.h"

#include "cards.h"
#include "selftest.h"

const char *const dtype_names[] = { "int8", "bf16", "fp16", NULL };

uint32_t dtype_operand(enum dtype dtype)
{
	static const uint32_t types[] = {
		[DTYPE_INT8] = NPU_S8,
		[DTYPE_BF16] = NPU_BF16,
		[DTYPE_FP16] = NPU_FP16,
	};

	return types[dtype];
}

size_t dtype_size(enum dtype dtype)
{
	return dtype == DTYPE_INT8 ? 1 : 2;
}

uint32_t dtype_rate(enum dtype dtype, bool depthwise)
{
	if (dtype == DTYPE_INT8)
		return depthwise ? NPU_RATE_DEPTHWISE : NPU_RATE_ARRAY;
	return depthwise ? NPU_RATE_DEPTHWISE_FLOAT : NPU_RATE_ARRAY_FLOAT;
}

uint64_t now_ns(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return ts.tv_sec * UINT64_C(1000000000) + ts.tv_nsec;
}

static int ascending(const void *a, const void *b)
{
	double x = *(const double *)a, y = *(const double *)b;

	return (x > y) - (x < y);
}

double median(double *v, size_t count)
{
	qsort(v, count, sizeof(*v), ascending);
	return count % 2 ? v[count / 2] : (v[count / 2 - 1] + v[count / 2]) / 2;
}

int bench_buffer(struct npu_device *dev, uint64_t size, struct npu_buffer **buffer)
{
	uint64_t seed = size, chunk[4096];
	uint64_t at = 0;
	int r;

	*buffer = NULL;
	r = npu_buffer_create(dev, size, NPU_BUFFER_LOCAL, buffer);
	while (!r && at < size) {
		size_t n = size - at < sizeof(chunk) ? size - at : sizeof(chunk);

		/* Bit 14 clear: no exponent of bf16 or fp16 is all ones. */
		for (size_t i = 0; i < sizeof(chunk) / sizeof(*chunk); i++)
			chunk[i] = selftest_random(&seed) & UINT64_C(0xbfffbfffbfffbfff);
		r = npu_buffer_write(*buffer, at, chunk, n);
		at += n;
	}
	return r;
}

int bench_scale_buffer(struct npu_device *dev, uint32_t count, float value,
		       struct npu_buffer **buffer)
{
	float *scale = malloc(count * sizeof(*scale));
	int r;

	*buffer = NULL;
	if (!scale)
		return -ENOMEM;
	for (uint32_t i = 0; i < count; i++)
		scale[i] = value;
	r = npu_buffer_create(dev, count * sizeof(*scale), NPU_BUFFER_LOCAL, buffer);
	if (!r)
		r = npu_buffer_write(*buffer, 0, scale, count * sizeof(*scale));
	free(scale);
	return r;
}

static int take_oldest(struct bench_window *w)
{
	struct npu_fence *fence = w->fence[w->next];
	struct npu_result how;
	int r = npu_fence_wait(fence, NPU_WAIT_FOREVER);

	if (!r)
		r = npu_fence_result(fence, &how);
	if (!r) {
		w->cycles += how.cycles;
		w->done += how.jobs;
	}
	npu_fence_release(fence);
	w->next = (w->next + 1) % w->depth;
	w->count--;
	return r;
}

int bench_window_push(struct bench_window *w, struct npu_fence *fence)
{
	int r = w->count == w->depth ? take_oldest(w) : 0;

	w->fence[(w->next + w->count++) % w->depth] = fence;
	return r;
}

int bench_window_drain(struct bench_window *w)
{
	int r = 0;

	while (w->count) {
		int one = take_oldest(w);

		if (one)
			r = one;
	}
	return r;
}

int bench_jobs_submit(void *opaque, struct npu_fence **fence)
{
	const struct bench_jobs *x = opaque;

	return npu_queue_submit(x->queue, x->job, x->count, NULL, 0, fence);
}

int bench_window_fill(struct bench_window *w, uint32_t time_ms,
		      int (*submit)(void *opaque, struct npu_fence **fence), void *opaque,
		      uint64_t *ns)
{
	uint64_t start = now_ns(), now;
	struct npu_fence *fence;
	int r, drained;

	do {
		r = submit(opaque, &fence);
		if (!r)
			r = bench_window_push(w, fence);
		now = now_ns();
	} while (!r && now - start < time_ms * UINT64_C(1000000));
	drained = bench_window_drain(w);
	*ns = now_ns() - start;
	return r ? r : drained;
}

int bench_on_device(const struct command *self, const struct option_spec *specs, int argc,
		    char **argv, const char *const *device,
		    int (*run)(struct npu_device *dev, const void *opaque), const void *opaque)
{
	struct npu_device *dev;
	int r = options_parse(self, specs, argc, argv, 0, 0, NULL);

	if (r != OPTIONS_GO_ON)
		return r;
	r = device_open(&dev, *device);
	if (r)
		return r;
	r = run(dev, opaque);
	npu_close(dev);
	return r;
}

bool bench_plots_alone(const char *plot)
{
	return plot && !strcmp(plot, "-");
}

int bench_check_plot(const char *plot, bool json)
{
	if (!json || !bench_plots_alone(plot))
		return OPTIONS_GO_ON;
	return complain(NPUCTL_USAGE, "--json and --plot - would both go to stdout");
}

static const struct command *const verbs[] = {
	&command_bench_matmul,
	&command_bench_latency,
	&command_bench_dma,
	&command_bench_shapes,
	NULL,
};

static int run(const struct command *self, int argc, char **argv)
{
	(void)self;
	if (argc >= 2 && (!strcmp(argv[1], "--help") || !strcmp(argv[1], "-h"))) {
		fputs("Usage: npuctl bench VERB [OPTION...] [ARGUMENT...]\n\nMeasures.\n\nVerbs\n",
		      stdout);
		command_words(stdout, verbs);
		fputs("\nnpuctl bench VERB --help tells more.\n\n"
		      "Example\n  npuctl bench matmul --device sim:check=off\n",
		      stdout);
		return NPUCTL_DONE;
	}
	return command_dispatch("npuctl bench", verbs, argc, argv);
}

const struct command command_bench = {
	.name = "bench",
	.arguments = "VERB",
	.summary = "Measure: products, latency, copies, tables of layers",
	.example = "npuctl bench matmul --device sim:",
	.run = run,
};
