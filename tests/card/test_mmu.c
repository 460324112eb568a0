// SPDX-License-Identifier: MIT
/*
 * Copyright (c) 2026 the npu authors
 *
 * Address spaces through real jobs: every way a translation can go, faults exact to the byte,
 * isolation of contexts, permissions, and invalidations that are acknowledged only when old
 * translations are out of use.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <cmocka.h>

#include "host.h"

#define CODE_VA UINT64_C(0x7f0000000000)
#define RW	(NPU_PTE_READ | NPU_PTE_WRITE)

struct bench {
	struct host *h;
	struct host_ring *r;
	struct host_code code;
	uint64_t id;
};

static struct bench bench_new(void **state, const char *options)
{
	struct bench b = { .h = host_new((enum host_memory)(uintptr_t)*state, options) };

	b.r = host_ring(b.h, 0, 4, 0);
	host_ctx(b.h, 1);
	b.code = host_code(b.h, 1, CODE_VA);
	return b;
}

/* Copies @len bytes from @src to @dst, 4 KiB at a time. */
static void add_copy(struct bench *b, uint64_t len)
{
	uint64_t at = 0;

	while (at < len) {
		uint64_t n = len - at < 4096 ? len - at : 4096;
		struct npu_cmd_load load = cmd_load(0, at, 0, n, 1);
		struct npu_cmd_store store = cmd_store(1, at, 0, n, 2);

		/* Each waits for the other: one buffer. */
		load.h.signal[0] = 0;
		if (at)
			load.h.wait[0] = 1;
		store.h.wait[0] = 0;
		if (len - at > n)
			store.h.signal[0] = 1;
		host_code_add(b->h, &b->code, &load);
		host_code_add(b->h, &b->code, &store);
		at += n;
	}
}

static struct npu_error run(struct bench *b, uint16_t ctx, uint64_t src, uint64_t dst)
{
	struct host_job job = {
		.id = ++b->id,
		.ctx = ctx,
		.region = { src, dst },
		.stream[0] = { CODE_VA, b->code.size },
	};
	struct npu_error err = { 0 };
	struct npu_completion cpl;

	host_submit(b->h, b->r, &job);
	cpl = host_completion(b->h, b->r);
	assert_int_equal(cpl.job_id, job.id);
	if (cpl.status) {
		err = host_error(b->h, &job);
		assert_int_equal(err.status, cpl.status);
		assert_int_equal(err.reason, cpl.reason);
		assert_int_equal(err.addr, cpl.addr);
		assert_int_equal(err.cmd, cpl.cmd);
		assert_int_equal(err.core, NPU_CPL_CORE(cpl.where));
		assert_int_equal(err.engine & 7, NPU_CPL_ENGINE(cpl.where));
	}
	return err;
}

static void fill(uint8_t *p, size_t len, unsigned int seed)
{
	for (size_t i = 0; i < len; i++) {
		seed = seed * 1664525 + 1013904223;
		p[i] = seed >> 24;
	}
}

static void copies(struct bench *b, uint64_t src, uint64_t dst, const void *from, const void *to,
		   size_t len)
{
	assert_int_equal(run(b, 1, src, dst).status, NPU_JOB_OK);
	assert_memory_equal(from, to, len);
}

static void small_pages(void **state)
{
	struct bench b = bench_new(state, "");
	uint64_t src = host_alloc(b.h, 65536, 4096), dst = host_alloc(b.h, 65536, 4096);

	/* Bytes that start and end within pages; pages in no order. */
	for (int i = 0; i < 16; i++) {
		host_map(b.h, 1, 0x200000 + i * 4096, src + (i * 7 % 16) * 4096, 4096,
			 NPU_PTE_READ);
		host_map(b.h, 1, 0x40000000 + i * 4096, dst + (i * 7 % 16) * 4096, 4096, RW);
	}
	fill(host_ptr(b.h, src), 65536, 1);
	add_copy(&b, 65536 - 200);
	assert_int_equal(run(&b, 1, 0x200000 + 100, 0x40000000 + 100).status, NPU_JOB_OK);
	memset(host_ptr(b.h, src), 0, 100);
	memset(host_ptr(b.h, src + (15 * 7 % 16) * 4096 + 3996), 0, 100);
	assert_memory_equal(host_ptr(b.h, src), host_ptr(b.h, dst), 65536);
	host_free(b.h);
}

