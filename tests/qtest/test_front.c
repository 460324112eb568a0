// SPDX-License-Identifier: MIT
/*
 * Copyright (c) 2026 the npu authors
 *
 * The PCI front of the card, as a driver meets it, without a guest: configuration space, BARs, interrupts, jobs
 * through guest memory, resets, bus-master off, misuse, injected faults. Slots 2 and 3 of bus 0 hold the cards,
 * or a port with one on bus 1.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <linux/pci_regs.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "npu/hw/isa.h"
#include "npu/hw/regs.h"
#include "qtest.h"

#define RING_LOG2 3
#define RING_SIZE (1u << RING_LOG2)

/* Where things are put in the guest's memory; a second card's are 1 MiB further. */
#define DESC UINT64_C(0x200000)
#define CPL (DESC + 0x1000)
#define TAIL (DESC + 0x2000)
#define TABLE (DESC + 0x3000)
#define CTX (DESC + 0x4000)
#define PT3 (DESC + 0x5000)
#define PT2 (DESC + 0x6000)
#define PT1 (DESC + 0x7000)
#define PT0 (DESC + 0x8000)
#define CODE (DESC + 0x9000)
#define DATA (DESC + 0xa000)
#define MSI (DESC + 0xb000)
#define PER_CARD UINT64_C(0x100000)

#define VA_CODE UINT64_C(0x100000)	/* page 256 of the first 2 MiB */
#define VA_DATA UINT64_C(0x101000)
#define VA_LMEM UINT64_C(0x102000)

struct card {
	struct qtest *q;
	unsigned int slot;
	uint64_t regs, lmem, msix;
	uint64_t at;			/* added to the addresses above */
	uint32_t tail;
	uint64_t job;
};

static uint32_t config(struct card *c, unsigned int offset, unsigned int size)
{
	return qtest_read(c->q, qtest_pci_config(c->slot, offset), size);
}

static void set_config(struct card *c, unsigned int offset, uint32_t value, unsigned int size)
{
	qtest_write(c->q, qtest_pci_config(c->slot, offset), value, size);
}

static uint32_t reg(struct card *c, uint32_t offset)
{
	return qtest_read(c->q, c->regs + offset, 4);
}

static void set_reg(struct card *c, uint32_t offset, uint32_t value)
{
	qtest_write(c->q, c->regs + offset, value, 4);
}

static void set_reg64(struct card *c, uint32_t offset, uint64_t value)
{
	set_reg(c, offset, value);
	set_reg(c, offset + 4, value >> 32);
}

static unsigned int find_cap(struct card *c, uint8_t id)
{
	unsigned int at = config(c, PCI_CAPABILITY_LIST, 1);

	while (at && config(c, at, 1) != id)
		at = config(c, at + 1, 1);
	return at;
}

/* Gives the BARs addresses and turns memory and bus mastering on. */
static void enable(struct card *c)
{
	unsigned int n = c->slot - 2;

	c->regs = 0xe0000000 + n * 0x1000000;
	c->msix = 0xe0800000 + n * 0x1000000;
	c->lmem = UINT64_C(0x800000000) + n * UINT64_C(0x100000000);
	set_config(c, PCI_BASE_ADDRESS_0, c->regs, 4);
	set_config(c, PCI_BASE_ADDRESS_2, c->lmem, 4);
	set_config(c, PCI_BASE_ADDRESS_3, c->lmem >> 32, 4);
	set_config(c, PCI_BASE_ADDRESS_4, c->msix, 4);
	set_config(c, PCI_COMMAND, PCI_COMMAND_MEMORY | PCI_COMMAND_MASTER, 2);
}

static struct card start(const char *args)
{
	struct card c = { .slot = 2 };

	c.q = qtest_start(args);
	qtest_pci_init(c.q);
	enable(&c);
	return c;
}

static uint64_t pte(uint64_t addr, uint64_t bits)
{
	return addr | bits | NPU_PTE_VALID;
}

/* One ring, one context with a page of code, one of data and the first of local memory. */
static void bring_up(struct card *c)
{
	const uint32_t ring = NPU_RING(0);
	struct npu_ctx_entry ctx = { .root = (PT3 + c->at) | NPU_CTX_VALID };
	static const uint8_t zero[0xb000];

	qtest_memwrite(c->q, DESC + c->at, zero, sizeof(zero));
	qtest_memwrite(c->q, CTX + c->at + sizeof(ctx), &ctx, sizeof(ctx));
	qtest_write(c->q, PT3 + c->at, pte(PT2 + c->at, 0), 8);
	qtest_write(c->q, PT2 + c->at, pte(PT1 + c->at, 0), 8);
	qtest_write(c->q, PT1 + c->at, pte(PT0 + c->at, 0), 8);
	qtest_write(c->q, PT0 + c->at + 256 * 8, pte(CODE + c->at, NPU_PTE_READ), 8);
	qtest_write(c->q, PT0 + c->at + 257 * 8, pte(DATA + c->at, NPU_PTE_READ | NPU_PTE_WRITE), 8);
	qtest_write(c->q, PT0 + c->at + 258 * 8, pte(0, NPU_PTE_READ | NPU_PTE_WRITE | NPU_PTE_LOCAL), 8);
	c->tail = 0;

	set_reg64(c, NPU_REG_CTX_BASE_LO, CTX + c->at);
	set_reg(c, NPU_REG_CTX_COUNT, 2);
	set_reg64(c, ring + NPU_RING_DESC_LO, DESC + c->at);
	set_reg64(c, ring + NPU_RING_CPL_LO, CPL + c->at);
	set_reg64(c, ring + NPU_RING_TAIL_LO, TAIL + c->at);
	set_reg(c, ring + NPU_RING_SIZE_LOG2, RING_LOG2);
	set_reg(c, ring + NPU_RING_CTRL, NPU_RING_ENABLE);
	set_reg(c, NPU_REG_CTRL, NPU_CTRL_ENABLE);
}

