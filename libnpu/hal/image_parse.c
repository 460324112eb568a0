// SPDX-License-Identifier: MIT
/*
 * Copyright (c) 2026 the npu authors
 *
 * Reading .npu images. Nothing is used before it was checked, in the order of the file: header,
 * places of the sections, their checksums, each table, then the rules of image.c. There is one way
 * to write given contents, and no other is taken: sections lie exactly where the writer lays them,
 * padding is zero, and an image without layers is of version 1.
 */
#include <endian.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "crc32c.h"
#include "error.h"
#include "image.h"

static const char *const section_name[NPU_IMAGE_SECTIONS] = {
	[NPU_IMAGE_REGIONS] = "region table",
	[NPU_IMAGE_TENSORS] = "tensor table",
	[NPU_IMAGE_STREAMS] = "stream table",
	[NPU_IMAGE_NAMES] = "names",
	[NPU_IMAGE_CODE] = "code",
	[NPU_IMAGE_CONSTANTS] = "constants",
	[NPU_IMAGE_LAYERS] = "layer table",
};

struct section {
	const uint8_t *data;
	uint64_t size;
};

static bool all_zero(const uint8_t *p, uint64_t size)
{
	for (; size; size--) {
		if (*p++)
			return false;
	}
	return true;
}

/* @h is zero beyond the sections that its version has; @sections is set to their number. */
static int check_header(const void *data, size_t size, struct npu_image_header *h,
			unsigned int *sections)
{
	size_t bytes;
	uint32_t crc;

	memset(h, 0, sizeof(*h));
	if (!data || (uintptr_t)data % NPU_CMD_ALIGN)
		return npu_fail(-EINVAL, "an image must be aligned to %d bytes in memory",
				NPU_CMD_ALIGN);
	if (size < sizeof(h->magic) || memcmp(data, NPU_IMAGE_MAGIC, sizeof(h->magic)))
		return npu_fail(-EBADMSG, "not a .npu image");
	bytes = offsetof(struct npu_image_header, part);
	if (size < bytes)
		return npu_fail(-EBADMSG, "the image ends within its header");
	memcpy(h, data, bytes);
	*sections = npu_image_sections(le32toh(h->version));
	if (!*sections)
		return npu_fail(-ENOTSUP,
				"the image has format version %u, this library reads %d "
				"and %d",
				le32toh(h->version), NPU_IMAGE_VERSION_PLAIN,
				NPU_IMAGE_VERSION_LAYERS);
	bytes = npu_image_header_size(*sections);
	if (size < bytes)
		return npu_fail(-EBADMSG, "the image ends within its header");
	memcpy(h, data, bytes);
	crc = le32toh(h->crc);
	h->crc = 0;
	if (npu_crc32c(0, h, bytes) != crc)
		return npu_fail(-EBADMSG, "the image's header is damaged");
	if (h->reserved[0] || h->reserved[1])
		return npu_fail(-EBADMSG, "reserved fields of the header are not zero");
	if (le64toh(h->size) != size)
		return npu_fail(-EBADMSG, "the image has %llu bytes, %zu are there",
				(unsigned long long)le64toh(h->size), size);
	return 0;
}

static int find_sections(const uint8_t *data, const struct npu_image_header *h,
			 unsigned int sections, struct section *out)
{
	uint64_t total = le64toh(h->size), end = npu_image_header_size(sections);

	for (unsigned int s = 0; s < sections; s++) {
		uint64_t size = le64toh(h->part[s].size), start = end;

		if (size > NPU_IMAGE_MAX_PART)
			return npu_fail(-EBADMSG, "%s: %llu bytes", section_name[s],
					(unsigned long long)size);
		if (size)
			start = npu_image_align(s, end);
		if (le64toh(h->part[s].offset) != start || h->part[s].reserved)
			return npu_fail(-EBADMSG, "%s: not where it should be", section_name[s]);
		if (start > total || size > total - start)
			return npu_fail(-EBADMSG, "%s: goes beyond the image", section_name[s]);
		if (!all_zero(data + end, start - end))
			return npu_fail(-EBADMSG, "%s: padding before it is not zero",
					section_name[s]);
		out[s] = (struct section){ data + start, size };
		if (npu_crc32c(0, out[s].data, size) != le32toh(h->part[s].crc))
			return npu_fail(-EBADMSG, "%s: damaged (the checksum is wrong)",
					section_name[s]);
		end = start + size;
	}
	if (end != total)
		return npu_fail(-EBADMSG, "the image goes on after its last section");
	return 0;
}

