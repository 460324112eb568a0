/* SPDX-License-Identifier: MIT */
/*
 * Copyright (c) 2026 the npu authors
 *
 * libnpu: products, convolutions, pooling and sums, for who just wants the result.
 *
 * Each operation has a descriptor (shapes, types, what becomes of the sums; no buffers in it) and
 * arguments (buffers). npu_<op>() plans and compiles the descriptor on first use, keeps the program
 * with the device, binds the arguments and submits: later calls with an equal descriptor only bind
 * and submit. npu_<op>_program() only compiles, for who keeps programs himself or writes them to a
 * file.
 *
 * Descriptors must be zero where nothing is asked for: start from `= { 0 }` or designated
 * initialisers. Sizes and strides of tensors are in elements where not said otherwise.
 *
 * Types are enum npu_type of npu/hw/isa.h. A quantised value q stands for scale * (q - zero_point).
 *
 * Threads: all functions may be called from any number of threads.
 *
 * Errors: -EINVAL with npu_error() naming the field; -ENOTSUP: the operation cannot be cut into
 * pieces that fit the card; -ENOMEM, also for a program longer than a stream may be
 * (npu/stream.h); and those of npu_queue_submit().
 *
 * Results are specified to the bit. They do not depend on tiling, number of cores, nor on the host:
 * integer sums are exact (modulo 2^32), float sums add one product after another by fused
 * multiply-add, k ascending, starting from +0.
 */
#ifndef NPU_OPS_H
#define NPU_OPS_H

#include "npu/hw/isa.h"
#include "npu/npu.h"

