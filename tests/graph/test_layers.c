// SPDX-License-Identifier: MIT
/*
 * Copyright (c) 2026 the npu authors
 *
 * What an image tells of its steps, on one core and on two: names, operators and kernels as the
 * graph has them, the work of products as counted by hand, and commands that bear it out.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "npu/graph.h"
#include "npu/image.h"
#include "npu/npu.h"
#include "npu/stream.h"

#define ok(call)                                                \
	do {                                                    \
		if ((call) < 0)                                 \
			fail_msg("%s: %s", #call, npu_error()); \
	} while (0)

/* x [1][8][12][12] * w [16][8][3][3], relu, max pool 2 x 2, flatten, * v [576][10]. */
static void build(struct npu_graph *g)
{
	static const float w[16 * 8 * 9] = { 1 }, v[576 * 10] = { 1 };
	struct npu_graph_attrs pool = { .kernel = { 2, 2 }, .stride = { 2, 2 }, .window_dims = 2 };
	struct npu_graph_attrs flat = { .dims = 2, .shape = { 1, -1 } };
	struct npu_graph_attrs conv = { .pad_lo = { 1, 1 }, .pad_hi = { 1, 1 }, .window_dims = 2 };
	int x, in[2], t, y;

	ok(x = npu_graph_input(g, "x", NPU_FP32, 4, (uint32_t[]){ 1, 8, 12, 12 }));
	ok(y = npu_graph_constant(g, "w", NPU_FP32, 4, (uint32_t[]){ 16, 8, 3, 3 }, w));
	in[0] = x;
	in[1] = y;
	ok(npu_graph_node(g, NPU_GRAPH_CONV, "first", &conv, in, 2, &t, 1));
	ok(npu_graph_node(g, NPU_GRAPH_RELU, "then", NULL, &t, 1, &t, 1));
	ok(npu_graph_node(g, NPU_GRAPH_MAX_POOL, "smaller", &pool, &t, 1, &t, 1));
	ok(npu_graph_node(g, NPU_GRAPH_RESHAPE, "flat", &flat, &t, 1, &t, 1));
	ok(y = npu_graph_constant(g, "v", NPU_FP32, 2, (uint32_t[]){ 576, 10 }, v));
	in[0] = t;
	in[1] = y;
	ok(npu_graph_node(g, NPU_GRAPH_MATMUL, "last", NULL, in, 2, &t, 1));
	/* An output that is an input: nobody's node. */
	ok(npu_graph_output(g, x, "same"));
	ok(npu_graph_output(g, t, "y"));
}

static const struct npu_layer *find(const struct npu_image *image, const char *name,
				    const char *kernel, const struct npu_cost *cost,
				    const struct npu_cost **its)
{
	for (uint32_t i = 0; i < image->layer_count; i++) {
		if (!strcmp(image->layers[i].name, name) &&
		    !strcmp(image->layers[i].kernel, kernel)) {
			*its = &cost[i];
			return &image->layers[i];
		}
	}
	fail_msg("there is no %s by %s", name, kernel);
	return NULL;
}

static void look(const char *device, uint32_t cores)
{
	struct npu_graph_options options = { .cores = cores };
	struct npu_graph *g = npu_graph_create();
	struct npu_cost total, *cost;
	const struct npu_cost *its;
	const struct npu_layer *l;
	struct npu_device *dev;
	struct npu_image image;
	uint64_t cycles = 0;
	size_t size;
	void *data;

	ok(npu_open(&dev, device));
	build(g);
	ok(npu_graph_compile(g, npu_device_caps(dev), &options, &data, &size));
	ok(npu_image_parse(&image, data, size));
	/* Inputs, then outputs, in their order; y is made after what is copied from x. */
	assert_int_equal(image.tensor_count, 3);
	assert_string_equal(image.tensors[0].name, "x");
	assert_string_equal(image.tensors[1].name, "same");
	assert_string_equal(image.tensors[2].name, "y");
	assert_true(image.layer_count >= 4);
	cost = calloc(image.layer_count, sizeof(*cost));
	/* This says, too, that all tags are numbers of layers. */
	ok(npu_code_costs(npu_device_caps(dev), image.code, image.cores, 0, &total, cost,
			  image.layer_count));
	for (uint32_t i = 0; i < image.layer_count; i++) {
		cycles += cost[i].cycles;
		assert_true(cost[i].commands > 0);
		assert_true(!!cost[i].macs == !!image.layers[i].work.macs);
		assert_true(cost[i].macs >= image.layers[i].work.macs);
	}
	assert_int_equal(cycles, total.cycles);

	l = find(&image, "first", "conv2d", cost, &its);
	assert_string_equal(l->op, "Conv");
	assert_int_equal(l->work.macs, 16 * 12 * 12 * 8 * 9);
	assert_int_equal(l->work.rate, NPU_RATE_ARRAY_FLOAT);
	l = find(&image, "smaller", "pool2d", cost, &its);
	assert_string_equal(l->op, "MaxPool");
	assert_int_equal(l->work.rate, NPU_RATE_NONE);
	l = find(&image, "last", "matmul", cost, &its);
	assert_string_equal(l->op, "MatMul");
	assert_int_equal(l->work.macs, 5760);
	assert_int_equal(its->macs, 5760);
	/* bf16 in, float32 out. */
	assert_int_equal(l->work.bytes, (576 + 5760) * 2 + 10 * 4);
	l = find(&image, "same", "map", cost, &its);
	assert_string_equal(l->op, "Output");
	/* There and back, each core a part. */
	assert_true(its->lmem_bytes >= 2 * 8 * 144 * 4);
	free(cost);
	npu_image_clear(&image);
	free(data);
	npu_graph_free(g);
	npu_close(dev);
}

