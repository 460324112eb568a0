// SPDX-License-Identifier: MIT
/*
 * Copyright (c) 2026 the npu authors
 *
 * Building streams, and npu_stream_sync() against brute force: random streams over a small piece of
 * SPM, ACC and memory. The reference knows the bytes of each command because it chose them, closes
 * happens-before over all pairs, and asks both ways: every conflict is ordered, and no semaphore
 * could be left out.
 */
#include <stdio.h>

#include "libnpu/isa/stream.h"

#include "common.h"
#include "ref.h"

#define MAX_CMDS 400
#define LINES	 64 /* of 16 bytes, of each space */

enum { SPM, ACC, MEM, SPACES };

/* Lines that a command reads and writes, a bit each. */
struct touch {
	int engine;
	uint64_t read[SPACES], write[SPACES];
};

struct model {
	struct npu_stream *s;
	struct touch t[MAX_CMDS];
	int count;
};

static const struct npu_caps *caps(void)
{
	static struct npu_caps c;

	if (!c.cores) {
		struct npu_device *dev;

		test_ok(npu_open(&dev, "sim:"));
		c = *npu_device_caps(dev);
		npu_close(dev);
	}
	return &c;
}

static uint64_t lines(uint32_t first, uint32_t count)
{
	return (count == 64 ? ~0ull : (1ull << count) - 1) << first;
}

static struct touch *add(struct model *m, int engine)
{
	struct touch *t = &m->t[m->count++];

	memset(t, 0, sizeof(*t));
	t->engine = engine;
	return t;
}

static void load(struct model *m, uint32_t from, uint32_t to, uint32_t count)
{
	struct npu_cmd_load cmd = { .type = NPU_S8,
				    .region = 0,
				    .offset = from * 16,
				    .spm = to * 16,
				    .size = { count * 16, 1, 1, 1 } };
	struct touch *t = add(m, NPU_ENGINE_LOAD);

	t->read[MEM] = lines(from, count);
	t->write[SPM] = lines(to, count);
	test_ok(npu_stream_load(m->s, &cmd));
}

static void store(struct model *m, int space, uint32_t from, uint32_t to, uint32_t count)
{
	struct npu_cmd_store cmd = { .space = space == ACC ? NPU_SPACE_ACC : NPU_SPACE_SPM,
				     .region = 0,
				     .offset = to * 16,
				     .local = from * 16,
				     .size = { count * 16, 1, 1, 1 } };
	struct touch *t = add(m, NPU_ENGINE_STORE);

	t->read[space] = lines(from, count);
	t->write[MEM] = lines(to, count);
	test_ok(npu_stream_store(m->s, &cmd));
}

/* One row by a matrix of 16 by 4 * count. */
static void matmul(struct model *m, uint32_t a, uint32_t b, uint32_t acc, uint32_t count,
		   bool accumulate)
{
	struct npu_cmd_matmul cmd = {
		.o = { .a_type = NPU_S8,
		       .b_type = NPU_S8,
		       .b_layout = NPU_B_COLS,
		       .a = a * 16,
		       .b = b * 16,
		       .b_stride = 16,
		       .acc = acc * 16,
		       .flags = accumulate ? NPU_MXU_ACCUMULATE : 0 },
		.m = 1,
		.n = count * 4,
		.k = 16,
		.a_stride = 16,
		.acc_stride = count * 16,
	};
	struct touch *t = add(m, NPU_ENGINE_MXU);

	t->read[SPM] = lines(a, 1) | lines(b, count * 4);
	t->write[ACC] = lines(acc, count);
	if (accumulate)
		t->read[ACC] = t->write[ACC];
	test_ok(npu_stream_matmul(m->s, &cmd));
}

/* ACC → SPM, four bytes to one. */
static void requantise(struct model *m, uint32_t acc, uint32_t to, uint32_t count)
{
	struct npu_cmd_vpu cmd = {
		.size = { count * 16, 1, 1, 1 },
		.p = { .x = { .addr = acc * 16,
			      .space = NPU_SPACE_ACC,
			      .type = NPU_S32,
			      .stride = { 4 } },
		       .out = { .addr = to * 16,
				.space = NPU_SPACE_SPM,
				.type = NPU_S8,
				.stride = { 1 } },
		       .stage = { { .op = NPU_STAGE_QUANT, .src = NPU_SRC_IMM, .src2 = NPU_S8 } },
		       .stages = 1 },
	};
	struct touch *t = add(m, NPU_ENGINE_VPU);

	t->read[ACC] = lines(acc, count * 4);
	t->write[SPM] = lines(to, count);
	test_ok(npu_stream_vpu(m->s, &cmd));
}

