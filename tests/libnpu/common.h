/* SPDX-License-Identifier: MIT */
/*
 * Copyright (c) 2026 the npu authors
 *
 * What libnpu's tests of the hal share: the device, and small programs written by hand.
 *
 * The programs' streams have their semaphores written out: these tests stand below libnpu's own
 * kernels.
 */
#ifndef NPU_TEST_COMMON_H
#define NPU_TEST_COMMON_H

/* cmocka.h wants these before it. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <errno.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "npu/image.h"
#include "npu/npu.h"

/** test_device_name() - NPU_DEVICE, or "sim:inject=on" */
const char *test_device_name(void);

/** test_is_sim() - the tests run on a simulated card */
bool test_is_sim(void);

/** test_open() - the device; fails the test if that cannot be opened */
struct npu_device *test_open(void);

/** struct test_fixture - what most tests need: a device and a queue of it */
struct test_fixture {
	struct npu_device *dev;
	struct npu_queue *queue;
};

/** test_setup(), test_teardown() - of a struct test_fixture, for cmocka */
int test_setup(void **state);
int test_teardown(void **state);

/**
 * test_other_card() - the name of a real card that is not @dev, where that is one and there are two
 */
bool test_other_card(struct npu_device *dev, char name[32]);

/** test_ok() - fails the test with npu_error()'s text unless @ret is 0 */
#define test_ok(ret) test_ok_at(ret, #ret, __FILE__, __LINE__)
void test_ok_at(int ret, const char *what, const char *file, int line);

/**
 * test_copy_image() - a program that copies @size bytes, at most 64 KiB, from region 0 to region 1
 *
 * free() it.
 */
void *test_copy_image(const struct npu_caps *caps, uint32_t size, size_t *image_size);

/** test_copy_program() - the same as a program */
struct npu_program *test_copy_program(struct npu_device *dev, uint32_t size);

/** test_job() - a job of test_copy_program() */
struct test_job {
	struct npu_binding binding[2];
	struct npu_job job;
};

void test_copy_job(struct test_job *job, struct npu_program *prog, struct npu_buffer *from,
		   struct npu_buffer *to);

/**
 * test_gather_program() - takes the row of 16 bytes from region 0 (4 rows) that the int32 in region
 * 1 names, to region 2
 *
 * An index out of range passes all checks and fails on the card, with -ERANGE.
 */
struct npu_program *test_gather_program(struct npu_device *dev);

/**
 * test_slow_program() - region 0 to region 1, 4 KiB, very often: something is probably done
 * meanwhile
 */
struct npu_program *test_slow_program(struct npu_device *dev, unsigned int times);

/** test_can_hang() - the card takes HANG commands (inject=on) */
bool test_can_hang(struct npu_device *dev);

/**
 * test_hang_program() - never ends by itself, so that what is asserted meanwhile is no matter of
 * time
 */
struct npu_program *test_hang_program(struct npu_device *dev);

/** test_new_buffer() - with @size bytes of @fill in it */
struct npu_buffer *test_new_buffer(struct npu_device *dev, size_t size, unsigned int flags,
				   uint8_t fill);

/** test_expect() - all @size bytes of a buffer are @fill */
void test_expect(struct npu_buffer *buf, size_t size, uint8_t fill);

/** struct test_code - commands that are being written */
struct test_code {
	uint8_t *data;
	size_t size;
};

/* @wait and @signal are semaphores, or NPU_SEM_NONE. */
void test_load(struct test_code *code, unsigned int region, uint64_t offset, uint32_t spm,
	       uint32_t size, uint8_t wait, uint8_t signal);
void test_store(struct test_code *code, unsigned int region, uint64_t offset, uint32_t spm,
		uint32_t size, uint8_t wait, uint8_t signal);

/** test_image() - an image of one core with these needs, no regions yet */
struct npu_image test_image(const struct npu_caps *caps, const struct test_code *code);

/** test_program() - a program of @image; frees @code's memory */
struct npu_program *test_program(struct npu_device *dev, const struct npu_image *image,
				 struct test_code *code);

#endif
