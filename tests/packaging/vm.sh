#!/bin/sh
# SPDX-License-Identifier: MIT
# Copyright (c) 2026 the npu authors
#
# In the VM, in Debian's own user space with the packages installed (use.sh): udev loads the driver by the card's PCI id,
# its rule gives the node to the group render, and a user in that group works on the card, one who is not does not.

passed=0
failed=0
PATH=/usr/sbin:/usr/bin:/sbin:/bin
# udevadm thinks that a chroot has no udev of its own; this one has.
export PATH SYSTEMD_IGNORE_CHROOT=1

check() {
	what=$1
	shift
	if "$@" >/tmp/log 2>&1; then
		passed=$((passed + 1))
	else
		failed=$((failed + 1))
		echo "FAILED: $what"
		sed 's/^/    | /' /tmp/log
	fi
}

# user NAME COMMAND: as who has just logged in.
user() {
	su "$1" -s /bin/sh -c "$2"
}

refused() {
	user other "npuctl test --device accel0"
	[ $? = 3 ]
}

udevd=/usr/lib/systemd/systemd-udevd
[ -x $udevd ] || udevd=/lib/systemd/systemd-udevd
useradd card
useradd other
usermod -a -G render card

check "no driver yet" [ ! -e /sys/module/npu ]
check "udev begins" $udevd --daemon
check "udev looks at all devices" udevadm trigger --action=add
check "and has seen them" udevadm settle --timeout=60
check "it has loaded the driver" [ -e /sys/module/npu ]
check "the node is there" [ -c /dev/accel/accel0 ]
check "it is the group's" [ "$(stat -c '%U %G %a' /dev/accel/accel0)" = "root render 660" ]
check "and of who sits here" sh -c 'udevadm info /dev/accel/accel0 | grep -q "TAGS=.*:uaccess:"'
ls -l /dev/accel
check "who is not in the group is refused" refused
check "npuctl doctor finds the card well" user card "npuctl doctor"
check "npuctl test" user card "npuctl test --device accel0"
sed 's/"sim:"/NULL/' /npu-test/example.c >/tmp/example.c
check "C on the card" sh -c 'cc /tmp/example.c -o /tmp/example $(pkg-config --cflags --libs npu)'
user card /tmp/example >/tmp/answer
check "its answer" sh -c 'printf "7 8\n16 17\n" | cmp - /tmp/answer'
check "Python on the card" user card "python3 /npu-test/use_ctypes.py libnpu.so.1 accel0"
echo "$passed passed, $failed failed"
[ "$failed" = 0 ]
