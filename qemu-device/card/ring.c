// SPDX-License-Identifier: MIT
/*
 * Copyright (c) 2026 the npu authors
 *
 * Rings: reading tails, descriptors and side tables, ABORT, CANCEL and ring resets, completions
 * and the moderation of their interrupts.
 *
 * A ring is read when it has no running job: when a doorbell rings by a core without a job, or by the
 * front while there is none, and by a core that has ended its job, so that a busy ring needs no other
 * thread. Only one thread at a time reads a ring (@reading). Commands are the front's.
 * Completions are written by who ends the job: a core, or the front for descriptors that never
 * start; one at a time, because a ring has one running job and a job that is being completed is
 * still running.
 */
#include <string.h>

#include "core.h"

static uint32_t slot_of(const struct npu_ring *ring, uint32_t index)
{
	return index & ((1u << ring->size_log2) - 1);
}

static bool is_canceled(const struct npu_ring *ring, uint32_t index)
{
	uint32_t slot = slot_of(ring, index);

	return ring->cancel[slot / 64] >> slot % 64 & 1;
}

static void set_canceled(struct npu_ring *ring, uint32_t index, bool canceled)
{
	uint32_t slot = slot_of(ring, index);

	ring->cancel[slot / 64] &= ~(UINT64_C(1) << slot % 64);
	ring->cancel[slot / 64] |= (uint64_t)canceled << slot % 64;
}

static void halt(struct npu_card *card, struct npu_ring *ring, const char *why)
{
	npu_card_log(card, NPU_LOG_GUEST_ERROR, "ring %u: %s; halted", ring->index, why);
	ring->error = true;
	ring->next = NULL;
	npu_card_event(card, NPU_EVENT_RING_ERROR);
}

/* ---- Life ------------------------------------------------------------------------------------ */

void npu_ring_init(struct npu_ring *ring, struct npu_card *card, unsigned int index)
{
	memset(ring, 0, sizeof(*ring));
	ring->card = card;
	ring->index = index;
	ring->job.ring = ring;
	pthread_mutex_init(&ring->job.lock, NULL);
	npu_cond_init(&ring->job.cond);
	npu_ring_power_on(ring);
}

void npu_ring_fini(struct npu_ring *ring)
{
	pthread_mutex_destroy(&ring->job.lock);
	pthread_cond_destroy(&ring->job.cond);
}

/* What a ring's own reset clears: everything but its configuration. */
static void clear_operation(struct npu_ring *ring)
{
	ring->enabled = false;
	ring->error = false;
	ring->epoch++;
	ring->head = 0;
	ring->tail = 0;
	ring->cpl_count = 0;
	ring->doorbell = false;
	ring->reset = false;
	ring->aborting = false;
	ring->next = NULL;
	ring->irq_count = 0;
	ring->irq_deadline = 0;
	memset(ring->cancel, 0, sizeof(ring->cancel));
	atomic_store(&ring->progress, 0);
}

void npu_ring_power_on(struct npu_ring *ring)
{
	clear_operation(ring);
	ring->desc = 0;
	ring->cpl = 0;
	ring->tail_addr = 0;
	ring->size_log2 = NPU_MIN_RING_LOG2;
	ring->priority = 0;
	ring->irq = 0;
	ring->cmd = 0;
	ring->cmd_job = 0;
	ring->cmd_result = 0;
}

void npu_ring_disable(struct npu_ring *ring)
{
	ring->epoch++;
	ring->next = NULL;
}

/* ---- Reading --------------------------------------------------------------------------------- */

/*
 * Read from host memory without the lock: 0, -1 when nothing answers, 1 when the bus is closed. A
 * host may refuse what it is asked for while the bus closes.
 */
static int read_host(struct npu_card *card, struct npu_port *port, uint64_t addr, void *buf,
		     uint64_t len)
{
	int ret = 1;

	pthread_mutex_unlock(&card->lock);
	if (npu_port_enter(&card->bus, port)) {
		if (!npu_bus_read(&card->bus, addr, buf, len))
			ret = 0;
		else if (npu_bus_is_open(&card->bus))
			ret = -1;
		npu_port_leave(port);
	}
	pthread_mutex_lock(&card->lock);
	return ret;
}

static bool may_read(const struct npu_card *card, const struct npu_ring *ring, uint32_t epoch)
{
	return npu_card_ready(card) && ring->enabled && !ring->error && !ring->reset &&
	       ring->epoch == epoch;
}

