// SPDX-License-Identifier: MIT
/*
 * Copyright (c) 2026 the npu authors
 *
 * npuctl bench matmul: one product again and again, through npu_matmul(), its operands resident in
 * local memory and the second one packed. Told are the host's time and the card's modelled time.
 */
#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>

#include "npu/npu.h"
#include "npu/ops.h"

#include "bench.h"
#include "cards.h"
#include "command.h"
#include "output.h"
#include "roofline.h"

struct options {
	const char *device;
	uint32_t m, n, k, depth, seconds;
	unsigned int dtype, sums;
	const char *plot;
	bool json;
};

struct figures {
	uint64_t ns, cycles, jobs;
	struct npu_estimate estimate;
};

static struct npu_matmul describe(const struct options *o)
{
	bool integer = o->dtype == DTYPE_INT8;
	struct npu_matmul desc = {
		.m = o->m,
		.n = o->n,
		.k = o->k,
		.a_type = dtype_operand(o->dtype),
		.b_type = dtype_operand(o->dtype),
		.b_layout = NPU_B_PACKED,
	};

	if (o->sums) {
		desc.epilogue.out_type = integer ? NPU_S32 : NPU_FP32;
		return desc;
	}
	desc.epilogue.out_type = dtype_operand(o->dtype);
	desc.epilogue.bias = 1;
	desc.epilogue.scale_per = integer ? NPU_PER_CHANNEL : NPU_PER_NONE;
	return desc;
}

static int make_operands(struct npu_device *dev, const struct options *o,
			 struct npu_product_args *args)
{
	uint32_t type = dtype_operand(o->dtype);
	uint64_t out = o->sums ? 4 : dtype_size(o->dtype);
	int r;

	r = bench_buffer(dev, (uint64_t)o->m * o->k * dtype_size(o->dtype), &args->a.buffer);
	if (!r)
		r = bench_buffer(dev, npu_weights_packed_size(type, o->k, o->n, 1),
				 &args->b.buffer);
	if (!r)
		r = npu_buffer_create(dev, (uint64_t)o->m * o->n * out, NPU_BUFFER_LOCAL,
				      &args->out.buffer);
	if (!r)
		r = bench_scale_buffer(dev, o->n, 0, &args->bias.buffer);
	if (!r)
		r = bench_scale_buffer(dev, o->n, 1e-3f, &args->scale.buffer);
	return r;
}

static void free_operands(struct npu_product_args *args)
{
	npu_buffer_release(args->a.buffer);
	npu_buffer_release(args->b.buffer);
	npu_buffer_release(args->out.buffer);
	npu_buffer_release(args->bias.buffer);
	npu_buffer_release(args->scale.buffer);
}

/* What is submitted again and again. */
struct repeated {
	struct npu_queue *queue;
	const struct npu_matmul *desc;
	const struct npu_product_args *args;
};

static int submit(void *opaque, struct npu_fence **fence)
{
	const struct repeated *x = opaque;

	return npu_matmul(x->queue, x->desc, x->args, NULL, 0, fence);
}

/* @seconds of products, and one more before the clock starts. */
static int measure(struct npu_queue *queue, const struct options *o, const struct npu_matmul *desc,
		   const struct npu_product_args *args, struct figures *f)
{
	struct bench_window w = { .depth = o->depth };
	struct repeated x = { queue, desc, args };
	struct npu_fence *fence;
	int r = submit(&x, &fence);

	if (r)
		return r;
	r = npu_fence_wait(fence, NPU_WAIT_FOREVER);
	npu_fence_release(fence);
	if (!r)
		r = bench_window_fill(&w, o->seconds * 1000, submit, &x, &f->ns);
	f->jobs = w.done;
	f->cycles = w.cycles;
	return r;
}

static int plot(const struct options *o, const char *name, const struct npu_caps *caps,
		const struct figures *f)
{
	struct roofline_point point = {
		.work = { .macs = f->estimate.macs,
			  .bytes = f->estimate.bytes,
			  .rate = dtype_rate(o->dtype, false) },
		.cycles = f->cycles / f->jobs,
	};
	char title[256];
	const struct roofline r = { .title = title, .caps = caps, .points = &point, .count = 1 };

	snprintf(point.label, sizeof(point.label), "%u x %u x %u", o->m, o->n, o->k);
	snprintf(title, sizeof(title), "npuctl bench matmul: %s, %s", name, dtype_names[o->dtype]);
	return roofline_write(&r, o->plot);
}

