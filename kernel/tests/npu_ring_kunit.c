// SPDX-License-Identifier: GPL-2.0
/*
 * Copyright (c) 2026 the npu authors
 *
 * Rings: descriptors and completions over many rounds and the wrap of positions; what completions
 * mean for results, fences and queues; and what of a ring survives a reset.
 */
#include "npu_kunit.h"
#include "../npu_fence.c"
#include "../npu_job.c"
#include "../npu_queue.c"
#include "../npu_ring.c"
#include "../npu_ring_recover.c"

/* A card's work queue, which nothing runs in: cancellation is only asked for. */
struct npu_ring_kunit {
	struct npu_device *ndev;
	struct npu_ring *ring;
	struct npu_queue *queue;
	struct npu_file_stats stats;
	unsigned int cancels;
};

static struct npu_ring_kunit *npu_ring_kunit;

static void npu_ring_kunit_cancel(struct work_struct *work)
{
	npu_ring_kunit->cancels++;
}

static int npu_ring_kunit_suite_init(struct kunit_suite *suite)
{
	npu_fence_module_init();
	return 0;
}

static void npu_ring_kunit_suite_exit(struct kunit_suite *suite)
{
	npu_fence_module_exit();
}

static int npu_ring_kunit_memory(struct kunit *test, struct npu_ring *ring)
{
	size_t size;
	void *mem;

	ring->stride = npu_job_table_stride(ring->ndev);
	size = NPU_RING_TABLE_OFFSET + NPU_RING_ENTRIES * ring->stride;
	mem = kunit_kzalloc(test, size, GFP_KERNEL);
	ring->slot = kunit_kcalloc(test, NPU_RING_ENTRIES, sizeof(*ring->slot), GFP_KERNEL);
	ring->spare = kunit_kcalloc(test, NPU_RING_ENTRIES, sizeof(*ring->spare), GFP_KERNEL);
	if (!mem || !ring->slot || !ring->spare)
		return -ENOMEM;
	ring->desc = mem;
	ring->cpl = mem + NPU_RING_CPL_OFFSET;
	ring->tail_mem = mem + NPU_RING_TAIL_OFFSET;
	ring->tables = mem + NPU_RING_TABLE_OFFSET;
	ring->dma = 0x12340000;
	return 0;
}

static void npu_ring_kunit_queue(struct kunit *test, struct npu_ring_kunit *t)
{
	struct npu_queue *queue = kunit_kzalloc(test, sizeof(*queue), GFP_KERNEL);

	KUNIT_ASSERT_NOT_NULL(test, queue);
	kref_init(&queue->ref);
	kref_init(&t->stats.ref);
	queue->ndev = t->ndev;
	queue->stats = &t->stats;
	queue->ring = t->ring;
	spin_lock_init(&queue->lock);
	init_waitqueue_head(&queue->room);
	INIT_LIST_HEAD(&queue->begun);
	queue->fence_context = dma_fence_context_alloc(1);
	queue->results = npu_results_create();
	KUNIT_ASSERT_NOT_NULL(test, queue->results);
	t->queue = queue;
}

static int npu_ring_kunit_init(struct kunit *test)
{
	struct npu_ring_kunit *t = kunit_kzalloc(test, sizeof(*t), GFP_KERNEL);
	struct npu_ring *ring;

	KUNIT_ASSERT_NOT_NULL(test, t);
	npu_ring_kunit = t;
	test->priv = t;
	t->ndev = npu_kunit_device(test);
	t->ndev->nrings = 1;
	t->ndev->wq = alloc_ordered_workqueue("npu-kunit", 0);
	KUNIT_ASSERT_NOT_NULL(test, t->ndev->wq);
	ring = kunit_kzalloc(test, sizeof(*ring), GFP_KERNEL);
	KUNIT_ASSERT_NOT_NULL(test, ring);
	t->ndev->rings = ring;
	t->ring = ring;
	ring->ndev = t->ndev;
	spin_lock_init(&ring->lock);
	mutex_init(&ring->cmd_lock);
	INIT_WORK(&ring->cancel_work, npu_ring_kunit_cancel);
	KUNIT_ASSERT_EQ(test, npu_ring_kunit_memory(test, ring), 0);
	npu_ring_kunit_queue(test, t);
	return 0;
}

static void npu_ring_kunit_exit(struct kunit *test)
{
	struct npu_ring_kunit *t = test->priv;

	if (!t)
		return;
	if (t->ndev && t->ndev->wq)
		destroy_workqueue(t->ndev->wq);
	if (t->queue)
		npu_results_put(t->queue->results);
}

static unsigned int npu_ring_cancels(struct npu_ring_kunit *t)
{
	flush_workqueue(t->ndev->wq);
	return t->cancels;
}

