#!/bin/bash
# SPDX-License-Identifier: MIT
# Copyright (c) 2026 the npu authors
#
# Usage: idle.sh KERNEL SECONDS OUT
#
# What a card costs the host that nobody uses: two VMs side by side, the same but that one has a card of 1 GiB, with
# npu.ko loaded in both. When both have come to rest, each QEMU's processor time, context switches (of all threads and
# of the card's own) and resident memory are taken twice, SECONDS apart, into OUT/idle.json. All of the guest's memory is
# resident beforehand (-mem-prealloc): what a guest happens to touch is not QEMU's. Translated code is left out for the
# same reason. Without KVM Linux sometimes leaves the HPET running after boot, card or not, which is 250 timers a second
# for QEMU: there is none.

set -euo pipefail
. "$(dirname "$0")/../../tools/dev/lib.sh"

[ $# = 3 ] || die "usage: idle.sh KERNEL SECONDS OUT"
kernel=$1 seconds=$2 out=$3
cd "$(dirname "$0")/../.."
settle=5

pids=()
cleanup() {
	for pid in "${pids[@]}"; do
		kill "$pid" 2>/dev/null || true
	done
}
trap cleanup EXIT

# start NAME CARDS: a VM that says in a file when it is up, waits for the other, and sleeps until after the end of it all.
start() {
	tests/vm/run.sh --kernel "$kernel" --name "bench-idle-$1" --cards "$2" --device lmem=1G --memory 512M \
		--append hpet=disable --timeout 300 --out "$out" --qemu "-mem-prealloc -pidfile $out/idle-$1.pid" -- \
		": >/out/idle-$1.up; while [ ! -e /out/idle-go ]; do sleep 1; done; sleep $((seconds + 3 * settle))" >"$out/idle-$1.log" &
	pids+=($!)
}

# resident PID: MiB, without what is writable code: TCG's translations.
resident() {
	awk '/^[0-9a-f]+-/ { code = $2 ~ /wx/ } /^Rss:/ && !code { kib += $2 } END { print kib / 1024 }' "/proc/$1/smaps"
}

# switches PID NAME: context switches so far of all threads whose names begin so.
switches() {
	local task n=0

	for task in "/proc/$1"/task/*; do
		[[ $(<"$task/comm") != "$2"* ]] ||
			n=$((n + $(awk '/ctxt_switches/ { n += $2 } END { print n }' "$task/status")))
	done
	printf '%s' "$n"
}

# sample NAME: an object of what that VM's QEMU has taken so far.
sample() {
	local pid fields

	pid=$(<"$out/idle-$1.pid")
	fields=$(<"/proc/$pid/stat")
	# Behind the name, which may have spaces: user and system time are the 12th and 13th.
	read -ra fields <<<"${fields##*) }"
	printf '{"time_s": %s, "cpu_s": %s, "switches": %s, "own_switches": %s, "rss_mib": %s}' "$(date +%s.%N)" \
		"$(awk "BEGIN { print (${fields[11]} + ${fields[12]}) / $(getconf CLK_TCK) }")" \
		"$(switches "$pid" "")" "$(switches "$pid" npu-)" "$(resident "$pid")"
}

rm -f "$out"/idle-*
start none 0
start card 1
for ((i = 0; i < 120; i++)); do
	[ ! -e "$out/idle-none.up" ] || [ ! -e "$out/idle-card.up" ] || break
	sleep 1
done
[ "$i" != 120 ] || die "the VMs do not come up"
: >"$out/idle-go"
sleep "$settle"
none=$(sample none)
card=$(sample card)
sleep "$seconds"
printf '{"none": [%s, %s], "card": [%s, %s]}\n' "$none" "$(sample none)" "$card" "$(sample card)" >"$out/idle.json"
for pid in "${pids[@]}"; do
	wait "$pid" || die "a VM that idled did not end well: $out/idle-*.log"
done
pids=()
