/* SPDX-License-Identifier: MIT */
/*
 * Copyright (c) 2026 the npu authors
 *
 * Host memory by bus address: the gate through which every access of the card goes, so that
 * bus-master-off and resets can close it and know that nothing is under way any more; and a cache
 * of the host's mappings.
 *
 * Each thread of the card that reaches host memory does so inside its own port:
 *
 *	if (npu_port_enter(bus, port)) { ... npu_bus_read() ... npu_port_leave(port); }
 *
 * Locks: npu_port.lock > (no other lock of the card but) npu_bus.map_lock. Calls of the host are
 * made inside a port, map() and unmap() also with map_lock held.
 */
#ifndef NPU_CARD_BUS_H
#define NPU_CARD_BUS_H

#include <pthread.h>
#include <stdatomic.h>

#include "card.h"

/**
 * struct npu_port - one thread's way to memory
 * @lock: held while the thread is at it
 * @gate: keeps the thread from taking @lock again at once while another waits for it
 * @waiters: threads that want the port quiet
 */
struct npu_port {
	pthread_mutex_t lock;
	pthread_mutex_t gate;
	atomic_uint waiters;
};

#define NPU_BUS_NO_MASTER (1u << 0)
#define NPU_BUS_RESET	  (1u << 1)
#define NPU_BUS_REMOVED	  (1u << 2)
#define NPU_BUS_SETS	  64
#define NPU_BUS_WAYS	  4

/**
 * struct npu_map - a mapping of the host's, shared by those who count in @refs
 * @dirty: something was written through it
 */
struct npu_map {
	uint8_t *ptr;
	uint64_t bus;
	uint64_t len;
	bool write;
	atomic_bool dirty;
	unsigned int refs; /* npu_bus.map_lock */
};

/**
 * struct npu_bus - the card's connection to its host
 * @closed: NPU_BUS_* reasons why nothing may reach memory
 * @ports: all of them; fixed while threads run
 * @map_lock: protects @cache, @victim and npu_map.refs
 */
struct npu_bus {
	struct npu_card_host host;
	void *opaque;
	atomic_uint closed;
	struct npu_port *ports;
	unsigned int port_count;
	pthread_mutex_t map_lock;
	struct npu_map *cache[NPU_BUS_SETS][NPU_BUS_WAYS];
	unsigned int victim;
};

/** npu_bus_init() - @ports ports, bus-master off. Returns 0 or -ENOMEM */
int npu_bus_init(struct npu_bus *bus, const struct npu_card_host *host, void *opaque,
		 unsigned int ports);
void npu_bus_fini(struct npu_bus *bus);

/**
 * npu_bus_close() - for the reason @why nothing may reach memory; returns when nothing does any
 * more
 * npu_bus_forbid() - likewise without waiting
 * npu_bus_open() - that reason is gone
 */
void npu_bus_forbid(struct npu_bus *bus, unsigned int why);
void npu_bus_close(struct npu_bus *bus, unsigned int why);
void npu_bus_open(struct npu_bus *bus, unsigned int why);

static inline bool npu_bus_is_open(struct npu_bus *bus)
{
	return !atomic_load(&bus->closed);
}

/** npu_port_enter() - begin an access; false when the bus is closed */
bool npu_port_enter(struct npu_bus *bus, struct npu_port *port);
void npu_port_leave(struct npu_port *port);

/**
 * npu_port_exclude() - wait until the port's thread is outside and keep it there
 * npu_port_admit() - let it in again
 */
void npu_port_exclude(struct npu_port *port);
void npu_port_admit(struct npu_port *port);

/* Copies; inside a port. 0 or -EIO. */
int npu_bus_read(struct npu_bus *bus, uint64_t addr, void *buf, uint64_t len);
int npu_bus_write(struct npu_bus *bus, uint64_t addr, const void *buf, uint64_t len);

/** npu_bus_read64() - an aligned little-endian word, in one piece; inside a port. 0 or -EIO */
int npu_bus_read64(struct npu_bus *bus, uint64_t addr, uint64_t *value);

/**
 * npu_bus_map() - a mapping that holds the byte at @addr, kept until npu_bus_unmap()
 *
 * Only for hosts whose mappings are stable; inside a port. NULL where the host gives none: copy
 * then.
 */
struct npu_map *npu_bus_map(struct npu_bus *bus, uint64_t addr, bool write);
void npu_bus_unmap(struct npu_bus *bus, struct npu_map *map);

/**
 * npu_bus_forget() - the cache lets go of all mappings; those still held elsewhere end with their
 * holder
 */
void npu_bus_forget(struct npu_bus *bus);

#endif
