// SPDX-License-Identifier: MIT
/*
 * Copyright (c) 2026 the npu authors
 *
 * See guest.h. What is made here is valid more often than not: chance in the right places, so that
 * streams get to the engines, and wrong values now and then.
 */
#include "guest.h"

#include <string.h>

#include "../card/gen.h"
#include "fuzz.h"

#define RW	    (NPU_PTE_READ | NPU_PTE_WRITE)
#define COUNT_OF(a) (sizeof(a) / sizeof((a)[0]))

/* ---- Memory ---------------------------------------------------------------------------------- */

uint64_t guest_region(unsigned int r)
{
	static const uint16_t page[NPU_MAX_REGIONS] = {
		GUEST_RW + 16, GUEST_LARGE_LOCAL, GUEST_LARGE_HOST + 16,
		GUEST_R + 16,  GUEST_W + 16,	  GUEST_LOCAL,
		GUEST_RW,      GUEST_BAD,	  GUEST_RW + 20,
		GUEST_RW + 24, GUEST_AGAIN,	  GUEST_SELF,
		GUEST_RW + 28, GUEST_LOCAL + 30,  GUEST_RW + 30,
		GUEST_BAD + 3,
	};

	return GUEST_AT(page[r % NPU_MAX_REGIONS]);
}

static void put64(uint8_t *arena, uint32_t at, uint64_t value)
{
	memcpy(arena + at, &value, sizeof(value));
}

static void put_tables(uint8_t *arena)
{
	uint32_t l0 = GUEST_LEVEL(0), l1 = GUEST_LEVEL(1), l2 = GUEST_LEVEL(2), l3 = GUEST_LEVEL(3);
	const uint64_t bad[] = {
		GUEST_BUS | NPU_PTE_VALID, /* no permission */
		GUEST_BUS | NPU_PTE_VALID | RW | 1u << 5,
		GUEST_BUS | NPU_PTE_VALID | RW | NPU_PTE_LARGE,
		0x1000 | NPU_PTE_VALID | RW, /* nothing is there */
		GUEST_LMEM | NPU_PTE_VALID | RW | NPU_PTE_LOCAL,
		(GUEST_LMEM - 4096u) | NPU_PTE_VALID | RW | NPU_PTE_LOCAL,
		NPU_PTE_ADDR | NPU_PTE_VALID | RW,
		1ull << 63 | NPU_PTE_VALID,
	};
	const uint64_t ctx[GUEST_CTX_COUNT] = {
		(GUEST_BUS + l3) | NPU_CTX_VALID,
		(GUEST_BUS + l3) | NPU_CTX_VALID,
		GUEST_BUS + l3,
		(GUEST_BUS + l3) | NPU_CTX_VALID | 2,
		0x1000 | NPU_CTX_VALID,
		(GUEST_BUS + l2) | NPU_CTX_VALID,
		(GUEST_BUS + l0) | NPU_CTX_VALID,
		(GUEST_BUS + GUEST_SIZE - 4096) | NPU_CTX_VALID,
	};
	unsigned int i;

	for (i = 0; i < GUEST_CTX_COUNT; i++)
		put64(arena, GUEST_CTXS + i * sizeof(struct npu_ctx_entry), ctx[i]);
	for (i = 0; i < 32; i++) {
		uint64_t page = GUEST_BUS + i * 4096u;

		put64(arena, l0 + (GUEST_RW + i) * 8, page | NPU_PTE_VALID | RW);
		put64(arena, l0 + (GUEST_R + i) * 8, page | NPU_PTE_VALID | NPU_PTE_READ);
		put64(arena, l0 + (GUEST_W + i) * 8, page | NPU_PTE_VALID | NPU_PTE_WRITE);
		put64(arena, l0 + (GUEST_LOCAL + i) * 8,
		      i * 4096u | NPU_PTE_VALID | RW | NPU_PTE_LOCAL);
	}
	for (i = GUEST_AGAIN; i < GUEST_BAD; i++)
		put64(arena, l0 + i * 8,
		      (GUEST_BUS + GUEST_CODE_AT + i % 4 * 4096) | NPU_PTE_VALID | NPU_PTE_READ);
	for (i = 0; i < COUNT_OF(bad); i++)
		put64(arena, l0 + (GUEST_BAD + i) * 8, bad[i]);

	put64(arena, l1, (GUEST_BUS + l0) | NPU_PTE_VALID);
	put64(arena, l1 + 8, NPU_PTE_VALID | RW | NPU_PTE_LOCAL | NPU_PTE_LARGE);
	put64(arena, l1 + 16, GUEST_BUS | NPU_PTE_VALID | RW | NPU_PTE_LARGE);
	put64(arena, l1 + 24, (GUEST_BUS + l1) | NPU_PTE_VALID);
	put64(arena, l1 + 32, (GUEST_BUS + 4096) | NPU_PTE_VALID | RW | NPU_PTE_LARGE);
	put64(arena, l1 + 40, 0x1000 | NPU_PTE_VALID);
	put64(arena, l1 + 48, (GUEST_BUS + l0) | NPU_PTE_VALID | NPU_PTE_READ);
	put64(arena, l2 + (GUEST_VA >> NPU_PT_SHIFT(2)) % NPU_PT_ENTRIES * 8,
	      (GUEST_BUS + l1) | NPU_PTE_VALID);
	put64(arena, l2 + 8, (GUEST_BUS + l2) | NPU_PTE_VALID);
	put64(arena, l3, (GUEST_BUS + l2) | NPU_PTE_VALID);
	put64(arena, l3 + 8, (GUEST_BUS + l3) | NPU_PTE_VALID);
}

