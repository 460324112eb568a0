// SPDX-License-Identifier: MIT
/*
 * Copyright (c) 2026 the npu authors
 *
 * Quantised networks to the bit: test_quantised [SEED [CASES]]
 *
 * QLinearConv and QLinearMatMul as ONNX defines them, and the same written as DequantizeLinear,
 * product, (Add,) (Relu,) QuantizeLinear, which the compiler does in integers. References are plain
 * loops in binary32, each operation rounded once, in the order of docs/graph.md.
 */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "npu/image.h"

#include "run.h"
#include "tests/seed.h"

static uint64_t state;

static uint32_t rnd(uint32_t n)
{
	state = state * 6364136223846793005ull + 1442695040888963407ull;
	return (uint32_t)((state >> 33) % n);
}

static int saturate(float v, int zp, bool is_signed)
{
	float r = rintf(v);
	double q = (double)r + zp, lo = is_signed ? -128 : 0, hi = is_signed ? 127 : 255;

	return (int)(q < lo ? lo : q > hi ? hi : q);
}

struct layer {
	uint32_t n, c, h, w, o, k, pad, stride, oh, ow;
	bool xs, ys, rs, per_channel, bias, relu, residual, qdq, dynamic_w, float_in, float_out,
		pool;
	float x_scale, y_scale, r_scale, w_scale[64];
	int x_zp, y_zp, r_zp;
	uint8_t *x, *r, *y;
	int8_t *wt;
	int32_t b[64];
};

static int get(const uint8_t *p, size_t i, bool is_signed)
{
	return is_signed ? (int8_t)p[i] : p[i];
}

/* What the operators say, in binary32. */
static void reference(struct layer *l)
{
	uint32_t n, o, y, x, c, r, s;

	for (n = 0; n < l->n; n++)
		for (o = 0; o < l->o; o++)
			for (y = 0; y < l->oh; y++)
				for (x = 0; x < l->ow; x++) {
					size_t at =
						((n * l->o + o) * (size_t)l->oh + y) * l->ow + x;
					int32_t sum = l->bias ? l->b[o] : 0;
					float ws = l->w_scale[l->per_channel ? o : 0], v;

					for (c = 0; c < l->c; c++)
						for (r = 0; r < l->k; r++)
							for (s = 0; s < l->k; s++) {
								int iy = (int)(y * l->stride + r) -
									 (int)l->pad,
								    ix = (int)(x * l->stride + s) -
									 (int)l->pad;

								if (iy < 0 || ix < 0 ||
								    iy >= (int)l->h ||
								    ix >= (int)l->w)
									continue;
								sum += (get(l->x,
									    ((n * l->c + c) *
										     (size_t)l->h +
									     (uint32_t)iy) * l->w +
										    (uint32_t)ix,
									    l->xs) -
									l->x_zp) *
								       l->wt[((o * l->c + c) *
										      (size_t)l->k +
									      r) * l->k +
									     s];
							}
					if (!l->qdq) {
						v = (float)sum * (l->x_scale * ws / l->y_scale);
					} else {
						v = (float)sum * (l->x_scale * ws);
						if (l->residual)
							v += (float)(get(l->r, at, l->rs) -
								     l->r_zp) *
							     l->r_scale;
						if (l->relu && v < 0)
							v = 0;
						v = v / l->y_scale;
					}
					l->y[at] = (uint8_t)saturate(v, l->y_zp, l->ys);
				}
}

static int scalar(struct npu_graph *g, uint32_t type, const void *v)
{
	return npu_graph_constant(g, NULL, type, 0, NULL, v);
}

static int zero(struct npu_graph *g, bool is_signed, int zp)
{
	int8_t v = (int8_t)zp;

	return scalar(g, is_signed ? NPU_S8 : NPU_U8, &v);
}

static int must(int ret)
{
	if (ret) {
		printf("%s\n", npu_error());
		exit(1);
	}
	return ret;
}

static int add(struct npu_graph *g, uint32_t op, const struct npu_graph_attrs *a, const int *in,
	       unsigned int ins)
{
	int out;

	must(npu_graph_node(g, op, NULL, a, in, ins, &out, 1));
	return out;
}

