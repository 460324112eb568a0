// SPDX-License-Identifier: MIT
/*
 * Copyright (c) 2026 the npu authors
 *
 * npu.ko's tracepoints, as tracefs tells them in lines:
 *
 *	npuctl-170  (    170) [001] .....   100.123456: npu_job_submit: queue=9 first=1 count=1
 *
 * A thread's name may have anything in it, so lines are read from their end: an event's own words
 * have no ": ", and what is before them are a time, flags, a processor, maybe the process in
 * parentheses, and the thread's number after the last "-".
 */
#include <ctype.h>
#include <inttypes.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>

#include "command.h"
#include "system.h"
#include "trace.h"

static void *need(void *p)
{
	if (!p)
		exit(complain(NPUCTL_FAILED, "out of memory"));
	return p;
}

/* ---- Lines ----------------------------------------------------------------------------------- */

/* All of the words, and nothing after them. */
#define SCAN(text, count, fmt, ...)                                                     \
	({                                                                              \
		int used_ = -1;                                                         \
		sscanf(text, fmt "%n", __VA_ARGS__, &used_) == (count) && used_ >= 0 && \
			!(text)[used_];                                                 \
	})

static bool read_words(struct trace_event *e, const char *name, const char *words)
{
	unsigned int status, reason;
	uint64_t address, job;
	int result;

	if (!strcmp(name, "npu_job_submit")) {
		e->kind = TRACE_SUBMIT;
		return SCAN(words, 3, "queue=%" SCNu64 " first=%" SCNu64 " count=%" SCNu32,
			    &e->queue, &e->first, &e->count);
	}
	if (!strcmp(name, "npu_job_run")) {
		e->kind = TRACE_RUN;
		return SCAN(words, 4,
			    "queue=%" SCNu64 " first=%" SCNu64 " count=%" SCNu32 " ring=%" SCNu32,
			    &e->queue, &e->first, &e->count, &e->ring);
	}
	if (!strcmp(name, "npu_task_done")) {
		e->kind = TRACE_DONE;
		e->count = 1;
		return SCAN(words, 7,
			    "queue=%" SCNu64 " seqno=%" SCNu64 " cycles=%" SCNu64
			    " error=%d status=%u reason=%u addr=%" SCNx64,
			    &e->queue, &e->first, &e->cycles, &e->error, &status, &reason,
			    &address);
	}
	if (!strcmp(name, "npu_ring_command")) {
		e->kind = TRACE_COMMAND;
		return SCAN(words, 4, "ring=%" SCNu32 " job_id=%" SCNu64 " cmd=%" SCNu32 " ret=%d",
			    &e->ring, &job, &e->command, &result);
	}
	if (!strcmp(name, "npu_reset_ring")) {
		e->kind = TRACE_RESET;
		return SCAN(words, 2, "ring=%" SCNu32 " ret=%d", &e->ring, &result);
	}
	return false;
}

/* The last ": " before @end, which it sets to it; the text after it, or NULL. */
static char *cut_colon(char *text, char **end)
{
	if (*end - text < 2)
		return NULL;
	for (char *c = *end - 2; c >= text; c--) {
		if (c[0] != ':' || c[1] != ' ')
			continue;
		*c = 0;
		*end = c;
		return c + 2;
	}
	return NULL;
}

/* The last word before @end, likewise. */
static char *cut_word(char *text, char **end)
{
	char *c = *end;

	while (c > text && isspace((unsigned char)c[-1]))
		c--;
	*c = 0;
	while (c > text && !isspace((unsigned char)c[-1]))
		c--;
	*end = c;
	return *c ? c : NULL;
}

static bool read_number(const char *text, int64_t *value)
{
	char *end;

	*value = strtoll(text, &end, 10);
	return end != text && !*end && isdigit((unsigned char)*text);
}

/* "100.123456" is seconds and microseconds. */
static bool read_time(struct trace_event *e, const char *text)
{
	uint64_t seconds;
	uint32_t micro;

	if (!SCAN(text, 2, "%" SCNu64 ".%6" SCNu32, &seconds, &micro))
		return false;
	e->time = seconds * INT64_C(1000000000) + micro * INT64_C(1000);
	return true;
}

