// SPDX-License-Identifier: MIT
/*
 * Copyright (c) 2026 the npu authors
 *
 * npuctl info on a model: its tensors, its memory, and what each layer costs on a card. Nothing is
 * run: costs are those of the card's own model of time, everything in local memory.
 */
#include <inttypes.h>
#include <stdlib.h>

#include "npu/stream.h"

#include "cards.h"
#include "command.h"
#include "info.h"
#include "model.h"
#include "output.h"
#include "tensor.h"

/**
 * struct layer - what a layer costs, and the least it could
 * @limit: cycles; 0 where it is no product
 */
struct layer {
	struct npu_cost cost;
	uint64_t limit;
};

/**
 * struct info - all of it
 * @layer: of the image's; NULL: it has none
 * @limit: of all layers, one by one
 * @fused_limit: of all at once, when nothing but inputs, constants and outputs moves
 * @inputs, @outputs, @work: bytes; @work is of regions without tensors
 */
struct info {
	const struct model *model;
	const char *device;
	const struct npu_caps *caps;
	struct npu_cost total;
	struct layer *layer;
	uint64_t limit, fused_limit;
	uint64_t inputs, outputs, work, code;
};

/* ---- Gathering ---- */

static void add_memory(struct info *x)
{
	const struct npu_image *image = &x->model->image;
	bool has_tensor[NPU_MAX_REGIONS] = { false };

	for (uint32_t i = 0; i < image->tensor_count; i++) {
		const struct npu_tensor_info *t = &image->tensors[i];

		has_tensor[t->region] = true;
		*(t->role == NPU_TENSOR_INPUT ? &x->inputs : &x->outputs) += t->size;
	}
	for (unsigned int i = 0; i < NPU_MAX_REGIONS; i++)
		if (image->region[i].kind == NPU_REGION_BOUND && !has_tensor[i])
			x->work += image->region[i].size;
	for (uint32_t i = 0; i < image->cores; i++)
		x->code += image->code[i].size;
}

static void add_limits(struct info *x)
{
	const struct npu_image *image = &x->model->image;
	const struct npu_work moved = { .bytes = x->inputs + x->outputs + image->constants_size };
	uint64_t macs, bytes, all_macs = 0;

	for (uint32_t i = 0; i < image->layer_count; i++) {
		x->layer[i].limit = npu_work_cycles(x->caps, &image->layers[i].work, &macs, &bytes);
		x->limit += x->layer[i].limit;
		all_macs += macs;
	}
	x->fused_limit = npu_work_cycles(x->caps, &moved, &macs, &bytes);
	if (all_macs > x->fused_limit)
		x->fused_limit = all_macs;
}

static int add_costs(struct info *x)
{
	const struct npu_image *image = &x->model->image;
	struct npu_cost *cost = calloc(image->layer_count + 1, sizeof(*cost));
	uint64_t size[NPU_MAX_REGIONS];
	int r = NPUCTL_DONE;

	for (unsigned int i = 0; i < NPU_MAX_REGIONS; i++)
		size[i] = image->region[i].size;
	x->layer = calloc(image->layer_count + 1, sizeof(*x->layer));
	if (!cost || !x->layer)
		r = complain(NPUCTL_FAILED, "out of memory");
	else if (npu_image_fits(image, x->caps) ||
		 npu_code_check(x->caps, image->code, image->cores, size, NULL) ||
		 npu_code_costs(x->caps, image->code, image->cores, 0, &x->total, cost,
				image->layer_count))
		r = complain_npu(x->model->path);
	for (uint32_t i = 0; i < image->layer_count && !r; i++)
		x->layer[i].cost = cost[i];
	free(cost);
	return r;
}

static int gather(struct info *x)
{
	int r = add_costs(x);

	if (r)
		return r;
	add_memory(x);
	add_limits(x);
	return NPUCTL_DONE;
}

static double microseconds(const struct info *x, uint64_t cycles)
{
	return cycles * 1e3 / x->caps->clock_khz;
}