static void build(struct layer *l, struct npu_graph *g, int x, int r, int w)
{
	struct npu_graph_attrs a = { .window_dims = 2, .groups = 1 }, axis = { .axis = 0 };
	int xs = scalar(g, NPU_FP32, &l->x_scale), ys = scalar(g, NPU_FP32, &l->y_scale);
	int xz = zero(g, l->xs, l->x_zp), yz = zero(g, l->ys, l->y_zp), wz = zero(g, true, 0),
	    b = -1, v;
	int ws = l->per_channel ? npu_graph_constant(g, NULL, NPU_FP32, 1, &l->o, l->w_scale) :
				  scalar(g, NPU_FP32, l->w_scale);
	float bs[64];
	uint32_t i;

	for (i = 0; i < 2; i++) {
		a.stride[i] = l->stride;
		a.pad_lo[i] = a.pad_hi[i] = l->pad;
	}
	if (l->bias)
		b = npu_graph_constant(g, NULL, NPU_S32, 1, &l->o, l->b);
	if (l->float_in)
		x = add(g, NPU_GRAPH_QUANTIZE, NULL, (int[]){ x, xs, xz }, 3);
	if (!l->qdq) {
		v = add(g, NPU_GRAPH_QLINEAR_CONV, &a, (int[]){ x, xs, xz, w, ws, wz, ys, yz, b },
			l->bias ? 9 : 8);
	} else {
		int dx = add(g, NPU_GRAPH_DEQUANTIZE, &axis, (int[]){ x, xs, xz }, 3);
		int dw = add(g, NPU_GRAPH_DEQUANTIZE, &axis, (int[]){ w, ws }, 2), dr, rs;

		if (l->bias) {
			for (i = 0; i < l->o; i++)
				bs[i] = l->x_scale * l->w_scale[l->per_channel ? i : 0];
			b = add(g, NPU_GRAPH_DEQUANTIZE, &axis,
				(int[]){ b, npu_graph_constant(g, NULL, NPU_FP32, 1, &l->o, bs) },
				2);
		}
		v = add(g, NPU_GRAPH_CONV, &a, (int[]){ dx, dw, b }, l->bias ? 3 : 2);
		if (l->residual) {
			rs = scalar(g, NPU_FP32, &l->r_scale);
			dr = add(g, NPU_GRAPH_DEQUANTIZE, &axis,
				 (int[]){ r, rs, zero(g, l->rs, l->r_zp) }, 3);
			v = add(g, NPU_GRAPH_ADD, NULL,
				rnd(2) ? (int[]){ v, dr } : (int[]){ dr, v }, 2);
		}
		if (l->relu)
			v = add(g, NPU_GRAPH_RELU, NULL, &v, 1);
		v = add(g, NPU_GRAPH_QUANTIZE, NULL, (int[]){ v, ys, yz }, 3);
	}
	if (l->pool) {
		struct npu_graph_attrs p = { .window_dims = 2, .kernel = { 1, 1 } };

		v = add(g, NPU_GRAPH_DEQUANTIZE, NULL, (int[]){ v, ys, yz }, 3);
		v = add(g, NPU_GRAPH_MAX_POOL, &p, &v, 1);
		v = add(g, NPU_GRAPH_QUANTIZE, NULL, (int[]){ v, ys, yz }, 3);
	}
	if (l->float_out)
		v = add(g, NPU_GRAPH_DEQUANTIZE, NULL, (int[]){ v, ys, yz }, 3);
	npu_graph_output(g, v, "y");
}

static void *bytes(size_t n)
{
	uint8_t *p = malloc(n ? n : 1);
	size_t i;

	for (i = 0; i < n; i++)
		p[i] = (uint8_t)rnd(256);
	return p;
}

static void invent(struct layer *l)
{
	uint32_t i;

	*l = (struct layer){ .n = 1 + rnd(2),
			     .c = 1 + rnd(40),
			     .h = 1 + rnd(12),
			     .w = 1 + rnd(12),
			     .o = 1 + rnd(40),
			     .k = 1 + rnd(3),
			     .stride = 1 + rnd(2) };
	l->pad = rnd(l->k);
	if (l->h + 2 * l->pad < l->k || l->w + 2 * l->pad < l->k)
		l->k = 1;
	l->oh = (l->h + 2 * l->pad - l->k) / l->stride + 1;
	l->ow = (l->w + 2 * l->pad - l->k) / l->stride + 1;
	l->qdq = rnd(3);
	l->xs = rnd(2);
	l->ys = rnd(2);
	l->rs = rnd(2);
	l->per_channel = rnd(2);
	l->bias = rnd(2);
	l->relu = rnd(2);
	l->residual = rnd(2);
	l->dynamic_w = rnd(3) == 0;
	l->float_in = rnd(2);
	l->float_out = rnd(2);
	l->pool = rnd(4) == 0;
	l->x_scale = (float)(1 + rnd(1000)) / 3000;
	l->y_scale = (float)(1 + rnd(1000)) / 50;
	l->r_scale = (float)(1 + rnd(1000)) / 300;
	l->x_zp = l->xs ? (int)rnd(256) - 128 : (int)rnd(256);
	l->y_zp = l->ys ? (int)rnd(256) - 128 : (int)rnd(256);
	l->r_zp = l->rs ? (int)rnd(256) - 128 : (int)rnd(256);
	for (i = 0; i < l->o; i++) {
		l->w_scale[i] = (float)(1 + rnd(1000)) / 7000;
		l->b[i] = (int32_t)rnd(20000) - 10000;
	}
	l->x = bytes((size_t)l->n * l->c * l->h * l->w);
	l->r = bytes((size_t)l->n * l->o * l->oh * l->ow);
	l->y = bytes((size_t)l->n * l->o * l->oh * l->ow);
	l->wt = bytes((size_t)l->o * l->c * l->k * l->k);
}

