/* SPDX-License-Identifier: MIT */
/*
 * Copyright (c) 2026 the npu authors
 *
 * Quantising a float network after training: what each step leaves for the next one.
 *
 *	fold.c          biases and normalisations into products' weights, so that these are all there is
 *	quant_plan.c    which tensors become integers, and which of them share a scale
 *	calibrate.c     data to run the float network on
 *	quant_range.c   what values tensors take in it, and so their scales
 *	quant_build.c   the network again, in integers where that was planned
 *	quant_error.c   what it costs
 *	quant_dump.c    what was quantised, for others to read
 *	quantize.c      all of it in order
 *
 * docs/onnx.md says what is quantised and how.
 */
#ifndef NPUCC_QUANT_H
#define NPUCC_QUANT_H

#include <stdbool.h>
#include <stdio.h>

#include "npu/graph.h"
#include "npu/npu.h"

/* ---- The plan -------------------------------------------------------------------------------- */

enum quant_kind {
	QUANT_FLOAT, /* stays as it is */
	QUANT_ELEMENT, /* element by element, in floats; what follows a product is done with it */
	QUANT_ADD, /* of two activations */
	QUANT_AVERAGE, /* in floats, of integers */
	QUANT_MOVE, /* what is done to the integers themselves: they move, or the largest counts */
	QUANT_PRODUCT, /* of integers */
};

/**
 * struct quant_tensor - what becomes of a tensor
 * @integer: it is kept as 8-bit integers; all below counts only then
 * @group: tensors of the same number share a scale; only the tensor of that number has one
 * @lo, @hi: values it takes, 0 between them
 * @type: NPU_S8; NPU_U8 where the input is such
 */
struct quant_tensor {
	bool integer;
	unsigned int group;
	float lo, hi;
	float scale;
	int32_t zero;
	uint32_t type;
};

/**
 * struct quant_node - what becomes of a node
 * @why: a product that stays in floats: the reason; else NULL
 * @integer: a MOVE of integers
 */
struct quant_node {
	enum quant_kind kind;
	const char *why;
	bool integer;
};

struct quant_plan {
	const struct npu_graph *g; /* folded */
	struct quant_tensor *tensor;
	struct quant_node *node;
	unsigned int tensors, nodes;
	bool integer_inputs;
};

/**
 * quant_plan_make() - decide
 * @input_type: NPU_FP32: inputs stay float; NPU_S8, NPU_U8: they become that
 *
 * Returns 0, or EXIT_FAILURE having said why.
 */
int quant_plan_make(struct quant_plan *p, const struct npu_graph *g, uint32_t input_type);
void quant_plan_free(struct quant_plan *p);

/** quant_plan_scales() - from the ranges of all tensors, scales and zero points of their groups */
void quant_plan_scales(struct quant_plan *p);

/** quant_of() - the scale, zero point and type of an integer tensor */
static inline const struct quant_tensor *quant_of(const struct quant_plan *p, int tensor)
{
	return &p->tensor[p->tensor[tensor].group];
}

/** quant_product() - is that operator one that could be done in integers? */
static inline bool quant_is_product(uint32_t op)
{
	return op == NPU_GRAPH_CONV || op == NPU_GRAPH_MATMUL || op == NPU_GRAPH_GEMM ||
	       op == NPU_GRAPH_CONV_TRANSPOSE;
}

/* ---- The network ----------------------------------------------------------------------------- */

/**
 * struct quant_product - a product as it was quantised
 * @node: of the plan's graph
 * @x: its tensor of the plan's graph
 * @weight, @scale, @bias: constants of the new graph: integers of @x's and @scale's scales;
 * 	-1: activations times activations; no bias
 */
struct quant_product {
	unsigned int node;
	int x;
	int weight, scale, bias;
};

struct quant_net {
	struct npu_graph *g;
	struct quant_product *product;
	unsigned int products;
};

/**
 * quant_build() - the network in integers
 * @probes: integer tensors become outputs as well, as floats, named by quant_probe_name()
 *
 * 0 or -errno with npu_error(); quant_net_free() either way.
 */
