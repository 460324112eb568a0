/* SPDX-License-Identifier: MIT */
/*
 * Copyright (c) 2026 the npu authors
 *
 * What commands print: JSON documents with a version, tables, colour on terminals.
 */
#ifndef NPUCTL_OUTPUT_H
#define NPUCTL_OUTPUT_H

#include <jansson.h>
#include <stdint.h>
#include <stdio.h>

/* All documents of docs/npuctl-json.md; raised when a key changes its meaning or goes. */
#define OUTPUT_VERSION 1

/** output_document() - {"schema": @schema, "version": OUTPUT_VERSION}; exits without memory */
json_t *output_document(const char *schema);

/**
 * output_pack() - json_pack() that exits without memory or when a value is none JSON has
 *
 * References in @fmt are stolen ("o").
 */
json_t *output_pack(const char *fmt, ...);

/** output_json() - print a document to stdout and release it; returns enum npuctl_exit */
int output_json(json_t *document);

enum output_colour { OUTPUT_PLAIN, OUTPUT_GOOD, OUTPUT_BAD, OUTPUT_DIM };

/**
 * output_colour() - escape sequence, or "" where @out is no terminal, TERM is dumb or NO_COLOR is
 * set
 */
const char *output_colour(FILE *out, enum output_colour colour);

struct table;

/**
 * table_create() - a table of texts
 * @head: column names between '|'; one that begins with '>' is aligned to the right
 */
struct table *table_create(const char *head);

/** table_add() - a row, cells between '|' */
void table_add(struct table *t, const char *fmt, ...) __attribute__((format(printf, 2, 3)));

/** table_print() - print it, as wide as needed, and free it */
void table_print(struct table *t, FILE *out);

/**
 * output_name() - a name from a file, fit to be printed: what is not UTF-8 or controls terminals is
 * '?'. In one of a few static buffers, cut where it is too long for that
 */
const char *output_name(const char *name);

/** output_cell() - the same for a table, whose cells have no '|' */
const char *output_cell(const char *name);

/** output_bytes() - "2 MiB", "1.5 GiB"; in one of a few static buffers */
const char *output_bytes(uint64_t bytes);

#endif
