// SPDX-License-Identifier: MIT
/*
 * Copyright (c) 2026 the npu authors
 *
 * The mutator of images: that each section which holds numbers is changed in place, with checksums
 * that are right again. A section that it leaves alone is one that fuzzing never looks behind.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "hal/crc32c.h"
#include "npu/image.h"
#include "npu/stream.h"

#include "fuzz.h"

#define TRIES 4000u

size_t LLVMFuzzerCustomMutator(uint8_t *data, size_t size, size_t max_size, unsigned int seed);

/* libFuzzer's own is not here, and not what this is about. */
size_t LLVMFuzzerMutate(uint8_t *data, size_t size, size_t max_size)
{
	(void)data;
	(void)max_size;
	return size;
}

static void *make_image(bool layers, size_t *size)
{
	static const struct npu_layer layer[] = {
		{ "conv", "Conv", "conv2d", { 1000, 2000, NPU_RATE_ARRAY } },
		{ "pool", "MaxPool", "pool2d", { 0, 0, NPU_RATE_NONE } },
	};
	static const struct npu_tensor_info tensor[] = {
		{ .name = "x",
		  .role = NPU_TENSOR_INPUT,
		  .type = NPU_U8,
		  .dims = 1,
		  .shape = { 64 } },
	};
	/* Behind them no blind choice of a place gets to the layers. */
	static const uint8_t constants[4096];
	uint8_t code[64] __attribute__((aligned(64))) = { 1 };
	struct npu_image image = {
		.isa = NPU_ISA_MAJOR << 16 | NPU_ISA_MINOR,
		.spm_size = 1 << 16,
		.acc_size = 1 << 12,
		.cores = 1,
		.code = { { code, sizeof(code) } },
		.constants = constants,
		.constants_size = sizeof(constants),
		.region = { { NPU_REGION_BOUND, NPU_REGION_READ, 64 },
			    { NPU_REGION_CONSTANTS, NPU_REGION_READ, sizeof(constants) } },
		.tensors = tensor,
		.tensor_count = 1,
		.layers = layer,
		.layer_count = layers ? 2 : 0,
	};
	void *data;

	if (npu_image_write(&image, &data, size))
		fail_msg("%s", npu_error());
	return data;
}

/* Mutations that leave sections where they are, by the sections that they change. */
static void count_changes(bool layers, unsigned int *changed)
{
	size_t size, now;
	uint8_t *image = make_image(layers, &size), *data = malloc(2 * size);
	unsigned int sections = layers ? NPU_IMAGE_SECTIONS : NPU_IMAGE_LAYERS, seed, s;
	struct npu_image_header was, is;

	assert_non_null(data);
	memcpy(&was, image, sizeof(was));
	memset(changed, 0, NPU_IMAGE_SECTIONS * sizeof(*changed));
	for (seed = 0; seed < TRIES; seed++) {
		memcpy(data, image, size);
		now = LLVMFuzzerCustomMutator(data, size, 2 * size, seed);
		memcpy(&is, data, sizeof(is));
		if (now != size || is.version != was.version)
			continue;
		for (s = 0; s < sections; s++) {
			const struct npu_image_part *p = &is.part[s];

			if (p->offset != was.part[s].offset || p->size != was.part[s].size ||
			    !memcmp(data + p->offset, image + p->offset, p->size))
				continue;
			assert_int_equal(p->crc, npu_crc32c(0, data + p->offset, p->size));
			changed[s]++;
		}
	}
	free(data);
	free(image);
}

static void sections_change(void **state)
{
	unsigned int changed[NPU_IMAGE_SECTIONS];

	(void)state;
	count_changes(true, changed);
	assert_true(changed[NPU_IMAGE_REGIONS] > TRIES / 200);
	assert_true(changed[NPU_IMAGE_TENSORS] > 0);
	assert_true(changed[NPU_IMAGE_CODE] > TRIES / 20);
	assert_true(changed[NPU_IMAGE_LAYERS] > TRIES / 20);
	/* Images of before there were layers have no such section where others have it. */
	count_changes(false, changed);
	assert_true(changed[NPU_IMAGE_CODE] > TRIES / 20);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(sections_change),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
