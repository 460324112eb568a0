// SPDX-License-Identifier: MIT
/*
 * Copyright (c) 2026 the npu authors
 *
 * See run.h.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "npu/image.h"
#include "qemu-device/card/float16.h"

#include "run.h"

uint64_t tensor_count(const struct tensor *t)
{
	uint64_t n = 1;
	uint32_t i;

	for (i = 0; i < t->dims; i++)
		n *= t->shape[i];
	return n;
}

uint64_t tensor_bytes(const struct tensor *t)
{
	return npu_tensor_bytes(t->type, t->dims, t->shape);
}

double tensor_get(const struct tensor *t, uint64_t i)
{
	switch (t->type) {
	case NPU_S8:
		return ((const int8_t *)t->data)[i];
	case NPU_U8:
		return ((const uint8_t *)t->data)[i];
	case NPU_S32:
		return ((const int32_t *)t->data)[i];
	case NPU_S64:
		return (double)((const int64_t *)t->data)[i];
	case NPU_BF16:
		return npu_bf16_to_f32(((const uint16_t *)t->data)[i]);
	case NPU_FP16:
		return npu_fp16_to_f32(((const uint16_t *)t->data)[i]);
	default:
		return ((const float *)t->data)[i];
	}
}

/* What lies in a region before the job: inputs. */
static int fill(struct npu_program *prog, unsigned int region, struct npu_buffer *buf,
		const struct tensor *in, unsigned int ins)
{
	unsigned int i, k;
	int ret = 0;

	for (i = 0; i < npu_program_tensors(prog) && !ret; i++) {
		const struct npu_tensor_info *t = npu_program_tensor(prog, i);

		if (t->region != region || t->role != NPU_TENSOR_INPUT)
			continue;
		for (k = 0; k < ins && strcmp(in[k].name, t->name); k++)
			;
		if (k < ins && tensor_bytes(&in[k]) == t->size)
			ret = npu_buffer_write(buf, t->offset, in[k].data, t->size);
		else
			ret = -EINVAL;
	}
	return ret;
}

static int take(struct npu_program *prog, struct npu_buffer **buf, struct tensor *out,
		unsigned int outs)
{
	unsigned int i, k;
	int ret = 0;

	for (k = 0; k < outs; k++)
		out[k].data = NULL;
	for (i = 0; i < npu_program_tensors(prog) && !ret; i++) {
		const struct npu_tensor_info *t = npu_program_tensor(prog, i);

		for (k = 0; k < outs && strcmp(out[k].name, t->name); k++)
			;
		if (t->role != NPU_TENSOR_OUTPUT || k == outs)
			continue;
		out[k].type = t->type;
		out[k].dims = t->dims;
		memcpy(out[k].shape, t->shape, sizeof(out[k].shape));
		out[k].data = malloc(t->size);
		ret = npu_buffer_read(buf[t->region], t->offset, out[k].data, t->size);
	}
	return ret;
}

int run_image(struct npu_device *dev, const void *image, size_t size, const struct tensor *in,
	      unsigned int ins, struct tensor *out, unsigned int outs)
{
	struct npu_buffer *buf[16] = { NULL };
	struct npu_binding bindings[16];
	struct npu_program *prog = NULL;
	struct npu_queue *queue = NULL;
	struct npu_fence *fence = NULL;
	struct npu_job job = { .bindings = bindings };
	unsigned int i;
	int ret = npu_program_create(dev, image, size, &prog);

	job.program = prog;
	for (i = 0; i < 16 && !ret; i++) {
		const struct npu_region_info *r = npu_program_region(prog, i);

		if (r->kind != NPU_REGION_BOUND)
			continue;
		ret = npu_buffer_create(dev, r->size, NPU_BUFFER_LOCAL, &buf[i]);
		if (!ret)
			ret = fill(prog, i, buf[i], in, ins);
		bindings[job.binding_count++] =
			(struct npu_binding){ .region = i, .buffer = buf[i] };
	}
	if (!ret)
		ret = npu_queue_create(dev, NULL, &queue);
	if (!ret)
		ret = npu_queue_submit(queue, &job, 1, NULL, 0, &fence);
	if (!ret)
		ret = npu_fence_wait(fence, NPU_WAIT_FOREVER);
	if (!ret)
		ret = take(prog, buf, out, outs);
	npu_fence_release(fence);
	npu_queue_release(queue);
	npu_program_release(prog);
	for (i = 0; i < 16; i++)
		npu_buffer_release(buf[i]);
	return ret;
}
