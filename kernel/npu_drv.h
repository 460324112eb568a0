/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Copyright (c) 2026 the npu authors
 *
 * The device and the open file, and how the rooms of the driver reach the hardware.
 *
 * Lifetimes: a struct npu_device lives until the last reference on its drm_device is dropped, which
 * can be long after the card was unbound: files, and whatever can outlive its file (a queue, an
 * address space, kept by their jobs), hold one. What belongs to the card alone (registers, DMA
 * memory, interrupts) is released by devm when the card is unbound. So every touch of the hardware
 * is between npu_dev_enter() and npu_dev_exit().
 */
#ifndef NPU_DRV_H
#define NPU_DRV_H

#include <linux/io.h>
#include <linux/math64.h>
#include <linux/mutex.h>
#include <linux/pci.h>
#include <linux/workqueue.h>
#include <linux/xarray.h>

#include <drm/drm_device.h>
#include <drm/drm_drv.h>
#include <drm/drm_file.h>
#include <drm/drm_print.h>

#include <npu/hw/regs.h>
#include <drm/npu_accel.h>

#include "npu_compat.h"

struct npu_dump;
struct npu_events;
struct npu_gem;
struct npu_lmem;
struct npu_mmu;
struct npu_reset;
struct npu_ring;
struct npu_rings;

/**
 * struct npu_totals - what a card has done since it was bound, for sysfs
 * @cycles: modelled cycles of ended jobs, times the cores they ran on
 * @jobs: jobs ended
 * @errors: of them, those with an error
 * @timeouts: of them, those that made no progress
 * @resets: times the whole card was reset
 */
struct npu_totals {
	atomic64_t cycles;
	atomic64_t jobs;
	atomic64_t errors;
	atomic64_t timeouts;
	atomic64_t resets;
};

/**
 * struct npu_device - one card
 * @base: DRM's part
 * @pdev: the PCI function
 * @regs: BAR0, valid inside npu_dev_enter()
 * @caps: capability registers and limits, constant after probe
 * @dma_bits: bus address bits the card drives
 * @wq: the device's own work: cancellation, watchdog; gone when the card is unbound
 * @latch_lock: held while a pair of registers is read of which one latches the other; rings' have
 *	locks of their own
 * @totals: statistics
 * @gem: all buffers of the card (npu_gem.c)
 * @lmem: local memory (npu_lmem.c)
 * @mmu: address translation (npu_mmu.c)
 * @bind_wq: where binds run; lives as long as the structure (npu_vm.c)
 * @rings: @nrings hardware rings (npu_ring.c)
 * @nrings: rings in use, at most caps.rings
 * @rings_data: what npu_ring.c keeps for all rings together
 * @reset: state of recovery (npu_reset.c)
 * @dump: its post-mortem (npu_dump.c)
 * @events: its uevents (npu_event.c)
 * @job_ids: last job id given to the card
 * @wedged: the card could not be revived; every call says -ENODEV
 */
struct npu_device {
	struct drm_device base;
	struct pci_dev *pdev;
	void __iomem *regs;
	struct drm_npu_info caps;
	unsigned int dma_bits;
	struct workqueue_struct *wq;
	struct mutex latch_lock;	/* pairs of registers that latch */
	struct npu_totals totals;
	struct npu_gem *gem;
	struct npu_lmem *lmem;
	struct npu_mmu *mmu;
	struct workqueue_struct *bind_wq;
	struct npu_ring *rings;
	unsigned int nrings;
	struct npu_rings *rings_data;
	struct npu_reset *reset;
	struct npu_dump *dump;
	struct npu_events *events;
	atomic64_t job_ids;
	bool wedged;
};

/**
 * struct npu_file - one open of the node
 * @ndev: its card
 * @vms: address spaces by id (npu_vm.c)
 * @queues: queues by id (npu_queue.c)
 * @stats: what the file's queues have used, those already destroyed included (npu_queue.c)
 */
