/* SPDX-License-Identifier: MIT */
/*
 * Copyright (c) 2026 the npu authors
 *
 * What the card should say, in the plainest C: npuctl test compares every element with this.
 * Written from npu/ops.h, not from libnpu.
 */
#ifndef NPUCTL_REFERENCE_H
#define NPUCTL_REFERENCE_H

#include <stdint.h>

/** struct reference_operand - dense; @type is enum npu_type */
struct reference_operand {
	const void *data;
	uint32_t type;
	int32_t zp;
};

/** reference_matmul() - sums of [m][k] by [k][n]; int32, or binary32 bits for float operands */
void reference_matmul(const struct reference_operand *a, const struct reference_operand *b,
		      uint32_t m, uint32_t n, uint32_t k, uint32_t *sum);

/** struct reference_conv - one image, NHWC; weights [kernel_h][kernel_w][in_c / groups][out_c] */
struct reference_conv {
	uint32_t in_h, in_w, in_c, out_h, out_w, out_c, kernel_h, kernel_w, stride_h, stride_w;
	uint32_t dilation_h, dilation_w, pad_top, pad_left, groups;
};

void reference_conv(const struct reference_operand *a, const struct reference_operand *b,
		    const struct reference_conv *c, uint32_t *sum);

/** struct reference_finish - from sums to outputs; what is NULL or false is not asked for */
struct reference_finish {
	uint32_t out_type;
	const void *bias; /* int32 or float, one a column */
	const float *scale; /* one a column */
	int relu;
	int32_t out_zp;
};

/** reference_finish() - @is_float: the sums are; @out: rows * cols elements of the output's type */
void reference_finish(const struct reference_finish *f, int is_float, uint32_t rows, uint32_t cols,
		      const uint32_t *sum, void *out);

#endif
