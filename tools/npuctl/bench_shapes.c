// SPDX-License-Identifier: MIT
/*
 * Copyright (c) 2026 the npu authors
 *
 * npuctl bench shapes: how near a table's layers come to the card's limit. Each layer is planned as
 * a network would have it: weights packed, everything in local memory, int8 with a bias and a scale
 * a channel, floats with a bias. Products in a batch multiply activations by activations: no bias,
 * one scale, the second operand in rows.
 *
 * Cycles are modelled, so they come without running; --run runs the layers and tells what the card
 * reports, which a test holds to be the same. --time runs each for a while, several under way, and
 * tells what one takes on the host.
 */
#include <errno.h>
#include <inttypes.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "npu/npu.h"
#include "npu/ops.h"

#include "bench.h"
#include "cards.h"
#include "command.h"
#include "output.h"
#include "roofline.h"
#include "shapes.h"

struct options {
	const char *device;
	unsigned int dtype;
	uint32_t time_ms;
	const char *plot;
	bool json, run;
};

/* Runs of a layer under way with --time. */
#define DEPTH 4

struct layer {
	const struct shape *shape;
	struct npu_estimate estimate;
	uint64_t cycles;
	uint32_t rate;
	double host_us;
};

/* A layer as the library takes it; one of the two is used. */
struct operation {
	bool conv, depthwise;
	struct npu_matmul matmul;
	struct npu_conv2d conv2d;
	uint64_t a_bytes, b_bytes, out_bytes;
	uint32_t channels;
};

static struct npu_epilogue epilogue(enum dtype dtype, bool weights)
{
	bool integer = dtype == DTYPE_INT8;

	return (struct npu_epilogue){
		.out_type = dtype_operand(dtype),
		.bias = weights,
		.scale_per = !integer ? NPU_PER_NONE :
			     weights  ? NPU_PER_CHANNEL :
					NPU_PER_TENSOR,
		.scale = integer && !weights ? 1e-3f : 0,
	};
}

static void describe_matmul(const struct shape *s, enum dtype dtype, struct operation *op)
{
	const uint32_t *v = s->v;
	uint64_t size = dtype_size(dtype), batch = v[SHAPE_BATCH];
	uint64_t mk = (uint64_t)v[SHAPE_M] * v[SHAPE_K], kn = (uint64_t)v[SHAPE_K] * v[SHAPE_N];
	uint32_t type = dtype_operand(dtype);
	bool weights = batch == 1;

	op->matmul = (struct npu_matmul){
		.batch = batch,
		.m = v[SHAPE_M],
		.n = v[SHAPE_N],
		.k = v[SHAPE_K],
		.a_type = type,
		.b_type = type,
		.b_layout = weights ? NPU_B_PACKED : NPU_B_ROWS,
		.a_batch = weights ? 0 : mk,
		.b_batch = weights ? 0 : kn,
		.epilogue = epilogue(dtype, weights),
	};
	op->a_bytes = batch * mk * size;
	op->b_bytes = weights ? npu_weights_packed_size(type, v[SHAPE_K], v[SHAPE_N], 1) :
				batch * kn * size;
	op->out_bytes = batch * v[SHAPE_M] * v[SHAPE_N] * size;
	op->channels = v[SHAPE_N];
}

/* Padding behind, such that there are so many outputs. */
static uint32_t pad_behind(uint32_t in, uint32_t out, uint32_t kernel, uint32_t stride,
			   uint32_t dilation, uint32_t pad_before)
{
	int64_t need = (int64_t)(out - 1) * stride + (int64_t)dilation * (kernel - 1) + 1 - in -
		       pad_before;

	return need > 0 ? need : 0;
}

