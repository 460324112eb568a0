#!/bin/sh
# SPDX-License-Identifier: MIT
# Copyright (c) 2026 the npu authors
#
# Usage: options.sh NPUCC TESTDATA
#
# npucc's command line: what it takes, what it refuses and how it says so. TESTDATA is ONNX' own, of
# which it compiles a Reshape, whose shape is an input.

npucc=$1
model=$2/node/test_reshape_extended_dims/model.onnx
shape=$2/node/test_reshape_extended_dims/test_data_set_0/input_1.pb
here=$(dirname "$0")
# shellcheck source=tests/npucc/lib.sh
. "$here/lib.sh"

# ---- The command line ----
ends 0 "--help" --help
refuses 2 "--help tells more"
refuses 2 "one model" "$model"
refuses 2 "bf16 or fp16" "$model" -o "$work/x.npu" --dtype int8
refuses 2 "from 1 on" "$model" -o "$work/x.npu" --batch 0
refuses 1 "No such file" "$work/none.onnx" -o "$work/x.npu"
refuses 1 "not an ONNX model" "$0" -o "$work/x.npu"

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
