// SPDX-License-Identifier: MIT
/*
 * Copyright (c) 2026 the npu authors
 *
 * npuctl test: does the card compute what it should? One row a test, and a verdict.
 */
#include <inttypes.h>
#include <pthread.h>
#include <string.h>
#include <time.h>

#include "npu/npu.h"

#include "cards.h"
#include "command.h"
#include "output.h"
#include "selftest.h"

static const struct selftest memory = { "memory", selftest_memory };
static const struct selftest sweep = { "all local memory", selftest_sweep };
static const struct selftest operations[] = {
	{ "matmul", selftest_matmul },
	{ "conv2d", selftest_conv },
};

#define OPERATIONS   (sizeof(operations) / sizeof(*operations))
#define MAX_ROWS     64
#define FULL_ROUNDS  8
#define STRESS_TASKS 4

enum level { LEVEL_QUICK, LEVEL_FULL, LEVEL_STRESS };

static const char *const levels[] = { "quick", "full", "stress", NULL };

struct row {
	const struct selftest *test;
	const struct selftest_types *types; /* NULL: of none */
	struct selftest_result result;
};

struct report {
	struct row rows[MAX_ROWS];
	size_t count, failed;
	const char *device;
	uint32_t seed;
	enum level level;
	unsigned int tasks;
	uint64_t rounds;
};

/** struct task - a thread of a stress test, with rows of its own */
struct task {
	pthread_t thread;
	struct npu_device *dev;
	struct report report;
	uint64_t seed;
	double end_s;
};

static bool passed(const struct row *row)
{
	return row->result.cases && !row->result.wrong && !row->result.error[0];
}

static void add_row(struct report *report, const struct selftest *test,
		    const struct selftest_types *types)
{
	if (report->count < MAX_ROWS)
		report->rows[report->count++] = (struct row){ .test = test, .types = types };
}

static void lay_out(struct report *report)
{
	add_row(report, &memory, NULL);
	for (size_t o = 0; o < OPERATIONS; o++)
		for (size_t t = 0; t < selftest_type_count; t++)
			add_row(report, &operations[o], &selftest_types[t]);
}

/* A queue of its own each: a failed job bans it. What could not go on is not begun again. */
static void run_row(struct npu_device *dev, struct row *row, uint64_t *seed)
{
	struct npu_queue *queue;

	if (row->result.error[0])
		return;
	if (npu_queue_create(dev, NULL, &queue)) {
		snprintf(row->result.error, sizeof(row->result.error), "%s", npu_error());
		return;
	}
	row->test->run(dev, queue, row->types, seed, &row->result);
	npu_queue_release(queue);
}

static void run_round(struct npu_device *dev, struct report *report, uint64_t *seed)
{
	for (size_t i = 0; i < report->count; i++)
		run_row(dev, &report->rows[i], seed);
	report->rounds++;
}

static double now_s(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return t.tv_sec + t.tv_nsec * 1e-9;
}

static void *stress(void *arg)
{
	struct task *task = arg;

	do
		run_round(task->dev, &task->report, &task->seed);
	while (now_s() < task->end_s);
	return NULL;
}

static void merge(struct report *into, const struct report *from)
{
	into->rounds += from->rounds;
	for (size_t i = 0; i < into->count; i++) {
		struct selftest_result *a = &into->rows[i].result;
		const struct selftest_result *b = &from->rows[i].result;

		a->cases += b->cases;
		a->elements += b->elements;
		a->wrong += b->wrong;
		a->cycles += b->cycles;
		if (!a->error[0])
			memcpy(a->error, b->error, sizeof(a->error));
		if (!a->first[0])
			memcpy(a->first, b->first, sizeof(a->first));
	}
}

/* All tests at once in a few threads, for a while: they share cores, rings and local memory. */
static int run_stress(struct npu_device *dev, struct report *report, uint32_t seconds)
{
	static struct task tasks[STRESS_TASKS];
	int r = NPUCTL_DONE;

	for (unsigned int i = 0; i < STRESS_TASKS; i++) {
		tasks[i] = (struct task){ .dev = dev,
					  .report = *report,
					  .seed = report->seed + i * 0x100000000ull,
					  .end_s = now_s() + seconds };
		if (pthread_create(&tasks[i].thread, NULL, stress, &tasks[i])) {
			r = complain(NPUCTL_FAILED, "cannot start a thread");
			break;
		}
		report->tasks++;
	}
	for (unsigned int i = 0; i < report->tasks; i++) {
		pthread_join(tasks[i].thread, NULL);
		merge(report, &tasks[i].report);
	}
	return r;
}

