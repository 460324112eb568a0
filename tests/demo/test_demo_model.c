/* SPDX-License-Identifier: MIT */
/* Copyright (c) 2026 the npu authors */
/*
 * The demo's model side: the weight file's reader against damaged and hostile files, the C
 * reference against sums worked out by hand, the IDX reader, the picture.
 *
 * Usage: test_demo_model [WEIGHTS], from the top of the tree. NPU_TEST_SEED=n repeats
 * a random run. Files go to a folder of the test's own, which it removes.
 */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>

#include <errno.h>
#include <png.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>
#include <zlib.h>

#include "tools/demo/idx.h"
#include "tools/demo/picture.h"
#include "tools/demo/reference.h"
#include "tools/demo/weights.h"

#define HEADER	     64
#define RECORD	     96
#define ARRAY_LEN(a) (sizeof(a) / sizeof((a)[0]))

static const char *weights_path;
static char dir[64];
static uint8_t *good; /* the bytes of the weight file */
static size_t good_size;

static const char *in_dir(const char *name)
{
	static char path[128];

	snprintf(path, sizeof(path), "%s/%s", dir, name);
	return path;
}

static void write_file(const char *path, const void *data, size_t size)
{
	FILE *f = fopen(path, "wb");

	assert_non_null(f);
	assert_int_equal(fwrite(data, 1, size, f), size);
	assert_int_equal(fclose(f), 0);
}

static void write_gz(const char *path, const void *data, size_t size)
{
	gzFile f = gzopen(path, "wb");

	assert_non_null(f);
	assert_int_equal(gzwrite(f, data, size), size);
	assert_int_equal(gzclose(f), Z_OK);
}

static void put_u32(uint8_t *p, uint32_t v)
{
	p[0] = v;
	p[1] = v >> 8;
	p[2] = v >> 16;
	p[3] = v >> 24;
}

static uint32_t get_u32(const uint8_t *p)
{
	return p[0] | p[1] << 8 | p[2] << 16 | (uint32_t)p[3] << 24;
}

/* Makes size and checksum right again, so that what is behind them gets tried. */
static void reseal(uint8_t *file, size_t size)
{
	put_u32(file + 8, size);
	put_u32(file + 12, crc32(0, file + 16, size - 16));
}

/*
 * Parses a copy that ends where its allocation ends, so that the address sanitiser sees a read of
 * one byte too many. A network that is accepted is also run: the loader has vouched for it.
 */
static int try_parse(const uint8_t *file, size_t size, struct npu_demo_error *err)
{
	uint8_t *exact = malloc(size ? size : 1);
	struct npu_demo_weights *net = NULL;
	int8_t *in;
	int32_t *logits;
	int ret;

	assert_non_null(exact);
	memcpy(exact, file, size);
	strcpy(err->text, "");
	ret = npu_demo_weights_parse(&net, exact, size, err);
	free(exact);
	if (ret) {
		assert_null(net);
		assert_int_not_equal(err->text[0], '\0');
		return ret;
	}
	in = calloc(net->in_h * net->in_w, net->in_c);
	logits = calloc(net->classes, sizeof(*logits));
	assert_non_null(in);
	assert_non_null(logits);
	assert_int_equal(npu_demo_reference_run(net, in, logits), 0);
	free(in);
	free(logits);
	npu_demo_weights_free(net);
	return 0;
}

static void test_file_is_accepted(void **state)
{
	struct npu_demo_weights *net;
	struct npu_demo_error err;

	(void)state;
	assert_true(good_size < 100000);
	if (npu_demo_weights_load(&net, weights_path, &err))
		fail_msg("%s", err.text);
	assert_int_equal(net->in_h, 28);
	assert_int_equal(net->in_w, 28);
	assert_int_equal(net->in_c, 1);
	assert_int_equal(net->classes, NPU_DEMO_CLASSES);
	assert_int_equal(net->layer_count, 6);
	assert_int_equal(net->max_elements, 28 * 28 * 16);
	assert_string_equal(net->layers[3].name, "conv3");
	assert_int_equal(net->layers[3].stride_w, 2);
	assert_int_equal(net->layers[3].weight_count, 3 * 3 * 32 * 64);
	npu_demo_weights_free(net);
	npu_demo_weights_free(NULL);
}

