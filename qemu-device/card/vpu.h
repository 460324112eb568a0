/* SPDX-License-Identifier: MIT */
/*
 * Copyright (c) 2026 the npu authors
 *
 * The VPU's inside, common to VPU and POOL commands. An index space is walked flattened, a
 * chunk of elements at a time: elements of x become a struct npu_vpu_values, stages transform
 * it, and the result is written.
 */
#ifndef NPU_CARD_VPU_H
#define NPU_CARD_VPU_H

#include <stddef.h>

#include "exec.h"

#define NPU_VPU_CHUNK 512 /* elements at a time; a multiple of NPU_VPU_BLOCK and NPU_REDUCE_LANES */
#define NPU_VPU_BLOCK 64 /* kernels do whole blocks, what lies behind the end included */

/**
 * struct npu_vpu_values - a chunk of one domain
 */
struct npu_vpu_values {
	union {
		int32_t i[NPU_VPU_CHUNK];
		float f[NPU_VPU_CHUNK];
	} __attribute__((aligned(64)));
	bool is_float;
};

#define NPU_VPU_REQUANT 4096 /* elements of a row that vpu_requant.c takes */

/**
 * struct npu_vpu_requant - bytes from sums: q((((sum + bias) * scale + residual) in min .. max) / divisor)
 * @bias: of each column
 * @scale: likewise
 * @residual: NULL: none; else integers of one byte
 * @residual_flip: bytes of it are xored with it to be unsigned
 * @residual_zp: its zero point, as shifted
 * @min: of what is divided; only with a @divisor other than 1
 * @max: likewise
 * @zp: zero point of the results
 * @low: the least value before it is added: the type's, or a higher one of @min
 * @high: likewise the greatest
 * @nan: the result of a NaN
 * @no_nan: there is none, whatever the sums are
 */
struct npu_vpu_requant {
	int32_t bias[NPU_VPU_REQUANT];
	float scale[NPU_VPU_REQUANT];
	const struct npu_vpu_operand *residual;
	uint8_t residual_flip;
	int32_t residual_zp;
	float residual_scale;
	float min;
	float max;
	float divisor;
	int32_t zp;
	float low;
	float high;
	int32_t nan;
	bool no_nan;
};

/**
 * struct npu_vpu_rows - rows that are requantised
 * @dst: results of the first; the next ones' are @dst_stride bytes apart, and so on
 * @sums: values
 * @residual: or NULL
 * @count: of rows
 */
struct npu_vpu_rows {
	uint8_t *dst;
	const uint8_t *sums;
	const uint8_t *residual;
	ptrdiff_t dst_stride;
	ptrdiff_t sums_stride;
	ptrdiff_t residual_stride;
	unsigned int count;
};

/**
 * struct npu_vpu_kernels - loops over blocks. Buffers are aligned and do not overlap but where said
 */
struct npu_vpu_kernels {
	/**
	 * @widen: elements as stored, of @type, to values of their domain; @src aligned to its
	 * elements
	 */
	void (*widen)(struct npu_vpu_values *v, const void *src, uint8_t type, unsigned int blocks);
	/** @dequant: integers to (float)(v - zp) * scale */
	void (*dequant)(struct npu_vpu_values *v, int32_t zp, float scale, unsigned int blocks);
	/** @narrow: values to elements of @type, of the same domain */
	void (*narrow)(void *dst, const struct npu_vpu_values *v, uint8_t type,
		       unsigned int blocks);
	/** @to_float: integers to floats */
	void (*to_float)(struct npu_vpu_values *v, unsigned int blocks);
	/**
	 * @stage: x = op(x, y, z) for any but LUT; @y and @z are of the domain that the operation
	 * wants, as @x is, and NULL where it has none. @type: QUANT's
	 */
	void (*stage)(uint8_t op, struct npu_vpu_values *x, const struct npu_vpu_values *y,
		      const struct npu_vpu_values *z, uint8_t type, unsigned int blocks);
	/** @sum: lane[i % NPU_REDUCE_LANES] += x[i], in order */
	void (*sum)(float *lane, const float *x, unsigned int n);
	/**
	 * @requant: rows of @n results; none of what is read is aligned, and a residual may be where
	 * its result is
	 */
	void (*requant)(const struct npu_vpu_rows *rows, const struct npu_vpu_requant *r,
			unsigned int n);
};

