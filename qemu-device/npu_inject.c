// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Copyright (c) 2026 the npu authors
 *
 * Faults injected over QMP, as properties made from the card's table, and the one that the card
 * cannot do by itself: surprise removal.
 *
 * A card that is pulled out stays QEMU's device, realized and where it was on its bus. But nobody is
 * there: configuration space and all BARs read as all ones and ignore writes, no DMA and no interrupt
 * comes any more. BARs stay mapped for that, since what is not mapped reads as zero here.
 *
 * If it is in a slot, the port tells of it as it does on hardware: presence detect state and data link
 * layer active fall, presence detect changed and data link layer state changed are set, and an
 * interrupt comes where the guest wants one. QEMU's ports know of no link that goes down by itself
 * (they unplug in an orderly way), so DLLSC and its enable bit are made writable in the port when a
 * card that may be pulled out is plugged into it: an event that a guest could not clear would keep its
 * handler in a loop, and Linux has presence changes enabled only for slots without a button.
 * A guest whose hot-plug is ACPI's learns nothing but the all ones.
 *
 * QEMU's big lock is held by all functions of this file.
 */
#include "qemu/osdep.h"
#include "qapi/error.h"
#include "qapi/visitor.h"
#include "hw/pci/msi.h"
#include "hw/pci/msix.h"
#include "hw/pci/pci.h"
#include "hw/pci/pci_bridge.h"
#include "hw/pci/pci_bus.h"
#include "hw/pci/pcie.h"
#include "hw/pci/pcie_port.h"

#include "npu.h"

#define SLOT_EVENTS (PCI_EXP_HP_EV_SUPPORTED | PCI_EXP_SLTSTA_DLLSC)

/* ---- The slot -------------------------------------------------------------------------------- */

/* The port of a slot that can tell of changes, or NULL. */
static PCIDevice *npu_port(NpuState *s)
{
	PCIDevice *port = pci_bridge_get_device(pci_get_bus(&s->parent));
	uint8_t *cap;

	if (!port || !object_dynamic_cast(OBJECT(port), TYPE_PCIE_SLOT))
		return NULL;
	cap = port->config + port->exp.exp_cap;
	return pci_get_long(cap + PCI_EXP_SLTCAP) & PCI_EXP_SLTCAP_HPC ? port : NULL;
}

static void npu_slot_init(NpuState *s)
{
	PCIDevice *port = npu_port(s);
	uint32_t cap;

	if (!port)
		return;
	cap = port->exp.exp_cap;
	pci_word_test_and_set_mask(port->wmask + cap + PCI_EXP_SLTCTL, PCI_EXP_SLTCTL_DLLSCE);
	pci_word_test_and_set_mask(port->w1cmask + cap + PCI_EXP_SLTSTA, PCI_EXP_SLTSTA_DLLSC);
}

/* Enable bits are where their events are: a message each time an event is there and enabled. */
static void npu_slot_notify(PCIDevice *port)
{
	uint8_t *cap = port->config + port->exp.exp_cap;
	uint16_t control = pci_get_word(cap + PCI_EXP_SLTCTL);
	uint16_t events = pci_get_word(cap + PCI_EXP_SLTSTA) & SLOT_EVENTS;
	unsigned int vector = pci_get_word(cap + PCI_EXP_FLAGS) & PCI_EXP_FLAGS_IRQ;
	uint16_t wanted = control & PCI_EXP_HP_EV_SUPPORTED;

	if (control & PCI_EXP_SLTCTL_DLLSCE)
		wanted |= PCI_EXP_SLTSTA_DLLSC;
	if (!(control & PCI_EXP_SLTCTL_HPIE) || !(events & wanted))
		return;
	vector /= PCI_EXP_FLAGS_IRQ & -PCI_EXP_FLAGS_IRQ;
	if (msix_enabled(port))
		msix_notify(port, vector);
	else if (msi_enabled(port))
		msi_notify(port, vector);
	else if (pci_intx(port) != -1)
		pci_irq_assert(port);
}

static void npu_slot_changed(NpuState *s)
{
	PCIDevice *port = npu_port(s);
	uint16_t active;
	uint8_t *cap;

	if (!port)
		return;
	cap = port->config + port->exp.exp_cap;
	active = pci_get_long(cap + PCI_EXP_LNKCAP) & PCI_EXP_LNKCAP_DLLLARC ?
			 PCI_EXP_LNKSTA_DLLLA : 0;
	if (s->removed) {
		pci_word_test_and_clear_mask(cap + PCI_EXP_SLTSTA, PCI_EXP_SLTSTA_PDS);
		pci_word_test_and_clear_mask(cap + PCI_EXP_LNKSTA, active);
	} else {
		pci_word_test_and_set_mask(cap + PCI_EXP_SLTSTA, PCI_EXP_SLTSTA_PDS);
		pci_word_test_and_set_mask(cap + PCI_EXP_LNKSTA, active);
		/*
		 * A slot that goes from power to power and indicator off is one whose card QEMU takes
		 * for unplugged. A guest still on its way there would lose this one.
		 */
		if (pci_get_word(cap + PCI_EXP_SLTCTL) & PCI_EXP_SLTCTL_PCC)
			pci_word_test_and_set_mask(cap + PCI_EXP_SLTCTL, PCI_EXP_SLTCTL_PIC);
	}
	pci_word_test_and_set_mask(cap + PCI_EXP_SLTSTA, PCI_EXP_SLTSTA_PDC | PCI_EXP_SLTSTA_DLLSC);
	npu_slot_notify(port);
}

