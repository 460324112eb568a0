// SPDX-License-Identifier: MIT
/*
 * Copyright (c) 2026 the npu authors
 *
 * The simulated card's rings: posting jobs, consuming completions, ABORT and CANCEL, and the
 * watchdog.
 *
 * Rings have fixed priorities, as each is used by queues of one: about an eighth of them each for
 * low, high and realtime, the rest normal. Queues that share a ring take turns, since a ring's jobs
 * run one after another.
 */
#include <errno.h>
#include <limits.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include "backend_sim.h"

/* ---- Life ------------------------------------------------------------------------------------ */

/* With fewer rings than priorities all are normal. */
static unsigned int ring_priority(const struct sim_device *dev, unsigned int index)
{
	static const uint8_t others[] = { NPU_PRIORITY_LOW, NPU_PRIORITY_HIGH,
					  NPU_PRIORITY_REALTIME };
	unsigned int share = dev->ring_count < 8 ? 1 : dev->ring_count / 8;

	if (dev->ring_count < NPU_PRIORITIES || index >= 3 * share)
		return NPU_PRIORITY_NORMAL;
	return others[index / share];
}

static struct sim_ring *ring_new(unsigned int index)
{
	struct sim_ring *ring = calloc(1, sizeof(*ring));
	size_t desc = SIM_RING_SIZE * sizeof(*ring->desc);
	size_t cpl = SIM_RING_SIZE * sizeof(*ring->cpl);
	size_t table = SIM_RING_SIZE * sizeof(*ring->table);
	uint8_t *mem;

	_Static_assert(sizeof(*ring->table) % 64 == 0, "side tables lie one behind the other");
	if (!ring)
		return NULL;
	mem = aligned_alloc(64, desc + cpl + table + 64);
	if (!mem) {
		free(ring);
		return NULL;
	}
	memset(mem, 0, desc + cpl + table + 64);
	ring->index = index;
	ring->desc = (struct npu_desc *)mem;
	ring->cpl = (struct npu_completion *)(mem + desc);
	ring->table = (struct npu_side_table *)(mem + desc + cpl);
	ring->tail = (uint32_t *)(mem + desc + cpl + table);
	npu_list_init(&ring->queues);
	return ring;
}

void sim_ring_free(struct sim_ring *ring)
{
	if (!ring)
		return;
	free(ring->desc);
	free(ring);
}

static void ring_start(struct sim_device *dev, struct sim_ring *ring)
{
	uint64_t reg = NPU_RING(ring->index);

	sim_write64(dev, reg + NPU_RING_DESC_LO, (uintptr_t)ring->desc);
	sim_write64(dev, reg + NPU_RING_CPL_LO, (uintptr_t)ring->cpl);
	sim_write64(dev, reg + NPU_RING_TAIL_LO, (uintptr_t)ring->tail);
	sim_write(dev, reg + NPU_RING_SIZE_LOG2, SIM_RING_LOG2);
	sim_write(dev, reg + NPU_RING_PRIORITY, ring_priority(dev, ring->index));
	sim_write(dev, reg + NPU_RING_CTRL, NPU_RING_ENABLE);
}

int sim_ring_for(struct sim_device *dev, unsigned int priority, struct sim_ring **out)
{
	unsigned int best = NPU_MAX_RINGS, least = UINT_MAX;

	if (dev->ring_count < NPU_PRIORITIES)
		priority = NPU_PRIORITY_NORMAL;
	for (unsigned int r = 0; r < dev->ring_count; r++) {
		unsigned int used = dev->ring[r] ? dev->ring[r]->queue_count : 0;

		if (ring_priority(dev, r) == priority && used < least) {
			best = r;
			least = used;
		}
	}
	if (!dev->ring[best]) {
		dev->ring[best] = ring_new(best);
		if (!dev->ring[best])
			return npu_fail(-ENOMEM, "out of memory");
		ring_start(dev, dev->ring[best]);
	}
	*out = dev->ring[best];
	return 0;
}

/* ---- Jobs ------------------------------------------------------------------------------------ */

void sim_ring_post(struct sim_ring *ring, struct sim_fence *fence, unsigned int index)
{
	unsigned int s = ring->head % SIM_RING_SIZE;
	const struct npu_launch *job = &fence->base.job[index];
	const struct npu_program *prog = job->program;
	struct npu_side_table *table = &ring->table[s];

	memset(&table->error, 0, sizeof(table->error));
	memcpy(table->region, job->base, sizeof(table->region));
	for (unsigned int c = 0; c < prog->cores; c++) {
		table->stream[c].addr = prog->stream[c].va;
		table->stream[c].size = prog->stream[c].size;
	}
	ring->slot[s] = (struct sim_slot){ .fence = fence, .index = index };
	ring->head++;
	ring->desc[s] = (struct npu_desc){
		.job_id = ring->head,
		.table = (uintptr_t)table,
		.ctx = SIM_CONTEXT,
		.ncores = prog->cores,
		.flags = NPU_DESC_IRQ,
	};
}

