#!/bin/bash
# SPDX-License-Identifier: MIT
# Copyright (c) 2026 the npu authors
#
# Usage: clang.sh ARGUMENT...
#
# clang-19 in place of the gcc that compiled the kernel: without the options that it does not know, and silent about names of warnings that only gcc has.

set -euo pipefail

arguments=()
for argument in "$@"; do
	case $argument in
	-fconserve-stack | -fsanitize=bounds-strict)	;;
	-Wimplicit-fallthrough=5)			arguments+=(-Wimplicit-fallthrough) ;;
	*)						arguments+=("$argument") ;;
	esac
done
exec clang-19 "${arguments[@]}" -Wno-unknown-warning-option
