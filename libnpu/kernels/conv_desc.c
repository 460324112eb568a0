// SPDX-License-Identifier: MIT
/*
 * Copyright (c) 2026 the npu authors
 *
 * Convolutions: what a descriptor may say.
 */
#include <errno.h>
#include <string.h>

#include "hal/error.h"

#include "conv.h"

#define MAX_STRIDE (1ull << 40)
#define MAX_KERNEL 4096u

uint32_t npu_window_count(uint32_t in, uint32_t pad_lo, uint32_t pad_hi, uint32_t kernel,
			  uint32_t stride, uint32_t dilation)
{
	uint64_t span = (uint64_t)(dilation ? dilation : 1) * (kernel - 1ull) + 1;
	uint64_t all = (uint64_t)in + pad_lo + pad_hi;

	if (!kernel || !in || span > all)
		return 0;
	return (all - span) / (stride ? stride : 1) + 1;
}

uint32_t npu_conv2d_out_h(const struct npu_conv2d *d)
{
	return npu_window_count(d->in_h, d->pad_top, d->pad_bottom, d->kernel_h, d->stride_h,
				d->dilation_h);
}

uint32_t npu_conv2d_out_w(const struct npu_conv2d *d)
{
	return npu_window_count(d->in_w, d->pad_left, d->pad_right, d->kernel_w, d->stride_w,
				d->dilation_w);
}

/* Strides of columns, rows and images: dense where zero, and no element twice. */
int npu_nhwc_strides(const char *what, uint64_t stride[3], uint32_t channels, uint32_t w,
		     uint32_t h, uint32_t batch)
{
	if (!stride[0])
		stride[0] = channels;
	if (!stride[1] && npu_span_fits(1, 0, w, stride[0]))
		stride[1] = stride[0] * w;
	if (!stride[2] && npu_span_fits(1, 0, h, stride[1]))
		stride[2] = stride[1] * h;
	if (!stride[1] || !stride[2] || stride[0] > MAX_STRIDE || stride[1] > NPU_MAX_SPAN ||
	    stride[2] > NPU_MAX_SPAN || !npu_span_fits(h, stride[1], w, stride[0]) ||
	    !npu_span_fits(batch, stride[2], h, stride[1]))
		return npu_fail(-EINVAL, "%s: a tensor of more than 2^46 elements", what);
	if (stride[0] < channels || (h > 1 && stride[1] < (w - 1) * stride[0] + channels) ||
	    (batch > 1 && stride[2] < (h - 1) * stride[1] + (w - 1) * stride[0] + channels))
		return npu_fail(-EINVAL, "%s: %llu, %llu, %llu: pixels would overlap", what,
				(unsigned long long)stride[0], (unsigned long long)stride[1],
				(unsigned long long)stride[2]);
	return 0;
}

static int check_types(const struct npu_conv2d *d)
{
	bool bytes = d->weight_type == NPU_S8 || d->weight_type == NPU_U8;

	if (d->in_type == NPU_S8 || d->in_type == NPU_U8) {
		if (!bytes)
			return npu_fail(-EINVAL,
					"weight_type %u: S8 or U8 go with an 8-bit in_type",
					d->weight_type);
	} else if (d->in_type == NPU_BF16 || d->in_type == NPU_FP16) {
		if (d->weight_type != d->in_type)
			return npu_fail(-EINVAL, "weight_type %u is not in_type %u", d->weight_type,
					d->in_type);
	} else {
		return npu_fail(-EINVAL, "in_type %u: S8, U8, BF16 or FP16", d->in_type);
	}
	return 0;
}

int npu_window_check(uint32_t kernel_h, uint32_t kernel_w, uint32_t stride_h, uint32_t stride_w,
		     uint32_t dilation_h, uint32_t dilation_w, const uint32_t pad[4])
{
	unsigned int i;

	if (!kernel_h || !kernel_w || kernel_h > MAX_KERNEL || kernel_w > MAX_KERNEL)
		return npu_fail(-EINVAL, "kernel %u x %u: 1 to %u", kernel_h, kernel_w, MAX_KERNEL);
	if (stride_h > INT16_MAX || stride_w > INT16_MAX)
		return npu_fail(-EINVAL, "stride %u, %u: at most 32767", stride_h, stride_w);
	if (dilation_h > INT16_MAX || dilation_w > INT16_MAX)
		return npu_fail(-EINVAL, "dilation %u, %u: at most 32767", dilation_h, dilation_w);
	for (i = 0; i < 4; i++)
		if (pad[i] > INT16_MAX)
			return npu_fail(-EINVAL, "padding %u: at most 32767", pad[i]);
	return 0;
}

