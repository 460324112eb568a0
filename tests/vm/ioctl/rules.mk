# SPDX-License-Identifier: MIT
# Copyright (c) 2026 the npu authors
#
# The driver by its ioctls alone, on all kernels: everything a process can do to it, right or wrong,
# without a library between. The last ones reset and unbind the card, have faults injected into it, pull it
# out and reset its link (in VMs with --qmp), and take the driver away.

IOCTL_TESTS := queue bo dmem vm unplug stress dump pm recovery event inject aer unload
IOCTL_SHARED := $(patsubst %,$(BUILD)/tests/vm/ioctl/npu_%.o,test inject uevent)
IOCTL_BINS := $(IOCTL_TESTS:%=$(BUILD)/tests/vm/ioctl/test_%)

$(BUILD)/tests/vm/ioctl/%.o: private PKGS = libdrm
$(IOCTL_BINS): private PKGS = cmocka
$(IOCTL_BINS): $(BUILD)/tests/vm/ioctl/test_%: $(BUILD)/tests/vm/ioctl/test_%.o \
		$(IOCTL_SHARED)
	$(call link)

# Not everywhere: what has faults injected needs run.sh's --qmp, PCI errors also the kernel's aer_inject. dmem says
# itself where a kernel has no such controller, which are all but debug-7.x.
# $(1): what is given to run.sh
ioctl_tests = $(filter-out $(if $(findstring --qmp,$(1)),,inject) $(if $(findstring aer_inject,$(1)),,aer),$(IOCTL_TESTS))

# One VM runs them all; with two cards, so that buffers can go from one to the other. Where it shall
# suspend to memory for real it is booted through the BIOS. Cards come and go, so one thread emulates the
# processors (run.sh); what leaves them where they are has two on the debug kernel.
ioctl_seconds = $(if $(findstring debug,$(1)),1800,900)
ioctl_run = tests/vm/run.sh --timeout $(ioctl_seconds) --cards 2 --device check=on,inject=on --name ioctl-$(1) \
	$(2) $(IOCTL_BINS:%=--file %) -- \
	'$(vm_seeds) $(if $(3),export $(3);) e=0; for t in $(filter $(or $(4),%),$(call ioctl_tests,$(2))); do test_$$$$t || e=1; done; exit $$$$e'

define ioctl_test
vm-ioctl-$(1).cmd = $(call ioctl_run,$(1),$(2),$(3),$(4))
vm-ioctl-$(1).deps = $(IOCTL_BINS)
vm-ioctl-$(1).timeout = $(if $(findstring debug,$(1)),1860,960)
endef
define ioctl_check
CHECK += vm-ioctl-$(1)
$(call ioctl_test,$(1),$(2),$(3),$(4))
endef
$(eval $(call ioctl_check,6.12,--kernel 6.12 --one-thread --qmp --modprobe aer_inject))
$(eval $(call ioctl_check,6.12-iommu,--kernel 6.12 --one-thread --iommu --qmp --modprobe aer_inject))
$(eval $(call ioctl_check,7.x,--kernel 7.x --one-thread --bzimage,NPU_S3=1))
$(eval $(call ioctl_check,7.x-iommu,--kernel 7.x --one-thread --iommu --qmp --modprobe aer_inject))
# It takes long for all, so three VMs share them.
$(eval $(call ioctl_check,debug,--kernel debug,,queue bo dmem vm stress))
$(eval $(call ioctl_check,debug-2,--kernel debug --one-thread --qmp,,unplug dump pm event))
$(eval $(call ioctl_check,debug-3,--kernel debug --one-thread --qmp --modprobe aer_inject,,recovery inject aer unload))
# A card whose local memory has limits comes and goes.
$(eval $(call ioctl_test,debug-7.x,--kernel debug-7.x,,queue bo vm stress))
$(eval $(call ioctl_test,debug-7.x-2,--kernel debug-7.x --one-thread --qmp,NPU_DMEM=1,dmem unplug dump pm event))
$(eval $(call ioctl_test,debug-7.x-3,--kernel debug-7.x --one-thread --qmp --modprobe aer_inject,,recovery inject aer unload))
CHECK_debug-7.x += vm-ioctl-debug-7.x vm-ioctl-debug-7.x-2 vm-ioctl-debug-7.x-3
