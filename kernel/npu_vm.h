/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Copyright (c) 2026 the npu authors
 *
 * Address spaces: what a process's jobs see at which address.
 */
#ifndef NPU_VM_H
#define NPU_VM_H

#include <linux/bits.h>
#include <linux/types.h>

#include <npu/hw/regs.h>

struct dma_fence;
struct drm_device;
struct drm_exec;
struct drm_file;
struct npu_device;
struct npu_dump;
struct npu_file;
struct npu_vm;
struct seq_file;

/* Address 0 and its neighbourhood are never mapped, so that a null pointer faults. */
#define NPU_VA_START	0x10000ull
#define NPU_VA_END	BIT_ULL(NPU_VA_BITS)

/* Operations in one VM_BIND. */
#define NPU_MAX_BINDS	1024

/** npu_vm_init - what all address spaces of a card share; before its node is registered */
int npu_vm_init(struct npu_device *ndev);

int npu_vm_file_open(struct npu_file *file);

/**
 * npu_vm_file_close - drops all address spaces of a file
 * @file: the file, its queues closed
 *
 * An address space lives on while jobs use it or binds of it are waiting.
 */
void npu_vm_file_close(struct npu_file *file);

/** npu_vm_lookup - a reference to the address space of that id, or NULL */
struct npu_vm *npu_vm_lookup(struct npu_file *file, u32 id);

struct npu_vm *npu_vm_get(struct npu_vm *vm);

/** npu_vm_put - from any context that may sleep; the last one leaves the work to npu_release_wq */
void npu_vm_put(struct npu_vm *vm);

/** npu_vm_ctx_id - its context on the card, constant */
u16 npu_vm_ctx_id(struct npu_vm *vm);

/**
 * npu_vm_lock - locks an address space's reservation object and those of all shared buffers in it
 * @vm: the address space
 * @exec: inside of drm_exec_until_all_locked()
 * @num_fences: fence slots to reserve in each
 *
 * Return: 0, or an error; the caller's next line is drm_exec_retry_on_contention().
 */
int npu_vm_lock(struct npu_vm *vm, struct drm_exec *exec, unsigned int num_fences);

/** npu_vm_add_fence - adds a fence, as BOOKKEEP, to all that npu_vm_lock() has locked */
void npu_vm_add_fence(struct npu_vm *vm, struct drm_exec *exec, struct dma_fence *fence);

/**
 * npu_vm_read - reads what is mapped, as the card would
 * @vm: the address space
 * @va: from here
 * @to: to be filled
 * @bytes: at most so many
 *
 * Sleeps. Return: bytes read; fewer where nothing is mapped, or what the kernel cannot read (an
 * imported dma-buf).
 */
size_t npu_vm_read(struct npu_vm *vm, u64 va, void *to, size_t bytes);

/** npu_vm_dump - adds the mappings around an address, @max at most; sleeps */
void npu_vm_dump(struct npu_vm *vm, struct npu_dump *dump, u64 va, u32 max);

/** npu_vm_show - lists a file's address spaces and what is mapped in them; for debugfs */
void npu_vm_show(struct npu_file *file, struct seq_file *m);

int npu_ioctl_vm_create(struct drm_device *dev, void *data, struct drm_file *filp);
int npu_ioctl_vm_destroy(struct drm_device *dev, void *data, struct drm_file *filp);
int npu_ioctl_vm_bind(struct drm_device *dev, void *data, struct drm_file *filp);

#endif
