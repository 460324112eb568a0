// SPDX-License-Identifier: MIT
/*
 * Copyright (c) 2026 the npu authors
 *
 * The simulated card: making one, its registers and interrupts. backend_sim.h says how the rest is
 * split.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <time.h>

#include "backend_sim.h"

#define VA_START (UINT64_C(1) << 21)
#define VA_END	 (UINT64_C(1) << 47)

/* ---- Registers ------------------------------------------------------------------------------- */

uint32_t sim_read(struct sim_device *dev, uint64_t offset)
{
	return npu_card_read(dev->card, offset, 4);
}

uint64_t sim_read64(struct sim_device *dev, uint64_t offset)
{
	uint64_t low = sim_read(dev, offset); /* latches the high half */

	return low | (uint64_t)sim_read(dev, offset + 4) << 32;
}

void sim_write(struct sim_device *dev, uint64_t offset, uint32_t value)
{
	npu_card_write(dev->card, offset, value, 4);
}

void sim_write64(struct sim_device *dev, uint64_t offset, uint64_t value)
{
	sim_write(dev, offset, value);
	sim_write(dev, offset + 4, value >> 32);
}

static void read_caps(struct sim_device *dev, struct npu_caps *caps)
{
	const struct {
		uint32_t *field;
		uint32_t reg;
	} map[] = {
		{ &caps->isa, NPU_REG_ISA },
		{ &caps->features, NPU_REG_FEATURES },
		{ &caps->cores, NPU_REG_CORES },
		{ &caps->rings, NPU_REG_RINGS },
		{ &caps->spm_size, NPU_REG_SPM_SIZE },
		{ &caps->acc_size, NPU_REG_ACC_SIZE },
		{ &caps->array_rows, NPU_REG_ARRAY_ROWS },
		{ &caps->array_cols, NPU_REG_ARRAY_COLS },
		{ &caps->clock_khz, NPU_REG_CLOCK_KHZ },
		{ &caps->vpu_lanes, NPU_REG_VPU_LANES },
		{ &caps->weight_rows, NPU_REG_WEIGHT_ROWS },
		{ &caps->dw_channels, NPU_REG_DW_CHANNELS },
		{ &caps->dw_taps, NPU_REG_DW_TAPS },
		{ &caps->float_div, NPU_REG_FLOAT_DIV },
		{ &caps->lmem_bw, NPU_REG_LMEM_BW },
		{ &caps->lmem_latency, NPU_REG_LMEM_LATENCY },
		{ &caps->pcie_bw, NPU_REG_PCIE_BW },
		{ &caps->pcie_latency, NPU_REG_PCIE_LATENCY },
		{ &caps->cmd_cycles, NPU_REG_CMD_CYCLES },
		{ &caps->barrier_cycles, NPU_REG_BARRIER_CYCLES },
		{ &caps->mac_fj, NPU_REG_MAC_FJ },
		{ &caps->lmem_fj, NPU_REG_LMEM_FJ },
		{ &caps->pcie_fj, NPU_REG_PCIE_FJ },
		{ &caps->vpu_fj, NPU_REG_VPU_FJ },
		{ &caps->idle_mw, NPU_REG_IDLE_MW },
	};

	for (size_t i = 0; i < sizeof(map) / sizeof(map[0]); i++)
		*map[i].field = sim_read(dev, map[i].reg);
	caps->lmem_size = sim_read64(dev, NPU_REG_LMEM_SIZE_LO);
}

/* ---- Waiting --------------------------------------------------------------------------------- */

int64_t sim_now(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return (int64_t)ts.tv_sec * 1000000000 + ts.tv_nsec;
}

int sim_wait_changed(struct sim_device *dev, int64_t deadline)
{
	struct timespec ts = { .tv_sec = deadline / 1000000000, .tv_nsec = deadline % 1000000000 };

	if (deadline == INT64_MAX) {
		pthread_cond_wait(&dev->changed, &dev->lock);
		return 0;
	}
	return pthread_cond_timedwait(&dev->changed, &dev->lock, &ts) == ETIMEDOUT ? -ETIME : 0;
}

/* ---- What the card asks of its host ---------------------------------------------------------- */

static void *host_map(void *opaque, uint64_t bus, uint64_t *len, bool write)
{
	(void)opaque, (void)len, (void)write;
	return (void *)(uintptr_t)bus;
}

static void host_unmap(void *opaque, void *ptr, uint64_t len, bool write, uint64_t dirty)
{
	(void)opaque, (void)ptr, (void)len, (void)write, (void)dirty;
}

/*
 * Words that lie as they should are moved in one piece, in order with what is before and after:
 * tails and the ends of completions announce what was written before them.
 */
