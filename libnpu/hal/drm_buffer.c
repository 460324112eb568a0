// SPDX-License-Identifier: MIT
/*
 * Copyright (c) 2026 the npu authors
 *
 * Buffers of the real card: GEM objects, bound by VM_BIND.
 *
 * Binds are synchronous: jobs need not wait for them, and when a buffer was released its memory is
 * free. (An asynchronous unbind would spare the caller the moment until the card has forgotten the
 * addresses, and leave nobody knowing when the memory is there again.)
 */
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>
#include <xf86drm.h>

#include "backend_drm.h"

/**
 * struct drm_buffer - a GEM object
 * @mapped: CPU mapping, for unmapping
 */
struct drm_buffer {
	struct npu_buffer base;
	uint32_t handle;
	bool imported;
	void *mapped;
};

static struct drm_buffer *to_drm_buffer(struct npu_buffer *buf)
{
	return npu_container_of(buf, struct drm_buffer, base);
}

/* ---- Handles --------------------------------------------------------------------------------- */

static int ref_handle_locked(struct drm_device *dev, uint32_t handle)
{
	if (handle >= dev->handle_room) {
		uint32_t room = handle < 32 ? 64 : 2 * handle;
		uint32_t *more = realloc(dev->handle_refs, room * sizeof(*more));

		if (!more)
			return -ENOMEM;
		memset(more + dev->handle_room, 0, (room - dev->handle_room) * sizeof(*more));
		dev->handle_refs = more;
		dev->handle_room = room;
	}
	dev->handle_refs[handle]++;
	return 0;
}

static void put_handle(struct drm_device *dev, uint32_t handle)
{
	pthread_mutex_lock(&dev->handle_lock);
	if (!--dev->handle_refs[handle])
		drm_call(dev, DRM_IOCTL_GEM_CLOSE, &(struct drm_gem_close){ .handle = handle });
	pthread_mutex_unlock(&dev->handle_lock);
}

/* A buffer for a handle that the kernel has just given, with handle_lock. */
static struct drm_buffer *buffer_new_locked(struct drm_device *dev, uint32_t handle)
{
	struct drm_buffer *buf = calloc(1, sizeof(*buf));
	bool known = handle < dev->handle_room && dev->handle_refs[handle];

	if (buf && !ref_handle_locked(dev, handle)) {
		buf->handle = handle;
		return buf;
	}
	free(buf);
	if (!known)
		drm_call(dev, DRM_IOCTL_GEM_CLOSE, &(struct drm_gem_close){ .handle = handle });
	return NULL;
}

/* ---- Life ------------------------------------------------------------------------------------ */

static int vm_bind(struct drm_device *dev, struct drm_npu_vm_bind_op *op)
{
	struct drm_npu_vm_bind bind = {
		.vm_id = dev->vm,
		.ops = { .stride = sizeof(*op), .count = 1, .array = (uintptr_t)op },
		.syncs = { .stride = sizeof(struct drm_npu_sync) },
	};

	return drm_call(dev, DRM_IOCTL_NPU_VM_BIND, &bind);
}

int drm_buffer_create(struct npu_device *base, size_t size, unsigned int flags,
		      struct npu_buffer **out)
{
	struct drm_npu_bo_create bo = {
		.size = size,
		.flags = flags & NPU_BUFFER_LOCAL ? DRM_NPU_BO_LOCAL : 0,
	};
	struct drm_device *dev = to_drm(base);
	struct drm_buffer *buf;
	int ret;

	ret = drm_call(dev, DRM_IOCTL_NPU_BO_CREATE, &bo);
	if (ret == -ENOSPC)
		return npu_fail(ret, "local memory has no room for %zu bytes", size);
	if (ret)
		return npu_fail(ret, "a buffer of %zu bytes: %s", size, strerror(-ret));
	pthread_mutex_lock(&dev->handle_lock);
	buf = buffer_new_locked(dev, bo.handle);
	pthread_mutex_unlock(&dev->handle_lock);
	if (!buf)
		return npu_fail(-ENOMEM, "out of memory");
	npu_buffer_init(&buf->base, size, bo.size);
	*out = &buf->base;
	return 0;
}

