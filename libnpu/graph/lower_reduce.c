// SPDX-License-Identifier: MIT
/*
 * Copyright (c) 2026 the npu authors
 *
 * Reductions and what is made of them: softmax, normalisations, quantisation by the range of what
 * comes in. Each is one map whose passes share a tile that holds all that is reduced.
 */
#include <errno.h>
#include <string.h>

#include "hal/error.h"

#include "lower.h"

/* A map over the first input's shape: its size, and the input as operand 0. */
static int start(struct npu_lower *l, const struct npu_graph_node *n, struct npu_lower_step *step,
		 struct npu_lower_view *x)
{
	struct npu_map *m = &step->u.map;
	uint32_t i;
	int ret = npu_lower_view(l, n->in[0], x);

	if (ret)
		return ret;
	if (x->type == NPU_S64)
		return npu_fail(-ENOTSUP, "int64 tensors can only be constants and indices");
	memset(step, 0, sizeof(*step));
	step->kind = NPU_STEP_MAP;
	m->dims = x->dims;
	for (i = 0; i < x->dims; i++)
		m->size[i] = x->size[x->dims - 1 - i];
	m->operands = 1;
	npu_lower_map_tensor(x, m->dims, &m->operand[0]);
	return 0;
}

/* Dimensions outermost first to those of maps. */
static uint32_t map_mask(uint32_t mask, uint32_t dims)
{
	uint32_t out = 0, d;

	for (d = 0; d < dims; d++)
		if (mask >> d & 1)
			out |= 1u << (dims - 1 - d);
	return out;
}

static struct npu_map_stage stage(uint8_t op, uint8_t src, float imm)
{
	return (struct npu_map_stage){ .op = op,
				       .src = src,
				       .imm = src == NPU_MAP_IMM ? npu_float_bits(imm) : 0 };
}

static struct npu_map_pass *add_pass(struct npu_map *m, uint8_t x, uint8_t out)
{
	m->pass[m->passes] = (struct npu_map_pass){ .x = x, .out = out };
	return &m->pass[m->passes++];
}

static void add_stage(struct npu_map_pass *p, uint8_t op, uint8_t src, float imm)
{
	p->stage[p->stages++] = stage(op, src, imm);
}

static uint8_t add_temp(struct npu_map *m, uint32_t dims)
{
	m->temp_type[m->temps] = NPU_FP32;
	m->temp_dims[m->temps] = dims;
	return NPU_MAP_TEMP + m->temps++;
}

static struct npu_map_pass *reduce(struct npu_map *m, uint8_t op, uint32_t axes, uint8_t x,
				   uint8_t out)
{
	struct npu_map_pass *p = add_pass(m, x, out);

	p->reduce = op;
	p->axes = axes;
	m->whole |= axes;
	return p;
}

/* What a step with the input's shape writes. */
static int finish(struct npu_lower *l, const struct npu_graph_node *n, struct npu_lower_step *step,
		  const struct npu_lower_view *like)
{
	struct npu_lower_view out;
	int ret = npu_lower_result(l, n->out[0], like, &out);

	if (ret)
		return ret;
	npu_lower_map_tensor(&out, step->u.map.dims, &step->u.map.out);
	ret = npu_lower_step_add(l, step);
	if (!ret)
		l->view[n->out[0]] = out;
	return ret;
}

