// SPDX-License-Identifier: MIT
/*
 * Copyright (c) 2026 the npu authors
 *
 * Options, and BAR0 as a driver finds it: capabilities, reset values, what may be written when,
 * latches, bad accesses, telemetry; and a storm of accesses without sense that must harm nobody.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <cmocka.h>

#include "host.h"

static void options_are_parsed(void **state)
{
	struct npu_card_config cfg, before;
	char err[200];

	(void)state;
	npu_card_config_default(&cfg);
	assert_int_equal(npu_card_config_check(&cfg, err, sizeof(err)), 0);
	assert_int_equal(npu_card_config_parse(&cfg, "", err, sizeof(err)), 0);
	assert_int_equal(npu_card_config_parse(&cfg, "cores=4,spm=4M,lmem=2G,check=off,inject=on",
					       err, sizeof(err)),
			 0);
	assert_int_equal(cfg.cores, 4);
	assert_int_equal(cfg.spm_size, 4 << 20);
	assert_int_equal(cfg.lmem_size, UINT64_C(2) << 30);
	assert_false(cfg.check);
	assert_true(cfg.inject);
	before = cfg;
	static const struct {
		const char *text, *says;
	} bad[] = {
		{ "cores=0", "cores" },
		{ "cores=33", "1 .. 32" },
		{ "cores=", "not a number" },
		{ "cores=-1", "not a number" },
		{ "cores=2x", "not a number" },
		{ "cores=2K", "not a number" },
		{ "cores", "name=value" },
		{ "kores=2", "kores" },
		{ "check=maybe", "neither on nor off" },
		{ "spm=65537", "multiple" },
		{ "spm=1K", "spm" },
		{ "spm=1T", "K, M or G" },
		{ "lmem=99999999999999999999", "too large" },
		{ "lmem=99999999999999999G", "too large" },
		{ "rings=4,cores=99", "cores" },
		{ "rings=4,,cores=2", "name=value" },
	};
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		assert_int_not_equal(npu_card_config_parse(&cfg, bad[i].text, err, sizeof(err)), 0);
		if (!strstr(err, bad[i].says))
			fail_msg("%s: '%s' does not say '%s'", bad[i].text, err, bad[i].says);
		assert_memory_equal(&cfg, &before, sizeof(cfg));
	}
}

/*
 * Every option shows in exactly the register that the specification names; independent of regs.c's
 * order.
 */
static void capabilities_tell_the_options(void **state)
{
	static const char options[] =
		"cores=3,rings=5,spm=128K,acc=32K,lmem=4M,array-rows=32,array-cols=16,"
		"clock-mhz=700,vpu-lanes=64,weight-rows=4,dw-channels=8,dw-taps=5,float-div=2,lmem-bw=111,"
		"lmem-latency=112,pcie-bw=113,pcie-latency=114,cmd-cycles=9,barrier-cycles=10,"
		"mac-fj=11,lmem-fj=12,pcie-fj=13,vpu-fj=14,idle-mw=15,check=off,inject=on,"
		"timing-real=on";
	struct host *h = host_new(HOST_STABLE, options);
	static const struct {
		uint32_t offset, value;
	} caps[] = {
		{ 0x00, 0x3155504e }, { 0x04, 0x10000 }, { 0x08, 0x10000 }, { 0x0c, 6 },
		{ 0x10, 3 }, { 0x14, 5 }, { 0x18, 128 << 10 }, { 0x1c, 32 << 10 },
		{ 0x20, 32 }, { 0x24, 16 }, { 0x28, 4 << 20 }, { 0x2c, 0 },
		{ 0x30, 52 }, { 0x34, 700000 }, { 0x38, 64 }, { 0x3c, 4 },
		{ 0x40, 8 }, { 0x44, 5 }, { 0x48, 2 }, { 0x4c, 111 },
		{ 0x50, 112 }, { 0x54, 113 }, { 0x58, 114 }, { 0x5c, 9 },
		{ 0x60, 10 }, { 0x64, 11 }, { 0x68, 12 }, { 0x6c, 13 },
		{ 0x70, 14 }, { 0x74, 15 },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(caps) / sizeof(caps[0]); i++) {
		assert_int_equal(host_reg(h, caps[i].offset), caps[i].value);
		host_set(h, caps[i].offset, 0xffffffff);
		assert_int_equal(host_reg(h, caps[i].offset), caps[i].value);
	}
	assert_int_equal(h->guest_errors, sizeof(caps) / sizeof(caps[0]));
	assert_int_equal(npu_card_regs_size(h->card), 0x20000);
	host_free(h);
}

