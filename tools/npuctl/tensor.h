/* SPDX-License-Identifier: MIT */
/*
 * Copyright (c) 2026 the npu authors
 *
 * Between a model's tensors and .npy arrays: what may become what, and how both are told.
 *
 *	tensor      takes                                   gives
 *	int8, uint8, int32, int64, float32  the same        the same
 *	float32     float16 as well, exactly                float32
 *	int32       int64 whose values fit                  int32
 *	int64       int32 as well                           int64
 *	float16     float16; float32, rounded               float16
 *	bfloat16    float32, rounded                        float32, exactly
 */
#ifndef NPUCTL_TENSOR_H
#define NPUCTL_TENSOR_H

#include <jansson.h>

#include "npu/npu.h"
#include "npy.h"

/* Room for a shape, and for a type with a shape. */
#define SHAPE_TEXT  (NPU_MAX_DIMS * 13 + 8)
#define TENSOR_TEXT (SHAPE_TEXT + 16)

/** shape_text() - "1 x 3 x 224", "scalar" without dimensions; returns @text, of SHAPE_TEXT bytes */
const char *shape_text(unsigned int dims, const uint32_t *shape, char *text, size_t size);

/** tensor_type_name() - of enum npu_type: "int8", "bfloat16", ... */
const char *tensor_type_name(uint32_t type);

/** tensor_role_name() - "input", "output" */
const char *tensor_role_name(uint32_t role);

/** tensor_text() - "float32 1 x 3 x 224"; returns @text, of TENSOR_TEXT bytes */
const char *tensor_text(const struct npu_tensor_info *t, char *text, size_t size);

/** tensor_json() - name, role, type, shape, scale and zero_point (null: not quantised) */
json_t *tensor_json(const struct npu_tensor_info *t);

/**
 * tensor_from_npy() - an array's elements as the tensor has them
 * @path: for messages
 * @data: t->size bytes, free() them
 *
 * Returns enum npuctl_exit, having said what does not fit.
 */
int tensor_from_npy(const struct npu_tensor_info *t, const struct npy *a, const char *path,
		    void **data);

/**
 * tensor_to_npy() - an array of a tensor's elements
 * @data: t->size bytes; goes over to @a, whose data the caller frees
 *
 * Returns enum npuctl_exit.
 */
int tensor_to_npy(const struct npu_tensor_info *t, void *data, struct npy *a);

#endif
