// SPDX-License-Identifier: MIT
/*
 * Copyright (c) 2026 the npu authors
 *
 * What targets that have a device share, see fuzz.h: opening it, running a program once.
 */
#include <stdio.h>
#include <stdlib.h>

#include "npu/hw/regs.h"
#include "npu/npu.h"

#include "fuzz.h"

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
