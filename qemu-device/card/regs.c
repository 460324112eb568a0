// SPDX-License-Identifier: MIT
/*
 * Copyright (c) 2026 the npu authors
 *
 * BAR0: registers and doorbells. Accesses take npu_card.lock, which nobody holds for long, look and
 * set; what takes time is left to the front. A bad access is a guest error: it reads zero, writes
 * nothing, and is logged.
 */
#include "core.h"

#define DOORBELLS_END(card) (NPU_DOORBELL_BASE + (card)->cfg.rings * NPU_DOORBELL_STRIDE)

uint64_t npu_card_regs_size(const struct npu_card *card)
{
	uint64_t size = 1;

	while (size < DOORBELLS_END(card))
		size *= 2;
	return size;
}

static void bad_access(struct npu_card *card, const char *what, uint64_t offset)
{
	npu_card_log(card, NPU_LOG_GUEST_ERROR, "register %#llx: %s", (unsigned long long)offset,
		     what);
}

/* A value that changes by itself: its low half latches the high one. */
static uint32_t read_latched(struct npu_card *card, uint64_t offset, bool high, uint64_t value)
{
	if (high && card->latch_offset == offset - 4)
		return card->latch;
	if (high)
		return value >> 32;
	card->latch_offset = offset;
	card->latch = value >> 32;
	return value;
}

static uint32_t half(uint64_t value, bool high)
{
	return high ? value >> 32 : value;
}

static void set_half(uint64_t *value, bool high, uint32_t v, uint32_t align)
{
	if (high)
		*value = (*value & UINT32_MAX) | (uint64_t)v << 32;
	else
		*value = (*value & ~(uint64_t)UINT32_MAX) | (v & ~(align - 1));
}

static uint64_t all_rings(const struct npu_card *card)
{
	return ~UINT64_C(0) >> (64 - card->cfg.rings);
}

/* ---- Capabilities ---------------------------------------------------------------------------- */

static bool read_capability(const struct npu_card *card, uint64_t offset, uint32_t *value)
{
	const struct npu_card_config *c = &card->cfg;

	switch (offset) {
	case NPU_REG_MAGIC:
		*value = NPU_MAGIC;
		return true;
	case NPU_REG_REVISION:
		*value = NPU_REVISION_MAJOR << 16 | NPU_REVISION_MINOR;
		return true;
	case NPU_REG_ISA:
		*value = NPU_ISA_MAJOR << 16 | NPU_ISA_MINOR;
		return true;
	case NPU_REG_FEATURES:
		*value = (c->check ? NPU_FEATURE_CHECK : 0) | (c->inject ? NPU_FEATURE_INJECT : 0) |
			 (c->timing_real ? NPU_FEATURE_TIMING : 0);
		return true;
	case NPU_REG_CORES:
		*value = c->cores;
		return true;
	case NPU_REG_RINGS:
		*value = c->rings;
		return true;
	case NPU_REG_SPM_SIZE:
		*value = c->spm_size;
		return true;
	case NPU_REG_ACC_SIZE:
		*value = c->acc_size;
		return true;
	case NPU_REG_ARRAY_ROWS:
		*value = c->array_rows;
		return true;
	case NPU_REG_ARRAY_COLS:
		*value = c->array_cols;
		return true;
	case NPU_REG_LMEM_SIZE_LO:
	case NPU_REG_LMEM_SIZE_HI:
		*value = half(c->lmem_size, offset == NPU_REG_LMEM_SIZE_HI);
		return true;
	case NPU_REG_DMA_BITS:
		*value = NPU_DMA_BITS;
		return true;
	case NPU_REG_CLOCK_KHZ:
		*value = c->clock_mhz * 1000;
		return true;
	case NPU_REG_VPU_LANES:
		*value = c->vpu_lanes;
		return true;
	case NPU_REG_WEIGHT_ROWS:
		*value = c->weight_rows;
		return true;
	case NPU_REG_DW_CHANNELS:
		*value = c->dw_channels;
		return true;
	case NPU_REG_DW_TAPS:
		*value = c->dw_taps;
		return true;
	case NPU_REG_FLOAT_DIV:
		*value = c->float_div;
		return true;
	case NPU_REG_LMEM_BW:
		*value = c->lmem_bw;
		return true;
	case NPU_REG_LMEM_LATENCY:
		*value = c->lmem_latency;
		return true;
	case NPU_REG_PCIE_BW:
		*value = c->pcie_bw;
		return true;
	case NPU_REG_PCIE_LATENCY:
		*value = c->pcie_latency;
		return true;
	case NPU_REG_CMD_CYCLES:
		*value = c->cmd_cycles;
		return true;
	case NPU_REG_BARRIER_CYCLES:
		*value = c->barrier_cycles;
		return true;
	case NPU_REG_MAC_FJ:
		*value = c->mac_fj;
		return true;
	case NPU_REG_LMEM_FJ:
		*value = c->lmem_fj;
		return true;
	case NPU_REG_PCIE_FJ:
		*value = c->pcie_fj;
		return true;
	case NPU_REG_VPU_FJ:
		*value = c->vpu_fj;
		return true;
	case NPU_REG_IDLE_MW:
		*value = c->idle_mw;
		return true;
	default:
		return false;
	}
}

