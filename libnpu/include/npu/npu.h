/* SPDX-License-Identifier: MIT */
/*
 * Copyright (c) 2026 the npu authors
 *
 * libnpu: devices, buffers, programs, queues and fences.
 *
 * Errors: functions that return int return 0 or a negative errno; npu_error() then says in words
 * what was wrong and with which argument. Sizes are in bytes, times in nanoseconds, where nothing
 * else is said.
 *
 * Threads: a device, a program and a buffer may be used from any number of threads at once. A queue
 * may be too; jobs of one queue start and end in the order of the calls. A fence may be waited for
 * from many threads.
 *
 * Lifetimes: queues, buffers and programs keep their device alive; fences keep what their jobs use
 * alive. So objects may be released in any order, and releasing what a running job uses is safe.
 */
#ifndef NPU_NPU_H
#define NPU_NPU_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

struct npu_device;
struct npu_buffer;
struct npu_program;
struct npu_queue;
struct npu_fence;

#define NPU_VERSION_MAJOR 0
#define NPU_VERSION_MINOR 1
#define NPU_VERSION_PATCH 0

/** npu_version() - version of the library that runs, "major.minor.patch" */
const char *npu_version(void);

/**
 * npu_error() - what was wrong in the last call that failed on this thread
 *
 * One line, without newline; empty when none failed. Valid until the next call of the library on
 * this thread.
 */
const char *npu_error(void);

/* ---- Devices --------------------------------------------------------------------------------- */

/**
 * struct npu_caps - what a card is; all of it comes from the card (docs/hardware.md, section 2)
 */
struct npu_caps {
	uint32_t isa;			/* major << 16 | minor */
	uint32_t features;		/* NPU_FEATURE_* of npu/hw/regs.h */
	uint32_t cores;			/* the largest gang */
	uint32_t rings;
	uint32_t spm_size;		/* bytes a core */
	uint32_t acc_size;		/* bytes a core */
	uint32_t array_rows, array_cols;
	uint32_t clock_khz;
	uint32_t vpu_lanes;		/* elements a cycle */
	uint32_t weight_rows;		/* a cycle */
	uint32_t dw_channels, dw_taps;	/* a cycle */
	uint32_t float_div;		/* bf16 and fp16 at 1/this of int8's rate */
	uint32_t lmem_bw, lmem_latency;	/* bytes a cycle of all cores; cycles */
	uint32_t pcie_bw, pcie_latency;
	uint32_t cmd_cycles, barrier_cycles;
	uint32_t mac_fj, lmem_fj, pcie_fj, vpu_fj, idle_mw;
	uint64_t lmem_size;		/* bytes */
};

/**
 * struct npu_device_entry - a card found in this machine
 */
struct npu_device_entry {
	char name[32];			/* "accel0", as npu_open() takes it */
	char node[64];			/* "/dev/accel/accel0" */
	char pci[16];			/* "0000:01:00.0" */
	uint16_t vendor, device;	/* PCI ids */
	bool accessible;		/* the caller may open the node */
};

/**
 * npu_device_list() - cards of this machine, from /sys/class/accel
 * @entries: filled with as many as there are, at most @max
 * @max: room in @entries
 *
 * Returns how many there are (0: none), or a negative errno.
 */
int npu_device_list(struct npu_device_entry *entries, int max);

/**
 * npu_open() - open a card
 * @dev: the device, or NULL on failure
 * @name: "accel0", a node's path, a PCI address, "sim:" (a card simulated in this process),
 *	"sim:cores=8,spm=4M" (one of other dimensions: the options of docs/hardware.md); NULL: the
 *	environment's NPU_DEVICE, else the first card
 *
 * -ENODEV: there is no such card; -EACCES: no permission on its node; -EINVAL: bad name or option.
 */
int npu_open(struct npu_device **dev, const char *name);

/** npu_close() - release the caller's hold. NULL is allowed */
void npu_close(struct npu_device *dev);

