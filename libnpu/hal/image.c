// SPDX-License-Identifier: MIT
/*
 * Copyright (c) 2026 the npu authors
 *
 * .npu images: what holds for their contents, and making their bytes. image_parse.c reads them.
 */
#include "image.h"

#include <endian.h>
#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "crc32c.h"
#include "error.h"

_Static_assert(sizeof(struct npu_image_header) == 64 + NPU_IMAGE_SECTIONS * 24, "header");
_Static_assert(sizeof(struct npu_image_tensor) == 72, "tensor");
_Static_assert(sizeof(struct npu_image_layer) == 32, "layer");

/* ---- Rules ----------------------------------------------------------------------------------- */

uint64_t npu_tensor_bytes(uint32_t type, uint32_t dims, const uint32_t *shape)
{
	static const uint8_t bits[NPU_TYPES] = {
		[NPU_S8] = 8,	 [NPU_U8] = 8,	 [NPU_S32] = 32,
		[NPU_BF16] = 16, [NPU_FP16] = 16,
		[NPU_FP32] = 32, [NPU_S4] = 4, [NPU_U4] = 4,   [NPU_S64] = 64,
	};
	uint64_t count = 1;

	if (type >= NPU_TYPES || dims > NPU_MAX_DIMS)
		return 0;
	for (uint32_t i = 0; i < dims; i++) {
		if (!shape[i] || count > NPU_IMAGE_MAX_PART / shape[i])
			return 0;
		count *= shape[i];
	}
	return (count * bits[type] + 7) / 8;
}

static int check_regions(const struct npu_image *image, int err)
{
	bool constants = false;

	for (unsigned int i = 0; i < NPU_MAX_REGIONS; i++) {
		const struct npu_region_info *r = &image->region[i];

		if (r->kind > NPU_REGION_CONSTANTS ||
		    r->flags & ~(NPU_REGION_READ | NPU_REGION_WRITE))
			return npu_fail(err, "region %u: kind %u or flags 0x%x unknown", i, r->kind,
					r->flags);
		if (r->size > NPU_IMAGE_MAX_PART)
			return npu_fail(err, "region %u: %llu bytes", i,
					(unsigned long long)r->size);
		if (r->kind == NPU_REGION_NONE && (r->flags || r->size))
			return npu_fail(err, "region %u is not used but has flags or a size", i);
		if (r->kind != NPU_REGION_CONSTANTS)
			continue;
		if (constants)
			return npu_fail(err, "region %u: constants are in another region already",
					i);
		constants = true;
		if (r->flags & NPU_REGION_WRITE)
			return npu_fail(err, "region %u: constants are not written", i);
		if (!r->size || r->size != image->constants_size)
			return npu_fail(err,
					"region %u: %llu bytes of constants, but %llu are there", i,
					(unsigned long long)r->size,
					(unsigned long long)image->constants_size);
	}
	if (!constants && image->constants_size)
		return npu_fail(err, "there are constants but no region for them");
	return 0;
}

static bool is_name(const char *name)
{
	size_t length = name ? strnlen(name, NPU_IMAGE_MAX_NAME + 1) : 0;

	return length && length <= NPU_IMAGE_MAX_NAME;
}

