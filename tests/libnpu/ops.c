// SPDX-License-Identifier: MIT
/*
 * Copyright (c) 2026 the npu authors
 *
 * See ops.h.
 */
#include "ops.h"

#include <math.h>
#include <stdio.h>

#define CANARY 0xa5

void ops_tensor(struct ops_case *c, unsigned int region, uint32_t type, uint64_t elements)
{
	size_t bytes = elements * ref_size(type);
	unsigned int flags = ref_random(2) ? NPU_BUFFER_LOCAL : NPU_BUFFER_HOST;
	size_t padded = bytes + c->shift + 64;
	void *data = malloc(padded);

	assert_non_null(data);
	memset(data, CANARY, padded);
	c->type[region] = type;
	c->bytes[region] = bytes;
	c->data[region] = data;
	if (region != NPU_OP_REGION_OUT)
		ref_fill(type, (char *)data + c->shift, elements);
	test_ok(npu_buffer_create(c->dev, padded, flags, &c->buffer[region]));
	test_ok(npu_buffer_write(c->buffer[region], 0, data, padded));
}

struct npu_ref ops_ref(const struct ops_case *c, unsigned int region)
{
	return (struct npu_ref){ c->buffer[region], c->buffer[region] ? c->shift : 0 };
}

static void *at(const struct ops_case *c, unsigned int region)
{
	return c->data[region] ? (char *)c->data[region] + c->shift : NULL;
}

void ops_compare(struct ops_case *c, struct npu_fence *fence, double near, const char *what)
{
	size_t padded = c->bytes[NPU_OP_REGION_OUT] + c->shift + 64, i;
	uint32_t type = c->type[NPU_OP_REGION_OUT];
	uint8_t *want = c->data[NPU_OP_REGION_OUT], *got = malloc(padded);

	assert_non_null(got);
	if (npu_fence_wait(fence, NPU_WAIT_FOREVER)) {
		printf("%s\n", what);
		fail_msg("%s", npu_error());
	}
	npu_fence_release(fence);
	test_ok(npu_buffer_read(c->buffer[NPU_OP_REGION_OUT], 0, got, padded));
	for (i = 0; i < padded; i++) {
		size_t element = (i - c->shift) / ref_size(type);
		double w, g;

		if (want[i] == got[i])
			continue;
		if (i >= c->shift && i < padded - 64) {
			w = ref_get(type, want + c->shift, element);
			g = ref_get(type, got + c->shift, element);
			if (near > 0 && fabs(w - g) <= near * (1 + fabs(w)))
				continue;
			printf("%s\n", what);
			fail_msg("element %zu is %.9g instead of %.9g", element, g, w);
		}
		printf("%s\n", what);
		fail_msg("byte %zu outside the output was written", i);
	}
	free(got);
}

void ops_free(struct ops_case *c)
{
	unsigned int i;

	for (i = 0; i < OPS_TENSORS; i++) {
		npu_buffer_release(c->buffer[i]);
		free(c->data[i]);
	}
}

static void epilogue_tensors(struct ops_case *c, const struct npu_epilogue *e, bool floats,
			     uint32_t channels, uint64_t residual)
{
	float *scale;
	uint32_t i;

	if (e->bias)
		ops_tensor(c, NPU_OP_REGION_BIAS, floats ? NPU_FP32 : NPU_S32, channels);
	if (e->scale_per == NPU_PER_CHANNEL) {
		ops_tensor(c, NPU_OP_REGION_SCALE, NPU_FP32, channels);
		scale = at(c, NPU_OP_REGION_SCALE);
		for (i = 0; i < channels; i++)
			scale[i] = e->scale * (1 + ref_random(1000) / 1000.0f);
		test_ok(npu_buffer_write(c->buffer[NPU_OP_REGION_SCALE], c->shift, scale,
					 channels * 4));
	}
	if (e->residual)
		ops_tensor(c, NPU_OP_REGION_RESIDUAL, e->residual_type, residual);
}

static struct ref_args ref_args(const struct ops_case *c)
{
	return (struct ref_args){
		.a = at(c, NPU_OP_REGION_A),
		.b = at(c, NPU_OP_REGION_B),
		.bias = at(c, NPU_OP_REGION_BIAS),
		.scale = at(c, NPU_OP_REGION_SCALE),
		.residual = at(c, NPU_OP_REGION_RESIDUAL),
		.a_zp = at(c, NPU_OP_REGION_A_ZP),
		.b_zp = at(c, NPU_OP_REGION_B_ZP),
		.out = at(c, NPU_OP_REGION_OUT),
	};
}