/* Submits a stream to the ring; returns its slot. */
static uint32_t submit(struct card *c, uint64_t va, const void *code, size_t size)
{
	uint32_t slot = c->tail % RING_SIZE;
	struct npu_side_table table = { .stream[0] = { .addr = va, .size = size } };
	struct npu_desc desc = {
		.job_id = ++c->job, .table = TABLE + c->at, .ctx = 1, .ncores = 1, .flags = NPU_DESC_IRQ,
	};

	table.region[1] = VA_DATA;
	table.region[2] = VA_LMEM;
	if (code)
		qtest_memwrite(c->q, CODE + c->at, code, size);
	qtest_memwrite(c->q, TABLE + c->at, &table, sizeof(table));
	qtest_memwrite(c->q, DESC + c->at + slot * sizeof(desc), &desc, sizeof(desc));
	qtest_write(c->q, TAIL + c->at, ++c->tail, 4);
	set_reg(c, NPU_DOORBELL(0), 0);
	return slot;
}

static void nap(void)
{
	nanosleep(&(struct timespec){ .tv_nsec = 1000000 }, NULL);
}

#define eventually(cond) \
	do { \
		int left_ = 20000; \
		while (!(cond) && --left_) \
			nap(); \
		assert_true(cond); \
	} while (0)

static struct npu_completion completion(struct card *c, uint32_t slot)
{
	struct npu_completion cpl;
	uint64_t at = CPL + c->at + slot * sizeof(cpl);

	eventually(qtest_read(c->q, at + offsetof(struct npu_completion, phase), 1) & NPU_CPL_PHASE);
	qtest_memread(c->q, at, &cpl, sizeof(cpl));
	assert_int_equal(cpl.job_id, c->job);
	return cpl;
}

/* LOAD a page's first bytes from one region and STORE them to another. */
static size_t copy_stream(void *out, unsigned int from, unsigned int to, uint32_t bytes)
{
	struct {
		struct npu_cmd_load load;
		struct npu_cmd_store store;
	} s = {
		.load = {
			.h = { NPU_OP_LOAD, 0, sizeof(s.load), { 255, 255, 255 }, { 0, 255, 255 }, 0, 1 },
			.type = NPU_U8, .region = from, .size = { bytes, 1, 1, 1 },
		},
		.store = {
			.h = { NPU_OP_STORE, 0, sizeof(s.store), { 0, 255, 255 }, { 255, 255, 255 }, 0, 2 },
			.space = NPU_SPACE_SPM, .region = to, .size = { bytes, 1, 1, 1 },
		},
	};

	memcpy(out, &s, sizeof(s));
	return sizeof(s);
}

static void identity(void **state)
{
	struct card c = start("-device npu,addr=2,lmem=64M,rings=4");
	unsigned int exp, msix, ext = 0x100, i;
	uint32_t size;

	(void)state;
	assert_int_equal(config(&c, PCI_VENDOR_ID, 2), NPU_PCI_VENDOR_ID);
	assert_int_equal(config(&c, PCI_DEVICE_ID, 2), NPU_PCI_DEVICE_ID);
	assert_int_equal(config(&c, PCI_CLASS_DEVICE, 2), NPU_PCI_CLASS);
	assert_int_equal(config(&c, PCI_REVISION_ID, 1), NPU_PCI_REVISION);
	exp = find_cap(&c, PCI_CAP_ID_EXP);
	assert_true(exp);
	assert_true(config(&c, exp + PCI_EXP_DEVCAP, 4) & PCI_EXP_DEVCAP_FLR);
	assert_int_equal(config(&c, exp + PCI_EXP_LNKSTA, 2) & 0x3ff, 0x104);
	assert_true(find_cap(&c, PCI_CAP_ID_PM));
	msix = find_cap(&c, PCI_CAP_ID_MSIX);
	assert_true(msix);
	assert_int_equal((config(&c, msix + PCI_MSIX_FLAGS, 2) & PCI_MSIX_FLAGS_QSIZE) + 1, 5);
	assert_int_equal(config(&c, msix + PCI_MSIX_TABLE, 4), NPU_BAR_MSIX | NPU_MSIX_TABLE_OFFSET);
	assert_int_equal(config(&c, msix + PCI_MSIX_PBA, 4), NPU_BAR_MSIX | NPU_MSIX_PBA_OFFSET);
	for (i = 0; i < 8 && (config(&c, ext, 4) & 0xffff) != PCI_EXT_CAP_ID_ERR; i++)
		ext = config(&c, ext, 4) >> 20;
	assert_int_equal(config(&c, ext, 4) & 0xffff, PCI_EXT_CAP_ID_ERR);

	set_config(&c, PCI_BASE_ADDRESS_2, 0xffffffff, 4);
	size = config(&c, PCI_BASE_ADDRESS_2, 4);
	assert_int_equal(size & 0xf, PCI_BASE_ADDRESS_MEM_TYPE_64 | PCI_BASE_ADDRESS_MEM_PREFETCH);
	assert_int_equal(-(size & ~0xfu), 64 << 20);
	set_config(&c, PCI_BASE_ADDRESS_4, 0xffffffff, 4);
	assert_int_equal(-(config(&c, PCI_BASE_ADDRESS_4, 4) & ~0xfu), NPU_BAR_MSIX_SIZE);
	assert_int_equal(qtest_stop(c.q), 0);
}