/* A page of indices (-4 .. 3, in 32 and 64 bits), one of floats, one of anything, and so on. */
static void put_data(uint8_t *arena)
{
	uint64_t chance = 1;
	uint32_t at;

	for (at = GUEST_DATA_AT; at < GUEST_SIZE; at += 8) {
		uint64_t v = (uint64_t)(int64_t)((int)(at / 8 % 8) - 4);
		float f[2] = { (float)(at / 8 % 31) / 4 - 4, (float)(at / 8 % 63) / 128 };

		if (at / 4096 % 3 == 1)
			memcpy(&v, f, sizeof(v));
		if (at / 4096 % 3 == 2)
			v = (uint64_t)fuzz_chance(&chance, UINT32_MAX) << 32 |
			    fuzz_chance(&chance, UINT32_MAX);
		put64(arena, at, v);
	}
}

void guest_arena(uint8_t *arena)
{
	memset(arena, 0, GUEST_SIZE);
	put_tables(arena);
	put_data(arena);
}

/* ---- Streams --------------------------------------------------------------------------------- */

bool guest_add(struct guest_bytes *b, const void *data, size_t size)
{
	size_t whole = (size + GUEST_ALIGN - 1) / GUEST_ALIGN * GUEST_ALIGN;

	if (whole > b->room - b->size)
		return false;
	memset(b->data + b->size, 0, whole);
	memcpy(b->data + b->size, data, size);
	b->size += whole;
	return true;
}

