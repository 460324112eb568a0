/* SPDX-License-Identifier: MIT */
/*
 * Copyright (c) 2026 the npu authors
 *
 * Everything that is not a product or a window: element-wise work, reductions, copies with any
 * strides. A map walks an index space of up to eight dimensions, reads tensors with a stride a
 * dimension (0 broadcasts), does some VPU passes over each tile and writes one tensor.
 */
#ifndef NPU_KERNELS_MAP_H
#define NPU_KERNELS_MAP_H

#include "emit.h"

#define NPU_MAP_DIMS	 8
#define NPU_MAP_OPERANDS 8
#define NPU_MAP_TEMPS	 4
#define NPU_MAP_PASSES	 6

/**
 * struct npu_map_tensor - a tensor in memory
 * @region: of commands
 * @type: S8 U8 S32 BF16 FP16 FP32
 * @offset: bytes, of the element at all zeros
 * @stride: bytes; dimension 0 is the innermost of the index space
 * @dequant: 0 or 1: an integer operand counts as float(v - @zp) * @scale
 */
struct npu_map_tensor {
	uint32_t region;
	uint32_t type;
	int64_t offset;
	int64_t stride[NPU_MAP_DIMS];
	uint32_t dequant;
	int32_t zp;
	float scale;
};

/* Where a value comes from or goes to. */
enum {
	NPU_MAP_NONE = 0,
	NPU_MAP_IMM = 1,
	NPU_MAP_X = 2,
	NPU_MAP_OUT = 3,
	NPU_MAP_OPERAND = 16, /* + number */
	NPU_MAP_TEMP = 32, /* + number */
};

/**
 * struct npu_map_stage - struct npu_vpu_stage with one of the above as @src; @src2 of SELECT too
 */
struct npu_map_stage {
	uint8_t op, src, src2;
	uint32_t imm;
};

/**
 * struct npu_map_pass - one VPU command a tile
 * @x: what comes in
 * @out: NPU_MAP_OUT (the last pass) or a temporary
 * @reduce: enum npu_reduce
 * @axes: dimensions of the index space that are reduced
 * @pre: stages before the reduction
 */
struct npu_map_pass {
	uint8_t x, out, reduce, pre, stages;
	uint32_t axes;
	struct npu_map_stage stage[NPU_VPU_STAGES];
};

/**
 * struct npu_map - see above
 * @size: of the index space, dimension 0 innermost
 * @operands: of @operand
 * @out: strides are 0 along dimensions that the last value does not have
 * @temp_type: of each temporary: NPU_FP32 or NPU_S32
 * @temp_dims: dimensions each temporary has
 * @whole: dimensions that no tile may cut
 */
struct npu_map {
	uint32_t dims;
	uint32_t size[NPU_MAP_DIMS];
	uint32_t operands, temps, passes;
	struct npu_map_tensor operand[NPU_MAP_OPERANDS];
	struct npu_map_tensor out;
	uint32_t temp_type[NPU_MAP_TEMPS];
	uint32_t temp_dims[NPU_MAP_TEMPS];
	struct npu_map_pass pass[NPU_MAP_PASSES];
	uint32_t whole;
};

/** npu_map_emit() - append a core's share; -ENOTSUP with npu_error(): no tile fits the card */
int npu_map_emit(struct npu_stream *s, const struct npu_caps *caps, const struct npu_map *map,
		 unsigned int core, unsigned int cores);

/**
 * struct npu_gather - rows of a table by index
 * @table_region, @table_offset: row 0
 * @row_stride: bytes between rows
 * @rows: of the table
 * @row_bytes: of a row
 * @index_region, @index_offset, @index_type: S32 or S64, dense
 * @count: indices
 * @out_region, @out_offset, @out_stride: of the result's rows
 */
struct npu_gather {
	uint32_t table_region, index_region, out_region, index_type;
	int64_t table_offset, index_offset, out_offset;
	uint64_t row_stride, rows, row_bytes, count, out_stride;
};

/** npu_gather_emit() - append a core's share; -ENOTSUP: a row is larger than SPM */
int npu_gather_emit(struct npu_stream *s, const struct npu_caps *caps, const struct npu_gather *g,
		    unsigned int core, unsigned int cores);

#endif
