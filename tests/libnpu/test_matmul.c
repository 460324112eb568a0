// SPDX-License-Identifier: MIT
/*
 * Copyright (c) 2026 the npu authors
 *
 * npu_matmul() against the reference: shapes that are no multiple of anything, all types, layouts,
 * zero points and epilogues, batches and strides. On the simulator with its checker on, so a
 * missing semaphore fails as well.
 */
#include <stdio.h>

#include "ops.h"

static void one_by_one(void **state)
{
	struct test_fixture *f = *state;
	struct npu_matmul d = { .m = 1,
				.n = 1,
				.k = 1,
				.a_type = NPU_S8,
				.b_type = NPU_S8,
				.epilogue = { .out_type = NPU_S32 } };

	ops_matmul(f->dev, f->queue, &d, 0);
}

/* By hand, so that the reference is tested too. */
static void known_product(void **state)
{
	struct test_fixture *f = *state;
	static const int8_t a[] = { 1, 2, 3, -4, 5, -6 }, b[] = { 7, -8, 9, 10, 11, -12 };
	static const int32_t want[] = { 7 + 18 + 33, -8 + 20 - 36, -28 + 45 - 66, 32 + 50 + 72 };
	struct npu_matmul d = { .m = 2,
				.n = 2,
				.k = 3,
				.a_type = NPU_S8,
				.b_type = NPU_S8,
				.epilogue = { .out_type = NPU_S32 } };
	struct npu_buffer *ba, *bb, *bo;
	struct npu_fence *fence;
	int32_t got[4];

	test_ok(npu_buffer_create(f->dev, 64, NPU_BUFFER_LOCAL, &ba));
	test_ok(npu_buffer_create(f->dev, 64, NPU_BUFFER_LOCAL, &bb));
	test_ok(npu_buffer_create(f->dev, 64, NPU_BUFFER_LOCAL, &bo));
	test_ok(npu_buffer_write(ba, 0, a, sizeof(a)));
	test_ok(npu_buffer_write(bb, 0, b, sizeof(b)));
	test_ok(npu_matmul(
		f->queue, &d,
		&(struct npu_product_args){ .a = { ba, 0 }, .b = { bb, 0 }, .out = { bo, 0 } },
		NULL, 0, &fence));
	test_ok(npu_fence_wait(fence, NPU_WAIT_FOREVER));
	npu_fence_release(fence);
	test_ok(npu_buffer_read(bo, 0, got, sizeof(got)));
	assert_memory_equal(got, want, sizeof(want));
	npu_buffer_release(ba);
	npu_buffer_release(bb);
	npu_buffer_release(bo);
}

static uint32_t random_size(uint32_t most)
{
	static const uint32_t edges[] = { 1,   2,   15,	 16,  17,  63,	64, 65,
					  127, 128, 129, 191, 200, 256, 300 };

	return ref_random(2) ? 1 + ref_random(most) : edges[ref_random(15)] % most + 1;
}

