# SPDX-License-Identifier: MIT
# Copyright (c) 2026 the npu authors
#
# What the documents say works.

CHECK += docs-readme
docs-readme.cmd = tests/docs/readme.sh
