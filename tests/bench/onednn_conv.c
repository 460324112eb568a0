// SPDX-License-Identifier: MIT
/*
 * Copyright (c) 2026 the npu authors
 *
 * Usage: onednn_conv MS FILE.csv
 *
 * What the host's processor takes for the convolutions of a table (tools/npuctl/shapes.h) by oneDNN
 * with one thread: int8 in and out, a bias and a scale a channel, all tensors laid out as oneDNN
 * likes best. Each layer is run for so many milliseconds. One JSON object on stdout: microseconds a
 * layer, and of all, each as often as it occurs.
 */
#include <dnnl.h>
#include <inttypes.h>
#include <omp.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "tools/npuctl/shapes.h"

struct host {
	dnnl_engine_t engine;
	dnnl_stream_t stream;
};

static void check(dnnl_status_t status, const char *what)
{
	if (status == dnnl_success)
		return;
	fprintf(stderr, "onednn_conv: %s: status %d\n", what, status);
	exit(1);
}

static double now_us(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return ts.tv_sec * 1e6 + ts.tv_nsec * 1e-3;
}

/* Memory of that layout with pseudo-random bytes. */
static dnnl_memory_t make_memory(const struct host *h, const dnnl_memory_desc_t *md, uint32_t seed)
{
	size_t size = dnnl_memory_desc_get_size(md);
	dnnl_memory_t memory;
	uint8_t *data;

	check(dnnl_memory_create(&memory, md, h->engine, DNNL_MEMORY_ALLOCATE), "memory");
	check(dnnl_memory_get_data_handle(memory, (void **)&data), "data");
	for (size_t i = 0; i < size; i++) {
		seed = seed * 1664525 + 1013904223;
		data[i] = seed >> 24;
	}
	return memory;
}

static void any_layout(dnnl_memory_desc_t *md, int ndims, const dnnl_dims_t dims)
{
	check(dnnl_memory_desc_init_by_tag(md, ndims, dims, dnnl_s8, dnnl_format_tag_any), "layout");
}

static dnnl_primitive_attr_t scales(uint32_t channels)
{
	float *scale = malloc(channels * sizeof(*scale));
	dnnl_primitive_attr_t attr;

	if (!scale)
		abort();
	for (uint32_t i = 0; i < channels; i++)
		scale[i] = 1e-3f;
	check(dnnl_primitive_attr_create(&attr), "attributes");
	check(dnnl_primitive_attr_set_output_scales(attr, channels, 1 << 1, scale), "scales");
	free(scale);
	return attr;
}

static int64_t pad_behind(uint32_t in, uint32_t out, uint32_t kernel, uint32_t stride,
			  uint32_t dilation, uint32_t before)
{
	return (int64_t)(out - 1) * stride + (int64_t)dilation * (kernel - 1) + 1 - in - before;
}

static dnnl_primitive_desc_t describe(const struct host *h, const uint32_t *v)
{
	uint32_t g = v[SHAPE_GROUPS];
	const dnnl_dims_t src = { 1, v[SHAPE_IN_C], v[SHAPE_IN_H], v[SHAPE_IN_W] };
	const dnnl_dims_t dst = { 1, v[SHAPE_OUT_C], v[SHAPE_OUT_H], v[SHAPE_OUT_W] };
	const dnnl_dims_t plain = { v[SHAPE_OUT_C], v[SHAPE_IN_C], v[SHAPE_KERNEL_H],
				    v[SHAPE_KERNEL_W] };
	const dnnl_dims_t grouped = { g, v[SHAPE_OUT_C] / g, v[SHAPE_IN_C] / g, v[SHAPE_KERNEL_H],
				      v[SHAPE_KERNEL_W] };
	const dnnl_dims_t channels = { v[SHAPE_OUT_C] };
	const dnnl_dims_t strides = { v[SHAPE_STRIDE_H], v[SHAPE_STRIDE_W] };
	const dnnl_dims_t dilates = { v[SHAPE_DILATION_H] - 1, v[SHAPE_DILATION_W] - 1 };
	const dnnl_dims_t before = { v[SHAPE_PAD_TOP], v[SHAPE_PAD_LEFT] };
	const dnnl_dims_t behind = {
		pad_behind(v[SHAPE_IN_H], v[SHAPE_OUT_H], v[SHAPE_KERNEL_H], v[SHAPE_STRIDE_H],
			   v[SHAPE_DILATION_H], v[SHAPE_PAD_TOP]),
		pad_behind(v[SHAPE_IN_W], v[SHAPE_OUT_W], v[SHAPE_KERNEL_W], v[SHAPE_STRIDE_W],
			   v[SHAPE_DILATION_W], v[SHAPE_PAD_LEFT]),
	};
	dnnl_memory_desc_t src_md, weights_md, bias_md, dst_md;
	dnnl_primitive_attr_t attr = scales(v[SHAPE_OUT_C]);
	dnnl_convolution_desc_t desc;
	dnnl_primitive_desc_t pd;

	any_layout(&src_md, 4, src);
	any_layout(&dst_md, 4, dst);
	if (g == 1)
		any_layout(&weights_md, 4, plain);
	else
		any_layout(&weights_md, 5, grouped);
	check(dnnl_memory_desc_init_by_tag(&bias_md, 1, channels, dnnl_s32, dnnl_a), "bias");
	check(dnnl_dilated_convolution_forward_desc_init(&desc, dnnl_forward_inference,
							 dnnl_convolution_auto, &src_md, &weights_md,
							 &bias_md, &dst_md, strides, dilates, before,
							 behind),
	      "convolution");
	check(dnnl_primitive_desc_create(&pd, &desc, attr, h->engine, NULL), "convolution");
	dnnl_primitive_attr_destroy(attr);
	return pd;
}

