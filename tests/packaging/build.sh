#!/bin/bash
# SPDX-License-Identifier: MIT
# Copyright (c) 2026 the npu authors
#
# Usage: build.sh OUT [RELEASE]
#
# Builds the packages of this tree as it is, with changes that are not committed, in a root of Debian RELEASE (12, whose
# C library is the oldest: what is built there runs on 13 as well), puts them into OUT, and has lintian look at them.
# Any finding of lintian's fails; nothing is overridden.

set -euo pipefail
. "$(dirname "$0")/lib.sh"

[ $# -ge 1 ] || die "usage: build.sh OUT [RELEASE]"
mkdir -p "$1"
out=$(cd "$1" && pwd -P)
release=${2:-12}
NPU_ROOT=${NPU_ROOT:-$("$top/tests/packaging/root.sh" "$release" build)}
in_namespace "$@"
overlay

# The whole of the sources; nothing that was built.
mkdir -p "$root/build/npu"
tar -C "$top" --exclude=./build --exclude=./.git -cf - . | tar -C "$root/build/npu" --no-same-owner -xf -

version=$(inside awk '$2 ~ /^NPU_VERSION_/ { v = v s $3; s = "." } END { print v }' \
	/build/npu/libnpu/include/npu/npu.h)
packaged=$(inside sh -c 'cd /build/npu && dpkg-parsechangelog -S Version')
[ "$version" = "$packaged" ] || die "npu.h says version $version, debian/changelog $packaged"

inside sh -c "cd /build/npu && dpkg-buildpackage -us -uc -b -j${JOBS:-$(nproc)}" ||
	die "the packages do not build on Debian $release"
rm -f "$out"/*.deb
cp "$root"/build/*.deb "$out"
inside lintian --version
inside sh -c 'cd /build && lintian --fail-on error,warning,info --display-info --show-overrides --tag-display-limit 0 \
	*.changes' || die "lintian finds something"
(cd "$out" && ls -l -- *.deb)
