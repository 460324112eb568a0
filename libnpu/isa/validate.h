/* SPDX-License-Identifier: MIT */
/*
 * Copyright (c) 2026 the npu authors
 *
 * What npu_program_create() asks of isa/: are these commands ones that a card will run?
 */
#ifndef NPU_ISA_VALIDATE_H
#define NPU_ISA_VALIDATE_H

#include <stdint.h>

struct npu_cmd_gather;
struct npu_image;

/**
 * npu_validate_image() - check every command of every stream of an image
 * @image: from npu_image_parse(), or filled like that
 *
 * Against what the image says it needs (isa, features, SPM and ACC sizes) and its regions (kind,
 * flags, size), and the rules of a whole stream: semaphores' owners, deadlock, overflow, leftovers,
 * equal barriers in a gang.
 *
 * Returns 0, or -EBADMSG with npu_error() naming core, command and rule.
 */
int npu_validate_image(const struct npu_image *image);

/**
 * npu_gather_table() - offsets [@from, @to) of a GATHER's table, whichever rows the indices choose
 *
 * Numbers too large for any region become the largest.
 */
void npu_gather_table(const struct npu_cmd_gather *cmd, int64_t *from, int64_t *to);

#endif
