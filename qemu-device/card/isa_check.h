/* SPDX-License-Identifier: MIT */
/*
 * Copyright (c) 2026 the npu authors
 *
 * What the files that make up npu_isa_check() share: where a strided tensor begins and ends,
 * whether it falls onto itself, and sets of bytes. Private to isa*.c.
 */
#ifndef NPU_CARD_ISA_CHECK_H
#define NPU_CARD_ISA_CHECK_H

#include "card.h"
#include "isa.h"

#if __BYTE_ORDER__ != __ORDER_LITTLE_ENDIAN__
#error "commands are read in place: little-endian hosts only"
#endif

/* Where a field stands in its command. */
#define AT(type, field) offsetof(struct type, field)

#define CHECK(call)                             \
	do {                                    \
		enum npu_reason reason_ = call; \
		if (reason_ != NPU_REASON_NONE) \
			return reason_;         \
	} while (0)

/* Dimensions that nothing in the instruction set exceeds. */
#define SHAPE_DIMS 5

/**
 * struct npu_shape - a tensor as commands describe it
 * @base: address of coordinate 0
 * @run: contiguous bytes there
 * @dims: used
 * @count: coordinates, at least 1
 * @stride: signed bytes
 */
struct npu_shape {
	int64_t base;
	uint64_t run;
	unsigned int dims;
	uint64_t count[SHAPE_DIMS];
	int64_t stride[SHAPE_DIMS];
};

static inline enum npu_reason npu_isa_fail(uint64_t *where, enum npu_reason reason, uint64_t at)
{
	*where = at;
	return reason;
}

static inline void npu_shape_init(struct npu_shape *s, int64_t base, uint64_t run)
{
	s->base = base;
	s->run = run;
	s->dims = 0;
}

static inline void npu_shape_dim(struct npu_shape *s, uint64_t count, int64_t stride)
{
	s->count[s->dims] = count;
	s->stride[s->dims++] = stride;
}

/** npu_shape_bounds() - all of it lies in [0, @limit) */
enum npu_reason npu_shape_bounds(const struct npu_shape *s, uint64_t limit, uint64_t *where);

/**
 * npu_shape_still() - the first dimension larger than 1 with a stride of 0, -1 if there is none
 *
 * What is not still is an output whose coordinates, at least neighbours, are different bytes.
 */
int npu_shape_still(const struct npu_shape *s);

/**
 * npu_shape_nested() - each dimension steps over all that those before it span: no two
 * coordinates meet
 */
bool npu_shape_nested(const struct npu_shape *s);

/**
 * npu_shape_folds() - sorted by size, some stride is less than what the smaller ones span:
 * coordinates may meet
 */
bool npu_shape_folds(const struct npu_shape *s);

/** npu_shape_access() - the set of its bytes */
void npu_shape_access(const struct npu_shape *s, uint8_t space, uint8_t kind, struct npu_access *a);

/**
 * npu_shape_meets() - do an output and an input share a byte
 * @out: in @out_space; where its elements overlap each other it counts as all bytes from its first
 * 	to its last
 * @in: likewise where it has more elements than there are bytes from its first to its last
 */
bool npu_shape_meets(const struct npu_shape *out, uint8_t out_space, const struct npu_access *in);

/* Bytes of an element in SPM or ACC; S4 and U4 have none of their own there. */
static inline unsigned int npu_isa_bytes(uint8_t type)
{
	return npu_isa_type_bits(type) / 8;
}

/**
 * npu_vpu_lut_operands() - bit i: operand i is the table of a LUT stage; @plain: is used
 * otherwise
 */
unsigned int npu_vpu_lut_operands(const struct npu_vpu_pipe *p, unsigned int *plain);

enum npu_reason npu_vpu_check(const struct npu_card_config *cfg, const struct npu_cmd_vpu *cmd,
			      uint64_t *where);
enum npu_reason npu_pool_check(const struct npu_card_config *cfg, const struct npu_cmd_pool *cmd,
			       uint64_t *where);

#endif
