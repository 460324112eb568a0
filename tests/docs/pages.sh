#!/bin/bash
# SPDX-License-Identifier: MIT
# Copyright (c) 2026 the npu authors
#
# What pages say of other files is so:
#
# - A block of C behind a comment "<!-- docs/examples/FILE.c: PART -->" has the lines of that file between "[PART]" and
#   "[end]", without their common indentation; and each such part of each example is in some page.
# - Links lead to files that are there, and to headings that those have.
# - A picture made by `make pictures' is made of the source that is there now.

set -uo pipefail
top=$(cd "$(dirname "$0")/../.." && pwd -P)
cd "$top" || exit 1

passed=0
failed=0
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

pass() {
	passed=$((passed + 1))
}

fail() {
	failed=$((failed + 1))
	printf 'FAILED: %s\n' "$@"
}

# ---- Quotations ------------------------------------------------------------------------------

# part FILE NAME
part() {
	awk -v begin="/* [$2] */" '
		{ bare = $0; gsub(/^[ \t]+|[ \t]+$/, "", bare) }
		bare == begin { on = 1; match($0, /^[ \t]*/); indent = RLENGTH; next }
		on && bare == "/* [end] */" { exit }
		on { print substr($0, 1, indent) ~ /^[ \t]*$/ ? substr($0, indent + 1) : $0 }' "$1"
}

# The quotation of each comment, in a file of its own; "PAGE LINE FILE PART" of all of them.
awk -v dir="$work" '
	/^<!-- docs\/examples\/.*: .* -->$/ {
		n++
		print FILENAME, FNR, substr($2, 1, length($2) - 1), $3
		printf "" >(dir "/quote." n)
		state = 1
		next
	}
	state == 1 { state = ($0 == "```c" ? 2 : 0); next }
	state == 2 && /^```$/ { state = 0; next }
	state == 2 { print >(dir "/quote." n) }' README.md docs/*.md >"$work/quotes"

n=0
while read -r page line file name; do
	n=$((n + 1))
	part "$file" "$name" >"$work/part"
	if [ ! -s "$work/part" ]; then
		fail "$page:$line: $file has no part [$name]"
	elif diff "$work/part" "$work/quote.$n" >"$work/diff"; then
		pass
	else
		fail "$page:$line: this is not [$name] of $file: < the file, > the page"
		cat "$work/diff"
	fi
done <"$work/quotes"

for file in docs/examples/*.c; do
	while read -r name; do
		if [ "$name" = end ] || grep -q " $file $name\$" "$work/quotes"; then
			pass
		else
			fail "$file: no page quotes [$name]"
		fi
	done < <(sed -n 's|^[ 	]*/\* \[\([a-z]*\)\] \*/$|\1|p' "$file")
done

# ---- Links -----------------------------------------------------------------------------------

# headings PAGE: as links name them.
headings() {
	sed -n '/^```/,/^```/d; s/^##* //p' "$1" | tr 'A-Z ' 'a-z-' | sed 's/[^a-z0-9_-]//g'
}

for page in README.md docs/*.md; do
	while read -r link; do
		file=${link%%#*}
		if [ -z "$file" ]; then
			file=$page
		else
			file=$(dirname "$page")/$file
		fi
		if [ ! -e "$file" ]; then
			fail "$page: the link $link leads nowhere"
		elif [[ $link == *'#'* ]] && ! headings "$file" | grep -qxF "${link#*#}"; then
			fail "$page: $file has no heading as in $link"
		else
			pass
		fi
	done < <(sed '/^```/,/^```/d' "$page" | grep -oE '\]\([^)]*\)' | sed 's/^](//; s/)$//' | grep -vE '^[a-z]+:')
done

# ---- Pictures --------------------------------------------------------------------------------

for source in docs/pictures/*.dot; do
	name=$(basename "$source" .dot)
	sum=$(sha256sum <"$source" | cut -c 1-64)
	if ! grep -qF "<!-- of pictures/$name.dot, $sum -->" "docs/$name.svg" 2>/dev/null; then
		fail "docs/$name.svg is not of $source as it is now: make pictures"
	elif ! grep -qF "($name.svg)" docs/*.md && ! grep -qF "(docs/$name.svg)" README.md; then
		fail "no page shows docs/$name.svg"
	else
		pass
	fi
done

printf '%s passed, %s failed\n' "$passed" "$failed"
[ "$failed" = 0 ] && [ "$passed" != 0 ]
