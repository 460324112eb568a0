# SPDX-License-Identifier: MIT
# Copyright (c) 2026 the npu authors
#
# npucc as a command, and its quantiser against plain references, with ASan and UBSan.

NPUCC_SAN := $(BUILD)/san/tools/npucc/npucc
NPUCC_TEST_QUANT := $(BUILD)/san/tests/npucc/test_quant
NPUCC_TEST_UNITS := $(addprefix $(BUILD)/san/tests/npucc/,test_fold test_extremes)

npucc-options.cmd = tests/npucc/options.sh $(NPUCC_SAN) $(ONNX_TESTDATA)
npucc-options.deps = $(NPUCC_SAN)
npucc-quantize.cmd = tests/npucc/quantize.sh $(NPUCC_SAN) $(ONNX_TESTDATA)
npucc-quantize.deps = $(NPUCC_SAN)

$(call variants,tests/npucc/%.o): XCFLAGS = -I. -Itools/npucc -Itools/lib -Itests/graph -ffp-contract=off
$(NPUCC_TEST_QUANT): private PKGS = $(NPUCC_PKGS) $(LIBNPU_PKGS)
$(NPUCC_TEST_QUANT): private XLIBS = $(LIBNPU_LIBS)
$(NPUCC_TEST_QUANT): $(NPUCC_TEST_QUANT).o $(BUILD)/san/tests/npucc/net.o \
		$(BUILD)/san/tests/graph/networks.o $(BUILD)/san/tools/npucc/npucc.a $(LIBNPU_SAN)
	$(call link,$(SAN))

$(NPUCC_TEST_QUANT).timeout = 300

$(NPUCC_TEST_UNITS): private PKGS = cmocka $(NPUCC_PKGS) $(LIBNPU_PKGS)
$(NPUCC_TEST_UNITS): private XLIBS = $(LIBNPU_LIBS)
$(BUILD)/san/tests/npucc/test_fold: private XLIBS = $(LIBNPU_LIBS) -Wl,--wrap=npu_graph_constant
$(NPUCC_TEST_UNITS): %: %.o $(BUILD)/san/tools/npucc/npucc.a $(LIBNPU_SAN)
	$(call link,$(SAN))

CHECK_QUICK += npucc-options npucc-quantize $(NPUCC_TEST_QUANT) $(NPUCC_TEST_UNITS)
