#!/bin/bash
# SPDX-License-Identifier: MIT
# Copyright (c) 2026 the npu authors
#
# Usage: growth.sh KERNEL
#        growth.sh --plot
#
# What more of everything costs: takes it in a VM (growth_vm.sh), writes build/growth.json, prints it, and draws
# docs/growth-*.svg; --plot only draws build/growth.json again. Built before: growth_jobs, growth_memory, npu.ko and QEMU.

set -euo pipefail
. "$(dirname "$0")/../../tools/dev/lib.sh"

[ $# = 1 ] || die "usage: growth.sh KERNEL|--plot"
cd "$(dirname "$0")/../.."
out=build/growth
json=build/growth.json
buffers=100000
mappings=1000000

measure() {
	rm -rf "$out"
	mkdir -p "$out"
	tests/vm/run.sh --kernel "$1" --name bench-growth --timeout 1800 --memory 3G --device cores=1,check=off,lmem=1G \
		--file build/tests/bench/growth_jobs --file build/tests/bench/growth_memory --out "$out" \
		--script tests/bench/growth_vm.sh -- "$buffers" "$mappings"
	# Of rounds the median.
	jq -n --arg kernel "$1" --argjson processors "$(nproc)" \
		--slurpfile queues "$out/growth-queues.json" --slurpfile processes "$out/growth-processes.json" \
		--slurpfile host "$out/growth-host.json" --slurpfile local "$out/growth-local.json" \
		--slurpfile mappings "$out/growth-mappings.json" '
		def median: group_by(.count) | map({ count: .[0].count, jobs_per_s: (map(.jobs_per_s) | sort | .[length / 2 | floor]) });
		{ schema: "npu-growth", version: 1, kernel: $kernel, processors: $processors,
		  queues: ($queues | median), processes: ($processes | median),
		  host_buffers: $host[0], local_buffers: $local[0], mappings: $mappings[0] }' >"$json"
}

# rows SERIES FIELD: a line for each point.
rows() {
	jq -r --arg series "$1" --arg field "$2" '.[$series][] | "\(.count) \(.[$field])"' "$json"
}

table() {
	local series

	for series in queues processes; do
		printf '\n%-14s %10s\n' "$series" "jobs/s"
		rows "$series" jobs_per_s | awk '{ printf "%14d %10.0f\n", $1, $2 }'
	done
	for series in host_buffers local_buffers mappings; do
		printf '\n%-14s %10s %10s\n' "$series" "us each" "bytes each"
		paste -d ' ' <(rows "$series" us) <(rows "$series" bytes) |
			awk '{ printf "%14d %10.2f %10.0f\n", $1, $2, $4 }'
	done
}

# plot FILE FIELD LABEL SERIES...
plot() {
	local file=$1 field=$2 label=$3 series plots='' work
	shift 3
	work=$(mktemp -d)
	for series in "$@"; do
		rows "$series" "$field" >"$work/$series"
		plots+="${plots:+, }'$work/$series' with linespoints pointtype 7 linewidth 2 title '${series//_/ }'"
	done
	gnuplot <<-END
		set terminal svg size 640,360 font "sans-serif,12" background "white"
		set output "$file"
		set logscale x
		set yrange [0:*]
		set xlabel "how many there are"
		set ylabel "$label"
		set grid
		set key outside top center horizontal
		plot $plots
	END
	rm -r "$work"
}

[ "$1" = --plot ] || measure "$1"
[ -e "$json" ] || die "no $json: run make bench-growth"
table
plot docs/growth-jobs.svg jobs_per_s "empty jobs a second" queues processes
plot docs/growth-time.svg us "microseconds each" host_buffers local_buffers mappings
plot docs/growth-memory.svg bytes "bytes of the guest's memory each" host_buffers local_buffers mappings
printf '\nall of it: %s, docs/growth-*.svg\n' "$json"