static struct npu_product_args npu_args(const struct ops_case *c)
{
	return (struct npu_product_args){
		.a = ops_ref(c, NPU_OP_REGION_A),
		.b = ops_ref(c, NPU_OP_REGION_B),
		.out = ops_ref(c, NPU_OP_REGION_OUT),
		.bias = ops_ref(c, NPU_OP_REGION_BIAS),
		.scale = ops_ref(c, NPU_OP_REGION_SCALE),
		.residual = ops_ref(c, NPU_OP_REGION_RESIDUAL),
		.a_zp = ops_ref(c, NPU_OP_REGION_A_ZP),
		.b_zp = ops_ref(c, NPU_OP_REGION_B_ZP),
	};
}

static uint64_t or_dense(uint64_t stride, uint64_t dense)
{
	return stride ? stride : dense;
}

static uint64_t span(uint64_t batch, uint64_t batch_stride, uint64_t rows, uint64_t stride,
		     uint64_t row)
{
	return (batch - 1) * batch_stride + (rows - 1) * stride + row;
}

/*
 * Half of the time a residual that lies in memory as the output does is the output itself: done in
 * place.
 */
static void in_place(struct ops_case *c, struct npu_product_args *args, struct ref_args *ref,
		     const struct npu_epilogue *e, bool same_strides)
{
	size_t bytes = c->bytes[NPU_OP_REGION_OUT];

	if (!e->residual || e->residual_type != e->out_type || !same_strides || ref_random(2))
		return;
	memcpy(at(c, NPU_OP_REGION_OUT), at(c, NPU_OP_REGION_RESIDUAL), bytes);
	test_ok(npu_buffer_write(c->buffer[NPU_OP_REGION_OUT], c->shift,
				 at(c, NPU_OP_REGION_RESIDUAL), bytes));
	args->residual = args->out;
	ref->residual = ref->out;
}

/* Only the address of tensors that need no more than their element's alignment is shifted. */
static uint32_t random_shift(bool packed)
{
	return packed ? 64 * ref_random(3) : 4 * ref_random(40);
}

void ops_matmul(struct npu_device *dev, struct npu_queue *queue, const struct npu_matmul *d,
		double near)
{
	struct ops_case c = { .dev = dev, .shift = random_shift(d->b_layout == NPU_B_PACKED) };
	uint64_t batch = d->batch ? d->batch : 1, os = or_dense(d->out_stride, d->n);
	uint64_t rs = or_dense(d->residual_stride, d->n);
	uint64_t ob = or_dense(d->out_batch, d->m * os),
		 rb = or_dense(d->residual_batch, d->m * rs);
	bool floats = ref_is_float(d->a_type);
	struct npu_product_args args;
	struct ref_args ref;
	struct npu_fence *fence;
	char what[256];

	ops_tensor(&c, NPU_OP_REGION_A, d->a_type,
		   span(batch, d->a_batch, d->m, or_dense(d->a_stride, d->k), d->k));
	if (d->b_layout == NPU_B_PACKED)
		ops_tensor(&c, NPU_OP_REGION_B, d->b_type,
			   npu_weights_packed_size(d->b_type, d->k, d->n, 1) / ref_size(d->b_type));
	else if (d->b_layout == NPU_B_ROWS)
		ops_tensor(&c, NPU_OP_REGION_B, d->b_type,
			   span(batch, d->b_batch, d->k, or_dense(d->b_stride, d->n), d->n));
	else
		ops_tensor(&c, NPU_OP_REGION_B, d->b_type,
			   span(batch, d->b_batch, d->n, or_dense(d->b_stride, d->k), d->k));
	ops_tensor(&c, NPU_OP_REGION_OUT, d->epilogue.out_type, span(batch, ob, d->m, os, d->n));
	epilogue_tensors(&c, &d->epilogue, floats, d->n, span(batch, rb, d->m, rs, d->n));
	if (d->a_zp_per >= NPU_PER_ROW)
		ops_tensor(&c, NPU_OP_REGION_A_ZP, d->a_type,
			   d->a_zp_per == NPU_PER_ROW ? d->m : 1);
	if (d->b_zp_per >= NPU_PER_CHANNEL)
		ops_tensor(&c, NPU_OP_REGION_B_ZP, d->b_type,
			   d->b_zp_per == NPU_PER_CHANNEL ? d->n : 1);
	ref = ref_args(&c);
	args = npu_args(&c);
	in_place(&c, &args, &ref, &d->epilogue, os == rs && ob == rb);
	snprintf(what, sizeof(what),
		 "matmul: batch %u m %u n %u k %u, types %u x %u -> %u, layout %u, zp %u %u, scale "
		 "%u bias %u residual %u mid %u act %u",
		 d->batch, d->m, d->n, d->k, d->a_type, d->b_type, d->epilogue.out_type,
		 d->b_layout, d->a_zp_per, d->b_zp_per, d->epilogue.scale_per, d->epilogue.bias,
		 d->epilogue.residual, d->epilogue.mid, d->epilogue.activation);
	if (npu_matmul(queue, d, &args, NULL, 0, &fence)) {
		printf("%s\n", what);
		fail_msg("%s", npu_error());
	}
	ref_matmul(d, &ref);
	ops_compare(&c, fence, near, what);
	ops_free(&c);
}

