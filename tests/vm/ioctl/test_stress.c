// SPDX-License-Identifier: MIT
/*
 * Copyright (c) 2026 the npu authors
 *
 * Processes that do to a card what comes to their mind (jobs good, bad and hanging, queues and files
 * closed in the middle, chains of syncobjs) while the parent kills some of them and resets the card. Each
 * job has to end, and with an error that it may have; afterwards the card works. What else may go wrong
 * the kernel says: this is for its debug options as much as for the assertions here.
 *
 * Wants root and a card with inject=on. NPU_SEED repeats a run as far as the scheduler lets it.
 */
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "npu_test.h"

#define CODE_VA		0x100000ull
#define SIZE		0x4000u
#define HOLE_VA		0x7000000000ull
#define PROCESSES	4
#define ROUNDS		8
#define STEPS		120
#define QUEUES		4

enum kind { EMPTY, COPY, GANG, FAULT, INVALID, HANG, KINDS };

struct proc {
	unsigned int seed;
	int fd;
	struct drm_npu_info info;
	uint32_t vm;
	struct npu_buf code;
	size_t size[KINDS];
	struct npu_q q[QUEUES];
	uint32_t sync[QUEUES];	/* signalled by the queue's last job, if it has had one */
	uint64_t last[QUEUES];
};

static unsigned int roll(struct proc *p, unsigned int n)
{
	return rand_r(&p->seed) % n;
}

static uint64_t code_of(enum kind kind)
{
	return kind == FAULT ? HOLE_VA : CODE_VA + kind * 0x200;
}

static void open_proc(struct proc *p)
{
	p->fd = npu_open();
	p->info = npu_info(p->fd);
	p->vm = npu_vm_create(p->fd);
	p->code = npu_buf_create(p->fd, p->vm, CODE_VA, SIZE, 0);
	p->size[COPY] = npu_put_copy(p->code.map + COPY * 0x200, 64);
	p->size[GANG] = npu_put_barrier(p->code.map + GANG * 0x200);
	p->size[FAULT] = 16;
	p->size[INVALID] = 16;
	p->code.map[INVALID * 0x200] = 0xee;
	p->size[HANG] = npu_put_hang(p->code.map + HANG * 0x200);
}

static void close_queue(struct proc *p, unsigned int i)
{
	if (!p->q[i].results)
		return;
	npu_queue_unmap(&p->q[i]);
	/* Or leave it to the end of the file. */
	if (roll(p, 2))
		npu_ioctl(p->fd, DRM_IOCTL_NPU_QUEUE_DESTROY,
			  &(struct drm_npu_queue_destroy) { .id = p->q[i].id });
	p->last[i] = 0;
}

static void close_proc(struct proc *p)
{
	for (unsigned int i = 0; i < QUEUES; i++)
		close_queue(p, i);
	munmap(p->code.map, SIZE);
	close(p->fd);
}

static void open_queue(struct proc *p, unsigned int i)
{
	struct drm_npu_queue_create create;

	close_queue(p, i);
	/* A file has so many queues; a new file has none. */
	if (npu_try_queue_create(p->fd, p->vm, 0, 0, &create) == -ENOSPC) {
		close_proc(p);
		open_proc(p);
	}
	p->q[i] = npu_queue_create(p->fd, p->vm, roll(p, 4), 20 + roll(p, 200));
	p->sync[i] = npu_syncobj_create(p->fd);
}

static enum kind random_kind(struct proc *p)
{
	unsigned int r = roll(p, 500);

	return r < 250 ? EMPTY : r < 375 ? COPY : r < 488 ? GANG : r < 493 ? FAULT :
	       r < 498 ? INVALID : HANG;
}

