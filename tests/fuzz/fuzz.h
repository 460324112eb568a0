/* SPDX-License-Identifier: MIT */
/*
 * Copyright (c) 2026 the npu authors
 *
 * What the fuzz targets share: chance, libFuzzer's own mutations, running a program once.
 */
#ifndef TESTS_FUZZ_H
#define TESTS_FUZZ_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct npu_device;
struct npu_program;

/* libFuzzer's: changes @data in place, returns its new size. */
size_t LLVMFuzzerMutate(uint8_t *data, size_t size, size_t max_size);

/** fuzz_chance() - a number below @n, from *@state */
static inline uint32_t fuzz_chance(uint64_t *state, uint32_t n)
{
	*state = *state * 6364136223846793005ull + 1442695040888963407ull;
	return (uint32_t)((*state >> 33) % n);
}

/** fuzz_number() - a number at which something may change: small, a power of two, next to one */
int64_t fuzz_number(uint64_t *state);

/* fuzz_device.c: */

/** fuzz_open() - npu_open(), which must not fail */
struct npu_device *fuzz_open(const char *name);

/**
 * fuzz_run() - run @prog once on zeros
 *
 * Programs whose regions together have more than FUZZ_MAX_BYTES are not run. Returns the fence's
 * errno, 0 also where nothing ran.
 */
#define FUZZ_MAX_BYTES (1u << 20)
int fuzz_run(struct npu_device *dev, struct npu_program *prog);

/** fuzz_fail() - say what should not be, with npu_error(), and abort */
_Noreturn void fuzz_fail(const char *what, int ret);

#endif
