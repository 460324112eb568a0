// SPDX-License-Identifier: MIT
/*
 * Copyright (c) 2026 the npu authors
 *
 * A graph as whoever makes another of it sees it: nodes and outputs, in the order in which they
 * were added. Attributes are shown so that npu_graph_node() takes them again.
 */
#include <errno.h>
#include <string.h>

#include "hal/error.h"

#include "graph.h"

/* Inference leaves starts and counts, one a dimension; what goes in are starts and ends. */
static void slice_ends(struct npu_graph_attrs *a)
{
	uint32_t i;

	for (i = 0; i < a->axis_count; i++) {
		int64_t last = a->starts[i] + (a->ends[i] - 1) * a->steps[i];

		/* Before the first element is nothing that a negative end could mean. */
		a->ends[i] = a->steps[i] > 0 ? last + 1 : last ? last - 1 : INT32_MIN;
	}
}

unsigned int npu_graph_tensors(const struct npu_graph *g)
{
	return g->values;
}

int npu_graph_get_node(const struct npu_graph *g, unsigned int i, struct npu_graph_node_info *info)
{
	const struct npu_graph_node *n;

	if (i >= g->nodes)
		return npu_fail(-EINVAL, "node %u of %u", i, g->nodes);
	n = &g->node[i];
	*info = (struct npu_graph_node_info){
		.op = n->op,
		.op_name = npu_graph_op_name(n->op),
		.name = n->name,
		.attrs = n->a,
		.in = n->in,
		.in_count = n->in_count,
		.out = n->out,
		.out_count = n->out_count,
	};
	if (n->op == NPU_GRAPH_SLICE)
		slice_ends(&info->attrs);
	return 0;
}

int npu_graph_get_output(const struct npu_graph *g, unsigned int i, const char **name)
{
	if (i >= g->outputs)
		return npu_fail(-EINVAL, "output %u of %u", i, g->outputs);
	*name = g->output[i].name;
	return g->output[i].tensor;
}
