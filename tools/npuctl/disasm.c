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
#include <sys/stat.h>

#include "npu/image.h"
#include "npu/stream.h"

#include "command.h"
#include "output.h"

/* The whole file, aligned as npu_image_parse() wants it. */
static int read_file(const char *path, void **data, size_t *size)
{
	FILE *f = fopen(path, "re");
	struct stat st;
	int r = NPUCTL_DONE;

	*data = NULL;
	if (!f || fstat(fileno(f), &st)) {
		r = complain(NPUCTL_FAILED, "%s: %s", path, strerror(errno));
	} else if (!S_ISREG(st.st_mode)) {
		r = complain(NPUCTL_FAILED, "%s: not a regular file", path);
	} else {
		*size = st.st_size;
		*data = aligned_alloc(64, (*size + 64) / 64 * 64);
		if (!*data)
			r = complain(NPUCTL_FAILED, "%s: no memory for %zu bytes", path, *size);
		else if (fread(*data, 1, *size, f) != *size)
			r = complain(NPUCTL_FAILED, "%s: cannot be read", path);
	}
	if (f)
		fclose(f);
	return r;
}

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
	struct npu_image image;
	char **files;
	void *data;
	size_t size = 0;
	int r = options_parse(self, options, argc, argv, 1, 1, &files);

	if (r != OPTIONS_GO_ON)
		return r;
	r = read_file(files[0], &data, &size);
	if (!r && npu_image_parse(&image, data, size)) {
		r = complain(NPUCTL_FAILED, "%s: %s", files[0], npu_error());
	} else if (!r) {
		r = json ? print_json(&image) : print_text(&image);
		npu_image_clear(&image);
	}
	free(data);
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
