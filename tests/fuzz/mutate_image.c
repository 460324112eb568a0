// SPDX-License-Identifier: MIT
/*
 * Copyright (c) 2026 the npu authors
 *
 * Mutations that leave an image one: blind ones break a checksum, and everything behind it is never
 * reached. Fields of the header, of the tables (that of layers too) and of commands change in place,
 * then the checksums are made right; or commands come twice, go, change places, and get new semaphores. One in eight
 * stays blind.
 */
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "hal/crc32c.h"
#include "npu/stream.h"

#include "fuzz.h"

#define MAX_CHANGES 4u

/* ---- In place -------------------------------------------------------------------------------- */

/* Checksums as they should be, wherever the header says the sections are. */
static void seal(uint8_t *data, size_t size)
{
	struct npu_image_header h;
	unsigned int s, sections;
	size_t header;

	memcpy(&h, data, sizeof(h));
	sections = h.version == NPU_IMAGE_VERSION_PLAIN ? NPU_IMAGE_LAYERS : NPU_IMAGE_SECTIONS;
	header = sizeof(h) - (NPU_IMAGE_SECTIONS - sections) * sizeof(*h.part);
	for (s = 0; s < sections; s++)
		if (h.part[s].offset < size && h.part[s].size <= size - h.part[s].offset)
			h.part[s].crc = npu_crc32c(0, data + h.part[s].offset, h.part[s].size);
	h.crc = 0;
	h.crc = npu_crc32c(0, &h, header);
	memcpy(data, &h, header);
}

/* A field of 1, 2, 4 or 8 bytes, aligned, of the @span bytes at @at. */
static void change_field(uint64_t *chance, uint8_t *at, size_t span)
{
	size_t width = 1u << fuzz_chance(chance, 4), place;
	uint64_t v = 0;

	if (span < width)
		return;
	place = fuzz_chance(chance, (uint32_t)(span / width)) * width;
	memcpy(&v, at + place, width);
	switch (fuzz_chance(chance, 5)) {
	case 0:
		v ^= 1ull << fuzz_chance(chance, (uint32_t)width * 8);
		break;
	case 1:
		v += fuzz_chance(chance, 33) - 16ull;
		break;
	case 2: /* another field's */
		memcpy(&v, at + fuzz_chance(chance, (uint32_t)(span / width)) * width, width);
		break;
	default:
		v = (uint64_t)fuzz_number(chance);
	}
	memcpy(at + place, &v, width);
}

/* A command of the code, walking by the sizes in the headers; its size, 0: none. */
static size_t find_command(uint64_t *chance, const uint8_t *code, size_t size, size_t *at)
{
	size_t here, n, found = 0, count = 0;
	struct npu_cmd cmd;

	for (here = 0; here + sizeof(cmd) <= size; here += n) {
		memcpy(&cmd, code + here, sizeof(cmd));
		n = cmd.size < sizeof(cmd) || cmd.size > size - here ? sizeof(cmd) : cmd.size;
		/* Each of them equally likely; padding has no opcode. */
		if (cmd.opcode && !fuzz_chance(chance, (uint32_t)++count)) {
			*at = here;
			found = n;
		}
	}
	return found;
}

/* Where a section is, if all of it is there and the version has one. */
static bool find_part(const uint8_t *data, size_t size, unsigned int s, struct npu_image_part *part)
{
	struct npu_image_header h;

	memcpy(&h, data, sizeof(h));
	*part = h.part[s];
	return (s < NPU_IMAGE_LAYERS || h.version != NPU_IMAGE_VERSION_PLAIN) && part->size &&
	       part->offset < size && part->size <= size - part->offset;
}

