#!/bin/sh
# SPDX-License-Identifier: MIT
# Copyright (c) 2026 the npu authors
#
# npuctl with a card (in the VM, as root): what it tells, its self-test, and what it says to who may not open the node.

npuctl=/test/npuctl
# shellcheck source=tests/npuctl/lib.sh
. /test/lib.sh
unset NPU_DEVICE

keys() {
	/test/json_keys <"$work/out" >"$work/keys" 2>>"$work/err" || true
	check "keys of $1" diff "/test/golden/$1.keys" "$work/keys"
}

# user ARGUMENT...: npuctl as a plain user, as run.
user() {
	code=0
	su nobody -s /bin/sh -c "$npuctl $*" >"$work/out" 2>"$work/err" </dev/null || code=$?
}

ends 0 "list" list --json
keys list-card
ends 0 "list" list
tells "accel0"
tells "ready"
ends 0 "info" info --json
keys info-card
ends 0 "info by node" info --device /dev/accel/accel0
tells "temperature"
pci=$(sed -n 's/^pci *\([^,]*\).*/\1/p' "$work/out")
ends 0 "info by PCI address" info --device "$pci"
tells "$pci"
ends 3 "no second card" info --device accel1
says "npuctl list tells"

ends 0 "test" test --device accel0
cat "$work/out"
tells "all well"
ends 0 "latency" bench latency --device accel0 --json
check "its keys" sh -c "/test/json_keys <$work/out | cmp - /test/golden/bench-latency.keys"
ends 0 "dma" bench dma --device accel0 --mib 2 --json
ends 0 "matmul" bench matmul --device accel0 -m 64 -n 64 -k 64 --seconds 1 --json
check "its keys" sh -c "/test/json_keys <$work/out | cmp - /test/golden/bench-matmul.keys"

# ---- Events, post-mortems, counts: of jobs that go wrong ----
"$npuctl" monitor --json --count 2 --timeout 100 >"$work/events" 2>&1 &
monitor=$!
"$npuctl" bench matmul --device accel0 -m 128 -n 128 -k 128 --seconds 10 >"$work/bench" 2>&1 &
bench=$!
sleep 3
ends 0 "top" top --once --json
keys top-card
check "a process" grep -q '"comm": "npuctl"' "$work/out"
check "and what it does" [ "$(sed -n '/"clients"/,$s/.*"busy_s": \(.*\),/\1/p' "$work/out" | head -n1)" != 0.0 ]
wait $bench
mkdir "$work/dumps"
check "jobs that go wrong" sh -c "NPU_DUMP_KEEP=$work/dumps /test/test_dump >$work/out 2>&1"
wait $monitor
cp "$work/events" "$work/out"
check "two events" [ "$(wc -l <"$work/events")" = 2 ]
tells '"event":"job"'
tells '"reason":"fault"'
tells '"reason":"timeout"'
ends 0 "dump" dump "$work/dumps/0.dump"
tells "ended with an error: fault: nothing is bound there"
tells "is the beginning of region 0"
ends 1 "no dump is left" dump
ends 0 "doctor" doctor --json
keys doctor
tells '"healthy": true'
ends 0 "metrics" monitor --prometheus -
tells 'npu_card_info{pci="'
check "errors were counted" grep -q '^npu_job_errors_total{.*} [1-9]' "$work/out"
check "and time" grep -q '^npu_busy_seconds_total{.*} 0*[.0-9]*[1-9]' "$work/out"

# ---- Traces; nothing of them stays in the kernel ----
instances=/sys/kernel/tracing/instances
running() {
	grep -qlx npuctl /proc/[0-9]*/comm 2>/dev/null
}
clean() {
	check "$1: an instance is left" [ -z "$(ls $instances)" ]
	i=0
	while running && [ $i -lt 600 ]; do
		sleep 0.1
		i=$((i + 1))
	done
	check "$1: its keeper is left" [ $i -lt 600 ]
}
# valid FILE: it is a timeline; $work/counts has of what.
valid() {
	check "$1 is a timeline" sh -c "/test/check_trace $1 >$work/counts 2>$work/err"
}
# traced FILE: one with jobs from end to end.
traced() {
	valid "$1"
	check "$1 has flows" [ "$(sed -n 's/^flows //p' "$work/counts")" -gt 0 ]
}
ends 0 "trace of a command" trace -o "$work/jobs.json" --svg "$work/jobs.svg" --json -- \
	"$npuctl" bench matmul --device accel0 -m 128 -n 128 -k 128 --seconds 1
