// SPDX-License-Identifier: MIT
/*
 * Copyright (c) 2026 the npu authors
 *
 * The self-tests of products and convolutions. A case is a shape; each runs with each of
 * selftest_types.
 */
#include "selftest.h"

#include <errno.h>
#include <math.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "npu/npu.h"
#include "npu/ops.h"

#include "reference.h"

/* Tensors of a case, whatever the operation. */
struct operands {
	struct selftest_tensor a, b, bias, scale, out;
	void *packed; /* what the device sees of b, if that is packed */
	uint32_t *sum;
	void *want;
};

static bool is_float(const struct selftest_types *t)
{
	return t->a == NPU_BF16 || t->a == NPU_FP16;
}

static void operands_free(struct operands *o)
{
	selftest_tensor_free(&o->a);
	selftest_tensor_free(&o->b);
	selftest_tensor_free(&o->bias);
	selftest_tensor_free(&o->scale);
	selftest_tensor_free(&o->out);
	free(o->packed);
	free(o->sum);
	free(o->want);
}

/* Scales that bring sums of @k products into the output's range, a different one each column. */
static float *make_scales(const struct selftest_types *t, uint32_t k, uint32_t cols, uint64_t *seed)
{
	float *scale = malloc(cols * sizeof(*scale));
	float typical = is_float(t) ? 1 : 60 / (74.0f * 74.0f * sqrtf(k));

	for (uint32_t i = 0; scale && i < cols; i++)
		scale[i] = typical * (0.5f + (float)(selftest_random(seed) >> 40) * 0x1p-24f);
	return scale;
}

/* All but a and b: bias, scale and output of rows * cols elements whose sums are of @k products. */
static int operands_finish(struct npu_device *dev, struct operands *o,
			   const struct selftest_types *t, uint32_t rows, uint32_t cols, uint32_t k,
			   uint64_t *seed)
{
	size_t size = (size_t)rows * cols * selftest_type_size(t->out);
	int r = 0;

	o->sum = malloc((size_t)rows * cols * sizeof(*o->sum));
	o->want = malloc(size);
	if (!o->sum || !o->want)
		return -ENOMEM;
	if (t->bias)
		r = selftest_tensor(dev, &o->bias, is_float(t) ? NPU_FP32 : NPU_S32, cols, seed);
	if (!r && t->scale) {
		float *scale = make_scales(t, k, cols, seed);

		r = scale ? selftest_tensor_of(dev, &o->scale, scale, cols * sizeof(*scale)) :
			    -ENOMEM;
	}
	if (!r) {
		void *zero = calloc(1, size);

		r = zero ? selftest_tensor_of(dev, &o->out, zero, size) : -ENOMEM;
	}
	return r;
}

static struct npu_epilogue epilogue(const struct selftest_types *t)
{
	return (struct npu_epilogue){
		.out_type = t->out,
		.bias = t->bias,
		.scale_per = t->scale ? NPU_PER_CHANNEL : NPU_PER_NONE,
		.activation = t->relu ? NPU_ACT_RELU : NPU_ACT_NONE,
		.out_zp = t->out_zp,
	};
}

static struct npu_product_args args(const struct operands *o)
{
	return (struct npu_product_args){
		.a.buffer = o->a.buffer,
		.b.buffer = o->b.buffer,
		.out.buffer = o->out.buffer,
		.bias.buffer = o->bias.buffer,
		.scale.buffer = o->scale.buffer,
	};
}

/* Waits for @fence and holds the output against the reference's sums. */
static int judge(struct operands *o, const struct selftest_types *t, uint32_t rows, uint32_t cols,
		 const char *which, struct npu_fence *fence, struct selftest_result *result)
{
	const struct reference_finish finish = {
		.out_type = t->out,
		.bias = o->bias.data,
		.scale = o->scale.data,
		.relu = t->relu,
		.out_zp = t->out_zp,
	};
	struct npu_result how;
	int r = npu_fence_wait(fence, NPU_WAIT_FOREVER);

	if (!r)
		r = npu_fence_result(fence, &how);
	npu_fence_release(fence);
	if (r)
		return r;
	result->cycles += how.cycles;
	reference_finish(&finish, is_float(t), rows, cols, o->sum, o->want);
	return selftest_compare(&o->out, o->want, t->out, which, result);
}

static void say_error(struct selftest_result *result, const char *which, int error)
{
	snprintf(result->error, sizeof(result->error), "%s: %s", which,
		 error == -ENOMEM ? "out of memory" : npu_error());
}

