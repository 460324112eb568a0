#!/bin/bash
# SPDX-License-Identifier: MIT
# Copyright (c) 2026 the npu authors
#
# Usage: utilisation.sh NPUCTL
#
# Holds the tables of layers to what docs/performance.md says of them: the mean utilisation of each, in int8 and in bf16,
# and no layer below a half but those named there. Cycles are modelled, so the figures are exact and the same everywhere.
# The mean is computed here from limits and cycles, not taken from npuctl.

set -euo pipefail

npuctl=$1
shapes=$(cd "$(dirname "$0")/../data/shapes" && pwd -P)
passed=0
failed=0

# The least mean: int8, bf16. "bf16 no lower than int8" is missed by MobileNet alone.
bars="
resnet50_v1_5		0.90	0.95
mobilenet_v1		0.85	0.85
bert_base_s128		0.90	0.94
llama32_1b_prefill512	0.97	0.99
llama32_1b_decode	0.95	0.98
"
# Layers below a half.
low="mobilenet_v1:bf16:conv1 mobilenet_v1:bf16:dw2"

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

while read -r table int8 bf16; do
	[ -n "$table" ] || continue
	for dtype in int8 bf16; do
		read -r mean layers < <(measure "$table" "$dtype")
		bar=${!dtype}
		printf '%-22s %s %s, at least %s\n' "$table" "$dtype" "$mean" "$bar"
		check "$table $dtype: $mean is below $bar" "$(awk "BEGIN { print ($mean >= $bar) }")"
		for layer in $layers; do
			case " $low " in
			*" $table:$dtype:$layer "*)	check "" 1 ;;
			*)	check "$table $dtype: $layer is below 0.5" 0 ;;
			esac
		done
		declare "mean_$dtype=$mean"
	done
	[ "$table" = mobilenet_v1 ] ||
		check "$table: bf16 is below int8" "$(awk "BEGIN { print ($mean_bf16 >= $mean_int8) }")"
done <<<"$bars"

echo "$passed passed, $failed failed"
[ "$failed" = 0 ] && [ "$passed" -gt 0 ]
