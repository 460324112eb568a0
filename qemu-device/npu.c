// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Copyright (c) 2026 the npu authors
 *
 * The npu card in QEMU: the PCI front of the card model in card/.
 *
 *	-device npu[,cores=N][,spm=SIZE][,acc=SIZE][,lmem=SIZE][,rings=N][,clock-mhz=N]
 *		   [,array-rows=N][,array-cols=N][,vpu-lanes=N][,weight-rows=N]
 *		   [,dw-channels=N][,dw-taps=N][,float-div=N]
 *		   [,lmem-bw=N][,lmem-latency=N][,pcie-bw=N][,pcie-latency=N]
 *		   [,cmd-cycles=N][,barrier-cycles=N]
 *		   [,mac-fj=N][,lmem-fj=N][,pcie-fj=N][,vpu-fj=N][,idle-mw=N]
 *		   [,check=on|off][,inject=on|off][,timing-real=on|off]
 *
 * `-device npu,help' tells each with its default: properties are made from the card's own table,
 * npu_card_options, so the simulator in libnpu takes the same names. In short:
 *
 *	cores, rings		cores; hardware rings
 *	spm, acc, lmem		scratchpad and accumulators of a core, local memory of the card, in bytes
 *	array-*, vpu-lanes, weight-rows, dw-*, float-div	rates of the engines
 *	clock-mhz, *-bw, *-latency, *-cycles, *-fj, idle-mw	modelled time and energy
 *	check			end jobs that would race on silicon with status "hazard"
 *	inject			for tests: let a stream hang its job on purpose (HANG), and faults be injected
 *	timing-real		completions wait for the modelled time
 *
 * While it runs, faults are injected by qom-set over QMP (npu_inject.c):
 *
 *	inject-where, inject-seed			for those that follow
 *	inject-job-hang, inject-card-hang
 *	inject-ecc-corrected, inject-ecc-uncorrected, inject-temperature
 *	inject-lost-irq, inject-dropped-completion, inject-corrupt-completion
 *	inject-bad-pte
 *	inject-removal
 *
 * As many cards as there are slots may be plugged; nothing is shared between them. docs/hardware.md
 * is the specification of what the guest sees.
 *
 * Threads and locks: realize, reset, register accesses, bottom halves hold QEMU's big lock (BQL). The
 * card's threads call npu_host_*() and never take it, as whoever holds it may be waiting for them.
 *
 * - Without an IOMMU they map guest RAM themselves, and nothing but RAM: for the rest (MMIO, ROM that is
 *   written) the memory core would take the BQL. Transactions carry MemTxAttrs.memory.
 * - Behind an IOMMU a translation may raise a fault interrupt, which needs the BQL. There each mapping is
 *   a request that a bottom half serves. While the card drains (under the BQL, so the bottom half
 *   cannot run) requests are refused: their jobs are being thrown away.
 * - When the VM stops the card is paused, under the BQL as well; there requests are served by who waits
 *   (npu_vmstate.c).
 * - Interrupts are bits that are turned into msix_notify() under the BQL (npu_irq.c).
 *
 * `lock' guards the queue of requests, `draining', `pausing' and `writer'. With it held only a processor's queue
 * of work is touched.
 */
#include "qemu/osdep.h"
#include "qemu/bitops.h"
#include "qemu/atomic.h"
#include "qemu/error-report.h"
#include "qemu/log.h"
#include "qemu/module.h"
#include "qemu/notify.h"
#include "qemu/rcu.h"
#include "qemu/units.h"
#include "qapi/error.h"
#include "qapi/visitor.h"
#include "exec/cpu-common.h"
#include "hw/pci/msix.h"
#include "hw/pci/pci.h"
#include "hw/pci/pcie.h"
#include "hw/pci/pcie_aer.h"
#include "migration/vmstate.h"
#if __has_include("system/dma.h")
#include "system/dma.h"
#else
#include "sysemu/dma.h"
#endif
#if __has_include("system/address-spaces.h")
#include "system/address-spaces.h"
#elif __has_include("exec/address-spaces.h")
#include "exec/address-spaces.h"
#endif

#include "npu.h"
#include "trace.h"

