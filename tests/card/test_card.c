// SPDX-License-Identifier: MIT
/*
 * Copyright (c) 2026 the npu authors
 *
 * The whole card: jobs that compute, from doorbell to completion, against plain loops; modelled
 * time that is always the same; what a job may find of the one before it; hazards told through the
 * completion; and commands made to last, which ABORT must end all the same.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <cmocka.h>

#include "host.h"

#define RW	   (NPU_PTE_READ | NPU_PTE_WRITE)
#define CODE_VA(i) (UINT64_C(0x100000000) + (i)*UINT64_C(0x1000000))
#define DATA_VA(i) (UINT64_C(0x200000000) + (i)*UINT64_C(0x1000000))

#define M 48
#define N 40
#define K 100

/*
 * Memory for members that race on purpose, which ThreadSanitizer would rightly see if the card
 * wrote it directly.
 */
#ifdef __SANITIZE_THREAD__
#define RACING HOST_COPY
#else
#define RACING HOST_STABLE
#endif

/* Where the operands of one product are in SPM. */
enum { SPM_A = 0, SPM_B = 0x8000, SPM_OUT = 0x10000 };
/* Semaphores. */
enum { LOADED_A, LOADED_B, MULTIPLIED, SCALED };

/* acc = a b, a first and b second operand as plain rows. */
static struct npu_cmd_matmul matmul(uint32_t m, uint32_t tag)
{
	struct npu_cmd_matmul c;

	cmd_init(&c, NPU_OP_MATMUL, sizeof(c), tag);
	c.o.a_type = NPU_S8;
	c.o.b_type = NPU_S8;
	c.o.b_layout = NPU_B_ROWS;
	c.o.a = SPM_A;
	c.o.b = SPM_B;
	c.o.b_stride = N;
	c.o.a_zp = (uint32_t)-3;
	c.m = m;
	c.n = N;
	c.k = K;
	c.a_stride = K;
	c.acc_stride = N * 4;
	return c;
}

/* out = saturate(rint(acc * scale) + 5) as int8. */
static struct npu_cmd_vpu requantise(uint32_t m, float scale, uint32_t tag)
{
	struct npu_cmd_vpu c;

	cmd_init(&c, NPU_OP_VPU, sizeof(c), tag);
	c.size[0] = m * N;
	c.size[1] = c.size[2] = c.size[3] = 1;
	c.p.x.space = NPU_SPACE_ACC;
	c.p.x.type = NPU_S32;
	c.p.x.stride[0] = 4;
	c.p.out.addr = SPM_OUT;
	c.p.out.space = NPU_SPACE_SPM;
	c.p.out.type = NPU_S8;
	c.p.out.stride[0] = 1;
	c.p.stage[0].op = NPU_STAGE_MUL;
	c.p.stage[0].src = NPU_SRC_IMM;
	memcpy(&c.p.stage[0].imm, &scale, 4);
	c.p.stage[1].op = NPU_STAGE_QUANT;
	c.p.stage[1].src = NPU_SRC_IMM;
	c.p.stage[1].src2 = NPU_S8;
	c.p.stage[1].imm = 5;
	c.p.stages = 2;
	return c;
}

/* Rows [first, first + m) of the product, as one stream. Region 0: a, 1: b, 2: result. */
static void add_product(struct host *h, struct host_code *code, uint32_t first, uint32_t m,
			bool forget_a_semaphore)
{
	struct npu_cmd_load a = cmd_load(0, first * K, SPM_A, m * K, 1);
	struct npu_cmd_load b = cmd_load(1, 0, SPM_B, K * N, 2);
	struct npu_cmd_matmul mul = matmul(m, 3);
	struct npu_cmd_vpu scale = requantise(m, 0.002f, 4);
	struct npu_cmd_store out = cmd_store(2, first * N, SPM_OUT, m * N, 5);

	a.h.signal[0] = LOADED_A;
	b.h.signal[0] = LOADED_B;
	mul.h.wait[0] = LOADED_A;
	mul.h.wait[1] = LOADED_B;
	mul.h.signal[0] = MULTIPLIED;
	scale.h.wait[0] = MULTIPLIED;
	scale.h.signal[0] = SCALED;
	out.h.wait[0] = SCALED;
	if (forget_a_semaphore) {
		b.h.signal[0] = NPU_SEM_NONE;
		mul.h.wait[1] = NPU_SEM_NONE;
	}
	host_code_add(h, code, &a);
	host_code_add(h, code, &b);
	host_code_add(h, code, &mul);
	host_code_add(h, code, &scale);
	host_code_add(h, code, &out);
}

