#!/bin/bash
# SPDX-License-Identifier: MIT
# Copyright (c) 2026 the npu authors
#
# Usage: commands.sh [--vm] [NAME...]
#        commands.sh PAGE.md...
#
# Runs the commands of README.md and docs/*.md as they stand there (commands.awk has which these are), in the tree's folder, a
# page's one after the other, with HOME in a folder of its own. With --vm those of the pages that boot a VM, else those of the
# others; or those of PAGEs alone. What elsewhere.txt names is run by others; without --vm that list is compared with the pages and with NAMEs, of
# all tests and of the checks.
#
# A command must end with 0. If the page shows output, that is what counts instead: the lines must be there, a line "..." is
# any number of them, "..." within a line any text.
#
# `make vm' without RUN= has a shell: what root does in it, the page's commands for the guest, is given to that shell, until the
# page ends or boots another one.

set -u
top=$(cd "$(dirname "$0")/../.." && pwd -P)
here=$top/tests/docs
cd "$top" || exit 1
vm=
if [ "${1:-}" = --vm ]; then
	vm=yes
	shift
fi
names=" $* "
pages=()
[[ ${1:-} != *.md ]] || pages=("$@")

passed=0
failed=0
work=$(mktemp -d)
session=
cleanup() {
	# Ctrl-A X: QEMU ends, and with it all that waits for it.
	[ -z "$session" ] || printf '\001x' >&7
	wait
	rm -rf "$work"
}
trap cleanup EXIT
trap 'exit 143' TERM

# verdict WHAT COMMAND...: a test, passed if the command succeeds; on failure shows what the last command said.
verdict() {
	local what=$1
	shift

	if "$@"; then
		passed=$((passed + 1))
	else
		failed=$((failed + 1))
		printf 'FAILED: %s\n' "$what"
		sed 's/^/    | /' "$work/out"
	fi
}

awk -f "$here/commands.awk" README.md docs/*.md >"$work/all" || exit 1
sed '/^	/d' "$work/all" | cut -f5- | sort -u >"$work/commands"
sed '/^#/d; /^$/d' "$here/elsewhere.txt" >"$work/elsewhere"

# ---- The list --------------------------------------------------------------------------------

# listed COMMAND: it is run elsewhere.
listed() {
	sed 's/^[^ 	]*[ 	]*//' "$work/elsewhere" | grep -qxF -- "$1"
}

check_list() {
	local test command

	: >"$work/out"
	while read -r test command; do
		verdict "elsewhere.txt: no page has \"$command\"" grep -qxF -- "$command" "$work/commands"
		[ "$test" = nobody ] ||
			verdict "elsewhere.txt: there is no test $test" grep -qF " $test " <<<"$names"
	done <"$work/elsewhere"
	# A command that is in no such block would go unseen.
	grep -nE '^(    |	)(\$ )?(sudo )?(make |npuctl |npucc |tests/|tools/|cc |cp |echo )' README.md docs/*.md >"$work/out"
	verdict "commands that are in no block of sh or console" [ ! -s "$work/out" ]
}

# ---- Output ----------------------------------------------------------------------------------

# matches I J: lines I on of `want' are those of `got' from J on.
matches() {
	local i=$1 j=$2 pattern

	for (( ; i < ${#want[@]}; i++, j++)); do
		if [ "${want[i]}" = ... ]; then
			for (( ; j <= ${#got[@]}; j++)); do
				! matches $((i + 1)) "$j" || return 0
			done
			return 1
		fi
		[ "$j" -lt "${#got[@]}" ] || return 1
		pattern=$(sed 's/[][*?\\]/\\&/g; s/\.\.\./*/g' <<<"${want[i]}")
		# shellcheck disable=SC2053 # a pattern
		[[ ${got[j]} == $pattern ]] || return 1
	done
	[ "$j" = "${#got[@]}" ]
}

# judge PLACE COMMAND STATUS: by what is in $work/out, and in `want'.
judge() {
	mapfile -t got < <(sed 's/[ \t\r]*$//' "$work/out")
	if [ "${#want[@]}" = 0 ]; then
		verdict "$1: \"$2\" ends with $3" [ "$3" = 0 ]
	else
		verdict "$1: \"$2\" says something else" matches 0 0
	fi
}

# ---- The VM's shell --------------------------------------------------------------------------

# awaits SECONDS REGEX [KEY]: the VM says it. Of what comes at once the emulated serial line keeps the end now and then until
# more comes: that is KEY, each second.
awaits() {
	local i

	for ((i = 1; i < $1 * 5; i++)); do
		! grep -qE "$2" "$work/session" || return 0
		kill -0 "$session" 2>/dev/null || return 1
		sleep 0.2
		[ $((i % 5)) != 0 ] || printf %s "${3:-}" >&7
	done
	return 1
}