static double measure(const struct host *h, const uint32_t *v, double time_us)
{
	dnnl_primitive_desc_t pd = describe(h, v);
	const dnnl_exec_arg_t args[] = {
		{ DNNL_ARG_SRC,
		  make_memory(h, dnnl_primitive_desc_query_md(pd, dnnl_query_src_md, 0), 1) },
		{ DNNL_ARG_WEIGHTS,
		  make_memory(h, dnnl_primitive_desc_query_md(pd, dnnl_query_weights_md, 0), 2) },
		{ DNNL_ARG_BIAS,
		  make_memory(h, dnnl_primitive_desc_query_md(pd, dnnl_query_weights_md, 1), 3) },
		{ DNNL_ARG_DST,
		  make_memory(h, dnnl_primitive_desc_query_md(pd, dnnl_query_dst_md, 0), 4) },
	};
	dnnl_primitive_t p;
	uint64_t count = 0;
	double start, end;

	check(dnnl_primitive_create(&p, pd), "convolution");
	check(dnnl_primitive_execute(p, h->stream, 4, args), "convolution");
	check(dnnl_stream_wait(h->stream), "convolution");
	start = now_us();
	do {
		check(dnnl_primitive_execute(p, h->stream, 4, args), "convolution");
		check(dnnl_stream_wait(h->stream), "convolution");
		end = now_us();
		count++;
	} while (end - start < time_us);
	for (int i = 0; i < 4; i++)
		dnnl_memory_destroy(args[i].memory);
	dnnl_primitive_destroy(p);
	dnnl_primitive_desc_destroy(pd);
	return (end - start) / count;
}

int main(int argc, char **argv)
{
	struct shapes shapes;
	char error[512];
	struct host h;
	double total = 0;
	FILE *f;

	if (argc != 3 || atof(argv[1]) <= 0) {
		fprintf(stderr, "usage: onednn_conv MS FILE.csv\n");
		return 2;
	}
	f = fopen(argv[2], "re");
	if (!f) {
		perror(argv[2]);
		return 1;
	}
	if (shapes_read(&shapes, f, argv[2], error, sizeof(error)) || !shapes.conv) {
		fprintf(stderr, "onednn_conv: %s\n", shapes.conv ? error : "no table of convolutions");
		return 1;
	}
	fclose(f);
	omp_set_num_threads(1);
	check(dnnl_engine_create(&h.engine, dnnl_cpu, 0), "engine");
	check(dnnl_stream_create(&h.stream, h.engine, dnnl_stream_default_flags), "stream");
	printf("{\"rows\": [");
	for (size_t i = 0; i < shapes.count; i++) {
		double us = measure(&h, shapes.rows[i].v, atof(argv[1]) * 1000);

		total += us * shapes.rows[i].v[SHAPE_COUNT];
		printf("%s{\"layer\": \"%s\", \"count\": %" PRIu32 ", \"us\": %.2f}", i ? ", " : "",
		       shapes.rows[i].layer, shapes.rows[i].v[SHAPE_COUNT], us);
	}
	printf("], \"all_us\": %.2f}\n", total);
	dnnl_stream_destroy(h.stream);
	dnnl_engine_destroy(h.engine);
	shapes_free(&shapes);
	return fflush(stdout) ? 1 : 0;
}
