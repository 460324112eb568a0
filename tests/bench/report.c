// SPDX-License-Identifier: MIT
/*
 * Copyright (c) 2026 the npu authors
 *
 * Usage: report FOLDER OUT.json
 *
 * Puts what run.sh measured together: medians over the rounds, and ratios between what was measured
 * in turn. Writes one JSON document (docs/performance.md tells its keys) and prints a table.
 */
#include <errno.h>
#include <glob.h>
#include <jansson.h>
#include <math.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "report.h"

#define VERSION 2

static json_t *matmul(bool vm)
{
	struct series onednn = read_series("onednn-1024", "requant_gops", 1);
	struct series onednn_sums = read_series("onednn-1024", "sums_gops", 1);
	struct series sim = read_series("sim-requant-1024", "gops", 1);
	struct series sums = read_series("sim-sums", "gops", 1);
	struct series checked = read_series("sim-checked", "gops", 1);
	json_t *j =
		json_pack("{s:i, s:i, s:i, s:s}", "m", 1024, "n", 1024, "k", 1024, "unit", "GOPS");

	put(j, "onednn_requant", &onednn);
	put(j, "onednn_sums", &onednn_sums);
	put(j, "sim_requant", &sim);
	put(j, "sim_sums", &sums);
	put(j, "sim_requant_checked", &checked);
	json_object_set_new(j, "sim_over_onednn_requant", json_real(ratio(&sim, &onednn)));
	json_object_set_new(j, "sim_over_onednn_sums", json_real(ratio(&sums, &onednn_sums)));
	json_object_set_new(j, "sim_checked_over_onednn_requant",
			    json_real(ratio(&checked, &onednn)));
	printf("int8 products, 1024 x 1024 x 1024, one thread      GOPS   of oneDNN's\n");
	printf("  oneDNN, requantised                           %7.1f\n", onednn.median);
	printf("  oneDNN, sums                                  %7.1f\n", onednn_sums.median);
	printf("  sim:, requantised                             %7.1f   %5.2f\n", sim.median,
	       ratio(&sim, &onednn));
	printf("  sim:, sums                                    %7.1f   %5.2f\n", sums.median,
	       ratio(&sums, &onednn_sums));
	printf("  sim:, requantised, hazards checked            %7.1f   %5.2f\n", checked.median,
	       ratio(&checked, &onednn));
	if (vm) {
		struct series in_vm = read_series("vm-requant-1024", "gops", 1);
		struct series in_vm_sums = read_series("vm-sums", "gops", 1);

		put(j, "vm_requant", &in_vm);
		put(j, "vm_sums", &in_vm_sums);
		/* Not in turn with the host's: medians are compared. */
		json_object_set_new(j, "vm_over_onednn_requant",
				    json_real(in_vm.median / onednn.median));
		json_object_set_new(j, "vm_over_onednn_sums",
				    json_real(in_vm_sums.median / onednn_sums.median));
		printf("  accel0 in the VM, requantised                 %7.1f   %5.2f\n",
		       in_vm.median, in_vm.median / onednn.median);
		printf("  accel0 in the VM, sums                        %7.1f   %5.2f\n",
		       in_vm_sums.median, in_vm_sums.median / onednn_sums.median);
	}
	return j;
}

/*
 * Products of several sizes, @sim's beside @host_key of oneDNN's: their ratios, and the geometric mean of
 * those that are not small.
 */
static json_t *against_onednn(const char *what, const char *sim, const char *host_key)
{
	static const int sizes[] = { 512, 1024, 2048, 4096 };
	const size_t count = sizeof(sizes) / sizeof(sizes[0]);
	json_t *j = json_object();
	double product = 1, mean;
	char name[64];

	printf("\n%s\n", what);
	for (size_t i = 0; i < count; i++) {
		struct series ours, theirs;
		double r;

		snprintf(name, sizeof(name), "%s-%d", sim, sizes[i]);
		ours = read_series(name, "gops", 1);
		snprintf(name, sizeof(name), "onednn-%d", sizes[i]);
		theirs = read_series(name, host_key, 1);
		r = ratio(&ours, &theirs);
		snprintf(name, sizeof(name), "%d", sizes[i]);
		json_object_set_new(j, name, json_real(r));
		printf("  %-4s cubed, oneDNN and sim:                 %7.1f %7.1f   %5.2f\n", name,
		       theirs.median, ours.median, r);
		if (i)
			product *= r;
	}
	mean = pow(product, 1.0 / (count - 1));
	json_object_set_new(j, "geometric_mean", json_real(mean));
	printf("  geometric mean from 1024 on                                  %5.2f\n", mean);
	return j;
}