#define NPU_PM_CAP_OFFSET	0x60
#define NPU_EXP_CAP_OFFSET	0x80
#define NPU_AER_CAP_OFFSET	0x100
#define NPU_LINK_GENERATION	4
#define NPU_LINK_WIDTH		16

/* 10.1 made class data and interface lists const. */
#if QEMU_VERSION_MAJOR > 10 || (QEMU_VERSION_MAJOR == 10 && QEMU_VERSION_MINOR >= 1)
typedef const void NpuClassData;
#define NPU_IFACE_CONST const
#else
typedef void NpuClassData;
#define NPU_IFACE_CONST
#endif

enum npu_request_type { NPU_REQUEST_MAP, NPU_REQUEST_READ, NPU_REQUEST_WRITE };

/* What a card's thread asks the main loop for; on that thread's stack until `done'. */
struct npu_request {
	enum npu_request_type type;
	uint64_t bus;
	uint64_t len;
	void *ptr;
	bool write;
	bool done;
	int ret;
	QSIMPLEQ_ENTRY(npu_request) next;
};

/* ---- The card's threads ------------------------------------------------------------------------ */

/*
 * They are not QEMU's, so they register with RCU when they first touch guest memory. Whoever holds the BQL is one of
 * QEMU's own threads, in a reset, say, where the card lets go of its mappings.
 */
static __thread Notifier npu_thread_exit;

static void npu_thread_unregister(Notifier *notifier, void *data)
{
	rcu_unregister_thread();
}

static void npu_thread_register(void)
{
	if (!npu_thread_exit.notify && !bql_locked()) {
		rcu_register_thread();
		npu_thread_exit.notify = npu_thread_unregister;
		qemu_thread_atexit_add(&npu_thread_exit);
	}
}

static const MemTxAttrs npu_attrs = { .memory = 1 };

/*
 * Memory at @bus, kept until npu_host_unmap(), and *@len bytes of it. Not dma_memory_map(), which takes the BQL
 * where it meets ROM or another device's registers.
 */
static void *npu_map_direct(NpuState *s, uint64_t bus, uint64_t *len, bool write)
{
	AddressSpace *as = pci_get_address_space(&s->parent);
	hwaddr offset, got = *len;
	MemoryRegion *mr;

	RCU_READ_LOCK_GUARD();
	mr = address_space_translate(as, bus, &offset, &got, write, npu_attrs);
	if (!got || !memory_region_is_ram(mr) || memory_region_is_ram_device(mr) ||
	    (write && memory_region_is_rom(mr)))
		return NULL;
	memory_region_ref(mr);
	*len = got;
	return (char *)memory_region_get_ram_ptr(mr) + offset;
}

static int npu_copy_direct(NpuState *s, uint64_t bus, char *buf, uint64_t len, bool write)
{
	AddressSpace *as = pci_get_address_space(&s->parent);

	/* As dma_memory_rw() does: accesses are ordered. */
	smp_mb();
	while (len) {
		uint64_t part = len;
		void *ptr = npu_map_direct(s, bus, &part, write);

		if (!ptr)
			return -EIO;
		if (write)
			memcpy(ptr, buf, part);
		else
			memcpy(buf, ptr, part);
		address_space_unmap(as, ptr, part, write, write ? part : 0);
		bus += part;
		buf += part;
		len -= part;
	}
	return 0;
}

/* Behind an IOMMU; BQL held. */
static void *npu_map(NpuState *s, uint64_t bus, uint64_t *len, bool write)
{
	DMADirection dir = write ? DMA_DIRECTION_FROM_DEVICE : DMA_DIRECTION_TO_DEVICE;
	AddressSpace *as = pci_get_address_space(&s->parent);
	dma_addr_t got = *len;
	void *ptr = dma_memory_map(as, bus, &got, dir, npu_attrs);
	ram_addr_t offset;

	if (!ptr)
		return NULL;
	RCU_READ_LOCK_GUARD();
	if (!got || !memory_region_from_host(ptr, &offset)) {
		/* A bounce buffer: whatever is there, it is not memory. */
		dma_memory_unmap(as, ptr, got, dir, 0);
		return NULL;
	}
	*len = got;
	return ptr;
}