/* A job of @count tasks that its queue has begun, with a reference to its fence for the caller. */
static struct npu_job *npu_ring_kunit_job(struct kunit *test, u32 count)
{
	struct npu_ring_kunit *t = test->priv;
	struct npu_queue *queue = t->queue;
	struct npu_job *job;
	u32 i;

	job = kunit_kzalloc(test, struct_size(job, ncores, count), GFP_KERNEL);
	KUNIT_ASSERT_NOT_NULL(test, job);
	job->queue = queue;
	job->count = count;
	job->left = count;
	job->first = queue->submitted + 1;
	job->stride = t->ring->stride;
	job->tables = kunit_kcalloc(test, count, job->stride, GFP_KERNEL);
	KUNIT_ASSERT_NOT_NULL(test, job->tables);
	job->fence = npu_fence_alloc();
	KUNIT_ASSERT_NOT_NULL(test, job->fence);
	job->ended = npu_fence_alloc_late();
	KUNIT_ASSERT_NOT_NULL(test, job->ended);
	for (i = 0; i < count; i++) {
		job->ncores[i] = 1 + i % NPU_KUNIT_CORES;
		/* Something to recognise the table by, but no error before there is one. */
		memset(job->tables + i * job->stride, (u8)(job->first + i), job->stride);
		memset(job->tables + i * job->stride, 0, sizeof(struct npu_error));
	}
	queue->submitted += count;
	queue->outstanding += count;
	npu_fence_init(job->fence, queue->fence_context, queue->submitted);
	npu_fence_init(job->ended, dma_fence_context_alloc(1), 1);
	dma_fence_get(job->fence);
	list_add_tail(&job->node, &queue->begun);
	return job;
}

static void npu_ring_kunit_push(struct npu_ring *ring, struct npu_job *job)
{
	unsigned long flags;
	u32 task;

	spin_lock_irqsave(&ring->lock, flags);
	for (task = 0; task < job->count; task++)
		npu_ring_add(ring, job, task);
	npu_ring_write_tail(ring);
	spin_unlock_irqrestore(&ring->lock, flags);
}

/* CHECK, in words of 16 bits as the specification has it. */
static u8 npu_ring_kunit_check(const struct npu_completion *cpl)
{
	const __le16 *word = (const __le16 *)cpl;
	u16 x = 0;
	int i;

	for (i = 0; i < 16; i++)
		x ^= le16_to_cpu(word[i]) & (i == 15 ? 0x01ff : 0xffff);
	return (x ^ x >> 7 ^ x >> 14) & 0x7f;
}

/*
 * What the card writes for the descriptor at @pos of the ring's life: first round 1, the next 0.
 * @error is what its record says, of a job that is not well.
 */
static void npu_ring_kunit_complete_error(struct npu_ring *ring, u32 pos,
					  const struct npu_error *error)
{
	struct npu_completion *cpl = &ring->cpl[pos & 255];

	if (error->status)
		*(struct npu_error *)(ring->tables + (pos & 255) * ring->stride) = *error;
	cpl->job_id = ring->desc[pos & 255].job_id;
	cpl->cycles = cpu_to_le64(1000ull + pos);
	cpl->addr = error->addr;
	cpl->cmd = error->cmd;
	cpl->status = error->status;
	cpl->reason = error->reason;
	cpl->where = error->core | (error->engine & 7) << 5;
	cpl->phase = !(pos >> 8 & 1);
	cpl->phase |= npu_ring_kunit_check(cpl) << 1;
}

static void npu_ring_kunit_complete(struct npu_ring *ring, u32 pos, u8 status)
{
	const struct npu_error error = {
		.status = status,
		.engine = NPU_ENGINE_NONE,
		.cmd = cpu_to_le32(NPU_ERROR_NO_CMD),
	};

	npu_ring_kunit_complete_error(ring, pos, &error);
}

static const struct drm_npu_result *npu_ring_result(struct npu_queue *queue, u64 seqno)
{
	return &queue->results->entry[seqno % NPU_QUEUE_RESULTS];
}

/* Signalled, with that error. Drops the reference. */
static void npu_ring_expect_fence(struct kunit *test, struct dma_fence *fence, int error)
{
	KUNIT_EXPECT_EQ(test, dma_fence_get_status(fence), error ?: 1);
	dma_fence_put(fence);
}

/* ---- Descriptors ----------------------------------------------------------------------------- */

