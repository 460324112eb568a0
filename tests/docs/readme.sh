#!/bin/bash
# SPDX-License-Identifier: MIT
# Copyright (c) 2026 the npu authors
#
# The README's example, as it stands there: compiled against what `make install` leaves, once with each library and
# as C++'s header user, run, and its answer compared with the product computed by hand.

set -euo pipefail
top=$(cd "$(dirname "$0")/../.." && pwd -P)
cd "$top"
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT

make --no-print-directory -s install DESTDIR="$dir/root" PREFIX=/usr >"$dir/install.log" 2>&1 ||
	{ cat "$dir/install.log"; exit 1; }
for file in lib/libnpu.so lib/libnpu.a lib/pkgconfig/npu.pc include/npu/npu.h include/npu/ops.h \
	    include/npu/hw/isa.h bin/npuctl; do
	[ -e "$dir/root/usr/$file" ] || { echo "make install left no $file"; exit 1; }
done

sed -n '/^```c$/,/^```$/p' README.md | sed '1d;$d' >"$dir/example.c"
[ -s "$dir/example.c" ] || { echo "README.md has no example"; exit 1; }
export PKG_CONFIG_SYSROOT_DIR=$dir/root PKG_CONFIG_PATH=$dir/root/usr/lib/pkgconfig
read -ra flags <<<"$(pkg-config --cflags npu)"
read -ra libs <<<"$(pkg-config --libs npu)"
read -ra static <<<"$(pkg-config --static --libs npu | sed 's/-lnpu//')"
printf '7 8\n16 17\n' >"$dir/want"

cc -Wall -Wextra -Werror "${flags[@]}" -o "$dir/shared" "$dir/example.c" "${libs[@]}"
LD_LIBRARY_PATH=$dir/root/usr/lib "$dir/shared" >"$dir/got"
cmp "$dir/want" "$dir/got"

cc "${flags[@]}" -o "$dir/static" "$dir/example.c" "$dir/root/usr/lib/libnpu.a" "${static[@]}"
"$dir/static" >"$dir/got"
cmp "$dir/want" "$dir/got"

for header in "$dir"/root/usr/include/npu/*.h; do
	c++ -std=c++17 -Wall -Wextra -Werror "${flags[@]}" -fsyntax-only -x c++ "$header"
	cc -std=c11 -Wall -Wextra -Werror "${flags[@]}" -fsyntax-only -x c "$header"
done
echo "the example's answer is right with both libraries; the headers are C11 and C++17"
