// SPDX-License-Identifier: MIT
/*
 * Copyright (c) 2026 the npu authors
 *
 * npu_conv2d() against the reference: kernels, strides, dilations, paddings that differ on all
 * sides, groups, depthwise, batches, strides of tensors, all types and epilogues. On the simulator
 * with its checker on.
 */
#include <stdio.h>

#include "ops.h"

static void one_pixel(void **state)
{
	struct test_fixture *f = *state;
	struct npu_conv2d d = { .in_h = 1,
				.in_w = 1,
				.in_c = 1,
				.out_c = 1,
				.kernel_h = 1,
				.kernel_w = 1,
				.in_type = NPU_S8,
				.weight_type = NPU_S8,
				.epilogue = { .out_type = NPU_S32 } };

	ops_conv2d(f->dev, f->queue, &d, 0);
}

/* By hand: a kernel of ones counts neighbours, so padding shows. */
static void known_convolution(void **state)
{
	struct test_fixture *f = *state;
	static const int8_t ones[9] = { 1, 1, 1, 1, 1, 1, 1, 1, 1 };
	static const int32_t want[9] = { 4, 6, 4, 6, 9, 6, 4, 6, 4 };
	struct npu_conv2d d = { .in_h = 3,
				.in_w = 3,
				.in_c = 1,
				.out_c = 1,
				.kernel_h = 3,
				.kernel_w = 3,
				.pad_top = 1,
				.pad_left = 1,
				.pad_bottom = 1,
				.pad_right = 1,
				.in_type = NPU_S8,
				.weight_type = NPU_S8,
				.epilogue = { .out_type = NPU_S32 } };
	struct npu_buffer *buf;
	struct npu_fence *fence;
	int32_t got[9];

	test_ok(npu_buffer_create(f->dev, 256, NPU_BUFFER_LOCAL, &buf));
	test_ok(npu_buffer_write(buf, 0, ones, 9));
	test_ok(npu_buffer_write(buf, 64, ones, 9));
	test_ok(npu_conv2d(f->queue, &d,
			   &(struct npu_product_args){
				   .a = { buf, 0 }, .b = { buf, 64 }, .out = { buf, 128 } },
			   NULL, 0, &fence));
	test_ok(npu_fence_wait(fence, NPU_WAIT_FOREVER));
	npu_fence_release(fence);
	test_ok(npu_buffer_read(buf, 128, got, sizeof(got)));
	assert_memory_equal(got, want, sizeof(want));
	npu_buffer_release(buf);
}

static void random_zero_points(struct npu_conv2d *d)
{
	static const uint32_t in_per[] = { NPU_PER_NONE, NPU_PER_TENSOR, NPU_PER_VALUE };
	static const uint32_t weight_per[] = { NPU_PER_NONE, NPU_PER_TENSOR, NPU_PER_CHANNEL,
					       NPU_PER_VALUE };

	d->in_zp_per = in_per[ref_random(3)];
	d->weight_zp_per = weight_per[ref_random(4)];
	if (d->in_zp_per == NPU_PER_TENSOR)
		d->in_zp = (int)ref_random(256) - (d->in_type == NPU_S8 ? 128 : 0);
	if (d->weight_zp_per == NPU_PER_TENSOR)
		d->weight_zp = (int)ref_random(256) - (d->weight_type == NPU_S8 ? 128 : 0);
}

