// SPDX-License-Identifier: MIT
/*
 * Copyright (c) 2026 the npu authors
 *
 * Mutations that keep an ONNX file a message: blind ones break the lengths that messages begin
 * with and reach little behind the parser. One field of the message, anywhere in it, is chosen by
 * the descriptors that protobuf-c makes; numbers become telling ones, names other names, elements
 * of lists go, come twice or change places. A quarter of mutations stay blind.
 */
#include <stdlib.h>
#include <string.h>

#include "onnx.pb-c.h"

#include "fuzz.h"

#define MAX_FIELDS  4096u
#define MAX_NAMES   512u
#define MAX_CHANGES 3u

struct place {
	ProtobufCMessage *m;
	const ProtobufCFieldDescriptor *f;
};

struct model {
	struct place place[MAX_FIELDS];
	unsigned int places;
	const char *name[MAX_NAMES];
	unsigned int names;
	uint64_t *chance;
};

static void *member(ProtobufCMessage *m, unsigned int offset)
{
	return (char *)m + offset;
}

static size_t *count_of(const struct place *p)
{
	return member(p->m, p->f->quantifier_offset);
}

/* ---- Finding fields -------------------------------------------------------------------------- */

static void note_name(struct model *t, const char *s)
{
	if (s && *s && t->names < MAX_NAMES)
		t->name[t->names++] = s;
}

static void walk(struct model *t, ProtobufCMessage *m)
{
	unsigned int i;
	size_t k;

	for (i = 0; i < m->descriptor->n_fields; i++) {
		const ProtobufCFieldDescriptor *f = &m->descriptor->fields[i];
		struct place p = { m, f };
		void *at = member(m, f->offset);
		bool list = f->label == PROTOBUF_C_LABEL_REPEATED;
		size_t n = list ? *count_of(&p) : 1;

		if (f->flags & PROTOBUF_C_FIELD_FLAG_ONEOF &&
		    *(uint32_t *)member(m, f->quantifier_offset) != f->id)
			continue;
		if (f->type == PROTOBUF_C_TYPE_MESSAGE)
			for (k = 0; k < n; k++) {
				ProtobufCMessage *sub = list ? (*(ProtobufCMessage ***)at)[k] :
							       *(ProtobufCMessage **)at;

				if (sub)
					walk(t, sub);
			}
		if (f->type == PROTOBUF_C_TYPE_STRING)
			for (k = 0; k < n; k++)
				note_name(t, list ? (*(char ***)at)[k] : *(char **)at);
		/* What is absent stays so, but for numbers, which are easy to make. */
		if (list ? n : f->type != PROTOBUF_C_TYPE_MESSAGE && t->places < MAX_FIELDS)
			if (t->places < MAX_FIELDS)
				t->place[t->places++] = p;
	}
}

/* ---- Changing them --------------------------------------------------------------------------- */

static size_t element_size(ProtobufCType type)
{
	switch (type) {
	case PROTOBUF_C_TYPE_INT32:
	case PROTOBUF_C_TYPE_ENUM:
	case PROTOBUF_C_TYPE_FLOAT:
		return 4;
	case PROTOBUF_C_TYPE_BYTES:
		return sizeof(ProtobufCBinaryData);
	default:
		return 8; /* and pointers */
	}
}

static char *copy(const char *s)
{
	char *c = malloc(strlen(s) + 1);

	return c ? strcpy(c, s) : NULL;
}

static void change_bytes(struct model *t, ProtobufCBinaryData *b)
{
	static const uint8_t telling[] = { 0, 1, 0x3f, 0x7f, 0x80, 0xc0, 0xff };

	if (!b->len)
		return;
	if (!fuzz_chance(t->chance, 8))
		b->len = fuzz_chance(t->chance, (uint32_t)b->len);
	else
		b->data[fuzz_chance(t->chance, (uint32_t)b->len)] =
			telling[fuzz_chance(t->chance, sizeof(telling))];
}

static void change_value(struct model *t, const ProtobufCFieldDescriptor *f, void *at)
{
	static const float floats[] = { 0,
					1,
					-1,
					0.5f,
					1e-30f,
					1e30f,
					-0.0f,
					3e38f,
					1e-45f,
					127,
					255,
					65536,
					__builtin_inff(),
					__builtin_nanf("") };
	int64_t n = fuzz_number(t->chance);
	char *s;

	switch (f->type) {
	case PROTOBUF_C_TYPE_INT32:
	case PROTOBUF_C_TYPE_ENUM:
		if (fuzz_chance(t->chance, 3))
			*(int32_t *)at = (int32_t)n;
		else
			*(uint32_t *)at += fuzz_chance(t->chance, 2) ? 1u : -1u;
		break;
	case PROTOBUF_C_TYPE_INT64:
	case PROTOBUF_C_TYPE_UINT64:
		if (fuzz_chance(t->chance, 3))
			*(int64_t *)at = n;
		else
			*(uint64_t *)at += fuzz_chance(t->chance, 2) ? 1u : -1ull;
		break;
	case PROTOBUF_C_TYPE_FLOAT:
		*(float *)at = floats[fuzz_chance(t->chance, sizeof(floats) / sizeof(floats[0]))];
		break;
	case PROTOBUF_C_TYPE_STRING:
		/* The new one may be the old one. */
		s = copy(t->names && fuzz_chance(t->chance, 8) ?
				 t->name[fuzz_chance(t->chance, t->names)] :
				 "");
		free(*(char **)at);
		*(char **)at = s;
		break;
	case PROTOBUF_C_TYPE_BYTES:
		change_bytes(t, at);
		break;
	default:
		break;
	}
}

