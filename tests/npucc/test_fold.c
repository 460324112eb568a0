// SPDX-License-Identifier: MIT
/*
 * Copyright (c) 2026 the npu authors
 *
 * BatchNormalization behind a convolution becomes the convolution's weights and bias, unless
 * somebody else wants to see what the convolution gives, or one of these would be no number. So do
 * Gemm's alpha and constants that are added.
 */
#include <errno.h>
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "fold.h"
#include "npu/graph.h"

enum { CIN = 2, COUT = 3, TAPS = 4 };

static const float weight[COUT][CIN * TAPS] = {
	{ 1, -2, 3, 0.5f, 7, 0.25f, -1, 2 },
	{ 0.1f, 0.2f, -0.3f, 4, 5, 6, -7, 8 },
	{ -1, -1, 2, 2, 3, -3, 0, 1 },
};
static const float bias[COUT] = { 0.5f, -1, 3 };
static const float scale[COUT] = { 2, -0.7f, 1.3f }, offset[COUT] = { 0.1f, 5, -2 };
static const float mean[COUT] = { 1, -4, 0.3f }, variance[COUT] = { 0.5f, 9, 1e-4f };
#define EPSILON 1e-3f

/* Linked in place of libnpu's, which fails only without memory. */
int __real_npu_graph_constant(struct npu_graph *g, const char *name, uint32_t type, uint32_t dims,
			      const uint32_t *shape, const void *data);
int __wrap_npu_graph_constant(struct npu_graph *g, const char *name, uint32_t type, uint32_t dims,
			      const uint32_t *shape, const void *data);

static bool refuse;

int __wrap_npu_graph_constant(struct npu_graph *g, const char *name, uint32_t type, uint32_t dims,
			      const uint32_t *shape, const void *data)
{
	return refuse ? -EINVAL : __real_npu_graph_constant(g, name, type, dims, shape, data);
}

/* x -> Conv -> BatchNormalization -> Relu; the result of Conv is an output as well if @seen. */
static struct npu_graph *build_norm(bool seen, const float *scale, const float *mean)
{
	static const uint32_t xs[] = { 1, CIN, 5, 5 }, ws[] = { COUT, CIN, 2, 2 }, cs[] = { COUT };
	struct npu_graph_attrs none = { 0 }, norm = { .epsilon = EPSILON };
	struct npu_graph *g = npu_graph_create();
	int in[5], conv, bn, relu;

	assert_non_null(g);
	in[0] = npu_graph_input(g, "x", NPU_FP32, 4, xs);
	in[1] = npu_graph_constant(g, "w", NPU_FP32, 4, ws, weight);
	in[2] = npu_graph_constant(g, "b", NPU_FP32, 1, cs, bias);
	assert_int_equal(npu_graph_node(g, NPU_GRAPH_CONV, "conv", &none, in, 3, &conv, 1), 0);
	in[0] = conv;
	in[1] = npu_graph_constant(g, "scale", NPU_FP32, 1, cs, scale);
	in[2] = npu_graph_constant(g, "offset", NPU_FP32, 1, cs, offset);
	in[3] = npu_graph_constant(g, "mean", NPU_FP32, 1, cs, mean);
	in[4] = npu_graph_constant(g, "variance", NPU_FP32, 1, cs, variance);
	assert_int_equal(npu_graph_node(g, NPU_GRAPH_BATCH_NORM, "bn", &norm, in, 5, &bn, 1), 0);
	assert_int_equal(npu_graph_node(g, NPU_GRAPH_RELU, "relu", &none, &bn, 1, &relu, 1), 0);
	assert_int_equal(npu_graph_output(g, relu, "y"), 0);
	if (seen)
		assert_int_equal(npu_graph_output(g, conv, "z"), 0);
	assert_int_equal(npu_graph_issues(g), 0);
	return g;
}

static struct npu_graph *build(bool seen)
{
	return build_norm(seen, scale, mean);
}

static void normalisation_becomes_weights(void **state)
{
	struct npu_graph *g = build(false), *folded;
	const struct npu_graph_tensor *w, *b;
	struct npu_graph_node_info n;

	(void)state;
	assert_int_equal(fold_products(g, NPU_BF16, &folded), 0);
	assert_int_equal(npu_graph_get_node(folded, 0, &n), 0);
	assert_int_equal(n.op, NPU_GRAPH_CONV);
	assert_int_equal(n.in_count, 3);
	w = npu_graph_tensor(folded, n.in[1]);
	b = npu_graph_tensor(folded, n.in[2]);
	for (unsigned int c = 0; c < COUT; c++) {
		double factor = scale[c] / sqrt((double)variance[c] + (double)EPSILON);
		double add = ((double)bias[c] - mean[c]) * factor + offset[c];

		for (unsigned int i = 0; i < CIN * TAPS; i++)
			assert_float_equal(((const float *)w->data)[c * CIN * TAPS + i],
					   weight[c][i] * factor,
					   fabs(weight[c][i] * factor) * 1e-7);
		assert_float_equal(((const float *)b->data)[c], add, fabs(add) * 1e-6);
	}
	assert_int_equal(npu_graph_get_node(folded, 1, &n), 0);
	assert_int_equal(n.op, NPU_GRAPH_RELU);
	assert_true(npu_graph_get_node(folded, 2, &n) < 0);
	npu_graph_free(folded);
	npu_graph_free(g);
}