static int npu_copy(NpuState *s, uint64_t bus, void *buf, uint64_t len, bool write)
{
	DMADirection dir = write ? DMA_DIRECTION_FROM_DEVICE : DMA_DIRECTION_TO_DEVICE;

	return dma_memory_rw(pci_get_address_space(&s->parent), bus, buf, len, dir, npu_attrs) ==
			       MEMTX_OK ? 0 : -EIO;
}

static void npu_serve(NpuState *s, struct npu_request *r)
{
	bool write = r->type == NPU_REQUEST_WRITE;

	switch (r->type) {
	case NPU_REQUEST_MAP:
		r->ptr = s->direct ? npu_map_direct(s, r->bus, &r->len, r->write) :
				     npu_map(s, r->bus, &r->len, r->write);
		break;
	case NPU_REQUEST_READ:
	case NPU_REQUEST_WRITE:
		r->ret = s->direct ? npu_copy_direct(s, r->bus, r->ptr, r->len, write) :
				     npu_copy(s, r->bus, r->ptr, r->len, write);
		break;
	}
}

static void npu_refuse(struct npu_request *r)
{
	if (r->type == NPU_REQUEST_MAP)
		r->ptr = NULL;
	r->ret = -EIO;
	r->done = true;
}

void npu_serve_requests(NpuState *s)
{
	struct npu_request *r;

	qemu_mutex_lock(&s->lock);
	while ((r = QSIMPLEQ_FIRST(&s->requests))) {
		QSIMPLEQ_REMOVE_HEAD(&s->requests, next);
		qemu_mutex_unlock(&s->lock);
		npu_serve(s, r);
		qemu_mutex_lock(&s->lock);
		r->done = true;
		qemu_cond_broadcast(&s->served);
	}
	qemu_mutex_unlock(&s->lock);
}

/* Main loop, BQL held. */
static void npu_request_bh(void *opaque)
{
	npu_serve_requests(opaque);
}

static void npu_ask(NpuState *s, struct npu_request *r)
{
	npu_thread_register();
	if (s->direct || bql_locked()) {
		npu_serve(s, r);
		return;
	}
	qemu_mutex_lock(&s->lock);
	if (s->draining) {
		npu_refuse(r);
	} else {
		QSIMPLEQ_INSERT_TAIL(&s->requests, r, next);
		if (s->pausing) {
			/* Who waits for this thread serves it. */
			qemu_mutex_unlock(&s->lock);
			npu_card_pause_wake(s->card);
			qemu_mutex_lock(&s->lock);
		} else {
			qemu_bh_schedule(s->request_bh);
		}
		while (!r->done)
			qemu_cond_wait(&s->served, &s->lock);
	}
	qemu_mutex_unlock(&s->lock);
}

static void *npu_host_map(void *opaque, uint64_t bus, uint64_t *len, bool write)
{
	struct npu_request r = { .type = NPU_REQUEST_MAP, .bus = bus, .len = *len, .write = write };

	npu_ask(opaque, &r);
	*len = r.len;
	return r.ptr;
}

/* Needs no BQL, behind an IOMMU neither: the pointer leads back to the RAM block. */
static void npu_host_unmap(void *opaque, void *ptr, uint64_t len, bool write, uint64_t dirty)
{
	NpuState *s = opaque;

	npu_thread_register();
	dma_memory_unmap(pci_get_address_space(&s->parent), ptr, len,
			 write ? DMA_DIRECTION_FROM_DEVICE : DMA_DIRECTION_TO_DEVICE, dirty);
}

static int npu_host_read(void *opaque, uint64_t bus, void *buf, uint64_t len)
{
	struct npu_request r = { .type = NPU_REQUEST_READ, .bus = bus, .ptr = buf, .len = len };

	npu_ask(opaque, &r);
	return r.ret;
}

static int npu_host_write(void *opaque, uint64_t bus, const void *buf, uint64_t len)
{
	struct npu_request r = {
		.type = NPU_REQUEST_WRITE, .bus = bus, .ptr = (void *)buf, .len = len,
	};

	npu_ask(opaque, &r);
	return r.ret;
}

static void npu_host_interrupt(void *opaque, unsigned int vector)
{
	trace_npu_interrupt(vector);
	npu_irq_raise(opaque, vector);
}

