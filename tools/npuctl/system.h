/* SPDX-License-Identifier: MIT */
/*
 * Copyright (c) 2026 the npu authors
 *
 * The system's files, /sys, /proc and /dev: of this machine, or of a snapshot of another one below
 * NPUCTL_ROOT (docs/npuctl.md, "Snapshots"), by which what npuctl gathers is tested without a card.
 */
#ifndef NPUCTL_SYSTEM_H
#define NPUCTL_SYSTEM_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

/** system_root() - "" for this machine, else the snapshot's folder */
const char *system_root(void);

/** system_path() - the path of one of the system's files; @path has PATH_MAX bytes */
void system_path(char *path, const char *fmt, ...) __attribute__((format(printf, 2, 3)));

/** system_line() - first line of a file, empty if it cannot be read; returns whether it could */
bool system_line(char *text, size_t size, const char *fmt, ...)
	__attribute__((format(printf, 3, 4)));

/** system_number() - the number that a file begins with */
bool system_number(int64_t *value, const char *fmt, ...) __attribute__((format(printf, 2, 3)));

#endif
