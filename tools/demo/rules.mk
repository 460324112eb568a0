# SPDX-License-Identifier: MIT
# Copyright (c) 2026 the npu authors
#
# The demo's model side and its tests. DEMO_OBJS are what a program that classifies the images
# links, with the packages DEMO_PKGS and -lm. The weights are in the tree; `make demo-train` makes
# them anew.

DEMO_SOURCES := $(addprefix tools/demo/,error.c font.c idx.c picture.c reference.c weights.c)
DEMO_OBJS := $(DEMO_SOURCES:%.c=$(BUILD)/%.o)
DEMO_PKGS := libpng zlib

$(call variants,tests/demo/%.o): XCFLAGS = -I.
# Plain loops over channels: the compiler vectorises them if it may.
$(call variants,tools/demo/reference.o): XCFLAGS = -O3

DEMO_TEST_MODEL := $(BUILD)/san/tests/demo/test_demo_model
$(DEMO_TEST_MODEL): private PKGS = cmocka $(DEMO_PKGS)
$(DEMO_TEST_MODEL): private XLIBS = -lm
$(DEMO_TEST_MODEL): $(DEMO_TEST_MODEL).o $(DEMO_SOURCES:%.c=$(BUILD)/san/%.o)
	$(call link,$(SAN))

DEMO_TEST_ACCURACY := $(BUILD)/tests/demo/test_demo_accuracy
$(DEMO_TEST_ACCURACY): private PKGS = cmocka $(DEMO_PKGS)
$(DEMO_TEST_ACCURACY): private XLIBS = -lm
$(DEMO_TEST_ACCURACY): $(DEMO_TEST_ACCURACY).o $(DEMO_OBJS)
	$(call link)

CHECK_QUICK += $(DEMO_TEST_MODEL) $(DEMO_TEST_ACCURACY)

.PHONY: demo-train
demo-train:
	$(Q)/usr/bin/python3 tools/demo/train.py

DEMO := $(BUILD)/tools/demo/npu-demo
ALL += $(DEMO)
$(DEMO): private PKGS = $(DEMO_PKGS) $(LIBNPU_PKGS)
$(DEMO): private XLIBS = $(LIBNPU_LIBS)
$(DEMO): $(addprefix $(BUILD)/tools/demo/,demo.o network.o answers.o) $(DEMO_OBJS) $(LIBNPU)
	$(call link)

# The answers are made where the card is, and judged here.
DEMO_OUT := $(BUILD)/demo
DEMO_IMAGES := /usr/share/datasets/fashion-mnist
DEMO_VM := $(filter accel%,$(DEVICE))

.PHONY: demo demo-run demo-classify
demo:
	$(Q)tools/dev/deps.sh build demo $(if $(DEMO_VM),qemu kernel vm)
	+$(Q)$(MAKE) --no-print-directory -j $(JOBS) $(DEMO) $(if $(DEMO_VM),vm-$(KVER))
	+$(Q)$(MAKE) --no-print-directory demo-run

demo-run: demo-classify
	$(Q)$(DEMO) report -p $(BUILD)/fashion-mnist.png $(DEMO_OUT)/answers

demo-classify:
	$(Q)mkdir -p $(DEMO_OUT) && rm -f $(DEMO_OUT)/answers
ifneq ($(DEMO_VM),)
	$(Q)tests/vm/run.sh --kernel $(KVER) --name demo --timeout 1200 --out $(DEMO_OUT) \
		--file $(DEMO) --file tools/demo/fmnist.npuw --file $(DEMO_IMAGES):/images -- \
		TERM=dumb ./npu-demo classify -d $(DEVICE) -w fmnist.npuw -i /images /out/answers
else
	$(Q)$(DEMO) classify -d $(DEVICE) $(DEMO_OUT)/answers
endif

# The whole way, as tests: on the simulator, and on the card in the VM.
CHECK_QUICK += demo-sim
demo-sim.cmd = make --no-print-directory DEVICE=sim: DEMO_OUT=$(BUILD)/demo-sim demo-run
demo-sim.deps = $(DEMO)
CHECK += vm-demo
vm-demo.cmd = make --no-print-directory DEVICE=accel0 DEMO_OUT=$(BUILD)/demo-vm demo-run
vm-demo.deps = $(DEMO)
vm-demo.timeout = 600
