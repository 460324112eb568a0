/* SPDX-License-Identifier: MIT */
/*
 * Copyright (c) 2026 the npu authors
 *
 * What npu_error() says. Whoever finds an error words it, once, where it is found; callers hand the
 * number on.
 */
#ifndef NPU_HAL_ERROR_H
#define NPU_HAL_ERROR_H

/**
 * npu_fail() - word an error of this thread
 * @err: negative errno
 * @fmt: one line without newline, naming the argument that was wrong
 *
 * Returns @err.
 */
int npu_fail(int err, const char *fmt, ...) __attribute__((format(printf, 2, 3)));

#endif