static void npu_ring_test_descriptors(struct kunit *test)
{
	struct npu_ring_kunit *t = test->priv;
	struct npu_ring *ring = t->ring;
	struct npu_job *job = npu_ring_kunit_job(test, 3);
	u32 pos;

	/* Across the end of the memory, and of the numbers. */
	ring->head = 0xfffffffe;
	ring->tail = 0xfffffffe;
	npu_ring_kunit_push(ring, job);
	KUNIT_EXPECT_EQ(test, ring->tail, 1);
	KUNIT_EXPECT_EQ(test, le32_to_cpu(*ring->tail_mem), 1);
	for (pos = 0; pos < 3; pos++) {
		u32 entry = (254 + pos) % 256;
		const struct npu_desc *desc = &ring->desc[entry];
		u64 table = le64_to_cpu(desc->table) - ring->dma;

		KUNIT_EXPECT_NE(test, desc->job_id, 0);
		KUNIT_EXPECT_EQ(test, le64_to_cpu(desc->job_id), ring->slot[entry].id);
		KUNIT_EXPECT_EQ(test, le16_to_cpu(desc->ctx), NPU_KUNIT_CONTEXT);
		KUNIT_EXPECT_EQ(test, desc->ncores, 1 + pos);
		/* One interrupt a job. */
		KUNIT_EXPECT_EQ(test, le32_to_cpu(desc->flags), pos == 2 ? NPU_DESC_IRQ : 0);
		KUNIT_EXPECT_EQ(test, table % 64, 0);
		KUNIT_EXPECT_MEMEQ(test, (void *)ring->desc + table,
				   job->tables + pos * job->stride, job->stride);
	}
	KUNIT_EXPECT_NE(test, ring->desc[254].job_id, ring->desc[255].job_id);

	for (pos = 0; pos < 3; pos++)
		npu_ring_kunit_complete(ring, 0xfffffffe + pos, NPU_JOB_OK);
	npu_ring_complete(ring);
	npu_ring_expect_fence(test, job->fence, 0);
}

/* Where descriptors, completions, tail and tables are, none may be over another. */
static void npu_ring_test_layout(struct kunit *test)
{
	KUNIT_EXPECT_EQ(test, sizeof(struct npu_desc), 64);
	KUNIT_EXPECT_EQ(test, sizeof(struct npu_completion), 32);
	KUNIT_EXPECT_EQ(test, NPU_RING_CPL_OFFSET, 256 * 64);
	KUNIT_EXPECT_EQ(test, NPU_RING_TAIL_OFFSET, 256 * 64 + 256 * 32);
	KUNIT_EXPECT_GE(test, NPU_RING_TABLE_OFFSET, NPU_RING_TAIL_OFFSET + sizeof(__le32));
	KUNIT_EXPECT_EQ(test, NPU_RING_TABLE_OFFSET % 64, 0);
}

/* ---- Completions ----------------------------------------------------------------------------- */

/* Rounds and rounds, from where positions wrap in the middle, in pieces of all sizes. */
static void npu_ring_test_rounds(struct kunit *test)
{
	struct npu_ring_kunit *t = test->priv;
	struct npu_ring *ring = t->ring;
	u32 n, k, pos = 0u - 4 * 256;
	u64 seqno = 0;

	ring->head = pos;
	ring->tail = pos;
	for (n = 1; n <= 128; n++) {
		struct npu_job *job = npu_ring_kunit_job(test, n);

		npu_ring_kunit_push(ring, job);
		KUNIT_ASSERT_EQ(test, ring->tail, pos + n);
		/* What lies there from the round before is not taken for new. */
		npu_ring_complete(ring);
		KUNIT_ASSERT_EQ(test, ring->head, pos);
		/* From behind: nothing is taken before the first is there. */
		for (k = n; k-- > 0;) {
			KUNIT_ASSERT_EQ(test, ring->head, pos);
			npu_ring_kunit_complete(ring, pos + k, NPU_JOB_OK);
			if (k)
				npu_ring_complete(ring);
		}
		KUNIT_EXPECT_FALSE(test, dma_fence_is_signaled(job->fence));
		npu_ring_complete(ring);
		KUNIT_ASSERT_EQ(test, ring->head, pos + n);
		npu_ring_expect_fence(test, job->fence, 0);
		for (k = 0; k < n; k++) {
			const struct drm_npu_result *r = npu_ring_result(t->queue, ++seqno);

			KUNIT_ASSERT_EQ(test, r->seqno, seqno);
			KUNIT_ASSERT_EQ(test, r->error, 0);
			KUNIT_ASSERT_EQ(test, r->cycles, 1000ull + (u32)(pos + k));
		}
		pos += n;
	}
	KUNIT_EXPECT_EQ(test, t->queue->completed, seqno);
	KUNIT_EXPECT_EQ(test, t->queue->jobs, seqno);
	KUNIT_EXPECT_EQ(test, t->queue->outstanding, 0);
	KUNIT_EXPECT_EQ(test, npu_kunit_ring_resets, 0);
}

