/* SPDX-License-Identifier: MIT */
/*
 * Copyright (c) 2026 the npu authors
 *
 * What all kernels emit with: places in SPM and ACC, blocks that are loaded unless they are still
 * there, vectors, and the way of a finished tile of sums to memory.
 *
 * Kernels append commands in program order and never think of semaphores (npu_stream_sync()).
 * Overlap comes from slots: blocks of one kind live in a ring of equal places that are reused in
 * turn, so a load for the next tile only waits for the one that used its place before.
 *
 * Nothing here fails loudly: running out of memory sticks to the stream, running out of SPM or ACC
 * to struct npu_emit; a planner asks once at the end whether what it tried fits.
 */
#ifndef NPU_KERNELS_EMIT_H
#define NPU_KERNELS_EMIT_H

#include "isa/stream.h"
#include "npu/ops.h"

/* Places begin at multiples of this: a burst, and what packed operands need. */
#define NPU_EMIT_ALIGN 64u

/**
 * struct npu_emit - a stream under way
 * @s: where commands go
 * @caps: of the card
 * @spm: bytes of SPM given away
 * @acc: bytes of ACC given away
 * @full: something did not fit: the stream is useless
 */
struct npu_emit {
	struct npu_stream *s;
	const struct npu_caps *caps;
	uint32_t spm;
	uint32_t acc;
	bool full;
};

/**
 * struct npu_slots - a ring of equal places
 * @base: of the first
 * @size: bytes of each
 * @count: how many
 * @next: the one to be used next
 * @key: what each holds; UINT64_MAX: nothing
 */
struct npu_slots {
	uint32_t base;
	uint32_t size;
	uint32_t count;
	uint32_t next;
	uint64_t *key;
};

/** npu_slots_spm(), npu_slots_acc() - @count places of @size bytes */
void npu_slots_spm(struct npu_emit *e, struct npu_slots *slots, uint64_t size, uint32_t count);
void npu_slots_acc(struct npu_emit *e, struct npu_slots *slots, uint64_t size, uint32_t count);
void npu_slots_free(struct npu_slots *slots);

/**
 * npu_slots_get() - place of what @key names; false: it has to be loaded there (in the place used
 * longest ago)
 */
bool npu_slots_get(struct npu_slots *slots, uint64_t key, uint32_t *addr);

/** npu_slots_next() - a place for something new */
uint32_t npu_slots_next(struct npu_slots *slots);

/** npu_type_size() - bytes of an element */
uint32_t npu_type_size(uint32_t type);

/** npu_is_float() - BF16, FP16 or FP32 */
bool npu_is_float(uint32_t type);

/**
 * struct npu_box - a block of memory with up to four dimensions, and its place in SPM
 * @region: in memory
 * @element: bytes of an element: 1, 2 or 4
 * @offset: bytes from the region's base
 * @size: elements; unused dimensions are 1. Dimension 0 is contiguous on both sides
 * @mem_stride: bytes, of dimensions 1 to 3
 * @spm: address
 * @spm_stride: bytes
 */
struct npu_box {
	uint32_t region;
	uint32_t element;
	int64_t offset;
	uint32_t size[4];
	int64_t mem_stride[3];
	uint32_t spm;
	uint32_t spm_stride[3];
};

/** npu_emit_load() - LOAD a box */
void npu_emit_load(struct npu_emit *e, const struct npu_box *box);

/** npu_emit_store() - STORE a box; from ACC if @acc */
void npu_emit_store(struct npu_emit *e, const struct npu_box *box, bool acc);

/**
 * struct npu_vector - a vector of memory, loaded when needed
 * @region: in memory
 * @element: bytes
 * @first: what the core needs begins there
 * @part: elements loaded at a time: all, or as many as a tile asks for
 * @end: what the core needs ends there
 * @slots: where parts are
 */
struct npu_vector {
	uint32_t region;
	uint32_t element;
	uint32_t first;
	uint32_t part;
	uint32_t end;
	struct npu_slots slots;
};

/**
 * npu_vector_init() - give it a place in SPM
 * @tile: elements asked for at a time, at most
 */