/* ---- Rendering ---- */

static json_t *cost_json(const struct npu_cost *c, uint64_t limit)
{
	bool known = limit && c->cycles;

	return output_pack("{s:I, s:o, s:o, s:I, s:I, s:I, s:I, s:f}", "cycles",
			   (json_int_t)c->cycles, "limit_cycles",
			   limit ? json_integer(limit) : json_null(), "utilisation",
			   known ? json_real((double)limit / c->cycles) : json_null(), "commands",
			   (json_int_t)c->commands, "macs", (json_int_t)c->macs, "local_bytes",
			   (json_int_t)c->lmem_bytes, "host_bytes", (json_int_t)c->pcie_bytes,
			   "energy_uj", c->energy_fj / 1e9);
}

static json_t *layers_json(const struct info *x)
{
	json_t *layers = json_array();

	for (uint32_t i = 0; i < x->model->image.layer_count; i++) {
		const struct npu_layer *l = &x->model->image.layers[i];
		json_t *one = cost_json(&x->layer[i].cost, x->layer[i].limit);

		json_object_update_new(
			one, output_pack("{s:I, s:s, s:s, s:s, s:I, s:I, s:I, s:I}", "layer",
					 (json_int_t)i, "name", output_name(l->name), "operator",
					 output_name(l->op), "kernel", output_name(l->kernel),
					 "start", (json_int_t)x->layer[i].cost.start, "end",
					 (json_int_t)x->layer[i].cost.end, "work_macs",
					 (json_int_t)l->work.macs, "work_bytes",
					 (json_int_t)l->work.bytes));
		json_array_append_new(layers, one);
	}
	return layers;
}

static int print_json(const struct info *x)
{
	const struct npu_image *image = &x->model->image;
	json_t *doc = output_document("npuctl-info-model"), *tensors = json_array();

	for (uint32_t i = 0; i < image->tensor_count; i++)
		json_array_append_new(tensors, tensor_json(&image->tensors[i]));
	json_object_update_new(doc, cost_json(&x->total, x->limit));
	json_object_update_new(
		doc, output_pack("{s:s, s:s, s:I, s:I, s:I, s:I, s:I, s:I, s:f, s:I}", "model",
				 output_name(x->model->path), "device", x->device, "isa_major",
				 (json_int_t)(image->isa >> 16), "isa_minor",
				 (json_int_t)(image->isa & 0xffff), "features",
				 (json_int_t)image->features, "cores", (json_int_t)image->cores,
				 "spm_bytes", (json_int_t)image->spm_size, "acc_bytes",
				 (json_int_t)image->acc_size, "card_us",
				 microseconds(x, x->total.cycles), "fused_limit_cycles",
				 (json_int_t)x->fused_limit));
	json_object_set_new(doc, "memory",
			    output_pack("{s:I, s:I, s:I, s:I, s:I}", "constant_bytes",
					(json_int_t)image->constants_size, "work_bytes",
					(json_int_t)x->work, "input_bytes", (json_int_t)x->inputs,
					"output_bytes", (json_int_t)x->outputs, "code_bytes",
					(json_int_t)x->code));
	json_object_set_new(doc, "tensors", tensors);
	json_object_set_new(doc, "layers", layers_json(x));
	return output_json(doc);
}

static void print_tensors(const struct info *x)
{
	struct table *table = table_create("TENSOR|ROLE|TYPE AND SHAPE|>SCALE|>ZERO|>BYTES");
	char text[TENSOR_TEXT];

	for (uint32_t i = 0; i < x->model->image.tensor_count; i++) {
		const struct npu_tensor_info *t = &x->model->image.tensors[i];
		char scale[32] = "-", zero[16] = "-";

		if (t->scale) {
			snprintf(scale, sizeof(scale), "%.9g", t->scale);
			snprintf(zero, sizeof(zero), "%" PRId32, t->zero_point);
		}
		table_add(table, "%s|%s|%s|%s|%s|%" PRIu64, output_cell(t->name),
			  tensor_role_name(t->role), tensor_text(t, text, sizeof(text)), scale,
			  zero, t->size);
	}
	table_print(table, stdout);
}

