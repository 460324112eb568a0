#!/bin/bash
# SPDX-License-Identifier: MIT
# Copyright (c) 2026 the npu authors
#
# Usage: guest.sh install|purge|broken|source
#
# In a root of Debian, as root, with the packages in /packages and no network: see use.sh. The commands are those of
# docs/install.md. Ends with "N passed, N failed".

set -uo pipefail
names=(npu-dkms libnpu1 libnpu-dev npu-tools qemu-device-npu)
passed=0 failed=0
log=/tmp/guest.log
cd /npu-test || exit 1

# check WHAT COMMAND...: passed if the command succeeds; what it said is shown if not.
check() {
	local what=$1
	shift
	if "$@" >"$log" 2>&1; then
		passed=$((passed + 1))
	else
		failed=$((failed + 1))
		echo "FAILED: $what"
		sed 's/^/    | /' "$log"
	fi
}

finish() {
	echo "$passed passed, $failed failed"
	[ "$failed" = 0 ] && [ "$passed" != 0 ]
	exit
}

# nothing COMMAND...: it succeeds and says nothing.
nothing() {
	local said

	said=$("$@" 2>&1) && [ -z "$said" ] || { printf '%s\n' "$said"; return 1; }
}

installed() {
	[ "$(dpkg-query -W -f '${db:Status-Abbrev}' "$1")" = 'ii ' ]
}

# What apt may take is in its cache and in /packages: whoever it asks for more is not there.
apt() {
	apt-get -q -y -o Dpkg::Use-Pty=0 -o Acquire::http::Proxy=http://127.0.0.1:9 \
		-o Acquire::https::Proxy=http://127.0.0.1:9 -o Acquire::Retries=0 --no-install-recommends "$@"
}

# install_driver: keeps what it said.
install_driver() {
	apt install /packages/npu-dkms_*.deb >/tmp/said 2>&1 || { cat /tmp/said; return 1; }
}

kernels() {
	find /lib/modules -mindepth 1 -maxdepth 1 -name '*amd64' -printf '%f\n'
}

module() {
	find "/lib/modules/$1/updates/dkms" -name 'npu.ko*' 2>/dev/null | grep .
}

says() {
	grep -qF -- "$1" "$2" || { cat "$2"; return 1; }
}

complete_words() {
	bash -c '. "/usr/share/bash-completion/completions/$1" && COMP_WORDS=("$@") COMP_CWORD=$(($# - 1)) &&
		"_$1" && printf "%s\n" "${COMPREPLY[@]}"' bash "$@"
}

completes() {
	local want=$1
	shift
	complete_words "$@" | grep -qx -e "$want"
}

run_example() {
	"$@" >/tmp/answer && printf '7 8\n16 17\n' | cmp - /tmp/answer
}

cpp() {
	# shellcheck disable=SC2046
	g++ -std=c++17 -Wall -Wextra -Werror use_cxx.cc -o /tmp/use_cxx $(pkg-config --cflags --libs npu) -pthread
}

c() {
	# shellcheck disable=SC2046
	cc -Wall -Wextra -Werror example.c -o /tmp/example $(pkg-config --cflags --libs npu)
}

c_static() {
	# shellcheck disable=SC2046
	cc example.c -o /tmp/static -Wl,-Bstatic -lnpu -Wl,-Bdynamic $(pkg-config --static --libs npu | sed 's/-lnpu//')
}

