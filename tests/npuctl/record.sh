#!/bin/sh
# SPDX-License-Identifier: MIT
# Copyright (c) 2026 the npu authors
#
# Usage: record.sh DIR
#
# Records this machine's NPU cards as a snapshot in DIR, which NPUCTL_ROOT takes for a machine (docs/npuctl.md, "Snapshots"):
# the files that npuctl reads, and no others. For a POSIX shell with busybox; root sees more.

set -eu
dir=$1
umask 022

# keep FILE: a copy, if it can be read. Files of sysfs do not tell their size.
keep() {
	[ -r "$1" ] || return 0
	mkdir -p "$dir/${1%/*}"
	cat "$1" >"$dir/$1" 2>/dev/null || rm -f "$dir/$1"
}

keep /sys/module/npu/initstate
keep /proc/sys/kernel/osrelease
keep /proc/uptime
for card in /sys/bus/pci/devices/*; do
	[ "$(cat "$card/vendor") $(cat "$card/device")" = "0x1234 0x4e50" ] || continue
	for file in vendor device class irq resource current_link_speed current_link_width max_link_speed max_link_width \
		    aer_dev_fatal aer_dev_nonfatal aer_dev_correctable iommu_group/type; do
		keep "$card/$file"
	done
	dd if="$card/config" of="$dir/$card/config" bs=64 count=1 2>/dev/null
	for file in "$card"/npu/* "$card"/hwmon/hwmon*/temp1_* "$card"/hwmon/hwmon*/power1_input "$card"/devcoredump/data; do
		keep "$file"
	done
	[ ! -e "$card/driver" ] || {
		driver=$(readlink "$card/driver")
		mkdir -p "$dir/sys/bus/pci/drivers/${driver##*/}"
		: >"$dir/sys/bus/pci/drivers/${driver##*/}/bind"
		ln -s "../../drivers/${driver##*/}" "$dir/$card/driver"
	}
	for node in "$card"/accel/accel*; do
		[ -e "$node" ] || continue
		mkdir -p "$dir/$node" "$dir/dev/accel"
		: >"$dir/$node/dev"
		name=${node##*/}
		may=no
		[ ! -r "/dev/accel/$name" ] || [ ! -w "/dev/accel/$name" ] || may=yes
		echo "$(stat -c '%U %G %a' "/dev/accel/$name") $may 1.0" >"$dir/dev/accel/$name"
	done
done
for fd in /proc/[0-9]*/fd/*; do
	case $(readlink "$fd") in
	/dev/accel/*)
		process=${fd%/fd/*}
		keep "$process/fdinfo/${fd##*/}"
		keep "$process/comm"
		;;
	esac
done
mkdir -p "$dir/dev"
dmesg -r 2>/dev/null | sed -n 's/^<\([0-9]*\)>\[ *\([0-9]*\)\.\([0-9]*\)\] \(npu.*\)/\1,0,\2\3,-;\4/p' >"$dir/dev/kmsg"
