/* SPDX-License-Identifier: MIT */
/*
 * Copyright (c) 2026 the npu authors
 *
 * A graph as its own files see it.
 */
#ifndef NPU_GRAPH_GRAPH_H
#define NPU_GRAPH_GRAPH_H

#include <stdbool.h>

#include "npu/graph.h"

/**
 * struct npu_graph_value - a tensor
 * @t: what the public sees; its name and data are owned here
 * @producer: node, -1: input or constant
 * @consumers: nodes that read it, each time counted, and outputs
 * @input: it is one
 * @least, @most: of the elements of a constant that may be indices (int32, int64)
 */
struct npu_graph_value {
	struct npu_graph_tensor t;
	int producer;
	unsigned int consumers;
	bool input;
	int64_t least, most;
};

/**
 * struct npu_graph_node - an operator
 * @in: -1: absent
 */
struct npu_graph_node {
	uint32_t op;
	char *name;
	struct npu_graph_attrs a;
	int *in, *out;
	unsigned int in_count, out_count;
};

struct npu_graph_output {
	char *name;
	int tensor;
};

struct npu_graph {
	struct npu_graph_value *value;
	struct npu_graph_node *node;
	struct npu_graph_output *output;
	char **issue;
	unsigned int values, nodes, outputs, issues;
	unsigned int value_room, node_room, output_room, issue_room;
	uint64_t given, folded; /* bytes of constants that came, and that were computed here */
	uint64_t fold_work; /* what computing them took: an element's coordinates and inputs each */
};

/* What operators infer: types and shapes of outputs. */
struct npu_graph_shape {
	uint32_t type;
	uint32_t dims;
	uint32_t shape[NPU_MAX_DIMS];
};

/**
 * npu_graph_infer() - check a node's inputs and attributes, complete the latter, find outputs'
 * shapes
 */
int npu_graph_infer(const struct npu_graph *g, struct npu_graph_node *n,
		    struct npu_graph_shape *out);

/**
 * npu_graph_fold() - compute an output of a node whose inputs are constants
 * @data: the result, malloc()ed; NULL where this operator is not computed here
 */
int npu_graph_fold(const struct npu_graph *g, const struct npu_graph_node *n, unsigned int index,
		   const struct npu_graph_shape *out, void **data);

/** npu_graph_op_name() - "Conv" */
const char *npu_graph_op_name(uint32_t op);

/** npu_graph_grow() - room for one more of @size bytes; 0 or -ENOMEM */
int npu_graph_grow(void *array, unsigned int *room, unsigned int count, size_t size);

static inline const struct npu_graph_tensor *
npu_graph_in(const struct npu_graph *g, const struct npu_graph_node *n, unsigned int i)
{
	return i < n->in_count && n->in[i] >= 0 ? &g->value[n->in[i]].t : NULL;
}

static inline uint64_t npu_graph_count(uint32_t dims, const uint32_t *shape)
{
	uint64_t n = 1;

	for (uint32_t i = 0; i < dims; i++)
		n *= shape[i];
	return n;
}

static inline bool npu_graph_is_float(uint32_t type)
{
	return type == NPU_FP32 || type == NPU_BF16 || type == NPU_FP16;
}

static inline uint32_t npu_graph_type_size(uint32_t type)
{
	return type == NPU_S64			    ? 8 :
	       type == NPU_S32 || type == NPU_FP32  ? 4 :
	       type == NPU_BF16 || type == NPU_FP16 ? 2 :
						      1;
}

/** npu_graph_get_float(), npu_graph_get_int() - element @i of constant data */
double npu_graph_get_float(uint32_t type, const void *data, uint64_t i);
int64_t npu_graph_get_int(uint32_t type, const void *data, uint64_t i);

/** npu_graph_put() - write element @i; integers saturate, floats round */
void npu_graph_put_float(uint32_t type, void *data, uint64_t i, double v);
void npu_graph_put_int(uint32_t type, void *data, uint64_t i, int64_t v);

/** npu_graph_axis() - 0 .. dims - 1 of one that may be negative; -1 out of range */
static inline int npu_graph_axis(int64_t axis, uint32_t dims)
{
	if (axis < 0)
		axis += dims;
	return axis < 0 || axis >= dims ? -1 : (int)axis;
}

/**
 * struct npu_graph_window - a window as inferred
 *
 * One-dimensional ones have height 1. Padding is explicit.
 */
struct npu_graph_window {
	uint32_t in[2], out[2], kernel[2], stride[2], dilation[2], pad_lo[2], pad_hi[2];
};

/** npu_graph_window() - of CONV*, MAX_POOL, AVERAGE_POOL; 0 or -EINVAL */
int npu_graph_window(const struct npu_graph *g, const struct npu_graph_node *n,
		     struct npu_graph_window *w);

/** npu_graph_norm_axes() - a reduction's axes as a mask */
int npu_graph_axes(const struct npu_graph_attrs *a, uint32_t dims, uint32_t *mask);

#endif
