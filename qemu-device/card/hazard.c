// SPDX-License-Identifier: MIT
/*
 * Copyright (c) 2026 the npu authors
 *
 * The hazard checker of one core: section 11 of docs/hardware.md.
 *
 * Happens-before: engine e knows, of each engine f, the last command that has certainly ended
 * before e's next command starts. A signal carries what its engine knows and the command itself; a
 * wait takes that over. Since the n-th wait takes the n-th signal, this does not depend on time.
 *
 * What was done to SPM and ACC is in hazard_local.c, a granule a record.
 *
 * Between members of a gang only barriers order, so whatever two members do to the same bytes
 * between the same barriers is compared when all have arrived (hazard_memory.c), and does not
 * depend on who came first.
 */
#include <stdlib.h>
#include <string.h>

#include "card.h"
#include "hazard.h"
#include "hazard_local.h"
#include "hazard_memory.h"
#include "wire.h"

/* Runs of one page after which it is resolved again. */
#define RESOLVE_RUNS 65536
/* Runs of any space between two looks whether to stop. */
#define STOP_RUNS 65536

#define TOKENS 256u /* a power of two above NPU_SEM_MAX */

struct token {
	struct npu_knowledge knows;
	uint32_t stamp;
	uint8_t engine;
};

/* A job's start touches all semaphores, so what they hold, more than a page each, is elsewhere. */
struct semaphore {
	uint32_t made;
	uint32_t taken;
	struct token *token; /* TOKENS of them */
};

/**
 * struct npu_hazard - see above
 * @local: SPM and ACC
 * @knows: a row an engine
 * @now: stamp of the command at hand, or the last one
 * @engine: of the command at hand
 * @err: where to report
 * @failed: something has been reported
 * @faulted: the command will fault, or the job is to end, so it does not go on from there
 * @page_va: what was resolved last: @page_len bytes from @page_va on are at @page_key
 * @runs: of memory looked at
 * @looks: runs looked at of any space, over commands, so that many short sets are counted as well
 */
struct npu_hazard {
	struct npu_hazard_job job;
	struct npu_local *local[2];
	struct npu_memory *memory;
	struct npu_knowledge knows[NPU_ENGINES];
	struct semaphore semaphore[NPU_SEMAPHORES];
	const struct npu_cmd *cmd;
	uint32_t now;
	uint8_t engine;
	struct npu_error *err;
	bool failed;
	bool faulted;
	uint64_t page_va;
	uint64_t page_key;
	uint64_t page_len;
	uint32_t runs;
	uint32_t looks;
	struct token token[NPU_SEMAPHORES][TOKENS];
};

/* ---- Reports -------------------------------------------------------------------------------- */

static uint32_t tag_of(const struct npu_hazard *h, uint32_t stamp)
{
	return h->job.tag ? h->job.tag(h->job.opaque, NPU_STAMP_OFFSET(stamp)) : 0;
}

static void report(struct npu_hazard *h, uint8_t reason, uint8_t space, uint8_t access,
		   uint64_t addr, uint64_t len, uint8_t other_engine, uint32_t other)
{
	struct npu_error *err = h->err;

	memset(err, 0, sizeof(*err));
	err->status = NPU_JOB_HAZARD;
	err->reason = reason;
	err->core = (uint8_t)h->job.member;
	err->engine = h->engine;
	err->access = access;
	err->space = space;
	err->other_core = other ? (uint8_t)h->job.member : 0;
	err->other_engine = other_engine;
	err->cmd = NPU_STAMP_OFFSET(h->now);
	err->tag = h->cmd->tag;
	err->other_cmd = other ? NPU_STAMP_OFFSET(other) : NPU_ERROR_NO_CMD;
	err->other_tag = other ? tag_of(h, other) : 0;
	err->addr = addr;
	err->len = len;
	h->failed = true;
}

/* ---- SPM and ACC ---------------------------------------------------------------------------- */

