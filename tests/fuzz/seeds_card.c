// SPDX-License-Identifier: MIT
/*
 * Copyright (c) 2026 the npu authors
 *
 * Usage: seeds_card OUT
 *
 * What fuzzing the card begins with: OUT/card has guests (guest.h) that run streams of each kind of
 * command on cards of each kind, and guests that do each other thing that a guest can, alone and
 * while a job runs.
 */
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#include "../card/gen.h"
#include "fuzz.h"
#include "guest.h"

#define ROOM 8192u

static uint8_t room[ROOM];
static struct guest_bytes out;
static uint64_t chance;

static void begin(unsigned int card, uint8_t flags, unsigned int memory)
{
	struct guest_head head = {
		.card = (uint8_t)card,
		.memory = (uint8_t)(memory % GUEST_MEMORIES),
		.flags = flags,
	};

	out = (struct guest_bytes){ room, 0, ROOM };
	guest_add(&out, &head, sizeof(head));
}

static bool end(const char *dir, const char *name, unsigned int number)
{
	char path[1024];
	FILE *f;
	bool ok;

	snprintf(path, sizeof(path), "%s/card/%s-%u", dir, name, number);
	f = fopen(path, "we");
	ok = f && fwrite(out.data, 1, out.size, f) == out.size;
	if (!f || fclose(f) || !ok) {
		perror(path);
		return false;
	}
	return true;
}

static void add(unsigned int op, unsigned int a, unsigned int b, unsigned int flags, uint64_t x,
		const void *payload, size_t bytes)
{
	struct guest_step s = {
		.op = (uint8_t)op,
		.a = (uint8_t)a,
		.b = (uint8_t)b,
		.flags = (uint8_t)flags,
		.bytes = (uint32_t)((bytes + GUEST_ALIGN - 1) / GUEST_ALIGN * GUEST_ALIGN),
		.x = x,
	};

	guest_add(&out, &s, sizeof(s));
	if (bytes)
		guest_add(&out, payload, bytes);
}

/* A stream in page @page of the code: all of @opcode, or of any. */
static uint32_t add_code(unsigned int page, uint8_t opcode, unsigned int count, bool hang)
{
	static uint8_t code[4096];
	struct guest_bytes b = { code, 0, sizeof(code) };
	uint8_t cmd[512];
	struct npu_cmd last = { .opcode = NPU_OP_HANG, .size = sizeof(last) };

	guest_stream(&chance, &b, opcode ? 0 : count);
	for (; opcode && count; count--)
		guest_add(&b, cmd, guest_command(&chance, cmd, opcode));
	guest_chain(b.data, b.size);
	memset(last.wait, NPU_SEM_NONE, sizeof(last.wait));
	memset(last.signal, NPU_SEM_NONE, sizeof(last.signal));
	if (hang)
		guest_add(&b, &last, sizeof(last));
	add(GUEST_CODE, 0, 0, 0, GUEST_CODE_AT + page * 4096, b.data, b.size);
	return (uint32_t)b.size;
}

static void add_job(unsigned int ring, unsigned int cores, uint64_t id, unsigned int page,
		    uint32_t size, unsigned int flags)
{
	struct guest_job job = {
		.id = id, .cores = (uint8_t)cores, .flags = 1, .table = (uint32_t)id
	};

	for (unsigned int i = 0; i < GUEST_JOB_STREAMS; i++) {
		job.stream[i].at = GUEST_CODE_AT + page * 4096;
		job.stream[i].size = size;
	}
	add(GUEST_JOB, ring, 0, flags, 0, &job, sizeof(job));
}

/* Streams of one kind, of all kinds, on cards with and without the checker. */
static bool streams(const char *dir)
{
	unsigned int n = 0;

	for (unsigned int k = 0; k <= gen_opcode_count; k++) {
		for (unsigned int i = 0; i < 9; i++) {
			uint32_t size;

			begin(i % 2, 0, i);
			size = add_code(0, k < gen_opcode_count ? gen_opcodes[k] : 0, 4, false);
			add_job(0, 1, 1, 0, size, 0);
			size = add_code(1, k < gen_opcode_count ? gen_opcodes[k] : 0, 2, false);
			add_job(0, 1, 2, 1, size, 0);
			if (!end(dir, "stream", n++))
				return false;
		}
	}
	return true;
}

