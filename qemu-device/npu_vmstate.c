// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Copyright (c) 2026 the npu authors
 *
 * Pausing the card with the VM, and its state for savevm and migration.
 *
 * The card moves only while the VM runs. When the VM stops it is paused in the handler of that change,
 * that is before the last pass over memory: what its threads have written is then marked dirty, and
 * interrupts they have asked for are with the processors. Guest memory is marked when mappings end, which
 * a pause does; local memory, a RAM block of QEMU's, as it is written; what emulated
 * processors write there QEMU alone would not see (npu_dirty_taken()).
 *
 * The handler has the BQL and must not wait for long, but a guest can make one command last for hours.
 * After PAUSE_MS the VM stops without the card, and a state that would then be saved is refused; the VM
 * goes on, and one may try again. Behind an IOMMU the card's threads may need the main loop for a
 * mapping before they get to the end of their command: their requests are served here meanwhile.
 *
 * What is sent is PCI's state, then the card's own (card/snapshot.h), which has a version, knows the
 * options it was made with and is refused by a card with others. While a fault is injected there is no
 * state to save.
 */
#include "qemu/osdep.h"
#include "qemu/error-report.h"
#include "exec/cpu-common.h"
#include "hw/core/cpu.h"
#include "hw/pci/msix.h"
#include "hw/pci/pcie_aer.h"
#include "migration/qemu-file-types.h"
#if __has_include("system/runstate.h")
#include "system/runstate.h"
#else
#include "sysemu/runstate.h"
#endif
#if __has_include("system/tcg.h")
#include "system/tcg.h"
#else
#include "sysemu/tcg.h"
#endif
#if __has_include("system/address-spaces.h")
#include "system/address-spaces.h"
#elif __has_include("exec/address-spaces.h")
#include "exec/address-spaces.h"
#endif

#include "card/snapshot.h"
#include "npu.h"

#define PAUSE_MS 5000

/* ---- Pausing --------------------------------------------------------------------------------- */

static void npu_set_pausing(NpuState *s, bool pausing)
{
	qemu_mutex_lock(&s->lock);
	s->pausing = pausing;
	qemu_mutex_unlock(&s->lock);
}

static void npu_pause(NpuState *s)
{
	int64_t end = g_get_monotonic_time() + PAUSE_MS * G_GINT64_CONSTANT(1000);
	int64_t left;
	int ret;

	npu_set_pausing(s, true);
	do {
		npu_serve_requests(s);
		left = end - g_get_monotonic_time();
		ret = npu_card_pause_within(s->card, left > 0 ? left * 1000 : 0);
	} while (ret == -EINTR);
	npu_set_pausing(s, false);
	npu_irq_flush(s);
	s->at_rest = !ret;
	if (ret)
		warn_report("npu: a command has been running for %d s; the VM stops without it",
			    PAUSE_MS / 1000);
}

static void npu_vm_change(void *opaque, bool running, RunState state)
{
	NpuState *s = opaque;

	if (!running) {
		npu_pause(s);
		return;
	}
	s->at_rest = false;
	npu_card_resume(s->card);
}

/* ---- Dirty local memory ---------------------------------------------------------------------- */

static void npu_nothing(CPUState *cpu, run_on_cpu_data data)
{
}

/*
 * A live migration has taken the dirty bits, and emulated processors are to say again what they write. QEMU tells
 * their TLBs so for the memory at its own address 0, whichever block it has just looked at
 * (cpu_physical_memory_sync_dirty_bitmap() of 10.0): what they then stored in local memory was not there on the other
 * side. Taking the bits of any client away has the TLBs ask again; nobody but this uses those of VGA.
 */
static void npu_dirty_taken(MemoryListener *listener)
{
	NpuState *s = container_of(listener, NpuState, dirty);
	CPUState *cpu;

	if (!tcg_enabled())
		return;
	memory_region_reset_dirty(&s->lmem, 0, s->cfg.lmem_size, DIRTY_MEMORY_VGA);
	/* A store that is under way is in memory before that is read. */
	CPU_FOREACH(cpu)
		run_on_cpu(cpu, npu_nothing, RUN_ON_CPU_NULL);
}

void npu_vmstate_realize(NpuState *s)
{
	s->dirty = (MemoryListener) {
		.name = "npu",
		.log_global_after_sync = npu_dirty_taken,
	};
	memory_listener_register(&s->dirty, &address_space_memory);
	s->vm_change = qemu_add_vm_change_state_handler(npu_vm_change, s);
	if (!runstate_is_running())
		npu_pause(s);
}

void npu_vmstate_exit(NpuState *s)
{
	qemu_del_vm_change_state_handler(s->vm_change);
	memory_listener_unregister(&s->dirty);
}

/* ---- The state ------------------------------------------------------------------------------- */

static int npu_put_bytes(void *opaque, const void *data, size_t len)
{
	qemu_put_buffer(opaque, data, len);
	return qemu_file_get_error(opaque);
}

static int npu_get_bytes(void *opaque, void *data, size_t len)
{
	return qemu_get_buffer(opaque, data, len) == len ? 0 : -EIO;
}

static int npu_put_card(QEMUFile *f, void *pv, size_t size, const VMStateField *field,
			JSONWriter *vmdesc)
{
	struct npu_card **card = pv;
	char text[256];
	int ret = npu_card_save(*card, npu_put_bytes, f, text, sizeof(text));

	if (ret)
		error_report("npu: %s", text);
	return ret;
}

static int npu_get_card(QEMUFile *f, void *pv, size_t size, const VMStateField *field)
{
	struct npu_card **card = pv;
	char text[256];
	int ret = npu_card_load(*card, npu_get_bytes, f, text, sizeof(text));

	if (ret)
		error_report("npu: %s", text);
	return ret;
}

static const VMStateInfo npu_vmstate_card = {
	.name = "npu card",
	.put = npu_put_card,
	.get = npu_get_card,
};

static int npu_pre_save(void *opaque)
{
	NpuState *s = opaque;

	if (s->at_rest)
		return 0;
	error_report("npu: the card is within a long command; let the VM run and try again");
	return -EBUSY;
}

static int npu_post_load(void *opaque, int version_id)
{
	npu_bus_master(opaque);
	return 0;
}

const VMStateDescription npu_vmstate = {
	.name = TYPE_NPU,
	.version_id = 1,
	.minimum_version_id = 1,
	.pre_save = npu_pre_save,
	.post_load = npu_post_load,
	.fields = (const VMStateField[]) {
		VMSTATE_PCI_DEVICE(parent, NpuState),
		VMSTATE_MSIX(parent, NpuState),
		VMSTATE_STRUCT(parent.exp.aer_log, NpuState, 0, vmstate_pcie_aer_log, PCIEAERLog),
		{
			.name = "card",
			.info = &npu_vmstate_card,
			.size = sizeof(struct npu_card *),
			.offset = vmstate_offset_pointer(NpuState, card, struct npu_card),
			.flags = VMS_SINGLE,
		},
		VMSTATE_END_OF_LIST()
	},
};
