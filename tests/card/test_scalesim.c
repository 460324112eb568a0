// SPDX-License-Identifier: MIT
/*
 * Copyright (c) 2026 the npu authors
 *
 * The model of time beside somebody else's: SCALE-Sim v3's cycles of ResNet-50's layers, as products
 * of T x K by K x M, on weight-stationary arrays of 32 x 32 and 64 x 64 with ideal memory
 * (tests/data/scalesim/). A layer here is one MATMUL whose operands are in SPM already, on an array
 * that takes one weight row a cycle and commands at no cost.
 *
 * No array is faster than MACs / (R * C). SCALE-Sim does one tile after another, weights, then T
 * rows, then draining; this card loads a tile's weights behind the one before, so it is never slower.
 * SCALE-Sim's figure is the number of the last cycle, counted from 0 (the "- 1" of its closed form):
 * the duration is one more, and with a single tile there is nothing to hide, so both are equal.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "card.h"
#include "timing.h"

#define LAYERS 54 /* of a table */

struct layer {
	char name[32];
	uint32_t t, k, m;
	uint64_t cycles;
};

static void read_table(uint32_t size, struct layer *layer)
{
	char path[64], line[128];
	unsigned int n = 0;
	FILE *f;

	snprintf(path, sizeof(path), "tests/data/scalesim/resnet50_ws_%ux%u.csv", size, size);
	f = fopen(path, "re");
	if (!f)
		fail_msg("%s is not there: run this from the top of the tree", path);
	assert_non_null(fgets(line, sizeof(line), f));
	assert_string_equal(line, "layer,T,K,M,compute_cycles\n");
	while (n < LAYERS && fgets(line, sizeof(line), f)) {
		struct layer *l = &layer[n++];

		if (sscanf(line, "%31[^,],%u,%u,%u,%lu", l->name, &l->t, &l->k, &l->m,
			   &l->cycles) != 5)
			fail_msg("%s: %s", path, line);
	}
	assert_int_equal(n, LAYERS);
	assert_null(fgets(line, sizeof(line), f));
	fclose(f);
}

static uint64_t cycles_here(uint32_t size, const struct layer *l)
{
	const struct npu_cmd_matmul product = {
		.h = { .opcode = NPU_OP_MATMUL,
		       .size = sizeof(product),
		       .wait = { NPU_SEM_NONE, NPU_SEM_NONE, NPU_SEM_NONE },
		       .signal = { NPU_SEM_NONE, NPU_SEM_NONE, NPU_SEM_NONE } },
		.o = { .a_type = NPU_S8, .b_type = NPU_S8, .b_stride = l->m },
		.m = l->t,
		.n = l->m,
		.k = l->k,
		.a_stride = l->k,
		.acc_stride = 4 * l->m,
	};
	struct npu_time_result result;
	struct npu_card_config cfg;
	struct npu_time *time;

	npu_card_config_default(&cfg);
	cfg.array_rows = cfg.array_cols = size;
	cfg.weight_rows = 1;
	cfg.cmd_cycles = 0;
	time = npu_time_new(&cfg);
	assert_non_null(time);
	npu_time_command(time, &product.h, 0, 0);
	npu_time_end(time, &result);
	npu_time_free(time);
	return result.cycles;
}

static void check_table(uint32_t size)
{
	struct layer layer[LAYERS];
	unsigned int i, equal = 0;

	read_table(size, layer);
	for (i = 0; i < LAYERS; i++) {
		const struct layer *l = &layer[i];
		uint64_t macs = (uint64_t)l->t * l->k * l->m, here = cycles_here(size, l);
		uint64_t tiles = (uint64_t)((l->k + size - 1) / size) * ((l->m + size - 1) / size);

		/* The table is what it is taken for. */
		assert_int_equal(l->cycles, tiles * (3ull * size + l->t - 2) - 1);
		if (here * size * size < macs || here > l->cycles + 1)
			fail_msg("%s on %u x %u: %lu cycles, not between %lu and %lu + 1", l->name,
				 size, size, here, macs / size / size, l->cycles);
		/* As slow only where there is nothing to hide. */
		assert_int_equal(here == l->cycles + 1, tiles == 1 && l->k == size);
		equal += here == l->cycles + 1;
	}
	assert_int_equal(equal, size == 64);
}

static void array_of_32(void **state)
{
	(void)state;
	check_table(32);
}

static void array_of_64(void **state)
{
	(void)state;
	check_table(64);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(array_of_32),
		cmocka_unit_test(array_of_64),
	};

	return cmocka_run_group_tests_name("scalesim", tests, NULL, NULL);
}
