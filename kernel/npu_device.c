// SPDX-License-Identifier: GPL-2.0
/*
 * Copyright (c) 2026 the npu authors
 *
 * The PCI function: probe and remove, capabilities, bring-up.
 *
 * What is released when: devm, when the card is unbound: everything of the card's; drmm, when the
 * last reference on the drm_device goes: what files can still get at. npu_device_count keeps the
 * module until the latter has happened for all cards.
 *
 * All functions that the PCI core calls hold the PCI device's lock, and so exclude each other.
 */
#include <linux/delay.h>
#include <linux/iopoll.h>

#include <drm/drm_managed.h>

#include "npu_device.h"
#include "npu_drv.h"
#include "npu_dump.h"
#include "npu_event.h"
#include "npu_gem.h"
#include "npu_job.h"
#include "npu_lmem.h"
#include "npu_mmu.h"
#include "npu_pm.h"
#include "npu_queue.h"
#include "npu_reset.h"
#include "npu_ring.h"
#include "npu_sync.h"
#include "npu_sysfs.h"
#include "npu_vm.h"

static atomic_t npu_device_count = ATOMIC_INIT(0);
static DECLARE_WAIT_QUEUE_HEAD(npu_device_gone_wait);

void npu_devices_wait(void)
{
	wait_event(npu_device_gone_wait, !atomic_read(&npu_device_count));
}

static void npu_device_uncount(struct drm_device *dev, void *unused)
{
	if (atomic_dec_and_test(&npu_device_count))
		wake_up_all(&npu_device_gone_wait);
}

/* ---- Bring-up -------------------------------------------------------------------------------- */

static int npu_device_reset_registers(struct npu_device *ndev)
{
	u32 val;
	int ret;

	npu_write(ndev, NPU_REG_CTRL, NPU_CTRL_RESET);
	ret = read_poll_timeout(npu_read, val, !(val & NPU_CTRL_RESET) || val == NPU_ALL_ONES, 50,
				NPU_ACK_US, false, ndev, NPU_REG_CTRL);
	if (!ret && val != NPU_ALL_ONES)
		ret = read_poll_timeout(npu_read, val, val & NPU_STATUS_READY, 50, NPU_ACK_US,
					false, ndev, NPU_REG_STATUS);
	return val == NPU_ALL_ONES ? -ENODEV : ret;
}

int npu_device_bring_up(struct npu_device *ndev)
{
	int ret;

	if (npu_read(ndev, NPU_REG_MAGIC) != NPU_MAGIC)
		return -ENODEV;
	ret = npu_device_reset_registers(ndev);
	if (ret)
		return ret;
	ret = npu_mmu_hw_init(ndev);
	if (ret)
		return ret;
	npu_write(ndev, NPU_REG_EVENT_ENABLE,
		  NPU_EVENT_RING_ERROR | NPU_EVENT_THERMAL | NPU_EVENT_ECC);
	npu_write(ndev, NPU_REG_CTRL, NPU_CTRL_ENABLE);
	return 0;
}

bool npu_device_has_state(struct npu_device *ndev)
{
	return npu_read(ndev, NPU_REG_MAGIC) == NPU_MAGIC &&
	       npu_read(ndev, NPU_REG_CTRL) == NPU_CTRL_ENABLE && npu_mmu_hw_is_programmed(ndev);
}

/* Makes sure that the card is still. By devm too, for a probe that fails late. */
static void npu_device_quiesce(void *data)
{
	struct npu_device *ndev = data;

	if (npu_read(ndev, NPU_REG_MAGIC) == NPU_MAGIC)
		npu_device_reset_registers(ndev);
	pci_clear_master(ndev->pdev);
}

/* ---- Capabilities ---------------------------------------------------------------------------- */