static void large_and_local_pages(void **state)
{
	struct bench b = bench_new(state, "");
	uint64_t src = host_alloc(b.h, 2 << 20, 2 << 20);
	unsigned int reads, before;

	host_map(b.h, 1, 0x200000, src, 2 << 20, NPU_PTE_READ | NPU_PTE_LARGE);
	host_map(b.h, 1, 0x400000, 0x600000, 2 << 20, RW | NPU_PTE_LARGE | NPU_PTE_LOCAL);
	host_map(b.h, 1, 0x600000, 0x5000, 4096, RW | NPU_PTE_LOCAL);
	fill(host_ptr(b.h, src), 2 << 20, 2);
	add_copy(&b, 4096);
	copies(&b, 0x200000 + 12345, 0x400000 + 0x1ff000, host_ptr(b.h, src + 12345),
	       b.h->lmem + 0x600000 + 0x1ff000, 4096);
	assert_int_equal(b.h->lmem_dirty, 4096);
	copies(&b, 0x400000 + 0x1ff000, 0x600000, host_ptr(b.h, src + 12345), b.h->lmem + 0x5000,
	       4096);
	/* A mapping of a part of a page is no reason to copy what is in another part. */
	reads = b.h->reads;
	copies(&b, 0x200000 + 12345, 0x600000, host_ptr(b.h, src + 12345), b.h->lmem + 0x5000, 4096);
	reads = b.h->reads - reads;
	before = b.h->reads;
	copies(&b, 0x200000 + 100, 0x600000, host_ptr(b.h, src + 100), b.h->lmem + 0x5000, 4096);
	assert_int_equal(b.h->reads - before, reads);
	host_free(b.h);
}

static void expect_fault(struct bench *b, uint64_t src, uint64_t dst, enum npu_reason reason,
			 enum npu_access_kind access, uint64_t addr)
{
	struct npu_error err;

	err = run(b, 1, src, dst);
	assert_int_equal(err.status, NPU_JOB_FAULT);
	assert_int_equal(err.reason, reason);
	assert_int_equal(err.access, access);
	assert_int_equal(err.space, NPU_SPACE_MEM);
	assert_int_equal(err.addr, addr);
	assert_int_equal(err.engine,
			 access == NPU_ACCESS_READ ? NPU_ENGINE_LOAD : NPU_ENGINE_STORE);
	assert_int_equal(err.tag, access == NPU_ACCESS_READ ? 1 : 2);
	assert_int_equal(err.cmd, access == NPU_ACCESS_READ ? 0 : sizeof(struct npu_cmd_load));
	assert_int_equal(err.other_cmd, NPU_ERROR_NO_CMD);
}

