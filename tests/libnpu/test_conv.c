// SPDX-License-Identifier: MIT
/*
 * Copyright (c) 2026 the npu authors
 *
 * npu_conv2d() against the reference: kernels, strides, dilations, paddings that differ on all
 * sides, groups, depthwise, batches, strides of tensors, all types and epilogues. On the simulator
 * with its checker on. Both with pixels as rows of the product and as its columns, whichever the
 * planner would take.
 */
#include <stdio.h>

#include "kernels/conv.h"
#include "ops.h"

/* ---- Ways ------------------------------------------------------------------------------------ */

/* Commands of an opcode that a gang has. */
static uint32_t count_commands(const struct npu_gang *gang, uint8_t opcode)
{
	uint32_t count = 0;

	for (unsigned int i = 0; i < gang->cores; i++) {
		const struct npu_cmd *cmd;

		for (size_t at = 0; at < gang->stream[i]->size; at += cmd->size) {
			cmd = (const void *)(gang->stream[i]->data + at);
			count += cmd->opcode == opcode;
		}
	}
	return count;
}

/* Of all turned convolutions that were compiled: products, and convolutions at their borders. */
static uint32_t products, borders;

static int compile_turned(const struct npu_caps *caps, const void *desc, struct npu_effort *effort,
			  struct npu_gang *gang)
{
	int ret = npu_conv_compile_turned(caps, desc, effort, gang);

	if (!ret) {
		products += count_commands(gang, NPU_OP_MATMUL);
		borders += count_commands(gang, NPU_OP_CONV);
	}
	return ret;
}

static struct npu_op straight, turned;

static void set_ways(void)
{
	straight = npu_op_conv2d;
	straight.compile = npu_conv_compile_straight;
	turned = npu_op_conv2d;
	turned.compile = compile_turned;
}

/* Pixels whose window lies inside, along an axis: by the definition. */
static uint32_t count_inside(uint32_t out, uint32_t in, uint32_t pad, uint32_t kernel,
			     uint32_t stride, uint32_t dilation)
{
	uint32_t count = 0;

	for (uint32_t o = 0; o < out; o++) {
		int64_t first = (int64_t)o * (stride ? stride : 1) - pad;

		count += first >= 0 &&
			 first + (int64_t)(kernel - 1) * (dilation ? dilation : 1) < in;
	}
	return count;
}

/* Turned round it has products for these pixels, and convolutions for the others. */
static void run_turned(struct test_fixture *f, const struct npu_conv2d *d, bool wild)
{
	uint32_t h = npu_conv2d_out_h(d), w = npu_conv2d_out_w(d);
	uint32_t inside =
		count_inside(h, d->in_h, d->pad_top, d->kernel_h, d->stride_h, d->dilation_h) *
		count_inside(w, d->in_w, d->pad_left, d->kernel_w, d->stride_w, d->dilation_w);
	struct npu_program *prog;

	products = borders = 0;
	ops_conv2d_by(f->dev, f->queue, &turned, d, 0, wild);
	if (!products && !borders) {
		/* The device had the program already. */
		test_ok(npu_op_program(f->dev, &turned, d, &prog));
		npu_program_release(prog);
	}
	assert_int_equal(products > 0, inside > 0);
	assert_int_equal(borders > 0, inside < h * w);
}

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

static struct npu_conv2d random_conv(uint32_t space, uint32_t channels, bool is_float)
{
	static const uint32_t floats[] = { NPU_BF16, NPU_FP16 };
	struct npu_conv2d d = { .batch = ref_random(3) ? 0 : 1 + ref_random(5) };

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
	return d;
}

