// SPDX-License-Identifier: MIT
/*
 * Copyright (c) 2026 the npu authors
 *
 * What products and windows take and make.
 */
#include <errno.h>
#include <string.h>

#include "hal/error.h"

#include "infer.h"

/* Windows, strides, ...: the limits of commands, and of sense. */
#define MAX_WINDOW 4096u
#define MAX_FIELD  32767u

/* ---- Products -------------------------------------------------------------------------------- */

static int matmul_shape(const struct npu_graph_tensor *a, const struct npu_graph_tensor *b,
			struct npu_graph_shape *out)
{
	uint32_t m = a->dims > 1 ? a->shape[a->dims - 2] : 0,
		 k = a->dims ? a->shape[a->dims - 1] : 0;
	uint32_t n = b->dims > 1 ? b->shape[b->dims - 1] : 0;
	uint32_t kb = b->dims > 1 ? b->shape[b->dims - 2] : b->dims ? b->shape[0] : 0;

	if (!k || k != kb)
		return npu_fail(-EINVAL, "a has %u columns, b has %u rows", k, kb);
	out->dims = a->dims > 2 ? a->dims - 2 : 0;
	memcpy(out->shape, a->shape, out->dims * sizeof(*out->shape));
	if (b->dims > 2 && npu_infer_broadcast(out, b->dims - 2, b->shape))
		return -EINVAL;
	if (out->dims + 2 > NPU_MAX_DIMS)
		return npu_fail(-EINVAL, "too many dimensions");
	if (a->dims > 1)
		out->shape[out->dims++] = m;
	if (b->dims > 1)
		out->shape[out->dims++] = n;
	return 0;
}

static bool is_byte(uint32_t type)
{
	return type == NPU_S8 || type == NPU_U8;
}

/*
 * A zero point, input @i, of an operand of @type: one value, or one for each of @many rows or
 * columns.
 */
static int check_zero(const struct npu_graph *g, const struct npu_graph_node *n, unsigned int i,
		      uint32_t type, uint32_t many)
{
	const struct npu_graph_tensor *t = npu_graph_in(g, n, i);
	uint64_t count = t ? npu_graph_count(t->dims, t->shape) : 1;
	uint32_t d;

	if (t && t->type != type)
		return npu_fail(-EINVAL, "the zero point, input %u, is not of its tensor's type",
				i);
	if (count == 1)
		return 0;
	for (d = 0; d < t->dims && t->shape[d] != many; d++)
		;
	if (count != many || d == t->dims)
		return npu_fail(-EINVAL, "%llu zero points, input %u; 1 or %u can be",
				(unsigned long long)count, i, many);
	return 0;
}

int npu_infer_gemm(const struct npu_graph *g, struct npu_graph_node *n, struct npu_graph_shape *out)
{
	const struct npu_graph_tensor *a, *b, *c;
	struct npu_graph_shape both;
	int ret = npu_infer_need(g, n, 2, 3);

	if (ret)
		return ret;
	a = npu_graph_in(g, n, 0);
	b = npu_graph_in(g, n, 1);
	c = npu_graph_in(g, n, 2);
	if (a->dims != 2 || b->dims != 2 || a->type != b->type || !npu_graph_is_float(a->type))
		return npu_fail(-EINVAL, "a and b are not two float matrices");
	if (a->shape[!n->a.trans_a] != b->shape[n->a.trans_b])
		return npu_fail(-EINVAL, "a has %u columns, b has %u rows", a->shape[!n->a.trans_a],
				b->shape[n->a.trans_b]);
	out->type = a->type;
	out->dims = 2;
	out->shape[0] = a->shape[n->a.trans_a];
	out->shape[1] = b->shape[!n->a.trans_b];
	both = *out;
	if (c && (c->type != a->type || npu_infer_broadcast(&both, c->dims, c->shape) ||
		  both.dims != 2 || memcmp(both.shape, out->shape, 2 * sizeof(*both.shape))))
		return npu_fail(-EINVAL, "c does not broadcast to the product");
	return 0;
}

