/* SPDX-License-Identifier: MIT */
/*
 * Copyright (c) 2026 the npu authors
 *
 * npucc's command line.
 */
#ifndef NPUCC_OPTIONS_H
#define NPUCC_OPTIONS_H

#include "onnx.h"
#include "quant.h"

#define MAX_OPTIONS 64u

enum { EXIT_USAGE = 2 };

/**
 * struct settings - what was asked for
 * @quantize: with @quant
 */
struct settings {
	const char *input, *output, *target;
	struct npu_graph_options graph;
	struct onnx_dim dim[MAX_OPTIONS];
	struct onnx_fixed fixed[MAX_OPTIONS];
	struct onnx_options onnx;
	bool quantize;
	struct quant_options quant;
};

/**
 * settings_parse() - 0, or what to exit with, having said why; --help does not return
 *
 * settings_free() either way.
 */
int settings_parse(struct settings *s, int argc, char **argv);
void settings_free(struct settings *s);

/** map_file() - a file's bytes, mapped; empty files are none. NULL having said why */
const void *map_file(const char *path, size_t *size);

#endif
