// SPDX-License-Identifier: MIT
/* Copyright (c) 2026 the npu authors */
/*
 * The file: a header of fixed size, then the logits, all little-endian as the machines are that this runs on.
 */
#include <errno.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "answers.h"

#define MAGIC "NPUANS2"
#define MAX_IMAGES 1000000u
#define MAX_CLASSES 4096u

struct header {
	char magic[8];
	char device[64];
	uint64_t images;
	uint64_t classes;
	uint64_t cycles;
	uint64_t nanoseconds;
};

int npu_demo_answers_save(const struct npu_demo_answers *a, const char *path, struct npu_demo_error *err)
{
	struct header h = {
		.magic = MAGIC, .images = a->images, .classes = a->classes, .cycles = a->cycles,
		.nanoseconds = a->nanoseconds,
	};
	FILE *f = fopen(path, "wb");
	struct stat st;
	bool ok, file;
	int ret;

	if (!f)
		return npu_demo_fail(err, -errno, "cannot write %s: %s", path, strerror(errno));
	file = !fstat(fileno(f), &st) && S_ISREG(st.st_mode);
	memcpy(h.device, a->device, sizeof(h.device));
	ok = fwrite(&h, sizeof(h), 1, f) == 1 &&
	     fwrite(a->logits, sizeof(*a->logits), a->images * a->classes, f) == a->images * a->classes;
	if (fclose(f) || !ok) {
		ret = npu_demo_fail(err, -errno, "cannot write %s: %s", path, strerror(errno));
		/* Half of it is worse than nothing. */
		if (file)
			unlink(path);
		return ret;
	}
	return 0;
}

int npu_demo_answers_load(struct npu_demo_answers *a, const char *path, struct npu_demo_error *err)
{
	struct header h;
	FILE *f = fopen(path, "rb");
	size_t count;
	int ret = 0;

	if (!f)
		return npu_demo_fail(err, -errno, "cannot read %s: %s", path, strerror(errno));
	*a = (struct npu_demo_answers){ 0 };
	if (fread(&h, sizeof(h), 1, f) != 1 || memcmp(h.magic, MAGIC, sizeof(MAGIC)) ||
	    !h.images || h.images > MAX_IMAGES || !h.classes || h.classes > MAX_CLASSES) {
		ret = npu_demo_fail(err, -EINVAL, "%s is not a file of answers", path);
		goto out;
	}
	count = h.images * h.classes;
	a->logits = malloc(count * sizeof(*a->logits));
	if (!a->logits) {
		ret = npu_demo_fail(err, -ENOMEM, "no memory for the answers");
		goto out;
	}
	if (fread(a->logits, sizeof(*a->logits), count, f) != count || getc(f) != EOF) {
		ret = npu_demo_fail(err, -EINVAL, "%s has not as many answers as it says", path);
		free(a->logits);
		a->logits = NULL;
		goto out;
	}
	memcpy(a->device, h.device, sizeof(a->device));
	a->device[sizeof(a->device) - 1] = 0;
	a->images = h.images;
	a->classes = h.classes;
	a->cycles = h.cycles;
	a->nanoseconds = h.nanoseconds;
out:
	fclose(f);
	return ret;
}