static void capabilities(void **state)
{
	struct card c = start("-device npu,addr=2,cores=3,spm=1M,acc=64K,lmem=96M,rings=5,array-rows=32,"
			      "clock-mhz=800,check=off,inject=on");

	(void)state;
	assert_int_equal(reg(&c, NPU_REG_MAGIC), NPU_MAGIC);
	assert_int_equal(reg(&c, NPU_REG_REVISION), NPU_REVISION_MAJOR << 16 | NPU_REVISION_MINOR);
	assert_int_equal(reg(&c, NPU_REG_ISA), NPU_ISA_MAJOR << 16 | NPU_ISA_MINOR);
	assert_int_equal(reg(&c, NPU_REG_FEATURES), NPU_FEATURE_INJECT);
	assert_int_equal(reg(&c, NPU_REG_CORES), 3);
	assert_int_equal(reg(&c, NPU_REG_SPM_SIZE), 1 << 20);
	assert_int_equal(reg(&c, NPU_REG_ACC_SIZE), 64 << 10);
	assert_int_equal(reg(&c, NPU_REG_LMEM_SIZE_LO), 96 << 20);
	assert_int_equal(reg(&c, NPU_REG_RINGS), 5);
	assert_int_equal(reg(&c, NPU_REG_ARRAY_ROWS), 32);
	assert_int_equal(reg(&c, NPU_REG_ARRAY_COLS), 64);
	assert_int_equal(reg(&c, NPU_REG_CLOCK_KHZ), 800000);
	assert_int_equal(reg(&c, NPU_REG_PCIE_LINK), 4 << 8 | 16);
	assert_int_equal(reg(&c, NPU_REG_STATUS) & NPU_STATUS_READY, NPU_STATUS_READY);
	/* Capabilities are read-only. */
	set_reg(&c, NPU_REG_CORES, 7);
	assert_int_equal(reg(&c, NPU_REG_CORES), 3);
	/* Local memory's aperture: to its end, and not beyond. */
	qtest_write(c.q, c.lmem + (96 << 20) - 8, 0x1122334455667788, 8);
	assert_int_equal(qtest_read(c.q, c.lmem + (96 << 20) - 8, 8), 0x1122334455667788);
	qtest_write(c.q, c.lmem + (96 << 20), 1, 8);
	assert_int_equal(qtest_stop(c.q), 0);
}

static void job(void **state)
{
	struct card c = start(*state ? "-device npu,addr=2,lmem=64M -machine kernel-irqchip=off -device intel-iommu" :
				       "-device npu,addr=2,lmem=64M");
	unsigned int msix = find_cap(&c, PCI_CAP_ID_MSIX);
	uint64_t vector = c.msix + NPU_MSIX_TABLE_OFFSET + NPU_VECTOR_RING(0) * PCI_MSIX_ENTRY_SIZE;
	struct npu_completion cpl;
	uint8_t code[256], data[100], back[100];
	size_t size;

	bring_up(&c);
	/* A message that lands in plain memory tells that the interrupt was raised. */
	set_config(&c, msix + PCI_MSIX_FLAGS, PCI_MSIX_FLAGS_ENABLE, 2);
	qtest_write(c.q, vector + PCI_MSIX_ENTRY_LOWER_ADDR, MSI, 4);
	qtest_write(c.q, vector + PCI_MSIX_ENTRY_UPPER_ADDR, 0, 4);
	qtest_write(c.q, vector + PCI_MSIX_ENTRY_DATA, 0xcafe, 4);
	qtest_write(c.q, vector + PCI_MSIX_ENTRY_VECTOR_CTRL, 0, 4);

	cpl = completion(&c, submit(&c, VA_CODE, NULL, 0));
	assert_int_equal(cpl.status, NPU_JOB_OK);
	assert_int_equal(cpl.cycles, 0);
	eventually(qtest_read(c.q, MSI, 4) == 0xcafe);

	/* Host memory to local memory. */
	for (size_t i = 0; i < sizeof(data); i++)
		data[i] = 3 * i + 1;
	qtest_memwrite(c.q, DATA, data, sizeof(data));
	size = copy_stream(code, 1, 2, sizeof(data));
	cpl = completion(&c, submit(&c, VA_CODE, code, size));
	assert_int_equal(cpl.status, NPU_JOB_OK);
	assert_true(cpl.cycles > 0);
	qtest_memread(c.q, c.lmem, back, sizeof(back));
	assert_memory_equal(back, data, sizeof(data));

	/* And back, changed by the CPU through the aperture. */
	qtest_write(c.q, c.lmem + 7, 0xee, 1);
	data[7] = 0xee;
	size = copy_stream(code, 2, 1, sizeof(data));
	cpl = completion(&c, submit(&c, VA_CODE, code, size));
	assert_int_equal(cpl.status, NPU_JOB_OK);
	qtest_memread(c.q, DATA, back, sizeof(back));
	assert_memory_equal(back, data, sizeof(data));

	/* A fault is the job's own, exact, and the ring goes on. */
	cpl = completion(&c, submit(&c, 0x7000, NULL, 64));
	assert_int_equal(cpl.status, NPU_JOB_FAULT);
	assert_int_equal(cpl.reason, NPU_REASON_NOT_PRESENT);
	assert_int_equal(cpl.addr, 0x7000);
	cpl = completion(&c, submit(&c, VA_CODE, NULL, 0));
	assert_int_equal(cpl.status, NPU_JOB_OK);
	assert_int_equal(qtest_stop(c.q), 0);
}

