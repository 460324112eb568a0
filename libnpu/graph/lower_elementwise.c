// SPDX-License-Identifier: MIT
/*
 * Copyright (c) 2026 the npu authors
 *
 * Element-wise nodes, alone or in groups: one map whose passes are their stages. The value under
 * way stays in the VPU; where a pass is full, or an operator needs its input twice, it goes through
 * a temporary in SPM.
 *
 * Integers stay integers where an operator is exact in them; 8-bit products and quotients are exact
 * in binary32. Sums of int32 and all 8-bit results saturate.
 */
#include <errno.h>
#include <math.h>
#include <string.h>

#include "hal/error.h"

#include "lower.h"

struct chain {
	struct npu_lower *l;
	struct npu_map m;
	uint32_t shape[NPU_MAX_DIMS];
	bool floats; /* the domain of the value under way */
	int err; /* sticks */
};

static struct npu_map_pass *now(struct chain *c)
{
	return &c->m.pass[c->m.passes - 1];
}

static void fail(struct chain *c, const char *why)
{
	if (!c->err)
		c->err = npu_fail(-ENOTSUP, "%s", why);
}

/* ---- Stages ---------------------------------------------------------------------------------- */

/* The value goes to a temporary, and comes in again from there. Returns what names it. */
static uint8_t through_temp(struct chain *c)
{
	struct npu_map *m = &c->m;
	uint8_t temp = NPU_MAP_TEMP + m->temps;

	if (m->temps == NPU_MAP_TEMPS || m->passes == NPU_MAP_PASSES) {
		fail(c, "too many steps for one pass over the data");
		return NPU_MAP_TEMP;
	}
	m->temp_type[m->temps] = c->floats ? NPU_FP32 : NPU_S32;
	m->temp_dims[m->temps++] = (1u << m->dims) - 1;
	now(c)->out = temp;
	m->pass[m->passes++] = (struct npu_map_pass){ .x = temp };
	return temp;
}

/* What can be named again: the tensor itself if nothing was done with it yet. */
static uint8_t named(struct chain *c)
{
	if (!now(c)->stages &&
	    (now(c)->x >= NPU_MAP_TEMP || !c->m.operand[now(c)->x - NPU_MAP_OPERAND].dequant))
		return now(c)->x;
	return through_temp(c);
}

/* Would this pass have more operands than a command with that one? */
static bool crowded(const struct npu_map_pass *p, uint8_t src)
{
	uint8_t seen[NPU_VPU_STAGES];
	unsigned int n = 0, i, k;

	if (src < NPU_MAP_OPERAND)
		return false;
	for (i = 0; i < p->stages; i++) {
		if (p->stage[i].src < NPU_MAP_OPERAND)
			continue;
		for (k = 0; k < n && seen[k] != p->stage[i].src; k++)
			;
		if (k == n)
			seen[n++] = p->stage[i].src;
	}
	for (k = 0; k < n; k++)
		if (seen[k] == src)
			return false;
	return n == NPU_VPU_OPERANDS;
}

static void stage(struct chain *c, uint8_t op, uint8_t src, uint32_t imm)
{
	struct npu_map_pass *p = now(c);

	if (p->stages == NPU_VPU_STAGES || crowded(p, src)) {
		through_temp(c);
		p = now(c);
	}
	if (op >= NPU_STAGE_ADD && op < NPU_STAGE_QUANT)
		c->floats = true;
	p->stage[p->stages++] = (struct npu_map_stage){ .op = op, .src = src, .imm = imm };
}

static void stage_imm(struct chain *c, uint8_t op, float v)
{
	stage(c, op, NPU_MAP_IMM, npu_float_bits(v));
}

static void stage_quant(struct chain *c, uint32_t type, uint8_t src, int32_t zp)
{
	stage(c, NPU_STAGE_QUANT, src, (uint32_t)zp);
	now(c)->stage[now(c)->stages - 1].src2 = type;
	c->floats = false;
}

/* ---- Operands -------------------------------------------------------------------------------- */

