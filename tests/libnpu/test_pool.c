// SPDX-License-Identifier: MIT
/*
 * Copyright (c) 2026 the npu authors
 *
 * npu_pool2d() against the reference: maxima and averages of all types, divisors at edges, padding,
 * requantisation.
 */
#include <stdio.h>

#include "ops.h"

static void random_case(struct test_fixture *f, uint32_t space, uint32_t channels)
{
	static const uint32_t types[] = { NPU_S8, NPU_U8, NPU_S32, NPU_BF16, NPU_FP16, NPU_FP32 };
	struct npu_pool2d d = { .batch = ref_random(4), .op = ref_random(3) };

	do {
		d.in_h = 1 + ref_random(space);
		d.in_w = 1 + ref_random(space);
		d.channels = 1 + ref_random(channels);
		d.kernel_h = 1 + ref_random(4);
		d.kernel_w = 1 + ref_random(4);
		d.stride_h = ref_random(4);
		d.stride_w = ref_random(4);
		d.dilation_h = ref_random(2) ? 0 : 1 + ref_random(3);
		d.dilation_w = ref_random(2) ? 0 : 1 + ref_random(3);
		d.pad_top = ref_random(d.kernel_h);
		d.pad_left = ref_random(d.kernel_w);
		d.pad_bottom = ref_random(d.kernel_h);
		d.pad_right = ref_random(d.kernel_w);
	} while (!npu_pool2d_out_h(&d) || !npu_pool2d_out_w(&d));
	d.in_type = types[ref_random(6)];
	if (ref_is_float(d.in_type)) {
		d.out_type = types[3 + ref_random(3)];
	} else {
		d.out_type = types[ref_random(3)];
		if (ref_random(2)) {
			d.scale = 0.25f + ref_random(8) * 0.3f;
			d.out_zp = ref_random(100);
		}
		d.in_zp = ref_random(2) ? 0 : ref_random(128);
	}
	if (ref_random(3) == 0) {
		d.in_stride[0] = d.channels + ref_random(7);
		d.out_stride[0] = d.channels + ref_random(7);
		d.out_stride[1] = d.out_stride[0] * npu_pool2d_out_w(&d) + ref_random(7);
	}
	ops_pool2d(f->dev, f->queue, &d);
}

static void random_small(void **state)
{
	for (int i = 0; i < 150; i++)
		random_case(*state, 12, 40);
}

static void random_large(void **state)
{
	for (int i = 0; i < 20; i++)
		random_case(*state, 60, 200);
}

static void tiny_card(void **state)
{
	struct test_fixture f;

	(void)state;
	if (!test_is_sim())
		skip();
	test_ok(npu_open(&f.dev, "sim:cores=3,spm=64K,acc=16K"));
	test_ok(npu_queue_create(f.dev, NULL, &f.queue));
	for (int i = 0; i < 60; i++)
		random_case(&f, 60, 200);
	npu_queue_release(f.queue);
	npu_close(f.dev);
}

static void bad_descriptors(void **state)
{
	struct test_fixture *f = *state;
	const struct npu_pool2d good = { .in_h = 4,
					 .in_w = 4,
					 .channels = 4,
					 .kernel_h = 3,
					 .kernel_w = 3,
					 .in_type = NPU_S8,
					 .out_type = NPU_S8 };
	struct npu_pool2d bad[8];
	struct npu_program *prog;

	for (int i = 0; i < 8; i++)
		bad[i] = good;
	bad[0].op = 3;
	bad[1].pad_top = 3;
	bad[2].out_type = NPU_FP32;
	bad[3].channels = 0;
	bad[4].out_zp = 3;
	bad[5].in_zp = 200;
	bad[6].scale = -1;
	bad[7].in_w = 2;
	for (int i = 0; i < 8; i++)
		assert_int_equal(npu_pool2d_program(f->dev, &bad[i], &prog), -EINVAL);
	test_ok(npu_pool2d_program(f->dev, &good, &prog));
	npu_program_release(prog);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(random_small),
		cmocka_unit_test(random_large),
		cmocka_unit_test(tiny_card),
		cmocka_unit_test(bad_descriptors),
	};

	ref_seed();
	return cmocka_run_group_tests_name("pool", tests, test_setup, test_teardown);
}
