/* SPDX-License-Identifier: MIT */
/*
 * Copyright (c) 2026 the npu authors
 *
 * CRC-32C (Castagnoli), as iSCSI and ext4 have it.
 */
#ifndef NPU_HAL_CRC32C_H
#define NPU_HAL_CRC32C_H

#include <stddef.h>
#include <stdint.h>

/** npu_crc32c() - of @size bytes; @crc is that of what came before, first 0 */
uint32_t npu_crc32c(uint32_t crc, const void *data, size_t size);

#endif
