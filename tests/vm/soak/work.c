// SPDX-License-Identifier: MIT
/*
 * Copyright (c) 2026 the npu authors
 *
 * Work that checks itself: products of random matrices, some of them in local memory, several under way
 * at a time, each compared with plain C. A fence that does not signal, a result that is missing and a wrong
 * element fail the process.
 */
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include <linux/sync_file.h>

#include "../ioctl/npu_inject.h"
#include "soak.h"

#define HOST_VA		0x100000ull
#define LOCAL_VA	0x40000000ull

/* Of a slot. */
#define CODE		0x0000
#define A		0x1000
#define B		0x2000
#define OUT		0x3000
#define SLOT_SIZE	0x4000

#define FENCE_MS	60000

void soak_work_new_queue(struct soak_work *w)
{
	if (w->q.results) {
		npu_queue_unmap(&w->q);
		npu_ioctl(w->fd, DRM_IOCTL_NPU_QUEUE_DESTROY,
			  &(struct drm_npu_queue_destroy) { .id = w->q.id });
	}
	w->q = npu_queue_create(w->fd, w->vm, w->priority, 0);
}

void soak_work_open(struct soak_work *w, int fd, uint32_t priority, bool may_go)
{
	*w = (struct soak_work) { .fd = fd, .priority = priority };
	w->vm = npu_vm_create(fd);
	w->host = npu_buf_create(fd, w->vm, HOST_VA, SOAK_DEPTH * SLOT_SIZE, 0);
	w->local = npu_buf_create(fd, w->vm, LOCAL_VA, SOAK_DEPTH * SLOT_SIZE, DRM_NPU_BO_LOCAL);
	soak_work_new_queue(w);
	for (unsigned int i = 0; i < SOAK_DEPTH; i++) {
		const struct npu_buf *in = i % 2 ? &w->local : &w->host;
		const struct npu_buf *out = may_go ? &w->host : in;

		w->slot[i] = (struct soak_slot) {
			.in = in->map + i * SLOT_SIZE,
			.in_va = in->va + i * SLOT_SIZE,
			.out = out->map + i * SLOT_SIZE + OUT,
			.out_va = out->va + i * SLOT_SIZE + OUT,
			.sync = npu_syncobj_create(fd),
			.fence = -1,
		};
	}
}

void soak_work_close(struct soak_work *w)
{
	npu_queue_unmap(&w->q);
	munmap(w->host.map, w->host.size);
	munmap(w->local.map, w->local.size);
	close(w->fd);
}

static int try_export_fence(int fd, uint32_t sync)
{
	struct drm_syncobj_handle arg = {
		.handle = sync,
		.flags = DRM_SYNCOBJ_HANDLE_TO_FD_FLAGS_EXPORT_SYNC_FILE,
		.fd = -1,
	};

	return npu_try_ioctl(fd, DRM_IOCTL_SYNCOBJ_HANDLE_TO_FD, &arg) ? -1 : arg.fd;
}

int soak_work_begin(struct soak_work *w, struct soak_slot *s)
{
	const uint64_t regions[3] = { s->in_va + A, s->in_va + B, s->out_va };
	struct drm_npu_stream stream = { .va = s->in_va + CODE };
	struct drm_npu_job job = {
		.region_count = 3,
		.regions = (uintptr_t)regions,
		.streams = { .stride = sizeof(stream), .count = 1, .array = (uintptr_t)&stream },
	};
	struct drm_npu_sync out = { .flags = DRM_NPU_SYNC_SIGNAL, .handle = s->sync };
	int ret;

	s->m = 1 + soak_roll(SOAK_MOST);
	s->n = 1 + soak_roll(SOAK_MOST);
	s->k = 1 + soak_roll(SOAK_MOST);
	for (uint32_t i = 0; i < s->m * s->k; i++)
		s->a[i] = soak_roll(256);
	for (uint32_t i = 0; i < s->k * s->n; i++)
		s->b[i] = soak_roll(256);
	memcpy(s->in + A, s->a, s->m * s->k);
	memcpy(s->in + B, s->b, s->k * s->n);
	memset(s->out, 0xee, s->m * s->n * 4);
	stream.size = npu_put_matmul(s->in + CODE, s->m, s->n, s->k);

	s->stolen_ns = soak_stolen_ns();
	s->start_ns = soak_now_ns();
	ret = npu_try_submit(&w->q, &job, 1, &out, 1, &s->seqno);
	if (ret)
		return ret;
	s->busy = true;
	s->fence = try_export_fence(w->fd, s->sync);
	return 0;
}