struct product {
	struct host *h;
	struct host_ring *r;
	int8_t *a, *b, *out;
	int8_t want[M * N];
	struct host_job job;
};

static void plain_product(struct product *p)
{
	for (int m = 0; m < M; m++) {
		for (int n = 0; n < N; n++) {
			int sum = 0;
			double v;
			long q;

			for (int k = 0; k < K; k++)
				sum += (p->a[m * K + k] + 3) * p->b[k * N + n];
			/* Exact in double; ties to even by hand. */
			v = (double)((float)sum * 0.002f);
			q = (long)(v < 0 ? v - 0.5 : v + 0.5);
			if ((v < 0 ? q - v : v - q) == -0.5 && q % 2)
				q += v < 0 ? 1 : -1;
			q += 5;
			p->want[m * N + n] = q < -128 ? -128 : q > 127 ? 127 : q;
		}
	}
}

static struct product product_new(enum host_memory memory, const char *options, bool local)
{
	struct product p = { .h = host_new(memory, options) };
	uint64_t bus[3];

	p.r = host_ring(p.h, 0, 4, 0);
	host_ctx(p.h, 1);
	for (int i = 0; i < 3; i++) {
		bus[i] = local ? (uint64_t)i * 16384 : host_alloc(p.h, 16384, 4096);
		host_map(p.h, 1, DATA_VA(i), bus[i], 16384, RW | (local ? NPU_PTE_LOCAL : 0));
		p.job.region[i] = DATA_VA(i);
	}
	p.a = local ? (int8_t *)p.h->lmem + bus[0] : host_ptr(p.h, bus[0]);
	p.b = local ? (int8_t *)p.h->lmem + bus[1] : host_ptr(p.h, bus[1]);
	p.out = local ? (int8_t *)p.h->lmem + bus[2] : host_ptr(p.h, bus[2]);
	srand(1);
	for (int i = 0; i < M * K; i++)
		p.a[i] = rand();
	for (int i = 0; i < K * N; i++)
		p.b[i] = rand();
	plain_product(&p);
	p.job.ctx = 1;
	return p;
}

static void product_streams(struct product *p, unsigned int cores, bool barrier, bool forget)
{
	p->job.ncores = cores;
	for (unsigned int i = 0; i < cores; i++) {
		struct host_code code = host_code(p->h, 1, CODE_VA(i));
		struct npu_cmd cmd;

		cmd_init(&cmd, NPU_OP_BARRIER, sizeof(cmd), 9);
		if (barrier)
			host_code_add(p->h, &code, &cmd);
		add_product(p->h, &code, i * M / cores, M / cores, forget);
		p->job.stream[i] = (struct npu_stream_ref){ CODE_VA(i), code.size };
	}
}

static struct npu_completion product_run(struct product *p)
{
	memset(p->out, 0, M * N);
	p->job.id++;
	host_submit(p->h, p->r, &p->job);
	return host_completion(p->h, p->r);
}

