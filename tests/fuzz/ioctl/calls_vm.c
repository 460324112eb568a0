// SPDX-License-Identifier: MIT
/*
 * Copyright (c) 2026 the npu authors
 *
 * The fuzzer's calls of address spaces.
 */
#include "calls.h"

int do_vm_create(struct fuzz_thread *t)
{
	struct drm_npu_vm_create *c = arg(t, sizeof(*c));
	struct fuzz_file *f = any_file(t);
	unsigned int i = roll(t, VMS);
	int ret = call(t, f, DRM_IOCTL_NPU_VM_CREATE, c);

	if (ret)
		return ret;
	if (f->vm[i])
		try_ioctl(f->fd, DRM_IOCTL_NPU_VM_DESTROY, &(struct drm_npu_vm_destroy) { .id = f->vm[i] });
	f->vm[i] = c->id;
	world_bind_code(f, c->id);
	return 0;
}

int do_vm_destroy(struct fuzz_thread *t)
{
	struct drm_npu_vm_destroy *d = arg(t, sizeof(*d));
	struct fuzz_file *f = any_file(t);

	d->id = any_vm(t, f);
	forget(t, f->vm, sizeof(f->vm[0]), VMS, d->id);
	return call(t, f, DRM_IOCTL_NPU_VM_DESTROY, d);
}

static void bind_op(struct fuzz_thread *t, struct fuzz_file *f, struct drm_npu_vm_bind_op *op)
{
	struct fuzz_bo *bo = live_bo(t, f);

	/* Mostly around an edge of page tables, rarely over the streams. */
	op->va = chance(t, 30) ? CODE_VA : HEAP_VA + (chance(t, 3) ? roll(t, 4) * 0x200000 :
						      roll(t, HEAP_SIZE / PAGE) * PAGE);
	op->size = (1 + roll(t, chance(t, 16) ? 1024 : 8)) * PAGE;
	if (chance(t, 3) || !bo->handle) {
		op->type = DRM_NPU_VM_BIND_UNMAP;
	} else {
		uint64_t pages = bo->size / PAGE;

		op->type = DRM_NPU_VM_BIND_MAP;
		op->flags = chance(t, 4) ? DRM_NPU_VM_BIND_READONLY : 0;
		op->handle = bo->handle;
		if (pages && !chance(t, 50)) {
			op->offset = chance(t, 2) ? 0 : roll(t, pages) * PAGE;
			if (op->size > bo->size - op->offset)
				op->size = bo->size - op->offset;
		}
	}
	mutate(t, op, sizeof(*op));
}

static int bind(struct fuzz_thread *t, uint32_t flags)
{
	struct drm_npu_vm_bind *b = arg(t, sizeof(*b));
	struct drm_npu_vm_bind_op *ops = arg(t, 4 * sizeof(*ops));
	struct fuzz_file *f = any_file(t);
	unsigned int n = 1 + roll(t, 4);

	b->vm_id = any_vm(t, f);
	b->flags = flags;
	b->ops.stride = edge(t, sizeof(*ops), sizeof(*ops));
	b->ops.array = (uintptr_t)ops;
	for (unsigned int i = 0; i < n; i++)
		bind_op(t, f, &ops[i]);
	b->ops.count = edge(t, n, 1024);
	if (flags)
		any_syncs(t, f, &b->syncs);
	return call(t, f, DRM_IOCTL_NPU_VM_BIND, b);
}

int do_bind(struct fuzz_thread *t)
{
	return bind(t, 0);
}

int do_bind_async(struct fuzz_thread *t)
{
	return bind(t, DRM_NPU_VM_BIND_ASYNC);
}
