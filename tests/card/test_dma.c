// SPDX-License-Identifier: MIT
/*
 * Copyright (c) 2026 the npu authors
 *
 * LOAD, GATHER and STORE against ref_dma.c, with memory that comes in spans of many sizes; and
 * what must fail.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "unit.h"

#define SPM (128u << 10)
#define ACC (32u << 10)

static const uint8_t types[] = { NPU_S8,   NPU_U8,   NPU_S32, NPU_BF16,
				 NPU_FP16, NPU_FP32, NPU_S4,  NPU_U4 };

static void compare(const void *cmd, const char *what)
{
	unsigned int shift;

	/* From single bytes to more than a page. */
	for (shift = 0; shift <= 16; shift += 4) {
		unit_copy(got, start);
		got->split = UINT64_C(1) << shift;
		assert_int_equal(unit_run(got, cmd), 0);
		if (!unit_same(got, want)) {
			fprintf(stderr, "%s, spans of %d\n", what, 1 << shift);
			fail();
		}
	}
	got->split = NPU_PAGE_SIZE;
}

/*
 * Strides for dimensions 1 to 3 of @size with rows of @row bytes: any order, gaps, either
 * direction, and where @repeat allows it none. Often rows follow each other. Returns the bytes below
 * the first element; *@span: all of them.
 */
static int64_t random_strides(int64_t stride[3], const uint32_t size[4], int64_t row, bool repeat,
			      int64_t *span)
{
	int64_t below = 0, run = row;
	uint8_t order[3];
	int i;

	rnd_order(order, 3);
	if (rnd_one_in(3))
		for (i = 0; i < 3; i++)
			order[i] = (uint8_t)i;
	for (i = 0; i < 3; i++) {
		int d = order[i];

		if (rnd_one_in(i ? 2 : 3))
			run += rnd_in(1, 40);
		if (repeat && rnd_one_in(6)) {
			stride[d] = 0;
			continue;
		}
		stride[d] = run;
		if (rnd_one_in(5)) {
			stride[d] = -run;
			below += run * (size[d + 1] - 1);
		}
		run *= size[d + 1];
	}
	*span = run;
	return below;
}

static void random_size(uint32_t size[4])
{
	int i;

	for (i = 0; i < 4; i++)
		size[i] = (uint32_t)(rnd_one_in(3) ? 1 : rnd_in(1, 6));
	size[0] = (uint32_t)(rnd_one_in(3) ? rnd_in(1, 9) : rnd_in(1, 150));
	if (rnd_one_in(20))
		size[0] = (uint32_t)rnd_in(4000, 5000), size[1] = 2, size[2] = size[3] = 1;
}

static void try_load(void)
{
	struct npu_cmd_load c = { .h = unit_cmd(NPU_OP_LOAD, sizeof(c)) };
	int64_t stride[3], below, span, row;
	uint32_t inside[4];
	char what[128];
	int i;

	unit_random(start);
	c.type = types[rnd_in(0, 7)];
	c.region = (uint8_t)rnd_in(0, 15);
	random_size(c.size);
	c.fill_mode = (uint8_t)rnd_in(0, 2);
	if (c.fill_mode == NPU_FILL_IMM)
		c.fill = (uint32_t)rnd();
	if (c.fill_mode == NPU_FILL_SPM)
		c.fill = (uint32_t)(rnd_in(0, SPM / 8) * 4);
	for (i = 0; i < 4; i++) {
		if (c.fill_mode && rnd_one_in(i ? 2 : 3))
			c.pad_lo[i] = (uint32_t)rnd_in(0, c.size[i]);
		if (c.fill_mode && rnd_one_in(i ? 2 : 3))
			c.pad_hi[i] = (uint32_t)rnd_in(0, c.size[i] - c.pad_lo[i]);
		inside[i] = c.size[i] - c.pad_lo[i] - c.pad_hi[i];
		if (!inside[i])
			inside[i] = 1;
	}
	row = c.type == NPU_S4 || c.type == NPU_U4 ?
		      (inside[0] + 1) / 2 :
		      (rnd_one_in(3) ? c.size[0] : inside[0]) * type_size(c.type);
	below = random_strides(stride, inside, row, true, &span);
	for (i = 0; i < 3; i++)
		c.mem_stride[i] = (uint64_t)stride[i];
	/* Regions begin 4 KiB apart, and an offset may be negative. */
	c.offset = (uint64_t)(rnd_in(0, 5000) + below - c.region * 4096);
	below = random_strides(stride, c.size, (int64_t)c.size[0] * type_size(c.type), false,
			       &span);
	for (i = 0; i < 3; i++)
		c.spm_stride[i] = (uint32_t)stride[i];
	c.spm = (uint32_t)(rnd_in(0, 100) + below);
	if (c.spm - (uint32_t)below + span > SPM)
		return;
	snprintf(what, sizeof(what), "LOAD type %u fill %u size %u %u %u %u", c.type, c.fill_mode,
		 c.size[0], c.size[1], c.size[2], c.size[3]);
	unit_copy(want, start);
	ref_load(want, &c);
	compare(&c, what);
}

