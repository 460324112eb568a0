/* SPDX-License-Identifier: MIT */
/*
 * Copyright (c) 2026 the npu authors
 *
 * A host for a card under test: its memory, its interrupts, and the little of a driver that tests
 * need.
 *
 * Bus memory is one arena at a bus address of its own, with nothing around it. What a test calls
 * runs on one thread, the card's calls on others; the arena is only touched under @lock, by
 * host_read() and friends, but where the card maps it; then by the rules of who writes what.
 */
#ifndef NPU_TESTS_CARD_HOST_H
#define NPU_TESTS_CARD_HOST_H

#include <pthread.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "card.h"
#include "npu/hw/isa.h"
#include "npu/hw/regs.h"

#define HOST_BUS	UINT64_C(0x40000000)
#define HOST_SIZE	(UINT64_C(32) << 20)
#define HOST_CTX_COUNT	16
#define HOST_ORDER	4096

enum host_memory {
	HOST_STABLE,	/* mappings that may be kept */
	HOST_TRANSIENT,	/* mappings that may not (an IOMMU) */
	HOST_COPY,	/* no mappings at all */
};

/**
 * struct host - a machine with one card
 * @card: the card
 * @memory: how it reaches the arena
 * @dead: nothing answers any more; an access is counted in @late
 * @maps: mappings held by the card
 * @stall: reads wait while it is set, and fail then
 * @stalled: one does
 * @refuse_from: bus addresses from here to @refuse_to do not answer
 * @interrupts: by vector
 * @guest_errors: LOG_GUEST_ERROR lines
 * @cfg: the card's
 * @order: job ids of completions as they were written, over all rings
 * @ordered: how many
 * @next: first unused byte of the arena
 */
struct host {
	struct npu_card *card;
	enum host_memory memory;
	uint8_t *arena;
	uint8_t *lmem;
	uint64_t lmem_size;
	pthread_mutex_t lock;
	pthread_cond_t cond;
	bool dead;
	unsigned int late;
	bool stall;
	bool stalled;
	unsigned int maps;
	unsigned int max_maps;
	unsigned int reads;
	uint64_t refuse_from;
	uint64_t refuse_to;
	unsigned int interrupts[1 + NPU_MAX_RINGS];
	unsigned int guest_errors;
	struct npu_card_config cfg;
	uint64_t lmem_dirty;
	uint64_t map_dirty;
	uint64_t order[HOST_ORDER];
	unsigned int ordered;
	uint64_t next;
	uint64_t ctx_table;
	struct host_ring *ring[NPU_MAX_RINGS];
};

/** struct host_ring - a ring as a driver has it */
struct host_ring {
	unsigned int index;
	uint32_t size_log2;
	uint64_t desc;
	uint64_t cpl;
	uint64_t tail_addr;
	uint32_t tail;
	uint32_t cpl_seen;
};

/** struct host_job - what host_submit() puts on a ring; zeroes are good defaults */
struct host_job {
	uint64_t id;
	uint16_t ctx;
	uint8_t ncores;		/* 0: 1 */
	uint32_t flags;
	uint64_t region[NPU_MAX_REGIONS];
	struct npu_stream_ref stream[NPU_MAX_CORES];
	uint64_t table;		/* out: its side table */
};

/**
 * host_new() - a card made from @options (npu_card_config_parse(), with small memories), enabled;
 * fails the test on error
 */
struct host *host_new(enum host_memory memory, const char *options);
/** host_free() - checks that no mapping is left, and that nothing reached memory late */
void host_free(struct host *h);

/** host_new_card() - another card like the one it has, as after power-on, with bus-master on */
struct npu_card *host_new_card(struct host *h);

/** struct host_state - the bytes of a saved state */
struct host_state {
	uint8_t *data;
	size_t size;
	size_t at;
};

/** host_save() - of the card, which is paused */
struct host_state host_save(struct host *h);
/** host_load() - into a paused card; what npu_card_load() returned */
int host_load(struct npu_card *card, struct host_state *state, char *err, size_t err_size);
/** host_move() - its paused card's state goes on in a new card, which is paused as well */
void host_move(struct host *h);

