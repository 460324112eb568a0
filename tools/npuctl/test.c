// SPDX-License-Identifier: MIT
/*
 * Copyright (c) 2026 the npu authors
 *
 * npuctl test: does the card compute what it should? One row a test, and a verdict.
 */
#include <inttypes.h>

#include "npu/npu.h"

#include "cards.h"
#include "command.h"
#include "output.h"
#include "selftest.h"

static const struct selftest operations[] = {
	{ "matmul", selftest_matmul },
	{ "conv2d", selftest_conv },
};

#define OPERATIONS (sizeof(operations) / sizeof(*operations))
#define MAX_ROWS   64

struct row {
	const char *test, *types;
	struct selftest_result result;
};

struct report {
	struct row rows[MAX_ROWS];
	size_t count, failed;
	const char *device;
	uint32_t seed;
};

static bool passed(const struct row *row)
{
	return row->result.cases && !row->result.wrong && !row->result.error[0];
}

/* A queue of its own each: a failed job bans it. */
static void run_one(struct npu_device *dev, struct report *report, const struct selftest *test,
		    const struct selftest_types *types, uint64_t *seed)
{
	struct row *row = &report->rows[report->count++];
	struct npu_queue *queue;

	*row = (struct row){ .test = test->name, .types = types ? types->name : "" };
	if (npu_queue_create(dev, NULL, &queue)) {
		snprintf(row->result.error, sizeof(row->result.error), "%s", npu_error());
	} else {
		test->run(dev, queue, types, seed, &row->result);
		npu_queue_release(queue);
	}
	report->failed += !passed(row);
}

static void run_all(struct npu_device *dev, struct report *report)
{
	static const struct selftest memory = { "memory", selftest_memory };
	uint64_t seed = report->seed;

	run_one(dev, report, &memory, NULL, &seed);
	for (size_t o = 0; o < OPERATIONS; o++)
		for (size_t t = 0; t < selftest_type_count && report->count < MAX_ROWS; t++)
			run_one(dev, report, &operations[o], &selftest_types[t], &seed);
}

static json_t *report_json(const struct report *report)
{
	json_t *doc = output_document("npuctl-test"), *rows = json_array();

	for (size_t i = 0; i < report->count; i++) {
		const struct row *r = &report->rows[i];

		json_array_append_new(rows,
				      output_pack("{s:s, s:s, s:b, s:I, s:I, s:I, s:I, s:s?, s:s?}",
						  "test", r->test, "types", r->types, "pass",
						  passed(r), "cases", (json_int_t)r->result.cases,
						  "elements", (json_int_t)r->result.elements,
						  "wrong", (json_int_t)r->result.wrong, "cycles",
						  (json_int_t)r->result.cycles, "error",
						  r->result.error[0] ? r->result.error : NULL,
						  "first_wrong",
						  r->result.first[0] ? r->result.first : NULL));
	}
	json_object_set_new(doc, "device", json_string(report->device));
	json_object_set_new(doc, "seed", json_integer(report->seed));
	json_object_set_new(doc, "pass", json_boolean(!report->failed));
	json_object_set_new(doc, "rows", rows);
	return doc;
}

static void report_text(FILE *out, const struct report *report)
{
	struct table *t = table_create("TEST|TYPES|>CASES|>ELEMENTS|>WRONG|>CYCLES|VERDICT");
	const char *good = output_colour(out, OUTPUT_GOOD), *bad = output_colour(out, OUTPUT_BAD);
	const char *plain = output_colour(out, OUTPUT_PLAIN);

	for (size_t i = 0; i < report->count; i++) {
		const struct row *r = &report->rows[i];

		table_add(t, "%s|%s|%u|%" PRIu64 "|%" PRIu64 "|%" PRIu64 "|%s%s%s", r->test,
			  r->types, r->result.cases, r->result.elements, r->result.wrong,
			  r->result.cycles, passed(r) ? good : bad, passed(r) ? "pass" : "FAIL",
			  plain);
	}
	table_print(t, out);
	for (size_t i = 0; i < report->count; i++) {
		const struct row *r = &report->rows[i];

		if (r->result.error[0])
			fprintf(out, "%s, %s: %s\n", r->test, r->types, r->result.error);
		if (r->result.first[0])
			fprintf(out, "%s, %s: %s\n", r->test, r->types, r->result.first);
	}
	fprintf(out, "\n%s (seed %" PRIu32 "): %s%s%s\n", report->device, report->seed,
		report->failed ? bad : good, report->failed ? "FAILED" : "all well", plain);
}

static int run(const struct command *self, int argc, char **argv)
{
	static struct report report;
	const char *device = NULL;
	bool json = false;
	const struct option_spec options[] = {
		OPTION_DEVICE(&device),
		{ .name = "seed",
		  .kind = OPTION_NUMBER,
		  .value = &report.seed,
		  .metavar = "N",
		  .help = "of the random operands (1)",
		  .max = UINT32_MAX },
		OPTION_JSON(&json),
		OPTION_END,
	};
	struct npu_device *dev;
	int r;

	report = (struct report){ .seed = 1 };
	r = options_parse(self, options, argc, argv, 0, 0, NULL);
	if (r != OPTIONS_GO_ON)
		return r;
	r = device_open(&dev, device);
	if (r)
		return r;
	report.device = npu_device_name(dev);
	run_all(dev, &report);
	if (json)
		r = output_json(report_json(&report));
	else
		report_text(stdout, &report);
	npu_close(dev);
	return report.failed ? NPUCTL_FAILED : r;
}

const struct command command_test = {
	.name = "test",
	.arguments = "",
	.summary = "Test a card: memory, products and convolutions in all types, to the bit",
	.details = "Each element is compared with a computation in plain C. Exit code 1 if one "
		   "differs.",
	.example = "npuctl test --device accel0",
	.run = run,
};