static void test_load_names_the_file(void **state)
{
	struct npu_demo_weights *net;
	struct npu_demo_error err;
	const char *path;

	(void)state;
	path = in_dir("absent");
	assert_int_equal(npu_demo_weights_load(&net, path, &err), -ENOENT);
	assert_non_null(strstr(err.text, path));
	assert_int_equal(npu_demo_weights_load(&net, dir, &err), -EISDIR);
	assert_int_equal(npu_demo_weights_load(&net, dir, NULL), -EISDIR);
	path = in_dir("empty");
	write_file(path, "", 0);
	assert_int_equal(npu_demo_weights_load(&net, path, &err), -EINVAL);
	assert_non_null(strstr(err.text, path));
	assert_int_equal(npu_demo_weights_load(&net, "/dev/zero", &err), -EINVAL);
	assert_non_null(strstr(err.text, "too large"));
}

static void test_every_truncation_is_refused(void **state)
{
	uint8_t *file = malloc(good_size);
	struct npu_demo_error err;
	size_t size;

	(void)state;
	assert_non_null(file);
	for (size = 0; size < good_size; size++) {
		assert_int_equal(try_parse(good, size, &err), -EINVAL);
		if (size < HEADER)
			continue;
		memcpy(file, good, size);
		reseal(file, size);
		assert_int_equal(try_parse(file, size, &err), -EINVAL);
	}
	free(file);
}

static void test_longer_file_is_refused(void **state)
{
	uint8_t *file = calloc(1, good_size + 16);
	struct npu_demo_error err;

	(void)state;
	assert_non_null(file);
	memcpy(file, good, good_size);
	assert_int_equal(try_parse(file, good_size + 16, &err), -EINVAL);
	reseal(file, good_size + 16);
	assert_int_equal(try_parse(file, good_size + 16, &err), -EINVAL);
	assert_non_null(strstr(err.text, "follow the last layer"));
	free(file);
}

static void test_every_flipped_byte_is_refused(void **state)
{
	struct npu_demo_error err;
	size_t i;

	(void)state;
	for (i = 0; i < good_size; i++) {
		good[i] ^= 1 << i % 8;
		assert_int_equal(try_parse(good, good_size, &err), -EINVAL);
		good[i] ^= 1 << i % 8;
	}
}

