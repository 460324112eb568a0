// SPDX-License-Identifier: MIT
/*
 * Copyright (c) 2026 the npu authors
 *
 * Dumps that are cut off or damaged: whatever is in them, they are told of or refused, and nothing
 * outside of them is read (ASan).
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "../seed.h"
#include "command.h"
#include "dump.h"

#define DUMP	  "tests/npuctl/dumps/fault.dump"
#define MUTATIONS 3000

static uint8_t *good;
static size_t good_size;
static char path[] = "/tmp/npuctl-dump-XXXXXX";
static FILE *nowhere;
static int saved_stderr;

/* xorshift64 */
static uint64_t seed_next(uint64_t *x)
{
	*x ^= *x << 13;
	*x ^= *x >> 7;
	*x ^= *x << 17;
	return *x;
}

static int setup(void **state)
{
	FILE *f = fopen(DUMP, "re");
	int fd = mkstemp(path), null = open("/dev/null", O_WRONLY);

	(void)state;
	assert_non_null(f);
	assert_true(fd >= 0 && null >= 0);
	close(fd);
	good = malloc(1 << 20);
	good_size = fread(good, 1, 1 << 20, f);
	fclose(f);
	nowhere = fopen("/dev/null", "we");
	assert_non_null(nowhere);
	/* What is wrong with them is said thousands of times. */
	saved_stderr = dup(STDERR_FILENO);
	dup2(null, STDERR_FILENO);
	close(null);
	return 0;
}

static int teardown(void **state)
{
	(void)state;
	dup2(saved_stderr, STDERR_FILENO);
	unlink(path);
	free(good);
	fclose(nowhere);
	return 0;
}

/* Returns whether it was taken. */
static bool tell(const uint8_t *bytes, size_t size)
{
	FILE *f = fopen(path, "we");
	struct dump d;
	int r;

	assert_non_null(f);
	assert_int_equal(fwrite(bytes, 1, size, f), size);
	assert_int_equal(fclose(f), 0);
	r = dump_read(&d, path);
	if (!r) {
		dump_text(nowhere, &d, true);
		json_decref(dump_json(&d));
	}
	dump_free(&d);
	return !r;
}

static void test_whole(void **state)
{
	(void)state;
	assert_true(tell(good, good_size));
}

static void test_cut_off(void **state)
{
	(void)state;
	for (size_t size = 0; size < good_size; size += size < 512 ? 1 : 97)
		assert_false(tell(good, size));
}

/* Cut off, with a header that says so: sections lie outside. */
static void test_shortened(void **state)
{
	uint8_t *bytes = malloc(good_size);
	struct npu_dump_header *h = (void *)bytes;

	(void)state;
	memcpy(bytes, good, good_size);
	for (size_t size = sizeof(*h); size < good_size; size += 97) {
		h->size = size;
		assert_false(tell(bytes, size));
	}
	free(bytes);
}

/* Fields that lengths and offsets are made of, and any others. */
static void test_damaged(void **state)
{
	static const uint64_t values[] = {
		0, 1, 7, 0x7fffffff, 0xffffffff, 1ull << 63, UINT64_MAX
	};
	uint64_t seed = test_seed(NULL) | 1;
	uint8_t *bytes = malloc(good_size);
	unsigned int taken = 0;

	(void)state;
	printf("seed %llu\n", (unsigned long long)seed);
	for (unsigned int i = 0; i < MUTATIONS; i++) {
		unsigned int changes = 1 + seed_next(&seed) % 4;

		memcpy(bytes, good, good_size);
		while (changes--) {
			uint64_t r = seed_next(&seed);
			uint64_t v = r & 1 ? seed_next(&seed) : values[r / 2 % 7];
			/* Half of them in the header and the table of sections. */
			size_t at = seed_next(&seed) % (r & 16 ? 700 : good_size - 8);

			memcpy(bytes + at, &v, r & 32 ? 4 : 8);
		}
		taken += tell(bytes, good_size);
	}
	/* A test that only refuses looks at nothing. */
	assert_true(taken > MUTATIONS / 10);
	free(bytes);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_whole),
		cmocka_unit_test(test_cut_off),
		cmocka_unit_test(test_shortened),
		cmocka_unit_test(test_damaged),
	};

	return cmocka_run_group_tests(tests, setup, teardown);
}