int npu_infer_matmul(const struct npu_graph *g, struct npu_graph_node *n,
		     struct npu_graph_shape *out)
{
	const struct npu_graph_tensor *a, *b;
	bool qlinear = n->op == NPU_GRAPH_QLINEAR_MATMUL;
	int ret = qlinear		    ? npu_infer_need(g, n, 8, 8) :
		  n->op == NPU_GRAPH_MATMUL ? npu_infer_need(g, n, 2, 2) :
					      npu_infer_need(g, n, 2, 4);

	if (ret)
		return ret;
	a = npu_graph_in(g, n, 0);
	b = npu_graph_in(g, n, qlinear ? 3 : 1);
	ret = matmul_shape(a, b, out);
	if (ret)
		return ret;
	if (n->op == NPU_GRAPH_MATMUL) {
		if (!npu_graph_is_float(a->type) || a->type != b->type)
			return npu_fail(-EINVAL, "a and b are not float tensors of one type");
		out->type = a->type;
		return 0;
	}
	if (!is_byte(a->type) || !is_byte(b->type))
		return npu_fail(-EINVAL, "a and b are not int8 or uint8");
	out->type = qlinear ? npu_graph_in(g, n, 7)->type : NPU_S32;
	if (qlinear && !is_byte(out->type))
		return npu_fail(-EINVAL, "y's zero point is not int8 or uint8");
	ret = check_zero(g, n, 2, a->type, a->dims > 1 ? a->shape[a->dims - 2] : 1);
	if (!ret)
		ret = check_zero(g, n, qlinear ? 5 : 3, b->type,
				 b->dims > 1 ? b->shape[b->dims - 1] : 1);
	return ret;
}

/* ---- Windows --------------------------------------------------------------------------------- */

static int one_window(const struct npu_graph_node *n, unsigned int i, bool transposed,
		      struct npu_graph_window *w)
{
	const struct npu_graph_attrs *a = &n->a;
	/* Entry of the attributes; those of one dimension fill the second. */
	unsigned int e = i - (2 - a->window_dims);
	bool there = i >= 2 - a->window_dims;
	uint64_t span, all, pad;