/* [k][n] to [n][k] */
static void *transpose(const void *data, uint32_t k, uint32_t n, size_t size)
{
	const char *from = data;
	char *to = malloc((size_t)k * n * size);

	for (size_t i = 0; to && i < k; i++)
		for (size_t j = 0; j < n; j++)
			memcpy(to + (j * k + i) * size, from + (i * n + j) * size, size);
	return to;
}

/* The second operand as the device is to have it. */
static int lay_out(struct npu_device *dev, struct operands *o, uint32_t type, uint32_t layout,
		   uint32_t k, uint32_t n)
{
	size_t size = selftest_type_size(type), bytes = (size_t)k * n * size;
	int r;

	if (layout == NPU_B_ROWS)
		return 0;
	if (layout == NPU_B_COLS) {
		o->packed = transpose(o->b.data, k, n, size);
	} else {
		bytes = npu_weights_packed_size(type, k, n, 1);
		o->packed = malloc(bytes);
	}
	if (!o->packed)
		return -ENOMEM;
	if (layout == NPU_B_PACKED) {
		r = npu_weights_pack(o->packed, o->b.data, type, k, n, 1, 0);
		if (r)
			return r;
	}
	npu_buffer_release(o->b.buffer);
	o->b.buffer = NULL;
	r = npu_buffer_create(dev, bytes, NPU_BUFFER_LOCAL, &o->b.buffer);
	return r ? r : npu_buffer_write(o->b.buffer, 0, o->packed, bytes);
}

static const struct product {
	uint32_t m, n, k, layout;
} products[] = {
	{ 1, 1, 1, NPU_B_ROWS },	{ 33, 17, 65, NPU_B_ROWS }, { 128, 128, 128, NPU_B_ROWS },
	{ 7, 77, 300, NPU_B_COLS },	{ 64, 64, 64, NPU_B_COLS }, { 1, 1000, 129, NPU_B_PACKED },
	{ 130, 66, 258, NPU_B_PACKED },
};

static int run_product(struct npu_device *dev, struct npu_queue *queue, const struct product *p,
		       const struct selftest_types *t, const char *which, uint64_t *seed,
		       struct selftest_result *result)
{
	const struct npu_matmul desc = {
		.m = p->m,
		.n = p->n,
		.k = p->k,
		.a_type = t->a,
		.b_type = t->b,
		.b_layout = p->layout,
		.a_zp_per = t->a_zp ? NPU_PER_TENSOR : NPU_PER_NONE,
		.a_zp = t->a_zp,
		.b_zp_per = t->b_zp ? NPU_PER_TENSOR : NPU_PER_NONE,
		.b_zp = t->b_zp,
		.epilogue = epilogue(t),
	};
	struct npu_product_args tensors;
	struct npu_fence *fence;
	struct operands o = { 0 };
	int r;

	r = selftest_tensor(dev, &o.a, t->a, (uint64_t)p->m * p->k, seed);
	if (!r)
		r = selftest_tensor(dev, &o.b, t->b, (uint64_t)p->k * p->n, seed);
	if (!r)
		r = lay_out(dev, &o, t->b, p->layout, p->k, p->n);
	if (!r)
		r = operands_finish(dev, &o, t, p->m, p->n, p->k, seed);
	if (!r) {
		tensors = args(&o);
		r = npu_matmul(queue, &desc, &tensors, NULL, 0, &fence);
	}
	if (!r) {
		reference_matmul(&(struct reference_operand){ o.a.data, t->a, t->a_zp },
				 &(struct reference_operand){ o.b.data, t->b, t->b_zp }, p->m, p->n,
				 p->k, o.sum);
		r = judge(&o, t, p->m, p->n, which, fence, result);
	}
	if (r)
		say_error(result, which, r);
	operands_free(&o);
	return r;
}

void selftest_matmul(struct npu_device *dev, struct npu_queue *queue,
		     const struct selftest_types *types, uint64_t *seed,
		     struct selftest_result *result)
{
	for (size_t i = 0; i < sizeof(products) / sizeof(*products); i++) {
		const struct product *p = &products[i];
		char which[96];

		snprintf(which, sizeof(which), "m %u, n %u, k %u, %s", p->m, p->n, p->k,
			 p->layout == NPU_B_ROWS ? "rows" :
			 p->layout == NPU_B_COLS ? "columns" :
						   "packed");
		if (run_product(dev, queue, p, types, which, seed, result))
			return;
	}
}