static void faults_are_exact(void **state)
{
	struct bench b = bench_new(state, "");
	uint64_t mem = host_alloc(b.h, 65536, 4096);
	uint64_t good = 0x200000;

	host_map(b.h, 1, good, mem, 8192, RW);
	host_map(b.h, 1, 0x300000, mem, 4096, NPU_PTE_READ);
	host_map(b.h, 1, 0x301000, mem, 4096, NPU_PTE_WRITE);
	host_map(b.h, 1, 0x302000, mem, 4096, 0);
	host_map(b.h, 1, 0x303000, mem, 4096, RW | 1 << 4);
	host_map(b.h, 1, 0x304000, mem, 4096, RW | UINT64_C(1) << 63);
	host_map(b.h, 1, 0x305000, b.h->lmem_size, 4096, RW | NPU_PTE_LOCAL);
	host_map(b.h, 1, 0x306000, mem, 4096, RW | NPU_PTE_LOCAL);
	*(uint64_t *)host_ptr(b.h, host_pte(b.h, 1, 0x307000, 0)) =
		mem | RW | NPU_PTE_LARGE | NPU_PTE_VALID;
	/* Misaligned large page; leaf bits in a table entry; LARGE too high up. */
	*(uint64_t *)host_ptr(b.h, host_pte(b.h, 1, 0x800000, 1)) =
		(HOST_BUS + 0x1000) | RW | NPU_PTE_LARGE | NPU_PTE_VALID;
	*(uint64_t *)host_ptr(b.h, host_pte(b.h, 1, 0xa00000, 1)) =
		mem | NPU_PTE_READ | NPU_PTE_VALID;
	*(uint64_t *)host_ptr(b.h, host_pte(b.h, 1, 0x80000000, 2)) =
		mem | NPU_PTE_LARGE | NPU_PTE_VALID;
	add_copy(&b, 200);

	/* The second page of a copy that starts in a good one. */
	expect_fault(&b, good + 8192 - 100, good, NPU_REASON_NOT_PRESENT, NPU_ACCESS_READ,
		     good + 8192);
	expect_fault(&b, good, good + 8192 - 100, NPU_REASON_NOT_PRESENT, NPU_ACCESS_WRITE,
		     good + 8192);
	expect_fault(&b, 0x12345678000, good, NPU_REASON_NOT_PRESENT, NPU_ACCESS_READ,
		     0x12345678000);
	expect_fault(&b, good, 0x300010, NPU_REASON_PERMISSION, NPU_ACCESS_WRITE, 0x300010);
	expect_fault(&b, 0x301010, good, NPU_REASON_PERMISSION, NPU_ACCESS_READ, 0x301010);
	expect_fault(&b, 0x302010, good, NPU_REASON_PERMISSION, NPU_ACCESS_READ, 0x302010);
	expect_fault(&b, 0x303010, good, NPU_REASON_BAD_PTE, NPU_ACCESS_READ, 0x303010);
	expect_fault(&b, 0x304010, good, NPU_REASON_BAD_PTE, NPU_ACCESS_READ, 0x304010);
	expect_fault(&b, 0x305010, good, NPU_REASON_RANGE, NPU_ACCESS_READ, 0x305010);
	expect_fault(&b, 0x306010, good, NPU_REASON_RANGE, NPU_ACCESS_READ, 0x306010);
	expect_fault(&b, 0x307010, good, NPU_REASON_BAD_PTE, NPU_ACCESS_READ, 0x307010);
	expect_fault(&b, 0x800010, good, NPU_REASON_BAD_PTE, NPU_ACCESS_READ, 0x800010);
	expect_fault(&b, 0xa00010, good, NPU_REASON_BAD_PTE, NPU_ACCESS_READ, 0xa00010);
	expect_fault(&b, 0x80000010, good, NPU_REASON_BAD_PTE, NPU_ACCESS_READ, 0x80000010);
	expect_fault(&b, UINT64_C(1) << 48, good, NPU_REASON_RANGE, NPU_ACCESS_READ,
		     UINT64_C(1) << 48);
	expect_fault(&b, good, ~UINT64_C(0) - 4095, NPU_REASON_RANGE, NPU_ACCESS_WRITE,
		     ~UINT64_C(0) - 4095);

	/* And the ring goes on. A page that was not there needs no invalidation to be seen. */
	host_map(b.h, 1, good + 8192, mem + 8192, 4096, RW);
	assert_int_equal(run(&b, 1, good + 8192 - 100, good).status, NPU_JOB_OK);
	host_free(b.h);
}

static void contexts_are_checked(void **state)
{
	struct bench b = bench_new(state, "");
	struct npu_ctx_entry bad[] = {
		{ .root = host_alloc(b.h, 4096, 4096) },
		{ .root = host_alloc(b.h, 4096, 4096) | NPU_CTX_VALID | 2 },
		{ .root = host_alloc(b.h, 4096, 4096) | NPU_CTX_VALID, .reserved = 1 },
	};
	const uint16_t ids[] = { 2, 3, 4, HOST_CTX_COUNT, 65535, 9 };

	for (unsigned int i = 0; i < 3; i++)
		host_write(b.h, b.h->ctx_table + (2 + i) * sizeof(bad[0]), &bad[i], sizeof(bad[0]));
	add_copy(&b, 16);
	for (unsigned int i = 0; i < sizeof(ids) / sizeof(ids[0]); i++) {
		struct npu_error err = run(&b, ids[i], 0, 0);

		assert_int_equal(err.status, NPU_JOB_FAULT);
		assert_int_equal(err.reason, NPU_REASON_CONTEXT);
		assert_int_equal(err.access, NPU_ACCESS_FETCH);
		assert_int_equal(err.engine, NPU_ENGINE_NONE);
		assert_int_equal(err.addr, CODE_VA);
	}
	host_free(b.h);
}

