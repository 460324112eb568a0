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

# The number goes up when programs would have to be compiled again, which libnpu.map is there to avoid.
LIBNPU_SONAME := libnpu.so.1
LIBNPU_SHARED := $(BUILD)/libnpu/$(LIBNPU_SONAME)
# The same by the name that linkers take.
LIBNPU_LINK := $(BUILD)/libnpu/libnpu.so

# What the tools link: the archive, so that they run from build/ and in VMs with nothing beside them. Packages
# link $(LIBNPU_LINK) instead, as everybody else does.
LIBNPU_OF_TOOLS := $(LIBNPU)

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

$(LIBNPU_LINK): $(LIBNPU_SHARED)
	$(Q)ln -sf $(<F) $@

# The manual's section 3 is the public headers' comments.
LIBNPU_HEADERS := $(addprefix libnpu/include/npu/,npu.h ops.h graph.h stream.h image.h)
LIBNPU_MAN := $(BUILD)/man/man3/npu.3

$(LIBNPU_MAN): tools/dev/man3.awk $(LIBNPU_HEADERS)
	$(call quiet,MAN,$@)rm -rf $(@D) && mkdir -p $(@D) && \
		LC_ALL=C awk -v out=$(@D) -f tools/dev/man3.awk $(LIBNPU_HEADERS)

ALL += $(LIBNPU) $(LIBNPU_SHARED) $(LIBNPU_LINK) $(LIBNPU_MAN)
INSTALL += install-libnpu

.PHONY: install-libnpu
install-libnpu: $(LIBNPU) $(LIBNPU_SHARED) $(LIBNPU_MAN)
	$(Q)install -d $(DESTDIR)$(LIBDIR)/pkgconfig $(DESTDIR)$(INCLUDEDIR)/npu/hw $(DESTDIR)$(MANDIR)/man3
	$(Q)install -m 644 $(LIBNPU) $(DESTDIR)$(LIBDIR)/
	$(Q)install -m 755 $(LIBNPU_SHARED) $(DESTDIR)$(LIBDIR)/
	$(Q)ln -sf $(LIBNPU_SONAME) $(DESTDIR)$(LIBDIR)/libnpu.so
	$(Q)install -m 644 $(BUILD)/man/man3/*.3 $(DESTDIR)$(MANDIR)/man3/
	$(Q)install -m 644 $(LIBNPU_HEADERS) $(DESTDIR)$(INCLUDEDIR)/npu/
	$(Q)install -m 644 $(wildcard include/npu/hw/*.h) $(DESTDIR)$(INCLUDEDIR)/npu/hw/
	$(Q)sed -e 's|@PREFIX@|$(PREFIX)|' -e 's|@LIBDIR@|$(LIBDIR)|' \
		-e 's|@INCLUDEDIR@|$(INCLUDEDIR)|' -e 's|@VERSION@|$(VERSION)|' \
		libnpu/npu.pc.in >$(DESTDIR)$(LIBDIR)/pkgconfig/npu.pc