/* What the layers of a table take together, each as often as it occurs; of all rounds. */
static struct series all_layers(const char *prefix)
{
	struct series s = read_series(prefix, "rows/0/host_us", 1);
	char path[512];

	for (size_t i = 0; i < s.rounds; i++) {
		json_t *j, *row;
		size_t r;

		snprintf(path, sizeof(path), "%s/%s-%zu.json", folder, prefix, i + 1);
		j = load(path);
		s.v[i] = 0;
		json_array_foreach(json_object_get(j, "rows"), r, row)
			s.v[i] += number_at(row, "host_us", path) * number_at(row, "count", path);
		json_decref(j);
	}
	return s;
}

/* ResNet-50's convolutions, and all of it, beside oneDNN's for these convolutions. */
static void convolutions(json_t *doc)
{
	struct series onednn = read_series("onednn-conv", "all_us", 1);
	struct series network = read_series("network", "resnet50/off_us", 1);
	struct series sim = all_layers("sim-conv");
	double conv = ratio(&onednn, &sim), whole = ratio(&onednn, &network);

	json_object_set_new(doc, "int8_conv_vs_onednn", json_real(conv));
	json_object_set_new(doc, "resnet50_vs_onednn", json_real(whole));
	printf("\nResNet-50, int8, one thread, oneDNN's time of sim's\n");
	printf("  its convolutions one by one                                  %5.2f\n", conv);
	printf("  the whole network, beside oneDNN's convolutions alone        %5.2f\n", whole);
}

/* The hazard checker's time, of that without it. */
static json_t *check_cost(void)
{
	struct series on = read_series("sim-checked", "gops", 1);
	struct series off = read_series("sim-unchecked", "gops", 1);
	struct series resnet_on = read_series("network", "resnet50/on_us", 1);
	struct series resnet_off = read_series("network", "resnet50/off_us", 1);
	struct series mobile_on = read_series("network", "mobilenet/on_us", 1);
	struct series mobile_off = read_series("network", "mobilenet/off_us", 1);
	double product = ratio(&off, &on), resnet = ratio(&resnet_on, &resnet_off);
	double mobile = ratio(&mobile_on, &mobile_off);

	printf("\nhazards checked, time of that without\n");
	printf("  1024 cubed, ResNet-50, MobileNet             %5.2f %5.2f %5.2f\n", product, resnet,
	       mobile);
	return json_pack("{s:f, s:f, s:f}", "matmul", product, "resnet50", resnet, "mobilenet", mobile);
}

/* What two cores, or two cards at the same time, do of what one does, where the host has the processors. */
static void twos(json_t *doc)
{
	struct series one = read_series("sim-unchecked", "gops", 1);
	struct series cores = read_series("two-cores", "gops", 1);
	struct series cards = read_series("two-cards-first", "gops", 1);
	struct series second = read_series("two-cards-second", "gops", 1);
	double by_cores = ratio(&cores, &one), by_cards;

	for (size_t i = 0; i < cards.rounds && i < second.rounds; i++)
		cards.v[i] += second.v[i];
	by_cards = ratio(&cards, &one);
	json_object_set_new(doc, "two_cores", json_real(by_cores));
	json_object_set_new(doc, "two_cards", json_real(by_cards));
	printf("two cores, of one (%ld processors)                %5.2f\n",
	       sysconf(_SC_NPROCESSORS_ONLN), by_cores);
	printf("two cards, of one                               %5.2f\n", by_cards);
}

static json_t *shapes(void)
{
	json_t *tables = json_array();
	char pattern[512];
	glob_t found;

	snprintf(pattern, sizeof(pattern), "%s/shapes-*.json", folder);
	if (glob(pattern, 0, NULL, &found))
		die("no %s", pattern);
	printf("\nlimit / modelled cycles, mean over layers (worst layer)\n");
	for (size_t i = 0; i < found.gl_pathc; i++) {
		json_t *j = load(found.gl_pathv[i]), *row, *worst = NULL;
		double least = 2;
		size_t r;

		json_array_foreach(json_object_get(j, "rows"), r, row)
		{
			double u = number_at(row, "utilisation", found.gl_pathv[i]);

			if (u < least) {
				least = u;
				worst = json_object_get(row, "layer");
			}
		}
		printf("  %-45s %-5s  %.3f (%s %.3f)\n",
		       json_string_value(json_object_get(j, "file")),
		       json_string_value(json_object_get(j, "dtype")),
		       number_at(j, "utilisation", found.gl_pathv[i]), json_string_value(worst),
		       least);
		json_object_del(j, "schema");
		json_object_del(j, "version");
		json_array_append_new(tables, j);
	}
	globfree(&found);
	return tables;
}

