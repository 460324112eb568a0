# shellcheck shell=bash
# SPDX-License-Identifier: MIT
# Copyright (c) 2026 the npu authors
#
# What the tests of packages share: roots that can be written to and thrown away. Sourced, never run.
#
# A root of the cache stays as it is: what happens in it happens in an overlay, $work/root, in a mount namespace that
# ends with the script. So a script sets NPU_ROOT to the root's folder, calls `in_namespace "$@"`, which starts it again
# as root, and then `overlay`.

. "$(dirname "${BASH_SOURCE[0]}")/../../tools/dev/lib.sh"
top=$(cd "$(dirname "${BASH_SOURCE[0]}")/../.." && pwd -P)

# in_namespace ARGUMENT...: the rest of the script runs as root, in a mount namespace of its own.
in_namespace() {
	[ -z "${NPU_IN_NAMESPACE:-}" ] || return 0
	as_root env NPU_IN_NAMESPACE=yes NPU_CACHE="$NPU_CACHE" NPU_ROOT="$NPU_ROOT" JOBS="${JOBS:-}" \
		unshare -m --propagation private bash "$0" "$@"
	exit
}

# overlay: makes $root, a root like $NPU_ROOT that can be written to. Not below build/, where make would go through it.
overlay() {
	mkdir -p "$NPU_CACHE/root"
	work=$(mktemp -d "$NPU_CACHE/root/.work.XXXXXX")
	root=$work/root
	# What is still mounted is never gone through by rm: it may be this machine's /dev.
	trap 'umount -R -l "$root" && rm -rf --one-file-system "$work"' EXIT
	mkdir "$work"/{upper,meta,root}
	mount -t overlay -o "lowerdir=$NPU_ROOT,upperdir=$work/upper,workdir=$work/meta" overlay "$root"
	mount -t proc proc "$root/proc"
	mount --rbind /dev "$root/dev"
	mount --make-rslave "$root/dev"
	mount -t tmpfs tmpfs "$root/tmp"
	mount -t tmpfs tmpfs "$root/run"
}

# inside COMMAND...: in $root, with nothing of this machine's environment.
inside() {
	chroot "$root" env -i PATH=/usr/sbin:/usr/bin:/sbin:/bin HOME=/root LC_ALL=C.UTF-8 \
		DEBIAN_FRONTEND=noninteractive "$@"
}
