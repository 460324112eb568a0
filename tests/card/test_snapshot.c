// SPDX-License-Identifier: MIT
/*
 * Copyright (c) 2026 the npu authors
 *
 * Saved state: random jobs on several rings, gangs and hazards among them, that are paused, saved and
 * moved to new cards again and again end with the same bits, cycles, counters and verdicts as
 * undisturbed ones; and each thing a card may be at when it is paused, one by one.
 */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <cmocka.h>

#include "hazard_unit.h"
#include "host.h"
#include "snapshot.h"

#define RINGS	  3
#define JOBS	  6
#define CORES	  3
#define COMMANDS  24
#define DATA_VA	  UINT64_C(0x10000000)
#define SHARED_VA UINT64_C(0x20000000)
#define TABLE_VA  UINT64_C(0x20010000)
#define CODE_VA	  UINT64_C(0x30000000)
#define OPTIONS	  "cores=3,rings=4,spm=64K,acc=4K,inject=on"
/* In SPM, behind what random commands use: a page of 0xab, and one that nobody looks at. */
#define SPM_MARK  8192
#define SPM_SCRAP 16384

static enum host_memory memory_of(void **state)
{
	return (enum host_memory)(uintptr_t)*state;
}

/* ---- Random jobs ----------------------------------------------------------------------------- */

/**
 * struct scene - a machine with jobs on rings
 * @results: by ring and job
 * @errors: records of those that did not end well
 */
struct scene {
	struct host *h;
	struct gen g;
	struct host_ring *ring[RINGS];
	struct host_job job[RINGS][JOBS];
	struct npu_completion results[RINGS][JOBS];
	struct npu_error errors[RINGS][JOBS];
	uint64_t counters[NPU_ENGINES][NPU_CTRS];
};

/* Data of ring @r and member @m: a page of local memory, then one of the host's. */
static void map_data(struct scene *s, unsigned int r, unsigned int m)
{
	uint64_t local = (r * CORES + m) * UINT64_C(4096), host = host_alloc(s->h, 4096, 4096);
	uint64_t va = DATA_VA + m * UINT64_C(0x10000);
	uint8_t *p = host_ptr(s->h, host);

	for (unsigned int i = 0; i < 4096; i++) {
		p[i] = gen_below(&s->g, 256);
		s->h->lmem[local + i] = gen_below(&s->g, 256);
	}
	host_map(s->h, r + 1, va, local, 4096, NPU_PTE_READ | NPU_PTE_WRITE | NPU_PTE_LOCAL);
	host_map(s->h, r + 1, va + 4096, host, 4096, NPU_PTE_READ | NPU_PTE_WRITE);
}

/* A stream on its way: each command waits for the one before it, mostly. */
struct writer {
	struct scene *s;
	struct host_code code;
	union gen_cmd last;
	bool any;
};

static void flush(struct writer *w)
{
	if (w->any)
		host_code_add(w->s->h, &w->code, &w->last);
	w->any = false;
}

static unsigned int engine_of(const union gen_cmd *c)
{
	return npu_isa_engine(c->h.opcode);
}

/* @order: after the command before it. A barrier between the two does not matter. */
static void add(struct writer *w, union gen_cmd *c, bool order)
{
	if (w->any && order) {
		unsigned int sem = engine_of(&w->last) * 4 + engine_of(c);

		w->last.h.signal[0] = sem;
		c->h.wait[0] = sem;
	}
	flush(w);
	w->last = *c;
	w->any = true;
}

static void add_table(struct writer *w)
{
	union gen_cmd c;

	gen_header(&c, NPU_OP_LOAD);
	c.load = cmd_load(15, 0, 0, GEN_SPM, 1);
	add(w, &c, true);
}

static void add_prologue(struct writer *w)
{
	union gen_cmd c;

	add_table(w);
	hazard_access(&c, NPU_ENGINE_MXU, NPU_SPACE_ACC, true, 0, GEN_ACC);
	c.matmul.o.a = c.matmul.o.b = 0;
	add(w, &c, true);
	hazard_access(&c, NPU_ENGINE_LOAD, NPU_SPACE_SPM, true, SPM_MARK, 4096);
	c.load.fill_mode = NPU_FILL_IMM;
	c.load.fill = 0xab;
	c.load.pad_hi[0] = 4096;
	add(w, &c, true);
}