/* Any stage, any type: most of what results is valid, and reaches other loops. */
static void change_pipe(uint64_t *chance, struct npu_vpu_pipe *p)
{
	static const uint8_t unary[] = { NPU_STAGE_ABS,	  NPU_STAGE_NEG,   NPU_STAGE_EXP,
					 NPU_STAGE_LOG,	  NPU_STAGE_ERF,   NPU_STAGE_SIGMOID,
					 NPU_STAGE_TANH,  NPU_STAGE_GELU,  NPU_STAGE_SILU,
					 NPU_STAGE_SQRT,  NPU_STAGE_RSQRT, NPU_STAGE_RECIP,
					 NPU_STAGE_FLOOR, NPU_STAGE_CEIL,  NPU_STAGE_RINT };
	static const uint8_t integers[] = { NPU_S8, NPU_U8, NPU_S32 };
	static const uint8_t widths[] = { 1, 1, 4, 2, 2, 4 };
	struct npu_vpu_stage *st = &p->stage[fuzz_chance(chance, NPU_VPU_STAGES)];
	uint32_t number = (uint32_t)fuzz_number(chance);

	if (st >= &p->stage[p->stages] && p->stages < NPU_VPU_STAGES)
		st = &p->stage[p->stages++];
	switch (fuzz_chance(chance, 6)) {
	case 0:
		*st = (struct npu_vpu_stage){ .op = unary[fuzz_chance(chance, COUNT_OF(unary))] };
		break;
	case 1:
		*st = (struct npu_vpu_stage){ .op = NPU_STAGE_ADD + fuzz_chance(chance, 11),
					      .src = NPU_SRC_IMM,
					      .imm = number };
		break;
	case 2:
		*st = (struct npu_vpu_stage){ .op = NPU_STAGE_ADD + fuzz_chance(chance, 13),
					      .src = NPU_SRC_0 + fuzz_chance(chance, 6) };
		break;
	case 3: /* The value becomes an integer, and so do the stages behind it and the result. */
		*st = (struct npu_vpu_stage){ .op = NPU_STAGE_QUANT,
					      .src = NPU_SRC_IMM,
					      .src2 = integers[fuzz_chance(chance, 3)],
					      .imm = number };
		p->stages = (uint8_t)(st - p->stage + 1);
		memset(st + 1, 0, sizeof(*st) * (NPU_VPU_STAGES - p->stages));
		number = integers[fuzz_chance(chance, 3)];
		if (widths[number] <= widths[p->out.type])
			p->out.type = (uint8_t)number;
		if (p->stages < NPU_VPU_STAGES && fuzz_chance(chance, 2))
			p->stage[p->stages++] = (struct npu_vpu_stage){
				.op = NPU_STAGE_IADD + fuzz_chance(chance, 4),
				.src = NPU_SRC_IMM + fuzz_chance(chance, 2),
			};
		break;
	case 4:
		number = fuzz_chance(chance, 6);
		if (widths[number] == widths[p->x.type]) {
			p->x.type = (uint8_t)number;
		} else {
			p->x.type = integers[fuzz_chance(chance, 2)];
			p->x.space = NPU_SPACE_SPM;
		}
		if (p->x.type <= NPU_S32 && fuzz_chance(chance, 2)) {
			p->x.flags = NPU_OPERAND_DEQUANT;
			p->x.zp = fuzz_chance(chance, 5);
			p->x.scale = 0x3e800000;
		}
		break;
	default:
		p->x.stride[fuzz_chance(chance, 4)] = 0;
	}
}

size_t guest_command(uint64_t *chance, void *cmd, uint8_t opcode)
{
	static const uint8_t regions[] = { 0, 0, 0, 1, 2, 5, 8, 9, 3, 4 };
	static struct gen g;
	static union gen_cmd c;
	unsigned int n;

	if (!g.cfg.cores)
		gen_init(&g, 1);
	g.state = ((uint64_t)fuzz_chance(chance, UINT32_MAX) << 20) + 1;
	gen_command(&g, &c, opcode);
	c.h.tag = fuzz_chance(chance, 1000);
	switch (opcode) {
	case NPU_OP_LOAD:
		c.load.region = regions[fuzz_chance(chance, COUNT_OF(regions) - 1)];
		break;
	case NPU_OP_GATHER:
		c.gather.region = regions[fuzz_chance(chance, COUNT_OF(regions) - 1)];
		break;
	case NPU_OP_STORE:
		c.store.region = regions[fuzz_chance(chance, COUNT_OF(regions))];
		break;
	case NPU_OP_VPU:
		for (n = fuzz_chance(chance, 4); n; n--)
			change_pipe(chance, &c.vpu.p);
		if (c.vpu.reduce)
			c.vpu.reduce = (uint8_t)(1 + fuzz_chance(chance, NPU_REDUCE_MAX));
		break;
	case NPU_OP_POOL:
		for (n = fuzz_chance(chance, 4); n; n--)
			change_pipe(chance, &c.pool.p);
		break;
	}
	memcpy(cmd, &c, c.h.size);
	return c.h.size;
}

static void add_load(uint64_t *chance, struct guest_bytes *b, uint32_t spm, uint32_t bytes)
{
	struct npu_cmd_load c = {
		.h = { .opcode = NPU_OP_LOAD,
		       .size = sizeof(c),
		       .wait = { NPU_SEM_NONE, NPU_SEM_NONE, NPU_SEM_NONE },
		       .signal = { NPU_SEM_NONE, NPU_SEM_NONE, NPU_SEM_NONE } },
		.type = NPU_S8,
		/* Mostly indices. */
		.offset = fuzz_chance(chance, 2) * fuzz_chance(chance, 4) * 4096 + 8 * 8,
		.spm = spm,
		.size = { bytes, 1, 1, 1 },
	};

	guest_add(b, &c, sizeof(c));
}