/* One field wrong at a time, the checksum right: each is refused for its own reason. */
static void test_wrong_fields_are_refused(void **state)
{
	/* Offsets of the records, from the sizes in docs/demo-weights.md. */
	const size_t conv1 = HEADER;
	const size_t pool1 = conv1 + RECORD + 144 + 64 + 64;
	const size_t conv2 = pool1 + RECORD;
	const size_t fc = good_size - RECORD - 5760 - 48;
	const struct {
		size_t at;
		uint32_t value;
		const char *says;
	} cases[] = {
		{ 0, 0x5755504e, "no NPUW" },
		{ 4, 2, "version 2" },
		{ 16, 0, "layers" },
		{ 16, 65, "layers" },
		{ 16, 5, "fully connected" },
		{ 16, 7, "fully connected" },
		{ 20, 0, "input" },
		{ 20, 4097, "input" },
		{ 20, 29, "what comes before gives" },
		{ 32, 0x7fc00000, "scale" },
		{ 32, 0x7f800000, "scale" },
		{ 32, 0, "scale" },
		{ 32, 0xbf800000, "scale" },
		{ 32, 0x3f800000, "not that of what comes before" },
		{ 36, 0, "zero point" },
		{ 40, 0, "test images" },
		{ 44, 10001, "test images" },
		{ 60, 1, "reserved" },
		{ conv1 + 0, 0, "name" },
		{ conv1 + 0, 0x766e0763, "name" },
		{ conv1 + 8, 0x61616161, "name" },
		{ conv1 + 12, 0, "unknown type" },
		{ conv1 + 12, 4, "unknown type" },
		{ conv1 + 12, 3, "only convolutions are padded" },
		{ conv1 + 16, 0, "record" },
		{ conv1 + 16, 0xffffffff, "record" },
		{ conv1 + 16, 96 + 144 + 64, "record" },
		{ conv1 + 32, 0, "output" },
		{ conv1 + 32, 27, "does not follow" },
		{ conv1 + 36, 29, "does not follow" },
		{ conv1 + 40, 17, "record" },
		{ conv1 + 40, 4096, "ends within" },
		{ conv1 + 40, 4097, "output" },
		{ conv1 + 44, 0, "kernel" },
		{ conv1 + 48, 0xffffffff, "kernel" },
		{ conv1 + 44, 31, "does not follow" },
		{ conv1 + 52, 0, "stride" },
		{ conv1 + 56, 4097, "stride" },
		{ conv1 + 52, 2, "does not follow" },
		{ conv1 + 60, 3, "padding" },
		{ conv1 + 64, 0xffffffff, "padding" },
		{ conv1 + 68, 0x80000000, "padding" },
		{ conv1 + 72, 3, "padding" },
		{ conv1 + 72, 0, "does not follow" },
		{ conv1 + 76, 0, "not that of what comes before" },
		{ conv1 + 80, 0, "not that of what comes before" },
		{ conv1 + 84, 0x7fc00000, "scale" },
		{ conv1 + 84, 0x3f800000, "not that of what comes before" },
		{ conv1 + 88, 128, "zero point" },
		{ conv1 + 88, 0x80000000, "zero point" },
		{ conv1 + 92, 2, "output type" },
		{ conv1 + 92, 0, "output type" },
		{ conv1 + RECORD, 0x80, "a weight is -128" },
		{ conv1 + RECORD + 144, 0x7fffffff, "overflow" },
		{ conv1 + RECORD + 144, 0x80000000, "overflow" },
		{ conv1 + RECORD + 144 + 64, 0, "multiplier" },
		{ conv1 + RECORD + 144 + 64, 0xff800000, "multiplier" },
		{ pool1 + 40, 15, "channels" },
		{ pool1 + 60, 1, "only convolutions are padded" },
		{ pool1 + 84, 0x3f800000, "keeps" },
		{ pool1 + 12, 1, "record" },
		{ conv2 + 20, 28, "what comes before gives" },
		{ conv2 + 28, 15, "what comes before gives" },
		{ fc + 12, 1, "does not follow" },
		{ fc + 32, 2, "window" },
		{ fc + 44, 3, "window" },
		{ fc + 52, 2, "window" },
		{ fc + 40, 9, "record" },
		{ fc + 40, 4096, "ends within" },
		{ fc + 88, 1, "zero point" },
		{ fc + 92, 1, "output type" },
		{ good_size - 4, 1, "filling" },
	};
	uint8_t *file = malloc(good_size);
	struct npu_demo_error err;
	size_t i;

	(void)state;
	assert_non_null(file);
	assert_memory_equal(good + fc, "fc", 3);
	assert_memory_equal(good + pool1, "pool1", 6);
	for (i = 0; i < ARRAY_LEN(cases); i++) {
		memcpy(file, good, good_size);
		put_u32(file + cases[i].at, cases[i].value);
		if (cases[i].at >= 16)
			reseal(file, good_size);
		if (i == 0)
			file[0] = 'n';
		if (try_parse(file, good_size, &err) != -EINVAL)
			fail_msg("case %zu was accepted; should say '%s'", i, cases[i].says);
		if (!strstr(err.text, cases[i].says))
			fail_msg("case %zu says '%s', not '%s'", i, err.text, cases[i].says);
	}
	free(file);
}

