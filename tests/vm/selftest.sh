#!/bin/bash
# SPDX-License-Identifier: MIT
# Copyright (c) 2026 the npu authors
#
# Usage: selftest.sh SERIES
#
# Proves that run.sh sees what it has to see: it boots VMs without a card or driver, whose command
# passes, fails, hangs, panics, or lets the kernel complain, and checks the exit code of each.

set -uo pipefail
. "$(dirname "$0")/../../tools/dev/lib.sh"

here=$(cd "$(dirname "$0")" && pwd)
series=${1:?usage: selftest.sh SERIES}
passed=0
failed=0
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

# expect WHAT CODE RUN-ARGUMENT...: run.sh must exit with CODE.
expect() {
	local what=$1 code=$2 status=0
	shift 2

	"$here/run.sh" --kernel "$series" --cards 0 --module none --name "selftest-$series" \
		--timeout 120 "$@" >"$work/log" 2>&1 || status=$?
	if [ "$status" = "$code" ]; then
		passed=$((passed + 1))
		printf 'ok    %s\n' "$what"
	else
		failed=$((failed + 1))
		printf 'FAIL  %s: exit code %s instead of %s\n' "$what" "$status" "$code"
		sed 's/^/      | /' "$work/log"
	fi
}

# holds WHAT COMMAND...: the command must succeed.
holds() {
	local what=$1
	shift

	if "$@"; then
		passed=$((passed + 1))
		printf 'ok    %s\n' "$what"
	else
		failed=$((failed + 1))
		printf 'FAIL  %s\n' "$what"
	fi
}

cat >"$work/script" <<'END'
# Sees its arguments, /test, the files it was given, and takes files home.
[ "$1" = "two words" ] && [ "$(pwd)" = /test ] && grep -q root data && /opt/tool/true &&
	[ "$(uname -r)" != "" ] && cp data /out/data && echo "3 passed, 0 failed"
END

expect "a script with files passes, behind an IOMMU" 0 --iommu --out "$work/out" \
	--script "$work/script" --file /etc/passwd:/test/data \
	--file "$(type -P true):/opt/tool/true" -- "two words"
holds "its files came home" cmp -s "$work/out/data" /etc/passwd
holds "its counts were passed on" grep -q '^\[.*\] 3 passed, 0 failed$' "$work/log"

expect "the command's exit code comes through" 42 -- exit 42
expect "a command that is killed fails" 139 -- 'sh -c "kill -SEGV \$\$"'
expect "a hang ends by timeout" 124 --timeout 15 -- sleep 1000
expect "a panic is no pass" 122 -- 'echo c >/proc/sysrq-trigger; sleep 60'
expect "a VM that powers off is no pass" 122 -- poweroff -f
expect "QEMU not starting is no pass" 123 --qemu -no-such-option -- true
expect "a missing file is noticed" 123 --file "$work/nothing" -- true

# One boot could not tell which of the words was seen, so each is tried on its own through the log.
for word in "WARNING: CPU: 0 PID: 1 at kernel/x.c:1" "BUG: unable to handle page fault" \
	"BUG: KASAN: use-after-free" "UBSAN: shift-out-of-bounds" \
	"WARNING: possible circular locking dependency detected" \
	"kmemleak: 3 new suspected memory leaks" "DMA-API: device driver failed to check" \
	"Call Trace:"; do
	expect "the kernel's \"$word\" fails a pass" 121 -- "echo '$word' >/dev/kmsg; true"
done
expect "unless the test expects it" 0 --allow 'WARNING: CPU: 0 PID: 1 at kernel/x' -- \
	"echo 'WARNING: CPU: 0 PID: 1 at kernel/x.c:1' >/dev/kmsg; true"
expect "a full user space and an nvme disk are there" 0 --share / --nvme -- \
	'set -e; test -b /dev/nvme0n1; command -v gcc; : >/etc/npu-selftest; test ! -e /bin/busybox.no'
holds "the shared folder stays as it was" test ! -e /etc/npu-selftest

printf '%s passed, %s failed\n' "$passed" "$failed"
exit $((failed != 0))
