// SPDX-License-Identifier: GPL-2.0
/*
 * Copyright (c) 2026 the npu authors
 *
 * Which ranges an address space takes.
 */
#include "npu_kunit.h"
#include "../npu_bind.c"

struct npu_bind_range {
	u64 va;
	u64 size;
	u64 offset;
	int ret;
};

static const struct npu_bind_range npu_bind_ranges[] = {
	/* The first page and the last, all there is, and one page more on either side. */
	{ 0x10000, 0x1000, 0, 0 },
	{ 0xfffffffff000, 0x1000, 0, 0 },
	{ 0x10000, 0xffffffff0000, 0, 0 },
	{ 0x10000, 0xffffffff1000, 0, -EINVAL },
	{ 0xf000, 0x1000, 0, -EINVAL },
	{ 0xf000, 0x2000, 0, -EINVAL },
	{ 0, 0x1000, 0, -EINVAL },
	{ 0x1000000000000, 0x1000, 0, -EINVAL },
	{ 0xfffffffff000, 0x2000, 0, -EINVAL },
	/* Sums that wrap. */
	{ 0x10000, 0xfffffffffffff000, 0, -EINVAL },
	{ 0xfffffffffffff000, 0x1000, 0, -EINVAL },
	{ 0xfffffffffffff000, 0x11000, 0, -EINVAL },
	{ 0x20000, 0xffffffffffff0000, 0, -EINVAL },
	/* Not in pages, or nothing. */
	{ 0x10000, 0, 0, -EINVAL },
	{ 0x10000, 0x800, 0, -EINVAL },
	{ 0x10000, 0x1001, 0, -EINVAL },
	{ 0x10800, 0x1000, 0, -EINVAL },
	{ 0x10001, 0x1000, 0, -EINVAL },
	{ 0x10000, 0x1000, 0x10, -EINVAL },
	/* An offset is looked at with the buffer. */
	{ 0x10000, 0x1000, 0xfffffffffffff000, 0 },
};

static void npu_bind_test_ranges(struct kunit *test)
{
	struct npu_device *ndev = npu_kunit_device(test);
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(npu_bind_ranges); i++) {
		const struct npu_bind_range *range = &npu_bind_ranges[i];
		struct drm_npu_vm_bind_op op = {
			.type = DRM_NPU_VM_BIND_MAP,
			.handle = 1,
			.va = range->va,
			.size = range->size,
			.offset = range->offset,
		};

		KUNIT_EXPECT_EQ_MSG(test, npu_bind_check_op(&ndev->base, &op, i), range->ret,
				    "map of %#llx+%#llx", range->va, range->size);
		op.flags = DRM_NPU_VM_BIND_READONLY;
		KUNIT_EXPECT_EQ(test, npu_bind_check_op(&ndev->base, &op, i), range->ret);
		if (range->offset)
			continue;
		op.type = DRM_NPU_VM_BIND_UNMAP;
		op.flags = 0;
		op.handle = 0;
		KUNIT_EXPECT_EQ_MSG(test, npu_bind_check_op(&ndev->base, &op, i), range->ret,
				    "unmap of %#llx+%#llx", range->va, range->size);
	}
}

/* Every field that an operation does not have. */
static void npu_bind_test_fields(struct kunit *test)
{
	struct npu_device *ndev = npu_kunit_device(test);
	const struct drm_npu_vm_bind_op unmap = {
		.type = DRM_NPU_VM_BIND_UNMAP,
		.va = NPU_VA_START,
		.size = NPU_PAGE_SIZE,
	};
	struct drm_npu_vm_bind_op op;
	unsigned int bit;

	KUNIT_EXPECT_EQ(test, npu_bind_check_op(&ndev->base, &unmap, 0), 0);

	op = unmap;
	op.handle = 1;
	KUNIT_EXPECT_EQ(test, npu_bind_check_op(&ndev->base, &op, 0), -EINVAL);
	op = unmap;
	op.offset = NPU_PAGE_SIZE;
	KUNIT_EXPECT_EQ(test, npu_bind_check_op(&ndev->base, &op, 0), -EINVAL);
	op = unmap;
	op.type = DRM_NPU_VM_BIND_UNMAP + 1;
	KUNIT_EXPECT_EQ(test, npu_bind_check_op(&ndev->base, &op, 0), -EINVAL);
	for (bit = 0; bit < 32; bit++) {
		op = unmap;
		op.pad = BIT(bit);
		KUNIT_EXPECT_EQ(test, npu_bind_check_op(&ndev->base, &op, 0), -EINVAL);
		op = unmap;
		op.flags = BIT(bit);
		KUNIT_EXPECT_EQ(test, npu_bind_check_op(&ndev->base, &op, 0), -EINVAL);
		op.type = DRM_NPU_VM_BIND_MAP;
		KUNIT_EXPECT_EQ(test, npu_bind_check_op(&ndev->base, &op, 0),
				BIT(bit) == DRM_NPU_VM_BIND_READONLY ? 0 : -EINVAL);
	}
}

static struct kunit_case npu_bind_cases[] = {
	KUNIT_CASE(npu_bind_test_ranges),
	KUNIT_CASE(npu_bind_test_fields),
	{}
};

static struct kunit_suite npu_bind_suite = {
	.name = "npu_bind",
	.test_cases = npu_bind_cases,
};

kunit_test_suite(npu_bind_suite);