static void code_faults_where_it_ends(void **state)
{
	struct bench b = bench_new(state, "");
	uint64_t mem = host_alloc(b.h, 4096, 4096);
	struct npu_error err;
	uint32_t last;

	/* Commands up to and across the end of the only page of code. */
	host_map(b.h, 1, 0x200000, mem, 4096, RW);
	host_unmap(b.h, 1, CODE_VA + 4096, HOST_CODE_SIZE - 4096);
	do {
		struct npu_cmd_load load = cmd_load(0, 0, 0, 16, b.code.size);

		last = host_code_add(b.h, &b.code, &load);
	} while (b.code.size <= 4096);
	err = run(&b, 1, 0x200000, 0x200000);
	assert_int_equal(err.status, NPU_JOB_FAULT);
	assert_int_equal(err.reason, NPU_REASON_NOT_PRESENT);
	assert_int_equal(err.access, NPU_ACCESS_FETCH);
	assert_int_equal(err.addr, CODE_VA + 4096);
	assert_int_equal(err.cmd, last);
	/* All before it was executed. */
	assert_int_equal(host_reg(b.h, NPU_RING(0) + NPU_RING_PROGRESS),
			 last / sizeof(struct npu_cmd_load));
	host_free(b.h);
}

static void contexts_are_isolated(void **state)
{
	struct bench b = bench_new(state, "cores=2");
	uint64_t one = host_alloc(b.h, 4096, 4096), two = host_alloc(b.h, 4096, 4096);
	uint64_t out = host_alloc(b.h, 8192, 4096);

	host_ctx(b.h, 2);
	host_map(b.h, 2, CODE_VA, b.code.bus, HOST_CODE_SIZE, NPU_PTE_READ);
	host_map(b.h, 1, 0x200000, one, 4096, RW);
	host_map(b.h, 2, 0x200000, two, 4096, RW);
	host_map(b.h, 1, 0x300000, out, 4096, RW);
	host_map(b.h, 2, 0x300000, out + 4096, 4096, RW);
	fill(host_ptr(b.h, one), 4096, 5);
	fill(host_ptr(b.h, two), 4096, 6);
	add_copy(&b, 4096);
	for (int i = 0; i < 4; i++) {
		assert_int_equal(run(&b, 1 + i % 2, 0x200000, 0x300000).status, NPU_JOB_OK);
		memset(host_ptr(b.h, i % 2 ? out : out + 4096), 0x55, 4096);
		assert_memory_equal(host_ptr(b.h, i % 2 ? two : one),
				    host_ptr(b.h, i % 2 ? out + 4096 : out), 4096);
	}
	/* What only the other has is not there. */
	host_map(b.h, 2, 0x400000, two, 4096, RW);
	expect_fault(&b, 0x400000, 0x300000, NPU_REASON_NOT_PRESENT, NPU_ACCESS_READ, 0x400000);
	host_free(b.h);
}

