# SPDX-License-Identifier: MIT
# Copyright (c) 2026 the npu authors
#
# One make for the whole tree; nothing recurses. Each room adds a rules.mk, included below, which
# sees what this head defines and appends to these lists:
#
#   ALL          files that plain `make` builds
#   INSTALL      targets that `make install` runs
#   CHECK_QUICK  tests of `make check-quick` and `make check`; these run side by side
#   CHECK        tests of `make check` alone; side by side as well, after npu.ko and QEMU have been built
#   CHECK_KERNEL tests of `make check-KERNEL`, for the kernels of MORE_KERNELS
#
# A test is the path of an executable, or a name with variables beside it:
#
#   CHECK_QUICK += build/san/tests/card/test_mxu
#
#   CHECK += vm-smoke
#   vm-smoke.cmd = tests/vm/run.sh --kernel 6.12 --file build/tests/smoke -- smoke
#   vm-smoke.deps = build/tests/smoke
#   vm-smoke.timeout = 300
#
# .deps are files that make builds before any test starts; .timeout is in seconds (TEST_TIMEOUT
# otherwise) and may also stand beside a path. A test has passed when it exits 0.
#
# Objects come in three variants from rules that are here already; a room only names them:
#
#   build/DIR/NAME.o       for programs
#   build/pic/DIR/NAME.o   for shared libraries
#   build/san/DIR/NAME.o   with ASan and UBSan, for unit tests
#
# and a room links them with one of
#
#   build/tools/npuctl: build/tools/npuctl.o build/libnpu/libnpu.a
#   	$(call link)
#   build/san/tests/card/test_mxu: build/san/tests/card/test_mxu.o build/san/qemu-device/card/mxu.o
#   	$(call link,$(SAN))
#   build/libnpu/libnpu.a: build/libnpu/hal/device.o
#   	$(archive)
#
# Flags of some objects or programs alone: XCFLAGS (compiling), XLIBS (linking), PKGS (names for
# pkg-config, both). Set them for a pattern in all variants, or private for one program, since
# make hands a target's variables on to what it is made of:
#
#   $(call variants,qemu-device/card/%.o): XCFLAGS = -ffp-contract=off
#   build/tools/npuctl: private PKGS = jansson libpci
#
# $(call quiet,WORD,$@) before a command prints WORD and the target instead of the command.

.DEFAULT_GOAL := all
.DELETE_ON_ERROR:
.SUFFIXES:
MAKEFLAGS += --no-builtin-rules --no-builtin-variables

BUILD := build
CC := gcc
CXX := g++
AR := ar
CFLAGS := -O2 -g
BASE_CFLAGS := -std=gnu11 -Wall -Wextra -Werror -D_GNU_SOURCE -Iinclude -Ilibnpu/include
SAN := -fsanitize=address,undefined -fno-sanitize-recover=undefined -fno-omit-frame-pointer
JOBS := $(shell nproc)
V := 0

PREFIX := /usr/local
BINDIR := $(PREFIX)/bin
LIBDIR := $(PREFIX)/lib
INCLUDEDIR := $(PREFIX)/include
MANDIR := $(PREFIX)/share/man
COMPLETIONDIR := $(PREFIX)/share/bash-completion/completions
UDEVDIR := $(PREFIX)/lib/udev/rules.d
DESTDIR :=

# Of the whole project; the library's header says it.
VERSION := $(shell awk '$$2 ~ /^NPU_VERSION_/ { v = v s $$3; s = "." } END { print v }' libnpu/include/npu/npu.h)

# The kernel of `make module`, `make vm` and of the demo and bench: 6.12, 7.x, debug, debug-7.x; for module
# also the release of an installed kernel.
KVER := 6.12
# The demo's device: the card in the VM, or a device name of libnpu.
DEVICE := accel0
# Of `make vm`: how many cards; files and folders that come along, into the shell's folder; a command to run there instead
# of the shell; more options of tests/vm/run.sh.
CARDS := 1
FILES :=
RUN :=
VM_OPTIONS :=
TEST_TIMEOUT := 240

ALL :=
INSTALL :=
CHECK_QUICK :=
CHECK :=

Q := $(if $(filter 1,$(V)),,@)
quiet = $(if $(filter 1,$(V)),,@printf '  %-8s %s\n' '$(1)' '$(2)';)
variants = $(BUILD)/$(1) $(BUILD)/pic/$(1) $(BUILD)/san/$(1)
pkg_cflags = $(if $(PKGS),$(shell pkg-config --cflags $(PKGS)))
pkg_libs = $(if $(PKGS),$(shell pkg-config --libs $(PKGS)))

compile = $(call quiet,CC,$@)mkdir -p $(@D) && \
	$(CC) $(BASE_CFLAGS) $(CFLAGS) $(1) $(XCFLAGS) $(pkg_cflags) -MMD -MP -c -o $@ $<
