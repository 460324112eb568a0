// SPDX-License-Identifier: MIT
/*
 * Copyright (c) 2026 the npu authors
 *
 * npu_add() against the reference, and what all operations share: the programs that a device keeps.
 */
#include <pthread.h>
#include <stdio.h>

#include "ops.h"

static int32_t zero_point(uint32_t type)
{
	return (int)ref_random(100) - (type == NPU_U8 ? 0 : 50);
}

static void random_case(struct test_fixture *f, uint32_t rows, uint32_t cols)
{
	static const uint32_t types[] = { NPU_S8, NPU_U8, NPU_S32, NPU_BF16, NPU_FP16, NPU_FP32 };
	struct npu_add d = { .rows = ref_random(rows),
			     .cols = 1 + ref_random(cols),
			     .a_type = types[ref_random(6)],
			     .b_type = types[ref_random(6)],
			     .out_type = types[ref_random(6)] };

	if (ref_random(6) == 0) {
		d.a_type = d.b_type = d.out_type = NPU_S32;
	} else {
		if (!ref_is_float(d.a_type)) {
			d.a_scale = 0.01f * (1 + ref_random(20));
			d.a_zp = zero_point(d.a_type);
		}
		if (!ref_is_float(d.b_type)) {
			d.b_scale = 0.01f * (1 + ref_random(20));
			d.b_zp = zero_point(d.b_type);
		}
		if (!ref_is_float(d.out_type)) {
			d.out_scale = 0.01f * (1 + ref_random(20));
			d.out_zp = zero_point(d.out_type);
		}
		d.activation = ref_random(3) ? NPU_ACT_NONE : NPU_ACT_RELU;
	}
	d.b_broadcast = ref_random(4) == 0;
	if (ref_random(3) == 0) {
		d.a_stride = d.cols + ref_random(9);
		d.b_stride = d.cols + ref_random(9);
		d.out_stride = d.cols + ref_random(9);
	}
	ops_add(f->dev, f->queue, &d, 0);
}

static void random_small(void **state)
{
	for (int i = 0; i < 300; i++)
		random_case(*state, 20, 50);
}

static void random_large(void **state)
{
	for (int i = 0; i < 20; i++)
		random_case(*state, 300, 2000);
}

static void in_place(void **state)
{
	struct test_fixture *f = *state;
	enum { COUNT = 100000 };
	struct npu_add d = { .rows = 10,
			     .cols = COUNT / 10,
			     .a_type = NPU_S32,
			     .b_type = NPU_S32,
			     .out_type = NPU_S32 };
	int32_t *a = malloc(COUNT * 4), *b = malloc(COUNT * 4), *got = malloc(COUNT * 4);
	struct npu_buffer *ba, *bb;
	struct npu_fence *fence;

	ref_fill(NPU_S32, a, COUNT);
	ref_fill(NPU_S32, b, COUNT);
	test_ok(npu_buffer_create(f->dev, COUNT * 4, NPU_BUFFER_LOCAL, &ba));
	test_ok(npu_buffer_create(f->dev, COUNT * 4, NPU_BUFFER_LOCAL, &bb));
	test_ok(npu_buffer_write(ba, 0, a, COUNT * 4));
	test_ok(npu_buffer_write(bb, 0, b, COUNT * 4));
	test_ok(npu_add(f->queue, &d,
			&(struct npu_add_args){ .a = { ba, 0 }, .b = { bb, 0 }, .out = { ba, 0 } },
			NULL, 0, &fence));
	test_ok(npu_fence_wait(fence, NPU_WAIT_FOREVER));
	npu_fence_release(fence);
	test_ok(npu_buffer_read(ba, 0, got, COUNT * 4));
	for (int i = 0; i < COUNT; i++)
		assert_int_equal(got[i], a[i] + b[i]);
	npu_buffer_release(ba);
	npu_buffer_release(bb);
	free(a);
	free(b);
	free(got);
}

/* More descriptors than a device keeps programs; the first ones again at the end. */
static void many_programs(void **state)
{
	struct test_fixture *f = *state;

	for (uint32_t i = 0; i < 600; i++) {
		struct npu_add d = { .cols = 1 + i % 400,
				     .a_type = NPU_S8,
				     .b_type = NPU_S8,
				     .out_type = NPU_S8,
				     .a_scale = 1,
				     .b_scale = 1,
				     .out_scale = 1 };

		ops_add(f->dev, f->queue, &d, 0);
	}
}

