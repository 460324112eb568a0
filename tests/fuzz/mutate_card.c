// SPDX-License-Identifier: MIT
/*
 * Copyright (c) 2026 the npu authors
 *
 * Mutations of a hostile guest (guest.h) that leave it one: steps come, go, come twice and change
 * places; fields of steps, jobs and commands change; streams get other commands and other
 * semaphores; two guests become one. What refers to each other is made right again, mostly. One in
 * sixteen stays blind.
 */
#include <stdlib.h>
#include <string.h>

#include "../card/gen.h"
#include "fuzz.h"
#include "guest.h"

#define MAX_STEPS   256u
#define MAX_CHANGES 4u

/* ---- Bytes ----------------------------------------------------------------------------------- */

/* @count bytes at @at become @size others; false where there is no room. */
static bool splice(struct guest_bytes *b, size_t at, size_t count, const void *from, size_t size)
{
	if (b->size - count + size > b->room)
		return false;
	memmove(b->data + at + size, b->data + at + count, b->size - at - count);
	if (size)
		memcpy(b->data + at, from, size);
	b->size += size - count;
	return true;
}

/* A field of 1, 2, 4 or 8 bytes, aligned, of the @span bytes at @at. */
static void change_field(uint64_t *chance, uint8_t *at, size_t span)
{
	size_t width = 1u << fuzz_chance(chance, 4), place;
	uint64_t v = 0;

	if (span < width)
		return;
	place = fuzz_chance(chance, (uint32_t)(span / width)) * width;
	memcpy(&v, at + place, width);
	switch (fuzz_chance(chance, 5)) {
	case 0:
		v ^= 1ull << fuzz_chance(chance, (uint32_t)width * 8);
		break;
	case 1:
		v += fuzz_chance(chance, 33) - 16ull;
		break;
	case 2: /* another field's */
		memcpy(&v, at + fuzz_chance(chance, (uint32_t)(span / width)) * width, width);
		break;
	case 3:
		v = fuzz_chance(chance, 9);
		break;
	default:
		v = (uint64_t)fuzz_number(chance);
	}
	memcpy(at + place, &v, width);
}

/* ---- Streams --------------------------------------------------------------------------------- */

/* Some command of the code; its size, 0: none. */
static size_t find_command(uint64_t *chance, const uint8_t *code, size_t size, size_t *at)
{
	size_t here, n, found = 0, count = 0;
	struct npu_cmd cmd;

	for (here = 0; here + sizeof(cmd) <= size; here += n) {
		memcpy(&cmd, code + here, sizeof(cmd));
		n = npu_isa_size(cmd.opcode);
		if (!n || n > size - here)
			n = sizeof(cmd);
		if (!fuzz_chance(chance, (uint32_t)++count)) {
			*at = here;
			found = n;
		}
	}
	return found;
}

/* The payload at @at, of @size bytes: one more, one less, another, in other order. */
static size_t change_code(uint64_t *chance, struct guest_bytes *b, size_t at, size_t size)
{
	uint8_t cmd[512], copy[512];
	size_t from = 0, to = 0, n, have;

	have = find_command(chance, b->data + at, size, &from);
	n = find_command(chance, b->data + at, size, &to);
	switch (fuzz_chance(chance, 8)) {
	case 0:
		if (have && splice(b, at + from, have, NULL, 0))
			size -= have;
		break;
	case 1:
		memcpy(copy, b->data + at + from, have);
		if (have && splice(b, at + to, 0, copy, have))
			size += have;
		break;
	case 2:
	case 3:
		have = guest_command(chance, cmd,
				     gen_opcodes[fuzz_chance(chance, gen_opcode_count)]);
		if (splice(b, at + to, 0, cmd, have))
			size += have;
		break;
	case 4:
		memset(cmd, 0, sizeof(struct npu_cmd));
		memset(cmd + offsetof(struct npu_cmd, wait), NPU_SEM_NONE, 2 * NPU_CMD_SEMS);
		cmd[0] = fuzz_chance(chance, 8) ? NPU_OP_BARRIER : NPU_OP_HANG;
		cmd[2] = sizeof(struct npu_cmd);
		if (splice(b, at + to, 0, cmd, sizeof(struct npu_cmd)))
			size += sizeof(struct npu_cmd);
		break;
	default:
		if (n)
			change_field(chance, b->data + at + to, n);
		/* Not the header, twice out of three times. */
		if (n > sizeof(struct npu_cmd) && fuzz_chance(chance, 3))
			change_field(chance, b->data + at + to + sizeof(struct npu_cmd),
				     n - sizeof(struct npu_cmd));
	}
	if (fuzz_chance(chance, 4))
		guest_chain(b->data + at, size);
	return size;
}

/* ---- Steps ----------------------------------------------------------------------------------- */

/* Where steps begin, and where the last one ends. */
static unsigned int find_steps(const struct guest_bytes *b, size_t *at)
{
	const struct guest_step *s;
	unsigned int n = 0;

	at[0] = sizeof(struct guest_head);
	while (n < MAX_STEPS && (s = guest_step_at(b->data, b->size, at[n]))) {
		at[n + 1] = at[n] + sizeof(*s) + s->bytes;
		n++;
	}
	return n;
}

