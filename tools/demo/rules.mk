# SPDX-License-Identifier: MIT
# Copyright (c) 2026 the npu authors
#
# The demo and its tests. The network is tools/demo/fmnist.onnx, in float; npucc quantises it with
# training images. `make demo-train` makes it anew.

DEMO_SOURCES := $(addprefix tools/demo/,error.c font.c idx.c params.c picture.c reference.c) tools/lib/npy.c
DEMO_OBJS := $(DEMO_SOURCES:%.c=$(BUILD)/%.o)
DEMO_PKGS := libpng zlib

$(call variants,tests/demo/%.o): XCFLAGS = -I. -Itools/lib
$(call variants,tools/demo/%.o): XCFLAGS = -Itools/lib
# Plain loops over channels: the compiler vectorises them if it may.
$(call variants,tools/demo/reference.o): XCFLAGS = -Itools/lib -O3

DEMO_TEST_MODEL := $(BUILD)/san/tests/demo/test_demo_model
$(DEMO_TEST_MODEL): private PKGS = cmocka $(DEMO_PKGS)
$(DEMO_TEST_MODEL): private XLIBS = -lm
$(DEMO_TEST_MODEL): $(DEMO_TEST_MODEL).o $(DEMO_SOURCES:%.c=$(BUILD)/san/%.o)
	$(call link,$(SAN))

DEMO := $(BUILD)/tools/demo/npu-demo
ALL += $(DEMO)
$(DEMO): private PKGS = $(DEMO_PKGS) $(LIBNPU_PKGS)
$(DEMO): private XLIBS = $(LIBNPU_LIBS)
$(DEMO): $(addprefix $(BUILD)/tools/demo/,demo.o network.o answers.o) $(DEMO_OBJS) $(LIBNPU)
	$(call link)

# The network as npucc makes it: quantised, with its parameters beside it; and in float, for comparison.
DEMO_NET := $(BUILD)/tools/demo/fmnist.npu
DEMO_PARAMS := $(BUILD)/tools/demo/fmnist.quant
DEMO_FLOAT := $(BUILD)/tools/demo/fmnist-float.npu
DEMO_CALIBRATION := $(BUILD)/tools/demo/calibration
DEMO_NPUCC := $(NPUCC) tools/demo/fmnist.onnx --batch 100

$(DEMO_NET): tools/demo/fmnist.onnx $(NPUCC) $(DEMO)
	$(call quiet,NPUCC,$@)rm -rf $(DEMO_CALIBRATION) && $(DEMO) calibrate $(DEMO_CALIBRATION) && \
		$(DEMO_NPUCC) --quantize --calibrate $(DEMO_CALIBRATION) --input-type uint8 \
		--dump-quant $(DEMO_PARAMS) -o $@

$(DEMO_FLOAT): tools/demo/fmnist.onnx $(NPUCC)
	$(call quiet,NPUCC,$@)mkdir -p $(@D) && $(DEMO_NPUCC) --dtype fp16 -o $@

# Quantised and float, on the simulated card.
DEMO_TEST_ACCURACY := $(BUILD)/tests/demo/test_demo_accuracy
$(DEMO_TEST_ACCURACY): private PKGS = $(DEMO_PKGS) $(LIBNPU_PKGS)
$(DEMO_TEST_ACCURACY): private XLIBS = $(LIBNPU_LIBS)
$(DEMO_TEST_ACCURACY): $(DEMO_TEST_ACCURACY).o $(BUILD)/tools/demo/network.o $(DEMO_OBJS) $(LIBNPU)
	$(call link)

demo-accuracy.cmd = $(DEMO_TEST_ACCURACY) $(DEMO_FLOAT) $(DEMO_NET) 10000
demo-accuracy.deps = $(DEMO_TEST_ACCURACY) $(DEMO_FLOAT) $(DEMO_NET)

demo-options.cmd = tests/demo/options.sh $(DEMO) $(DEMO_NET) $(DEMO_PARAMS) $(NPUCC) $(ONNX_TESTDATA)
demo-options.deps = $(DEMO_NET)

CHECK_QUICK += $(DEMO_TEST_MODEL) demo-accuracy demo-options

.PHONY: demo-train
demo-train:
	$(Q)/usr/bin/python3 tools/demo/train.py

# The answers are made where the card is, and judged here.
DEMO_OUT := $(BUILD)/demo
DEMO_IMAGES := /usr/share/datasets/fashion-mnist
DEMO_VM := $(filter accel%,$(DEVICE))

.PHONY: demo demo-run demo-classify
demo:
	$(Q)tools/dev/deps.sh build demo $(if $(DEMO_VM),qemu kernel vm)
	+$(Q)$(MAKE) --no-print-directory -j $(JOBS) $(DEMO_NET) $(if $(DEMO_VM),vm-$(KVER))
	+$(Q)$(MAKE) --no-print-directory demo-run

demo-run: demo-classify
	$(Q)$(DEMO) report -q $(DEMO_PARAMS) -p $(BUILD)/fashion-mnist.png $(DEMO_OUT)/answers

demo-classify:
	$(Q)mkdir -p $(DEMO_OUT) && rm -f $(DEMO_OUT)/answers
ifneq ($(DEMO_VM),)
	$(Q)tests/vm/run.sh --kernel $(KVER) --name demo --timeout 1200 --out $(DEMO_OUT) \
		--file $(DEMO) --file $(DEMO_NET) --file $(DEMO_IMAGES):/images -- \
		TERM=dumb ./npu-demo classify -d $(DEVICE) -m fmnist.npu -i /images /out/answers
else
	$(Q)$(DEMO) classify -d $(DEVICE) -m $(DEMO_NET) $(DEMO_OUT)/answers
endif

# The whole way, as tests: on the simulator, and on the card in the VM.
CHECK_QUICK += demo-sim
demo-sim.cmd = make --no-print-directory DEVICE=sim: DEMO_OUT=$(BUILD)/demo-sim demo-run
demo-sim.deps = $(DEMO_NET)
CHECK += vm-demo
vm-demo.cmd = make --no-print-directory DEVICE=accel0 DEMO_OUT=$(BUILD)/demo-vm demo-run
vm-demo.deps = $(DEMO_NET)
vm-demo.timeout = 1260
