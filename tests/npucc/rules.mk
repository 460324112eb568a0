# SPDX-License-Identifier: MIT
# Copyright (c) 2026 the npu authors
#
# npucc as a command, with ASan and UBSan.

NPUCC_SAN := $(BUILD)/san/tools/npucc/npucc

npucc-options.cmd = tests/npucc/options.sh $(NPUCC_SAN) $(ONNX_TESTDATA)
npucc-options.deps = $(NPUCC_SAN)

CHECK_QUICK += npucc-options
