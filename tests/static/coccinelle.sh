#!/bin/bash
# SPDX-License-Identifier: MIT
# Copyright (c) 2026 the npu authors
#
# Usage: coccinelle.sh [CHECK...]
#
# The kernel's own semantic checks (scripts/coccinelle of the debug kernel's source) over kernel/, a test each;
# names of some, say free/kfree, run these alone. What a check reports fails it. Those that want a compiler of
# OCaml are left out, and named.

set -euo pipefail
. "$(dirname "$0")/../../tools/dev/lib.sh"

top=$(cd "$(dirname "$0")/../.." && pwd -P)
source=$("$top/tools/dev/kernel.sh" path debug headers)

# check NAME: one of them; says what it found and writes "ok" or "failed" to $work/NAME.
check() {
	local file=$source/scripts/coccinelle/$1.cocci out=$work/${1//\//-} options status=0

	options=$(sed -n 's/.*Options://p' "$file")
	# $options is a list of words.
	spatch -D report --very-quiet --no-show-diff --cocci-file "$file" $options --dir "$top/kernel" \
		-I "$source/arch/x86/include" -I "$source/include" -I "$source/include/uapi" \
		-I "$top/include" -I "$top/kernel" >"$out.found" 2>"$out.log" || status=$?
	if [ "$status" = 0 ] && [ ! -s "$out.found" ]; then
		echo ok >"$out.result"
		return
	fi
	echo failed >"$out.result"
	printf '%s: exit code %s\n%s\n' "$1" "$status" "$(cat "$out.found")"
	[ "$status" = 0 ] || tail -n 5 "$out.log"
}

if [ "${1:-}" = --check ]; then
	work=$2
	check "$3"
	exit
fi

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
names=("$@")
if [ $# = 0 ]; then
	while read -r name; do
		if grep -q script:ocaml "$source/scripts/coccinelle/$name.cocci"; then
			echo "left out: $name"
		else
			names+=("$name")
		fi
	done < <(cd "$source/scripts/coccinelle" && find . -name '*.cocci' | sed 's,^\./,,; s,\.cocci$,,' |
		 LC_ALL=C sort)
fi
[ "${#names[@]}" != 0 ] || die "no checks in $source/scripts/coccinelle"
printf '%s\0' "${names[@]}" | xargs -0 -n 1 -P "$(nproc)" bash "$0" --check "$work"
passed=$(cat "$work"/*.result | grep -cx ok || true)
printf '%s passed, %s failed\n' "$passed" "$((${#names[@]} - passed))"
exit $((passed != ${#names[@]}))
