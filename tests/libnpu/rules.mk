# SPDX-License-Identifier: MIT
# Copyright (c) 2026 the npu authors
#
# libnpu's tests. Each test_NAME.c is a program of its own; use_* is libnpu from other languages; the other files are
# what tests share. A test takes its device from NPU_DEVICE, without one the simulator: build/san/tests/libnpu/test_NAME
# runs here, and the same source as build/tests/libnpu/test_NAME in the VM as well. Those in libnpu_thread_tests run with
# ThreadSanitizer too.

libnpu_tests := $(patsubst %.c,%,$(wildcard tests/libnpu/test_*.c))
libnpu_test_shared := $(filter-out tests/libnpu/test_%,$(wildcard tests/libnpu/*.c))
libnpu_thread_tests := $(filter tests/libnpu/test_queue tests/libnpu/test_fence tests/libnpu/test_eltwise,\
	$(libnpu_tests))

# The references' arithmetic is plain: a product is rounded before it is added.
$(call variants,tests/libnpu/%.o) $(BUILD)/tsan/tests/libnpu/%.o: \
	XCFLAGS = -I. -Ilibnpu -ffp-contract=off
$(call variants,tests/libnpu/%.o) $(BUILD)/tsan/tests/libnpu/%.o: PKGS = $(LIBNPU_PKGS)

# $(1): where the variant is built; $(2): the variable with its flags
define libnpu_test_variant
$(1)/tests/libnpu/libnputest.a: $(libnpu_test_shared:%.c=$(1)/%.o)
	$$(archive)
$(libnpu_tests:%=$(1)/%): private PKGS = cmocka $(LIBNPU_PKGS)
$(libnpu_tests:%=$(1)/%): private XLIBS = $(LIBNPU_LIBS)
$(libnpu_tests:%=$(1)/%): %: %.o $(1)/tests/libnpu/libnputest.a $(1)/libnpu/libnpu.a
	$$(call link,$$($(2)))
endef
$(eval $(call libnpu_test_variant,$(BUILD),))
$(eval $(call libnpu_test_variant,$(BUILD)/san,SAN))
$(eval $(call libnpu_test_variant,$(BUILD)/tsan,TSAN))

libnpu-exports.cmd = tests/libnpu/exports.sh $(LIBNPU_SHARED) libnpu/include/npu/*.h
libnpu-exports.deps = $(LIBNPU_SHARED)

# From other languages, without wrappers of ours.
LIBNPU_CXX := $(BUILD)/san/tests/libnpu/use_cxx
$(LIBNPU_CXX): private PKGS = $(LIBNPU_PKGS)
$(LIBNPU_CXX): tests/libnpu/use_cxx.cc $(LIBNPU_SAN) $(BUILD)/.flags
	$(call quiet,CXX,$@)mkdir -p $(@D) && $(CXX) -std=c++17 -Wall -Wextra -Werror -Iinclude -Ilibnpu/include \
		$(CFLAGS) $(SAN) -MMD -MP -MF $@.d -o $@ $< $(LIBNPU_SAN) $(LIBNPU_LIBS) $(pkg_libs)

libnpu-ctypes.cmd = /usr/bin/python3 tests/libnpu/use_ctypes.py $(LIBNPU_SHARED)
libnpu-ctypes.deps = $(LIBNPU_SHARED)

CHECK_QUICK += $(LIBNPU_CXX) libnpu-ctypes

# The search for plans under sanitisers: on a busy machine more than the usual time.
$(foreach t,$(libnpu_tests),$(eval $(BUILD)/san/$(t).timeout = 600))

CHECK_QUICK += $(libnpu_tests:%=$(BUILD)/san/%) libnpu-exports
CHECK += $(libnpu_thread_tests:%=$(BUILD)/tsan/%)
