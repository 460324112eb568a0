// SPDX-License-Identifier: MIT
/*
 * Copyright (c) 2026 the npu authors
 *
 * Jobs as a timeline. A card is a group: a track a ring, and one of what recovery did. A process is
 * a group: a track for each thread that submits, and for each queue one of how its oldest job is
 * and one of jobs' ends. A flow leads from a submission by the ring to the end.
 */
#include <stdlib.h>
#include <string.h>

#include "npu/hw/regs.h"

#include "command.h"
#include "trace.h"

/* Numbers that no process and no thread has: Linux ends at 1 << 22. */
#define OWN_NUMBERS (INT64_C(1) << 23)

enum own_group { OWN_CARD = 0, OWN_CARDS_UNKNOWN = 1 << 8, OWN_PROCESS_UNKNOWN };

/* Tracks of a card beside its rings. */
#define RECOVERY_TRACK 4096

/**
 * struct view - what is drawn
 * @ring, @ring_track: of the job that was drawn last, whose queue mostly stays there; NULL: none
 */
struct view {
	struct timeline *t;
	const struct trace_cards *cards;
	const struct trace_jobs *jobs;
	int64_t begin, end;
	struct trace_sums *sums;
	const struct trace_job *ring;
	unsigned int ring_track;
};

static void *need(void *p)
{
	if (!p)
		exit(complain(NPUCTL_FAILED, "out of memory"));
	return p;
}

static unsigned int card_group(struct timeline *t, const struct trace_cards *cards,
			       unsigned int card)
{
	char name[64];

	if (card == TRACE_NO_CARD)
		return timeline_group(t, OWN_NUMBERS + OWN_CARDS_UNKNOWN,
				      cards->cards ? "cards, not told apart" : "card");
	snprintf(name, sizeof(name), "card %s (%s)",
		 cards->name[card][0] ? cards->name[card] : "without a name", cards->pci[card]);
	return timeline_group(t, OWN_NUMBERS + OWN_CARD + card, name);
}

/* ns from the timeline's beginning. */
static int64_t when(const struct view *v, int64_t time)
{
	if (time > v->end)
		time = v->end;
	return time > v->begin ? time - v->begin : 0;
}

/* "job 5", "jobs 5-8" */
static const char *job_name(const struct trace_job *job, char text[48])
{
	if (job->count == 1)
		snprintf(text, 48, "job %llu", (unsigned long long)job->first);
	else
		snprintf(text, 48, "jobs %llu-%llu", (unsigned long long)job->first,
			 (unsigned long long)(job->first + job->count - 1));
	return text;
}

/* ---- Tracks ---------------------------------------------------------------------------------- */

/**
 * struct place - where the jobs of a queue are drawn
 * @number: of the queue, in the order in which they appear
 * @free: when its track is free
 */
struct place {
	uint64_t queue;
	unsigned int number, group, track, ends;
	int64_t free;
};

/* Who submits tells: the first of @jobs may have been submitted before there was a recording. */
static int owner_of(const struct trace_job *const *jobs, size_t count)
{
	for (size_t i = 0; i < count && jobs[i]->queue == jobs[0]->queue; i++)
		if (jobs[i]->pid)
			return jobs[i]->pid;
	return 0;
}

/* The first thread's name is the process', if it submits anything. */
static const char *comm_of(const struct trace_events *events, int pid)
{
	const char *name = NULL;

	for (size_t i = 0; i < events->count; i++) {
		const struct trace_event *e = &events->events[i];

		/* The kernel has not always caught it. */
		if (e->kind != TRACE_SUBMIT || e->pid != pid || !strcmp(e->comm, "<...>"))
			continue;
		if (e->tid == pid)
			return e->comm;
		if (!name)
			name = e->comm;
	}
	return name ? name : "?";
}

