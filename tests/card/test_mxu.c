// SPDX-License-Identifier: MIT
/*
 * Copyright (c) 2026 the npu authors
 *
 * MATMUL and CONV against ref_mxu.c, with each set of kernels that the host has; everything a
 * command could have touched is compared, so a write beside the output is found as well.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "unit.h"

#define SPM (256u << 10)
#define ACC (64u << 10)

static const uint8_t types[][2] = {
	{ NPU_S8, NPU_S8 }, { NPU_S8, NPU_U8 }, { NPU_U8, NPU_S8 },	{ NPU_U8, NPU_U8 },
	{ NPU_S8, NPU_S4 }, { NPU_U8, NPU_S4 }, { NPU_BF16, NPU_BF16 }, { NPU_FP16, NPU_FP16 },
};

/* Allocation in SPM: parts follow each other at random distances. */
static int64_t spm_next;

static uint32_t place(int64_t bytes, int64_t align)
{
	int64_t at = (spm_next + rnd_in(0, 40) + align - 1) / align * align;

	spm_next = at + bytes;
	assert_true(spm_next <= SPM);
	return (uint32_t)at;
}

/* Of a tensor whose strides may be negative: @span bytes below and above its first element. */
static uint32_t place_span(int64_t below, int64_t above, int64_t align)
{
	return (uint32_t)(place(below + above, align) + below);
}

/*
 * Random floats are mostly NaNs and huge; make them ordinary but for some that are not. Or
 * tiny: products of bf16 then fall among binary32's denormals, where rounding a product before
 * the sum shows.
 */
static void tame(struct unit *u, uint8_t type, bool tiny)
{
	uint32_t i;

	for (i = 0; i < SPM; i += 2) {
		uint16_t h;

		memcpy(&h, u->spm + i, 2);
		if (!rnd_one_in(4000)) {
			if (type == NPU_BF16)
				h = (uint16_t)((h & 0x83ff) | (tiny ? 0x1c00 : 0x3c00));
			else
				h = (uint16_t)(h & (tiny ? 0x87ff : 0xbfff));
		}
		memcpy(u->spm + i, &h, 2);
	}
	for (i = 0; i < ACC; i += 4) {
		uint32_t v;

		memcpy(&v, u->acc + i, 4);
		if (!rnd_one_in(1000))
			v = tiny ? v & 0x80ffffff : (v & 0x81ffffff) | 0x3e000000;
		memcpy(u->acc + i, &v, 4);
	}
}

static void fill_start(uint8_t type)
{
	unit_random(start);
	spm_next = 0;
	if ((type == NPU_BF16 || type == NPU_FP16) && !rnd_one_in(8))
		tame(start, type, rnd_one_in(4));
	/* The extremes of integers often, so that a sum that saturates somewhere inside shows. */
	else if (rnd_one_in(8))
		memset(start->spm, rnd_one_in(2) ? 0x80 : 0xff, SPM);
}

static void random_operands(struct npu_mxu_operands *o, int64_t zeros_a, int64_t zeros_b)
{
	bool floats = o->a_type == NPU_BF16 || o->a_type == NPU_FP16;

	o->flags = rnd_one_in(2) ? NPU_MXU_ACCUMULATE : 0;
	if (floats)
		return;
	o->a_zp_mode = (uint8_t)rnd_in(0, 2);
	o->b_zp_mode = (uint8_t)rnd_in(0, 2);
	if (o->a_zp_mode)
		o->a_zp = place(zeros_a, 1);
	else
		o->a_zp = (uint32_t)(o->a_type == NPU_S8 ? rnd_in(-128, 127) : rnd_in(0, 255));
	if (o->b_zp_mode)
		o->b_zp = place(zeros_b, 1);
	else
		o->b_zp = (uint32_t)(o->b_type == NPU_U8 ? rnd_in(0, 255) :
				     o->b_type == NPU_S8 ? rnd_in(-128, 127) :
							   rnd_in(-8, 7));
	if (!o->a_zp_mode && rnd_one_in(2))
		o->a_zp = 0;
	if (!o->b_zp_mode && rnd_one_in(2))
		o->b_zp = 0;
}

