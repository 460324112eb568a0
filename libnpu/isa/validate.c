// SPDX-License-Identifier: MIT
/*
 * Copyright (c) 2026 the npu authors
 *
 * Streams that a card will run: each command by the card's own rules (npu_isa_check), semaphores by
 * the card's own bookkeeping (npu_sems_command), and what only a whole gang or its regions show:
 * leftover tokens, unequal barriers, bytes outside a region. Whether the order suffices is not
 * looked at here: the card's checker does that.
 */
#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "hal/error.h"
#include "npu/image.h"
#include "qemu-device/card/card.h"
#include "qemu-device/card/isa.h"

#include "stream.h"
#include "tables.h"
#include "validate.h"

/**
 * struct use - what a command does to regions
 * @first: lowest offset, of each region that it touches
 * @end: behind the highest
 * @read, @written: bit r: region r
 */
struct use {
	int64_t first[NPU_MAX_REGIONS];
	int64_t end[NPU_MAX_REGIONS];
	uint32_t read, written;
};

static void note_bytes(struct use *u, unsigned int region, bool write, int64_t first, int64_t end)
{
	uint32_t bit = 1u << region;

	if (!((u->read | u->written) & bit) || first < u->first[region])
		u->first[region] = first;
	if (!((u->read | u->written) & bit) || end > u->end[region])
		u->end[region] = end;
	if (write)
		u->written |= bit;
	else
		u->read |= bit;
}

static void note_access(void *opaque, const struct npu_access *a)
{
	int64_t span = (int64_t)a->run, end;
	unsigned int i;

	if (a->space != NPU_SPACE_MEM)
		return;
	for (i = 0; i < a->dims; i++)
		span += (int64_t)(a->count[i] - 1) * a->stride[i];
	/* An offset is any number: where this does not fit, it is beyond every region. */
	if (__builtin_add_overflow(a->base, span, &end))
		end = INT64_MAX;
	note_bytes(opaque, a->region, a->kind == NPU_ACCESS_WRITE, a->base, end);
}

void npu_gather_table(const struct npu_cmd_gather *cmd, int64_t *from, int64_t *to)
{
	int64_t first = (int64_t)cmd->offset, end = first, span;

	if (__builtin_mul_overflow((int64_t)(cmd->rows - 1), (int64_t)cmd->row_stride, &span))
		span = (int64_t)cmd->row_stride < 0 ? INT64_MIN / 2 : INT64_MAX / 2;
	if (span < 0 && __builtin_add_overflow(first, span, &first))
		first = INT64_MIN;
	if (span > 0 && __builtin_add_overflow(end, span, &end))
		end = INT64_MAX;
	if (__builtin_add_overflow(end, (int64_t)cmd->row_bytes, &end))
		end = INT64_MAX;
	*from = first;
	*to = end;
}

static void find_use(const struct npu_cmd *cmd, struct use *u)
{
	u->read = 0;
	u->written = 0;
	npu_isa_footprint(cmd, note_access, u);
	if (cmd->opcode == NPU_OP_GATHER) {
		const struct npu_cmd_gather *gather = (const void *)cmd;
		int64_t first, end;

		npu_gather_table(gather, &first, &end);
		note_bytes(u, gather->region, false, first, end);
	}
}

/* ---- Saying what is wrong -------------------------------------------------------------------- */

struct check {
	struct npu_card_config cfg;
	const struct npu_region_info *region; /* or NULL */
	struct npu_stream_fault *fault;
	unsigned int core;
	const struct npu_cmd *cmd; /* or NULL */
	size_t at;
	uint32_t barriers;
	int err;
};

static int __attribute__((format(printf, 4, 5)))
wrong(struct check *c, unsigned int reason, uint64_t where, const char *fmt, ...)
{
	struct npu_stream_fault *f = c->fault;
	char detail[96], text[sizeof(f->text)];
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(detail, sizeof(detail), fmt, ap);
	va_end(ap);
	if (c->cmd)
		snprintf(text, sizeof(text), "core %u, command at 0x%zx (%s, tag %u): %s", c->core,
			 c->at, npu_isa_name(c->cmd->opcode) ?: "unknown", c->cmd->tag, detail);
	else
		snprintf(text, sizeof(text), "core %u: %s", c->core, detail);
	if (f) {
		memset(f, 0, sizeof(*f));
		f->core = c->core;
		f->reason = reason;
		f->engine = c->cmd ? npu_isa_engine(c->cmd->opcode) : NPU_ENGINE_NONE;
		f->cmd = c->cmd ? (uint32_t)c->at : NPU_ERROR_NO_CMD;
		f->tag = c->cmd ? c->cmd->tag : 0;
		f->where = where;
		memcpy(f->text, text, sizeof(f->text));
	}
	return npu_fail(c->err, "%s", text);
}

static int wrong_command(struct check *c, unsigned int reason, uint64_t where)
{
	const char *text = npu_reason_text(reason);

	switch (reason) {
	case NPU_REASON_RESERVED:
	case NPU_REASON_FIELD:
	case NPU_REASON_ALIGN:
		return wrong(c, reason, where, "%s (at byte %llu of the command)", text,
			     (unsigned long long)where);
	case NPU_REASON_BOUNDS:
		return wrong(c, reason, where, "%s (address %lld)", text, (long long)where);
	case NPU_REASON_SEM_OWNER:
	case NPU_REASON_SEM_OVERFLOW:
	case NPU_REASON_SEMAPHORE:
		return wrong(c, reason, where, "%s (semaphore %llu)", text,
			     (unsigned long long)where);
	default:
		return wrong(c, reason, where, "%s", text ?: "not valid");
	}
}

/* ---- Checking -------------------------------------------------------------------------------- */

