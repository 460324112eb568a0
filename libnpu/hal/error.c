// SPDX-License-Identifier: MIT
/*
 * Copyright (c) 2026 the npu authors
 *
 * The last error of each thread, in words.
 */
#include "error.h"

#include <stdarg.h>
#include <stdio.h>

#include "npu/npu.h"

static _Thread_local char text[512];

int npu_fail(int err, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(text, sizeof(text), fmt, ap);
	va_end(ap);
	return err;
}

const char *npu_error(void)
{
	return text;
}

#define STRING(x)	 #x
#define VERSION(a, b, c) STRING(a) "." STRING(b) "." STRING(c)

const char *npu_version(void)
{
	return VERSION(NPU_VERSION_MAJOR, NPU_VERSION_MINOR, NPU_VERSION_PATCH);
}
