/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Copyright (c) 2026 the npu authors
 *
 * The inside of a ring, for npu_ring.c (jobs in, completions out), npu_ring_recover.c (what ends
 * before its time) and npu_ring_dump.c (what a post-mortem tells of it) alone.
 *
 * A ring's memory is one coherent allocation: descriptors, completions, tail, side tables. Position
 * n of a ring's life is in entry n % NPU_RING_ENTRIES of each; slot[] says which task that is.
 * Tasks of a ring end in the order of their positions, so completions are simply the next ones.
 *
 * Locks, in their order: npu_reset_hold(); cmd_lock (sleeping: one exchange with the ring's command
 * register at a time); lock (interrupts off: slots, positions and latched registers); a queue's
 * lock; fences' locks.
 */
#ifndef NPU_RING_IMPL_H
#define NPU_RING_IMPL_H

#include <linux/mutex.h>
#include <linux/spinlock.h>
#include <linux/workqueue.h>

#include <drm/gpu_scheduler.h>

#include "npu_drv.h"
#include "npu_dump.h"
#include "npu_ring.h"

struct npu_job;

/* How often the watchdog looks while jobs are on the card. */
#define NPU_WATCHDOG_PERIOD	msecs_to_jiffies(200)

/**
 * struct npu_slot - the task in an entry of a ring
 * @job: its job
 * @id: the card's name for it
 * @task: index in the job
 * @error: what it ends with if the card says that it was aborted; 0: -ECANCELED
 * @canceled: the card has accepted to skip or end it
 */
struct npu_slot {
	struct npu_job *job;
	u64 id;
	u32 task;
	int error;
	bool canceled;
};

/**
 * struct npu_ring - a hardware ring
 * @ndev: its card
 * @index: number
 * @priority: of its jobs on the card
 * @name: for the scheduler and the interrupt
 * @irq: its interrupt
 * @near: processors whose jobs it is for, and which its interrupt goes to
 * @sched: its scheduler
 * @desc: descriptors
 * @cpl: completions
 * @tables: side tables, @stride apart
 * @tail_mem: where the card reads the tail
 * @dma: bus address of @desc, and so of the rest
 * @stride: bytes from one side table to the next
 * @lock: protects what follows
 * @head: position of the next completion
 * @tail: position of the next descriptor
 * @slot: tasks from @head to @tail
 * @spare: room to sort them anew in
 * @taken: position up to which the card had taken descriptors when it was halted
 * @halted: @taken is known
 * @stuck_id: what the watchdog saw running
 * @stuck_progress: commands completed when it saw it first
 * @stuck_since: when that was, jiffies
 * @broken: the ring cannot go on without a reset
 * @dump: a post-mortem that waits for how a job of the ring ends, or NULL
 * @dump_job: what it says of that job
 * @dump_id: which that is
 * @cmd_lock: held during an exchange with the command register or a reset of the ring
 * @cancel_work: ends what is doomed
 */
struct npu_ring {
	struct npu_device *ndev;
	unsigned int index;
	unsigned int priority;
	char name[16];
	int irq;
	struct cpumask near;
	struct drm_gpu_scheduler sched;
	struct npu_desc *desc;
	struct npu_completion *cpl;
	void *tables;
	__le32 *tail_mem;
	dma_addr_t dma;
	size_t stride;
	spinlock_t lock;		/* what follows, but cmd_lock */
	u32 head;
	u32 tail;
	struct npu_slot *slot;
	struct npu_slot *spare;
	u32 taken;
	bool halted;
	u64 stuck_id;
	u32 stuck_progress;
	unsigned long stuck_since;
	bool broken;
	struct npu_dump *dump;
	struct npu_dump_job *dump_job;
	u64 dump_id;
	struct mutex cmd_lock;		/* the command register, resets */
	struct work_struct cancel_work;
};

/**
 * struct npu_rings - what is kept for all rings together
 * @scheds: their schedulers, by ring number
 * @submit_wq: where these run
 * @watchdog: looks after jobs on the card
 * @stall_sum: sum of all heads when no ring was seen running; the watchdog's
 * @stalling: it was so when the watchdog looked last
 * @stalled: since when, jiffies; the watchdog's
 */