static int report(const struct options *o, const char *name, const struct npu_caps *caps,
		  const struct figures *f)
{
	double ops = 2.0 * o->m * o->n * o->k;
	double gops = ops * f->jobs / f->ns;
	double cycles = (double)f->cycles / f->jobs;
	double modelled = ops / cycles * caps->clock_khz / 1e6;
	double utilisation = f->estimate.limit_cycles / cycles;
	json_t *doc;

	if (bench_plots_alone(o->plot))
		return NPUCTL_DONE;
	if (!o->json) {
		printf("%s: %s, m %u, n %u, k %u, %s\n", name, dtype_names[o->dtype], o->m, o->n,
		       o->k, o->sums ? "sums" : "requantised");
		printf("host      %.1f GOPS, %.3f ms a product, %" PRIu64
		       " products, %u under way\n",
		       gops, f->ns / 1e6 / f->jobs, f->jobs, o->depth);
		printf("modelled  %.1f GOPS, %.0f cycles a product, %.1f %% of the limit of "
		       "%" PRIu64 " cycles\n",
		       modelled, cycles, 100 * utilisation, f->estimate.limit_cycles);
		return NPUCTL_DONE;
	}
	doc = output_document("npuctl-bench-matmul");
	json_object_update_new(
		doc,
		output_pack(
			"{s:s, s:s, s:b, s:i, s:i, s:i, s:i, s:I, s:f, s:f, s:f, s:f, s:I, s:f}",
			"device", name, "dtype", dtype_names[o->dtype], "sums", (int)o->sums, "m",
			(int)o->m, "n", (int)o->n, "k", (int)o->k, "depth", (int)o->depth,
			"products", (json_int_t)f->jobs, "seconds", f->ns / 1e9, "gops", gops,
			"modelled_gops", modelled, "cycles", cycles, "limit_cycles",
			(json_int_t)f->estimate.limit_cycles, "utilisation", utilisation));
	return output_json(doc);
}

static int run_on(struct npu_device *dev, const void *opaque)
{
	const struct options *o = opaque;
	struct npu_product_args args = { 0 };
	struct npu_matmul desc = describe(o);
	struct npu_queue *queue = NULL;
	struct figures f = { 0 };
	int r = bench_check_plot(o->plot, o->json);

	if (r != OPTIONS_GO_ON)
		return r;
	r = npu_matmul_estimate(dev, &desc, &f.estimate);
	if (!r)
		r = make_operands(dev, o, &args);
	if (!r)
		r = npu_queue_create(dev, NULL, &queue);
	if (!r)
		r = measure(queue, o, &desc, &args, &f);
	if (r)
		r = complain_npu("the product");
	else
		r = report(o, npu_device_name(dev), npu_device_caps(dev), &f);
	if (!r && o->plot)
		r = plot(o, npu_device_name(dev), npu_device_caps(dev), &f);
	npu_queue_release(queue);
	free_operands(&args);
	return r;
}

static int run(const struct command *self, int argc, char **argv)
{
	static const char *const outs[] = { "requant", "sums", NULL };
	struct options o = { .m = 1024, .n = 1024, .k = 1024, .depth = 4, .seconds = 2 };
	const struct option_spec options[] = {
		{ .name = "rows",
		  .letter = 'm',
		  .kind = OPTION_NUMBER,
		  .value = &o.m,
		  .metavar = "M",
		  .help = "of the first operand (1024)",
		  .min = 1,
		  .max = 1 << 20 },
		{ .name = "columns",
		  .letter = 'n',
		  .kind = OPTION_NUMBER,
		  .value = &o.n,
		  .metavar = "N",
		  .help = "of the second operand (1024)",
		  .min = 1,
		  .max = 1 << 20 },
		{ .name = "inner",
		  .letter = 'k',
		  .kind = OPTION_NUMBER,
		  .value = &o.k,
		  .metavar = "K",
		  .help = "products a sum (1024)",
		  .min = 1,
		  .max = 1 << 20 },
		{ .name = "dtype",
		  .letter = 't',
		  .kind = OPTION_CHOICE,
		  .value = &o.dtype,
		  .help = "of the operands (int8)",
		  .choices = dtype_names },
		{ .name = "out",
		  .kind = OPTION_CHOICE,
		  .value = &o.sums,
		  .help = "of the operands' type, with bias and scales; or int32 and fp32 "
			  "(requant)",
		  .choices = outs },
		OPTION_DEPTH(&o.depth, "products under way (4)"),
		OPTION_SECONDS(&o.seconds, "how long (2)"),
		OPTION_PLOT(&o.plot),
		OPTION_DEVICE(&o.device),
		OPTION_JSON(&o.json),
		OPTION_END,
	};

	return bench_on_device(self, options, argc, argv, &o.device, run_on, &o);
}

const struct command command_bench_matmul = {
	.name = "bench matmul",
	.arguments = "",
	.summary = "Products a second",
	.details = "Operands are resident in local memory, the second one packed. \"host\" is what "
		   "this machine took,\n"
		   "\"modelled\" what the card would take.",
	.example = "npuctl bench matmul --device sim:cores=1,check=off -m 512 -n 512 -k 512\n"
		   "  npuctl bench matmul --plot roofline.svg",
	.run = run,
};
