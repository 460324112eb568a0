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
for number in 0 -1 +1 ' 1' 10x '' 1001 4294967396; do
	refuses 2 "-b takes a whole number from 1 to 1000, not $number" calibrate -b "$number" "$work/data"
done
refuses 2 "-c takes a whole number from 1 to 2147483647, not many" calibrate -c many "$work/data"
refuses 2 "not 4294967396" calibrate -c 4294967396 "$work/data"
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

# ---- The verdict, of the first 20 images ----
dataset=/usr/share/datasets/fashion-mnist
# slice KIND HEADER BYTES: DIR/t10k-KIND of so many bytes behind a header of so many.
slice() {
	gunzip -c "$dataset/t10k-$1-ubyte.gz" | tail -c "+$(($2 + 1))" | head -c "$3"
}
mkdir "$work/few" "$work/wrong"
{
	printf '\0\0\010\003\0\0\0\024\0\0\0\034\0\0\0\034'
	slice images-idx3 16 15680
} >"$work/few/t10k-images-idx3-ubyte"
{
	printf '\0\0\010\001\0\0\0\024'
	slice labels-idx1 8 20
} >"$work/few/t10k-labels-idx1-ubyte"
cp "$work/few/t10k-images-idx3-ubyte" "$work/wrong"
{
	printf '\0\0\010\001\0\0\0\024'
	head -c 20 /dev/zero
} >"$work/wrong/t10k-labels-idx1-ubyte"

# silent WORDS ARGUMENT...: a report that fails, says these words and gives no figures.
silent() {
	refuses 1 "$@"
	if [ -s "$work/out" ]; then
		failed=$((failed + 1))
		echo "FAILED: figures of a report that failed:"
		sed 's/^/    /' "$work/out"
	fi
}

refuses 0 "classified" classify -d sim: -m "$model" -i "$work/few" "$work/answers"
refuses 0 "compared" report -q "$parameters" -i "$work/few" "$work/answers"
grep -q "equal to plain C  20 of 20 images" "$work/out" || {
	failed=$((failed + 1))
	echo "FAILED: no figures of a report that is well"
}
silent "answers other images" report -q "$parameters" "$work/answers"
silent "of 20 answers are right" report -q "$parameters" -i "$work/wrong" "$work/answers"
silent "no/picture.png" report -q "$parameters" -i "$work/few" -p "$work/no/picture.png" "$work/answers"
# The header has 104 bytes; one bit of a logit's last byte but one.
byte=$(od -An -tu1 -j $((104 + 40 * 3 + 4 * 2 + 1)) -N 1 "$work/answers")
# shellcheck disable=SC2059 # an escape is what it is for
printf "\\$(printf '%03o' $((byte ^ 1)))" |
	dd of="$work/answers" bs=1 seek=$((104 + 40 * 3 + 4 * 2 + 1)) conv=notrunc status=none
silent "image 3, class 2" report -q "$parameters" -i "$work/few" "$work/answers"
silent "1 of 20 images" report -q "$parameters" -i "$work/few" "$work/answers"
rm "$work/answers"
# Answers that could not be written whole: 904 bytes, where files may have 512.
(
	trap '' XFSZ
	ulimit -f 1
	"$demo" classify -d sim: -m "$model" -i "$work/few" "$work/answers" 2>&1 | cat
) | grep -qF "cannot write $work/answers: File too large" || {
	failed=$((failed + 1))
	echo "FAILED: nothing says that answers could not be written"
}
silent "cannot read $work/answers" report -q "$parameters" -i "$work/few" "$work/answers"
echo "$passed passed, $failed failed"
[ "$failed" = 0 ]
