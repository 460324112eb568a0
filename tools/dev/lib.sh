# shellcheck shell=bash
# SPDX-License-Identifier: MIT
# Copyright (c) 2026 the npu authors
#
# What the developer scripts share: messages, root, the cache folder. Sourced, never run.
# Everything said goes to stderr; stdout belongs to a script's result.

# The cache: what is expensive to make and does not come from this tree.
NPU_CACHE=${NPU_CACHE:-${XDG_CACHE_HOME:-$HOME/.cache}/npu}

# A script under set -e that dies says where.
set -E
trap 'say "line $LINENO failed: $BASH_COMMAND"' ERR

say() {
	printf '%s: %s\n' "${0##*/}" "$*" >&2
}

die() {
	say "$@"
	exit 1
}

# Runs a command as root: directly if we are, through sudo otherwise.
as_root() {
	if [ "$(id -u)" = 0 ]; then
		"$@"
	elif command -v sudo >/dev/null; then
		sudo "$@"
	else
		die "this needs root and there is no sudo: $*"
	fi
}

# package_present PACKAGE: true if dpkg has it installed.
package_present() {
	[ "$(dpkg-query -W -f '${db:Status-Status}' "$1" 2>/dev/null)" = installed ]
}

# with_lock FILE COMMAND...: runs the command while holding FILE, so that the same thing is not
# made twice side by side. Returns the command's status.
with_lock() {
	local file=$1 fd status=0
	shift

	mkdir -p "${file%/*}"
	exec {fd}>"$file"
	if ! flock -n "$fd"; then
		say "waiting for another run that holds $file"
		flock "$fd"
	fi
	# The lock dies with this process; children that outlive it must not keep it.
	"$@" {fd}>&- || status=$?
	exec {fd}>&-
	return "$status"
}
