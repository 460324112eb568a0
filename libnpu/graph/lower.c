// SPDX-License-Identifier: MIT
/*
 * Copyright (c) 2026 the npu authors
 *
 * Lowering: buffers, views and steps, and the walk over the nodes.
 *
 * A value is a view of a buffer: an offset and a stride a dimension. So transposing, slicing,
 * splitting, most reshaping and broadcasting cost nothing: they make other views. Kernels take
 * views as far as they can, and copy where they cannot.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "hal/error.h"
#include "npu/image.h"

#include "resident.h"

/*
 * A constant may be wanted in several forms, and one copy a reader: it may not become more than this,
 * and some times what there is.
 */
#define CONSTANTS	(1ull << 27)
#define CONSTANTS_TIMES 8
#define SMALL_TENSOR  256u
/* 60 MB of them. Networks have some thousands; a few bytes of a hostile one ask for billions. */
#define MAX_STEPS 32768u
/*
 * What compiling takes beyond what each step takes in any case, in units of struct npu_effort, each a
 * nanosecond or two: some seconds. ResNet-50 needs about half of one; where it runs out, the plan is
 * coarser.
 */
#define GROUP_EFFORT  (1ull << 29)
#define KERNEL_EFFORT (5ull << 28)
#define ORDER_EFFORT  (1ull << 29)

/* Of constants: are all elements the same? */
enum { UNKNOWN, SAME, DIFFERENT };

/* ---- Buffers --------------------------------------------------------------------------------- */

static int add_buffer(struct npu_lower *l, uint32_t kind, uint64_t size, int io)
{
	int ret = npu_graph_grow(&l->buffer, &l->buffer_room, l->buffers, sizeof(*l->buffer));

	if (ret)
		return ret;
	l->buffer[l->buffers] = (struct npu_lower_buffer){
		.kind = kind, .io = io, .size = size, .first = INT32_MAX, .last = -1
	};
	return (int)l->buffers++;
}

static void dense_view(struct npu_lower_view *v, uint32_t type, uint32_t dims,
		       const uint32_t *shape, const uint32_t *order)
{
	int64_t stride = 1;
	uint32_t i;

	memset(v, 0, sizeof(*v));
	v->type = type;
	v->dims = dims;
	if (dims)
		memcpy(v->size, shape, dims * sizeof(*shape));
	for (i = dims; i-- > 0;) {
		uint32_t d = order ? order[i] : i;

		v->stride[d] = stride;
		stride *= shape[d];
	}
}

int npu_lower_scratch(struct npu_lower *l, uint32_t type, uint32_t dims, const uint32_t *shape,
		      const uint32_t *order, struct npu_lower_view *v)
{
	uint64_t bytes = npu_tensor_bytes(type, dims, shape);

	if (!bytes || bytes > NPU_GRAPH_MAX_BYTES)
		return npu_fail(-ENOTSUP, "too large");
	dense_view(v, type, dims, shape, order);
	v->buffer = add_buffer(l, NPU_LOWER_SCRATCH, bytes, -1);
	return v->buffer < 0 ? v->buffer : 0;
}

int npu_lower_constant_bytes(struct npu_lower *l, uint64_t size, void **data,
			     struct npu_lower_ref *ref)
{
	uint64_t at = npu_round_up(l->constant_size, NPU_PACK_ALIGN);
	uint64_t most = CONSTANTS + CONSTANTS_TIMES * (l->g->given + l->g->folded);

	if (size > most || at + size > most)
		return npu_fail(-ENOTSUP, "constants too large");
	if (at + size > l->constant_room) {
		uint64_t room = npu_max(at + size, l->constant_room * 2);
		uint8_t *grown = realloc(l->constants, room);

		if (!grown)
			return npu_fail(-ENOMEM, "out of memory");
		l->constants = grown;
		l->constant_room = room;
	}
	memset(l->constants + l->constant_size, 0, at + size - l->constant_size);
	l->constant_size = at + size;
	*data = l->constants + at;
	ref->buffer = add_buffer(l, NPU_LOWER_CONSTANTS, size, -1);
	if (ref->buffer < 0)
		return ref->buffer;
	l->buffer[ref->buffer].offset = at;
	ref->offset = 0;
	return 0;
}