static int host_read(void *opaque, uint64_t bus, void *buf, uint64_t len)
{
	const void *from = (const void *)(uintptr_t)bus;

	(void)opaque;
	if (len == 4 && bus % 4 == 0) {
		uint32_t word = __atomic_load_n((const uint32_t *)from, __ATOMIC_ACQUIRE);

		memcpy(buf, &word, len);
	} else {
		memcpy(buf, from, len);
	}
	return 0;
}

static int host_write(void *opaque, uint64_t bus, const void *buf, uint64_t len)
{
	void *to = (void *)(uintptr_t)bus;

	(void)opaque;
	if (len == 8 && bus % 8 == 0) {
		uint64_t word;

		memcpy(&word, buf, len);
		__atomic_store_n((uint64_t *)to, word, __ATOMIC_RELEASE);
	} else {
		memcpy(to, buf, len);
	}
	return 0;
}

static void host_interrupt(void *opaque, unsigned int vector)
{
	struct sim_device *dev = opaque;

	if (vector != NPU_VECTOR_EVENT) {
		sim_ring_interrupt(dev, dev->ring[vector - NPU_VECTOR_RING(0)]);
		return;
	}
	pthread_mutex_lock(&dev->lock);
	sim_write(dev, NPU_REG_EVENT_STATUS, sim_read(dev, NPU_REG_EVENT_STATUS));
	pthread_cond_broadcast(&dev->changed);
	pthread_mutex_unlock(&dev->lock);
}

/* ---- Life ------------------------------------------------------------------------------------ */

