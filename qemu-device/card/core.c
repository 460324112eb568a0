// SPDX-License-Identifier: MIT
/*
 * Copyright (c) 2026 the npu authors
 *
 * A core's thread: fetches commands ahead through the MMU, decodes and checks them, and executes
 * them in program order, which is always a legal order; modelled time and the checker follow
 * beside. See core.h.
 *
 * Between two commands, and inside long ones through npu_mem_stopped(), the thread looks whether
 * its job is to end; between two commands also whether the card is paused.
 */
#include "core.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "wire.h"

/*
 * An npu_access_fn, of the command that comes next. All its reads are told before its first write
 * is.
 */
static void touch_access(void *opaque, const struct npu_access *a)
{
	struct npu_core *core = opaque;
	struct npu_store *store = a->space == NPU_SPACE_SPM ? &core->spm : &core->acc;

	if (a->space == NPU_SPACE_MEM)
		return;
	if (a->kind == NPU_ACCESS_WRITE)
		npu_store_write(store, a);
	else
		npu_store_read(store, a);
}

/* ---- Errors ---------------------------------------------------------------------------------- */

static enum npu_status status_of(enum npu_reason reason)
{
	if (reason >= NPU_REASON_OPCODE)
		return NPU_JOB_INVALID;
	if (reason >= NPU_REASON_RAW)
		return NPU_JOB_HAZARD;
	return NPU_JOB_DEADLOCK;
}

static void error_init(const struct npu_core *core, struct npu_error *err)
{
	*err = (struct npu_error){
		.core = core->member,
		.engine = NPU_ENGINE_NONE,
		.other_engine = NPU_ENGINE_NONE,
		.cmd = core->pc,
		.other_cmd = NPU_ERROR_NO_CMD,
	};
}

static int error_reason(struct npu_error *err, enum npu_reason reason, uint64_t addr)
{
	err->status = status_of(reason);
	err->reason = reason;
	err->addr = addr;
	return -1;
}

/* ---- Commands -------------------------------------------------------------------------------- */

/*
 * Have @need bytes of the stream from @core->pc on in the window. Code is read ahead, but a page
 * that is missing there is no fault before a command in it is reached.
 */
static int fetch(struct npu_core *core, const struct npu_stream_ref *stream, uint32_t need,
		 struct npu_error *err)
{
	uint64_t end = core->code_start + core->code_len;
	struct npu_span span;

	if (core->pc >= core->code_start && core->pc + (uint64_t)need <= end)
		return 0;
	if (core->pc >= core->code_start && core->pc < end) {
		core->code_len = end - core->pc;
		memmove(core->code, core->code + (core->pc - core->code_start), core->code_len);
	} else {
		core->code_len = 0;
	}
	core->code_start = core->pc;
	while (core->code_len < NPU_CODE_WINDOW) {
		uint64_t at = core->code_start + core->code_len;
		uint64_t len = NPU_CODE_WINDOW - core->code_len;
		struct npu_error fault = *err;

		if (at >= stream->size)
			break;
		len = len < stream->size - at ? len : stream->size - at;
		/*
		 * A sum beyond 64 bits is beyond 48 as well: it must not come round to a good
		 * address.
		 */
		if (npu_mem_get(&core->view.mem,
				stream->addr + at < at ? ~UINT64_C(0) : stream->addr + at, len,
				NPU_ACCESS_FETCH, &span, &fault)) {
			if (core->code_len >= need)
				break;
			*err = fault;
			return -1;
		}
		memcpy(core->code + core->code_len, span.ptr, span.len);
		core->code_len += span.len;
		if (npu_mem_put(&core->view.mem, &span, err))
			return -1;
	}
	return 0;
}

/* The command at @core->pc, whole and valid, or NULL with @err filled. */
static const struct npu_cmd *decode(struct npu_core *core, const struct npu_stream_ref *stream,
				    struct npu_error *err)
{
	uint64_t left = stream->size - core->pc;
	const struct npu_cmd *cmd;
	enum npu_reason reason;
	uint64_t where = 0;
	size_t size;

	if (fetch(core, stream, sizeof(*cmd), err))
		return NULL;
	cmd = (const struct npu_cmd *)(core->code + (core->pc - core->code_start));
	size = npu_isa_size(cmd->opcode);
	if (size && fetch(core, stream, size < left ? size : left, err))
		return NULL;
	cmd = (const struct npu_cmd *)(core->code + (core->pc - core->code_start));
	err->tag = cmd->tag;
	err->engine = npu_isa_engine(cmd->opcode);
	reason = npu_isa_check(&core->card->cfg, cmd, left, &where);
	if (!reason)
		return cmd;
	error_reason(err, reason, where);
	return NULL;
}

