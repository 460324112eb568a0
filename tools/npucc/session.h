/* SPDX-License-Identifier: MIT */
/*
 * Copyright (c) 2026 the npu authors
 *
 * An image, run again and again on a device: inputs in by name, a job, outputs out by name.
 */
#ifndef NPUCC_SESSION_H
#define NPUCC_SESSION_H

#include "npu/hw/regs.h"
#include "npu/npu.h"

struct session;

/**
 * session_open() - make a program of an image and memory for its tensors
 *
 * Errors are those of libnpu, with npu_error(), here and below.
 */
int session_open(struct session **s, struct npu_device *dev, const void *image, size_t size);

/** session_close() - NULL is allowed */
void session_close(struct session *s);

/** session_tensor() - an input or output by its name; NULL: there is none */
const struct npu_tensor_info *session_tensor(const struct session *s, uint32_t role,
					     const char *name);

/** session_set(), session_get() - the whole of an input or output */
int session_set(struct session *s, const struct npu_tensor_info *t, const void *data);
int session_get(struct session *s, const struct npu_tensor_info *t, void *data);

/** session_run() - one job; returns when it has ended */
int session_run(struct session *s);

#endif