/* Returns whether the ring may still be read. */
static bool read_tail(struct npu_card *card, struct npu_ring *ring, struct npu_port *port)
{
	uint32_t epoch = ring->epoch;
	uint32_t tail;
	int ret;

	/* A doorbell from now on asks for one more look. */
	ring->doorbell = false;
	ret = read_host(card, port, ring->tail_addr, &tail, sizeof(tail));
	if (!may_read(card, ring, epoch))
		return false;
	if (ret > 0) {
		ring->doorbell = true;
		return false;
	}
	if (ret < 0) {
		halt(card, ring, "its tail is out of reach");
		return false;
	}
	if (tail - ring->head > 1u << ring->size_log2) {
		halt(card, ring, "its tail is more than a round ahead");
		return false;
	}
	ring->tail = tail;
	/* Taken back: it must not start, or HEAD would be a whole circle of 2^32 behind. */
	if (tail == ring->head)
		ring->next = NULL;
	return true;
}

bool npu_ring_desc_ok(const struct npu_card *card, const struct npu_desc *d)
{
	for (size_t i = 0; i < sizeof(d->reserved1) / sizeof(d->reserved1[0]); i++) {
		if (d->reserved1[i])
			return false;
	}
	return d->job_id && d->table % 64 == 0 && d->ncores && d->ncores <= card->cfg.cores &&
	       !d->reserved0 && !(d->flags & ~NPU_DESC_FLAGS);
}

/* Commands are named by 32-bit offsets. */
bool npu_ring_streams_ok(const struct npu_job *job)
{
	for (unsigned int i = 0; i < job->desc.ncores; i++) {
		if (job->stream[i].addr % NPU_CMD_ALIGN || job->stream[i].size % NPU_CMD_ALIGN ||
		    job->stream[i].size > UINT32_MAX)
			return false;
	}
	return true;
}

static void job_invalid(struct npu_job *job, enum npu_status status, enum npu_reason reason)
{
	job->error.status = status;
	job->error.reason = reason;
}

/* Regions and streams. Returns as read_host() does, but a table out of reach is the job's error. */
static int read_table(struct npu_card *card, struct npu_job *job, struct npu_port *port)
{
	struct npu_side_table table;
	uint64_t len = sizeof(table.region) + job->desc.ncores * sizeof(table.stream[0]);
	int ret;

	if (!npu_ring_desc_ok(card, &job->desc)) {
		/* An address in it is not to be trusted either. */
		job->desc.table = 0;
		job_invalid(job, NPU_JOB_INVALID, NPU_REASON_DESC);
		return 0;
	}
	ret = read_host(card, port, job->desc.table + offsetof(struct npu_side_table, region),
			table.region, len);
	if (ret < 0) {
		job->desc.table = 0;
		job_invalid(job, NPU_JOB_BUS, NPU_REASON_DESC);
		return 0;
	}
	if (ret)
		return ret;
	memcpy(job->region, table.region, sizeof(table.region));
	memcpy(job->stream, table.stream, job->desc.ncores * sizeof(table.stream[0]));
	if (!npu_ring_streams_ok(job))
		job_invalid(job, NPU_JOB_INVALID, NPU_REASON_DESC);
	return 0;
}

/* Read descriptor @ring->head. */
static void read_next(struct npu_card *card, struct npu_ring *ring, struct npu_port *port)
{
	struct npu_job *job = &ring->job;
	uint64_t addr = ring->desc + slot_of(ring, ring->head) * sizeof(job->desc);
	uint32_t epoch = ring->epoch;
	int ret;

	ret = read_host(card, port, addr, &job->desc, sizeof(job->desc));
	if (!ret) {
		memset(&job->error, 0, sizeof(job->error));
		job->error.engine = NPU_ENGINE_NONE;
		job->error.other_engine = NPU_ENGINE_NONE;
		job->error.cmd = NPU_ERROR_NO_CMD;
		job->error.other_cmd = NPU_ERROR_NO_CMD;
		job->discard = false;
		job->stopped = false;
		job->members = 0;
		memset(job->core, 0, sizeof(job->core));
		atomic_store(&job->cycles, 0);
		ret = read_table(card, job, port);
	}
	/* On a closed bus nothing is read until it opens, which has all rings looked at again. */
	if (!may_read(card, ring, epoch) || ret > 0)
		return;
	if (ret < 0)
		halt(card, ring, "a descriptor is out of reach");
	else
		ring->next = job;
}

/*
 * One thread at a time reads a ring; who finds another at it has the front look again afterwards.
 */
static bool read_begin(struct npu_ring *ring)
{
	ring->read_again |= ring->reading;
	if (ring->reading)
		return false;
	ring->reading = true;
	return true;
}