/* Of the queue that the first of @jobs is of; they are in the order of queues. */
static struct place make_place(struct view *v, const struct trace_events *events,
			       const struct trace_job *const *jobs, size_t count,
			       unsigned int number)
{
	struct place p = { .queue = jobs[0]->queue, .number = number };
	unsigned long long context = p.queue;
	int pid = owner_of(jobs, count);

	if (pid)
		p.group = timeline_group(v->t, pid, comm_of(events, pid));
	else
		p.group = timeline_group(v->t, OWN_NUMBERS + OWN_PROCESS_UNKNOWN,
					 "unknown processes");
	p.track = timeline_track(v->t, p.group, OWN_NUMBERS + 2 * number, "queue %llu", context);
	p.ends = timeline_track(v->t, p.group, OWN_NUMBERS + 2 * number + 1, "queue %llu: ends",
				context);
	return p;
}

static void tell_job(struct timeline_slice *slice, const struct trace_job *job)
{
	timeline_argument(slice, "queue", job->queue);
	timeline_argument(slice, "first_job", job->first);
	timeline_argument(slice, "jobs", job->count);
	timeline_argument(slice, "cycles", job->cycles);
	if (job->ended < 0)
		timeline_argument(slice, "end_not_seen", 1);
	if (job->failed) {
		timeline_argument(slice, "failed", job->failed);
		timeline_argument(slice, "error", job->error);
	}
}

static void draw_submit(struct view *v, const struct place *p, const struct trace_job *job,
			uint64_t flow)
{
	struct timeline_slice *slice;
	unsigned int track;
	char name[48];

	track = timeline_track(v->t, p->group, job->tid, "submissions of thread %d", job->tid);
	slice = timeline_slice(v->t, track, when(v, job->submitted), 0, "submit %s",
			       job_name(job, name));
	slice->colour = p->number;
	timeline_argument(slice, "queue", job->queue);
	timeline_argument(slice, "jobs", job->count);
	if (flow)
		timeline_flow(v->t, flow, TIMELINE_FLOW_START, track, when(v, job->submitted));
}

static unsigned int ring_track(struct view *v, const struct trace_job *job)
{
	if (!v->ring || v->ring->card != job->card || v->ring->ring != job->ring)
		v->ring_track = timeline_track(v->t, card_group(v->t, v->cards, job->card),
					       job->ring + 1, "ring %u", job->ring);
	v->ring = job;
	return v->ring_track;
}

static void draw_ring(struct view *v, const struct place *p, const struct trace_job *job,
		      uint64_t flow)
{
	int64_t from = when(v, job->started), to = when(v, job->until);
	unsigned int track = ring_track(v, job);
	struct timeline_slice *slice;
	char name[48];

	slice = timeline_slice(v->t, track, from, to - from, "%s of queue %llu",
			       job_name(job, name), (unsigned long long)job->queue);
	slice->colour = p->number;
	tell_job(slice, job);
	if (flow)
		timeline_flow(v->t, flow, TIMELINE_FLOW_STEP, track, from);
}

static void draw_end(struct view *v, const struct place *p, const struct trace_job *job,
		     uint64_t flow)
{
	struct timeline_slice *slice;
	char name[48];

	slice = timeline_slice(v->t, p->ends, when(v, job->ended), 0, "%s %s", job_name(job, name),
			       job->failed ? "failed" : "ended");
	slice->colour = p->number;
	tell_job(slice, job);
	if (flow)
		timeline_flow(v->t, flow, TIMELINE_FLOW_END, p->ends, when(v, job->ended));
}

/* How the oldest job of the queue is: it waits, then it runs. */
static void draw_queue(struct view *v, struct place *p, const struct trace_job *job)
{
	bool runs = job->given >= 0;
	int64_t from = when(v, job->submitted >= 0 ? job->submitted : job->started);
	int64_t to = when(v, runs ? job->started : job->ended >= 0 ? job->ended : v->end);
	char name[48];

	job_name(job, name);
	if (from < p->free)
		from = p->free;
	if (to > from && job->submitted >= 0)
		timeline_slice(v->t, p->track, from, to - from, "%s waiting", name)->colour =
			p->number;
	p->free = to > from ? to : from;
	if (!runs)
		return;
	from = p->free;
	to = when(v, job->until);
	if (to < from)
		to = from;
	timeline_slice(v->t, p->track, from, to - from, "%s running", name)->colour = p->number;
	p->free = to;
}