/*
 * "(    170)" before @end is the process, "(-------)" where the kernel does not know it; it may be
 * missing.
 */
static void cut_process(struct trace_event *e, char *text, char **end)
{
	char *open = *end;
	int64_t pid;

	while (open > text && isspace((unsigned char)open[-1]))
		open--;
	if (open == text || open[-1] != ')')
		return;
	open[-1] = 0;
	open = strrchr(text, '(');
	if (!open)
		return;
	*end = open;
	*open++ = 0;
	while (*open == ' ')
		open++;
	if (read_number(open, &pid))
		e->pid = pid;
}

/* What the line does not tell /proc does, while the thread is there. */
static int process_of(struct trace_events *t, int tid)
{
	char path[PATH_MAX], line[128];
	FILE *f;

	if (t->last_tid == tid)
		return t->last_pid;
	t->last_tid = tid;
	t->last_pid = tid;
	system_path(path, "/proc/%d/status", tid);
	f = fopen(path, "re");
	while (f && fgets(line, sizeof(line), f))
		sscanf(line, "Tgid: %d", &t->last_pid);
	if (f)
		fclose(f);
	return t->last_pid;
}

static bool read_head(struct trace_events *t, struct trace_event *e, char *text, char *end)
{
	char *time = cut_word(text, &end), *flags = cut_word(text, &end);
	char *processor = cut_word(text, &end), *thread, *comm = text, *dash;
	int64_t tid;

	if (!time || !flags || !processor || processor[0] != '[' || !read_time(e, time))
		return false;
	cut_process(e, text, &end);
	*end = 0;
	dash = strrchr(text, '-');
	if (!dash)
		return false;
	*dash = 0;
	thread = dash + 1;
	thread[strcspn(thread, " ")] = 0;
	if (!read_number(thread, &tid))
		return false;
	e->tid = tid;
	if (!e->pid && e->kind == TRACE_SUBMIT)
		e->pid = process_of(t, tid);
	/* Aligned to the right; a name may be short, not begin with a blank. */
	comm += strspn(comm, " ");
	snprintf(e->comm, sizeof(e->comm), "%s", comm);
	return true;
}

static void add(struct trace_events *t, const struct trace_event *e)
{
	if (t->count == TRACE_MAX_EVENTS) {
		t->full = true;
		return;
	}
	if (!(t->count & (t->count - 1)))
		t->events = need(
			reallocarray(t->events, t->count ? 2 * t->count : 1, sizeof(*t->events)));
	t->events[t->count++] = *e;
}

void trace_events_line(struct trace_events *t, const char *line)
{
	struct trace_event e = { 0 };
	char text[512], *end, *words, *name;
	uint64_t lost;
	int cpu;

	if (line[0] == '#' || !line[strspn(line, " ")])
		return;
	if (sscanf(line, " CPU:%d [LOST %" SCNu64 " EVENTS]", &cpu, &lost) == 2) {
		t->lost += lost;
		return;
	}
	if (snprintf(text, sizeof(text), "%s", line) >= (int)sizeof(text)) {
		t->unknown++;
		return;
	}
	end = text + strlen(text);
	words = cut_colon(text, &end);
	name = words ? cut_colon(text, &end) : NULL;
	if (name && read_words(&e, name, words) && read_head(t, &e, text, end))
		add(t, &e);
	else
		t->unknown++;
}

void trace_events_free(struct trace_events *t)
{
	free(t->events);
	memset(t, 0, sizeof(*t));
}

/*
 * At the same microsecond a job is submitted before it is given to a ring, and that before it ends.
 */
static int order(const void *pa, const void *pb)
{
	const struct trace_event *a = pa, *b = pb;

	if (a->time != b->time)
		return a->time < b->time ? -1 : 1;
	if (a->kind != b->kind)
		return (int)a->kind - (int)b->kind;
	return (a->first > b->first) - (a->first < b->first);
}

void trace_events_sort(struct trace_events *t)
{
	if (t->count)
		qsort(t->events, t->count, sizeof(*t->events), order);
}

/* ---- Cards ----------------------------------------------------------------------------------- */

