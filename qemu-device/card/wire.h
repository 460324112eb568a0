/* SPDX-License-Identifier: MIT */
/*
 * Copyright (c) 2026 the npu authors
 *
 * A stream of little-endian bytes that the card's state is written to and read from again
 * (snapshot.h). One function describes each part of the state in both directions: it names the
 * fields in order, and they are written or filled as the wire goes. What it has read it checks
 * with npu_wire_check() before it is used.
 *
 * After an error nothing moves any more: all that is read is zero, so that loops with a count from
 * the wire end, and the error is looked at once. A wire belongs to one thread.
 */
#ifndef NPU_CARD_WIRE_H
#define NPU_CARD_WIRE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/**
 * struct npu_wire - one way
 * @loading: reading
 * @write: takes what is written; 0 or a negative errno
 * @read: fills all @len bytes; 0 or a negative errno
 * @opaque: for both
 * @error: 0 or the first negative errno
 * @why: what was wrong, a string that stays
 * @used: bytes of @buffer that are still to be written
 */
struct npu_wire {
	bool loading;
	int (*write)(void *opaque, const void *data, size_t len);
	int (*read)(void *opaque, void *data, size_t len);
	void *opaque;
	int error;
	const char *why;
	size_t used;
	uint8_t buffer[4096];
};

void npu_wire_bytes(struct npu_wire *w, void *data, size_t len);
void npu_wire_u8(struct npu_wire *w, uint8_t *v);
void npu_wire_u16(struct npu_wire *w, uint16_t *v);
void npu_wire_u32(struct npu_wire *w, uint32_t *v);
void npu_wire_u64(struct npu_wire *w, uint64_t *v);
/** npu_wire_bool() - a byte, 0 or 1 */
void npu_wire_bool(struct npu_wire *w, bool *v);
/** npu_wire_double() - its bits; what is read is a number between @min and @max */
void npu_wire_double(struct npu_wire *w, double *v, double min, double max);

/** npu_wire_check() - what was read must be so; @why says what is wrong otherwise. True: go on */
bool npu_wire_check(struct npu_wire *w, bool ok, const char *why);
/** npu_wire_fail() - end with @error for another reason */
void npu_wire_fail(struct npu_wire *w, int error, const char *why);
/** npu_wire_flush() - write what is left. Returns @error */
int npu_wire_flush(struct npu_wire *w);

#endif