static void check(const struct soak_slot *s)
{
	const int32_t *out = (const int32_t *)s->out;

	for (uint32_t i = 0; i < s->m; i++) {
		for (uint32_t j = 0; j < s->n; j++) {
			int32_t want = 0;

			for (uint32_t k = 0; k < s->k; k++)
				want += s->a[i * s->k + k] * s->b[k * s->n + j];
			if (out[i * s->n + j] != want)
				fail_msg("a WRONG product: job %llu has %d at %u,%u, not %d",
					 (unsigned long long)s->seqno, out[i * s->n + j], i, j, want);
		}
	}
}

/* The result, which is written before the fence signals; without a fence to see it is waited for. */
static struct drm_npu_result take_result(struct soak_work *w, struct soak_slot *s)
{
	const struct drm_npu_result *entry = &w->q.results[s->seqno % w->q.count];

	for (int i = 0; s->fence < 0 && i < FENCE_MS; i++) {
		if (__atomic_load_n(&entry->seqno, __ATOMIC_ACQUIRE) == s->seqno)
			break;
		usleep(1000);
	}
	return npu_queue_result(&w->q, s->seqno);
}

int soak_work_end(struct soak_work *w, struct soak_slot *s, uint64_t *delay_ns, uint64_t *own_ns)
{
	struct drm_npu_result result;
	uint64_t when = s->start_ns;
	int status = 0;

	if (s->fence >= 0) {
		status = npu_sync_file_wait(s->fence, FENCE_MS, &when);
		if (!status)
			fail_msg("a LOST fence: job %llu", (unsigned long long)s->seqno);
	}
	result = take_result(w, s);
	if (s->fence >= 0) {
		/* The fence tells the same. */
		assert_int_equal(status > 0 ? 0 : status, result.error);
		close(s->fence);
	}
	s->fence = -1;
	s->busy = false;
	if (!result.error)
		check(s);
	*delay_ns = when - s->start_ns;
	*own_ns = soak_delay_own(*delay_ns, s->stolen_ns);
	return result.error;
}

void soak_work_once(struct soak_work *w)
{
	uint64_t delay, own;

	assert_int_equal(soak_work_begin(w, &w->slot[0]), 0);
	assert_int_equal(soak_work_end(w, &w->slot[0], &delay, &own), 0);
}

void soak_card_works(const char *card)
{
	struct soak_work w;
	int fd = npu_open_card(card);

	assert_true(fd >= 0);
	soak_work_open(&w, fd, DRM_NPU_PRIORITY_NORMAL, false);
	soak_work_once(&w);
	soak_work_close(&w);
}

/* ---- A process ----------------------------------------------------------------------------------- */

static bool is_loss(int error)
{
	return error == -ECANCELED || error == -EIO;
}

static int end(struct soak_work *w, struct soak_worker *me, struct soak_slot *s)
{
	uint64_t delay, own;
	int ret = soak_work_end(w, s, &delay, &own);

	soak_delay_add(&me->delays, delay);
	if (own > me->worst_own_ns)
		me->worst_own_ns = own;
	if (!ret)
		me->products++;
	return ret;
}

/* Ends what is under way, of which nothing has to end well any more. */
static void drain(struct soak_work *w, struct soak_worker *me, int error)
{
	for (unsigned int i = 0; i < SOAK_DEPTH; i++) {
		struct soak_slot *s = &w->slot[i];
		int ret = s->busy ? end(w, me, s) : 0;

		if (ret && ret != error && !(me->fate == SOAK_LOSSES && is_loss(ret)))
			fail_msg("a job ended with %d, not %d", ret, error);
	}
}

static int turn(struct soak_work *w, struct soak_worker *me, struct soak_slot *s)
{
	int ret = s->busy ? end(w, me, s) : 0;

	if (ret)
		return ret;
	return me->stop ? 0 : soak_work_begin(w, s);
}

void soak_worker_run(void *arg)
{
	struct soak_worker *me = arg;
	int fd = npu_open_card(me->card);
	struct soak_work w;

	assert_true(fd >= 0);
	soak_seed(me->seed);
	soak_work_open(&w, fd, me->priority, me->fate == SOAK_GONE);
	for (unsigned int i = 0; !me->stop; i = (i + 1) % SOAK_DEPTH) {
		int ret = turn(&w, me, &w.slot[i]);

		if (!ret)
			continue;
		if (me->fate == SOAK_GONE && ret == -ENODEV) {
			drain(&w, me, -ENODEV);
			break;
		}
		if (me->fate != SOAK_LOSSES || !is_loss(ret))
			fail_msg("a job ended with %d", ret);
		me->losses++;
		drain(&w, me, ret);
		soak_work_new_queue(&w);
	}
	for (unsigned int i = 0; me->stop && i < SOAK_DEPTH; i++) {
		int ret = turn(&w, me, &w.slot[i]);

		if (ret && !(me->fate == SOAK_LOSSES && is_loss(ret)))
			fail_msg("a job ended with %d at last", ret);
	}
	soak_work_close(&w);
}
