// SPDX-License-Identifier: MIT
/*
 * Copyright (c) 2026 the npu authors
 *
 * From planned steps to one stream a core, and the image.
 *
 * Kernels write streams of their own, whose regions are operands; their commands are taken over
 * with the network's regions and offsets, without semaphores. Equal kernels are planned once. When
 * all is there, npu_stream_sync() orders each core's stream; between cores barriers do: before a
 * step that touches what steps since the last barrier have written, or writes what they have read.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "hal/error.h"
#include "hal/image.h"
#include "npu/image.h"
#include "qemu-device/card/isa.h"

#include "resident.h"

/* Of all cores together: what is so large is no network but an attempt to find the end of memory. */
#define MAX_CODE (1ull << 28)

/* Steps without a barrier: whoever comes next is compared with all of them. */
#define MAX_EPOCH 256u

struct emission {
	struct npu_lower *l;
	struct npu_stream *stream[NPU_MAX_CORES];
	unsigned int epoch; /* the first step after the last barrier */
};

/* ---- Barriers -------------------------------------------------------------------------------- */

/* Calls @fn for each buffer of a step; true ends it. */
static bool each_buffer(const struct npu_lower_step *s,
			bool (*fn)(void *opaque, int buffer, bool written), void *opaque)
{
	unsigned int i;

	switch (s->kind) {
	case NPU_STEP_PRODUCT:
		for (i = 0; i < 8; i++)
			if (s->ref[i].buffer >= 0 &&
			    fn(opaque, s->ref[i].buffer, i == NPU_OP_REGION_OUT))
				return true;
		return false;
	case NPU_STEP_MAP:
		for (i = 0; i < s->u.map.operands; i++)
			if (fn(opaque, (int)s->u.map.operand[i].region, false))
				return true;
		return fn(opaque, (int)s->u.map.out.region, true);
	default:
		return fn(opaque, (int)s->u.gather.table_region, false) ||
		       fn(opaque, (int)s->u.gather.index_region, false) ||
		       fn(opaque, (int)s->u.gather.out_region, true);
	}
}

struct conflict {
	const struct npu_lower *l;
	const struct npu_lower_step *other;
	int buffer;
	bool written;
};

static bool overlaps(const struct npu_lower *l, int a, int b)
{
	const struct npu_lower_buffer *x = &l->buffer[a], *y = &l->buffer[b];

	return !x->nowhere && !y->nowhere && x->region == y->region &&
	       x->offset < y->offset + y->size && y->offset < x->offset + x->size;
}

static bool conflicts_with(void *opaque, int buffer, bool written)
{
	struct conflict *c = opaque;

	return (written || c->written) && overlaps(c->l, buffer, c->buffer);
}

static bool conflicts_any(void *opaque, int buffer, bool written)
{
	struct conflict *c = opaque;

	c->buffer = buffer;
	c->written = written;
	return each_buffer(c->other, conflicts_with, c);
}

static void barrier(struct emission *e, unsigned int first)
{
	unsigned int core;

	for (core = 0; core < e->l->cores; core++)
		npu_stream_barrier(e->stream[core], first);
	e->epoch = first;
}

/* A barrier before steps [@first, @end) if one of them conflicts with those since the last one. */
static void separate(struct emission *e, unsigned int first, unsigned int end)
{
	struct npu_lower *l = e->l;
	unsigned int i, step;

	if (l->cores == 1)
		return;
	if (first - e->epoch >= MAX_EPOCH) {
		barrier(e, first);
		return;
	}
	for (step = first; step < end; step++) {
		for (i = e->epoch; i < first; i++) {
			struct conflict c = { .l = l, .other = &l->step[i] };

			if (!each_buffer(&l->step[step], conflicts_any, &c))
				continue;
			barrier(e, first);
			return;
		}
	}
}

/* ---- Products -------------------------------------------------------------------------------- */

static void place(const struct npu_lower *l, const struct npu_lower_ref *ref, uint8_t *region,
		  __le64 *offset)
{
	const struct npu_lower_ref *r = &ref[*region];

	*region = l->buffer[r->buffer].region;
	*offset += l->buffer[r->buffer].offset + (uint64_t)r->offset;
}