static void npu_host_lmem_written(void *opaque, uint64_t offset, uint64_t len)
{
	NpuState *s = opaque;

	npu_thread_register();
	memory_region_set_dirty(&s->lmem, offset, len);
}

static void npu_host_log(void *opaque, enum npu_card_log level, const char *text)
{
	/* QEMU's log file is under RCU. */
	npu_thread_register();
	if (level == NPU_LOG_GUEST_ERROR) {
		trace_npu_guest_error(text);
		qemu_log_mask(LOG_GUEST_ERROR, "npu: %s\n", text);
	} else {
		trace_npu_card(text);
	}
}

static const struct npu_card_host npu_host = {
	.map = npu_host_map,
	.unmap = npu_host_unmap,
	.read = npu_host_read,
	.write = npu_host_write,
	.interrupt = npu_host_interrupt,
	.lmem_written = npu_host_lmem_written,
	.log = npu_host_log,
};

/* ---- Draining: BQL held ------------------------------------------------------------------------ */

void npu_drain_begin(NpuState *s)
{
	struct npu_request *r;

	/* First, so that what is refused is known to have met a closed bus. */
	npu_card_bus_forbid(s->card);
	qemu_mutex_lock(&s->lock);
	s->draining = true;
	while ((r = QSIMPLEQ_FIRST(&s->requests))) {
		QSIMPLEQ_REMOVE_HEAD(&s->requests, next);
		npu_refuse(r);
	}
	qemu_cond_broadcast(&s->served);
	qemu_mutex_unlock(&s->lock);
}

void npu_drain_end(NpuState *s)
{
	qemu_mutex_lock(&s->lock);
	s->draining = false;
	qemu_mutex_unlock(&s->lock);
}

/* ---- The PCI function: BQL held ---------------------------------------------------------------- */

static uint64_t npu_regs_read(void *opaque, hwaddr addr, unsigned int size)
{
	NpuState *s = opaque;
	uint64_t value = s->removed ? UINT64_MAX : npu_card_read(s->card, addr, size);

	trace_npu_read(addr, value);
	return value;
}

static void npu_regs_write(void *opaque, hwaddr addr, uint64_t value, unsigned int size)
{
	NpuState *s = opaque;

	trace_npu_write(addr, value);
	npu_irq_written(s);
	npu_card_write(s->card, addr, value, size);
}

/* Other sizes reach the card, which calls them guest errors. */
static const MemoryRegionOps npu_regs_ops = {
	.read = npu_regs_read,
	.write = npu_regs_write,
	.endianness = DEVICE_LITTLE_ENDIAN,
	.valid = { .min_access_size = 1, .max_access_size = 8, .unaligned = true },
	.impl = { .min_access_size = 1, .max_access_size = 8, .unaligned = true },
};

void npu_bus_master(NpuState *s)
{
	bool on = pci_get_word(s->parent.config + PCI_COMMAND) & PCI_COMMAND_MASTER;

	if (!on)
		npu_drain_begin(s);
	npu_card_bus_master(s->card, on);
	if (!on)
		npu_drain_end(s);
}

static uint32_t npu_read_config(PCIDevice *pdev, uint32_t addr, int len)
{
	return NPU(pdev)->removed ? UINT32_MAX >> (32 - 8 * len) :
				    pci_default_read_config(pdev, addr, len);
}

static void npu_write_config(PCIDevice *pdev, uint32_t addr, uint32_t value, int len)
{
	if (NPU(pdev)->removed)
		return;
	pci_default_write_config(pdev, addr, value, len);
	pcie_cap_flr_write_config(pdev, addr, value, len);
	pcie_aer_write_config(pdev, addr, value, len);
	if (ranges_overlap(addr, len, PCI_COMMAND, 2))
		npu_bus_master(NPU(pdev));
}

