/* SPDX-License-Identifier: MIT */
/*
 * Copyright (c) 2026 the npu authors
 *
 * npuctl info: its other half.
 */
#ifndef NPUCTL_INFO_H
#define NPUCTL_INFO_H

#include <stdbool.h>

/**
 * info_model() - tell about a model
 * @device: for whose card costs are told; NULL: NPU_DEVICE, else the simulated card, made
 *	larger where the model needs that
 *
 * Returns enum npuctl_exit.
 */
int info_model(const char *path, const char *device, bool json);

#endif