/* Take a kernel's commands over. Their semaphores are left behind: builders do not look at them. */
static int take_over(const struct npu_lower *l, struct npu_stream *to,
		     const struct npu_stream *from, const struct npu_lower_step *s)
{
	size_t at;

	for (at = 0; at < from->size;) {
		union {
			struct npu_cmd h;
			struct npu_cmd_load load;
			struct npu_cmd_store store;
			struct npu_cmd_matmul matmul;
			struct npu_cmd_conv conv;
			struct npu_cmd_vpu vpu;
			struct npu_cmd_pool pool;
		} c;
		const struct npu_cmd *h = (const void *)(from->data + at);

		memcpy(&c, h, h->size);
		at += h->size;
		switch (h->opcode) {
		case NPU_OP_LOAD:
			place(l, s->ref, &c.load.region, &c.load.offset);
			npu_stream_load(to, &c.load);
			break;
		case NPU_OP_STORE:
			place(l, s->ref, &c.store.region, &c.store.offset);
			npu_stream_store(to, &c.store);
			break;
		case NPU_OP_MATMUL:
			npu_stream_matmul(to, &c.matmul);
			break;
		case NPU_OP_CONV:
			npu_stream_conv(to, &c.conv);
			break;
		case NPU_OP_VPU:
			npu_stream_vpu(to, &c.vpu);
			break;
		case NPU_OP_POOL:
			npu_stream_pool(to, &c.pool);
			break;
		default:
			return npu_fail(-EINVAL, "a kernel has a command that no kernel has");
		}
	}
	return to->error ? npu_fail(to->error, NPU_STREAM_ERROR) : 0;
}

/* ---- Steps ----------------------------------------------------------------------------------- */

static void place_map_tensor(const struct npu_lower *l, struct npu_map_tensor *t)
{
	const struct npu_lower_buffer *b = &l->buffer[t->region];

	t->region = b->region;
	t->offset += (int64_t)b->offset;
}

static void place_gather(const struct npu_lower *l, uint32_t *region, int64_t *offset)
{
	const struct npu_lower_buffer *b = &l->buffer[*region];

	*region = b->region;
	*offset += (int64_t)b->offset;
}

/* The step that commands from @at on belong to. */
static void tag(struct npu_stream *s, size_t at, uint32_t number)
{
	struct npu_cmd *cmd;

	for (; at < s->size; at += cmd->size) {
		cmd = (void *)(s->data + at);
		cmd->tag = number;
	}
}

static int emit_step(struct emission *e, unsigned int number)
{
	struct npu_lower *l = e->l;
	struct npu_lower_step s = l->step[number];
	struct npu_gang *gang = NULL;
	unsigned int core, i;
	int ret = 0;

	if (s.kind == NPU_STEP_PRODUCT)
		ret = npu_lower_kernel(l, &s, &gang);
	for (i = 0; s.kind == NPU_STEP_MAP && i < s.u.map.operands; i++)
		place_map_tensor(l, &s.u.map.operand[i]);
	if (s.kind == NPU_STEP_MAP)
		place_map_tensor(l, &s.u.map.out);
	if (s.kind == NPU_STEP_GATHER) {
		place_gather(l, &s.u.gather.table_region, &s.u.gather.table_offset);
		place_gather(l, &s.u.gather.index_region, &s.u.gather.index_offset);
		place_gather(l, &s.u.gather.out_region, &s.u.gather.out_offset);
	}
	for (core = 0; core < l->cores && !ret; core++) {
		size_t before = e->stream[core]->size;

		if (s.kind == NPU_STEP_MAP)
			ret = npu_map_emit(e->stream[core], l->caps, &s.u.map, core, l->cores);
		else if (s.kind == NPU_STEP_GATHER)
			ret = npu_gather_emit(e->stream[core], l->caps, &s.u.gather, core,
					      l->cores);
		else if (core < gang->cores)
			ret = take_over(l, e->stream[core], gang->stream[core], &s);
		tag(e->stream[core], before, number);
	}
	return ret;
}

/* ---- The image ------------------------------------------------------------------------------- */

/* Do a node's integers stand for what they stood for before it? */
static bool keeps_scale(uint32_t op)
{
	return op == NPU_GRAPH_MAX_POOL || op == NPU_GRAPH_REDUCE_MAX ||
	       op == NPU_GRAPH_REDUCE_MIN || op == NPU_GRAPH_IDENTITY || op == NPU_GRAPH_RESHAPE ||
	       op == NPU_GRAPH_TRANSPOSE || op == NPU_GRAPH_EXPAND || op == NPU_GRAPH_CONCAT ||
	       op == NPU_GRAPH_SPLIT || op == NPU_GRAPH_SLICE || op == NPU_GRAPH_PAD ||
	       op == NPU_GRAPH_GATHER;
}

