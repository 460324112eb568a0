/* SPDX-License-Identifier: MIT */
/*
 * Copyright (c) 2026 the npu authors
 *
 * From nodes to steps: kernels with their tensors as views of buffers. Buffers get places only when
 * all steps are known (memory.c); then steps become commands (emit.c).
 */
#ifndef NPU_GRAPH_LOWER_H
#define NPU_GRAPH_LOWER_H

#include "graph.h"
#include "kernels/map.h"
#include "kernels/plan.h"
#include "npu/image.h"

enum npu_lower_kind { NPU_LOWER_CONSTANTS, NPU_LOWER_SCRATCH, NPU_LOWER_INPUT, NPU_LOWER_OUTPUT };

/**
 * struct npu_lower_buffer - memory that tensors lie in
 * @io: number of the input (a value) or output
 * @first, @last: steps that use it; inputs and outputs live always
 * @nowhere: it is in SPM only, and needs no place
 * @region, @offset: its place, when planned; constants have theirs at once
 */
struct npu_lower_buffer {
	uint32_t kind;
	int io;
	uint64_t size;
	int first, last;
	bool nowhere;
	uint32_t region;
	uint64_t offset;
};

/**
 * struct npu_lower_view - a tensor in a buffer
 * @buffer: -1: there is none yet
 * @offset: bytes, of the element at all zeros
 * @stride: elements, outermost dimension first; 0 repeats, negative goes backwards
 */
struct npu_lower_view {
	int buffer;
	int64_t offset;
	uint32_t type;
	uint32_t dims;
	uint32_t size[NPU_MAX_DIMS];
	int64_t stride[NPU_MAX_DIMS];
};

struct npu_lower_ref {
	int buffer;
	int64_t offset;
};

enum npu_lower_step_kind { NPU_STEP_PRODUCT, NPU_STEP_MAP, NPU_STEP_GATHER };

/**
 * struct npu_lower_step - a kernel
 * @node: that it comes from; the graph's nodes + i: output i, copied to where it belongs
 * @op: of products and pools: matmul, conv2d, pool2d
 * @ref: by enum npu_op_region; buffer -1: unused. Maps and gathers have buffer numbers for regions
 */
struct npu_lower_step {
	uint32_t kind;
	unsigned int node;
	const struct npu_op *op;
	union {
		struct npu_matmul matmul;
		struct npu_conv2d conv;
		struct npu_pool2d pool;
		struct npu_map map;
		struct npu_gather gather;
	} u;
	struct npu_lower_ref ref[8];
};

struct npu_resident;
struct npu_lower_kernel;

struct npu_lower {
	struct npu_graph *g;
	const struct npu_caps *caps;
	uint32_t float_type;
	unsigned int cores;
	struct npu_lower_view *view; /* of each value */
	struct npu_lower_view
		*cast; /* of each value, in the type of products; for who wants it again */
	uint8_t *same; /* of each value: npu_lower_scalar(), if it is known */
	int *consumer; /* of each value: the last node that reads it */
	uint32_t *group_next; /* of each node: the one that continues it, UINT32_MAX: none */
	bool *in_group; /* of each node: an earlier one does its work */
	bool *output_placed; /* of each output */
	struct npu_lower_buffer *buffer;
	struct npu_lower_step *step;
	uint8_t *constants;
	uint64_t constant_size, constant_room;
	unsigned int buffers, steps, buffer_room, step_room;
	unsigned int products; /* of the steps */
	unsigned int node; /* being lowered */
	uint64_t scratch_size;
	struct npu_effort group_effort; /* to find what stays in SPM (resident_find.c) */
	struct npu_timer *timer; /* for that; NULL until then */
	struct npu_effort kernel_effort; /* to plan all kernels (kernel.c) */
	struct npu_effort order_effort; /* to put the streams in order (emit.c) */
	struct npu_resident *resident; /* groups of steps, ascending (resident.h) */
	unsigned int residents, resident_room;
	struct npu_lower_kernel *kernel; /* those planned so far (kernel.c) */
	unsigned int kernels, kernel_room;
};

/*
 * Everything below returns 0 or a negative errno with npu_error(): -ENOTSUP is an issue of the
 * node, others end it all.
 */

/** npu_lower_graph() - all nodes to steps; issues are added to the graph */
int npu_lower_graph(struct npu_lower *l);
void npu_lower_free(struct npu_lower *l);

/** npu_lower_view() - of a value, made if need be (constants, dequantised values) */
int npu_lower_view(struct npu_lower *l, int value, struct npu_lower_view *v);

/** npu_lower_constant() - put data into the constants; it is dense, of @type, shape as given */
int npu_lower_constant(struct npu_lower *l, uint32_t type, uint32_t dims, const uint32_t *shape,
		       const void *data, struct npu_lower_view *v);

/**
 * npu_lower_constant_bytes() - room in the constants, zeroed; the pointer holds until the next
 * constant
 */