/* Bus addresses where nothing is: a status, not a dead QEMU. */
static void bad_bus(void **state)
{
	struct card c = start(*state ? "-device npu,addr=2,lmem=64M -machine kernel-irqchip=off -device intel-iommu" :
				       "-device npu,addr=2,lmem=64M");
	struct npu_completion cpl;
	uint8_t code[256];
	size_t size = copy_stream(code, 1, 2, 64);

	bring_up(&c);
	/* Beyond memory, and the card's own registers. */
	qtest_write(c.q, PT0 + 257 * 8, pte(UINT64_C(0x4000000000), NPU_PTE_READ | NPU_PTE_WRITE), 8);
	cpl = completion(&c, submit(&c, VA_CODE, code, size));
	assert_int_equal(cpl.status, NPU_JOB_BUS);
	qtest_write(c.q, PT0 + 257 * 8, pte(c.regs, NPU_PTE_READ | NPU_PTE_WRITE), 8);
	set_reg(&c, NPU_REG_TLB_CMD, NPU_TLB_ALL);
	eventually(reg(&c, NPU_REG_TLB_DONE) == 1);
	cpl = completion(&c, submit(&c, VA_CODE, code, size));
	assert_int_equal(cpl.status, NPU_JOB_BUS);
	/* A ring that is nowhere halts. */
	set_reg(&c, NPU_RING(1) + NPU_RING_SIZE_LOG2, RING_LOG2);
	set_reg64(&c, NPU_RING(1) + NPU_RING_TAIL_LO, UINT64_C(0x4000000000));
	set_reg(&c, NPU_RING(1) + NPU_RING_CTRL, NPU_RING_ENABLE);
	set_reg(&c, NPU_DOORBELL(1), 0);
	eventually(reg(&c, NPU_RING(1) + NPU_RING_STATUS) & NPU_RING_ERROR);
	assert_true(reg(&c, NPU_REG_EVENT_STATUS) & NPU_EVENT_RING_ERROR);
	cpl = completion(&c, submit(&c, VA_CODE, NULL, 0));
	assert_int_equal(cpl.status, NPU_JOB_OK);
	assert_int_equal(qtest_stop(c.q), 0);
}

static void flr(void **state)
{
	struct card c = start("-device npu,addr=2,lmem=64M,inject=on");
	unsigned int exp = find_cap(&c, PCI_CAP_ID_EXP);
	const struct npu_cmd hang = { NPU_OP_HANG, 0, sizeof(hang), { 255, 255, 255 }, { 255, 255, 255 }, 0, 0 };
	uint32_t slot, resets = reg(&c, NPU_REG_RESETS);

	(void)state;
	bring_up(&c);
	qtest_write(c.q, c.lmem + 4096, 0x5a5a, 4);
	slot = submit(&c, VA_CODE, &hang, sizeof(hang));
	eventually(reg(&c, NPU_RING(0) + NPU_RING_STATUS) & NPU_RING_RUNNING);
	set_config(&c, exp + PCI_EXP_DEVCTL, PCI_EXP_DEVCTL_BCR_FLR, 2);
	assert_int_equal(config(&c, PCI_COMMAND, 2) & PCI_COMMAND_MASTER, 0);
	enable(&c);
	assert_int_equal(reg(&c, NPU_RING(0) + NPU_RING_STATUS), 0);
	assert_int_equal(reg(&c, NPU_RING(0) + NPU_RING_CTRL), 0);
	assert_int_equal(reg(&c, NPU_REG_CTX_COUNT), 0);
	assert_int_equal(reg(&c, NPU_REG_RESETS), resets + 1);
	/* No completion of the old life; local memory is as it was. */
	assert_int_equal(qtest_read(c.q, CPL + slot * sizeof(struct npu_completion) + 31, 1), 0);
	assert_int_equal(qtest_read(c.q, c.lmem + 4096, 4), 0x5a5a);
	bring_up(&c);
	assert_int_equal(completion(&c, submit(&c, VA_CODE, NULL, 0)).status, NPU_JOB_OK);

	/* The machine's reset takes local memory with it. */
	qtest_outb(c.q, 0xcf9, 0x02);
	qtest_outb(c.q, 0xcf9, 0x06);
	eventually(({ qtest_pci_init(c.q); config(&c, PCI_BASE_ADDRESS_0, 4) == 0; }));
	enable(&c);
	assert_int_equal(qtest_read(c.q, c.lmem + 4096, 4), 0);
	assert_int_equal(qtest_stop(c.q), 0);
}

static void bus_master_off(void **state)
{
	struct card c = start("-device npu,addr=2,lmem=64M,inject=on");
	const struct npu_cmd hang = { NPU_OP_HANG, 0, sizeof(hang), { 255, 255, 255 }, { 255, 255, 255 }, 0, 0 };
	uint32_t slot;

	(void)state;
	bring_up(&c);
	slot = submit(&c, VA_CODE, &hang, sizeof(hang));
	eventually(reg(&c, NPU_RING(0) + NPU_RING_STATUS) & NPU_RING_RUNNING);
	set_config(&c, PCI_COMMAND, PCI_COMMAND_MEMORY, 2);
	set_reg64(&c, NPU_RING(0) + NPU_RING_CMD_JOB_LO, c.job);
	set_reg(&c, NPU_RING(0) + NPU_RING_CMD, NPU_RING_CMD_ABORT);
	eventually(!(reg(&c, NPU_RING(0) + NPU_RING_CMD) & NPU_RING_CMD_BUSY));
	assert_int_equal(qtest_read(c.q, CPL + slot * sizeof(struct npu_completion) + 31, 1), 0);
	assert_int_equal(qtest_stop(c.q), 0);
}

