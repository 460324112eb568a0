/* SPDX-License-Identifier: MIT */
/*
 * Copyright (c) 2026 the npu authors
 *
 * What can be said of a command without running it: its size, engine and name, whether it obeys
 * every static rule of npu/hw/isa.h, which bytes it reads and writes, and the bookkeeping of
 * semaphores in program order. The cores, the hazard checker, the time model and libnpu's validator
 * share it.
 *
 * No state but what the caller passes, no locks, nothing is allocated. Commands are little-endian,
 * as every host of this code is.
 */
#ifndef NPU_CARD_ISA_H
#define NPU_CARD_ISA_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "npu/hw/isa.h"
#include "npu/hw/regs.h"

struct npu_card_config;
struct npu_wire;

#ifdef __cplusplus
extern "C" {
#endif

/** npu_isa_size() - bytes of a command, 0 for an opcode that does not exist */
size_t npu_isa_size(uint8_t opcode);

/** npu_isa_engine() - who runs it; NPU_ENGINE_NONE for BARRIER, HANG and what does not exist */
enum npu_engine npu_isa_engine(uint8_t opcode);

/** npu_isa_name() - "LOAD", ...; NULL for an opcode that does not exist */
const char *npu_isa_name(uint8_t opcode);

/** npu_isa_type_bits() - of an element, 0 for a type that does not exist */
unsigned int npu_isa_type_bits(uint8_t type);

/**
 * npu_isa_check() - every rule that one command alone can break
 * @cfg: sizes of SPM and ACC, and whether HANG is accepted
 * @cmd: 16-byte aligned; at most @avail bytes of it are read
 * @avail: bytes that are left of the stream
 * @where: what enum npu_reason says belongs in struct npu_error's addr; not NULL
 *
 * Returns NPU_REASON_NONE or why the command is invalid.
 */
enum npu_reason npu_isa_check(const struct npu_card_config *cfg, const struct npu_cmd *cmd,
			      size_t avail, uint64_t *where);

/* ---- What a command touches ----------------------------------------------------------------- */

#define NPU_ACCESS_DIMS 5

/**
 * struct npu_access - a set of bytes: runs of contiguous bytes, repeated along dimensions
 * @space: enum npu_space
 * @kind: NPU_ACCESS_READ or NPU_ACCESS_WRITE
 * @region: of NPU_SPACE_MEM: base is relative to it
 * @dims: of @count and @stride in use
 * @base: lowest byte; local address, or signed offset from the region's base
 * @run: contiguous bytes
 * @count: repetitions, each more than 1
 * @stride: bytes between them, positive and ascending. What is contiguous has been merged into
 *	@run, so strides[0] > @run. Runs may overlap only where two higher dimensions interleave
 */
struct npu_access {
	uint8_t space;
	uint8_t kind;
	uint8_t region;
	uint8_t dims;
	int64_t base;
	uint64_t run;
	uint64_t count[NPU_ACCESS_DIMS];
	int64_t stride[NPU_ACCESS_DIMS];
};

typedef void npu_access_fn(void *opaque, const struct npu_access *access);

/**
 * npu_isa_footprint() - all that a command which passed npu_isa_check() reads and writes
 * @cmd: the command
 * @fn: called for each set of bytes; all reads come before the first write
 * @opaque: for @fn
 *
 * Exact to the byte: no padding, no unused part of a packed block, only rows and columns that a
 * window really covers. The rows of its table that a GATHER reads depend on indices and are left
 * out: npu_isa_gather_index().
 */
void npu_isa_footprint(const struct npu_cmd *cmd, npu_access_fn *fn, void *opaque);

/** npu_isa_gather_index() - index @i, as @spm holds it; out of range: false */
bool npu_isa_gather_index(const struct npu_cmd_gather *cmd, const uint8_t *spm, uint32_t i,
			  uint64_t *row);

/**
 * struct npu_dma_shape - the memory side of LOAD (without what is filled) or STORE, as written
 * @region: number
 * @offset: of the first byte from its base
 * @row: bytes of dimension 0, 0: nothing is accessed
 * @count: of dimensions 1 to 3
 * @stride: likewise, signed
 */
struct npu_dma_shape {
	uint8_t region;
	int64_t offset;
	uint64_t row;
	uint64_t count[3];
	int64_t stride[3];
};

/** npu_isa_dma_shape() - of a LOAD or STORE */
void npu_isa_dma_shape(const struct npu_cmd *cmd, struct npu_dma_shape *shape);

/* ---- Memory's identity ---------------------------------------------------------------------- */

#define NPU_KEY_LOCAL (1ull << 63)

/**
 * npu_resolve_fn - which memory a virtual address is
 * @opaque: the caller's
 * @va: virtual address
 * @kind: enum npu_access_kind
 * @key: set to the bus address, or NPU_KEY_LOCAL | offset in local memory
 * @len: set to how many bytes from @va on are contiguous there (at least to the end of the page)
 *
 * Returns false where the access would fault, and when the job is to end.
 */
typedef bool npu_resolve_fn(void *opaque, uint64_t va, enum npu_access_kind kind, uint64_t *key,
			    uint64_t *len);

/* ---- Semaphores in program order ------------------------------------------------------------ */

/**
 * struct npu_sems - the semaphores of a core, in program order
 * @count: tokens
 * @signaller: the engine that signals it, NPU_ENGINE_NONE while none has
 * @waiter: the engine that waits on it, likewise
 */
struct npu_sems {
	uint8_t count[NPU_SEMAPHORES];
	uint8_t signaller[NPU_SEMAPHORES];
	uint8_t waiter[NPU_SEMAPHORES];
};

/** npu_sems_reset() - as a job begins */
void npu_sems_reset(struct npu_sems *sems);

/**
 * npu_sems_command() - take a command's waits and make its signals
 * @sems: changed only if all is well
 * @cmd: passed npu_isa_check()
 * @where: the semaphore that is wrong
 *
 * Returns NPU_REASON_NONE, _SEM_OWNER, _SEMAPHORE (a deadlock: the wait finds nothing) or
 * _SEM_OVERFLOW.
 */
enum npu_reason npu_sems_command(struct npu_sems *sems, const struct npu_cmd *cmd, uint64_t *where);

/** npu_sems_wire() - the state between two commands, to or from @w (wire.h) */
void npu_sems_wire(struct npu_sems *sems, struct npu_wire *w);

/** npu_sems_leftover() - the lowest semaphore with tokens, -1 if there is none */
int npu_sems_leftover(const struct npu_sems *sems);

#ifdef __cplusplus
}
#endif

#endif
