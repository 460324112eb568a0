/* SPDX-License-Identifier: MIT */
/*
 * Copyright (c) 2026 the npu authors
 *
 * What tests of the hazard checker share: jobs over an address space in which two addresses are one,
 * and commands that make one access.
 */
#ifndef NPU_TESTS_CARD_HAZARD_UNIT_H
#define NPU_TESTS_CARD_HAZARD_UNIT_H

#include "gen.h"
#include "hazard.h"

/**
 * hazard_begin() - a job of core @member starts
 *
 * Pages of 4 KiB: the second page of each four is the first of them again; nothing is at 2^40 and
 * above. A command at offset x has the tag x / 16 + 1000 when the checker asks.
 */
void hazard_begin(struct npu_hazard *h, const struct gen *g, unsigned int member);

/**
 * hazard_prepare() - a job of core 0 starts, writes all of SPM and ACC, and lets everybody know by
 * barriers
 * @offset: of its first command; moves behind its last
 */
void hazard_prepare(struct npu_hazard *h, const struct gen *g, uint32_t *offset);

/**
 * hazard_access() - a command of an engine that reads or writes [@addr, @addr + @len) of a space;
 * false where the engine cannot
 */
bool hazard_access(union gen_cmd *c, enum npu_engine e, enum npu_space space, bool write,
		   uint32_t addr, uint32_t len);

#endif