static void random_stream(struct model *m, int count)
{
	m->s = npu_stream_create();
	assert_non_null(m->s);
	m->count = 0;
	/* All of both memories written once, so that nothing unwritten is read. */
	load(m, 0, 0, 64);
	for (uint32_t i = 0; i < 64; i += 8)
		matmul(m, 0, 8, i, 8, false);
	while (m->count < count) {
		uint32_t n = 1 + ref_random(6);

		switch (ref_random(5)) {
		case 0:
			load(m, ref_random(64 - n), ref_random(64 - n), n);
			break;
		case 1:
			store(m, SPM, ref_random(64 - n), ref_random(64 - n), n);
			break;
		case 2:
			store(m, ACC, ref_random(64 - n), ref_random(64 - n), n);
			break;
		case 3:
			matmul(m, ref_random(64), ref_random(64 - 4 * n), ref_random(64 - n), n,
			       ref_random(2));
			break;
		default:
			requantise(m, ref_random(64 - 4 * n), ref_random(64 - n), n);
		}
	}
	test_ok(npu_stream_sync(m->s, caps()));
}

/*
 * ---- Happens-before, closed ---------------------------------------------------------------------
 */

struct order {
	bool before[MAX_CMDS][MAX_CMDS];
	int edge[3 * MAX_CMDS][2];
	int edges;
};

static void close_over(const struct model *m, struct order *o, int without)
{
	memset(o->before, 0, sizeof(o->before));
	/* In program order, so that one pass suffices. */
	for (int j = 0; j < m->count; j++) {
		for (int i = 0; i < j; i++) {
			bool direct = m->t[i].engine == m->t[j].engine;

			for (int e = 0; e < o->edges; e++)
				direct |= e != without && o->edge[e][0] == i && o->edge[e][1] == j;
			if (!direct)
				continue;
			o->before[i][j] = true;
			for (int h = 0; h < i; h++)
				o->before[h][j] |= o->before[h][i];
		}
	}
}

/* The n-th wait takes the n-th signal. */
static void find_edges(const struct model *m, struct order *o)
{
	static int made[NPU_SEMAPHORES][MAX_CMDS];
	int made_count[NPU_SEMAPHORES] = { 0 }, taken[NPU_SEMAPHORES] = { 0 };
	const uint8_t *data = npu_stream_data(m->s, NULL);
	size_t at = 0;

	o->edges = 0;
	for (int i = 0; i < m->count; i++) {
		const struct npu_cmd *cmd = (const void *)(data + at);

		for (int w = 0; w < NPU_CMD_SEMS; w++) {
			int s = cmd->wait[w];

			if (s == NPU_SEM_NONE)
				continue;
			assert_true(taken[s] < made_count[s]);
			o->edge[o->edges][0] = made[s][taken[s]++];
			o->edge[o->edges++][1] = i;
		}
		for (int w = 0; w < NPU_CMD_SEMS; w++)
			if (cmd->signal[w] != NPU_SEM_NONE)
				made[cmd->signal[w]][made_count[cmd->signal[w]]++] = i;
		at += cmd->size;
	}
	for (int s = 0; s < NPU_SEMAPHORES; s++)
		assert_int_equal(made_count[s], taken[s]);
}

static bool conflict(const struct touch *a, const struct touch *b)
{
	for (int s = 0; s < SPACES; s++)
		if ((a->write[s] & (b->read[s] | b->write[s])) || (a->read[s] & b->write[s]))
			return true;
	return false;
}

static void sync_orders_conflicts(void **state)
{
	static struct model m;
	static struct order o;

	(void)state;
	for (int round = 0; round < 30; round++) {
		random_stream(&m, 20 + ref_random(120));
		find_edges(&m, &o);
		close_over(&m, &o, -1);
		for (int j = 0; j < m.count; j++)
			for (int i = 0; i < j; i++)
				if (conflict(&m.t[i], &m.t[j]) && !o.before[i][j])
					fail_msg("command %d is not ordered before %d", i, j);
		npu_stream_free(m.s);
	}
}