static json_t *compile(void)
{
	static const char *const networks[] = { "resnet50_int8", "resnet50_bf16", "mobilenet_int8",
						"mobilenet_bf16" };
	struct series call = read_series("compile", "eager/call_us", 1);
	struct series result = read_series("compile", "eager/result_us", 1);
	json_t *j = json_object();
	size_t i;

	printf("\ncompiling a network                          CPU s    MB\n");
	for (i = 0; i < sizeof(networks) / sizeof(networks[0]); i++) {
		struct series seconds, mb, image;
		char path[64];
		json_t *one = json_object();

		snprintf(path, sizeof(path), "%s/seconds", networks[i]);
		seconds = read_series("compile", path, 1);
		snprintf(path, sizeof(path), "%s/peak_mb", networks[i]);
		mb = read_series("compile", path, 1);
		snprintf(path, sizeof(path), "%s/image_mb", networks[i]);
		image = read_series("compile", path, 1);
		put(one, "seconds", &seconds);
		put(one, "peak_mb", &mb);
		put(one, "image_mb", &image);
		json_object_set_new(j, networks[i], one);
		printf("  %-40s %7.2f %5.0f\n", networks[i], seconds.median, mb.median);
	}
	put(j, "eager_call_us", &call);
	put(j, "eager_result_us", &result);
	printf("an eager call, us (with its result)          %7.1f (%.1f)\n", call.median,
	       result.median);
	return j;
}

/* The first value of "KEY : VALUE" in a file; "" if there is none. */
static void read_key(const char *path, const char *key, char *text, size_t size)
{
	char line[512];
	FILE *f = fopen(path, "re");

	text[0] = 0;
	while (f && !text[0] && fgets(line, sizeof(line), f)) {
		char *colon = strchr(line, ':');

		if (strncmp(line, key, strlen(key)) || !colon || !colon[1])
			continue;
		line[strcspn(line, "\n")] = 0;
		snprintf(text, size, "%s", colon + 2);
	}
	if (f)
		fclose(f);
}

/* The first line of a file of run.sh's; "" if there is none. */
static void read_line(const char *name, char *text, size_t size)
{
	char path[512];
	FILE *f;

	text[0] = 0;
	snprintf(path, sizeof(path), "%s/%s", folder, name);
	f = fopen(path, "re");
	if (f && !fgets(text, size, f))
		text[0] = 0;
	text[strcspn(text, "\n")] = 0;
	if (f)
		fclose(f);
}

static json_t *machine(bool vm)
{
	char cpu[256], kernel[128], load_average[32], path[512], version[64] = "";
	json_t *j, *onednn;

	read_key("/proc/cpuinfo", "model name", cpu, sizeof(cpu));
	snprintf(path, sizeof(path), "%s/onednn-1024-1.json", folder);
	onednn = load(path);
	snprintf(version, sizeof(version), "%s",
		 json_string_value(json_object_get(onednn, "version")));
	json_decref(onednn);
	read_line("kernel", kernel, sizeof(kernel));
	read_line("load", load_average, sizeof(load_average));
	j = json_pack("{s:s, s:i, s:s, s:f}", "cpu", cpu, "processors",
		      (int)sysconf(_SC_NPROCESSORS_ONLN), "onednn", version, "load_average",
		      atof(load_average));
	json_object_set_new(j, "vm_kernel", vm ? json_string(kernel) : json_null());
	return j;
}

int main(int argc, char **argv)
{
	char path[512];
	json_t *doc;
	bool vm;

	if (argc != 3)
		die("usage: report FOLDER OUT.json");
	folder = argv[1];
	snprintf(path, sizeof(path), "%s/latency-1.json", folder);
	vm = !access(path, R_OK);
	doc = json_pack("{s:s, s:i}", "schema", "npu-bench", "version", VERSION);
	json_object_set_new(doc, "machine", machine(vm));
	json_object_set_new(doc, "matmul", matmul(vm));
	json_object_set_new(doc, "int8_matmul_vs_onednn",
			    against_onednn("int8 products, requantised, one thread, GOPS",
					   "sim-requant", "requant_gops"));
	json_object_set_new(
		doc, "bf16_matmul_vs_sgemm",
		against_onednn("bf16 products, sums, and oneDNN's sgemm, one thread, GFLOPS",
			       "sim-bf16", "sgemm_gflops"));
	convolutions(doc);
	json_object_set_new(doc, "check_cost", check_cost());
	twos(doc);
	if (vm)
		report_vm(doc);
	else
		report_no_vm(doc);
	json_object_set_new(doc, "compile", compile());
	json_object_set_new(doc, "shapes", shapes());
	if (json_dump_file(doc, argv[2], JSON_INDENT(2) | JSON_REAL_PRECISION(9)))
		die("%s: %s", argv[2], strerror(errno));
	json_decref(doc);
	printf("\nall of it: %s\n", argv[2]);
	return 0;
}