static void set_region(union gen_cmd *c, unsigned int region)
{
	if (c->h.opcode == NPU_OP_LOAD)
		c->load.region = region;
	else if (c->h.opcode == NPU_OP_GATHER)
		c->gather.region = region;
	else if (c->h.opcode == NPU_OP_STORE)
		c->store.region = region;
}

/* Two members at the same bytes between the same barriers; values do not tell who was first. */
static void add_clash(struct writer *w, unsigned int m)
{
	union gen_cmd c;

	gen_header(&c, m ? NPU_OP_LOAD : NPU_OP_STORE);
	if (m)
		c.load = cmd_load(14, 64, SPM_SCRAP, 256, 2);
	else
		c.store = cmd_store(14, 128, SPM_MARK, 256, 3);
	add(w, &c, true);
}

/* Member @m's stream. @barriers: a barrier each so many commands; @fault: what is planted. */
enum fault { NO_FAULT, RACES, CLASH, ONE_BARRIER_LESS, NO_PAGE, FAULTS };

static struct npu_stream_ref member_stream(struct scene *s, unsigned int r, unsigned int m,
					   uint64_t va, unsigned int barriers, enum fault fault)
{
	struct writer w = { .s = s, .code = host_code(s->h, r + 1, va) };
	unsigned int clash = gen_below(&s->g, COMMANDS);
	union gen_cmd c;

	add_prologue(&w);
	for (unsigned int i = 0; i < COMMANDS; i++) {
		uint8_t opcode = gen_opcodes[gen_below(&s->g, gen_opcode_count)];

		if (opcode == NPU_OP_GATHER)
			add_table(&w);
		gen_command(&s->g, &c, opcode);
		set_region(&c, m);
		c.h.tag = r << 24 | m << 16 | i;
		if (fault == NO_PAGE && !m && i == clash)
			set_region(&c, 13);
		add(&w, &c, fault != RACES || gen_below(&s->g, 12));
		if (fault == CLASH && m < 2 && i == COMMANDS / 2)
			add_clash(&w, m);
		if (i % barriers == barriers - 1 &&
		    (fault != ONE_BARRIER_LESS || m || i + barriers < COMMANDS)) {
			struct npu_cmd barrier;

			/* In order with what is before it by itself, and so is what comes after. */
			flush(&w);
			cmd_init(&barrier, NPU_OP_BARRIER, sizeof(barrier), 4);
			host_code_add(s->h, &w.code, &barrier);
		}
	}
	flush(&w);
	return (struct npu_stream_ref){ va, w.code.size };
}

static void make_job(struct scene *s, unsigned int r, unsigned int j, uint64_t table)
{
	struct host_job *job = &s->job[r][j];
	enum fault fault = gen_below(&s->g, 2) ? NO_FAULT : gen_below(&s->g, FAULTS);
	unsigned int barriers = 3 + gen_below(&s->g, 20);

	*job = (struct host_job){ .id = r * 100 + j + 1, .ctx = r + 1, .flags = NPU_DESC_IRQ };
	job->ncores = 1 + gen_below(&s->g, CORES);
	for (unsigned int m = 0; m < job->ncores; m++) {
		uint64_t va = CODE_VA + (j * CORES + m) * UINT64_C(0x100000);

		job->region[m] = DATA_VA + m * UINT64_C(0x10000);
		job->stream[m] = member_stream(s, r, m, va, barriers, fault);
	}
	job->region[13] = UINT64_C(0x7f000000);
	job->region[14] = SHARED_VA;
	job->region[15] = table;
}

static struct scene *scene_new(enum host_memory memory, uint64_t seed)
{
	struct scene *s = calloc(1, sizeof(*s));
	uint64_t table, shared;

	assert_non_null(s);
	s->h = host_new(memory, OPTIONS);
	gen_init(&s->g, seed);
	table = host_alloc(s->h, 4096, 4096);
	host_write(s->h, table, s->g.spm, sizeof(s->g.spm));
	for (unsigned int r = 0; r < RINGS; r++) {
		host_ctx(s->h, r + 1);
		for (unsigned int m = 0; m < CORES; m++)
			map_data(s, r, m);
		shared = host_alloc(s->h, 4096, 4096);
		host_map(s->h, r + 1, SHARED_VA, shared, 4096, NPU_PTE_READ | NPU_PTE_WRITE);
		host_map(s->h, r + 1, TABLE_VA, table, 4096, NPU_PTE_READ);
		s->ring[r] = host_ring(s->h, r, 3, r);
		for (unsigned int j = 0; j < JOBS; j++) {
			make_job(s, r, j, TABLE_VA);
			host_push(s->h, s->ring[r], &s->job[r][j]);
		}
	}
	return s;
}

