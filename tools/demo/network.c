// SPDX-License-Identifier: MIT
/* Copyright (c) 2026 the npu authors */
/*
 * Each layer is one eager call of libnpu; its result is the next one's input, in local memory. Jobs of a queue run in
 * order, so a batch needs no fence but its last; the others' fences are kept for their cycles.
 *
 * Two batches may be under way, each with buffers of its own (a slot), so the card never waits for the host.
 */
#include <errno.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "npu/ops.h"
#include "network.h"

#define SLOTS 2

struct slot {
	struct npu_buffer *input; /* host memory: the card fetches it */
	struct npu_buffer *output; /* host memory: the card delivers it */
	struct npu_buffer **between; /* local memory: result of each layer but the last */
	struct npu_fence **fences; /* of each layer */
	int8_t *images;
	int32_t *logits;
	unsigned int count; /* of images under way; 0: idle */
};

struct npu_demo_network {
	const struct npu_demo_weights *weights;
	struct npu_queue *queue;
	struct npu_buffer **params; /* of each layer: weights, bias, multipliers */
	uint64_t *bias_offset;
	uint64_t *multiplier_offset;
	unsigned int batch;
	struct slot slots[SLOTS];
};

static uint64_t align(uint64_t value)
{
	return (value + NPU_PACK_ALIGN - 1) / NPU_PACK_ALIGN * NPU_PACK_ALIGN;
}

static int put_params(struct npu_demo_network *net, struct npu_device *dev, size_t i)
{
	const struct npu_demo_layer *l = &net->weights->layers[i];
	size_t bias = l->out_c * sizeof(*l->bias);
	uint64_t packed;
	uint32_t k;
	void *tmp;
	int ret;

	if (!l->weight_count)
		return 0;
	k = l->weight_count / l->out_c;
	packed = npu_weights_packed_size(NPU_S8, k, l->out_c, 1);
	net->bias_offset[i] = align(packed);
	net->multiplier_offset[i] = align(net->bias_offset[i] + bias);
	ret = npu_buffer_create(dev, net->multiplier_offset[i] + l->out_c * sizeof(float),
				NPU_BUFFER_LOCAL, &net->params[i]);
	if (ret)
		return ret;
	tmp = malloc(packed);
	if (!tmp)
		return -ENOMEM;
	ret = npu_weights_pack(tmp, l->weights, NPU_S8, k, l->out_c, 1, 0);
	if (!ret)
		ret = npu_buffer_write(net->params[i], 0, tmp, packed);
	free(tmp);
	if (!ret)
		ret = npu_buffer_write(net->params[i], net->bias_offset[i], l->bias, bias);
	if (!ret && l->multiplier)
		ret = npu_buffer_write(net->params[i], net->multiplier_offset[i], l->multiplier,
				       l->out_c * sizeof(float));
	return ret;
}

static int make_slot(struct npu_demo_network *net, struct npu_device *dev, struct slot *s)
{
	const struct npu_demo_weights *w = net->weights;
	uint64_t images = (uint64_t)net->batch * w->in_h * w->in_w * w->in_c;
	uint64_t logits = (uint64_t)net->batch * w->classes * sizeof(int32_t);
	int ret;

	s->between = calloc(w->layer_count, sizeof(*s->between));
	s->fences = calloc(w->layer_count, sizeof(*s->fences));
	if (!s->between || !s->fences)
		return -ENOMEM;
	ret = npu_buffer_create(dev, images, NPU_BUFFER_HOST, &s->input);
	if (!ret)
		ret = npu_buffer_map(s->input, (void **)&s->images);
	if (!ret)
		ret = npu_buffer_create(dev, logits, NPU_BUFFER_HOST, &s->output);
	if (!ret)
		ret = npu_buffer_map(s->output, (void **)&s->logits);
	for (size_t i = 0; !ret && i + 1 < w->layer_count; i++) {
		const struct npu_demo_layer *l = &w->layers[i];

		ret = npu_buffer_create(dev, (uint64_t)net->batch * l->out_h * l->out_w * l->out_c,
					NPU_BUFFER_LOCAL, &s->between[i]);
	}
	return ret;
}

int npu_demo_network_create(struct npu_demo_network **out, struct npu_device *dev,
			    const struct npu_demo_weights *weights, unsigned int batch)
{
	struct npu_demo_network *net = calloc(1, sizeof(*net));
	size_t n = weights->layer_count;
	int ret = -ENOMEM;

	*out = NULL;
	if (!net)
		return ret;
	net->weights = weights;
	net->batch = batch;
	net->params = calloc(n, sizeof(*net->params));
	net->bias_offset = calloc(n, sizeof(*net->bias_offset));
	net->multiplier_offset = calloc(n, sizeof(*net->multiplier_offset));
	if (net->params && net->bias_offset && net->multiplier_offset)
		ret = npu_queue_create(dev, NULL, &net->queue);
	for (size_t i = 0; !ret && i < n; i++)
		ret = put_params(net, dev, i);
	for (unsigned int i = 0; !ret && i < SLOTS; i++)
		ret = make_slot(net, dev, &net->slots[i]);
	if (ret)
		npu_demo_network_free(net);
	else
		*out = net;
	return ret;
}

void npu_demo_network_free(struct npu_demo_network *net)
{
	if (!net)
		return;
	npu_queue_release(net->queue);
	for (unsigned int i = 0; i < SLOTS; i++) {
		struct slot *s = &net->slots[i];

		for (size_t j = 0; s->between && s->fences && j < net->weights->layer_count; j++) {
			npu_fence_release(s->fences[j]);
			npu_buffer_release(s->between[j]);
		}
		npu_buffer_release(s->input);
		npu_buffer_release(s->output);
		free(s->between);
		free(s->fences);
	}
	for (size_t i = 0; net->params && i < net->weights->layer_count; i++)
		npu_buffer_release(net->params[i]);
	free(net->params);
	free(net->bias_offset);
	free(net->multiplier_offset);
	free(net);
}

