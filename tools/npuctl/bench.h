/* SPDX-License-Identifier: MIT */
/*
 * Copyright (c) 2026 the npu authors
 *
 * What npuctl bench's sub-verbs share.
 */
#ifndef NPUCTL_BENCH_H
#define NPUCTL_BENCH_H

#include <stddef.h>
#include <stdint.h>

#include "command.h"

struct npu_buffer;
struct npu_device;
struct npu_fence;
struct npu_job;
struct npu_queue;

#define OPTION_SECONDS(v, text)                                                         \
	{                                                                               \
		.name = "seconds", .kind = OPTION_NUMBER, .value = (v), .metavar = "S", \
		.help = (text), .min = 1, .max = 3600                                   \
	}
#define OPTION_PLOT(v)                                                                      \
	{                                                                                   \
		.name = "plot", .kind = OPTION_STRING, .value = (v), .metavar = "FILE.svg", \
		.help = "draw a roofline; - is stdout, where there is nothing else then"    \
	}
#define OPTION_DEPTH(v, text)                                                         \
	{                                                                             \
		.name = "depth", .kind = OPTION_NUMBER, .value = (v), .metavar = "N", \
		.help = (text), .min = 1, .max = BENCH_MAX_DEPTH                      \
	}

/**
 * bench_on_device() - parse the words of a verb that takes nothing but options, open the device,
 * run the verb on it
 * @device: the value of --device, once the words are parsed
 * @opaque: for @run, which returns enum npuctl_exit, as this does
 */
int bench_on_device(const struct command *self, const struct option_spec *specs, int argc,
		    char **argv, const char *const *device,
		    int (*run)(struct npu_device *dev, const void *opaque), const void *opaque);

/** bench_check_plot() - OPTIONS_GO_ON; or --json and --plot would both be on stdout, as was said */
int bench_check_plot(const char *plot, bool json);

/** bench_plots_alone() - to stdout, so that nothing else may go there */
bool bench_plots_alone(const char *plot);

/** now_ns() - a clock that only goes forward */
uint64_t now_ns(void);

/** median() - of @count numbers, not zero; sorts them */
double median(double *v, size_t count);

/** enum dtype - what --dtype of bench takes */
enum dtype { DTYPE_INT8, DTYPE_BF16, DTYPE_FP16 };

extern const char *const dtype_names[];

/** dtype_operand() - enum npu_type of operands; dtype_size() - bytes of one */
uint32_t dtype_operand(enum dtype dtype);
size_t dtype_size(enum dtype dtype);

/** dtype_rate() - enum npu_rate of products, or of depthwise convolutions */
uint32_t dtype_rate(enum dtype dtype, bool depthwise);

/**
 * bench_buffer() - local memory with pseudo-random bytes (finite as floats of 16 bits); 0 or -errno
 */
int bench_buffer(struct npu_device *dev, uint64_t size, struct npu_buffer **buffer);

/** bench_scale_buffer() - @count binary32 of @value in local memory; 0 or -errno */
int bench_scale_buffer(struct npu_device *dev, uint32_t count, float value,
		       struct npu_buffer **buffer);

/**
 * struct bench_window - a ring of fences: so many submissions are under way and not more
 *
 * bench_window_push() takes a fence and waits for the oldest if the window is full;
 * bench_window_drain() waits for all. Both add the jobs and cycles of what ended and return 0 or a job's
 * -errno.
 */
#define BENCH_MAX_DEPTH 256

struct bench_window {
	struct npu_fence *fence[BENCH_MAX_DEPTH];
	unsigned int depth, count, next;
	uint64_t done, cycles;
};

int bench_window_push(struct bench_window *w, struct npu_fence *fence);
int bench_window_drain(struct bench_window *w);

/**
 * struct bench_jobs - jobs that are submitted together, again and again: by bench_jobs_submit(), its
 * @opaque
 */
struct bench_jobs {
	struct npu_queue *queue;
	const struct npu_job *job;
	unsigned int count;
};

int bench_jobs_submit(void *opaque, struct npu_fence **fence);

/**
 * bench_window_fill() - submit, keeping the window full, for @time_ms, then drain it
 * @submit: one job, or some with one fence; returns 0 or -errno
 * @ns: set to the time all of it took
 *
 * Returns 0 or the first -errno.
 */
int bench_window_fill(struct bench_window *w, uint32_t time_ms,
		      int (*submit)(void *opaque, struct npu_fence **fence), void *opaque,
		      uint64_t *ns);

#endif