static void reserved_bits_read_zero(void **state)
{
	struct host *h = host_new(HOST_STABLE, "rings=2");
	uint32_t ring = NPU_RING(1);

	(void)state;
	host_set64(h, ring + NPU_RING_DESC_LO, ~UINT64_C(0));
	host_set64(h, ring + NPU_RING_CPL_LO, ~UINT64_C(0));
	host_set64(h, ring + NPU_RING_TAIL_LO, ~UINT64_C(0));
	host_set(h, ring + NPU_RING_IRQ, ~0u);
	host_set(h, ring + NPU_RING_SAVE_LO, ~0u);
	assert_int_equal(host_reg64(h, ring + NPU_RING_DESC_LO), ~UINT64_C(63));
	assert_int_equal(host_reg64(h, ring + NPU_RING_CPL_LO), ~UINT64_C(63));
	assert_int_equal(host_reg64(h, ring + NPU_RING_TAIL_LO), ~UINT64_C(3));
	assert_int_equal(host_reg(h, ring + NPU_RING_IRQ), 0xffff00ff);
	assert_int_equal(host_reg(h, ring + NPU_RING_SAVE_LO), 0);
	host_set64(h, NPU_REG_CTX_BASE_LO, ~UINT64_C(0));
	assert_int_equal(host_reg64(h, NPU_REG_CTX_BASE_LO), ~UINT64_C(4095));
	host_set(h, NPU_REG_EVENT_ENABLE, ~0u);
	assert_int_equal(host_reg(h, NPU_REG_EVENT_ENABLE), NPU_EVENT_ALL);
	assert_int_equal(h->guest_errors, 0);
	host_free(h);
}

static void what_is_wrong_is_ignored(void **state)
{
	struct host *h = host_new(HOST_STABLE, "cores=2,rings=2");
	static const struct {
		uint32_t offset, value;
	} bad[] = {
		{ NPU_RING(0) + NPU_RING_SIZE_LOG2, NPU_MIN_RING_LOG2 - 1 },
		{ NPU_RING(0) + NPU_RING_SIZE_LOG2, NPU_MAX_RING_LOG2 + 1 },
		{ NPU_RING(0) + NPU_RING_PRIORITY, NPU_PRIORITIES },
		{ NPU_RING(0) + NPU_RING_CMD, 3 },
		{ NPU_RING(0) + NPU_RING_HEAD, 1 },
		{ NPU_REG_CTX_COUNT, 65537 },
		{ NPU_REG_TLB_CMD, 4 },
		{ NPU_RING(1) + NPU_RING_DESC_LO, 64 },	/* enabled */
		{ NPU_RING(1) + NPU_RING_PRIORITY, 1 },
		{ NPU_RING(2) + NPU_RING_CTRL, 1 },
		{ NPU_CORE(2) + NPU_CORE_CTRL, 1 },
		{ NPU_CORE(0) + NPU_CORE_STATUS, 1 },
		{ NPU_DOORBELL(2), 1 },
		{ NPU_DOORBELL(1) + 4, 1 },
		{ 0x7000, 1 },
		{ 0xfffffffc, 1 },
	};
	unsigned int n = sizeof(bad) / sizeof(bad[0]);

	(void)state;
	host_ring(h, 1, 4, 2);
	for (unsigned int i = 0; i < n; i++) {
		uint32_t before = host_reg(h, bad[i].offset);

		pthread_mutex_lock(&h->lock);
		h->guest_errors = 0;
		pthread_mutex_unlock(&h->lock);
		host_set(h, bad[i].offset, bad[i].value);
		assert_int_equal(h->guest_errors, 1);
		assert_int_equal(host_reg(h, bad[i].offset), before);
	}
	/* Wrong sizes and alignments. */
	h->guest_errors = 0;
	assert_int_equal(npu_card_read(h->card, NPU_REG_MAGIC, 1), 0);
	assert_int_equal(npu_card_read(h->card, NPU_REG_MAGIC, 8), 0);
	assert_int_equal(npu_card_read(h->card, NPU_REG_MAGIC + 2, 4), 0);
	npu_card_write(h->card, NPU_REG_EVENT_ENABLE, 0, 2);
	npu_card_write(h->card, NPU_REG_EVENT_ENABLE + 1, 0, 4);
	assert_int_equal(host_reg(h, NPU_REG_EVENT_ENABLE), NPU_EVENT_ALL);
	assert_int_equal(h->guest_errors, 5);
	host_free(h);
}

