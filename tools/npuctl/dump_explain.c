// SPDX-License-Identifier: MIT
/*
 * Copyright (c) 2026 the npu authors
 *
 * What a dump says: in a sentence, which command it was, what was mapped near the address.
 */
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "npu/hw/isa.h"
#include "npu/npu.h"

#include "dump.h"
#include "output.h"

/* Commands shown before the failing one, and after it. */
#define NEIGHBOURS 4

/* ---- The sentence ---------------------------------------------------------------------------- */

const char *dump_reason(uint32_t reason)
{
	static const char *const words[] = {
		[NPU_DUMP_FAULT] = "fault",   [NPU_DUMP_TIMEOUT] = "timeout",
		[NPU_DUMP_RING] = "ring",     [NPU_DUMP_RESET] = "reset",
		[NPU_DUMP_WEDGED] = "wedged",
	};

	return reason < sizeof(words) / sizeof(*words) && words[reason] ? words[reason] : "unknown";
}

static void error_text(const struct dump *d, char *text, size_t size)
{
	const struct npu_error *e = &d->job.error;
	const struct npu_result r = {
		.error = (int32_t)d->job.status,
		.status = e->status,
		.reason = e->reason,
		.core = e->core,
		.engine = e->engine,
		.access = e->access,
		.space = e->space,
		.other_core = e->other_core,
		.other_engine = e->other_engine,
		.cmd = e->cmd,
		.other_cmd = e->other_cmd,
		.tag = e->tag,
		.other_tag = e->other_tag,
		.addr = e->addr,
		.len = e->len,
	};

	npu_result_text(&r, text, size);
}

void dump_sentence(const struct dump *d, char *text, size_t size)
{
	char job[128], error[400];

	snprintf(job, sizeof(job),
		 "job %" PRIu64 " of queue %" PRIu32 " of %s (process %" PRIu32 ")",
		 (uint64_t)d->job.seqno, d->job.queue, output_name((const char *)d->job.comm),
		 d->job.pid);
	switch (d->has_job ? d->header.reason : 0) {
	case NPU_DUMP_FAULT:
		if (d->job.ended)
			error_text(d, error, sizeof(error));
		else
			snprintf(error, sizeof(error), "the card did not tell which");
		snprintf(text, size, "J%s ended with an error: %s.", job + 1, error);
		return;
	case NPU_DUMP_TIMEOUT:
		snprintf(text, size, "J%s completed no command for %" PRIu32 " ms and was ended.",
			 job + 1, d->job.timeout_ms);
		return;
	case NPU_DUMP_RING:
		snprintf(text, size, "Ring %" PRIu32 " had to be reset; it had %s.", d->job.ring,
			 job);
		return;
	}
	if (!d->has_job)
		job[0] = 0;
	switch (d->header.reason) {
	case NPU_DUMP_RESET:
		snprintf(text, size, "The card had to be reset%s%s.", job[0] ? "; it had " : "",
			 job);
		return;
	case NPU_DUMP_WEDGED:
		snprintf(text, size, "The card was given up%s%s.", job[0] ? "; it had " : "", job);
		return;
	case NPU_DUMP_RING:
		snprintf(text, size, "A ring had to be reset.");
		return;
	default:
		snprintf(text, size, "A job went wrong, and the dump does not tell which.");
	}
}

/* ---- The command ----------------------------------------------------------------------------- */

/* Bytes of the command at @at, by its own header; 0: it is none, or not whole. */
static size_t command_size(const struct dump_view *code, size_t at)
{
	struct npu_cmd cmd;

	if (code->count - at < sizeof(cmd))
		return 0;
	memcpy(&cmd, code->at + at, sizeof(cmd));
	return cmd.size >= sizeof(cmd) && cmd.size % sizeof(cmd) == 0 &&
			       cmd.size <= code->count - at ?
		       cmd.size :
		       0;
}

/* Whether commands follow each other from @at to @target; fills where the last ones begin. */
static bool leads_to(const struct dump_view *code, size_t at, size_t target,
		     size_t last[NEIGHBOURS], unsigned int *count)
{
	*count = 0;
	while (at < target) {
		size_t size = command_size(code, at);

		if (!size)
			return false;
		if (*count == NEIGHBOURS)
			memmove(last, last + 1, (NEIGHBOURS - 1) * sizeof(*last));
		else
			++*count;
		last[*count - 1] = at;
		at += size;
	}
	return at == target;
}

/* Copies whole commands from @first on: up to @target, that one and @count more. */
static void copy(const struct dump_view *code, size_t first, size_t target, unsigned int count,
		 struct dump_code *out)
{
	size_t end = target, size;