void npu_vector_init(struct npu_emit *e, struct npu_vector *v, uint32_t region, uint32_t element,
		     uint32_t first, uint32_t end, uint32_t tile);
void npu_vector_free(struct npu_vector *v);

/**
 * npu_vector_get() - SPM address of a tile's elements, from @i on; loads them unless they are there
 */
uint32_t npu_vector_get(struct npu_emit *e, struct npu_vector *v, uint32_t i);

/* ---- From sums to memory --------------------------------------------------------------------- */

/**
 * struct npu_finish - the epilogue of a core's tiles
 * @ep: what is asked for
 * @acc_type: NPU_S32 or NPU_FP32
 * @raw: ACC holds the result as it is: no VPU pass
 * @bias, @scale: vectors of channels
 * @out, @residual: tiles in SPM
 * @at: where those of the tile under way are
 */
struct npu_finish {
	const struct npu_epilogue *ep;
	uint32_t acc_type;
	bool raw;
	struct npu_vector bias, scale;
	struct npu_slots out, residual;
	struct {
		uint32_t out, residual, bias, scale;
	} at;
};

/**
 * npu_finish_bytes() - SPM it needs at most, for tiles of @elements, a core's @columns in tiles of
 * @tile
 */
uint64_t npu_finish_bytes(const struct npu_epilogue *ep, uint32_t acc_type, uint64_t elements,
			  uint32_t columns, uint32_t tile, uint32_t slots);

/**
 * npu_finish_init() - places for tiles of at most @elements; channels [@first, @end) in tiles of
 * @tile
 */
void npu_finish_init(struct npu_emit *e, struct npu_finish *f, const struct npu_epilogue *ep,
		     uint32_t acc_type, uint64_t elements, uint32_t first, uint32_t end,
		     uint32_t tile, uint32_t slots);
void npu_finish_free(struct npu_finish *f);

/**
 * struct npu_tile - a tile of sums, dense in ACC: [rows[2]][rows[1]][rows[0]][cols]
 * @acc: address
 * @cols: channels
 * @col0: first channel
 * @rows: the other dimensions, inner first
 * @out: offset of its first element in the output, in elements
 * @out_stride: of @rows, in elements
 * @residual: likewise, of the residual
 * @residual_stride: likewise
 */
struct npu_tile {
	uint32_t acc;
	uint32_t cols;
	uint32_t col0;
	uint32_t rows[3];
	uint64_t out;
	uint64_t out_stride[3];
	uint64_t residual;
	uint64_t residual_stride[3];
};

/**
 * struct npu_finish_places - what one VPU pass of an epilogue reads and writes, at strides of so
 * many bytes
 * @acc, @acc_stride: sums; strides of channels, then of up to three other dimensions
 * @out, @out_stride: results: channels side by side, and the other dimensions
 * @residual, @residual_stride: likewise
 * @bias, @scale: of the first channel
 */
struct npu_finish_places {
	uint32_t acc, acc_stride[4];
	uint32_t out, out_stride[3];
	uint32_t residual, residual_stride[3];
	uint32_t bias, scale;
};

/** npu_finish_pipe() - the operands and stages of an epilogue that needs a VPU pass */
void npu_finish_pipe(struct npu_vpu_pipe *p, const struct npu_epilogue *ep, uint32_t acc_type,
		     const struct npu_finish_places *at);

/**
 * struct npu_part - a part of a tile: columns, and coordinates of the tile's outermost dimension
 * that is larger than 1
 */
struct npu_part {
	uint32_t col, cols;
	uint32_t row, rows;
};

/**
 * struct npu_parts - a tile in parts, so that the first is begun, or the last finished, sooner
 * @cols: columns of a part; 0: all
 * @rows: rows of a part; 0: all
 */
struct npu_parts {
	uint32_t cols;
	uint32_t rows;
};

/** npu_tile_cut() - which of @rows parts cut */
unsigned int npu_tile_cut(const struct npu_tile *tile);

/**
 * npu_part_next() - the next part, rows first; @part begins as zeros
 */
bool npu_part_next(const struct npu_parts *how, const struct npu_tile *tile, struct npu_part *part);

