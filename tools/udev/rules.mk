# SPDX-License-Identifier: MIT
# Copyright (c) 2026 the npu authors
#
# udev's rule for the card's nodes. Which card it is, the hardware's header says. The module needs no rule: udev loads
# it by the PCI id that it has in its own table.

UDEV_RULES := $(BUILD)/udev/70-npu.rules
pci_id = $(shell awk '$$2 == "NPU_PCI_$(1)_ID" { print tolower($$3) }' include/npu/hw/regs.h)

$(UDEV_RULES): tools/udev/70-npu.rules.in include/npu/hw/regs.h
	$(call quiet,GEN,$@)mkdir -p $(@D) && \
		sed -e 's/@VENDOR@/$(call pci_id,VENDOR)/' -e 's/@DEVICE@/$(call pci_id,DEVICE)/' $< >$@

ALL += $(UDEV_RULES)
INSTALL += install-udev

.PHONY: install-udev
install-udev: $(UDEV_RULES)
	$(Q)install -d $(DESTDIR)$(UDEVDIR)
	$(Q)install -m 644 $(UDEV_RULES) $(DESTDIR)$(UDEVDIR)/
