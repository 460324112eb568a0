// SPDX-License-Identifier: MIT
/* Copyright (c) 2026 the npu authors */
/*
 * Two batches may be under way, each with buffers of its own (a slot), so the card never waits for the
 * host. What the card fetches and delivers lies in host memory, what it works in is local. The last
 * batch may not be full; what is left over from the one before is computed again and ignored.
 */
#include "network.h"

#include <errno.h>
#include <math.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "npu/hw/isa.h"
#include "npu/hw/regs.h"

#define SLOTS 2

struct slot {
	struct npu_buffer *buffer[NPU_MAX_REGIONS];
	struct npu_binding binding[NPU_MAX_REGIONS];
	unsigned int bindings;
	struct npu_fence *fence;
	uint8_t *in;
	const float *out;
};

struct npu_demo_network {
	struct npu_program *program;
	const struct npu_tensor_info *in, *out;
	struct npu_queue *queue;
	struct slot slots[SLOTS];
	size_t pixels; /* of an image */
	float value[256]; /* what a pixel is to the network; of integers, which */
};

/* ---- Loading --------------------------------------------------------------------------------- */

static bool find_tensors(struct npu_demo_network *net)
{
	for (unsigned int i = 0; i < npu_program_tensors(net->program); i++) {
		const struct npu_tensor_info *t = npu_program_tensor(net->program, i);
		const struct npu_tensor_info **to =
			t->role == NPU_TENSOR_INPUT ? &net->in : &net->out;

		if (*to)
			return false;
		*to = t;
	}
	if (!net->in || !net->out || net->in->dims != 4 || net->in->shape[1] != 1 ||
	    net->out->dims != 2 || net->out->shape[0] != net->in->shape[0] ||
	    net->out->type != NPU_FP32)
		return false;
	return net->in->type == NPU_FP32 ||
	       ((net->in->type == NPU_U8 || net->in->type == NPU_S8) && net->in->scale > 0);
}

static void find_values(struct npu_demo_network *net)
{
	float lo = net->in->type == NPU_S8 ? -128 : 0;

	for (int p = 0; p < 256; p++) {
		float v = (float)p / 255;

		if (net->in->type != NPU_FP32)
			v = fminf(fmaxf(rintf(v / net->in->scale) + (float)net->in->zero_point, lo),
				  lo + 255);
		net->value[p] = v;
	}
}

static int make_slot(struct npu_demo_network *net, struct npu_device *dev, struct slot *s)
{
	void *at[2];
	int ret = 0;

	for (unsigned int i = 0; i < NPU_MAX_REGIONS && !ret; i++) {
		const struct npu_region_info *r = npu_program_region(net->program, i);
		bool host = i == net->in->region || i == net->out->region;

		if (r->kind != NPU_REGION_BOUND)
			continue;
		ret = npu_buffer_create(dev, r->size, host ? NPU_BUFFER_HOST : NPU_BUFFER_LOCAL,
					&s->buffer[i]);
		s->binding[s->bindings++] =
			(struct npu_binding){ .region = i, .buffer = s->buffer[i] };
	}
	if (!ret)
		ret = npu_buffer_map(s->buffer[net->in->region], &at[0]);
	if (!ret)
		ret = npu_buffer_map(s->buffer[net->out->region], &at[1]);
	if (ret)
		return ret;
	s->in = (uint8_t *)at[0] + net->in->offset;
	s->out = (const float *)((uint8_t *)at[1] + net->out->offset);
	memset(s->in, 0, net->in->size);
	return 0;
}

int npu_demo_network_load(struct npu_demo_network **out, struct npu_device *dev, const char *path,
			  struct npu_demo_error *err)
{
	struct npu_demo_network *net = calloc(1, sizeof(*net));
	int ret;

	*out = net;
	if (!net)
		return npu_demo_fail(err, -ENOMEM, "no memory for the network");
	ret = npu_program_load(dev, path, &net->program);
	if (!ret && !find_tensors(net)) {
		ret = npu_demo_fail(err, -EINVAL,
				    "%s does not take grey images and give float logits", path);
	} else {
		if (!ret)
			ret = npu_queue_create(dev, NULL, &net->queue);
		for (unsigned int i = 0; !ret && i < SLOTS; i++)
			ret = make_slot(net, dev, &net->slots[i]);
		if (ret)
			npu_demo_fail(err, ret, "%s: %s", path, npu_error());
	}
	if (ret) {
		npu_demo_network_free(net);
		*out = NULL;
		return ret;
	}
	net->pixels = (size_t)net->in->shape[2] * net->in->shape[3];
	find_values(net);
	return 0;
}

void npu_demo_network_free(struct npu_demo_network *net)
{
	if (!net)
		return;
	npu_queue_release(net->queue);
	for (unsigned int i = 0; i < SLOTS; i++) {
		npu_fence_release(net->slots[i].fence);
		for (unsigned int k = 0; k < NPU_MAX_REGIONS; k++)
			npu_buffer_release(net->slots[i].buffer[k]);
	}
	npu_program_release(net->program);
	free(net);
}

struct npu_demo_shape npu_demo_network_shape(const struct npu_demo_network *net)
{
	return (struct npu_demo_shape){ net->in->shape[0], net->in->shape[2], net->in->shape[3],
					net->out->shape[1] };
}

/* ---- Running --------------------------------------------------------------------------------- */

static int start(struct npu_demo_network *net, struct slot *s, const uint8_t *pixels, size_t images)
{
	struct npu_job job = { .program = net->program,
			       .bindings = s->binding,
			       .binding_count = s->bindings };
	size_t count = images * net->pixels, i;

	if (net->in->type == NPU_FP32) {
		for (i = 0; i < count; i++)
			((float *)s->in)[i] = net->value[pixels[i]];
	} else {
		for (i = 0; i < count; i++)
			s->in[i] = (uint8_t)(int)net->value[pixels[i]];
	}
	return npu_queue_submit(net->queue, &job, 1, NULL, 0, &s->fence);
}

static int finish(struct npu_demo_network *net, struct slot *s, float *logits, size_t images,
		  uint64_t *cycles)
{
	struct npu_result result;
	int ret = npu_fence_wait(s->fence, NPU_WAIT_FOREVER);

	if (!ret)
		ret = npu_fence_result(s->fence, &result);
	if (!ret) {
		*cycles += result.cycles;
		memcpy(logits, s->out, images * net->out->shape[1] * sizeof(*logits));
	}
	npu_fence_release(s->fence);
	s->fence = NULL;
	return ret;
}

int npu_demo_network_run(struct npu_demo_network *net, const uint8_t *pixels, size_t count,
			 float *logits, uint64_t *cycles, void (*progress)(size_t done, size_t all))
{
	size_t batch = net->in->shape[0], batches = (count + batch - 1) / batch;
	int ret = 0;

	for (size_t b = 0; b < batches + SLOTS && !ret; b++) {
		struct slot *s = &net->slots[b % SLOTS];
		size_t first = b * batch;

		if (b >= SLOTS && b - SLOTS < batches) {
			size_t done = first - SLOTS * batch, left = count - done;
			size_t images = left < batch ? left : batch;

			ret = finish(net, s, logits + done * net->out->shape[1], images, cycles);
			if (progress)
				progress(done + images, count);
		}
		if (!ret && b < batches)
			ret = start(net, s, pixels + first * net->pixels,
				    count - first < batch ? count - first : batch);
	}
	return ret;
}
