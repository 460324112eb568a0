// SPDX-License-Identifier: MIT
/*
 * Copyright (c) 2026 the npu authors
 *
 * Products made plain, still in floats: constants that are added behind one become its bias, a
 * BatchNormalization behind one its weights, Gemm's alpha, beta and transB its constants. A product
 * of matrices with a bias is a Gemm. So quantising need know nothing of these, and nothing is left to
 * be done with results that weights could have done.
 *
 * Only what nothing else reads is folded, and only where all constants that come of it are numbers of
 * their types: a gain may be more than weights can take. Constants are computed in double and rounded
 * once.
 */
#include <errno.h>
#include <float.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "fold.h"
#include "quant.h"
#include "rewrite.h"

/* A product being made plain: weights [channels] first (Conv) or last. */
struct product {
	struct npu_graph_node_info n;
	uint32_t channels, channel_axis; /* axis of the result */
	uint32_t dims, shape[NPU_MAX_DIMS]; /* of the weights */
	uint64_t count;
	double *w, *b;
	double beyond; /* weights are smaller than this */
	double least; /* and the largest of a channel, if it is not 0, is no smaller than that */
	bool bias, changed;
	int out; /* of the old graph */
};

static const float *floats(const struct rewrite *r, int tensor)
{
	const struct npu_graph_tensor *t = tensor < 0 ? NULL : npu_graph_tensor(r->from, tensor);

	return t && t->type == NPU_FP32 ? t->data : NULL;
}

/* Is a constant one value a channel of the result, or one for all? */
static bool per_channel(const struct product *p, const struct npu_graph_tensor *t, uint32_t dims)
{
	uint64_t count = graph_count(t);
	uint32_t d;

	if (count == 1)
		return true;
	if (count != p->channels || t->dims > dims)
		return false;
	for (d = 0; d < t->dims; d++)
		if (t->shape[d] != 1 && dims - t->dims + d != p->channel_axis)
			return false;
	return true;
}

/* Neither holds for NaN. */
static bool is_weight(const struct product *p, double v)
{
	return fabs((double)(float)v) < p->beyond;
}

/*
 * @most: of a channel's weights, without their signs. From p->least on, what the type's denormals lose of the
 * small ones is no more than rounding takes from the largest.
 */
static bool is_channel(const struct product *p, double most)
{
	return most == 0 || most >= p->least;
}

static bool is_bias(double v)
{
	return fabs(v) <= (double)FLT_MAX;
}

static bool add_bias(struct product *p, const float *v, uint64_t count, double factor)
{
	uint32_t c;

	for (c = 0; c < p->channels; c++)
		if (!is_bias(p->b[c] + factor * (double)v[count == 1 ? 0 : c]))
			return false;
	for (c = 0; c < p->channels; c++)
		p->b[c] += factor * (double)v[count == 1 ? 0 : c];
	p->bias = true;
	return true;
}

/* ---- What may be taken in -------------------------------------------------------------------- */

static bool take_add(const struct rewrite *r, struct product *p,
		     const struct npu_graph_node_info *next)
{
	int other = next->in[next->in[0] == p->out];
	const struct npu_graph_tensor *t = npu_graph_tensor(r->from, other),
				      *y = npu_graph_tensor(r->from, next->out[0]);

	if (!floats(r, other) || !per_channel(p, t, y->dims) || t->dims > y->dims ||
	    npu_graph_tensor(r->from, p->out)->dims != y->dims)
		return false;
	return add_bias(p, t->data, graph_count(t), 1);
}

/* @v: scale, offset, mean, variance. */
static double norm_gain(const float *const v[4], double epsilon, uint32_t c)
{
	return (double)v[0][c] / sqrt((double)v[3][c] + epsilon);
}

static double norm_bias(const float *const v[4], double gain, double bias, uint32_t c)
{
	return (bias - (double)v[2][c]) * gain + (double)v[1][c];
}