/* Layout and stride of a second operand of @k by @n; returns the bytes of one group's. */
static int64_t random_b(struct npu_mxu_operands *o, int64_t k, int64_t n, int64_t size)
{
	int64_t q = size == 1 ? 4 : 2, row;

	o->b_layout = o->b_type == NPU_S4 ? NPU_B_PACKED : (uint8_t)rnd_in(0, 2);
	switch (o->b_layout) {
	case NPU_B_ROWS:
		row = (n + rnd_in(0, 3)) * size;
		o->b_stride = (uint32_t)row;
		return row * k;
	case NPU_B_COLS:
		row = (k + rnd_in(0, 3)) * size;
		o->b_stride = (uint32_t)row;
		return row * n;
	default:
		row = (k + q - 1) / q * q * 16 * size;
		if (o->b_type == NPU_S4)
			row /= 2;
		row = (row + 63) / 64 * 64 + 64 * rnd_in(0, 1);
		o->b_stride = (uint32_t)row;
		return row * ((n + 15) / 16);
	}
}

static void try_matmul(unsigned int type, int64_t m, int64_t n, int64_t k)
{
	struct npu_cmd_matmul c = {
		.h = unit_cmd(NPU_OP_MATMUL, sizeof(c)),
		.m = (uint32_t)m,
		.n = (uint32_t)n,
		.k = (uint32_t)k,
	};
	int64_t size, a_stride, acc_stride, bytes;
	char what[128];

	c.o.a_type = types[type][0];
	c.o.b_type = types[type][1];
	size = c.o.a_type == NPU_BF16 || c.o.a_type == NPU_FP16 ? 2 : 1;
	fill_start(c.o.a_type);
	random_operands(&c.o, m, n);
	a_stride = rnd_one_in(8) ? 0 : (k + rnd_in(0, 9)) * size;
	acc_stride = (n + rnd_in(0, 5)) * 4;
	if (rnd_one_in(4)) {
		c.a_stride = (uint32_t)-a_stride;
		c.o.a = place_span((m - 1) * a_stride, k * size, size);
	} else {
		c.a_stride = (uint32_t)a_stride;
		c.o.a = place((m - 1) * a_stride + k * size, size);
	}
	if (rnd_one_in(4)) {
		c.acc_stride = (uint32_t)-acc_stride;
		c.o.acc = (uint32_t)((m - 1) * acc_stride + 4 * rnd_in(0, 3));
	} else {
		c.acc_stride = (uint32_t)acc_stride;
		c.o.acc = (uint32_t)(4 * rnd_in(0, 3));
	}
	bytes = random_b(&c.o, k, n, size);
	c.o.b = place(bytes, c.o.b_layout == NPU_B_PACKED ? 64 : size);
	snprintf(what, sizeof(what), "MATMUL types %u m %d n %d k %d layout %d zp %d %d flags %d",
		 type, (int)m, (int)n, (int)k, c.o.b_layout, c.o.a_zp_mode, c.o.b_zp_mode,
		 c.o.flags);
	unit_copy(want, start);
	ref_matmul(want, &c);
	unit_compare(&c, what);
}

static void test_matmul_edges(void **state)
{
	static const int64_t sizes[] = { 1, 2, 3, 4, 5, 7, 15, 16, 17, 33, 64, 65 };
	const size_t count = sizeof(sizes) / sizeof(sizes[0]);
	unsigned int t;
	size_t i, j;

	(void)state;
	for (t = 0; t < sizeof(types) / sizeof(types[0]); t++)
		for (i = 0; i < count; i++)
			for (j = 0; j < count; j++)
				try_matmul(t, sizes[i], sizes[j], sizes[rnd_in(0, count - 1)]);
}

static void test_matmul_panels(void **state)
{
	unsigned int t;

	(void)state;
	/* Around the sizes at which products are cut. */
	for (t = 0; t < sizeof(types) / sizeof(types[0]); t++) {
		try_matmul(t, rnd_in(140, 150), rnd_in(60, 70), rnd_in(1, 20));
		try_matmul(t, rnd_in(140, 150), rnd_in(60, 70), 4 * rnd_in(8, 10));
		try_matmul(t, rnd_in(1, 4), rnd_in(62, 70), rnd_in(250, 260));
		try_matmul(t, 3, rnd_in(20, 40), t < 6 ? rnd_in(1530, 1540) : rnd_in(510, 520));
		try_matmul(t, 9, rnd_in(20, 40), t < 6 ? 4 * rnd_in(382, 1030) : rnd_in(510, 520));
		try_matmul(t, 2, rnd_in(510, 530), rnd_in(1, 30));
	}
}

