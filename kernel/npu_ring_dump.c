// SPDX-License-Identifier: GPL-2.0
/*
 * Copyright (c) 2026 the npu authors
 *
 * What a post-mortem tells of rings and of the job that went wrong on one. npu_ring_impl.h has the
 * structures, the locks and their order.
 *
 * A dump about a job begins with the ring's lock held, in the interrupt that brought the job's end
 * or before a job that hangs is ended, and is done when the job's completion was taken, so that it
 * has both the registers of a running job and the card's record of it.
 */
#include "npu_job.h"
#include "npu_queue.h"
#include "npu_ring_impl.h"
#include "npu_vm.h"

static const u16 npu_ring_reg_list[] = {
	NPU_RING_DESC_LO, NPU_RING_DESC_HI, NPU_RING_CPL_LO, NPU_RING_CPL_HI, NPU_RING_TAIL_LO,
	NPU_RING_TAIL_HI, NPU_RING_SIZE_LOG2, NPU_RING_PRIORITY, NPU_RING_IRQ, NPU_RING_SAVE_LO,
	NPU_RING_CTRL, NPU_RING_STATUS, NPU_RING_HEAD, NPU_RING_CPL_COUNT, NPU_RING_JOB_LO,
	NPU_RING_JOB_HI, NPU_RING_PROGRESS, NPU_RING_BUSY_LO, NPU_RING_BUSY_HI, NPU_RING_CMD_JOB_LO,
	NPU_RING_CMD_JOB_HI, NPU_RING_CMD,
};

static_assert(ARRAY_SIZE(npu_ring_reg_list) == NPU_RING_DUMP_REGS);

static struct npu_dump_reg *npu_ring_dump_regs_locked(struct npu_ring *ring,
						      struct npu_dump_reg *reg)
{
	unsigned int i;

	/* JOB and BUSY latch. */
	lockdep_assert_held(&ring->lock);
	for (i = 0; i < NPU_RING_DUMP_REGS; i++, reg++) {
		reg->offset = cpu_to_le32(NPU_RING(ring->index) + npu_ring_reg_list[i]);
		reg->value = cpu_to_le32(npu_ring_read(ring, npu_ring_reg_list[i]));
	}
	return reg;
}

struct npu_dump_reg *npu_ring_dump_regs(struct npu_ring *ring, struct npu_dump_reg *reg)
{
	unsigned long flags;

	spin_lock_irqsave(&ring->lock, flags);
	reg = npu_ring_dump_regs_locked(ring, reg);
	spin_unlock_irqrestore(&ring->lock, flags);
	return reg;
}

void npu_rings_dump(struct npu_device *ndev, struct npu_dump *dump)
{
	struct npu_dump_ring *out;
	unsigned int i;

	out = npu_dump_add(dump, NPU_DUMP_RINGS, 0, ndev->nrings, sizeof(*out));
	for (i = 0; out && i < ndev->nrings; i++, out++) {
		struct npu_ring *ring = &ndev->rings[i];
		unsigned long flags;
		u32 state = 0;

		spin_lock_irqsave(&ring->lock, flags);
		if (ring->broken)
			state |= NPU_DUMP_RING_BROKEN;
		if (ring->halted)
			state |= NPU_DUMP_RING_HALTED;
		*out = (struct npu_dump_ring) {
			.ring = cpu_to_le32(i),
			.priority = cpu_to_le32(ring->priority),
			.completed = cpu_to_le32(ring->head),
			.written = cpu_to_le32(ring->tail),
			.flags = cpu_to_le32(state),
		};
		spin_unlock_irqrestore(&ring->lock, flags);
	}
}

static void npu_ring_dump_slots(struct npu_ring *ring, struct npu_dump *dump, u64 guilty)
{
	struct npu_dump_slot *out;
	u32 pos;

	lockdep_assert_held(&ring->lock);
	if (ring->head == ring->tail)
		return;
	out = npu_dump_add(dump, NPU_DUMP_SLOTS, ring->index, ring->tail - ring->head,
			   sizeof(*out));
	for (pos = ring->head; out && pos != ring->tail; pos++, out++) {
		const struct npu_slot *slot = &ring->slot[npu_ring_entry(pos)];
		u32 state = 0;

		if (slot->canceled)
			state |= NPU_DUMP_SLOT_CANCELED;
		if (slot->id == guilty)
			state |= NPU_DUMP_SLOT_GUILTY;
		out->position = cpu_to_le32(pos);
		out->flags = cpu_to_le32(state);
		out->desc = ring->desc[npu_ring_entry(pos)];
	}
}

