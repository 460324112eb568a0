// SPDX-License-Identifier: MIT
/*
 * Copyright (c) 2026 the npu authors
 *
 * .npy files: a magic, a version, the length of a header, the header - a Python dictionary of three
 * entries as text - and the elements. The file's size must be exactly what the header says; nothing
 * is allocated before that is known.
 */
#include "npy.h"

#include <errno.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define MAGIC	   "\x93NUMPY"
#define MAGIC_SIZE 6
#define MAX_HEADER 65535
#define ALIGN	   64

static const struct {
	const char *name, *descr;
	size_t size;
} types[] = {
	[NPY_INT8] = { "int8", "|i1", 1 },	 [NPY_UINT8] = { "uint8", "|u1", 1 },
	[NPY_INT32] = { "int32", "<i4", 4 },	 [NPY_INT64] = { "int64", "<i8", 8 },
	[NPY_FLOAT16] = { "float16", "<f2", 2 }, [NPY_FLOAT32] = { "float32", "<f4", 4 },
};

#define TYPES (sizeof(types) / sizeof(*types))

const char *npy_type_name(enum npy_type type)
{
	return types[type].name;
}

size_t npy_type_size(enum npy_type type)
{
	return types[type].size;
}

/* Where the sentence goes, and the file it is about. */
struct context {
	const char *path;
	char *error;
	size_t size;
};

static int fail(const struct context *x, int code, const char *fmt, ...)
	__attribute__((format(printf, 3, 4)));

static int fail(const struct context *x, int code, const char *fmt, ...)
{
	va_list ap;
	int n = snprintf(x->error, x->size, "%s: ", x->path);

	if (n >= 0 && (size_t)n < x->size) {
		va_start(ap, fmt);
		vsnprintf(x->error + n, x->size - n, fmt, ap);
		va_end(ap);
	}
	return code;
}

/* ---- The dictionary ---- */

static void skip_blanks(const char **p)
{
	*p += strspn(*p, " \t\n");
}

static bool take(const char **p, char c)
{
	skip_blanks(p);
	if (**p != c)
		return false;
	++*p;
	return true;
}

/* 'text' or "text", without escapes. */
static bool take_string(const char **p, char *text, size_t size)
{
	const char *end;
	char quote;

	skip_blanks(p);
	quote = **p;
	if (quote != '\'' && quote != '"')
		return false;
	end = strchr(*p + 1, quote);
	if (!end || (size_t)(end - *p - 1) >= size)
		return false;
	memcpy(text, *p + 1, end - *p - 1);
	text[end - *p - 1] = 0;
	*p = end + 1;
	return true;
}

static bool take_word(const char **p, const char *word)
{
	skip_blanks(p);
	if (strncmp(*p, word, strlen(word)))
		return false;
	*p += strlen(word);
	return true;
}

static int take_type(const struct context *x, const char **p, struct npy *a)
{
	char descr[16];

	if (!take_string(p, descr, sizeof(descr)))
		return fail(x, -ENOTSUP, "elements are not of a plain type");
	for (size_t t = 0; t < TYPES; t++)
		if (!strcmp(descr, types[t].descr)) {
			a->type = t;
			return 0;
		}
	if (descr[0] == '>')
		return fail(x, -ENOTSUP, "elements are big-endian (%s)", descr);
	return fail(
		x, -ENOTSUP,
		"elements are of type %s; int8, uint8, int32, int64, float16 and float32 are "
		"supported",
		descr);
}

static int take_shape(const struct context *x, const char **p, struct npy *a)
{
	a->dims = 0;
	if (!take(p, '('))
		return fail(x, -EBADMSG, "the header's shape is not a tuple");
	while (!take(p, ')')) {
		unsigned long long v;
		char *end;

		if (a->dims == NPY_MAX_DIMS)
			return fail(x, -ENOTSUP, "more than %d dimensions", NPY_MAX_DIMS);
		skip_blanks(p);
		if (**p < '0' || **p > '9')
			return fail(x, -EBADMSG, "the header's shape is not a tuple of numbers");
		errno = 0;
		v = strtoull(*p, &end, 10);
		if (errno || v > UINT32_MAX)
			return fail(x, -EOVERFLOW, "dimension %u is too large", a->dims);
		*p = end;
		a->shape[a->dims++] = v;
		if (!take(p, ',')) {
			/* (3) is a number in Python, (3,) a tuple. */
			if (a->dims == 1 || !take(p, ')'))
				return fail(x, -EBADMSG, "the header's shape is not a tuple");
			break;
		}
	}
	return 0;
}

