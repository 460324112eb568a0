#!/bin/bash
# SPDX-License-Identifier: MIT
# Copyright (c) 2026 the npu authors
#
# Usage: debug-kernel.sh SERIES version             the newest source that the mirror has, say
#                                                   6.12.117-1~deb12u1
#        debug-kernel.sh SERIES sum                 of what the configuration asks for
#        debug-kernel.sh SERIES make DIR RELEASE    build it; RELEASE is VERSION-debug-SUM
#
# The kernels that check themselves and npu.ko: KASAN, UBSAN, lockdep, kmemleak, DMA-API debugging, fault
# injection. Debian has none such, so they are built from Debian's own source (linux-source-*, signed)
# with tests/vm/debug-kernel.config over a tinyconfig, by the machine's gcc: 17 minutes of processor
# time. SERIES is debug (6.12 of bookworm-security) or debug-7.x (the newest of trixie-backports, with
# tests/vm/debug-kernel-7.x.config as well). kernel.sh calls this, under its lock, and keeps what comes
# out in the cache.
#
# make fills DIR as kernel.sh's packages would: root/ with modules and headers, boot/ with the images.
# Headers are what is left of the source when a module's build needs no more of it. The source takes
# 2.5 GB until then.

set -euo pipefail
. "$(dirname "$0")/lib.sh"

# What a make above us was told is not meant for the kernel's.
unset MAKEFLAGS MFLAGS MAKELEVEL MAKEOVERRIDES

top=$(cd "$(dirname "$0")/../.." && pwd -P)
apt=$top/tools/dev/apt.sh
configs=("$top/tests/vm/debug-kernel.config")

# The options, one a line, without the comments between them. What a later file says counts.
options() {
	cat "${configs[@]}" | grep -E '^(# )?CONFIG_[A-Z0-9_]+(=| is not set$)' | awk '{
			name = $0
			sub(/^# /, "", name)
			sub(/(=| is not set$).*/, "", name)
			if (!(name in place))
				place[name] = ++n
			line[place[name]] = $0
		}
		END { for (i = 1; i <= n; i++) print line[i] }'
}

# package VERSION: what has the source of that version.
package() {
	printf 'linux-source-%s\n' "$(cut -d . -f 1,2 <<<"$1")"
}

# version: the newest source of the series.
version() {
	local packages

	packages=$("$apt" "$suites" apt-cache pkgnames "linux-source-$major" |
		grep -xE "linux-source-${major//./\\.}[0-9]*" | sort -V | tail -n 1)
	[ -n "$packages" ] || die "the mirror has no linux-source-$major"
	# Those that security updates replaced stay listed.
	"$apt" "$suites" apt-cache show "$packages" | sed -n 's/^Version: //p' | sort -V | tail -n 1
}

# configure TREE VERSION-SUFFIX: tinyconfig, with the options over it; none may have got lost.
configure() {
	local tree=$1 line name

	# Nothing small selects this one, and it has no prompt. That it is there is checked below.
	sed -i '/^config DRM_BUDDY$/,/tristate/s/tristate$/tristate "Buddy allocator"/' \
		"$tree/drivers/gpu/drm/Kconfig"
	{ options; printf 'CONFIG_LOCALVERSION="%s"\n' "$2"; } >"$tree/.fragment"
	make -C "$tree" -s tinyconfig
	# Of two values of an option the later one counts.
	cat "$tree/.fragment" >>"$tree/.config"
	make -C "$tree" -s olddefconfig 2>/dev/null
	while read -r line; do
		case $line in
		'# '*)	name=${line#\# }
			name=${name% is not set}
			! grep -q "^$name=" "$tree/.config" ;;
		*=n)	! grep -q "^${line%n}[ym]" "$tree/.config" ;;
		*)	grep -qxF -e "$line" "$tree/.config" ;;
		esac || die "this kernel does not take \"$line\": mend tests/vm/debug-kernel*.config"
	done <"$tree/.fragment"
}

# watch LOG: says every half minute how far make is, until it is killed or this script is.
watch() {
	local start=$SECONDS

	while sleep 30 && kill -0 $$ 2>/dev/null; do
		say "$(((SECONDS - start) / 60)) min, $(grep -c . "$1") steps; now$(tail -n 1 "$1" |
			tr -s ' ')"
	done
}

# compile TREE: everything, its log beside the tree.
compile() {
	local log=$1.log watcher status=0

	watch "$log" &
	watcher=$!
	make -C "$1" -j"$(nproc)" KBUILD_BUILD_USER=npu KBUILD_BUILD_HOST=npu bzImage modules \
		>"$log" 2>&1 || status=$?
	kill "$watcher"
	wait "$watcher" 2>/dev/null || true
	[ "$status" = 0 ] || { tail -n 40 "$log" >&2; die "the kernel does not build"; }
	rm "$log"
}

# trim TREE: only what a module's build needs stays.
trim() {
	find "$1" -mindepth 1 -maxdepth 1 ! -name include ! -name scripts ! -name arch ! -name tools \
		! -name Makefile ! -name Kbuild ! -name Module.symvers ! -name .config -exec rm -r {} +
	find "$1/arch" -mindepth 1 -maxdepth 1 ! -name x86 -exec rm -r {} +
	find "$1/arch/x86" -mindepth 1 -maxdepth 1 ! -name include ! -name 'Makefile*' -exec rm -r {} +
	find "$1/tools" -mindepth 1 ! -path "$1/tools/objtool" ! -path "$1/tools/objtool/objtool" \
		-delete
	find "$1" -name '*.o' -delete
}

make_kernel() {
	local dir=$1 release=$2 version=${2%-debug-*} tree=$1/root/usr/src/linux-headers-$2

	say "fetching the source of Linux $version (once)"
	mkdir -p "$dir"/boot "$tree" "$dir/root/usr/lib"
	ln -s usr/lib "$dir/root/lib"
	(cd "$dir" && "$apt" "$suites" apt-get -qq download "$(package "$version")=$version" >&2)
	say "unpacking it"
	dpkg-deb --fsys-tarfile "$dir"/*.deb | tar -xO "./usr/src/$(package "$version").tar.xz" |
		tar -xJ --strip-components=1 --no-same-owner -C "$tree"
	rm "$dir"/*.deb
	configure "$tree" "${release#"${release%%-*}"}"
	say "building it (once; 17 minutes of processor time)"
	compile "$tree"
	[ "$(make -C "$tree" -s kernelrelease)" = "$release" ] ||
		die "the kernel calls itself $(make -C "$tree" -s kernelrelease), not $release"
	PATH=$PATH:/sbin:/usr/sbin make -C "$tree" -s INSTALL_MOD_PATH="$dir/root" modules_install
	rm "$dir/root/lib/modules/$release/build"
	cp "$tree/arch/x86/boot/bzImage" "$dir/boot/bzImage"
	objcopy --strip-all "$tree/vmlinux" "$dir/boot/vmlinux"
	trim "$tree"
}

case ${1:-} in
debug)		suites=bookworm-security major=6.12 ;;
debug-7.x)	suites=trixie,trixie-backports major=7.
		configs+=("$top/tests/vm/debug-kernel-7.x.config")
		;;
*)		die "no such series: ${1:-}" ;;
esac
case $#:${2:-} in
2:version)	version ;;
2:sum)		options | sha256sum | head -c 8 ;;
4:make)		make_kernel "$3" "$4" ;;
*)		sed -n '5,8s/^# //p' "$0" >&2; exit 2 ;;
esac