static int check_tensor(const struct npu_image *image, unsigned int i, int err)
{
	const struct npu_tensor_info *t = &image->tensors[i];
	const struct npu_region_info *r;
	uint64_t bytes;

	if (!is_name(t->name))
		return npu_fail(err, "tensor %u: a name has 1 to %d bytes", i, NPU_IMAGE_MAX_NAME);
	if (t->role > NPU_TENSOR_OUTPUT)
		return npu_fail(err, "tensor %s: role %u unknown", t->name, t->role);
	bytes = npu_tensor_bytes(t->type, t->dims, t->shape);
	if (!bytes)
		return npu_fail(err, "tensor %s: type %u, dimensions or shape not valid", t->name,
				t->type);
	for (unsigned int d = t->dims; d < NPU_MAX_DIMS; d++) {
		if (t->shape[d])
			return npu_fail(err, "tensor %s: a shape beyond its dimensions", t->name);
	}
	if (!(t->scale >= 0.0f) || !isfinite(t->scale))
		return npu_fail(err, "tensor %s: its scale is not a finite positive number or 0",
				t->name);
	if (t->region >= NPU_MAX_REGIONS)
		return npu_fail(err, "tensor %s: region %u", t->name, t->region);
	r = &image->region[t->region];
	if (r->kind != NPU_REGION_BOUND)
		return npu_fail(err, "tensor %s: region %u is not one that is bound", t->name,
				t->region);
	if (t->role == NPU_TENSOR_OUTPUT && !(r->flags & NPU_REGION_WRITE))
		return npu_fail(err, "tensor %s: an output, but region %u is not written", t->name,
				t->region);
	if (t->offset > r->size || bytes > r->size - t->offset)
		return npu_fail(err, "tensor %s: goes beyond region %u", t->name, t->region);
	for (unsigned int k = 0; k < i; k++) {
		if (!strcmp(image->tensors[k].name, t->name))
			return npu_fail(err, "two tensors are called %s", t->name);
	}
	return 0;
}

static int check_layer(const struct npu_image *image, unsigned int i, int err)
{
	const struct npu_layer *l = &image->layers[i];

	if (!is_name(l->name) || !is_name(l->op) || !is_name(l->kernel))
		return npu_fail(err, "layer %u: its names have 1 to %d bytes each", i,
				NPU_IMAGE_MAX_NAME);
	if (l->work.rate >= NPU_RATES)
		return npu_fail(err, "layer %u (%s): rate %u unknown", i, l->name, l->work.rate);
	if (!l->work.rate && (l->work.macs || l->work.bytes))
		return npu_fail(err, "layer %u (%s): no product, but it has work to do", i,
				l->name);
	if (l->work.rate && (!l->work.macs || l->work.macs > NPU_IMAGE_MAX_WORK || !l->work.bytes ||
			     l->work.bytes > NPU_IMAGE_MAX_WORK))
		return npu_fail(err, "layer %u (%s): %llu multiply-accumulates, %llu bytes", i,
				l->name, (unsigned long long)l->work.macs,
				(unsigned long long)l->work.bytes);
	return 0;
}

int npu_image_check(const struct npu_image *image, int err)
{
	int ret;

	if (!image->cores || image->cores > NPU_MAX_CORES)
		return npu_fail(err, "%u streams: 1 to %d can be", image->cores, NPU_MAX_CORES);
	for (unsigned int i = 0; i < image->cores; i++) {
		if (image->code[i].size % NPU_CMD_ALIGN || image->code[i].size > NPU_IMAGE_MAX_PART)
			return npu_fail(err, "stream %u: %llu bytes", i,
					(unsigned long long)image->code[i].size);
	}
	if (image->constants_size > NPU_IMAGE_MAX_PART)
		return npu_fail(err, "%llu bytes of constants",
				(unsigned long long)image->constants_size);
	if (image->tensor_count > NPU_IMAGE_MAX_TENSORS)
		return npu_fail(err, "%u tensors: at most %d can be", image->tensor_count,
				NPU_IMAGE_MAX_TENSORS);
	ret = check_regions(image, err);
	for (unsigned int i = 0; !ret && i < image->tensor_count; i++)
		ret = check_tensor(image, i, err);
	if (!ret && image->layer_count > NPU_IMAGE_MAX_LAYERS)
		ret = npu_fail(err, "%u layers: at most %u can be", image->layer_count,
			       NPU_IMAGE_MAX_LAYERS);
	for (unsigned int i = 0; !ret && i < image->layer_count; i++)
		ret = check_layer(image, i, err);
	return ret;
}

