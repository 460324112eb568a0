/* SPDX-License-Identifier: MIT */
/*
 * Copyright (c) 2026 the npu authors
 *
 * A convolution's tiles under way: what its loads (conv_load.c) and its commands (conv.c) share.
 */
#ifndef NPU_KERNELS_CONV_EMIT_H
#define NPU_KERNELS_CONV_EMIT_H

#include "conv.h"

/* A range of coordinates. */
struct range {
	uint32_t first, end;
};

static inline uint32_t length(struct range r)
{
	return r.end - r.first;
}

/*
 * The output channels of a tile: @on of each of @gn groups. Depthwise: channels [o0, o0 + on) of
 * one group.
 */
struct channels {
	uint32_t g0, gn, o0, on;
};

/* One step through the kernel, or a piece of it: k in [k0, k0 + count). */
struct step {
	uint32_t r0, rows, s0, cols, c0, channels;
	uint64_t k0, count;
	uint32_t number;
};

static inline void set_k(const struct npu_conv_view *v, struct step *s)
{
	uint64_t tap = (uint64_t)s->r0 * v->kernel_w + s->s0;

	s->k0 = v->depthwise ? tap : tap * v->cg + s->c0;
	s->count = (uint64_t)s->rows * s->cols * (v->depthwise ? 1 : s->channels);
}

struct tile {
	struct range images, y, x;
	struct channels ch;
	struct npu_tile out;
	bool first, last;
};

/* A block of input in SPM: images, rows, columns, channels; its strides. */
struct block {
	uint32_t addr;
	struct range rows, cols;
	uint32_t channels;
	uint32_t stride[3];
};

/*
 * A part of a turned tile that is loaded and gathered, and waits for its products: its pixels stand
 * @pixel_stride bytes apart, and their groups' products @group_stride.
 */
struct ahead {
	struct tile tile;
	struct npu_part part;
	struct block b;
	uint32_t weights;
	uint32_t pixels, pixel_stride, group_stride;
};

struct work {
	struct npu_emit *e;
	const struct npu_conv_view *v;
	const uint32_t *p;
	struct range images, rows, columns, chans; /* chans: output channels, or groups */
	struct npu_slots in, weights, acc;
	uint32_t *loaded; /* of each input block: rows that are there, behind the last */
	struct range partial; /* rows before this, and channels of them, of the block under way */
	struct npu_vector in_zp, weight_zp;
	struct npu_finish finish;
	struct npu_slots gathered;
	struct ahead ahead[NPU_CONV_AHEAD]; /* in order, the oldest first */
	unsigned int ahead_count;
};

/** npu_conv_inside() - of outputs along an axis, those whose tap lies inside of the input */
struct range npu_conv_inside(struct range out, uint32_t stride, uint32_t pad, int64_t tap,
			     uint32_t in);

/** npu_conv_zero_points() - fill in those of the input and of the tile's weights from @col on */
void npu_conv_zero_points(struct work *w, struct npu_mxu_operands *o, const struct channels *ch,
			  uint32_t col);

/** npu_conv_fits16() - can a command's field of padding hold it? */
static inline bool npu_conv_fits16(int64_t v)
{
	return v >= INT16_MIN && v <= INT16_MAX;
}

/**
 * npu_conv_turned_begin(), npu_conv_turned_tile(), npu_conv_turned_end() - places, each tile, and
 * what is still under way behind the last
 */
void npu_conv_turned_begin(struct work *w);
void npu_conv_turned_tile(struct work *w, const struct tile *t);
void npu_conv_turned_end(struct work *w);

/** npu_conv_input_channels() - input channels that a tile's outputs come from */
struct range npu_conv_input_channels(const struct npu_conv_view *v, const struct channels *ch);

/** npu_conv_block_strides() - fill in strides of a dense block of so many rows */
void npu_conv_block_strides(const struct npu_conv_view *v, struct block *b, uint32_t rows);

/**
 * npu_conv_load_pixels() - images, rows, columns, every so many of them, and channels, of the
 * input
 */
void npu_conv_load_pixels(struct work *w, const struct block *b, uint32_t addr, struct range images,
			  struct range rows, struct range cols, uint32_t row_step,
			  uint32_t col_step, struct range chans);

/** npu_conv_get_block() - the block of a tile */
void npu_conv_get_block(struct work *w, const struct tile *t, struct block *b);

/**
 * npu_conv_load_piece() - what a part's piece reads of the block, unless it is there: all rows
 * that the part reads. In a core's first tile it is the piece's kernel rows, and there and in
 * the last one, of rows that are new, the channels up to the piece's; the pieces that follow
 * complete these rows
 */
void npu_conv_load_piece(struct work *w, const struct tile *t, const struct block *b,
			 const struct step *piece, const struct npu_part *part);

/**
 * npu_conv_splits_group() - does the step begin within a packed group of successive k? Then it
 * is unpacked as it is loaded
 */
bool npu_conv_splits_group(const struct npu_conv_view *v, const struct step *s);

/**
 * npu_conv_weight_stride() - bytes of SPM between packed blocks of a step's weights, or rows, or
 * columns
 */
uint32_t npu_conv_weight_stride(const struct npu_conv_view *v, const struct channels *ch,
				const struct step *s);

/** npu_conv_weight_group_stride() - bytes of SPM between groups of channels */
uint32_t npu_conv_weight_group_stride(const struct npu_conv_view *v, const struct channels *ch,
				      const struct step *s);

/**
 * npu_conv_place_weights() - where a step's weights stand in SPM, and whether they have to be
 * loaded. Rows: [k][gn * on], for each pixel side by side. Packed: group after group of [on /
 * 16][k][16], or unpacked [on][k]
 */
bool npu_conv_place_weights(struct work *w, const struct channels *ch, const struct step *s,
			    uint32_t *addr);

/**
 * npu_conv_weight_address() - where the weights of a piece of a step begin, from column @col of
 * the tile on
 */
uint32_t npu_conv_weight_address(const struct npu_conv_view *v, const struct channels *ch,
				 const struct step *s, uint32_t addr, const struct step *piece,
				 uint32_t col, uint32_t pixels);

/**
 * npu_conv_load_weights() - load a piece's weights, of columns [@part->col, + @part->cols) of
 * the tile
 */
void npu_conv_load_weights(struct work *w, const struct channels *ch, const struct step *s,
			   uint32_t addr, const struct step *piece, const struct npu_part *part);

#endif
