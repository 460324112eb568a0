/* SPDX-License-Identifier: MIT */
/* Copyright (c) 2026 the npu authors */
/*
 * The demo's model side: the reader of the network's parameters against arrays that are not theirs,
 * the C reference against sums worked out by hand, the IDX reader, the picture.
 *
 * NPU_TEST_SEED=n repeats a random run. Files go to a folder of the test's own, which it removes.
 */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>

#include <errno.h>
#include <math.h>
#include <png.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>
#include <zlib.h>

#include "npy.h"
#include "tools/demo/idx.h"
#include "tools/demo/params.h"
#include "tools/demo/picture.h"
#include "tools/demo/reference.h"

#define ARRAY_LEN(a) (sizeof(a) / sizeof((a)[0]))

static char dir[64];

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

/* ---- Parameters ---- */

/* A network of the demo's shape, as npucc writes them: values of no meaning, all of them legal. */
static const struct {
	const char *name;
	enum npy_type type;
	unsigned int dims;
	uint32_t shape[4];
} arrays[] = {
	{ "0.input", NPY_FLOAT32, 1, { 3 } },  { "0.weight", NPY_INT8, 4, { 16, 1, 3, 3 } },
	{ "0.scale", NPY_FLOAT32, 1, { 16 } }, { "0.bias", NPY_INT32, 1, { 16 } },
	{ "1.input", NPY_FLOAT32, 1, { 3 } },  { "1.weight", NPY_INT8, 4, { 32, 16, 3, 3 } },
	{ "1.scale", NPY_FLOAT32, 1, { 32 } }, { "1.bias", NPY_INT32, 1, { 32 } },
	{ "2.input", NPY_FLOAT32, 1, { 3 } },  { "2.weight", NPY_INT8, 4, { 64, 32, 3, 3 } },
	{ "2.scale", NPY_FLOAT32, 1, { 64 } }, { "2.bias", NPY_INT32, 1, { 64 } },
	{ "3.input", NPY_FLOAT32, 1, { 3 } },  { "3.weight", NPY_INT8, 2, { 576, 10 } },
	{ "3.scale", NPY_FLOAT32, 1, { 10 } }, { "3.bias", NPY_INT32, 1, { 10 } },
};

static const char *array_path(unsigned int i)
{
	static char path[128];

	snprintf(path, sizeof(path), "%s/%s.npy", dir, arrays[i].name);
	return path;
}

static struct npy new_array(unsigned int i)
{
	struct npy a = { .type = arrays[i].type, .dims = arrays[i].dims };
	size_t count = 1, k;

	memcpy(a.shape, arrays[i].shape, sizeof(arrays[i].shape));
	for (k = 0; k < a.dims; k++)
		count *= a.shape[k];
	a.size = count * npy_type_size(a.type);
	a.data = malloc(a.size);
	assert_non_null(a.data);
	for (k = 0; k < count; k++) {
		if (a.type == NPY_INT8)
			((int8_t *)a.data)[k] = (int8_t)random();
		else if (a.type == NPY_INT32)
			((int32_t *)a.data)[k] = (int32_t)(random() % (1u << 31)) - (1 << 30);
		else
			((float *)a.data)[k] = 0.5f + (float)(k % 2) * 3.5f; /* 4: a zero point */
		/* int8. */
		if (a.size == 12 && k == 2)
			((float *)a.data)[k] = -128;
	}
	return a;
}

static void write_array(unsigned int i, const struct npy *a)
{
	char error[256];

	if (npy_write(a, array_path(i), error, sizeof(error)))
		fail_msg("%s", error);
}

static void write_good(unsigned int i)
{
	struct npy a = new_array(i);

	write_array(i, &a);
	free(a.data);
}

/* The folder with array @i as @a is refused, and the message has these words. */
static void refuses(unsigned int i, const struct npy *a, const char *words)
{
	struct npu_demo_params params;
	struct npu_demo_error err = { "" };

	write_array(i, a);
	assert_int_not_equal(npu_demo_params_load(&params, dir, &err), 0);
	if (!strstr(err.text, words))
		fail_msg("%s: \"%s\", not \"%s\"", arrays[i].name, err.text, words);
	assert_null(params.layers[0].weights);
	write_good(i);
}

