// SPDX-License-Identifier: MIT
/*
 * Copyright (c) 2026 the npu authors
 *
 * The self-test of all local memory that is free: everything is written before anything is read, so
 * that two addresses which are one place are found, too.
 */
#include "selftest.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "npu/npu.h"

#define CHUNK (16u << 20)

/* struct chunk - a buffer, and the seed of what is in it */
struct chunk {
	struct npu_buffer *buffer;
	size_t size;
	uint64_t seed;
};

static void fill(uint64_t *data, size_t size, uint64_t seed)
{
	for (size_t i = 0; i < size / sizeof(*data); i++)
		data[i] = selftest_random(&seed);
}

/* Takes and fills memory until there is none; returns how many chunks, or -errno. */
static int write_all(struct npu_device *dev, struct chunk *chunks, int max, uint64_t *data,
		     uint64_t *seed)
{
	size_t size = CHUNK;
	int count = 0, r;

	while (count < max) {
		struct chunk *c = &chunks[count];

		r = npu_buffer_create(dev, size, NPU_BUFFER_LOCAL, &c->buffer);
		if (r == -ENOSPC && size > 4096) {
			/* The rest is smaller. */
			size /= 2;
			continue;
		}
		if (r == -ENOSPC)
			break;
		if (r)
			return r;
		c->size = size;
		c->seed = selftest_random(seed);
		count++;
		fill(data, size, c->seed);
		r = npu_buffer_write(c->buffer, 0, data, size);
		if (r)
			return r;
	}
	return count;
}

static int read_all(const struct chunk *chunks, int count, uint64_t *got, uint64_t *want,
		    struct selftest_result *result)
{
	for (int c = 0; c < count; c++) {
		int r = npu_buffer_read(chunks[c].buffer, 0, got, chunks[c].size);

		if (r)
			return r;
		fill(want, chunks[c].size, chunks[c].seed);
		result->cases++;
		result->elements += chunks[c].size / sizeof(*got);
		for (size_t i = 0; i < chunks[c].size / sizeof(*got); i++)
			if (got[i] != want[i] && !result->wrong++)
				snprintf(result->first, sizeof(result->first),
					 "chunk %d: word %zu is %016llx, not %016llx", c, i,
					 (unsigned long long)got[i], (unsigned long long)want[i]);
	}
	return 0;
}

void selftest_sweep(struct npu_device *dev, struct npu_queue *queue,
		    const struct selftest_types *types, uint64_t *seed,
		    struct selftest_result *result)
{
	uint64_t *got = malloc(CHUNK), *want = malloc(CHUNK);
	struct npu_memory_info memory;
	struct chunk *chunks = NULL;
	int max = 0, r = got && want ? npu_device_memory(dev, &memory) : -ENOMEM;

	(void)queue;
	(void)types;
	if (!r) {
		/* One of each smaller size at the end. */
		max = memory.local_free / CHUNK + 16;
		chunks = calloc(max, sizeof(*chunks));
		r = chunks ? write_all(dev, chunks, max, got, seed) : -ENOMEM;
	}
	if (r >= 0)
		r = read_all(chunks, r, got, want, result);
	if (r)
		snprintf(result->error, sizeof(result->error), "%s",
			 r == -ENOMEM ? "out of memory" : npu_error());
	for (int c = 0; c < max && chunks; c++)
		npu_buffer_release(chunks[c].buffer);
	free(chunks);
	free(got);
	free(want);
}
