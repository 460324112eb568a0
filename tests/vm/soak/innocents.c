// SPDX-License-Identifier: MIT
/*
 * Copyright (c) 2026 the npu authors
 *
 * Innocents: processes compute while another one does all that a job can do wrong, @count times each, on
 * the same rings and cores. Its own jobs end each with the error that is theirs, and nobody else notices but by
 * waiting. Wants a card with check=on and inject=on.
 */
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "../ioctl/npu_inject.h"
#include "soak.h"

#define INNOCENTS	8
#define TIMEOUT_MS	100
/* Of the culprit: apart from where innocents have theirs (work.c), so that these are nothing in its own. */
#define CODE_VA		0x7000000000ull
#define SIZE		0x10000u
#define SECRET_VA	0x101000ull	/* an innocent's first operand */
#define HOLE_VA		0x6000000000ull
#define TARGET		0x8000u		/* what it copies is here */

enum kind { FAULT, RACE, DEADLOCK, HANG, EMPTY, THEFT, KINDS };

static const struct {
	const char *name;
	int error;
} kinds[KINDS] = {
	[FAULT] = { "fault", -EFAULT },
	[RACE] = { "race", -EILSEQ },
	[DEADLOCK] = { "deadlock", -EDEADLK },
	[HANG] = { "hang", -ETIMEDOUT },
	[EMPTY] = { "empty", 0 },
	[THEFT] = { "theft", -EFAULT },
};

struct culprit {
	int fd;
	uint32_t vm;
	uint32_t cores;
	struct npu_buf code;
	size_t size[KINDS];
	struct npu_q q[KINDS];
	uint32_t sync[KINDS];
	int fence[KINDS];
};

static struct soak_worker *innocents;

static void open_culprit(struct culprit *c)
{
	struct npu_cmd_load load;
	struct npu_cmd_store store;
	uint8_t *at;

	c->fd = npu_open();
	c->cores = npu_info(c->fd).cores;
	c->vm = npu_vm_create(c->fd);
	c->code = npu_buf_create(c->fd, c->vm, CODE_VA, SIZE, 0);
	for (int k = 0; k < KINDS; k++)
		c->sync[k] = npu_syncobj_create(c->fd);
	at = c->code.map;
	c->size[FAULT] = npu_put_copy(at + FAULT * 0x1000, 64);
	c->size[THEFT] = npu_put_copy(at + THEFT * 0x1000, 64);
	c->size[HANG] = npu_put_hang(at + HANG * 0x1000);
	/* A copy whose store does not wait for the load; and one that waits for what never comes. */
	npu_put_load(&load, 0, 64, 1);
	npu_put_store(&store, 1, 64, 2);
	store.h.wait[0] = 7;
	memcpy(at + DEADLOCK * 0x1000, &store, sizeof(store));
	c->size[DEADLOCK] = sizeof(store);
	load.h.signal[0] = NPU_SEM_NONE;
	store.h.wait[0] = NPU_SEM_NONE;
	memcpy(at + RACE * 0x1000, &load, sizeof(load));
	memcpy(at + RACE * 0x1000 + sizeof(load), &store, sizeof(store));
	c->size[RACE] = sizeof(load) + sizeof(store);
}

/* Every now and then on all cores at once. */
static uint32_t cores_of(const struct culprit *c, enum kind kind, unsigned int round)
{
	return kind == HANG && round % 8 == 7 ? c->cores : 1;
}

static void commit(struct culprit *c, enum kind kind, unsigned int round)
{
	uint64_t regions[2] = { CODE_VA, CODE_VA + TARGET };
	struct drm_npu_stream streams[NPU_MAX_CORES];
	struct drm_npu_job job = {
		.region_count = 2,
		.regions = (uintptr_t)regions,
		.streams = {
			.stride = sizeof(streams[0]),
			.count = cores_of(c, kind, round),
			.array = (uintptr_t)streams,
		},
	};
	struct drm_npu_sync out = { .flags = DRM_NPU_SYNC_SIGNAL, .handle = c->sync[kind] };

	if (kind == FAULT)
		regions[0] = HOLE_VA;
	if (kind == THEFT)
		regions[0] = SECRET_VA;
	for (uint32_t i = 0; i < job.streams.count; i++)
		streams[i] = (struct drm_npu_stream) {
			.va = CODE_VA + kind * 0x1000,
			.size = c->size[kind],
		};
	c->q[kind] = npu_queue_create(c->fd, c->vm, DRM_NPU_PRIORITY_NORMAL, TIMEOUT_MS);
	assert_int_equal(npu_try_submit(&c->q[kind], &job, 1, &out, 1, NULL), 0);
	c->fence[kind] = npu_syncobj_export_fence(c->fd, c->sync[kind]);
}

