/* SPDX-License-Identifier: MIT */
/* Copyright (c) 2026 the npu authors */
/*
 * The reader of weight files. The file is an adversary: each field is checked against its bounds
 * before it takes part in any arithmetic, and every read goes through a cursor that knows the
 * end. The checksum tells damage; it is not what makes the rest safe.
 */
#include "weights.h"

#include <errno.h>
#include <math.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <zlib.h>

#define FILE_MAGIC	 "NPUW"
#define FILE_VERSION	 1
#define FILE_MAX_BYTES	 (16u << 20)
#define HEADER_SIZE	 64
#define HEADER_CRC_START 16 /* the checksum covers all after itself */
#define RECORD_SIZE	 96
#define ARRAY_ALIGN	 16

#define NPU_DEMO_MAX_DIM 4096
#define MAX_TENSOR	 (1u << 24)

enum {
	TYPE_INT8 = 1,
	TYPE_INT32 = 2,
};

struct cursor {
	const uint8_t *at;
	size_t left;
};

/* The caller has checked that as much is left. */
static const uint8_t *take(struct cursor *c, size_t size)
{
	const uint8_t *p = c->at;

	c->at += size;
	c->left -= size;
	return p;
}

static uint32_t decode_u32(const uint8_t *p)
{
	return p[0] | (uint32_t)p[1] << 8 | (uint32_t)p[2] << 16 | (uint32_t)p[3] << 24;
}

static float decode_f32(const uint8_t *p)
{
	uint32_t bits = decode_u32(p);
	float value;

	memcpy(&value, &bits, sizeof(value));
	return value;
}

static uint32_t take_u32(struct cursor *c)
{
	return decode_u32(take(c, 4));
}

static int32_t take_i32(struct cursor *c)
{
	return (int32_t)take_u32(c);
}

static float take_f32(struct cursor *c)
{
	return decode_f32(take(c, 4));
}

static size_t padded(size_t size)
{
	return (size + ARRAY_ALIGN - 1) / ARRAY_ALIGN * ARRAY_ALIGN;
}

static bool all_zero(const uint8_t *p, size_t size)
{
	size_t i;

	for (i = 0; i < size; i++) {
		if (p[i])
			return false;
	}
	return true;
}

static bool scale_valid(float scale)
{
	return isnormal(scale) && scale > 0;
}

static bool zero_point_valid(int32_t zero_point)
{
	return zero_point >= INT8_MIN && zero_point <= INT8_MAX;
}

static bool shape_valid(uint32_t h, uint32_t w, uint32_t c)
{
	return h && w && c && h <= NPU_DEMO_MAX_DIM && w <= NPU_DEMO_MAX_DIM &&
	       c <= NPU_DEMO_MAX_DIM && (uint64_t)h * w * c <= MAX_TENSOR;
}

/* What one layer hands to the next. */
struct tensor {
	uint32_t h, w, c;
	float scale;
	int32_t zero_point;
};

static int parse_header(struct npu_demo_weights *net, struct cursor *c, size_t size,
			struct npu_demo_error *err)
{
	const uint8_t *start = c->at;
	uint32_t version, file_size, crc, layers;

	if (size < HEADER_SIZE)
		return npu_demo_fail(err, -EINVAL, "%zu bytes are too few for a weight file", size);
	if (memcmp(take(c, 4), FILE_MAGIC, 4))
		return npu_demo_fail(err, -EINVAL, "not a weight file (no %s at its start)",
				     FILE_MAGIC);
	version = take_u32(c);
	if (version != FILE_VERSION)
		return npu_demo_fail(err, -EINVAL, "version %u; this program reads version %d",
				     version, FILE_VERSION);
	file_size = take_u32(c);
	if (file_size != size)
		return npu_demo_fail(err, -EINVAL, "the file has %zu bytes and should have %u",
				     size, file_size);
	crc = take_u32(c);
	if (crc32(0, start + HEADER_CRC_START, size - HEADER_CRC_START) != crc)
		return npu_demo_fail(err, -EINVAL, "the checksum is wrong: the file is damaged");

