// SPDX-License-Identifier: MIT
/*
 * Copyright (c) 2026 the npu authors
 *
 * Graphs at the edges: attributes that random models do not have, and sizes that only a hostile one
 * has, which must be refused in words instead of taking all memory.
 */
#include <errno.h>
#include <limits.h>
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "run.h"

static struct npu_device *dev;

static int constant(struct npu_graph *g, uint32_t type, uint32_t dims, const uint32_t *shape,
		    const void *data)
{
	int id = npu_graph_constant(g, NULL, type, dims, shape, data);

	assert_true(id >= 0);
	return id;
}

static int node(struct npu_graph *g, uint32_t op, const struct npu_graph_attrs *a, const int *in,
		unsigned int ins)
{
	int out;

	if (npu_graph_node(g, op, NULL, a, in, ins, &out, 1))
		fail_msg("%s", npu_error());
	return out;
}

static int number(struct npu_graph *g, float v)
{
	return constant(g, NPU_FP32, 0, NULL, &v);
}

/* Run on one input, "x"; the output is "y". */
static struct tensor run(struct npu_graph *g, int y, struct tensor *x)
{
	struct tensor out = { .name = "y" };
	size_t size;
	void *image;

	assert_int_equal(npu_graph_output(g, y, "y"), 0);
	if (npu_graph_compile(g, npu_device_caps(dev), NULL, &image, &size))
		fail_msg("%s", npu_error());
	if (run_image(dev, image, size, x, 1, &out, 1))
		fail_msg("%s", npu_error());
	free(image);
	npu_graph_free(g);
	return out;
}

/* Compiling @y is refused; what says why has @word in it. */
static void refuse(struct npu_graph *g, int y, const char *word)
{
	size_t size;
	void *image;

	assert_int_equal(npu_graph_output(g, y, "y"), 0);
	assert_int_equal(npu_graph_compile(g, npu_device_caps(dev), NULL, &image, &size), -ENOTSUP);
	assert_null(image);
	assert_true(npu_graph_issues(g) > 0);
	if (!strstr(npu_graph_issue(g, 0), word))
		fail_msg("\"%s\" does not say \"%s\"", npu_graph_issue(g, 0), word);
	npu_graph_free(g);
}

/* ---- Scales of products ---------------------------------------------------------------------- */

static const float two_by_two[] = { 1, 2, 3, 4 };
static const float identity[] = { 1, 0, 0, 1 };
static const uint32_t square[] = { 2, 2 };

/* alpha * x * b (+ c), then + bias; all numbers are exact. */
static void gemm(float alpha, bool c, bool bias)
{
	struct npu_graph *g = npu_graph_create();
	struct npu_graph_attrs a = { .alpha = alpha, .beta = 1 };
	struct tensor x = { .name = "x", .type = NPU_FP32, .dims = 2, .shape = { 2, 2 } }, y;
	int in[] = { npu_graph_input(g, "x", NPU_FP32, 2, square),
		     constant(g, NPU_FP32, 2, square, identity), -1 },
	    out;

	if (c)
		in[2] = constant(g, NPU_FP32, 2, square, (float[]){ 8, 16, 24, 32 });
	out = node(g, NPU_GRAPH_GEMM, &a, in, 3);
	if (bias)
		out = node(g, NPU_GRAPH_ADD, NULL,
			   (int[]){ out, constant(g, NPU_FP32, 1, square, (float[]){ 64, 128 }) },
			   2);
	x.data = (void *)two_by_two;
	y = run(g, out, &x);
	for (unsigned int i = 0; i < 4; i++) {
		float want = alpha * two_by_two[i] + (c ? 8 * ((float)i + 1) : 0) +
			     (bias ? (i & 1 ? 128 : 64) : 0);

		if (((float *)y.data)[i] != want)
			fail_msg("alpha %g, c %d, bias %d: element %u is %g, not %g", alpha, c,
				 bias, i, ((float *)y.data)[i], want);
	}
	free(y.data);
}