static int by_queue(const void *pa, const void *pb)
{
	const struct trace_job *a = *(const struct trace_job *const *)pa;
	const struct trace_job *b = *(const struct trace_job *const *)pb;

	if (a->queue != b->queue)
		return a->queue < b->queue ? -1 : 1;
	return (a->first > b->first) - (a->first < b->first);
}

static void draw_jobs(struct view *v, const struct trace_events *events)
{
	const struct trace_job **order = need(calloc(v->jobs->count + 1, sizeof(*order)));
	struct place place = { 0 };
	unsigned int queues = 0;

	for (size_t i = 0; i < v->jobs->count; i++)
		order[i] = &v->jobs->jobs[i];
	qsort(order, v->jobs->count, sizeof(*order), by_queue);
	for (size_t i = 0; i < v->jobs->count; i++) {
		const struct trace_job *job = order[i];
		bool seen = job->submitted >= 0 && job->given >= 0 && job->ended >= 0;
		uint64_t flow = seen ? i + 1 : 0;

		if (!i || job->queue != place.queue)
			place = make_place(v, events, order + i, v->jobs->count - i, queues++);
		if (job->submitted >= 0)
			draw_submit(v, &place, job, flow);
		if (job->given >= 0)
			draw_ring(v, &place, job, flow);
		draw_queue(v, &place, job);
		if (job->ended >= 0)
			draw_end(v, &place, job, flow);
	}
	v->sums->queues = queues;
	free(order);
}

static void draw_recovery(struct view *v, const struct trace_events *events)
{
	unsigned int card = v->cards->cards == 1 ? 0 : TRACE_NO_CARD;

	for (size_t i = 0; i < events->count; i++) {
		const struct trace_event *e = &events->events[i];
		unsigned int track;

		if (e->kind != TRACE_COMMAND && e->kind != TRACE_RESET)
			continue;
		track = timeline_track(v->t, card_group(v->t, v->cards, card), RECOVERY_TRACK,
				       "recovery");
		timeline_slice(v->t, track, when(v, e->time), 0, "ring %u: %s", e->ring,
			       e->kind == TRACE_RESET		? "reset" :
			       e->command == NPU_RING_CMD_ABORT ? "ABORT" :
								  "CANCEL");
	}
}

/* ---- Jobs under way -------------------------------------------------------------------------- */

/** struct step - a change of the numbers of jobs of a card that wait and that are on a ring */
struct step {
	int64_t time;
	unsigned int card;
	int waiting, given;
};

static int by_time(const void *pa, const void *pb)
{
	const struct step *a = pa, *b = pb;

	if (a->card != b->card)
		return a->card < b->card ? -1 : 1;
	return (a->time > b->time) - (a->time < b->time);
}

static size_t add_steps(const struct view *v, const struct trace_job *job, struct step *out)
{
	int jobs = job->count;
	bool given = job->given >= 0;
	size_t n = 0;

	if (job->submitted >= 0)
		out[n++] = (struct step){ when(v, job->submitted), job->card, jobs, 0 };
	else if (!given)
		return 0;
	if (given)
		out[n++] = (struct step){ when(v, job->given), job->card,
					  job->submitted >= 0 ? -jobs : 0, jobs };
	if (job->ended >= 0)
		out[n++] = (struct step){ when(v, job->ended), job->card, given ? 0 : -jobs,
					  given ? -jobs : 0 };
	return n;
}

