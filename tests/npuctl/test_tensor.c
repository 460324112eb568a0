// SPDX-License-Identifier: MIT
/*
 * Copyright (c) 2026 the npu authors
 *
 * Arrays to tensors and back: which types become which, which values survive, what is refused; and
 * names that are fit to be printed.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "command.h"
#include "npu/hw/isa.h"
#include "output.h"
#include "tensor.h"

static struct npu_tensor_info vector(uint32_t type, uint32_t count)
{
	struct npu_tensor_info t = { .name = "t", .type = type, .dims = 1, .shape = { count } };
	static const uint8_t size[NPU_TYPES] = {
		[NPU_S8] = 1,	[NPU_U8] = 1,	[NPU_S32] = 4,	[NPU_S64] = 8,
		[NPU_BF16] = 2, [NPU_FP16] = 2, [NPU_FP32] = 4,
	};

	t.size = (uint64_t)count * size[type];
	return t;
}

static struct npy array(enum npy_type type, void *data, uint32_t count)
{
	return (struct npy){ .type = type,
			     .dims = 1,
			     .shape = { count },
			     .size = count * npy_type_size(type),
			     .data = data };
}

/* @from becomes a tensor of @type whose bytes are @want; NULL: it is refused. */
static void becomes(uint32_t type, enum npy_type from_type, void *from, uint32_t count,
		    const void *want)
{
	struct npu_tensor_info t = vector(type, count);
	struct npy a = array(from_type, from, count);
	void *data;
	int r = tensor_from_npy(&t, &a, "file", &data);

	assert_int_equal(r, want ? NPUCTL_DONE : NPUCTL_FAILED);
	if (want)
		assert_memory_equal(data, want, t.size);
	free(data);
}

static void what_is_alike_is_copied(void **state)
{
	int8_t s8[] = { -128, 127, 3 };
	uint8_t u8[] = { 0, 255, 3 };
	int32_t s32[] = { INT32_MIN, 1 };
	int64_t s64[] = { INT64_MIN, 1 };
	uint16_t fp16[] = { 0x3c00, 0xfc00 };
	float fp32[] = { 1.25f, -1e30f };

	(void)state;
	becomes(NPU_S8, NPY_INT8, s8, 3, s8);
	becomes(NPU_U8, NPY_UINT8, u8, 3, u8);
	becomes(NPU_S32, NPY_INT32, s32, 2, s32);
	becomes(NPU_S64, NPY_INT64, s64, 2, s64);
	becomes(NPU_FP16, NPY_FLOAT16, fp16, 2, fp16);
	becomes(NPU_FP32, NPY_FLOAT32, fp32, 2, fp32);
}

static void what_may_become_what(void **state)
{
	/* 1 + 2^-8 is half way to the next of bf16 and goes to the even one, 1 + 3 * 2^-8 up. */
	float reals[] = { 1.5f, 1.00390625f, 1.01171875f, 1e30f };
	const uint16_t bf16[] = { 0x3fc0, 0x3f80, 0x3f82, 0x714a };
	const uint16_t fp16[] = { 0x3e00, 0x3c04, 0x3c0c, 0x7c00 };
	/* Half of the smallest normal number, infinity. */
	uint16_t halves[] = { 0x3c00, 0x0200, 0x7c00 };
	const float wide[] = { 1, 0x1p-15f, __builtin_inff() };
	int64_t longs[] = { INT32_MIN, -1, INT32_MAX };
	int32_t ints[] = { INT32_MIN, -1, INT32_MAX };

	(void)state;
	becomes(NPU_BF16, NPY_FLOAT32, reals, 4, bf16);
	becomes(NPU_FP16, NPY_FLOAT32, reals, 4, fp16);
	becomes(NPU_FP32, NPY_FLOAT16, halves, 3, wide);
	becomes(NPU_S32, NPY_INT64, longs, 3, ints);
	becomes(NPU_S64, NPY_INT32, ints, 3, longs);
}

static void what_may_not(void **state)
{
	int64_t longs[] = { 0, (int64_t)INT32_MAX + 1 }, below[] = { 0, (int64_t)INT32_MIN - 1 };
	uint8_t bytes[64] = { 0 };

	(void)state;
	becomes(NPU_S32, NPY_INT64, longs, 2, NULL);
	becomes(NPU_S32, NPY_INT64, below, 2, NULL);
	becomes(NPU_S8, NPY_UINT8, bytes, 2, NULL);
	becomes(NPU_U8, NPY_INT8, bytes, 2, NULL);
	becomes(NPU_S8, NPY_FLOAT32, bytes, 2, NULL);
	becomes(NPU_FP32, NPY_INT32, bytes, 2, NULL);
	becomes(NPU_BF16, NPY_FLOAT16, bytes, 2, NULL);
	becomes(NPU_S64, NPY_FLOAT32, bytes, 2, NULL);
	becomes(NPU_S4, NPY_INT8, bytes, 2, NULL);
}

