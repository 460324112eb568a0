# shellcheck shell=sh
# SPDX-License-Identifier: MIT
# Copyright (c) 2026 the npu authors
#
# What npuctl's shell tests share; for a POSIX shell, since the VM's is busybox. Sourced with npuctl set.

# shellcheck disable=SC2154 # npuctl is set by who sources this

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

# run ARGUMENT...: npuctl, its output in $work/out and $work/err, its exit code in $code.
run() {
	code=0
	"$npuctl" "$@" >"$work/out" 2>"$work/err" </dev/null || code=$?
}

# ends CODE WHAT ARGUMENT...: a run that ends with that code.
ends() {
	want=$1
	what=$2
	shift 2
	run "$@"
	check "$what: exit code $code, not $want" [ "$code" = "$want" ]
}

# says WORDS: the last run's messages have them. tells WORDS: its output has them.
says() {
	check "stderr lacks \"$1\"" grep -qF -- "$1" "$work/err"
}

tells() {
	check "stdout lacks \"$1\"" grep -qF -- "$1" "$work/out"
}

# refuses CODE WORDS ARGUMENT...: a run that ends with that code, saying these words and printing nothing.
refuses() {
	want=$1
	words=$2
	shift 2
	ends "$want" "npuctl $*" "$@"
	says "$words"
	check "npuctl $* prints something" [ ! -s "$work/out" ]
}

# value KEY: of the last output; one a line, of any depth.
value() {
	sed -n "s/^ *\"$1\": \(.*[^,]\),*\$/\1/p" "$work/out"
}

# drawn FILE: it is well-formed XML, and an SVG.
drawn() {
	check "$1 is not well-formed" xmllint --noout "$1" 2>>"$work/err"
	check "$1 is no SVG" [ "$(xmllint --xpath 'namespace-uri(/*)' "$1" 2>>"$work/err")" = http://www.w3.org/2000/svg ]
}

finish() {
	echo "$passed passed, $failed failed"
	[ "$failed" = 0 ] && [ "$passed" != 0 ]
	exit
}
