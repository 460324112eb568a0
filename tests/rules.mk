# SPDX-License-Identifier: MIT
# Copyright (c) 2026 the npu authors
#
# Units first, then the PCI front; tests/vm comes after these, from the top.

-include tests/card/rules.mk
-include tests/libnpu/rules.mk
-include tests/graph/rules.mk
-include tests/fuzz/rules.mk
-include tests/qtest/rules.mk
-include tests/docs/rules.mk
-include tests/npuctl/rules.mk
-include tests/npucc/rules.mk
-include tests/bench/rules.mk
-include tests/static/rules.mk
-include tests/packaging/rules.mk