static void scene_start(struct scene *s)
{
	for (unsigned int r = 0; r < RINGS; r++)
		host_ding(s->h, s->ring[r]);
}

/* Which core a job ran on is chance, so counters are those of the card. */
static void scene_finish(struct scene *s)
{
	for (unsigned int r = 0; r < RINGS; r++) {
		for (unsigned int j = 0; j < JOBS; j++) {
			s->results[r][j] = host_completion(s->h, s->ring[r]);
			s->errors[r][j] = host_error(s->h, &s->job[r][j]);
		}
		host_until(s->h, NPU_RING(r) + NPU_RING_CPL_COUNT, ~0u, JOBS);
	}
	for (unsigned int c = 0; c < CORES; c++)
		for (unsigned int e = 0; e < NPU_ENGINES; e++)
			for (unsigned int n = 0; n < NPU_CTRS; n++)
				s->counters[e][n] +=
					host_reg64(s->h, NPU_CORE(c) + NPU_CORE_CTR(e, n));
}

static void scene_free(struct scene *s)
{
	host_free(s->h);
	free(s);
}

static void compare(struct scene *a, struct scene *b)
{
	for (unsigned int r = 0; r < RINGS; r++) {
		for (unsigned int j = 0; j < JOBS; j++) {
			const struct npu_completion *x = &a->results[r][j], *y = &b->results[r][j];

			if (memcmp(x, y, sizeof(*x)) ||
			    memcmp(&a->errors[r][j], &b->errors[r][j], sizeof(a->errors[r][j])))
				fail_msg("ring %u job %u: status %u.%u cycles %llu cmd %#x, not "
					 "%u.%u %llu %#x",
					 r, j, y->status, y->reason, (unsigned long long)y->cycles,
					 y->cmd, x->status, x->reason,
					 (unsigned long long)x->cycles, x->cmd);
		}
		assert_int_equal(host_reg(a->h, NPU_RING(r) + NPU_RING_PROGRESS),
				 host_reg(b->h, NPU_RING(r) + NPU_RING_PROGRESS));
		assert_int_equal(host_reg(b->h, NPU_RING(r) + NPU_RING_HEAD), JOBS);
	}
	assert_memory_equal(a->counters, b->counters, sizeof(a->counters));
	assert_memory_equal(a->h->arena, b->h->arena, HOST_SIZE);
	assert_memory_equal(a->h->lmem, b->h->lmem, a->h->lmem_size);
}

static bool is_done(struct scene *s)
{
	for (unsigned int r = 0; r < RINGS; r++)
		if (host_reg(s->h, NPU_RING(r) + NPU_RING_CPL_COUNT) < JOBS)
			return false;
	return true;
}

static void nap(struct gen *g, unsigned int max_us)
{
	struct timespec ts = { .tv_nsec = gen_below(g, max_us) * 1000l };

	nanosleep(&ts, NULL);
}

static void test_moved(void **state)
{
	unsigned int busy = 0, moves = 0, bad = 0, good = 0, hazards = 0;
	uint64_t seed = gen_seed();
	struct gen g;

	gen_init(&g, seed);
	for (unsigned int i = 0; i < 3; i++) {
		struct scene *a = scene_new(memory_of(state), seed + i);
		struct scene *b = scene_new(memory_of(state), seed + i);

		scene_start(a);
		scene_finish(a);
		scene_start(b);
		while (!is_done(b)) {
			npu_card_pause(b->h->card);
			busy += !!(host_reg(b->h, NPU_REG_STATUS) & NPU_STATUS_BUSY);
			moves++;
			if (gen_below(&g, 4)) {
				host_move(b->h);
			} else {
				/* Saving changes nothing. */
				free(host_save(b->h).data);
			}
			/* Once more at the same place, without having moved. */
			if (!gen_below(&g, 8))
				host_move(b->h);
			npu_card_resume(b->h->card);
			if (gen_below(&g, 2))
				nap(&g, 200);
		}
		scene_finish(b);
		compare(a, b);
		for (unsigned int r = 0; r < RINGS; r++) {
			for (unsigned int j = 0; j < JOBS; j++) {
				good += a->results[r][j].status == NPU_JOB_OK;
				bad += a->results[r][j].status != NPU_JOB_OK;
				hazards += a->results[r][j].status == NPU_JOB_HAZARD;
			}
		}
		scene_free(a);
		scene_free(b);
	}
	printf("%u states, %u of them with jobs on cores; %u jobs went well, %u did not, %u of "
	       "these for a hazard\n",
	       moves, busy, good, bad, hazards);
	assert_true(busy >= 20);
	assert_true(good && hazards);
}

