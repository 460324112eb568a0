/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Copyright (c) 2026 the npu authors
 *
 * The device in QEMU, as its files share it: npu.c, the PCI function, whose head has threads and locks,
 * npu_inject.c, faults, and npu_vmstate.c, pausing and saved state. Include after qemu/osdep.h.
 */
#ifndef NPU_QEMU_H
#define NPU_QEMU_H

#include "qemu/bitmap.h"
#include "qemu/main-loop.h"
#include "qemu/queue.h"
#include "qemu/thread.h"
#include "hw/pci/pci_device.h"
#include "migration/vmstate.h"
#if __has_include("system/memory.h")
#include "system/memory.h"
#else
#include "exec/memory.h"
#endif

#include "card/card.h"
#include "npu/hw/regs.h"

#define TYPE_NPU "npu"
OBJECT_DECLARE_SIMPLE_TYPE(NpuState, NPU)

#define NPU_MAX_VECTORS NPU_VECTOR_RING(NPU_MAX_RINGS)

struct npu_request;

struct NpuState {
	PCIDevice parent;

	struct npu_card_config cfg;
	struct npu_card *card;

	MemoryRegion regs_bar;
	MemoryRegion lmem_bar;
	MemoryRegion lmem;
	MemoryRegion msix_bar;

	bool removed;			/* pulled out: npu_inject.c */
	MemoryRegion gone_lmem;		/* what is there then */
	MemoryRegion gone_msix;

	QEMUBH *irq_bh;
	DECLARE_BITMAP(irqs, NPU_MAX_VECTORS);
	CPUState *writer;		/* emulated processor that wrote a register last, or NULL */

	bool direct;			/* no IOMMU: the card's threads map by themselves */
	QEMUBH *request_bh;
	QemuMutex lock;
	QemuCond served;
	QSIMPLEQ_HEAD(, npu_request) requests;
	bool draining;
	bool pausing;

	VMChangeStateEntry *vm_change;	/* npu_vmstate.c */
	MemoryListener dirty;		/* likewise */
	bool at_rest;			/* the card is, and so is all it has done: BQL */
};

/**
 * npu_drain_begin(), npu_drain_end() - between these two the card may be waited for: no thread of its
 * own waits for the main loop
 */
void npu_drain_begin(NpuState *s);
void npu_drain_end(NpuState *s);

/** npu_inject_realize() - the BARs are there */
void npu_inject_realize(NpuState *s);
/** npu_inject_exit() - takes back what npu_inject_realize() put into the BARs */
void npu_inject_exit(NpuState *s);
/** npu_inject_class() - properties */
void npu_inject_class(ObjectClass *klass);

/** npu_bus_master() - the card hears of the command register */
void npu_bus_master(NpuState *s);
/** npu_serve_requests() - of the card's threads; BQL held */
void npu_serve_requests(NpuState *s);

/** npu_irq_realize(), npu_irq_exit() - BQL; none is raised outside these two */
void npu_irq_realize(NpuState *s);
void npu_irq_exit(NpuState *s);
/** npu_irq_raise() - a vector; any thread */
void npu_irq_raise(NpuState *s, unsigned int vector);
/** npu_irq_flush() - what was raised reaches the guest; BQL */
void npu_irq_flush(NpuState *s);
/** npu_irq_forget() - what was raised; BQL */
void npu_irq_forget(NpuState *s);
/** npu_irq_written() - a register was written by whoever runs this; BQL */
void npu_irq_written(NpuState *s);

extern const VMStateDescription npu_vmstate;

/** npu_vmstate_realize() - the card is there: it moves while the VM runs */
void npu_vmstate_realize(NpuState *s);
void npu_vmstate_exit(NpuState *s);

#endif