static void random_case(struct test_fixture *f, uint32_t space, uint32_t channels)
{
	struct npu_conv2d d = random_conv(space, channels, ref_random(4) == 0);

	ops_conv2d_by(f->dev, f->queue, ref_random(2) ? &straight : &npu_op_conv2d, &d, 0, false);
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
					.out_c = groups *
						 (1 + (groups > 1 && cg == 1) + ref_random(40)),
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

/* One that can be turned round: not depthwise, and its channels fit. */
static void turned_case(struct test_fixture *f, uint32_t space, uint32_t channels)
{
	bool is_float = ref_random(2);
	struct npu_conv2d d;

	do {
		d = random_conv(space, channels, is_float);
		/* Half of them with few taps, some without padding. */
		if (ref_random(2))
			d.kernel_h = d.kernel_w = 1 + ref_random(3);
		if (ref_random(4) == 0)
			d.pad_top = d.pad_left = d.pad_bottom = d.pad_right = 0;
	} while ((d.groups > 1 && d.groups == d.in_c && d.groups == d.out_c) ||
		 !npu_conv2d_out_h(&d) || !npu_conv2d_out_w(&d));
	run_turned(f, &d, is_float && ref_random(2));
}

static void turned_random(void **state)
{
	for (int i = 0; i < 80; i++)
		turned_case(*state, 14, 20);
	for (int i = 0; i < 6; i++)
		turned_case(*state, 40, 40);
}

/* Cards of other shapes: arrays, lanes and memory. */
static void turned_cards(void **state)
{
	static const char *const names[] = {
		"sim:cores=3,spm=256K,acc=64K",
		"sim:cores=2,array-rows=6,array-cols=10,vpu-lanes=3",
		"sim:cores=1,array-rows=27,array-cols=100,weight-rows=1,vpu-lanes=1",
		"sim:cores=4,array-rows=128,array-cols=256,weight-rows=16,vpu-lanes=16,acc=128K",
	};

	(void)state;
	if (!test_is_sim())
		skip();
	for (int n = 0; n < 4; n++) {
		struct test_fixture f;

		test_ok(npu_open(&f.dev, names[n]));
		test_ok(npu_queue_create(f.dev, NULL, &f.queue));
		for (int i = 0; i < 15; i++)
			turned_case(&f, 14, 20);
		npu_queue_release(f.queue);
		npu_close(f.dev);
	}
}

/*
 * Groups of more channels than the array has rows: the first piece of a tile, and the last one, must
 * not end within a group's where a command has several groups.
 */
static void deep_groups(void **state)
{
	struct test_fixture *f = *state;

	for (uint32_t i = 0; i < 32; i++) {
		uint32_t groups = 2 + ref_random(4), kernel = 1 + i % 2;
		struct npu_conv2d d = { .in_h = 1 + kernel + ref_random(9),
					.in_w = 1 + kernel + ref_random(9),
					.in_c = groups * 4 * (17 + ref_random(40)),
					.out_c = groups * (1 + ref_random(8)),
					.kernel_h = kernel,
					.kernel_w = kernel,
					.groups = groups,
					.in_type = NPU_S8,
					.weight_type = NPU_U8,
					.weight_layout = i & 2 ? NPU_B_PACKED : NPU_B_ROWS,
					.epilogue = { .out_type = NPU_S32 } };

		if (i & 4) {
			d.in_type = d.weight_type = NPU_BF16;
			d.epilogue.out_type = NPU_FP32;
		}
		ops_conv2d_by(f->dev, f->queue, i & 8 ? &straight : &npu_op_conv2d, &d, 0, false);
	}
}

/* All kinds on each: dense ones, in groups, depthwise, turned round. */
static void some_convolutions(struct test_fixture *f)
{
	for (int i = 0; i < 16; i++)
		random_case(f, 12, i % 4 ? 24 : 90);
	for (int i = 0; i < 6; i++)
		turned_case(f, 14, 20);
}

static void odd_arrays(void **state)
{
	(void)state;
	ops_on_odd_arrays(some_convolutions);
}

/*
 * A padded border on each side, and weights of infinities, NaNs and what makes zeros of either
 * sign: a product more or less shows.
 */
static void turned_borders(void **state)
{
	static const uint32_t types[] = { NPU_BF16, NPU_FP16 };

	for (uint32_t i = 0; i < 24; i++) {
		uint32_t kernel = 2 + i % 3;
		struct npu_conv2d d = { .batch = 1 + i % 2,
					.in_h = 9 + ref_random(4),
					.in_w = 9 + ref_random(4),
					.in_c = 1 + ref_random(4),
					.out_c = 1 + ref_random(20),
					.kernel_h = kernel,
					.kernel_w = kernel,
					.stride_h = 1 + i / 3 % 2,
					.stride_w = 1 + i / 6 % 2,
					.dilation_h = 1 + ref_random(2),
					.pad_top = kernel - 1,
					.pad_left = kernel - 1,
					.pad_bottom = kernel,
					.pad_right = kernel,
					.in_type = types[i / 12],
					.weight_type = types[i / 12],
					.weight_layout = i % 2 ? NPU_B_PACKED : NPU_B_ROWS,
					.epilogue = { .out_type = NPU_FP32, .bias = i / 4 % 2 } };

		run_turned(*state, &d, true);
	}
}

/* What the planner takes: the quicker way, for what has few channels. */
static void planned_ways(void **state)
{
	static const struct {
		struct npu_conv2d d;
		bool turned;
	} layers[] = {
		/* MobileNet's first layer, ResNet-50's: as many channels as the array has columns. */
		{ { .in_h = 224,
		    .in_w = 224,
		    .in_c = 3,
		    .out_c = 32,
		    .kernel_h = 3,
		    .kernel_w = 3,
		    .stride_h = 2,
		    .stride_w = 2,
		    .pad_top = 1,
		    .pad_left = 1,
		    .pad_bottom = 1,
		    .pad_right = 1 },
		  true },
		{ { .in_h = 224,
		    .in_w = 224,
		    .in_c = 3,
		    .out_c = 64,
		    .kernel_h = 7,
		    .kernel_w = 7,
		    .stride_h = 2,
		    .stride_w = 2,
		    .pad_top = 3,
		    .pad_left = 3,
		    .pad_bottom = 3,
		    .pad_right = 3 },
		  false },
		/* Heads of few channels; channels in groups of few. */
		{ { .in_h = 56, .in_w = 56, .in_c = 64, .out_c = 8, .kernel_h = 1, .kernel_w = 1 },
		  true },
		{ { .in_h = 56,
		    .in_w = 56,
		    .in_c = 128,
		    .out_c = 128,
		    .kernel_h = 3,
		    .kernel_w = 3,
		    .pad_top = 1,
		    .pad_left = 1,
		    .pad_bottom = 1,
		    .pad_right = 1,
		    .groups = 32 },
		  true },
	};
	struct test_fixture *f = *state;
	const struct npu_caps *caps = npu_device_caps(f->dev);

	if (!test_is_sim())
		skip();
	for (unsigned int i = 0; i < 2 * sizeof(layers) / sizeof(layers[0]); i++) {
		struct npu_conv2d d = layers[i / 2].d;
		uint64_t normal[NPU_OP_MAX_DESC / 8] = { 0 }, cycles;
		struct npu_effort effort = { .limit = NPU_EFFORT_KERNEL };
		struct npu_gang gang;

		d.in_type = d.weight_type = d.epilogue.out_type = i % 2 ? NPU_BF16 : NPU_S8;
		test_ok(npu_op_conv2d.normalise(&d, normal));
		test_ok(npu_conv_compile_straight(caps, normal, &effort, &gang));
		assert_int_equal(count_commands(&gang, NPU_OP_MATMUL), 0);
		cycles = gang.cycles;
		npu_gang_free(&gang);
		test_ok(npu_conv_compile(caps, normal, &effort, &gang));
		assert_int_equal(count_commands(&gang, NPU_OP_MATMUL) > 0, layers[i / 2].turned);
		if (layers[i / 2].turned)
			assert_true(gang.cycles < cycles);
		else
			assert_int_equal(gang.cycles, cycles);
		npu_gang_free(&gang);
	}
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
		cmocka_unit_test(one_pixel),	       cmocka_unit_test(known_convolution),
		cmocka_unit_test(random_small),	       cmocka_unit_test(random_large),
		cmocka_unit_test(tiny_cards),	       cmocka_unit_test(wide_windows),
		cmocka_unit_test(bad_descriptors),     cmocka_unit_test(limits),
		cmocka_unit_test(wide_windows_packed), cmocka_unit_test(turned_random),
		cmocka_unit_test(turned_cards),	       cmocka_unit_test(turned_borders),
		cmocka_unit_test(planned_ways),	       cmocka_unit_test(odd_arrays),
		cmocka_unit_test(deep_groups),
	};

	set_ways();
	ref_seed();
	return cmocka_run_group_tests_name("conv", tests, test_setup, test_teardown);
}
