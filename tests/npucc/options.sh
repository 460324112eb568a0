#!/bin/sh
# SPDX-License-Identifier: MIT
# Copyright (c) 2026 the npu authors
#
# Usage: options.sh NPUCC TESTDATA
#
# npucc's command line: what it takes, what it refuses and how it says so. TESTDATA is ONNX' own, of
# which it compiles a Reshape, whose shape is an input, and a Gemm whose inputs 1 and 2 have initializers;
# the demo's network has a dimension that is open.

npucc=$1
model=$2/node/test_reshape_extended_dims/model.onnx
shape=$2/node/test_reshape_extended_dims/test_data_set_0/input_1.pb
gemm=$2/pytorch-converted/test_Linear/model.onnx
demo=tools/demo/fmnist.onnx
here=$(dirname "$0")
# shellcheck source=tests/npucc/lib.sh
. "$here/lib.sh"

# ---- The command line ----
ends 0 "--help" --help
refuses 2 "--help tells more"
refuses 2 "one model" "$model"
refuses 2 "bf16 or fp16" "$model" -o "$work/x.npu" --dtype int8
refuses 1 "No such file" "$work/none.onnx" -o "$work/x.npu"
refuses 1 "not an ONNX model" "$0" -o "$work/x.npu"
: >"$work/empty"
refuses 1 "$work/empty: not a file with contents" "$work/empty" -o "$work/x.npu"
refuses 1 "$work: not a file with contents" "$work" -o "$work/x.npu"

# ---- Numbers ----
for number in 0 -1 +1 ' 1' '1 ' 1x 0x10 '' 2147483648 -18446744073709551615; do
	refuses 2 "--batch takes a whole number from 1 on: $number;" "$demo" -o "$work/x.npu" --batch "$number"
	refuses 2 "--cores takes a whole number from 1 on: $number;" "$demo" -o "$work/x.npu" --cores "$number"
	refuses 2 "--dim takes NAME=N, N a whole number from 1 on: batch=$number;" \
		"$demo" -o "$work/x.npu" --dim "batch=$number"
done
refuses 2 "--dim takes NAME=N, N a whole number from 1 on: batch;" "$demo" -o "$work/x.npu" --dim batch
refuses 2 "--dim takes NAME=N, N a whole number from 1 on: =1;" "$demo" -o "$work/x.npu" --dim =1

# ---- Names: what the model does not have is told, with what it has ----
refuses 1 "(batch) is open: fix it with --dim" "$demo" -o "$work/x.npu"
ends 0 "--dim" "$demo" -o "$work/dim.npu" --dim batch=2
ends 0 "--batch" "$demo" -o "$work/batch.npu" --batch 2
check "not the same image" cmp "$work/dim.npu" "$work/batch.npu"
refuses 1 "--dim bach: there is no such dimension of an input; there are batch" \
	"$demo" -o "$work/x.npu" --batch 2 --dim bach=2
refuses 1 "--dim batch: there is no such dimension of an input, nor any other" \
	"$model" -o "$work/x.npu" --fix "shape=$shape" --dim batch=2
refuses 1 "--fix shap: there is no such input; there are data, shape" "$model" -o "$work/x.npu" --fix "shap=$shape"
refuses 1 "--fix 4: there is no such input; there are 0" "$gemm" -o "$work/x.npu" --fix "4=$shape"
refuses 1 "--fix 1: it is a constant of the model already" "$gemm" -o "$work/x.npu" --fix "1=$shape"
ends 0 "a model whose inputs have initializers" "$gemm" -o "$work/gemm.npu"

# ---- The image goes where it is to go ----
mkfifo "$work/pipe"
timeout 60 cat "$work/pipe" >"$work/piped" &
ends 0 "an image into a pipe" "$gemm" -o "$work/pipe"
check "the pipe became a file" [ -p "$work/pipe" ]
wait
check "not the same image" cmp "$work/gemm.npu" "$work/piped"
refuses 1 "$work: Is a directory" "$gemm" -o "$work"

# ---- --fix: the same constant from either kind of file makes the same image ----
refuses 1 "fix it with --fix" "$model" -o "$work/x.npu"
npy "$work/shape.npy" '<i8' '4,' '\2\0\0\0\0\0\0\0\3\0\0\0\0\0\0\0\2\0\0\0\0\0\0\0\2\0\0\0\0\0\0\0'
ends 0 "--fix of a .pb" "$model" -o "$work/pb.npu" --fix "shape=$shape"
ends 0 "--fix of a .npy" "$model" -o "$work/npy.npu" --fix "shape=$work/shape.npy"
check "not the same image" cmp "$work/pb.npu" "$work/npy.npu"
npy "$work/other.npy" '<i8' '4,' '\1\0\0\0\0\0\0\0\6\0\0\0\0\0\0\0\2\0\0\0\0\0\0\0\2\0\0\0\0\0\0\0'
ends 0 "--fix of another .npy" "$model" -o "$work/other.npu" --fix "shape=$work/other.npy"
check "the same image" eval '! cmp -s "$work/npy.npu" "$work/other.npu"'
refuses 2 "NAME=FILE" "$model" -o "$work/x.npu" --fix "$shape"
refuses 1 "$work/none.npy: No such file" "$model" -o "$work/x.npu" --fix "shape=$work/none.npy"
cp "$shape" "$work/pb.npy"
refuses 1 "not a .npy file" "$model" -o "$work/x.npu" --fix "shape=$work/pb.npy"
cp "$work/shape.npy" "$work/npy.pb"
refuses 1 "not a tensor" "$model" -o "$work/x.npu" --fix "shape=$work/npy.pb"
npy "$work/double.npy" '<f8' '1,' '\0\0\0\0\0\0\0\0'
refuses 1 "<f8" "$model" -o "$work/x.npu" --fix "shape=$work/double.npy"
check "an image of a failed run" [ ! -e "$work/x.npu" ]
finish
