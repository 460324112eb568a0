# SPDX-License-Identifier: MIT
# Copyright (c) 2026 the npu authors
#
# Fuzzing with clang's libFuzzer, ASan and UBSan: ONNX files, .npu images, and the card as a hostile guest has it.
# `make fuzz` runs each target for FUZZ_SECONDS and keeps what it learns in build/fuzz/corpus/; `make check-quick`
# runs each a fixed number of times from the seeds alone, the same inputs each time.
#
#   build/fuzz/DIR/NAME.o	objects for it
#   build/fuzz/seeds/KIND/	what it begins with

FUZZ_CC := clang
FUZZ_SECONDS := 600
# -w: warnings are gcc's affair.
FUZZ := -fsanitize=fuzzer-no-link,address,undefined -fno-sanitize-recover=undefined -fno-omit-frame-pointer -w
FUZZ_SEEDS := $(BUILD)/fuzz/seeds

fuzz_kinds := onnx image card
# What hangs is found by its time: a busy machine must not look like that.
fuzz_limits := -rss_limit_mb=2048 -malloc_limit_mb=512 -timeout=240
fuzz_onnx_limits := -max_len=4096
fuzz_image_limits := -max_len=12288
fuzz_card_limits := -max_len=8192 -detect_leaks=0 -entropic=0
# Of the short runs.
fuzz_onnx_runs := 6000
fuzz_image_runs := 6000
fuzz_card_runs := 6000

$(BUILD)/fuzz/%.o $(fuzz_kinds:%=$(BUILD)/fuzz/fuzz_%): private override CC = $(FUZZ_CC)

$(BUILD)/fuzz/%.o: %.c $(BUILD)/.flags
	$(call compile,$(FUZZ))

$(BUILD)/fuzz/gen/onnx.pb-c.o: $(BUILD)/gen/onnx.pb-c.c $(BUILD)/.flags
	$(call compile,$(FUZZ))

$(BUILD)/fuzz/libnpu/%.o: XCFLAGS = -I. -Ilibnpu
$(BUILD)/fuzz/libnpu/%.o: PKGS = $(LIBNPU_PKGS)
$(BUILD)/fuzz/qemu-device/card/%.o: XCFLAGS = -ffp-contract=off
# clang takes minutes to instrument this one; it sees operands that were checked before.
$(BUILD)/fuzz/qemu-device/card/mxu_vnni.o: private FUZZ = -w
$(BUILD)/fuzz/tools/npucc/%.o: XCFLAGS = -Itools/npucc -Itools/lib -I$(BUILD)/gen
$(BUILD)/fuzz/tools/npucc/%.o: PKGS = $(NPUCC_PKGS)
$(npucc_sources:%.c=$(BUILD)/fuzz/%.o): $(BUILD)/gen/onnx.pb-c.h
$(BUILD)/fuzz/tests/fuzz/%.o $(BUILD)/tests/fuzz/%.o: XCFLAGS = -Ilibnpu -Itools/npucc -I$(BUILD)/gen
$(BUILD)/fuzz/tests/fuzz/%.o $(BUILD)/tests/fuzz/%.o: PKGS = $(NPUCC_PKGS)
# Of the card: its inside, and the unit tests' random commands.
fuzz_guest := tests/fuzz/guest.o tests/card/gen.o
fuzz_card_objects := $(patsubst %,$(BUILD)/fuzz/%,$(fuzz_guest) tests/fuzz/card_host.o)
$(patsubst %,$(BUILD)/fuzz/tests/fuzz/%.o,guest card_host fuzz_card mutate_card) \
	$(patsubst %,$(BUILD)/tests/fuzz/%.o,guest seeds_card) \
	$(patsubst %,$(BUILD)/%,tests/card/gen.o fuzz/tests/card/gen.o): XCFLAGS = $(card_test_flags)
$(BUILD)/fuzz/tests/fuzz/mutate_onnx.o $(BUILD)/tests/fuzz/seeds.o: $(BUILD)/gen/onnx.pb-c.h

$(eval $(call libnpu_archive,$(BUILD)/fuzz))
$(eval $(call card_archive,$(BUILD)/fuzz))
$(BUILD)/fuzz/tools/npucc/npucc.a: $(npucc_sources:%.c=$(BUILD)/fuzz/%.o) $(BUILD)/fuzz/gen/onnx.pb-c.o
	$(archive)

$(fuzz_kinds:%=$(BUILD)/fuzz/fuzz_%): private PKGS = $(LIBNPU_PKGS) $(NPUCC_PKGS)
$(fuzz_kinds:%=$(BUILD)/fuzz/fuzz_%): private XLIBS = $(LIBNPU_LIBS)
$(fuzz_kinds:%=$(BUILD)/fuzz/fuzz_%): $(BUILD)/fuzz/fuzz_%: $(BUILD)/fuzz/tests/fuzz/fuzz_%.o \
		$(BUILD)/fuzz/tests/fuzz/mutate_%.o $(BUILD)/fuzz/tests/fuzz/fuzz.o
	$(call link,$(FUZZ) -fsanitize=fuzzer)

$(BUILD)/fuzz/fuzz_onnx $(BUILD)/fuzz/fuzz_image: $(BUILD)/fuzz/tests/fuzz/fuzz_device.o \
	$(BUILD)/fuzz/tools/npucc/npucc.a $(BUILD)/fuzz/libnpu/libnpu.a
$(BUILD)/fuzz/fuzz_card: $(fuzz_card_objects) $(call card_library,$(BUILD)/fuzz)