static void random_case(struct test_fixture *f, uint32_t most)
{
	static const uint32_t floats[] = { NPU_BF16, NPU_FP16 };
	struct npu_matmul d = { .m = random_size(most),
				.n = random_size(most),
				.k = random_size(most) };
	bool is_float = ref_random(3) == 0;

	d.a_type = is_float ? floats[ref_random(2)] : ref_random(2) ? NPU_S8 : NPU_U8;
	d.b_type = is_float ? d.a_type : ref_random(2) ? NPU_S8 : NPU_U8;
	d.b_layout = ref_random(3);
	if (ref_random(3) == 0)
		d.batch = 1 + ref_random(4);
	if (ref_random(3) == 0) {
		d.a_stride = d.k + ref_random(20);
		d.out_stride = d.n + ref_random(20);
		d.residual_stride = d.n + ref_random(20);
		if (d.b_layout != NPU_B_PACKED)
			d.b_stride = (d.b_layout == NPU_B_ROWS ? d.n : d.k) + ref_random(20);
	}
	if (d.batch > 1) {
		uint64_t as = d.a_stride ? d.a_stride : d.k;

		if (ref_random(3))
			d.a_batch = as * d.m + ref_random(5);
		if (ref_random(3) && d.b_layout != NPU_B_PACKED)
			d.b_batch = (d.b_stride		      ? d.b_stride :
				     d.b_layout == NPU_B_ROWS ? d.n :
								d.k) *
				    (d.b_layout == NPU_B_ROWS ? d.k : d.n);
	}
	if (!is_float) {
		static const uint32_t a_per[] = { NPU_PER_NONE, NPU_PER_TENSOR, NPU_PER_ROW,
						  NPU_PER_VALUE };
		static const uint32_t b_per[] = { NPU_PER_NONE, NPU_PER_TENSOR, NPU_PER_CHANNEL,
						  NPU_PER_VALUE };

		d.a_zp_per = a_per[ref_random(4)];
		d.b_zp_per = b_per[ref_random(4)];
		if (d.a_zp_per == NPU_PER_TENSOR)
			d.a_zp = (int)ref_random(256) - (d.a_type == NPU_S8 ? 128 : 0);
		if (d.b_zp_per == NPU_PER_TENSOR)
			d.b_zp = (int)ref_random(256) - (d.b_type == NPU_S8 ? 128 : 0);
	}
	ops_epilogue(&d.epilogue, is_float);
	ops_matmul(f->dev, f->queue, &d, 0);
}

static void random_small(void **state)
{
	for (int i = 0; i < 150; i++)
		random_case(*state, 40);
}

static void random_large(void **state)
{
	for (int i = 0; i < 14; i++)
		random_case(*state, 400);
}

/* Tiles, chunks and rings of places of a card that has hardly any memory. */
static void tiny_card(void **state)
{
	struct test_fixture f;

	(void)state;
	if (!test_is_sim())
		skip();
	test_ok(npu_open(&f.dev, "sim:cores=3,spm=64K,acc=16K"));
	test_ok(npu_queue_create(f.dev, NULL, &f.queue));
	for (int i = 0; i < 60; i++)
		random_case(&f, 220);
	npu_queue_release(f.queue);
	npu_close(f.dev);
}

static void some_products(struct test_fixture *f)
{
	for (int i = 0; i < 24; i++)
		random_case(f, i % 4 ? 60 : 220);
}

static void odd_arrays(void **state)
{
	(void)state;
	ops_on_odd_arrays(some_products);
}

static void activations(void **state)
{
	struct test_fixture *f = *state;

	for (uint32_t act = NPU_ACT_SIGMOID; act <= NPU_ACT_ERF; act++) {
		struct npu_matmul d = { .m = 30,
					.n = 50,
					.k = 9,
					.a_type = NPU_BF16,
					.b_type = NPU_BF16,
					.epilogue = { .out_type = NPU_FP32, .activation = act } };

		ops_matmul(f->dev, f->queue, &d, 1e-5);
	}
}

/* Products beside each other within rows, as the heads of attention are. */
static void interleaved_batch(void **state)
{
	struct test_fixture *f = *state;
	struct npu_matmul d = { .batch = 4,
				.m = 20,
				.n = 16,
				.k = 8,
				.a_type = NPU_S8,
				.b_type = NPU_S8,
				.b_layout = NPU_B_COLS,
				.a_stride = 32,
				.a_batch = 8,
				.b_stride = 32,
				.b_batch = 8,
				.out_stride = 64,
				.out_batch = 16,
				.epilogue = { .out_type = NPU_S32 } };

	ops_matmul(f->dev, f->queue, &d, 0);
}

