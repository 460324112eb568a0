// SPDX-License-Identifier: MIT
/*
 * Copyright (c) 2026 the npu authors
 *
 * Reading a dump. It may be cut off, damaged or of a newer driver: lengths are checked once, here,
 * and entries are copied out, as long as both sides know them.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "command.h"
#include "dump.h"

/* A dump has 8 KiB of code a stream and some tables; more is none. */
#define MAX_SIZE (64u << 20)

/* In sysfs a file does not tell its size. */
static int read_all(struct dump *d)
{
	FILE *f = fopen(d->path, "re");
	size_t room = 0, got;
	int error = 0;

	if (!f)
		return complain(NPUCTL_FAILED, "%s: %s", d->path, strerror(errno));
	do {
		if (d->size == room) {
			uint8_t *more = realloc(d->bytes, room += 1 << 20);

			if (!more) {
				error = ENOMEM;
				break;
			}
			d->bytes = more;
		}
		errno = 0;
		got = fread(d->bytes + d->size, 1, room - d->size, f);
		d->size += got;
		if (ferror(f))
			error = errno;
	} while (got && !error && d->size <= MAX_SIZE);
	fclose(f);
	if (error)
		return complain(NPUCTL_FAILED, "%s: %s", d->path, strerror(error));
	if (d->size > MAX_SIZE)
		return complain(NPUCTL_FAILED, "%s: too large for a dump", d->path);
	return NPUCTL_DONE;
}

static int damaged(const struct dump *d, const char *what)
{
	return complain(NPUCTL_FAILED, "%s: a damaged dump: %s", d->path, what);
}

static void section_at(const struct dump *d, uint32_t i, struct npu_dump_section *s)
{
	size_t stride = d->header.section_stride;

	memset(s, 0, sizeof(*s));
	memcpy(s, d->bytes + d->header.table + i * stride,
	       stride < sizeof(*s) ? stride : sizeof(*s));
}

static int check(struct dump *d)
{
	struct npu_dump_header *h = &d->header;

	if (d->size < sizeof(h->magic) || memcmp(d->bytes, NPU_DUMP_MAGIC, sizeof(h->magic)))
		return complain(NPUCTL_FAILED, "%s: not a dump of an NPU card", d->path);
	if (d->size < sizeof(*h))
		return damaged(d, "its header is cut off");
	memcpy(h, d->bytes, sizeof(*h));
	h->device[sizeof(h->device) - 1] = 0;
	h->kernel[sizeof(h->kernel) - 1] = 0;
	h->driver[sizeof(h->driver) - 1] = 0;
	if (h->version > NPU_DUMP_VERSION)
		return complain(NPUCTL_FAILED,
				"%s: a dump of version %u; this npuctl knows version %u: take a "
				"newer one",
				d->path, h->version, NPU_DUMP_VERSION);
	if (h->size != d->size)
		return complain(NPUCTL_FAILED, "%s: a damaged dump: %zu bytes instead of %llu",
				d->path, d->size, (unsigned long long)h->size);
	if (h->table > d->size || (uint64_t)h->sections * h->section_stride > d->size - h->table ||
	    (h->sections && !h->section_stride))
		return damaged(d, "its table of sections lies outside");
	for (uint32_t i = 0; i < h->sections; i++) {
		struct npu_dump_section s;

		section_at(d, i, &s);
		if (s.offset > d->size || (uint64_t)s.count * s.stride > d->size - s.offset ||
		    (s.count && !s.stride))
			return damaged(d, "a section lies outside");
	}
	return NPUCTL_DONE;
}

int dump_read(struct dump *d, const char *path)
{
	struct dump_view job, table;
	int r;

	*d = (struct dump){ .path = path };
	r = read_all(d);
	if (!r)
		r = check(d);
	if (r)
		return r;
	job = dump_find(d, NPU_DUMP_JOB, 0);
	d->has_job = job.count;
	if (d->has_job) {
		dump_entry(&job, 0, &d->job, sizeof(d->job));
		d->job.comm[sizeof(d->job.comm) - 1] = 0;
	}
	table = dump_find(d, NPU_DUMP_SIDE_TABLE, 0);
	d->has_table = table.count;
	/* Its entries are bytes. */
	if (d->has_table && table.stride == 1)
		memcpy(&d->table, table.at,
		       table.count < sizeof(d->table) ? table.count : sizeof(d->table));
	return NPUCTL_DONE;
}

void dump_free(struct dump *d)
{
	free(d->bytes);
}

struct dump_view dump_find(const struct dump *d, enum npu_dump_type type, uint32_t index)
{
	for (uint32_t i = 0; i < d->header.sections; i++) {
		struct npu_dump_section s;

		section_at(d, i, &s);
		if (s.type == type && s.index == index)
			return (struct dump_view){ d->bytes + s.offset, s.count, s.stride };
	}
	return (struct dump_view){ NULL, 0, 0 };
}

void dump_entry(const struct dump_view *v, uint32_t i, void *entry, size_t size)
{
	memset(entry, 0, size);
	memcpy(entry, v->at + (size_t)i * v->stride, v->stride < size ? v->stride : size);
}