/* The cache must not keep a device alive, nor the other way round. */
static void device_goes_first(void **state)
{
	struct npu_add d = { .cols = 100,
			     .a_type = NPU_S8,
			     .b_type = NPU_S8,
			     .out_type = NPU_S8,
			     .a_scale = 1,
			     .b_scale = 1,
			     .out_scale = 1 };
	struct npu_device *dev = test_open();
	struct npu_queue *queue;
	struct npu_buffer *buf;
	struct npu_fence *fence;

	(void)state;
	test_ok(npu_queue_create(dev, NULL, &queue));
	test_ok(npu_buffer_create(dev, 4096, 0, &buf));
	test_ok(npu_add(
		queue, &d,
		&(struct npu_add_args){ .a = { buf, 0 }, .b = { buf, 256 }, .out = { buf, 512 } },
		NULL, 0, &fence));
	npu_close(dev);
	npu_buffer_release(buf);
	test_ok(npu_fence_wait(fence, NPU_WAIT_FOREVER));
	npu_queue_release(queue);
	npu_fence_release(fence);
}

/* A thread's sums: 1 + 2 in many shapes, the same ones as the other threads'. */
static void *adder(void *opaque)
{
	struct npu_device *dev = opaque;
	struct npu_buffer *buf;
	struct npu_queue *queue;
	int32_t in[2][300], out[300];

	for (int i = 0; i < 300; i++) {
		in[0][i] = 1;
		in[1][i] = 2;
	}
	if (npu_queue_create(dev, NULL, &queue) || npu_buffer_create(dev, 8192, 0, &buf) ||
	    npu_buffer_write(buf, 0, in, sizeof(in)))
		return "setup";
	for (uint32_t i = 0; i < 100; i++) {
		uint32_t cols = 1 + i % 290;
		struct npu_add d = {
			.cols = cols, .a_type = NPU_S32, .b_type = NPU_S32, .out_type = NPU_S32
		};
		struct npu_add_args args = { { buf, 0 }, { buf, sizeof(in[0]) }, { buf, 4096 } };
		struct npu_fence *fence;

		memset(out, 0, sizeof(out));
		if (npu_buffer_write(buf, 4096, out, sizeof(out)) ||
		    npu_add(queue, &d, &args, NULL, 0, &fence) ||
		    npu_fence_wait(fence, NPU_WAIT_FOREVER) ||
		    npu_buffer_read(buf, 4096, out, sizeof(out)))
			return "job";
		npu_fence_release(fence);
		for (uint32_t c = 0; c < 300; c++)
			if (out[c] != (c < cols ? 3 : 0))
				return "result";
	}
	npu_queue_release(queue);
	npu_buffer_release(buf);
	return NULL;
}

static void threads(void **state)
{
	struct test_fixture *f = *state;
	pthread_t thread[4];

	for (int i = 0; i < 4; i++)
		assert_int_equal(pthread_create(&thread[i], NULL, adder, f->dev), 0);
	for (int i = 0; i < 4; i++) {
		void *failed;

		pthread_join(thread[i], &failed);
		if (failed)
			fail_msg("a thread's %s went wrong", (char *)failed);
	}
}

static void bad_descriptors(void **state)
{
	struct test_fixture *f = *state;
	const struct npu_add good = { .cols = 4,
				      .a_type = NPU_S8,
				      .b_type = NPU_S8,
				      .out_type = NPU_S8,
				      .a_scale = 1,
				      .b_scale = 1,
				      .out_scale = 1 };
	struct npu_add bad[8];
	struct npu_program *prog;

	for (int i = 0; i < 8; i++)
		bad[i] = good;
	bad[0].cols = 0;
	bad[1].a_scale = 0;
	bad[2].out_scale = -1;
	bad[3].a_zp = 128;
	bad[4].b_type = NPU_S4;
	bad[5].b_broadcast = 2;
	bad[6].a_stride = 2;
	bad[7].out_type = NPU_FP32;
	for (int i = 0; i < 8; i++)
		assert_int_equal(npu_add_program(f->dev, &bad[i], &prog), -EINVAL);
	test_ok(npu_add_program(f->dev, &good, &prog));
	npu_program_release(prog);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(random_small),	     cmocka_unit_test(random_large),
		cmocka_unit_test(in_place),	     cmocka_unit_test(many_programs),
		cmocka_unit_test(device_goes_first), cmocka_unit_test(threads),
		cmocka_unit_test(bad_descriptors),
	};

	ref_seed();
	return cmocka_run_group_tests_name("eltwise", tests, test_setup, test_teardown);
}