/* ---- One thing at a time --------------------------------------------------------------------- */

static void move(struct host *h)
{
	npu_card_pause(h->card);
	host_move(h);
	npu_card_resume(h->card);
}

static struct npu_stream_ref hang_stream(struct host *h)
{
	struct host_code code;
	struct npu_cmd cmd;

	host_ctx(h, 1);
	code = host_code(h, 1, CODE_VA);
	cmd_init(&cmd, NPU_OP_HANG, sizeof(cmd), 77);
	host_code_add(h, &code, &cmd);
	return (struct npu_stream_ref){ CODE_VA, code.size };
}

static void expect(struct host *h, struct host_ring *r, uint64_t id, enum npu_status status)
{
	struct npu_completion cpl = host_completion(h, r);

	assert_int_equal(cpl.job_id, id);
	assert_int_equal(cpl.status, status);
}

/* Hangs do not hold up a pause, and are ended on the new card; so are commands that wait for it. */
static void test_hang(void **state)
{
	struct host *h = host_new(memory_of(state), OPTIONS);
	struct host_job job = { .id = 1, .ctx = 1, .ncores = 2 };
	struct host_job next = { .id = 2 }, third = { .id = 3 };
	struct host_ring *r = host_ring(h, 1, 3, 2);

	job.stream[0] = hang_stream(h);
	host_push(h, r, &job);
	host_push(h, r, &next);
	host_submit(h, r, &third);
	host_until(h, NPU_RING(1) + NPU_RING_JOB_LO, ~0u, 1);
	move(h);
	assert_int_equal(host_reg(h, NPU_RING(1) + NPU_RING_JOB_LO), 1);
	assert_int_equal(host_command(h, 1, NPU_RING_CMD_CANCEL, 2), NPU_RING_CMD_DONE);
	/* The cancellation goes along, and an ABORT that nobody has looked at yet. */
	npu_card_pause(h->card);
	host_set64(h, NPU_RING(1) + NPU_RING_CMD_JOB_LO, 1);
	host_set(h, NPU_RING(1) + NPU_RING_CMD, NPU_RING_CMD_ABORT);
	host_move(h);
	assert_int_equal(host_reg(h, NPU_RING(1) + NPU_RING_CMD), NPU_RING_CMD_BUSY);
	npu_card_resume(h->card);
	expect(h, r, 1, NPU_JOB_ABORTED);
	expect(h, r, 2, NPU_JOB_CANCELED);
	expect(h, r, 3, NPU_JOB_OK);
	host_until(h, NPU_RING(1) + NPU_RING_CMD, ~0u, NPU_RING_CMD_DONE);

	host_free(h);
}

/* A job that was aborted settles within the pause, wherever it is, and is completed after it. */
static void test_stopped(void **state)
{
	struct host *h = host_new(memory_of(state), OPTIONS);
	struct host_job job = { .ctx = 1, .ncores = 3 };
	struct host_ring *r = host_ring(h, 0, 3, 0);

	job.stream[0] = job.stream[2] = hang_stream(h);
	for (uint64_t id = 1; id <= 30; id++) {
		job.id = id;
		host_submit(h, r, &job);
		host_until(h, NPU_RING(0) + NPU_RING_JOB_LO, ~0u, id);
		host_set64(h, NPU_RING(0) + NPU_RING_CMD_JOB_LO, id);
		host_set(h, NPU_RING(0) + NPU_RING_CMD, NPU_RING_CMD_ABORT);
		move(h);
		expect(h, r, id, NPU_JOB_ABORTED);
		host_until(h, NPU_RING(0) + NPU_RING_CMD, ~0u, NPU_RING_CMD_DONE);
	}
	host_free(h);
}