static bool access_local(struct npu_hazard *h, unsigned int space, const struct npu_local_by *by,
			 uint64_t addr, uint64_t len)
{
	struct npu_local_clash c;

	if (npu_local_access(h->local[space], by, addr, len, &c))
		return true;
	report(h, c.reason, (uint8_t)space, by->write ? NPU_ACCESS_WRITE : NPU_ACCESS_READ, c.addr,
	       c.len, c.engine, c.stamp);
	return false;
}

/* ---- Memory --------------------------------------------------------------------------------- */

static bool access_memory(struct npu_hazard *h, bool write, uint64_t va, uint64_t len)
{
	unsigned int other = write ? NPU_ENGINE_LOAD : NPU_ENGINE_STORE;
	uint32_t known = h->knows[h->engine].of[other];

	while (len) {
		uint64_t part, key, at, bytes;
		uint32_t stamp;

		/* Now and then in any case: resolve() also fails when the job is to end. */
		if (va - h->page_va >= h->page_len || ++h->runs % RESOLVE_RUNS == 0) {
			h->page_va = va;
			h->page_len = 0;
			/* The command ends where it faults. */
			if (!h->job.resolve(h->job.opaque, va,
					    write ? NPU_ACCESS_WRITE : NPU_ACCESS_READ,
					    &h->page_key, &h->page_len)) {
				h->page_len = 0;
				h->faulted = true;
				return false;
			}
		}
		key = h->page_key + (va - h->page_va);
		part = NPU_PAGE_SIZE - key % NPU_PAGE_SIZE;
		if (part > len)
			part = len;
		if (part > h->page_len - (va - h->page_va))
			part = h->page_len - (va - h->page_va);
		stamp = npu_memory_access(h->memory, key, va, part, write, h->now, known, &at,
					  &bytes);
		if (stamp) {
			report(h, write ? NPU_REASON_WAR : NPU_REASON_RAW, NPU_SPACE_MEM,
			       write ? NPU_ACCESS_WRITE : NPU_ACCESS_READ, va + at, bytes,
			       (uint8_t)other, stamp);
			return false;
		}
		va += part;
		len -= part;
	}
	return true;
}

/* ---- Commands ------------------------------------------------------------------------------- */

static bool is_stopped(const struct npu_hazard *h)
{
	return h->job.stopped && h->job.stopped(h->job.opaque);
}

static void access_set(void *opaque, const struct npu_access *a)
{
	uint64_t at[NPU_ACCESS_DIMS] = { 0 }, addr = (uint64_t)a->base;
	struct npu_hazard *h = opaque;
	const struct npu_local_by by = { a->kind == NPU_ACCESS_WRITE, h->engine, h->now,
					 &h->knows[h->engine] };
	unsigned int i;

	if (h->failed || h->faulted)
		return;
	if (a->space == NPU_SPACE_MEM)
		addr += h->job.region[a->region];
	for (;;) {
		/* Strides that repeat, and windows of many taps, can make this long. */
		if (!(++h->looks % STOP_RUNS) && is_stopped(h)) {
			h->faulted = true;
			return;
		}
		if (a->space == NPU_SPACE_MEM ? !access_memory(h, by.write, addr, a->run) :
						!access_local(h, a->space, &by, addr, a->run))
			return;
		for (i = 0; i < a->dims; i++) {
			addr += (uint64_t)a->stride[i];
			if (++at[i] < a->count[i])
				break;
			addr -= a->count[i] * (uint64_t)a->stride[i];
			at[i] = 0;
		}
		if (i == a->dims)
			return;
	}
}

/* Its indices are in SPM: checked before, and never written by the command itself. */
static void access_rows(struct npu_hazard *h, const struct npu_cmd_gather *cmd)
{
	uint64_t base = h->job.region[cmd->region] + cmd->offset, row;
	uint32_t i;

	for (i = 0; i < cmd->count; i++)
		if (!npu_isa_gather_index(cmd, h->job.spm, i, &row) ||
		    !access_memory(h, false, base + row * cmd->row_stride, cmd->row_bytes))
			return;
}

static void learn(struct npu_knowledge *k, const struct npu_knowledge *other)
{
	unsigned int e;

	for (e = 0; e < NPU_ENGINES; e++)
		if (other->of[e] > k->of[e])
			k->of[e] = other->of[e];
}

