#!/bin/bash
# SPDX-License-Identifier: MIT
# Copyright (c) 2026 the npu authors
#
# Usage: root.sh RELEASE build|use
#
# Prints the folder of a root of Debian RELEASE (12, 13), which is made once and kept in $NPU_CACHE/root:
#
#   build   a machine that builds packages: what debian/control asks for, and lintian
#   use     a machine that packages are installed on: a compiler, DKMS and the headers of a kernel. What packages
#           depend on is not installed, but lies in apt's cache, so that apt finds it without a network: a
#           dependency that a package forgets is missing, and one that is not in the list below is not found
#
# A root is made under another name and renamed when it is whole; a lock keeps two runs from making it twice. Its name
# has a sum of all that went into it. Roots that nobody used for two months go.

set -euo pipefail
. "$(dirname "$0")/../../tools/dev/lib.sh"

# Raise when a root's content changes by other things than the words below.
recipe=1
top=$(cd "$(dirname "$0")/../.." && pwd -P)
apt=$top/tools/dev/apt.sh
kernel=$top/tools/dev/kernel.sh

new=
[ "${1:-}" != --make ] || { new=$2; shift 2; }
[ $# = 2 ] || die "usage: root.sh RELEASE build|use"
release=$1
kind=$2
case $release in
12)	suite=bookworm suites=bookworm,bookworm-security series=6.12 ;;
13)	suite=trixie suites=trixie,trixie-backports series=7.x ;;
*)	die "no Debian $release here: 12 and 13 are known" ;;
esac

build_depends() {
	awk '/^Build-Depends:/ { on = 1; sub(/^[^:]*:/, "") } on && /^[A-Z]/ { on = 0 } on' "$top/debian/control" |
		tr , '\n' | sed 's/(.*//; s/|.*//; s/ //g' | grep . | sort
}

packages=() later=()
case $kind in
build)
	mapfile -t packages < <(build_depends)
	packages+=(build-essential lintian man-db)
	;;
use)
	packages=(gcc g++ libc6-dev pkgconf python3 dkms
		  "linux-headers-$("$kernel" path "$series" version)")
	later=(libdrm-dev libjansson4 libncursesw6 libpci3 libprotobuf-c1 udev)
	;;
*)	die "no root for $kind" ;;
esac

name=$suite-$kind-$(printf '%s\n' "$recipe" "${packages[@]}" "${later[@]}" | sha256sum | head -c 12)
dir=$NPU_CACHE/root/$name

# make_root: the root, in the folder $new.
make_root() {
	local include

	include=$(IFS=,; printf '%s' "${packages[*]}")
	# INITRD: headers bring a kernel's image, whose initramfs nobody boots here.
	say "making a root of Debian $release to $kind packages (once)"
	"$apt" "$suites" apt-get indextargets --format 'deb $(REPO_URI) $(RELEASE) $(COMPONENT)' \
		'Identifier: Packages' | sort -u |
		as_root env INITRD=No mmdebstrap --quiet --variant=apt --mode=root --dpkgopt=force-unsafe-io \
			--include="$include" --skip=cleanup/apt \
			--customize-hook='rm -f "$1"/var/cache/apt/archives/*.deb' \
			--customize-hook="APT_CONFIG=\$MMDEBSTRAP_APT_CONFIG apt-get -qq -y \
				-o APT::Install-Recommends=false --download-only install ${later[*]}" \
			"$suite" "$new" - >&2
}

# ensure: $dir exists. Runs under the lock.
ensure() {
	[ ! -d "$dir" ] || return 0
	as_root rm -rf --one-file-system "$dir.new"
	# In a process of its own: set -e is off inside a function whose status is asked for.
	bash "$0" --make "$dir.new" "$release" "$kind" || die "could not make a root of Debian $release"
	mv "$dir.new" "$dir"
}

prune() {
	local old

	find "$NPU_CACHE/root" -mindepth 1 -maxdepth 1 -name '*.used' -mtime +60 | while read -r old; do
		as_root rm -rf --one-file-system "${old%.used}" "$old"
	done
}

if [ -n "$new" ]; then
	make_root
	exit
fi
"$top/tools/dev/deps.sh" packages
with_lock "$NPU_CACHE/root/$suite-$kind.lock" ensure
touch "$dir.used"
prune
printf '%s\n' "$dir"
