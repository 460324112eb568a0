/* SPDX-License-Identifier: MIT */
/*
 * Copyright (c) 2026 the npu authors
 *
 * Inference: what infer.c and infer_product.c share. All return 0, or -EINVAL or -ENOTSUP in words.
 */
#ifndef NPU_GRAPH_INFER_H
#define NPU_GRAPH_INFER_H

#include "graph.h"

/** npu_infer_need() - @least to @most inputs, the first @least of them there */
int npu_infer_need(const struct npu_graph *g, const struct npu_graph_node *n, unsigned int least,
		   unsigned int most);

/** npu_infer_same() - type and shape of @t */
void npu_infer_same(const struct npu_graph_tensor *t, struct npu_graph_shape *out);

/** npu_infer_broadcast() - enlarge @out to what it and the shape broadcast to */
int npu_infer_broadcast(struct npu_graph_shape *out, uint32_t dims, const uint32_t *shape);

int npu_infer_gemm(const struct npu_graph *g, struct npu_graph_node *n,
		   struct npu_graph_shape *out);
int npu_infer_matmul(const struct npu_graph *g, struct npu_graph_node *n,
		     struct npu_graph_shape *out);
int npu_infer_conv(const struct npu_graph *g, struct npu_graph_node *n,
		   struct npu_graph_shape *out);
int npu_infer_pool(const struct npu_graph *g, struct npu_graph_node *n,
		   struct npu_graph_shape *out);

#endif
