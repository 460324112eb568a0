// SPDX-License-Identifier: MIT
/*
 * Copyright (c) 2026 the npu authors
 *
 * Which tensors become integers.
 *
 * Products need their activations as integers; that is where it begins. From there it goes
 * backwards: what only moves elements does so with integers if its result is to be such. Between a
 * product and the next integers, floats stay in the product's epilogue. Where two products meet in an
 * addition one of them ends there, and the other operand is kept as integers; likewise what is
 * averaged. Everything else stays in floats.
 *
 * Operators that move elements have one scale for what goes in and what comes out; so has a
 * concatenation, for all of its parts.
 */
#include <errno.h>
#include <float.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "complain.h"
#include "quant.h"
#include "rewrite.h"

/* What is only needed while deciding, of each tensor. */
struct decision {
	bool wanted; /* its values end up as integers somewhere behind floats */
	bool warm; /* they come from a product of integers */
};

struct planner {
	struct quant_plan *p;
	struct rewrite r; /* only looked at */
	struct decision *d;
};

static const struct npu_graph_tensor *tensor(const struct quant_plan *p, int i)
{
	return npu_graph_tensor(p->g, i);
}

static bool activation(const struct quant_plan *p, int i)
{
	return i >= 0 && !tensor(p, i)->data && tensor(p, i)->type == NPU_FP32;
}

/* ---- Kinds ----------------------------------------------------------------------------------- */

/* Why a product cannot be one of integers; NULL: it can. */
static const char *product_obstacle(const struct quant_plan *p, const struct npu_graph_node_info *n)
{
	const struct npu_graph_tensor *b = tensor(p, n->in[1]);
	int c = n->in_count > 2 ? n->in[2] : -1;

	if (n->op == NPU_GRAPH_CONV_TRANSPOSE)
		return "transposed convolutions are done in floats";
	if (!activation(p, n->in[0]))
		return "its first operand is a constant";
	if (n->op == NPU_GRAPH_MATMUL)
		return b->data && b->dims < 2 ? "its second operand is a vector" : NULL;
	if (!b->data)
		return n->op == NPU_GRAPH_CONV ? "its weights are not constant" :
						 "its second operand is not constant";
	if (c >= 0 &&
	    (!tensor(p, c)->data || tensor(p, c)->dims != 1 ||
	     tensor(p, c)->shape[0] != (n->op == NPU_GRAPH_CONV ? b->shape[0] : b->shape[1])))
		return "what is added is not one constant a channel";
	if (n->op == NPU_GRAPH_GEMM &&
	    (n->attrs.trans_b || n->attrs.alpha != 1 || (c >= 0 && n->attrs.beta != 1)))
		return "alpha, beta or transB";
	return NULL;
}

static bool all_activations(const struct quant_plan *p, const struct npu_graph_node_info *n)
{
	for (unsigned int i = 0; i < n->in_count; i++)
		if (!activation(p, n->in[i]))
			return false;
	return true;
}

static enum quant_kind find_kind(const struct quant_plan *p, const struct npu_graph_node_info *n,
				 const char **why)
{
	if (tensor(p, n->out[0])->type != NPU_FP32)
		return QUANT_FLOAT;
	switch (n->op) {
	case NPU_GRAPH_CONV:
	case NPU_GRAPH_CONV_TRANSPOSE:
	case NPU_GRAPH_MATMUL:
	case NPU_GRAPH_GEMM:
		*why = product_obstacle(p, n);
		return *why ? QUANT_FLOAT : QUANT_PRODUCT;
	case NPU_GRAPH_ADD:
		return all_activations(p, n) ? QUANT_ADD : QUANT_ELEMENT;
	case NPU_GRAPH_AVERAGE_POOL:
	case NPU_GRAPH_REDUCE_MEAN:
		return QUANT_AVERAGE;
	case NPU_GRAPH_CONCAT:
		return all_activations(p, n) ? QUANT_MOVE : QUANT_FLOAT;
	case NPU_GRAPH_MAX_POOL:
	case NPU_GRAPH_REDUCE_MAX:
	case NPU_GRAPH_REDUCE_MIN:
	case NPU_GRAPH_IDENTITY:
	case NPU_GRAPH_RESHAPE:
	case NPU_GRAPH_TRANSPOSE:
	case NPU_GRAPH_EXPAND:
	case NPU_GRAPH_SPLIT:
	case NPU_GRAPH_SLICE:
	case NPU_GRAPH_PAD:
	case NPU_GRAPH_GATHER:
		return activation(p, n->in[0]) ? QUANT_MOVE : QUANT_FLOAT;
	case NPU_GRAPH_CAST:
		return QUANT_FLOAT;
	default:
		return n->op <= NPU_GRAPH_GELU || n->op == NPU_GRAPH_BATCH_NORM ? QUANT_ELEMENT :
										  QUANT_FLOAT;
	}
}