	layers = take_u32(c);
	if (!layers || layers > NPU_DEMO_MAX_LAYERS)
		return npu_demo_fail(err, -EINVAL, "%u layers; 1 to %d are supported", layers,
				     NPU_DEMO_MAX_LAYERS);
	net->layer_count = layers;
	net->in_h = take_u32(c);
	net->in_w = take_u32(c);
	net->in_c = take_u32(c);
	if (!shape_valid(net->in_h, net->in_w, net->in_c))
		return npu_demo_fail(err, -EINVAL, "an input of %ux%ux%u is not supported",
				     net->in_h, net->in_w, net->in_c);
	net->in_scale = take_f32(c);
	net->in_zero_point = take_i32(c);
	if (!scale_valid(net->in_scale) || net->in_zero_point != INT8_MIN)
		return npu_demo_fail(err, -EINVAL, "bad scale or zero point of the input");
	net->test_images = take_u32(c);
	net->test_correct = take_u32(c);
	net->test_logits_crc32 = take_u32(c);
	if (!net->test_images || net->test_correct > net->test_images)
		return npu_demo_fail(err, -EINVAL, "%u of %u test images right is impossible",
				     net->test_correct, net->test_images);
	if (!all_zero(take(c, 12), 12))
		return npu_demo_fail(err, -EINVAL, "reserved bytes of the header are not zero");
	return 0;
}

static int parse_name(struct npu_demo_layer *l, size_t index, struct cursor *c,
		      struct npu_demo_error *err)
{
	size_t len, i;

	memcpy(l->name, take(c, NPU_DEMO_NAME_SIZE), NPU_DEMO_NAME_SIZE);
	len = strnlen(l->name, NPU_DEMO_NAME_SIZE);
	for (i = 0; i < NPU_DEMO_NAME_SIZE; i++) {
		bool good = i < len ? l->name[i] > ' ' && l->name[i] <= '~' : !l->name[i];

		if (!good || !len || len == NPU_DEMO_NAME_SIZE) {
			l->name[0] = '\0';
			return npu_demo_fail(err, -EINVAL, "layer %zu: bad name", index);
		}
	}
	return 0;
}

static int check_chain(const struct npu_demo_layer *l, const struct tensor *in,
		       struct npu_demo_error *err)
{
	if (l->in_h != in->h || l->in_w != in->w || l->in_c != in->c)
		return npu_demo_fail(
			err, -EINVAL,
			"layer %s: takes %ux%ux%u, but what comes before gives %ux%ux%u", l->name,
			l->in_h, l->in_w, l->in_c, in->h, in->w, in->c);
	if (l->in_scale != in->scale || l->in_zero_point != in->zero_point)
		return npu_demo_fail(err, -EINVAL,
				     "layer %s: its input's scale or zero point is not that of "
				     "what comes before",
				     l->name);
	return 0;
}