int npu_lower_constant(struct npu_lower *l, uint32_t type, uint32_t dims, const uint32_t *shape,
		       const void *data, struct npu_lower_view *v)
{
	struct npu_lower_ref ref;
	void *place;
	int ret = npu_lower_constant_bytes(l, npu_tensor_bytes(type, dims, shape), &place, &ref);

	if (ret)
		return ret;
	memcpy(place, data, npu_tensor_bytes(type, dims, shape));
	dense_view(v, type, dims, shape, NULL);
	v->buffer = ref.buffer;
	return 0;
}

uint32_t npu_lower_storage(const struct npu_lower *l, uint32_t type)
{
	return type == NPU_FP32 ? l->float_type : type;
}

/* ---- Views ----------------------------------------------------------------------------------- */

/* A constant keeps its precision: FP32 operands of the VPU cost little. */
static int constant_value(struct npu_lower *l, int value)
{
	const struct npu_graph_tensor *t = &l->g->value[value].t;

	return npu_lower_constant(l, t->type, t->dims, t->shape, t->data, &l->view[value]);
}

static int dequantised_value(struct npu_lower *l, int value)
{
	const struct npu_graph_node *n = &l->g->node[l->g->value[value].producer];
	const struct npu_graph_tensor *t = &l->g->value[value].t;
	struct npu_graph_shape shape = { .type = t->type, .dims = t->dims };
	struct npu_lower_view v;
	unsigned int i;
	void *data;
	int ret;

	for (i = 0; i < n->in_count; i++)
		if (n->in[i] >= 0 && !l->g->value[n->in[i]].t.data)
			return npu_lower_elementwise(l, (unsigned int)(n - l->g->node), value, NULL,
						     -1);
	memcpy(shape.shape, t->shape, sizeof(shape.shape));
	ret = npu_graph_fold(l->g, n, 0, &shape, &data);
	if (ret)
		return ret;
	ret = npu_lower_constant(l, t->type, t->dims, t->shape, data, &v);
	free(data);
	l->view[value] = v;
	return ret;
}

int npu_lower_view(struct npu_lower *l, int value, struct npu_lower_view *v)
{
	const struct npu_graph_value *x = &l->g->value[value];
	int ret = 0;

	if (l->view[value].buffer < 0) {
		if (x->t.data)
			ret = constant_value(l, value);
		else if (x->producer >= 0 && l->g->node[x->producer].op == NPU_GRAPH_DEQUANTIZE)
			ret = dequantised_value(l, value);
		else
			ret = npu_fail(-ECANCELED, "its input could not be made");
	}
	*v = l->view[value];
	return ret;
}

void npu_lower_cut(struct npu_lower_view *v, uint32_t d, int64_t first, uint32_t count,
		   int64_t step)
{
	v->offset += first * v->stride[d] * (int64_t)npu_graph_type_size(v->type);
	v->size[d] = count;
	/* The step of one alone may be anything, and steps of steps overflow. */
	if (count > 1)
		v->stride[d] *= step;
}

bool npu_lower_is_dense(const struct npu_lower_view *v)
{
	int64_t stride = 1;
	uint32_t d;

	for (d = v->dims; d-- > 0;) {
		if (v->size[d] > 1 && v->stride[d] != stride)
			return false;
		stride *= v->size[d];
	}
	return true;
}

/*
 * Dimensions of size 1 are dealt out freely; the others are split or merged where their strides
 * allow.
 */
bool npu_lower_reshape(const struct npu_lower_view *v, uint32_t dims, const uint32_t *shape,
		       struct npu_lower_view *out)
{
	uint64_t size[NPU_MAX_DIMS];
	uint32_t n = 0, i, d = 0;
	int64_t stride[NPU_MAX_DIMS];

	*out = *v;
	out->dims = dims;
	/* What can be merged, is. */
	for (i = 0; i < v->dims; i++) {
		if (v->size[i] == 1)
			continue;
		if (n && stride[n - 1] == v->stride[i] * v->size[i]) {
			size[n - 1] *= v->size[i];
			stride[n - 1] = v->stride[i];
		} else {
			size[n] = v->size[i];
			stride[n++] = v->stride[i];
		}
	}
	/* Then each is split into the new ones, outermost first. */
	for (i = 0; i < n; i++) {
		uint64_t left = size[i];

		while (left > 1) {
			while (d < dims && shape[d] == 1) {
				out->size[d] = 1;
				out->stride[d++] = 0;
			}
			if (d == dims || left % shape[d])
				return false;
			left /= shape[d];
			out->size[d] = shape[d];
			out->stride[d++] = stride[i] * (int64_t)left;
		}
	}
	for (; d < dims; d++) {
		if (shape[d] != 1)
			return false;
		out->size[d] = 1;
		out->stride[d] = 0;
	}
	return true;
}