/* Garbage is not taken: neither for the end of a job, nor in the way of what comes later. */
static void npu_ring_test_garbage(struct kunit *test)
{
	struct npu_ring_kunit *t = test->priv;
	struct npu_ring *ring = t->ring;
	struct npu_job *job = npu_ring_kunit_job(test, 2);
	struct npu_error *record = ring->tables, error = {
		.status = NPU_JOB_FAULT,
		.reason = NPU_REASON_RANGE,
		.core = 1,
		.cmd = cpu_to_le32(16),
		.addr = cpu_to_le64(4096),
	};
	struct npu_completion *cpl = ring->cpl, good;
	unsigned int bit;

	npu_ring_kunit_push(ring, job);
	npu_ring_kunit_complete(ring, 0, NPU_JOB_OK);
	npu_ring_kunit_complete(ring, 1, NPU_JOB_OK);
	good = *cpl;
	for (bit = 0; bit < 8 * sizeof(good); bit++) {
		*cpl = good;
		((u8 *)cpl)[bit / 8] ^= 1 << bit % 8;
		npu_ring_complete(ring);
		KUNIT_ASSERT_EQ_MSG(test, ring->head, 0, "bit %u", bit);
	}
	/* Of another job, whole and well. */
	*cpl = ring->cpl[1];
	npu_ring_complete(ring);
	KUNIT_EXPECT_EQ(test, ring->head, 0);
	/* A record where there should be none, none where there should be one, another one. */
	*cpl = good;
	*record = error;
	npu_ring_complete(ring);
	KUNIT_EXPECT_EQ(test, ring->head, 0);
	npu_ring_kunit_complete_error(ring, 0, &error);
	memset(record, 0, sizeof(*record));
	npu_ring_complete(ring);
	KUNIT_EXPECT_EQ(test, ring->head, 0);
	for (bit = 0; bit < 5; bit++) {
		*record = error;
		record->status += bit == 0;
		record->reason += bit == 1;
		record->core += bit == 2;
		record->cmd ^= cpu_to_le32(bit == 3);
		record->addr ^= cpu_to_le64(bit == 4);
		npu_ring_complete(ring);
		KUNIT_EXPECT_EQ_MSG(test, ring->head, 0, "field %u", bit);
	}
	KUNIT_EXPECT_EQ(test, t->queue->completed, 0);

	memset(record, 0, sizeof(*record));
	*cpl = good;
	npu_ring_complete(ring);
	KUNIT_EXPECT_EQ(test, ring->head, 2);
	npu_ring_expect_fence(test, job->fence, 0);
	KUNIT_EXPECT_FALSE(test, ring->broken);
	KUNIT_EXPECT_EQ(test, npu_kunit_ring_resets, 0);
}

/* Where no record can be. */
static void npu_ring_kunit_no_record(struct kunit *test, u8 status, u8 reason, int end)
{
	struct npu_ring_kunit *t = test->priv;
	struct npu_ring *ring = t->ring;
	struct npu_job *job = npu_ring_kunit_job(test, 1);
	const struct npu_error error = {
		.status = status,
		.reason = reason,
		.engine = NPU_ENGINE_NONE,
		.cmd = cpu_to_le32(NPU_ERROR_NO_CMD),
	};

	npu_ring_kunit_push(ring, job);
	npu_ring_kunit_complete_error(ring, 0, &error);
	memset(ring->tables, 0, sizeof(error));
	npu_ring_complete(ring);
	npu_ring_expect_fence(test, job->fence, end);
	KUNIT_EXPECT_EQ(test, npu_ring_result(t->queue, 1)->status, status);
}

static void npu_ring_test_no_record(struct kunit *test)
{
	npu_ring_kunit_no_record(test, NPU_JOB_BUS, NPU_REASON_DESC, -EIO);
}

static void npu_ring_test_no_record_canceled(struct kunit *test)
{
	npu_ring_kunit_no_record(test, NPU_JOB_CANCELED, NPU_REASON_NONE, -ECANCELED);
}

static void npu_ring_kunit_settle(struct npu_ring *ring, u32 count)
{
	unsigned long flags;

	npu_ring_write(ring, NPU_RING_CPL_COUNT, count);
	spin_lock_irqsave(&ring->lock, flags);
	npu_ring_settle_locked(ring);
	spin_unlock_irqrestore(&ring->lock, flags);
}

