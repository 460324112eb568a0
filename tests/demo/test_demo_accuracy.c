/* SPDX-License-Identifier: MIT */
/* Copyright (c) 2026 the npu authors */
/*
 * What quantising costs the demo's network: right answers of the float image and of the int8 one, both
 * as npucc made them of the same model, on the simulated card. Built without sanitisers, which make
 * the card ten times slower.
 *
 * Usage: test_demo_accuracy FLOAT.npu INT8.npu IMAGES, from the top of the tree.
 */
#include <stdio.h>
#include <stdlib.h>

#include "tools/demo/idx.h"
#include "tools/demo/network.h"
#include "tools/demo/reference.h"

/* What may be lost, in points. */
#define LOSS 0.5
/* The float network's own accuracy; well below what it has, in points. */
#define ENOUGH 90

static int wrong;

static void fails(const char *what)
{
	printf("%s\n", what);
	wrong = 1;
}

/* Images answered rightly, in points; the types of its input are those the demo is about. */
static double accuracy(struct npu_device *dev, const char *path, const struct npu_demo_dataset *set,
		       size_t count)
{
	struct npu_demo_network *net;
	struct npu_demo_error err;
	uint64_t cycles = 0;
	size_t classes, right = 0, i;
	float *logits;

	if (npu_demo_network_load(&net, dev, path, &err)) {
		fails(err.text);
		return 0;
	}
	classes = npu_demo_network_shape(net).classes;
	logits = malloc(count * classes * sizeof(*logits));
	if (classes != NPU_DEMO_CLASSES || !logits)
		fails("not the demo's network");
	else if (npu_demo_network_run(net, set->pixels, count, logits, &cycles, NULL))
		fails(npu_error());
	for (i = 0; i < count && !wrong; i++)
		right += npu_demo_argmax(logits + i * classes, classes) == set->labels[i];
	printf("%s: %zu of %zu test images right, %.0f cycles an image\n", path, right, count,
	       (double)cycles / (double)count);
	free(logits);
	npu_demo_network_free(net);
	return 100.0 * (double)right / (double)count;
}

int main(int argc, char **argv)
{
	struct npu_demo_dataset set;
	struct npu_demo_error err;
	struct npu_device *dev;
	double whole, quantised;
	size_t count;

	if (argc != 4) {
		fprintf(stderr, "Usage: %s FLOAT.npu INT8.npu IMAGES\n", argv[0]);
		return 2;
	}
	count = strtoul(argv[3], NULL, 10);
	if (npu_demo_dataset_load(&set, NULL, &err)) {
		printf("%s\n", err.text);
		return 1;
	}
	if (npu_open(&dev, "sim:") || !count || count > set.count) {
		printf("no simulated card, or not so many images\n");
		return 1;
	}
	whole = accuracy(dev, argv[1], &set, count);
	quantised = accuracy(dev, argv[2], &set, count);
	npu_close(dev);
	npu_demo_dataset_free(&set);
	if (whole < ENOUGH)
		fails("the float network answers too few rightly");
	if (quantised < whole - LOSS)
		fails("quantising costs too much");
	return wrong;
}