void trace_cards_free(struct trace_cards *c)
{
	free(c->pid);
	free(c->card);
	memset(c, 0, sizeof(*c));
}

static unsigned int card_index(const struct trace_cards *c, const char *pci)
{
	for (unsigned int i = 0; i < c->cards; i++)
		if (!strcmp(c->pci[i], pci))
			return i;
	return TRACE_NO_CARD;
}

static void see_client(struct trace_cards *c, int pid, unsigned int card)
{
	for (size_t i = 0; i < c->count; i++) {
		if (c->pid[i] != pid)
			continue;
		if (c->card[i] != card)
			c->card[i] = TRACE_NO_CARD;
		return;
	}
	c->pid = need(reallocarray(c->pid, c->count + 1, sizeof(*c->pid)));
	c->card = need(reallocarray(c->card, c->count + 1, sizeof(*c->card)));
	c->pid[c->count] = pid;
	c->card[c->count++] = card;
}

void trace_cards_see(struct trace_cards *c, const struct sample *sample)
{
	for (size_t i = 0; i < sample->card_count; i++) {
		const struct card *card = &sample->cards[i].card;

		if (card_index(c, card->pci) != TRACE_NO_CARD || c->cards == TRACE_MAX_CARDS)
			continue;
		memcpy(c->pci[c->cards], card->pci, sizeof(card->pci));
		memcpy(c->name[c->cards++], card->name, sizeof(card->name));
	}
	for (size_t i = 0; i < sample->client_count; i++)
		see_client(c, sample->clients[i].pid, card_index(c, sample->clients[i].pci));
}

/* There is but one, or the process has but one open. */
static unsigned int card_of(const struct trace_cards *c, int pid)
{
	if (c->cards == 1)
		return 0;
	for (size_t i = 0; i < c->count; i++)
		if (c->pid[i] == pid)
			return c->card[i];
	return TRACE_NO_CARD;
}

/* ---- Jobs ------------------------------------------------------------------------------------ */

/**
 * struct joined - a queue while jobs are joined
 * @open: jobs that have not ended, oldest first, indices
 * @head: of the oldest
 */
struct joined {
	uint64_t queue;
	size_t *open;
	size_t head, tail;
	unsigned int card;
	int pid, tid;
};

struct joiner {
	struct trace_jobs *out;
	const struct trace_cards *cards;
	struct joined *queues;
	size_t count;
};

static struct joined *find_queue(struct joiner *j, uint64_t queue)
{
	/* The latest is the likeliest. */
	for (size_t i = j->count; i-- > 0;)
		if (j->queues[i].queue == queue)
			return &j->queues[i];
	j->queues = need(reallocarray(j->queues, j->count + 1, sizeof(*j->queues)));
	j->queues[j->count] = (struct joined){ .queue = queue, .card = card_of(j->cards, 0) };
	return &j->queues[j->count++];
}

static struct trace_job *add_job(struct joiner *j, struct joined *q, uint64_t first, uint32_t count)
{
	struct trace_jobs *out = j->out;
	struct trace_job *job;

	if (!(out->count & (out->count - 1)))
		out->jobs = need(reallocarray(out->jobs, out->count ? 2 * out->count : 1,
					      sizeof(*out->jobs)));
	if (!(q->tail & (q->tail - 1)))
		q->open = need(reallocarray(q->open, q->tail ? 2 * q->tail : 1, sizeof(*q->open)));
	q->open[q->tail++] = out->count;
	job = &out->jobs[out->count++];
	*job = (struct trace_job){
		.queue = q->queue,
		.first = first,
		.count = count,
		.submitted = -1,
		.given = -1,
		.started = -1,
		.ended = -1,
		.pid = q->pid,
		.tid = q->tid,
		.card = q->card,
	};
	return job;
}

/* The job of a queue that has number @first; NULL: none that has not ended. */
static struct trace_job *find_job(struct joiner *j, struct joined *q, uint64_t first)
{
	for (size_t i = q->head; i < q->tail; i++) {
		struct trace_job *job = &j->out->jobs[q->open[i]];

		if (first >= job->first && first - job->first < job->count)
			return job;
	}
	return NULL;
}

