/* SPDX-License-Identifier: MIT */
/* Copyright (c) 2026 the npu authors */
/*
 * The IDX reader: two zero bytes, a type byte (8, unsigned bytes, is the only one taken), the
 * number of dimensions, each size as a big-endian u32, the data, and then nothing. No state; safe
 * from any thread.
 */
#include "idx.h"

#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <zlib.h>

#define IDX_TYPE_U8   8
#define IDX_MAX_BYTES (256u << 20)

static const char *const class_names[NPU_DEMO_CLASSES] = {
	"T-shirt/top", "Trouser", "Pullover", "Dress", "Coat",
	"Sandal",      "Shirt",	  "Sneaker",  "Bag",   "Ankle boot",
};

const char *npu_demo_class_name(unsigned int label)
{
	return label < NPU_DEMO_CLASSES ? class_names[label] : "?";
}

/* Reads exactly @size bytes; @what names them in the message. */
static int read_exactly(gzFile file, const char *path, void *data, size_t size, const char *what,
			struct npu_demo_error *err)
{
	int got, zerr;

	errno = 0;
	got = gzread(file, data, size);
	if (got >= 0 && (size_t)got == size)
		return 0;
	gzerror(file, &zerr);
	if (zerr == Z_ERRNO && errno)
		return npu_demo_fail(err, -errno, "%s: %s", path, strerror(errno));
	if (got < 0 && zerr != Z_BUF_ERROR)
		return npu_demo_fail(err, -EINVAL, "%s: the compressed data is damaged", path);
	return npu_demo_fail(err, -EINVAL, "%s: the file ends within its %s", path, what);
}

static int read_sizes(gzFile file, const char *path, struct npu_demo_idx *idx, size_t *bytes,
		      struct npu_demo_error *err)
{
	uint8_t head[4], be[4];
	unsigned int i;
	int ret;

	ret = read_exactly(file, path, head, sizeof(head), "header", err);
	if (ret)
		return ret;
	if (head[0] || head[1] || head[2] != IDX_TYPE_U8)
		return npu_demo_fail(err, -EINVAL, "%s: not an IDX file of unsigned bytes", path);
	idx->ndim = head[3];
	if (idx->ndim < 1 || idx->ndim > NPU_DEMO_IDX_MAX_DIMS)
		return npu_demo_fail(err, -EINVAL, "%s: %u dimensions; 1 to %d are supported", path,
				     idx->ndim, NPU_DEMO_IDX_MAX_DIMS);
	*bytes = 1;
	for (i = 0; i < idx->ndim; i++) {
		ret = read_exactly(file, path, be, sizeof(be), "header", err);
		if (ret)
			return ret;
		idx->dim[i] =
			(size_t)be[0] << 24 | (size_t)be[1] << 16 | (size_t)be[2] << 8 | be[3];
		if (!idx->dim[i])
			return npu_demo_fail(err, -EINVAL, "%s: dimension %u is 0", path, i);
		if (idx->dim[i] > IDX_MAX_BYTES / *bytes)
			return npu_demo_fail(err, -EINVAL, "%s: more than %u MiB of data", path,
					     IDX_MAX_BYTES >> 20);
		*bytes *= idx->dim[i];
	}
	return 0;
}