/* Kernel, stride, padding and the output's shape. The input's shape is already known as good. */
static int check_window(const struct npu_demo_layer *l, struct npu_demo_error *err)
{
	uint32_t pads = l->pad_top | l->pad_left | l->pad_bottom | l->pad_right;
	uint32_t high, wide;

	if (!l->kernel_h || !l->kernel_w || l->kernel_h > NPU_DEMO_MAX_DIM ||
	    l->kernel_w > NPU_DEMO_MAX_DIM)
		return npu_demo_fail(err, -EINVAL, "layer %s: a kernel of %ux%u is not supported",
				     l->name, l->kernel_h, l->kernel_w);
	if (!l->stride_h || !l->stride_w || l->stride_h > NPU_DEMO_MAX_DIM ||
	    l->stride_w > NPU_DEMO_MAX_DIM)
		return npu_demo_fail(err, -EINVAL,
				     "layer %s: strides of %u and %u are not supported", l->name,
				     l->stride_h, l->stride_w);
	if (l->pad_top >= l->kernel_h || l->pad_bottom >= l->kernel_h ||
	    l->pad_left >= l->kernel_w || l->pad_right >= l->kernel_w)
		return npu_demo_fail(err, -EINVAL, "layer %s: padding as large as the kernel",
				     l->name);
	if (l->type != NPU_DEMO_CONV && pads)
		return npu_demo_fail(err, -EINVAL, "layer %s: only convolutions are padded",
				     l->name);
	if (l->type == NPU_DEMO_FC) {
		if (l->kernel_h != 1 || l->kernel_w != 1 || l->stride_h != 1 || l->stride_w != 1 ||
		    l->out_h != 1 || l->out_w != 1)
			return npu_demo_fail(err, -EINVAL,
					     "layer %s: fully connected, but with a window",
					     l->name);
		return 0;
	}
	high = l->in_h + l->pad_top + l->pad_bottom;
	wide = l->in_w + l->pad_left + l->pad_right;
	if (high < l->kernel_h || wide < l->kernel_w ||
	    l->out_h != (high - l->kernel_h) / l->stride_h + 1 ||
	    l->out_w != (wide - l->kernel_w) / l->stride_w + 1)
		return npu_demo_fail(err, -EINVAL,
				     "layer %s: an output of %ux%u does not follow from its window",
				     l->name, l->out_h, l->out_w);
	if (l->type == NPU_DEMO_MAXPOOL && l->out_c != l->in_c)
		return npu_demo_fail(err, -EINVAL, "layer %s: pooling %u channels into %u", l->name,
				     l->in_c, l->out_c);
	return 0;
}

static int check_output(const struct npu_demo_layer *l, uint32_t out_type, bool last,
			struct npu_demo_error *err)
{
	if (!scale_valid(l->out_scale) || !zero_point_valid(l->out_zero_point))
		return npu_demo_fail(err, -EINVAL,
				     "layer %s: bad scale or zero point of its output", l->name);
	if (last != (l->type == NPU_DEMO_FC))
		return npu_demo_fail(err, -EINVAL,
				     "layer %s: the last layer, and only it, is fully connected",
				     l->name);
	if (out_type != (last ? TYPE_INT32 : TYPE_INT8))
		return npu_demo_fail(err, -EINVAL, "layer %s: output type %u does not suit it",
				     l->name, out_type);
	if (last && l->out_zero_point)
		return npu_demo_fail(err, -EINVAL, "layer %s: int32 logits have no zero point",
				     l->name);
	if (l->type == NPU_DEMO_MAXPOOL &&
	    (l->out_scale != l->in_scale || l->out_zero_point != l->in_zero_point))
		return npu_demo_fail(err, -EINVAL,
				     "layer %s: pooling keeps the scale and zero point", l->name);
	return 0;
}

/* One array and the zeros that fill it up. record_size has been checked against the sum of all. */
static int take_array(const struct npu_demo_layer *l, struct cursor *c, size_t size,
		      const uint8_t **array, struct npu_demo_error *err)
{
	*array = take(c, size);
	if (!all_zero(take(c, padded(size) - size), padded(size) - size))
		return npu_demo_fail(err, -EINVAL, "layer %s: filling bytes are not zero", l->name);
	return 0;
}

static int parse_arrays(struct npu_demo_layer *l, struct cursor *c, struct npu_demo_error *err)
{
	const uint8_t *weights, *bias, *multiplier = NULL;
	size_t i;
	int ret;

	ret = take_array(l, c, l->weight_count, &weights, err);
	if (!ret)
		ret = take_array(l, c, 4 * (size_t)l->out_c, &bias, err);
	if (!ret && l->type == NPU_DEMO_CONV)
		ret = take_array(l, c, 4 * (size_t)l->out_c, &multiplier, err);
	if (ret)
		return ret;

	l->weights = malloc(l->weight_count);
	l->bias = malloc(l->out_c * sizeof(*l->bias));
	if (multiplier)
		l->multiplier = malloc(l->out_c * sizeof(*l->multiplier));
	if (!l->weights || !l->bias || (multiplier && !l->multiplier))
		return npu_demo_fail(err, -ENOMEM, "out of memory");

	memcpy(l->weights, weights, l->weight_count);
	for (i = 0; i < l->out_c; i++) {
		l->bias[i] = (int32_t)decode_u32(bias + 4 * i);
		if (!multiplier)
			continue;
		l->multiplier[i] = decode_f32(multiplier + 4 * i);
		if (!scale_valid(l->multiplier[i]))
			return npu_demo_fail(err, -EINVAL,
					     "layer %s: bad multiplier of channel %zu", l->name, i);
	}
	return 0;
}

