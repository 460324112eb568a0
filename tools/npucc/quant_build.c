// SPDX-License-Identifier: MIT
/*
 * Copyright (c) 2026 the npu authors
 *
 * The network again, with QuantizeLinear and DequantizeLinear where the plan says so. A product reads
 * what DequantizeLinear makes of integers, which the compiler does in integers (docs/graph.md); what
 * is made of an integer tensor's floats is quantised at once and read by nobody else, so that it ends
 * in the same step.
 *
 * Weights are symmetric, with a scale an output channel: the largest of them is 127. The bias is int32
 * of the sums' scale; where a channel's weights are so small that it would not fit, the scale is
 * larger. It is larger too where it or the sums' scale would be denormal, or 0 at last: what is lost
 * then is less than the least normal float.
 */
#include <errno.h>
#include <float.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "quant.h"
#include "rewrite.h"

/* So that sums of a bias and any number of products that there can be stay in int32. */
#define MAX_BIAS 0x1p30

/**
 * struct builder - the new network under way
 * @r: r.map is a tensor's floats, or the tensor if it is none of floats
 * @integers: its integers; -1: none (yet)
 */
struct builder {
	const struct quant_plan *p;
	struct quant_net *net;
	struct rewrite r;
	int *integers;
};

static int node1(struct npu_graph *g, uint32_t op, const char *name, int axis, const int *in,
		 unsigned int in_count)
{
	struct npu_graph_attrs a = { .axis = axis };
	int out, ret = npu_graph_node(g, op, name, &a, in, in_count, &out, 1);

	return ret ? ret : out;
}

/* QuantizeLinear or DequantizeLinear with an activation's scale. */
static int convert(struct builder *b, uint32_t op, int tensor, int value)
{
	const struct quant_tensor *q = quant_of(b->p, tensor);
	uint8_t zero = (uint8_t)q->zero;
	int in[3] = { value, npu_graph_constant(b->r.to, NULL, NPU_FP32, 0, NULL, &q->scale),
		      npu_graph_constant(b->r.to, NULL, q->type, 0, NULL, &zero) };

	if (in[1] < 0 || in[2] < 0)
		return -ENOMEM;
	return node1(b->r.to, op, NULL, 0, in, 3);
}

/* A tensor's floats, made of integers if that is what it is kept as. */
static int floats_of(struct builder *b, int tensor)
{
	if (b->r.map[tensor] < 0 && b->integers[tensor] >= 0)
		b->r.map[tensor] = convert(b, NPU_GRAPH_DEQUANTIZE, tensor, b->integers[tensor]);
	return rewrite_tensor(&b->r, tensor);
}

/* What a node made. */
static int set_result(struct builder *b, int tensor, int floats)
{
	if (!b->p->tensor[tensor].integer) {
		b->r.map[tensor] = floats;
		return 0;
	}
	b->integers[tensor] = convert(b, NPU_GRAPH_QUANTIZE, tensor, floats);
	return b->integers[tensor] < 0 ? b->integers[tensor] : 0;
}

static int add_inputs(struct builder *b)
{
	unsigned int i;
	int ret = 0;

	for (i = 0; i < b->r.tensors && !ret; i++) {
		const struct npu_graph_tensor *t = npu_graph_tensor(b->p->g, (int)i);
		int id;

		if (!rewrite_is_input(&b->r, (int)i))
			continue;
		if (b->p->tensor[i].integer && b->p->integer_inputs) {
			id = npu_graph_input(b->r.to, t->name, quant_of(b->p, (int)i)->type,
					     t->dims, t->shape);
			b->integers[i] = id;
		} else {
			id = npu_graph_input(b->r.to, t->name, t->type, t->dims, t->shape);
			if (id >= 0)
				ret = set_result(b, (int)i, id);
		}
		if (id < 0)
			ret = id;
	}
	return ret;
}

/* ---- Products -------------------------------------------------------------------------------- */

/* The channel of the result that a weight belongs to. */
static uint64_t channel_of(const struct npu_graph_tensor *w, bool first, uint64_t i)
{
	uint32_t channels = w->shape[first ? 0 : w->dims - 1];

	return first ? i / (graph_count(w) / channels) : i % channels;
}