static void answer_for(struct culprit *c, enum kind kind)
{
	struct drm_npu_queue_get_state state;
	struct drm_npu_result result;
	uint64_t when;
	int status = npu_sync_file_wait(c->fence[kind], 60000, &when);

	if (!status)
		fail_msg("a LOST fence: the culprit's %s", kinds[kind].name);
	result = npu_queue_result(&c->q[kind], 1);
	if (result.error != kinds[kind].error)
		fail_msg("the culprit's %s ended with %d, not %d", kinds[kind].name, result.error,
			 kinds[kind].error);
	assert_int_equal(status, kinds[kind].error ?: 1);
	state = npu_queue_state(&c->q[kind]);
	assert_int_equal(state.error, kinds[kind].error);
	assert_int_equal(state.banned, !!kinds[kind].error);
	if (kind == THEFT)
		assert_int_equal(result.addr, SECRET_VA);
	close(c->fence[kind]);
	npu_queue_unmap(&c->q[kind]);
	npu_ioctl(c->fd, DRM_IOCTL_NPU_QUEUE_DESTROY,
		  &(struct drm_npu_queue_destroy) { .id = c->q[kind].id });
}

static void assert_nothing_stolen(const struct culprit *c)
{
	for (int i = 0; i < 64; i++)
		assert_int_equal(c->code.map[TARGET + i], 0);
}

static void sum_up(struct soak_delays *d, uint64_t *products)
{
	memset(d, 0, sizeof(*d));
	*products = 0;
	for (int i = 0; i < INNOCENTS; i++) {
		soak_delay_merge(d, &innocents[i].delays);
		*products += innocents[i].products;
	}
}

void soak_innocents(unsigned int count)
{
	static struct soak_delays delays;
	struct culprit c = {};
	long long timeouts, resets;
	pid_t pid[INNOCENTS];
	uint64_t products;

	open_culprit(&c);
	assert_int_equal(npu_info(c.fd).features & (NPU_FEATURE_INJECT | NPU_FEATURE_CHECK),
			 NPU_FEATURE_INJECT | NPU_FEATURE_CHECK);
	timeouts = npu_sysfs(c.fd, "timeouts");
	resets = npu_sysfs(c.fd, "resets");
	innocents = soak_share(INNOCENTS * sizeof(*innocents));
	for (int i = 0; i < INNOCENTS; i++) {
		struct soak_worker *w = &innocents[i];

		npu_pci_name(c.fd, w->card, sizeof(w->card));
		w->priority = DRM_NPU_PRIORITY_NORMAL;
		w->fate = SOAK_CALM;
		w->seed = soak_roll(1u << 30);
		pid[i] = soak_start(soak_worker_run, w);
	}
	for (int i = 0; i < INNOCENTS; i++)
		soak_await(&innocents[i].products, 0, pid[i], "an innocent");
	for (unsigned int round = 0; round < count; round++) {
		for (int kind = 0; kind < KINDS; kind++)
			commit(&c, kind, round);
		for (int kind = 0; kind < KINDS; kind++)
			answer_for(&c, kind);
		assert_nothing_stolen(&c);
		for (int i = 0; i < INNOCENTS; i++)
			if (soak_has_ended(pid[i]))
				soak_reap(pid[i], "an innocent");
		if (soak_due(round + 1, count)) {
			sum_up(&delays, &products);
			soak_say("innocents: %u of %u rounds, %llu products, delay %.1f ms, at worst %.1f ms",
				 round + 1, count, (unsigned long long)products,
				 soak_delay_median_ms(&delays), soak_delay_worst_ms(&delays));
		}
	}
	for (int i = 0; i < INNOCENTS; i++)
		innocents[i].stop = true;
	for (int i = 0; i < INNOCENTS; i++)
		soak_reap(pid[i], "an innocent");
	/* None but those that hung, and ABORT was enough for them. */
	assert_int_equal(npu_sysfs(c.fd, "timeouts") - timeouts, count);
	assert_int_equal(npu_sysfs(c.fd, "resets"), resets);
	sum_up(&delays, &products);
	soak_say("innocents: %llu products right; median delay %.1f ms, worst %.1f ms",
		 (unsigned long long)products, soak_delay_median_ms(&delays),
		 soak_delay_worst_ms(&delays));
}
