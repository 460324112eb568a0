// SPDX-License-Identifier: GPL-2.0
/*
 * Copyright (c) 2026 the npu authors
 *
 * The module and the DRM driver: the table of ioctls, opening and closing of the node, what is
 * asked of the card as a whole, and the form of arguments all ioctls share.
 */
#include <linux/module.h>

#include <drm/drm_accel.h>
#include <drm/drm_gem.h>
#include <drm/drm_ioctl.h>

#include "npu_device.h"
#include "npu_drv.h"
#include "npu_fence.h"
#include "npu_gem.h"
#include "npu_job.h"
#include "npu_lmem.h"
#include "npu_queue.h"
#include "npu_vm.h"

#define CREATE_TRACE_POINTS
#include "npu_trace.h"

struct workqueue_struct *npu_release_wq;

/* ---- Arguments ------------------------------------------------------------------------------- */

int npu_check_array(struct drm_device *dev, const struct drm_npu_array *array, u32 min_stride,
		    u32 max)
{
	if (array->count > max) {
		drm_dbg(dev, "array of %u, at most %u allowed\n", array->count, max);
		return -EINVAL;
	}
	/* No structure of the ABI will ever fill a page. */
	if (array->count && (array->stride < min_stride || array->stride > SZ_4K)) {
		drm_dbg(dev, "array with a stride of %u, expected %u\n", array->stride, min_stride);
		return -EINVAL;
	}
	return 0;
}

int npu_get_array_elem(void *dst, size_t size, const struct drm_npu_array *array, u32 i)
{
	return copy_struct_from_user(dst, size,
				     u64_to_user_ptr(array->array + (u64)i * array->stride),
				     array->stride);
}

int npu_put_block(u64 pointer, u32 *size, const void *data, size_t len)
{
	if (!pointer) {
		*size = len;
		return 0;
	}
	*size = min_t(u32, *size, len);
	return copy_to_user(u64_to_user_ptr(pointer), data, *size) ? -EFAULT : 0;
}

/* ---- The card as a whole --------------------------------------------------------------------- */

static int npu_ioctl_dev_query(struct drm_device *dev, void *data, struct drm_file *filp)
{
	struct npu_device *ndev = to_npu_device(dev);
	struct drm_npu_dev_query *args = data;

	if (npu_device_gone(ndev))
		return -ENODEV;
	switch (args->type) {
	case DRM_NPU_QUERY_INFO: {
		struct drm_npu_info info = ndev->caps;

		info.max_priority = npu_queue_max_priority();
		return npu_put_block(args->pointer, &args->size, &info, sizeof(info));
	}
	case DRM_NPU_QUERY_MEMORY: {
		struct drm_npu_memory memory = {};

		npu_lmem_query(ndev, &memory);
		return npu_put_block(args->pointer, &args->size, &memory, sizeof(memory));
	}
	default:
		drm_dbg(dev, "query: unknown type %u\n", args->type);
		return -EINVAL;
	}
}

/* ---- Files ----------------------------------------------------------------------------------- */

static int npu_drm_open(struct drm_device *dev, struct drm_file *filp)
{
	struct npu_file *file;
	int ret;

	file = kzalloc(sizeof(*file), GFP_KERNEL_ACCOUNT);
	if (!file)
		return -ENOMEM;
	file->ndev = to_npu_device(dev);
	ret = npu_vm_file_open(file);
	if (ret)
		goto err_free;
	ret = npu_queue_file_open(file);
	if (ret)
		goto err_vm;
	filp->driver_priv = file;
	return 0;

err_vm:
	npu_vm_file_close(file);
err_free:
	kfree(file);
	return ret;
}

static void npu_drm_postclose(struct drm_device *dev, struct drm_file *filp)
{
	struct npu_file *file = filp->driver_priv;

	npu_queue_file_close(file);
	npu_vm_file_close(file);
	kfree(file);
}