/* All registers, and what is under way by registers alone. */
static void test_registers(void **state)
{
	struct host *h = host_new(memory_of(state), OPTIONS);
	struct host_job job = { .flags = NPU_DESC_IRQ };
	uint32_t before[0x9000 / 4];
	struct host_ring *r;

	host_set(h, NPU_RING(2) + NPU_RING_IRQ, 3 | 65535u << 16);
	r = host_ring(h, 2, 4, 3);
	for (job.id = 1; job.id <= 2; job.id++) {
		host_submit(h, r, &job);
		expect(h, r, job.id, NPU_JOB_OK);
	}
	host_until(h, NPU_RING(2) + NPU_RING_CPL_COUNT, ~0u, 2);
	npu_card_pause(h->card);
	host_set(h, NPU_REG_TLB_CTX, 5);
	host_set64(h, NPU_REG_TLB_START_LO, UINT64_C(0x123456789000));
	host_set(h, NPU_REG_TLB_CMD, NPU_TLB_CTX);
	host_set(h, NPU_CORE(1) + NPU_CORE_CTRL, NPU_CORE_RESET);
	job.id = 3;
	host_submit(h, r, &job);
	for (uint32_t i = 0; i < 0x9000 / 4; i++)
		before[i] = host_reg(h, i * 4);
	host_move(h);
	for (uint32_t i = 0; i < 0x9000 / 4; i++) {
		/* These go on. */
		if (i * 4 >= NPU_REG_TEMP_MC && i * 4 <= NPU_REG_UPTIME_HI)
			continue;
		if (host_reg(h, i * 4) != before[i])
			fail_msg("register %#x: %#x, not %#x", i * 4, host_reg(h, i * 4),
				 before[i]);
	}
	assert_int_equal(h->interrupts[NPU_VECTOR_RING(2)], 0);
	npu_card_resume(h->card);
	/* The doorbell was not lost, nor the two completions that had been counted. */
	expect(h, r, 3, NPU_JOB_OK);
	host_interrupts(h, NPU_VECTOR_RING(2), 1);
	host_until(h, NPU_REG_TLB_DONE, ~0u, 1);
	host_until(h, NPU_CORE(1) + NPU_CORE_CTRL, ~0u, 0);
	host_free(h);
}

/* A job that has ended and waits for its modelled time. */
static void test_completing(void **state)
{
	struct host *h = host_new(memory_of(state), "timing-real=on,clock-mhz=1,inject=on");
	struct host_job job = { .id = 1, .ctx = 1 };
	struct host_ring *r = host_ring(h, 0, 3, 0);
	struct host_code code;
	struct npu_completion cpl;
	uint64_t data;

	host_ctx(h, 1);
	data = host_alloc(h, 4096, 4096);
	host_map(h, 1, DATA_VA, data, 4096, NPU_PTE_READ);
	code = host_code(h, 1, CODE_VA);
	for (unsigned int i = 0; i < 100; i++) {
		struct npu_cmd_load c = cmd_load(0, 0, 0, 4096, i);

		host_code_add(h, &code, &c);
	}
	job.region[0] = DATA_VA;
	job.stream[0] = (struct npu_stream_ref){ CODE_VA, code.size };
	host_submit(h, r, &job);
	host_until(h, NPU_RING(0) + NPU_RING_PROGRESS, ~0u, 100);
	for (unsigned int i = 0; i < 3; i++)
		move(h);
	assert_int_equal(host_reg(h, NPU_RING(0) + NPU_RING_JOB_LO), 1);
	cpl = host_completion(h, r);
	assert_int_equal(cpl.status, NPU_JOB_OK);
	assert_true(cpl.cycles > 50000);
	host_until(h, NPU_RING(0) + NPU_RING_CPL_COUNT, ~0u, 1);
	assert_int_equal(host_reg(h, NPU_CORE(0) + NPU_CORE_CTR(0, NPU_CTR_CMDS)) +
				 host_reg(h, NPU_CORE(1) + NPU_CORE_CTR(0, NPU_CTR_CMDS)),
			 100);
	host_free(h);
}

static void stall(struct host *h, bool on)
{
	pthread_mutex_lock(&h->lock);
	h->stall = on;
	h->stalled = false;
	pthread_cond_broadcast(&h->cond);
	pthread_mutex_unlock(&h->lock);
}