/* Dimensions by descending stride: the order in which @v lies in memory. */
static void memory_order(const struct npu_lower_view *v, uint32_t *order)
{
	uint32_t i, j;

	for (i = 0; i < v->dims; i++) {
		for (j = i; j > 0 && llabs(v->stride[order[j - 1]]) < llabs(v->stride[i]); j--)
			order[j] = order[j - 1];
		order[j] = i;
	}
}

int npu_lower_result(struct npu_lower *l, int value, const struct npu_lower_view *like,
		     struct npu_lower_view *v)
{
	const struct npu_graph_tensor *t = &l->g->value[value].t;
	uint32_t order[NPU_MAX_DIMS], type;
	unsigned int i;

	for (i = 0; i < l->g->outputs; i++) {
		if (l->g->output[i].tensor != value || l->output_placed[i])
			continue;
		dense_view(v, t->type, t->dims, t->shape, NULL);
		v->buffer = add_buffer(l, NPU_LOWER_OUTPUT,
				       npu_tensor_bytes(t->type, t->dims, t->shape), (int)i);
		if (v->buffer < 0)
			return v->buffer;
		l->output_placed[i] = true;
		return 0;
	}
	/* Small tensors (scales, statistics) keep their precision: it costs nothing. */
	type = npu_graph_count(t->dims, t->shape) <= SMALL_TENSOR ? t->type :
								    npu_lower_storage(l, t->type);
	if (like && like->dims == t->dims && t->dims) {
		memory_order(like, order);
		return npu_lower_scratch(l, type, t->dims, t->shape, order, v);
	}
	return npu_lower_scratch(l, type, t->dims, t->shape, NULL, v);
}

/* Looked through once: thousands of nodes may ask. */
bool npu_lower_scalar(const struct npu_lower *l, int value, double *v)
{
	const struct npu_graph_tensor *t = &l->g->value[value].t;
	uint64_t count = npu_graph_count(t->dims, t->shape), i = 1;

	if (!t->data)
		return false;
	*v = npu_graph_get_float(t->type, t->data, 0);
	if (l->same[value] == UNKNOWN) {
		while (i < count && npu_graph_get_float(t->type, t->data, i) == *v)
			i++;
		l->same[value] = i == count ? SAME : DIFFERENT;
	}
	return l->same[value] == SAME;
}

bool npu_lower_dequantised(const struct npu_lower *l, int value, int *integers, float *scale,
			   int32_t *zp)
{
	int producer = l->g->value[value].producer;
	const struct npu_graph_node *n;
	double v = 0;

	if (producer < 0 || l->g->value[value].t.data ||
	    l->g->node[producer].op != NPU_GRAPH_DEQUANTIZE)
		return false;
	n = &l->g->node[producer];
	if (npu_graph_in(l->g, n, 2) && !npu_lower_scalar(l, n->in[2], &v))
		return false;
	*zp = (int32_t)v;
	if (!npu_lower_scalar(l, n->in[1], &v))
		return false;
	*scale = (float)v;
	*integers = n->in[0];
	return *scale > 0;
}

/* ---- Steps ----------------------------------------------------------------------------------- */

static void touch(struct npu_lower *l, int buffer)
{
	struct npu_lower_buffer *b = &l->buffer[buffer];

	b->first = (int)npu_min((uint64_t)b->first, l->steps);
	b->last = (int)l->steps;
}

int npu_lower_step_add(struct npu_lower *l, const struct npu_lower_step *step)
{
	uint32_t i;
	int ret;

	if (l->steps == MAX_STEPS)
		return npu_fail(-ENOTSUP,
				"more than %u steps, which is more than any network needs",
				MAX_STEPS);
	ret = npu_graph_grow(&l->step, &l->step_room, l->steps, sizeof(*l->step));
	if (ret)
		return ret;
	l->step[l->steps] = *step;
	l->step[l->steps].node = l->node;
	switch (step->kind) {
	case NPU_STEP_PRODUCT:
		l->products++;
		for (i = 0; i < 8; i++)
			if (step->ref[i].buffer >= 0)
				touch(l, step->ref[i].buffer);
		break;
	case NPU_STEP_MAP:
		for (i = 0; i < step->u.map.operands; i++)
			touch(l, (int)step->u.map.operand[i].region);
		touch(l, (int)step->u.map.out.region);
		break;
	default:
		touch(l, (int)step->u.gather.table_region);
		touch(l, (int)step->u.gather.index_region);
		touch(l, (int)step->u.gather.out_region);
	}
	l->steps++;
	return 0;
}

