// SPDX-License-Identifier: MIT
/*
 * Copyright (c) 2026 the npu authors
 *
 * npuctl disasm: the commands of a .npu image. Needs no device.
 */
#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>

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
	int ret = 0, r;

	for (uint32_t c = 0; c < image->cores; c++) {
		int one = -EIO;
		json_t *commands = commands_json(&image->code[c], &one);

		if (!commands) {
			json_decref(doc);
			json_decref(cores);
			return complain(NPUCTL_FAILED, "core %u: the disassembler failed", c);
		}
		json_array_append_new(
			cores, output_pack("{s:i, s:o}", "core", (int)c, "commands", commands));
		if (one)
			ret = one;
	}
	json_object_set_new(doc, "cores", cores);
	r = output_json(doc);
	return ret ? NPUCTL_FAILED : r;
}

static int print_text(const struct npu_image *image)
{
	int ret = 0;

	for (uint32_t c = 0; c < image->cores; c++) {
		int one;

		printf("%score %u: %" PRIu64 " bytes\n", c ? "\n" : "", c, image->code[c].size);
		one = npu_disasm(stdout, &image->code[c], NPU_DISASM_TEXT);
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
	.details = "One command a line, core by core. Needs no device.",
	.example = "npuctl disasm model.npu",
	.run = run,
};