/* What the planner promised is what the card reports, for gangs too. */
static void estimate_is_true(void **state)
{
	struct test_fixture *f = *state;
	struct npu_matmul d = { .m = 128,
				.n = 768,
				.k = 256,
				.a_type = NPU_S8,
				.b_type = NPU_S8,
				.epilogue = { .out_type = NPU_S32 } };
	struct npu_buffer *a, *b, *out;
	struct npu_estimate est;
	struct npu_result result;
	struct npu_fence *fence;

	test_ok(npu_matmul_estimate(f->dev, &d, &est));
	assert_int_equal(est.macs, 128ull * 768 * 256);
	assert_int_equal(est.bytes, 128 * 256 + 256 * 768 + 128 * 768 * 4);
	assert_true(est.limit_cycles <= est.cycles);
	test_ok(npu_buffer_create(f->dev, 128 * 256, NPU_BUFFER_LOCAL, &a));
	test_ok(npu_buffer_create(f->dev, 256 * 768, NPU_BUFFER_LOCAL, &b));
	test_ok(npu_buffer_create(f->dev, 128 * 768 * 4, NPU_BUFFER_LOCAL, &out));
	test_ok(npu_matmul(
		f->queue, &d,
		&(struct npu_product_args){ .a = { a, 0 }, .b = { b, 0 }, .out = { out, 0 } }, NULL,
		0, &fence));
	test_ok(npu_fence_wait(fence, NPU_WAIT_FOREVER));
	test_ok(npu_fence_result(fence, &result));
	assert_int_equal(result.cycles, est.cycles);
	npu_fence_release(fence);
	npu_buffer_release(a);
	npu_buffer_release(b);
	npu_buffer_release(out);
}

static void bad_descriptors(void **state)
{
	struct test_fixture *f = *state;
	const struct npu_matmul good = { .m = 4,
					 .n = 4,
					 .k = 4,
					 .a_type = NPU_S8,
					 .b_type = NPU_S8,
					 .epilogue = { .out_type = NPU_S32 } };
	struct npu_matmul bad[14];
	struct npu_program *prog;

	for (int i = 0; i < 14; i++)
		bad[i] = good;
	bad[0].m = 0;
	bad[1].k = 0;
	bad[2].a_type = NPU_S32;
	bad[3].b_type = NPU_BF16;
	bad[4].b_layout = 3;
	bad[5].a_stride = 3;
	bad[6].a_zp = 1;
	bad[7].a_zp_per = NPU_PER_CHANNEL;
	bad[8].epilogue.out_type = NPU_S64;
	bad[9].epilogue.activation = 99;
	bad[10].reserved = 1;
	bad[11].epilogue.out_zp = 1, bad[11].epilogue.out_type = NPU_FP32;
	/* Sizes whose products overflow 64 bits. */
	bad[12].m = 1u << 30, bad[12].out_stride = 1ull << 40;
	bad[13].batch = 1u << 30, bad[13].a_batch = 1ull << 40;
	for (int i = 0; i < 14; i++) {
		assert_int_equal(npu_matmul_program(f->dev, &bad[i], &prog), -EINVAL);
		assert_null(prog);
		assert_true(*npu_error());
	}
	test_ok(npu_matmul_program(f->dev, &good, &prog));
	npu_program_release(prog);
}

static void missing_buffer(void **state)
{
	struct test_fixture *f = *state;
	const struct npu_matmul d = { .m = 4,
				      .n = 4,
				      .k = 4,
				      .a_type = NPU_S8,
				      .b_type = NPU_S8,
				      .epilogue = { .out_type = NPU_S32, .bias = 1 } };
	struct npu_buffer *buf;
	struct npu_product_args args;

	test_ok(npu_buffer_create(f->dev, 4096, 0, &buf));
	args = (struct npu_product_args){ .a = { buf, 0 }, .b = { buf, 64 }, .out = { buf, 128 } };
	assert_int_equal(npu_matmul(f->queue, &d, &args, NULL, 0, NULL), -EINVAL);
	assert_non_null(strstr(npu_error(), "bias"));
	args.bias = (struct npu_ref){ buf, 4096 - 8 };
	assert_int_equal(npu_matmul(f->queue, &d, &args, NULL, 0, NULL), -EINVAL);
	args.bias = (struct npu_ref){ buf, 514 };
	assert_int_equal(npu_matmul(f->queue, &d, &args, NULL, 0, NULL), -EINVAL);
	npu_buffer_release(buf);
}

