#!/bin/bash
# SPDX-License-Identifier: MIT
# Copyright (c) 2026 the npu authors
#
# Usage: initramfs.sh OUTPUT SERIES [--modprobe NAME] [--module KO] [--file HOST[:GUEST]]...
#
# Makes the guest's initramfs, uncompressed: busybox, tests/vm/init, the kernel's own modules that
# are named or that KO depends on (in the order to load them: /modules/order), KO itself as
# /modules/npu.ko, and files. A file goes to /test/NAME unless GUEST says where; a folder goes there
# whole; programs bring their shared libraries.
#
# Kernel modules without their debug information are kept in build/vm/modules/RELEASE.

set -euo pipefail
. "$(dirname "$0")/../../tools/dev/lib.sh"
PATH=$PATH:/usr/sbin:/sbin

top=$(cd "$(dirname "$0")/../.." && pwd -P)
[ $# -ge 2 ] || die "usage: initramfs.sh OUTPUT SERIES [OPTION...]"
output=$1
series=$2
shift 2
module=
names=()
files=()
while [ $# != 0 ]; do
	case $1 in
	--modprobe)	names+=("$2") ;;
	--module)	module=$2 ;;
	--file)		files+=("$2") ;;
	*)		die "unknown option $1" ;;
	esac
	shift 2
done

tree=$("$top/tools/dev/kernel.sh" path "$series" modules)
release=$("$top/tools/dev/kernel.sh" path "$series" version)
stripped=$top/build/vm/modules/$release
root=$(mktemp -d)
trap 'rm -rf "$root"' EXIT

# add_libraries PROGRAM: the shared libraries it was linked with, where it looks for them. The host's loader may find
# them by its cache or by LD_LIBRARY_PATH, which the guest has not: so they are in /usr/lib as well.
add_libraries() {
	local library link

	# ldd fails on what is not dynamic: scripts, data, static programs.
	while read -r library; do
		[ ! -e "$root$library" ] || continue
		mkdir -p "$root${library%/*}"
		cp -L "$library" "$root$library"
		link=$root/usr/lib/${library##*/}
		[ -e "$link" ] || [ -L "$link" ] || ln "$root$library" "$link"
	done < <(ldd "$1" 2>/dev/null | grep -o '/[^ ]*' || true)
}

# add_file HOST[:GUEST]
add_file() {
	local host=${1%%:*} guest file

	guest=/test/${host##*/}
	[ "$host" = "$1" ] || guest=${1#*:}
	[ -e "$host" ] || die "no such file: $host"
	mkdir -p "$root${guest%/*}"
	cp -rL "$host" "$root$guest"
	while read -r -d '' file; do
		add_libraries "$file"
	done < <(find "$host" -follow -type f \( -perm -u+x -o -name '*.so*' \) -print0)
}

# add_module KO: a module of the kernel's, uncompressed and stripped.
add_module() {
	local name=${1##*/} new

	name=${name%%.ko*}.ko
	if [ ! -e "$stripped/$name" ]; then
		mkdir -p "$stripped"
		new=$(mktemp "$stripped/.new.XXXXXX")
		case $1 in
		*.xz)	xz -dc "$1" ;;
		*.zst)	zstd -dcq "$1" ;;
		*)	cat "$1" ;;
		esac >"$new"
		strip_module "$new"
		mv "$new" "$stripped/$name"
	fi
	cp "$stripped/$name" "$root/modules/$name"
	printf '%s\n' "$name" >>"$root/modules/order"
}

strip_module() {
	objcopy --strip-debug -R .BTF -R .BTF.base "$1"
}

mkdir -p "$root"/{bin,dev,etc,proc,sys,tmp,run,root,out,host,lower,modules,test}
mkdir -p "$root"/usr/{bin,lib,lib64,sbin}
for dir in lib lib64 sbin; do
	ln -s "usr/$dir" "$root/$dir"
done
cp "$(command -v busybox)" "$root/bin/busybox"
ln -s busybox "$root/bin/sh"
cp "$top/tests/vm/init" "$root/init"
chmod 755 "$root" "$root/init"
cat >"$root/etc/passwd" <<-END
	root:x:0:0:root:/root:/bin/sh
	nobody:x:65534:65534:nobody:/:/bin/sh
END
cat >"$root/etc/group" <<-END
	root:x:0:
	render:x:104:
	nogroup:x:65534:
END

: >"$root/modules/order"
if [ -n "$module" ]; then
	cp "$module" "$root/modules/npu.ko"
	strip_module "$root/modules/npu.ko"
	mapfile -t -O "${#names[@]}" names < <(modinfo -F depends "$module" | tr , '\n' | grep . || true)
fi
for name in "${names[@]}"; do
	dependencies=$(modprobe -d "$tree" -S "$release" --show-depends "$name") ||
		die "Linux $release has no module $name"
	# "insmod FILE [OPTION...]" or "builtin NAME", in the order to load them.
	while read -r verb path _; do
		if [ "$verb" = insmod ] && ! grep -qx "$(basename "${path%%.ko*}").ko" \
		   "$root/modules/order"; then
			add_module "$path"
		fi
	done <<<"$dependencies"
done
for file in "${files[@]}"; do
	add_file "$file"
done

(cd "$root" && find . -print0 | LC_ALL=C sort -z | cpio --null -o -H newc -R 0:0 --quiet) >"$output"