int npu_lower_reduce(struct npu_lower *l, unsigned int node)
{
	const struct npu_graph_node *n = &l->g->node[node];
	struct npu_lower_view x, out, kept;
	struct npu_lower_step step;
	struct npu_map_pass *p;
	uint32_t mask, d, shape[NPU_MAX_DIMS];
	uint64_t count = 1;
	bool floats;
	int ret;

	if (n->op == NPU_GRAPH_REDUCE_MEAN && npu_lower_mean_of_images(l, node, &ret))
		return ret;
	ret = start(l, n, &step, &x);
	if (!ret)
		ret = npu_graph_axes(&n->a, x.dims, &mask);
	if (!ret)
		ret = npu_lower_result(l, n->out[0], NULL, &out);
	if (ret)
		return ret;
	floats = npu_graph_is_float(x.type);
	if (!floats && n->op == NPU_GRAPH_REDUCE_MEAN)
		return npu_fail(-ENOTSUP, "means of integers");
	if (!floats && n->op == NPU_GRAPH_REDUCE_SUM && x.type != NPU_S32)
		return npu_fail(-ENOTSUP, "8-bit sums, which ONNX lets wrap");
	for (d = 0; d < x.dims; d++) {
		shape[d] = mask >> d & 1 ? 1 : x.size[d];
		count *= mask >> d & 1 ? x.size[d] : 1;
	}
	if (!npu_lower_reshape(&out, x.dims, shape, &kept))
		return npu_fail(-EINVAL, "shape");
	npu_lower_map_tensor(&kept, x.dims, &step.u.map.out);
	p = reduce(&step.u.map,
		   n->op == NPU_GRAPH_REDUCE_MAX ? NPU_REDUCE_MAX :
		   n->op == NPU_GRAPH_REDUCE_MIN ? NPU_REDUCE_MIN :
						   NPU_REDUCE_SUM,
		   map_mask(mask, x.dims), NPU_MAP_OPERAND, NPU_MAP_OUT);
	if (n->op == NPU_GRAPH_REDUCE_MEAN)
		add_stage(p, NPU_STAGE_DIV, NPU_MAP_IMM, (float)count);
	ret = npu_lower_step_add(l, &step);
	if (!ret)
		l->view[n->out[0]] = out;
	return ret;
}

int npu_lower_softmax(struct npu_lower *l, unsigned int node)
{
	const struct npu_graph_node *n = &l->g->node[node];
	struct npu_lower_step step;
	struct npu_map *m = &step.u.map;
	struct npu_lower_view x;
	struct npu_map_pass *p;
	uint32_t mask, axes, rest;
	uint8_t most, sum;
	int ret = start(l, n, &step, &x);

	if (!ret)
		ret = npu_graph_axes(&n->a, x.dims, &mask);
	if (ret)
		return ret;
	if (!npu_graph_is_float(x.type))
		return npu_fail(-ENOTSUP, "a softmax of integers");
	axes = map_mask(mask, x.dims);
	rest = ((1u << m->dims) - 1) & ~axes;
	most = add_temp(m, rest);
	sum = add_temp(m, rest);
	reduce(m, NPU_REDUCE_MAX, axes, NPU_MAP_OPERAND, most);
	p = reduce(m, NPU_REDUCE_SUM, axes, NPU_MAP_OPERAND, sum);
	p->pre = 2;
	add_stage(p, NPU_STAGE_SUB, most, 0);
	add_stage(p, NPU_STAGE_EXP, NPU_MAP_NONE, 0);
	p = add_pass(m, NPU_MAP_OPERAND, NPU_MAP_OUT);
	add_stage(p, NPU_STAGE_SUB, most, 0);
	add_stage(p, NPU_STAGE_EXP, NPU_MAP_NONE, 0);
	add_stage(p, NPU_STAGE_DIV, sum, 0);
	return finish(l, n, &step, &x);
}

/* A vector over dimensions [from, from + its own) of the input, as an operand; -1: absent. */
static int add_vector(struct npu_lower *l, struct npu_map *m, int value, uint32_t dims,
		      uint32_t from, bool channels, uint8_t *ref)
{
	struct npu_lower_view v;
	int ret;

	*ref = NPU_MAP_NONE;
	if (value < 0)
		return 0;
	ret = npu_lower_view(l, value, &v);
	if (ret)
		return ret;
	if (channels) {
		int64_t stride = v.stride[0];
		uint32_t size = v.size[0], d;

		v.dims = dims;
		for (d = 0; d < dims; d++) {
			v.size[d] = d == from ? size : 1;
			v.stride[d] = d == from ? stride : 0;
		}
	}
	npu_lower_map_tensor(&v, dims, &m->operand[m->operands]);
	*ref = NPU_MAP_OPERAND + m->operands++;
	return 0;
}

