// SPDX-License-Identifier: MIT
/*
 * Copyright (c) 2026 the npu authors
 *
 * Convolutions, pools and resizing: what a window needs to know.
 */
#include <math.h>
#include <string.h>

#include "node.h"

static uint32_t field(int64_t v)
{
	return v < 0 ? UINT32_MAX : (uint32_t)node_clamp(v, 0, UINT32_MAX);
}

/* kernel_shape, strides, dilations, pads, auto_pad of one or two dimensions. */
void op_window(struct reader *r, struct npu_graph_attrs *a)
{
	static const char *const names[] = { "kernel_shape", "strides", "dilations" };
	uint32_t *to[] = { a->kernel, a->stride, a->dilation };
	const struct npu_graph_tensor *x = node_input(r, 0);
	int dims = x ? (int)x->dims - 2 : 0, n, i, k;
	int64_t v[4];

	if (dims < 1 || dims > 2) {
		reader_fail(r, "%d spatial dimensions; 1 and 2 are supported", dims);
		return;
	}
	a->window_dims = (uint32_t)dims;
	for (k = 0; k < 3; k++) {
		n = node_ints(r, names[k], v, 2);
		if (n >= 0 && n != dims)
			reader_fail(r, "%s has %d entries for %d dimensions", names[k], n, dims);
		for (i = 0; i < n; i++)
			to[k][i] = field(v[i] > 0 ? v[i] : -1);
	}
	n = node_ints(r, "pads", v, 4);
	if (n >= 0 && n != 2 * dims)
		reader_fail(r, "pads has %d entries for %d dimensions", n, dims);
	for (i = 0; i < n / 2 && n > 0; i++) {
		a->pad_lo[i] = field(v[i]);
		a->pad_hi[i] = field(v[i + dims]);
	}
	a->auto_pad = node_is_string(r, "auto_pad", "SAME_UPPER", "NOTSET") ? NPU_PAD_SAME_UPPER :
		      node_is_string(r, "auto_pad", "SAME_LOWER", "NOTSET") ? NPU_PAD_SAME_LOWER :
		      node_is_string(r, "auto_pad", "VALID", "NOTSET")	    ? NPU_PAD_VALID :
									      NPU_PAD_EXPLICIT;
	a->groups = field(node_int(r, "group", 1));
}

void op_conv_transpose(struct reader *r, struct npu_graph_attrs *a)
{
	int64_t v[2];
	int n, i;

	op_window(r, a);
	n = node_ints(r, "output_padding", v, 2);
	for (i = 0; i < n; i++)
		a->out_pad[i] = field(v[i]);
	n = node_ints(r, "output_shape", v, 2);
	for (i = 0; i < n; i++)
		a->shape[i] = v[i] > 0 ? v[i] : -1;
	if (n >= 0 && n != (int)a->window_dims)
		reader_fail(r, "output_shape has %d entries", n);
	a->dims = n < 0 ? 0 : (uint32_t)n;
}

void op_pool(struct reader *r, struct npu_graph_attrs *a)
{
	op_window(r, a);
	a->groups = 0;
	a->ceil_mode = node_int(r, "ceil_mode", 0) != 0;
	a->count_pad = node_int(r, "count_include_pad", 0) != 0;
	if (!a->kernel[0])
		reader_fail(r, "no kernel_shape");
}

static void resize_scales(struct reader *r, struct npu_graph_attrs *a,
			  const struct npu_graph_tensor *x, unsigned int in)
{
	const struct npu_graph_tensor *s = node_input(r, in);
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

void op_resize(struct reader *r, struct npu_graph_attrs *a)
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
	const struct npu_graph_tensor *x = node_input(r, 0), *sizes = node_input(r, 3);
	bool old = r->opset < 11 || !strcmp(r->node->op_type, "Upsample");
	unsigned int i, d;
	int n;

	if (!x)
		return;
	if (old && r->in_count > 1) {
		resize_scales(r, a, x, 1);
	} else if (sizes) {
		n = node_input_ints(r, 3, "the sizes", a->shape, NPU_MAX_DIMS);
		if (n != (int)x->dims)
			reader_fail(r, "not one size a dimension");
		a->dims = x->dims;
		for (d = 0; d < x->dims; d++)
			a->scale[d] = (float)a->shape[d] / (float)x->shape[d];
	} else if (node_input(r, 2)) {
		resize_scales(r, a, x, 2);
	} else {
		reader_fail(r, "neither scales nor sizes");
	}
	if (node_is_string(r, "mode", "linear", "nearest") ||
	    node_is_string(r, "mode", "bilinear", "nearest"))
		a->mode = NPU_RESIZE_LINEAR;
	else if (!node_is_string(r, "mode", "nearest", "nearest"))
		reader_fail(r, "interpolation other than nearest and linear");
	a->coordinates = a->rounding = UINT32_MAX;
	for (i = 0; i < sizeof(coords) / sizeof(coords[0]); i++)
		if (node_is_string(r, "coordinate_transformation_mode", coords[i].name,
				   old ? "asymmetric" : "half_pixel"))
			a->coordinates = coords[i].value;
	for (i = 0; i < sizeof(rounds) / sizeof(rounds[0]); i++)
		if (node_is_string(r, "nearest_mode", rounds[i].name,
				   old ? "floor" : "round_prefer_floor"))
			a->rounding = rounds[i].value;
	if (a->coordinates == UINT32_MAX)
		reader_fail(r, "this coordinate_transformation_mode");
	if (a->rounding == UINT32_MAX)
		reader_fail(r, "this nearest_mode");
	if (node_int(r, "antialias", 0) || node_attr(r, "axes") ||
	    !node_is_string(r, "keep_aspect_ratio_policy", "stretch", "stretch"))
		reader_fail(r, "antialias, axes and keep_aspect_ratio_policy");
	r->in_count = 1;
}
