/* SPDX-License-Identifier: MIT */
/*
 * Copyright (c) 2026 the npu authors
 *
 * Whole networks with random weights, made through the graph's API: ResNet-50 v1.5 and MobileNet
 * v1, in int8 (as quantisers write them: DequantizeLinear, product, activation, QuantizeLinear) or
 * in floats; as published, or smaller.
 */
#ifndef TESTS_GRAPH_NETWORKS_H
#define TESTS_GRAPH_NETWORKS_H

#include "npu/graph.h"
#include "npu/ops.h"

/**
 * struct network_options - which one
 * @quantised: int8; else floats
 * @image: rows and columns of the input; 0: 224
 * @narrow: channels are divided by it; 0: 1
 * @shallow: blocks a stage, at most (ResNet-50), or layers left out where they repeat (MobileNet);
 * 	0: all
 * @classes: of the classifier; 0: 1000
 * @seed: of weights and scales
 */
struct network_options {
	bool quantised;
	uint32_t image, narrow, shallow, classes;
	uint64_t seed;
};

/**
 * struct network_layer - a layer, for its limit
 * @in, @out: elements that it reads and writes
 * @conv: a convolution, or the classifier as one of one pixel; else kernel_h is 0: a pool
 */
struct network_layer {
	uint64_t in, out;
	struct npu_conv2d conv;
};

/**
 * struct network - a network
 * @layer: in order; @layers of them
 * @input: its tensor's name is "x"; the output's "y" (S8 or FP32, [1, classes])
 */
struct network {
	struct npu_graph *g;
	struct network_layer layer[80];
	unsigned int layers;
	struct network_options options;
	uint64_t state;
};

/** network_resnet50(), network_mobilenet() - build; exit(1) with a message on failure */
void network_resnet50(struct network *n, const struct network_options *options);
void network_mobilenet(struct network *n, const struct network_options *options);

/** network_input() - random bytes, or floats, of the input's shape; free() it */
void *network_input(const struct network *n, uint64_t seed, uint32_t shape[4]);

void network_free(struct network *n);

/**
 * network_limit() - the sum of the layers' limits (libnpu/kernels/limit.c; pools: bytes alone)
 * @fused: what is left if only the input, constants and the output move
 */
uint64_t network_limit(const struct network *n, struct npu_device *dev, uint64_t *fused);

#endif