static void draw_steps(struct view *v, const struct step *steps, size_t count)
{
	static const char *const series[] = { "waiting", "on a ring", NULL };
	int waiting = 0, given = 0;

	for (size_t i = 0; i < count; i++) {
		double values[2];
		unsigned int counter;

		if (!i || steps[i].card != steps[i - 1].card)
			waiting = given = 0;
		waiting += steps[i].waiting;
		given += steps[i].given;
		if (waiting + given > (int)v->sums->under_way)
			v->sums->under_way = waiting + given;
		/* What changes in one moment is one change. */
		if (i + 1 < count && steps[i + 1].card == steps[i].card &&
		    steps[i + 1].time == steps[i].time)
			continue;
		values[0] = waiting;
		values[1] = given;
		counter = timeline_counter(v->t, card_group(v->t, v->cards, steps[i].card),
					   "jobs under way", series);
		timeline_point(v->t, counter, steps[i].time, values);
	}
}

static void draw_under_way(struct view *v)
{
	struct step *steps = need(calloc(3 * v->jobs->count + 1, sizeof(*steps)));
	size_t count = 0;

	for (size_t i = 0; i < v->jobs->count; i++)
		count += add_steps(v, &v->jobs->jobs[i], steps + count);
	qsort(steps, count, sizeof(*steps), by_time);
	draw_steps(v, steps, count);
	free(steps);
}

/* ---- Rings ----------------------------------------------------------------------------------- */

/* Cards come first, and their rings in the order of their numbers. */
static void make_rings(struct view *v)
{
	bool seen[TRACE_MAX_CARDS + 1][NPU_MAX_RINGS] = { 0 };

	for (size_t i = 0; i < v->jobs->count; i++) {
		const struct trace_job *job = &v->jobs->jobs[i];

		if (job->given >= 0 && job->ring < NPU_MAX_RINGS)
			seen[job->card < TRACE_MAX_CARDS ? job->card : TRACE_MAX_CARDS][job->ring] =
				true;
	}
	for (unsigned int c = 0; c <= TRACE_MAX_CARDS; c++) {
		unsigned int card = c < TRACE_MAX_CARDS ? c : TRACE_NO_CARD;

		if (c < v->cards->cards)
			card_group(v->t, v->cards, card);
		for (uint32_t ring = 0; ring < NPU_MAX_RINGS; ring++)
			if (seen[c][ring])
				timeline_track(v->t, card_group(v->t, v->cards, card), ring + 1,
					       "ring %u", ring);
	}
}

/* ---- All of it ------------------------------------------------------------------------------- */

static void add_sums(struct view *v)
{
	for (size_t i = 0; i < v->jobs->count; i++) {
		const struct trace_job *job = &v->jobs->jobs[i];

		v->sums->submits += job->submitted >= 0;
		v->sums->jobs += job->count;
		v->sums->failed += job->failed;
		if (job->ended < 0)
			v->sums->unfinished += job->count - job->done;
	}
	for (size_t i = 0; i < v->t->group_count; i++)
		v->sums->processes += v->t->groups[i].pid < OWN_NUMBERS;
	for (size_t i = 0; i < v->t->track_count; i++) {
		const struct timeline_track *track = &v->t->tracks[i];
		int64_t pid = v->t->groups[track->group].pid;

		v->sums->rings += pid >= OWN_NUMBERS && pid <= OWN_NUMBERS + OWN_CARDS_UNKNOWN &&
				  track->tid < RECOVERY_TRACK;
	}
}

void trace_timeline(struct timeline *t, const struct trace_events *events,
		    const struct trace_jobs *jobs, const struct trace_cards *cards, int64_t begin,
		    int64_t end, struct trace_sums *sums)
{
	struct view v = {
		.t = t,
		.cards = cards,
		.jobs = jobs,
		.begin = begin,
		.end = end,
		.sums = sums,
	};

	memset(sums, 0, sizeof(*sums));
	make_rings(&v);
	draw_jobs(&v, events);
	draw_recovery(&v, events);
	draw_under_way(&v);
	if (end - begin > t->end)
		t->end = end - begin;
	add_sums(&v);
}

