/* SPDX-License-Identifier: MIT */
/*
 * Copyright (c) 2026 the npu authors
 *
 * What tests of single commands share: an engine room with a flat memory, random numbers whose
 * seed is printed, and the comparison of everything a command may have touched. One thread.
 */
#ifndef NPU_TESTS_CARD_UNIT_H
#define NPU_TESTS_CARD_UNIT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "card.h"
#include "exec.h"

#define UNIT_VA	 UINT64_C(0x7654321000) /* where the memory is mapped */
#define UNIT_MEM (1u << 20)

/**
 * struct unit - an engine room
 * @mem: @bytes, at virtual address UNIT_VA; nothing else is mapped
 * @cfg: for npu_isa_check(): sizes of SPM and ACC
 * @region: 4 KiB apart from UNIT_VA on
 * @bytes: UNIT_MEM of them
 * @split: spans end at multiples of this (a power of two), however much is asked for
 * @before: of a span for writing, what was there
 * @held: spans out
 * @gets: spans given so far
 * @stop: npu_mem_stopped() answers so
 */
struct unit {
	struct npu_mem mem;
	struct npu_exec e;
	struct npu_error error;
	struct npu_card_config cfg;
	uint64_t region[NPU_MAX_REGIONS];
	uint8_t *bytes;
	uint8_t *before;
	uint8_t *spm;
	uint8_t *acc;
	uint64_t split;
	unsigned int held;
	unsigned int gets;
	bool stop;
};

/** unit_new() - SPM and ACC of @spm and @acc bytes; memory and all zero */
struct unit *unit_new(uint32_t spm, uint32_t acc);
void unit_free(struct unit *u);

/** unit_random() - fill SPM, ACC and memory with random bytes */
void unit_random(struct unit *u);

/** unit_copy() - @to has the contents of @from */
void unit_copy(struct unit *to, const struct unit *from);

/** unit_run() - check a command as a core would, and execute it; what npu_exec_command() returns */
int unit_run(struct unit *u, const void *cmd);

/** unit_same() - print the first difference in SPM, ACC or memory; true if there is none */
bool unit_same(const struct unit *a, const struct unit *b);

/** unit_kernels() - the kernels this host has, in turn: use number @i; false when there is none */
bool unit_kernels(unsigned int i);

/*
 * A trial: an engine room as a command finds it, as it should leave it, as it does. unit_setup()
 * makes them, with SPM and ACC of @spm and @acc bytes, and seeds the random numbers.
 */
extern struct unit *start, *want, *got;

void unit_setup(uint32_t spm, uint32_t acc);
void unit_teardown(void);

/**
 * unit_compare() - run a command from @start with each set of kernels that the host has; the test
 * fails unless all it could have touched is as in @want
 * @what: for the message
 */
void unit_compare(const void *cmd, const char *what);

/** unit_aborts() - a command that would take long ends, soon, when the job is to end */
void unit_aborts(const void *cmd);

/** unit_cmd() - a command's header; no semaphores */
struct npu_cmd unit_cmd(uint8_t opcode, size_t size);

/* Random numbers; the seed is NPU_TEST_SEED, else the time, and printed by rnd_seed(). */
void rnd_seed(void);
uint64_t rnd(void);
/** rnd_in() - from @lo to @hi, both included */
int64_t rnd_in(int64_t lo, int64_t hi);
/** rnd_one_in() - true once in @n */
bool rnd_one_in(unsigned int n);
/** rnd_order() - 0 .. @n - 1 in any order */
void rnd_order(uint8_t *order, int n);

/** type_size() - bytes of an element in SPM and ACC, where 4 bits take one */
int type_size(uint8_t type);

/* All coordinates of a 4-D space in order, dimension 0 fastest. */
#define EACH_COORDINATE(at, size)                                         \
	for ((at)[3] = 0; (at)[3] < (size)[3]; (at)[3]++)                 \
		for ((at)[2] = 0; (at)[2] < (size)[2]; (at)[2]++)         \
			for ((at)[1] = 0; (at)[1] < (size)[1]; (at)[1]++) \
				for ((at)[0] = 0; (at)[0] < (size)[0]; (at)[0]++)

/* Plain references, from docs/hardware.md alone. */
float ref_widen(uint16_t h, uint8_t type);
uint16_t ref_narrow(float f, uint8_t type);
double ref_f16_value(uint16_t h);
void ref_matmul(struct unit *u, const struct npu_cmd_matmul *c);
void ref_conv(struct unit *u, const struct npu_cmd_conv *c);
void ref_load(struct unit *u, const struct npu_cmd_load *c);
void ref_gather(struct unit *u, const struct npu_cmd_gather *c);
void ref_store(struct unit *u, const struct npu_cmd_store *c);
void ref_vpu(struct unit *u, const struct npu_cmd_vpu *c);
void ref_pool(struct unit *u, const struct npu_cmd_pool *c);

#endif
