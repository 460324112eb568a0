/* SPDX-License-Identifier: MIT */
/*
 * Copyright (c) 2026 the npu authors
 *
 * The cards' figures in the text format that node_exporter's textfile collector reads.
 */
#ifndef NPUCTL_PROMETHEUS_H
#define NPUCTL_PROMETHEUS_H

#include <stdio.h>

/** prometheus_print() - of all cards that are there now */
void prometheus_print(FILE *out);

/** prometheus_write() - to a file, which is replaced when the new one is whole; enum npuctl_exit */
int prometheus_write(const char *path);

#endif