static int check_regions(struct check *c)
{
	struct use u;
	unsigned int r;

	find_use(c->cmd, &u);
	for (r = 0; r < NPU_MAX_REGIONS; r++) {
		uint32_t bit = 1u << r;

		if (!((u.read | u.written) & bit))
			continue;
		if (u.first[r] < 0 || (uint64_t)u.end[r] > c->region[r].size)
			return wrong(c, NPU_REASON_RANGE,
				     (uint64_t)(u.first[r] < 0 ? u.first[r] : u.end[r] - 1),
				     "bytes %lld to %lld of region %u, which has %llu",
				     (long long)u.first[r], (long long)u.end[r] - 1, r,
				     (unsigned long long)c->region[r].size);
		if (((u.read & bit) && !(c->region[r].flags & NPU_REGION_READ)) ||
		    ((u.written & bit) && !(c->region[r].flags & NPU_REGION_WRITE)))
			return wrong(c, NPU_REASON_PERMISSION, r, "region %u is not to be %s", r,
				     (u.written & bit) ? "written" : "read");
	}
	return 0;
}

static int check_stream(struct check *c, const struct npu_code *code)
{
	struct npu_sems sems;
	uint64_t where;
	int ret, left;

	npu_sems_reset(&sems);
	c->barriers = 0;
	if ((uintptr_t)code->cmds % NPU_CMD_ALIGN || code->size > UINT32_MAX)
		return wrong(c, NPU_REASON_ALIGN, 0, "commands are not aligned, or 4 GiB and more");
	for (c->at = 0; c->at < code->size; c->at += c->cmd->size) {
		enum npu_reason reason;

		c->cmd = (const void *)((const uint8_t *)code->cmds + c->at);
		reason = npu_isa_check(&c->cfg, c->cmd, code->size - c->at, &where);
		if (reason == NPU_REASON_NONE)
			reason = npu_sems_command(&sems, c->cmd, &where);
		if (reason == NPU_REASON_SIZE && code->size - c->at < sizeof(*c->cmd))
			c->cmd = NULL;
		if (reason != NPU_REASON_NONE)
			return wrong_command(c, reason, where);
		if (c->cmd->opcode == NPU_OP_BARRIER)
			c->barriers++;
		ret = c->region ? check_regions(c) : 0;
		if (ret)
			return ret;
	}
	c->cmd = NULL;
	left = npu_sems_leftover(&sems);
	if (left >= 0)
		return wrong_command(c, NPU_REASON_LEFTOVER, left);
	return 0;
}

static int check_gang(struct check *c, const struct npu_code *code, unsigned int cores)
{
	uint32_t barriers = 0;

	for (c->core = 0; c->core < cores; c->core++) {
		int ret;

		c->cmd = NULL;
		ret = check_stream(c, &code[c->core]);
		if (ret)
			return ret;
		if (c->core && c->barriers != barriers)
			return wrong(c, NPU_REASON_BARRIER, c->barriers,
				     "%u barriers where core 0 has %u", c->barriers, barriers);
		barriers = c->barriers;
	}
	return 0;
}

int npu_code_check(const struct npu_caps *caps, const struct npu_code *code, unsigned int cores,
		   const uint64_t *region_size, struct npu_stream_fault *fault)
{
	struct npu_region_info region[NPU_MAX_REGIONS];
	struct check c = { .fault = fault, .err = -EINVAL };
	unsigned int r;

	if (!cores || cores > NPU_MAX_CORES)
		return npu_fail(-EINVAL, "%u streams: 1 to %d can be", cores, NPU_MAX_CORES);
	npu_caps_config(caps, &c.cfg);
	if (region_size) {
		for (r = 0; r < NPU_MAX_REGIONS; r++)
			region[r] = (struct npu_region_info){
				.flags = NPU_REGION_READ | NPU_REGION_WRITE, .size = region_size[r]
			};
		c.region = region;
	}
	return check_gang(&c, code, cores);
}

int npu_validate_image(const struct npu_image *image)
{
	struct check c = { .region = image->region, .err = -EBADMSG };

	npu_card_config_default(&c.cfg);
	c.cfg.spm_size = image->spm_size;
	c.cfg.acc_size = image->acc_size;
	c.cfg.inject = image->features & NPU_FEATURE_INJECT;
	return check_gang(&c, image->code, image->cores);
}

/* ---- Regions --------------------------------------------------------------------------------- */

int npu_code_regions(const struct npu_code *code, unsigned int cores,
		     struct npu_region_info region[NPU_MAX_REGIONS])
{
	unsigned int core, r;

	memset(region, 0, NPU_MAX_REGIONS * sizeof(*region));
	for (core = 0; core < cores; core++) {
		const struct npu_cmd *cmd;
		size_t at;

		for (at = 0; at < code[core].size; at += cmd->size) {
			struct use u;

			cmd = (const void *)((const uint8_t *)code[core].cmds + at);
			find_use(cmd, &u);
			for (r = 0; r < NPU_MAX_REGIONS; r++) {
				uint32_t bit = 1u << r;

				if (!((u.read | u.written) & bit))
					continue;
				if (u.first[r] < 0)
					return npu_fail(-EINVAL,
							"core %u, command at 0x%zx (tag %u): "
							"begins %llu bytes before region %u",
							core, at, cmd->tag,
							-(unsigned long long)u.first[r], r);
				region[r].kind = NPU_REGION_BOUND;
				if (u.read & bit)
					region[r].flags |= NPU_REGION_READ;
				if (u.written & bit)
					region[r].flags |= NPU_REGION_WRITE;
				if ((uint64_t)u.end[r] > region[r].size)
					region[r].size = u.end[r];
			}
		}
	}
	return 0;
}
