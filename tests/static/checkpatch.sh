#!/bin/bash
# SPDX-License-Identifier: MIT
# Copyright (c) 2026 the npu authors
#
# Usage: checkpatch.sh
#
# The kernel's checkpatch.pl --strict over kernel/ and include/uapi/, a test a file. The script is that of the
# debug kernel's source.
#
# What it is not asked for: how lines of TRACE_EVENT() are broken, in npu_trace.h alone, where it does not know
# the kernel's own way.

set -euo pipefail
. "$(dirname "$0")/../../tools/dev/lib.sh"

top=$(cd "$(dirname "$0")/../.." && pwd -P)
scripts=$("$top/tools/dev/kernel.sh" path debug headers)/scripts
passed=0
failed=0

cd "$top"
while read -r file; do
	ignore=()
	[ "$file" != kernel/npu_trace.h ] || ignore=(--ignore PARENTHESIS_ALIGNMENT,OPEN_ENDED_LINE)
	# It exits 1 where it found anything; without a finding it must have looked.
	if out=$(perl "$scripts/checkpatch.pl" --strict --no-tree --show-types "${ignore[@]}" \
		 -f "$file" 2>&1) &&
	   grep -q "^total: 0 errors, 0 warnings, 0 checks, [1-9][0-9]* lines checked$" <<<"$out"; then
		passed=$((passed + 1))
	else
		failed=$((failed + 1))
		printf '%s\n' "$out"
	fi
done < <(find kernel include/uapi -name '*.[ch]' | LC_ALL=C sort)
[ "$((passed + failed))" != 0 ] || die "no file to check"
printf '%s passed, %s failed\n' "$passed" "$failed"
exit $((failed != 0))
