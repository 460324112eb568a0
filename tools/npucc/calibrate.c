// SPDX-License-Identifier: MIT
/*
 * Copyright (c) 2026 the npu authors
 *
 * Data to calibrate with: the .npy files of DIR, each a batch, an array of the input's shape and
 * type, in the order of their names. A network of several inputs has a folder for each in DIR ('/'
 * in an input's name is '_' in the folder's), and files of the same name belong together.
 */
#include <dirent.h>
#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "array.h"
#include "complain.h"
#include "quant.h"
#include "rewrite.h"

#define ENDING ".npy"

static int is_npy(const struct dirent *e)
{
	size_t n = strlen(e->d_name), end = strlen(ENDING);

	return n > end && *e->d_name != '.' && !strcmp(e->d_name + n - end, ENDING);
}

static int by_bytes(const struct dirent **a, const struct dirent **b)
{
	return strcmp((*a)->d_name, (*b)->d_name);
}

static char *folder_of(const struct calibration *c, const char *dir, unsigned int input)
{
	char *path, *p;

	if (c->inputs == 1)
		return strdup(dir);
	if (asprintf(&path, "%s/%s", dir, npu_graph_tensor(c->g, c->input[input])->name) < 0)
		return NULL;
	for (p = path + strlen(dir) + 1; *p; p++)
		if (*p == '/')
			*p = '_';
	return path;
}

/* The files of an input; those of the first say which there are. */
static int find_files(struct calibration *c, const char *folder, unsigned int input)
{
	const char *name = npu_graph_tensor(c->g, c->input[input])->name;
	struct dirent **entry = NULL;
	int n = scandir(folder, &entry, is_npy, by_bytes), i, ret = EXIT_SUCCESS;

	if (n < 0)
		return complain("%s: %s; data for the input %s is expected there", folder,
				strerror(errno), name);
	if (!n)
		ret = complain("%s: there is no .npy file in it; each is to be a batch of data for "
			       "the input %s",
			       folder, name);
	if (!ret && !input) {
		c->batches = (unsigned int)n;
		c->file = calloc((size_t)n * c->inputs, sizeof(*c->file));
	} else if (!ret && (unsigned int)n != c->batches) {
		ret = complain("%s: %d files, but the input %s has %u", folder, n,
			       npu_graph_tensor(c->g, c->input[0])->name, c->batches);
	}
	for (i = 0; i < n; i++) {
		char **file =
			c->file && !ret ? &c->file[(unsigned int)i * c->inputs + input] : NULL;
		const char *first = file && input ? strrchr(file[-(int)input], '/') + 1 : NULL;

		if (first && strcmp(first, entry[i]->d_name))
			ret = complain("%s/%s: no file of that name for the input %s", folder,
				       entry[i]->d_name, npu_graph_tensor(c->g, c->input[0])->name);
		else if (file && asprintf(file, "%s/%s", folder, entry[i]->d_name) < 0)
			*file = NULL;
		free(entry[i]);
		if (!ret && (!file || !*file))
			ret = complain("out of memory");
	}
	free(entry);
	return ret;
}

static int find_inputs(struct calibration *c)
{
	unsigned int i;
	struct rewrite r;
	int ret = rewrite_begin(&r, c->g);

	c->input = malloc((r.tensors + 1) * sizeof(*c->input));
	if (!c->input)
		ret = -ENOMEM;
	for (i = 0; i < r.tensors && !ret; i++)
		if (rewrite_is_input(&r, (int)i))
			c->input[c->inputs++] = (int)i;
	npu_graph_free(r.to);
	rewrite_end(&r);
	return ret ? complain("out of memory") : EXIT_SUCCESS;
}

int calibration_open(struct calibration *c, const struct npu_graph *g, const char *dir)
{
	unsigned int i;
	int ret;

	*c = (struct calibration){ .g = g };
	ret = find_inputs(c);
	if (!ret && !c->inputs)
		ret = complain("the model has no inputs: there is nothing to calibrate");
	for (i = 0; i < c->inputs && !ret; i++) {
		char *folder = folder_of(c, dir, i);

		ret = folder ? find_files(c, folder, i) : complain("out of memory");
		free(folder);
	}
	return ret;
}

void calibration_close(struct calibration *c)
{
	size_t i;

	for (i = 0; c->file && i < (size_t)c->batches * c->inputs; i++)
		free(c->file[i]);
	free(c->file);
	free(c->input);
}

static void shape_text(char *text, size_t size, unsigned int dims, const uint32_t *shape)
{
	size_t n = 0;
	unsigned int d;

	snprintf(text, size, "one number");
	for (d = 0; d < dims && n < size; d++)
		n += (size_t)snprintf(text + n, size - n, "%s%u", d ? "x" : "", shape[d]);
}

static int check(const struct npu_graph_tensor *t, const struct npy *a, const char *path)
{
	char have[96], want[96];
	size_t i;

	shape_text(have, sizeof(have), a->dims, a->shape);
	shape_text(want, sizeof(want), t->dims, t->shape);
	if (a->dims != t->dims || memcmp(a->shape, t->shape, t->dims * sizeof(*t->shape)))
		return complain("%s: its shape is %s, that of the input %s %s", path, have, t->name,
				want);
	if (array_type(a->type) != t->type)
		return complain("%s: its elements are %s, not of the input's type; %s is %s", path,
				npy_type_name(a->type), t->name,
				t->type == NPU_FP32 ? "float32" :
				t->type == NPU_S64  ? "int64" :
				t->type == NPU_S32  ? "int32" :
				t->type == NPU_S8   ? "int8" :
						      "uint8");
	for (i = 0; t->type == NPU_FP32 && i < a->size / sizeof(float); i++)
		if (!isfinite(((const float *)a->data)[i]))
			return complain("%s: element %zu is %s", path, i,
					isnan(((const float *)a->data)[i]) ? "not a number" :
									     "infinite");
	return EXIT_SUCCESS;
}

void *calibration_read(const struct calibration *c, unsigned int batch, unsigned int input)
{
	const struct npu_graph_tensor *t = npu_graph_tensor(c->g, c->input[input]);
	const char *path = c->file[(size_t)batch * c->inputs + input];
	char error[512];
	struct npy a;

	if (npy_read(&a, path, error, sizeof(error))) {
		complain("%s", error);
		return NULL;
	}
	if (!check(t, &a, path))
		return a.data;
	free(a.data);
	return NULL;
}
