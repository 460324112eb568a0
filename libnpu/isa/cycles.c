// SPDX-License-Identifier: MIT
/*
 * Copyright (c) 2026 the npu authors
 *
 * What streams will cost, by the card's own model of time (qemu-device/card/timing.h).
 */
#include <errno.h>
#include <stdlib.h>

#include "hal/error.h"
#include "qemu-device/card/card.h"
#include "qemu-device/card/timing.h"

#include "stream.h"

/* Where regions are, for the model: far apart in the address space. */
#define REGION_SHIFT (NPU_VA_BITS - 4)
_Static_assert(1u << 4 == NPU_MAX_REGIONS, "a part of the address space for each region");

struct places {
	uint64_t base[NPU_MAX_REGIONS];
	uint32_t host;
};

static bool resolve(void *opaque, uint64_t va, enum npu_access_kind kind, uint64_t *key,
		    uint64_t *len)
{
	const struct places *p = opaque;
	bool host = p->host & 1u << (va >> REGION_SHIFT & (NPU_MAX_REGIONS - 1));

	(void)kind;
	*key = host ? va : va | NPU_KEY_LOCAL;
	*len = (1ull << REGION_SHIFT) - (va & ((1ull << REGION_SHIFT) - 1));
	return true;
}

/* Up to a barrier (true) or the end. */
static bool feed(struct npu_time *t, const struct npu_code *code, size_t *at, struct places *p)
{
	while (*at < code->size) {
		const struct npu_cmd *cmd = (const void *)((const uint8_t *)code->cmds + *at);
		uint64_t local, host;

		*at += cmd->size;
		if (cmd->opcode == NPU_OP_BARRIER)
			return true;
		npu_time_bytes(cmd, p->base, NULL, p->host ? resolve : NULL, p, &local, &host);
		npu_time_command(t, cmd, local, host);
	}
	return false;
}

int npu_code_cycles(const struct npu_caps *caps, const struct npu_code *code, unsigned int cores,
		    uint32_t host_regions, uint64_t *cycles)
{
	struct npu_time *time[NPU_MAX_CORES] = { NULL };
	size_t at[NPU_MAX_CORES] = { 0 };
	struct npu_card_config cfg;
	struct places p = { .host = host_regions };
	unsigned int i;
	int ret = 0;

	*cycles = 0;
	if (!cores || cores > NPU_MAX_CORES)
		return npu_fail(-EINVAL, "%u streams: 1 to %d can be", cores, NPU_MAX_CORES);
	npu_caps_config(caps, &cfg);
	for (i = 0; i < NPU_MAX_REGIONS; i++)
		p.base[i] = (uint64_t)i << REGION_SHIFT;
	for (i = 0; i < cores && !ret; i++) {
		time[i] = npu_time_new(&cfg);
		if (!time[i])
			ret = npu_fail(-ENOMEM, "out of memory");
	}
	/* All members have as many barriers: they meet at each. */
	while (!ret) {
		uint64_t arrival = 0, t;
		bool barrier = false;

		for (i = 0; i < cores; i++) {
			if (!feed(time[i], &code[i], &at[i], &p))
				continue;
			barrier = true;
			t = npu_time_drain(time[i]);
			arrival = t > arrival ? t : arrival;
		}
		if (!barrier)
			break;
		for (i = 0; i < cores; i++)
			npu_time_barrier(time[i], arrival);
	}
	for (i = 0; i < cores && !ret; i++) {
		struct npu_time_result result;

		npu_time_end(time[i], &result);
		if (result.cycles > *cycles)
			*cycles = result.cycles;
	}
	for (i = 0; i < cores; i++)
		npu_time_free(time[i]);
	return ret;
}
