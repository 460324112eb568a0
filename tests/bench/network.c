// SPDX-License-Identifier: MIT
/*
 * Copyright (c) 2026 the npu authors
 *
 * Usage: network SECONDS
 *
 * Whole networks, int8 with random weights, one image after another on one simulated core: what one takes
 * of the host's time, with the hazard checker and without. ResNet-50 and MobileNet, each so many seconds,
 * the two cards in turn. One JSON object on stdout: medians in microseconds.
 */
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include "npu/npu.h"
#include "tests/graph/networks.h"

#define MAX_RUNS 10000

/* A card with the network on it. */
struct loaded {
	struct npu_device *dev;
	struct npu_queue *queue;
	struct npu_program *program;
	struct npu_binding binding[16];
	struct npu_job job;
	unsigned int runs;
	double us[MAX_RUNS];
};

static void check(int ret)
{
	if (!ret)
		return;
	fprintf(stderr, "network: %s\n", npu_error());
	exit(1);
}

static double now_us(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return t.tv_sec * 1e6 + t.tv_nsec * 1e-3;
}

/* What is in the image is of no account: the card's time does not depend on it. */
static void bind_region(struct loaded *l, uint32_t region, uint64_t size)
{
	struct npu_binding *b = &l->binding[l->job.binding_count++];
	uint8_t *zero = calloc(1, size);

	if (!zero)
		abort();
	b->region = region;
	check(npu_buffer_create(l->dev, size, NPU_BUFFER_LOCAL, &b->buffer));
	check(npu_buffer_write(b->buffer, 0, zero, size));
	free(zero);
}

static struct loaded *load(const char *device, const void *image, size_t size)
{
	struct loaded *l = calloc(1, sizeof(*l));

	if (!l)
		abort();
	check(npu_open(&l->dev, device));
	check(npu_queue_create(l->dev, NULL, &l->queue));
	check(npu_program_create(l->dev, image, size, &l->program));
	l->job.program = l->program;
	l->job.bindings = l->binding;
	for (uint32_t i = 0; i < 16; i++) {
		const struct npu_region_info *r = npu_program_region(l->program, i);

		if (r->kind == NPU_REGION_BOUND)
			bind_region(l, i, r->size);
	}
	return l;
}

static void run(struct loaded *l)
{
	double start = now_us();
	struct npu_fence *fence;

	check(npu_queue_submit(l->queue, &l->job, 1, NULL, 0, &fence));
	check(npu_fence_wait(fence, NPU_WAIT_FOREVER));
	npu_fence_release(fence);
	l->us[l->runs++] = now_us() - start;
}

static void unload(struct loaded *l)
{
	npu_queue_release(l->queue);
	npu_program_release(l->program);
	for (uint32_t i = 0; i < l->job.binding_count; i++)
		npu_buffer_release(l->binding[i].buffer);
	npu_close(l->dev);
	free(l);
}

static int ascending(const void *a, const void *b)
{
	double x = *(const double *)a, y = *(const double *)b;

	return (x > y) - (x < y);
}

static double median(struct loaded *l)
{
	qsort(l->us, l->runs, sizeof(*l->us), ascending);
	return l->us[l->runs / 2];
}

static void measure(void (*build)(struct network *, const struct network_options *), double seconds,
		    double *off, double *on)
{
	const struct network_options options = { .quantised = true, .seed = 1 };
	struct npu_device *dev;
	struct loaded *l[2];
	struct network n;
	double end;
	size_t size;
	void *image;

	check(npu_open(&dev, "sim:cores=1"));
	build(&n, &options);
	check(npu_graph_compile(n.g, npu_device_caps(dev), NULL, &image, &size));
	npu_graph_free(n.g);
	npu_close(dev);
	l[0] = load("sim:cores=1,check=off", image, size);
	l[1] = load("sim:cores=1,check=on", image, size);
	free(image);
	for (int i = 0; i < 2; i++) {
		run(l[i]);
		l[i]->runs = 0;
	}
	end = now_us() + seconds * 1e6;
	do {
		run(l[0]);
		run(l[1]);
	} while (now_us() < end && l[0]->runs < MAX_RUNS);
	*off = median(l[0]);
	*on = median(l[1]);
	unload(l[0]);
	unload(l[1]);
}

int main(int argc, char **argv)
{
	double off, on;

	if (argc != 2 || atof(argv[1]) <= 0) {
		fprintf(stderr, "usage: network SECONDS\n");
		return 2;
	}
	measure(network_resnet50, atof(argv[1]), &off, &on);
	printf("{ \"resnet50\": { \"off_us\": %.1f, \"on_us\": %.1f },\n", off, on);
	measure(network_mobilenet, atof(argv[1]), &off, &on);
	printf("  \"mobilenet\": { \"off_us\": %.1f, \"on_us\": %.1f } }\n", off, on);
	return fflush(stdout) ? 1 : 0;
}
