#!/bin/bash
# SPDX-License-Identifier: MIT
# Copyright (c) 2026 the npu authors
#
# Usage: soak.sh [--kernel SERIES] [--short] [--count N] [--seed N] PROGRAM [NAME...]
#
# The driver's soaks, each in a VM of its own: those that are named, or all. PROGRAM is the soak that runs in the
# VMs (build/tests/vm/soak/soak). Says what they say, and at the end "N passed, N failed".
#
#	--kernel SERIES	6.12, 7.x or debug (6.12)
#	--short		the counts of make check, not the whole ones
#	--count N	this count for each instead
#	--seed N	repeats what chance decided
#
# A soak has passed if it says so and its VM ended well: nothing in the kernel's log, npu.ko unloaded, and on
# the debug kernel no leak.

set -uo pipefail
. "$(dirname "$0")/../../../tools/dev/lib.sh"

here=$(cd "$(dirname "$0")" && pwd -P)
kernel=6.12 which=full short_run='' count='' seed=${NPU_SEED:-}
while [ $# != 0 ]; do
	case $1 in
	--kernel)	kernel=$2; shift 2 ;;
	--short)	which=short short_run='NPU_SOAK_SHORT=1 '; shift ;;
	--count)	count=$2; shift 2 ;;
	--seed)		seed=$2; shift 2 ;;
	*)		break ;;
	esac
done
[ $# -ge 1 ] || die "usage: soak.sh [OPTION...] PROGRAM [NAME...]"
program=$1
shift

# NAME, the whole count, the short one, seconds that each may take, and what run.sh is told beside. Where BARs come and
# go all the time, QEMU's emulation by several threads would lose timers or abort (docs/testing.md).
soaks='
innocents	1000	15	6	--device check=on,inject=on
surprise	500	6	20	--cards 4 --device inject=on --qmp --one-thread
flr		500	10	3	--cards 2 --one-thread
rescan		500	6	6	--cards 2 --one-thread
s3		200	3	12	--bzimage --one-thread
s2idle		200	5	6	--one-thread
lost		10000	300	1	--device inject=on --qmp
dropped		10000	60	1	--device inject=on --qmp
'

names=("$@")
[ $# != 0 ] || mapfile -t names < <(awk 'NF { print $1 }' <<<"$soaks")

passed=0
failed=0
for name in "${names[@]}"; do
	read -r _ full short each options < <(awk -v name="$name" '$1 == name' <<<"$soaks")
	[ -n "${full:-}" ] || die "no soak $name"
	n=${count:-${!which}}
	# A kernel that checks itself takes longer for all.
	[[ $kernel != debug* ]] || each=$((each * 4))
	read -ra words <<<"${options:-}"
	if "$here/../run.sh" --kernel "$kernel" --name "soak-$name-$kernel" --timeout $((300 + n * each)) \
		--file "$program" "${words[@]}" -- "${short_run}soak $name $n $seed"; then
		passed=$((passed + 1))
	else
		failed=$((failed + 1))
	fi
done
printf '%s passed, %s failed\n' "$passed" "$failed"
[ "$failed" = 0 ]
