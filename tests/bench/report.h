/* SPDX-License-Identifier: MIT */
/*
 * Copyright (c) 2026 the npu authors
 *
 * What the report's parts share. A file that is missing or lacks a number ends the program.
 */
#ifndef NPU_BENCH_REPORT_H
#define NPU_BENCH_REPORT_H

#include <jansson.h>
#include <stddef.h>

#define MAX_ROUNDS 64

/* Where run.sh's files are. */
extern const char *folder;

__attribute__((noreturn, format(printf, 1, 2))) void die(const char *fmt, ...);

json_t *load(const char *path);

/* A number in a document by a path such as "jobs/0/read/iops": keys end at '/'. @file is for messages. */
double number_at(const json_t *j, const char *path, const char *file);

/* struct series - what one figure was, round by round */
struct series {
	size_t rounds;
	double v[MAX_ROUNDS], median;
};

/* PREFIX-1.json, PREFIX-2.json ... until there is none; each number times @scale. */
struct series read_series(const char *prefix, const char *path, double scale);

/*
 * The median of the rounds' own ratios: rounds were in turn, so each compares what was measured
 * together.
 */
double ratio(const struct series *a, const struct series *b);

/* A series as {median, rounds}. */
void put(json_t *object, const char *key, const struct series *s);

/* What was measured in VMs (report_vm.c), put into the document and printed. */
void report_vm(json_t *doc);

/* Without a VM: the same keys, null. */
void report_no_vm(json_t *doc);

#endif
