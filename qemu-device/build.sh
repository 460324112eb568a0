#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# Copyright (c) 2026 the npu authors
#
# Builds qemu-system-x86_64 with the npu card in it, into build/qemu/ of this checkout.
#
#	qemu-device/build.sh [--update | --clean]
#
#	--update  ask the archive for a newer QEMU instead of using the source in the cache
#	--clean   throw this configuration's build away first
#
#	QEMU_SRC    a QEMU source tree, 10.0 or later, to use instead of Debian's; never written to
#	NPU_CACHE   where sources and objects stay (default ${XDG_CACHE_HOME:-$HOME/.cache}/npu)
#	JOBS        compiler processes at once (default: all processors)
#
# QEMU itself costs minutes and is compiled once per version, configuration and compiler, in
#
#	$NPU_CACHE/qemu/dl/			Debian's source package, as verified by apt
#	$NPU_CACHE/qemu/<version>-<key>/tree	QEMU's source, with hw/misc/npu linked to qemu-device/
#	$NPU_CACHE/qemu/<version>-<key>/build	its objects
#
# After that an edit of the device costs one object and one link. Checkouts share the cache:
#
# - one lock, $NPU_CACHE/qemu/lock, is held from the first look at the cache to the copy of the
#   binary, so a checkout only ever receives a binary made from its own sources;
# - ninja goes by modification times, which say nothing across two checkouts: when the links change
#   their target, everything made from the device's files is deleted first;
# - each stage is done in a place of its own and then renamed or stamped, so an interruption leaves
#   either a finished stage or one that is done again; ninja resumes where it stopped.
#
# All output is on stderr.

set -euo pipefail
export LC_ALL=C
exec 1>&2

# /usr/bin first: configure must not find a Python from elsewhere, whose modules it would then use.
PATH=/usr/bin:/bin:$PATH
unset CC CXX CFLAGS CXXFLAGS CPPFLAGS LDFLAGS PYTHON PYTHONPATH PYTHONHOME NINJA NINJA_STATUS

here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd -P)
root=$(dirname "$here")
# shellcheck source=tools/dev/lib.sh
. "$root/tools/dev/lib.sh"
out=$root/build/qemu
cache=$NPU_CACHE/qemu
jobs=${JOBS:-$(nproc)}
suites="trixie sid"	# Debian suites whose qemu is new enough, best first
oldest=10.0

# What the tests and the demo use. firmwarepath: Debian's source carries no firmware; the packages
# seabios and qemu-system-data put it there.
options=(
	--target-list=x86_64-softmmu
	--without-default-features
	--enable-system
	--enable-tcg
	--enable-kvm
	--enable-virtfs
	--enable-attr
	--enable-vhost-user
	--enable-slirp
	--disable-download
	--disable-install-blobs
	--disable-werror
	--firmwarepath=/usr/share/qemu:/usr/share/seabios
)

# Devices without which the tests cannot run; a binary that lacks one is not handed out.
devices="npu pcie-root-port intel-iommu isa-debug-exit virtio-serial-pci virtio-9p-pci
	virtio-blk-pci virtio-net-pci nvme pcie-pci-bridge"

# True if version $1 is at least $2.
at_least() { [ "$(printf '%s\n' "$1" "$2" | sort -V | head -n1)" = "$2" ]; }

# ------------------------------------------------------------------------------ QEMU's source

# Downloads the newest source package that the mirror really has (its index may be ahead of its
# files) into dl/ and records its .dsc in dl/current.
download()
{
	local suite version new=$cache/dl.new apt=$root/tools/dev/apt.sh

	for suite in $suites; do
		for version in $("$apt" "src:$suite" apt-cache showsrc --only-source qemu |
				 sed -n 's/^Version: *//p' | sort -Vru); do
			at_least "${version#*:}" "$oldest" || continue
			say "downloading qemu $version of $suite"
			rm -rf "$new"
			mkdir -p "$new"
			(cd "$new" && "$apt" "src:$suite" apt-get -qq source --download-only \
				--only-source "qemu=$version") || continue
			(cd "$new" && ls -- *.dsc >current)
			rm -rf "$cache/dl"
			mv "$new" "$cache/dl"
			return
		done
	done
	die "found no qemu >= $oldest in $suites; QEMU_SRC can name a source tree instead"
}

