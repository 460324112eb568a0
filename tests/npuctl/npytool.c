// SPDX-License-Identifier: MIT
/*
 * Copyright (c) 2026 the npu authors
 *
 * Usage: npytool from-pb IN.pb OUT.npy
 *        npytool close GOT.npy WANT.npy RELATIVE ABSOLUTE
 *
 * ONNX' test vectors for npuctl run: a TensorProto as .npy file; and whether two arrays of one type
 * and shape are as near as |got - want| <= RELATIVE * |want| + ABSOLUTE * the largest |want|.
 */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "npu/hw/isa.h"
#include "npu/npu.h"
#include "npy.h"
#include "onnx.h"

static int fail(const char *what, const char *why)
{
	fprintf(stderr, "npytool: %s: %s\n", what, why);
	return 1;
}

static int from_pb(const char *in, const char *out)
{
	static const int types[NPU_TYPES] = {
		[NPU_S8] = NPY_INT8,
		[NPU_U8] = NPY_UINT8,
		[NPU_S32] = NPY_INT32,
		[NPU_S64] = NPY_INT64,
		[NPU_FP16] = NPY_FLOAT16,
		[NPU_FP32] = NPY_FLOAT32,
		[NPU_BF16] = -1,
		[NPU_S4] = -1,
		[NPU_U4] = -1,
	};
	static char bytes[1 << 24];
	struct npy a = { .data = NULL };
	FILE *f = fopen(in, "re");
	size_t size = f ? fread(bytes, 1, sizeof(bytes), f) : 0;
	uint32_t type, dims;
	char error[512];
	int r;

	if (!f)
		return fail(in, "cannot be opened");
	fclose(f);
	if (onnx_tensor(bytes, size, &type, &dims, a.shape, &a.data, error, sizeof(error)))
		return fail(in, error);
	if (types[type] < 0)
		return fail(in, "no type of .npy files");
	a.type = types[type];
	a.dims = dims;
	a.size = npy_type_size(a.type);
	for (uint32_t d = 0; d < dims; d++)
		a.size *= a.shape[d];
	r = npy_write(&a, out, error, sizeof(error)) ? fail(out, error) : 0;
	free(a.data);
	return r;
}

static double get(const struct npy *a, size_t i)
{
	switch (a->type) {
	case NPY_INT8:
		return ((const int8_t *)a->data)[i];
	case NPY_UINT8:
		return ((const uint8_t *)a->data)[i];
	case NPY_INT32:
		return ((const int32_t *)a->data)[i];
	case NPY_INT64:
		return (double)((const int64_t *)a->data)[i];
	case NPY_FLOAT32:
		return ((const float *)a->data)[i];
	default:
		return NAN;
	}
}

static int close_to(const char *got_path, const char *want_path, double relative, double absolute)
{
	struct npy got, want;
	double largest = 0;
	char error[512];
	size_t count;

	if (npy_read(&got, got_path, error, sizeof(error)) ||
	    npy_read(&want, want_path, error, sizeof(error)))
		return fail("cannot compare", error);
	if (got.type != want.type || got.dims != want.dims ||
	    memcmp(got.shape, want.shape, got.dims * sizeof(*got.shape)))
		return fail(got_path, "another type or shape");
	count = want.size / npy_type_size(want.type);
	if (!count)
		return fail(want_path, "nothing to compare");
	for (size_t i = 0; i < count; i++)
		largest = fmax(largest, fabs(get(&want, i)));
	for (size_t i = 0; i < count; i++) {
		double g = get(&got, i), w = get(&want, i);

		if (!(fabs(g - w) <= relative * fabs(w) + absolute * largest)) {
			fprintf(stderr, "npytool: element %zu is %.9g, not %.9g\n", i, g, w);
			return 1;
		}
	}
	free(got.data);
	free(want.data);
	return 0;
}

int main(int argc, char **argv)
{
	if (argc == 4 && !strcmp(argv[1], "from-pb"))
		return from_pb(argv[2], argv[3]);
	if (argc == 6 && !strcmp(argv[1], "close"))
		return close_to(argv[2], argv[3], atof(argv[4]), atof(argv[5]));
	return fail("usage", "see the head of npytool.c");
}
