/* SPDX-License-Identifier: MIT */
/*
 * Copyright (c) 2026 the npu authors
 *
 * Element types of .npy files as the card's.
 */
#ifndef NPUCC_ARRAY_H
#define NPUCC_ARRAY_H

#include "npu/graph.h"
#include "npy.h"

/** array_type() - enum npu_type of an array's elements */
static inline uint32_t array_type(enum npy_type type)
{
	static const uint32_t types[] = {
		[NPY_INT8] = NPU_S8,   [NPY_UINT8] = NPU_U8,	 [NPY_INT32] = NPU_S32,
		[NPY_INT64] = NPU_S64, [NPY_FLOAT16] = NPU_FP16, [NPY_FLOAT32] = NPU_FP32,
	};

	return types[type];
}

#endif