int npu_image_fits(const struct npu_image *image, const struct npu_caps *caps)
{
	uint32_t missing = image->features & ~caps->features;

	if (image->isa >> 16 != caps->isa >> 16 || image->isa > caps->isa)
		return npu_fail(
			-ENOTSUP, "the program is of instruction set %u.%u, the card has %u.%u",
			image->isa >> 16, image->isa & 0xffff, caps->isa >> 16, caps->isa & 0xffff);
	if (missing)
		return npu_fail(-ENOTSUP, "the card lacks features 0x%x that the program needs",
				missing);
	if (image->cores > caps->cores)
		return npu_fail(-ENOTSUP, "the program needs %u cores, the card has %u",
				image->cores, caps->cores);
	if (image->spm_size > caps->spm_size)
		return npu_fail(-ENOTSUP,
				"the program needs %u bytes of scratchpad a core, the card has %u",
				image->spm_size, caps->spm_size);
	if (image->acc_size > caps->acc_size)
		return npu_fail(
			-ENOTSUP,
			"the program needs %u bytes of accumulators a core, the card has %u",
			image->acc_size, caps->acc_size);
	return 0;
}

/* ---- Writing --------------------------------------------------------------------------------- */

static uint64_t align_code(uint64_t size)
{
	return (size + NPU_IMAGE_ALIGN - 1) & ~(uint64_t)(NPU_IMAGE_ALIGN - 1);
}

/* Without layers an image is what readers of version 1 know. */
static uint32_t version_of(const struct npu_image *image)
{
	return image->layer_count ? NPU_IMAGE_VERSION_LAYERS : NPU_IMAGE_VERSION_PLAIN;
}

/* Sizes and places of the sections; returns the size of all. */
static uint64_t lay_out(const struct npu_image *image, unsigned int sections,
			struct npu_image_part *part)
{
	uint64_t size[NPU_IMAGE_SECTIONS] = {
		[NPU_IMAGE_REGIONS] = NPU_MAX_REGIONS * sizeof(struct npu_image_region),
		[NPU_IMAGE_TENSORS] = image->tensor_count * sizeof(struct npu_image_tensor),
		[NPU_IMAGE_STREAMS] = image->cores * sizeof(struct npu_image_stream),
		[NPU_IMAGE_CONSTANTS] = image->constants_size,
		[NPU_IMAGE_LAYERS] = image->layer_count * sizeof(struct npu_image_layer),
	};
	uint64_t end = npu_image_header_size(sections);

	for (unsigned int i = 0; i < image->tensor_count; i++)
		size[NPU_IMAGE_NAMES] += strlen(image->tensors[i].name) + 1;
	for (unsigned int i = 0; i < image->layer_count; i++) {
		const struct npu_layer *l = &image->layers[i];

		size[NPU_IMAGE_NAMES] += strlen(l->name) + strlen(l->op) + strlen(l->kernel) + 3;
	}
	for (unsigned int i = 0; i < image->cores; i++)
		size[NPU_IMAGE_CODE] += align_code(image->code[i].size);
	for (unsigned int s = 0; s < sections; s++) {
		if (size[s])
			end = npu_image_align(s, end);
		part[s].offset = htole64(end);
		part[s].size = htole64(size[s]);
		end += size[s];
	}
	return end;
}

/* Returns the end of the names. */
static char *put_tensors(const struct npu_image *image, struct npu_image_tensor *out, char *names)
{
	const char *first = names;

	for (unsigned int i = 0; i < image->tensor_count; i++, out++) {
		const struct npu_tensor_info *t = &image->tensors[i];
		uint32_t scale;

		memcpy(&scale, &t->scale, sizeof(scale));
		out->name = htole32(names - first);
		names = stpcpy(names, t->name) + 1;
		out->role = htole32(t->role);
		out->type = htole32(t->type);
		out->dims = htole32(t->dims);
		for (unsigned int d = 0; d < NPU_MAX_DIMS; d++)
			out->shape[d] = htole32(t->shape[d]);
		out->scale = htole32(scale);
		out->zero_point = htole32(t->zero_point);
		out->region = htole32(t->region);
		out->offset = htole64(t->offset);
	}
	return names;
}

