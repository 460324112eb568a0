// SPDX-License-Identifier: MIT
/*
 * Copyright (c) 2026 the npu authors
 *
 * npuctl monitor: what happens to the cards, as it happens; or their figures for Prometheus.
 */
#include <errno.h>
#include <inttypes.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "cards.h"
#include "command.h"
#include "output.h"
#include "prometheus.h"
#include "system.h"
#include "uevent.h"

struct options {
	const char *device, *prometheus;
	uint32_t count, timeout, interval;
	bool json;
};

/* Variables of events that are numbers, by their names in JSON. */
static const struct {
	const char *variable, *key;
} numbers[] = {
	{ "PID", "pid" },   { "QUEUE", "queue" },	  { "JOB", "job" },
	{ "RING", "ring" }, { "CORRECTED", "corrected" }, { "UNCORRECTED", "uncorrected" },
	{ "LOST", "lost" },
};

static const char *kind(const struct uevent *event)
{
	return uevent_get(event, "NPU_EVENT") ?: "wedged";
}

/* Of a process that may be gone. */
static void process_name(int64_t pid, char *text, size_t size)
{
	if (!system_line(text, size, "/proc/%" PRId64 "/comm", pid))
		snprintf(text, size, "?");
}

static int print_json(const struct uevent *event, double time_s)
{
	json_t *doc = output_document("npuctl-event");
	char name[32], pci[16], comm[64];
	int64_t value;
	int r;

	uevent_card(event, name, pci);
	/* A record does not tell when. */
	json_object_set_new(doc, "time_s", time_s ? json_real(time_s) : json_null());
	json_object_set_new(doc, "name", json_string(output_name(name)));
	json_object_set_new(doc, "pci", json_string(output_name(pci)));
	json_object_set_new(doc, "event", json_string(output_name(kind(event))));
	for (size_t i = 0; i < sizeof(numbers) / sizeof(*numbers); i++)
		if (uevent_number(event, numbers[i].variable, &value))
			json_object_set_new(doc, numbers[i].key, json_integer(value));
	if (uevent_number(event, "PID", &value)) {
		process_name(value, comm, sizeof(comm));
		json_object_set_new(doc, "comm", json_string(output_name(comm)));
	}
	if (uevent_get(event, "REASON"))
		json_object_set_new(doc, "reason",
				    json_string(output_name(uevent_get(event, "REASON"))));
	if (uevent_get(event, "STAGE"))
		json_object_set_new(doc, "stage",
				    json_string(output_name(uevent_get(event, "STAGE"))));
	if (uevent_number(event, "THROTTLED", &value))
		json_object_set_new(doc, "throttled", json_boolean(value));
	r = json_dumpf(doc, stdout, JSON_COMPACT | JSON_REAL_PRECISION(16));
	json_decref(doc);
	return r || putchar('\n') == EOF;
}

static int64_t number(const struct uevent *event, const char *key)
{
	int64_t value = 0;

	uevent_number(event, key, &value);
	return value;
}

static void tell_job(const struct uevent *event)
{
	char comm[64];

	process_name(number(event, "PID"), comm, sizeof(comm));
	printf("job %" PRId64 " of queue %" PRId64 " of %s (process %" PRId64
	       ") went wrong: %s; its queue is banned",
	       number(event, "JOB"), number(event, "QUEUE"), output_name(comm),
	       number(event, "PID"), output_name(uevent_get(event, "REASON") ?: "?"));
}

static void tell_reset(const struct uevent *event)
{
	const char *stage = uevent_get(event, "STAGE") ?: "?";

	if (uevent_get(event, "RING"))
		printf("ring %" PRId64 " was reset%s", number(event, "RING"),
		       strcmp(stage, "core") ? "" : ", and the cores that ran its job");
	else if (!strcmp(stage, "link"))
		fputs("the link was reset: local memory is lost", stdout);
	else
		fputs("the card was reset", stdout);
}

static void tell(const struct uevent *event)
{
	const char *what = kind(event);

	if (!strcmp(what, "job"))
		tell_job(event);
	else if (!strcmp(what, "reset"))
		tell_reset(event);
	else if (!strcmp(what, "ecc"))
		printf("memory errors since the last reset: %" PRId64 " corrected, %" PRId64
		       " not corrected",
		       number(event, "CORRECTED"), number(event, "UNCORRECTED"));
	else if (!strcmp(what, "thermal"))
		fputs(number(event, "THROTTLED") ? "too hot: throttled" :
						   "cool again: no longer throttled",
		      stdout);
	else if (!strcmp(what, "wedged"))
		printf("the driver has given the card up; what may help: %s",
		       output_name(uevent_get(event, "WEDGED") ?: "?"));
	else
		printf("event %s", output_name(what));
}

static int print_text(const struct uevent *event, double time_s)
{
	char name[32], pci[16], when[32] = "-";
	time_t seconds = time_s;
	struct tm tm;

	if (time_s && localtime_r(&seconds, &tm))
		strftime(when, sizeof(when), "%F %T", &tm);
	uevent_card(event, name, pci);
	printf("%s  %s  %s  ", when, output_name(name), output_name(pci));
	tell(event);
	if (number(event, "LOST"))
		printf(" (%" PRId64 " like it were not told)", number(event, "LOST"));
	return putchar('\n') == EOF;
}

