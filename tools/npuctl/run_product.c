// SPDX-License-Identifier: MIT
/*
 * Copyright (c) 2026 the npu authors
 *
 * npuctl run on two .npy arrays: their product. What goes in decides what comes out: int8 and uint8
 * give int32, floats in 16 bits give float32, so that nothing is lost beyond what --dtype asks for.
 */
#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "npu/npu.h"
#include "npu/ops.h"

#include "cards.h"
#include "command.h"
#include "half.h"
#include "npy.h"
#include "output.h"
#include "run.h"
#include "tensor.h"

struct product {
	struct npy a, b, out;
	const char *out_path;
	uint32_t a_type, b_type; /* enum npu_type */
	struct npu_matmul desc;
};

/*
 * What the card is to have of an array; NULL with a message if it cannot. The data become the
 * card's type.
 */
static int convert(struct npy *a, const char *path, unsigned int dtype, uint32_t *type)
{
	size_t count = a->size / npy_type_size(a->type);

	if (dtype == RUN_INT8) {
		if (a->type != NPY_INT8 && a->type != NPY_UINT8)
			return complain(NPUCTL_FAILED,
					"%s: elements are %s; --dtype int8 takes int8 and uint8",
					path, npy_type_name(a->type));
		*type = a->type == NPY_INT8 ? NPU_S8 : NPU_U8;
		return NPUCTL_DONE;
	}
	*type = dtype == RUN_BF16 ? NPU_BF16 : NPU_FP16;
	if (a->type == NPY_FLOAT16 && dtype == RUN_FP16)
		return NPUCTL_DONE;
	if (a->type != NPY_FLOAT32)
		return complain(NPUCTL_FAILED, "%s: elements are %s; --dtype %s takes float32%s",
				path, npy_type_name(a->type), run_dtypes[dtype],
				dtype == RUN_FP16 ? " and float16" : "");
	/* In place: element i moves down to where i / 2 was, which has been read. */
	for (size_t i = 0; i < count; i++) {
		uint16_t h;
		float v;

		memcpy(&v, (const char *)a->data + i * sizeof(v), sizeof(v));
		h = dtype == RUN_BF16 ? bf16_from_float(v) : fp16_from_float(v);
		memcpy((char *)a->data + i * sizeof(h), &h, sizeof(h));
	}
	a->size = count * 2;
	return NPUCTL_DONE;
}

/* Without --dtype, what the arrays are. */
static int guess(const struct product *p, char **files, unsigned int *dtype)
{
	const struct npy *arrays[] = { &p->a, &p->b };

	if (*dtype != RUN_AS_FILES)
		return NPUCTL_DONE;
	for (int i = 0; i < 2; i++) {
		if (arrays[i]->type == NPY_FLOAT32)
			return complain(NPUCTL_FAILED,
					"%s: elements are float32, which the card has not; say "
					"--dtype bf16 or --dtype fp16",
					files[i]);
		if (arrays[i]->type == NPY_INT32 || arrays[i]->type == NPY_INT64)
			return complain(NPUCTL_FAILED,
					"%s: elements are %s; the card multiplies int8, uint8, "
					"bf16 and fp16",
					files[i], npy_type_name(arrays[i]->type));
	}
	*dtype = p->a.type == NPY_FLOAT16 ? RUN_FP16 : RUN_INT8;
	return NPUCTL_DONE;
}

/* [m][k] [k][n], or a batch of the first or of both. */
static int find_shape(struct product *p, char **files)
{
	const struct npy *a = &p->a, *b = &p->b;
	uint32_t batch = a->dims == 3 ? a->shape[0] : 1;
	char at[SHAPE_TEXT], bt[SHAPE_TEXT];

	for (int i = 0; i < 2; i++) {
		const struct npy *x = i ? b : a;

		if (x->dims != 2 && x->dims != 3)
			return complain(NPUCTL_FAILED,
					"%s: %u dimensions; a product takes 2, or 3 for a batch",
					files[i], x->dims);
		if (!x->size)
			return complain(NPUCTL_FAILED, "%s: the array is empty", files[i]);
	}
	shape_text(a->dims, a->shape, at, sizeof(at));
	shape_text(b->dims, b->shape, bt, sizeof(bt));
	if (a->shape[a->dims - 1] != b->shape[b->dims - 2])
		return complain(NPUCTL_FAILED,
				"%s by %s is no product: the inner dimensions differ", at, bt);
	if (b->dims == 3 && (a->dims != 3 || a->shape[0] != b->shape[0]))
		return complain(NPUCTL_FAILED, "%s by %s is no product: the batches differ", at,
				bt);
	p->desc.batch = batch;
	p->desc.m = a->shape[a->dims - 2];
	p->desc.k = a->shape[a->dims - 1];
	p->desc.n = b->shape[b->dims - 1];
	p->desc.a_batch = batch > 1 ? (uint64_t)p->desc.m * p->desc.k : 0;
	p->desc.b_batch = b->dims == 3 && batch > 1 ? (uint64_t)p->desc.k * p->desc.n : 0;
	return NPUCTL_DONE;
}

