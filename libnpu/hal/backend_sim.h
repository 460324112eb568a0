/* SPDX-License-Identifier: MIT */
/*
 * Copyright (c) 2026 the npu authors
 *
 * The simulated card's driver, as its files share it: the card itself, registers and interrupts
 * (backend_sim.c), its memory (sim_vm.c), rings and queues (sim_queue.c), ends of jobs
 * (sim_ring.c), fences (sim_fence.c).
 *
 * The card is the same one that QEMU shows to a guest, driven in the same way: descriptors, side
 * tables, completions, page tables, doorbells and interrupts. Bus addresses are addresses of this
 * process.
 *
 * Threads: the caller's; the card's, from which interrupts come; a watchdog, which accuses jobs
 * without progress and clears the rings of banned queues' jobs. Only callers drop references: what
 * runs on the card's threads could not free the card.
 *
 * Locks, outer first: npu_queue.lock; sim_device.command_lock; sim_vm.lock; sim_device.lock, which
 * protects everything that has no lock named and serialises register accesses. No two devices'
 * locks are held at once.
 */
#ifndef NPU_HAL_BACKEND_SIM_H
#define NPU_HAL_BACKEND_SIM_H

#include "qemu-device/card/card.h"

#include "backend.h"

#define SIM_RING_LOG2 7
#define SIM_RING_SIZE (1u << SIM_RING_LOG2)
#define SIM_RESULTS 512u	/* jobs of a queue that may be outstanding */
#define SIM_CONTEXT 1		/* the one address space */
#define SIM_TIMEOUT_MS 10000

struct sim_fence;
struct sim_queue;

/**
 * struct sim_slot - a descriptor of a ring
 * @fence: whose job it is
 * @index: which of its jobs
 * @error: what to tell the owner instead of -ECANCELED when it was aborted, or 0
 */
struct sim_slot {
	struct sim_fence *fence;
	unsigned int index;
	int error;
};

/**
 * struct sim_ring - a hardware ring
 * @index: its number
 * @desc: descriptors, one allocation with all that the card reads and writes
 * @cpl: completions
 * @table: side tables, one a slot
 * @tail: for the card to read
 * @slot: what is in them
 * @head: descriptors posted; job ids are head + 1 at that time
 * @done: completions consumed
 * @queues: those that use it, by sim_queue.node
 * @queue_count: how many
 * @watched: job the watchdog saw running
 * @progress: what it read then
 * @since: when progress was last seen
 */
struct sim_ring {
	unsigned int index;
	struct npu_desc *desc;
	struct npu_completion *cpl;
	struct npu_side_table *table;
	uint32_t *tail;
	struct sim_slot slot[SIM_RING_SIZE];
	uint64_t head, done;
	struct npu_list queues;
	unsigned int queue_count;
	uint64_t watched;
	uint32_t progress;
	int64_t since;
};

/**
 * struct sim_vm - page tables of the one context
 * @lock: protects the tables' coming to be
 * @context: the context table
 * @root: top-level table
 * @pages: all tables, for freeing
 */
struct sim_vm {
	pthread_mutex_t lock;
	struct npu_ctx_entry *context;
	uint64_t *root;
	void **pages;
	unsigned int page_count, page_room;
};

/**
 * struct sim_device - a card in this process
 * @lmem: its local memory
 * @lmem_va: what of it is free, by offset
 * @command_lock: one ring command or TLB invalidation at a time
 * @lock: see above
 * @changed: something ended or was acknowledged
 * @watch: wakes the watchdog
 * @watchdog: the thread
 * @closing: it is to end
 * @cleanup: it has banned queues to look for
 * @period_ns: how often it looks; 0: there was no queue yet
 * @ring: those in use
 */