static uint8_t add_tensor(struct chain *c, const struct npu_map_tensor *t)
{
	uint32_t i;

	for (i = 0; i < c->m.operands; i++)
		if (!memcmp(&c->m.operand[i], t, sizeof(*t)))
			return NPU_MAP_OPERAND + i;
	if (c->m.operands == NPU_MAP_OPERANDS) {
		fail(c, "too many inputs");
		return NPU_MAP_OPERAND;
	}
	c->m.operand[c->m.operands] = *t;
	return NPU_MAP_OPERAND + c->m.operands++;
}

static uint8_t add_view(struct chain *c, const struct npu_lower_view *v)
{
	struct npu_map_tensor t;

	if (v->type == NPU_S64)
		fail(c, "int64 tensors can only be constants and indices");
	npu_lower_map_tensor(v, c->m.dims, &t);
	return add_tensor(c, &t);
}

static uint8_t operand(struct chain *c, int value)
{
	struct npu_lower_view v;
	struct npu_map_tensor t;
	int integers, ret;
	float scale;
	int32_t zp;

	if (npu_lower_dequantised(c->l, value, &integers, &scale, &zp) &&
	    c->l->g->value[integers].t.type != NPU_S32) {
		ret = npu_lower_view(c->l, integers, &v);
		if (ret) {
			c->err = c->err ? c->err : ret;
			return NPU_MAP_OPERAND;
		}
		npu_lower_map_tensor(&v, c->m.dims, &t);
		t.dequant = 1;
		t.zp = zp;
		t.scale = scale;
		return add_tensor(c, &t);
	}
	ret = npu_lower_view(c->l, value, &v);
	if (ret) {
		c->err = c->err ? c->err : ret;
		return NPU_MAP_OPERAND;
	}
	return add_view(c, &v);
}

/* A vector along an axis, or one value. */
static uint8_t axis_operand(struct chain *c, int value, int axis)
{
	const struct npu_graph_tensor *t = &c->l->g->value[value].t;
	struct npu_lower_view v;
	uint32_t d;
	int ret = npu_lower_view(c->l, value, &v);

	if (ret) {
		c->err = c->err ? c->err : ret;
		return NPU_MAP_OPERAND;
	}
	if (npu_graph_count(t->dims, t->shape) > 1) {
		int64_t stride = v.stride[0];

		v.dims = c->m.dims;
		for (d = 0; d < v.dims; d++) {
			v.size[d] = d == (uint32_t)axis ? t->shape[0] : 1;
			v.stride[d] = d == (uint32_t)axis ? stride : 0;
		}
	}
	return add_view(c, &v);
}

/* ---- Operators ------------------------------------------------------------------------------- */

bool npu_lower_is_elementwise(uint32_t op)
{
	return op <= NPU_GRAPH_DEQUANTIZE || op == NPU_GRAPH_BATCH_NORM;
}

static void binary_float(struct chain *c, uint32_t op, int value, bool reversed)
{
	static const uint8_t stages[][2] = {
		[NPU_GRAPH_ADD] = { NPU_STAGE_ADD, NPU_STAGE_ADD },
		[NPU_GRAPH_SUB] = { NPU_STAGE_SUB, NPU_STAGE_RSUB },
		[NPU_GRAPH_MUL] = { NPU_STAGE_MUL, NPU_STAGE_MUL },
		[NPU_GRAPH_DIV] = { NPU_STAGE_DIV, NPU_STAGE_RDIV },
		[NPU_GRAPH_MIN] = { NPU_STAGE_MIN, NPU_STAGE_MIN },
		[NPU_GRAPH_MAX] = { NPU_STAGE_MAX, NPU_STAGE_MAX },
	};
	double v;

	if (npu_lower_scalar(c->l, value, &v))
		stage_imm(c, stages[op][reversed], (float)v);
	else
		stage(c, stages[op][reversed], operand(c, value), 0);
}

