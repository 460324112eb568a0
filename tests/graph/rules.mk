# SPDX-License-Identifier: MIT
# Copyright (c) 2026 the npu authors
#
# The graph compiler's tests: ONNX' own vectors, random operators against plain references, bad files.

graph_tests := $(patsubst %.c,%,$(wildcard tests/graph/test_*.c))
graph_test_shared := $(filter-out tests/graph/test_%,$(wildcard tests/graph/*.c))
ONNX_TESTDATA := /usr/share/libonnx-testdata/data

$(call variants,tests/graph/%.o): XCFLAGS = -I. -Ilibnpu -Itools/npucc -Itests/graph -I$(BUILD)/gen -ffp-contract=off
$(call variants,tests/graph/%.o): PKGS = $(LIBNPU_PKGS) $(NPUCC_PKGS)
$(call variants,tests/graph/test_conformance.o): $(BUILD)/gen/onnx.pb-c.h

# $(1): where the variant is built; $(2): the variable with its flags
define graph_test_variant
$(graph_tests:%=$(1)/%): private PKGS = cmocka $(LIBNPU_PKGS) $(NPUCC_PKGS)
$(graph_tests:%=$(1)/%): private XLIBS = $(LIBNPU_LIBS)
$(graph_tests:%=$(1)/%): %: %.o $(graph_test_shared:%.c=$(1)/%.o) $(1)/tools/npucc/npucc.a $(1)/libnpu/libnpu.a
	$$(call link,$$($(2)))
endef
$(eval $(call graph_test_variant,$(BUILD),))
$(eval $(call graph_test_variant,$(BUILD)/san,SAN))

# Requests from many threads at once, with ThreadSanitizer as well: what they share is libnpu's.
$(BUILD)/tsan/tests/graph/%.o: XCFLAGS = -I. -Itests/graph -ffp-contract=off
$(BUILD)/tsan/tests/graph/%.o: PKGS = $(LIBNPU_PKGS)
$(BUILD)/tsan/tests/graph/test_requests: private PKGS = cmocka $(LIBNPU_PKGS)
$(BUILD)/tsan/tests/graph/test_requests: private XLIBS = $(LIBNPU_LIBS)
$(BUILD)/tsan/tests/graph/test_requests: %: %.o $(BUILD)/tsan/tests/graph/networks.o $(BUILD)/tsan/libnpu/libnpu.a
	$(call link,$(TSAN))

CHECK += $(BUILD)/tsan/tests/graph/test_requests

# Much of it is the hazard checker under sanitisers: on a busy machine more than the usual time.
$(foreach t,$(graph_tests),$(eval $(BUILD)/san/$(t).timeout = 600))

graph-conformance.cmd = $(BUILD)/san/tests/graph/test_conformance $(ONNX_TESTDATA) tests/graph/unsupported.txt
graph-conformance.deps = $(BUILD)/san/tests/graph/test_conformance
graph-conformance.timeout = 600

# Whole networks take minutes under sanitisers, half a minute without.
CHECK_QUICK += $(patsubst %,$(BUILD)/san/%,$(filter-out tests/graph/test_conformance tests/graph/test_networks,\
	$(graph_tests))) graph-conformance $(BUILD)/tests/graph/test_networks
CHECK += $(BUILD)/san/tests/graph/test_networks
