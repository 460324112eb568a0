/* SPDX-License-Identifier: MIT */
/*
 * Copyright (c) 2026 the npu authors
 *
 * A core's stream under way: what resident_emit.c (tensors, tiles) and resident_ring.c (weights)
 * share.
 */
#ifndef NPU_GRAPH_RESIDENT_CORE_H
#define NPU_GRAPH_RESIDENT_CORE_H

#include "isa/stream.h"
#include "npu/stream.h"

#include "resident.h"

/**
 * struct npu_resident_block - weights of a tile of channels and a chunk of k, or a step's bias and scales
 * @step: of the group
 * @vectors: the latter
 * @ch: channels [0] to [1] - 1
 * @k, @count: successive products
 * @bytes, @addr: its place in the ring
 * @loaded: LOAD was appended
 * @retired: and its last use
 * @ready: when it will have been loaded, estimated
 */
struct npu_resident_block {
	unsigned int step;
	bool vectors, loaded, retired;
	uint32_t ch[2];
	uint64_t k, count;
	uint32_t bytes, addr;
	uint64_t ready;
};

struct npu_resident_core {
	const struct npu_lower *l;
	const struct npu_resident *r;
	struct npu_stream *s;
	unsigned int number, step;
	struct npu_resident_block *block;
	unsigned int blocks, block_room;
	unsigned int next, oldest; /* to be loaded; in the ring */
	uint32_t at; /* end of the last block in the ring */
	uint32_t vector_at; /* and of the last vectors in theirs */
	uint32_t *vectors; /* of each step: where they are; UINT32_MAX: nowhere */
	uint32_t acc;
	uint64_t mxu, load; /* estimated time of the engines */
	uint64_t *work; /* of each step, estimated cycles of the array */
	uint64_t left; /* of this step's */
	int error;
};

/* A part of the kernel that one command does: successive k. */
struct npu_resident_chunk {
	uint32_t r, rows, s, cols, c, channels;
	uint64_t k, count;
};

/** npu_resident_region() - of a tensor or constant; @offset: of its first byte */
uint8_t npu_resident_region(const struct npu_resident_core *c, const struct npu_lower_ref *ref,
			    int64_t *offset);

/** npu_resident_first_chunk(), npu_resident_next_chunk() - through the kernel; false: that was all */
void npu_resident_first_chunk(const struct npu_resident_step *s, struct npu_resident_chunk *ch);
bool npu_resident_next_chunk(const struct npu_resident_step *s, struct npu_resident_chunk *ch);

/** npu_resident_list() - all blocks of a core, in the order in which they are first used */
void npu_resident_list(struct npu_resident_core *c);

/** npu_resident_block() - of this step: weights of channels from @ch, products from @k; -1: none */
int npu_resident_block(const struct npu_resident_core *c, uint32_t ch, uint64_t k);

/** npu_resident_require() - load blocks up to @number (-1: none); -ENOSPC sticks if they do not fit */
void npu_resident_require(struct npu_resident_core *c, int number);

/** npu_resident_pump() - load what there is room for */
void npu_resident_pump(struct npu_resident_core *c);

#endif