/* The output array: its size may be beyond what memory has, but not beyond a number. */
static int make_out(struct product *p, unsigned int dims)
{
	struct npy *out = &p->out;
	size_t size;

	out->type = p->a_type == NPU_S8 || p->a_type == NPU_U8 ? NPY_INT32 : NPY_FLOAT32;
	out->dims = dims;
	if (dims == 3)
		out->shape[0] = p->desc.batch;
	out->shape[dims - 2] = p->desc.m;
	out->shape[dims - 1] = p->desc.n;
	if (__builtin_mul_overflow((size_t)p->desc.m, (size_t)p->desc.n, &size) ||
	    __builtin_mul_overflow(size, (size_t)p->desc.batch, &size) ||
	    __builtin_mul_overflow(size, npy_type_size(out->type), &size))
		return complain(NPUCTL_FAILED, "the result is too large");
	out->size = size;
	out->data = malloc(size);
	return out->data ? NPUCTL_DONE :
			   complain(NPUCTL_FAILED, "no memory for a result of %zu bytes", size);
}

static int upload(struct npu_device *dev, const struct npy *a, struct npu_buffer **buffer)
{
	if (npu_buffer_create(dev, a->size, NPU_BUFFER_HOST, buffer) ||
	    (a->data && npu_buffer_write(*buffer, 0, a->data, a->size)))
		return complain_npu("memory for the operands");
	return NPUCTL_DONE;
}

static int compute(struct npu_device *dev, struct product *p, struct npu_result *how)
{
	struct npu_product_args args = { 0 };
	struct npu_queue *queue = NULL;
	struct npu_fence *fence = NULL;
	int r;

	memset(p->out.data, 0, p->out.size);
	r = upload(dev, &p->a, &args.a.buffer);
	if (!r)
		r = upload(dev, &p->b, &args.b.buffer);
	if (!r)
		r = upload(dev, &p->out, &args.out.buffer);
	if (!r && (npu_queue_create(dev, NULL, &queue) ||
		   npu_matmul(queue, &p->desc, &args, NULL, 0, &fence) ||
		   npu_fence_wait(fence, NPU_WAIT_FOREVER) || npu_fence_result(fence, how) ||
		   npu_buffer_read(args.out.buffer, 0, p->out.data, p->out.size)))
		r = complain_npu("the product");
	npu_fence_release(fence);
	npu_queue_release(queue);
	npu_buffer_release(args.a.buffer);
	npu_buffer_release(args.b.buffer);
	npu_buffer_release(args.out.buffer);
	return r;
}

static int report(const struct product *p, const char *device, const struct npu_result *how,
		  bool json)
{
	json_t *doc;

	if (!json) {
		char text[SHAPE_TEXT];

		printf("%s: %s of %s, %" PRIu64 " cycles on %s\n", p->out_path,
		       shape_text(p->out.dims, p->out.shape, text, sizeof(text)),
		       npy_type_name(p->out.type), how->cycles, device);
		return NPUCTL_DONE;
	}
	doc = output_document("npuctl-run");
	json_object_set_new(doc, "device", json_string(device));
	json_object_set_new(doc, "output", json_string(p->out_path));
	json_object_set_new(doc, "type", json_string(npy_type_name(p->out.type)));
	json_object_set_new(doc, "batch", json_integer(p->desc.batch));
	json_object_set_new(doc, "m", json_integer(p->desc.m));
	json_object_set_new(doc, "n", json_integer(p->desc.n));
	json_object_set_new(doc, "k", json_integer(p->desc.k));
	json_object_set_new(doc, "cycles", json_integer(how->cycles));
	return output_json(doc);
}

static int load(struct product *p, char **files, unsigned int dtype)
{
	char error[512];
	int r;

	if (npy_read(&p->a, files[0], error, sizeof(error)) ||
	    npy_read(&p->b, files[1], error, sizeof(error)))
		return complain(NPUCTL_FAILED, "%s", error);
	r = guess(p, files, &dtype);
	if (!r)
		r = find_shape(p, files);
	if (!r)
		r = convert(&p->a, files[0], dtype, &p->a_type);
	if (!r)
		r = convert(&p->b, files[1], dtype, &p->b_type);
	if (!r)
		r = make_out(p, p->a.dims);
	if (r)
		return r;
	p->desc.a_type = p->a_type;
	p->desc.b_type = p->b_type;
	p->desc.b_layout = NPU_B_ROWS;
	p->desc.epilogue.out_type = p->out.type == NPY_INT32 ? NPU_S32 : NPU_FP32;
	return NPUCTL_DONE;
}

int run_product(const struct command *self, const struct run_options *o, char **files, int count)
{
	struct product p = { 0 };
	struct npu_device *dev = NULL;
	struct npu_result how;
	char error[512];
	int r;

	if (count != 2)
		return complain_usage(self, "a product is of two arrays, here are %d", count);
	if (!o->outputs.count)
		return complain_usage(self, "--output is missing");
	if (o->outputs.count > 1)
		return complain_usage(self, "a product has one --output");
	if (o->repeat)
		return complain_usage(self, "--repeat is for models; see npuctl bench matmul");
	p.out_path = o->outputs.text[0];
	r = load(&p, files, o->dtype);
	if (!r)
		r = device_open(&dev, o->device);
	if (!r)
		r = compute(dev, &p, &how);
	if (!r && npy_write(&p.out, p.out_path, error, sizeof(error)))
		r = complain(NPUCTL_FAILED, "%s", error);
	if (!r)
		r = report(&p, npu_device_name(dev), &how, o->json);
	npu_close(dev);
	free(p.a.data);
	free(p.b.data);
	free(p.out.data);
	return r;
}
