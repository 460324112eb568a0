// SPDX-License-Identifier: MIT
/*
 * Copyright (c) 2026 the npu authors
 *
 * Tensors and arrays. No value changes but where a 16-bit float is wanted and a 32-bit one given.
 */
#include "tensor.h"

#include <inttypes.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "npu/hw/isa.h"

#include "command.h"
#include "half.h"
#include "output.h"

/* How a type is called, and the array that holds it; NPY_NONE: none does. */
#define NPY_NONE (-1)

static const struct {
	const char *name;
	int npy;
} types[NPU_TYPES] = {
	[NPU_S8] = { "int8", NPY_INT8 },	 [NPU_U8] = { "uint8", NPY_UINT8 },
	[NPU_S32] = { "int32", NPY_INT32 },	 [NPU_S64] = { "int64", NPY_INT64 },
	[NPU_FP16] = { "float16", NPY_FLOAT16 }, [NPU_BF16] = { "bfloat16", NPY_FLOAT32 },
	[NPU_FP32] = { "float32", NPY_FLOAT32 }, [NPU_S4] = { "int4", NPY_NONE },
	[NPU_U4] = { "uint4", NPY_NONE },
};

const char *shape_text(unsigned int dims, const uint32_t *shape, char *text, size_t size)
{
	size_t n = 0;

	snprintf(text, size, "scalar");
	for (unsigned int d = 0; d < dims && n < size; d++)
		n += snprintf(text + n, size - n, "%s%" PRIu32, d ? " x " : "", shape[d]);
	return text;
}

const char *tensor_type_name(uint32_t type)
{
	return type < NPU_TYPES && types[type].name ? types[type].name : "unknown";
}

const char *tensor_role_name(uint32_t role)
{
	return role == NPU_TENSOR_INPUT ? "input" : "output";
}

const char *tensor_text(const struct npu_tensor_info *t, char *text, size_t size)
{
	char shape[SHAPE_TEXT];

	snprintf(text, size, "%s %s", tensor_type_name(t->type),
		 shape_text(t->dims, t->shape, shape, sizeof(shape)));
	return text;
}

json_t *tensor_json(const struct npu_tensor_info *t)
{
	json_t *shape = json_array();

	for (unsigned int d = 0; d < t->dims; d++)
		json_array_append_new(shape, json_integer(t->shape[d]));
	return output_pack("{s:s, s:s, s:s, s:o, s:o, s:o}", "name", output_name(t->name), "role",
			   tensor_role_name(t->role), "type", tensor_type_name(t->type), "shape",
			   shape, "scale", t->scale ? json_real(t->scale) : json_null(),
			   "zero_point", t->scale ? json_integer(t->zero_point) : json_null());
}

static bool same_shape(const struct npu_tensor_info *t, const struct npy *a)
{
	return t->dims == a->dims && !memcmp(t->shape, a->shape, t->dims * sizeof(*t->shape));
}

/* Can a tensor of @type be made of an array of @from? */
static bool is_convertible(uint32_t type, enum npy_type from)
{
	switch (type) {
	case NPU_BF16:
	case NPU_FP16:
		return from == NPY_FLOAT32;
	case NPU_FP32:
		return from == NPY_FLOAT16;
	case NPU_S32:
		return from == NPY_INT64;
	case NPU_S64:
		return from == NPY_INT32;
	default:
		return false;
	}
}