static void take_tokens(struct npu_hazard *h, const struct npu_cmd *cmd)
{
	unsigned int i;

	for (i = 0; i < NPU_CMD_SEMS; i++) {
		struct semaphore *s;

		if (cmd->wait[i] == NPU_SEM_NONE)
			continue;
		s = &h->semaphore[cmd->wait[i]];
		learn(&h->knows[h->engine], &s->token[s->taken++ % TOKENS].knows);
	}
}

static void make_tokens(struct npu_hazard *h, const struct npu_cmd *cmd)
{
	unsigned int i;

	for (i = 0; i < NPU_CMD_SEMS; i++) {
		struct semaphore *s;

		if (cmd->signal[i] == NPU_SEM_NONE)
			continue;
		s = &h->semaphore[cmd->signal[i]];
		s->token[s->made++ % TOKENS] =
			(struct token){ h->knows[h->engine], h->now, h->engine };
	}
}

bool npu_hazard_command(struct npu_hazard *h, const struct npu_cmd *cmd, uint32_t offset,
			struct npu_error *err)
{
	h->cmd = cmd;
	h->now = NPU_STAMP(offset);
	h->engine = (uint8_t)npu_isa_engine(cmd->opcode);
	h->err = err;
	h->failed = false;
	h->faulted = false;
	h->page_len = 0;
	take_tokens(h, cmd);
	/* An engine's own commands are in order, this one included. */
	h->knows[h->engine].of[h->engine] = h->now;
	npu_isa_footprint(cmd, access_set, h);
	if (cmd->opcode == NPU_OP_GATHER && !h->failed)
		access_rows(h, (const void *)cmd);
	make_tokens(h, cmd);
	return !h->failed;
}

/* ---- Gangs ---------------------------------------------------------------------------------- */

static void report_clash(struct npu_hazard *first, struct npu_hazard *second,
			 const struct npu_memory_clash *c, struct npu_error *err)
{
	memset(err, 0, sizeof(*err));
	err->status = NPU_JOB_HAZARD;
	err->reason = !c->second_writes ? NPU_REASON_RAW :
		      c->first_writes	? NPU_REASON_WAW :
					  NPU_REASON_WAR;
	err->core = (uint8_t)second->job.member;
	err->engine = c->second_writes ? NPU_ENGINE_STORE : NPU_ENGINE_LOAD;
	err->access = c->second_writes ? NPU_ACCESS_WRITE : NPU_ACCESS_READ;
	err->space = NPU_SPACE_MEM;
	err->other_core = (uint8_t)first->job.member;
	err->other_engine = c->first_writes ? NPU_ENGINE_STORE : NPU_ENGINE_LOAD;
	err->cmd = NPU_STAMP_OFFSET(c->second);
	err->tag = tag_of(second, c->second);
	err->other_cmd = NPU_STAMP_OFFSET(c->first);
	err->other_tag = tag_of(first, c->first);
	err->addr = c->va;
	err->len = c->bytes;
}

bool npu_hazard_epoch(struct npu_hazard *const *members, unsigned int count, struct npu_error *err)
{
	struct npu_memory_clash clash;
	unsigned int i, j, e, f;

	for (j = 1; j < count; j++) {
		for (i = 0; i < j; i++) {
			/* Many cores with full records take a while; nobody asks any more. */
			if (is_stopped(members[i]))
				return true;
			if (!npu_memory_compare(members[i]->memory, members[j]->memory, &clash))
				continue;
			report_clash(members[i], members[j], &clash, err);
			return false;
		}
	}
	for (i = 0; i < count; i++) {
		struct npu_hazard *h = members[i];

		npu_memory_clear(h->memory);
		for (e = 0; e < NPU_ENGINES; e++)
			for (f = 0; f < NPU_ENGINES; f++)
				h->knows[e].of[f] = h->now;
	}
	return true;
}