/** npu_device_caps() - never NULL, valid as long as the device */
const struct npu_caps *npu_device_caps(const struct npu_device *dev);

/** npu_device_name() - "accel0" or "sim:…" as opened */
const char *npu_device_name(const struct npu_device *dev);

/** struct npu_memory_info - local memory as it is now */
struct npu_memory_info {
	uint64_t local_size, local_free;
};

/** npu_device_memory() - how much local memory there is and is free */
int npu_device_memory(struct npu_device *dev, struct npu_memory_info *info);

/** struct npu_engine_counters - one engine's, since the card's reset; NPU_CTR_* of npu/hw/regs.h */
struct npu_engine_counters {
	uint64_t busy, stall_sem, stall_port, commands, work, lmem_bytes, pcie_bytes, energy_nj;
};

/**
 * npu_device_counters() - counters of a core, by enum npu_engine
 *
 * -EACCES without CAP_PERFMON (a real card's counters tell of other processes).
 */
int npu_device_counters(struct npu_device *dev, unsigned int core,
			struct npu_engine_counters out[4]);

/* ---- Buffers --------------------------------------------------------------------------------- */

enum npu_buffer_flags {
	NPU_BUFFER_HOST = 0,		/* host memory, cached and coherent */
	NPU_BUFFER_LOCAL = 1,		/* the card's; the CPU's reads are slow */
};

/**
 * npu_buffer_create() - memory that the card can use; reads as zero
 * @size: bytes, not zero
 * @flags: enum npu_buffer_flags
 *
 * -ENOSPC: local memory is full.
 */
int npu_buffer_create(struct npu_device *dev, size_t size, unsigned int flags,
		      struct npu_buffer **buf);

/**
 * npu_buffer_release() - release the caller's hold; the memory goes when no job uses it any more.
 * NULL is allowed
 */
void npu_buffer_release(struct npu_buffer *buf);

/** npu_buffer_size() - bytes it has, as asked for or as the dma-buf has */
size_t npu_buffer_size(const struct npu_buffer *buf);

/** npu_buffer_address() - its virtual address on the card, constant */
uint64_t npu_buffer_address(const struct npu_buffer *buf);

/**
 * npu_buffer_map() - a CPU mapping, the same at each call, valid until the buffer goes
 *
 * The caller orders its accesses against jobs by fences. -EOPNOTSUPP for an imported buffer that
 * its exporter does not map.
 */
int npu_buffer_map(struct npu_buffer *buf, void **ptr);

/**
 * npu_buffer_write() - copy in; returns when done. npu_buffer_read() - copy out. -ERANGE beyond the
 * end
 */
int npu_buffer_write(struct npu_buffer *buf, size_t offset, const void *data, size_t size);
int npu_buffer_read(struct npu_buffer *buf, size_t offset, void *data, size_t size);

/** npu_buffer_export() - a dma-buf; the caller owns *fd. -EOPNOTSUPP on a simulated card */
int npu_buffer_export(struct npu_buffer *buf, int *fd);

/**
 * npu_buffer_import() - a buffer made of a dma-buf of this or another device; @fd stays the
 * caller's
 */
int npu_buffer_import(struct npu_device *dev, int fd, struct npu_buffer **buf);

/* ---- Programs -------------------------------------------------------------------------------- */

/**
 * npu_program_create() - a program from a .npu image in memory (docs/image.md)
 *
 * The image is validated completely: every command of every stream. -EBADMSG: not a valid image;
 * -ENOTSUP: the card lacks what it needs, npu_error() says which.
 */
int npu_program_create(struct npu_device *dev, const void *image, size_t size,
		       struct npu_program **prog);

/**
 * npu_program_load() - from a file, mapped read-only
 *
 * As npu_program_create(), and what opening the file may return. Nobody may change it meanwhile.
 */