static void test_matmul_random(void **state)
{
	unsigned int i;

	(void)state;
	for (i = 0; i < 150; i++)
		try_matmul(i % 8, rnd_in(1, 40), rnd_in(1, 80), rnd_in(1, 150));
}

/* Strides of columns, rows and images of a tensor whose innermost run is @run bytes. */
static int64_t random_strides(__le32 stride[3], int64_t run, int64_t w, int64_t h, int64_t unit,
			      int64_t *below)
{
	int64_t s0 = run + unit * rnd_in(0, 3) * rnd_in(0, 1);
	int64_t s1 = s0 * w + unit * rnd_in(0, 3) * rnd_in(0, 1);
	int64_t s2 = s1 * h + unit * rnd_in(0, 3);
	int64_t sizes[2] = { s0 * (w - 1), s1 * (h - 1) };

	*below = 0;
	stride[0] = (uint32_t)s0;
	stride[1] = (uint32_t)s1;
	stride[2] = (uint32_t)s2;
	if (rnd_one_in(6)) {
		stride[0] = (uint32_t)-s0;
		*below += sizes[0];
	}
	if (rnd_one_in(6)) {
		stride[1] = (uint32_t)-s1;
		*below += sizes[1];
	}
	return s2;
}

enum kind {
	CONV_SMALL,
	CONV_LARGE,
	CONV_DENSE, /* nothing between the channels of neighbours, and whole groups of 4 */
	CONV_DEPTHWISE,
};

static void try_conv(unsigned int type, enum kind kind)
{
	bool depthwise = kind == CONV_DEPTHWISE, large = kind == CONV_LARGE;
	struct npu_cmd_conv c = { .h = unit_cmd(NPU_OP_CONV, sizeof(c)) };
	int64_t size, image, below, k, bytes;
	char what[160];

	c.o.a_type = types[type][0];
	c.o.b_type = types[type][1];
	size = c.o.a_type == NPU_BF16 || c.o.a_type == NPU_FP16 ? 2 : 1;
	c.batch = (uint16_t)rnd_in(1, 3);
	c.groups = depthwise ? 1 : (uint16_t)(rnd_one_in(3) ? rnd_in(2, 4) : 1);
	c.in_h = (uint16_t)rnd_in(1, 9);
	c.in_w = (uint16_t)rnd_in(1, 9);
	c.in_c = (uint16_t)(depthwise ? rnd_in(1, 300) : rnd_in(1, large ? 200 : 20));
	c.out_c = depthwise ? c.in_c : (uint16_t)rnd_in(1, large ? 70 : 20);
	c.out_h = (uint16_t)rnd_in(1, depthwise || large ? 3 : 7);
	c.out_w = (uint16_t)rnd_in(1, depthwise || large ? 4 : 7);
	c.kernel_h = (uint16_t)rnd_in(1, 4);
	c.kernel_w = (uint16_t)rnd_in(1, 4);
	if (depthwise && rnd_one_in(8)) {
		c.kernel_h = (uint16_t)rnd_in(8, 9);
		c.kernel_w = (uint16_t)rnd_in(8, 9);
	}
	c.stride_h = (uint16_t)rnd_in(1, 3);
	c.stride_w = (uint16_t)rnd_in(1, 3);
	c.dilation_h = (uint16_t)rnd_in(1, 3);
	c.dilation_w = (uint16_t)rnd_in(1, 3);
	c.pad_top = (uint16_t)rnd_in(-3, 5);
	c.pad_left = (uint16_t)rnd_in(-3, 5);
	if (kind == CONV_DENSE) {
		c.groups = 1;
		c.in_c = (uint16_t)(4 * rnd_in(1, 50));
		c.dilation_w = 1;
		c.in_w = (uint16_t)rnd_in(3, 9);
	}

	fill_start(c.o.a_type);
	random_operands(&c.o, c.batch, (int64_t)c.groups * c.out_c);
	image = random_strides(c.a_stride, (int64_t)c.groups * c.in_c * size, c.in_w, c.in_h, size,
			       &below);
	if (kind == CONV_DENSE) {
		c.a_stride[0] = (uint32_t)(c.in_c * size);
		below = (int32_t)c.a_stride[1] < 0 ? below : 0;
	}
	c.o.a = place_span(below, image * c.batch, size);
	image = random_strides(c.acc_stride, (int64_t)c.groups * c.out_c * 4, c.out_w, c.out_h, 4,
			       &below);
	c.o.acc = (uint32_t)(below + 4 * rnd_in(0, 3));
	if (c.o.acc + image * c.batch > ACC)
		return;
	k = (int64_t)c.kernel_h * c.kernel_w * (depthwise ? 1 : c.in_c);
	bytes = random_b(&c.o, k, c.out_c, size);
	if (depthwise) {
		c.o.flags |= NPU_MXU_DEPTHWISE;
		c.o.b_layout = NPU_B_ROWS;
		c.o.b_stride = (uint32_t)((c.out_c + rnd_in(0, 3)) * size);
		bytes = k * (int32_t)c.o.b_stride;
	}
	if (c.groups > 1)
		c.b_group_stride = (uint32_t)bytes;
	if (spm_next + bytes * c.groups + 200 > SPM)
		return;
	c.o.b = place(bytes * c.groups, c.o.b_layout == NPU_B_PACKED ? 64 : size);
	snprintf(what, sizeof(what),
		 "CONV types %u batch %d groups %d in %d %d %d out %d %d %d kernel %d %d pad %d %d "
		 "layout %d flags %d",
		 type, c.batch, c.groups, c.in_h, c.in_w, c.in_c, c.out_h, c.out_w, c.out_c,
		 c.kernel_h, c.kernel_w, (int16_t)c.pad_top, (int16_t)c.pad_left, c.o.b_layout,
		 c.o.flags);
	unit_copy(want, start);
	ref_conv(want, &c);
	unit_compare(&c, what);
}

