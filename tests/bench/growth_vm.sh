#!/bin/sh
# SPDX-License-Identifier: MIT
# Copyright (c) 2026 the npu authors
#
# Usage: growth_vm.sh BUFFERS MAPPINGS
#
# In the VM: what growth.sh plots, a file of JSON for each series in /out.

export NPU_DEVICE=accel0

# In rounds, so that a machine that changes its mind does not look like growth.
for r in 1 2 3; do
	echo "round $r of 3: jobs of many queues, of many processes"
	for n in 1 8 64 512; do
		./growth_jobs queues $n >>/out/growth-queues.json || exit 1
	done
	for n in 1 8 64; do
		./growth_jobs processes $n >>/out/growth-processes.json || exit 1
	done
done
for kind in host local; do
	echo "$1 buffers of $kind memory"
	./growth_memory $kind "$1" >"/out/growth-$kind.json" || exit 1
done
echo "$2 mappings"
./growth_memory mappings "$2" >/out/growth-mappings.json || exit 1
