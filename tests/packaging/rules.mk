# SPDX-License-Identifier: MIT
# Copyright (c) 2026 the npu authors
#
# The packages, in roots of Debian (make check-packages).

PACKAGES := $(BUILD)/packages

packages-build.cmd = tests/packaging/build.sh $(PACKAGES)
packages-build.timeout = 3600

CHECK_packages := packages-12 packages-13
packages-12.cmd = tests/packaging/use.sh 12 $(PACKAGES) 6.12
packages-12.timeout = 2400
packages-13.cmd = tests/packaging/use.sh 13 $(PACKAGES)
packages-13.timeout = 1800