static bool take_norm(const struct rewrite *r, struct product *p,
		      const struct npu_graph_node_info *next)
{
	double epsilon = (double)next->attrs.epsilon, gain, most;
	uint64_t per = p->count / p->channels, i;
	const float *v[4];
	uint32_t c;

	if (next->in[0] != p->out || next->in_count != 5 || p->n.op != NPU_GRAPH_CONV)
		return false;
	for (i = 0; i < 4; i++) {
		v[i] = floats(r, next->in[i + 1]);
		if (!v[i])
			return false;
	}
	for (c = 0; c < p->channels; c++) {
		gain = norm_gain(v, epsilon, c);
		if (!is_bias(norm_bias(v, gain, p->b[c], c)))
			return false;
		most = 0;
		for (i = c * per; i < (c + 1) * per; i++) {
			if (!is_weight(p, p->w[i] * gain))
				return false;
			most = fmax(most, fabs(p->w[i] * gain));
		}
		if (!is_channel(p, most))
			return false;
	}
	for (c = 0; c < p->channels; c++) {
		gain = norm_gain(v, epsilon, c);
		p->b[c] = norm_bias(v, gain, p->b[c], c);
		for (i = c * per; i < (c + 1) * per; i++)
			p->w[i] *= gain;
	}
	p->bias = true;
	return true;
}

/* The nodes behind that vanish in the product; @gone marks them. */
static void take_followers(const struct rewrite *r, struct product *p, bool *gone)
{
	struct npu_graph_node_info next;

	while (r->consumers[p->out] == 1 && r->reader[p->out] >= 0) {
		unsigned int i = (unsigned int)r->reader[p->out];
		bool taken = false;

		if (npu_graph_get_node(r->from, i, &next))
			return;
		if (next.op == NPU_GRAPH_ADD)
			taken = take_add(r, p, &next);
		else if (next.op == NPU_GRAPH_BATCH_NORM)
			taken = take_norm(r, p, &next);
		if (!taken)
			return;
		gone[i] = true;
		p->changed = true;
		p->out = next.out[0];
	}
}

/* ---- A product ------------------------------------------------------------------------------- */

/* Weights as [k][n]; alpha and beta are 1 from here on. */
static bool open_gemm(const struct rewrite *r, struct product *p)
{
	const struct npu_graph_tensor *w = npu_graph_tensor(r->from, p->n.in[1]), *c = NULL;
	const float *v = w->data;
	uint64_t i, col;

	if (p->n.in_count > 2 && p->n.in[2] >= 0)
		c = npu_graph_tensor(r->from, p->n.in[2]);
	if (c && (!floats(r, p->n.in[2]) || !per_channel(p, c, 2)))
		return false;
	p->shape[0] = w->shape[p->n.attrs.trans_b ? 1 : 0];
	p->shape[1] = p->channels;
	for (i = 0; i < p->count; i++) {
		uint64_t row = i / p->channels;

		col = i % p->channels;
		p->w[i] = (double)p->n.attrs.alpha *
			  (double)v[p->n.attrs.trans_b ? col * p->shape[0] + row : i];
		if (!is_weight(p, p->w[i]))
			return false;
	}
	for (col = 0; col < p->channels; col++) {
		double most = 0;

		for (i = col; i < p->count; i += p->channels)
			most = fmax(most, fabs(p->w[i]));
		if (!is_channel(p, most))
			return false;
	}
	if (c && !add_bias(p, c->data, graph_count(c), (double)p->n.attrs.beta))
		return false;
	p->changed = p->n.attrs.trans_b || p->n.attrs.alpha != 1 ||
		     (c && (p->n.attrs.beta != 1 || c->dims != 1 || c->shape[0] != p->channels));
	p->n.attrs.trans_b = 0;
	p->n.attrs.alpha = p->n.attrs.beta = 1;
	return true;
}

static bool open_conv(const struct rewrite *r, struct product *p)
{
	const float *v = floats(r, p->n.in[1]), *b = NULL;
	uint64_t i;

	for (i = 0; i < p->count; i++)
		p->w[i] = (double)v[i];
	if (p->n.in_count > 2 && p->n.in[2] >= 0) {
		b = floats(r, p->n.in[2]);
		return b && add_bias(p, b, p->channels, 1);
	}
	return true;
}

static bool open_matmul(const struct rewrite *r, struct product *p)
{
	const float *v = floats(r, p->n.in[1]);
	uint64_t i;

	if (p->dims != 2 || npu_graph_tensor(r->from, p->n.in[0])->dims != 2)
		return false;
	for (i = 0; i < p->count; i++)
		p->w[i] = (double)v[i];
	return true;
}