# ask_guest COMMAND: its output is in $work/out, its exit code in `status'.
ask_guest() {
	local mark

	asked=$((asked + 1))
	mark="^@@$asked="
	printf '{\n%s\n} </dev/null\nprintf "\\n@@%s=%%s\\n" $?\n' "$1" "$asked" >&7
	if ! awaits 300 "$mark" $'\n'; then
		status="no end"
		tail -n 50 "$work/session" >"$work/out"
		return
	fi
	tr -d '\r' <"$work/session" >"$work/said"
	status=$(sed -n "s/$mark//p" "$work/said")
	# The mark begins a line of its own; if the output had an end of line already, there is an empty one.
	sed -n "/^@@$((asked - 1))=/,/$mark/p" "$work/said" | sed '1d;$d' | sed '${/^$/d}' >"$work/out"
}

# start_session COMMAND: `status' tells whether there is a shell.
start_session() {
	mkfifo "$work/keys"
	exec 7<>"$work/keys"
	: >"$work/session"
	bash -c "$1" <"$work/keys" >>"$work/session" 2>&1 7>&- &
	session=$!
	status=0
	asked=0
	if ! awaits 1200 '/test # '; then
		cp "$work/session" "$work/out"
		status="no shell"
		return
	fi
	# From here on a plain shell: no prompt, no echo, no line editing, no colour.
	printf 'stty -echo; export NO_COLOR=1; exec sh -c "cat | sh 2>&1"\n' >&7
	sleep 2
	ask_guest true
}

end_session() {
	local code=0

	[ -n "$session" ] || return 0
	printf 'exit\n' >&7
	# Nothing is said at the end: the terminal is gone with its shell.
	awaits 120 '^$^' $'\n' || ! kill -0 "$session" 2>/dev/null || printf '\001x' >&7
	wait "$session" || code=$?
	session=
	exec 7>&-
	rm "$work/keys"
	cp "$work/session" "$work/out"
	verdict "$1: the VM's shell ends with $code" [ "$code" = 0 ]
}

# ---- Pages -----------------------------------------------------------------------------------

# The programs of the tree are as if installed; a page that installs them itself comes before.
tools=$top/build/tools/npuctl:$top/build/tools/npucc
path=$PATH
export NPU_CACHE=${NPU_CACHE:-${XDG_CACHE_HOME:-$HOME/.cache}/npu}

prepare() {
	export HOME=$work/home PATH=$path:$tools NPU_DEVICE=sim: NO_COLOR=1
	rm -rf "$HOME"
	mkdir "$HOME"
	unset PKG_CONFIG_PATH LD_LIBRARY_PATH
}

# run_command PLACE WHERE COMMAND: with `want'.
run_command() {
	local status=0

	: >"$work/out"
	if [ "$2" = guest ]; then
		if [ -z "$session" ]; then
			verdict "$1: \"$3\" has no VM to run in" false
			return
		fi
		ask_guest "$3"
	elif [[ $3 == *'make vm'* && $3 != *RUN=* ]]; then
		end_session "$1"
		start_session "$3"
	else
		# With its variables and folder, so that they stay for those that follow.
		set +u
		eval "$3" >"$work/out" 2>&1 </dev/null || status=$?
		set -u
	fi
	judge "$1" "$3" "$status"
}

run_page() {
	local page=$1 line where lines command

	prepare
	while IFS=$'\t' read -r -u 9 _ line where lines command; do
		want=()
		[ "$lines" = 0 ] || mapfile -t -u 9 -n "$lines" want
		want=("${want[@]#	}")
		if [ "$where" = guest ] || ! listed "$command"; then
			run_command "$page:$line" "$where" "$command"
		fi
	done 9< <(awk -v page="$page" -F'\t' 'NF > 1 && $1 != "" { mine = ($1 == page) } mine' "$work/all")
	cd "$top" || exit 1
	end_session "$page"
}

# boots_vm PAGE
boots_vm() {
	awk -v page="$1" -F'\t' '$1 == page && $5 ~ /make vm|tests\/vm\/run.sh/ { yes = 1 } END { exit !yes }' "$work/all"
}

if [ "${#pages[@]}" = 0 ]; then
	[ -n "$vm" ] || check_list
	for page in README.md docs/*.md; do
		if boots_vm "$page"; then
			[ -z "$vm" ] || pages+=("$page")
		else
			[ -n "$vm" ] || pages+=("$page")
		fi
	done
fi
for page in "${pages[@]}"; do
	run_page "$page"
done
printf '%s passed, %s failed\n' "$passed" "$failed"
[ "$failed" = 0 ] && [ "$passed" != 0 ]