static void random_case(struct test_fixture *f, uint32_t space, uint32_t channels)
{
	static const uint32_t floats[] = { NPU_BF16, NPU_FP16 };
	struct npu_conv2d d = { .batch = ref_random(3) ? 0 : 1 + ref_random(5) };
	bool is_float = ref_random(4) == 0;

	do {
		d.in_h = 1 + ref_random(space);
		d.in_w = 1 + ref_random(space);
		d.kernel_h = 1 + ref_random(ref_random(4) ? 3 : 7);
		d.kernel_w = 1 + ref_random(ref_random(4) ? 3 : 7);
		d.stride_h = ref_random(5);
		d.stride_w = ref_random(3) ? d.stride_h : ref_random(6);
		d.dilation_h = ref_random(2) ? 0 : 1 + ref_random(3);
		d.dilation_w = ref_random(2) ? d.dilation_h : 1 + ref_random(3);
		d.pad_top = ref_random(4);
		d.pad_left = ref_random(4);
		d.pad_bottom = ref_random(4);
		d.pad_right = ref_random(4);
	} while (!npu_conv2d_out_h(&d) || !npu_conv2d_out_w(&d));
	d.in_type = is_float ? floats[ref_random(2)] : ref_random(2) ? NPU_S8 : NPU_U8;
	d.weight_type = is_float ? d.in_type : ref_random(2) ? NPU_S8 : NPU_U8;
	switch (ref_random(4)) {
	case 0:
		d.groups = 1 + ref_random(6);
		d.in_c = d.groups * (1 + ref_random(channels / 4 + 1));
		d.out_c = d.groups * (1 + ref_random(channels / 4 + 1));
		break;
	case 1:
		d.groups = d.in_c = d.out_c = 1 + ref_random(channels * 2);
		break;
	default:
		d.in_c = 1 + ref_random(channels);
		d.out_c = 1 + ref_random(channels * 2);
	}
	if (!(d.groups > 1 && d.groups == d.in_c && d.groups == d.out_c) && ref_random(3) == 0)
		d.weight_layout = NPU_B_PACKED;
	if (ref_random(3) == 0) {
		d.in_stride[0] = d.in_c + ref_random(5);
		d.in_stride[1] = d.in_stride[0] * d.in_w + ref_random(5);
		d.out_stride[0] = d.out_c + ref_random(5);
		d.residual_stride[0] = d.out_c + ref_random(5);
	}
	if (!is_float)
		random_zero_points(&d);
	ops_epilogue(&d.epilogue, is_float);
	ops_conv2d(f->dev, f->queue, &d, 0);
}

static void random_small(void **state)
{
	for (int i = 0; i < 120; i++)
		random_case(*state, 12, 24);
}

static void random_large(void **state)
{
	for (int i = 0; i < 14; i++)
		random_case(*state, 30, 100);
}

/* A card with hardly any memory: tiles of single pixels, steps of single taps, input by tap. */
static void tiny_cards(void **state)
{
	static const char *const names[] = { "sim:cores=3,spm=64K,acc=16K",
					     "sim:cores=1,spm=64K,acc=16K", "sim:cores=5" };

	(void)state;
	if (!test_is_sim())
		skip();
	for (int n = 0; n < 3; n++) {
		struct test_fixture f;

		test_ok(npu_open(&f.dev, names[n]));
		test_ok(npu_queue_create(f.dev, NULL, &f.queue));
		for (int i = 0; i < 30; i++)
			random_case(&f, 24, 70);
		npu_queue_release(f.queue);
		npu_close(f.dev);
	}
}

/* Windows far wider than what fits: the input has to come tap by tap. */
static void wide_windows(void **state)
{
	struct test_fixture f;
	struct npu_conv2d d = { .in_h = 200,
				.in_w = 200,
				.in_c = 40,
				.out_c = 20,
				.kernel_h = 3,
				.kernel_w = 3,
				.dilation_h = 97,
				.dilation_w = 97,
				.stride_h = 3,
				.pad_top = 50,
				.pad_bottom = 10,
				.in_type = NPU_U8,
				.weight_type = NPU_S8,
				.in_zp_per = NPU_PER_TENSOR,
				.in_zp = 7,
				.epilogue = { .out_type = NPU_S32 } };

	(void)state;
	if (!test_is_sim())
		skip();
	test_ok(npu_open(&f.dev, "sim:cores=2,spm=64K,acc=16K"));
	test_ok(npu_queue_create(f.dev, NULL, &f.queue));
	ops_conv2d(f.dev, f.queue, &d, 0);
	d.in_type = d.weight_type = NPU_BF16;
	d.in_zp_per = 0;
	d.in_zp = 0;
	d.epilogue.out_type = NPU_FP32;
	ops_conv2d(f.dev, f.queue, &d, 0);
	npu_queue_release(f.queue);
	npu_close(f.dev);
}

/*
 * The same with packed weights whose channels do not fill groups of successive k: taps begin within
 * groups.
 */
