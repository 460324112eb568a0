// SPDX-License-Identifier: MIT
/*
 * Copyright (c) 2026 the npu authors
 *
 * npuctl trace: what the jobs of a command or of everybody did, as the driver saw them, or what the
 * engines do for a model, as the card's model of time has it; in a file for Perfetto, and as a
 * picture.
 */
#include <errno.h>
#include <inttypes.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "npu/npu.h"

#include "cards.h"
#include "command.h"
#include "file.h"
#include "model.h"
#include "output.h"
#include "system.h"
#include "trace.h"

#define DEFAULT_OUTPUT "npu-trace.json"

/** struct options - @model: NULL: record */
struct options {
	const char *device, *output, *svg, *model;
	uint32_t seconds, interval_ms;
	char *const *argv;
	bool json;
};

/* ---- Files ----------------------------------------------------------------------------------- */

struct rendering {
	const struct timeline *t;
	const char *about;
};

static void render_json(FILE *f, const void *opaque)
{
	const struct rendering *r = opaque;

	timeline_json(r->t, f, r->about);
}

static void render_svg(FILE *f, const void *opaque)
{
	const struct rendering *r = opaque;

	timeline_svg(r->t, f, r->about);
}

/* The timeline's file is not written if nothing but the picture was asked for. */
static const char *output_of(const struct options *o)
{
	return o->output ? o->output : o->svg ? NULL : DEFAULT_OUTPUT;
}

static int write_files(const struct options *o, struct timeline *t, const char *about)
{
	const struct rendering r = { t, about };
	const char *output = output_of(o);
	int ret = NPUCTL_DONE;

	timeline_sort(t);
	if (output)
		ret = file_write(output, 0, render_json, &r);
	if (!ret && o->svg)
		ret = file_write(o->svg, 0, render_svg, &r);
	return ret;
}

/* Nothing but the timeline goes to stdout if it is there. */
static bool is_quiet(const struct options *o)
{
	return (output_of(o) && !strcmp(output_of(o), "-")) || (o->svg && !strcmp(o->svg, "-"));
}

static void tell_files(const struct options *o)
{
	if (output_of(o))
		printf("%s: open it in https://ui.perfetto.dev\n", output_of(o));
	if (o->svg)
		printf("%s: a picture\n", o->svg);
}

/* ---- Recordings ------------------------------------------------------------------------------ */

/* The card of --device and those who use it alone, as far as that is known. */
static void keep_device(struct trace_record *r, const struct trace_jobs *jobs,
			struct trace_jobs *kept, const char *device)
{
	struct card_list list;
	const struct card *card;

	*kept = *jobs;
	if (!device || r->cards.cards < 2)
		return;
	cards_gather(&list);
	card = card_find(&list, device);
	kept->count = 0;
	for (size_t i = 0; i < jobs->count; i++) {
		unsigned int c = jobs->jobs[i].card;

		if (!card || c == TRACE_NO_CARD || !strcmp(r->cards.pci[c], card->pci))
			kept->jobs[kept->count++] = jobs->jobs[i];
	}
	cards_free(&list);
}

static json_t *command_json(const struct trace_record *r, const struct options *o)
{
	if (!o->argv)
		return json_null();
	return WIFEXITED(r->status) ? json_integer(WEXITSTATUS(r->status)) :
				      json_integer(128 + WTERMSIG(r->status));
}

static int tell_record(const struct options *o, const struct trace_record *r,
		       const struct trace_sums *sums)
{
	double seconds = (r->end - r->begin) / 1e9;

	if (is_quiet(o))
		return NPUCTL_DONE;
	if (o->json)
		return output_json(output_pack(
			"{s:s, s:i, s:s?, s:s?, s:f, s:I, s:I, s:I, s:I, s:i, s:i, s:i, s:i, s:I, "
			"s:I, s:I, s:o}",
			"schema", "npuctl-trace", "version", OUTPUT_VERSION, "output", output_of(o),
			"svg", o->svg, "seconds", seconds, "submissions", (json_int_t)sums->submits,
			"jobs", (json_int_t)sums->jobs, "failed", (json_int_t)sums->failed,
			"unfinished", (json_int_t)sums->unfinished, "queues", (int)sums->queues,
			"processes", (int)sums->processes, "rings", (int)sums->rings,
			"under_way_most", (int)sums->under_way, "events",
			(json_int_t)r->events.count, "lost_events", (json_int_t)r->events.lost,
			"unknown_events", (json_int_t)r->events.unknown, "command",
			command_json(r, o)));
	printf("%.3f s: %" PRIu64 " jobs in %" PRIu64 " submissions to %u queues of %u processes, "
	       "%" PRIu64 " failed, %" PRIu64 " unfinished; %u rings, at most %u jobs under way\n",
	       seconds, sums->jobs, sums->submits, sums->queues, sums->processes, sums->failed,
	       sums->unfinished, sums->rings, sums->under_way);
	tell_files(o);
	return NPUCTL_DONE;
}

