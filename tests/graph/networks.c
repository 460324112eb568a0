// SPDX-License-Identifier: MIT
/*
 * Copyright (c) 2026 the npu authors
 *
 * See networks.h. Scales are such that values neither vanish nor saturate: a layer's sums have a
 * deviation of sqrt(k) * that of weights and inputs, and its output is scaled to one of about 40.
 */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "networks.h"

/* A tensor under way: images of channels, in [1, c, h, w]. */
struct value {
	int tensor; /* in floats; quantised networks: what DequantizeLinear makes */
	int integers; /* quantised networks: what it is made of */
	float scale;
	uint32_t c, h, w;
};

enum { NONE, RELU, RELU6 };

static uint32_t rnd(struct network *n)
{
	n->state = n->state * 6364136223846793005ull + 1442695040888963407ull;
	return (uint32_t)(n->state >> 33);
}

static int must(int ret)
{
	if (ret >= 0)
		return ret;
	printf("%s\n", npu_error());
	exit(1);
}

static int add(struct network *n, uint32_t op, const struct npu_graph_attrs *a, const int *in,
	       unsigned int ins)
{
	int out;

	must(npu_graph_node(n->g, op, NULL, a, in, ins, &out, 1));
	return out;
}

static int constant(struct network *n, uint32_t type, uint32_t dims, const uint32_t *shape,
		    const void *data)
{
	return must(npu_graph_constant(n->g, NULL, type, dims, shape, data));
}

/* ---- Quantisation ---------------------------------------------------------------------------- */

/* Activations behind a Relu use all of int8: -128 is 0. */
static int8_t zero_point(int activation)
{
	return activation == NONE ? 3 : -128;
}

static void quantise(struct network *n, struct value *v, float scale, int8_t zp)
{
	int s, z;

	if (!n->options.quantised)
		return;
	s = constant(n, NPU_FP32, 0, NULL, &scale);
	z = constant(n, NPU_S8, 0, NULL, &zp);
	v->integers = add(n, NPU_GRAPH_QUANTIZE, NULL, (int[]){ v->tensor, s, z }, 3);
	v->tensor = add(n, NPU_GRAPH_DEQUANTIZE, NULL, (int[]){ v->integers, s, z }, 3);
	v->scale = scale;
}

/* Random weights of @count / @k sums, and what multiplies them: @scale gives the sums a deviation of 1. */
static int weights(struct network *n, uint32_t dims, const uint32_t *shape, uint64_t count,
		   uint32_t k, float in_scale, uint32_t channels, int *bias, float *scale)
{
	float *f = malloc(count * sizeof(*f)), *scales = malloc(channels * sizeof(*scales));
	int32_t *b = malloc(channels * sizeof(*b));
	int8_t *q = malloc(count);
	int w, s;
	uint64_t i;

	for (i = 0; i < count; i++)
		q[i] = (int8_t)(rnd(n) % 255 - 127);
	for (i = 0; i < channels; i++) {
		scales[i] = (float)(0.8 + rnd(n) % 400 / 1000.0) /
			    (73.f * sqrtf((float)k) * 50.f * in_scale);
		b[i] = (int32_t)(rnd(n) % 2000) - 1000;
	}
	*scale = 1;
	if (n->options.quantised) {
		const struct npu_graph_attrs axis = { .axis = dims == 2 ? 1 : 0 },
					     zero = { .axis = 0 };

		w = constant(n, NPU_S8, dims, shape, q);
		s = constant(n, NPU_FP32, 1, &channels, scales);
		w = add(n, NPU_GRAPH_DEQUANTIZE, &axis, (int[]){ w, s }, 2);
		for (i = 0; i < channels; i++)
			scales[i] *= in_scale;
		s = constant(n, NPU_FP32, 1, &channels, scales);
		*bias = add(n, NPU_GRAPH_DEQUANTIZE, &zero,
			    (int[]){ constant(n, NPU_S32, 1, &channels, b), s }, 2);
	} else {
		for (i = 0; i < count; i++)
			f[i] = q[i] / (73.f * sqrtf((float)k));
		w = constant(n, NPU_FP32, dims, shape, f);
		for (i = 0; i < channels; i++)
			f[i] = (float)b[i] / 10000;
		*bias = constant(n, NPU_FP32, 1, &channels, f);
	}
	free(f);
	free(scales);
	free(b);
	free(q);
	return w;
}

/* ---- Layers ---------------------------------------------------------------------------------- */

static struct network_layer *record(struct network *n, uint64_t in, uint64_t out)
{
	struct network_layer *l = &n->layer[n->layers++];

	*l = (struct network_layer){ .in = in, .out = out };
	return l;
}