static int npu_device_read_caps(struct npu_device *ndev)
{
	struct drm_npu_info *caps = &ndev->caps;
	u32 magic = npu_read(ndev, NPU_REG_MAGIC);

	if (magic != NPU_MAGIC) {
		drm_err(&ndev->base, "not the card it says it is: magic %#x\n", magic);
		return -ENODEV;
	}
	caps->revision = npu_read(ndev, NPU_REG_REVISION);
	if (caps->revision >> 16 != NPU_REVISION_MAJOR) {
		drm_err(&ndev->base, "register interface %u.%u, but this driver knows %u\n",
			caps->revision >> 16, caps->revision & 0xffff, NPU_REVISION_MAJOR);
		return -ENODEV;
	}
	caps->isa = npu_read(ndev, NPU_REG_ISA);
	caps->features = npu_read(ndev, NPU_REG_FEATURES);
	caps->cores = npu_read(ndev, NPU_REG_CORES);
	caps->rings = npu_read(ndev, NPU_REG_RINGS);
	caps->spm_size = npu_read(ndev, NPU_REG_SPM_SIZE);
	caps->acc_size = npu_read(ndev, NPU_REG_ACC_SIZE);
	caps->array_rows = npu_read(ndev, NPU_REG_ARRAY_ROWS);
	caps->array_cols = npu_read(ndev, NPU_REG_ARRAY_COLS);
	caps->clock_khz = npu_read(ndev, NPU_REG_CLOCK_KHZ);
	caps->vpu_lanes = npu_read(ndev, NPU_REG_VPU_LANES);
	caps->weight_rows = npu_read(ndev, NPU_REG_WEIGHT_ROWS);
	caps->dw_channels = npu_read(ndev, NPU_REG_DW_CHANNELS);
	caps->dw_taps = npu_read(ndev, NPU_REG_DW_TAPS);
	caps->float_div = npu_read(ndev, NPU_REG_FLOAT_DIV);
	caps->lmem_bw = npu_read(ndev, NPU_REG_LMEM_BW);
	caps->lmem_latency = npu_read(ndev, NPU_REG_LMEM_LATENCY);
	caps->pcie_bw = npu_read(ndev, NPU_REG_PCIE_BW);
	caps->pcie_latency = npu_read(ndev, NPU_REG_PCIE_LATENCY);
	caps->cmd_cycles = npu_read(ndev, NPU_REG_CMD_CYCLES);
	caps->barrier_cycles = npu_read(ndev, NPU_REG_BARRIER_CYCLES);
	caps->mac_fj = npu_read(ndev, NPU_REG_MAC_FJ);
	caps->lmem_fj = npu_read(ndev, NPU_REG_LMEM_FJ);
	caps->pcie_fj = npu_read(ndev, NPU_REG_PCIE_FJ);
	caps->vpu_fj = npu_read(ndev, NPU_REG_VPU_FJ);
	caps->idle_mw = npu_read(ndev, NPU_REG_IDLE_MW);
	caps->lmem_size = npu_read64(ndev, NPU_REG_LMEM_SIZE_LO);
	ndev->dma_bits = npu_read(ndev, NPU_REG_DMA_BITS);

	caps->va_start = NPU_VA_START;
	caps->va_end = NPU_VA_END;
	caps->page_size = NPU_PAGE_SIZE;
	caps->max_jobs = NPU_MAX_JOBS;
	caps->max_binds = NPU_MAX_BINDS;
	caps->max_syncs = NPU_MAX_SYNCS;
	caps->default_timeout_ms = npu_queue_default_timeout_ms();

	if (!caps->cores || caps->cores > NPU_MAX_CORES || !caps->rings ||
	    caps->rings > NPU_MAX_RINGS || !caps->clock_khz || ndev->dma_bits < 32 ||
	    ndev->dma_bits > NPU_DMA_BITS) {
		drm_err(&ndev->base, "capabilities make no sense: %u cores, %u rings, %u kHz, %u address bits\n",
			caps->cores, caps->rings, caps->clock_khz, ndev->dma_bits);
		return -ENODEV;
	}
	return 0;
}

/* ---- Probe and remove ------------------------------------------------------------------------ */

static int npu_device_init_pci(struct npu_device *ndev)
{
	struct pci_dev *pdev = ndev->pdev;
	int ret;

	ret = pcim_enable_device(pdev);
	if (ret)
		return ret;
	ndev->regs = pcim_iomap_region(pdev, NPU_BAR_REGS, "npu");
	if (IS_ERR(ndev->regs))
		return PTR_ERR(ndev->regs);
	ret = npu_device_read_caps(ndev);
	if (ret)
		return ret;
	if (pci_resource_len(pdev, NPU_BAR_REGS) < NPU_DOORBELL(ndev->caps.rings)) {
		drm_err(&ndev->base, "the register BAR is too small\n");
		return -ENODEV;
	}

	ret = dma_set_mask_and_coherent(&pdev->dev, DMA_BIT_MASK(ndev->dma_bits));
	if (ret)
		return ret;
	dma_set_max_seg_size(&pdev->dev, UINT_MAX);

	/* A ring without an interrupt of its own is not used. */
	ret = pci_alloc_irq_vectors(pdev, NPU_VECTOR_RING(1), NPU_VECTOR_RING(ndev->caps.rings),
				    PCI_IRQ_MSIX);
	if (ret < 0) {
		drm_err(&ndev->base, "no MSI-X vectors: %d\n", ret);
		return ret;
	}
	ndev->nrings = ret - NPU_VECTOR_RING(0);
	return 0;
}