static void layers_are_the_graphs(void **state)
{
	(void)state;
	look("sim:", 1);
	look("sim:", 2);
	look("sim:cores=4,spm=64K", 4);
}

/* A pool that is done while its convolution goes on: what it writes is booked to it. */
static void stores_of_pools_are_theirs(void **state)
{
	static const float w[64 * 64 * 9] = { 1 };
	struct npu_graph_attrs pool = { .kernel = { 2, 2 }, .stride = { 2, 2 }, .window_dims = 2 };
	struct npu_graph_attrs conv = { .pad_lo = { 1, 1 }, .pad_hi = { 1, 1 }, .window_dims = 2 };
	struct npu_graph *g = npu_graph_create();
	const struct npu_cost *its;
	struct npu_cost total, *cost;
	struct npu_device *dev;
	struct npu_image image;
	size_t size;
	void *data;
	int x, y;

	(void)state;
	ok(npu_open(&dev, "sim:"));
	ok(x = npu_graph_input(g, "x", NPU_FP32, 4, (uint32_t[]){ 1, 64, 32, 32 }));
	ok(y = npu_graph_constant(g, "w", NPU_FP32, 4, (uint32_t[]){ 64, 64, 3, 3 }, w));
	ok(npu_graph_node(g, NPU_GRAPH_CONV, "first", &conv, (int[]){ x, y }, 2, &x, 1));
	ok(npu_graph_node(g, NPU_GRAPH_CONV, "second", &conv, (int[]){ x, y }, 2, &x, 1));
	ok(npu_graph_node(g, NPU_GRAPH_MAX_POOL, "smaller", &pool, &x, 1, &x, 1));
	ok(npu_graph_output(g, x, "y"));
	ok(npu_graph_compile(g, npu_device_caps(dev), NULL, &data, &size));
	ok(npu_image_parse(&image, data, size));
	cost = calloc(image.layer_count, sizeof(*cost));
	ok(npu_code_costs(npu_device_caps(dev), image.code, image.cores, 0, &total, cost,
			  image.layer_count));
	find(&image, "smaller", "pool2d", cost, &its);
	assert_true(its->lmem_bytes >= 64 * 16 * 16 * 2);
	/* Nothing of the convolution leaves SPM but a few rows that the other core reads. */
	find(&image, "second", "conv2d", cost, &its);
	assert_true(its->lmem_bytes < 2 * 64 * 64 * 9 * 2 + 16 * 64 * 32 * 2);
	free(cost);
	npu_image_clear(&image);
	free(data);
	npu_graph_free(g);
	npu_close(dev);
}

/* A name of any length is one that images take. */
static void long_names_are_cut(void **state)
{
	struct npu_graph *g = npu_graph_create();
	struct npu_device *dev;
	struct npu_image image;
	char name[1000];
	size_t size;
	void *data;
	int t;

	(void)state;
	memset(name, 'n', sizeof(name) - 1);
	name[sizeof(name) - 1] = 0;
	ok(npu_open(&dev, "sim:"));
	ok(t = npu_graph_input(g, "x", NPU_FP32, 1, (uint32_t[]){ 7 }));
	ok(npu_graph_node(g, NPU_GRAPH_RELU, name, NULL, &t, 1, &t, 1));
	ok(npu_graph_output(g, t, "y"));
	ok(npu_graph_compile(g, npu_device_caps(dev), NULL, &data, &size));
	ok(npu_image_parse(&image, data, size));
	assert_int_equal(image.layer_count, 1);
	assert_int_equal(strlen(image.layers[0].name), 255);
	npu_image_clear(&image);
	free(data);
	npu_graph_free(g);
	npu_close(dev);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(layers_are_the_graphs),
		cmocka_unit_test(stores_of_pools_are_theirs),
		cmocka_unit_test(long_names_are_cut),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