static void test_parameters_are_those_written(void **state)
{
	struct npu_demo_params p;
	struct npu_demo_error err;
	struct npy a;
	unsigned int i;

	(void)state;
	for (i = 0; i < ARRAY_LEN(arrays); i++)
		write_good(i);
	a = new_array(5);
	write_array(5, &a);
	if (npu_demo_params_load(&p, dir, &err))
		fail_msg("%s", err.text);
	assert_true(p.in_scale == 0.5f);
	assert_int_equal(p.layers[0].in_zero_point, 4);
	assert_int_equal(p.layers[0].in_least, -128);
	assert_true(p.layers[0].out_scale == 0.5f);
	assert_int_equal(p.layers[0].out_zero_point, 4);
	assert_int_equal(p.layers[0].out_least, -128);
	assert_true(p.layers[5].sum_scale[1] == 2.0f);
	/* [o][i][y][x] of the file is [y][x][i][o] here. */
	assert_int_equal(p.layers[2].weights[((2 * 3 + 1) * 16 + 7) * 32 + 30],
			 ((int8_t *)a.data)[((30 * 16 + 7) * 3 + 2) * 3 + 1]);
	free(a.data);
	npu_demo_params_free(&p);
}

static void test_wrong_parameters_are_refused(void **state)
{
	struct npu_demo_params p;
	struct npu_demo_error err;
	struct npy a;
	unsigned int i;

	(void)state;
	for (i = 0; i < ARRAY_LEN(arrays); i++)
		write_good(i);
	for (i = 0; i < ARRAY_LEN(arrays); i++) {
		unlink(array_path(i));
		assert_int_equal(npu_demo_params_load(&p, dir, &err), -ENOENT);
		write_file(array_path(i), "nothing", 7);
		assert_int_equal(npu_demo_params_load(&p, dir, &err), -EBADMSG);
		a = new_array(i);
		a.shape[0]--;
		a.size = a.size / (a.shape[0] + 1) * a.shape[0];
		refuses(i, &a, "not an array of the demo's network");
		a.shape[0]++;
		a.size = a.size / (a.shape[0] - 1) * a.shape[0];
		a.shape[a.dims++] = 1;
		refuses(i, &a, "not an array of the demo's network");
		a.dims--;
		a.type = a.type == NPY_FLOAT32 ? NPY_INT32 :
			 a.type == NPY_INT32   ? NPY_FLOAT32 :
						 NPY_UINT8;
		refuses(i, &a, "not an array of the demo's network");
		a.type = arrays[i].type;
		if (a.type == NPY_FLOAT32) {
			static const float bad[] = { 0, -1, INFINITY, NAN };

			for (unsigned int k = 0; k < ARRAY_LEN(bad); k++) {
				((float *)a.data)[0] = bad[k];
				refuses(i, &a, a.size == 12 ? "not a scale" : "channel 0");
			}
		}
		if (a.size == 12) {
			static const float bad[][2] = { { 0.5f, -128 }, { -129, -128 },
							{ 128, -128 },	{ -1, 0 },
							{ 256, 0 },	{ 4, 1 },
							{ 4, NAN },	{ NAN, 0 } };

			((float *)a.data)[0] = 1;
			for (unsigned int k = 0; k < ARRAY_LEN(bad); k++) {
				memcpy((float *)a.data + 1, bad[k], sizeof(bad[k]));
				refuses(i, &a, "zero point");
			}
			/* Times the weights' scales of 0.5 and 4. */
			memcpy((float *)a.data + 1, (float[]){ 4, -128 }, 8);
			((float *)a.data)[0] = 3e38f;
			refuses(i, &a, "channel 1");
			((float *)a.data)[0] = 1e-45f;
			refuses(i, &a, "channel 0");
		}
		if (a.type == NPY_INT32) {
			((int32_t *)a.data)[9] = (1 << 30) + 1;
			refuses(i, &a, "channel 9");
		}
		free(a.data);
	}
	assert_int_equal(npu_demo_params_load(&p, dir, &err), 0);
	npu_demo_params_free(&p);
	assert_int_equal(npu_demo_params_load(&p, "/nonexistent", &err), -ENOENT);
}

/* ---- The reference ---- */

