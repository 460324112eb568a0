// SPDX-License-Identifier: MIT
/*
 * Copyright (c) 2026 the npu authors
 *
 * Usage: check_trace FILE.json
 *
 * Is a file one of the trace event format, as Perfetto and Chrome take it, and is it whole? Written
 * apart from the writer, after the format's description:
 *
 * - every event has a known phase and that phase's fields, of the right types, and no others;
 * - times and durations are finite numbers from 0 on;
 * - every process and thread that has events has one name;
 * - the slices of a thread are in the order of their beginnings, and each is inside of another or
 *   beside it;
 * - every flow has a start, then maybe steps, then an end, in the order of time, each where its
 *   thread has a slice;
 * - the values of a counter are numbers, of the same series each time, in the order of time.
 *
 * Says what is wrong (1), or counts what is there, a line each (0).
 */
#include <jansson.h>
#include <math.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Times are written in thousandths of a microsecond. */
#define EPSILON 0.0005

struct slice {
	json_int_t pid, tid;
	double start, end;
};

static size_t at; /* number of the event that is looked at */
static size_t wrong;
static json_t *processes, *threads, *flows, *counters; /* by their keys */
static struct slice *slices;
static size_t slice_count, flow_count, point_count;

static void __attribute__((format(printf, 1, 2))) complain(const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	fprintf(stderr, "event %zu: ", at);
	vfprintf(stderr, fmt, ap);
	fputc('\n', stderr);
	va_end(ap);
	if (++wrong == 20)
		exit(1);
}

static double number(const json_t *event, const char *key)
{
	const json_t *v = json_object_get(event, key);
	double value = json_number_value(v);

	if (!json_is_number(v) || !isfinite(value) || value < 0) {
		complain("%s is no number from 0 on", key);
		return 0;
	}
	return value;
}

static json_int_t integer(const json_t *event, const char *key)
{
	const json_t *v = json_object_get(event, key);

	if (!json_is_integer(v))
		complain("%s is no whole number", key);
	return json_integer_value(v);
}

static const char *text(const json_t *event, const char *key)
{
	const char *v = json_string_value(json_object_get(event, key));

	if (!v || !*v)
		complain("%s is no text", key);
	return v ? v : "";
}

/* Has these keys, and those of @may at most. Both end with NULL. */
static void check_keys(const json_t *event, const char *const *must, const char *const *may)
{
	const char *key;
	json_t *value;

	for (const char *const *k = must; *k; k++)
		if (!json_object_get(event, *k))
			complain("no %s", *k);
	json_object_foreach((json_t *)event, key, value)
	{
		bool known = false;

		for (const char *const *k = must; *k; k++)
			known |= !strcmp(*k, key);
		for (const char *const *k = may; *k; k++)
			known |= !strcmp(*k, key);
		if (!known)
			complain("what is %s?", key);
	}
}

static const char *thread_key(json_int_t pid, json_int_t tid)
{
	static char key[64];

	snprintf(key, sizeof(key), "%" JSON_INTEGER_FORMAT " %" JSON_INTEGER_FORMAT, pid, tid);
	return key;
}

/* ---- Names ---- */

static void metadata(const json_t *event)
{
	static const char *const must[] = { "ph", "name", "pid", "args", NULL };
	static const char *const may[] = { "tid", "ts", "cat", NULL };
	const char *name = text(event, "name");
	const json_t *args = json_object_get(event, "args");
	json_int_t pid = integer(event, "pid");
	bool thread = !strncmp(name, "thread_", 7);
	char key[64];

	check_keys(event, must, may);
	snprintf(key, sizeof(key), "%s", thread_key(pid, thread ? integer(event, "tid") : 0));
	if (!strcmp(name, "process_name") || !strcmp(name, "thread_name")) {
		json_t *all = thread ? threads : processes;

		text(args, "name");
		if (json_object_get(all, key))
			complain("%s twice", name);
		json_object_set_new(all, key, json_true());
	} else if (!strcmp(name, "process_sort_index") || !strcmp(name, "thread_sort_index")) {
		integer(args, "sort_index");
	} else {
		complain("metadata \"%s\"", name);
	}
}

static void check_process(json_int_t pid)
{
	if (!json_object_get(processes, thread_key(pid, 0)))
		complain("process %" JSON_INTEGER_FORMAT " has no name", pid);
}

static void check_thread(json_int_t pid, json_int_t tid)
{
	check_process(pid);
	if (!json_object_get(threads, thread_key(pid, tid)))
		complain("thread %s has no name", thread_key(pid, tid));
}

/* ---- Slices ---- */

/* The latest slice of a thread that has not ended at @start; -1: none. */
static ssize_t open_slice(json_int_t pid, json_int_t tid, double start)
{
	for (size_t i = slice_count; i-- > 0;)
		if (slices[i].pid == pid && slices[i].tid == tid && slices[i].end > start + EPSILON)
			return i;
	return -1;
}

