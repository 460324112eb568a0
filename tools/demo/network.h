/* SPDX-License-Identifier: MIT */
/* Copyright (c) 2026 the npu authors */
/*
 * The demo's network on the card: an image that npucc made, run for a batch of images at a time.
 *
 * One thread at a time.
 */
#ifndef TOOLS_DEMO_NETWORK_H
#define TOOLS_DEMO_NETWORK_H

#include <stddef.h>
#include <stdint.h>

#include "npu/npu.h"
#include "error.h"

struct npu_demo_network;

/**
 * npu_demo_network_load() - put a network on a card
 * @net: receives it
 * @dev: kept alive by it
 * @path: the image: one input of grey images, [batch][1][height][width], of float32 (0 to 1) or
 *	quantised; one output of float32, [batch][classes]
 *
 * Returns 0 or a negative errno with @err.
 */
int npu_demo_network_load(struct npu_demo_network **net, struct npu_device *dev, const char *path,
			  struct npu_demo_error *err);

/** npu_demo_network_free() - NULL is fine */
void npu_demo_network_free(struct npu_demo_network *net);

/** struct npu_demo_shape - what a network takes and gives */
struct npu_demo_shape {
	size_t batch, height, width, classes;
};

/** npu_demo_network_shape() - as the image says */
struct npu_demo_shape npu_demo_network_shape(const struct npu_demo_network *net);

/**
 * npu_demo_network_run() - classify images
 * @pixels: [count][height][width], 0 to 255
 * @logits: receives [count][classes]
 * @cycles: the modelled cycles of all batches are added
 * @progress: told how many are done, may be NULL
 *
 * As many batches are under way as keeps the card busy. 0 or a negative errno, with npu_error().
 */
int npu_demo_network_run(struct npu_demo_network *net, const uint8_t *pixels, size_t count,
			 float *logits, uint64_t *cycles,
			 void (*progress)(size_t done, size_t all));

#endif
