# SPDX-License-Identifier: MIT
# Copyright (c) 2026 the npu authors
#
# The driver's code, looked through by the kernel's own tools, which are in the debug kernel's source.

CHECK += checkpatch coccinelle
checkpatch.cmd = tests/static/checkpatch.sh
coccinelle.cmd = tests/static/coccinelle.sh
# A minute and a half on two idle processors.
coccinelle.timeout = 900
