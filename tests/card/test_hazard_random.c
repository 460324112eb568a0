// SPDX-License-Identifier: MIT
/*
 * Copyright (c) 2026 the npu authors
 *
 * The hazard checker on random streams: it stops at exactly the command at which a reference does
 * that compares each command with all before it, and never in a stream that is right; also when it
 * is saved and another goes on in between.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "hazard_unit.h"
#include "wire.h"

#define COMMANDS 40

struct ref {
	union gen_cmd c;
	struct gen_bytes bytes;
	bool after[COMMANDS]; /* certainly ended before this one starts */
};

static unsigned int engine_of(const struct ref *r)
{
	return npu_isa_engine(r->c.h.opcode);
}

/* Do two commands that nothing orders touch the same granule, or byte of memory, and one writes? */
static bool conflict(const struct ref *a, const struct ref *b)
{
	unsigned int i, j, x, y;

	for (i = 0; i < GEN_SPM; i += NPU_GRANULE) {
		for (x = y = j = 0; j < NPU_GRANULE; j++) {
			x |= a->bytes.spm[i + j];
			y |= b->bytes.spm[i + j];
		}
		if ((x & 2 && y) || (x && y & 2))
			return true;
		for (x = y = j = 0; j < NPU_GRANULE; j++) {
			x |= a->bytes.acc[i + j];
			y |= b->bytes.acc[i + j];
		}
		if ((x & 2 && y) || (x && y & 2))
			return true;
	}
	for (i = 0; i < GEN_MEM; i++) {
		/* The second page is the first again. */
		x = a->bytes.mem[i] | (i < 8192 ? a->bytes.mem[i ^ 4096] : 0);
		y = b->bytes.mem[i] | (i < 8192 ? b->bytes.mem[i ^ 4096] : 0);
		if ((x & 2 && y) || (x && y & 2))
			return true;
	}
	return false;
}

static bool unwritten(const struct ref *r, unsigned int n)
{
	unsigned int i, j;

	for (i = 0; i < GEN_SPM; i++) {
		bool spm = false, acc = false;

		for (j = 0; j < n; j++) {
			spm = spm || r[j].bytes.spm[i] & 2;
			acc = acc || r[j].bytes.acc[i] & 2;
		}
		if ((r[n].bytes.spm[i] & 1 && !spm) || (r[n].bytes.acc[i] & 1 && !acc))
			return true;
	}
	return false;
}

static void random_semaphores(struct gen *g, struct ref *r, unsigned int n,
			      unsigned int (*fifo)[COMMANDS], unsigned int *made,
			      unsigned int *taken, unsigned int miss)
{
	unsigned int e = engine_of(&r[n]), f, w, i, j;

	/* The engine's own, and what they came after. */
	for (i = 0; i < n; i++)
		if (engine_of(&r[i]) == e)
			r[n].after[i] = true;
	for (w = 0, f = gen_below(g, 4); w < NPU_CMD_SEMS; w++, f = (f + 1) % 4) {
		unsigned int s = 4 * f + e;

		/* Take all there is, command by command one: the last one is the one that helps. */
		if (made[s] == taken[s] || f == e || !gen_below(g, miss))
			continue;
		r[n].c.h.wait[w] = (uint8_t)s;
		r[n].after[fifo[s][taken[s]++]] = true;
	}
	for (i = n; i-- > 0;)
		if (r[n].after[i])
			for (j = 0; j < i; j++)
				r[n].after[j] = r[n].after[j] || r[i].after[j];
	for (w = 0, f = gen_below(g, 4); w < NPU_CMD_SEMS; w++, f = (f + 1) % 4) {
		unsigned int s = 4 * e + f;

		/* With one token at most, who waits learns of the latest that was not told. */
		if (f == e || made[s] - taken[s] > 0)
			continue;
		r[n].c.h.signal[w] = (uint8_t)s;
		fifo[s][made[s]++] = n;
	}
}

/* First, with @fixed, all of SPM and then of ACC. */
static void random_command(struct gen *g, union gen_cmd *c, unsigned int n, bool fixed)
{
	if (n >= 2 || !fixed) {
		gen_command(g, c, gen_opcodes[gen_below(g, gen_opcode_count)]);
	} else if (n) {
		hazard_access(c, NPU_ENGINE_MXU, NPU_SPACE_ACC, true, 0, GEN_ACC);
		c->matmul.o.a = c->matmul.o.b = 0;
	} else {
		hazard_access(c, NPU_ENGINE_LOAD, NPU_SPACE_SPM, true, 0, GEN_SPM);
		c->load.fill_mode = NPU_FILL_IMM;
		c->load.pad_hi[0] = GEN_SPM;
	}
}

/* ---- Saving ---------------------------------------------------------------------------------- */

struct saved {
	size_t size;
	size_t at;
	uint8_t data[1 << 20];
};

static int save(void *opaque, const void *data, size_t len)
{
	struct saved *s = opaque;

	assert_true(s->size + len <= sizeof(s->data));
	memcpy(s->data + s->size, data, len);
	s->size += len;
	return 0;
}

static int load(void *opaque, void *data, size_t len)
{
	struct saved *s = opaque;

	assert_true(s->at + len <= s->size);
	memcpy(data, s->data + s->at, len);
	s->at += len;
	return 0;
}