/* No input may overflow an int32 sum, wherever in the summing. */
static int check_sums(const struct npu_demo_layer *l, struct npu_demo_error *err)
{
	int64_t up = INT8_MAX - (int64_t)l->in_zero_point;
	int64_t down = (int64_t)l->in_zero_point - INT8_MIN;
	int64_t largest = up > down ? up : down;
	size_t ch, i;

	for (ch = 0; ch < l->out_c; ch++) {
		int64_t sum = llabs((long long)l->bias[ch]);

		for (i = ch; i < l->weight_count; i += l->out_c) {
			if (l->weights[i] == INT8_MIN)
				return npu_demo_fail(err, -EINVAL, "layer %s: a weight is -128",
						     l->name);
			sum += abs(l->weights[i]) * largest;
		}
		if (sum > INT32_MAX)
			return npu_demo_fail(err, -EINVAL,
					     "layer %s: sums of channel %zu can overflow", l->name,
					     ch);
	}
	return 0;
}

static int parse_layer(struct npu_demo_layer *l, size_t index, bool last, const struct tensor *in,
		       struct cursor *c, struct npu_demo_error *err)
{
	uint32_t type, record_size, out_type;
	uint64_t expected = RECORD_SIZE;
	uint64_t count;
	int ret;

	if (c->left < RECORD_SIZE)
		return npu_demo_fail(err, -EINVAL, "the file ends within layer %zu", index);
	ret = parse_name(l, index, c, err);
	if (ret)
		return ret;
	type = take_u32(c);
	if (type < NPU_DEMO_CONV || type > NPU_DEMO_FC)
		return npu_demo_fail(err, -EINVAL, "layer %s: unknown type %u", l->name, type);
	l->type = (enum npu_demo_layer_type)type;
	record_size = take_u32(c);
	l->in_h = take_u32(c);
	l->in_w = take_u32(c);
	l->in_c = take_u32(c);
	l->out_h = take_u32(c);
	l->out_w = take_u32(c);
	l->out_c = take_u32(c);
	l->kernel_h = take_u32(c);
	l->kernel_w = take_u32(c);
	l->stride_h = take_u32(c);
	l->stride_w = take_u32(c);
	l->pad_top = take_u32(c);
	l->pad_left = take_u32(c);
	l->pad_bottom = take_u32(c);
	l->pad_right = take_u32(c);
	l->in_scale = take_f32(c);
	l->in_zero_point = take_i32(c);
	l->out_scale = take_f32(c);
	l->out_zero_point = take_i32(c);
	out_type = take_u32(c);

	ret = check_chain(l, in, err);
	if (ret)
		return ret;
	if (!shape_valid(l->out_h, l->out_w, l->out_c))
		return npu_demo_fail(err, -EINVAL,
				     "layer %s: an output of %ux%ux%u is not supported", l->name,
				     l->out_h, l->out_w, l->out_c);
	ret = check_window(l, err);
	if (!ret)
		ret = check_output(l, out_type, last, err);
	if (ret)
		return ret;