# The command's output comes first.
sed -i '1,/^modelled/d' "$work/out"
keys trace-command
check "it saw jobs" [ "$(value jobs)" -gt 1 ]
check "of one queue" [ "$(value queues)" = 1 ]
check "all of which ended well" [ "$(value failed) $(value unfinished)" = "0 0" ]
check "and lost none" [ "$(value lost_events) $(value unknown_events)" = "0 0" ]
traced "$work/jobs.json"
check "a flow a job" [ "$(sed -n 's/^flows //p' "$work/counts")" = "$(value jobs)" ]
check "the process' name" grep -q '"process_name".*"npuctl"' "$work/jobs.json"
check "the use of engines" grep -q '"core 1: use of engines"' "$work/jobs.json"
check "the picture" grep -q "</svg>" "$work/jobs.svg"
clean "a command"

ends 1 "trace of a command that fails" trace -o "$work/none.json" -- sh -c "exit 7"
says "ended with 7"
valid "$work/none.json"
ends 1 "trace of a command that is killed" trace -o "$work/none.json" -- sh -c 'kill -KILL $$'
says "was ended by signal 9"
ends 1 "trace of no command" trace -o "$work/none.json" -- /test/none
says "/test/none: No such file"
clean "commands that fail"

"$npuctl" bench latency --device accel0 >"$work/bench" 2>&1 &
bench=$!
ends 0 "trace of everybody" trace --seconds 2 -o "$work/all.json"
tells "jobs"
wait $bench
traced "$work/all.json"
clean "two seconds"

# start ARGUMENT...: npuctl trace, in the background and a group of its own, until it records.
start() {
	setsid "$npuctl" trace "$@" >"$work/out" 2>"$work/err" &
	trace=$!
	i=0
	while [ "$(cat $instances/npuctl-$trace/events/npu/enable 2>/dev/null)" != 1 ] && [ $i -lt 600 ]; do
		sleep 0.1
		i=$((i + 1))
	done
	check "it does not record" [ $i -lt 600 ]
}
# gone: it ends, and in a minute at most its instance does.
gone() {
	wait "$trace"
	i=0
	while [ -d "$instances/npuctl-$trace" ] && [ $i -lt 600 ]; do
		sleep 0.1
		i=$((i + 1))
	done
}
for signal in INT TERM HUP; do
	start --seconds 600 -o "$work/$signal.json"
	kill -$signal "$trace"
	gone
	clean "SIG$signal"
	valid "$work/$signal.json"
done
start -o "$work/term.json" -- sleep 600
kill -TERM "$trace"
gone
says "sleep was ended by signal 15"
valid "$work/term.json"
clean "a command that is ended"
start --seconds 600 -o "$work/kill.json"
kill -KILL -- "-$trace"
gone
clean "SIGKILL of all of its group"
check "there is a file, or part of one" [ -z "$(find "$work" -name 'kill*')" ]
user trace --seconds 1
check "a user's trace: exit code $code" [ "$code" = 1 ]
says "only root may record the kernel's events"
clean "a user"
umount /sys/kernel/tracing
ends 1 "no tracefs" trace --seconds 1
says "mount -t tracefs"
mount -t tracefs tracefs /sys/kernel/tracing

# ---- A card that sleeps is not woken by who looks ----
power=/sys/bus/pci/devices/$pci/power
echo auto >"$power/control"
i=0
while [ "$(cat "$power/runtime_status")" != suspended ] && [ $i -lt 600 ]; do
	sleep 0.1
	i=$((i + 1))
done
check "it sleeps" [ "$(cat "$power/runtime_status")" = suspended ]
ends 0 "top" top --once --json
tells '"cores": []'
tells '"power_w": null'
ends 0 "doctor" doctor
ends 0 "metrics" monitor --prometheus -
check "it still sleeps" [ "$(cat "$power/runtime_status")" = suspended ]
echo on >"$power/control"

# ---- Reset ----
ends 0 "reset" reset --json
keys reset
ends 0 "products after a reset" bench matmul --device accel0 -m 64 -n 64 -k 64 --seconds 1
user reset
check "a user's reset: exit code $code" [ "$code" = 1 ]
says "only root may reset a card"

chown root:root /dev/accel/accel0
chmod 600 /dev/accel/accel0
user info --device accel0
check "without permission: exit code $code" [ "$code" = 3 ]
says "no permission on /dev/accel/accel0 (root:root, mode 0600)"
says "chgrp render"
user doctor
check "doctor without permission: exit code $code" [ "$code" = 3 ]
tells "no permission on /dev/accel/accel0"
user info
check "without permission, the first card: exit code $code" [ "$code" = 3 ]
says "no permission"
user list
check "list without permission: exit code $code" [ "$code" = 0 ]
tells "no permission"
chgrp render /dev/accel/accel0
chmod 660 /dev/accel/accel0
user test --device accel0
check "not in the group: exit code $code" [ "$code" = 3 ]
says "usermod -a -G render"
sed -i 's/^render:.*/&nobody/' /etc/group
user test --device accel0 --seed 3
check "in the group: exit code $code" [ "$code" = 0 ]
tells "all well"

finish