static int describe_conv(const struct shape *s, enum dtype dtype, struct operation *op)
{
	const uint32_t *v = s->v;
	uint32_t groups = v[SHAPE_GROUPS], type = dtype_operand(dtype);
	bool depthwise = groups > 1 && groups == v[SHAPE_IN_C] && groups == v[SHAPE_OUT_C];
	uint64_t size = dtype_size(dtype), taps = (uint64_t)v[SHAPE_KERNEL_H] * v[SHAPE_KERNEL_W];
	uint64_t k = taps * (v[SHAPE_IN_C] / groups);

	op->conv2d = (struct npu_conv2d){
		.in_h = v[SHAPE_IN_H],
		.in_w = v[SHAPE_IN_W],
		.in_c = v[SHAPE_IN_C],
		.out_c = v[SHAPE_OUT_C],
		.kernel_h = v[SHAPE_KERNEL_H],
		.kernel_w = v[SHAPE_KERNEL_W],
		.stride_h = v[SHAPE_STRIDE_H],
		.stride_w = v[SHAPE_STRIDE_W],
		.dilation_h = v[SHAPE_DILATION_H],
		.dilation_w = v[SHAPE_DILATION_W],
		.pad_top = v[SHAPE_PAD_TOP],
		.pad_left = v[SHAPE_PAD_LEFT],
		.pad_bottom = pad_behind(v[SHAPE_IN_H], v[SHAPE_OUT_H], v[SHAPE_KERNEL_H],
					 v[SHAPE_STRIDE_H], v[SHAPE_DILATION_H], v[SHAPE_PAD_TOP]),
		.pad_right = pad_behind(v[SHAPE_IN_W], v[SHAPE_OUT_W], v[SHAPE_KERNEL_W],
					v[SHAPE_STRIDE_W], v[SHAPE_DILATION_W], v[SHAPE_PAD_LEFT]),
		.groups = groups,
		.in_type = type,
		.weight_type = type,
		.weight_layout = depthwise ? NPU_B_ROWS : NPU_B_PACKED,
		.epilogue = epilogue(dtype, true),
	};
	/* Padding as wide as the kernel would make outputs of nothing. */
	if (op->conv2d.pad_bottom > v[SHAPE_DILATION_H] * (v[SHAPE_KERNEL_H] - 1) ||
	    op->conv2d.pad_right > v[SHAPE_DILATION_W] * (v[SHAPE_KERNEL_W] - 1) ||
	    npu_conv2d_out_h(&op->conv2d) != v[SHAPE_OUT_H] ||
	    npu_conv2d_out_w(&op->conv2d) != v[SHAPE_OUT_W])
		return complain(NPUCTL_FAILED,
				"layer %s: no padding below and to the right gives %u x %u outputs",
				s->layer, v[SHAPE_OUT_H], v[SHAPE_OUT_W]);
	op->depthwise = depthwise;
	op->a_bytes = (uint64_t)v[SHAPE_IN_H] * v[SHAPE_IN_W] * v[SHAPE_IN_C] * size;
	op->b_bytes = depthwise ? taps * v[SHAPE_OUT_C] * size :
				  npu_weights_packed_size(type, k, v[SHAPE_OUT_C] / groups, groups);
	op->out_bytes = (uint64_t)v[SHAPE_OUT_H] * v[SHAPE_OUT_W] * v[SHAPE_OUT_C] * size;
	op->channels = v[SHAPE_OUT_C];
	return NPUCTL_DONE;
}

static int submit(struct npu_queue *queue, const struct operation *op,
		  const struct npu_product_args *args, struct npu_fence **fence)
{
	if (op->conv)
		return npu_conv2d(queue, &op->conv2d, args, NULL, 0, fence);
	return npu_matmul(queue, &op->matmul, args, NULL, 0, fence);
}

struct running {
	struct npu_queue *queue;
	const struct operation *op;
	const struct npu_product_args *args;
};

static int submit_again(void *opaque, struct npu_fence **fence)
{
	const struct running *x = opaque;

	return submit(x->queue, x->op, x->args, fence);
}

static int time_runs(const struct running *x, uint32_t time_ms, double *host_us)
{
	struct bench_window w = { .depth = DEPTH };
	uint64_t ns;
	int r = bench_window_fill(&w, time_ms, submit_again, (void *)x, &ns);

	if (!r)
		*host_us = ns / 1e3 / w.done;
	return r;
}

static int execute(struct npu_device *dev, const struct operation *op, uint32_t time_ms,
		   struct layer *layer)
{
	struct npu_product_args args = { 0 };
	struct npu_queue *queue = NULL;
	struct npu_fence *fence = NULL;
	struct npu_result how;
	int r;

	r = bench_buffer(dev, op->a_bytes, &args.a.buffer);
	if (!r)
		r = bench_buffer(dev, op->b_bytes, &args.b.buffer);
	if (!r)
		r = npu_buffer_create(dev, op->out_bytes, NPU_BUFFER_LOCAL, &args.out.buffer);
	if (!r)
		r = bench_scale_buffer(dev, op->channels, 0, &args.bias.buffer);
	if (!r)
		r = bench_scale_buffer(dev, op->channels, 1e-3f, &args.scale.buffer);
	if (!r)
		r = npu_queue_create(dev, NULL, &queue);
	if (!r)
		r = submit(queue, op, &args, &fence);
	if (!r)
		r = npu_fence_wait(fence, NPU_WAIT_FOREVER);
	if (!r)
		r = npu_fence_result(fence, &how);
	if (!r)
		layer->cycles = how.cycles;
	if (!r && time_ms)
		r = time_runs(&(struct running){ queue, op, &args }, time_ms, &layer->host_us);
	npu_fence_release(fence);
	npu_queue_release(queue);
	npu_buffer_release(args.a.buffer);
	npu_buffer_release(args.b.buffer);
	npu_buffer_release(args.out.buffer);
	npu_buffer_release(args.bias.buffer);
	npu_buffer_release(args.scale.buffer);
	return r;
}