/* The card has counted what is not there, or garbage: that is lost, and nothing else. */
static void npu_ring_test_lost(struct kunit *test)
{
	struct npu_ring_kunit *t = test->priv;
	struct npu_ring *ring = t->ring;
	struct npu_queue *first = t->queue, *second;
	struct npu_job *lost = npu_ring_kunit_job(test, 1), *good, *garbled;

	npu_ring_kunit_queue(test, t);
	second = t->queue;
	good = npu_ring_kunit_job(test, 2);
	npu_ring_kunit_queue(test, t);
	garbled = npu_ring_kunit_job(test, 2);
	ring->head = 0xfffffffe;
	ring->tail = 0xfffffffe;
	npu_ring_kunit_push(ring, lost);
	npu_ring_kunit_push(ring, good);
	npu_ring_kunit_push(ring, garbled);
	npu_ring_kunit_complete(ring, 0xffffffff, NPU_JOB_OK);

	/* Not counted yet, or no count that can be. */
	npu_ring_kunit_settle(ring, 0xfffffffe);
	npu_ring_kunit_settle(ring, 0xfffffffd);
	npu_ring_kunit_settle(ring, 4);
	KUNIT_EXPECT_EQ(test, ring->head, 0xfffffffe);
	/* Only the first: the third of the ring still runs. */
	npu_ring_kunit_settle(ring, 0);
	KUNIT_EXPECT_EQ(test, ring->head, 0);
	npu_ring_expect_fence(test, lost->fence, -EIO);
	KUNIT_EXPECT_EQ(test, npu_ring_cancels(t), 1);
	KUNIT_EXPECT_EQ(test, first->error, -EIO);
	KUNIT_EXPECT_EQ(test, npu_ring_result(first, 1)->error, -EIO);
	KUNIT_EXPECT_EQ(test, npu_ring_result(second, 1)->error, 0);
	KUNIT_EXPECT_FALSE(test, dma_fence_is_signaled(good->fence));

	/* A good one, garbage, and one of a queue that is banned by then. */
	npu_ring_kunit_complete(ring, 0, NPU_JOB_OK);
	npu_ring_kunit_complete(ring, 1, NPU_JOB_OK);
	ring->cpl[1].status = NPU_JOB_ECC;
	npu_ring_kunit_complete(ring, 2, NPU_JOB_OK);
	npu_ring_kunit_settle(ring, 3);
	KUNIT_EXPECT_EQ(test, ring->head, 3);
	npu_ring_expect_fence(test, good->fence, 0);
	npu_ring_expect_fence(test, garbled->fence, -EIO);
	KUNIT_EXPECT_EQ(test, second->error, 0);
	KUNIT_EXPECT_EQ(test, npu_ring_result(t->queue, 1)->error, -EIO);
	KUNIT_EXPECT_EQ(test, npu_ring_result(t->queue, 2)->error, -ECANCELED);
	KUNIT_EXPECT_EQ(test, npu_ring_cancels(t), 2);
	KUNIT_EXPECT_EQ(test, npu_kunit_ring_resets, 0);
	npu_results_put(first->results);
	npu_results_put(second->results);
}

/* One that was ended on purpose ends with that purpose, told or not. */
static void npu_ring_test_lost_abort(struct kunit *test)
{
	struct npu_ring_kunit *t = test->priv;
	struct npu_job *job = npu_ring_kunit_job(test, 1);

	npu_ring_kunit_push(t->ring, job);
	t->ring->slot[0].error = -ETIMEDOUT;
	npu_ring_kunit_settle(t->ring, 1);
	npu_ring_expect_fence(test, job->fence, -ETIMEDOUT);
	KUNIT_EXPECT_EQ(test, npu_ring_result(t->queue, 1)->status, NPU_JOB_ABORTED);
}

struct npu_ring_status {
	u8 status;
	int error;
};

static const struct npu_ring_status npu_ring_statuses[] = {
	{ NPU_JOB_OK, 0 },
	{ NPU_JOB_FAULT, -EFAULT },
	{ NPU_JOB_DEADLOCK, -EDEADLK },
	{ NPU_JOB_HAZARD, -EILSEQ },
	{ NPU_JOB_INVALID, -EBADMSG },
	{ NPU_JOB_ABORTED, -ECANCELED },
	{ NPU_JOB_CANCELED, -ECANCELED },
	{ NPU_JOB_INDEX, -ERANGE },
	{ NPU_JOB_ECC, -EIO },
	{ NPU_JOB_BUS, -EIO },
	/* None that is known. */
	{ 10, -EIO },
	{ 255, -EIO },
};

