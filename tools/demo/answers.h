/* SPDX-License-Identifier: MIT */
/* Copyright (c) 2026 the npu authors */
/*
 * What the card answered, as a file: so that the card may be in a VM, and the plain C reference, the verdict and
 * the picture on the host.
 */
#ifndef TOOLS_DEMO_ANSWERS_H
#define TOOLS_DEMO_ANSWERS_H

#include <stdint.h>

#include "error.h"

/** struct npu_demo_answers - logits of a run, and what it took */
struct npu_demo_answers {
	char device[64]; /* libnpu's name of it */
	uint64_t images;
	uint64_t classes;
	uint64_t cycles; /* modelled, all images */
	uint64_t nanoseconds; /* from the first batch's start to the last one's end */
	float *logits; /* [images][classes] */
};

/** npu_demo_answers_save() - write @path, which is removed again where that fails; 0 or -errno */
int npu_demo_answers_save(const struct npu_demo_answers *answers, const char *path,
			  struct npu_demo_error *err);

/** npu_demo_answers_load() - read and check it; the caller frees logits. 0, -EINVAL or the errno of reading */
int npu_demo_answers_load(struct npu_demo_answers *answers, const char *path,
			  struct npu_demo_error *err);

#endif
