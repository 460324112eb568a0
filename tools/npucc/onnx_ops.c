// SPDX-License-Identifier: MIT
/*
 * Copyright (c) 2026 the npu authors
 *
 * ONNX operators as the graph's: attributes and constant inputs become struct npu_graph_attrs,
 * versions of opsets are evened out, operators that are others in disguise (Flatten, Squeeze,
 * GlobalAveragePool, Sum, ...) become these.
 */
#include <errno.h>
#include <limits.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "reader.h"

/* ---- Attributes ------------------------------------------------------------------------------ */

static const Onnx__AttributeProto *find(const struct reader *r, const char *name)
{
	size_t i;

	for (i = 0; i < r->node->n_attribute; i++)
		if (r->node->attribute[i]->name && !strcmp(r->node->attribute[i]->name, name))
			return r->node->attribute[i];
	return NULL;
}

static int64_t get_int(const struct reader *r, const char *name, int64_t otherwise)
{
	const Onnx__AttributeProto *a = find(r, name);

	return a && a->has_i ? a->i : otherwise;
}

static float get_float(const struct reader *r, const char *name, float otherwise)
{
	const Onnx__AttributeProto *a = find(r, name);

	return a && a->has_f ? a->f : otherwise;
}

/* Is the attribute that string? Absent ones are @otherwise. */
static bool is_string(const struct reader *r, const char *name, const char *value,
		      const char *otherwise)
{
	const Onnx__AttributeProto *a = find(r, name);

	if (!a || !a->has_s)
		return !strcmp(value, otherwise);
	return a->s.len == strlen(value) && !memcmp(a->s.data, value, a->s.len);
}

static int64_t clamp(int64_t v, int64_t lo, int64_t hi)
{
	return v < lo ? lo : v > hi ? hi : v;
}

static int32_t small(int64_t v)
{
	return (int32_t)clamp(v, INT32_MIN, INT32_MAX);
}

