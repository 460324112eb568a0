// SPDX-License-Identifier: MIT
/*
 * Copyright (c) 2026 the npu authors
 *
 * npuctl run: its words. What the first file is decides what is done: a model is run, two arrays
 * are multiplied.
 */
#include "run.h"

#include "model.h"

const char *const run_dtypes[] = { "int8", "bf16", "fp16", NULL };

static int run(const struct command *self, int argc, char **argv)
{
	struct run_options o = { .dtype = RUN_AS_FILES };
	const struct option_spec options[] = {
		{ .name = "output",
		  .letter = 'o',
		  .kind = OPTION_STRINGS,
		  .value = &o.outputs,
		  .metavar = "WHERE",
		  .help = "OUT.npy, NAME=OUT.npy (once an output), or a directory" },
		{ .name = "repeat",
		  .letter = 'r',
		  .kind = OPTION_NUMBER,
		  .value = &o.repeat,
		  .metavar = "N",
		  .help = "run a model so often, for its time (1)",
		  .min = 1,
		  .max = 1000000 },
		{ .name = "dtype",
		  .letter = 't',
		  .kind = OPTION_CHOICE,
		  .value = &o.dtype,
		  .help = "what a product multiplies (as the files are)",
		  .choices = run_dtypes },
		OPTION_DEVICE(&o.device),
		OPTION_JSON(&o.json),
		OPTION_END,
	};
	char **files;
	int r = options_parse(self, options, argc, argv, 1, OPTION_MAX_STRINGS + 1, &files);

	if (r != OPTIONS_GO_ON)
		return r;
	argc = 0;
	while (files[argc])
		argc++;
	return model_is(files[0]) ? run_model(self, &o, files, argc) :
				    run_product(self, &o, files, argc);
}

const struct command command_run = {
	.name = "run",
	.arguments = "MODEL.npu [NAME=]IN.npy... | A.npy B.npy",
	.summary = "Run a compiled model, or multiply two arrays",
	.details =
		"A model's inputs are taken from .npy files, by name or, without one, in the order "
		"in which\n"
		"npuctl info MODEL.npu lists those that were not named. Types and shapes are the "
		"model's;\n"
		"float32 is rounded for an input of bfloat16 or float16 and given for an output of "
		"bfloat16.\n"
		"Outputs go where -o says; those that no -o names are not written.\n"
		"\n"
		"A product of [m][k] or [batch][m][k] by [k][n] or [batch][k][n], in C order: int8 "
		"and uint8\n"
		"give int32; float16, or float32 rounded to --dtype, give float32.",
	.example = "npuctl run model.npu image.npy -o scores.npy\n"
		   "  npuctl run model.npu ids=ids.npy mask=mask.npy -o results/ --device accel0\n"
		   "  npuctl run a.npy b.npy --dtype bf16 -o product.npy",
	.run = run,
};
