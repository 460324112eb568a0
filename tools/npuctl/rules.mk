# SPDX-License-Identifier: MIT
# Copyright (c) 2026 the npu authors
#
# npuctl, its manual page and its completion.

NPUCTL := $(BUILD)/tools/npuctl/npuctl
NPUCTL_PKGS := jansson libpci ncursesw

npuctl_sources := $(wildcard tools/npuctl/*.c) tools/lib/npy.c

$(call variants,tools/npuctl/%.o): XCFLAGS = -Itools/npuctl -Itools/lib -ffp-contract=off
$(call variants,tools/npuctl/%.o): PKGS = $(NPUCTL_PKGS)

# $(1): where the variant is built; $(2): the variable with its flags; $(3): the library
define npuctl_variant
$(1)/tools/npuctl/npuctl: private PKGS = $(NPUCTL_PKGS) $(LIBNPU_PKGS)
$(1)/tools/npuctl/npuctl: private XLIBS = $(LIBNPU_LIBS)
$(1)/tools/npuctl/npuctl: $(npuctl_sources:%.c=$(1)/%.o) $(3)
	$$(call link,$$($(2)))
endef
$(eval $(call npuctl_variant,$(BUILD),,$(LIBNPU_OF_TOOLS)))
$(eval $(call npuctl_variant,$(BUILD)/san,SAN,$(LIBNPU_SAN)))

# A page for each command, which is its --help.
NPUCTL_MAN := $(BUILD)/man/npuctl/npuctl-list.1
$(NPUCTL_MAN): tools/dev/man1.sh tools/dev/man1.awk $(NPUCTL)
	$(call quiet,MAN,$@)LD_LIBRARY_PATH=$(BUILD)/libnpu tools/dev/man1.sh $(NPUCTL) $(@D)

ALL += $(NPUCTL) $(NPUCTL_MAN)
INSTALL += install-npuctl

.PHONY: install-npuctl
install-npuctl: $(NPUCTL) $(NPUCTL_MAN)
	$(Q)install -d $(DESTDIR)$(BINDIR) $(DESTDIR)$(MANDIR)/man1 $(DESTDIR)$(COMPLETIONDIR)
	$(Q)install -m 755 $(NPUCTL) $(DESTDIR)$(BINDIR)/npuctl
	$(Q)install -m 644 tools/npuctl/npuctl.1 $(dir $(NPUCTL_MAN))*.1 $(DESTDIR)$(MANDIR)/man1/
	$(Q)install -m 644 tools/npuctl/npuctl.bash $(DESTDIR)$(COMPLETIONDIR)/npuctl
