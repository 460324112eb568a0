/* SPDX-License-Identifier: MIT */
/*
 * Copyright (c) 2026 the npu authors
 *
 * What constant weights can do for the nodes behind their product.
 */
#ifndef NPUCC_FOLD_H
#define NPUCC_FOLD_H

#include "npu/graph.h"

/**
 * fold_products() - a network with its products made plain
 * @g: without issues; it stays as it is
 * @float_type: NPU_FP16, or anything else for bf16: what weights will be multiplied in. Nothing
 *	becomes weights that this type does not have
 * @folded: the new one, to be freed also when this fails
 *
 * Return: 0 or -errno with npu_error().
 */
int fold_products(const struct npu_graph *g, uint32_t float_type, struct npu_graph **folded);

#endif