/* An npu_resolve_fn. */
static bool resolve(void *opaque, uint64_t va, enum npu_access_kind kind, uint64_t *key,
		    uint64_t *len)
{
	struct npu_core *core = opaque;

	return npu_view_resolve(&core->view, va, kind, key, len);
}

/* Likewise, for npu_time_bytes(), which asks for one page after the other. */
static bool look_up(void *opaque, uint64_t va, enum npu_access_kind kind, uint64_t *key,
		    uint64_t *len)
{
	struct npu_core *core = opaque;

	return npu_view_look(&core->view, va, kind, key, len);
}

/* An npu_hazard_job.tag: from the window or, rarely, from memory again. */
static uint32_t tag_at(void *opaque, uint32_t offset)
{
	struct npu_core *core = opaque;
	const struct npu_stream_ref *stream = &core->job->stream[core->member];
	struct npu_error err;
	struct npu_span span;
	struct npu_cmd cmd;

	if (offset >= core->code_start &&
	    offset + sizeof(cmd) <= core->code_start + core->code_len) {
		memcpy(&cmd, core->code + (offset - core->code_start), sizeof(cmd));
		return cmd.tag;
	}
	/* Streams and commands are 16-byte aligned, so a header is never split by a page. */
	if (npu_mem_get(&core->view.mem, stream->addr + offset, sizeof(cmd), NPU_ACCESS_FETCH,
			&span, &err))
		return 0;
	if (span.len == sizeof(cmd))
		memcpy(&cmd, span.ptr, sizeof(cmd));
	else
		cmd.tag = 0;
	npu_mem_put(&core->view.mem, &span, &err);
	return cmd.tag;
}

/* An npu_hazard_job.stopped. */
static bool is_stopped(void *opaque)
{
	struct npu_core *core = opaque;

	return npu_mem_stopped(&core->view.mem);
}

static void progress(struct npu_core *core)
{
	struct npu_job *job = core->job;
	uint64_t now = npu_time_now(core->time);
	uint64_t old = atomic_load_explicit(&job->cycles, memory_order_relaxed);

	atomic_fetch_add_explicit(&job->ring->progress, 1, memory_order_relaxed);
	while (now > old && !atomic_compare_exchange_weak(&job->cycles, &old, now))
		;
}

static int execute(struct npu_core *core, const struct npu_cmd *cmd, struct npu_error *err)
{
	uint64_t local, host, where = 0;
	enum npu_reason reason;

	reason = npu_sems_command(&core->sems, cmd, &where);
	if (reason)
		return error_reason(err, reason, where);
	/* First: what follows looks into SPM for a GATHER's indices. */
	npu_isa_footprint(cmd, touch_access, core);
	if (core->hazard && !npu_hazard_command(core->hazard, cmd, core->pc, err))
		return -1;
	npu_time_bytes(cmd, core->job->region, core->spm.data, look_up, core, &local, &host);
	npu_view_look_end(&core->view);
	core->exec.error = err;
	if (npu_exec_command(&core->exec, cmd))
		return -1;
	npu_time_command(core->time, cmd, local, host);
	return 0;
}

/* ---- Jobs ------------------------------------------------------------------------------------ */

void npu_core_rest(struct npu_core *core)
{
	if (core->moving)
		npu_card_rest(core->card);
	core->moving = false;
}

bool npu_core_move(struct npu_core *core)
{
	if (!core->moving)
		core->moving = npu_card_move(core->card, &core->job->stopped);
	return core->moving;
}

/* Between two commands. */
static int look(struct npu_core *core, struct npu_error *err)
{
	struct npu_card *card = core->card;

	if (atomic_load_explicit(&card->paused, memory_order_relaxed)) {
		pthread_mutex_lock(&card->lock);
		core->place = NPU_PLACE_COMMAND;
		npu_core_rest(core);
		npu_core_move(core);
		pthread_mutex_unlock(&card->lock);
	}
	if (!npu_mem_stopped(&core->view.mem))
		return 0;
	err->status = NPU_JOB_ABORTED;
	return -1;
}

