// SPDX-License-Identifier: MIT
/*
 * Copyright (c) 2026 the npu authors
 *
 * A dump as JSON. Addresses and the card's names of jobs are texts in hexadecimal: JSON's integers
 * end before 64 bits.
 */
#include <inttypes.h>
#include <stdlib.h>

#include "npu/stream.h"

#include "dump.h"
#include "output.h"

static json_t *hex(uint64_t v)
{
	char text[24];

	snprintf(text, sizeof(text), "0x%" PRIx64, v);
	return json_string(text);
}

/* A count; what is beyond JSON's integers is damaged anyway. */
static json_t *number(uint64_t v)
{
	return json_integer(v > INT64_MAX ? INT64_MAX : (json_int_t)v);
}

static const char *text(const uint8_t *s)
{
	return output_name((const char *)s);
}

static json_t *job_json(const struct dump *d)
{
	const struct npu_dump_job *j = &d->job;

	if (!d->has_job)
		return json_null();
	return output_pack("{s:o,s:o,s:o,s:o,s:I,s:I,s:s,s:I,s:I,s:I,s:i,s:I,s:b}", "number",
			   number(j->seqno), "id", hex(j->id), "cycles", number(j->cycles),
			   "client", number(j->client), "queue", (json_int_t)j->queue, "pid",
			   (json_int_t)j->pid, "comm", text(j->comm), "ring", (json_int_t)j->ring,
			   "context", (json_int_t)j->ctx, "cores", (json_int_t)j->ncores, "errno",
			   (int)(int32_t)j->status, "timeout_ms", (json_int_t)j->timeout_ms,
			   "ended", j->ended != 0);
}

static json_t *error_json(const struct dump *d)
{
	const struct npu_error *e = &d->job.error;

	if (!d->has_job || !d->job.ended)
		return json_null();
	return output_pack("{s:i,s:i,s:i,s:i,s:i,s:i,s:i,s:i,s:I,s:I,s:I,s:I,s:o,s:o}", "status",
			   (int)e->status, "reason", (int)e->reason, "core", (int)e->core, "engine",
			   (int)e->engine, "access", (int)e->access, "space", (int)e->space,
			   "other_core", (int)e->other_core, "other_engine", (int)e->other_engine,
			   "command", (json_int_t)e->cmd, "other_command", (json_int_t)e->other_cmd,
			   "tag", (json_int_t)e->tag, "other_tag", (json_int_t)e->other_tag,
			   "address", hex(e->addr), "bytes", number(e->len));
}

/* npu_disasm()'s array with offsets of the stream; empty where the dump has no commands. */
static json_t *commands_json(const struct dump_code *code)
{
	const struct npu_code part = { .cmds = code->bytes, .size = code->size };
	json_t *commands = NULL, *one;
	char *listing = NULL;
	size_t size = 0, i;
	FILE *f = code->bytes ? open_memstream(&listing, &size) : NULL;

	if (f) {
		npu_disasm(f, &part, NPU_DISASM_JSON);
		if (!fclose(f))
			commands = json_loadb(listing, size, 0, NULL);
		free(listing);
	}
	if (!commands)
		commands = json_array();
	json_array_foreach(commands, i, one) json_object_set_new(
		one, "at", number(code->start + json_integer_value(json_object_get(one, "at"))));
	return commands;
}

static json_t *command_json(const struct dump *d)
{
	struct dump_code code;
	json_t *j;

	if (!dump_code(d, &code))
		return json_null();
	j = output_pack("{s:I, s:o, s:o}", "stream", (json_int_t)code.stream, "at",
			code.known ? json_integer(code.cmd) : json_null(), "commands",
			commands_json(&code));
	free(code.bytes);
	return j;
}

static json_t *mapping_json(const struct npu_dump_mapping *m)
{
	return output_pack("{s:o,s:o,s:o,s:o,s:b,s:b,s:b}", "address", hex(m->addr), "bytes",
			   number(m->size), "offset", number(m->offset), "buffer_bytes",
			   number(m->buffer_size), "readonly",
			   (m->flags & NPU_DUMP_MAPPING_READONLY) != 0, "local",
			   (m->flags & NPU_DUMP_MAPPING_LOCAL) != 0, "shared",
			   (m->flags & NPU_DUMP_MAPPING_SHARED) != 0);
}

static json_t *address_json(const struct dump *d)
{
	json_t *list = json_array();
	struct dump_near near[2];
	unsigned int count;
	uint64_t addr;

	if (!dump_address(d, &addr)) {
		json_decref(list);
		return json_null();
	}
	count = dump_near(d, addr, near);
	for (unsigned int i = 0; i < count; i++)
		json_array_append_new(list,
				      output_pack("{s:o, s:o, s:s}", "mapping",
						  mapping_json(&near[i].mapping), "distance_bytes",
						  number(near[i].distance), "lies",
						  !near[i].distance ? "around" :
						  near[i].below	    ? "below" :
								      "above"));
	return output_pack("{s:o, s:o}", "address", hex(addr), "near", list);
}

static json_t *mappings_json(const struct dump *d)
{
	struct dump_view v = dump_find(d, NPU_DUMP_MAPPINGS, 0);
	json_t *list = json_array();

	for (uint32_t i = 0; i < v.count; i++) {
		struct npu_dump_mapping m;

		dump_entry(&v, i, &m, sizeof(m));
		json_array_append_new(list, mapping_json(&m));
	}
	return list;
}