/* All of ACC that gen_command() uses. */
static void add_matmul(struct guest_bytes *b)
{
	struct npu_cmd_matmul c = {
		.h = { .opcode = NPU_OP_MATMUL,
		       .size = sizeof(c),
		       .wait = { NPU_SEM_NONE, NPU_SEM_NONE, NPU_SEM_NONE },
		       .signal = { NPU_SEM_NONE, NPU_SEM_NONE, NPU_SEM_NONE } },
		.o = { .a_type = NPU_S8, .b_type = NPU_S8, .b_stride = 32 },
		.m = 16,
		.n = GEN_ACC / 4 / 16,
		.k = 5,
		.a_stride = 7,
		.acc_stride = GEN_ACC / 16,
	};

	guest_add(b, &c, sizeof(c));
}

void guest_chain(uint8_t *code, size_t size)
{
	struct npu_cmd cmd, last = { 0 };
	size_t at, before = 0;

	for (at = 0; at + sizeof(cmd) <= size; at += cmd.size) {
		unsigned int engine, old;

		memcpy(&cmd, code + at, sizeof(cmd));
		if (!npu_isa_size(cmd.opcode) || cmd.size != npu_isa_size(cmd.opcode) ||
		    cmd.size > size - at)
			return;
		memset(cmd.wait, NPU_SEM_NONE, sizeof(cmd.wait));
		memset(cmd.signal, NPU_SEM_NONE, sizeof(cmd.signal));
		engine = npu_isa_engine(cmd.opcode);
		old = at ? npu_isa_engine(last.opcode) : NPU_ENGINE_NONE;
		if (engine != old && engine != NPU_ENGINE_NONE && old != NPU_ENGINE_NONE) {
			last.signal[0] = cmd.wait[0] = (uint8_t)(old * NPU_ENGINES + engine);
			memcpy(code + before, &last, sizeof(last));
		}
		memcpy(code + at, &cmd, sizeof(cmd));
		last = cmd;
		before = at;
	}
}

void guest_stream(uint64_t *chance, struct guest_bytes *b, unsigned int count)
{
	size_t start = b->size;
	uint8_t cmd[512];

	add_load(chance, b, 0, 1024);
	add_load(chance, b, 1024, 1024);
	add_matmul(b);
	while (count--) {
		uint8_t opcode = gen_opcodes[fuzz_chance(chance, gen_opcode_count)];

		if (!fuzz_chance(chance, 6)) {
			struct npu_cmd barrier = {
				.opcode = NPU_OP_BARRIER,
				.size = sizeof(barrier),
				.wait = { NPU_SEM_NONE, NPU_SEM_NONE, NPU_SEM_NONE },
				.signal = { NPU_SEM_NONE, NPU_SEM_NONE, NPU_SEM_NONE },
			};

			if (!fuzz_chance(chance, 12))
				barrier.opcode = NPU_OP_HANG;
			guest_add(b, &barrier, sizeof(barrier));
		}
		if (!guest_add(b, cmd, guest_command(chance, cmd, opcode)))
			break;
	}
	if (fuzz_chance(chance, 8))
		guest_chain(b->data + start, b->size - start);
}

/* ---- Steps ----------------------------------------------------------------------------------- */