static void record_conv(struct network *n, const struct value *x, uint32_t out_c, uint32_t kernel,
			uint32_t stride, uint32_t pad, uint32_t groups, bool residual)
{
	bool q = n->options.quantised;

	record(n, 0, 0)->conv = (struct npu_conv2d){
		.in_h = x->h,
		.in_w = x->w,
		.in_c = x->c,
		.out_c = out_c,
		.kernel_h = kernel,
		.kernel_w = kernel,
		.stride_h = stride,
		.stride_w = stride,
		.pad_top = pad,
		.pad_left = pad,
		.pad_bottom = pad,
		.pad_right = pad,
		.groups = groups,
		.in_type = q ? NPU_S8 : NPU_BF16,
		.weight_type = q ? NPU_S8 : NPU_BF16,
		.weight_layout = groups > 1 ? NPU_B_ROWS : NPU_B_PACKED,
		.epilogue = {
			.out_type = q ? NPU_S8 : NPU_BF16,
			.bias = 1,
			.scale_per = q ? NPU_PER_CHANNEL : NPU_PER_NONE,
			.residual = residual,
			.residual_type = q ? NPU_S8 : NPU_BF16,
			.residual_scale = q ? 1 : 0,
		},
	};
}

static struct value conv(struct network *n, const struct value *x, uint32_t out_c, uint32_t kernel,
			 uint32_t stride, uint32_t groups, int activation,
			 const struct value *residual)
{
	uint32_t pad = kernel / 2, cg = x->c / groups;
	uint32_t shape[4] = { out_c, cg, kernel, kernel };
	const struct npu_graph_attrs a = {
		.window_dims = 2,
		.groups = groups,
		.stride = { stride, stride },
		.pad_lo = { pad, pad },
		.pad_hi = { pad, pad },
	};
	const struct npu_graph_attrs clip = { .lo = 0, .hi = 6 };
	struct value y = { .c = out_c,
			   .h = (x->h + 2 * pad - kernel) / stride + 1,
			   .w = (x->w + 2 * pad - kernel) / stride + 1 };
	float scale;
	int b, w = weights(n, 4, shape, (uint64_t)out_c * cg * kernel * kernel,
			   cg * kernel * kernel, x->scale, out_c, &b, &scale);

	y.tensor = add(n, NPU_GRAPH_CONV, &a, (int[]){ x->tensor, w, b }, 3);
	if (residual)
		y.tensor = add(n, NPU_GRAPH_ADD, NULL, (int[]){ y.tensor, residual->tensor }, 2);
	if (activation != NONE)
		y.tensor = add(n, activation == RELU ? NPU_GRAPH_RELU : NPU_GRAPH_CLIP, &clip,
			       &y.tensor, 1);
	quantise(n, &y, activation == NONE ? 1 / 40.f : 1 / 80.f, zero_point(activation));
	record_conv(n, x, out_c, kernel, stride, pad, groups, residual);
	return y;
}

static struct value max_pool(struct network *n, const struct value *x)
{
	const struct npu_graph_attrs a = { .window_dims = 2,
					   .kernel = { 3, 3 },
					   .stride = { 2, 2 },
					   .pad_lo = { 1, 1 },
					   .pad_hi = { 1, 1 } };
	struct value y = { .c = x->c, .h = (x->h - 1) / 2 + 1, .w = (x->w - 1) / 2 + 1 };
	uint64_t size = n->options.quantised ? 1 : 2;

	y.tensor = add(n, NPU_GRAPH_MAX_POOL, &a, &x->tensor, 1);
	quantise(n, &y, x->scale, zero_point(RELU));
	record(n, (uint64_t)x->c * x->h * x->w * size, (uint64_t)y.c * y.h * y.w * size);
	return y;
}

static void classifier(struct network *n, const struct value *x)
{
	const struct npu_graph_attrs mean = { .axis_count = 2, .axes = { 2, 3 } };
	const struct npu_graph_attrs product = { .alpha = 1, .beta = 1 };
	uint32_t shape[2] = { x->c, n->options.classes };
	uint64_t size = n->options.quantised ? 1 : 2;
	struct value v = { .c = x->c, .h = 1, .w = 1 };
	float scale;
	int b, w;

	v.tensor = add(n, NPU_GRAPH_REDUCE_MEAN, &mean, &x->tensor, 1);
	record(n, (uint64_t)x->c * x->h * x->w * size, x->c * size);
	quantise(n, &v, x->scale, zero_point(RELU));
	w = weights(n, 2, shape, (uint64_t)x->c * n->options.classes, x->c, v.scale,
		    n->options.classes, &b, &scale);
	record_conv(n, &v, n->options.classes, 1, 1, 0, 1, false);
	v.tensor = add(n, NPU_GRAPH_GEMM, &product, (int[]){ v.tensor, w, b }, 3);
	quantise(n, &v, 1 / 40.f, zero_point(NONE));
	must(npu_graph_output(n->g, n->options.quantised ? v.integers : v.tensor, "y"));
}

