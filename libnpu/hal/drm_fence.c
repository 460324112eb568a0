// SPDX-License-Identifier: MIT
/*
 * Copyright (c) 2026 the npu authors
 *
 * Fences of the real card: points of a queue's timeline syncobj, or syncobjs made of a sync_file.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <xf86drm.h>

#include "backend_drm.h"

int drm_waited(int ret)
{
	if (ret == -ETIME)
		return npu_fail(ret, "not signalled yet");
	return ret ? npu_fail(ret, "waiting for a fence: %s", strerror(-ret)) : 0;
}

int drm_fence_import(struct npu_device *base, int fd, struct npu_fence **out)
{
	struct drm_device *dev = to_drm(base);
	struct drm_fence *fence;
	int ret;

	fence = calloc(1, sizeof(*fence));
	if (!fence)
		return npu_fail(-ENOMEM, "out of memory");
	ret = drmSyncobjCreate(dev->fd, 0, &fence->syncobj) ? -errno : 0;
	if (ret) {
		npu_fail(ret, "no syncobj: %s", strerror(-ret));
		goto free_fence;
	}
	ret = drmSyncobjImportSyncFile(dev->fd, fence->syncobj, fd) ? -errno : 0;
	if (ret) {
		npu_fail(ret, "not a sync_file: %s", strerror(-ret));
		goto destroy;
	}
	npu_fence_init(&fence->base, base);
	*out = &fence->base;
	return 0;

destroy:
	drmSyncobjDestroy(dev->fd, fence->syncobj);
free_fence:
	free(fence);
	return ret;
}

void drm_fence_destroy(struct npu_fence *base)
{
	if (!base->queue)
		drmSyncobjDestroy(to_drm(base->dev)->fd, to_drm_fence(base)->syncobj);
}

int drm_fence_wait(struct npu_fence *base, int64_t deadline)
{
	return drm_waited(drmSyncobjWait(to_drm(base->dev)->fd, &to_drm_fence(base)->syncobj, 1,
					 deadline, 0, NULL));
}

int drm_fence_wait_any(struct npu_fence *const *fences, unsigned int count, int64_t deadline)
{
	uint32_t *handle = malloc(count * sizeof(*handle));
	uint64_t *point = malloc(count * sizeof(*point));
	int ret = -ENOMEM;

	if (handle && point) {
		for (unsigned int i = 0; i < count; i++) {
			struct npu_queue *queue = fences[i]->queue;

			handle[i] = queue ? to_drm_queue(queue)->syncobj :
					    to_drm_fence(fences[i])->syncobj;
			point[i] = queue ? fences[i]->last : 0;
		}
		ret = drmSyncobjTimelineWait(to_drm(fences[0]->dev)->fd, handle, point, count,
					     deadline, 0, NULL);
	}
	free(handle);
	free(point);
	return drm_waited(ret);
}

int drm_fence_fd(struct npu_fence *base, int *fd)
{
	int node = to_drm(base->dev)->fd, ret;
	uint32_t point;

	if (!base->queue) {
		ret = drmSyncobjExportSyncFile(node, to_drm_fence(base)->syncobj, fd) ? -errno : 0;
		return ret ? npu_fail(ret, "no file for a fence: %s", strerror(-ret)) : 0;
	}
	ret = drmSyncobjCreate(node, 0, &point) ? -errno : 0;
	if (ret)
		return npu_fail(ret, "no syncobj: %s", strerror(-ret));
	if (drmSyncobjTransfer(node, point, 0, to_drm_queue(base->queue)->syncobj, base->last, 0) ||
	    drmSyncobjExportSyncFile(node, point, fd))
		ret = npu_fail(-errno, "no file for a fence: %s", strerror(errno));
	drmSyncobjDestroy(node, point);
	return ret;
}

int drm_fence_bring(struct drm_device *dev, struct npu_fence *fence, uint32_t *syncobj)
{
	int fd, ret;

	ret = drm_fence_fd(fence, &fd);
	if (ret)
		return ret;
	ret = drmSyncobjCreate(dev->fd, 0, syncobj) ? -errno : 0;
	if (!ret && drmSyncobjImportSyncFile(dev->fd, *syncobj, fd)) {
		ret = -errno;
		drmSyncobjDestroy(dev->fd, *syncobj);
	}
	close(fd);
	return ret ? npu_fail(ret, "a fence of another card: %s", strerror(-ret)) : 0;
}
