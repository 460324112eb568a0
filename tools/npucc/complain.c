// SPDX-License-Identifier: MIT
/* Copyright (c) 2026 the npu authors */
/*
 * See complain.h.
 */
#include "complain.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

int complain(const char *fmt, ...)
{
	va_list ap;

	fputs("npucc: ", stderr);
	va_start(ap, fmt);
	vfprintf(stderr, fmt, ap);
	va_end(ap);
	fputc('\n', stderr);
	return EXIT_FAILURE;
}
