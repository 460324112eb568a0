// SPDX-License-Identifier: MIT
/*
 * Copyright (c) 2026 the npu authors
 *
 * .npy files: what numpy writes is read, what is damaged is refused with a reason, whatever byte it
 * is; and the 16-bit floats.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>
#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "half.h"
#include "npy.h"

static char path[] = "/tmp/test_npy.XXXXXX";

static void write_file(const void *data, size_t size)
{
	FILE *f = fopen(path, "w");

	assert_non_null(f);
	assert_int_equal(fwrite(data, 1, size, f), size);
	assert_int_equal(fclose(f), 0);
}

/* A file of version 1.0 with this header and so many bytes of elements (0, 1, 2 ...). */
static void write_npy(const char *header, size_t bytes)
{
	size_t length = strlen(header), size = 10 + length + bytes;
	unsigned char *data = malloc(size);

	assert_non_null(data);
	memcpy(data, "\x93NUMPY\x01\x00", 8);
	data[8] = length & 0xff;
	data[9] = length >> 8;
	memcpy(data + 10, header, length);
	for (size_t i = 0; i < bytes; i++)
		data[10 + length + i] = i;
	write_file(data, size);
	free(data);
}

static void accepts(const char *header, size_t bytes, enum npy_type type, unsigned int dims)
{
	char error[256] = "";
	struct npy a;

	write_npy(header, bytes);
	if (npy_read(&a, path, error, sizeof(error)))
		fail_msg("%s: %s", header, error);
	assert_int_equal(a.type, type);
	assert_int_equal(a.dims, dims);
	assert_int_equal(a.size, bytes);
	for (size_t i = 0; i < bytes; i++)
		assert_int_equal(((unsigned char *)a.data)[i], i & 0xff);
	free(a.data);
}

static void refuses(int code, const char *words, const char *header, size_t bytes)
{
	char error[256] = "";
	struct npy a;
	int r;

	write_npy(header, bytes);
	r = npy_read(&a, path, error, sizeof(error));
	if (r != code || !strstr(error, words) || !strstr(error, path))
		fail_msg("%s: %d \"%s\", not %d \"%s\"", header, r, error, code, words);
	assert_null(a.data);
}