# Sets `version' and `source_id', which tells this source from any other.
find_source()
{
	local dsc

	if [ -n "${QEMU_SRC:-}" ]; then
		QEMU_SRC=$(cd "$QEMU_SRC" && pwd -P) || die "QEMU_SRC: no such folder"
		[ -e "$QEMU_SRC/hw/misc/meson.build" ] ||
			die "QEMU_SRC: $QEMU_SRC is not a QEMU source tree"
		version=$(cat "$QEMU_SRC/VERSION")
		at_least "$version" $oldest || die "QEMU_SRC: version $version is older than $oldest"
		source_id=$QEMU_SRC:$(cd "$QEMU_SRC" && find . \( -path ./.git -o -path ./build \) \
			-prune -o -type f -printf '%p %s %T@\n' | sort | sha256sum)
		return
	fi
	dsc=$(cat "$cache/dl/current" 2>/dev/null) || dsc=none
	if [ -n "$update" ] || [ ! -e "$cache/dl/$dsc" ]; then
		download
		dsc=$(cat "$cache/dl/current")
	fi
	version=${dsc#qemu_}
	version=${version%.dsc}
	source_id=$(sha256sum <"$cache/dl/$dsc")
}

# A copy of the source in tree/, complete or absent.
unpack_source()
{
	rm -rf "$dir/tree.new"
	say "unpacking QEMU $version"
	if [ -n "${QEMU_SRC:-}" ]; then
		mkdir "$dir/tree.new" || return 1
		tar -C "$QEMU_SRC" --exclude=./.git --exclude=./build -cf - . |
			tar -C "$dir/tree.new" -xf - || return 1
	else
		dpkg-source --no-copy -x "$cache/dl/$(cat "$cache/dl/current")" "$dir/tree.new" \
			>"$dir/log" 2>&1 || { cat "$dir/log"; rm -rf "$cache/dl"; return 1; }
	fi
	overlay "$dir/tree.new" || return 1
	mv "$dir/tree.new" "$dir/tree"
}

# ------------------------------------------------------------------------------ the device in it

# Makes hw/misc/npu, a link made later, part of the tree $1. `npu_include' is set here and not in
# npu/meson.build, because there a path that leaves the folder would follow the link.
overlay()
{
	cat >>"$1/hw/misc/meson.build" <<-END

		npu_include = include_directories('npu-include')
		subdir('npu')
	END
	printf '\nsource npu/Kconfig\n' >>"$1/hw/misc/Kconfig"
	sed -i "/^subdir('trace')/i trace_events_subdirs += [ 'hw/misc/npu' ]" "$1/meson.build"
	grep -q "hw/misc/npu" "$1/meson.build" || die "no place for trace events in meson.build"
}

# Points the links at this checkout. The inode tells a new checkout from an old one of the same path.
link_device()
{
	local misc=$dir/tree/hw/misc id

	id="$here $(stat -c %d:%i "$here")"
	if [ "$(cat "$dir/linked" 2>/dev/null)" = "$id" ] && [ -e "$misc/npu/npu.c" ]; then
		return
	fi
	rm -f "$dir/linked"
	ln -sfn "$here" "$misc/npu" && ln -sfn "$root/include" "$misc/npu-include" || return 1
	if [ -d "$dir/build" ]; then
		find "$dir/build" \( -path '*hw_misc_npu*' -o -path '*/hw/misc/npu/*' \) \
			-type f -delete
		touch "$misc/meson.build"
	fi
	echo "$id" >"$dir/linked"
}

# meson.build names the card's files one by one; say so before a linker does it worse.
check_sources()
{
	local listed present

	listed=$(sed -n "s/^[^#]*'\(card\/[^']*\.c\)'.*/\1/p" "$here/meson.build" | sort)
	present=$(cd "$here" && find card -name '*.c' | sort)
	[ "$listed" = "$present" ] && return
	say "the card's files and their list in qemu-device/meson.build differ:"
	diff <(echo "$listed") <(echo "$present") |
		sed -n 's/^< \(.\)/listed but not there: \1/p; s/^> \(.\)/not listed: \1/p'
	exit 1
}

# -------------------------------------------------------------------------------------- building

configure_build()
{
	say "configuring"
	rm -rf "$dir/build"
	mkdir "$dir/build"
	(cd "$dir/build" && ../tree/configure "${options[@]}") >"$dir/log" 2>&1 ||
		{ tail -n 30 "$dir/log"; return 1; }
	touch "$dir/build/configured"
}

# Condenses ninja's output: a progress line every few seconds, failures and whatever the compiler
# says about the device in full.
progress()
{
	local line last=-10 show='' counter

	while IFS= read -r line; do
		case $line in
		'['*/*']'*)
			show=''
			case $line in *hw[_/]misc[_/]npu*) show=1 ;; esac
			if ((SECONDS - last >= 5)); then
				counter=${line%%]*}]
				say "compiling $counter"
				last=$SECONDS
			fi
			;;
		FAILED:*) show=1; echo "$line" ;;
		'ninja: error:'* | 'ninja: fatal:'*) echo "$line" ;;
		*) [ -z "$show" ] || echo "$line" ;;
		esac
	done
}

compile()
{
	ninja -C "$dir/build" -j"$jobs" qemu-system-x86_64 2>&1 | tee "$dir/log" | progress
}

# True if the last compilation failed on what it found in the cache, not on the device's source.
cache_is_broken()
{
	grep -qE -e 'ninja: error: (.*build\.ninja|.*missing and no known rule|loading)' \
		-e '\.[ao](\([^)]*\))?: .*(not recognized|truncated|too short|malformed|wrong format|corrupt)' \
		-e 'Current Meson version is|Build directory has been generated with' \
		"$dir/log" && return
	# A failure in QEMU's own files, which were fine when this directory was first built.
	[ -e "$dir/complete" ] && grep '^FAILED:' "$dir/log" |
		grep -qvE 'hw[_/]misc[_/]npu|FAILED: (\[code=[0-9]+\] )?(qemu-system-x86_64|libsystem)'
}

# True if the binary runs and has every device; says what is wrong otherwise.
check_binary()
{
	local binary=$dir/build/qemu-system-x86_64 have name

	have=$("$binary" -M q35 -device help 2>/dev/null) ||
		{ say "the new binary does not run"; return 1; }
	for name in $devices; do
		[[ $have == *"name \"$name\""* ]] || { say "the new binary has no $name"; return 1; }
	done
}

# Brings the cache up to date with the device. Callers test the result, so set -e is off in here.
build()
{
	[ -d "$dir/tree" ] || unpack_source || return 1
	link_device || return 1
	[ -e "$dir/build/configured" ] || configure_build || return 1
	compile || return 1
}

start_over()
{
	rm -rf "$dir"
	mkdir -p "$dir"
}

# The binary goes to the checkout by a rename, so that a VM that runs keeps the file it started from.
publish()
{
	mkdir -p "$out"
	if cmp -s "$dir/build/qemu-system-x86_64" "$out/qemu-system-x86_64"; then
		touch "$out/qemu-system-x86_64"
	else
		cp "$dir/build/qemu-system-x86_64" "$out/qemu-system-x86_64.new"
		mv "$out/qemu-system-x86_64.new" "$out/qemu-system-x86_64"
	fi
}

# Removes builds that nobody has used for two months: another QEMU or other options took their place.
prune()
{
	local stamp

	find "$cache" -mindepth 2 -maxdepth 2 -name used -mtime +60 | while read -r stamp; do
		rm -rf "$(dirname "$stamp")"
	done
}

# ------------------------------------------------------------------------------------------- main

update='' clean=''
for arg; do
	case $arg in
	--update) update=1 ;;
	--clean) clean=1 ;;
	-h | --help) sed -n '5,16s/^# \{0,1\}//p' "$0"; exit ;;
	*) die "unknown argument $arg (see --help)" ;;
	esac
done

check_sources
# Before anything looks at the compiler, which is part of the key.
if command -v apt-get >/dev/null; then
	"$root/tools/dev/deps.sh" qemu
fi
mkdir -p "$cache"
exec 9>"$cache/lock"
flock -n 9 || { say "waiting for another build"; flock 9; }

find_source
key=$(printf '%s\n' "$source_id" "${options[*]}" "$(declare -f overlay)" \
	"$(gcc -v 2>&1)" | sha256sum | cut -c1-12)
dir=$cache/$version-$key
[ -z "$clean" ] || rm -rf "$dir"
mkdir -p "$dir"
touch "$dir/used"

if ! build; then
	cache_is_broken || die "the build failed; its whole output is in $dir/log"
	say "the cached build is damaged; building anew"
	start_over
	build || die "the build failed; its whole output is in $dir/log"
fi
if ! check_binary; then
	rm -f "$dir/build/qemu-system-x86_64"
	build && check_binary || die "the build is unusable; --clean starts from nothing"
fi
touch "$dir/complete" "$dir/used"
publish
prune
say "build/qemu/qemu-system-x86_64 is QEMU $version"