static void events_are_told(void **state)
{
	struct host *h = host_new(HOST_STABLE, "");

	(void)state;
	host_set(h, NPU_REG_EVENT_ENABLE, 0);
	host_invalidate(h, NPU_TLB_ALL, 0, 0, 0);
	assert_int_equal(host_reg(h, NPU_REG_EVENT_STATUS), NPU_EVENT_TLB);
	/* Enabling what has happened already tells it. */
	host_set(h, NPU_REG_EVENT_ENABLE, NPU_EVENT_TLB);
	host_interrupts(h, NPU_VECTOR_EVENT, 1);
	host_set(h, NPU_REG_EVENT_STATUS, NPU_EVENT_CORE);
	assert_int_equal(host_reg(h, NPU_REG_EVENT_STATUS), NPU_EVENT_TLB);
	host_set(h, NPU_REG_EVENT_STATUS, NPU_EVENT_TLB);
	assert_int_equal(host_reg(h, NPU_REG_EVENT_STATUS), 0);
	host_invalidate(h, NPU_TLB_ALL, 0, 0, 0);
	host_interrupts(h, NPU_VECTOR_EVENT, 2);
	host_free(h);
}

static uint64_t counter(struct host *h, unsigned int engine, unsigned int n)
{
	return host_reg64(h, NPU_CORE(0) + NPU_CORE_CTR(engine, n));
}

static void telemetry_is_plausible(void **state)
{
	struct host *h = host_new(HOST_STABLE, "cores=1,idle-mw=5000,check=off");
	struct host_ring *r = host_ring(h, 0, 3, 0);
	struct host_code code;
	uint64_t uptime, energy;
	uint32_t power;

	(void)state;
	npu_card_set_link(h->card, 4, 16);
	assert_int_equal(host_reg(h, NPU_REG_PCIE_LINK), 0x410);
	assert_in_range(host_reg(h, NPU_REG_TEMP_MC), 35000, 45000);
	assert_int_equal(host_reg(h, NPU_REG_POWER_MW), 5000);
	assert_int_equal(host_reg(h, NPU_REG_CUR_CLOCK_KHZ), 1000000);
	assert_int_equal(host_reg(h, NPU_REG_THROTTLE), 0);
	assert_int_equal(host_reg(h, NPU_REG_TEMP_CRIT_MC), 95000);
	assert_int_equal(host_reg(h, NPU_REG_ECC_CORRECTED), 0);
	uptime = host_reg64(h, NPU_REG_UPTIME_LO);
	energy = host_reg64(h, NPU_REG_ENERGY_LO);

	host_ctx(h, 1);
	code = host_code(h, 1, 0x100000);
	host_map(h, 1, 0x200000, host_alloc(h, 4096, 4096), 4096, NPU_PTE_READ);
	for (int i = 0; i < 300; i++) {
		struct npu_cmd_load load = cmd_load(0, 0, 0, 4096, 0);

		host_code_add(h, &code, &load);
	}
	for (int i = 0; i < 50; i++) {
		struct host_job job = {
			.id = 1,
			.ctx = 1,
			.region = { 0x200000 },
			.stream[0] = { 0x100000, code.size },
		};

		host_submit(h, r, &job);
		assert_int_equal(host_completion(h, r).status, NPU_JOB_OK);
	}
	host_until(h, NPU_CORE(0) + NPU_CORE_STATUS, ~0u, 0);
	power = host_reg(h, NPU_REG_POWER_MW);
	assert_true(power > 5000);
	assert_true(host_reg64(h, NPU_REG_UPTIME_LO) >= uptime);
	/* 50 * 300 * 4 KiB over PCIe at 60 pJ a byte. */
	assert_true(host_reg64(h, NPU_REG_ENERGY_LO) - energy >= 50ull * 300 * 4096 * 60 / 1000000);
	assert_int_equal(counter(h, NPU_ENGINE_LOAD, NPU_CTR_CMDS), 15000);
	assert_int_equal(counter(h, NPU_ENGINE_LOAD, NPU_CTR_PCIE_BYTES), 15000ull * 4096);
	assert_int_equal(counter(h, NPU_ENGINE_LOAD, NPU_CTR_LMEM_BYTES), 0);
	assert_int_equal(counter(h, NPU_ENGINE_LOAD, NPU_CTR_ENERGY_NJ),
			 15000ull * 4096 * 60 / 1000);
	assert_int_equal(counter(h, NPU_ENGINE_MXU, NPU_CTR_CMDS), 0);
	npu_card_reset(h->card);
	assert_int_equal(counter(h, NPU_ENGINE_LOAD, NPU_CTR_CMDS), 0);
	assert_true(host_reg64(h, NPU_REG_UPTIME_LO) >= uptime);
	host_free(h);
}

