#!/bin/bash
# SPDX-License-Identifier: MIT
# Copyright (c) 2026 the npu authors
#
# Usage: run.sh [--vm SERIES]
#
# Takes all measurements of `make bench`, one after the other, into build/bench/, a file each, and has them put together
# into build/bench.json. What is compared is measured in turn, round by round, so that a machine that changes its mind in
# between is the same for all. Built before: npuctl, onednn, compile, report; for --vm memory, npu.ko and QEMU.

set -euo pipefail
. "$(dirname "$0")/../../tools/dev/lib.sh"

top=$(cd "$(dirname "$0")/../.." && pwd -P)
cd "$top"
kernel=
case $# in
0)	;;
2)	[ "$1" = --vm ] || die "usage: run.sh [--vm SERIES]"
	kernel=$2 ;;
*)	die "usage: run.sh [--vm SERIES]" ;;
esac

out=build/bench
npuctl=build/tools/npuctl/npuctl
host_rounds=5
vm_rounds=9
idle_seconds=30
sizes=(512 1024 2048 4096)
rm -rf "$out"
mkdir -p "$out"
unset NPU_DEVICE
read -r load _ </proc/loadavg
printf '%s\n' "$load" >"$out/load"

progress() {
	printf '%s\n' "$*"
}

# Ratios of what is measured in turn stand that, single figures do not.
[ "${load%.*}" = 0 ] || progress "note: this machine is busy (load average $load); its figures will be too low"

# product FILE DEVICE OPTION...
product() {
	local file=$1 device=$2
	shift 2
	"$npuctl" bench matmul --device "$device" --seconds 1 --json "$@" >"$out/$file"
}

# Rounds of the simulated card, when the VM asks for them (vm.sh): it waits meanwhile.
serve_turns() {
	local turn n

	while :; do
		for turn in "$out"/turn-[0-9]; do
			[ -e "$turn" ] || continue
			for n in 1024 2048; do
				product "turn-sim-$n-${turn##*-}.json" sim:cores=1,check=off \
					--rows "$n" --columns "$n" --inner "$n"
			done
			rm "$turn"
		done
		sleep 0.1
	done
}

for ((r = 1; r <= host_rounds; r++)); do
	progress "host: round $r of $host_rounds, products of oneDNN and of the simulated card"
	for n in "${sizes[@]}"; do
		size=(--rows "$n" --columns "$n" --inner "$n")
		build/tests/bench/onednn 1 "$n" >"$out/onednn-$n-$r.json"
		product "sim-requant-$n-$r.json" sim:cores=1,check=off "${size[@]}"
		product "sim-bf16-$n-$r.json" sim:cores=1,check=off "${size[@]}" --dtype bf16 --out sums
	done
	product "sim-sums-$r.json" sim:cores=1,check=off --out sums
	product "sim-unchecked-$r.json" sim:cores=1,check=off
	product "sim-checked-$r.json" sim:cores=1,check=on
	product "two-cores-$r.json" sim:cores=2,check=off
	product "two-cards-first-$r.json" sim:cores=1,check=off &
	first=$!
	product "two-cards-second-$r.json" sim:cores=1,check=off
	wait "$first"
done
resnet=tests/data/shapes/resnet50_v1_5.csv
for ((r = 1; r <= host_rounds; r++)); do
	progress "host: round $r of $host_rounds, convolutions of ResNet-50 and whole networks"
	build/tests/bench/onednn_conv 100 "$resnet" >"$out/onednn-conv-$r.json"
	"$npuctl" bench shapes "$resnet" --time 100 --device sim:cores=1,check=off --json >"$out/sim-conv-$r.json"
	build/tests/bench/network 1 >"$out/network-$r.json"
done
for ((r = 1; r <= host_rounds; r++)); do
	progress "host: round $r of $host_rounds, compiling networks, eager calls"
	build/tests/bench/compile >"$out/compile-$r.json"
done
for file in tests/data/shapes/*.csv; do
	for dtype in int8 bf16; do
		name=$(basename "$file" .csv)
		progress "layers: $name, $dtype"
		"$npuctl" bench shapes "$file" --dtype $dtype --device sim: --json \
			>"$out/shapes-$name-$dtype.json"
	done
done
if [ -n "$kernel" ]; then
	progress "VMs: Linux $kernel with an idle card and without one, $idle_seconds s"
	tests/bench/idle.sh "$kernel" "$idle_seconds" "$out"
	serve_turns &
	turns=$!
	trap 'kill "$turns" 2>/dev/null || true' EXIT
	progress "VM: Linux $kernel, the card beside QEMU's nvme disk, $vm_rounds rounds"
	tests/vm/run.sh --kernel "$kernel" --name bench --timeout 600 --nvme --device cores=1,check=off \
		--file "$npuctl" --file build/tests/bench/memory --file "$(command -v fio)" --out "$out" \
		--script tests/bench/vm.sh -- "$vm_rounds"
fi
build/tests/bench/report "$out" build/bench.json
