// SPDX-License-Identifier: MIT
/*
 * Copyright (c) 2026 the npu authors
 *
 * See unit.h.
 */
#include "unit.h"

#include <inttypes.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <cmocka.h>

#include "isa.h"

struct unit *start, *want, *got;

static uint64_t rnd_state;

void rnd_seed(void)
{
	const char *text = getenv("NPU_TEST_SEED");
	uint64_t seed = text ? strtoull(text, NULL, 0) : (uint64_t)time(NULL);

	printf("seed: NPU_TEST_SEED=%" PRIu64 "\n", seed);
	rnd_state = seed * UINT64_C(0x9e3779b97f4a7c15) + 1;
}

uint64_t rnd(void)
{
	rnd_state ^= rnd_state >> 12;
	rnd_state ^= rnd_state << 25;
	rnd_state ^= rnd_state >> 27;
	return rnd_state * UINT64_C(0x2545f4914f6cdd1d);
}

int64_t rnd_in(int64_t lo, int64_t hi)
{
	return lo + (int64_t)((rnd() >> 16) % (uint64_t)(hi - lo + 1));
}

bool rnd_one_in(unsigned int n)
{
	return rnd_in(1, n) == 1;
}

void rnd_order(uint8_t *order, int n)
{
	int i;

	for (i = 0; i < n; i++)
		order[i] = (uint8_t)i;
	for (i = n - 1; i > 0; i--) {
		int j = (int)rnd_in(0, i);
		uint8_t t = order[i];

		order[i] = order[j];
		order[j] = t;
	}
}

int type_size(uint8_t type)
{
	return type == NPU_S32 || type == NPU_FP32  ? 4 :
	       type == NPU_BF16 || type == NPU_FP16 ? 2 :
						      1;
}

/* ---- Flat memory ------------------------------------------------------------------------- */

static struct unit *of_mem(struct npu_mem *mem)
{
	return (struct unit *)((char *)mem - offsetof(struct unit, mem));
}

static int get(struct npu_mem *mem, uint64_t va, uint64_t len, enum npu_access_kind access,
	       struct npu_span *span, struct npu_error *err)
{
	struct unit *u = of_mem(mem);
	uint64_t off = va - UNIT_VA;
	uint64_t there;

	u->gets++;
	if (off >= UNIT_MEM || !len) {
		err->status = NPU_JOB_FAULT;
		err->reason = NPU_REASON_NOT_PRESENT;
		err->access = access;
		err->space = NPU_SPACE_MEM;
		err->addr = va;
		return -1;
	}
	if (u->held) {
		fprintf(stderr, "two spans at a time\n");
		abort();
	}
	u->held++;
	there = u->split - (off & (u->split - 1));
	span->ptr = u->bytes + off;
	span->len = len < there ? len : there;
	if (span->len > UNIT_MEM - off)
		span->len = UNIT_MEM - off;
	span->phys = off;
	span->local = true;
	span->access = access;
	/* Local memory lets more than was asked for be reached, as far as the page goes; or not. */
	span->room = span->len;
	if (rnd_one_in(2))
		span->room = there < UNIT_MEM - off ? there : UNIT_MEM - off;
	if (access == NPU_ACCESS_WRITE)
		memcpy(u->before, span->ptr, span->room);
	return 0;
}

static int put(struct npu_mem *mem, struct npu_span *span, struct npu_error *err)
{
	struct unit *u = of_mem(mem);

	(void)err;
	u->held--;
	/* What was written beyond what the span says is lost. */
	if (span->access == NPU_ACCESS_WRITE)
		memcpy(span->ptr + span->len, u->before + span->len, span->room - span->len);
	return 0;
}

static bool stopped(struct npu_mem *mem)
{
	return of_mem(mem)->stop;
}

static const struct npu_mem_ops ops = { get, put, stopped };

/* ---- The engine room --------------------------------------------------------------------- */

static void *need(void *p)
{
	if (!p) {
		perror("test");
		abort();
	}
	return p;
}

struct unit *unit_new(uint32_t spm, uint32_t acc)
{
	struct unit *u = need(calloc(1, sizeof(*u)));
	unsigned int i;

