# SPDX-License-Identifier: MIT
# Copyright (c) 2026 the npu authors
#
# `make bench`: measures into build/bench.json (docs/performance.md). DEVICE=sim: leaves out what needs a VM.
# `make bench-growth`: what more queues, processes, buffers and mappings cost, into build/growth.json and docs/growth-*.svg.

BENCH_VM := $(filter accel%,$(DEVICE))
BENCH_ONEDNN := $(BUILD)/tests/bench/onednn
BENCH_ONEDNN_CONV := $(BUILD)/tests/bench/onednn_conv
BENCH_REPORT := $(BUILD)/tests/bench/report
BENCH_COMPILE := $(BUILD)/tests/bench/compile
BENCH_NETWORK := $(BUILD)/tests/bench/network
BENCH_MEMORY := $(BUILD)/tests/bench/memory
BENCH_GROWTH_JOBS := $(BUILD)/tests/bench/growth_jobs
BENCH_GROWTH_MEMORY := $(BUILD)/tests/bench/growth_memory

$(BUILD)/tests/bench/onednn.o: XCFLAGS = -fopenmp
$(BENCH_ONEDNN): private XLIBS = -fopenmp -ldnnl
$(BENCH_ONEDNN): $(BENCH_ONEDNN).o
	$(call link)

$(BUILD)/tests/bench/onednn_conv.o: XCFLAGS = -fopenmp -I.
$(BENCH_ONEDNN_CONV): private XLIBS = -fopenmp -ldnnl
$(BENCH_ONEDNN_CONV): $(BENCH_ONEDNN_CONV).o $(BUILD)/tools/npuctl/shapes.o
	$(call link)

BENCH_NETWORKS := $(BENCH_COMPILE) $(BENCH_NETWORK)
$(BENCH_NETWORKS:%=%.o): XCFLAGS = -I.
$(BENCH_NETWORKS): private PKGS = $(LIBNPU_PKGS)
$(BENCH_NETWORKS): private XLIBS = $(LIBNPU_LIBS)
$(BENCH_NETWORKS): %: %.o $(BUILD)/tests/graph/networks.o $(LIBNPU)
	$(call link)

# By ioctls alone, so with what the driver's tests share.
BENCH_BY_IOCTLS := $(BENCH_MEMORY) $(BENCH_GROWTH_MEMORY)
$(BENCH_BY_IOCTLS:%=%.o): private PKGS = libdrm
$(BENCH_BY_IOCTLS:%=%.o): XCFLAGS = -I.
$(BENCH_BY_IOCTLS): private PKGS = cmocka
$(BENCH_BY_IOCTLS): %: %.o $(BUILD)/tests/vm/ioctl/npu_test.o
	$(call link)

$(BENCH_GROWTH_JOBS): private PKGS = $(LIBNPU_PKGS)
$(BENCH_GROWTH_JOBS): private XLIBS = $(LIBNPU_LIBS)
$(BENCH_GROWTH_JOBS): $(BENCH_GROWTH_JOBS).o $(LIBNPU)
	$(call link)

BENCH_REPORT_PARTS := $(patsubst %,$(BUILD)/tests/bench/%.o,report report_vm series)
$(BENCH_REPORT_PARTS): PKGS = jansson
$(BENCH_REPORT): private PKGS = jansson
$(BENCH_REPORT): private XLIBS = -lm
$(BENCH_REPORT): $(BENCH_REPORT_PARTS)
	$(call link)

.PHONY: bench bench-run
bench:
	$(Q)tools/dev/deps.sh build bench $(if $(BENCH_VM),qemu kernel vm)
	+$(Q)$(MAKE) --no-print-directory -j $(JOBS) $(NPUCTL) $(BENCH_ONEDNN) $(BENCH_ONEDNN_CONV) $(BENCH_REPORT) $(BENCH_NETWORKS) \
		$(if $(BENCH_VM),$(BENCH_MEMORY) vm-$(KVER))
	+$(Q)$(MAKE) --no-print-directory bench-run

bench-run:
	$(Q)tests/bench/run.sh $(if $(BENCH_VM),--vm $(KVER))

.PHONY: bench-growth bench-growth-run bench-growth-plot
bench-growth:
	$(Q)tools/dev/deps.sh build growth qemu kernel vm
	+$(Q)$(MAKE) --no-print-directory -j $(JOBS) $(BENCH_GROWTH_JOBS) $(BENCH_GROWTH_MEMORY) vm-$(KVER)
	+$(Q)$(MAKE) --no-print-directory bench-growth-run

bench-growth-run:
	$(Q)tests/bench/growth.sh $(KVER)

bench-growth-plot:
	$(Q)tools/dev/deps.sh growth
	$(Q)tests/bench/growth.sh --plot

# Modelled cycles are exact, so what make bench reports of layers is also held.
bench-utilisation.cmd = tests/bench/utilisation.sh $(NPUCTL)
bench-utilisation.deps = $(NPUCTL)

CHECK_QUICK += bench-utilisation

bench-scalesim.cmd = tests/bench/scalesim.sh $(NPUCTL)
bench-scalesim.deps = $(NPUCTL)

CHECK_QUICK += bench-scalesim