/* A list of at most @most; how many there are, -1: absent. */
static int get_ints(struct reader *r, const char *name, int64_t *out, unsigned int most)
{
	const Onnx__AttributeProto *a = find(r, name);
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

/* ---- Constant inputs ------------------------------------------------------------------------- */

static const struct npu_graph_tensor *input(const struct reader *r, unsigned int i)
{
	return i < r->in_count ? npu_graph_tensor(r->g, r->in[i]) : NULL;
}

static uint64_t count_of(const struct npu_graph_tensor *t)
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
static int input_ints(struct reader *r, unsigned int i, const char *what, int64_t *out,
		      unsigned int most)
{
	const struct npu_graph_tensor *t = input(r, i);
	uint64_t n, k;

	if (!t)
		return -1;
	n = count_of(t);
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
static bool input_number(struct reader *r, unsigned int i, const char *what, float *out)
{
	const struct npu_graph_tensor *t = input(r, i);

	if (!t)
		return false;
	if (!t->data || count_of(t) != 1 || isnan(number(t, 0))) {
		reader_fail(r, "%s is not one constant number: fix it with --fix", what);
		return false;
	}
	*out = (float)number(t, 0);
	return true;
}

/* Axes that are an attribute in older opsets and an input in newer ones. */
static int axes(struct reader *r, struct npu_graph_attrs *a, unsigned int in)
{
	int64_t v[NPU_MAX_DIMS];
	int n = get_ints(r, "axes", v, NPU_MAX_DIMS), i;

	if (n < 0)
		n = input_ints(r, in, "axes", v, NPU_MAX_DIMS);
	for (i = 0; i < n; i++)
		a->axes[i] = small(v[i]);
	a->axis_count = n < 0 ? 0 : (unsigned int)n;
	return n;
}

/* ---- Operators ------------------------------------------------------------------------------- */

typedef void handler(struct reader *r, struct npu_graph_attrs *a);

/* Input 1 gets dimensions of size 1 behind its own, so that these begin at @axis of input 0. */
static void align(struct reader *r, int64_t axis)
{
	const struct npu_graph_tensor *x = input(r, 0), *y = input(r, 1);
	struct npu_graph_attrs shape = { .dims = 0 };
	uint32_t d;

	if (axis < 0)
		axis += x->dims;
	if (axis < 0 || axis + y->dims > x->dims) {
		reader_fail(r, "axis");
		return;
	}
	for (d = 0; d < y->dims; d++)
		shape.shape[shape.dims++] = y->shape[d];
	for (d += (uint32_t)axis; d < x->dims; d++)
		shape.shape[shape.dims++] = 1;
	if (npu_graph_node(r->g, NPU_GRAPH_RESHAPE, r->node->name, &shape, &r->in[1], 1, &r->in[1],
			   1))
		reader_fail(r, "%s", npu_error());
}

/* Before opset 7 the second operand began at an axis of the first. */
static void op_binary(struct reader *r, struct npu_graph_attrs *a)
{
	(void)a;
	if (r->opset < 7 && get_int(r, "broadcast", 0) && find(r, "axis") && input(r, 0) &&
	    input(r, 1))
		align(r, get_int(r, "axis", 0));
}

/* Likewise slopes, one a channel. */
static void op_prelu(struct reader *r, struct npu_graph_attrs *a)
{
	const struct npu_graph_tensor *x = input(r, 0), *slope = input(r, 1);

	(void)a;
	if (r->opset < 7 && x && slope && slope->dims == 1 && slope->shape[0] > 1 && x->dims > 1)
		align(r, 1);
}

/* Sum of any number: sums of two. */
static void op_sum(struct reader *r, struct npu_graph_attrs *a)
{
	unsigned int i;
	int sum = r->in_count ? r->in[0] : -1, in[2];

	for (i = 1; i < r->in_count && !r->failed; i++) {
		in[0] = sum;
		in[1] = r->in[i];
		if (npu_graph_node(r->g, NPU_GRAPH_ADD, r->node->name, a, in, 2, &sum, 1))
			reader_fail(r, "%s", npu_error());
	}
	r->in[0] = sum;
	r->in_count = 1;
	r->op = NPU_GRAPH_IDENTITY;
}

static void op_alpha_001(struct reader *r, struct npu_graph_attrs *a)
{
	a->alpha = get_float(r, "alpha", 0.01f);
}

static void op_hard_sigmoid(struct reader *r, struct npu_graph_attrs *a)
{
	a->alpha = get_float(r, "alpha", 0.2f);
	a->beta = get_float(r, "beta", 0.5f);
}

static void op_gelu(struct reader *r, struct npu_graph_attrs *a)
{
	(void)a;
	if (!is_string(r, "approximate", "none", "none"))
		reader_fail(r, "the approximation by tanh");
}

static void op_clip(struct reader *r, struct npu_graph_attrs *a)
{
	a->lo = get_float(r, "min", -INFINITY);
	a->hi = get_float(r, "max", INFINITY);
	input_number(r, 1, "min", &a->lo);
	input_number(r, 2, "max", &a->hi);
	r->in_count = r->in_count ? 1 : 0;
}

static void op_cast(struct reader *r, struct npu_graph_attrs *a)
{
	a->type = reader_type(get_int(r, "to", 0));
	if (a->type == NPU_TYPES)
		reader_fail(r, "to a type that the card does not have");
}

static void op_axis_1(struct reader *r, struct npu_graph_attrs *a)
{
	a->axis = small(get_int(r, "axis", 1));
}

static void op_axis_0(struct reader *r, struct npu_graph_attrs *a)
{
	a->axis = small(get_int(r, "axis", 0));
}

static void op_gemm(struct reader *r, struct npu_graph_attrs *a)
{
	a->alpha = get_float(r, "alpha", 1);
	a->beta = get_float(r, "beta", 1);
	a->trans_a = get_int(r, "transA", 0) != 0;
	a->trans_b = get_int(r, "transB", 0) != 0;
}

static uint32_t field(int64_t v)
{
	return v < 0 ? UINT32_MAX : (uint32_t)clamp(v, 0, UINT32_MAX);
}

/* kernel_shape, strides, dilations, pads, auto_pad of one or two dimensions. */
static void op_window(struct reader *r, struct npu_graph_attrs *a)
{
	static const char *const names[] = { "kernel_shape", "strides", "dilations" };
	uint32_t *to[] = { a->kernel, a->stride, a->dilation };
	const struct npu_graph_tensor *x = input(r, 0);
	int dims = x ? (int)x->dims - 2 : 0, n, i, k;
	int64_t v[4];

	if (dims < 1 || dims > 2) {
		reader_fail(r, "%d spatial dimensions; 1 and 2 are supported", dims);
		return;
	}
	a->window_dims = (uint32_t)dims;
	for (k = 0; k < 3; k++) {
		n = get_ints(r, names[k], v, 2);
		if (n >= 0 && n != dims)
			reader_fail(r, "%s has %d entries for %d dimensions", names[k], n, dims);
		for (i = 0; i < n; i++)
			to[k][i] = field(v[i] > 0 ? v[i] : -1);
	}
	n = get_ints(r, "pads", v, 4);
	if (n >= 0 && n != 2 * dims)
		reader_fail(r, "pads has %d entries for %d dimensions", n, dims);
	for (i = 0; i < n / 2 && n > 0; i++) {
		a->pad_lo[i] = field(v[i]);
		a->pad_hi[i] = field(v[i + dims]);
	}
	a->auto_pad = is_string(r, "auto_pad", "SAME_UPPER", "NOTSET") ? NPU_PAD_SAME_UPPER :
		      is_string(r, "auto_pad", "SAME_LOWER", "NOTSET") ? NPU_PAD_SAME_LOWER :
		      is_string(r, "auto_pad", "VALID", "NOTSET")      ? NPU_PAD_VALID :
									 NPU_PAD_EXPLICIT;
	a->groups = field(get_int(r, "group", 1));
}

static void op_conv_transpose(struct reader *r, struct npu_graph_attrs *a)
{
	int64_t v[2];
	int n, i;

	op_window(r, a);
	n = get_ints(r, "output_padding", v, 2);
	for (i = 0; i < n; i++)
		a->out_pad[i] = field(v[i]);
	n = get_ints(r, "output_shape", v, 2);
	for (i = 0; i < n; i++)
		a->shape[i] = v[i] > 0 ? v[i] : -1;
	if (n >= 0 && n != (int)a->window_dims)
		reader_fail(r, "output_shape has %d entries", n);
	a->dims = n < 0 ? 0 : (uint32_t)n;
}

static void op_pool(struct reader *r, struct npu_graph_attrs *a)
{
	op_window(r, a);
	a->groups = 0;
	a->ceil_mode = get_int(r, "ceil_mode", 0) != 0;
	a->count_pad = get_int(r, "count_include_pad", 0) != 0;
	if (!a->kernel[0])
		reader_fail(r, "no kernel_shape");
}

static void op_global(struct reader *r, struct npu_graph_attrs *a)
{
	const struct npu_graph_tensor *x = input(r, 0);
	uint32_t d;

	if (!x || x->dims < 3) {
		reader_fail(r, "no spatial dimensions");
		return;
	}
	for (d = 2; d < x->dims; d++)
		a->axes[a->axis_count++] = (int32_t)d;
	a->keep_dims = 1;
}

static void op_reduce(struct reader *r, struct npu_graph_attrs *a)
{
	int n = axes(r, a, 1);

	a->keep_dims = get_int(r, "keepdims", 1) != 0;
	r->in_count = r->in_count ? 1 : 0;
	if (n <= 0 && get_int(r, "noop_with_empty_axes", 0))
		r->op = NPU_GRAPH_IDENTITY;
}

static void op_softmax(struct reader *r, struct npu_graph_attrs *a)
{
	const struct npu_graph_tensor *x = input(r, 0);
	int64_t axis = get_int(r, "axis", r->opset < 13 ? 1 : -1);

	if (!x)
		return;
	if (axis < 0)
		axis += x->dims;
	if (axis < 0 || axis >= x->dims) {
		reader_fail(r, "axis");
		return;
	}
	/* Before opset 13 all dimensions from the axis on are one. */
	a->axes[a->axis_count++] = (int32_t)axis;
	while (r->opset < 13 && ++axis < x->dims)
		a->axes[a->axis_count++] = (int32_t)axis;
}

static void op_layer_norm(struct reader *r, struct npu_graph_attrs *a)
{
	a->axis = small(get_int(r, "axis", -1));
	a->epsilon = get_float(r, "epsilon", 1e-5f);
	if (get_int(r, "stash_type", 1) != 1)
		reader_fail(r, "stash_type other than float");
}

static void op_epsilon(struct reader *r, struct npu_graph_attrs *a)
{
	a->epsilon = get_float(r, "epsilon", 1e-5f);
	if (get_int(r, "training_mode", 0))
		reader_fail(r, "training");
}

static void op_dropout(struct reader *r, struct npu_graph_attrs *a)
{
	const struct npu_graph_tensor *training = input(r, 2);

	(void)a;
	if (training)
		reader_fail(r, "training_mode as an input");
	if (r->node->n_output > 1 && *r->node->output[1])
		reader_fail(r, "the output of the mask");
	r->in_count = r->in_count ? 1 : 0;
}

static void op_reshape(struct reader *r, struct npu_graph_attrs *a)
{
	int n = get_ints(r, "shape", a->shape, NPU_MAX_DIMS);

	if (n < 0)
		n = input_ints(r, 1, "the shape", a->shape, NPU_MAX_DIMS);
	if (n < 0)
		reader_fail(r, "no shape");
	a->dims = n < 0 ? 0 : (uint32_t)n;
	a->allow_zero = get_int(r, "allowzero", 0) != 0;
	r->in_count = r->in_count ? 1 : 0;
}

static void op_flatten(struct reader *r, struct npu_graph_attrs *a)
{
	const struct npu_graph_tensor *x = input(r, 0);
	int64_t axis = get_int(r, "axis", 1), before = 1;
	uint32_t d;

	if (!x)
		return;
	if (axis < 0)
		axis += x->dims;
	if (axis < 0 || axis > x->dims) {
		reader_fail(r, "axis");
		return;
	}
	for (d = 0; d < axis; d++)
		before *= x->shape[d];
	a->dims = 2;
	a->shape[0] = before;
	a->shape[1] = -1;
}

static void op_squeeze(struct reader *r, struct npu_graph_attrs *a)
{
	const struct npu_graph_tensor *x = input(r, 0);
	uint32_t mask = 0, d;
	int n = axes(r, a, 1), i;

	for (i = 0; x && i < n; i++) {
		int64_t axis = a->axes[i] < 0 ? a->axes[i] + (int64_t)x->dims : a->axes[i];

		if (axis < 0 || axis >= x->dims || x->shape[axis] != 1) {
			reader_fail(r, "axis %d is not of size 1", a->axes[i]);
			return;
		}
		mask |= 1u << axis;
	}
	a->axis_count = 0;
	for (d = 0; x && d < x->dims; d++)
		if (n < 0 ? x->shape[d] != 1 : !(mask >> d & 1))
			a->shape[a->dims++] = x->shape[d];
	r->in_count = r->in_count ? 1 : 0;
}

static void op_unsqueeze(struct reader *r, struct npu_graph_attrs *a)
{
	const struct npu_graph_tensor *x = input(r, 0);
	uint32_t mask = 0, dims, d, from = 0;
	int n = axes(r, a, 1), i;

	if (!x || n < 0) {
		reader_fail(r, "no axes");
		return;
	}
	dims = x->dims + (uint32_t)n;
	for (i = 0; i < n; i++) {
		int64_t axis = a->axes[i] < 0 ? a->axes[i] + (int64_t)dims : a->axes[i];

		if (axis < 0 || axis >= dims || dims > NPU_MAX_DIMS || mask >> axis & 1) {
			reader_fail(r, "axis %d of %u dimensions", a->axes[i], dims);
			return;
		}
		mask |= 1u << axis;
	}
	a->axis_count = 0;
	for (d = 0; d < dims; d++)
		a->shape[a->dims++] = mask >> d & 1 ? 1 : x->shape[from++];
	r->in_count = 1;
}

static void op_transpose(struct reader *r, struct npu_graph_attrs *a)
{
	int64_t v[NPU_MAX_DIMS];
	int n = get_ints(r, "perm", v, NPU_MAX_DIMS), i;

	for (i = 0; i < n; i++)
		a->axes[i] = small(v[i]);
	a->axis_count = n < 0 ? 0 : (uint32_t)n;
}

static void op_expand(struct reader *r, struct npu_graph_attrs *a)
{
	int n = input_ints(r, 1, "the shape", a->shape, NPU_MAX_DIMS);

	if (n < 0)
		reader_fail(r, "no shape");
	a->dims = n < 0 ? 0 : (uint32_t)n;
	r->in_count = 1;
}

static void op_split(struct reader *r, struct npu_graph_attrs *a)
{
	int n = get_ints(r, "split", a->shape, NPU_GRAPH_MAX_IO);

	if (n < 0)
		n = input_ints(r, 1, "the sizes", a->shape, NPU_GRAPH_MAX_IO);
	a->dims = n < 0 ? 0 : (uint32_t)n;
	a->axis = small(get_int(r, "axis", 0));
	r->in_count = r->in_count ? 1 : 0;
}

static void op_slice(struct reader *r, struct npu_graph_attrs *a)
{
	int64_t v[NPU_MAX_DIMS];
	int starts, ends, n, i;

	if (r->opset < 10) {
		starts = get_ints(r, "starts", a->starts, NPU_MAX_DIMS);
		ends = get_ints(r, "ends", a->ends, NPU_MAX_DIMS);
		n = get_ints(r, "axes", v, NPU_MAX_DIMS);
	} else {
		starts = input_ints(r, 1, "starts", a->starts, NPU_MAX_DIMS);
		ends = input_ints(r, 2, "ends", a->ends, NPU_MAX_DIMS);
		n = input_ints(r, 3, "axes", v, NPU_MAX_DIMS);
		i = input_ints(r, 4, "steps", a->steps, NPU_MAX_DIMS);
		if (i >= 0 && i != starts)
			reader_fail(r, "as many steps as starts");
	}
	if (starts < 0 || starts != ends || (n >= 0 && n != starts)) {
		reader_fail(r, "starts, ends and axes do not go together");
		return;
	}
	a->axis_count = (uint32_t)starts;
	for (i = 0; i < starts; i++)
		a->axes[i] = n < 0 ? i : small(v[i]);
	/* No axes at all would mean all of them. */
	if (!starts)
		r->op = NPU_GRAPH_IDENTITY;
	r->in_count = 1;
}

static void op_pad(struct reader *r, struct npu_graph_attrs *a)
{
	const struct npu_graph_tensor *x = input(r, 0);
	int64_t v[2 * NPU_MAX_DIMS], which[NPU_MAX_DIMS];
	int n = get_ints(r, r->opset < 2 ? "paddings" : "pads", v, 2 * NPU_MAX_DIMS), k, i;

	if (n < 0)
		n = input_ints(r, 1, "pads", v, 2 * NPU_MAX_DIMS);
	k = input_ints(r, 3, "axes", which, NPU_MAX_DIMS);
	if (!x || n < 0 || n % 2 || n / 2 != (k < 0 ? (int)x->dims : k)) {
		reader_fail(r, "pads are not two a dimension");
		return;
	}
	for (i = 0; i < n / 2; i++) {
		int64_t d = k < 0 ? i : which[i] < 0 ? which[i] + (int64_t)x->dims : which[i];

		if (d < 0 || d >= x->dims) {
			reader_fail(r, "axes");
			return;
		}
		a->starts[d] = v[i];
		a->ends[d] = v[i + n / 2];
	}
	a->alpha = get_float(r, "value", 0);
	input_number(r, 2, "the value", &a->alpha);
	if (is_string(r, "mode", "edge", "constant"))
		a->mode = NPU_PAD_EDGE;
	else if (is_string(r, "mode", "reflect", "constant"))
		a->mode = NPU_PAD_REFLECT;
	else if (!is_string(r, "mode", "constant", "constant"))
		reader_fail(r, "this mode of padding");
	r->in_count = 1;
}

static void resize_scales(struct reader *r, struct npu_graph_attrs *a,
			  const struct npu_graph_tensor *x, unsigned int in)
{
	const struct npu_graph_tensor *s = input(r, in);
	uint32_t d;

	if (!s || !s->data || s->type != NPU_FP32 || s->dims != 1 || s->shape[0] != x->dims) {
		reader_fail(r, "the scales are not constant numbers, one a dimension: fix them "
			       "with --fix");
		return;
	}
	for (d = 0; d < x->dims; d++) {
		a->scale[d] = ((const float *)s->data)[d];
		if (!(a->scale[d] > 0) || a->scale[d] > 65536)
			reader_fail(r, "a scale out of range");
		else
			a->shape[d] = (int64_t)floor((double)x->shape[d] * (double)a->scale[d]);
	}
	a->dims = x->dims;
}

static void op_resize(struct reader *r, struct npu_graph_attrs *a)
{
	static const struct {
		const char *name;
		uint32_t value;
	} coords[] = { { "half_pixel", NPU_COORD_HALF_PIXEL },
		       { "pytorch_half_pixel", NPU_COORD_PYTORCH_HALF_PIXEL },
		       { "align_corners", NPU_COORD_ALIGN_CORNERS },
		       { "asymmetric", NPU_COORD_ASYMMETRIC },
		       { "tf_half_pixel_for_nn", NPU_COORD_TF_HALF_PIXEL_NN } },
	  rounds[] = { { "round_prefer_floor", NPU_NEAREST_ROUND_PREFER_FLOOR },
		       { "round_prefer_ceil", NPU_NEAREST_ROUND_PREFER_CEIL },
		       { "floor", NPU_NEAREST_FLOOR },
		       { "ceil", NPU_NEAREST_CEIL } };
	const struct npu_graph_tensor *x = input(r, 0), *sizes = input(r, 3);
	bool old = r->opset < 11 || !strcmp(r->node->op_type, "Upsample");
	unsigned int i, d;
	int n;

	if (!x)
		return;
	if (old && r->in_count > 1) {
		resize_scales(r, a, x, 1);
	} else if (sizes) {
		n = input_ints(r, 3, "the sizes", a->shape, NPU_MAX_DIMS);
		if (n != (int)x->dims)
			reader_fail(r, "not one size a dimension");
		a->dims = x->dims;
		for (d = 0; d < x->dims; d++)
			a->scale[d] = (float)a->shape[d] / (float)x->shape[d];
	} else if (input(r, 2)) {
		resize_scales(r, a, x, 2);
	} else {
		reader_fail(r, "neither scales nor sizes");
	}
	if (is_string(r, "mode", "linear", "nearest") ||
	    is_string(r, "mode", "bilinear", "nearest"))
		a->mode = NPU_RESIZE_LINEAR;
	else if (!is_string(r, "mode", "nearest", "nearest"))
		reader_fail(r, "interpolation other than nearest and linear");
	a->coordinates = a->rounding = UINT32_MAX;
	for (i = 0; i < sizeof(coords) / sizeof(coords[0]); i++)
		if (is_string(r, "coordinate_transformation_mode", coords[i].name,
			      old ? "asymmetric" : "half_pixel"))
			a->coordinates = coords[i].value;
	for (i = 0; i < sizeof(rounds) / sizeof(rounds[0]); i++)
		if (is_string(r, "nearest_mode", rounds[i].name,
			      old ? "floor" : "round_prefer_floor"))
			a->rounding = rounds[i].value;
	if (a->coordinates == UINT32_MAX)
		reader_fail(r, "this coordinate_transformation_mode");
	if (a->rounding == UINT32_MAX)
		reader_fail(r, "this nearest_mode");
	if (get_int(r, "antialias", 0) || find(r, "axes") ||
	    !is_string(r, "keep_aspect_ratio_policy", "stretch", "stretch"))
		reader_fail(r, "antialias, axes and keep_aspect_ratio_policy");
	r->in_count = 1;
}

static void set_constant(struct reader *r, uint32_t type, uint32_t dims, const uint32_t *shape,
			 const void *data)
{
	int id = npu_graph_constant(r->g, r->node->output[0], type, dims, shape, data);

	if (id < 0)
		reader_fail(r, "%s", npu_error());
	else
		reader_set(r, 0, id);
	r->done = true;
}

static void op_constant(struct reader *r, struct npu_graph_attrs *a)
{
	const Onnx__AttributeProto *v = find(r, "value"), *i = find(r, "value_int"),
				   *f = find(r, "value_float");
	const Onnx__AttributeProto *is = find(r, "value_ints"), *fs = find(r, "value_floats");
	uint32_t type, dims, shape[NPU_MAX_DIMS];
	const char *why = "";
	void *data;

	(void)a;
	if (v && v->t && reader_empty(v->t)) {
		reader_set(r, 0, READER_EMPTY);
		r->done = true;
	} else if (v && v->t) {
		data = reader_convert(v->t, &type, &dims, shape, &why);
		if (data)
			set_constant(r, type, dims, shape, data);
		else
			reader_fail(r, "%s", why);
		free(data);
	} else if (i) {
		set_constant(r, NPU_S64, 0, NULL, &i->i);
	} else if (f) {
		set_constant(r, NPU_FP32, 0, NULL, &f->f);
	} else if (is && is->n_ints && is->n_ints < INT_MAX) {
		shape[0] = (uint32_t)is->n_ints;
		set_constant(r, NPU_S64, 1, shape, is->ints);
	} else if (fs && fs->n_floats && fs->n_floats < INT_MAX) {
		shape[0] = (uint32_t)fs->n_floats;
		set_constant(r, NPU_FP32, 1, shape, fs->floats);
	} else {
		reader_fail(r, "a constant of this kind");
	}
}

static void op_shape(struct reader *r, struct npu_graph_attrs *a)
{
	const struct npu_graph_tensor *x = input(r, 0);
	int64_t v[NPU_MAX_DIMS], from = get_int(r, "start", 0),
				 to = get_int(r, "end", NPU_MAX_DIMS);
	uint32_t count;
	int64_t i;

	(void)a;
	if (!x)
		return;
	from = clamp(from < 0 ? from + x->dims : from, 0, x->dims);
	to = clamp(to < 0 ? to + x->dims : to, 0, x->dims);
	if (to <= from) {
		reader_fail(r, "an empty shape");
		return;
	}
	for (i = from; i < to; i++)
		v[i - from] = x->shape[i];
	count = (uint32_t)(to - from);
	set_constant(r, NPU_S64, 1, &count, v);
}

static void op_size(struct reader *r, struct npu_graph_attrs *a)
{
	const struct npu_graph_tensor *x = input(r, 0);
	int64_t n = x ? (int64_t)count_of(x) : 0;

	(void)a;
	if (x)
		set_constant(r, NPU_S64, 0, NULL, &n);
}

static void op_constant_of_shape(struct reader *r, struct npu_graph_attrs *a)
{
	const Onnx__AttributeProto *v = find(r, "value");
	uint32_t type = NPU_FP32, dims = 0, shape[NPU_MAX_DIMS], one[NPU_MAX_DIMS] = { 1 };
	int64_t size[NPU_MAX_DIMS];
	uint8_t zero[8] = { 0 };
	const char *why = "";
	void *data = NULL;
	int n = input_ints(r, 0, "the shape", size, NPU_MAX_DIMS), id;

	if (n < 0) {
		reader_fail(r, "no shape");
		return;
	}
	if (v && v->t)
		data = reader_convert(v->t, &type, &dims, shape, &why);
	if (v && v->t && (!data || dims > 1 || (dims && shape[0] != 1))) {
		reader_fail(r, "%s", data ? "more than one value" : why);
	} else {
		/* One value, expanded. */
		id = npu_graph_constant(r->g, NULL, type, 1, one, data ? data : zero);
		if (id < 0)
			reader_fail(r, "%s", npu_error());
		r->in[0] = id;
		r->in_count = 1;
		r->op = n ? NPU_GRAPH_EXPAND : NPU_GRAPH_RESHAPE;
		a->dims = (uint32_t)n;
		memcpy(a->shape, size, (size_t)n * sizeof(*size));
	}
	free(data);
}

static void op_none(struct reader *r, struct npu_graph_attrs *a)
{
	(void)r;
	(void)a;
}

static const struct operator
{
	const char *name;
	uint32_t op;
	handler *fn;
}
operators[] = {
	{ "Abs", NPU_GRAPH_ABS, op_none },
	{ "Add", NPU_GRAPH_ADD, op_binary },
	{ "AveragePool", NPU_GRAPH_AVERAGE_POOL, op_pool },
	{ "BatchNormalization", NPU_GRAPH_BATCH_NORM, op_epsilon },
	{ "Cast", NPU_GRAPH_CAST, op_cast },
	{ "Ceil", NPU_GRAPH_CEIL, op_none },
	{ "Clip", NPU_GRAPH_CLIP, op_clip },
	{ "Concat", NPU_GRAPH_CONCAT, op_axis_1 },
	{ "Constant", NPU_GRAPH_IDENTITY, op_constant },
	{ "ConstantOfShape", NPU_GRAPH_EXPAND, op_constant_of_shape },
	{ "Conv", NPU_GRAPH_CONV, op_window },
	{ "ConvInteger", NPU_GRAPH_CONV_INTEGER, op_window },
	{ "ConvTranspose", NPU_GRAPH_CONV_TRANSPOSE, op_conv_transpose },
	{ "DequantizeLinear", NPU_GRAPH_DEQUANTIZE, op_axis_1 },
	{ "Div", NPU_GRAPH_DIV, op_binary },
	{ "Dropout", NPU_GRAPH_IDENTITY, op_dropout },
	{ "DynamicQuantizeLinear", NPU_GRAPH_DYNAMIC_QUANTIZE, op_none },
	{ "Erf", NPU_GRAPH_ERF, op_none },
	{ "Exp", NPU_GRAPH_EXP, op_none },
	{ "Expand", NPU_GRAPH_EXPAND, op_expand },
	{ "Flatten", NPU_GRAPH_RESHAPE, op_flatten },
	{ "Floor", NPU_GRAPH_FLOOR, op_none },
	{ "Gather", NPU_GRAPH_GATHER, op_axis_0 },
	{ "Gelu", NPU_GRAPH_GELU, op_gelu },
	{ "Gemm", NPU_GRAPH_GEMM, op_gemm },
	{ "GlobalAveragePool", NPU_GRAPH_REDUCE_MEAN, op_global },
	{ "GlobalMaxPool", NPU_GRAPH_REDUCE_MAX, op_global },
	{ "HardSigmoid", NPU_GRAPH_HARD_SIGMOID, op_hard_sigmoid },
	{ "HardSwish", NPU_GRAPH_HARD_SWISH, op_none },
	{ "Identity", NPU_GRAPH_IDENTITY, op_none },
	{ "InstanceNormalization", NPU_GRAPH_INSTANCE_NORM, op_epsilon },
	{ "LayerNormalization", NPU_GRAPH_LAYER_NORM, op_layer_norm },
	{ "LeakyRelu", NPU_GRAPH_LEAKY_RELU, op_alpha_001 },
	{ "Log", NPU_GRAPH_LOG, op_none },
	{ "MatMul", NPU_GRAPH_MATMUL, op_none },
	{ "MatMulInteger", NPU_GRAPH_MATMUL_INTEGER, op_none },
	{ "Max", NPU_GRAPH_MAX, op_none },
	{ "MaxPool", NPU_GRAPH_MAX_POOL, op_pool },
	{ "Min", NPU_GRAPH_MIN, op_none },
	{ "Mul", NPU_GRAPH_MUL, op_binary },
	{ "Neg", NPU_GRAPH_NEG, op_none },
	{ "PRelu", NPU_GRAPH_PRELU, op_prelu },
	{ "Pad", NPU_GRAPH_PAD, op_pad },
	{ "Pow", NPU_GRAPH_POW, op_binary },
	{ "QLinearConv", NPU_GRAPH_QLINEAR_CONV, op_window },
	{ "QLinearMatMul", NPU_GRAPH_QLINEAR_MATMUL, op_none },
	{ "QuantizeLinear", NPU_GRAPH_QUANTIZE, op_axis_1 },
	{ "Reciprocal", NPU_GRAPH_RECIPROCAL, op_none },
	{ "ReduceMax", NPU_GRAPH_REDUCE_MAX, op_reduce },
	{ "ReduceMean", NPU_GRAPH_REDUCE_MEAN, op_reduce },
	{ "ReduceMin", NPU_GRAPH_REDUCE_MIN, op_reduce },
	{ "ReduceSum", NPU_GRAPH_REDUCE_SUM, op_reduce },
	{ "Relu", NPU_GRAPH_RELU, op_none },
	{ "Reshape", NPU_GRAPH_RESHAPE, op_reshape },
	{ "Resize", NPU_GRAPH_RESIZE, op_resize },
	{ "Round", NPU_GRAPH_ROUND, op_none },
	{ "Shape", NPU_GRAPH_IDENTITY, op_shape },
	{ "Sigmoid", NPU_GRAPH_SIGMOID, op_none },
	{ "Size", NPU_GRAPH_IDENTITY, op_size },
	{ "Slice", NPU_GRAPH_SLICE, op_slice },
	{ "Softmax", NPU_GRAPH_SOFTMAX, op_softmax },
	{ "Split", NPU_GRAPH_SPLIT, op_split },
	{ "Sqrt", NPU_GRAPH_SQRT, op_none },
	{ "Squeeze", NPU_GRAPH_RESHAPE, op_squeeze },
	{ "Sub", NPU_GRAPH_SUB, op_binary },
	{ "Sum", NPU_GRAPH_IDENTITY, op_sum },
	{ "Tanh", NPU_GRAPH_TANH, op_none },
	{ "Transpose", NPU_GRAPH_TRANSPOSE, op_transpose },
	{ "Unsqueeze", NPU_GRAPH_RESHAPE, op_unsqueeze },
	{ "Upsample", NPU_GRAPH_RESIZE, op_resize },
};

bool reader_operator(struct reader *r, struct npu_graph_attrs *a)
{
	size_t i;

	for (i = 0; i < sizeof(operators) / sizeof(operators[0]); i++) {
		if (strcmp(operators[i].name, r->node->op_type))
			continue;
		r->op = operators[i].op;
		if (a)
			operators[i].fn(r, a);
		return true;
	}
	return false;
}
