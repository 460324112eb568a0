// SPDX-License-Identifier: MIT
/*
 * Copyright (c) 2026 the npu authors
 *
 * Programs from streams, by way of an image: there is one road into the device, and it validates.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "hal/error.h"
#include "npu/image.h"
#include "qemu-device/card/isa.h"

#include "stream.h"

static bool uses_hang(const struct npu_code *code)
{
	const struct npu_cmd *cmd;
	uint64_t at;

	for (at = 0; at < code->size; at += cmd->size) {
		cmd = (const void *)((const uint8_t *)code->cmds + at);
		if (cmd->opcode == NPU_OP_HANG)
			return true;
	}
	return false;
}

/* Tensors may be larger than what is touched of them. */
static int cover_tensors(struct npu_image *image)
{
	uint32_t i;

	for (i = 0; i < image->tensor_count; i++) {
		const struct npu_tensor_info *t = &image->tensors[i];
		uint64_t end = t->offset + npu_tensor_bytes(t->type, t->dims, t->shape);
		struct npu_region_info *r;

		if (t->region >= NPU_MAX_REGIONS || end < t->offset)
			return npu_fail(-EINVAL, "tensor %u: region %u, offset %llu", i, t->region,
					(unsigned long long)t->offset);
		r = &image->region[t->region];
		r->kind = NPU_REGION_BOUND;
		if (end > r->size)
			r->size = end;
	}
	return 0;
}

static int add_constants(struct npu_image *image, const struct npu_program_desc *desc)
{
	struct npu_region_info *r;

	if (!desc->constant_size)
		return 0;
	if (desc->constant_region >= NPU_MAX_REGIONS)
		return npu_fail(-EINVAL, "constant_region %u", desc->constant_region);
	r = &image->region[desc->constant_region];
	if (r->size > desc->constant_size)
		return npu_fail(-EINVAL,
				"commands touch %llu bytes of the constants, there are %zu",
				(unsigned long long)r->size, desc->constant_size);
	r->kind = NPU_REGION_CONSTANTS;
	r->size = desc->constant_size;
	image->constants = desc->constants;
	image->constants_size = desc->constant_size;
	return 0;
}

int npu_program_from_streams(struct npu_device *dev, struct npu_stream *const *streams,
			     unsigned int cores, const struct npu_program_desc *desc,
			     struct npu_program **prog)
{
	const struct npu_caps *caps = npu_device_caps(dev);
	struct npu_image image = {
		.isa = NPU_ISA_MAJOR << 16 | NPU_ISA_MINOR,
		.spm_size = caps->spm_size,
		.acc_size = caps->acc_size,
		.cores = cores,
		.tensors = desc->tensors,
		.tensor_count = desc->tensor_count,
	};
	unsigned int i;
	size_t size;
	void *data;
	int ret;

	*prog = NULL;
	if (!cores || cores > caps->cores || cores > NPU_MAX_CORES)
		return npu_fail(-EINVAL, "%u streams: the card has %u cores", cores, caps->cores);
	for (i = 0; i < cores; i++) {
		ret = npu_stream_error(streams[i]);
		if (ret)
			return npu_fail(ret, "stream %u could not be built: out of memory", i);
		image.code[i] = npu_stream_code(streams[i]);
	}
	ret = npu_code_check(caps, image.code, cores, NULL, NULL);
	if (!ret)
		ret = npu_code_regions(image.code, cores, image.region);
	if (!ret)
		ret = cover_tensors(&image);
	if (!ret)
		ret = add_constants(&image, desc);
	if (ret)
		return ret;
	for (i = 0; i < cores; i++)
		if (uses_hang(&image.code[i]))
			image.features |= NPU_FEATURE_INJECT;
	ret = npu_image_write(&image, &data, &size);
	if (ret)
		return ret;
	ret = npu_program_create(dev, data, size, prog);
	free(data);
	return ret;
}