/* With little effort, or none: all is in order still, and little was done. */
static void order_keeps_within_an_effort(void **state)
{
	static struct model m;
	static struct order o;

	(void)state;
	for (int round = 0; round < 60; round++) {
		struct npu_effort effort = { .limit = round % 3 ? ref_random(400) : 0 };

		random_stream(&m, 20 + ref_random(120));
		test_ok(npu_stream_order(m.s, caps(), &effort));
		/* A command may go beyond, and half as much again in pages. */
		assert_true(effort.spent <= effort.limit + effort.limit / 2 + 100 +
						    (uint64_t)m.count * NPU_EFFORT_COMMAND);
		find_edges(&m, &o);
		close_over(&m, &o, -1);
		for (int j = 0; j < m.count; j++)
			for (int i = 0; i < j; i++)
				if (conflict(&m.t[i], &m.t[j]) && !o.before[i][j])
					fail_msg("command %d is not ordered before %d, effort %llu",
						 i, j, (unsigned long long)effort.limit);
		npu_stream_free(m.s);
	}
}

static void sync_wastes_nothing(void **state)
{
	static struct model m;
	static struct order o;

	(void)state;
	for (int round = 0; round < 10; round++) {
		random_stream(&m, 60);
		find_edges(&m, &o);
		for (int e = 0; e < o.edges; e++) {
			close_over(&m, &o, e);
			if (o.before[o.edge[e][0]][o.edge[e][1]])
				fail_msg("the semaphore from %d to %d is not needed", o.edge[e][0],
					 o.edge[e][1]);
		}
		npu_stream_free(m.s);
	}
}

/* More signals than a semaphore holds before the first is waited for. */
static void tokens_never_overflow(void **state)
{
	struct model *m = calloc(1, sizeof(*m));
	struct npu_stream_fault fault;
	struct npu_code code;
	struct npu_stream *s = npu_stream_create();

	(void)state;
	assert_non_null(m);
	for (uint32_t i = 0; i < 2000; i++)
		test_ok(npu_stream_load(s, &(struct npu_cmd_load){ .type = NPU_S8,
								   .spm = i * 16,
								   .size = { 16, 1, 1, 1 } }));
	for (uint32_t i = 0; i < 2000; i++)
		test_ok(npu_stream_store(s, &(struct npu_cmd_store){ .region = 1,
								     .local = i * 16,
								     .offset = i * 16,
								     .size = { 16, 1, 1, 1 } }));
	test_ok(npu_stream_sync(s, caps()));
	code.cmds = npu_stream_data(s, NULL);
	npu_stream_data(s, (size_t *)&code.size);
	test_ok(npu_code_check(caps(), &code, 1, NULL, &fault));
	npu_stream_free(s);
	free(m);
}

/* The card's checker agrees, and no store overtakes what it stores. */
static void card_accepts(void **state)
{
	struct npu_device *dev = test_open();
	struct npu_queue *queue;
	struct npu_buffer *buf;
	static struct model m;

	(void)state;
	test_ok(npu_queue_create(dev, NULL, &queue));
	test_ok(npu_buffer_create(dev, LINES * 16, NPU_BUFFER_LOCAL, &buf));
	for (int round = 0; round < 60; round++) {
		struct npu_binding bind = { .region = 0, .buffer = buf };
		struct npu_job job = { .bindings = &bind, .binding_count = 1 };
		struct npu_program_desc desc = { .tensors = NULL };
		struct npu_fence *fence;

		random_stream(&m, 20 + ref_random(MAX_CMDS - 20));
		test_ok(npu_program_from_streams(dev, &m.s, 1, &desc, &job.program));
		test_ok(npu_queue_submit(queue, &job, 1, NULL, 0, &fence));
		test_ok(npu_fence_wait(fence, NPU_WAIT_FOREVER));
		npu_fence_release(fence);
		npu_program_release(job.program);
		npu_stream_free(m.s);
	}
	npu_buffer_release(buf);
	npu_queue_release(queue);
	npu_close(dev);
}