	if (l->type != NPU_DEMO_MAXPOOL) {
		/* At most 2^24 * 2^24: no overflow, and then bounded by what the file holds. */
		count = (uint64_t)l->in_c * l->out_c;
		count *= l->type == NPU_DEMO_FC ? (uint64_t)l->in_h * l->in_w :
						  (uint64_t)l->kernel_h * l->kernel_w;
		if (count > c->left)
			return npu_demo_fail(err, -EINVAL, "the file ends within layer %s",
					     l->name);
		l->weight_count = count;
		expected += padded(count) + padded(4 * (size_t)l->out_c);
		if (l->type == NPU_DEMO_CONV)
			expected += padded(4 * (size_t)l->out_c);
	}
	if (record_size != expected)
		return npu_demo_fail(err, -EINVAL,
				     "layer %s: a record of %u bytes should have %llu", l->name,
				     record_size, (unsigned long long)expected);
	if (expected - RECORD_SIZE > c->left)
		return npu_demo_fail(err, -EINVAL, "the file ends within layer %s", l->name);
	if (l->type == NPU_DEMO_MAXPOOL)
		return 0;
	ret = parse_arrays(l, c, err);
	if (ret)
		return ret;
	return check_sums(l, err);
}

static void grow_max(struct npu_demo_weights *net, uint32_t h, uint32_t w, uint32_t c)
{
	size_t elements = (size_t)h * w * c;

	if (elements > net->max_elements)
		net->max_elements = elements;
}

int npu_demo_weights_parse(struct npu_demo_weights **weights, const void *data, size_t size,
			   struct npu_demo_error *err)
{
	struct cursor c = { .at = data, .left = size };
	struct npu_demo_weights *net;
	struct tensor t;
	size_t i;
	int ret;

	net = calloc(1, sizeof(*net));
	if (!net)
		return npu_demo_fail(err, -ENOMEM, "out of memory");
	ret = parse_header(net, &c, size, err);
	if (ret)
		goto out_free;
	t = (struct tensor){ net->in_h, net->in_w, net->in_c, net->in_scale, net->in_zero_point };
	grow_max(net, t.h, t.w, t.c);
	for (i = 0; i < net->layer_count; i++) {
		struct npu_demo_layer *l = &net->layers[i];

		ret = parse_layer(l, i, i + 1 == net->layer_count, &t, &c, err);
		if (ret)
			goto out_free;
		t = (struct tensor){ l->out_h, l->out_w, l->out_c, l->out_scale,
				     l->out_zero_point };
		grow_max(net, t.h, t.w, t.c);
	}
	if (c.left) {
		ret = npu_demo_fail(err, -EINVAL, "%zu bytes follow the last layer", c.left);
		goto out_free;
	}
	net->classes = t.c;
	*weights = net;
	return 0;

out_free:
	npu_demo_weights_free(net);
	return ret;
}

int npu_demo_weights_load(struct npu_demo_weights **weights, const char *path,
			  struct npu_demo_error *err)
{
	struct npu_demo_error inner;
	size_t size = 0, room = 64 << 10;
	uint8_t *data = NULL, *grown;
	FILE *file;
	int ret;

	file = fopen(path, "rb");
	if (!file)
		return npu_demo_fail(err, -errno, "%s: %s", path, strerror(errno));
	for (;;) {
		grown = realloc(data, room);
		if (!grown) {
			ret = npu_demo_fail(err, -ENOMEM, "%s: out of memory", path);
			goto out;
		}
		data = grown;
		errno = 0;
		size += fread(data + size, 1, room - size, file);
		if (ferror(file)) {
			ret = errno ? -errno : -EIO;
			npu_demo_fail(err, ret, "%s: %s", path, strerror(-ret));
			goto out;
		}
		if (size < room)
			break;
		if (size >= FILE_MAX_BYTES) {
			ret = npu_demo_fail(err, -EINVAL, "%s: too large for a weight file", path);
			goto out;
		}
		room *= 2;
	}
	ret = npu_demo_weights_parse(weights, data, size, &inner);
	if (ret)
		npu_demo_fail(err, ret, "%s: %s", path, inner.text);
out:
	free(data);
	fclose(file);
	return ret;
}

void npu_demo_weights_free(struct npu_demo_weights *weights)
{
	size_t i;

	if (!weights)
		return;
	for (i = 0; i < weights->layer_count; i++) {
		free(weights->layers[i].weights);
		free(weights->layers[i].bias);
		free(weights->layers[i].multiplier);
	}
	free(weights);
}
