/* SPDX-License-Identifier: MIT */
/*
 * Copyright (c) 2026 the npu authors
 *
 * Commands for tests that look at streams and not at values: random ones that are valid on a tiny
 * card, and, in the plainest form, which bytes each of them touches.
 */
#ifndef TESTS_CARD_GEN_H
#define TESTS_CARD_GEN_H

#include "card.h"
#include "isa.h"

/* The tiny card: SPM, ACC, and as much memory as addresses in tests use. */
#define GEN_SPM 2048u
#define GEN_ACC 2048u
#define GEN_MEM 8192u

struct gen {
	uint64_t state;
	struct npu_card_config cfg;
	uint8_t spm[GEN_SPM]; /* GATHER's indices, all of them valid for 4 rows */
};

union gen_cmd {
	_Alignas(16) struct npu_cmd h;
	struct npu_cmd_load load;
	struct npu_cmd_gather gather;
	struct npu_cmd_store store;
	struct npu_cmd_matmul matmul;
	struct npu_cmd_conv conv;
	struct npu_cmd_vpu vpu;
	struct npu_cmd_pool pool;
	uint8_t bytes[512];
};

/* Each byte's bits: 1 read, 2 written. */
struct gen_bytes {
	uint8_t spm[GEN_SPM];
	uint8_t acc[GEN_ACC];
	uint8_t mem[GEN_MEM];
};

/** gen_seed() - NPU_TEST_SEED or the clock; prints it */
uint64_t gen_seed(void);
void gen_init(struct gen *g, uint64_t seed);
/** gen_below() - 0 .. @n - 1 */
uint32_t gen_below(struct gen *g, uint32_t n);
/** gen_header() - zero the command, set what all have */
void gen_header(union gen_cmd *c, uint8_t opcode);
/**
 * gen_command() - a random valid command; memory accesses lie in [0, GEN_MEM) of region 0 at base
 * 0
 */
void gen_command(struct gen *g, union gen_cmd *c, uint8_t opcode);
/** gen_touch() - what it reads and writes; false if memory outside [0, GEN_MEM) */
bool gen_touch(const struct gen *g, const union gen_cmd *c, struct gen_bytes *b);

extern const uint8_t gen_opcodes[];
extern const unsigned int gen_opcode_count;

#endif
