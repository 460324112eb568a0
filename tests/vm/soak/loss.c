// SPDX-License-Identifier: MIT
/*
 * Copyright (c) 2026 the npu authors
 *
 * Lost interrupts and dropped completions, @count of them, half of them on a card that has nothing else to do, half
 * while processes compute. Many are outstanding at a time, on all rings. Every fence signals within half a second of
 * its loss, by the kernel's own clock (the fence's time stamp) and without the time that the host kept for itself; and
 * no job ends twice. Wants run.sh's --qmp and a card with inject=on.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "../ioctl/npu_inject.h"
#include "soak.h"

#define QUEUES		16	/* four a priority: one a ring */
#define WORKERS		2
#define MOST_NS		500000000ull
#define CODE_VA		0x100000ull
#define SIZE		0x4000u

static const char *soak_name;
static bool dropped;

struct loser {
	int fd;
	char card[32];
	uint32_t vm;
	struct npu_buf code;
	size_t copy;
	struct npu_q q[QUEUES];
	uint64_t jobs[QUEUES];		/* submitted to it so far */
	struct soak_delays delays;
	uint64_t worst_own_ns;
};

struct loss {
	unsigned int queue;
	uint64_t seqno;
	uint64_t start_ns;
	uint64_t stolen_ns;
	int fence;
};

static void open_queue(struct loser *l, unsigned int i)
{
	l->q[i] = npu_queue_create(l->fd, l->vm, i % 4, 0);
	l->jobs[i] = 0;
}

static void open_loser(struct loser *l)
{
	l->fd = npu_open();
	npu_pci_name(l->fd, l->card, sizeof(l->card));
	l->vm = npu_vm_create(l->fd);
	l->code = npu_buf_create(l->fd, l->vm, CODE_VA, SIZE, 0);
	l->copy = npu_put_copy(l->code.map, 64);
	for (unsigned int i = 0; i < QUEUES; i++)
		open_queue(l, i);
}

/* All that was submitted has ended, each once. */
static void check_queue(struct loser *l, unsigned int i)
{
	struct drm_npu_queue_get_state state = npu_queue_state(&l->q[i]);
	struct drm_npu_perf_queue perf = {};
	struct drm_npu_perf_query query = {
		.type = DRM_NPU_PERF_QUEUE,
		.id = l->q[i].id,
		.size = sizeof(perf),
		.pointer = (uintptr_t)&perf,
	};

	npu_ioctl(l->fd, DRM_IOCTL_NPU_PERF_QUERY, &query);
	assert_int_equal(state.submitted, l->jobs[i]);
	assert_int_equal(state.completed, l->jobs[i]);
	assert_int_equal(perf.jobs + perf.errors, l->jobs[i]);
	/* A lost interrupt is no error. */
	if (!dropped)
		assert_int_equal(perf.errors, 0);
}

static void lose(struct loser *l, struct loss *loss, unsigned int queue)
{
	static const uint64_t regions[2] = { CODE_VA + 0x1000, CODE_VA + 0x2000 };
	uint32_t sync = npu_syncobj_create(l->fd);
	struct drm_syncobj_destroy destroy = { .handle = sync };

	loss->queue = queue;
	loss->stolen_ns = soak_stolen_ns();
	loss->start_ns = soak_now_ns();
	loss->seqno = npu_submit(&l->q[queue], CODE_VA, l->copy, regions, 2, 1, 0, sync);
	loss->fence = npu_syncobj_export_fence(l->fd, sync);
	l->jobs[queue]++;
	npu_ioctl(l->fd, DRM_IOCTL_SYNCOBJ_DESTROY, &destroy);
}

static void find(struct loser *l, struct loss *loss)
{
	struct drm_npu_result result;
	uint64_t when, took, own;
	int status = npu_sync_file_wait(loss->fence, 60000, &when);

	if (!status)
		fail_msg("a LOST fence");
	took = when - loss->start_ns;
	own = soak_delay_own(took, loss->stolen_ns);
	if (own > l->worst_own_ns)
		l->worst_own_ns = own;
	result = npu_queue_result(&l->q[loss->queue], loss->seqno);
	assert_int_equal(status > 0 ? 0 : status, result.error);
	if (!dropped)
		assert_int_equal(result.error, 0);
	else if (result.error && result.error != -EIO && result.error != -ECANCELED)
		fail_msg("a job whose completion was dropped ended with %d", result.error);
	soak_delay_add(&l->delays, took);
	close(loss->fence);
}

