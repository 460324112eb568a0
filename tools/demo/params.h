/* SPDX-License-Identifier: MIT */
/* Copyright (c) 2026 the npu authors */
/*
 * The demo's network as npucc quantised it: the integers and scales that `npucc --dump-quant' wrote,
 * in the layers that train.py defines (docs/demo.md). What the loader returns has been checked: all
 * arrays have the sizes that the layers ask for, and no int32 sum can overflow.
 */
#ifndef TOOLS_DEMO_PARAMS_H
#define TOOLS_DEMO_PARAMS_H

#include <stddef.h>
#include <stdint.h>

#include "error.h"

#define NPU_DEMO_LAYERS	      6
#define NPU_DEMO_MAX_CHANNELS 64

enum npu_demo_layer_type {
	NPU_DEMO_CONV, /* with ReLU; 8 bits to 8 bits */
	NPU_DEMO_MAXPOOL,
	NPU_DEMO_FC, /* 8 bits, flattened as (h, w, c), to float logits */
};

/**
 * struct npu_demo_layer - one layer
 *
 * Tensors are [height][width][channels].
 */
struct npu_demo_layer {
	enum npu_demo_layer_type type;
	uint32_t in_h, in_w, in_c;
	uint32_t out_h, out_w, out_c;
	uint32_t kernel, stride, pad; /* of both dimensions, on all sides */
	int32_t in_zero_point, in_least; /* the least integer: -128 or 0 */
	float out_scale; /* of a convolution, as what follows */
	int32_t out_zero_point, out_least;
	int8_t *weights; /* conv [kh][kw][in_c][out_c], fc [k][out_c]; else NULL */
	int32_t *bias; /* [out_c]; NULL if there are no weights */
	float *sum_scale; /* [out_c]: what one of a sum stands for; NULL likewise */
};

/** struct npu_demo_params - all of them, and what a step of the input stands for */
struct npu_demo_params {
	float in_scale;
	size_t max_elements; /* of the largest tensor between layers */
	struct npu_demo_layer layers[NPU_DEMO_LAYERS];
};

/**
 * npu_demo_params_load() - read and check what npucc wrote
 * @params: filled in; the caller ends it with npu_demo_params_free()
 * @dir: the folder
 * @err: says what was wrong and where; may be NULL
 *
 * Returns 0, -EINVAL for arrays that are not of this network, or the negative errno of reading.
 */
int npu_demo_params_load(struct npu_demo_params *params, const char *dir,
			 struct npu_demo_error *err);

/** npu_demo_params_free() - release what npu_demo_params_load() allocated */
void npu_demo_params_free(struct npu_demo_params *params);

#endif