static int parse_header(const struct context *x, const char *text, struct npy *a)
{
	enum { DESCR = 1, ORDER = 2, SHAPE = 4 };
	unsigned int seen = 0;
	int r = 0;

	if (!take(&text, '{'))
		return fail(x, -EBADMSG, "the header is not a dictionary");
	while (!take(&text, '}')) {
		unsigned int key;
		char name[32];

		if (!take_string(&text, name, sizeof(name)) || !take(&text, ':'))
			return fail(x, -EBADMSG, "the header is not a dictionary");
		if (!strcmp(name, "descr")) {
			key = DESCR;
			r = take_type(x, &text, a);
		} else if (!strcmp(name, "shape")) {
			key = SHAPE;
			r = take_shape(x, &text, a);
		} else if (!strcmp(name, "fortran_order")) {
			key = ORDER;
			if (take_word(&text, "True"))
				r = fail(x, -ENOTSUP,
					 "elements are in Fortran order; save "
					 "numpy.ascontiguousarray(a)");
			else if (!take_word(&text, "False"))
				r = fail(x, -EBADMSG,
					 "the header's fortran_order is neither True nor False");
		} else {
			return fail(x, -EBADMSG, "the header has an unknown key \"%s\"", name);
		}
		if (r)
			return r;
		if (seen & key)
			return fail(x, -EBADMSG, "the header has \"%s\" twice", name);
		seen |= key;
		if (!take(&text, ',')) {
			if (!take(&text, '}'))
				return fail(x, -EBADMSG, "the header is not a dictionary");
			break;
		}
	}
	skip_blanks(&text);
	if (*text)
		return fail(x, -EBADMSG, "the header goes on after its dictionary");
	if (seen != (DESCR | ORDER | SHAPE))
		return fail(x, -EBADMSG, "the header lacks descr, fortran_order or shape");
	return 0;
}

/* Bytes of the elements; false if that does not fit an int64_t. */
static bool data_size(const struct npy *a, size_t *size)
{
	*size = types[a->type].size;
	for (unsigned int d = 0; d < a->dims; d++)
		if (__builtin_mul_overflow(*size, (size_t)a->shape[d], size) || *size > INT64_MAX)
			return false;
	return true;
}

static int read_header(const struct context *x, FILE *f, struct npy *a, size_t *end)
{
	unsigned char head[MAGIC_SIZE + 2 + 4];
	size_t prefix = MAGIC_SIZE + 2, length, got;
	char *text;
	int r;

	if (fread(head, 1, prefix, f) != prefix || memcmp(head, MAGIC, MAGIC_SIZE))
		return fail(x, -EBADMSG, "not a .npy file");
	if (head[MAGIC_SIZE] < 1 || head[MAGIC_SIZE] > 3 || head[MAGIC_SIZE + 1])
		return fail(x, -ENOTSUP, "version %u.%u of .npy; 1.0 to 3.0 are supported",
			    head[MAGIC_SIZE], head[MAGIC_SIZE + 1]);
	got = head[MAGIC_SIZE] == 1 ? 2 : 4;
	if (fread(head + prefix, 1, got, f) != got)
		return fail(x, -EBADMSG, "the header is cut off");
	length = head[prefix] | head[prefix + 1] << 8;
	if (got == 4)
		length |= (size_t)head[prefix + 2] << 16 | (size_t)head[prefix + 3] << 24;
	if (length > MAX_HEADER)
		return fail(x, -EBADMSG, "a header of %zu bytes", length);
	text = malloc(length + 1);
	if (!text)
		return fail(x, -ENOMEM, "out of memory");
	if (fread(text, 1, length, f) != length) {
		free(text);
		return fail(x, -EBADMSG, "the header is cut off");
	}
	text[length] = 0;
	if (strlen(text) != length)
		r = fail(x, -EBADMSG, "the header is not text");
	else
		r = parse_header(x, text, a);
	free(text);
	*end = prefix + got + length;
	return r;
}

