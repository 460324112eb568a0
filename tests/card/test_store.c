// SPDX-License-Identifier: MIT
/*
 * Copyright (c) 2026 the npu authors
 *
 * SPM and ACC against plain memory that is cleared for each job: whatever jobs before have left, a
 * read sees zeros but for what this job has written. Also across a saved state.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "isa.h"
#include "store.h"
#include "unit.h"
#include "wire.h"

#define SIZE (80 * NPU_STORE_BLOCK) /* more than a word of the bitmaps */

static uint8_t model[SIZE];

static uint64_t below(uint64_t n)
{
	return rnd() % n;
}

/* Up to three dimensions, each beyond the end of those below, as the footprint of a command has it. */
static struct npu_access random_access(void)
{
	struct npu_access a = { .run = 1 + below(below(4) ? 100 : 6 * NPU_STORE_BLOCK) };
	uint64_t extent = a.run, dims = below(4);

	if (!below(4))
		a.run = extent = (1 + below(4)) * NPU_STORE_BLOCK;
	for (uint64_t d = 0; d < dims; d++) {
		uint64_t stride = extent + 1 + below(below(2) ? 64 : NPU_STORE_BLOCK);
		uint64_t count = 2 + below(4);

		if ((count - 1) * stride + extent > SIZE)
			break;
		a.stride[a.dims] = (int64_t)stride;
		a.count[a.dims++] = count;
		extent += (count - 1) * stride;
	}
	a.base = (int64_t)below(SIZE - extent + 1);
	if (below(2) && a.base / NPU_STORE_BLOCK * NPU_STORE_BLOCK + extent <= SIZE)
		a.base = a.base / NPU_STORE_BLOCK * NPU_STORE_BLOCK;
	return a;
}

/* The bytes of an access, in order: compared, or written with something that is not zero. */
static void each_run(struct npu_store *s, const struct npu_access *a, bool write)
{
	uint64_t i[3] = { 0 };
	unsigned int d;

	do {
		uint64_t at = (uint64_t)a->base;

		for (d = 0; d < a->dims; d++)
			at += i[d] * (uint64_t)a->stride[d];
		if (write) {
			memset(s->data + at, 1 + (int)below(255), a->run);
			memcpy(model + at, s->data + at, a->run);
		} else {
			assert_memory_equal(s->data + at, model + at, a->run);
		}
		for (d = 0; d < a->dims && ++i[d] == a->count[d]; d++)
			i[d] = 0;
	} while (d < a->dims);
}

static void run_job(struct npu_store *s, uint64_t commands)
{
	while (commands--) {
		struct npu_access a = random_access();

		if (below(2)) {
			npu_store_read(s, &a);
			each_run(s, &a, false);
		} else {
			npu_store_write(s, &a);
			each_run(s, &a, true);
		}
	}
}

static void read_all(struct npu_store *s)
{
	struct npu_access all = { .run = SIZE };

	npu_store_read(s, &all);
	each_run(s, &all, false);
}

static void begin(struct npu_store *s)
{
	npu_store_begin(s);
	memset(model, 0, SIZE);
}

static void jobs_find_zeros(void **state)
{
	struct npu_store s;

	(void)state;
	assert_int_equal(npu_store_init(&s, SIZE), 0);
	for (int job = 0; job < 2000; job++) {
		begin(&s);
		run_job(&s, below(12));
		if (!below(3))
			read_all(&s);
	}
	npu_store_fini(&s);
}

/* ---- Saved state ------------------------------------------------------------------------------ */

struct tape {
	uint8_t bytes[2 * SIZE];
	size_t size, at;
};

static int tape_write(void *opaque, const void *data, size_t len)
{
	struct tape *t = opaque;

	assert_true(t->size + len <= sizeof(t->bytes));
	memcpy(t->bytes + t->size, data, len);
	t->size += len;
	return 0;
}

static int tape_read(void *opaque, void *data, size_t len)
{
	struct tape *t = opaque;

	assert_true(t->at + len <= t->size);
	memcpy(data, t->bytes + t->at, len);
	t->at += len;
	return 0;
}

/* A job goes on in another store, where others have left something as well. */
static void a_job_goes_on_elsewhere(void **state)
{
	struct tape *t = malloc(sizeof(*t));
	struct npu_store s[2];

	(void)state;
	assert_non_null(t);
	for (int i = 0; i < 2; i++)
		assert_int_equal(npu_store_init(&s[i], SIZE), 0);
	for (int round = 0; round < 200; round++) {
		struct npu_wire save = { .write = tape_write, .opaque = t };
		struct npu_wire load = { .loading = true, .read = tape_read, .opaque = t };

		begin(&s[1]);
		run_job(&s[1], 6);
		begin(&s[0]);
		run_job(&s[0], 6);
		t->size = t->at = 0;
		npu_store_wire(&s[0], &save);
		assert_int_equal(npu_wire_flush(&save), 0);
		npu_store_begin(&s[1]);
		npu_store_wire(&s[1], &load);
		assert_int_equal(load.error, 0);
		run_job(&s[1], 6);
		read_all(&s[1]);
	}
	for (int i = 0; i < 2; i++)
		npu_store_fini(&s[i]);
	free(t);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(jobs_find_zeros),
		cmocka_unit_test(a_job_goes_on_elsewhere),
	};

	rnd_seed();
	return cmocka_run_group_tests(tests, NULL, NULL);
}
