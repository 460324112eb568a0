/* SPDX-License-Identifier: MIT */
/*
 * Copyright (c) 2026 the npu authors
 *
 * The driver's post-mortem of a card, as /sys/class/devcoredump/devcdN/data gives it. docs/dump.md
 * tells when there is one and what is in it; this is the only encoding.
 *
 * A header, a table of sections, the sections. All numbers are little-endian, all structures are
 * naturally aligned, every section begins at a multiple of 8 bytes. A reader
 *
 * - refuses another magic, and a version above its own;
 * - takes the table's stride from the header and each section's from the table, since structures
 *   may grow at their end: what it does not know it skips, what is missing is zero;
 * - skips sections of a type that it does not know, and lives without any of those that it knows.
 *
 * The version is raised only when what is there changes its meaning.
 */
#ifndef NPU_DUMP_H
#define NPU_DUMP_H

#include <linux/types.h>

#include <npu/hw/regs.h>

#define NPU_DUMP_MAGIC		"NPUDUMP"	/* with its zero */
#define NPU_DUMP_VERSION	1

/* Why there is a dump: struct npu_dump_header's reason. */
enum npu_dump_reason {
	NPU_DUMP_FAULT = 1,	/* a job that the card ended with an error */
	NPU_DUMP_TIMEOUT = 2,	/* a job that made no progress, before it was ended */
	NPU_DUMP_RING = 3,	/* a ring that had to be reset for another reason */
	NPU_DUMP_RESET = 4,	/* a card that had to be reset */
	NPU_DUMP_WEDGED = 5,	/* a card that was given up */
};

/**
 * struct npu_dump_header - the beginning
 * @magic: NPU_DUMP_MAGIC
 * @version: NPU_DUMP_VERSION
 * @reason: enum npu_dump_reason
 * @size: bytes of the whole
 * @table: offset of the table of sections
 * @sections: entries in it
 * @section_stride: bytes from one entry to the next
 * @time_ns: when it happened, nanoseconds since 1970
 * @boot_ns: likewise, since boot, as the kernel's log has it
 * @truncated: sections that had no room
 * @reserved: zero
 * @device: PCI address, say 0000:01:00.0; zero-terminated, as is what follows
 * @kernel: the kernel's release
 * @driver: the driver's version, major.minor
 */
struct npu_dump_header {
	__u8 magic[8];
	__le32 version;
	__le32 reason;
	__le64 size;
	__le64 table;
	__le32 sections;
	__le32 section_stride;
	__le64 time_ns;
	__le64 boot_ns;
	__le32 truncated;
	__le32 reserved;
	__u8 device[32];
	__u8 kernel[64];
	__u8 driver[32];
};

/* What a section has: struct npu_dump_section's type. */
enum npu_dump_type {
	NPU_DUMP_JOB = 1,	/* struct npu_dump_job, one: the guilty job */
	NPU_DUMP_SIDE_TABLE = 2, /* bytes: its struct npu_side_table, as far as its gang goes */
	NPU_DUMP_REGS = 3,	/* struct npu_dump_reg; index: enum npu_dump_moment */
	NPU_DUMP_RINGS = 4,	/* struct npu_dump_ring, one a ring */
	NPU_DUMP_SLOTS = 5,	/* struct npu_dump_slot; index: ring. Its jobs not ended yet */
	NPU_DUMP_QUEUES = 6,	/* struct npu_dump_queue, one a queue of an open file */
	NPU_DUMP_STREAMS = 7,	/* struct npu_dump_stream, one a stream of the guilty job */
	NPU_DUMP_CODE = 8,	/* bytes; index: stream. Commands from npu_dump_stream's start on */
	NPU_DUMP_MAPPINGS = 9,	/* struct npu_dump_mapping, ascending: those near the address */
};

/* When registers were read: index of an NPU_DUMP_REGS section. */
enum npu_dump_moment {
	NPU_DUMP_AT_ONCE = 0,	/* when it was found out; a ring's alone, or all before a reset */
	NPU_DUMP_LATER = 1,	/* all of the card, moments later */
};

/**
 * struct npu_dump_section - where a section is
 * @type: enum npu_dump_type
 * @index: what of several it is, see there
 * @offset: of its first byte in the dump
 * @count: of its entries
 * @stride: bytes from one entry to the next
 */
struct npu_dump_section {
	__le32 type;
	__le32 index;
	__le64 offset;
	__le32 count;
	__le32 stride;
};

