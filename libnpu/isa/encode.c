// SPDX-License-Identifier: MIT
/*
 * Copyright (c) 2026 the npu authors
 *
 * Streams: commands appended one behind the other, in memory that doubles. An error sticks, so that
 * a builder of thousands of commands looks for it once.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "qemu-device/card/card.h"
#include "qemu-device/card/isa.h"

#include "stream.h"

#define FIRST_ROOM 4096

/*
 * Longer streams are mistakes: offsets in them are 32 bits wide, and a card would run them for
 * hours.
 */
#define MAX_BYTES (1ull << 28)

void npu_caps_config(const struct npu_caps *caps, struct npu_card_config *cfg)
{
	npu_card_config_default(cfg);
	cfg->cores = caps->cores;
	cfg->rings = caps->rings;
	cfg->spm_size = caps->spm_size;
	cfg->acc_size = caps->acc_size;
	cfg->lmem_size = caps->lmem_size;
	cfg->array_rows = caps->array_rows;
	cfg->array_cols = caps->array_cols;
	cfg->clock_mhz = caps->clock_khz / 1000;
	cfg->vpu_lanes = caps->vpu_lanes;
	cfg->weight_rows = caps->weight_rows;
	cfg->dw_channels = caps->dw_channels;
	cfg->dw_taps = caps->dw_taps;
	cfg->float_div = caps->float_div;
	cfg->lmem_bw = caps->lmem_bw;
	cfg->lmem_latency = caps->lmem_latency;
	cfg->pcie_bw = caps->pcie_bw;
	cfg->pcie_latency = caps->pcie_latency;
	cfg->cmd_cycles = caps->cmd_cycles;
	cfg->barrier_cycles = caps->barrier_cycles;
	cfg->mac_fj = caps->mac_fj;
	cfg->lmem_fj = caps->lmem_fj;
	cfg->pcie_fj = caps->pcie_fj;
	cfg->vpu_fj = caps->vpu_fj;
	cfg->idle_mw = caps->idle_mw;
	cfg->inject = caps->features & NPU_FEATURE_INJECT;
}

struct npu_stream *npu_stream_create(void)
{
	return calloc(1, sizeof(struct npu_stream));
}

void npu_stream_free(struct npu_stream *s)
{
	if (!s)
		return;
	free(s->data);
	free(s);
}

void npu_stream_clear(struct npu_stream *s)
{
	s->size = 0;
	s->commands = 0;
	s->error = 0;
}

/* Room for @size more bytes, or NULL. */
static void *reserve(struct npu_stream *s, size_t size)
{
	size_t room = s->room ? s->room : FIRST_ROOM;
	uint8_t *data;

	if (s->error)
		return NULL;
	if (size > MAX_BYTES - s->size) {
		s->error = -ENOSPC;
		return NULL;
	}
	while (room - s->size < size)
		room *= 2;
	if (room != s->room) {
		data = realloc(s->data, room);
		if (!data) {
			s->error = -ENOMEM;
			return NULL;
		}
		s->data = data;
		s->room = room;
	}
	return s->data + s->size;
}

static int append(struct npu_stream *s, uint8_t opcode, const void *cmd)
{
	size_t size = npu_isa_size(opcode);
	struct npu_cmd *h = reserve(s, size);
	uint32_t tag;

	if (!h)
		return s->error;
	memcpy(h, cmd, size);
	tag = h->tag;
	memset(h, 0, sizeof(*h));
	h->opcode = opcode;
	h->size = size;
	memset(h->wait, NPU_SEM_NONE, sizeof(h->wait));
	memset(h->signal, NPU_SEM_NONE, sizeof(h->signal));
	h->tag = tag;
	s->size += size;
	s->commands++;
	return 0;
}

int npu_stream_load(struct npu_stream *s, const struct npu_cmd_load *cmd)
{
	return append(s, NPU_OP_LOAD, cmd);
}

int npu_stream_gather(struct npu_stream *s, const struct npu_cmd_gather *cmd)
{
	return append(s, NPU_OP_GATHER, cmd);
}

int npu_stream_store(struct npu_stream *s, const struct npu_cmd_store *cmd)
{
	return append(s, NPU_OP_STORE, cmd);
}

int npu_stream_matmul(struct npu_stream *s, const struct npu_cmd_matmul *cmd)
{
	return append(s, NPU_OP_MATMUL, cmd);
}

int npu_stream_conv(struct npu_stream *s, const struct npu_cmd_conv *cmd)
{
	return append(s, NPU_OP_CONV, cmd);
}

int npu_stream_vpu(struct npu_stream *s, const struct npu_cmd_vpu *cmd)
{
	return append(s, NPU_OP_VPU, cmd);
}

int npu_stream_pool(struct npu_stream *s, const struct npu_cmd_pool *cmd)
{
	return append(s, NPU_OP_POOL, cmd);
}

int npu_stream_barrier(struct npu_stream *s, uint32_t tag)
{
	struct npu_cmd cmd = { .tag = tag };

	return append(s, NPU_OP_BARRIER, &cmd);
}

int npu_stream_append(struct npu_stream *s, const void *data, size_t size)
{
	const uint8_t *p = data;
	uint32_t commands = 0;
	size_t at = 0;
	void *room;

	while (at < size) {
		const struct npu_cmd *cmd = (const void *)(p + at);

		if (size - at < sizeof(*cmd) || cmd->size < sizeof(*cmd) || cmd->size > size - at ||
		    cmd->size % NPU_CMD_ALIGN)
			return -EINVAL;
		at += cmd->size;
		commands++;
	}
	room = reserve(s, size);
	if (!room)
		return s->error;
	if (size)
		memcpy(room, data, size);
	s->size += size;
	s->commands += commands;
	return 0;
}

int npu_stream_error(const struct npu_stream *s)
{
	return s->error;
}

const void *npu_stream_data(const struct npu_stream *s, size_t *size)
{
	if (size)
		*size = s->size;
	return s->data;
}

uint32_t npu_stream_commands(const struct npu_stream *s)
{
	return s->commands;
}
