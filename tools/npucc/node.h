/* SPDX-License-Identifier: MIT */
/*
 * Copyright (c) 2026 the npu authors
 *
 * What translates an operator: the node's attributes and constant inputs (node.c), and one handler
 * for each kind of operator (op_*.c), which fills in attributes and may change r->op and r->in.
 */
#ifndef NPUCC_NODE_H
#define NPUCC_NODE_H

#include "reader.h"

/** node_attr() - an attribute; NULL: absent */
const Onnx__AttributeProto *node_attr(const struct reader *r, const char *name);

/** node_int(), node_float() - an attribute's value, or what it is otherwise */
int64_t node_int(const struct reader *r, const char *name, int64_t otherwise);
float node_float(const struct reader *r, const char *name, float otherwise);

/** node_is_string() - is the attribute that string? Absent ones are @otherwise */
bool node_is_string(const struct reader *r, const char *name, const char *value,
		    const char *otherwise);

/** node_ints() - a list of at most @most; how many there are, -1: absent */
int node_ints(struct reader *r, const char *name, int64_t *out, unsigned int most);

/** node_input() - input @i; NULL: absent */
const struct npu_graph_tensor *node_input(const struct reader *r, unsigned int i);

/** node_count() - elements of a tensor */
uint64_t node_count(const struct npu_graph_tensor *t);

/**
 * node_input_ints() - input @i as a list of integers; how many, -1: absent (or wrong, which is
 * said)
 */
int node_input_ints(struct reader *r, unsigned int i, const char *what, int64_t *out,
		    unsigned int most);

/** node_input_number() - input @i as one number; false: absent (or wrong, which is said) */
bool node_input_number(struct reader *r, unsigned int i, const char *what, float *out);

/**
 * node_axes() - axes that are an attribute in older opsets and input @in in newer ones; how many,
 * -1: absent
 */
int node_axes(struct reader *r, struct npu_graph_attrs *a, unsigned int in);

static inline int64_t node_clamp(int64_t v, int64_t lo, int64_t hi)
{
	return v < lo ? lo : v > hi ? hi : v;
}

static inline int32_t node_small(int64_t v)
{
	return (int32_t)node_clamp(v, INT32_MIN, INT32_MAX);
}

/* Handlers, by the files they are in. */
typedef void onnx_handler(struct reader *r, struct npu_graph_attrs *a);

/* op_element.c */
onnx_handler op_binary, op_prelu, op_sum, op_alpha_001, op_hard_sigmoid, op_gelu, op_clip, op_cast,
	op_axis_1, op_axis_0, op_gemm, op_global, op_reduce, op_softmax, op_layer_norm, op_epsilon,
	op_dropout;
/* op_window.c */
onnx_handler op_window, op_conv_transpose, op_pool, op_resize;
/* op_move.c */
onnx_handler op_reshape, op_flatten, op_squeeze, op_unsqueeze, op_transpose, op_expand, op_split,
	op_slice, op_pad;
/* op_constant.c */
onnx_handler op_constant, op_shape, op_size, op_constant_of_shape;

#endif