struct npu_rings {
	struct drm_gpu_scheduler **scheds;
	struct workqueue_struct *submit_wq;
	struct npu_device *ndev;
	struct delayed_work watchdog;
	u32 stall_sum;
	bool stalling;
	unsigned long stalled;
};

/*
 * Which of the @count rings of a priority is for a processor. In turn, since there may be many more
 * numbers of processors than processors.
 */
static inline unsigned int npu_ring_near(unsigned int cpu, unsigned int count)
{
	return cpu % count;
}

/* Offsets in the ring's memory. */
#define NPU_RING_CPL_OFFSET	(NPU_RING_ENTRIES * sizeof(struct npu_desc))
#define NPU_RING_TAIL_OFFSET	(NPU_RING_CPL_OFFSET + \
				 NPU_RING_ENTRIES * sizeof(struct npu_completion))
#define NPU_RING_TABLE_OFFSET	(NPU_RING_TAIL_OFFSET + 64)

static inline u32 npu_ring_entry(u32 pos)
{
	return pos % NPU_RING_ENTRIES;
}

static inline u32 npu_ring_read(struct npu_ring *ring, u32 reg)
{
	return npu_read(ring->ndev, NPU_RING(ring->index) + reg);
}

static inline void npu_ring_write(struct npu_ring *ring, u32 reg, u32 value)
{
	npu_write(ring->ndev, NPU_RING(ring->index) + reg, value);
}

static inline void npu_ring_write64(struct npu_ring *ring, u32 reg, u64 value)
{
	npu_write64(ring->ndev, NPU_RING(ring->index) + reg, value);
}

/* The job that runs, or 0. The pair latches, so the ring's lock is held. */
static inline u64 npu_ring_read_job(struct npu_ring *ring)
{
	lockdep_assert_held(&ring->lock);
	return npu_read64(ring->ndev, NPU_RING(ring->index) + NPU_RING_JOB_LO);
}

static inline bool npu_ring_busy(struct npu_ring *ring)
{
	return READ_ONCE(ring->head) != READ_ONCE(ring->tail);
}

/** npu_ring_add - writes a task to the next entry; the ring's lock is held, there is room */
void npu_ring_add(struct npu_ring *ring, struct npu_job *job, u32 task);

/** npu_ring_write_tail - puts the tail where the card reads it; the ring's lock is held */
void npu_ring_write_tail(struct npu_ring *ring);

/** npu_ring_kick - tells the card of everything up to the tail; the ring's lock is held */
void npu_ring_kick(struct npu_ring *ring);

/** npu_ring_complete_locked - takes what the card has completed; the ring's lock is held */
void npu_ring_complete_locked(struct npu_ring *ring);
void npu_ring_complete(struct npu_ring *ring);

/** npu_ring_break - the ring cannot go on without a reset: asks for one; the ring's lock is held */
void npu_ring_break(struct npu_ring *ring, const char *reason);

/**
 * npu_ring_dump_begin - begins a post-mortem about the oldest job; the ring's lock is held
 * @ring: the ring
 * @reason: why
 *
 * Unless there is one already. It waits for npu_ring_dump_end().
 */
void npu_ring_dump_begin(struct npu_ring *ring, enum npu_dump_reason reason);

/**
 * npu_ring_dump_end - a task has ended; the ring's lock is held
 * @ring: the ring
 * @slot: its slot
 * @cpl: what the card says, or NULL when it says nothing
 * @table: its side table, with @cpl
 * @error: what its owner gets to know
 */
void npu_ring_dump_end(struct npu_ring *ring, const struct npu_slot *slot,
		       const struct npu_completion *cpl, const struct npu_side_table *table,
		       int error);

/* In npu_ring_recover.c. */
void npu_ring_cancel_work(struct work_struct *work);
void npu_rings_watchdog(struct work_struct *work);

#endif
