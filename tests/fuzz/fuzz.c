// SPDX-License-Identifier: MIT
/*
 * Copyright (c) 2026 the npu authors
 *
 * See fuzz.h.
 */
#include "fuzz.h"

#include <stdio.h>
#include <stdlib.h>

#include "npu/hw/regs.h"

int64_t fuzz_number(uint64_t *state)
{
	static const int64_t telling[] = { 0,	      1,	 2,	    3,	       4,
					   7,	      8,	 15,	    16,	       17,
					   63,	      64,	 65,	    127,       128,
					   255,	      256,	 4096,	    65535,     65536,
					   1 << 20,   -1,	 -2,	    -128,      INT32_MAX,
					   INT32_MIN, INT64_MAX, INT64_MIN, 1ll << 32, 1ll << 48 };

	switch (fuzz_chance(state, 4)) {
	case 0:
		return (int64_t)((1ull << fuzz_chance(state, 64)) + fuzz_chance(state, 3) - 1);
	case 1:
		return fuzz_chance(state, 32);
	default:
		return telling[fuzz_chance(state, sizeof(telling) / sizeof(telling[0]))];
	}
}

void fuzz_fail(const char *what, int ret)
{
	fprintf(stderr, "fuzz: %s: %d, %s\n", what, ret, npu_error());
	abort();
}

struct npu_device *fuzz_open(const char *name)
{
	struct npu_device *dev;
	int ret = npu_open(&dev, name);

	if (ret)
		fuzz_fail(name, ret);
	return dev;
}

int fuzz_run(struct npu_device *dev, struct npu_program *prog)
{
	struct npu_buffer *buf[NPU_MAX_REGIONS] = { NULL };
	struct npu_binding bindings[NPU_MAX_REGIONS];
	struct npu_job job = { .program = prog, .bindings = bindings };
	struct npu_queue *queue = NULL;
	struct npu_fence *fence = NULL;
	uint64_t bytes = 0;
	unsigned int i;
	int ret = 0;

	for (i = 0; i < NPU_MAX_REGIONS; i++) {
		const struct npu_region_info *r = npu_program_region(prog, i);

		if (r->kind == NPU_REGION_BOUND && r->size > FUZZ_MAX_BYTES)
			return 0;
		bytes += r->kind == NPU_REGION_BOUND ? r->size : 0;
	}
	if (bytes > FUZZ_MAX_BYTES)
		return 0;
	for (i = 0; i < NPU_MAX_REGIONS && !ret; i++) {
		const struct npu_region_info *r = npu_program_region(prog, i);

		if (r->kind != NPU_REGION_BOUND)
			continue;
		ret = npu_buffer_create(dev, r->size ? r->size : 1, NPU_BUFFER_LOCAL, &buf[i]);
		bindings[job.binding_count++] =
			(struct npu_binding){ .region = i, .buffer = buf[i] };
	}
	if (!ret)
		ret = npu_queue_create(dev, NULL, &queue);
	if (!ret)
		ret = npu_queue_submit(queue, &job, 1, NULL, 0, &fence);
	if (ret)
		fuzz_fail("a good program is not taken", ret);
	ret = npu_fence_wait(fence, NPU_WAIT_FOREVER);
	npu_fence_release(fence);
	npu_queue_release(queue);
	for (i = 0; i < NPU_MAX_REGIONS; i++)
		npu_buffer_release(buf[i]);
	return ret;
}
