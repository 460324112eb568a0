#!/bin/sh
# SPDX-License-Identifier: MIT
# Copyright (c) 2026 the npu authors
#
# Usage: quantize.sh NPUCC TESTDATA
#
# npucc --quantize from outside: what it takes, what it writes, and what it says to data that are not
# what they should be. The models are the demo's and ONNX' own, in TESTDATA.

npucc=$1
model=tools/demo/fmnist.onnx
testdata=$2
here=$(dirname "$0")
# shellcheck source=tests/npucc/lib.sh
. "$here/lib.sh"

data=$work/data
mkdir "$data"

# floats FILE DESCR SHAPE SIZE [FIRST]: an array of SIZE bytes, zeros behind the four of FIRST.
floats() {
	npy "$1" "$2" "$3" "${5-\0\0\0\0}"
	head -c $(($4 - 4)) /dev/zero >>"$1"
}

# quantises WORDS ARGUMENT...: it does, and says these words.
quantises() {
	words=$1
	shift
	ends 0 "npucc $*" "$@"
	check "stdout lacks \"$words\"" grep -qF -- "$words" "$work/out"
}

# Options for the demo's model, two images at a time.
set -- "$model" --batch 2 -o "$work/x.npu" --quantize

# ---- The command line ----
refuses 2 "--calibrate DIR" "$@"
refuses 2 "belong to --quantize" "$model" --batch 2 -o "$work/x.npu" --calibrate "$data"
refuses 2 "minmax or percentile" "$@" --calibrate "$data" --calibration entropy
refuses 2 "float, int8 or uint8" "$@" --calibrate "$data" --input-type int4

# ---- Data ----
refuses 1 "$work/none: No such file or directory; data for the input image" "$@" --calibrate "$work/none"
refuses 1 "there is no .npy file in it" "$@" --calibrate "$data"
echo "not an array" >"$data/a.npy"
refuses 1 "$data/a.npy: not a .npy file" "$@" --calibrate "$data"
floats "$data/a.npy" '<f4' '3, 1, 28, 28' 9408
refuses 1 "$data/a.npy: its shape is 3x1x28x28, that of the input image 2x1x28x28" "$@" --calibrate "$data"
floats "$data/a.npy" '<f4' '2, 784' 6272
refuses 1 "its shape is 2x784" "$@" --calibrate "$data"
floats "$data/a.npy" '<f2' '2, 1, 28, 28' 3136
refuses 1 "$data/a.npy: its elements are float16" "$@" --calibrate "$data"
floats "$data/a.npy" '<f4' '2, 1, 28, 28' 6272 '\0\0\300\177'
refuses 1 "$data/a.npy: element 0 is not a number" "$@" --calibrate "$data"
floats "$data/a.npy" '<f4' '2, 1, 28, 28' 6272 '\0\0\200\177'
refuses 1 "$data/a.npy: element 0 is infinite" "$@" --calibrate "$data"
floats "$data/a.npy" '<f4' '2, 1, 28, 28' 6271
refuses 1 "$data/a.npy: the shape asks for 6272 bytes" "$@" --calibrate "$data"
check "an image of a failed run" [ ! -e "$work/x.npu" ]

# ---- Models ----
refuses 1 "quantised already" "$testdata/node/test_qlinearconv/model.onnx" -o "$work/x.npu" -q --calibrate "$data"
refuses 1 "16-bit floats" "$testdata/node/test_cast_FLOAT16_to_FLOAT/model.onnx" -o "$work/x.npu" -q --calibrate "$data"
refuses 1 "nothing to quantise" "$testdata/node/test_relu/model.onnx" -o "$work/x.npu" -q --calibrate "$data"
refuses 1 "cannot be compiled" "$testdata/node/test_cast_FLOAT_to_DOUBLE/model.onnx" -o "$work/x.npu" -q --calibrate "$data"

# ---- What is well: 1.0 somewhere, and nothing but zeros ----
floats "$data/a.npy" '<f4' '2, 1, 28, 28' 6272 '\0\0\200\077'
floats "$data/b.npy" '<f4' '2, 1, 28, 28' 6272
quantises "quantised: 4 of 4 products; 8 tensors of 8 bits" "$@" --calibrate "$data" --dump-quant "$work/dump"
check "2 batches" grep -q "2 batches, minmax; the float network in fp16" "$work/out"
check "the outputs' error" grep -q "^  logits " "$work/out"
check "the layers' errors" grep -q "^  /Relu_2 " "$work/out"
check "no image" [ -s "$work/x.npu" ]
check "the products' names" [ "$(wc -l <"$work/dump/products.txt")" = 4 ]
for file in 0.input 0.weight 0.scale 0.bias 3.weight; do
	check "no $file.npy" [ -s "$work/dump/$file.npy" ]
done
# A pixel is one of 256 steps from 0 to 1: 1/255, -128 and -128, as float32.
input() {
	tail -c 12 "$work/$1/$2.input.npy" | od -An -tx4 | tr -d ' '
}
check "the input's scale" [ "$(input dump 0)" = 3b808081c3000000c3000000 ]
quantises "percentile 99.99" "$@" --calibrate "$data" --calibration percentile
# The same steps, counted from 0; what is between layers stays int8.
quantises "logits" "$@" --calibrate "$data" --input-type uint8 --dump-quant "$work/dump8"
check "the input's type" [ "$(input dump8 0)" = 3b8080810000000000000000 ]
check "other activations" [ "$(input dump8 1)" = "$(input dump 1)" ]
refuses 1 "/dev/null/dump: Not a directory" "$@" --calibrate "$data" --dump-quant /dev/null/dump
rm "$data/a.npy"
quantises "1 batch, minmax" "$@" --calibrate "$data"

# 1e30 overflows fp16.
floats "$data/b.npy" '<f4' '2, 1, 28, 28' 6272 '\312\362\111\161'
quantises "the float network in bf16" "$@" --calibrate "$data"
# 3e38, times what the weights are, overflows bf16 as well.
floats "$data/b.npy" '<f4' '2, 1, 28, 28' 6272 '\231\166\141\177'
refuses 1 "there is no scale for them" "$@" --calibrate "$data"

# ---- Several inputs ----
set -- "$testdata/node/test_matmul_2d/model.onnx" -o "$work/y.npu" -q --calibrate "$data"
refuses 1 "$data/a: No such file" "$@"
mkdir "$data/a" "$data/b"
floats "$data/a/0.npy" '<f4' '3, 4' 48 '\0\0\200\077'
refuses 1 "$data/b: there is no .npy file" "$@"
floats "$data/b/1.npy" '<f4' '4, 3' 48 '\0\0\200\077'
refuses 1 "$data/b/1.npy: no file of that name for the input a" "$@"
mv "$data/b/1.npy" "$data/b/0.npy"
quantises "quantised: 1 of 1 products; 2 tensors of 8 bits" "$@"
cp "$data/b/0.npy" "$data/b/1.npy"
refuses 1 "$data/b: 2 files, but the input a has 1" "$@"
finish
