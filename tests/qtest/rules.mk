# SPDX-License-Identifier: MIT
# Copyright (c) 2026 the npu authors
#
# The PCI front in QEMU, driven over qtest. Needs build/qemu, which the test `qemu' makes before it.

CHECK += build/tests/qtest/test_front
build/tests/qtest/test_front: private PKGS = cmocka
build/tests/qtest/test_front: build/tests/qtest/test_front.o build/tests/qtest/qtest.o
	$(call link)