void sim_ring_doorbell(struct sim_device *dev, struct sim_ring *ring)
{
	__atomic_store_n(ring->tail, (uint32_t)ring->head, __ATOMIC_RELEASE);
	sim_write(dev, NPU_DOORBELL(ring->index), 1);
}

static void fill_result(const struct sim_slot *slot, const struct npu_completion *cpl,
			const struct npu_error *e, struct drm_npu_result *out)
{
	*out = (struct drm_npu_result){
		.cycles = cpl->cycles,
		.error = npu_status_errno(cpl->status),
		.status = cpl->status,
	};
	if (cpl->status == NPU_JOB_OK)
		return;
	if (slot->error && cpl->status == NPU_JOB_ABORTED)
		out->error = slot->error;
	out->reason = e->reason;
	out->core = e->core;
	out->engine = e->engine;
	out->access = e->access;
	out->space = e->space;
	out->other_core = e->other_core;
	out->other_engine = e->other_engine;
	out->cmd = e->cmd;
	out->other_cmd = e->other_cmd;
	out->tag = e->tag;
	out->other_tag = e->other_tag;
	out->addr = e->addr;
	out->len = e->len;
}

/*
 * The completion in a place, if it is there already. The card writes the word with the phase last,
 * and whole: read as a whole, what it announces may be read after it.
 */
static bool read_completion(const struct npu_completion *at, unsigned int phase,
			    struct npu_completion *cpl)
{
	const size_t head = offsetof(struct npu_completion, cmd);
	uint64_t word = __atomic_load_n((const uint64_t *)&at->cmd, __ATOMIC_ACQUIRE);

	_Static_assert(sizeof(*at) - offsetof(struct npu_completion, cmd) == sizeof(word),
		       "the phase and what is written with it are one word");
	memcpy(&cpl->cmd, &word, sizeof(word));
	if ((cpl->phase & NPU_CPL_PHASE) != phase)
		return false;
	memcpy(cpl, at, head);
	return true;
}

void sim_ring_interrupt(struct sim_device *dev, struct sim_ring *ring)
{
	struct npu_list ended;
	bool any = false;

	npu_list_init(&ended);
	pthread_mutex_lock(&dev->lock);
	for (;;) {
		unsigned int s = ring->done % SIM_RING_SIZE;
		unsigned int phase = ~(ring->done / SIM_RING_SIZE) & NPU_CPL_PHASE;
		struct npu_completion cpl;
		struct drm_npu_result result;
		struct sim_slot slot;

		if (ring->done == ring->head || !read_completion(&ring->cpl[s], phase, &cpl))
			break;
		slot = ring->slot[s];
		fill_result(&slot, &cpl, &ring->table[s].error, &result);
		ring->done++;
		sim_queue_job_done(dev, &slot, &result, &ended);
		any = true;
	}
	if (any) {
		/* Whoever comes first on a full ring goes last next time. */
		for (unsigned int i = 0; i < ring->queue_count; i++) {
			struct npu_list *l = ring->queues.next;

			npu_list_del(l);
			npu_list_add_tail(&ring->queues, l);
			sim_queue_kick(dev, npu_list_entry(l, struct sim_queue, node), &ended);
			if (!sim_ring_has_room(ring))
				break;
		}
		pthread_cond_broadcast(&dev->changed);
	}
	pthread_mutex_unlock(&dev->lock);
	sim_tell(&ended);
}

/* ---- Ending jobs ----------------------------------------------------------------------------- */

uint32_t sim_ring_command(struct sim_device *dev, struct sim_ring *ring, uint32_t command,
			  uint64_t job)
{
	uint64_t reg = NPU_RING(ring->index);
	uint32_t answer;

	pthread_mutex_lock(&dev->command_lock);
	pthread_mutex_lock(&dev->lock);
	sim_write64(dev, reg + NPU_RING_CMD_JOB_LO, job);
	sim_write(dev, reg + NPU_RING_CMD, command);
	while ((answer = sim_read(dev, reg + NPU_RING_CMD)) & NPU_RING_CMD_BUSY)
		sim_wait_changed(dev, INT64_MAX);
	pthread_mutex_unlock(&dev->lock);
	pthread_mutex_unlock(&dev->command_lock);
	return answer;
}

/* Is job @id still on the ring, and @queue's? dev->lock. */
static bool outstanding(const struct sim_ring *ring, const struct sim_queue *queue, uint64_t id)
{
	const struct npu_queue *owner;

	if (id <= ring->done || id > ring->head)
		return false;
	owner = ring->slot[(id - 1) % SIM_RING_SIZE].fence->base.queue;
	return owner == &queue->base;
}

