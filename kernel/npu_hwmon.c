// SPDX-License-Identifier: GPL-2.0
/*
 * Copyright (c) 2026 the npu authors
 *
 * Sensors: temperature with its critical value, power, and energy, which only root may read, since
 * its fine grain tells of what others compute.
 */
#include <linux/hwmon.h>
#include <linux/pm_runtime.h>

#include "npu_drv.h"
#include "npu_pm.h"
#include "npu_sysfs.h"

static umode_t npu_hwmon_is_visible(const void *data, enum hwmon_sensor_types type, u32 attr,
				    int channel)
{
	return type == hwmon_energy ? 0400 : 0444;
}

static u64 npu_hwmon_energy(struct npu_device *ndev)
{
	u64 energy;

	mutex_lock(&ndev->latch_lock);
	energy = npu_read64(ndev, NPU_REG_ENERGY_LO);
	mutex_unlock(&ndev->latch_lock);
	return energy;
}

static int npu_hwmon_read_locked(struct npu_device *ndev, enum hwmon_sensor_types type, u32 attr,
				 long *val)
{
	switch (type) {
	case hwmon_temp:
		*val = (s32)npu_read(ndev, attr == hwmon_temp_crit ? NPU_REG_TEMP_CRIT_MC :
								     NPU_REG_TEMP_MC);
		return 0;
	case hwmon_power:
		/* Microwatts. */
		*val = npu_read(ndev, NPU_REG_POWER_MW) * 1000L;
		return 0;
	case hwmon_energy:
		*val = npu_hwmon_energy(ndev);
		return 0;
	default:
		return -EOPNOTSUPP;
	}
}

static int npu_hwmon_read(struct device *dev, enum hwmon_sensor_types type, u32 attr, int channel,
			  long *val)
{
	struct npu_device *ndev = dev_get_drvdata(dev);
	int idx, ret;

	/* Who looks at an idle card does not wake it. */
	if (!npu_pm_get_if_awake(ndev))
		return -ENODATA;
	if (!npu_dev_enter(ndev, &idx)) {
		npu_pm_put(ndev);
		return -ENODEV;
	}
	ret = npu_hwmon_read_locked(ndev, type, attr, val);
	if (npu_read(ndev, NPU_REG_MAGIC) != NPU_MAGIC)
		ret = -ENODEV;
	npu_dev_exit(idx);
	/* Nor does he keep it from sleeping. */
	pm_runtime_put(&ndev->pdev->dev);
	return ret;
}

static const struct hwmon_ops npu_hwmon_ops = {
	.is_visible = npu_hwmon_is_visible,
	.read = npu_hwmon_read,
};

static const struct hwmon_channel_info * const npu_hwmon_channels[] = {
	HWMON_CHANNEL_INFO(temp, HWMON_T_INPUT | HWMON_T_CRIT),
	HWMON_CHANNEL_INFO(power, HWMON_P_INPUT),
	HWMON_CHANNEL_INFO(energy, HWMON_E_INPUT),
	NULL
};

static const struct hwmon_chip_info npu_hwmon_chip = {
	.ops = &npu_hwmon_ops,
	.info = npu_hwmon_channels,
};

int npu_hwmon_init(struct npu_device *ndev)
{
	struct device *hwmon;

	hwmon = devm_hwmon_device_register_with_info(&ndev->pdev->dev, "npu", ndev,
						     &npu_hwmon_chip, NULL);
	return PTR_ERR_OR_ZERO(hwmon);
}