static void free_element(const ProtobufCFieldDescriptor *f, char *at)
{
	if (f->type == PROTOBUF_C_TYPE_MESSAGE)
		protobuf_c_message_free_unpacked(*(ProtobufCMessage **)at, NULL);
	else if (f->type == PROTOBUF_C_TYPE_STRING)
		free(*(char **)at);
	else if (f->type == PROTOBUF_C_TYPE_BYTES)
		free(((ProtobufCBinaryData *)(void *)at)->data);
}

/* One more of @at behind the last. */
static void append(const struct place *p, size_t i)
{
	size_t size = element_size(p->f->type), *n = count_of(p);
	char **list = member(p->m, p->f->offset), *grown, *from, *to;

	grown = realloc(*list, (*n + 1) * size);
	if (!grown)
		return;
	*list = grown;
	from = grown + i * size;
	to = grown + *n * size;
	memcpy(to, from, size);
	if (p->f->type == PROTOBUF_C_TYPE_STRING) {
		*(char **)(void *)to = copy(*(char **)(void *)from);
	} else if (p->f->type == PROTOBUF_C_TYPE_BYTES) {
		ProtobufCBinaryData *b = (void *)to;
		uint8_t *data = malloc(b->len ? b->len : 1);

		b->data = data ? memcpy(data, b->data, b->len) : NULL;
		b->len = data ? b->len : 0;
	} else if (p->f->type == PROTOBUF_C_TYPE_MESSAGE) {
		ProtobufCMessage *m = *(ProtobufCMessage **)(void *)from;
		size_t bytes = protobuf_c_message_get_packed_size(m);
		uint8_t *data = malloc(bytes ? bytes : 1);

		if (!data)
			return;
		protobuf_c_message_pack(m, data);
		m = protobuf_c_message_unpack(m->descriptor, NULL, bytes, data);
		free(data);
		if (!m)
			return;
		*(ProtobufCMessage **)(void *)to = m;
	}
	(*n)++;
}

static void change_list(struct model *t, const struct place *p)
{
	size_t size = element_size(p->f->type), *n = count_of(p);
	char *list = *(char **)member(p->m, p->f->offset), tmp[sizeof(ProtobufCBinaryData)];
	size_t i = fuzz_chance(t->chance, (uint32_t)*n), k = fuzz_chance(t->chance, (uint32_t)*n);
	bool message = p->f->type == PROTOBUF_C_TYPE_MESSAGE;

	switch (fuzz_chance(t->chance, message ? 3 : 8)) {
	case 0:
		free_element(p->f, list + i * size);
		memmove(list + i * size, list + (i + 1) * size, (*n - i - 1) * size);
		(*n)--;
		break;
	case 1:
		append(p, i);
		break;
	case 2:
		memcpy(tmp, list + i * size, size);
		memcpy(list + i * size, list + k * size, size);
		memcpy(list + k * size, tmp, size);
		break;
	default:
		change_value(t, p->f, list + i * size);
	}
}

static void change(struct model *t, const struct place *p)
{
	if (p->f->label == PROTOBUF_C_LABEL_REPEATED) {
		if (*count_of(p))
			change_list(t, p);
		return;
	}
	if (p->f->label == PROTOBUF_C_LABEL_OPTIONAL && p->f->quantifier_offset &&
	    !(p->f->flags & PROTOBUF_C_FIELD_FLAG_ONEOF)) {
		protobuf_c_boolean *has = member(p->m, p->f->quantifier_offset);

		/* Bytes that are not there have no memory. */
		if (!*has && p->f->type == PROTOBUF_C_TYPE_BYTES)
			return;
		*has = fuzz_chance(t->chance, 8) != 0;
	}
	change_value(t, p->f, member(p->m, p->f->offset));
}

size_t LLVMFuzzerCustomMutator(uint8_t *data, size_t size, size_t max_size, unsigned int seed)
{
	static struct model t;
	uint64_t chance = seed * 0x9e3779b97f4a7c15ull;
	Onnx__ModelProto *m;
	unsigned int n;
	size_t packed;

	if (!fuzz_chance(&chance, 4))
		return LLVMFuzzerMutate(data, size, max_size);
	m = onnx__model_proto__unpack(NULL, size, data);
	if (!m)
		return LLVMFuzzerMutate(data, size, max_size);
	for (n = 1 + fuzz_chance(&chance, MAX_CHANGES); n; n--) {
		t.places = t.names = 0;
		t.chance = &chance;
		walk(&t, &m->base);
		if (t.places)
			change(&t, &t.place[fuzz_chance(&chance, t.places)]);
	}
	packed = onnx__model_proto__get_packed_size(m);
	if (packed && packed <= max_size)
		size = onnx__model_proto__pack(m, data);
	else
		size = LLVMFuzzerMutate(data, size, max_size);
	onnx__model_proto__free_unpacked(m, NULL);
	return size;
}