static int measure(struct npu_device *dev, const struct options *o, bool conv, struct layer *layer)
{
	struct operation op = { .conv = conv };
	int r = NPUCTL_DONE;

	if (conv)
		r = describe_conv(layer->shape, o->dtype, &op);
	else
		describe_matmul(layer->shape, o->dtype, &op);
	if (r)
		return r;
	if (conv)
		r = npu_conv2d_estimate(dev, &op.conv2d, &layer->estimate);
	else
		r = npu_matmul_estimate(dev, &op.matmul, &layer->estimate);
	layer->cycles = layer->estimate.cycles;
	layer->rate = dtype_rate(o->dtype, op.depthwise);
	if (!r && o->run)
		r = execute(dev, &op, o->time_ms, layer);
	return r ? complain(NPUCTL_FAILED, "layer %s: %s", layer->shape->layer, npu_error()) :
		   NPUCTL_DONE;
}

static double utilisation(const struct layer *l)
{
	return (double)l->estimate.limit_cycles / l->cycles;
}

/* Geometric mean, each layer as often as it occurs. */
static double mean(const struct layer *layers, size_t count)
{
	double sum = 0, weight = 0;

	for (size_t i = 0; i < count; i++) {
		sum += layers[i].shape->v[SHAPE_COUNT] * log(utilisation(&layers[i]));
		weight += layers[i].shape->v[SHAPE_COUNT];
	}
	return exp(sum / weight);
}

static json_t *layers_json(const struct options *o, const char *device, const char *path, bool conv,
			   const struct layer *layers, size_t count)
{
	json_t *doc = output_document("npuctl-bench-shapes"), *rows = json_array();

	for (size_t i = 0; i < count; i++) {
		const struct layer *l = &layers[i];
		json_t *row;

		row = output_pack("{s:s, s:i, s:I, s:I, s:f, s:I, s:I, s:i}", "layer",
				  l->shape->layer, "count", (int)l->shape->v[SHAPE_COUNT],
				  "limit_cycles", (json_int_t)l->estimate.limit_cycles, "cycles",
				  (json_int_t)l->cycles, "utilisation", utilisation(l), "macs",
				  (json_int_t)l->estimate.macs, "bytes",
				  (json_int_t)l->estimate.bytes, "cores", (int)l->estimate.cores);
		if (o->time_ms)
			json_object_set_new(row, "host_us", json_real(l->host_us));
		json_array_append_new(rows, row);
	}
	json_object_set_new(doc, "device", json_string(device));
	json_object_set_new(doc, "file", json_string(path));
	json_object_set_new(doc, "operation", json_string(conv ? "conv2d" : "matmul"));
	json_object_set_new(doc, "dtype", json_string(dtype_names[o->dtype]));
	json_object_set_new(doc, "executed", json_boolean(o->run));
	json_object_set_new(doc, "utilisation", json_real(mean(layers, count)));
	json_object_set_new(doc, "rows", rows);
	return doc;
}

static void layers_text(FILE *out, const struct options *o, const char *device,
			const struct layer *layers, size_t count)
{
	struct table *t = table_create(o->time_ms ?
					       "LAYER|>COUNT|>LIMIT|>CYCLES|>UTILISATION|>HOST US" :
					       "LAYER|>COUNT|>LIMIT|>CYCLES|>UTILISATION");

	for (size_t i = 0; i < count; i++) {
		char host[32] = "";

		if (o->time_ms)
			snprintf(host, sizeof(host), "|%.1f", layers[i].host_us);
		table_add(t, "%s|%u|%" PRIu64 "|%" PRIu64 "|%.3f%s", layers[i].shape->layer,
			  layers[i].shape->v[SHAPE_COUNT], layers[i].estimate.limit_cycles,
			  layers[i].cycles, utilisation(&layers[i]), host);
	}
	table_print(t, out);
	fprintf(out, "\n%s, %s, %s: utilisation %.3f (geometric mean over all layers)\n", device,
		dtype_names[o->dtype], o->run ? "run" : "estimated", mean(layers, count));
}