int quant_build(struct quant_net *net, const struct quant_plan *p, bool probes);
void quant_net_free(struct quant_net *net);

/** quant_probe_name() - the name of an output that shows a tensor of the plan's graph */
void quant_probe_name(char name[32], unsigned int tensor);

/* ---- Data ------------------------------------------------------------------------------------ */

/** struct calibration - batches of data in a folder, one .npy a batch and input */
struct calibration {
	const struct npu_graph *g;
	unsigned int inputs, batches;
	int *input; /* tensors */
	char **file; /* [batches][inputs] */
};

/**
 * calibration_open() - find the files for the inputs of a graph
 *
 * Returns 0, or EXIT_FAILURE having said why. calibration_close() either way.
 */
int calibration_open(struct calibration *c, const struct npu_graph *g, const char *dir);
void calibration_close(struct calibration *c);

/** calibration_read() - a batch of one input, malloc()ed and checked; NULL having said why */
void *calibration_read(const struct calibration *c, unsigned int batch, unsigned int input);

/* ---- Ranges ---------------------------------------------------------------------------------- */

enum quant_method { QUANT_MINMAX, QUANT_PERCENTILE };

/** What percentile leaves out, half of it on either side. */
#define QUANT_OUTSIDE 1e-4

#define QUANT_BINS 8192

/**
 * struct quant_range - values a tensor takes
 * @bin: how many, in equal parts of -@limit .. @limit
 * @limit: a power of two; 0: nothing yet
 */
struct quant_range {
	float lo, hi;
	float limit;
	uint64_t count;
	uint64_t *bin;
};

/** quant_range_add() - take in values, all of them finite; 0 or -ENOMEM */
int quant_range_add(struct quant_range *r, const float *v, uint64_t count);

/** quant_range_get() - the range that counts */
void quant_range_get(const struct quant_range *r, enum quant_method method, float *lo, float *hi);
void quant_range_free(struct quant_range *r);

/* ---- Errors ---------------------------------------------------------------------------------- */

/**
 * struct quant_error - values beside those they should be
 * @odd: pairs of values that are not both finite, unless they are the same infinity: with any of
 *	them there is no other figure
 */
struct quant_error {
	double signal, noise; /* sums of squares */
	double sum, max; /* of magnitudes of differences */
	uint64_t count, odd;
};

void quant_error_add(struct quant_error *e, const float *want, const float *got, uint64_t count);

/** quant_error_sqnr() - in dB; infinite: no difference; NaN: nothing to compare, or odd pairs */
double quant_error_sqnr(const struct quant_error *e);

/**
 * quant_report() - what was done and what it costs, to people
 * @data: what it was calibrated with, in words
 * @beyond: a node whose values were not all numbers in the float network; NULL: none
 * @output: of each output
 * @tensor: of each tensor of the plan
 */
void quant_report(FILE *f, const struct quant_plan *p, const char *data, const char *beyond,
		  const struct quant_error *output, const struct quant_error *tensor);

/** quant_dump() - products' integers and scales as .npy files; 0 or EXIT_FAILURE, which is said */
int quant_dump(const struct quant_net *net, const struct quant_plan *p, const char *dir);

/* ---- All of it ------------------------------------------------------------------------------- */

/**
 * struct quant_options - how to quantise
 * @data: folder of .npy files
 * @dump: folder for what was quantised, or NULL
 */
struct quant_options {
	const char *data, *dump;
	enum quant_method method;
	uint32_t input_type; /* NPU_FP32, NPU_S8, NPU_U8 */
};

/**
 * quantize() - an image of a float network, quantised
 * @dev: card to run it on
 * @image: free() it
 * @report: what it costs goes there
 *
 * Returns 0, or EXIT_FAILURE having said why.
 */
int quantize(struct npu_graph *g, struct npu_device *dev, const struct npu_graph_options *graph,
	     const struct quant_options *options, FILE *report, void **image, size_t *size);

#endif
