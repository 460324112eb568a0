/* SPDX-License-Identifier: MIT */
/* Copyright (c) 2026 the npu authors */
/*
 * The demo's network as read from its weight file (docs/demo-weights.md). What the loader returns
 * has been checked whole: layers fit together, every array has the size its shapes ask for, and
 * no int32 accumulator can overflow, whatever the input. So who runs it need check nothing again.
 */
#ifndef TOOLS_DEMO_WEIGHTS_H
#define TOOLS_DEMO_WEIGHTS_H

#include <stddef.h>
#include <stdint.h>

#include "error.h"

#define NPU_DEMO_NAME_SIZE  12
#define NPU_DEMO_MAX_LAYERS 64
#define NPU_DEMO_MAX_DIM    4096

enum npu_demo_layer_type {
	NPU_DEMO_CONV = 1, /* int8 to int8 */
	NPU_DEMO_MAXPOOL = 2, /* int8 to int8, scale and zero point kept */
	NPU_DEMO_FC = 3, /* int8, flattened as (h, w, c), to int32 logits */
};

/**
 * struct npu_demo_layer - one layer
 *
 * Tensors are NHWC. ReLU is nothing apart: where there is one, out_zero_point is -128 and
 * saturation does it.
 */
struct npu_demo_layer {
	char name[NPU_DEMO_NAME_SIZE]; /* for messages; ended by NUL */
	enum npu_demo_layer_type type;
	uint32_t in_h, in_w, in_c;
	uint32_t out_h, out_w, out_c;
	uint32_t kernel_h, kernel_w;
	uint32_t stride_h, stride_w;
	uint32_t pad_top, pad_left, pad_bottom, pad_right;
	float in_scale;
	int32_t in_zero_point;
	float out_scale;
	int32_t out_zero_point;
	int8_t *weights; /* conv [kh][kw][in_c][out_c], fc [k][out_c]; else NULL */
	size_t weight_count; /* of int8 in weights */
	int32_t *bias; /* [out_c]; NULL if there are no weights */
	float *multiplier; /* [out_c], of a convolution; else NULL */
};

/**
 * struct npu_demo_weights - a network and what it answered when it was made
 */
struct npu_demo_weights {
	uint32_t in_h, in_w, in_c;
	float in_scale;
	int32_t in_zero_point;
	uint32_t test_images;
	uint32_t test_correct;
	uint32_t test_logits_crc32; /* zlib's crc32() over all logits, i32 little-endian */
	uint32_t classes; /* logits an image */
	size_t max_elements; /* of the largest tensor, input and logits included */
	size_t layer_count;
	struct npu_demo_layer layers[NPU_DEMO_MAX_LAYERS];
};

/**
 * npu_demo_weights_load() - read and check a weight file
 * @weights: receives the network; the caller ends it with npu_demo_weights_free()
 * @path: the file
 * @err: says what was wrong and where; may be NULL
 *
 * Returns 0, -EINVAL for a file that is damaged or not of the format, or the negative errno of
 * opening or reading it. Read-only afterwards, so any number of threads may use the network.
 */
int npu_demo_weights_load(struct npu_demo_weights **weights, const char *path,
			  struct npu_demo_error *err);

/**
 * npu_demo_weights_parse() - the same from memory
 * @weights: receives the network; it keeps nothing of @data
 * @data: the bytes of a weight file
 * @size: their number
 * @err: says what was wrong and where; may be NULL
 *
 * Returns 0, -EINVAL or -ENOMEM.
 */
int npu_demo_weights_parse(struct npu_demo_weights **weights, const void *data, size_t size,
			   struct npu_demo_error *err);

/** npu_demo_weights_free() - release a network; NULL is fine */
void npu_demo_weights_free(struct npu_demo_weights *weights);

#endif
