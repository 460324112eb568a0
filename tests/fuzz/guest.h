/* SPDX-License-Identifier: MIT */
/*
 * Copyright (c) 2026 the npu authors
 *
 * A hostile guest, as bytes: the card it has, then steps that it takes, each with a payload. And
 * its memory as it finds it: one arena of bus memory with a context table, page tables, rings, side
 * tables, code and data in places that are known here, so that a step need only tell what is other
 * than usual. Every structure may be overwritten by a step, or by a job.
 *
 * fuzz_card.c carries steps out, mutate_card.c changes them, seeds_card.c makes the first ones.
 */
#ifndef TESTS_FUZZ_GUEST_H
#define TESTS_FUZZ_GUEST_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "npu/hw/isa.h"
#include "npu/hw/regs.h"

/* ---- The bytes ------------------------------------------------------------------------------- */

#define GUEST_BARE (1u << 0) /* registers are as after power-on; else the card is enabled */

/**
 * struct guest_head - what an input begins with
 * @card: which of GUEST_CARDS configurations, modulo; fuzz_card.c has them
 * @memory: enum guest_memory, modulo
 * @flags: GUEST_BARE
 */
struct guest_head {
	uint8_t card;
	uint8_t memory;
	uint8_t flags;
	uint8_t unused[13];
};

#define GUEST_CARDS 6u


enum guest_memory { GUEST_STABLE, GUEST_TRANSIENT, GUEST_COPY, GUEST_MEMORIES };

enum guest_op {
	GUEST_READ,	  /* a register: @x offset, @a width */
	GUEST_WRITE,	  /* a register: @x offset | value << 32, @a width */
	GUEST_MEMORY,	  /* the payload to offset @x of the arena */
	GUEST_CODE,	  /* likewise; the payload is commands */
	GUEST_RING,	  /* configure ring @a with 2^@b entries, priority @x & 3, and enable it;
			   * @x >> 2: where in the arena, 0: as usual
			   */
	GUEST_JOB,	  /* struct guest_job to ring @a; @b: GUEST_JOB_* */
	GUEST_COMMAND,	  /* NPU_RING_CMD @b to ring @a, of job @x */
	GUEST_INVALIDATE, /* NPU_TLB_* @a, context @b, page @x and as many as @flags >> 1 more */
	GUEST_RETIRE,	  /* no context is left, and no translation: nothing may be reached */
	GUEST_RESET,	  /* the function; @a 0: from outside, else by register; @b: and set up again */
	GUEST_BUS,	  /* bus-master: @a 0 off, 1 on, 2 off after npu_card_bus_forbid() */
	GUEST_PAUSE,	  /* @a 0: resume, else pause */
	GUEST_HANG,	  /* the next job of ring @a hangs */
	GUEST_REFUSE,	  /* arena pages @a .. @a + @b - 1 do not answer any more; @b 0: all do */
	GUEST_LINK,
	GUEST_RENEW,	  /* the card goes, and a new one comes; in most inputs a GUEST_RESET */
	GUEST_OPS
};

#define GUEST_RACE (1u << 0)	/* flags: the next step does not wait for this one to be over */

#define GUEST_JOB_QUIET	 (1u << 0)	/* no doorbell */
#define GUEST_JOB_NO_TAIL (1u << 1)	/* nor a tail that says so */

/**
 * struct guest_step - what the guest does next
 * @bytes: of the payload that follows, a multiple of GUEST_ALIGN
 */
struct guest_step {
	uint8_t op;
	uint8_t a;
	uint8_t b;
	uint8_t flags;
	uint32_t bytes;
	uint64_t x;
};

#define GUEST_ALIGN 16u
#define GUEST_JOB_STREAMS 4u
#define GUEST_JOB_REGIONS 4u

/**
 * struct guest_job - payload of GUEST_JOB
 * @region: the first ones, 0: as usual
 * @stream: of the first members; the others run the last one's
 * @table: number of the side table, or GUEST_ANYWHERE | offset in the arena
 */
struct guest_job {
	uint64_t id;
	uint16_t ctx;
	uint8_t cores;
	uint8_t flags;
	uint32_t table;
	uint64_t region[GUEST_JOB_REGIONS];
	struct {
		uint32_t at; /* from GUEST_VA on */
		uint32_t size;
	} stream[GUEST_JOB_STREAMS];
};