static void alpha_of_products(void **state)
{
	(void)state;
	gemm(0.5f, false, false);
	gemm(0.5f, false, true);
	gemm(0.5f, true, true);
	gemm(0, false, false);
	gemm(0, true, false);
	gemm(0, false, true);
}

/* Scales whose product is 0 in binary32: all that is left is the zero point. */
static void scales_that_vanish(void **state)
{
	struct npu_graph *g = npu_graph_create();
	struct tensor x = { .name = "x", .type = NPU_S8, .dims = 2, .shape = { 2, 2 } }, y;
	static const int8_t ones[] = { 1, 1, 1, 1 }, seven = 7, zero;
	int z = constant(g, NPU_S8, 0, NULL, &zero);
	int in[] = { npu_graph_input(g, "x", NPU_S8, 2, square),
		     number(g, 1e-30f),
		     z,
		     constant(g, NPU_S8, 2, square, ones),
		     number(g, 1e-30f),
		     z,
		     number(g, 1),
		     constant(g, NPU_S8, 0, NULL, &seven) };

	(void)state;
	x.data = (void *)(int8_t[]){ 100, 100, -100, 3 };
	y = run(g, node(g, NPU_GRAPH_QLINEAR_MATMUL, NULL, in, 8), &x);
	for (unsigned int i = 0; i < 4; i++)
		assert_int_equal(((int8_t *)y.data)[i], 7);
	free(y.data);
}

static void zero_points_are_checked(void **state)
{
	struct npu_graph *g = npu_graph_create();
	static const uint32_t shape[] = { 4, 3 }, image[] = { 1, 3, 4, 4 },
			      weights[] = { 2, 3, 1, 1 };
	static const int8_t bytes[16];
	int x = npu_graph_input(g, "x", NPU_S8, 2, shape);
	int w = npu_graph_input(g, "w", NPU_S8, 2, (uint32_t[]){ 3, 5 });
	int pixels = npu_graph_input(g, "p", NPU_S8, 4, image);
	int k = npu_graph_input(g, "k", NPU_S8, 4, weights), out;
	struct {
		uint32_t op;
		int in[4];
		bool good;
	} cases[] = {
		{ NPU_GRAPH_MATMUL_INTEGER, { x, w, 4, 5 }, true },
		{ NPU_GRAPH_MATMUL_INTEGER, { x, w, 5, -1 }, false },
		{ NPU_GRAPH_MATMUL_INTEGER, { x, w, -1, 4 }, false },
		{ NPU_GRAPH_MATMUL_INTEGER, { x, w, 0, -1 }, false },
		{ NPU_GRAPH_CONV_INTEGER, { pixels, k, -1, 2 }, true },
		{ NPU_GRAPH_CONV_INTEGER, { pixels, k, 2, -1 }, false },
		{ NPU_GRAPH_CONV_INTEGER, { pixels, k, -1, 3 }, false },
	};
	unsigned int i, j;

	(void)state;
	for (i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		int ret;

		/* Numbers are lengths of vectors; 0: a float. */
		for (j = 2; j < 4; j++) {
			uint32_t n = (uint32_t)cases[i].in[j];

			if (cases[i].in[j] > 0)
				cases[i].in[j] = constant(g, NPU_S8, 1, &n, bytes);
			else if (!cases[i].in[j])
				cases[i].in[j] = number(g, 1e30f);
		}
		ret = npu_graph_node(g, cases[i].op, NULL, NULL, cases[i].in, 4, &out, 1);
		if (ret != (cases[i].good ? 0 : -EINVAL))
			fail_msg("case %u: %d, %s", i, ret, npu_error());
		if (ret)
			assert_non_null(strstr(npu_error(), "zero point"));
	}
	npu_graph_free(g);
}

/* ---- Numbers --------------------------------------------------------------------------------- */

