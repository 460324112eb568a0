// SPDX-License-Identifier: MIT
/*
 * Copyright (c) 2026 the npu authors
 *
 * What an operation must do at least, what that must cost on a card, and what its program does
 * cost.
 *
 *	limit = max(mac_cycles, byte_cycles)
 *	mac_cycles = multiply-accumulates / rate, rounded up
 *	byte_cycles = bytes / local bandwidth of all cores, rounded up
 *
 * Multiply-accumulates are m * n * k (convolutions: output pixels * taps * input channels of a
 * group * output channels; taps on padding count). The rate is that of all cores: array rows *
 * columns a cycle each for 8-bit products, channels * taps for depthwise ones; bf16 and fp16 run at
 * 1/float_div of either.
 *
 * Bytes are each input element that some output depends on, each weight, each element of bias,
 * scale, zero points and residual, and each output, once. Bursts are not counted, nor is what cores
 * must both read.
 */
#include <string.h>

#include "plan.h"

static uint64_t epilogue_bytes(const struct npu_epilogue *ep, uint64_t outputs, uint64_t channels)
{
	uint64_t bytes = outputs * npu_type_size(ep->out_type);

	if (ep->residual)
		bytes += outputs * npu_type_size(ep->residual_type);
	if (ep->bias)
		bytes += channels * 4;
	if (ep->scale_per == NPU_PER_CHANNEL)
		bytes += channels * 4;
	return bytes;
}

static uint64_t zero_point_bytes(uint32_t per, uint64_t count)
{
	return per == NPU_PER_VALUE ? 1 : per >= NPU_PER_CHANNEL ? count : 0;
}

uint64_t npu_work_cycles(const struct npu_caps *caps, const struct npu_work *work,
			 uint64_t *mac_cycles, uint64_t *byte_cycles)
{
	bool depthwise = work->rate == NPU_RATE_DEPTHWISE || work->rate == NPU_RATE_DEPTHWISE_FLOAT;
	bool floats = work->rate == NPU_RATE_ARRAY_FLOAT || work->rate == NPU_RATE_DEPTHWISE_FLOAT;
	uint64_t rate = depthwise ? (uint64_t)caps->dw_channels * caps->dw_taps :
				    (uint64_t)caps->array_rows * caps->array_cols;

	rate = npu_max(1, rate * caps->cores / (floats ? caps->float_div : 1));
	*mac_cycles = npu_div_up(work->macs, rate);
	*byte_cycles = npu_div_up(work->bytes, npu_max(1, caps->lmem_bw));
	return npu_max(*mac_cycles, *byte_cycles);
}

static void matmul_work(const struct npu_matmul *d, struct npu_work *w)
{
	uint64_t outputs = (uint64_t)d->batch * d->m * d->n;

	w->rate = npu_is_float(d->a_type) ? NPU_RATE_ARRAY_FLOAT : NPU_RATE_ARRAY;
	w->macs = outputs * d->k;
	w->bytes = (d->a_batch ? d->batch : 1) * (uint64_t)d->m * d->k * npu_type_size(d->a_type) +
		   (d->b_batch ? d->batch : 1) * (uint64_t)d->k * d->n * npu_type_size(d->b_type) +
		   zero_point_bytes(d->a_zp_per, d->m) + zero_point_bytes(d->b_zp_per, d->n) +
		   epilogue_bytes(&d->epilogue, outputs, d->n);
}

/* Of @n runs of @size at each multiple of @apart from 0 on, not overlapping: elements before @end. */
static uint64_t covered(uint64_t n, uint64_t apart, uint64_t size, int64_t end)
{
	uint64_t before = end > 0 ? (uint64_t)end : 0, whole = before / apart;

	return whole >= n ? n * size : whole * size + npu_min(before % apart, size);
}

static int64_t floor_div(int64_t a, int64_t b)
{
	return a >= 0 ? a / b : -((-a + b - 1) / b);
}

static uint32_t common_divisor(uint32_t a, uint32_t b)
{
	while (b) {
		uint32_t rest = a % b;

		a = b;
		b = rest;
	}
	return a;
}

/*
 * Coordinates of an axis that some output reads. Tap k of output o is at o * stride + k * dilation -
 * pad: taps whose places differ by multiples of the stride see the same coordinates, every stride-th
 * one, each as many as there are outputs, in runs that begin equally far apart.
 */