uint32_t guest_register(uint64_t *chance)
{
	static const uint16_t rings[] = {
		NPU_RING_DESC_LO, NPU_RING_DESC_HI,    NPU_RING_CPL_LO,	    NPU_RING_CPL_HI,
		NPU_RING_TAIL_LO, NPU_RING_TAIL_HI,    NPU_RING_SIZE_LOG2,  NPU_RING_PRIORITY,
		NPU_RING_IRQ,	  NPU_RING_SAVE_LO,    NPU_RING_CTRL,	    NPU_RING_CTRL,
		NPU_RING_STATUS,  NPU_RING_HEAD,       NPU_RING_CPL_COUNT,  NPU_RING_JOB_LO,
		NPU_RING_JOB_HI,  NPU_RING_PROGRESS,   NPU_RING_BUSY_LO,    NPU_RING_BUSY_HI,
		NPU_RING_CMD,	  NPU_RING_CMD_JOB_LO, NPU_RING_CMD_JOB_HI, NPU_RING_CMD,
	};

	switch (fuzz_chance(chance, 8)) {
	case 0:
		return fuzz_chance(chance, 0x34 / 4 + 1) * 4 + NPU_REG_TEMP_MC;
	case 1:
		return fuzz_chance(chance, NPU_REG_IDLE_MW / 4 + 2) * 4;
	case 2:
		return (uint32_t)(NPU_CORE(fuzz_chance(chance, 5)) +
				  fuzz_chance(chance, NPU_CORE_STRIDE / 4) * 4);
	case 3:
		return (uint32_t)NPU_DOORBELL(fuzz_chance(chance, 5)) +
		       (fuzz_chance(chance, 8) ? 0 : 4);
	case 4:
	case 5:
		return (uint32_t)(NPU_RING(fuzz_chance(chance, 5)) +
				  rings[fuzz_chance(chance, COUNT_OF(rings))]);
	default:
		return NPU_REG_CTRL +
		       fuzz_chance(chance, (NPU_REG_TLB_DONE - NPU_REG_CTRL) / 4 + 2) * 4;
	}
}

void guest_job(uint64_t *chance, struct guest_job *job, uint32_t at, uint32_t size)
{
	unsigned int i;

	*job = (struct guest_job){
		.id = 1 + fuzz_chance(chance, 6),
		.ctx = fuzz_chance(chance, 8) ? 0 : (uint16_t)fuzz_chance(chance, 9),
		.cores = (uint8_t)(fuzz_chance(chance, 3) ? 1 : 1 + fuzz_chance(chance, 4)),
		.flags = (uint8_t)fuzz_chance(chance, 2),
		.table = fuzz_chance(chance, GUEST_TABLES),
	};
	for (i = 0; i < GUEST_JOB_STREAMS; i++) {
		job->stream[i].at = at;
		job->stream[i].size = size;
		if (fuzz_chance(chance, 8))
			continue;
		/* Some other place: an alias, a page's end, data, tables. */
		job->stream[i].at = fuzz_chance(chance, 2048) * 256;
		job->stream[i].size = fuzz_chance(chance, 256) * 256;
	}
	if (!fuzz_chance(chance, 6))
		job->region[fuzz_chance(chance, GUEST_JOB_REGIONS)] =
			GUEST_VA + fuzz_chance(chance, 1024) * 2048 + fuzz_chance(chance, 64);
}

/* A page table's or the context table's entry. */
static uint64_t random_entry(uint64_t *chance)
{
	uint64_t entry = GUEST_BUS + fuzz_chance(chance, 33) * 4096;

	switch (fuzz_chance(chance, 4)) {
	case 0:
		return entry | NPU_PTE_VALID;
	case 1:
		return fuzz_chance(chance, 3) ? 0 : (uint64_t)fuzz_number(chance);
	case 2:
		entry = fuzz_chance(chance, GUEST_LMEM / 4096 + 1) * 4096u | NPU_PTE_LOCAL;
		/* fall through */
	default:
		return entry | NPU_PTE_VALID | fuzz_chance(chance, 4) * NPU_PTE_READ;
	}
}

static void random_memory(uint64_t *chance, struct guest_step *s, struct guest_bytes *payload)
{
	uint64_t words[2];

	words[0] = random_entry(chance);
	words[1] = random_entry(chance);
	switch (fuzz_chance(chance, 6)) {
	case 0:
		s->x = GUEST_CTXS + fuzz_chance(chance, GUEST_CTX_COUNT) * 16;
		words[0] = (GUEST_BUS + fuzz_chance(chance, 32) * 4096) | NPU_CTX_VALID;
		words[1] = fuzz_chance(chance, 4) ? 0 : words[1];
		break;
	case 1:
	case 2:
		s->x = GUEST_LEVEL(fuzz_chance(chance, 4)) + fuzz_chance(chance, 256) * 16;
		break;
	case 3: /* descriptors, completions, tails */
		s->x = GUEST_PAGE(6) + fuzz_chance(chance, 512) * 16;
		words[0] = (uint64_t)fuzz_number(chance);
		words[1] = (uint64_t)fuzz_number(chance);
		break;
	case 4:
		s->x = GUEST_TABLE(fuzz_chance(chance, 4)) + 64 + fuzz_chance(chance, 16) * 16;
		words[0] = GUEST_VA + fuzz_chance(chance, 2048) * 4096;
		words[1] = (uint64_t)fuzz_number(chance) & ~15u;
		break;
	default:
		s->x = fuzz_chance(chance, GUEST_SIZE / 16) * 16;
		words[0] = (uint64_t)fuzz_number(chance);
	}
	guest_add(payload, words, sizeof(words));
}