static void read_end(struct npu_card *card, struct npu_ring *ring)
{
	ring->reading = false;
	if (ring->read_again)
		npu_card_kick(card, UINT64_C(1) << ring->index);
	ring->read_again = false;
}

/* A descriptor that will not start: canceled, or wrong. */
static bool is_dead(const struct npu_ring *ring)
{
	return ring->next && (ring->next->error.status || is_canceled(ring, ring->head));
}

static void read_ring(struct npu_card *card, struct npu_ring *ring, struct npu_port *port)
{
	if (!may_read(card, ring, ring->epoch) || !npu_bus_is_open(&card->bus))
		return;
	if (ring->doorbell && !read_tail(card, ring, port))
		return;
	if (!ring->next && !ring->running && ring->head != ring->tail)
		read_next(card, ring, port);
}

void npu_ring_read(struct npu_card *card, struct npu_ring *ring, struct npu_port *port)
{
	if (!read_begin(ring))
		return;
	read_ring(card, ring, port);
	/* Commands, and descriptors that will not start, are the front's. */
	ring->read_again |= is_dead(ring) || ring->cmd || ring->reset;
	read_end(card, ring);
}

/* ---- Commands -------------------------------------------------------------------------------- */

static void acknowledge(struct npu_card *card, struct npu_ring *ring, uint32_t result)
{
	ring->cmd = 0;
	ring->cmd_result = result;
	ring->aborting = false;
	npu_card_event(card, NPU_EVENT_RING_CMD);
}

void npu_ring_retire(struct npu_card *card, struct npu_ring *ring)
{
	ring->running = NULL;
	if (ring->aborting)
		acknowledge(card, ring, NPU_RING_CMD_DONE);
	if (card->reset_asked)
		pthread_cond_broadcast(&card->changed);
}

static void abort_job(struct npu_card *card, struct npu_ring *ring)
{
	if (ring->aborting)
		return;
	if (!ring->running || ring->running->desc.job_id != ring->cmd_job) {
		acknowledge(card, ring, NPU_RING_CMD_NONE);
		return;
	}
	ring->aborting = true;
	npu_job_stop(ring->running, false);
}

/*
 * Looks for the job among the descriptors that have not started, in memory. Cores may start the
 * ring's jobs meanwhile; what they have started when the descriptor is found is too late to be
 * canceled.
 */
static bool find_and_cancel(struct npu_card *card, struct npu_ring *ring)
{
	uint64_t id = ring->cmd_job;
	struct npu_desc desc[64];
	uint32_t index = ring->head;
	uint32_t epoch = ring->epoch;

	while (index != ring->tail) {
		uint32_t slot = slot_of(ring, index);
		uint32_t n = ring->tail - index;

		if (n > 64)
			n = 64;
		if (n > (1u << ring->size_log2) - slot)
			n = (1u << ring->size_log2) - slot;
		if (read_host(card, card->port, ring->desc + slot * sizeof(desc[0]), desc,
			      n * sizeof(desc[0])))
			return false;
		if (!may_read(card, ring, epoch))
			return false;
		for (uint32_t i = 0; i < n; i++, index++) {
			if (desc[i].job_id != id)
				continue;
			if ((int32_t)(index - ring->head) < 0)
				return false;
			set_canceled(ring, index, true);
			return true;
		}
	}
	return false;
}

static void cancel_job(struct npu_card *card, struct npu_ring *ring)
{
	bool found = may_read(card, ring, ring->epoch) && read_tail(card, ring, card->port) &&
		     find_and_cancel(card, ring);

	if (ring->cmd)
		acknowledge(card, ring, found ? NPU_RING_CMD_DONE : NPU_RING_CMD_NONE);
}

static void reset_ring(struct npu_card *card, struct npu_ring *ring)
{
	if (ring->running)
		npu_job_stop(ring->running, true);
	ring->read_again |= ring->reading;
	if (ring->running || ring->reading)
		return;
	clear_operation(ring);
	if (ring->cmd) {
		ring->cmd = 0;
		ring->cmd_result = NPU_RING_CMD_NONE;
	}
	npu_card_event(card, NPU_EVENT_RING_CMD);
}

static void skip(struct npu_card *card, struct npu_ring *ring)
{
	struct npu_job *job = ring->next;

	if (is_canceled(ring, ring->head)) {
		set_canceled(ring, ring->head, false);
		job_invalid(job, NPU_JOB_CANCELED, NPU_REASON_NONE);
	}
	ring->next = NULL;
	ring->running = job;
	ring->head++;
	npu_ring_complete(card, job, card->port);
	npu_ring_retire(card, ring);
	npu_card_kick(card, UINT64_C(1) << ring->index);
}