struct sim_device {
	struct npu_device base;
	struct npu_card *card;
	uint8_t *lmem;
	struct npu_va lmem_va;
	struct sim_vm vm;
	pthread_mutex_t command_lock;
	pthread_mutex_t lock;
	pthread_cond_t changed;
	pthread_cond_t watch;
	pthread_t watchdog;
	bool watchdog_runs;
	bool closing;
	bool cleanup;
	int64_t period_ns;
	unsigned int ring_count;
	struct sim_ring *ring[NPU_MAX_RINGS];
};

/**
 * struct sim_queue - jobs in order, on one ring
 * @node: in sim_ring.queues
 * @unposted: fences with jobs that are not posted yet, by sim_fence.unposted
 * @posted: jobs on the ring
 * @completed: number of the last job that ended
 * @error: why it is banned, or 0
 * @stopping: nothing more is posted
 * @timeout_ns: without progress
 * @result: of job n at n % SIM_RESULTS
 */
struct sim_queue {
	struct npu_queue base;
	struct sim_ring *ring;
	struct npu_list node;
	struct npu_list unposted;
	unsigned int posted;
	uint64_t completed;
	int error;
	bool stopping;
	int64_t timeout_ns;
	struct drm_npu_result result[SIM_RESULTS];
};

/**
 * struct sim_listener - who wants to know that a fence signalled; the source device's lock
 * @node: in sim_fence.listeners
 * @signalled: called once, without locks, on the card's thread or the canceller's; frees or marks
 *	it
 */
struct sim_listener {
	struct npu_list node;
	void (*signalled)(struct sim_listener *listener);
};

/**
 * struct sim_wait - a fence that waits for another, perhaps of another simulated card
 * @source: a reference
 * @waiter: who waits; has it in its @wait array
 * @linked: @listener was added to the source; constant
 * @fired: @source signalled; waiter's device lock
 */
struct sim_wait {
	struct sim_listener listener;
	struct sim_fence *source;
	struct sim_fence *waiter;
	bool linked;
	bool fired;
};

/**
 * struct sim_fence - a submission
 * @unposted: in sim_queue.unposted
 * @posted: jobs given to the ring
 * @waiting: of @wait, and one while submission goes on
 * @wait: what it waits for, @wait_count of them
 * @signalled: its last job has ended
 * @listeners: to be told that
 */
struct sim_fence {
	struct npu_fence base;
	struct npu_list unposted;
	unsigned int posted;
	unsigned int waiting;
	struct sim_wait *wait;
	unsigned int wait_count;
	bool signalled;
	struct npu_list listeners;
};

static inline struct sim_device *to_sim(struct npu_device *dev)
{
	return npu_container_of(dev, struct sim_device, base);
}

static inline struct sim_queue *to_sim_queue(struct npu_queue *queue)
{
	return npu_container_of(queue, struct sim_queue, base);
}

static inline struct sim_fence *to_sim_fence(struct npu_fence *fence)
{
	return npu_container_of(fence, struct sim_fence, base);
}

/* backend_sim.c; registers with dev->lock */
uint32_t sim_read(struct sim_device *dev, uint64_t offset);
uint64_t sim_read64(struct sim_device *dev, uint64_t offset);
void sim_write(struct sim_device *dev, uint64_t offset, uint32_t value);
void sim_write64(struct sim_device *dev, uint64_t offset, uint64_t value);
int64_t sim_now(void);

/** sim_wait_changed() - wait for dev->changed until @deadline; dev->lock. 0 or -ETIME */
int sim_wait_changed(struct sim_device *dev, int64_t deadline);

/* sim_vm.c */
int sim_vm_init(struct sim_device *dev);
void sim_vm_fini(struct sim_device *dev);
int sim_buffer_create(struct npu_device *base, size_t size, unsigned int flags,
		      struct npu_buffer **buf);
int sim_buffer_import(struct npu_device *base, int fd, struct npu_buffer **buf);
int sim_buffer_export(struct npu_buffer *base, int *fd);
int sim_buffer_bind(struct npu_buffer *base);
void sim_buffer_unbind(struct npu_buffer *base);
int sim_buffer_map(struct npu_buffer *base, void **ptr);
void sim_buffer_destroy(struct npu_buffer *base);

