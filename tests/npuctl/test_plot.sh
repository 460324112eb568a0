#!/bin/bash
# SPDX-License-Identifier: MIT
# Copyright (c) 2026 the npu authors
#
# Usage: test_plot.sh NPUCTL JSON_KEYS
#
# Rooflines of npuctl bench: pictures of modelled cycles, so the same to the byte everywhere.

npuctl=$(realpath "$1")
json_keys=$(realpath "$2")
here=$(cd "$(dirname "$0")" && pwd)
# shellcheck source=tests/npuctl/lib.sh
. "$here/lib.sh"
unset NPU_DEVICE
cd "$work" || exit 1

golden() {
	check "$1" diff "$here/golden/$1" "$2"
}

keys() {
	"$json_keys" <out >keys 2>>err || true
	check "keys of $1" diff "$here/golden/$1.keys" keys
}

printf '%s\n' layer,count,batch,m,k,n proj,48,1,128,768,768 qk,12,12,128,64,128 'odd <&>,1,1,37,111,259' \
	vector,3,1,1,2048,512 >products.csv
printf '%s\n' \
	layer,count,groups,in_c,in_h,in_w,out_c,out_h,out_w,kernel_h,kernel_w,stride_h,stride_w,pad_top,pad_left,dilation_h,dilation_w \
	first,1,1,3,64,64,32,32,32,7,7,2,2,3,3,1,1 point,6,1,256,14,14,1024,14,14,1,1,1,1,0,0,1,1 \
	depthwise,5,128,128,14,14,128,7,7,3,3,2,2,1,1,1,1 >windows.csv
for file in products windows; do
	ends 0 "shapes --plot" bench shapes $file.csv --device sim: --plot $file.svg
	tells "UTILISATION"
	drawn $file.svg
	golden roofline-$file.svg $file.svg
	ends 0 "shapes --plot -" bench shapes $file.csv --device sim: --plot -
	check "the same to stdout" cmp out $file.svg
	ends 0 "shapes --plot --json" bench shapes $file.csv --device sim: --plot again.svg --json
	keys bench-shapes
	check "the same" cmp again.svg $file.svg
	# Of its roof is what the table calls utilisation.
	value utilisation | tail -n +2 | awk '{ printf "%.1f %%\n", 100 * $1 }' >told
	sed -n 's/.*>\([0-9.]* %\)<.*/\1/p' $file.svg >shown
	check "percents" diff told shown
done
ends 0 "floats" bench shapes windows.csv --device sim: --dtype bf16 --plot floats.svg
drawn floats.svg
check "their roof" grep -qF '>arrays, bf16 and fp16: 4.096 TOPS<' floats.svg
for file in "$here"/../data/shapes/*.csv; do
	ends 0 "$file" bench shapes "$file" --device sim: --plot table.svg
	drawn table.svg
	check "$file: a point a layer" [ "$(grep -c '<circle' table.svg)" = "$(($(grep -c . "$file") - 1))" ]
done
ends 0 "matmul --plot" bench matmul --device sim: -m 100 -n 70 -k 130 --seconds 1 --plot matmul.svg
tells "modelled"
drawn matmul.svg
golden roofline-matmul.svg matmul.svg
refuses 2 "both go to stdout" bench shapes products.csv --device sim: --json --plot -
refuses 2 "both go to stdout" bench matmul --device sim: --json --plot -
ends 1 "a folder that is not there" bench shapes products.csv --device sim: --plot none/x.svg
says "none/x.svg: No such file"
ends 1 "a folder that is not there" bench matmul --device sim: -m 8 -n 8 -k 8 --seconds 1 --plot none/x.svg
says "none/x.svg: No such file"

finish