static void cycles_are_the_cards(void **state)
{
	struct npu_device *dev = test_open();
	struct npu_queue *queue;
	struct npu_buffer *buf;
	static struct model m;

	(void)state;
	test_ok(npu_queue_create(dev, NULL, &queue));
	test_ok(npu_buffer_create(dev, LINES * 16, NPU_BUFFER_LOCAL, &buf));
	for (int round = 0; round < 20; round++) {
		struct npu_binding bind = { .region = 0, .buffer = buf };
		struct npu_job job = { .bindings = &bind, .binding_count = 1 };
		struct npu_program_desc desc = { .tensors = NULL };
		struct npu_result result;
		struct npu_fence *fence;
		struct npu_code code;
		uint64_t cycles;

		random_stream(&m, 200);
		code.cmds = npu_stream_data(m.s, (size_t *)&code.size);
		test_ok(npu_code_cycles(npu_device_caps(dev), &code, 1, 0, &cycles));
		test_ok(npu_program_from_streams(dev, &m.s, 1, &desc, &job.program));
		test_ok(npu_queue_submit(queue, &job, 1, NULL, 0, &fence));
		test_ok(npu_fence_wait(fence, NPU_WAIT_FOREVER));
		test_ok(npu_fence_result(fence, &result));
		assert_int_equal(result.cycles, cycles);
		npu_fence_release(fence);
		npu_program_release(job.program);
		npu_stream_free(m.s);
	}
	npu_buffer_release(buf);
	npu_queue_release(queue);
	npu_close(dev);
}

/* What npu_code_timeline() tells: sums, and that each command is told once and in its order. */
struct told {
	const struct npu_code *code;
	struct npu_cost sum;
	uint64_t free[2][NPU_ENGINES];
	uint32_t next[2][NPU_ENGINES];
};

static void told(void *opaque, const struct npu_command_time *when)
{
	struct told *t = opaque;
	const struct npu_cmd *cmd =
		(const void *)((const uint8_t *)t->code[when->core].cmds + when->cmd);
	bool load = when->engine == NPU_ENGINE_LOAD;

	assert_in_range(when->core, 0, 1);
	assert_true(when->cmd + sizeof(*cmd) <= t->code[when->core].size);
	assert_int_equal(cmd->opcode, load ? NPU_OP_LOAD : NPU_OP_MATMUL);
	assert_int_equal(cmd->tag, when->tag);
	assert_string_equal(when->name, load ? "LOAD" : "MATMUL");
	assert_true(when->cmd >= t->next[when->core][when->engine]);
	t->next[when->core][when->engine] = when->cmd + cmd->size;
	assert_true(when->start >= t->free[when->core][when->engine]);
	assert_true(when->free > when->start && when->end > when->free);
	t->free[when->core][when->engine] = when->free;
	t->sum.commands++;
	if (when->engine == NPU_ENGINE_MXU)
		t->sum.macs += when->work;
	t->sum.lmem_bytes += when->lmem_bytes;
	t->sum.pcie_bytes += when->pcie_bytes;
	t->sum.energy_fj += when->energy_fj;
	if (when->end > t->sum.end)
		t->sum.end = when->end;
}

static void timeline_is_whole(const struct npu_caps *caps, const struct npu_code *code,
			      uint32_t host, const struct npu_cost *total)
{
	struct told t = { .code = code };
	uint64_t cycles;

	test_ok(npu_code_timeline(caps, code, 2, host, told, &t, &cycles));
	assert_int_equal(cycles, total->cycles);
	/* A last barrier is no command. */
	assert_int_equal(t.sum.end + caps->barrier_cycles, cycles);
	assert_int_equal(t.sum.commands, total->commands);
	assert_int_equal(t.sum.macs, total->macs);
	assert_int_equal(t.sum.lmem_bytes, total->lmem_bytes);
	assert_int_equal(t.sum.pcie_bytes, total->pcie_bytes);
	assert_int_equal(t.sum.energy_fj, total->energy_fj);
	test_ok(npu_code_timeline(caps, code, 2, host, told, &(struct told){ .code = code }, NULL));
}

/* Two streams with barriers between their parts, a tag a part, and a last barrier alone. */
#define PARTS 6