static void binary_int(struct chain *c, uint32_t op, uint32_t type, int value)
{
	static const uint8_t stages[] = {
		[NPU_GRAPH_ADD] = NPU_STAGE_IADD, [NPU_GRAPH_SUB] = NPU_STAGE_ISUB,
		[NPU_GRAPH_MUL] = NPU_STAGE_MUL,  [NPU_GRAPH_DIV] = NPU_STAGE_DIV,
		[NPU_GRAPH_MIN] = NPU_STAGE_IMIN, [NPU_GRAPH_MAX] = NPU_STAGE_IMAX,
	};

	if ((op == NPU_GRAPH_MUL && type == NPU_S32) || (op == NPU_GRAPH_DIV && type != NPU_U8)) {
		fail(c, op == NPU_GRAPH_MUL ? "products of int32" : "quotients of signed integers");
		return;
	}
	stage(c, stages[op], operand(c, value), 0);
	if (op == NPU_GRAPH_DIV)
		stage(c, NPU_STAGE_FLOOR, NPU_MAP_NONE, 0);
	if (op == NPU_GRAPH_DIV || op == NPU_GRAPH_MUL)
		stage_quant(c, type, NPU_MAP_IMM, 0);
	/* What comes next in the group sees the operator's result, saturated. */
	if ((op == NPU_GRAPH_ADD || op == NPU_GRAPH_SUB) && type != NPU_S32) {
		stage(c, NPU_STAGE_IMAX, NPU_MAP_IMM, type == NPU_U8 ? 0 : (uint32_t)-128);
		stage(c, NPU_STAGE_IMIN, NPU_MAP_IMM, type == NPU_U8 ? 255 : 127);
	}
}

static void binary(struct chain *c, const struct npu_graph_node *n, unsigned int from)
{
	const struct npu_graph_tensor *x = npu_graph_in(c->l->g, n, 0);
	unsigned int i;

	for (i = 0; i < n->in_count; i++) {
		if (i == from)
			continue;
		if (npu_graph_is_float(x->type))
			binary_float(c, n->op, n->in[i], from > 0);
		else
			binary_int(c, n->op, x->type, n->in[i]);
	}
}

static void power(struct chain *c, const struct npu_graph_node *n)
{
	double e;
	uint8_t x;
	int i, k;

	if (!npu_lower_scalar(c->l, n->in[1], &e)) {
		fail(c, "the exponent is not a constant that is the same everywhere");
		return;
	}
	if (!npu_graph_is_float(npu_graph_in(c->l->g, n, 0)->type)) {
		fail(c, "powers of integers");
		return;
	}
	if (e == 0.5) {
		stage(c, NPU_STAGE_SQRT, NPU_MAP_NONE, 0);
	} else if (e == -0.5) {
		stage(c, NPU_STAGE_RSQRT, NPU_MAP_NONE, 0);
	} else if (e == -1) {
		stage(c, NPU_STAGE_RECIP, NPU_MAP_NONE, 0);
	} else if (e == 0) {
		stage_imm(c, NPU_STAGE_MUL, 0);
		stage_imm(c, NPU_STAGE_ADD, 1);
	} else if (e == rint(e) && fabs(e) <= 64) {
		/* Squares and products from the exponent's highest bit on. */
		k = (int)fabs(e);
		x = k & (k - 1) ? named(c) : 0;
		for (i = 31 - __builtin_clz((unsigned int)k); i-- > 0;) {
			stage(c, NPU_STAGE_MUL, NPU_MAP_X, 0);
			if (k >> i & 1)
				stage(c, NPU_STAGE_MUL, x, 0);
		}
		if (e < 0)
			stage(c, NPU_STAGE_RECIP, NPU_MAP_NONE, 0);
	} else {
		fail(c, "exponents other than whole numbers up to 64, 0.5 and -0.5");
	}
}

/* Towards zero: max(floor(x), 0) + min(ceil(x), 0). */
static void truncate(struct chain *c)
{
	struct npu_map *m = &c->m;
	uint8_t x = named(c), down;

	stage(c, NPU_STAGE_CEIL, NPU_MAP_NONE, 0);
	stage_imm(c, NPU_STAGE_MIN, 0);
	down = through_temp(c);
	m->pass[m->passes - 1].x = x;
	stage(c, NPU_STAGE_FLOOR, NPU_MAP_NONE, 0);
	stage_imm(c, NPU_STAGE_MAX, 0);
	stage(c, NPU_STAGE_ADD, down, 0);
}