static void test_headers(void **state)
{
	(void)state;
	accepts("{'descr': '|i1', 'fortran_order': False, 'shape': (2, 3), }\n", 6, NPY_INT8, 2);
	accepts("{'descr': '|u1', 'fortran_order': False, 'shape': (5,), }    \n", 5, NPY_UINT8, 1);
	accepts("{\"shape\":(2,3,4),\"descr\":\"<i4\",\"fortran_order\":False}", 96, NPY_INT32, 3);
	accepts("{'descr': '<i8', 'fortran_order': False, 'shape': (2,), }", 16, NPY_INT64, 1);
	accepts("{'descr': '<f2', 'fortran_order': False, 'shape': (), }", 2, NPY_FLOAT16, 0);
	accepts("{'descr': '<f4', 'fortran_order': False, 'shape': (0, 7)}", 0, NPY_FLOAT32, 2);
	refuses(-ENOTSUP, "<f8", "{'descr': '<f8', 'fortran_order': False, 'shape': (1,), }", 8);
	refuses(-ENOTSUP, "big-endian", "{'descr': '>f4', 'fortran_order': False, 'shape': (1,), }",
		4);
	refuses(-ENOTSUP, "plain type",
		"{'descr': [('a', '<f4')], 'fortran_order': False, 'shape': (1,), }", 4);
	refuses(-ENOTSUP, "Fortran", "{'descr': '<f4', 'fortran_order': True, 'shape': (1,), }", 4);
	refuses(-ENOTSUP, "dimensions",
		"{'descr': '|i1', 'fortran_order': False, 'shape': (1,1,1,1,1,1,1,1,1), }", 1);
	refuses(-EBADMSG, "neither", "{'descr': '<f4', 'fortran_order': 0, 'shape': (1,), }", 4);
	refuses(-EBADMSG, "tuple", "{'descr': '<f4', 'fortran_order': False, 'shape': (1), }", 4);
	refuses(-EBADMSG, "tuple", "{'descr': '<f4', 'fortran_order': False, 'shape': (1 2), }", 8);
	refuses(-EBADMSG, "tuple", "{'descr': '<f4', 'fortran_order': False, 'shape': (-1,), }", 4);
	refuses(-EBADMSG, "tuple", "{'descr': '<f4', 'fortran_order': False, 'shape': 1, }", 4);
	refuses(-EBADMSG, "lacks", "{'descr': '<f4', 'fortran_order': False, }", 4);
	refuses(-EBADMSG, "twice",
		"{'descr': '<f4', 'descr': '<f4', 'fortran_order': False, 'shape': (1,), }", 4);
	refuses(-EBADMSG, "unknown key",
		"{'descr': '<f4', 'fortran_order': False, 'shape': (1,), 'x': 1}", 4);
	refuses(-EBADMSG, "goes on", "{'descr': '<f4', 'fortran_order': False, 'shape': (1,), } x",
		4);
	refuses(-EBADMSG, "dictionary", "{'descr': '<f4', 'fortran_order': False, 'shape': (1,)",
		4);
	refuses(-EBADMSG, "dictionary", "", 4);
	refuses(-EBADMSG, "asks for 4 bytes",
		"{'descr': '<f4', 'fortran_order': False, 'shape': (1,), }", 3);
	refuses(-EBADMSG, "asks for 4 bytes",
		"{'descr': '<f4', 'fortran_order': False, 'shape': (1,), }", 5);
	refuses(-EOVERFLOW, "too large",
		"{'descr': '<f4', 'fortran_order': False, 'shape': (4294967296,), }", 4);
	refuses(-EOVERFLOW, "too large",
		"{'descr': '<f4', 'fortran_order': False, 'shape': (4294967295, 4294967295), }", 4);
	/* 2^64 elements: a product that wraps to nothing must not pass for an empty array. */
	refuses(-EOVERFLOW, "too large",
		"{'descr': '|i1', 'fortran_order': False, 'shape': (65536, 65536, 65536, 65536), }",
		0);
}

static void test_damage(void **state)
{
	static const char good[] =
		"\x93NUMPY\x01\x00\x46\x00"
		"{'descr': '|i1', 'fortran_order': False, 'shape': (2, 3), }          \n"
		"abcdef";
	size_t size = sizeof(good) - 1;
	char data[sizeof(good)], error[256];
	unsigned int accepted = 0;
	struct npy a;

	(void)state;
	write_file(good, size);
	assert_int_equal(npy_read(&a, path, error, sizeof(error)), 0);
	assert_memory_equal(a.data, "abcdef", 6);
	free(a.data);
	for (size_t cut = 0; cut < size; cut++) {
		write_file(good, cut);
		assert_int_not_equal(npy_read(&a, path, error, sizeof(error)), 0);
	}
	/*
	 * Any byte, any value: an error or an array of six bytes, and nothing that a sanitizer
	 * sees.
	 */
	for (size_t i = 0; i < size; i++)
		for (unsigned int v = 0; v < 256; v++) {
			memcpy(data, good, size);
			data[i] = (char)v;
			write_file(data, size);
			if (!npy_read(&a, path, error, sizeof(error))) {
				assert_int_equal(a.size, 6);
				free(a.data);
				accepted++;
			}
		}
	/* The elements' own bytes and a blank or two; but not everything. */
	assert_in_range(accepted, 6 * 256, 8 * 256);
}

static void test_versions(void **state)
{
	static const char two[] = "\x93NUMPY\x02\x00\x3a\x00\x00\x00"
				  "{'descr': '|u1', 'fortran_order': False, 'shape': (1,), }\n"
				  "x";
	static const char four[] = "\x93NUMPY\x04\x00\x3a\x00\x00\x00";
	static const char huge[] = "\x93NUMPY\x02\x00\xff\xff\xff\xff";
	char error[256];
	struct npy a;

	(void)state;
	write_file(two, sizeof(two) - 1);
	assert_int_equal(npy_read(&a, path, error, sizeof(error)), 0);
	assert_int_equal(((char *)a.data)[0], 'x');
	free(a.data);
	write_file(four, sizeof(four) - 1);
	assert_int_equal(npy_read(&a, path, error, sizeof(error)), -ENOTSUP);
	write_file(huge, sizeof(huge) - 1);
	assert_int_equal(npy_read(&a, path, error, sizeof(error)), -EBADMSG);
}

