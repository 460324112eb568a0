// SPDX-License-Identifier: MIT
/*
 * Copyright (c) 2026 the npu authors
 *
 * Names, for messages and listings.
 */
#include <stddef.h>

#include "npu/hw/isa.h"
#include "npu/hw/regs.h"

#include "tables.h"

#define LOOK_UP(table, i) ((i) < sizeof(table) / sizeof((table)[0]) ? (table)[i] : NULL)

const char *npu_reason_text(unsigned int reason)
{
	static const char *const text[] = {
		[NPU_REASON_CONTEXT] = "no such address space",
		[NPU_REASON_NOT_PRESENT] = "nothing is bound there",
		[NPU_REASON_PERMISSION] = "not allowed",
		[NPU_REASON_RANGE] = "address out of range",
		[NPU_REASON_BAD_PTE] = "bad page table entry",
		[NPU_REASON_SEMAPHORE] = "a wait that no earlier signal satisfies",
		[NPU_REASON_BARRIER] = "the gang's streams have unequal numbers of barriers",
		[NPU_REASON_RAW] = "a read is not ordered after a write",
		[NPU_REASON_WAR] = "a write is not ordered after a read",
		[NPU_REASON_WAW] = "a write is not ordered after a write",
		[NPU_REASON_UNWRITTEN] = "reads what no command of the job wrote",
		[NPU_REASON_LEFTOVER] = "a semaphore is not zero at the end",
		[NPU_REASON_OPCODE] = "unknown opcode",
		[NPU_REASON_SIZE] = "wrong size of a command, or the stream ends within it",
		[NPU_REASON_RESERVED] = "a reserved field is not zero",
		[NPU_REASON_FIELD] = "a field has a value that is not allowed",
		[NPU_REASON_ALIGN] = "a field is not aligned",
		[NPU_REASON_BOUNDS] = "beyond scratchpad or accumulators",
		[NPU_REASON_SEM_OWNER] = "two engines signal, or wait on, one semaphore",
		[NPU_REASON_SEM_OVERFLOW] = "a semaphore overflows",
		[NPU_REASON_INJECT] = "the card does not take HANG commands",
		[NPU_REASON_DESC] = "descriptor",
		[NPU_REASON_ECC_LMEM] = "local memory",
	};

	return LOOK_UP(text, reason);
}

const char *npu_engine_text(unsigned int engine)
{
	static const char *const text[] = { "LOAD", "MXU", "VPU", "STORE" };

	return LOOK_UP(text, engine);
}

const char *npu_type_text(unsigned int type)
{
	static const char *const text[] = {
		[NPU_S8] = "s8",     [NPU_U8] = "u8",	  [NPU_S32] = "s32",
		[NPU_BF16] = "bf16", [NPU_FP16] = "fp16", [NPU_FP32] = "fp32",
		[NPU_S4] = "s4",     [NPU_U4] = "u4",	  [NPU_S64] = "s64",
	};

	return LOOK_UP(text, type);
}

const char *npu_stage_text(unsigned int op)
{
	static const char *const text[] = {
		[NPU_STAGE_NOP] = "nop",       [NPU_STAGE_IADD] = "iadd",
		[NPU_STAGE_ISUB] = "isub",     [NPU_STAGE_IMIN] = "imin",
		[NPU_STAGE_IMAX] = "imax",     [NPU_STAGE_ADD] = "add",
		[NPU_STAGE_SUB] = "sub",       [NPU_STAGE_RSUB] = "rsub",
		[NPU_STAGE_MUL] = "mul",       [NPU_STAGE_DIV] = "div",
		[NPU_STAGE_RDIV] = "rdiv",     [NPU_STAGE_MIN] = "min",
		[NPU_STAGE_MAX] = "max",       [NPU_STAGE_GT] = "gt",
		[NPU_STAGE_GE] = "ge",	       [NPU_STAGE_EQ] = "eq",
		[NPU_STAGE_SELECT] = "select", [NPU_STAGE_PRELU] = "prelu",
		[NPU_STAGE_ABS] = "abs",       [NPU_STAGE_NEG] = "neg",
		[NPU_STAGE_EXP] = "exp",       [NPU_STAGE_LOG] = "log",
		[NPU_STAGE_ERF] = "erf",       [NPU_STAGE_SIGMOID] = "sigmoid",
		[NPU_STAGE_TANH] = "tanh",     [NPU_STAGE_GELU] = "gelu",
		[NPU_STAGE_SILU] = "silu",     [NPU_STAGE_SQRT] = "sqrt",
		[NPU_STAGE_RSQRT] = "rsqrt",   [NPU_STAGE_RECIP] = "recip",
		[NPU_STAGE_FLOOR] = "floor",   [NPU_STAGE_CEIL] = "ceil",
		[NPU_STAGE_RINT] = "rint",     [NPU_STAGE_QUANT] = "quant",
		[NPU_STAGE_LUT] = "lut",
	};

	return LOOK_UP(text, op);
}
