/* SPDX-License-Identifier: MIT */
/* Copyright (c) 2026 the npu authors */
/*
 * Failure sentences of the demo. No state.
 */
#include "error.h"

#include <stdarg.h>
#include <stdio.h>

int npu_demo_fail(struct npu_demo_error *err, int code, const char *fmt, ...)
{
	va_list args;

	if (err) {
		va_start(args, fmt);
		vsnprintf(err->text, sizeof(err->text), fmt, args);
		va_end(args);
	}
	return code;
}