link = $(call quiet,LD,$@)mkdir -p $(@D) && \
	$(CC) $(CFLAGS) $(LDFLAGS) $(1) -o $@ $(filter %.o %.a %.so,$^) $(XLIBS) $(pkg_libs)
archive = $(call quiet,AR,$@)mkdir -p $(@D) && rm -f $@ && $(AR) rcs $@ $(filter %.o,$^)

# Objects made with other flags are made again.
FLAGS := $(CC) $(BASE_CFLAGS) $(CFLAGS) $(SAN) $(LDFLAGS)
$(shell mkdir -p $(BUILD))
ifneq ($(file <$(BUILD)/.flags),$(FLAGS))
$(file >$(BUILD)/.flags,$(FLAGS))
endif

$(BUILD)/pic/%.o: %.c $(BUILD)/.flags
	$(call compile,-fPIC)

$(BUILD)/san/%.o: %.c $(BUILD)/.flags
	$(call compile,$(SAN))

$(BUILD)/%.o: %.c $(BUILD)/.flags
	$(call compile)

# What tests have before them, and what is a test itself: the module without a warning on each
# kernel, and QEMU with the card.
KERNELS := 6.12 7.x debug
CHECK_FIRST := $(KERNELS:%=module-%) qemu
# And one that has a goal of its own, check-debug-7.x: compiling it is not for every `make check`.
MORE_KERNELS := debug-7.x
module-6.12.cmd = tools/dev/kernel.sh build 6.12 W=1 C=1 && tools/dev/kernel.sh build 6.12
module-7.x.cmd = tools/dev/kernel.sh build 7.x W=1 && tools/dev/kernel.sh build 7.x
module-debug.cmd = tools/dev/kernel.sh build debug
module-debug-7.x.cmd = tools/dev/kernel.sh build debug-7.x
module-6.12.timeout = 1800
module-7.x.timeout = 1800
# Those kernels are compiled where the cache has none: 17 minutes of processor time each.
module-debug.timeout = 7200
module-debug-7.x.timeout = 7200
qemu.cmd = qemu-device/build.sh
qemu.timeout = 3600

-include kernel/rules.mk
-include libnpu/rules.mk
-include qemu-device/rules.mk
-include tools/rules.mk
-include tests/rules.mk
-include tests/vm/rules.mk
-include docs/rules.mk

# demo, bench and fuzz are in the rules.mk of what they run.
.PHONY: all tests check check-quick check-packages module vm qemu install uninstall clean help FORCE
.PHONY: $(KERNELS:%=vm-%) $(MORE_KERNELS:%=vm-%) $(MORE_KERNELS:%=check-%)

all: $(ALL)

# A test's name, and what make has to build for it.
test_files = $(filter $(BUILD)/%,$(1)) $(foreach t,$(1),$($(t).deps))
tests: $(sort $(call test_files,$(CHECK_QUICK) $(CHECK)))

# Lines of the runner's list: name, timeout, p (in parallel) or s (alone), command.
define newline


endef
tab := $(shell printf '\t')
test_name = $(subst /,-,$(patsubst $(BUILD)/%,%,$(patsubst $(BUILD)/san/%,%,$(1))))
test_line = $(call test_name,$(1))$(tab)$(or $($(1).timeout),$(TEST_TIMEOUT))$(tab)$(2)$(tab)$(or $($(1).cmd),$(1))$(newline)
test_lines = $(subst $(newline) ,$(newline),$(foreach t,$(1),$(call test_line,$(t),$(2))))

# The first steps of a check are in its list as well, so that whatever fails the summary comes.
deps.timeout := 1800
build.timeout := 3600
run = $(file >$(BUILD)/$@.list,$(call test_lines,deps build,s)$(call test_lines,$(1),p)$(call test_lines,$(2),s)$(call test_lines,$(3),p))tools/dev/runtests.sh -j $(JOBS) -o $(BUILD)/logs $(BUILD)/$@.list

check-quick: deps.cmd = tools/dev/deps.sh build fuzz demo
check-quick: build.cmd = $(MAKE) -k -j $(JOBS) $(ALL) $(sort $(call test_files,$(CHECK_QUICK)))
check-quick:
	+@$(call run,$(CHECK_QUICK))

check: deps.cmd = tools/dev/deps.sh build fuzz demo qemu kernel debug-kernel static vm
check: build.cmd = $(MAKE) -k -j $(JOBS) all tests
check:
	+@$(call run,$(CHECK_QUICK),$(CHECK_FIRST),$(CHECK))