/* Another checker, that knows what @h knew; @h is gone. */
static struct npu_hazard *moved(struct npu_hazard *h, const struct gen *g)
{
	static struct saved s;
	struct npu_wire out = { .write = save, .opaque = &s };
	struct npu_wire in = { .loading = true, .read = load, .opaque = &s };

	s.size = s.at = 0;
	npu_hazard_wire(h, &out, NULL);
	assert_int_equal(npu_wire_flush(&out), 0);
	npu_hazard_free(h);
	h = npu_hazard_new(&g->cfg);
	assert_non_null(h);
	hazard_begin(h, g, 0);
	npu_hazard_wire(h, &in, NULL);
	assert_int_equal(in.error, 0);
	assert_int_equal(s.at, s.size);
	return h;
}

/* ---- Streams --------------------------------------------------------------------------------- */

static void test_random(void **state)
{
	unsigned int i, n, races = 0, unread = 0, clean = 0, longest = 0;
	static struct ref r[COMMANDS];
	struct npu_hazard *h;
	struct gen g;

	(void)state;
	gen_init(&g, gen_seed());
	h = npu_hazard_new(&g.cfg);
	assert_non_null(h);
	for (i = 0; i < 500; i++) {
		unsigned int fifo[16][COMMANDS], made[16] = { 0 }, taken[16] = { 0 },
						 miss = 2 + gen_below(&g, 30);
		unsigned int fixed = gen_below(&g, 4);
		struct npu_error err;
		bool ok = true;

		hazard_begin(h, &g, 0);
		memset(r, 0, sizeof(r));
		for (n = 0; n < COMMANDS && ok; n++) {
			unsigned int tries = gen_below(&g, 30), made_before[16], taken_before[16],
				     j;
			bool race, empty, known = false;

			memcpy(made_before, made, sizeof(made));
			memcpy(taken_before, taken, sizeof(taken));
			/* Mostly commands that nothing is wrong with, so that streams get long. */
			do {
				memset(&r[n], 0, sizeof(r[n]));
				memcpy(made, made_before, sizeof(made));
				memcpy(taken, taken_before, sizeof(taken));
				random_command(&g, &r[n].c, n, fixed);
				r[n].c.h.tag = n;
				random_semaphores(&g, r, n, fifo, made, taken,
						  n < 3 && fixed ? 1000 : miss);
				assert_true(gen_touch(&g, &r[n].c, &r[n].bytes));
				for (race = false, j = 0; j < n; j++)
					race = race || (!r[n].after[j] && conflict(&r[j], &r[n]));
				empty = unwritten(r, n);
			} while ((race || empty) && tries--);
			if (i % 2 && !gen_below(&g, 4))
				h = moved(h, &g);
			ok = npu_hazard_command(h, &r[n].c.h, n * 512, &err);
			if (ok == (race || empty))
				print_error("stream %u, command %u, a %s\n", i, n,
					    npu_isa_name(r[n].c.h.opcode));
			assert_int_equal(ok, !race && !empty);
			if (ok)
				continue;
			assert_int_equal(err.cmd, n * 512);
			assert_int_equal(err.tag, n);
			if (err.reason == NPU_REASON_UNWRITTEN) {
				assert_true(empty);
				unread++;
				continue;
			}
			/* The other one is one of those. */
			for (j = 0; j < n; j++)
				known = known || (j * 512 == err.other_cmd && !r[n].after[j] &&
						  engine_of(&r[j]) == err.other_engine &&
						  conflict(&r[j], &r[n]));
			assert_true(known);
			races++;
		}
		clean += ok;
		longest = n > longest ? n : longest;
	}
	print_message("%u races, %u reads of nothing, %u clean streams, at most %u commands\n",
		      races, unread, clean, longest);
	assert_true(races > 100 && unread > 10 && clean > 50);
	npu_hazard_free(h);
}

/* A chain in which each command waits for the one before, whatever its engine, is never accused. */
static void test_correct(void **state)
{
	struct npu_hazard *h;
	struct npu_error err;
	unsigned int i, n;
	struct gen g;

	(void)state;
	gen_init(&g, gen_seed() + 1);
	h = npu_hazard_new(&g.cfg);
	assert_non_null(h);
	for (i = 0; i < 50; i++) {
		uint32_t offset = 0, last = NPU_SEM_NONE;

		hazard_prepare(h, &g, &offset);
		for (n = 0; n < 300; n++) {
			static union gen_cmd c, next;
			unsigned int e;

			if (!n)
				gen_command(&g, &next,
					    gen_opcodes[gen_below(&g, gen_opcode_count)]);
			c = next;
			e = npu_isa_engine(c.h.opcode);
			gen_command(&g, &next, gen_opcodes[gen_below(&g, gen_opcode_count)]);
			c.h.wait[0] = (uint8_t)last;
			last = n == 299 ? NPU_SEM_NONE : 4 * e + npu_isa_engine(next.h.opcode);
			c.h.signal[0] = (uint8_t)last;
			assert_true(npu_hazard_command(h, &c.h, offset, &err));
			offset += 512;
		}
		assert_true(npu_hazard_end(&h, 1, &err));
	}
	npu_hazard_free(h);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_random),
		cmocka_unit_test(test_correct),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