do_install() {
	local kernel

	check "apt installs them" apt install /packages/*.deb
	for name in "${names[@]}"; do
		check "$name is installed" installed "$name"
	done
	check "dpkg is at peace" nothing dpkg --audit
	for kernel in $(kernels); do
		check "npu.ko for $kernel" module "$kernel"
		check "it is of that kernel" sh -c "modinfo -k $kernel -F vermagic npu | grep -q '^$kernel '"
		check "its alias is the card's PCI id" sh -c \
			"modinfo -k $kernel -F alias npu | grep -q '^pci:v00001234d00004E50'"
		check "DKMS knows it" sh -c "dkms status npu | grep -q '$kernel.*installed'"
	done
	check "there is a group render" getent group render
	check "udev's rule is there" grep -q '0x4e50.*GROUP="render"' /usr/lib/udev/rules.d/70-npu.rules
	if udevadm verify --help >/dev/null 2>&1; then
		check "udev understands it" udevadm verify /usr/lib/udev/rules.d/70-npu.rules
	fi

	check "C against libnpu" c
	check "its answer" run_example /tmp/example
	check "C against libnpu.a" c_static
	check "its answer" run_example /tmp/static
	check "C++ against libnpu" cpp
	check "it works" /tmp/use_cxx
	check "Python's ctypes" python3 use_ctypes.py libnpu.so.1

	check "npuctl list" npuctl list
	check "npuctl test" npuctl test --device sim:
	check "npuctl takes libnpu.so" sh -c 'ldd /usr/bin/npuctl | grep -q libnpu.so.1'
	check "npucc" npucc --help
	for page in man1/npuctl.1 man1/npuctl-doctor.1 man1/npuctl-bench-matmul.1 man1/npucc.1 man3/npu.3 \
		    man3/npu_open.3 man3/npu_matmul.3 man3/npu_buffer_read.3; do
		check "manual page $page" zcat "/usr/share/man/$page.gz"
	done
	check "npuctl completes commands" completes test npuctl te
	check "npuctl completes options" completes --device npuctl test --d
	check "npucc completes options" completes --quantize npucc --q

	check "the card for QEMU" cp -r /usr/share/qemu-device-npu /tmp/qemu-npu
	check "and how it is built" /tmp/qemu-npu/qemu-device/build.sh --help
	rm -rf /tmp/qemu-npu
}

do_purge() {
	dpkg -L "${names[@]}" | sort -u >/tmp/files
	check "apt purges them" apt purge "${names[@]}"
	check "dpkg is at peace" nothing dpkg --audit
	check "dpkg has forgotten them" sh -c '! dpkg-query -W -f "${Package} ${db:Status-Abbrev}\n" \
		npu-dkms libnpu1 libnpu-dev npu-tools qemu-device-npu 2>/dev/null | grep -v "un *$"'
	check "no file is left" nothing sh -c \
		'while read -r file; do [ -d "$file" ] || [ ! -e "$file" ] || echo "$file"; done </tmp/files'
	check "no folder is left" nothing sh -c \
		'grep -E "/(npu|qemu-device-npu|npu-[0-9.]*|lib[^/]*npu[^/]*)(/|$)" /tmp/files |
			while read -r file; do [ ! -e "$file" ] || echo "$file"; done'
	check "DKMS has forgotten it" [ ! -e /var/lib/dkms/npu ]
	check "no module is left" nothing find /lib/modules -name 'npu.ko*'
}

# fake_kernel RELEASE: headers that compile nothing.
fake_kernel() {
	mkdir -p "/lib/modules/$1/build/include"
	echo 'CONFIG_DRM_ACCEL=y' >"/lib/modules/$1/build/.config"
	printf '%%:\n\t@echo "no such thing here"; exit 1\n' >"/lib/modules/$1/build/Makefile"
}

# A kernel that it is not for, and one that it should be for but where it does not compile: the newest.
do_broken() {
	local old=6.1.0-0-npu broken=99.0.0-0-npu kernel kind release

	kernel=$(kernels | head -n 1)
	fake_kernel "$old"
	fake_kernel "$broken"
	check "apt installs it" install_driver
	check "it is told" says "was not built for Linux $broken" /tmp/said
	check "npu-dkms is installed" installed npu-dkms
	check "dpkg is at peace" nothing dpkg --audit
	check "npu.ko for $kernel" module "$kernel"
	check "nothing is said of $old" sh -c "! grep -q 'not built for Linux $old' /tmp/said"
	check "none for $old" sh -c "! dkms status npu | grep $old"
	check "none for $broken" [ ! -e "/lib/modules/$broken/updates" ]
	check "other packages are installed" apt install /packages/libnpu1_*.deb
	# As the postinst of a kernel, and of its headers, does.
	for kind in postinst header_postinst; do
		for release in "$broken" "$kernel"; do
			check "Linux $release is installed ($kind)" run-parts --exit-on-error --arg="$release" \
				"/etc/kernel/$kind.d"
		done
	done
	check "npu.ko for $kernel" module "$kernel"
	check "apt purges it" apt purge npu-dkms libnpu1
	check "dpkg is at peace" nothing dpkg --audit
	check "DKMS has forgotten it" [ ! -e /var/lib/dkms/npu ]
	rm -rf "/lib/modules/$old" "/lib/modules/$broken"
}

# What `make install-dkms` left in /npu-test/source.
do_source() {
	local name kernel

	cp -r /npu-test/source/usr/src/npu-* /usr/src
	name=$(basename /usr/src/npu-*)
	kernel=$(kernels | head -n 1)
	check "dkms install $name" dkms install "npu/${name#npu-}" -k "$kernel"
	check "npu.ko for $kernel" module "$kernel"
	check "dkms remove" dkms remove "npu/${name#npu-}" --all
	check "no module is left" nothing find /lib/modules -name 'npu.ko*'
}

"do_$1"
finish