/*
 * A job stores to ROM, for which QEMU's memory core wants the big lock, while whoever has it clears bus mastering, which
 * waits for the job's access. QEMU must not wait for itself.
 */
static void rom_is_no_memory(void **state)
{
	struct card c = start("-device npu,addr=2,lmem=64M");
	/* The large write in between leaves the job time to get there. */
	const struct qtest_write list[] = {
		{ c.regs + NPU_DOORBELL(0), 0, 4 },
		{ 0x2000000, 0, 64 << 20 },
		{ qtest_pci_config(c.slot, PCI_COMMAND), PCI_COMMAND_MEMORY, 2 },
	};
	uint8_t code[256];
	size_t size = copy_stream(code, 1, 2, 64);

	(void)state;
	bring_up(&c);
	qtest_write(c.q, PT0 + 258 * 8, pte(0xffff0000, NPU_PTE_READ | NPU_PTE_WRITE), 8);
	assert_int_equal(completion(&c, submit(&c, VA_CODE, code, size)).status, NPU_JOB_BUS);
	for (int i = 0; i < 5; i++) {
		set_config(&c, PCI_COMMAND, PCI_COMMAND_MEMORY, 2);
		set_reg(&c, NPU_RING(0) + NPU_RING_CTRL, NPU_RING_RESET);
		eventually(!reg(&c, NPU_RING(0) + NPU_RING_CTRL));
		c.tail = 0;
		qtest_write(c.q, TAIL, 0, 4);
		set_config(&c, PCI_COMMAND, PCI_COMMAND_MEMORY | PCI_COMMAND_MASTER, 2);
		set_reg(&c, NPU_RING(0) + NPU_RING_CTRL, NPU_RING_ENABLE);
		/* submit() again without its doorbell. */
		eventually(!reg(&c, NPU_RING(0) + NPU_RING_HEAD));
		qtest_write(c.q, TAIL, 1, 4);
		qtest_write_at_once(c.q, list, 3);
	}
	assert_int_equal(qtest_stop(c.q), 0);
}

static void two_cards(void **state)
{
	struct card a = start("-device npu,addr=2,lmem=64M -device npu,addr=3,lmem=32M,cores=1");
	struct card b = { .q = a.q, .slot = 3, .at = PER_CARD };

	(void)state;
	enable(&b);
	assert_int_equal(reg(&a, NPU_REG_CORES), 2);
	assert_int_equal(reg(&b, NPU_REG_CORES), 1);
	bring_up(&a);
	bring_up(&b);
	assert_int_equal(completion(&b, submit(&b, VA_CODE, NULL, 0)).status, NPU_JOB_OK);
	assert_int_equal(reg(&a, NPU_RING(0) + NPU_RING_HEAD), 0);
	assert_int_equal(completion(&a, submit(&a, VA_CODE, NULL, 0)).status, NPU_JOB_OK);
	set_reg(&b, NPU_REG_CTRL, NPU_CTRL_RESET);
	eventually(!(reg(&b, NPU_REG_CTRL) & NPU_CTRL_RESET));
	assert_int_equal(completion(&a, submit(&a, VA_CODE, NULL, 0)).status, NPU_JOB_OK);
	assert_int_equal(qtest_stop(a.q), 0);
}

/* A hang injected from outside: the job runs until ABORT, and the next is well. */
static void injected_hang(void **state)
{
	struct card c = start("-device npu,id=card,addr=2,lmem=64M,rings=4,inject=on");
	struct npu_completion cpl;
	uint32_t slot;

	(void)state;
	bring_up(&c);
	assert_int_equal(qtest_qom_set(c.q, "card", "cores", "4"), -1);
	assert_int_equal(qtest_qom_set(c.q, "card", "inject-where", "0"), 0);
	assert_int_equal(qtest_qom_set(c.q, "card", "inject-job-hang", "1"), 0);
	slot = submit(&c, VA_CODE, NULL, 0);
	eventually(reg(&c, NPU_RING(0) + NPU_RING_STATUS) & NPU_RING_RUNNING);
	for (int i = 0; i < 20; i++)
		nap();
	assert_true(reg(&c, NPU_RING(0) + NPU_RING_STATUS) & NPU_RING_RUNNING);
	set_reg64(&c, NPU_RING(0) + NPU_RING_CMD_JOB_LO, c.job);
	set_reg(&c, NPU_RING(0) + NPU_RING_CMD, NPU_RING_CMD_ABORT);
	eventually(reg(&c, NPU_RING(0) + NPU_RING_CMD) == NPU_RING_CMD_DONE);
	cpl = completion(&c, slot);
	assert_int_equal(cpl.status, NPU_JOB_ABORTED);
	assert_int_equal(completion(&c, submit(&c, VA_CODE, NULL, 0)).status, NPU_JOB_OK);
	assert_int_equal(qtest_stop(c.q), 0);
}

