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

struct npu_buffer;
struct npu_device;
struct npu_fence;

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

/**
 * bench_buffer() - local memory with pseudo-random bytes (finite as floats of 16 bits); 0 or -errno
 */
int bench_buffer(struct npu_device *dev, uint64_t size, struct npu_buffer **buffer);

/** bench_scale_buffer() - @count binary32 of @value in local memory; 0 or -errno */
int bench_scale_buffer(struct npu_device *dev, uint32_t count, float value,
		       struct npu_buffer **buffer);

/**
 * struct bench_window - a ring of fences: so many jobs are under way and not more
 *
 * bench_window_push() takes a fence and waits for the oldest if the window is full;
 * bench_window_drain() waits for all. Both add the cycles of what ended and return 0 or a job's
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

#endif