	w->stride[i] = there && a->stride[e] ? a->stride[e] : 1;
	w->dilation[i] = there && a->dilation[e] ? a->dilation[e] : 1;
	w->pad_lo[i] = there ? a->pad_lo[e] : 0;
	w->pad_hi[i] = there ? a->pad_hi[e] : 0;
	if (!w->kernel[i] || w->kernel[i] > MAX_WINDOW || w->stride[i] > MAX_FIELD ||
	    w->dilation[i] > MAX_FIELD || w->pad_lo[i] > MAX_FIELD || w->pad_hi[i] > MAX_FIELD ||
	    (there && a->out_pad[e] > MAX_FIELD))
		return npu_fail(-EINVAL, "kernel 1 to %u, strides, dilations and padding up to %u",
				MAX_WINDOW, MAX_FIELD);
	span = (uint64_t)w->dilation[i] * (w->kernel[i] - 1) + 1;
	if (transposed) {
		uint64_t full = (uint64_t)w->stride[i] * (w->in[i] - 1) + span +
				(there ? a->out_pad[e] : 0);

		if (there && a->dims) {
			/* The output's size is given: padding is what makes it so. */
			uint64_t want = (uint64_t)a->shape[e];

			pad = full > want ? full - want : 0;
			w->pad_lo[i] = a->auto_pad == NPU_PAD_SAME_UPPER ? pad / 2 : pad - pad / 2;
			w->pad_hi[i] = pad - w->pad_lo[i];
			w->out[i] = want;
			return want && want <= INT32_MAX && pad <= MAX_FIELD ?
				       0 :
				       npu_fail(-EINVAL, "output_shape");
		}
		if (a->auto_pad == NPU_PAD_SAME_UPPER || a->auto_pad == NPU_PAD_SAME_LOWER) {
			uint64_t want = (uint64_t)w->in[i] * w->stride[i];

			pad = full > want ? full - want : 0;
			w->pad_lo[i] = a->auto_pad == NPU_PAD_SAME_UPPER ? pad / 2 : pad - pad / 2;
			w->pad_hi[i] = pad - w->pad_lo[i];
			w->out[i] = want;
			return pad <= MAX_FIELD && want <= INT32_MAX ?
				       0 :
				       npu_fail(-EINVAL, "too large");
		}
		if (full <= (uint64_t)w->pad_lo[i] + w->pad_hi[i] || full > INT32_MAX)
			return npu_fail(-EINVAL, "nothing is left of the output");
		w->out[i] = full - w->pad_lo[i] - w->pad_hi[i];
		return 0;
	}
	if (a->auto_pad == NPU_PAD_SAME_UPPER || a->auto_pad == NPU_PAD_SAME_LOWER) {
		w->out[i] = (w->in[i] + w->stride[i] - 1) / w->stride[i];
		all = (uint64_t)(w->out[i] - 1) * w->stride[i] + span;
		pad = all > w->in[i] ? all - w->in[i] : 0;
		if (pad > MAX_FIELD)
			return npu_fail(-EINVAL, "padding above %u", MAX_FIELD);
		w->pad_lo[i] = a->auto_pad == NPU_PAD_SAME_UPPER ? pad / 2 : pad - pad / 2;
		w->pad_hi[i] = pad - w->pad_lo[i];
		return 0;
	}
	if (a->auto_pad == NPU_PAD_VALID)
		w->pad_lo[i] = w->pad_hi[i] = 0;
	all = (uint64_t)w->in[i] + w->pad_lo[i] + w->pad_hi[i];
	if (span > all)
		return npu_fail(-EINVAL, "the window is larger than the padded input");
	w->out[i] = (all - span) / w->stride[i] + 1;
	if (a->ceil_mode && (all - span) % w->stride[i] &&
	    (uint64_t)w->out[i] * w->stride[i] < (uint64_t)w->in[i] + w->pad_lo[i])
		w->out[i]++;
	return 0;
}

static bool is_pool(uint32_t op)
{
	return op == NPU_GRAPH_MAX_POOL || op == NPU_GRAPH_AVERAGE_POOL;
}

int npu_graph_window(const struct npu_graph *g, const struct npu_graph_node *n,
		     struct npu_graph_window *w)
{
	const struct npu_graph_tensor *x = npu_graph_in(g, n, 0), *k;
	unsigned int dims = x->dims - 2, i;
	int ret = 0;

	memset(w, 0, sizeof(*w));
	k = is_pool(n->op) ? NULL : npu_graph_in(g, n, n->op == NPU_GRAPH_QLINEAR_CONV ? 3 : 1);
	for (i = 0; i < 2 && !ret; i++) {
		bool there = i >= 2 - dims;
		unsigned int e = i - (2 - dims);

		w->in[i] = there ? x->shape[2 + e] : 1;
		w->kernel[i] = !there ? 1 : k ? k->shape[2 + e] : n->a.kernel[e];
		ret = one_window(n, i, n->op == NPU_GRAPH_CONV_TRANSPOSE, w);
	}
	return ret;
}

static int window_dims(struct npu_graph_node *n, const struct npu_graph_tensor *x)
{
	if (x->dims != 3 && x->dims != 4)
		return npu_fail(-ENOTSUP, "%u spatial dimensions; 1 and 2 are supported",
				x->dims - 2);
	if (n->a.window_dims && n->a.window_dims != x->dims - 2)
		return npu_fail(-EINVAL, "window attributes of %u dimensions for a tensor of %u",
				n->a.window_dims, x->dims - 2);
	n->a.window_dims = x->dims - 2;
	return 0;
}

