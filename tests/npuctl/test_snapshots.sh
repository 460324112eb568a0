#!/bin/bash
# SPDX-License-Identifier: MIT
# Copyright (c) 2026 the npu authors
#
# Usage: test_snapshots.sh NPUCTL JSON_KEYS
#
# npuctl on machines that are not here: a recorded one (snapshots/machine, by record.sh, its counts rounded) and what becomes
# of it when something is broken. doctor names each; monitor, --prometheus and top say what was recorded, reset writes where the kernel resets.

npuctl=$1
json_keys=$2
here=$(dirname "$0")
# shellcheck source=tests/npuctl/lib.sh
. "$here/lib.sh"
unset NPU_DEVICE
export TZ=UTC

card=sys/bus/pci/devices/0000:01:00.0

# machine: a fresh copy of the recorded one, to be broken.
machine() {
	rm -rf "$work/machine"
	cp -r "$here/snapshots/machine" "$work/machine"
	export NPUCTL_ROOT=$work/machine
	cd "$work/machine" || exit 1
}
here=$(cd "$here" && pwd)
npuctl=$(realpath "$npuctl")
json_keys=$(realpath "$json_keys")

golden() {
	check "$1" diff "$here/golden/$1" "$work/out"
}

keys() {
	"$json_keys" <"$work/out" >"$work/keys" 2>>"$work/err" || true
	check "keys of $1" diff "$here/golden/$1.keys" "$work/keys"
}

# wrong CODE CHECK WORDS: doctor ends with that code; that check is wrong, and these words are said.
wrong() {
	ends "$1" "doctor: $2" doctor --json
	check "$2 is not what is wrong" [ "$(grep -B4 '"verdict": "wrong"' "$work/out" | grep -c "\"check\": \"$2\"")" = 1 ]
	check "something else is wrong" [ "$(grep -c '"verdict": "wrong"' "$work/out")" = 1 ]
	tells '"healthy": false'
	ends "$1" "doctor: $2" doctor
	tells "$3"
	tells "1 thing is wrong."
}

# note CHECK WORDS: doctor is content, but notes that.
note() {
	ends 0 "doctor: $1" doctor --json
	check "no note of $1" [ "$(grep -B4 '"verdict": "note"' "$work/out" | grep -c "\"check\": \"$1\"")" = 1 ]
	tells '"healthy": true'
	tells "$2"
}

# ---- list on a snapshot ----
machine
ends 0 "list" list
tells "accel0  0000:01:00.0  1234:4e50  16.0 GT/s PCIe x16  npu     ready"

# ---- doctor ----
ends 0 "doctor" doctor
golden doctor.txt
ends 0 "doctor --json" doctor --json
keys doctor
mkdir -p $card/iommu_group
echo DMA-FQ >$card/iommu_group/type
ends 0 "all well" doctor --json
check "all well: notes" [ "$(grep -c '"verdict": "note"' "$work/out")" = 0 ]
echo identity >$card/iommu_group/type
note iommu "iommu=pt"

machine
rm -r $card
ends 3 "no card" doctor
tells "there is no NPU card on the PCI bus"
tells "rescan"
refuses 3 "no NPU card" doctor --device accel0

machine
rm -r sys/module/npu $card/driver $card/accel $card/npu
mkdir -p lib/modules/6.12.117+deb12-amd64
ends 3 "no module" doctor
tells "nor installed for Linux 6.12.117+deb12-amd64"
tells "make module KVER=6.12.117+deb12-amd64"
echo 'updates/dkms/npu.ko.xz: kernel/drivers/gpu/drm/drm.ko.xz' >lib/modules/6.12.117+deb12-amd64/modules.dep
ends 3 "module not loaded" doctor
tells "-> sudo modprobe npu"

machine
echo coming >sys/module/npu/initstate
wrong 1 module "loading or unloading"

machine
rm -r $card/driver $card/accel $card/npu
mkdir sys/bus/pci/drivers/vfio-pci
ln -s ../../drivers/vfio-pci $card/driver
wrong 3 driver "bound to the driver vfio-pci"
tells "/sys/bus/pci/drivers/npu/bind"

machine
rm -r $card/driver $card/accel $card/npu
wrong 3 driver "its driver did not start it"

machine
echo 'root render 660 no 1.0' >dev/accel/accel0
wrong 3 permission "no permission on /dev/accel/accel0 (root:render, mode 0660)"
tells "sudo usermod -a -G render"
echo 'root root 600 no 1.0' >dev/accel/accel0
wrong 3 permission "mode 0600"
tells "sudo chgrp render /dev/accel/accel0"

machine
echo 'root render 660 yes 2.3' >dev/accel/accel0
wrong 3 version "the card has command set 2.3"

machine
echo 1 >$card/npu/wedged
wrong 3 state "given the card up"

machine
echo 95000 >$card/hwmon/hwmon0/temp1_input
wrong 1 temperature "95.0 °C, and it throttles"

machine
echo 'TOTAL_ERR_FATAL 2' >$card/aer_dev_fatal
wrong 1 pcie-errors "2 fatal, 0 others"
echo 'TOTAL_ERR_FATAL 0' >$card/aer_dev_fatal
echo 'TOTAL_ERR_COR 7' >$card/aer_dev_correctable
note pcie-errors "7 corrected"