static const struct window {
	uint32_t in_h, in_w, in_c, out_c, kernel_h, kernel_w, stride, dilation, groups;
	uint32_t pad_top, pad_left, pad_bottom, pad_right;
} windows[] = {
	{ 1, 1, 1, 1, 1, 1, 1, 1, 1, 0, 0, 0, 0 },
	{ 9, 11, 16, 24, 3, 3, 1, 1, 1, 1, 1, 1, 1 },
	{ 14, 14, 40, 70, 1, 1, 2, 1, 1, 0, 0, 0, 0 },
	{ 12, 10, 12, 20, 3, 5, 1, 2, 2, 3, 0, 1, 4 },
	{ 15, 13, 72, 72, 3, 3, 2, 1, 72, 1, 1, 1, 1 },
	{ 23, 23, 3, 32, 7, 7, 2, 1, 1, 3, 3, 3, 3 },
};

static int run_window(struct npu_device *dev, struct npu_queue *queue, const struct window *w,
		      const struct selftest_types *t, const char *which, uint64_t *seed,
		      struct selftest_result *result)
{
	const struct npu_conv2d desc = {
		.in_h = w->in_h,
		.in_w = w->in_w,
		.in_c = w->in_c,
		.out_c = w->out_c,
		.kernel_h = w->kernel_h,
		.kernel_w = w->kernel_w,
		.stride_h = w->stride,
		.stride_w = w->stride,
		.dilation_h = w->dilation,
		.dilation_w = w->dilation,
		.pad_top = w->pad_top,
		.pad_left = w->pad_left,
		.pad_bottom = w->pad_bottom,
		.pad_right = w->pad_right,
		.groups = w->groups,
		.in_type = t->a,
		.weight_type = t->b,
		.weight_layout = NPU_B_ROWS,
		.in_zp_per = t->a_zp ? NPU_PER_TENSOR : NPU_PER_NONE,
		.in_zp = t->a_zp,
		.weight_zp_per = t->b_zp ? NPU_PER_TENSOR : NPU_PER_NONE,
		.weight_zp = t->b_zp,
		.epilogue = epilogue(t),
	};
	/* By hand, so that the library's own formula is tested, too. */
	const struct reference_conv c = {
		.in_h = w->in_h,
		.in_w = w->in_w,
		.in_c = w->in_c,
		.out_h = (w->in_h + w->pad_top + w->pad_bottom - w->dilation * (w->kernel_h - 1) -
			  1) / w->stride +
			 1,
		.out_w = (w->in_w + w->pad_left + w->pad_right - w->dilation * (w->kernel_w - 1) -
			  1) / w->stride +
			 1,
		.out_c = w->out_c,
		.kernel_h = w->kernel_h,
		.kernel_w = w->kernel_w,
		.stride_h = w->stride,
		.stride_w = w->stride,
		.dilation_h = w->dilation,
		.dilation_w = w->dilation,
		.pad_top = w->pad_top,
		.pad_left = w->pad_left,
		.groups = w->groups,
	};
	uint32_t k = w->kernel_h * w->kernel_w * (w->in_c / w->groups);
	struct npu_product_args tensors;
	struct npu_fence *fence;
	struct operands o = { 0 };
	int r;

	r = selftest_tensor(dev, &o.a, t->a, (uint64_t)w->in_h * w->in_w * w->in_c, seed);
	if (!r)
		r = selftest_tensor(dev, &o.b, t->b, (uint64_t)k * w->out_c, seed);
	if (!r)
		r = operands_finish(dev, &o, t, c.out_h * c.out_w, c.out_c, k, seed);
	if (!r) {
		tensors = args(&o);
		r = npu_conv2d(queue, &desc, &tensors, NULL, 0, &fence);
	}
	if (!r) {
		reference_conv(&(struct reference_operand){ o.a.data, t->a, t->a_zp },
			       &(struct reference_operand){ o.b.data, t->b, t->b_zp }, &c, o.sum);
		r = judge(&o, t, c.out_h * c.out_w, c.out_c, which, fence, result);
	}
	if (r)
		say_error(result, which, r);
	operands_free(&o);
	return r;
}

void selftest_conv(struct npu_device *dev, struct npu_queue *queue,
		   const struct selftest_types *types, uint64_t *seed,
		   struct selftest_result *result)
{
	for (size_t i = 0; i < sizeof(windows) / sizeof(*windows); i++) {
		const struct window *w = &windows[i];
		char which[96];

		snprintf(which, sizeof(which),
			 "%ux%ux%u to %u by %ux%u, stride %u, dilation %u, groups %u", w->in_h,
			 w->in_w, w->in_c, w->out_c, w->kernel_h, w->kernel_w, w->stride,
			 w->dilation, w->groups);
		if (run_window(dev, queue, w, types, which, seed, result))
			return;
	}
}
