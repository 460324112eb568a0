/* SPDX-License-Identifier: MIT */
/*
 * Copyright (c) 2026 the npu authors
 *
 * A post-mortem of the driver's (npu/dump.h, docs/dump.md): reading one that may be damaged, finding
 * out what it says, rendering that. dump_read.c is the only one that looks at offsets and strides.
 */
#ifndef NPUCTL_DUMP_H
#define NPUCTL_DUMP_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include <jansson.h>

#include "npu/dump.h"

/**
 * struct dump - a dump, checked: every section lies in it
 * @path: for messages
 * @header: its texts end with zero
 * @job: the guilty job, if @has_job
 * @table: its regions and streams, if @has_table; zero where the dump ends
 */
struct dump {
	const char *path;
	uint8_t *bytes;
	size_t size;
	struct npu_dump_header header;
	bool has_job, has_table;
	struct npu_dump_job job;
	struct npu_side_table table;
};

/** struct dump_view - a section's entries; none where there is no such section */
struct dump_view {
	const uint8_t *at;
	uint32_t count, stride;
};

/**
 * dump_read() - read and check a file; returns enum npuctl_exit, and has said what is wrong
 */
int dump_read(struct dump *d, const char *path);
void dump_free(struct dump *d);

/** dump_find() - the first section of a type and index */
struct dump_view dump_find(const struct dump *d, enum npu_dump_type type, uint32_t index);

/** dump_entry() - copy entry @i; what the dump's are shorter is zero */
void dump_entry(const struct dump_view *v, uint32_t i, void *entry, size_t size);

/**
 * struct dump_code - the failing command of a stream and its neighbours
 * @stream: number of the stream
 * @known: the card told the command; else @bytes are from where the dump's part of a stream begins
 * @cmd: offset of the failing command in it
 * @start: offset of the first byte of @bytes in it
 * @bytes: whole commands, the caller's to free; NULL: the dump does not have them
 * @size: of @bytes
 */
struct dump_code {
	uint32_t stream;
	bool known;
	uint32_t cmd;
	uint64_t start;
	void *bytes;
	size_t size;
};

/** dump_code() - of the stream in which a command failed, else the first; false: there is none */
bool dump_code(const struct dump *d, struct dump_code *code);

/**
 * struct dump_near - a mapping, and how far from it an address is
 * @distance: bytes from the address to its nearest one; 0: the address is in it
 * @below: the mapping lies below the address
 */
struct dump_near {
	struct npu_dump_mapping mapping;
	uint64_t distance;
	bool below;
};

/**
 * dump_near() - the mapping with an address, or the nearest below and above; returns how many
 */
unsigned int dump_near(const struct dump *d, uint64_t addr, struct dump_near near[2]);

/** dump_address() - the address that could not be reached; false: the error is of another kind */
bool dump_address(const struct dump *d, uint64_t *addr);

/** dump_reason() - enum npu_dump_reason as a word */
const char *dump_reason(uint32_t reason);

/** dump_sentence() - what happened */
void dump_sentence(const struct dump *d, char *text, size_t size);

/** dump_register() - the name of a register in BAR0; false: it has none */
bool dump_register(uint32_t offset, char *name, size_t size);

json_t *dump_json(const struct dump *d);

/** dump_text() - with all registers if @registers */
void dump_text(FILE *out, const struct dump *d, bool registers);

#endif