int drm_buffer_import(struct npu_device *base, int fd, struct npu_buffer **out)
{
	struct drm_device *dev = to_drm(base);
	struct drm_npu_bo_info info = { 0 };
	struct drm_buffer *buf = NULL;
	uint32_t handle;
	int ret;

	pthread_mutex_lock(&dev->handle_lock);
	ret = drmPrimeFDToHandle(dev->fd, fd, &handle) ? -errno : 0;
	if (!ret) {
		buf = buffer_new_locked(dev, handle);
		if (!buf)
			ret = -ENOMEM;
	}
	pthread_mutex_unlock(&dev->handle_lock);
	if (ret)
		return npu_fail(ret, "the card cannot use that dma-buf: %s", strerror(-ret));
	info.handle = handle;
	ret = drm_call(dev, DRM_IOCTL_NPU_BO_INFO, &info);
	if (ret) {
		put_handle(dev, handle);
		free(buf);
		return npu_fail(ret, "what is that dma-buf: %s", strerror(-ret));
	}
	buf->imported = info.imported;
	npu_buffer_init(&buf->base, info.size, info.size);
	*out = &buf->base;
	return 0;
}

int drm_buffer_export(struct npu_buffer *base, int *fd)
{
	struct drm_device *dev = to_drm(base->dev);

	if (drmPrimeHandleToFD(dev->fd, to_drm_buffer(base)->handle, DRM_CLOEXEC | DRM_RDWR, fd))
		return npu_fail(-errno, "no dma-buf of that buffer: %s", strerror(errno));
	return 0;
}

void drm_buffer_destroy(struct npu_buffer *base)
{
	struct drm_buffer *buf = to_drm_buffer(base);

	if (buf->mapped)
		munmap(buf->mapped, base->span);
	put_handle(to_drm(base->dev), buf->handle);
	free(buf);
}

/* ---- Access ---------------------------------------------------------------------------------- */

int drm_buffer_bind(struct npu_buffer *base)
{
	struct drm_npu_vm_bind_op op = {
		.type = DRM_NPU_VM_BIND_MAP,
		.flags = base->readonly ? DRM_NPU_VM_BIND_READONLY : 0,
		.handle = to_drm_buffer(base)->handle,
		.va = base->va,
		.size = base->span,
	};
	int ret = vm_bind(to_drm(base->dev), &op);

	return ret ? npu_fail(ret, "binding %llu bytes: %s", (unsigned long long)base->span,
			      strerror(-ret)) :
		     0;
}

void drm_buffer_unbind(struct npu_buffer *base)
{
	struct drm_npu_vm_bind_op op = {
		.type = DRM_NPU_VM_BIND_UNMAP,
		.va = base->va,
		.size = base->span,
	};

	/* It fails when the card is gone, and then nothing is bound any more. */
	vm_bind(to_drm(base->dev), &op);
}

/* What came from another device is mapped by that. */
static void *map_imported(struct drm_buffer *buf)
{
	void *p = MAP_FAILED;
	int fd;

	if (drmPrimeHandleToFD(to_drm(buf->base.dev)->fd, buf->handle, DRM_CLOEXEC | DRM_RDWR, &fd))
		return MAP_FAILED;
	p = mmap(NULL, buf->base.span, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	close(fd);
	return p;
}

int drm_buffer_map(struct npu_buffer *base, void **ptr)
{
	struct drm_buffer *buf = to_drm_buffer(base);
	struct drm_npu_bo_mmap_offset offset = { .handle = buf->handle };
	struct drm_device *dev = to_drm(base->dev);
	int ret;

	if (buf->imported) {
		*ptr = map_imported(buf);
		if (*ptr == MAP_FAILED)
			return npu_fail(-EOPNOTSUPP,
					"the exporter of that buffer does not let it be mapped");
	} else {
		ret = drm_call(dev, DRM_IOCTL_NPU_BO_MMAP_OFFSET, &offset);
		if (ret)
			return npu_fail(ret, "mapping a buffer: %s", strerror(-ret));
		*ptr = mmap(NULL, base->span, PROT_READ | PROT_WRITE, MAP_SHARED, dev->fd,
			    offset.offset);
		if (*ptr == MAP_FAILED)
			return npu_fail(-errno, "mapping %llu bytes: %s",
					(unsigned long long)base->span, strerror(errno));
	}
	buf->mapped = *ptr;
	return 0;
}
