/* SPDX-License-Identifier: MIT */
/*
 * Copyright (c) 2026 the npu authors
 *
 * How npucc says what went wrong.
 */
#ifndef NPUCC_COMPLAIN_H
#define NPUCC_COMPLAIN_H

/** complain() - one line to stderr, after the program's name; returns EXIT_FAILURE */
int complain(const char *fmt, ...) __attribute__((format(printf, 1, 2)));

#endif
