#!/bin/bash
# SPDX-License-Identifier: MIT
# Copyright (c) 2026 the npu authors
#
# Usage: utilisation.sh NPUCTL
#
# Holds the tables of layers to what docs/performance.md says of them: the mean utilisation of each, in int8 and in bf16,
# bf16 no less than int8, and no layer below a half. Cycles are modelled, so the figures are exact and the same everywhere.
# The mean is computed here from limits and cycles, not taken from npuctl.

set -euo pipefail

npuctl=$1
shapes=$(cd "$(dirname "$0")/../data/shapes" && pwd -P)
passed=0
failed=0

# The least mean: int8, bf16.
bars="
resnet50_v1_5		0.90	0.96
mobilenet_v1		0.85	0.905
bert_base_s128		0.90	0.95
llama32_1b_prefill512	0.97	0.99
llama32_1b_decode	0.95	0.98
"

check() { # what, whether
	if [ "$2" = 1 ]; then
		passed=$((passed + 1))
	else
		failed=$((failed + 1))
		printf 'FAILED: %s\n' "$1"
	fi
}

# Prints the mean, then the layers below a half.
measure() { # table, dtype
	"$npuctl" bench shapes "$shapes/$1.csv" --dtype "$2" --device sim: |
		awk 'NR > 1 && NF == 5 && $3 > 0 {
			sum += $2 * log($3 / $4)
			count += $2
			if ($3 / $4 < 0.5)
				low = low " " $1
		}
		END { printf "%.6f%s\n", exp(sum / count), low }'
}

declare -A bar mean
while read -r table "bar[int8]" "bar[bf16]"; do
	[ -n "$table" ] || continue
	for dtype in int8 bf16; do
		read -r "mean[$dtype]" layers < <(measure "$table" "$dtype")
		printf '%-22s %s %s, at least %s\n' "$table" "$dtype" "${mean[$dtype]}" "${bar[$dtype]}"
		check "$table $dtype: ${mean[$dtype]} is below ${bar[$dtype]}" \
			"$(awk "BEGIN { print (${mean[$dtype]} >= ${bar[$dtype]}) }")"
		for layer in $layers; do
			check "$table $dtype: $layer is below 0.5" 0
		done
	done
	check "$table: bf16 is below int8" "$(awk "BEGIN { print (${mean[bf16]} >= ${mean[int8]}) }")"
done <<<"$bars"

echo "$passed passed, $failed failed"
[ "$failed" = 0 ] && [ "$passed" -gt 0 ]
