/* SPDX-License-Identifier: MIT */
/*
 * Copyright (c) 2026 the npu authors
 *
 * npuctl run: what its two kinds, models and products, share.
 */
#ifndef NPUCTL_RUN_H
#define NPUCTL_RUN_H

#include "command.h"

/** enum run_dtype - what --dtype takes; without it, what the files are */
enum run_dtype { RUN_INT8, RUN_BF16, RUN_FP16, RUN_AS_FILES };

extern const char *const run_dtypes[];

/**
 * struct run_options - the words of the command
 * @repeat: 0: not given
 */
struct run_options {
	const char *device;
	unsigned int dtype;
	uint32_t repeat;
	struct option_strings outputs;
	bool json;
};

/** run_product(), run_model() - return enum npuctl_exit; a model is the first of @files */
int run_product(const struct command *self, const struct run_options *o, char **files, int count);
int run_model(const struct command *self, const struct run_options *o, char **files, int count);

#endif
