/* SPDX-License-Identifier: MIT */
/* Copyright (c) 2026 the npu authors */
/*
 * Reading Fashion-MNIST: IDX files of unsigned bytes, plain or gzipped, as Debian's
 * dataset-fashion-mnist installs them. Nothing in a file is believed before it is checked.
 */
#ifndef TOOLS_DEMO_IDX_H
#define TOOLS_DEMO_IDX_H

#include <stddef.h>
#include <stdint.h>

#include "error.h"

#define NPU_DEMO_DATASET_DIR  "/usr/share/datasets/fashion-mnist"
#define NPU_DEMO_CLASSES      10
#define NPU_DEMO_IDX_MAX_DIMS 3

/** struct npu_demo_idx - @ndim sizes and their product of bytes, last axis fastest */
struct npu_demo_idx {
	unsigned int ndim;
	size_t dim[NPU_DEMO_IDX_MAX_DIMS];
	uint8_t *data;
};

/** struct npu_demo_dataset - @count grey images of @height x @width and their labels */
struct npu_demo_dataset {
	size_t count;
	size_t height;
	size_t width;
	uint8_t *pixels; /* [count][height][width] */
	uint8_t *labels; /* [count], each below NPU_DEMO_CLASSES */
};

/**
 * npu_demo_idx_load() - read an IDX file of unsigned bytes
 * @idx: filled in; the caller ends it with npu_demo_idx_free(). Untouched on failure.
 * @path: the file, gzipped or not
 * @err: says what was wrong; may be NULL
 *
 * Returns 0, -EINVAL for a file that is not a whole IDX file of 1 to 3 dimensions, or the
 * negative errno of opening or reading it.
 */
int npu_demo_idx_load(struct npu_demo_idx *idx, const char *path, struct npu_demo_error *err);

/** npu_demo_idx_free() - release what npu_demo_idx_load() allocated */
void npu_demo_idx_free(struct npu_demo_idx *idx);

/**
 * npu_demo_dataset_load() - read the test images and labels
 * @set: filled in; the caller ends it with npu_demo_dataset_free(). Untouched on failure.
 * @dir: folder of t10k-images-idx3-ubyte and t10k-labels-idx1-ubyte, each with or without .gz;
 *	NULL for Debian's
 * @err: says what was wrong; may be NULL
 *
 * Returns 0, -ENOENT if a file is missing, -EINVAL if the two do not fit together, or what
 * npu_demo_idx_load() returned.
 */
int npu_demo_dataset_load(struct npu_demo_dataset *set, const char *dir,
			  struct npu_demo_error *err);

/**
 * npu_demo_training_load() - read the training images, [count][height][width]
 *
 * As npu_demo_dataset_load(); the caller ends it with npu_demo_idx_free().
 */
int npu_demo_training_load(struct npu_demo_idx *idx, const char *dir, struct npu_demo_error *err);

/** npu_demo_dataset_free() - release what npu_demo_dataset_load() allocated */
void npu_demo_dataset_free(struct npu_demo_dataset *set);

/** npu_demo_class_name() - what a label means; "?" if it is none of the ten */
const char *npu_demo_class_name(unsigned int label);

#endif