/* Anything with a right checksum: refused, or accepted and then run without harm. */
static void test_random_fields_do_no_harm(void **state)
{
	const char *given = getenv("NPU_TEST_SEED");
	unsigned int seed = given ? strtoul(given, NULL, 0) : (unsigned int)time(NULL);
	uint8_t *file = malloc(good_size);
	unsigned int round, changes, accepted = 0;
	size_t records[7], at, i;
	struct npu_demo_error err;

	(void)state;
	print_message("NPU_TEST_SEED=%u\n", seed);
	srandom(seed);
	assert_non_null(file);
	records[0] = 16;
	for (i = 1, at = HEADER; i < ARRAY_LEN(records); i++) {
		records[i] = at;
		at += get_u32(good + at + 16);
	}
	assert_int_equal(at, good_size);
	for (round = 0; round < 2000; round++) {
		memcpy(file, good, good_size);
		for (changes = 1 + random() % 2; changes; changes--) {
			i = random() % ARRAY_LEN(records);
			at = records[i] + random() % (i ? RECORD : HEADER - 16) / 4 * 4;
			switch (random() % 4) {
			case 0:
				put_u32(file + at, random() % 8);
				break;
			case 1:
				put_u32(file + at, (uint32_t)random() << 1);
				break;
			case 2:
				put_u32(file + at, get_u32(file + at) ^ 1u << random() % 32);
				break;
			default:
				file[16 + random() % (good_size - 16)] = random();
				break;
			}
		}
		reseal(file, good_size);
		accepted += !try_parse(file, good_size, &err);
	}
	/* Test counts, names and weights may be anything: some must have got through. */
	assert_true(accepted > 0 && accepted < round);
	free(file);
}

/* One 1x1 convolution whose sums are its input: ties, both saturations, the zero point. */
static void test_requantisation_rounds_half_to_even(void **state)
{
	static const struct {
		int8_t in, out;
	} cases[] = {
		{ 0, 10 },  { 1, 10 }, { 2, 11 }, { 3, 12 },   { 5, 12 },     { 7, 14 },
		{ -1, 10 }, { -3, 8 }, { -5, 8 }, { 127, 74 }, { -128, -54 },
	};
	int8_t weights[2] = { 1, 127 };
	int32_t bias[2] = { 0, 3 };
	float multiplier[2] = { 0.5f, 0.5f };
	struct npu_demo_layer l = {
		.type = NPU_DEMO_CONV,
		.in_h = 1,
		.in_w = 1,
		.in_c = 1,
		.out_h = 1,
		.out_w = 1,
		.out_c = 2,
		.kernel_h = 1,
		.kernel_w = 1,
		.stride_h = 1,
		.stride_w = 1,
		.in_zero_point = 0,
		.out_zero_point = 10,
		.weights = weights,
		.weight_count = 2,
		.bias = bias,
		.multiplier = multiplier,
	};
	int8_t out[2];
	size_t i;

	(void)state;
	for (i = 0; i < ARRAY_LEN(cases); i++) {
		npu_demo_reference_conv(&l, &cases[i].in, out);
		assert_int_equal(out[0], cases[i].out);
	}
	npu_demo_reference_conv(&l, &(int8_t){ 100 }, out);
	assert_int_equal(out[1], 127);
	npu_demo_reference_conv(&l, &(int8_t){ -100 }, out);
	assert_int_equal(out[1], -128);
	/* ReLU by saturation: with zero point -128 nothing is below zero. */
	l.out_zero_point = -128;
	npu_demo_reference_conv(&l, &(int8_t){ -100 }, out);
	assert_int_equal(out[0], -128);
	assert_int_equal(out[1], -128);
	npu_demo_reference_conv(&l, &(int8_t){ 100 }, out);
	assert_int_equal(out[0], -78);
	assert_int_equal(out[1], 127);
}

