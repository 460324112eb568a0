#!/bin/bash
# SPDX-License-Identifier: MIT
# Copyright (c) 2026 the npu authors
#
# Usage: apt.sh SUITE[,SUITE...] COMMAND [ARGUMENT...]
#
# Runs COMMAND (apt-get, apt-cache) over Debian suites that the machine itself need not have
# enabled, say trixie-backports. "src:SUITE" adds a suite's source packages. The machine's own
# sources and installed packages are neither touched nor looked at: nothing counts as installed.
#
#     apt.sh trixie,trixie-backports apt-cache show linux-image-amd64
#     apt.sh src:trixie apt-get source --download-only qemu
#
# The mirror's address comes from the machine's own apt configuration, or from NPU_DEBIAN_MIRROR
# (and NPU_DEBIAN_SECURITY_MIRROR) where that is not Debian's. Signatures are checked against
# Debian's keyring. Package lists live in the cache, one folder a set of suites, and are fetched
# again after a day; without a network the old ones serve.

set -euo pipefail
. "$(dirname "$0")/lib.sh"

keyring=/usr/share/keyrings/debian-archive-keyring.gpg
max_age_minutes=1440

# mirror LABEL: the address under which the machine's apt finds Debian's archive of that label.
mirror() {
	apt-get indextargets --format '$(ORIGIN)|$(LABEL)|$(REPO_URI)' 2>/dev/null |
		sort -u | sed -n "s/^Debian|$1|//p" | head -n 1
}

main_mirror() {
	local uri=${NPU_DEBIAN_MIRROR:-}

	[ -n "$uri" ] || uri=$(mirror Debian)
	[ -n "$uri" ] || die "apt knows no Debian mirror here: run apt-get update, or on another" \
		"distribution set NPU_DEBIAN_MIRROR to a Debian mirror's address"
	printf '%s\n' "${uri%/}"
}

security_mirror() {
	local uri=${NPU_DEBIAN_SECURITY_MIRROR:-}

	[ -n "$uri" ] || [ -n "${NPU_DEBIAN_MIRROR:-}" ] || uri=$(mirror Debian-Security)
	# Mirrors keep the security archive beside the main one.
	[ -n "$uri" ] || uri=$(main_mirror)-security
	printf '%s\n' "${uri%/}"
}

# source_line SUITE: its line of sources.list.
source_line() {
	local suite=${1#src:} type=deb uri

	[ "$suite" = "$1" ] || type=deb-src
	case $suite in
	*-security)	uri=$(security_mirror) ;;
	*)		uri=$(main_mirror) ;;
	esac
	printf '%s [arch=amd64 signed-by=%s] %s %s main\n' "$type" "$keyring" "$uri" "$suite"
}

# prepare DIR SUITE...: makes or refreshes the private configuration in DIR.
prepare() {
	local dir=$1 suite
	shift

	mkdir -p "$dir"/{lists/partial,archives/partial,etc}
	: >"$dir/status"
	for suite in "$@"; do
		source_line "$suite"
	done >"$dir/sources.new"
	cat >"$dir/apt.conf" <<-END
		#clear APT::Update::Post-Invoke;
		#clear APT::Update::Post-Invoke-Success;
		#clear DPkg::Post-Invoke;
		Dir::Etc::sourcelist "$dir/sources.list";
		Dir::Etc::sourceparts "/dev/null";
		Dir::Etc::preferences "/dev/null";
		Dir::Etc::preferencesparts "/dev/null";
		Dir::State "$dir";
		Dir::State::lists "$dir/lists";
		Dir::State::status "$dir/status";
		Dir::Cache "$dir";
		Dir::Cache::archives "$dir/archives";
		Dir::Cache::pkgcache "";
		Dir::Cache::srcpkgcache "";
		Dir::Log "$dir";
		APT::Architecture "amd64";
		APT::Architectures "amd64";
		APT::Default-Release "";
		APT::Install-Recommends "false";
		APT::Install-Suggests "false";
		APT::Sandbox::User "";
		APT::Get::AllowUnauthenticated "false";
		Acquire::AllowInsecureRepositories "false";
		Acquire::Languages "none";
		Acquire::Retries "3";
	END
	if cmp -s "$dir/sources.new" "$dir/sources.list" &&
	   [ -n "$(find "$dir/updated" -mmin "-$max_age_minutes" 2>/dev/null)" ]; then
		return
	fi
	mv "$dir/sources.new" "$dir/sources.list"
	say "fetching the package lists of $*"
	if apt-get -c "$dir/apt.conf" -qq --error-on=any update >&2; then
		touch "$dir/updated"
	elif [ -e "$dir/updated" ]; then
		say "no new package lists; using those of $(date -r "$dir/updated" +%F)"
	else
		die "cannot fetch the package lists of $*"
	fi
}

[ $# -ge 2 ] || die "usage: apt.sh SUITE[,SUITE...] COMMAND [ARGUMENT...]"
[ -r "$keyring" ] || die "no $keyring: install the package debian-archive-keyring"

IFS=, read -ra suites <<<"$1"
shift
dir=$NPU_CACHE/apt/$(IFS=+; printf '%s' "${suites[*]}" | tr : -)
with_lock "$dir/lock" prepare "$dir" "${suites[@]}" || exit
command=$1
shift
exec "$command" -c "$dir/apt.conf" "$@"
