# SPDX-License-Identifier: MIT
# Copyright (c) 2026 the npu authors
#
# npucc. The messages of ONNX come from the onnx.proto that Debian's libonnx-dev has, made C by protoc-c here.

NPUCC := $(BUILD)/tools/npucc/npucc
NPUCC_PKGS := libprotobuf-c
ONNX_PROTO := /usr/include/onnx/onnx.proto

# What tests link as well: all but main().
npucc_sources := $(filter-out tools/npucc/main.c,$(wildcard tools/npucc/*.c)) tools/lib/npy.c

$(BUILD)/gen/onnx.pb-c.c $(BUILD)/gen/onnx.pb-c.h &: $(ONNX_PROTO)
	$(call quiet,PROTOC,$(BUILD)/gen/onnx.pb-c.c)mkdir -p $(BUILD)/gen && \
		protoc-c --c_out=$(BUILD)/gen -I$(dir $(ONNX_PROTO)) $(ONNX_PROTO)

$(call variants,tools/npucc/%.o): XCFLAGS = -Itools/npucc -Itools/lib -I$(BUILD)/gen
$(call variants,tools/npucc/%.o): PKGS = $(NPUCC_PKGS)
$(foreach s,$(npucc_sources:%.c=%.o) tools/npucc/main.o,$(call variants,$(s))): $(BUILD)/gen/onnx.pb-c.h

# $(1): where the variant is built; $(2): the variable with its flags; $(3): the library
define npucc_variant
$(1)/gen/onnx.pb-c.o: $(BUILD)/gen/onnx.pb-c.c $(BUILD)/.flags
	$$(call compile,$$($(2)))
$(1)/tools/npucc/npucc.a: $(npucc_sources:%.c=$(1)/%.o) $(1)/gen/onnx.pb-c.o
	$$(archive)
$(1)/tools/npucc/npucc: private PKGS = $(NPUCC_PKGS) $(LIBNPU_PKGS)
$(1)/tools/npucc/npucc: private XLIBS = $(LIBNPU_LIBS)
$(1)/tools/npucc/npucc: $(1)/tools/npucc/main.o $(1)/tools/npucc/npucc.a $(3)
	$$(call link,$$($(2)))
endef
$(eval $(call npucc_variant,$(BUILD),,$(LIBNPU_OF_TOOLS)))
$(eval $(call npucc_variant,$(BUILD)/san,SAN,$(LIBNPU_SAN)))

NPUCC_MAN := $(BUILD)/man/npucc/npucc.1
$(NPUCC_MAN): tools/dev/man1.sh tools/dev/man1.awk $(NPUCC)
	$(call quiet,MAN,$@)LD_LIBRARY_PATH=$(BUILD)/libnpu tools/dev/man1.sh $(NPUCC) $(@D)

ALL += $(NPUCC) $(NPUCC_MAN)
INSTALL += install-npucc

.PHONY: install-npucc
install-npucc: $(NPUCC) $(NPUCC_MAN)
	$(Q)install -d $(DESTDIR)$(BINDIR) $(DESTDIR)$(MANDIR)/man1 $(DESTDIR)$(COMPLETIONDIR)
	$(Q)install -m 755 $(NPUCC) $(DESTDIR)$(BINDIR)/npucc
	$(Q)install -m 644 $(NPUCC_MAN) $(DESTDIR)$(MANDIR)/man1/
	$(Q)install -m 644 tools/npucc/npucc.bash $(DESTDIR)$(COMPLETIONDIR)/npucc