/*
 * What integers of an input or output stand for: the DequantizeLinear that reads it says so, or the
 * QuantizeLinear that makes it, though they may have moved in between.
 */
static void quantisation(const struct npu_lower *l, int value, struct npu_tensor_info *info)
{
	bool in = info->role == NPU_TENSOR_INPUT;
	int node = in ? l->consumer[value] : l->g->value[value].producer;
	const struct npu_graph_node *n = node < 0 ? NULL : &l->g->node[node];
	double scale, zero = 0;

	while (n && keeps_scale(n->op)) {
		node = in ? l->consumer[n->out[0]] : l->g->value[n->in[0]].producer;
		n = node < 0 ? NULL : &l->g->node[node];
	}
	if (!n || n->op != (in ? NPU_GRAPH_DEQUANTIZE : NPU_GRAPH_QUANTIZE) ||
	    !npu_lower_scalar(l, n->in[1], &scale) ||
	    (npu_graph_in(l->g, n, 2) && !npu_lower_scalar(l, n->in[2], &zero)))
		return;
	info->scale = (float)scale;
	info->zero_point = (int32_t)zero;
}

static void describe(const struct npu_lower *l, struct npu_tensor_info *info, const char *name,
		     uint32_t role, int value, int buffer)
{
	const struct npu_graph_tensor *t = &l->g->value[value].t;

	*info = (struct npu_tensor_info){
		.name = name,
		.role = role,
		.type = t->type,
		.dims = t->dims,
		.region = l->buffer[buffer].region,
		.offset = l->buffer[buffer].offset,
	};
	memcpy(info->shape, t->shape, t->dims * sizeof(*t->shape));
	quantisation(l, value, info);
}

/*
 * Inputs, then outputs, each in the graph's order. Inputs that nothing reads are in the table all
 * the same: whoever calls need not know.
 */
static void describe_all(const struct npu_lower *l, struct npu_tensor_info *info, uint32_t *count)
{
	uint32_t inputs = 0;
	unsigned int i;

	/* Inputs have buffers in their order, and each output has one. */
	for (i = 0; i < l->buffers; i++)
		if (l->buffer[i].kind == NPU_LOWER_INPUT)
			describe(l, &info[inputs++], l->g->value[l->buffer[i].io].t.name,
				 NPU_TENSOR_INPUT, l->buffer[i].io, (int)i);
	for (i = 0; i < l->buffers; i++) {
		const struct npu_lower_buffer *b = &l->buffer[i];

		if (b->kind == NPU_LOWER_OUTPUT)
			describe(l, &info[inputs + b->io], l->g->output[b->io].name,
				 NPU_TENSOR_OUTPUT, l->g->output[b->io].tensor, (int)i);
	}
	*count = inputs + l->g->outputs;
}

static int write_image(struct emission *e, void **data, size_t *size)
{
	struct npu_lower *l = e->l;
	struct npu_image image = {
		.isa = NPU_ISA_MAJOR << 16 | NPU_ISA_MINOR,
		.spm_size = l->caps->spm_size,
		.acc_size = l->caps->acc_size,
		.cores = l->cores,
	};
	struct npu_tensor_info *info = calloc(l->buffers + 1, sizeof(*info));
	struct npu_layer *layers = NULL;
	unsigned int i;
	int ret;

	if (!info)
		return npu_fail(-ENOMEM, "out of memory");
	for (i = 0; i < l->cores; i++)
		image.code[i] = npu_stream_code(e->stream[i]);
	ret = npu_code_check(l->caps, image.code, l->cores, NULL, NULL);
	if (!ret)
		ret = npu_code_regions(image.code, l->cores, image.region);
	describe_all(l, info, &image.tensor_count);
	image.tensors = info;
	for (i = 0; i < image.tensor_count && !ret; i++) {
		struct npu_region_info *r = &image.region[info[i].region];

		r->kind = NPU_REGION_BOUND;
		r->size = npu_max(r->size,
				  info[i].offset + npu_tensor_bytes(info[i].type, info[i].dims,
								    info[i].shape));
	}
	if (!ret && image.region[0].kind) {
		image.region[0].kind = NPU_REGION_CONSTANTS;
		image.region[0].size = l->constant_size;
		image.constants = l->constants;
		image.constants_size = l->constant_size;
	}
	if (!ret)
		ret = npu_lower_layers(l, &layers, &image.layer_count);
	image.layers = layers;
	if (!ret)
		ret = npu_image_write(&image, data, size);
	free(layers);
	free(info);
	return ret;
}