static void a_product(void **state)
{
	static const unsigned int cores[] = { 1, 2, 4, 1 };
	uint64_t cycles[2][5] = { 0 };

	(void)state;
	for (int memory = HOST_STABLE; memory <= HOST_COPY; memory++) {
		for (int local = 0; local < 2; local++) {
			for (unsigned int i = 0; i < 4; i++) {
				struct product p = product_new(memory, "cores=4", local);
				struct npu_completion cpl;

				product_streams(&p, cores[i], i == 2, false);
				for (int round = 0; round < 3; round++) {
					cpl = product_run(&p);
					assert_int_equal(cpl.status, NPU_JOB_OK);
					assert_memory_equal(p.out, p.want, M * N);
					assert_true(cpl.cycles);
					/* The same on every run and however memory is reached. */
					if (!cycles[local][cores[i]])
						cycles[local][cores[i]] = cpl.cycles;
					assert_int_equal(cpl.cycles, cycles[local][cores[i]]);
				}
				host_free(p.h);
			}
		}
	}
	/* Two cores are faster than one, and local memory than the host's. */
	assert_true(cycles[0][2] < cycles[0][1]);
	assert_true(cycles[1][1] < cycles[0][1]);
}

static void counters_add_up(void **state)
{
	struct product p = product_new(HOST_STABLE, "cores=1,mac-fj=1000", false);
	struct {
		unsigned int engine, counter;
		uint64_t value;
	} want[] = {
		{ NPU_ENGINE_LOAD, NPU_CTR_CMDS, 2 },
		{ NPU_ENGINE_LOAD, NPU_CTR_PCIE_BYTES, 4800 + 4032 },
		{ NPU_ENGINE_MXU, NPU_CTR_CMDS, 1 },
		{ NPU_ENGINE_MXU, NPU_CTR_WORK, M * N * K },
		{ NPU_ENGINE_MXU, NPU_CTR_ENERGY_NJ, M * N * K / 1000 },
		{ NPU_ENGINE_VPU, NPU_CTR_CMDS, 1 },
		{ NPU_ENGINE_STORE, NPU_CTR_CMDS, 1 },
		{ NPU_ENGINE_STORE, NPU_CTR_PCIE_BYTES, 1920 },
		{ NPU_ENGINE_STORE, NPU_CTR_LMEM_BYTES, 0 },
	};

	(void)state;
	product_streams(&p, 1, false, false);
	assert_int_equal(product_run(&p).status, NPU_JOB_OK);
	host_until(p.h, NPU_REG_STATUS, ~0u, NPU_STATUS_READY);
	for (size_t i = 0; i < sizeof(want) / sizeof(want[0]); i++)
		assert_int_equal(host_reg64(p.h, NPU_CORE(0) + NPU_CORE_CTR(want[i].engine,
									    want[i].counter)),
				 want[i].value);
	assert_true(host_reg64(p.h, NPU_CORE(0) + NPU_CORE_CTR(NPU_ENGINE_MXU, NPU_CTR_STALL_SEM)));
	assert_int_equal(host_reg(p.h, NPU_RING(0) + NPU_RING_PROGRESS), 5);
	host_free(p.h);
}

static void a_missing_semaphore_is_told(void **state)
{
	struct product p = product_new(HOST_STABLE, "cores=2", false);
	struct npu_completion cpl;
	struct npu_error err;

	(void)state;
	product_streams(&p, 2, false, true);
	for (int round = 0; round < 5; round++) {
		cpl = product_run(&p);
		err = host_error(p.h, &p.job);
		assert_int_equal(cpl.status, NPU_JOB_HAZARD);
		assert_int_equal(cpl.reason, NPU_REASON_RAW);
		assert_int_equal(NPU_CPL_CORE(cpl.where), 0);
		assert_int_equal(NPU_CPL_ENGINE(cpl.where), NPU_ENGINE_MXU);
		assert_int_equal(err.tag, 3);
		assert_int_equal(err.other_tag, 2);
		assert_int_equal(err.other_engine, NPU_ENGINE_LOAD);
		assert_int_equal(err.space, NPU_SPACE_SPM);
		assert_in_range(err.addr, SPM_B, SPM_B + K * N - 1);
	}
	host_free(p.h);
	/* Without the checker the values are right all the same: program order is a legal order. */
	p = product_new(HOST_STABLE, "cores=2,check=off", false);
	product_streams(&p, 2, false, true);
	assert_int_equal(product_run(&p).status, NPU_JOB_OK);
	assert_memory_equal(p.out, p.want, M * N);
	host_free(p.h);
}