static void test_load(void **state)
{
	unsigned int i;

	(void)state;
	for (i = 0; i < 900; i++)
		try_load();
}

static void test_store(void **state)
{
	unsigned int i;
	int d;

	(void)state;
	for (i = 0; i < 200; i++) {
		struct npu_cmd_store c = { .h = unit_cmd(NPU_OP_STORE, sizeof(c)) };
		int64_t stride[3], below, span;

		unit_random(start);
		c.space = (uint8_t)rnd_in(NPU_SPACE_SPM, NPU_SPACE_ACC);
		c.region = (uint8_t)rnd_in(0, 15);
		random_size(c.size);
		below = random_strides(stride, c.size, c.size[0], false, &span);
		for (d = 0; d < 3; d++)
			c.mem_stride[d] = (uint64_t)stride[d];
		c.offset = (uint64_t)(rnd_in(0, 5000) + below - c.region * 4096);
		below = random_strides(stride, c.size, c.size[0], true, &span);
		for (d = 0; d < 3; d++)
			c.local_stride[d] = (uint32_t)stride[d];
		c.local = (uint32_t)(rnd_in(0, 100) + below);
		if (c.local - (uint32_t)below + span > ACC)
			continue;
		unit_copy(want, start);
		ref_store(want, &c);
		compare(&c, "STORE");
	}
}

static void put_index(struct unit *u, const struct npu_cmd_gather *c, uint32_t i, int64_t index)
{
	int32_t narrow = (int32_t)index;

	if (c->type == NPU_S32)
		memcpy(u->spm + c->index + 4 * i, &narrow, 4);
	else
		memcpy(u->spm + c->index + 8 * i, &index, 8);
}

static void test_gather(void **state)
{
	unsigned int n;
	uint32_t i;

	(void)state;
	for (n = 0; n < 200; n++) {
		struct npu_cmd_gather c = { .h = unit_cmd(NPU_OP_GATHER, sizeof(c)) };

		unit_random(start);
		c.type = rnd_one_in(2) ? NPU_S32 : NPU_S64;
		c.region = (uint8_t)rnd_in(0, 15);
		c.rows = (uint64_t)rnd_in(1, 50);
		c.count = (uint32_t)rnd_in(1, 40);
		c.row_bytes = (uint32_t)rnd_in(1, 300);
		c.row_stride = c.row_bytes + (uint64_t)rnd_in(0, 30);
		c.offset = (uint64_t)(rnd_in(0, 5000) - c.region * 4096);
		c.index = (uint32_t)(rnd_in(0, 10) * 8);
		c.spm = 4096 + (uint32_t)rnd_in(0, 50);
		c.spm_stride = c.row_bytes + (uint32_t)rnd_in(0, 20);
		for (i = 0; i < c.count; i++)
			put_index(start, &c, i, rnd_in(-(int64_t)c.rows, (int64_t)c.rows - 1));
		unit_copy(want, start);
		ref_gather(want, &c);
		compare(&c, "GATHER");
	}
}

