/* SPDX-License-Identifier: MIT */
/*
 * Copyright (c) 2026 the npu authors
 *
 * A convolution on its way from descriptor (conv_desc.c) over plan (conv_plan.c) to commands
 * (conv.c; conv_turned.c).
 */
#ifndef NPU_KERNELS_CONV_H
#define NPU_KERNELS_CONV_H

#include "plan.h"

/* Parts of turned tiles under way, at most. */
#define NPU_CONV_AHEAD 3u

/* What pixels are of the product that a convolution becomes: its rows, or its columns. */
enum npu_conv_way { NPU_CONV_EITHER, NPU_CONV_STRAIGHT, NPU_CONV_TURNED };

/**
 * struct npu_conv_view - a convolution as it is carried out
 * @d: normalised descriptor
 * @in_base: elements to the view's first pixel
 * @in_stride: elements between its columns, rows, images
 * @in_size, @weight_size: bytes of an element
 * @cg, @og: input and output channels a group
 * @depthwise: channel by channel; then @groups counts for nothing
 * @packed: weights are
 * @pack_group: successive k in a packed group
 * @packed_block: bytes of a packed block of columns
 * @packed_group_bytes: of a group of channels
 * @acc_type: NPU_S32 or NPU_FP32
 * @products: k of an output
 * @way: which ones are considered
 *
 * The rest is as in the descriptor, after what is said at the head of conv.c about strides.
 */
struct npu_conv_view {
	const struct npu_conv2d *d;
	uint32_t batch, groups;
	uint32_t in_h, in_w, in_c;
	uint32_t out_h, out_w;
	uint32_t kernel_h, kernel_w, stride_h, stride_w, dilation_h, dilation_w;
	uint32_t pad_top, pad_left;
	uint64_t in_base, in_stride[3];
	uint32_t in_size, weight_size;
	uint32_t cg, og;
	bool depthwise, packed;
	uint32_t pack_group;
	uint64_t packed_block, packed_group_bytes;
	uint32_t acc_type;
	uint64_t products;
	enum npu_conv_way way;
};

/* Parameters of a candidate. */
enum {
	CORES_BATCH, CORES_ROWS, CORES_CHANNELS,
	IMAGES, TILE_H, TILE_W,
	CHANNELS,		/* of a tile, of one group */
	GROUPS,			/* of a tile; 1: CHANNELS counts */
	GROUP_ROWS,		/* output rows that share an input block */
	STEP_ROWS, STEP_COLS, STEP_C,
	BY_TAP, ORDER,
	IN_SLOTS, WEIGHT_SLOTS, ACC_SLOTS, OUT_SLOTS,
	HEAD,			/* k of pieces of a core's first step, about; 0: it is one piece */
	HEAD_COLS,		/* of parts of the first of them; 0: all */
	HEAD_ROWS,		/* likewise, where its first tile is one piece; 0: all */
	TAIL,			/* k of the last piece of its last step; 0: it is one piece */
	TAIL_COLS, TAIL_ROWS,	/* of parts of that; 0: all */
	PIXELS,			/* depthwise: output columns side by side in the array; 1: each alone */
	TURNED,			/* pixels are the columns of the product (conv_turned.c) */
	AHEAD,			/* of these: parts under way, and places for what is gathered */
};

enum { CHANNELS_INNER, CHANNELS_OUTER };

/** npu_conv_is_depthwise() - channel by channel */
bool npu_conv_is_depthwise(const struct npu_conv2d *d);

/** npu_conv_compile() - streams of a normalised descriptor */
int npu_conv_compile(const struct npu_caps *caps, const void *desc, struct npu_effort *effort,
		     struct npu_gang *gang);

/**
 * npu_conv_compile_straight(), npu_conv_compile_turned() - the same, with pixels as rows of the
 * product only, or as columns only; for tests of either
 */
int npu_conv_compile_straight(const struct npu_caps *caps, const void *desc,
			      struct npu_effort *effort, struct npu_gang *gang);
int npu_conv_compile_turned(const struct npu_caps *caps, const void *desc,
			    struct npu_effort *effort, struct npu_gang *gang);

/** npu_conv_emit() - a core's commands, for struct npu_search */
void npu_conv_emit(struct npu_emit *e, const void *problem, const struct npu_candidate *c,
		   unsigned int core);

/** npu_conv_in_block(), npu_conv_weight_block() - bytes of a place for input, for weights */
uint64_t npu_conv_in_block(const struct npu_conv_view *v, const uint32_t *p);
uint64_t npu_conv_weight_block(const struct npu_conv_view *v, const uint32_t *p);

/**
 * npu_conv_turned_pays() - a quick bound: may pixels as columns be quicker, for so many images and
 * rows and @chans of npu_conv_channel_units()?
 */
bool npu_conv_turned_pays(const struct npu_caps *caps, const struct npu_conv_view *v,
			  uint64_t images, uint64_t rows, uint64_t chans);

/** npu_conv_turned_mxu() - about the cycles that these take of the array, in @tiles tiles */
uint64_t npu_conv_turned_mxu(const struct npu_caps *caps, const struct npu_conv_view *v,
			     uint64_t images, uint64_t rows, uint64_t chans, uint64_t tiles);

/** npu_conv_turned_gathered() - elements that the VPU brings together for a tile; 0: none */
uint64_t npu_conv_turned_gathered(const struct npu_conv_view *v, const uint32_t *p);

/** npu_conv_turned_weights() - bytes of a tile's weights, turned round */
uint64_t npu_conv_turned_weights(const struct npu_conv_view *v, uint32_t groups, uint32_t on);

/**
 * npu_conv_channel_units() - what cores divide among them: output channels, or groups; and in
 * multiples of what
 */
uint32_t npu_conv_channel_units(const struct npu_conv_view *v);
uint32_t npu_conv_channel_unit(const struct npu_caps *caps, const struct npu_conv_view *v,
			       uint32_t parts);

#endif