/* Passes that leave mean and sqrt(variance + epsilon) in two temporaries. */
static void moments(struct npu_map *m, uint32_t axes, uint64_t count, float epsilon, uint8_t *mean,
		    uint8_t *root)
{
	uint32_t rest = ((1u << m->dims) - 1) & ~axes;
	struct npu_map_pass *p;

	*mean = add_temp(m, rest);
	*root = add_temp(m, rest);
	p = reduce(m, NPU_REDUCE_SUM, axes, NPU_MAP_OPERAND, *mean);
	add_stage(p, NPU_STAGE_DIV, NPU_MAP_IMM, (float)count);
	p = reduce(m, NPU_REDUCE_SUM, axes, NPU_MAP_OPERAND, *root);
	p->pre = 2;
	add_stage(p, NPU_STAGE_SUB, *mean, 0);
	add_stage(p, NPU_STAGE_MUL, NPU_MAP_X, 0);
	add_stage(p, NPU_STAGE_DIV, NPU_MAP_IMM, (float)count);
	add_stage(p, NPU_STAGE_ADD, NPU_MAP_IMM, epsilon);
	add_stage(p, NPU_STAGE_SQRT, NPU_MAP_NONE, 0);
}

/* An output that is one of the moments. */
static int lower_moment(struct npu_lower *l, const struct npu_graph_node *n, unsigned int index,
			uint32_t axes, uint64_t count)
{
	struct npu_lower_view x, out;
	struct npu_lower_step step;
	struct npu_map_pass *p;
	uint8_t mean, root;
	int ret = start(l, n, &step, &x);

	if (!ret)
		ret = npu_lower_result(l, n->out[index], NULL, &out);
	if (ret)
		return ret;
	npu_lower_map_tensor(&out, x.dims, &step.u.map.out);
	moments(&step.u.map, axes, count, n->a.epsilon, &mean, &root);
	p = add_pass(&step.u.map, index == 1 ? mean : root, NPU_MAP_OUT);
	if (index == 2)
		add_stage(p, NPU_STAGE_RECIP, NPU_MAP_NONE, 0);
	l->view[n->out[index]] = out;
	return npu_lower_step_add(l, &step);
}

int npu_lower_norm(struct npu_lower *l, unsigned int node)
{
	const struct npu_graph_node *n = &l->g->node[node];
	bool instance = n->op == NPU_GRAPH_INSTANCE_NORM;
	uint8_t mean, root, scale = NPU_MAP_NONE, bias = NPU_MAP_NONE;
	uint32_t from, axes, mask = 0, d;
	unsigned int i;
	struct npu_lower_step step;
	struct npu_map *m = &step.u.map;
	struct npu_lower_view x;
	struct npu_map_pass *p;
	uint64_t count = 1;
	int ret = start(l, n, &step, &x);

	if (ret)
		return ret;
	from = instance ? 2 : (uint32_t)n->a.axis;
	for (d = from; d < x.dims; d++) {
		mask |= 1u << d;
		count *= x.size[d];
	}
	axes = map_mask(mask, x.dims);
	if (!axes)
		return npu_fail(-ENOTSUP, "nothing to normalise over");
	for (i = 1; i < n->out_count && !ret; i++)
		if (l->g->value[n->out[i]].consumers)
			ret = lower_moment(l, n, i, axes, count);
	if (!ret)
		ret = add_vector(l, m, n->in[1], x.dims, 1, instance, &scale);
	if (!ret)
		ret = add_vector(l, m, n->in_count > 2 ? n->in[2] : -1, x.dims, 1, instance, &bias);
	if (ret)
		return ret;
	moments(m, axes, count, n->a.epsilon, &mean, &root);
	p = add_pass(m, NPU_MAP_OPERAND, NPU_MAP_OUT);
	add_stage(p, NPU_STAGE_SUB, mean, 0);
	add_stage(p, NPU_STAGE_DIV, root, 0);
	if (scale)
		add_stage(p, NPU_STAGE_MUL, scale, 0);
	if (bias)
		add_stage(p, NPU_STAGE_ADD, bias, 0);
	return finish(l, n, &step, &x);
}

/* ---- DynamicQuantizeLinear ------------------------------------------------------------------- */