/* Bounds of integers that no integer reaches. */
static void clip_beyond_integers(void **state)
{
	static const int32_t values[] = { INT32_MIN, -5, INT32_MAX };
	static const struct {
		float lo, hi;
		int32_t want[3];
	} cases[] = {
		{ -INFINITY, INFINITY, { INT32_MIN, -5, INT32_MAX } },
		{ -1e30f, 1e30f, { INT32_MIN, -5, INT32_MAX } },
		{ 4e9f, INFINITY, { INT32_MAX, INT32_MAX, INT32_MAX } },
		{ -INFINITY, -4e9f, { INT32_MIN, INT32_MIN, INT32_MIN } },
	};
	unsigned int i;

	(void)state;
	for (i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct npu_graph *g = npu_graph_create();
		struct npu_graph_attrs a = { .lo = cases[i].lo, .hi = cases[i].hi };
		struct tensor x = { .name = "x", .type = NPU_S32, .dims = 1, .shape = { 3 } }, y;
		int in = npu_graph_input(g, "x", NPU_S32, 1, x.shape);

		x.data = (void *)values;
		y = run(g, node(g, NPU_GRAPH_CLIP, &a, &in, 1), &x);
		assert_memory_equal(y.data, cases[i].want, sizeof(cases[i].want));
		free(y.data);
	}
}

/* What is computed of int64 constants has all their bits. */
static void folding_is_exact(void **state)
{
	struct npu_graph *g = npu_graph_create();
	static const int64_t v[] = { (1ll << 53) + 1, -(1ll << 60) - 1, INT64_MIN };
	int x = constant(g, NPU_S64, 1, (uint32_t[]){ 3 }, v);
	const int64_t *neg, *abs;

	(void)state;
	neg = npu_graph_tensor(g, node(g, NPU_GRAPH_NEG, NULL, &x, 1))->data;
	abs = npu_graph_tensor(g, node(g, NPU_GRAPH_ABS, NULL, &x, 1))->data;
	assert_true(neg[0] == -v[0] && neg[1] == -v[1] && neg[2] == INT64_MAX);
	assert_true(abs[0] == v[0] && abs[1] == -v[1] && abs[2] == INT64_MAX);
	npu_graph_free(g);
}

/* ---- Sizes ----------------------------------------------------------------------------------- */

/* A few bytes do not become gigabytes of constants. */
static void folding_is_bounded(void **state)
{
	struct npu_graph *g = npu_graph_create();
	struct npu_graph_attrs a = { .dims = 1, .shape = { 1 << 20 } };
	int one = number(g, 1), i, out;

	(void)state;
	assert_non_null(npu_graph_tensor(g, node(g, NPU_GRAPH_EXPAND, &a, &one, 1))->data);
	a.shape[0] = 1 << 28;
	out = node(g, NPU_GRAPH_EXPAND, &a, &one, 1);
	assert_null(npu_graph_tensor(g, out)->data);
	/* Nor do many, of which each is small. */
	a.shape[0] = 1 << 20;
	for (i = 0; i < 64; i++)
		out = node(g, NPU_GRAPH_EXPAND, &a, &one, 1);
	assert_null(npu_graph_tensor(g, out)->data);
	npu_graph_free(g);
}

/* Steps of one element are any number, also when they meet. */
static void steps_of_steps(void **state)
{
	struct npu_graph *g = npu_graph_create();
	struct npu_graph_attrs a = {
		.axis_count = 1, .starts = { 1 }, .ends = { INT64_MAX }, .steps = { INT32_MAX }
	};
	int x = npu_graph_input(g, "x", NPU_S8, 3, (uint32_t[]){ 2, 32768, 65536 });
	size_t size;
	void *image;
	int i;

	(void)state;
	for (i = 0; i < 3; i++) {
		x = node(g, NPU_GRAPH_SLICE, &a, &x, 1);
		a.starts[0] = 0;
	}
	a = (struct npu_graph_attrs){ .axis_count = 2, .axes = { 1, 2 }, .ends = { 1, 3 } };
	x = node(g, NPU_GRAPH_SLICE, &a, &x, 1);
	assert_int_equal(npu_graph_output(g, x, "y"), 0);
	if (npu_graph_compile(g, npu_device_caps(dev), NULL, &image, &size))
		fail_msg("%s", npu_error());
	free(image);
	npu_graph_free(g);
}

