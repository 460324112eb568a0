/* SPDX-License-Identifier: MIT */
/* Copyright (c) 2026 the npu authors */
/*
 * The reference network. No state. It relies on the loader's promises (params.h): shapes fit and
 * int32 sums cannot overflow. Rounding is the default of IEEE 754, nearest with ties to even, in
 * the conversion of the sum, in the product, in the quotient and in rintf().
 */
#include "reference.h"

#include <errno.h>
#include <math.h>
#include <stdlib.h>

static int16_t saturate(float value, int32_t least)
{
	if (value < (float)least)
		return (int16_t)least;
	if (value > (float)(least + 255))
		return (int16_t)(least + 255);
	return (int16_t)value;
}

void npu_demo_quantise(const struct npu_demo_params *params, const uint8_t *pixels, int16_t *in,
		       size_t count)
{
	const struct npu_demo_layer *first = &params->layers[0];
	size_t i;

	for (i = 0; i < count; i++)
		in[i] = saturate(rintf((float)pixels[i] / 255 / params->in_scale) +
					 (float)first->in_zero_point,
				 first->in_least);
}

/* A sum's value, not below 0, as a number of steps from the zero point. */
static int16_t requantise(const struct npu_demo_layer *l, int32_t acc, float sum_scale)
{
	float value = (float)acc * sum_scale;

	return saturate(rintf((value < 0 ? 0 : value) / l->out_scale) + (float)l->out_zero_point,
			l->out_least);
}

/* The sums of one output pixel, all channels. */
static void conv_pixel(const struct npu_demo_layer *l, const int16_t *in, uint32_t oy, uint32_t ox,
		       int32_t *acc)
{
	uint32_t ky, kx, ci, co;

	for (co = 0; co < l->out_c; co++)
		acc[co] = l->bias[co];
	for (ky = 0; ky < l->kernel; ky++) {
		int64_t y = (int64_t)oy * l->stride + ky - l->pad;

		for (kx = 0; kx < l->kernel; kx++) {
			int64_t x = (int64_t)ox * l->stride + kx - l->pad;

			if (y < 0 || y >= l->in_h || x < 0 || x >= l->in_w)
				continue;
			for (ci = 0; ci < l->in_c; ci++) {
				size_t at = ((size_t)y * l->in_w + (size_t)x) * l->in_c + ci;
				size_t row = ((size_t)ky * l->kernel + kx) * l->in_c + ci;
				const int8_t *w = l->weights + row * l->out_c;
				int32_t value = in[at] - l->in_zero_point;

				for (co = 0; co < l->out_c; co++)
					acc[co] += value * w[co];
			}
		}
	}
}

void npu_demo_reference_conv(const struct npu_demo_layer *layer, const int16_t *in, int16_t *out)
{
	int32_t acc[NPU_DEMO_MAX_CHANNELS];
	uint32_t oy, ox, co;

	for (oy = 0; oy < layer->out_h; oy++) {
		for (ox = 0; ox < layer->out_w; ox++) {
			conv_pixel(layer, in, oy, ox, acc);
			for (co = 0; co < layer->out_c; co++)
				*out++ = requantise(layer, acc[co], layer->sum_scale[co]);
		}
	}
}

void npu_demo_reference_maxpool(const struct npu_demo_layer *layer, const int16_t *in, int16_t *out)
{
	uint32_t oy, ox, c, ky, kx;

	for (oy = 0; oy < layer->out_h; oy++) {
		for (ox = 0; ox < layer->out_w; ox++) {
			for (c = 0; c < layer->out_c; c++) {
				int16_t largest = INT16_MIN;

				for (ky = 0; ky < layer->kernel; ky++) {
					for (kx = 0; kx < layer->kernel; kx++) {
						size_t y = (size_t)oy * layer->stride + ky;
						size_t x = (size_t)ox * layer->stride + kx;
						int16_t v =
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

void npu_demo_reference_fc(const struct npu_demo_layer *layer, const int16_t *in, float *logits)
{
	size_t count = (size_t)layer->in_h * layer->in_w * layer->in_c;
	size_t k, n;

	for (n = 0; n < layer->out_c; n++) {
		int32_t acc = layer->bias[n];

		for (k = 0; k < count; k++)
			acc += (in[k] - layer->in_zero_point) *
			       layer->weights[k * layer->out_c + n];
		logits[n] = (float)acc * layer->sum_scale[n];
	}
}

int npu_demo_reference_run(const struct npu_demo_params *params, const uint8_t *pixels,
			   float *logits)
{
	int16_t *buffers = malloc(2 * params->max_elements * sizeof(*buffers));
	int16_t *from = buffers, *to = buffers + params->max_elements, *other;
	size_t i;

	if (!buffers)
		return -ENOMEM;
	npu_demo_quantise(params, pixels, from,
			  (size_t)params->layers[0].in_h * params->layers[0].in_w);
	for (i = 0; i < NPU_DEMO_LAYERS; i++) {
		const struct npu_demo_layer *layer = &params->layers[i];

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

unsigned int npu_demo_argmax(const float *values, size_t count)
{
	unsigned int best = 0;
	size_t i;

	for (i = 1; i < count; i++) {
		if (values[i] > values[best])
			best = i;
	}
	return best;
}