/* What may lie where, in one buffer. The output is 4 x 8 at byte 1024, or between other columns. */
static void overlaps_are_refused(void **state)
{
	struct test_fixture *f = *state;
	struct npu_matmul d = { .m = 4,
				.n = 8,
				.k = 16,
				.a_type = NPU_S8,
				.b_type = NPU_S8,
				.epilogue = { .out_type = NPU_S8,
					      .scale_per = NPU_PER_TENSOR,
					      .scale = 0.5f,
					      .residual = 1,
					      .residual_type = NPU_S8,
					      .residual_scale = 1 } };
	static const struct {
		uint64_t a, b, out, residual, stride;
		const char *what; /* that is overlapped; NULL: it is well */
	} cases[] = {
		{ 0, 512, 1024, 2048, 0, NULL },
		{ 0, 512, 1024, 1024, 0, NULL },
		{ 0, 512, 1024, 1025, 0, "args.residual" },
		{ 0, 512, 1024, 1024, 9, "args.residual" },
		{ 0, 512, 1024, 1032, 16, "args.residual" },
		{ 1024 - 64, 512, 1024, 2048, 0, NULL },
		{ 1024 - 63, 512, 1024, 2048, 0, "args.a" },
		{ 0, 1024 + 32, 1024, 2048, 0, NULL },
		{ 0, 1024 + 31, 1024, 2048, 0, "args.b" },
	};
	struct npu_buffer *buf;

	test_ok(npu_buffer_create(f->dev, 4096, NPU_BUFFER_LOCAL, &buf));
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct npu_product_args args = { .a = { buf, cases[i].a },
						 .b = { buf, cases[i].b },
						 .out = { buf, cases[i].out },
						 .residual = { buf, cases[i].residual } };
		int ret;

		d.residual_stride = cases[i].stride;
		ret = npu_matmul(f->queue, &d, &args, NULL, 0, NULL);
		if (!cases[i].what) {
			test_ok(ret);
			continue;
		}
		assert_int_equal(ret, -EINVAL);
		assert_non_null(strstr(npu_error(), cases[i].what));
	}
	/* Columns of one matrix beside another's. */
	d.residual_stride = d.out_stride = 16;
	for (uint64_t at = 1024 - 60; at < 1024 + 60; at++) {
		struct npu_product_args args = { .a = { buf, 0 },
						 .b = { buf, 512 },
						 .out = { buf, 1024 },
						 .residual = { buf, at } };
		uint64_t apart = (at + 160 - 1024) % 16;

		if (at == 1024 || apart == 8 || at + 56 <= 1024 || at >= 1024 + 56)
			test_ok(npu_matmul(f->queue, &d, &args, NULL, 0, NULL));
		else
			assert_int_equal(npu_matmul(f->queue, &d, &args, NULL, 0, NULL), -EINVAL);
	}
	npu_buffer_release(buf);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(one_by_one),	     cmocka_unit_test(known_product),
		cmocka_unit_test(random_small),	     cmocka_unit_test(random_large),
		cmocka_unit_test(tiny_card),	     cmocka_unit_test(activations),
		cmocka_unit_test(interleaved_batch), cmocka_unit_test(bad_descriptors),
		cmocka_unit_test(missing_buffer),    cmocka_unit_test(overlaps_are_refused),
		cmocka_unit_test(estimate_is_true),  cmocka_unit_test(odd_arrays),
	};

	ref_seed();
	return cmocka_run_group_tests_name("matmul", tests, test_setup, test_teardown);
}