/* All as a job begins; npu_core_wire() goes on from there. */
static void job_begin(struct npu_core *core)
{
	struct npu_job *job = core->job;

	core->view.ctx = job->desc.ctx;
	core->pc = 0;
	core->code_start = 0;
	core->code_len = 0;
	core->exec.region = job->region;
	npu_store_begin(&core->spm);
	npu_store_begin(&core->acc);
	npu_sems_reset(&core->sems);
	npu_time_reset(core->time);
	if (core->hazard) {
		struct npu_hazard_job h = {
			.member = core->member,
			.region = job->region,
			.spm = core->spm.data,
			.resolve = resolve,
			.tag = tag_at,
			.stopped = is_stopped,
			.opaque = core,
		};

		npu_hazard_begin(core->hazard, &h);
	}
}

/* The barrier at hand has opened. */
static void pass_barrier(struct npu_core *core)
{
	npu_time_barrier(core->time, core->job->arrival);
	progress(core);
	core->pc += sizeof(struct npu_cmd);
}

enum outcome { ENDED, FAILED, HALTED };

/* The stream from where it is. HALTED: the gang has ended, whoever's fault it was. */
static enum outcome run_stream(struct npu_core *core, struct npu_error *err)
{
	const struct npu_stream_ref *stream = &core->job->stream[core->member];

	while (core->pc < stream->size) {
		const struct npu_cmd *cmd;

		error_init(core, err);
		if (look(core, err))
			return FAILED;
		cmd = decode(core, stream, err);
		if (!cmd)
			return FAILED;
		if (cmd->opcode == NPU_OP_HANG) {
			npu_gang_hang(core);
			return HALTED;
		}
		if (cmd->opcode == NPU_OP_BARRIER) {
			if (!npu_gang_barrier(core, cmd->tag))
				return HALTED;
			pass_barrier(core);
			continue;
		}
		if (execute(core, cmd, err))
			return FAILED;
		progress(core);
		core->pc += cmd->size;
	}
	return ENDED;
}

/* The checker may use the views of all members: their threads have left the job. */
static void check_end(struct npu_job *job)
{
	struct npu_hazard *hazard[NPU_MAX_CORES];
	struct npu_error err = { 0 };

	if (job->error.status || !job->core[0]->hazard)
		return;
	for (unsigned int i = 0; i < job->desc.ncores; i++)
		hazard[i] = job->core[i]->hazard;
	if (!npu_hazard_end(hazard, job->desc.ncores, &err))
		job->error = err;
}

/* Counters and cycles of all members; npu_card.lock held. Returns the energy in nanojoules. */
static uint64_t account(struct npu_job *job)
{
	uint64_t cycles = 0, energy_fj = 0;

	for (unsigned int i = 0; i < job->desc.ncores; i++) {
		struct npu_core *core = job->core[i];

		if (core->result.cycles > cycles)
			cycles = core->result.cycles;
		for (unsigned int e = 0; e < NPU_ENGINES; e++) {
			const struct npu_time_counters *c = &core->result.engine[e];
			uint64_t *counter = core->counter[e];

			counter[NPU_CTR_BUSY] += c->busy;
			counter[NPU_CTR_STALL_SEM] += c->stall_sem;
			counter[NPU_CTR_STALL_PORT] += c->stall_port;
			counter[NPU_CTR_CMDS] += c->cmds;
			counter[NPU_CTR_WORK] += c->work;
			counter[NPU_CTR_LMEM_BYTES] += c->lmem_bytes;
			counter[NPU_CTR_PCIE_BYTES] += c->pcie_bytes;
			counter[NPU_CTR_ENERGY_NJ] += c->energy_fj / 1000000;
			energy_fj += c->energy_fj;
		}
	}
	atomic_store(&job->cycles, cycles);
	return energy_fj / 1000000;
}

/*
 * The last member to end completes the job. It may rest meanwhile, so all that was there before is in
 * the job. npu_card.lock held, dropped, taken again.
 */
static void finish(struct npu_core *core)
{
	struct npu_card *card = core->card;
	struct npu_job *job = core->job;
	struct npu_ring *ring = job->ring;
	bool front = false;
	uint64_t done;

	core->place = NPU_PLACE_COMPLETION;
	npu_card_changed(card);
	if (card->cfg.timing_real) {
		done = job->started + atomic_load(&job->cycles) * 1000 / card->cfg.clock_mhz *
					      npu_telemetry_slowdown(card);
		npu_core_rest(core);
		while (!job->stopped && npu_now() < done)
			npu_cond_wait(&core->wake, &card->lock, done);
	}
	if (job->stopped && !job->error.status)
		npu_gang_halt(job);
	if (!job->discard)
		core->moving = core->moving || npu_card_move(card, &job->discard);
	npu_telemetry_job(card, job->energy_nj, atomic_load(&job->cycles), job->started);
	if (core->moving && !job->discard)
		npu_ring_complete(card, job, core->port);
	for (unsigned int i = 0; i < job->desc.ncores; i++) {
		job->core[i]->job = NULL;
		front |= job->core[i]->reset;
	}
	npu_ring_retire(card, ring);
	if (core->moving) {
		npu_card_interrupts(card, core->port);
		/* Before anything is started, so that this ring takes part in it. */
		npu_ring_read(card, ring, core->port);
	} else {
		front = true;
	}
	npu_sched_run(card);
	if (front)
		npu_card_kick(card, UINT64_C(1) << ring->index);
	npu_card_changed(card);
}

