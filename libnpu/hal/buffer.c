// SPDX-License-Identifier: MIT
/*
 * Copyright (c) 2026 the npu authors
 *
 * Buffers. Each is bound once, for life, at an address of its own, with an unbound page behind it:
 * what runs over the end of a buffer faults instead of reaching the next.
 */
#include <errno.h>
#include <string.h>

#include "backend.h"

void npu_buffer_init(struct npu_buffer *buf, size_t size, uint64_t span)
{
	atomic_init(&buf->refs, 1);
	atomic_init(&buf->map, NULL);
	pthread_mutex_init(&buf->map_lock, NULL);
	buf->size = size;
	buf->span = span;
}

/* Where large pages are of use, addresses are aligned for them. */
static uint64_t va_align(uint64_t span)
{
	return span >= NPU_LARGE_PAGE_SIZE ? NPU_LARGE_PAGE_SIZE : NPU_PAGE_SIZE;
}

/* Gives a buffer of the backend's its address; it is destroyed on failure. */
static int bind(struct npu_device *dev, struct npu_buffer *buf)
{
	int ret;

	buf->dev = dev;
	ret = npu_va_alloc(&dev->va, buf->span + NPU_PAGE_SIZE, va_align(buf->span), &buf->va);
	if (ret) {
		npu_fail(-ENOMEM, "no virtual addresses left for %llu bytes",
			 (unsigned long long)buf->span);
		ret = -ENOMEM;
		goto destroy;
	}
	ret = dev->backend->buffer_bind(buf);
	if (ret)
		goto free_va;
	npu_device_get(dev);
	return 0;

free_va:
	npu_va_free(&dev->va, buf->va, buf->span + NPU_PAGE_SIZE);
destroy:
	pthread_mutex_destroy(&buf->map_lock);
	dev->backend->buffer_destroy(buf);
	return ret;
}

int npu_buffer_new(struct npu_device *dev, size_t size, unsigned int flags, bool readonly,
		   struct npu_buffer **buf)
{
	int ret;

	*buf = NULL;
	if (!size || size > PTRDIFF_MAX - NPU_LARGE_PAGE_SIZE)
		return npu_fail(-EINVAL, "a buffer of %zu bytes", size);
	if (flags & ~(unsigned int)NPU_BUFFER_LOCAL)
		return npu_fail(-EINVAL, "unknown buffer flags 0x%x", flags);
	ret = dev->backend->buffer_create(dev, size, flags, buf);
	if (ret == -ENOSPC || ret == -ENOMEM) {
		/* Jobs that have ended may still hold what the caller has released. */
		npu_device_reap(dev);
		ret = dev->backend->buffer_create(dev, size, flags, buf);
	}
	if (ret)
		return ret;
	(*buf)->readonly = readonly;
	ret = bind(dev, *buf);
	if (ret)
		*buf = NULL;
	return ret;
}

int npu_buffer_create(struct npu_device *dev, size_t size, unsigned int flags,
		      struct npu_buffer **buf)
{
	return npu_buffer_new(dev, size, flags, false, buf);
}

int npu_buffer_import(struct npu_device *dev, int fd, struct npu_buffer **buf)
{
	int ret;

	*buf = NULL;
	ret = dev->backend->buffer_import(dev, fd, buf);
	if (ret)
		return ret;
	ret = bind(dev, *buf);
	if (ret)
		*buf = NULL;
	return ret;
}

int npu_buffer_export(struct npu_buffer *buf, int *fd)
{
	*fd = -1;
	return buf->dev->backend->buffer_export(buf, fd);
}

void npu_buffer_release(struct npu_buffer *buf)
{
	struct npu_device *dev;
	bool weak;

	if (!buf || atomic_fetch_sub_explicit(&buf->refs, 1, memory_order_acq_rel) != 1)
		return;
	dev = buf->dev;
	weak = buf->weak;
	dev->backend->buffer_unbind(buf);
	npu_va_free(&dev->va, buf->va, buf->span + NPU_PAGE_SIZE);
	pthread_mutex_destroy(&buf->map_lock);
	dev->backend->buffer_destroy(buf);
	if (!weak)
		npu_device_put(dev);
}

size_t npu_buffer_size(const struct npu_buffer *buf)
{
	return buf->size;
}

uint64_t npu_buffer_address(const struct npu_buffer *buf)
{
	return buf->va;
}

int npu_buffer_map(struct npu_buffer *buf, void **ptr)
{
	int ret = 0;

	*ptr = atomic_load_explicit(&buf->map, memory_order_acquire);
	if (*ptr)
		return 0;
	pthread_mutex_lock(&buf->map_lock);
	*ptr = atomic_load_explicit(&buf->map, memory_order_relaxed);
	if (!*ptr) {
		ret = buf->dev->backend->buffer_map(buf, ptr);
		if (ret)
			*ptr = NULL;
		else
			atomic_store_explicit(&buf->map, *ptr, memory_order_release);
	}
	pthread_mutex_unlock(&buf->map_lock);
	return ret;
}

static int range(const struct npu_buffer *buf, size_t offset, size_t size, void **ptr)
{
	if (offset > buf->size || size > buf->size - offset)
		return npu_fail(-ERANGE, "bytes %zu and %zu more of a buffer of %zu", offset, size,
				buf->size);
	return npu_buffer_map((struct npu_buffer *)buf, ptr);
}

int npu_buffer_write(struct npu_buffer *buf, size_t offset, const void *data, size_t size)
{
	void *ptr;
	int ret = range(buf, offset, size, &ptr);

	if (!ret)
		memcpy((char *)ptr + offset, data, size);
	return ret;
}

int npu_buffer_read(struct npu_buffer *buf, size_t offset, void *data, size_t size)
{
	void *ptr;
	int ret = range(buf, offset, size, &ptr);

	if (!ret)
		memcpy(data, (const char *)ptr + offset, size);
	return ret;
}
