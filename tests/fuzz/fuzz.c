// SPDX-License-Identifier: MIT
/*
 * Copyright (c) 2026 the npu authors
 *
 * See fuzz.h.
 */
#include "fuzz.h"

int64_t fuzz_number(uint64_t *state)
{
	static const int64_t telling[] = { 0,	      1,	 2,	    3,	       4,
					   7,	      8,	 15,	    16,	       17,
					   63,	      64,	 65,	    127,       128,
					   255,	      256,	 4096,	    65535,     65536,
					   1 << 20,   -1,	 -2,	    -128,      INT32_MAX,
					   INT32_MIN, INT64_MAX, INT64_MIN, 1ll << 32, 1ll << 48 };

	switch (fuzz_chance(state, 4)) {
	case 0:
		return (int64_t)((1ull << fuzz_chance(state, 64)) + fuzz_chance(state, 3) - 1);
	case 1:
		return fuzz_chance(state, 32);
	default:
		return telling[fuzz_chance(state, sizeof(telling) / sizeof(telling[0]))];
	}
}