static uint64_t nhwc_span(const uint64_t stride[3], uint64_t c, uint64_t w, uint64_t h,
			  uint64_t batch)
{
	uint64_t s0 = or_dense(stride[0], c), s1 = or_dense(stride[1], s0 * w);
	uint64_t s2 = or_dense(stride[2], s1 * h);

	return (batch - 1) * s2 + (h - 1) * s1 + (w - 1) * s0 + c;
}

static void fill_wild(struct ops_case *c, unsigned int region)
{
	static const uint16_t bf16[] = { 0x0000, 0x8000, 0x0001, 0x8001, 0x7f7f,
					 0xff7f, 0x7f80, 0xff80, 0x7fc1, 0xffff };
	static const uint16_t fp16[] = { 0x0000, 0x8000, 0x0001, 0x8001, 0x7bff,
					 0xfbff, 0x7c00, 0xfc00, 0x7e01, 0xffff };
	const uint16_t *special = c->type[region] == NPU_BF16 ? bf16 : fp16;
	uint16_t *data = at(c, region);
	uint32_t rare = 1 + ref_random(40), kinds = 4 + ref_random(7);
	size_t i;

	for (i = 0; i < c->bytes[region] / 2; i++)
		if (ref_random(rare) == 0)
			data[i] = special[ref_random(kinds)];
	test_ok(npu_buffer_write(c->buffer[region], c->shift, data, c->bytes[region]));
}

static int run_conv2d(struct npu_queue *queue, const struct npu_op *op, const struct npu_conv2d *d,
		      const struct npu_product_args *args, struct npu_fence **fence)
{
	const struct npu_ref refs[NPU_MAX_REGIONS] = {
		[NPU_OP_REGION_A] = args->a,	     [NPU_OP_REGION_B] = args->b,
		[NPU_OP_REGION_OUT] = args->out,     [NPU_OP_REGION_BIAS] = args->bias,
		[NPU_OP_REGION_SCALE] = args->scale, [NPU_OP_REGION_RESIDUAL] = args->residual,
		[NPU_OP_REGION_A_ZP] = args->a_zp,   [NPU_OP_REGION_B_ZP] = args->b_zp,
	};

	if (op == &npu_op_conv2d)
		return npu_conv2d(queue, d, args, NULL, 0, fence);
	return npu_op_run(queue, op, d, refs, NULL, 0, fence);
}

void ops_conv2d(struct npu_device *dev, struct npu_queue *queue, const struct npu_conv2d *d,
		double near)
{
	ops_conv2d_by(dev, queue, &npu_op_conv2d, d, near, false);
}