static int too_many_commands(void)
{
	return npu_fail(-ENOTSUP,
			"more than %llu MiB of commands: its tensors are too large or too "
			"scattered for this card",
			MAX_CODE >> 20);
}

static int check_code(const struct emission *e)
{
	uint64_t bytes = 0;
	unsigned int core;

	for (core = 0; core < e->l->cores; core++)
		bytes += e->stream[core]->size;
	return bytes <= MAX_CODE ? 0 : too_many_commands();
}

/* A core's commands, within its share of what is left for all. */
static int order(struct emission *e, unsigned int core)
{
	struct npu_effort *all = &e->l->order_effort;
	struct npu_effort share = { .limit = npu_effort_left(all) / (e->l->cores - core) };
	int ret = npu_stream_order(e->stream[core], e->l->caps, &share);

	all->spent += share.spent;
	return ret;
}

int npu_lower_emit(struct npu_lower *l, void **image, size_t *size)
{
	struct emission e = { .l = l };
	bool full = false;
	unsigned int i, count, group = 0;
	int ret = 0;

	for (i = 0; i < l->cores && !ret; i++) {
		e.stream[i] = npu_stream_create();
		if (!e.stream[i])
			ret = npu_fail(-ENOMEM, "out of memory");
	}
	for (i = 0; i < l->steps && !ret && !full; i += count) {
		const struct npu_resident *r =
			group < l->residents && l->resident[group].first == i ?
				&l->resident[group++] :
				NULL;

		count = r ? r->steps : 1;
		separate(&e, i, i + count);
		ret = r ? npu_resident_emit(l, r, e.stream, &e.epoch) : emit_step(&e, i);
		if (ret == -ENOSPC)
			ret = too_many_commands();
		full = !ret && check_code(&e);
		if (full || ret == -ENOTSUP || ret == -EINVAL)
			ret = npu_graph_add_issue(l->g, npu_lower_step_name(l, &l->step[i]),
						  npu_error());
	}
	if (!ret && l->g->issues)
		ret = npu_fail(-ENOTSUP, "%u things cannot be compiled, first of all %s",
			       l->g->issues, l->g->issue[0]);
	for (i = 0; i < l->cores && !ret; i++)
		ret = order(&e, i);
	if (!ret)
		ret = write_image(&e, image, size);
	for (i = 0; i < l->cores; i++)
		npu_stream_free(e.stream[i]);
	return ret;
}

int npu_graph_compile(struct npu_graph *g, const struct npu_caps *caps,
		      const struct npu_graph_options *options, void **image, size_t *size)
{
	struct npu_lower l = { .g = g, .caps = caps, .float_type = NPU_BF16, .cores = caps->cores };
	int ret;

	*image = NULL;
	*size = 0;
	if (options && options->float_type)
		l.float_type = options->float_type;
	if (l.float_type != NPU_BF16 && l.float_type != NPU_FP16)
		return npu_fail(-EINVAL, "float_type %u: BF16 or FP16", l.float_type);
	if (options && options->cores > caps->cores)
		return npu_fail(-EINVAL, "%u cores; the card has %u", options->cores, caps->cores);
	if (options && options->cores)
		l.cores = options->cores;
	if (!g->outputs)
		return npu_fail(-EINVAL, "the graph has no outputs");
	if (g->outputs > NPU_IMAGE_MAX_TENSORS)
		return npu_fail(-EINVAL, "%u outputs: an image has at most %u tensors", g->outputs,
				NPU_IMAGE_MAX_TENSORS);
	ret = npu_lower_graph(&l);
	if (!ret)
		ret = npu_resident_find(&l);
	if (!ret)
		ret = npu_lower_plan(&l);
	if (!ret)
		ret = npu_lower_emit(&l, image, size);
	npu_lower_free(&l);
	return ret;
}
