/* SPDX-License-Identifier: MIT */
/*
 * Copyright (c) 2026 the npu authors
 *
 * A matrix product on its way from descriptor (matmul_plan.c) to commands (matmul.c).
 */
#ifndef NPU_KERNELS_MATMUL_H
#define NPU_KERNELS_MATMUL_H

#include "plan.h"

/* Parameters of a candidate. */
enum {
	CB, CM, CN,		/* cores */
	MT, NT, KT, ORDER,
	A_SLOTS, B_SLOTS, ACC_SLOTS, OUT_SLOTS,
	HEAD,			/* k of pieces of a core's first chunk; 0: it is one piece */
	HEAD_COLS,		/* of parts of the first of them; 0: all */
	TAIL,			/* k of the last piece of its last chunk; 0: it is one piece */
	TAIL_COLS, TAIL_ROWS,	/* of parts of that; 0: all */
};
enum { M_OUTER, N_OUTER };

/** npu_matmul_emit() - a core's commands of a normalised descriptor, for struct npu_search */
void npu_matmul_emit(struct npu_emit *e, const void *problem, const struct npu_candidate *c,
		     unsigned int core);

/** npu_matmul_acc_type() - NPU_S32 or NPU_FP32 */
uint32_t npu_matmul_acc_type(const struct npu_matmul *d);

/**
 * npu_matmul_column_unit() - columns are dealt to cores in whole columns of the array, or where
 * there are few, of packed blocks
 */
uint32_t npu_matmul_column_unit(const struct npu_caps *caps, uint32_t n, uint32_t parts);

#endif
