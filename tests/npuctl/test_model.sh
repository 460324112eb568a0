#!/bin/sh
# SPDX-License-Identifier: MIT
# Copyright (c) 2026 the npu authors
#
# Usage: test_model.sh NPUCTL JSON_KEYS NPUCC NPYTOOL VECTORS
#
# Whole networks through npucc, npuctl run and back: ONNX' own vectors are the reference. Then what is wrong with words,
# files, types, shapes and cards.

npuctl=$1
json_keys=$2
npucc=$3
npytool=$4
vectors=$5
here=$(dirname "$0")
# shellcheck source=tests/npuctl/lib.sh
. "$here/lib.sh"
unset NPU_DEVICE

# compile CASE MODEL OPTION...: a case's model, and its data as .npy files in0, in1, ..., want0, ...
compile() {
	case=$vectors/$1
	model=$work/$2.npu
	shift 2
	rm -f "$work"/in?.npy "$work"/want?.npy
	for file in "$case"/test_data_set_0/*.pb; do
		name=$(basename "$file" .pb | sed 's/input_/in/; s/output_/want/')
		check "$file" "$npytool" from-pb "$file" "$work/$name.npy"
	done
	check "npucc $case" "$npucc" "$case/model.onnx" -o "$model" --dtype fp16 "$@"
}

# near GOT WANT [RELATIVE ABSOLUTE]: arrays that are equal, or so near.
near() {
	check "$1 and $2" "$npytool" close "$work/$1" "$work/$2" "${3:-0}" "${4:-0}"
}

# ---- Networks against their vectors ----
# By order, into one file; on one core and more; the card's checker looks on.
compile node/test_basic_conv_with_padding conv
for device in sim:check=on sim:cores=8,check=on; do
	ends 0 "run conv" run "$model" "$work/in0.npy" "$work/in1.npy" -o "$work/out.npy" --device $device
	near out.npy want0.npy 4e-3 2e-3
done
tells "modelled"
tells "float32 1 x 1 x 5 x 5"
# By name, in another order, into a file by name.
rm "$work/out.npy"
ends 0 "run conv by name" run "$model" "W=$work/in1.npy" "x=$work/in0.npy" -o "y=$work/out.npy" --device sim:
near out.npy want0.npy 4e-3 2e-3
# One by name, the other is what remains; into a directory.
mkdir "$work/dir"
ends 0 "run conv, one by name" run "$model" "W=$work/in1.npy" "$work/in0.npy" -o "$work/dir" --device sim:
near dir/y.npy want0.npy 4e-3 2e-3
ends 0 "run conv into a directory" run "$model" "$work/in0.npy" "$work/in1.npy" -o "$work/dir/" --device sim: --json
"$json_keys" <"$work/out" >"$work/keys"
check "keys of run-model" diff "$here/golden/run-model.keys" "$work/keys"
# Again and again, nothing written.
rm "$work/out.npy"
ends 0 "run conv, repeated" run "$model" "$work/in0.npy" "$work/in1.npy" --repeat 3 --device sim:
tells "of 3"
check "nothing is written" [ ! -e "$work/out.npy" ]
cp "$model" "$work/no-suffix"
ends 0 "a model by its contents" run "$work/no-suffix" "$work/in0.npy" "$work/in1.npy" --device sim:

compile pytorch-operator/test_operator_params several
ends 0 "run several" run "$model" "$work/in0.npy" -o "$work/out.npy" --device sim:check=on
near out.npy want0.npy 4e-3 2e-3

# uint8 in, int32 out: exact.
compile node/test_matmulinteger integers
ends 0 "run integers" run "$model" "$work"/in[0-3].npy -o "$work/out.npy" --device sim:
near out.npy want0.npy
compile node/test_gather_2d_indices gather
ends 0 "run gather, int64" run "$model" "$work/in0.npy" "$work/in1.npy" -o "$work/out.npy" --device sim:
near out.npy want0.npy

# Integers that stand for reals: the image says how, and so does who is given reals.
compile node/test_dequantizelinear reals
check "npucc with constants" "$npucc" "$case/model.onnx" -o "$model" --fix "x_scale=$work/in1.npy" \
	--fix "x_zero_point=$work/in2.npy"
ends 0 "run reals" run "$model" "$work/in0.npy" -o "$work/out.npy" --device sim:
near out.npy want0.npy
refuses 1 'wants uint8, a value v as v / 2 + 128' run "$model" "$work/want0.npy" --device sim:

# A network of many nodes, with memory to work in.
compile node/test_layer_normalization_3d_axis1_epsilon_expanded nodes
mkdir "$work/nodes"
ends 0 "run nodes" run "$model" "$work"/in[0-2].npy -o "$work/nodes" --device sim:check=on
near nodes/Y.npy want0.npy 4e-3 2e-3
ends 0 "info nodes" info "$model" --json
check "memory to work in" [ "$(value work_bytes | head -1)" -gt 0 ]
check "many layers" [ "$(value layer | wc -l)" -gt 4 ]

# Several outputs: of each name its own, or some of them alone.
compile node/test_layer_normalization_3d_axis1_epsilon norm
ends 0 "run norm" run "$model" "$work"/in[0-2].npy -o "Y=$work/out0.npy" -o "Mean=$work/out1.npy" \
	-o "InvStdDev=$work/out2.npy" --device sim:
near out0.npy want0.npy 1e-5 1e-6
near out1.npy want1.npy 1e-5 1e-6
near out2.npy want2.npy 1e-5 1e-6
rm "$work/out0.npy"
ends 0 "run norm, one output" run "$model" "$work"/in[0-2].npy -o "Y=$work/out0.npy" --device sim:
near out0.npy want0.npy 1e-5 1e-6
ends 0 "run norm, one and the others" run "$model" "$work"/in[0-2].npy -o "Y=$work/out0.npy" -o "$work/dir" --device sim:
near dir/Mean.npy want1.npy 1e-5 1e-6
check "Y is where its own -o says" [ ! -e "$work/dir/Y.npy" ]

# ---- What is told of them ----
# info's cycles, computed, are those that the card reports; those of layers add up.
for network in node/test_basic_conv_with_padding pytorch-converted/test_Conv2d_groups pytorch-converted/test_Linear \
	node/test_layer_normalization_3d_axis1_epsilon; do
	for device in sim: sim:cores=4,spm=64K; do
		compile $network told --target $device
		ends 0 "info $network" info "$model" --device $device --json
		value cycles | head -1 >"$work/computed"
		check "cycles of the layers of $network" [ "$(($(value cycles | tail -n +2 | paste -sd+)))" = "$(cat "$work/computed")" ]
		ends 0 "run $network" run "$model" "$work"/in?.npy --device $device --json
		check "cycles of $network" [ "$(value cycles)" = "$(cat "$work/computed")" ]
	done
done
compile node/test_basic_conv_with_padding conv
ends 0 "info conv" info "$model" --json
"$json_keys" <"$work/out" >"$work/keys"
check "keys of info-model" diff "$here/golden/info-model.keys" "$work/keys"
# 5 x 5 outputs of 3 x 3 taps.
check "its work" [ "$(value work_macs | sort -n | tail -1)" = 225 ]
ends 0 "info conv" info "$model"
tells "float32 1 x 1 x 5 x 5"
tells "Conv"
tells "conv2d"
tells "modelled"
ends 0 "disasm conv" disasm "$model"
check "layers in comments" grep -q '^# layer [0-9]*: .* (Conv, conv2d)$' "$work/out"
check "each command once" [ "$(grep -c MATMUL "$work/out")$(grep -c CONV "$work/out")" != 00 ]
grep -v '^#' "$work/out" >"$work/plain"
check "a comment is about what follows" [ "$(tail -1 "$work/out")" = "$(tail -1 "$work/plain")" ]
ends 0 "disasm conv --json" disasm "$model" --json
"$json_keys" <"$work/out" | grep -vF '.commands[].' >"$work/keys"
check "keys of disasm-model" diff "$here/golden/disasm-model.keys" "$work/keys"
refuses 3 "accel199" info "$model" --device accel199
refuses 1 "No such file" info "$work/none.npu"
refuses 1 "not a .npu image" info "$work/in0.npy"

# ---- What is wrong ----
compile node/test_layer_normalization_3d_axis1_epsilon norm
set -- "$work/in0.npy" "$work/in1.npy" "$work/in2.npy"
refuses 1 "several outputs do not go into one file" run "$model" "$@" -o "$work/x.npy" --device sim:
says "Mean"
refuses 1 'has no output "Z"' run "$model" "$@" -o "Z=$work/x.npy" --device sim:
says "InvStdDev"
refuses 1 'has two files' run "$model" "$@" -o "Y=$work/x.npy" -o "Y=$work/z.npy" --device sim:
refuses 1 'two outputs would both be' run "$model" "$@" -o "Y=$work/x.npy" -o "Mean=$work/x.npy" --device sim:
refuses 1 'has no input "V"' run "$model" "V=$1" "$2" "$3" -o "$work/dir" --device sim:
says "the inputs are: X, W, B"
refuses 1 'the input "X" has two files' run "$model" "X=$1" "X=$2" -o "$work/dir" --device sim:
refuses 1 'no file for the input "B" (float32 3 x 5)' run "$model" "$1" "$2" -o "$work/dir" --device sim:
refuses 1 'no file for the input "X"' run "$model" "W=$2" "B=$3" -o "$work/dir" --device sim:
refuses 1 '4 files for 3 inputs' run "$model" "$@" "$1" -o "$work/dir" --device sim:
refuses 1 'the shape is 2 x 3 x 5, the input "W" wants 3 x 5' run "$model" "$1" "$1" "$3" -o "$work/dir" --device sim:
refuses 1 "No such file" run "$model" "$1" "$2" "$work/none.npy" -o "$work/dir" --device sim:
refuses 1 "not a .npy file" run "$model" "$1" "$2" "$0" -o "$work/dir" --device sim:
refuses 1 "No such file" run "$model" "$@" -o "$work/none/" --device sim:
refuses 2 "--dtype is for products" run "$model" "$@" --dtype int8 --device sim:
refuses 2 "--repeat is for models" run "$1" "$2" --repeat 2 -o "$work/x.npy" --device sim:
refuses 2 "one --output" run "$1" "$2" -o "$work/x.npy" -o "$work/y.npy" --device sim:
refuses 3 "accel199" run "$model" "$@" -o "$work/dir" --device accel199

# An element of another type: what may become what.
compile node/test_gather_2d_indices gather
refuses 1 'elements are float32, the input "indices" wants int64' run "$model" "$work/in0.npy" "$work/in0.npy" \
	--device sim:
refuses 1 'elements are int64, the input "data" wants float32' run "$model" "$work/in1.npy" "$work/in1.npy" \
	--device sim:

# A file cut off, a file with a byte changed, none.
size=$(wc -c <"$model")
for part in 4 7 100 240 $((size / 2)) $((size - 1)); do
	head -c "$part" "$model" >"$work/cut.npu"
	refuses 1 "cut.npu" info "$work/cut.npu"
	refuses 1 "cut.npu" disasm "$work/cut.npu"
	refuses 1 "cut.npu" run "$work/cut.npu" "$work/in0.npy" "$work/in1.npy" --device sim:
done
{
	head -c $((size - 40)) "$model"
	printf X
	tail -c 39 "$model"
} >"$work/bad.npu"
refuses 1 "layer table: damaged" run "$work/bad.npu" "$work/in0.npy" "$work/in1.npy" --device sim:
refuses 1 "No such file" run "$work/none.npu" "$work/in0.npy" --device sim:

# For a larger card.
compile node/test_basic_conv_with_padding large --target sim:cores=4,spm=4M
refuses 1 "needs 4 cores, the card has 2" run "$model" "$work/in0.npy" "$work/in1.npy" --device sim:
refuses 1 "needs 4 cores, the card has 2" info "$model" --device sim:
refuses 1 "bytes of scratchpad" run "$model" "$work/in0.npy" "$work/in1.npy" --device sim:cores=4
ends 0 "info of a model for a larger card" info "$model" --json
check "its card" grep -q '"device": "sim:cores=4,spm=4194304,' "$work/out"
ends 0 "a card that is large enough" run "$model" "$work/in0.npy" "$work/in1.npy" -o "$work/out.npy" \
	--device sim:cores=4,spm=8M
near out.npy want0.npy 4e-3 2e-3

check "a failed run leaves a file" [ -z "$(find "$work" -name 'x.npy*')" ]

finish