bool npu_conv_is_depthwise(const struct npu_conv2d *d)
{
	return d->groups > 1 && d->groups == d->in_c && d->groups == d->out_c;
}

static int normalise(const void *desc, void *out)
{
	struct npu_conv2d *d = out;
	uint32_t pad[4], h, w;
	int ret;

	memcpy(d, desc, sizeof(*d));
	d->batch = d->batch ? d->batch : 1;
	d->groups = d->groups ? d->groups : 1;
	d->stride_h = d->stride_h ? d->stride_h : 1;
	d->stride_w = d->stride_w ? d->stride_w : 1;
	d->dilation_h = d->dilation_h ? d->dilation_h : 1;
	d->dilation_w = d->dilation_w ? d->dilation_w : 1;
	if (!d->in_h || !d->in_w || !d->in_c || !d->out_c || d->in_h > 1u << 24 ||
	    d->in_w > 1u << 24 || d->in_c > 1u << 24 || d->out_c > 1u << 24 || d->batch > 1u << 24)
		return npu_fail(-EINVAL, "batch %u, in %u x %u x %u, out_c %u: 1 to 2^24", d->batch,
				d->in_h, d->in_w, d->in_c, d->out_c);
	if (d->in_c % d->groups || d->out_c % d->groups)
		return npu_fail(-EINVAL, "groups %u does not divide in_c %u and out_c %u",
				d->groups, d->in_c, d->out_c);
	if (d->reserved)
		return npu_fail(-EINVAL, "reserved is not zero");
	pad[0] = d->pad_top;
	pad[1] = d->pad_left;
	pad[2] = d->pad_bottom;
	pad[3] = d->pad_right;
	ret = npu_window_check(d->kernel_h, d->kernel_w, d->stride_h, d->stride_w, d->dilation_h,
			       d->dilation_w, pad);
	if (ret)
		return ret;
	h = npu_conv2d_out_h(d);
	w = npu_conv2d_out_w(d);
	if (!h || !w)
		return npu_fail(-EINVAL, "the kernel is larger than the padded input");
	if ((uint64_t)d->kernel_h * d->kernel_w * (d->in_c / d->groups) > 1u << 30)
		return npu_fail(-EINVAL, "kernel times channels of a group: at most 2^30");
	if (d->weight_layout != NPU_B_ROWS &&
	    (d->weight_layout != NPU_B_PACKED || npu_conv_is_depthwise(d)))
		return npu_fail(-EINVAL, "weight_layout %u", d->weight_layout);
	ret = check_types(d);
	if (!ret)
		ret = npu_zero_point_check("in", d->in_zp_per,
					   1u << NPU_PER_NONE | 1u << NPU_PER_TENSOR |
						   1u << NPU_PER_VALUE,
					   d->in_type, d->in_zp);
	if (!ret)
		ret = npu_zero_point_check("weight", d->weight_zp_per,
					   1u << NPU_PER_NONE | 1u << NPU_PER_TENSOR |
						   1u << NPU_PER_CHANNEL | 1u << NPU_PER_VALUE,
					   d->weight_type, d->weight_zp);
	if (!ret)
		ret = npu_epilogue_check(&d->epilogue);
	if (!ret)
		ret = npu_nhwc_strides("in_stride", d->in_stride, d->in_c, d->in_w, d->in_h,
				       d->batch);
	if (!ret)
		ret = npu_nhwc_strides("out_stride", d->out_stride, d->out_c, w, h, d->batch);
	if (!ret)
		ret = npu_nhwc_strides("residual_stride", d->residual_stride, d->out_c, w, h,
				       d->batch);
	return ret;
}