static void cast(struct chain *c, const struct npu_graph_node *n)
{
	uint32_t from = npu_graph_in(c->l->g, n, 0)->type, to = n->a.type;

	if (npu_graph_is_float(to)) {
		if (!npu_graph_is_float(from) && !c->floats)
			stage_imm(c, NPU_STAGE_MUL, 1);
		return;
	}
	if (to != NPU_S8 && to != NPU_U8 && to != NPU_S32) {
		fail(c, "a type that the card does not compute in");
	} else if (npu_graph_is_float(from)) {
		/* What does not fit saturates; ONNX leaves that open. */
		truncate(c);
		stage_quant(c, to, NPU_MAP_IMM, 0);
	} else if (to != NPU_S32 && to != from) {
		fail(c, "from integers to narrower ones: the card saturates, ONNX drops bits");
	}
}

static void quantise(struct chain *c, const struct npu_graph_node *n)
{
	const struct npu_graph_tensor *x = npu_graph_in(c->l->g, n, 0),
				      *z = npu_graph_in(c->l->g, n, 2);
	int axis = npu_graph_axis(n->a.axis, x->dims);
	uint32_t type = c->l->g->value[n->out[0]].t.type;
	double v = 0;

	if (npu_lower_scalar(c->l, n->in[1], &v))
		stage_imm(c, NPU_STAGE_DIV, (float)v);
	else
		stage(c, NPU_STAGE_DIV, axis_operand(c, n->in[1], axis), 0);
	v = 0;
	if (!z || npu_lower_scalar(c->l, n->in[2], &v))
		stage_quant(c, type, NPU_MAP_IMM, (int32_t)v);
	else
		stage_quant(c, type, axis_operand(c, n->in[2], axis), 0);
}

static void dequantise(struct chain *c, const struct npu_graph_node *n)
{
	const struct npu_graph_tensor *x = npu_graph_in(c->l->g, n, 0),
				      *z = npu_graph_in(c->l->g, n, 2);
	int axis = npu_graph_axis(n->a.axis, x->dims);
	double v = 0;

	if (z && npu_lower_scalar(c->l, n->in[2], &v)) {
		if (v != 0)
			stage(c, NPU_STAGE_ISUB, NPU_MAP_IMM, (uint32_t)(int32_t)v);
	} else if (z) {
		stage(c, NPU_STAGE_ISUB, axis_operand(c, n->in[2], axis), 0);
	}
	if (npu_lower_scalar(c->l, n->in[1], &v))
		stage_imm(c, NPU_STAGE_MUL, (float)v);
	else
		stage(c, NPU_STAGE_MUL, axis_operand(c, n->in[1], axis), 0);
}

static uint32_t bound(double v)
{
	return (uint32_t)(int32_t)fmin(fmax(v, INT32_MIN), INT32_MAX);
}

static void clip(struct chain *c, const struct npu_graph_node *n)
{
	bool floats = npu_graph_is_float(npu_graph_in(c->l->g, n, 0)->type);

	if (floats) {
		stage_imm(c, NPU_STAGE_MAX, n->a.lo);
		stage_imm(c, NPU_STAGE_MIN, n->a.hi);
		return;
	}
	/* As floats the bounds reach beyond all that an integer can be. */
	if (n->a.lo > INT32_MIN)
		stage(c, NPU_STAGE_IMAX, NPU_MAP_IMM, bound(ceilf(n->a.lo)));
	if (n->a.hi < 0x1p31f)
		stage(c, NPU_STAGE_IMIN, NPU_MAP_IMM, bound(floorf(n->a.hi)));
}

static void hard(struct chain *c, float alpha, float beta)
{
	stage_imm(c, NPU_STAGE_MUL, alpha);
	stage_imm(c, NPU_STAGE_ADD, beta);
	stage_imm(c, NPU_STAGE_MAX, 0);
	stage_imm(c, NPU_STAGE_MIN, 1);
}