/**
 * struct npu_dump_job - the job that it is about
 * @seqno: its number in its queue, struct drm_npu_result's
 * @id: its name on the card
 * @cycles: modelled cycles, if it has ended
 * @client: the DRM client, fdinfo's drm-client-id
 * @queue: the queue's id in that client
 * @pid: of the process that made the queue
 * @comm: its name
 * @ring: hardware ring
 * @ctx: context id
 * @ncores: streams in its gang
 * @status: negative errno it ended with; 0: not known yet
 * @timeout_ms: of its queue
 * @ended: 1: @error is the card's record
 * @error: why the card ended it
 */
struct npu_dump_job {
	__le64 seqno;
	__le64 id;
	__le64 cycles;
	__le64 client;
	__le32 queue;
	__le32 pid;
	__u8 comm[16];
	__le32 ring;
	__le32 ctx;
	__le32 ncores;
	__le32 status;
	__le32 timeout_ms;
	__le32 ended;
	struct npu_error error;
};

/**
 * struct npu_dump_reg - a register
 * @offset: in BAR0
 * @value: as read; of a 64-bit one LO and HI are of one moment
 */
struct npu_dump_reg {
	__le32 offset;
	__le32 value;
};

/**
 * struct npu_dump_ring - a ring as the driver sees it
 * @ring: number
 * @priority: of its jobs
 * @completed: completions taken since it was reset, modulo 2^32
 * @written: descriptors written, likewise
 * @flags: NPU_DUMP_RING_*
 * @reserved: zero
 */
struct npu_dump_ring {
	__le32 ring;
	__le32 priority;
	__le32 completed;
	__le32 written;
	__le32 flags;
	__le32 reserved;
};

#define NPU_DUMP_RING_BROKEN	(1u << 0)	/* waits for its reset */
#define NPU_DUMP_RING_HALTED	(1u << 1)	/* is being reset */

/**
 * struct npu_dump_slot - a job that a ring had
 * @position: of its descriptor, as &npu_dump_ring.written counts
 * @flags: NPU_DUMP_SLOT_*
 * @desc: what the card was given
 */
struct npu_dump_slot {
	__le32 position;
	__le32 flags;
	struct npu_desc desc;
};

#define NPU_DUMP_SLOT_CANCELED	(1u << 0)	/* the card has agreed to skip or end it */
#define NPU_DUMP_SLOT_GUILTY	(1u << 1)	/* the one of NPU_DUMP_JOB */

/**
 * struct npu_dump_queue - a queue
 * @client: the DRM client
 * @submitted: jobs accepted
 * @completed: jobs ended
 * @cycles: modelled cycles of these
 * @queue: its id in the client
 * @pid: of the process that made it
 * @comm: its name
 * @priority: enum drm_npu_priority
 * @error: negative errno that banned it, or 0
 * @ctx: context id
 * @timeout_ms: its timeout
 */
struct npu_dump_queue {
	__le64 client;
	__le64 submitted;
	__le64 completed;
	__le64 cycles;
	__le32 queue;
	__le32 pid;
	__u8 comm[16];
	__le32 priority;
	__le32 error;
	__le32 ctx;
	__le32 timeout_ms;
};

/**
 * struct npu_dump_stream - a stream, and which part of it the dump has
 * @addr: virtual address of the stream
 * @size: its bytes
 * @start: offset in the stream of the first byte in NPU_DUMP_CODE
 * @bytes: bytes there, 0: no such section
 * @cmd: offset of the failing command, if it is in this stream; else NPU_ERROR_NO_CMD
 * @reserved: zero
 */
struct npu_dump_stream {
	__le64 addr;
	__le64 size;
	__le64 start;
	__le64 bytes;
	__le32 cmd;
	__le32 reserved;
};

/**
 * struct npu_dump_mapping - what is mapped in the job's address space
 * @addr: first virtual address
 * @size: bytes
 * @offset: of its first byte in the buffer
 * @buffer_size: bytes of the buffer
 * @flags: NPU_DUMP_MAPPING_*
 * @reserved: zero
 */
struct npu_dump_mapping {
	__le64 addr;
	__le64 size;
	__le64 offset;
	__le64 buffer_size;
	__le32 flags;
	__le32 reserved;
};

#define NPU_DUMP_MAPPING_READONLY	(1u << 0)
#define NPU_DUMP_MAPPING_LOCAL		(1u << 1)	/* in local memory */
#define NPU_DUMP_MAPPING_SHARED		(1u << 2)	/* a dma-buf */

#endif