static void npu_reset_hold(Object *obj, ResetType type)
{
	NpuState *s = NPU(obj);
	const uint8_t *devctl = s->parent.config + s->parent.exp.exp_cap + PCI_EXP_DEVCTL;
	bool flr = pci_get_word(devctl) & PCI_EXP_DEVCTL_BCR_FLR;

	trace_npu_reset(flr);
	npu_drain_begin(s);
	npu_card_bus_master(s->card, false);
	/* Only an FLR leaves the card its power, or what is taken for it here. */
	if (!flr)
		npu_card_inject_clear(s->card);
	npu_card_reset(s->card);
	npu_drain_end(s);
	npu_irq_forget(s);
	/* An FLR keeps local memory; when the machine is reset its contents are gone, and its pages the host's again. */
	if (!flr)
		ram_block_discard_range(s->lmem.ram_block, 0, s->cfg.lmem_size);
}

static void npu_init_link(PCIDevice *pdev)
{
	uint8_t *cap = pdev->config + pdev->exp.exp_cap;
	uint16_t status = NPU_LINK_GENERATION | NPU_LINK_WIDTH << 4;

	pci_long_test_and_clear_mask(cap + PCI_EXP_LNKCAP, PCI_EXP_LNKCAP_SLS | PCI_EXP_LNKCAP_MLW);
	pci_long_test_and_set_mask(cap + PCI_EXP_LNKCAP, status);
	pci_word_test_and_clear_mask(cap + PCI_EXP_LNKSTA, PCI_EXP_LNKSTA_CLS | PCI_EXP_LNKSTA_NLW);
	pci_word_test_and_set_mask(cap + PCI_EXP_LNKSTA, status);
	/* The generations up to its own. */
	pci_long_test_and_set_mask(cap + PCI_EXP_LNKCAP2, ((1u << NPU_LINK_GENERATION) - 1) << 1);
}

static bool npu_init_caps(NpuState *s, Error **errp)
{
	PCIDevice *pdev = &s->parent;
	unsigned int vectors = NPU_VECTOR_RING(s->cfg.rings);
	unsigned int v;

	if (pci_pm_init(pdev, NPU_PM_CAP_OFFSET, errp) < 0)
		return false;
	pci_set_word(pdev->config + NPU_PM_CAP_OFFSET + PCI_PM_PMC, PCI_PM_CAP_VER_1_2);
	pci_set_word(pdev->config + NPU_PM_CAP_OFFSET + PCI_PM_CTRL, PCI_PM_CTRL_NO_SOFT_RESET);
	pci_set_word(pdev->wmask + NPU_PM_CAP_OFFSET + PCI_PM_CTRL, PCI_PM_CTRL_STATE_MASK);

	if (pcie_endpoint_cap_init(pdev, NPU_EXP_CAP_OFFSET) < 0) {
		error_setg(errp, "cannot add the PCI Express capability");
		return false;
	}
	npu_init_link(pdev);
	pcie_cap_flr_init(pdev);
	pcie_cap_deverr_init(pdev);
	if (pcie_aer_init(pdev, PCI_ERR_VER, NPU_AER_CAP_OFFSET, PCI_ERR_SIZEOF, errp) < 0)
		return false;
	if (msix_init(pdev, vectors, &s->msix_bar, NPU_BAR_MSIX, NPU_MSIX_TABLE_OFFSET, &s->msix_bar,
		      NPU_BAR_MSIX, NPU_MSIX_PBA_OFFSET, 0, errp) < 0)
		return false;
	for (v = 0; v < vectors; v++)
		msix_vector_use(pdev, v);
	return true;
}

static void npu_uninit_caps(NpuState *s)
{
	PCIDevice *pdev = &s->parent;

	msix_unuse_all_vectors(pdev);
	msix_uninit(pdev, &s->msix_bar, &s->msix_bar);
	if (pdev->exp.aer_cap)
		pcie_aer_exit(pdev);
	if (pdev->exp.exp_cap)
		pcie_cap_exit(pdev);
}

static void npu_exit_software(NpuState *s)
{
	npu_irq_exit(s);
	qemu_bh_delete(s->request_bh);
	qemu_cond_destroy(&s->served);
	qemu_mutex_destroy(&s->lock);
	/* A region in another one keeps its owner, and so the card's memory, for ever. */
	memory_region_del_subregion(&s->lmem_bar, &s->lmem);
	/* That may still live a little longer; its name is free for the next card in the slot. */
	vmstate_unregister_ram(&s->lmem, DEVICE(s));
}