/* A 3x4 image, two channels, 2x3 kernel, uneven strides and padding, worked out by hand. */
static void test_convolution_by_hand(void **state)
{
	static const int8_t in[3 * 4 * 2] = {
		6,  5, 7,  5, 8,  5, 9,	 5, /* first channel 1 to 12, second 0, zero point 5 */
		10, 5, 11, 5, 12, 5, 13, 5, /* but for one 1 below */
		14, 5, 15, 5, 16, 6, 17, 5,
	};
	/* [ky][kx][ci][co]: first output sums the window, second weighs it with 1 to 6. */
	int8_t weights[2 * 3 * 2 * 2] = {
		1, 1, 0, 0, 1, 2, 0, 0, 1, 3, 0, 0, 1, 4, 0, 0, 1, 5, 10, 20, 1, 6, 0, 0,
	};
	int32_t bias[2] = { 0, 1 };
	float multiplier[2] = { 1, 0.25f };
	struct npu_demo_layer l = {
		.type = NPU_DEMO_CONV,
		.in_h = 3,
		.in_w = 4,
		.in_c = 2,
		.out_h = 2,
		.out_w = 4,
		.out_c = 2,
		.kernel_h = 2,
		.kernel_w = 3,
		.stride_h = 2,
		.stride_w = 1,
		.pad_top = 1,
		.pad_left = 2,
		.in_zero_point = 5,
		.weights = weights,
		.weight_count = 24,
		.bias = bias,
		.multiplier = multiplier,
	};
	/* second: (1 + sum) / 4, as 18 / 4 -> 4 and 134 / 4 -> 34 */
	static const int8_t expected[2 * 4 * 2] = {
		1, 2, 3, 4, 6, 8, 9, 12, 14, 18, 30, 34, 48, 48, 64, 58,
	};
	int8_t out[2 * 4 * 2];

	(void)state;
	npu_demo_reference_conv(&l, in, out);
	assert_memory_equal(out, expected, sizeof(out));
}

static void test_pooling_by_hand(void **state)
{
	static const int8_t in[3 * 3 * 2] = {
		-128, 1, -100, 2, 127, 3, -128, 4, -128, 9, 0, 0, 5, 7, 6, -8, 7, 100,
	};
	struct npu_demo_layer l = {
		.type = NPU_DEMO_MAXPOOL,
		.in_h = 3,
		.in_w = 3,
		.in_c = 2,
		.out_h = 1,
		.out_w = 1,
		.out_c = 2,
		.kernel_h = 2,
		.kernel_w = 2,
		.stride_h = 2,
		.stride_w = 2,
	};
	int8_t out[4];

	(void)state;
	npu_demo_reference_maxpool(&l, in, out);
	assert_int_equal(out[0], -100);
	assert_int_equal(out[1], 9);
	l.stride_w = 1;
	l.out_w = 2;
	npu_demo_reference_maxpool(&l, in, out);
	assert_memory_equal(out, ((const int8_t[]){ -100, 9, 127, 9 }), 4);
}

static void test_fc_and_argmax_by_hand(void **state)
{
	static const int8_t in[4] = { -128, -127, 0, 127 }; /* 0, 1, 128, 255 */
	int8_t weights[4 * 3] = { 9, 9, 9, 1, 2, 3, 1, 0, -1, 127, -127, 1 };
	int32_t bias[3] = { 100, 200, -300 };
	struct npu_demo_layer l = {
		.type = NPU_DEMO_FC,
		.in_h = 1,
		.in_w = 2,
		.in_c = 2,
		.out_h = 1,
		.out_w = 1,
		.out_c = 3,
		.in_zero_point = -128,
		.weights = weights,
		.weight_count = 12,
		.bias = bias,
	};
	int32_t logits[3];

	(void)state;
	npu_demo_reference_fc(&l, in, logits);
	assert_int_equal(logits[0], 100 + 1 + 128 + 255 * 127);
	assert_int_equal(logits[1], 200 + 2 - 255 * 127);
	assert_int_equal(logits[2], -300 + 3 - 128 + 255);
	assert_int_equal(npu_demo_argmax(logits, 3), 0);
	assert_int_equal(npu_demo_argmax((const int32_t[]){ -5, -2, -9, -2 }, 4), 1);
	assert_int_equal(npu_demo_argmax((const int32_t[]){ INT32_MIN }, 1), 0);
}

