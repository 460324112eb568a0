/* SPDX-License-Identifier: MIT */
/*
 * Copyright (c) 2026 the npu authors
 *
 * Running an operation on the device beside its reference, and comparing all of the output's
 * buffer: bytes between rows and behind the end must be untouched.
 */
#ifndef NPU_TEST_OPS_H
#define NPU_TEST_OPS_H

#include "common.h"
#include "kernels/plan.h"
#include "ref.h"

#define OPS_TENSORS 8

/**
 * struct ops_case - tensors of an operation: filled with random elements, in memory and in buffers
 * @bytes: of each, by enum npu_op_region; 0: none
 * @type: of each
 * @data: what the reference works on
 * @buffer: what the card works on, the tensor @shift bytes from its start
 */
struct ops_case {
	struct npu_device *dev;
	size_t bytes[OPS_TENSORS];
	uint32_t type[OPS_TENSORS];
	void *data[OPS_TENSORS];
	struct npu_buffer *buffer[OPS_TENSORS];
	uint32_t shift;
};

/** ops_tensor() - there is such a tensor, of @elements */
void ops_tensor(struct ops_case *c, unsigned int region, uint32_t type, uint64_t elements);

/** ops_ref() - for the arguments of the operation */
struct npu_ref ops_ref(const struct ops_case *c, unsigned int region);

/**
 * ops_compare() - wait for @fence, compare the output; @near: floats may differ by so much relative
 * to 1
 */
void ops_compare(struct ops_case *c, struct npu_fence *fence, double near, const char *what);

void ops_free(struct ops_case *c);

/** ops_matmul(), ops_conv2d(), ops_pool2d(), ops_add() - run once, compare with the reference */
void ops_matmul(struct npu_device *dev, struct npu_queue *queue, const struct npu_matmul *d,
		double near);
void ops_conv2d(struct npu_device *dev, struct npu_queue *queue, const struct npu_conv2d *d,
		double near);
/**
 * ops_conv2d_by() - by an operation whose compiler is another
 * @wild: floats that sums show an extra or a missing product of: infinities and NaNs, zeros of
 *	either sign, and products that round to one of them
 */
void ops_conv2d_by(struct npu_device *dev, struct npu_queue *queue, const struct npu_op *op,
		   const struct npu_conv2d *d, double near, bool wild);

void ops_pool2d(struct npu_device *dev, struct npu_queue *queue, const struct npu_pool2d *d);
void ops_add(struct npu_device *dev, struct npu_queue *queue, const struct npu_add *d, double near);

/**
 * ops_on_odd_arrays() - @run on cards whose arrays have rows and columns, and depthwise taps and channels,
 * that are no powers of two, no multiples of what packed operands are cut in, or hardly any; skips
 * the test where it is a real card's
 */
void ops_on_odd_arrays(void (*run)(struct test_fixture *f));

/** ops_epilogue() - a random one; @channels and the output's type matter */
void ops_epilogue(struct npu_epilogue *e, bool floats);

#endif
