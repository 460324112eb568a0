// SPDX-License-Identifier: MIT
/*
 * Copyright (c) 2026 the npu authors
 *
 * cnn MODEL.npu IMAGE [DEVICE]: what a grey picture shows. MODEL is the demo's network as npucc
 * compiles it with --batch 1, IMAGE has the bytes of 28 rows of 28 pixels.
 */
#include <stdio.h>

#include <npu/hw/isa.h>
#include <npu/hw/regs.h>
#include <npu/npu.h>

#define PIXELS (28 * 28)

static const char *const names[] = {
	"T-shirt/top", "Trouser", "Pullover", "Dress", "Coat",
	"Sandal",      "Shirt",	  "Sneaker",  "Bag",   "Ankle boot",
};

#define CLASSES (sizeof(names) / sizeof(names[0]))

static int fail(const char *what)
{
	fprintf(stderr, "%s: %s\n", what, npu_error());
	return 1;
}

int main(int argc, char **argv)
{
	const struct npu_tensor_info *in = NULL, *out = NULL;
	struct npu_binding bindings[NPU_MAX_REGIONS];
	struct npu_buffer *buffers[NPU_MAX_REGIONS] = { NULL };
	struct npu_job job = { .bindings = bindings };
	struct npu_device *dev;
	struct npu_queue *queue;
	struct npu_fence *done;
	struct npu_result result;
	unsigned char pixels[PIXELS];
	float values[PIXELS], logits[CLASSES];
	size_t best = 0;
	FILE *file;

	file = argc > 2 ? fopen(argv[2], "rb") : NULL;
	if (!file || fread(pixels, 1, PIXELS, file) != PIXELS) {
		fprintf(stderr, "usage: cnn MODEL.npu IMAGE [DEVICE]; IMAGE has %d bytes\n",
			PIXELS);
		return 2;
	}
	fclose(file);

	/* [load] */
	if (npu_open(&dev, argc > 3 ? argv[3] : NULL) || npu_queue_create(dev, NULL, &queue))
		return fail("no card");
	if (npu_program_load(dev, argv[1], &job.program))
		return fail(argv[1]);
	/* [end] */

	/* [tensors] */
	for (unsigned int i = 0; i < npu_program_tensors(job.program); i++) {
		const struct npu_tensor_info *t = npu_program_tensor(job.program, i);

		if (t->role == NPU_TENSOR_INPUT)
			in = t;
		else
			out = t;
	}
	if (!in || in->type != NPU_FP32 || in->size != sizeof(values) || !out ||
	    out->type != NPU_FP32 || out->size != sizeof(logits)) {
		fprintf(stderr, "%s is not a network of grey pictures and ten classes\n", argv[1]);
		return 1;
	}
	/* [end] */

	/* [regions] */
	for (unsigned int r = 0; r < NPU_MAX_REGIONS; r++) {
		const struct npu_region_info *region = npu_program_region(job.program, r);

		if (region->kind != NPU_REGION_BOUND)
			continue;
		if (npu_buffer_create(dev, region->size, NPU_BUFFER_LOCAL, &buffers[r]))
			return fail("no buffer");
		bindings[job.binding_count++] =
			(struct npu_binding){ .region = r, .buffer = buffers[r] };
	}
	/* [end] */

	/* [run] */
	for (int i = 0; i < PIXELS; i++)
		values[i] = (float)pixels[i] / 255;
	if (npu_buffer_write(buffers[in->region], in->offset, values, sizeof(values)) ||
	    npu_queue_submit(queue, &job, 1, NULL, 0, &done))
		return fail("no job");
	if (npu_fence_wait(done, NPU_WAIT_FOREVER))
		return fail("the job failed");
	if (npu_buffer_read(buffers[out->region], out->offset, logits, sizeof(logits)) ||
	    npu_fence_result(done, &result))
		return fail("no result");
	/* [end] */

	for (size_t i = 1; i < CLASSES; i++)
		if (logits[i] > logits[best])
			best = i;
	printf("%s: %s, in %llu cycles\n", argv[2], names[best], (unsigned long long)result.cycles);

	npu_fence_release(done);
	for (unsigned int r = 0; r < NPU_MAX_REGIONS; r++)
		npu_buffer_release(buffers[r]);
	npu_program_release(job.program);
	npu_queue_release(queue);
	npu_close(dev);
	return 0;
}
