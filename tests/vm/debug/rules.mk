# SPDX-License-Identifier: MIT
# Copyright (c) 2026 the npu authors
#
# What only the debug kernel can tell, in one VM: the driver's KUnit tests, every allocation failed once, and
# a short run of the ioctl fuzzer.

DEBUG_BINS := $(BUILD)/tests/vm/debug/test_kunit $(BUILD)/tests/vm/debug/test_fault
# Half a minute, and each kind of call has its luck.
FUZZ_IOCTL_CALLS := 40000

$(BUILD)/tests/vm/debug/%.o: private PKGS = libdrm
$(DEBUG_BINS): private PKGS = cmocka
$(DEBUG_BINS): $(BUILD)/tests/vm/debug/%: $(BUILD)/tests/vm/debug/%.o $(BUILD)/tests/vm/ioctl/npu_test.o
	$(call link)

CHECK += vm-kernel-debug
vm-kernel-debug.cmd = tests/vm/run.sh --kernel debug --one-thread --timeout 900 --device check=on,inject=on --name kernel-debug \
	$(DEBUG_BINS:%=--file %) --file $(FUZZ_IOCTL) --file $(BUILD)/kernel/debug/npu_kunit.ko -- \
	'$(vm_seeds) e=0; test_kunit npu_kunit.ko || e=1; test_fault || e=1; fuzz_ioctl $(FUZZ_IOCTL_CALLS) || e=1; exit $$e'
vm-kernel-debug.deps = $(DEBUG_BINS) $(FUZZ_IOCTL)
vm-kernel-debug.timeout = 960
