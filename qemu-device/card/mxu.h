/* SPDX-License-Identifier: MIT */
/*
 * Copyright (c) 2026 the npu authors
 *
 * The MXU's inside: a MATMUL or a group of a CONV as one product of matrices, the panels it is
 * cut into, and the kernels that multiply panels.
 *
 * Panels of the first operand are rows of k: bytes, which kernels shift to unsigned (S8 + 128), or
 * binary32. Rows of bytes come in pieces, most of which lie where they are in SPM. Panels of the
 * second are blocks of NPU_PACK_COLS columns, as NPU_B_PACKED: bytes shifted to signed (U8 - 128),
 * or binary32 with one k a group. What lies behind the end of k is zero in the first operand, as
 * shifted (integers), or never looked at (floats).
 */
#ifndef NPU_CARD_MXU_H
#define NPU_CARD_MXU_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "exec.h"

#define NPU_MXU_ROWS	 144 /* of a panel of the first operand */
#define NPU_MXU_COLS	 512 /* of a panel of the second */
#define NPU_MXU_K_I8	 1536 /* of both; a multiple of 4 */
#define NPU_MXU_PIECE	 32 /* bytes of a piece at least, where there are several */
#define NPU_MXU_PIECES	 (NPU_MXU_K_I8 / NPU_MXU_PIECE)
#define NPU_MXU_K_F32	 256
#define NPU_MXU_COLS_F32 512
#define NPU_MXU_LDA_I8	 (NPU_MXU_K_I8 + 64) /* rows do not all fall into one cache set */
#define NPU_MXU_LDA_F32	 (NPU_MXU_K_F32 + 16)

/**
 * struct npu_mxu_dot_i8 - c (+)= a b - az sb - bz ra
 * @a: piece p of row r is at a[p * NPU_MXU_ROWS + r]
 * @b: blocks, @ldb bytes apart
 * @c: of each row, where its first column goes
 * @az: zero point of each row of @a as shifted; NULL: all zero
 * @same_az: from row 1 on all are the same
 * @sb: sums of the columns of @b; used with @az only. It may be what row 0 gives: kernels finish
 *	rows in order
 * @bz: zero point of each column of @b as shifted; NULL: all zero
 * @ra: sums of the rows of @a less k times @az; used with @bz only
 * @rows: at most NPU_MXU_ROWS
 * @cols: at most NPU_MXU_COLS; @sb and @bz can be read up to a whole block
 * @pieces: of a row
 * @groups: of 4 k, in a piece
 * @flip: bytes of @a are xored with it to be unsigned
 * @accumulate: else overwrite
 */
struct npu_mxu_dot_i8 {
	const uint8_t *const *a;
	const int8_t *b;
	int32_t *const *c;
	const int32_t *az;
	const int32_t *sb;
	const int32_t *bz;
	const int32_t *ra;
	ptrdiff_t ldb;
	unsigned int rows;
	unsigned int cols;
	unsigned int pieces;
	unsigned int groups;
	uint8_t flip;
	bool same_az;
	bool accumulate;
};

/**
 * struct npu_mxu_dot_f32 - c (+)= a b, k ascending, fused; NaNs canonical
 * @lda: floats
 * @ldb: floats
 * @k: products
 */
struct npu_mxu_dot_f32 {
	const float *a;
	const float *b;
	float *const *c;
	size_t lda;
	ptrdiff_t ldb;
	unsigned int rows;
	unsigned int cols;
	unsigned int k;
	bool accumulate;
};

struct npu_mxu_kernels {
	void (*dot_i8)(const struct npu_mxu_dot_i8 *d);
	void (*dot_f32)(const struct npu_mxu_dot_f32 *d);
	/** @sum: of bytes, each xored with @flip */
	uint32_t (*sum)(const uint8_t *src, size_t n, uint8_t flip);
	/** @widen: bf16 or fp16 to binary32 */
	void (*widen)(float *dst, const uint8_t *src, size_t n, uint8_t type);
	/** @widen_packed: likewise @groups of NPU_B_PACKED, two k each, to a row of columns a k */
	void (*widen_packed)(float *dst, const uint8_t *src, size_t groups, uint8_t type);
	/** @depthwise_i8: acc[i] += (a[i] - az) * w[i]; a are bytes that S8 has xor 0x80 */
	void (*depthwise_i8)(int32_t *acc, const uint8_t *a, const int32_t *w, size_t n,
			     uint8_t flip, int32_t az);
	/** @depthwise_f32: acc[i] = fma(a[i], w[i], acc[i]) */
	void (*depthwise_f32)(float *acc, const uint8_t *a, const float *w, size_t n, uint8_t type);
};

extern const struct npu_mxu_kernels npu_mxu_portable;
extern const struct npu_mxu_kernels npu_mxu_avx2;
extern const struct npu_mxu_kernels npu_mxu_vnni;

/** npu_mxu_kernels() - those in use */
const struct npu_mxu_kernels *npu_mxu_kernels(void);

/**
 * struct npu_mxu_job - MATMUL, or one group of a CONV
 *
 * MATMUL is a convolution of m images of one pixel and k channels. Fields are as in struct
 * npu_cmd_conv, of the group; k = kernel_h * kernel_w * in_c.
 * @a: the tile's first byte of the group
 * @b: second operand of the group
 * @c: output (0, 0) of the group
 * @az: zero points of images, @az_step apart (0: one for all); NULL: @az_imm for all
 * @bz: likewise of columns
 */