/* What is missing in the recording, and how the command ended. */
static int judge_record(const struct options *o, const struct trace_record *r)
{
	if (r->events.lost)
		complain(0, "%" PRIu64 " events came too fast and are lost", r->events.lost);
	if (r->events.unknown)
		complain(0, "%" PRIu64 " events of the kernel's were not understood",
			 r->events.unknown);
	if (r->events.full)
		complain(0, "recording ended after %d events", TRACE_MAX_EVENTS);
	if (o->argv && WIFSIGNALED(r->status))
		return complain(NPUCTL_FAILED, "%s was ended by signal %d (%s)", o->argv[0],
				WTERMSIG(r->status), strsignal(WTERMSIG(r->status)));
	if (o->argv && WEXITSTATUS(r->status))
		return complain(NPUCTL_FAILED, "%s ended with %d", o->argv[0],
				WEXITSTATUS(r->status));
	return NPUCTL_DONE;
}

static int show_record(const struct options *o, struct trace_record *r)
{
	struct timeline *t = &r->counters;
	struct trace_jobs jobs, kept;
	struct trace_sums sums;
	int ret, verdict;

	trace_jobs_join(&jobs, &r->events, &r->cards);
	keep_device(r, &jobs, &kept, o->device);
	trace_timeline(t, &r->events, &kept, &r->cards, r->begin, r->end, &sums);
	ret = write_files(o, t, "npuctl trace: jobs as the driver saw them");
	if (!ret)
		ret = tell_record(o, r, &sums);
	verdict = judge_record(o, r);
	trace_jobs_free(&jobs);
	return ret ? ret : verdict;
}

/* There is a card with its driver, and the one that was asked for. */
static int check_cards(const char *device)
{
	struct card_list list;
	const struct card *card = NULL;
	int r = NPUCTL_DONE;

	cards_gather(&list);
	for (size_t i = 0; i < list.count && !card; i++)
		if (list.cards[i].node[0])
			card = &list.cards[i];
	if (device)
		card = card_find(&list, device);
	if (!card || !card->node[0])
		r = device_advice(&list, device, -ENODEV, "");
	cards_free(&list);
	return r;
}

static int record(const struct options *o)
{
	const struct trace_request request = {
		.seconds = o->seconds,
		.interval_ms = o->interval_ms,
		.argv = o->argv,
	};
	struct trace_record r;
	int ret = check_cards(o->device);

	if (ret)
		return ret;
	ret = trace_record(&r, &request);
	if (!ret)
		ret = show_record(o, &r);
	trace_record_free(&r);
	return ret;
}

/* ---- Models ---------------------------------------------------------------------------------- */

static int tell_model(const struct options *o, const char *device, const struct npu_caps *caps,
		      const struct trace_model_sums *sums)
{
	double us = sums->cycles * 1e3 / caps->clock_khz;

	if (is_quiet(o))
		return NPUCTL_DONE;
	if (o->json)
		return output_json(
			output_pack("{s:s, s:i, s:s?, s:s?, s:s, s:s, s:I, s:I, s:f}", "schema",
				    "npuctl-trace-model", "version", OUTPUT_VERSION, "output",
				    output_of(o), "svg", o->svg, "device", device, "model",
				    output_name(o->model), "cycles", (json_int_t)sums->cycles,
				    "commands", (json_int_t)sums->commands, "card_us", us));
	printf("modelled: %" PRIu64 " commands in %" PRIu64 " cycles, %.1f us on %s\n",
	       sums->commands, sums->cycles, us, device);
	tell_files(o);
	return NPUCTL_DONE;
}

