/* SPDX-License-Identifier: MIT */
/* Copyright (c) 2026 the npu authors */
/*
 * How the demo's parts say what went wrong: a negative errno as the return value and one sentence
 * for people in a buffer of the caller's.
 */
#ifndef TOOLS_DEMO_ERROR_H
#define TOOLS_DEMO_ERROR_H

struct npu_demo_error {
	char text[256];
};

/**
 * npu_demo_fail() - record a failure
 * @err: receives the sentence; may be NULL
 * @code: negative errno
 * @fmt: printf format of the sentence
 *
 * Returns @code, so that a function can end with it.
 */
int npu_demo_fail(struct npu_demo_error *err, int code, const char *fmt, ...)
	__attribute__((format(printf, 3, 4)));

#endif