struct npu_mxu_job {
	const uint8_t *a;
	const uint8_t *b;
	uint8_t *c;
	uint8_t a_type;
	uint8_t b_type;
	uint8_t b_layout;
	bool accumulate;
	const uint8_t *az;
	const uint8_t *bz;
	unsigned int az_step;
	unsigned int bz_step;
	int32_t az_imm;
	int32_t bz_imm;
	uint32_t batch;
	uint32_t n;
	uint64_t k;
	uint32_t in_h;
	uint32_t in_w;
	uint32_t in_c;
	uint32_t out_h;
	uint32_t out_w;
	uint32_t kernel_h;
	uint32_t kernel_w;
	uint32_t stride_h;
	uint32_t stride_w;
	uint32_t dilation_h;
	uint32_t dilation_w;
	int32_t pad_top;
	int32_t pad_left;
	int64_t a_stride[3];
	int64_t acc_stride[3];
	int64_t b_stride;
};

/**
 * struct npu_mxu_pixel - an output position, walked column by column, row by row, image by image
 */
struct npu_mxu_pixel {
	uint32_t image;
	uint32_t y;
	uint32_t x;
};

/** npu_mxu_next() - step to the next pixel; false at the end */
static inline bool npu_mxu_next(const struct npu_mxu_job *j, struct npu_mxu_pixel *p)
{
	if (++p->x < j->out_w)
		return true;
	p->x = 0;
	if (++p->y < j->out_h)
		return true;
	p->y = 0;
	return ++p->image < j->batch;
}

/** npu_mxu_out() - where a pixel's first column goes */
static inline void *npu_mxu_out(const struct npu_mxu_job *j, const struct npu_mxu_pixel *p)
{
	return j->c + p->x * j->acc_stride[0] + p->y * j->acc_stride[1] +
	       p->image * j->acc_stride[2];
}

/** npu_mxu_row() - input row of tap row @r, perhaps outside */
static inline int64_t npu_mxu_row(const struct npu_mxu_job *j, uint32_t y, uint32_t r)
{
	return (int64_t)y * j->stride_h - j->pad_top + (int64_t)r * j->dilation_h;
}

/** npu_mxu_col() - input column of tap column @s, perhaps outside */
static inline int64_t npu_mxu_col(const struct npu_mxu_job *j, uint32_t x, uint32_t s)
{
	return (int64_t)x * j->stride_w - j->pad_left + (int64_t)s * j->dilation_w;
}

static inline const uint8_t *npu_mxu_tile(const struct npu_mxu_job *j, uint32_t image, int64_t row,
					  int64_t col)
{
	return j->a + image * j->a_stride[2] + row * j->a_stride[1] + col * j->a_stride[0];
}

/** npu_mxu_flip() - makes bytes of the first operand unsigned */
static inline uint8_t npu_mxu_flip(const struct npu_mxu_job *j)
{
	return j->a_type == NPU_S8 ? 0x80 : 0;
}

/** npu_mxu_zero() - zero point @i of @p, as a value of the type */
int32_t npu_mxu_zero(const uint8_t *p, unsigned int step, uint64_t i, uint8_t type, int32_t imm);

/**
 * npu_mxu_cols() - columns of taps from @s0 to before @s1 lie inside for output column @x;
 * s0 >= s1: none does
 */
void npu_mxu_cols(const struct npu_mxu_job *j, uint32_t x, uint32_t *s0, uint32_t *s1);

/* ---- Panels: mxu_pack.c ------------------------------------------------------------------ */

/**
 * npu_mxu_pack_a_i8() - a piece of a row of a panel: k0 .. k1 of a pixel, rest of the group of 4 zero
 *	when shifted
 * @outside: what stands for coordinates outside: the zero point
 */
void npu_mxu_pack_a_i8(const struct npu_mxu_job *j, const struct npu_mxu_pixel *p, uint64_t k0,
		       uint64_t k1, uint8_t outside, uint8_t *dst);

/**
 * npu_mxu_pack_b_i8() - blocks of columns n0 .. n1, k0 .. k1; @ldb bytes between blocks
 *
 * @k0 is a multiple of 4 and @n0 one of NPU_PACK_COLS.
 */
void npu_mxu_pack_b_i8(const struct npu_mxu_job *j, uint32_t n0, uint32_t n1, uint64_t k0,
		       uint64_t k1, int8_t *dst, ptrdiff_t ldb);

/** npu_mxu_pack_b_f32() - likewise in binary32, one k a group; @ldb floats between blocks */
void npu_mxu_pack_b_f32(const struct npu_mxu_job *j, uint32_t n0, uint32_t n1, uint64_t k0,
			uint64_t k1, float *dst, ptrdiff_t ldb);

/* ---- mxu_depthwise.c --------------------------------------------------------------------- */

/**
 * npu_mxu_depthwise() - all of a depthwise CONV; @j->n channels. Returns 0 or -1 as
 * npu_exec_poll()
 */
int npu_mxu_depthwise(struct npu_exec *e, const struct npu_mxu_job *j);

#endif