static void batch_norm(struct chain *c, const struct npu_graph_node *n)
{
	uint8_t scale = axis_operand(c, n->in[1], 1), bias = axis_operand(c, n->in[2], 1);
	uint8_t mean = axis_operand(c, n->in[3], 1);
	const struct npu_graph_tensor *t = &c->l->g->value[n->in[4]].t;
	struct npu_lower_view v = { .type = NPU_FP32, .dims = c->m.dims };
	struct npu_lower_ref ref;
	void *root;
	uint32_t i;

	if (!t->data) {
		fail(c, "the variance is not a constant");
		return;
	}
	if (!c->err)
		c->err = npu_lower_constant_bytes(c->l, t->shape[0] * 4ull, &root, &ref);
	if (c->err)
		return;
	for (i = 0; i < t->shape[0]; i++)
		((float *)root)[i] =
			sqrtf((float)npu_graph_get_float(t->type, t->data, i) + n->a.epsilon);
	v.buffer = ref.buffer;
	for (i = 0; i < v.dims; i++) {
		v.size[i] = i == 1 ? t->shape[0] : 1;
		v.stride[i] = i == 1;
	}
	stage(c, NPU_STAGE_SUB, mean, 0);
	stage(c, NPU_STAGE_DIV, add_view(c, &v), 0);
	stage(c, NPU_STAGE_MUL, scale, 0);
	stage(c, NPU_STAGE_ADD, bias, 0);
}

/* Operators that are a stage. */
static uint8_t unary_stage(uint32_t op)
{
	switch (op) {
	case NPU_GRAPH_SQRT:
		return NPU_STAGE_SQRT;
	case NPU_GRAPH_RECIPROCAL:
		return NPU_STAGE_RECIP;
	case NPU_GRAPH_EXP:
		return NPU_STAGE_EXP;
	case NPU_GRAPH_LOG:
		return NPU_STAGE_LOG;
	case NPU_GRAPH_ERF:
		return NPU_STAGE_ERF;
	case NPU_GRAPH_FLOOR:
		return NPU_STAGE_FLOOR;
	case NPU_GRAPH_CEIL:
		return NPU_STAGE_CEIL;
	case NPU_GRAPH_ROUND:
		return NPU_STAGE_RINT;
	case NPU_GRAPH_SIGMOID:
		return NPU_STAGE_SIGMOID;
	case NPU_GRAPH_TANH:
		return NPU_STAGE_TANH;
	case NPU_GRAPH_GELU:
		return NPU_STAGE_GELU;
	case NPU_GRAPH_NEG:
		return NPU_STAGE_NEG;
	case NPU_GRAPH_ABS:
		return NPU_STAGE_ABS;
	default:
		return NPU_STAGE_NOP;
	}
}

static void unary(struct chain *c, const struct npu_graph_node *n)
{
	uint32_t type = npu_graph_in(c->l->g, n, 0)->type;
	bool floats = npu_graph_is_float(type);
	uint8_t x;

	if (unary_stage(n->op)) {
		if (!floats && ((n->op != NPU_GRAPH_NEG && n->op != NPU_GRAPH_ABS) ||
				type == NPU_S32 || type == NPU_U8)) {
			fail(c, "this function of integers");
			return;
		}
		stage(c, unary_stage(n->op), NPU_MAP_NONE, 0);
		if (!floats)
			stage_quant(c, type, NPU_MAP_IMM, 0);
		return;
	}
	if (!floats && n->op != NPU_GRAPH_RELU) {
		fail(c, "this function of integers");
		return;
	}
	switch (n->op) {
	case NPU_GRAPH_RELU:
		if (floats)
			stage_imm(c, NPU_STAGE_MAX, 0);
		else
			stage(c, NPU_STAGE_IMAX, NPU_MAP_IMM, 0);
		break;
	case NPU_GRAPH_LEAKY_RELU:
		stage_imm(c, NPU_STAGE_PRELU, n->a.alpha);
		break;
	case NPU_GRAPH_HARD_SIGMOID:
		hard(c, n->a.alpha, n->a.beta);
		break;
	default:
		x = named(c);
		hard(c, 1.0f / 6, 0.5f);
		stage(c, NPU_STAGE_MUL, x, 0);
	}
}

