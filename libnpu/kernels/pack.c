// SPDX-License-Identifier: MIT
/*
 * Copyright (c) 2026 the npu authors
 *
 * Packing second operands on the host into the layout of NPU_B_PACKED (npu/hw/isa.h).
 */
#include <errno.h>
#include <string.h>

#include "hal/error.h"

#include "emit.h"

static uint32_t element_size(uint32_t type)
{
	switch (type) {
	case NPU_S8:
	case NPU_U8:
		return 1;
	case NPU_BF16:
	case NPU_FP16:
		return 2;
	default:
		return 0;
	}
}

uint64_t npu_weights_packed_size(uint32_t type, uint32_t k, uint32_t n, uint32_t groups)
{
	uint64_t size = element_size(type), bytes, limit = 1ull << 48;

	if (!size || !k || !n || !groups)
		return 0;
	bytes = npu_round_up(k, npu_pack_group(type)) * NPU_PACK_COLS * size;
	n = npu_div_up(n, NPU_PACK_COLS);
	if (bytes > limit / n || bytes * n > limit / groups)
		return 0;
	return bytes * n * groups;
}

int npu_weights_pack(void *dst, const void *src, uint32_t type, uint32_t k, uint32_t n,
		     uint32_t groups, uint64_t stride)
{
	uint64_t total = npu_weights_packed_size(type, k, n, groups), size = element_size(type);
	uint32_t q = npu_pack_group(type), g, i, j;
	uint64_t blocks = npu_div_up(n, NPU_PACK_COLS), block = npu_round_up(k, q) * NPU_PACK_COLS;
	const uint8_t *from = src;
	uint8_t *to = dst;

	if (!total)
		return npu_fail(-EINVAL, "type %u, k %u, n %u, groups %u: cannot be packed", type,
				k, n, groups);
	if (!stride)
		stride = (uint64_t)groups * n;
	memset(dst, 0, total);
	for (g = 0; g < groups; g++) {
		for (i = 0; i < k; i++) {
			for (j = 0; j < n; j++) {
				uint64_t at = (g * blocks + j / NPU_PACK_COLS) * block +
					      (uint64_t)(i / q) * q * NPU_PACK_COLS +
					      j % NPU_PACK_COLS * q + i % q;

				memcpy(to + at * size,
				       from + (i * stride + (uint64_t)g * n + j) * size, size);
			}
		}
	}
	return 0;
}
