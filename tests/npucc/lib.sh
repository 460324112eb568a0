# shellcheck shell=sh
# SPDX-License-Identifier: MIT
# Copyright (c) 2026 the npu authors
#
# What npucc's shell tests share. Sourced with npucc set.

# shellcheck disable=SC2154 # npucc is set by who sources this

passed=0
failed=0
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

# check WHAT COMMAND...: a test, passed if the command succeeds. On failure the last run's output is shown.
check() {
	what=$1
	shift
	if "$@"; then
		passed=$((passed + 1))
	else
		failed=$((failed + 1))
		echo "FAILED: $what"
		sed 's/^/    out: /' "$work/out"
		sed 's/^/    err: /' "$work/err"
	fi
}

# ends CODE WHAT ARGUMENT...: npucc ends with that code; its output is in $work/out and $work/err.
ends() {
	want=$1
	what=$2
	shift 2
	code=0
	"$npucc" "$@" >"$work/out" 2>"$work/err" </dev/null || code=$?
	check "$what: exit code $code, not $want" [ "$code" = "$want" ]
}

# refuses CODE WORDS ARGUMENT...: npucc ends with that code and says these words.
refuses() {
	want=$1
	words=$2
	shift 2
	ends "$want" "npucc $*" "$@"
	check "stderr lacks \"$words\"" grep -qF -- "$words" "$work/err"
}

# npy FILE DESCR SHAPE BYTES: an array; BYTES as printf has them.
npy() {
	header="{'descr': '$2', 'fortran_order': False, 'shape': ($3), }"
	{
		printf '\223NUMPY\001\000\166\000%-117s\n' "$header"
		# shellcheck disable=SC2059 # escapes are what it is for
		printf "$4"
	} >"$1"
}

finish() {
	echo "$passed passed, $failed failed"
	[ "$failed" = 0 ] && [ "$passed" != 0 ]
	exit
}
