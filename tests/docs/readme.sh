#!/bin/bash
# SPDX-License-Identifier: MIT
# Copyright (c) 2026 the npu authors
#
# The README's example, as it stands there: compiled against what `make install` leaves, once with each library and
# as C++'s header user, run, and its answer compared with the product computed by hand. And `make uninstall` takes away
# all that `make install` left (docs/install.md).

set -euo pipefail
top=$(cd "$(dirname "$0")/../.." && pwd -P)
cd "$top"
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT

to=(DESTDIR="$dir/root" PREFIX=/usr)

# quietly GOAL: make it; what it says is shown if it fails.
quietly() {
	make --no-print-directory -s "$1" "${to[@]}" >"$dir/make.log" 2>&1 || { cat "$dir/make.log"; exit 1; }
}

quietly install
for file in lib/libnpu.so lib/libnpu.so.1 lib/libnpu.a lib/pkgconfig/npu.pc include/npu/npu.h include/npu/ops.h \
	    include/npu/hw/isa.h bin/npuctl bin/npucc share/man/man1/npuctl.1 share/man/man1/npuctl-bench-matmul.1 \
	    share/man/man1/npucc.1 share/man/man3/npu.3 share/man/man3/npu_open.3 lib/udev/rules.d/70-npu.rules \
	    share/bash-completion/completions/npuctl share/bash-completion/completions/npucc; do
	[ -e "$dir/root/usr/$file" ] || { echo "make install left no $file"; exit 1; }
done

for function in $(sed -n 's/^\t\(npu_.*\);/\1/p' libnpu/libnpu.map); do
	[ -s "$dir/root/usr/share/man/man3/$function.3" ] || { echo "$function has no page of the manual"; exit 1; }
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

quietly uninstall
left=$(find "$dir/root" ! -type d)
[ -z "$left" ] || { printf 'make uninstall left:\n%s\n' "$left"; exit 1; }
[ ! -e "$dir/root/usr/include/npu" ] || { echo "make uninstall left its folder of headers"; exit 1; }
echo "the example's answer is right with both libraries; the headers are C11 and C++17"
