/* SPDX-License-Identifier: MIT */
/*
 * Copyright (c) 2026 the npu authors
 *
 * A .npu file: read as a whole, and looked into.
 */
#ifndef NPUCTL_MODEL_H
#define NPUCTL_MODEL_H

#include <stdbool.h>
#include <stddef.h>

#include "npu/image.h"

/** struct model - a file's bytes, and the image they are */
struct model {
	const char *path;
	void *data;
	size_t size;
	struct npu_image image;
};

/** model_is() - by its first bytes, or its name: is the file meant to be one? */
bool model_is(const char *path);

/**
 * model_read() - read and parse; all but the commands has then been checked
 * @path: is kept
 *
 * Returns enum npuctl_exit, having said what is wrong. model_free() in any case.
 */
int model_read(struct model *m, const char *path);
void model_free(struct model *m);

struct npu_device;

/**
 * model_device() - open the card on which a model's cost is told: @name, else NPU_DEVICE, else a
 * simulated one, the default or where that is too small one with what the model needs
 *
 * Returns enum npuctl_exit, having said what is wrong.
 */
int model_device(struct npu_device **dev, const char *name, const struct npu_image *image);

#endif
