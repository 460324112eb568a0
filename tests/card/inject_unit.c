// SPDX-License-Identifier: MIT
/*
 * Copyright (c) 2026 the npu authors
 *
 * What tests of injected faults share (inject_unit.h).
 */
#include <time.h>

#include "inject_unit.h"

struct host *inject_host(void **state, const char *options)
{
	return host_new((enum host_memory)(uintptr_t)*state, options);
}

void inject(struct host *h, enum npu_injection what, int64_t value)
{
	assert_int_equal(npu_card_inject(h->card, what, value), 0);
}

void inject_submit(struct host *h, struct host_ring *r, uint64_t id, uint32_t flags)
{
	struct host_job job = { .id = id, .flags = flags };

	host_submit(h, r, &job);
}

struct npu_completion inject_expect(struct host *h, struct host_ring *r, uint64_t id,
				    enum npu_status status, enum npu_reason reason)
{
	struct npu_completion cpl = host_completion(h, r);

	assert_int_equal(cpl.job_id, id);
	assert_int_equal(cpl.status, status);
	assert_int_equal(cpl.reason, reason);
	return cpl;
}

void inject_works(struct host *h, struct host_ring *r, uint64_t id)
{
	inject_submit(h, r, id, 0);
	inject_expect(h, r, id, NPU_JOB_OK, 0);
}

void inject_until_runs(struct host *h, unsigned int ring, uint64_t id)
{
	host_until(h, NPU_RING(ring) + NPU_RING_JOB_LO, ~0u, id);
}

void inject_until_left(struct host *h, enum npu_injection what, int64_t left)
{
	for (int i = 0; i < 60000 && npu_card_injected(h->card, what) != left; i++)
		inject_nap(1);
	assert_int_equal(npu_card_injected(h->card, what), left);
}

void inject_nap(unsigned int ms)
{
	nanosleep(&(struct timespec){ .tv_nsec = ms * 1000000 }, NULL);
}

void inject_bring_up(struct host *h)
{
	host_set64(h, NPU_REG_CTX_BASE_LO, h->ctx_table);
	host_set(h, NPU_REG_CTX_COUNT, HOST_CTX_COUNT);
	host_set(h, NPU_REG_EVENT_ENABLE, NPU_EVENT_ALL);
	host_set(h, NPU_REG_CTRL, NPU_CTRL_ENABLE);
}

struct npu_stream_ref inject_copies(struct host *h, uint64_t va, unsigned int n, uint8_t from,
				    uint8_t to)
{
	struct host_code code = host_code(h, 1, va);

	for (unsigned int i = 0; i < n; i++) {
		struct npu_cmd_load load = cmd_load(from, 0, 0, 64, 1);
		struct npu_cmd_store store = cmd_store(to, 0, 0, 64, 2);

		load.h.signal[0] = 0;
		store.h.wait[0] = 0;
		store.h.signal[0] = 1;
		if (i)
			load.h.wait[0] = 1;
		host_code_add(h, &code, &load);
		if (i == n - 1)
			store.h.signal[0] = NPU_SEM_NONE;
		host_code_add(h, &code, &store);
	}
	return (struct npu_stream_ref){ va, code.size };
}

void inject_load(struct host *h, struct host_ring *r[2], unsigned int jobs, unsigned int copies)
{
	uint64_t data = host_alloc(h, 8192, 4096);
	struct npu_stream_ref code;

	host_ctx(h, 1);
	code = inject_copies(h, INJECT_CODE_VA, copies, 0, 1);
	host_map(h, 1, INJECT_DATA_VA, data, 8192, INJECT_RW);
	for (uint64_t id = 1; id <= jobs; id++) {
		for (unsigned int i = 0; i < 2; i++) {
			struct host_job job = {
				.id = id,
				.ctx = 1,
				.stream[0] = code,
				.region = { INJECT_DATA_VA, INJECT_DATA_VA + 4096 + 64 * i },
			};

			host_push(h, r[i], &job);
		}
	}
	host_ding(h, r[0]);
	host_ding(h, r[1]);
}