/**
 * npu_finish_begin(), npu_finish_part() - epilogue and STORE: what a tile's parts have in common,
 * then each of them
 */
void npu_finish_begin(struct npu_emit *e, struct npu_finish *f, const struct npu_tile *tile);
void npu_finish_part(struct npu_emit *e, struct npu_finish *f, const struct npu_tile *tile,
		     const struct npu_part *part);

/**
 * struct npu_sums - sums of a tile that do not lie in ACC as struct npu_tile says: a box of it, all
 * its columns
 * @acc: of the first
 * @acc_stride: bytes between columns, and along each of the tile's @rows
 * @first: of the box, in the tile
 * @size: of the box
 */
struct npu_sums {
	uint32_t acc;
	uint32_t acc_stride[4];
	uint32_t first[3];
	uint32_t size[3];
};

/**
 * npu_finish_sums(), npu_finish_store() - npu_finish_part() for such sums: the epilogue of each of
 * the boxes that a part consists of, then its STORE
 */
void npu_finish_sums(struct npu_emit *e, struct npu_finish *f, const struct npu_tile *tile,
		     const struct npu_sums *sums);
void npu_finish_store(struct npu_emit *e, struct npu_finish *f, const struct npu_tile *tile,
		      const struct npu_part *part);

/** npu_zero_point_check() - 0, or -EINVAL naming @what; @allowed: bits of enum npu_per */
int npu_zero_point_check(const char *what, uint32_t per, uint32_t allowed, uint32_t type,
			 int32_t zp);

/** npu_epilogue_check() - 0, or -EINVAL naming the field */
int npu_epilogue_check(const struct npu_epilogue *ep);

/**
 * npu_epilogue_stays() - nothing is asked for after the bias, and the types agree: without a bias
 * no VPU pass is needed
 */
bool npu_epilogue_stays(const struct npu_epilogue *ep, uint32_t acc_type);

/** npu_emit_activation() - append the stages of an activation */
void npu_emit_activation(struct npu_vpu_pipe *p, uint32_t activation, float lo, float hi);

/** npu_emit_stage() - append a stage */
void npu_emit_stage(struct npu_vpu_pipe *p, uint8_t op, uint8_t src, uint8_t src2, uint32_t imm);

/** npu_float_bits() - binary32's bits */
static inline uint32_t npu_float_bits(float v)
{
	uint32_t u;

	__builtin_memcpy(&u, &v, sizeof(u));
	return u;
}

/* No tensor reaches further than this many elements: offsets stay far from overflow. */
#define NPU_MAX_SPAN (1ull << 46)

/** npu_span_fits() - (@batch - 1) * @batch_stride + @rows * @stride stays within NPU_MAX_SPAN */
static inline bool npu_span_fits(uint64_t batch, uint64_t batch_stride, uint64_t rows,
				 uint64_t stride)
{
	return (unsigned __int128)(batch - 1) * batch_stride + (unsigned __int128)rows * stride <=
	       NPU_MAX_SPAN;
}

static inline uint64_t npu_div_up(uint64_t a, uint64_t b)
{
	return (a + b - 1) / b;
}

static inline uint64_t npu_round_up(uint64_t a, uint64_t b)
{
	return npu_div_up(a, b) * b;
}

static inline uint64_t npu_min(uint64_t a, uint64_t b)
{
	return a < b ? a : b;
}

static inline uint64_t npu_max(uint64_t a, uint64_t b)
{
	return a > b ? a : b;
}

/** npu_pack_group() - elements of successive k side by side in a packed operand: 4 bytes of them */
static inline uint32_t npu_pack_group(uint32_t type)
{
	return npu_type_size(type) == 2 ? 2 : 4;
}

/** npu_k_unit() - k is cut in multiples of this: passes of the array, whole groups of packed k */
static inline uint32_t npu_k_unit(const struct npu_caps *caps)
{
	return (uint32_t)npu_round_up(caps->array_rows, 4);
}

/** npu_column_unit() - columns are, on an array of @width: its passes, where packed blocks allow */
static inline uint32_t npu_column_unit(uint32_t width)
{
	return width % NPU_PACK_COLS ? NPU_PACK_COLS : width;
}

#endif