extern const struct npu_vpu_kernels npu_vpu_portable;
extern const struct npu_vpu_kernels npu_vpu_avx2;
extern const struct npu_vpu_kernels npu_vpu_avx512;

/** npu_vpu_kernels() - those in use */
const struct npu_vpu_kernels *npu_vpu_kernels(void);

/**
 * struct npu_vpu_walk - a tensor walked over a flattened index space
 * @base: first element
 * @type: of its elements
 * @esize: bytes of an element
 * @dims: dimensions after what is contiguous has been merged
 * @index: where the walk stands
 * @at: byte offset of that element
 */
struct npu_vpu_walk {
	uint8_t *base;
	uint8_t type;
	uint8_t esize;
	unsigned int dims;
	uint64_t size[4];
	int64_t stride[4];
	uint64_t index[4];
	int64_t at;
};

/** npu_vpu_walk_init() - @o over @size, dimensions taken in the order @order */
void npu_vpu_walk_init(struct npu_vpu_walk *w, struct npu_exec *e, const struct npu_vpu_operand *o,
		       const uint32_t size[4], const uint8_t order[4]);

/** npu_vpu_size() - bytes of an element of a VPU operand's type */
unsigned int npu_vpu_size(uint8_t type);

/**
 * struct npu_vpu_operand_state - an operand during a phase
 * @fixed: every chunk has the same values: they are loaded once
 */
struct npu_vpu_operand_state {
	struct npu_vpu_walk walk;
	struct npu_vpu_values values;
	bool used;
	bool fixed;
	bool loaded;
};

/**
 * struct npu_vpu_phase - a run of stages over one index space
 * @chunk: elements a chunk has
 */
struct npu_vpu_phase {
	const struct npu_vpu_pipe *pipe;
	unsigned int first;
	unsigned int count;
	unsigned int chunk;
	struct npu_vpu_operand_state operand[NPU_VPU_OPERANDS];
	struct npu_vpu_values table[NPU_VPU_OPERANDS];
	bool table_loaded[NPU_VPU_OPERANDS];
	struct npu_vpu_values y;
	struct npu_vpu_values z;
};

/**
 * npu_vpu_phase_init() - stages @first .. @first + @count of @pipe over @size in @order
 * @chunked: npu_vpu_stages() will be called for @chunk elements at a time, but for the last call
 */
void npu_vpu_phase_init(struct npu_vpu_phase *ph, struct npu_exec *e,
			const struct npu_vpu_pipe *pipe, unsigned int first, unsigned int count,
			const uint32_t size[4], const uint8_t order[4], bool chunked);

/** npu_vpu_read() - the next @n elements of a tensor, dequantised if @o says so */
void npu_vpu_read(struct npu_vpu_walk *w, const struct npu_vpu_operand *o, struct npu_vpu_values *v,
		  unsigned int n);

/** npu_vpu_write() - the next @n elements of the result */
void npu_vpu_write(struct npu_vpu_walk *w, const struct npu_vpu_values *v, unsigned int n);

/** npu_vpu_stages() - the phase's stages on the next @n elements */
void npu_vpu_stages(struct npu_exec *e, struct npu_vpu_phase *ph, struct npu_vpu_values *x,
		    unsigned int n);

/**
 * npu_vpu_requant_match() - whether npu_vpu_requant() does all of the command with the same result
 * @r: filled then
 */
bool npu_vpu_requant_match(struct npu_exec *e, const struct npu_cmd_vpu *c,
			   struct npu_vpu_requant *r);

/** npu_vpu_requant() - does it. Returns 0 or -1 as npu_exec_poll() */
int npu_vpu_requant(struct npu_exec *e, const struct npu_cmd_vpu *c,
		    const struct npu_vpu_requant *r);

/**
 * struct npu_vpu_scratch - a command's state
 * @in: what is read, or reduced
 * @res: results gathering for the second phase
 * @tap: POOL's
 * @sums: POOL's integer averages
 * @requant: of vpu_requant.c
 */
struct npu_vpu_scratch {
	struct npu_vpu_phase pre;
	struct npu_vpu_phase post;
	struct npu_vpu_values in;
	struct npu_vpu_values res;
	struct npu_vpu_values tap;
	int64_t sums[NPU_VPU_CHUNK];
	struct npu_vpu_requant requant;
};

#endif
