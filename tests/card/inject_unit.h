/* SPDX-License-Identifier: MIT */
/*
 * Copyright (c) 2026 the npu authors
 *
 * What tests of injected faults share: a host over each kind of memory, empty jobs and jobs that
 * copy, and how they end. All of it asserts.
 */
#ifndef NPU_TESTS_CARD_INJECT_UNIT_H
#define NPU_TESTS_CARD_INJECT_UNIT_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "host.h"

#define INJECT_CODE_VA	UINT64_C(0x100000)
#define INJECT_DATA_VA	UINT64_C(0x200000)
#define INJECT_RW	(NPU_PTE_READ | NPU_PTE_WRITE)

/** inject_host() - host_new() with the memory that the test's state says (INJECT_TEST) */
struct host *inject_host(void **state, const char *options);

void inject(struct host *h, enum npu_injection what, int64_t value);

/** inject_until_left() - until @left of the faults asked for are still to come */
void inject_until_left(struct host *h, enum npu_injection what, int64_t left);

/** inject_submit() - an empty job */
void inject_submit(struct host *h, struct host_ring *r, uint64_t id, uint32_t flags);

void inject_until_runs(struct host *h, unsigned int ring, uint64_t id);

/** inject_expect() - the ring's next completion, which is of @id and says so */
struct npu_completion inject_expect(struct host *h, struct host_ring *r, uint64_t id,
				    enum npu_status status, enum npu_reason reason);

/** inject_works() - an empty job @id runs */
void inject_works(struct host *h, struct host_ring *r, uint64_t id);

/** inject_copies() - a stream of @n commands that copy 64 bytes from region @from to region @to */
struct npu_stream_ref inject_copies(struct host *h, uint64_t va, unsigned int n, uint8_t from,
				    uint8_t to);

/**
 * inject_load() - @jobs jobs on each of two rings, numbered from 1, each of @copies copies, are under way
 *
 * Two pages at INJECT_DATA_VA of context 1 are theirs.
 */
void inject_load(struct host *h, struct host_ring *r[2], unsigned int jobs, unsigned int copies);

/** inject_bring_up() - the card is enabled after a reset, with the context table it had */
void inject_bring_up(struct host *h);

/** inject_nap() - long enough for what must not happen to have happened */
void inject_nap(unsigned int ms);

/* A test, over each kind of memory. */
#define INJECT_TEST_WITH(memory, test)                              \
	{                                                           \
#test " " #memory, test, NULL, NULL, (void *)memory \
	}
#define INJECT_TEST(test)                                                            \
	INJECT_TEST_WITH(HOST_STABLE, test), INJECT_TEST_WITH(HOST_TRANSIENT, test), \
		INJECT_TEST_WITH(HOST_COPY, test)

#endif