static void injection_refused(void **state)
{
	struct card c = start("-device npu,id=card,addr=2,lmem=64M,rings=4 "
			      "-device npu,id=other,addr=3,lmem=64M,rings=4,inject=on");
	char err[4096];

	(void)state;
	assert_true(qtest_qom_refuses(c.q, "card", "inject-lost-irq", "1", "inject=on"));
	assert_true(qtest_qom_refuses(c.q, "card", "inject-removal", "1", "inject=on"));
	assert_int_equal(qtest_qom_get(c.q, "card", "inject-removal"), 0);
	assert_true(qtest_qom_refuses(c.q, "other", "inject-where", "5", "out of range"));
	assert_true(qtest_qom_refuses(c.q, "other", "inject-removal", "2", "out of range"));
	assert_true(qtest_qom_refuses(c.q, "other", "inject-lost-irq", "-1", "out of range"));
	assert_true(qtest_qom_refuses(c.q, "other", "inject-lost-irq", "true", "inject-lost-irq"));
	assert_int_equal(qtest_qom_set(c.q, "other", "inject-lost-irq", "3"), 0);
	assert_int_equal(qtest_qom_get(c.q, "other", "inject-lost-irq"), 3);
	assert_int_equal(qtest_stop(c.q), 0);
	assert_true(qtest_refuses("-device npu,inject=on,inject-lost-irq=1", err, sizeof(err)));
	assert_non_null(strstr(err, "not plugged in yet"));
}

/* What a guest sees of some that the card's own tests have looked at; and what ends a hang. */
static void injected_faults(void **state)
{
	struct card c = start("-device npu,id=card,addr=2,lmem=64M,rings=4,inject=on");
	unsigned int exp = find_cap(&c, PCI_CAP_ID_EXP);
	uint16_t devctl = config(&c, exp + PCI_EXP_DEVCTL, 2);
	uint32_t slot;

	(void)state;
	bring_up(&c);
	assert_int_equal(qtest_qom_set(c.q, "card", "inject-job-hang", "1"), 0);
	slot = submit(&c, VA_CODE, NULL, 0);
	eventually(reg(&c, NPU_RING(0) + NPU_RING_STATUS) & NPU_RING_RUNNING);
	assert_int_equal(qtest_qom_set(c.q, "card", "inject-ecc-uncorrected", "4096"), 0);
	assert_int_equal(completion(&c, slot).status, NPU_JOB_ECC);
	assert_int_equal(reg(&c, NPU_REG_ECC_UNCORRECTED), 1);
	assert_int_equal(reg(&c, NPU_REG_EVENT_STATUS), NPU_EVENT_ECC);
	assert_int_equal(qtest_qom_set(c.q, "card", "inject-temperature", "99000"), 0);
	assert_int_equal(reg(&c, NPU_REG_TEMP_MC), 99000);
	assert_int_equal(reg(&c, NPU_REG_THROTTLE), NPU_THROTTLE_THERMAL);

	/* Kind 1 does not survive an FLR, kind 2 does; a power cycle ends all. */
	assert_int_equal(qtest_qom_set(c.q, "card", "inject-card-hang", "1"), 0);
	set_config(&c, exp + PCI_EXP_DEVCTL, devctl | PCI_EXP_DEVCTL_BCR_FLR, 2);
	assert_int_equal(qtest_qom_get(c.q, "card", "inject-card-hang"), 0);
	assert_int_equal(qtest_qom_set(c.q, "card", "inject-card-hang", "2"), 0);
	set_config(&c, exp + PCI_EXP_DEVCTL, devctl | PCI_EXP_DEVCTL_BCR_FLR, 2);
	enable(&c);
	assert_int_equal(qtest_qom_get(c.q, "card", "inject-card-hang"), 2);
	assert_int_equal(reg(&c, NPU_REG_TEMP_MC), 99000);
	set_reg(&c, NPU_REG_CTRL, NPU_CTRL_RESET);
	for (int i = 0; i < 20; i++)
		nap();
	assert_int_equal(reg(&c, NPU_REG_CTRL), NPU_CTRL_RESET);
	/* q35's reset control register. */
	qtest_outb(c.q, 0xcf9, 0x06);
	qtest_pci_init(c.q);
	enable(&c);
	assert_int_equal(qtest_qom_get(c.q, "card", "inject-card-hang"), 0);
	assert_int_equal(reg(&c, NPU_REG_THROTTLE), 0);
	bring_up(&c);
	assert_int_equal(completion(&c, submit(&c, VA_CODE, NULL, 0)).status, NPU_JOB_OK);
	assert_int_equal(qtest_stop(c.q), 0);
}

