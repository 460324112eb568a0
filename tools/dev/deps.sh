#!/bin/bash
# SPDX-License-Identifier: MIT
# Copyright (c) 2026 the npu authors
#
# Usage: deps.sh GROUP...
#
# Installs what a group of goals needs and the machine lacks, through apt, saying what and why.
# Quick and silent where nothing is missing. The groups are the functions group_* below.

set -euo pipefail
. "$(dirname "$0")/lib.sh"

here=$(cd "$(dirname "$0")" && pwd)

# Each group: why, then the packages.
group_build() {
	why="build the library, the tools and their unit tests"
	packages="gcc g++ libc6-dev make pkgconf libdrm-dev libpci-dev libncurses-dev libcmocka-dev
		  python3 libpng-dev libjansson-dev libcap2-bin file libprotobuf-c-dev protobuf-c-compiler
		  protobuf-compiler libonnx-dev libonnx-testdata tmux libxml2-utils"
}

group_fuzz() {
	why="fuzz what reads files"
	packages="clang libclang-rt-dev"
}

group_qemu() {
	why="build QEMU with the card in it"
	packages="gcc libc6-dev make dpkg-dev ninja-build pkgconf python3-venv libglib2.0-dev
		  zlib1g-dev libattr1-dev libslirp-dev meson xz-utils debian-archive-keyring"
}

group_kernel() {
	why="fetch kernels and build npu.ko for them"
	packages="gcc make libelf1 libssl3 kmod sparse zstd xz-utils util-linux
		  debian-archive-keyring"
}

group_debug-kernel() {
	why="build a kernel that checks itself"
	packages="gcc libc6-dev make bc bison flex libelf-dev perl python3 zstd xz-utils kmod binutils
		  debian-archive-keyring"
}

group_vm() {
	why="boot the test VM"
	packages="busybox-static cpio kmod zstd xz-utils binutils seabios qemu-system-data"
}

group_static() {
	why="look the driver's code through"
	packages="perl coccinelle clang-19 lld-19"
}

group_packages() {
	why="make roots of Debian 12 and 13, to build packages and use them"
	packages="mmdebstrap debian-archive-keyring dpkg-dev util-linux"
}

group_demo() {
	why="have real images to classify"
	packages="dataset-fashion-mnist"
}

group_bench() {
	why="measure against others"
	packages="g++ libdnnl-dev libaio-dev fio"
}

group_growth() {
	why="draw what grows"
	packages="jq gnuplot-nox"
}

group_pictures() {
	why="draw the pages' pictures"
	packages="graphviz"
}

group_train() {
	why="train the demo's network"
	packages="python3 python3-torch python3-numpy dataset-fashion-mnist"
}

list_groups() {
	declare -F | sed -n 's/^declare -f group_//p' | tr '\n' ' '
}

# Debian renamed some libraries when time_t grew; a machine has one name or the other.
present() {
	case $1 in
	libelf1 | libssl3)	package_present "$1" || package_present "$1t64" ;;
	meson)			package_present meson && meson_new_enough ;;
	*)			package_present "$1" ;;
	esac
}

# What QEMU asks for.
meson_new_enough() {
	dpkg --compare-versions "$(dpkg-query -W -f '${Version}' meson)" ge 1.5
}

apt_get() {
	local log status=0

	log=$(mktemp)
	as_root env DEBIAN_FRONTEND=noninteractive apt-get -y -qq -o DPkg::Lock::Timeout=600 \
		-o Dpkg::Use-Pty=0 -o Acquire::Retries=3 "$@" </dev/null >"$log" 2>&1 || status=$?
	[ "$status" = 0 ] || cat "$log" >&2
	rm "$log"
	return "$status"
}

candidate() {
	apt-cache policy "$1" 2>/dev/null | sed -n 's/^  Candidate: //p' | grep -v '^(none)$'
}

# A meson of the machine's own suite if that will do, else the one of bookworm-backports.
install_meson() {
	local version dir

	version=$(candidate meson || true)
	if [ -n "$version" ] && dpkg --compare-versions "$version" ge 1.5; then
		apt_get install --no-install-recommends meson
		return
	fi
	say "meson is taken from bookworm-backports: QEMU asks for 1.5"
	package_present debian-archive-keyring ||
		apt_get install --no-install-recommends debian-archive-keyring
	dir=$(mktemp -d)
	# apt's own user reads the package when it installs it.
	chmod 755 "$dir"
	(cd "$dir" && "$here/apt.sh" bookworm-backports apt-get -qq download \
		meson/bookworm-backports >&2)
	apt_get install --no-install-recommends "$dir"/meson_*.deb
	rm -r "$dir"
}

install_group() {
	local group=$1 package missing=() why packages meson=

	"group_$group"
	for package in $packages; do
		present "$package" || missing+=("$package")
	done
	[ "${#missing[@]}" != 0 ] || return 0

	command -v apt-get >/dev/null ||
		die "to $why, install these Debian packages or what they are called here: ${missing[*]}"
	say "to $why, installing: ${missing[*]}"
	for package in "${!missing[@]}"; do
		case ${missing[package]} in
		meson)
			meson=yes
			unset "missing[$package]"
			;;
		libelf1 | libssl3)
			[ -n "$(candidate "${missing[package]}" || true)" ] ||
				missing[package]+=t64
			;;
		esac
	done
	if [ "${#missing[@]}" != 0 ]; then
		apt_get install --no-install-recommends "${missing[@]}" || {
			say "trying again with fresh package lists"
			apt_get update
			apt_get install --no-install-recommends "${missing[@]}"
		}
	fi
	[ -z "$meson" ] || install_meson
}

[ $# -ge 1 ] || die "usage: deps.sh GROUP...; groups: $(list_groups)"
for group in "$@"; do
	declare -F "group_$group" >/dev/null || die "no group $group; groups: $(list_groups)"
	install_group "$group"
done
