// SPDX-License-Identifier: MIT
/*
 * Copyright (c) 2026 the npu authors
 *
 * .npu files.
 */
#include "model.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "npu/npu.h"

#include "cards.h"
#include "command.h"

bool model_is(const char *path)
{
	size_t length = strlen(path);
	char magic[sizeof(NPU_IMAGE_MAGIC) - 1];
	bool is = false;
	FILE *f;

	if (length > 4 && !strcmp(path + length - 4, ".npu"))
		return true;
	f = fopen(path, "re");
	if (f) {
		is = fread(magic, 1, sizeof(magic), f) == sizeof(magic) &&
		     !memcmp(magic, NPU_IMAGE_MAGIC, sizeof(magic));
		fclose(f);
	}
	return is;
}

/* The whole file, aligned as npu_image_parse() wants it. */
static int read_file(struct model *m)
{
	FILE *f = fopen(m->path, "re");
	struct stat st;
	int r = NPUCTL_DONE;

	if (!f || fstat(fileno(f), &st)) {
		r = complain(NPUCTL_FAILED, "%s: %s", m->path, strerror(errno));
	} else if (!S_ISREG(st.st_mode)) {
		r = complain(NPUCTL_FAILED, "%s: not a regular file", m->path);
	} else {
		m->size = st.st_size;
		m->data = aligned_alloc(64, (m->size + 64) / 64 * 64);
		if (!m->data)
			r = complain(NPUCTL_FAILED, "%s: no memory for %zu bytes", m->path,
				     m->size);
		else if (fread(m->data, 1, m->size, f) != m->size)
			r = complain(NPUCTL_FAILED, "%s: cannot be read", m->path);
	}
	if (f)
		fclose(f);
	return r;
}

int model_read(struct model *m, const char *path)
{
	int r;

	*m = (struct model){ .path = path };
	r = read_file(m);
	if (!r && npu_image_parse(&m->image, m->data, m->size))
		r = complain_npu(path);
	return r;
}

void model_free(struct model *m)
{
	npu_image_clear(&m->image);
	free(m->data);
}

/* ---- Devices --------------------------------------------------------------------------------- */

static uint32_t larger(uint32_t a, uint32_t b)
{
	return a > b ? a : b;
}

/* The default card, or where that is too small one with what the model needs. */
static int open_simulated(struct npu_device **dev, const struct npu_image *image)
{
	const struct npu_caps *caps;
	char name[96];
	int r = device_open(dev, "sim:");

	if (r)
		return r;
	caps = npu_device_caps(*dev);
	if (image->cores <= caps->cores && image->spm_size <= caps->spm_size &&
	    image->acc_size <= caps->acc_size)
		return NPUCTL_DONE;
	snprintf(name, sizeof(name), "sim:cores=%u,spm=%u,acc=%u",
		 larger(image->cores, caps->cores), larger(image->spm_size, caps->spm_size),
		 larger(image->acc_size, caps->acc_size));
	npu_close(*dev);
	*dev = NULL;
	return device_open(dev, name);
}

int model_device(struct npu_device **dev, const char *name, const struct npu_image *image)
{
	if (!name)
		name = getenv("NPU_DEVICE");
	return name ? device_open(dev, name) : open_simulated(dev, image);
}
