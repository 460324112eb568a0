// SPDX-License-Identifier: MIT
/*
 * Copyright (c) 2026 the npu authors
 *
 * npuctl disasm: the commands of a .npu image. Needs no device.
 */
#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "npu/stream.h"

#include "command.h"
#include "model.h"
#include "output.h"

/* npu_disasm()'s array, as a value of ours. NULL: it could not be made. */
static json_t *commands_json(const struct npu_code *code, int *ret)
{
	char *text = NULL;
	size_t size = 0;
	FILE *f = open_memstream(&text, &size);
	json_t *j = NULL;

	if (!f)
		return NULL;
	*ret = npu_disasm(f, code, NPU_DISASM_JSON);
	if (!fclose(f))
		j = json_loadb(text, size, 0, NULL);
	free(text);
	return j;
}

static int print_json(const struct npu_image *image)
{
	json_t *doc = output_document("npuctl-disasm"), *cores = json_array();
	json_t *layers = json_array();
	int ret = 0, r;

	for (uint32_t c = 0; c < image->cores; c++) {
		int one = -EIO;
		json_t *commands = commands_json(&image->code[c], &one);

		if (!commands) {
			json_decref(doc);
			json_decref(cores);
			json_decref(layers);
			return complain(NPUCTL_FAILED, "core %u: the disassembler failed", c);
		}
		json_array_append_new(
			cores, output_pack("{s:i, s:o}", "core", (int)c, "commands", commands));
		if (one)
			ret = one;
	}
	json_object_set_new(doc, "cores", cores);
	for (uint32_t i = 0; i < image->layer_count; i++)
		json_array_append_new(layers,
				      output_pack("{s:s, s:s, s:s}", "name",
						  output_name(image->layers[i].name), "operator",
						  output_name(image->layers[i].op), "kernel",
						  output_name(image->layers[i].kernel)));
	json_object_set_new(doc, "layers", layers);
	r = output_json(doc);
	return ret ? NPUCTL_FAILED : r;
}

/* "# layer 3: conv1 (Conv, conv2d)" before the first command of each in turn. */
static void print_layer(const struct npu_image *image, uint32_t tag)
{
	if (tag < image->layer_count)
		printf("# layer %" PRIu32 ": %s (%s, %s)\n", tag,
		       output_name(image->layers[tag].name), output_name(image->layers[tag].op),
		       output_name(image->layers[tag].kernel));
	else
		printf("# no layer has the tag %" PRIu32 "\n", tag);
}

/* The listing of a stream has a line a command, from its offset on. */
static int print_stream(const struct npu_image *image, const struct npu_code *code)
{
	char *text = NULL, *line, *rest;
	size_t size = 0;
	FILE *f = open_memstream(&text, &size);
	int64_t last = -1;
	int ret;

	if (!f)
		return complain(NPUCTL_FAILED, "out of memory");
	ret = npu_disasm(f, code, NPU_DISASM_TEXT);
	if (fclose(f)) {
		free(text);
		return complain(NPUCTL_FAILED, "out of memory");
	}
	for (rest = text; (line = strsep(&rest, "\n")) && rest;) {
		uint64_t at = strtoull(line, NULL, 16);
		const struct npu_cmd *cmd = (const void *)((const uint8_t *)code->cmds + at);

		if (image->layer_count && code->size - at >= sizeof(*cmd) && cmd->tag != last) {
			print_layer(image, cmd->tag);
			last = cmd->tag;
		}
		puts(line);
	}
	free(text);
	return ret;
}

static int print_text(const struct npu_image *image)
{
	int ret = 0;

	for (uint32_t c = 0; c < image->cores; c++) {
		int one;

		printf("%score %u: %" PRIu64 " bytes\n", c ? "\n" : "", c, image->code[c].size);
		one = print_stream(image, &image->code[c]);
		if (one)
			ret = one;
	}
	return ret ? NPUCTL_FAILED : NPUCTL_DONE;
}

static int run(const struct command *self, int argc, char **argv)
{
	bool json = false;
	const struct option_spec options[] = { OPTION_JSON(&json), OPTION_END };
	struct model model;
	char **files;
	int r = options_parse(self, options, argc, argv, 1, 1, &files);

	if (r != OPTIONS_GO_ON)
		return r;
	r = model_read(&model, files[0]);
	if (!r)
		r = json ? print_json(&model.image) : print_text(&model.image);
	model_free(&model);
	return r;
}

const struct command command_disasm = {
	.name = "disasm",
	.arguments = "FILE.npu",
	.summary = "Print the commands of a compiled program",
	.details = "One command a line, core by core: byte offset, name, semaphores, tag, fields. "
		   "A comment tells which\n"
		   "layer the commands after it are for. Needs no device.",
	.example = "npuctl disasm model.npu",
	.run = run,
};
