/* SPDX-License-Identifier: MIT */
/*
 * Copyright (c) 2026 the npu authors
 *
 * The hazard checker: follows happens-before between the engines of a core (program order of each
 * engine, semaphores, barriers) and between the members of a gang (barriers), and finds accesses
 * that nothing orders, and reads of SPM and ACC that this job never wrote.
 *
 * One struct npu_hazard belongs to one core and is used by one thread at a time; nothing in it is
 * shared while the members of a gang run, so a report never depends on how their threads
 * interleave. npu_hazard_epoch() and npu_hazard_end() need all members standing still.
 *
 * A core with the checker on does, for a job:
 *
 *	npu_hazard_begin(h, &job);
 *	for each command that passed npu_isa_check() and npu_sems_command(), in program order:
 *		BARRIER: when all have arrived, one calls npu_hazard_epoch(all members)
 *		else: npu_hazard_command() and, if it returns true, execute
 *	when all members have ended without an error: npu_hazard_end(all members)
 */
#ifndef NPU_CARD_HAZARD_H
#define NPU_CARD_HAZARD_H

#include "isa.h"

#ifdef __cplusplus
extern "C" {
#endif

struct npu_hazard;

/**
 * struct npu_hazard_job - what the checker must know of a job on one core
 * @member: of the gang, 0 ..
 * @region: bases, NPU_MAX_REGIONS of them; must stay valid
 * @spm: the core's scratchpad (indices of GATHER are read from it before it is executed)
 * @resolve: which memory a virtual address is
 * @tag: tag of the command at byte @offset of this member's stream, for reports only
 * @stopped: the job is to end, so look no further; may be NULL
 * @opaque: for @resolve, @tag and @stopped
 */
struct npu_hazard_job {
	unsigned int member;
	const uint64_t *region;
	const uint8_t *spm;
	npu_resolve_fn *resolve;
	uint32_t (*tag)(void *opaque, uint32_t offset);
	bool (*stopped)(void *opaque);
	void *opaque;
};

/** npu_hazard_new() - a checker for one core of this card; NULL without memory */
struct npu_hazard *npu_hazard_new(const struct npu_card_config *cfg);
void npu_hazard_free(struct npu_hazard *h);

/** npu_hazard_begin() - forget all, a job starts. @job is copied */
void npu_hazard_begin(struct npu_hazard *h, const struct npu_hazard_job *job);

/**
 * npu_hazard_command() - the next command of the stream, before it is executed
 * @h: checker
 * @cmd: not BARRIER nor HANG
 * @offset: of the command in its stream, a multiple of 16
 * @err: filled completely when there is a hazard
 *
 * Returns true when it may be executed.
 */
bool npu_hazard_command(struct npu_hazard *h, const struct npu_cmd *cmd, uint32_t offset,
			struct npu_error *err);

/**
 * npu_hazard_epoch() - all members stand at a barrier
 *
 * Compares what the members did to memory since the last barrier, then forgets what the barrier has
 * ordered. Returns true when nothing was found; else fills @err.
 */
bool npu_hazard_epoch(struct npu_hazard *const *members, unsigned int count, struct npu_error *err);

/**
 * npu_hazard_wire() - the state between two commands, to or from @w (wire.h)
 *
 * @h: in a job: after npu_hazard_begin(). On error it is as after that
 * @sems: tokens that each semaphore holds, as the core counts them; NULL where the stream has ended
 */
void npu_hazard_wire(struct npu_hazard *h, struct npu_wire *w, const struct npu_sems *sems);

/** npu_hazard_end() - all members have ended: npu_hazard_epoch(), then semaphores left over */
bool npu_hazard_end(struct npu_hazard *const *members, unsigned int count, struct npu_error *err);

#ifdef __cplusplus
}
#endif

#endif
