# SPDX-License-Identifier: MIT
# Copyright (c) 2026 the npu authors
#
# The card's unit tests. Each test_NAME.c is a program of its own, run with ASan and UBSan; the other files are
# what tests share (a host for the card, plain references). Those in card_thread_tests run with ThreadSanitizer
# as well.

card_tests := $(patsubst %.c,%,$(wildcard tests/card/test_*.c))
card_test_shared := $(filter-out tests/card/test_%,$(wildcard tests/card/*.c))
card_thread_tests := $(filter tests/card/test_rings tests/card/test_mmu tests/card/test_sched \
	tests/card/test_regs tests/card/test_card tests/card/test_inject%,$(card_tests))

card_test_flags := -Iqemu-device/card -ffp-contract=off
$(call variants,tests/card/%.o) $(BUILD)/tsan/tests/card/%.o: XCFLAGS = $(card_test_flags)

define card_test_archive
$(1)/tests/card/libcardtest.a: $(card_test_shared:%.c=$(1)/%.o)
	$$(archive)
endef
$(foreach b,$(BUILD)/san $(BUILD)/tsan,$(eval $(call card_test_archive,$(b))))

$(card_tests:%=$(BUILD)/san/%): private PKGS = cmocka
$(card_tests:%=$(BUILD)/san/%): private XLIBS = -lm
$(card_tests:%=$(BUILD)/san/%): %: %.o $(BUILD)/san/tests/card/libcardtest.a \
		$(call card_library,$(BUILD)/san)
	$(call link,$(SAN))

$(card_tests:%=$(BUILD)/tsan/%): private PKGS = cmocka
$(card_tests:%=$(BUILD)/tsan/%): private XLIBS = -lm
$(card_tests:%=$(BUILD)/tsan/%): %: %.o $(BUILD)/tsan/tests/card/libcardtest.a \
		$(call card_library,$(BUILD)/tsan)
	$(call link,$(TSAN))

CHECK_QUICK += $(card_tests:%=$(BUILD)/san/%)
CHECK += $(card_thread_tests:%=$(BUILD)/tsan/%)
# Two minutes, and as long again beside VMs.
$(foreach t,$(card_thread_tests),$(eval $(BUILD)/tsan/$(t).timeout = 600))
