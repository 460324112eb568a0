/* SPDX-License-Identifier: MIT */
/*
 * Copyright (c) 2026 the npu authors
 *
 * Names of what npu/hw/isa.h and npu/hw/regs.h number. Each returns NULL for a number that has
 * none.
 */
#ifndef NPU_ISA_TABLES_H
#define NPU_ISA_TABLES_H

#include <stdint.h>

/** npu_reason_text() - enum npu_reason in words */
const char *npu_reason_text(unsigned int reason);

/** npu_engine_text() - "LOAD", "MXU", "VPU", "STORE" */
const char *npu_engine_text(unsigned int engine);

/** npu_type_text() - "s8", ... */
const char *npu_type_text(unsigned int type);

/** npu_stage_text() - enum npu_stage_op, "iadd", ... */
const char *npu_stage_text(unsigned int op);

#endif
