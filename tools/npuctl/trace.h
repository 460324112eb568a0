/* SPDX-License-Identifier: MIT */
/*
 * Copyright (c) 2026 the npu authors
 *
 * npuctl trace, whose parts are: the kernel's events, recorded (trace_record.c), read and joined to
 * jobs (trace_events.c), made a timeline (trace_jobs.c); a model's commands as a timeline
 * (trace_model.c).
 */
#ifndef NPUCTL_TRACE_H
#define NPUCTL_TRACE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "sample.h"
#include "timeline.h"

/* ---- The kernel's events --------------------------------------------------------------------- */

#define TRACE_COMM 16

/* An event of each kind of npu.ko's (kernel/npu_trace.h). */
enum trace_kind {
	TRACE_SUBMIT, /* npu_job_submit */
	TRACE_RUN, /* npu_job_run: given to a ring */
	TRACE_DONE, /* npu_task_done */
	TRACE_COMMAND, /* npu_ring_command */
	TRACE_RESET, /* npu_reset_ring */
};

/**
 * struct trace_event - one
 * @time: ns of the clock that only goes forward
 * @tid, @pid: thread and process in whose context it happened
 * @comm: the thread's name
 * @queue: number of its fences' context, unlike others'
 * @first, @count: jobs' numbers
 * @ring: of the card's
 * @cycles, @error: how a job ended
 * @command: of the ring (NPU_RING_CMD_*)
 */
struct trace_event {
	int64_t time;
	enum trace_kind kind;
	int tid, pid;
	char comm[TRACE_COMM];
	uint64_t queue, first, cycles;
	uint32_t count, ring, command;
	int error;
};

/**
 * struct trace_events - what was recorded
 * @lost: that the kernel had no room for
 * @unknown: lines of npu's that were not understood
 * @full: there were more than TRACE_MAX_EVENTS
 * @last_tid, @last_pid: a thread whose process was looked up, and that
 */
struct trace_events {
	struct trace_event *events;
	size_t count;
	uint64_t lost, unknown;
	bool full;
	int last_tid, last_pid;
};

#define TRACE_MAX_EVENTS 1000000

/** trace_events_line() - a line of tracefs' "trace" or "trace_pipe", without its end */
void trace_events_line(struct trace_events *t, const char *line);
void trace_events_free(struct trace_events *t);

/** trace_events_sort() - by their time: processors' buffers are read one after the other */
void trace_events_sort(struct trace_events *t);

/**
 * struct trace_job - what a SUBMIT was: one or several jobs, which start and end in order
 * @submitted, @given, @ended: ns, -1: not seen. @given is when it was given to the ring
 * @started: when it was given and the ring's jobs before it had ended; -1: not seen
 * @until: when it had ended, or the ring's next one began; INT64_MAX: not seen
 * @pid, @tid: who submitted it; 0: not seen
 * @done, @failed: of its @count jobs
 * @error: of the first that failed
 */
struct trace_job {
	uint64_t queue, first, cycles;
	uint32_t count, ring, done, failed;
	int64_t submitted, given, started, until, ended;
	int pid, tid, error;
	unsigned int card;
};

/* No card of struct trace_cards. */
#define TRACE_NO_CARD UINT32_MAX

#define TRACE_MAX_CARDS 16

/**
 * struct trace_cards - which card a process' jobs are for, as far as its open files tell
 * @pci: addresses of the cards
 * @pid, @card: pairs; a process with several cards has TRACE_NO_CARD
 */
struct trace_cards {
	char pci[TRACE_MAX_CARDS][16], name[TRACE_MAX_CARDS][32];
	unsigned int cards;
	int *pid;
	unsigned int *card;
	size_t count;
};

void trace_cards_free(struct trace_cards *c);

/** trace_cards_see() - learn from a sample */
void trace_cards_see(struct trace_cards *c, const struct sample *sample);

/** struct trace_jobs - in the order in which they were first seen */
struct trace_jobs {
	struct trace_job *jobs;
	size_t count;
};

/** trace_jobs_join() - jobs of sorted events */
void trace_jobs_join(struct trace_jobs *out, const struct trace_events *events,
		     const struct trace_cards *cards);
void trace_jobs_free(struct trace_jobs *j);

/**
 * struct trace_sums - of a recording
 * @submits, @jobs, @failed, @unfinished: counts; jobs of a SUBMIT are counted each
 * @queues, @processes, @rings: that had any
 * @under_way: SUBMITs at most at once
 */
struct trace_sums {
	uint64_t submits, jobs, failed, unfinished;
	unsigned int queues, processes, rings, under_way;
};

/**
 * trace_timeline() - jobs and what recovery did, as tracks, flows and counters
 * @events: sorted
 * @begin, @end: ns of the events' clock
 */
void trace_timeline(struct timeline *t, const struct trace_events *events,
		    const struct trace_jobs *jobs, const struct trace_cards *cards, int64_t begin,
		    int64_t end, struct trace_sums *sums);

/** trace_counters() - what two samples tell of each card, as counters from @now's time on */
void trace_counters(struct timeline *t, const struct trace_cards *cards,
		    const struct sample *before, const struct sample *now, int64_t begin);

/* ---- Recording ------------------------------------------------------------------------------- */

/**
 * struct trace_request - what is to be recorded
 * @seconds: 0: until @argv has ended
 * @interval_ms: between two looks at the cards
 * @argv: a command, ends with NULL; NULL: none
 */
struct trace_request {
	uint32_t seconds, interval_ms;
	char *const *argv;
};

/**
 * struct trace_record - what was
 * @begin, @end: ns of the events' clock
 * @status: of the command, as waitpid() tells it
 * @left: counters were gathered in it as samples came
 */
struct trace_record {
	struct trace_events events;
	struct trace_cards cards;
	int64_t begin, end;
	int status;
	struct timeline counters;
};

/**
 * trace_record() - record; nothing stays behind in the kernel, however this process ends
 *
 * Returns enum npuctl_exit, having said what is wrong. trace_record_free() in any case.
 */
int trace_record(struct trace_record *r, const struct trace_request *request);
void trace_record_free(struct trace_record *r);

/* ---- Models ---------------------------------------------------------------------------------- */

struct npu_caps;
struct npu_image;

/** struct trace_model_sums - of a model's timeline */
struct trace_model_sums {
	uint64_t cycles, commands;
};

/**
 * trace_model() - each engine's commands in modelled time
 * @path: for messages
 *
 * Returns enum npuctl_exit, having said what is wrong.
 */
int trace_model(struct timeline *t, const struct npu_caps *caps, const struct npu_image *image,
		const char *path, struct trace_model_sums *sums);

#endif
