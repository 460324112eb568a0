#!/bin/bash
# SPDX-License-Identifier: MIT
# Copyright (c) 2026 the npu authors
#
# Usage: [N=2] migrate.sh LOAD
#
# A VM whose card is busy all the time (tests/vm/load.c, which compares every product) is saved and
# loaded again N times, and then migrated N times to another QEMU on this host. After each, the guest
# has to go on getting right products; at the end its kernel may have complained of nothing.
#
# The guest is that of run.sh (initramfs.sh, init). QEMU is told what to do by QMP over two pipes, the
# state goes over a unix socket, and what savevm writes into a qcow2 that the guest does not see. All
# waits have an end. What a QEMU says is in build/logs/migrate-I.{kernel,console,qmp}.

set -euo pipefail
. "$(dirname "$0")/../../tools/dev/lib.sh"

top=$(cd "$(dirname "$0")/../.." && pwd -P)
load=${1:?usage: migrate.sh LOAD}
rounds=${N:-2}
kernel=6.12
patience=240
qemu=${QEMU:-$top/build/qemu/qemu-system-x86_64}
logs=$top/build/logs
work=$(mktemp -d)
pids=()

cleanup() {
	for pid in "${pids[@]}"; do
		kill -9 "$pid" 2>/dev/null || true
	done
	rm -rf "$work"
}
trap cleanup EXIT

# The guest: run.sh's, with the load as its command.
mkdir -p "$work/vm" "$logs"
printf '%s=\n' interactive out share parameters >"$work/vm/settings"
echo limit=0 >>"$work/vm/settings"
echo './load' >"$work/command"
"$top/tests/vm/initramfs.sh" "$work/initramfs" "$kernel" --module "$top/build/kernel/$kernel/npu.ko" \
	--file "$load:/test/load" --file "$work/vm:/etc/vm" --file "$work/command:/test/.command"

boot="console=ttyS0 loglevel=7 panic=-1 watchdog_thresh=60 rcupdate.rcu_cpu_stall_timeout=120"

# start I [OPTION...]: QEMU number I; its QMP on descriptors in[I] and out[I].
declare -a in out
start() {
	local i=$1
	shift

	rm -f "$logs/migrate-$i".*
	mkfifo "$work/qmp$i.in" "$work/qmp$i.out"
	"$qemu" -L /usr/share/seabios -L /usr/share/qemu -nodefaults -no-user-config -display none \
		-no-reboot -machine q35 -accel tcg,thread=multi -cpu max -smp 2 -m 512M \
		-kernel "$("$top/tools/dev/kernel.sh" path "$kernel" vmlinux)" \
		-initrd "$work/initramfs" -append "$boot" \
		-serial "file:$logs/migrate-$i.kernel" -serial "file:$logs/migrate-$i.console" \
		-chardev "pipe,id=qmp,path=$work/qmp$i" -mon chardev=qmp,mode=control \
		-device pcie-root-port,id=port0,chassis=1,slot=1 \
		-device npu,id=npu0,bus=port0,lmem=64M "$@" 2>"$logs/migrate-$i.qemu" &
	pids+=($!)
	pid=$!
	exec {in[i]}>"$work/qmp$i.in" {out[i]}<"$work/qmp$i.out"
	qmp "$i" '{"execute":"qmp_capabilities"}'
}

fail() {
	printf 'FAIL  %s\n' "$*"
	tail -n 20 "$logs"/migrate-*.kernel "$logs"/migrate-*.qemu 2>/dev/null | sed 's/^/      | /'
	exit 1
}

# qmp I COMMAND: its answer in `answer'; events in between are kept in the log.
qmp() {
	local line

	printf '%s\n' "$2" >&"${in[$1]}"
	printf '> %s\n' "$2" >>"$logs/migrate-$1.qmp"
	while read -r -t "$patience" -u "${out[$1]}" line; do
		printf '%s\n' "$line" >>"$logs/migrate-$1.qmp"
		case $line in
		'{"return":'*)	answer=$line; return ;;
		'{"error":'*)	fail "QMP $2: $line" ;;
		esac
	done
	fail "QMP $2: no answer"
}

