// SPDX-License-Identifier: GPL-2.0
/*
 * Copyright (c) 2026 the npu authors
 *
 * Sleep.
 *
 * Runtime: a card that nobody uses is put to D3hot after a while, if the administrator allows it
 * (power/control). It is used by jobs from SUBMIT to their end, by the clearing of new local memory
 * and by faults on CPU mappings of it, each with a reference. The card keeps its registers and its
 * local memory in D3hot; D3cold, which would lose them, is forbidden. While it sleeps it is stopped
 * as for a reset, so binds go on (they change page tables in host memory, and a card that wakes has
 * an empty TLB), and CPU mappings of local memory are taken away, since the BAR does not answer.
 *
 * System: power may go, and local memory with it. When a suspend is announced, while there is swap
 * and everything runs, each local buffer gets as much host memory; when user space is frozen and
 * the running jobs have ended it is copied there, and back on resume. Jobs that have not begun
 * wait; one that runs and does not end in time refuses the suspend.
 *
 * Locks: callbacks are called by the PM core, which lets one at a time through; they take those of
 * npu_reset.c and npu_gem.c. A reset keeps the card awake, so it and runtime callbacks exclude each
 * other.
 */
#include <linux/pm_runtime.h>
#include <linux/suspend.h>

#include <drm/drm_managed.h>

#include "npu_drv.h"
#include "npu_gem.h"
#include "npu_pm.h"
#include "npu_reset.h"
#include "npu_ring.h"

/* How long system suspend waits for jobs that run. */
#define NPU_SUSPEND_MS		5000
/* How long a card has nothing to do before it sleeps; power/autosuspend_delay_ms. */
#define NPU_AUTOSUSPEND_MS	2000

/**
 * struct npu_pm - what a card has of this room
 * @ndev: the card
 * @notifier: hears of system suspend beforehand
 */
struct npu_pm {
	struct npu_device *ndev;
	struct notifier_block notifier;
};

int npu_pm_get(struct npu_device *ndev)
{
	int ret = pm_runtime_resume_and_get(&ndev->pdev->dev);

	/* Of a device that has been removed in between the PM core says -EACCES. */
	return ret && npu_device_gone(ndev) ? -ENODEV : ret;
}

bool npu_pm_get_if_awake(struct npu_device *ndev)
{
	return pm_runtime_get_if_active(&ndev->pdev->dev) > 0;
}

void npu_pm_get_awake(struct npu_device *ndev)
{
	pm_runtime_get_noresume(&ndev->pdev->dev);
}

void npu_pm_put(struct npu_device *ndev)
{
	pm_runtime_mark_last_busy(&ndev->pdev->dev);
	pm_runtime_put_autosuspend(&ndev->pdev->dev);
}

/* ---- The idle card --------------------------------------------------------------------------- */

static int npu_pm_runtime_suspend(struct device *dev)
{
	struct npu_device *ndev = dev_get_drvdata(dev);

	/* One that is given up is not worth it; one that waits for a reset gets it first. */
	if (npu_device_gone(ndev) || npu_reset_is_pending(ndev))
		return -EBUSY;
	npu_reset_stop(ndev);
	return 0;
}

static int npu_pm_runtime_resume(struct device *dev)
{
	/* One that does not come back is given up; its jobs end with an error. */
	npu_reset_wake(dev_get_drvdata(dev));
	return 0;
}

/* ---- The system ------------------------------------------------------------------------------ */

static int npu_pm_suspend(struct device *dev)
{
	struct npu_device *ndev = dev_get_drvdata(dev);
	int ret;

	/* One that is given up may show a job for ever, and has nothing worth saving. */
	if (npu_device_gone(ndev)) {
		npu_reset_stop(ndev);
		return 0;
	}
	npu_reset_pause(ndev);
	ret = npu_rings_drain(ndev, NPU_SUSPEND_MS);
	if (ret) {
		drm_notice(&ndev->base, "a job still runs, no suspend\n");
		goto err_resume;
	}
	ret = npu_gem_save_local(ndev);
	if (ret) {
		drm_notice(&ndev->base, "local memory is not saved, no suspend: %d\n", ret);
		goto err_undrain;
	}
	npu_reset_stop(ndev);
	return 0;

err_undrain:
	npu_rings_undrain(ndev);
err_resume:
	npu_reset_resume(ndev);
	return ret;
}

static int npu_pm_resume(struct device *dev)
{
	struct npu_device *ndev = dev_get_drvdata(dev);

	if (!npu_device_gone(ndev))
		npu_gem_restore_local(ndev);
	/* Jobs that waited go on. A card that does not come back is wedged, not the system. */
	npu_reset_start(ndev);
	return 0;
}

static int npu_pm_notify(struct notifier_block *notifier, unsigned long event, void *unused)
{
	struct npu_pm *pm = container_of(notifier, struct npu_pm, notifier);
	int ret = 0;

	switch (event) {
	case PM_SUSPEND_PREPARE:
	case PM_HIBERNATION_PREPARE:
		ret = npu_gem_begin_save(pm->ndev);
		if (ret)
			drm_notice(&pm->ndev->base, "no memory for local memory, no suspend\n");
		break;
	case PM_POST_SUSPEND:
	case PM_POST_HIBERNATION:
		npu_gem_end_save(pm->ndev);
		break;
	}
	return notifier_from_errno(ret);
}

const struct dev_pm_ops npu_pm_ops = {
	SYSTEM_SLEEP_PM_OPS(npu_pm_suspend, npu_pm_resume)
	RUNTIME_PM_OPS(npu_pm_runtime_suspend, npu_pm_runtime_resume, NULL)
};

/* ---- Making and ending ----------------------------------------------------------------------- */

static void npu_pm_unregister(void *data)
{
	struct npu_pm *pm = data;

	unregister_pm_notifier(&pm->notifier);
	npu_gem_end_save(pm->ndev);
}

int npu_pm_init(struct npu_device *ndev)
{
	struct device *dev = &ndev->pdev->dev;
	struct npu_pm *pm;
	int ret;

	pm = drmm_kzalloc(&ndev->base, sizeof(*pm), GFP_KERNEL);
	if (!pm)
		return -ENOMEM;
	pm->ndev = ndev;
	pm->notifier.notifier_call = npu_pm_notify;
	ret = register_pm_notifier(&pm->notifier);
	if (ret)
		return ret;
	ret = devm_add_action_or_reset(dev, npu_pm_unregister, pm);
	if (ret)
		return ret;

	/* A sleeping card loses what a system's suspend lets it lose, so that is never skipped. */
	dev_pm_set_driver_flags(dev, DPM_FLAG_NO_DIRECT_COMPLETE);
	pci_d3cold_disable(ndev->pdev);
	pm_runtime_set_autosuspend_delay(dev, NPU_AUTOSUSPEND_MS);
	pm_runtime_use_autosuspend(dev);
	/* The PCI core's reference on a driver that does not know of all this. */
	npu_pm_put(ndev);
	return 0;
}

void npu_pm_fini(struct npu_device *ndev)
{
	pm_runtime_get_sync(&ndev->pdev->dev);
	pm_runtime_dont_use_autosuspend(&ndev->pdev->dev);
	pci_d3cold_enable(ndev->pdev);
}
