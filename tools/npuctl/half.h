/* SPDX-License-Identifier: MIT */
/*
 * Copyright (c) 2026 the npu authors
 *
 * The 16-bit floats, rounded to nearest even; NaNs become NPU_BF16_NAN and NPU_FP16_NAN as on the
 * card.
 */
#ifndef NPUCTL_HALF_H
#define NPUCTL_HALF_H

#include <stdint.h>

uint16_t bf16_from_float(float v);
float bf16_to_float(uint16_t h);
uint16_t fp16_from_float(float v);
float fp16_to_float(uint16_t h);

#endif