/* ---- Control and telemetry ------------------------------------------------------------------- */

static bool in_reset(const struct npu_card *card)
{
	return card->reset_asked || card->inject.reset_held;
}

static bool is_busy(const struct npu_card *card)
{
	for (unsigned int i = 0; i < card->cfg.cores; i++) {
		if (card->core[i]->job)
			return true;
	}
	return false;
}

static uint32_t read_global(struct npu_card *card, uint64_t offset)
{
	uint32_t value;

	if (read_capability(card, offset, &value))
		return value;
	switch (offset) {
	case NPU_REG_CTRL:
		return (card->enabled ? NPU_CTRL_ENABLE : 0) |
		       (in_reset(card) ? NPU_CTRL_RESET : 0);
	case NPU_REG_STATUS:
		return (in_reset(card) ? 0 : NPU_STATUS_READY) |
		       (is_busy(card) ? NPU_STATUS_BUSY : 0);
	case NPU_REG_CTX_BASE_LO:
	case NPU_REG_CTX_BASE_HI:
		return half(atomic_load(&card->mmu.ctx_base), offset == NPU_REG_CTX_BASE_HI);
	case NPU_REG_CTX_COUNT:
		return atomic_load(&card->mmu.ctx_count);
	case NPU_REG_EVENT_STATUS:
		return card->event_status;
	case NPU_REG_EVENT_ENABLE:
		return card->event_enable;
	case NPU_REG_TLB_CTX:
		return card->tlb.ctx;
	case NPU_REG_TLB_START_LO:
	case NPU_REG_TLB_START_HI:
		return half(card->tlb.first, offset == NPU_REG_TLB_START_HI);
	case NPU_REG_TLB_LAST_LO:
	case NPU_REG_TLB_LAST_HI:
		return half(card->tlb.last, offset == NPU_REG_TLB_LAST_HI);
	case NPU_REG_TLB_CMD:
		return card->tlb.cmd;
	case NPU_REG_TLB_DONE:
		return card->tlb.done;
	case NPU_REG_ENERGY_LO:
	case NPU_REG_ENERGY_HI:
		return read_latched(card, offset, offset == NPU_REG_ENERGY_HI,
				    npu_telemetry_energy_uj(card));
	case NPU_REG_UPTIME_LO:
	case NPU_REG_UPTIME_HI:
		return read_latched(card, offset, offset == NPU_REG_UPTIME_HI,
				    npu_telemetry_uptime_ms(card));
	case NPU_REG_TEMP_MC:
	case NPU_REG_POWER_MW:
	case NPU_REG_CUR_CLOCK_KHZ:
	case NPU_REG_THROTTLE:
	case NPU_REG_ECC_CORRECTED:
	case NPU_REG_ECC_UNCORRECTED:
	case NPU_REG_TEMP_CRIT_MC:
		return npu_telemetry_read(card, offset);
	case NPU_REG_PCIE_LINK:
		return card->link;
	case NPU_REG_RESETS:
		return card->resets;
	default:
		bad_access(card, "read of no register", offset);
		return 0;
	}
}

static void write_ctrl(struct npu_card *card, uint32_t value)
{
	if (value & NPU_CTRL_RESET) {
		card->reset_asked = !npu_inject_holds_reset(card);
		npu_card_kick(card, 0);
		return;
	}
	if (card->enabled && !(value & NPU_CTRL_ENABLE)) {
		for (unsigned int r = 0; r < card->cfg.rings; r++)
			npu_ring_disable(&card->ring[r]);
	}
	card->enabled = value & NPU_CTRL_ENABLE;
	npu_card_kick(card, all_rings(card));
}

