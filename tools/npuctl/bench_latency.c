// SPDX-License-Identifier: MIT
/*
 * Copyright (c) 2026 the npu authors
 *
 * npuctl bench latency: what a job costs that does nothing. The round trip of one (submit until the
 * wait returns), then how many a second with some under way, so many submitted by each call.
 */
#include <inttypes.h>
#include <stdlib.h>

#include "npu/npu.h"
#include "npu/stream.h"

#include "bench.h"
#include "cards.h"
#include "command.h"
#include "output.h"

#define WARM_UP	    100
#define MAX_SAMPLES (1u << 20)

struct options {
	const char *device;
	uint32_t depth, batch, seconds;
	bool json;
};

/* @depth: jobs under way: whole calls of them, at least one */
struct figures {
	double median_us, p99_us, min_us, jobs_per_s;
	uint64_t trips, jobs;
	uint32_t depth;
};

/* A program of one empty stream. */
static int empty_program(struct npu_device *dev, struct npu_program **prog)
{
	const struct npu_program_desc desc = { 0 };
	struct npu_stream *s = npu_stream_create();
	int r;

	*prog = NULL;
	if (!s)
		return complain(NPUCTL_FAILED, "out of memory");
	r = npu_program_from_streams(dev, &s, 1, &desc, prog);
	npu_stream_free(s);
	return r ? complain_npu("the empty job") : NPUCTL_DONE;
}

static int trip(struct npu_queue *queue, const struct npu_job *job)
{
	struct npu_fence *fence;
	int r = npu_queue_submit(queue, job, 1, NULL, 0, &fence);

	if (r)
		return r;
	r = npu_fence_wait(fence, NPU_WAIT_FOREVER);
	npu_fence_release(fence);
	return r;
}

static int measure_trips(struct npu_queue *queue, const struct npu_job *job, uint32_t seconds,
			 double *us, struct figures *f)
{
	uint64_t end, start, now;
	size_t n = 0;
	int r = 0;

	for (int i = 0; i < WARM_UP && !r; i++)
		r = trip(queue, job);
	now = now_ns();
	end = now + seconds * UINT64_C(1000000000);
	while (!r && now < end && n < MAX_SAMPLES) {
		start = now_ns();
		r = trip(queue, job);
		now = now_ns();
		us[n++] = (now - start) / 1e3;
	}
	if (r)
		return r;
	f->median_us = median(us, n);
	f->min_us = us[0];
	f->p99_us = us[(n - 1) * 99 / 100];
	f->trips = n;
	return 0;
}

/* @job: a call's */
static int measure_rate(struct npu_queue *queue, const struct npu_job *job, const struct options *o,
			struct figures *f)
{
	struct bench_window w = { .depth = o->depth > o->batch ? o->depth / o->batch : 1 };
	struct bench_jobs x = { queue, job, o->batch };
	uint64_t ns;
	int r = bench_window_fill(&w, o->seconds * 1000, bench_jobs_submit, &x, &ns);

	f->depth = w.depth * o->batch;
	f->jobs = w.done;
	f->jobs_per_s = w.done * 1e9 / ns;
	return r;
}

static int report(const struct options *o, const char *name, const struct figures *f)
{
	json_t *doc;

	if (!o->json) {
		printf("%s: empty jobs\n", name);
		printf("round trip     %.1f us median, %.1f us at 99 %%, %.1f us at best, of "
		       "%" PRIu64 "\n",
		       f->median_us, f->p99_us, f->min_us, f->trips);
		printf("%3u under way  %.0f jobs/s, submitted by %u\n", f->depth, f->jobs_per_s,
		       o->batch);
		return NPUCTL_DONE;
	}
	doc = output_document("npuctl-bench-latency");
	json_object_update_new(doc,
			       output_pack("{s:s, s:f, s:f, s:f, s:I, s:i, s:i, s:f, s:I}",
					   "device", name, "round_trip_us", f->median_us,
					   "round_trip_p99_us", f->p99_us, "round_trip_min_us",
					   f->min_us, "round_trips", (json_int_t)f->trips, "depth",
					   (int)f->depth, "batch", (int)o->batch, "jobs_per_s",
					   f->jobs_per_s, "jobs", (json_int_t)f->jobs));
	return output_json(doc);
}

static int measure(struct npu_device *dev, const struct options *o, struct npu_job *job, double *us,
		   struct figures *f)
{
	struct npu_queue *queue = NULL;
	int r = empty_program(dev, &job[0].program);

	for (uint32_t i = 1; i < o->batch; i++)
		job[i] = job[0];
	if (!r && (npu_queue_create(dev, NULL, &queue) ||
		   measure_trips(queue, job, o->seconds, us, f) || measure_rate(queue, job, o, f)))
		r = complain_npu("the empty job");
	npu_queue_release(queue);
	npu_program_release(job[0].program);
	return r;
}

static int run_on(struct npu_device *dev, const void *opaque)
{
	const struct options *o = opaque;
	double *us = malloc(MAX_SAMPLES * sizeof(*us));
	struct npu_job *job = calloc(o->batch, sizeof(*job));
	struct figures f = { 0 };
	int r = us && job ? measure(dev, o, job, us, &f) : complain(NPUCTL_FAILED, "out of memory");

	if (!r)
		r = report(o, npu_device_name(dev), &f);
	free(job);
	free(us);
	return r;
}

static int run(const struct command *self, int argc, char **argv)
{
	struct options o = { .depth = 32, .batch = 1, .seconds = 1 };
	const struct option_spec options[] = {
		OPTION_DEPTH(&o.depth, "jobs under way for the rate (32)"),
		{ .name = "batch",
		  .kind = OPTION_NUMBER,
		  .value = &o.batch,
		  .metavar = "N",
		  .help = "jobs submitted by each call for the rate (1)",
		  .min = 1,
		  .max = BENCH_MAX_DEPTH },
		OPTION_SECONDS(&o.seconds, "how long each of the two (1)"),
		OPTION_DEVICE(&o.device),
		OPTION_JSON(&o.json),
		OPTION_END,
	};

	return bench_on_device(self, options, argc, argv, &o.device, run_on, &o);
}

const struct command command_bench_latency = {
	.name = "bench latency",
	.arguments = "",
	.summary = "Round trip and rate of jobs that do nothing",
	.example = "npuctl bench latency --device accel0 --depth 32",
	.run = run,
};
