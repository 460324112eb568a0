// SPDX-License-Identifier: MIT
/*
 * Copyright (c) 2026 the npu authors
 *
 * A host for a card under test; see host.h.
 */
#include "host.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <cmocka.h>

#include "snapshot.h"

#define PATIENCE_S 60

/* ---- Calls of the card ----------------------------------------------------------------------- */

static bool answers(struct host *h, uint64_t bus, uint64_t len)
{
	if (h->dead) {
		h->late++;
		return false;
	}
	if (bus < HOST_BUS || bus - HOST_BUS > HOST_SIZE || len > HOST_SIZE - (bus - HOST_BUS))
		return false;
	return bus + len <= h->refuse_from || bus >= h->refuse_to;
}

static void *call_map(void *opaque, uint64_t bus, uint64_t *len, bool write)
{
	struct host *h = opaque;
	void *ptr = NULL;

	(void)write;
	pthread_mutex_lock(&h->lock);
	if (bus >= HOST_BUS && bus - HOST_BUS<HOST_SIZE && * len> HOST_SIZE - (bus - HOST_BUS))
		*len = HOST_SIZE - (bus - HOST_BUS);
	if (h->refuse_to && bus < h->refuse_from && bus + *len > h->refuse_from)
		*len = h->refuse_from - bus;
	if (h->memory != HOST_COPY && answers(h, bus, *len)) {
		ptr = h->arena + (bus - HOST_BUS);
		h->maps++;
		if (h->maps > h->max_maps)
			h->max_maps = h->maps;
	}
	pthread_mutex_unlock(&h->lock);
	return ptr;
}

static void call_unmap(void *opaque, void *ptr, uint64_t len, bool write, uint64_t dirty)
{
	struct host *h = opaque;

	pthread_mutex_lock(&h->lock);
	if ((uint8_t *)ptr < h->arena || (uint8_t *)ptr + len > h->arena + HOST_SIZE ||
	    dirty > len || (dirty && !write) || !h->maps)
		abort();
	h->maps--;
	h->map_dirty += dirty;
	pthread_mutex_unlock(&h->lock);
}

static int call_read(void *opaque, uint64_t bus, void *buf, uint64_t len)
{
	struct host *h = opaque;
	int ret = -EIO;

	pthread_mutex_lock(&h->lock);
	h->reads++;
	if (h->stall) {
		h->stalled = true;
		while (h->stall)
			pthread_cond_wait(&h->cond, &h->lock);
	} else if (answers(h, bus, len)) {
		memcpy(buf, h->arena + (bus - HOST_BUS), len);
		ret = 0;
	}
	pthread_mutex_unlock(&h->lock);
	return ret;
}

static int call_write(void *opaque, uint64_t bus, const void *buf, uint64_t len)
{
	struct host *h = opaque;
	int ret = -EIO;

	pthread_mutex_lock(&h->lock);
	if (answers(h, bus, len)) {
		memcpy(h->arena + (bus - HOST_BUS), buf, len);
		ret = 0;
		/* The word with the phase, which ends a completion. */
		if (len == 8 && h->ordered < HOST_ORDER)
			memcpy(&h->order[h->ordered++], h->arena + (bus - HOST_BUS) - 24, 8);
	}
	pthread_cond_broadcast(&h->cond);
	pthread_mutex_unlock(&h->lock);
	return ret;
}

static void call_interrupt(void *opaque, unsigned int vector)
{
	struct host *h = opaque;

	pthread_mutex_lock(&h->lock);
	if (h->dead)
		h->late++;
	h->interrupts[vector]++;
	pthread_cond_broadcast(&h->cond);
	pthread_mutex_unlock(&h->lock);
}

static void call_lmem_written(void *opaque, uint64_t offset, uint64_t len)
{
	struct host *h = opaque;

	pthread_mutex_lock(&h->lock);
	if (offset > h->lmem_size || len > h->lmem_size - offset)
		abort();
	h->lmem_dirty += len;
	pthread_mutex_unlock(&h->lock);
}

static void call_log(void *opaque, enum npu_card_log level, const char *text)
{
	struct host *h = opaque;

	pthread_mutex_lock(&h->lock);
	h->guest_errors += level == NPU_LOG_GUEST_ERROR;
	pthread_mutex_unlock(&h->lock);
	if (getenv("NPU_TEST_LOG"))
		fprintf(stderr, "card: %s\n", text);
}