static void invalidation_by_kind(void **state)
{
	static const struct {
		unsigned int cmd;
		uint16_t ctx;
		uint64_t first, last;
		bool forgets;
	} cases[] = {
		{ NPU_TLB_RANGE, 1, 0x200000, 0x200fff, true },
		{ NPU_TLB_RANGE, 1, 0x200fff, 0x200fff, true },
		{ NPU_TLB_RANGE, 1, 0, ~UINT64_C(0), true },
		{ NPU_TLB_CTX, 1, 0, 0, true },
		{ NPU_TLB_ALL, 9, 0, 0, true },
		{ NPU_TLB_RANGE, 1, 0x201000, ~UINT64_C(0), false },
		{ NPU_TLB_RANGE, 1, 0, 0x1fffff, false },
		{ NPU_TLB_RANGE, 2, 0, ~UINT64_C(0), false },
		{ NPU_TLB_CTX, 2, 0, 0, false },
	};
	struct bench b = bench_new(state, "cores=1");
	uint64_t a = host_alloc(b.h, 4096, 4096), c = host_alloc(b.h, 4096, 4096);
	uint64_t out = host_alloc(b.h, 4096, 4096);

	fill(host_ptr(b.h, a), 4096, 7);
	fill(host_ptr(b.h, c), 4096, 8);
	host_map(b.h, 1, 0x300000, out, 4096, RW);
	add_copy(&b, 4096);
	for (unsigned int i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		host_map(b.h, 1, 0x200000, a, 4096, RW);
		host_invalidate(b.h, NPU_TLB_ALL, 0, 0, 0);
		copies(&b, 0x200000, 0x300000, host_ptr(b.h, a), host_ptr(b.h, out), 4096);
		host_map(b.h, 1, 0x200000, c, 4096, RW);
		host_invalidate(b.h, cases[i].cmd, cases[i].ctx, cases[i].first, cases[i].last);
		copies(&b, 0x200000, 0x300000, host_ptr(b.h, cases[i].forgets ? c : a),
		       host_ptr(b.h, out), 4096);
	}
	assert_int_equal(host_reg(b.h, NPU_REG_EVENT_STATUS) & NPU_EVENT_TLB, NPU_EVENT_TLB);
	host_free(b.h);
}

/*
 * While a job stores to a page again and again, the page is exchanged for another. What the old
 * page holds after the acknowledgement must not change any more: the driver has given it to someone
 * else.
 */
static void acknowledged_means_out_of_use(void **state)
{
	struct bench b = bench_new(state, "cores=1");
	uint64_t page[2] = { host_alloc(b.h, 4096, 4096), host_alloc(b.h, 4096, 4096) };
	uint64_t src = host_alloc(b.h, 4096, 4096);
	struct npu_cmd_load load = cmd_load(0, 0, 0, 4096, 1);
	struct host_job job = { .id = 1, .ctx = 1, .region = { 0x200000, 0x300000 } };
	static const uint8_t free_page[4096];

	memset(host_ptr(b.h, src), 0xaa, 4096);
	host_map(b.h, 1, 0x200000, src, 4096, RW);
	host_map(b.h, 1, 0x300000, page[0], 4096, RW);
	load.h.signal[0] = 0;
	host_code_add(b.h, &b.code, &load);
	for (int i = 0; i < 400; i++) {
		struct npu_cmd_store store = cmd_store(1, 0, 0, 4096, 2);

		if (!i)
			store.h.wait[0] = 0;
		host_code_add(b.h, &b.code, &store);
	}
	job.stream[0] = (struct npu_stream_ref){ CODE_VA, b.code.size };
	for (int i = 0; i < 40; i++) {
		uint64_t old = page[i % 2];

		job.id = 1 + i;
		host_submit(b.h, b.r, &job);
		host_until(b.h, NPU_RING(0) + NPU_RING_STATUS, 0, 0);
		host_map(b.h, 1, 0x300000, page[(i + 1) % 2], 4096, RW);
		host_invalidate(b.h, NPU_TLB_RANGE, 1, 0x300000, 0x300fff);
		memset(host_ptr(b.h, old), 0, 4096);
		assert_int_equal(host_completion(b.h, b.r).status, NPU_JOB_OK);
		assert_memory_equal(host_ptr(b.h, old), free_page, 4096);
	}
	host_free(b.h);
}

/*
 * One row of one page, read again and again by a single command: an invalidation does not wait for
 * the command's end, however long that is.
 */
static void commands_that_last_let_go(void **state)
{
	struct bench b = bench_new(state, "cores=1,check=off");
	uint64_t src = host_alloc(b.h, 4096, 4096);
	struct npu_cmd_load load = cmd_load(0, 0, 0, 1, 1);
	struct host_job job = { .id = 1, .ctx = 1, .region = { 0x200000 } };
	bool reading = false;

	host_map(b.h, 1, 0x200000, src, 4096, RW);
	for (int d = 0; d < 3; d++) {
		load.size[d + 1] = 600;
		load.spm_stride[d] = 1;
	}
	host_code_add(b.h, &b.code, &load);
	job.stream[0] = (struct npu_stream_ref){ CODE_VA, b.code.size };
	host_submit(b.h, b.r, &job);
	host_until(b.h, NPU_RING(0) + NPU_RING_HEAD, UINT32_MAX, 1);
	/* Code is read before the data: of those a mapping is held nearly always. */
	while (!reading) {
		struct timespec moment = { .tv_nsec = 1000000 };

		nanosleep(&moment, NULL);
		pthread_mutex_lock(&b.h->lock);
		reading = b.h->maps;
		pthread_mutex_unlock(&b.h->lock);
	}
	for (int i = 0; i < 10; i++)
		host_invalidate(b.h, NPU_TLB_RANGE, 1, 0x200000, 0x200fff);
	assert_int_equal(host_command(b.h, 0, NPU_RING_CMD_ABORT, 1), NPU_RING_CMD_DONE);
	assert_int_equal(host_completion(b.h, b.r).status, NPU_JOB_ABORTED);
	host_free(b.h);
}