/*
 * Two members write the same bytes, and no barrier is between them: told whatever the threads do.
 */
static void members_must_not_collide(void **state)
{
	struct product p = product_new(RACING, "cores=2", false);
	struct npu_completion cpl;
	struct npu_error err, first = { 0 };

	(void)state;
	product_streams(&p, 2, true, false);
	p.job.stream[1].addr = p.job.stream[0].addr;
	for (int round = 0; round < 10; round++) {
		cpl = product_run(&p);
		err = host_error(p.h, &p.job);
		assert_int_equal(cpl.status, NPU_JOB_HAZARD);
		assert_int_equal(err.reason, NPU_REASON_WAW);
		assert_int_equal(err.space, NPU_SPACE_MEM);
		assert_int_equal(err.addr, DATA_VA(2));
		assert_int_not_equal(err.core, err.other_core);
		if (!round)
			first = err;
		assert_memory_equal(&err, &first, sizeof(err));
	}
	host_free(p.h);
}

static void leftover_tokens_are_told(void **state)
{
	struct host *h = host_new(HOST_STABLE, "cores=1");
	struct host_ring *r = host_ring(h, 0, 3, 0);
	struct npu_cmd_load load = cmd_load(0, 0, 0, 16, 5);
	struct host_job job = { .id = 1, .ctx = 1, .region = { DATA_VA(0) } };
	struct host_code code;

	(void)state;
	host_ctx(h, 1);
	code = host_code(h, 1, CODE_VA(0));
	host_map(h, 1, DATA_VA(0), host_alloc(h, 4096, 4096), 4096, RW);
	load.h.signal[0] = 17;
	host_code_add(h, &code, &load);
	job.stream[0] = (struct npu_stream_ref){ CODE_VA(0), code.size };
	host_submit(h, r, &job);
	assert_int_equal(host_completion(h, r).reason, NPU_REASON_LEFTOVER);
	assert_int_equal(host_error(h, &job).addr, 17);
	host_free(h);
}

/*
 * Whatever a job left in SPM and ACC, the next one on that core reads zero, but for what it has written
 * itself; with the checker on, it may not even read.
 */
static void nothing_is_left_behind(void **state)
{
	struct product p = product_new(HOST_STABLE, "cores=1,check=off", false);
	uint64_t spy_out = host_alloc(p.h, 516 << 10, 4096);
	struct npu_cmd_store spm = cmd_store(3, 0, 0, 256 << 10, 1);
	struct npu_cmd_store acc = cmd_store(3, 256 << 10, 0, 64 << 10, 2);
	struct npu_cmd_load own = cmd_load(3, 512 << 10, 5000, 100, 3);
	struct host_job spy = { .id = 99, .ctx = 1, .region = { 0, 0, 0, DATA_VA(9) } };
	struct host_code code;

	(void)state;
	product_streams(&p, 1, false, false);
	host_map(p.h, 1, DATA_VA(9), spy_out, 516 << 10, RW);
	acc.space = NPU_SPACE_ACC;
	code = host_code(p.h, 1, CODE_VA(5));
	own.h.signal[0] = 0;
	spm.h.wait[0] = 0;
	host_code_add(p.h, &code, &own);
	host_code_add(p.h, &code, &spm);
	host_code_add(p.h, &code, &acc);
	spy.stream[0] = (struct npu_stream_ref){ CODE_VA(5), code.size };
	for (int round = 0; round < 3; round++) {
		const uint8_t *seen = host_ptr(p.h, spy_out);

		assert_int_equal(product_run(&p).status, NPU_JOB_OK);
		assert_memory_equal(p.out, p.want, M * N);
		memset(host_ptr(p.h, spy_out), 0x55, 516 << 10);
		host_submit(p.h, p.r, &spy);
		assert_int_equal(host_completion(p.h, p.r).status, NPU_JOB_OK);
		for (int i = 0; i < 320 << 10; i++)
			assert_int_equal(seen[i], i >= 5000 && i < 5100 ? 0x55 : 0);
	}
	host_free(p.h);
}