int npu_infer_conv(const struct npu_graph *g, struct npu_graph_node *n, struct npu_graph_shape *out)
{
	bool qlinear = n->op == NPU_GRAPH_QLINEAR_CONV,
	     transposed = n->op == NPU_GRAPH_CONV_TRANSPOSE;
	const struct npu_graph_tensor *x, *k, *b = NULL;
	struct npu_graph_window w;
	uint32_t groups, out_c, i;
	int ret = qlinear ? npu_infer_need(g, n, 8, 9) :
			    npu_infer_need(g, n, 2, n->op == NPU_GRAPH_CONV_INTEGER ? 4 : 3);

	if (ret)
		return ret;
	x = npu_graph_in(g, n, 0);
	k = npu_graph_in(g, n, qlinear ? 3 : 1);
	if (qlinear)
		b = npu_graph_in(g, n, 8);
	else if (n->op != NPU_GRAPH_CONV_INTEGER)
		b = npu_graph_in(g, n, 2);
	ret = window_dims(n, x);
	if (ret)
		return ret;
	if (!n->a.groups)
		n->a.groups = 1;
	groups = n->a.groups;
	if (k->dims != x->dims)
		return npu_fail(-EINVAL, "weights of %u dimensions for an input of %u", k->dims,
				x->dims);
	out_c = transposed ? k->shape[1] : k->shape[0];
	if (transposed && out_c > INT32_MAX / groups)
		return npu_fail(-EINVAL, "too many channels");
	if (transposed)
		out_c *= groups;
	if (x->shape[1] % groups || out_c % groups ||
	    (transposed ? k->shape[0] != x->shape[1] : k->shape[1] != x->shape[1] / groups))
		return npu_fail(-EINVAL, "channels %u, groups %u, weights %u x %u", x->shape[1],
				groups, k->shape[0], k->shape[1]);
	for (i = 0; i < n->a.window_dims; i++)
		if (n->a.kernel[i] && n->a.kernel[i] != k->shape[2 + i])
			return npu_fail(-EINVAL, "kernel_shape is not the weights'");
	if (b && (b->dims != 1 || b->shape[0] != out_c))
		return npu_fail(-EINVAL, "the bias is not one value a channel");
	if (qlinear || n->op == NPU_GRAPH_CONV_INTEGER) {
		if (!is_byte(x->type) || !is_byte(k->type))
			return npu_fail(-EINVAL, "input and weights are not int8 or uint8");
		if (b && b->type != NPU_S32)
			return npu_fail(-EINVAL, "the bias is not int32");
		out->type = qlinear ? npu_graph_in(g, n, 7)->type : NPU_S32;
		if (qlinear && !is_byte(out->type))
			return npu_fail(-EINVAL, "y's zero point is not int8 or uint8");
		ret = check_zero(g, n, 2, x->type, 1);
		if (!ret)
			ret = check_zero(g, n, qlinear ? 5 : 3, k->type, out_c);
		if (ret)
			return ret;
	} else {
		if (!npu_graph_is_float(x->type) || k->type != x->type || (b && b->type != x->type))
			return npu_fail(-EINVAL,
					"input, weights and bias are not of one float type");
		out->type = x->type;
	}
	ret = npu_graph_window(g, n, &w);
	if (ret)
		return ret;
	out->dims = x->dims;
	out->shape[0] = x->shape[0];
	out->shape[1] = out_c;
	for (i = 0; i < n->a.window_dims; i++)
		out->shape[2 + i] = w.out[2 - n->a.window_dims + i];
	return 0;
}

int npu_infer_pool(const struct npu_graph *g, struct npu_graph_node *n, struct npu_graph_shape *out)
{
	const struct npu_graph_tensor *x;
	struct npu_graph_window w;
	uint32_t i;
	int ret = npu_infer_need(g, n, 1, 1);

	if (ret)
		return ret;
	if (n->out_count != 1)
		return npu_fail(-ENOTSUP, "the output of indices");
	x = npu_graph_in(g, n, 0);
	ret = window_dims(n, x);
	if (!ret)
		ret = npu_graph_window(g, n, &w);
	if (ret)
		return ret;
	npu_infer_same(x, out);
	for (i = 0; i < n->a.window_dims; i++)
		out->shape[2 + i] = w.out[2 - n->a.window_dims + i];
	return 0;
}