int npu_lower_constant_bytes(struct npu_lower *l, uint64_t size, void **data,
			     struct npu_lower_ref *ref);

/**
 * npu_lower_scratch() - memory for a dense tensor, dimensions in memory in @order (NULL: as they
 * are), outermost first
 */
int npu_lower_scratch(struct npu_lower *l, uint32_t type, uint32_t dims, const uint32_t *shape,
		      const uint32_t *order, struct npu_lower_view *v);

/**
 * npu_lower_result() - where a value is written by a step that can write anywhere: its output's
 * buffer, or scratch
 */
int npu_lower_result(struct npu_lower *l, int value, const struct npu_lower_view *like,
		     struct npu_lower_view *v);

/** npu_lower_storage() - type that a value of @type is kept in */
uint32_t npu_lower_storage(const struct npu_lower *l, uint32_t type);

/** npu_lower_step_add() - append a step; buffers' lifetimes follow */
int npu_lower_step_add(struct npu_lower *l, const struct npu_lower_step *step);

/** npu_lower_copy() - dst = src, converted if types differ (floats) */
int npu_lower_copy(struct npu_lower *l, const struct npu_lower_view *src,
		   const struct npu_lower_view *dst);

/** npu_lower_dense() - @v in @order and @type: itself, or a copy */
int npu_lower_dense(struct npu_lower *l, struct npu_lower_view *v, uint32_t type,
		    const uint32_t *order);

/**
 * npu_lower_map_tensor() - a view over an index space of @dims dimensions, aligned at the
 * innermost
 */
void npu_lower_map_tensor(const struct npu_lower_view *v, uint32_t dims, struct npu_map_tensor *t);

/** npu_lower_reshape() - the same elements in another shape; false: not without a copy */
bool npu_lower_reshape(const struct npu_lower_view *v, uint32_t dims, const uint32_t *shape,
		       struct npu_lower_view *out);

/** npu_lower_cut() - a part of a view: @count coordinates of @d from @first on, @step apart */
void npu_lower_cut(struct npu_lower_view *v, uint32_t d, int64_t first, uint32_t count,
		   int64_t step);

/** npu_lower_is_dense() - in the order of its dimensions */
bool npu_lower_is_dense(const struct npu_lower_view *v);

/** npu_lower_scalar() - is the value a constant that is the same everywhere? */
bool npu_lower_scalar(const struct npu_lower *l, int value, double *v);

/**
 * npu_lower_dequantised() - is the value made by a DequantizeLinear of one scale? Then what it is
 * made of
 */
bool npu_lower_dequantised(const struct npu_lower *l, int value, int *integers, float *scale,
			   int32_t *zp);

/* Element by element, in groups (lower_elementwise.c) */
bool npu_lower_is_elementwise(uint32_t op);
/**
 * npu_lower_elementwise() - make @value, by the nodes from @first on
 * @x: what is under way, and @under_way the value it is; NULL: the first node's first input
 */
int npu_lower_elementwise(struct npu_lower *l, unsigned int first, int value,
			  const struct npu_lower_view *x, int under_way);
unsigned int npu_lower_group_length(const struct npu_lower *l, unsigned int first);

/* Lowering of one node, or of the group that begins with it. */
int npu_lower_product(struct npu_lower *l, unsigned int node);
int npu_lower_reduce(struct npu_lower *l, unsigned int node);
int npu_lower_softmax(struct npu_lower *l, unsigned int node);
int npu_lower_norm(struct npu_lower *l, unsigned int node);
int npu_lower_dynamic_quantise(struct npu_lower *l, unsigned int node);
int npu_lower_pool(struct npu_lower *l, unsigned int node);
/**
 * npu_lower_mean_of_images() - the mean of each channel of a dequantised image that is quantised
 * again, as a pool of integers; false: it is something else
 */
bool npu_lower_mean_of_images(struct npu_lower *l, unsigned int node, int *ret);
int npu_lower_move(struct npu_lower *l, unsigned int node);
int npu_lower_resize(struct npu_lower *l, unsigned int node);

/** npu_lower_kernel() - of a product, planned unless there is one; valid until the next call */
int npu_lower_kernel(struct npu_lower *l, const struct npu_lower_step *s, struct npu_gang **gang);
void npu_lower_free_kernels(struct npu_lower *l);

/** npu_lower_plan() - places for all scratch buffers, regions for all */
int npu_lower_plan(struct npu_lower *l);

/** npu_lower_step_name() - of the node or output it comes from */
const char *npu_lower_step_name(const struct npu_lower *l, const struct npu_lower_step *s);

/**
 * npu_lower_layers() - what the image tells of the steps; free() it
 * @count: none where the table has no room for as many
 */
int npu_lower_layers(const struct npu_lower *l, struct npu_layer **layers, uint32_t *count);

/** npu_lower_emit() - the image; commands' tags are the numbers of their steps */
int npu_lower_emit(struct npu_lower *l, void **image, size_t *size);

#endif
