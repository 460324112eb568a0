// SPDX-License-Identifier: MIT
/*
 * Copyright (c) 2026 the npu authors
 *
 * Quantising at the ends of what floats can say: weights, biases and activations so small or so large
 * that scales made of them would be 0, denormal or infinite; values that fp16 has not, in the middle of
 * the network; and what is told of values that are infinite or none.
 */
#include <float.h>
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "npy.h"
#include "quant.h"
#include "session.h"

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

/* ---- Networks that overflow ------------------------------------------------------------------ */

static char dir[] = "/tmp/test_extremes.XXXXXX";
static struct npu_device *dev;

enum { PLANES = 2, LARGEST = 20 };

/**
 * struct chain - a network under way, each node of the one before
 * @side: of a square plane of x; values from 1 to 2
 */
struct chain {
	struct npu_graph *g;
	uint32_t side;
	int at;
};

static struct chain chain_begin(uint32_t side)
{
	const uint32_t shape[] = { 1, PLANES, side, side };
	struct chain c = { .g = npu_graph_create(), .side = side };

	c.at = npu_graph_input(c.g, "x", NPU_FP32, 4, shape);
	return c;
}

static void chain_node(struct chain *c, uint32_t op, const struct npu_graph_attrs *a, int second)
{
	int in[2] = { c->at, second };

	assert_int_equal(npu_graph_node(c->g, op, NULL, a, in, second < 0 ? 1 : 2, &c->at, 1), 0);
}

/*
 * A product that changes nothing: CONV or CONV_TRANSPOSE, plane by plane, since 0 times what is
 * infinite would show.
 */
static void chain_product(struct chain *c, uint32_t op)
{
	static const float one[PLANES] = { 1, 1 };
	struct npu_graph_attrs a = { .window_dims = 2, .groups = PLANES };
	int w = npu_graph_constant(c->g, NULL, NPU_FP32, 4, (uint32_t[]){ PLANES, 1, 1, 1 }, one);

	chain_node(c, op, &a, w);
}

static void chain_times(struct chain *c, float v)
{
	chain_node(c, NPU_GRAPH_MUL, NULL, npu_graph_constant(c->g, NULL, NPU_FP32, 0, NULL, &v));
}

static void chain_transpose(struct chain *c)
{
	chain_node(c, NPU_GRAPH_TRANSPOSE,
		   &(struct npu_graph_attrs){ .axis_count = 4, .axes = { 0, 1, 3, 2 } }, -1);
}

/* Quantises; what is told, to be freed, and y. @y may be NULL. */
static char *chain_end(struct chain *c, float *x, float *y)
{
	uint32_t count = PLANES * c->side * c->side;
	struct npy a = { NPY_FLOAT32, 4, { 1, PLANES, c->side, c->side }, count * sizeof(*x), x };
	struct quant_options how = { .data = dir, .input_type = NPU_FP32 };
	char *report = NULL, path[64], error[256];
	struct session *s = NULL;
	size_t size, length;
	void *image;
	FILE *f = open_memstream(&report, &length);

	for (uint32_t i = 0; i < count; i++)
		x[i] = 1 + (float)i / (float)(count - 1);
	snprintf(path, sizeof(path), "%s/0.npy", dir);
	assert_int_equal(npy_write(&a, path, error, sizeof(error)), 0);
	npu_graph_output(c->g, c->at, "y");
	assert_int_equal(quantize(c->g, dev, NULL, &how, f, &image, &size), 0);
	fclose(f);
	unlink(path);
	assert_int_equal(session_open(&s, dev, image, size), 0);
	assert_int_equal(session_set(s, session_tensor(s, NPU_TENSOR_INPUT, "x"), x), 0);
	assert_int_equal(session_run(s), 0);
	if (y)
		assert_int_equal(session_get(s, session_tensor(s, NPU_TENSOR_OUTPUT, "y"), y), 0);
	session_close(s);
	free(image);
	npu_graph_free(c->g);
	return report;
}

static void told(const char *report, const char *words)
{
	if (!strstr(report, words))
		fail_msg("\"%s\" is not told:\n%s", words, report);
}

/*
 * 1e6 has no fp16: between the two products of integers it would be infinite, 1 / it 0, and the range
 * that is found a wrong one, of numbers. @product: a product reads it, which makes fp16 of it also
 * where it is kept in more; else it is kept itself, if it is not small.
 */
static void overflow_between(uint32_t side, bool product)
{
	float x[PLANES * LARGEST * LARGEST], y[PLANES * LARGEST * LARGEST];
	struct chain c = chain_begin(side);
	char *report;

	chain_product(&c, NPU_GRAPH_CONV);
	chain_times(&c, 1e6f);
	if (product)
		chain_product(&c, NPU_GRAPH_CONV_TRANSPOSE);
	else
		chain_transpose(&c);
	chain_node(&c, NPU_GRAPH_RECIPROCAL, NULL, -1);
	if (!product)
		chain_transpose(&c);
	chain_times(&c, 1e6f);
	chain_product(&c, NPU_GRAPH_CONV);
	report = chain_end(&c, x, y);
	told(report, "the float network in bf16");
	for (uint32_t i = 0; i < PLANES * side * side; i++)
		if (!(fabsf(y[i] - 1 / x[i]) < 0.02f))
			fail_msg("element %u is %g, not %g:\n%s", i, (double)y[i],
				 (double)(1 / x[i]), report);
	free(report);
}