void ops_conv2d_by(struct npu_device *dev, struct npu_queue *queue, const struct npu_op *op,
		   const struct npu_conv2d *d, double near, bool wild)
{
	bool packed = d->weight_layout == NPU_B_PACKED;
	struct ops_case c = { .dev = dev, .shift = random_shift(packed) };
	uint32_t batch = d->batch ? d->batch : 1, groups = d->groups ? d->groups : 1;
	uint32_t h = npu_conv2d_out_h(d), w = npu_conv2d_out_w(d);
	uint64_t k = (uint64_t)d->kernel_h * d->kernel_w * (d->in_c / groups);
	bool floats = ref_is_float(d->in_type);
	struct npu_product_args args;
	struct ref_args ref;
	struct npu_fence *fence;
	char what[400];

	ops_tensor(&c, NPU_OP_REGION_A, d->in_type,
		   nhwc_span(d->in_stride, d->in_c, d->in_w, d->in_h, batch));
	ops_tensor(&c, NPU_OP_REGION_B, d->weight_type,
		   packed ? npu_weights_packed_size(d->weight_type, k, d->out_c / groups, groups) /
				    ref_size(d->weight_type) :
			    k * d->out_c);
	ops_tensor(&c, NPU_OP_REGION_OUT, d->epilogue.out_type,
		   nhwc_span(d->out_stride, d->out_c, w, h, batch));
	epilogue_tensors(&c, &d->epilogue, floats, d->out_c,
			 nhwc_span(d->residual_stride, d->out_c, w, h, batch));
	if (d->in_zp_per == NPU_PER_VALUE)
		ops_tensor(&c, NPU_OP_REGION_A_ZP, d->in_type, 1);
	if (d->weight_zp_per >= NPU_PER_CHANNEL)
		ops_tensor(&c, NPU_OP_REGION_B_ZP, d->weight_type,
			   d->weight_zp_per == NPU_PER_CHANNEL ? d->out_c : 1);
	if (wild) {
		fill_wild(&c, NPU_OP_REGION_A);
		fill_wild(&c, NPU_OP_REGION_B);
	}
	ref = ref_args(&c);
	args = npu_args(&c);
	in_place(&c, &args, &ref, &d->epilogue,
		 !memcmp(d->out_stride, d->residual_stride, sizeof(d->out_stride)));
	snprintf(what, sizeof(what),
		 "conv2d: batch %u in %ux%ux%u out %ux%ux%u kernel %ux%u stride %u,%u dilation "
		 "%u,%u pad %u,%u,%u,%u groups %u, types %u x %u -> %u, packed %u, zp %u %u",
		 batch, d->in_h, d->in_w, d->in_c, h, w, d->out_c, d->kernel_h, d->kernel_w,
		 d->stride_h, d->stride_w, d->dilation_h, d->dilation_w, d->pad_top, d->pad_left,
		 d->pad_bottom, d->pad_right, groups, d->in_type, d->weight_type,
		 d->epilogue.out_type, packed, d->in_zp_per, d->weight_zp_per);
	if (run_conv2d(queue, op, d, &args, &fence)) {
		printf("%s\n", what);
		fail_msg("%s", npu_error());
	}
	ref_conv2d(d, &ref);
	ops_compare(&c, fence, near, what);
	ops_free(&c);
}

void ops_pool2d(struct npu_device *dev, struct npu_queue *queue, const struct npu_pool2d *d)
{
	struct ops_case c = { .dev = dev, .shift = random_shift(false) };
	uint32_t batch = d->batch ? d->batch : 1, h = npu_pool2d_out_h(d), w = npu_pool2d_out_w(d);
	struct npu_pool2d_args args;
	struct npu_fence *fence;
	char what[256];

	ops_tensor(&c, NPU_OP_REGION_A, d->in_type,
		   nhwc_span(d->in_stride, d->channels, d->in_w, d->in_h, batch));
	ops_tensor(&c, NPU_OP_REGION_OUT, d->out_type,
		   nhwc_span(d->out_stride, d->channels, w, h, batch));
	args.in = ops_ref(&c, NPU_OP_REGION_A);
	args.out = ops_ref(&c, NPU_OP_REGION_OUT);
	snprintf(what, sizeof(what),
		 "pool2d: op %u batch %u in %ux%ux%u out %ux%u kernel %ux%u stride %u,%u pad "
		 "%u,%u,%u,%u type %u -> %u scale %g zp %d %d",
		 d->op, batch, d->in_h, d->in_w, d->channels, h, w, d->kernel_h, d->kernel_w,
		 d->stride_h, d->stride_w, d->pad_top, d->pad_left, d->pad_bottom, d->pad_right,
		 d->in_type, d->out_type, (double)d->scale, d->in_zp, d->out_zp);
	if (npu_pool2d(queue, d, &args, NULL, 0, &fence)) {
		printf("%s\n", what);
		fail_msg("%s", npu_error());
	}
	ref_pool2d(d, at(&c, NPU_OP_REGION_A), at(&c, NPU_OP_REGION_OUT));
	ops_compare(&c, fence, 0, what);
	ops_free(&c);
}

