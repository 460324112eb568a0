/* SPDX-License-Identifier: MIT */
/*
 * Copyright (c) 2026 the npu authors
 *
 * The self-tests of npuctl test: each runs some cases on the device and compares every element with
 * reference.h.
 */
#ifndef NPUCTL_SELFTEST_H
#define NPUCTL_SELFTEST_H

#include <stddef.h>
#include <stdint.h>

struct npu_device;
struct npu_queue;

/** struct selftest_result - how a test went, over all of its cases; run again, it adds to them */
struct selftest_result {
	uint32_t cases;
	uint64_t elements;
	uint64_t wrong;
	uint64_t cycles;
	char error[256]; /* why it could not go on; empty if it could */
	char first[160]; /* the first wrong element */
};

/** struct selftest_types - what goes in, what comes out and what is done between */
struct selftest_types {
	const char *name;
	uint32_t a, b, out; /* enum npu_type */
	int32_t a_zp, b_zp, out_zp;
	int bias, scale, relu;
};

extern const struct selftest_types selftest_types[];
extern const size_t selftest_type_count;

/** struct selftest - one of them */
struct selftest {
	const char *name;
	void (*run)(struct npu_device *dev, struct npu_queue *queue,
		    const struct selftest_types *types, uint64_t *seed,
		    struct selftest_result *result);
};

void selftest_matmul(struct npu_device *dev, struct npu_queue *queue,
		     const struct selftest_types *types, uint64_t *seed,
		     struct selftest_result *result);
void selftest_conv(struct npu_device *dev, struct npu_queue *queue,
		   const struct selftest_types *types, uint64_t *seed,
		   struct selftest_result *result);
/* Local and host memory hold what is written; @types is ignored. */
void selftest_memory(struct npu_device *dev, struct npu_queue *queue,
		     const struct selftest_types *types, uint64_t *seed,
		     struct selftest_result *result);

/* All local memory that is free does; @types is ignored. */
void selftest_sweep(struct npu_device *dev, struct npu_queue *queue,
		    const struct selftest_types *types, uint64_t *seed,
		    struct selftest_result *result);

/* ---- What they share ---- */

/** selftest_random() - next number */
uint64_t selftest_random(uint64_t *seed);

/** struct selftest_tensor - random elements here and in a buffer of the device */
struct selftest_tensor {
	void *data;
	size_t size;
	struct npu_buffer *buffer;
};

/** selftest_tensor() - @count random elements of a type; 0 or -errno with npu_error() */
int selftest_tensor(struct npu_device *dev, struct selftest_tensor *t, uint32_t type,
		    uint64_t count, uint64_t *seed);

/** selftest_tensor_of() - of elements given; @data becomes the tensor's */
int selftest_tensor_of(struct npu_device *dev, struct selftest_tensor *t, void *data, size_t size);

void selftest_tensor_free(struct selftest_tensor *t);

/** selftest_type_size() - bytes of an element */
size_t selftest_type_size(uint32_t type);

/**
 * selftest_compare() - the buffer of @out against @want; counts, and describes the first wrong one
 */
int selftest_compare(struct selftest_tensor *out, const void *want, uint32_t type,
		     const char *which, struct selftest_result *result);

#endif
