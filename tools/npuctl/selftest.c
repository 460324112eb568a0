// SPDX-License-Identifier: MIT
/*
 * Copyright (c) 2026 the npu authors
 *
 * What the self-tests share - types, random tensors, comparing - and the test of memory.
 */
#include "selftest.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "npu/npu.h"
#include "npu/ops.h"

#include "half.h"

const struct selftest_types selftest_types[] = {
	{ "int8 -> int32", NPU_S8, NPU_S8, NPU_S32, 0, 0, 0, 0, 0, 0 },
	{ "int8 -> int8, bias, scale, relu", NPU_S8, NPU_S8, NPU_S8, -7, 0, -128, 1, 1, 1 },
	{ "uint8 x int8 -> uint8, bias, scale", NPU_U8, NPU_S8, NPU_U8, 119, 3, 130, 1, 1, 0 },
	{ "uint8 x uint8 -> int32, bias", NPU_U8, NPU_U8, NPU_S32, 128, 77, 0, 1, 0, 0 },
	{ "bf16 -> bf16, bias, relu", NPU_BF16, NPU_BF16, NPU_BF16, 0, 0, 0, 1, 0, 1 },
	{ "bf16 -> fp32", NPU_BF16, NPU_BF16, NPU_FP32, 0, 0, 0, 0, 0, 0 },
	{ "fp16 -> fp16, bias, scale", NPU_FP16, NPU_FP16, NPU_FP16, 0, 0, 0, 1, 1, 0 },
	{ "fp16 -> fp32", NPU_FP16, NPU_FP16, NPU_FP32, 0, 0, 0, 0, 0, 0 },
};

const size_t selftest_type_count = sizeof(selftest_types) / sizeof(*selftest_types);

/* splitmix64 */
uint64_t selftest_random(uint64_t *seed)
{
	uint64_t z = *seed += 0x9e3779b97f4a7c15;

	z = (z ^ z >> 30) * 0xbf58476d1ce4e5b9;
	z = (z ^ z >> 27) * 0x94d049bb133111eb;
	return z ^ z >> 31;
}

size_t selftest_type_size(uint32_t type)
{
	switch (type) {
	case NPU_S8:
	case NPU_U8:
		return 1;
	case NPU_BF16:
	case NPU_FP16:
		return 2;
	default:
		return 4;
	}
}

/* -1 .. 1 */
static float random_float(uint64_t *seed)
{
	return (float)((int64_t)selftest_random(seed) >> 40) * 0x1p-23f;
}

static void fill(void *data, uint32_t type, uint64_t count, uint64_t *seed)
{
	for (uint64_t i = 0; i < count; i++)
		switch (type) {
		case NPU_S8:
		case NPU_U8:
			((uint8_t *)data)[i] = selftest_random(seed);
			break;
		case NPU_BF16:
			((uint16_t *)data)[i] = bf16_from_float(random_float(seed));
			break;
		case NPU_FP16:
			((uint16_t *)data)[i] = fp16_from_float(random_float(seed));
			break;
		case NPU_FP32:
			((float *)data)[i] = random_float(seed);
			break;
		default:
			((int32_t *)data)[i] = (int32_t)selftest_random(seed) >> 16;
			break;
		}
}

int selftest_tensor_of(struct npu_device *dev, struct selftest_tensor *t, void *data, size_t size)
{
	int r;

	t->data = data;
	t->size = size;
	r = npu_buffer_create(dev, size, NPU_BUFFER_LOCAL, &t->buffer);
	if (!r)
		r = npu_buffer_write(t->buffer, 0, data, size);
	return r;
}

int selftest_tensor(struct npu_device *dev, struct selftest_tensor *t, uint32_t type,
		    uint64_t count, uint64_t *seed)
{
	void *data = malloc(count * selftest_type_size(type));

	if (!data)
		return -ENOMEM;
	fill(data, type, count, seed);
	return selftest_tensor_of(dev, t, data, count * selftest_type_size(type));
}

void selftest_tensor_free(struct selftest_tensor *t)
{
	npu_buffer_release(t->buffer);
	free(t->data);
	memset(t, 0, sizeof(*t));
}

static void describe(const void *data, uint32_t type, uint64_t i, char *text, size_t size)
{
	switch (type) {
	case NPU_S8:
		snprintf(text, size, "%d", ((const int8_t *)data)[i]);
		break;
	case NPU_U8:
		snprintf(text, size, "%u", ((const uint8_t *)data)[i]);
		break;
	case NPU_BF16:
	case NPU_FP16: {
		uint16_t h = ((const uint16_t *)data)[i];

		snprintf(text, size, "%.9g (%04x)",
			 (double)(type == NPU_BF16 ? bf16_to_float(h) : fp16_to_float(h)), h);
		break;
	}
	case NPU_FP32:
		snprintf(text, size, "%.9g", (double)((const float *)data)[i]);
		break;
	default:
		snprintf(text, size, "%d", ((const int32_t *)data)[i]);
		break;
	}
}

int selftest_compare(struct selftest_tensor *out, const void *want, uint32_t type,
		     const char *which, struct selftest_result *result)
{
	size_t size = selftest_type_size(type);
	const uint8_t *w = want;
	uint8_t *got = out->data;
	int r = npu_buffer_read(out->buffer, 0, got, out->size);

	if (r)
		return r;
	result->cases++;
	result->elements += out->size / size;
	for (size_t i = 0; i < out->size / size; i++) {
		char g[48], e[48];

		if (!memcmp(got + i * size, w + i * size, size))
			continue;
		if (!result->wrong++) {
			describe(got, type, i, g, sizeof(g));
			describe(want, type, i, e, sizeof(e));
			snprintf(result->first, sizeof(result->first),
				 "%s: element %zu is %s, not %s", which, i, g, e);
		}
	}
	return 0;
}

void selftest_memory(struct npu_device *dev, struct npu_queue *queue,
		     const struct selftest_types *types, uint64_t *seed,
		     struct selftest_result *result)
{
	static const size_t sizes[] = { 1, 4096, 65537, 3 << 20 };

	(void)queue;
	(void)types;
	for (unsigned int flags = NPU_BUFFER_HOST; flags <= NPU_BUFFER_LOCAL; flags++)
		for (size_t i = 0; i < sizeof(sizes) / sizeof(*sizes); i++) {
			struct selftest_tensor t = { .size = sizes[i], .data = malloc(sizes[i]) };
			uint8_t *want = malloc(sizes[i]);
			char which[64];
			int r = t.data && want ? npu_buffer_create(dev, t.size, flags, &t.buffer) :
						 -ENOMEM;

			snprintf(which, sizeof(which), "%zu bytes of %s memory", sizes[i],
				 flags == NPU_BUFFER_LOCAL ? "local" : "host");
			if (!r) {
				fill(want, NPU_U8, sizes[i], seed);
				r = npu_buffer_write(t.buffer, 0, want, t.size);
			}
			if (!r)
				r = selftest_compare(&t, want, NPU_U8, which, result);
			if (r)
				snprintf(result->error, sizeof(result->error), "%s: %s", which,
					 npu_error());
			free(want);
			selftest_tensor_free(&t);
			if (r)
				return;
		}
}