	npu_card_config_default(&u->cfg);
	u->cfg.spm_size = spm;
	u->cfg.acc_size = acc;
	u->mem.ops = &ops;
	u->split = NPU_PAGE_SIZE;
	u->bytes = need(calloc(1, UNIT_MEM));
	u->before = need(calloc(1, UNIT_MEM));
	u->spm = need(aligned_alloc(NPU_EXEC_ALIGN, spm));
	u->acc = need(aligned_alloc(NPU_EXEC_ALIGN, acc));
	memset(u->spm, 0, spm);
	memset(u->acc, 0, acc);
	for (i = 0; i < NPU_MAX_REGIONS; i++)
		u->region[i] = UNIT_VA + i * 4096;
	if (npu_exec_init(&u->e))
		need(NULL);
	u->e.spm = u->spm;
	u->e.acc = u->acc;
	u->e.spm_size = spm;
	u->e.acc_size = acc;
	u->e.region = u->region;
	u->e.mem = &u->mem;
	u->e.error = &u->error;
	return u;
}

void unit_free(struct unit *u)
{
	npu_exec_fini(&u->e);
	free(u->bytes);
	free(u->before);
	free(u->spm);
	free(u->acc);
	free(u);
}

static void random_bytes(uint8_t *p, size_t n)
{
	size_t i;

	for (i = 0; i + 8 <= n; i += 8) {
		uint64_t r = rnd();

		memcpy(p + i, &r, 8);
	}
}

void unit_random(struct unit *u)
{
	random_bytes(u->spm, u->e.spm_size);
	random_bytes(u->acc, u->e.acc_size);
	random_bytes(u->bytes, UNIT_MEM);
}

void unit_copy(struct unit *to, const struct unit *from)
{
	memcpy(to->spm, from->spm, from->e.spm_size);
	memcpy(to->acc, from->acc, from->e.acc_size);
	memcpy(to->bytes, from->bytes, UNIT_MEM);
}

int unit_run(struct unit *u, const void *cmd)
{
	const struct npu_cmd *h = cmd;
	uint64_t copy[128] __attribute__((aligned(16)));
	uint64_t where = 0;
	enum npu_reason reason;
	int ret;

	memcpy(copy, cmd, h->size);
	reason = npu_isa_check(&u->cfg, (const struct npu_cmd *)copy, h->size, &where);
	if (reason != NPU_REASON_NONE) {
		fprintf(stderr, "the command is invalid: reason %d, where %" PRIu64 "\n", reason,
			where);
		abort();
	}
	memset(&u->error, 0, sizeof(u->error));
	ret = npu_exec_command(&u->e, (const struct npu_cmd *)copy);
	if (u->held) {
		fprintf(stderr, "a span was kept\n");
		abort();
	}
	return ret;
}

static bool same(const char *what, const uint8_t *a, const uint8_t *b, size_t n)
{
	size_t i;

	if (!memcmp(a, b, n))
		return true;
	for (i = 0; a[i] == b[i]; i++)
		;
	fprintf(stderr, "%s differs first at %zu: %02x, not %02x\n", what, i, a[i], b[i]);
	return false;
}

bool unit_same(const struct unit *a, const struct unit *b)
{
	return same("SPM", a->spm, b->spm, a->e.spm_size) &&
	       same("ACC", a->acc, b->acc, a->e.acc_size) &&
	       same("memory", a->bytes, b->bytes, UNIT_MEM);
}

bool unit_kernels(unsigned int i)
{
	unsigned int k;

	for (k = 0; k < NPU_KERNELS_COUNT; k++)
		if (!npu_exec_force(k) && !i--)
			return true;
	return false;
}

struct npu_cmd unit_cmd(uint8_t opcode, size_t size)
{
	struct npu_cmd h = { .opcode = opcode, .size = (uint16_t)size };

	memset(h.wait, NPU_SEM_NONE, sizeof(h.wait));
	memset(h.signal, NPU_SEM_NONE, sizeof(h.signal));
	return h;
}

/* ---- Trials ------------------------------------------------------------------------------ */

void unit_setup(uint32_t spm, uint32_t acc)
{
	rnd_seed();
	start = unit_new(spm, acc);
	want = unit_new(spm, acc);
	got = unit_new(spm, acc);
}

void unit_teardown(void)
{
	unit_free(start);
	unit_free(want);
	unit_free(got);
}

void unit_compare(const void *cmd, const char *what)
{
	unsigned int i;

	for (i = 0; unit_kernels(i); i++) {
		unit_copy(got, start);
		assert_int_equal(unit_run(got, cmd), 0);
		if (!unit_same(got, want)) {
			fprintf(stderr, "kernels %u: %s\n", npu_exec_kernels(), what);
			fail();
		}
	}
}

void unit_aborts(const void *cmd)
{
	got->stop = true;
	assert_int_equal(unit_run(got, cmd), -1);
	assert_int_equal(got->error.status, NPU_JOB_ABORTED);
	got->stop = false;
}
