# SPDX-License-Identifier: MIT
# Copyright (c) 2026 the npu authors
#
# libnpu. The card, which is its simulator, is part of both libraries, so who links libnpu names
# nothing else of the tree:
#
#   build/some/program: private PKGS = $(LIBNPU_PKGS)
#   build/some/program: private XLIBS = $(LIBNPU_LIBS)
#   build/some/program: build/some/program.o $(LIBNPU)
#   	$(call link)

comma := ,

LIBNPU := $(BUILD)/libnpu/libnpu.a
LIBNPU_SAN := $(BUILD)/san/libnpu/libnpu.a
LIBNPU_PKGS := libdrm
LIBNPU_LIBS := -lm -pthread

LIBNPU_VERSION := 0.1.0
LIBNPU_SONAME := libnpu.so.0
LIBNPU_SHARED := $(BUILD)/libnpu/libnpu.so.$(LIBNPU_VERSION)

libnpu_sources := $(wildcard libnpu/hal/*.c libnpu/isa/*.c libnpu/kernels/*.c libnpu/graph/*.c) \
	$(wildcard qemu-device/card/*.c)

$(call variants,libnpu/%.o) $(BUILD)/tsan/libnpu/%.o: XCFLAGS = -I. -Ilibnpu
$(call variants,libnpu/%.o) $(BUILD)/tsan/libnpu/%.o: PKGS = $(LIBNPU_PKGS)

define libnpu_archive
$(1)/libnpu/libnpu.a: $(libnpu_sources:%.c=$(1)/%.o)
	$$(archive)
endef
$(foreach b,$(BUILD) $(BUILD)/san $(BUILD)/tsan,$(eval $(call libnpu_archive,$(b))))

$(LIBNPU_SHARED): private PKGS = $(LIBNPU_PKGS)
$(LIBNPU_SHARED): private XLIBS = $(LIBNPU_LIBS)
$(LIBNPU_SHARED): $(libnpu_sources:%.c=$(BUILD)/pic/%.o) libnpu/libnpu.map
	$(call link,-shared -Wl$(comma)-soname$(comma)$(LIBNPU_SONAME) -Wl$(comma)-z$(comma)defs \
		-Wl$(comma)--version-script=libnpu/libnpu.map)


$(BUILD)/libnpu/$(LIBNPU_SONAME) $(BUILD)/libnpu/libnpu.so: $(LIBNPU_SHARED)
	$(Q)ln -sf $(<F) $@

ALL += $(LIBNPU) $(LIBNPU_SHARED) $(BUILD)/libnpu/$(LIBNPU_SONAME) $(BUILD)/libnpu/libnpu.so
INSTALL += install-libnpu

.PHONY: install-libnpu
install-libnpu: $(LIBNPU) $(LIBNPU_SHARED)
	$(Q)install -d $(DESTDIR)$(LIBDIR)/pkgconfig $(DESTDIR)$(INCLUDEDIR)/npu/hw
	$(Q)install -m 644 $(LIBNPU) $(DESTDIR)$(LIBDIR)/
	$(Q)install -m 755 $(LIBNPU_SHARED) $(DESTDIR)$(LIBDIR)/
	$(Q)ln -sf $(notdir $(LIBNPU_SHARED)) $(DESTDIR)$(LIBDIR)/$(LIBNPU_SONAME)
	$(Q)ln -sf $(LIBNPU_SONAME) $(DESTDIR)$(LIBDIR)/libnpu.so
	$(Q)install -m 644 $(wildcard libnpu/include/npu/*.h) $(DESTDIR)$(INCLUDEDIR)/npu/
	$(Q)install -m 644 $(wildcard include/npu/hw/*.h) $(DESTDIR)$(INCLUDEDIR)/npu/hw/
	$(Q)sed -e 's|@PREFIX@|$(PREFIX)|' -e 's|@LIBDIR@|$(LIBDIR)|' \
		-e 's|@INCLUDEDIR@|$(INCLUDEDIR)|' -e 's|@VERSION@|$(LIBNPU_VERSION)|' \
		libnpu/npu.pc.in >$(DESTDIR)$(LIBDIR)/pkgconfig/npu.pc