static void write_tlb(struct npu_card *card, uint64_t offset, uint32_t value)
{
	struct npu_tlb_request *tlb = &card->tlb;

	if (tlb->cmd) {
		bad_access(card, "an invalidation is under way", offset);
		return;
	}
	switch (offset) {
	case NPU_REG_TLB_CTX:
		tlb->ctx = value & 0xffff;
		break;
	case NPU_REG_TLB_START_LO:
	case NPU_REG_TLB_START_HI:
		set_half(&tlb->first, offset == NPU_REG_TLB_START_HI, value, 1);
		break;
	case NPU_REG_TLB_LAST_LO:
	case NPU_REG_TLB_LAST_HI:
		set_half(&tlb->last, offset == NPU_REG_TLB_LAST_HI, value, 1);
		break;
	case NPU_REG_TLB_CMD:
		if (value < NPU_TLB_RANGE || value > NPU_TLB_ALL) {
			bad_access(card, "no such invalidation", offset);
			return;
		}
		tlb->cmd = value;
		npu_card_kick(card, 0);
		break;
	}
}

static void write_global(struct npu_card *card, uint64_t offset, uint32_t value)
{
	uint64_t base;

	switch (offset) {
	case NPU_REG_CTRL:
		write_ctrl(card, value);
		break;
	case NPU_REG_CTX_BASE_LO:
	case NPU_REG_CTX_BASE_HI:
		base = atomic_load(&card->mmu.ctx_base);
		set_half(&base, offset == NPU_REG_CTX_BASE_HI, value, NPU_PAGE_SIZE);
		atomic_store(&card->mmu.ctx_base, base);
		break;
	case NPU_REG_CTX_COUNT:
		if (value > NPU_MAX_CTX)
			bad_access(card, "more contexts than there are ids", offset);
		else
			atomic_store(&card->mmu.ctx_count, value);
		break;
	case NPU_REG_EVENT_STATUS:
		card->event_status &= ~value;
		break;
	case NPU_REG_EVENT_ENABLE:
		card->event_enable = value & NPU_EVENT_ALL;
		/* What has happened already is told now. */
		npu_card_event(card, card->event_status);
		break;
	case NPU_REG_TLB_CTX:
	case NPU_REG_TLB_START_LO:
	case NPU_REG_TLB_START_HI:
	case NPU_REG_TLB_LAST_LO:
	case NPU_REG_TLB_LAST_HI:
	case NPU_REG_TLB_CMD:
		write_tlb(card, offset, value);
		break;
	default:
		bad_access(card, "write to no writable register", offset);
	}
}

/* ---- Cores ----------------------------------------------------------------------------------- */

static uint32_t read_core(struct npu_card *card, uint64_t offset)
{
	struct npu_core *core = card->core[(offset - NPU_CORE_BASE) / NPU_CORE_STRIDE];
	uint64_t reg = (offset - NPU_CORE_BASE) % NPU_CORE_STRIDE;
	uint64_t counter = (reg - NPU_CORE_CTR(0, 0)) / 8;

	switch (reg) {
	case NPU_CORE_CTRL:
		return core->reset ? NPU_CORE_RESET : 0;
	case NPU_CORE_STATUS:
		if (core->job)
			return NPU_CORE_RUNNING | core->job->ring->index << 8;
		return npu_sched_waiting(card) ? NPU_CORE_RESERVED : 0;
	}
	if (reg < NPU_CORE_CTR(0, 0) || counter >= NPU_ENGINES * NPU_CTRS) {
		bad_access(card, "read of no register", offset);
		return 0;
	}
	return read_latched(card, offset, reg & 4,
			    core->counter[counter / NPU_CTRS][counter % NPU_CTRS]);
}

static void write_core(struct npu_card *card, uint64_t offset, uint32_t value)
{
	if ((offset - NPU_CORE_BASE) % NPU_CORE_STRIDE != NPU_CORE_CTRL) {
		bad_access(card, "write to no writable register", offset);
	} else if (value & NPU_CORE_RESET) {
		card->core[(offset - NPU_CORE_BASE) / NPU_CORE_STRIDE]->reset = true;
		npu_card_kick(card, 0);
	}
}

/* ---- Rings ----------------------------------------------------------------------------------- */