static void shapes_are_the_same(void **state)
{
	struct npu_tensor_info t = vector(NPU_U8, 6);
	uint8_t bytes[6] = { 0 };
	struct npy a = array(NPY_UINT8, bytes, 6);
	void *data;

	(void)state;
	a.dims = 2;
	a.shape[0] = 1;
	a.shape[1] = 6;
	assert_int_equal(tensor_from_npy(&t, &a, "file", &data), NPUCTL_FAILED);
	t.dims = 2;
	t.shape[0] = 1;
	t.shape[1] = 6;
	assert_int_equal(tensor_from_npy(&t, &a, "file", &data), NPUCTL_DONE);
	free(data);
	t.shape[0] = 6;
	t.shape[1] = 1;
	assert_int_equal(tensor_from_npy(&t, &a, "file", &data), NPUCTL_FAILED);
	/* A scalar. */
	t = vector(NPU_U8, 1);
	t.dims = a.dims = 0;
	a.size = 1;
	assert_int_equal(tensor_from_npy(&t, &a, "file", &data), NPUCTL_DONE);
	free(data);
}

static void tensors_become_arrays(void **state)
{
	const uint16_t bf16[] = { 0x3fc0, 0xff80, 0x0001 };
	const float want[] = { 1.5f, -__builtin_inff(), 0x1p-133f };
	struct npu_tensor_info t = vector(NPU_BF16, 3);
	struct npy a;
	void *data = malloc(t.size);

	(void)state;
	assert_non_null(data);
	memcpy(data, bf16, t.size);
	assert_int_equal(tensor_to_npy(&t, data, &a), NPUCTL_DONE);
	assert_int_equal(a.type, NPY_FLOAT32);
	assert_int_equal(a.size, sizeof(want));
	assert_int_equal(a.dims, 1);
	assert_int_equal(a.shape[0], 3);
	assert_memory_equal(a.data, want, sizeof(want));
	free(a.data);

	t = vector(NPU_FP16, 3);
	data = malloc(t.size);
	assert_non_null(data);
	memcpy(data, bf16, t.size);
	assert_int_equal(tensor_to_npy(&t, data, &a), NPUCTL_DONE);
	assert_int_equal(a.type, NPY_FLOAT16);
	assert_memory_equal(a.data, bf16, sizeof(bf16));
	free(a.data);
}

static void texts(void **state)
{
	struct npu_tensor_info t = vector(NPU_BF16, 7);
	char text[TENSOR_TEXT];

	(void)state;
	assert_string_equal(tensor_text(&t, text, sizeof(text)), "bfloat16 7");
	t.dims = 8;
	for (int d = 0; d < 8; d++)
		t.shape[d] = UINT32_MAX;
	tensor_text(&t, text, sizeof(text));
	assert_string_equal(text + strlen(text) - 10, "4294967295");
	t.dims = 0;
	assert_string_equal(tensor_text(&t, text, sizeof(text)), "bfloat16 scalar");

	assert_string_equal(output_name("conv1/W:0"), "conv1/W:0");
	assert_string_equal(output_name("gr\xc3\xb6\xc3\x9f"
					"e \xe2\x82\xac \xf0\x9f\x98\x80"),
			    "gr\xc3\xb6\xc3\x9f"
			    "e \xe2\x82\xac \xf0\x9f\x98\x80");
	assert_string_equal(output_name("\x1b[31m\n\t\x7f"), "?[31m???");
	/* A control of ISO 6429, continuation without a start, cut off, too long, surrogate. */
	assert_string_equal(output_name("a\xc2\x9b"
					"b"),
			    "a?b");
	assert_string_equal(output_name("a\x80"
					"b\xe2\x82"),
			    "a?b??");
	assert_string_equal(output_name("\xc0\xaf\xe0\x80\x80\xed\xa0\x80\xff"), "?????????");
	assert_string_equal(output_cell("a|b"), "a?b");
	assert_string_equal(output_name("a|b"), "a|b");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(what_is_alike_is_copied),
		cmocka_unit_test(what_may_become_what),
		cmocka_unit_test(what_may_not),
		cmocka_unit_test(shapes_are_the_same),
		cmocka_unit_test(tensors_become_arrays),
		cmocka_unit_test(texts),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