/* ---- Life ------------------------------------------------------------------------------------ */

struct npu_card *host_new_card(struct host *h)
{
	struct npu_card_host calls = {
		.map = call_map,
		.unmap = call_unmap,
		.read = call_read,
		.write = call_write,
		.interrupt = call_interrupt,
		.lmem_written = call_lmem_written,
		.log = call_log,
		.stable_map = h->memory == HOST_STABLE,
	};
	char err[256] = "";
	struct npu_card *card = npu_card_new(&h->cfg, &calls, h, h->lmem, err, sizeof(err));

	if (!card)
		fail_msg("%s", err);
	npu_card_bus_master(card, true);
	return card;
}

struct host *host_new(enum host_memory memory, const char *options)
{
	struct npu_card_config cfg;
	char err[256] = "";
	struct host *h = calloc(1, sizeof(*h));

	assert_non_null(h);
	npu_card_config_default(&cfg);
	cfg.spm_size = 256 << 10;
	cfg.acc_size = 64 << 10;
	cfg.lmem_size = 8 << 20;
	if (npu_card_config_parse(&cfg, options, err, sizeof(err)))
		fail_msg("%s", err);
	h->memory = memory;
	h->arena = aligned_alloc(2 << 20, HOST_SIZE);
	h->lmem_size = cfg.lmem_size;
	h->lmem = aligned_alloc(2 << 20, h->lmem_size);
	assert_non_null(h->arena);
	assert_non_null(h->lmem);
	memset(h->arena, 0, HOST_SIZE);
	memset(h->lmem, 0, h->lmem_size);
	pthread_mutex_init(&h->lock, NULL);
	pthread_cond_init(&h->cond, NULL);
	h->cfg = cfg;
	h->card = host_new_card(h);
	/* Nothing may be found at offset 0: it would hide lost addresses. */
	h->next = 1 << 16;
	h->ctx_table = host_alloc(h, HOST_CTX_COUNT * sizeof(struct npu_ctx_entry), 4096);
	host_set64(h, NPU_REG_CTX_BASE_LO, h->ctx_table);
	host_set(h, NPU_REG_CTX_COUNT, HOST_CTX_COUNT);
	host_set(h, NPU_REG_EVENT_ENABLE, NPU_EVENT_ALL);
	host_set(h, NPU_REG_CTRL, NPU_CTRL_ENABLE);
	return h;
}

void host_free(struct host *h)
{
	npu_card_free(h->card);
	assert_int_equal(h->maps, 0);
	assert_int_equal(h->late, 0);
	for (unsigned int i = 0; i < NPU_MAX_RINGS; i++)
		free(h->ring[i]);
	pthread_mutex_destroy(&h->lock);
	pthread_cond_destroy(&h->cond);
	free(h->arena);
	free(h->lmem);
	free(h);
}

/* ---- Saved state ----------------------------------------------------------------------------- */

static int call_save(void *opaque, const void *data, size_t len)
{
	struct host_state *state = opaque;

	state->data = realloc(state->data, state->size + len);
	assert_non_null(state->data);
	memcpy(state->data + state->size, data, len);
	state->size += len;
	return 0;
}

static int call_load(void *opaque, void *data, size_t len)
{
	struct host_state *state = opaque;

	if (len > state->size - state->at)
		return -EIO;
	memcpy(data, state->data + state->at, len);
	state->at += len;
	return 0;
}

struct host_state host_save(struct host *h)
{
	struct host_state state = { 0 };
	char err[256] = "";

	if (npu_card_save(h->card, call_save, &state, err, sizeof(err)))
		fail_msg("%s", err);
	return state;
}

int host_load(struct npu_card *card, struct host_state *state, char *err, size_t err_size)
{
	state->at = 0;
	return npu_card_load(card, call_load, state, err, err_size);
}

