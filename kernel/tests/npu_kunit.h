/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Copyright (c) 2026 the npu authors
 *
 * What the KUnit tests share: a card without hardware.
 *
 * The tests are a module of their own, npu_kunit.ko, built where the kernel has KUnit. Each of its
 * files includes the driver's file that it tests, statics and all, so the driver knows nothing of
 * tests. What those files call of the rest of the driver is in npu_kunit_fakes.c. Registers are
 * memory; the only one that answers is that of invalidations, at once.
 */
#ifndef NPU_KUNIT_H
#define NPU_KUNIT_H

#include <kunit/test.h>

#include "../npu_drv.h"

/* The driver's tracepoints are the driver's. */
#define NPU_TRACE_H
#define trace_npu_job_submit(...)	do { } while (0)
#define trace_npu_job_run(...)		do { } while (0)
#define trace_npu_task_done(...)	do { } while (0)
#define trace_npu_ring_command(...)	do { } while (0)

#define NPU_KUNIT_CONTEXT	7	/* of every address space */
#define NPU_KUNIT_CORES		4

/* How often the driver asked for it. */
extern unsigned int npu_kunit_invalidations;
extern unsigned int npu_kunit_resets;
extern unsigned int npu_kunit_ring_resets;
/* How often it told of a ban. */
extern unsigned int npu_kunit_bans;

/** npu_kunit_device - a card that lives as long as the test */
struct npu_device *npu_kunit_device(struct kunit *test);

void npu_kunit_write(struct npu_device *ndev, u32 reg, u32 value);
#define npu_write npu_kunit_write

#endif