void sim_ring_clear(struct sim_device *dev, struct sim_ring *ring, const struct sim_queue *queue,
		    uint64_t last)
{
	uint64_t first;

	pthread_mutex_lock(&dev->lock);
	first = ring->done + 1;
	pthread_mutex_unlock(&dev->lock);
	/*
	 * The last ones first, so that none starts in the place of one that was ended; then what
	 * runs.
	 */
	for (int pass = 0; pass < 2; pass++) {
		for (uint64_t n = first; n <= last; n++) {
			uint64_t id = pass ? n : last - (n - first);
			bool there;

			pthread_mutex_lock(&dev->lock);
			there = outstanding(ring, queue, id);
			pthread_mutex_unlock(&dev->lock);
			if (there)
				sim_ring_command(dev, ring,
						 pass ? NPU_RING_CMD_ABORT : NPU_RING_CMD_CANCEL,
						 id);
		}
	}
	pthread_mutex_lock(&dev->lock);
	for (uint64_t id = first; id <= last; id++) {
		while (outstanding(ring, queue, id))
			sim_wait_changed(dev, INT64_MAX);
	}
	pthread_mutex_unlock(&dev->lock);
}

/* Jobs of banned queues leave their rings. Takes and returns with dev->lock, drops it between. */
static void clear_banned(struct sim_device *dev)
{
	for (unsigned int r = 0; r < dev->ring_count; r++) {
		struct sim_ring *ring = dev->ring[r];
		const struct sim_queue *banned = NULL;
		uint64_t last;

		if (!ring)
			continue;
		for (uint64_t id = ring->done + 1; id <= ring->head && !banned; id++) {
			struct npu_queue *q =
				ring->slot[(id - 1) % SIM_RING_SIZE].fence->base.queue;

			if (to_sim_queue(q)->error)
				banned = to_sim_queue(q);
		}
		if (!banned)
			continue;
		/*
		 * Ids beyond this one are not looked at: by then the queue's address may be
		 * another's.
		 */
		last = ring->head;
		pthread_mutex_unlock(&dev->lock);
		sim_ring_clear(dev, ring, banned, last);
		pthread_mutex_lock(&dev->lock);
		/* Another queue of this ring may be banned too. */
		dev->cleanup = true;
	}
}

/*
 * The id of a job that ran for its queue's timeout without completing a command, or 0; dev->lock.
 * Waiting for a core is not running.
 */
static uint64_t stuck_job(struct sim_device *dev, struct sim_ring *ring)
{
	uint64_t job = sim_read64(dev, NPU_RING(ring->index) + NPU_RING_JOB_LO);
	uint32_t progress = sim_read(dev, NPU_RING(ring->index) + NPU_RING_PROGRESS);
	struct sim_slot *slot;

	if (!job || job <= ring->done || job > ring->head || job != ring->watched ||
	    progress != ring->progress) {
		ring->watched = job;
		ring->progress = progress;
		ring->since = sim_now();
		return 0;
	}
	slot = &ring->slot[(job - 1) % SIM_RING_SIZE];
	if (sim_now() - ring->since < to_sim_queue(slot->fence->base.queue)->timeout_ns)
		return 0;
	slot->error = -ETIMEDOUT;
	return job;
}

static void end_stuck_jobs(struct sim_device *dev)
{
	for (unsigned int r = 0; r < dev->ring_count; r++) {
		struct sim_ring *ring = dev->ring[r];
		uint64_t job = ring ? stuck_job(dev, ring) : 0;

		if (!job)
			continue;
		ring->watched = 0;
		pthread_mutex_unlock(&dev->lock);
		sim_ring_command(dev, ring, NPU_RING_CMD_ABORT, job);
		pthread_mutex_lock(&dev->lock);
	}
}

void *sim_watchdog(void *arg)
{
	struct sim_device *dev = arg;

	pthread_mutex_lock(&dev->lock);
	while (!dev->closing) {
		int64_t next = sim_now() + dev->period_ns;
		struct timespec ts = { .tv_sec = next / 1000000000, .tv_nsec = next % 1000000000 };

		if (!dev->cleanup && dev->period_ns)
			pthread_cond_timedwait(&dev->watch, &dev->lock, &ts);
		else if (!dev->cleanup)
			pthread_cond_wait(&dev->watch, &dev->lock);
		if (dev->closing)
			break;
		if (dev->cleanup) {
			dev->cleanup = false;
			clear_banned(dev);
		}
		end_stuck_jobs(dev);
	}
	pthread_mutex_unlock(&dev->lock);
	return NULL;
}
