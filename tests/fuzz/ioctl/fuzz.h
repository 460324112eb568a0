/* SPDX-License-Identifier: MIT */
/*
 * Copyright (c) 2026 the npu authors
 *
 * The ioctl fuzzer's parts: main.c runs processes and counts, world.c knows what lives, calls.c makes calls of
 * it (calls.h has their parts).
 */
#ifndef FUZZ_IOCTL_H
#define FUZZ_IOCTL_H

#include <pthread.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "kcov.h"

/* ---- Counting ----------------------------------------------------------------------------------- */

#define FUZZ_ERRNOS	134

/* The calls; calls.c has their names and weights. */
enum fuzz_op {
	OP_OPEN, OP_CLOSE, OP_QUERY, OP_BO_CREATE, OP_GEM_CLOSE, OP_BO_INFO, OP_MMAP_OFFSET, OP_MMAP, OP_MUNMAP,
	OP_TOUCH, OP_VM_CREATE, OP_VM_DESTROY, OP_BIND, OP_BIND_ASYNC, OP_QUEUE_CREATE, OP_QUEUE_DESTROY,
	OP_QUEUE_STATE, OP_SUBMIT, OP_PERF, OP_SYNC_CREATE, OP_SYNC_DESTROY, OP_SYNC_WAIT, OP_SYNC_EXPORT,
	OP_SYNC_IMPORT, OP_SW_SYNC, OP_EXPORT, OP_IMPORT, OP_BUF_EXPORT_SYNC, OP_BUF_IMPORT_SYNC, OP_FD_CLOSE,
	OP_READ_STATE, OP_RAW, OPS,
};

/* What all processes share. */
struct fuzz_shared {
	uint64_t budget;	/* calls that are left */
	uint64_t made[OPS];
	uint64_t errors[OPS][FUZZ_ERRNOS];	/* [0]: went well */
	/* Of some of them it is known how long they kept a processor; what others do for them is not in it. */
	uint64_t timed[OPS];
	uint64_t ns[OPS];
};

extern struct fuzz_shared *fuzz_shared;
extern struct kcov fuzz_kcov;
/* The PCI device's name. */
extern char fuzz_card[32];

/* ---- What lives --------------------------------------------------------------------------------- */

/* Files below are the program's own. */
#define FIRST_FD	32

#define FILES		3
#define BOS		16
#define VMS		4
#define QUEUES		6
#define SYNCS		8
#define FDS		8
#define MAPS		16

/* Where a file's stream and data are, in most address spaces. */
#define CODE_VA		0x100000ull
#define CODE_SIZE	0x10000ull
#define DATA_VA		(CODE_VA + 0x8000)
/* Where the rest is bound. */
#define HEAP_VA		0x3fe00000ull
#define HEAP_SIZE	0x800000ull

/* The streams, by what becomes of them. */
enum fuzz_job {
	JOB_EMPTY, JOB_COPY, JOB_GANG, JOB_FAULT, JOB_INVALID, JOB_HAZARD, JOB_NOISE, JOB_HANG, JOBS,
};

struct fuzz_bo {
	uint32_t handle;
	uint32_t flags;
	uint64_t size;
};

/* A handle of zero and an fd of -1 are none. All threads of a process change all of it without a lock. */
struct fuzz_file {
	int fd;
	uint32_t cores;
	uint32_t code;
	struct fuzz_bo bo[BOS];
	uint32_t vm[VMS];
	uint32_t queue[QUEUES];
	uint64_t results[QUEUES];	/* where to mmap them */
	uint32_t sync[SYNCS];
};

struct fuzz_world {
	struct fuzz_file file[FILES];
	int dma_buf[FDS];
	int sync_file[FDS];
	int timeline[FDS];	/* of sw_sync */
	uint64_t mapped[MAPS];	/* bytes of a slot of the arena, 0: none; unless a part is unmapped */
};

extern struct fuzz_world fuzz_world;

/* Fixed addresses, so that no mutated pointer meets what the program needs. */
#define ARENA		0x1000000000ull	/* mappings of buffers and results, a slot each */
#define ARENA_SLOT	0x400000ull
#define SANDBOX		0x2000000000ull	/* arguments, a part for each thread */
#define SANDBOX_SIZE	0x10000ull
#define THREADS		4

/* A thread. */
struct fuzz_thread {
	pthread_t id;
	uint64_t random;
	unsigned int index;
	size_t used;		/* of its part of the sandbox */
	int pipe[2];
	uint64_t begun;		/* calls begun and ended: odd in a call */
	uint64_t *trace;
	int trace_fd;
};

uint64_t fuzz_random(struct fuzz_thread *t);
static inline uint64_t roll(struct fuzz_thread *t, uint64_t n)
{
	return fuzz_random(t) % n;
}

/* Once in @n times. */
static inline bool chance(struct fuzz_thread *t, uint64_t n)
{
	return !roll(t, n);
}

uint64_t fuzz_now_ns(void);

void world_init(void);
/** world_open - opens the node into a place; 0 or -errno */
int world_open(struct fuzz_thread *t, unsigned int place);
/** world_job - a stream of a kind: where and how long */
uint64_t world_job(enum fuzz_job kind, uint32_t *size);
/** world_bind_code - binds a file's stream and data in an address space; 0 or -errno */
int world_bind_code(struct fuzz_file *f, uint32_t vm);
/** world_keep - puts an fd into a free place, or closes one to have it */
void world_keep(struct fuzz_thread *t, int *fds, int fd);

/* ---- Calls -------------------------------------------------------------------------------------- */

const char *fuzz_name(enum fuzz_op op);

/** fuzz_call - makes one call, of a kind that chance says */
void fuzz_call(struct fuzz_thread *t);

#endif