/* @first: where the names begin; @names: where the tensors' end. */
static void put_layers(const struct npu_image *image, struct npu_image_layer *out,
		       const char *first, char *names)
{
	for (unsigned int i = 0; i < image->layer_count; i++, out++) {
		const struct npu_layer *l = &image->layers[i];

		out->name = htole32(names - first);
		names = stpcpy(names, l->name) + 1;
		names = stpcpy(names, l->op) + 1;
		names = stpcpy(names, l->kernel) + 1;
		out->rate = htole32(l->work.rate);
		out->macs = htole64(l->work.macs);
		out->bytes = htole64(l->work.bytes);
	}
}

static void put_code(const struct npu_image *image, struct npu_image_stream *out, uint8_t *code)
{
	uint64_t at = 0;

	for (unsigned int i = 0; i < image->cores; i++) {
		uint64_t size = image->code[i].size;

		out[i].offset = htole64(at);
		out[i].size = htole64(size);
		if (size)
			memcpy(code + at, image->code[i].cmds, size);
		at += align_code(size);
	}
}

int npu_image_write(const struct npu_image *image, void **data, size_t *size)
{
	struct npu_image_part part[NPU_IMAGE_SECTIONS] = { 0 };
	uint32_t version = version_of(image);
	unsigned int sections = npu_image_sections(version);
	size_t header = npu_image_header_size(sections);
	struct npu_image_header *h;
	struct npu_image_region *region;
	uint8_t *at[NPU_IMAGE_SECTIONS];
	uint64_t total;
	void *bytes;
	char *names;
	int ret;

	*data = NULL;
	*size = 0;
	ret = npu_image_check(image, -EINVAL);
	if (ret)
		return ret;
	total = lay_out(image, sections, part);
	if (total > PTRDIFF_MAX)
		return npu_fail(-EOVERFLOW, "an image of %llu bytes", (unsigned long long)total);
	if (posix_memalign(&bytes, NPU_IMAGE_ALIGN, total))
		return npu_fail(-ENOMEM, "no memory for an image of %llu bytes",
				(unsigned long long)total);
	memset(bytes, 0, total);
	for (unsigned int s = 0; s < sections; s++)
		at[s] = (uint8_t *)bytes + le64toh(part[s].offset);

	region = (struct npu_image_region *)at[NPU_IMAGE_REGIONS];
	for (unsigned int i = 0; i < NPU_MAX_REGIONS; i++) {
		region[i].kind = htole32(image->region[i].kind);
		region[i].flags = htole32(image->region[i].flags);
		region[i].size = htole64(image->region[i].size);
	}
	names = (char *)at[NPU_IMAGE_NAMES];
	names = put_tensors(image, (struct npu_image_tensor *)at[NPU_IMAGE_TENSORS], names);
	if (image->layer_count)
		put_layers(image, (struct npu_image_layer *)at[NPU_IMAGE_LAYERS],
			   (char *)at[NPU_IMAGE_NAMES], names);
	put_code(image, (struct npu_image_stream *)at[NPU_IMAGE_STREAMS], at[NPU_IMAGE_CODE]);
	if (image->constants_size)
		memcpy(at[NPU_IMAGE_CONSTANTS], image->constants, image->constants_size);

	h = bytes;
	memcpy(h->magic, NPU_IMAGE_MAGIC, sizeof(h->magic));
	h->version = htole32(version);
	h->size = htole64(total);
	h->isa = htole32(image->isa);
	h->features = htole32(image->features);
	h->spm_size = htole32(image->spm_size);
	h->acc_size = htole32(image->acc_size);
	h->tensors = htole32(image->tensor_count);
	h->cores = htole32(image->cores);
	for (unsigned int s = 0; s < sections; s++)
		part[s].crc = htole32(npu_crc32c(0, at[s], le64toh(part[s].size)));
	memcpy(h->part, part, sections * sizeof(*part));
	h->crc = htole32(npu_crc32c(0, h, header));
	*data = bytes;
	*size = total;
	return 0;
}
