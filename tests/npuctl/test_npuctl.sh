#!/bin/sh
# SPDX-License-Identifier: MIT
# Copyright (c) 2026 the npu authors
#
# Usage: test_npuctl.sh NPUCTL JSON_KEYS MAKE_IMAGE
#
# npuctl on the simulated card, and without any: exit codes, messages, the keys of its JSON (golden/), files that are
# not what they should be.

npuctl=$1
json_keys=$2
make_image=$3
here=$(dirname "$0")
# shellcheck source=tests/npuctl/lib.sh
. "$here/lib.sh"
unset NPU_DEVICE

# keys NAME: the last output has the keys and types of golden/NAME.keys. Those of commands are the library's.
keys() {
	"$json_keys" <"$work/out" 2>>"$work/err" | grep -vF '.commands[].' >"$work/keys" || true
	check "keys of $1" diff "$here/golden/$1.keys" "$work/keys"
}

# ---- The command line ----
ends 2 "no command"
says "which command"
refuses 2 'no command "lsit"' lsit
refuses 2 'no command "fma"' bench fma
refuses 2 "no option --jsno" list --jsno
refuses 2 "no option -x" list -x
refuses 2 "needs a value" info --device
refuses 2 'what is "more"' list more
refuses 2 "is not in 1" bench matmul --rows 0
refuses 2 "is not a number" bench matmul --rows -1
refuses 2 "is not a number" bench matmul --rows 1x
refuses 2 "is none of int8, bf16, fp16" bench shapes x.csv --dtype int4
refuses 2 "is missing" disasm
refuses 2 "--output is missing" run a.npy b.npy
refuses 2 "cores" info --device sim:cores=x
refuses 2 "sim:" test --device sim:no-such-option=1
for command in list info top monitor test disasm run trace dump reset inject doctor "bench matmul" "bench latency" "bench dma" "bench shapes"; do
	# The words of a verb are two.
	# shellcheck disable=SC2086
	ends 0 "$command --help" $command --help
	tells "Usage: npuctl $command"
	tells "Example"
done
ends 0 "--help" --help
tells "Exit codes"
ends 0 "bench --help" bench --help
ends 0 "--version" --version
tells "libnpu"
if [ -w /dev/full ]; then
	code=0
	"$npuctl" --help >/dev/full 2>"$work/err" || code=$?
	check "a full disk: exit code $code" [ "$code" = 1 ]
fi

# ---- Injection; into a real QEMU: qmp.sh ----
refuses 2 'no fault "fire"' inject fire 1
refuses 2 "--qmp is missing" inject job-hang 1
refuses 2 "is missing" inject job-hang
refuses 2 "not a whole number" inject --qmp "$work/qmp" job-hang many
refuses 1 "No such file" inject --qmp "$work/qmp" job-hang 1
ends 0 "inject --list" inject --list --json
keys inject-list

# ---- Devices ----
ends 0 "list" list
ends 0 "list --json" list --json
check "schema" [ "$(value schema)" = '"npuctl-list"' ]
ends 3 "no such card" info --device accel199
ends 3 "no such card" test --device 0000:ff:1f.7
ends 3 "no such card" bench latency --device accel199
if [ ! -e /dev/accel ]; then
	ends 0 "list" list
	tells "No NPU card"
	ends 3 "no card" info
	says "sim:"
fi
ends 0 "info" info --device sim:cores=3,spm=1M --json
keys info
check "cores" [ "$(value cores)" = 3 ]
check "spm" [ "$(value spm_bytes)" = 1048576 ]
NPU_DEVICE=sim:cores=5
export NPU_DEVICE
ends 0 "NPU_DEVICE" info --json
check "NPU_DEVICE's cores" [ "$(value cores)" = 5 ]
ends 0 "--device before NPU_DEVICE" info --json --device sim:
check "--device's cores" [ "$(value cores)" = 2 ]
unset NPU_DEVICE
run info --device sim:
check "no colour without a terminal" sh -c "! grep -q $(printf '\033') '$work/out'"

# ---- Self-test ----
ends 0 "test" test --device sim: --json --seed 7
keys test
check "its verdict" [ "$(value pass | sort -u)" = true ]
check "its rows" [ "$(value test | wc -l)" = 17 ]
ends 0 "test" test --device sim:cores=1
tells "all well"

refuses 2 "for --level stress" test --device sim: --seconds 3
refuses 2 "is none of quick, full, stress" test --device sim: --level hard