void npu_lower_map_tensor(const struct npu_lower_view *v, uint32_t dims, struct npu_map_tensor *t)
{
	uint32_t i, d;

	memset(t, 0, sizeof(*t));
	t->region = (uint32_t)v->buffer;
	t->type = v->type;
	t->offset = v->offset;
	for (i = 0; i < dims && i < v->dims; i++) {
		d = v->dims - 1 - i;
		t->stride[i] =
			v->size[d] == 1 ? 0 : v->stride[d] * (int64_t)npu_graph_type_size(v->type);
	}
}

/* 64-bit elements as pairs of words: good enough to be moved. */
static void as_words(struct npu_lower_view *v)
{
	uint32_t d;

	for (d = 0; d < v->dims; d++)
		v->stride[d] *= 2;
	v->size[v->dims] = 2;
	v->stride[v->dims++] = 1;
	v->type = NPU_S32;
}

int npu_lower_copy(struct npu_lower *l, const struct npu_lower_view *src,
		   const struct npu_lower_view *dst)
{
	struct npu_lower_step step = { .kind = NPU_STEP_MAP };
	struct npu_map *m = &step.u.map;
	struct npu_lower_view from, to;
	uint32_t i;

	if (src->type == NPU_S64) {
		if (dst->type != NPU_S64 || dst->dims == NPU_MAX_DIMS || src->dims != dst->dims)
			return npu_fail(-ENOTSUP, "int64 tensors can only be moved");
		from = *src;
		to = *dst;
		as_words(&from);
		as_words(&to);
		return npu_lower_copy(l, &from, &to);
	}
	m->dims = dst->dims;
	for (i = 0; i < dst->dims; i++)
		m->size[i] = dst->size[dst->dims - 1 - i];
	m->operands = 1;
	npu_lower_map_tensor(src, m->dims, &m->operand[0]);
	npu_lower_map_tensor(dst, m->dims, &m->out);
	m->passes = 1;
	m->pass[0] = (struct npu_map_pass){ .x = NPU_MAP_OPERAND, .out = NPU_MAP_OUT };
	return npu_lower_step_add(l, &step);
}

int npu_lower_dense(struct npu_lower *l, struct npu_lower_view *v, uint32_t type,
		    const uint32_t *order)
{
	struct npu_lower_view dst;
	bool fits = v->type == type;
	int64_t stride = 1;
	uint32_t i;
	int ret;

	for (i = v->dims; i-- > 0;) {
		uint32_t d = order ? order[i] : i;

		if (v->size[d] > 1 && v->stride[d] != stride)
			fits = false;
		stride *= v->size[d];
	}
	if (fits)
		return 0;
	ret = npu_lower_scratch(l, type, v->dims, v->size, order, &dst);
	if (!ret)
		ret = npu_lower_copy(l, v, &dst);
	*v = dst;
	return ret;
}

/* ---- The walk -------------------------------------------------------------------------------- */

