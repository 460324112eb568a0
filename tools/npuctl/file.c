// SPDX-License-Identifier: MIT
/*
 * Copyright (c) 2026 the npu authors
 *
 * Writing files.
 */
#include "file.h"

#include <errno.h>
#include <limits.h>
#include <stdbool.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "command.h"

static int failed(const char *path, int error)
{
	return complain(NPUCTL_FAILED, "%s: %s", path, strerror(error));
}

/* Closes @f; returns 0 or an errno. */
static int finish(FILE *f)
{
	bool wrong = ferror(f) || fflush(f);
	int error = wrong ? errno : 0;

	if (fclose(f) && !error)
		error = errno;
	return wrong && !error ? EIO : error;
}

int file_write(const char *path, mode_t mode, void (*write)(FILE *f, const void *opaque),
	       const void *opaque)
{
	char draft[PATH_MAX];
	struct stat st;
	bool direct = !stat(path, &st) && !S_ISREG(st.st_mode);
	int error;
	FILE *f;

	if (!strcmp(path, "-")) {
		/* Whether it arrived main() tells. */
		write(stdout, opaque);
		return NPUCTL_DONE;
	}
	if (snprintf(draft, sizeof(draft), "%s.%ld.tmp", path, (long)getpid()) >=
	    (int)sizeof(draft))
		return failed(path, ENAMETOOLONG);
	f = fopen(direct ? path : draft, direct ? "we" : "wxe");
	if (!f)
		return failed(path, errno);
	write(f, opaque);
	error = mode && !direct && fchmod(fileno(f), mode) ? errno : 0;
	error = finish(f) ?: error;
	if (!error && !direct && rename(draft, path))
		error = errno;
	if (!error)
		return NPUCTL_DONE;
	if (!direct)
		unlink(draft);
	return failed(path, error);
}
