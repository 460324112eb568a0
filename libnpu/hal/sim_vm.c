// SPDX-License-Identifier: MIT
/*
 * Copyright (c) 2026 the npu authors
 *
 * The simulated card's memory: buffers in this process or in its local memory, and the page tables
 * of its one context.
 *
 * The card reads the tables while they change. An entry is written in one piece; a table that is
 * linked stays until the device closes (so a cached walk never meets a freed one); what was unbound
 * is invalidated before its memory goes.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#include "backend_sim.h"

/**
 * struct sim_buffer - memory
 * @host: it, when it is host memory
 * @lmem: its offset, when it is local
 */
struct sim_buffer {
	struct npu_buffer base;
	bool local;
	uint8_t *host;
	uint64_t lmem;
};

static struct sim_buffer *to_sim_buffer(struct npu_buffer *buf)
{
	return npu_container_of(buf, struct sim_buffer, base);
}

/* ---- Tables ---------------------------------------------------------------------------------- */

static void *new_page(struct sim_vm *vm)
{
	void *page;

	if (vm->page_count == vm->page_room) {
		unsigned int room = vm->page_room ? 2 * vm->page_room : 16;
		void **more = realloc(vm->pages, room * sizeof(*more));

		if (!more)
			return NULL;
		vm->pages = more;
		vm->page_room = room;
	}
	page = aligned_alloc(NPU_PAGE_SIZE, NPU_PAGE_SIZE);
	if (!page)
		return NULL;
	memset(page, 0, NPU_PAGE_SIZE);
	vm->pages[vm->page_count++] = page;
	return page;
}

int sim_vm_init(struct sim_device *dev)
{
	struct sim_vm *vm = &dev->vm;

	pthread_mutex_init(&vm->lock, NULL);
	vm->context = new_page(vm);
	vm->root = new_page(vm);
	if (!vm->context || !vm->root)
		return npu_fail(-ENOMEM, "out of memory");
	vm->context[SIM_CONTEXT].root = (uintptr_t)vm->root | NPU_CTX_VALID;
	return 0;
}

void sim_vm_fini(struct sim_device *dev)
{
	struct sim_vm *vm = &dev->vm;

	if (!vm->pages)
		return;
	for (unsigned int i = 0; i < vm->page_count; i++)
		free(vm->pages[i]);
	free(vm->pages);
	pthread_mutex_destroy(&vm->lock);
}

static uint64_t get(const uint64_t *entry)
{
	return __atomic_load_n(entry, __ATOMIC_ACQUIRE);
}

static void set(uint64_t *entry, uint64_t value)
{
	__atomic_store_n(entry, value, __ATOMIC_RELEASE);
}

/*
 * The entry for @va on @level; tables above it are made if @make. NULL: out of memory, or nothing
 * there. With @level 0 and a large page there, that page's entry.
 */
static uint64_t *walk(struct sim_vm *vm, uint64_t va, int level, bool make)
{
	uint64_t *table = vm->root;

	for (int l = NPU_PT_LEVELS - 1;; l--) {
		uint64_t *entry = &table[va >> NPU_PT_SHIFT(l) & (NPU_PT_ENTRIES - 1)];
		uint64_t e = get(entry);

		if (l == level || e & NPU_PTE_LARGE)
			return entry;
		if (!(e & NPU_PTE_VALID)) {
			uint64_t *page = make ? new_page(vm) : NULL;

			if (!page)
				return NULL;
			e = (uintptr_t)page | NPU_PTE_VALID;
			set(entry, e);
		}
		table = (uint64_t *)(uintptr_t)(e & NPU_PTE_ADDR);
	}
}

/* Maps one page at @va, a large one if that is possible. Returns its size, or 0. */
static uint64_t map_page(struct sim_vm *vm, uint64_t va, uint64_t to, uint64_t left, uint64_t bits)
{
	uint64_t *entry;

	if (left >= NPU_LARGE_PAGE_SIZE && !((va | to) & (NPU_LARGE_PAGE_SIZE - 1))) {
		entry = walk(vm, va, 1, true);
		if (!entry)
			return 0;
		if (!(get(entry) & NPU_PTE_VALID)) {
			set(entry, to | bits | NPU_PTE_LARGE);
			return NPU_LARGE_PAGE_SIZE;
		}
	}
	entry = walk(vm, va, 0, true);
	if (!entry)
		return 0;
	set(entry, to | bits);
	return NPU_PAGE_SIZE;
}

static void unmap(struct sim_vm *vm, uint64_t va, uint64_t size)
{
	for (uint64_t at = va; at < va + size;) {
		uint64_t *entry = walk(vm, at, 0, false);
		bool large = entry && get(entry) & NPU_PTE_LARGE;

		if (entry)
			set(entry, 0);
		at += large ? NPU_LARGE_PAGE_SIZE : NPU_PAGE_SIZE;
	}
}