void host_move(struct host *h)
{
	struct host_state state = host_save(h);
	struct npu_card *old = h->card;
	char err[256] = "";

	/* The old card is paused: it touches nothing any more, whatever becomes of it. */
	pthread_mutex_lock(&h->lock);
	h->dead = true;
	pthread_mutex_unlock(&h->lock);
	npu_card_free(old);
	pthread_mutex_lock(&h->lock);
	h->dead = false;
	pthread_mutex_unlock(&h->lock);
	h->card = host_new_card(h);
	npu_card_pause(h->card);
	if (host_load(h->card, &state, err, sizeof(err)))
		fail_msg("%s", err);
	assert_int_equal(state.at, state.size);
	free(state.data);
}

/* ---- Registers ------------------------------------------------------------------------------- */

uint32_t host_reg(struct host *h, uint64_t offset)
{
	return npu_card_read(h->card, offset, 4);
}

void host_set(struct host *h, uint64_t offset, uint32_t value)
{
	npu_card_write(h->card, offset, value, 4);
}

uint64_t host_reg64(struct host *h, uint64_t offset)
{
	uint64_t low = host_reg(h, offset);

	return low | (uint64_t)host_reg(h, offset + 4) << 32;
}

void host_set64(struct host *h, uint64_t offset, uint64_t value)
{
	host_set(h, offset, value);
	host_set(h, offset + 4, value >> 32);
}

void host_until(struct host *h, uint64_t offset, uint32_t mask, uint32_t value)
{
	struct timespec pause = { .tv_nsec = 200000 };

	for (int i = 0; i < PATIENCE_S * 5000; i++) {
		if ((host_reg(h, offset) & mask) == value)
			return;
		nanosleep(&pause, NULL);
	}
	fail_msg("register %#llx stays %#x", (unsigned long long)offset, host_reg(h, offset));
}

/* ---- Memory ---------------------------------------------------------------------------------- */

uint64_t host_alloc(struct host *h, uint64_t size, uint64_t align)
{
	uint64_t at = (h->next + align - 1) / align * align;

	assert_true(at + size <= HOST_SIZE);
	h->next = at + size;
	return HOST_BUS + at;
}

void *host_ptr(struct host *h, uint64_t bus)
{
	assert_true(bus >= HOST_BUS && bus < HOST_BUS + HOST_SIZE);
	return h->arena + (bus - HOST_BUS);
}

void host_write(struct host *h, uint64_t bus, const void *data, uint64_t len)
{
	pthread_mutex_lock(&h->lock);
	memcpy(host_ptr(h, bus), data, len);
	pthread_mutex_unlock(&h->lock);
}

void host_read(struct host *h, uint64_t bus, void *data, uint64_t len)
{
	pthread_mutex_lock(&h->lock);
	memcpy(data, host_ptr(h, bus), len);
	pthread_mutex_unlock(&h->lock);
}

static uint64_t read64(struct host *h, uint64_t bus)
{
	return __atomic_load_n((uint64_t *)host_ptr(h, bus), __ATOMIC_ACQUIRE);
}

/*
 * In one piece for a card that looks through a mapping, and under the lock for one that has it
 * copied.
 */
static void write64(struct host *h, uint64_t bus, uint64_t value)
{
	pthread_mutex_lock(&h->lock);
	__atomic_store_n((uint64_t *)host_ptr(h, bus), value, __ATOMIC_RELEASE);
	pthread_mutex_unlock(&h->lock);
}

void host_ctx(struct host *h, uint16_t ctx)
{
	struct npu_ctx_entry entry = { .root = host_alloc(h, 4096, 4096) | NPU_CTX_VALID };

	host_write(h, h->ctx_table + ctx * sizeof(entry), &entry, sizeof(entry));
}

uint64_t host_pte(struct host *h, uint16_t ctx, uint64_t va, int level)
{
	uint64_t table =
		read64(h, h->ctx_table + ctx * sizeof(struct npu_ctx_entry)) & NPU_PTE_ADDR;

	for (int l = NPU_PT_LEVELS - 1;; l--) {
		uint64_t at = table + (va >> NPU_PT_SHIFT(l)) % NPU_PT_ENTRIES * 8;

		if (l == level)
			return at;
		if (!(read64(h, at) & NPU_PTE_VALID))
			write64(h, at, host_alloc(h, 4096, 4096) | NPU_PTE_VALID);
		table = read64(h, at) & NPU_PTE_ADDR;
	}
}