static void what_others_see_stays(void **state)
{
	static const uint32_t ops[] = { NPU_GRAPH_CONV, NPU_GRAPH_BATCH_NORM, NPU_GRAPH_RELU };
	struct npu_graph *g = build(true), *folded;
	struct npu_graph_node_info n;

	(void)state;
	assert_int_equal(fold_products(g, NPU_BF16, &folded), 0);
	for (unsigned int i = 0; i < 3; i++) {
		assert_int_equal(npu_graph_get_node(folded, i, &n), 0);
		assert_int_equal(n.op, ops[i]);
	}
	npu_graph_free(folded);
	npu_graph_free(g);
}

static unsigned int count_of(const struct npu_graph_tensor *t)
{
	unsigned int count = 1;

	for (unsigned int i = 0; i < t->dims; i++)
		count *= t->shape[i];
	return count;
}

/* The nodes that are left, and no constant that is not a number. */
static unsigned int fold(struct npu_graph *g, uint32_t float_type)
{
	const struct npu_graph_tensor *t;
	struct npu_graph_node_info n;
	struct npu_graph *folded;
	unsigned int nodes = 0;

	assert_int_equal(fold_products(g, float_type, &folded), 0);
	while (!npu_graph_get_node(folded, nodes, &n))
		nodes++;
	for (int i = 0; (t = npu_graph_tensor(folded, i)); i++)
		for (unsigned int k = 0; t->data && k < count_of(t); k++)
			assert_true(isfinite(((const float *)t->data)[k]));
	npu_graph_free(folded);
	npu_graph_free(g);
	return nodes;
}

static void what_would_be_no_number_stays(void **state)
{
	static const float small[COUT] = { 2, 1e-6f, 1 };
	static const float large[COUT] = { 2, 1e5f, 1 }, huge[COUT] = { 2, 3e38f, 1 };
	static const float far[COUT] = { 3e38f, 0, 0 };

	(void)state;
	assert_int_equal(fold(build_norm(false, scale, mean), NPU_FP16), 2);
	/* 8e5 / 3: too much for fp16. */
	assert_int_equal(fold(build_norm(false, large, mean), NPU_BF16), 2);
	assert_int_equal(fold(build_norm(false, large, mean), NPU_FP16), 3);
	assert_int_equal(fold(build_norm(false, huge, mean), NPU_BF16), 3);
	/* Denormals, and too few of their bits. */
	assert_int_equal(fold(build_norm(false, small, mean), NPU_BF16), 2);
	assert_int_equal(fold(build_norm(false, small, mean), NPU_FP16), 3);
	/* A bias. */
	assert_int_equal(fold(build_norm(false, scale, far), NPU_BF16), 3);
}

/* x -> Gemm, of 2 x 2, -> Add; its bias and what is added are @value everywhere. */
static struct npu_graph *build_gemm(float alpha, float beta, float value)
{
	static const uint32_t shape[] = { 2, 2 };
	static const float w[4] = { 1, -3, 2, 0.5f };
	const struct npu_graph_attrs a = { .alpha = alpha, .beta = beta };
	const float values[2] = { value, value };
	struct npu_graph *g = npu_graph_create();
	int in[3], y;

	assert_non_null(g);
	in[0] = npu_graph_input(g, "x", NPU_FP32, 2, shape);
	in[1] = npu_graph_constant(g, "w", NPU_FP32, 2, shape, w);
	in[2] = npu_graph_constant(g, "b", NPU_FP32, 1, shape, values);
	assert_int_equal(npu_graph_node(g, NPU_GRAPH_GEMM, "gemm", &a, in, 3, &y, 1), 0);
	in[0] = y;
	in[1] = in[2];
	assert_int_equal(npu_graph_node(g, NPU_GRAPH_ADD, "add", NULL, in, 2, &y, 1), 0);
	assert_int_equal(npu_graph_output(g, y, "y"), 0);
	return g;
}

/* Alpha and beta of what is left of build_gemm(). */
static void assert_gemm(struct npu_graph *g, unsigned int nodes, float alpha, float beta)
{
	struct npu_graph_node_info n;
	struct npu_graph *folded;

	assert_int_equal(fold_products(g, NPU_FP16, &folded), 0);
	assert_int_equal(npu_graph_get_node(folded, 0, &n), 0);
	assert_true(n.attrs.alpha == alpha && n.attrs.beta == beta);
	npu_graph_free(folded);
	assert_int_equal(fold(g, NPU_FP16), nodes);
}

static void gemm_is_made_plain_in_numbers(void **state)
{
	(void)state;
	assert_gemm(build_gemm(2e4f, 0.5f, 4), 1, 1, 1);
	assert_gemm(build_gemm(3e4f, 0.5f, 4), 2, 3e4f, 0.5f);
	assert_gemm(build_gemm(1e-6f, 0.5f, 4), 2, 1e-6f, 0.5f);
	assert_gemm(build_gemm(2, 3, 3e38f), 2, 2, 3);
	/* The Gemm can, and then nothing can be added to it. */
	assert_gemm(build_gemm(2, 0.5f, 3e38f), 2, 1, 1);
}

static void errors_are_those_that_happened(void **state)
{
	struct npu_graph *g = build(false), *folded;

	(void)state;
	refuse = true;
	assert_int_equal(fold_products(g, NPU_BF16, &folded), -EINVAL);
	refuse = false;
	npu_graph_free(folded);
	npu_graph_free(g);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(normalisation_becomes_weights),
		cmocka_unit_test(what_others_see_stays),
		cmocka_unit_test(what_would_be_no_number_stays),
		cmocka_unit_test(gemm_is_made_plain_in_numbers),
		cmocka_unit_test(errors_are_those_that_happened),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
