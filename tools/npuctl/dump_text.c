// SPDX-License-Identifier: MIT
/*
 * Copyright (c) 2026 the npu authors
 *
 * A dump for people: first what happened, then what shows it.
 */
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "npu/stream.h"

#include "dump.h"
#include "output.h"

/* "EFAULT" */
static const char *errno_name(uint32_t error)
{
	const char *name = strerrorname_np(-(int32_t)error);

	return error ? name ?: "?" : "-";
}

static void print_head(FILE *out, const struct dump *d)
{
	const struct npu_dump_header *h = &d->header;
	time_t seconds = h->time_ns / 1000000000;
	char when[64] = "?", sentence[800];
	struct tm tm;

	if (gmtime_r(&seconds, &tm))
		strftime(when, sizeof(when), "%Y-%m-%d %H:%M:%S UTC", &tm);
	dump_sentence(d, sentence, sizeof(sentence));
	fprintf(out, "%s%s%s\n\n", output_colour(out, OUTPUT_BAD), sentence,
		output_colour(out, OUTPUT_PLAIN));
	fprintf(out, "when    %s, %.6f s after the start of the machine\n", when,
		h->boot_ns * 1e-9);
	fprintf(out, "card    %s, Linux %s, driver %s\n", output_name((const char *)h->device),
		output_name((const char *)h->kernel), output_name((const char *)h->driver));
	fprintf(out, "reason  %s\n", dump_reason(h->reason));
	if (h->truncated)
		fprintf(out, "        %" PRIu32 " parts had no room and are missing\n",
			h->truncated);
}

/* The library's listing begins at 0; its offsets are six digits at the beginning of a line. */
static void print_commands(FILE *out, const struct dump_code *code)
{
	const struct npu_code part = { .cmds = code->bytes, .size = code->size };
	char *text = NULL, *line, *rest;
	size_t size = 0;
	FILE *f = open_memstream(&text, &size);

	if (!f)
		return;
	npu_disasm(f, &part, NPU_DISASM_TEXT);
	fclose(f);
	for (rest = text; rest && (line = strsep(&rest, "\n")) && rest;) {
		uint64_t at = code->start + strtoull(line, NULL, 16);
		bool this = code->known && at == code->cmd;

		fprintf(out, "%s%s %06" PRIx64 "%s%s\n", this ? output_colour(out, OUTPUT_BAD) : "",
			this ? "=>" : "  ", at, line + strcspn(line, " "),
			this ? output_colour(out, OUTPUT_PLAIN) : "");
	}
	free(text);
}

static void print_code(FILE *out, const struct dump *d)
{
	struct dump_code code;

	if (!dump_code(d, &code))
		return;
	if (code.known)
		fprintf(out, "\nCommands of stream %" PRIu32 " around the one at 0x%" PRIx32 "\n",
			code.stream, code.cmd);
	else
		fprintf(out,
			"\nThe card did not tell which command. Stream %" PRIu32 ", from 0x%" PRIx64
			" on\n",
			code.stream, code.start);
	if (code.bytes)
		print_commands(out, &code);
	else
		fputs("   the driver could not read them\n", out);
	free(code.bytes);
}

static const char *mapping_text(const struct npu_dump_mapping *m)
{
	static char text[200];

	snprintf(text, sizeof(text),
		 "0x%" PRIx64 " .. 0x%" PRIx64 ": %s %s%s%s, offset 0x%" PRIx64
		 " of a buffer of %s",
		 (uint64_t)m->addr, (uint64_t)(m->addr + m->size - 1), output_bytes(m->size),
		 m->flags & NPU_DUMP_MAPPING_LOCAL ? "of local memory" : "of host memory",
		 m->flags & NPU_DUMP_MAPPING_READONLY ? ", read-only" : "",
		 m->flags & NPU_DUMP_MAPPING_SHARED ? ", shared" : "", (uint64_t)m->offset,
		 output_bytes(m->buffer_size));
	return text;
}

/* "  (region 1 + 0x1000)": regions that begin in the mapping. */
static void print_regions_in(FILE *out, const struct dump *d, const struct npu_dump_mapping *m)
{
	for (unsigned int r = 0; d->has_table && r < NPU_MAX_REGIONS; r++) {
		uint64_t base = d->table.region[r];

		if (base >= m->addr && base - m->addr < m->size)
			fprintf(out, "           region %u begins 0x%" PRIx64 " bytes into it\n", r,
				base - (uint64_t)m->addr);
	}
}

