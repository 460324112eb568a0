#!/bin/sh
# SPDX-License-Identifier: MIT
# Copyright (c) 2026 the npu authors
#
# Usage: options.sh NPU_DEMO MODEL.npu PARAMETERS NPUCC TESTDATA
#
# npu-demo as a command: what it says to what it cannot use. MODEL and PARAMETERS are the demo's; NPUCC makes another
# network of TESTDATA, ONNX' own.

demo=$1
model=$2
parameters=$3
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
passed=0
failed=0

# refuses CODE WORDS ARGUMENT...: npu-demo ends with that code and says these words.
refuses() {
	want=$1
	words=$2
	shift 2
	code=0
	"$demo" "$@" >"$work/out" 2>"$work/err" </dev/null || code=$?
	if [ "$code" = "$want" ] && grep -qF -- "$words" "$work/err"; then
		passed=$((passed + 1))
	else
		failed=$((failed + 1))
		echo "FAILED: npu-demo $* ends with $code, not $want, or does not say \"$words\":"
		sed 's/^/    /' "$work/err"
	fi
}

"$4" "$5/node/test_matmul_2d/model.onnx" -o "$work/matmul.npu" || exit 1
refuses 2 "Usage: npu-demo"
refuses 2 "Usage: npu-demo" classify
refuses 2 "Usage: npu-demo" calibrate -b 0 "$work/data"
refuses 1 "$work/none: No such file" classify -d sim: -m "$work/none" "$work/answers"
refuses 1 "$0" classify -d sim: -m "$0" "$work/answers"
refuses 1 "does not take grey images" classify -d sim: -m "$work/matmul.npu" "$work/answers"
refuses 1 "accel199" classify -d accel199 -m "$model" "$work/answers"
refuses 1 "package dataset-fashion-mnist" classify -d sim: -m "$model" -i "$work" "$work/answers"
refuses 1 "package dataset-fashion-mnist" calibrate -i "$work" "$work/data"
refuses 1 "in batches of 300" calibrate -b 300 "$work/data"
refuses 1 "there are 60000" calibrate -c 60100 "$work/data"
refuses 1 "$work/0.input.npy: No such file" report -q "$work" "$work/answers"
refuses 1 "cannot read $work/answers" report -q "$parameters" "$work/answers"
refuses 1 "not a file of answers" report -q "$parameters" "$model"
echo "$passed passed, $failed failed"
[ "$failed" = 0 ]
