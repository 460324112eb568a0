#!/bin/sh
# SPDX-License-Identifier: MIT
# Copyright (c) 2026 the npu authors
#
# Usage: test_levels.sh NPUCTL JSON_KEYS
#
# npuctl test, thorough: full and stress, on the simulated card.

npuctl=$1
json_keys=$2
here=$(dirname "$0")
# shellcheck source=tests/npuctl/lib.sh
. "$here/lib.sh"
unset NPU_DEVICE

keys() {
	"$json_keys" <"$work/out" >"$work/keys" 2>>"$work/err" || true
	check "keys of $1" diff "$here/golden/$1.keys" "$work/keys"
}

ends 0 "test --level full" test --device sim:cores=1,lmem=40M --level full --json
keys test
check "its rows" [ "$(value test | wc -l)" = 18 ]
check "its rounds" [ "$(value rounds)" = 8 ]
# 40 MiB but for what the library has of them, in words of 8 bytes.
check "its memory" [ "$(value elements | tail -n1)" -gt 4900000 ]
ends 0 "test --level stress" test --device sim: --level stress --seconds 1 --json
keys test
check "its threads" [ "$(value threads)" = 4 ]
check "its rounds" [ "$(value rounds)" -ge 4 ]
check "its verdict" [ "$(value pass | sort -u)" = true ]

finish
