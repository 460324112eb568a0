// SPDX-License-Identifier: MIT
/*
 * Copyright (c) 2026 the npu authors
 *
 * Commands to their engines, and what the engines share: scratch memory, the choice of kernels,
 * the poll.
 */
#include "exec.h"

#include <errno.h>
#include <fenv.h>
#include <stdatomic.h>
#include <stdlib.h>

#include "mxu.h"
#include "scratch.h"
#include "vpu.h"

_Static_assert(__BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__, "commands and memory are little-endian");

/* Operations between two looks at npu_mem_stopped(). */
#define POLL_WORK (1u << 20)

static const struct kernel_set {
	const struct npu_mxu_kernels *mxu;
	const struct npu_vpu_kernels *vpu;
} kernel_sets[NPU_KERNELS_COUNT] = {
	[NPU_KERNELS_PORTABLE] = { &npu_mxu_portable, &npu_vpu_portable },
#ifdef __x86_64__
	[NPU_KERNELS_AVX2] = { &npu_mxu_avx2, &npu_vpu_avx2 },
	[NPU_KERNELS_AVX512] = { &npu_mxu_vnni, &npu_vpu_avx512 },
#endif
};

/* 0: not chosen yet, else enum npu_kernels + 1. Choosing twice chooses the same. */
static atomic_int chosen;

static bool have_kernels(enum npu_kernels kernels)
{
	switch (kernels) {
	case NPU_KERNELS_PORTABLE:
		return true;
#ifdef __x86_64__
	case NPU_KERNELS_AVX2:
		return __builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma");
	case NPU_KERNELS_AVX512:
		return __builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512bw") &&
		       __builtin_cpu_supports("avx512dq") && __builtin_cpu_supports("avx512vl") &&
		       __builtin_cpu_supports("avx512vnni") && have_kernels(NPU_KERNELS_AVX2);
#endif
	default:
		return false;
	}
}

int npu_exec_force(enum npu_kernels kernels)
{
	if (!have_kernels(kernels))
		return -ENOTSUP;
	atomic_store(&chosen, kernels + 1);
	return 0;
}

enum npu_kernels npu_exec_kernels(void)
{
	int best = NPU_KERNELS_COUNT - 1;

	if (atomic_load(&chosen))
		return atomic_load(&chosen) - 1;
	while (!have_kernels(best))
		best--;
	atomic_store(&chosen, best + 1);
	return best;
}

const struct npu_mxu_kernels *npu_mxu_kernels(void)
{
	return kernel_sets[npu_exec_kernels()].mxu;
}

const struct npu_vpu_kernels *npu_vpu_kernels(void)
{
	return kernel_sets[npu_exec_kernels()].vpu;
}

int npu_exec_init(struct npu_exec *e)
{
	fesetenv(FE_DFL_ENV);
	e->work = 0;
	e->scratch = aligned_alloc(NPU_EXEC_ALIGN, sizeof(*e->scratch));
	return e->scratch ? 0 : -ENOMEM;
}

void npu_exec_fini(struct npu_exec *e)
{
	free(e->scratch);
	e->scratch = NULL;
}

int npu_exec_poll(struct npu_exec *e, uint64_t work)
{
	e->work += work;
	if (e->work < POLL_WORK)
		return 0;
	e->work = 0;
	if (!npu_mem_stopped(e->mem))
		return 0;
	e->error->status = NPU_JOB_ABORTED;
	e->error->reason = NPU_REASON_NONE;
	return -1;
}

int npu_exec_command(struct npu_exec *e, const struct npu_cmd *cmd)
{
	switch (cmd->opcode) {
	case NPU_OP_LOAD:
		return npu_exec_load(e, (const struct npu_cmd_load *)cmd);
	case NPU_OP_GATHER:
		return npu_exec_gather(e, (const struct npu_cmd_gather *)cmd);
	case NPU_OP_MATMUL:
		return npu_exec_matmul(e, (const struct npu_cmd_matmul *)cmd);
	case NPU_OP_CONV:
		return npu_exec_conv(e, (const struct npu_cmd_conv *)cmd);
	case NPU_OP_VPU:
		return npu_exec_vpu(e, (const struct npu_cmd_vpu *)cmd);
	case NPU_OP_POOL:
		return npu_exec_pool(e, (const struct npu_cmd_pool *)cmd);
	case NPU_OP_STORE:
		return npu_exec_store(e, (const struct npu_cmd_store *)cmd);
	default:
		e->error->status = NPU_JOB_INVALID;
		e->error->reason = NPU_REASON_OPCODE;
		e->error->addr = 0;
		return -1;
	}
}