static int plot_layers(const struct options *o, const char *device, const struct npu_caps *caps,
		       const char *path, const struct layer *layers, size_t count)
{
	struct roofline_point *points = calloc(count, sizeof(*points));
	struct roofline r = { .caps = caps, .points = points, .count = count };
	const char *file = strrchr(path, '/');
	char title[512];
	int ret;

	if (!points)
		return complain(NPUCTL_FAILED, "out of memory");
	for (size_t i = 0; i < count; i++) {
		const struct npu_estimate *e = &layers[i].estimate;

		points[i].work = (struct npu_work){ e->macs, e->bytes, layers[i].rate };
		points[i].cycles = layers[i].cycles;
		snprintf(points[i].label, sizeof(points[i].label), "%s", layers[i].shape->layer);
	}
	snprintf(title, sizeof(title), "npuctl bench shapes %s: %s, %s, %s", file ? file + 1 : path,
		 device, dtype_names[o->dtype], o->run ? "run" : "estimated");
	r.title = title;
	ret = roofline_write(&r, o->plot);
	free(points);
	return ret;
}

static int run_all(struct npu_device *dev, const struct options *o, const char *path,
		   const struct shapes *shapes)
{
	struct layer *layers = calloc(shapes->count, sizeof(*layers));
	const char *name = npu_device_name(dev);
	int r = layers ? NPUCTL_DONE : complain(NPUCTL_FAILED, "out of memory");

	for (size_t i = 0; i < shapes->count && !r; i++) {
		layers[i].shape = &shapes->rows[i];
		r = measure(dev, o, shapes->conv, &layers[i]);
	}
	if (!r && o->json)
		r = output_json(layers_json(o, name, path, shapes->conv, layers, shapes->count));
	else if (!r && !bench_plots_alone(o->plot))
		layers_text(stdout, o, name, layers, shapes->count);
	if (!r && o->plot)
		r = plot_layers(o, name, npu_device_caps(dev), path, layers, shapes->count);
	free(layers);
	return r;
}

static int run(const struct command *self, int argc, char **argv)
{
	struct options o = { 0 };
	const struct option_spec options[] = {
		{ .name = "dtype",
		  .letter = 't',
		  .kind = OPTION_CHOICE,
		  .value = &o.dtype,
		  .help = "of all tensors (int8)",
		  .choices = dtype_names },
		{ .name = "run",
		  .kind = OPTION_SWITCH,
		  .value = &o.run,
		  .help = "run the layers instead of estimating: cycles are those the card "
			  "reports" },
		{ .name = "time",
		  .kind = OPTION_NUMBER,
		  .value = &o.time_ms,
		  .metavar = "MS",
		  .help = "run each so long, 4 under way, and tell what one takes on the host",
		  .min = 1,
		  .max = 3600000 },
		OPTION_PLOT(&o.plot),
		OPTION_DEVICE(&o.device),
		OPTION_JSON(&o.json),
		OPTION_END,
	};
	struct npu_device *dev;
	struct shapes shapes;
	char **files, error[512];
	FILE *f;
	int r;

	r = options_parse(self, options, argc, argv, 1, 1, &files);
	if (r == OPTIONS_GO_ON)
		r = bench_check_plot(o.plot, o.json);
	if (r != OPTIONS_GO_ON)
		return r;
	o.run |= o.time_ms > 0;
	f = fopen(files[0], "re");
	if (!f)
		return complain(NPUCTL_FAILED, "%s: %s", files[0], strerror(errno));
	r = shapes_read(&shapes, f, files[0], error, sizeof(error));
	fclose(f);
	if (r)
		return complain(NPUCTL_FAILED, "%s", error);
	r = device_open(&dev, o.device);
	if (!r) {
		r = run_all(dev, &o, files[0], &shapes);
		npu_close(dev);
	}
	shapes_free(&shapes);
	return r;
}

const struct command command_bench_shapes = {
	.name = "bench shapes",
	.arguments = "FILE.csv",
	.summary = "How near the layers of a table come to the card's limit",
	.details = "The columns tell whether it is products or convolutions (docs/npuctl.md).",
	.example = "npuctl bench shapes tests/data/shapes/resnet50_v1_5.csv --dtype int8 --device "
		   "sim: --json\n"
		   "  npuctl bench shapes tests/data/shapes/mobilenet_v1.csv --plot roofline.svg",
	.run = run,
};
