# SPDX-License-Identifier: MIT
# Copyright (c) 2026 the npu authors
#
# The card model as a library, in all variants: for programs, for libnpu.so, for unit tests, and for
# tests of what its threads do to each other. QEMU builds it by itself (meson.build).
#
#   build/qemu-device/card/libnpucard.a
#   build/pic/qemu-device/card/libnpucard.a
#   build/san/qemu-device/card/libnpucard.a
#   build/tsan/qemu-device/card/libnpucard.a	with ThreadSanitizer

card_sources := $(wildcard qemu-device/card/*.c)
card_library = $(1)/qemu-device/card/libnpucard.a

# -Wno-tsan: it knows no fences; the one before a completion's phase is for other processors than it sees.
TSAN := -fsanitize=thread -Wno-tsan -fno-omit-frame-pointer

$(BUILD)/tsan/%.o: %.c $(BUILD)/.flags
	$(call compile,$(TSAN))

# -O3: the card's kernels are loops for the vectoriser. -ffp-contract=off: results are specified to
# the bit, and a fused multiply-add rounds once where the specification rounds twice. The last two change no
# value: nobody looks at errno or at floating-point exceptions here, and loops with them do not vectorise.
$(call variants,qemu-device/card/%.o) $(BUILD)/tsan/qemu-device/card/%.o: \
	XCFLAGS = -O3 -ffp-contract=off -fno-math-errno -fno-trapping-math

define card_archive
$(call card_library,$(1)): $(card_sources:%.c=$(1)/%.o)
	$$(archive)
endef
$(foreach b,$(BUILD) $(BUILD)/pic $(BUILD)/san $(BUILD)/tsan,$(eval $(call card_archive,$(b))))
