/* SPDX-License-Identifier: MIT */
/*
 * Copyright (c) 2026 the npu authors
 *
 * One graph made of another: what tensors of the old one are in the new one.
 */
#ifndef NPUCC_REWRITE_H
#define NPUCC_REWRITE_H

#include <stdbool.h>

#include "npu/graph.h"

/**
 * struct rewrite - a graph under way
 * @map: tensor of @from → tensor of @to; -1: not there yet. Constants come when they are asked for
 * @producer: node of @from that makes a tensor; -1: none
 * @reader: the last node that reads it
 * @consumers: nodes that read it, each time counted, and outputs
 */
struct rewrite {
	const struct npu_graph *from;
	struct npu_graph *to;
	unsigned int tensors;
	int *map, *producer, *reader;
	unsigned int *consumers;
};

/** rewrite_begin() - an empty graph and tables; 0 or -ENOMEM. Either way rewrite_end() */
int rewrite_begin(struct rewrite *w, const struct npu_graph *from);

/** rewrite_end() - free the tables; @w->to is the caller's, NULL without memory */
void rewrite_end(struct rewrite *w);

/** rewrite_is_input() - is a tensor of @from an input? */
bool rewrite_is_input(const struct rewrite *w, int tensor);

/** rewrite_tensor() - a tensor of @from in @to, constants copied now; or -errno with npu_error() */
int rewrite_tensor(struct rewrite *w, int tensor);

/** rewrite_inputs() - add the inputs as they are; 0 or -errno */
int rewrite_inputs(struct rewrite *w);

/** rewrite_node() - add a node as it is; 0 or -errno */
int rewrite_node(struct rewrite *w, const struct npu_graph_node_info *n);

/** rewrite_outputs() - declare the outputs; 0 or -errno */
int rewrite_outputs(struct rewrite *w);

/** graph_count() - elements of a tensor */
static inline uint64_t graph_count(const struct npu_graph_tensor *t)
{
	uint64_t n = 1;

	for (uint32_t i = 0; i < t->dims; i++)
		n *= t->shape[i];
	return n;
}

#endif