static uint32_t read_ring(struct npu_card *card, uint64_t offset)
{
	struct npu_ring *ring = &card->ring[(offset - NPU_RING_BASE) / NPU_RING_STRIDE];
	uint64_t reg = (offset - NPU_RING_BASE) % NPU_RING_STRIDE;
	struct npu_job *job = ring->running;

	switch (reg) {
	case NPU_RING_DESC_LO:
	case NPU_RING_DESC_HI:
		return half(ring->desc, reg == NPU_RING_DESC_HI);
	case NPU_RING_CPL_LO:
	case NPU_RING_CPL_HI:
		return half(ring->cpl, reg == NPU_RING_CPL_HI);
	case NPU_RING_TAIL_LO:
	case NPU_RING_TAIL_HI:
		return half(ring->tail_addr, reg == NPU_RING_TAIL_HI);
	case NPU_RING_SIZE_LOG2:
		return ring->size_log2;
	case NPU_RING_PRIORITY:
		return ring->priority;
	case NPU_RING_IRQ:
		return ring->irq;
	case NPU_RING_SAVE_LO:
	case NPU_RING_SAVE_HI:
	case NPU_RING_SAVE_SIZE:
		return 0;
	case NPU_RING_CTRL:
		return (ring->enabled ? NPU_RING_ENABLE : 0) | (ring->reset ? NPU_RING_RESET : 0);
	case NPU_RING_STATUS:
		return (job ? NPU_RING_RUNNING : 0) | (ring->error ? NPU_RING_ERROR : 0);
	case NPU_RING_HEAD:
		return ring->head;
	case NPU_RING_CPL_COUNT:
		return ring->cpl_count;
	case NPU_RING_JOB_LO:
	case NPU_RING_JOB_HI:
		return read_latched(card, offset, reg == NPU_RING_JOB_HI,
				    job ? job->desc.job_id : 0);
	case NPU_RING_PROGRESS:
		return atomic_load(&ring->progress);
	case NPU_RING_BUSY_LO:
	case NPU_RING_BUSY_HI:
		return read_latched(card, offset, reg == NPU_RING_BUSY_HI,
				    job ? atomic_load(&job->cycles) : 0);
	case NPU_RING_CMD_JOB_LO:
	case NPU_RING_CMD_JOB_HI:
		return half(ring->cmd_job, reg == NPU_RING_CMD_JOB_HI);
	case NPU_RING_CMD:
		return ring->cmd ? NPU_RING_CMD_BUSY : ring->cmd_result;
	default:
		bad_access(card, "read of no register", offset);
		return 0;
	}
}

static void configure_ring(struct npu_card *card, struct npu_ring *ring, uint64_t offset,
			   uint64_t reg, uint32_t value)
{
	if (ring->enabled || ring->running || ring->reset) {
		bad_access(card, "configuration of a ring in use", offset);
		return;
	}
	switch (reg) {
	case NPU_RING_DESC_LO:
	case NPU_RING_DESC_HI:
		set_half(&ring->desc, reg == NPU_RING_DESC_HI, value, 64);
		break;
	case NPU_RING_CPL_LO:
	case NPU_RING_CPL_HI:
		set_half(&ring->cpl, reg == NPU_RING_CPL_HI, value, 64);
		break;
	case NPU_RING_TAIL_LO:
	case NPU_RING_TAIL_HI:
		set_half(&ring->tail_addr, reg == NPU_RING_TAIL_HI, value, 4);
		break;
	case NPU_RING_SIZE_LOG2:
		if (value < NPU_MIN_RING_LOG2 || value > NPU_MAX_RING_LOG2)
			bad_access(card, "no such ring size", offset);
		else
			ring->size_log2 = value;
		break;
	case NPU_RING_PRIORITY:
		if (value >= NPU_PRIORITIES)
			bad_access(card, "no such priority", offset);
		else
			ring->priority = value;
		break;
	case NPU_RING_IRQ:
		ring->irq = value & 0xffff00ff;
		break;
	}
}

static void control_ring(struct npu_card *card, struct npu_ring *ring, uint32_t value)
{
	uint64_t bit = UINT64_C(1) << ring->index;

	if (ring->reset)
		return;
	if (value & NPU_RING_RESET) {
		npu_ring_disable(ring);
		ring->enabled = false;
		ring->reset = true;
	} else if (value & NPU_RING_ENABLE) {
		/* As if the doorbell rang: there may be work already. */
		ring->doorbell |= !ring->enabled;
		ring->enabled = true;
	} else if (ring->enabled) {
		npu_ring_disable(ring);
		ring->enabled = false;
	}
	npu_card_kick(card, bit);
}

static void command_ring(struct npu_card *card, struct npu_ring *ring, uint64_t offset,
			 uint32_t value)
{
	if (ring->cmd || ring->reset) {
		bad_access(card, "the ring is busy with a command", offset);
	} else if (value != NPU_RING_CMD_ABORT && value != NPU_RING_CMD_CANCEL) {
		bad_access(card, "no such command", offset);
	} else {
		ring->cmd = value;
		npu_card_kick(card, UINT64_C(1) << ring->index);
	}
}

