#!/bin/bash
# SPDX-License-Identifier: MIT
# Copyright (c) 2026 the npu authors
#
# Usage: examples.sh NPUCC MATMUL CNN
#
# The guide's examples on simulated cards: what they print, and what they say to what they cannot use.

set -uo pipefail
npucc=$1
matmul=$2
cnn=$3
images=/usr/share/datasets/fashion-mnist/t10k-images-idx3-ubyte.gz
passed=0
failed=0
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

# says CODE WORDS COMMAND...
says() {
	local want=$1 words=$2 code=0 leaks
	shift 2

	# Who fails leaves its objects to the end of the process.
	leaks=$((want == 0))
	ASAN_OPTIONS=detect_leaks=$leaks "$@" >"$work/out" 2>&1 </dev/null || code=$?
	if [ "$code" = "$want" ] && grep -qF -- "$words" "$work/out"; then
		passed=$((passed + 1))
	else
		failed=$((failed + 1))
		printf 'FAILED: %s ends with %s, not %s, or does not say "%s":\n' "$*" "$code" "$want" "$words"
		sed 's/^/    | /' "$work/out"
	fi
}

# image N: the N-th test image.
image() {
	gunzip -c "$images" | tail -c +$((17 + $1 * 784)) | head -c 784
}

says 0 " 0 of 6144 sums are wrong" "$matmul" sim:
says 0 " 0 of 6144 sums are wrong" "$matmul" sim:cores=1,spm=64K
says 1 "no card: " "$matmul" accel199

"$npucc" tools/demo/fmnist.onnx --batch 1 -o "$work/cnn.npu" || exit 1
"$npucc" tools/demo/fmnist.onnx --batch 2 -o "$work/two.npu" || exit 1
image 0 >"$work/boot" 2>/dev/null
image 2 >"$work/trousers" 2>/dev/null
says 0 "boot: Ankle boot, in " "$cnn" "$work/cnn.npu" "$work/boot" sim:
says 0 "trousers: Trouser, in " "$cnn" "$work/cnn.npu" "$work/trousers" sim:cores=4
says 1 "not a network of grey pictures" "$cnn" "$work/two.npu" "$work/boot" sim:
says 1 "$work/boot: " "$cnn" "$work/boot" "$work/boot" sim:
: >"$work/empty"
says 2 "usage: cnn" "$cnn" "$work/cnn.npu" "$work/empty" sim:
printf '%s passed, %s failed\n' "$passed" "$failed"
[ "$failed" = 0 ]