/* The member's part of the job from @place on. */
static enum outcome run_member(struct npu_core *core, enum npu_place place, struct npu_error *err)
{
	if (place == NPU_PLACE_START)
		job_begin(core);
	if (core->job->hang) {
		npu_gang_hang(core);
		return HALTED;
	}
	if (place == NPU_PLACE_PASSED)
		pass_barrier(core);
	return run_stream(core, err);
}

static void run(struct npu_core *core)
{
	struct npu_card *card = core->card;
	struct npu_job *job = core->job;
	enum npu_place place = core->place;
	enum outcome outcome = FAILED;
	struct npu_error err;
	bool moved;

	if (place == NPU_PLACE_COMPLETION) {
		finish(core);
		npu_core_rest(core);
		return;
	}
	error_init(core, &err);
	err.status = NPU_JOB_ABORTED;
	memset(&core->result, 0, sizeof(core->result));
	moved = npu_core_move(core);
	pthread_mutex_unlock(&card->lock);
	if (moved)
		outcome = run_member(core, place, &err);
	if (moved || place != NPU_PLACE_START)
		npu_time_end(core->time, &core->result);
	pthread_mutex_lock(&card->lock);
	if (outcome != HALTED)
		npu_gang_end(core, outcome == FAILED ? &err : NULL);
	if (--job->members) {
		core->place = NPU_PLACE_END;
		npu_card_changed(card);
	} else {
		pthread_mutex_unlock(&card->lock);
		check_end(job);
		pthread_mutex_lock(&card->lock);
		job->energy_nj = account(job);
		finish(core);
	}
	npu_core_rest(core);
}

static int core_init(struct npu_core *core)
{
	const struct npu_card_config *cfg = &core->card->cfg;

	npu_view_init(&core->view, &core->card->mmu, core->port);
	if (npu_store_init(&core->spm, cfg->spm_size) || npu_store_init(&core->acc, cfg->acc_size))
		return -1;
	core->time = npu_time_new(cfg);
	if (!core->time)
		return -1;
	if (cfg->check) {
		core->hazard = npu_hazard_new(cfg);
		if (!core->hazard)
			return -1;
	}
	core->exec.spm = core->spm.data;
	core->exec.acc = core->acc.data;
	core->exec.spm_size = cfg->spm_size;
	core->exec.acc_size = cfg->acc_size;
	core->exec.mem = &core->view.mem;
	return npu_exec_init(&core->exec);
}

static void core_fini(struct npu_core *core)
{
	npu_exec_fini(&core->exec);
	if (core->hazard)
		npu_hazard_free(core->hazard);
	if (core->time)
		npu_time_free(core->time);
	npu_store_fini(&core->spm);
	npu_store_fini(&core->acc);
}

/* ---- Doorbells ------------------------------------------------------------------------------- */

void npu_core_answer(struct npu_card *card, unsigned int ring)
{
	card->pending |= UINT64_C(1) << ring;
	for (unsigned int i = 0; i < card->cfg.cores; i++) {
		struct npu_core *core = card->core[i];

		if (core->job || core->reset)
			continue;
		core->answers = true;
		pthread_cond_signal(&core->wake);
		return;
	}
	npu_card_kick(card, 0);
}

/* A job may be given to the core meanwhile; it begins afterwards. */
static void read_rings(struct npu_core *core)
{
	struct npu_card *card = core->card;
	uint64_t rings = card->pending;

	core->answers = false;
	if (card->paused || card->reset_asked) {
		npu_card_kick(card, 0);
		return;
	}
	card->pending = 0;
	npu_card_move(card, NULL);
	for (; rings; rings &= rings - 1) {
		npu_ring_read(card, &card->ring[__builtin_ctzll(rings)], core->port);
		npu_sched_run(card);
	}
	npu_card_rest(card);
}

/* ---- Life ------------------------------------------------------------------------------------ */

