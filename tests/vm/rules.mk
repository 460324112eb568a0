# SPDX-License-Identifier: MIT
# Copyright (c) 2026 the npu authors
#
# The VM harness proves itself before anything is proved with it.

CHECK += vm-selftest
vm-selftest.cmd = tests/vm/selftest.sh 6.12
vm-selftest.timeout = 1200

# Random tests repeat in the guest what they are told to here.
vm_seeds = $(foreach v,NPU_TEST_SEED NPU_SEED,$(if $($(v)),export $(v)=$($(v));))

-include tests/vm/ioctl/rules.mk
-include tests/vm/debug/rules.mk
-include tests/vm/kexec/rules.mk
-include tests/vm/soak/rules.mk

# libnpu's tests: the sources that the simulator passes, against accel0; where there are two cards, those that move
# data against accel1 as well, since all the rest is the same code. The kernels that check themselves run those alone:
# the others are about the library, and take long there.
LIBNPU_VM_TESTS := $(notdir $(libnpu_tests))
LIBNPU_VM_BINS := $(libnpu_tests:%=$(BUILD)/%)
LIBNPU_MOVING := $(filter test_buffer test_queue test_matmul,$(LIBNPU_VM_TESTS))

# $(1): the name; $(2): what is given to run.sh; $(3): the tests
define libnpu_test
vm-libnpu-$(1).deps = $(filter $(addprefix %/,$(3)),$(LIBNPU_VM_BINS))
vm-libnpu-$(1).cmd = tests/vm/run.sh --timeout $(if $(findstring debug,$(1)),1800,900) --name libnpu-$(1) \
	--device inject=on $(2) $$(vm-libnpu-$(1).deps:%=--file %) -- \
	'$$(vm_seeds) e=0; export NPU_DEVICE=accel0; for t in $(3); do ./$$$$t || e=1; done; \
	NPU_DEVICE=accel1; for t in $(if $(findstring --cards 2,$(2)),$(LIBNPU_MOVING)); do ./$$$$t || e=1; done; exit $$$$e'
vm-libnpu-$(1).timeout = $(if $(findstring debug,$(1)),1860,960)
endef
$(eval $(call libnpu_test,6.12,--kernel 6.12,$(LIBNPU_VM_TESTS)))
$(eval $(call libnpu_test,6.12-iommu,--kernel 6.12 --iommu --cards 2,$(LIBNPU_VM_TESTS)))
$(eval $(call libnpu_test,7.x,--kernel 7.x --cards 2,$(LIBNPU_VM_TESTS)))
$(eval $(call libnpu_test,7.x-iommu,--kernel 7.x --iommu,$(LIBNPU_VM_TESTS)))
$(eval $(call libnpu_test,debug,--kernel debug,$(LIBNPU_MOVING)))
$(eval $(call libnpu_test,debug-7.x,--kernel debug-7.x,$(LIBNPU_MOVING)))
CHECK += $(addprefix vm-libnpu-,6.12 6.12-iommu 7.x 7.x-iommu debug)
CHECK_debug-7.x += vm-libnpu-debug-7.x

# One compiled network, many processes and threads that run it on one card.
define requests_check
CHECK += vm-requests-$(1)
vm-requests-$(1).cmd = tests/vm/run.sh --timeout 600 --name requests-$(1) $(2) --file $(BUILD)/tests/graph/test_requests -- \
	'NPU_DEVICE=accel0 ./test_requests'
vm-requests-$(1).deps = $(BUILD)/tests/graph/test_requests
vm-requests-$(1).timeout = 660
endef
$(eval $(call requests_check,6.12,--kernel 6.12))
$(eval $(call requests_check,7.x-iommu,--kernel 7.x --iommu))

# The VM with a busy card is saved, loaded and migrated; N=50 for a long while of it.
$(BUILD)/tests/vm/load: private PKGS = $(LIBNPU_PKGS)
$(BUILD)/tests/vm/load: private XLIBS = $(LIBNPU_LIBS)
$(BUILD)/tests/vm/load: $(BUILD)/tests/vm/load.o $(BUILD)/libnpu/libnpu.a
	$(call link)

CHECK += vm-migrate
vm-migrate.cmd = tests/vm/migrate.sh $(BUILD)/tests/vm/load
vm-migrate.deps = $(BUILD)/tests/vm/load
vm-migrate.timeout = 1200