static void apply(struct chain *c, const struct npu_graph_node *n, unsigned int from)
{
	switch (n->op) {
	case NPU_GRAPH_ADD:
	case NPU_GRAPH_SUB:
	case NPU_GRAPH_MUL:
	case NPU_GRAPH_DIV:
	case NPU_GRAPH_MIN:
	case NPU_GRAPH_MAX:
		binary(c, n, from);
		break;
	case NPU_GRAPH_POW:
		power(c, n);
		break;
	case NPU_GRAPH_PRELU:
		if (!npu_graph_is_float(npu_graph_in(c->l->g, n, 0)->type))
			fail(c, "this function of integers");
		else
			stage(c, NPU_STAGE_PRELU, operand(c, n->in[1]), 0);
		break;
	case NPU_GRAPH_CAST:
		cast(c, n);
		break;
	case NPU_GRAPH_CLIP:
		clip(c, n);
		break;
	case NPU_GRAPH_QUANTIZE:
		quantise(c, n);
		break;
	case NPU_GRAPH_DEQUANTIZE:
		dequantise(c, n);
		break;
	case NPU_GRAPH_BATCH_NORM:
		batch_norm(c, n);
		break;
	default:
		unary(c, n);
	}
}

/* ---- A chain --------------------------------------------------------------------------------- */

static void start(struct chain *c, const struct npu_lower_view *x, int value)
{
	c->m.passes = 1;
	/*
	 * Where integers are what this is all about (a DequantizeLinear itself), they come as they
	 * are.
	 */
	now(c)->x = x ? add_view(c, x) : operand(c, value);
	c->floats = npu_graph_is_float(c->m.operand[0].type) || c->m.operand[0].dequant;
}

int npu_lower_elementwise(struct npu_lower *l, unsigned int first, int value,
			  const struct npu_lower_view *x, int under_way)
{
	const struct npu_graph_tensor *t = &l->g->value[value].t;
	struct chain c = { .l = l };
	struct npu_lower_step step = { .kind = NPU_STEP_MAP };
	const struct npu_graph_node *n = &l->g->node[first];
	struct npu_lower_view out, like = { .buffer = -1 };
	unsigned int at = first, from = 0, i;
	int ret;

	c.m.dims = t->dims;
	for (i = 0; i < t->dims; i++)
		c.m.size[i] = t->shape[t->dims - 1 - i];
	/* Layout follows the first tensor that has the whole shape. */
	if (x)
		like = *x;
	for (i = 0; like.buffer < 0 && i < n->in_count; i++) {
		const struct npu_graph_tensor *in = npu_graph_in(l->g, n, i);
		int integers, zp;
		float scale;

		if (!in || in->data || in->dims != t->dims ||
		    memcmp(in->shape, t->shape, t->dims * sizeof(*t->shape)))
			continue;
		if (npu_lower_dequantised(l, n->in[i], &integers, &scale, &zp))
			ret = npu_lower_view(l, integers, &like);
		else
			ret = npu_lower_view(l, n->in[i], &like);
		if (ret)
			return ret;
	}
	if (!x)
		under_way = n->in[0];
	start(&c, x, under_way);
	for (;; at = l->group_next[at]) {
		n = &l->g->node[at];
		for (from = 0; from < n->in_count && n->in[from] != under_way; from++)
			;
		if (from >= n->in_count)
			from = 0;
		apply(&c, n, from);
		if (c.err)
			return c.err;
		under_way = n->out[0];
		if (under_way == value)
			break;
	}
	ret = npu_lower_result(l, value, like.buffer >= 0 ? &like : NULL, &out);
	if (ret)
		return ret;
	now(&c)->out = NPU_MAP_OUT;
	npu_lower_map_tensor(&out, c.m.dims, &c.m.out);
	step.u.map = c.m;
	ret = npu_lower_step_add(l, &step);
	if (!ret)
		l->view[value] = out;
	return ret;
}
