// SPDX-License-Identifier: MIT
/*
 * Copyright (c) 2026 the npu authors
 *
 * The least that convolutions must read (libnpu/kernels/limit.c), against counting what each tap of
 * each output reads; and of ones that nobody could count so.
 */
#include <stdlib.h>
#include <string.h>

#include "libnpu/kernels/plan.h"

#include "common.h"
#include "ref.h"

static uint64_t count(uint32_t in, uint32_t out, uint32_t kernel, uint32_t stride,
		      uint32_t dilation, uint32_t pad)
{
	uint8_t seen[512] = { 0 };
	uint64_t n = 0;

	for (uint32_t o = 0; o < out; o++) {
		for (uint32_t k = 0; k < kernel; k++) {
			int64_t i = (int64_t)o * stride + k * dilation - pad;

			if (i >= 0 && i < in)
				n += !seen[i]++;
		}
	}
	return n;
}

static uint64_t bytes_of(const struct npu_conv2d *d)
{
	uint64_t normal[NPU_OP_MAX_DESC / 8] = { 0 };
	struct npu_work work;

	test_ok(npu_op_conv2d.normalise(d, normal));
	npu_op_work(&npu_op_conv2d, normal, &work);
	return work.bytes;
}

static void each_coordinate_counts_once(void **state)
{
	(void)state;
	for (int round = 0; round < 3000; round++) {
		struct npu_conv2d d = {
			.batch = 1,
			.in_h = 1 + ref_random(100),
			.in_w = 1 + ref_random(9),
			.in_c = 1,
			.out_c = 1,
			.kernel_h = 1 + ref_random(9),
			.kernel_w = 1 + ref_random(3),
			.stride_h = 1 + ref_random(12),
			.stride_w = 1 + ref_random(3),
			.dilation_h = 1 + ref_random(12),
			.dilation_w = 1 + ref_random(3),
			.pad_top = ref_random(20),
			.pad_bottom = ref_random(20),
			.pad_left = ref_random(4),
			.pad_right = ref_random(4),
			.in_type = NPU_S8,
			.weight_type = NPU_S8,
			.epilogue.out_type = NPU_S8,
		};
		uint64_t h, w, rows, cols;

		if ((d.kernel_h - 1) * d.dilation_h >= d.in_h + d.pad_top + d.pad_bottom ||
		    (d.kernel_w - 1) * d.dilation_w >= d.in_w + d.pad_left + d.pad_right)
			continue;
		h = npu_conv2d_out_h(&d);
		w = npu_conv2d_out_w(&d);
		rows = count(d.in_h, h, d.kernel_h, d.stride_h, d.dilation_h, d.pad_top);
		cols = count(d.in_w, w, d.kernel_w, d.stride_w, d.dilation_w, d.pad_left);
		if (bytes_of(&d) != rows * cols + d.kernel_h * d.kernel_w + h * w)
			fail_msg("in %u out %u kernel %u stride %u dilation %u pad %u", d.in_h,
				 (unsigned int)h, d.kernel_h, d.stride_h, d.dilation_h, d.pad_top);
	}
}

/* 4096 taps of each of 2^24 rows: 2^36 places to look at. */
static void huge_ones_are_counted_too(void **state)
{
	const struct npu_conv2d d = {
		.batch = 1,
		.in_h = 1u << 24,
		.in_w = 16,
		.in_c = 1,
		.out_c = 1,
		.kernel_h = 4096,
		.kernel_w = 16,
		.stride_h = 1,
		.stride_w = 1,
		.in_type = NPU_S8,
		.weight_type = NPU_S8,
		.epilogue.out_type = NPU_S8,
	};

	(void)state;
	assert_int_equal(bytes_of(&d), (16ull << 24) + 65536 + (1u << 24) - 4095);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(each_coordinate_counts_once),
		cmocka_unit_test(huge_ones_are_counted_too),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
