# SPDX-License-Identifier: MIT
# Copyright (c) 2026 the npu authors
#
# What the driver promises to bear, many times over: `make soak` does it for hours, `make check` a little of it.
# soak.sh has the counts.

SOAK_BIN := $(BUILD)/tests/vm/soak/soak
SOAK_OBJECTS := $(addprefix $(BUILD)/tests/vm/soak/,main.o soak.o work.o innocents.o removal.o suspend.o loss.o)
$(BUILD)/tests/vm/soak/%.o: private PKGS = libdrm
$(SOAK_BIN): private PKGS = cmocka
$(SOAK_BIN): $(SOAK_OBJECTS) $(IOCTL_SHARED)
	$(call link)

# Which of them (all), and how often each (its own count). SEED repeats a run.
SOAK :=
N :=

.PHONY: soak
soak: $(SOAK_BIN) vm-$(KVER)
	$(Q)tests/vm/soak/soak.sh --kernel $(KVER) $(if $(N),--count $(N)) $(if $(SEED),--seed $(SEED)) \
		$(SOAK_BIN) $(subst $(comma), ,$(SOAK))

CHECK += vm-soak
vm-soak.cmd = tests/vm/soak/soak.sh --short $(SOAK_BIN)
vm-soak.deps = $(SOAK_BIN)
vm-soak.timeout = 3300