#ifdef __cplusplus
extern "C" {
#endif

/**
 * struct npu_ref - a tensor's first element: a place in a buffer, in bytes, aligned to the element
 */
struct npu_ref {
	struct npu_buffer *buffer;
	uint64_t offset;
};

/* ---- What becomes of sums -------------------------------------------------------------------- */

enum npu_activation {
	NPU_ACT_NONE = 0,
	NPU_ACT_RELU = 1,	/* max(v, 0) */
	NPU_ACT_CLIP = 2,	/* min(max(v, lo), hi) */
	NPU_ACT_SIGMOID = 3,	/* these five as docs/hardware.md defines the functions */
	NPU_ACT_TANH = 4,
	NPU_ACT_GELU = 5,
	NPU_ACT_SILU = 6,
	NPU_ACT_ERF = 7,
};

enum npu_per {
	NPU_PER_NONE = 0,	/* there is none */
	NPU_PER_TENSOR = 1,	/* one value, in the descriptor */
	NPU_PER_CHANNEL = 2,	/* a vector, in a buffer: one a column (output channel) */
	NPU_PER_ROW = 3,	/* a vector, in a buffer: one a row; matmul's a_zp only */
	NPU_PER_VALUE = 4,	/* one value, in a buffer; zero points only */
};

/**
 * struct npu_epilogue - from a sum to an output element
 * @out_type: S8 U8 S32 BF16 FP16 FP32
 * @bias: add a bias a channel first: int32 to integer sums (saturating), fp32 to float sums
 * @scale_per: NPU_PER_NONE, _TENSOR or _CHANNEL (fp32 vector)
 * @scale: for NPU_PER_TENSOR
 * @residual: add a tensor of the output's shape
 * @residual_type: S8 U8 S32 BF16 FP16 FP32
 * @residual_scale: of integer residuals
 * @residual_zp: of integer residuals
 * @mid: before the residual is added, round to @mid_type as an operator of its own would have
 * @mid_type: S8 or U8
 * @mid_zp: of that type
 * @mid_scale: of that type
 * @activation: enum npu_activation
 * @lo, @hi: for NPU_ACT_CLIP
 * @out_scale: integer outputs: divide by it; 0: do not
 * @out_zp: integer outputs; zero for float ones
 * @reserved: zero
 *
 * To the bit, each step only if asked for; arithmetic is binary32, rounded to nearest even after
 * each operation:
 *
 *	v = sum + bias
 *	v = float(v) * scale
 *	v = float(saturate_mid(rint(v) + mid_zp) - mid_zp) * mid_scale
 *	v = v + (integer residual ? float(residual - residual_zp) * residual_scale : residual)
 *	v = activation(v)
 *	integer out_type:	v = v / out_scale;  out = saturate(rint(v) + out_zp)
 *	float out_type:		out = v, rounded to out_type
 *
 * rint rounds ties to even; a NaN becomes the zero point. An integer sum for an S32 output with
 * neither scale, residual, activation, out_scale nor out_zp stays an integer all the way.
 */
struct npu_epilogue {
	uint32_t out_type;
	uint32_t bias;			/* 0 or 1 */
	uint32_t scale_per;
	float scale;
	uint32_t residual;		/* 0 or 1 */
	uint32_t residual_type;
	float residual_scale;
	int32_t residual_zp;
	uint32_t mid;			/* 0 or 1 */
	uint32_t mid_type;
	int32_t mid_zp;
	float mid_scale;
	uint32_t activation;
	float lo, hi;
	float out_scale;
	int32_t out_zp;
	uint32_t reserved;
};

/* ---- Matrix products ------------------------------------------------------------------------- */

/**
 * struct npu_matmul - products of matrices
 * @batch: products; 0 means 1
 * @m: rows
 * @n: columns
 * @k: products a sum
 * @a_type: S8, U8, BF16, FP16
 * @b_type: S8 or U8 with an integer @a_type; else as @a_type
 * @b_layout: enum npu_b_layout: rows [k][n], columns [n][k], or packed by npu_weights_pack()
 * @a_stride: elements between rows of a; 0: @k
 * @b_stride: elements between rows (layout rows) or columns (layout columns) of b; 0: dense.
 *	Packed: bytes between blocks; 0: as npu_weights_pack() packs
 * @out_stride: elements between rows of out; 0: @n
 * @residual_stride: of the residual; 0: @n
 * @a_batch: elements between the products' a; 0 with @batch > 1: all use the same. Likewise
 *	@b_batch (packed: bytes)
 * @out_batch: elements between outputs; 0: dense. Likewise @residual_batch
 * @a_zp_per: NPU_PER_NONE, _TENSOR, _VALUE, or _ROW (m values of a's type, the same for the whole
 *	batch)
 * @a_zp: for NPU_PER_TENSOR
 * @b_zp_per: NPU_PER_NONE, _TENSOR, _VALUE, or _CHANNEL (n values of b's type)
 * @b_zp: for NPU_PER_TENSOR
 * @epilogue: what becomes of the sums
 *
 * For each i of the batch: out[i][m][n] = epilogue(sum over k of (a[i][m][k] - a_zp)(b[i][k][n] - b_zp))
 */
struct npu_matmul {
	uint32_t batch;
	uint32_t m, n, k;
	uint32_t a_type;
	uint32_t b_type;
	uint32_t b_layout;
	uint32_t reserved;
	uint64_t a_stride, b_stride, out_stride, residual_stride;
	uint64_t a_batch, b_batch, out_batch, residual_batch;
	uint32_t a_zp_per;
	int32_t a_zp;
	uint32_t b_zp_per;
	int32_t b_zp;
	struct npu_epilogue epilogue;
};

/**
 * struct npu_product_args - tensors of a product or a convolution
 *
 * Those that the descriptor does not ask for are ignored. The output must not overlap any of the
 * others (-EINVAL where both are in one buffer), but it may be the residual itself: the same place,
 * type and strides. Who binds programs to buffers himself sees to that himself.
 */
struct npu_product_args {
	struct npu_ref a;		/* first operand, or input */
	struct npu_ref b;		/* second operand, or weights */
	struct npu_ref out;
	struct npu_ref bias;
	struct npu_ref scale;
	struct npu_ref residual;
	struct npu_ref a_zp;
	struct npu_ref b_zp;
};

/* Regions of the programs that npu_<op>_program() makes, and the names of their tensors. */
enum npu_op_region {
	NPU_OP_REGION_A = 0,		/* "a" */
	NPU_OP_REGION_B = 1,		/* "b" */
	NPU_OP_REGION_OUT = 2,		/* "out" */
	NPU_OP_REGION_BIAS = 3,		/* "bias" */
	NPU_OP_REGION_SCALE = 4,	/* "scale" */
	NPU_OP_REGION_RESIDUAL = 5,	/* "residual" */
	NPU_OP_REGION_A_ZP = 6,		/* "a_zp" */
	NPU_OP_REGION_B_ZP = 7,		/* "b_zp" */
};

/**
 * npu_matmul() - submit a product
 * @queue: where
 * @desc: copied as far as needed
 * @args: copied; buffers stay alive until the job has ended
 * @waits: as for npu_queue_submit()
 * @wait_count: as for npu_queue_submit()
 * @fence: as for npu_queue_submit()
 */
int npu_matmul(struct npu_queue *queue, const struct npu_matmul *desc,
	       const struct npu_product_args *args, struct npu_fence *const *waits,
	       unsigned int wait_count, struct npu_fence **fence);

/** npu_matmul_program() - compile only. The caller releases *prog */
int npu_matmul_program(struct npu_device *dev, const struct npu_matmul *desc,
		       struct npu_program **prog);

/* ---- Convolutions ---------------------------------------------------------------------------- */

/**
 * struct npu_conv2d - NHWC convolution
 * @batch: images; 0 means 1
 * @in_h, @in_w, @in_c: of the input
 * @out_c: output channels
 * @kernel_h, @kernel_w: taps
 * @stride_h, @stride_w: 0 means 1
 * @dilation_h, @dilation_w: 0 means 1
 * @pad_top, @pad_left, @pad_bottom, @pad_right: padding; padded coordinates add nothing to a sum
 * @groups: 0 means 1; divides @in_c and @out_c. Depthwise is groups == in_c == out_c
 * @in_type: S8, U8, BF16, FP16
 * @weight_type: S8 or U8 with an integer @in_type; else as @in_type
 * @weight_layout: NPU_B_ROWS: [kernel_h][kernel_w][in_c / groups][out_c]; NPU_B_PACKED:
 *	npu_weights_pack() of it (not depthwise)
 * @in_zp_per: NPU_PER_NONE, _TENSOR or _VALUE
 * @in_zp: for NPU_PER_TENSOR
 * @weight_zp_per: NPU_PER_NONE, _TENSOR, _VALUE or _CHANNEL
 * @weight_zp: for NPU_PER_TENSOR
 * @in_stride: elements between columns, rows and images of the input; 0: dense
 * @out_stride: likewise, of the output
 * @residual_stride: likewise, of the residual
 * @epilogue: what becomes of the sums
 *
 * k ascends through kernel row, kernel column, input channel, the channel fastest. The output has
 * npu_conv2d_out_h() rows and npu_conv2d_out_w() columns.
 */
struct npu_conv2d {
	uint32_t batch;
	uint32_t in_h, in_w, in_c;
	uint32_t out_c;
	uint32_t kernel_h, kernel_w;
	uint32_t stride_h, stride_w;
	uint32_t dilation_h, dilation_w;
	uint32_t pad_top, pad_left, pad_bottom, pad_right;
	uint32_t groups;
	uint32_t in_type;
	uint32_t weight_type;
	uint32_t weight_layout;
	uint32_t in_zp_per;
	int32_t in_zp;
	uint32_t weight_zp_per;
	int32_t weight_zp;
	uint32_t reserved;
	uint64_t in_stride[3], out_stride[3], residual_stride[3];
	struct npu_epilogue epilogue;
};

/**
 * npu_conv2d_out_h(), npu_conv2d_out_w() - rows and columns of the output
 *
 * floor((in + padding - dilation * (kernel - 1) - 1) / stride) + 1; 0 if there is none.
 */
uint32_t npu_conv2d_out_h(const struct npu_conv2d *desc);
uint32_t npu_conv2d_out_w(const struct npu_conv2d *desc);

/** npu_conv2d() - submit a convolution; as npu_matmul() */
int npu_conv2d(struct npu_queue *queue, const struct npu_conv2d *desc,
	       const struct npu_product_args *args, struct npu_fence *const *waits,
	       unsigned int wait_count, struct npu_fence **fence);

/** npu_conv2d_program() - compile only. The caller releases *prog */
int npu_conv2d_program(struct npu_device *dev, const struct npu_conv2d *desc,
		       struct npu_program **prog);

/* ---- Packed second operands ------------------------------------------------------------------ */

/**
 * npu_weights_packed_size() - bytes of k × n elements packed (NPU_B_PACKED), for each of @groups
 * @type: S8, U8, BF16, FP16
 *
 * @n is the number of columns of one group. 0 if a number is out of range.
 */
uint64_t npu_weights_packed_size(uint32_t type, uint32_t k, uint32_t n, uint32_t groups);

/**
 * npu_weights_pack() - pack on the host
 * @dst: npu_weights_packed_size() bytes; unused places become zero
 * @src: [k][groups * n], rows @stride elements apart (0: dense)
 *
 * Returns 0 or -EINVAL.
 */
int npu_weights_pack(void *dst, const void *src, uint32_t type, uint32_t k, uint32_t n,
		     uint32_t groups, uint64_t stride);

/* ---- Pooling --------------------------------------------------------------------------------- */

/**
 * struct npu_pool2d - NHWC window pooling
 * @op: enum npu_pool. NPU_POOL_MAX looks at coordinates inside, NPU_POOL_AVG divides by their
 *	number, NPU_POOL_AVG_PAD divides by the window's size, padding counting as @in_zp
 * @batch: images; 0 means 1
 * @in_h, @in_w, @channels: of the input
 * @kernel_h, @kernel_w: window
 * @stride_h, @stride_w: 0 means 1
 * @dilation_h, @dilation_w: 0 means 1
 * @pad_top, @pad_left, @pad_bottom, @pad_right: each less than what the (dilated) kernel spans
 * @in_type: S8 U8 S32 BF16 FP16 FP32
 * @out_type: of the same domain (integer or float) as @in_type
 * @scale: 0: no requantisation. Else integer inputs: v = (pooled - in_zp) * scale, out =
 *	saturate(rint(v) + out_zp)
 * @in_zp: see @op and @scale; zero for float types
 * @out_zp: see @scale
 * @in_stride: elements between columns, rows and images; 0: dense
 * @out_stride: likewise
 *
 * An average is exact in the integer domain, then rounded to binary32 as sum and divided (float:
 * summed in order of taps from -0). Without @scale an integer out = saturate(rint(pooled)).
 */
struct npu_pool2d {
	uint32_t op;
	uint32_t batch;
	uint32_t in_h, in_w, channels;
	uint32_t kernel_h, kernel_w;
	uint32_t stride_h, stride_w;
	uint32_t dilation_h, dilation_w;
	uint32_t pad_top, pad_left, pad_bottom, pad_right;
	uint32_t in_type;
	uint32_t out_type;
	float scale;
	int32_t in_zp;
	int32_t out_zp;
	uint32_t reserved[2];
	uint64_t in_stride[3], out_stride[3];
};

struct npu_pool2d_args {
	struct npu_ref in;		/* region NPU_OP_REGION_A */
	struct npu_ref out;		/* region NPU_OP_REGION_OUT; overlaps not in */
};

/** npu_pool2d_out_h(), npu_pool2d_out_w() - as npu_conv2d_out_h() */
uint32_t npu_pool2d_out_h(const struct npu_pool2d *desc);
uint32_t npu_pool2d_out_w(const struct npu_pool2d *desc);

/** npu_pool2d() - submit; npu_pool2d_program() - compile only */
int npu_pool2d(struct npu_queue *queue, const struct npu_pool2d *desc,
	       const struct npu_pool2d_args *args, struct npu_fence *const *waits,
	       unsigned int wait_count, struct npu_fence **fence);
int npu_pool2d_program(struct npu_device *dev, const struct npu_pool2d *desc,
		       struct npu_program **prog);

/* ---- Sums ------------------------------------------------------------------------------------ */

/**
 * struct npu_add - out[row][col] = activation(a[row][col] + b[row][col])
 * @rows, @cols: of all three; 0 rows means 1
 * @a_type, @b_type, @out_type: S8 U8 S32 BF16 FP16 FP32
 * @a_scale, @a_zp: integer types: becomes float(a - a_zp) * a_scale. Likewise b
 * @out_scale, @out_zp: integer types: out = saturate(rint(v / out_scale) + out_zp)
 * @a_stride, @b_stride, @out_stride: elements between rows; 0: dense
 * @b_broadcast: b has one row, added to all
 * @activation, @lo, @hi: as in struct npu_epilogue
 *
 * If all three are S32, all scales 0, and there is no activation, out = saturate(a + b) in
 * integers.
 */
struct npu_add {
	uint32_t rows, cols;
	uint32_t a_type, b_type, out_type;
	float a_scale, b_scale, out_scale;
	int32_t a_zp, b_zp, out_zp;
	uint32_t b_broadcast;		/* 0 or 1 */
	uint32_t activation;
	float lo, hi;
	uint32_t reserved;
	uint64_t a_stride, b_stride, out_stride;
};

struct npu_add_args {
	struct npu_ref a;		/* region NPU_OP_REGION_A */
	struct npu_ref b;		/* region NPU_OP_REGION_B */
	struct npu_ref out;		/* region NPU_OP_REGION_OUT; may be a or b itself, if type
					 * and strides are the same */
};

/** npu_add() - submit; npu_add_program() - compile only */
int npu_add(struct npu_queue *queue, const struct npu_add *desc, const struct npu_add_args *args,
	    struct npu_fence *const *waits, unsigned int wait_count, struct npu_fence **fence);
int npu_add_program(struct npu_device *dev, const struct npu_add *desc, struct npu_program **prog);

/* ---- How good -------------------------------------------------------------------------------- */

/**
 * struct npu_estimate - what an operation costs, and what it must cost at least; all in local
 * memory
 * @cycles: modelled cycles of the program, as the card will report them
 * @limit_cycles: max(@mac_cycles, @byte_cycles): no program can be faster
 * @mac_cycles: multiply-accumulates / rate of the arrays of all cores
 * @byte_cycles: bytes that must move / local bandwidth
 * @macs: multiply-accumulates (taps on padding count)
 * @bytes: every input element that is used, every weight and vector, and every output, once each
 * @cores: of the program
 * @reserved: zero
 *
 * libnpu/kernels/limit.c tells the formulas.
 */
struct npu_estimate {
	uint64_t cycles;
	uint64_t limit_cycles;
	uint64_t mac_cycles;
	uint64_t byte_cycles;
	uint64_t macs;
	uint64_t bytes;
	uint32_t cores;
	uint32_t reserved;
};

/** npu_matmul_estimate(), npu_conv2d_estimate() - plan, and tell the cost; no buffer is needed */
int npu_matmul_estimate(struct npu_device *dev, const struct npu_matmul *desc,
			struct npu_estimate *est);
int npu_conv2d_estimate(struct npu_device *dev, const struct npu_conv2d *desc,
			struct npu_estimate *est);

#ifdef __cplusplus
}
#endif

#endif