static double now(clockid_t clock)
{
	struct timespec t;

	clock_gettime(clock, &t);
	return t.tv_sec + t.tv_nsec * 1e-9;
}

static bool asked_for(const struct uevent *event, const char *device)
{
	char name[32], pci[16];

	uevent_card(event, name, pci);
	return !device || !strcmp(device, name) || !strcmp(device, pci);
}

/* Until there are @count of them, or time is over, or a record is at its end. */
static int follow(struct uevent_source *source, const struct options *o)
{
	double end = now(CLOCK_MONOTONIC) + o->timeout;
	struct uevent event;
	uint32_t told = 0;

	while (!o->count || told < o->count) {
		double left = end - now(CLOCK_MONOTONIC);
		double time_s = source->record ? 0 : now(CLOCK_REALTIME);
		int r;

		if (o->timeout && left <= 0)
			break;
		r = uevent_next(source, &event, o->timeout ? (int)(left * 1000) + 1 : -1);
		if (!r && (source->record || o->timeout))
			break;
		if (r == -ENOBUFS) {
			complain(0, "events came faster than they could be read; some are lost");
			continue;
		}
		if (r < 0)
			return complain(NPUCTL_FAILED, "cannot read events: %s", strerror(-r));
		if (!asked_for(&event, o->device))
			continue;
		if (time_s)
			time_s = now(CLOCK_REALTIME);
		if (o->json ? print_json(&event, time_s) : print_text(&event, time_s))
			break;
		/* A pipe's reader is not to wait for a full buffer. */
		if (fflush(stdout))
			break;
		told++;
	}
	return ferror(stdout) ? complain(NPUCTL_FAILED, "cannot write the output") : NPUCTL_DONE;
}

static int monitor_events(const struct options *o)
{
	struct uevent_source source;
	int r = uevent_open(&source);

	if (r)
		return complain(NPUCTL_FAILED, "cannot listen for the kernel's events: %s",
				strerror(-r));
	r = follow(&source, o);
	uevent_close(&source);
	return r;
}

static int monitor_prometheus(const struct options *o)
{
	for (uint32_t n = 1;; n++) {
		int r = NPUCTL_DONE;

		if (strcmp(o->prometheus, "-"))
			r = prometheus_write(o->prometheus);
		else
			prometheus_print(stdout);
		if (r || !o->interval || n == o->count || fflush(stdout))
			return r;
		sleep(o->interval);
	}
}

static int run(const struct command *self, int argc, char **argv)
{
	struct options o = { 0 };
	const struct option_spec options[] = {
		{ .name = "device",
		  .letter = 'd',
		  .kind = OPTION_STRING,
		  .value = &o.device,
		  .metavar = "NAME",
		  .help = "events of this card alone: accel0, a PCI address" },
		{ .name = "count",
		  .letter = 'n',
		  .kind = OPTION_NUMBER,
		  .value = &o.count,
		  .metavar = "N",
		  .help = "end after so many",
		  .min = 1,
		  .max = UINT32_MAX },
		{ .name = "timeout",
		  .kind = OPTION_NUMBER,
		  .value = &o.timeout,
		  .metavar = "S",
		  .help = "end after so many seconds",
		  .min = 1,
		  .max = 1000000 },
		{ .name = "prometheus",
		  .kind = OPTION_STRING,
		  .value = &o.prometheus,
		  .metavar = "FILE",
		  .help = "write figures for node_exporter instead, to FILE or - for stdout" },
		{ .name = "interval",
		  .kind = OPTION_NUMBER,
		  .value = &o.interval,
		  .metavar = "S",
		  .help = "with --prometheus: again every so many seconds (once)",
		  .min = 1,
		  .max = 86400 },
		OPTION_JSON(&o.json),
		OPTION_END,
	};
	int r = options_parse(self, options, argc, argv, 0, 0, NULL);

	if (r != OPTIONS_GO_ON)
		return r;
	if (o.prometheus && (o.json || o.device || o.timeout))
		return complain_usage(self, "--prometheus is of all cards, in a format of its own");
	if (!o.prometheus && o.interval)
		return complain_usage(self, "--interval is for --prometheus");
	return o.prometheus ? monitor_prometheus(&o) : monitor_events(&o);
}

const struct command command_monitor = {
	.name = "monitor",
	.arguments = "",
	.summary = "Tell what happens to the cards, as it happens",
	.details = "Jobs that went wrong, resets, memory errors, throttling, cards given up: the "
		   "driver's uevents, a line\n"
		   "each, with --json an object each. Ends with --count or --timeout, or never. "
		   "--prometheus writes\n"
		   "temperature, power, jobs and so on in the format of node_exporter's textfile "
		   "collector; a FILE is\n"
		   "replaced at once, so that nobody reads half of it.",
	.example = "npuctl monitor --json\n"
		   "  npuctl monitor --prometheus /var/lib/node_exporter/npu.prom --interval 15",
	.run = run,
};