bool npu_hazard_end(struct npu_hazard *const *members, unsigned int count, struct npu_error *err)
{
	unsigned int i, s;

	if (!npu_hazard_epoch(members, count, err))
		return false;
	for (i = 0; i < count; i++) {
		struct npu_hazard *h = members[i];

		for (s = 0; s < NPU_SEMAPHORES; s++) {
			const struct semaphore *sem = &h->semaphore[s];
			const struct token *t = &sem->token[sem->taken % TOKENS];

			if (sem->made == sem->taken)
				continue;
			memset(err, 0, sizeof(*err));
			err->status = NPU_JOB_HAZARD;
			err->reason = NPU_REASON_LEFTOVER;
			err->core = (uint8_t)h->job.member;
			err->engine = t->engine;
			err->other_engine = NPU_ENGINE_NONE;
			err->other_cmd = NPU_ERROR_NO_CMD;
			err->cmd = NPU_STAMP_OFFSET(t->stamp);
			err->tag = tag_of(h, t->stamp);
			err->addr = s;
			return false;
		}
	}
	return true;
}

/* ---- Life ----------------------------------------------------------------------------------- */

static void forget(struct npu_hazard *h)
{
	unsigned int i;

	for (i = 0; i < 2; i++)
		npu_local_clear(h->local[i]);
	memset(h->knows, 0, sizeof(h->knows));
	h->now = 0;
	for (i = 0; i < NPU_SEMAPHORES; i++) {
		h->semaphore[i].made = 0;
		h->semaphore[i].taken = 0;
	}
	npu_memory_clear(h->memory);
}

void npu_hazard_begin(struct npu_hazard *h, const struct npu_hazard_job *job)
{
	h->job = *job;
	forget(h);
}

/* ---- Saved state ---------------------------------------------------------------------------- */

static void wire_semaphore(struct npu_wire *w, struct semaphore *s, const uint8_t *want)
{
	uint8_t count = (uint8_t)(s->made - s->taken);

	npu_wire_u8(w, &count);
	npu_wire_u32(w, &s->taken);
	npu_wire_check(w, !want || count == *want, "the checker's semaphores are not the core's");
	for (unsigned int i = 0; i < count && !w->error; i++) {
		struct token *t = &s->token[(s->taken + i) % TOKENS];

		for (unsigned int e = 0; e < NPU_ENGINES; e++)
			npu_wire_u32(w, &t->knows.of[e]);
		npu_wire_u32(w, &t->stamp);
		npu_wire_u8(w, &t->engine);
		npu_wire_check(w, t->engine < NPU_ENGINES, "a token of no engine");
	}
	if (w->loading)
		s->made = w->error ? s->taken : s->taken + count;
}

void npu_hazard_wire(struct npu_hazard *h, struct npu_wire *w, const struct npu_sems *sems)
{
	unsigned int i, e;

	npu_wire_u32(w, &h->now);
	for (i = 0; i < NPU_ENGINES; i++)
		for (e = 0; e < NPU_ENGINES; e++)
			npu_wire_u32(w, &h->knows[i].of[e]);
	for (i = 0; i < NPU_SEMAPHORES; i++)
		wire_semaphore(w, &h->semaphore[i], sems ? &sems->count[i] : NULL);
	for (i = 0; i < 2; i++)
		npu_local_wire(h->local[i], w);
	npu_memory_wire(h->memory, w);
	if (w->loading && w->error)
		forget(h);
}

struct npu_hazard *npu_hazard_new(const struct npu_card_config *cfg)
{
	struct npu_hazard *h = calloc(1, sizeof(*h));

	if (!h)
		return NULL;
	for (unsigned int i = 0; i < NPU_SEMAPHORES; i++)
		h->semaphore[i].token = h->token[i];
	h->memory = npu_memory_new();
	h->local[NPU_SPACE_SPM] = npu_local_new(cfg->spm_size);
	h->local[NPU_SPACE_ACC] = npu_local_new(cfg->acc_size);
	if (h->memory && h->local[0] && h->local[1])
		return h;
	npu_hazard_free(h);
	return NULL;
}

void npu_hazard_free(struct npu_hazard *h)
{
	if (!h)
		return;
	npu_local_free(h->local[0]);
	npu_local_free(h->local[1]);
	npu_memory_free(h->memory);
	free(h);
}