static void npu_realize(PCIDevice *pdev, Error **errp)
{
	NpuState *s = NPU(pdev);
	struct npu_card_host host = npu_host;
	char text[256];

	if (npu_card_config_check(&s->cfg, text, sizeof(text))) {
		error_setg(errp, "%s", text);
		return;
	}
	/* BARs are powers of two; local memory need not be. */
	memory_region_init(&s->lmem_bar, OBJECT(s), "npu-lmem-bar", pow2ceil(s->cfg.lmem_size));
	if (!memory_region_init_ram(&s->lmem, OBJECT(s), "npu-lmem", s->cfg.lmem_size, errp))
		return;
	memory_region_add_subregion(&s->lmem_bar, 0, &s->lmem);

	s->direct = pci_device_iommu_address_space(pdev) == &address_space_memory;
	host.stable_map = s->direct;
	qemu_mutex_init(&s->lock);
	qemu_cond_init(&s->served);
	QSIMPLEQ_INIT(&s->requests);
	npu_irq_realize(s);
	s->request_bh = qemu_bh_new_guarded(npu_request_bh, s, &DEVICE(s)->mem_reentrancy_guard);

	s->card = npu_card_new(&s->cfg, &host, s, memory_region_get_ram_ptr(&s->lmem), text,
			       sizeof(text));
	if (!s->card) {
		error_setg(errp, "%s", text);
		goto err_locks;
	}
	npu_card_set_link(s->card, NPU_LINK_GENERATION, NPU_LINK_WIDTH);

	memory_region_init_io(&s->regs_bar, OBJECT(s), &npu_regs_ops, s, "npu-regs",
			      npu_card_regs_size(s->card));
	memory_region_init(&s->msix_bar, OBJECT(s), "npu-msix", NPU_BAR_MSIX_SIZE);
	pci_register_bar(pdev, NPU_BAR_REGS, PCI_BASE_ADDRESS_SPACE_MEMORY, &s->regs_bar);
	pci_register_bar(pdev, NPU_BAR_LMEM,
			 PCI_BASE_ADDRESS_SPACE_MEMORY | PCI_BASE_ADDRESS_MEM_TYPE_64 |
				 PCI_BASE_ADDRESS_MEM_PREFETCH,
			 &s->lmem_bar);
	pci_register_bar(pdev, NPU_BAR_MSIX, PCI_BASE_ADDRESS_SPACE_MEMORY, &s->msix_bar);
	npu_inject_realize(s);
	if (npu_init_caps(s, errp)) {
		npu_vmstate_realize(s);
		return;
	}

	npu_uninit_caps(s);
	npu_inject_exit(s);
	npu_card_free(s->card);
	s->card = NULL;
err_locks:
	npu_exit_software(s);
}

static void npu_exit(PCIDevice *pdev)
{
	NpuState *s = NPU(pdev);

	npu_vmstate_exit(s);
	npu_drain_begin(s);
	npu_card_free(s->card);
	s->card = NULL;
	npu_uninit_caps(s);
	npu_inject_exit(s);
	npu_exit_software(s);
}

/* ---- Properties: the card's own table ---------------------------------------------------------- */

static void npu_get_option(Object *obj, Visitor *v, const char *name, void *opaque, Error **errp)
{
	const struct npu_card_option *o = opaque;
	char *field = (char *)&NPU(obj)->cfg + o->offset;
	uint64_t u64;

	switch (o->type) {
	case NPU_OPTION_U32:
		visit_type_uint32(v, name, (uint32_t *)field, errp);
		break;
	case NPU_OPTION_U64:
		visit_type_uint64(v, name, (uint64_t *)field, errp);
		break;
	case NPU_OPTION_SIZE32:
		u64 = *(uint32_t *)field;
		visit_type_size(v, name, &u64, errp);
		break;
	case NPU_OPTION_SIZE64:
		visit_type_size(v, name, (uint64_t *)field, errp);
		break;
	case NPU_OPTION_BOOL:
		visit_type_bool(v, name, (bool *)field, errp);
		break;
	}
}