static void npu_device_destroy_wq(void *wq)
{
	destroy_workqueue(wq);
}

static int npu_device_init_software(struct npu_device *ndev)
{
	struct device *dev = &ndev->pdev->dev;
	int ret;

	ret = drmm_mutex_init(&ndev->base, &ndev->latch_lock);
	if (ret)
		return ret;
	ndev->wq = alloc_workqueue("npu", WQ_MEM_RECLAIM | WQ_FREEZABLE | WQ_UNBOUND, 0);
	if (!ndev->wq)
		return -ENOMEM;
	ret = devm_add_action_or_reset(dev, npu_device_destroy_wq, ndev->wq);
	if (ret)
		return ret;
	ret = npu_dump_init(ndev);
	if (ret)
		return ret;
	ret = npu_event_init(ndev);
	if (ret)
		return ret;
	ret = npu_reset_init(ndev);
	if (ret)
		return ret;
	ret = npu_gem_init(ndev);
	if (ret)
		return ret;
	ret = npu_lmem_init(ndev);
	if (ret)
		return ret;
	ndev->caps.lmem_size = npu_lmem_usable(ndev);
	ret = npu_mmu_init(ndev);
	if (ret)
		return ret;
	ret = npu_vm_init(ndev);
	if (ret)
		return ret;
	return npu_rings_init(ndev);
}

/* No call reaches the card any more, the card no memory, and all jobs have ended. */
static void npu_device_stop(struct npu_device *ndev)
{
	drm_dev_unplug(&ndev->base);
	npu_reset_fini(ndev);
	npu_device_quiesce(ndev);
	npu_rings_fail(ndev, -ENODEV);
	/* A PCI error may have stopped it for a recovery that does not come. What waits ends. */
	npu_reset_resume(ndev);
	npu_rings_fini(ndev);
}

static int npu_pci_probe(struct pci_dev *pdev, const struct pci_device_id *id)
{
	struct npu_device *ndev;
	int ret;

	ndev = devm_drm_dev_alloc(&pdev->dev, &npu_drm_driver, struct npu_device, base);
	if (IS_ERR(ndev))
		return PTR_ERR(ndev);
	ndev->pdev = pdev;
	atomic_inc(&npu_device_count);
	ret = drmm_add_action_or_reset(&ndev->base, npu_device_uncount, NULL);
	if (ret)
		return ret;

	ret = npu_device_init_pci(ndev);
	if (ret)
		return ret;
	ret = npu_device_init_software(ndev);
	if (ret)
		return ret;

	ret = devm_add_action_or_reset(&pdev->dev, npu_device_quiesce, ndev);
	if (ret)
		return ret;
	pci_set_drvdata(pdev, ndev);
	ret = npu_reset_start(ndev);
	if (ret) {
		drm_err(&ndev->base, "the card does not come up: %d\n", ret);
		return ret;
	}
	ret = npu_hwmon_init(ndev);
	if (ret)
		goto err_fini;
	npu_debugfs_init(ndev);
	ret = npu_pm_init(ndev);
	if (ret)
		goto err_fini;
	ret = drm_dev_register(&ndev->base, 0);
	if (ret)
		goto err_pm;

	drm_info(&ndev->base, "%u cores, %u of %u rings, %llu MiB of local memory\n",
		 ndev->caps.cores, ndev->nrings, ndev->caps.rings, ndev->caps.lmem_size >> 20);
	return 0;

err_pm:
	npu_pm_fini(ndev);
err_fini:
	npu_reset_fini(ndev);
	npu_rings_fini(ndev);
	return ret;
}

static void npu_pci_remove(struct pci_dev *pdev)
{
	struct npu_device *ndev = pci_get_drvdata(pdev);

	npu_pm_fini(ndev);
	npu_device_stop(ndev);
}

/* Also before a kexec: the next kernel finds a card that reaches no memory. */
static void npu_pci_shutdown(struct pci_dev *pdev)
{
	npu_device_stop(pci_get_drvdata(pdev));
}

static const struct pci_device_id npu_pci_ids[] = {
	{ PCI_DEVICE(NPU_PCI_VENDOR_ID, NPU_PCI_DEVICE_ID) },
	{}
};
MODULE_DEVICE_TABLE(pci, npu_pci_ids);

struct pci_driver npu_pci_driver = {
	.name = "npu",
	.id_table = npu_pci_ids,
	.probe = npu_pci_probe,
	.remove = npu_pci_remove,
	.shutdown = npu_pci_shutdown,
	.err_handler = &npu_reset_handlers,
	.dev_groups = npu_sysfs_groups,
	.driver.pm = pm_ptr(&npu_pm_ops),
};