/* ---- Cards ----------------------------------------------------------------------------------- */

/*
 * Of counters that begin anew when the driver is bound or the card is reset: less than none is
 * none.
 */
static double growth(uint64_t before, uint64_t now, double in)
{
	return now > before && in > 0 ? (now - before) / in : 0;
}

static void count_cores(struct timeline *t, unsigned int group, const struct sample_card *before,
			const struct sample_card *now, double seconds, int64_t time)
{
	static const char *const engines[] = { "LOAD", "MXU", "VPU", "STORE", NULL };
	double values[NPU_ENGINES];
	char name[32];

	if (!before->counted || !now->counted || before->cores != now->cores)
		return;
	for (unsigned int c = 0; c < now->cores; c++) {
		for (unsigned int e = 0; e < NPU_ENGINES; e++)
			values[e] = growth(before->core[c].busy[e], now->core[c].busy[e],
					   now->clock_khz * 1e3 * seconds);
		snprintf(name, sizeof(name), "core %u: use of engines", c);
		timeline_point(t, timeline_counter(t, group, name, engines), time, values);
	}
}

/* What is so from @time on. */
static void count_figures(struct timeline *t, unsigned int group, const struct sample_card *now,
			  int64_t time)
{
	static const char *const bytes[] = { "bytes", NULL }, *const watts[] = { "W", NULL };
	static const char *const degrees[] = { "degrees Celsius", NULL };
	double value;

	if (now->opened) {
		value = now->local_bytes - now->local_free;
		timeline_point(t, timeline_counter(t, group, "local memory in use", bytes), time,
			       &value);
	}
	if (now->figures.known[FIGURE_POWER]) {
		value = figure_value(&now->figures, FIGURE_POWER);
		timeline_point(t, timeline_counter(t, group, "power", watts), time, &value);
	}
	if (now->figures.known[FIGURE_TEMPERATURE]) {
		value = figure_value(&now->figures, FIGURE_TEMPERATURE);
		timeline_point(t, timeline_counter(t, group, "temperature", degrees), time, &value);
	}
}

static int64_t moment(const struct sample *sample, int64_t begin)
{
	int64_t time = (int64_t)(sample->time_s * 1e9) - begin;

	return time > 0 ? time : 0;
}

static void count_card(struct timeline *t, unsigned int group, const struct sample *before,
		       const struct sample_card *then, const struct sample *now,
		       const struct sample_card *card, int64_t begin)
{
	static const char *const share[] = { "share", NULL };
	double seconds = now->time_s - before->time_s, value;
	int64_t cores = card->figures.known[FIGURE_CORES] ? card->figures.value[FIGURE_CORES] : 1;

	if (then->figures.known[FIGURE_BUSY] && card->figures.known[FIGURE_BUSY] && cores > 0) {
		value = growth(then->figures.value[FIGURE_BUSY], card->figures.value[FIGURE_BUSY],
			       seconds * 1e9 * cores);
		timeline_point(t, timeline_counter(t, group, "use of cores", share),
			       moment(before, begin), &value);
	}
	count_cores(t, group, then, card, seconds, moment(before, begin));
}

void trace_counters(struct timeline *t, const struct trace_cards *cards,
		    const struct sample *before, const struct sample *now, int64_t begin)
{
	for (size_t i = 0; i < now->card_count; i++) {
		const struct sample_card *card = &now->cards[i];
		unsigned int c, group;

		for (c = 0; c < cards->cards; c++)
			if (!strcmp(cards->pci[c], card->card.pci))
				break;
		if (c == cards->cards)
			continue;
		group = card_group(t, cards, c);
		count_figures(t, group, card, moment(now, begin));
		for (size_t k = 0; before && k < before->card_count; k++)
			if (!strcmp(before->cards[k].card.pci, card->card.pci))
				count_card(t, group, before, &before->cards[k], now, card, begin);
	}
}