static void print_address(FILE *out, const struct dump *d)
{
	struct dump_near near[2];
	unsigned int count;
	uint64_t addr;

	if (!dump_address(d, &addr))
		return;
	count = dump_near(d, addr, near);
	fprintf(out, "\nThe address 0x%" PRIx64 "\n", addr);
	for (unsigned int r = 0; d->has_table && r < NPU_MAX_REGIONS; r++)
		if (d->table.region[r] == addr)
			fprintf(out, "  is the beginning of region %u\n", r);
	if (!count)
		fputs("  nothing at all is mapped in this job's address space\n", out);
	for (unsigned int i = 0; i < count; i++) {
		const struct npu_dump_mapping *m = &near[i].mapping;

		if (near[i].distance)
			fprintf(out, "  %s it, 0x%" PRIx64 " bytes away, is\n",
				near[i].below ? "below" : "above", near[i].distance);
		else
			fprintf(out, "  is 0x%" PRIx64 " bytes into\n", addr - (uint64_t)m->addr);
		fprintf(out, "           %s\n", mapping_text(m));
		print_regions_in(out, d, m);
	}
}

static void print_mappings(FILE *out, const struct dump *d)
{
	struct dump_view v = dump_find(d, NPU_DUMP_MAPPINGS, 0);

	if (!v.count)
		return;
	fputs("\nMapped near it\n", out);
	for (uint32_t i = 0; i < v.count; i++) {
		struct npu_dump_mapping m;

		dump_entry(&v, i, &m, sizeof(m));
		fprintf(out, "  %s\n", mapping_text(&m));
	}
}

static void print_queues(FILE *out, const struct dump *d)
{
	static const char *const priorities[] = { "low", "normal", "high", "realtime" };
	struct dump_view v = dump_find(d, NPU_DUMP_QUEUES, 0);
	struct table *t;

	if (!v.count)
		return;
	fputs("\nQueues\n", out);
	t = table_create(">CLIENT|>QUEUE|>PID|PROCESS|PRIORITY|>SUBMITTED|>ENDED|>TIMEOUT|BANNED");
	for (uint32_t i = 0; i < v.count; i++) {
		struct npu_dump_queue q;

		dump_entry(&v, i, &q, sizeof(q));
		q.comm[sizeof(q.comm) - 1] = 0;
		table_add(t,
			  "%" PRIu64 "|%" PRIu32 "|%" PRIu32 "|%s|%s|%" PRIu64 "|%" PRIu64
			  "|%" PRIu32 " ms|%s",
			  (uint64_t)q.client, q.queue, q.pid, output_cell((const char *)q.comm),
			  q.priority < 4 ? priorities[q.priority] : "?", (uint64_t)q.submitted,
			  (uint64_t)q.completed, q.timeout_ms, errno_name(q.error));
	}
	table_print(t, out);
}

/* Rings that have had no job yet tell nothing. */
static void print_rings(FILE *out, const struct dump *d, bool all)
{
	struct dump_view v = dump_find(d, NPU_DUMP_RINGS, 0);
	uint32_t unused = 0;
	struct table *t;

	if (!v.count)
		return;
	fputs("\nRings\n", out);
	t = table_create(">RING|>PRIORITY|>WRITTEN|>ENDED|>JOBS LEFT|STATE");
	for (uint32_t i = 0; i < v.count; i++) {
		struct npu_dump_ring r;

		dump_entry(&v, i, &r, sizeof(r));
		if (!all && !r.written && !r.flags) {
			unused++;
			continue;
		}
		table_add(t, "%" PRIu32 "|%" PRIu32 "|%" PRIu32 "|%" PRIu32 "|%" PRIu32 "|%s",
			  r.ring, r.priority, r.written, r.completed,
			  dump_find(d, NPU_DUMP_SLOTS, r.ring).count,
			  r.flags & NPU_DUMP_RING_BROKEN ? "waits for its reset" :
			  r.flags & NPU_DUMP_RING_HALTED ? "being reset" :
							   "runs");
	}
	table_print(t, out);
	if (unused)
		fprintf(out, "%" PRIu32 " more have had no job since they were set up.\n", unused);
}

static void print_registers(FILE *out, const struct dump *d)
{
	static const char *const moments[] = { "when it was found out", "moments later" };

	for (unsigned int moment = 0; moment < 2; moment++) {
		struct dump_view v = dump_find(d, NPU_DUMP_REGS, moment);

		if (v.count)
			fprintf(out, "\nRegisters, %s\n", moments[moment]);
		for (uint32_t i = 0; i < v.count; i++) {
			struct npu_dump_reg r;
			char name[48] = "";

			dump_entry(&v, i, &r, sizeof(r));
			dump_register(r.offset, name, sizeof(name));
			fprintf(out, "  %05" PRIx32 "  %08" PRIx32 "%s%s\n", r.offset, r.value,
				name[0] ? "  " : "", name);
		}
	}
}

void dump_text(FILE *out, const struct dump *d, bool registers)
{
	uint64_t addr;

	print_head(out, d);
	print_code(out, d);
	print_address(out, d);
	/* The sentence is about an address, or these are of no interest but to one who wants all. */
	if (registers || dump_address(d, &addr))
		print_mappings(out, d);
	print_queues(out, d);
	print_rings(out, d, registers);
	if (registers)
		print_registers(out, d);
}