static void find_scales(const struct npu_graph_tensor *w, bool first, const float *bias,
			double x_scale, float *scale, uint32_t channels)
{
	/* So that the sums' scale, x_scale * scale, is a normal float as well. */
	double least = fmax(1, 1 / x_scale) * 2 * (double)FLT_MIN;
	double most = fmin(1, 1 / x_scale) / 2 * (double)FLT_MAX;
	const float *v = w->data;
	uint64_t i;
	uint32_t c;

	for (c = 0; c < channels; c++)
		scale[c] = 0;
	for (i = 0; i < graph_count(w); i++) {
		c = (uint32_t)channel_of(w, first, i);
		scale[c] = fmaxf(scale[c], fabsf(v[i]));
	}
	for (c = 0; c < channels; c++) {
		double b = bias ? fabs((double)bias[c]) : 0;
		double s = fmax((double)(scale[c] / 127), b / (x_scale * MAX_BIAS));

		/* No weights but 0, and no bias: any will do. */
		scale[c] = s > 0 ? (float)fmin(fmax(s, least), most) : 1;
	}
}

/* Returns the weights' floats, or -errno; @q->weight and scale are set. */
static int quantise_weights(struct builder *b, struct quant_product *q,
			    const struct npu_graph_tensor *w, bool first, const float *scale)
{
	uint32_t axis = first ? 0 : w->dims - 1;
	int8_t *zeros = calloc(w->shape[axis], 1);
	int in[3] = { npu_graph_constant(b->r.to, NULL, NPU_FP32, w->dims, w->shape, w->data),
		      npu_graph_constant(b->r.to, NULL, NPU_FP32, 1, &w->shape[axis], scale), -1 };

	if (zeros)
		in[2] = npu_graph_constant(b->r.to, NULL, NPU_S8, 1, &w->shape[axis], zeros);
	free(zeros);
	if (in[0] < 0 || in[1] < 0 || in[2] < 0)
		return -ENOMEM;
	q->scale = in[1];
	q->weight = node1(b->r.to, NPU_GRAPH_QUANTIZE, NULL, (int)axis, in, 3);
	if (q->weight < 0)
		return q->weight;
	in[0] = q->weight;
	return node1(b->r.to, NPU_GRAPH_DEQUANTIZE, NULL, (int)axis, in, 2);
}

static int quantise_bias(struct builder *b, struct quant_product *q, const float *bias,
			 uint32_t channels, float x_scale, const float *scale)
{
	int32_t *v = malloc(channels * sizeof(*v));
	float *sums = malloc(channels * sizeof(*sums));
	int in[2] = { -1, -1 };
	uint32_t c;

	for (c = 0; v && sums && c < channels; c++) {
		sums[c] = x_scale * scale[c];
		v[c] = (int32_t)fmin(fmax(rint((double)bias[c] / (double)sums[c]), -MAX_BIAS),
				     MAX_BIAS);
	}
	if (v && sums) {
		in[0] = npu_graph_constant(b->r.to, NULL, NPU_S32, 1, &channels, v);
		in[1] = npu_graph_constant(b->r.to, NULL, NPU_FP32, 1, &channels, sums);
	}
	free(v);
	free(sums);
	if (in[0] < 0 || in[1] < 0)
		return -ENOMEM;
	q->bias = in[0];
	return node1(b->r.to, NPU_GRAPH_DEQUANTIZE, NULL, 0, in, 2);
}

/* Weights and bias as constants of integers; in[1] and in[2] are their floats. */
static int quantise_constants(struct builder *b, struct quant_product *q,
			      const struct npu_graph_node_info *n, int *in)
{
	const struct npu_graph_tensor *w = npu_graph_tensor(b->p->g, n->in[1]);
	bool first = n->op == NPU_GRAPH_CONV, has_bias = n->in_count > 2 && n->in[2] >= 0;
	const float *bias = has_bias ? npu_graph_tensor(b->p->g, n->in[2])->data : NULL;
	uint32_t channels = w->shape[first ? 0 : w->dims - 1];
	float *scale = malloc(channels * sizeof(*scale)), x_scale = quant_of(b->p, q->x)->scale;

	if (!scale)
		return -ENOMEM;
	find_scales(w, first, bias, (double)x_scale, scale, channels);
	in[1] = quantise_weights(b, q, w, first, scale);
	if (in[1] >= 0 && bias)
		in[2] = quantise_bias(b, q, bias, channels, x_scale, scale);
	free(scale);
	return in[1] < 0 ? in[1] : bias && in[2] < 0 ? in[2] : 0;
}

