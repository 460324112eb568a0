/* SPDX-License-Identifier: MIT */
/*
 * Copyright (c) 2026 the npu authors
 *
 * What the job of one core has done to SPM, or to ACC: the last write and the last read of each
 * engine for each granule, and which bytes were written at all. Private to the hazard checker, used
 * by one thread at a time.
 */
#ifndef NPU_CARD_HAZARD_LOCAL_H
#define NPU_CARD_HAZARD_LOCAL_H

#include <stdbool.h>
#include <stdint.h>

#include "npu/hw/isa.h"
#include "npu/hw/regs.h"

struct npu_local;
struct npu_wire;

/** struct npu_knowledge - what an engine knows: stamps (hazard_memory.h) of each engine up to here have ended */
struct npu_knowledge {
	uint32_t of[NPU_ENGINES];
};

/**
 * struct npu_local_by - who accesses
 * @write: it writes
 * @engine: and which one it is
 * @stamp: of its command
 * @knows: what it knows, itself included
 */
struct npu_local_by {
	bool write;
	uint8_t engine;
	uint32_t stamp;
	const struct npu_knowledge *knows;
};

/**
 * struct npu_local_clash - what is wrong with an access
 * @reason: NPU_REASON_RAW, WAR, WAW or UNWRITTEN
 * @engine: of the other command, NPU_ENGINE_NONE for UNWRITTEN
 * @stamp: of the other command, 0 for UNWRITTEN
 * @addr: the first byte
 * @len: so many bytes of the access have that same clash
 */
struct npu_local_clash {
	uint8_t reason;
	uint8_t engine;
	uint32_t stamp;
	uint64_t addr;
	uint64_t len;
};

/** npu_local_new() - of a memory of @bytes; NULL without memory */
struct npu_local *npu_local_new(uint64_t bytes);
void npu_local_free(struct npu_local *l);

/** npu_local_clear() - a job starts: nobody has done anything */
void npu_local_clear(struct npu_local *l);

/**
 * npu_local_access() - bytes [@addr, @addr + @len) are read or written
 *
 * True, and it is remembered; or false and the first clash.
 */
bool npu_local_access(struct npu_local *l, const struct npu_local_by *by, uint64_t addr,
		      uint64_t len, struct npu_local_clash *clash);

/** npu_local_wire() - all records, to or from @w (wire.h); before it reads they are to be clear */
void npu_local_wire(struct npu_local *l, struct npu_wire *w);

#endif
