// SPDX-License-Identifier: MIT
/*
 * Copyright (c) 2026 the npu authors
 *
 * BatchNormalization behind a convolution becomes the convolution's weights and bias, unless
 * somebody else wants to see what the convolution gives.
 */
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

/* x -> Conv -> BatchNormalization -> Relu; the result of Conv is an output as well if @seen. */
static struct npu_graph *build(bool seen)
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

static void normalisation_becomes_weights(void **state)
{
	struct npu_graph *g = build(false), *folded;
	const struct npu_graph_tensor *w, *b;
	struct npu_graph_node_info n;

	(void)state;
	assert_int_equal(fold_products(g, &folded), 0);
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
					   weight[c][i] * factor, fabs(weight[c][i] * factor) * 1e-7);
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
	assert_int_equal(fold_products(g, &folded), 0);
	for (unsigned int i = 0; i < 3; i++) {
		assert_int_equal(npu_graph_get_node(folded, i, &n), 0);
		assert_int_equal(n.op, ops[i]);
	}
	npu_graph_free(folded);
	npu_graph_free(g);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(normalisation_becomes_weights),
		cmocka_unit_test(what_others_see_stays),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