void npu_ring_service(struct npu_card *card, struct npu_ring *ring)
{
	if (ring->reset)
		reset_ring(card, ring);
	if (ring->reset)
		return;
	if (ring->cmd == NPU_RING_CMD_ABORT)
		abort_job(card, ring);
	if (!read_begin(ring))
		return;
	if (ring->cmd == NPU_RING_CMD_CANCEL)
		cancel_job(card, ring);
	read_ring(card, ring, card->port);
	/* One at a time, so that other rings get their turn. */
	if (is_dead(ring) && !ring->running)
		skip(card, ring);
	read_end(card, ring);
}

/* ---- Completions ----------------------------------------------------------------------------- */

static void raise(struct npu_card *card, struct npu_ring *ring)
{
	ring->irq_count = 0;
	ring->irq_deadline = 0;
	card->irq |= UINT64_C(1) << ring->index;
}

static void moderate(struct npu_card *card, struct npu_ring *ring)
{
	uint32_t count = NPU_RING_IRQ_COUNT(ring->irq);
	uint32_t usec = ring->irq >> 16;

	ring->irq_count++;
	if (ring->irq_count >= count || !usec) {
		raise(card, ring);
	} else if (ring->irq_count == 1) {
		ring->irq_deadline = npu_now() + usec * UINT64_C(1000);
		npu_card_kick(card, 0);
	}
}

uint64_t npu_ring_deadlines(struct npu_card *card, uint64_t now)
{
	uint64_t next = 0;

	for (unsigned int r = 0; r < card->cfg.rings; r++) {
		struct npu_ring *ring = &card->ring[r];

		if (ring->irq_deadline && ring->irq_deadline <= now)
			raise(card, ring);
		if (ring->irq_deadline && (!next || ring->irq_deadline < next))
			next = ring->irq_deadline;
	}
	return next;
}

/* Inside a port. The word with the phase goes last: it is what the driver looks at. */
static int write_completion(struct npu_bus *bus, uint64_t addr, const struct npu_completion *cpl)
{
	size_t head = offsetof(struct npu_completion, cmd);

	if (npu_bus_write(bus, addr, cpl, head))
		return -1;
	atomic_thread_fence(memory_order_release);
	return npu_bus_write(bus, addr + head, (const char *)cpl + head, sizeof(*cpl) - head);
}

void npu_ring_complete(struct npu_card *card, struct npu_job *job, struct npu_port *port)
{
	struct npu_ring *ring = job->ring;
	const struct npu_error *err = &job->error;
	uint64_t addr = ring->cpl + slot_of(ring, ring->cpl_count) * sizeof(struct npu_completion);
	struct npu_completion cpl = {
		.job_id = job->desc.job_id,
		.cycles = atomic_load(&job->cycles),
		.addr = err->addr,
		.cmd = err->cmd,
		.status = err->status,
		.reason = err->reason,
		.where = NPU_CPL_WHERE(err->core, err->engine),
		.phase = !(ring->cpl_count >> ring->size_log2 & 1),
	};
	bool dropped;
	int ret = -1;

	if (job->discard)
		return;
	cpl.phase |= npu_cpl_check(&cpl);
	dropped = npu_inject_hits(&card->inject.dropped, ring->index);
	if (__builtin_expect(card->inject.corrupt.left, 0) && !dropped)
		npu_inject_corrupt(card, ring->index, &cpl);
	pthread_mutex_unlock(&card->lock);
	if (npu_port_enter(&card->bus, port)) {
		/* Where the side table has gone, the completion still tells what counts. */
		if (err->status && job->desc.table)
			npu_bus_write(&card->bus, job->desc.table, err, sizeof(*err));
		ret = dropped ? 0 : write_completion(&card->bus, addr, &cpl);
		npu_port_leave(port);
	}
	if (err->status)
		npu_card_log(card, NPU_LOG_TRACE,
			     "ring %u: job %#llx ends with status %u, reason %u, command %#x, "
			     "address %#llx",
			     ring->index, (unsigned long long)cpl.job_id, cpl.status, cpl.reason,
			     cpl.cmd, (unsigned long long)cpl.addr);
	pthread_mutex_lock(&card->lock);
	if (ret) {
		if (!job->discard)
			halt(card, ring, "a completion is out of reach");
		return;
	}
	ring->cpl_count++;
	if (job->desc.flags & NPU_DESC_IRQ)
		moderate(card, ring);
}
