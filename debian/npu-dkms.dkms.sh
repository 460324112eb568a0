#!/bin/sh
# SPDX-License-Identifier: MIT
# Copyright (c) 2026 the npu authors
#
# Usage: dkms add                        DKMS takes the sources that this package has
#        dkms install [--force] KERNEL   compiles and installs npu.ko for KERNEL, if its headers are there; --force: again
#        dkms remove                     DKMS forgets them, and takes the modules away
#
# What the package's scripts and its hooks in /etc/kernel have DKMS do. None of it fails: what dh_dkms makes does, as do
# DKMS' own hooks, when a module does not compile, and leaves this package or the kernel's half configured, with nothing
# else installable. So dh_dkms is not used, and dkms.conf has no AUTOINSTALL, for which those hooks look.

version=@VERSION@
tree=/var/lib/dkms/npu/$version

command -v dkms >/dev/null || exit 0

remove() {
	[ ! -e "$tree" ] || dkms remove "npu/$version" --all >&2 || rm -rf "$tree"
}

install() {
	force=
	[ "$1" != --force ] || { force=--force; shift; }
	kernel=$1
	[ -e "/lib/modules/$kernel/build/include" ] && [ -e "/usr/src/npu-$version/dkms.conf" ] || return 0
	[ ! -e /etc/dkms/no-autoinstall ] || return 0
	dkms install $force "npu/$version" -k "$kernel" >&2
	status=$?
	# 77: it is not for this kernel.
	[ "$status" != 0 ] && [ "$status" != 77 ] || return 0
	cat >&2 <<-END
		npu-dkms: the module npu was not built for Linux $kernel (DKMS ended with $status). All else is installed.
		npu-dkms: the log is in $tree. When that is mended: dkms install npu/$version -k $kernel
	END
}

case $1 in
add)
	remove
	dkms add "npu/$version" >&2
	;;
install)
	shift
	install "$@"
	;;
remove)
	remove
	;;
esac
exit 0
