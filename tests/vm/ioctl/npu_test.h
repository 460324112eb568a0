/* SPDX-License-Identifier: MIT */
/*
 * Copyright (c) 2026 the npu authors
 *
 * What the driver's tests share: its ioctls without a library between, and streams of a few commands.
 * Functions without "try" in their name fail the running test when the kernel refuses.
 */
#ifndef NPU_TEST_H
#define NPU_TEST_H

#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <sys/types.h>

#include <cmocka.h>

#include <npu/hw/isa.h>
#include <npu/hw/regs.h>
#include <uapi/drm/npu_accel.h>

/* Opens the first npu node; there must be one. */
int npu_open(void);

/* An ioctl, restarted after signals: 0 or -errno. */
int npu_try_ioctl(int fd, unsigned long request, void *arg);
void npu_ioctl(int fd, unsigned long request, void *arg);

struct drm_npu_info npu_info(int fd);

/* A buffer mapped for the processor, and at @va in the address space @vm. */
struct npu_buf {
	uint32_t handle;
	uint64_t size;
	uint64_t va;
	uint8_t *map;
};

uint32_t npu_vm_create(int fd);
int npu_try_vm_bind(int fd, uint32_t vm, uint32_t op, uint32_t handle, uint64_t va, uint64_t size,
		    uint64_t offset, uint32_t flags);
uint32_t npu_bo_create(int fd, uint64_t size, uint32_t flags);
void *npu_bo_map(int fd, uint32_t handle, uint64_t size);
struct npu_buf npu_buf_create(int fd, uint32_t vm, uint64_t va, uint64_t size, uint32_t flags);

/* A queue and its results. */
struct npu_q {
	int fd;
	uint32_t id;
	uint32_t count;
	const struct drm_npu_result *results;
};

int npu_try_queue_create(int fd, uint32_t vm, uint32_t priority, uint32_t timeout_ms,
			 struct drm_npu_queue_create *out);
struct npu_q npu_queue_create(int fd, uint32_t vm, uint32_t priority, uint32_t timeout_ms);
/* A mapping keeps the file open: before a close() that shall be the last. */
void npu_queue_unmap(struct npu_q *q);
/* The result of job @seqno, which has ended. */
struct drm_npu_result npu_queue_result(const struct npu_q *q, uint64_t seqno);
struct drm_npu_queue_get_state npu_queue_state(const struct npu_q *q);

/* Syncobjs. */
uint32_t npu_syncobj_create(int fd);
/* Waits at most a minute; 0 or -errno. */
int npu_try_syncobj_wait(int fd, uint32_t handle);
void npu_syncobj_wait(int fd, uint32_t handle);
bool npu_syncobj_signaled(int fd, uint32_t handle);
/* A sync file of a syncobj's fence. */
int npu_syncobj_export_fence(int fd, uint32_t handle);
/* Its state: 1 signalled, 0 not yet, negative: the error it signalled with. */
int npu_sync_file_status(int sync_file);
/* The same, waited for; 0 when it has not signalled in time. @when is the kernel's, of CLOCK_MONOTONIC. */
int npu_sync_file_wait(int sync_file, int timeout_ms, uint64_t *when_ns);

/* A job of one stream, or @ncores equal ones, with regions. */
int npu_try_submit(const struct npu_q *q, const struct drm_npu_job *jobs, uint32_t njobs,
		   const struct drm_npu_sync *syncs, uint32_t nsyncs, uint64_t *seqno);
/* Submits @n copies of a job of one stream; @signal and @wait are syncobjs or 0. The last number. */
uint64_t npu_submit(const struct npu_q *q, uint64_t va, uint64_t size, const uint64_t *regions,
		    uint32_t nregions, uint32_t n, uint32_t wait, uint32_t signal);

/* Streams. Each returns the bytes it wrote. */
size_t npu_put_hang(void *at);
size_t npu_put_barrier(void *at);
/* Region @region's first @bytes to SPM 0, signalling semaphore 0. */
size_t npu_put_load(void *at, unsigned int region, uint32_t bytes, uint32_t tag);
/* SPM 0 to region @region, after semaphore 0. */
size_t npu_put_store(void *at, unsigned int region, uint32_t bytes, uint32_t tag);
/* Region 0 to region 1 by way of SPM. */
size_t npu_put_copy(void *at, uint32_t bytes);
/* Region 0 (m rows of k S8) times region 1 (k rows of n S8) to region 2 (m rows of n S32). */
size_t npu_put_matmul(void *at, uint32_t m, uint32_t n, uint32_t k);

/* Reads a number from a file in the card's sysfs folder npu/. */
long long npu_sysfs(int fd, const char *name);
/* Writes to a file of the card's PCI device; 0 or -errno. */
int npu_sysfs_write(int fd, const char *name, const char *text);
/*
 * Nothing is there that anybody made: no queue, no address space, no buffer in local memory. Waits for works that
 * still give it back.
 */
void npu_expect_empty(int fd);
/* The PCI device's name, say 0000:01:00.0. */
void npu_pci_name(int fd, char *name, size_t size);
/* False: the card has gone. */
bool npu_try_pci_name(int fd, char *name, size_t size);

/* As fork(); in the child a failed assertion says so and aborts, instead of going on as another run of all tests. */
pid_t npu_fork(void);

/* Writes to a file; 0 or -errno. */
int npu_write_file(const char *path, const char *text);

/* How the card goes: by its driver being unbound, or as a PCI device. Then the DMA API goes with it. */
enum npu_way { NPU_UNBIND, NPU_REMOVE };

/* Takes the card of that PCI name away, and brings it back. */
void npu_take_away(enum npu_way way, const char *name);
void npu_bring_back(enum npu_way way, const char *name);
/*
 * Suspends the system and resumes it: to memory, from where its clock wakes it, or up to the devices (pm_test).
 * 0 or -errno.
 */
int npu_suspend(bool to_memory);

#endif
