#!/bin/bash
# SPDX-License-Identifier: MIT
# Copyright (c) 2026 the npu authors
#
# Usage: kernel.sh get SERIES             fetch the kernel into the cache
#        kernel.sh build SERIES [W=1] [C=1]  build npu.ko against it
#        kernel.sh path SERIES vmlinux|bzImage|modules|headers|version
#        kernel.sh newest SERIES          look for a newer version now, not once a week
#
# SERIES is 6.12 (the LTS kernel of Debian 12), 7.x (the newest of trixie-backports), debug or debug-7.x
# (the same two built from Debian's source to check themselves: debug-kernel.sh) or, for build alone, the
# release of an installed kernel whose headers are in /lib/modules/RELEASE/build.
#
# Nothing is installed. Debian's packages are unpacked to $NPU_CACHE/kernel/RELEASE.rN:
#
#     root/       the packages: headers, modules; for 7.x also its compiler, C library and tools
#     boot/       bzImage, and the vmlinux inside of it for a PVH boot
#     stamp       the sums of the files that matter; written last
#
# A kernel's headers bring tools that run on the build machine. Those of 6.12 run on any Debian or
# Ubuntu of its age or younger, so the machine's gcc builds. Those of 7.x want a newer C library,
# so they run in a chroot made by unpacking what they depend on: no maintainer script runs, and no
# root is needed where the kernel lets users have namespaces.
#
# A cache folder is made under another name and renamed when it is whole. A run that was
# interrupted leaves nothing that a later one takes for good, a folder whose sums are wrong is made
# again, and a lock a series keeps two runs from doing it twice.
#
# build writes to build/kernel/SERIES alone: that folder holds links to the sources, and Kbuild runs
# there. With W or C it starts afresh in build/kernel/SERIES.check, and any warning fails it. C, which
# is sparse, is for 6.12: Debian's sparse cannot parse the headers of 7.x (__typeof_unqual__).

set -euo pipefail
. "$(dirname "$0")/lib.sh"

# What a make above us was told is not meant for the kernel's.
unset MAKEFLAGS MFLAGS MAKELEVEL MAKEOVERRIDES

top=$(cd "$(dirname "$0")/../.." && pwd -P)
apt=$top/tools/dev/apt.sh
debug=$top/tools/dev/debug-kernel.sh
cache=$NPU_CACHE/kernel

# Raise when the content of a cache folder changes.
recipe=1
# How long a version once resolved is used before the mirror is asked again.
max_age_days=7

# Parts of Debian's kernels that no test touches; they are four fifths of the modules.
unwanted=(sound drivers/media drivers/net drivers/iio drivers/staging drivers/infiniband
	  drivers/gpu/drm/{amd,i915,nouveau,radeon,xe})

usage() {
	sed -n '5,8s/^# //p' "$0" >&2
	exit 2
}

suites() {
	case $1 in
	6.12)	echo bookworm-security ;;
	7.x)	echo trixie,trixie-backports ;;
	*)	die "no such kernel series: $1 (6.12, 7.x, debug and debug-7.x are known)" ;;
	esac
}

# A kernel that is compiled here, to check itself.
is_debug() {
	[ "$1" = debug ] || [ "$1" = debug-7.x ]
}

# resolve SERIES: the newest release of the series that the mirror has, say 6.12.117+deb12-amd64; of
# those compiled here the source's version.
resolve() {
	local suites names release

	if is_debug "$1"; then
		"$debug" "$1" version
		return
	fi
	suites=$(suites "$1")
	case $1 in
	6.12)
		"$apt" "$suites" apt-cache show linux-headers-6.12-amd64 |
			sed -n 's/^Depends:.*linux-headers-\([^ ,]*\).*/\1/p' | head -n 1
		;;
	7.x)
		# The meta-package follows only when an image is signed; an unsigned one boots as well.
		names=$("$apt" "$suites" apt-cache pkgnames linux-)
		sed -n 's/^linux-headers-\(7\.[0-9.]*+.*-amd64\)$/\1/p' <<<"$names" |
			grep -v -e -cloud- -e -rt- | sort -V -r |
			while read -r release; do
				if grep -qxF "linux-modules-$release" <<<"$names" &&
				   [ -n "$(binary_package "$release" "$names")" ]; then
					echo "$release"
					break
				fi
			done
		;;
	esac
}