/* Each status of the card, with all of its detail. */
static void npu_ring_test_statuses(struct kunit *test)
{
	struct npu_ring_kunit *t = test->priv;
	struct npu_ring *ring = t->ring;
	struct npu_error error;
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(npu_ring_statuses); i++) {
		const struct npu_ring_status *s = &npu_ring_statuses[i];
		struct npu_job *job = npu_ring_kunit_job(test, 1);
		const struct drm_npu_result *r;

		npu_ring_kunit_push(ring, job);
		error = (struct npu_error) {
			.status = s->status,
			.reason = 11,
			.core = 12,
			.engine = 13,
			.access = 14,
			.space = 15,
			.other_core = 16,
			.other_engine = 17,
			.cmd = cpu_to_le32(0x11223344),
			.other_cmd = cpu_to_le32(0x22334455),
			.tag = cpu_to_le32(0x33445566),
			.other_tag = cpu_to_le32(0x44556677),
			.addr = cpu_to_le64(0x1122334455667788),
			.len = cpu_to_le64(0x2233445566778899),
		};
		if (!s->status)
			npu_ring_kunit_complete(ring, i, NPU_JOB_OK);
		else
			npu_ring_kunit_complete_error(ring, i, &error);
		npu_ring_complete(ring);
		npu_ring_expect_fence(test, job->fence, s->error);

		r = npu_ring_result(t->queue, job->first);
		KUNIT_EXPECT_EQ(test, r->seqno, job->first);
		KUNIT_EXPECT_EQ_MSG(test, r->error, s->error, "status %u", s->status);
		KUNIT_EXPECT_EQ(test, r->status, s->status);
		KUNIT_EXPECT_EQ(test, r->cycles, 1000 + i);
		KUNIT_EXPECT_EQ(test, npu_ring_cancels(t), i);
		if (!s->error) {
			/* The card has not written it. */
			KUNIT_EXPECT_EQ(test, r->addr, 0);
			KUNIT_EXPECT_EQ(test, r->engine, NPU_ENGINE_NONE);
			KUNIT_EXPECT_EQ(test, r->cmd, NPU_ERROR_NO_CMD);
			continue;
		}
		KUNIT_EXPECT_EQ(test, r->reason, 11);
		KUNIT_EXPECT_EQ(test, r->core, 12);
		KUNIT_EXPECT_EQ(test, r->engine, 13);
		KUNIT_EXPECT_EQ(test, r->access, 14);
		KUNIT_EXPECT_EQ(test, r->space, 15);
		KUNIT_EXPECT_EQ(test, r->other_core, 16);
		KUNIT_EXPECT_EQ(test, r->other_engine, 17);
		KUNIT_EXPECT_EQ(test, r->cmd, 0x11223344);
		KUNIT_EXPECT_EQ(test, r->other_cmd, 0x22334455);
		KUNIT_EXPECT_EQ(test, r->tag, 0x33445566);
		KUNIT_EXPECT_EQ(test, r->other_tag, 0x44556677);
		KUNIT_EXPECT_EQ(test, r->addr, 0x1122334455667788);
		KUNIT_EXPECT_EQ(test, r->len, 0x2233445566778899);
		KUNIT_EXPECT_EQ(test, npu_queue_status(t->queue), -ECANCELED);
		/* The next is of a queue that is still good. */
		t->queue->error = 0;
	}
}

/* The first failure of a queue bans it: what follows is cancelled, whatever the card says of it. */
static void npu_ring_test_ban(struct kunit *test)
{
	struct npu_ring_kunit *t = test->priv;
	struct npu_ring *ring = t->ring;
	struct npu_job *first = npu_ring_kunit_job(test, 3), *second = npu_ring_kunit_job(test, 2);
	static const int errors[] = { 0, -ERANGE, -ECANCELED, -ECANCELED, -ECANCELED };
	static const u8 statuses[] = {
		NPU_JOB_OK, NPU_JOB_INDEX, NPU_JOB_OK, NPU_JOB_FAULT, NPU_JOB_CANCELED,
	};
	u32 i;

	npu_ring_kunit_push(ring, first);
	npu_ring_kunit_push(ring, second);
	for (i = 0; i < 5; i++) {
		KUNIT_EXPECT_EQ(test, dma_fence_is_signaled(first->fence), i >= 3);
		npu_ring_kunit_complete(ring, i, statuses[i]);
		npu_ring_complete(ring);
		KUNIT_EXPECT_EQ(test, npu_ring_result(t->queue, i + 1)->error, errors[i]);
		KUNIT_EXPECT_EQ(test, npu_ring_result(t->queue, i + 1)->status, statuses[i]);
	}
	npu_ring_expect_fence(test, first->fence, -ERANGE);
	npu_ring_expect_fence(test, second->fence, -ECANCELED);
	KUNIT_EXPECT_EQ(test, t->queue->error, -ERANGE);
	KUNIT_EXPECT_EQ(test, t->queue->completed, 5);
	KUNIT_EXPECT_EQ(test, t->queue->jobs, 1);
	KUNIT_EXPECT_EQ(test, npu_ring_cancels(t), 1);
	KUNIT_EXPECT_TRUE(test, list_empty(&t->queue->begun));
	/* One job was to blame. */
	KUNIT_EXPECT_EQ(test, npu_kunit_bans, 1);
}

