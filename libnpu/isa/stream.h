/* SPDX-License-Identifier: MIT */
/*
 * Copyright (c) 2026 the npu authors
 *
 * A stream as isa/ and kernels/ see it.
 */
#ifndef NPU_ISA_STREAM_H
#define NPU_ISA_STREAM_H

#include "npu/stream.h"

struct npu_card_config;
struct npu_timer;

/**
 * struct npu_stream - commands, one behind the other
 * @data: 16-byte aligned
 * @size: bytes used
 * @room: bytes allocated
 * @commands: how many
 * @error: the failure that sticks
 */
struct npu_stream {
	uint8_t *data;
	size_t size;
	size_t room;
	uint32_t commands;
	int error;
};

/* What a stream's error means to people. */
#define NPU_STREAM_ERROR "out of memory, or more than 256 MiB of commands"

static inline struct npu_code npu_stream_code(const struct npu_stream *s)
{
	return (struct npu_code){ .cmds = s->data, .size = s->size };
}

/**
 * struct npu_effort - what looking for a plan may take, and what it took
 * @limit, @spent: lines and pages of memory looked at, runs of DMA, and what takes as long
 *
 * Counted, not timed, so what is given up for want of it is the same on every machine.
 */
struct npu_effort {
	uint64_t limit, spent;
};

/* What a command counts for when it is ordered, and when it is timed. */
#define NPU_EFFORT_COMMAND 32u

static inline uint64_t npu_effort_left(const struct npu_effort *e)
{
	return e->spent < e->limit ? e->limit - e->spent : 0;
}

/**
 * npu_stream_order() - npu_stream_sync() within an effort
 *
 * What goes beyond is ordered more than need be: pages of memory as a whole at first, then all
 * commands one behind the other, for next to nothing.
 */
int npu_stream_order(struct npu_stream *s, const struct npu_caps *caps, struct npu_effort *effort);

/** npu_caps_config() - the card that @caps describes, as the card's own code takes it */
void npu_caps_config(const struct npu_caps *caps, struct npu_card_config *cfg);

/**
 * npu_timer_create() - models of @caps' cores to time many streams with, one after the other: a
 * model is large, and what costs is touching its memory for the first time. One thread at a time;
 * NULL without memory
 */
struct npu_timer *npu_timer_create(const struct npu_caps *caps);
void npu_timer_free(struct npu_timer *t);

/**
 * npu_code_time() - npu_code_cycles() within an effort, all regions in local memory
 * @cycles: 0: that would take more than there is left
 */
int npu_code_time(struct npu_timer *t, const struct npu_code *code, unsigned int cores,
		  struct npu_effort *effort, uint64_t *cycles);

#endif