/*
 * A driver out of its mind: any register, any value, any memory. The card must neither crash nor
 * get stuck.
 */
static void a_storm_harms_nobody(void **state)
{
	struct host *h = host_new(HOST_STABLE, "cores=2,rings=3,inject=on");
	const char *fixed = getenv("NPU_TEST_SEED");
	unsigned int seed = fixed ? strtoul(fixed, NULL, 0) : (unsigned int)time(NULL);
	static const uint32_t bases[] = {
		0, NPU_CORE(0), NPU_CORE(1), NPU_RING(0), NPU_RING(1), NPU_RING(2),
		NPU_DOORBELL(0), NPU_DOORBELL(1), NPU_DOORBELL(2),
	};

	(void)state;
	print_message("seed %u\n", seed);
	srand(seed);
	for (uint64_t i = HOST_BUS; i < HOST_BUS + (1 << 16); i += 8)
		*(uint64_t *)host_ptr(h, i) = (HOST_BUS + (rand() & 0xfff8)) | (rand() & 0x8f);
	for (int i = 0; i < 40000; i++) {
		uint32_t offset = bases[rand() % 9] + (rand() % 0x140 & ~3);
		uint32_t value = rand() % 8;

		if (rand() % 3 == 0)
			value = HOST_BUS + (rand() & 0xffc0);
		if (offset >= NPU_DOORBELL_BASE)
			offset &= ~0xfffu;
		if (offset == NPU_REG_CTRL && rand() % 50)
			value = NPU_CTRL_ENABLE;
		host_set(h, offset, value);
		host_reg(h, offset);
		if (i % 5000 == 0) {
			npu_card_pause(h->card);
			npu_card_resume(h->card);
		}
		if (i % 7000 == 0)
			npu_card_bus_master(h->card, rand() % 2);
	}
	npu_card_reset(h->card);
	npu_card_bus_master(h->card, true);
	host_set(h, NPU_REG_CTRL, NPU_CTRL_ENABLE);
	{
		struct host_ring *r = host_ring(h, 0, 3, 0);
		struct host_job job = { .id = 1 };

		host_submit(h, r, &job);
		assert_int_equal(host_completion(h, r).status, NPU_JOB_OK);
	}
	host_free(h);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(options_are_parsed),
		cmocka_unit_test(capabilities_tell_the_options),
		cmocka_unit_test(reserved_bits_read_zero),
		cmocka_unit_test(what_is_wrong_is_ignored),
		cmocka_unit_test(events_are_told),
		cmocka_unit_test(telemetry_is_plausible),
		cmocka_unit_test(a_storm_harms_nobody),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