	for (unsigned int n = 0; n <= count; n++) {
		size = command_size(code, end);
		if (!size)
			break;
		end += size;
	}
	/* What is no command is shown as that. */
	if (end == target)
		end = code->count;
	out->size = end - first;
	/* Aligned, as commands are. */
	out->bytes = malloc(out->size);
	if (out->bytes)
		memcpy(out->bytes, code->at + first, out->size);
	out->start += first;
}

/*
 * What the driver cut out need not begin with a command: the first place from which commands lead
 * to the failing one is taken for a beginning.
 */
static size_t find_first(const struct dump_view *code, size_t target)
{
	size_t last[NEIGHBOURS];
	unsigned int count;

	for (size_t at = 0; at < target; at += sizeof(struct npu_cmd))
		if (leads_to(code, at, target, last, &count))
			return last[0];
	return target;
}

bool dump_code(const struct dump *d, struct dump_code *out)
{
	struct dump_view streams = dump_find(d, NPU_DUMP_STREAMS, 0), code;
	struct npu_dump_stream s = { 0 };
	uint32_t i;

	for (i = 0; i < streams.count; i++) {
		dump_entry(&streams, i, &s, sizeof(s));
		if (s.cmd != NPU_ERROR_NO_CMD)
			break;
	}
	if (!streams.count)
		return false;
	if (i == streams.count)
		dump_entry(&streams, i = 0, &s, sizeof(s));
	*out = (struct dump_code){
		.stream = i, .known = s.cmd != NPU_ERROR_NO_CMD, .cmd = s.cmd, .start = s.start
	};
	code = dump_find(d, NPU_DUMP_CODE, i);
	if (code.stride != 1 || !code.count)
		return true;
	if (!out->known)
		copy(&code, 0, 0, 2 * NEIGHBOURS, out);
	else if (s.cmd >= s.start && s.cmd - s.start < code.count)
		copy(&code, find_first(&code, s.cmd - s.start), s.cmd - s.start, NEIGHBOURS, out);
	return true;
}

/* ---- The address ----------------------------------------------------------------------------- */

bool dump_address(const struct dump *d, uint64_t *addr)
{
	const struct npu_error *e = &d->job.error;

	*addr = e->addr;
	return d->has_job && d->job.ended && e->space == NPU_SPACE_MEM &&
	       (e->status == NPU_JOB_FAULT || e->status == NPU_JOB_BUS ||
		e->status == NPU_JOB_HAZARD);
}

unsigned int dump_near(const struct dump *d, uint64_t addr, struct dump_near near[2])
{
	struct dump_view v = dump_find(d, NPU_DUMP_MAPPINGS, 0);
	struct dump_near below = { .distance = UINT64_MAX }, above = { .distance = UINT64_MAX };
	unsigned int n = 0;

	for (uint32_t i = 0; i < v.count; i++) {
		struct npu_dump_mapping m;

		dump_entry(&v, i, &m, sizeof(m));
		if (addr >= m.addr && addr - m.addr < m.size) {
			near[0] = (struct dump_near){ .mapping = m };
			return 1;
		}
		if (m.addr > addr && m.addr - addr < above.distance)
			above = (struct dump_near){ m, m.addr - addr, false };
		/* One that wraps around is damaged, and ends below by no measure. */
		if (m.addr < addr && addr - m.addr - m.size + 1 < below.distance)
			below = (struct dump_near){ m, addr - m.addr - m.size + 1, true };
	}
	if (below.distance != UINT64_MAX)
		near[n++] = below;
	if (above.distance != UINT64_MAX)
		near[n++] = above;
	return n;
}

/* ---- Registers ------------------------------------------------------------------------------- */

struct name {
	uint32_t offset;
	const char *name;
};

#define CARD(reg)                   \
	{                           \
		NPU_REG_##reg, #reg \
	}
#define RING(reg)                    \
	{                            \
		NPU_RING_##reg, #reg \
	}

