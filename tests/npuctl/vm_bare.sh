#!/bin/sh
# SPDX-License-Identifier: MIT
# Copyright (c) 2026 the npu authors
#
# npuctl with a card whose driver is not loaded (in the VM).

npuctl=/test/npuctl
# shellcheck source=tests/npuctl/lib.sh
. /test/lib.sh
unset NPU_DEVICE

ends 0 "list" list
tells "no driver"
ends 0 "list --json" list --json
tells '"module": "not loaded"'
check "one device" [ "$(grep -c '"pci"' "$work/out")" = 1 ]
pci=$(sed -n 's/.*"pci": "\(.*\)".*/\1/p' "$work/out")
for command in "info" "test" "bench latency" "info --device $pci"; do
	# The words of a command are several.
	# shellcheck disable=SC2086
	refuses 3 "modprobe npu" $command
	says "$pci"
done
ends 0 "the simulated card" info --device sim:

finish
