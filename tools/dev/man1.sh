#!/bin/bash
# SPDX-License-Identifier: MIT
# Copyright (c) 2026 the npu authors
#
# Usage: man1.sh PROGRAM DIR
#
# Writes manual pages to DIR that say what PROGRAM's --help says: PROGRAM.1, or where it has commands
# (lines of the section "Commands" of its help, "Verbs" of theirs) a page for each of them, PROGRAM-COMMAND.1.

set -euo pipefail
. "$(dirname "$0")/lib.sh"

[ $# = 2 ] || die "usage: man1.sh PROGRAM DIR"
program=$1
dir=$2
name=${program##*/}
awk=$(dirname "$0")/man1.awk

help_of() {
	"$program" "$@" --help </dev/null
}

# words SECTION: the commands that a help lists there.
words() {
	sed -n "/^$1\$/,/^\$/s/^  \([a-z]*\) .*/\1/p"
}

# page NAME ARGUMENT...: the page of PROGRAM ARGUMENT...
page() {
	local page=$1
	shift
	help_of "$@" | LC_ALL=C awk -v name="$page" -v program="$name" -f "$awk" >"$dir/$page.1"
}

rm -rf "$dir"
mkdir -p "$dir"
commands=$(help_of | words Commands)
[ -n "$commands" ] || page "$name"
for command in $commands; do
	page "$name-$command" "$command"
	for verb in $(help_of "$command" | words Verbs); do
		page "$name-$command-$verb" "$command" "$verb"
	done
done