int npu_program_load(struct npu_device *dev, const char *path, struct npu_program **prog);

/** npu_program_release() - release the caller's hold. NULL is allowed */
void npu_program_release(struct npu_program *prog);

/** npu_program_cores() - streams, one a core */
unsigned int npu_program_cores(const struct npu_program *prog);

#define NPU_MAX_DIMS 8

enum npu_tensor_role { NPU_TENSOR_INPUT = 0, NPU_TENSOR_OUTPUT = 1 };

/**
 * struct npu_tensor_info - an input or output of a program
 */
struct npu_tensor_info {
	const char *name;
	uint32_t role;			/* enum npu_tensor_role */
	uint32_t type;			/* enum npu_type of npu/hw/isa.h */
	uint32_t dims;
	uint32_t shape[NPU_MAX_DIMS];	/* row-major, dense */
	float scale;			/* real = (q - zero_point) * scale; 0: not quantised */
	int32_t zero_point;
	uint32_t region;		/* its buffer is bound there */
	uint64_t offset;		/* of its first byte in the region */
	uint64_t size;			/* bytes of the tensor */
};

/**
 * npu_program_tensors() - how many; npu_program_tensor() - number i, or NULL; valid as long as the
 * program
 */
unsigned int npu_program_tensors(const struct npu_program *prog);
const struct npu_tensor_info *npu_program_tensor(const struct npu_program *prog, unsigned int i);

enum npu_region_kind {
	NPU_REGION_NONE = 0,		/* not used */
	NPU_REGION_BOUND = 1,		/* by whoever submits: tensors, working memory */
	NPU_REGION_CONSTANTS = 2,	/* the program's own; bound by the library */
};

#define NPU_REGION_READ		1u	/* commands read it */
#define NPU_REGION_WRITE	2u	/* commands write it */

/**
 * struct npu_region_info - one of a program's 16 regions
 */
struct npu_region_info {
	uint32_t kind;			/* enum npu_region_kind */
	uint32_t flags;			/* NPU_REGION_READ, NPU_REGION_WRITE */
	uint64_t size;			/* bytes from its base that the program may touch */
};

/** npu_program_region() - region number i, 0 .. 15, or NULL; valid as long as the program */
const struct npu_region_info *npu_program_region(const struct npu_program *prog, unsigned int i);

/* ---- Queues ---------------------------------------------------------------------------------- */

enum npu_priority {
	NPU_PRIORITY_LOW = 0,
	NPU_PRIORITY_NORMAL = 1,
	NPU_PRIORITY_HIGH = 2,		/* needs CAP_SYS_NICE */
	NPU_PRIORITY_REALTIME = 3,	/* needs CAP_SYS_NICE */
};

/** struct npu_queue_attr - all zero is not the default: use NULL */
struct npu_queue_attr {
	uint32_t priority;		/* enum npu_priority */
	uint32_t timeout_ms;		/* without progress; 0: the device's default */
};

/** npu_queue_create() - @attr NULL: normal priority, default timeout */
int npu_queue_create(struct npu_device *dev, const struct npu_queue_attr *attr,
		     struct npu_queue **queue);

/**
 * npu_queue_release() - jobs not started are cancelled, a running one is aborted (-ECANCELED). NULL
 * is allowed
 *
 * Returns when they have ended. On a real card a canceled job ends no sooner than the fences it was
 * to wait for.
 */
void npu_queue_release(struct npu_queue *queue);

/**
 * npu_queue_state() - 0 while it takes jobs; else the negative errno of the job that banned it
 *
 * A job that ends with an error bans its queue: later ones end with -ECANCELED. Make a new queue to
 * go on.
 */
int npu_queue_state(struct npu_queue *queue);

/** struct npu_binding - what a region of a job is */
struct npu_binding {
	uint32_t region;		/* 0 .. 15 */
	uint32_t reserved;		/* zero */
	struct npu_buffer *buffer;
	uint64_t offset;		/* bytes */
};