static int lower_node(struct npu_lower *l, unsigned int i)
{
	switch (l->g->node[i].op) {
	case NPU_GRAPH_DEQUANTIZE:
		return 0; /* when somebody wants its floats */
	case NPU_GRAPH_DYNAMIC_QUANTIZE:
		return npu_lower_dynamic_quantise(l, i);
	case NPU_GRAPH_MATMUL:
	case NPU_GRAPH_GEMM:
	case NPU_GRAPH_MATMUL_INTEGER:
	case NPU_GRAPH_QLINEAR_MATMUL:
	case NPU_GRAPH_CONV:
	case NPU_GRAPH_CONV_INTEGER:
	case NPU_GRAPH_QLINEAR_CONV:
	case NPU_GRAPH_CONV_TRANSPOSE:
		return npu_lower_product(l, i);
	case NPU_GRAPH_MAX_POOL:
	case NPU_GRAPH_AVERAGE_POOL:
		return npu_lower_pool(l, i);
	case NPU_GRAPH_REDUCE_MEAN:
	case NPU_GRAPH_REDUCE_SUM:
	case NPU_GRAPH_REDUCE_MAX:
	case NPU_GRAPH_REDUCE_MIN:
		return npu_lower_reduce(l, i);
	case NPU_GRAPH_SOFTMAX:
		return npu_lower_softmax(l, i);
	case NPU_GRAPH_LAYER_NORM:
	case NPU_GRAPH_INSTANCE_NORM:
		return npu_lower_norm(l, i);
	case NPU_GRAPH_RESIZE:
		return npu_lower_resize(l, i);
	default:
		if (npu_lower_is_elementwise(l->g->node[i].op)) {
			/* The group's last node makes the value. */
			unsigned int last = i;

			while (l->group_next[last] != UINT32_MAX)
				last = l->group_next[last];
			if (l->view[l->g->node[last].out[0]].buffer >= 0)
				return 0;
			return npu_lower_elementwise(l, i, l->g->node[last].out[0], NULL, -1);
		}
		return npu_lower_move(l, i);
	}
}

/*
 * Groups: a node whose only reader is element-wise and does not change the shape is continued by
 * that. The group is lowered where its last node stands: by then all that it reads is there.
 */
static bool continues(const struct npu_lower *l, unsigned int i, unsigned int next,
		      unsigned int length)
{
	const struct npu_graph_node *n = &l->g->node[i], *m = &l->g->node[next];
	const struct npu_graph_tensor *a = &l->g->value[n->out[0]].t,
				      *b = &l->g->value[m->out[0]].t;
	unsigned int k, reads = 0;

	/* A DequantizeLinear waits for who wants its floats: most want what it is made of. */
	if (!npu_lower_is_elementwise(m->op) || m->op == NPU_GRAPH_DEQUANTIZE ||
	    n->out_count != 1 || length >= 6)
		return false;
	if (a->dims != b->dims || memcmp(a->shape, b->shape, a->dims * sizeof(*a->shape)))
		return false;
	for (k = 0; k < m->in_count; k++)
		reads += m->in[k] == n->out[0];
	/* Who reads it as anything but what is worked on (a scale, say) needs it in memory. */
	return reads == 1 && m->in_count <= 3 &&
	       (m->in[0] == n->out[0] || ((m->op <= NPU_GRAPH_MAX) && npu_graph_is_float(a->type)));
}

static bool heads(uint32_t op)
{
	return npu_lower_is_elementwise(op) || op == NPU_GRAPH_CONV || op == NPU_GRAPH_MATMUL ||
	       op == NPU_GRAPH_GEMM || op == NPU_GRAPH_MATMUL_INTEGER ||
	       op == NPU_GRAPH_CONV_INTEGER;
}

static void find_groups(struct npu_lower *l)
{
	unsigned int i, k, length;

	for (i = 0; i < l->g->nodes; i++)
		for (k = 0; k < l->g->node[i].in_count; k++)
			if (l->g->node[i].in[k] >= 0)
				l->consumer[l->g->node[i].in[k]] = (int)i;
	for (i = 0; i < l->g->nodes; i++) {
		unsigned int at = i;

		if (l->in_group[i] || !heads(l->g->node[i].op) ||
		    l->g->node[i].op == NPU_GRAPH_DEQUANTIZE)
			continue;
		for (length = 1;; length++) {
			int value = l->g->node[at].out[0], next = l->consumer[value];

			if (l->g->value[value].consumers != 1 || next < 0 || l->in_group[next] ||
			    !continues(l, at, (unsigned int)next, length))
				break;
			l->group_next[at] = (uint32_t)next;
			l->in_group[next] = true;
			at = (unsigned int)next;
		}
	}
}

unsigned int npu_lower_group_length(const struct npu_lower *l, unsigned int first)
{
	unsigned int n = 1;

	for (; l->group_next[first] != UINT32_MAX; first = l->group_next[first])
		n++;
	return n;
}

/*
 * Outputs that nobody wrote where they belong: inputs, constants, views, what has another layout.
 */
