/* SPDX-License-Identifier: MIT */
/* Copyright (c) 2026 the npu authors */
/*
 * The reference network. No state. It relies on the loader's promises (weights.h): shapes fit and
 * int32 sums cannot overflow. Rounding is the default of IEEE 754, nearest with ties to even, in
 * the conversion of the sum, in the product and in rintf().
 */
#include "reference.h"

#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

void npu_demo_quantise(const struct npu_demo_weights *weights, const uint8_t *pixels, int8_t *in,
		       size_t count)
{
	size_t i;

	for (i = 0; i < count; i++)
		in[i] = (int8_t)(pixels[i] + weights->in_zero_point);
}

static int8_t requantise(int32_t acc, float multiplier, int32_t zero_point)
{
	float value = rintf((float)acc * multiplier) + (float)zero_point;

	if (value < INT8_MIN)
		return INT8_MIN;
	if (value > INT8_MAX)
		return INT8_MAX;
	return (int8_t)value;
}

/* The sums of one output pixel, all channels. */
static void conv_pixel(const struct npu_demo_layer *l, const int8_t *in, uint32_t oy, uint32_t ox,
		       int32_t *acc)
{
	uint32_t ky, kx, ci, co;

	for (co = 0; co < l->out_c; co++)
		acc[co] = l->bias[co];
	for (ky = 0; ky < l->kernel_h; ky++) {
		int64_t y = (int64_t)oy * l->stride_h + ky - l->pad_top;

		for (kx = 0; kx < l->kernel_w; kx++) {
			int64_t x = (int64_t)ox * l->stride_w + kx - l->pad_left;

			if (y < 0 || y >= l->in_h || x < 0 || x >= l->in_w)
				continue;
			for (ci = 0; ci < l->in_c; ci++) {
				size_t at = ((size_t)y * l->in_w + (size_t)x) * l->in_c + ci;
				size_t row = ((size_t)ky * l->kernel_w + kx) * l->in_c + ci;
				const int8_t *w = l->weights + row * l->out_c;
				int32_t value = in[at] - l->in_zero_point;

				for (co = 0; co < l->out_c; co++)
					acc[co] += value * w[co];
			}
		}
	}
}

void npu_demo_reference_conv(const struct npu_demo_layer *layer, const int8_t *in, int8_t *out)
{
	int32_t acc[NPU_DEMO_MAX_DIM];
	uint32_t oy, ox, co;

	for (oy = 0; oy < layer->out_h; oy++) {
		for (ox = 0; ox < layer->out_w; ox++) {
			conv_pixel(layer, in, oy, ox, acc);
			for (co = 0; co < layer->out_c; co++)
				*out++ = requantise(acc[co], layer->multiplier[co],
						    layer->out_zero_point);
		}
	}
}

void npu_demo_reference_maxpool(const struct npu_demo_layer *layer, const int8_t *in, int8_t *out)
{
	uint32_t oy, ox, c, ky, kx;

	for (oy = 0; oy < layer->out_h; oy++) {
		for (ox = 0; ox < layer->out_w; ox++) {
			for (c = 0; c < layer->out_c; c++) {
				int8_t largest = INT8_MIN;

				for (ky = 0; ky < layer->kernel_h; ky++) {
					for (kx = 0; kx < layer->kernel_w; kx++) {
						size_t y = (size_t)oy * layer->stride_h + ky;
						size_t x = (size_t)ox * layer->stride_w + kx;
						int8_t v =
							in[(y * layer->in_w + x) * layer->in_c + c];

						if (v > largest)
							largest = v;
					}
				}
				*out++ = largest;
			}
		}
	}
}

void npu_demo_reference_fc(const struct npu_demo_layer *layer, const int8_t *in, int32_t *logits)
{
	size_t count = (size_t)layer->in_h * layer->in_w * layer->in_c;
	size_t k, n;

	for (n = 0; n < layer->out_c; n++) {
		int32_t acc = layer->bias[n];

		for (k = 0; k < count; k++)
			acc += (in[k] - layer->in_zero_point) *
			       layer->weights[k * layer->out_c + n];
		logits[n] = acc;
	}
}

int npu_demo_reference_run(const struct npu_demo_weights *weights, const int8_t *in,
			   int32_t *logits)
{
	int8_t *buffers, *from, *to, *other;
	size_t i;

	buffers = malloc(2 * weights->max_elements);
	if (!buffers)
		return -ENOMEM;
	from = buffers;
	to = buffers + weights->max_elements;
	memcpy(from, in, (size_t)weights->in_h * weights->in_w * weights->in_c);
	for (i = 0; i < weights->layer_count; i++) {
		const struct npu_demo_layer *layer = &weights->layers[i];

		switch (layer->type) {
		case NPU_DEMO_CONV:
			npu_demo_reference_conv(layer, from, to);
			break;
		case NPU_DEMO_MAXPOOL:
			npu_demo_reference_maxpool(layer, from, to);
			break;
		case NPU_DEMO_FC:
			npu_demo_reference_fc(layer, from, logits);
			break;
		}
		other = from;
		from = to;
		to = other;
	}
	free(buffers);
	return 0;
}

unsigned int npu_demo_argmax(const int32_t *values, size_t count)
{
	unsigned int best = 0;
	size_t i;

	for (i = 1; i < count; i++) {
		if (values[i] > values[best])
			best = i;
	}
	return best;
}
