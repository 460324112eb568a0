# SPDX-License-Identifier: GPL-2.0
# Copyright (c) 2026 the npu authors
#
# npu.ko's sources for DKMS, which compiles them for each kernel that is installed:
#
#   make install-dkms && dkms install npu/VERSION
#
# What is built here, for tests and by `make module`, tools/dev/kernel.sh builds.

DKMS_DIR := /usr/src/npu-$(VERSION)
DKMS_CONF := $(BUILD)/dkms/dkms.conf
# KUnit's tests are not among them: Kbuild leaves their module out where their sources are not.
dkms_sources := Kbuild $(wildcard kernel/npu_*.[ch] include/npu/*.h include/npu/hw/*.h include/uapi/drm/*.h)

$(DKMS_CONF): kernel/dkms.conf.in libnpu/include/npu/npu.h
	$(call quiet,GEN,$@)mkdir -p $(@D) && sed 's/@VERSION@/$(VERSION)/' $< >$@

.PHONY: install-dkms
install-dkms: $(DKMS_CONF)
	$(Q)for file in $(dkms_sources); do \
		install -D -m 644 $$file $(DESTDIR)$(DKMS_DIR)/$$file || exit; \
	done
	$(Q)install -m 644 $(DKMS_CONF) $(DESTDIR)$(DKMS_DIR)/
