/* SPDX-License-Identifier: MIT */
/*
 * Copyright (c) 2026 the npu authors
 *
 * Groups of steps whose tensors stay in SPM from one to the next.
 *
 * A group is a run of convolutions, products with constant weights and pools. Each step is split
 * over the cores, by rows or by channels; of each tensor a core has the part that it makes or
 * reads, as a dense block at a place of its own for as long as it is needed. What a core reads of
 * a tensor and another core made, goes through local memory, behind a barrier. Everything else
 * that moves are weights: they stream through a ring in what SPM is left, far ahead of the array.
 *
 * resident_find.c decides what is a group, resident.c who does what and what lies where,
 * resident_emit.c and resident_ring.c write streams.
 */
#ifndef NPU_GRAPH_RESIDENT_H
#define NPU_GRAPH_RESIDENT_H

#include "lower.h"

/** struct npu_resident_box - rows and channels of a tensor, [0] to [1] - 1; columns are all there */
struct npu_resident_box {
	uint32_t row[2], ch[2];
};

/**
 * struct npu_resident_tensor - a tensor of a group
 * @ref: in memory
 * @stride: there, bytes between columns and rows
 * @h, @w, @c, @size: rows, columns, channels, bytes of an element
 * @producer: step of the group; -1: it comes from memory
 * @first, @last: steps of the group while it is in SPM
 * @loaded: the first step that reads it, behind the barrier if parts come from others
 * @kept: somebody outside the group reads it: all of it goes to memory
 * @home: of each core: what it must make; together they are the tensor
 * @own: what it does make: more than @home where that spares a barrier
 * @need: what it reads
 * @hold: what it has in SPM: @own and @need
 * @addr: in SPM, the same on all cores
 * @bytes: there, at most
 */
struct npu_resident_tensor {
	struct npu_lower_ref ref;
	uint64_t stride[2];
	uint32_t h, w, c, size;
	int producer, first, last, loaded;
	bool kept;
	struct npu_resident_box home[NPU_MAX_CORES], own[NPU_MAX_CORES], need[NPU_MAX_CORES],
		hold[NPU_MAX_CORES];
	uint32_t addr;
	uint64_t bytes;
};

/**
 * struct npu_resident_step - a step of a group
 * @number: among all steps
 * @is_pool: @pool counts, else @conv; normalised (products of matrices: a column of pixels)
 * @depthwise: channel by channel
 * @in, @residual, @out: tensors; @residual may be -1
 * @by_rows: the cores' split; else by channels
 * @barrier: before it
 * @with_previous: a pool that is done row by row while the step before it goes on
 * @tile_rows: output rows of a tile of pixels
 * @tile_cols: channels of a tile
 * @pixels_outer: weights of all channels stay while tiles of pixels pass; else the other way round
 * @chunk: kernel rows, kernel columns and channels of a command; of a block of weights
 */
struct npu_resident_step {
	unsigned int number;
	bool is_pool, depthwise;
	struct npu_conv2d conv;
	struct npu_pool2d pool;
	struct npu_lower_ref weights, bias, scale;
	int in, residual, out;
	bool by_rows, barrier, with_previous;
	uint32_t tile_rows, tile_cols;
	bool pixels_outer;
	uint32_t chunk[3];
};

/**
 * struct npu_resident - a group
 * @first: step, among all; @steps: how many
 * @top: of each step: where tensors in SPM begin; below is the ring
 * @vectors: bytes at the bottom of SPM: a ring for bias and scales
 */
struct npu_resident {
	const struct npu_caps *caps;
	unsigned int first, steps, tensors;
	struct npu_resident_step *step;
	struct npu_resident_tensor *tensor;
	uint32_t *top;
	uint32_t vectors;
	unsigned int cores;
};

static inline bool npu_resident_empty(const struct npu_resident_box *b)
{
	return b->row[0] >= b->row[1] || b->ch[0] >= b->ch[1];
}

static inline struct npu_resident_box npu_resident_cut(const struct npu_resident_box *a,
						       const struct npu_resident_box *b)
{
	return (struct npu_resident_box){
		{ (uint32_t)npu_max(a->row[0], b->row[0]),
		  (uint32_t)npu_min(a->row[1], b->row[1]) },
		{ (uint32_t)npu_max(a->ch[0], b->ch[0]), (uint32_t)npu_min(a->ch[1], b->ch[1]) },
	};
}

/**
 * npu_resident_rest() - what of @need is not in @own: up to four boxes
 */
unsigned int npu_resident_rest(const struct npu_resident_box *need,
			       const struct npu_resident_box *own, struct npu_resident_box rest[4]);

/** npu_resident_weights() - bytes of a block: @k successive products of @columns */
uint64_t npu_resident_weights(const struct npu_resident_step *s, uint64_t k, uint32_t columns);

/** npu_resident_mxu() - cycles of the array for a command: @pixels times @k times @columns */
uint64_t npu_resident_mxu(const struct npu_caps *caps, const struct npu_resident_step *s,
			  uint64_t pixels, uint64_t k, uint64_t columns);

/** npu_resident_window() - input rows that output rows @out read: [row[0], row[1]) */
void npu_resident_window(const struct npu_resident_step *s, const uint32_t out[2], uint32_t row[2]);

/** npu_resident_collect() - as many steps from @first on as can be a group, at most @most */
int npu_resident_collect(const struct npu_lower *l, struct npu_resident *r, unsigned int first,
			 unsigned int most);

/**
 * npu_resident_arrange() - who does what, and places; false: it does not fit
 * @least_rows: images of so many rows are split by rows
 * @pixels: of a tile, at most
 */
bool npu_resident_arrange(struct npu_resident *r, uint32_t least_rows, uint32_t pixels);

/** npu_resident_exchanged() - does some core read what another one makes? */
bool npu_resident_exchanged(const struct npu_resident *r, const struct npu_resident_tensor *t);

/**
 * npu_resident_find() - groups of the graph's steps; l->resident. Their tensors that never are in
 * memory need no place there, the others live a little longer
 */
int npu_resident_find(struct npu_lower *l);

/**
 * npu_resident_emit() - append a group's commands
 * @stream: one a core
 * @barrier: becomes the step of the last barrier, if there is one
 *
 * 0, -ENOSPC: weights do not fit between the tensors, -ENOMEM.
 */
int npu_resident_emit(const struct npu_lower *l, const struct npu_resident *r,
		      struct npu_stream *const *stream, unsigned int *barrier);

void npu_resident_free(struct npu_resident *r);

#endif