/* An abort that was asked for means what it was asked for. */
static void npu_ring_test_abort(struct kunit *test)
{
	struct npu_ring_kunit *t = test->priv;
	struct npu_job *job = npu_ring_kunit_job(test, 1);

	npu_ring_kunit_push(t->ring, job);
	t->ring->slot[0].error = -ETIMEDOUT;
	npu_ring_kunit_complete(t->ring, 0, NPU_JOB_ABORTED);
	npu_ring_complete(t->ring);
	KUNIT_EXPECT_EQ(test, npu_ring_result(t->queue, 1)->error, -ETIMEDOUT);
	npu_ring_expect_fence(test, job->fence, -ETIMEDOUT);
}

/* ---- Resets ---------------------------------------------------------------------------------- */

struct npu_ring_taken {
	u32 head, tail, reg, taken;
};

/* How far a card had got is believed where it is possible. */
static const struct npu_ring_taken npu_ring_takens[] = {
	{ 10, 20, 10, 10 },
	{ 10, 20, 15, 15 },
	{ 10, 20, 20, 20 },
	{ 10, 20, 21, 20 },
	{ 10, 20, 9, 20 },
	{ 10, 20, 0xffffffff, 20 },
	{ 10, 10, 10, 10 },
	{ 10, 10, 0, 10 },
	{ 0xfffffffc, 4, 0xfffffffc, 0xfffffffc },
	{ 0xfffffffc, 4, 0xffffffff, 0xffffffff },
	{ 0xfffffffc, 4, 0, 0 },
	{ 0xfffffffc, 4, 4, 4 },
	{ 0xfffffffc, 4, 5, 4 },
	{ 0xfffffffc, 4, 0xfffffffb, 4 },
};

static void npu_ring_test_taken(struct kunit *test)
{
	struct npu_ring_kunit *t = test->priv;
	struct npu_ring *ring = t->ring;
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(npu_ring_takens); i++) {
		const struct npu_ring_taken *c = &npu_ring_takens[i];

		ring->head = c->head;
		ring->tail = c->tail;
		ring->halted = false;
		npu_ring_write(ring, NPU_RING_HEAD, c->reg);
		npu_ring_note_taken(ring);
		KUNIT_EXPECT_EQ_MSG(test, ring->taken, c->taken, "%u of %u to %u", c->reg, c->head,
				    c->tail);
		/* Once: a failed reset may have cleared it. */
		npu_ring_write(ring, NPU_RING_HEAD, c->head);
		npu_ring_note_taken(ring);
		KUNIT_EXPECT_EQ(test, ring->taken, c->taken);
	}
}

/* What had begun is lost, what had not runs again, in order, from the beginning of the ring. */
static void npu_ring_test_restart(struct kunit *test)
{
	struct npu_ring_kunit *t = test->priv;
	struct npu_ring *ring = t->ring;
	struct npu_queue *lost = t->queue, *kept;
	struct npu_job *first = npu_ring_kunit_job(test, 2), *second, *third;
	u64 id;
	u32 i;

	npu_ring_kunit_queue(test, t);
	kept = t->queue;
	second = npu_ring_kunit_job(test, 2);
	ring->head = 0xffffffff;
	ring->tail = 0xffffffff;
	npu_ring_kunit_push(ring, first);
	npu_ring_kunit_push(ring, second);
	/* Of a queue that is banned, behind. */
	t->queue = lost;
	third = npu_ring_kunit_job(test, 1);
	npu_ring_kunit_push(ring, third);
	id = ring->slot[(u32)(ring->tail - 1) % 256].id;

	/* The card had begun the first job's two tasks. */
	npu_ring_write(ring, NPU_RING_HEAD, 1);
	npu_ring_note_taken(ring);
	npu_ring_restart(ring, -EIO);

	npu_ring_expect_fence(test, first->fence, -EIO);
	npu_ring_expect_fence(test, third->fence, -ECANCELED);
	KUNIT_EXPECT_EQ(test, npu_ring_result(lost, 1)->error, -EIO);
	KUNIT_EXPECT_EQ(test, npu_ring_result(lost, 2)->error, -ECANCELED);
	KUNIT_EXPECT_EQ(test, npu_ring_result(lost, 3)->error, -ECANCELED);
	KUNIT_EXPECT_FALSE(test, dma_fence_is_signaled(second->fence));
	KUNIT_EXPECT_EQ(test, ring->head, 0);
	KUNIT_EXPECT_EQ(test, ring->tail, 2);
	KUNIT_EXPECT_EQ(test, le32_to_cpu(*ring->tail_mem), 2);
	KUNIT_EXPECT_FALSE(test, ring->halted);
	for (i = 0; i < 2; i++) {
		KUNIT_EXPECT_PTR_EQ(test, ring->slot[i].job, second);
		KUNIT_EXPECT_EQ(test, ring->slot[i].task, i);
		KUNIT_EXPECT_GT(test, ring->slot[i].id, id);
		KUNIT_EXPECT_EQ(test, ring->cpl[i].phase, 0);
		npu_ring_kunit_complete(ring, i, NPU_JOB_OK);
	}
	KUNIT_EXPECT_EQ(test, npu_ring_read(ring, NPU_RING_SIZE_LOG2), 8);
	KUNIT_EXPECT_EQ(test, npu_ring_read(ring, NPU_RING_CTRL), NPU_RING_ENABLE);
	npu_ring_complete(ring);
	npu_ring_expect_fence(test, second->fence, 0);
	npu_results_put(kept->results);
}