static void test_conv(void **state)
{
	unsigned int i;

	(void)state;
	for (i = 0; i < 400; i++)
		try_conv(i % 8, CONV_SMALL);
	for (i = 0; i < 40; i++)
		try_conv(i % 8, CONV_LARGE);
	for (i = 0; i < 200; i++)
		try_conv(i % 8, CONV_DENSE);
}

static void test_depthwise(void **state)
{
	static const unsigned int plain[] = { 0, 1, 2, 3, 6, 7 };
	unsigned int i;

	(void)state;
	for (i = 0; i < 120; i++)
		try_conv(plain[i % 6], CONV_DEPTHWISE);
}

/* A command that could go on for hours ends soon after the job is to end. */
static void test_abort(void **state)
{
	struct npu_cmd_conv c = {
		.h = unit_cmd(NPU_OP_CONV, sizeof(c)),
		.o = { .a_type = NPU_S8, .b_type = NPU_S8, .b_layout = NPU_B_ROWS },
		.batch = 1,
		.groups = 1,
		.in_h = 1,
		.in_w = 1,
		.in_c = 60000,
		.out_h = 1,
		.out_w = 1,
		.out_c = 64,
		.kernel_h = 256,
		.kernel_w = 256,
		.stride_h = 1,
		.stride_w = 1,
		.dilation_h = 1,
		.dilation_w = 1,
		.a_stride = { 0, 0, 0 },
		.acc_stride = { 256, 256, 256 },
	};
	unsigned int i;

	(void)state;
	for (i = 0; i < 2; i++) {
		c.o.a_type = c.o.b_type = i ? NPU_BF16 : NPU_S8;
		unit_aborts(&c);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_matmul_edges),  cmocka_unit_test(test_matmul_panels),
		cmocka_unit_test(test_matmul_random), cmocka_unit_test(test_conv),
		cmocka_unit_test(test_depthwise),     cmocka_unit_test(test_abort),
	};

	int failed;

	unit_setup(SPM, ACC);
	failed = cmocka_run_group_tests(tests, NULL, NULL);
	unit_teardown();
	return failed;
}