/* sim_ring.c */
void sim_ring_free(struct sim_ring *ring);

/** sim_ring_for() - the least used ring of that priority, set up */
int sim_ring_for(struct sim_device *dev, unsigned int priority, struct sim_ring **out);

/** sim_ring_has_room() - may a job be posted? */
static inline bool sim_ring_has_room(const struct sim_ring *ring)
{
	return ring->head - ring->done < SIM_RING_SIZE;
}

/**
 * sim_ring_post() - put job @index of @fence on the ring; sim_ring_doorbell() - tell the card.
 * dev->lock
 */
void sim_ring_post(struct sim_ring *ring, struct sim_fence *fence, unsigned int index);
void sim_ring_doorbell(struct sim_device *dev, struct sim_ring *ring);

/**
 * sim_ring_command() - ABORT or CANCEL of a job, acknowledged when it returns; without dev->lock
 */
uint32_t sim_ring_command(struct sim_device *dev, struct sim_ring *ring, uint32_t command,
			  uint64_t job);

/**
 * sim_ring_clear() - end the jobs of @queue with ids up to @last; returns when they have ended
 *
 * @queue is only compared with. Without dev->lock.
 */
void sim_ring_clear(struct sim_device *dev, struct sim_ring *ring, const struct sim_queue *queue,
		    uint64_t last);

/** sim_ring_interrupt() - consume completions; without locks, on the card's threads */
void sim_ring_interrupt(struct sim_device *dev, struct sim_ring *ring);

/** sim_watchdog() - the thread */
void *sim_watchdog(void *arg);

/* sim_queue.c */
int sim_queue_create(struct npu_device *base, const struct npu_queue_attr *attr,
		     struct npu_queue **queue);
int sim_queue_state(struct npu_queue *base);
void sim_queue_stop(struct npu_queue *base);
void sim_queue_destroy(struct npu_queue *base);
int sim_submit(struct npu_queue *base, struct npu_fence *fence, struct npu_fence *const *waits,
	       unsigned int wait_count);
uint64_t sim_completed(struct npu_queue *base);
void sim_job_result(struct npu_queue *base, uint64_t seqno, struct drm_npu_result *out);
int sim_job_wait(struct npu_queue *base, uint64_t seqno, int64_t deadline);

/** sim_queue_kick() - post what can be posted; fences that ended without go to @ended. dev->lock */
void sim_queue_kick(struct sim_device *dev, struct sim_queue *queue, struct npu_list *ended);

/** sim_queue_job_done() - a posted job ended like that; dev->lock */
void sim_queue_job_done(struct sim_device *dev, const struct sim_slot *slot,
			const struct drm_npu_result *result, struct npu_list *ended);

/* sim_fence.c */

/** sim_fence_signal() - its last job has ended: moves its listeners to @ended; dev->lock */
void sim_fence_signal(struct sim_fence *fence, struct npu_list *ended);

/** sim_tell() - call those listeners; without locks */
void sim_tell(struct npu_list *ended);

/** sim_fence_wait_for() - fills fence->wait from those of @waits that delay it; 0 or -ENOMEM */
int sim_fence_wait_for(struct sim_fence *fence, struct npu_fence *const *waits,
		       unsigned int count);

/** sim_fence_link() - from now on the sources tell it; without dev->lock */
void sim_fence_link(struct sim_fence *fence);

int sim_fence_import(struct npu_device *base, int fd, struct npu_fence **fence);
int sim_fence_wait(struct npu_fence *base, int64_t deadline);
int sim_fence_wait_any(struct npu_fence *const *fences, unsigned int count, int64_t deadline);
int sim_fence_fd(struct npu_fence *base, int *fd);
void sim_fence_settle(struct npu_fence *base);

#endif