static int add_product(struct builder *b, unsigned int i, const struct npu_graph_node_info *n)
{
	struct quant_product q = { i, n->in[0], -1, -1, -1 };
	int in[3] = { floats_of(b, n->in[0]), -1, -1 }, out, ret = 0;

	if (npu_graph_tensor(b->p->g, n->in[1])->data)
		ret = quantise_constants(b, &q, n, in);
	else
		in[1] = floats_of(b, n->in[1]);
	if (!ret)
		ret = npu_graph_node(b->r.to, n->op, n->name, &n->attrs, in, in[2] < 0 ? 2 : 3,
				     &out, 1);
	if (!ret)
		ret = set_result(b, n->out[0], out);
	b->net->product[b->net->products++] = q;
	return ret;
}

/* ---- The others ------------------------------------------------------------------------------ */

static int add_float(struct builder *b, const struct npu_graph_node_info *n)
{
	int in[NPU_GRAPH_MAX_IO], out[NPU_GRAPH_MAX_IO], ret = 0;
	unsigned int i;

	for (i = 0; i < n->in_count; i++) {
		in[i] = n->in[i] < 0 ? -1 : floats_of(b, n->in[i]);
		if (n->in[i] >= 0 && in[i] < 0)
			return in[i];
	}
	ret = npu_graph_node(b->r.to, n->op, n->name, &n->attrs, in, n->in_count, out,
			     n->out_count);
	for (i = 0; i < n->out_count && !ret; i++)
		ret = set_result(b, n->out[i], out[i]);
	return ret;
}

static int add_move(struct builder *b, struct npu_graph_node_info *n)
{
	const struct quant_tensor *q = quant_of(b->p, n->out[0]);
	int in[NPU_GRAPH_MAX_IO], out[NPU_GRAPH_MAX_IO], ret;
	unsigned int i;

	for (i = 0; i < n->in_count; i++)
		in[i] = n->in[i] < 0		   ? -1 :
			b->integers[n->in[i]] >= 0 ? b->integers[n->in[i]] :
						     rewrite_tensor(&b->r, n->in[i]);
	if (n->op == NPU_GRAPH_PAD) {
		int lo = q->type == NPU_S8 ? -128 : 0;
		float v = rintf(n->attrs.alpha / q->scale) + (float)q->zero;

		n->attrs.alpha = fminf(fmaxf(v, (float)lo), (float)(lo + 255));
	}
	ret = npu_graph_node(b->r.to, n->op, n->name, &n->attrs, in, n->in_count, out,
			     n->out_count);
	for (i = 0; i < n->out_count && !ret; i++)
		b->integers[n->out[i]] = out[i];
	return ret;
}

void quant_probe_name(char name[32], unsigned int tensor)
{
	snprintf(name, 32, "probe %u", tensor);
}

static int add_outputs(struct builder *b, bool probes)
{
	char probe[32];
	const char *name;
	unsigned int i;
	int ret = 0, t;

	for (i = 0; !ret && (t = npu_graph_get_output(b->p->g, i, &name)) >= 0; i++) {
		t = floats_of(b, t);
		ret = t < 0 ? t : npu_graph_output(b->r.to, t, name);
	}
	for (i = 0; i < b->p->tensors && probes && !ret; i++) {
		if (!b->p->tensor[i].integer)
			continue;
		quant_probe_name(probe, i);
		t = floats_of(b, (int)i);
		ret = t < 0 ? t : npu_graph_output(b->r.to, t, probe);
	}
	return ret;
}

int quant_build(struct quant_net *net, const struct quant_plan *p, bool probes)
{
	struct builder b = { .p = p, .net = net };
	struct npu_graph_node_info n;
	unsigned int i;
	int ret = rewrite_begin(&b.r, p->g);

	net->products = 0;
	net->product = calloc(p->nodes + 1, sizeof(*net->product));
	b.integers = malloc((p->tensors + 1) * sizeof(*b.integers));
	if (!net->product || !b.integers)
		ret = -ENOMEM;
	for (i = 0; i < p->tensors && !ret; i++)
		b.integers[i] = -1;
	if (!ret)
		ret = add_inputs(&b);
	for (i = 0; i < p->nodes && !ret; i++) {
		npu_graph_get_node(p->g, i, &n);
		if (p->node[i].kind == QUANT_PRODUCT)
			ret = add_product(&b, i, &n);
		else if (p->node[i].kind == QUANT_MOVE && p->node[i].integer)
			ret = add_move(&b, &n);
		else
			ret = add_float(&b, &n);
	}
	if (!ret)
		ret = add_outputs(&b, probes);
	net->g = b.r.to;
	rewrite_end(&b.r);
	free(b.integers);
	return ret;
}

void quant_net_free(struct quant_net *net)
{
	npu_graph_free(net->g);
	free(net->product);
}