void host_map(struct host *h, uint16_t ctx, uint64_t va, uint64_t phys, uint64_t len,
	      uint64_t flags)
{
	int level = flags & NPU_PTE_LARGE ? 1 : 0;
	uint64_t page = UINT64_C(1) << NPU_PT_SHIFT(level);

	for (uint64_t i = 0; i < len; i += page)
		write64(h, host_pte(h, ctx, va + i, level), (phys + i) | flags | NPU_PTE_VALID);
}

void host_unmap(struct host *h, uint16_t ctx, uint64_t va, uint64_t len)
{
	for (uint64_t i = 0; i < len; i += 4096)
		write64(h, host_pte(h, ctx, va + i, 0), 0);
}

void host_invalidate(struct host *h, unsigned int cmd, uint16_t ctx, uint64_t first, uint64_t last)
{
	uint32_t done = host_reg(h, NPU_REG_TLB_DONE);

	host_set(h, NPU_REG_TLB_CTX, ctx);
	host_set64(h, NPU_REG_TLB_START_LO, first);
	host_set64(h, NPU_REG_TLB_LAST_LO, last);
	host_set(h, NPU_REG_TLB_CMD, cmd);
	host_until(h, NPU_REG_TLB_CMD, ~0u, 0);
	assert_int_equal(host_reg(h, NPU_REG_TLB_DONE), done + 1);
}

/* ---- Rings ----------------------------------------------------------------------------------- */

struct host_ring *host_ring(struct host *h, unsigned int index, uint32_t size_log2,
			    uint32_t priority)
{
	struct host_ring *r = h->ring[index] ? h->ring[index] : calloc(1, sizeof(*r));
	uint64_t base = NPU_RING(index);
	uint64_t n = UINT64_C(1) << size_log2;

	assert_non_null(r);
	h->ring[index] = r;
	*r = (struct host_ring){
		.index = index,
		.size_log2 = size_log2,
		.desc = host_alloc(h, n * sizeof(struct npu_desc), 64),
		.cpl = host_alloc(h, n * sizeof(struct npu_completion), 64),
		.tail_addr = host_alloc(h, 64, 64),
	};
	host_set64(h, base + NPU_RING_DESC_LO, r->desc);
	host_set64(h, base + NPU_RING_CPL_LO, r->cpl);
	host_set64(h, base + NPU_RING_TAIL_LO, r->tail_addr);
	host_set(h, base + NPU_RING_SIZE_LOG2, size_log2);
	host_set(h, base + NPU_RING_PRIORITY, priority);
	host_set(h, base + NPU_RING_CTRL, NPU_RING_ENABLE);
	return r;
}

void host_push_desc(struct host *h, struct host_ring *r, const struct npu_desc *desc)
{
	uint32_t slot = r->tail & ((1u << r->size_log2) - 1);

	host_write(h, r->desc + slot * sizeof(*desc), desc, sizeof(*desc));
	r->tail++;
}

void host_push(struct host *h, struct host_ring *r, struct host_job *job)
{
	struct npu_side_table table = { 0 };
	struct npu_desc desc = {
		.job_id = job->id,
		.ctx = job->ctx,
		.ncores = job->ncores ? job->ncores : 1,
		.flags = job->flags,
	};

	memset(&table.error, 0xee, sizeof(table.error));
	memcpy(table.region, job->region, sizeof(table.region));
	memcpy(table.stream, job->stream, sizeof(table.stream));
	job->table = host_alloc(h, sizeof(table), 64);
	desc.table = job->table;
	host_write(h, job->table, &table, sizeof(table));
	host_push_desc(h, r, &desc);
}

void host_ding(struct host *h, struct host_ring *r)
{
	host_write(h, r->tail_addr, &r->tail, sizeof(r->tail));
	host_set(h, NPU_DOORBELL(r->index), 0);
}

void host_submit(struct host *h, struct host_ring *r, struct host_job *job)
{
	host_push(h, r, job);
	host_ding(h, r);
}

/* h->lock held */
static bool peek(struct host *h, struct host_ring *r, struct npu_completion *cpl)
{
	uint32_t slot = r->cpl_seen & ((1u << r->size_log2) - 1);

	memcpy(cpl, host_ptr(h, r->cpl + slot * sizeof(*cpl)), sizeof(*cpl));
	return (cpl->phase & NPU_CPL_PHASE) == !(r->cpl_seen >> r->size_log2 & 1);
}

