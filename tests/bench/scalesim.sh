#!/bin/bash
# SPDX-License-Identifier: MIT
# Copyright (c) 2026 the npu authors
#
# Usage: scalesim.sh NPUCTL
#
# ResNet-50's layers as products, planned by libnpu's kernels for a card of one core, one weight row a cycle and memory as
# fast as can be, beside SCALE-Sim's cycles of them (tests/data/scalesim; tests/card/test_scalesim.c is the same for the card
# alone): between MACs / (R * C) and SCALE-Sim's figure. Layers that miss it are named here, by how many cycles.

set -euo pipefail

npuctl=$1
tables=$(cd "$(dirname "$0")/../data/scalesim" && pwd -P)
dir=$(mktemp -d)
trap 'rm -r "$dir"' EXIT

# A single tile: nothing hides its weights. One cycle since SCALE-Sim counts from 0; the others move the operands in
# and the result out, which SCALE-Sim's figure has not.
declare -A over=([64:CB2a_1]=5)

for n in 32 64; do
	table=$tables/resnet50_ws_${n}x$n.csv
	awk -F, -v OFS=, 'NR == 1 { print "layer,count,batch,m,k,n"; next } { print $1, 1, 1, $2, $3, $4 }' \
		"$table" >"$dir/$n.csv"
	"$npuctl" bench shapes "$dir/$n.csv" --dtype int8 --device \
		"sim:cores=1,weight-rows=1,array-rows=$n,array-cols=$n,cmd-cycles=0,vpu-lanes=65536,lmem-bw=65536,lmem-latency=0" |
		awk 'NR > 1 && NF == 5 && $2 == 1 { print $1, $4 }' >"$dir/$n.cycles"
done

passed=0
failed=0
for n in 32 64; do
	while IFS=, read -r layer t k m cycles; do
		[ "$layer" != layer ] || continue
		read -r -u 3 name here || name=nothing here=0
		most=$((cycles + ${over[$n:$layer]:-0}))
		if [ "$name" = "$layer" ] && ((here * n * n >= t * k * m && here <= most)) &&
			{ [ "$most" = "$cycles" ] || [ "$here" = "$most" ]; }; then
			passed=$((passed + 1))
		else
			failed=$((failed + 1))
			printf 'FAILED: %s on %sx%s: %s takes %s cycles, not %s to %s\n' "$layer" "$n" "$n" \
				"$name" "$here" $((t * k * m / n / n)) "$most"
		fi
	done <"$tables/resnet50_ws_${n}x$n.csv" 3<"$dir/$n.cycles"
done
echo "$passed passed, $failed failed"
[ "$failed" = 0 ] && [ "$passed" = 108 ]