/* "0.912", or "-" where there is no limit or no time. */
static const char *utilisation(uint64_t limit, uint64_t cycles, char *text, size_t size)
{
	snprintf(text, size, "-");
	if (limit && cycles)
		snprintf(text, size, "%.3f", (double)limit / cycles);
	return text;
}

static void add_row(struct table *t, const char *number, const struct npu_layer *l,
		    const struct npu_cost *c, uint64_t limit)
{
	char limit_text[24] = "-", used[16];

	if (limit)
		snprintf(limit_text, sizeof(limit_text), "%" PRIu64, limit);
	table_add(t, "%s|%s|%s|%s|%" PRIu64 "|%s|%s|%" PRIu64 "|%" PRIu64 "|%.3f", number,
		  output_cell(l->name), output_cell(l->op), output_cell(l->kernel), c->cycles,
		  limit_text, utilisation(limit, c->cycles, used, sizeof(used)), c->macs,
		  c->lmem_bytes, c->energy_fj / 1e9);
}

static void print_layers(const struct info *x)
{
	static const struct npu_layer all = { .name = "all", .op = "", .kernel = "" };
	struct table *t = table_create(
		">#|LAYER|OPERATOR|KERNEL|>CYCLES|>LIMIT|>UTILISATION|>MACS|>BYTES|>ENERGY uJ");
	char number[16];

	for (uint32_t i = 0; i < x->model->image.layer_count; i++) {
		snprintf(number, sizeof(number), "%" PRIu32, i);
		add_row(t, number, &x->model->image.layers[i], &x->layer[i].cost,
			x->layer[i].limit);
	}
	add_row(t, "", &all, &x->total, x->limit);
	table_print(t, stdout);
}

static void print_text(const struct info *x)
{
	const struct npu_image *image = &x->model->image;
	double us = microseconds(x, x->total.cycles), uj = x->total.energy_fj / 1e9;

	printf("model        %s\n", x->model->path);
	printf("needs        command set %u.%u, %u cores, each %s SPM, %s ACC\n", image->isa >> 16,
	       image->isa & 0xffff, image->cores, output_bytes(image->spm_size),
	       output_bytes(image->acc_size));
	printf("constants    %s\n", output_bytes(image->constants_size));
	printf("work         %s\n", output_bytes(x->work));
	printf("inputs       %s, outputs %s\n", output_bytes(x->inputs), output_bytes(x->outputs));
	printf("commands     %" PRIu64 ", %s\n", x->total.commands, output_bytes(x->code));
	printf("\n");
	print_tensors(x);
	printf("\n");
	if (image->layer_count) {
		print_layers(x);
		printf("\n");
	}
	printf("device       %s\n", x->device);
	printf("modelled     %" PRIu64 " cycles, %.1f us at %g MHz\n", x->total.cycles, us,
	       x->caps->clock_khz / 1e3);
	printf("energy       %.3f uJ, %.2f W on average, without the idle card's %.2f W\n", uj,
	       us ? uj / us : 0, x->caps->idle_mw / 1e3);
	if (x->limit)
		printf("limits       %" PRIu64 " cycles layer by layer, %" PRIu64
		       " if nothing moved between layers\n",
		       x->limit, x->fused_limit);
}

int info_model(const char *path, const char *device, bool json)
{
	struct npu_device *dev = NULL;
	struct model model;
	struct info x = { .model = &model };
	int r = model_read(&model, path);

	if (!r)
		r = model_device(&dev, device, &model.image);
	if (!r) {
		x.device = npu_device_name(dev);
		x.caps = npu_device_caps(dev);
		r = gather(&x);
	}
	if (!r && json)
		r = print_json(&x);
	else if (!r)
		print_text(&x);
	free(x.layer);
	model_free(&model);
	npu_close(dev);
	return r;
}
