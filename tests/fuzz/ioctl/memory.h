/* SPDX-License-Identifier: MIT */
/*
 * Copyright (c) 2026 the npu authors
 *
 * What the kernel's modules hold, by the line of code that allocated it, where the kernel counts that
 * (sysctl.vm.mem_profiling=1): to find leaks in runs too long for kmemleak.
 */
#ifndef FUZZ_MEMORY_H
#define FUZZ_MEMORY_H

#include <stdbool.h>

/** memory_begin - remembers what is held now, when nothing is open; false where the kernel does not count */
bool memory_begin(void);

/** memory_grown - lines that hold more than then, of modules that do; printed if asked */
int memory_grown(bool print);

#endif
