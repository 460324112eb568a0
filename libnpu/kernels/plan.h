/* SPDX-License-Identifier: MIT */
/*
 * Copyright (c) 2026 the npu authors
 *
 * From an operation to a program: candidates, the search among them, and what compiles and keeps
 * programs.
 */
#ifndef NPU_KERNELS_PLAN_H
#define NPU_KERNELS_PLAN_H

#include "emit.h"
#include "npu/image.h"

/**
 * struct npu_gang - streams of a job
 * @stream: one a core
 * @cores: how many
 * @ordered: they are ready; else npu_stream_sync() is still to be called: there was no effort left
 * @cycles: modelled, all regions in local memory; estimated, where they are not ordered
 */
struct npu_gang {
	struct npu_stream *stream[NPU_MAX_CORES];
	unsigned int cores;
	bool ordered;
	uint64_t cycles;
};

/* For a kernel alone. Searches end long before; what does not is larger than any layer. */
#define NPU_EFFORT_KERNEL (1ull << 31)

void npu_gang_free(struct npu_gang *gang);

/**
 * struct npu_candidate - one way to do it
 * @estimate: cycles, not too far below the truth; candidates are tried in this order
 * @cores: streams it has
 * @param: the kernel's own
 */
struct npu_candidate {
	uint64_t estimate;
	uint32_t cores;
	uint32_t param[28];
};

/**
 * struct npu_search - an operation looking for its best candidate
 * @caps: of the card
 * @problem: the kernel's own
 * @effort: for all of it. Where it is short, fewer candidates are listed, and fewer of them tried;
 *	without any it is the first one that fits
 * @emit: append one core's commands of a candidate; core 0 has the largest share. e->full when it
 *	does not fit
 * @vary: variation number @i of a candidate, for the best ones; false: there are no more. @v comes
 *	as a copy and may stay one. NULL: none
 * @candidate: all of them; allocated by npu_search_add()
 * @count: how many
 * @room: of @candidate
 * @error: -ENOMEM sticks
 * @timer: what npu_search_run() times them with
 */
struct npu_search {
	const struct npu_caps *caps;
	const void *problem;
	struct npu_effort *effort;
	void (*emit)(struct npu_emit *e, const void *problem, const struct npu_candidate *c,
		     unsigned int core);
	bool (*vary)(const struct npu_search *s, const struct npu_candidate *c, unsigned int i,
		     struct npu_candidate *v);
	struct npu_candidate *candidate;
	unsigned int count, room;
	int error;
	struct npu_timer *timer;
};

/** npu_search_look() - count a look at a way to do it; false: enough, there are some and no effort */
bool npu_search_look(struct npu_search *s);
void npu_search_add(struct npu_search *s, const struct npu_candidate *c);

/**
 * npu_search_run() - try the promising ones by the card's model of time, keep the best; frees the
 * candidates
 *
 * Returns 0; -ENOMEM; -ENOTSUP: none fits into the card.
 */
int npu_search_run(struct npu_search *s, struct npu_gang *best);

/** npu_share() - part @i of @parts of @total units: the first ones are the larger ones */
void npu_share(uint32_t total, uint32_t unit, uint32_t parts, uint32_t i, uint32_t *first,
	       uint32_t *end);

/* ---- Programs -------------------------------------------------------------------------------- */

/**
 * struct npu_spec - an operation as a program: its inputs and outputs
 * @tensor: used ones first
 * @count: how many
 */
struct npu_spec {
	struct npu_tensor_info tensor[8];
	unsigned int count;
};

/**
 * npu_spec_add() - a tensor that is dense, or that spans @span elements
 * @span: 0: dense
 */
struct npu_tensor_info *npu_spec_add(struct npu_spec *spec, const char *name, uint32_t region,
				     uint32_t role, uint32_t type, uint64_t span, uint32_t dims,
				     const uint32_t *shape);

/** npu_spec_product() - the tensors that an epilogue and zero points bring along */
void npu_spec_product(struct npu_spec *spec, const struct npu_epilogue *ep, uint32_t channels);