# ---- Bench ----
ends 0 "matmul" bench matmul --device sim: -m 100 -n 70 -k 130 --seconds 1 --json
keys bench-matmul
ends 0 "matmul" bench matmul --device sim: -m 64 -n 64 -k 64 --seconds 1 --dtype bf16 --out sums --depth 1
tells "modelled"
ends 0 "latency" bench latency --device sim: --json
keys bench-latency
ends 0 "latency" bench latency --device sim: --depth 100 --batch 32 --json
check "whole calls under way" [ "$(value depth)" = 96 ]
check "whole calls" [ $(($(value jobs) % 32)) = 0 ]
ends 0 "latency" bench latency --device sim: --depth 3 --batch 32
tells " 32 under way"
ends 0 "dma" bench dma --device sim: --mib 3 --json
keys bench-dma

# Estimated cycles are those the card reports; the tables' own layers, small ones.
printf '%s\n' layer,count,batch,m,k,n proj,48,1,128,768,768 qk,12,12,128,64,128 av,12,12,128,128,64 \
	odd,1,1,37,111,259 vector,3,1,1,2048,512 batch,1,5,17,33,70 >"$work/products.csv"
printf '%s\n' \
	layer,count,groups,in_c,in_h,in_w,out_c,out_h,out_w,kernel_h,kernel_w,stride_h,stride_w,pad_top,pad_left,dilation_h,dilation_w \
	first,1,1,3,64,64,32,32,32,7,7,2,2,3,3,1,1 point,6,1,256,14,14,1024,14,14,1,1,1,1,0,0,1,1 \
	depthwise,5,128,128,14,14,128,7,7,3,3,2,2,1,1,1,1 stride,1,1,64,28,28,128,14,14,1,1,2,2,0,0,1,1 \
	groups,1,4,32,15,15,64,15,15,3,3,1,1,1,1,1,1 three,2,1,512,7,7,512,7,7,3,3,1,1,1,1,1,1 >"$work/windows.csv"
for file in products windows; do
	for dtype in int8 bf16 fp16; do
		ends 0 "shapes" bench shapes "$work/$file.csv" --dtype $dtype --device sim: --json
		keys bench-shapes
		value cycles >"$work/estimated"
		ends 0 "shapes --run" bench shapes "$work/$file.csv" --dtype $dtype --device sim: --json --run
		keys bench-shapes
		value cycles >"$work/reported"
		check "six layers" [ "$(wc -l <"$work/reported")" = 6 ]
		check "$file, $dtype: estimated and reported cycles" cmp "$work/estimated" "$work/reported"
	done
