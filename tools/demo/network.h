/* SPDX-License-Identifier: MIT */
/* Copyright (c) 2026 the npu authors */
/*
 * The demo's network on the card: its weights put into local memory once, its layers run for a batch of images at
 * a time through libnpu's operations.
 *
 * One thread at a time.
 */
#ifndef TOOLS_DEMO_NETWORK_H
#define TOOLS_DEMO_NETWORK_H

#include <stdint.h>

#include "npu/npu.h"
#include "weights.h"

struct npu_demo_network;

/**
 * npu_demo_network_create() - put a network on a card
 * @net: receives it
 * @dev: kept alive by it
 * @weights: must outlive it
 * @batch: images at a time
 *
 * Returns 0 or a negative errno, then npu_error() says what was wrong.
 */
int npu_demo_network_create(struct npu_demo_network **net, struct npu_device *dev,
			    const struct npu_demo_weights *weights, unsigned int batch);

/** npu_demo_network_free() - NULL is fine */
void npu_demo_network_free(struct npu_demo_network *net);

/** npu_demo_network_slots() - batches that may be under way at once, numbered from 0 */
unsigned int npu_demo_network_slots(void);

/** npu_demo_network_input() - where slot's images go: [batch][in_h][in_w][in_c] */
int8_t *npu_demo_network_input(struct npu_demo_network *net, unsigned int slot);

/**
 * npu_demo_network_start() - start a batch; returns at once
 * @images: how many of the slot's images count, at most the batch
 */
int npu_demo_network_start(struct npu_demo_network *net, unsigned int slot, unsigned int images);

/**
 * npu_demo_network_finish() - wait for a slot's batch
 * @logits: receives [images][classes]
 * @cycles: the modelled cycles of all its jobs are added
 */
int npu_demo_network_finish(struct npu_demo_network *net, unsigned int slot, int32_t *logits,
			    uint64_t *cycles);

#endif