/* Pulled out while a job runs and mappings are asked for; then a new one is put in. */
static void removal(void **state)
{
	struct card c = start(*state ? "-device npu,id=card,addr=2,lmem=64M,rings=4,inject=on "
				       "-machine kernel-irqchip=off -device intel-iommu" :
				       "-device npu,id=card,addr=2,lmem=64M,rings=4,inject=on");
	uint8_t code[256];
	size_t size = copy_stream(code, 1, 2, 64);

	for (int round = 0; round < 3; round++) {
		bring_up(&c);
		qtest_write(c.q, c.lmem + 4096, 0x1234, 8);
		assert_int_equal(completion(&c, submit(&c, VA_CODE, code, size)).status, NPU_JOB_OK);
		if (round == 1)
			assert_int_equal(qtest_qom_set(c.q, "card", "inject-job-hang", "1"), 0);
		submit(&c, VA_CODE, code, size);
		assert_int_equal(qtest_qom_set(c.q, "card", "inject-removal", "1"), 0);
		for (unsigned int bytes = 1; bytes <= 8; bytes *= 2) {
			uint64_t ones = UINT64_MAX >> (64 - 8 * bytes);

			assert_int_equal(qtest_read(c.q, c.regs, bytes), ones);
			assert_int_equal(qtest_read(c.q, c.regs + NPU_DOORBELL(1), bytes), ones);
			assert_int_equal(qtest_read(c.q, c.lmem + 4096, bytes), ones);
			assert_int_equal(qtest_read(c.q, c.msix, bytes), ones);
			if (bytes < 8)
				assert_int_equal(config(&c, PCI_VENDOR_ID, bytes), ones);
		}
		qtest_write(c.q, c.regs + NPU_REG_CTRL, 1, 4);
		qtest_write(c.q, c.lmem + 4096, 1, 8);
		qtest_write(c.q, c.msix, 1, 4);
		set_config(&c, PCI_COMMAND, 0, 2);
		assert_int_equal(reg(&c, NPU_REG_CTRL), UINT32_MAX);
		assert_true(qtest_qom_refuses(c.q, "card", "inject-lost-irq", "1", "pulled out"));
		assert_int_equal(qtest_qom_set(c.q, "card", "inject-removal", "1"), 0);
		if (round == 2) {
			/* A machine that is reset does not put it in. */
			qtest_outb(c.q, 0xcf9, 0x06);
			qtest_pci_init(c.q);
			assert_int_equal(config(&c, PCI_VENDOR_ID, 2), 0xffff);
		}

		assert_int_equal(qtest_qom_set(c.q, "card", "inject-removal", "0"), 0);
		assert_int_equal(config(&c, PCI_VENDOR_ID, 2), NPU_PCI_VENDOR_ID);
		assert_int_equal(config(&c, PCI_COMMAND, 2), 0);
		assert_int_equal(config(&c, PCI_BASE_ADDRESS_0, 4), 0);
		enable(&c);
		assert_int_equal(reg(&c, NPU_REG_MAGIC), NPU_MAGIC);
		assert_int_equal(reg(&c, NPU_REG_RESETS), 1);
		assert_int_equal(reg(&c, NPU_REG_CTRL), 0);
		assert_int_equal(qtest_read(c.q, c.lmem + 4096, 8), 0);
	}
	bring_up(&c);
	assert_int_equal(completion(&c, submit(&c, VA_CODE, code, size)).status, NPU_JOB_OK);
	assert_int_equal(qtest_qom_set(c.q, "card", "inject-removal", "1"), 0);
	assert_int_equal(qtest_stop(c.q), 0);
}

/* The port of a card's slot tells of it, and no more often than it changes. */
static void slot(void **state)
{
	struct card port = start("-global ICH9-LPC.acpi-pci-hotplug-with-bridge-support=off "
				 "-device pcie-root-port,id=root,addr=2,chassis=1,slot=1 "
				 "-device npu,id=card,bus=root,lmem=64M,rings=4,inject=on");
	struct card c = { .q = port.q, .slot = 32 };	/* bus 1 */
	unsigned int exp = find_cap(&port, PCI_CAP_ID_EXP), msix = find_cap(&port, PCI_CAP_ID_MSIX);
	const uint16_t present = PCI_EXP_SLTSTA_PDS, events = PCI_EXP_SLTSTA_PDC | PCI_EXP_SLTSTA_DLLSC;
	const uint16_t enabled = PCI_EXP_SLTCTL_HPIE | PCI_EXP_SLTCTL_DLLSCE | PCI_EXP_SLTCTL_PWR_IND_ON;
	const uint64_t table = port.regs + config(&port, msix + PCI_MSIX_TABLE, 4);

	(void)state;
	set_config(&port, PCI_PRIMARY_BUS, 0x010100, 4);
	qtest_write(c.q, table + PCI_MSIX_ENTRY_LOWER_ADDR, MSI, 4);
	qtest_write(c.q, table + PCI_MSIX_ENTRY_UPPER_ADDR, 0, 4);
	qtest_write(c.q, table + PCI_MSIX_ENTRY_DATA, 0xcafe, 4);
	qtest_write(c.q, table + PCI_MSIX_ENTRY_VECTOR_CTRL, 0, 4);
	set_config(&port, msix + PCI_MSIX_FLAGS, PCI_MSIX_FLAGS_ENABLE, 2);
	assert_int_equal(config(&c, PCI_VENDOR_ID, 2), NPU_PCI_VENDOR_ID);
	assert_int_equal(config(&port, exp + PCI_EXP_SLTSTA, 2) & (present | events), present);
	assert_true(config(&port, exp + PCI_EXP_LNKSTA, 2) & PCI_EXP_LNKSTA_DLLLA);

	/* Nobody wants to know: it is there to be read. */
	set_config(&port, exp + PCI_EXP_SLTCTL, PCI_EXP_SLTCTL_PWR_IND_ON, 2);
	assert_int_equal(qtest_qom_set(c.q, "card", "inject-removal", "1"), 0);
	assert_int_equal(qtest_read(c.q, MSI, 4), 0);
	assert_int_equal(config(&port, exp + PCI_EXP_SLTSTA, 2) & (present | events), events);
	assert_false(config(&port, exp + PCI_EXP_LNKSTA, 2) & PCI_EXP_LNKSTA_DLLLA);
	assert_int_equal(config(&c, PCI_VENDOR_ID, 2), 0xffff);
	/* The events can be cleared, and the slot loses power: the card stays where it is. */
	set_config(&port, exp + PCI_EXP_SLTSTA, events | PCI_EXP_SLTSTA_CC, 2);
	assert_int_equal(config(&port, exp + PCI_EXP_SLTSTA, 2) & (present | events), 0);
	set_config(&port, exp + PCI_EXP_SLTCTL, PCI_EXP_SLTCTL_PWR_OFF | PCI_EXP_SLTCTL_PWR_IND_OFF, 2);
	set_config(&port, exp + PCI_EXP_SLTSTA, PCI_EXP_SLTSTA_CC, 2);
	assert_int_equal(qtest_read(c.q, MSI, 4), 0);

	/* Put in, with interrupts wanted, while the guest is still at switching off: not to be unplugged by that. */
	set_config(&port, exp + PCI_EXP_SLTCTL, enabled | PCI_EXP_SLTCTL_PWR_OFF, 2);
	assert_int_equal(qtest_qom_set(c.q, "card", "inject-removal", "0"), 0);
	set_config(&port, exp + PCI_EXP_SLTCTL,
		   (enabled & ~PCI_EXP_SLTCTL_PIC) | PCI_EXP_SLTCTL_PWR_OFF | PCI_EXP_SLTCTL_PWR_IND_OFF, 2);
	assert_int_equal(qtest_qom_get(c.q, "card", "inject-removal"), 0);
	eventually(qtest_read(c.q, MSI, 4) == 0xcafe);
	assert_int_equal(config(&port, exp + PCI_EXP_SLTSTA, 2) & (present | events), present | events);
	assert_true(config(&port, exp + PCI_EXP_LNKSTA, 2) & PCI_EXP_LNKSTA_DLLLA);
	assert_int_equal(config(&c, PCI_VENDOR_ID, 2), 0xffff);
	set_config(&port, exp + PCI_EXP_SLTSTA, events, 2);
	set_config(&port, exp + PCI_EXP_SLTCTL, enabled, 2);
	assert_int_equal(config(&c, PCI_VENDOR_ID, 2), NPU_PCI_VENDOR_ID);

	/* And out again. */
	qtest_write(c.q, MSI, 0, 4);
	assert_int_equal(qtest_qom_set(c.q, "card", "inject-removal", "1"), 0);
	eventually(qtest_read(c.q, MSI, 4) == 0xcafe);
	assert_int_equal(config(&port, exp + PCI_EXP_SLTSTA, 2) & (present | events), events);
	assert_int_equal(qtest_stop(c.q), 0);
}

