// SPDX-License-Identifier: MIT
/*
 * Copyright (c) 2026 the npu authors
 *
 * Quantising at the ends of what floats can say: weights, biases and activations so small or so large
 * that scales made of them would be 0, denormal or infinite.
 */
#include <float.h>
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "quant.h"

/* ---- Scales ---------------------------------------------------------------------------------- */

enum { CIN = 2, CHANNELS = 10 };

/* Of each channel: its weights and its bias. */
static const struct {
	float w[CIN], bias;
} channel[CHANNELS] = {
	{ { 1, -0.5f }, 3 },
	{ { 0, 0 }, 0 },
	{ { 0, 0 }, 1e-40f },
	{ { 0x1p-149f, 0 }, 0 },
	{ { 0x1p-149f, -0x1p-149f }, 0x1p-149f },
	{ { 1e-37f, 3e-38f }, -1e-38f },
	{ { -1e-40f, 1e-41f }, 5 },
	{ { 0, 1e-20f }, 1e20f },
	{ { FLT_MAX, -1 }, FLT_MAX },
	{ { 0, 0 }, -FLT_MAX },
};

/* A convolution of 1x1 of all those channels, its input's values from @lo to @hi. */
static void scales_are_normal(float lo, float hi)
{
	static const uint32_t xs[] = { 1, CIN, 2, 2 }, ws[] = { CHANNELS, CIN, 1, 1 },
			      cs[] = { CHANNELS };
	struct npu_graph_attrs one = { .window_dims = 2 };
	const struct npu_graph_tensor *w, *s, *b;
	float weight[CHANNELS][CIN], bias[CHANNELS];
	struct npu_graph *g = npu_graph_create();
	struct quant_plan plan;
	struct quant_net net;
	int in[3], y;

	for (unsigned int c = 0; c < CHANNELS; c++) {
		weight[c][0] = channel[c].w[0];
		weight[c][1] = channel[c].w[1];
		bias[c] = channel[c].bias;
	}
	in[0] = npu_graph_input(g, "x", NPU_FP32, 4, xs);
	in[1] = npu_graph_constant(g, "w", NPU_FP32, 4, ws, weight);
	in[2] = npu_graph_constant(g, "b", NPU_FP32, 1, cs, bias);
	assert_int_equal(npu_graph_node(g, NPU_GRAPH_CONV, "conv", &one, in, 3, &y, 1), 0);
	assert_int_equal(npu_graph_output(g, y, "y"), 0);
	assert_int_equal(quant_plan_make(&plan, g, NPU_FP32), 0);
	plan.tensor[in[0]].lo = lo;
	plan.tensor[in[0]].hi = hi;
	quant_plan_scales(&plan);
	assert_int_equal(quant_build(&net, &plan, false), 0);
	assert_int_equal(net.products, 1);
	w = npu_graph_tensor(net.g, net.product[0].weight);
	s = npu_graph_tensor(net.g, net.product[0].scale);
	b = npu_graph_tensor(net.g, net.product[0].bias);
	for (unsigned int c = 0; c < CHANNELS; c++) {
		float x_scale = quant_of(&plan, in[0])->scale, scale = ((const float *)s->data)[c];
		float sum = x_scale * scale;
		int32_t got = ((const int32_t *)b->data)[c];
		double room = 0x1p30 * (double)sum;

		if (!isnormal(scale) || !isnormal(sum) || scale < 0)
			fail_msg("channel %u, %g .. %g: scale %g, of sums %g", c, (double)lo,
				 (double)hi, (double)scale, (double)sum);
		/* Half a step, unless the bias is beyond all sums that there can be. */
		if (fabs((double)got * (double)sum - fmax(-room, fmin(bias[c], room))) >
		    0.5 * (double)sum * (1 + 1e-6) + fabs((double)bias[c]) * 1e-6)
			fail_msg("channel %u, %g .. %g: bias %d of %g", c, (double)lo, (double)hi,
				 got, (double)sum);
		/* Likewise, where the largest of them is 127. */
		for (unsigned int i = 0; i < CIN; i++) {
			double most = 127 * (double)scale, v = weight[c][i];

			v = fmax(-128 * (double)scale, fmin(v, most));
			assert_true(fabs(((const int8_t *)w->data)[c * CIN + i] * (double)scale -
					 v) <= 0.5 * (double)scale * (1 + 1e-6));
		}
	}
	quant_net_free(&net);
	quant_plan_free(&plan);
	npu_graph_free(g);
}

static void tiny_and_huge_weights(void **state)
{
	(void)state;
	scales_are_normal(-1, 1);
	scales_are_normal(0, 0);
	scales_are_normal(0, 0x1p-149f);
	scales_are_normal(-1e-38f, 1e-37f);
	scales_are_normal(-3e-20f, 5e-20f);
	scales_are_normal(-1e20f, 0);
	scales_are_normal(-FLT_MAX, FLT_MAX);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(tiny_and_huge_weights),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
