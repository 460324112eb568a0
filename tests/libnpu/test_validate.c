// SPDX-License-Identifier: MIT
/*
 * Copyright (c) 2026 the npu authors
 *
 * npu_code_check(): a good stream passes; each way to spoil it is found, and named.
 */
#include <stdio.h>

#include "npu/stream.h"

#include "common.h"

static struct npu_caps caps;
static struct npu_stream *good;
static uint8_t *bytes; /* of good, 16-byte aligned */
static struct npu_code code;
static uint64_t regions[NPU_MAX_REGIONS];

static int setup(void **state)
{
	struct npu_device *dev = test_open();
	const void *data;
	size_t size;

	(void)state;
	caps = *npu_device_caps(dev);
	npu_close(dev);
	good = npu_stream_create();
	test_ok(npu_stream_load(good, &(struct npu_cmd_load){ .h = { .tag = 11 },
							      .type = NPU_S8,
							      .size = { 64, 1, 1, 1 } }));
	test_ok(npu_stream_store(good, &(struct npu_cmd_store){ .h = { .tag = 22 },
								.region = 1,
								.offset = 100,
								.size = { 64, 1, 1, 1 } }));
	test_ok(npu_stream_sync(good, &caps));
	data = npu_stream_data(good, &size);
	bytes = aligned_alloc(16, size);
	assert_non_null(bytes);
	memcpy(bytes, data, size);
	code = (struct npu_code){ bytes, size };
	memset(regions, 0, sizeof(regions));
	regions[0] = 64;
	regions[1] = 164;
	return 0;
}

static int teardown(void **state)
{
	(void)state;
	npu_stream_free(good);
	free(bytes);
	return 0;
}

static struct npu_cmd *load(void)
{
	return (struct npu_cmd *)bytes;
}

static struct npu_cmd *store(void)
{
	return (struct npu_cmd *)(bytes + load()->size);
}

static void expect(unsigned int reason, uint32_t tag)
{
	struct npu_stream_fault fault;

	assert_int_equal(npu_code_check(&caps, &code, 1, regions, &fault), -EINVAL);
	assert_int_equal(fault.reason, reason);
	assert_int_equal(fault.tag, tag);
	assert_string_equal(fault.text, npu_error());
}

static void good_passes(void **state)
{
	struct npu_region_info info[NPU_MAX_REGIONS];

	(void)state;
	test_ok(npu_code_check(&caps, &code, 1, regions, NULL));
	test_ok(npu_code_check(&caps, &code, 1, NULL, NULL));
	test_ok(npu_code_regions(&code, 1, info));
	assert_int_equal(info[0].flags, NPU_REGION_READ);
	assert_int_equal(info[0].size, 64);
	assert_int_equal(info[1].flags, NPU_REGION_WRITE);
	assert_int_equal(info[1].size, 164);
	assert_int_equal(info[2].kind, NPU_REGION_NONE);
}

static void deadlock(void **state)
{
	(void)state;
	memset(load()->signal, NPU_SEM_NONE, 3);
	expect(NPU_REASON_SEMAPHORE, 22);
}

static void leftover(void **state)
{
	(void)state;
	memset(store()->wait, NPU_SEM_NONE, 3);
	expect(NPU_REASON_LEFTOVER, 0);
}

static void two_signallers(void **state)
{
	(void)state;
	store()->signal[0] = load()->signal[0];
	expect(NPU_REASON_SEM_OWNER, 22);
}

static void overflow(void **state)
{
	struct npu_stream *s = npu_stream_create();

	(void)state;
	for (int i = 0; i < NPU_SEM_MAX + 1; i++)
		test_ok(npu_stream_append(s, load(), load()->size));
	free(bytes);
	code.size = (NPU_SEM_MAX + 1) * 128;
	bytes = aligned_alloc(16, code.size);
	assert_non_null(bytes);
	memcpy(bytes, npu_stream_data(s, NULL), code.size);
	code.cmds = bytes;
	npu_stream_free(s);
	expect(NPU_REASON_SEM_OVERFLOW, 11);
}

static void region_too_small(void **state)
{
	(void)state;
	regions[1] = 163;
	expect(NPU_REASON_RANGE, 22);
}

static void before_region(void **state)
{
	struct npu_region_info info[NPU_MAX_REGIONS];

	(void)state;
	((struct npu_cmd_load *)load())->offset = (uint64_t)-1;
	expect(NPU_REASON_RANGE, 11);
	assert_int_equal(npu_code_regions(&code, 1, info), -EINVAL);
}

/* Offsets are any 64 bits: what begins before the largest and ends behind it is beyond a region. */
static void offsets_wrap(void **state)
{
	struct npu_region_info info[NPU_MAX_REGIONS];

	(void)state;
	((struct npu_cmd_load *)load())->offset = INT64_MAX - 3;
	expect(NPU_REASON_RANGE, 11);
	((struct npu_cmd_load *)load())->offset = (uint64_t)INT64_MIN;
	expect(NPU_REASON_RANGE, 11);
	assert_int_equal(npu_code_regions(&code, 1, info), -EINVAL);
}

static void bad_field(void **state)
{
	(void)state;
	((struct npu_cmd_load *)load())->size[2] = 0;
	expect(NPU_REASON_FIELD, 11);
}

static void beyond_spm(void **state)
{
	(void)state;
	((struct npu_cmd_load *)load())->spm = caps.spm_size - 63;
	expect(NPU_REASON_BOUNDS, 11);
}

static void unknown_opcode(void **state)
{
	(void)state;
	store()->opcode = 0x77;
	expect(NPU_REASON_OPCODE, 22);
}

static void truncated(void **state)
{
	(void)state;
	code.size -= 16;
	expect(NPU_REASON_SIZE, 22);
	code.size = load()->size + 8;
	expect(NPU_REASON_SIZE, 0);
}

static void unequal_barriers(void **state)
{
	struct npu_stream *s = npu_stream_create();
	struct npu_stream_fault fault;
	struct npu_code gang[2];

	(void)state;
	test_ok(npu_stream_barrier(s, 0));
	gang[0] = code;
	gang[1].cmds = npu_stream_data(s, (size_t *)&gang[1].size);
	assert_int_equal(npu_code_check(&caps, gang, 2, NULL, &fault), -EINVAL);
	assert_int_equal(fault.reason, NPU_REASON_BARRIER);
	assert_int_equal(fault.core, 1);
	npu_stream_free(s);
}

/* Anything at all must be told from a good stream without reading beyond it. */
static void noise(void **state)
{
	struct npu_stream_fault fault;
	unsigned int seed = 1;

	(void)state;
	for (int i = 0; i < 20000; i++) {
		size_t at = rand_r(&seed) % code.size;
		uint8_t old = bytes[at];

		bytes[at] = rand_r(&seed);
		npu_code_check(&caps, &code, 1, regions, &fault);
		bytes[at] = old;
	}
	test_ok(npu_code_check(&caps, &code, 1, regions, NULL));
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(good_passes),	TEST(deadlock),	      TEST(leftover),
		TEST(two_signallers),	TEST(overflow),	      TEST(region_too_small),
		TEST(before_region),	TEST(offsets_wrap),   TEST(bad_field),
		TEST(beyond_spm),	TEST(unknown_opcode), TEST(truncated),
		TEST(unequal_barriers), TEST(noise),
	};

	return cmocka_run_group_tests_name("validate", tests, NULL, NULL);
}