static int run_level(struct npu_device *dev, struct report *report, uint32_t seconds)
{
	uint64_t seed = report->seed;

	lay_out(report);
	if (report->level == LEVEL_STRESS)
		return run_stress(dev, report, seconds);
	report->tasks = 1;
	do
		run_round(dev, report, &seed);
	while (report->level == LEVEL_FULL && report->rounds < FULL_ROUNDS);
	if (report->level == LEVEL_FULL) {
		add_row(report, &sweep, NULL);
		run_row(dev, &report->rows[report->count - 1], &seed);
	}
	return NPUCTL_DONE;
}

static const char *types_name(const struct row *row)
{
	return row->types ? row->types->name : "";
}

static json_t *report_json(const struct report *report)
{
	json_t *doc = output_document("npuctl-test"), *rows = json_array();

	for (size_t i = 0; i < report->count; i++) {
		const struct row *r = &report->rows[i];

		json_array_append_new(
			rows,
			output_pack("{s:s, s:s, s:b, s:I, s:I, s:I, s:I, s:s?, s:s?}", "test",
				    r->test->name, "types", types_name(r), "pass", passed(r),
				    "cases", (json_int_t)r->result.cases, "elements",
				    (json_int_t)r->result.elements, "wrong",
				    (json_int_t)r->result.wrong, "cycles",
				    (json_int_t)r->result.cycles, "error",
				    r->result.error[0] ? r->result.error : NULL, "first_wrong",
				    r->result.first[0] ? r->result.first : NULL));
	}
	json_object_set_new(doc, "device", json_string(report->device));
	json_object_set_new(doc, "seed", json_integer(report->seed));
	json_object_set_new(doc, "level", json_string(levels[report->level]));
	json_object_set_new(doc, "threads", json_integer(report->tasks));
	json_object_set_new(doc, "rounds", json_integer(report->rounds));
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

		table_add(t, "%s|%s|%u|%" PRIu64 "|%" PRIu64 "|%" PRIu64 "|%s%s%s", r->test->name,
			  types_name(r), r->result.cases, r->result.elements, r->result.wrong,
			  r->result.cycles, passed(r) ? good : bad, passed(r) ? "pass" : "FAIL",
			  plain);
	}
	table_print(t, out);
	for (size_t i = 0; i < report->count; i++) {
		const struct row *r = &report->rows[i];

		if (r->result.error[0])
			fprintf(out, "%s, %s: %s\n", r->test->name, types_name(r), r->result.error);
		if (r->result.first[0])
			fprintf(out, "%s, %s: %s\n", r->test->name, types_name(r), r->result.first);
	}
	fprintf(out, "\n%s (seed %" PRIu32 "): %s%s%s\n", report->device, report->seed,
		report->failed ? bad : good, report->failed ? "FAILED" : "all well", plain);
}

static int run(const struct command *self, int argc, char **argv)
{
	static struct report report;
	unsigned int level = LEVEL_QUICK;
	const char *device = NULL;
	uint32_t seconds = 0;
	bool json = false;
	const struct option_spec options[] = {
		OPTION_DEVICE(&device),
		{ .name = "level",
		  .letter = 'l',
		  .kind = OPTION_CHOICE,
		  .value = &level,
		  .help = "how thorough (quick)",
		  .choices = levels },
		{ .name = "seconds",
		  .kind = OPTION_NUMBER,
		  .value = &seconds,
		  .metavar = "S",
		  .help = "of a stress test (30)",
		  .min = 1,
		  .max = 1000000 },
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
	if (seconds && level != LEVEL_STRESS)
		return complain_usage(self, "--seconds is for --level stress");
	r = device_open(&dev, device);
	if (r)
		return r;
	report.device = npu_device_name(dev);
	report.level = level;
	r = run_level(dev, &report, seconds ? seconds : 30);
	for (size_t i = 0; i < report.count; i++)
		report.failed += !passed(&report.rows[i]);
	if (r) {
		npu_close(dev);
		return r;
	}
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
	.details =
		"Each element is compared with a computation in plain C. Exit code 1 if one "
		"differs.\n"
		"full: eight rounds of other numbers, and all local memory that is free, written "
		"and read. stress: all\n"
		"tests in four threads at once, for a while.",
	.example = "npuctl test --device accel0",
	.run = run,
};