/* Real and extreme images, for the sanitisers' eyes; test_demo_accuracy.c looks at the answers. */
static void test_reference_stays_in_bounds(void **state)
{
	struct npu_demo_weights *net;
	struct npu_demo_error err;
	int32_t logits[NPU_DEMO_CLASSES];
	uint8_t pixels[28 * 28];
	int8_t in[28 * 28];
	unsigned int round;

	(void)state;
	if (npu_demo_weights_load(&net, weights_path, &err))
		fail_msg("%s", err.text);
	for (round = 0; round < 256; round += 17) {
		memset(pixels, round, sizeof(pixels));
		npu_demo_quantise(net, pixels, in, sizeof(pixels));
		assert_int_equal(in[0], (int)round - 128);
		assert_int_equal(in[783], (int)round - 128);
		assert_int_equal(npu_demo_reference_run(net, in, logits), 0);
	}
	npu_demo_weights_free(net);
}

static void test_idx_files(void **state)
{
	static const uint8_t file[] = { 0, 0, 8, 2, 0, 0, 0, 2, 0, 0, 0, 3, 1, 2, 3, 4, 5, 6 };
	static const struct {
		size_t at;
		uint8_t value;
		const char *says;
	} cases[] = {
		{ 0, 1, "not an IDX file" },
		{ 1, 1, "not an IDX file" },
		{ 2, 0x0d, "not an IDX file" },
		{ 3, 0, "dimensions" },
		{ 3, 4, "dimensions" },
		{ 7, 0, "is 0" },
		{ 7, 1, "more data" },
		{ 7, 3, "ends within its data" },
		{ 4, 0xff, "MiB" },
		{ 8, 0x80, "MiB" },
		{ 3, 3, "ends within its header" },
	};
	struct npu_demo_idx idx;
	struct npu_demo_error err;
	uint8_t bad[sizeof(file)], packed[256];
	const char *path = in_dir("idx");
	size_t i, size;
	FILE *f;

	(void)state;
	for (i = 0; i < 2; i++) {
		if (i)
			write_gz(path, file, sizeof(file));
		else
			write_file(path, file, sizeof(file));
		assert_int_equal(npu_demo_idx_load(&idx, path, &err), 0);
		assert_int_equal(idx.ndim, 2);
		assert_int_equal(idx.dim[0], 2);
		assert_int_equal(idx.dim[1], 3);
		assert_memory_equal(idx.data, file + 12, 6);
		npu_demo_idx_free(&idx);
	}
	f = fopen(path, "rb");
	assert_non_null(f);
	size = fread(packed, 1, sizeof(packed), f);
	fclose(f);
	assert_true(size > 20 && size < sizeof(packed));

	for (i = 0; i < sizeof(file); i++) {
		write_file(path, file, i);
		assert_int_equal(npu_demo_idx_load(&idx, path, &err), -EINVAL);
		assert_non_null(strstr(err.text, "ends within"));
	}
	/* Gzipped: cut anywhere, a checksum or a length that is wrong. */
	for (i = 0; i < size; i++) {
		write_file(path, packed, i);
		assert_int_equal(npu_demo_idx_load(&idx, path, &err), -EINVAL);
	}
	for (i = size - 8; i < size; i++) {
		packed[i] ^= 1;
		write_file(path, packed, size);
		assert_int_equal(npu_demo_idx_load(&idx, path, &err), -EINVAL);
		assert_non_null(strstr(err.text, "damaged"));
		packed[i] ^= 1;
	}
	for (i = 0; i < ARRAY_LEN(cases); i++) {
		memcpy(bad, file, sizeof(file));
		bad[cases[i].at] = cases[i].value;
		write_file(path, bad, cases[i].at == 3 && cases[i].value == 3 ? 14 : sizeof(bad));
		assert_int_equal(npu_demo_idx_load(&idx, path, &err), -EINVAL);
		if (!strstr(err.text, cases[i].says))
			fail_msg("case %zu says '%s', not '%s'", i, err.text, cases[i].says);
	}
	assert_int_equal(npu_demo_idx_load(&idx, in_dir("absent"), &err), -ENOENT);
	assert_int_equal(npu_demo_idx_load(&idx, dir, NULL), -EISDIR);
}

