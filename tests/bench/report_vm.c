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
	"latency", "empty_job_vs_nvme", "jobs_per_s_vs_nvme", "batched_jobs_per_s_vs_nvme",
	"memory",  "dma_vs_memcpy",	"bind_2m_vs_touch",   "bind_4k_vs_touch",
	"idle",	   "idle_cpu_percent",	"idle_rss_mib",	      "vm_vs_sim",
};

/* One ratio, and its line of the table. */
static void compare(json_t *doc, const char *key, const char *what, const struct series *ours,
		    const struct series *theirs)
{
	double r = ratio(ours, theirs);

	json_object_set_new(doc, key, json_real(r));
	printf("  %-42s %10.2f %10.2f   %5.3f\n", what, ours->median, theirs->median, r);
}

static void products(json_t *doc)
{
	static const char *const sizes[] = { "1024", "2048" };
	json_t *j = json_object();

	printf("\nint8 products, requantised, GOPS                accel0        sim   ratio\n");
	for (size_t i = 0; i < sizeof(sizes) / sizeof(*sizes); i++) {
		struct series ours, theirs;
		char name[64];

		snprintf(name, sizeof(name), "vm-requant-%s", sizes[i]);
		ours = read_series(name, "gops", 1);
		snprintf(name, sizeof(name), "turn-sim-%s", sizes[i]);
		theirs = read_series(name, "gops", 1);
		snprintf(name, sizeof(name), "%s cubed", sizes[i]);
		compare(j, sizes[i], name, &ours, &theirs);
	}
	json_object_set_new(doc, "vm_vs_sim", j);
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

static void memory(json_t *doc)
{
	struct series copy = read_series("memory", "memcpy_gb_per_s", 1);
	struct series in = read_series("dma", "rows/1/host_gb_per_s", 1);
	struct series out = read_series("dma", "rows/2/host_gb_per_s", 1);
	struct series touch = read_series("memory", "touch_s", 1e3);
	struct series large = read_series("memory", "bind_2m_s", 1e3);
	struct series small = read_series("memory", "bind_4k_s", 1e3);
	json_t *j = json_object(), *ways = json_object();

	put(j, "memcpy_gb_per_s", &copy);
	put(j, "dma_in_gb_per_s", &in);
	put(j, "dma_out_gb_per_s", &out);
	put(j, "touch_ms", &touch);
	put(j, "bind_2m_ms", &large);
	put(j, "bind_4k_ms", &small);
	json_object_set_new(doc, "memory", j);
	printf("\nin the VM, %zu rounds in turn                        card     memcpy   ratio\n",
	       copy.rounds);
	compare(ways, "in", "64 MiB into local memory, GB/s", &in, &copy);
	compare(ways, "out", "64 MiB out of local memory, GB/s", &out, &copy);
	json_object_set_new(doc, "dma_vs_memcpy", ways);
	printf("512 MiB in the VM, ms                           VM_BIND      touch   ratio\n");
	compare(doc, "bind_2m_vs_touch", "local memory, 2 MiB pages", &large, &touch);
	compare(doc, "bind_4k_vs_touch", "resident host memory, 4 KiB pages", &small, &touch);
}

/* Of one VM's QEMU: what it took between its two samples. */
static double growth(const json_t *idle, const char *vm, const char *what, const char *file)
{
	char path[64];
	double before;

	snprintf(path, sizeof(path), "%s/0/%s", vm, what);
	before = number_at(idle, path, file);
	snprintf(path, sizeof(path), "%s/1/%s", vm, what);
	return number_at(idle, path, file) - before;
}

static json_t *idle_vm(const json_t *idle, const char *vm, const char *file)
{
	double seconds = growth(idle, vm, "time_s", file);
	char rss[64];

	snprintf(rss, sizeof(rss), "%s/1/rss_mib", vm);
	return json_pack("{s:f, s:f, s:f, s:f, s:f}", "seconds", seconds, "cpu_percent",
			 100 * growth(idle, vm, "cpu_s", file) / seconds, "switches_per_s",
			 growth(idle, vm, "switches", file) / seconds, "own_switches",
			 growth(idle, vm, "own_switches", file), "rss_mib",
			 number_at(idle, rss, file));
}

static void idle_line(json_t *doc, const json_t *j, const char *key, const char *field,
		      const char *what)
{
	double with = json_real_value(json_object_get(json_object_get(j, "card"), field));
	double without = json_real_value(json_object_get(json_object_get(j, "none"), field));

	if (key)
		json_object_set_new(doc, key, json_real(with - without));
	printf("  %-42s %10.2f %10.2f  %+6.2f\n", what, with, without, with - without);
}

static void idle(json_t *doc)
{
	json_t *file, *j = json_object();
	char path[512];

	snprintf(path, sizeof(path), "%s/idle.json", folder);
	file = load(path);
	json_object_set_new(j, "card", idle_vm(file, "card", path));
	json_object_set_new(j, "none", idle_vm(file, "none", path));
	json_decref(file);
	printf("\nQEMU of an idle VM                            with card    without   more\n");
	idle_line(doc, j, "idle_cpu_percent", "cpu_percent", "processor time, % of one");
	idle_line(doc, j, NULL, "switches_per_s", "context switches a second");
	idle_line(doc, j, NULL, "own_switches", "wake-ups of the card's threads, in all");
	idle_line(doc, j, "idle_rss_mib", "rss_mib", "resident memory, MiB");
	json_object_set_new(doc, "idle", j);
}

void report_vm(json_t *doc)
{
	latency(doc);
	memory(doc);
	idle(doc);
	products(doc);
}

void report_no_vm(json_t *doc)
{
	for (size_t i = 0; i < sizeof(keys) / sizeof(*keys); i++)
		json_object_set_new(doc, keys[i], json_null());
}