done
for file in "$here"/../data/shapes/*.csv; do
	ends 0 "$file" bench shapes "$file" --device sim: --json
	check "$file: rows" [ "$(value layer | wc -l)" = "$(($(grep -c . "$file") - 1))" ]
done
run bench shapes "$here/../data/shapes/bert_base_s128.csv" --device sim:
tells "utilisation"
# The simulator's time is the host's, and no test's business; that it is told is.
ends 0 "shapes --time" bench shapes "$work/windows.csv" --device sim: --json --time 1
keys bench-shapes-time
check "six times" [ "$(value host_us | grep -cv '^0$')" = 6 ]
refuses 2 "0 is not in 1 .." bench shapes "$work/windows.csv" --device sim: --time 0

refuses 1 "No such file" bench shapes "$work/none.csv" --device sim:
table() {
	printf '%s\n' "$@" >"$work/t.csv"
}
table
refuses 1 'unknown column ""' bench shapes "$work/t.csv" --device sim:
: >"$work/t.csv"
refuses 1 "no layer in it" bench shapes "$work/t.csv" --device sim:
table layer,count,batch,m,k,n
refuses 1 "no layer in it" bench shapes "$work/t.csv" --device sim:
table layer,count,batch,m,k
refuses 1 'there is no "n"' bench shapes "$work/t.csv" --device sim:
table layer,count,batch,m,k,n,q
refuses 1 'unknown column "q"' bench shapes "$work/t.csv" --device sim:
table layer,count,batch,m,k,m
refuses 1 'column "m" twice' bench shapes "$work/t.csv" --device sim:
table layer,count,batch,m,k,n a,1,1,2,3
refuses 1 "t.csv:2: 5 columns instead of 6" bench shapes "$work/t.csv" --device sim:
table layer,count,batch,m,k,n a,1,1,2,3,4,5
refuses 1 "more than 6 columns" bench shapes "$work/t.csv" --device sim:
table layer,count,batch,m,k,n a,1,1,2,3,0
refuses 1 "n: 0 is not in" bench shapes "$work/t.csv" --device sim:
table layer,count,batch,m,k,n a,1,1,2,3,99999999999999999999
refuses 1 "not a number" bench shapes "$work/t.csv" --device sim:
table layer,count,batch,m,k,n a,1,1,2,-3,4
refuses 1 'k: "-3" is not a number' bench shapes "$work/t.csv" --device sim:
sed 's/first,1,1,3,64,64,32,32,32/first,1,1,3,64,64,32,60,60/' "$work/windows.csv" >"$work/t.csv"
refuses 1 "no padding below" bench shapes "$work/t.csv" --device sim:

# ---- Products of .npy files ----
# npy FILE DESCR SHAPE BYTES...: a file as numpy writes it; BYTES as printf takes them.
npy() {
	file=$1
	header="{'descr': '$2', 'fortran_order': False, 'shape': ($3), }"
	shift 3
	# 118 = 0x76: together with what precedes it 128 bytes.
	{
		printf '\223NUMPY\001\000\166\000%-117s\n' "$header"
		# shellcheck disable=SC2059 # its escapes are the point
		printf "$*"
	} >"$work/$file"
}

# [[1, 2, -3], [4, 5, 127]] by [[1, -1], [2, 0], [-128, 3]] is [[389, -10], [-16242, 377]].
npy a.npy '|i1' '2, 3' '\001\002\375\004\005\177'
npy b.npy '|i1' '3, 2' '\001\377\002\000\200\003'
npy want.npy '<i4' '2, 2' '\205\001\000\000\366\377\377\377\216\300\377\377\171\001\000\000'
ends 0 "run" run "$work/a.npy" "$work/b.npy" -o "$work/out.npy" --device sim: --json
keys run
check "the product" cmp "$work/out.npy" "$work/want.npy"
ends 0 "run --dtype int8" run "$work/a.npy" "$work/b.npy" -t int8 -o "$work/out.npy" --device sim:
check "the product" cmp "$work/out.npy" "$work/want.npy"

# uint8: [[255]] by [[255, 1]].
npy ua.npy '|u1' '1, 1' '\377'
npy ub.npy '|u1' '1, 2' '\377\001'
npy want.npy '<i4' '1, 2' '\001\376\000\000\377\000\000\000'
ends 0 "run, uint8" run "$work/ua.npy" "$work/ub.npy" -o "$work/out.npy" --device sim:
check "the product of uint8" cmp "$work/out.npy" "$work/want.npy"

# A batch: [[[1]], [[2]]] by [[3]] and by [[[3]], [[-4]]].
npy batch.npy '|i1' '2, 1, 1' '\001\002'
npy three.npy '|i1' '1, 1' '\003'
npy want.npy '<i4' '2, 1, 1' '\003\000\000\000\006\000\000\000'
ends 0 "run, a batch" run "$work/batch.npy" "$work/three.npy" -o "$work/out.npy" --device sim:
check "the products of a batch" cmp "$work/out.npy" "$work/want.npy"
npy both.npy '|i1' '2, 1, 1' '\003\374'
npy want.npy '<i4' '2, 1, 1' '\003\000\000\000\370\377\377\377'
ends 0 "run, two batches" run "$work/batch.npy" "$work/both.npy" -o "$work/out.npy" --device sim:
check "the products of batches" cmp "$work/out.npy" "$work/want.npy"

# float32: 1 + 2^-8 is 1 in bf16 and itself in fp16; 1.5 by it.
npy fa.npy '<f4' '1, 1' '\000\200\200\077'
npy fb.npy '<f4' '1, 1' '\000\000\300\077'
npy want16.npy '<f4' '1, 1' '\000\000\300\077'
npy want.npy '<f4' '1, 1' '\000\300\300\077'
ends 0 "run, bf16" run "$work/fa.npy" "$work/fb.npy" --dtype bf16 -o "$work/out.npy" --device sim:
check "the product of bf16" cmp "$work/out.npy" "$work/want16.npy"
ends 0 "run, fp16" run "$work/fa.npy" "$work/fb.npy" --dtype fp16 -o "$work/out.npy" --device sim:
check "the product of fp16" cmp "$work/out.npy" "$work/want.npy"
npy ha.npy '<f2' '1, 1' '\000\076'
ends 0 "run, float16" run "$work/ha.npy" "$work/ha.npy" -o "$work/out.npy" --device sim:
npy want.npy '<f4' '1, 1' '\000\000\020\100'
check "the product of float16" cmp "$work/out.npy" "$work/want.npy"

refuses 1 "say --dtype bf16" run "$work/fa.npy" "$work/fb.npy" -o "$work/x.npy" --device sim:
npy column.npy '<f4' '3, 1' '\001\002\003\004\005\006\007\010\011\012\013\014'
refuses 1 "takes int8 and uint8" run "$work/a.npy" "$work/column.npy" -t int8 -o "$work/x.npy" --device sim:
refuses 1 "takes float32" run "$work/a.npy" "$work/column.npy" -t bf16 -o "$work/x.npy" --device sim:
refuses 1 "is no product" run "$work/b.npy" "$work/b.npy" -o "$work/x.npy" --device sim:
refuses 1 "is no product" run "$work/three.npy" "$work/batch.npy" -o "$work/x.npy" --device sim:
npy vector.npy '|i1' '3,' '\001\002\003'
refuses 1 "1 dimensions" run "$work/vector.npy" "$work/b.npy" -o "$work/x.npy" --device sim:
npy empty.npy '|i1' '0, 3' ''
refuses 1 "is empty" run "$work/empty.npy" "$work/b.npy" -o "$work/x.npy" --device sim:
npy bad.npy '<f8' '1, 1' '\001\002\003\004\005\006\007\010'
refuses 1 "of type <f8" run "$work/bad.npy" "$work/b.npy" -o "$work/x.npy" --device sim:
npy bad.npy '|i1' '2, 3' '\001\002\003\004\005'
refuses 1 "asks for 6 bytes of elements, the file has 5" run "$work/bad.npy" "$work/b.npy" -o "$work/x.npy" --device sim:
npy bad.npy '|i1' '2, 3' '\001\002\003\004\005\006\007'
refuses 1 "asks for 6 bytes of elements, the file has 7" run "$work/bad.npy" "$work/b.npy" -o "$work/x.npy" --device sim:
npy bad.npy '|i1' '4000000000, 4000000000, 4000000000' ''
refuses 1 "too large" run "$work/bad.npy" "$work/b.npy" -o "$work/x.npy" --device sim:
npy bad.npy '<i4' '100000, 100000' ''
refuses 1 "asks for 40000000000 bytes" run "$work/bad.npy" "$work/b.npy" -o "$work/x.npy" --device sim:
head -c 50 "$work/a.npy" >"$work/bad.npy"
refuses 1 "header is cut off" run "$work/bad.npy" "$work/b.npy" -o "$work/x.npy" --device sim:
refuses 1 "not a .npy file" run "$0" "$work/b.npy" -o "$work/x.npy" --device sim:
refuses 1 "not a regular file" run "$work" "$work/b.npy" -o "$work/x.npy" --device sim:
refuses 1 "No such file" run "$work/a.npy" "$work/b.npy" -o "$work/none/x.npy" --device sim:
refuses 3 "accel199" run "$work/a.npy" "$work/b.npy" -o "$work/x.npy" --device accel199
check "a failed run leaves a file" [ -z "$(find "$work" -name 'x.npy*')" ]

# ---- Disassembly ----
refuses 1 "No such file" disasm "$work/none.npu"
refuses 1 "not a .npu image" disasm "$0"
: >"$work/empty.npu"
refuses 1 "empty.npu" disasm "$work/empty.npu"
refuses 1 "not a regular file" disasm "$work"
check "make_image" "$make_image" "$work/two.npu"
ends 0 "disasm" disasm "$work/two.npu"
tells "core 0"
tells "core 1"
check "its commands" [ "$(grep -c MATMUL "$work/out")" = 2 ]
ends 0 "disasm --json" disasm "$work/two.npu" --json
keys disasm
check "its tags" [ "$(value tag | grep -c 77)" = 2 ]
size=$(wc -c <"$work/two.npu")
head -c $((size - 1)) "$work/two.npu" >"$work/cut.npu"
refuses 1 "cut.npu" disasm "$work/cut.npu"
# An image without layers, as of version 1.
check "no comments" sh -c "! grep -q '#' '$work/out'"
ends 0 "info of an image without layers" info "$work/two.npu" --json
check "no layers" grep -q '"layers": \[\]' "$work/out"
check "its cycles" [ "$(value cycles)" -gt 0 ]
{
	head -c $((size - 100)) "$work/two.npu"
	printf X
	tail -c 99 "$work/two.npu"
} >"$work/bad.npu"
refuses 1 "bad.npu" disasm "$work/bad.npu"

finish