static int table_size(const struct section *s, unsigned int which, uint64_t count, uint64_t entry)
{
	if (s[which].size != count * entry)
		return npu_fail(-EBADMSG, "%s: %llu bytes, should be %llu", section_name[which],
				(unsigned long long)s[which].size,
				(unsigned long long)(count * entry));
	return 0;
}

static int get_regions(struct npu_image *image, const struct section *s)
{
	const struct npu_image_region *r = (const void *)s[NPU_IMAGE_REGIONS].data;
	int ret = table_size(s, NPU_IMAGE_REGIONS, NPU_MAX_REGIONS, sizeof(*r));

	for (unsigned int i = 0; !ret && i < NPU_MAX_REGIONS; i++) {
		image->region[i].kind = le32toh(r[i].kind);
		image->region[i].flags = le32toh(r[i].flags);
		image->region[i].size = le64toh(r[i].size);
	}
	return ret;
}

static int get_streams(struct npu_image *image, const struct section *s)
{
	const struct npu_image_stream *in = (const void *)s[NPU_IMAGE_STREAMS].data;
	const struct section *code = &s[NPU_IMAGE_CODE];
	uint64_t end = 0;
	int ret;

	if (!image->cores || image->cores > NPU_MAX_CORES)
		return npu_fail(-EBADMSG, "%u streams: 1 to %d can be", image->cores,
				NPU_MAX_CORES);
	ret = table_size(s, NPU_IMAGE_STREAMS, image->cores, sizeof(*in));
	if (ret)
		return ret;
	for (unsigned int i = 0; i < image->cores; i++) {
		uint64_t offset = le64toh(in[i].offset), size = le64toh(in[i].size), padded;

		padded = (size + NPU_IMAGE_ALIGN - 1) & ~(uint64_t)(NPU_IMAGE_ALIGN - 1);
		if (offset != end || size > code->size || padded > code->size - offset)
			return npu_fail(-EBADMSG, "stream %u: goes beyond the code", i);
		if (!all_zero(code->data + offset + size, padded - size))
			return npu_fail(-EBADMSG, "stream %u: padding behind it is not zero", i);
		image->code[i].cmds = code->data + offset;
		image->code[i].size = size;
		end += padded;
	}
	if (end != code->size)
		return npu_fail(-EBADMSG, "there is code that is in no stream");
	return 0;
}

/* The next name of those that are read in turn; NULL: there is none. */
static const char *next_name(const struct section *names, uint64_t *next)
{
	const char *name = (const char *)names->data + *next;

	if (*next >= names->size)
		return NULL;
	*next += strlen(name) + 1;
	return name;
}

static int get_tensors(struct npu_image *image, const struct section *s, uint64_t *next)
{
	const struct npu_image_tensor *in = (const void *)s[NPU_IMAGE_TENSORS].data;
	struct npu_tensor_info *out;
	int ret;

	if (image->tensor_count > NPU_IMAGE_MAX_TENSORS)
		return npu_fail(-EBADMSG, "%u tensors: at most %d can be", image->tensor_count,
				NPU_IMAGE_MAX_TENSORS);
	ret = table_size(s, NPU_IMAGE_TENSORS, image->tensor_count, sizeof(*in));
	if (ret || !image->tensor_count)
		return ret;
	out = calloc(image->tensor_count, sizeof(*out));
	if (!out)
		return npu_fail(-ENOMEM, "out of memory");
	image->tensors = out;
	for (unsigned int i = 0; i < image->tensor_count; i++, in++, out++) {
		uint32_t scale = le32toh(in->scale);

		if (le32toh(in->name) != *next || in->reserved)
			return npu_fail(-EBADMSG,
					"tensor %u: its name or a reserved field is wrong", i);
		out->name = next_name(&s[NPU_IMAGE_NAMES], next);
		if (!out->name)
			return npu_fail(-EBADMSG, "tensor %u: there is no name for it", i);
		out->role = le32toh(in->role);
		out->type = le32toh(in->type);
		out->dims = le32toh(in->dims);
		for (unsigned int d = 0; d < NPU_MAX_DIMS; d++)
			out->shape[d] = le32toh(in->shape[d]);
		memcpy(&out->scale, &scale, sizeof(scale));
		out->zero_point = le32toh(in->zero_point);
		out->region = le32toh(in->region);
		out->offset = le64toh(in->offset);
		out->size = npu_tensor_bytes(out->type, out->dims, out->shape);
	}
	return 0;
}