/**
 * struct npu_layout - where a tensor's elements are: runs of them, at strides
 * @run: elements side by side
 * @count: of runs, in three dimensions; 0 as 1
 * @stride: elements between them
 */
struct npu_layout {
	uint64_t run;
	uint64_t count[3];
	uint64_t stride[3];
};

/**
 * struct npu_op - an operation that can be compiled
 * @name: for messages
 * @size: of its descriptor
 * @normalise: check a descriptor and write it with all defaults filled in; equal ones become equal
 *	bytes
 * @compile: streams of a normalised descriptor
 * @describe: tensors of a normalised descriptor
 * @layout: of the tensor of a region; comes filled in as dense, and stays so for vectors
 * @in_place: bit r: the output may be the tensor of region r itself: each element is read once,
 *	by the tile that writes it
 */
struct npu_op {
	const char *name;
	size_t size;
	int (*normalise)(const void *desc, void *out);
	int (*compile)(const struct npu_caps *caps, const void *desc, struct npu_effort *effort,
		       struct npu_gang *gang);
	void (*describe)(const void *desc, struct npu_spec *spec);
	void (*layout)(const void *desc, unsigned int region, struct npu_layout *l);
	uint32_t in_place;
};

/** npu_nhwc_layout() - of a tensor with strides of columns, rows, images */
struct npu_layout npu_nhwc_layout(const uint64_t stride[3], uint32_t channels, uint32_t w,
				  uint32_t h, uint32_t batch);

/**
 * npu_overlap_check() - -EINVAL if the output shares bytes with an input, unless it may
 * @desc: normalised
 * @refs: by region; all of the program's have a buffer
 */
int npu_overlap_check(const struct npu_op *op, const void *desc, const struct npu_program *prog,
		      const struct npu_ref *refs);

#define NPU_OP_MAX_DESC 512

/** npu_op_work() - the least a product has to do (zero: it is none). @desc: normalised */
void npu_op_work(const struct npu_op *op, const void *desc, struct npu_work *work);

/**
 * npu_nhwc_strides() - fill in strides of columns, rows, images that are 0; -EINVAL if elements
 * would meet
 */
int npu_nhwc_strides(const char *what, uint64_t stride[3], uint32_t channels, uint32_t w,
		     uint32_t h, uint32_t batch);

/** npu_nhwc_span() - elements from the first to the last */
uint64_t npu_nhwc_span(const uint64_t stride[3], uint32_t channels, uint32_t w, uint32_t h,
		       uint32_t batch);

/**
 * npu_window_count() - outputs of an axis: places of a window on @in padded elements; 0: it is
 * larger than they are. A stride or dilation of 0 is 1
 */
uint32_t npu_window_count(uint32_t in, uint32_t pad_lo, uint32_t pad_hi, uint32_t kernel,
			  uint32_t stride, uint32_t dilation);

/** npu_window_check() - are these numbers of a window within the fields of commands? */
int npu_window_check(uint32_t kernel_h, uint32_t kernel_w, uint32_t stride_h, uint32_t stride_w,
		     uint32_t dilation_h, uint32_t dilation_w, const uint32_t pad[4]);

/** npu_pool_stages() - append what comes after the pooling */
void npu_pool_stages(struct npu_vpu_pipe *p, const struct npu_pool2d *d);

extern const struct npu_op npu_op_matmul, npu_op_conv2d, npu_op_pool2d, npu_op_add;

/** npu_op_program() - compile; the caller's */
int npu_op_program(struct npu_device *dev, const struct npu_op *op, const void *desc,
		   struct npu_program **prog);

/** npu_op_run() - compile unless the device has it, bind, submit */
int npu_op_run(struct npu_queue *queue, const struct npu_op *op, const void *desc,
	       const struct npu_ref *refs, struct npu_fence *const *waits, unsigned int wait_count,
	       struct npu_fence **fence);

#endif