/* One number: @op over all of x, and 0. */
static int range_of(struct npu_lower *l, const struct npu_graph_node *n, uint8_t op,
		    struct npu_lower_view *out)
{
	struct npu_lower_step step;
	struct npu_map_pass *p;
	struct npu_lower_view x;
	int ret = start(l, n, &step, &x);

	if (!ret)
		ret = npu_lower_scratch(l, NPU_FP32, 0, NULL, NULL, out);
	if (ret)
		return ret;
	npu_lower_map_tensor(out, x.dims, &step.u.map.out);
	p = reduce(&step.u.map, op, (1u << step.u.map.dims) - 1, NPU_MAP_OPERAND, NPU_MAP_OUT);
	add_stage(p, op == NPU_REDUCE_MAX ? NPU_STAGE_MAX : NPU_STAGE_MIN, NPU_MAP_IMM, 0);
	return npu_lower_step_add(l, &step);
}

/* dst = stages of x and up to two more numbers */
static int scalar_step(struct npu_lower *l, const struct npu_lower_view *x,
		       const struct npu_lower_view *y, const struct npu_lower_view *dst,
		       const struct npu_map_stage *stages, unsigned int count)
{
	struct npu_lower_step step = { .kind = NPU_STEP_MAP };
	struct npu_map *m = &step.u.map;

	m->operands = 2;
	npu_lower_map_tensor(x, 0, &m->operand[0]);
	npu_lower_map_tensor(y, 0, &m->operand[1]);
	npu_lower_map_tensor(dst, 0, &m->out);
	m->passes = 1;
	m->pass[0] =
		(struct npu_map_pass){ .x = NPU_MAP_OPERAND, .out = NPU_MAP_OUT, .stages = count };
	memcpy(m->pass[0].stage, stages, count * sizeof(*stages));
	return npu_lower_step_add(l, &step);
}

int npu_lower_dynamic_quantise(struct npu_lower *l, unsigned int node)
{
	const struct npu_graph_node *n = &l->g->node[node];
	struct npu_lower_view hi, lo, scale, zp, x;
	struct npu_lower_step step;
	struct npu_map_stage quant = { .op = NPU_STAGE_QUANT, .src = NPU_MAP_IMM, .src2 = NPU_U8 };
	struct npu_map_pass *p;
	int ret = range_of(l, n, NPU_REDUCE_MAX, &hi);

	if (!ret)
		ret = range_of(l, n, NPU_REDUCE_MIN, &lo);
	/* Full precision, also where it is no output. */
	if (!ret)
		ret = npu_lower_scratch(l, NPU_FP32, 0, NULL, NULL, &scale);
	if (!ret)
		ret = npu_lower_scratch(l, NPU_U8, 0, NULL, NULL, &zp);
	if (!ret)
		ret = scalar_step(
			l, &hi, &lo, &scale,
			(struct npu_map_stage[]){ stage(NPU_STAGE_SUB, NPU_MAP_OPERAND + 1, 0),
						  stage(NPU_STAGE_DIV, NPU_MAP_IMM, 255) },
			2);
	if (!ret)
		ret = scalar_step(
			l, &lo, &scale, &zp,
			(struct npu_map_stage[]){ stage(NPU_STAGE_DIV, NPU_MAP_OPERAND + 1, 0),
						  stage(NPU_STAGE_NEG, NPU_MAP_NONE, 0), quant },
			3);
	if (!ret)
		ret = start(l, n, &step, &x);
	if (ret)
		return ret;
	npu_lower_map_tensor(&scale, x.dims, &step.u.map.operand[1]);
	npu_lower_map_tensor(&zp, x.dims, &step.u.map.operand[2]);
	step.u.map.operands = 3;
	p = add_pass(&step.u.map, NPU_MAP_OPERAND, NPU_MAP_OUT);
	add_stage(p, NPU_STAGE_DIV, NPU_MAP_OPERAND + 1, 0);
	p->stage[p->stages++] = (struct npu_map_stage){ .op = NPU_STAGE_QUANT,
							.src = NPU_MAP_OPERAND + 2,
							.src2 = NPU_U8 };
	ret = finish(l, n, &step, &x);
	l->view[n->out[1]] = scale;
	l->view[n->out[2]] = zp;
	return ret;
}