/* ---- Priorities ------------------------------------------------------------------------------ */

/* Every ring belongs to one priority; with fewer than four, every priority still has one. */
static void npu_ring_test_priorities(struct kunit *test)
{
	struct npu_ring_kunit *t = test->priv;
	struct npu_rings *rings = kunit_kzalloc(test, sizeof(*rings), GFP_KERNEL);
	unsigned int n, p, k;

	KUNIT_ASSERT_NOT_NULL(test, rings);
	rings->scheds = kunit_kcalloc(test, NPU_MAX_RINGS, sizeof(*rings->scheds), GFP_KERNEL);
	KUNIT_ASSERT_NOT_NULL(test, rings->scheds);
	t->ndev->rings_data = rings;
	for (n = 1; n <= NPU_MAX_RINGS; n++) {
		unsigned int owners[NPU_MAX_RINGS] = {};

		t->ndev->nrings = n;
		for (p = 0; p < NPU_PRIORITIES; p++) {
			unsigned int count, first;

			first = npu_ring_scheds(t->ndev, p, &count) - rings->scheds;
			KUNIT_ASSERT_GE(test, count, 1);
			KUNIT_ASSERT_LE_MSG(test, first + count, n, "%u rings", n);
			for (k = 0; k < count; k++)
				owners[first + k]++;
		}
		for (k = 0; k < n && n >= NPU_PRIORITIES; k++)
			KUNIT_EXPECT_EQ_MSG(test, owners[k], 1, "ring %u of %u", k, n);
	}
	t->ndev->nrings = 1;
}

/* The scheduler hears of a job's end after the world, and it does hear of it. */
static void npu_ring_test_ended(struct kunit *test)
{
	struct npu_ring_kunit *t = test->priv;
	struct npu_job *job = npu_ring_kunit_job(test, 1);
	struct dma_fence *ended = dma_fence_get(job->ended);
	unsigned long flags;

	npu_ring_kunit_push(t->ring, job);
	npu_ring_kunit_complete(t->ring, 0, NPU_JOB_OK);
	local_irq_save(flags);
	npu_ring_complete(t->ring);
	KUNIT_EXPECT_FALSE(test, dma_fence_is_signaled(ended));
	npu_ring_expect_fence(test, job->fence, 0);
	local_irq_restore(flags);
	KUNIT_EXPECT_GT(test, dma_fence_wait_timeout(ended, false, HZ), 0);
	dma_fence_put(ended);
}

static struct kunit_case npu_ring_cases[] = {
	KUNIT_CASE(npu_ring_test_layout),
	KUNIT_CASE(npu_ring_test_descriptors),
	KUNIT_CASE(npu_ring_test_rounds),
	KUNIT_CASE(npu_ring_test_garbage),
	KUNIT_CASE(npu_ring_test_no_record),
	KUNIT_CASE(npu_ring_test_no_record_canceled),
	KUNIT_CASE(npu_ring_test_lost),
	KUNIT_CASE(npu_ring_test_lost_abort),
	KUNIT_CASE(npu_ring_test_statuses),
	KUNIT_CASE(npu_ring_test_ban),
	KUNIT_CASE(npu_ring_test_abort),
	KUNIT_CASE(npu_ring_test_taken),
	KUNIT_CASE(npu_ring_test_restart),
	KUNIT_CASE(npu_ring_test_ended),
	KUNIT_CASE(npu_ring_test_priorities),
	{}
};

static struct kunit_suite npu_ring_suite = {
	.name = "npu_ring",
	.suite_init = npu_ring_kunit_suite_init,
	.suite_exit = npu_ring_kunit_suite_exit,
	.init = npu_ring_kunit_init,
	.exit = npu_ring_kunit_exit,
	.test_cases = npu_ring_cases,
};

kunit_test_suite(npu_ring_suite);
