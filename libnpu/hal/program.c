// SPDX-License-Identifier: MIT
/*
 * Copyright (c) 2026 the npu authors
 *
 * Programs: an image that was found good, its code and constants in buffers of its own. Both go to
 * local memory if they fit there, and the card may only read them.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "isa/validate.h"
#include "npu/image.h"

#include "backend.h"

#define CODE_ALIGN 64

static uint64_t code_span(uint64_t size)
{
	return (size + CODE_ALIGN - 1) & ~(uint64_t)(CODE_ALIGN - 1);
}

static int own_buffer(struct npu_device *dev, uint64_t size, struct npu_buffer **buf)
{
	int ret = npu_buffer_new(dev, size, NPU_BUFFER_LOCAL, true, buf);

	if (ret == -ENOSPC)
		ret = npu_buffer_new(dev, size, NPU_BUFFER_HOST, true, buf);
	return ret;
}

static int upload_code(struct npu_program *prog, const struct npu_image *image)
{
	uint64_t total = 0, at = 0;
	int ret;

	for (unsigned int i = 0; i < image->cores; i++)
		total += code_span(image->code[i].size);
	if (!total)
		return 0;
	ret = own_buffer(prog->dev, total, &prog->code);
	if (ret)
		return ret;
	for (unsigned int i = 0; i < image->cores; i++) {
		uint64_t size = image->code[i].size;

		if (!size)
			continue;
		ret = npu_buffer_write(prog->code, at, image->code[i].cmds, size);
		if (ret)
			return ret;
		prog->stream[i].va = npu_buffer_address(prog->code) + at;
		prog->stream[i].size = size;
		at += code_span(size);
	}
	return 0;
}

static int upload_constants(struct npu_program *prog, const struct npu_image *image)
{
	int ret;

	if (!image->constants_size)
		return 0;
	ret = own_buffer(prog->dev, image->constants_size, &prog->constants);
	if (ret)
		return ret;
	return npu_buffer_write(prog->constants, 0, image->constants, image->constants_size);
}

/* The table and the names behind it, in one allocation. */
static int copy_tensors(struct npu_program *prog, const struct npu_image *image)
{
	size_t bytes = image->tensor_count * sizeof(*prog->tensors);
	char *names;

	if (!image->tensor_count)
		return 0;
	for (unsigned int i = 0; i < image->tensor_count; i++)
		bytes += strlen(image->tensors[i].name) + 1;
	prog->tensors = malloc(bytes);
	if (!prog->tensors)
		return npu_fail(-ENOMEM, "out of memory");
	names = (char *)(prog->tensors + image->tensor_count);
	for (unsigned int i = 0; i < image->tensor_count; i++) {
		prog->tensors[i] = image->tensors[i];
		prog->tensors[i].name = names;
		names = stpcpy(names, image->tensors[i].name) + 1;
	}
	prog->tensor_count = image->tensor_count;
	return 0;
}

static int make(struct npu_device *dev, const struct npu_image *image, struct npu_program **out)
{
	struct npu_program *prog;
	int ret;

	prog = calloc(1, sizeof(*prog));
	if (!prog)
		return npu_fail(-ENOMEM, "out of memory");
	prog->dev = npu_device_get(dev);
	atomic_init(&prog->refs, 1);
	prog->cores = image->cores;
	memcpy(prog->region, image->region, sizeof(prog->region));
	ret = upload_code(prog, image);
	if (!ret)
		ret = upload_constants(prog, image);
	if (!ret)
		ret = copy_tensors(prog, image);
	if (ret) {
		npu_program_release(prog);
		return ret;
	}
	*out = prog;
	return 0;
}

int npu_program_create(struct npu_device *dev, const void *image, size_t size,
		       struct npu_program **prog)
{
	struct npu_image contents;
	int ret;

	*prog = NULL;
	ret = npu_image_parse(&contents, image, size);
	if (ret)
		return ret;
	ret = npu_image_fits(&contents, &dev->caps);
	if (!ret)
		ret = npu_validate_image(&contents);
	if (!ret)
		ret = make(dev, &contents, prog);
	npu_image_clear(&contents);
	return ret;
}

int npu_program_load(struct npu_device *dev, const char *path, struct npu_program **prog)
{
	struct stat st;
	void *image;
	int fd, ret;

	*prog = NULL;
	fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		return npu_fail(-errno, "%s: %s", path, strerror(errno));
	if (fstat(fd, &st)) {
		ret = npu_fail(-errno, "%s: %s", path, strerror(errno));
		goto close;
	}
	if (!S_ISREG(st.st_mode) || !st.st_size) {
		ret = npu_fail(-EBADMSG, "%s: not a file with anything in it", path);
		goto close;
	}
	image = mmap(NULL, st.st_size, PROT_READ, MAP_PRIVATE, fd, 0);
	if (image == MAP_FAILED) {
		ret = npu_fail(-errno, "%s: cannot be mapped: %s", path, strerror(errno));
		goto close;
	}
	ret = npu_program_create(dev, image, st.st_size, prog);
	munmap(image, st.st_size);
close:
	close(fd);
	return ret;
}

void npu_program_release(struct npu_program *prog)
{
	struct npu_device *dev;
	bool weak;

	if (!prog || atomic_fetch_sub_explicit(&prog->refs, 1, memory_order_acq_rel) != 1)
		return;
	dev = prog->dev;
	weak = prog->weak;
	npu_buffer_release(prog->code);
	npu_buffer_release(prog->constants);
	free(prog->tensors);
	free(prog);
	if (!weak)
		npu_device_put(dev);
}

static void weaken_buffer(struct npu_buffer *buf)
{
	if (!buf)
		return;
	buf->weak = true;
	npu_device_put(buf->dev);
}

void npu_program_weaken(struct npu_program *prog)
{
	weaken_buffer(prog->code);
	weaken_buffer(prog->constants);
	prog->weak = true;
	npu_device_put(prog->dev);
}

unsigned int npu_program_cores(const struct npu_program *prog)
{
	return prog->cores;
}

unsigned int npu_program_tensors(const struct npu_program *prog)
{
	return prog->tensor_count;
}

const struct npu_tensor_info *npu_program_tensor(const struct npu_program *prog, unsigned int i)
{
	return i < prog->tensor_count ? &prog->tensors[i] : NULL;
}

const struct npu_region_info *npu_program_region(const struct npu_program *prog, unsigned int i)
{
	return i < NPU_MAX_REGIONS ? &prog->region[i] : NULL;
}
