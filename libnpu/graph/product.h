/* SPDX-License-Identifier: MIT */
/*
 * Copyright (c) 2026 the npu authors
 *
 * A product on its way from a node (lower_product.c) to steps (lower_conv.c, lower_matmul.c).
 */
#ifndef NPU_GRAPH_PRODUCT_H
#define NPU_GRAPH_PRODUCT_H

#include "lower.h"

/**
 * struct npu_product - a product on its way
 * @x, @w: the two operands' values; @b: the bias', -1: none
 * @x_zp, @w_zp: values, -1: none; or x_zero, w_zero where they come from DequantizeLinear
 * @out: the last value the epilogue makes
 * @rest: the first node that the epilogue does not do; UINT32_MAX: none
 * @last: value of the whole group
 */
struct npu_product {
	struct npu_lower *l;
	unsigned int node;
	int x, w, b, x_zp, w_zp;
	bool dequantised;
	int32_t x_zero, w_zero;
	bool scaled; /* sums are multiplied by @scale, which may be 0 */
	float scale;
	float *scales; /* instead, one a channel; owned */
	uint32_t channels;
	uint32_t channel_axis;
	struct npu_epilogue ep;
	int residual;
	int out, last;
	unsigned int rest;
	int under_way;
};

/** npu_product_operand() - a value in a type that the array multiplies */
int npu_product_operand(struct npu_lower *l, int value, struct npu_lower_view *v);

/** npu_product_type() - the type it has then */
uint32_t npu_product_type(const struct npu_lower *l, int value);

/**
 * npu_product_zero_point() - a number where it is constant and the same everywhere, else in memory
 * @value: -1: @zero is it
 * @many: enum npu_per of a vector
 */
int npu_product_zero_point(struct npu_product *p, int value, int32_t zero, uint32_t many,
			   uint32_t *per, int32_t *zp, struct npu_lower_ref *ref);

/**
 * npu_product_check_macs() - -ENOTSUP: not a product of this world, whose planning would not end
 */
int npu_product_check_macs(double m, double n, double k);

/** npu_product_no_refs() - a step without tensors */
void npu_product_no_refs(struct npu_lower_step *s);

/** npu_product_epilogue() - scales and bias into place */
int npu_product_epilogue(struct npu_product *p, struct npu_lower_step *step);

/** npu_product_residual() - its view; completes the epilogue's type */
int npu_product_residual(struct npu_product *p, struct npu_lower_view *v);

/** npu_product_finish() - what the group has left over, on the product's result */
int npu_product_finish(struct npu_product *p, const struct npu_lower_view *result);

int npu_lower_conv(struct npu_product *p);
int npu_lower_conv_transpose(struct npu_product *p);
int npu_lower_matmul(struct npu_product *p);

#endif
