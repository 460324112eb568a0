/* SPDX-License-Identifier: MIT */
/*
 * Copyright (c) 2026 the npu authors
 *
 * Modelled time, counters and energy: section 10 of docs/hardware.md. A stream is fed command by
 * command in program order; nothing is executed and no value is looked at, so libnpu's search for
 * tiles uses the same model without a card.
 *
 * One struct npu_time belongs to one core and is used by one thread at a time. Time starts at 0
 * with each job; what is known of it lags behind what was fed, by at most NPU_LOOKAHEAD commands.
 */
#ifndef NPU_CARD_TIMING_H
#define NPU_CARD_TIMING_H

#include "isa.h"

#ifdef __cplusplus
extern "C" {
#endif

struct npu_time;
struct npu_wire;

/**
 * struct npu_time_counters - of one engine, for one job so far
 *
 * In the order of NPU_CTR_*; energy in femtojoules here.
 */
struct npu_time_counters {
	uint64_t busy;
	uint64_t stall_sem;
	uint64_t stall_port;
	uint64_t cmds;
	uint64_t work;
	uint64_t lmem_bytes;
	uint64_t pcie_bytes;
	uint64_t energy_fj;
};

/**
 * struct npu_time_result - a job on one core
 * @cycles: end of the last command, or release of the last barrier; a gang's are the largest of its
 * 	members'
 * @engine: counters
 */
struct npu_time_result {
	uint64_t cycles;
	struct npu_time_counters engine[NPU_ENGINES];
};

/**
 * struct npu_time_event - what one command was
 * @tag: its own
 * @start: when its engine began it; it may have waited for the memory port after that
 * @free: when its engine could take the next one
 * @end: when its signals were made
 * @work: as in struct npu_time_counters; likewise the others
 */
struct npu_time_event {
	uint32_t tag;
	enum npu_engine engine;
	uint64_t start;
	uint64_t free;
	uint64_t end;
	uint64_t work;
	uint64_t lmem_bytes;
	uint64_t pcie_bytes;
	uint64_t energy_fj;
};

typedef void npu_time_watch_fn(void *opaque, const struct npu_time_event *event);

/** npu_time_new() - a model of one core of this card; NULL without memory. @cfg is copied */
struct npu_time *npu_time_new(const struct npu_card_config *cfg);
void npu_time_free(struct npu_time *t);

/**
 * npu_time_wire() - the state between two commands, to or from @w (wire.h)
 * @t: model, of an equal card; on error its state is as after npu_time_reset()
 * @sems: tokens that each semaphore holds; loaded already
 */
void npu_time_wire(struct npu_time *t, struct npu_wire *w, const struct npu_sems *sems);

/** npu_time_watch() - @fn is told each command once its time is decided; NULL: no one is */
void npu_time_watch(struct npu_time *t, npu_time_watch_fn *fn, void *opaque);

/** npu_time_reset() - a job starts at time 0. A new model needs none */
void npu_time_reset(struct npu_time *t);

/**
 * npu_time_bytes() - bytes that a LOAD, GATHER or STORE moves, in whole bursts
 * @cmd: LOAD, GATHER or STORE (others: none)
 * @region: bases, NPU_MAX_REGIONS of them; NULL: as if each were 0
 * @spm: where GATHER's indices are, read before it is executed; NULL: as if row i were index i
 * @resolve: local or host memory; NULL: all of it local
 * @opaque: for @resolve
 * @local: set to bytes of local memory
 * @host: set to bytes over PCIe
 */
void npu_time_bytes(const struct npu_cmd *cmd, const uint64_t *region, const uint8_t *spm,
		    npu_resolve_fn *resolve, void *opaque, uint64_t *local, uint64_t *host);

/**
 * npu_time_command() - the next command of the stream
 * @t: model
 * @cmd: passed npu_isa_check() and npu_sems_command(); not BARRIER nor HANG
 * @local: bytes of local memory, from npu_time_bytes()
 * @host: bytes over PCIe, likewise
 */
void npu_time_command(struct npu_time *t, const struct npu_cmd *cmd, uint64_t local, uint64_t host);

/** npu_time_drain() - when all commands so far have ended: this member's arrival at a barrier */
uint64_t npu_time_drain(struct npu_time *t);

/**
 * npu_time_barrier() - go on after a barrier
 * @t: model, drained
 * @arrival: the latest of all members' npu_time_drain()
 */
void npu_time_barrier(struct npu_time *t, uint64_t arrival);

/** npu_time_end() - the stream has ended: drain, and tell */
void npu_time_end(struct npu_time *t, struct npu_time_result *result);

/** npu_time_now() - cycles of the job as far as they are known */
uint64_t npu_time_now(const struct npu_time *t);

/** npu_time_counters() - of the commands whose time is known */
const struct npu_time_counters *npu_time_counters(const struct npu_time *t, enum npu_engine engine);

/** npu_time_counters_wire() - to or from @w */
void npu_time_counters_wire(struct npu_time_counters *c, struct npu_wire *w);

#ifdef __cplusplus
}
#endif

#endif