/* ---- Who needs integers ---------------------------------------------------------------------- */

static void find_warm(struct planner *x, const struct npu_graph_node_info *n, enum quant_kind kind)
{
	bool warm = kind == QUANT_PRODUCT;
	unsigned int i;

	for (i = 0; i < n->in_count && kind != QUANT_FLOAT; i++)
		warm |= activation(x->p, n->in[i]) && x->d[n->in[i]].warm;
	for (i = 0; i < n->out_count; i++)
		x->d[n->out[i]].warm = warm;
}

/* Can what makes this operand of an addition go on with the addition, in floats? */
static bool goes_on(const struct planner *x, const struct npu_graph_node_info *add, int operand)
{
	const struct npu_graph_tensor *t = tensor(x->p, operand), *y = tensor(x->p, add->out[0]);
	int producer = x->r.producer[operand];
	enum quant_kind kind = producer < 0 ? QUANT_FLOAT : x->p->node[producer].kind;

	return x->r.consumers[operand] == 1 && t->dims == y->dims &&
	       !memcmp(t->shape, y->shape, t->dims * sizeof(*t->shape)) &&
	       (kind == QUANT_PRODUCT || kind == QUANT_ELEMENT || kind == QUANT_ADD);
}

static void need_operands(struct planner *x, const struct npu_graph_node_info *n)
{
	struct quant_tensor *t = x->p->tensor;
	bool going = false;
	unsigned int i;

	for (i = 0; i < n->in_count; i++) {
		if (!activation(x->p, n->in[i]) || !x->d[n->in[i]].warm)
			continue;
		if (n->op == NPU_GRAPH_ADD && !going && goes_on(x, n, n->in[i]))
			going = true;
		else
			t[n->in[i]].integer = true;
	}
}

/* Backwards: when a node's turn comes, all is known of its results. */
static void find_needs(struct planner *x, const struct npu_graph_node_info *n,
		       struct quant_node *node)
{
	struct quant_tensor *t = x->p->tensor;
	bool wanted = false, integer = false;
	unsigned int i;

	for (i = 0; i < n->out_count; i++) {
		integer |= t[n->out[i]].integer;
		wanted |= t[n->out[i]].integer || x->d[n->out[i]].wanted;
	}
	for (i = 0; i < n->in_count && node->kind != QUANT_FLOAT; i++)
		if (n->in[i] >= 0)
			x->d[n->in[i]].wanted |= wanted;
	switch (node->kind) {
	case QUANT_PRODUCT:
		t[n->in[0]].integer = true;
		if (activation(x->p, n->in[1]))
			t[n->in[1]].integer = true;
		break;
	case QUANT_MOVE:
		node->integer = integer;
		for (i = 0; i < n->in_count && integer; i++)
			if (activation(x->p, n->in[i]))
				t[n->in[i]].integer = true;
		break;
	case QUANT_ADD:
	case QUANT_AVERAGE:
		if (wanted)
			need_operands(x, n);
		break;
	default:
		break;
	}
}

static unsigned int group_of(const struct quant_plan *p, unsigned int i)
{
	while (p->tensor[i].group != i)
		i = p->tensor[i].group;
	return i;
}

static void join(struct quant_plan *p, int a, int b)
{
	unsigned int x = group_of(p, (unsigned int)a), y = group_of(p, (unsigned int)b);

	p->tensor[x > y ? x : y].group = x > y ? y : x;
}

/* Forwards: where integers are, they are what moves, also if floats are wanted behind. */
static void find_moves(struct quant_plan *p, const struct npu_graph_node_info *n,
		       struct quant_node *node)
{
	unsigned int i;

	if (node->kind != QUANT_MOVE)
		return;
	if (n->op != NPU_GRAPH_CONCAT && p->tensor[n->in[0]].integer)
		node->integer = true;
	if (!node->integer)
		return;
	for (i = 0; i < n->out_count; i++) {
		p->tensor[n->out[i]].integer = true;
		join(p, n->out[i], n->in[0]);
	}
	for (i = 1; i < n->in_count; i++)
		if (activation(p, n->in[i]))
			join(p, n->in[i], n->in[0]);
}

/* ---- All of it ------------------------------------------------------------------------------- */