#define GUEST_ANYWHERE (1u << 31)

/** guest_step_at() - the step at @at; NULL where there is none, or it is not whole */
static inline const struct guest_step *guest_step_at(const uint8_t *data, size_t size, size_t at)
{
	const struct guest_step *s = (const void *)(data + at);

	if (at + sizeof(*s) > size || s->bytes % GUEST_ALIGN || s->bytes > size - at - sizeof(*s))
		return NULL;
	return s;
}

/* ---- The arena ------------------------------------------------------------------------------- */

#define GUEST_BUS  UINT64_C(0x40000000)	/* where it is; a large page may begin here */
#define GUEST_SIZE (128u << 10)
#define GUEST_LMEM (2u << 20)

#define GUEST_PAGE(n)	 ((n) * 4096u)
#define GUEST_CTXS	 GUEST_PAGE(1)
#define GUEST_CTX_COUNT	 8u	/* 0, 1: good, of the same tables; the others are wrong in some way */
#define GUEST_LEVEL(l)	 GUEST_PAGE(5 - (l))	/* tables of levels 3 .. 0 */
#define GUEST_DESC(r)	 (GUEST_PAGE(6) + (r) * 1024u)
#define GUEST_CPL(r)	 (GUEST_PAGE(7) + (r) * 512u)
#define GUEST_TAIL(r)	 (GUEST_PAGE(7) + 2048u + (r) * 64u)
#define GUEST_RING_LOG2	 4u
#define GUEST_TABLE(n)	 (GUEST_PAGE(8) + (n) * 1024u)
#define GUEST_TABLES	 16u	/* the last ones lie in code and data */
#define GUEST_CODE_AT	 GUEST_PAGE(12)
#define GUEST_CODE_SIZE	 GUEST_PAGE(4)
#define GUEST_DATA_AT	 GUEST_PAGE(16)

/* ---- Address spaces: pages from GUEST_VA on -------------------------------------------------- */

#define GUEST_VA UINT64_C(0x7f00000000)

enum guest_page {
	GUEST_RW = 0,	   /* the arena's 32 pages, as they come */
	GUEST_R = 32,
	GUEST_W = 64,
	GUEST_LOCAL = 96,  /* 32 of local memory */
	GUEST_AGAIN = 128, /* the pages of code, over and over */
	GUEST_BAD = 256,   /* each wrong in another way */
	GUEST_LARGE_LOCAL = 512,
	GUEST_LARGE_HOST = 1024,
	GUEST_SELF = 1536, /* a table that is its own leaf's table */
};

#define GUEST_AT(page) (GUEST_VA + (page) * UINT64_C(4096))

/** guest_region() - the usual base of region @r */
uint64_t guest_region(unsigned int r);

/** guest_arena() - memory as a guest finds it; GUEST_SIZE bytes */
void guest_arena(uint8_t *arena);

/* ---- Chance ---------------------------------------------------------------------------------- */

/** struct guest_bytes - a payload, or a whole input, that grows */
struct guest_bytes {
	uint8_t *data;
	size_t size;
	size_t room;
};

/** guest_add() - append @size bytes and zeros up to GUEST_ALIGN; false where there is no room */
bool guest_add(struct guest_bytes *b, const void *data, size_t size);

/** guest_command() - a random command, valid where SPM and ACC are written; returns its size */
size_t guest_command(uint64_t *chance, void *cmd, uint8_t opcode);

/**
 * guest_stream() - random commands after some that write all SPM and ACC they use, in an order that
 * semaphores tell
 */
void guest_stream(uint64_t *chance, struct guest_bytes *b, unsigned int count);

/** guest_chain() - semaphores such that each command of the stream waits for the one before it */
void guest_chain(uint8_t *code, size_t size);

/** guest_job() - a random job that runs @size bytes of code at offset @at of the arena */
void guest_job(uint64_t *chance, struct guest_job *job, uint32_t at, uint32_t size);

/** guest_step() - a random step of kind @op with its payload */
void guest_step(uint64_t *chance, struct guest_bytes *b, unsigned int op);

/** guest_register() - the offset of some register */
uint32_t guest_register(uint64_t *chance);

#endif