unsigned int npu_demo_network_slots(void)
{
	return SLOTS;
}

int8_t *npu_demo_network_input(struct npu_demo_network *net, unsigned int slot)
{
	return net->slots[slot].images;
}

static int start_conv(struct npu_demo_network *net, size_t i, unsigned int images, struct npu_ref in,
		      struct npu_ref out, struct npu_fence **fence)
{
	const struct npu_demo_layer *l = &net->weights->layers[i];
	const struct npu_conv2d desc = {
		.batch = images,
		.in_h = l->in_h,
		.in_w = l->in_w,
		.in_c = l->in_c,
		.out_c = l->out_c,
		.kernel_h = l->kernel_h,
		.kernel_w = l->kernel_w,
		.stride_h = l->stride_h,
		.stride_w = l->stride_w,
		.pad_top = l->pad_top,
		.pad_left = l->pad_left,
		.pad_bottom = l->pad_bottom,
		.pad_right = l->pad_right,
		.in_type = NPU_S8,
		.weight_type = NPU_S8,
		.weight_layout = NPU_B_PACKED,
		.in_zp_per = NPU_PER_TENSOR,
		.in_zp = l->in_zero_point,
		.epilogue = {
			.out_type = NPU_S8,
			.bias = 1,
			.scale_per = NPU_PER_CHANNEL,
			.out_zp = l->out_zero_point,
		},
	};
	const struct npu_product_args args = {
		.a = in,
		.b = { net->params[i], 0 },
		.bias = { net->params[i], net->bias_offset[i] },
		.scale = { net->params[i], net->multiplier_offset[i] },
		.out = out,
	};

	return npu_conv2d(net->queue, &desc, &args, NULL, 0, fence);
}

static int start_pool(struct npu_demo_network *net, size_t i, unsigned int images, struct npu_ref in,
		      struct npu_ref out, struct npu_fence **fence)
{
	const struct npu_demo_layer *l = &net->weights->layers[i];
	const struct npu_pool2d desc = {
		.op = NPU_POOL_MAX,
		.batch = images,
		.in_h = l->in_h,
		.in_w = l->in_w,
		.channels = l->in_c,
		.kernel_h = l->kernel_h,
		.kernel_w = l->kernel_w,
		.stride_h = l->stride_h,
		.stride_w = l->stride_w,
		.pad_top = l->pad_top,
		.pad_left = l->pad_left,
		.pad_bottom = l->pad_bottom,
		.pad_right = l->pad_right,
		.in_type = NPU_S8,
		.out_type = NPU_S8,
	};
	const struct npu_pool2d_args args = { .in = in, .out = out };

	return npu_pool2d(net->queue, &desc, &args, NULL, 0, fence);
}

static int start_fc(struct npu_demo_network *net, size_t i, unsigned int images, struct npu_ref in,
		    struct npu_ref out, struct npu_fence **fence)
{
	const struct npu_demo_layer *l = &net->weights->layers[i];
	const struct npu_matmul desc = {
		.m = images,
		.n = l->out_c,
		.k = l->in_h * l->in_w * l->in_c,
		.a_type = NPU_S8,
		.b_type = NPU_S8,
		.b_layout = NPU_B_PACKED,
		.a_zp_per = NPU_PER_TENSOR,
		.a_zp = l->in_zero_point,
		.epilogue = { .out_type = NPU_S32, .bias = 1 },
	};
	const struct npu_product_args args = {
		.a = in,
		.b = { net->params[i], 0 },
		.bias = { net->params[i], net->bias_offset[i] },
		.out = out,
	};

	return npu_matmul(net->queue, &desc, &args, NULL, 0, fence);
}

int npu_demo_network_start(struct npu_demo_network *net, unsigned int slot, unsigned int images)
{
	struct slot *s = &net->slots[slot];
	struct npu_ref in = { s->input, 0 };
	int ret = 0;

	for (size_t i = 0; !ret && i < net->weights->layer_count; i++) {
		bool last = i + 1 == net->weights->layer_count;
		struct npu_ref out = { last ? s->output : s->between[i], 0 };

		switch (net->weights->layers[i].type) {
		case NPU_DEMO_CONV:
			ret = start_conv(net, i, images, in, out, &s->fences[i]);
			break;
		case NPU_DEMO_MAXPOOL:
			ret = start_pool(net, i, images, in, out, &s->fences[i]);
			break;
		case NPU_DEMO_FC:
			ret = start_fc(net, i, images, in, out, &s->fences[i]);
			break;
		}
		in = out;
	}
	s->count = images;
	return ret;
}

int npu_demo_network_finish(struct npu_demo_network *net, unsigned int slot, int32_t *logits,
			    uint64_t *cycles)
{
	struct slot *s = &net->slots[slot];
	int ret = 0;

	for (size_t i = 0; i < net->weights->layer_count; i++) {
		struct npu_result result;

		if (!ret)
			ret = npu_fence_wait(s->fences[i], NPU_WAIT_FOREVER);
		if (!ret)
			ret = npu_fence_result(s->fences[i], &result);
		if (!ret)
			*cycles += result.cycles;
		npu_fence_release(s->fences[i]);
		s->fences[i] = NULL;
	}
	if (!ret)
		memcpy(logits, s->logits, (size_t)s->count * net->weights->classes * sizeof(*logits));
	s->count = 0;
	return ret;
}