static void slice(const json_t *event)
{
	static const char *const must[] = { "ph", "name", "pid", "tid", "ts", "dur", NULL };
	static const char *const may[] = { "cat", "args", NULL };
	struct slice s = {
		.pid = integer(event, "pid"),
		.tid = integer(event, "tid"),
		.start = number(event, "ts"),
	};
	const json_t *args = json_object_get(event, "args");
	ssize_t open;

	check_keys(event, must, may);
	text(event, "name");
	s.end = s.start + number(event, "dur");
	if (args && !json_is_object(args))
		complain("args are no object");
	check_thread(s.pid, s.tid);
	for (size_t i = slice_count; i-- > 0;) {
		if (slices[i].pid != s.pid || slices[i].tid != s.tid)
			continue;
		if (slices[i].start > s.start + EPSILON)
			complain("it begins before the slice before it");
		break;
	}
	open = open_slice(s.pid, s.tid, s.start);
	if (open >= 0 && slices[open].end < s.end - EPSILON)
		complain("it overlaps a slice that ends at %.3f", slices[open].end);
	slices = realloc(slices, (slice_count + 1) * sizeof(*slices));
	if (!slices)
		exit(2);
	slices[slice_count++] = s;
}

/* ---- Flows ---- */

static void flow(const json_t *event, char phase)
{
	static const char *const must[] = { "ph", "name", "cat", "id", "pid", "tid", "ts", NULL };
	static const char *const may[] = { "bp", NULL };
	json_int_t pid = integer(event, "pid"), tid = integer(event, "tid");
	double ts = number(event, "ts");
	char key[64];
	json_t *state;
	bool bound = false;

	check_keys(event, must, may);
	text(event, "name");
	text(event, "cat");
	check_thread(pid, tid);
	snprintf(key, sizeof(key), "%" JSON_INTEGER_FORMAT, integer(event, "id"));
	state = json_object_get(flows, key);
	if (phase == 's' && state)
		complain("flow %s begins twice", key);
	if (phase != 's' && !state)
		complain("flow %s has no beginning", key);
	if (state && json_is_null(json_array_get(state, 1)))
		complain("flow %s goes on after its end", key);
	if (state && json_number_value(json_array_get(state, 0)) > ts + EPSILON)
		complain("flow %s goes back in time", key);
	for (size_t i = 0; i < slice_count && !bound; i++)
		bound = slices[i].pid == pid && slices[i].tid == tid &&
			slices[i].start <= ts + EPSILON && slices[i].end >= ts - EPSILON;
	if (!bound)
		complain("flow %s is where there is no slice", key);
	json_object_set_new(flows, key,
			    json_pack("[f, o]", ts, phase == 'f' ? json_null() : json_true()));
	flow_count += phase == 's';
}

static void check_flows_end(void)
{
	const char *key;
	json_t *state;

	json_object_foreach(flows, key, state)
	{
		if (!json_is_null(json_array_get(state, 1)))
			complain("flow %s has no end", key);
	}
}

/* ---- Counters ---- */

static void counter(const json_t *event)
{
	static const char *const must[] = { "ph", "name", "pid", "ts", "args", NULL };
	static const char *const may[] = { "cat", "tid", NULL };
	const json_t *args = json_object_get(event, "args");
	json_int_t pid = integer(event, "pid");
	double ts = number(event, "ts");
	json_t *before, *value;
	const char *name;
	char key[256];

	check_keys(event, must, may);
	check_process(pid);
	if (!json_is_object(args) || !json_object_size(args))
		complain("a counter without series");
	snprintf(key, sizeof(key), "%" JSON_INTEGER_FORMAT " %s", pid, text(event, "name"));
	before = json_object_get(counters, key);
	if (before && json_number_value(json_object_get(before, " ts")) > ts + EPSILON)
		complain("counter \"%s\" goes back in time", key);
	if (before && json_object_size(before) != json_object_size(args) + 1)
		complain("counter \"%s\" has other series", key);
	json_object_foreach((json_t *)args, name, value)
	{
		if (!json_is_number(value) || !isfinite(json_number_value(value)))
			complain("%s is no number", name);
		if (before && !json_object_get(before, name))
			complain("counter \"%s\" had no series %s", key, name);
	}
	value = json_copy((json_t *)args);
	json_object_set_new(value, " ts", json_real(ts));
	json_object_set_new(counters, key, value);
	point_count++;
}

static void check_event(const json_t *event)
{
	const char *phase = text(event, "ph");

	if (!strcmp(phase, "X"))
		slice(event);
	else if (!strcmp(phase, "C"))
		counter(event);
	else if (!strcmp(phase, "s") || !strcmp(phase, "t") || !strcmp(phase, "f"))
		flow(event, *phase);
	else if (strcmp(phase, "M"))
		complain("phase \"%s\"", phase);
}

int main(int argc, char **argv)
{
	json_error_t error;
	json_t *file, *events, *event;

	if (argc != 2)
		return 2;
	processes = json_object();
	threads = json_object();
	flows = json_object();
	counters = json_object();
	file = json_load_file(argv[1], JSON_REJECT_DUPLICATES, &error);
	if (!file) {
		fprintf(stderr, "%s:%d: %s\n", argv[1], error.line, error.text);
		return 1;
	}
	events = json_object_get(file, "traceEvents");
	if (!json_is_array(events) || !json_array_size(events))
		complain("there are none");
	/* Names may come anywhere. */
	json_array_foreach(events, at, event) if (json_is_object(event) &&
						  !strcmp(text(event, "ph"), "M")) metadata(event);
	json_array_foreach(events, at, event) check_event(event);
	check_flows_end();
	printf("processes %zu\nthreads %zu\nslices %zu\nflows %zu\ncounters %zu\npoints %zu\n",
	       json_object_size(processes), json_object_size(threads), slice_count, flow_count,
	       json_object_size(counters), point_count);
	json_decref(file);
	json_decref(processes);
	json_decref(threads);
	json_decref(flows);
	json_decref(counters);
	free(slices);
	return wrong ? 1 : 0;
}