static void an_index_out_of_range(void **state)
{
	struct host *h = host_new(HOST_STABLE, "cores=1");
	struct host_ring *r = host_ring(h, 0, 3, 0);
	struct npu_cmd_load load = cmd_load(0, 0, 0, 16, 5);
	struct host_job job = { .id = 1, .ctx = 1, .region = { DATA_VA(0) } };
	uint64_t mem = host_alloc(h, 4096, 4096);
	struct npu_cmd_gather gather;
	struct host_code code;

	(void)state;
	host_ctx(h, 1);
	code = host_code(h, 1, CODE_VA(0));
	host_map(h, 1, DATA_VA(0), mem, 4096, RW);
	memcpy(host_ptr(h, mem), (int32_t[]){ 0, -1, 5, 4 }, 16);
	cmd_init(&gather, NPU_OP_GATHER, sizeof(gather), 6);
	gather.type = NPU_S32;
	gather.row_stride = 16;
	gather.rows = 5;
	gather.count = 4;
	gather.row_bytes = 16;
	gather.spm = 1024;
	gather.spm_stride = 16;
	host_code_add(h, &code, &load);
	host_code_add(h, &code, &gather);
	job.stream[0] = (struct npu_stream_ref){ CODE_VA(0), code.size };
	host_submit(h, r, &job);
	assert_int_equal(host_completion(h, r).status, NPU_JOB_INDEX);
	assert_int_equal(host_error(h, &job).tag, 6);
	host_free(h);
}

/*
 * ---- Commands made to last
 * ---------------------------------------------------------------------------
 */

/* What they read is written first: 64 KiB at 0. */
static void add_after_load(struct host *h, struct host_code *code, void *cmd)
{
	struct npu_cmd_load load = cmd_load(0, 0, 0, 65536, 1);

	load.h.signal[0] = 0;
	((struct npu_cmd *)cmd)->wait[0] = 0;
	host_code_add(h, code, &load);
	host_code_add(h, code, cmd);
}

static void lasting_store(struct host *h, struct host_code *code)
{
	struct npu_cmd_store c = cmd_store(0, 1 << 20, 0, 1, 2);

	/* Single bytes that nothing joins to longer runs, all in one large page. */
	c.size[1] = 4096;
	c.size[2] = 1024;
	c.size[3] = 1023;
	c.mem_stride[0] = 3;
	c.mem_stride[1] = 7;
	c.mem_stride[2] = (uint64_t)-5;
	add_after_load(h, code, &c);
}

static void lasting_matmul(struct host *h, struct host_code *code)
{
	struct npu_cmd_matmul c = matmul(16000, 1);

	c.n = 1;
	c.k = 60000;
	c.a_stride = 0;
	c.acc_stride = 4;
	c.o.b = 0;
	c.o.b_stride = 0;
	add_after_load(h, code, &c);
}

static void lasting_conv(struct host *h, struct host_code *code)
{
	struct npu_cmd_conv c;

	cmd_init(&c, NPU_OP_CONV, sizeof(c), 1);
	c.batch = 1;
	c.groups = 1;
	c.in_h = 200;
	c.in_w = 1200;
	c.in_c = 60;
	c.out_h = 100;
	c.out_w = 160;
	c.out_c = 1;
	c.kernel_h = 1;
	c.kernel_w = 1024;
	c.stride_h = c.stride_w = 1;
	c.dilation_h = c.dilation_w = 1;
	c.o.b_layout = NPU_B_COLS;
	c.acc_stride[0] = 4;
	c.acc_stride[1] = 640;
	c.acc_stride[2] = 64000;
	add_after_load(h, code, &c);
}