void npu_rings_dump_slots(struct npu_device *ndev, struct npu_dump *dump)
{
	unsigned int i;

	for (i = 0; i < ndev->nrings; i++) {
		struct npu_ring *ring = &ndev->rings[i];
		unsigned long flags;

		spin_lock_irqsave(&ring->lock, flags);
		npu_ring_dump_slots(ring, dump, 0);
		spin_unlock_irqrestore(&ring->lock, flags);
	}
}

void npu_ring_dump_begin(struct npu_ring *ring, enum npu_dump_reason reason)
{
	const struct npu_slot *slot = &ring->slot[npu_ring_entry(ring->head)];
	const struct npu_queue *queue;
	struct npu_dump_job *job;
	struct npu_dump_reg *reg;
	struct npu_dump *dump;
	size_t bytes;
	void *table;

	lockdep_assert_held(&ring->lock);
	if (ring->dump || ring->head == ring->tail)
		return;
	dump = npu_dump_begin(ring->ndev, reason);
	if (!dump)
		return;

	reg = npu_dump_add(dump, NPU_DUMP_REGS, NPU_DUMP_AT_ONCE, NPU_RING_DUMP_REGS, sizeof(*reg));
	if (reg)
		npu_ring_dump_regs_locked(ring, reg);
	queue = slot->job->queue;
	job = npu_dump_add(dump, NPU_DUMP_JOB, 0, 1, sizeof(*job));
	if (job) {
		*job = (struct npu_dump_job) {
			.seqno = cpu_to_le64(slot->job->first + slot->task),
			.id = cpu_to_le64(slot->id),
			.client = cpu_to_le64(queue->client_id),
			.queue = cpu_to_le32(queue->id),
			.pid = cpu_to_le32(queue->pid),
			.ring = cpu_to_le32(ring->index),
			.ctx = cpu_to_le32(npu_vm_ctx_id(queue->vm)),
			.ncores = cpu_to_le32(slot->job->ncores[slot->task]),
			.timeout_ms = cpu_to_le32(jiffies_to_msecs(queue->timeout)),
		};
		memcpy(job->comm, queue->comm, sizeof(job->comm));
	}
	bytes = offsetof(struct npu_side_table, stream) +
		slot->job->ncores[slot->task] * sizeof(struct npu_stream_ref);
	table = npu_dump_add(dump, NPU_DUMP_SIDE_TABLE, 0, bytes, 1);
	if (table)
		memcpy(table, npu_job_table(slot->job, slot->task), bytes);
	npu_ring_dump_slots(ring, dump, slot->id);
	npu_dump_set_job(dump, queue->vm);
	ring->dump = dump;
	ring->dump_job = job;
	ring->dump_id = slot->id;
}

void npu_ring_dump_end(struct npu_ring *ring, const struct npu_slot *slot,
		       const struct npu_completion *cpl, const struct npu_side_table *table,
		       int error)
{
	struct npu_dump_job *job = ring->dump_job;
	struct npu_error record;

	lockdep_assert_held(&ring->lock);
	if (!ring->dump || ring->dump_id != slot->id)
		return;
	if (job)
		job->status = cpu_to_le32(error);
	if (cpl) {
		record = table->error;
		/* Where the side table may be out of reach there is only the completion. */
		if (!record.status) {
			record.status = cpl->status;
			record.reason = cpl->reason;
			record.core = NPU_CPL_CORE(cpl->where);
			record.engine = NPU_ENGINE_NONE;
			record.cmd = cpl->cmd;
			record.addr = cpl->addr;
		}
		npu_dump_set_error(ring->dump, &record);
		if (job) {
			job->cycles = cpl->cycles;
			job->ended = cpu_to_le32(1);
			job->error = record;
		}
	}
	npu_dump_end(ring->dump);
	ring->dump = NULL;
}