static void npu_drm_show_fdinfo(struct drm_printer *p, struct drm_file *filp)
{
	npu_queue_show_fdinfo(filp->driver_priv, p);
	npu_gem_show_fdinfo(p, filp);
}

/* Offsets of buffers are DRM's; those beyond are result rings. */
static int npu_mmap(struct file *f, struct vm_area_struct *vma)
{
	struct drm_file *filp = f->private_data;

	if (vma->vm_pgoff >= NPU_MMAP_RESULTS >> PAGE_SHIFT)
		return npu_queue_mmap(filp->driver_priv, vma);
	return drm_gem_mmap(f, vma);
}

static const struct file_operations npu_fops = {
	.owner = THIS_MODULE,
	.open = accel_open,
	.release = drm_release,
	.unlocked_ioctl = drm_ioctl,
	.compat_ioctl = drm_compat_ioctl,
	.poll = drm_poll,
	.read = drm_read,
	.llseek = noop_llseek,
	.mmap = npu_mmap,
	.show_fdinfo = drm_show_fdinfo,
	.fop_flags = FOP_UNSIGNED_OFFSET,
};

#define NPU_IOCTL(nr, func) DRM_IOCTL_DEF_DRV(NPU_##nr, npu_ioctl_##func, 0)

static const struct drm_ioctl_desc npu_ioctls[] = {
	NPU_IOCTL(DEV_QUERY, dev_query),
	NPU_IOCTL(BO_CREATE, bo_create),
	NPU_IOCTL(BO_MMAP_OFFSET, bo_mmap_offset),
	NPU_IOCTL(BO_INFO, bo_info),
	NPU_IOCTL(VM_CREATE, vm_create),
	NPU_IOCTL(VM_DESTROY, vm_destroy),
	NPU_IOCTL(VM_BIND, vm_bind),
	NPU_IOCTL(QUEUE_CREATE, queue_create),
	NPU_IOCTL(QUEUE_DESTROY, queue_destroy),
	NPU_IOCTL(QUEUE_GET_STATE, queue_get_state),
	NPU_IOCTL(SUBMIT, submit),
	NPU_IOCTL(PERF_QUERY, perf_query),
};

const struct drm_driver npu_drm_driver = {
	.driver_features = DRIVER_COMPUTE_ACCEL | DRIVER_GEM | DRIVER_SYNCOBJ |
			   DRIVER_SYNCOBJ_TIMELINE | NPU_DRIVER_GEM_GPUVA,
	.open = npu_drm_open,
	.postclose = npu_drm_postclose,
	.show_fdinfo = npu_drm_show_fdinfo,
	NPU_GEM_DRIVER_OPS,
	.ioctls = npu_ioctls,
	.num_ioctls = ARRAY_SIZE(npu_ioctls),
	.fops = &npu_fops,
	.name = "npu",
	.desc = "Open NPU",
	.major = 1,
	.minor = 0,
};

/* ---- The module ------------------------------------------------------------------------------ */

static int __init npu_init(void)
{
	int ret;

	npu_release_wq = alloc_workqueue("npu-release", WQ_UNBOUND, 0);
	if (!npu_release_wq)
		return -ENOMEM;
	npu_fence_module_init();
	ret = pci_register_driver(&npu_pci_driver);
	if (ret) {
		npu_fence_module_exit();
		destroy_workqueue(npu_release_wq);
	}
	return ret;
}

static void __exit npu_exit(void)
{
	pci_unregister_driver(&npu_pci_driver);
	/* Jobs of closed files may still have to end; then nothing refers to a card any more. */
	npu_devices_wait();
	destroy_workqueue(npu_release_wq);
	npu_fence_module_exit();
}

module_init(npu_init);
module_exit(npu_exit);

MODULE_DESCRIPTION("Open NPU");
MODULE_AUTHOR("the npu authors");
MODULE_LICENSE("GPL");
