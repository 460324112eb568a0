// SPDX-License-Identifier: MIT
/*
 * Copyright (c) 2026 the npu authors
 *
 * See rewrite.h.
 */
#include "rewrite.h"

#include <errno.h>
#include <stdlib.h>

int rewrite_begin(struct rewrite *w, const struct npu_graph *from)
{
	unsigned int n = npu_graph_tensors(from), i, k;
	struct npu_graph_node_info info;
	const char *name;
	int tensor;

	*w = (struct rewrite){ .from = from, .to = npu_graph_create(), .tensors = n };
	w->map = malloc((n + 1) * sizeof(*w->map));
	w->producer = malloc((n + 1) * sizeof(*w->producer));
	w->reader = malloc((n + 1) * sizeof(*w->reader));
	w->consumers = calloc(n + 1, sizeof(*w->consumers));
	if (!w->to || !w->map || !w->producer || !w->reader || !w->consumers)
		return -ENOMEM;
	for (i = 0; i < n; i++)
		w->map[i] = w->producer[i] = w->reader[i] = -1;
	for (i = 0; !npu_graph_get_node(from, i, &info); i++) {
		for (k = 0; k < info.out_count; k++)
			w->producer[info.out[k]] = (int)i;
		for (k = 0; k < info.in_count; k++) {
			if (info.in[k] < 0)
				continue;
			w->reader[info.in[k]] = (int)i;
			w->consumers[info.in[k]]++;
		}
	}
	for (i = 0; (tensor = npu_graph_get_output(from, i, &name)) >= 0; i++)
		w->consumers[tensor]++;
	return 0;
}

void rewrite_end(struct rewrite *w)
{
	free(w->map);
	free(w->producer);
	free(w->reader);
	free(w->consumers);
}

bool rewrite_is_input(const struct rewrite *w, int tensor)
{
	return w->producer[tensor] < 0 && !npu_graph_tensor(w->from, tensor)->data;
}

int rewrite_tensor(struct rewrite *w, int tensor)
{
	const struct npu_graph_tensor *t = npu_graph_tensor(w->from, tensor);

	if (w->map[tensor] < 0 && t->data)
		w->map[tensor] =
			npu_graph_constant(w->to, t->name, t->type, t->dims, t->shape, t->data);
	return w->map[tensor] < 0 ? -EINVAL : w->map[tensor];
}

int rewrite_inputs(struct rewrite *w)
{
	unsigned int i;

	for (i = 0; i < w->tensors; i++) {
		const struct npu_graph_tensor *t = npu_graph_tensor(w->from, (int)i);

		if (!rewrite_is_input(w, (int)i))
			continue;
		w->map[i] = npu_graph_input(w->to, t->name, t->type, t->dims, t->shape);
		if (w->map[i] < 0)
			return w->map[i];
	}
	return 0;
}

int rewrite_node(struct rewrite *w, const struct npu_graph_node_info *n)
{
	int in[NPU_GRAPH_MAX_IO], out[NPU_GRAPH_MAX_IO], ret;
	unsigned int i;

	for (i = 0; i < n->in_count; i++) {
		in[i] = n->in[i] < 0 ? -1 : rewrite_tensor(w, n->in[i]);
		if (n->in[i] >= 0 && in[i] < 0)
			return in[i];
	}
	ret = npu_graph_node(w->to, n->op, n->name, &n->attrs, in, n->in_count, out, n->out_count);
	for (i = 0; i < n->out_count && !ret; i++)
		w->map[n->out[i]] = out[i];
	return ret;
}

int rewrite_outputs(struct rewrite *w)
{
	const char *name;
	unsigned int i;
	int tensor, ret = 0;

	for (i = 0; !ret && (tensor = npu_graph_get_output(w->from, i, &name)) >= 0; i++) {
		ret = rewrite_tensor(w, tensor);
		if (ret >= 0)
			ret = npu_graph_output(w->to, ret, name);
	}
	return ret;
}