/* One 1x1 convolution whose sums are its input: ReLU, ties, saturation, the zero point. */
static void test_requantisation_rounds_half_to_even(void **state)
{
	static const struct {
		int16_t in, out;
	} cases[] = {
		{ 0, 10 }, { 1, 10 },  { 2, 11 },  { 3, 12 },	{ 5, 12 },
		{ 7, 14 }, { -1, 10 }, { -3, 10 }, { 127, 74 }, { -128, 10 },
	};
	int8_t weights[2] = { 1, 127 };
	int32_t bias[2] = { 0, 3 };
	float sum_scale[2] = { 0.25f, 0.25f };
	struct npu_demo_layer l = {
		.type = NPU_DEMO_CONV,
		.in_h = 1,
		.in_w = 1,
		.in_c = 1,
		.out_h = 1,
		.out_w = 1,
		.out_c = 2,
		.kernel = 1,
		.stride = 1,
		.in_zero_point = 0,
		.out_scale = 0.5f,
		.out_zero_point = 10,
		.out_least = -128,
		.weights = weights,
		.bias = bias,
		.sum_scale = sum_scale,
	};
	int16_t out[2];
	size_t i;

	(void)state;
	for (i = 0; i < ARRAY_LEN(cases); i++) {
		npu_demo_reference_conv(&l, &cases[i].in, out);
		assert_int_equal(out[0], cases[i].out);
	}
	npu_demo_reference_conv(&l, &(int16_t){ 100 }, out);
	assert_int_equal(out[1], 127);
	l.out_zero_point = -128;
	npu_demo_reference_conv(&l, &(int16_t){ -100 }, out);
	assert_int_equal(out[0], -128);
	assert_int_equal(out[1], -128);
	npu_demo_reference_conv(&l, &(int16_t){ 100 }, out);
	assert_int_equal(out[0], -78);
	assert_int_equal(out[1], 127);
	/* uint8. */
	l.out_least = l.out_zero_point = 0;
	npu_demo_reference_conv(&l, &(int16_t){ 100 }, out);
	assert_int_equal(out[0], 50);
	assert_int_equal(out[1], 255);
}

/* Where the range that was calibrated ends before white does. */
static void test_pixels_saturate(void **state)
{
	static const uint8_t pixels[] = { 0, 100, 127, 128, 255 };
	static const struct {
		float scale;
		int32_t zero, least;
		int16_t in[5];
	} cases[] = {
		{ 1.0f / 255, 0, 0, { 0, 100, 127, 128, 255 } },
		{ 1.0f / 255, -128, -128, { -128, -28, -1, 0, 127 } },
		{ 1.0f / 510, 0, 0, { 0, 200, 254, 255, 255 } },
		{ 1.0f / 510, -128, -128, { -128, 72, 126, 127, 127 } },
		{ 1.0f / 255, 30, -128, { 30, 127, 127, 127, 127 } },
		/* Steps far beyond what 16 bits hold. */
		{ 1e-30f, -128, -128, { -128, 127, 127, 127, 127 } },
	};
	struct npu_demo_params p = { 0 };
	int16_t in[5];

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		p.in_scale = cases[i].scale;
		p.layers[0].in_zero_point = cases[i].zero;
		p.layers[0].in_least = cases[i].least;
		npu_demo_quantise(&p, pixels, in, 5);
		assert_memory_equal(in, cases[i].in, sizeof(in));
	}
}

/* A 3x4 image, two channels, 3x3 kernel, stride 2, padding, worked out by hand. */
static void test_convolution_by_hand(void **state)
{
	static const int16_t in[3 * 4 * 2] = {
		6,  5, 7,  5, 8,  5, 9,	 5, /* first channel 1 to 12, second 0, zero point 5 */
		10, 5, 11, 5, 12, 5, 13, 5, /* but for one 1 below */
		14, 5, 15, 5, 16, 6, 17, 5,
	};
	/* [ky][kx][ci][co]: first output sums the window, second weighs it with 1 to 9. */
	int8_t weights[3 * 3 * 2 * 2] = {
		1,  1,	0, 0, 1, 2, 0, 0, 1, 3, 0, 0, 1, 4, 0, 0, 1, 5,
		10, 20, 1, 6, 0, 0, 1, 7, 0, 0, 1, 8, 0, 0, 1, 9, 0, 0,
	};
	int32_t bias[2] = { 0, 1 };
	float sum_scale[2] = { 1, 0.25f };
	struct npu_demo_layer l = {
		.type = NPU_DEMO_CONV,
		.in_h = 3,
		.in_w = 4,
		.in_c = 2,
		.out_h = 2,
		.out_w = 2,
		.out_c = 2,
		.kernel = 3,
		.stride = 2,
		.pad = 1,
		.in_zero_point = 5,
		.out_scale = 2,
		.out_zero_point = -3,
		.out_least = -128,
		.weights = weights,
		.bias = bias,
		.sum_scale = sum_scale,
	};
	/* Half of 14, 30, 30, 54 + 10, less 3; an eighth of 112, 218, 134, 212 + 20, less 3. */
	static const int16_t expected[2 * 2 * 2] = { 4, 11, 12, 24, 12, 14, 29, 26 };
	int16_t out[2 * 2 * 2];

	(void)state;
	npu_demo_reference_conv(&l, in, out);
	assert_memory_equal(out, expected, sizeof(out));
}

