/* SPDX-License-Identifier: MIT */
/* Copyright (c) 2026 the npu authors */
/*
 * The demo's network in plain C: what the card's answers are held against. It shares nothing with
 * libnpu or the card, and its loops are those of docs/demo-weights.md and nothing cleverer.
 */
#ifndef TOOLS_DEMO_REFERENCE_H
#define TOOLS_DEMO_REFERENCE_H

#include <stddef.h>
#include <stdint.h>

#include "weights.h"

/**
 * npu_demo_quantise() - turn pixels into the network's input
 * @weights: the network
 * @pixels: @count pixels, 0 to 255
 * @in: receives @count int8 values
 * @count: any number: one image or all of them
 */
void npu_demo_quantise(const struct npu_demo_weights *weights, const uint8_t *pixels, int8_t *in,
		       size_t count);

/**
 * npu_demo_reference_conv() - one convolution of one image
 * @layer: of type NPU_DEMO_CONV
 * @in: [in_h][in_w][in_c]
 * @out: receives [out_h][out_w][out_c]
 */
void npu_demo_reference_conv(const struct npu_demo_layer *layer, const int8_t *in, int8_t *out);

/** npu_demo_reference_maxpool() - the same for NPU_DEMO_MAXPOOL */
void npu_demo_reference_maxpool(const struct npu_demo_layer *layer, const int8_t *in, int8_t *out);

/** npu_demo_reference_fc() - the same for NPU_DEMO_FC; @logits receives [out_c] */
void npu_demo_reference_fc(const struct npu_demo_layer *layer, const int8_t *in, int32_t *logits);

/**
 * npu_demo_reference_run() - the whole network on one image
 * @weights: the network
 * @in: [in_h][in_w][in_c], from npu_demo_quantise()
 * @logits: receives [classes]
 *
 * Returns 0 or -ENOMEM. Any number of threads may run the same network at once.
 */
int npu_demo_reference_run(const struct npu_demo_weights *weights, const int8_t *in,
			   int32_t *logits);

/** npu_demo_argmax() - index of the largest of @count values, of the first among equals */
unsigned int npu_demo_argmax(const int32_t *values, size_t count);

#endif
