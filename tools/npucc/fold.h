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
 * @folded: the new one, to be freed also when this fails
 *
 * Return: 0 or -errno with npu_error().
 */
int fold_products(const struct npu_graph *g, struct npu_graph **folded);

#endif
