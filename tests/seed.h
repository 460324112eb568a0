/* SPDX-License-Identifier: MIT */
/*
 * Copyright (c) 2026 the npu authors
 *
 * Where chance begins: a program's argument, else NPU_TEST_SEED, else the clock. Whoever takes a
 * seed prints it.
 */
#ifndef TESTS_SEED_H
#define TESTS_SEED_H

#include <stdint.h>
#include <stdlib.h>
#include <time.h>

/** test_seed() - @arg: NULL: the program was given none */
static inline uint64_t test_seed(const char *arg)
{
	if (!arg)
		arg = getenv("NPU_TEST_SEED");
	return arg ? strtoull(arg, NULL, 0) : (uint64_t)time(NULL);
}

#endif