static void random_write(uint64_t *chance, struct guest_step *s)
{
	uint32_t value;

	s->a = fuzz_chance(chance, 16) ? 4 : (uint8_t)(1u << fuzz_chance(chance, 4));
	s->x = guest_register(chance);
	switch (fuzz_chance(chance, 4)) {
	case 0:
		value = (uint32_t)fuzz_number(chance);
		break;
	case 1:
		value = (uint32_t)GUEST_BUS + fuzz_chance(chance, GUEST_SIZE / 64) * 64;
		break;
	default:
		value = fuzz_chance(chance, 4);
	}
	s->x |= (uint64_t)value << 32;
}

void guest_step(uint64_t *chance, struct guest_bytes *b, unsigned int op)
{
	uint8_t room[4096];
	struct guest_bytes payload = { room, 0, sizeof(room) };
	struct guest_step s = { .op = (uint8_t)op, .a = (uint8_t)fuzz_chance(chance, 4) };
	struct guest_job job;

	s.flags = !fuzz_chance(chance, 4) ? GUEST_RACE : 0;
	switch (op) {
	case GUEST_READ:
		s.a = fuzz_chance(chance, 16) ? 4 : (uint8_t)(1u << fuzz_chance(chance, 4));
		s.x = guest_register(chance);
		break;
	case GUEST_WRITE:
		random_write(chance, &s);
		break;
	case GUEST_MEMORY:
		random_memory(chance, &s, &payload);
		break;
	case GUEST_CODE:
		s.x = GUEST_CODE_AT + fuzz_chance(chance, 4) * 4096;
		guest_stream(chance, &payload, 1 + fuzz_chance(chance, 5));
		break;
	case GUEST_RING:
		s.b = (uint8_t)(NPU_MIN_RING_LOG2 + fuzz_chance(chance, 3));
		s.x = fuzz_chance(chance, NPU_PRIORITIES);
		if (!fuzz_chance(chance, 4))
			s.x |= (uint64_t)fuzz_chance(chance, GUEST_SIZE / 64) << 8;
		break;
	case GUEST_JOB:
		s.b = fuzz_chance(chance, 8) ? 0 : (uint8_t)fuzz_chance(chance, 4);
		guest_job(chance, &job, GUEST_CODE_AT + fuzz_chance(chance, 4) * 4096,
			  GUEST_PAGE(1));
		guest_add(&payload, &job, sizeof(job));
		break;
	case GUEST_COMMAND:
		s.b = (uint8_t)(1 + fuzz_chance(chance, 2));
		s.x = 1 + fuzz_chance(chance, 6);
		break;
	case GUEST_INVALIDATE:
		s.a = (uint8_t)(1 + fuzz_chance(chance, 3));
		s.x = fuzz_chance(chance, 2048);
		s.flags |= (uint8_t)(fuzz_chance(chance, 64) << 1);
		break;
	case GUEST_RESET:
		s.b = fuzz_chance(chance, 4) != 0;
		break;
	case GUEST_BUS:
		s.a = (uint8_t)fuzz_chance(chance, 3);
		break;
	case GUEST_PAUSE:
		s.a = (uint8_t)fuzz_chance(chance, 2);
		break;
	case GUEST_REFUSE:
		s.a = (uint8_t)fuzz_chance(chance, 32);
		s.b = (uint8_t)fuzz_chance(chance, 4);
		break;
	}
	s.bytes = (uint32_t)payload.size;
	if (b->room - b->size < sizeof(s) + payload.size)
		return;
	guest_add(b, &s, sizeof(s));
	guest_add(b, payload.data, payload.size);
}