machine
echo "8.0 GT/s PCIe" >$card/current_link_speed
note link "runs at 8.0 GT/s PCIe x16, the card could do 16.0 GT/s PCIe x16"

machine
echo 3 >$card/npu/errors
note jobs "3 failed"

machine
mkdir $card/devcoredump
cp "$here/dumps/fault.dump" $card/devcoredump/data
note dump "npuctl dump"
ends 0 "the card's dump" dump
check "it is told" diff "$here/golden/dump-fault.txt" "$work/out"
ends 0 "and let go of" dump --release --device accel0
check "by writing to it" [ "$(head -c 1 $card/devcoredump/data)" = 1 ]

machine
refuses 1 "no card has a dump" dump
echo '3,0,99,-;npu 0000:01:00.0: [drm] *ERROR* ring 3: halted' >>dev/kmsg
note log "complained 1 time, last: npu 0000:01:00.0: [drm] *ERROR* ring 3: halted"
rm dev/kmsg
ends 0 "no log" doctor
tells "may not be read"

# ---- reset ----
machine
: >$card/reset
ends 0 "reset" reset --json
check "it was written" [ "$(cat $card/reset)" = 1 ]
tells '"revived": false'
keys reset
ends 0 "reset" reset --device 0000:01:00.0
tells "accel0: reset"
echo 1 >$card/npu/wedged
refuses 1 "the driver has given it up" reset
rm $card/reset
refuses 1 "no way to reset" reset
mkdir $card/reset
refuses 1 "the reset failed" reset
rm $card/driver
refuses 3 "its driver is not npu" reset
refuses 3 "npuctl list tells" reset --device accel7
refuses 2 "new each time" reset --device sim:
cp -r $card ${card%01:00.0}02:00.0
refuses 2 "there are 2 cards" reset

# ---- monitor ----
machine
ends 0 "monitor" monitor
golden monitor.txt
ends 0 "monitor --json" monitor --json
golden monitor.json
for ((i = 1; i <= 6; i++)); do
	sed -n "${i}p" "$here/golden/monitor.json" >"$work/out"
	"$json_keys" <"$work/out" >"$work/keys.$i" 2>>"$work/err"
done
sort -u "$work"/keys.* >"$work/out"
golden monitor.keys
ends 0 "one card's" monitor --device accel1
check "its events" [ "$(wc -l <"$work/out")" = 1 ]
ends 0 "two events" monitor --count 2
check "so many" [ "$(wc -l <"$work/out")" = 2 ]
refuses 2 "of its own" monitor --prometheus - --json
refuses 2 "for --prometheus" monitor --interval 3
refuses 2 "is not in 1" monitor --count 0
rm uevents
refuses 1 "cannot listen" monitor

machine
ends 0 "metrics" monitor --prometheus -
golden prometheus.txt
ends 0 "metrics to a file" monitor --prometheus "$work/npu.prom"
cp "$work/npu.prom" "$work/out"
golden prometheus.txt
check "nothing else is left" [ "$(find "$work" -maxdepth 1 -name 'npu.prom*' | wc -l)" = 1 ]
check "others may read it" [ "$(stat -c %a "$work/npu.prom")" = 644 ]
refuses 1 "No such file" monitor --prometheus "$work/none/npu.prom"
mkdir "$work/folder.prom"
refuses 1 "folder.prom" monitor --prometheus "$work/folder.prom"
check "no draft is left" [ "$(find "$work" -maxdepth 1 -name '*.tmp' | wc -l)" = 0 ]
# A card that sleeps has no sensors.
rm -r $card/hwmon
ends 0 "metrics of one that sleeps" monitor --prometheus -
check "no temperature" sh -c "! grep -q temperature '$work/out'"
tells 'npu_jobs_total{pci="0000:01:00.0"} 10000'

# ---- top ----
machine
ends 0 "top --once" top --once
golden top.txt
ends 0 "top --once --json" top --once --json
golden top.json
ends 0 "top by name" top --once --sort name --json
check "its order" [ "$(value comm | tr '\n' ' ')" = '"npuctl" "train|er" ' ]
ends 0 "top by pid" top --once --sort pid --json
check "its order" [ "$(value pid | tr '\n' ' ')" = '170 176 ' ]
ends 0 "top by memory" top --once --sort memory --json
check "its order" [ "$(value pid | tr '\n' ' ')" = '170 176 ' ]
ends 0 "top by time" top --once --sort time --json
check "its order" [ "$(value pid | tr '\n' ' ')" = '176 170 ' ]
refuses 2 "wants a terminal" top
refuses 2 "for --once" top --json
refuses 2 "is none of use, pid" top --sort size
# The driver was loaded anew in between: counters begin anew.
echo 5 >later/$card/npu/busy_ns
ends 0 "top, counters anew" top --once --json
check "no use is known" grep -q '"utilisation": null' "$work/out"
rm -r $card later/$card
ends 3 "top without a card" top --once

finish
