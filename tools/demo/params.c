/* SPDX-License-Identifier: MIT */
/* Copyright (c) 2026 the npu authors */
/*
 * See params.h. Product N of the network has its arrays in N.input.npy, N.weight.npy, N.scale.npy and
 * N.bias.npy (docs/onnx.md).
 */
#include "params.h"

#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "npy.h"

/* Sums of a bias and of at most 4096 products stay within int32. */
#define MAX_BIAS (1 << 30)

static const struct npu_demo_layer layers[NPU_DEMO_LAYERS] = {
	{ .type = NPU_DEMO_CONV,
	  .in_h = 28,
	  .in_w = 28,
	  .in_c = 1,
	  .out_h = 28,
	  .out_w = 28,
	  .out_c = 16,
	  .kernel = 3,
	  .stride = 1,
	  .pad = 1 },
	{ .type = NPU_DEMO_MAXPOOL,
	  .in_h = 28,
	  .in_w = 28,
	  .in_c = 16,
	  .out_h = 14,
	  .out_w = 14,
	  .out_c = 16,
	  .kernel = 2,
	  .stride = 2 },
	{ .type = NPU_DEMO_CONV,
	  .in_h = 14,
	  .in_w = 14,
	  .in_c = 16,
	  .out_h = 14,
	  .out_w = 14,
	  .out_c = 32,
	  .kernel = 3,
	  .stride = 1,
	  .pad = 1 },
	{ .type = NPU_DEMO_CONV,
	  .in_h = 14,
	  .in_w = 14,
	  .in_c = 32,
	  .out_h = 7,
	  .out_w = 7,
	  .out_c = 64,
	  .kernel = 3,
	  .stride = 2,
	  .pad = 1 },
	{ .type = NPU_DEMO_MAXPOOL,
	  .in_h = 7,
	  .in_w = 7,
	  .in_c = 64,
	  .out_h = 3,
	  .out_w = 3,
	  .out_c = 64,
	  .kernel = 2,
	  .stride = 2 },
	{ .type = NPU_DEMO_FC,
	  .in_h = 3,
	  .in_w = 3,
	  .in_c = 64,
	  .out_h = 1,
	  .out_w = 1,
	  .out_c = 10,
	  .kernel = 1,
	  .stride = 1 },
};

/* An array of exactly that type and shape; its data are the caller's. NULL: it is not. */
static void *load_array(const char *dir, unsigned int product, const char *what, enum npy_type type,
			unsigned int dims, const uint32_t *shape, int *ret,
			struct npu_demo_error *err)
{
	char path[4096], text[256];
	struct npy a;

	snprintf(path, sizeof(path), "%s/%u.%s.npy", dir, product, what);
	*ret = npy_read(&a, path, text, sizeof(text));
	if (*ret) {
		npu_demo_fail(err, *ret, "%s", text);
		return NULL;
	}
	if (a.type == type && a.dims == dims && !memcmp(a.shape, shape, dims * sizeof(*shape)))
		return a.data;
	free(a.data);
	*ret = npu_demo_fail(err, -EINVAL, "%s: not an array of the demo's network", path);
	return NULL;
}

static int load_input(const char *dir, unsigned int product, float *scale, int32_t *zero,
		      int32_t *least, struct npu_demo_error *err)
{
	int ret;
	float *v = load_array(dir, product, "input", NPY_FLOAT32, 1, (uint32_t[]){ 3 }, &ret, err);

	if (!v)
		return ret;
	*scale = v[0];
	if (!(v[0] > 0) || !isfinite(v[0]) || (v[2] != -128 && v[2] != 0) ||
	    !(v[1] >= v[2] && v[1] <= v[2] + 255) || v[1] != rintf(v[1])) {
		ret = npu_demo_fail(err, -EINVAL,
				    "%s/%u.input.npy: not a scale, a zero point and a type", dir,
				    product);
	} else {
		*zero = (int32_t)v[1];
		*least = (int32_t)v[2];
	}
	free(v);
	return ret;
}