/** struct npu_job - a program and what it works on */
struct npu_job {
	struct npu_program *program;
	const struct npu_binding *bindings;
	uint32_t binding_count;
	uint32_t reserved;		/* zero */
};

/**
 * npu_queue_submit() - run jobs, all accepted or none
 * @queue: where
 * @jobs: one after another
 * @count: of @jobs, not zero
 * @waits: fences (of any device, also imported) that must have signalled before the first starts;
 *	may be NULL
 * @wait_count: of @waits
 * @fence: signals when the last has ended; the caller releases it. NULL when not wanted
 *
 * Bindings are checked against the program's regions: one missing or too small is -EINVAL. Regions
 * are different memory to the program: where one is written, no other may be bound to the same
 * bytes, which is not checked. -ECANCELED: the queue is banned. -ENOMEM; -ENODEV: the card is gone.
 */
int npu_queue_submit(struct npu_queue *queue, const struct npu_job *jobs, unsigned int count,
		     struct npu_fence *const *waits, unsigned int wait_count,
		     struct npu_fence **fence);

/* ---- Fences ---------------------------------------------------------------------------------- */

#define NPU_WAIT_FOREVER (-1ll)

/**
 * npu_fence_wait() - wait until it has signalled
 * @timeout_ns: relative; 0 looks without waiting; NPU_WAIT_FOREVER
 *
 * 0: its jobs ended well; -ETIME: not signalled yet; else the errno of the first of its jobs that
 * failed (docs: -EFAULT, -EDEADLK,
 * -EILSEQ, -EBADMSG, -ERANGE, -ETIMEDOUT, -ECANCELED, -EIO, -ENODEV), with npu_error() telling what
 * and where.
 */
int npu_fence_wait(struct npu_fence *fence, int64_t timeout_ns);

/**
 * npu_fence_wait_many() - wait for all, or for any
 * @first: index of one that has signalled; may be NULL
 *
 * 0; -ETIME; -EINVAL for no fences; or what made waiting itself fail (-ENOMEM, -ENODEV, no
 * descriptors left). Does not tell the jobs' errors: ask each by npu_fence_wait().
 */
int npu_fence_wait_many(struct npu_fence *const *fences, unsigned int count, bool all,
			int64_t timeout_ns, unsigned int *first);

/**
 * struct npu_result - how the jobs of a fence ended; error fields as struct npu_error of
 * npu/hw/regs.h
 */
struct npu_result {
	int error;			/* 0 or negative errno, of the first job that failed */
	uint32_t jobs;			/* that this fence stands for */
	uint64_t cycles;		/* modelled, of all of them */
	uint8_t status, reason, core, engine, access, space, other_core, other_engine;
	uint32_t cmd, other_cmd, tag, other_tag;
	uint64_t addr, len;
};

/** npu_fence_result() - -EBUSY while not signalled; -ENODATA for an imported fence */
int npu_fence_result(struct npu_fence *fence, struct npu_result *result);

/**
 * npu_result_text() - a result that is an error in words, as npu_error() has them after npu_fence_wait()
 * @text: one line without newline, cut off where it has no room
 * @size: of @text, not zero
 */
void npu_result_text(const struct npu_result *result, char *text, size_t size);

/**
 * npu_fence_fd() - a sync_file, poll()able; the caller owns *fd. (On a simulated card an eventfd,
 * poll()able, only this process's)
 */
int npu_fence_fd(struct npu_fence *fence, int *fd);

/**
 * npu_fence_import() - a fence from a sync_file; @fd stays the caller's. -EOPNOTSUPP on a simulated
 * card
 */
int npu_fence_import(struct npu_device *dev, int fd, struct npu_fence **fence);

/** npu_fence_release() - NULL is allowed */
void npu_fence_release(struct npu_fence *fence);

#ifdef __cplusplus
}
#endif

#endif
