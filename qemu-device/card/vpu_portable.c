// SPDX-License-Identifier: MIT
/*
 * Copyright (c) 2026 the npu authors
 *
 * The VPU's kernels for any processor.
 */
#include "vpu_loops.h"

const struct npu_vpu_kernels npu_vpu_portable = {
	.widen = loop_widen,
	.dequant = loop_dequant,
	.narrow = loop_narrow,
	.to_float = loop_to_float,
	.stage = loop_stage,
	.sum = loop_sum,
	.requant = loop_requant,
};
