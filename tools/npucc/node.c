// SPDX-License-Identifier: MIT
/*
 * Copyright (c) 2026 the npu authors
 *
 * The node at hand: its attributes, and its inputs where they must be constants.
 */
#include <math.h>
#include <string.h>

#include "node.h"

const Onnx__AttributeProto *node_attr(const struct reader *r, const char *name)
{
	size_t i;

	for (i = 0; i < r->node->n_attribute; i++)
		if (r->node->attribute[i]->name && !strcmp(r->node->attribute[i]->name, name))
			return r->node->attribute[i];
	return NULL;
}

int64_t node_int(const struct reader *r, const char *name, int64_t otherwise)
{
	const Onnx__AttributeProto *a = node_attr(r, name);

	return a && a->has_i ? a->i : otherwise;
}

float node_float(const struct reader *r, const char *name, float otherwise)
{
	const Onnx__AttributeProto *a = node_attr(r, name);

	return a && a->has_f ? a->f : otherwise;
}

/* Is the attribute that string? Absent ones are @otherwise. */
bool node_is_string(const struct reader *r, const char *name, const char *value,
		    const char *otherwise)
{
	const Onnx__AttributeProto *a = node_attr(r, name);

	if (!a || !a->has_s)
		return !strcmp(value, otherwise);
	return a->s.len == strlen(value) && !memcmp(a->s.data, value, a->s.len);
}

/* A list of at most @most; how many there are, -1: absent. */
int node_ints(struct reader *r, const char *name, int64_t *out, unsigned int most)
{
	const Onnx__AttributeProto *a = node_attr(r, name);
	size_t i;

	if (!a || (!a->n_ints && a->type != ONNX__ATTRIBUTE_PROTO__ATTRIBUTE_TYPE__INTS))
		return -1;
	if (a->n_ints > most) {
		reader_fail(r, "%s has more than %u entries", name, most);
		return -1;
	}
	for (i = 0; i < a->n_ints; i++)
		out[i] = a->ints[i];
	return (int)a->n_ints;
}

const struct npu_graph_tensor *node_input(const struct reader *r, unsigned int i)
{
	return i < r->in_count ? npu_graph_tensor(r->g, r->in[i]) : NULL;
}

uint64_t node_count(const struct npu_graph_tensor *t)
{
	uint64_t n = 1;
	uint32_t i;

	for (i = 0; i < t->dims; i++)
		n *= t->shape[i];
	return n;
}

/* Element @i of a constant of a few types, as a number. */
static double number(const struct npu_graph_tensor *t, uint64_t i)
{
	switch (t->type) {
	case NPU_FP32:
		return ((const float *)t->data)[i];
	case NPU_S64:
		return (double)((const int64_t *)t->data)[i];
	case NPU_S32:
		return ((const int32_t *)t->data)[i];
	case NPU_S8:
		return ((const int8_t *)t->data)[i];
	case NPU_U8:
		return ((const uint8_t *)t->data)[i];
	default:
		return NAN;
	}
}

/* Input @i as a list of integers; how many, -1: absent (or wrong, which is said). */
int node_input_ints(struct reader *r, unsigned int i, const char *what, int64_t *out,
		    unsigned int most)
{
	const struct npu_graph_tensor *t = node_input(r, i);
	uint64_t n, k;

	if (!t)
		return -1;
	n = node_count(t);
	if (!t->data || (t->type != NPU_S64 && t->type != NPU_S32)) {
		reader_fail(r, "%s is not a constant of integers: fix it with --fix", what);
		return -1;
	}
	if (n > most || t->dims > 1) {
		reader_fail(r, "%s has more than %u entries", what, most);
		return -1;
	}
	for (k = 0; k < n; k++)
		out[k] = t->type == NPU_S64 ? ((const int64_t *)t->data)[k] :
					      ((const int32_t *)t->data)[k];
	return (int)n;
}

/* Input @i as one number. */
bool node_input_number(struct reader *r, unsigned int i, const char *what, float *out)
{
	const struct npu_graph_tensor *t = node_input(r, i);

	if (!t)
		return false;
	if (!t->data || node_count(t) != 1 || isnan(number(t, 0))) {
		reader_fail(r, "%s is not one constant number: fix it with --fix", what);
		return false;
	}
	*out = (float)number(t, 0);
	return true;
}

/* Axes that are an attribute in older opsets and an input in newer ones. */
int node_axes(struct reader *r, struct npu_graph_attrs *a, unsigned int in)
{
	int64_t v[NPU_MAX_DIMS];
	int n = node_ints(r, "axes", v, NPU_MAX_DIMS), i;

	if (n < 0)
		n = node_input_ints(r, in, "axes", v, NPU_MAX_DIMS);
	for (i = 0; i < n; i++)
		a->axes[i] = node_small(v[i]);
	a->axis_count = n < 0 ? 0 : (unsigned int)n;
	return n;
}
