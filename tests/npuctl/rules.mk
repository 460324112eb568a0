# SPDX-License-Identifier: MIT
# Copyright (c) 2026 the npu authors
#
# npuctl: its parts as units, the whole of it on the simulated card with ASan and UBSan, and on a card in the VM.

npuctl_tests := $(patsubst %.c,%,$(wildcard tests/npuctl/test_*.c))
npuctl_test_parts := $(filter-out %/npuctl.o,$(npuctl_sources:%.c=$(BUILD)/san/%.o))
NPUCTL_SAN := $(BUILD)/san/tools/npuctl/npuctl
JSON_KEYS := $(BUILD)/tests/npuctl/json_keys

$(call variants,tests/npuctl/%.o): XCFLAGS = -I. -Itools/npuctl -Itools/lib -Itools/npucc
$(call variants,tests/npuctl/%.o): PKGS = jansson

$(npuctl_tests:%=$(BUILD)/san/%): private PKGS = cmocka $(NPUCTL_PKGS) $(LIBNPU_PKGS)
$(npuctl_tests:%=$(BUILD)/san/%): private XLIBS = $(LIBNPU_LIBS)
$(npuctl_tests:%=$(BUILD)/san/%): %: %.o $(npuctl_test_parts) $(LIBNPU_SAN)
	$(call link,$(SAN))

$(JSON_KEYS): private PKGS = jansson
$(JSON_KEYS): $(JSON_KEYS).o
	$(call link)

CHECK_TRACE := $(BUILD)/tests/npuctl/check_trace
$(CHECK_TRACE): private PKGS = jansson
$(CHECK_TRACE): $(CHECK_TRACE).o
	$(call link)

MAKE_IMAGE := $(BUILD)/tests/npuctl/make_image
$(MAKE_IMAGE): private PKGS = $(LIBNPU_PKGS)
$(MAKE_IMAGE): private XLIBS = $(LIBNPU_LIBS)
$(MAKE_IMAGE): $(MAKE_IMAGE).o $(LIBNPU)
	$(call link)

NPYTOOL := $(BUILD)/tests/npuctl/npytool
$(NPYTOOL): private PKGS = $(LIBNPU_PKGS) $(NPUCC_PKGS)
$(NPYTOOL): private XLIBS = $(LIBNPU_LIBS)
$(NPYTOOL): $(NPYTOOL).o $(BUILD)/tools/npucc/npucc.a $(LIBNPU)
	$(call link)

npuctl-sim.cmd = tests/npuctl/test_npuctl.sh $(NPUCTL_SAN) $(JSON_KEYS) $(MAKE_IMAGE)
npuctl-sim.deps = $(NPUCTL_SAN) $(JSON_KEYS) $(MAKE_IMAGE)
npuctl-sim.timeout = 300

npuctl-model.cmd = tests/npuctl/test_model.sh $(NPUCTL_SAN) $(JSON_KEYS) $(NPUCC) $(NPYTOOL) $(ONNX_TESTDATA)
npuctl-model.deps = $(NPUCTL_SAN) $(JSON_KEYS) $(NPUCC) $(NPYTOOL)
npuctl-model.timeout = 300

# Recorded: of what happens to cards, and of machines that are not here.
npuctl-dump.cmd = tests/npuctl/test_dump.sh $(NPUCTL_SAN) $(JSON_KEYS)
npuctl-dump.deps = $(NPUCTL_SAN) $(JSON_KEYS)

npuctl-snapshots.cmd = tests/npuctl/test_snapshots.sh $(NPUCTL_SAN) $(JSON_KEYS)
npuctl-snapshots.deps = $(NPUCTL_SAN) $(JSON_KEYS)

npuctl-trace.cmd = tests/npuctl/test_trace.sh $(NPUCTL_SAN) $(JSON_KEYS) $(CHECK_TRACE) $(MAKE_IMAGE)
npuctl-trace.deps = $(NPUCTL_SAN) $(JSON_KEYS) $(CHECK_TRACE) $(MAKE_IMAGE)
npuctl-trace.timeout = 300

npuctl-plot.cmd = tests/npuctl/test_plot.sh $(NPUCTL_SAN) $(JSON_KEYS)
npuctl-plot.deps = $(NPUCTL_SAN) $(JSON_KEYS)
npuctl-plot.timeout = 300

npuctl-top.cmd = tests/npuctl/test_top.sh $(NPUCTL_SAN)
npuctl-top.deps = $(NPUCTL_SAN)

npuctl-levels.cmd = tests/npuctl/test_levels.sh $(NPUCTL_SAN) $(JSON_KEYS)
npuctl-levels.deps = $(NPUCTL_SAN) $(JSON_KEYS)
npuctl-levels.timeout = 600

CHECK_QUICK += npuctl-dump npuctl-snapshots npuctl-trace npuctl-plot npuctl-top npuctl-levels
CHECK_QUICK += $(npuctl_tests:%=$(BUILD)/san/%) npuctl-sim npuctl-model

# One thread emulates the processors: the card is reset (run.sh).
npuctl-vm.cmd = tests/vm/run.sh --name npuctl-vm --timeout 600 --device inject=on --one-thread --file $(NPUCTL) \
	--file $(JSON_KEYS) --file $(CHECK_TRACE) --file $(BUILD)/tests/vm/ioctl/test_dump --file tests/npuctl/lib.sh \
	--file tests/npuctl/golden --script tests/npuctl/vm.sh
npuctl-vm.deps = $(NPUCTL) $(JSON_KEYS) $(CHECK_TRACE) $(BUILD)/tests/vm/ioctl/test_dump

# The card is there, its driver is not.
npuctl-vm-bare.cmd = tests/vm/run.sh --name npuctl-vm-bare --timeout 600 --module none --file $(NPUCTL) \
	--file $(JSON_KEYS) --file tests/npuctl/lib.sh --file tests/npuctl/golden \
	--script tests/npuctl/vm_bare.sh
npuctl-vm-bare.deps = $(NPUCTL) $(JSON_KEYS)

npuctl-vm.timeout = 660
npuctl-vm-bare.timeout = 660

npuctl-qmp.cmd = tests/npuctl/qmp.sh $(NPUCTL_SAN) $(BUILD)/qemu/qemu-system-x86_64
npuctl-qmp.deps = $(NPUCTL_SAN)

CHECK += npuctl-vm npuctl-vm-bare npuctl-qmp