/* Element @i of @type from an array's; false: the value does not fit. */
static bool convert(uint32_t type, const void *from, void *to, size_t i)
{
	uint16_t h;
	int32_t s;
	int64_t l;
	float v;

	switch (type) {
	case NPU_BF16:
	case NPU_FP16:
		memcpy(&v, (const char *)from + i * sizeof(v), sizeof(v));
		h = type == NPU_BF16 ? bf16_from_float(v) : fp16_from_float(v);
		memcpy((char *)to + i * sizeof(h), &h, sizeof(h));
		return true;
	case NPU_FP32:
		memcpy(&h, (const char *)from + i * sizeof(h), sizeof(h));
		v = fp16_to_float(h);
		memcpy((char *)to + i * sizeof(v), &v, sizeof(v));
		return true;
	case NPU_S32:
		memcpy(&l, (const char *)from + i * sizeof(l), sizeof(l));
		s = (int32_t)l;
		memcpy((char *)to + i * sizeof(s), &s, sizeof(s));
		return s == l;
	default:
		memcpy(&s, (const char *)from + i * sizeof(s), sizeof(s));
		l = s;
		memcpy((char *)to + i * sizeof(l), &l, sizeof(l));
		return true;
	}
}

/* Says what the tensor wants; who has reals for integers learns how they stand for them. */
static int refuse_type(const struct npu_tensor_info *t, const struct npy *a, const char *path)
{
	bool reals = a->type == NPY_FLOAT32 || a->type == NPY_FLOAT16;
	char quantised[96] = "";

	if (reals && t->scale)
		snprintf(quantised, sizeof(quantised), ", a value v as v / %.9g %c %ld", t->scale,
			 t->zero_point < 0 ? '-' : '+', labs((long)t->zero_point));
	return complain(NPUCTL_FAILED, "%s: elements are %s, the input \"%s\" wants %s%s", path,
			npy_type_name(a->type), output_name(t->name), tensor_type_name(t->type),
			quantised);
}

int tensor_from_npy(const struct npu_tensor_info *t, const struct npy *a, const char *path,
		    void **data)
{
	size_t count = a->size / npy_type_size(a->type);
	bool same = types[t->type].npy == (int)a->type && t->type != NPU_BF16;
	char is[SHAPE_TEXT], wants[SHAPE_TEXT];

	*data = NULL;
	if (!same && !is_convertible(t->type, a->type))
		return refuse_type(t, a, path);
	if (!same_shape(t, a))
		return complain(NPUCTL_FAILED, "%s: the shape is %s, the input \"%s\" wants %s",
				path, shape_text(a->dims, a->shape, is, sizeof(is)),
				output_name(t->name),
				shape_text(t->dims, t->shape, wants, sizeof(wants)));
	*data = malloc(t->size);
	if (!*data)
		return complain(NPUCTL_FAILED, "%s: no memory for %" PRIu64 " bytes", path,
				t->size);
	if (same) {
		memcpy(*data, a->data, t->size);
		return NPUCTL_DONE;
	}
	for (size_t i = 0; i < count; i++)
		if (!convert(t->type, a->data, *data, i))
			return complain(NPUCTL_FAILED,
					"%s: element %zu is beyond the int32 that the input \"%s\" "
					"wants",
					path, i, output_name(t->name));
	return NPUCTL_DONE;
}

int tensor_to_npy(const struct npu_tensor_info *t, void *data, struct npy *a)
{
	size_t count = t->size / sizeof(uint16_t);
	float *wide;

	if (types[t->type].npy == NPY_NONE)
		return complain(NPUCTL_FAILED, "the output \"%s\" is %s, which .npy files have not",
				output_name(t->name), tensor_type_name(t->type));
	a->type = types[t->type].npy;
	a->dims = t->dims;
	memcpy(a->shape, t->shape, sizeof(a->shape));
	a->size = t->size;
	a->data = data;
	if (t->type != NPU_BF16)
		return NPUCTL_DONE;
	wide = malloc(2 * t->size);
	if (!wide)
		return complain(NPUCTL_FAILED, "out of memory");
	for (size_t i = 0; i < count; i++) {
		uint16_t h;

		memcpy(&h, (const char *)data + i * sizeof(h), sizeof(h));
		wide[i] = bf16_to_float(h);
	}
	free(data);
	a->size = 2 * t->size;
	a->data = wide;
	return NPUCTL_DONE;
}
