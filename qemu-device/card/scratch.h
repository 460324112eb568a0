/* SPDX-License-Identifier: MIT */
/*
 * Copyright (c) 2026 the npu authors
 *
 * Scratch memory of a core's engines: fixed, so that no stream makes the model allocate.
 * Contents mean nothing between commands.
 */
#ifndef NPU_CARD_SCRATCH_H
#define NPU_CARD_SCRATCH_H

#include "mxu.h"
#include "vpu.h"

#define NPU_DW_CHANNELS 256
#define NPU_DW_TAPS	64

struct npu_scratch {
	union {
		struct {
			uint8_t a[NPU_MXU_ROWS * NPU_MXU_LDA_I8];
			int8_t b[NPU_MXU_COLS * NPU_MXU_K_I8];
			const uint8_t *rows[NPU_MXU_PIECES * NPU_MXU_ROWS];
			uint8_t ones[NPU_MXU_K_I8];
			int32_t sb[NPU_MXU_COLS];
			int32_t bz[NPU_MXU_COLS];
			int32_t az[NPU_MXU_ROWS];
			int32_t ra[NPU_MXU_ROWS];
			int32_t *c[NPU_MXU_ROWS];
		} i8 __attribute__((aligned(64)));
		struct {
			float a[NPU_MXU_ROWS * NPU_MXU_LDA_F32];
			float b[NPU_MXU_COLS_F32 * NPU_MXU_K_F32];
			float *c[NPU_MXU_ROWS];
		} f32 __attribute__((aligned(64)));
		struct {
			int32_t wi[NPU_DW_TAPS * NPU_DW_CHANNELS];
			float wf[NPU_DW_TAPS * NPU_DW_CHANNELS];
		} dw __attribute__((aligned(64)));
		struct npu_vpu_scratch vpu;
	};
};

#endif