/* Does the image say what the integers of its inputs and outputs stand for? */
static bool described(const struct layer *l, const void *data, size_t size)
{
	struct npu_image image;
	bool ok = !npu_image_parse(&image, data, size);
	uint32_t i;

	for (i = 0; ok && i < image.tensor_count; i++) {
		const struct npu_tensor_info *t = &image.tensors[i];

		if (!strcmp(t->name, "y") && !l->float_out && (l->qdq || l->pool))
			ok = t->scale == l->y_scale && t->zero_point == l->y_zp;
		else if (!strcmp(t->name, "x") && !l->float_in && l->qdq)
			ok = t->scale == l->x_scale && t->zero_point == l->x_zp;
		else if (t->type == NPU_FP32)
			ok = t->scale == 0;
	}
	npu_image_clear(&image);
	if (!ok)
		printf("the image's scales are not the network's\n");
	return ok;
}

static bool run_case(struct npu_device *dev)
{
	struct npu_graph *g = npu_graph_create();
	struct layer l;
	struct tensor in[3], out = { .name = "y" };
	uint32_t wshape[4];
	void *image = NULL;
	bool ok = true;
	size_t size, i;
	int x, r, w;

	invent(&l);
	reference(&l);
	memcpy(wshape, (uint32_t[]){ l.o, l.c, l.k, l.k }, sizeof(wshape));
	in[0] = (struct tensor){ "x", l.xs ? NPU_S8 : NPU_U8, 4, { l.n, l.c, l.h, l.w }, l.x };
	if (l.float_in) {
		/* What quantises to x exactly. */
		in[0].type = NPU_FP32;
		in[0].data = malloc((size_t)l.n * l.c * l.h * l.w * 4);
		for (i = 0; i < (size_t)l.n * l.c * l.h * l.w; i++)
			((float *)in[0].data)[i] = (float)(get(l.x, i, l.xs) - l.x_zp) * l.x_scale;
	}
	in[1] = (struct tensor){ "r", l.rs ? NPU_S8 : NPU_U8, 4, { l.n, l.o, l.oh, l.ow }, l.r };
	in[2] = (struct tensor){ "w", NPU_S8, 4, { l.o, l.c, l.k, l.k }, l.wt };
	x = npu_graph_input(g, "x", in[0].type, 4, in[0].shape);
	r = npu_graph_input(g, "r", in[1].type, 4, in[1].shape);
	w = l.dynamic_w ? npu_graph_input(g, "w", NPU_S8, 4, wshape) :
			  npu_graph_constant(g, NULL, NPU_S8, 4, wshape, l.wt);
	build(&l, g, x, r, w);
	if (npu_graph_compile(g, npu_device_caps(dev), NULL, &image, &size) ||
	    run_image(dev, image, size, in, 3, &out, 1)) {
		printf("%s\n", npu_graph_issues(g) ? npu_graph_issue(g, 0) : npu_error());
		ok = false;
	}
	ok = ok && described(&l, image, size);
	for (i = 0; ok && i < (size_t)l.n * l.o * l.oh * l.ow; i++) {
		double want = l.float_out ? (float)(get(l.y, i, l.ys) - l.y_zp) * l.y_scale :
					    get(l.y, i, l.ys);

		if (tensor_get(&out, i) == want)
			continue;
		printf("element %zu is %g, not %g: qdq %d bias %d residual %d relu %d channels %d "
		       "dynamic %d\n",
		       i, tensor_get(&out, i), want, l.qdq, l.bias, l.residual, l.relu,
		       l.per_channel, l.dynamic_w);
		ok = false;
	}
	free(out.data);
	free(image);
	if (l.float_in)
		free(in[0].data);
	free(l.x);
	free(l.r);
	free(l.y);
	free(l.wt);
	npu_graph_free(g);
	return ok;
}

