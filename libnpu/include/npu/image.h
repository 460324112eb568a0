/* SPDX-License-Identifier: MIT */
/*
 * Copyright (c) 2026 the npu authors
 *
 * The .npu image: a compiled program as bytes (docs/image.md tells the format in words).
 *
 *	header | region table | tensor table | stream table | names | code | constants | layers
 *
 * One header, then the sections of enum npu_image_section in that order, each aligned and
 * zero-padded in front, the last ending with the file. All fields are little-endian; reserved ones
 * are zero.
 *
 * A writer fills struct npu_image and calls npu_image_write(); a reader gets the same structure
 * back from npu_image_parse(), which has by then checked all but the commands themselves
 * (npu_program_create() checks these too).
 */
#ifndef NPU_IMAGE_H
#define NPU_IMAGE_H

#include <linux/types.h>

#include "npu/npu.h"
#include "npu/hw/isa.h"
#include "npu/hw/regs.h"

#ifdef __cplusplus
extern "C" {
#endif

/* 8 bytes; a transfer as text would show here. */
#define NPU_IMAGE_MAGIC		"\x89NPU\r\n\x1a\n"
/* The version says how many sections the header has: without layers, the first six. */
#define NPU_IMAGE_VERSION_PLAIN		1
#define NPU_IMAGE_VERSION_LAYERS	2

enum npu_image_section {
	NPU_IMAGE_REGIONS = 0,		/* struct npu_image_region [NPU_MAX_REGIONS] */
	NPU_IMAGE_TENSORS = 1,		/* struct npu_image_tensor [] */
	NPU_IMAGE_STREAMS = 2,		/* struct npu_image_stream [], one a core */
	NPU_IMAGE_NAMES = 3,		/* strings, each ending in a NUL; the section too */
	NPU_IMAGE_CODE = 4,		/* the streams' commands */
	NPU_IMAGE_CONSTANTS = 5,	/* what the region of kind NPU_REGION_CONSTANTS holds */
	NPU_IMAGE_LAYERS = 6,		/* struct npu_image_layer [], from version 2 on */
	NPU_IMAGE_SECTIONS = 7,
};

#define NPU_IMAGE_ALIGN		64	/* of sections */
#define NPU_IMAGE_CONST_ALIGN	4096	/* of the constants */

/**
 * struct npu_image_part - where a section is
 * @offset: from the start of the image: the end of the section before, aligned
 * @size: bytes; may be 0
 * @crc: CRC-32C of them
 * @reserved: zero
 */
struct npu_image_part {
	__le64 offset;
	__le64 size;
	__le32 crc;
	__le32 reserved;
};

/**
 * struct npu_image_header - the first bytes of an image
 * @magic: NPU_IMAGE_MAGIC
 * @version: NPU_IMAGE_VERSION_PLAIN without layers, else NPU_IMAGE_VERSION_LAYERS
 * @crc: CRC-32C of this header with this field zero
 * @size: of the whole image
 * @isa: command set it is written in, major << 16 | minor: a card of the same major and at least
 *	this minor runs it
 * @features: NPU_FEATURE_* it needs
 * @spm_size: scratchpad a core must have; no command goes beyond
 * @acc_size: accumulator memory, likewise
 * @tensors: entries of the tensor table
 * @cores: streams
 * @reserved: zero
 * @part: the sections; version 1 has all but the last, and a header that much shorter
 */
struct npu_image_header {
	__u8 magic[8];
	__le32 version;
	__le32 crc;
	__le64 size;
	__le32 isa;
	__le32 features;
	__le32 spm_size;
	__le32 acc_size;
	__le32 tensors;
	__le32 cores;
	__le64 reserved[2];
	struct npu_image_part part[NPU_IMAGE_SECTIONS];
};

/**
 * struct npu_image_region - what a region is for
 * @kind: enum npu_region_kind
 * @flags: NPU_REGION_READ, NPU_REGION_WRITE: what commands do there
 * @size: bytes from its base that commands may touch
 */
struct npu_image_region {
	__le32 kind;
	__le32 flags;
	__le64 size;
};

/**
 * struct npu_image_tensor - an input or output; fields as struct npu_tensor_info
 * @name: offset in the names
 * @scale: binary32
 */
struct npu_image_tensor {
	__le32 name;
	__le32 role;
	__le32 type;
	__le32 dims;
	__le32 shape[NPU_MAX_DIMS];
	__le32 scale;
	__le32 zero_point;
	__le32 region;
	__le32 reserved;
	__le64 offset;
};

/**
 * struct npu_image_stream - a core's commands
 * @offset: in the code, 64-byte aligned
 * @size: bytes, a multiple of NPU_CMD_ALIGN; 0 is an empty stream
 */
struct npu_image_stream {
	__le64 offset;
	__le64 size;
};

/**
 * struct npu_image_layer - a step of the program; fields as struct npu_layer
 * @name: offset in the names, behind which are the operator and the kernel
 * @reserved: zero
 */
struct npu_image_layer {
	__le32 name;
	__le32 rate;
	__le64 macs;
	__le64 bytes;
	__le64 reserved;
};

/** enum npu_rate - what does multiply-accumulates, and so how fast they can be */
enum npu_rate {
	NPU_RATE_NONE = 0,		/* there are none */
	NPU_RATE_ARRAY = 1,		/* the arrays, 8-bit */
	NPU_RATE_DEPTHWISE = 2,		/* the same as depthwise engines */
	NPU_RATE_ARRAY_FLOAT = 3,	/* bf16 and fp16 */
	NPU_RATE_DEPTHWISE_FLOAT = 4,
	NPU_RATES = 5,
};

/**
 * struct npu_work - the least an operation has to do, on any card
 * @macs: multiply-accumulates (taps on padding count)
 * @bytes: every input element that is used, every weight and vector, and every output, once each
 * @rate: enum npu_rate
 */
struct npu_work {
	uint64_t macs;
	uint64_t bytes;
	uint32_t rate;
};

/**
 * npu_work_cycles() - of all cores of a card: no program can be faster
 * @mac_cycles: set to those of the multiply-accumulates; @byte_cycles: of the bytes, local memory
 *
 * Returns the larger of both.
 */
uint64_t npu_work_cycles(const struct npu_caps *caps, const struct npu_work *work,
			 uint64_t *mac_cycles, uint64_t *byte_cycles);

/**
 * struct npu_layer - a step of a program; its commands have its number as their tag
 * @name: of the network's node that it (also) does
 * @op: that node's operator
 * @kernel: what does it here
 * @work: of products; else zero: there is nothing it could not be without
 */
struct npu_layer {
	const char *name, *op, *kernel;
	struct npu_work work;
};

/**
 * struct npu_code - one core's commands in memory
 */
struct npu_code {
	const void *cmds;		/* 16-byte aligned */
	uint64_t size;
};

/**
 * struct npu_image - an image's contents
 * @isa: as in struct npu_image_header, as are @features, @spm_size and @acc_size
 * @cores: entries of @code that are used, 1 .. NPU_MAX_CORES
 * @tensor_count: of @tensors
 * @code: one a core
 * @constants: @constants_size bytes; the region of kind NPU_REGION_CONSTANTS has this size. Both
 *	zero without one
 * @region: all of them, unused ones zero
 * @tensors: name, role, type, shape, quantisation, region and offset; their size is computed
 * @layers: @layer_count of them, to tell people about the program; 0: nothing is known. No command
 *	has a tag of @layer_count or above, then
 */
struct npu_image {
	uint32_t isa;
	uint32_t features;
	uint32_t spm_size;
	uint32_t acc_size;
	uint32_t cores;
	uint32_t tensor_count;
	struct npu_code code[NPU_MAX_CORES];
	const void *constants;
	uint64_t constants_size;
	struct npu_region_info region[NPU_MAX_REGIONS];
	const struct npu_tensor_info *tensors;
	uint32_t layer_count;
	const struct npu_layer *layers;
};

/**
 * npu_image_write() - make the bytes of an image
 * @image: contents; checked as a reader would
 * @data: the bytes, 64-byte aligned, free() them
 * @size: how many
 *
 * -EINVAL: @image is not consistent. -EOVERFLOW, -ENOMEM.
 */
int npu_image_write(const struct npu_image *image, void **data, size_t *size);

/**
 * npu_image_parse() - look into the bytes of an image
 * @image: filled; code and constants point into @data, which must stay and not change
 * @data: 16-byte aligned
 * @size: of @data
 *
 * Everything is checked but the commands. -EBADMSG: not an image, damaged, or not consistent;
 * -ENOTSUP: of another version of the format. npu_image_clear() afterwards.
 */
int npu_image_parse(struct npu_image *image, const void *data, size_t size);

/** npu_image_clear() - free what npu_image_parse() allocated */
void npu_image_clear(struct npu_image *image);

/**
 * npu_image_fits() - 0 if a card of @caps can run it; else -ENOTSUP, npu_error() naming what it
 * lacks
 */
int npu_image_fits(const struct npu_image *image, const struct npu_caps *caps);

/**
 * npu_tensor_bytes() - bytes of a dense tensor of that type and shape; 0 where that is not valid or
 * too large
 */
uint64_t npu_tensor_bytes(uint32_t type, uint32_t dims, const uint32_t *shape);

#ifdef __cplusplus
}
#endif

#endif
