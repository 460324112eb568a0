// SPDX-License-Identifier: MIT
/*
 * Copyright (c) 2026 the npu authors
 *
 * The bytes of a saved state; see wire.h.
 */
#include "wire.h"

#include <errno.h>
#include <string.h>

void npu_wire_fail(struct npu_wire *w, int error, const char *why)
{
	if (w->error)
		return;
	w->error = error;
	w->why = why;
}

bool npu_wire_check(struct npu_wire *w, bool ok, const char *why)
{
	if (w->loading && !ok)
		npu_wire_fail(w, -EINVAL, why);
	return !w->error;
}

int npu_wire_flush(struct npu_wire *w)
{
	int ret;

	if (!w->error && w->used) {
		ret = w->write(w->opaque, w->buffer, w->used);
		if (ret)
			npu_wire_fail(w, ret, "the state cannot be written");
	}
	w->used = 0;
	return w->error;
}

static void put(struct npu_wire *w, const void *data, size_t len)
{
	int ret;

	if (len > sizeof(w->buffer) - w->used)
		npu_wire_flush(w);
	if (w->error)
		return;
	if (len <= sizeof(w->buffer)) {
		memcpy(w->buffer + w->used, data, len);
		w->used += len;
		return;
	}
	ret = w->write(w->opaque, data, len);
	if (ret)
		npu_wire_fail(w, ret, "the state cannot be written");
}

static void get(struct npu_wire *w, void *data, size_t len)
{
	int ret = w->error ? w->error : w->read(w->opaque, data, len);

	if (!ret)
		return;
	npu_wire_fail(w, ret, "the state ends too early");
	memset(data, 0, len);
}

void npu_wire_bytes(struct npu_wire *w, void *data, size_t len)
{
	if (w->loading)
		get(w, data, len);
	else
		put(w, data, len);
}

/* The low @size bytes of @v. */
static uint64_t number(struct npu_wire *w, uint64_t v, unsigned int size)
{
	uint8_t b[8];

	for (unsigned int i = 0; i < size; i++)
		b[i] = v >> 8 * i;
	npu_wire_bytes(w, b, size);
	v = 0;
	for (unsigned int i = 0; i < size; i++)
		v |= (uint64_t)b[i] << 8 * i;
	return v;
}

void npu_wire_u8(struct npu_wire *w, uint8_t *v)
{
	*v = number(w, *v, 1);
}

void npu_wire_u16(struct npu_wire *w, uint16_t *v)
{
	*v = number(w, *v, 2);
}

void npu_wire_u32(struct npu_wire *w, uint32_t *v)
{
	*v = number(w, *v, 4);
}

void npu_wire_u64(struct npu_wire *w, uint64_t *v)
{
	*v = number(w, *v, 8);
}

void npu_wire_bool(struct npu_wire *w, bool *v)
{
	uint8_t byte = w->loading ? 0 : *v;

	npu_wire_u8(w, &byte);
	npu_wire_check(w, byte <= 1, "a switch is neither on nor off");
	*v = byte == 1;
}

void npu_wire_double(struct npu_wire *w, double *v, double min, double max)
{
	uint64_t bits;

	memcpy(&bits, v, sizeof(bits));
	npu_wire_u64(w, &bits);
	memcpy(v, &bits, sizeof(bits));
	/* A NaN is not between either. */
	if (!npu_wire_check(w, *v >= min && *v <= max, "power or temperature out of range"))
		*v = min;
}