int npu_demo_idx_load(struct npu_demo_idx *idx, const char *path, struct npu_demo_error *err)
{
	struct npu_demo_idx new = { 0 };
	uint8_t extra;
	size_t bytes = 0;
	int ret, got, zerr;
	gzFile file;

	errno = 0;
	file = gzopen(path, "rb");
	if (!file) {
		ret = errno ? -errno : -ENOMEM;
		return npu_demo_fail(err, ret, "%s: %s", path, strerror(-ret));
	}
	ret = read_sizes(file, path, &new, &bytes, err);
	if (ret)
		goto out_close;
	new.data = malloc(bytes);
	if (!new.data) {
		ret = npu_demo_fail(err, -ENOMEM, "%s: out of memory", path);
		goto out_close;
	}
	ret = read_exactly(file, path, new.data, bytes, "data", err);
	if (ret)
		goto out_free;
	/*
	 * Reading past the end makes zlib check the checksum of a gzipped file. That it ended before
	 * its checksum, only closing tells.
	 */
	got = gzread(file, &extra, 1);
	zerr = gzclose_r(file);
	if (got > 0)
		ret = npu_demo_fail(err, -EINVAL, "%s: more data than its sizes say", path);
	else if (got < 0 || zerr != Z_OK)
		ret = npu_demo_fail(err, -EINVAL, "%s: the compressed data is damaged", path);
	if (ret)
		free(new.data);
	else
		*idx = new;
	return ret;

out_free:
	free(new.data);
out_close:
	gzclose_r(file);
	return ret;
}

void npu_demo_idx_free(struct npu_demo_idx *idx)
{
	free(idx->data);
	memset(idx, 0, sizeof(*idx));
}

/* Loads DIR/NAME.gz, or DIR/NAME where that is not there. */
static int load_member(struct npu_demo_idx *idx, const char *dir, const char *name,
		       unsigned int ndim, struct npu_demo_error *err)
{
	char path[PATH_MAX];
	int ret, len;

	len = snprintf(path, sizeof(path), "%s/%s.gz", dir, name);
	if (len < 0 || (size_t)len >= sizeof(path))
		return npu_demo_fail(err, -ENAMETOOLONG, "%s: the name is too long", dir);
	if (access(path, F_OK)) {
		path[len - 3] = '\0';
		if (access(path, F_OK))
			return npu_demo_fail(err, -errno,
					     "%s[.gz]: %s; Debian's package dataset-fashion-mnist "
					     "has it",
					     path, strerror(errno));
	}
	ret = npu_demo_idx_load(idx, path, err);
	if (ret)
		return ret;
	if (idx->ndim != ndim) {
		ret = npu_demo_fail(err, -EINVAL, "%s: %u dimensions, not %u", path, idx->ndim,
				    ndim);
		npu_demo_idx_free(idx);
		return ret;
	}
	return 0;
}

int npu_demo_training_load(struct npu_demo_idx *idx, const char *dir, struct npu_demo_error *err)
{
	return load_member(idx, dir ? dir : NPU_DEMO_DATASET_DIR, "train-images-idx3-ubyte", 3,
			   err);
}

int npu_demo_dataset_load(struct npu_demo_dataset *set, const char *dir, struct npu_demo_error *err)
{
	struct npu_demo_idx images, labels;
	size_t i;
	int ret;

	if (!dir)
		dir = NPU_DEMO_DATASET_DIR;
	ret = load_member(&images, dir, "t10k-images-idx3-ubyte", 3, err);
	if (ret)
		return ret;
	ret = load_member(&labels, dir, "t10k-labels-idx1-ubyte", 1, err);
	if (ret)
		goto out_images;
	if (images.dim[0] != labels.dim[0]) {
		ret = npu_demo_fail(err, -EINVAL, "%s: %zu test images, but %zu labels", dir,
				    images.dim[0], labels.dim[0]);
		goto out_labels;
	}
	for (i = 0; i < labels.dim[0]; i++) {
		if (labels.data[i] >= NPU_DEMO_CLASSES) {
			ret = npu_demo_fail(err, -EINVAL,
					    "%s: label %zu is %u; there are %d classes", dir, i,
					    labels.data[i], NPU_DEMO_CLASSES);
			goto out_labels;
		}
	}
	set->count = images.dim[0];
	set->height = images.dim[1];
	set->width = images.dim[2];
	set->pixels = images.data;
	set->labels = labels.data;
	return 0;

out_labels:
	npu_demo_idx_free(&labels);
out_images:
	npu_demo_idx_free(&images);
	return ret;
}

void npu_demo_dataset_free(struct npu_demo_dataset *set)
{
	free(set->pixels);
	free(set->labels);
	memset(set, 0, sizeof(*set));
}