static uint64_t used(uint32_t in, uint32_t out, uint32_t kernel, uint32_t stride, uint32_t dilation,
		     uint32_t pad)
{
	uint32_t divisor = common_divisor(stride, dilation), classes = stride / divisor;
	uint64_t apart = dilation / divisor, count = 0, taps, size, k;
	int64_t first, end, at;

	for (k = 0; k < npu_min(kernel, classes); k++) {
		taps = (kernel - 1 - k) / classes + 1;
		size = out;
		at = (int64_t)(k * dilation) - pad;
		/* In steps of the stride from the first run on: coordinates [0, in) are [first, end). */
		first = -floor_div(at, stride);
		end = floor_div((int64_t)in - 1 - at, stride) + 1;
		if (size >= apart) {
			size += (taps - 1) * apart;
			taps = 1;
		}
		count += covered(taps, npu_max(apart, size), size, end) -
			 covered(taps, npu_max(apart, size), size, first);
	}
	return count;
}

static void conv2d_work(const struct npu_conv2d *d, struct npu_work *w)
{
	uint32_t out_h = npu_conv2d_out_h(d), out_w = npu_conv2d_out_w(d);
	uint64_t k = (uint64_t)d->kernel_h * d->kernel_w * (d->in_c / d->groups);
	uint64_t outputs = (uint64_t)d->batch * out_h * out_w * d->out_c;
	uint64_t rows = used(d->in_h, out_h, d->kernel_h, d->stride_h, d->dilation_h, d->pad_top);
	uint64_t cols = used(d->in_w, out_w, d->kernel_w, d->stride_w, d->dilation_w, d->pad_left);
	bool depthwise = d->groups > 1 && d->groups == d->in_c && d->groups == d->out_c;

	w->macs = outputs * k;
	w->bytes = d->batch * rows * cols * d->in_c * npu_type_size(d->in_type) +
		   k * d->out_c * npu_type_size(d->weight_type) +
		   zero_point_bytes(d->in_zp_per, 1) +
		   zero_point_bytes(d->weight_zp_per, d->out_c) +
		   epilogue_bytes(&d->epilogue, outputs, d->out_c);
	w->rate = npu_is_float(d->in_type) ?
			  (depthwise ? NPU_RATE_DEPTHWISE_FLOAT : NPU_RATE_ARRAY_FLOAT) :
			  (depthwise ? NPU_RATE_DEPTHWISE : NPU_RATE_ARRAY);
}

void npu_op_work(const struct npu_op *op, const void *desc, struct npu_work *work)
{
	memset(work, 0, sizeof(*work));
	if (op == &npu_op_matmul)
		matmul_work(desc, work);
	else if (op == &npu_op_conv2d)
		conv2d_work(desc, work);
}

static int estimate(struct npu_device *dev, const struct npu_op *op, const void *desc,
		    struct npu_estimate *est)
{
	const struct npu_caps *caps = npu_device_caps(dev);
	uint64_t normal[NPU_OP_MAX_DESC / 8];
	struct npu_work work;
	struct npu_effort effort = { .limit = NPU_EFFORT_KERNEL };
	struct npu_gang gang;
	int ret;

	memset(est, 0, sizeof(*est));
	ret = op->normalise(desc, normal);
	if (!ret)
		ret = op->compile(caps, normal, &effort, &gang);
	if (ret)
		return ret;
	npu_op_work(op, normal, &work);
	est->macs = work.macs;
	est->bytes = work.bytes;
	est->limit_cycles = npu_work_cycles(caps, &work, &est->mac_cycles, &est->byte_cycles);
	est->cycles = gang.cycles;
	est->cores = gang.cores;
	npu_gang_free(&gang);
	return 0;
}

int npu_matmul_estimate(struct npu_device *dev, const struct npu_matmul *desc,
			struct npu_estimate *est)
{
	return estimate(dev, &npu_op_matmul, desc, est);
}

int npu_conv2d_estimate(struct npu_device *dev, const struct npu_conv2d *desc,
			struct npu_estimate *est)
{
	return estimate(dev, &npu_op_conv2d, desc, est);
}