static int check_model(const struct quant_plan *p)
{
	struct npu_graph_node_info n;
	unsigned int i;

	for (i = 0; i < p->nodes; i++) {
		npu_graph_get_node(p->g, i, &n);
		switch (n.op) {
		case NPU_GRAPH_QUANTIZE:
		case NPU_GRAPH_DEQUANTIZE:
		case NPU_GRAPH_DYNAMIC_QUANTIZE:
		case NPU_GRAPH_QLINEAR_MATMUL:
		case NPU_GRAPH_QLINEAR_CONV:
		case NPU_GRAPH_MATMUL_INTEGER:
		case NPU_GRAPH_CONV_INTEGER:
			return complain("the model is quantised already (%s %s): compile it "
					"without --quantize",
					n.op_name, n.name);
		default:
			break;
		}
	}
	for (i = 0; i < p->tensors; i++) {
		uint32_t type = tensor(p, (int)i)->type;

		if (type == NPU_FP16 || type == NPU_BF16)
			return complain("the model has 16-bit floats: --quantize takes float32 "
					"models");
	}
	return EXIT_SUCCESS;
}

static int set_types(struct planner *x, uint32_t input_type)
{
	struct quant_plan *p = x->p;
	unsigned int i;

	for (i = 0; i < p->tensors; i++) {
		p->tensor[i].group = group_of(p, i);
		p->tensor[i].type = NPU_S8;
	}
	for (i = 0; i < p->tensors && input_type != NPU_FP32; i++) {
		if (!activation(p, (int)i) || !rewrite_is_input(&x->r, (int)i))
			continue;
		if (!p->tensor[i].integer)
			return complain("--input-type: no integers are made of the input %s; it "
					"stays float",
					tensor(p, (int)i)->name);
		p->tensor[p->tensor[i].group].type = input_type;
	}
	return EXIT_SUCCESS;
}

int quant_plan_make(struct quant_plan *p, const struct npu_graph *g, uint32_t input_type)
{
	struct planner x = { .p = p };
	struct npu_graph_node_info n;
	unsigned int i, products = 0;
	int ret = EXIT_FAILURE;

	*p = (struct quant_plan){ .g = g,
				  .tensors = npu_graph_tensors(g),
				  .integer_inputs = input_type != NPU_FP32 };
	while (!npu_graph_get_node(g, p->nodes, &n))
		p->nodes++;
	p->tensor = calloc(p->tensors + 1, sizeof(*p->tensor));
	p->node = calloc(p->nodes + 1, sizeof(*p->node));
	x.d = calloc(p->tensors + 1, sizeof(*x.d));
	if (rewrite_begin(&x.r, g) || !p->tensor || !p->node || !x.d) {
		complain("out of memory");
		goto out;
	}
	if (check_model(p))
		goto out;
	for (i = 0; i < p->tensors; i++)
		p->tensor[i].group = i;
	for (i = 0; i < p->nodes; i++) {
		npu_graph_get_node(g, i, &n);
		p->node[i].kind = find_kind(p, &n, &p->node[i].why);
		products += p->node[i].kind == QUANT_PRODUCT;
		find_warm(&x, &n, p->node[i].kind);
	}
	for (i = p->nodes; i-- > 0;) {
		npu_graph_get_node(g, i, &n);
		find_needs(&x, &n, &p->node[i]);
	}
	for (i = 0; i < p->nodes; i++) {
		npu_graph_get_node(g, i, &n);
		find_moves(p, &n, &p->node[i]);
	}
	if (!products)
		complain("nothing to quantise: the model has no Conv, MatMul or Gemm of constant "
			 "weights");
	else
		ret = set_types(&x, input_type);
out:
	npu_graph_free(x.r.to);
	rewrite_end(&x.r);
	free(x.d);
	return ret;
}

void quant_plan_free(struct quant_plan *p)
{
	free(p->tensor);
	free(p->node);
}

void quant_plan_scales(struct quant_plan *p)
{
	unsigned int i;

	for (i = 0; i < p->tensors; i++) {
		struct quant_tensor *t = &p->tensor[i], *group = &p->tensor[t->group];

		if (!t->integer)
			continue;
		group->lo = fminf(group->lo, fminf(t->lo, 0));
		group->hi = fmaxf(group->hi, fmaxf(t->hi, 0));
	}
	for (i = 0; i < p->tensors; i++) {
		struct quant_tensor *t = &p->tensor[i];
		double span = (double)t->hi - (double)t->lo;

		if (!t->integer || t->group != i)
			continue;
		/* Where nothing but 0 was seen any scale will do. */
		t->scale = span > 0 ? fmaxf((float)(span / 255), FLT_MIN) : 1;
		t->zero = (int32_t)fmin(255, rint(-(double)t->lo / (double)t->scale));
		if (t->type == NPU_S8)
			t->zero -= 128;
	}
}