static int place_outputs(struct npu_lower *l)
{
	unsigned int i;
	int ret;

	for (i = 0; i < l->g->outputs; i++) {
		struct npu_lower_view v, dst;

		if (l->output_placed[i])
			continue;
		l->node = l->g->nodes + i;
		ret = npu_lower_view(l, l->g->output[i].tensor, &v);
		if (!ret)
			ret = npu_lower_result(l, l->g->output[i].tensor, NULL, &dst);
		if (!ret)
			ret = npu_lower_copy(l, &v, &dst);
		if (ret == -ENOTSUP)
			ret = npu_graph_add_issue(l->g, l->g->output[i].name, npu_error());
		if (ret && ret != -ECANCELED)
			return ret;
	}
	return 0;
}

static int prepare(struct npu_lower *l)
{
	unsigned int i, values = l->g->values + 1, nodes = l->g->nodes + 1;

	l->group_effort.limit = GROUP_EFFORT;
	l->kernel_effort.limit = KERNEL_EFFORT;
	l->order_effort.limit = ORDER_EFFORT;

	l->view = calloc(values, sizeof(*l->view));
	l->cast = calloc(values, sizeof(*l->cast));
	l->same = calloc(values, sizeof(*l->same));
	l->consumer = malloc(values * sizeof(*l->consumer));
	l->group_next = malloc(nodes * sizeof(*l->group_next));
	l->in_group = calloc(nodes, sizeof(*l->in_group));
	l->output_placed = calloc(l->g->outputs + 1, sizeof(*l->output_placed));
	if (!l->view || !l->cast || !l->same || !l->consumer || !l->group_next || !l->in_group ||
	    !l->output_placed)
		return npu_fail(-ENOMEM, "out of memory");
	for (i = 0; i < values; i++) {
		l->view[i].buffer = -1;
		l->cast[i].buffer = -1;
		l->consumer[i] = -1;
	}
	memset(l->group_next, 0xff, nodes * sizeof(*l->group_next));
	for (i = 0; i < l->g->values; i++) {
		const struct npu_graph_tensor *t = &l->g->value[i].t;

		if (!l->g->value[i].input)
			continue;
		dense_view(&l->view[i], t->type, t->dims, t->shape, NULL);
		l->view[i].buffer = add_buffer(
			l, NPU_LOWER_INPUT, npu_tensor_bytes(t->type, t->dims, t->shape), (int)i);
		if (l->view[i].buffer < 0)
			return l->view[i].buffer;
	}
	find_groups(l);
	return 0;
}

int npu_lower_graph(struct npu_lower *l)
{
	int ret = prepare(l);
	unsigned int i, *first;

	if (ret)
		return ret;
	/* Where each group is lowered: at its last node. */
	first = malloc((l->g->nodes + 1) * sizeof(*first));
	if (!first)
		return npu_fail(-ENOMEM, "out of memory");
	for (i = 0; i < l->g->nodes; i++)
		first[i] = UINT32_MAX;
	for (i = 0; i < l->g->nodes; i++) {
		unsigned int last = i;

		if (l->in_group[i])
			continue;
		while (l->group_next[last] != UINT32_MAX)
			last = l->group_next[last];
		first[last] = i;
	}
	for (i = 0; i < l->g->nodes && (!ret || ret == -ECANCELED); i++) {
		if (first[i] == UINT32_MAX)
			continue;
		l->node = first[i];
		ret = lower_node(l, first[i]);
		/* What its inputs could not be made of has been said already. */
		if (ret == -ENOTSUP || ret == -EINVAL)
			ret = npu_graph_add_issue(l->g, l->g->node[first[i]].name, npu_error());
	}
	free(first);
	if (!ret || ret == -ECANCELED)
		ret = place_outputs(l);
	for (i = 0; i < l->g->outputs && !ret && !l->g->issues; i++)
		if (!l->output_placed[i])
			ret = npu_fail(-EINVAL, "output %s was not made", l->g->output[i].name);
	return ret;
}

void npu_lower_free(struct npu_lower *l)
{
	while (l->residents)
		npu_resident_free(&l->resident[--l->residents]);
	npu_timer_free(l->timer);
	free(l->resident);
	npu_lower_free_kernels(l);
	free(l->view);
	free(l->cast);
	free(l->same);
	free(l->consumer);
	free(l->group_next);
	free(l->in_group);
	free(l->output_placed);
	free(l->buffer);
	free(l->step);
	free(l->constants);
}
