// SPDX-License-Identifier: MIT
/*
 * Copyright (c) 2026 the npu authors
 *
 * Fuzz target: .npu images. Whatever the bytes are, reading, checking, disassembling and estimating
 * end in bounded time and memory. What is read is what the writer would have written; what passes
 * the validator runs on the simulated card (where that is cheap) and ends well, or with what a
 * validator cannot know: a race, or an index out of range.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "isa/validate.h"
#include "npu/stream.h"

#include "fuzz.h"

/* Modelled cycles, of an array as large as can be, up to which programs are run. */
#define MAX_CYCLES 4000u

static void write_again(const struct npu_image *image, const void *data, size_t size)
{
	size_t again_size;
	void *again;
	int ret = npu_image_write(image, &again, &again_size);

	if (ret)
		fuzz_fail("what was read cannot be written", ret);
	if (again_size != size || memcmp(again, data, size))
		fuzz_fail("the writer would have written other bytes", 0);
	free(again);
}

static void look_into(const struct npu_image *image)
{
	static FILE *null;
	unsigned int i;

	if (!null)
		null = fopen("/dev/null", "we");
	for (i = 0; null && i < image->cores; i++) {
		npu_disasm(null, &image->code[i], NPU_DISASM_TEXT);
		npu_disasm(null, &image->code[i], NPU_DISASM_JSON);
	}
}

/* Layers' costs sum to the whole, unless a tag is beyond their table. */
static void add_layers(struct npu_device *dev, const struct npu_image *image, uint64_t cycles)
{
	struct npu_cost total, *cost = calloc(image->layer_count + 1, sizeof(*cost));
	uint64_t sum = 0;
	uint32_t i;
	int ret;

	if (!cost)
		return;
	ret = npu_code_costs(npu_device_caps(dev), image->code, image->cores, 0x5555, &total, cost,
			     image->layer_count);
	for (i = 0; i < image->layer_count; i++)
		sum += cost[i].cycles;
	free(cost);
	if (ret ? ret != -EINVAL : total.cycles != cycles || (image->layer_count && sum != cycles))
		fuzz_fail("layers' cycles", ret);
}

static void run(struct npu_device *dev, const struct npu_image *image, const void *data,
		size_t size)
{
	struct npu_program *prog;
	uint64_t cycles;
	int ret;

	ret = npu_code_cycles(npu_device_caps(dev), image->code, image->cores, 0x5555, &cycles);
	/* A HANG, where the image asks for a card that takes it, has no end. */
	if (ret == -EINVAL && image->features & NPU_FEATURE_INJECT)
		return;
	if (ret)
		fuzz_fail("cycles", ret);
	add_layers(dev, image, cycles);
	if (npu_image_fits(image, npu_device_caps(dev)) || cycles > MAX_CYCLES)
		return;
	ret = npu_program_create(dev, data, size, &prog);
	if (ret == -ENOSPC)
		return;
	if (ret)
		fuzz_fail("a valid image is not taken", ret);
	ret = fuzz_run(dev, prog);
	if (ret && ret != -EILSEQ && ret != -ERANGE)
		fuzz_fail("a valid image fails on the card", ret);
	npu_program_release(prog);
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size)
{
	static struct npu_device *dev;
	struct npu_image image;
	void *data;

	/* The model of time must not let much work look cheap: no more lanes than here. */
	if (!dev)
		dev = fuzz_open("sim:cores=2,spm=256K,acc=64K,lmem=16M,vpu-lanes=16,dw-channels=8,"
				"array-rows=16,array-cols=16");
	/* Memory of exactly that size, so that reading beyond shows. */
	if (posix_memalign(&data, 64, size ? size : 1))
		return 0;
	memcpy(data, bytes, size);
	if (!npu_image_parse(&image, data, size)) {
		write_again(&image, data, size);
		look_into(&image);
		if (!npu_validate_image(&image))
			run(dev, &image, data, size);
		npu_image_clear(&image);
	}
	free(data);
	return 0;
}
