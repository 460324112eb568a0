# SPDX-License-Identifier: MIT
# Copyright (c) 2026 the npu authors
#
# The driver's code, looked through by the kernel's own tools, which are in the debug kernel's source.

CHECK += checkpatch coccinelle
checkpatch.cmd = tests/static/checkpatch.sh
coccinelle.cmd = tests/static/coccinelle.sh
# A minute and a half on two idle processors.
coccinelle.timeout = 900

# Another compiler and linker have other warnings. Debian's headers refuse clang; the debug kernel's do not.
CHECK += clang
clang.cmd = tools/dev/kernel.sh build debug W=1 CC=$(CURDIR)/tests/static/clang.sh LD=ld.lld-19
clang.timeout = 900
