/* SPDX-License-Identifier: MIT */
/*
 * Copyright (c) 2026 the npu authors
 *
 * Which of npu.ko's code the calls of this program reach, where the kernel has KCOV and the module was built
 * with it: code that runs in the calling threads, not in interrupts or the kernel's own threads.
 */
#ifndef FUZZ_KCOV_H
#define FUZZ_KCOV_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/**
 * struct kcov - what all processes know
 * @base: address of the module's code
 * @size: bytes of it
 * @points: calls of the tracing function in it
 * @hit: a byte for each of the module's, shared with processes forked later; NULL: nothing can be known
 */
struct kcov {
	uint64_t base;
	uint64_t size;
	size_t points;
	uint8_t *hit;
};

/** kcov_open - finds the module (@path: its file); false with a reason printed when it cannot be known */
bool kcov_open(struct kcov *kcov, const char *path);

/** kcov_reached - points reached so far */
size_t kcov_reached(const struct kcov *kcov);

/* A thread's trace. Made by any thread, NULL without KCOV. */
uint64_t *kcov_trace_create(const struct kcov *kcov, int *fd);
/** kcov_trace_start - from now on the calling thread's calls are traced */
void kcov_trace_start(uint64_t *trace, int fd);
/** kcov_trace_take - adds what was traced to the rest and forgets it */
void kcov_trace_take(const struct kcov *kcov, uint64_t *trace);

#endif
