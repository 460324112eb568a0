#!/bin/bash
# SPDX-License-Identifier: MIT
# Copyright (c) 2026 the npu authors
#
# Usage: qmp.sh DIR
#
# Lets a guest inject faults: reads requests, a line each, from its third serial line, has QEMU set the
# property, and answers "ok" or "error WHY". DIR/guest.{in,out} and DIR/qmp.{in,out} are the two ends of
# pipes that QEMU has opened (-chardev pipe). Ends when QEMU does, or is killed.
#
#	npu0 inject-lost-irq 3
#
# Nothing else gets through: a card of run.sh's, a property inject-*, a whole number.

set -uo pipefail

dir=$1
request='^(npu[0-9]+) (inject-[a-z-]+) (-?[0-9]+)$'

exec 3<"$dir/guest.out" 4>"$dir/guest.in" 5<"$dir/qmp.out" 6>"$dir/qmp.in"

# ask JSON: sets `answer' to the first line that is one; events come between.
ask() {
	printf '%s\n' "$1" >&6
	while IFS= read -r answer <&5; do
		case $answer in
		'{"return"'* | '{"error"'*) return ;;
		esac
	done
	exit 1
}

ask '{"execute": "qmp_capabilities"}'
while IFS= read -r line <&3; do
	line=${line%$'\r'}
	if [[ $line =~ $request ]]; then
		ask "{\"execute\": \"qom-set\", \"arguments\": {\"path\": \"/machine/peripheral/${BASH_REMATCH[1]}\",
			\"property\": \"${BASH_REMATCH[2]}\", \"value\": ${BASH_REMATCH[3]}}}"
	else
		answer='"desc": "not allowed"'
	fi
	if [[ $answer =~ ^'{"return"' ]]; then
		printf 'ok\n' >&4
	else
		why=${answer#*\"desc\": \"}
		printf 'error %s\n' "${why%%\"*}" >&4
	fi
done