static void begin(struct network *n, const struct network_options *options, struct value *x)
{
	const uint32_t *o;
	const float scale = 1 / 40.f;
	const int8_t zp = 3;

	*n = (struct network){ .g = npu_graph_create(), .options = *options };
	n->options.image = options->image ? options->image : 224;
	n->options.narrow = options->narrow ? options->narrow : 1;
	n->options.shallow = options->shallow ? options->shallow : 99;
	n->options.classes = options->classes ? options->classes : 1000;
	n->state = options->seed * 0x9e3779b97f4a7c15ull + 1;
	o = &n->options.image;
	*x = (struct value){ .c = 3, .h = *o, .w = *o, .scale = scale };
	x->tensor = must(npu_graph_input(n->g, "x", n->options.quantised ? NPU_S8 : NPU_FP32, 4,
					 (uint32_t[]){ 1, 3, *o, *o }));
	if (n->options.quantised) {
		x->integers = x->tensor;
		x->tensor = add(n, NPU_GRAPH_DEQUANTIZE, NULL,
				(int[]){ x->tensor, constant(n, NPU_FP32, 0, NULL, &scale),
					 constant(n, NPU_S8, 0, NULL, &zp) },
				3);
	}
}

/* ---- Networks -------------------------------------------------------------------------------- */

void network_resnet50(struct network *n, const struct network_options *options)
{
	static const uint32_t blocks[4] = { 3, 4, 6, 3 };
	uint32_t stage, block, width;
	struct value x, y, shortcut;

	begin(n, options, &x);
	x = conv(n, &x, 64 / n->options.narrow, 7, 2, 1, RELU, NULL);
	x = max_pool(n, &x);
	for (stage = 0; stage < 4; stage++) {
		width = (64u << stage) / n->options.narrow;
		for (block = 0; block < blocks[stage] && block < n->options.shallow; block++) {
			uint32_t stride = stage && !block ? 2 : 1;

			shortcut = block ? x : conv(n, &x, 4 * width, 1, stride, 1, NONE, NULL);
			y = conv(n, &x, width, 1, 1, 1, RELU, NULL);
			y = conv(n, &y, width, 3, stride, 1, RELU, NULL);
			x = conv(n, &y, 4 * width, 1, 1, 1, RELU, &shortcut);
		}
	}
	classifier(n, &x);
}

void network_mobilenet(struct network *n, const struct network_options *options)
{
	static const struct {
		uint32_t out, stride;
	} pair[] = {
		{ 64, 1 },  { 128, 2 },	 { 128, 1 },  { 256, 2 }, { 256, 1 },
		{ 512, 2 }, { 512, 1 },	 { 512, 1 },  { 512, 1 }, { 512, 1 },
		{ 512, 1 }, { 1024, 2 }, { 1024, 1 },
	};
	uint32_t i, repeated = 0;
	struct value x;

	begin(n, options, &x);
	x = conv(n, &x, 32 / n->options.narrow, 3, 2, 1, RELU6, NULL);
	for (i = 0; i < sizeof(pair) / sizeof(pair[0]); i++) {
		repeated = i && pair[i].out == pair[i - 1].out ? repeated + 1 : 0;
		if (repeated > n->options.shallow)
			continue;
		x = conv(n, &x, x.c, 3, pair[i].stride, x.c, RELU6, NULL);
		x = conv(n, &x, pair[i].out / n->options.narrow, 1, 1, 1, RELU6, NULL);
	}
	classifier(n, &x);
}

void *network_input(const struct network *n, uint64_t seed, uint32_t shape[4])
{
	struct network r = { .state = seed };
	uint64_t count = 3ull * n->options.image * n->options.image, i;
	float *f = malloc(count * sizeof(*f));
	int8_t *q = (void *)f;

	memcpy(shape, (uint32_t[]){ 1, 3, n->options.image, n->options.image }, 16);
	for (i = 0; i < count; i++) {
		if (n->options.quantised)
			q[i] = (int8_t)rnd(&r);
		else
			f[i] = (float)(rnd(&r) % 2001) / 1000 - 1;
	}
	return f;
}

void network_free(struct network *n)
{
	npu_graph_free(n->g);
}

uint64_t network_limit(const struct network *n, struct npu_device *dev, uint64_t *fused)
{
	const struct npu_caps *caps = npu_device_caps(dev);
	uint64_t sum = 0, macs = 0, bytes = 0, size = n->options.quantised ? 1 : 2;
	unsigned int i;

	for (i = 0; i < n->layers; i++) {
		const struct network_layer *l = &n->layer[i];
		struct npu_estimate est;

		if (!l->conv.kernel_h) {
			sum += (l->in + l->out + caps->lmem_bw - 1) / caps->lmem_bw;
			continue;
		}
		must(npu_conv2d_estimate(dev, &l->conv, &est));
		sum += est.limit_cycles;
		macs += est.mac_cycles;
		bytes += (uint64_t)l->conv.out_c * l->conv.kernel_h * l->conv.kernel_w *
				 (l->conv.in_c / l->conv.groups) * size +
			 l->conv.out_c * (n->options.quantised ? 8 : 4);
	}
	bytes += 3ull * n->options.image * n->options.image * (n->options.quantised ? 1 : 4) +
		 n->options.classes * (n->options.quantised ? 1 : 4);
	bytes = (bytes + caps->lmem_bw - 1) / caps->lmem_bw;
	*fused = macs > bytes ? macs : bytes;
	return sum;
}
