#!/bin/sh
# SPDX-License-Identifier: MIT
# Copyright (c) 2026 the npu authors
#
# exports.sh libnpu.so header...: the library exports the functions that its public headers declare, and nothing else.
set -eu
export LC_ALL=C

lib=$1
shift
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT

nm -D --defined-only "$lib" | awk '$2 == "T" || $2 == "D" || $2 == "B" || $2 == "R" { sub(/@.*/, "", $3); print $3 }' |
	sort -u >"$dir/exported"
# A declaration starts in the first column and names a function before its first parenthesis.
cat "$@" | grep -E '^[a-z].*\b\*?npu_[a-z0-9_]+\(' | grep -v '^static' |
	sed -E 's/^[^(]*\b(npu_[a-z0-9_]+)\(.*/\1/' | sort -u >"$dir/declared"
test -s "$dir/declared"

status=0
if comm -23 "$dir/declared" "$dir/exported" | sed 's/^/declared but not exported: /' | grep .; then
	status=1
fi
if comm -13 "$dir/declared" "$dir/exported" | sed 's/^/exported but not declared: /' | grep .; then
	status=1
fi
exit $status