static void costs_add_up(void **state)
{
	struct npu_device *dev = test_open();
	const struct npu_caps *caps = npu_device_caps(dev);

	(void)state;
	for (int round = 0; round < 10; round++) {
		struct npu_cost total, part[PARTS + 1], sum = { .cycles = 0 };
		struct npu_stream *s[2] = { npu_stream_create(), npu_stream_create() };
		struct npu_code code[2];
		uint64_t cycles, end = 0;

		for (int i = 0; i < PARTS; i++) {
			for (int core = 0; core < 2; core++) {
				struct npu_cmd_load load = {
					.h = { .tag = i },
					.type = NPU_S8,
					.size = { 64 + rand() % 999, 1, 1, 1 },
				};
				struct npu_cmd_matmul mm = {
					.h = { .tag = i == 4 ? 3 : i },
					.o = { .a_type = NPU_S8,
					       .b_type = NPU_S8,
					       .b_layout = NPU_B_ROWS,
					       .b_stride = 16 },
					.m = 1 + rand() % 50,
					.n = 16,
					.k = 16,
					.a_stride = 16,
					.acc_stride = 64,
				};

				if (i)
					npu_stream_barrier(s[core], i);
				for (int n = rand() % 3; n >= 0; n--) {
					npu_stream_load(s[core], &load);
					npu_stream_matmul(s[core], &mm);
				}
			}
		}
		for (int core = 0; core < 2; core++) {
			npu_stream_barrier(s[core], PARTS);
			test_ok(npu_stream_sync(s[core], caps));
			code[core].cmds = npu_stream_data(s[core], (size_t *)&code[core].size);
		}
		test_ok(npu_code_check(caps, code, 2, NULL, NULL));
		test_ok(npu_code_cycles(caps, code, 2, round & 1, &cycles));
		test_ok(npu_code_costs(caps, code, 2, round & 1, &total, part, PARTS + 1));
		assert_int_equal(total.cycles, cycles);
		assert_int_equal(total.end, cycles);
		assert_int_equal(total.start, 0);
		for (int i = 0; i <= PARTS; i++) {
			sum.cycles += part[i].cycles;
			sum.commands += part[i].commands;
			sum.macs += part[i].macs;
			sum.lmem_bytes += part[i].lmem_bytes;
			sum.pcie_bytes += part[i].pcie_bytes;
			sum.energy_fj += part[i].energy_fj;
			if (i && i < PARTS)
				/* Behind the barrier. */
				assert_true(part[i].start >= end && part[i].end > end);
			if (i != 3)
				end = part[i].end > end ? part[i].end : end;
		}
		assert_int_equal(sum.cycles, cycles);
		assert_int_equal(sum.commands, total.commands);
		assert_int_equal(sum.commands,
				 npu_stream_commands(s[0]) + npu_stream_commands(s[1]) - 2 * PARTS);
		assert_int_equal(sum.macs, total.macs);
		assert_int_equal(sum.lmem_bytes, total.lmem_bytes);
		assert_int_equal(sum.pcie_bytes, total.pcie_bytes);
		assert_int_equal(sum.energy_fj, total.energy_fj);
		assert_true(total.energy_fj > 0 && total.macs > 0);
		assert_true(round & 1 ? total.pcie_bytes && !total.lmem_bytes :
					total.lmem_bytes && !total.pcie_bytes);
		timeline_is_whole(caps, code, round & 1, &total);
		/* Part 4's products count as part 3's, its loads do not. */
		assert_int_equal(part[4].macs, 0);
		assert_true(part[3].end > part[4].start);
		assert_int_equal(part[PARTS].commands, 0);
		assert_int_equal(part[PARTS].cycles, caps->barrier_cycles);
		assert_int_equal(npu_code_costs(caps, code, 2, 0, &total, part, PARTS), -EINVAL);
		assert_non_null(strstr(npu_error(), "tag 6"));
		npu_stream_free(s[0]);
		npu_stream_free(s[1]);
	}
	npu_close(dev);
}

static void building(void **state)
{
	struct npu_stream *s = npu_stream_create(), *copy = npu_stream_create();
	const struct npu_cmd *cmd;
	size_t size;

	(void)state;
	assert_int_equal(npu_stream_commands(s), 0);
	/* Semaphores and sizes of the caller do not count; the tag does. */
	test_ok(npu_stream_load(
		s, &(struct npu_cmd_load){
			   .h = { .opcode = 9, .size = 1, .wait = { 1, 2, 3 }, .tag = 77 },
			   .size = { 16, 1, 1, 1 } }));
	test_ok(npu_stream_barrier(s, 5));
	cmd = npu_stream_data(s, &size);
	assert_int_equal(size, 128 + 16);
	assert_int_equal(cmd->opcode, NPU_OP_LOAD);
	assert_int_equal(cmd->size, 128);
	assert_int_equal(cmd->wait[0], NPU_SEM_NONE);
	assert_int_equal(cmd->tag, 77);
	assert_int_equal(npu_stream_append(copy, cmd, size - 1), -EINVAL);
	test_ok(npu_stream_append(copy, cmd, size));
	assert_int_equal(npu_stream_commands(copy), 2);
	assert_memory_equal(npu_stream_data(copy, NULL), cmd, size);
	npu_stream_clear(s);
	assert_int_equal(npu_stream_commands(s), 0);
	npu_stream_free(s);
	npu_stream_free(copy);
	npu_stream_free(NULL);
}