static void wide_windows_packed(void **state)
{
	static const uint32_t channels[] = { 1, 3, 6, 33, 70 };
	struct test_fixture f;

	(void)state;
	if (!test_is_sim())
		skip();
	test_ok(npu_open(&f.dev, "sim:cores=2,spm=64K,acc=16K"));
	test_ok(npu_queue_create(f.dev, NULL, &f.queue));
	for (unsigned int i = 0; i < 20; i++) {
		uint32_t groups = i % 2 ? 1 : 2 + ref_random(3), cg = channels[i / 4];
		struct npu_conv2d d = { .in_h = 7 + 400 / groups / cg * ref_random(2),
					.in_w = 900,
					.in_c = groups * cg,
					/* Not depthwise: those weights are never packed. */
					.out_c = groups * (1 + (groups > 1 && cg == 1) +
							   ref_random(40)),
					.kernel_h = 2 + ref_random(3),
					.kernel_w = 3,
					.dilation_h = 2,
					.dilation_w = 400,
					.stride_w = 3,
					.pad_top = ref_random(4),
					.pad_left = ref_random(300),
					.groups = groups,
					.in_type = NPU_U8,
					.weight_type = NPU_S8,
					.weight_layout = NPU_B_PACKED,
					.in_zp_per = NPU_PER_TENSOR,
					.in_zp = 7,
					.weight_zp_per = NPU_PER_CHANNEL,
					.epilogue = { .out_type = NPU_S32 } };

		if (i / 2 % 2) {
			d.in_type = d.weight_type = NPU_FP16;
			d.in_zp_per = d.weight_zp_per = NPU_PER_NONE;
			d.in_zp = 0;
			d.epilogue.out_type = NPU_FP32;
		}
		ops_conv2d(f.dev, f.queue, &d, 0);
	}
	npu_queue_release(f.queue);
	npu_close(f.dev);
}

/* By hand: 5 of 9 rows and columns are read with stride 2 and one tap, all 9 with three. */
static void limits(void **state)
{
	struct test_fixture *f = *state;
	struct npu_conv2d d = { .in_h = 9,
				.in_w = 9,
				.in_c = 8,
				.out_c = 16,
				.kernel_h = 1,
				.kernel_w = 1,
				.stride_h = 2,
				.stride_w = 2,
				.in_type = NPU_S8,
				.weight_type = NPU_S8,
				.epilogue = { .out_type = NPU_S8, .bias = 1 } };
	struct npu_estimate est;

	test_ok(npu_conv2d_estimate(f->dev, &d, &est));
	assert_int_equal(est.bytes, 5 * 5 * 8 + 8 * 16 + 5 * 5 * 16 + 16 * 4);
	assert_int_equal(est.macs, 5 * 5 * 8 * 16);
	assert_true(est.limit_cycles <= est.cycles);
	d.kernel_h = d.kernel_w = 3;
	test_ok(npu_conv2d_estimate(f->dev, &d, &est));
	assert_int_equal(est.bytes, 9 * 9 * 8 + 9 * 8 * 16 + 4 * 4 * 16 + 16 * 4);
	assert_int_equal(est.macs, 4 * 4 * 9 * 8 * 16);
}

static void bad_descriptors(void **state)
{
	struct test_fixture *f = *state;
	const struct npu_conv2d good = { .in_h = 4,
					 .in_w = 4,
					 .in_c = 4,
					 .out_c = 4,
					 .kernel_h = 3,
					 .kernel_w = 3,
					 .in_type = NPU_S8,
					 .weight_type = NPU_S8,
					 .epilogue = { .out_type = NPU_S32 } };
	struct npu_conv2d bad[14];
	struct npu_program *prog;

	for (int i = 0; i < 14; i++)
		bad[i] = good;
	bad[0].in_h = 2;
	bad[1].kernel_w = 0;
	bad[2].groups = 3;
	bad[3].weight_layout = NPU_B_COLS;
	bad[4].groups = 4, bad[4].weight_layout = NPU_B_PACKED;
	bad[5].in_stride[0] = 3;
	bad[6].out_stride[1] = 1;
	bad[7].pad_top = 40000;
	bad[8].in_type = NPU_FP32;
	bad[9].in_zp_per = NPU_PER_CHANNEL;
	bad[10].weight_zp = 5;
	bad[11].epilogue.mid = 2;
	/* Sizes whose products overflow. */
	bad[12].in_h = bad[12].in_w = bad[12].in_c = bad[12].batch = 1u << 24;
	bad[13].in_c = 1u << 24, bad[13].kernel_h = bad[13].kernel_w = 4096,
	bad[13].in_h = bad[13].in_w = 4096;
	for (int i = 0; i < 14; i++) {
		assert_int_equal(npu_conv2d_program(f->dev, &bad[i], &prog), -EINVAL);
		assert_null(prog);
	}
	test_ok(npu_conv2d_program(f->dev, &good, &prog));
	npu_program_release(prog);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(one_pixel),	   cmocka_unit_test(known_convolution),
		cmocka_unit_test(random_small),	   cmocka_unit_test(random_large),
		cmocka_unit_test(tiny_cards),	   cmocka_unit_test(wide_windows),
		cmocka_unit_test(bad_descriptors), cmocka_unit_test(limits),
		cmocka_unit_test(wide_windows_packed),
	};

	ref_seed();
	return cmocka_run_group_tests_name("conv", tests, test_setup, test_teardown);
}
