/* SPDX-License-Identifier: MIT */
/* Copyright (c) 2026 the npu authors */
/*
 * The demo's network in plain C: what the card's answers are held against. It shares nothing with the
 * compiler, libnpu or the card; its loops are those of docs/demo.md and nothing cleverer.
 */
#ifndef TOOLS_DEMO_REFERENCE_H
#define TOOLS_DEMO_REFERENCE_H

#include <stddef.h>
#include <stdint.h>

#include "params.h"

/**
 * npu_demo_quantise() - turn pixels, 0 to 255 for 0 to 1, into the network's input
 * @pixels, @in: @count of them
 */
void npu_demo_quantise(const struct npu_demo_params *params, const uint8_t *pixels, int16_t *in,
		       size_t count);

/**
 * npu_demo_reference_conv() - one convolution of one image, and its ReLU
 * @layer: of type NPU_DEMO_CONV
 * @in: [in_h][in_w][in_c]
 * @out: receives [out_h][out_w][out_c]
 */
void npu_demo_reference_conv(const struct npu_demo_layer *layer, const int16_t *in, int16_t *out);

/** npu_demo_reference_maxpool() - the same for NPU_DEMO_MAXPOOL */
void npu_demo_reference_maxpool(const struct npu_demo_layer *layer, const int16_t *in,
				int16_t *out);

/** npu_demo_reference_fc() - the same for NPU_DEMO_FC; @logits receives [out_c] */
void npu_demo_reference_fc(const struct npu_demo_layer *layer, const int16_t *in, float *logits);

/**
 * npu_demo_reference_run() - the whole network on one image
 * @pixels: [28][28]
 * @logits: receives [NPU_DEMO_CLASSES]
 *
 * Returns 0 or -ENOMEM. Any number of threads may run the same network at once.
 */
int npu_demo_reference_run(const struct npu_demo_params *params, const uint8_t *pixels,
			   float *logits);

/** npu_demo_argmax() - index of the largest of @count values, of the first among equals */
unsigned int npu_demo_argmax(const float *values, size_t count);

#endif
