/* SPDX-License-Identifier: MIT */
/*
 * Copyright (c) 2026 the npu authors
 *
 * The operations of npu/ops.h in the plainest C, element by element, written from that header
 * alone. Descriptors as a user writes them; tensors are in plain memory.
 *
 * Functions that the card defines by polynomials (sigmoid, ...) are the C library's here: results
 * with them are near, not equal.
 */
#ifndef NPU_TEST_REF_H
#define NPU_TEST_REF_H

#include "npu/ops.h"

/** struct ref_args - first elements; NULL where there is none */
struct ref_args {
	const void *a, *b, *bias, *scale, *residual, *a_zp, *b_zp;
	void *out;
};

void ref_matmul(const struct npu_matmul *d, const struct ref_args *args);
void ref_conv2d(const struct npu_conv2d *d, const struct ref_args *args);
void ref_pool2d(const struct npu_pool2d *d, const void *in, void *out);
void ref_add(const struct npu_add *d, const void *a, const void *b, void *out);

/** ref_size() - bytes of an element */
size_t ref_size(uint32_t type);

/** ref_get() - an element as a number; all types are exact in double */
double ref_get(uint32_t type, const void *data, size_t i);

/** ref_put_float() - round @v to a float type, NaN to the canonical one */
void ref_put_float(uint32_t type, void *data, size_t i, float v);

/** ref_is_float() */
int ref_is_float(uint32_t type);

/* ---- Random cases ---------------------------------------------------------------------------- */

/** ref_seed() - NPU_TEST_SEED, or a new one, which is printed; starts ref_random() */
void ref_seed(void);

/** ref_random() - 0 .. @n - 1 */
uint32_t ref_random(uint32_t n);

/** ref_fill() - random elements: all integers, or floats about 1 in size */
void ref_fill(uint32_t type, void *data, size_t count);

#endif
