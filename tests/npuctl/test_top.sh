#!/bin/bash
# SPDX-License-Identifier: MIT
# Copyright (c) 2026 the npu authors
#
# Usage: test_top.sh NPUCTL
#
# npuctl top on a terminal (tmux's, 80 by 24, then smaller): what it draws of a recorded machine, its keys, and that it leaves
# the terminal as it was.

npuctl=$(realpath "$1")
here=$(cd "$(dirname "$0")" && pwd)
# shellcheck source=tests/npuctl/lib.sh
. "$here/lib.sh"
unset NPU_DEVICE TMUX
export LC_ALL=C.UTF-8 NPUCTL_ROOT=$work/root
: >"$work/err"

terminal() {
	tmux -f /dev/null -S "$work/tmux" "$@"
}
trap 'terminal kill-server 2>/dev/null; rm -rf "$work"' EXIT

# sees WORDS: in a minute at most, the terminal shows them.
sees() {
	for ((i = 0; i < 600; i++)); do
		terminal capture-pane -p >"$work/out"
		! grep -qF -- "$1" "$work/out" || break
		sleep 0.1
	done
	tells "$1"
}

cp -r "$here/snapshots/machine" "$work/machine"
ln -s machine "$work/root"
terminal new-session -d -x 80 -y 24 "sh"
terminal send-keys "'$npuctl' top --interval 600000; echo ended with \$?" Enter
sees "PROCESS"
# It has looked once. Time goes on, and it is told to look again.
ln -sfn machine/later "$work/root"
terminal send-keys Space
sees " 25% ["
check "what is drawn" diff "$here/golden/top-screen.txt" "$work/out"
terminal send-keys c
sees "core 1"
terminal send-keys c
terminal send-keys p
sees "    170  train|er           accel0"
check "by pid" [ "$(sed -n 's/^ *\(17.\) .*/\1/p' "$work/out" | tr '\n' ' ')" = "170 176 " ]
terminal send-keys n
sleep 1
sees "PROCESS"
check "by name" [ "$(sed -n 's/^ *\(17.\) .*/\1/p' "$work/out" | tr '\n' ' ')" = "176 170 " ]
terminal resize-window -x 40 -y 8
sees "q leave  space look"
check "nothing is wider than the terminal" [ "$(awk '{ if (length > n) n = length } END { print n }' "$work/out")" -le 40 ]
terminal resize-window -x 80 -y 24
terminal send-keys q
sees "ended with 0"
sees "top --interval"
terminal send-keys "clear; TERM=none '$npuctl' top; echo ended with \$?" Enter
sees 'the terminal "none" is not known'
sees "ended with 1"

finish
