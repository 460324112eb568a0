/* SPDX-License-Identifier: MIT */
/*
 * Copyright (c) 2026 the npu authors
 *
 * NumPy's .npy files: C order, little-endian, of the types that have a use here. Strict: what is
 * not exactly such a file is refused with a reason.
 */
#ifndef TOOLS_LIB_NPY_H
#define TOOLS_LIB_NPY_H

#include <stddef.h>
#include <stdint.h>

#define NPY_MAX_DIMS 8

enum npy_type { NPY_INT8, NPY_UINT8, NPY_INT32, NPY_INT64, NPY_FLOAT16, NPY_FLOAT32 };

/** struct npy - an array */
struct npy {
	enum npy_type type;
	unsigned int dims;
	uint32_t shape[NPY_MAX_DIMS];
	size_t size; /* bytes of data */
	void *data; /* of the heap */
};

/** npy_type_name() - "int8" ... */
const char *npy_type_name(enum npy_type type);

/** npy_type_size() - bytes of an element */
size_t npy_type_size(enum npy_type type);

/**
 * npy_read() - read a file
 * @path: the file; "-" is not special
 * @error: receives a sentence that names the file
 * @error_size: of @error
 *
 * Returns 0; -errno of the system; -EBADMSG: not such a file, or damaged; -ENOTSUP: one that is not
 * for us. The caller frees
 * @array->data.
 */
int npy_read(struct npy *array, const char *path, char *error, size_t error_size);

/**
 * npy_write() - write a file, whole or not at all: it appears under its name when complete
 *
 * Returns 0 or a negative errno, with @error.
 */
int npy_write(const struct npy *array, const char *path, char *error, size_t error_size);

#endif