/* ---- Removal --------------------------------------------------------------------------------- */

static uint64_t npu_gone_read(void *opaque, hwaddr addr, unsigned int size)
{
	return UINT64_MAX;
}

static void npu_gone_write(void *opaque, hwaddr addr, uint64_t value, unsigned int size)
{
}

static const MemoryRegionOps npu_gone_ops = {
	.read = npu_gone_read,
	.write = npu_gone_write,
	.endianness = DEVICE_LITTLE_ENDIAN,
	.valid = { .min_access_size = 1, .max_access_size = 8, .unaligned = true },
	.impl = { .min_access_size = 1, .max_access_size = 8, .unaligned = true },
};

static void npu_gone_init(NpuState *s, MemoryRegion *gone, MemoryRegion *bar, const char *name)
{
	memory_region_init_io(gone, OBJECT(s), &npu_gone_ops, s, name, memory_region_size(bar));
	memory_region_set_enabled(gone, false);
	memory_region_add_subregion_overlap(bar, 0, gone, 1);
}

static void npu_set_removed(NpuState *s, bool removed)
{
	if (removed == s->removed)
		return;
	s->removed = removed;
	if (removed) {
		npu_drain_begin(s);
		npu_card_inject(s->card, NPU_INJECT_REMOVAL, true);
		npu_drain_end(s);
		npu_irq_forget(s);
	} else {
		npu_card_inject(s->card, NPU_INJECT_REMOVAL, false);
		/* As it comes out of its box. */
		pci_device_reset(&s->parent);
	}
	memory_region_transaction_begin();
	memory_region_set_enabled(&s->gone_lmem, removed);
	memory_region_set_enabled(&s->gone_msix, removed);
	memory_region_transaction_commit();
	npu_slot_changed(s);
}

/* ---- Properties ------------------------------------------------------------------------------ */

static enum npu_injection npu_injection(void *opaque)
{
	return (const struct npu_card_injection *)opaque - npu_card_injections;
}

static void npu_get_injected(Object *obj, Visitor *v, const char *name, void *opaque, Error **errp)
{
	NpuState *s = NPU(obj);
	int64_t value;

	if (!s->card) {
		error_setg(errp, "%s: the card is not plugged in yet", name);
		return;
	}
	value = npu_card_injected(s->card, npu_injection(opaque));
	visit_type_int64(v, name, &value, errp);
}

static void npu_set_injected(Object *obj, Visitor *v, const char *name, void *opaque, Error **errp)
{
	enum npu_injection what = npu_injection(opaque);
	NpuState *s = NPU(obj);
	int64_t value;
	int ret = 0;

	if (!visit_type_int64(v, name, &value, errp))
		return;
	if (!s->card) {
		error_setg(errp, "%s: the card is not plugged in yet", name);
		return;
	}
	if (what == NPU_INJECT_REMOVAL && s->cfg.inject && (value == 0 || value == 1))
		npu_set_removed(s, value);
	else
		ret = npu_card_inject(s->card, what, value);
	if (ret == -EPERM)
		error_setg(errp, "%s: only a card with inject=on takes faults", name);
	else if (ret == -ENODEV)
		error_setg(errp, "%s: the card is pulled out", name);
	else if (ret)
		error_setg(errp, "%s: %" PRId64 " is out of range", name, value);
}

void npu_inject_realize(NpuState *s)
{
	npu_gone_init(s, &s->gone_lmem, &s->lmem_bar, "npu-gone-lmem");
	npu_gone_init(s, &s->gone_msix, &s->msix_bar, "npu-gone-msix");
	if (s->cfg.inject)
		npu_slot_init(s);
}

void npu_inject_exit(NpuState *s)
{
	memory_region_del_subregion(&s->lmem_bar, &s->gone_lmem);
	memory_region_del_subregion(&s->msix_bar, &s->gone_msix);
}

void npu_inject_class(ObjectClass *klass)
{
	for (unsigned int i = 0; i < NPU_INJECTIONS; i++) {
		const struct npu_card_injection *injection = &npu_card_injections[i];
		g_autofree char *text = g_strdup_printf("while it runs, with inject=on: %s",
							injection->help);

		object_class_property_add(klass, injection->name, "int64", npu_get_injected,
					  npu_set_injected, NULL, (void *)injection);
		object_class_property_set_description(klass, injection->name, text);
	}
}
