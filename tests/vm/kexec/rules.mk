# SPDX-License-Identifier: MIT
# Copyright (c) 2026 the npu authors
#
# Another kernel is started (kexec) in the middle of jobs. The card's count of its resets is read past the
# driver, hence iomem.

KEXEC_BIN := $(BUILD)/tests/vm/kexec/test_kexec

$(BUILD)/tests/vm/kexec/%.o: private PKGS = libdrm
$(BUILD)/tests/vm/kexec/%.o: XCFLAGS = -Itests/vm/ioctl
$(KEXEC_BIN): private PKGS = cmocka
$(KEXEC_BIN): $(BUILD)/tests/vm/kexec/test_kexec.o $(BUILD)/tests/vm/ioctl/npu_test.o
	$(call link)

# $(1): a VM's name; $(2): its kernel; $(3): what is given to run.sh
define kexec_check
CHECK += vm-kexec-$(1)
vm-kexec-$(1).cmd = tests/vm/run.sh --timeout 300 --name kexec-$(1) --kernel $(2) $(3) --device inject=on \
	--append iomem=relaxed --file "$$$$(tools/dev/kernel.sh path $(2) bzImage):/test/bzImage" \
	--file $(KEXEC_BIN) --script tests/vm/kexec/kexec.sh
vm-kexec-$(1).deps = $(KEXEC_BIN)
vm-kexec-$(1).timeout = 360
endef
$(eval $(call kexec_check,6.12,6.12,))
$(eval $(call kexec_check,7.x,7.x,))