static void change_step(uint64_t *chance, struct guest_bytes *b, size_t at)
{
	struct guest_step *s = (void *)(b->data + at);
	size_t size;

	switch (fuzz_chance(chance, s->op == GUEST_CODE ? 16 : 4)) {
	case 0:
		s->flags ^= GUEST_RACE;
		break;
	case 1:
		change_field(chance, &s->a, 3);
		break;
	case 2:
		change_field(chance, (uint8_t *)&s->x, sizeof(s->x));
		break;
	default:
		if (s->op == GUEST_CODE) {
			size = change_code(chance, b, at + sizeof(*s), s->bytes);
			((struct guest_step *)(void *)(b->data + at))->bytes = (uint32_t)size;
		} else if (s->bytes) {
			change_field(chance, b->data + at + sizeof(*s), s->bytes);
		} else {
			s->op = (uint8_t)fuzz_chance(chance, GUEST_OPS);
		}
	}
}

/* Jobs that run a stream which begins where code was put run all of it. */
static void fit_jobs(uint64_t *chance, struct guest_bytes *b)
{
	uint32_t where[16] = { 0 }, bytes[16] = { 0 };
	const struct guest_step *s;
	unsigned int n = 0;
	size_t at;

	for (at = sizeof(struct guest_head); (s = guest_step_at(b->data, b->size, at));
	     at += sizeof(*s) + s->bytes) {
		struct guest_job *job = (void *)(b->data + at + sizeof(*s));

		if (s->op == GUEST_CODE) {
			where[n % 16] = (uint32_t)s->x;
			bytes[n++ % 16] = s->bytes;
		}
		if (s->op != GUEST_JOB || s->bytes < sizeof(*job) || !fuzz_chance(chance, 16))
			continue;
		for (unsigned int i = 0; i < GUEST_JOB_STREAMS; i++)
			for (unsigned int c = 0; c < 16; c++)
				if (bytes[c] && job->stream[i].at == where[c])
					job->stream[i].size = bytes[c];
	}
}

static void change(uint64_t *chance, struct guest_bytes *b)
{
	static const uint8_t ops[] = {
		GUEST_READ,  GUEST_WRITE,   GUEST_WRITE,  GUEST_MEMORY, GUEST_MEMORY,
		GUEST_CODE,  GUEST_CODE,    GUEST_RING,	  GUEST_JOB,	GUEST_JOB,
		GUEST_JOB,   GUEST_COMMAND, GUEST_RETIRE, GUEST_RESET,	GUEST_INVALIDATE,
		GUEST_BUS,   GUEST_PAUSE,   GUEST_HANG,	  GUEST_REFUSE, GUEST_LINK,
		GUEST_RENEW,
	};
	static size_t at[MAX_STEPS + 1];
	static uint8_t room[8192];
	struct guest_bytes made = { room, 0, sizeof(room) };
	unsigned int n = find_steps(b, at), i, j;
	size_t size;

	i = fuzz_chance(chance, n + 1);
	j = fuzz_chance(chance, n + 1);
	switch (fuzz_chance(chance, 16)) {
	case 0:
		change_field(chance, b->data, 4);
		break;
	case 1:
	case 2:
	case 3:
		guest_step(chance, &made, ops[fuzz_chance(chance, sizeof(ops))]);
		splice(b, at[i], 0, made.data, made.size);
		break;
	case 4:
		if (i < n)
			splice(b, at[i], at[i + 1] - at[i], NULL, 0);
		break;
	case 5: /* the same again, elsewhere */
		size = i < n ? at[i + 1] - at[i] : 0;
		if (size && size <= made.room) {
			memcpy(made.data, b->data + at[i], size);
			splice(b, at[j], 0, made.data, size);
		}
		break;
	case 6: /* what follows goes */
		if (i < n && n > 4 && !fuzz_chance(chance, 4))
			splice(b, at[i], b->size - at[i], NULL, 0);
		break;
	default:
		if (i < n)
			change_step(chance, b, at[i]);
	}
}

size_t LLVMFuzzerCustomMutator(uint8_t *data, size_t size, size_t max_size, unsigned int seed)
{
	struct guest_bytes b = { data, size, max_size };
	uint64_t chance = seed * 0x9e3779b97f4a7c15ull;
	unsigned int n;

	if (size < sizeof(struct guest_head) || !fuzz_chance(&chance, 16))
		return LLVMFuzzerMutate(data, size, max_size);
	for (n = 1 + fuzz_chance(&chance, MAX_CHANGES); n; n--)
		change(&chance, &b);
	fit_jobs(&chance, &b);
	return b.size;
}

size_t LLVMFuzzerCustomCrossOver(const uint8_t *data1, size_t size1, const uint8_t *data2,
				 size_t size2, uint8_t *out, size_t max_size, unsigned int seed)
{
	static size_t at[MAX_STEPS + 1];
	struct guest_bytes a = { (uint8_t *)data1, size1, size1 };
	struct guest_bytes c = { (uint8_t *)data2, size2, size2 };
	struct guest_bytes b = { out, 0, max_size };
	uint64_t chance = seed * 0x9e3779b97f4a7c15ull;
	unsigned int n, i;

	if (size1 < sizeof(struct guest_head) || size2 < sizeof(struct guest_head))
		return 0;
	/* The first steps of the one, then the last ones of the other. */
	n = find_steps(&a, at);
	guest_add(&b, data1, at[fuzz_chance(&chance, n + 1)]);
	n = find_steps(&c, at);
	for (i = fuzz_chance(&chance, n + 1); i < n; i++)
		if (!guest_add(&b, data2 + at[i], at[i + 1] - at[i]))
			break;
	fit_jobs(&chance, &b);
	return b.size;
}
