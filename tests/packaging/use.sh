#!/bin/bash
# SPDX-License-Identifier: MIT
# Copyright (c) 2026 the npu authors
#
# Usage: use.sh RELEASE PACKAGES [SERIES]
#
# What a person does with the packages of the folder PACKAGES on Debian RELEASE: installs them, compiles and runs
# something, purges them; what happens when the driver does not compile; and the driver from source, by DKMS
# (tests/packaging/guest.sh, in a root of that release). With SERIES, the kernel of that series (tests/vm/run.sh) boots in between, with that root as its file system
# and a card: the driver that DKMS built is loaded by the card's PCI id, udev's rule gives the node to a plain user, and
# the tools work for him (tests/packaging/vm.sh).

set -euo pipefail
. "$(dirname "$0")/lib.sh"

[ $# -ge 2 ] || die "usage: use.sh RELEASE PACKAGES [SERIES]"
release=$1
packages=$(cd "$2" && pwd -P)
series=${3:-}
NPU_ROOT=${NPU_ROOT:-$("$top/tests/packaging/root.sh" "$release" use)}
in_namespace "$@"
overlay

mkdir "$root/packages" "$root/npu-test"
find "$packages" -name '*.deb' ! -name '*-dbgsym_*' -exec cp -t "$root/packages" {} +
cp "$top"/tests/packaging/{guest,vm}.sh "$top"/tests/libnpu/use_{cxx.cc,ctypes.py} "$root/npu-test"
sed -n '/^```c$/,/^```$/p' "$top/README.md" | sed '1d;$d' >"$root/npu-test/example.c"

make -C "$top" --no-print-directory install-dkms DESTDIR="$root/npu-test/source"

status=0
inside bash /npu-test/guest.sh install || status=1
if [ -n "$series" ] && [ "$status" = 0 ]; then
	module=$(find "$root"/lib/modules/*/updates/dkms -name 'npu.ko*')
	modprobe=()
	for name in $(modinfo -F depends "$module" | tr , ' '); do
		modprobe+=(--modprobe "$name")
	done
	"$top/tests/vm/run.sh" --kernel "$series" --name "packages-$release" --module none "${modprobe[@]}" \
		--share "$root" --timeout 600 --script "$top/tests/packaging/vm.sh" || status=1
fi
inside bash /npu-test/guest.sh purge || status=1
inside bash /npu-test/guest.sh broken || status=1
inside bash /npu-test/guest.sh source || status=1
exit "$status"