/* [out][in][kh][kw] to [kh][kw][in][out]: so that channels are innermost everywhere. */
static int8_t *channels_last(const int8_t *w, uint32_t out, uint32_t in, uint32_t taps)
{
	int8_t *v = malloc((size_t)out * in * taps);
	uint32_t o, c, t;

	for (o = 0; v && o < out; o++)
		for (c = 0; c < in; c++)
			for (t = 0; t < taps; t++)
				v[((size_t)t * in + c) * out + o] =
					w[((size_t)o * in + c) * taps + t];
	return v;
}

static int load_weights(struct npu_demo_layer *l, const char *dir, unsigned int product,
			struct npu_demo_error *err)
{
	const uint32_t taps[4] = { l->out_c, l->in_c, l->kernel, l->kernel };
	const uint32_t matrix[2] = { l->in_h * l->in_w * l->in_c, l->out_c };
	int ret;
	int8_t *w = l->type == NPU_DEMO_CONV ?
			    load_array(dir, product, "weight", NPY_INT8, 4, taps, &ret, err) :
			    load_array(dir, product, "weight", NPY_INT8, 2, matrix, &ret, err);

	if (!w || l->type == NPU_DEMO_FC) {
		l->weights = w;
		return ret;
	}
	l->weights = channels_last(w, l->out_c, l->in_c, l->kernel * l->kernel);
	free(w);
	return l->weights ? 0 : npu_demo_fail(err, -ENOMEM, "no memory for weights");
}

static int load_product(struct npu_demo_layer *l, const char *dir, unsigned int product,
			float in_scale, struct npu_demo_error *err)
{
	int ret = load_weights(l, dir, product, err);
	uint32_t c;

	if (!ret)
		l->bias = load_array(dir, product, "bias", NPY_INT32, 1, &l->out_c, &ret, err);
	if (!ret)
		l->sum_scale =
			load_array(dir, product, "scale", NPY_FLOAT32, 1, &l->out_c, &ret, err);
	for (c = 0; c < l->out_c && !ret; c++) {
		l->sum_scale[c] *= in_scale;
		if (l->bias[c] > MAX_BIAS || l->bias[c] < -MAX_BIAS || !(l->sum_scale[c] > 0) ||
		    !isfinite(l->sum_scale[c]))
			ret = npu_demo_fail(err, -EINVAL, "%s/%u: channel %u is out of range", dir,
					    product, c);
	}
	return ret;
}

int npu_demo_params_load(struct npu_demo_params *p, const char *dir, struct npu_demo_error *err)
{
	/* A layer's scale and what goes with it are those of what it reads, and so of what is before it. */
	struct npu_demo_layer *before = NULL;
	unsigned int i, product = 0;
	float scale = 0;
	int ret = 0;

	memset(p, 0, sizeof(*p));
	memcpy(p->layers, layers, sizeof(layers));
	for (i = 0; i < NPU_DEMO_LAYERS && !ret; i++) {
		struct npu_demo_layer *l = &p->layers[i];
		size_t elements = (size_t)l->in_h * l->in_w * l->in_c;

		if (elements > p->max_elements)
			p->max_elements = elements;
		if (l->type == NPU_DEMO_MAXPOOL)
			continue;
		ret = load_input(dir, product, &scale, &l->in_zero_point, &l->in_least, err);
		if (!ret)
			ret = load_product(l, dir, product, scale, err);
		if (before) {
			before->out_scale = scale;
			before->out_zero_point = l->in_zero_point;
			before->out_least = l->in_least;
		} else {
			p->in_scale = scale;
		}
		before = l;
		product++;
	}
	if (ret)
		npu_demo_params_free(p);
	return ret;
}

void npu_demo_params_free(struct npu_demo_params *p)
{
	for (unsigned int i = 0; i < NPU_DEMO_LAYERS; i++) {
		free(p->layers[i].weights);
		free(p->layers[i].bias);
		free(p->layers[i].sum_scale);
	}
	memset(p, 0, sizeof(*p));
}