static void npu_set_option(Object *obj, Visitor *v, const char *name, void *opaque, Error **errp)
{
	const struct npu_card_option *o = opaque;
	char *field = (char *)&NPU(obj)->cfg + o->offset;
	uint64_t u64 = 0;
	uint32_t u32;
	bool b;

	if (DEVICE(obj)->realized) {
		error_setg(errp, "%s cannot be set any more: the card is plugged in", name);
		return;
	}
	switch (o->type) {
	case NPU_OPTION_U32:
		if (!visit_type_uint32(v, name, &u32, errp))
			return;
		u64 = u32;
		break;
	case NPU_OPTION_U64:
		if (!visit_type_uint64(v, name, &u64, errp))
			return;
		break;
	case NPU_OPTION_SIZE32:
	case NPU_OPTION_SIZE64:
		if (!visit_type_size(v, name, &u64, errp))
			return;
		break;
	case NPU_OPTION_BOOL:
		if (!visit_type_bool(v, name, &b, errp))
			return;
		*(bool *)field = b;
		return;
	}
	if (u64 < o->min || u64 > o->max) {
		error_setg(errp, "%s: %" PRIu64 " is not in %" PRIu64 " .. %" PRIu64, name, u64, o->min,
			   o->max);
		return;
	}
	if (o->type == NPU_OPTION_U32 || o->type == NPU_OPTION_SIZE32)
		*(uint32_t *)field = u64;
	else
		*(uint64_t *)field = u64;
}

static void npu_instance_init(Object *obj)
{
	npu_card_config_default(&NPU(obj)->cfg);
}

static const char *npu_option_type(const struct npu_card_option *o)
{
	switch (o->type) {
	case NPU_OPTION_U32:
		return "uint32";
	case NPU_OPTION_U64:
		return "uint64";
	case NPU_OPTION_BOOL:
		return "bool";
	default:
		return "size";
	}
}

static void npu_class_options(ObjectClass *klass)
{
	struct npu_card_config cfg;
	size_t i;

	npu_card_config_default(&cfg);
	for (i = 0; i < npu_card_option_count; i++) {
		const struct npu_card_option *o = &npu_card_options[i];
		const char *field = (const char *)&cfg + o->offset;
		g_autofree char *text = NULL;

		object_class_property_add(klass, o->name, npu_option_type(o), npu_get_option,
					  npu_set_option, NULL, (void *)o);
		if (o->type == NPU_OPTION_BOOL)
			text = g_strdup_printf("%s (default: %s)", o->help,
					       *(const bool *)field ? "on" : "off");
		else if (o->type == NPU_OPTION_U32 || o->type == NPU_OPTION_SIZE32)
			text = g_strdup_printf("%s (default: %" PRIu32 ")", o->help,
					       *(const uint32_t *)field);
		else
			text = g_strdup_printf("%s (default: %" PRIu64 ")", o->help,
					       *(const uint64_t *)field);
		object_class_property_set_description(klass, o->name, text);
	}
}


static void npu_class_init(ObjectClass *klass, NpuClassData *data)
{
	DeviceClass *dc = DEVICE_CLASS(klass);
	PCIDeviceClass *pc = PCI_DEVICE_CLASS(klass);
	ResettableClass *rc = RESETTABLE_CLASS(klass);

	pc->realize = npu_realize;
	pc->exit = npu_exit;
	pc->config_read = npu_read_config;
	pc->config_write = npu_write_config;
	pc->vendor_id = NPU_PCI_VENDOR_ID;
	pc->device_id = NPU_PCI_DEVICE_ID;
	pc->revision = NPU_PCI_REVISION;
	pc->class_id = NPU_PCI_CLASS;
	rc->phases.hold = npu_reset_hold;
	dc->desc = "npu: a neural processing unit";
	dc->vmsd = &npu_vmstate;
	set_bit(DEVICE_CATEGORY_MISC, dc->categories);
	npu_class_options(klass);
	npu_inject_class(klass);
}

static void npu_register_types(void)
{
	static NPU_IFACE_CONST InterfaceInfo interfaces[] = {
		{ INTERFACE_PCIE_DEVICE },
		{},
	};
	static const TypeInfo info = {
		.name = TYPE_NPU,
		.parent = TYPE_PCI_DEVICE,
		.instance_size = sizeof(NpuState),
		.instance_init = npu_instance_init,
		.class_init = npu_class_init,
		.interfaces = interfaces,
	};

	type_register_static(&info);
}
type_init(npu_register_types)