static int read_array(const struct context *x, FILE *f, struct npy *a)
{
	struct stat st;
	size_t start = 0;
	int r;

	if (fstat(fileno(f), &st))
		return fail(x, -errno, "%s", strerror(errno));
	if (!S_ISREG(st.st_mode))
		return fail(x, -EINVAL, "not a regular file");
	r = read_header(x, f, a, &start);
	if (r)
		return r;
	if (!data_size(a, &a->size))
		return fail(x, -EOVERFLOW, "the shape is too large");
	if ((uint64_t)st.st_size - start != a->size)
		return fail(x, -EBADMSG,
			    "the shape asks for %zu bytes of elements, the file has %jd", a->size,
			    (intmax_t)st.st_size - (intmax_t)start);
	a->data = malloc(a->size ? a->size : 1);
	if (!a->data)
		return fail(x, -ENOMEM, "no memory for %zu bytes", a->size);
	if (fread(a->data, 1, a->size, f) != a->size) {
		free(a->data);
		a->data = NULL;
		return fail(x, -EIO, "cannot be read");
	}
	return 0;
}

int npy_read(struct npy *array, const char *path, char *error, size_t error_size)
{
	const struct context x = { path, error, error_size };
	FILE *f = fopen(path, "re");
	int r;

	memset(array, 0, sizeof(*array));
	if (!f)
		return fail(&x, -errno, "%s", strerror(errno));
	r = read_array(&x, f, array);
	fclose(f);
	return r;
}

static bool write_array(FILE *f, const struct npy *a)
{
	char text[512];
	size_t prefix = MAGIC_SIZE + 4, length, padded;
	int n;

	n = snprintf(text, sizeof(text), "{'descr': '%s', 'fortran_order': False, 'shape': (",
		     types[a->type].descr);
	for (unsigned int d = 0; d < a->dims; d++)
		n += snprintf(text + n, sizeof(text) - n, "%s%u%s", d ? " " : "", a->shape[d],
			      d + 1 < a->dims || a->dims == 1 ? "," : "");
	n += snprintf(text + n, sizeof(text) - n, "), }");
	length = n;
	/* The elements start aligned, the header ends with a newline. */
	padded = (prefix + length + 1 + ALIGN - 1) / ALIGN * ALIGN - prefix;
	fwrite(MAGIC "\x01\x00", 1, MAGIC_SIZE + 2, f);
	fputc(padded & 0xff, f);
	fputc(padded >> 8, f);
	fprintf(f, "%-*s\n", (int)padded - 1, text);
	fwrite(a->data, 1, a->size, f);
	return !ferror(f);
}

int npy_write(const struct npy *array, const char *path, char *error, size_t error_size)
{
	const struct context x = { path, error, error_size };
	char *name;
	FILE *f;
	int r = 0, fd;

	if (asprintf(&name, "%s.XXXXXX", path) < 0)
		return fail(&x, -ENOMEM, "out of memory");
	fd = mkstemp(name);
	f = fd < 0 ? NULL : fdopen(fd, "w");
	if (!f) {
		r = fail(&x, -errno, "%s", strerror(errno));
		if (fd >= 0)
			close(fd);
	} else {
		mode_t mask = umask(0);

		umask(mask);
		errno = 0;
		/* mkstemp() made it the owner's alone. */
		if (!write_array(f, array) || fchmod(fd, 0666 & ~mask))
			r = fail(&x, errno ? -errno : -EIO, "%s", strerror(errno ? errno : EIO));
		if (fclose(f) && !r)
			r = fail(&x, -errno, "%s", strerror(errno));
		if (!r && rename(name, path))
			r = fail(&x, -errno, "%s", strerror(errno));
	}
	if (r && fd >= 0)
		unlink(name);
	free(name);
	return r;
}
