#!/bin/bash
# SPDX-License-Identifier: MIT
# Copyright (c) 2026 the npu authors
#
# Usage: qmp.sh NPUCTL QEMU
#
# npuctl inject on a real QEMU, whose machine need not run: what is injected can be read back.

npuctl=$1
qemu=$2
here=$(dirname "$0")
# shellcheck source=tests/npuctl/lib.sh
. "$here/lib.sh"
unset NPU_DEVICE

# boot PROPERTIES: a machine with a card, paused.
boot() {
	[ -z "$pid" ] || kill "$pid"
	rm -f "$work/qmp"
	"$qemu" -L /usr/share/seabios -L /usr/share/qemu -nodefaults -display none -machine q35,accel=tcg -S -m 128 \
		-device "npu,id=npu0$1" -qmp "unix:$work/qmp,server=on,wait=off" 2>"$work/qemu" &
	pid=$!
	for ((i = 0; i < 600; i++)); do
		[ ! -S "$work/qmp" ] || return 0
		sleep 0.1
	done
	cat "$work/qemu"
}
pid=
trap '[ -z "$pid" ] || kill "$pid"; rm -rf "$work"' EXIT

boot ,inject=on
for fault in "job-hang 3" "card-hang 1" "ecc-corrected 7" "ecc-uncorrected 4096" "temperature 90000" "lost-irq 2" \
	     "dropped-completion 1" "corrupt-completion 1" "bad-pte 4" "where -1" "seed 0x10"; do
	# Fault and number.
	# shellcheck disable=SC2086
	ends 0 "inject $fault" inject --qmp "$work/qmp" -- $fault
done
tells "npu0: seed 16"
ends 0 "inject --json" inject --qmp "$work/qmp" --json job-hang 1
tells '"fault": "job-hang"'
refuses 1 "QEMU refuses" inject --qmp "$work/qmp" --card npu7 job-hang 1
refuses 1 "QEMU refuses" inject --qmp "$work/qmp" card-hang 9
refuses 1 "No such file" inject --qmp "$work/none" job-hang 1
refuses 1 "-qmp unix:" inject --qmp "$work/qemu" job-hang 1
boot ""
refuses 1 "QEMU refuses" inject --qmp "$work/qmp" job-hang 1

finish
