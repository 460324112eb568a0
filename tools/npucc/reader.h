/* SPDX-License-Identifier: MIT */
/*
 * Copyright (c) 2026 the npu authors
 *
 * A model being read, as onnx.c (files, tensors, names) and operators (node.h) share it.
 */
#ifndef NPUCC_READER_H
#define NPUCC_READER_H

#include "onnx.h"
#include "onnx.pb-c.h"

/* A tensor without elements: as an input it counts as absent. */
#define READER_EMPTY (-2)

struct reader_name {
	const char *name; /* the model's */
	int tensor; /* -1: could not be made; or READER_EMPTY */
};

/**
 * struct reader - a model and the node at hand
 * @in: its inputs' tensors; -1: absent
 * @op: what it becomes
 * @done: it became constants or other nodes: nothing is left to add
 * @failed: what is wrong has been noted
 */
struct reader {
	struct npu_graph *g;
	const struct onnx_options *options;
	int64_t opset;
	struct reader_name *names;
	size_t name_room, name_count;
	const Onnx__NodeProto *node;
	int in[NPU_GRAPH_MAX_IO];
	unsigned int in_count;
	uint32_t op;
	bool done, failed;
	int err;
};

/** reader_fail() - note why the node at hand cannot be; all but the first are ignored */
void reader_fail(struct reader *r, const char *fmt, ...) __attribute__((format(printf, 2, 3)));

/** reader_set() - the node's output @i is that tensor */
int reader_set(struct reader *r, unsigned int i, int tensor);

/** reader_convert() - a TensorProto's values, malloc()ed; NULL with *why */
void *reader_convert(const Onnx__TensorProto *t, uint32_t *type, uint32_t *dims, uint32_t *shape,
		     const char **why);

/** reader_empty() - has it a dimension of size 0? */
bool reader_empty(const Onnx__TensorProto *t);

/** reader_type() - of ONNX' element types; NPU_TYPES: none */
uint32_t reader_type(int64_t elem);

/** reader_operator() - translate the node at hand: r->op and attributes; false: no such operator */
bool reader_operator(struct reader *r, struct npu_graph_attrs *a);

#endif