static json_t *regions_json(const struct dump *d)
{
	json_t *list = json_array();

	for (unsigned int i = 0; d->has_table && i < NPU_MAX_REGIONS; i++)
		json_array_append_new(list, hex(d->table.region[i]));
	return list;
}

static json_t *queues_json(const struct dump *d)
{
	struct dump_view v = dump_find(d, NPU_DUMP_QUEUES, 0);
	json_t *list = json_array();

	for (uint32_t i = 0; i < v.count; i++) {
		struct npu_dump_queue q;

		dump_entry(&v, i, &q, sizeof(q));
		q.comm[sizeof(q.comm) - 1] = 0;
		json_array_append_new(
			list,
			output_pack("{s:o,s:I,s:I,s:s,s:I,s:o,s:o,s:o,s:i,s:I,s:I}", "client",
				    number(q.client), "queue", (json_int_t)q.queue, "pid",
				    (json_int_t)q.pid, "comm", text(q.comm), "priority",
				    (json_int_t)q.priority, "submitted", number(q.submitted),
				    "completed", number(q.completed), "cycles", number(q.cycles),
				    "errno", (int)(int32_t)q.error, "context", (json_int_t)q.ctx,
				    "timeout_ms", (json_int_t)q.timeout_ms));
	}
	return list;
}

static json_t *slots_json(const struct dump *d, uint32_t ring)
{
	struct dump_view v = dump_find(d, NPU_DUMP_SLOTS, ring);
	json_t *list = json_array();

	for (uint32_t i = 0; i < v.count; i++) {
		struct npu_dump_slot s;

		dump_entry(&v, i, &s, sizeof(s));
		json_array_append_new(list,
				      output_pack("{s:I,s:o,s:I,s:I,s:b,s:b}", "position",
						  (json_int_t)s.position, "id", hex(s.desc.job_id),
						  "context", (json_int_t)s.desc.ctx, "cores",
						  (json_int_t)s.desc.ncores, "canceled",
						  (s.flags & NPU_DUMP_SLOT_CANCELED) != 0, "guilty",
						  (s.flags & NPU_DUMP_SLOT_GUILTY) != 0));
	}
	return list;
}

static json_t *rings_json(const struct dump *d)
{
	struct dump_view v = dump_find(d, NPU_DUMP_RINGS, 0);
	json_t *list = json_array();

	for (uint32_t i = 0; i < v.count; i++) {
		struct npu_dump_ring r;

		dump_entry(&v, i, &r, sizeof(r));
		json_array_append_new(
			list,
			output_pack("{s:I,s:I,s:I,s:I,s:b,s:b,s:o}", "ring", (json_int_t)r.ring,
				    "priority", (json_int_t)r.priority, "completed",
				    (json_int_t)r.completed, "written", (json_int_t)r.written,
				    "broken", (r.flags & NPU_DUMP_RING_BROKEN) != 0, "halted",
				    (r.flags & NPU_DUMP_RING_HALTED) != 0, "jobs",
				    slots_json(d, r.ring)));
	}
	return list;
}

static void add_registers(const struct dump *d, enum npu_dump_moment moment, json_t *list)
{
	struct dump_view v = dump_find(d, NPU_DUMP_REGS, moment);

	for (uint32_t i = 0; i < v.count; i++) {
		struct npu_dump_reg r;
		char name[48];

		dump_entry(&v, i, &r, sizeof(r));
		json_array_append_new(
			list, output_pack("{s:s,s:I,s:s?,s:I}", "when",
					  moment == NPU_DUMP_AT_ONCE ? "at_once" : "later",
					  "offset", (json_int_t)r.offset, "name",
					  dump_register(r.offset, name, sizeof(name)) ? name : NULL,
					  "value", (json_int_t)r.value));
	}
}

json_t *dump_json(const struct dump *d)
{
	const struct npu_dump_header *h = &d->header;
	json_t *doc = output_document("npuctl-dump"), *registers = json_array();
	char sentence[800];

	dump_sentence(d, sentence, sizeof(sentence));
	add_registers(d, NPU_DUMP_AT_ONCE, registers);
	add_registers(d, NPU_DUMP_LATER, registers);
	json_object_set_new(doc, "summary", json_string(sentence));
	json_object_set_new(doc, "reason", json_string(dump_reason(h->reason)));
	json_object_set_new(doc, "pci", json_string(text(h->device)));
	json_object_set_new(doc, "kernel", json_string(text(h->kernel)));
	json_object_set_new(doc, "driver", json_string(text(h->driver)));
	json_object_set_new(doc, "time_ns", number(h->time_ns));
	json_object_set_new(doc, "boot_ns", number(h->boot_ns));
	json_object_set_new(doc, "truncated", json_integer(h->truncated));
	json_object_set_new(doc, "job", job_json(d));
	json_object_set_new(doc, "error", error_json(d));
	json_object_set_new(doc, "code", command_json(d));
	json_object_set_new(doc, "fault", address_json(d));
	json_object_set_new(doc, "regions", regions_json(d));
	json_object_set_new(doc, "mappings", mappings_json(d));
	json_object_set_new(doc, "queues", queues_json(d));
	json_object_set_new(doc, "rings", rings_json(d));
	json_object_set_new(doc, "registers", registers);
	return doc;
}