static void *map_lmem(uint64_t size)
{
	/* Local memory that is not used costs nothing; large pages want it aligned. */
	uint64_t slack = NPU_LARGE_PAGE_SIZE;
	uint8_t *p, *aligned;

	p = mmap(NULL, size + slack, PROT_READ | PROT_WRITE,
		 MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
	if (p == MAP_FAILED)
		return NULL;
	aligned = (uint8_t *)(((uintptr_t)p + slack - 1) & ~(uintptr_t)(slack - 1));
	if (aligned > p)
		munmap(p, aligned - p);
	if (p + slack > aligned)
		munmap(aligned + size, p + slack - aligned);
	/* Products go through all of it again and again: small pages would miss the host's TLB. */
	madvise(aligned, size, MADV_HUGEPAGE);
	return aligned;
}

static void sim_close(struct npu_device *base)
{
	struct sim_device *dev = to_sim(base);

	if (dev->watchdog_runs) {
		pthread_mutex_lock(&dev->lock);
		dev->closing = true;
		pthread_cond_signal(&dev->watch);
		pthread_mutex_unlock(&dev->lock);
		pthread_join(dev->watchdog, NULL);
	}
	npu_card_free(dev->card);
	for (unsigned int r = 0; r < NPU_MAX_RINGS; r++)
		sim_ring_free(dev->ring[r]);
	sim_vm_fini(dev);
	if (dev->lmem) {
		munmap(dev->lmem, dev->base.caps.lmem_size);
		npu_va_fini(&dev->lmem_va);
	}
	npu_va_fini(&dev->base.va);
	pthread_cond_destroy(&dev->watch);
	pthread_cond_destroy(&dev->changed);
	pthread_mutex_destroy(&dev->lock);
	pthread_mutex_destroy(&dev->command_lock);
	npu_device_fini(&dev->base);
	free(dev);
}

static int sim_memory(struct npu_device *base, struct npu_memory_info *info)
{
	info->local_size = base->caps.lmem_size;
	info->local_free = npu_va_bytes(&to_sim(base)->lmem_va);
	return 0;
}

static int sim_counters(struct npu_device *base, unsigned int core,
			struct npu_engine_counters out[4])
{
	struct sim_device *dev = to_sim(base);

	pthread_mutex_lock(&dev->lock);
	for (unsigned int e = 0; e < NPU_ENGINES; e++) {
		uint64_t v[NPU_CTRS];

		for (unsigned int n = 0; n < NPU_CTRS; n++)
			v[n] = sim_read64(dev, NPU_CORE(core) + NPU_CORE_CTR(e, n));
		out[e] = (struct npu_engine_counters){
			.busy = v[NPU_CTR_BUSY],
			.stall_sem = v[NPU_CTR_STALL_SEM],
			.stall_port = v[NPU_CTR_STALL_PORT],
			.commands = v[NPU_CTR_CMDS],
			.work = v[NPU_CTR_WORK],
			.lmem_bytes = v[NPU_CTR_LMEM_BYTES],
			.pcie_bytes = v[NPU_CTR_PCIE_BYTES],
			.energy_nj = v[NPU_CTR_ENERGY_NJ],
		};
	}
	pthread_mutex_unlock(&dev->lock);
	return 0;
}

static const struct npu_backend sim_backend = {
	.fence_size = sizeof(struct sim_fence),
	.close = sim_close,
	.memory = sim_memory,
	.counters = sim_counters,
	.buffer_create = sim_buffer_create,
	.buffer_import = sim_buffer_import,
	.buffer_export = sim_buffer_export,
	.buffer_bind = sim_buffer_bind,
	.buffer_unbind = sim_buffer_unbind,
	.buffer_map = sim_buffer_map,
	.buffer_destroy = sim_buffer_destroy,
	.queue_create = sim_queue_create,
	.queue_state = sim_queue_state,
	.queue_stop = sim_queue_stop,
	.queue_destroy = sim_queue_destroy,
	.submit = sim_submit,
	.completed = sim_completed,
	.job_result = sim_job_result,
	.job_wait = sim_job_wait,
	.fence_import = sim_fence_import,
	.fence_wait = sim_fence_wait,
	.fence_wait_any = sim_fence_wait_any,
	.fence_fd = sim_fence_fd,
	.fence_settle = sim_fence_settle,
};

/* Power on, and what a driver's probe does. */
static int start(struct sim_device *dev, const struct npu_card_config *cfg)
{
	static const struct npu_card_host host = {
		.map = host_map,
		.unmap = host_unmap,
		.read = host_read,
		.write = host_write,
		.interrupt = host_interrupt,
		.stable_map = true,
	};
	char err[200];

	dev->base.caps.lmem_size = cfg->lmem_size;
	if (npu_va_init(&dev->lmem_va, 0, cfg->lmem_size))
		return npu_fail(-ENOMEM, "out of memory");
	dev->lmem = map_lmem(cfg->lmem_size);
	if (!dev->lmem) {
		npu_va_fini(&dev->lmem_va);
		return npu_fail(-ENOMEM, "no address space for %llu bytes of local memory",
				(unsigned long long)cfg->lmem_size);
	}
	dev->card = npu_card_new(cfg, &host, dev, dev->lmem, err, sizeof(err));
	if (!dev->card)
		return npu_fail(-ENOMEM, "sim: %s", err);
	read_caps(dev, &dev->base.caps);
	dev->base.max_jobs = SIM_RESULTS;
	dev->ring_count = dev->base.caps.rings;
	if (sim_vm_init(dev))
		return -ENOMEM;
	npu_card_bus_master(dev->card, true);
	sim_write64(dev, NPU_REG_CTX_BASE_LO, (uintptr_t)dev->vm.context);
	sim_write(dev, NPU_REG_CTX_COUNT, SIM_CONTEXT + 1);
	sim_write(dev, NPU_REG_EVENT_ENABLE, NPU_EVENT_RING_CMD | NPU_EVENT_TLB);
	sim_write(dev, NPU_REG_CTRL, NPU_CTRL_ENABLE);
	if (pthread_create(&dev->watchdog, NULL, sim_watchdog, dev))
		return npu_fail(-EAGAIN, "sim: no thread");
	dev->watchdog_runs = true;
	return 0;
}

int npu_sim_open(const char *options, struct npu_device **out)
{
	struct npu_card_config cfg;
	pthread_condattr_t attr;
	struct sim_device *dev;
	char err[200], *name;
	int ret;

	npu_card_config_default(&cfg);
	if (*options && npu_card_config_parse(&cfg, options, err, sizeof(err)))
		return npu_fail(-EINVAL, "sim: %s", err);
	if (npu_card_config_check(&cfg, err, sizeof(err)))
		return npu_fail(-EINVAL, "sim: %s", err);
	dev = calloc(1, sizeof(*dev));
	if (!dev || asprintf(&name, "sim:%s", options) < 0) {
		free(dev);
		return npu_fail(-ENOMEM, "out of memory");
	}
	ret = npu_device_init(&dev->base, &sim_backend, name);
	free(name);
	if (ret) {
		free(dev);
		return ret;
	}
	if (npu_va_init(&dev->base.va, VA_START, VA_END)) {
		npu_device_fini(&dev->base);
		free(dev);
		return npu_fail(-ENOMEM, "out of memory");
	}
	pthread_mutex_init(&dev->command_lock, NULL);
	pthread_mutex_init(&dev->lock, NULL);
	pthread_condattr_init(&attr);
	pthread_condattr_setclock(&attr, CLOCK_MONOTONIC);
	pthread_cond_init(&dev->changed, &attr);
	pthread_cond_init(&dev->watch, &attr);
	pthread_condattr_destroy(&attr);
	ret = start(dev, &cfg);
	if (ret) {
		sim_close(&dev->base);
		return ret;
	}
	*out = &dev->base;
	return 0;
}