static void test_dataset_must_fit_together(void **state)
{
	uint8_t images[] = { 0, 0, 8, 3, 0, 0, 0, 2, 0, 0, 0, 1, 0, 0, 0, 2, 1, 2, 3, 4 };
	uint8_t labels[] = { 0, 0, 8, 1, 0, 0, 0, 2, 0, 9 };
	uint8_t one[] = { 0, 0, 8, 1, 0, 0, 0, 1, 0 };
	struct npu_demo_dataset set;
	struct npu_demo_error err;

	(void)state;
	assert_int_equal(npu_demo_dataset_load(&set, dir, &err), -ENOENT);
	assert_non_null(strstr(err.text, "dataset-fashion-mnist"));
	write_file(in_dir("t10k-images-idx3-ubyte"), images, sizeof(images));
	assert_int_equal(npu_demo_dataset_load(&set, dir, &err), -ENOENT);
	assert_non_null(strstr(err.text, "labels"));
	write_gz(in_dir("t10k-labels-idx1-ubyte.gz"), labels, sizeof(labels));
	assert_int_equal(npu_demo_dataset_load(&set, dir, &err), 0);
	assert_int_equal(set.count, 2);
	assert_int_equal(set.height, 1);
	assert_int_equal(set.width, 2);
	assert_int_equal(set.pixels[3], 4);
	assert_int_equal(set.labels[1], 9);
	npu_demo_dataset_free(&set);
	labels[9] = 10;
	write_gz(in_dir("t10k-labels-idx1-ubyte.gz"), labels, sizeof(labels));
	assert_int_equal(npu_demo_dataset_load(&set, dir, &err), -EINVAL);
	assert_non_null(strstr(err.text, "label 1 is 10"));
	write_gz(in_dir("t10k-labels-idx1-ubyte.gz"), one, sizeof(one));
	assert_int_equal(npu_demo_dataset_load(&set, dir, &err), -EINVAL);
	assert_non_null(strstr(err.text, "2 test images, but 1 labels"));
	write_gz(in_dir("t10k-labels-idx1-ubyte.gz"), images, sizeof(images));
	assert_int_equal(npu_demo_dataset_load(&set, dir, &err), -EINVAL);
	assert_non_null(strstr(err.text, "3 dimensions, not 1"));
	assert_string_equal(npu_demo_class_name(9), "Ankle boot");
	assert_string_equal(npu_demo_class_name(10), "?");
}

/* How many dots are clearly red. The left edge is blank, whatever is cut off on the right. */
static size_t count_red(const char *path)
{
	png_image image = { .version = PNG_IMAGE_VERSION };
	size_t i, red = 0, dots;
	uint8_t *rgb;

	assert_true(png_image_begin_read_from_file(&image, path));
	image.format = PNG_FORMAT_RGB;
	rgb = malloc(PNG_IMAGE_SIZE(image));
	assert_non_null(rgb);
	assert_true(png_image_finish_read(&image, NULL, rgb, 0, NULL));
	dots = (size_t)image.width * image.height;
	for (i = 0; i < dots; i++) {
		red += rgb[3 * i] > 0x80 && rgb[3 * i + 1] < 0x40 && rgb[3 * i + 2] < 0x40;
		if (i % image.width < 8)
			assert_int_equal(rgb[3 * i + 1], 0xff);
	}
	free(rgb);
	return red;
}