static int model(const struct options *o)
{
	struct npu_device *dev = NULL;
	struct trace_model_sums sums;
	struct timeline t = { 0 };
	struct model m;
	char about[PATH_MAX + 64];
	int r = model_read(&m, o->model);

	if (!r)
		r = model_device(&dev, o->device, &m.image);
	if (!r)
		r = trace_model(&t, npu_device_caps(dev), &m.image, o->model, &sums);
	if (!r) {
		snprintf(about, sizeof(about), "npuctl trace: %s, modelled", o->model);
		r = write_files(o, &t, about);
	}
	if (!r)
		r = tell_model(o, npu_device_name(dev), npu_device_caps(dev), &sums);
	timeline_clear(&t);
	model_free(&m);
	npu_close(dev);
	return r;
}

/* ---- The command ----------------------------------------------------------------------------- */

/* Takes what follows "--" from the words: it is not ours. */
static char *const *cut_command(int *argc, char **argv)
{
	for (int i = 1; i < *argc; i++) {
		if (strcmp(argv[i], "--"))
			continue;
		*argc = i;
		/* main()'s array ends with NULL, and getopt() does not look there any more. */
		argv[i] = NULL;
		return argv + i + 1;
	}
	return NULL;
}

static int check_words(const struct command *self, const struct options *o)
{
	const char *device = o->device ? o->device : getenv("NPU_DEVICE");

	if (o->output && o->svg && !strcmp(o->output, "-") && !strcmp(o->svg, "-"))
		return complain_usage(self, "two files do not go to stdout");
	if (o->json && is_quiet(o))
		return complain_usage(self, "--json and a file do not both go to stdout");
	if (!!o->model + !!o->argv + !!o->seconds != 1)
		return complain_usage(self, "what is to be traced: --seconds, -- and a command, or "
					    "a model");
	if (o->argv && !o->argv[0])
		return complain_usage(self, "which command? None follows --");
	if (!o->model && device && !strncmp(device, "sim:", 4))
		return complain_usage(self,
				      "a simulated card has no driver whose events could be "
				      "recorded; npuctl trace MODEL.npu tells what its engines do");
	if (o->argv && *system_root())
		return complain_usage(self, "a snapshot runs no command");
	return OPTIONS_GO_ON;
}

static int run(const struct command *self, int argc, char **argv)
{
	struct options o = { .interval_ms = 100 };
	const struct option_spec options[] = {
		{ .name = "output",
		  .letter = 'o',
		  .kind = OPTION_STRING,
		  .value = &o.output,
		  .metavar = "FILE",
		  .help = "the timeline; - is stdout (" DEFAULT_OUTPUT ", none with --svg)" },
		{ .name = "svg",
		  .kind = OPTION_STRING,
		  .value = &o.svg,
		  .metavar = "FILE",
		  .help = "draw it as well" },
		{ .name = "seconds",
		  .kind = OPTION_NUMBER,
		  .value = &o.seconds,
		  .metavar = "S",
		  .help = "record so long what everybody does",
		  .min = 1,
		  .max = 3600 },
		{ .name = "interval",
		  .letter = 'i',
		  .kind = OPTION_NUMBER,
		  .value = &o.interval_ms,
		  .metavar = "MS",
		  .help = "milliseconds between two looks at the cards (100)",
		  .min = 10,
		  .max = 3600000 },
		OPTION_DEVICE(&o.device),
		OPTION_JSON(&o.json),
		OPTION_END,
	};
	char **files;
	int count = argc, r;

	o.argv = cut_command(&count, argv);
	r = options_parse(self, options, count, argv, 0, 1, &files);
	if (r != OPTIONS_GO_ON)
		return r;
	o.model = files[0];
	r = check_words(self, &o);
	if (r != OPTIONS_GO_ON)
		return r;
	return o.model ? model(&o) : record(&o);
}

const struct command command_trace = {
	.name = "trace",
	.arguments = "-- COMMAND... | MODEL.npu",
	.summary = "Record jobs, or compute a model's commands, as a timeline",
	.details = "Records, as root, the jobs of all processes while a command runs or for some "
		   "seconds: who submitted them, how\n"
		   "long they waited and ran, on which ring; and how much cards and engines were "
		   "used. Of a model, each engine's\n"
		   "commands in modelled time; nothing is run, no card or right is needed. The "
		   "file is for Perfetto.",
	.example = "sudo npuctl trace -o jobs.json -- npuctl bench matmul\n"
		   "  sudo npuctl trace --seconds 10 --svg jobs.svg\n"
		   "  npuctl trace model.npu -o engines.json",
	.run = run,
};