/* ---- Averages -------------------------------------------------------------------------------- */

/*
 * Means of dequantised images that are quantised again: the integers' exact sum, divided, then
 * requantised (docs/graph.md); over the whole image, or in windows.
 */
static bool average_case(struct npu_device *dev)
{
	uint32_t c = 1 + rnd(90), h = 1 + rnd(9), w = 1 + rnd(9), kernel = 1 + rnd(3), i, y, x;
	bool whole = rnd(2) || h < kernel || w < kernel, xs = rnd(2), ys = rnd(2);
	uint32_t kh = whole ? h : kernel, kw = whole ? w : kernel, oh = h - kh + 1, ow = w - kw + 1;
	float x_scale = (float)(1 + rnd(1000)) / 3000, y_scale = (float)(1 + rnd(1000)) / 3000;
	int x_zp = xs ? (int)rnd(256) - 128 : (int)rnd(256);
	int y_zp = ys ? (int)rnd(256) - 128 : (int)rnd(256);
	struct tensor in = { "x", xs ? NPU_S8 : NPU_U8, 4, { 1, c, h, w }, bytes(c * h * w) };
	struct tensor out = { .name = "y" };
	const struct npu_graph_attrs mean = { .axis_count = 2, .axes = { 2, 3 }, .keep_dims = 1 };
	const struct npu_graph_attrs pool = { .window_dims = 2, .kernel = { kh, kw } };
	struct npu_graph *g = npu_graph_create();
	int s = scalar(g, NPU_FP32, &x_scale), q = scalar(g, NPU_FP32, &y_scale), v;
	void *image = NULL;
	bool ok = true;
	size_t size;

	v = npu_graph_input(g, "x", in.type, 4, in.shape);
	v = add(g, NPU_GRAPH_DEQUANTIZE, NULL, (int[]){ v, s, zero(g, xs, x_zp) }, 3);
	v = whole ? add(g, NPU_GRAPH_REDUCE_MEAN, &mean, &v, 1) :
		    add(g, NPU_GRAPH_AVERAGE_POOL, &pool, &v, 1);
	v = add(g, NPU_GRAPH_QUANTIZE, NULL, (int[]){ v, q, zero(g, ys, y_zp) }, 3);
	npu_graph_output(g, v, "y");
	if (npu_graph_compile(g, npu_device_caps(dev), NULL, &image, &size) ||
	    run_image(dev, image, size, &in, 1, &out, 1)) {
		printf("%s\n", npu_graph_issues(g) ? npu_graph_issue(g, 0) : npu_error());
		ok = false;
	}
	for (i = 0; i < c * oh * ow && ok; i++) {
		uint32_t at = i / oh / ow * h * w + i / ow % oh * w + i % ow;
		int sum = 0, want;

		for (y = 0; y < kh; y++)
			for (x = 0; x < kw; x++)
				sum += get(in.data, at + y * w + x, xs);
		want = saturate(((float)sum / (float)(kh * kw) - (float)x_zp) * (x_scale / y_scale),
				y_zp, ys);
		ok = tensor_get(&out, i) == want;
		if (!ok)
			printf("average %u is %g, not %d\n", i, tensor_get(&out, i), want);
	}
	free(out.data);
	free(image);
	free(in.data);
	npu_graph_free(g);
	return ok;
}

int main(int argc, char **argv)
{
	uint64_t seed = test_seed(argc > 1 ? argv[1] : NULL);
	unsigned int cases = argc > 2 ? (unsigned int)atoi(argv[2]) : 300, i, failed = 0;
	struct npu_device *dev;

	printf("seed %llu\n", (unsigned long long)seed);
	if (npu_open(&dev, "sim:"))
		return 1;
	for (i = 0; i < cases; i++) {
		state = (seed + i) * 0x9e3779b97f4a7c15ull;
		rnd(2);
		if (!(i % 4 ? run_case(dev) : average_case(dev))) {
			printf("  seed %llu\n", (unsigned long long)(seed + i));
			failed++;
		}
	}
	npu_close(dev);
	printf("%u passed, %u failed\n", cases - failed, failed);
	return failed != 0;
}
