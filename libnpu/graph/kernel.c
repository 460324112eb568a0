// SPDX-License-Identifier: MIT
/*
 * Copyright (c) 2026 the npu authors
 *
 * Kernels of products, each planned once for all steps that are alike. They are kept until the graph
 * has been compiled.
 */
#include <stdlib.h>
#include <string.h>

#include "lower.h"

/*
 * All kernels share an effort. One may take this many parts of what is left for those that may still
 * come: most are alike, or need less.
 */
#define MANY 8u

struct npu_lower_kernel {
	const struct npu_op *op;
	uint64_t desc[NPU_OP_MAX_DESC / 8]; /* normalised */
	struct npu_gang gang;
};

int npu_lower_kernel(struct npu_lower *l, const struct npu_lower_step *s, struct npu_gang **gang)
{
	uint64_t desc[NPU_OP_MAX_DESC / 8] = { 0 };
	struct npu_caps caps = *l->caps;
	struct npu_effort effort = { 0 };
	struct npu_lower_kernel *k;
	unsigned int i;
	int ret = s->op->normalise(&s->u, desc);

	if (ret)
		return ret;
	for (i = 0; i < l->kernels; i++) {
		k = &l->kernel[i];
		if (k->op == s->op && !memcmp(k->desc, desc, s->op->size)) {
			*gang = &k->gang;
			return 0;
		}
	}
	ret = npu_graph_grow(&l->kernel, &l->kernel_room, l->kernels, sizeof(*l->kernel));
	if (ret)
		return ret;
	k = &l->kernel[l->kernels];
	memset(k, 0, sizeof(*k));
	k->op = s->op;
	memcpy(k->desc, desc, sizeof(desc));
	caps.lmem_bw = (uint32_t)npu_max(1, (uint64_t)caps.lmem_bw * l->cores / caps.cores);
	caps.cores = l->cores;
	effort.limit = npu_effort_left(&l->kernel_effort) /
		       (1 + (l->products - npu_min(l->products, l->kernels)) / MANY);
	ret = s->op->compile(&caps, desc, &effort, &k->gang);
	l->kernel_effort.spent += effort.spent;
	if (ret)
		return ret;
	*gang = &k->gang;
	l->kernels++;
	return 0;
}

void npu_lower_free_kernels(struct npu_lower *l)
{
	while (l->kernels)
		npu_gang_free(&l->kernel[--l->kernels].gang);
	free(l->kernel);
}
