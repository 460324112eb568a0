/* SPDX-License-Identifier: MIT */
/*
 * Copyright (c) 2026 the npu authors
 *
 * Running an image in a test: inputs in, outputs out, by their order in its table.
 */
#ifndef TESTS_GRAPH_RUN_H
#define TESTS_GRAPH_RUN_H

#include "npu/graph.h"

struct tensor {
	char name[128];
	uint32_t type, dims, shape[NPU_MAX_DIMS];
	void *data;
};

/** tensor_count(), tensor_bytes() */
uint64_t tensor_count(const struct tensor *t);
uint64_t tensor_bytes(const struct tensor *t);

/** tensor_get() - element @i as a number */
double tensor_get(const struct tensor *t, uint64_t i);

/**
 * run_image() - run on @dev
 * @in: by name; those that the image does not have are ignored
 * @out: their data is allocated
 *
 * Returns 0 or a negative errno; npu_error() tells.
 */
int run_image(struct npu_device *dev, const void *image, size_t size, const struct tensor *in,
	      unsigned int ins, struct tensor *out, unsigned int outs);

#endif
