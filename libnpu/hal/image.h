/* SPDX-License-Identifier: MIT */
/*
 * Copyright (c) 2026 the npu authors
 *
 * What image.c and image_parse.c share: the rules that hold for the contents of an image, whoever
 * made it.
 */
#ifndef NPU_HAL_IMAGE_H
#define NPU_HAL_IMAGE_H

#include <stddef.h>

#include "npu/image.h"

/**
 * npu_image_check() - are the contents consistent? 0, or @err with npu_error() naming what is not
 */
int npu_image_check(const struct npu_image *image, int err);

/** npu_image_align() - of a section */
static inline uint64_t npu_image_align(enum npu_image_section s, uint64_t offset)
{
	uint64_t align = s == NPU_IMAGE_CONSTANTS ? NPU_IMAGE_CONST_ALIGN : NPU_IMAGE_ALIGN;

	return (offset + align - 1) & ~(align - 1);
}

/** npu_image_sections() - how many a version has; 0: no such version */
static inline unsigned int npu_image_sections(uint32_t version)
{
	return version == NPU_IMAGE_VERSION_PLAIN  ? NPU_IMAGE_LAYERS :
	       version == NPU_IMAGE_VERSION_LAYERS ? NPU_IMAGE_SECTIONS :
						     0;
}

/** npu_image_header_size() - bytes of a header with so many sections */
static inline size_t npu_image_header_size(unsigned int sections)
{
	return offsetof(struct npu_image_header, part) +
	       sections * sizeof(struct npu_image_part);
}

/* No section is larger, so that sums of sizes do not overflow. */
#define NPU_IMAGE_MAX_PART (UINT64_C(1) << 48)
/* Entries of the tensor table. */
#define NPU_IMAGE_MAX_TENSORS 1024
/* Entries of the layer table. */
#define NPU_IMAGE_MAX_LAYERS (1u << 16)
/* Of a layer's bytes and multiply-accumulates, so that sums over all layers do not overflow. */
#define NPU_IMAGE_MAX_WORK (UINT64_C(1) << 47)
/* Of a name, its NUL not counted. */
#define NPU_IMAGE_MAX_NAME 255

#endif
