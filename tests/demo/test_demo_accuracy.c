/* SPDX-License-Identifier: MIT */
/* Copyright (c) 2026 the npu authors */
/*
 * The C reference on all test images, against what the training script recorded in the weight
 * file: its count of right answers and a checksum of its 100,000 logits. The script's integer
 * arithmetic is written apart from the reference, in another language. Built without sanitisers,
 * which make it ten times slower and which test_demo_model.c has on the same code.
 *
 * Usage: test_demo_accuracy [WEIGHTS], from the top of the tree.
 */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>

#include <stdio.h>
#include <zlib.h>

#include "tools/demo/idx.h"
#include "tools/demo/reference.h"
#include "tools/demo/weights.h"

static const char *weights_path = "tools/demo/fmnist.npuw";

static void put_u32(uint8_t *p, uint32_t v)
{
	p[0] = v;
	p[1] = v >> 8;
	p[2] = v >> 16;
	p[3] = v >> 24;
}

static void test_reference_agrees_with_training(void **state)
{
	struct npu_demo_weights *net;
	struct npu_demo_dataset set;
	struct npu_demo_error err;
	uint32_t correct = 0, crc = 0;
	size_t elements, i, n;

	(void)state;
	if (npu_demo_weights_load(&net, weights_path, &err))
		fail_msg("%s", err.text);
	if (npu_demo_dataset_load(&set, NULL, &err))
		fail_msg("%s", err.text);
	assert_int_equal(set.count, 10000);
	assert_int_equal(set.count, net->test_images);
	assert_int_equal(set.height, 28);
	assert_int_equal(set.width, 28);
	assert_int_equal(net->in_h, 28);
	assert_int_equal(net->in_w, 28);
	assert_int_equal(net->in_c, 1);
	assert_int_equal(net->classes, NPU_DEMO_CLASSES);
	elements = set.height * set.width;
	for (i = 0; i < set.count; i++) {
		int8_t in[28 * 28];
		int32_t logits[NPU_DEMO_CLASSES];
		uint8_t bytes[4 * NPU_DEMO_CLASSES];

		npu_demo_quantise(net, set.pixels + i * elements, in, elements);
		assert_int_equal(npu_demo_reference_run(net, in, logits), 0);
		correct += npu_demo_argmax(logits, NPU_DEMO_CLASSES) == set.labels[i];
		for (n = 0; n < NPU_DEMO_CLASSES; n++)
			put_u32(bytes + 4 * n, (uint32_t)logits[n]);
		crc = crc32(crc, bytes, sizeof(bytes));
	}
	print_message("%u of %zu test images right\n", correct, set.count);
	assert_true(correct * 100 >= set.count * 90);
	assert_int_equal(correct, net->test_correct);
	assert_int_equal(crc, net->test_logits_crc32);
	npu_demo_dataset_free(&set);
	npu_demo_weights_free(net);
}

int main(int argc, char **argv)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_reference_agrees_with_training),
	};

	if (argc > 1)
		weights_path = argv[1];
	return cmocka_run_group_tests(tests, NULL, NULL);
}
