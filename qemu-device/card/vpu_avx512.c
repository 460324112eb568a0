// SPDX-License-Identifier: MIT
/*
 * Copyright (c) 2026 the npu authors
 *
 * The VPU's kernels for x86-64 with AVX-512.
 */
#ifdef __x86_64__
#include "simd.h"
#include "vpu.h"

#include <string.h>

NPU_SIMD_BEGIN(NPU_SIMD_AVX512)

#include "vpu_loops.h"

const struct npu_vpu_kernels npu_vpu_avx512 = {
	.widen = loop_widen,
	.dequant = loop_dequant,
	.narrow = loop_narrow,
	.to_float = loop_to_float,
	.stage = loop_stage,
	.sum = loop_sum,
	.requant = loop_requant,
};

NPU_SIMD_END
#endif