/* Gangs and several rings. */
static bool gangs(const char *dir)
{
	for (unsigned int i = 0; i < 12; i++) {
		unsigned int card = 2 + i % 4, cores = card == 4 ? 3 : 2, rings = card == 3 ? 4 : 2;
		uint32_t size;

		begin(card, 0, i / 4);
		size = add_code(0, 0, 5, false);
		for (unsigned int r = 0; r < rings; r++) {
			add(GUEST_RING, r, 2 + r, 0, r, NULL, 0);
			add_job(r, 1 + (i + r) % cores, r + 1, 0, size, r % 2);
		}
		add_job(0, cores, 9, 0, size, 0);
		if (!end(dir, "gang", i))
			return false;
	}
	return true;
}

/* Each step there is, before a job, while one runs, and while one hangs. */
static bool steps(const char *dir)
{
	unsigned int n = 0;

	for (unsigned int op = 0; op < GUEST_OPS; op++) {
		for (unsigned int i = 0; i < 8; i++) {
			uint32_t size;

			begin(i % GUEST_CARDS, 0, op + i);
			size = add_code(0, 0, 4, i >= 6);
			if (i < 2)
				guest_step(&chance, &out, op);
			add_job(0, 1, 1, 0, size, i >= 2 && i < 6 ? GUEST_RACE : 0);
			guest_step(&chance, &out, op);
			guest_step(&chance, &out, op);
			if (i >= 4)
				add(GUEST_COMMAND, 0, NPU_RING_CMD_ABORT, 0, 1, NULL, 0);
			/* Back to where jobs run. */
			if (op == GUEST_BUS || op == GUEST_PAUSE)
				add(op, op == GUEST_BUS, 0, 0, 0, NULL, 0);
			add_job(0, 1, 2, 0, size, 0);
			if (!end(dir, "step", n++))
				return false;
		}
	}
	return true;
}

/* Every register, read and written; with the widths that are wrong. */
static bool registers(const char *dir)
{
	static const uint16_t blocks[][2] = { { 0, 0x138 },
					      { NPU_CORE_BASE, NPU_CORE_BASE + 0x160 },
					      { NPU_RING_BASE, NPU_RING_BASE + 0x78 } };

	for (unsigned int b = 0; b < 3; b++) {
		begin(0, 0, 0);
		for (uint32_t at = blocks[b][0]; at < blocks[b][1]; at += 4)
			add(GUEST_READ, at % 64 ? 4 : 8, 0, 0, at, NULL, 0);
		if (!end(dir, "read", b))
			return false;
		begin(0, GUEST_BARE, 0);
		for (uint32_t at = blocks[b][0]; at < blocks[b][1]; at += 4)
			add(GUEST_WRITE, at % 64 ? 4 : 2, 0, 0, at | 1ull << 32, NULL, 0);
		if (!end(dir, "write", b))
			return false;
	}
	return true;
}

/* Jobs in a queue, canceled, with structures in the middle of others. */
static bool queues(const char *dir)
{
	for (unsigned int i = 0; i < 8; i++) {
		uint32_t size;

		begin(1 + i % 2, 0, i);
		size = add_code(0, 0, 2, false);
		if (i & 1)
			add(GUEST_RING, 0, 2, 0, 4ull * (GUEST_CODE_AT + 4096u * (i / 2)), NULL, 0);
		add(GUEST_HANG, 0, 0, 0, 0, NULL, 0);
		for (unsigned int j = 1; j < 5; j++)
			add_job(0, 1, j, 0, size, 0);
		add(GUEST_COMMAND, 0, NPU_RING_CMD_CANCEL, 0, 3, NULL, 0);
		add(GUEST_COMMAND, 0, NPU_RING_CMD_CANCEL, 0, 7, NULL, 0);
		if (i & 2)
			add(GUEST_WRITE, 4, 0, 0,
			    (i & 4 ? (uint64_t)NPU_CORE(0) + NPU_CORE_CTRL :
				     (uint64_t)NPU_RING(0) + NPU_RING_CTRL) |
				    (i & 4 ? 1ull : 2ull) << 32,
			    NULL, 0);
		add(GUEST_COMMAND, 0, NPU_RING_CMD_ABORT, 0, 1, NULL, 0);
		add_job(0, 1, 6, 0, size, 0);
		if (!end(dir, "queue", i))
			return false;
	}
	return true;
}

int main(int argc, char **argv)
{
	char path[1024];

	if (argc != 2) {
		fprintf(stderr, "usage: seeds_card OUT\n");
		return 2;
	}
	snprintf(path, sizeof(path), "%s/card", argv[1]);
	mkdir(path, 0777);
	chance = 1;
	return !(streams(argv[1]) && gangs(argv[1]) && steps(argv[1]) && registers(argv[1]) &&
		 queues(argv[1]));
}