void ops_add(struct npu_device *dev, struct npu_queue *queue, const struct npu_add *d, double near)
{
	struct ops_case c = { .dev = dev, .shift = random_shift(false) };
	uint64_t rows = d->rows ? d->rows : 1;
	struct npu_add_args args;
	struct npu_fence *fence;
	char what[256];

	ops_tensor(&c, NPU_OP_REGION_A, d->a_type,
		   span(1, 0, rows, or_dense(d->a_stride, d->cols), d->cols));
	ops_tensor(&c, NPU_OP_REGION_B, d->b_type,
		   span(1, 0, d->b_broadcast ? 1 : rows, or_dense(d->b_stride, d->cols), d->cols));
	ops_tensor(&c, NPU_OP_REGION_OUT, d->out_type,
		   span(1, 0, rows, or_dense(d->out_stride, d->cols), d->cols));
	args.a = ops_ref(&c, NPU_OP_REGION_A);
	args.b = ops_ref(&c, NPU_OP_REGION_B);
	args.out = ops_ref(&c, NPU_OP_REGION_OUT);
	snprintf(what, sizeof(what), "add: %u x %u types %u + %u -> %u broadcast %u activation %u",
		 d->rows, d->cols, d->a_type, d->b_type, d->out_type, d->b_broadcast,
		 d->activation);
	if (npu_add(queue, d, &args, NULL, 0, &fence)) {
		printf("%s\n", what);
		fail_msg("%s", npu_error());
	}
	ref_add(d, at(&c, NPU_OP_REGION_A), at(&c, NPU_OP_REGION_B), at(&c, NPU_OP_REGION_OUT));
	ops_compare(&c, fence, near, what);
	ops_free(&c);
}

void ops_epilogue(struct npu_epilogue *e, bool floats)
{
	static const uint32_t types[] = { NPU_S8, NPU_U8, NPU_S32, NPU_BF16, NPU_FP16, NPU_FP32 };
	int32_t zp;

	e->out_type = types[ref_random(6)];
	e->bias = ref_random(2);
	e->scale_per = ref_random(3);
	e->scale = floats ? 0.25f + ref_random(100) / 100.0f : (1 + ref_random(1000)) * 1e-6f;
	if (ref_random(3) == 0) {
		e->residual = 1;
		e->residual_type = types[ref_random(6)];
		if (!ref_is_float(e->residual_type)) {
			e->residual_scale = e->residual_type == NPU_S32 ? 1e-4f : 0.05f;
			e->residual_zp =
				(int)ref_random(100) - (e->residual_type == NPU_U8 ? 0 : 50);
		}
		if (ref_random(2)) {
			e->mid = 1;
			e->mid_type = ref_random(2) ? NPU_S8 : NPU_U8;
			e->mid_zp = (int)ref_random(100) - (e->mid_type == NPU_U8 ? 0 : 50);
			e->mid_scale = 0.03f;
		}
	}
	if (ref_random(3) == 0)
		e->activation = NPU_ACT_RELU;
	else if (ref_random(5) == 0) {
		e->activation = NPU_ACT_CLIP;
		e->lo = -1.5f;
		e->hi = 6;
	}
	if (!ref_is_float(e->out_type) && ref_random(2)) {
		e->out_scale = 0.02f;
		zp = (int)ref_random(100) - (e->out_type == NPU_U8 ? 0 : 50);
		e->out_zp = zp;
	}
	if (ref_random(4) == 0) {
		/* What is asked for most: integers as they are. */
		memset(e, 0, sizeof(*e));
		e->out_type = floats ? NPU_FP32 : NPU_S32;
		e->bias = ref_random(2);
	}
}

void ops_on_odd_arrays(void (*run)(struct test_fixture *f))
{
	static const char *const cards[] = {
		"sim:cores=2,array-rows=6,array-cols=24,spm=256K,acc=32K",
		"sim:cores=3,array-rows=10,array-cols=20,dw-channels=20,dw-taps=5",
		"sim:cores=1,array-rows=27,array-cols=100,dw-channels=48,dw-taps=4,spm=64K,acc=16K",
		"sim:cores=2,array-rows=3,array-cols=7,dw-channels=7,dw-taps=1,weight-rows=5",
		"sim:cores=2,array-rows=1,array-cols=1,dw-channels=1,spm=512K",
		"sim:cores=4,array-rows=66,array-cols=80,dw-channels=33,dw-taps=11",
	};

	if (!test_is_sim())
		skip();
	for (size_t i = 0; i < sizeof(cards) / sizeof(cards[0]); i++) {
		struct test_fixture f;

		test_ok(npu_open(&f.dev, cards[i]));
		test_ok(npu_queue_create(f.dev, NULL, &f.queue));
		run(&f);
		npu_queue_release(f.queue);
		npu_close(f.dev);
	}
}