/* 65025 taps of 120000 pixels, strides and dilations such that no two taps' bytes are one set. */
static void lasting_windows(struct host *h, struct host_code *code)
{
	struct npu_cmd_conv c;

	cmd_init(&c, NPU_OP_CONV, sizeof(c), 1);
	c.batch = 4;
	c.groups = 1;
	c.in_h = 1000;
	c.in_w = 65000;
	c.in_c = 1;
	c.out_h = 2;
	c.out_w = 30000;
	c.out_c = 1;
	c.kernel_h = c.kernel_w = 255;
	c.stride_h = c.stride_w = 2;
	c.dilation_h = c.dilation_w = 3;
	c.a_stride[0] = 1;
	c.a_stride[2] = 7;
	c.acc_stride[0] = 4;
	c.acc_stride[1] = 120000;
	c.acc_stride[2] = 240000;
	add_after_load(h, code, &c);
}

static void lasting_vpu(struct host *h, struct host_code *code)
{
	struct npu_cmd_vpu c;

	cmd_init(&c, NPU_OP_VPU, sizeof(c), 1);
	c.size[0] = 0xffff;
	c.size[1] = 0x10000;
	c.size[2] = c.size[3] = 1;
	c.p.x.type = NPU_S8;
	c.p.out.addr = SPM_OUT;
	c.p.out.type = NPU_S32;
	c.reduce = NPU_REDUCE_SUM;
	c.axes = 3;
	add_after_load(h, code, &c);
}

static void lasting_pool(struct host *h, struct host_code *code)
{
	struct npu_cmd_pool c;

	cmd_init(&c, NPU_OP_POOL, sizeof(c), 1);
	c.size[0] = 256;
	c.size[1] = 256;
	c.size[2] = c.size[3] = 1;
	c.in_h = 1;
	c.in_w = 60000;
	c.kernel_h = 1;
	c.kernel_w = 60000;
	c.stride_h = c.stride_w = 1;
	c.dilation_h = c.dilation_w = 1;
	c.p.x.type = NPU_S8;
	c.p.x.stride[1] = 1;
	c.p.out.type = NPU_S8;
	c.p.out.addr = SPM_OUT;
	c.p.out.stride[0] = 1;
	c.p.out.stride[1] = 256;
	add_after_load(h, code, &c);
}

/*
 * Such a command ends by itself, is refused, or is aborted; in each case the card answers soon.
 * What counts as soon is host_until()'s patience: this finds commands that nothing can stop.
 */
static void lasting_commands_can_be_aborted(void **state)
{
	static void (*const add[])(struct host *, struct host_code *) = {
		lasting_store,	 lasting_matmul, lasting_conv,
		lasting_windows, lasting_vpu,	 lasting_pool,
	};

	(void)state;
	for (unsigned int i = 0; i < 2 * sizeof(add) / sizeof(add[0]); i++) {
		struct host *h = host_new(HOST_STABLE,
					  i % 2 ? "cores=1,acc=1M" : "cores=1,acc=1M,check=off");
		struct host_ring *r = host_ring(h, 0, 3, 0);
		struct host_job job = { .id = 1, .ctx = 1, .region = { DATA_VA(0) } };
		struct timespec moment = { .tv_nsec = 20000000 };
		struct npu_completion cpl;
		struct host_code code;
		uint32_t result;

		host_ctx(h, 1);
		code = host_code(h, 1, CODE_VA(0));
		host_map(h, 1, DATA_VA(0), 0, 4 << 20, RW | NPU_PTE_LARGE | NPU_PTE_LOCAL);
		add[i / 2](h, &code);
		job.stream[0] = (struct npu_stream_ref){ CODE_VA(0), code.size };
		host_submit(h, r, &job);
		/* An ABORT of what has not started is none. */
		while (!(host_reg(h, NPU_RING(0) + NPU_RING_STATUS) & NPU_RING_RUNNING) &&
		       !host_reg(h, NPU_RING(0) + NPU_RING_CPL_COUNT))
			nanosleep(&moment, NULL);
		nanosleep(&moment, NULL);
		result = host_command(h, 0, NPU_RING_CMD_ABORT, 1);
		cpl = host_completion(h, r);
		print_message("command %u: %s, status %u, reason %u\n", i / 2,
			      result == NPU_RING_CMD_DONE ? "aborted" : "over", cpl.status,
			      cpl.reason);
		if (result == NPU_RING_CMD_DONE)
			assert_int_equal(cpl.status, NPU_JOB_ABORTED);
		host_free(h);
	}
}