/* Whatever a guest writes wherever: QEMU lives, and a reset gives a working card. */
static void misuse(void **state)
{
	struct card c = start("-device npu,addr=2,lmem=64M,rings=3");
	unsigned int seed = getenv("NPU_TEST_SEED") ? atoi(getenv("NPU_TEST_SEED")) : time(NULL);
	static const unsigned int sizes[] = { 1, 2, 4, 8 };

	(void)state;
	printf("seed %u (NPU_TEST_SEED)\n", seed);
	srandom(seed);
	bring_up(&c);
	for (unsigned int size = 1; size <= 8; size *= 2)
		for (uint32_t at = 0; at < 0x200; at += size)
			qtest_read(c.q, c.regs + at, size);
	for (int i = 0; i < 5000; i++) {
		uint32_t at = random() % 4 ? random() % 0x14000 & ~3u : NPU_RING(random() % 3) + random() % 0x80;
		uint64_t value = random() % 3 ? (uint64_t)random() % 8 : (uint64_t)random() << 32 | random();

		qtest_write(c.q, c.regs + at, value, random() % 8 ? 4 : sizes[random() % 4]);
	}
	set_reg(&c, NPU_REG_CTRL, NPU_CTRL_RESET);
	eventually(!(reg(&c, NPU_REG_CTRL) & NPU_CTRL_RESET));
	bring_up(&c);
	assert_int_equal(completion(&c, submit(&c, VA_CODE, NULL, 0)).status, NPU_JOB_OK);
	assert_int_equal(qtest_stop(c.q), 0);
}

static void refused(void **state)
{
	char err[4096];

	(void)state;
	assert_true(qtest_refuses("-device npu,cores=0", err, sizeof(err)));
	assert_non_null(strstr(err, "cores"));
	assert_true(qtest_refuses("-device npu,spm=12345", err, sizeof(err)));
	assert_non_null(strstr(err, "spm"));
	assert_true(qtest_refuses("-device npu,no-such=1", err, sizeof(err)));
	assert_non_null(strstr(err, "no-such"));
	assert_true(qtest_refuses("-device npu,lmem=100", err, sizeof(err)));
	assert_non_null(strstr(err, "lmem"));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(identity),
		cmocka_unit_test(capabilities),
		cmocka_unit_test_prestate(job, NULL),
		{ "job behind an IOMMU", job, NULL, NULL, "iommu" },
		cmocka_unit_test(bad_bus),
		{ "bad_bus behind an IOMMU", bad_bus, NULL, NULL, "iommu" },
		cmocka_unit_test(flr),
		cmocka_unit_test(bus_master_off),
		cmocka_unit_test(rom_is_no_memory),
		cmocka_unit_test(two_cards),
		cmocka_unit_test(injected_hang),
		cmocka_unit_test(injection_refused),
		cmocka_unit_test(injected_faults),
		cmocka_unit_test_prestate(removal, NULL),
		{ "removal behind an IOMMU", removal, NULL, NULL, "iommu" },
		cmocka_unit_test(slot),
		cmocka_unit_test(misuse),
		cmocka_unit_test(refused),
	};

	return cmocka_run_group_tests_name("qtest: PCI front", tests, NULL, NULL);
}