/* @n losses at once. */
static void lose_and_find(struct loser *l, unsigned int n)
{
	struct loss loss[2 * QUEUES];
	unsigned int first = soak_roll(QUEUES);

	npu_inject(l->card, dropped ? "dropped-completion" : "lost-irq", n);
	for (unsigned int i = 0; i < n; i++)
		lose(l, &loss[i], (first + i) % QUEUES);
	for (unsigned int i = 0; i < n; i++)
		find(l, &loss[i]);
	for (unsigned int i = 0; i < QUEUES; i++) {
		check_queue(l, i);
		if (!npu_queue_state(&l->q[i]).banned)
			continue;
		npu_queue_unmap(&l->q[i]);
		npu_ioctl(l->fd, DRM_IOCTL_NPU_QUEUE_DESTROY,
			  &(struct drm_npu_queue_destroy) { .id = l->q[i].id });
		open_queue(l, i);
	}
}

static void judge(const char *where, const struct loser *l)
{
	double worst_ms = l->worst_own_ns / 1e6;

	soak_say("%s, %s: %llu fences, median %.1f ms, worst %.1f ms, without the host's pauses %.1f ms",
		 soak_name, where, (unsigned long long)l->delays.count, soak_delay_median_ms(&l->delays),
		 soak_delay_worst_ms(&l->delays), worst_ms);
	/* A short run is part of make check, which asserts no time. */
	if (l->worst_own_ns > MOST_NS && !getenv("NPU_SOAK_SHORT"))
		fail_msg("a fence came after %.1f ms", worst_ms);
}

static void alone(struct loser *l, unsigned int count)
{
	unsigned int done = 0;

	while (done < count) {
		unsigned int n = 1 + soak_roll(dropped ? QUEUES : 2 * QUEUES);
		unsigned long long before = npu_interrupts();

		n = n < count - done ? n : count - done;
		lose_and_find(l, n);
		/* They were lost, all of them. */
		if (!dropped)
			assert_int_equal(npu_interrupts(), before);
		done += n;
		if (soak_due(done, count))
			soak_say("%s, alone: %u of %u, worst %.1f ms", soak_name, done, count,
				 soak_delay_worst_ms(&l->delays));
	}
	judge("alone", l);
}

static void busy(struct loser *l, unsigned int count)
{
	struct soak_worker *worker = soak_share(WORKERS * sizeof(*worker));
	unsigned int done = 0;
	pid_t pid[WORKERS];

	memset(&l->delays, 0, sizeof(l->delays));
	l->worst_own_ns = 0;
	for (int i = 0; i < WORKERS; i++) {
		strcpy(worker[i].card, l->card);
		worker[i].priority = i ? DRM_NPU_PRIORITY_HIGH : DRM_NPU_PRIORITY_NORMAL;
		worker[i].fate = dropped ? SOAK_LOSSES : SOAK_CALM;
		worker[i].seed = soak_roll(1u << 30);
		pid[i] = soak_start(soak_worker_run, &worker[i]);
	}
	for (int i = 0; i < WORKERS; i++)
		soak_await(&worker[i].products, 0, pid[i], "a process at work");
	while (done < count) {
		unsigned int n = 1 + soak_roll(dropped ? QUEUES : 2 * QUEUES);

		n = n < count - done ? n : count - done;
		lose_and_find(l, n);
		done += n;
		for (int i = 0; i < WORKERS; i++)
			if (soak_has_ended(pid[i]))
				soak_reap(pid[i], "a process at work");
		if (soak_due(done, count))
			soak_say("%s, busy: %u of %u, worst %.1f ms", soak_name, done, count,
				 soak_delay_worst_ms(&l->delays));
	}
	for (int i = 0; i < WORKERS; i++)
		worker[i].stop = true;
	for (int i = 0; i < WORKERS; i++) {
		soak_reap(pid[i], "a process at work");
		/* What is lost may be theirs. */
		soak_delay_merge(&l->delays, &worker[i].delays);
		if (worker[i].worst_own_ns > l->worst_own_ns)
			l->worst_own_ns = worker[i].worst_own_ns;
	}
	judge("busy", l);
}

static void run(unsigned int count)
{
	static struct loser l;
	long long jobs, resets;

	soak_watch_host();
	open_loser(&l);
	jobs = npu_sysfs(l.fd, "jobs");
	resets = npu_sysfs(l.fd, "resets");
	alone(&l, count / 2);
	/* Nobody else was there: the card's own count. */
	assert_int_equal(npu_sysfs(l.fd, "jobs") - jobs, count / 2);
	busy(&l, count - count / 2);
	/* Of the card, that is: none was needed. */
	assert_int_equal(npu_sysfs(l.fd, "resets"), resets);
	soak_card_works(l.card);
}

void soak_lost(unsigned int count)
{
	soak_name = "lost";
	run(count);
}

void soak_dropped(unsigned int count)
{
	soak_name = "dropped";
	dropped = true;
	run(count);
}
