/* SPDX-License-Identifier: MIT */
/*
 * Copyright (c) 2026 the npu authors
 *
 * Writing a file of results: it appears under its name when it is whole, or not at all.
 */
#ifndef NPUCTL_FILE_H
#define NPUCTL_FILE_H

#include <stdio.h>
#include <sys/types.h>

/**
 * file_write() - write a file
 * @path: "-" is stdout; what is no regular file (/dev/null, a pipe) is written as it is
 * @mode: its permissions; 0: what the umask leaves
 * @write: prints it; errors stay in the FILE
 *
 * Returns enum npuctl_exit, having said what is wrong.
 */
int file_write(const char *path, mode_t mode, void (*write)(FILE *f, const void *opaque),
	       const void *opaque);

#endif
