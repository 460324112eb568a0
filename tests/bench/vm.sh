#!/bin/sh
# SPDX-License-Identifier: MIT
# Copyright (c) 2026 the npu authors
#
# Usage: vm.sh ROUNDS
#
# In the VM: empty jobs on the card beside 512-byte reads of QEMU's nvme disk, one after the other, round by round; then
# copies by the card beside memcpy(), and VM_BIND beside touching memory; then products. Each figure goes to a file of its
# own in /out, report_vm.c reads them. /out/turn-R asks run.sh for round R of the simulated card; it is gone when that is over.

rounds=$1
export NPU_DEVICE=accel0

# read_disk ENGINE DEPTH OUT OPTION...: a second of reads.
read_disk() {
	engine=$1
	depth=$2
	out=$3
	shift 3
	fio --name=read --filename=/dev/nvme0n1 --direct=1 --rw=randread --norandommap --bs=512 --size=64m \
		--ioengine="$engine" --iodepth="$depth" --time_based --ramp_time=200ms --runtime=1 \
		--output-format=json --output="$out" "$@" >/dev/null || exit 1
}

r=1
while [ "$r" -le "$rounds" ]; do
	echo "round $r of $rounds: empty jobs, 512-byte reads"
	./npuctl bench latency --depth 32 --json >"/out/latency-$r.json" || exit 1
	./npuctl bench latency --depth 32 --batch 32 --json >"/out/batched-$r.json" || exit 1
	read_disk psync 1 "/out/fio1-$r.json" --lat_percentiles=1 --clat_percentiles=0
	# What fio itself costs is not the disk's: no clock is read for each of many.
	read_disk libaio 32 "/out/fio32-$r.json" --gtod_reduce=1
	r=$((r + 1))
done
for r in 1 2 3 4 5; do
	echo "round $r of 5: copies, memory"
	./memory >"/out/memory-$r.json" || exit 1
	./npuctl bench dma --mib 64 --json >"/out/dma-$r.json" || exit 1
done
for r in 1 2 3 4 5; do
	echo "round $r of 5: products, the simulated card on the host in turn"
	: >"/out/turn-$r"
	while [ -e "/out/turn-$r" ]; do
		sleep 0.1
	done
	for n in 1024 2048; do
		./npuctl bench matmul --json --seconds 1 --rows $n --columns $n --inner $n >"/out/vm-requant-$n-$r.json" ||
			exit 1
	done
done
for r in 1 2 3; do
	echo "round $r of 3: products, sums"
	./npuctl bench matmul --json --seconds 1 --out sums >"/out/vm-sums-$r.json" || exit 1
done
uname -r >/out/kernel