static void write_ring(struct npu_card *card, uint64_t offset, uint32_t value)
{
	struct npu_ring *ring = &card->ring[(offset - NPU_RING_BASE) / NPU_RING_STRIDE];
	uint64_t reg = (offset - NPU_RING_BASE) % NPU_RING_STRIDE;

	switch (reg) {
	case NPU_RING_DESC_LO:
	case NPU_RING_DESC_HI:
	case NPU_RING_CPL_LO:
	case NPU_RING_CPL_HI:
	case NPU_RING_TAIL_LO:
	case NPU_RING_TAIL_HI:
	case NPU_RING_SIZE_LOG2:
	case NPU_RING_PRIORITY:
	case NPU_RING_IRQ:
	case NPU_RING_SAVE_LO:
	case NPU_RING_SAVE_HI:
	case NPU_RING_SAVE_SIZE:
		configure_ring(card, ring, offset, reg, value);
		break;
	case NPU_RING_CTRL:
		control_ring(card, ring, value);
		break;
	case NPU_RING_CMD_JOB_LO:
	case NPU_RING_CMD_JOB_HI:
		if (ring->cmd)
			bad_access(card, "the ring is busy with a command", offset);
		else
			set_half(&ring->cmd_job, reg == NPU_RING_CMD_JOB_HI, value, 1);
		break;
	case NPU_RING_CMD:
		command_ring(card, ring, offset, value);
		break;
	default:
		bad_access(card, "write to no writable register", offset);
	}
}

static void ring_doorbell(struct npu_card *card, uint64_t offset)
{
	unsigned int r = (offset - NPU_DOORBELL_BASE) / NPU_DOORBELL_STRIDE;

	if ((offset - NPU_DOORBELL_BASE) % NPU_DOORBELL_STRIDE) {
		bad_access(card, "write to no writable register", offset);
		return;
	}
	card->ring[r].doorbell = true;
	/* Else the core that ends the job looks. */
	if (!card->ring[r].running)
		npu_core_answer(card, r);
}

/* ---- Accesses -------------------------------------------------------------------------------- */

enum block { GLOBAL, CORE, RING, DOORBELL, NOTHING };

static enum block block_of(const struct npu_card *card, uint64_t offset)
{
	if (offset < NPU_CORE_BASE)
		return GLOBAL;
	if (offset < NPU_CORE(card->cfg.cores))
		return CORE;
	if (offset >= NPU_RING_BASE && offset < NPU_RING(card->cfg.rings))
		return RING;
	if (offset >= NPU_DOORBELL_BASE && offset < DOORBELLS_END(card))
		return DOORBELL;
	return NOTHING;
}

uint32_t npu_card_read(struct npu_card *card, uint64_t offset, unsigned int size)
{
	uint32_t value = 0;

	pthread_mutex_lock(&card->lock);
	if (__builtin_expect(card->inject.removed, 0)) {
		value = UINT32_MAX;
	} else if (size != 4 || offset % 4) {
		bad_access(card, "not an aligned access of 32 bits", offset);
	} else {
		switch (block_of(card, offset)) {
		case GLOBAL:
			value = read_global(card, offset);
			break;
		case CORE:
			value = read_core(card, offset);
			break;
		case RING:
			value = read_ring(card, offset);
			break;
		case DOORBELL:
			break;
		case NOTHING:
			bad_access(card, "read of no register", offset);
		}
	}
	pthread_mutex_unlock(&card->lock);
	return value;
}

void npu_card_write(struct npu_card *card, uint64_t offset, uint32_t value, unsigned int size)
{
	pthread_mutex_lock(&card->lock);
	if (__builtin_expect(card->inject.removed, 0)) {
		/* Nobody is there. */
	} else if (size != 4 || offset % 4) {
		bad_access(card, "not an aligned access of 32 bits", offset);
	} else if (in_reset(card)) {
		bad_access(card, "write during a reset", offset);
	} else {
		switch (block_of(card, offset)) {
		case GLOBAL:
			write_global(card, offset, value);
			break;
		case CORE:
			write_core(card, offset, value);
			break;
		case RING:
			write_ring(card, offset, value);
			break;
		case DOORBELL:
			ring_doorbell(card, offset);
			break;
		case NOTHING:
			bad_access(card, "write to no register", offset);
		}
	}
	pthread_mutex_unlock(&card->lock);
}
