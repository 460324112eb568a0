# SPDX-License-Identifier: MIT
# Copyright (c) 2026 the npu authors
#
# The tools; each has its own rules.

include tools/npuctl/rules.mk
include tools/npucc/rules.mk
include tools/udev/rules.mk
# What npucc compiles.
include tools/demo/rules.mk
