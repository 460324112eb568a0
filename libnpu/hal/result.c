// SPDX-License-Identifier: MIT
/*
 * Copyright (c) 2026 the npu authors
 *
 * Why a job failed: the errno of a status, and words for people.
 */
#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "isa/tables.h"

#include "backend.h"

int npu_status_errno(unsigned int status)
{
	static const int errors[] = {
		[NPU_JOB_OK] = 0,
		[NPU_JOB_FAULT] = -EFAULT,
		[NPU_JOB_DEADLOCK] = -EDEADLK,
		[NPU_JOB_HAZARD] = -EILSEQ,
		[NPU_JOB_INVALID] = -EBADMSG,
		[NPU_JOB_ABORTED] = -ECANCELED,
		[NPU_JOB_CANCELED] = -ECANCELED,
		[NPU_JOB_INDEX] = -ERANGE,
		[NPU_JOB_ECC] = -EIO,
		[NPU_JOB_BUS] = -EIO,
	};

	return status < sizeof(errors) / sizeof(errors[0]) ? errors[status] : -EIO;
}

static const char *status_text(unsigned int status, int error)
{
	switch (status) {
	case NPU_JOB_FAULT:
		return "fault";
	case NPU_JOB_DEADLOCK:
		return "deadlock";
	case NPU_JOB_HAZARD:
		return "hazard";
	case NPU_JOB_INVALID:
		return "invalid stream";
	case NPU_JOB_INDEX:
		return "gather index out of range";
	case NPU_JOB_ECC:
		return "uncorrectable memory error";
	case NPU_JOB_BUS:
		return "bus error";
	default:
		break;
	}
	switch (error) {
	case -ETIMEDOUT:
		return "timeout: no command completed for too long";
	case -ECANCELED:
		return "canceled: its queue was banned by an earlier job, or released";
	case -ENODEV:
		return "the card is gone";
	default:
		return strerror(-error);
	}
}

static const char *space_text(unsigned int space)
{
	static const char *const text[] = { "SPM", "ACC", "memory" };

	return space <= NPU_SPACE_MEM ? text[space] : "?";
}

static const char *access_text(unsigned int access)
{
	static const char *const text[] = { "read", "write", "fetch" };

	return access <= NPU_ACCESS_FETCH ? text[access] : "?";
}

/* What is written so far; what has no room is cut off. */
struct line {
	char *text;
	size_t size, used;
};

static void __attribute__((format(printf, 2, 3))) add(struct line *l, const char *fmt, ...)
{
	size_t room = l->size - l->used;
	va_list ap;
	int n;

	va_start(ap, fmt);
	n = vsnprintf(l->text + l->used, room, fmt, ap);
	va_end(ap);
	if (n > 0)
		l->used += (size_t)n < room ? (size_t)n : room - 1;
}

void npu_result_text(const struct npu_result *r, char *text, size_t size)
{
	const char *reason = npu_reason_text(r->reason);
	struct line l = { .text = text, .size = size };

	add(&l, "%s", status_text(r->status, r->error));
	if (reason)
		add(&l, ": %s", reason);
	if (r->status != NPU_JOB_OK && r->status != NPU_JOB_ABORTED &&
	    r->status != NPU_JOB_CANCELED) {
		add(&l, "; core %u %s", r->core, (npu_engine_text(r->engine) ?: "core"));
		if (r->cmd != NPU_ERROR_NO_CMD)
			add(&l, " command at 0x%x (tag %u)", r->cmd, r->tag);
	}
	if (r->status == NPU_JOB_FAULT || r->status == NPU_JOB_BUS)
		add(&l, ", %s of address 0x%llx", access_text(r->access),
		    (unsigned long long)r->addr);
	else if (r->status == NPU_JOB_INDEX)
		add(&l, ", index %lld", (long long)r->addr);
	else if (r->status == NPU_JOB_INVALID && reason)
		add(&l, ", at %llu", (unsigned long long)r->addr);
	else if (r->status == NPU_JOB_HAZARD && r->reason == NPU_REASON_LEFTOVER)
		add(&l, ", semaphore %llu", (unsigned long long)r->addr);
	else if (r->status == NPU_JOB_HAZARD)
		add(&l, ", %s of %s 0x%llx, %llu bytes", access_text(r->access),
		    space_text(r->space), (unsigned long long)r->addr, (unsigned long long)r->len);
	if (r->status == NPU_JOB_HAZARD && r->other_engine < NPU_ENGINES)
		add(&l, ", against core %u %s command at 0x%x (tag %u)", r->other_core,
		    (npu_engine_text(r->other_engine) ?: "core"), r->other_cmd, r->other_tag);
}

int npu_result_fail(const struct npu_fence *fence)
{
	char text[400];

	npu_result_text(&fence->result, text, sizeof(text));
	if (fence->count > 1)
		return npu_fail(fence->result.error, "job %u of %u: %s", fence->failed,
				fence->count, text);
	return npu_fail(fence->result.error, "%s", text);
}