static void test_pooling_by_hand(void **state)
{
	static const int16_t in[3 * 3 * 2] = {
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
		.kernel = 2,
		.stride = 2,
	};
	int16_t out[8];

	(void)state;
	npu_demo_reference_maxpool(&l, in, out);
	assert_int_equal(out[0], -100);
	assert_int_equal(out[1], 9);
	l.stride = 1;
	l.out_w = 2;
	l.out_h = 2;
	npu_demo_reference_maxpool(&l, in, out);
	assert_memory_equal(out, ((const int16_t[]){ -100, 9, 127, 9, 6, 9, 7, 100 }), sizeof(out));
}

static void test_fc_and_argmax_by_hand(void **state)
{
	static const int16_t in[4] = { -128, -127, 0, 127 }; /* 0, 1, 128, 255 */
	int8_t weights[4 * 3] = { 9, 9, 9, 1, 2, 3, 1, 0, -1, 127, -127, 1 };
	int32_t bias[3] = { 100, 200, -300 };
	float sum_scale[3] = { 1, 0.5f, 2 };
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
		.bias = bias,
		.sum_scale = sum_scale,
	};
	float logits[3];

	(void)state;
	npu_demo_reference_fc(&l, in, logits);
	assert_true(logits[0] == 100 + 1 + 128 + 255 * 127);
	assert_true(logits[1] == (200 + 2 - 255 * 127) / 2.0f);
	assert_true(logits[2] == (-300 + 3 - 128 + 255) * 2);
	assert_int_equal(npu_demo_argmax(logits, 3), 0);
	assert_int_equal(npu_demo_argmax((const float[]){ -5, -2, -9, -2 }, 4), 1);
	assert_int_equal(npu_demo_argmax((const float[]){ -INFINITY }, 1), 0);
}

/* Grey images through a random network, for the sanitisers' eyes; no meaning in the answers. */
static void test_reference_stays_in_bounds(void **state)
{
	struct npu_demo_params params;
	struct npu_demo_error err;
	float logits[NPU_DEMO_CLASSES];
	uint8_t pixels[28 * 28];
	int16_t in[28 * 28];
	unsigned int round;

	(void)state;
	for (round = 0; round < ARRAY_LEN(arrays); round++)
		write_good(round);
	if (npu_demo_params_load(&params, dir, &err))
		fail_msg("%s", err.text);
	for (round = 0; round < 256; round += 51) {
		memset(pixels, round, sizeof(pixels));
		npu_demo_quantise(&params, pixels, in, sizeof(pixels));
		/* A step is half of white. */
		assert_int_equal(in[0], (round > 191 ? 2 : round > 63 ? 1 : 0) + 4);
		assert_int_equal(in[783], in[0]);
		assert_int_equal(npu_demo_reference_run(&params, pixels, logits), 0);
		assert_true(isfinite(logits[9]));
	}
	npu_demo_params_free(&params);
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

static void remove_files(void)
{
	static const char *const names[] = { "empty", "idx", "picture.png",
					     "t10k-images-idx3-ubyte",
					     "t10k-labels-idx1-ubyte.gz" };
	size_t i;

	for (i = 0; i < ARRAY_LEN(names); i++)
		unlink(in_dir(names[i]));
	for (i = 0; i < ARRAY_LEN(arrays); i++)
		unlink(array_path(i));
	rmdir(dir);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_parameters_are_those_written),
		cmocka_unit_test(test_wrong_parameters_are_refused),
		cmocka_unit_test(test_requantisation_rounds_half_to_even),
		cmocka_unit_test(test_pixels_saturate),
		cmocka_unit_test(test_convolution_by_hand),
		cmocka_unit_test(test_pooling_by_hand),
		cmocka_unit_test(test_fc_and_argmax_by_hand),
		cmocka_unit_test(test_reference_stays_in_bounds),
		cmocka_unit_test(test_idx_files),
		cmocka_unit_test(test_dataset_must_fit_together),
		cmocka_unit_test(test_picture_marks_the_wrong_ones),
	};
	const char *tmp = getenv("TMPDIR");
	const char *wanted = getenv("NPU_TEST_SEED");
	unsigned int seed =
		wanted ? (unsigned int)strtoul(wanted, NULL, 0) : (unsigned int)time(NULL);
	int ret;

	printf("NPU_TEST_SEED=%u\n", seed);
	srandom(seed);
	snprintf(dir, sizeof(dir), "%s/npu-demo-XXXXXX", tmp && strlen(tmp) < 40 ? tmp : "/tmp");
	if (!mkdtemp(dir)) {
		perror(dir);
		return 2;
	}
	ret = cmocka_run_group_tests(tests, NULL, NULL);
	remove_files();
	return ret;
}