bool host_has_completion(struct host *h, struct host_ring *r)
{
	struct npu_completion cpl;
	bool has;

	pthread_mutex_lock(&h->lock);
	has = peek(h, r, &cpl);
	pthread_mutex_unlock(&h->lock);
	return has;
}

static struct timespec patience(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_REALTIME, &ts);
	ts.tv_sec += PATIENCE_S;
	return ts;
}

struct npu_completion host_completion(struct host *h, struct host_ring *r)
{
	struct timespec end = patience();
	struct npu_completion cpl;
	int ret = 0;

	pthread_mutex_lock(&h->lock);
	while (!peek(h, r, &cpl) && !ret)
		ret = pthread_cond_timedwait(&h->cond, &h->lock, &end);
	pthread_mutex_unlock(&h->lock);
	if (ret)
		fail_msg("ring %u: no completion", r->index);
	r->cpl_seen++;
	return cpl;
}

struct npu_error host_error(struct host *h, const struct host_job *job)
{
	struct npu_error err;

	host_read(h, job->table, &err, sizeof(err));
	return err;
}

void host_interrupts(struct host *h, unsigned int vector, unsigned int count)
{
	struct timespec end = patience();
	int ret = 0;

	pthread_mutex_lock(&h->lock);
	while (h->interrupts[vector] < count && !ret)
		ret = pthread_cond_timedwait(&h->cond, &h->lock, &end);
	pthread_mutex_unlock(&h->lock);
	if (ret)
		fail_msg("vector %u: no interrupt", vector);
}

uint32_t host_command(struct host *h, unsigned int ring, uint32_t cmd, uint64_t job)
{
	host_set64(h, NPU_RING(ring) + NPU_RING_CMD_JOB_LO, job);
	host_set(h, NPU_RING(ring) + NPU_RING_CMD, cmd);
	host_until(h, NPU_RING(ring) + NPU_RING_CMD, NPU_RING_CMD_BUSY, 0);
	return host_reg(h, NPU_RING(ring) + NPU_RING_CMD);
}

/* ---- Streams --------------------------------------------------------------------------------- */

struct host_code host_code(struct host *h, uint16_t ctx, uint64_t va)
{
	struct host_code code = { .bus = host_alloc(h, HOST_CODE_SIZE, 4096) };

	host_map(h, ctx, va, code.bus, HOST_CODE_SIZE, NPU_PTE_READ);
	return code;
}

void cmd_init(void *cmd, uint8_t opcode, size_t size, uint32_t tag)
{
	struct npu_cmd *c = cmd;

	memset(cmd, 0, size);
	c->opcode = opcode;
	c->size = size;
	c->tag = tag;
	memset(c->wait, NPU_SEM_NONE, sizeof(c->wait));
	memset(c->signal, NPU_SEM_NONE, sizeof(c->signal));
}

uint32_t host_code_add(struct host *h, struct host_code *code, const void *cmd)
{
	uint32_t at = code->size;

	assert_true(at + ((const struct npu_cmd *)cmd)->size <= HOST_CODE_SIZE);
	host_write(h, code->bus + at, cmd, ((const struct npu_cmd *)cmd)->size);
	code->size += ((const struct npu_cmd *)cmd)->size;
	return at;
}

struct npu_cmd_load cmd_load(uint8_t region, int64_t offset, uint32_t spm, uint32_t len,
			     uint32_t tag)
{
	struct npu_cmd_load c;

	cmd_init(&c, NPU_OP_LOAD, sizeof(c), tag);
	c.type = NPU_S8;
	c.region = region;
	c.offset = offset;
	c.spm = spm;
	c.size[0] = len;
	c.size[1] = c.size[2] = c.size[3] = 1;
	return c;
}

struct npu_cmd_store cmd_store(uint8_t region, int64_t offset, uint32_t spm, uint32_t len,
			       uint32_t tag)
{
	struct npu_cmd_store c;

	cmd_init(&c, NPU_OP_STORE, sizeof(c), tag);
	c.space = NPU_SPACE_SPM;
	c.region = region;
	c.offset = offset;
	c.local = spm;
	c.size[0] = len;
	c.size[1] = c.size[2] = c.size[3] = 1;
	return c;
}
