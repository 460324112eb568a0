# shellcheck shell=bash
# SPDX-License-Identifier: MIT
# Copyright (c) 2026 the npu authors
#
# Completion of npucc: options from its own --help, and the words that some of them take.

_npucc() {
	local word=${COMP_WORDS[COMP_CWORD]} before=${COMP_WORDS[COMP_CWORD - 1]}

	COMPREPLY=()
	case $before in
	-t | --target)
		mapfile -t COMPREPLY < <(compgen -W "sim: $(ls /dev/accel 2>/dev/null)" -- "$word")
		return
		;;
	-d | --dtype)
		mapfile -t COMPREPLY < <(compgen -W "bf16 fp16" -- "$word")
		return
		;;
	--calibration)
		mapfile -t COMPREPLY < <(compgen -W "minmax percentile" -- "$word")
		return
		;;
	--input-type)
		mapfile -t COMPREPLY < <(compgen -W "float int8 uint8" -- "$word")
		return
		;;
	esac
	if [[ $word == -* ]]; then
		mapfile -t COMPREPLY < <(compgen -W "$("${COMP_WORDS[0]}" --help 2>/dev/null |
			sed -n 's/^ \{2,6\}\(-., \)\{0,1\}\(--[a-z-]*\).*/\2/p')" -- "$word")
	else
		mapfile -t COMPREPLY < <(compgen -f -- "$word")
	fi
}

complete -o filenames -F _npucc npucc
