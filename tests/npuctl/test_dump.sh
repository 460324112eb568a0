#!/bin/sh
# SPDX-License-Identifier: MIT
# Copyright (c) 2026 the npu authors
#
# Usage: test_dump.sh NPUCTL JSON_KEYS
#
# npuctl dump on recorded post-mortems (dumps/, made by tests/vm/ioctl/test_dump with NPU_DUMP_KEEP): its words and the
# keys of its JSON; files that are none. What is damaged is test_dump.c's.

npuctl=$1
json_keys=$2
here=$(dirname "$0")
# shellcheck source=tests/npuctl/lib.sh
. "$here/lib.sh"
unset NPU_DEVICE NPUCTL_ROOT

for name in fault timeout; do
	ends 0 "dump of a $name" dump "$here/dumps/$name.dump"
	check "words of a $name" diff "$here/golden/dump-$name.txt" "$work/out"
	ends 0 "dump --json of a $name" dump "$here/dumps/$name.dump" --json
	"$json_keys" <"$work/out" | grep -vF '.commands[].' >"$work/keys"
	check "keys of a $name" diff "$here/golden/dump-$name.keys" "$work/keys"
done
run dump "$here/dumps/fault.dump" --json
check "the address" [ "$(value address | head -n1)" = '"0x123456000"' ]
check "the command" grep -qF '"at": 36000' "$work/out"
ends 0 "registers" dump "$here/dumps/fault.dump" --registers
tells "00000  3155504e  MAGIC"
tells "RING6_HEAD"
tells "CORE0_LOAD_BUSY_LO"
tells "Registers, moments later"

refuses 1 "No such file" dump "$work/none"
refuses 1 "not a dump" dump "$0"
: >"$work/empty"
refuses 1 "not a dump" dump "$work/empty"
refuses 1 "Is a directory" dump "$work"
head -c 5000 "$here/dumps/fault.dump" >"$work/cut"
refuses 1 "5000 bytes instead of" dump "$work/cut"
{
	printf 'NPUDUMP\0\002\0\0\0'
	tail -c +13 "$here/dumps/fault.dump"
} >"$work/newer"
refuses 1 "take a newer one" dump "$work/newer"
refuses 2 "not for a file" dump "$here/dumps/fault.dump" --release
refuses 2 'what is "more"' dump "$here/dumps/fault.dump" more
refuses 3 "no device" dump --device accel199

finish
