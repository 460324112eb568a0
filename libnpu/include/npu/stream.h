/* SPDX-License-Identifier: MIT */
/*
 * Copyright (c) 2026 the npu authors
 *
 * libnpu: streams of commands (npu/hw/isa.h) - build, order, check, read, and make programs of
 * them.
 *
 * Who writes commands by hand appends them in an order in which they would be right if they ran one
 * after another, without a thought about semaphores, then calls npu_stream_sync(): it finds which
 * command must wait for which (engines run beside each other) and assigns the semaphores. Double
 * buffering is nothing more than using two places in turn.
 *
 * Threads: a stream belongs to one thread at a time. No other state.
 */
#ifndef NPU_STREAM_H
#define NPU_STREAM_H

#include <stdio.h>

#include "npu/hw/isa.h"
#include "npu/hw/regs.h"
#include "npu/image.h"
#include "npu/npu.h"

#ifdef __cplusplus
extern "C" {
#endif

/* ---- Building -------------------------------------------------------------------------------- */

struct npu_stream;

/** npu_stream_create() - an empty stream; NULL without memory */
struct npu_stream *npu_stream_create(void);

/** npu_stream_free() - NULL is allowed */
void npu_stream_free(struct npu_stream *s);

/** npu_stream_clear() - make it empty again, keep its memory, forget its error */
void npu_stream_clear(struct npu_stream *s);

/**
 * npu_stream_load() - append a command; likewise the others
 * @s: stream
 * @cmd: copied. Of its header only the tag counts: opcode, size and (absent) semaphores are filled
 *	in
 *
 * Returns 0, -ENOMEM, or -ENOSPC for more than 256 MiB. A failure sticks: all later calls return it
 * too, so a builder may look once, at the end.
 */
int npu_stream_load(struct npu_stream *s, const struct npu_cmd_load *cmd);
int npu_stream_gather(struct npu_stream *s, const struct npu_cmd_gather *cmd);
int npu_stream_store(struct npu_stream *s, const struct npu_cmd_store *cmd);
int npu_stream_matmul(struct npu_stream *s, const struct npu_cmd_matmul *cmd);
int npu_stream_conv(struct npu_stream *s, const struct npu_cmd_conv *cmd);
int npu_stream_vpu(struct npu_stream *s, const struct npu_cmd_vpu *cmd);
int npu_stream_pool(struct npu_stream *s, const struct npu_cmd_pool *cmd);
int npu_stream_barrier(struct npu_stream *s, uint32_t tag);

/**
 * npu_stream_append() - append commands as they are, semaphores and all
 * @data: whole commands, as many bytes as their headers say; 16-byte aligned
 * @size: bytes
 *
 * -EINVAL: the headers' sizes do not add up to @size.
 */
int npu_stream_append(struct npu_stream *s, const void *data, size_t size);

/** npu_stream_error() - 0, or the failure that sticks */
int npu_stream_error(const struct npu_stream *s);

/** npu_stream_data() - the commands, until the stream changes; @size may be NULL */
const void *npu_stream_data(const struct npu_stream *s, size_t *size);

/** npu_stream_commands() - how many */
uint32_t npu_stream_commands(const struct npu_stream *s);

/* ---- Order ----------------------------------------------------------------------------------- */

/**
 * npu_stream_sync() - assign semaphores
 * @s: stream; all semaphores it has are replaced
 * @caps: of the card, for its sizes
 *
 * Afterwards any two commands of different engines that touch the same 16-byte line of SPM or ACC,
 * or the same bytes of one region, at least one of them writing, run in the order they were
 * appended in. Regions are taken to be different memory. At most 12 semaphores are used, one a pair
 * of engines, and no more than 3 waits and signals a command. GATHER's table is taken to be read
 * whole.
 *
 * Returns 0, -ENOMEM, -EINVAL for a command that is not valid or a table of more than 16 GiB in a
 * region that is written too, or the error that sticks.
 */
int npu_stream_sync(struct npu_stream *s, const struct npu_caps *caps);

/* ---- Checking -------------------------------------------------------------------------------- */

/**
 * struct npu_stream_fault - what is wrong with a stream
 * @core: number of the stream
 * @reason: enum npu_reason; NPU_REASON_RANGE is a region exceeded, NPU_REASON_BARRIER unequal
 *	counts of barriers
 * @engine: enum npu_engine
 * @cmd: byte offset of the command, NPU_ERROR_NO_CMD if none
 * @tag: its tag
 * @where: what enum npu_reason says; the offset in the region for NPU_REASON_RANGE
 * @text: one line
 */
struct npu_stream_fault {
	uint32_t core;
	uint32_t reason;
	uint32_t engine;
	uint32_t cmd;
	uint32_t tag;
	uint64_t where;
	char text[160];
};

/**
 * npu_code_check() - all that can be known of a gang's streams without running them
 * @caps: of the card
 * @code: one a core
 * @cores: of @code
 * @region_size: bytes of each region, NPU_MAX_REGIONS of them (0: the region is not to be touched);
 *	NULL: not checked
 * @fault: filled when something is wrong; may be NULL
 *
 * Every command by the rules of the card itself; semaphores: one signalling and one waiting engine,
 * no deadlock, no overflow, none left over; regions: no byte outside is read or written (the rows
 * of GATHER's table all count); barriers: as many in each stream. Whether the order is sufficient
 * the card's checker finds when it runs (check=on).
 *
 * Returns 0, -EINVAL with npu_error() and @fault set, or -ENOMEM.
 */
int npu_code_check(const struct npu_caps *caps, const struct npu_code *code, unsigned int cores,
		   const uint64_t *region_size, struct npu_stream_fault *fault);

/**
 * npu_code_regions() - which regions streams use, for what, and how much of them
 * @code: as above, checked with @region_size NULL
 * @cores: of @code
 * @region: all are filled: kind NPU_REGION_BOUND where it is used, flags, size
 *
 * Returns 0, or -EINVAL if a command begins before its region.
 */
int npu_code_regions(const struct npu_code *code, unsigned int cores,
		     struct npu_region_info region[NPU_MAX_REGIONS]);

/**
 * npu_code_cycles() - modelled cycles, with the card's own formulas; nothing is executed
 * @host_regions: bit r set: region r is in host memory, else in local memory
 *
 * What the job would cost on a card of @caps. @code must have passed npu_code_check(). Returns 0 or
 * -ENOMEM.
 */
int npu_code_cycles(const struct npu_caps *caps, const struct npu_code *code, unsigned int cores,
		    uint32_t host_regions, uint64_t *cycles);

/**
 * struct npu_cost - what some commands of a gang cost
 * @cycles: how much later they let the job end: from the end of all commands of lower tags to the
 *	end of all up to these. Sums to the job's cycles
 * @start: when the first of them began, since the job's start
 * @end: when the last of them had ended, and the barriers of their tag were passed
 * @commands: how many, barriers not counted
 * @macs: multiply-accumulates that the arrays do
 * @lmem_bytes: moved to and from local memory, in whole bursts
 * @pcie_bytes: over PCIe
 * @energy_fj: femtojoules, without the idle card's power
 */
struct npu_cost {
	uint64_t cycles;
	uint64_t start, end;
	uint64_t commands;
	uint64_t macs;
	uint64_t lmem_bytes;
	uint64_t pcie_bytes;
	uint64_t energy_fj;
};

/**
 * npu_code_costs() - the same, of a whole gang and of its commands by their tags
 * @total: of all of them
 * @by_tag: of those of each tag, @tags of them; may be NULL
 * @tags: no command has this tag or a higher one; 0: tags do not matter
 *
 * Also -EINVAL: there is a higher tag, or a command that never ends.
 */
int npu_code_costs(const struct npu_caps *caps, const struct npu_code *code, unsigned int cores,
		   uint32_t host_regions, struct npu_cost *total, struct npu_cost *by_tag,
		   unsigned int tags);

/**
 * struct npu_command_time - when a command of a gang is done, in cycles since the job's start
 * @name: "MATMUL", ...
 * @core: number of the stream
 * @engine: enum npu_engine
 * @cmd: byte offset in the stream
 * @tag: its own
 * @start: when its engine begins it; LOAD and STORE may wait for the memory port after that
 * @free: when its engine takes the next one
 * @end: when its signals are made: results are there
 * @work: multiply-accumulates of the MXU, element operations of the VPU
 * @lmem_bytes: moved to and from local memory, in whole bursts
 * @pcie_bytes: over PCIe
 * @energy_fj: femtojoules
 */
struct npu_command_time {
	const char *name;
	uint32_t core;
	uint32_t engine;
	uint32_t cmd;
	uint32_t tag;
	uint64_t start, free, end;
	uint64_t work;
	uint64_t lmem_bytes;
	uint64_t pcie_bytes;
	uint64_t energy_fj;
};

/**
 * npu_code_timeline() - the same, command by command
 * @fn: is told every command but barriers; those of one engine of one core in their order, each
 *	beginning no sooner than the one before it left the engine free
 * @opaque: for @fn
 * @cycles: of the job; may be NULL
 *
 * Returns as npu_code_costs().
 */
int npu_code_timeline(const struct npu_caps *caps, const struct npu_code *code, unsigned int cores,
		      uint32_t host_regions,
		      void (*fn)(void *opaque, const struct npu_command_time *when), void *opaque,
		      uint64_t *cycles);

/* ---- Reading --------------------------------------------------------------------------------- */

enum npu_disasm_format {
	NPU_DISASM_TEXT = 0,	/* one command a line */
	NPU_DISASM_JSON = 1,	/* one object a command, in an array: docs/disasm.md */
};

/**
 * npu_disasm() - print commands
 * @out: where
 * @code: need not be valid: what cannot be decoded is said, and ends the listing
 * @format: enum npu_disasm_format
 *
 * Returns 0, -EBADMSG when the listing ended early, or -EIO.
 */
int npu_disasm(FILE *out, const struct npu_code *code, enum npu_disasm_format format);

/* ---- Programs -------------------------------------------------------------------------------- */

/**
 * struct npu_program_desc - what a program needs beside its streams
 * @tensors: inputs and outputs; their sizes are computed
 * @tensor_count: of them
 * @constant_region: number of the region that is the program's own
 * @constants: what it holds; NULL without one
 * @constant_size: bytes of them
 *
 * A region reaches as far as the streams touch it and tensors lie in it.
 */
struct npu_program_desc {
	const struct npu_tensor_info *tensors;
	uint32_t tensor_count;
	uint32_t constant_region;
	const void *constants;
	size_t constant_size;
};

/**
 * npu_program_from_streams() - a program of streams, one a core of a gang
 * @dev: device
 * @streams: ordered (npu_stream_sync()) or with semaphores of the caller's; they stay the caller's
 * @cores: of @streams, 1 .. the card's
 * @desc: tensors and constants
 * @prog: the program
 *
 * Returns 0, -EINVAL with npu_error() saying what is wrong, or -ENOMEM.
 */
int npu_program_from_streams(struct npu_device *dev, struct npu_stream *const *streams,
			     unsigned int cores, const struct npu_program_desc *desc,
			     struct npu_program **prog);

#ifdef __cplusplus
}
#endif

#endif