/* More pages than the TLB has entries, with few mappings held. */
static void many_pages(void **state)
{
	struct bench b = bench_new(state, "cores=1,spm=1M,check=off");
	uint64_t mem = host_alloc(b.h, 8 << 20, 4096), out = host_alloc(b.h, 8192, 4096);
	struct npu_cmd_load load = cmd_load(0, 0, 0, 4, 1);
	struct npu_cmd_store store = cmd_store(1, 0, 0, 8192, 2);

	host_map(b.h, 1, 0x10000000, mem, 8 << 20, RW);
	host_map(b.h, 1, 0x20000000, out, 8192, RW);
	for (uint32_t i = 0; i < 2048; i++)
		memcpy(host_ptr(b.h, mem + i * 4096), &i, 4);
	load.size[1] = 2048;
	load.mem_stride[0] = 4096;
	load.spm_stride[0] = 4;
	load.h.signal[0] = 0;
	store.h.wait[0] = 0;
	host_code_add(b.h, &b.code, &load);
	host_code_add(b.h, &b.code, &store);
	assert_int_equal(run(&b, 1, 0x10000000, 0x20000000).status, NPU_JOB_OK);
	for (uint32_t i = 0; i < 2048; i++)
		assert_int_equal(((uint32_t *)host_ptr(b.h, out))[i], i);
	assert_true(b.h->max_maps < 64);
	host_free(b.h);
}

static void memory_that_does_not_answer(void **state)
{
	struct bench b = bench_new(state, "");
	uint64_t mem = host_alloc(b.h, 8192, 4096);
	struct npu_error err;

	host_map(b.h, 1, 0x200000, mem, 4096, RW);
	host_map(b.h, 1, 0x300000, HOST_BUS + HOST_SIZE, 4096, RW);
	add_copy(&b, 64);
	err = run(&b, 1, 0x300020, 0x200000);
	assert_int_equal(err.status, NPU_JOB_BUS);
	assert_int_equal(err.addr, 0x300020);
	assert_int_equal(err.access, NPU_ACCESS_READ);
	err = run(&b, 1, 0x200000, 0x300020);
	assert_int_equal(err.status, NPU_JOB_BUS);
	assert_int_equal(err.addr, 0x300020);
	assert_int_equal(err.access, NPU_ACCESS_WRITE);
	/* A page table out of reach. */
	*(uint64_t *)host_ptr(b.h, host_pte(b.h, 1, UINT64_C(1) << 40, 3)) =
		(HOST_BUS + HOST_SIZE) | NPU_PTE_VALID;
	err = run(&b, 1, UINT64_C(1) << 40, 0x200000);
	assert_int_equal(err.status, NPU_JOB_BUS);
	host_free(b.h);
}

#define WITH(memory, test)                                          \
	{                                                           \
#test " " #memory, test, NULL, NULL, (void *)memory \
	}
#define TEST(test) WITH(HOST_STABLE, test), WITH(HOST_TRANSIENT, test), WITH(HOST_COPY, test)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(small_pages),
		TEST(large_and_local_pages),
		TEST(faults_are_exact),
		TEST(contexts_are_checked),
		TEST(code_faults_where_it_ends),
		TEST(contexts_are_isolated),
		TEST(invalidation_by_kind),
		TEST(acknowledged_means_out_of_use),
		WITH(HOST_TRANSIENT, commands_that_last_let_go),
		TEST(many_pages),
		TEST(memory_that_does_not_answer),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