/* The first index on either side that names no row, in both widths. */
static void test_gather_out_of_range(void **state)
{
	static const int64_t bad[] = { 10, -11, INT32_MAX, INT32_MIN };
	struct npu_cmd_gather c = {
		.h = unit_cmd(NPU_OP_GATHER, sizeof(c)),
		.row_stride = 16,
		.rows = 10,
		.count = 3,
		.row_bytes = 16,
		.index = 64,
		.spm = 1024,
		.spm_stride = 16,
	};
	unsigned int i, wide;

	(void)state;
	for (wide = 0; wide < 2; wide++) {
		for (i = 0; i < 4; i++) {
			c.type = wide ? NPU_S64 : NPU_S32;
			put_index(got, &c, 0, 9);
			put_index(got, &c, 1, -10);
			put_index(got, &c, 2, bad[i]);
			assert_int_equal(unit_run(got, &c), -1);
			assert_int_equal(got->error.status, NPU_JOB_INDEX);
			assert_int_equal(got->error.space, NPU_SPACE_SPM);
			assert_int_equal(got->error.addr, 64 + 2 * (wide ? 8 : 4));
			assert_int_equal(got->error.len, wide ? 8 : 4);
		}
	}
	put_index(got, &c, 2, INT64_MIN);
	assert_int_equal(unit_run(got, &c), -1);
	assert_int_equal(got->error.status, NPU_JOB_INDEX);
}

/* What lies just behind mapped memory faults at its own address; what is only filled does not. */
static void test_faults(void **state)
{
	struct npu_cmd_load load = {
		.h = unit_cmd(NPU_OP_LOAD, sizeof(load)),
		.fill_mode = NPU_FILL_IMM,
		.offset = UNIT_MEM - 8,
		.size = { 8, 3, 1, 1 },
		.mem_stride = { 8 },
		.spm_stride = { 8 },
	};
	struct npu_cmd_store store = {
		.h = unit_cmd(NPU_OP_STORE, sizeof(store)),
		.offset = UNIT_MEM - 8,
		.size = { 9, 1, 1, 1 },
	};

	(void)state;
	load.pad_hi[1] = 2;
	assert_int_equal(unit_run(got, &load), 0);
	load.pad_hi[1] = 1;
	assert_int_equal(unit_run(got, &load), -1);
	assert_int_equal(got->error.status, NPU_JOB_FAULT);
	assert_int_equal(got->error.access, NPU_ACCESS_READ);
	assert_int_equal(got->error.addr, UNIT_VA + UNIT_MEM);

	/* Padding before: the first element that is read stands at the offset. */
	load.pad_hi[1] = 0;
	load.pad_lo[1] = 2;
	assert_int_equal(unit_run(got, &load), 0);

	assert_int_equal(unit_run(got, &store), -1);
	assert_int_equal(got->error.status, NPU_JOB_FAULT);
	assert_int_equal(got->error.access, NPU_ACCESS_WRITE);
	assert_int_equal(got->error.addr, UNIT_VA + UNIT_MEM);
	store.size[0] = 8;
	assert_int_equal(unit_run(got, &store), 0);
	store.offset = (uint64_t)-1;
	assert_int_equal(unit_run(got, &store), -1);
	assert_int_equal(got->error.addr, UNIT_VA - 1);
}

/* Rows that lie in one span do not each take one. */
static void test_spans_are_kept(void **state)
{
	struct npu_cmd_load c = {
		.h = unit_cmd(NPU_OP_LOAD, sizeof(c)),
		.size = { 3, 1000, 1, 1 },
		.mem_stride = { 4 },
		.spm_stride = { 3 },
	};

	(void)state;
	got->gets = 0;
	assert_int_equal(unit_run(got, &c), 0);
	assert_true(got->gets <= 2);
}

/* Filling for long, and repeating for long, ends soon after the job is to end. */
static void test_abort(void **state)
{
	struct npu_cmd_load c = {
		.h = unit_cmd(NPU_OP_LOAD, sizeof(c)),
		.fill_mode = NPU_FILL_IMM,
		.size = { 1, 1000, 1000, 1000 },
		.pad_lo = { 1 },
		.spm_stride = { 1, 1, 1 },
	};

	(void)state;
	unit_aborts(&c);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_load),   cmocka_unit_test(test_store),
		cmocka_unit_test(test_gather), cmocka_unit_test(test_gather_out_of_range),
		cmocka_unit_test(test_faults), cmocka_unit_test(test_spans_are_kept),
		cmocka_unit_test(test_abort),
	};

	int failed;

	unit_setup(SPM, ACC);
	failed = cmocka_run_group_tests(tests, NULL, NULL);
	unit_teardown();
	return failed;
}