uint64_t npu_nhwc_span(const uint64_t stride[3], uint32_t channels, uint32_t w, uint32_t h,
		       uint32_t batch)
{
	return (batch - 1) * stride[2] + (h - 1) * stride[1] + (w - 1) * stride[0] + channels;
}

struct npu_layout npu_nhwc_layout(const uint64_t stride[3], uint32_t channels, uint32_t w,
				  uint32_t h, uint32_t batch)
{
	return (struct npu_layout){ channels,
				    { w, h, batch },
				    { stride[0], stride[1], stride[2] } };
}

static void layout(const void *desc, unsigned int region, struct npu_layout *l)
{
	const struct npu_conv2d *d = desc;
	uint32_t h = npu_conv2d_out_h(d), w = npu_conv2d_out_w(d);

	if (region == NPU_OP_REGION_A)
		*l = npu_nhwc_layout(d->in_stride, d->in_c, d->in_w, d->in_h, d->batch);
	else if (region == NPU_OP_REGION_OUT)
		*l = npu_nhwc_layout(d->out_stride, d->out_c, w, h, d->batch);
	else if (region == NPU_OP_REGION_RESIDUAL)
		*l = npu_nhwc_layout(d->residual_stride, d->out_c, w, h, d->batch);
}

static void describe(const void *desc, struct npu_spec *spec)
{
	const struct npu_conv2d *d = desc;
	uint32_t h = npu_conv2d_out_h(d), w = npu_conv2d_out_w(d), one = 1;
	uint32_t cg = d->in_c / d->groups, og = d->out_c / d->groups;
	uint32_t in[] = { d->batch, d->in_h, d->in_w, d->in_c };
	uint32_t out[] = { d->batch, h, w, d->out_c };
	uint32_t weights[] = { d->kernel_h, d->kernel_w, cg, d->out_c };
	uint64_t packed = npu_weights_packed_size(d->weight_type, d->kernel_h * d->kernel_w * cg,
						  og, d->groups);

	npu_spec_add(spec, "a", NPU_OP_REGION_A, NPU_TENSOR_INPUT, d->in_type,
		     npu_nhwc_span(d->in_stride, d->in_c, d->in_w, d->in_h, d->batch), 4, in)
		->zero_point = d->in_zp;
	npu_spec_add(spec, "b", NPU_OP_REGION_B, NPU_TENSOR_INPUT, d->weight_type,
		     d->weight_layout == NPU_B_PACKED ? packed / npu_type_size(d->weight_type) : 0,
		     4, weights)
		->zero_point = d->weight_zp;
	npu_spec_add(spec, "out", NPU_OP_REGION_OUT, NPU_TENSOR_OUTPUT, d->epilogue.out_type,
		     npu_nhwc_span(d->out_stride, d->out_c, w, h, d->batch), 4, out)
		->zero_point = d->epilogue.out_zp;
	if (d->epilogue.residual)
		npu_spec_add(spec, "residual", NPU_OP_REGION_RESIDUAL, NPU_TENSOR_INPUT,
			     d->epilogue.residual_type,
			     npu_nhwc_span(d->residual_stride, d->out_c, w, h, d->batch), 4, out);
	npu_spec_product(spec, &d->epilogue, d->out_c);
	if (d->in_zp_per == NPU_PER_VALUE)
		npu_spec_add(spec, "a_zp", NPU_OP_REGION_A_ZP, NPU_TENSOR_INPUT, d->in_type, 0, 1,
			     &one);
	if (d->weight_zp_per >= NPU_PER_CHANNEL)
		npu_spec_add(spec, "b_zp", NPU_OP_REGION_B_ZP, NPU_TENSOR_INPUT, d->weight_type, 0,
			     1, d->weight_zp_per == NPU_PER_CHANNEL ? &d->out_c : &one);
}

const struct npu_op npu_op_conv2d = {
	.name = "conv2d",
	.size = sizeof(struct npu_conv2d),
	.normalise = normalise,
	.compile = npu_conv_compile,
	.describe = describe,
	.layout = layout,
	.in_place = 1u << NPU_OP_REGION_RESIDUAL,
};