$(BUILD)/tests/fuzz/seeds: private PKGS = $(LIBNPU_PKGS) $(NPUCC_PKGS)
$(BUILD)/tests/fuzz/seeds: private XLIBS = $(LIBNPU_LIBS)
$(BUILD)/tests/fuzz/seeds: $(BUILD)/tests/fuzz/seeds.o $(BUILD)/tools/npucc/npucc.a $(LIBNPU)
	$(call link)

# The mutator of images, tested without fuzzing.
FUZZ_TEST_MUTATE := $(BUILD)/tests/fuzz/test_mutate
$(FUZZ_TEST_MUTATE): private PKGS = cmocka $(LIBNPU_PKGS)
$(FUZZ_TEST_MUTATE): private XLIBS = $(LIBNPU_LIBS)
$(FUZZ_TEST_MUTATE): $(addprefix $(BUILD)/tests/fuzz/,test_mutate.o mutate_image.o fuzz.o fuzz_device.o) $(LIBNPU)
	$(call link)

CHECK_QUICK += $(FUZZ_TEST_MUTATE)

$(BUILD)/tests/fuzz/seeds_card: private XLIBS = -lm -pthread
$(BUILD)/tests/fuzz/seeds_card: $(BUILD)/tests/fuzz/seeds_card.o $(BUILD)/tests/fuzz/fuzz.o \
		$(fuzz_guest:%=$(BUILD)/%) $(call card_library,$(BUILD))
	$(call link)

# Made anew when a program that makes them is.
$(FUZZ_SEEDS)/.made: $(BUILD)/tests/fuzz/seeds $(BUILD)/tests/fuzz/seeds_card
	$(call quiet,SEEDS,$(@D))rm -rf $(@D) && mkdir -p $(@D) && $< $(ONNX_TESTDATA)/node $(@D) && \
		$(BUILD)/tests/fuzz/seeds_card $(@D) && touch $@

# Where a run ends early, what ended it is in build/fuzz/found/.
fuzz_run = mkdir -p $(BUILD)/fuzz/found $(2) && $(BUILD)/fuzz/fuzz_$(1) $(fuzz_limits) $(fuzz_$(1)_limits) \
	-artifact_prefix=$(BUILD)/fuzz/found/ $(3) $(2) $(FUZZ_SEEDS)/$(1)

.PHONY: fuzz $(fuzz_kinds:%=fuzz-run-%)
fuzz:
	$(Q)tools/dev/deps.sh build fuzz
	+$(Q)$(MAKE) --no-print-directory -j $(JOBS) $(fuzz_kinds:%=$(BUILD)/fuzz/fuzz_%) $(FUZZ_SEEDS)/.made
	+$(Q)$(MAKE) --no-print-directory -j 1 $(fuzz_kinds:%=fuzz-run-%)

$(fuzz_kinds:%=fuzz-run-%): fuzz-run-%: $(BUILD)/fuzz/fuzz_% $(FUZZ_SEEDS)/.made
	$(Q)$(call fuzz_run,$*,$(BUILD)/fuzz/corpus/$*,-max_total_time=$(FUZZ_SECONDS) -print_final_stats=1)

# $(1): kind. What a short run learns is thrown away, so that the next is the same.
define fuzz_check
CHECK_QUICK += fuzz-$(1)
fuzz-$(1).cmd = rm -rf $(BUILD)/fuzz/short/$(1) && \
	$(call fuzz_run,$(1),$(BUILD)/fuzz/short/$(1),-seed=1 -runs=$(fuzz_$(1)_runs) -verbosity=0 -print_final_stats=1)
fuzz-$(1).deps = $(BUILD)/fuzz/fuzz_$(1) $(FUZZ_SEEDS)/.made
fuzz-$(1).timeout = 600
endef
$(foreach k,$(fuzz_kinds),$(eval $(call fuzz_check,$(k))))

# The driver's calls, in a VM of the debug kernel: CALLS of them, SEED repeats a run. `make check` has a
# short run (tests/vm/debug/).
CALLS := 500000
SEED :=

FUZZ_IOCTL := $(BUILD)/tests/fuzz/ioctl/fuzz_ioctl
fuzz_ioctl_objects := main.o world.o calls.o choose.o calls_bo.o calls_vm.o calls_job.o calls_sync.o kcov.o memory.o
$(BUILD)/tests/fuzz/ioctl/%.o: private PKGS = libdrm
$(FUZZ_IOCTL): private PKGS = cmocka
$(FUZZ_IOCTL): private XLIBS = -lpthread
$(FUZZ_IOCTL): $(addprefix $(BUILD)/tests/fuzz/ioctl/,$(fuzz_ioctl_objects)) $(BUILD)/tests/vm/ioctl/npu_test.o
	$(call link)

# kmemleak, which keeps a trace of each allocation and goes through all memory, is the short run's. A long one
# counts what the modules hold instead. Emulated, the TSC is taken for unstable when the host is busy, and every
# look at the clock leaves the guest from then on. One thread emulates both processors, since a run has hundreds of
# resets: with two, one of the processors loses its timer sooner or later (docs/testing.md, The VM).
fuzz_ioctl_append := kmemleak=off sysctl.vm.mem_profiling=1 rcupdate.rcu_expedited=1 tsc=reliable

.PHONY: fuzz-ioctl
fuzz-ioctl: $(FUZZ_IOCTL) vm-debug
	$(Q)tests/vm/run.sh --kernel debug --one-thread --timeout $$(($(CALLS) / 100 + 600)) --device check=on,inject=on \
		--append '$(fuzz_ioctl_append)' --name fuzz-ioctl --file $(FUZZ_IOCTL) -- 'fuzz_ioctl $(CALLS) $(SEED)'
