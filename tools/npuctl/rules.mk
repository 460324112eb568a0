# SPDX-License-Identifier: MIT
# Copyright (c) 2026 the npu authors
#
# npuctl, its manual page and its completion.

NPUCTL := $(BUILD)/tools/npuctl/npuctl
NPUCTL_PKGS := jansson libpci ncursesw

npuctl_sources := $(wildcard tools/npuctl/*.c) tools/lib/npy.c

$(call variants,tools/npuctl/%.o): XCFLAGS = -Itools/npuctl -Itools/lib -ffp-contract=off
$(call variants,tools/npuctl/%.o): PKGS = $(NPUCTL_PKGS)

# $(1): where the variant is built; $(2): the variable with its flags
define npuctl_variant
$(1)/tools/npuctl/npuctl: private PKGS = $(NPUCTL_PKGS) $(LIBNPU_PKGS)
$(1)/tools/npuctl/npuctl: private XLIBS = $(LIBNPU_LIBS)
$(1)/tools/npuctl/npuctl: $(npuctl_sources:%.c=$(1)/%.o) $(1)/libnpu/libnpu.a
	$$(call link,$$($(2)))
endef
$(eval $(call npuctl_variant,$(BUILD),))
$(eval $(call npuctl_variant,$(BUILD)/san,SAN))

ALL += $(NPUCTL)
INSTALL += install-npuctl

.PHONY: install-npuctl
install-npuctl: $(NPUCTL)
	$(Q)install -d $(DESTDIR)$(BINDIR) $(DESTDIR)$(MANDIR)/man1 \
		$(DESTDIR)$(PREFIX)/share/bash-completion/completions
	$(Q)install -m 755 $(NPUCTL) $(DESTDIR)$(BINDIR)/npuctl
	$(Q)install -m 644 tools/npuctl/npuctl.1 $(DESTDIR)$(MANDIR)/man1/npuctl.1
	$(Q)install -m 644 tools/npuctl/npuctl.bash \
		$(DESTDIR)$(PREFIX)/share/bash-completion/completions/npuctl