static int get_layers(struct npu_image *image, const struct section *s, uint64_t *next)
{
	const struct npu_image_layer *in = (const void *)s[NPU_IMAGE_LAYERS].data;
	uint64_t count = s[NPU_IMAGE_LAYERS].size / sizeof(*in);
	struct npu_layer *out;
	int ret;

	if (!count || count > NPU_IMAGE_MAX_LAYERS)
		return npu_fail(-EBADMSG, "%llu layers: 1 to %u can be", (unsigned long long)count,
				NPU_IMAGE_MAX_LAYERS);
	ret = table_size(s, NPU_IMAGE_LAYERS, count, sizeof(*in));
	if (ret)
		return ret;
	out = calloc(count, sizeof(*out));
	if (!out)
		return npu_fail(-ENOMEM, "out of memory");
	image->layers = out;
	image->layer_count = count;
	for (unsigned int i = 0; i < count; i++, in++, out++) {
		if (le32toh(in->name) != *next || in->reserved)
			return npu_fail(-EBADMSG, "layer %u: its name or a reserved field is wrong",
					i);
		out->name = next_name(&s[NPU_IMAGE_NAMES], next);
		out->op = next_name(&s[NPU_IMAGE_NAMES], next);
		out->kernel = next_name(&s[NPU_IMAGE_NAMES], next);
		if (!out->kernel)
			return npu_fail(-EBADMSG, "layer %u: there are no names for it", i);
		out->work.rate = le32toh(in->rate);
		out->work.macs = le64toh(in->macs);
		out->work.bytes = le64toh(in->bytes);
	}
	return 0;
}

/* Both tables name things; there are no names but these. */
static int get_named(struct npu_image *image, const struct section *s, unsigned int sections)
{
	const struct section *names = &s[NPU_IMAGE_NAMES];
	uint64_t next = 0;
	int ret;

	if (names->size && names->data[names->size - 1])
		return npu_fail(-EBADMSG, "names: the last does not end");
	ret = get_tensors(image, s, &next);
	if (!ret && sections > NPU_IMAGE_LAYERS)
		ret = get_layers(image, s, &next);
	if (!ret && next != names->size)
		ret = npu_fail(-EBADMSG, "names that nothing has");
	return ret;
}

int npu_image_parse(struct npu_image *image, const void *data, size_t size)
{
	struct section s[NPU_IMAGE_SECTIONS];
	struct npu_image_header h;
	unsigned int sections = 0;
	int ret;

	memset(image, 0, sizeof(*image));
	ret = check_header(data, size, &h, &sections);
	if (ret)
		return ret;
	ret = find_sections(data, &h, sections, s);
	if (ret)
		return ret;
	image->isa = le32toh(h.isa);
	image->features = le32toh(h.features);
	image->spm_size = le32toh(h.spm_size);
	image->acc_size = le32toh(h.acc_size);
	image->tensor_count = le32toh(h.tensors);
	image->cores = le32toh(h.cores);
	image->constants_size = s[NPU_IMAGE_CONSTANTS].size;
	image->constants = image->constants_size ? s[NPU_IMAGE_CONSTANTS].data : NULL;
	ret = get_regions(image, s);
	if (!ret)
		ret = get_streams(image, s);
	if (!ret)
		ret = get_named(image, s, sections);
	if (!ret)
		ret = npu_image_check(image, -EBADMSG);
	if (ret)
		npu_image_clear(image);
	return ret;
}

void npu_image_clear(struct npu_image *image)
{
	free((void *)image->tensors);
	free((void *)image->layers);
	memset(image, 0, sizeof(*image));
}