static void done(struct joiner *j, struct joined *q, const struct trace_event *e)
{
	struct trace_job *job = find_job(j, q, e->first);

	/* Submitted before the recording began, or its events were lost. */
	if (!job)
		job = add_job(j, q, e->first, 1);
	job->done++;
	job->cycles += e->cycles;
	if (e->error && !job->failed++)
		job->error = e->error;
	if (e->first - job->first + 1 < job->count)
		return;
	job->ended = e->time;
	/* Those before it have ended as well, if it was not seen. */
	while (q->head < q->tail && (j->out->jobs[q->open[q->head]].ended >= 0 ||
				     j->out->jobs[q->open[q->head]].first < job->first))
		q->head++;
}

static void join(struct joiner *j, const struct trace_event *e)
{
	struct joined *q;
	struct trace_job *job;

	if (e->kind == TRACE_COMMAND || e->kind == TRACE_RESET)
		return;
	q = find_queue(j, e->queue);
	if (e->kind == TRACE_DONE) {
		done(j, q, e);
		return;
	}
	if (e->kind == TRACE_SUBMIT) {
		q->pid = e->pid;
		q->tid = e->tid;
		q->card = card_of(j->cards, e->pid);
		add_job(j, q, e->first, e->count)->submitted = e->time;
		return;
	}
	job = find_job(j, q, e->first);
	if (!job)
		job = add_job(j, q, e->first, e->count);
	job->given = e->time;
	job->ring = e->ring;
}

static int64_t later(int64_t a, int64_t b)
{
	return a > b ? a : b;
}

/**
 * struct ring - a ring while its jobs' starts are found
 * @last: the job that it was given last
 */
struct ring {
	unsigned int card;
	uint32_t ring;
	struct trace_job *last;
};

/*
 * A ring runs its jobs one after the other, in the order in which it was given them. Where cards
 * are not known two rings may look like one: then slices are cut rather than that they overlap.
 */
static void find_start(struct ring *r, struct trace_job *job)
{
	struct trace_job *last = r->last;

	job->started = job->given;
	if (last)
		job->started = later(job->started, last->ended);
	if (job->ended >= 0 && job->started > job->ended)
		job->started = job->ended;
	if (last) {
		job->started = later(job->started, last->started);
		if (last->until > job->started)
			last->until = job->started;
	}
	job->until = job->ended < 0 ? INT64_MAX : later(job->ended, job->started);
	r->last = job;
}

static void find_starts(struct trace_jobs *jobs)
{
	struct ring *rings = NULL;
	size_t count = 0, r;

	for (size_t i = 0; i < jobs->count; i++) {
		struct trace_job *job = &jobs->jobs[i];

		if (job->given < 0)
			continue;
		for (r = 0; r < count; r++)
			if (rings[r].card == job->card && rings[r].ring == job->ring)
				break;
		if (r == count) {
			rings = need(reallocarray(rings, count + 1, sizeof(*rings)));
			rings[count++] = (struct ring){ job->card, job->ring, NULL };
		}
		find_start(&rings[r], job);
	}
	free(rings);
}

/* For the rings' order. What was never given to one has no place in it. */
static int by_given(const void *pa, const void *pb)
{
	const struct trace_job *a = pa, *b = pb;

	if (a->given != b->given)
		return a->given < b->given ? -1 : 1;
	if (a->queue != b->queue)
		return a->queue < b->queue ? -1 : 1;
	return (a->first > b->first) - (a->first < b->first);
}

void trace_jobs_join(struct trace_jobs *out, const struct trace_events *events,
		     const struct trace_cards *cards)
{
	struct joiner j = { .out = out, .cards = cards };

	memset(out, 0, sizeof(*out));
	for (size_t i = 0; i < events->count; i++)
		join(&j, &events->events[i]);
	for (size_t i = 0; i < j.count; i++)
		free(j.queues[i].open);
	free(j.queues);
	if (out->count)
		qsort(out->jobs, out->count, sizeof(*out->jobs), by_given);
	find_starts(out);
}

void trace_jobs_free(struct trace_jobs *j)
{
	free(j->jobs);
	memset(j, 0, sizeof(*j));
}
