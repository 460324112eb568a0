/* SPDX-License-Identifier: MIT */
/*
 * Copyright (c) 2026 the npu authors
 *
 * libnpu: networks of tensors, compiled into one image.
 *
 * A graph is built from its inputs on: tensors first, then the nodes that make more tensors of
 * them, each after what it reads. Shapes are known at once: a node that is added has its outputs'
 * types and shapes inferred, and what depends on constants alone is computed there and then.
 * npu_graph_compile() makes an image of it (docs/image.md) for a card of given capabilities;
 * docs/graph.md tells how.
 *
 * Operators mean what ONNX says of those of the same name, in its order of dimensions (images are
 * N, C, H, W); how tensors lie in memory is the compiler's affair. FP32 tensors between nodes are
 * kept in the type that struct npu_graph_options names (unless they are small); products multiply
 * in that type and add in binary32. Everything integer is exact.
 *
 * What cannot be compiled is gathered, not thrown at the first: npu_graph_issue() lists all of it,
 * with the names of nodes.
 *
 * Threads: a graph belongs to one thread at a time.
 */
#ifndef NPU_GRAPH_H
#define NPU_GRAPH_H

#include "npu/hw/isa.h"
#include "npu/npu.h"

#ifdef __cplusplus
extern "C" {
#endif

struct npu_graph;

/* Bounds, so that a hostile description cannot ask for the moon. */
#define NPU_GRAPH_MAX_IO    64 /* inputs, or outputs, of a node */
#define NPU_GRAPH_MAX_BYTES (1ull << 32) /* of a tensor */
#define NPU_GRAPH_MAX_MACS  (1ull << 44) /* of a product */

enum npu_graph_op {
	/* Element by element; shapes broadcast. */
	NPU_GRAPH_ADD,
	NPU_GRAPH_SUB,
	NPU_GRAPH_MUL,
	NPU_GRAPH_DIV,
	NPU_GRAPH_MIN, /* one input or more */
	NPU_GRAPH_MAX,
	NPU_GRAPH_POW, /* the exponent is a constant, the same everywhere */
	NPU_GRAPH_PRELU,
	NPU_GRAPH_SQRT,
	NPU_GRAPH_RECIPROCAL,
	NPU_GRAPH_EXP,
	NPU_GRAPH_LOG,
	NPU_GRAPH_ERF,
	NPU_GRAPH_NEG,
	NPU_GRAPH_ABS,
	NPU_GRAPH_FLOOR,
	NPU_GRAPH_CEIL,
	NPU_GRAPH_ROUND,
	NPU_GRAPH_RELU,
	NPU_GRAPH_LEAKY_RELU, /* alpha */
	NPU_GRAPH_CLIP, /* lo, hi */
	NPU_GRAPH_SIGMOID,
	NPU_GRAPH_HARD_SIGMOID, /* alpha, beta */
	NPU_GRAPH_HARD_SWISH,
	NPU_GRAPH_TANH,
	NPU_GRAPH_GELU,
	NPU_GRAPH_CAST, /* type */
	NPU_GRAPH_QUANTIZE, /* x, scale, zero point (may be absent: U8 0); axis */
	NPU_GRAPH_DEQUANTIZE, /* likewise */
	NPU_GRAPH_DYNAMIC_QUANTIZE, /* → y, scale, zero point */
	/* Products. */
	NPU_GRAPH_MATMUL, /* a, b */
	NPU_GRAPH_GEMM, /* a, b, c (may be absent); alpha, beta, trans_a, trans_b */
	NPU_GRAPH_MATMUL_INTEGER, /* a, b, zero points (may be absent) */
	NPU_GRAPH_QLINEAR_MATMUL, /* a, scale, zp, b, scale, zp, scale, zp of y */
	NPU_GRAPH_CONV, /* x, w, b (may be absent); window */
	NPU_GRAPH_CONV_INTEGER, /* x, w, zero points (may be absent); window */
	/* x, scale, zp, w, scale, zp, scale, zp of y, b (may be absent); window */
	NPU_GRAPH_QLINEAR_CONV,
	NPU_GRAPH_CONV_TRANSPOSE, /* x, w, b (may be absent); window */
	/* Windows and reductions. */
	NPU_GRAPH_MAX_POOL, /* window */
	NPU_GRAPH_AVERAGE_POOL, /* window */
	NPU_GRAPH_REDUCE_MEAN, /* axes (none: all), keep_dims */
	NPU_GRAPH_REDUCE_SUM,
	NPU_GRAPH_REDUCE_MAX,
	NPU_GRAPH_REDUCE_MIN,
	NPU_GRAPH_SOFTMAX, /* axes: those that sum to one */
	/*
	 * x, scale, bias (may be absent); axis: the first of those normalised; epsilon;
	 * → y, mean, 1 / deviation
	 */
	NPU_GRAPH_LAYER_NORM,
	NPU_GRAPH_INSTANCE_NORM, /* x, scale, bias; epsilon */
	NPU_GRAPH_BATCH_NORM, /* x, scale, bias, mean, variance; epsilon */
	/* Moving. */
	NPU_GRAPH_IDENTITY,
	NPU_GRAPH_RESHAPE, /* shape: 0 copies (unless allow_zero), -1 is what remains */
	NPU_GRAPH_TRANSPOSE, /* axes: the permutation; none: reversed */
	NPU_GRAPH_EXPAND, /* shape, broadcast with the input's */
	NPU_GRAPH_CONCAT, /* axis */
	NPU_GRAPH_SPLIT, /* axis; shape: sizes of the outputs, none: equal */
	NPU_GRAPH_SLICE, /* axes, starts, ends, steps */
	/*
	 * starts, ends: before and behind each dimension, may be negative; mode; alpha: the
	 * value
	 */
	NPU_GRAPH_PAD,
	NPU_GRAPH_GATHER, /* x, indices; axis */
	NPU_GRAPH_RESIZE, /* shape: of the output; scale: out / in; mode, coordinates, rounding */
	NPU_GRAPH_OPS
};

enum npu_graph_auto_pad { NPU_PAD_EXPLICIT, NPU_PAD_SAME_UPPER, NPU_PAD_SAME_LOWER, NPU_PAD_VALID };
enum npu_graph_pad_mode { NPU_PAD_CONSTANT, NPU_PAD_EDGE, NPU_PAD_REFLECT };
enum npu_graph_resize { NPU_RESIZE_NEAREST, NPU_RESIZE_LINEAR };
enum npu_graph_coordinates {
	NPU_COORD_HALF_PIXEL,
	NPU_COORD_PYTORCH_HALF_PIXEL,
	NPU_COORD_ALIGN_CORNERS,
	NPU_COORD_ASYMMETRIC,
	NPU_COORD_TF_HALF_PIXEL_NN,
};
enum npu_graph_rounding {
	NPU_NEAREST_ROUND_PREFER_FLOOR,
	NPU_NEAREST_ROUND_PREFER_CEIL,
	NPU_NEAREST_FLOOR,
	NPU_NEAREST_CEIL,
};

/**
 * struct npu_graph_attrs - what operators know beside tensors; zero where nothing is said
 * @axis: may be negative
 * @axes: may be negative; @axis_count of them
 * @shape: @dims of them
 * @starts, @ends, @steps: one an entry of @axes (SLICE; steps 0 means 1); one a dimension (PAD)
 * @kernel, @stride, @dilation: of windows, outermost dimension first; 0 means 1 (kernel:
 * 	as the weights have it)
 * @pad_lo, @pad_hi: before and behind each dimension of a window
 * @out_pad: CONV_TRANSPOSE: more at the end
 * @auto_pad: enum npu_graph_auto_pad; else @pad_lo and @pad_hi count
 * @groups: 0 means 1
 * @ceil_mode: pools: a last window that begins inside, or in the padding before, but
 * 	does not fit, counts
 * @count_pad: AVERAGE_POOL: padding counts
 */
struct npu_graph_attrs {
	int32_t axis;
	uint32_t axis_count;
	int32_t axes[NPU_MAX_DIMS];
	uint32_t dims;
	int64_t shape[NPU_GRAPH_MAX_IO];
	int64_t starts[NPU_MAX_DIMS], ends[NPU_MAX_DIMS], steps[NPU_MAX_DIMS];
	uint32_t kernel[2], stride[2], dilation[2];
	uint32_t pad_lo[2], pad_hi[2], out_pad[2];
	uint32_t window_dims; /* entries of kernel, stride, ... that are meant: 0, 1 or 2 */
	uint32_t auto_pad;
	uint32_t groups;
	uint32_t ceil_mode, count_pad;
	uint32_t keep_dims, allow_zero;
	uint32_t trans_a, trans_b;
	uint32_t type; /* enum npu_type */
	uint32_t mode;
	uint32_t coordinates, rounding;
	float scale[NPU_MAX_DIMS];
	float alpha, beta, epsilon, lo, hi;
};

/**
 * struct npu_graph_tensor - a tensor
 * @name: unique among those that have one
 * @type: S8 U8 S32 BF16 FP16 FP32, S64 (constants and indices)
 * @data: of a constant, dense, row-major; else NULL
 */
struct npu_graph_tensor {
	const char *name;
	uint32_t type;
	uint32_t dims;
	uint32_t shape[NPU_MAX_DIMS];
	const void *data;
};

/** npu_graph_create() - an empty graph; NULL without memory */
struct npu_graph *npu_graph_create(void);

/** npu_graph_free() - NULL is allowed */
void npu_graph_free(struct npu_graph *g);

/**
 * npu_graph_input() - add an input. Returns the tensor's number, -EINVAL or -ENOMEM
 * @shape: @dims dimensions, outermost first, none of them 0
 */
int npu_graph_input(struct npu_graph *g, const char *name, uint32_t type, uint32_t dims,
		    const uint32_t *shape);

/**
 * npu_graph_constant() - add a constant; @data is copied. Returns the tensor's number, -EINVAL or
 * -ENOMEM
 */
int npu_graph_constant(struct npu_graph *g, const char *name, uint32_t type, uint32_t dims,
		       const uint32_t *shape, const void *data);

/**
 * npu_graph_node() - add an operator
 * @op: enum npu_graph_op
 * @name: for messages; may be NULL
 * @attrs: copied; NULL: all zero
 * @in: numbers of tensors; -1: absent
 * @out: filled with the numbers of new tensors
 *
 * -EINVAL with npu_error(): the operator does not take that; -ENOTSUP: the library has no such
 * thing; -ENOMEM.
 */
int npu_graph_node(struct npu_graph *g, uint32_t op, const char *name,
		   const struct npu_graph_attrs *attrs, const int *in, unsigned int in_count,
		   int *out, unsigned int out_count);

/**
 * npu_graph_output() - declare a tensor an output of this name; one tensor may be several outputs
 */
int npu_graph_output(struct npu_graph *g, int tensor, const char *name);

/** npu_graph_tensor() - number @tensor; NULL if there is none. Valid until the graph changes */
const struct npu_graph_tensor *npu_graph_tensor(const struct npu_graph *g, int tensor);

/** npu_graph_tensors() - how many tensors there are, numbered from 0 */
unsigned int npu_graph_tensors(const struct npu_graph *g);

/**
 * struct npu_graph_node_info - a node, to be looked at
 * @op_name: of ONNX, "Conv"
 * @attrs: with what was inferred; npu_graph_node() takes them again
 * @in: -1: absent
 *
 * Its pointers are valid until the graph changes.
 */
struct npu_graph_node_info {
	uint32_t op;
	const char *op_name;
	const char *name;
	struct npu_graph_attrs attrs;
	const int *in;
	unsigned int in_count;
	const int *out;
	unsigned int out_count;
};

/**
 * npu_graph_get_node() - node @i; each comes after those it reads
 *
 * What was computed from constants is none any more. -EINVAL: there are not so many.
 */
int npu_graph_get_node(const struct npu_graph *g, unsigned int i, struct npu_graph_node_info *info);

/**
 * npu_graph_get_output() - output @i's tensor and name; -EINVAL: there are not so many
 */
int npu_graph_get_output(const struct npu_graph *g, unsigned int i, const char **name);

/**
 * struct npu_graph_options - how to compile
 * @float_type: NPU_BF16 (also 0) or NPU_FP16: what FP32 tensors become between inputs and outputs
 * @cores: to use; 0: all
 */
struct npu_graph_options {
	uint32_t float_type;
	uint32_t cores;
};

/**
 * npu_graph_compile() - an image
 * @caps: of the card it is for (npu_device_caps(); a card of other dimensions is
 * 	npu_open("sim:cores=8,..."))
 * @options: NULL: defaults
 * @image: the bytes, 64-byte aligned; free() them
 * @size: how many
 *
 * -ENOTSUP: something in it cannot be: npu_graph_issue() tells. -EINVAL: no outputs. -ENOMEM.
 */
int npu_graph_compile(struct npu_graph *g, const struct npu_caps *caps,
		      const struct npu_graph_options *options, void **image, size_t *size);

/** npu_graph_add_issue() - front ends add what they could not translate; compiling then fails */
int npu_graph_add_issue(struct npu_graph *g, const char *node, const char *reason);

/**
 * npu_graph_issues() - how many things cannot be; npu_graph_issue() - number i: "node: reason", or
 * NULL
 */
unsigned int npu_graph_issues(const struct npu_graph *g);
const char *npu_graph_issue(const struct npu_graph *g, unsigned int i);

#ifdef __cplusplus
}
#endif

#endif
