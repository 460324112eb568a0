/* SPDX-License-Identifier: MIT */
/*
 * Copyright (c) 2026 the npu authors
 *
 * ONNX models to graphs.
 */
#ifndef NPUCC_ONNX_H
#define NPUCC_ONNX_H

#include <stdbool.h>

#include "npu/graph.h"

/**
 * struct onnx_dim - a dimension that the model leaves open
 * @name: as in the model; "" stands for all open ones that nothing else names
 */
struct onnx_dim {
	const char *name;
	uint32_t size;
};

/**
 * struct onnx_fixed - an input that becomes a constant
 * @data: NULL: it has no elements
 */
struct onnx_fixed {
	const char *name;
	uint32_t type;
	uint32_t dims;
	uint32_t shape[NPU_MAX_DIMS];
	const void *data;
};

struct onnx_options {
	const struct onnx_dim *dim;
	unsigned int dims;
	const struct onnx_fixed *fixed;
	unsigned int fixed_count;
};

/**
 * onnx_load() - a model's bytes into an empty graph
 *
 * What cannot be translated becomes an issue of the graph, node by node; so do names in @options that
 * the model does not have. -EBADMSG with @error: not a model. -ENOMEM.
 */
int onnx_load(struct npu_graph *g, const void *data, size_t size,
	      const struct onnx_options *options, char *error, size_t error_size);

/**
 * onnx_tensor() - a TensorProto's bytes (test vectors are such files)
 * @shape: NPU_MAX_DIMS of them
 * @values: malloc()ed; NULL without error: it has no elements
 */
int onnx_tensor(const void *data, size_t size, uint32_t *type, uint32_t *dims, uint32_t *shape,
		void **values, char *error, size_t error_size);

#endif
