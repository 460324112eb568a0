# shellcheck shell=bash
# SPDX-License-Identifier: MIT
# Copyright (c) 2026 the npu authors
#
# Completion of npuctl: commands and verbs by name, options from a command's own --help.

# The words of an option that takes one of a few, from the help's line "--name one|two".
_npuctl_choices() {
	"$1" "${@:3}" --help 2>/dev/null |
		sed -n "s/^ .*$2 \([a-z0-9]*|[a-z0-9|]*\).*/\1/p" | tr '|' ' '
}

_npuctl() {
	local word=${COMP_WORDS[COMP_CWORD]} before=${COMP_WORDS[COMP_CWORD - 1]} choices
	local commands="list info top monitor test bench run disasm trace dump reset inject doctor" verbs="matmul latency dma shapes"
	local command=("${COMP_WORDS[@]:1:1}")

	COMPREPLY=()
	if [ "$COMP_CWORD" = 1 ]; then
		mapfile -t COMPREPLY < <(compgen -W "$commands --help --version" -- "$word")
		return
	fi
	if [ "${command[0]}" = bench ]; then
		if [ "$COMP_CWORD" = 2 ]; then
			mapfile -t COMPREPLY < <(compgen -W "$verbs --help" -- "$word")
			return
		fi
		command+=("${COMP_WORDS[2]}")
	fi
	case $before in
	-d | --device)
		mapfile -t COMPREPLY < <(compgen -W "sim: $(ls /dev/accel 2>/dev/null)" -- "$word")
		return
		;;
	--*)
		choices=$(_npuctl_choices "${COMP_WORDS[0]}" "$before" "${command[@]}")
		if [ -n "$choices" ]; then
			mapfile -t COMPREPLY < <(compgen -W "$choices" -- "$word")
			return
		fi
		;;
	esac
	if [[ $word == -* ]]; then
		mapfile -t COMPREPLY < <(compgen -W "$("${COMP_WORDS[0]}" "${command[@]}" --help 2>/dev/null |
			sed -n 's/^ \{2,6\}\(-., \)\{0,1\}\(--[a-z]*\).*/\2/p')" -- "$word")
	else
		mapfile -t COMPREPLY < <(compgen -f -- "$word")
	fi
}

complete -o filenames -F _npuctl npuctl
