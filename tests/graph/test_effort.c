// SPDX-License-Identifier: MIT
/*
 * Copyright (c) 2026 the npu authors
 *
 * What compiling may take, counted (struct npu_effort), never timed: it stays within what it is
 * given, plans the same each time, and what is planned with little or nothing computes the same,
 * under the hazard checker. And what graphs make of constants is bounded.
 */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "libnpu/graph/resident.h"

#include "networks.h"
#include "run.h"

#define ok(call)                                                \
	do {                                                    \
		if ((call) < 0)                                 \
			fail_msg("%s: %s", #call, npu_error()); \
	} while (0)

struct plan {
	void *image;
	size_t size;
	uint64_t groups, kernels, order; /* spent */
	unsigned int planned, residents;
};

static uint64_t most(uint64_t a, uint64_t limit)
{
	return a < limit ? a : limit;
}

/* As npu_graph_compile(), with at most so much effort for each of the three. */
static struct plan compile(struct npu_graph *g, const struct npu_caps *caps, uint64_t limit)
{
	struct npu_lower l = { .g = g, .caps = caps, .float_type = NPU_BF16, .cores = caps->cores };
	struct plan p = { 0 };

	ok(npu_lower_graph(&l));
	l.group_effort.limit = most(l.group_effort.limit, limit);
	l.kernel_effort.limit = most(l.kernel_effort.limit, limit);
	l.order_effort.limit = most(l.order_effort.limit, limit);
	ok(npu_resident_find(&l));
	ok(npu_lower_plan(&l));
	ok(npu_lower_emit(&l, &p.image, &p.size));
	p.groups = l.group_effort.spent;
	p.kernels = l.kernel_effort.spent;
	p.order = l.order_effort.spent;
	p.planned = l.kernels;
	p.residents = l.residents;
	npu_lower_free(&l);
	return p;
}

/* Convolutions and pools, no two of them alike, on images too large for SPM. */
static struct npu_graph *layers_unlike(unsigned int count, uint32_t image)
{
	static float zero[20 * 20 * 9];
	struct npu_graph *g = npu_graph_create();
	uint32_t c = 8;
	unsigned int i;
	int x, w;

	ok(x = npu_graph_input(g, "x", NPU_FP32, 4, (uint32_t[]){ 1, c, image, image }));
	for (i = 0; i < count; i++) {
		struct npu_graph_attrs a = { .window_dims = 2,
					     .groups = 1,
					     .kernel = { 3, 3 },
					     .stride = { 1, 1 },
					     .pad_lo = { i % 3, 1 },
					     .pad_hi = { 1, 1 } };
		uint32_t shape[4] = { 8 + i % 13, c, 3, 3 };

		if (i % 4 == 3) {
			ok(npu_graph_node(g, NPU_GRAPH_MAX_POOL, NULL, &a, &x, 1, &x, 1));
			continue;
		}
		a.kernel[0] = a.kernel[1] = 0;
		ok(w = npu_graph_constant(g, NULL, NPU_FP32, 4, shape, zero));
		ok(npu_graph_node(g, NPU_GRAPH_CONV, NULL, &a, (int[]){ x, w }, 2, &x, 1));
		c = shape[0];
	}
	ok(npu_graph_output(g, x, "y"));
	return g;
}

static void work_is_bounded(void **state)
{
	static const uint64_t limits[] = { 1 << 18, 1 << 21, 1 << 23 };
	struct npu_device *dev;
	struct plan none, p, again;
	struct npu_graph *g;
	unsigned int i;

	(void)state;
	ok(npu_open(&dev, "sim:spm=256K"));
	g = layers_unlike(40, 60);
	none = compile(g, npu_device_caps(dev), 0);
	assert_int_equal(none.residents, 0);
	/* What is there in any case: a look until one fits, and its commands. */
	assert_true(none.kernels < none.planned * 60000ull);
	assert_true(none.order < none.size);
	for (i = 0; i < sizeof(limits) / sizeof(limits[0]); i++) {
		p = compile(g, npu_device_caps(dev), limits[i]);
		again = compile(g, npu_device_caps(dev), limits[i]);
		assert_true(p.kernels <= none.kernels + 3 * limits[i] / 2);
		assert_true(p.groups <= 2 * limits[i]);
		assert_true(p.order <= none.order + 2 * p.size + 3 * limits[i] / 2);
		/* It is spent, so more of it would be. */
		assert_true(p.kernels > limits[i] / 2);
		assert_int_equal(p.size, again.size);
		assert_memory_equal(p.image, again.image, p.size);
		free(p.image);
		free(again.image);
	}
	free(none.image);
	npu_graph_free(g);
	npu_close(dev);
}

static void run(struct npu_device *dev, const struct plan *p, const struct network *n, int8_t *y)
{
	struct tensor in = { .name = "x", .type = NPU_S8, .dims = 4 }, out = { .name = "y" };

	in.data = network_input(n, 5, in.shape);
	ok(run_image(dev, p->image, p->size, &in, 1, &out, 1));
	memcpy(y, out.data, tensor_bytes(&out));
	free(in.data);
	free(out.data);
}

/* From nothing to all, bit by bit the same values; and more effort never costs cycles worth telling. */
static void values_are_the_same(void **state)
{
	const struct network_options options = {
		.quantised = true, .image = 32, .narrow = 4, .shallow = 1, .classes = 10, .seed = 3
	};
	struct npu_device *dev;
	struct network n;
	struct plan p;
	int8_t want[10], got[10];
	unsigned int shift;

	(void)state;
	ok(npu_open(&dev, "sim:"));
	network_resnet50(&n, &options);
	p = compile(n.g, npu_device_caps(dev), UINT64_MAX);
	assert_true(p.residents > 0);
	run(dev, &p, &n, want);
	free(p.image);
	for (shift = 0; shift < 24; shift += 3) {
		p = compile(n.g, npu_device_caps(dev), shift ? 1u << shift : 0);
		run(dev, &p, &n, got);
		assert_memory_equal(got, want, sizeof(want));
		free(p.image);
	}
	network_free(&n);
	npu_close(dev);
}

/* A chain on a constant is computed at once, but not for ever. */
static void folding_is_bounded(void **state)
{
	const uint32_t shape[8] = { 1, 1, 1, 1, 1, 1, 64, 1024 };
	const uint64_t bytes = 64 * 1024 * 4;
	struct npu_graph *g = npu_graph_create();
	float *data = malloc(bytes);
	unsigned int i;
	int x;

	(void)state;
	for (i = 0; i < bytes / 4; i++)
		data[i] = 1;
	ok(x = npu_graph_constant(g, NULL, NPU_FP32, 8, shape, data));
	for (i = 0; i < 400; i++)
		ok(npu_graph_node(g, NPU_GRAPH_MUL, NULL, NULL, (int[]){ x, x }, 2, &x, 1));
	assert_null(npu_graph_tensor(g, x)->data);
	assert_true(g->fold_work <= (1ull << 28) + 8 * bytes);
	assert_true(g->folded <= (1ull << 26) + 4 * bytes);
	npu_graph_free(g);

	/* Nor does a constant become more and more where each reader wants one of its own. */
	g = npu_graph_create();
	for (i = 0; i < bytes; i++)
		((int8_t *)data)[i] = (int8_t)i;
	ok(x = npu_graph_constant(g, NULL, NPU_S8, 1, (uint32_t[]){ bytes }, data));
	*data = 1;
	for (i = 0; i < 200; i++) {
		int s, y, z;

		ok(s = npu_graph_constant(g, NULL, NPU_FP32, 0, NULL, data));
		ok(y = npu_graph_input(g, NULL, NPU_FP32, 1, (uint32_t[]){ bytes }));
		ok(npu_graph_node(g, NPU_GRAPH_DEQUANTIZE, NULL, NULL, (int[]){ x, s }, 2, &z, 1));
		ok(npu_graph_node(g, NPU_GRAPH_MAX, NULL, NULL, (int[]){ y, z, z }, 3, &z, 1));
		ok(npu_graph_output(g, z, NULL));
	}
	{
		struct npu_device *dev;
		struct npu_lower l = { .g = g, .float_type = NPU_BF16, .cores = 1 };

		ok(npu_open(&dev, "sim:"));
		l.caps = npu_device_caps(dev);
		npu_lower_graph(&l);
		assert_true(l.constant_size <= (1ull << 27) + 8 * (bytes + 4 * 200));
		npu_lower_free(&l);
		npu_close(dev);
	}
	free(data);
	npu_graph_free(g);
}

/* Thousands of nodes may ask whether a constant is the same everywhere: it is looked through once. */
static void scalars_are_looked_at_once(void **state)
{
	float zero[16] = { 0 };
	struct npu_graph *g = npu_graph_create();
	struct npu_lower l = { .g = g, .float_type = NPU_BF16, .cores = 1 };
	struct npu_device *dev;
	double v;
	int x, w;

	(void)state;
	ok(npu_open(&dev, "sim:"));
	l.caps = npu_device_caps(dev);
	ok(x = npu_graph_input(g, "x", NPU_FP32, 1, (uint32_t[]){ 16 }));
	ok(w = npu_graph_constant(g, NULL, NPU_FP32, 1, (uint32_t[]){ 16 }, zero));
	ok(npu_graph_node(g, NPU_GRAPH_ADD, NULL, NULL, (int[]){ x, w }, 2, &x, 1));
	ok(npu_graph_output(g, x, "y"));
	ok(npu_lower_graph(&l));
	assert_true(npu_lower_scalar(&l, w, &v));
	/* What it is now would be seen by a second look. */
	((float *)g->value[w].t.data)[15] = 1;
	assert_true(npu_lower_scalar(&l, w, &v));
	npu_lower_free(&l);
	npu_graph_free(g);
	npu_close(dev);
}

/* A convolution of so many taps in a column, and one of single pixels with a Relu. */
static struct npu_graph *tall_kernel(uint32_t taps, uint32_t rows)
{
	const uint32_t shape[4] = { 16, 16, taps, 1 }, one[4] = { 16, 16, 1, 1 };
	float *zero = calloc((size_t)16 * 16 * taps, sizeof(*zero));
	struct npu_graph_attrs a = { .window_dims = 2,
				     .pad_lo = { taps / 2 },
				     .pad_hi = { taps / 2 } };
	struct npu_graph *g = npu_graph_create();
	int x, w;

	assert_non_null(zero);
	ok(x = npu_graph_input(g, "x", NPU_FP32, 4, (uint32_t[]){ 1, 16, rows, 17 }));
	ok(w = npu_graph_constant(g, NULL, NPU_FP32, 4, shape, zero));
	ok(npu_graph_node(g, NPU_GRAPH_CONV, NULL, &a, (int[]){ x, w }, 2, &x, 1));
	memset(&a, 0, sizeof(a));
	ok(w = npu_graph_constant(g, NULL, NPU_FP32, 4, one, zero));
	ok(npu_graph_node(g, NPU_GRAPH_CONV, NULL, &a, (int[]){ x, w }, 2, &x, 1));
	ok(npu_graph_node(g, NPU_GRAPH_RELU, NULL, NULL, &x, 1, &x, 1));
	ok(npu_graph_output(g, x, "y"));
	free(zero);
	return g;
}

/*
 * A row of pixels is a tile where ACC is small, and each row of such a kernel a command: in a group
 * that is more of them than a stream takes. Trying costs effort; kernels of their own remain.
 */
static void groups_of_too_many_commands(void **state)
{
	struct npu_device *dev;
	struct npu_graph *g = tall_kernel(1023, 2400);
	struct npu_lower l = { .g = g, .float_type = NPU_BF16, .cores = 1 };
	struct npu_stream *stream = npu_stream_create();
	struct npu_resident r = { 0 };
	unsigned int barrier, first = 0;
	void *image;
	size_t size;

	(void)state;
	ok(npu_open(&dev, "sim:cores=1,spm=8M,acc=4K"));
	l.caps = npu_device_caps(dev);
	ok(npu_lower_graph(&l));
	ok(npu_resident_find(&l));
	assert_int_equal(l.residents, 0);
	/* That is why: they would be a group, */
	while (first < l.steps && l.step[first].kind != NPU_STEP_PRODUCT)
		first++;
	ok(npu_resident_collect(&l, &r, first, 2));
	assert_int_equal(r.steps, 2);
	assert_true(npu_resident_arrange(&r, 1, 512));
	assert_int_equal(npu_resident_emit(&l, &r, &stream, &barrier), -ENOSPC);
	assert_true(stream->commands > 1000000);
	/* and that has been tried at least twice. */
	assert_true(l.group_effort.spent > 2 * stream->commands * (uint64_t)NPU_EFFORT_COMMAND);
	npu_stream_free(stream);
	npu_resident_free(&r);
	ok(npu_lower_plan(&l));
	ok(npu_lower_emit(&l, &image, &size));
	free(image);
	npu_lower_free(&l);
	npu_graph_free(g);
	npu_close(dev);
}

/* All ways to do what cannot be done are not written out: each may be as long as a stream can be. */
static void what_does_not_fit_is_bounded(void **state)
{
	const uint32_t shape[4] = { 4, 4, 251, 255 };
	float *zero = calloc((size_t)4 * 4 * 251 * 255, sizeof(*zero));
	struct npu_graph_attrs a = { .window_dims = 2,
				     .pad_lo = { 125, 127 },
				     .pad_hi = { 125, 127 } };
	struct npu_graph *g = npu_graph_create();
	struct npu_lower l = { .g = g, .float_type = NPU_BF16, .cores = 1 };
	struct npu_device *dev;
	void *image;
	size_t size;
	int x, w;

	(void)state;
	assert_non_null(zero);
	ok(npu_open(&dev, "sim:cores=1,spm=64K,acc=4K"));
	l.caps = npu_device_caps(dev);
	ok(x = npu_graph_input(g, "x", NPU_FP32, 4, (uint32_t[]){ 1, 4, 509, 511 }));
	ok(w = npu_graph_constant(g, NULL, NPU_FP32, 4, shape, zero));
	ok(npu_graph_node(g, NPU_GRAPH_CONV, NULL, &a, (int[]){ x, w }, 2, &x, 1));
	ok(npu_graph_output(g, x, "y"));
	ok(npu_lower_graph(&l));
	ok(npu_lower_plan(&l));
	assert_int_equal(npu_lower_emit(&l, &image, &size), -ENOTSUP);
	assert_true(l.kernel_effort.spent < 1ull << 29);
	npu_lower_free(&l);
	npu_graph_free(g);
	npu_close(dev);
	free(zero);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(work_is_bounded),
		cmocka_unit_test(values_are_the_same),
		cmocka_unit_test(folding_is_bounded),
		cmocka_unit_test(scalars_are_looked_at_once),
		cmocka_unit_test(groups_of_too_many_commands),
		cmocka_unit_test(what_does_not_fit_is_bounded),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
