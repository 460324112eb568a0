// SPDX-License-Identifier: MIT
/*
 * Copyright (c) 2026 the npu authors
 *
 * Usage: make_image OUT.npu
 *
 * An image for npuctl disasm: two streams that each load two tiles, multiply them and store the
 * sums.
 */
#include <stdio.h>
#include <stdlib.h>

#include "npu/image.h"
#include "npu/npu.h"
#include "npu/stream.h"

#define CORES 2

static int append(struct npu_stream *s, const struct npu_caps *caps, uint32_t core)
{
	const struct npu_cmd_load a = { .type = NPU_S8,
					.region = 0,
					.offset = core * 1024,
					.size = { 32, 32, 1, 1 },
					.mem_stride = { 32 },
					.spm_stride = { 32 } };
	const struct npu_cmd_load b = { .type = NPU_S8,
					.region = 1,
					.spm = 1024,
					.size = { 32, 32, 1, 1 },
					.mem_stride = { 32 },
					.spm_stride = { 32 } };
	const struct npu_cmd_matmul product = {
		.h = { .tag = 77 },
		.o = { .a_type = NPU_S8,
		       .b_type = NPU_S8,
		       .b_layout = NPU_B_ROWS,
		       .b = 1024,
		       .b_stride = 32 },
		.m = 32,
		.n = 32,
		.k = 32,
		.a_stride = 32,
		.acc_stride = 128,
	};
	const struct npu_cmd_store out = { .space = NPU_SPACE_ACC,
					   .region = 2,
					   .offset = core * 4096,
					   .size = { 128, 32, 1, 1 },
					   .mem_stride = { 128 },
					   .local_stride = { 128 } };

	npu_stream_load(s, &a);
	npu_stream_load(s, &b);
	npu_stream_matmul(s, &product);
	npu_stream_store(s, &out);
	return npu_stream_sync(s, caps);
}

int main(int argc, char **argv)
{
	struct npu_image image = { .isa = NPU_ISA_MAJOR << 16 | NPU_ISA_MINOR, .cores = CORES };
	struct npu_stream *streams[CORES];
	struct npu_device *dev;
	size_t size;
	void *data;
	FILE *f;
	int r;

	if (argc != 2 || npu_open(&dev, "sim:"))
		return 1;
	image.spm_size = npu_device_caps(dev)->spm_size;
	image.acc_size = npu_device_caps(dev)->acc_size;
	for (uint32_t c = 0; c < CORES; c++) {
		streams[c] = npu_stream_create();
		if (!streams[c] || append(streams[c], npu_device_caps(dev), c))
			return 1;
		image.code[c].cmds = npu_stream_data(streams[c], &size);
		image.code[c].size = size;
	}
	if (npu_code_check(npu_device_caps(dev), image.code, CORES, NULL, NULL) ||
	    npu_code_regions(image.code, CORES, image.region) ||
	    npu_image_write(&image, &data, &size)) {
		fprintf(stderr, "make_image: %s\n", npu_error());
		return 1;
	}
	f = fopen(argv[1], "w");
	r = !f || fwrite(data, 1, size, f) != size || fclose(f);
	free(data);
	for (uint32_t c = 0; c < CORES; c++)
		npu_stream_free(streams[c]);
	npu_close(dev);
	return r;
}