static const struct name card_names[] = {
	CARD(MAGIC),	      CARD(REVISION),	     CARD(ISA),		  CARD(FEATURES),
	CARD(CORES),	      CARD(RINGS),	     CARD(SPM_SIZE),	  CARD(ACC_SIZE),
	CARD(ARRAY_ROWS),     CARD(ARRAY_COLS),	     CARD(LMEM_SIZE_LO),  CARD(LMEM_SIZE_HI),
	CARD(DMA_BITS),	      CARD(CLOCK_KHZ),	     CARD(VPU_LANES),	  CARD(WEIGHT_ROWS),
	CARD(DW_CHANNELS),    CARD(DW_TAPS),	     CARD(FLOAT_DIV),	  CARD(LMEM_BW),
	CARD(LMEM_LATENCY),   CARD(PCIE_BW),	     CARD(PCIE_LATENCY),  CARD(CMD_CYCLES),
	CARD(BARRIER_CYCLES), CARD(MAC_FJ),	     CARD(LMEM_FJ),	  CARD(PCIE_FJ),
	CARD(VPU_FJ),	      CARD(IDLE_MW),	     CARD(CTRL),	  CARD(STATUS),
	CARD(CTX_BASE_LO),    CARD(CTX_BASE_HI),     CARD(CTX_COUNT),	  CARD(EVENT_STATUS),
	CARD(EVENT_ENABLE),   CARD(TLB_CTX),	     CARD(TLB_START_LO),  CARD(TLB_START_HI),
	CARD(TLB_LAST_LO),    CARD(TLB_LAST_HI),     CARD(TLB_CMD),	  CARD(TLB_DONE),
	CARD(TEMP_MC),	      CARD(POWER_MW),	     CARD(CUR_CLOCK_KHZ), CARD(THROTTLE),
	CARD(ENERGY_LO),      CARD(ENERGY_HI),	     CARD(UPTIME_LO),	  CARD(UPTIME_HI),
	CARD(ECC_CORRECTED),  CARD(ECC_UNCORRECTED), CARD(PCIE_LINK),	  CARD(RESETS),
	CARD(TEMP_CRIT_MC),
};

static const struct name ring_names[] = {
	RING(DESC_LO),	 RING(DESC_HI),	   RING(CPL_LO),     RING(CPL_HI),   RING(TAIL_LO),
	RING(TAIL_HI),	 RING(SIZE_LOG2),  RING(PRIORITY),   RING(IRQ),	     RING(SAVE_LO),
	RING(SAVE_HI),	 RING(SAVE_SIZE),  RING(CTRL),	     RING(STATUS),   RING(HEAD),
	RING(CPL_COUNT), RING(JOB_LO),	   RING(JOB_HI),     RING(PROGRESS), RING(BUSY_LO),
	RING(BUSY_HI),	 RING(CMD_JOB_LO), RING(CMD_JOB_HI), RING(CMD),
};

static const char *find_name(const struct name *names, size_t count, uint32_t offset)
{
	for (size_t i = 0; i < count; i++)
		if (names[i].offset == offset)
			return names[i].name;
	return NULL;
}

#define FIND(names, offset) find_name(names, sizeof(names) / sizeof(*(names)), offset)

static bool core_register(uint32_t core, uint32_t offset, char *name, size_t size)
{
	static const char *const engines[] = { "LOAD", "MXU", "VPU", "STORE" };
	static const char *const counters[] = { "BUSY", "STALL_SEM",  "STALL_PORT", "CMDS",
						"WORK", "LMEM_BYTES", "PCIE_BYTES", "ENERGY_NJ" };
	uint32_t n = (offset - NPU_CORE_CTR(0, 0)) / 4;

	if (offset == NPU_CORE_CTRL || offset == NPU_CORE_STATUS) {
		snprintf(name, size, "CORE%" PRIu32 "_%s", core,
			 offset == NPU_CORE_CTRL ? "CTRL" : "STATUS");
		return true;
	}
	if (offset < NPU_CORE_CTR(0, 0) || offset >= NPU_CORE_CTR(NPU_ENGINES, 0))
		return false;
	snprintf(name, size, "CORE%" PRIu32 "_%s_%s_%s", core, engines[n / 2 / NPU_CTRS],
		 counters[n / 2 % NPU_CTRS], n % 2 ? "HI" : "LO");
	return true;
}

bool dump_register(uint32_t offset, char *name, size_t size)
{
	const char *found = FIND(card_names, offset);

	if (found) {
		snprintf(name, size, "%s", found);
		return true;
	}
	if (offset % 4)
		return false;
	if (offset >= NPU_CORE_BASE && offset < NPU_CORE(NPU_MAX_CORES))
		return core_register((offset - NPU_CORE_BASE) / NPU_CORE_STRIDE,
				     (offset - NPU_CORE_BASE) % NPU_CORE_STRIDE, name, size);
	if (offset < NPU_RING_BASE || offset >= NPU_RING(NPU_MAX_RINGS))
		return false;
	found = FIND(ring_names, (offset - NPU_RING_BASE) % NPU_RING_STRIDE);
	if (found)
		snprintf(name, size, "RING%" PRIu32 "_%s",
			 (offset - NPU_RING_BASE) / NPU_RING_STRIDE, found);
	return found;
}
