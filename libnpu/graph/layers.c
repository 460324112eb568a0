// SPDX-License-Identifier: MIT
/*
 * Copyright (c) 2026 the npu authors
 *
 * What an image tells of each step: its node, operator and kernel, and a product's least work.
 * Steps' commands carry their numbers as tags.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "hal/error.h"
#include "hal/image.h"
#include "kernels/plan.h"

#include "lower.h"

/* A name as images take it: cut where it is too long. */
static const char *put_name(char **at, const char *name)
{
	size_t length = strnlen(name, NPU_IMAGE_MAX_NAME);
	char *copy = *at;

	memcpy(copy, name, length);
	copy[length] = 0;
	*at += length + 1;
	return copy;
}

static int find_work(const struct npu_lower_step *s, struct npu_work *work)
{
	uint64_t desc[NPU_OP_MAX_DESC / 8] = { 0 };
	int ret;

	memset(work, 0, sizeof(*work));
	if (s->kind != NPU_STEP_PRODUCT)
		return 0;
	ret = s->op->normalise(&s->u, desc);
	if (!ret)
		npu_op_work(s->op, desc, work);
	return ret;
}

const char *npu_lower_step_name(const struct npu_lower *l, const struct npu_lower_step *s)
{
	return s->node < l->g->nodes ? l->g->node[s->node].name :
				       l->g->output[s->node - l->g->nodes].name;
}

static const char *op_name(const struct npu_lower *l, const struct npu_lower_step *s)
{
	return s->node < l->g->nodes ? npu_graph_op_name(l->g->node[s->node].op) : "Output";
}

static const char *kernel_name(const struct npu_lower_step *s)
{
	return s->kind == NPU_STEP_PRODUCT ? s->op->name :
	       s->kind == NPU_STEP_MAP	   ? "map" :
					     "gather";
}

int npu_lower_layers(const struct npu_lower *l, struct npu_layer **layers, uint32_t *count)
{
	struct npu_layer *layer;
	char *names;
	unsigned int i;
	int ret = 0;

	*layers = NULL;
	*count = 0;
	if (!l->steps || l->steps > NPU_IMAGE_MAX_LAYERS)
		return 0;
	layer = calloc(l->steps, sizeof(*layer) + NPU_IMAGE_MAX_NAME + 1);
	if (!layer)
		return npu_fail(-ENOMEM, "out of memory");
	names = (char *)(layer + l->steps);
	for (i = 0; i < l->steps && !ret; i++) {
		const struct npu_lower_step *s = &l->step[i];

		layer[i].name = put_name(&names, npu_lower_step_name(l, s));
		layer[i].op = op_name(l, s);
		layer[i].kernel = kernel_name(s);
		ret = find_work(s, &layer[i].work);
	}
	if (ret) {
		free(layer);
		return ret;
	}
	*layers = layer;
	*count = l->steps;
	return 0;
}