# hmp I LINE: a command of the monitor; anything it says is an error.
hmp() {
	qmp "$1" "{\"execute\":\"human-monitor-command\",\"arguments\":{\"command-line\":\"$2\"}}"
	[[ $answer == '{"return": ""'* ]] || fail "$2: $answer"
}

# job I COMMAND: a job's start and end.
job() {
	qmp "$1" "$2"
	for ((try = 0; try < patience * 10; try++)); do
		qmp "$1" '{"execute":"query-jobs"}'
		[[ $answer != *'"status": "concluded"'* ]] || break
		sleep 0.1
	done
	[[ $answer != *'"error"'* ]] || fail "$2: $answer"
	qmp "$1" '{"execute":"job-dismiss","arguments":{"id":"job"}}'
}

# disk I: an empty qcow2 for savevm.
disk() {
	local file="$work/disk$1"

	job "$1" "{\"execute\":\"blockdev-create\",\"arguments\":{\"job-id\":\"job\",\"options\":{\"driver\":\"file\",\"filename\":\"$file\",\"size\":0}}}"
	qmp "$1" "{\"execute\":\"blockdev-add\",\"arguments\":{\"driver\":\"file\",\"node-name\":\"file0\",\"filename\":\"$file\"}}"
	job "$1" "{\"execute\":\"blockdev-create\",\"arguments\":{\"job-id\":\"job\",\"options\":{\"driver\":\"qcow2\",\"file\":\"file0\",\"size\":1048576}}}"
	qmp "$1" "{\"execute\":\"blockdev-add\",\"arguments\":{\"driver\":\"qcow2\",\"node-name\":\"disk0\",\"file\":\"file0\"}}"
}

lines() {
	grep -ac 'products right' "$logs/migrate-$1.console" || true
}

# works I: the guest gets on, that is some more products are right and none is wrong.
works() {
	local before
	before=$(lines "$1")

	for ((try = 0; try < patience * 5; try++)); do
		if grep -aqE 'load: (WRONG|.*:)|vm: exit' "$logs/migrate-$1.console"; then
			fail "$(grep -aE 'load:|vm:' "$logs/migrate-$1.console" | tail -n 3)"
		fi
		[ "$(lines "$1")" -lt $((before + 2)) ] || return 0
		kill -0 "$pid" 2>/dev/null || fail "QEMU $1 has ended"
		sleep 0.2
	done
	fail "QEMU $1: the guest does not get on"
}

passed=0
ok() {
	passed=$((passed + 1))
	printf 'ok    %s\n' "$*"
}

start 0
disk 0
works 0
for ((i = 1; i <= rounds; i++)); do
	hmp 0 "savevm s$i"
	works 0
	hmp 0 "loadvm s$i"
	works 0
	hmp 0 "delvm s$i"
	ok "savevm and loadvm $i"
done
for ((i = 1; i <= rounds; i++)); do
	from=$((i - 1)) old=$pid
	start "$i" -incoming "unix:$work/migrate$i"
	qmp "$from" "{\"execute\":\"migrate\",\"arguments\":{\"uri\":\"unix:$work/migrate$i\"}}"
	for ((try = 0; try < patience * 5; try++)); do
		qmp "$from" '{"execute":"query-migrate"}'
		case $answer in
		*'"status": "completed"'*)	break ;;
		*'"status": "failed"'*)		fail "migration $i: $answer" ;;
		esac
		sleep 0.2
	done
	[[ $answer == *'"status": "completed"'* ]] || fail "migration $i does not end: $answer"
	works "$i"
	kill -9 "$old"
	wait "$old" 2>/dev/null || true
	ok "live migration $i"
done
if grep -anE 'WARNING:|BUG:|Oops|Call Trace|blocked for more|rcu.*detected.*stall|npu .*(hang|timed out|reset)' \
	"$logs"/migrate-*.kernel | grep -vE 'Spectre|RETBleed|MDS:'; then
	fail "the guest's kernel complained"
fi
ok "the guest's log is clean"
printf '%s passed, 0 failed\n' "$passed"