static void test_round_trip(void **state)
{
	int32_t data[24];
	struct npy out = { .type = NPY_INT32, .size = sizeof(data), .data = data }, in;
	char error[256];

	(void)state;
	for (int i = 0; i < 24; i++)
		data[i] = i * 1000003 - 7;
	for (unsigned int dims = 0; dims <= 3; dims++) {
		static const uint32_t shapes[4][3] = { { 0 }, { 24 }, { 4, 6 }, { 2, 3, 4 } };

		out.dims = dims;
		out.size = dims ? sizeof(data) : 4;
		memcpy(out.shape, shapes[dims], sizeof(shapes[dims]));
		assert_int_equal(npy_write(&out, path, error, sizeof(error)), 0);
		assert_int_equal(npy_read(&in, path, error, sizeof(error)), 0);
		assert_int_equal(in.type, NPY_INT32);
		assert_int_equal(in.dims, dims);
		assert_memory_equal(in.shape, out.shape, dims * sizeof(*in.shape));
		assert_int_equal(in.size, out.size);
		assert_memory_equal(in.data, data, out.size);
		free(in.data);
	}
	assert_int_equal(npy_write(&out, "/nonexistent/x.npy", error, sizeof(error)), -ENOENT);
}

/* The value of a 16-bit float from its definition. */
static double half_value(uint16_t h, int exponent_bits, int fraction_bits)
{
	int bias = (1 << (exponent_bits - 1)) - 1;
	int e = h >> fraction_bits & ((1 << exponent_bits) - 1), f = h & ((1 << fraction_bits) - 1);
	double v = e ? ldexp((1 << fraction_bits) + f, e - bias - fraction_bits) :
		       ldexp(f, 1 - bias - fraction_bits);

	return h >> 15 ? -v : v;
}

/* Each finite value, each point half way to the next, and what is just beside that. */
static void check_format(int exponent_bits, int fraction_bits, uint16_t (*from)(float),
			 float (*to)(uint16_t))
{
	uint16_t infinite = ((1 << exponent_bits) - 1) << fraction_bits;

	for (uint16_t h = 0; h < infinite; h++) {
		double v = half_value(h, exponent_bits, fraction_bits);
		double next = h + 1 == infinite ?
				      v + (v - half_value(h - 1, exponent_bits, fraction_bits)) :
				      half_value(h + 1, exponent_bits, fraction_bits);
		float middle = (float)((v + next) / 2);

		assert_true(to(h) == v);
		assert_true(to(h | 0x8000) == -v);
		assert_int_equal(from((float)v), h);
		assert_int_equal(from(-(float)v), h | 0x8000);
		assert_int_equal(from(middle), h & 1 ? h + 1 : h);
		assert_int_equal(from(nextafterf(middle, 0)), h);
		assert_int_equal(from(nextafterf(middle, INFINITY)), h + 1);
	}
	assert_int_equal(from(INFINITY), infinite);
	assert_int_equal(from(-INFINITY), infinite | 0x8000);
	assert_true(isinf(to(infinite)));
	assert_true(isnan(to(infinite | 1)));
}

static void test_halves(void **state)
{
	(void)state;
	check_format(8, 7, bf16_from_float, bf16_to_float);
	check_format(5, 10, fp16_from_float, fp16_to_float);
	assert_int_equal(bf16_from_float(NAN), 0x7fc0);
	assert_int_equal(fp16_from_float(-NAN), 0x7e00);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_headers),	 cmocka_unit_test(test_damage),
		cmocka_unit_test(test_versions), cmocka_unit_test(test_round_trip),
		cmocka_unit_test(test_halves),
	};
	int fd = mkstemp(path), r;

	if (fd < 0)
		return 1;
	close(fd);
	r = cmocka_run_group_tests(tests, NULL, NULL);
	unlink(path);
	return r;
}
