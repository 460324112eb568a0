// SPDX-License-Identifier: MIT
/*
 * Copyright (c) 2026 the npu authors
 *
 * npuctl info: what a card is and how it is. What a model is, tells info_model.c.
 */
#include <inttypes.h>
#include <stdlib.h>

#include "npu/hw/regs.h"
#include "npu/npu.h"

#include "cards.h"
#include "command.h"
#include "figures.h"
#include "info.h"
#include "output.h"

struct info {
	const char *name;
	const struct npu_caps *caps;
	struct npu_memory_info memory;
	const struct card *card; /* NULL: a simulated one */
	struct card_figures figures;
};

static json_t *info_json(const struct info *i)
{
	const struct npu_caps *c = i->caps;
	json_t *doc = output_document("npuctl-info"), *sensor = json_object();

	json_object_set_new(doc, "name", json_string(i->name));
	json_object_set_new(doc, "library", json_string(npu_version()));
	json_object_set_new(doc, "pci", i->card ? json_string(i->card->pci) : json_null());
	json_object_set_new(
		doc, "caps",
		output_pack("{s:I,s:I,s:I,s:I,s:I,s:I,s:I,s:I,s:I,s:I,s:I,s:I,s:I,s:I,s:I,s:I,s:I,"
			    "s:I,s:I,s:I}",
			    "isa_major", (json_int_t)(c->isa >> 16), "isa_minor",
			    (json_int_t)(c->isa & 0xffff), "features", (json_int_t)c->features,
			    "cores", (json_int_t)c->cores, "rings", (json_int_t)c->rings,
			    "spm_bytes", (json_int_t)c->spm_size, "acc_bytes",
			    (json_int_t)c->acc_size, "array_rows", (json_int_t)c->array_rows,
			    "array_cols", (json_int_t)c->array_cols, "clock_khz",
			    (json_int_t)c->clock_khz, "vpu_lanes", (json_int_t)c->vpu_lanes,
			    "weight_rows", (json_int_t)c->weight_rows, "dw_channels",
			    (json_int_t)c->dw_channels, "dw_taps", (json_int_t)c->dw_taps,
			    "float_div", (json_int_t)c->float_div, "lmem_bytes_per_cycle",
			    (json_int_t)c->lmem_bw, "lmem_latency", (json_int_t)c->lmem_latency,
			    "pcie_bytes_per_cycle", (json_int_t)c->pcie_bw, "pcie_latency",
			    (json_int_t)c->pcie_latency, "lmem_bytes", (json_int_t)c->lmem_size));
	json_object_set_new(doc, "memory",
			    output_pack("{s:I, s:I}", "local_bytes",
					(json_int_t)i->memory.local_size, "local_free_bytes",
					(json_int_t)i->memory.local_free));
	for (unsigned int f = 0; f < FIGURES; f++)
		if (i->figures.known[f] && figures[f].key)
			json_object_set_new(sensor, figures[f].key,
					    figures[f].scale ?
						    json_real(figure_value(&i->figures, f)) :
						    json_integer(i->figures.value[f]));
	json_object_set_new(doc, "driver", sensor);
	return doc;
}

static void info_text(FILE *out, const struct info *i)
{
	const struct npu_caps *c = i->caps;
	double mhz = c->clock_khz / 1000.0;
	double tops = 2.0 * c->array_rows * c->array_cols * c->cores * c->clock_khz / 1e9;

	fprintf(out, "device       %s\n", i->name);
	if (i->card) {
		fprintf(out, "product      %s [%04x:%04x] rev %02x\n", i->card->product,
			i->card->vendor, i->card->device, i->card->revision);
		fprintf(out, "pci          %s", i->card->pci);
		if (i->card->link_speed[0])
			fprintf(out, ", %s x%s", i->card->link_speed, i->card->link_width);
		fprintf(out, "\nnode         %s (%s:%s, mode %04o)\n", i->card->node,
			i->card->owner, i->card->group, (unsigned int)i->card->mode);
	}
	fprintf(out, "command set  %u.%u\n", c->isa >> 16, c->isa & 0xffff);
	fprintf(out, "cores        %u, each %u x %u MACs, %u VPU lanes, %s SPM, %s ACC\n", c->cores,
		c->array_rows, c->array_cols, c->vpu_lanes, output_bytes(c->spm_size),
		output_bytes(c->acc_size));
	fprintf(out, "clock        %g MHz\n", mhz);
	fprintf(out, "peak         %.2f TOPS int8, %.2f TFLOPS bf16 and fp16\n", tops,
		tops / c->float_div);
	fprintf(out, "memory       %s, %s free, %.1f GB/s\n", output_bytes(i->memory.local_size),
		output_bytes(i->memory.local_free), c->lmem_bw * mhz / 1000);
	fprintf(out, "host link    %.1f GB/s\n", c->pcie_bw * mhz / 1000);
	fprintf(out, "rings        %u\n", c->rings);
	for (unsigned int f = 0; f < FIGURES; f++)
		if (i->figures.known[f] && figures[f].format)
			fprintf(out, figures[f].format, figure_value(&i->figures, f));
	fprintf(out, "libnpu       %s\n", npu_version());
}

static int run(const struct command *self, int argc, char **argv)
{
	const char *device = NULL;
	bool json = false;
	const struct option_spec options[] = { OPTION_DEVICE(&device), OPTION_JSON(&json),
					       OPTION_END };
	struct card_list list;
	struct npu_device *dev;
	struct info info = { 0 };
	char **files;
	int r = options_parse(self, options, argc, argv, 0, 1, &files);

	if (r != OPTIONS_GO_ON)
		return r;
	if (files[0])
		return info_model(files[0], device, json);
	r = device_open(&dev, device);
	if (r)
		return r;
	cards_gather(&list);
	info.name = npu_device_name(dev);
	info.caps = npu_device_caps(dev);
	info.card = card_find(&list, info.name);
	if (info.card)
		figures_read(info.card, &info.figures);
	if (npu_device_memory(dev, &info.memory))
		r = complain_npu("local memory");
	else if (json)
		r = output_json(info_json(&info));
	else
		info_text(stdout, &info);
	cards_free(&list);
	npu_close(dev);
	return r;
}

const struct command command_info = {
	.name = "info",
	.arguments = "[MODEL.npu]",
	.summary = "Tell what a card is and how it is, or what a model is and costs",
	.details =
		"Of a model: its tensors and memory, and for each layer modelled cycles, the least "
		"that they could\n"
		"be (of products), multiply-accumulates, bytes moved and energy. Nothing is run; "
		"everything is taken\n"
		"to lie in local memory. Layers overlap: a layer's cycles are how much later all "
		"layers up to it\n"
		"end than those before it. The card is --device, else NPU_DEVICE, else sim: with\n"
		"what the model needs.",
	.example = "npuctl info --device accel0\n"
		   "  npuctl info model.npu",
	.run = run,
};
