// SPDX-License-Identifier: MIT
/*
 * Copyright (c) 2026 the npu authors
 *
 * Fuzz target: ONNX files. Whatever the bytes are, npucc's reader, what it folds and the graph compiler
 * end in bounded time and memory; and whatever compiles is an image that the device takes and that
 * runs (where that is cheap) without a fault, a hazard or a deadlock. Small networks are compiled as
 * they are read as well, as a caller of libnpu would have them.
 *
 * The inputs' size chooses the card and the type of floats, so a file means the same in each run; large
 * networks are for the first card, since on small ones they become millions of commands.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "fold.h"
#include "npu/stream.h"
#include "onnx.h"

#include "fuzz.h"

/* Modelled cycles up to which programs are run. */
#define MAX_CYCLES 20000u

static const char *const cards[] = { "sim:", "sim:cores=1,spm=64K,acc=4K",
				     "sim:cores=2,spm=256K,acc=16K,array-rows=16,array-cols=8" };
#define CARDS (sizeof(cards) / sizeof(cards[0]))

#define LARGE (1ull << 22)
/* These are compiled twice. */
#define SMALL (1ull << 16)
/* Larger ones take seconds each here: one in eight will do. */
#define HUGE_BYTES (1ull << 26)

static uint64_t bytes_of(const struct npu_graph *g)
{
	const struct npu_graph_tensor *t;
	uint64_t bytes = 0;

	for (int i = 0; (t = npu_graph_tensor(g, i)); i++)
		bytes += npu_tensor_bytes(t->type, t->dims, t->shape);
	return bytes;
}

static void use_image(struct npu_device *dev, const void *data, size_t size)
{
	struct npu_program *prog;
	struct npu_image image;
	uint64_t cycles;
	int ret = npu_program_create(dev, data, size, &prog);

	if (ret)
		fuzz_fail("what was compiled is not taken", ret);
	ret = npu_image_parse(&image, data, size);
	if (!ret)
		ret = npu_code_cycles(npu_device_caps(dev), image.code, image.cores, 0, &cycles);
	if (!ret && cycles < MAX_CYCLES)
		ret = fuzz_run(dev, prog);
	if (ret)
		fuzz_fail("what was compiled does not run", ret);
	npu_image_clear(&image);
	npu_program_release(prog);
}

/* Does it compile? */
static bool compile(struct npu_device *dev, struct npu_graph *g,
		    const struct npu_graph_options *options)
{
	void *image = NULL;
	size_t size;
	int ret = npu_graph_compile(g, npu_device_caps(dev), options, &image, &size);

	if (!ret)
		use_image(dev, image, size);
	else if (ret == -ENOTSUP && !npu_graph_issues(g))
		fuzz_fail("not compiled, and nothing says why", ret);
	free(image);
	return !ret;
}

/* As npucc does it. */
static bool compile_folded(struct npu_device *dev, const struct npu_graph *g,
			   const struct npu_graph_options *options)
{
	struct npu_graph *folded = NULL;
	int ret = fold_products(g, options->float_type, &folded);
	bool compiles = false;

	if (!ret)
		compiles = compile(dev, folded, options);
	else if (ret != -ENOMEM)
		fuzz_fail("a network without issues is not folded", ret);
	npu_graph_free(folded);
	return compiles;
}

static void compile_both(struct npu_device *dev, struct npu_graph *g, bool small,
			 const struct npu_graph_options *options)
{
	bool folded;

	if (npu_graph_issues(g)) {
		compile(dev, g, options);
		return;
	}
	folded = compile_folded(dev, g, options);
	if (small && compile(dev, g, options) && !folded)
		fuzz_fail("folding takes away what compiles", 0);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static struct npu_device *devices[CARDS];
	struct npu_graph_options options = { .float_type = size % 2 ? NPU_BF16 : NPU_FP16 };
	struct onnx_dim dim = { "", 2 };
	struct onnx_options onnx = { .dim = &dim, .dims = 1 };
	struct npu_graph *g = npu_graph_create();
	struct npu_device **dev;
	char error[256];
	uint64_t bytes;

	if (!g)
		return 0;
	if (!onnx_load(g, data, size, &onnx, error, sizeof(error))) {
		bytes = bytes_of(g);
		if (bytes > HUGE_BYTES && size % 8)
			goto out;
		dev = &devices[bytes > LARGE ? 0 : size / 2 % CARDS];
		if (!*dev)
			*dev = fuzz_open(cards[dev - devices]);
		compile_both(*dev, g, bytes <= SMALL, &options);
	}
out:
	npu_graph_free(g);
	return 0;
}
