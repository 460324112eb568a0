/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Copyright (c) 2026 the npu authors
 *
 * Post-mortems: what a card and its driver were like when a job or the card went wrong, as a
 * devcoredump. <npu/dump.h> has the format.
 *
 * A dump begins where the trouble is found out, in whatever context: npu_dump_begin() claims the
 * card's one buffer, and whoever has something to tell adds sections. npu_dump_end() leaves the
 * rest, what takes time and locks, to a work.
 */
#ifndef NPU_DUMP_INTERNAL_H
#define NPU_DUMP_INTERNAL_H

#include <linux/types.h>

#include <npu/dump.h>

struct npu_device;
struct npu_dump;
struct npu_vm;

/**
 * npu_dump_init - takes the memory of a card's first dump
 * @ndev: the card, its capabilities and @nrings known
 *
 * When the card is unbound (devm) what was begun is handed over.
 *
 * Return: 0 or a negative errno.
 */
int npu_dump_init(struct npu_device *ndev);

/**
 * npu_dump_begin - begins a dump, if none is under way
 * @ndev: the card
 * @reason: why
 *
 * From any context. The caller is the only one to add to it until npu_dump_end().
 *
 * Return: the dump, or NULL when there is no need of one or no memory for it.
 */
struct npu_dump *npu_dump_begin(struct npu_device *ndev, enum npu_dump_reason reason);

/**
 * npu_dump_add - adds a section
 * @dump: the dump
 * @type: what it has
 * @index: what of several
 * @count: of its entries
 * @stride: bytes of each
 *
 * Return: zeroed room for it, or NULL when there is none.
 */
void *npu_dump_add(struct npu_dump *dump, enum npu_dump_type type, u32 index, u32 count,
		   u32 stride);

/**
 * npu_dump_trim - gives back the end of the section that was added last
 * @dump: the dump
 * @count: entries it has after all
 */
void npu_dump_trim(struct npu_dump *dump, u32 count);

/**
 * npu_dump_regs - adds registers of the card and of all cores and rings
 * @dump: the dump
 * @moment: when that is
 *
 * Sleeps. The caller sees to it that the card is there (npu_dev_enter()).
 */
void npu_dump_regs(struct npu_dump *dump, enum npu_dump_moment moment);

/** npu_dump_set_job - the guilty job's address space, of which a reference is taken */
void npu_dump_set_job(struct npu_dump *dump, struct npu_vm *vm);

/**
 * npu_dump_set_error - how the guilty job ended
 * @dump: the dump
 * @error: the card's record; its command and address say where to look
 */
void npu_dump_set_error(struct npu_dump *dump, const struct npu_error *error);

/** npu_dump_end - nothing more to add; from any context */
void npu_dump_end(struct npu_dump *dump);

/** npu_dump_card - a dump of a card that is about to be reset, or given up; sleeps */
void npu_dump_card(struct npu_device *ndev, enum npu_dump_reason reason);

#endif