static void test_picture_marks_the_wrong_ones(void **state)
{
	static const uint8_t pixels[2 * 3] = { 0, 50, 100, 150, 200, 255 };
	struct npu_demo_tile tiles[] = {
		{ pixels, "Bag", "Bag" },
		{ pixels, "T-shirt/top", "T-shirt/top" },
		{ pixels, "Coat\xc3\xa9", "Coat\xc3\xa9" },
	};
	struct npu_demo_picture p = {
		.title = "A title far longer than the picture is wide, which is to be cut off",
		.tiles = tiles,
		.count = 3,
		.columns = 2,
		.height = 2,
		.width = 3,
	};
	struct npu_demo_error err;
	const char *path = in_dir("picture.png");
	size_t one;

	(void)state;
	assert_int_equal(npu_demo_picture_write(&p, path, &err), 0);
	assert_int_equal(count_red(path), 0);
	tiles[2].truth = "A very long truth, longer than any tile";
	assert_int_equal(npu_demo_picture_write(&p, path, &err), 0);
	one = count_red(path);
	assert_true(one > 0);
	tiles[0].answer = "";
	assert_int_equal(npu_demo_picture_write(&p, path, &err), 0);
	assert_true(count_red(path) > one);
	unlink(path);

	assert_int_equal(npu_demo_picture_write(&p, in_dir("no/such.png"), &err), -EIO);
	assert_non_null(strstr(err.text, "such.png"));
	p.columns = 0;
	assert_int_equal(npu_demo_picture_write(&p, path, &err), -EINVAL);
	p.columns = 2;
	p.count = 1025;
	assert_int_equal(npu_demo_picture_write(&p, path, &err), -EINVAL);
	p.count = 3;
	p.width = 65;
	assert_int_equal(npu_demo_picture_write(&p, path, &err), -EINVAL);
}

static int read_good_file(void)
{
	FILE *f = fopen(weights_path, "rb");
	long size;

	if (!f || fseek(f, 0, SEEK_END) || (size = ftell(f)) < HEADER || fseek(f, 0, SEEK_SET))
		return -1;
	good_size = size;
	good = malloc(good_size);
	if (!good || fread(good, 1, good_size, f) != good_size)
		return -1;
	return fclose(f);
}

static void remove_files(void)
{
	static const char *const names[] = { "empty", "idx", "picture.png",
					     "t10k-images-idx3-ubyte",
					     "t10k-labels-idx1-ubyte.gz" };
	size_t i;

	for (i = 0; i < ARRAY_LEN(names); i++)
		unlink(in_dir(names[i]));
	rmdir(dir);
}

int main(int argc, char **argv)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_file_is_accepted),
		cmocka_unit_test(test_load_names_the_file),
		cmocka_unit_test(test_every_truncation_is_refused),
		cmocka_unit_test(test_longer_file_is_refused),
		cmocka_unit_test(test_every_flipped_byte_is_refused),
		cmocka_unit_test(test_wrong_fields_are_refused),
		cmocka_unit_test(test_random_fields_do_no_harm),
		cmocka_unit_test(test_requantisation_rounds_half_to_even),
		cmocka_unit_test(test_convolution_by_hand),
		cmocka_unit_test(test_pooling_by_hand),
		cmocka_unit_test(test_fc_and_argmax_by_hand),
		cmocka_unit_test(test_reference_stays_in_bounds),
		cmocka_unit_test(test_idx_files),
		cmocka_unit_test(test_dataset_must_fit_together),
		cmocka_unit_test(test_picture_marks_the_wrong_ones),
	};
	const char *tmp = getenv("TMPDIR");
	int ret;

	weights_path = argc > 1 ? argv[1] : "tools/demo/fmnist.npuw";
	if (read_good_file()) {
		fprintf(stderr, "%s: cannot be read; usage: %s [WEIGHTS]\n", weights_path, argv[0]);
		return 2;
	}
	snprintf(dir, sizeof(dir), "%s/npu-demo-XXXXXX", tmp && strlen(tmp) < 40 ? tmp : "/tmp");
	if (!mkdtemp(dir)) {
		perror(dir);
		return 2;
	}
	ret = cmocka_run_group_tests(tests, NULL, NULL);
	remove_files();
	free(good);
	return ret;
}