struct npu_file {
	struct npu_device *ndev;
	struct xarray vms;
	struct xarray queues;
	struct npu_file_stats *stats;
};

/* For final releases that may not run in the work they would wait for; outlives every device. */
extern struct workqueue_struct *npu_release_wq;

extern const struct drm_driver npu_drm_driver;
extern struct pci_driver npu_pci_driver;

static inline struct npu_device *to_npu_device(struct drm_device *dev)
{
	return container_of(dev, struct npu_device, base);
}

/**
 * npu_dev_enter - begins a section that touches hardware
 * @ndev: the card
 * @idx: for npu_dev_exit()
 *
 * Return: false when the card is gone or wedged; there is nothing to exit then, and a caller says
 * -ENODEV.
 */
static inline bool npu_dev_enter(struct npu_device *ndev, int *idx)
{
	if (!drm_dev_enter(&ndev->base, idx))
		return false;
	if (READ_ONCE(ndev->wedged)) {
		drm_dev_exit(*idx);
		return false;
	}
	return true;
}

static inline void npu_dev_exit(int idx)
{
	drm_dev_exit(idx);
}

/** npu_device_gone - the card was removed or is wedged; a hint, npu_dev_enter() decides */
static inline bool npu_device_gone(struct npu_device *ndev)
{
	return READ_ONCE(ndev->wedged) || drm_dev_is_unplugged(&ndev->base);
}

/** npu_cycles_to_ns - of whatever number a card gives: too many wrap */
static inline u64 npu_cycles_to_ns(struct npu_device *ndev, u64 cycles)
{
	u32 rest, khz = ndev->caps.clock_khz;
	u64 ms = div_u64_rem(cycles, khz, &rest);

	return ms * NSEC_PER_MSEC + div_u64((u64)rest * NSEC_PER_MSEC, khz);
}

static inline u32 npu_read(struct npu_device *ndev, u32 reg)
{
	return readl(ndev->regs + reg);
}

static inline void npu_write(struct npu_device *ndev, u32 reg, u32 value)
{
	writel(value, ndev->regs + reg);
}

/** npu_read64 - a LO/HI pair; where LO latches HI the caller keeps other readers away */
static inline u64 npu_read64(struct npu_device *ndev, u32 reg)
{
	u32 lo = npu_read(ndev, reg);

	return (u64)npu_read(ndev, reg + 4) << 32 | lo;
}

static inline void npu_write64(struct npu_device *ndev, u32 reg, u64 value)
{
	npu_write(ndev, reg, lower_32_bits(value));
	npu_write(ndev, reg + 4, upper_32_bits(value));
}

/* What a register of a card that is no longer there reads as. */
#define NPU_ALL_ONES	(~(u32)0)

/* How long the card may take to acknowledge an ABORT, CANCEL, invalidation or reset. */
#define NPU_ACK_US	(500 * USEC_PER_MSEC)

/**
 * npu_get_array_elem - copies one element of a user array, zero-extended
 * @dst: the kernel's structure, of @size bytes
 * @size: as the kernel knows it
 * @array: the user's description, checked by npu_check_array()
 * @i: index
 *
 * Return: 0, -EFAULT, or -E2BIG when the user's element is longer and what follows is not zero.
 */
int npu_get_array_elem(void *dst, size_t size, const struct drm_npu_array *array, u32 i);

/**
 * npu_check_array - a user array's description
 * @dev: for debug messages
 * @array: the description
 * @min_stride: size of the element in the first version of the ABI
 * @max: most elements
 *
 * Return: 0 or -EINVAL.
 */
int npu_check_array(struct drm_device *dev, const struct drm_npu_array *array, u32 min_stride,
		    u32 max);

/* Copies as much of @data as both sides know; for DEV_QUERY and PERF_QUERY. */
int npu_put_block(u64 pointer, u32 *size, const void *data, size_t len);

#endif
