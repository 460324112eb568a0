// SPDX-License-Identifier: MIT
/*
 * Copyright (c) 2026 the npu authors
 *
 * npuctl top: who uses the cards, and how they are, live or once.
 */
#include <limits.h>
#include <stdlib.h>
#include <time.h>
#include <unistd.h>

#include "command.h"
#include "output.h"
#include "system.h"
#include "top.h"

/* A snapshot is of one moment; below it, "later" is the same machine at another one. */
static void wait_for(uint32_t interval_ms)
{
	const struct timespec t = { interval_ms / 1000, interval_ms % 1000 * 1000000 };
	char path[PATH_MAX];

	system_path(path, "/later");
	if (!*system_root())
		nanosleep(&t, NULL);
	else if (!access(path, F_OK))
		setenv("NPUCTL_ROOT", path, 1);
}

static int once(uint32_t interval_ms, enum top_order order, bool json)
{
	struct sampler *sampler = sampler_create();
	struct sample before, now;
	struct top_view view;
	int r = NPUCTL_DONE;

	sample_take(sampler, &before);
	wait_for(interval_ms);
	sample_take(sampler, &now);
	top_view_make(&before, &now, order, &view);
	if (json)
		r = output_json(top_json(&view));
	else
		top_text(stdout, &view);
	if (!view.card_count)
		r = complain(NPUCTL_NO_DEVICE,
			     "no NPU card in this machine; npuctl doctor tells more");
	top_view_free(&view);
	sample_free(&before);
	sample_free(&now);
	sampler_free(sampler);
	return r;
}

static int run(const struct command *self, int argc, char **argv)
{
	bool json = false, one = false;
	uint32_t interval_ms = 1000;
	unsigned int order = TOP_BY_USE;
	const struct option_spec options[] = {
		{ .name = "interval",
		  .letter = 'i',
		  .kind = OPTION_NUMBER,
		  .value = &interval_ms,
		  .metavar = "MS",
		  .help = "milliseconds between two looks (1000)",
		  .min = 100,
		  .max = 3600000 },
		{ .name = "sort",
		  .letter = 's',
		  .kind = OPTION_CHOICE,
		  .value = &order,
		  .help = "order of processes (use)",
		  .choices = top_order_names },
		{ .name = "once",
		  .kind = OPTION_SWITCH,
		  .value = &one,
		  .help = "look twice, an interval apart, print that and end" },
		OPTION_JSON(&json),
		OPTION_END,
	};
	int r = options_parse(self, options, argc, argv, 0, 0, NULL);

	if (r != OPTIONS_GO_ON)
		return r;
	if (json && !one)
		return complain_usage(self, "--json is for --once");
	return one ? once(interval_ms, order, json) : top_screen(interval_ms / 1000.0, order);
}

const struct command command_top = {
	.name = "top",
	.arguments = "",
	.summary = "Show live who uses the cards, and how they are",
	.details =
		"Cards with their engines, temperature, power, memory, jobs and errors, cores (key "
		"c), and the processes\n"
		"that have them open. Times are the card's own, of modelled cycles. Counters of "
		"engines want CAP_PERFMON,\n"
		"other users' processes root; memory errors are those told since top was begun.",
	.example = "npuctl top\n"
		   "  npuctl top --once --json",
	.run = run,
};
