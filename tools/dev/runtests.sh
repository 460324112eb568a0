#!/bin/bash
# SPDX-License-Identifier: MIT
# Copyright (c) 2026 the npu authors
#
# Usage: runtests.sh [-j JOBS] [-o LOGS] LIST
#
# Runs tests, keeps what each says in LOGS/NAME.log and ends with one line, "N passed, N failed",
# the sum over all of them. Exits 0 if nothing failed, 1 otherwise.
#
# LIST has a test a line, four fields between tabs: name, timeout in seconds, p or s, command. Tests
# marked p run side by side, JOBS at a time; one marked s waits for all before it and runs alone. Those that
# may take long, and those alone, say that they begin.
#
# What failed is said when it does, and again just above the last line, for who sees the end alone.
#
# A test fails if its command exits with anything but 0, is killed by its timeout, or says itself
# that something failed. What it counts for: its lines "N passed, N failed" if it prints any (behind
# a "[...] " prefix or not), else the summaries of cmocka, else one.

set -euo pipefail
. "$(dirname "$0")/lib.sh"

jobs=1
logs=build/logs
while getopts j:o: option; do
	case $option in
	j)	jobs=$OPTARG ;;
	o)	logs=$OPTARG ;;
	*)	exit 2 ;;
	esac
done
shift $((OPTIND - 1))
[ $# = 1 ] || die "usage: runtests.sh [-j JOBS] [-o LOGS] LIST"
list=$1
total=$(grep -c . "$list") || die "$list names no test"

# Seconds of a timeout.
long=900
# What a failing test's log is cut to on the screen, and again beside the summary.
tail_lines=40
reason_lines=16

export ASAN_OPTIONS=${ASAN_OPTIONS:-abort_on_error=0:detect_leaks=1}
export UBSAN_OPTIONS=${UBSAN_OPTIONS:-print_stacktrace=1}

# count LOG: "PASSED FAILED" as the log says, or nothing if it says nothing.
count() {
	tr -d '\r' <"$1" | awk '
		# A prefix is "[6.12] "; cmocka has spaces after its bracket.
		{ sub(/^\[[^] ][^]]*\] /, "") }
		/^[0-9]+ passed, [0-9]+ failed$/ { own = 1; passed += $1; failed += $3 }
		/^\[  PASSED  \] [0-9]+ test/ { cmocka = 1; cpassed += $4 }
		/^\[  FAILED  \] [0-9]+ test/ { cmocka = 1; cfailed += $4 }
		END {
			if (own)
				print passed, failed
			else if (cmocka)
				print cpassed + 0, cfailed + 0
		}'
}

# reasons LOG: the lines that say what failed: cmocka's, compilers', and run.sh's verdict with what the kernel said.
# A log without any is shown by its end.
reasons() {
	local said

	said=$(tr -d '\r' <"$1" | grep -a -A 8 -E \
		-e '\[ +ERROR +\]|\[ +LINE +\]|\[ +FAILED +\]|(^| )([Ee]rror|ERROR|FAIL)[: ]' \
		-e 'the kernel complained|no end after|ended without a verdict' |
		grep -a -v -E '\[ +(RUN|OK) +\]|^--$' | head -n "$reason_lines" | cut -c 1-200) || true
	if [ -n "$said" ]; then
		printf '%s\n' "$said"
	else
		tail -n 5 "$1" | cut -c 1-200
	fi
}

# run NUMBER NAME TIMEOUT COMMAND: writes LOGS/NAME.result ("PASSED FAILED") and says how it went.
run() {
	local number=$1 name=$2 limit=$3 command=$4
	local log=$logs/$name.log status=0 start=$EPOCHREALTIME passed failed why='' took

	# In the background, so that the trap runs at once; timeout hands the signal on to the test.
	timeout -k 30 "$limit" bash -c "$command" >"$log" 2>&1 </dev/null &
	trap 'kill $(jobs -p); exit 143' TERM
	wait $! || status=$?
	took=$(((${EPOCHREALTIME/./} - ${start/./}) / 100000))

	read -r passed failed < <(count "$log") || { passed=; failed=; }
	case $status in
	0)	;;
	124 | 137)	why="no end after $limit s" ;;
	*)	why="exit code $status" ;;
	esac
	if [ -z "$passed" ]; then
		passed=$((status == 0))
		failed=$((status != 0))
	elif [ "$status" != 0 ] && [ "$failed" = 0 ]; then
		failed=1
	elif [ "$((passed + failed))" = 0 ]; then
		failed=1
		why="it ran no test"
	elif [ "$failed" != 0 ] && [ -z "$why" ]; then
		why="it says so"
	fi
	printf '%s %s\n' "$passed" "$failed" >"$logs/$name.result"

	# One write a test, so that lines of tests side by side stay whole.
	if [ "$failed" = 0 ]; then
		printf '[%*s/%s] ok    %s (%s, %s.%s s)\n' ${#total} "$number" "$total" "$name" \
			"$passed" $((took / 10)) $((took % 10))
	else
		printf '%s\n' "$(
			printf '[%*s/%s] FAIL  %s: %s (%s.%s s)\n' ${#total} "$number" "$total" \
				"$name" "$why" $((took / 10)) $((took % 10))
			tail -n "$tail_lines" "$log" | sed 's/^/        | /'
			printf '        the whole of it: %s' "$log"
		)"
	fi
}

# An interrupt ends what still runs.
trap 'trap - ERR; kill $(jobs -p) 2>/dev/null; wait; say interrupted; exit 130' INT TERM

mkdir -p "$logs"
names=()
number=0
while IFS=$'\t' read -r -u 9 name limit mode command; do
	[ -n "$name" ] || continue
	number=$((number + 1))
	names+=("$name")
	rm -f "$logs/$name.result"
	case $mode in
	p)
		while [ "$(jobs -rp | wc -l)" -ge "$jobs" ]; do
			wait -n || true
		done
		;;
	s)	wait ;;
	*)	die "$list: test $name has no mode p or s" ;;
	esac
	if [ "$mode" = s ] || [ "$limit" -ge "$long" ]; then
		printf '[%*s/%s] ...   %s\n' ${#total} "$number" "$total" "$name"
	fi
	run "$number" "$name" "$limit" "$command" 9<&- &
	[ "$mode" = p ] || wait
done 9<"$list"
wait

passed=0
failed=0
failures=()
for name in "${names[@]}"; do
	read -r p f <"$logs/$name.result" || { p=0; f=1; }
	passed=$((passed + p))
	failed=$((failed + f))
	[ "$f" = 0 ] || failures+=("$name")
done
for name in "${failures[@]}"; do
	printf 'failed: %s (%s)\n' "$name" "$logs/$name.log"
	reasons "$logs/$name.log" | sed 's/^/        | /'
done
printf '%s passed, %s failed\n' "$passed" "$failed"
exit $((failed != 0))
