/* SPDX-License-Identifier: MIT */
/*
 * Copyright (c) 2026 the npu authors
 *
 * What commands do to SPM, ACC and memory: values only. Semaphores, time and the hazard checker
 * are not here; a command that gets here has passed npu_isa_check(), so that nothing but
 * memory, an index or an abort can make it fail.
 *
 * A struct npu_exec belongs to one thread, its core's. No locks, no global state but the choice
 * of the MXU's and VPU's kernels (npu_exec_force()).
 */
#ifndef NPU_CARD_EXEC_H
#define NPU_CARD_EXEC_H

#include <stdbool.h>
#include <stdint.h>

#include "mem.h"
#include "npu/hw/isa.h"

#define NPU_EXEC_ALIGN 64

struct npu_scratch;

/**
 * struct npu_exec - what commands work on
 * @spm: scratchpad, aligned to NPU_EXEC_ALIGN
 * @acc: accumulators, aligned likewise
 * @spm_size: bytes
 * @acc_size: bytes
 * @region: NPU_MAX_REGIONS virtual base addresses of the job
 * @mem: memory
 * @error: on failure status, reason, access, space, addr and len are filled, the others left alone
 * @scratch: the engines' own
 * @work: operations since the last look at npu_mem_stopped()
 */
struct npu_exec {
	uint8_t *spm;
	uint8_t *acc;
	uint32_t spm_size;
	uint32_t acc_size;
	const uint64_t *region;
	struct npu_mem *mem;
	struct npu_error *error;
	struct npu_scratch *scratch;
	uint64_t work;
};

/**
 * npu_exec_init() - allocate what the engines need beside; the other fields are the caller's to
 *	fill
 *
 * On the thread that will execute: its floating-point environment becomes the default one
 * (round to nearest, denormals kept), which a program using the simulator may have changed.
 * Returns 0 or -ENOMEM.
 */
int npu_exec_init(struct npu_exec *e);
void npu_exec_fini(struct npu_exec *e);

/**
 * npu_exec_command() - carry out any command but BARRIER and HANG
 *
 * Returns 0, or -1 with @e->error filled. What a failed command has written is undefined.
 */
int npu_exec_command(struct npu_exec *e, const struct npu_cmd *cmd);

int npu_exec_load(struct npu_exec *e, const struct npu_cmd_load *c);
int npu_exec_gather(struct npu_exec *e, const struct npu_cmd_gather *c);
int npu_exec_store(struct npu_exec *e, const struct npu_cmd_store *c);
int npu_exec_matmul(struct npu_exec *e, const struct npu_cmd_matmul *c);
int npu_exec_conv(struct npu_exec *e, const struct npu_cmd_conv *c);
int npu_exec_vpu(struct npu_exec *e, const struct npu_cmd_vpu *c);
int npu_exec_pool(struct npu_exec *e, const struct npu_cmd_pool *c);

/**
 * npu_exec_poll() - count @work operations (a byte, an element, a few MACs) and look whether to
 *	stop, now and then
 *
 * Returns 0, or -1 with NPU_JOB_ABORTED in @e->error.
 */
int npu_exec_poll(struct npu_exec *e, uint64_t work);

enum npu_kernels {
	NPU_KERNELS_PORTABLE, /* plain C */
	NPU_KERNELS_AVX2, /* x86-64 with AVX2 and FMA */
	NPU_KERNELS_AVX512, /* x86-64 with AVX-512 F, BW, DQ, VL and VNNI */
	NPU_KERNELS_COUNT,
};

/**
 * npu_exec_force() - use these kernels from now on, for tests; all give the same bits
 *
 * Otherwise the best that the host has are used. Not while any thread executes.
 * Returns 0, or -ENOTSUP when the host has not got them.
 */
int npu_exec_force(enum npu_kernels kernels);

/** npu_exec_kernels() - those in use */
enum npu_kernels npu_exec_kernels(void);

#endif