/* Returns when no access that was translated before is under way any more. */
static void invalidate(struct sim_device *dev, uint64_t va, uint64_t size)
{
	pthread_mutex_lock(&dev->command_lock);
	pthread_mutex_lock(&dev->lock);
	sim_write(dev, NPU_REG_TLB_CTX, SIM_CONTEXT);
	sim_write64(dev, NPU_REG_TLB_START_LO, va);
	sim_write64(dev, NPU_REG_TLB_LAST_LO, va + size - 1);
	sim_write(dev, NPU_REG_TLB_CMD, NPU_TLB_RANGE);
	while (sim_read(dev, NPU_REG_TLB_CMD))
		sim_wait_changed(dev, INT64_MAX);
	pthread_mutex_unlock(&dev->lock);
	pthread_mutex_unlock(&dev->command_lock);
}

int sim_buffer_bind(struct npu_buffer *base)
{
	struct sim_buffer *buf = to_sim_buffer(base);
	struct sim_device *dev = to_sim(base->dev);
	uint64_t bits = NPU_PTE_VALID | NPU_PTE_READ;
	uint64_t to = buf->local ? buf->lmem : (uintptr_t)buf->host;
	uint64_t at = 0;

	if (buf->local)
		bits |= NPU_PTE_LOCAL;
	if (!base->readonly)
		bits |= NPU_PTE_WRITE;
	pthread_mutex_lock(&dev->vm.lock);
	while (at < base->span) {
		uint64_t done = map_page(&dev->vm, base->va + at, to + at, base->span - at, bits);

		if (!done) {
			unmap(&dev->vm, base->va, base->span);
			break;
		}
		at += done;
	}
	pthread_mutex_unlock(&dev->vm.lock);
	return at < base->span ? npu_fail(-ENOMEM, "no memory for page tables") : 0;
}

void sim_buffer_unbind(struct npu_buffer *base)
{
	struct sim_device *dev = to_sim(base->dev);

	pthread_mutex_lock(&dev->vm.lock);
	unmap(&dev->vm, base->va, base->span);
	pthread_mutex_unlock(&dev->vm.lock);
	invalidate(dev, base->va, base->span);
}

/* ---- Buffers --------------------------------------------------------------------------------- */

static uint64_t alignment(uint64_t span)
{
	return span >= NPU_LARGE_PAGE_SIZE ? NPU_LARGE_PAGE_SIZE : NPU_PAGE_SIZE;
}

static uint8_t *map_host(uint64_t span)
{
	uint64_t slack = alignment(span) - NPU_PAGE_SIZE;
	uint8_t *p, *aligned;

	p = mmap(NULL, span + slack, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	if (p == MAP_FAILED)
		return NULL;
	aligned = (uint8_t *)(((uintptr_t)p + slack) & ~(uintptr_t)(alignment(span) - 1));
	if (aligned > p)
		munmap(p, aligned - p);
	if (p + slack > aligned)
		munmap(aligned + span, p + slack - aligned);
	return aligned;
}

int sim_buffer_create(struct npu_device *base, size_t size, unsigned int flags,
		      struct npu_buffer **out)
{
	struct sim_device *dev = to_sim(base);
	uint64_t span = NPU_PAGE_ALIGN(size);
	struct sim_buffer *buf;

	buf = calloc(1, sizeof(*buf));
	if (!buf)
		return npu_fail(-ENOMEM, "out of memory");
	buf->local = flags & NPU_BUFFER_LOCAL;
	if (buf->local) {
		int ret = npu_va_alloc(&dev->lmem_va, span, alignment(span), &buf->lmem);

		if (ret) {
			free(buf);
			return npu_fail(ret, "local memory has no room for %zu bytes", size);
		}
	} else {
		buf->host = map_host(span);
		if (!buf->host) {
			free(buf);
			return npu_fail(-ENOMEM, "no host memory for %zu bytes", size);
		}
	}
	npu_buffer_init(&buf->base, size, span);
	*out = &buf->base;
	return 0;
}

void sim_buffer_destroy(struct npu_buffer *base)
{
	struct sim_buffer *buf = to_sim_buffer(base);
	struct sim_device *dev = to_sim(base->dev);

	if (buf->local) {
		/* What is private and anonymous reads as zero afterwards. */
		madvise(dev->lmem + buf->lmem, base->span, MADV_DONTNEED);
		npu_va_free(&dev->lmem_va, buf->lmem, base->span);
	} else {
		munmap(buf->host, base->span);
	}
	free(buf);
}

int sim_buffer_map(struct npu_buffer *base, void **ptr)
{
	struct sim_buffer *buf = to_sim_buffer(base);

	*ptr = buf->local ? to_sim(base->dev)->lmem + buf->lmem : buf->host;
	return 0;
}

int sim_buffer_import(struct npu_device *base, int fd, struct npu_buffer **buf)
{
	(void)base, (void)fd, (void)buf;
	return npu_fail(-EOPNOTSUPP, "a simulated card takes no dma-buf");
}

int sim_buffer_export(struct npu_buffer *base, int *fd)
{
	(void)base, (void)fd;
	return npu_fail(-EOPNOTSUPP, "a simulated card gives no dma-buf");
}