/*
 * ---- Streams of noise
 * ----------------------------------------------------------------------------------
 */

/*
 * Whatever is in a stream, the job ends, the next one runs, and nothing outside the context's pages
 * is touched.
 */
static void noise_harms_nobody(void **state)
{
	static const uint8_t opcodes[] = { 0x01, 0x10, 0x11, 0x20, 0x21, 0x30, 0x31, 0x40 };
	static const uint16_t sizes[] = {
		sizeof(struct npu_cmd),	       sizeof(struct npu_cmd_load),
		sizeof(struct npu_cmd_gather), sizeof(struct npu_cmd_matmul),
		sizeof(struct npu_cmd_conv),   sizeof(struct npu_cmd_vpu),
		sizeof(struct npu_cmd_pool),   sizeof(struct npu_cmd_store),
	};
	const char *fixed = getenv("NPU_TEST_SEED");
	unsigned int seed = fixed ? strtoul(fixed, NULL, 0) : (unsigned int)time(NULL);
	struct host *h = host_new(RACING, "cores=2,rings=1");
	struct host_ring *r = host_ring(h, 0, 4, 0);
	uint64_t mem = host_alloc(h, 3 * 65536, 65536);
	struct host_code code;

	(void)state;
	print_message("seed %u\n", seed);
	srand(seed);
	host_ctx(h, 1);
	code = host_code(h, 1, CODE_VA(0));
	host_map(h, 1, DATA_VA(0), mem + 65536, 65536, RW);
	for (uint64_t id = 1; id <= 400; id++) {
		struct host_job job = {
			.id = id, .ctx = 1, .ncores = 1 + id % 2, .region = { DATA_VA(0) }
		};
		struct npu_completion cpl;
		uint8_t buf[512];

		code.size = 0;
		while (code.size < 4096) {
			unsigned int o = rand() % 8;
			struct npu_cmd *cmd = (struct npu_cmd *)buf;

			/*
			 * Mostly small numbers and zeroes, or nothing would ever pass the checks.
			 */
			cmd_init(buf, opcodes[o], sizes[o], id);
			for (unsigned int i = sizeof(*cmd); i < sizes[o]; i++)
				buf[i] = rand() % 4 ? 0 : rand() % 8 ? rand() % 5 : rand();
			host_code_add(h, &code, cmd);
		}
		job.stream[0] = job.stream[1] = (struct npu_stream_ref){ CODE_VA(0), code.size };
		host_submit(h, r, &job);
		cpl = host_completion(h, r);
		assert_int_equal(cpl.job_id, id);
		h->next = mem - HOST_BUS + 4 * 65536 + HOST_CODE_SIZE;
	}
	for (unsigned int i = 0; i < 65536; i++) {
		assert_int_equal(((uint8_t *)host_ptr(h, mem))[i], 0);
		assert_int_equal(((uint8_t *)host_ptr(h, mem + 2 * 65536))[i], 0);
	}
	host_free(h);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_product),
		cmocka_unit_test(counters_add_up),
		cmocka_unit_test(a_missing_semaphore_is_told),
		cmocka_unit_test(members_must_not_collide),
		cmocka_unit_test(leftover_tokens_are_told),
		cmocka_unit_test(nothing_is_left_behind),
		cmocka_unit_test(an_index_out_of_range),
		cmocka_unit_test(lasting_commands_can_be_aborted),
		cmocka_unit_test(noise_harms_nobody),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