# binary_package RELEASE NAMES: the package with the kernel image of a 7.x kernel.
binary_package() {
	grep -xF -e "linux-binary-$1" -e "linux-binary-unsigned-$1" <<<"$2" | sort | head -n 1
}

# release SERIES [now]: the release in use. That of a kernel compiled here changes with its configuration.
release() {
	local release

	release=$(resolved "$@") || return
	! is_debug "$1" || release+=-debug-$("$debug" "$1" sum)
	printf '%s\n' "$release"
}

# resolved SERIES [now]: what resolve said; asks the mirror when that is old or "now" is given.
resolved() {
	local known=$cache/$1.release found

	if [ -s "$known" ] && [ "${2:-}" != now ] &&
	   [ -n "$(find "$known" -mtime "-$max_age_days")" ]; then
		cat "$known"
		return
	fi
	mkdir -p "$cache"
	if found=$(resolve "$1") && [ -n "$found" ]; then
		printf '%s\n' "$found" >"$known.$$"
		mv "$known.$$" "$known"
		printf '%s\n' "$found"
	elif [ -s "$known" ]; then
		say "cannot ask the mirror for a newer $1; staying with $(cat "$known")"
		cat "$known"
	else
		die "the mirror has no kernel of the series $1"
	fi
}

# download DIR SERIES RELEASE: the packages, as signed by Debian, to DIR/*.deb.
download() {
	local dir=$1 series=$2 release=$3 suites names common=${3%-amd64}

	suites=$(suites "$series")
	case $series in
	6.12)
		(cd "$dir" && "$apt" "$suites" apt-get -qq download "linux-headers-$release" \
			"linux-headers-$common-common" "linux-kbuild-$common" \
			"linux-image-$release") >&2
		;;
	7.x)
		# The chroot is the closure of what a module's build runs, essential packages named.
		names=$("$apt" "$suites" apt-cache pkgnames linux-)
		"$apt" "$suites" apt-get -qq -y -o Debug::NoLocking=1 \
			-o Dir::Cache::archives="$dir" install --download-only \
			"linux-headers-$release" make gcc-14 \
			dash bash coreutils sed grep mawk findutils diffutils >&2
		(cd "$dir" && "$apt" "$suites" apt-get -qq download "linux-modules-$release" \
			"$(binary_package "$release" "$names")") >&2
		;;
	esac
}