/* A thread that does not come to rest: a limited pause gives up, and nothing is saved or loaded. */
static void test_no_rest(void **state)
{
	struct host *h = host_new(memory_of(state), OPTIONS);
	struct host_job job = { .id = 1 };
	struct host_ring *r = host_ring(h, 0, 3, 0);
	struct host_state none = { 0 };
	bool stalled = false;
	char err[128];

	stall(h, true);
	host_submit(h, r, &job);
	while (!stalled) {
		pthread_mutex_lock(&h->lock);
		stalled = h->stalled;
		pthread_mutex_unlock(&h->lock);
	}
	assert_int_equal(npu_card_pause_within(h->card, 20000000), -ETIMEDOUT);
	npu_card_pause_wake(h->card);
	assert_int_equal(npu_card_pause_within(h->card, UINT64_C(60000000000)), -EINTR);
	assert_int_equal(host_load(h->card, &none, err, sizeof(err)), -EBUSY);
	stall(h, false);
	assert_int_equal(npu_card_pause_within(h->card, UINT64_C(60000000000)), 0);
	free(host_save(h).data);
	npu_card_resume(h->card);
	host_free(h);
}

/* ---- Bytes that are no state ----------------------------------------------------------------- */

static void test_other_card(void **state)
{
	struct host *h = host_new(memory_of(state), OPTIONS);
	struct host *other = host_new(memory_of(state), OPTIONS ",vpu-lanes=64");
	struct host_state bytes;
	char err[256] = "";

	npu_card_pause(h->card);
	npu_card_pause(other->card);
	bytes = host_save(h);
	assert_int_equal(host_load(other->card, &bytes, err, sizeof(err)), -EINVAL);
	assert_non_null(strstr(err, "vpu-lanes=128"));
	free(bytes.data);
	host_free(other);
	host_free(h);
}

/* Of states with jobs in all places: cut anywhere, or with bytes changed, they are refused or do no harm. */
static void test_mutations(void **state)
{
	uint64_t seed = gen_seed();
	unsigned int refused = 0, taken = 0;
	struct gen g;

	gen_init(&g, seed);
	for (unsigned int i = 0; i < 3; i++) {
		struct scene *s = scene_new(memory_of(state), seed + i);
		struct host_state bytes;
		char err[256];

		scene_start(s);
		nap(&g, 900);
		npu_card_pause(s->h->card);
		bytes = host_save(s->h);
		for (unsigned int j = 0; j < 30; j++) {
			struct host_state bad = { malloc(bytes.size), bytes.size, 0 };
			unsigned int n = 1 + gen_below(&g, 3);
			struct npu_card *card;

			assert_non_null(bad.data);
			memcpy(bad.data, bytes.data, bytes.size);
			/* All but the options is worth most. */
			while (n--)
				bad.data[gen_below(&g, 2) ?
						 700 + gen_below(&g, bytes.size - 700) :
						 700 + gen_below(&g, 6000) % (bytes.size - 700)] ^=
					1u << gen_below(&g, 8);
			if (!gen_below(&g, 8))
				bad.size = gen_below(&g, bytes.size);
			card = host_new_card(s->h);
			npu_card_pause(card);
			if (host_load(card, &bad, err, sizeof(err))) {
				refused++;
			} else {
				taken++;
				npu_card_resume(card);
				nap(&g, 900);
			}
			npu_card_free(card);
			free(bad.data);
		}
		free(bytes.data);
		npu_card_resume(s->h->card);
		scene_free(s);
	}
	printf("%u refused, %u taken\n", refused, taken);
	assert_true(refused > 5);
	assert_true(taken > 5);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_prestate(test_moved, (void *)HOST_STABLE),
		cmocka_unit_test_prestate(test_moved, (void *)HOST_TRANSIENT),
		cmocka_unit_test_prestate(test_hang, (void *)HOST_STABLE),
		cmocka_unit_test_prestate(test_stopped, (void *)HOST_STABLE),
		cmocka_unit_test_prestate(test_registers, (void *)HOST_STABLE),
		cmocka_unit_test_prestate(test_completing, (void *)HOST_STABLE),
		cmocka_unit_test_prestate(test_no_rest, (void *)HOST_STABLE),
		cmocka_unit_test_prestate(test_other_card, (void *)HOST_STABLE),
		cmocka_unit_test_prestate(test_mutations, (void *)HOST_STABLE),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