static void *core_thread(void *opaque)
{
	struct npu_core *core = opaque;
	struct npu_card *card = core->card;
	int ret = core_init(core);

	pthread_mutex_lock(&card->lock);
	core->failed = ret;
	core->ready = true;
	pthread_cond_broadcast(&card->changed);
	while (!core->quit) {
		if (core->go) {
			core->go = false;
			run(core);
		} else if (core->answers) {
			read_rings(core);
		} else {
			pthread_cond_wait(&core->wake, &card->lock);
		}
	}
	pthread_mutex_unlock(&card->lock);
	core_fini(core);
	return NULL;
}

struct npu_core *npu_core_new(struct npu_card *card, unsigned int index)
{
	struct npu_core *core;
	char name[20];
	bool failed;

	core = aligned_alloc(64, (sizeof(*core) + 63) / 64 * 64);
	if (!core)
		return NULL;
	memset(core, 0, sizeof(*core));
	core->card = card;
	core->index = index;
	core->port = &card->bus.ports[1 + index];
	npu_cond_init(&core->wake);
	if (pthread_create(&core->thread, NULL, core_thread, core)) {
		pthread_cond_destroy(&core->wake);
		free(core);
		return NULL;
	}
	snprintf(name, sizeof(name), "npu-core%u", index);
	pthread_setname_np(core->thread, name);
	pthread_mutex_lock(&card->lock);
	while (!core->ready)
		pthread_cond_wait(&card->changed, &card->lock);
	failed = core->failed;
	pthread_mutex_unlock(&card->lock);
	if (!failed)
		return core;
	npu_core_free(core);
	return NULL;
}

void npu_core_free(struct npu_core *core)
{
	struct npu_card *card;

	if (!core)
		return;
	card = core->card;
	pthread_mutex_lock(&card->lock);
	core->quit = true;
	pthread_cond_signal(&core->wake);
	pthread_mutex_unlock(&card->lock);
	pthread_join(core->thread, NULL);
	npu_view_invalidate(&core->view, NPU_TLB_ALL, 0, 0, 0);
	pthread_cond_destroy(&core->wake);
	free(core);
}

void npu_core_begin(struct npu_core *core)
{
	core->go = true;
	atomic_store(&core->view.stop, false);
	pthread_cond_signal(&core->wake);
}

void npu_core_go(struct npu_core *core, struct npu_job *job, unsigned int member)
{
	struct npu_card *card = core->card;

	core->job = job;
	core->member = member;
	core->place = NPU_PLACE_START;
	job->core[member] = core;
	/* That would have to wait for the job's end. */
	if (core->answers)
		npu_card_kick(card, 0);
	core->answers = false;
	npu_core_begin(core);
}

/* ---- Saved state ----------------------------------------------------------------------------- */

/* What is left of a member whose stream has ended: the checker's look at the end, and its sums. */
static void wire_ended(struct npu_core *core, struct npu_wire *w)
{
	npu_wire_u64(w, &core->result.cycles);
	for (unsigned int e = 0; e < NPU_ENGINES; e++)
		npu_time_counters_wire(&core->result.engine[e], w);
	if (core->hazard)
		npu_hazard_wire(core->hazard, w, NULL);
}

static void wire_running(struct npu_core *core, struct npu_wire *w)
{
	npu_wire_u32(w, &core->pc);
	npu_wire_check(w, core->pc % NPU_CMD_ALIGN == 0, "no command is there");
	npu_sems_wire(&core->sems, w);
	npu_store_wire(&core->spm, w);
	npu_store_wire(&core->acc, w);
	npu_time_wire(core->time, w, &core->sems);
	if (core->hazard)
		npu_hazard_wire(core->hazard, w, &core->sems);
}

void npu_core_wire(struct npu_core *core, struct npu_wire *w)
{
	enum npu_place place = core->place;
	uint8_t byte;

	/* A member that stands arrives at its barrier again: that is where it has got to. */
	if (place == NPU_PLACE_BARRIER)
		place = npu_gang_stands(core) ? NPU_PLACE_COMMAND : NPU_PLACE_PASSED;
	byte = place;
	npu_wire_u8(w, &byte);
	npu_wire_check(w, byte <= NPU_PLACE_COMPLETION && byte != NPU_PLACE_BARRIER,
		       "a core is in no such place");
	if (w->loading) {
		if (w->error)
			return;
		core->place = byte;
		job_begin(core);
	}
	switch (byte) {
	case NPU_PLACE_COMMAND:
	case NPU_PLACE_PASSED:
		wire_running(core, w);
		break;
	case NPU_PLACE_END:
		wire_ended(core, w);
		break;
	}
}