# unpack DIR ROOT: the packages' files, without running any of their scripts.
unpack() {
	local deb dir part exclude=()

	for dir in bin sbin lib lib64; do
		mkdir -p "$2/usr/$dir"
		ln -s "usr/$dir" "$2/$dir"
	done
	for part in "${unwanted[@]}"; do
		exclude+=(--exclude="./lib/modules/*/kernel/$part"
			  --exclude="./usr/lib/modules/*/kernel/$part")
	done
	for deb in "$1"/*.deb; do
		dpkg-deb --fsys-tarfile "$deb" |
			tar -x --keep-directory-symlink --no-same-owner "${exclude[@]}" \
			    --exclude=./usr/share/{doc,man,locale,info} -C "$2"
	done
	# Made by maintainer scripts otherwise.
	[ ! -e "$2/usr/bin/mawk" ] || ln -sf mawk "$2/usr/bin/awk"
	mkdir -p "$2"/{proc,dev,tmp}
}

# payload BZIMAGE: the vmlinux inside. Its place is in the boot protocol's header.
payload() {
	local start length magic unpack

	word() { od -An -tu"$3" -j "$2" -N "$3" "$1" | tr -d ' '; }
	start=$((($(word "$1" $((0x1f1)) 1) + 1) * 512 + $(word "$1" $((0x248)) 4)))
	length=$(word "$1" $((0x24c)) 4)
	magic=$(od -An -tx1 -j "$start" -N 4 "$1" | tr -d ' ')
	# The size of what is packed follows in four bytes, which a gzip has as its own.
	case $magic in
	28b52ffd)	unpack=zstd; length=$((length - 4)) ;;
	fd377a58)	unpack=xz; length=$((length - 4)) ;;
	1f8b*)		unpack=gzip ;;
	*)		die "$1: packed in a way unknown here (magic $magic)" ;;
	esac
	dd if="$1" bs=1M iflag=skip_bytes,count_bytes skip="$start" count="$length" status=none |
		"$unpack" -dc
}

# fetch_kernel DIR SERIES RELEASE: Debian's kernel, into root/ and boot/ of a cache folder.
fetch_kernel() {
	local dir=$1 series=$2 release=$3 image headers

	say "fetching Linux $release (once)"
	mkdir -p "$dir"/{debs/partial,root,boot}
	download "$dir/debs" "$series" "$release"
	say "unpacking it"
	unpack "$dir/debs" "$dir/root"
	rm -r "$dir/debs"

	image=$(find "$dir/root/boot" "$dir/root/usr/lib/modules/$release" -maxdepth 1 \
		-name 'vmlinuz*' -print -quit 2>/dev/null || true)
	[ -n "$image" ] || die "the packages of $release have no kernel image"
	mv "$image" "$dir/boot/bzImage"
	payload "$dir/boot/bzImage" >"$dir/boot/vmlinux"
	[ "$(head -c 4 "$dir/boot/vmlinux" | tail -c 3)" = ELF ] ||
		die "what is in the image of $release is no vmlinux"

	headers=$dir/root/usr/src/linux-headers-$release
	if [ "$series" = 6.12 ]; then
		# Used in place: the headers name each other by absolute paths.
		find "$headers" -maxdepth 1 -name Makefile -exec \
			sed -i "s#/usr/src/#$cache/$release.r$recipe/root/usr/src/#" {} +
	fi
}

# make_kernel DIR SERIES RELEASE: fills a cache folder.
make_kernel() {
	local dir=$1 series=$2 release=$3 tree=$1/root/usr/lib/modules/$3

	if is_debug "$series"; then
		"$debug" "$series" make "$dir" "$release"
	else
		fetch_kernel "$dir" "$series" "$release"
	fi
	PATH=$PATH:/sbin:/usr/sbin depmod -b "$dir/root" "$release" 2>/dev/null ||
		PATH=$PATH:/sbin:/usr/sbin depmod -b "$dir/root" "$release"
	[ -s "$tree/modules.dep" ] || die "depmod wrote nothing for $release"
	(cd "$dir" && sha256sum boot/vmlinux boot/bzImage \
		"root/usr/lib/modules/$release/modules.dep" \
		"root/usr/src/linux-headers-$release/Makefile" \
		"root/usr/src/linux-headers-$release/Module.symvers") >"$dir/stamp"
}

whole() {
	[ -s "$1/stamp" ] && (cd "$1" && sha256sum -c --status stamp)
}

# ensure SERIES RELEASE: the cache folder exists and is whole. Runs under the series' lock.
ensure() {
	local dir=$cache/$2.r$recipe

	! whole "$dir" || return 0
	[ ! -e "$dir" ] || say "the cached $2 is broken; making it again"
	rm -rf "$dir" "$cache"/.new."$1".*
	# In a process of its own: set -e is off inside a function whose status is asked for.
	bash "$0" --make "$cache/.new.$1.$$" "$1" "$2" ||
		die "could not make the kernel $2"
	mv "$cache/.new.$1.$$" "$dir"
}

get() {
	local release groups=(kernel)

	release=$(release "$1" "${2:-}") || exit 1
	if ! whole "$cache/$release.r$recipe"; then
		! is_debug "$1" || groups+=(debug-kernel)
		"$top/tools/dev/deps.sh" "${groups[@]}"
		with_lock "$cache/$1.lock" ensure "$1" "$release"
	fi
	printf '%s\n' "$release"
}

# link_sources DIR: makes DIR a shadow of the driver's sources, made of links.
link_sources() {
	local dir=$1 file

	mkdir -p "$dir/kernel"
	find "$dir" -xtype l -delete
	ln -sfn "$top/Kbuild" "$dir/Kbuild"
	ln -sfn "$top/include" "$dir/include"
	while read -r -d '' file; do
		mkdir -p "$dir/${file%/*}"
		ln -sfn "$top/$file" "$dir/$file"
	done < <(cd "$top" && find kernel -type f -name '*.[chS]' -print0)
}

# in_root ROOT COMMAND...: runs it in the chroot ROOT, which sees this tree at its usual place.
in_root() {
	local root=$1 unshare=(unshare -m)
	shift

	[ "$(id -u)" = 0 ] || unshare=(unshare -U -r -m)
	"${unshare[@]}" sh -euc '
		root=$1 top=$2
		shift 2
		mount --rbind /proc "$root/proc"
		mount --rbind /dev "$root/dev"
		mount -t tmpfs tmpfs "$root/tmp"
		mkdir -p "$root$top"
		mount --rbind "$top" "$root$top"
		exec chroot "$root" env -i PATH=/usr/bin:/usr/sbin HOME=/tmp LC_ALL=C \
			DEB_BUILD_ARCH=amd64 "$@"
	' sh "$root" "$top" "$@"
}

# build SERIES [W=..] [C=..]
build() {
	local series=$1 out log release dir root headers status=0 checking=
	shift

	case "$series $* " in
	7.x*" C="*)		die "no sparse in Debian understands the headers of 7.x" ;;
	*" W="* | *" C="*)	checking=yes ;;
	esac
	out=$top/build/kernel/$series${checking:+.check}
	log=$out/build.log
	case $series in
	6.12 | 7.x | debug | debug-7.x)
		release=$(get "$series")
		root=$cache/$release.r$recipe/root
		;;
	*)
		release=$series
		root=
		[ -d "/lib/modules/$release/build" ] ||
			die "no headers of the kernel $release: /lib/modules/$release/build is missing"
		;;
	esac
	[ -z "$checking" ] || rm -rf "$out"
	link_sources "$out"
	# Objects of another kernel or compiler are of no use.
	if [ "$(cat "$out/release" 2>/dev/null)" != "$release" ]; then
		find "$out" -type f -delete
		printf '%s\n' "$release" >"$out/release"
	fi

	# BTF of a module is of no use here and wants pahole.
	set -- -j"$(nproc)" M="$out" CONFIG_DEBUG_INFO_BTF_MODULES= "$@" modules
	case $series in
	6.12 | debug | debug-7.x)
		headers=$root/usr/src/linux-headers-$release
		make -C "$headers" CC=gcc "$@" >"$log" 2>&1 || status=$?
		;;
	7.x)	in_root "$root" make -C "/usr/src/linux-headers-$release" "$@" >"$log" 2>&1 ||
			status=$?
		;;
	*)	make -C "/lib/modules/$release/build" "$@" >"$log" 2>&1 || status=$?
		;;
	esac

	if [ "$status" != 0 ]; then
		cat "$log" >&2
		die "npu.ko does not build on Linux $release"
	fi
	# Only lines about our own files: a kernel's headers may have warnings of their own.
	if [ -n "$checking" ] && grep -E "(warning|error):" "$log" |
	   grep -E "(^|[ /])kernel/npu_|include/(npu|uapi/drm/npu)|npu\.(ko|o|mod)" >&2; then
		die "npu.ko has warnings on Linux $release; the whole log is $log"
	fi
	grep -E "(warning|error):" "$log" >&2 || true
	[ -s "$out/npu.ko" ] || die "no npu.ko came out of the build; the log is $log"
	say "built ${out#"$top"/}/npu.ko for Linux $release"
}

build_locked() {
	# As in ensure: a process of its own, so that set -e holds.
	bash "$0" --build "$@"
}

path() {
	local release dir

	release=$(get "$1")
	dir=$cache/$release.r$recipe
	case $2 in
	vmlinux | bzImage)	printf '%s\n' "$dir/boot/$2" ;;
	modules)		printf '%s\n' "$dir/root" ;;
	headers)		printf '%s\n' "$dir/root/usr/src/linux-headers-$release" ;;
	version)		printf '%s\n' "$release" ;;
	*)			usage ;;
	esac
}

[ $# -ge 2 ] || usage
case $1 in
get)		get "$2" >/dev/null ;;
newest)		get "$2" now ;;
build)		with_lock "$top/build/kernel/.$2.lock" build_locked "${@:2}" || exit ;;
path)		[ $# = 3 ] || usage; path "$2" "$3" ;;
--make)		make_kernel "$2" "$3" "$4" ;;
--build)	build "${@:2}" ;;
*)		usage ;;
esac