static void overflow_is_noticed(void **state)
{
	(void)state;
	overflow_between(4, true);
	overflow_between(LARGEST, true);
	overflow_between(LARGEST, false);
}

/* What is large where nothing needs fp16 is no reason for bf16. */
static void no_false_alarm(void **state)
{
	float x[PLANES * LARGEST * LARGEST];
	struct chain c = chain_begin(LARGEST);
	char *report;

	(void)state;
	chain_product(&c, NPU_GRAPH_CONV);
	chain_times(&c, 1e6f);
	/* Outputs that nothing computes are there as well. */
	npu_graph_output(c.g, 0, "copy");
	npu_graph_output(c.g, npu_graph_constant(c.g, NULL, NPU_FP32, 0, NULL, &(float){ 3 }),
			 "three");
	report = chain_end(&c, x, NULL);
	told(report, "the float network in fp16\n");
	told(report,
	     "\n  three                                         inf           0           0\n");
	free(report);
}

/* exp(300) has no bf16 either; that 1 / it is 0 is right, and so it is only told. */
static void overflow_of_bf16_is_told(void **state)
{
	float x[PLANES * LARGEST * LARGEST], y[PLANES * LARGEST * LARGEST];
	struct chain c = chain_begin(LARGEST);
	char *report;

	(void)state;
	chain_product(&c, NPU_GRAPH_CONV);
	chain_times(&c, 300);
	chain_node(&c, NPU_GRAPH_EXP, NULL, -1);
	chain_transpose(&c);
	chain_node(&c, NPU_GRAPH_RECIPROCAL, NULL, -1);
	chain_product(&c, NPU_GRAPH_CONV);
	report = chain_end(&c, x, y);
	told(report, "the float network in bf16");
	told(report, "  Exp gives values that are infinite or none there\n");
	assert_true(y[7] == 0);
	free(report);
}

/* Outputs that are no numbers have no error that could be told. */
static void outputs_that_are_none(void **state)
{
	float x[PLANES * 4 * 4];
	struct chain c = chain_begin(4);
	char *report;

	(void)state;
	chain_product(&c, NPU_GRAPH_CONV);
	chain_node(&c, NPU_GRAPH_NEG, NULL, -1);
	chain_node(&c, NPU_GRAPH_SQRT, NULL, -1);
	report = chain_end(&c, x, NULL);
	told(report, "nan         nan         nan  32 of 32 values are infinite or none\n");
	told(report, "  Sqrt gives values that are infinite or none there\n");
	free(report);
}

/* ---- Errors ---------------------------------------------------------------------------------- */

static void errors_of_what_is_infinite(void **state)
{
	static const float a[] = { 1, 2, INFINITY, -INFINITY }, b[] = { 1, 3, INFINITY, -INFINITY };
	static const struct {
		float want, got;
	} odd[] = { { NAN, NAN },     { 1, NAN },	{ NAN, 1 },
		    { INFINITY, 1 },  { 1, -INFINITY }, { INFINITY, -INFINITY },
		    { INFINITY, NAN } };
	struct quant_error e = { 0 };

	(void)state;
	assert_true(isnan(quant_error_sqnr(&e)));
	quant_error_add(&e, a, b, 4);
	assert_int_equal(e.odd, 0);
	assert_int_equal(e.count, 4);
	assert_true(e.max == 1 && e.sum == 1);
	assert_float_equal(quant_error_sqnr(&e), 10 * log10(5), 1e-6);
	for (size_t i = 0; i < sizeof(odd) / sizeof(odd[0]); i++) {
		e = (struct quant_error){ 0 };
		quant_error_add(&e, a, a, 4);
		assert_true(isinf(quant_error_sqnr(&e)));
		quant_error_add(&e, &odd[i].want, &odd[i].got, 1);
		assert_int_equal(e.odd, 1);
		assert_true(isnan(quant_error_sqnr(&e)));
		quant_error_add(&e, a, b, 4);
		assert_true(isnan(quant_error_sqnr(&e)));
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(tiny_and_huge_weights),
		cmocka_unit_test(overflow_is_noticed),
		cmocka_unit_test(no_false_alarm),
		cmocka_unit_test(overflow_of_bf16_is_told),
		cmocka_unit_test(outputs_that_are_none),
		cmocka_unit_test(errors_of_what_is_infinite),
	};
	int ret;

	if (!mkdtemp(dir) || npu_open(&dev, "sim:"))
		return 2;
	ret = cmocka_run_group_tests(tests, NULL, NULL);
	npu_close(dev);
	rmdir(dir);
	return ret;
}