static void submit(struct proc *p, unsigned int i)
{
	static const uint64_t regions[2] = { CODE_VA + 0x2000, CODE_VA + 0x3000 };
	unsigned int n = 1 + roll(p, 8), other = roll(p, QUEUES), nsyncs = 1;
	struct drm_npu_stream streams[8][NPU_MAX_CORES];
	struct drm_npu_job jobs[8] = {};
	struct drm_npu_sync syncs[2] = { { .flags = DRM_NPU_SYNC_SIGNAL, .handle = p->sync[i] } };
	int ret;

	for (unsigned int j = 0; j < n; j++) {
		enum kind kind = random_kind(p);
		unsigned int cores = kind == GANG ? p->info.cores : 1;

		for (unsigned int c = 0; c < cores; c++)
			streams[j][c] = (struct drm_npu_stream) {
				.va = code_of(kind),
				.size = p->size[kind],
			};
		jobs[j].region_count = 2;
		jobs[j].regions = (uintptr_t)regions;
		jobs[j].streams = (struct drm_npu_array) {
			.stride = sizeof(streams[0][0]),
			.count = cores,
			.array = (uintptr_t)streams[j],
		};
	}
	if (other != i && p->last[other])
		syncs[nsyncs++] = (struct drm_npu_sync) { .handle = p->sync[other] };
	ret = npu_try_submit(&p->q[i], jobs, n, syncs, nsyncs, &p->last[i]);
	if (ret == -ECANCELED)
		open_queue(p, i);
	else if (ret)
		fail_msg("SUBMIT: %s", strerror(-ret));
}

static void check(struct proc *p, unsigned int i)
{
	struct drm_npu_result r;

	if (!p->last[i])
		return;
	npu_syncobj_wait(p->fd, p->sync[i]);
	r = npu_queue_result(&p->q[i], p->last[i]);
	switch (r.error) {
	case 0:
	case -EFAULT:
	case -EBADMSG:
	case -ETIMEDOUT:
	case -ECANCELED:
		break;
	default:
		fail_msg("job %llu ended with %d", (unsigned long long)r.seqno, r.error);
	}
}

static void run(struct proc *p)
{
	open_proc(p);
	for (unsigned int i = 0; i < QUEUES; i++)
		open_queue(p, i);
	for (unsigned int step = 0; step < STEPS; step++) {
		unsigned int i = roll(p, QUEUES), what = roll(p, 100);

		if (what < 75)
			submit(p, i);
		else if (what < 95)
			check(p, i);
		else
			open_queue(p, i);
	}
	for (unsigned int i = 0; i < QUEUES; i++)
		check(p, i);
	close_proc(p);
}

static pid_t start(unsigned int seed)
{
	pid_t pid = npu_fork();

	if (!pid) {
		struct proc p = { .seed = seed };

		run(&p);
		_exit(0);
	}
	return pid;
}

static void test_stress(void **state)
{
	const char *given = getenv("NPU_SEED");
	unsigned int seed = given ? strtoul(given, NULL, 0) : (unsigned int)time(NULL);
	struct proc own = { .seed = seed };
	struct npu_q q;
	uint32_t sync;
	uint64_t last;

	(void)state;
	printf("stress: NPU_SEED=%u\n", seed);
	fflush(stdout);
	for (int round = 0; round < ROUNDS; round++) {
		pid_t pid[PROCESSES], victim;
		int fd = npu_open(), status;

		for (int i = 0; i < PROCESSES; i++)
			pid[i] = start(rand_r(&own.seed));
		victim = roll(&own, 2) ? pid[roll(&own, PROCESSES)] : 0;
		usleep(roll(&own, 500000));
		if (victim)
			kill(victim, SIGKILL);
		if (roll(&own, 2))
			assert_int_equal(npu_sysfs_write(fd, "reset", "1"), 0);
		for (int i = 0; i < PROCESSES; i++) {
			assert_int_equal(waitpid(pid[i], &status, 0), pid[i]);
			if (pid[i] == victim && WIFSIGNALED(status))
				continue;
			assert_true(WIFEXITED(status));
			assert_int_equal(WEXITSTATUS(status), 0);
		}
		close(fd);
	}

	open_proc(&own);
	q = npu_queue_create(own.fd, own.vm, DRM_NPU_PRIORITY_NORMAL, 0);
	sync = npu_syncobj_create(own.fd);
	last = npu_submit(&q, code_of(EMPTY), 0, NULL, 0, 100, 0, sync);
	npu_syncobj_wait(own.fd, sync);
	assert_int_equal(npu_queue_result(&q, last).error, 0);
	assert_int_equal(npu_sysfs(own.fd, "wedged"), 0);
	npu_queue_unmap(&q);
	close_proc(&own);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_stress),
	};

	return cmocka_run_group_tests_name("stress", tests, NULL, NULL);
}