check-%: deps.cmd = tools/dev/deps.sh build qemu kernel debug-kernel vm
check-%: build.cmd = $(MAKE) -k -j $(JOBS) $(sort $(call test_files,$(CHECK_$*)))
$(MORE_KERNELS:%=check-%): check-%:
	+@$(call run,,module-$* qemu,$(CHECK_$*))

# Packages are built and used in roots of their own, in the VM as well.
check-packages: deps.cmd = tools/dev/deps.sh build qemu kernel vm packages
check-packages: build.cmd = tools/dev/kernel.sh get 6.12 && tools/dev/kernel.sh get 7.x
check-packages:
	+@$(call run,,qemu packages-build,$(CHECK_packages))

DEPS := build fuzz qemu kernel debug-kernel static vm packages demo bench growth train pictures
.PHONY: $(DEPS:%=deps-%)
$(DEPS:%=deps-%): deps-%:
	$(Q)tools/dev/deps.sh $*

qemu: deps-qemu
	$(Q)qemu-device/build.sh

# Kbuild knows what is out of date, also when the kernel has become a newer one.
$(BUILD)/kernel/%/npu.ko: FORCE | deps-kernel
	$(Q)tools/dev/kernel.sh build $*

module: $(BUILD)/kernel/$(KVER)/npu.ko

$(KERNELS:%=vm-%) $(MORE_KERNELS:%=vm-%): vm-%: $(BUILD)/kernel/%/npu.ko qemu | deps-vm

# Variables of make's command line are in the recipes' environment, so the command needs no quoting.
vm: vm-$(KVER) $(NPUCTL)
	$(Q)tests/vm/run.sh $(if $(RUN),,--interactive) --kernel $(KVER) --cards $(CARDS) \
		$(addprefix --file ,$(NPUCTL) $(FILES)) $(VM_OPTIONS) $(if $(RUN),-- "$$RUN")

install: all $(INSTALL)

# What install puts there, asked of install itself; folders that are ours alone go as well.
INSTALLED := $(BUILD)/installed
uninstall:
	$(Q)rm -rf $(INSTALLED)
	+$(Q)$(MAKE) --no-print-directory install DESTDIR=$(INSTALLED)
	$(Q)cd $(INSTALLED) && find . ! -type d -printf '/%P\0' | sed -z 's|^|$(DESTDIR)|' | xargs -0 rm -f
	$(Q)rmdir $(DESTDIR)$(INCLUDEDIR)/npu/hw $(DESTDIR)$(INCLUDEDIR)/npu 2>/dev/null || true
	$(Q)rm -rf $(INSTALLED)

clean:
	rm -rf $(BUILD)

define help_text
Goals
  all          the library and the tools (what plain `make` builds)
  demo         classify real images on the card in a VM; DEVICE=sim: needs no VM
  check        everything: units, modules, QEMU, VMs; installs what is missing
  check-quick  the tests that need no VM
  check-packages  Debian packages: built, installed and used in Debian 12 and 13, purged
  check-debug-7.x  the driver's tests on Linux 7.x that checks itself; compiles it the first time
  bench        measure; writes build/bench.json
  bench-growth measure what many queues, buffers, mappings cost; writes build/growth.json, draws docs/growth-*.svg
  pictures     draw the pages' pictures of docs/pictures/
  fuzz         ONNX files, images and the card under libFuzzer, FUZZ_SECONDS each (600)
  soak         what the driver has to bear, thousands of times, in VMs; SOAK=NAMES N=COUNT
  module       npu.ko for the kernel KVER
  qemu         QEMU with the card, as build/qemu/qemu-system-x86_64
  vm           a shell in a VM with the card, npu.ko, npuctl and FILES, or RUN=COMMAND in it; leave it with Ctrl-A X
  vm-6.12, vm-7.x, vm-debug  all that VM tests on that kernel need, without running any
  install      the library, the tools and udev's rule, to DESTDIR and PREFIX (docs/install.md)
  install-dkms the driver's sources for DKMS
  uninstall    take away what install put there
  clean        remove build/ (what is cached in NPU_CACHE stays)

Variables
  V=1          print every command
  CC CFLAGS    the compiler (gcc) and its optimisation and debug flags (-O2 -g)
  JOBS         what runs side by side (number of processors)
  KVER         6.12, 7.x, debug, debug-7.x, or for module the release of an installed kernel (6.12)
  DEVICE       the device of the demo (accel0, in the VM)
  CARDS FILES  of `make vm`: cards (1); files and folders that come along
  RUN          of `make vm`: a command to run there instead of a shell
  VM_OPTIONS   of `make vm`: more options of tests/vm/run.sh
  PREFIX DESTDIR  where to install (/usr/local)
  NPU_CACHE    where kernels and QEMU are kept (~/.cache/npu)
endef

help:
	@: $(info $(help_text))

-include $(shell find $(BUILD) -path $(BUILD)/kernel -prune -o -name '*.d' -type f -print)