/* Weights and bias as numbers; false: not one of those that are made plain. */
static bool open_product(const struct rewrite *r, struct product *p)
{
	const struct npu_graph_tensor *w, *y = npu_graph_tensor(r->from, p->n.out[0]);
	bool conv = p->n.op == NPU_GRAPH_CONV;

	if ((!conv && p->n.op != NPU_GRAPH_GEMM && p->n.op != NPU_GRAPH_MATMUL) ||
	    !floats(r, p->n.in[1]) || npu_graph_tensor(r->from, p->n.in[0])->data)
		return false;
	w = npu_graph_tensor(r->from, p->n.in[1]);
	p->out = p->n.out[0];
	p->count = graph_count(w);
	p->dims = w->dims;
	memcpy(p->shape, w->shape, sizeof(p->shape));
	p->channel_axis = conv || !y->dims ? 1 : y->dims - 1;
	p->channels = conv ? w->shape[0] : y->dims ? y->shape[y->dims - 1] : 1;
	p->w = malloc(p->count * sizeof(*p->w));
	p->b = calloc(p->channels, sizeof(*p->b));
	if (!p->w || !p->b)
		return false;
	return conv			 ? open_conv(r, p) :
	       p->n.op == NPU_GRAPH_GEMM ? open_gemm(r, p) :
					   open_matmul(r, p);
}

static int constant(struct rewrite *r, uint32_t dims, const uint32_t *shape, const double *v,
		    uint64_t count)
{
	float *f = malloc(count * sizeof(*f));
	uint64_t i;
	int id;

	if (!f)
		return -ENOMEM;
	for (i = 0; i < count; i++)
		f[i] = (float)v[i];
	id = npu_graph_constant(r->to, NULL, NPU_FP32, dims, shape, f);
	free(f);
	return id;
}

static int emit(struct rewrite *r, struct product *p)
{
	uint32_t op = p->n.op == NPU_GRAPH_MATMUL ? NPU_GRAPH_GEMM : p->n.op;
	int in[3], out, ret;
	unsigned int i;

	if (p->n.op == NPU_GRAPH_MATMUL)
		p->n.attrs = (struct npu_graph_attrs){ .alpha = 1, .beta = 1 };
	in[0] = rewrite_tensor(r, p->n.in[0]);
	in[1] = constant(r, p->dims, p->shape, p->w, p->count);
	in[2] = p->bias ? constant(r, 1, &p->channels, p->b, p->channels) : 0;
	for (i = 0; i < 3; i++)
		if (in[i] < 0)
			return in[i];
	ret = npu_graph_node(r->to, op, p->n.name, &p->n.attrs, in, p->bias ? 3 : 2, &out, 1);
	if (!ret)
		r->map[p->out] = out;
	return ret;
}

static int fold_node(struct rewrite *r, unsigned int i, uint32_t float_type, bool *gone)
{
	/* What rounds to the largest number is one. */
	struct product p = { .beyond = float_type == NPU_FP16 ? 65520 : 0x1.ffp127,
			     .least = float_type == NPU_FP16 ? 0x1p-13 : 0x1p-125 };
	int ret;

	npu_graph_get_node(r->from, i, &p.n);
	if (open_product(r, &p))
		take_followers(r, &p, gone);
	else
		p.changed = false;
	/* What is plain already keeps the very constants that it has. */
	ret = p.changed ? emit(r, &p) : rewrite_node(r, &p.n);
	free(p.w);
	free(p.b);
	return ret;
}

int fold_products(const struct npu_graph *g, uint32_t float_type, struct npu_graph **folded)
{
	struct npu_graph_node_info n;
	struct rewrite r;
	unsigned int nodes, i;
	bool *gone;
	int ret;

	for (nodes = 0; !npu_graph_get_node(g, nodes, &n); nodes++)
		;
	gone = calloc(nodes + 1, sizeof(*gone));
	ret = rewrite_begin(&r, g);
	if (!ret && !gone)
		ret = -ENOMEM;
	if (!ret)
		ret = rewrite_inputs(&r);
	for (i = 0; i < nodes && !ret; i++)
		if (!gone[i])
			ret = fold_node(&r, i, float_type, gone);
	if (!ret)
		ret = rewrite_outputs(&r);
	*folded = r.to;
	rewrite_end(&r);
	free(gone);
	return ret;
}