static void change_in_place(uint64_t *chance, uint8_t *data, size_t size)
{
	const struct npu_image_header *h = (const void *)data;
	struct npu_image_part part;
	size_t at = 0, n;

	switch (fuzz_chance(chance, 8)) {
	case 0:
		change_field(chance, data + 16, sizeof(*h) - 16);
		return;
	case 1:
		n = size - sizeof(*h);
		if (n > 1024)
			n = 1024;
		change_field(chance, data + sizeof(*h), n);
		return;
	case 2:
		if (find_part(data, size, NPU_IMAGE_LAYERS, &part))
			change_field(chance, data + part.offset, part.size);
		return;
	default:
		if (!find_part(data, size, NPU_IMAGE_CODE, &part))
			return;
		n = find_command(chance, data + part.offset, part.size, &at);
		change_field(chance, data + part.offset + at, n);
	}
}

/* ---- Commands as wholes ---------------------------------------------------------------------- */

struct list {
	uint8_t *data;
	size_t size;
};

/* @count bytes at @at become those of @from. */
static void splice(struct list *l, size_t at, size_t count, const void *from, size_t size)
{
	uint8_t *data = malloc(l->size - count + size + 16);

	if (!data)
		return;
	if (at)
		memcpy(data, l->data, at);
	if (size)
		memcpy(data + at, from, size);
	if (l->size - at - count)
		memcpy(data + at + size, l->data + at + count, l->size - at - count);
	free(l->data);
	l->data = data;
	l->size = l->size - count + size;
}

/* npu_stream_sync(), for any commands whose sizes add up. */
static void order(struct list *l)
{
	static struct npu_device *dev;
	struct npu_stream *s = npu_stream_create();

	if (!dev)
		dev = fuzz_open("sim:spm=256K,acc=64K");
	if (!npu_stream_append(s, l->data, l->size) && !npu_stream_sync(s, npu_device_caps(dev)))
		memcpy(l->data, npu_stream_data(s, NULL), l->size);
	npu_stream_free(s);
}

static size_t change_commands(uint64_t *chance, uint8_t *data, size_t size, size_t max_size)
{
	struct npu_image image;
	struct list l = { NULL, 0 };
	unsigned int core;
	size_t a = 0, b = 0, na, nb, again_size;
	void *again, *aligned;

	if (posix_memalign(&aligned, 64, size))
		return size;
	memcpy(aligned, data, size);
	if (npu_image_parse(&image, aligned, size)) {
		free(aligned);
		return size;
	}
	core = fuzz_chance(chance, image.cores);
	splice(&l, 0, 0, image.code[core].cmds, image.code[core].size);
	na = find_command(chance, l.data, l.size, &a);
	nb = find_command(chance, l.data, l.size, &b);
	switch (fuzz_chance(chance, 4)) {
	case 0:
		splice(&l, a, na, NULL, 0);
		break;
	case 1:
		splice(&l, a, 0, l.data + b, nb);
		break;
	case 2:
		splice(&l, a, na, l.data + b, nb);
		break;
	default:
		if (na)
			change_field(chance, l.data + a, na);
	}
	if (fuzz_chance(chance, 4))
		order(&l);
	image.code[core] = (struct npu_code){ l.data, l.size };
	if (!npu_image_write(&image, &again, &again_size)) {
		if (again_size <= max_size) {
			memcpy(data, again, again_size);
			size = again_size;
		}
		free(again);
	}
	free(l.data);
	npu_image_clear(&image);
	free(aligned);
	return size;
}

size_t LLVMFuzzerCustomMutator(uint8_t *data, size_t size, size_t max_size, unsigned int seed)
{
	uint64_t chance = seed * 0x9e3779b97f4a7c15ull;
	unsigned int n;

	if (size < sizeof(struct npu_image_header) || !fuzz_chance(&chance, 8))
		return LLVMFuzzerMutate(data, size, max_size);
	if (!fuzz_chance(&chance, 3))
		return change_commands(&chance, data, size, max_size);
	for (n = 1 + fuzz_chance(&chance, MAX_CHANGES); n; n--)
		change_in_place(&chance, data, size);
	seal(data, size);
	return size;
}