static void dimensions_are_bounded(void **state)
{
	struct npu_graph *g = npu_graph_create();
	struct npu_graph_attrs a = { .dims = 1, .shape = { -1 } };
	int x = npu_graph_input(g, "x", NPU_S8, 2, (uint32_t[]){ 65536, 65535 }), out;

	(void)state;
	assert_int_equal(npu_graph_input(g, "y", NPU_S8, 1, (uint32_t[]){ 1u << 31 }), -EINVAL);
	assert_int_equal(npu_graph_node(g, NPU_GRAPH_RESHAPE, NULL, &a, &x, 1, &out, 1), -EINVAL);
	npu_graph_free(g);
}

/* Elements of 64 bits only move; what they are padded with has as many. */
static void padding_of_64_bits(void **state)
{
	static const int64_t in[] = { 1ll << 40, -7 }, want[] = { -5, 1ll << 40, -7, -5, -5 };
	struct npu_graph *g = npu_graph_create();
	struct npu_graph_attrs a = {
		.mode = NPU_PAD_CONSTANT, .alpha = -5, .starts = { 1 }, .ends = { 2 }
	};
	struct tensor x = { .name = "x", .type = NPU_S64, .dims = 1, .shape = { 2 }, (void *)in },
		      y;
	int id = npu_graph_input(g, "x", NPU_S64, 1, x.shape);

	(void)state;
	y = run(g, node(g, NPU_GRAPH_PAD, &a, &id, 1), &x);
	assert_memory_equal(y.data, want, sizeof(want));
	free(y.data);
}

static void too_many_steps(void **state)
{
	struct npu_graph *g = npu_graph_create();
	struct npu_graph_attrs a = { .axis = 1 };
	static const uint32_t inner[] = { 1 << 24, 2 }, channels[] = { 1, 1 << 20, 2, 2 };
	static const uint32_t weights[] = { 1 << 20, 1, 1, 1 };
	int in[] = { npu_graph_input(g, "x", NPU_S8, 2, inner),
		     npu_graph_input(g, "i", NPU_S32, 1, (uint32_t[]){ 3 }) };

	(void)state;
	refuse(g, node(g, NPU_GRAPH_GATHER, &a, in, 2), "steps");
	g = npu_graph_create();
	in[0] = npu_graph_input(g, "x", NPU_FP32, 4, channels);
	in[1] = npu_graph_input(g, "w", NPU_FP32, 4, weights);
	a = (struct npu_graph_attrs){ .groups = 1 << 20, .stride = { 8, 8 }, .window_dims = 2 };
	refuse(g, node(g, NPU_GRAPH_CONV_TRANSPOSE, &a, in, 2), "steps");
}

static void too_many_commands(void **state)
{
	struct npu_graph *g = npu_graph_create();
	struct npu_graph_attrs swap = { .axis_count = 2, .axes = { 1, 0 } };
	int x = npu_graph_input(g, "x", NPU_FP32, 2, (uint32_t[]){ 16384, 65536 }), i;

	(void)state;
	/* Each copy is some 30 MB of commands. */
	for (i = 0; i < 16; i++) {
		x = node(g, NPU_GRAPH_TRANSPOSE, &swap, &x, 1);
		x = node(g, NPU_GRAPH_RELU, NULL, &x, 1);
	}
	refuse(g, x, "commands");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(alpha_of_products),	   cmocka_unit_test(scales_that_vanish),
		cmocka_unit_test(zero_points_are_checked), cmocka_unit_test(clip_beyond_integers),
		cmocka_unit_test(folding_is_exact),	   cmocka_unit_test(folding_is_bounded),
		cmocka_unit_test(steps_of_steps),	   cmocka_unit_test(dimensions_are_bounded),
		cmocka_unit_test(too_many_steps),	   cmocka_unit_test(too_many_commands),
		cmocka_unit_test(padding_of_64_bits),
	};
	int ret;

	if (npu_open(&dev, "sim:")) {
		printf("%s\n", npu_error());
		return 1;
	}
	ret = cmocka_run_group_tests_name("edges", tests, NULL, NULL);
	npu_close(dev);
	return ret;
}
