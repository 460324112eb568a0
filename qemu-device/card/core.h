/* SPDX-License-Identifier: MIT */
/*
 * Copyright (c) 2026 the npu authors
 *
 * A core and its gang: what runs a stream.
 *
 * A core's memories, views, models and windows belong to its thread; the fields that say so belong
 * to npu_card.lock. Members of a gang meet under npu_job.lock (gang.c).
 */
#ifndef NPU_CARD_CORE_H
#define NPU_CARD_CORE_H

#include "device.h"
#include "exec.h"
#include "hazard.h"
#include "isa.h"
#include "store.h"
#include "timing.h"

struct npu_wire;

#define NPU_CODE_WINDOW 16384

/**
 * enum npu_place - where a member of a gang rests, when its thread does
 * @NPU_PLACE_START: before its first command
 * @NPU_PLACE_COMMAND: before the command at @pc, or in it if that is a HANG
 * @NPU_PLACE_BARRIER: at the barrier at @pc; if it no longer @waits, the barrier has opened
 * @NPU_PLACE_PASSED: the barrier at @pc has opened; only after npu_card_load()
 * @NPU_PLACE_END: its stream has ended
 * @NPU_PLACE_COMPLETION: likewise, and that of all; the job is to be completed
 */
enum npu_place {
	NPU_PLACE_START,
	NPU_PLACE_COMMAND,
	NPU_PLACE_BARRIER,
	NPU_PLACE_PASSED,
	NPU_PLACE_END,
	NPU_PLACE_COMPLETION,
};

/**
 * struct npu_core - one core
 * @card: whose
 * @index: number
 * @port: its way to memory
 * @thread: runs it
 * @wake: npu_card.lock: @go, @answers, @quit, or the job is stopped
 * @ready: npu_card.lock: the thread has made its own things; @failed: or could not
 * @go: npu_card.lock: a job is to be started
 * @answers: npu_card.lock: it is to read the rings in npu_card.pending; not while it has a job
 * @quit: npu_card.lock: the thread is to end
 * @job: npu_card.lock: what it runs, NULL when free
 * @member: its number in the gang
 * @reset: npu_card.lock: a reset is asked for
 * @counter: npu_card.lock: NPU_CORE_CTR
 * @moving: npu_card.lock: counted in npu_card.moving
 * @place: npu_card.lock: where it rests, if it does
 * @at: npu_job.lock: offset of the barrier it waits at ...
 * @at_tag: ... and its tag
 * @waits: npu_job.lock: it waits at a barrier
 * @pc: byte offset of the command at hand
 * @code_start: offset in the stream of the first byte of @code
 * @code_len: bytes in @code
 */
struct npu_core {
	struct npu_card *card;
	unsigned int index;
	struct npu_port *port;
	pthread_t thread;
	pthread_cond_t wake;
	bool ready;
	bool failed;
	bool go;
	bool answers;
	bool quit;
	struct npu_job *job;
	unsigned int member;
	bool reset;
	uint64_t counter[NPU_ENGINES][NPU_CTRS];
	bool moving;
	enum npu_place place;
	uint32_t at;
	uint32_t at_tag;
	bool waits;

	struct npu_view view;
	struct npu_store spm;
	struct npu_store acc;
	struct npu_sems sems;
	struct npu_hazard *hazard; /* NULL when the checker is off */
	struct npu_time *time;
	struct npu_exec exec;
	struct npu_time_result result; /* of the job that has ended */
	uint32_t pc;
	uint64_t code_start;
	uint32_t code_len;
	uint8_t code[NPU_CODE_WINDOW] __attribute__((aligned(64)));
};

/**
 * npu_core_new() - a core with its thread waiting for a job; NULL when there is no memory or thread
 */
struct npu_core *npu_core_new(struct npu_card *card, unsigned int index);
/** npu_core_free() - it has no job; lock not held. NULL is allowed */
void npu_core_free(struct npu_core *core);
/** npu_core_go() - run member @member of @job; npu_card.lock held */
void npu_core_go(struct npu_core *core, struct npu_job *job, unsigned int member);
/**
 * npu_core_answer() - a doorbell of @ring rang; npu_card.lock held
 *
 * A core without a job reads the ring, and may well run itself what it finds, so that a job waits for one thread to
 * wake up and not for two. When all have one it is the front's.
 */
void npu_core_answer(struct npu_card *card, unsigned int ring);
/**
 * npu_core_rest() - move no more
 * npu_core_move() - move again once that is allowed; false when the job is to end first
 */
void npu_core_rest(struct npu_core *core);
bool npu_core_move(struct npu_core *core);

/**
 * npu_core_begin() - a job is to run on it, from its first command or, after npu_core_wire(), from
 *	where it was; not for a member that has ended
 */
void npu_core_begin(struct npu_core *core);
/**
 * npu_core_wire() - all that a member has done between two of its commands, to or from @w (wire.h)
 *
 * The core is at rest; after loading, npu_core.job and what belongs to it are as in the state.
 */
void npu_core_wire(struct npu_core *core, struct npu_wire *w);

/* ---- Gangs (gang.c) -------------------------------------------------------------------------- */

/** npu_gang_start() - before the members go */
void npu_gang_start(struct npu_job *job);

/**
 * npu_gang_barrier() - a member arrives at its next barrier
 *
 * Returns true when all have arrived and the member may go on, with npu_job.arrival set; false when
 * the gang ends.
 */
bool npu_gang_barrier(struct npu_core *core, uint32_t tag);

/** npu_gang_stands() - a member rests at a barrier that has not opened; npu_card.lock held */
bool npu_gang_stands(struct npu_core *core);

/** npu_gang_hang() - rest until the gang ends */
void npu_gang_hang(struct npu_core *core);

/** npu_gang_end() - the member's stream has ended, well (@err NULL) or not */
void npu_gang_end(struct npu_core *core, const struct npu_error *err);

/**
 * npu_gang_halt() - the job is to end with status ABORTED if with no other; wakes who waits. Under
 * npu_card.lock
 */
void npu_gang_halt(struct npu_job *job);

/** npu_job_stop() - end a running job soon, with a completion or not; npu_card.lock held */
void npu_job_stop(struct npu_job *job, bool discard);

#endif
