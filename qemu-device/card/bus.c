// SPDX-License-Identifier: MIT
/*
 * Copyright (c) 2026 the npu authors
 *
 * Host memory by bus address; see bus.h.
 */
#include "bus.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

/* The host is asked for mappings up to the next boundary of this. */
#define MAP_CHUNK (UINT64_C(2) << 20)
#define MAP_PAGE  UINT64_C(4096)

#if __BYTE_ORDER__ != __ORDER_LITTLE_ENDIAN__
#error "the card's structures are little-endian and so must be its host"
#endif

int npu_bus_init(struct npu_bus *bus, const struct npu_card_host *host, void *opaque,
		 unsigned int ports)
{
	memset(bus, 0, sizeof(*bus));
	bus->host = *host;
	bus->opaque = opaque;
	bus->ports = calloc(ports, sizeof(*bus->ports));
	if (!bus->ports)
		return -ENOMEM;
	bus->port_count = ports;
	for (unsigned int i = 0; i < ports; i++) {
		pthread_mutex_init(&bus->ports[i].lock, NULL);
		pthread_mutex_init(&bus->ports[i].gate, NULL);
	}
	pthread_mutex_init(&bus->map_lock, NULL);
	atomic_init(&bus->closed, NPU_BUS_NO_MASTER);
	return 0;
}

void npu_bus_fini(struct npu_bus *bus)
{
	npu_bus_forget(bus);
	for (unsigned int i = 0; i < bus->port_count; i++) {
		pthread_mutex_destroy(&bus->ports[i].lock);
		pthread_mutex_destroy(&bus->ports[i].gate);
	}
	pthread_mutex_destroy(&bus->map_lock);
	free(bus->ports);
}

void npu_bus_forbid(struct npu_bus *bus, unsigned int why)
{
	atomic_fetch_or(&bus->closed, why);
}

void npu_bus_close(struct npu_bus *bus, unsigned int why)
{
	npu_bus_forbid(bus, why);
	/* Who entered before the line above is waited for; who enters after it sees it. */
	for (unsigned int i = 0; i < bus->port_count; i++) {
		npu_port_exclude(&bus->ports[i]);
		npu_port_admit(&bus->ports[i]);
	}
}

void npu_bus_open(struct npu_bus *bus, unsigned int why)
{
	atomic_fetch_and(&bus->closed, ~why);
}

bool npu_port_enter(struct npu_bus *bus, struct npu_port *port)
{
	/*
	 * A mutex is not fair: without this a core could take the port again and again for a long
	 * time.
	 */
	if (atomic_load_explicit(&port->waiters, memory_order_relaxed)) {
		pthread_mutex_lock(&port->gate);
		pthread_mutex_unlock(&port->gate);
	}
	pthread_mutex_lock(&port->lock);
	if (npu_bus_is_open(bus))
		return true;
	pthread_mutex_unlock(&port->lock);
	return false;
}

void npu_port_leave(struct npu_port *port)
{
	pthread_mutex_unlock(&port->lock);
}

void npu_port_exclude(struct npu_port *port)
{
	atomic_fetch_add(&port->waiters, 1);
	pthread_mutex_lock(&port->gate);
	pthread_mutex_lock(&port->lock);
}

void npu_port_admit(struct npu_port *port)
{
	pthread_mutex_unlock(&port->lock);
	pthread_mutex_unlock(&port->gate);
	atomic_fetch_sub(&port->waiters, 1);
}

int npu_bus_read(struct npu_bus *bus, uint64_t addr, void *buf, uint64_t len)
{
	return bus->host.read(bus->opaque, addr, buf, len) ? -EIO : 0;
}

int npu_bus_write(struct npu_bus *bus, uint64_t addr, const void *buf, uint64_t len)
{
	return bus->host.write(bus->opaque, addr, buf, len) ? -EIO : 0;
}

int npu_bus_read64(struct npu_bus *bus, uint64_t addr, uint64_t *value)
{
	struct npu_map *map = npu_bus_map(bus, addr, false);

	if (!map)
		return npu_bus_read(bus, addr, value, sizeof(*value));
	*value = __atomic_load_n((uint64_t *)(map->ptr + (addr - map->bus)), __ATOMIC_ACQUIRE);
	npu_bus_unmap(bus, map);
	return 0;
}

static void put_locked(struct npu_bus *bus, struct npu_map *map)
{
	if (--map->refs)
		return;
	bus->host.unmap(bus->opaque, map->ptr, map->len, map->write,
			atomic_load(&map->dirty) ? map->len : 0);
	free(map);
}

/* A new mapping from the page of @addr on, with one reference. */
static struct npu_map *map_new(struct npu_bus *bus, uint64_t addr, bool write)
{
	struct npu_map *map = calloc(1, sizeof(*map));

	if (!map)
		return NULL;
	map->bus = addr & ~(MAP_PAGE - 1);
	map->len = MAP_CHUNK - (map->bus & (MAP_CHUNK - 1));
	map->write = write;
	map->refs = 1;
	map->ptr = bus->host.map(bus->opaque, map->bus, &map->len, write);
	if (!map->ptr) {
		free(map);
		return NULL;
	}
	/* What is not there to the end of its page is not worth the trouble: it is copied. */
	if (map->len < MAP_PAGE) {
		put_locked(bus, map);
		return NULL;
	}
	return map;
}

struct npu_map *npu_bus_map(struct npu_bus *bus, uint64_t addr, bool write)
{
	struct npu_map **set = bus->cache[addr / MAP_CHUNK % NPU_BUS_SETS];
	struct npu_map **slot = NULL;
	struct npu_map *map = NULL;

	if (!bus->host.stable_map)
		return NULL;
	pthread_mutex_lock(&bus->map_lock);
	for (unsigned int i = 0; i < NPU_BUS_WAYS; i++) {
		if (!set[i]) {
			slot = &set[i];
		} else if (set[i]->write == write && addr - set[i]->bus < set[i]->len) {
			map = set[i];
			break;
		}
	}
	if (!map) {
		map = map_new(bus, addr, write);
		if (map) {
			if (!slot) {
				slot = &set[bus->victim++ % NPU_BUS_WAYS];
				put_locked(bus, *slot);
			}
			*slot = map;
		}
	}
	if (map)
		map->refs++;
	pthread_mutex_unlock(&bus->map_lock);
	return map;
}

void npu_bus_unmap(struct npu_bus *bus, struct npu_map *map)
{
	pthread_mutex_lock(&bus->map_lock);
	put_locked(bus, map);
	pthread_mutex_unlock(&bus->map_lock);
}

void npu_bus_forget(struct npu_bus *bus)
{
	pthread_mutex_lock(&bus->map_lock);
	for (unsigned int s = 0; s < NPU_BUS_SETS; s++) {
		for (unsigned int w = 0; w < NPU_BUS_WAYS; w++) {
			if (bus->cache[s][w])
				put_locked(bus, bus->cache[s][w]);
			bus->cache[s][w] = NULL;
		}
	}
	pthread_mutex_unlock(&bus->map_lock);
}