uint32_t host_reg(struct host *h, uint64_t offset);
void host_set(struct host *h, uint64_t offset, uint32_t value);
uint64_t host_reg64(struct host *h, uint64_t offset);
void host_set64(struct host *h, uint64_t offset, uint64_t value);
/**
 * host_until() - wait until register @offset & @mask is @value; fails the test after a long while
 */
void host_until(struct host *h, uint64_t offset, uint32_t mask, uint32_t value);

/** host_alloc() - zeroed bus memory, never given back */
uint64_t host_alloc(struct host *h, uint64_t size, uint64_t align);
void host_write(struct host *h, uint64_t bus, const void *data, uint64_t len);
void host_read(struct host *h, uint64_t bus, void *data, uint64_t len);
/** host_ptr() - direct, where nothing else is at it */
void *host_ptr(struct host *h, uint64_t bus);

/** host_ctx() - make context @ctx, empty */
void host_ctx(struct host *h, uint16_t ctx);
/** host_map() - map @len bytes (of 4 KiB pages, or 2 MiB with NPU_PTE_LARGE in @flags) */
void host_map(struct host *h, uint16_t ctx, uint64_t va, uint64_t phys, uint64_t len,
	      uint64_t flags);
/** host_pte() - bus address of the entry of @va in a table of @level; tables above it are made */
uint64_t host_pte(struct host *h, uint16_t ctx, uint64_t va, int level);
void host_unmap(struct host *h, uint16_t ctx, uint64_t va, uint64_t len);
/** host_invalidate() - and wait for the acknowledgement */
void host_invalidate(struct host *h, unsigned int cmd, uint16_t ctx, uint64_t first, uint64_t last);

/** host_ring() - configure and enable a ring */
struct host_ring *host_ring(struct host *h, unsigned int index, uint32_t size_log2,
			    uint32_t priority);
/** host_push() - put a job on a ring; the card learns of it by host_ding() */
void host_push(struct host *h, struct host_ring *r, struct host_job *job);
void host_push_desc(struct host *h, struct host_ring *r, const struct npu_desc *desc);
void host_ding(struct host *h, struct host_ring *r);
void host_submit(struct host *h, struct host_ring *r, struct host_job *job);
/** host_completion() - wait for the ring's next completion; fails the test after a long while */
struct npu_completion host_completion(struct host *h, struct host_ring *r);
/** host_has_completion() - is there one that was not consumed? */
bool host_has_completion(struct host *h, struct host_ring *r);
struct npu_error host_error(struct host *h, const struct host_job *job);
/** host_interrupts() - wait until vector @vector was raised @count times at least */
void host_interrupts(struct host *h, unsigned int vector, unsigned int count);
/** host_command() - ABORT or CANCEL; returns its result */
uint32_t host_command(struct host *h, unsigned int ring, uint32_t cmd, uint64_t job);

/* ---- Streams: a list of commands in bus memory ----------------------------------------------- */

#define HOST_CODE_SIZE	65536

/** struct host_code - a stream that grows */
struct host_code {
	uint64_t bus;
	uint32_t size;
};

/** host_code() - an empty stream in fresh memory, mapped for reading at @va in @ctx */
struct host_code host_code(struct host *h, uint16_t ctx, uint64_t va);
/**
 * host_code_add() - append @cmd with its size and tag; waits and signals were set with cmd_init()
 */
uint32_t host_code_add(struct host *h, struct host_code *code, const void *cmd);
/** cmd_init() - header: opcode, size, tag; no semaphores */
void cmd_init(void *cmd, uint8_t opcode, size_t size, uint32_t tag);

/** cmd_load() - @len bytes from @offset in @region to @spm */
struct npu_cmd_load cmd_load(uint8_t region, int64_t offset, uint32_t spm, uint32_t len,
			     uint32_t tag);
/** cmd_store() - @len bytes from @spm to @offset in @region */
struct npu_cmd_store cmd_store(uint8_t region, int64_t offset, uint32_t spm, uint32_t len,
			     uint32_t tag);

#endif