/* On both sides of a region's base, where offsets change their sign. */
static void sync_orders_around_the_base(void **state)
{
	struct npu_stream *s = npu_stream_create();
	const struct npu_cmd_load *load;
	size_t size;

	(void)state;
	test_ok(npu_stream_store(
		s, &(struct npu_cmd_store){ .offset = -8ull, .size = { 16, 1, 1, 1 } }));
	test_ok(npu_stream_load(
		s, &(struct npu_cmd_load){ .offset = -4ull, .spm = 4096, .size = { 8, 1, 1, 1 } }));
	test_ok(npu_stream_sync(s, caps()));
	load = (const void *)((const char *)npu_stream_data(s, &size) +
			      sizeof(struct npu_cmd_store));
	assert_int_not_equal(load->h.wait[0], NPU_SEM_NONE);
	npu_stream_free(s);
}

/* Tables that no memory holds, of a region that is written too. */
/*
 * More pages than are looked at line by line, each written in parts: who reads a part of the last
 * of them waits all the same.
 */
static void sync_orders_many_pages(void **state)
{
	enum { PAGES = 40000, PAGE = 4096 };
	struct npu_stream *s = npu_stream_create();
	const struct npu_cmd *cmd;
	size_t at, size;

	(void)state;
	npu_stream_load(s, &(struct npu_cmd_load){ .size = { 64, 1, 1, 1 } });
	for (int i = 0; i < PAGES; i += 10000)
		npu_stream_store(s, &(struct npu_cmd_store){ .region = 1,
							     .offset = (uint64_t)i * PAGE,
							     .size = { 32, 10000, 1, 1 },
							     .mem_stride = { PAGE } });
	npu_stream_load(s, &(struct npu_cmd_load){ .region = 1,
						   .offset = (uint64_t)(PAGES - 1) * PAGE + 16,
						   .spm = 4096,
						   .size = { 8, 1, 1, 1 } });
	test_ok(npu_stream_sync(s, caps()));
	cmd = npu_stream_data(s, &size);
	for (at = 0; at + 128 < size;
	     at += ((const struct npu_cmd *)((const uint8_t *)cmd + at))->size)
		;
	cmd = (const void *)((const uint8_t *)cmd + at);
	assert_int_equal(cmd->opcode, NPU_OP_LOAD);
	assert_int_not_equal(cmd->wait[0], NPU_SEM_NONE);
	npu_stream_free(s);
}

static void sync_bounds_tables(void **state)
{
	static const struct {
		uint64_t rows, stride;
		int ret;
	} tables[] = {
		{ 1000, 64, 0 },
		{ 1ull << 62, 1ull << 62, -EINVAL },
		{ 1ull << 62, -4096ull, -EINVAL },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(tables) / sizeof(tables[0]); i++) {
		struct npu_stream *s = npu_stream_create();

		test_ok(npu_stream_gather(s,
					  &(struct npu_cmd_gather){ .type = NPU_S32,
								    .rows = tables[i].rows,
								    .row_stride = tables[i].stride,
								    .count = 1,
								    .row_bytes = 16,
								    .spm = 64 }));
		test_ok(npu_stream_store(s, &(struct npu_cmd_store){ .size = { 16, 1, 1, 1 } }));
		assert_int_equal(npu_stream_sync(s, caps()), tables[i].ret);
		npu_stream_free(s);
	}
}

static void sync_names_bad_commands(void **state)
{
	struct npu_stream *s = npu_stream_create();

	(void)state;
	test_ok(npu_stream_load(
		s, &(struct npu_cmd_load){ .h = { .tag = 4711 }, .size = { 0, 1, 1, 1 } }));
	assert_int_equal(npu_stream_sync(s, caps()), -EINVAL);
	assert_non_null(strstr(npu_error(), "4711"));
	npu_stream_free(s);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(building),
		cmocka_unit_test(sync_orders_conflicts),
		cmocka_unit_test(order_keeps_within_an_effort),
		cmocka_unit_test(sync_wastes_nothing),
		cmocka_unit_test(tokens_never_overflow),
		cmocka_unit_test(card_accepts),
		cmocka_unit_test(cycles_are_the_cards),
		cmocka_unit_test(costs_add_up),
		cmocka_unit_test(sync_names_bad_commands),
		cmocka_unit_test(sync_orders_around_the_base),
		cmocka_unit_test(sync_orders_many_pages),
		cmocka_unit_test(sync_bounds_tables),
	};

	ref_seed();
	return cmocka_run_group_tests_name("stream", tests, NULL, NULL);
}
