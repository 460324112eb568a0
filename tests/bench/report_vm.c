// SPDX-License-Identifier: MIT
/*
 * Copyright (c) 2026 the npu authors
 *
 * The report's part of what was measured in VMs. Ratios whose aim the project has stand at the top of the document, by names
 * that end in _vs_ and the anchor; what they were made of stands below.
 */
#include <stdio.h>

#include "report.h"

static const char *const keys[] = {
	"latency",
	"empty_job_vs_nvme",
	"jobs_per_s_vs_nvme",
	"batched_jobs_per_s_vs_nvme",
};

/* One ratio, and its line of the table. */
static void compare(json_t *doc, const char *key, const char *what, const struct series *ours,
		    const struct series *theirs)
{
	double r = ratio(ours, theirs);

	json_object_set_new(doc, key, json_real(r));
	printf("  %-42s %10.2f %10.2f   %5.3f\n", what, ours->median, theirs->median, r);
}

static void latency(json_t *doc)
{
	struct series trip = read_series("latency", "round_trip_us", 1);
	struct series rate = read_series("latency", "jobs_per_s", 1);
	struct series batched = read_series("batched", "jobs_per_s", 1);
	struct series disk_trip =
		read_series("fio1", "jobs/0/read/lat_ns/percentile/50.000000", 1e-3);
	struct series disk_rate = read_series("fio32", "jobs/0/read/iops", 1);
	json_t *j = json_object();

	put(j, "npu_round_trip_us", &trip);
	put(j, "nvme_round_trip_us", &disk_trip);
	put(j, "npu_jobs_per_s", &rate);
	put(j, "npu_batched_jobs_per_s", &batched);
	put(j, "nvme_reads_per_s", &disk_rate);
	json_object_set_new(j, "depth", json_integer(32));
	json_object_set_new(doc, "latency", j);
	printf("\nin the VM, %zu rounds in turn                        card       nvme   ratio\n",
	       trip.rounds);
	compare(doc, "empty_job_vs_nvme", "round trip, us", &trip, &disk_trip);
	compare(doc, "jobs_per_s_vs_nvme", "a second, 32 under way", &rate, &disk_rate);
	compare(doc, "batched_jobs_per_s_vs_nvme", "a second, 32 by each call", &batched,
		&disk_rate);
}

void report_vm(json_t *doc)
{
	latency(doc);
}

void report_no_vm(json_t *doc)
{
	for (size_t i = 0; i < sizeof(keys) / sizeof(*keys); i++)
		json_object_set_new(doc, keys[i], json_null());
}
